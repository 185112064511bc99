"""Posting and changing needs, shifts and items: who is refused what, and what follows from a change."""

from __future__ import annotations

import dataclasses
import datetime as dt
import zoneinfo
from decimal import Decimal
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask

from app.accounts.models import Person
from app.core.audit import AuditEvent
from app.core.clock import now, today
from app.core.db import db, transaction
from app.core.errors import InvalidInput, Refused
from app.core.outbox import Outbox
from app.needs import index, operations
from app.needs.models import Item, Need, Position, PrivateAddress, Shift
from app.needs.operations import ItemInput, PlaceInput, PositionInput, ShiftInput
from app.pledges.operations import cancel_pledge, pledge
from app.signups.operations import cancel_signup, sign_up
from tests.factories import allow_contact, make_item, make_need, make_organization, make_person, make_shift

BAD_QUANTITIES = ("0", "-1", "NaN", "sNaN", "Infinity", "1e10", "0.0001", "1e-99999", "1e99999")
BAD_LINKS = (
    "javascript:alert(1)",
    "ftp://example.org",
    "//example.org",
    "https://",
    "https:// example.org",
    "https://somebody@example.org",
    "http://[",
    "https://example.org/" + "x" * 500,
)
NEWARK = PlaceInput(address="1 Broad Street", city="Newark, NJ")


def times(capacity: int | None = 5, days: int = 3, **values: Any) -> ShiftInput:
    """A shift without contact of one position."""
    start = (now() + dt.timedelta(days=days)).replace(second=0, microsecond=0)
    given: dict[str, Any] = {"starts_at": start, "ends_at": start + dt.timedelta(hours=2), "contact": "none"}
    return ShiftInput(**{"positions": (PositionInput(capacity=capacity),), **given, **values})


def as_it_is(shift: Shift, **changes: Any) -> ShiftInput:
    """What would change nothing about `shift`, with `changes`."""
    values: dict[str, Any] = {
        "positions": tuple(
            PositionInput(position.name, position.capacity, position.id) for position in shift.positions
        ),
        "starts_at": shift.starts_at,
        "ends_at": shift.ends_at,
        "flexible": shift.flexible,
        "due_on": shift.due_on,
        "contact": shift.contact,
        "minimum_age": shift.minimum_age,
        "time_zone": shift.time_zone,
    }
    return ShiftInput(**{**values, **changes})


def draft(by: Person, **values: Any) -> Need:
    """A draft of a verified organization, created by the operation."""
    organization = make_organization(by)
    given: dict[str, Any] = {"title": "Drivers", "description": "Why", "place": NEWARK}
    with transaction():
        return operations.create_need(organization.id, by=by, **{**given, **values})


def refused(act: Any, *args: Any, **kwargs: Any) -> list[str]:
    """The codes of the refusal that `act` ends with; what it wrote is undone."""
    with pytest.raises(Refused) as caught, transaction():
        act(*args, **kwargs)
    assert all(reason.message for reason in caught.value.reasons)
    return [reason.code for reason in caught.value.reasons]


def invalid(act: Any, *args: Any, **kwargs: Any) -> list[str]:
    """The fields at fault."""
    with pytest.raises(InvalidInput) as caught, transaction():
        act(*args, **kwargs)
    return sorted(caught.value.errors)


def promised(kind: str) -> list[dict[str, Any]]:
    """Payloads of the promises of one kind."""
    return list(db.session.scalars(sa.select(Outbox.payload).where(Outbox.kind == kind).order_by(Outbox.id)))


def events() -> list[str]:
    """What the audit trail says about needs, shifts and items."""
    found = db.session.scalars(sa.select(AuditEvent.action).order_by(AuditEvent.id))
    return [action for action in found if action.split(".")[0] in ("need", "shift", "item")]


def is_listed(need: Need) -> bool:
    """Whether the index lists it, and agrees with the facts."""
    _rows, problems = index.compare()
    assert problems == []
    found = db.session.execute(sa.text("SELECT count(*) FROM need_text WHERE need_id = :id"), {"id": need.id})
    return bool(found.scalar())


