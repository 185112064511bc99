"""What follows when somebody who has an account types the birth date of a child under 13: nothing of it is kept (G4), and the
account does not simply say another one next."""

from __future__ import annotations

import datetime as dt

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from app.accounts.models import Throttle
from app.core.clock import now
from app.core.db import db, transaction, uses_sqlite
from app.core.errors import InvalidInput
from app.core.i18n import _
from app.core.tokens import keyed_hash

# For how long no other date is taken from that account. Whoever made a slip writes to those who run the site.
CLOSED_FOR = dt.timedelta(days=30)


class UnderAge(InvalidInput):
    """What was typed as a birth date is that of a child under 13."""


def keep_no_other(person_id: int, invalid: InvalidInput) -> None:
    """To be called by whoever caught `invalid` of an act of this person, outside of its transaction, which took everything back.
    Where it is UnderAge, a keyed hash says for CLOSED_FOR that this account is asked for no birth date: not the date, the age,
    or whose account it is. It is no throttle that RATE_LIMITS turns off."""
    if not isinstance(invalid, UnderAge):
        return
    insert = sqlite.insert if uses_sqlite() else postgresql.insert
    # Throttles are forgotten by when their window began: this one has its whole time ahead.
    until = now() + CLOSED_FOR
    with transaction():
        statement = insert(Throttle).values(key=_key(person_id), window_started_at=until, count=1)
        db.session.execute(statement.on_conflict_do_update(index_elements=["key"], set_={"window_started_at": until}))


def refuse_another(person_id: int) -> None:
    """Raise InvalidInput at "birth_date" for an account of which `keep_no_other` was said."""
    until = db.session.scalar(sa.select(Throttle.window_started_at).where(Throttle.key == _key(person_id)))
    if until is not None and until > now():
        said = _(
            "We take no birth date from you at the moment. If the one you typed was a slip, write to the people who run"
            " this site: they correct it"
        )
        raise InvalidInput({"birth_date": said})


def _key(person_id: int) -> str:
    return keyed_hash("birth_date.closed", str(person_id))
