"""Keyset pages (N2): a cursor holds the sort key of the last row shown, so rows that change move no others."""

from __future__ import annotations

import base64
import dataclasses
import datetime as dt
import json
from collections.abc import Sequence
from typing import Any, Generic, TypeVar

import sqlalchemy as sa

from app.core.db import db

T = TypeVar("T")
Q = TypeVar("Q", bound="sa.Select[Any]")
MAXIMUM_CURSOR = 1200
EPOCH = dt.datetime.fromtimestamp(0, dt.UTC)


class BadCursor(ValueError):
    """A cursor that this installation did not make."""


@dataclasses.dataclass(frozen=True)
class Page(Generic[T]):
    """One page of a list, and the cursor of the next (None at the end)."""

    rows: list[T]
    next_cursor: str | None


def encode_cursor(*key: Any) -> str:
    """An opaque cursor of JSON values."""
    return (
        base64.urlsafe_b64encode(json.dumps(key, separators=(",", ":"), ensure_ascii=False).encode())
        .decode()
        .rstrip("=")
    )


def decode_cursor(text: str, *types: type | tuple[type, ...]) -> tuple[Any, ...]:
    """The values of a cursor, checked against `types` in order. Raises BadCursor on anything else."""
    if not text or len(text) > MAXIMUM_CURSOR:
        raise BadCursor(text[:20])
    try:
        values = json.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
    except (ValueError, RecursionError) as error:
        raise BadCursor(text[:20]) from error
    if not isinstance(values, list) or len(values) != len(types):
        raise BadCursor(text[:20])
    for value, expected in zip(values, types, strict=True):
        if not isinstance(value, expected) or isinstance(value, bool):
            raise BadCursor(text[:20])
        if isinstance(value, float) and value != value:  # NaN compares with nothing
            raise BadCursor(text[:20])
        if isinstance(value, int) and not -(1 << 63) <= value < 1 << 63:
            raise BadCursor(text[:20])
    return tuple(values)


def newest_first(query: Q, table: Any, cursor: str | None, limit: int) -> Q:
    """`query` ordered by when the rows of `table` (its created_at and id) were made, from `cursor` on: one row more
    than `limit`, for `cut`. Raises BadCursor.
    """
    made, key = table.created_at, table.id
    if cursor:
        micros, last = decode_cursor(cursor, int, int)
        try:
            at = EPOCH + dt.timedelta(microseconds=micros)
        except OverflowError as error:
            raise BadCursor(cursor[:20]) from error
        query = query.where(sa.or_(made < at, sa.and_(made == at, key < last)))
    return query.order_by(made.desc(), key.desc()).limit(limit + 1)


def cut(rows: Sequence[T], limit: int) -> Page[T]:
    """The first `limit` of what `newest_first` found, with the cursor of what follows. Rows have `created_at` and `id`."""
    last: Any = rows[limit - 1] if len(rows) > limit else None
    following = encode_cursor((last.created_at - EPOCH) // dt.timedelta(microseconds=1), last.id) if last else None
    return Page(list(rows[:limit]), following)


def newest_page(query: sa.Select[T], table: type[T], cursor: str | None, limit: int) -> Page[T]:
    """The page of `query`'s rows of `table` from `cursor` on, newest first. Raises BadCursor."""
    return cut(db.session.scalars(newest_first(query, table, cursor, limit)).all(), limit)
