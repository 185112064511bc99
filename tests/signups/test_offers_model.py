"""S5 against a model written from the rules alone (line_model.py): random people join, cancel, accept, decline, are elsewhere,
while time passes and staff change how many places there are. Nobody is skipped, doubly offered or silently confirmed."""

from __future__ import annotations

import datetime as dt
import random
from collections.abc import Callable

import pytest
import sqlalchemy as sa
import time_machine
from flask import Flask

from app.core.clock import now
from app.core.db import db, transaction
from app.core.errors import Refused
from app.core.outbox import Outbox
from app.needs.models import Need, Position, Shift
from app.needs.operations import PositionInput, ShiftInput
from app.signups import checks, jobs, offers, waitlist
from app.signups.models import LIVE_STATUSES, Signup
from app.signups.operations import cancel_signup, sign_up
from app.signups.queries import find_live_signup
from tests.factories import make_member, make_need, make_organization, make_person, make_shift
from tests.signups.line_model import Line

PEOPLE = 5
MINUTE = dt.timedelta(minutes=1)
STARTS = 70 * 60
# As the words of the application are called in the model.
CALLED = {"confirmed": "confirmed", "offered": "offered", "waitlisted": "waiting"}
HISTORIES, STEPS = 6, 40


class Waiting:
    """The application beside the model; after every step they agree."""

    def __init__(self, seed: int) -> None:
        self.dice = random.Random(seed)
        self.seen: set[str] = set()
        capacity = self.dice.randint(1, 2)
        # The same time of day at every run, because no offer ends at night.
        self.start = (now() + dt.timedelta(days=1)).replace(hour=15, minute=0, second=0, microsecond=0)
        self.travel = time_machine.travel(self.start, tick=False)
        self.travel.start()
        organization = make_organization()
        self.people = [make_person() for _number in range(PEOPLE)]
        self.owner = make_member(organization, "owner")
        self.shift = self._make(make_need(organization), capacity)
        self.elsewhere = self._make(make_need(), PEOPLE)
        self.model = Line(capacity, STARTS, STARTS - 12 * 60)

    def play(self) -> None:
        """Everybody comes; then whatever happens, what moves the line more often."""
        acts: dict[Callable[[], None], int] = {
            self.come: 6, self.leave: 6, self.decline: 3, self.accept: 3, self.let_time_pass: 3, self.be_elsewhere: 3,
            self.change_capacity: 2, self.pause_or_open: 1,
        }  # fmt: skip
        for who in range(PEOPLE):
            self._come(who, self.dice.choice((1, 1, 2)), waits=True)
            self.agree()
        for act in self.dice.choices(list(acts), list(acts.values()), k=STEPS):
            act()
            self.agree()

    def _who(self) -> int:
        return self.dice.randrange(PEOPLE)

    def _who_is(self, state: str) -> int:
        """Somebody of whom it is so; anybody when it is so of nobody."""
        return self.dice.choice(
            [turn.who for turn in self.model.turns.values() if turn.state == state] or [self._who()]
        )

    def _make(self, need: Need, capacity: int) -> int:
        starts_at = self.start + STARTS * MINUTE
        return make_shift(need, capacity=capacity, starts_at=starts_at, ends_at=starts_at + 60 * MINUTE).id

    def _move(self, minutes: int) -> None:
        self.model.at += minutes
        self.travel.stop()
        self.travel = time_machine.travel(self.start + self.model.at * MINUTE, tick=False)
        self.travel.start()

    def _find(self, who: int) -> Signup | None:
        return find_live_signup(self.shift, self.people[who].id)

    def come(self) -> None:
        self._come(self._who(), self.dice.choice((1, 1, 2, 3)), waits=self.dice.random() < 0.7)

    def _come(self, who: int, party: int, *, waits: bool) -> None:
        self._move(1)
        expected = self.model.sign_up(who, party, waits=waits)
        act = waitlist.join if waits else sign_up
        assert self._may(lambda: act(self.shift, by=self.people[who], party_size=party)) == expected

    def leave(self) -> None:
        who = self._who_is("confirmed")
        self._move(1)
        found = self._find(who)
        if found is None:
            return
        assert self._may(lambda: cancel_signup(found.id, by=self.people[who]))
        self.model.leave(who)

    def accept(self) -> None:
        who = self._who_is(self.dice.choice(("offered", "offered", "waiting")))
        found = self._find(who)
        if found is not None:
            expected = self.model.accept(who)
            assert self._may(lambda: waitlist.accept(found.id, by=self.people[who])) == expected
            self.seen |= {"accepted"} if expected else set()

    def decline(self) -> None:
        who = self._who_is("offered")
        found, turn = self._find(who), self.model.turns.get(who)
        if found is None or turn is None:
            return
        expected = turn.state == "offered" and self.model.at < turn.until
        if expected:
            self.model.leave(who)
        assert self._may(lambda: waitlist.decline(found.id, by=self.people[who])) == expected

    def be_elsewhere(self) -> None:
        """On another shift at the same time, or not any more. An offer holds no time, a place does (S3)."""
        who = self._who_is(self.dice.choice(("offered", "waiting")))
        other = find_live_signup(self.elsewhere, self.people[who].id)
        if other is not None:
            assert self._may(lambda: cancel_signup(other.id, by=self.people[who]))
            self.model.busy.discard(who)
            return
        turn = self.model.turns.get(who)
        expected = turn is None or turn.state != "confirmed"
        assert self._may(lambda: sign_up(self.elsewhere, by=self.people[who])) == expected
        if expected:
            self.model.busy.add(who)

    def change_capacity(self) -> None:
        capacity = self.dice.randint(0, 3)
        shift = db.session.get_one(Shift, self.shift)
        position = shift.positions[0]
        values = ShiftInput(
            positions=(PositionInput(name=position.name, capacity=capacity, id=position.id),),
            starts_at=shift.starts_at,
            ends_at=shift.ends_at,
            contact=shift.contact,
            time_zone=shift.time_zone,
        )
        assert self._may(lambda: waitlist.edit_shift_moving_latest(self.shift, values, by=self.owner))
        self.model.set_capacity(capacity)

    def pause_or_open(self) -> None:
        is_open = not self.model.is_open
        need_id = db.session.get_one(Shift, self.shift).need_id
        with transaction():
            status = "open" if is_open else "paused"
            db.session.execute(sa.update(Need).where(Need.id == need_id).values(status=status))
        self.model.is_open = is_open

    def let_time_pass(self) -> None:
        minutes = self.dice.choice([60, 5 * 60, 13 * 60, 29 * 60])
        if self.model.at + minutes >= STARTS - 30:
            return
        self._move(minutes)
        jobs.end_due_offers()
        jobs.serve_waitlists()
        self.model.pass_time(0)

    @staticmethod
    def _may(act: object) -> bool:
        try:
            with transaction():
                act()  # type: ignore[operator]  # a lambda
        except Refused:
            return False
        return True

    def agree(self) -> None:
        db.session.rollback()
        rows = db.session.scalars(
            sa.select(Signup)
            .where(Signup.shift_id == self.shift, Signup.status.in_(LIVE_STATUSES))
            .execution_options(populate_existing=True)
        ).all()
        numbers = {person.id: number for number, person in enumerate(self.people)}
        found = {numbers[row.person_id]: (row.party_size, CALLED[row.status]) for row in rows}
        assert found == {turn.who: (turn.party, turn.state) for turn in self.model.turns.values()}
        self.seen |= {row.status for row in rows}
        for row in rows:
            if row.status == "offered":
                self._agree_on_the_offer(row, numbers[row.person_id])
        position = db.session.scalars(
            sa.select(Position).where(Position.shift_id == self.shift).execution_options(populate_existing=True)
        ).one()
        assert position.capacity is not None
        assert position.capacity - position.taken == self.model.free >= 0
        assert [problem for check in checks.CHECKS.values() for problem in check()[1]] == []

    def _agree_on_the_offer(self, row: Signup, who: int) -> None:
        """The rules say that there is a deadline; how long is the application's, within what makes sense."""
        assert row.offer_expires_at is not None
        minutes = (row.offer_expires_at - self.start) / MINUTE
        turn = self.model.turns[who]
        assert self.model.at - 24 * 60 < minutes <= STARTS
        assert turn.until in (0, minutes) or turn.until < minutes, "an offer is never cut short"
        turn.until = int(minutes)
        key = f"signup_offered:{row.id}:%"
        asked = db.session.scalars(sa.select(Outbox.id).where(Outbox.key.like(key))).all()
        assert asked, "nobody is offered anything without being told"


