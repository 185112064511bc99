"""A shift and those who wait for it, as PRODUCT.md speaks of them (S1, S3, S5). It imports nothing of the application.

Time is whole minutes from the beginning. Whoever signs up has a turn, by when that was, and keeps it as long as they are on
the shift, however their place is called."""

from __future__ import annotations

import copy
import dataclasses
from typing import Any


@dataclasses.dataclass
class Turn:
    """One person on the shift: "confirmed", "offered" up to `until`, or "waiting"."""

    who: Any
    party: int
    since: int
    state: str
    until: int = 0


@dataclasses.dataclass
class Line:
    """A shift with `capacity` places that begins at `starts`; from `first_come` on nothing is kept for anybody."""

    capacity: int
    starts: int
    first_come: int
    at: int = 0
    turns: dict[Any, Turn] = dataclasses.field(default_factory=dict)
    # Who has something else to do at that time.
    busy: set[Any] = dataclasses.field(default_factory=set)
    is_open: bool = True
    is_called_off: bool = False

    @property
    def free(self) -> int:
        return self.capacity - sum(turn.party for turn in self.turns.values() if turn.state != "waiting")

    @property
    def takes_people(self) -> bool:
        return self.is_open and not self.is_called_off

    def in_line(self) -> list[Turn]:
        return sorted((turn for turn in self.turns.values() if turn.state == "waiting"), key=lambda turn: turn.since)

    def ask(self) -> None:
        """Whatever is free is offered to the first in line who can have it, and so on."""
        if not self.takes_people or self.at >= self.first_come:
            return
        for turn in self.in_line():
            if turn.party <= self.free and turn.who not in self.busy:
                turn.state = "offered"

    def sign_up(self, who: Any, party: int, *, waits: bool) -> bool:
        """A place, or with `waits` a turn where there is none. Whoever waits comes first."""
        before = copy.deepcopy(self.turns)
        self.ask()
        state = ""
        if who not in self.turns and self.takes_people:
            if party <= self.free and who not in self.busy:
                state = "confirmed"
            elif waits and self.free < party <= self.capacity:
                state = "waiting"
        if not state:
            self.turns = before
            return False
        self.turns[who] = Turn(who, party, self.at, state)
        return True

    def leave(self, who: Any) -> None:
        """Give a place back, decline an offer, or wait no more."""
        del self.turns[who]
        self.ask()

    def accept(self, who: Any) -> bool:
        turn = self.turns.get(who)
        if turn is None or who in self.busy or not self.takes_people:
            return False
        is_offered = turn.state == "offered" and self.at < turn.until
        is_first = turn.state == "waiting" and self.at >= self.first_come and turn.party <= self.free
        if not (is_offered or is_first):
            return False
        turn.state = "confirmed"
        return True

    def set_capacity(self, capacity: int) -> None:
        """Fewer places: what is only offered is taken back first, then the latest wait; more: the next are asked."""
        self.capacity = capacity
        latest = sorted(self.turns.values(), key=lambda turn: (turn.state != "offered", -turn.since))
        for turn in latest:
            if self.free < 0 and turn.state != "waiting":
                turn.state = "waiting"
        self.ask()

    def pass_time(self, minutes: int) -> None:
        """Offers that nobody answered are over, in the order of their deadlines; the next are asked."""
        self.at += minutes
        for turn in sorted(self.turns.values(), key=lambda turn: (turn.until, turn.since)):
            if turn.state == "offered" and turn.until <= self.at:
                if self.takes_people:
                    del self.turns[turn.who]
                else:
                    turn.state = "waiting"
                self.ask()
        self.ask()
