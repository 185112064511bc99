"""Instants in words: the zone of the place, the weekday, no exotic characters."""

from __future__ import annotations

import datetime as dt

import pytest
import time_machine
from flask import Flask
from flask_babel import force_locale

from app.core import when

EVENING = dt.datetime(2026, 11, 24, 22, 30, tzinfo=dt.UTC)


@pytest.fixture
def engine_name() -> str:
    return "sqlite"


@pytest.mark.rule("T1")
def test_times_are_said_in_the_zone_of_the_place(app: Flask) -> None:
    with app.test_request_context():
        until = EVENING + dt.timedelta(hours=3)
        assert when.times(EVENING, until, "America/New_York") == "5:30 – 8:30 pm EST"
        assert when.moment(EVENING, "America/New_York") == "Tuesday, November 24, 5:30 pm EST"
        # Past midnight in Paris, whose winter time has no short English name in CLDR.
        assert when.times(EVENING, until, "Europe/Paris") == "11:30 pm – Wednesday 2:30 am CET"
        assert when.moment(EVENING, "Asia/Kolkata") == "Wednesday, November 25, 4:00 am IST"
        # Where neither has letters, the place is said and not a number of hours.
        assert when.moment(EVENING, "America/Sao_Paulo") == "Tuesday, November 24, 7:30 pm Sao Paulo time"
        assert when.zone_name(EVENING, "Etc/GMT+3") == "UTC-0300"


@pytest.mark.rule("T1")
def test_tables_say_it_in_short_and_name_the_year_when_it_is_another(app: Flask) -> None:
    with app.test_request_context(), time_machine.travel(EVENING, tick=False):
        assert when.short_moment(EVENING, "America/New_York") == "Tue, Nov 24, 5:30 pm EST"
        assert when.short_moment(EVENING, "America/New_York", named=False) == "Tue, Nov 24, 5:30 pm"
        assert when.table_day(dt.date(2025, 11, 3)) == "Mon, Nov 3, 2025"


@pytest.mark.rule("T1")
def test_other_languages_keep_their_own_clock(app: Flask) -> None:
    with app.test_request_context(), force_locale("de"):
        assert when.times(EVENING, EVENING + dt.timedelta(hours=1), "Europe/Paris") == "23:30 – Mittwoch 00:30 MEZ"
        assert when.weekday(EVENING.date()) == "Di."
