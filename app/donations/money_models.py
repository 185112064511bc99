"""Tables of what happens to money after it was given: refunds, disputes, payouts, and what reconciliation found.

Amounts are integer minor units (F1). `account` is the connected account at Stripe it happened on; None is the installation's.
"""

from __future__ import annotations

import datetime as dt
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.core.db import Base, BigInt, HasId
from app.donations.models import Donation

# asked: saved here, and not known at Stripe yet. refused: Stripe did not make it. The others are Stripe's own words
# (https://docs.stripe.com/api/refunds/object).
REFUND_STATUSES = ("asked", "requires_action", "pending", "succeeded", "failed", "canceled", "refused")
# Money is on its way back, or was given back.
REFUND_LIVE = ("requires_action", "pending", "succeeded")
REFUND_REASONS = ("requested_by_customer", "duplicate", "fraudulent")
# Lines of a payout that bring back the money of an earlier one (https://docs.stripe.com/reports/balance-transaction-types).
BACK_KINDS = ("payout_cancel", "payout_failure")
# https://docs.stripe.com/api/disputes/object
DISPUTE_STATUSES = (
    "warning_needs_response", "warning_under_review", "warning_closed", "needs_response", "under_review",
    "appeal_needs_response", "appeal_under_review", "won", "lost", "prevented",
)  # fmt: skip
DISPUTE_ANSWERABLE = ("warning_needs_response", "needs_response")
DISPUTE_OPEN = (
    *DISPUTE_ANSWERABLE, "warning_under_review", "under_review", "appeal_needs_response", "appeal_under_review",
)  # fmt: skip
PAYOUT_STATUSES = ("pending", "in_transit", "paid", "failed", "canceled")


class Refund(HasId, Base):
    """Money that goes back to a donor, asked for here or in Stripe's dashboard. Who asked and why is for staff."""

    __tablename__ = "refund"
    __table_args__ = (
        sa.CheckConstraint(f"status IN {REFUND_STATUSES}", name="status"),
        sa.CheckConstraint(f"reason IN {REFUND_REASONS}", name="reason"),
        sa.CheckConstraint("amount_minor > 0", name="amount_positive"),
        sa.CheckConstraint("booked_minor IN (0, amount_minor)", name="booked"),
        sa.CheckConstraint("status IN ('asked', 'refused') OR stripe_refund_id IS NOT NULL", name="known_at_stripe"),
        sa.Index("ix_refund_status", "status", "checked_at"),
    )

    donation_id: Mapped[int] = mapped_column(sa.ForeignKey("donation.id"), index=True)
    organization_id: Mapped[int] = mapped_column(sa.ForeignKey("organization.id"), index=True)
    account: Mapped[str | None] = mapped_column(sa.String(255))
    amount_minor: Mapped[int] = mapped_column(BigInt)
    currency: Mapped[str] = mapped_column(sa.String(3))
    status: Mapped[str] = mapped_column(sa.String(16))
    reason: Mapped[str] = mapped_column(sa.String(32))
    # Why, in the words of whoever asked; Stripe and the donor never get it.
    note: Mapped[str] = mapped_column(sa.String(500), default="", server_default="")
    # Stripe's code of why it failed or was not made.
    problem: Mapped[str] = mapped_column(sa.String(60), default="", server_default="")
    # None: somebody gave it back in Stripe's dashboard.
    asked_by_id: Mapped[int | None] = mapped_column(sa.ForeignKey("person.id"), index=True)
    # One form sent twice is one refund.
    form_key: Mapped[str | None] = mapped_column(sa.String(64), unique=True)
    stripe_refund_id: Mapped[str | None] = mapped_column(sa.String(255), unique=True)
    stripe_balance_transaction_id: Mapped[str | None] = mapped_column(sa.String(255), unique=True)
    # Once it failed: what put the money back.
    failure_balance_transaction_id: Mapped[str | None] = mapped_column(sa.String(255), unique=True)
    # What of it stands in the ledger now: its amount, or nothing (not yet, or reversed because it failed).
    booked_minor: Mapped[int] = mapped_column(BigInt, default=0, server_default="0")
    created_at: Mapped[dt.datetime]
    checked_at: Mapped[dt.datetime | None]

    donation: Mapped[Donation] = relationship()


