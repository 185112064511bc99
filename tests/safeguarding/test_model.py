"""G1 to G4, N6 and G7 against a model written from PRODUCT.md alone: random facts about people and organizations, every way
to a place, every edit, and after each step nobody whom the model does not clear is worth anything anywhere.

The model knows nothing of the application (a test looks at what it imports). With the gate off the same machine fails.
"""

from __future__ import annotations

import ast
import copy
import dataclasses
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
import time_machine
from flask import Flask, current_app
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    invariant,
    rule,
    run_state_machine_as_test,
)

from app.core import jobs
from app.core.db import db, transaction
from app.core.errors import Refused
from app.core.ids import encode_id
from app.core.outbox import Outbox
from app.needs import asking
from app.needs.models import Need, Shift
from app.pages.my_help import list_my_help
from app.safeguarding.operations import record_clearance
from app.signups import gate, operations, places, queries, rules, safety_jobs, waitlist
from app.signups.holds import confirm_hold, hold_places
from app.signups.models import Signup
from app.signups.volunteers import add_volunteer
from tests.hostile import tries
from tests.safeguarding import model
from tests.safeguarding.days import DAY, HOUR, at, wall
from tests.safeguarding.machine import (
    BEGIN,
    BIRTHS,
    FIRST_SHIFT,
    LAST_DAY,
    PEOPLE,
    PROTECTIVE,
    Facts,
    Undone,
    any_shift,
    anybody,
    either,
    one_of,
    step,
)


