"""Reconciliation: every balance transaction of an account at Stripe against the ledger, and the other way round.

It repairs nothing. Nightly it puts each difference on a list that a person works off; `flask ledger verify --with-stripe`
compares the whole history. A balance transaction agrees when the ledger's clearing account changed by its net, in its
currency, for what caused it.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections import defaultdict
from collections.abc import Iterator, Sequence

import sqlalchemy as sa
import structlog

from app.core.clock import now
from app.core.db import db, transaction
from app.core.ids import encode_id
from app.donations import gateway, gateway_money, going_back, money_queries, queries
from app.donations.gateway import GatewayError
from app.donations.models import PLATFORM, Donation, LedgerEntry, LedgerTransaction
from app.donations.money_facts import BalanceFacts
from app.donations.money_models import Payout, PayoutLine, Reconciliation, Refund
from app.donations.operations import mismatches, payouts

log = structlog.get_logger(__name__)

GIFT_KINDS = ("charge", "payment")
REFUND_KINDS = ("refund", "payment_refund", "refund_failure", "payment_failure_refund", "payment_reversal")
PAYOUT_KINDS = ("payout", "payout_cancel", "payout_failure")
# What is younger may still be on its way to us.
GRACE = dt.timedelta(hours=2)
# How far a run looks back over the one before.
OVERLAP = dt.timedelta(days=3)
EVERY = dt.timedelta(hours=20)
# A gift whose charge Stripe has not booked by then is looked at.
SETTLES_WITHIN = dt.timedelta(days=5)
BATCH = 400


@dataclasses.dataclass(frozen=True)
class Difference:
    """One thing that does not agree. `subject` is Stripe's id, or ours; `detail` holds codes and numbers."""

    kind: str
    subject: str
    detail: str
    donation_id: int | None = None
    organization_id: int | None = None

    def __str__(self) -> str:
        return f"stripe: {self.kind} {self.subject} ({self.detail})"


@dataclasses.dataclass(frozen=True)
class Outcome:
    """What a comparison did: how many balance transactions there were, how many are no gifts of ours, and what differs."""

    compared: int
    foreign: int
    differences: list[Difference]


@dataclasses.dataclass(frozen=True)
class _Cause:
    """What a balance transaction belongs to: the ledger's sources of it, and whose gift it is."""

    sources: tuple[str, ...]
    donation_id: int | None
    organization_id: int | None
    # What of a payout is other business than gifts: it is not in the ledger.
    foreign: int = 0


def compare(
    account: str | None,
    *,
    since: dt.datetime | None = None,
    until: dt.datetime | None = None,
    listed: Sequence[BalanceFacts] | None = None,
) -> Outcome:
    """Compare an account's balance transactions of `since` <= created < `until` (None: all) with the ledger. `listed`: those
    since `since`, where they were asked for already.

    Outside any transaction. Raises GatewayError when Stripe does not answer.
    """
    if listed is None:
        listed = gateway_money.list_balance_transactions(account=account, since=since)
    balances = [balance for balance in listed if until is None or balance.created_at < until]
    found: list[Difference] = []
    foreign = 0
    for some in _batches(balances):
        causes = _find_causes(some)
        booked = _booked([source for cause in causes.values() for source in cause.sources])
        db.session.rollback()
        strangers = [balance for balance in some if balance.id not in causes]
        gifts = going_back.find_gifts(strangers, account)
        began = money_queries.find_beginning(account, gateway.mode())
        db.session.rollback()
        for balance in strangers:
            stranger = _explain_unknown(balance, account, gifts.get(balance.id), began)
            foreign += stranger is None
            found += [] if stranger is None else [stranger]
        for balance in some:
            if balance.id not in causes:
                continue
            cause = causes[balance.id]
            changed = sum(booked.get((source, balance.amount.currency), 0) for source in cause.sources) + cause.foreign
            if changed != balance.net.amount_minor:
                detail = f"{balance.kind}: stripe {balance.net.amount_minor}, ledger {changed} {balance.net.currency}"
                found.append(Difference("amount", balance.id, detail, cause.donation_id, cause.organization_id))
    found += _only_ours(account, {balance.id for balance in listed}, since, until)
    db.session.rollback()
    return Outcome(len(balances), foreign, found)


def _batches(balances: Sequence[BalanceFacts]) -> Iterator[Sequence[BalanceFacts]]:
    for start in range(0, len(balances), BATCH):
        yield balances[start : start + BATCH]


