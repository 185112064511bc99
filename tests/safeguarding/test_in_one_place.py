"""Nobody is in two places, nor one of the two adults in two (S3, G2): as named on shifts, with places on them, and when shifts
are moved onto each other."""

from __future__ import annotations

import datetime as dt
import itertools
from collections.abc import Callable

import pytest
import sqlalchemy as sa
from flask import Flask
from hypothesis import given
from hypothesis import strategies as st

from app.accounts.models import Person
from app.core.clock import now
from app.core.db import db, transaction
from app.needs.models import Shift
from app.needs.operations.shifts import edit_shift
from app.organizations.models import Organization
from app.signups import gate, operations, two_adults
from app.signups.models import ShiftStaff, Signup
from app.signups.volunteers import add_volunteer
from tests.factories import make_person
from tests.hostile import tries
from tests.safeguarding.common import HOUR, approved_organization, contact_shift, do, place, refused, status
from tests.safeguarding.test_two_adults import edited, member

WorkOff = Callable[[], dict[str, int]]


@pytest.fixture
def owner(app: Flask) -> Person:
    return make_person(name="Olga Owner")


@pytest.fixture
def organization(owner: Person) -> Organization:
    return approved_organization(owner)


@pytest.mark.rule("G2")
def test_staff_are_the_second_adult_in_one_place_at_a_time(organization: Organization, owner: Person) -> None:
    shift, other = (contact_shift(organization, days=0.9) for _one in range(2))
    later = contact_shift(organization, days=2)
    staff = member(organization)
    do(two_adults.name_staff, shift.id, staff.id, by=owner)
    assert refused(two_adults.name_staff, other.id, staff.id, by=owner) == ["overlap"]
    do(two_adults.name_staff, later.id, staff.id, by=owner)
    assert two_adults.count_cleared_adults(db.session.get_one(Shift, shift.id)) == 1
    assert refused(operations.sign_up, other.id, by=staff) == ["overlap"]
    assert refused(
        add_volunteer, other.id, by=owner, name="Sam", birth_date=dt.date(1980, 1, 1), email=staff.email
    ) == ["ask_them"]
    busy = member(organization)
    place(other, busy)
    assert refused(two_adults.name_staff, shift.id, busy.id, by=owner) == ["overlap"]
    do(two_adults.remove_staff, shift.id, staff.id, by=owner)
    assert place(other, staff)
    assert place(later, staff), "and named on the same shift besides is one"


def counts(*shifts: Shift) -> list[int]:
    db.session.rollback()
    db.session.expire_all()
    return [two_adults.count_cleared_adults(db.session.get_one(Shift, one.id)) for one in shifts]


@pytest.mark.rule("G2")
@pytest.mark.rule("S3")
@pytest.mark.parametrize("held", ["confirmed", "checked_in", "completed"])
def test_shifts_moved_onto_each_other_count_nobody_twice(
    organization: Organization, owner: Person, work_off: WorkOff, held: str
) -> None:
    here, there = contact_shift(organization, days=0.5), contact_shift(organization, days=0.9)
    staff = member(organization)
    do(two_adults.name_staff, here.id, staff.id, by=owner)
    signup = place(there, staff)
    with transaction():
        db.session.get_one(Signup, signup.id).status = held
    assert counts(here, there) == [1, 1], "one after the other"
    moved = db.session.get_one(Shift, here.id)
    do(edit_shift, there.id, edited(db.session.get_one(Shift, there.id), starts_at=moved.starts_at, ends_at=moved.ends_at),
       by=owner)  # fmt: skip
    assert counts(here, there) == [0, 1], "the place counts, being named does not"
    assert not any(named.counts for named in two_adults.list_named(db.session.get_one(Shift, here.id)))
    work_off()
    assert counts(here, there) == [0, 1]
    assert status(signup) == held
    other = contact_shift(organization, days=1.5)
    do(two_adults.name_staff, other.id, staff.id, by=owner)
    do(edit_shift, other.id, edited(db.session.get_one(Shift, other.id), starts_at=moved.starts_at, ends_at=moved.ends_at),
       by=owner)  # fmt: skip
    assert counts(here, there, other) == [0, 1, 0], "in three places at most one"


@pytest.mark.rule("G2")
def test_with_the_look_elsewhere_off_one_adult_would_count_in_two_places(
    organization: Organization, owner: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    here, there = contact_shift(organization, days=0.5), contact_shift(organization, days=0.5)
    staff = member(organization)
    do(two_adults.name_staff, here.id, staff.id, by=owner)
    monkeypatch.setattr(gate, "_named_elsewhere", lambda *_asked: [])
    place(there, staff)
    assert counts(here, there) == [0, 1], "the second look still finds it"
    monkeypatch.setattr(two_adults, "_is_elsewhere", lambda *_asked: sa.false())
    assert counts(here, there) == [1, 1]


# Of each of three shifts: from which hour, how many hours, how somebody is on it.
WAYS = ("nothing", "named", "confirmed", "checked_in", "completed", "cancelled", "waitlisted", "named and confirmed")
LAID_OUT = st.lists(st.tuples(st.integers(0, 4), st.integers(1, 3), st.sampled_from(WAYS)), min_size=3, max_size=3)


def lay_out(shift_ids: list[int], who: int, plan: list[tuple[int, int, str]]) -> None:
    """Shifts and somebody's places, as they may stand in the database whatever way they came to."""
    begin = now().replace(minute=0, second=0, microsecond=0) + 2 * HOUR
    with transaction():
        for table in (Signup, ShiftStaff):
            db.session.execute(sa.delete(table))
        for shift_id, (hour, long, how) in zip(shift_ids, plan, strict=True):
            shift = db.session.get_one(Shift, shift_id)
            shift.starts_at, shift.ends_at = begin + hour * HOUR, begin + (hour + long) * HOUR
            if how.startswith("named"):
                db.session.add(ShiftStaff(shift_id=shift_id, person_id=who, named_by_id=who, created_at=now()))
            if how not in ("nothing", "named"):
                db.session.add(
                    Signup(shift_id=shift_id, position_id=shift.positions[0].id, person_id=who, party_size=1,
                           status=how.rpartition(" ")[2], created_at=now())
                )  # fmt: skip


def twice(shift_ids: list[int], plan: list[tuple[int, int, str]]) -> list[tuple[int, int]]:
    """Pairs of shifts at one time on both of which somebody counts."""
    counted = counts(*(db.session.get_one(Shift, key) for key in shift_ids))
    return [
        (one, other)
        for one, other in itertools.combinations(range(3), 2)
        if counted[one] and counted[other]
        and plan[one][0] < plan[other][0] + plan[other][1] and plan[other][0] < plan[one][0] + plan[one][1]
    ]  # fmt: skip


@pytest.mark.rule("G2")
@pytest.mark.rule("S3")
def test_however_it_came_to_stand_nobody_counts_twice_at_one_time(organization: Organization) -> None:
    shifts, who = [contact_shift(organization).id for _one in range(3)], member(organization).id
    seen: set[int] = set()

    def look(plan: list[tuple[int, int, str]]) -> None:
        lay_out(shifts, who, plan)
        assert twice(shifts, plan) == [], plan
        seen.add(sum(counts(*(db.session.get_one(Shift, key) for key in shifts))))

    # Hours were noted on both while both went on: each counted once.
    look([(0, 2, "completed"), (0, 2, "completed"), (4, 2, "named")])
    tries(15)(given(LAID_OUT)(look))()
    assert seen >= {0, 1, 2}, "and counts where they are"