def play() -> set[str]:
    """The same histories at every run; which states there were."""
    seen: set[str] = set()
    for seed in range(HISTORIES):
        waiting = Waiting(seed)
        waiting.seen = seen
        try:
            waiting.play()
        finally:
            waiting.travel.stop()
            db.session.rollback()
    return seen | set(db.session.scalars(sa.select(Signup.status).distinct()))


@pytest.mark.rule("S5")
@pytest.mark.rule("S1")
def test_the_line_follows_the_rules_whatever_happens(app: Flask) -> None:
    seen = play()
    assert seen == {"confirmed", "offered", "waitlisted", "cancelled", "declined", "expired", "accepted"}


@pytest.mark.parametrize("broken", ["last_first", "nobody_is_asked", "accepted_without_the_gate"])
def test_without_its_guards_the_model_says_so(app: Flask, monkeypatch: pytest.MonkeyPatch, broken: str) -> None:
    """The positive control: each of these would skip somebody, keep a place from them, or confirm what may not be."""
    if broken == "last_first":
        in_line = offers.list_in_line
        monkeypatch.setattr(offers, "list_in_line", lambda shift: list(reversed(in_line(shift))))
    elif broken == "nobody_is_asked":
        monkeypatch.setattr(offers, "offer_free_places", lambda _shift: None)
    else:
        monkeypatch.setattr(waitlist.gate, "require", lambda *_a, **_k: None)
    with pytest.raises(AssertionError):
        play()