# --- a need ---------------------------------------------------------------------------------------------------------


def test_from_draft_to_closed_and_back(app: Flask) -> None:
    person = make_person()
    need = draft(person)
    assert (need.status, need.version, need.time_zone, need.city) == ("draft", 1, "America/New_York", "Newark")
    with transaction():
        operations.add_shift(need.id, times(), by=person)
    assert not is_listed(need)
    for act, status, listed in (
        (operations.publish_need, "open", True),
        (operations.publish_need, "open", True),
        (operations.pause_need, "paused", False),
        (operations.pause_need, "paused", False),
        (operations.reopen_need, "open", True),
        (operations.close_need, "closed", False),
        (operations.close_need, "closed", False),
        (operations.reopen_need, "open", True),
    ):
        with transaction():
            assert act(need.id, by=person).status == status
        assert is_listed(need) is listed
    assert need.published_at is not None
    assert need.closed_at is None
    assert events() == [
        "need.created",
        "shift.added",
        "need.published",
        "need.paused",
        "need.reopened",
        "need.closed",
        "need.reopened",
    ]
    assert refused(operations.reopen_need, draft(person).id, by=person) == ["draft"]
    assert refused(operations.pause_need, draft(person).id, by=person) == ["not_open"]


@pytest.mark.rule("N1")
@pytest.mark.rule("S11")
@pytest.mark.rule("G1")
def test_publishing_is_refused_with_every_reason_at_once(app: Flask) -> None:
    person = make_person()
    organization = make_organization(person, verified_at=None, status="suspended")
    with transaction():
        need = operations.create_need(organization.id, by=person, title="A need", ends_on=today("UTC"))
    with transaction():
        db.session.execute(sa.update(Need).values(ends_on=dt.date(2020, 1, 1)))
    reasons = ["organization_unverified", "organization_suspended", "description", "place", "past", "asks_nothing"]
    assert refused(operations.publish_need, need.id, by=person) == reasons
    with transaction():
        operations.add_shift(need.id, times(contact="not_stated", ends_at=now() + dt.timedelta(days=4)), by=person)
    assert refused(operations.publish_need, need.id, by=person) == [*reasons[:-1], "contact_not_stated"]
    assert need.status == "draft"


@pytest.mark.rule("N1")
def test_a_need_that_only_says_what_not_to_bring_asks_for_nothing(app: Flask) -> None:
    person = make_person()
    need = draft(person)
    with transaction():
        operations.add_item(need.id, ItemInput("Stuffed animals", do_not_bring=True), by=person)
    assert refused(operations.publish_need, need.id, by=person) == ["asks_nothing"]
    with transaction():
        operations.add_item(need.id, ItemInput("Cots"), by=person)
        operations.publish_need(need.id, by=person)
    assert need.status == "open"


def test_a_need_whose_shifts_are_over_is_not_opened_again(app: Flask) -> None:
    need = make_need(status="paused")
    make_shift(need, days=-2, contact="not_stated")
    make_shift(need, status="cancelled")
    assert refused(operations.reopen_need, need.id, by=make_person()) == ["asks_nothing"]


def test_a_closed_need_is_not_changed(app: Flask) -> None:
    person = make_person()
    need = make_need(status="closed")
    shift, item = make_shift(need), make_item(need)
    assert refused(operations.edit_need, need.id, by=person, title="x") == ["closed"]
    assert refused(operations.add_shift, need.id, times(), by=person) == ["closed"]
    assert refused(operations.edit_shift, shift.id, times(), by=person) == ["closed"]
    assert refused(operations.add_item, need.id, ItemInput("x"), by=person) == ["closed"]
    assert refused(operations.edit_item, item.id, ItemInput("x"), by=person) == ["closed"]
    assert refused(operations.remove_item, item.id, by=person) == ["closed"]
    assert refused(operations.publish_need, need.id, by=person) == ["closed"]


