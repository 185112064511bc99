"""Two hundred people for fifty places, and two hundred promises of two for a hundred wanted, against the running server.

The same assertions are turned on a server without its guards (unguarded.py), where they must fail: a race test that cannot
fail shows nothing.
"""

from __future__ import annotations

import json
import secrets

import pytest
import sqlalchemy as sa

from app.core.db import db
from app.core.ids import encode_id
from app.core.outbox import Outbox
from app.needs.models import Item, Position
from app.pledges import checks as pledge_checks
from app.pledges.models import Pledge
from app.signups import checks as signup_checks
from app.signups.models import Signup
from tests.factories import make_item, make_need, make_organization, make_shift
from tests.races.conftest import Running
from tests.races.crowd import PEOPLE, repeat, rush

PLACES, WANTED, EACH = 50, 100, 2
WON = {"pages": 303, "api": 201}
LOST = 409


def storm_a_shift(running: Running, via: str) -> None:
    """Exactly the places there are, in every count there is."""
    with running.app.app_context():
        position_id = (shift := make_shift(make_need(make_organization()), capacity=PLACES)).positions[0].id
        shift_id = shift.id
        db.session.rollback()
        answers = rush(running.port, running.crowd, via, "signups", shift_id)
        mine = (Signup.shift_id == shift_id, Signup.status == "confirmed")
        people = db.session.scalar(sa.select(sa.func.sum(Signup.party_size)).where(*mine))
        taken = db.session.get_one(Position, position_id, populate_existing=True).taken
        mails = count_mails("signup_confirmed", list(db.session.scalars(sa.select(Signup.id).where(*mine))))
        problems = [problem for check in signup_checks.CHECKS.values() for problem in check()[1]]
        db.session.rollback()
    assert (answers, people, taken, mails, problems) == (
        {WON[via]: PLACES, LOST: PEOPLE - PLACES},
        PLACES,
        PLACES,
        PLACES,
        [],
    )


def storm_an_item(running: Running, via: str) -> None:
    """Exactly the quantity that was wanted, in every count there is."""
    with running.app.app_context():
        item_id = make_item(make_need(make_organization()), quantity=str(WANTED)).id
        db.session.rollback()
        answers = rush(running.port, running.crowd, via, "pledges", item_id)
        promised = db.session.scalar(sa.select(sa.func.sum(Pledge.quantity)).where(Pledge.item_id == item_id))
        item = db.session.get_one(Item, item_id, populate_existing=True)
        counted = (item.reserved, item.still_wanted, item.surplus)
        mails = count_mails(
            "pledge_made", list(db.session.scalars(sa.select(Pledge.id).where(Pledge.item_id == item_id)))
        )
        problems = pledge_checks.check_pledges()[1]
        db.session.rollback()
    winners = WANTED // EACH
    assert (answers, int(promised or 0), counted, mails, problems) == (
        {WON[via]: winners, LOST: PEOPLE - winners},
        WANTED,
        (WANTED, 0, 0),
        winners,
        [],
    )


def count_mails(kind: str, ids: list[int]) -> int:
    keys = [f"{kind}:{key}" for key in ids]
    return db.session.scalar(sa.select(sa.func.count()).select_from(Outbox).where(Outbox.key.in_(keys))) or 0


STORMS = {"signups": storm_a_shift, "pledges": storm_an_item}


@pytest.mark.rule("S1")
@pytest.mark.rule("P1")
@pytest.mark.parametrize("via", ["pages", "api"])
@pytest.mark.parametrize("kind", STORMS)
def test_a_storm_is_exact(running: Running, kind: str, via: str) -> None:
    STORMS[kind](running, via)


@pytest.mark.parametrize("kind", STORMS)
def test_without_its_guards_the_same_storm_is_not(unguarded: Running, kind: str) -> None:
    with pytest.raises(AssertionError, match="303"):
        STORMS[kind](unguarded, "pages")


ROUNDS = 4


def promise(running: Running, bodies: list[dict[str, str]], key: str | None) -> tuple[list[tuple[int, str]], int, int]:
    """The same address asked at once by as many processes as there are bodies: answers, what is promised, mails due."""
    with running.app.app_context():
        item_id = make_item(make_need(make_organization()), quantity="500").id
        db.session.rollback()
        path = f"/api/v1/items/{encode_id(item_id)}/pledges"
        answers = repeat(running.port, running.crowd[0], path, bodies, key=key, processes=len(bodies))
        reserved = int(db.session.get_one(Item, item_id, populate_existing=True).reserved)
        ids = list(db.session.scalars(sa.select(Pledge.id).where(Pledge.item_id == item_id)))
        mails = count_mails("pledge_made", ids)
        db.session.rollback()
    return answers, reserved, mails


@pytest.mark.parametrize("times", [2, 8, 40])
def test_the_same_request_at_once_acts_once_under_its_key(running: Running, times: int) -> None:
    """One promise and one mail, and every process is told the same, whichever of them acted."""
    for _round in range(max(1, 2 * ROUNDS // times)):
        answers, reserved, mails = promise(running, [{"quantity": "2", "mode": "add"}] * times, secrets.token_hex(8))
        assert {status for status, _told in answers} == {WON["api"]}
        assert (len(answers), len({told for _status, told in answers}), reserved, mails) == (times, 1, 2, 1)


def test_without_its_key_the_same_request_acts_each_time(running: Running) -> None:
    """What the test above would see without the guard: each is a promise added, and each is told another sum."""
    answers, reserved, _mails = promise(running, [{"quantity": "2", "mode": "add"}] * 8, None)
    assert (len({told for _status, told in answers}), reserved) == (8, 16)


def test_of_two_requests_at_once_under_one_key_one_is_refused(running: Running) -> None:
    """Same key, other body: whichever came first acted, and the other is told that the key is used."""
    for _round in range(ROUNDS):
        bodies = [{"quantity": "2", "mode": "add"}, {"quantity": "3", "mode": "add"}]
        answers, reserved, mails = promise(running, bodies, secrets.token_hex(8))
        (won, kept), (lost, problem) = sorted(answers)
        assert (won, lost, json.loads(problem)["code"]) == (WON["api"], LOST, "idempotency_key_reused")
        assert (int(json.loads(kept)["quantity"]), mails) == (reserved, 1)
