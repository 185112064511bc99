"""The need index follows the facts, in their transaction, and can be compared with them (N1)."""

from __future__ import annotations

import datetime as dt
import math
import random
from collections.abc import Callable

import pytest
import sqlalchemy as sa
import time_machine
from flask import Flask
from psycopg.errors import UniqueViolation
from sqlalchemy.exc import IntegrityError

from app.core import geo
from app.core.clock import now
from app.core.db import db, transaction
from app.needs import index
from app.needs.filters import NeedFilters
from app.needs.index_models import FacetCount, NeedCell, NeedText
from app.needs.models import Item, Need, PrivateAddress, Shift
from app.needs.search import search
from app.organizations.models import Organization
from tests.factories import make_item, make_need, make_organization, make_shift
from tests.needs.world import make_world


def listed() -> list[int]:
    return [row.id for row in search(NeedFilters()).rows]


@pytest.mark.rule("N1")
def test_only_open_needs_of_public_organizations_are_in_it(app: Flask) -> None:
    need = make_need()
    organization_id = need.organization_id
    assert listed() == [need.id]
    for status, there in (("paused", []), ("open", [need.id]), ("filled", []), ("closed", []), ("open", [need.id])):
        with transaction():
            db.session.get_one(Need, need.id).status = status
            index.reindex([need.id])
        assert listed() == there
        assert index.compare()[1] == []
    for values, there in (
        ({"status": "suspended"}, []), ({"status": "active"}, [need.id]),
        ({"verified_at": None}, []), ({"verified_at": now()}, [need.id]),
    ):  # fmt: skip
        with transaction():
            organization = db.session.get_one(Organization, organization_id)
            for name, value in values.items():
                setattr(organization, name, value)
            index.reindex_organization(organization_id)
        assert listed() == there
        assert db.session.scalar(sa.select(sa.func.count()).select_from(NeedCell)) == (3 if there else 0)
        assert index.compare()[1] == []


def test_it_is_changed_inside_a_transaction_only(app: Flask) -> None:
    for act in (lambda: index.reindex([1]), lambda: index.add_new([1]), index.rebuild):
        with pytest.raises(RuntimeError):
            act()


def test_it_commits_with_its_fact_or_not_at_all(app: Flask) -> None:
    need = make_need()

    def fail() -> None:
        with transaction():
            db.session.get_one(Need, need.id).status = "closed"
            assert index.reindex([need.id]) == 1
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert listed() == [need.id]
    assert index.compare()[1] == []


def test_the_same_facts_again_write_nothing(app: Flask, count_queries: list[str]) -> None:
    need = make_need(skills=["driving"], causes=["food"])
    make_shift(need)
    count_queries.clear()
    with transaction():
        assert index.reindex([need.id]) == 0
    assert not [statement for statement in count_queries if not statement.lstrip().startswith("SELECT")]


def test_a_need_keeps_its_number_while_it_changes(app: Flask) -> None:
    need = make_need()
    number = db.session.scalar(sa.select(NeedText.number))
    make_item(need)
    assert db.session.scalar(sa.select(NeedText.number)) == number


def test_two_needs_of_one_second_and_the_same_last_bits_get_numbers_of_their_own(app: Flask) -> None:
    at = now()
    keys = [(1 << 61) + (number << 40) + 7 for number in range(4)]
    organization = make_organization()
    for key in keys:
        make_need(organization, id=key, published_at=at)
    assert len(set(db.session.scalars(sa.select(NeedText.number)))) == 4
    assert index.compare() == (4, [])


def test_a_need_that_is_listed_is_not_added_again(app: Flask) -> None:
    need = make_need()
    with pytest.raises((IntegrityError, UniqueViolation)), transaction():
        index.add_new([need.id])
    assert index.compare() == (1, [])


@pytest.mark.parametrize("number", range(2))
def test_any_history_of_changes_ends_where_a_rebuild_ends(app: Flask, number: int) -> None:
    rng = random.Random(number)
    ids = [need.id for need in make_world(rng, 60)]
    for _act in range(60):
        key = rng.choice(ids)
        with transaction():
            need = db.session.get_one(Need, key)
            match rng.randrange(6):
                case 0:
                    need.status = rng.choice(("open", "paused", "closed"))
                case 1:
                    need.latitude, need.longitude = rng.uniform(-90, 90), rng.uniform(-180, 180)
                case 2:
                    need.skills, need.causes = rng.sample(["driving", "cooking"], 1), rng.sample(["food", "sports"], 1)
                case 3:
                    need.urgency = rng.choice(("low", "critical"))
                case 4:
                    need.title = rng.choice(("Soup", "Beds"))
                case 5:
                    for shift in need.shifts:
                        shift.status = "cancelled"
            index.reindex([*rng.sample(ids, 3), key])
    kept = _everything()
    assert index.compare()[1] == []
    with transaction():
        index.rebuild()
    assert index.compare()[1] == []
    assert _everything() == kept


def _everything() -> dict[str, list[tuple[object, ...]]]:
    tables = ("need_cell", "need_day", "need_text")
    found = {name: sorted(map(tuple, db.session.execute(sa.text(f"SELECT * FROM {name}")))) for name in tables}
    counts = sa.select(FacetCount.__table__).where(FacetCount.n != 0)
    return {**found, "facet_count": sorted(map(tuple, db.session.execute(counts)))}


