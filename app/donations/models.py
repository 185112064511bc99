"""Tables of donations, of Stripe's events and of the ledger. Amounts are integer minor units of their currency (F1)."""

from __future__ import annotations

import datetime as dt

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.core.db import Base, BigInt, HasId
from app.donations import monthly_models  # noqa: F401  # the table that donations point at
from app.fundraisers.models import Fundraiser

# Recorded: said to have been given in person, and staff have yet to confirm it.
DONATION_STATUSES = ("pending", "processing", "paid", "failed", "expired", "mismatched", "recorded")
# Who keeps a message or a name from the page: a list of words, the organization's staff, whoever started the fundraiser, the
# platform's moderators.
HIDERS = ("", "words", "staff", "starter", "platform")
# What people are told: the statuses, and expired because the donor wanted that.
DONATION_STATES = (*DONATION_STATUSES, "cancelled")
DEDICATIONS = ("", "honor", "memory")
EVENT_STATUSES = ("received", "handled", "ignored")
MODES = ("demo", "test", "live")
# The account of events and lists that belong to the installation itself, not to a connected organization.
PLATFORM = "platform"
# exchange: what Stripe turned into another currency when it settled; match_promised and matches: what a sponsor adds.
LEDGER_ACCOUNTS = (
    "donations", "stripe_clearing", "fees", "refunds", "disputes", "offline", "in_transit_to_bank", "exchange",
    "match_promised", "matches",
)  # fmt: skip
SOURCES = ("stripe", "offline")
# How the form_key begins of what was paid on a page that had been replaced; Stripe's id of its invoice follows.
ASTRAY = "astray:"


