"""An organization's books: is all well, where its money is, what does not agree, what it cost, and its lists as CSV."""

from __future__ import annotations

import datetime as dt
from typing import Any

import marshmallow as ma
from flask import Response
from flask.typing import ResponseReturnValue

from app.accounts.models import Person
from app.accounts.session import current_person
from app.api import frame, present, schemas
from app.core.clock import today
from app.core.db import transaction
from app.core.errors import InvalidInput
from app.core.i18n import _
from app.core.web import allow
from app.donations import doctor, gateway, money_queries, money_words
from app.donations.money_forms import YEARS
from app.donations.money_models import MoneyMismatch
from app.donations.operations import mismatches
from app.imports.exports import EXPORTS, PERIODIC, read_whole, record_export, write_whole
from app.organizations.models import Organization
from app.organizations.policy import can_manage_listings, can_manage_people
from app.organizations.queries import find_organization

resource = frame.blueprint("books", "The books of an organization")
CSV = "text/csv"
LEVELS = ("good", "look", "bad")
SUMS = ("given", "went_back", "held_by_banks", "fees", "at_stripe", "on_the_way", "in_person")
# What a token needs to take a list away, besides the one of its organization.
SCOPES = {"signups": "signups:read", "pledges": "pledges:read", "needs": "organizations:read"}


class FindingOut(frame.Schema):
    """One thing that was looked at: good, look (somebody should look) or bad (money does not flow, or is not counted)."""

    level = ma.fields.String(required=True, validate=schemas.one_of(LEVELS))
    title = ma.fields.String(required=True)
    text = ma.fields.String(required=True)
    remedy = ma.fields.String(required=True)


class MoneyStandingOut(frame.Schema):
    """Where an organization's money is, in one currency, from the ledger's entries. `held_by_banks` is of disputes that are not
    decided; what was lost went back."""

    given = ma.fields.Nested(frame.MoneySchema, required=True)
    went_back = ma.fields.Nested(frame.MoneySchema, required=True)
    held_by_banks = ma.fields.Nested(frame.MoneySchema, required=True)
    fees = ma.fields.Nested(frame.MoneySchema, required=True)
    at_stripe = ma.fields.Nested(frame.MoneySchema, required=True)
    on_the_way = ma.fields.Nested(frame.MoneySchema, required=True)
    in_person = ma.fields.Nested(frame.MoneySchema, required=True)


class BooksOut(frame.Schema):
    """Is all well, and where the money is. `differences` are those that nobody has looked at yet; `compared_at` is when accounts
    were last compared with the payment service."""

    findings = ma.fields.List(ma.fields.Nested(FindingOut), required=True)
    standings = ma.fields.List(ma.fields.Nested(MoneyStandingOut), required=True)
    differences = ma.fields.Integer(required=True)
    open_disputes = ma.fields.Integer(required=True)
    compared_at = schemas.moment(required=True, allow_none=True)


class DifferenceOut(frame.Schema):
    """What differs between Stripe and the ledger. Nothing repairs it by itself: a person looks, and says what it was."""

    id = frame.Id(required=True)
    kind = ma.fields.String(required=True)
    title = ma.fields.String(required=True)
    remedy = ma.fields.String(required=True)
    subject = ma.fields.String(required=True)
    detail = ma.fields.String(required=True)
    donation = frame.Id(required=True, allow_none=True)
    found_at = schemas.moment(required=True)
    found_last_at = schemas.moment(required=True)
    seen_at = schemas.moment(required=True, allow_none=True)
    note = ma.fields.String(required=True)


class DifferenceQuery(frame.ListQuery):
    """Those that nobody has looked at, or with `seen` those that somebody has."""

    seen = ma.fields.Boolean(load_default=False)


class SeenIn(frame.Schema):
    """What it was, or what was done about it."""

    note = schemas.paragraphs(500, 1, required=True)


class PeriodQuery(frame.Schema):
    """From a day to a day, both counted, on the organization's clock."""

    from_ = ma.fields.Date(data_key="from", metadata=schemas.DATE)
    to = ma.fields.Date(metadata=schemas.DATE)