def _find_causes(balances: Sequence[BalanceFacts]) -> dict[str, _Cause]:
    """What each balance transaction belongs to, by the ids that our rows hold; those we do not know are left out."""
    ids = [balance.id for balance in balances]
    found: dict[str, _Cause] = {}

    def add(key: str, source: str, donation_id: int | None, organization_id: int | None) -> None:
        found[key] = _Cause((source, f"fee:{key}", f"exchange:{key}"), donation_id, organization_id)

    gifts = sa.select(
        Donation.stripe_balance_transaction_id, Donation.stripe_payment_intent_id, Donation.id, Donation.organization_id
    ).where(Donation.stripe_balance_transaction_id.in_(ids), Donation.status == "paid")
    for key, payment, donation_id, organization_id in db.session.execute(gifts):
        add(str(key), f"payment:{payment}", donation_id, organization_id)
    refund = (Refund.stripe_refund_id, Refund.donation_id, Refund.organization_id)
    for column, kind in (
        (Refund.stripe_balance_transaction_id, "refund"),
        (Refund.failure_balance_transaction_id, "refund_failed"),
    ):
        query = sa.select(column, *refund).where(column.in_(ids))
        for key, refund_id, donation_id, organization_id in db.session.execute(query):
            add(str(key), f"{kind}:{refund_id}", donation_id, organization_id)
    # What is in the books of a dispute: what the bank took or put back, or a fee alone.
    sources = {f"{kind}:{key}": key for key in ids if key not in found for kind in ("dispute", "fee")}
    disputes = sa.select(
        LedgerTransaction.source, LedgerTransaction.donation_id, LedgerTransaction.organization_id
    ).where(LedgerTransaction.source.in_(sources))
    for source, of_gift, of_organization in db.session.execute(disputes):
        add(sources[source], f"dispute:{sources[source]}", of_gift, of_organization)
    foreign = (
        sa.select(sa.func.coalesce(sa.func.sum(PayoutLine.amount_minor - PayoutLine.fee_minor), 0))
        .where(PayoutLine.payout_id == Payout.id, PayoutLine.organization_id.is_(None))
        .scalar_subquery()
    )
    for column, kind, sign in (
        (Payout.stripe_balance_transaction_id, "payout", -1),
        (Payout.failure_balance_transaction_id, "payout_failed", 1),
    ):
        payouts = sa.select(column, Payout.stripe_payout_id, Payout.organization_id, foreign).where(column.in_(ids))
        for key, payout_id, owner, other in db.session.execute(payouts):
            found[str(key)] = _Cause((f"{kind}:{payout_id}", f"fee:{key}"), None, owner, sign * int(other))
    return found


def _booked(sources: Sequence[str]) -> dict[tuple[str, str], int]:
    """What clearing changed by: {(source, currency): minor units}. Shares of a payout count as the payout's."""
    found: dict[tuple[str, str], int] = defaultdict(int)
    shared = [source for source in sources if source.startswith(("payout:", "payout_failed:"))]
    for some in (sources[start : start + BATCH] for start in range(0, len(sources), BATCH)):
        query = (
            sa.select(LedgerTransaction.source, LedgerEntry.currency, sa.func.sum(LedgerEntry.amount_minor))
            .join(LedgerEntry, LedgerEntry.transaction_id == LedgerTransaction.id)
            .where(LedgerEntry.account == "stripe_clearing", LedgerTransaction.source.in_(some))
            .group_by(LedgerTransaction.source, LedgerEntry.currency)
        )
        for source, currency, total in db.session.execute(query):
            found[source, currency] += int(total)
    for source in shared:
        of_shares = (
            sa.select(LedgerEntry.currency, sa.func.sum(LedgerEntry.amount_minor))
            .join(LedgerTransaction, LedgerEntry.transaction_id == LedgerTransaction.id)
            .where(LedgerEntry.account == "stripe_clearing")
            .where(LedgerTransaction.source > f"{source}:", LedgerTransaction.source < f"{source};")
            .group_by(LedgerEntry.currency)
        )
        for currency, total in db.session.execute(of_shares):
            found[source, currency] += int(total)
    return found


def _explain_unknown(
    balance: BalanceFacts, account: str | None, donation_id: int | None, began: dt.datetime | None
) -> Difference | None:
    """What a balance transaction is that our rows do not know, of the gift that it belongs to; None when it is no business of
    ours: the account may be used for other things than gifts, and was before the first was paid (`began`)."""
    detail = f"{balance.kind} {balance.net.amount_minor} {balance.net.currency}"
    if balance.kind in PAYOUT_KINDS:
        return _explain_payout(balance, account, detail)
    if balance.kind in payouts.FEE_KINDS and (began is None or balance.created_at < began):
        return None
    if not balance.of:
        return Difference(mismatches.OTHER, balance.id, detail)
    if donation_id is None:
        return None
    donation = queries.find_donation(donation_id)
    organization_id = None if donation is None else donation.organization_id
    db.session.rollback()
    kind = (
        "gift_unknown"
        if balance.kind in GIFT_KINDS
        else "refund_unknown"
        if balance.kind in REFUND_KINDS
        else "unknown"
    )
    return Difference(kind, balance.id, detail, donation_id, organization_id)


