"""The table that makes a repeated POST answer as it did the first time."""

from __future__ import annotations

import datetime as dt

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from app.core.db import Base, HasId


class IdempotencyKey(HasId, Base):
    """What one caller's Idempotency-Key was used for, and the answer it got. Kept for a day (`frame.forget_old_answers`)."""

    __tablename__ = "idempotency_key"
    __table_args__ = (sa.UniqueConstraint("caller", "key"),)

    # The token's id, or a keyed hash of the caller's address for the few POSTs that need no token.
    caller: Mapped[str] = mapped_column(sa.String(64))
    key: Mapped[str] = mapped_column(sa.String(255))
    request_hash: Mapped[str] = mapped_column(sa.String(64))
    created_at: Mapped[dt.datetime]
    status: Mapped[int | None]
    body: Mapped[str | None]