class FeeRowOut(frame.Schema):
    """What a fundraiser (null: what belongs to none) brought in a period in one currency, and what that cost; `left` is the
    organization's."""

    fundraiser = ma.fields.String(required=True, allow_none=True)
    title = ma.fields.String(required=True)
    need = ma.fields.String(required=True)
    given = ma.fields.Nested(frame.MoneySchema, required=True)
    went_back = ma.fields.Nested(frame.MoneySchema, required=True)
    fees = ma.fields.Nested(frame.MoneySchema, required=True)
    left = ma.fields.Nested(frame.MoneySchema, required=True)


class FeesOut(frame.Schema):
    """The report of fees of a period, and its sums by currency."""

    from_ = ma.fields.String(required=True, data_key="from", metadata=schemas.DATE)
    to = ma.fields.String(required=True, metadata=schemas.DATE)
    rows = ma.fields.List(ma.fields.Nested(FeeRowOut), required=True)
    totals = ma.fields.List(ma.fields.Nested(FeeRowOut), required=True)


DifferenceList = frame.list_schema(DifferenceOut, "DifferenceList")


def _check_period(query: dict[str, Any]) -> None:
    """Raise InvalidInput for days in the wrong order, or of no century of ours."""
    for name, field in (("from_", "from"), ("to", "to")):
        if name in query and query[name].year not in YEARS:
            said = _("Enter a date between %(first)s and %(last)s", first=YEARS[0], last=YEARS[-1])
            raise InvalidInput({field: said})
    if "from_" in query and "to" in query and query["from_"] > query["to"]:
        raise InvalidInput({"to": _("This day is before the first one")})


@resource.route("/organizations/<slug>/money", methods=["GET"])
@allow(can_manage_listings, load=find_organization, scope="donations:read")
@resource.response(200, BooksOut)
def show(organization: Organization) -> ResponseReturnValue:
    """Is all well, where the money is, and what waits for somebody; for owners and managers."""
    standings = [
        {name: present.money(getattr(standing, name), standing.currency) for name in SUMS}
        for standing in money_queries.list_standings(organization.id)
    ]
    findings = doctor.of_organization(organization)
    books = money_queries.read_books(organization.id, gateway.mode())
    return {
        "findings": [
            {"level": one.level, "title": one.title, "text": one.text, "remedy": one.remedy} for one in findings
        ],
        "standings": standings,
        "differences": books.mismatches,
        "open_disputes": money_queries.count_open_disputes(organization.id),
        "compared_at": frame.iso(books.compared_at),
    }


# --- differences ----------------------------------------------------------------------------------------------------


class _Difference:
    """A difference of an organization."""

    def __init__(self, organization: Organization, row: MoneyMismatch) -> None:
        self.organization, self.row = organization, row


def _find_difference(slug: str, mismatch_id: int) -> _Difference | None:
    organization, row = find_organization(slug), money_queries.find_mismatch(mismatch_id)
    if organization is None or row is None or row.organization_id != organization.id:
        return None
    return _Difference(organization, row)


def _may(person: Person, of: _Difference) -> bool:
    return can_manage_listings(person, of.organization)


def _difference(row: MoneyMismatch) -> dict[str, Any]:
    title, remedy = money_words.mismatch(row.kind)
    return {
        "id": row.id,
        "kind": row.kind,
        "title": str(title),
        "remedy": str(remedy),
        "subject": row.subject,
        "detail": row.detail,
        "donation": row.donation_id,
        "found_at": frame.iso(row.created_at),
        "found_last_at": frame.iso(row.found_last_at),
        "seen_at": frame.iso(row.seen_at),
        "note": row.note,
    }


