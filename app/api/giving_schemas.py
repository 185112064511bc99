"""The shapes of what is sent to give, and of the answer that says where it is paid."""

from __future__ import annotations

import marshmallow as ma

from app.api.frame import Id, Schema
from app.api.schemas import one_of, paragraphs, text
from app.donations.models import DEDICATIONS


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
