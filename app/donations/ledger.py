"""The ledger (F2): append-only transactions of entries that sum to zero per currency; balances are sums of entries.

A positive amount is a debit, a negative one a credit. What a gift of 25.00 with a fee of 1.03 writes:

    payment:pi_1   stripe_clearing +2500   donations -2500
    fee:txn_1      fees            +103    stripe_clearing -103

What goes back: `refund:re_…` (refunds +, stripe_clearing -) and `refund_failed:re_…` its reverse; `dispute:txn_…` for each
time the bank takes or puts back; `exchange:txn_…` where an account settles in another currency; `payout:po_…`
(in_transit_to_bank +, stripe_clearing -) and `payout_failed:po_…` its reverse.

Nothing here updates or deletes; the database refuses it too. A cause (`source`) writes at most once (F3).
"""

from __future__ import annotations

import collections
import dataclasses
import datetime as dt
import zoneinfo
from collections.abc import Sequence

import sqlalchemy as sa

from app.core.clock import now
from app.core.db import db, in_transaction
from app.core.money import Money
from app.donations.models import Donation, LedgerEntry, LedgerTransaction

# What a fundraiser has raised: gifts, less what went back to donors.
RAISED_ACCOUNTS = ("donations", "refunds", "disputes")


@dataclasses.dataclass(frozen=True)
class Posting:
    """One line to be written: a debit (positive) or a credit (negative) of `account`."""

    account: str
    money: Money
    fundraiser_id: int | None = None


class Unbalanced(ValueError):
    """Postings that do not sum to zero in every currency: a mistake in this program, never written."""


def post(
    *,
    organization_id: int,
    donation_id: int | None,
    kind: str,
    source: str,
    postings: Sequence[Posting],
    at: dt.datetime | None = None,
) -> LedgerTransaction | None:
    """Append one transaction; None when `source` was written before. Lines of zero are left out; nothing to say, nothing
    written. `at`: when it happened (aware), where that is not now. Raises Unbalanced; RuntimeError outside a transaction.
    """
    if not in_transaction():
        raise RuntimeError("entries commit with the fact that caused them")
    lines = [posting for posting in postings if posting.money.amount_minor]
    sums: dict[str, int] = collections.defaultdict(int)
    for line in lines:
        sums[line.money.currency] += line.money.amount_minor
    if any(sums.values()):
        raise Unbalanced(f"{source}: {dict(sums)}")
    if not lines or is_written(source):
        return None
    written_at = now()
    written = LedgerTransaction(
        organization_id=organization_id,
        donation_id=donation_id,
        kind=kind,
        source=source,
        happened_at=None if at is None else min(at, written_at),
        created_at=written_at,
    )
    db.session.add(written)
    db.session.flush()
    db.session.add_all(
        LedgerEntry(
            transaction_id=written.id,
            organization_id=organization_id,
            fundraiser_id=line.fundraiser_id,
            account=line.account,
            amount_minor=line.money.amount_minor,
            currency=line.money.currency,
        )
        for line in lines
    )
    db.session.flush()
    return written


def happened() -> sa.ColumnElement[dt.datetime]:
    """When what a transaction says happened: periods, years and days go by that. When it was written says its `created_at`."""
    return sa.func.coalesce(LedgerTransaction.happened_at, LedgerTransaction.created_at)


def given_at(donation: Donation) -> dt.datetime | None:
    """When a gift was given: paid, as Stripe says; of one in person an instant of its day, where the organization is. None when
    nobody knows."""
    if donation.received_on is None:
        return donation.paid_at
    zone = zoneinfo.ZoneInfo(donation.fundraiser.organization.time_zone)
    return dt.datetime.combine(donation.received_on, dt.time(12), zone)


def is_written(source: str) -> bool:
    """True when this cause has its transaction already."""
    found = sa.select(LedgerTransaction.id).where(LedgerTransaction.source == source)
    return db.session.scalar(found) is not None


def post_gift(
    *,
    organization_id: int,
    fundraiser_id: int,
    donation_id: int,
    payment_id: str,
    amount: Money,
    at: dt.datetime | None = None,
) -> LedgerTransaction | None:
    """A gift arrived at Stripe: it waits in clearing, and the fundraiser raised it."""
    return post(
        at=at,
        organization_id=organization_id,
        donation_id=donation_id,
        kind="gift",
        source=f"payment:{payment_id}",
        postings=[
            Posting("stripe_clearing", amount, fundraiser_id),
            Posting("donations", Money(-amount.amount_minor, amount.currency), fundraiser_id),
        ],
    )


