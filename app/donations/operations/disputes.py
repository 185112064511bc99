"""Disputes: the donor's bank takes a payment back, or asks about it; and the early warnings before that.

The ledger follows the balance transactions, each once: what the bank took, what it put back, and the fee. A dispute may be
of a part of the gift, be won, be lost, and be looked at again.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from decimal import ROUND_HALF_EVEN, Decimal

import sqlalchemy as sa

from app.accounts.models import Person
from app.core.audit import record
from app.core.clock import now
from app.core.db import db, lock
from app.core.errors import InvalidInput, refuse
from app.core.i18n import _
from app.core.money import Money, decimals
from app.core.outbox import enqueue
from app.donations import ledger
from app.donations.models import Donation
from app.donations.money_facts import BalanceFacts, DisputeFacts, WarningFacts
from app.donations.money_models import DISPUTE_ANSWERABLE, Dispute, FraudWarning
from app.donations.operations import late_news, mismatches
from app.donations.operations.inbox import close_event
from app.donations.operations.payouts import FEE_KINDS
from app.donations.operations.refunds import book, move_back, settle
from app.donations.operations.telling import tell_staff

# How long before the bank's deadline the owners are reminded.
REMIND_BEFORE = dt.timedelta(days=3)
# The bank reads what was sent: nothing to tell until it decides.
UNDER_REVIEW = ("under_review", "warning_under_review", "appeal_under_review")
# Stripe's own limit of a text of evidence (DisputeUpdateParamsEvidence in the installed package).
LONGEST_EVIDENCE = 20_000


def note_dispute(
    donation_id: int, facts: DisputeFacts, *, fetched_at: dt.datetime, event_id: int | None = None
) -> Dispute | None:
    """Apply what Stripe says of a dispute. None when it is about another payment than the one this gift was paid by (a page that
    had been replaced was paid, too): that one is in no book, so a person is to look. `fetched_at` is when that was asked for:
    of two answers the older one changes no status, and what the balance says is written once whichever comes first."""
    donation = lock(Donation, donation_id)
    if donation is None:
        raise LookupError("donation")
    if event_id is not None:
        close_event(event_id, "handled")
    found = db.session.scalar(sa.select(Dispute).where(Dispute.stripe_dispute_id == facts.id))
    paid_by = donation.stripe_payment_intent_id
    if found is None and paid_by is not None and facts.payment_intent_id not in (None, paid_by):
        _put_before_a_person(donation, facts)
        return None
    dispute = found or _open(donation, facts, fetched_at)
    if found is None or fetched_at >= dispute.checked_at:
        _follow(donation, dispute, facts, fetched_at, is_new=found is None)
    if donation.status == "paid":
        for balance in sorted(
            facts.balances, key=lambda one: (*_in_order(one), _besides(dispute, one, facts.balances))
        ):
            _book(donation, dispute, balance, facts.balances)
    db.session.flush()
    return dispute


def _put_before_a_person(donation: Donation, facts: DisputeFacts) -> None:
    """It is on a list, whatever stands there of the payment itself, and whoever decides is told of the bank's deadline."""
    due = "" if facts.respond_by is None else f", answer by {facts.respond_by:%Y-%m-%d}"
    found = mismatches.note_mismatch(
        account=donation.account,
        kind=mismatches.SECOND_DISPUTE,
        subject=facts.id,
        detail=f"{facts.amount.amount_minor} {facts.amount.currency} of {facts.payment_intent_id}{due}",
        donation_id=donation.id,
        organization_id=donation.organization_id,
    )
    if facts.status in UNDER_REVIEW:
        return
    news = {
        "mismatch_id": found.id,
        "status": facts.status,
        "amount_minor": facts.amount.amount_minor,
        "reason": facts.reason[:40],
        "respond_by": None if facts.respond_by is None else facts.respond_by.isoformat(),
    }
    tell_staff(donation.organization_id, "dispute", news, key=f"second_dispute:{found.id}:{facts.status}")


def _open(donation: Donation, facts: DisputeFacts, fetched_at: dt.datetime) -> Dispute:
    made = Dispute(
        donation_id=donation.id,
        organization_id=donation.organization_id,
        account=donation.account,
        stripe_dispute_id=facts.id,
        amount_minor=facts.amount.amount_minor,
        currency=facts.amount.currency,
        status=facts.status,
        reason=facts.reason[:40],
        withdrawn_minor=0,
        evidence_number=0,
        created_at=facts.created_at,
        checked_at=fetched_at,
    )
    db.session.add(made)
    db.session.flush()
    return made


