"""Two cleared adults (G2): a shift with contact that has fewer of them from a day before it starts cannot run.

Counted are confirmed places and staff named on the shift, cleared alike; nobody under age, and nobody by an exemption. What
grants something (address, check-in) asks `runs` live; `reconsider` writes what is so, in the act that changed it and by a
sweep as the day comes near. There is no override: only the shift's truth can be changed.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Iterable, Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import aliased, joinedload, selectinload

from app.accounts.models import Person
from app.core import audit, outbox
from app.core.clock import now
from app.core.db import db
from app.core.errors import Reason, Refused, refuse
from app.core.i18n import _
from app.core.ids import new_id
from app.needs.asking import has_contact
from app.needs.models import Need, NeedAssignment, Position, Shift
from app.needs.operations.shared import changed, locked_shift
from app.needs.policy import works_on
from app.needs.queries import ShiftLine
from app.organizations.members import find_membership
from app.organizations.models import Membership
from app.safeguarding.kinds import CONTACTS_WITH_PEOPLE
from app.safeguarding.standing import Known
from app.signups import gate, rules
from app.signups.models import ShiftStaff, Signup

ADULTS_NEEDED = 2
DECIDED_BEFORE = dt.timedelta(hours=24)
# Longer than any page is kept.
KEPT_FOR = dt.timedelta(minutes=1)
# Whose hours are noted while the shift runs is there all the same.
PRESENT_STATUSES = (*gate.HOLDING_STATUSES, "completed")
# Staff are warned while there is still time to find somebody.
WARNED_BEFORE = (dt.timedelta(days=7), dt.timedelta(days=3), dt.timedelta(hours=36))


def is_asked(shift: Shift | ShiftLine) -> bool:
    """True for a shift at a set time with contact: the rule is about these. A flexible role has no start to count from."""
    return has_contact(shift) and shift.starts_at is not None and shift.status != "cancelled"


def is_decided(shift: Shift | ShiftLine) -> bool:
    """True from a day before the start to the end of such a shift."""
    if not is_asked(shift) or shift.starts_at is None or shift.ends_at is None:
        return False
    return shift.starts_at - DECIDED_BEFORE <= now() < shift.ends_at


def runs(shift: Shift) -> bool:
    """False while the shift cannot run for want of cleared adults, asked live; True for every other shift."""
    return not list_not_running([shift])


def cannot_run(shift: Shift, adults: int | None) -> bool:
    """True when that is written, or is so now with that many cleared adults (None: they were not counted)."""
    is_short = adults is not None and adults < ADULTS_NEEDED and is_decided(shift)
    return is_short or shift.status == "cannot_run"


def list_not_running(shifts: Iterable[Shift]) -> set[int]:
    """Ids of those of the shifts that cannot run for want of cleared adults, asked live: in as many statements for fifty
    as for one, and none where the rule is not about them."""
    decided = [shift for shift in shifts if is_decided(shift)]
    if not decided:
        return set()
    counted = _count(decided)
    return {shift.id for shift in decided if counted[shift.id] < ADULTS_NEEDED}


def list_idle(lines: Iterable[ShiftLine]) -> set[int]:
    """`list_not_running` of the shifts that a need's page shows; no statement where the rule is about none of them."""
    return list_idle_of([line.id for line in lines if is_decided(line)])


def list_idle_of(near: Sequence[int]) -> set[int]:
    """`list_not_running` of the shifts with these ids; no statement for none."""
    if not near:
        return set()
    shifts = sa.select(Shift).where(Shift.id.in_(near)).order_by(Shift.id)
    loaded = (joinedload(Shift.need).joinedload(Need.organization), selectinload(Shift.positions))
    return list_not_running(db.session.scalars(shifts.options(*loaded)).all())


def is_turning(shift: Shift | ShiftLine) -> bool:
    """True while time alone may decide whether the shift runs: from a little before that is looked at to its end."""
    if not is_asked(shift) or shift.starts_at is None or shift.ends_at is None:
        return False
    return shift.starts_at - DECIDED_BEFORE - KEPT_FOR <= now() < shift.ends_at


def not_running() -> Reason:
    """Why nothing happens on such a shift."""
    return Reason(
        "shift_cannot_run",
        _("This shift cannot run: fewer than two cleared adults are on it."),
        _("It runs again as soon as another cleared adult signs up or is named on it."),
    )


def count_cleared_adults(shift: Shift) -> int:
    """How many different adults on the shift meet everything it asks, without exemptions, at this moment."""
    return _count([shift])[shift.id]


