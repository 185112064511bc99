"""Days and times as people write them: read as they mean them, or left as they are."""

from __future__ import annotations

import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.imports.dates import (
    DAY_FIRST,
    MONTH_FIRST,
    ORDERS,
    YEAR_FIRST,
    guess_order,
    iso_date,
    iso_instant,
    join,
    kind_of,
    next_day_if_earlier,
    read_time,
)
from app.imports.fields import LABELS, guess_columns
from app.imports.need_rows import COLUMNS


@pytest.mark.parametrize(
    ("text", "order", "iso"),
    [
        ("2031-12-24 18:30", YEAR_FIRST, "2031-12-24T18:30:00"),
        ("2031-12-24T18:30:15", DAY_FIRST, "2031-12-24T18:30:15"),
        ("12/24/2031 6:30 PM", MONTH_FIRST, "2031-12-24T18:30:00"),
        ("3/4/31 12:00 am", MONTH_FIRST, "2031-03-04T00:00:00"),
        ("3/4/31 12 pm", DAY_FIRST, "2031-04-03T12:00:00"),
        ("24.12.2031 um 18.30 Uhr", MONTH_FIRST, "2031-12-24T18:30:00"),
        ("Mi, 24.12.2031, 18 Uhr", DAY_FIRST, "2031-12-24T18:00:00"),
        ("24 décembre 2031 à 18h30", YEAR_FIRST, "2031-12-24T18:30:00"),
        ("24 de diciembre de 2031 18:30", YEAR_FIRST, "2031-12-24T18:30:00"),
        ("Wed Dec 24, 2031 at 6:30 p.m.", YEAR_FIRST, "2031-12-24T18:30:00"),
        ("2031/12/24 07:05", YEAR_FIRST, "2031-12-24T07:05:00"),
        # What cannot be read stays as it is.
        ("2031-12-24T18:30:00+01:00", YEAR_FIRST, "2031-12-24T18:30:00+01:00"),
        ("tomorrow", MONTH_FIRST, "tomorrow"),
        ("31/31/2031 10:00", DAY_FIRST, "31/31/2031 10:00"),
        ("24.12.2031", DAY_FIRST, "24.12.2031"),
        ("24.12.2031 25:00", DAY_FIRST, "24.12.2031 25:00"),
        ("24 Smarch 2031 10:00", DAY_FIRST, "24 Smarch 2031 10:00"),
        ("", DAY_FIRST, ""),
    ],
)
def test_instants(text: str, order: str, iso: str) -> None:
    assert iso_instant(text, order) == iso


def test_days_and_times() -> None:
    assert iso_date("12/24/31", MONTH_FIRST) == "2031-12-24"
    assert iso_date("24/12/2031 18:00", DAY_FIRST) == "2031-12-24"
    assert iso_date("soon", DAY_FIRST) == "soon"
    assert read_time("9") is None
    assert read_time("13 pm") is None
    assert read_time("18:30:59") == dt.time(18, 30, 59)
    assert join("24.12.2031", "9 am", DAY_FIRST) == "2031-12-24T09:00:00"
    assert join("24.12.2031", "", DAY_FIRST) == "24.12.2031"
    assert next_day_if_earlier("2031-12-31T01:00:00", "2031-12-31T22:00:00") == "2032-01-01T01:00:00"
    assert next_day_if_earlier("nonsense", "2031-12-31T22:00:00") == "nonsense"


@pytest.mark.parametrize(
    ("values", "country", "order"),
    [
        (["2031-01-02"], "US", YEAR_FIRST),
        (["1/2/2031"], "US", MONTH_FIRST),
        (["1/2/2031"], "GB", DAY_FIRST),
        (["1/2/2031", "13/2/2031"], "US", DAY_FIRST),
        (["1/2/2031", "2/13/2031"], "GB", MONTH_FIRST),
        (["1.2.2031"], "US", DAY_FIRST),
        (["words", ""], None, YEAR_FIRST),
    ],
)
def test_the_order_is_guessed_from_the_values_then_from_the_country(
    values: list[str], country: str, order: str
) -> None:
    assert guess_order(values, country) == order


def test_what_a_column_holds_decides_what_a_start_is() -> None:
    assert kind_of(["1/2/2031", "3/4/2031", "?"]) == "date"
    assert kind_of(["6 pm", "18:30"]) == "time"
    assert kind_of(["1/2/2031 6 pm"]) == "instant"
    assert kind_of([]) == ""
    guessed = guess_columns(
        {"Datum": ["1.2.2031"], "Beginn": ["18:00"], "Ende": ["20:00"], "Aufgabe": ["Kochen"], "PLZ": []}
    )
    assert guessed == {
        "day": "Datum",
        "from_time": "Beginn",
        "to_time": "Ende",
        "title": "Aufgabe",
        "postal_code": "PLZ",
    }
    assert guess_columns({"Tag": ["1.2.2031"], "Von": ["9 Uhr"], "Bis": ["11 Uhr"]}) == {
        "day": "Tag",
        "from_time": "Von",
        "to_time": "Bis",
    }
    assert guess_columns({"Start": ["1.2.2031 18:00"], "End date": ["1.3.2031"]}) == {
        "starts_at": "Start",
        "ends_on": "End date",
    }
    assert set(COLUMNS) | {"day", "from_time", "to_time"} == set(LABELS)


@given(st.text(max_size=60), st.sampled_from(ORDERS))
def test_any_text_is_read_or_left(text: str, order: str) -> None:
    for read in (iso_instant, iso_date):
        made = read(text, order)
        assert made == text or dt.datetime.fromisoformat(made)
    join(text, text, order)
    kind_of([text])
    guess_order([text], "US")