class Dispute(HasId, Base):
    """The donor's bank takes a payment back, or asks about it. Facts are Stripe's; evidence is what we sent."""

    __tablename__ = "dispute"
    __table_args__ = (
        sa.CheckConstraint("amount_minor > 0", name="amount_positive"),
        sa.Index("ix_dispute_organization_id_status", "organization_id", "status"),
        sa.Index("ix_dispute_status_checked_at", "status", "checked_at"),
    )

    donation_id: Mapped[int] = mapped_column(sa.ForeignKey("donation.id"), index=True)
    organization_id: Mapped[int] = mapped_column(sa.ForeignKey("organization.id"))
    account: Mapped[str | None] = mapped_column(sa.String(255))
    stripe_dispute_id: Mapped[str] = mapped_column(sa.String(255), unique=True)
    amount_minor: Mapped[int] = mapped_column(BigInt)
    currency: Mapped[str] = mapped_column(sa.String(3))
    # Stripe's words, kept as they come: it may add some.
    status: Mapped[str] = mapped_column(sa.String(32))
    reason: Mapped[str] = mapped_column(sa.String(40))
    respond_by: Mapped[dt.datetime | None]
    has_evidence: Mapped[bool] = mapped_column(default=False, server_default=sa.false())
    is_charge_refundable: Mapped[bool] = mapped_column(default=False, server_default=sa.false())
    # What the bank holds now, in the gift's currency: what it took, less what it put back.
    withdrawn_minor: Mapped[int] = mapped_column(BigInt, default=0, server_default="0")
    created_at: Mapped[dt.datetime]
    # When the fetch began whose answer this is: an older answer changes nothing.
    checked_at: Mapped[dt.datetime]
    # What is sent to the bank, saved before it is sent: the same again is the same request (F6).
    evidence: Mapped[dict[str, Any] | None] = mapped_column(sa.JSON)
    evidence_number: Mapped[int] = mapped_column(default=0, server_default="0")
    submitted_at: Mapped[dt.datetime | None]
    submitted_by_id: Mapped[int | None] = mapped_column(sa.ForeignKey("person.id"), index=True)

    donation: Mapped[Donation] = relationship()

    @property
    def is_open(self) -> bool:
        """True while it is not decided."""
        return self.status in DISPUTE_OPEN

    @property
    def is_inquiry(self) -> bool:
        """True while the bank only asks: no money was taken."""
        return self.status.startswith("warning_")


class FraudWarning(HasId, Base):
    """A card network's early warning that a payment may be fraud: giving it back avoids a dispute."""

    __tablename__ = "fraud_warning"

    donation_id: Mapped[int] = mapped_column(sa.ForeignKey("donation.id"), index=True)
    organization_id: Mapped[int] = mapped_column(sa.ForeignKey("organization.id"), index=True)
    stripe_warning_id: Mapped[str] = mapped_column(sa.String(255), unique=True)
    kind: Mapped[str] = mapped_column(sa.String(60))
    actionable: Mapped[bool]
    created_at: Mapped[dt.datetime]

    donation: Mapped[Donation] = relationship()


class Payout(HasId, Base):
    """Money on its way from Stripe to a bank account. Its lines say which gifts it carries."""

    __tablename__ = "payout"
    __table_args__ = (sa.CheckConstraint(f"status IN {PAYOUT_STATUSES}", name="status"),)

    # None when an account serves several organizations (demonstration only): then the lines say whose.
    organization_id: Mapped[int | None] = mapped_column(sa.ForeignKey("organization.id"), index=True)
    account: Mapped[str | None] = mapped_column(sa.String(255))
    stripe_payout_id: Mapped[str] = mapped_column(sa.String(255), unique=True)
    amount_minor: Mapped[int] = mapped_column(BigInt)
    currency: Mapped[str] = mapped_column(sa.String(3))
    status: Mapped[str] = mapped_column(sa.String(16))
    # The day Stripe expects it at the bank.
    arrives_on: Mapped[dt.date]
    automatic: Mapped[bool]
    problem: Mapped[str] = mapped_column(sa.String(60), default="", server_default="")
    stripe_balance_transaction_id: Mapped[str | None] = mapped_column(sa.String(255), unique=True)
    failure_balance_transaction_id: Mapped[str | None] = mapped_column(sa.String(255), unique=True)
    # Whether the lines add up to the amount.
    is_complete: Mapped[bool] = mapped_column(default=False, server_default=sa.false())
    created_at: Mapped[dt.datetime]
    checked_at: Mapped[dt.datetime]


