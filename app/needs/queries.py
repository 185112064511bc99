"""Reads of one need and what it asks for. None of them touches private_address."""

from __future__ import annotations

import dataclasses
import datetime as dt
import decimal
from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import contains_eager, joinedload

from app.accounts.models import Person
from app.core.clock import now, today
from app.core.db import db
from app.core.paging import Page, newest_page
from app.needs.filled import list_filled
from app.needs.models import DayFacts, Item, Need, NeedAssignment, Position, PrivateAddress, Shift, Unfinished
from app.needs.policy import visible, works_on
from app.organizations.models import Logo, Membership, Organization
from app.organizations.queries import LOGO_COLUMNS, LogoMark, logo_mark


def find_need(need_id: int) -> Need | None:
    """The need in any state, with its organization, or None."""
    query = sa.select(Need).options(joinedload(Need.organization)).where(Need.id == need_id)
    return db.session.scalar(query)


def find_visible_need(need_id: int) -> Need | None:
    """The need while the public may see it (N1), or None."""
    query = (
        sa.select(Need)
        .join(Organization, Organization.id == Need.organization_id)
        .options(contains_eager(Need.organization))
        .where(Need.id == need_id, visible())
    )
    return db.session.scalar(query)


def find_shift(shift_id: int) -> Shift | None:
    """The shift in any state, with its need and organization, or None."""
    query = sa.select(Shift).options(joinedload(Shift.need).joinedload(Need.organization)).where(Shift.id == shift_id)
    return db.session.scalar(query)


def find_item(item_id: int) -> Item | None:
    """The item, with its need and organization, or None."""
    query = sa.select(Item).options(joinedload(Item.need).joinedload(Need.organization)).where(Item.id == item_id)
    return db.session.scalar(query)


@dataclasses.dataclass(frozen=True)
class NeedLine:
    """One need in a list of its organization; `status` as people are told it (N5)."""

    id: int
    title: str
    status: str
    urgency: str
    city: str | None
    region: str | None
    time_zone: str
    starts_at: dt.datetime | None
    capacity: int | None
    taken: int


def list_open_needs_of(organization_id: int, *, limit: int = 50) -> list[NeedLine]:
    """The organization's open needs with their next shift and places, soonest first. `capacity` is None when no places
    are asked for, and when one of the roles takes as many as come.

    The caller has asked whether the organization is public (N1).
    """
    at = now()
    # Where the calendar is last: a flexible role is never left out while its day lasts at its own place.
    day = today("Etc/GMT+12")
    last_on = sa.func.coalesce(Shift.due_on, Need.ends_on)
    lasts = sa.and_(Shift.flexible, sa.or_(last_on.is_(None), last_on >= day))
    upcoming = sa.and_(Shift.status == "scheduled", sa.or_(lasts, Shift.ends_at > at))
    boundless = sa.func.count(Position.id) > sa.func.count(Position.capacity)
    starts = sa.func.min(Shift.starts_at).label("starts_at")
    query = (
        sa.select(
            Need.id,
            Need.title,
            Need.status,
            Need.urgency,
            Need.city,
            Need.region,
            Need.time_zone,
            starts,
            sa.case((boundless, None), else_=sa.func.sum(Position.capacity)).label("capacity"),
            sa.func.coalesce(sa.func.sum(Position.taken), 0).label("taken"),
        )
        .outerjoin(Shift, sa.and_(Shift.need_id == Need.id, upcoming))
        .outerjoin(Position, Position.shift_id == Shift.id)
        .where(Need.organization_id == organization_id, Need.status == "open")
        .group_by(Need.id)
        .order_by(starts.is_(None), starts, Need.created_at.desc(), Need.id)
        .limit(limit)
    )
    lines = [NeedLine(**row._mapping) for row in db.session.execute(query)]
    filled = list_filled(Need.id.in_([line.id for line in lines])) if lines else set()
    return [dataclasses.replace(line, status="filled") if line.id in filled else line for line in lines]


