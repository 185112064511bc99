"""What `flask verify` and `flask ledger verify` recompute (F2, F4): the ledger against itself, its donations, and Stripe."""

from __future__ import annotations

import datetime as dt

import sqlalchemy as sa

from app.core.db import db
from app.core.ids import decode_id, encode_id
from app.core.money import Money
from app.donations import gateway, reconciling
from app.donations.accounts_models import PaymentAccount
from app.donations.gateway import GatewayError
from app.donations.models import Donation, LedgerEntry, LedgerTransaction
from app.donations.money_models import Dispute, Refund
from app.donations.money_queries import list_accounts
from app.donations.page_checks import check_matches, check_tallies
from app.donations.receipt_queries import check_receipts

BATCH = 500


def check_ledger() -> tuple[int, list[str]]:
    """Every transaction sums to zero per currency and has entries; gifts and paid donations correspond one to one."""
    checked = db.session.scalar(sa.select(sa.func.count()).select_from(LedgerEntry)) or 0
    return checked, [*_unbalanced(), *_empty(), *_strangers(), *_gifts_and_donations(), *_gifts_in_person()]


def _unbalanced() -> list[str]:
    query = (
        sa.select(LedgerEntry.transaction_id, LedgerEntry.currency, sa.func.sum(LedgerEntry.amount_minor))
        .group_by(LedgerEntry.transaction_id, LedgerEntry.currency)
        .having(sa.func.sum(LedgerEntry.amount_minor) != 0)
    )
    return [
        f"ledger: transaction {key} is off by {total} {currency}" for key, currency, total in db.session.execute(query)
    ]


def _empty() -> list[str]:
    query = (
        sa.select(LedgerTransaction.id)
        .outerjoin(LedgerEntry, LedgerEntry.transaction_id == LedgerTransaction.id)
        .where(LedgerEntry.id.is_(None))
    )
    return [f"ledger: transaction {key} has no entries" for key in db.session.scalars(query)]


def _strangers() -> list[str]:
    """Entries that name another organization than their transaction, transactions another than their donation."""
    entries = (
        sa.select(LedgerEntry.id)
        .join(LedgerTransaction, LedgerTransaction.id == LedgerEntry.transaction_id)
        .where(LedgerEntry.organization_id != LedgerTransaction.organization_id)
    )
    transactions = (
        sa.select(LedgerTransaction.id)
        .join(Donation, Donation.id == LedgerTransaction.donation_id)
        .where(Donation.organization_id != LedgerTransaction.organization_id)
    )
    return [f"ledger: entry {key} is of another organization" for key in db.session.scalars(entries)] + [
        f"ledger: transaction {key} is of another organization" for key in db.session.scalars(transactions)
    ]


def _gifts_and_donations() -> list[str]:
    """What a donation's gift transaction credited is what was paid, once; nothing is credited for what was not."""
    credited = (
        sa.select(
            LedgerTransaction.donation_id.label("donation_id"),
            sa.func.count(sa.distinct(LedgerTransaction.id)).label("times"),
            sa.func.sum(-LedgerEntry.amount_minor).label("amount"),
            sa.func.min(LedgerEntry.currency).label("credited_currency"),
        )
        .join(LedgerEntry, LedgerEntry.transaction_id == LedgerTransaction.id)
        .where(LedgerTransaction.kind == "gift", LedgerEntry.account == "donations")
        .group_by(LedgerTransaction.donation_id)
        .subquery()
    )
    query = (
        sa.select(Donation.id, Donation.status, Donation.amount_minor, Donation.currency, credited)
        .outerjoin(credited, credited.c.donation_id == Donation.id)
        .where(sa.or_(sa.and_(Donation.status == "paid", Donation.source == "stripe"), credited.c.times.is_not(None)))
    )
    found: list[str] = []
    for row in db.session.execute(query):
        name = encode_id(row.id)
        if row.times is None:
            found.append(f"ledger: donation {name} is paid and not in the ledger")
        elif row.status != "paid":
            found.append(f"ledger: donation {name} is {row.status} and in the ledger")
        elif row.times != 1:
            found.append(f"ledger: donation {name} is in the ledger {row.times} times")
        elif (int(row.amount), row.credited_currency) != (row.amount_minor, row.currency):
            found.append(f"ledger: donation {name} is in the ledger with another amount")
    return found


