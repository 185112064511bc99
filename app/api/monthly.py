"""Monthly gifts: for their donors, who change, pause and stop them, and for the organization's owners and managers."""

from __future__ import annotations

from typing import Any

import marshmallow as ma
from flask.typing import ResponseReturnValue

from app.accounts.models import Person
from app.accounts.session import current_person
from app.api import frame, money_reads, present, schemas
from app.api.money_frame import check_on, read_money, silent
from app.api.money_reads import MonthlyOf
from app.core.db import transaction
from app.core.web import allow, signed_in
from app.donations import gateway, monthly, policy
from app.donations.monthly_models import ENDED_BY, MONTHLY_STATUSES
from app.donations.receipt_queries import receipts_of
from app.organizations.models import Organization
from app.organizations.policy import can_manage_listings
from app.organizations.queries import find_organization

resource = frame.blueprint("monthly", "What is given every month")


class MonthlyOut(frame.Schema):
    """What somebody gives every month: active, past_due (the last month was declined, and is tried again), paused, or ended
    (`ended_by` says by whom or what; `stopping` until the payment service has heard of it), and pending before its first month is
    paid. `changing_to` is an amount that was asked for and is not confirmed yet. `name`, `company` and `email` are null to the
    staff of an organization the donor hides from; `url`, the donor's own page, is for the donor alone."""

    id = frame.Id(required=True)
    fundraiser = ma.fields.String(required=True)
    amount = ma.fields.Nested(frame.MoneySchema, required=True)
    changing_to = ma.fields.Nested(frame.MoneySchema, required=True, allow_none=True)
    status = ma.fields.String(required=True, validate=schemas.one_of(MONTHLY_STATUSES))
    stopping = ma.fields.Boolean(required=True)
    ended_by = ma.fields.String(required=True, allow_none=True, validate=schemas.one_of(ENDED_BY))
    name = ma.fields.String(required=True, allow_none=True)
    company = ma.fields.String(required=True, allow_none=True)
    email = ma.fields.String(required=True, allow_none=True)
    next_at = schemas.moment(required=True, allow_none=True)
    created_at = schemas.moment(required=True)
    ended_at = schemas.moment(required=True, allow_none=True)
    url = ma.fields.String(required=True, allow_none=True)


class MonthlyAmountIn(frame.Schema):
    """Another amount, from the next month on."""

    amount = ma.fields.Nested(frame.MoneySchema, required=True)


class CardPageOut(frame.Schema):
    """Where the donor puts in another card: the address works once and a few minutes."""

    url = ma.fields.String(required=True)


class MonthlyQuery(frame.ListQuery):
    """All whose first month was paid, or those of one status."""

    status = ma.fields.String(validate=schemas.one_of(status for status in MONTHLY_STATUSES if status != "pending"))


MonthlyList = frame.list_schema(MonthlyOut, "MonthlyList")


def _may_see(person: Person, of: MonthlyOf) -> bool:
    return policy.can_see(person, of.first) if of.is_paid else policy.is_donor(person, of.first)


def _is_donor(person: Person, of: MonthlyOf) -> bool:
    return policy.is_donor(person, of.first)


def _present(of: MonthlyOf, *, to_donor: bool) -> dict[str, Any]:
    gift, first = of.gift, of.first
    named = to_donor or policy.is_known_to_staff(first)
    wanted = gift.wanted_minor
    return {
        "id": gift.id,
        "fundraiser": gift.fundraiser.slug,
        "amount": present.money(gift.amount_minor, gift.currency),
        "changing_to": None if wanted is None else present.money(wanted, gift.currency),
        "status": gift.status,
        "stopping": gift.stop_asked_at is not None and gift.status != "ended",
        "ended_by": gift.ended_by or None,
        "name": first.name if named else None,
        "company": first.company if named else None,
        "email": first.email if named else None,
        "next_at": frame.iso(gift.next_at) if gift.is_live else None,
        "created_at": frame.iso(gift.created_at),
        "ended_at": frame.iso(gift.ended_at),
        "url": monthly.own_url(gift.id) if to_donor else None,
    }


@resource.route("/me/monthly-gifts", methods=["GET"])
@signed_in(scope="donations:read")
@resource.arguments(MonthlyQuery, location="query")
@resource.response(200, MonthlyList)
def mine(query: dict[str, Any]) -> ResponseReturnValue:
    """What one began to give every month while signed in, newest first."""
    page = money_reads.page_monthly(
        person_id=current_person().id, status=query.get("status"), cursor=query.get("cursor"), limit=query["limit"]
    )
    return frame.page_of(page, lambda of: _present(of, to_donor=True))