def _follow(
    donation: Donation, dispute: Dispute, facts: DisputeFacts, fetched_at: dt.datetime, *, is_new: bool
) -> None:
    """Status, amount and deadline as they are now; whoever must act is told."""
    before = "" if is_new else dispute.status
    dispute.status, dispute.reason = facts.status, facts.reason[:40]
    dispute.amount_minor = facts.amount.amount_minor
    dispute.respond_by = facts.respond_by
    dispute.has_evidence, dispute.is_charge_refundable = facts.has_evidence, facts.is_charge_refundable
    dispute.checked_at = fetched_at
    if before == dispute.status:
        return
    _record(f"dispute_{dispute.status}"[:40], donation, dispute, None)
    news = {"dispute_id": dispute.id, "status": dispute.status}
    if dispute.status in DISPUTE_ANSWERABLE and dispute.respond_by is not None:
        due_at = dispute.respond_by - REMIND_BEFORE
        key = f"dispute_due:{dispute.id}:{int(dispute.respond_by.timestamp())}"
        enqueue("dispute_due", {"dispute_id": dispute.id}, key=key, due_at=due_at)
    if dispute.status not in UNDER_REVIEW:
        stamp = f"{dispute.id}:{dispute.status}"
        tell_staff(dispute.organization_id, "dispute", news, key=f"dispute:{stamp}")


def note_looked_at(dispute_id: int, at: dt.datetime) -> None:
    """It was asked about at `at`, and nothing came of it."""
    dispute = lock(Dispute, dispute_id)
    if dispute is not None:
        dispute.checked_at = at
        db.session.flush()


def remind(dispute_id: int) -> None:
    """The deadline is near: promise the reminder, when nothing was sent yet."""
    dispute = db.session.get(Dispute, dispute_id)
    if dispute is None or dispute.status not in DISPUTE_ANSWERABLE or dispute.submitted_at is not None:
        return
    news = {"dispute_id": dispute.id, "status": dispute.status, "reminds": True}
    tell_staff(dispute.organization_id, "dispute", news, key=f"dispute_reminder:{dispute.id}:{dispute.status}")


def _in_order(balance: BalanceFacts) -> tuple[dt.datetime, bool]:
    """As they happened; of one second what was taken comes first, else as Stripe shows them."""
    return balance.created_at, balance.amount.amount_minor > 0


def _besides(dispute: Dispute, balance: BalanceFacts, all_of_it: Sequence[BalanceFacts]) -> int:
    """How far a balance transaction is from what was disputed: of one second that comes first, and then what it costs."""
    return abs(abs(_taken(dispute, balance, all_of_it)) - dispute.amount_minor)


def _book(donation: Donation, dispute: Dispute, balance: BalanceFacts, all_of_it: Sequence[BalanceFacts]) -> None:
    """One time that the bank took or put back, or that Stripe kept or gave back its fee, once."""
    source = f"dispute:{balance.id}"
    if ledger.is_written(source) or ledger.is_written(f"fee:{balance.id}"):
        return
    taken = _taken(dispute, balance, all_of_it)
    if not taken:  # a fee alone: the ledger keeps no movement of nothing, so there is none to tell it by
        settle(donation, balance, Money(0, donation.currency), fee_kind="dispute_fee")
        return
    if _is_cost(dispute, balance, taken):
        late_news.is_booked(donation, balance.id)
        ledger.post_fee(
            organization_id=donation.organization_id,
            fundraiser_id=donation.fundraiser_id,
            donation_id=donation.id,
            balance_transaction_id=balance.id,
            fee=Money(-balance.net.amount_minor, balance.net.currency),
            kind="dispute_fee",
            at=balance.created_at,
        )
        return
    dispute.withdrawn_minor += taken
    db.session.flush()
    held = sa.select(sa.func.sum(Dispute.withdrawn_minor)).where(Dispute.donation_id == donation.id)
    movement = move_back(donation, taken, disputed=int(db.session.scalar(held) or 0))
    kind = "dispute" if taken > 0 else "dispute_reinstated"
    book(donation, movement, account="disputes", kind=kind, source=source, at=balance.created_at)
    settle(donation, balance, Money(-taken, donation.currency), fee_kind="dispute_fee")
    _record("dispute_withdrawn" if taken > 0 else "dispute_reinstated", donation, dispute, None, taken)


