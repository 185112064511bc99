"""The ledger (F2): append-only transactions of entries that sum to zero per currency; balances are sums of entries.

A positive amount is a debit, a negative one a credit. What a gift of 25.00 with a fee of 1.03 writes:

    payment:pi_1   stripe_clearing +2500   donations -2500
    fee:txn_1      fees            +103    stripe_clearing -103

Nothing here updates or deletes; the database refuses it too. A cause (`source`) writes at most once (F3).
"""

from __future__ import annotations

import collections
import dataclasses
from collections.abc import Sequence

import sqlalchemy as sa

from app.core.clock import now
from app.core.db import db, in_transaction
from app.core.money import Money
from app.donations.models import LedgerEntry, LedgerTransaction

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
    *, organization_id: int, donation_id: int | None, kind: str, source: str, postings: Sequence[Posting]
) -> LedgerTransaction | None:
    """Append one transaction; None when `source` was written before. Lines of zero are left out; nothing to say, nothing
    written. Raises Unbalanced; RuntimeError outside a transaction.
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
    written = LedgerTransaction(
        organization_id=organization_id, donation_id=donation_id, kind=kind, source=source, created_at=now()
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


def is_written(source: str) -> bool:
    """True when this cause has its transaction already."""
    found = sa.select(LedgerTransaction.id).where(LedgerTransaction.source == source)
    return db.session.scalar(found) is not None


def post_gift(
    *, organization_id: int, fundraiser_id: int, donation_id: int, payment_id: str, amount: Money
) -> LedgerTransaction | None:
    """A gift arrived at Stripe: it waits in clearing, and the fundraiser raised it."""
    return post(
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
    *, organization_id: int, fundraiser_id: int, donation_id: int, balance_transaction_id: str, fee: Money
) -> LedgerTransaction | None:
    """Stripe kept `fee` of a gift, in the currency it settles in (which may be another than the gift's)."""
    return post(
        organization_id=organization_id,
        donation_id=donation_id,
        kind="fee",
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