class PayoutLine(HasId, Base):
    """One balance transaction that a payout carries: a gift, a refund, a dispute, a fee, and whose it is as far as we know."""

    __tablename__ = "payout_line"
    __table_args__ = (
        sa.Index("ix_payout_line_fundraiser_id", "fundraiser_id", "payout_id"),
        sa.Index("ix_payout_line_organization_id", "organization_id", "payout_id"),
        sa.UniqueConstraint("payout_id", "stripe_balance_transaction_id", name="uq_payout_line_payout_id"),
    )

    payout_id: Mapped[int] = mapped_column(sa.ForeignKey("payout.id"))
    organization_id: Mapped[int | None] = mapped_column(sa.ForeignKey("organization.id"))
    fundraiser_id: Mapped[int | None] = mapped_column(sa.ForeignKey("fundraiser.id"))
    donation_id: Mapped[int | None] = mapped_column(sa.ForeignKey("donation.id"), index=True)
    stripe_balance_transaction_id: Mapped[str] = mapped_column(sa.String(255), index=True)
    kind: Mapped[str] = mapped_column(sa.String(40))
    amount_minor: Mapped[int] = mapped_column(BigInt)
    fee_minor: Mapped[int] = mapped_column(BigInt)
    currency: Mapped[str] = mapped_column(sa.String(3))


class MoneyMismatch(HasId, Base):
    """What reconciliation found to differ between Stripe and the ledger. Nothing repairs it: a person looks, and says so."""

    __tablename__ = "money_mismatch"
    __table_args__ = (
        sa.UniqueConstraint("account_key", "kind", "subject", name="uq_money_mismatch_account_key"),
        sa.Index("ix_money_mismatch_organization_id_seen_at", "organization_id", "seen_at"),
    )

    organization_id: Mapped[int | None] = mapped_column(sa.ForeignKey("organization.id"))
    donation_id: Mapped[int | None] = mapped_column(sa.ForeignKey("donation.id"), index=True)
    account: Mapped[str | None] = mapped_column(sa.String(255))
    # `account`, or PLATFORM: NULLs would be different from each other.
    account_key: Mapped[str] = mapped_column(sa.String(255))
    kind: Mapped[str] = mapped_column(sa.String(40))
    # Stripe's id of what it is about, or ours.
    subject: Mapped[str] = mapped_column(sa.String(255))
    # Codes and numbers only.
    detail: Mapped[str] = mapped_column(sa.String(300), default="", server_default="")
    created_at: Mapped[dt.datetime]
    found_last_at: Mapped[dt.datetime]
    seen_at: Mapped[dt.datetime | None]
    seen_by_id: Mapped[int | None] = mapped_column(sa.ForeignKey("person.id"), index=True)
    note: Mapped[str] = mapped_column(sa.String(500), default="", server_default="")


class Reconciliation(Base):
    """Up to when an account's balance transactions have been compared with the ledger, and how the last time went."""

    __tablename__ = "reconciliation"

    account_key: Mapped[str] = mapped_column(sa.String(255), primary_key=True)
    compared_until: Mapped[dt.datetime]
    ran_at: Mapped[dt.datetime]
    compared: Mapped[int]
    differing: Mapped[int]


class StripeTry(Base):
    """Which try is the next at something that Stripe answered with an error of its own, and keeps so under its key (F6)."""

    __tablename__ = "stripe_try"

    # The plain key, which derives from a saved row.
    base: Mapped[str] = mapped_column(sa.String(200), primary_key=True)
    number: Mapped[int]
