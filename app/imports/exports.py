"""CSV out: needs, signups, pledges, donations, the ledger and its fees, line by line and in the order in which they were made.

Read in pages, so that a list of any length costs no memory, and harmless to spreadsheets. No export has an exact private
address (N6), what anybody is cleared for, or the name of whoever is not known to be of age (G6): who works with them finds
them on the roster. Anonymous donors are named to their organization's own staff alone (F9).
"""

from __future__ import annotations

import csv
import dataclasses
import datetime as dt
import io
import tempfile
from collections.abc import Callable, Iterable, Iterator
from typing import IO, Any

import sqlalchemy as sa

from app.accounts.models import Person
from app.accounts.policy import adult_from
from app.core import audit
from app.core.clock import local_date, today
from app.core.db import db
from app.core.ids import encode_id
from app.core.money import Money, to_decimal
from app.donations.ledger import RAISED_ACCOUNTS, happened
from app.donations.models import Donation, LedgerEntry, LedgerTransaction
from app.donations.money_queries import list_fees
from app.donations.queries import STAFF_STATUSES
from app.donations.receipt_models import GiftAidDeclaration
from app.fundraisers.models import Fundraiser
from app.imports.files import harmless
from app.imports.need_cells import cells_of
from app.imports.need_rows import COLUMNS
from app.needs.models import Item, Need, Position, Shift
from app.organizations.models import Organization
from app.pledges.models import Pledge
from app.signups.gate import HOLDING_STATUSES
from app.signups.models import Signup
from app.signups.queries import list_not_standing

PAGE = 500
# Without it spreadsheets take UTF-8 for something older.
BYTE_ORDER_MARK = "\ufeff"
Cells = Iterable[object]


@dataclasses.dataclass(frozen=True)
class Asked:
    """Of which organization (None: of all), with the names of anonymous donors or without, and from when (included) to when
    (not included), in UTC; None is without an end. Only lists of PERIODIC have a period."""

    organization_id: int | None = None
    names: bool = False
    since: dt.datetime | None = None
    until: dt.datetime | None = None

    def within(self, instant: Any) -> list[sa.ColumnElement[bool]]:
        """What a column must be to fall into the period."""
        begin = [] if self.since is None else [instant >= self.since]
        return begin if self.until is None else [*begin, instant < self.until]


@dataclasses.dataclass(frozen=True)
class Export:
    """What can be exported: its columns, and the rows that are asked for."""

    columns: tuple[str, ...]
    rows: Callable[[Asked], Iterator[Cells]]


def lines(
    name: str,
    organization_id: int | None = None,
    *,
    names: bool = False,
    since: dt.datetime | None = None,
    until: dt.datetime | None = None,
) -> Iterator[str]:
    """The export `name` of EXPORTS as CSV, line by line, its header first: one organization's, or all (None). `names`: with
    those of anonymous donors, for their organization's own staff (F9). `since` and `until` (aware) bound lists of PERIODIC."""
    export, text = EXPORTS[name], io.StringIO()
    writer = csv.writer(text)
    for cells in _with_header(export, Asked(organization_id, names, since, until)):
        writer.writerow([harmless(_written(cell)) for cell in cells])
        yield text.getvalue()
        text.seek(0)
        text.truncate()


def _with_header(export: Export, asked: Asked) -> Iterator[Cells]:
    yield export.columns
    yield from export.rows(asked)


def write_whole(
    name: str, organization_id: int, *, since: dt.datetime | None = None, until: dt.datetime | None = None
) -> IO[bytes]:
    """The export `name` of an organization for its own staff, whole before its first byte is sent: a list that breaks off would
    look like all there is. Large ones wait on disk; whoever sends it closes it. It is at its end: tell() is its length."""
    whole = tempfile.SpooledTemporaryFile(max_size=1024 * 1024)  # noqa: SIM115  # whoever sends it closes it
    whole.write(BYTE_ORDER_MARK.encode())
    for text in lines(name, organization_id, names=True, since=since, until=until):
        whole.write(text.encode())
    return whole


