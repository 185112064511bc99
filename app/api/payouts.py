"""Payouts: how an organization's money, and a fundraiser's, comes to the bank; for owners and managers."""

from __future__ import annotations

from typing import Any

import marshmallow as ma
from flask.typing import ResponseReturnValue

from app.accounts.models import Person
from app.api import frame, money_reads, present, schemas
from app.api.money_reads import LineOf
from app.core.web import allow
from app.donations import money_words
from app.donations.models import Donation
from app.donations.money_models import PAYOUT_STATUSES, Payout
from app.donations.money_queries import PayoutShare, find_payout_of, list_payouts
from app.donations.policy import can_refund
from app.donations.queries import find_donation
from app.fundraisers.models import Fundraiser
from app.fundraisers.policy import can_decide
from app.fundraisers.queries import find_fundraiser
from app.organizations.models import Organization
from app.organizations.policy import can_manage_listings
from app.organizations.queries import find_organization

resource = frame.blueprint("payouts", "The way to the bank")


class PayoutOut(frame.Schema):
    """Money on its way from Stripe to a bank account; `problem` is Stripe's code of why it did not arrive. `complete`: what it
    carries adds up to its amount."""

    id = frame.Id(required=True)
    amount = ma.fields.Nested(frame.MoneySchema, required=True)
    status = ma.fields.String(required=True, validate=schemas.one_of(PAYOUT_STATUSES))
    arrives_on = ma.fields.String(required=True, metadata=schemas.DATE)
    automatic = ma.fields.Boolean(required=True)
    complete = ma.fields.Boolean(required=True)
    problem = ma.fields.String(required=True, allow_none=True)
    created_at = schemas.moment(required=True)


class PayoutLineOut(frame.Schema):
    """What a payout carries, as far as it is the organization's: a gift, money that went back, a fee. `net` is what it adds."""

    kind = ma.fields.String(required=True)
    title = ma.fields.String(required=True)
    donation = frame.Id(required=True, allow_none=True)
    fundraiser = ma.fields.String(required=True, allow_none=True)
    amount = ma.fields.Nested(frame.MoneySchema, required=True)
    fee = ma.fields.Nested(frame.MoneySchema, required=True)
    net = ma.fields.Nested(frame.MoneySchema, required=True)


class PayoutShareOut(frame.Schema):
    """A payout, and what of it is one fundraiser's or one gift's: gifts less what went back, their fees, and what arrives."""

    payout = ma.fields.Nested(PayoutOut, required=True)
    amount = ma.fields.Nested(frame.MoneySchema, required=True)
    fees = ma.fields.Nested(frame.MoneySchema, required=True)
    net = ma.fields.Nested(frame.MoneySchema, required=True)


PayoutList = frame.list_schema(PayoutOut, "PayoutList")
PayoutLineList = frame.list_schema(PayoutLineOut, "PayoutLineList")
PayoutShareList = frame.list_schema(PayoutShareOut, "PayoutShareList")


class _Of:
    """A payout that carries money of an organization."""

    def __init__(self, organization: Organization, payout: Payout) -> None:
        self.organization, self.payout = organization, payout


def _find(slug: str, payout_id: int) -> _Of | None:
    organization = find_organization(slug)
    payout = None if organization is None else find_payout_of(organization.id, payout_id)
    return None if organization is None or payout is None else _Of(organization, payout)


def _may(person: Person, of: _Of) -> bool:
    return can_manage_listings(person, of.organization)


def _present(row: Payout) -> dict[str, Any]:
    return {
        "id": row.id,
        "amount": present.money(row.amount_minor, row.currency),
        "status": row.status,
        "arrives_on": row.arrives_on.isoformat(),
        "automatic": row.automatic,
        "complete": row.is_complete,
        "problem": row.problem or None,
        "created_at": frame.iso(row.created_at),
    }


def _line(of: LineOf) -> dict[str, Any]:
    row = of.line
    return {
        "kind": row.kind,
        "title": str(money_words.line(row.kind)),
        "donation": row.donation_id,
        "fundraiser": of.fundraiser or None,
        "amount": present.money(row.amount_minor, row.currency),
        "fee": present.money(row.fee_minor, row.currency),
        "net": present.money(row.amount_minor - row.fee_minor, row.currency),
    }


def _share(of: PayoutShare) -> dict[str, Any]:
    sums = {"amount": of.amount, "fees": of.fees, "net": of.net}
    shown = {name: present.money(money.amount_minor, money.currency) for name, money in sums.items()}
    return {"payout": _present(of.payout), **shown}


@resource.route("/organizations/<slug>/payouts", methods=["GET"])
@allow(can_manage_listings, load=find_organization, scope="donations:read")
@resource.arguments(frame.ListQuery, location="query")
@resource.response(200, PayoutList)
def index(organization: Organization, query: dict[str, Any]) -> ResponseReturnValue:
    """Payouts that carry money of an organization, newest first."""
    return frame.page_of(list_payouts(organization.id, query.get("cursor"), limit=query["limit"]), _present)


@resource.route("/organizations/<slug>/payouts/<id:payout_id>", methods=["GET"])
@allow(_may, load=_find, scope="donations:read")
@resource.response(200, PayoutOut)
def show(of: _Of) -> ResponseReturnValue:
    """One of them."""
    return frame.with_digest(PayoutOut, _present(of.payout))


@resource.route("/organizations/<slug>/payouts/<id:payout_id>/lines", methods=["GET"])
@allow(_may, load=_find, scope="donations:read")
@resource.arguments(frame.ListQuery, location="query")
@resource.response(200, PayoutLineList)
def lines(of: _Of, query: dict[str, Any]) -> ResponseReturnValue:
    """What it carries of the organization's."""
    page = money_reads.page_lines(of.payout.id, of.organization.id, cursor=query.get("cursor"), limit=query["limit"])
    return frame.page_of(page, _line)


@resource.route("/fundraisers/<slug>/payouts", methods=["GET"])
@allow(can_decide, load=find_fundraiser, scope="donations:read")
@resource.arguments(frame.ListQuery, location="query")
@resource.response(200, PayoutShareList)
def trail(fundraiser: Fundraiser, query: dict[str, Any]) -> ResponseReturnValue:
    """The way of a fundraiser's money to the bank: each payout that carries some of it, newest first."""
    page = money_reads.page_trail(fundraiser_id=fundraiser.id, cursor=query.get("cursor"), limit=query["limit"])
    return frame.page_of(page, _share)


@resource.route("/donations/<id:donation_id>/payouts", methods=["GET"])
@allow(can_refund, load=find_donation, scope="donations:read")
@resource.arguments(frame.ListQuery, location="query")
@resource.response(200, PayoutShareList)
def trail_of_gift(donation: Donation, query: dict[str, Any]) -> ResponseReturnValue:
    """The way of a gift, and of what went back of it, to the bank; newest first."""
    page = money_reads.page_trail(donation_id=donation.id, cursor=query.get("cursor"), limit=query["limit"])
    return frame.page_of(page, _share)
