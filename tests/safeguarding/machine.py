"""The facts that the machine of test_model turns: about people, organizations and needs, in the application and in the model."""

from __future__ import annotations

import collections
import datetime as dt
import itertools
from collections.abc import Callable
from typing import Any

import sqlalchemy as sa
import time_machine
from flask import current_app
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
)

from app.accounts.feeds import renew_feed
from app.accounts.models import Person
from app.accounts.operations import create_token, edit_profile, make_link, reset_password
from app.core.clock import now
from app.core.db import db, transaction
from app.core.errors import InvalidInput, Refused
from app.imports.files import Row
from app.imports.mapping import Mapping
from app.imports.needs import NeedImport, Options
from app.learning.courses.models import CourseVersion
from app.moderation.merging import merge_organizations
from app.moderation.operations import grant_contact, resume_organization, suspend_organization, withdraw_contact
from app.needs.models import Need, Position, PrivateAddress, Shift
from app.needs.operations.inputs import PositionInput, ShiftInput
from app.needs.operations.needs import edit_need
from app.needs.operations.shifts import edit_shift
from app.organizations.models import Organization
from app.safeguarding import operations as acts
from app.safeguarding.models import Clearance
from app.safeguarding.requirements import parse
from tests.factories import (
    make_clearance,
    make_course,
    make_member,
    make_need,
    make_organization,
    make_person,
    pass_course,
)
from tests.safeguarding import model
from tests.safeguarding.days import DAY, HOUR, ZONE, dates, wall

BEGIN = dt.datetime(2027, 3, 8, 16, tzinfo=dt.UTC)
# A week of passing days never comes within a day of a shift; what happens then is asked by `come` at that time.
LAST_DAY, FIRST_SHIFT = 7, dt.date(2027, 3, 20)
PEOPLE, STRANGER, ORGANIZATIONS, SHIFTS, NEEDS = 4, 3, 3, 4, 3
# The last one is an adult at home, and not in Alabama.
BIRTHS = (None, dt.date(1990, 5, 17), dt.date(2010, 9, 1), dt.date(2009, 5, 1), dt.date(2008, 9, 1))
# In which state each need is, and from which age somebody is an adult there.
STATES = (("AL", 19), ("NJ", 18), ("NJ", 18))
TIMES = ((12, 0, 2), (20, 0, 2), (21, 0, 3.5))  # the last one ends on the next day
KINDS = ("background_check", "identity", "driving")
PROTECTIVE = (
    "person_facts_changed",
    "person_facts_changed_pledges",
    "organization_rules_changed",
    "course_asks_again",
    "shift_changed",
)

anybody = st.integers(0, PEOPLE - 1)
any_organization = st.integers(0, ORGANIZATIONS - 1)
either = st.integers(0, 1)
any_shift = st.integers(0, SHIFTS - 1)

CHOICES = ("good", "good", "today", "future", "expired", "last day", "day before", "day after", "tomorrow")


STEPS: dict[str, list[st.SearchStrategy[tuple[str, dict[str, Any]]]]] = collections.defaultdict(list)


def step(group: str, **arguments: st.SearchStrategy[Any]) -> Callable[[Any], Any]:
    """A step of the machine, drawn among those of its group: each group is as likely as every other."""

    def noted(method: Any) -> Any:
        STEPS[group].append(st.tuples(st.just(method.__name__), st.fixed_dictionaries(arguments)))
        return method

    return noted


def one_of(group: str) -> st.SearchStrategy[tuple[str, dict[str, Any]]]:
    """Any step of a group, once all are known."""
    return st.deferred(lambda: st.one_of(STEPS[group]))


class Undone(Exception):
    """An act that was only tried."""


NUMBERS = itertools.count(1)
IMPORTED = (wall(FIRST_SHIFT + 3 * DAY, 14, 0), wall(FIRST_SHIFT + 3 * DAY, 16, 0))


