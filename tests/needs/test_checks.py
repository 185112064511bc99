"""`flask verify` finds what no operation of ours would have left behind in needs."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask

from app.core.db import Base, db, transaction
from app.core.ids import encode_id
from app.needs import checks, operations
from app.needs.models import Item, Need, Position, PrivateAddress, Shift
from app.needs.operations import PlaceInput
from tests.factories import make_item, make_organization, make_person, make_shift


def problems() -> list[str]:
    """Everything the checks of this feature find."""
    return [problem for check in checks.CHECKS.values() for problem in check()[1]]


def spoil(model: type[Base], **values: Any) -> None:
    """Write past every operation."""
    with transaction():
        db.session.execute(sa.update(model).values(**values), execution_options={"synchronize_session": False})


@pytest.fixture
def world(app: Flask) -> Need:
    """A private need with a shift and two items, made as people make them."""
    person = make_person()
    organization = make_organization(person)
    place = PlaceInput(address="5 Quiet Lane", city="Newark", region="NJ", latitude=40.735657, longitude=-74.172367)
    with transaction():
        need = operations.create_need(
            organization.id, by=person, title="Beds", description="Why", place=place, private_address=True
        )
    make_shift(need)
    make_item(need)
    make_item(need, quantity=None, do_not_bring=True)
    with transaction():
        operations.publish_need(need.id, by=person)
    return need


def test_nothing_is_wrong_with_what_operations_made(world: Need) -> None:
    assert problems() == []
    assert {name: check()[0] for name, check in checks.CHECKS.items()} == {
        "need_index": 1,
        "private_places": 1,
        "shifts": 1,
        "items": 2,
    }


@pytest.mark.rule("N6")
def test_a_private_place_that_leaked_or_got_lost_is_found(world: Need) -> None:
    spoil(Need, postal_code="07102")
    assert problems() == [f"needs: a private place is public: {encode_id(world.id)}"]
    spoil(Need, postal_code=None, latitude=40.735657)
    assert f"needs: a private place is public: {encode_id(world.id)}" in problems()
    with transaction():
        db.session.execute(sa.delete(PrivateAddress))
    assert f"needs: a private place is lost: {encode_id(world.id)}" in problems()


@pytest.mark.rule("N6")
def test_a_private_address_beside_a_public_one_is_found(world: Need) -> None:
    spoil(Need, private_address=False)
    assert problems() == [f"needs: a public place has a private one beside it: {encode_id(world.id)}"]


def test_shifts_that_cannot_be_are_found(world: Need) -> None:
    spoil(Position, capacity=None)
    assert [problem for problem in problems() if "no capacity" in problem]
    with transaction():
        db.session.execute(sa.delete(Position))
    assert [problem for problem in problems() if "no position" in problem]
    spoil(Shift, time_zone="Mars/Olympus")
    assert "needs: no such time zone: Mars/Olympus" in checks.check_shifts()[1]


def test_items_that_cannot_be_are_found(world: Need) -> None:
    with transaction():
        db.session.execute(sa.update(Item).where(Item.do_not_bring).values(quantity=Decimal(1)))
    assert [problem for problem in problems() if "not to bring" in problem]
    spoil(Need, published_at=None)
    assert [problem for problem in problems() if "never published" in problem]