class Placing(Facts):
    """Every way to a place, what is seen of it, and promised work; after every step application and model agree."""

    def _step(self, drawn: tuple[str, dict[str, Any]]) -> None:
        name, arguments = drawn
        getattr(self, name)(**arguments)

    @rule(drawn=one_of("people"))
    def of_people(self, drawn: tuple[str, dict[str, Any]]) -> None:
        self._step(drawn)

    @rule(drawn=one_of("organizations"))
    def of_organizations(self, drawn: tuple[str, dict[str, Any]]) -> None:
        self._step(drawn)

    @rule(drawn=one_of("needs"))
    def of_needs(self, drawn: tuple[str, dict[str, Any]]) -> None:
        self._step(drawn)

    @rule(drawn=one_of("take"))
    def of_taking(self, drawn: tuple[str, dict[str, Any]]) -> None:
        self._step(drawn)

    @rule(drawn=one_of("take"))
    def of_taking_more(self, drawn: tuple[str, dict[str, Any]]) -> None:
        self._step(drawn)

    @rule(drawn=one_of("places"))
    def of_places(self, drawn: tuple[str, dict[str, Any]]) -> None:
        self._step(drawn)

    @rule(drawn=one_of("line"))
    def of_waiting(self, drawn: tuple[str, dict[str, Any]]) -> None:
        self._step(drawn)

    @rule(drawn=one_of("seen"))
    def of_seeing(self, drawn: tuple[str, dict[str, Any]]) -> None:
        self._step(drawn)

    @rule(drawn=one_of("time"))
    def of_time(self, drawn: tuple[str, dict[str, Any]]) -> None:
        self._step(drawn)

    # --- the later word

    @step("needs", which=st.integers(0, 40), ago=st.sampled_from((0, 1, 1, 40)))
    def decline(self, which: int, ago: int) -> None:
        """A check like one that was accepted is not accepted: what was stated last about somebody is what is known."""
        known = [(one, who) for _key, one, who in self.records if one.accepted]
        like, who = known[which % len(known)]
        person, one = self.world.people[who], like.by
        no = model.Clearance(like.kind, one, self.world.today - ago * DAY, None, False, recorded=self.world.today)
        made = self._act(
            record_clearance, self.organizations[one], by=self._staff(self.owners[one]), kind=no.kind,
            level="us_fitness" if no.kind == model.CHECK else "", email=self._person(who).email, outcome="declined",
            issued_on=no.issued,
        )  # fmt: skip
        if made is None:
            return
        for earlier in person.clearances:
            same = earlier.kind == no.kind and (earlier.issued, earlier.recorded) <= (no.issued, no.recorded)
            if same and earlier.accepted and not earlier.revoked:
                earlier.revoked = earlier.by == one
                earlier.shared.discard(one)
        person.clearances.append(no)
        self.records.append((made.id, no, who))
        if not person.verified:
            self.shut_out(who)

    # --- ways to a place

    @step("take", who=anybody, number=any_shift, position=either, party=st.sampled_from((1, 1, 2)),
          way=st.sampled_from(("act", "act", "page", "api", "walk-in", "several")))  # fmt: skip
    def take(self, who: int, number: int, position: int, party: int, way: str) -> None:
        shift = self.world.shifts[number]
        if way == "several":
            position = 0
        position = min(position, len(shift.positions) - 1)
        if way == "page" and self.world.asks_anything(shift):
            party = 1  # the form has no such field where everybody passes alone
        expected = self._has_none(who, number) and self.world.may_take(
            who, shift, position, party, vouched=way == "walk-in"
        )
        assert self._take(who, number, position, party, way) == expected, f"{way}: the model says {expected}"
        if expected:
            shift.places[who] = (position, party)
            if way == "walk-in" and not self.world.people[who].verified:
                self.shut_out(who)

    def _has_none(self, who: int, number: int) -> bool:
        """Neither a place on the shift nor a turn on its waitlist."""
        return who not in self.world.shifts[number].places and (number, who) not in self.waiting

    def _take(self, who: int, number: int, position: int, party: int, way: str) -> bool:
        shift_id, key = self.shifts[number], self._positions(number)[position].id
        if way == "act":
            return bool(
                self._act(operations.sign_up, shift_id, by=self._person(who), party_size=party, position_id=key)
            )
        if way == "several":
            return bool(self._act(operations.sign_up_for_several, [shift_id], by=self._person(who), party_size=party))
        if way == "walk-in":
            return bool(
                self._act(
                    add_volunteer, shift_id, by=self._staff(self.owners[0]), name="Gus", birth_date=BIRTHS[1],
                    email=self._person(who).email, party_size=party, position_id=key,
                )
            )  # fmt: skip
        client = current_app.test_client()
        if way == "api":
            body = {"party_size": party, "position": encode_id(key)}
            sent = client.post(f"/api/v1/shifts/{encode_id(shift_id)}/signups", json=body, headers=self._bearer(who))
            return sent.status_code == 201
        with client.session_transaction() as session:
            session["_user_id"], session["_fresh"] = self._person(who).get_id(), True
        form = {"position": encode_id(key), "party_size": str(party), "note": ""}
        sent = client.post(f"/shifts/{encode_id(shift_id)}/sign-up", data=form)
        return sent.status_code == 303 and sent.headers["Location"].endswith("/my-help")

    def _bearer(self, who: int) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.tokens[who]}"}

    @step("places", who=anybody, number=any_shift)
    def hold_as_guest(self, who: int, number: int) -> None:
        shift = self.world.shifts[number]
        made = self._act(
            hold_places,
            self.shifts[number],
            name="Gail",
            email=self._person(who).email,
            birth_date=BIRTHS[1],
            position_id=None,
        )
        expected = self.world.may_as_guest(who, shift) and not self.world.organizations[shift.organization].suspended
        assert (made is not None) == expected
        if made is not None:
            self.holds = [one for one in self.holds if one[1:3] != (who, number)]
            self.holds.append((made.id, who, number, 0, self.day))

    @step("places", which=st.integers(0, 9))
    def confirm_as_guest(self, which: int) -> None:
        if not self.holds:
            return
        key, who, number, position, day = self.holds.pop(which % len(self.holds))
        shift, person = self.world.shifts[number], self.world.people[who]
        # Whoever reads the mail has shown that the address is theirs; then everything is asked as of anybody.
        before = person.verified
        person.verified = True
        account = person.account and before
        expected = (
            day == self.day
            and self._has_none(who, number)
            and (account or self.world.may_as_guest(who, shift))
            and self.world.may_take(who, shift, position, 1)
        )
        made = self._act(confirm_hold, key)
        assert (made is not None) == expected
        if made is None:
            person.verified = before
            return
        if not before:
            self.shut_out(who)
        shift.places[who] = (position, 1)

    @step("places", who=anybody, number=any_shift)
    def give_back(self, who: int, number: int) -> None:
        shift = self.world.shifts[number]
        found = queries.find_live_signup(self.shifts[number], self.people[who])
        assert (found is None) == self._has_none(who, number)
        if found is not None and who in shift.places:
            assert self._act(operations.cancel_signup, found.id, by=self._person(who))
            self.given_back[found.id] = (who, number, *shift.places.pop(who), self.day)

    @step("places", which=st.integers(0, 9))
    def take_back(self, which: int) -> None:
        if not self.given_back:
            return
        key = sorted(self.given_back)[which % len(self.given_back)]
        who, number, position, party, day = self.given_back.pop(key)
        shift = self.world.shifts[number]
        expected = day == self.day and self._has_none(who, number)
        expected = expected and self.world.may_take(who, shift, position, party)
        assert bool(self._act(operations.undo_cancel, key, by=self._person(who))) == expected
        if expected:
            shift.places[who] = (position, party)

    @step(
        "places", who=anybody, number=either, to=either, position=either, party=st.sampled_from((1, 1, 2)),
        by_staff=st.booleans(),
    )  # fmt: skip
    def change(self, who: int, number: int, to: int, position: int, party: int, by_staff: bool) -> None:
        """To another position, or another shift of the need, by themselves or by the staff on the telephone."""
        before, after = self.world.shifts[number], self.world.shifts[to]
        found = queries.find_live_signup(self.shifts[number], self.people[who])
        if found is None or who not in before.places:
            return
        expected = (number == to or self._has_none(who, to)) and self.world.may_take(
            who, after, position, party, vouched=by_staff
        )
        by = self._staff(self.owners[0]) if by_staff else self._person(who)
        changed = self._act(
            operations.change_signup, found.id, by=by, shift_id=self.shifts[to], party_size=party,
            position_id=self._positions(to)[position].id,
        )  # fmt: skip
        assert bool(changed) == expected
        if expected:
            del before.places[who]
            after.places[who] = (position, party)

    @step("line", who=anybody, number=any_shift)
    def let_wait(self, who: int, number: int) -> None:
        """The staff have fewer places: one goes to the waitlist."""
        shift = self.world.shifts[number]
        if who not in shift.places:
            return
        found = queries.find_live_signup(self.shifts[number], self.people[who])
        assert found is not None
        with transaction():
            operations.put_on_waitlist(*places.lock_whole(found.id), by=self._staff(self.owners[0]), why="fewer")
        self.waiting[number, who] = (found.id, *shift.places.pop(who))

    @step("line", which=st.integers(0, 9))
    def give_a_place(self, which: int) -> None:
        """The staff give somebody on the waitlist a place."""
        if not self.waiting:
            return
        number, who = sorted(self.waiting)[which % len(self.waiting)]
        key, position, party = self.waiting[number, who]
        shift = self.world.shifts[number]
        expected = self.world.may_take(who, shift, position, party, vouched=True)
        assert bool(self._act(waitlist.give_place, key, by=self._staff(self.owners[0]))) == expected
        if expected:
            del self.waiting[number, who]
            shift.places[who] = (position, party)

    @step("line", which=st.integers(0, 9))
    def take_what_is_offered(self, which: int) -> None:
        """A place is free, so whoever waits is offered it if the gate lets them; they accept."""
        places = [(number, who) for number, shift in enumerate(self.world.shifts) for who in shift.places]
        if not self.waiting and places:
            number, who = places[which % len(places)]
            self.let_wait(who, number)
        if not self.waiting:
            return
        number, who = sorted(self.waiting)[which % len(self.waiting)]
        key, position, party = self.waiting[number, who]
        shift = self.world.shifts[number]
        with transaction():
            waitlist.offer_on_shift(self.shifts[number])
        was = db.session.get_one(Signup, key)
        status, in_time = was.status, was.offer_expires_at is not None and was.offer_expires_at > self.world.now
        expected = self.world.may_take(who, shift, position, party)
        assert status in ("waitlisted", "offered")
        assert status == "offered" or not expected, "nobody is skipped who could have it"
        # An offer is asked again: what was let through then may not be any more.
        taken = bool(self._act(waitlist.accept, key, by=self._person(who)))
        assert taken == (expected and in_time)
        if taken:
            shift.places[who] = (position, party)
        elif status == "offered" and not in_time:
            with transaction():
                waitlist.expire_offer(key)
        left = db.session.get_one(Signup, key, populate_existing=True).status
        if left not in ("waitlisted", "offered"):
            del self.waiting[number, who]

    # --- time and promised work

    @step("time")
    def pass_a_day(self) -> None:
        if self.day < LAST_DAY:
            self.day += 1
            self.world.now = BEGIN + self.day * DAY
            self.travel.stop()
            self.travel = time_machine.travel(self.world.now, tick=False)
            self.travel.start()

    @step("time")
    def keep_promises(self) -> None:
        """Whoever is not cleared loses the row, too, and both sides hear of it."""
        handlers = current_app.extensions["outbox_handlers"]
        kept = {kind: handlers[kind] if kind in PROTECTIVE else lambda _payload: None for kind in handlers}
        db.session.rollback()
        outcome = jobs.work_off(kept, safety_jobs.SWEEPS)
        assert outcome["failed"] == 0
        db.session.rollback()
        db.session.expire_all()
        ended = {
            row.payload["signup_id"]
            for row in db.session.scalars(sa.select(Outbox).where(Outbox.kind == "signup_ended"))
        }
        for number, shift in enumerate(self.world.shifts):
            for who, (position, party) in list(shift.places.items()):
                if not self.world.cleared(who, shift, position, party):
                    del shift.places[who]
                    rows = db.session.scalars(
                        sa.select(Signup.id).where(
                            Signup.shift_id == self.shifts[number], Signup.person_id == self.people[who]
                        )
                    ).all()
                    assert ended & set(rows), "told to them and to the staff"

    # --- what is seen

    @invariant()
    def nobody_is_worth_more_than_the_model_says(self) -> None:
        if not hasattr(self, "shifts"):
            return
        db.session.rollback()
        db.session.expire_all()
        held = (Signup.shift_id.in_(self.shifts), Signup.status.in_(gate.HOLDING_STATUSES))
        rows = db.session.scalars(queries.with_everything().where(*held)).all()
        refused = gate.list_refusals(rows)
        found = {(self.shifts.index(row.shift_id), self.people.index(row.person_id)): row for row in rows}
        known = {
            (number, who): place
            for number, shift in enumerate(self.world.shifts)
            for who, place in shift.places.items()
        }
        assert found.keys() == known.keys()
        rosters = queries.list_rosters(self.shifts)
        stand = {row.signup_id: row.stands for roster in rosters.values() for row in roster}
        for (number, who), (position, party) in known.items():
            row, cleared = found[number, who], self.world.cleared(who, self.world.shifts[number], position, party)
            assert (row.id not in refused) == cleared, [reason.code for reason in refused.get(row.id, [])]
            assert gate.stands(row) == stand[row.id] == cleared
            assert [one.id for one in row.shift.positions].index(row.position_id) == position
            assert row.party_size == party

    @invariant()
    def everybody_is_judged_as_the_model_does(self) -> None:
        """Who holds a place and who does not, on every shift and position."""
        if not hasattr(self, "shifts"):
            return
        people = [self._person(who) for who in range(PEOPLE)]
        rows = [db.session.get_one(Shift, key, populate_existing=True) for key in self.shifts]
        known = rules.load([(row, person) for row in rows for person in people])
        for number, shift in enumerate(self.world.shifts):
            for place, position in enumerate(rows[number].positions):
                for who, person in enumerate(people):
                    asked = rules.list_rules(rows[number], person, position=position, known=known)
                    let_in = person.is_active and all(rule.met for rule in asked)
                    assert let_in == self.world.cleared(who, shift, place, 1), [
                        one.code for one in asked if not one.met
                    ]

    @step("seen", who=anybody)
    def look(self, who: int) -> None:
        """My help, the API and the calendar say of nobody that they come who does not."""
        cleared = sorted(
            encode_id(self.shifts[number])
            for number, shift in enumerate(self.world.shifts)
            if who in shift.places and self.world.cleared(who, shift, *shift.places[who])
        )
        mine = [entry for entry in list_my_help(self._person(who)).ahead if entry.signup is not None]
        assert sorted(encode_id(one.signup.shift_id) for one in mine if one.status == "confirmed") == cleared  # type: ignore[union-attr]  # filtered
        if not self.world.people[who].active:
            return
        client = current_app.test_client()
        answer = client.get("/api/v1/me/signups?limit=100", headers=self._bearer(who)).json
        assert answer is not None
        assert sorted(row["shift"] for row in answer["data"] if row["status"] == "confirmed") == cleared
        feed = client.get(f"/my-help/calendar/{self.feeds[who]}.ics").text
        assert feed.count("STATUS:CONFIRMED") == len(cleared)

    @step("seen", which=st.integers(0, 20), hours=st.sampled_from((49, 47, 23, 1, 1, 1)))
    def come(self, which: int, hours: int) -> None:
        """What would be shown to somebody so many hours before a shift they have a place on (else to the first one), and
        whether they would be let in at its door."""
        coming = [(number, who) for number, shift in enumerate(self.world.shifts) for who in shift.places] or [(0, 0)]
        number, who = coming[which % len(coming)]
        shift, world = self.world.shifts[number], copy.copy(self.world)
        start = shift.starts or wall(FIRST_SHIFT + DAY, 0, 0)
        world.now = start - hours * HOUR
        with at(world.now):
            need = db.session.get_one(Need, self.needs[shift.need])
            shown = queries.find_exact_address(need, self._person(who))
            assert (shown is not None) == (world.private[shift.need] and world.knows_address(who, shift.need))
            found = queries.find_live_signup(self.shifts[number], self.people[who])
            if who not in shift.places or found is None or hours > 1:
                return
            # Before the sweep looked: what it would write is asked live.
            let_in = self._try_check_in(found.id, self.owners[shift.organization])
            assert let_in == world.may_be_there(who, shift)

    def _try_check_in(self, signup_id: int, owner: int) -> bool:
        try:
            with transaction():
                operations.check_in(signup_id, by=self._staff(owner))
                raise Undone
        except Undone:
            return True
        except Refused:
            return False

    def teardown(self) -> None:
        if hasattr(self, "travel"):
            self.travel.stop()
        db.session.rollback()


