"""What Stripe is asked about again: money that goes back, and payouts, of which the news may have been lost."""

from __future__ import annotations

import datetime as dt

import sqlalchemy as sa

from app.core.clock import now
from app.core.db import db
from app.donations.models import Donation, LedgerTransaction
from app.donations.money_models import BACK_KINDS, DISPUTE_OPEN, Dispute, Payout, PayoutLine, Refund
from app.donations.money_queries import RECENT
from app.donations.payees import reachable, was_taken

# A refund, a dispute or a payout that nobody has heard of for this long is asked about again.
REFUND_STALE = dt.timedelta(hours=6)
ASKED_STALE = dt.timedelta(minutes=10)
# How long Stripe is asked for the balance transaction of a refund that is done, or has failed, and has none yet.
BOOKED_WITHIN = dt.timedelta(days=14)


def list_refunds_to_check(*, mode: str, limit: int = 100) -> list[int]:
    """Refunds to ask Stripe about: asked for and never heard of; or long not looked at, and on their way, or not seen yet in the
    balance that they left or came back to (no event tells of that)."""
    is_unseen = sa.or_(
        Refund.stripe_balance_transaction_id.is_(None),
        sa.and_(Refund.status == "failed", Refund.failure_balance_transaction_id.is_(None)),
    )
    unseen = sa.and_(Refund.status.in_(("succeeded", "failed")), is_unseen, Refund.created_at > now() - BOOKED_WITHIN)
    waits = sa.or_(Refund.status.in_(("pending", "requires_action")), unseen)
    looked_at = sa.func.coalesce(Refund.checked_at, Refund.created_at)
    due = sa.or_(
        sa.and_(Refund.status == "asked", Refund.created_at < now() - ASKED_STALE),
        sa.and_(waits, looked_at < now() - REFUND_STALE, reachable()),
    )
    query = sa.select(Refund.id).join(Donation, Donation.id == Refund.donation_id).where(due, Donation.mode == mode)
    return list(db.session.scalars(query.order_by(looked_at).limit(limit)))


def list_disputes_to_check(*, mode: str, limit: int = 100) -> list[int]:
    """Open disputes that nobody has looked at for a while."""
    query = (
        sa.select(Dispute.id)
        .join(Donation, Donation.id == Dispute.donation_id)
        .where(Dispute.status.in_(DISPUTE_OPEN), Dispute.checked_at < now() - REFUND_STALE, Donation.mode == mode)
        .where(reachable())
        .order_by(Dispute.checked_at)
    )
    return list(db.session.scalars(query.limit(limit)))


def list_payouts_to_check(*, mode: str, limit: int = 20) -> list[int]:
    """Recent payouts that nobody has looked at for a while, and that are on their way, or that Stripe made by itself and had not
    said of what they carry, or of whose lines one stands for all that an earlier payout brought back."""
    waits = sa.or_(
        Payout.status.in_(("pending", "in_transit")),
        sa.and_(Payout.automatic.is_(True), Payout.is_complete.is_(False)),
        sa.exists().where(PayoutLine.payout_id == Payout.id, PayoutLine.kind.in_(BACK_KINDS)),
    )
    gifts = sa.exists().where(
        Donation.account.is_not_distinct_from(Payout.account), Donation.mode == mode, Donation.source == "stripe"
    )
    query = (
        sa.select(Payout.id)
        .where(waits, gifts, ~was_taken(Payout.account))
        .where(Payout.created_at > now() - RECENT, Payout.checked_at < now() - REFUND_STALE)
        .order_by(Payout.checked_at, Payout.id)
    )
    return list(db.session.scalars(query.limit(limit)))


def list_unexplained_payouts(donation_id: int) -> list[str]:
    """Stripe's ids of the payouts that carry money of this gift (its payment, what went back of it, what a bank took) on a line
    of which nobody knew whose it is."""
    booked: set[str | None] = set(
        db.session.scalars(sa.select(Donation.stripe_balance_transaction_id).where(Donation.id == donation_id))
    )
    refunds = sa.select(Refund.stripe_balance_transaction_id, Refund.failure_balance_transaction_id)
    for both in db.session.execute(refunds.where(Refund.donation_id == donation_id)):
        booked |= set(both)
    causes = sa.select(LedgerTransaction.source).where(LedgerTransaction.donation_id == donation_id)
    booked |= {
        source.partition(":")[2]
        for source in db.session.scalars(causes)
        if source.startswith(("dispute:", "fee:", "exchange:"))
    }
    query = (
        sa.select(Payout.stripe_payout_id)
        .join(PayoutLine, PayoutLine.payout_id == Payout.id)
        .where(PayoutLine.organization_id.is_(None), PayoutLine.stripe_balance_transaction_id.in_(booked - {None}))
        .distinct()
        .order_by(Payout.stripe_payout_id)
    )
    return list(db.session.scalars(query))
