"""Reads of places: one's own, a shift's roster, and the exact address that a place may open (N6, G7)."""

from __future__ import annotations

import dataclasses
import datetime as dt
import zoneinfo
from collections.abc import Collection, Iterable, Mapping, Sequence, Set

import sqlalchemy as sa
from sqlalchemy.orm import joinedload, selectinload

from app.accounts.models import Person
from app.core.clock import now
from app.core.db import db
from app.core.errors import Reason
from app.needs.models import DayFacts, Need, PrivateAddress, Shift
from app.needs.policy import list_worked_on
from app.signups import gate, two_adults
from app.signups.models import (
    ENDED_STATUSES,
    LIVE_STATUSES,
    TAKING_STATUSES,
    WAITING_STATUSES,
    GuestHold,
    ShiftStaff,
    Signup,
)
from app.signups.rules import is_adult

# The exact address opens this long before the start (G7).
ADDRESS_OPENS_BEFORE = dt.timedelta(hours=48)
# A need in one of these may still have people coming: pausing stops new places, not those that stand.
COMING_STATUSES = ("open", "filled", "paused")
DONE_SHOWN = 100


@dataclasses.dataclass(frozen=True)
class ExactAddress:
    """Where a need is, to the door."""

    address: str
    postal_code: str | None
    latitude: float | None
    longitude: float | None


@dataclasses.dataclass(frozen=True)
class RosterRow:
    """One place on a shift, for the staff who expect the people."""

    signup_id: int
    person_id: int
    name: str
    party_size: int
    position: str
    note: str
    status: str
    created_at: dt.datetime
    minutes: int | None
    is_approved: bool
    mail_failed: bool
    checked_in_at: dt.datetime | None
    position_id: int
    # Why the place is not worth anything any more (G1), until promised work ends it: as its person is told it.
    why_not: tuple[Reason, ...]
    offer_expires_at: dt.datetime | None = None

    @property
    def stands(self) -> bool:
        """True while the place is worth what its status says."""
        return not self.why_not


def with_everything() -> sa.Select[Signup]:
    """Places with all that the gate looks at."""
    return sa.select(Signup).options(
        joinedload(Signup.shift).joinedload(Shift.need).joinedload(Need.organization),
        joinedload(Signup.shift).selectinload(Shift.positions),
        joinedload(Signup.position),
        joinedload(Signup.person),
    )


def find_signup(signup_id: int) -> Signup | None:
    """A place with its shift, need and organization, or None."""
    return db.session.scalar(with_everything().where(Signup.id == signup_id))


def find_live_signup(shift_id: int, person_id: int) -> Signup | None:
    """The person's live place on a shift (at most one, S2), or None."""
    return db.session.scalar(
        with_everything().where(
            Signup.shift_id == shift_id, Signup.person_id == person_id, Signup.status.in_(LIVE_STATUSES)
        )
    )


def list_live_signups_of(person_id: int) -> Sequence[Signup]:
    """The places a person has and that are not over, soonest first; flexible roles last."""
    return _list_live([person_id])


def list_resting_on_guardian(person_ids: Collection[int]) -> Sequence[Signup]:
    """Of the places of these people that are not over, those on which they are no adults by the law of where they live or where
    the shift is: what a guardian agreed to (G4). In one statement for all."""
    return [place for place in _list_live(person_ids) if not is_adult(place.shift, place.person)] if person_ids else []


def _list_live(person_ids: Collection[int]) -> Sequence[Signup]:
    return db.session.scalars(
        with_everything()
        .join(Shift, Shift.id == Signup.shift_id)
        .join(Need, Need.id == Shift.need_id)
        .where(Signup.person_id.in_(list(person_ids)), Signup.status.in_(LIVE_STATUSES))
        .where(sa.or_(sa.and_(Shift.ends_at.is_(None), Need.status != "closed"), Shift.ends_at > now()))
        .order_by(Shift.starts_at.is_(None), Shift.starts_at, Signup.id)
    ).all()