def count_by_status(organization_id: int, *seen: sa.ColumnElement[bool]) -> dict[str, int]:
    """How many needs the organization has in each status, of those that are `seen`; those that are filled now (N5)
    count as that, not as open."""
    query = sa.select(Need.status, sa.func.count()).where(Need.organization_id == organization_id, *seen)
    query = query.group_by(Need.status)
    counts = dict(list(db.session.execute(query)))
    if counts.get("open") and (filled := len(list_filled(Need.organization_id == organization_id, *seen))):
        counts = {**counts, "open": counts["open"] - filled, "filled": filled}
    return {status: count for status, count in counts.items() if count}


@dataclasses.dataclass(frozen=True)
class ShiftLine:
    """One shift of a need's page with the sums of its positions; `capacity` None: as many as come."""

    id: int
    starts_at: dt.datetime | None
    ends_at: dt.datetime | None
    time_zone: str
    flexible: bool
    due_on: dt.date | None
    status: str
    contact: str
    minimum_age: int | None
    name: str
    capacity: int | None
    taken: int
    last_on: dt.date | None
    # Places, and those taken, of the positions that say how many; None when no position does.
    counted: tuple[int, int] | None = None

    @property
    def is_over(self) -> bool:
        """True once nobody can come any more, as Shift.is_over says it."""
        if self.ends_at is not None:
            return self.ends_at <= now()
        return self.last_on is not None and self.last_on < today(self.time_zone)

    @property
    def is_running(self) -> bool:
        """True from its start to its end."""
        return self.starts_at is not None and self.starts_at <= now() and not self.is_over


_SHIFTS = (
    sa.select(
        Shift.id,
        Shift.starts_at,
        Shift.ends_at,
        Shift.time_zone,
        Shift.flexible,
        Shift.due_on,
        Shift.status,
        Shift.contact,
        Shift.minimum_age,
        sa.func.coalesce(Shift.due_on, Need.ends_on).label("last_on"),
        Position.name,
        Position.capacity,
        Position.taken,
    )
    .join(Position, Position.shift_id == Shift.id)
    .join(Need, Need.id == Shift.need_id)
    .where(Shift.need_id == sa.bindparam("need_id"))
    .order_by(Shift.starts_at.is_(None), Shift.starts_at, Shift.due_on, Shift.id, Position.sort, Position.id)
)


def list_shifts(need_id: int) -> list[ShiftLine]:
    """The need's shifts with their positions' sums in one statement, soonest first, flexible roles last."""
    found: dict[int, dict[str, Any]] = {}
    names: dict[int, list[str]] = {}
    for row in db.session.execute(_SHIFTS, {"need_id": need_id}):
        values = dict(row._mapping)
        name = values.pop("name")
        line = found.setdefault(values["id"], {**values, "capacity": 0, "taken": 0, "counted": None})
        if values["capacity"] is not None:
            goal, taken = line["counted"] or (0, 0)
            line["counted"] = (goal + values["capacity"], taken + values["taken"])
        if name and values["capacity"] != 0:
            names.setdefault(values["id"], []).append(name)
        capacity = line["capacity"]
        open_ended = capacity is None or values["capacity"] is None
        line["capacity"] = None if open_ended else capacity + values["capacity"]
        line["taken"] = line["taken"] + values["taken"]
    return [ShiftLine(name=", ".join(names.get(key, [])), **line) for key, line in found.items()]


def list_shift_names(shift_ids: Sequence[int]) -> dict[int, str]:
    """What each of these shifts is called by its positions, as a need's page calls it; those without a name are left out."""
    query = (
        sa.select(Position.shift_id, Position.name)
        .where(Position.shift_id.in_(shift_ids), Position.name != "", Position.capacity.is_distinct_from(0))
        .order_by(Position.sort, Position.id)
    )
    names: dict[int, list[str]] = {}
    for shift_id, name in db.session.execute(query):
        names.setdefault(shift_id, []).append(name)
    return {shift_id: ", ".join(found) for shift_id, found in names.items()}


