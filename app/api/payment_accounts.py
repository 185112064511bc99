"""An organization's account for online gifts: begun by its owners."""

from __future__ import annotations

from typing import Any

import marshmallow as ma
from flask.typing import ResponseReturnValue

from app.accounts.session import current_person
from app.api import frame, schemas
from app.api.money_frame import silent
from app.core.web import allow
from app.donations import accounts, gateway, payees, words
from app.organizations.models import Organization
from app.organizations.policy import can_manage_listings, can_own
from app.organizations.queries import find_organization

resource = frame.blueprint("payment_accounts", "Through which account at Stripe an organization is paid")

STATES = ("none", "begun", "review", "restricted", "ready", "deauthorized")


class OnboardingOut(frame.Schema):
    """Where somebody of the organization goes on at Stripe; the address works once and a few minutes."""

    onboarding_url = ma.fields.String(required=True)
    charges_enabled = ma.fields.Boolean(required=True, metadata={"description": "gifts can be paid through it now"})


class PaymentAccountOut(frame.Schema):
    """How the organization's account stands: none (it never began one), begun, review, restricted, ready or deauthorized.
    `due` is what Stripe asks for now, in words; `stopped` why it takes no payments. `accepts_gifts`: donors can give."""

    status = ma.fields.String(required=True, validate=schemas.one_of(STATES))
    charges_enabled = ma.fields.Boolean(required=True)
    payouts_enabled = ma.fields.Boolean(required=True)
    due = ma.fields.List(ma.fields.String(), required=True)
    stopped = ma.fields.String(required=True)
    accepts_gifts = ma.fields.Boolean(required=True)
    dashboard_url = ma.fields.String(
        required=True, allow_none=True, metadata={"description": "where its owners see it at Stripe"}
    )


@resource.route("/organizations/<slug>/payment-account", methods=["GET"])
@allow(can_manage_listings, load=find_organization, scope="organizations:read")
@resource.response(200, PaymentAccountOut)
def show(organization: Organization) -> ResponseReturnValue:
    """As Stripe last told it; for owners and managers."""
    account = payees.find_account(organization.id, gateway.mode())
    stopped = words.stopped(account.disabled_reason) if account is not None else ""
    return {
        "status": "none" if account is None else account.state,
        "charges_enabled": account is not None and account.can_charge,
        "payouts_enabled": account is not None and account.payouts_enabled,
        "due": [] if account is None else [str(said) for said in words.requirements(account.requirements)],
        "stopped": str(stopped),
        "accepts_gifts": accounts.can_take_gifts(organization),
        "dashboard_url": accounts.dashboard_url(account) if gateway.is_on() else None,
    }


@resource.route("/organizations/<slug>/payment-account", methods=["POST"])
@allow(can_own, load=find_organization, scope="organizations:write")
@resource.arguments(frame.Action, required=False)
@resource.response(200, OnboardingOut)
@resource.alt_response(409, schema=frame.ProblemSchema, content_type="application/problem+json")
@resource.alt_response(503, schema=frame.ProblemSchema, content_type="application/problem+json")
def onboard(organization: Organization, _payload: dict[str, Any]) -> ResponseReturnValue:
    """Begin the organization's account at Stripe, or go on with it. There is one, however often this is asked; the address
    is a fresh one each time."""
    try:
        begun = accounts.onboard(organization, by=current_person())
    except gateway.GatewayError as error:
        return silent(error)
    return {"onboarding_url": begun.url, "charges_enabled": begun.charges_enabled}
