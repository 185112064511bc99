"""An organization's account for online gifts: for its owners."""

from __future__ import annotations

from typing import Any

import marshmallow as ma
from flask.typing import ResponseReturnValue

from app.accounts.session import current_person
from app.api import frame, schemas
from app.api.money_frame import silent
from app.core.web import allow
from app.donations import accounts, gateway
from app.organizations.models import Organization
from app.organizations.policy import can_own
from app.organizations.queries import find_organization

resource = frame.blueprint("payment_accounts", "Through which account at Stripe an organization is paid")


class OnboardingOut(frame.Schema):
    """Where somebody of the organization goes on at Stripe; the address works once and a few minutes."""

    onboarding_url = ma.fields.String(required=True)
    charges_enabled = ma.fields.Boolean(required=True, metadata={"description": "gifts can be paid through it now"})


@resource.route("/organizations/<slug>/payment-account", methods=["POST"])
@allow(can_own, load=find_organization, scope="organizations:write")
@resource.arguments(schemas.Action, required=False)
@resource.response(200, OnboardingOut)
@resource.alt_response(409, schema=frame.ProblemSchema, content_type="application/problem+json")
@resource.alt_response(503, schema=frame.ProblemSchema, content_type="application/problem+json")
def onboard(organization: Organization, _payload: dict[str, Any]) -> ResponseReturnValue:
    """Begin the organization's account at Stripe, or go on with it. There is one, however often this is asked; the address
    is a fresh one each time."""
    try:
        begun = accounts.onboard(organization, by=current_person())
    except gateway.GatewayError:
        return silent()
    return {"onboarding_url": begun.url, "charges_enabled": begun.charges_enabled}
