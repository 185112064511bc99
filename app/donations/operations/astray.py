"""What was paid on the page of a try that had been replaced, by a subscription that no monthly gift follows: it is in the books
as a gift of its own, and goes back at once. Every function runs in the caller's transaction."""

from __future__ import annotations

from app.core.clock import now
from app.core.db import db
from app.core.money import Money
from app.donations import tally
from app.donations.facts import PaymentFacts
from app.donations.gateway_monthly import InvoiceFacts
from app.donations.models import ASTRAY, Donation
from app.donations.operations import fulfilling, monthly, refunds


def take(gift_id: int, invoice: InvoiceFacts, payment: PaymentFacts | None, *, livemode: bool) -> None:
    """A month that nobody wanted is paid: a donation of its own, once per invoice, which is given back whole. What is not paid
    as its invoice says is not counted, and staff see it (F4)."""
    gift = monthly.get(gift_id)
    if monthly.find_by_invoice(invoice.id) is not None or invoice.amount.amount_minor <= 0:
        return
    # Nobody wanted it on the page: it says no more there than that it was given and went back.
    unsaid = {"anonymous": True, "hide_from_starter": True, "dedication": "", "dedicated_to": ""}
    copied = monthly.copied(gift.id)
    tally.hold_pages(copied["fundraiser_id"], copied["team_id"])
    donation = Donation(
        **(copied | unsaid),
        amount_minor=invoice.amount.amount_minor,
        currency=gift.currency,
        message="",
        status="pending",
        form_key=f"{ASTRAY}{invoice.id}"[:64],
        stripe_invoice_id=invoice.id,
        created_at=now(),
        checked_at=now(),
    )
    db.session.add(donation)
    db.session.flush()
    whole = Money(donation.amount_minor, donation.currency)
    paid = payment is not None and payment.status == "succeeded" and payment.received == invoice.amount == whole
    if payment is None or not paid or invoice.livemode != livemode:
        fulfilling.disagree(donation, [f"invoice says {invoice.amount.amount_minor} {invoice.amount.currency}"])
        fulfilling.move(donation, "mismatched", payment)
        return
    fulfilling.move(donation, "paid", payment, astray=True)
    fulfilling.settle(donation, payment)
    refunds.start_refund(donation.id, reason="duplicate", by=None, mode=donation.mode)
    db.session.flush()