def list_past_signups_of(person_id: int) -> Sequence[Signup]:
    """The places a person took and that are over, or done as the staff say, latest first (the last hundred)."""
    return db.session.scalars(
        with_everything()
        .join(Shift, Shift.id == Signup.shift_id)
        .where(Signup.person_id == person_id, Signup.status.in_(TAKING_STATUSES))
        .join(Need, Need.id == Shift.need_id)
        .where(
            sa.or_(
                Shift.ends_at <= now(),
                sa.and_(Shift.ends_at.is_(None), Need.status == "closed"),
                Signup.status.not_in(LIVE_STATUSES),
            )
        )
        .order_by(sa.func.coalesce(Shift.ends_at, Signup.created_at).desc(), Signup.id)
        .limit(DONE_SHOWN)
    ).all()


def list_ended_signups_of(person_id: int) -> Sequence[Signup]:
    """The places a person had and that were cancelled, declined or ran out, latest first (the last hundred)."""
    return db.session.scalars(
        with_everything()
        .where(Signup.person_id == person_id, Signup.status.in_(ENDED_STATUSES))
        .order_by(sa.func.coalesce(Signup.cancelled_at, Signup.created_at).desc(), Signup.id)
        .limit(DONE_SHOWN)
    ).all()


def sum_approved_minutes(person_id: int, since: dt.datetime) -> int:
    """The minutes that a person gave since `since` (aware), as far as staff approved them (S9)."""
    query = (
        sa.select(sa.func.coalesce(sa.func.sum(Signup.minutes), 0))
        .join(Shift, Shift.id == Signup.shift_id)
        .where(Signup.person_id == person_id, Signup.hours_approved_by_id.is_not(None))
        .where(sa.func.coalesce(Shift.starts_at, Signup.created_at) >= since)
    )
    return db.session.scalar(query) or 0


def list_signups_for_calendar(person_id: int, since: dt.datetime) -> Sequence[Signup]:
    """A person's places with a date that end after `since`, given-back ones too, so that a calendar can strike them."""
    return db.session.scalars(
        with_everything()
        .join(Shift, Shift.id == Signup.shift_id)
        .where(Signup.person_id == person_id)
        .where(sa.or_(Shift.ends_at > since, sa.and_(Shift.ends_at.is_(None), Shift.due_on > since.date())))
        .order_by(Signup.id.desc())
        .limit(500)
    ).all()


def list_roster(shift_id: int) -> list[RosterRow]:
    """Who comes to a shift, by name. For staff only: the caller's guard makes sure."""
    return list_rosters([shift_id])[shift_id]


def list_roster_and_waitlist(shift_id: int) -> tuple[list[RosterRow], list[RosterRow]]:
    """Who comes to a shift, by name, and who waits for a place on it or is asked, whoever signed up first first. For staff
    only: the caller's guard makes sure."""
    everybody = list_rosters([shift_id], (*TAKING_STATUSES, *WAITING_STATUSES))[shift_id]
    waiting = [row for row in everybody if row.status in WAITING_STATUSES]
    waiting.sort(key=lambda row: (row.created_at, row.signup_id))
    return [row for row in everybody if row.status not in WAITING_STATUSES], waiting


def list_rosters(shift_ids: Sequence[int], statuses: Sequence[str] = TAKING_STATUSES) -> dict[int, list[RosterRow]]:
    """Who comes to each of several shifts (in one of `statuses`), by name, in a fixed number of statements; each place
    asked again whether it stands (G1). For staff only: the caller's guard makes sure."""
    places = db.session.scalars(
        with_everything()
        .join(Person, Person.id == Signup.person_id)
        .where(Signup.shift_id.in_(shift_ids), Signup.status.in_(statuses))
        .order_by(sa.func.lower(Person.name), Signup.id)
    ).all()
    refused = gate.list_refusals(places)
    found: dict[int, list[RosterRow]] = {shift_id: [] for shift_id in shift_ids}
    for place in places:
        found[place.shift_id].append(
            RosterRow(
                signup_id=place.id,
                person_id=place.person_id,
                name=place.person.name,
                party_size=place.party_size,
                position=place.position.name,
                note=place.note,
                status=place.status,
                created_at=place.created_at,
                minutes=place.minutes,
                is_approved=place.hours_approved_by_id is not None,
                mail_failed=place.person.mail_failed_at is not None,
                checked_in_at=place.checked_in_at,
                position_id=place.position_id,
                why_not=tuple(refused.get(place.id, ())),
                offer_expires_at=place.offer_expires_at,
            )
        )
    return found