class Donation(HasId, Base):
    """One gift. Who may read the donor's name is the donor's choice, audience by audience (F9): `anonymous` keeps it from
    the public, the two others from whoever started the page and from the organization's own staff."""

    __tablename__ = "donation"
    __table_args__ = (
        sa.CheckConstraint(f"status IN {DONATION_STATUSES}", name="status"),
        sa.CheckConstraint(f"mode IN {MODES}", name="mode"),
        sa.CheckConstraint("amount_minor > 0", name="amount_positive"),
        sa.CheckConstraint("refunded_minor BETWEEN 0 AND amount_minor", name="refunded"),
        sa.CheckConstraint("disputed_minor >= 0", name="disputed"),
        sa.CheckConstraint("cover_fee_minor >= 0 AND cover_fee_minor < amount_minor", name="cover_fee"),
        sa.CheckConstraint(f"dedication IN {DEDICATIONS}", name="dedication"),
        sa.CheckConstraint(f"source IN {SOURCES}", name="source"),
        sa.CheckConstraint(f"hidden_by IN {HIDERS}", name="hidden_by"),
        sa.CheckConstraint(f"name_hidden_by IN {HIDERS}", name="name_hidden_by"),
        sa.CheckConstraint("source = 'offline' OR status <> 'recorded'", name="recorded_offline"),
        # The lists of a fundraiser: what the public sees, and what staff see; newest first.
        sa.Index("ix_donation_fundraiser_id_status_created_at", "fundraiser_id", "status", "created_at", "id"),
        sa.Index("ix_donation_fundraiser_id_created_at", "fundraiser_id", "created_at", "id"),
        # Its largest gifts with a name.
        sa.Index("ix_donation_largest", "fundraiser_id", "status", "anonymous", "amount_minor"),
        sa.Index("ix_donation_status_created_at", "status", "created_at"),
        # Whether an account is one of ours, and whose gifts the installation's own account took first.
        sa.Index("ix_donation_account_mode_created_at", "account", "mode", "created_at"),
        # All that was given under one address (statements).
        sa.Index("ix_donation_email", "email"),
    )

    fundraiser_id: Mapped[int] = mapped_column(sa.ForeignKey("fundraiser.id"))
    organization_id: Mapped[int] = mapped_column(sa.ForeignKey("organization.id"), index=True)
    person_id: Mapped[int | None] = mapped_column(sa.ForeignKey("person.id"), index=True)
    amount_minor: Mapped[int] = mapped_column(BigInt)
    # The part of `amount_minor` with which the donor covers what the card payment costs; 0 when they do not.
    cover_fee_minor: Mapped[int] = mapped_column(BigInt, default=0, server_default="0")
    currency: Mapped[str] = mapped_column(sa.String(3))
    name: Mapped[str] = mapped_column(sa.String(120), default="", server_default="")
    # In whose name it is given, when that is no person: the receipt is made out to it.
    company: Mapped[str] = mapped_column(sa.String(120), default="", server_default="")
    email: Mapped[str] = mapped_column(sa.String(254))
    anonymous: Mapped[bool] = mapped_column(default=False, server_default=sa.false())
    hide_from_starter: Mapped[bool] = mapped_column(default=False, server_default=sa.false())
    hide_from_organization: Mapped[bool] = mapped_column(default=False, server_default=sa.false())
    message: Mapped[str] = mapped_column(sa.String(500), default="", server_default="")
    # In honor or in memory of somebody, whom the donor names.
    dedication: Mapped[str] = mapped_column(sa.String(8), default="", server_default="")
    dedicated_to: Mapped[str] = mapped_column(sa.String(120), default="", server_default="")
    status: Mapped[str] = mapped_column(sa.String(16), default="pending")
    # Offline: given in person, recorded here; Stripe knows nothing of it.
    source: Mapped[str] = mapped_column(sa.String(8), default="stripe", server_default="stripe")
    # The installation's PAYMENTS_MODE when it was asked for: a demonstration gift never looks like a real one.
    mode: Mapped[str] = mapped_column(sa.String(8))
    # The organization's account at Stripe that it is paid through; None is the installation's own.
    account: Mapped[str | None] = mapped_column(sa.String(255))
    # What did not agree with what was asked, for staff; empty when all did.
    note: Mapped[str] = mapped_column(sa.String(300), default="", server_default="")
    # Which try to pay this is. Each has its own Checkout Session and, once begun, its own amount; a new one begins only when
    # the one before it can no longer be paid (F6).
    attempt: Mapped[int] = mapped_column(default=1, server_default="1")
    # When the current try began; None for the first, which began with the row.
    attempt_at: Mapped[dt.datetime | None]
    # Stripe's code of why the last try to pay failed ("card_declined"); empty when none did.
    problem: Mapped[str] = mapped_column(sa.String(60), default="", server_default="")
    # When the donor said that they do not want to give after all; its checkout was closed before that.
    cancelled_at: Mapped[dt.datetime | None]
    # One form sent twice (double click, back and again) with the same values is one donation.
    form_key: Mapped[str | None] = mapped_column(sa.String(64), unique=True)
    # Which form that was (a hash of its nonce): with other values it is another donation, and this one's checkout closes.
    form: Mapped[str | None] = mapped_column(sa.String(64), index=True)
    locale: Mapped[str | None] = mapped_column(sa.String(16))
    # The commitment this is a month of, and the invoice of that month: the first has its page at Stripe, the later have none.
    monthly_gift_id: Mapped[int | None] = mapped_column(sa.ForeignKey("monthly_gift.id"), index=True)
    stripe_invoice_id: Mapped[str | None] = mapped_column(sa.String(255), unique=True)
    stripe_session_id: Mapped[str | None] = mapped_column(sa.String(255), unique=True)
    stripe_payment_intent_id: Mapped[str | None] = mapped_column(sa.String(255), unique=True)
    stripe_charge_id: Mapped[str | None] = mapped_column(sa.String(255), unique=True)
    # None until Stripe has settled the charge: only then is its fee known.
    stripe_balance_transaction_id: Mapped[str | None] = mapped_column(sa.String(255), unique=True)
    checkout_url: Mapped[str | None]
    # What the page of the present try says one pays for: asked for again, Stripe has to read the same, whatever the
    # organization is called by then. "" for what has no page.
    checkout_title: Mapped[str] = mapped_column(sa.Text, default="", server_default="")
    # What went back and stays back, as the ledger says: by refunds, and by disputes while the bank holds it.
    refunded_minor: Mapped[int] = mapped_column(BigInt, default=0, server_default="0")
    disputed_minor: Mapped[int] = mapped_column(BigInt, default=0, server_default="0")
    created_at: Mapped[dt.datetime]
    paid_at: Mapped[dt.datetime | None]
    # When Stripe was last asked about it: the sweep asks again after a while.
    checked_at: Mapped[dt.datetime | None]

    # The team whose page the fundraiser was part of when the gift was begun: it counts there, too, and goes on to.
    team_id: Mapped[int | None] = mapped_column(sa.ForeignKey("fundraiser.id"), index=True)
    # Who keeps its message from the page, and why; "" when nobody does.
    hidden_by: Mapped[str] = mapped_column(sa.String(8), default="", server_default="")
    hidden_reason: Mapped[str] = mapped_column(sa.String(300), default="", server_default="")
    # The same of the name that the donor shows: while somebody keeps it, the page says "A supporter".
    name_hidden_by: Mapped[str] = mapped_column(sa.String(8), default="", server_default="")
    name_hidden_reason: Mapped[str] = mapped_column(sa.String(300), default="", server_default="")
    # Of a gift in person: who recorded it, and when it was given.
    recorded_by_id: Mapped[int | None] = mapped_column(sa.ForeignKey("person.id"), index=True)
    received_on: Mapped[dt.date | None]

    fundraiser: Mapped[Fundraiser] = relationship(foreign_keys=[fundraiser_id])

    @property
    def message_hidden(self) -> bool:
        """True while the page does not show its message."""
        return bool(self.hidden_by)

    @property
    def shows_name(self) -> bool:
        """True when the donor lets everybody read a name, whether or not somebody keeps it from the page."""
        return not self.anonymous and bool(self.company or self.name)

    @property
    def parts_shown(self) -> tuple[str, ...]:
        """What of it the page shows as its donor typed it: a message (or whom they think of), a name."""
        return (*(("message",) if self.has_words else ()), *(("name",) if self.shows_name else ()))

    def hider_of(self, part: str) -> str:
        """Who keeps its "message" or its "name" from the page; "" when nobody does."""
        return (self.name_hidden_by if part == "name" else self.hidden_by) or ""

    def hide(self, part: str, by: str, reason: str) -> None:
        """Let `by` keep a part from the page; "" shows it."""
        if part == "name":
            self.name_hidden_by, self.name_hidden_reason = by, reason
        else:
            self.hidden_by, self.hidden_reason = by, reason

    @property
    def is_astray(self) -> bool:
        """True when it was paid on a page that had been replaced, by a monthly gift that nobody wanted: it goes back by
        itself."""
        return (self.form_key or "").startswith(ASTRAY)

    @property
    def has_words(self) -> bool:
        """True when the donor wrote something that the page shows: a message, or for whom they give."""
        return bool(self.message or self.dedicated_to)

    @property
    def gift_minor(self) -> int:
        """What the donor wants to arrive, in minor units: all of it, less what covers the fee."""
        return self.amount_minor - self.cover_fee_minor

    @property
    def state(self) -> str:
        """What people are told of it: its status, or cancelled when it expired because the donor wanted that."""
        return "cancelled" if self.status == "expired" and self.cancelled_at is not None else self.status

    @property
    def asked_at(self) -> dt.datetime:
        """When the current try to pay began: its session lives from then."""
        return self.attempt_at or self.created_at


