"""What Stripe says of one donation, applied: the one place where a gift becomes paid."""

from __future__ import annotations

import datetime as dt

from app.core.audit import record
from app.core.clock import now
from app.core.db import db, lock
from app.core.money import Money
from app.core.outbox import enqueue
from app.donations import ledger, matching, tally
from app.donations.facts import PaymentFacts, SessionFacts
from app.donations.models import Donation
from app.donations.operations import inbox, late_news, mismatches, receipts
from app.donations.operations.milestones import note_milestones
from app.fundraisers.models import Fundraiser

# A donation only ever moves to a higher rank, whatever arrives in whatever order (F3): a late "failed" is below "paid".
# A new try to pay begins the ladder again, and only when the one before it can no longer be paid.
RANK = {"pending": 0, "processing": 1, "failed": 2, "expired": 2, "mismatched": 3, "paid": 4}


def _disagreements(
    donation: Donation, session: SessionFacts, payment: PaymentFacts | None, *, livemode: bool
) -> list[str]:
    """What Stripe says that is not what was asked (F4), in codes and numbers."""
    asked = Money(donation.amount_minor, donation.currency)
    found: list[str] = []
    if session.amount != asked:
        found.append(f"session says {session.amount.amount_minor} {session.amount.currency}")
    if session.payment_status == "paid":
        if payment is None:
            found.append("paid without a payment")
        elif payment.status != "succeeded" or payment.received != asked:
            found.append(f"payment says {payment.status} {payment.received.amount_minor} {payment.received.currency}")
    elif session.payment_status == "no_payment_required":
        found.append("no payment required")
    if session.livemode != livemode:
        found.append("wrong livemode")
    return found


def _next_status(session: SessionFacts, payment: PaymentFacts | None) -> str:
    """Where a donation stands by what Stripe says now. `complete` may be unpaid: then the payment tells (rule 4)."""
    if session.payment_status == "paid":
        return "paid"
    if session.status == "expired":
        return "expired"
    if session.status != "complete":
        return "pending"
    failed = payment is not None and payment.status in ("requires_payment_method", "canceled")
    return "failed" if failed else "processing"


def fulfil(
    donation_id: int,
    session: SessionFacts,
    payment: PaymentFacts | None,
    *,
    livemode: bool,
    event_id: int | None = None,
) -> Donation:
    """Apply what Stripe says now; the one function that the inbox, the return page and the sweep call.

    Under the donation's lock, forward only: status, ledger, audit, thanks and the event's own mark commit together, or
    not at all; a second time changes nothing. `livemode` is what the installation expects.
    """
    donation = lock(Donation, donation_id)
    if donation is None:
        raise LookupError("donation")
    donation.checked_at = now()
    if event_id is not None:
        inbox.close_event(event_id, "handled")
    if session.attempt != donation.attempt:  # of a try that was closed before this one began
        if session.payment_status == "paid" and session.subscription_id is None:
            _put_before_a_person(donation, session, f"session {session.id} of try {session.attempt} is paid as well")
        return donation
    if donation.stripe_session_id is None:
        donation.stripe_session_id, donation.checkout_url = session.id, session.url or None
    elif donation.stripe_session_id != session.id:
        if session.payment_status == "paid":
            _put_before_a_person(donation, session, f"second session {session.id}")
        return donation
    if donation.status != "paid":
        disagreements = _disagreements(donation, session, payment, livemode=livemode)
        status = "mismatched" if disagreements else _next_status(session, payment)
        if disagreements:
            disagree(donation, disagreements)
        if RANK[status] > RANK[donation.status]:
            move(donation, status, payment)
        donation.problem = "" if payment is None or donation.status == "paid" else payment.problem
    if donation.status == "paid" and payment is not None:
        settle(donation, payment)
    db.session.flush()
    return donation


def note_looked_at(donation_id: int, at: dt.datetime) -> None:
    """It was asked about at `at`, and nothing came of it."""
    donation = lock(Donation, donation_id)
    if donation is not None:
        donation.checked_at = at
        db.session.flush()


