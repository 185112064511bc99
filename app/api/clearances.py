"""Clearances: what organizations recorded about people, for their owners and managers, and one's own. Never a document."""

from __future__ import annotations

from typing import Any

import marshmallow as ma
from flask.typing import ResponseReturnValue

from app.accounts.session import current_person
from app.api import frame, present, schemas
from app.core.db import transaction
from app.core.web import allow, signed_in
from app.organizations.models import Organization
from app.organizations.queries import find_organization
from app.safeguarding import operations, queries
from app.safeguarding.models import KIND_CODES, OUTCOMES, Clearance
from app.safeguarding.policy import can_keep_clearance, can_keep_clearances, can_see_clearance

resource = frame.blueprint("clearances", "What organizations recorded about people")


class ClearanceOut(frame.Schema):
    """The recorded fact that a person holds a requirement. `organization` null: the platform's own, of a course that the
    person passed; `outdated`: a newer version of it asks everybody again, and this does not count any more."""

    id = frame.Id(required=True)
    email = ma.fields.String(required=True)
    name = ma.fields.String(required=True)
    organization = ma.fields.String(required=True, allow_none=True)
    kind = ma.fields.String(required=True, validate=schemas.one_of(KIND_CODES))
    level = ma.fields.String(required=True)
    issuer = ma.fields.String(required=True)
    reference = ma.fields.String(required=True)
    outcome = ma.fields.String(required=True, validate=schemas.one_of(OUTCOMES))
    issued_on = ma.fields.String(required=True, metadata=schemas.DATE)
    expires_on = ma.fields.String(required=True, allow_none=True, metadata=schemas.DATE)
    consented_on = ma.fields.String(required=True, allow_none=True, metadata=schemas.DATE)
    recorded_at = schemas.moment(required=True)
    revoked_at = schemas.moment(required=True, allow_none=True)
    revoked_reason = ma.fields.String(required=True)
    objection = ma.fields.String(required=True)
    outdated = ma.fields.Boolean(required=True)


class ClearanceIn(frame.Schema):
    """What was seen. `consented_on`: when the person agreed to a check that needs it first; left out, it is shown as not
    stated. Recording a level that only some roles may ask for states that theirs may."""

    email = schemas.text(254, 3, required=True)
    kind = ma.fields.String(required=True, validate=schemas.one_of(KIND_CODES))
    level = schemas.text(40, load_default="")
    issuer = schemas.text(120, load_default="")
    reference = schemas.text(80, load_default="")
    outcome = ma.fields.String(validate=schemas.one_of(OUTCOMES), load_default="accepted")
    issued_on = ma.fields.Date(required=True)
    expires_on = ma.fields.Date(load_default=None, allow_none=True)
    consented_on = ma.fields.Date(load_default=None, allow_none=True)


class ClearanceQuery(frame.ListQuery):
    """Everybody's, or one person's."""

    email = schemas.text(254)


class RevokeIn(frame.Schema):
    """Why it does not hold any more; the person reads it."""

    reason = schemas.text(300, 1, required=True)


ClearanceList = frame.list_schema(ClearanceOut, "ClearanceList")


@resource.route("/organizations/<slug>/clearances", methods=["GET"])
@allow(can_keep_clearances, load=find_organization, scope="clearances:read")
@resource.arguments(ClearanceQuery, location="query")
@resource.response(200, ClearanceList)
def index(organization: Organization, query: dict[str, Any]) -> ResponseReturnValue:
    """Owners and managers: what the organization recorded and what people share with it, newest first."""
    page = queries.list_clearances_for(
        organization.id, query.get("cursor"), email=query.get("email", ""), limit=query["limit"]
    )
    return frame.page_of(page, present.clearance)


@resource.route("/organizations/<slug>/clearances", methods=["POST"])
@allow(can_keep_clearances, load=find_organization, scope="clearances:write")
@resource.acts(ClearanceOut, takes=ClearanceIn, status=201)
def create(organization: Organization, payload: dict[str, Any]) -> ResponseReturnValue:
    """Owners and managers: record what they saw about somebody else, who hears of it by mail."""
    with transaction():
        made = operations.record_clearance(organization.id, by=current_person(), **payload)
        return frame.answer(201, ClearanceOut, present.clearance(made))


@resource.route("/clearances/<id:clearance_id>", methods=["GET"])
@allow(can_see_clearance, load=queries.find_clearance, scope="clearances:read")
@resource.response(200, ClearanceOut)
def show(clearance: Clearance) -> ResponseReturnValue:
    """Owners and managers of the organization that recorded it or that it is shared with."""
    return frame.with_digest(ClearanceOut, present.clearance(clearance))


@resource.route("/clearances/<id:clearance_id>/revoke", methods=["POST"])
@allow(can_keep_clearance, load=queries.find_clearance, scope="clearances:write")
@resource.acts(ClearanceOut, takes=RevokeIn)
def revoke(clearance: Clearance, payload: dict[str, Any]) -> ResponseReturnValue:
    """It does not hold any more; the person is told why, and places that rest on it end."""
    with transaction():
        revoked = operations.revoke_clearance(clearance.id, by=current_person(), reason=payload["reason"])
        return frame.answer(200, ClearanceOut, present.clearance(revoked))


@resource.route("/me/clearances", methods=["GET"])
@signed_in(scope="clearances:read")
@resource.arguments(frame.ListQuery, location="query")
@resource.response(200, ClearanceList)
def mine(query: dict[str, Any]) -> ResponseReturnValue:
    """Everything recorded about oneself, newest first."""
    page = queries.page_clearances_of(current_person().id, query.get("cursor"), limit=query["limit"])
    return frame.page_of(page, present.clearance)
