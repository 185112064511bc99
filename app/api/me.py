"""The person a token belongs to, and what they have promised and given."""

from __future__ import annotations

from typing import Any

import marshmallow as ma
from flask.typing import ResponseReturnValue

from app.accounts.availability import TIMES
from app.accounts.operations import edit_profile
from app.accounts.session import current_person
from app.api import frame, present, queries, schemas
from app.api.frame import Id, Schema
from app.api.fundraiser_schemas import FundraiserList, present_fundraiser
from app.api.schemas import DATE, one_of, text
from app.api.signups import present_all
from app.core.db import transaction
from app.core.web import signed_in
from app.donations.accounts import find_that_take_gifts
from app.donations.queries import list_donations_of, totals
from app.donations.receipt_queries import receipts_of

AVAILABILITY = {"description": "parts of the week, like monday_evening; nobody else is shown them"}


class MeOut(Schema):
    """The person the token belongs to."""

    id = Id(required=True)
    name = ma.fields.String(required=True)
    email = ma.fields.String(required=True)
    birth_date = ma.fields.String(required=True, allow_none=True, metadata=DATE)
    place = ma.fields.String(required=True, allow_none=True)
    time_zone = ma.fields.String(required=True, allow_none=True)
    availability = ma.fields.List(ma.fields.String(), required=True, metadata=AVAILABILITY)
    skills = ma.fields.List(ma.fields.String(), required=True)


class MePatch(Schema):
    """What a person may change of themselves here."""

    name = text(120, 1)
    place = text(120, allow_none=True)
    time_zone = text(
        64, allow_none=True, metadata={"description": "IANA name, or a large town there; null: the one of the place"}
    )
    availability = ma.fields.List(
        ma.fields.String(validate=one_of(TIMES)), validate=ma.validate.Length(max=len(TIMES)), metadata=AVAILABILITY
    )
    skills = ma.fields.List(text(40), validate=ma.validate.Length(max=130))


resource = frame.blueprint("me", "The person the token belongs to")


@resource.route("/me", methods=["GET"])
@signed_in(scope="me:read")
@resource.response(200, MeOut)
def show() -> ResponseReturnValue:
    """Oneself."""
    return present.me(current_person())


@resource.route("/me", methods=["PATCH"])
@signed_in(scope="me:write")
@resource.arguments(MePatch)
@resource.response(200, MeOut)
def edit(payload: dict[str, Any]) -> ResponseReturnValue:
    """Change name, place, time zone, availability or skills."""
    with transaction():
        changed = edit_profile(current_person().id, by=current_person(), **payload)
        return frame.answer(200, MeOut, present.me(changed))


@resource.route("/me/signups", methods=["GET"])
@signed_in(scope="signups:read")
@resource.arguments(frame.ListQuery, location="query")
@resource.response(200, schemas.SignupList)
def signups(query: dict[str, Any]) -> ResponseReturnValue:
    """One's own places, newest first."""
    page = queries.list_signups(person_id=current_person().id, cursor=query.get("cursor"), limit=query["limit"])
    return {"data": present_all(page.rows, staff=False), "next_cursor": page.next_cursor}


@resource.route("/me/pledges", methods=["GET"])
@signed_in(scope="pledges:read")
@resource.arguments(frame.ListQuery, location="query")
@resource.response(200, schemas.PledgeList)
def pledges(query: dict[str, Any]) -> ResponseReturnValue:
    """One's own promises, newest first."""
    page = queries.list_pledges(person_id=current_person().id, cursor=query.get("cursor"), limit=query["limit"])
    return frame.page_of(page, lambda row: present.pledge(row, name=None))


@resource.route("/me/donations", methods=["GET"])
@signed_in(scope="donations:read")
@resource.arguments(frame.ListQuery, location="query")
@resource.response(200, schemas.DonationList)
def donations(query: dict[str, Any]) -> ResponseReturnValue:
    """What one gave while signed in, newest first."""
    page = list_donations_of(current_person().id, query.get("cursor"), limit=query["limit"])
    receipts = receipts_of([row.id for row in page.rows])
    return frame.page_of(page, lambda row: present.donation(row, receipts.get(row.id, [])))


@resource.route("/me/fundraisers", methods=["GET"])
@signed_in(scope="me:read")
@resource.arguments(frame.ListQuery, location="query")
@resource.response(200, FundraiserList)
def fundraisers(query: dict[str, Any]) -> ResponseReturnValue:
    """What one started, in any state, newest first."""
    page = queries.list_fundraisers(current_person().id, cursor=query.get("cursor"), limit=query["limit"])
    raised = totals([row.id for row in page.rows])
    paid = find_that_take_gifts(row.organization_id for row in page.rows)
    return frame.page_of(page, lambda row: present_fundraiser(row, raised[row.id], paid=row.organization_id in paid))