def test_what_is_gone_is_refused_and_no_error(app: Flask) -> None:
    person = make_person()
    assert refused(operations.publish_need, 1, by=person) == ["not_found"]
    assert refused(operations.edit_shift, 1, times(), by=person) == ["not_found"]
    assert refused(operations.remove_item, 1, by=person) == ["not_found"]


def test_bad_values_name_their_field(app: Flask) -> None:
    person = make_person()
    organization = make_organization(person)
    make = (operations.create_need, organization.id)
    assert invalid(*make, by=person, title=" ") == ["title"]
    assert invalid(*make, by=person, title="x" * 161, description="x" * 20_001) == ["description", "title"]
    wrong = invalid(*make, by=person, title="x", skills=["flying"], causes=["x"], urgency="now")
    assert wrong == ["causes", "skills", "urgency"]
    assert invalid(*make, by=person, title="x", place=PlaceInput(city="Atlantis-on-Sea")) == ["place"]
    assert invalid(*make, by=person, title="x", place=PlaceInput(latitude=91, longitude=0)) == ["place"]
    assert invalid(*make, by=person, title="x", time_zone="Mars/Olympus") == ["time_zone"]
    assert db.session.scalar(sa.select(sa.func.count()).select_from(Need)) == 0


def test_an_open_need_keeps_a_place_and_a_day_ahead(app: Flask) -> None:
    person, need = make_person(), make_need()
    assert invalid(operations.edit_need, need.id, by=person, place=PlaceInput()) == ["place"]
    assert invalid(operations.edit_need, need.id, by=person, ends_on=dt.date(2020, 1, 1)) == ["ends_on"]
    with transaction():
        operations.edit_need(need.id, by=person, place=PlaceInput(), remote=True)
    assert (need.remote, need.city, need.latitude) == (True, None, None)
    assert is_listed(need)
    assert invalid(operations.edit_need, need.id, by=person, remote=False) == ["place"]


def test_two_editors_the_second_is_told(app: Flask) -> None:
    person, need = make_person(), make_need()
    seen = need.version
    with transaction():
        operations.edit_need(need.id, by=person, version=seen, title="First")
    assert refused(operations.edit_need, need.id, by=person, version=seen, title="Second") == ["changed_meanwhile"]
    assert need.title == "First"


# --- where ----------------------------------------------------------------------------------------------------------


@pytest.mark.rule("N6")
def test_a_private_place_is_public_as_an_area_only(app: Flask) -> None:
    person = make_person()
    place = PlaceInput(address="5 Quiet Lane", city="Newark", region="NJ", latitude=40.735657, longitude=-74.172367)
    need = draft(person, place=place, private_address=True)
    assert (need.address, need.postal_code, need.precision) == (None, None, "area")
    assert (need.latitude, need.longitude) == (40.74, -74.17)
    exact = db.session.get_one(PrivateAddress, need.id)
    assert (exact.address, exact.latitude, exact.longitude) == ("5 Quiet Lane", 40.735657, -74.172367)
    with transaction():
        operations.edit_need(need.id, by=person, private_address=False)
    assert (need.address, need.latitude, need.private_address) == ("5 Quiet Lane", 40.735657, False)
    assert db.session.get(PrivateAddress, need.id) is None
    with transaction():
        operations.edit_need(need.id, by=person, private_address=True)
    assert (need.address, need.latitude) == (None, 40.74)
    assert db.session.get_one(PrivateAddress, need.id).address == "5 Quiet Lane"


@pytest.mark.rule("N6")
def test_a_street_typed_as_the_town_of_a_private_place_is_not_shown(app: Flask) -> None:
    person = make_person()
    for place in (
        PlaceInput(city="5 Quiet Lane, Newark, NJ"),
        PlaceInput(city="5 Quiet Lane, Newark", region="NJ", postal_code="07102"),
    ):
        need = draft(person, place=place, private_address=True)
        assert (need.city, need.region) == ("Newark", "NJ")


