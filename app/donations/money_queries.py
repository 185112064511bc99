"""Reads of what happens to money after it was given: for the organization's owners and managers, and for the operator."""

from __future__ import annotations

import dataclasses
import datetime as dt
import zoneinfo
from collections.abc import Iterable
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import contains_eager, joinedload

from app.core.clock import now
from app.core.db import db
from app.core.money import Money
from app.core.paging import Page, newest_page
from app.donations.ledger import happened
from app.donations.models import PLATFORM, Donation, LedgerEntry, LedgerTransaction
from app.donations.money_models import (
    DISPUTE_OPEN,
    REFUND_LIVE,
    Dispute,
    FraudWarning,
    MoneyMismatch,
    Payout,
    PayoutLine,
    Reconciliation,
    Refund,
)
from app.donations.monthly_models import MonthlyGift
from app.donations.payees import reachable
from app.fundraisers.models import Fundraiser
from app.needs.models import Need

PAGE_SIZE = 20
# How many lines of one payout are shown.
MOST_LINES = 500
# How long what failed is shown as something to look at.
RECENT = dt.timedelta(days=60)
# Refunds of which nothing came to the donor.
NOT_ARRIVED = ("failed", "canceled", "refused")


def refundable(donation: Donation) -> Money:
    """What of a gift can still go back to its donor: what was given, less refunds that are asked for, on their way or done,
    less what the bank took, or may yet take, in disputes (F5). Nothing of a gift that
    is not paid, or was given in person."""
    if donation.status != "paid" or donation.source != "stripe":
        return Money(0, donation.currency)
    refunds = sa.select(sa.func.coalesce(sa.func.sum(Refund.amount_minor), 0)).where(
        Refund.donation_id == donation.id, Refund.status.in_(("asked", *REFUND_LIVE))
    )
    taken = 0
    for dispute in db.session.scalars(sa.select(Dispute).where(Dispute.donation_id == donation.id)):
        threat = dispute.amount_minor if dispute.is_open and not dispute.is_inquiry else 0
        taken += max(dispute.withdrawn_minor, threat)
    left = donation.amount_minor - int(db.session.scalar(refunds) or 0) - taken
    return Money(max(0, left), donation.currency)


def find_refund(refund_id: int) -> Refund | None:
    """The refund with its gift, or None."""
    return db.session.get(Refund, refund_id, options=[joinedload(Refund.donation)])


def find_donation_of_refund(stripe_refund_id: str) -> int | None:
    """The gift that a refund at Stripe belongs to, when we know the refund."""
    return db.session.scalar(sa.select(Refund.donation_id).where(Refund.stripe_refund_id == stripe_refund_id))


def find_donation_of_dispute(stripe_dispute_id: str) -> int | None:
    """The gift that a dispute at Stripe belongs to, when we know the dispute."""
    return db.session.scalar(sa.select(Dispute.donation_id).where(Dispute.stripe_dispute_id == stripe_dispute_id))


def list_refunds_of(donation_id: int) -> list[Refund]:
    """Refunds of a gift, as they were made."""
    query = sa.select(Refund).where(Refund.donation_id == donation_id).order_by(Refund.created_at, Refund.id)
    return list(db.session.scalars(query))


def list_refunds(organization_id: int, *, limit: int = PAGE_SIZE) -> list[Refund]:
    """The latest refunds of gifts to an organization, each with its gift: those that did not arrive of late, which somebody is to
    see to, then the newest."""
    asks = sa.case((sa.and_(Refund.status.in_(NOT_ARRIVED), Refund.created_at > now() - RECENT), 0), else_=1)
    query = (
        sa.select(Refund)
        .join(Donation, Donation.id == Refund.donation_id)
        .options(contains_eager(Refund.donation))
        .where(Donation.organization_id == organization_id)
        .order_by(asks, Refund.created_at.desc(), Refund.id.desc())
    )
    return list(db.session.scalars(query.limit(limit)))


def list_disputes_of(donation_id: int) -> list[Dispute]:
    """Disputes of a gift, as they came."""
    query = sa.select(Dispute).where(Dispute.donation_id == donation_id).order_by(Dispute.created_at, Dispute.id)
    return list(db.session.scalars(query))