def _gifts_in_person() -> list[str]:
    """What a gift in person credits is its amount once it is confirmed, and nothing before or when it was taken back."""
    credited = (
        sa.select(LedgerTransaction.donation_id, sa.func.sum(-LedgerEntry.amount_minor).label("amount"))
        .join(LedgerEntry, LedgerEntry.transaction_id == LedgerTransaction.id)
        .where(LedgerTransaction.kind.in_(("offline", "offline_undone")), LedgerEntry.account == "donations")
        .group_by(LedgerTransaction.donation_id)
        .subquery()
    )
    wanted = sa.case((Donation.status == "paid", Donation.amount_minor), else_=0)
    query = (
        sa.select(Donation.id)
        .outerjoin(credited, credited.c.donation_id == Donation.id)
        .where(Donation.source == "offline", sa.func.coalesce(credited.c.amount, 0) != wanted)
    )
    return [
        f"ledger: gift in person {encode_id(key)} is in the ledger with another amount"
        for key in db.session.scalars(query)
    ]


def compare_with_stripe() -> tuple[int, list[str]]:
    """Every paid donation against its payment at Stripe, and every paid session at Stripe against our donations.

    Gives how many were compared and what differs, for a person to look at: nothing is repaired. Raises GatewayError when
    Stripe does not answer.
    """
    of_this_mode = Donation.mode == gateway.mode()
    ours = list(
        db.session.scalars(
            sa.select(Donation).where(Donation.status == "paid", Donation.source == "stripe", of_this_mode)
        )
    )
    since = db.session.scalar(sa.select(sa.func.min(Donation.created_at)).where(of_this_mode))
    answering = sa.select(PaymentAccount.stripe_account_id).where(PaymentAccount.deauthorized_at.is_(None))
    used = set(db.session.scalars(sa.select(Donation.account).where(of_this_mode).distinct()))
    accounts = used & {None, *db.session.scalars(answering)}
    lost = used - accounts
    fees = _fees_by_donation()
    db.session.expunge_all()
    db.session.rollback()
    found: list[str] = []
    for donation in ours:
        if donation.account in lost:
            continue  # the organization took its account from us: Stripe answers nothing about it
        found += _compare(donation, fees.get(donation.id))
    if since is not None:
        paid = {donation.stripe_session_id for donation in ours}
        # What was paid on a page that had been replaced is known by its invoice.
        paid |= {donation.stripe_invoice_id for donation in ours if donation.is_astray}
        for account in sorted(accounts, key=str):
            found += _paid_only_at_stripe(account, since, paid)
    return len(ours), found


def compare_balances() -> tuple[int, list[str]]:
    """Every balance transaction at Stripe, of each account that gifts of this mode were paid through, against the ledger: gifts,
    refunds, disputes, payouts and fees. Changes nothing. Raises GatewayError when Stripe does not answer."""
    accounts = list_accounts(gateway.mode())
    db.session.rollback()
    compared, found = 0, []
    for account in accounts:
        outcome = reconciling.compare(account)
        compared += outcome.compared
        found += [str(difference) for difference in outcome.differences]
    return compared, found


def _fees_by_donation() -> dict[int, Money]:
    query = (
        sa.select(LedgerTransaction.donation_id, LedgerEntry.amount_minor, LedgerEntry.currency)
        .join(LedgerEntry, LedgerEntry.transaction_id == LedgerTransaction.id)
        .where(LedgerTransaction.kind == "fee", LedgerEntry.account == "fees")
    )
    return {key: Money(amount, currency) for key, amount, currency in db.session.execute(query) if key is not None}


def _compare(donation: Donation, fee: Money | None) -> list[str]:
    name = encode_id(donation.id)
    if donation.stripe_payment_intent_id is None:
        return [f"stripe: donation {name} is paid without a payment"]
    try:
        payment = gateway.fetch_payment(donation.stripe_payment_intent_id, account=donation.account)
    except GatewayError as error:
        if error.passing:
            raise
        return [f"stripe: the payment of donation {name} cannot be found ({error.code})"]
    found: list[str] = []
    if payment.status != "succeeded" or payment.received != Money(donation.amount_minor, donation.currency):
        found.append(f"stripe: donation {name} is {payment.status}, {payment.received.amount_minor} there")
    of_subscription = donation.stripe_invoice_id is not None  # Stripe makes the payments of those
    if payment.donation != name and not of_subscription:
        found.append(f"stripe: the payment of donation {name} names another donation")
    known = None if payment.fee is None or not payment.fee.amount_minor else payment.fee
    if known != fee:
        found.append(f"stripe: the fee of donation {name} differs")
    return found


