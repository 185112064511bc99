"""Reads of one organization's needs and of one need's rows."""

from __future__ import annotations

import datetime as dt

import pytest
from flask import Flask

from app.core.clock import today
from app.core.db import db, transaction
from app.needs import queries
from app.needs.models import Need, Position
from tests.factories import make_item, make_need, make_organization, make_shift


def line_of(need: Need) -> tuple[dt.datetime | None, int | None, int]:
    """Its next start, places and people on them."""
    [line] = queries.list_open_needs_of(need.organization_id)
    return line.starts_at, line.capacity, line.taken


def test_a_line_counts_what_is_ahead(app: Flask) -> None:
    need = make_need()
    assert line_of(need) == (None, None, 0)
    make_shift(need, days=-3, capacity=50)
    make_shift(need, status="cancelled", capacity=50)
    make_shift(need, capacity=50, flexible=True, due_on=today("UTC") - dt.timedelta(days=3))
    assert line_of(need) == (None, None, 0)
    soon, later = make_shift(need, days=2, capacity=3), make_shift(need, days=5, capacity=4)
    with transaction():
        db.session.add(Position(shift_id=later.id, capacity=2, taken=1, sort=1))
    assert line_of(need) == (soon.starts_at, 9, 1)
    make_shift(need, capacity=None, flexible=True)
    assert line_of(need) == (soon.starts_at, None, 1)


def test_the_next_one_comes_first_and_drafts_are_not_listed(app: Flask) -> None:
    organization = make_organization()
    made = [make_need(organization, title=title) for title in ("Undated", "Later", "Sooner")]
    make_need(organization, status="draft", title="Draft")
    make_shift(made[1], days=9)
    make_shift(made[2], days=2)
    lines = queries.list_open_needs_of(organization.id)
    assert [line.title for line in lines] == ["Sooner", "Later", "Undated"]
    assert queries.count_by_status(organization.id) == {"open": 3, "draft": 1}


def test_shifts_are_summed_over_their_positions_soonest_first(app: Flask) -> None:
    need = make_need(ends_on=today("UTC") + dt.timedelta(days=40))
    role = make_shift(need, capacity=None, flexible=True, name="Wash")
    later = make_shift(need, days=4, capacity=2, name="Driver")
    sooner = make_shift(need, days=2, capacity=0)
    with transaction():
        db.session.add(Position(shift_id=later.id, name="Cook", capacity=3, taken=1, sort=1))
        db.session.add(Position(shift_id=later.id, name="Left out", capacity=0, sort=2))
    lines = queries.list_shifts(need.id)
    assert [line.id for line in lines] == [sooner.id, later.id, role.id]
    assert [(line.name, line.capacity, line.taken) for line in lines] == [
        ("", 0, 0),
        ("Driver, Cook", 5, 1),
        ("Wash", None, 0),
    ]
    assert [line.is_over for line in lines] == [shift.is_over for shift in (sooner, later, role)] == [False] * 3


@pytest.mark.parametrize("days", [-2, 2])
def test_a_flexible_role_ends_with_its_day_or_the_need_s(app: Flask, days: int) -> None:
    day = today("America/New_York") + dt.timedelta(days=days)
    due = make_shift(make_need(), flexible=True, due_on=day)
    open_ended = make_shift(make_need(ends_on=day), flexible=True)
    for shift in (due, open_ended):
        [line] = queries.list_shifts(shift.need_id)
        assert line.is_over is shift.is_over is (days < 0)


def test_what_is_needed_first_is_listed_first_and_what_not_to_bring_last(app: Flask) -> None:
    need = make_need()
    make_item(need, name="No", do_not_bring=True, quantity=None)
    make_item(need, name="Second", sort=2)
    make_item(need, name="First", sort=3, priority="first")
    make_item(need, name="Third", sort=4, quantity=None)
    items = queries.list_items(need.id)
    assert [item.name for item in items] == ["First", "Second", "Third", "No"]
    assert [item.still_wanted for item in items] == [100, 100, None, None]