def move(donation: Donation, status: str, payment: PaymentFacts | None, *, astray: bool = False) -> None:
    """Bring a locked donation to `status`, with all that follows from it: audit, mails, entries, counters, matches, the goal.
    `astray`: it is in the books and goes back at once, so nobody is thanked for it and nothing is promised for it."""
    before, donation.status = donation.status, status
    tally.moved(donation, before)
    if payment is not None and status != "mismatched":
        donation.stripe_payment_intent_id = payment.id
    record(
        f"donation.{status}",
        subject=donation,
        by=None,
        organization_id=donation.organization_id,
        data={"amount_minor": donation.amount_minor, "currency": donation.currency},
    )
    if status in ("processing", "failed"):  # told in writing, with the donor's own link: they may have no account
        enqueue(
            f"mail_donation_{status}",
            {"donation_id": donation.id, "attempt": donation.attempt},
            key=f"donation_{status}:{donation.id}:{donation.attempt}",
        )
    if status != "paid" or payment is None:
        return
    # When it was paid, not when we heard of it; never in the future, whatever a clock says.
    donation.paid_at = min(payment.paid_at or now(), now())
    donation.note = ""
    late_news.gift_is_known(payment.id)
    # Before the entries, which hold the row a little: two gifts at the same moment then see each other's entries in turn.
    lock(Fundraiser, donation.fundraiser_id)
    ledger.post_gift(
        organization_id=donation.organization_id,
        fundraiser_id=donation.fundraiser_id,
        donation_id=donation.id,
        payment_id=payment.id,
        amount=Money(donation.amount_minor, donation.currency),
        at=donation.paid_at,
    )
    tally.gift_paid(donation)
    if not astray:
        matching.gift_paid(donation)
    receipts.issue(donation)
    if astray:
        return
    enqueue("mail_donation_thanks", {"donation_id": donation.id}, key=f"donation_thanks:{donation.id}")
    note_milestones(donation)


def settle(donation: Donation, payment: PaymentFacts) -> None:
    """Note the charge and, once Stripe has settled it, what it cost."""
    if payment.id != donation.stripe_payment_intent_id:
        return
    donation.stripe_charge_id = donation.stripe_charge_id or payment.charge_id
    if payment.fee is None or payment.balance_transaction_id is None or donation.stripe_balance_transaction_id:
        return
    donation.stripe_balance_transaction_id = payment.balance_transaction_id
    mismatches.note_booked(donation)
    late_news.is_booked(donation, payment.balance_transaction_id)
    if payment.settled is not None:
        ledger.post_exchange(
            organization_id=donation.organization_id,
            fundraiser_id=donation.fundraiser_id,
            donation_id=donation.id,
            balance_transaction_id=payment.balance_transaction_id,
            booked=Money(donation.amount_minor, donation.currency),
            settled=payment.settled,
            at=payment.booked_at,
        )
    ledger.post_fee(
        organization_id=donation.organization_id,
        fundraiser_id=donation.fundraiser_id,
        donation_id=donation.id,
        balance_transaction_id=payment.balance_transaction_id,
        fee=payment.fee,
        at=payment.booked_at,
    )


def _put_before_a_person(donation: Donation, session: SessionFacts, said: str) -> None:
    """A page that was believed closed is paid: on the gift, and on the list, where it stays when the gift is paid, too."""
    disagree(donation, [said])
    mismatches.note_mismatch(
        account=donation.account,
        kind=mismatches.SECOND_PAYMENT,
        subject=session.payment_intent_id or session.id,
        detail=f"{session.amount.amount_minor} {session.amount.currency} by {session.id}",
        donation_id=donation.id,
        organization_id=donation.organization_id,
    )


def disagree(donation: Donation, disagreements: list[str]) -> None:
    """Put it where staff see it; a person decides, nothing is repaired silently."""
    note = "; ".join(disagreements)[:300]
    if donation.note == note:
        return
    donation.note = note
    record(
        "donation.disagreement",
        subject=donation,
        by=None,
        organization_id=donation.organization_id,
        data={"says": note},
    )
