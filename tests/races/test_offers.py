"""Who waits for a place, at the same moment and from separate processes against the running server (S5): two answers to one
offer, an answer and its deadline, places given back while others are taken, and twenty people who claim what is free close
to the start.

The same assertions are turned on a server without its guards (unguarded.py), where they must fail.
"""

from __future__ import annotations

import collections
import datetime as dt
import threading
from typing import Any

import pytest
import sqlalchemy as sa

from app.accounts.models import Person
from app.core.clock import now
from app.core.db import db, transaction
from app.core.ids import encode_id
from app.core.outbox import Outbox
from app.needs.models import Position, Shift
from app.signups import checks, jobs, waitlist
from app.signups.models import Signup
from app.signups.operations import cancel_signup, sign_up
from tests.factories import make_need, make_organization, make_person, make_shift
from tests.races.conftest import Running
from tests.races.crowd import all_at_once, equip

OK, LOST = 200, 409
ROUNDS = 2


class Scene:
    """A shift whose places are taken by `holders`, and `waiting` who stand in line for them."""

    def __init__(self, running: Running, capacity: int, waiting: int, *, days: float = 6) -> None:
        self.running = running
        self.shift_id = make_shift(make_need(make_organization()), capacity=capacity, days=days).id
        self.holders, self.waiting = ([make_person() for _one in range(each)] for each in (capacity, waiting))
        self.place: dict[int, int] = {}
        for act, people in ((sign_up, self.holders), (waitlist.join, self.waiting)):
            for person in people:
                with transaction():
                    self.place[person.id] = act(self.shift_id, by=person).id
        everybody = [*self.holders, *self.waiting]
        self.tokens = dict(zip((one.id for one in everybody), equip(running.app, everybody), strict=True))

    def leaves(self, person: Person) -> None:
        with transaction():
            cancel_signup(self.place[person.id], by=person)

    def post(self, person: Person, act: str) -> dict[str, Any]:
        path = f"/api/v1/signups/{encode_id(self.place[person.id])}/{act}"
        return {"path": path, "fields": {}, "token": self.tokens[person.id].token}

    def answers(self, posts: list[dict[str, Any]]) -> list[int]:
        """The status of each, all sent at once."""
        db.session.rollback()
        # People are dealt out to processes: as many processes as people keeps their order.
        return [status for status, _told in all_at_once(self.running.port, posts, len(posts))]

    def states(self, people: list[Person]) -> list[str]:
        db.session.rollback()
        found = dict(
            db.session.execute(sa.select(Signup.id, Signup.status).where(Signup.shift_id == self.shift_id)).all()
        )
        return [found[self.place[person.id]] for person in people]

    def taken(self) -> int:
        db.session.rollback()
        return db.session.scalars(sa.select(Position.taken).where(Position.shift_id == self.shift_id)).one()

    def promised(self, kind: str, person: Person) -> int:
        key = f"{kind}:{self.place[person.id]}:%"
        return db.session.scalars(sa.select(sa.func.count()).select_from(Outbox).where(Outbox.key.like(key))).one()

    def problems(self) -> list[str]:
        found = [problem for check in checks.CHECKS.values() for problem in check()[1]]
        db.session.rollback()
        return found


def two_answers(running: Running) -> None:
    """The same person accepts six times at once: one place, one mail."""
    with running.app.app_context():
        scene = Scene(running, 1, 2)
        first, second = scene.waiting
        scene.leaves(scene.holders[0])
        answers = collections.Counter(scene.answers([scene.post(first, "accept")] * 6))
        mails, states = scene.promised("signup_confirmed", first), scene.states([first, second])
        assert (answers, states, scene.taken(), mails, scene.problems()) == (
            {OK: 1, LOST: 5}, ["confirmed", "waitlisted"], 1, 1, [],
        )  # fmt: skip


def yes_and_no(running: Running) -> None:
    """One accepts and declines at once: either, and the next is asked only after the no."""
    with running.app.app_context():
        scene = Scene(running, 1, 2)
        first, second = scene.waiting
        scene.leaves(scene.holders[0])
        answers = scene.answers([scene.post(first, "accept"), scene.post(first, "decline")])
        outcome = (answers, scene.states([first, second]), scene.promised("signup_offered", second))
        assert outcome in (
            ([OK, LOST], ["confirmed", "waitlisted"], 0),
            ([LOST, OK], ["declined", "offered"], 1),
        ), outcome
        assert (scene.taken(), scene.problems()) == (1, [])


