"""Tables of the need index: what makes finding a need cheap. All of it can be computed again from the facts."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from app.core.db import Base, BigInt


class NeedText(Base):
    """One row per need that can be found, under its document number: newest has the highest (`index.number_of`).

    Words are in `need_text_words`, a full-text table of each engine's own kind (migration 0003), under the same number.
    """

    __tablename__ = "need_text"

    number: Mapped[int] = mapped_column(BigInt, primary_key=True, autoincrement=False)
    need_id: Mapped[int] = mapped_column(BigInt, unique=True)
    # Seconds since 1970: the order of "best" without a place, and when it takes place.
    rank: Mapped[int] = mapped_column(BigInt)
    starts: Mapped[int] = mapped_column(BigInt)
    urgency: Mapped[int] = mapped_column(sa.SmallInteger)
    x: Mapped[float | None]
    y: Mapped[float | None]
    z: Mapped[float | None]
    cell: Mapped[int | None]
    wide_cell: Mapped[int | None]
    wants: Mapped[int] = mapped_column(sa.SmallInteger)
    causes: Mapped[int] = mapped_column(BigInt)
    skills: Mapped[str] = mapped_column(sa.String(200))
    remote: Mapped[int] = mapped_column(sa.SmallInteger)
    # When its rank will have to be computed again, in seconds since 1970.
    stale_at: Mapped[int] = mapped_column(BigInt, index=True)
    title_words: Mapped[str] = mapped_column(sa.String(400))
    digest: Mapped[str] = mapped_column(sa.String(32))


class NeedCell(Base):
    """One row per findable need, skill (0 = any) and cell, clustered in the order of the list that starts with it."""

    __tablename__ = "need_cell"
    __table_args__ = (
        # The other orders, for any skill; on SQLite with every column that filters look at (PostgreSQL: migration 0003).
        sa.Index(
            "need_cell_soonest",
            "cell", "urgency", "starts", "need_id", "rank", "x", "y", "z", "wants", "causes", "remote",
            sqlite_where=sa.text("skill = 0"), postgresql_where=sa.text("skill = 0"),
        ),
        sa.Index(
            "need_cell_newest",
            "cell", "number", "need_id", "rank", "x", "y", "z", "wants", "causes", "remote", "urgency",
            sqlite_where=sa.text("skill = 0"), postgresql_where=sa.text("skill = 0"),
        ),
        {"sqlite_with_rowid": False},
    )  # fmt: skip

    skill: Mapped[int] = mapped_column(sa.SmallInteger, primary_key=True, autoincrement=False)
    cell: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    rank: Mapped[int] = mapped_column(BigInt, primary_key=True, autoincrement=False)
    need_id: Mapped[int] = mapped_column(BigInt, primary_key=True, autoincrement=False)
    number: Mapped[int] = mapped_column(BigInt)
    starts: Mapped[int] = mapped_column(BigInt)
    urgency: Mapped[int] = mapped_column(sa.SmallInteger)
    x: Mapped[float | None]
    y: Mapped[float | None]
    z: Mapped[float | None]
    wants: Mapped[int] = mapped_column(sa.SmallInteger)
    causes: Mapped[int] = mapped_column(BigInt)
    remote: Mapped[int] = mapped_column(sa.SmallInteger)


class NeedDay(Base):
    """A calendar day, in the zone of the place, on which a scheduled shift of a findable need starts."""

    __tablename__ = "need_day"
    __table_args__ = ({"sqlite_with_rowid": False},)

    need_id: Mapped[int] = mapped_column(BigInt, primary_key=True, autoincrement=False)
    day: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)  # date.toordinal()


class FacetCount(Base):
    """How many findable needs of a cell ask for `kind` (bits: 1 time, 2 items) in `cause` (0 = any)."""

    __tablename__ = "facet_count"
    __table_args__ = ({"sqlite_with_rowid": False},)

    cell: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    cause: Mapped[int] = mapped_column(sa.SmallInteger, primary_key=True, autoincrement=False)
    kind: Mapped[int] = mapped_column(sa.SmallInteger, primary_key=True, autoincrement=False)
    n: Mapped[int]
