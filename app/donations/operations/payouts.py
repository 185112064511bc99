"""Payouts: money on its way from Stripe to the organization's bank, and which gifts it carries."""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence

import sqlalchemy as sa

from app.core.audit import record
from app.core.db import db, lock
from app.core.ids import encode_id
from app.core.money import Money
from app.donations import ledger
from app.donations.models import Donation, LedgerEntry, LedgerTransaction
from app.donations.money_facts import BalanceFacts, PayoutFacts
from app.donations.money_models import BACK_KINDS, PAYOUT_STATUSES, Payout, PayoutLine, Refund
from app.donations.operations import mismatches
from app.donations.operations.inbox import close_event
from app.donations.operations.telling import tell_staff

# A payout may fail after it was called paid, for some days (https://docs.stripe.com/api/payouts/object#payout_object-status):
# it only ever moves to a higher rank.
RANK = {"pending": 0, "in_transit": 1, "paid": 2, "failed": 3, "canceled": 3}
PAYOUT_KINDS = ("payout", *BACK_KINDS)
# What Stripe bills apart from payments, and the tax on it (https://docs.stripe.com/reports/balance-transaction-types).
FEE_KINDS = ("stripe_fee", "stripe_fx_fee", "tax_fee")
# What Stripe keeps back for a while and lets go again (the same page): in the account all the time, so it leaves for the bank
# with the payout that carries its release.
HELD_KINDS = (
    "payment_network_reserve_hold",
    "payment_network_reserve_release",
    "payout_minimum_balance_hold",
    "payout_minimum_balance_release",
    "reserve_hold",
    "reserve_release",
    "reserve_transaction",
    "reserved_funds",
)


@dataclasses.dataclass(frozen=True)
class Owner:
    """Whose a balance transaction is, as far as our rows say."""

    organization_id: int
    fundraiser_id: int
    donation_id: int


def find_owners(ids: Sequence[str]) -> dict[str, Owner]:
    """The gifts that balance transactions belong to: those of payments, refunds (failed ones too) and disputes. Unknown ids
    are left out."""
    if not ids:
        return {}
    found: dict[str, Owner] = {}
    gift = (Donation.organization_id, Donation.fundraiser_id, Donation.id)
    sources = {f"{kind}:{key}": key for key in ids for kind in ("dispute", "fee")}
    queries = (
        sa.select(Donation.stripe_balance_transaction_id, *gift).where(Donation.stripe_balance_transaction_id.in_(ids)),
        sa.select(Refund.stripe_balance_transaction_id, *gift)
        .join(Donation, Donation.id == Refund.donation_id)
        .where(Refund.stripe_balance_transaction_id.in_(ids)),
        sa.select(Refund.failure_balance_transaction_id, *gift)
        .join(Donation, Donation.id == Refund.donation_id)
        .where(Refund.failure_balance_transaction_id.in_(ids)),
        sa.select(LedgerTransaction.source, *gift)
        .join(Donation, Donation.id == LedgerTransaction.donation_id)
        .where(LedgerTransaction.source.in_(sources)),
    )
    for query in queries:
        for key, organization_id, fundraiser_id, donation_id in db.session.execute(query):
            found[sources.get(str(key), str(key))] = Owner(organization_id, fundraiser_id, donation_id)
    return found


def note_payout(
    facts: PayoutFacts,
    lines: Sequence[BalanceFacts],
    *,
    account: str | None,
    organization_id: int | None,
    fetched_at: dt.datetime,
    foreign: Collection[str] = (),
    event_id: int | None = None,
) -> Payout:
    """Apply what Stripe says of a payout, and keep which balance transactions it carries. `organization_id`: whose the account
    is; None when it serves several. `foreign`: the balance transactions that are other business of the account than gifts:
    they are not in our ledger, so what left for the bank of them is not either."""
    if event_id is not None:
        close_event(event_id, "handled")
    payout = _find_or_make(facts, account, organization_id, fetched_at)
    status = facts.status if facts.status in PAYOUT_STATUSES else payout.status
    before = payout.status
    if RANK[status] > RANK[before]:
        payout.status = status
    payout.problem = facts.problem or payout.problem
    payout.arrives_on = facts.arrives_on
    payout.checked_at = fetched_at
    payout.stripe_balance_transaction_id = facts.balance_transaction_id or payout.stripe_balance_transaction_id
    payout.failure_balance_transaction_id = (
        facts.failure_balance_transaction_id or payout.failure_balance_transaction_id
    )
    db.session.flush()
    shares = _keep_lines(payout, lines, foreign)
    _book(payout, shares, facts.failed_at)
    _book_fees(payout, facts)
    book_billed(lines, payout.organization_id, account=account)
    if payout.status != before and payout.status in ("paid", "failed", "canceled"):
        record(
            f"payout.{payout.status}",
            subject=payout,
            by=None,
            organization_id=payout.organization_id,
            data={"amount_minor": payout.amount_minor, "currency": payout.currency},
        )
        if payout.status == "failed":
            news = {"payout_id": payout.id}
            tell_staff(payout.organization_id, "payout_failed", news, key=f"payout_failed:{payout.id}")
    db.session.flush()
    return payout


