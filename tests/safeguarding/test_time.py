"""Dates and windows of safeguarding at every clock change of 2026 and 2027: dates are those of the place, durations elapse.

The changes are found in the zones' own data. What is expected is computed here, from the wall clock of the place.
"""

from __future__ import annotations

import datetime as dt
import zoneinfo
from collections.abc import Callable

import pytest
import time_machine
from flask import Flask

from app.accounts.models import Person
from app.needs.models import Need, Position, Shift
from app.organizations.models import Organization
from app.safeguarding.standing import Guarded, Held, Known, OrganizationFacts, PersonFacts
from app.signups import attendance, rules, two_adults
from app.signups.queries import is_in_address_window
from tests.factories import make_guardian, make_person
from tests.safeguarding.common import approved_organization, cleared_person, codes, contact_shift, place, status

CHANGING = ("America/New_York", "Europe/London", "Australia/Sydney", "Pacific/Chatham")
STEADY = "Asia/Kolkata"
DAY, HOUR, SECOND = dt.timedelta(days=1), dt.timedelta(hours=1), dt.timedelta(seconds=1)
WorkOff = Callable[[], dict[str, int]]


def changes_of(zone: str) -> list[dt.datetime]:
    """The instants of 2026 and 2027 at which the clock of `zone` changes."""
    local, found = zoneinfo.ZoneInfo(zone), []
    at, step = dt.datetime(2026, 1, 1, tzinfo=dt.UTC), dt.timedelta(minutes=15)
    while at.year < 2028:
        if at.astimezone(local).utcoffset() != (at + step).astimezone(local).utcoffset():
            found.append(at + step)
        at += step
    return found


CASES = [pytest.param(zone, at, id=f"{zone} {at:%Y-%m-%d}") for zone in CHANGING for at in changes_of(zone)] + [
    pytest.param(STEADY, dt.datetime(2026, 10, 25, 1, tzinfo=dt.UTC), id=STEADY)
]
at_every_change = pytest.mark.parametrize(("zone", "change"), CASES)


def test_there_are_four_changes_in_each_zone_that_changes() -> None:
    assert [len(changes_of(zone)) for zone in (*CHANGING, STEADY)] == [4, 4, 4, 4, 0]
    assert len(CASES) == 17


def wall(day: dt.date, hour: int, minute: int, zone: str) -> dt.datetime:
    """That time of the clock there, as an instant."""
    return dt.datetime.combine(day, dt.time(hour, minute), zoneinfo.ZoneInfo(zone)).astimezone(dt.UTC)


def offset(instant: dt.datetime, zone: str) -> dt.timedelta:
    """How far its clock is ahead of UTC then."""
    found = instant.astimezone(zoneinfo.ZoneInfo(zone)).utcoffset()
    assert found is not None
    return found


def day_of(instant: dt.datetime, zone: str) -> dt.date:
    return instant.astimezone(zoneinfo.ZoneInfo(zone)).date()


def make(zone: str, starts_at: dt.datetime | None, ends_at: dt.datetime | None, **changes: object) -> Shift:
    """A shift with children, not in any database."""
    need = Need(
        id=1, organization_id=1, organization=Organization(id=1, slug="one"), country="US", region="NJ", requirements=[]
    )
    values = {"contact": "children", "status": "scheduled", "flexible": starts_at is None, **changes}
    position = Position(id=1, name="", capacity=5, taken=0, requirements=[])
    return Shift(id=1, need=need, starts_at=starts_at, ends_at=ends_at, time_zone=zone, positions=[position], **values)


def unmet(
    shift: Shift, last_day: dt.date, *, birth_date: dt.date = dt.date(1990, 5, 17), age: int | None = None
) -> list[str]:
    """What somebody does not meet whose check is valid through `last_day` (a guardian agreed and was spoken to)."""
    shift.minimum_age = age
    person = Person(id=1, birth_date=birth_date, country="US", status="active")
    held = Held("background_check", "us_fitness", "Police", "A-1", "accepted", dt.date(2025, 6, 1), last_day, False)
    known = Known({(1, 1): PersonFacts((held,), (), Guarded(True))}, {1: OrganizationFacts((), None, True)})
    return [rule.code for rule in rules.list_rules(shift, person, known=known) if not rule.met]