class Facts(RuleBasedStateMachine):
    """The application beside the model, and every fact that decides about people."""

    def _act(self, act: Callable[..., Any], *arguments: Any, **values: Any) -> Any:
        """What the act gives, or None when it was refused."""
        try:
            with transaction():
                return act(*arguments, **values) or True
        except (Refused, InvalidInput):
            return None

    # --- the beginning

    @initialize(
        births=st.tuples(st.sampled_from(BIRTHS[1:4]), st.sampled_from((BIRTHS[4], *BIRTHS[2:]))),
        contacts=st.lists(st.sampled_from(("none", "children", "children")), min_size=3, max_size=3),
    )
    def begin(self, births: tuple[dt.date, dt.date], contacts: list[str]) -> None:
        self.travel = time_machine.travel(BEGIN, tick=False)
        self.travel.start()
        self.day = 0
        born = [BIRTHS[1], *births, BIRTHS[1]]
        self.world = model.World(
            zone=ZONE,
            now=BEGIN,
            organizations=[model.Organization() for _one in range(ORGANIZATIONS)],
            people=[model.Person(birth, account=number != STRANGER) for number, birth in enumerate(born)],
            shifts=[],
            need_asks=[set() for _one in range(NEEDS)],
            private=[True, False, True],
            majority=[age for _state, age in STATES],
        )
        self.people = [
            make_person(birth_date=birth, password_hash=None if number == STRANGER else "of a password").id
            for number, birth in enumerate(born)
        ]
        self.moderators = [make_person(platform_role="moderator").id for _one in range(2)]
        self.organizations = [make_organization(name=f"Kitchen {next(NUMBERS)}").id for _one in range(ORGANIZATIONS)]
        self.owners = [make_member(self._organization(one), "owner").id for one in range(ORGANIZATIONS)]
        self.managers = [make_member(self._organization(one), "manager").id for one in range(ORGANIZATIONS)]
        self.guardians: dict[int, int] = {}
        self.records: list[tuple[int, model.Clearance, int]] = []
        self.waived: list[tuple[int, model.Exemption]] = []
        self.acceptances: list[tuple[int, int]] = []
        self.spoken: list[set[int]] = [set() for _one in range(ORGANIZATIONS)]
        self.given_back: dict[int, tuple[int, int, int, int, int]] = {}
        self.waiting: dict[tuple[int, int], tuple[int, int, int]] = {}
        self.holds: list[tuple[int, int, int, int, int]] = []
        self.merged, self.rows = False, 0
        db.session.expire_all()
        # An earlier history of the same run may have published versions already: they stay.
        version = (
            db.session.scalars(sa.select(CourseVersion).order_by(CourseVersion.number.desc())).first() or make_course()
        )
        self.course = self.first_version = version.number
        self.world.course_counts_from = version.course.counts_from
        self.passed: list[tuple[int, model.Completion, int]] = []
        self._make_shifts(contacts)
        with transaction():
            self.tokens = [
                create_token(self._person(who), scopes=["signups:read", "signups:write"]) for who in range(PEOPLE)
            ]
            self.feeds = [renew_feed(person, by=self._person(0)) for person in self.people]
        for one in range(2):
            for moderator in range(2):
                self.decide_about_contact(one, moderator)
        # They begin with what a shift with children asks; what follows takes it from them.
        for who in range(STRANGER):
            self.record(who, 0, "background_check", "good", True)
            if who != 1:
                self.record(who, 1, "background_check", "good", True)
            if self.world.people[who].birth in BIRTHS[2:4]:
                for answer in ("ask", "yes"):
                    self.guard(who, answer)
                self.speak_to_guardian(len(self.guardians) - 1, 0)
        self.record(0, 0, "driving", "good", True)
        # Of one only an organization says so that nobody looked at, and they share that.
        self.record(STRANGER, 2, "background_check", "good", True)
        for one in range(2):
            self.share(len(self.records) - 1, one, True)
        # One shift asks for the course in one of its tasks, another of everybody: one person shares it, one does not.
        with transaction():
            self._positions(0)[1].requirements = [model.COURSE]
            db.session.get_one(Need, self.needs[2]).requirements = [model.COURSE]
        self.world.shifts[0].positions[1] = {model.COURSE}
        self.world.need_asks[2] = {model.COURSE}
        for who in (0, 2):
            self.take_the_course(who, 0, 700)
        for one in range(2):
            self.share_the_course(0, one, True)

    def _make_shifts(self, contacts: list[str]) -> None:
        homes = (0, 0, 1)
        needs = [make_need(self._organization(home), private_address=self.world.private[number], time_zone=ZONE,
                           region=STATES[number][0]).id
                 for number, home in enumerate(homes) if number != 1]  # fmt: skip
        with transaction():
            for need in needs:
                db.session.add(PrivateAddress(need_id=need, address="7 Canary Row"))
        self._import("")
        listed = db.session.scalars(sa.select(Need.id).where(Need.organization_id == self.organizations[0])).all()
        imported = next(need for need in listed if need not in needs)
        self.needs = [needs[0], imported, needs[1]]
        self.shifts: list[int] = []
        with transaction():
            for number, need in enumerate((0, 0, 2)):
                starts = wall(FIRST_SHIFT + number * DAY, 12, 0)
                flexible = number == 2
                shift = Shift(
                    need_id=self.needs[need], time_zone=ZONE, contact=contacts[number], flexible=flexible,
                    starts_at=None if flexible else starts, ends_at=None if flexible else starts + 2 * HOUR,
                    due_on=FIRST_SHIFT if flexible else None,
                )  # fmt: skip
                db.session.add(shift)
                db.session.flush()
                for sort in range(2):
                    db.session.add(Position(shift_id=shift.id, name=f"task {sort}", capacity=50, sort=sort))
                db.session.flush()
                self.shifts.append(shift.id)
                self.world.shifts.append(
                    model.Shift(
                        need,
                        homes[need],
                        [set(), set()],
                        shift.starts_at,
                        shift.ends_at,
                        shift.due_on,
                        contacts[number],
                    )
                )
        own = db.session.scalars(sa.select(Shift).where(Shift.need_id == imported)).one()
        self.world.shifts.append(model.Shift(1, 0, [set()], own.starts_at, own.ends_at, contact="not_stated"))
        self.shifts.append(own.id)

    def _person(self, who: int) -> Person:
        return db.session.get_one(Person, self.people[who])

    def _staff(self, key: int) -> Person:
        return db.session.get_one(Person, key)

    def _organization(self, one: int) -> Organization:
        return db.session.get_one(Organization, self.organizations[one])

    def _home(self, one: int) -> int:
        """The second organization is part of the first one once it was merged."""
        return 0 if self.merged and one == 1 else one

    def _positions(self, number: int) -> list[Position]:
        return list(db.session.get_one(Shift, self.shifts[number], populate_existing=True).positions)

    # --- facts about people

    @step(
        "people",
        who=anybody,
        one=any_organization,
        kind=st.sampled_from(KINDS),
        choice=st.sampled_from(CHOICES),
        accepted=st.booleans(),
    )
    def record(self, who: int, one: int, kind: str, choice: str, accepted: bool) -> None:
        one = self._home(one)
        accepted = accepted or choice != "good"
        issued, ends = dates(self.world.today, FIRST_SHIFT, choice)
        made = make_clearance(
            self._person(who), self._organization(one), kind, issued_on=issued, expires_on=ends,
            outcome="accepted" if accepted else "declined",
        )  # fmt: skip
        known = model.Clearance(kind, one, issued, ends, accepted, recorded=self.world.today)
        self.world.people[who].clearances.append(known)
        self.records.append((made.id, known, who))

    @step("people", which=st.integers(0, 40))
    def revoke(self, which: int) -> None:
        if not self.records:
            return
        key, known, _who = self.records[which % len(self.records)]
        if self._act(acts.revoke_clearance, key, by=self._staff(self.owners[known.by]), reason="It was a mistake"):
            known.revoked = True

    @step("people", which=st.integers(0, 40), one=any_organization, shares=st.booleans())
    def share(self, which: int, one: int, shares: bool) -> None:
        if not self.records:
            return
        key, known, who = self.records[which % len(self.records)]
        one = self._home(one)
        act = acts.share_clearance if shares else acts.unshare_clearance
        if self._act(act, key, self.organizations[one], by=self._person(who)) and one != known.by:
            (known.shared.add if shares else known.shared.discard)(one)

    @step(
        "people",
        who=anybody,
        one=st.integers(0, 1),
        kind=st.sampled_from(KINDS),
        last=st.sampled_from((-1, 0, 1, 60)),
        agreed=st.booleans(),
    )
    def waive(self, who: int, one: int, kind: str, last: int, agreed: bool) -> None:
        one = self._home(one)
        known = model.Exemption(kind, one, self.world.today, FIRST_SHIFT + last * DAY)
        owner, manager = self._staff(self.owners[one]), self._staff(self.managers[one])
        asked = self._act(
            acts.ask_exemption, self.organizations[one], by=owner, email=self._person(who).email, kind=kind,
            level="us_fitness" if kind == "background_check" else "", reason="later", starts_on=known.first, ends_on=known.last,
        )  # fmt: skip
        assert not (asked and kind == "background_check")
        if asked is None:
            return
        assert self._act(acts.agree_exemption, asked.id, by=owner) is None, "two people"
        known.agreed = bool(agreed and self._act(acts.agree_exemption, asked.id, by=manager))
        self.world.people[who].exemptions.append(known)
        self.waived.append((asked.id, known))

    @step("people", who=anybody, wrong=st.sampled_from((0, 0, 0, 14)), left=st.sampled_from((700, 700, 12, 11, 0, -1)))
    def take_the_course(self, who: int, wrong: int, left: int) -> None:
        """To its end, passed or not; `left`: days that a completion still holds (some were passed long ago)."""
        if not self.world.people[who].active:
            return
        # A minor does nothing before a guardian consents.
        person = self.world.people[who]
        minor = person.birth is not None and model.age(person.birth, self.world.today) < model.ADULT
        try:
            made = pass_course(self._person(who), wrong=wrong)
        except Refused:
            assert minor
            assert person.guardian != "consented"
            return
        assert (made is None) == bool(wrong)
        assert not (minor and person.guardian != "consented")
        if made is None:
            return
        last = self.world.today + left * DAY
        with transaction():
            row = db.session.get_one(Clearance, made.id)
            row.issued_on, row.expires_on = last - 700 * DAY, last
        known = model.Completion(self.course, last)
        person.completions.append(known)
        self.passed.append((made.id, known, who))

    @step("people", which=st.integers(0, 20), one=any_organization, shares=st.sampled_from((True, True, False)))
    def share_the_course(self, which: int, one: int, shares: bool) -> None:
        if not self.passed:
            return
        key, known, who = self.passed[which % len(self.passed)]
        one = self._home(one)
        act = acts.share_clearance if shares else acts.unshare_clearance
        if self._act(act, key, self.organizations[one], by=self._person(who)):
            (known.shared.add if shares else known.shared.discard)(one)

    @step("organizations", again=st.booleans())
    def publish_a_course(self, again: bool) -> None:
        """A new version of the course: a minor one, or one that asks everybody again."""
        if self.course > self.first_version + 3:
            return
        self.course += 1
        make_course(version=self.course, asks_again=again)
        if again:
            self.world.course_counts_from = self.course

    @step("people", which=st.integers(0, 20))
    def end_waiver(self, which: int) -> None:
        if not self.waived:
            return
        key, known = self.waived[which % len(self.waived)]
        if self._act(acts.end_exemption, key, by=self._staff(self.owners[known.by])):
            known.ended = True

    @step("people", who=anybody, birth=st.sampled_from(BIRTHS))
    def change_birth_date(self, who: int, birth: dt.date | None) -> None:
        if self._act(edit_profile, self.people[who], by=self._person(who), birth_date=birth):
            self.world.people[who].birth = birth

    @step("people", who=anybody, active=st.sampled_from((True, True, False)))
    def hold(self, who: int, active: bool) -> None:
        """No event at all: whoever holds somebody is believed at the next read."""
        with transaction():
            self._person(who).status = "active" if active else "held"
        self.world.people[who].active = active

    @step("people", who=anybody, verified=st.sampled_from((True, True, False)))
    def prove_address(self, who: int, verified: bool) -> None:
        with transaction():
            self._person(who).email_verified_at = now() if verified else None
        self.world.people[who].verified = verified

    def shut_out(self, who: int) -> None:
        """Whoever chose the password never showed that the address is theirs, and staff speak of somebody who has it: nothing
        that was opened with the password opens anything now."""
        known, person = self.world.people[who], self._person(who)
        if known.account:
            known.account = False
            assert person.password_hash is None
            self.let_in_anew(who)

    def let_in_anew(self, who: int) -> None:
        """The calendar and the token of somebody whose are dead: they make others."""
        client = current_app.test_client()
        assert client.get(f"/my-help/calendar/{self.feeds[who]}.ics").status_code == 404
        sent = client.get("/api/v1/me/signups", headers={"Authorization": f"Bearer {self.tokens[who]}"})
        assert sent.status_code == 401
        with transaction():
            self.tokens[who] = create_token(self._person(who), scopes=["signups:read", "signups:write"])
            self.feeds[who] = renew_feed(self.people[who], by=self._person(who))

    @step("people", who=st.sampled_from((STRANGER, STRANGER, 0)))
    def get_an_account(self, who: int) -> None:
        """Whoever had only links registers with the same address: what they promised as a guest is theirs, as it was."""
        with transaction():
            promise = f"mail_reset_password:{self.people[who]}:{next(NUMBERS)}"
            token = make_link(self._person(who), "reset_password", promise=promise)
        if self._act(reset_password, token, "many hands, light work"):
            self.world.people[who].account = self.world.people[who].verified = True
            self.let_in_anew(who)

    @step("people", who=anybody, step=st.sampled_from(("ask", "yes", "yes", "no", "withdraw")))
    def guard(self, who: int, step: str) -> None:
        known = self.world.people[who]
        if step == "ask":
            asked = self._act(
                acts.ask_guardian, self.people[who], by=self._person(who), name="Robin", email="robin@example.com"
            )
            if asked is not None:
                self.guardians[who], known.guardian, known.spoken_to_by = asked.id, "asked", set()
        elif who in self.guardians:
            act = acts.withdraw_guardianship if step == "withdraw" else acts.answer_guardianship
            said = {} if step == "withdraw" else {"consents": step == "yes"}
            if self._act(act, self.guardians[who], **said) is None:
                return
            if step == "yes":
                known.guardian = "consented"
            elif step == "no" or known.guardian == "consented":
                known.guardian, known.spoken_to_by = "", set()

    @step("people", which=st.integers(0, 5), one=st.integers(0, 1))
    def speak_to_guardian(self, which: int, one: int) -> None:
        if not self.guardians:
            return
        who = sorted(self.guardians)[which % len(self.guardians)]
        one = self._home(one)
        owner = self._staff(self.owners[one])
        if self._act(acts.confirm_guardian, self.guardians[who], self.organizations[one], by=owner, means="telephone"):
            self.world.people[who].spoken_to_by.add(one)

    # --- facts about organizations

    @step("organizations", one=either, moderator=st.sampled_from((0, 1, 0, 1, None)))
    def decide_about_contact(self, one: int, moderator: int | None) -> None:
        """One more of two moderators agrees, or (None) one ends it."""
        one = self._home(one)
        by, organization = self._staff(self.moderators[moderator or 0]), self.world.organizations[one]
        act = withdraw_contact if moderator is None else grant_contact
        if self._act(act, self.organizations[one], by=by, checked="policy"):
            organization.moderators = 0 if moderator is None else organization.moderators + 1

    @step("organizations", one=any_organization, suspended=st.sampled_from((False, False, True)))
    def suspend(self, one: int, suspended: bool) -> None:
        one = self._home(one)
        act = suspend_organization if suspended else resume_organization
        if self._act(act, self.organizations[one], by=self._staff(self.moderators[0]), reason="complaint"):
            self.world.organizations[one].suspended = suspended

    @step(
        "organizations",
        one=st.integers(0, 1),
        asks=st.sampled_from((set(), set(), {"identity"}, {"code_of_conduct"}, {model.COURSE})),
    )
    def ask_everybody(self, one: int, asks: set[str]) -> None:
        one = self._home(one)
        wanted = parse(sorted(asks))
        if self._act(acts.set_profile, self.organizations[one], wanted, by=self._staff(self.owners[one])):
            self.world.organizations[one].asks = asks

    @step("organizations", one=st.integers(0, 1))
    def publish(self, one: int) -> None:
        one = self._home(one)
        text = f"Words {self.world.organizations[one].conduct}"
        if self._act(acts.publish_conduct, self.organizations[one], text, by=self._staff(self.owners[one])):
            self.world.organizations[one].conduct += 1

    @step("people", who=anybody, one=st.integers(0, 1))
    def accept(self, who: int, one: int) -> None:
        one = self._home(one)
        version = self.world.organizations[one].conduct
        if accepted := self._act(acts.accept_conduct, self.organizations[one], version, by=self._person(who)):
            self.world.people[who].accepted[one] = version
            self.acceptances.append((accepted.id, who))

    @step("people", which=st.integers(0, 5), one=any_organization)
    def share_what_they_accepted(self, which: int, one: int) -> None:
        """To another organization that says nothing: its own words are others."""
        if not self.acceptances:
            return
        key, who = self.acceptances[which % len(self.acceptances)]
        self._act(acts.share_clearance, key, self.organizations[self._home(one)], by=self._person(who))

    @step("organizations", with_members=st.booleans())
    def merge(self, with_members: bool) -> None:
        if self.merged or self.day < 2:
            return
        gone, by = self._organization(1), self._staff(self.moderators[0])
        if not self._act(
            merge_organizations, gone.id, self.organizations[0], by=by, typed_name=gone.name, with_members=with_members
        ):
            return
        self.merged = True
        # Whom nobody looked at does not come to work with children by the word of the one moderator who merges.
        kept, gone_one = self.world.organizations[:2]
        stand = with_members and not (kept.moderators >= 2 > gone_one.moderators)
        # What either asked of people goes on being asked.
        self.world.organizations[0].asks = self.world.organizations[0].asks | self.world.organizations[1].asks
        for person in self.world.people:
            # What two people of the one agreed to is not agreed to by the other.
            for waived in person.exemptions:
                waived.ended = waived.ended or waived.by == 1
            if not stand:
                # Nobody of the one that remains said it.
                for known in person.clearances:
                    known.revoked = known.revoked or known.by == 1
                    known.shared.discard(1)
                for passed in person.completions:
                    passed.shared.discard(1)
                person.spoken_to_by.discard(1)
            for known in person.clearances:
                known.by = self._home(known.by)
            for held in (*person.clearances, *person.completions):
                held.shared = {self._home(one) for one in held.shared}
            person.spoken_to_by = {self._home(one) for one in person.spoken_to_by}
            person.accepted.pop(1, None)
            person.let_go(0)
        for shift in self.world.shifts:
            shift.organization = self._home(shift.organization)

    # --- edits

    @step("needs", number=any_shift, contact=st.sampled_from(("none", "children", "children", "adults_at_risk")),
          minimum_age=st.sampled_from((None, None, 18)), times=st.sampled_from(TIMES),
          asks=st.sampled_from((None, None, frozenset(), frozenset({"driving"}), frozenset({model.COURSE}))))  # fmt: skip
    def edit_a_shift(
        self,
        number: int,
        contact: str,
        minimum_age: int | None,
        times: tuple[int, int, float],
        asks: frozenset[str] | None,
    ) -> None:
        row, known = db.session.get_one(Shift, self.shifts[number], populate_existing=True), self.world.shifts[number]
        starts, ends = known.starts, known.ends
        if starts is not None:
            starts = wall(self.world.local(starts).date(), times[0], times[1])
            ends = starts + times[2] * HOUR
        wanted = [set(one) for one in known.positions]
        if asks is not None:
            wanted[-1] = set(asks)
        positions = tuple(
            PositionInput(position.name, 50, position.id, tuple(sorted(asked)))
            for position, asked in zip(row.positions, wanted, strict=True)
        )
        values = ShiftInput(positions, starts, ends, row.flexible, known.due, contact, minimum_age, ZONE)
        if self._act(edit_shift, row.id, values, by=self._staff(self.owners[known.organization])):
            known.contact, known.age, known.starts, known.ends = contact, minimum_age, starts, ends
            known.positions = wanted

    @step(
        "needs",
        need=st.integers(0, NEEDS - 1),
        asks=st.sampled_from((set(), set(), {"identity"}, {"driving"}, {model.COURSE})),
    )
    def edit_a_need(self, need: int, asks: set[str]) -> None:
        owner = self._staff(self.owners[0])
        if self._act(edit_need, self.needs[need], by=owner, requirements=sorted(asks)):
            self.world.need_asks[need] = asks

    @step("needs", contact=st.sampled_from(("none", "children", "children", "")))
    def import_a_row(self, contact: str) -> None:
        rejects = self._import(contact)
        known = self.world.shifts[3]
        if not rejects:
            known.contact = contact or known.contact
            known.starts, known.ends = IMPORTED

    def _import(self, contact: str) -> list[Any]:
        self.rows += 1
        cells = {
            "external_id": "row", "title": "Sort books", "description": f"For the library {self.rows}", "remote": "yes",
            "starts_at": IMPORTED[0].isoformat(), "ends_at": IMPORTED[1].isoformat(), "time_zone": ZONE, "capacity": "50",
            "contact": contact,
        }  # fmt: skip
        with transaction():
            slug = self._organization(0).slug
            taking = NeedImport(Options(Mapping(), organization=slug, publish=True))
            return list(taking.take([Row(2, cells)]))