def read_whole(whole: IO[bytes]) -> Iterator[bytes]:
    """What write_whole wrote, in pieces; closed at the end."""
    with whole:
        whole.seek(0)
        while chunk := whole.read(64 * 1024):
            yield chunk


def record_export(organization: Organization, name: str, *, by: Person) -> None:
    """In a transaction: that somebody of the staff took a list away."""
    audit.record(
        "organization.exported", subject=organization, by=by, organization_id=organization.id, data={"what": name}
    )


def _written(cell: object) -> object:
    """Instants in UTC (RFC 3339), dates in ISO, yes and no, exact decimals; nothing is an empty cell."""
    if isinstance(cell, bool):
        return "yes" if cell else "no"
    if isinstance(cell, dt.datetime):
        return cell.astimezone(dt.UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
    return cell.isoformat() if isinstance(cell, dt.date) else cell


def _pages(query: Any, table: Any, organization_id: int | None) -> Iterator[list[sa.Row[Any]]]:
    """The rows of the select `query`, which has the columns `id` and `created_at` of `table`, a page at a time, oldest first."""
    if organization_id is not None:
        query = query.where(Organization.id == organization_id)
    query = query.order_by(table.created_at, table.id).limit(PAGE)
    after: sa.Row[Any] | None = None
    while True:
        here: sa.Select[Any] = query
        if after is not None:
            later = sa.and_(table.created_at == after.created_at, table.id > after.id)
            here = query.where(sa.or_(table.created_at > after.created_at, later))
        rows = list(db.session.execute(here))
        if rows:
            yield rows
        if len(rows) < PAGE:
            return
        after = rows[-1]


def _adult_name(name: str, born: dt.date | None, country: str | None) -> str:
    """The name of whoever is known to be of age, wherever it is still yesterday; unknown is not of age."""
    is_adult = born is not None and adult_from(born, country) <= today("Etc/GMT+12")
    return name if is_adult else ""


# --- needs ----------------------------------------------------------------------------------------------------------


def _needs(asked: Asked) -> Iterator[Cells]:
    query = sa.select(Need.id, Need.created_at).join(Organization, Organization.id == Need.organization_id)
    for page in _pages(query, Need, asked.organization_id):
        cells = cells_of([row.id for row in page])
        for row in page:
            if row.id in cells:  # gone meanwhile
                yield cells[row.id].values()


# --- signups --------------------------------------------------------------------------------------------------------

SIGNUP_COLUMNS = (
    "id", "organization", "need_id", "need", "shift_id", "starts_at", "ends_at", "due_on", "time_zone", "position", "status",
    "party_size", "person_id", "name", "hours", "hours_approved", "created_at", "checked_in_at", "cancelled_at",
)  # fmt: skip


def _signups(asked: Asked) -> Iterator[Cells]:
    query = (
        sa.select(
            Signup.id, Signup.created_at, Organization.name.label("organization"), Need.id.label("need_id"), Need.title,
            Shift.id.label("shift_id"), Shift.starts_at, Shift.ends_at, Shift.due_on, Shift.time_zone,
            Position.name.label("position"), Signup.status, Signup.party_size, Person.id.label("person_id"), Person.name,
            Person.birth_date, Person.country, Signup.minutes, Signup.hours_approved_by_id, Signup.checked_in_at,
            Signup.cancelled_at,
        )
        .join(Shift, Shift.id == Signup.shift_id)
        .join(Need, Need.id == Shift.need_id)
        .join(Organization, Organization.id == Need.organization_id)
        .join(Position, Position.id == Signup.position_id)
        .join(Person, Person.id == Signup.person_id)
    )  # fmt: skip
    for page in _pages(query, Signup, asked.organization_id):
        # Of whoever is not cleared any more no list says that they come, whether or not promised work has come to it (G1).
        ended = list_not_standing([row.id for row in page if row.status in HOLDING_STATUSES])
        for row in page:
            yield (
                encode_id(row.id), row.organization, encode_id(row.need_id), row.title, encode_id(row.shift_id), row.starts_at,
                row.ends_at, row.due_on, row.time_zone, row.position, "cancelled" if row.id in ended else row.status,
                row.party_size, encode_id(row.person_id), _adult_name(row.name, row.birth_date, row.country),
                "" if row.minutes is None else f"{row.minutes / 60:.2f}", row.hours_approved_by_id is not None, row.created_at,
                row.checked_in_at, row.cancelled_at,
            )  # fmt: skip


# --- pledges --------------------------------------------------------------------------------------------------------

PLEDGE_COLUMNS = (
    "id", "organization", "need_id", "need", "item_id", "item", "unit", "quantity", "received", "rejected", "status", "way",
    "deliver_by", "person_id", "name", "created_at", "updated_at",
)  # fmt: skip


def _pledges(asked: Asked) -> Iterator[Cells]:
    query = (
        sa.select(
            Pledge.id, Pledge.created_at, Organization.name.label("organization"), Need.id.label("need_id"), Need.title,
            Item.id.label("item_id"), Item.name.label("item"), Item.unit, Pledge.quantity, Pledge.received, Pledge.rejected,
            Pledge.status, Pledge.way, Pledge.deliver_by, Person.id.label("person_id"), Person.name, Person.birth_date,
            Person.country, Pledge.updated_at,
        )
        .join(Item, Item.id == Pledge.item_id)
        .join(Need, Need.id == Item.need_id)
        .join(Organization, Organization.id == Need.organization_id)
        .join(Person, Person.id == Pledge.person_id)
    )  # fmt: skip
    for row in (row for page in _pages(query, Pledge, asked.organization_id) for row in page):
        amounts = (format(value.normalize(), "f") for value in (row.quantity, row.received, row.rejected))
        yield (
            encode_id(row.id), row.organization, encode_id(row.need_id), row.title, encode_id(row.item_id), row.item,
            row.unit, *amounts, row.status, row.way, row.deliver_by, encode_id(row.person_id),
            _adult_name(row.name, row.birth_date, row.country), row.created_at, row.updated_at,
        )  # fmt: skip


# --- donations ------------------------------------------------------------------------------------------------------

DONATION_COLUMNS = (
    "id", "organization", "fundraiser", "title", "amount", "settled", "currency", "status", "mode", "anonymous", "name",
    "email", "message", "created_at", "paid_at", "covers_fee", "company", "dedication", "dedicated_to",
    "refunded", "disputed", "fees", "fees_currency", "source",
)  # fmt: skip


def _donations(asked: Asked) -> Iterator[Cells]:
    """Gifts that became something, as the staff see them; of a period: what was paid in it. `settled`: paid, before fees, less
    what went back, by the ledger; `fees` in the currency that the account settles in."""
    settled = (
        sa.select(-sa.func.coalesce(sa.func.sum(LedgerEntry.amount_minor), 0))
        .join(LedgerTransaction, LedgerTransaction.id == LedgerEntry.transaction_id)
        .where(LedgerTransaction.donation_id == Donation.id, LedgerEntry.account.in_(RAISED_ACCOUNTS))
        .where(LedgerEntry.currency == Donation.currency)
        .scalar_subquery()
    )

    def fees(value: Any) -> Any:
        return (
            sa.select(value)
            .join(LedgerTransaction, LedgerTransaction.id == LedgerEntry.transaction_id)
            .where(LedgerTransaction.donation_id == Donation.id, LedgerEntry.account == "fees")
            .scalar_subquery()
        )

    # As the journal says: of a gift in person the day on which it was given, not that on which it was confirmed.
    given_at = (
        sa.select(sa.func.min(happened()))
        .where(LedgerTransaction.donation_id == Donation.id, LedgerTransaction.kind.in_(("gift", "offline")))
        .scalar_subquery()
    )
    query = (
        sa.select(
            Donation.id, Donation.created_at, Organization.name.label("organization"), Fundraiser.slug, Fundraiser.title,
            Donation.amount_minor, settled.label("settled"), Donation.currency, Donation.status, Donation.mode,
            Donation.anonymous, Donation.name, Donation.email, Donation.message, Donation.paid_at, Donation.person_id,
            Donation.cover_fee_minor, Donation.company, Donation.dedication, Donation.dedicated_to,
            Donation.hide_from_organization, Person.birth_date, Person.country,
            Donation.refunded_minor, Donation.disputed_minor,
            fees(sa.func.sum(LedgerEntry.amount_minor)).label("fees"),
            fees(sa.func.max(LedgerEntry.currency)).label("fees_currency"),
            Donation.source,
        )
        .join(Organization, Organization.id == Donation.organization_id)
        .join(Fundraiser, Fundraiser.id == Donation.fundraiser_id)
        .outerjoin(Person, Person.id == Donation.person_id)
        .where(Donation.status.in_(STAFF_STATUSES), *asked.within(given_at))
    )  # fmt: skip
    for row in (row for page in _pages(query, Donation, asked.organization_id) for row in page):
        # Who gives without an account says no age; who has one and is under age, or did not say it, is not named.
        of_age = row.person_id is None or bool(_adult_name("x", row.birth_date, row.country))
        told = of_age and not row.hide_from_organization and (asked.names or not row.anonymous)
        yield (
            encode_id(row.id), row.organization, row.slug, row.title, to_decimal(Money(row.amount_minor, row.currency)),
            to_decimal(Money(int(row.settled), row.currency)), row.currency, row.status, row.mode, row.anonymous,
            row.name if told else "", row.email if told else "", row.message if told else "", row.created_at, row.paid_at,
            to_decimal(Money(row.cover_fee_minor, row.currency)), row.company if told else "",
            row.dedication if told else "", row.dedicated_to if told else "",
            to_decimal(Money(row.refunded_minor, row.currency)), to_decimal(Money(row.disputed_minor, row.currency)),
            "" if row.fees_currency is None else to_decimal(Money(int(row.fees), row.fees_currency)),
            row.fees_currency or "", row.source,
        )  # fmt: skip


# --- Gift Aid -------------------------------------------------------------------------------------------------------

# In the order of HMRC's schedule of donations; what it does not ask for stands behind.
GIFT_AID_COLUMNS = (
    "first_name", "last_name", "house", "postcode", "donation_date", "amount", "currency", "donation_id", "declaration",
    "declared_at", "cancelled_on",
)  # fmt: skip


def _gift_aid(asked: Asked) -> Iterator[Cells]:
    """Paid gifts on which Gift Aid was declared, less what went back: for the organization's claim, and its own staff alone. What
    a donor cancelled is there with its day and nothing to claim, so that staff see it."""
    settled = (
        sa.select(-sa.func.coalesce(sa.func.sum(LedgerEntry.amount_minor), 0))
        .join(LedgerTransaction, LedgerTransaction.id == LedgerEntry.transaction_id)
        .where(LedgerTransaction.donation_id == Donation.id, LedgerEntry.account.in_(RAISED_ACCOUNTS))
        .where(LedgerEntry.currency == Donation.currency)
        .scalar_subquery()
    )
    query = (
        sa.select(
            Donation.id, Donation.created_at, Donation.paid_at, Donation.currency, settled.label("settled"),
            Organization.time_zone, GiftAidDeclaration,
        )
        .join(Organization, Organization.id == Donation.organization_id)
        .join(GiftAidDeclaration, GiftAidDeclaration.donation_id == Donation.id)
        .where(Donation.status == "paid", Donation.mode != "demo", settled > 0)
    )  # fmt: skip
    if not asked.names:
        return
    for row in (row for page in _pages(query, Donation, asked.organization_id) for row in page):
        said = row.GiftAidDeclaration
        yield (
            said.first_name, said.last_name, said.address, said.postal_code, local_date(row.paid_at, row.time_zone),
            to_decimal(Money(0 if said.cancelled_at else int(row.settled), row.currency)), row.currency, encode_id(row.id),
            said.text_version, said.declared_at,
            "" if said.cancelled_at is None else local_date(said.cancelled_at, row.time_zone),
        )  # fmt: skip


# --- the ledger -----------------------------------------------------------------------------------------------------

JOURNAL_COLUMNS = (
    "transaction", "booked_at", "kind", "cause", "organization", "fundraiser", "donation_id", "account", "debit", "credit",
    "currency", "happened_at",
)  # fmt: skip


def _journal(asked: Asked) -> Iterator[Cells]:
    """Every line of the ledger, double-entry: the debits and credits of each transaction are the same in every currency."""
    query = (
        sa.select(
            LedgerEntry.id, LedgerTransaction.id.label("number"), LedgerTransaction.created_at, LedgerTransaction.kind,
            LedgerTransaction.source, Organization.name, Fundraiser.slug, LedgerTransaction.donation_id,
            LedgerEntry.account, LedgerEntry.amount_minor, LedgerEntry.currency, happened().label("happened_at"),
        )
        .join(LedgerTransaction, LedgerTransaction.id == LedgerEntry.transaction_id)
        .join(Organization, Organization.id == LedgerEntry.organization_id)
        .outerjoin(Fundraiser, Fundraiser.id == LedgerEntry.fundraiser_id)
        .where(*asked.within(happened()))
        .order_by(LedgerEntry.id)
        .limit(PAGE)
    )  # fmt: skip
    if asked.organization_id is not None:
        query = query.where(LedgerEntry.organization_id == asked.organization_id)
    after = 0
    while True:
        rows = list(db.session.execute(query.where(LedgerEntry.id > after)))
        for row in rows:
            amount = to_decimal(Money(abs(row.amount_minor), row.currency))
            debit, credit = (amount, "") if row.amount_minor > 0 else ("", amount)
            yield (
                row.number, row.created_at, row.kind, row.source, row.name, row.slug or "",
                "" if row.donation_id is None else encode_id(row.donation_id), row.account, debit, credit, row.currency,
                row.happened_at,
            )  # fmt: skip
        if len(rows) < PAGE:
            return
        after = rows[-1].id


FEES_COLUMNS = ("organization", "fundraiser", "title", "need", "currency", "given", "went_back", "fees", "left")


def _fees(asked: Asked) -> Iterator[Cells]:
    """What each fundraiser brought and what it cost, by currency: the sums of the journal's lines of the same period."""
    query = sa.select(Organization.id, Organization.name).order_by(Organization.name, Organization.id)
    if asked.organization_id is not None:
        query = query.where(Organization.id == asked.organization_id)
    begin = asked.since or dt.datetime.min.replace(tzinfo=dt.UTC)
    end = asked.until or dt.datetime.max.replace(tzinfo=dt.UTC)
    for key, name in db.session.execute(query).all():
        for row in list_fees(key, begin, end):
            amounts = (row.given, row.went_back, row.fees, row.net)
            yield (
                name, row.slug, row.title, row.need, row.currency,
                *(to_decimal(Money(minor, row.currency)) for minor in amounts),
            )  # fmt: skip


EXPORTS = {
    "needs": Export(COLUMNS, _needs),
    "signups": Export(SIGNUP_COLUMNS, _signups),
    "pledges": Export(PLEDGE_COLUMNS, _pledges),
    "donations": Export(DONATION_COLUMNS, _donations),
    "gift-aid": Export(GIFT_AID_COLUMNS, _gift_aid),
    "journal": Export(JOURNAL_COLUMNS, _journal),
    "fees": Export(FEES_COLUMNS, _fees),
}
# Lists of what happened in a period, whenever it was written down: a gift is of the day on which it was paid.
PERIODIC = ("donations", "journal", "fees")
