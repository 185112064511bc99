"""What an organization's staff come to: what waits for them, how full the weeks are, what arrives, who comes next, and what
is raised. Everything is counted from facts when the page is asked for."""

from __future__ import annotations

import dataclasses
import datetime as dt
import decimal
import zoneinfo
from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa
from markupsafe import Markup

from app.core import when
from app.core.clock import local_date, now, today
from app.core.db import db
from app.core.drawing import Column, draw_columns
from app.donations import accounts, gateway
from app.donations.queries import Totals, totals
from app.fundraisers.models import Fundraiser
from app.needs.models import Item, Need, Position, Shift
from app.needs.queries import list_shift_names
from app.organizations.invitations import list_waiting_invitations
from app.organizations.models import Organization
from app.organizations.queries import list_locations, list_members
from app.pledges.models import LIVE_STATUSES, Pledge
from app.signups import two_adults
from app.signups.models import Signup
from app.signups.waitlist import count_waiting

WEEKS = 8
CONFIRM_WITHIN = dt.timedelta(days=7)
ATTENDANCE_FOR = dt.timedelta(days=30)
EMPTY_WITHIN = dt.timedelta(days=3)
WARNED_WITHIN = max(two_adults.WARNED_BEFORE)
NEXT_SHIFTS = 6
MOST_ITEMS = 5


@dataclasses.dataclass(frozen=True)
class Confirming:
    """Open needs that pause themselves soon (N4): how many, on which day the first, and its id when it is the only one."""

    count: int
    first_on: dt.date
    need_id: int | None


@dataclasses.dataclass(frozen=True)
class Arriving:
    """Pledges whose day is today or over: how many, some of the items, and the need of the first."""

    count: int
    items: tuple[str, ...]
    need_id: int


@dataclasses.dataclass(frozen=True)
class Attendance:
    """Places on shifts that are over about which nobody has said whether they came: how many, and the first such shift."""

    count: int
    shifts: int
    shift_id: int
    title: str


@dataclasses.dataclass(frozen=True)
class NextShift:
    """A shift ahead with the sums of its positions; `capacity` None: as many as come. `name` is what its positions are
    called, its need's title when they have no name."""

    id: int
    need_id: int
    title: str
    name: str
    starts_at: dt.datetime
    ends_at: dt.datetime
    time_zone: str
    capacity: int | None
    taken: int
    waitlist: int
    adults: Adults | None


@dataclasses.dataclass(frozen=True)
class Adults:
    """The cleared adults on a shift with contact (G2): how many there are now, how many it takes, and when it is decided."""

    count: int
    needed: int
    decided_at: dt.datetime

    @property
    def are_enough(self) -> bool:
        """True when the shift can run with them."""
        return self.count >= self.needed

    @property
    def is_decided(self) -> bool:
        """True from that moment on: with too few it cannot run now."""
        return self.decided_at <= now()


@dataclasses.dataclass(frozen=True)
class Week:
    """A week on the calendar of the organization: places that were or are to be had. Open-ended roles count who comes."""

    begins_on: dt.date
    given: int
    promised: int
    open: int

    @property
    def label(self) -> str:
        """Its first day, in short."""
        return when.short_day(self.begins_on)


@dataclasses.dataclass(frozen=True)
class Supply:
    """An item that is still wanted, with what came and what is promised, in its unit."""

    name: str
    need_id: int
    unit: str
    received: decimal.Decimal
    promised: decimal.Decimal
    quantity: decimal.Decimal
    still_wanted: decimal.Decimal


@dataclasses.dataclass(frozen=True)
class Raised:
    """A fundraiser that is live, with its totals."""

    slug: str
    title: str
    totals: Totals


@dataclasses.dataclass(frozen=True)
class FirstSteps:
    """What a new organization does first, each done or not, as its facts say."""

    described: bool
    pictured: bool
    placed: bool
    accompanied: bool
    asked: bool
    # None where organizations have no accounts of their own.
    paid: bool | None

    @property
    def done(self) -> int:
        """How many of them."""
        return sum(1 for step in dataclasses.astuple(self) if step)

    @property
    def total(self) -> int:
        """How many there are."""
        return sum(1 for step in dataclasses.astuple(self) if step is not None)


@dataclasses.dataclass(frozen=True)
class Overview:
    """Everything on the page."""

    confirming: Confirming | None
    arriving: Arriving | None
    attendance: Attendance | None
    awaiting: Sequence[Fundraiser]
    empty_shift: NextShift | None
    short_of_adults: Sequence[NextShift]
    weeks: Sequence[Week]
    supplies: Sequence[Supply]
    shifts: Sequence[NextShift]
    raised: Sequence[Raised]

    @property
    def waits(self) -> bool:
        """True when something waits for the staff."""
        return any(
            (self.confirming, self.arriving, self.attendance, self.awaiting, self.empty_shift, self.short_of_adults)
        )

    @property
    def picture(self) -> Markup:
        """The weeks as upright fingers."""
        columns = tuple(Column(week.given, week.promised, week.open) for week in self.weeks)
        return draw_columns(columns, tuple(week.label for week in self.weeks))

    @property
    def has_weeks(self) -> bool:
        """True when there is anything to draw."""
        return any((week.given, week.promised, week.open) != (0, 0, 0) for week in self.weeks)