@pytest.mark.parametrize(
    "damage",
    [
        "DELETE FROM need_cell WHERE skill <> 0",
        "UPDATE need_cell SET rank = rank + 1 WHERE cell = 0",
        "UPDATE need_text SET digest = 'x'",
        "UPDATE facet_count SET n = n + 1 WHERE cause = 0 AND cell = 0",
        "DELETE FROM need_text",
        "INSERT INTO facet_count VALUES (7, 1, 1, 5)",
    ],
)
def test_every_damage_is_found(app: Flask, damage: str) -> None:
    make_shift(make_need(skills=["driving"], causes=["food"]))
    assert index.compare() == (1, [])
    with transaction():
        db.session.execute(sa.text(damage))
    assert index.compare()[1] != []


def test_what_has_passed_is_listed_again_by_the_sweep(app: Flask, work_off: Callable[[], dict[str, int]]) -> None:
    need = make_need()
    make_shift(need, days=1, hours=2)
    later = make_shift(need, days=5)
    undated = make_need()
    first = {row.need_id: row.starts for row in db.session.execute(sa.select(NeedText.need_id, NeedText.starts))}
    with time_machine.travel(now() + dt.timedelta(days=2), tick=False):
        assert index.compare()[1] == []  # late, but not wrong
        work_off()
        row = db.session.execute(sa.select(NeedText).where(NeedText.need_id == need.id)).scalar_one()
        assert later.starts_at is not None
        assert row.starts == int(later.starts_at.timestamp()) > first[need.id]
        assert index.compare()[1] == []
    with time_machine.travel(now() + dt.timedelta(days=31), tick=False):
        work_off()
        assert index.compare()[1] == []
        ranks = dict(map(tuple, db.session.execute(sa.select(NeedText.need_id, NeedText.rank))))
        assert ranks[undated.id] > now().timestamp()


def test_a_private_address_is_nowhere_in_it(app: Flask) -> None:
    need = make_need(private_address=True)
    with transaction():
        db.session.add(PrivateAddress(need_id=need.id, address="12 Hidden Lane", postal_code="07999"))
        db.session.flush()
        index.reindex([need.id])
    words = str(db.session.execute(sa.text("SELECT * FROM need_text_words")).all())
    assert "hidden" not in words
    assert "07999" not in words


def test_items_that_are_not_to_be_brought_are_no_wish(app: Flask) -> None:
    need = make_need()
    with transaction():
        db.session.add(Item(need_id=need.id, name="Used mattresses", do_not_bring=True))
        db.session.flush()
        index.reindex([need.id])
    assert db.session.scalar(sa.select(NeedText.wants)) == 0
    assert search(NeedFilters(words=("mattress",))).rows == []


def test_days_are_those_of_the_place(app: Flask) -> None:
    # 23:30 in New York on 1 December is 04:30 in UTC on the 2nd.
    start = dt.datetime(2031, 12, 2, 4, 30, tzinfo=dt.UTC)
    need = make_need()
    with transaction():
        shift = Shift(
            need_id=need.id, starts_at=start, ends_at=start + dt.timedelta(hours=2), time_zone="America/New_York"
        )
        db.session.add(shift)
        db.session.flush()
        index.reindex([need.id])
    first, second = dt.date(2031, 12, 1), dt.date(2031, 12, 2)
    assert len(search(NeedFilters(from_on=first, to_on=first)).rows) == 1
    assert search(NeedFilters(from_on=second, to_on=second)).rows == []


@pytest.mark.rule("N3")
def test_a_circle_touches_every_cell_it_reaches() -> None:
    rng = random.Random(5)
    for _circle in range(400):
        latitude = rng.choice((rng.uniform(-90, 90), 90.0, -90.0, 89.999, 0.0))
        longitude = rng.choice((rng.uniform(-180, 180), 180.0, -180.0, 179.999))
        km = rng.choice((0.5, 5, 25, 100, 500))
        for grid in (index.CELLS, index.WIDE_CELLS):
            cells = set(grid.cover(latitude, longitude, km))
            for _point in range(20):
                bearing, far = rng.uniform(0, 360), km * rng.choice((1, rng.random()))
                point = _walk(latitude, longitude, bearing, far)
                assert grid.cell(*point) in cells
                chord = sum((a - b) ** 2 for a, b in zip(geo.unit(latitude, longitude), geo.unit(*point), strict=True))
                assert geo.km_of(chord) == pytest.approx(far, abs=1e-5)


def _walk(latitude: float, longitude: float, bearing: float, km: float) -> tuple[float, float]:
    """Where one comes out after `km` in a direction, on the sphere."""
    phi, theta, delta = math.radians(latitude), math.radians(bearing), km / 6371.0088
    phi_2 = math.asin(math.sin(phi) * math.cos(delta) + math.cos(phi) * math.sin(delta) * math.cos(theta))
    east = math.atan2(
        math.sin(theta) * math.sin(delta) * math.cos(phi), math.cos(delta) - math.sin(phi) * math.sin(phi_2)
    )
    return math.degrees(phi_2), (longitude + math.degrees(east) + 540) % 360 - 180