@pytest.mark.rule("T1")
def test_the_zone_is_the_place_s_unless_another_is_said(app: Flask) -> None:
    person = make_person()
    assert draft(person, place=PlaceInput(city="Los Angeles, CA")).time_zone == "America/Los_Angeles"
    assert draft(person, place=NEWARK, time_zone="America/Chicago").time_zone == "America/Chicago"
    assert draft(person, place=None, remote=True).time_zone == "America/New_York"


@pytest.mark.rule("S6")
def test_a_need_that_moves_tells_everybody_on_its_shifts(app: Flask) -> None:
    person = make_person()
    need = make_need()
    ahead, over, cancelled = make_shift(need), make_shift(need, days=-3), make_shift(need, status="cancelled")
    with transaction():
        operations.edit_need(need.id, by=person, title="Another title")
    assert promised("shift_changed") == []
    with transaction():
        operations.edit_need(
            need.id, by=person, place=PlaceInput(address="2 Market Street", city="Newark", region="NJ")
        )
    assert promised("shift_changed") == [{"shift_id": ahead.id}]
    assert (ahead.sequence, over.sequence, cancelled.sequence) == (1, 0, 0)
    starts_at = ahead.starts_at
    with transaction():
        operations.edit_need(need.id, by=person, place=PlaceInput(city="Los Angeles, CA"))
    assert (ahead.time_zone, ahead.sequence, ahead.starts_at) == ("America/Los_Angeles", 2, starts_at)


# --- shifts ---------------------------------------------------------------------------------------------------------


def test_bad_shifts_name_their_field(app: Flask) -> None:
    person, need = make_person(), make_need()
    at = now() + dt.timedelta(days=1)
    hour = dt.timedelta(hours=1)
    for values, fields in (
        (times(starts_at=None), ["starts_at"]),
        (times(ends_at=None), ["starts_at"]),
        (times(starts_at=at, ends_at=at), ["ends_at"]),
        (times(starts_at=at, ends_at=at + dt.timedelta(days=7, seconds=1)), ["ends_at"]),
        (times(starts_at=now() - hour, ends_at=now() - hour / 2), ["starts_at"]),
        (times(flexible=True), ["starts_at"]),
        (times(None), ["capacity"]),
        (times(-1), ["capacity"]),
        (times(100_001), ["capacity"]),
        (times(minimum_age=121), ["minimum_age"]),
        (times(time_zone="Nowhere"), ["time_zone"]),
        (times(contact="not_stated"), ["contact"]),
        (times(contact="dogs"), ["contact"]),
        (ShiftInput((), starts_at=at, ends_at=at + hour, contact="none"), ["capacity"]),
        (ShiftInput((PositionInput("x" * 81, 1),), starts_at=at, ends_at=at + hour, contact="none"), ["name"]),
    ):
        assert invalid(operations.add_shift, need.id, values, by=person) == fields, values
    assert db.session.scalar(sa.select(sa.func.count()).select_from(Shift)) == 0


def test_a_flexible_role_may_take_as_many_as_come(app: Flask) -> None:
    person, need = make_person(), make_need()
    role = ShiftInput((PositionInput(capacity=None),), flexible=True, due_on=today("UTC"), contact="none")
    with transaction():
        shift = operations.add_shift(need.id, role, by=person)
    assert (shift.starts_at, shift.flexible, shift.positions[0].capacity) == (None, True, None)
    assert invalid(operations.edit_shift, shift.id, times(None), by=person) == ["capacity"]


@pytest.mark.rule("G1")
def test_a_draft_may_leave_the_contact_open_and_an_open_need_may_not(app: Flask) -> None:
    person = make_person()
    need = draft(person)
    with transaction():
        shift = operations.add_shift(need.id, times(contact="not_stated"), by=person)
    assert refused(operations.publish_need, need.id, by=person) == ["contact_not_stated"]
    with transaction():
        operations.edit_shift(shift.id, as_it_is(shift, contact="none"), by=person)
        operations.publish_need(need.id, by=person)
    assert invalid(operations.edit_shift, shift.id, as_it_is(shift, contact="not_stated"), by=person) == ["contact"]


