"""What one donor gave in a year, from the ledger's own entries: so it adds up to the ledger, to the last minor unit (F7)."""

from __future__ import annotations

import dataclasses
import datetime as dt

import sqlalchemy as sa
from sqlalchemy.orm import joinedload

from app.accounts.models import Person
from app.core.clock import local_date, today
from app.core.db import db
from app.core.money import Money
from app.core.tokens import seal, unseal
from app.donations.ledger import RAISED_ACCOUNTS, happened
from app.donations.models import Donation, LedgerEntry, LedgerTransaction
from app.donations.operations.receipts import GIFT
from app.donations.receipt_models import GivingTerms, Receipt
from app.fundraisers.models import Fundraiser
from app.organizations.models import Organization

# Somewhere on earth a year begins 14 hours before it does in UTC, and elsewhere it ends 12 hours later.
ANYWHERE = dt.timedelta(hours=14)
PURPOSE = "donation-statement"
# Whoever types another year into the address gets the answer of a year in which nothing moved.
YEARS = range(1970, 2101)


@dataclasses.dataclass(frozen=True)
class Line:
    """A gift, or money that went back (below zero), on the day on which that happened where the organization is. `receipt` is
    the number of the document that was issued for it, "" when none was."""

    on: dt.date
    title: str
    kind: str
    amount: Money
    receipt: str


@dataclasses.dataclass(frozen=True)
class Part:
    """All of a year to one organization in one currency."""

    organization: str
    country: str
    tax_id: str
    lines: list[Line]
    total: Money


@dataclasses.dataclass(frozen=True)
class Statement:
    """All that one donor gave in `year`, each organization for itself."""

    year: int
    donor: str
    parts: list[Part]
    # In UTC, and never before its last line. News may come late: one that is drawn up again may have more lines, and says so
    # by its day.
    drawn_up_on: dt.date = dataclasses.field(default_factory=lambda: today("UTC"))


def of_person(person: Person) -> sa.ColumnElement[bool]:
    """Which gifts are a person's: what they gave while signed in, and what was given without an account under an address
    that they proved to be theirs."""
    proven = person.email_verified_at is not None
    under_address = sa.and_(Donation.person_id.is_(None), Donation.email == person.email) if proven else sa.false()
    return sa.or_(Donation.person_id == person.id, under_address)


def of_address(donation: Donation) -> sa.ColumnElement[bool]:
    """Which gifts were given under the address of `donation`: for whoever reads that mailbox."""
    return sa.and_(Donation.email == donation.email, Donation.email != "")


def statement_token(donation_id: int, year: int) -> str:
    """What the link in a mail carries: it is written to the gift's address alone, and shown on no page."""
    return seal(PURPOSE, [donation_id, year])


def find_by_token(token: str) -> tuple[Donation, int] | None:
    """The gift whose address a link was written to, and the year; None for a link that is none of ours."""
    values = unseal(PURPOSE, token)
    if values is None or len(values) != 2 or not all(type(value) is int for value in values):
        return None
    donation = db.session.get(Donation, values[0])
    return None if donation is None else (donation, values[1])


def list_years(whose: sa.ColumnElement[bool], *, mode: str) -> list[int]:
    """In which years money of these gifts moved, newest first."""
    query = (
        sa.select(happened(), Organization.time_zone)
        .join(Donation, Donation.id == LedgerTransaction.donation_id)
        .join(Organization, Organization.id == Donation.organization_id)
        .where(whose, Donation.mode == mode_told(mode), LedgerTransaction.kind != "fee")
    )
    return sorted({local_date(at, zone).year for at, zone in db.session.execute(query)}, reverse=True)


def mode_told(mode: str) -> str:
    """Whose gifts are told of under PAYMENTS_MODE `mode`: trials only while trying, never beside real ones; of
    demonstrations none."""
    return "test" if mode == "test" else "live"


def draw_up(whose: sa.ColumnElement[bool], year: int, *, mode: str) -> Statement:
    """What these gifts brought, and what of them went back, in `year` of each organization's own calendar."""
    if year not in YEARS:
        return Statement(year, "", [])
    begin, end = (dt.datetime(number, 1, 1, tzinfo=dt.UTC) for number in (year, year + 1))
    moved = (
        sa.select(
            LedgerTransaction.donation_id,
            LedgerTransaction.kind,
            LedgerTransaction.source,
            happened().label("at"),
            LedgerEntry.currency,
            (-sa.func.sum(LedgerEntry.amount_minor)).label("minor"),
        )
        .join(LedgerEntry, LedgerEntry.transaction_id == LedgerTransaction.id)
        .join(Donation, Donation.id == LedgerTransaction.donation_id)
        .where(whose, Donation.mode == mode_told(mode), LedgerEntry.account.in_(RAISED_ACCOUNTS))
        .where(happened() >= begin - ANYWHERE, happened() < end + ANYWHERE)
        .group_by(LedgerTransaction.id, LedgerEntry.currency)
        .order_by(happened(), LedgerTransaction.id)
    )
    rows = list(db.session.execute(moved))
    keys = {row.donation_id for row in rows}
    gifts = _gifts(keys)
    numbers = _receipts(keys)
    lines: dict[tuple[str, int, str], list[Line]] = {}
    for row in rows:
        gift = gifts[row.donation_id]
        organization = gift.fundraiser.organization
        on = local_date(row.at, organization.time_zone)
        if on.year != year or not row.minor:
            continue
        cause = GIFT if row.kind in ("gift", "offline") else row.source
        line = Line(
            on=on,
            title=gift.fundraiser.title,
            kind=row.kind,
            amount=Money(int(row.minor), row.currency),
            receipt=numbers.get((gift.id, cause), ""),
        )
        lines.setdefault((organization.name, organization.id, row.currency), []).append(line)
    countries = {gift.fundraiser.organization.id: gift.fundraiser.organization.country for gift in gifts.values()}
    tax_ids = _tax_ids({key for _name, key, _currency in lines})
    parts = [
        Part(
            name,
            countries[key],
            tax_ids.get(key, ""),
            listed,
            Money(sum(line.amount.amount_minor for line in listed), currency),
        )
        for (name, key, currency), listed in sorted(lines.items())
    ]
    latest = max(gifts.values(), key=lambda gift: gift.created_at, default=None)
    # East of Greenwich a day has begun that UTC has not: nothing is drawn up before its own last line.
    days = [today("UTC"), *(line.on for part in parts for line in part.lines)]
    return Statement(year, "" if latest is None else latest.company or latest.name, parts, max(days))


def _gifts(keys: set[int]) -> dict[int, Donation]:
    query = (
        sa.select(Donation)
        .options(joinedload(Donation.fundraiser).joinedload(Fundraiser.organization))
        .where(Donation.id.in_(keys))
    )
    return {gift.id: gift for gift in db.session.scalars(query)} if keys else {}


def _receipts(keys: set[int]) -> dict[tuple[int, str], str]:
    query = sa.select(Receipt).where(Receipt.donation_id.in_(keys))
    return {(each.donation_id, each.cause): each.label for each in db.session.scalars(query)} if keys else {}


def _tax_ids(keys: set[int]) -> dict[int, str]:
    query = sa.select(GivingTerms.organization_id, GivingTerms.tax_id).where(GivingTerms.organization_id.in_(keys))
    return {row.organization_id: row.tax_id for row in db.session.execute(query)} if keys else {}
