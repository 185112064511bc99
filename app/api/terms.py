"""What an organization says about gifts of money to it: its number, its fee, the text of its receipts."""

from __future__ import annotations

import decimal
from typing import Any

import marshmallow as ma
from flask.typing import ResponseReturnValue

from app.accounts.session import current_person
from app.api import frame, present, schemas
from app.api.money_frame import fields_named, read_money
from app.core.db import transaction
from app.core.errors import InvalidInput
from app.core.i18n import _
from app.core.web import allow
from app.donations import receipt_texts
from app.donations.fees import FeeTerms, default_terms
from app.donations.operations.terms import edit_terms
from app.donations.receipt_models import GivingTerms
from app.donations.terms import find_terms
from app.organizations.models import Organization
from app.organizations.policy import can_manage_listings
from app.organizations.queries import find_organization

resource = frame.blueprint("terms", "What stands on an organization's receipts, and what it pays for cards")
PERCENT = {"example": "2.9", "description": "decimal string, hundredths at most"}


class CardFeeOut(frame.Schema):
    """What a card payment costs: a percentage of what is paid, and an amount."""

    percent = ma.fields.String(required=True, metadata=PERCENT)
    fixed = ma.fields.Nested(frame.MoneySchema, required=True)


class GivingTermsOut(frame.Schema):
    """The number under which receipts name the organization, the text of its own ("": `default_text`, that of its country) with
    the placeholders that it may have and must, and what it pays for a card payment (null: what is published)."""

    tax_id = ma.fields.String(required=True)
    claims_gift_aid = ma.fields.Boolean(required=True)
    receipt_text = ma.fields.String(required=True)
    default_text = ma.fields.String(required=True)
    placeholders = ma.fields.List(ma.fields.String(), required=True)
    required_placeholders = ma.fields.List(ma.fields.String(), required=True)
    fee = ma.fields.Nested(CardFeeOut, required=True, allow_none=True)
    published_fee = ma.fields.Nested(CardFeeOut, required=True)


class CardFeeIn(frame.Schema):
    """What a card payment costs, in the organization's currency."""

    percent = schemas.text(8, 1, required=True, metadata=PERCENT)
    fixed = ma.fields.Nested(frame.MoneySchema, required=True)


class GivingTermsPatch(frame.Schema):
    """What is to change; receipts that were issued stay as they are."""

    tax_id = schemas.text(40)
    claims_gift_aid = ma.fields.Boolean()
    receipt_text = schemas.paragraphs(receipt_texts.MAXIMUM_TEXT)
    fee = ma.fields.Nested(CardFeeIn, allow_none=True)


def _fee(terms: FeeTerms, currency: str) -> dict[str, Any]:
    percent = frame.number((decimal.Decimal(terms.share) / 100).normalize())
    return {"percent": percent, "fixed": present.money(terms.fixed_minor, currency)}


def _own_fee(terms: GivingTerms, currency: str) -> FeeTerms | None:
    if terms.fee_share is None or terms.fee_fixed_minor is None or terms.fee_currency != currency:
        return None
    return FeeTerms(terms.fee_share, terms.fee_fixed_minor)


def _present(organization: Organization, terms: GivingTerms) -> dict[str, Any]:
    country, currency, own = organization.country, organization.currency, _own_fee(terms, organization.currency)
    return {
        "tax_id": terms.tax_id,
        "claims_gift_aid": terms.claims_gift_aid,
        "receipt_text": terms.receipt_text,
        "default_text": receipt_texts.default_text(country, has_tax_id=bool(terms.tax_id)),
        "placeholders": [f"{{{name}}}" for name in receipt_texts.PLACEHOLDERS],
        "required_placeholders": [f"{{{name}}}" for name in receipt_texts.required(country)],
        "fee": None if own is None else _fee(own, currency),
        "published_fee": _fee(default_terms(currency), currency),
    }


def _read_fee(body: dict[str, Any], currency: str) -> FeeTerms:
    """What a body says of the fee. Raises InvalidInput."""
    fixed, wrong = read_money(body["fixed"]), {}
    try:
        share = decimal.Decimal(body["percent"]) * 100
    except ArithmeticError:  # no number, or one beyond all numbers
        share = decimal.Decimal(-1)
    if not share.is_finite() or share != share.to_integral_value() or not 0 <= share <= 10_000:
        wrong["fee.percent"] = _("Enter a percentage between 0 and 20")
    if fixed.currency != currency:
        wrong["fee.fixed"] = _("This organization raises money in %(currency)s", currency=currency)
    elif not 0 <= fixed.amount_minor < 10**8:
        wrong["fee.fixed"] = _("Enter what a card payment costs")
    if wrong:
        raise InvalidInput(wrong)
    return FeeTerms(int(share), fixed.amount_minor)


@resource.route("/organizations/<slug>/giving-terms", methods=["GET"])
@allow(can_manage_listings, load=find_organization, scope="organizations:read")
@resource.response(200, GivingTermsOut)
def show(organization: Organization) -> ResponseReturnValue:
    """What the organization says; for owners and managers."""
    return _present(organization, find_terms(organization.id))


@resource.route("/organizations/<slug>/giving-terms", methods=["PATCH"])
@allow(can_manage_listings, load=find_organization, scope="organizations:write")
@resource.arguments(GivingTermsPatch)
@resource.response(200, GivingTermsOut)
def edit(organization: Organization, payload: dict[str, Any]) -> ResponseReturnValue:
    """Say it anew."""
    currency, slug = organization.currency, organization.slug
    fee = None
    if payload.get("fee") is not None:
        fee = _read_fee(payload["fee"], currency)
    with transaction(), fields_named({"fee_percent": "fee.percent"}):
        now = find_terms(organization.id)
        changed = edit_terms(
            organization.id,
            by=current_person(),
            tax_id=payload.get("tax_id", now.tax_id),
            claims_gift_aid=payload.get("claims_gift_aid", now.claims_gift_aid),
            receipt_text=payload.get("receipt_text", now.receipt_text),
            fee=fee if "fee" in payload else _own_fee(now, currency),
        )
        fresh = find_organization(slug)
        if fresh is None:
            raise LookupError("organization")
        return frame.answer(200, GivingTermsOut, _present(fresh, changed))
