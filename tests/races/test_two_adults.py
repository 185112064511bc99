"""The two cleared adults of a shift with children give their places back at the same moment, from separate processes against
the running server: it cannot run, and that happens once (G2).

Without the guard it happens twice (unguarded.py), and the same assertion fails.
"""

from __future__ import annotations

import pytest
import sqlalchemy as sa

from app.core.audit import AuditEvent
from app.core.db import db, transaction
from app.core.ids import encode_id
from app.core.outbox import Outbox
from app.needs.models import Shift
from app.signups.models import Signup
from app.signups.operations import sign_up
from tests.factories import allow_contact, make_clearance, make_need, make_organization, make_person, make_shift
from tests.races.conftest import Running
from tests.races.crowd import all_at_once, equip

DONE = 303
ROUNDS = 4


def two_adults_leave(running: Running) -> None:
    with running.app.app_context():
        organization = make_organization(make_person())
        allow_contact(organization)
        shift_id = make_shift(make_need(organization), contact="children", days=0.9).id
        adults = [make_person(), make_person()]
        for adult in adults:
            make_clearance(adult, organization)
            with transaction():
                sign_up(shift_id, by=adult)
        mine = sa.select(Signup.id).where(Signup.shift_id == shift_id).order_by(Signup.person_id)
        places = dict(zip(sorted(adult.id for adult in adults), db.session.scalars(mine), strict=True))
        people = [
            {"path": f"/signups/{encode_id(places[adult.id])}/cancel", "fields": {}, "cookie": one.cookie}
            for adult, one in zip(adults, equip(running.app, adults), strict=True)
        ]
        before = _turns(shift_id)
        answers = sorted(status for status, _told in all_at_once(running.port, people, len(people)))
        after = _turns(shift_id)
        status = db.session.get_one(Shift, shift_id, populate_existing=True).status
        db.session.rollback()
    turned = tuple(now - then for now, then in zip(after, before, strict=True))
    assert (answers, status, turned) == ([DONE, DONE], "cannot_run", (1, 1))


def _turns(shift_id: int) -> tuple[int, int]:
    """How often it was written that the shift cannot run, and how often everybody was promised to hear it."""
    db.session.rollback()
    written = sa.select(sa.func.count()).where(
        AuditEvent.action == "shift.cannot_run", AuditEvent.subject_id == shift_id
    )
    promised = sa.select(sa.func.count()).where(Outbox.key.like(f"shift\\_cannot\\_run:{shift_id}:%", escape="\\"))
    return db.session.scalars(written).one(), db.session.scalars(promised).one()


def two_adults_leave_often(running: Running) -> None:
    for _round in range(ROUNDS):
        two_adults_leave(running)


@pytest.mark.rule("G2")
def test_two_adults_who_leave_at_once_stop_the_shift_once(running: Running) -> None:
    two_adults_leave_often(running)


def test_without_the_guard_it_is_stopped_twice(unguarded: Running) -> None:
    with pytest.raises(AssertionError, match="_run'"):
        two_adults_leave_often(unguarded)