# An event's answer is promised under this and Stripe's id of the event, once.
EVENT_PROMISE = "stripe_event:"


class StripeEvent(HasId, Base):
    """Stripe said something happened. Only what is needed to fetch it afresh is kept: no payload, no personal data."""

    __tablename__ = "stripe_event"
    __table_args__ = (
        sa.CheckConstraint(f"status IN {EVENT_STATUSES}", name="status"),
        sa.Index("ix_stripe_event_status", "status", "received_at"),
    )

    stripe_id: Mapped[str] = mapped_column(sa.String(255), unique=True)
    type: Mapped[str] = mapped_column(sa.String(100))
    object_id: Mapped[str] = mapped_column(sa.String(255), default="", server_default="")
    account: Mapped[str | None] = mapped_column(sa.String(255))
    livemode: Mapped[bool]
    # When it happened at Stripe, and when we heard of it.
    created_at: Mapped[dt.datetime]
    received_at: Mapped[dt.datetime]
    status: Mapped[str] = mapped_column(sa.String(16), default="received")
    handled_at: Mapped[dt.datetime | None]
    note: Mapped[str] = mapped_column(sa.String(300), default="", server_default="")
    # When Stripe first said that it does not know what the event speaks of. Believed when it says the same a day later.
    gone_since: Mapped[dt.datetime | None]


