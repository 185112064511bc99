"""The table of payment accounts: through which account at Stripe an organization is paid (MONEY rule 7)."""

from __future__ import annotations

import datetime as dt

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.core.db import Base, HasId
from app.donations.models import MODES
from app.organizations.models import Organization

# Why Stripe pays no card for it although everything asked for is there: it is looking at what was sent.
REVIEW_REASONS = ("requirements.pending_verification", "under_review")


class PaymentAccount(HasId, Base):
    """An organization's own account at Stripe, as Stripe last told it. The row is there before the account, so that asking for
    it again makes no second one (F6)."""

    __tablename__ = "payment_account"
    __table_args__ = (
        sa.CheckConstraint(f"mode IN {MODES}", name="mode"),
        sa.CheckConstraint("charges_enabled IS NOT TRUE OR stripe_account_id IS NOT NULL", name="charges_need_account"),
        sa.UniqueConstraint("organization_id", "mode"),
    )

    organization_id: Mapped[int] = mapped_column(sa.ForeignKey("organization.id"))
    mode: Mapped[str] = mapped_column(sa.String(8))
    stripe_account_id: Mapped[str | None] = mapped_column(sa.String(255), unique=True)
    # Which account of the organization this is: after it took one from us, the next begins.
    attempt: Mapped[int] = mapped_column(default=1, server_default="1")
    # How many links to Stripe's form were asked for: each has a key of its own.
    links: Mapped[int] = mapped_column(default=0, server_default="0")
    country: Mapped[str] = mapped_column(sa.String(2))
    # The one the account settles in; the organization's own until Stripe says.
    currency: Mapped[str] = mapped_column(sa.String(3))
    charges_enabled: Mapped[bool] = mapped_column(default=False, server_default=sa.false())
    payouts_enabled: Mapped[bool] = mapped_column(default=False, server_default=sa.false())
    details_submitted: Mapped[bool] = mapped_column(default=False, server_default=sa.false())
    # Stripe's codes of what it asks for now ("external_account").
    requirements: Mapped[list[str]] = mapped_column(sa.JSON, default=list, server_default="[]")
    disabled_reason: Mapped[str] = mapped_column(sa.String(100), default="", server_default="")
    # When the organization took the account from us: nothing can be asked about it any more.
    deauthorized_at: Mapped[dt.datetime | None]
    # That Stripe's own event said so. Without it only an answer to us did, which is asked for again.
    gone_told: Mapped[bool] = mapped_column(default=False, server_default=sa.false())
    # When what is kept here was asked for.
    checked_at: Mapped[dt.datetime | None]
    created_at: Mapped[dt.datetime]

    organization: Mapped[Organization] = relationship()

    @property
    def can_charge(self) -> bool:
        """True while gifts can be paid through it."""
        return self.stripe_account_id is not None and self.charges_enabled and self.deauthorized_at is None

    @property
    def state(self) -> str:
        """What people are told: none (asked for, and Stripe made none as far as we know), begun, review, restricted, ready,
        deauthorized."""
        if self.stripe_account_id is None:
            return "none"
        if self.deauthorized_at is not None:
            return "deauthorized"
        if self.can_charge:
            return "ready"
        if not self.details_submitted:
            return "begun"
        return "review" if not self.requirements and self.disabled_reason in ("", *REVIEW_REASONS) else "restricted"