def post_fee(
    *,
    organization_id: int,
    fundraiser_id: int | None,
    donation_id: int | None,
    balance_transaction_id: str,
    fee: Money,
    kind: str = "fee",
    at: dt.datetime | None = None,
) -> LedgerTransaction | None:
    """Stripe kept `fee` of a gift, in the currency it settles in (which may be another than the gift's); `kind` says of what:
    fee (the payment), refund_fee, dispute_fee, payout_fee and billed_fee (of no gift). A negative one was given back."""
    return post(
        organization_id=organization_id,
        donation_id=donation_id,
        kind=kind,
        at=at,
        source=f"fee:{balance_transaction_id}",
        postings=[
            Posting("fees", fee, fundraiser_id),
            Posting("stripe_clearing", Money(-fee.amount_minor, fee.currency), fundraiser_id),
        ],
    )


def balances(organization_id: int) -> dict[tuple[str, str], int]:
    """What every account of an organization holds: {(account, currency): minor units}, from its entries alone."""
    query = (
        sa.select(LedgerEntry.account, LedgerEntry.currency, sa.func.sum(LedgerEntry.amount_minor))
        .where(LedgerEntry.organization_id == organization_id)
        .group_by(LedgerEntry.account, LedgerEntry.currency)
    )
    return {(account, currency): int(total) for account, currency, total in db.session.execute(query)}


@dataclasses.dataclass(frozen=True)
class Movement:
    """Part of a gift that leaves Stripe's balance (positive) or comes back to it (negative). `of_page` is what the
    fundraiser's total changes by; `beyond` is more than the gift was (a bank took it twice): the organization's alone, so
    that no page's total is ever negative (F5)."""

    organization_id: int
    fundraiser_id: int
    donation_id: int
    of_page: Money
    beyond: Money


def post_movement(
    movement: Movement, *, account: str, kind: str, source: str, at: dt.datetime | None = None
) -> LedgerTransaction | None:
    """Write that a gift, or a part of it, went back or stayed after all; `account` is refunds or disputes."""
    total = movement.of_page.amount_minor + movement.beyond.amount_minor
    return post(
        organization_id=movement.organization_id,
        donation_id=movement.donation_id,
        kind=kind,
        at=at,
        source=source,
        postings=[
            Posting(account, movement.of_page, movement.fundraiser_id),
            Posting(account, movement.beyond),
            Posting("stripe_clearing", Money(-total, movement.of_page.currency), movement.fundraiser_id),
        ],
    )


def post_exchange(
    *,
    organization_id: int,
    fundraiser_id: int,
    donation_id: int,
    balance_transaction_id: str,
    booked: Money,
    settled: Money,
    at: dt.datetime | None = None,
) -> LedgerTransaction | None:
    """The account settles in another currency than the gift's: what was `booked` in clearing becomes `settled`, as Stripe
    counted it (signed as clearing changed). Nothing where the currencies are the same."""
    if booked.currency == settled.currency:
        return None
    return post(
        organization_id=organization_id,
        donation_id=donation_id,
        kind="exchange",
        at=at,
        source=f"exchange:{balance_transaction_id}",
        postings=[
            Posting("stripe_clearing", Money(-booked.amount_minor, booked.currency), fundraiser_id),
            Posting("exchange", booked, fundraiser_id),
            Posting("stripe_clearing", settled, fundraiser_id),
            Posting("exchange", Money(-settled.amount_minor, settled.currency), fundraiser_id),
        ],
    )


def post_payout(
    *,
    organization_id: int,
    payout_id: str,
    amount: Money,
    failed: bool = False,
    share: str = "",
    at: dt.datetime | None = None,
) -> LedgerTransaction | None:
    """Money left for the bank, or came back because it did not arrive. `share` tells the organizations apart that one
    account serves."""
    signed = -amount.amount_minor if failed else amount.amount_minor
    kind = "payout_failed" if failed else "payout"
    return post(
        organization_id=organization_id,
        donation_id=None,
        kind=kind,
        at=at,
        source=f"{kind}:{payout_id}{':' if share else ''}{share}",
        postings=[
            Posting("in_transit_to_bank", Money(signed, amount.currency)),
            Posting("stripe_clearing", Money(-signed, amount.currency)),
        ],
    )