def overview_of(organization: Organization, seen: sa.ColumnElement[bool], *, all_needs: bool = True) -> Overview:
    """What the staff of `organization` see first, for whoever may see its staff pages: of its needs those that are `seen`
    (needs.policy.seen_by_staff); what is nobody's need, unless `all_needs` is False."""
    shifts = _next_shifts(organization.id, seen)
    soon = now() + EMPTY_WITHIN
    # A shift with contact is told of once, by the adults it takes.
    empty = [
        shift
        for shift in shifts
        if shift.taken == 0 and shift.capacity != 0 and shift.starts_at < soon and not shift.adults
    ]
    return Overview(
        confirming=_confirming(organization, seen),
        arriving=_arriving(organization, seen),
        attendance=_attendance(organization.id, seen),
        awaiting=_awaiting(organization.id) if all_needs else (),
        empty_shift=empty[0] if empty else None,
        short_of_adults=[
            shift
            for shift in shifts
            if shift.adults and not shift.adults.are_enough and shift.starts_at < now() + WARNED_WITHIN
        ],
        weeks=_weeks(organization, seen),
        supplies=_supplies(organization.id, seen),
        shifts=shifts,
        raised=_raised(organization.id),
    )


def first_steps_of(organization: Organization, *, has_need: bool) -> FirstSteps | None:
    """What is to be done first; None when all of it is done, or somebody of the organization does not want to see it."""
    if organization.first_steps_hidden:
        return None
    steps = FirstSteps(
        described=bool(organization.description),
        pictured=organization.logo is not None,
        placed=bool(list_locations(organization.id)),
        accompanied=len(list_members(organization.id)) > 1 or bool(list_waiting_invitations(organization.id)),
        asked=has_need,
        paid=accounts.can_take_gifts(organization) if gateway.is_on() and gateway.connects() else None,
    )
    return None if steps.done == steps.total else steps


def _confirming(organization: Organization, seen: sa.ColumnElement[bool]) -> Confirming | None:
    until = today(organization.time_zone) + CONFIRM_WITHIN
    query = sa.select(sa.func.count(), sa.func.min(Need.confirm_by), sa.func.min(Need.id)).where(
        Need.organization_id == organization.id, seen, Need.status == "open", Need.confirm_by <= until
    )
    count, first_on, need_id = db.session.execute(query).one()
    return None if first_on is None else Confirming(count, first_on, need_id if count == 1 else None)


def _arriving(organization: Organization, seen: sa.ColumnElement[bool]) -> Arriving | None:
    query = (
        sa.select(Item.name, Item.need_id)
        .join(Pledge, Pledge.item_id == Item.id)
        .join(Need, Need.id == Item.need_id)
        .where(Need.organization_id == organization.id, seen, Pledge.status.in_(LIVE_STATUSES))
        .where(Pledge.deliver_by <= today(organization.time_zone))
        .order_by(Pledge.deliver_by, Pledge.id)
        .limit(200)
    )
    rows = db.session.execute(query).all()
    names = tuple(dict.fromkeys(row.name for row in rows))
    return Arriving(len(rows), names[:3], rows[0].need_id) if rows else None


def _attendance(organization_id: int, seen: sa.ColumnElement[bool]) -> Attendance | None:
    query = (
        sa.select(Shift.id, Need.title, sa.func.sum(Signup.party_size).label("people"))
        .join(Signup, Signup.shift_id == Shift.id)
        .join(Need, Need.id == Shift.need_id)
        .where(Need.organization_id == organization_id, seen, Shift.status == "scheduled", Signup.status == "confirmed")
        .where(Shift.ends_at < now(), Shift.ends_at > now() - ATTENDANCE_FOR)
        .group_by(Shift.id, Need.title)
        .order_by(Shift.ends_at, Shift.id)
    )
    rows = db.session.execute(query).all()
    return Attendance(int(sum(row.people for row in rows)), len(rows), rows[0].id, rows[0].title) if rows else None


def _awaiting(organization_id: int) -> Sequence[Fundraiser]:
    query = sa.select(Fundraiser).where(
        Fundraiser.organization_id == organization_id, Fundraiser.status == "awaiting_approval"
    )
    return db.session.scalars(query.order_by(Fundraiser.created_at, Fundraiser.id).limit(3)).all()