def _taken(dispute: Dispute, balance: BalanceFacts, all_of_it: Sequence[BalanceFacts]) -> int:
    """What of the gift a balance transaction took (negative: put back), in minor units of the gift's currency. In another one
    that the account settles in, by Stripe's rate; without a rate, by what the first time came to, which was the dispute's
    amount."""
    settled = -balance.amount.amount_minor
    if balance.amount.currency == dispute.currency:
        return settled
    if balance.rate:
        scale = Decimal(10) ** (decimals(dispute.currency) - decimals(balance.amount.currency))
        whole = dispute.amount_minor * balance.rate / scale
        if abs(whole - abs(settled)) <= 1:  # the dispute's amount, but for the rounding
            return dispute.amount_minor if settled > 0 else -dispute.amount_minor
        return int((settled / balance.rate * scale).to_integral_value(ROUND_HALF_EVEN))
    taken = [(one.created_at, one.amount.amount_minor) for one in all_of_it if one.amount.amount_minor < 0]
    _at, first = min(taken, default=(balance.created_at, balance.amount.amount_minor))  # of one second the most
    return round(dispute.amount_minor * settled / abs(first)) if settled else 0


def _is_cost(dispute: Dispute, balance: BalanceFacts, taken: int) -> bool:
    """True of what a dispute costs where that is a balance transaction of its own: Stripe reports it as a fee, or it takes more
    while the bank has the disputed amount already, or gives more when the bank has nothing."""
    if balance.category == "fee" or balance.kind in FEE_KINDS:
        return True
    if taken > 0:
        return dispute.withdrawn_minor > 0 and dispute.withdrawn_minor + taken > dispute.amount_minor
    return dispute.withdrawn_minor <= 0


def note_warning(donation_id: int, facts: WarningFacts, *, event_id: int | None = None) -> None:
    """Keep an early fraud warning, and tell the owners once: giving the gift back avoids a dispute."""
    donation = lock(Donation, donation_id)
    if donation is None:
        raise LookupError("donation")
    if event_id is not None:
        close_event(event_id, "handled")
    known = db.session.scalar(sa.select(FraudWarning).where(FraudWarning.stripe_warning_id == facts.id))
    if known is not None:
        known.actionable = facts.actionable
        return
    made = FraudWarning(
        donation_id=donation.id,
        organization_id=donation.organization_id,
        stripe_warning_id=facts.id,
        kind=facts.kind,
        actionable=facts.actionable,
        created_at=facts.created_at,
    )
    db.session.add(made)
    db.session.flush()
    record(
        "donation.fraud_warning",
        subject=donation,
        by=None,
        organization_id=donation.organization_id,
        data={"warning_id": made.id},
    )
    tell_staff(donation.organization_id, "fraud_warning", {"warning_id": made.id}, key=f"fraud_warning:{made.id}")


def save_evidence(dispute_id: int, evidence: dict[str, str], *, by: Person) -> Dispute:
    """Keep what is about to be sent to the bank, so that sending it again sends the same (F6). Texts by Stripe's names.

    Raises LookupError; Refused when the bank takes no evidence; InvalidInput when a text is too long.
    """
    found = db.session.get(Dispute, dispute_id)
    donation = None if found is None else lock(Donation, found.donation_id)
    dispute = lock(Dispute, dispute_id)
    if dispute is None or donation is None:
        raise LookupError("dispute")
    if dispute.submitted_at is not None:
        return dispute
    if dispute.status not in DISPUTE_ANSWERABLE:
        raise refuse("dispute_closed", _("The bank takes no more evidence for this dispute"))
    if any(len(text) > LONGEST_EVIDENCE for text in evidence.values()):
        raise InvalidInput({"words": _("This is too long for the bank: write less")})
    if dispute.evidence != evidence:
        dispute.evidence = evidence
        dispute.evidence_number += 1
        _record("dispute_evidence_saved", donation, dispute, by)
    db.session.flush()
    return dispute


def note_submitted(dispute_id: int, *, by: Person | None) -> None:
    """The bank has the evidence: it is sent once."""
    found = db.session.get(Dispute, dispute_id)
    donation = None if found is None else lock(Donation, found.donation_id)
    dispute = lock(Dispute, dispute_id)
    if dispute is None or donation is None or dispute.submitted_at is not None:
        return
    dispute.submitted_at = now()
    dispute.submitted_by_id = None if by is None else by.id
    _record("dispute_evidence_sent", donation, dispute, by)
    db.session.flush()


def _record(what: str, donation: Donation, dispute: Dispute, by: Person | None, minor: int | None = None) -> None:
    record(
        f"donation.{what}",
        subject=donation,
        by=by,
        organization_id=donation.organization_id,
        data={
            "dispute_id": dispute.id,
            "amount_minor": dispute.amount_minor if minor is None else abs(minor),
            "currency": dispute.currency,
        },
    )
