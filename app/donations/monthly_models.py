"""The table of monthly gifts: the commitment, of which each month's payment is a donation of its own."""

from __future__ import annotations

import datetime as dt

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.core.db import Base, BigInt, HasId
from app.fundraisers.models import Fundraiser

MONTHLY_STATUSES = ("pending", "active", "past_due", "paused", "ended")
# Who or what ended it: its donor, the end of its fundraiser, a card that was declined to the last, the organization; or that
# the organization took its account from us, so that we follow it no longer and cannot stop it at Stripe. "" while it runs, and
# of one that we ended when an account that had been taken from us answered again.
ENDED_BY = ("", "donor", "fundraiser", "payment", "organization", "account")


class MonthlyGift(HasId, Base):
    """What somebody gives every month until they stop it or its fundraiser ends. Who that is, its donations say."""

    __tablename__ = "monthly_gift"
    __table_args__ = (
        sa.CheckConstraint("mode IN ('demo', 'test', 'live')", name="mode"),
        sa.CheckConstraint(f"status IN {MONTHLY_STATUSES}", name="status"),
        sa.CheckConstraint(f"ended_by IN {ENDED_BY}", name="ended_by"),
        sa.CheckConstraint("amount_minor > 0", name="amount_positive"),
        sa.CheckConstraint("(status = 'ended') = (ended_at IS NOT NULL)", name="ended_at"),
        sa.Index("ix_monthly_gift_fundraiser_id_status", "fundraiser_id", "status"),
        sa.Index("ix_monthly_gift_status_checked_at", "status", "checked_at"),
    )

    fundraiser_id: Mapped[int] = mapped_column(sa.ForeignKey("fundraiser.id"))
    organization_id: Mapped[int] = mapped_column(sa.ForeignKey("organization.id"), index=True)
    mode: Mapped[str] = mapped_column(sa.String(8))
    account: Mapped[str | None] = mapped_column(sa.String(255))
    amount_minor: Mapped[int] = mapped_column(BigInt)
    currency: Mapped[str] = mapped_column(sa.String(3))
    status: Mapped[str] = mapped_column(sa.String(16), default="pending")
    ended_by: Mapped[str] = mapped_column(sa.String(16), default="", server_default="")
    stripe_subscription_id: Mapped[str | None] = mapped_column(sa.String(255), unique=True)
    stripe_customer_id: Mapped[str | None] = mapped_column(sa.String(255))
    # The amount that was asked for and that Stripe has not confirmed yet.
    wanted_minor: Mapped[int | None] = mapped_column(BigInt)
    # Every amount that Stripe was ever asked for, as they were: an invoice that was made at an earlier one may wait for weeks.
    asked_minor: Mapped[list[int]] = mapped_column(sa.JSON, default=list, server_default="[]")
    # How many acts were asked of Stripe: each has a key of its own (F6).
    acts: Mapped[int] = mapped_column(default=0, server_default="0")
    # When it was asked to end; Stripe is told until it has.
    stop_asked_at: Mapped[dt.datetime | None]
    # The last day of the fundraiser that its donor was told of.
    told_end_on: Mapped[dt.date | None]
    # When the next payment is due, as Stripe last said.
    next_at: Mapped[dt.datetime | None]
    created_at: Mapped[dt.datetime]
    ended_at: Mapped[dt.datetime | None]
    checked_at: Mapped[dt.datetime | None]
    # When that was asked which is kept here of Stripe's answers: what was asked before it is older, whenever it is written.
    as_of: Mapped[dt.datetime | None]

    fundraiser: Mapped[Fundraiser] = relationship()

    def asks_for(self, minor: int) -> None:
        """Stripe is asked for `minor` units a month from now on, or may have been."""
        if minor not in self.asked_minor:
            self.asked_minor = [*self.asked_minor, minor]

    @property
    def is_live(self) -> bool:
        """True while months are paid, or would be if its card worked or it were not paused."""
        return self.status in ("active", "past_due", "paused") and self.stop_asked_at is None


class MonthlyDecline(HasId, Base):
    """A month of a monthly gift whose card was declined at first, whatever became of it: once for each invoice."""

    __tablename__ = "monthly_decline"

    monthly_gift_id: Mapped[int] = mapped_column(sa.ForeignKey("monthly_gift.id"), index=True)
    # None for what was noted before invoices were.
    stripe_invoice_id: Mapped[str | None] = mapped_column(sa.String(255), unique=True)
    declined_at: Mapped[dt.datetime]


class PortalConfiguration(Base):
    """What Stripe's page for another card shows, set up once for each account (https://docs.stripe.com/customer-management)."""

    __tablename__ = "portal_configuration"

    # The account, or PLATFORM and the mode for the installation's own, which is two at Stripe.
    account_key: Mapped[str] = mapped_column(sa.String(255), primary_key=True)
    stripe_configuration_id: Mapped[str] = mapped_column(sa.String(255))
    created_at: Mapped[dt.datetime]
