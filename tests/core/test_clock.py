"""The one place where time comes from."""

from __future__ import annotations

import datetime as dt
import threading

from hypothesis import example, given
from hypothesis import strategies as st

from app.core.clock import age_on, last_birth_date, moved_to, now, today

NOON = dt.datetime(2027, 3, 1, 12, tzinfo=dt.timezone(dt.timedelta(hours=13)))


def test_a_moved_clock_stands_still_in_its_own_thread_and_comes_back() -> None:
    seen = []
    with moved_to(NOON):
        assert now() == now() == NOON
        assert now().tzinfo is dt.UTC
        assert today("UTC") == dt.date(2027, 2, 28)
        with moved_to(NOON + dt.timedelta(days=1)):
            assert now() == NOON + dt.timedelta(days=1)
        assert now() == NOON
        thread = threading.Thread(target=lambda: seen.append(now()))
        thread.start()
        thread.join()
    assert abs(seen[0] - now()) < dt.timedelta(minutes=1)
    assert abs(now() - dt.datetime.now(dt.UTC)) < dt.timedelta(minutes=1)


@given(st.dates(dt.date(1930, 1, 1), dt.date(2060, 12, 31)), st.integers(1, 120))
@example(dt.date(2028, 2, 29), 18)
@example(dt.date(2026, 3, 1), 18)
def test_the_last_birth_date_of_an_age_is_the_twin_of_the_age(day: dt.date, age: int) -> None:
    latest = last_birth_date(age, day)
    assert age_on(latest, day) >= age > age_on(latest + dt.timedelta(days=1), day)
