"""How often something was asked of Stripe that it answered with an error of its own: each of these tries has a key of its own."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from app.core.db import db, uses_sqlite
from app.donations.money_models import StripeTry


def key_of(base: str, number: int) -> str:
    """The idempotency key of try `number` at what `base` names: the first has the plain one."""
    return base if number == 1 else f"{base}-try-{number}"


def find_number(base: str) -> int:
    """Which try at what `base` names is the one to go on with; 1 until one failed."""
    return db.session.scalar(sa.select(StripeTry.number).where(StripeTry.base == base)) or 1


def count_up(base: str, number: int) -> int:
    """Try `number` failed: the number of the next. Of two that failed with the same one, both go on with the same next."""
    insert = (sqlite.insert if uses_sqlite() else postgresql.insert)(StripeTry)
    db.session.execute(insert.values(base=base, number=1).on_conflict_do_nothing(index_elements=["base"]))
    db.session.execute(
        sa.update(StripeTry).where(StripeTry.base == base, StripeTry.number == number).values(number=number + 1),
        execution_options={"synchronize_session": False},
    )
    return find_number(base)