class StripeSync(Base):
    """Up to when Stripe's list of events has been read; what was not delivered until then is stored all the same."""

    __tablename__ = "stripe_sync"

    account: Mapped[str] = mapped_column(sa.String(255), primary_key=True)
    listed_until: Mapped[dt.datetime]


class LedgerTransaction(Base):
    """Entries that belong together and sum to zero per currency (F2). `source` says what caused it, once."""

    __tablename__ = "ledger_transaction"

    id: Mapped[int] = mapped_column(BigInt, primary_key=True, autoincrement=True)
    organization_id: Mapped[int] = mapped_column(sa.ForeignKey("organization.id"), index=True)
    donation_id: Mapped[int | None] = mapped_column(sa.ForeignKey("donation.id"), index=True)
    kind: Mapped[str] = mapped_column(sa.String(32))
    # For example "payment:pi_…" or "fee:txn_…": the same cause never writes twice (F3).
    source: Mapped[str] = mapped_column(sa.String(300), unique=True)
    # When what it says happened, where that is not when it was written: a gift is of the day on which it was paid, whenever we
    # heard of it (donations.ledger.happened).
    happened_at: Mapped[dt.datetime | None]
    created_at: Mapped[dt.datetime]

    entries: Mapped[list[LedgerEntry]] = relationship(back_populates="transaction")


class LedgerEntry(Base):
    """A debit (positive) or a credit (negative) of one account, in minor units of `currency`."""

    __tablename__ = "ledger_entry"
    __table_args__ = (
        sa.CheckConstraint(f"account IN {LEDGER_ACCOUNTS}", name="account"),
        sa.CheckConstraint("amount_minor <> 0", name="amount_not_zero"),
        sa.Index("ix_ledger_entry_fundraiser_id_account", "fundraiser_id", "account"),
    )

    id: Mapped[int] = mapped_column(BigInt, primary_key=True, autoincrement=True)
    transaction_id: Mapped[int] = mapped_column(sa.ForeignKey("ledger_transaction.id"), index=True)
    organization_id: Mapped[int] = mapped_column(sa.ForeignKey("organization.id"), index=True)
    fundraiser_id: Mapped[int | None] = mapped_column(sa.ForeignKey("fundraiser.id"))
    account: Mapped[str] = mapped_column(sa.String(32))
    amount_minor: Mapped[int] = mapped_column(BigInt)
    currency: Mapped[str] = mapped_column(sa.String(3))

    transaction: Mapped[LedgerTransaction] = relationship(back_populates="entries")


from app.donations import receipt_models as receipt_models  # noqa: E402  # their tables belong to the same metadata