def _find_or_make(
    facts: PayoutFacts, account: str | None, organization_id: int | None, fetched_at: dt.datetime
) -> Payout:
    query = sa.select(Payout.id).where(Payout.stripe_payout_id == facts.id)
    key = db.session.scalar(query)
    found = None if key is None else lock(Payout, key)
    if found is not None:
        return found
    made = Payout(
        organization_id=organization_id,
        account=account,
        stripe_payout_id=facts.id,
        amount_minor=facts.amount.amount_minor,
        currency=facts.amount.currency,
        status="pending",
        arrives_on=facts.arrives_on,
        automatic=facts.automatic,
        is_complete=False,
        created_at=facts.created_at,
        checked_at=fetched_at,
    )
    db.session.add(made)
    db.session.flush()
    return made


def _lines_of(payout_id: int) -> dict[str, PayoutLine]:
    """The lines that are kept of a payout, by their balance transactions."""
    rows = db.session.scalars(sa.select(PayoutLine).where(PayoutLine.payout_id == payout_id))
    return {row.stripe_balance_transaction_id: row for row in rows}


def list_unheard(lines: Sequence[BalanceFacts], payout_id: str) -> list[str]:
    """Stripe's ids of the other payouts that lines of `payout_id` say came back, and that did not as far as we know."""
    back = {line.source for line in lines if line.kind in BACK_KINDS and line.source not in ("", payout_id)}
    heard = sa.select(Payout.stripe_payout_id).where(
        Payout.stripe_payout_id.in_(back), Payout.failure_balance_transaction_id.is_not(None)
    )
    return sorted(back - set(db.session.scalars(heard))) if back else []


def list_waiting_for(payout_id: str) -> list[str]:
    """Stripe's ids of the payouts that carry the money of `payout_id`, which came back, as one sum: only now its lines are
    known."""
    lines = (
        sa.select(PayoutLine.payout_id)
        .join(Payout, Payout.failure_balance_transaction_id == PayoutLine.stripe_balance_transaction_id)
        .where(Payout.stripe_payout_id == payout_id, Payout.is_complete.is_(True), Payout.automatic.is_(True))
    )
    query = sa.select(Payout.stripe_payout_id).where(Payout.id.in_(lines), Payout.stripe_payout_id != payout_id)
    return sorted(db.session.scalars(query))


def note_looked_at(payout_id: int, at: dt.datetime) -> None:
    """It was asked about at `at`, and nothing came of it."""
    payout = lock(Payout, payout_id)
    if payout is not None:
        payout.checked_at = at
        db.session.flush()


def _keep_lines(payout: Payout, lines: Sequence[BalanceFacts], foreign: Collection[str]) -> Mapping[int, int]:
    """Keep each line once; {organization: what of the payout is its own} by the lines known now.

    Money of an earlier payout that did not arrive goes on with this one: where its lines are known, they are lines of this one,
    too; else it is one line of whoever's the earlier payout was, as that is what the ledger wrote of it.
    """
    kept = _lines_of(payout.id)
    carried: dict[str, PayoutLine] = {}
    shown = [line for line in lines if line.kind not in PAYOUT_KINDS]
    for line in lines:
        if line.kind not in PAYOUT_KINDS or line.source in ("", payout.stripe_payout_id):
            continue
        earlier = db.session.scalar(sa.select(Payout).where(Payout.stripe_payout_id == line.source))
        parts = {} if earlier is None or line.kind not in BACK_KINDS else _lines_of(earlier.id)
        if earlier is not None and parts and _net(parts.values()) == line.net.amount_minor:
            carried |= parts
            if line.id in kept:
                db.session.delete(kept.pop(line.id))
        elif earlier is not None:
            _keep(payout, kept, line).organization_id = earlier.organization_id
    owners = find_owners([*(line.id for line in shown), *carried])
    rows: list[tuple[PayoutLine, int | None]] = []
    for line in shown:
        rows.append((_keep(payout, kept, line), None if line.id in foreign else payout.organization_id))
    for key, part in carried.items():
        rows.append((_copy(payout, kept, part) if key not in kept else kept[key], part.organization_id))
    for row, otherwise in rows:
        owner = owners.get(row.stripe_balance_transaction_id)
        if owner is not None:
            row.organization_id, row.fundraiser_id = owner.organization_id, owner.fundraiser_id
            row.donation_id = owner.donation_id
        elif row.organization_id is None:
            row.organization_id = otherwise
    shares: dict[int, int] = defaultdict(int)
    for row in kept.values():
        if row.organization_id is not None:
            shares[row.organization_id] += row.amount_minor - row.fee_minor
    payout.is_complete = bool(kept) and _net(kept.values()) == payout.amount_minor
    return shares