def list_not_standing(signup_ids: Sequence[int]) -> set[int]:
    """Those of the places that are held and would not be given today (G1): in as many statements for fifty as for one, and
    none for none."""
    if not signup_ids:
        return set()
    return set(gate.list_refusals(db.session.scalars(with_everything().where(Signup.id.in_(signup_ids))).all()))


def list_holding(shift_id: int) -> Sequence[Signup]:
    """The places on a shift that stand or have begun, with their people: whoever is told when it changes."""
    return db.session.scalars(
        sa.select(Signup)
        .options(joinedload(Signup.person))
        .where(Signup.shift_id == shift_id, Signup.status.in_(gate.HOLDING_STATUSES))
        .order_by(Signup.id)
    ).all()


def list_helpers(need_id: int, *, without: Sequence[int] = ()) -> list[int]:
    """The people who helped a need with their time: came to a shift, or hold a place that was not cancelled. `without`
    leaves out shifts by their ids: what a need's closing will cancel."""
    return list(
        db.session.scalars(
            sa.select(Signup.person_id)
            .join(Shift, Shift.id == Signup.shift_id)
            .where(
                Shift.need_id == need_id,
                Shift.status != "cancelled",
                Shift.id.not_in(without),
                Signup.status.in_(("confirmed", "checked_in", "completed")),
            )
            .distinct()
            .order_by(Signup.person_id)
        )
    )


def list_expired_holds() -> Sequence[int]:
    """Holds whose time is over and whose places are not free yet."""
    return db.session.scalars(
        sa.select(GuestHold.id)
        .where(GuestHold.status == "held", GuestHold.expires_at <= now())
        .order_by(GuestHold.expires_at)
        .limit(500)
    ).all()


def list_holds(shift_id: int) -> Sequence[GuestHold]:
    """What is held on a shift for guests who have not confirmed yet. For staff only: the caller's guard makes sure."""
    return db.session.scalars(
        sa.select(GuestHold)
        .where(GuestHold.shift_id == shift_id, GuestHold.status == "held")
        .order_by(GuestHold.created_at, GuestHold.id)
    ).all()


def list_other_shifts(shift: Shift, person: Person | None, *, limit: int = 3) -> list[Shift]:
    """Shifts of the same need that `person` (None: a guest) could take now, soonest first: what stands beside a refusal.
    At most the next ten are asked about."""
    candidates = db.session.scalars(
        sa.select(Shift)
        .options(selectinload(Shift.positions), joinedload(Shift.need).joinedload(Need.organization))
        .where(Shift.need_id == shift.need_id, Shift.id != shift.id, Shift.status == "scheduled")
        .where(sa.or_(Shift.ends_at.is_(None), Shift.ends_at > now()))
        .order_by(Shift.starts_at.is_(None), Shift.starts_at, Shift.id)
        .limit(10)
    ).all()
    free = [
        other for other in candidates if not (gate.check(other, person) if person else gate.check_guest(other, None))
    ]
    return free[:limit]


def list_ids_ahead_of(person_id: int) -> Sequence[int]:
    """The live places of a person that are not over: what a change of what is known of them concerns."""
    ahead = sa.or_(Shift.ends_at.is_(None), Shift.ends_at > now())
    query = sa.select(Signup.id).join(Shift, Shift.id == Signup.shift_id)
    return db.session.scalars(
        query.where(Signup.person_id == person_id, Signup.status.in_(LIVE_STATUSES), ahead).order_by(Signup.id)
    ).all()


def list_shifts_staffed_by(person_id: int) -> Sequence[int]:
    """Ids of shifts ahead on which a person is named as staff (G2)."""
    query = sa.select(ShiftStaff.shift_id).join(Shift, Shift.id == ShiftStaff.shift_id)
    return db.session.scalars(
        query.where(ShiftStaff.person_id == person_id, Shift.ends_at > now()).order_by(ShiftStaff.shift_id)
    ).all()