def _explain_payout(balance: BalanceFacts, account: str | None, detail: str) -> Difference | None:
    """A payout that we do not know. It leaves Stripe's balance when it is made, and Stripe tells of that: only one that was made
    just now is none to look at."""
    try:
        payout = gateway_money.fetch_payout(balance.source, account=account)
    except GatewayError as error:
        if error.passing:
            raise
        return Difference("payout_unknown", balance.id, detail)
    if payout.status in ("pending", "in_transit") and balance.created_at > now() - GRACE:
        return None
    return Difference("payout_unknown", balance.source, f"{detail} {payout.status}")


def _only_ours(
    account: str | None, at_stripe: set[str], since: dt.datetime | None, until: dt.datetime | None
) -> Iterator[Difference]:
    """What our rows say was booked at Stripe, and Stripe does not list; and gifts that it never booked."""
    mode = gateway.mode()
    begin = dt.datetime.min.replace(tzinfo=dt.UTC) if since is None else since + dt.timedelta(hours=1)
    end = until or now()
    of_account = Donation.account.is_(None) if account is None else Donation.account == account
    gifts = sa.select(
        Donation.id, Donation.organization_id, Donation.stripe_balance_transaction_id, Donation.paid_at
    ).where(
        Donation.status == "paid",
        Donation.source == "stripe",
        Donation.mode == mode,
        of_account,
        Donation.paid_at < end,
    )
    if since is not None:
        gifts = gifts.where(sa.or_(Donation.paid_at >= begin, Donation.stripe_balance_transaction_id.is_(None)))
    for donation_id, organization_id, key, paid_at in db.session.execute(gifts).all():
        name = encode_id(donation_id)
        if key is not None and key not in at_stripe:
            yield Difference("not_at_stripe", key, f"gift {name}", donation_id, organization_id)
        elif key is None and paid_at is not None and paid_at < now() - SETTLES_WITHIN:
            yield Difference(
                mismatches.NEVER_BOOKED, name, "charge without a balance transaction", donation_id, organization_id
            )
    of_refund = Refund.account.is_(None) if account is None else Refund.account == account
    refunds = (
        sa.select(Refund.donation_id, Refund.organization_id, Refund.stripe_balance_transaction_id)
        .join(Donation, Donation.id == Refund.donation_id)
        .where(of_refund, Donation.mode == mode, Refund.stripe_balance_transaction_id.is_not(None))
        .where(Refund.created_at < end)
    )
    if since is not None:
        refunds = refunds.where(Refund.created_at >= begin)
    for donation_id, organization_id, key in db.session.execute(refunds).all():
        if key not in at_stripe:
            yield Difference("not_at_stripe", str(key), "refund", donation_id, organization_id)


# --- nightly ------------------------------------------------------------------------------------------------------


def account_key(account: str | None) -> str:
    """What lists and rows call an account."""
    return account or PLATFORM


def reconcile(account: str | None) -> Outcome:
    """Compare what has come since the last time, and put what differs on the list. Raises GatewayError."""
    key, until = account_key(account), now() - GRACE
    row = db.session.get(Reconciliation, key)
    since = None if row is None else row.compared_until - OVERLAP
    owner = money_queries.find_owner(account, gateway.mode())
    began = money_queries.find_beginning(account, gateway.mode())
    db.session.rollback()
    listed = gateway_money.list_balance_transactions(account=account, since=since)
    # No event tells of what Stripe bills apart: the list is its news.
    billed = [one for one in listed if one.kind in payouts.FEE_KINDS and began is not None and one.created_at >= began]
    if billed:
        with transaction():
            payouts.book_billed(billed, owner, account=account)
    outcome = compare(account, since=since, until=until, listed=listed)
    with transaction():
        for difference in outcome.differences:
            mismatches.note_mismatch(
                account=account,
                kind=difference.kind,
                subject=difference.subject,
                detail=difference.detail,
                donation_id=difference.donation_id,
                organization_id=difference.organization_id or owner,
            )
        mismatches.note_reconciled(key, until=until, compared=outcome.compared, differing=len(outcome.differences))
    return outcome


def reconcile_due() -> None:
    """Sweep, nightly: each account that has something to compare and was not compared for a day."""
    if not gateway.is_on():
        return
    accounts = money_queries.list_accounts_to_compare(
        mode=gateway.mode(), paid_before=now() - GRACE, ran_before=now() - EVERY
    )
    db.session.rollback()
    for account in accounts:
        try:
            reconcile(account)
        except GatewayError as error:
            log.warning("sweep.passed_over", sweep="reconcile", code=error.code)