@pytest.mark.rule("G1")
@at_every_change
def test_a_check_is_valid_through_the_local_date_of_the_end(zone: str, change: dt.datetime) -> None:
    day = day_of(change, zone)
    with time_machine.travel(change - 10 * DAY, tick=False):
        for first, hour, last, until, ends_on in (
            (day - DAY, 22, day, (6, 0), day),  # over midnight and over the change
            (day, 18, day, (23, 59), day),
            (day, 20, day + DAY, (0, 30), day + DAY),
            (day - DAY, 20, day, (0, 0), day),  # midnight belongs to the day that begins
        ):
            shift = make(zone, wall(first, hour, 0, zone), wall(last, *until, zone))
            assert unmet(shift, ends_on) == [], "the last day counts"
            assert unmet(shift, ends_on - DAY) == ["background_check_required"]


@pytest.mark.rule("G1")
@pytest.mark.rule("G7")
@at_every_change
def test_a_flexible_role_ends_with_its_due_date_where_it_is(zone: str, change: dt.datetime) -> None:
    day = day_of(change, zone)
    role = make(zone, None, None, due_on=day)
    midnight = wall(day + DAY, 0, 0, zone)
    with time_machine.travel(change - 10 * DAY, tick=False):
        assert unmet(role, day) == []
        assert unmet(role, day - DAY) == ["background_check_required"]
        assert unmet(make(zone, None, None), day) == ["due_date_missing"]
    for at, over, shown in (
        (midnight - 48 * HOUR - SECOND, False, False),
        (midnight - 48 * HOUR, False, True),
        (midnight - SECOND, False, True),
        (midnight, True, False),
    ):
        with time_machine.travel(at, tick=False):
            assert (role.is_over, is_in_address_window(role)) == (over, shown)


@pytest.mark.rule("G4")
@at_every_change
def test_a_birthday_counts_on_the_local_date_of_the_start(zone: str, change: dt.datetime) -> None:
    day = day_of(change, zone)
    born = day.replace(year=day.year - 18)
    with time_machine.travel(change - 10 * DAY, tick=False):
        for starts_at, adult in ((wall(day - DAY, 23, 59, zone), False), (wall(day, 0, 0, zone), True)):
            shift = make(zone, starts_at, starts_at + 4 * HOUR)
            person = Person(id=1, birth_date=born, country="US", status="active")
            assert rules.is_adult(shift, person) == adult
            found = unmet(shift, day + DAY, birth_date=born, age=18)
            assert ("too_young" in found) != adult
            assert day_of(starts_at, zone) == (day if adult else day - DAY)


@pytest.mark.rule("G4")
@at_every_change
def test_the_hours_of_a_minor_elapse_and_their_times_are_those_of_the_clock(zone: str, change: dt.datetime) -> None:
    day = day_of(change, zone)
    born = day.replace(year=day.year - 17)
    with time_machine.travel(change - 10 * DAY, tick=False):
        for begins, hours, fits in ((6, 8, True), (6, 9, False), (14, 8, True), (5, 2, False), (21, 2, False)):
            starts_at = wall(day, begins, 0, zone)
            shift = make(zone, starts_at, starts_at + hours * HOUR)
            assert unmet(shift, day, birth_date=born) == ([] if fits else ["minor_hours"])


@pytest.mark.rule("S7")
@at_every_change
def test_a_shift_over_the_change_is_as_long_as_it_takes(zone: str, change: dt.datetime) -> None:
    day = day_of(change, zone)
    shift = make(zone, wall(day - DAY, 22, 0, zone), wall(day, 6, 0, zone))
    turned = offset(change, zone) - offset(change - SECOND, zone)
    assert turned in ([dt.timedelta(0)] if zone == STEADY else [HOUR, -HOUR])
    assert attendance.usual_minutes(shift) == (8 * HOUR - turned) // dt.timedelta(minutes=1)