def list_held_where_asked(organization_id: int | None, after: int, *, limit: int = 500) -> Sequence[Signup]:
    """Held places ahead, with all that the gate looks at, in the order of their ids after `after`; of one organization or
    (None) of all. The gate's own look says which of them cannot stand."""
    ahead = sa.or_(Shift.ends_at.is_(None), Shift.ends_at > now())
    query = (
        with_everything()
        .join(Shift, Shift.id == Signup.shift_id)
        .join(Need, Need.id == Shift.need_id)
        .where(Signup.id > after, Signup.status.in_(gate.HOLDING_STATUSES), Shift.status != "cancelled", ahead)
    )
    if organization_id is not None:
        query = query.where(Need.organization_id == organization_id)
    return db.session.scalars(query.order_by(Signup.id).limit(limit)).unique().all()


def list_ids_held_at(organization_id: int) -> Sequence[int]:
    """The places ahead that people hold with an organization."""
    ahead = sa.or_(Shift.ends_at.is_(None), Shift.ends_at > now())
    query = (
        sa.select(Signup.id)
        .join(Shift, Shift.id == Signup.shift_id)
        .join(Need, Need.id == Shift.need_id)
        .where(Need.organization_id == organization_id, Signup.status.in_(gate.HOLDING_STATUSES), ahead)
    )
    return db.session.scalars(query.order_by(Signup.id)).all()


def list_ids_on_shift(shift_id: int) -> Sequence[int]:
    """The live places on a shift: whom a change of it concerns."""
    return db.session.scalars(
        sa.select(Signup.id).where(Signup.shift_id == shift_id, Signup.status.in_(LIVE_STATUSES)).order_by(Signup.id)
    ).all()


def find_exact_address(need: Need, viewer: Person | None) -> ExactAddress | None:
    """The exact address of `need` for `viewer`, or None. With `list_exact_addresses` the only reader of private_address
    beside staff forms (N6).

    A public address is for everybody. A private one is for the staff who work on the need, and for people with a confirmed
    place from 48 hours before its start to its end (G7), asked afresh at every read: a hold, a birth date, a moved or
    cancelled shift close it at once.
    """
    if not need.private_address:
        if need.address is None:
            return None
        return ExactAddress(need.address, need.postal_code, need.latitude, need.longitude)
    return list_exact_addresses([need], viewer).get(need.id)


@dataclasses.dataclass(frozen=True)
class Standing:
    """What was asked a moment ago of all places that somebody has and that are not over: which of them do not stand, each with
    why (gate.list_refusals), and which of their shifts cannot run (two_adults.list_not_running)."""

    places: Sequence[Signup]
    refused: Mapping[int, list[Reason]]
    idle: Set[int]


def ask_standing(places: Sequence[Signup]) -> Standing:
    """That, asked now: in as many statements for fifty places as for one."""
    idle = two_adults.list_not_running([place.shift for place in places if place.shift.status == "scheduled"])
    return Standing(places, gate.list_refusals(places), idle)


def list_exact_addresses(
    needs: Iterable[Need], viewer: Person | None, *, standing: Standing | None = None
) -> dict[int, ExactAddress]:
    """Of those of `needs` whose address is private, the exact addresses that `viewer` may know, by the needs' ids: in as
    many statements for fifty as for one, and none without such a need. `standing`: how the viewer's places stand, where that was
    asked a moment ago."""
    private = {need.id: need for need in needs if need.private_address}
    if not private or viewer is None or not viewer.is_active:
        return {}
    opened = list_worked_on(private.values(), viewer)
    coming = [need for key, need in private.items() if key not in opened and _may_come(need)]
    opened |= _open_for(coming, viewer, standing)
    if not opened:
        return {}
    rows = db.session.scalars(sa.select(PrivateAddress).where(PrivateAddress.need_id.in_(opened)))
    return {row.need_id: ExactAddress(row.address, row.postal_code, row.latitude, row.longitude) for row in rows}


def _may_come(need: Need) -> bool:
    return need.status in COMING_STATUSES and need.organization.is_public


def _open_for(needs: Sequence[Need], viewer: Person, known: Standing | None) -> set[int]:
    """Ids of the needs whose address a place of the viewer opens now."""
    found = _holding_places(needs, viewer, known)
    places = [place for place in found if is_in_address_window(place.shift)]
    refused = gate.list_refusals(places) if known is None else known.refused
    standing = [place for place in places if place.id not in refused]
    idle = two_adults.list_not_running([place.shift for place in standing]) if known is None else known.idle
    return {place.shift.need_id for place in standing if place.shift_id not in idle}