def list_warnings_of(donation_id: int) -> list[FraudWarning]:
    """Early fraud warnings of a gift."""
    query = sa.select(FraudWarning).where(FraudWarning.donation_id == donation_id).order_by(FraudWarning.created_at)
    return list(db.session.scalars(query))


def find_dispute(dispute_id: int) -> Dispute | None:
    """The dispute with its gift, fundraiser and organization, or None."""
    whole = joinedload(Dispute.donation).joinedload(Donation.fundraiser).joinedload(Fundraiser.organization)
    return db.session.get(Dispute, dispute_id, options=[whole])


def count_open_disputes(organization_id: int) -> int:
    """How many disputes about gifts to an organization are open."""
    query = sa.select(sa.func.count()).select_from(Dispute)
    query = query.where(Dispute.organization_id == organization_id, Dispute.status.in_(DISPUTE_OPEN))
    return int(db.session.scalar(query) or 0)


def list_disputes(organization_id: int) -> list[Dispute]:
    """Disputes about gifts to an organization: open ones first, the nearest deadline before, then the newest."""
    is_open = sa.case((Dispute.status.in_(DISPUTE_OPEN), 0), else_=1)
    due = sa.case((Dispute.status.in_(DISPUTE_OPEN), Dispute.respond_by))
    query = (
        sa.select(Dispute)
        .options(joinedload(Dispute.donation))
        .where(Dispute.organization_id == organization_id)
        .order_by(is_open, due.asc().nulls_last(), Dispute.created_at.desc(), Dispute.id)
    )
    return list(db.session.scalars(query.limit(50)))


# --- payouts ------------------------------------------------------------------------------------------------------


@dataclasses.dataclass(frozen=True)
class PayoutShare:
    """A payout, and what of it is one organization's or one fundraiser's: gifts and what went back, fees, and their sum."""

    payout: Payout
    amount: Money
    fees: Money

    @property
    def net(self) -> Money:
        """What arrives."""
        return Money(self.amount.amount_minor - self.fees.amount_minor, self.amount.currency)


def _shares(*where: sa.ColumnElement[bool], limit: int) -> list[PayoutShare]:
    sums = (
        sa.select(
            PayoutLine.payout_id,
            sa.func.sum(PayoutLine.amount_minor).label("amount"),
            sa.func.sum(PayoutLine.fee_minor).label("fees"),
        )
        .where(*where)
        .group_by(PayoutLine.payout_id)
        .subquery()
    )
    query = (
        sa.select(Payout, sums.c.amount, sums.c.fees)
        .join(sums, sums.c.payout_id == Payout.id)
        .order_by(Payout.arrives_on.desc(), Payout.id.desc())
        .limit(limit)
    )
    return [
        PayoutShare(payout, Money(int(amount), payout.currency), Money(int(fees), payout.currency))
        for payout, amount, fees in db.session.execute(query)
    ]


def list_payouts_of_fundraiser(fundraiser_id: int, *, limit: int = 50) -> list[PayoutShare]:
    """The way of a fundraiser's money to the bank: each payout that carries some of it, newest first."""
    return _shares(PayoutLine.fundraiser_id == fundraiser_id, limit=limit)


def list_payouts(organization_id: int, cursor: str | None = None, *, limit: int = PAGE_SIZE) -> Page[Payout]:
    """Payouts that carry money of an organization, newest first. Raises BadCursor."""
    own = sa.select(PayoutLine.payout_id).where(PayoutLine.organization_id == organization_id)
    query = sa.select(Payout).where(sa.or_(Payout.organization_id == organization_id, Payout.id.in_(own)))
    return newest_page(query, Payout, cursor, limit)


def find_payout(payout_id: int) -> Payout | None:
    """The payout, or None."""
    return db.session.get(Payout, payout_id)


def find_payout_of(organization_id: int, payout_id: int) -> Payout | None:
    """The payout when it carries money of the organization, or None."""
    payout = db.session.get(Payout, payout_id)
    if payout is None or payout.organization_id == organization_id:
        return payout
    own = sa.select(PayoutLine.id).where(
        PayoutLine.payout_id == payout_id, PayoutLine.organization_id == organization_id
    )
    return payout if db.session.scalar(own.limit(1)) is not None else None


