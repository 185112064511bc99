"""What each fundraiser's pages show of its money, kept beside the facts: pages of 50,000 gifts open like those of 50. And what
else belongs to a gift there: what a sponsor adds to it, and who finds its message wrong."""

from __future__ import annotations

import datetime as dt

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.core.db import Base, BigInt, HasId
from app.donations.models import Donation
from app.fundraisers.models import MatchingGift


class FundraiserTally(Base):
    """Sums of one fundraiser in minor units of its currency, changed in the transaction of the fact that changes them and under
    the fundraiser's lock (see tally.py). `flask verify` recomputes them from the ledger and the donations."""

    __tablename__ = "fundraiser_tally"
    __table_args__ = (
        sa.CheckConstraint("processing_minor >= 0", name="processing_not_negative"),
        sa.CheckConstraint("matched_minor >= 0", name="matched_not_negative"),
        sa.CheckConstraint("settled_minor >= 0", name="settled_not_negative"),
        sa.CheckConstraint("offline_minor >= 0", name="offline_not_negative"),
        sa.CheckConstraint("gift_count >= 0", name="gift_count_not_negative"),
        sa.CheckConstraint("donor_count >= 0", name="donor_count_not_negative"),
    )

    fundraiser_id: Mapped[int] = mapped_column(sa.ForeignKey("fundraiser.id"), primary_key=True, autoincrement=False)
    # Paid through Stripe, before fees, less what went back.
    settled_minor: Mapped[int] = mapped_column(BigInt, default=0, server_default="0")
    # Given in person and confirmed by staff.
    offline_minor: Mapped[int] = mapped_column(BigInt, default=0, server_default="0")
    # What sponsors owe or have paid for gifts that still stand.
    matched_minor: Mapped[int] = mapped_column(BigInt, default=0, server_default="0")
    # Ordered, and a bank has yet to confirm.
    processing_minor: Mapped[int] = mapped_column(BigInt, default=0, server_default="0")
    # Gifts that were counted and did not go back in full, and how many gave them.
    gift_count: Mapped[int] = mapped_column(default=0, server_default="0")
    donor_count: Mapped[int] = mapped_column(default=0, server_default="0")


class FundraiserDonor(Base):
    """One who gave to a fundraiser, so that whoever gives twice is one donor. For counting alone: never shown."""

    __tablename__ = "fundraiser_donor"

    fundraiser_id: Mapped[int] = mapped_column(sa.ForeignKey("fundraiser.id"), primary_key=True, autoincrement=False)
    # The address in lower case; a gift without one is a donor of its own ("gift:<id>").
    donor: Mapped[str] = mapped_column(sa.String(254), primary_key=True)
    # What they gave and did not get back, in minor units. Nobody of whom that is 0 is a donor.
    given_minor: Mapped[int] = mapped_column(BigInt)


class MatchClaim(HasId, Base):
    """What one gift has claimed of one sponsor's promise, in minor units; 0 once all of the gift went back."""

    __tablename__ = "match_claim"
    __table_args__ = (
        sa.UniqueConstraint("matching_gift_id", "donation_id"),
        sa.CheckConstraint("amount_minor >= 0", name="amount_not_negative"),
    )

    matching_gift_id: Mapped[int] = mapped_column(sa.ForeignKey("matching_gift.id"))
    donation_id: Mapped[int] = mapped_column(sa.ForeignKey("donation.id"), index=True)
    amount_minor: Mapped[int] = mapped_column(BigInt)
    created_at: Mapped[dt.datetime]

    matching_gift: Mapped[MatchingGift] = relationship()


class MessageReport(HasId, Base):
    """Somebody finds that a message, or a name, should not be on a fundraiser's page. No word of who they are is asked for."""

    __tablename__ = "message_report"
    __table_args__ = (sa.CheckConstraint("part IN ('message', 'name')", name="part"),)

    donation_id: Mapped[int] = mapped_column(sa.ForeignKey("donation.id"), index=True)
    part: Mapped[str] = mapped_column(sa.String(8), default="message", server_default="message")
    reason: Mapped[str] = mapped_column(sa.String(300))
    by_id: Mapped[int | None] = mapped_column(sa.ForeignKey("person.id"), index=True)
    # A keyed hash of this part of this gift and the network address it came from, so that one visitor counts once; taken away
    # when it is settled, and after some days.
    network_hash: Mapped[str | None] = mapped_column(sa.String(64))
    created_at: Mapped[dt.datetime]
    # When staff or the starter looked and hid or kept it.
    settled_at: Mapped[dt.datetime | None]

    donation: Mapped[Donation] = relationship()