def count_cleared_adults_of(shifts: Sequence[Shift]) -> dict[int, int]:
    """The same of several shifts by their ids, in as many statements for fifty as for one; none for none."""
    return _count(shifts) if shifts else {}


def stops_without(shift: Shift, person: Person) -> bool:
    """True when the shift runs, its start is so near that this is decided, and it could not run at once without the place that
    this person has on it."""
    if not is_decided(shift):
        return False
    places, staff = _find_counted([shift])
    there = places[shift.id] | staff[shift.id]
    return len(there) >= ADULTS_NEEDED > len((places[shift.id] - {person.id}) | staff[shift.id])


def _count(shifts: Sequence[Shift]) -> dict[int, int]:
    places, staff = _find_counted(shifts)
    return {shift.id: len(places[shift.id] | staff[shift.id]) for shift in shifts}


def _find_counted(shifts: Sequence[Shift]) -> tuple[dict[int, set[int]], dict[int, set[int]]]:
    """Ids of the people who count by their place, and of those who do by being named, by the ids of the shifts."""
    by_id = {shift.id: shift for shift in shifts}
    places = db.session.scalars(
        sa.select(Signup)
        .options(joinedload(Signup.person))
        .where(Signup.shift_id.in_(by_id), Signup.status.in_(PRESENT_STATUSES))
        .execution_options(populate_existing=True)
    ).all()
    staff = _staff_who_count(by_id)
    people = [(by_id[place.shift_id], place.person) for place in places]
    people += [(by_id[named.shift_id], named.person) for named in staff]
    known = rules.load(people)
    busy = gate.list_overlapping([place.id for place in places]) if places else set()
    # Whose hours are noted while the shift runs may have gone on to another one, and counts there; noted on both, on neither.
    noted = [place.id for place in places if place.status == "completed"]
    busy |= gate.list_overlapping(noted, PRESENT_STATUSES) if noted else set()
    by_place: dict[int, set[int]] = {key: set() for key in by_id}
    by_name: dict[int, set[int]] = {key: set() for key in by_id}
    for place in places:
        shift = by_id[place.shift_id]
        if place.id in busy or (place.party_size > 1 and gate.asks_for_anything(shift)):
            continue
        own = next((position for position in shift.positions if position.id == place.position_id), None)
        asked = rules.list_rules(shift, place.person, position=own, known=known, with_exemptions=False)
        if _counts(shift, place.person, asked):
            by_place[shift.id].add(place.person_id)
    for named in staff:
        shift = by_id[named.shift_id]
        asked = _asked_of_staff(shift, named.person, known=known, with_exemptions=False)
        if _counts(shift, named.person, asked):
            by_name[shift.id].add(named.person_id)
    return by_place, by_name


def _counts(shift: Shift, person: Person, asked: list[rules.Rule]) -> bool:
    return person.is_active and rules.is_adult(shift, person) and all(rule.met for rule in asked)


def _staff_who_count(shift_ids: Iterable[int]) -> Sequence[ShiftStaff]:
    """Staff named on the shifts who are members still and work on the need, have shown that their address is theirs, and are
    on nothing else at that time: nobody is the second adult in two places."""
    return db.session.scalars(
        sa.select(ShiftStaff)
        .join(Person, Person.id == ShiftStaff.person_id)
        .join(Shift, Shift.id == ShiftStaff.shift_id)
        .join(Need, Need.id == Shift.need_id)
        .join(
            Membership,
            sa.and_(Membership.organization_id == Need.organization_id, Membership.person_id == ShiftStaff.person_id),
        )
        .options(joinedload(ShiftStaff.person))
        .where(ShiftStaff.shift_id.in_(list(shift_ids)), Person.email_verified_at.is_not(None), works_on(Need.id))
        .where(~_is_elsewhere(Shift, ShiftStaff.person_id))
        .execution_options(populate_existing=True)
    ).all()


def _is_elsewhere(shift: type[Shift] | Shift, person_id: Any) -> sa.ColumnElement[bool]:
    """That a person has a place on another shift at the time of this one, or is named on one. A place outweighs being named:
    it counts there and the name does not here; of two names at one time neither counts. A name on a need that they do not
    work on any more counts nowhere, and binds nobody."""
    other, place, named = aliased(Shift), aliased(Signup), aliased(ShiftStaff)
    its_need, member = aliased(Need), aliased(Membership)
    at_its_time = (
        other.id != shift.id,
        other.status != "cancelled",
        other.starts_at < shift.ends_at,
        other.ends_at > shift.starts_at,
    )
    has_a_place = sa.exists().where(
        place.person_id == person_id, place.status.in_(PRESENT_STATUSES), other.id == place.shift_id, *at_its_time
    )
    is_named = sa.exists().where(
        named.person_id == person_id,
        other.id == named.shift_id,
        its_need.id == other.need_id,
        member.organization_id == its_need.organization_id,
        member.person_id == named.person_id,
        works_on(its_need.id, member),
        *at_its_time,
    )
    return sa.or_(has_a_place, is_named)


