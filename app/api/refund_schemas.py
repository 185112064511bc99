"""The shapes of money that goes back."""

from __future__ import annotations

import marshmallow as ma

from app.api.frame import Id, MoneySchema, Schema, list_schema
from app.api.schemas import DonationOut, moment, one_of, paragraphs, text
from app.donations.money_models import REFUND_REASONS, REFUND_STATUSES


class RefundIn(Schema):
    """Give a gift back: without an amount, all that is left of it. `note` is for the organization's own records."""

    amount_minor = ma.fields.Integer(strict=True)
    currency = text(3, 3)
    reason = ma.fields.String(validate=one_of(REFUND_REASONS), load_default=REFUND_REASONS[0])
    note = paragraphs(500, load_default="")


class RefundOut(Schema):
    """Money that goes back to a donor: asked (kept here, not made yet), requires_action (the donor must act), pending,
    succeeded, failed (it came back), canceled, or refused (it was not made); `problem` says why. `note` is of the
    organization's own records."""

    id = Id(required=True)
    amount = ma.fields.Nested(MoneySchema, required=True)
    status = ma.fields.String(required=True, validate=one_of(REFUND_STATUSES))
    reason = ma.fields.String(required=True, validate=one_of(REFUND_REASONS))
    problem = ma.fields.String(required=True, allow_none=True)
    note = ma.fields.String(required=True)
    created_at = moment(required=True)


class RefundedOut(DonationOut):
    """A gift with its refunds, as they were made."""

    refunds = ma.fields.List(ma.fields.Nested(RefundOut), required=True)


RefundList = list_schema(RefundOut, "RefundList")