def answer_and_deadline(running: Running, seconds: float) -> None:
    """An answer at the very end: either it came in time, or the next is asked; never both."""
    with running.app.app_context():
        scene = Scene(running, 1, 2)
        first, second = scene.waiting
        scene.leaves(scene.holders[0])
        ends_at = now() + dt.timedelta(seconds=seconds)
        with transaction():
            db.session.execute(
                sa.update(Signup).where(Signup.id == scene.place[first.id]).values(offer_expires_at=ends_at)
            )
        over = threading.Event()
        sweeper = threading.Thread(target=sweep_until, args=(running, over))
        sweeper.start()
        try:
            answers = scene.answers([scene.post(first, "accept")] * 3)
        finally:
            over.set()
            sweeper.join()
        threading.Event().wait(max(0, (ends_at - now()).total_seconds()))
        jobs.end_due_offers()
        states = scene.states([first, second])
        won = answers.count(OK)
        assert (won, states) in ((1, ["confirmed", "waitlisted"]), (0, ["expired", "offered"])), (answers, states)
        assert (scene.taken(), scene.problems()) == (1, [])


def sweep_until(running: Running, over: threading.Event) -> None:
    """What the worker does, over and over."""
    with running.app.app_context():
        while not over.is_set():
            jobs.end_due_offers()
        db.session.remove()


def leaving_and_taking(running: Running) -> None:
    """Three leave, the first in line accepts, and strangers ask for places, all at once: the line is served in its order."""
    with running.app.app_context():
        scene = Scene(running, 4, 5)
        scene.leaves(scene.holders[0])
        strangers = [make_person() for _one in range(4)]
        ways_in = equip(running.app, strangers)
        path = f"/api/v1/shifts/{encode_id(scene.shift_id)}/signups"
        posts = [scene.post(person, "cancel") for person in scene.holders[1:]]
        posts += [scene.post(scene.waiting[0], "accept")]
        posts += [{"path": path, "fields": {"party_size": 1}, "token": way.token} for way in ways_in]
        answers = collections.Counter(scene.answers(posts))
        offered = [scene.promised("signup_offered", person) for person in scene.waiting]
        assert (answers, scene.states(scene.waiting), offered, scene.taken(), scene.problems()) == (
            {OK: 4, LOST: 4}, ["confirmed", "offered", "offered", "offered", "waitlisted"], [1, 1, 1, 1, 0], 4, [],
        )  # fmt: skip


def twenty_claim(running: Running) -> None:
    """Close to the start twenty who wait claim three free places at once."""
    with running.app.app_context():
        scene = Scene(running, 3, 20, days=0.4)
        for holder in scene.holders:
            scene.leaves(holder)
        answers = collections.Counter(scene.answers([scene.post(person, "accept") for person in scene.waiting]))
        states = collections.Counter(scene.states(scene.waiting))
        assert (answers, states, scene.taken(), scene.problems()) == (
            {OK: 3, LOST: 17}, {"confirmed": 3, "waitlisted": 17}, 3, [],
        )  # fmt: skip
        assert not db.session.get_one(Shift, scene.shift_id).is_over


RACES = {race.__name__: race for race in (two_answers, yes_and_no, leaving_and_taking, twenty_claim)}


def often(running: Running, race: str) -> None:
    for _round in range(ROUNDS):
        RACES[race](running)


@pytest.mark.rule("S5")
def test_an_answer_in_time_or_the_next_and_never_both(running: Running) -> None:
    # Before, about and after the moment of the answers.
    for seconds in (0.2, 0.5, 0.8, 5):
        answer_and_deadline(running, seconds)


@pytest.mark.parametrize("race", RACES)
@pytest.mark.rule("S5")
def test_the_line_holds_in_a_race(running: Running, race: str) -> None:
    often(running, race)


@pytest.mark.parametrize("race", ["two_answers", "twenty_claim"])
def test_without_its_guards_it_does_not(unguarded: Running, race: str) -> None:
    with pytest.raises(AssertionError, match="200"):
        often(unguarded, race)