def _paid_only_at_stripe(account: str | None, since: dt.datetime, paid: set[str | None]) -> list[str]:
    """Sessions of one account that Stripe says are paid, made for a donation of ours that is not paid through them."""
    sessions = gateway.list_sessions(since - dt.timedelta(hours=1), account=account)
    paid_there = [session for session in sessions if session.payment_status == "paid"]
    missing = [
        one for one in paid_there if one.id not in paid and (one.invoice_id is None or one.invoice_id not in paid)
    ]
    keys = {decode_id(session.donation) for session in missing} - {None}
    ours = sa.select(Donation.id).where(Donation.id.in_(keys), Donation.account.is_not_distinct_from(account))
    known = set(db.session.scalars(ours)) if keys else set()
    db.session.rollback()
    return [
        f"stripe: session {session.id} is paid, donation {session.donation} is not"
        for session in missing
        if decode_id(session.donation) in known
    ]


def check_returned() -> tuple[int, list[str]]:
    """What went back of each gift is the same by its refunds and disputes, by the ledger, and on its row; and no page lost
    more by a gift than was given (F5)."""
    by_ledger = (
        sa.select(
            LedgerTransaction.donation_id.label("donation_id"),
            *(
                sa.func.sum(sa.case((LedgerEntry.account == account, LedgerEntry.amount_minor), else_=0)).label(account)
                for account in ("refunds", "disputes")
            ),
            sa.func.sum(sa.case((LedgerEntry.fundraiser_id.is_not(None), LedgerEntry.amount_minor), else_=0)).label(
                "of_page"
            ),
        )
        .join(LedgerEntry, LedgerEntry.transaction_id == LedgerTransaction.id)
        .where(LedgerEntry.account.in_(("refunds", "disputes")))
        .group_by(LedgerTransaction.donation_id)
        .subquery()
    )
    refunds = _sum_of(Refund, Refund.booked_minor)
    disputes = _sum_of(Dispute, Dispute.withdrawn_minor)
    zero = sa.literal(0)
    query = (
        sa.select(
            Donation.id,
            Donation.amount_minor,
            Donation.refunded_minor,
            Donation.disputed_minor,
            sa.func.coalesce(by_ledger.c.refunds, zero),
            sa.func.coalesce(by_ledger.c.disputes, zero),
            sa.func.coalesce(by_ledger.c.of_page, zero),
            sa.func.coalesce(refunds.c.total, zero),
            sa.func.coalesce(disputes.c.total, zero),
        )
        .outerjoin(by_ledger, by_ledger.c.donation_id == Donation.id)
        .outerjoin(refunds, refunds.c.donation_id == Donation.id)
        .outerjoin(disputes, disputes.c.donation_id == Donation.id)
        .where(
            sa.or_(
                Donation.refunded_minor > 0,
                Donation.disputed_minor > 0,
                by_ledger.c.donation_id.is_not(None),
                refunds.c.total > 0,
                disputes.c.total != 0,
            )
        )
    )
    checked, found = 0, []
    for key, amount, refunded, disputed, *said in db.session.execute(query):
        checked += 1
        in_refunds, in_disputes, of_page, by_refunds, by_disputes = (int(value) for value in said)
        name = encode_id(key)
        if not refunded == in_refunds == by_refunds:
            found.append(f"returned: refunds of donation {name}: {refunded}, ledger {in_refunds}, rows {by_refunds}")
        # Banks may put back more than they took, where currencies moved meanwhile: then they hold nothing.
        if disputed != max(0, by_disputes) or in_disputes != by_disputes:
            found.append(f"returned: disputes of donation {name}: {disputed}, ledger {in_disputes}, rows {by_disputes}")
        if not 0 <= of_page <= amount or of_page != min(amount, refunded + disputed):
            found.append(f"returned: donation {name} takes {of_page} of {amount} from its page")
    return checked, found


def _sum_of(table: type[Refund] | type[Dispute], column: sa.orm.InstrumentedAttribute[int]) -> sa.Subquery:
    return sa.select(table.donation_id, sa.func.sum(column).label("total")).group_by(table.donation_id).subquery()


CHECKS = {
    "ledger": check_ledger,
    "returned": check_returned,
    "tallies": check_tallies,
    "matches": check_matches,
    "receipts": check_receipts,
}