@dataclasses.dataclass(frozen=True)
class ItemLine:
    """One item of a need's page. Quantities in its unit; `quantity` None: as much as people can bring."""

    id: int
    name: str
    unit: str
    quantity: decimal.Decimal | None
    received: decimal.Decimal
    promised: decimal.Decimal
    priority: str
    accepted_condition: str
    purchase_url: str | None
    do_not_bring: bool

    @property
    def still_wanted(self) -> decimal.Decimal | None:
        """What nobody has promised or brought yet; None for an open quantity (P1)."""
        if self.quantity is None:
            return None
        return max(decimal.Decimal(0), self.quantity - self.received - self.promised)


_ITEMS = (
    sa.select(
        Item.id,
        Item.name,
        Item.unit,
        Item.quantity,
        Item.received,
        (Item.reserved + Item.in_transit).label("promised"),
        Item.priority,
        Item.accepted_condition,
        Item.purchase_url,
        Item.do_not_bring,
    )
    .where(Item.need_id == sa.bindparam("need_id"))
    .order_by(Item.do_not_bring, sa.case((Item.priority == "first", 0), else_=1), Item.sort, Item.id)
)


def list_items(need_id: int) -> list[ItemLine]:
    """What the need asks for and what not to bring, what is needed first at the top."""
    return [ItemLine(*tuple(row)) for row in db.session.execute(_ITEMS, {"need_id": need_id})]


@dataclasses.dataclass(frozen=True)
class NeedPage:
    """What everybody may see of one need, with its organization: never more of a private place than its area (N6)."""

    id: int
    title: str
    description: str
    status: str
    urgency: str
    remote: bool
    private_address: bool
    address: str | None
    postal_code: str | None
    city: str | None
    region: str | None
    country: str | None
    causes: list[str]
    time_zone: str
    bring: str
    suits: str
    parking: str
    step_free: bool | None
    ends_on: dt.date | None
    organization_slug: str
    organization_name: str
    verified_at: dt.datetime | None
    is_claimed: bool
    is_visible: bool
    logo: LogoMark | None


_PAGE = (
    sa.select(
        Need.id,
        Need.title,
        Need.description,
        Need.status,
        Need.urgency,
        Need.remote,
        Need.private_address,
        Need.address,
        Need.postal_code,
        Need.city,
        Need.region,
        Need.country,
        Need.causes,
        Need.time_zone,
        Need.bring,
        Need.suits,
        Need.parking,
        Need.step_free,
        Need.ends_on,
        Organization.slug,
        Organization.name,
        Organization.verified_at,
        Organization.claimed_at.is_not(None),
        visible(),
        *LOGO_COLUMNS,
    )
    .join(Organization, Organization.id == Need.organization_id)
    .outerjoin(Logo, Logo.organization_id == Organization.id)
    .where(Need.id == sa.bindparam("need_id"))
)


def find_need_page(need_id: int) -> NeedPage | None:
    """The need in any state, or None; `is_visible` says whether the public may see it (N1)."""
    row = db.session.execute(_PAGE, {"need_id": need_id}).first()
    if row is None:
        return None
    *facts, digest, width, height = row
    return NeedPage(*[*facts, logo_mark(digest, width, height)])


def find_need_of(slug: str, need_id: int) -> Need | None:
    """The need when it is of that organization, in any state, or None."""
    need = find_need(need_id)
    return need if need is not None and need.organization.slug == slug else None


def find_day_facts_of(need: Need) -> DayFacts | None:
    """Meeting point and contact of a need for the forms of its staff, or None; everybody else asks
    signups.queries.find_day_facts."""
    return db.session.get(DayFacts, need.id)


