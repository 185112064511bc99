"""The gate: every reason that stands in the way, and nobody past it."""

from __future__ import annotations

import ast
import datetime as dt
from pathlib import Path
from typing import Any

import pytest
import time_machine
from flask import Flask

from app.accounts.models import Person
from app.core.clock import now, today
from app.core.db import db, transaction
from app.core.errors import Refused
from app.needs.models import Position, Shift
from app.signups import gate
from app.signups.models import Signup
from app.signups.operations import cancel_signup, sign_up
from tests.factories import allow_contact, make_guardian, make_need, make_organization, make_person, make_shift

ROOT = Path(__file__).parent.parent.parent


def refusal(shift: Shift, person: Person, **values: Any) -> list[str]:
    """The codes of every reason; the page's look and the operation under the locks must say the same."""
    looked = [reason.code for reason in gate.check(shift, person, **values)]
    with pytest.raises(Refused) as refused, transaction():
        sign_up(shift.id, by=person, **values)
    assert [reason.code for reason in refused.value.reasons] == looked
    assert all(reason.message for reason in refused.value.reasons)
    return looked


def take(shift: Shift, person: Person | None = None, **values: Any) -> int:
    person = person or make_person()
    with transaction():
        return sign_up(shift.id, by=person, **values).id


def add_position(shift: Shift, **values: Any) -> Position:
    with transaction():
        position = Position(shift_id=shift.id, sort=1, **values)
        db.session.add(position)
    db.session.expire_all()
    return position


@pytest.mark.rule("S1")
def test_party_sizes_never_exceed_capacity(app: Flask) -> None:
    shift = make_shift(capacity=3)
    take(shift, party_size=2)
    assert refusal(shift, make_person(), party_size=2) == ["full"]
    take(shift)
    assert refusal(shift, make_person()) == ["full"]
    assert db.session.get_one(Shift, shift.id).positions[0].taken == 3


@pytest.mark.rule("S1")
def test_capacity_0_means_nobody(app: Flask) -> None:
    assert refusal(make_shift(capacity=0), make_person()) == ["full"]


@pytest.mark.rule("S1")
def test_a_flexible_role_without_capacity_takes_as_many_as_come(app: Flask) -> None:
    shift = make_shift(capacity=None, flexible=True)
    take(shift, party_size=50)
    take(shift, party_size=50)
    assert shift.positions[0].taken == 100


@pytest.mark.rule("S1")
def test_a_freed_place_can_be_taken_again_even_by_the_same_person(app: Flask) -> None:
    shift, person = make_shift(capacity=1), make_person()
    first = take(shift, person)
    with transaction():
        cancel_signup(first, by=person)
    assert take(shift, person) != first


@pytest.mark.rule("S1")
def test_each_position_has_its_own_capacity(app: Flask) -> None:
    shift = make_shift(capacity=1, name="driver")
    cook = add_position(shift, name="cook", capacity=1)
    driver = shift.positions[0]
    take(shift, position_id=driver.id)
    assert refusal(shift, make_person(), position_id=driver.id) == ["full"]
    take(shift)
    assert db.session.get_one(Position, cook.id).taken == 1
    assert refusal(shift, make_person()) == ["full"]
    assert refusal(make_shift(), make_person(), position_id=cook.id) == ["position"]


@pytest.mark.parametrize("party_size", [0, -1, 51])
def test_a_party_has_between_1_and_50_people(app: Flask, party_size: int) -> None:
    assert refusal(make_shift(capacity=200), make_person(), party_size=party_size) == ["party_size"]


@pytest.mark.rule("S2")
def test_one_live_place_per_person_and_shift(app: Flask) -> None:
    shift, person = make_shift(), make_person()
    take(shift, person)
    assert refusal(shift, person) == ["already_signed_up"]


@pytest.mark.rule("S3")
def test_places_never_overlap_across_organizations_and_nobody_hears_whose(app: Flask) -> None:
    person = make_person()
    first = make_shift(make_need(make_organization(name="Secret Shelter"), title="Hidden"), days=7, hours=3)
    take(first, person)
    overlapping = make_shift(days=7, hours=1)
    assert refusal(overlapping, person) == ["overlap"]
    [reason] = gate.check(overlapping, person)
    assert "another commitment" in reason.message
    assert "Hidden" not in reason.message + reason.remedy
    assert "Secret" not in reason.message + reason.remedy


