"""N5: filled is computed from facts, the same everywhere, the moment they change, whoever changes them."""

from __future__ import annotations

import datetime as dt
import random
import threading
from collections.abc import Callable
from decimal import Decimal

import pytest
from flask import Flask

from app.core.clock import today
from app.core.db import db, transaction
from app.core.errors import Refused
from app.core.ids import encode_id
from app.needs import operations, queries, standing
from app.needs.filled import list_filled
from app.needs.models import Need, Position, Shift
from app.needs.operations import ItemInput, PositionInput, ShiftInput
from app.pledges.operations import cancel_pledge, pledge, receive_pledge
from app.signups.operations import cancel_signup, sign_up
from tests.conftest import CheckingClient
from tests.factories import make_item, make_need, make_organization, make_person, make_shift


def says(need_id: int) -> bool:
    """What each of the ways to ask says; they agree."""
    db.session.expire_all()
    need = db.session.get_one(Need, need_id)
    of_many = need_id in list_filled(Need.organization_id == need.organization_id)
    shifts = [shift for shift in queries.list_shifts(need_id) if not shift.is_over and shift.status == "scheduled"]
    of_page = need.status == "open" and standing.is_filled(shifts, queries.list_items(need_id))
    of_row = standing.status_of(need) == "filled"
    assert of_many is of_page is of_row
    db.session.rollback()
    return of_row


def by_the_rule(need: Need) -> bool:
    """The rule's own words, read from the rows without any of the code that is asked."""
    if need.status != "open":
        return False
    countable: list[tuple[Decimal, Decimal]] = []
    for shift in need.shifts:
        if shift.status == "cancelled" or shift.is_over:
            continue
        for position in shift.positions:
            if position.capacity is not None and position.capacity > 0:
                countable.append((Decimal(position.capacity), Decimal(position.taken)))
    for item in need.items:
        if not item.do_not_bring and item.quantity is not None and item.quantity > 0:
            countable.append((item.quantity, item.received + item.reserved + item.in_transit))
    return bool(countable) and all(given >= asked for asked, given in countable)


@pytest.mark.rule("N5")
@pytest.mark.parametrize("seed", range(3))
def test_whatever_happens_it_says_filled_exactly_while_the_rule_does(app: Flask, seed: int) -> None:
    chance = random.Random(seed)  # a repeatable walk, no secret
    staff, organization = make_person(), make_organization()
    people = [make_person() for _one in range(4)]
    need = make_need(organization)
    make_shift(need, capacity=2)
    make_shift(need, capacity=None, flexible=True)
    past = make_shift(need, capacity=5, days=-2)
    over = make_shift(need, capacity=5, flexible=True, due_on=today("America/New_York") - dt.timedelta(days=2))
    mixed = make_shift(need, capacity=None, flexible=True)
    with transaction():
        db.session.add(Position(shift_id=mixed.id, name="Driver", capacity=1))
    make_item(need, quantity="3")
    make_item(need, quantity=None)
    make_item(need, quantity=None, do_not_bring=True)
    need_id, ended = need.id, {past.id, over.id}
    places: list[int] = []
    promises: list[int] = []

    def act() -> None:
        shift = chance.choice([one for one in db.session.get_one(Need, need_id).shifts if one.id not in ended])
        item = chance.choice([one for one in db.session.get_one(Need, need_id).items if not one.do_not_bring])
        person = chance.choice(people)
        match chance.randrange(8):
            case 0 | 1:
                position = chance.choice(shift.positions)
                size = chance.randint(1, 2)
                places.append(sign_up(shift.id, by=person, position_id=position.id, party_size=size).id)
            case 2 if places:
                cancel_signup(chance.choice(places), by=person)
            case 3 | 4:
                amount = Decimal(chance.randint(1, 3))
                promises.append(pledge(item.id, by=person, quantity=amount, mode="add").id)
            case 5 if promises:
                cancel_pledge(chance.choice(promises), by=person)
            case 6 if promises:
                receive_pledge(
                    chance.choice(promises), by=staff, received=Decimal(1), rejected=Decimal(1), reason="wet"
                )
            case 7 if item.quantity is not None:
                wanted = ItemInput(item.name, item.unit, Decimal(chance.randint(1, 4)))
                operations.edit_item(item.id, wanted, by=staff)

    seen = set()
    for _step in range(60):
        try:
            with transaction():
                act()
        except Refused:
            pass
        db.session.expire_all()
        filled = by_the_rule(db.session.get_one(Need, need_id))
        assert says(need_id) is filled
        seen.add(filled)
    assert False in seen


def _edited(shift: Shift, capacity: int) -> ShiftInput:
    [position] = shift.positions
    return ShiftInput(
        positions=(PositionInput(position.name, capacity, position.id),),
        starts_at=shift.starts_at,
        ends_at=shift.ends_at,
        contact=shift.contact,
        time_zone=shift.time_zone,
    )