def _net(rows: Iterable[PayoutLine]) -> int:
    return sum(row.amount_minor - row.fee_minor for row in rows)


def _keep(payout: Payout, kept: dict[str, PayoutLine], line: BalanceFacts) -> PayoutLine:
    """The row of a line, made when there is none."""
    if line.id not in kept:
        kept[line.id] = PayoutLine(
            payout_id=payout.id,
            stripe_balance_transaction_id=line.id,
            kind=line.kind[:40],
            amount_minor=line.amount.amount_minor,
            fee_minor=line.fee.amount_minor,
            currency=line.amount.currency,
        )
        db.session.add(kept[line.id])
    return kept[line.id]


def _copy(payout: Payout, kept: dict[str, PayoutLine], part: PayoutLine) -> PayoutLine:
    """A line of an earlier payout as one of this."""
    made = PayoutLine(
        payout_id=payout.id,
        stripe_balance_transaction_id=part.stripe_balance_transaction_id,
        kind=part.kind,
        amount_minor=part.amount_minor,
        fee_minor=part.fee_minor,
        currency=part.currency,
    )
    db.session.add(made)
    kept[part.stripe_balance_transaction_id] = made
    return made


def _book(payout: Payout, shares: Mapping[int, int], failed_at: dt.datetime | None) -> None:
    """Write that it left, and that it came back, at `failed_at`, when it did not arrive."""
    if payout.is_complete:
        parts = dict(shares)
    else:  # Stripe cannot say what a payout made by hand carries, nor yet what one carries that it has just made
        parts = {} if payout.organization_id is None else {payout.organization_id: payout.amount_minor}
    for organization_id, minor in sorted(parts.items()):
        share = "" if payout.organization_id is not None else encode_id(organization_id)
        for failed in (False, True) if payout.status in ("failed", "canceled") else (False,):
            at = failed_at if failed else payout.created_at
            _book_up_to(payout, organization_id, minor, failed=failed, share=share, at=at)


def _book_fees(payout: Payout, facts: PayoutFacts) -> None:
    """What Stripe kept for paying out at once (https://docs.stripe.com/payouts/instant-payouts): the organization's cost, of no
    fundraiser. Of an account that serves several organizations nobody can say whose it is."""
    fees = (
        (facts.balance_transaction_id, facts.fee, facts.created_at),
        (facts.failure_balance_transaction_id, facts.failure_fee, facts.failed_at),
    )
    for balance_transaction_id, fee, at in fees:
        if payout.organization_id is not None and balance_transaction_id is not None and fee is not None:
            ledger.post_fee(
                organization_id=payout.organization_id,
                fundraiser_id=None,
                donation_id=None,
                balance_transaction_id=balance_transaction_id,
                fee=fee,
                kind="payout_fee",
                at=at,
            )


def book_billed(balances: Sequence[BalanceFacts], organization_id: int | None, *, account: str | None) -> None:
    """What Stripe bills apart from payments (FEE_KINDS among `balances`), each once: a cost of the organization whose `account`
    it is, of no fundraiser; below zero it was given back. Of an account that serves several organizations (None) nobody can say
    whose it is. What was put before a person because it was not in the books is seen to by that."""
    if organization_id is None:
        return
    for balance in balances:
        if balance.kind in FEE_KINDS:
            ledger.post_fee(
                organization_id=organization_id,
                fundraiser_id=None,
                donation_id=None,
                balance_transaction_id=balance.id,
                fee=Money(-balance.net.amount_minor, balance.net.currency),
                kind="billed_fee",
                at=balance.created_at,
            )
            mismatches.note_fee_booked(balance.id, account=account)


def _book_up_to(
    payout: Payout, organization_id: int, minor: int, *, failed: bool, share: str, at: dt.datetime | None
) -> None:
    """Write what is not written yet, as it happened `at`: more of a payout turns out to be gifts when the news of a gift comes
    after that of its payout."""
    cause = f"{'payout_failed' if failed else 'payout'}:{payout.stripe_payout_id}"
    written = (
        sa.select(sa.func.count(LedgerEntry.id), sa.func.coalesce(sa.func.sum(LedgerEntry.amount_minor), 0))
        .join(LedgerTransaction, LedgerTransaction.id == LedgerEntry.transaction_id)
        .where(LedgerEntry.account == "in_transit_to_bank", LedgerEntry.organization_id == organization_id)
        .where(
            sa.or_(
                LedgerTransaction.source == cause,
                sa.and_(LedgerTransaction.source > f"{cause}:", LedgerTransaction.source < f"{cause};"),
            )
        )
    )
    times, booked = db.session.execute(written).one()
    more = minor - (-int(booked) if failed else int(booked))
    if not more:
        return
    part = f"{share}:{times}" if times and share else str(times) if times else share
    ledger.post_payout(
        organization_id=organization_id,
        payout_id=payout.stripe_payout_id,
        amount=Money(more, payout.currency),
        failed=failed,
        share=part,
        at=at,
    )