def bounded(examples: int, steps: int) -> settings:
    """The same few examples at every run; `make nightly` draws more."""
    return settings(tries(examples), stateful_step_count=steps)


@pytest.mark.rule("G1")
@pytest.mark.rule("G3")
@pytest.mark.rule("G4")
@pytest.mark.rule("G7")
@pytest.mark.rule("N6")
@pytest.mark.rule("S10")
def test_nobody_is_anywhere_whom_the_rules_do_not_clear(app: Flask) -> None:
    run_state_machine_as_test(Placing, settings=bounded(3, 50))


def test_with_the_gate_off_the_same_machine_fails(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    real = rules.list_rules
    monkeypatch.setattr(
        rules, "list_rules", lambda *a, **k: [dataclasses.replace(one, met=True) for one in real(*a, **k)]
    )
    with pytest.raises(AssertionError):
        run_state_machine_as_test(Placing, settings=bounded(5, 50))


def test_where_every_state_is_taken_for_one_with_18_the_same_machine_fails(
    app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(asking, "majority_age_at", lambda *_: 18)
    with pytest.raises(AssertionError):
        run_state_machine_as_test(Placing, settings=bounded(5, 50))


def test_the_model_knows_nothing_of_the_application() -> None:
    tree = ast.parse((Path(__file__).parent / "model.py").read_text())
    imported = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            imported |= {name.name for name in node.names}
        elif isinstance(node, ast.ImportFrom):
            imported.add(node.module or ".")
    assert imported == {"__future__", "dataclasses", "datetime", "zoneinfo"}