def was_let_go(donation_id: int) -> bool:
    """True of a gift that was not paid when its organization took its account from us. It may have been since: nobody can ask."""
    query = sa.select(MoneyMismatch.id).where(
        MoneyMismatch.donation_id == donation_id, MoneyMismatch.kind == "account_gone"
    )
    return db.session.scalar(query.limit(1)) is not None


@dataclasses.dataclass(frozen=True)
class Line:
    """A line of a payout as staff read it."""

    line: PayoutLine
    donor: str
    fundraiser: str

    @property
    def net(self) -> Money:
        """What it adds to the payout."""
        return Money(self.line.amount_minor - self.line.fee_minor, self.line.currency)


def list_lines(payout_id: int, organization_id: int) -> list[Line]:
    """The lines of a payout that are the organization's, by fundraiser; at most MOST_LINES."""
    query = (
        sa.select(PayoutLine, sa.case((Donation.hide_from_organization.is_(False), Donation.name)), Fundraiser.title)
        .outerjoin(Donation, Donation.id == PayoutLine.donation_id)
        .outerjoin(Fundraiser, Fundraiser.id == PayoutLine.fundraiser_id)
        .where(PayoutLine.payout_id == payout_id, PayoutLine.organization_id == organization_id)
        .order_by(Fundraiser.title, PayoutLine.id)
        .limit(MOST_LINES)
    )
    return [Line(line, donor or "", title or "") for line, donor, title in db.session.execute(query)]


# --- what an organization has -------------------------------------------------------------------------------------


@dataclasses.dataclass(frozen=True)
class Standing:
    """Where an organization's money is, in one currency (minor units): sums of the ledger's accounts. `held_by_banks` is what may
    come again, of disputes that are not decided; what was lost has gone back."""

    currency: str
    given: int
    went_back: int
    held_by_banks: int
    fees: int
    at_stripe: int
    on_the_way: int
    in_person: int


def list_standings(organization_id: int) -> list[Standing]:
    """Where the money is, one for each currency that the ledger knows, from its entries; which disputes are open, the ledger does
    not know."""
    sums: dict[str, dict[str, int]] = {}
    query = (
        sa.select(LedgerEntry.currency, LedgerEntry.account, sa.func.sum(LedgerEntry.amount_minor))
        .where(LedgerEntry.organization_id == organization_id)
        .group_by(LedgerEntry.currency, LedgerEntry.account)
    )
    for currency, account, total in db.session.execute(query):
        sums.setdefault(currency, {})[account] = int(total)
    held = (
        sa.select(Donation.currency, sa.func.sum(Dispute.withdrawn_minor))
        .join(Donation, Donation.id == Dispute.donation_id)
        .where(Dispute.organization_id == organization_id, Dispute.status.in_(DISPUTE_OPEN))
        .group_by(Donation.currency)
    )
    may_come_again = {currency: int(total) for currency, total in db.session.execute(held)}
    return [
        Standing(
            currency=currency,
            given=-by.get("donations", 0),
            went_back=by.get("refunds", 0) + by.get("disputes", 0) - may_come_again.get(currency, 0),
            held_by_banks=may_come_again.get(currency, 0),
            fees=by.get("fees", 0),
            at_stripe=by.get("stripe_clearing", 0),
            on_the_way=by.get("in_transit_to_bank", 0),
            in_person=by.get("offline", 0),
        )
        for currency, by in sorted(sums.items())
    ]


@dataclasses.dataclass(frozen=True)
class FeeRow:
    """What a fundraiser brought in a period, in one currency, and what that cost."""

    fundraiser_id: int | None
    title: str
    slug: str
    need: str
    currency: str
    given: int
    went_back: int
    fees: int

    @property
    def net(self) -> int:
        """What is left for the organization."""
        return self.given - self.went_back - self.fees


