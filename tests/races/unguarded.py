"""The application with its guards against overselling, against leaving nobody in charge, against adding to what is gone and
against saying twice that a shift cannot run, taken out: the positive control of tests/races.

A module of the tests, never reachable from the application. What remains is "check first, then hope": the page looks whether
places are free, and whatever it let through is written. The race tests must fail against it.
"""

from __future__ import annotations

import types
from typing import Any

import sqlalchemy as sa

from app.core.db import db
from app.organizations import members
from app.pledges import operations as pledging
from app.signups import gate, places, two_adults, waitlist
from app.signups import operations as placing
from tests.races import unguarded_money

# Under the lock nobody asks again, and the claim takes whatever is asked for.
placing.gate = types.SimpleNamespace(**{**vars(gate), "require": lambda *_a, **_k: None})
waitlist.gate = placing.gate
places._is_free = lambda _party_size: sa.true()
# Whoever is offered a place may take it however it stands by now.
waitlist._no_offer_any_more = lambda _signup, _shift: False
pledging._is_wanted = lambda _quantity: sa.true()
members._keep_an_owner = lambda *_a: None
members._require_there = lambda organization: organization

_reconsider = two_adults.reconsider


def _say_it_again(shift: Any, *, by: Any = None) -> None:
    """Whoever finds too few adults says so, whether or not it was said."""
    if not two_adults.runs(shift):
        shift.status = "scheduled"
    _reconsider(shift, by=by)


two_adults.reconsider = _say_it_again

from wsgi import app  # noqa: E402  # after the guards are out

with app.app_context():
    if db.engine.dialect.name == "sqlite":

        @sa.event.listens_for(db.engine, "connect")
        def ignore_checks(connection: Any, _record: Any) -> None:
            """The constraint would be the last guard; on PostgreSQL the test drops it from its own database."""
            connection.execute("PRAGMA ignore_check_constraints=ON").close()


app.wsgi_app = unguarded_money.listening(app.wsgi_app)

__all__ = ["app"]
