"""Gifts: one, for its donor and for the organization's owners and managers; its donor goes on with it or
cancels it, its organization gives it back."""

from __future__ import annotations

from typing import Any

import marshmallow as ma
import structlog
from flask import request
from flask.typing import ResponseReturnValue

from app.accounts.session import current_person
from app.api import frame, giving_schemas, money_reads, present, schemas
from app.api.money_frame import check_on, silent
from app.api.refund_schemas import RefundedOut, RefundIn, RefundList
from app.core.db import transaction
from app.core.errors import refuse
from app.core.i18n import _
from app.core.money import Money
from app.core.tokens import keyed_hash
from app.core.web import allow
from app.donations import checkout, gateway, going_back, policy
from app.donations.models import Donation
from app.donations.money_queries import list_refunds_of
from app.donations.operations import refunds
from app.donations.operations.declarations import cancel_declaration
from app.donations.operations.giving import form_key
from app.donations.queries import find_donation
from app.donations.receipt_queries import receipts_of

resource = frame.blueprint("donations", "Gifts")
log = structlog.get_logger(__name__)


@resource.route("/donations/<id:donation_id>", methods=["GET"])
@allow(policy.can_see, load=find_donation, scope="donations:read")
@resource.response(200, schemas.DonationOut)
def show(donation: Donation) -> ResponseReturnValue:
    """One gift, as far as we know of it now."""
    receipts = receipts_of([donation.id]).get(donation.id, [])
    body = present.donation(donation, receipts, to_donor=policy.is_donor(current_person(), donation))
    return frame.with_digest(schemas.DonationOut, body)


def _whole(donation_id: int) -> ResponseReturnValue:
    with transaction():
        fresh = find_donation(donation_id)
        if fresh is None:
            raise LookupError("donation")
        return frame.answer(
            200, schemas.DonationOut, present.donation(fresh, receipts_of([donation_id]).get(donation_id, []))
        )


@resource.route("/donations/<id:donation_id>/resume", methods=["POST"])
@allow(policy.is_donor, load=find_donation, scope="donations:write")
@resource.acts(schemas.DonationOut, takes=giving_schemas.ResumeIn, required=False, silent=True)
def resume(donation: Donation, payload: dict[str, Any]) -> ResponseReturnValue:
    """Go on with a gift that was not paid, with the same or another amount; the answer says where. A gift that was paid in
    the meantime, or is on its way, stays as it is."""
    check_on()
    donation_id = donation.id
    currency = payload.get("currency", donation.currency).upper()
    amount = Money(payload.get("amount_minor", donation.gift_minor), currency)
    try:
        checkout.resume(donation_id, amount, cover_fee=payload.get("cover_fee"))
    except gateway.GatewayError as error:
        return silent(error)
    return _whole(donation_id)


@resource.route("/donations/<id:donation_id>/cancel", methods=["POST"])
@allow(policy.is_donor, load=find_donation, scope="donations:write")
@resource.acts(schemas.DonationOut, silent=True)
def cancel(donation: Donation, _payload: dict[str, Any]) -> ResponseReturnValue:
    """Close the page of a gift that was not paid. What was paid, or is on its way, stays."""
    check_on()
    donation_id = donation.id
    try:
        checkout.cancel(donation_id)
    except gateway.GatewayError as error:
        return silent(error)
    return _whole(donation_id)


class DeclarationOut(frame.Schema):
    """A Gift Aid declaration as its donor reads of it: in which words, since when, and when they cancelled it."""

    wording = ma.fields.String(required=True)
    declared_at = schemas.moment(required=True)
    cancelled_at = schemas.moment(required=True, allow_none=True)


@resource.route("/donations/<id:donation_id>/gift-aid/cancel", methods=["POST"])
@allow(policy.is_donor, load=find_donation, scope="donations:write")
@resource.acts(DeclarationOut)
def cancel_gift_aid(donation: Donation, _payload: dict[str, Any]) -> ResponseReturnValue:
    """Cancel the Gift Aid declaration of a gift; one for every month is cancelled for all. Nothing more is claimed by it."""
    with transaction():
        declared = cancel_declaration(donation.id, by=current_person())
        body = {
            "wording": declared.text_version,
            "declared_at": frame.iso(declared.declared_at),
            "cancelled_at": frame.iso(declared.cancelled_at),
        }
        return frame.answer(200, DeclarationOut, body)


@resource.route("/donations/<id:donation_id>/refunds", methods=["GET"])
@allow(policy.can_refund, load=find_donation, scope="donations:read")
@resource.arguments(frame.ListQuery, location="query")
@resource.response(200, RefundList)
def all_refunds(donation: Donation, query: dict[str, Any]) -> ResponseReturnValue:
    """What went back of a gift, or is to, newest first; for owners and managers of the organization."""
    page = money_reads.page_refunds(donation.id, cursor=query.get("cursor"), limit=query["limit"])
    return frame.page_of(page, present.refund)


@resource.route("/donations/<id:donation_id>/refund", methods=["POST"])
@allow(policy.can_refund, load=find_donation, scope="donations:write")
@resource.acts(RefundedOut, takes=RefundIn, required=False)
def refund(donation: Donation, payload: dict[str, Any]) -> ResponseReturnValue:
    """Give a gift back to its donor, by an owner or manager of the organization: all that is left of it, or `amount_minor`.
    When the payment service does not answer, the refund is kept (`asked`) and made as soon as it does, once."""
    check_on()
    donation_id, currency = donation.id, payload.get("currency", donation.currency).upper()
    amount = Money(payload["amount_minor"], currency) if "amount_minor" in payload else None
    # The key is the refund's own, as it is a gift's: a crash before our answer is kept makes no second one.
    sent_key = request.headers.get("Idempotency-Key")
    key = None
    if sent_key:
        key = keyed_hash("refund-key", form_key(frame.caller(), sent_key, donation_id, request.get_data()))
    with transaction():
        refund_id = refunds.start_refund(
            donation_id,
            amount=amount,
            reason=payload["reason"],
            note=payload["note"],
            by=current_person(),
            mode=gateway.mode(),
            key=key,
        ).id
    try:
        if going_back.ask_refund(refund_id) == "refused":
            raise refuse(
                "not_made", _("Stripe did not make this refund"), _("Look at the payment in Stripe's dashboard")
            )
    except gateway.GatewayError as error:
        log.warning("refund.not_asked", code=error.code)  # the worker asks again
    with transaction():
        fresh = find_donation(donation_id)
        if fresh is None:
            raise LookupError("donation")
        body = present.donation(fresh, to_donor=False)
        body["refunds"] = [present.refund(row) for row in list_refunds_of(donation_id)]
        return frame.answer(200, RefundedOut, body)