def list_fees(organization_id: int, since: dt.datetime, until: dt.datetime) -> list[FeeRow]:
    """Gifts, what went back and fees of `since` <= when it happened < `until`, by fundraiser (with its need) and currency.
    What no fundraiser had (a bank took more than a gift was) is in a row without one."""

    def total(*accounts: str) -> sa.ColumnElement[int]:
        return sa.func.coalesce(
            sa.func.sum(sa.case((LedgerEntry.account.in_(accounts), LedgerEntry.amount_minor), else_=0)), 0
        )

    query = (
        sa.select(
            Fundraiser.id,
            Fundraiser.title,
            Fundraiser.slug,
            Need.title,
            LedgerEntry.currency,
            total("donations"),
            total("refunds", "disputes"),
            total("fees"),
        )
        .select_from(LedgerEntry)
        .join(LedgerTransaction, LedgerTransaction.id == LedgerEntry.transaction_id)
        .outerjoin(Fundraiser, Fundraiser.id == LedgerEntry.fundraiser_id)
        .outerjoin(Need, Need.id == Fundraiser.need_id)
        .where(LedgerEntry.organization_id == organization_id)
        .where(LedgerEntry.account.in_(("donations", "refunds", "disputes", "fees")))
        .where(happened() >= since, happened() < until)
        .group_by(Fundraiser.id, Fundraiser.title, Fundraiser.slug, Need.title, LedgerEntry.currency)
        .order_by(Fundraiser.title, LedgerEntry.currency)
    )
    return [
        FeeRow(key, title or "", slug or "", need or "", currency, -int(given), int(back), int(fees))
        for key, title, slug, need, currency, given, back, fees in db.session.execute(query)
    ]


def instants(first: dt.date, last: dt.date, zone: str) -> tuple[dt.datetime, dt.datetime]:
    """The period from the beginning of day `first` to the end of day `last` on the clock of `zone`."""
    midnight = dt.time(tzinfo=zoneinfo.ZoneInfo(zone))
    begin = dt.datetime.combine(first, midnight)
    end = dt.datetime.combine(last + dt.timedelta(days=1), midnight)
    return begin.astimezone(dt.UTC), end.astimezone(dt.UTC)


def add_up(rows: Iterable[FeeRow]) -> list[FeeRow]:
    """One row for each currency: what the rows come to together."""
    sums: dict[str, list[int]] = {}
    for row in rows:
        total = sums.setdefault(row.currency, [0, 0, 0])
        for place, value in enumerate((row.given, row.went_back, row.fees)):
            total[place] += value
    return [FeeRow(None, "", "", "", currency, *total) for currency, total in sorted(sums.items())]


# --- what does not agree ------------------------------------------------------------------------------------------


def list_mismatches(
    organization_id: int | None = None, cursor: str | None = None, *, seen: bool = False, limit: int = PAGE_SIZE
) -> Page[MoneyMismatch]:
    """What reconciliation found, of one organization or of all (None), newest first: what nobody has looked at, or what
    somebody has. Raises BadCursor."""
    query = sa.select(MoneyMismatch)
    query = query.where(MoneyMismatch.seen_at.is_not(None) if seen else MoneyMismatch.seen_at.is_(None))
    if organization_id is not None:
        query = query.where(MoneyMismatch.organization_id == organization_id)
    return newest_page(query, MoneyMismatch, cursor, limit)


def count_mismatches(organization_id: int | None = None) -> int:
    """How many nobody has looked at."""
    query = sa.select(sa.func.count()).select_from(MoneyMismatch).where(MoneyMismatch.seen_at.is_(None))
    if organization_id is not None:
        query = query.where(MoneyMismatch.organization_id == organization_id)
    return db.session.scalar(query) or 0


def find_mismatch(mismatch_id: int) -> MoneyMismatch | None:
    """One of them, or None."""
    return db.session.get(MoneyMismatch, mismatch_id)


# --- accounts -----------------------------------------------------------------------------------------------------


def _of_account(account: str | None) -> sa.ColumnElement[bool]:
    of = Donation.account.is_(None) if account is None else Donation.account == account
    return sa.and_(of, Donation.source == "stripe")


def find_owner(account: str | None, mode: str) -> int | None:
    """The organization whose gifts of `mode` an account takes; None when it takes none, or those of several."""
    query = sa.select(Donation.organization_id).where(_of_account(account), Donation.mode == mode).distinct().limit(2)
    found = list(db.session.scalars(query))
    return found[0] if len(found) == 1 else None