def find_unfinished(need: Need) -> dict[str, Any]:
    """What was typed of a need and is not complete yet, as drafts.py shapes it, for its staff; empty when nothing is, as
    of everything that was published."""
    if need.published_at is not None:
        return {}
    found = db.session.get(Unfinished, need.id)
    return found.typed if found is not None else {}


def find_private_address(need: Need) -> PrivateAddress | None:
    """The exact place of a private need, for the form of its staff only; everybody else asks
    signups.queries.find_exact_address."""
    return db.session.get(PrivateAddress, need.id)


def list_needs_of(
    organization_id: int, seen: sa.ColumnElement[bool], status: str | None, cursor: str | None, *, limit: int = 30
) -> Page[Need]:
    """Those of the organization's needs that are `seen`, for its staff, newest first (N2); "filled" are open ones that are
    filled now (N5). Raises BadCursor."""
    query = sa.select(Need).where(Need.organization_id == organization_id, seen)
    if status in ("open", "filled"):
        filled = list_filled(Need.organization_id == organization_id)
        query = query.where(
            Need.status == "open", Need.id.in_(filled) if status == "filled" else Need.id.not_in(filled)
        )
    elif status is not None:
        query = query.where(Need.status == status)
    return newest_page(query, Need, cursor, limit)


def list_coordinators(need: Need) -> tuple[list[Membership], list[Membership]]:
    """Of the organization's active coordinators, with their person and by name: who works on the need, and who could be
    assigned to it."""
    works = works_on(need.id)
    rows = db.session.execute(
        sa.select(Membership, works.label("works"))
        .join(Membership.person)
        .options(contains_eager(Membership.person))
        .where(Membership.organization_id == need.organization_id, Membership.role == "coordinator")
        .where(Person.status == "active")
        .order_by(Person.name, Person.id)
        .limit(500)
    ).all()
    return [row[0] for row in rows if row.works], [row[0] for row in rows if not row.works]


def list_workers(need: Need) -> Sequence[Membership]:
    """The members who work on the need, as policy.can_see_staff_page says, with their person, by name."""
    return db.session.scalars(
        sa.select(Membership)
        .join(Membership.person)
        .options(contains_eager(Membership.person))
        .where(Membership.organization_id == need.organization_id, works_on(need.id), Person.status == "active")
        .order_by(Person.name, Person.id)
    ).all()


def list_still_assigned(person_id: int, need_ids: Sequence[int]) -> Sequence[Need]:
    """Those of the needs that are assigned to a member of their organization now, by title."""
    beside = sa.and_(Membership.organization_id == Need.organization_id, Membership.person_id == person_id)
    return db.session.scalars(
        sa.select(Need)
        .join(NeedAssignment, sa.and_(NeedAssignment.need_id == Need.id, NeedAssignment.person_id == person_id))
        .join(Membership, beside)
        .where(Need.id.in_(need_ids))
        .order_by(Need.title, Need.id)
    ).all()


def list_assigned(organization_id: int, *seen: sa.ColumnElement[bool]) -> dict[int, list[int]]:
    """Of each person to whom needs of the organization are assigned, the ids of those that are `seen`, in a stable order."""
    found: dict[int, list[int]] = {}
    rows = db.session.execute(
        sa.select(NeedAssignment.person_id, NeedAssignment.need_id)
        .join(Need, Need.id == NeedAssignment.need_id)
        .where(Need.organization_id == organization_id, *seen)
        .order_by(NeedAssignment.person_id, NeedAssignment.created_at, NeedAssignment.need_id)
    )
    for person_id, need_id in rows:
        found.setdefault(person_id, []).append(need_id)
    return found


def list_unconfirmed() -> list[int]:
    """Ids of open needs whose confirm-by date (N4) is over at the earliest place on earth."""
    query = sa.select(Need.id).where(Need.status == "open", Need.confirm_by < today("Pacific/Kiritimati"))
    return list(db.session.scalars(query.order_by(Need.confirm_by, Need.id)))
