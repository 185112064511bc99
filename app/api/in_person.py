"""Gifts in person: recorded by whoever speaks for the fundraiser or by staff, confirmed or taken back."""

from __future__ import annotations

from typing import Any

import marshmallow as ma
from flask.typing import ResponseReturnValue

from app.accounts.models import Person
from app.accounts.session import current_person
from app.api import frame, money_reads, present, schemas
from app.api.money_frame import read_money
from app.core.clock import today
from app.core.db import transaction
from app.core.web import allow, settings
from app.donations.forms import read_email
from app.donations.models import Donation
from app.donations.operations import offline
from app.donations.policy import is_known_to_staff, name_for_starter
from app.fundraisers import policy
from app.fundraisers.models import Fundraiser
from app.fundraisers.queries import find_fundraiser

resource = frame.blueprint("in_person", "Gifts in person: cash, checks, transfers")
# What becomes of one, and the status of its row.
STATES = {"recorded": "recorded", "paid": "paid", "cancelled": "expired"}


class GiftInPersonIn(frame.Schema):
    """A gift in person to be recorded, on a day within the last year. Without `anonymous: false` only the organization reads the
    name."""

    amount = ma.fields.Nested(frame.MoneySchema, required=True)
    name = schemas.text(120, 1, required=True)
    email = schemas.text(254, load_default="", metadata={"description": "if they want to be thanked in writing"})
    received_on = ma.fields.Date(
        load_default=None, allow_none=True, metadata={"description": "today when it is not given"}
    )
    anonymous = ma.fields.Boolean(load_default=True)
    message = schemas.paragraphs(500, load_default="")


class GiftInPersonOut(frame.Schema):
    """A gift in person: recorded (it waits for the organization and does not count), paid (the organization has it) or
    cancelled (taken back). `name` is null to whoever started the page and may not read it; `email` is for staff alone."""

    id = frame.Id(required=True)
    fundraiser = ma.fields.String(required=True)
    amount = ma.fields.Nested(frame.MoneySchema, required=True)
    status = ma.fields.String(required=True, validate=schemas.one_of(STATES))
    name = ma.fields.String(required=True, allow_none=True)
    email = ma.fields.String(required=True, allow_none=True)
    anonymous = ma.fields.Boolean(required=True)
    message = ma.fields.String(required=True)
    received_on = ma.fields.String(required=True, allow_none=True, metadata=schemas.DATE)
    created_at = schemas.moment(required=True)
    confirmed_at = schemas.moment(required=True, allow_none=True)


class InPersonQuery(frame.ListQuery):
    """All of them, or those of one state."""

    status = ma.fields.String(validate=schemas.one_of(STATES))


GiftInPersonList = frame.list_schema(GiftInPersonOut, "GiftInPersonList")


def _present(row: Donation, *, to_staff: bool) -> dict[str, Any]:
    known = to_staff and is_known_to_staff(row)
    return {
        "id": row.id,
        "fundraiser": row.fundraiser.slug,
        "amount": present.money(row.amount_minor, row.currency),
        "status": row.state,
        "name": row.name if known else name_for_starter(row),
        "email": (row.email or None) if known else None,
        "anonymous": row.anonymous,
        "message": row.message,
        "received_on": row.received_on.isoformat() if row.received_on else None,
        "created_at": frame.iso(row.created_at),
        "confirmed_at": frame.iso(row.paid_at),
    }


def _may_tend(person: Person, gift: Donation) -> bool:
    return policy.can_tend(person, gift.fundraiser)


def _may_confirm(person: Person, gift: Donation) -> bool:
    return policy.can_decide(person, gift.fundraiser)


@resource.route("/fundraisers/<slug>/gifts-in-person", methods=["GET"])
@allow(policy.can_tend, load=find_fundraiser, scope="donations:read")
@resource.arguments(InPersonQuery, location="query")
@resource.response(200, GiftInPersonList)
def index(fundraiser: Fundraiser, query: dict[str, Any]) -> ResponseReturnValue:
    """Those of a fundraiser, newest first; for whoever speaks for it and the organization's owners and managers."""
    to_staff = policy.can_decide(current_person(), fundraiser)
    status = STATES[query["status"]] if "status" in query else None
    page = money_reads.page_in_person(fundraiser.id, status=status, cursor=query.get("cursor"), limit=query["limit"])
    return frame.page_of(page, lambda row: _present(row, to_staff=to_staff))


@resource.route("/fundraisers/<slug>/gifts-in-person", methods=["POST"])
@allow(policy.can_tend, load=find_fundraiser, scope="donations:write")
@resource.acts(GiftInPersonOut, takes=GiftInPersonIn, status=201)
def create(fundraiser: Fundraiser, payload: dict[str, Any]) -> ResponseReturnValue:
    """Write one down. What an owner or manager records counts at once; what whoever started the page records counts when one of
    them confirms it."""
    to_staff = policy.can_decide(current_person(), fundraiser)
    zone = fundraiser.organization.time_zone
    with transaction():
        made = offline.record_offline(
            fundraiser.id,
            by=current_person(),
            amount=read_money(payload["amount"]),
            name=payload["name"],
            email=read_email(payload["email"]) if payload["email"] else "",
            message=payload["message"],
            received_on=payload["received_on"] or today(zone),
            anonymous=payload["anonymous"],
            mode=settings().payments_mode,
        )
        return frame.answer(201, GiftInPersonOut, _present(made, to_staff=to_staff))


@resource.route("/gifts-in-person/<id:gift_id>", methods=["GET"])
@allow(_may_tend, load=money_reads.find_in_person, scope="donations:read")
@resource.response(200, GiftInPersonOut)
def show(gift: Donation) -> ResponseReturnValue:
    """One of them."""
    body = _present(gift, to_staff=policy.can_decide(current_person(), gift.fundraiser))
    return frame.with_digest(GiftInPersonOut, body)


@resource.route("/gifts-in-person/<id:gift_id>/confirm", methods=["POST"])
@allow(_may_confirm, load=money_reads.find_in_person, scope="donations:write")
@resource.acts(GiftInPersonOut)
def confirm(gift: Donation, _payload: dict[str, Any]) -> ResponseReturnValue:
    """The organization has the money, says an owner or manager: it counts. Twice is once."""
    with transaction():
        confirmed = offline.confirm_offline(gift.id, by=current_person())
        return frame.answer(200, GiftInPersonOut, _present(confirmed, to_staff=True))


@resource.route("/gifts-in-person/<id:gift_id>/undo", methods=["POST"])
@allow(_may_tend, load=money_reads.find_in_person, scope="donations:write")
@resource.acts(GiftInPersonOut)
def undo(gift: Donation, _payload: dict[str, Any]) -> ResponseReturnValue:
    """The record was wrong, or the money never came: it counts no longer. What staff have confirmed, only staff take back."""
    to_staff = policy.can_decide(current_person(), gift.fundraiser)
    with transaction():
        undone = offline.undo_offline(gift.id, by=current_person())
        return frame.answer(200, GiftInPersonOut, _present(undone, to_staff=to_staff))
