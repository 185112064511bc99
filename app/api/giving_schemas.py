"""The shapes of what is sent to give, and of the answer that says where it is paid."""

from __future__ import annotations

from typing import Any

import marshmallow as ma

from app.api.frame import Id, ListQuery, MoneySchema, Schema
from app.api.schemas import one_of, paragraphs, text
from app.donations.gift_aid import WORDINGS
from app.donations.models import DEDICATIONS, DONATION_STATES
from app.donations.queries import STAFF_STATUSES
from app.donations.wishes import GiftAid


class GiftAidIn(Schema):
    """A declaration of Gift Aid by a donor in the United Kingdom, who has read and agreed to the words of `wording` (`GET
    fundraisers/{slug}/giving` has them: those of `gift_aid` are for this gift alone, those of `gift_aid_monthly` hold for every
    month of a monthly one). Name and home address are for the organization's claim to HMRC: no answer has them."""

    wording = ma.fields.String(required=True, validate=one_of(tuple(WORDINGS)))
    first_name = text(60, 1, required=True)
    last_name = text(60, 1, required=True)
    address = text(200, 1, required=True)
    postal_code = text(16, 1, required=True)


NAMES = ("first_name", "last_name", "address", "postal_code")
# What the operation says of its fields is said of the body's.
GIFT_AID_FIELDS = {f"gift_aid_{name}": f"gift_aid.{name}" for name in NAMES}


def read_gift_aid(body: dict[str, Any]) -> GiftAid:
    """The declaration that a body makes."""
    return GiftAid(**{name: body[name] for name in (*NAMES, "wording")})


class DonationIn(Schema):
    """A gift to be made; the answer says where to pay it."""

    amount_minor = ma.fields.Integer(required=True, strict=True)
    currency = text(3, 3, required=True)
    frequency = ma.fields.String(validate=one_of(("once", "monthly")), load_default="once")
    name = text(120, load_default="")
    email = text(254, 3, required=True)
    anonymous = ma.fields.Boolean(load_default=False)
    message = paragraphs(500, load_default="")
    cover_fee = ma.fields.Boolean(
        load_default=False,
        metadata={"description": "the gift stays `amount_minor`; what covers its fee is paid on top"},
    )
    company = text(120, load_default="")
    dedication = ma.fields.String(validate=one_of(DEDICATIONS), load_default="")
    dedicated_to = text(120, load_default="")
    hide_from_starter = ma.fields.Boolean(
        load_default=None, allow_none=True, metadata={"description": "as `anonymous` when it is not given"}
    )
    hide_from_organization = ma.fields.Boolean(load_default=False)
    gift_aid = ma.fields.Nested(GiftAidIn, load_default=None, allow_none=True)


class CheckoutOut(Schema):
    """A gift that was begun, the page where it is paid, and the donor's own page, which needs no account. `monthly_gift` is what
    it is the first month of, null of a gift that is given once."""

    donation_id = Id(required=True)
    monthly_gift = Id(required=True, allow_none=True)
    checkout_url = ma.fields.String(required=True)
    url = ma.fields.String(required=True)


class ResumeIn(Schema):
    """Go on with a gift that was not paid; without an amount, with the same."""

    amount_minor = ma.fields.Integer(strict=True)
    currency = text(3, 3)
    cover_fee = ma.fields.Boolean()


class GivingQuery(Schema):
    """A gift to look at, in minor units of the fundraiser's currency."""

    amount_minor = ma.fields.Integer(
        strict=False, metadata={"description": "what would be paid to cover its fee is told"}
    )


class FeeOut(Schema):
    """What a card payment is taken to cost: a percentage, and an amount."""

    percent = ma.fields.String(required=True, metadata={"example": "2.9"})
    fixed = ma.fields.Nested(MoneySchema, required=True)


class CoveredOut(Schema):
    """A gift, what covers its fee, and what is paid when the donor wants that."""

    gift = ma.fields.Nested(MoneySchema, required=True)
    cover_fee = ma.fields.Nested(MoneySchema, required=True)
    total = ma.fields.Nested(MoneySchema, required=True)


class WordingOut(Schema):
    """What a donor agrees to and must be told to declare Gift Aid."""

    wording = ma.fields.String(required=True)
    agreed = ma.fields.String(required=True)
    told = ma.fields.String(required=True)


class GivingOut(Schema):
    """What a form for giving shows before anything is paid. `covered` is null without an amount; `gift_aid`, and what is agreed
    to for all months, where none can be declared; `statement` says what the organization is, for tax, and may be empty."""

    accepts_gifts = ma.fields.Boolean(required=True)
    currency = ma.fields.String(required=True)
    minimum = ma.fields.Nested(MoneySchema, required=True)
    suggested_amounts = ma.fields.List(ma.fields.Nested(MoneySchema), required=True)
    fee = ma.fields.Nested(FeeOut, required=True)
    covered = ma.fields.Nested(CoveredOut, required=True, allow_none=True)
    gift_aid = ma.fields.Nested(WordingOut, required=True, allow_none=True)
    gift_aid_monthly = ma.fields.Nested(WordingOut, required=True, allow_none=True)
    statement = ma.fields.String(required=True)


class GiftQuery(ListQuery):
    """All gifts that became something, or those of one fundraiser, of one status, or both."""

    fundraiser = text(80)
    status = ma.fields.String(validate=one_of(status for status in DONATION_STATES if status in STAFF_STATUSES))