def _asked_of_staff(
    shift: Shift, person: Person, *, known: Known | None = None, with_exemptions: bool = True
) -> list[rules.Rule]:
    """What is asked of somebody named on the shift: cleared like whoever has a place, for one of its positions at least."""
    positions = [position for position in shift.positions if position.capacity != 0] or shift.positions
    choices: list[tuple[Position, ...]] = [(position,) for position in positions] or [()]
    answers = [
        rules.list_rules(shift, person, positions=chosen, known=known, with_exemptions=with_exemptions)
        for chosen in choices
    ]
    return min(answers, key=lambda asked: sum(not rule.met for rule in asked))


def list_staff(shift_id: int) -> Sequence[ShiftStaff]:
    """The staff named on a shift, by name."""
    return db.session.scalars(
        sa.select(ShiftStaff)
        .join(Person, Person.id == ShiftStaff.person_id)
        .options(joinedload(ShiftStaff.person))
        .where(ShiftStaff.shift_id == shift_id)
        .order_by(Person.name, Person.id)
    ).all()


def is_named(shift_id: int, person_id: int) -> bool:
    """True while this person is named on the shift."""
    return db.session.get(ShiftStaff, (shift_id, person_id)) is not None


@dataclasses.dataclass(frozen=True)
class Named:
    """One of the staff on a shift; `counts`: as one of its cleared adults, at this moment."""

    person: Person
    counts: bool


def list_named(shift: Shift) -> list[Named]:
    """The staff named on a shift, by name, each with whether they count; in as many statements for ten as for one."""
    staff = list_staff(shift.id)
    if not staff:
        return []
    present = {named.person_id for named in _staff_who_count([shift.id])}
    known = rules.load([(shift, named.person) for named in staff])
    found = []
    for named in staff:
        asked = _asked_of_staff(shift, named.person, known=known, with_exemptions=False)
        found.append(Named(named.person, named.person_id in present and _counts(shift, named.person, asked)))
    return found


def name_staff(shift_id: int, person_id: int, *, by: Person) -> ShiftStaff:
    """A member of the organization who works on the need is on the shift, too. They pass the gate's rules like everybody, and
    hear of it when it was somebody else who said so: nobody is the second adult of a shift that they know nothing of. Raises
    Refused."""
    need, shift = locked_shift(shift_id)
    person = db.session.get(Person, person_id)
    member = find_membership(need.organization_id, person_id)
    if person is None or member is None:
        raise refuse("not_a_member", _("Only members of the organization can be named."), _("Invite them first."))
    if shift.status == "cancelled" or shift.is_over:
        raise refuse("past", _("This shift is over or cancelled."))
    if not has_contact(shift):
        raise refuse("not_asked", _("This shift asks for no two adults."))
    if not member.all_needs and db.session.get(NeedAssignment, (need.id, person_id)) is None:
        raise refuse(
            "not_assigned",
            _("This need is not assigned to them, so that they cannot see where it is."),
            _("An owner or manager assigns it to them on the page of the need."),
        )
    reasons = _reasons_not_to_name(shift, person)
    if reasons:
        raise Refused(reasons)
    named = db.session.get(ShiftStaff, (shift.id, person.id))
    if named is None:
        named = ShiftStaff(shift_id=shift.id, person_id=person.id, named_by_id=by.id, created_at=now())
        db.session.add(named)
        db.session.flush()
        audit.record("shift.staff_named", subject=shift, by=by, organization_id=need.organization_id,
                     data={"person_id": person.id})  # fmt: skip
        if person.id != by.id:
            payload = {"shift_id": shift.id, "person_id": person.id, "state": "named", "staff": True}
            outbox.enqueue("mail_two_adults", payload, key=f"two_adults:staff:{person.id}:named:{shift.id}:{new_id()}")
    reconsider(shift, by=by)
    return named