@resource.route("/organizations/<slug>/monthly-gifts", methods=["GET"])
@allow(can_manage_listings, load=find_organization, scope="donations:read")
@resource.arguments(MonthlyQuery, location="query")
@resource.response(200, MonthlyList)
def index(organization: Organization, query: dict[str, Any]) -> ResponseReturnValue:
    """What is given to an organization every month, newest first; for its owners and managers."""
    page = money_reads.page_monthly(
        organization_id=organization.id, status=query.get("status"), cursor=query.get("cursor"), limit=query["limit"]
    )
    return frame.page_of(page, lambda of: _present(of, to_donor=False))


@resource.route("/monthly-gifts/<id:monthly_id>", methods=["GET"])
@allow(_may_see, load=money_reads.find_monthly, scope="donations:read")
@resource.response(200, MonthlyOut)
def show(of: MonthlyOf) -> ResponseReturnValue:
    """One of them, as far as we know of it now."""
    return frame.with_digest(MonthlyOut, _present(of, to_donor=_is_donor(current_person(), of)))


@resource.route("/monthly-gifts/<id:monthly_id>/donations", methods=["GET"])
@allow(_may_see, load=money_reads.find_monthly, scope="donations:read")
@resource.arguments(frame.ListQuery, location="query")
@resource.response(200, schemas.DonationList)
def months(of: MonthlyOf, query: dict[str, Any]) -> ResponseReturnValue:
    """Its months that were paid or are on their way, newest first: each is a gift of its own."""
    to_donor = _is_donor(current_person(), of)
    page = money_reads.page_months(of.gift.id, cursor=query.get("cursor"), limit=query["limit"])
    receipts = receipts_of([row.id for row in page.rows])
    return frame.page_of(page, lambda row: present.donation(row, receipts.get(row.id, []), to_donor=to_donor))


def _after(gift_id: int) -> ResponseReturnValue:
    """It as it is now, to its donor."""
    with transaction():
        fresh = money_reads.find_monthly(gift_id)
        if fresh is None:
            raise LookupError("monthly gift")
        return frame.answer(200, MonthlyOut, _present(fresh, to_donor=True))


@resource.route("/monthly-gifts/<id:monthly_id>/amount", methods=["POST"])
@allow(_is_donor, load=money_reads.find_monthly, scope="donations:write")
@resource.acts(MonthlyOut, takes=MonthlyAmountIn, silent=True)
def change_amount(of: MonthlyOf, payload: dict[str, Any]) -> ResponseReturnValue:
    """Give another amount, from the next month on."""
    check_on()
    gift_id = of.gift.id
    try:
        monthly.change_amount(gift_id, read_money(payload["amount"]))
    except gateway.GatewayError as error:
        return silent(error)
    return _after(gift_id)


def _pause(gift_id: int, *, paused: bool) -> ResponseReturnValue:
    check_on()
    try:
        monthly.pause(gift_id, paused=paused)
    except gateway.GatewayError as error:
        return silent(error)
    return _after(gift_id)


@resource.route("/monthly-gifts/<id:monthly_id>/pause", methods=["POST"])
@allow(_is_donor, load=money_reads.find_monthly, scope="donations:write")
@resource.acts(MonthlyOut, silent=True)
def pause(of: MonthlyOf, _payload: dict[str, Any]) -> ResponseReturnValue:
    """No month is paid until it is resumed."""
    return _pause(of.gift.id, paused=True)


@resource.route("/monthly-gifts/<id:monthly_id>/resume", methods=["POST"])
@allow(_is_donor, load=money_reads.find_monthly, scope="donations:write")
@resource.acts(MonthlyOut, silent=True)
def resume(of: MonthlyOf, _payload: dict[str, Any]) -> ResponseReturnValue:
    """Months are paid again, from the next one on."""
    return _pause(of.gift.id, paused=False)


@resource.route("/monthly-gifts/<id:monthly_id>/stop", methods=["POST"])
@allow(_is_donor, load=money_reads.find_monthly, scope="donations:write")
@resource.acts(MonthlyOut)
def stop(of: MonthlyOf, _payload: dict[str, Any]) -> ResponseReturnValue:
    """End it. It is promised at once, whether or not the payment service answers: `stopping` until it has. Twice is once."""
    check_on()
    gift_id = of.gift.id
    monthly.stop_by_donor(gift_id)
    return _after(gift_id)


@resource.route("/monthly-gifts/<id:monthly_id>/card", methods=["POST"])
@allow(_is_donor, load=money_reads.find_monthly, scope="donations:write")
@resource.arguments(frame.Action, required=False)
@resource.response(200, CardPageOut)
@resource.alt_response(409, schema=frame.ProblemSchema, content_type="application/problem+json")
@resource.alt_response(503, schema=frame.ProblemSchema, content_type="application/problem+json")
def card(of: MonthlyOf, _payload: dict[str, Any]) -> ResponseReturnValue:
    """The way to put in another card; a fresh address each time."""
    check_on()
    try:
        return {"url": monthly.open_card_page(of.gift.id)}
    except gateway.GatewayError as error:
        return silent(error)