def _with_sums(organization_id: int, seen: sa.ColumnElement[bool]) -> sa.Select[*tuple[Any, ...]]:
    """Shifts with times of the organization that are not cancelled, with the sums of their positions."""
    return (
        sa.select(
            Shift.id,
            Shift.need_id,
            Need.title,
            Shift.starts_at,
            Shift.ends_at,
            Shift.time_zone,
            sa.func.coalesce(sa.func.sum(Position.capacity), 0).label("capacity"),
            sa.func.coalesce(sa.func.sum(Position.taken), 0).label("taken"),
            (sa.func.count(Position.id) - sa.func.count(Position.capacity)).label("boundless"),
        )
        .join(Need, Need.id == Shift.need_id)
        .join(Position, Position.shift_id == Shift.id)
        .where(Need.organization_id == organization_id, seen, Shift.status != "cancelled", Shift.starts_at.is_not(None))
        .group_by(Shift.id, Need.title)
    )


def _next_shifts(organization_id: int, seen: sa.ColumnElement[bool]) -> list[NextShift]:
    query = _with_sums(organization_id, seen).where(Shift.ends_at > now(), Need.status == "open")
    rows = db.session.execute(query.order_by(Shift.starts_at, Shift.id).limit(NEXT_SHIFTS)).all()
    ids = [row.id for row in rows]
    names, waiting, adults = list_shift_names(ids), count_waiting(ids), _adults_of(ids)
    return [
        NextShift(
            row.id,
            row.need_id,
            row.title,
            names.get(row.id, row.title),
            row.starts_at,
            row.ends_at,
            row.time_zone,
            capacity=None if row.boundless else int(row.capacity),
            taken=int(row.taken),
            waitlist=waiting.get(row.id, 0),
            adults=adults.get(row.id),
        )
        for row in rows
    ]


def _adults_of(shift_ids: Sequence[int]) -> dict[int, Adults]:
    """Of the shifts that take two cleared adults, asked live."""
    shifts = db.session.scalars(sa.select(Shift).where(Shift.id.in_(shift_ids), Shift.contact != "none")).all()
    asked = [shift for shift in shifts if two_adults.is_asked(shift)]
    counted = two_adults.count_cleared_adults_of(asked)
    return {
        shift.id: Adults(counted[shift.id], two_adults.ADULTS_NEEDED, shift.starts_at - two_adults.DECIDED_BEFORE)
        for shift in asked
        if shift.starts_at is not None
    }


def _weeks(organization: Organization, seen: sa.ColumnElement[bool]) -> list[Week]:
    """The seven weeks before this one, and this one."""
    zone = zoneinfo.ZoneInfo(organization.time_zone)
    this_day = today(organization.time_zone)
    monday = this_day - dt.timedelta(days=this_day.weekday())
    begins = [monday - dt.timedelta(weeks=weeks) for weeks in reversed(range(WEEKS))]
    first, last = (
        dt.datetime.combine(day, dt.time(), zone).astimezone(dt.UTC)
        for day in (begins[0], monday + dt.timedelta(weeks=1))
    )
    sums = {day: [0, 0, 0] for day in begins}
    at = now()
    query = _with_sums(organization.id, seen).where(
        Shift.starts_at >= first, Shift.starts_at < last, Need.status != "draft"
    )
    for row in db.session.execute(query):
        day = local_date(row.starts_at, organization.time_zone)
        week = sums[day - dt.timedelta(days=day.weekday())]
        is_over = row.ends_at <= at
        week[0 if is_over else 1] += int(row.taken)
        week[2] += 0 if row.boundless else max(int(row.capacity) - int(row.taken), 0)
    return [Week(day, *counts) for day, counts in sums.items()]


def _supplies(organization_id: int, seen: sa.ColumnElement[bool]) -> list[Supply]:
    """Items with a quantity of which the most is still wanted, in parts of what was asked for."""
    query = (
        sa.select(Item)
        .join(Need, Need.id == Item.need_id)
        .where(Need.organization_id == organization_id, seen, Need.status == "open")
        .where(Item.quantity.is_not(None), sa.not_(Item.do_not_bring))
        .limit(200)
    )
    wanted = [item for item in db.session.scalars(query) if item.still_wanted]
    wanted.sort(key=lambda item: (-(item.still_wanted or 0) / (item.quantity or 1), item.name, item.id))
    return [
        Supply(
            item.name,
            item.need_id,
            item.unit,
            item.received,
            item.reserved + item.in_transit,
            item.quantity or decimal.Decimal(0),
            item.still_wanted or decimal.Decimal(0),
        )
        for item in wanted[:MOST_ITEMS]
    ]


def _raised(organization_id: int) -> list[Raised]:
    query = sa.select(Fundraiser).where(Fundraiser.organization_id == organization_id, Fundraiser.status == "live")
    rows = db.session.scalars(query.order_by(Fundraiser.created_at, Fundraiser.id).limit(10)).all()
    found = totals(row.id for row in rows)
    return [Raised(row.slug, row.title, found[row.id]) for row in rows]