@pytest.mark.rule("G2")
@at_every_change
def test_a_day_before_is_twenty_four_hours_that_elapse(zone: str, change: dt.datetime) -> None:
    starts_at = wall(day_of(change, zone), 12, 0, zone)  # the change lies in the day before it
    shift = make(zone, starts_at, starts_at + 3 * HOUR)
    for at, decided in (
        (starts_at - 24 * HOUR - SECOND, False), (starts_at - 24 * HOUR, True), (starts_at, True),
        (starts_at + 3 * HOUR - SECOND, True), (starts_at + 3 * HOUR, False),
    ):  # fmt: skip
        with time_machine.travel(at, tick=False):
            assert two_adults.is_decided(shift) == decided


@pytest.mark.rule("G7")
@at_every_change
def test_the_window_of_the_address_is_forty_eight_hours_that_elapse(zone: str, change: dt.datetime) -> None:
    starts_at = wall(day_of(change, zone) + DAY, 12, 0, zone)
    shift = make(zone, starts_at, starts_at + 3 * HOUR)
    for at, shown in (
        (starts_at - 48 * HOUR - SECOND, False), (starts_at - 48 * HOUR, True), (starts_at + 3 * HOUR - SECOND, True),
        (starts_at + 3 * HOUR, False),
    ):  # fmt: skip
        with time_machine.travel(at, tick=False):
            assert is_in_address_window(shift) == shown


@pytest.mark.rule("G1")
@at_every_change
def test_the_day_of_asking_is_that_of_the_place(zone: str, change: dt.datetime) -> None:
    """A check that begins on a day does not hold in the last second before it there, and does from its first on."""
    day = day_of(change, zone)
    midnight = wall(day, 0, 0, zone)
    shift = make(zone, wall(day + DAY, 9, 0, zone), wall(day + DAY, 11, 0, zone))
    held = Held("background_check", "us_fitness", "", "", "accepted", day, None, False)
    known = Known({(1, 1): PersonFacts((held,))}, {1: OrganizationFacts((), None, True)})
    person = Person(id=1, birth_date=dt.date(1990, 5, 17), country="US", status="active")
    for at, met in ((midnight - SECOND, False), (midnight, True)):
        with time_machine.travel(at, tick=False):
            assert all(rule.met for rule in rules.list_rules(shift, person, known=known)) == met


@pytest.mark.rule("G2")
@pytest.mark.rule("G4")
@pytest.mark.parametrize("zone", CHANGING)
def test_the_real_acts_across_a_change(app: Flask, work_off: WorkOff, zone: str) -> None:
    change = changes_of(zone)[-1]
    day = day_of(change, zone)
    starts_at = wall(day, 13, 0, zone)
    with time_machine.travel(change - 5 * DAY, tick=False):
        organization = approved_organization(time_zone=zone)
        values = {"starts_at": starts_at, "ends_at": starts_at + 3 * HOUR, "time_zone": zone}
        shift = contact_shift(organization, **values)
        place(shift, cleared_person(organization))
        birthday = make_person(birth_date=day.replace(year=day.year - 16))
        make_guardian(birthday, confirmed_by=organization)
        elder = contact_shift(organization, minimum_age=16, **values)
        assert codes(elder, birthday) == ["background_check_required"], "sixteen on the day"
        younger = make_person(birth_date=(day + DAY).replace(year=day.year - 16))
        assert "too_young" in codes(elder, younger)
    for at, wanted in ((starts_at - 24 * HOUR - SECOND, "scheduled"), (starts_at - 24 * HOUR, "cannot_run")):
        with time_machine.travel(at, tick=False):
            work_off()
            assert status(shift) == wanted