@pytest.mark.rule("S3")
def test_back_to_back_is_fine_and_one_second_is_not(app: Flask) -> None:
    person = make_person()
    noon = now().replace(microsecond=0) + dt.timedelta(days=3)
    hour, second = dt.timedelta(hours=1), dt.timedelta(seconds=1)
    take(make_shift(starts_at=noon, ends_at=noon + hour), person)
    take(make_shift(starts_at=noon + hour, ends_at=noon + 2 * hour), person)
    take(make_shift(starts_at=noon - hour, ends_at=noon), person)
    assert refusal(make_shift(starts_at=noon - 3 * hour, ends_at=noon - hour + second), person) == ["overlap"]


@pytest.mark.rule("S3")
def test_flexible_roles_and_places_given_back_do_not_overlap(app: Flask) -> None:
    person = make_person()
    shift = make_shift()
    signup = take(shift, person)
    take(make_shift(flexible=True), person)
    with transaction():
        cancel_signup(signup, by=person)
    take(make_shift(), person)


@pytest.mark.rule("S4")
@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"days": -1, "hours": 2}, "past"),
        ({"status": "cancelled"}, "shift_cancelled"),
        ({"status": "cannot_run"}, "shift_cannot_run"),
        ({"flexible": True, "due_on": dt.date(2020, 1, 1)}, "past"),
    ],
)
def test_no_place_on_a_shift_that_is_over_or_called_off(app: Flask, changes: dict[str, Any], code: str) -> None:
    assert refusal(make_shift(**changes), make_person()) == [code]


@pytest.mark.rule("S4")
def test_a_shift_that_runs_can_still_be_joined_until_its_end(app: Flask) -> None:
    shift = make_shift(days=1)
    assert shift.ends_at is not None
    with time_machine.travel(shift.ends_at - dt.timedelta(seconds=1), tick=False):
        take(shift)
    with time_machine.travel(shift.ends_at, tick=False):
        assert refusal(shift, make_person()) == ["past"]


@pytest.mark.rule("S4")
@pytest.mark.parametrize("status", ["draft", "paused", "closed"])
def test_no_place_on_a_need_that_is_not_open(app: Flask, status: str) -> None:
    assert refusal(make_shift(make_need(status=status)), make_person()) == ["need_not_open"]


@pytest.mark.rule("N1")
@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"verified_at": None}, "need_not_open"),
        ({"status": "suspended"}, "need_not_open"),
        ({"claimed_at": None}, "organization_unclaimed"),
    ],
)
def test_no_place_for_an_organization_that_nobody_stands_behind(app: Flask, changes: dict[str, Any], code: str) -> None:
    assert refusal(make_shift(make_need(make_organization(**changes))), make_person()) == [code]


@pytest.mark.rule("G1")
@pytest.mark.parametrize("contact", ["not_stated", "children", "adults_at_risk"])
def test_nobody_is_placed_where_contact_is_not_ruled_out(app: Flask, contact: str) -> None:
    shift = make_shift(contact=contact)
    codes = ["contact_not_stated"] if contact == "not_stated" else ["contact_level", "background_check_required"]
    assert refusal(shift, make_person()) == codes
    owner = make_person(platform_role="administrator")
    assert refusal(shift, owner) == codes


@pytest.mark.rule("G1")
def test_where_anything_is_required_everybody_passes_alone(app: Flask) -> None:
    assert refusal(make_shift(minimum_age=18), make_person(), party_size=2) == ["party_size"]
    organization = make_organization()
    allow_contact(organization)
    shift = make_shift(make_need(organization), contact="children")
    assert refusal(shift, make_person(), party_size=2) == ["background_check_required", "party_size"]
    driving = make_shift(make_need(requirements=["driving"]))
    assert refusal(driving, make_person(), party_size=2) == ["driving_required", "party_size"]