def find_beginning(account: str | None, mode: str) -> dt.datetime | None:
    """The second in which the first gift of `mode` was paid through an account (Stripe counts in seconds); None when none
    was."""
    query = sa.select(sa.func.min(Donation.paid_at)).where(_of_account(account), Donation.mode == mode)
    first = db.session.scalar(query.where(Donation.status == "paid"))
    return None if first is None else first.replace(microsecond=0)


def list_accounts(mode: str) -> list[str | None]:
    """Every account that a gift of `mode` was paid through and that can be asked about; None is the installation's own."""
    query = (
        sa.select(Donation.account)
        .where(Donation.status == "paid", Donation.source == "stripe", Donation.mode == mode, reachable())
        .distinct()
    )
    return sorted(db.session.scalars(query), key=lambda account: account or "")


def list_accounts_to_compare(*, mode: str, paid_before: dt.datetime, ran_before: dt.datetime) -> list[str | None]:
    """Accounts with gifts paid before `paid_before` that were not compared since `ran_before`."""
    query = (
        sa.select(Donation.account, Reconciliation.ran_at)
        .outerjoin(Reconciliation, Reconciliation.account_key == sa.func.coalesce(Donation.account, PLATFORM))
        .where(Donation.status == "paid", Donation.source == "stripe", Donation.mode == mode)
        .where(Donation.paid_at < paid_before, reachable())
        .distinct()
    )
    return [account for account, ran_at in db.session.execute(query) if ran_at is None or ran_at < ran_before]


# --- the doctor ---------------------------------------------------------------------------------------------------


@dataclasses.dataclass(frozen=True)
class Books:
    """What does not agree, in numbers, and when the accounts were last compared (the longest ago)."""

    mismatches: int
    mismatched_gifts: int
    failed_refunds: int
    failed_payouts: int
    # Monthly gifts that ran when their organization took its account from us: Stripe may go on with them.
    cut_off: int
    compared_at: dt.datetime | None


def read_books(organization_id: int | None, mode: str) -> Books:
    """Of one organization, or of all (None)."""

    def count(table: Any, *where: sa.ColumnElement[bool]) -> int:
        query = sa.select(sa.func.count()).select_from(table).where(*where)
        if organization_id is not None:
            query = query.where(table.organization_id == organization_id)
        return db.session.scalar(query) or 0

    used = sa.select(sa.func.coalesce(Donation.account, PLATFORM)).where(Donation.mode == mode)
    if organization_id is not None:
        used = used.where(Donation.organization_id == organization_id)
    compared = sa.select(sa.func.min(Reconciliation.ran_at)).where(Reconciliation.account_key.in_(used))
    return Books(
        mismatches=count(MoneyMismatch, MoneyMismatch.seen_at.is_(None)),
        mismatched_gifts=count(Donation, Donation.status == "mismatched"),
        failed_refunds=count(Refund, Refund.status.in_(NOT_ARRIVED), Refund.created_at > now() - RECENT),
        failed_payouts=count(Payout, Payout.status == "failed", Payout.created_at > now() - RECENT),
        cut_off=count(
            MonthlyGift,
            MonthlyGift.ended_by == "account",
            MonthlyGift.mode == mode,
            MonthlyGift.ended_at > now() - RECENT,
        ),
        compared_at=db.session.scalar(compared),
    )


def list_mismatched(organization_id: int, *, limit: int = 20) -> list[Donation]:
    """Gifts that were paid otherwise than asked, newest first."""
    query = (
        sa.select(Donation)
        .where(Donation.organization_id == organization_id, Donation.status == "mismatched")
        .order_by(Donation.created_at.desc())
    )
    return list(db.session.scalars(query.limit(limit)))


def list_trail(donation_id: int) -> list[PayoutShare]:
    """The payouts that carry a gift, or what went back of it."""
    return _shares(PayoutLine.donation_id == donation_id, limit=20)


def find_gift_of(organization_id: int, donation_id: int) -> Donation | None:
    """A gift of an organization with its fundraiser, or None."""
    whole = joinedload(Donation.fundraiser).joinedload(Fundraiser.organization)
    found = db.session.get(Donation, donation_id, options=[whole])
    return found if found is not None and found.organization_id == organization_id else None