@pytest.mark.rule("S1")
def test_capacity_is_not_lowered_below_what_is_taken(app: Flask) -> None:
    staff, supporter = make_person(), make_person()
    shift = make_shift(capacity=5)
    with transaction():
        signup = sign_up(shift.id, by=supporter, party_size=3)
    position = shift.positions[0]
    with pytest.raises(Refused) as caught, transaction():
        operations.edit_shift(shift.id, as_it_is(shift, positions=(PositionInput(capacity=2),)), by=staff)
    assert [reason.code for reason in caught.value.reasons] == ["below_taken"]
    assert "3 places are taken" in caught.value.reasons[0].message
    assert "Keep at least 3" in caught.value.reasons[0].remedy
    assert refused(
        operations.edit_shift, shift.id, as_it_is(shift, positions=(PositionInput("Cook", 9),) * 2), by=staff
    )
    with transaction():
        operations.edit_shift(shift.id, as_it_is(shift, positions=(PositionInput(capacity=3),)), by=staff)
    assert (shift.positions[0].id, shift.positions[0].capacity, shift.positions[0].taken) == (position.id, 3, 3)
    with transaction():
        cancel_signup(signup.id, by=supporter)
    with transaction():
        operations.edit_shift(shift.id, as_it_is(shift, positions=(PositionInput(capacity=0),)), by=staff)
    assert shift.positions[0].capacity == 0


def test_positions_are_matched_by_id_and_leave_no_trace_unless_somebody_was_on_them(app: Flask) -> None:
    staff, supporter = make_person(), make_person()
    shift = make_shift(capacity=2, name="Driver")
    driver = shift.positions[0]
    both = (PositionInput("Driver", 2, driver.id), PositionInput("Cook", 1))
    with transaction():
        operations.edit_shift(shift.id, as_it_is(shift, positions=both), by=staff)
    cook = shift.positions[1]
    assert [(position.name, position.capacity) for position in shift.positions] == [("Driver", 2), ("Cook", 1)]
    with transaction():
        signup = sign_up(shift.id, by=supporter, party_size=1, position_id=driver.id)
    with transaction():
        cancel_signup(signup.id, by=supporter)
    only_cook = (PositionInput("Cook", 1, cook.id),)
    with transaction():
        operations.edit_shift(shift.id, as_it_is(shift, positions=only_cook), by=staff)
    assert [(position.name, position.capacity) for position in shift.positions] == [("Cook", 1), ("Driver", 0)]
    with transaction():
        operations.edit_shift(shift.id, as_it_is(shift, positions=(PositionInput("Driver", 2, driver.id),)), by=staff)
    assert [position.name for position in shift.positions] == ["Driver"]
    assert db.session.get(Position, cook.id) is None


@pytest.mark.rule("S6")
def test_only_what_people_rely_on_is_told(app: Flask) -> None:
    staff, shift = make_person(), make_shift(days=3)
    allow_contact(shift.need.organization)
    more = as_it_is(shift, positions=(PositionInput("Driver", 20),))
    with transaction():
        operations.edit_shift(shift.id, more, by=staff)
    assert (shift.sequence, shift.version, promised("shift_changed")) == (0, 2, [])
    assert shift.ends_at is not None
    with transaction():
        operations.edit_shift(shift.id, as_it_is(shift, ends_at=shift.ends_at + dt.timedelta(hours=1)), by=staff)
    assert (shift.sequence, promised("shift_changed")) == (1, [{"shift_id": shift.id}])
    with transaction():
        operations.edit_shift(shift.id, as_it_is(shift, contact="children"), by=staff)
    assert (shift.sequence, len(promised("shift_changed"))) == (2, 2)