@pytest.mark.rule("G4")
def test_an_unknown_birth_date_is_not_old_enough(app: Flask) -> None:
    assert refusal(make_shift(minimum_age=1), make_person(birth_date=None)) == ["age_unknown"]
    take(make_shift(), make_person(birth_date=None))
    take(make_shift(minimum_age=0), make_person(birth_date=None))


@pytest.mark.rule("G4")
def test_the_age_counts_on_the_local_date_of_the_shift(app: Flask) -> None:
    # 05:30 UTC on 2 June is the evening of 1 June in Los Angeles, and 2 June in New York.
    starts = dt.datetime(2027, 6, 2, 5, 30, tzinfo=dt.UTC)
    person = make_person(birth_date=dt.date(2006, 6, 2))
    times = {"starts_at": starts, "ends_at": starts + dt.timedelta(hours=1), "minimum_age": 21}
    with time_machine.travel(dt.datetime(2027, 5, 1, tzinfo=dt.UTC), tick=False):
        west = make_shift(make_need(time_zone="America/Los_Angeles"), **times)
        assert refusal(west, person) == ["too_young"]
        take(make_shift(make_need(time_zone="America/New_York"), **times), person)


@pytest.mark.rule("G4")
def test_a_birthday_on_29_february_comes_on_1_march(app: Flask) -> None:
    person = make_person(birth_date=dt.date(2004, 2, 29))
    with time_machine.travel(dt.datetime(2026, 2, 1, tzinfo=dt.UTC), tick=False):
        for day, codes in ((28, ["too_young"]), (1, [])):
            starts = dt.datetime(2026, 2 if day == 28 else 3, day, 18, tzinfo=dt.UTC)
            shift = make_shift(starts_at=starts, ends_at=starts + dt.timedelta(hours=1), minimum_age=22)
            assert [reason.code for reason in gate.check(shift, person)] == codes


@pytest.mark.rule("G4")
def test_a_known_minor_does_nothing_before_a_guardian_consents(app: Flask) -> None:
    now_17 = today("UTC").replace(day=1) - dt.timedelta(days=17 * 365 + 100)
    noon = dt.datetime.combine(today("UTC") + dt.timedelta(days=7), dt.time(17), dt.UTC)
    by_day = {"starts_at": noon, "ends_at": noon + dt.timedelta(hours=3)}
    minor = make_person(birth_date=now_17)
    assert refusal(make_shift(**by_day), minor) == ["guardian_consent"]
    assert "guardian_consent" in refusal(make_shift(minimum_age=14, **by_day), minor)
    make_guardian(minor)
    take(make_shift(minimum_age=14, **by_day), minor)


