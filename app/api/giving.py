"""What a form for giving shows before anything is paid; and the gifts of an organization, for its owners and managers."""

from __future__ import annotations

import decimal
from typing import Any

from flask.typing import ResponseReturnValue

from app.api import frame, money_reads, present, schemas
from app.api.giving_schemas import GiftQuery, GivingOut, GivingQuery
from app.api.money_frame import fields_named, find_in_sight
from app.core.money import Money, minimum
from app.core.web import allow, public
from app.donations import gift_aid
from app.donations.accounts import can_take_gifts
from app.donations.operations.giving import total_of
from app.donations.receipt_queries import receipts_of
from app.donations.receipt_texts import statement
from app.donations.terms import fee_terms, find_terms
from app.fundraisers.amounts import amounts_of
from app.fundraisers.models import Fundraiser
from app.fundraisers.policy import accepts_gifts
from app.organizations.models import Organization
from app.organizations.policy import can_manage_listings
from app.organizations.queries import find_organization

resource = frame.blueprint("giving", "Before a gift, and an organization's gifts")


def _money(money: Money) -> dict[str, Any]:
    return present.money(money.amount_minor, money.currency)


def _covered(gift: Money, organization_id: int) -> dict[str, Any]:
    with fields_named({"amount": "amount_minor", "cover_fee": "amount_minor"}):
        total = total_of(gift, organization_id, cover_fee=True)
    fee = Money(total.amount_minor - gift.amount_minor, gift.currency)
    return {"gift": _money(gift), "cover_fee": _money(fee), "total": _money(total)}


def _said(version: str, organization: str) -> dict[str, str]:
    agreed, told = gift_aid.wording(version, organization)
    return {"wording": version, "agreed": agreed, "told": told}


@resource.route("/fundraisers/<slug>/giving", methods=["GET"])
@public(load=find_in_sight)
@resource.arguments(GivingQuery, location="query")
@resource.response(200, GivingOut)
def show(fundraiser: Fundraiser, query: dict[str, Any]) -> ResponseReturnValue:
    """What is suggested, what covering the fee of a gift would cost, and the words of Gift Aid. Nothing is kept."""
    organization, currency = fundraiser.organization, fundraiser.currency
    terms = find_terms(organization.id)
    fee = fee_terms(terms, currency)
    claims = gift_aid.is_claimed(organization, currency, terms)
    return {
        "accepts_gifts": can_take_gifts(organization) and accepts_gifts(fundraiser),
        "currency": currency,
        "minimum": _money(minimum(currency)),
        "suggested_amounts": [_money(each) for each in amounts_of(fundraiser.suggested_minor, currency)],
        "fee": {
            "percent": frame.number((decimal.Decimal(fee.share) / 100).normalize()),
            "fixed": present.money(fee.fixed_minor, currency),
        },
        "covered": (
            _covered(Money(query["amount_minor"], currency), organization.id) if "amount_minor" in query else None
        ),
        "gift_aid": _said(gift_aid.ONE_GIFT, organization.name) if claims else None,
        "gift_aid_monthly": _said(gift_aid.EVERY_GIFT, organization.name) if claims else None,
        "statement": statement(organization, terms),
    }


@resource.route("/organizations/<slug>/donations", methods=["GET"])
@allow(can_manage_listings, load=find_organization, scope="donations:read")
@resource.arguments(GiftQuery, location="query")
@resource.response(200, schemas.DonationList)
def gifts(organization: Organization, query: dict[str, Any]) -> ResponseReturnValue:
    """Gifts to an organization that became something, newest first, with the names that donors let it read; for its owners and
    managers."""
    page = money_reads.page_gifts(
        organization.id,
        fundraiser=query.get("fundraiser"),
        status=query.get("status"),
        cursor=query.get("cursor"),
        limit=query["limit"],
    )
    receipts = receipts_of([row.id for row in page.rows])
    return frame.page_of(page, lambda row: present.donation(row, receipts.get(row.id, []), to_donor=False))