@pytest.mark.rule("G1")
@pytest.mark.rule("G3")
def test_contact_opens_only_with_the_word_of_two_moderators_and_a_due_date(app: Flask) -> None:
    staff, need = make_person(), make_need()
    ahead = now() + dt.timedelta(days=4)
    contact = times(contact="children", starts_at=ahead, ends_at=ahead + dt.timedelta(hours=2))
    shift = make_shift(need)
    assert refused(operations.add_shift, need.id, contact, by=staff) == ["contact_level"]
    assert refused(operations.edit_shift, shift.id, as_it_is(shift, contact="adults_at_risk"), by=staff) == [
        "contact_level"
    ]
    draft = make_need(need.organization, status="draft")
    role = dataclasses.replace(contact, starts_at=None, ends_at=None, flexible=True)
    with transaction():
        operations.add_shift(draft.id, role, by=staff)
    assert refused(operations.publish_need, draft.id, by=staff) == ["due_date_missing", "contact_level"]
    allow_contact(need.organization)
    assert invalid(operations.add_shift, need.id, role, by=staff) == ["due_on"]
    with transaction():
        operations.add_shift(need.id, contact, by=staff)
        operations.add_shift(need.id, dataclasses.replace(role, due_on=ahead.date()), by=staff)


@pytest.mark.rule("G1")
def test_a_level_of_check_is_asked_for_only_by_roles_that_may_ask_for_it(app: Flask) -> None:
    staff, need = make_person(), make_need()
    allow_contact(need.organization)
    ahead = now() + dt.timedelta(days=4)

    def asks(contact: str, *requirements: str) -> ShiftInput:
        positions = (PositionInput(capacity=2, requirements=requirements),)
        return times(contact=contact, starts_at=ahead, ends_at=ahead + dt.timedelta(hours=2), positions=positions)

    check = "background_check:uk_enhanced_children"
    assert invalid(operations.add_shift, need.id, asks("none", check), by=staff) == ["requirements"]
    assert invalid(operations.add_shift, need.id, asks("adults_at_risk", check), by=staff) == ["requirements"]
    assert invalid(operations.add_shift, need.id, asks("none", "telepathy"), by=staff) == ["requirements"]
    with transaction():
        shift = operations.add_shift(need.id, asks("children", check, "driving", "driving"), by=staff)
    assert shift.positions[0].requirements == [check, "driving"]
    # Whichever of the two is changed.
    assert invalid(operations.edit_shift, shift.id, as_it_is(shift, contact="none"), by=staff) == ["requirements"]
    make_shift(need)
    assert invalid(operations.edit_need, need.id, by=staff, requirements=[check]) == ["requirements"]
    with transaction():
        operations.edit_need(need.id, by=staff, requirements=["identity"])
    assert need.requirements == ["identity"]
    assert {"shift_id": shift.id} in promised("shift_changed")


@pytest.mark.rule("S6")
def test_cancelling_tells_once_and_is_not_undone(app: Flask) -> None:
    staff, shift = make_person(), make_shift()
    for _time in range(2):
        with transaction():
            operations.cancel_shift(shift.id, by=staff)
    assert (shift.status, shift.sequence, promised("shift_cancelled")) == ("cancelled", 1, [{"shift_id": shift.id}])
    assert refused(operations.edit_shift, shift.id, as_it_is(shift), by=staff) == ["shift_cancelled"]
    assert refused(operations.cancel_shift, make_shift(days=-2).id, by=staff) == ["past"]


@pytest.mark.rule("S4")
def test_nobody_signs_up_once_the_need_or_the_shift_is_gone(app: Flask) -> None:
    staff, supporter, shift = make_person(), make_person(), make_shift()
    for act, key, reason in (
        (operations.pause_need, shift.need_id, "need_not_open"),
        (operations.close_need, shift.need_id, "need_not_open"),
    ):
        with transaction():
            act(key, by=staff)
        assert refused(sign_up, shift.id, by=supporter, party_size=1) == [reason]
    with transaction():
        operations.reopen_need(shift.need_id, by=staff)
        operations.cancel_shift(shift.id, by=staff)
    assert refused(sign_up, shift.id, by=supporter, party_size=1) == ["shift_cancelled"]