@pytest.mark.rule("G4")
def test_a_minors_hours_are_those_of_the_day_whoever_has_the_shifts(
    app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Eight hours at 17, in two shifts as in one; of the places of a day the last taken goes when one is made longer."""

    def at(day: int, hour: int, hours: int) -> dict[str, Any]:
        starts = dt.datetime.combine(today("UTC") + dt.timedelta(days=day), dt.time(hour), dt.UTC)
        return {"starts_at": starts, "ends_at": starts + dt.timedelta(hours=hours), "time_zone": "UTC"}

    minor = make_person(birth_date=today("UTC").replace(day=1) - dt.timedelta(days=17 * 365 + 100))
    make_guardian(minor)
    morning, noon, evening = make_shift(**at(7, 7, 4)), make_shift(**at(7, 11, 4)), make_shift(**at(7, 16, 2))
    first, second = take(morning, minor), take(noon, minor)
    assert refusal(evening, minor) == ["minor_hours"]
    [reason] = gate.check(evening, minor)
    assert (reason.url, "8 hours a day" in reason.message) == ("/my-help", True)
    take(make_shift(**at(8, 7, 4)), minor)  # another day
    grown = make_person()
    for shift in (morning, noon, evening):
        take(shift, grown)
    places = {key: db.session.get_one(Signup, key) for key in (first, second)}
    assert gate.list_refusals(list(places.values())) == {}
    with transaction():
        db.session.get_one(Shift, morning.id).starts_at -= dt.timedelta(hours=1)
    assert [gate.stands(places[key]) for key in (first, second)] == [True, False]
    assert list(gate.list_refusals(list(places.values()))) == [second]
    with transaction():
        cancel_signup(first, by=minor)
    assert gate.stands(places[second])
    take(evening, minor)
    # Without the sum, each shift is short enough by itself.
    monkeypatch.setattr(gate.day_hours, "check", lambda *_one, **_two: [])
    take(make_shift(**at(7, 18, 3)), minor)


@pytest.mark.rule("S11")
def test_every_reason_is_told_with_its_way_out(app: Flask) -> None:
    person = make_person(birth_date=None, email_verified_at=None)
    take(make_shift(), person_after_verification := make_person(birth_date=None))
    shift = make_shift(capacity=0, minimum_age=16, contact="not_stated")
    assert refusal(shift, person_after_verification) == ["contact_not_stated", "age_unknown", "overlap", "full"]
    codes = refusal(shift, person)
    assert codes == ["email_unverified", "contact_not_stated", "age_unknown", "full"]
    assert all(reason.remedy for reason in gate.check(shift, person))


@pytest.mark.rule("S11")
@pytest.mark.parametrize("status", ["held", "suspended"])
def test_whoever_is_held_is_told_only_whom_to_write_to(app: Flask, status: str) -> None:
    shift = make_shift(capacity=0, contact="children", minimum_age=99)
    person = make_person(status=status, birth_date=None, email_verified_at=None)
    assert refusal(shift, person) == ["not_active"]
    [reason] = gate.check(shift, person)
    assert "Write to" in reason.remedy
    assert "held" not in reason.message
    assert "suspended" not in reason.message


@pytest.mark.rule("S11")
def test_what_a_shift_asks_is_told_to_visitors_too(app: Flask) -> None:
    shift = make_shift(minimum_age=18)
    assert [rule.met for rule in gate.list_rules(shift, None)] == [False]
    assert [rule.met for rule in gate.list_rules(shift, make_person())] == [True]
    assert gate.list_rules(make_shift(), None) == []


def test_a_place_is_cancelled_once_and_not_after_the_end(app: Flask) -> None:
    shift = make_shift(days=1)
    person, late = make_person(), make_person()
    first, second = take(shift, person), take(shift, late)
    with transaction():
        cancel_signup(first, by=person)
    with pytest.raises(Refused, match="not_held"), transaction():
        cancel_signup(first, by=person)
    assert shift.ends_at is not None
    with (
        time_machine.travel(shift.ends_at, tick=False),
        pytest.raises(Refused, match="past"),
        transaction(),
    ):
        cancel_signup(second, by=late)
    assert db.session.get_one(Shift, shift.id).positions[0].taken == 1


@pytest.mark.rule("G1")
def test_only_operations_build_a_signup() -> None:
    """There is one way to a place: whatever builds or inserts a signup, or makes one confirmed, is in operations.py; places
    are counted in places.py alone."""
    allowed, counting = (ROOT / "app" / "signups" / name for name in ("operations.py", "places.py"))
    found = []
    for path in sorted((ROOT / "app").rglob("*.py")):
        if path == allowed:
            continue
        for node in ast.walk(ast.parse(path.read_text())):
            builds = isinstance(node, ast.Call) and getattr(node.func, "id", getattr(node.func, "attr", "")) == "Signup"
            inserts = (
                isinstance(node, ast.Call)
                and getattr(node.func, "attr", getattr(node.func, "id", "")) in ("insert", "update", "insert_rows")
                and any(getattr(argument, "id", "") == "Signup" for argument in node.args)
            )
            counts = isinstance(node, ast.keyword) and node.arg == "taken" and isinstance(node.value, ast.BinOp)
            confirms = (
                isinstance(node, ast.Assign)
                and isinstance(node.value, ast.Constant)
                and node.value.value in ("confirmed", "checked_in")
                and any(getattr(target, "attr", "") == "status" for target in node.targets)
            )
            if builds or inserts or confirms or (counts and path != counting):
                found.append(f"{path.relative_to(ROOT).as_posix()}:{getattr(node, 'lineno', '?')}")
    assert found == []
