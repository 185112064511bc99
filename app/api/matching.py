"""Sponsors who double what is given to a fundraiser: what they promised, what of it is matched and paid."""

from __future__ import annotations

from typing import Any

import marshmallow as ma
from flask.typing import ResponseReturnValue

from app.accounts.models import Person
from app.accounts.session import current_person
from app.api import frame, money_reads, present, schemas
from app.api.money_frame import find_in_sight, read_money
from app.core.clock import today
from app.core.db import transaction
from app.core.web import allow, public
from app.donations import matching, page_parts
from app.donations.tally_models import MatchClaim
from app.fundraisers import matching as promising
from app.fundraisers import policy
from app.fundraisers.models import Fundraiser, MatchingGift
from app.fundraisers.queries import find_fundraiser

resource = frame.blueprint("matching", "Sponsors who double gifts")


class MatchIn(frame.Schema):
    """A sponsor's promise: from the first day (today when it is not given) to the last, it gives as much as others give, up to
    `cap`. Record only what the sponsor agreed to in writing."""

    sponsor = schemas.text(120, 1, required=True)
    cap = ma.fields.Nested(frame.MoneySchema, required=True)
    starts_on = ma.fields.Date(load_default=None, allow_none=True)
    ends_on = ma.fields.Date(required=True)


class MatchPaidIn(frame.Schema):
    """All that a sponsor has paid of its promise, together."""

    paid = ma.fields.Nested(frame.MoneySchema, required=True)


class MatchOut(frame.Schema):
    """A sponsor's promise. `open`: gifts of today are doubled. `matched` is what gifts that still stand have claimed of `cap`,
    `left` the rest of it; of what is matched `paid` has come and `owed` has not."""

    id = frame.Id(required=True)
    sponsor = ma.fields.String(required=True)
    cap = ma.fields.Nested(frame.MoneySchema, required=True)
    matched = ma.fields.Nested(frame.MoneySchema, required=True)
    left = ma.fields.Nested(frame.MoneySchema, required=True)
    paid = ma.fields.Nested(frame.MoneySchema, required=True)
    owed = ma.fields.Nested(frame.MoneySchema, required=True)
    starts_on = ma.fields.String(required=True, metadata=schemas.DATE)
    ends_on = ma.fields.String(required=True, metadata=schemas.DATE)
    open = ma.fields.Boolean(required=True)
    ended = ma.fields.Boolean(required=True)


class ClaimedOut(frame.Schema):
    """What one gift has claimed of a promise; nothing once all of it went back."""

    donation = frame.Id(required=True)
    amount = ma.fields.Nested(frame.MoneySchema, required=True)
    created_at = schemas.moment(required=True)


MatchList = frame.list_schema(MatchOut, "MatchList")
ClaimedList = frame.list_schema(ClaimedOut, "ClaimedList")


def _may_decide(person: Person, match: MatchingGift) -> bool:
    return policy.can_decide(person, match.fundraiser)


def _present(match: page_parts.Match) -> dict[str, Any]:
    sums = {"cap": match.cap, "matched": match.claimed, "left": match.left, "paid": match.paid, "owed": match.owed}
    return {
        "id": match.id,
        "sponsor": match.sponsor,
        **{name: present.money(money.amount_minor, money.currency) for name, money in sums.items()},
        "starts_on": match.starts_on.isoformat(),
        "ends_on": match.ends_on.isoformat(),
        "open": match.is_open,
        "ended": match.is_ended,
    }


def _shown(match: MatchingGift) -> dict[str, Any]:
    return _present(page_parts.match_of(match, today(match.fundraiser.organization.time_zone)))


@resource.route("/fundraisers/<slug>/matches", methods=["GET"])
@public(load=find_in_sight)
@resource.arguments(frame.ListQuery, location="query")
@resource.response(200, MatchList)
def index(fundraiser: Fundraiser, query: dict[str, Any]) -> ResponseReturnValue:
    """What sponsors promised, newest first: not what ended before anything was matched."""
    day = today(fundraiser.organization.time_zone)
    page = page_parts.page_matches(fundraiser.id, day, query.get("cursor"), limit=query["limit"])
    return frame.page_of(page, lambda row: _present(page_parts.match_of(row, day)))


@resource.route("/fundraisers/<slug>/matches", methods=["POST"])
@allow(policy.can_decide, load=find_fundraiser, scope="fundraisers:write")
@resource.acts(MatchOut, takes=MatchIn, status=201)
def create(fundraiser: Fundraiser, payload: dict[str, Any]) -> ResponseReturnValue:
    """Record what a sponsor promised, by an owner or manager of the organization: gifts are doubled from the first day on."""
    zone = fundraiser.organization.time_zone
    with transaction():
        made = promising.promise_match(
            fundraiser.id,
            by=current_person(),
            sponsor=payload["sponsor"],
            cap=read_money(payload["cap"]),
            starts_on=payload["starts_on"] or today(zone),
            ends_on=payload["ends_on"],
        )
        return frame.answer(201, MatchOut, _shown(made))


@resource.route("/matches/<id:match_id>/end", methods=["POST"])
@allow(_may_decide, load=money_reads.find_match, scope="fundraisers:write")
@resource.acts(MatchOut)
def end(match: MatchingGift, _payload: dict[str, Any]) -> ResponseReturnValue:
    """No further gift is doubled; what was matched stays promised. Twice is once."""
    with transaction():
        return frame.answer(200, MatchOut, _shown(promising.end_match(match.id, by=current_person())))


@resource.route("/matches/<id:match_id>/paid", methods=["POST"])
@allow(_may_decide, load=money_reads.find_match, scope="fundraisers:write")
@resource.acts(MatchOut, takes=MatchPaidIn)
def note_paid(match: MatchingGift, payload: dict[str, Any]) -> ResponseReturnValue:
    """Note what the sponsor has paid, all payments together: at most what was matched."""
    with transaction():
        paid = matching.record_match_paid(match.id, by=current_person(), total=read_money(payload["paid"]))
        return frame.answer(200, MatchOut, _shown(paid))


@resource.route("/matches/<id:match_id>/gifts", methods=["GET"])
@allow(_may_decide, load=money_reads.find_match, scope="donations:read")
@resource.arguments(frame.ListQuery, location="query")
@resource.response(200, ClaimedList)
def claims(match: MatchingGift, query: dict[str, Any]) -> ResponseReturnValue:
    """Which gifts were matched, newest first."""
    currency = match.currency

    def shown(row: MatchClaim) -> dict[str, Any]:
        amount = present.money(row.amount_minor, currency)
        return {"donation": row.donation_id, "amount": amount, "created_at": frame.iso(row.created_at)}

    return frame.page_of(money_reads.page_claims(match.id, cursor=query.get("cursor"), limit=query["limit"]), shown)
