"""Tables about giving that stand beside a donation: an organization's terms, Gift Aid, and receipts (F7)."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column, relationship, synonym

from app.core.db import Base, BigInt, HasId

if TYPE_CHECKING:
    from app.donations.models import Donation

# A receipt is issued once per paid donation; every other document corrects it (money that went back, or came again).
RECEIPT_KINDS = ("gift", "correction")
RECEIPT_MODES = ("test", "live")


class GivingTerms(Base):
    """What an organization says about gifts of money to it: none yet is the same as a row of defaults."""

    __tablename__ = "giving_terms"
    __table_args__ = (
        sa.CheckConstraint("fee_share BETWEEN 0 AND 2000", name="fee_share"),
        sa.CheckConstraint("fee_fixed_minor >= 0", name="fee_fixed"),
        sa.CheckConstraint("(fee_share IS NULL) = (fee_fixed_minor IS NULL)", name="fee_whole"),
    )

    organization_id: Mapped[int] = mapped_column(sa.ForeignKey("organization.id"), primary_key=True)
    # The number under which a receipt names it: EIN, charity number or what its country has.
    tax_id: Mapped[str] = mapped_column(sa.String(40), default="", server_default="")
    # A charity in the United Kingdom claims Gift Aid; an organization there that is none says so.
    claims_gift_aid: Mapped[bool] = mapped_column(default=True, server_default=sa.true())
    # Its own words on a receipt, with placeholders (donations.receipt_texts); empty: the text of its country.
    receipt_text: Mapped[str] = mapped_column(default="", server_default="")
    # What it pays for a card payment in `fee_currency`: hundredths of a percent and minor units. None: the published price.
    fee_share: Mapped[int | None]
    fee_fixed_minor: Mapped[int | None] = mapped_column(BigInt)
    fee_currency: Mapped[str] = mapped_column(sa.String(3), default="", server_default="")
    changed_at: Mapped[dt.datetime]


class GiftAidDeclaration(Base):
    """A donor in the United Kingdom declared Gift Aid on one gift, or on all: then each later month of a monthly gift carries
    what the first does. The address is here and nowhere else: it is for the organization's claim to HMRC alone, and goes when
    the gift was never paid (operations.giving.purge_declarations)."""

    __tablename__ = "gift_aid_declaration"

    donation_id: Mapped[int] = mapped_column(sa.ForeignKey("donation.id"), primary_key=True)
    first_name: Mapped[str] = mapped_column(sa.String(60))
    last_name: Mapped[str] = mapped_column(sa.String(60))
    address: Mapped[str] = mapped_column(sa.String(200))
    postal_code: Mapped[str] = mapped_column(sa.String(16))
    # Which wording was agreed to (donations.gift_aid.WORDINGS).
    text_version: Mapped[str] = mapped_column(sa.String(32))
    declared_at: Mapped[dt.datetime]
    # When its donor cancelled it: from then on it is claimed no more (operations.declarations.cancel_declaration).
    cancelled_at: Mapped[dt.datetime | None]


class ReceiptCounter(Base):
    """The last number of an organization's receipts. Its row is held from the number's taking to the commit, and a number
    that is not committed was never taken: so there is no gap."""

    __tablename__ = "receipt_counter"
    __table_args__ = (sa.CheckConstraint(f"mode IN {RECEIPT_MODES}", name="mode"),)

    organization_id: Mapped[int] = mapped_column(sa.ForeignKey("organization.id"), primary_key=True)
    # Receipts of the test mode count by themselves: trials leave no gap in what counts.
    mode: Mapped[str] = mapped_column(sa.String(8), primary_key=True)
    last_number: Mapped[int] = mapped_column(default=0, server_default="0")


class Receipt(HasId, Base):
    """What a donor has in hand about a gift: whole in itself, and never changed (triggers in the database). `amount_minor` is
    the gift, or what a correction takes away (below zero) or gives again; `stands_minor` is what the gift is from then on."""

    __tablename__ = "receipt"
    __table_args__ = (
        sa.CheckConstraint(f"kind IN {RECEIPT_KINDS}", name="kind"),
        sa.CheckConstraint(f"mode IN {RECEIPT_MODES}", name="mode"),
        sa.CheckConstraint("number > 0", name="number"),
        sa.CheckConstraint("(kind = 'gift') = (corrects_id IS NULL)", name="corrects"),
        sa.CheckConstraint("amount_minor <> 0 AND stands_minor >= 0", name="amounts"),
        sa.UniqueConstraint("organization_id", "mode", "number"),
        sa.UniqueConstraint("donation_id", "cause"),
    )

    organization_id: Mapped[int] = mapped_column(sa.ForeignKey("organization.id"))
    donation_id: Mapped[int] = mapped_column(sa.ForeignKey("donation.id"))
    mode: Mapped[str] = mapped_column(sa.String(8))
    number: Mapped[int]
    kind: Mapped[str] = mapped_column(sa.String(16))
    # "gift", or what the correction answers, by the ledger's own source: "refund:re_…", "dispute:txn_…". Once each.
    cause: Mapped[str] = mapped_column(sa.String(300))
    corrects_id: Mapped[int | None] = mapped_column(sa.ForeignKey("receipt.id"), index=True)
    amount_minor: Mapped[int] = mapped_column(BigInt)
    stands_minor: Mapped[int] = mapped_column(BigInt)
    currency: Mapped[str] = mapped_column(sa.String(3))
    donor_name: Mapped[str] = mapped_column(sa.String(120), default="", server_default="")
    company: Mapped[str] = mapped_column(sa.String(120), default="", server_default="")
    # As they were when it was issued: a later name or number of the organization does not change what was said.
    organization_name: Mapped[str] = mapped_column(sa.String(160))
    tax_id: Mapped[str] = mapped_column(sa.String(40), default="", server_default="")
    country: Mapped[str] = mapped_column(sa.String(2))
    title: Mapped[str] = mapped_column(sa.String(120))
    text: Mapped[str]
    locale: Mapped[str] = mapped_column(sa.String(16))
    given_on: Mapped[dt.date]
    issued_at: Mapped[dt.datetime]
    # Under this name lists are paged.
    created_at: Mapped[dt.datetime] = synonym("issued_at")

    donation: Mapped[Donation] = relationship()
    corrects: Mapped[Receipt | None] = relationship(remote_side="Receipt.id")

    @property
    def label(self) -> str:
        """Its number as it is written: those of the test mode say so."""
        return f"TEST-{self.number}" if self.mode == "test" else str(self.number)