# --- items ----------------------------------------------------------------------------------------------------------


@pytest.mark.rule("P5")
def test_bad_items_name_their_field(app: Flask) -> None:
    person, need = make_person(), make_need()
    for values, fields in (
        (ItemInput(" "), ["name"]),
        (ItemInput("x" * 161, unit="x" * 41, accepted_condition="x" * 121), ["accepted_condition", "name", "unit"]),
        (ItemInput("x", priority="soon"), ["priority"]),
        *((ItemInput("x", quantity=Decimal(text)), ["quantity"]) for text in BAD_QUANTITIES),
        *((ItemInput("x", purchase_url=url), ["purchase_url"]) for url in BAD_LINKS),
    ):
        assert invalid(operations.add_item, need.id, values, by=person) == fields, values
    with transaction():
        item = operations.add_item(
            need.id, ItemInput("Rice", "kg", Decimal("2.125"), purchase_url="https://example.org/rice?kg=1"), by=person
        )
    assert (item.quantity, item.sort) == (Decimal("2.125"), 0)


def state(item: Item) -> tuple[Decimal | None, Decimal, Decimal | None]:
    """Quantity, surplus, still wanted."""
    return item.quantity, item.surplus, item.still_wanted


@pytest.mark.rule("P1")
def test_a_surplus_arises_by_editing_below_what_is_promised(app: Flask) -> None:
    staff, supporter = make_person(), make_person()
    item = make_item(quantity="10")
    with transaction():
        mine = pledge(item.id, by=supporter, quantity=Decimal(6))
    for quantity, surplus, wanted in ((8, 0, 2), (4, 2, 0), (6, 0, 0), (None, 0, None), (5, 1, 0)):
        values = ItemInput(item.name, item.unit, None if quantity is None else Decimal(quantity))
        with transaction():
            operations.edit_item(item.id, values, by=staff)
        assert state(item) == (quantity, surplus, wanted)
        if item.quantity is not None and item.still_wanted is not None:
            assert item.quantity + item.surplus == item.received + item.reserved + item.in_transit + item.still_wanted
    assert refused(operations.remove_item, item.id, by=staff) == ["promised"]
    assert refused(operations.edit_item, item.id, ItemInput("x", do_not_bring=True), by=staff) == ["promised"]
    with transaction():
        cancel_pledge(mine.id, by=supporter)
    with transaction():
        operations.remove_item(item.id, by=staff)
    # Somebody promised it once: the row stays for that record, and asks for nothing.
    assert state(item) == (0, 0, 0)


def test_an_item_nobody_ever_promised_is_gone_when_removed(app: Flask) -> None:
    staff, item = make_person(), make_item()
    key, need = item.id, item.need
    with transaction():
        operations.remove_item(key, by=staff)
    assert db.session.get(Item, key) is None
    assert need.items == []
    assert events() == ["item.removed"]


def test_what_not_to_bring_has_no_quantity_and_no_promises(app: Flask) -> None:
    staff, need = make_person(), make_need()
    with transaction():
        item = operations.add_item(need.id, ItemInput("Cribs", quantity=Decimal(3), do_not_bring=True), by=staff)
    assert item.quantity is None
    codes = refused(pledge, item.id, by=make_person(), quantity=Decimal(1))
    assert codes == ["do_not_bring"]


@pytest.mark.rule("T1")
def test_times_are_kept_in_utc(app: Flask) -> None:
    zone = zoneinfo.ZoneInfo("America/New_York")
    start = dt.datetime.combine(today("UTC") + dt.timedelta(days=9), dt.time(22), zone)
    need = make_need()
    with transaction():
        shift = operations.add_shift(need.id, times(starts_at=start, ends_at=start + dt.timedelta(hours=5)), by=None)
    assert shift.starts_at == start
    assert shift.starts_at is not None
    assert shift.starts_at.utcoffset() == dt.timedelta(0)
