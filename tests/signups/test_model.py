"""S1-S4 against a model written from the rules alone: random people, shifts, parties, cancellations and passing time.

The model knows nothing of the application: intervals of minutes, counts, the sentences of the rules.
"""

from __future__ import annotations

import dataclasses
import datetime as dt

import pytest
import sqlalchemy as sa
import time_machine
from flask import Flask
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from app.core.clock import now
from app.core.db import db, transaction
from app.core.errors import Refused
from app.needs.models import Need, Shift
from app.needs.operations import cancel_shift
from app.signups import checks
from app.signups.jobs import fan_out_cancelled
from app.signups.operations import cancel_signup, sign_up, undo_cancel
from app.signups.queries import find_live_signup, list_roster
from tests.factories import make_member, make_need, make_organization, make_person, make_shift
from tests.hostile import tries

PEOPLE, SHIFTS = 4, 6
HOUR = dt.timedelta(hours=1)


@dataclasses.dataclass
class Slot:
    """A shift: hours from the beginning, None for a flexible role; `capacity` None takes as many as come."""

    starts: int | None
    ends: int | None
    capacity: int | None
    cancelled: bool = False
    is_open: bool = True
    places: dict[int, int] = dataclasses.field(default_factory=dict)


@dataclasses.dataclass
class Model:
    """Who has a place where, and what the rules say about one more."""

    slots: list[Slot]
    hour: int = 0

    def may(self, who: int, number: int, party: int) -> bool:
        slot = self.slots[number]
        over = slot.ends is not None and slot.ends <= self.hour
        taken = sum(slot.places.values())
        fits = slot.capacity is None or taken + party <= slot.capacity
        return (
            fits
            and not over
            and not slot.cancelled
            and slot.is_open
            and who not in slot.places
            and not self.busy(who, slot)
        )

    def busy(self, who: int, slot: Slot) -> bool:
        """Half-open intervals; flexible roles do not overlap."""
        if slot.starts is None or slot.ends is None:
            return False
        return any(
            other.starts is not None
            and other.ends is not None
            and slot.starts < other.ends
            and other.starts < slot.ends
            for other in self.slots
            if who in other.places and other is not slot
        )


slots = st.one_of(
    st.builds(
        lambda start, length, capacity: Slot(start, start + length, capacity),
        st.integers(1, 12), st.integers(1, 4), st.integers(0, 4),
    ),
    st.builds(lambda capacity: Slot(None, None, capacity), st.none() | st.integers(0, 3)),
)  # fmt: skip


class Placing(RuleBasedStateMachine):
    """The application beside the model; after every step they agree."""

    @initialize(given=st.lists(slots, min_size=SHIFTS, max_size=SHIFTS))
    def begin(self, given: list[Slot]) -> None:
        self.start = now().replace(minute=0, second=0, microsecond=0)
        self.travel = time_machine.travel(self.start, tick=False)
        self.travel.start()
        self.people = [make_person() for _number in range(PEOPLE)]
        self.model = Model([dataclasses.replace(slot, places={}) for slot in given])
        organizations = [make_organization(), make_organization()]
        self.owners = [make_member(organization, "owner") for organization in organizations]
        self.shifts: list[int] = []
        self.given_back: dict[tuple[int, int], tuple[int, int, int]] = {}
        for number, slot in enumerate(self.model.slots):
            need = make_need(organizations[number % 2])
            if slot.starts is None or slot.ends is None:
                shift = make_shift(need, capacity=slot.capacity, flexible=True)
            else:
                times = {"starts_at": self.start + slot.starts * HOUR, "ends_at": self.start + slot.ends * HOUR}
                shift = make_shift(need, capacity=slot.capacity, **times)
            self.shifts.append(shift.id)

    @rule(who=st.integers(0, PEOPLE - 1), number=st.integers(0, SHIFTS - 1), party=st.integers(1, 3))
    def sign_up(self, who: int, number: int, party: int) -> None:
        expected = self.model.may(who, number, party)
        try:
            with transaction():
                sign_up(self.shifts[number], by=self.people[who], party_size=party)
        except Refused:
            assert not expected
        else:
            assert expected
            self.model.slots[number].places[who] = party

    @rule(who=st.integers(0, PEOPLE - 1), number=st.integers(0, SHIFTS - 1))
    def cancel(self, who: int, number: int) -> None:
        slot = self.model.slots[number]
        found = find_live_signup(self.shifts[number], self.people[who].id)
        assert (found is not None) == (who in slot.places)
        if found is None:
            return
        over = slot.ends is not None and slot.ends <= self.model.hour
        try:
            with transaction():
                cancel_signup(found.id, by=self.people[who])
        except Refused:
            assert over
        else:
            assert not over
            self.given_back[who, number] = (found.id, slot.places.pop(who), self.model.hour)

    @rule(who=st.integers(0, PEOPLE - 1), number=st.integers(0, SHIFTS - 1))
    def undo(self, who: int, number: int) -> None:
        if (who, number) not in self.given_back:
            return
        key, party, hour = self.given_back[who, number]
        expected = hour == self.model.hour and self.model.may(who, number, party)
        try:
            with transaction():
                undo_cancel(key, by=self.people[who])
        except Refused:
            assert not expected
        else:
            assert expected
            self.model.slots[number].places[who] = party

    @rule(number=st.integers(0, SHIFTS - 1))
    def call_off(self, number: int) -> None:
        slot = self.model.slots[number]
        try:
            with transaction():
                cancel_shift(self.shifts[number], by=self.owners[number % 2])
        except Refused:
            assert slot.ends is not None
            assert slot.ends <= self.model.hour
            return
        fan_out_cancelled({"shift_id": self.shifts[number]})
        slot.cancelled, slot.places = True, {}

    @rule(number=st.integers(0, SHIFTS - 1), is_open=st.booleans())
    def open_or_pause(self, number: int, is_open: bool) -> None:
        need_id = db.session.get_one(Shift, self.shifts[number]).need_id
        with transaction():
            values = {"status": "open" if is_open else "paused"}
            db.session.execute(sa.update(Need).where(Need.id == need_id).values(**values))
        self.model.slots[number].is_open = is_open

    @rule(hours=st.integers(1, 3))
    def let_time_pass(self, hours: int) -> None:
        self.model.hour += hours
        self.travel.stop()
        self.travel = time_machine.travel(self.start + self.model.hour * HOUR, tick=False)
        self.travel.start()

    @invariant()
    def agree(self) -> None:
        db.session.rollback()
        for key, slot in zip(self.shifts, self.model.slots, strict=True):
            roster = {row.person_id: row.party_size for row in list_roster(key)}
            assert roster == {self.people[who].id: party for who, party in slot.places.items()}
            position = db.session.get_one(Shift, key).positions[0]
            db.session.refresh(position)
            assert position.taken == sum(slot.places.values())
            assert slot.capacity is None or position.taken <= slot.capacity
        assert [problem for check in checks.CHECKS.values() for problem in check()[1]] == []

    def teardown(self) -> None:
        if hasattr(self, "travel"):
            self.travel.stop()
        db.session.rollback()


@pytest.mark.rule("S1")
@pytest.mark.rule("S2")
@pytest.mark.rule("S3")
@pytest.mark.rule("S4")
def test_places_follow_the_rules_whatever_happens(app: Flask) -> None:
    run_state_machine_as_test(Placing, settings=settings(tries(5), stateful_step_count=25))