@dataclasses.dataclass(frozen=True)
class ForThoseWhoCome:
    """Where exactly they meet and whom to call on the day; "" is not said, or not to be known yet."""

    meeting_point: str
    contact: str


def find_day_facts(need: Need, viewer: Person | None) -> ForThoseWhoCome | None:
    """Meeting point and contact of `need` for `viewer`, or None. With `list_day_facts` the only reader of day_facts beside
    staff forms.

    For the staff who work on the need, and for people whose place on a shift ahead stands, asked afresh at every read (G1). The
    meeting point of a private address opens and closes with that address (N6, G7).
    """
    return None if viewer is None else list_day_facts([need], viewer).get(need.id)


def list_day_facts(
    needs: Iterable[Need],
    viewer: Person,
    exact: Mapping[int, ExactAddress] | None = None,
    *,
    standing: Standing | None = None,
) -> dict[int, ForThoseWhoCome]:
    """What `viewer` may know of that of each of the needs, by their ids: in as many statements for fifty as for one, and in
    one where none of them says anything. `exact` is what `list_exact_addresses` said of them a moment ago, `standing` how the
    viewer's places stand, where that was asked."""
    by_id = {need.id: need for need in needs}
    if not by_id or not viewer.is_active:
        return {}
    # Most needs say nothing of it: that is asked first.
    rows = db.session.scalars(sa.select(DayFacts).where(DayFacts.need_id.in_(by_id))).all()
    if not rows:
        return {}
    said = [by_id[row.need_id] for row in rows]
    known = list_worked_on(said, viewer)
    known |= _standing_on([need for need in said if need.id not in known and _may_come(need)], viewer, standing)
    if exact is None:
        exact = list_exact_addresses([need for need in said if need.id in known], viewer)
    return {
        row.need_id: ForThoseWhoCome(
            row.meeting_point if row.need_id in exact or not by_id[row.need_id].private_address else "", row.contact
        )
        for row in rows
        if row.need_id in known
    }


def _standing_on(needs: Sequence[Need], viewer: Person, known: Standing | None) -> set[int]:
    """Ids of those needs with a place of `viewer` on a shift ahead that would be given today, too."""
    places = [place for place in _holding_places(needs, viewer, known) if not place.shift.is_over]
    refused = gate.list_refusals(places) if known is None else known.refused
    return {place.shift.need_id for place in places if place.id not in refused}


def _holding_places(needs: Sequence[Need], viewer: Person, known: Standing | None) -> Sequence[Signup]:
    """Places of the viewer that may let them know more. None of an account whose address nobody has shown to be theirs: staff
    vouch for whom they have before them, not for whoever typed that address somewhere."""
    if not needs or not viewer.is_email_verified:
        return []
    asked = {need.id for need in needs}
    if known is not None:
        return [
            place
            for place in known.places
            if place.shift.need_id in asked
            and place.shift.status == "scheduled"
            and place.person_id == viewer.id
            and place.status in gate.HOLDING_STATUSES
        ]
    return db.session.scalars(
        with_everything()
        .join(Shift, Shift.id == Signup.shift_id)
        .where(Shift.need_id.in_(asked), Shift.status == "scheduled")
        .where(Signup.person_id == viewer.id, Signup.status.in_(gate.HOLDING_STATUSES))
    ).all()


def is_in_address_window(shift: Shift) -> bool:
    """True from 48 hours before the start to the end. A flexible role's due date counts as its end (G1); without one
    there is no window, and unknown is no."""
    ends_at = shift.ends_at or _end_of_day(shift.due_on, shift.time_zone)
    if ends_at is None:
        return False
    starts_at = shift.starts_at or ends_at
    return starts_at - ADDRESS_OPENS_BEFORE <= now() < ends_at


def _end_of_day(day: dt.date | None, zone: str) -> dt.datetime | None:
    if day is None:
        return None
    midnight = dt.datetime.combine(day + dt.timedelta(days=1), dt.time(), zoneinfo.ZoneInfo(zone))
    return midnight.astimezone(dt.UTC)