@pytest.mark.rule("N5")
def test_it_reopens_at_once_when_a_place_an_item_or_room_frees(app: Flask) -> None:
    person, staff = make_person(), make_person()
    need = make_need()
    shift, item = make_shift(need, capacity=1), make_item(need, quantity="2.5")
    with transaction():
        place, promise = sign_up(shift.id, by=person), pledge(item.id, by=person, quantity=Decimal("2.5"))
    assert says(need.id)
    with transaction():
        cancel_signup(place.id, by=person)
    assert not says(need.id)
    with transaction():
        sign_up(shift.id, by=staff)
    assert says(need.id)
    with transaction():
        operations.edit_shift(shift.id, _edited(shift, 2), by=staff)
    assert not says(need.id)
    with transaction():
        operations.edit_shift(shift.id, _edited(shift, 1), by=staff)
    assert says(need.id)
    with transaction():
        receive_pledge(promise.id, by=staff, received=Decimal(2), rejected=Decimal("0.5"), reason="wet")
    assert not says(need.id)
    with transaction():
        operations.edit_item(item.id, ItemInput(item.name, item.unit, Decimal(2)), by=staff)
    assert says(need.id)
    with transaction():
        operations.cancel_shift(shift.id, by=staff)
    assert says(need.id), "what is left is filled"
    with transaction():
        operations.pause_need(need.id, by=staff)
    assert not says(need.id), "only an open need is called filled"


@pytest.mark.rule("N5")
def test_a_counted_task_beside_an_open_one_is_asked_for_still(app: Flask) -> None:
    need = make_need()
    helper = make_person()
    role = make_shift(need, capacity=None, flexible=True)
    with transaction():
        driver = Position(shift_id=role.id, name="Driver", capacity=1, sort=1)
        db.session.add(driver)
    assert not says(need.id)
    with transaction():
        sign_up(role.id, by=helper, position_id=driver.id)
    assert says(need.id)


@pytest.mark.rule("N5")
def test_open_quantities_and_what_nobody_may_bring_never_fill(app: Flask) -> None:
    need = make_need()
    make_item(need, quantity=None, received=Decimal(500))
    make_item(need, quantity=None, do_not_bring=True)
    make_shift(need, capacity=None, flexible=True)
    make_shift(need, capacity=0)
    assert not says(need.id)
    assert not says(make_need().id)


@pytest.mark.rule("N5")
def test_many_at_once_fill_it_and_one_who_leaves_opens_it(app: Flask) -> None:
    need = make_need()
    shift, item = make_shift(need, capacity=3), make_item(need, quantity="3")
    people = [make_person().id for _one in range(8)]
    need_id, shift_id, item_id = need.id, shift.id, item.id
    places: list[int] = []
    db.session.remove()

    def take(person_id: int) -> None:
        from app.accounts.queries import find_person

        with app.app_context():
            for act in (
                lambda by: places.append(sign_up(shift_id, by=by).id),
                lambda by: pledge(item_id, by=by, quantity=Decimal(1)),
            ):
                try:
                    with transaction():
                        act(find_person(person_id))
                except Refused:
                    pass
            db.session.remove()

    threads = [threading.Thread(target=take, args=(person_id,)) for person_id in people]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert says(need_id)
    with transaction():
        cancel_signup(places[0], by=None)
    assert not says(need_id)


@pytest.mark.rule("N5")
def test_filled_is_said_wherever_the_need_is(client: CheckingClient, sign_in: Callable[..., CheckingClient]) -> None:
    owner = make_person()
    organization = make_organization(owner)
    full, free = make_need(organization, title="Nursery roof"), make_need(organization, title="Garden wall")
    helper = make_person()
    shift = make_shift(full, capacity=1)
    make_item(free)
    with transaction():
        place = sign_up(shift.id, by=helper)
    slug, path = organization.slug, f"/needs/{encode_id(full.id)}"

    def cards() -> dict[str, bool]:
        page = client.get("/needs").text
        return {name: ">Filled<" in page.split(name)[0].rsplit("<article", 1)[1] for name in (full.title, free.title)}

    assert cards() == {full.title: True, free.title: False}
    page = client.get(path).text
    assert "Filled: everything asked for is promised." in page
    assert "Similar needs near Newark" in page
    assert client.get(f"/api/v1{path}").get_json()["status"] == "filled"
    listed = client.get("/api/v1/needs").get_json()["data"]
    assert {one["title"]: one["status"] for one in listed} == {full.title: "filled", free.title: "open"}
    assert "Filled" in client.get(f"/organizations/{slug}").text
    assert queries.count_by_status(organization.id) == {"open": 1, "filled": 1}
    staff = sign_in(owner)
    for status, shown, hidden in (("filled", full, free), ("open", free, full)):
        listing = staff.get(f"/manage/{slug}/needs?status={status}").text
        assert shown.title in listing
        assert hidden.title not in listing
    assert "Filled" in staff.get(f"/manage/{slug}{path}").text
    with transaction():
        cancel_signup(place.id, by=None)
    assert client.get(f"/api/v1{path}").get_json()["status"] == "open"
    assert "Filled: everything" not in client.get(path).text