def _reasons_not_to_name(shift: Shift, person: Person) -> list[Reason]:
    if not person.is_active:
        return [Reason("not_active", _("This account cannot be used at the moment."))]
    found = []
    if not person.is_email_verified:
        found.append(
            Reason(
                "email_unverified",
                _("They have not shown yet that their email address is theirs."),
                _("They follow the link in the email we sent them."),
            )
        )
    found += [
        Reason(rule.code, f"{rule.title}. {rule.message}", rule.remedy, rule.url)
        for rule in _asked_of_staff(shift, person)
        if not rule.met
    ]
    if shift.starts_at is not None and db.session.scalar(sa.select(_is_elsewhere(shift, person.id))):
        found.append(
            Reason("overlap", _("They have another commitment at this time."), _("Name somebody else of the staff."))
        )
    return found


def remove_staff(shift_id: int, person_id: int, *, by: Person) -> None:
    """They are not on the shift any more."""
    need, shift = locked_shift(shift_id)
    named = db.session.get(ShiftStaff, (shift.id, person_id))
    if named is None:
        return
    db.session.delete(named)
    db.session.flush()
    audit.record("shift.staff_removed", subject=shift, by=by, organization_id=need.organization_id,
                 data={"person_id": person_id})  # fmt: skip
    reconsider(shift, by=by)


def reconsider(shift: Shift, *, by: Person | None = None) -> None:
    """Write whether the shift can run, under the need's lock: it cannot with fewer than two cleared adults within a day of
    its start, and can again when there are two. Both sides are told, once for each turn."""
    if shift.status not in ("scheduled", "cannot_run") or (shift.status == "scheduled" and not is_decided(shift)):
        return
    wanted = "scheduled" if runs(shift) else "cannot_run"
    if shift.status == wanted:
        return
    shift.status = wanted
    shift.sequence += 1
    shift.version += 1
    action = "shift.runs_again" if wanted == "scheduled" else "shift.cannot_run"
    audit.record(action, subject=shift, by=by, organization_id=shift.need.organization_id)
    changed(shift.need)
    kind = "shift_runs_again" if wanted == "scheduled" else "shift_cannot_run"
    outbox.enqueue(kind, {"shift_id": shift.id, "sequence": shift.sequence}, key=f"{kind}:{shift.id}:{shift.sequence}")


def list_turning() -> list[int]:
    """Ids of shifts that `reconsider` would turn as they are read now: with contact and within a day of their start or begun;
    and those that cannot run as they were, whatever they are by now. A need that was closed has none but those that go on:
    nobody is told that one of its shifts runs again. Where nothing turns, as many statements for fifty shifts
    as for one."""
    at = now()
    near = sa.and_(
        Shift.contact.in_(CONTACTS_WITH_PEOPLE), Shift.status == "scheduled", Shift.starts_at <= at + DECIDED_BEFORE
    )
    ahead = sa.or_(Shift.ends_at.is_(None), Shift.ends_at > at)
    is_of_use = sa.or_(Need.status.in_(("open", "filled", "paused")), Shift.starts_at <= at)
    shifts = db.session.scalars(
        sa.select(Shift)
        .join(Need, Need.id == Shift.need_id)
        .options(joinedload(Shift.need).joinedload(Need.organization), selectinload(Shift.positions))
        .where(is_of_use, sa.or_(near, Shift.status == "cannot_run"), ahead)
        .order_by(Shift.need_id, Shift.id)
    ).all()
    stopped = list_not_running(shifts)
    return [shift.id for shift in shifts if (shift.status == "cannot_run") != (shift.id in stopped)]


def list_ahead() -> Sequence[Shift]:
    """Shifts with contact of open needs within the next week, for the warnings; with what the count needs."""
    at = now()
    return db.session.scalars(
        sa.select(Shift)
        .join(Need, Need.id == Shift.need_id)
        .options(joinedload(Shift.need).joinedload(Need.organization), selectinload(Shift.positions))
        .where(Shift.contact.in_(CONTACTS_WITH_PEOPLE), Shift.status == "scheduled")
        .where(Need.status.in_(("open", "filled", "paused")))
        .where(Shift.starts_at > at + DECIDED_BEFORE, Shift.starts_at <= at + WARNED_BEFORE[0])
        .order_by(Shift.starts_at, Shift.id)
    ).all()


def promise_warnings() -> None:
    """In a transaction: staff of shifts that start within a week hear, at most three times, how many adults are missing."""
    ahead = list_ahead()
    counted = count_cleared_adults_of(ahead)
    for shift in ahead:
        if shift.starts_at is None:
            continue
        left = shift.starts_at - now()
        step = max(number for number, before in enumerate(WARNED_BEFORE) if left <= before)
        if counted[shift.id] < ADULTS_NEEDED:
            payload = {"shift_id": shift.id}
            outbox.enqueue("adults_missing", payload, key=f"adults_missing:{shift.id}:{shift.starts_at:%Y%m%d}:{step}")