@resource.route("/organizations/<slug>/differences", methods=["GET"])
@allow(can_manage_listings, load=find_organization, scope="donations:read")
@resource.arguments(DifferenceQuery, location="query")
@resource.response(200, DifferenceList)
def differences(organization: Organization, query: dict[str, Any]) -> ResponseReturnValue:
    """What the nightly comparison found to differ, newest first."""
    page = money_queries.list_mismatches(organization.id, query.get("cursor"), seen=query["seen"], limit=query["limit"])
    return frame.page_of(page, _difference)


@resource.route("/organizations/<slug>/differences/<id:mismatch_id>/seen", methods=["POST"])
@allow(_may, load=_find_difference, scope="donations:write")
@resource.acts(DifferenceOut, takes=SeenIn)
def mark_seen(of: _Difference, payload: dict[str, Any]) -> ResponseReturnValue:
    """Say what a difference was: it is off the list. Twice is once."""
    with transaction():
        seen = mismatches.mark_seen(of.row.id, note=payload["note"], by=current_person())
        return frame.answer(200, DifferenceOut, _difference(seen))


# --- fees and lists -------------------------------------------------------------------------------------------------


def _fee_row(row: money_queries.FeeRow) -> dict[str, Any]:
    sums = {"given": row.given, "went_back": row.went_back, "fees": row.fees, "left": row.net}
    return {
        "fundraiser": row.slug or None,
        "title": row.title,
        "need": row.need,
        **{name: present.money(minor, row.currency) for name, minor in sums.items()},
    }


@resource.route("/organizations/<slug>/fees", methods=["GET"])
@allow(can_manage_listings, load=find_organization, scope="donations:read")
@resource.arguments(PeriodQuery, location="query")
@resource.response(200, FeesOut)
def fees(organization: Organization, query: dict[str, Any]) -> ResponseReturnValue:
    """What each fundraiser and need brought in a period, and what that cost; without days, this year until today."""
    _check_period(query)
    day = today(organization.time_zone)
    first, last = query.get("from_", dt.date(day.year, 1, 1)), query.get("to", day)
    rows = money_queries.list_fees(organization.id, *money_queries.instants(first, last, organization.time_zone))
    return {
        "from_": first.isoformat(),
        "to": last.isoformat(),
        "rows": [_fee_row(row) for row in rows],
        "totals": [_fee_row(row) for row in money_queries.add_up(rows)],
    }


class _Export:
    """A list of an organization."""

    def __init__(self, organization: Organization, name: str) -> None:
        self.organization, self.name = organization, name


def _find_export(slug: str, list_name: str) -> _Export | None:
    organization = find_organization(slug)
    return None if organization is None or list_name not in EXPORTS else _Export(organization, list_name)


def _may_export(person: Person, of: _Export) -> bool:
    return can_manage_people(person, of.organization)


@resource.route("/organizations/<slug>/exports/<list_name>", methods=["GET"])
@allow(_may_export, load=_find_export, scope="organizations:read")
@resource.arguments(PeriodQuery, location="query")
@resource.response(200, {"type": "string"}, content_type=CSV)
def export(of: _Export, query: dict[str, Any]) -> ResponseReturnValue:
    """One list as CSV, as it is now: needs, signups, pledges, donations, gift-aid, journal or fees; donations, journal and fees
    of a period, too. Needs the scope that reads what is in it besides. The audit trail keeps who took it away."""
    organization, name = of.organization, of.name
    frame.require_scope(SCOPES.get(name, "donations:read"))
    since = until = None
    if name in PERIODIC:
        _check_period(query)
        zone = organization.time_zone
        if "from_" in query:
            since, _end = money_queries.instants(query["from_"], query["from_"], zone)
        if "to" in query:
            _begin, until = money_queries.instants(query["to"], query["to"], zone)
    organization_id, slug = organization.id, organization.slug
    with transaction():
        record_export(organization, name, by=current_person())
    whole = write_whole(name, organization_id, since=since, until=until)
    response = Response(read_whole(whole), content_type=f"{CSV}; charset=utf-8")
    response.content_length = whole.tell()
    filename = f"{slug}-{name}-{today('UTC'):%Y-%m-%d}.csv"
    response.headers.set("Content-Disposition", "attachment", filename=filename)
    return response
