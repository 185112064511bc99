"""Cursors go round unchanged, and hostile ones are told apart (N2, A4)."""

from __future__ import annotations

import base64
import json

import pytest
import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st

from app.accounts.models import Person
from app.core.paging import BadCursor, decode_cursor, encode_cursor, newest_first


@pytest.mark.rule("N2")
@given(st.integers(-(2**62), 2**62), st.text(max_size=50), st.floats(allow_nan=False, allow_infinity=False))
def test_a_cursor_holds_its_key_exactly(number: int, text: str, score: float) -> None:
    assert decode_cursor(encode_cursor(number, text, score), int, str, float) == (number, text, score)


@given(st.text(max_size=700))
def test_any_other_text_is_a_bad_cursor(text: str) -> None:
    try:
        values = decode_cursor(text, int, int)
    except BadCursor:
        return
    assert all(isinstance(value, int) for value in values)


@pytest.mark.parametrize("values", [[1], [1, 2, 3], ["1", 2], [True, 1], [2**70, 1], {"a": 1}, [None, 1]])
def test_values_of_other_types_are_a_bad_cursor(values: object) -> None:
    text = base64.urlsafe_b64encode(json.dumps(values).encode()).decode().rstrip("=")
    with pytest.raises(BadCursor):
        decode_cursor(text, int, int)


@pytest.mark.parametrize("micros", [2**62, -(2**62)])
def test_an_instant_beyond_the_calendar_is_a_bad_cursor(micros: int) -> None:
    with pytest.raises(BadCursor):
        newest_first(sa.select(Person), Person, encode_cursor(micros, 1), 20)
