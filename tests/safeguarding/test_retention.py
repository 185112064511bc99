"""How long what decides about people is kept (G3), as the table in docs/safeguarding.md has it: each on its day, the day before
not, and the audit trail keeps ids alone."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import Any

import pytest
import sqlalchemy as sa
import time_machine
from flask import Flask

from app.accounts.models import Person
from app.core.audit import AuditEvent
from app.core.clock import now, today
from app.core.db import db, transaction, uses_sqlite
from app.organizations.models import Organization
from app.safeguarding import operations as acts
from app.safeguarding.models import Clearance, ClearanceShare, Exemption, GuardianConfirmation, Guardianship
from app.safeguarding.operations import clearances
from app.signups import unused
from app.signups.models import ShiftStaff, Signup
from tests.conftest import CheckingClient
from tests.factories import (
    make_clearance,
    make_guardian,
    make_member,
    make_need,
    make_organization,
    make_person,
    make_shift,
)
from tests.safeguarding.common import DAY, HOUR, approved_organization, codes, contact_shift, do, refused

SignIn = Callable[..., CheckingClient]
WorkOff = Callable[[], dict[str, int]]
SECOND = dt.timedelta(seconds=1)


@pytest.fixture
def owner(app: Flask) -> Person:
    return make_person(name="Olga Owner")


@pytest.fixture
def organization(owner: Person) -> Organization:
    return approved_organization(owner)


def left(table: Any, act: Callable[[], object], at: dt.datetime) -> int:
    """How many rows there are when the act was done at that time."""
    with time_machine.travel(at, tick=False):
        do(act)
    db.session.rollback()
    return db.session.scalar(sa.select(sa.func.count()).select_from(table)) or 0


def midnight(day: dt.date) -> dt.datetime:
    """The moment from which that day has come everywhere on earth."""
    return dt.datetime.combine(day, dt.time(12), dt.UTC)


def written(action: str) -> list[dict[str, Any]]:
    """What the audit trail keeps of it."""
    db.session.rollback()
    return [row.data for row in db.session.scalars(sa.select(AuditEvent).where(AuditEvent.action == action))]


# --- what was not accepted ------------------------------------------------------------------------------------------


@pytest.mark.rule("G1")
@pytest.mark.rule("G3")
@pytest.mark.parametrize("is_guarded", [True, False])
def test_that_a_check_was_not_accepted_outlives_what_it_was_read_from(
    organization: Organization, owner: Person, client: CheckingClient, sign_in: SignIn,
    monkeypatch: pytest.MonkeyPatch, *, is_guarded: bool,
) -> None:  # fmt: skip
    if not is_guarded:
        monkeypatch.setattr(clearances, "_keep_the_word", lambda _clearance: False)
    person, elsewhere = make_person(), approved_organization()
    seen = {"email": person.email, "kind": "background_check", "level": "us_fitness", "issuer": "State Police",
            "reference": "NJ-1", "issued_on": today("UTC") - DAY}  # fmt: skip
    declined = do(acts.record_clearance, organization.id, by=owner, outcome="declined", **seen)
    assert declined.purge_on is not None
    kept_whole = declined.purge_on
    # Recorded by another one later, and earlier by what is written on it: nobody had to know of it before.
    earlier = make_clearance(person, elsewhere, issued_on=today("UTC") - 2 * DAY, expires_on=today("UTC") + 900 * DAY)
    sign_in(person)
    assert "then only that it was not accepted, until" in client.get("/my-clearances").text
    ends = declined.issued_on + 3 * 365 * DAY
    for day, there in ((kept_whole - DAY, True), (kept_whole, is_guarded), (ends, is_guarded), (ends + DAY, False)):
        assert left(Clearance, acts.purge_clearances, midnight(day)) == 1 + there, day
    if not is_guarded:
        return
    assert written("clearance.reduced") == [{"person_id": person.id}]
    declined = do(acts.record_clearance, organization.id, by=owner, outcome="declined", **seen)
    assert declined.purge_on is not None
    kept_whole = declined.purge_on
    assert left(Clearance, acts.purge_clearances, midnight(kept_whole)) == 2
    row = db.session.get_one(Clearance, declined.id)
    assert (row.kind, row.level, row.outcome, row.issued_on) == (
        "background_check", "us_fitness", "declined", seen["issued_on"],
    )  # fmt: skip
    assert (row.issuer, row.reference, row.expires_on, row.recorded_by_id, row.objection) == ("", "", None, None, "")
    db.session.rollback()
    with time_machine.travel(midnight(kept_whole + DAY), tick=False):
        assert refused(acts.share_clearance, earlier.id, organization.id, by=person) == ["declined"]
        with transaction():
            db.session.add(ClearanceShare(clearance_id=earlier.id, organization_id=organization.id, consented_at=now()))
        assert codes(contact_shift(organization), person) == ["background_check_required"]
    sign_in(owner)
    assert client.get(f"/manage/{organization.slug}/clearances").status_code == 200


@pytest.mark.rule("G3")
def test_what_was_not_accepted_goes_once_there_is_nothing_that_it_decides(
    organization: Organization, owner: Person
) -> None:
    person, day = make_person(), today("UTC") - DAY
    acts_of = {"email": person.email, "outcome": "declined", "by": owner}
    do(acts.record_clearance, organization.id, kind="identity", issued_on=day, **acts_of)
    do(acts.record_clearance, organization.id, kind="medical", issued_on=day - 200 * DAY, **acts_of)
    # By its own date nothing earlier than that medical is good any more; identity has no end, and there is none.
    after = midnight(day + 368 * DAY)
    earlier = make_clearance(person, approved_organization(), "identity", issued_on=day - DAY)
    assert left(Clearance, acts.purge_clearances, after) == 2
    with transaction():
        db.session.delete(db.session.get_one(Clearance, earlier.id))
    assert left(Clearance, acts.purge_clearances, after + 364 * DAY) == 1
    assert left(Clearance, acts.purge_clearances, after + 366 * DAY) == 0
    # What staff took back as a mistake decides nothing, and goes on its day.
    mistake = do(
        acts.record_clearance, organization.id, kind="background_check", level="us_fitness", issued_on=day, **acts_of
    )
    do(acts.revoke_clearance, mistake.id, by=owner, reason="Somebody else’s")
    assert left(Clearance, acts.purge_clearances, midnight(day + 183 * DAY)) == 0


@pytest.mark.rule("G3")
def test_what_somebody_decides_about_at_the_moment_is_left_to_the_next_sweep(
    organization: Organization, owner: Person
) -> None:
    """Where there are row locks: what is revoked, or objected to, while the sweep reads keeps what was said."""
    person, day = make_person(), today("UTC") - DAY
    seen = {"email": person.email, "by": owner, "outcome": "declined", "issuer": "State Police", "issued_on": day}
    declined = do(acts.record_clearance, organization.id, kind="background_check", level="us_fitness", **seen)
    unlimited = make_clearance(person, organization, "identity", created_at=now() - 400 * DAY, purge_on=None)
    assert declined.purge_on is not None
    due, later = midnight(declined.purge_on), declined.purge_on + 180 * DAY
    declined_id, unlimited_id = declined.id, unlimited.id
    db.session.rollback()
    if uses_sqlite():  # one act writes at a time: nothing is meanwhile, and both are due
        with time_machine.travel(due, tick=False):
            assert (do(acts.purge_clearances), do(unused.purge_unused)) == (1, 1)
        return
    with db.engine.connect() as other:
        revoked = sa.update(Clearance).where(Clearance.id.in_((declined_id, unlimited_id)))
        other.execute(revoked.values(revoked_at=now(), purge_on=later))
        with time_machine.travel(due, tick=False):
            for sweep in (acts.purge_clearances, unused.purge_unused):
                with transaction():
                    # Without the lock it would wait for the other, and then write what it had read before.
                    db.session.execute(sa.text("SET LOCAL lock_timeout = '2s'"))
                    assert sweep() == 0
        other.commit()
    with time_machine.travel(due, tick=False):
        assert (do(acts.purge_clearances), do(unused.purge_unused)) == (0, 0)
    row = db.session.get_one(Clearance, declined_id)
    assert (row.purge_on, row.issuer) == (later, "State Police")


# --- clearances without an end --------------------------------------------------------------------------------------


@pytest.mark.rule("G3")
@pytest.mark.parametrize("kind", ["identity", "code_of_conduct"])
def test_what_has_no_end_goes_a_year_after_it_was_last_of_use(organization: Organization, kind: str) -> None:
    person = make_person()
    clearance = make_clearance(person, organization, kind, expires_on=None)
    make_clearance(make_person(), organization, "driving", purge_on=today("UTC") + 999 * DAY)
    made_at = now()
    assert left(Clearance, unused.purge_unused, made_at + 365 * DAY - HOUR) == 2
    shift = make_shift(make_need(organization), days=100)
    assert shift.ends_at is not None
    ends_at = shift.ends_at
    with transaction():
        shift = db.session.merge(shift)
        row = Signup(shift_id=shift.id, position_id=shift.positions[0].id, party_size=1, person_id=person.id,
                     status="completed", created_at=now())  # fmt: skip
        db.session.add(row)
        shift.positions[0].taken += 1
    assert left(Clearance, unused.purge_unused, made_at + 366 * DAY) == 2, "they helped since"
    assert left(Clearance, unused.purge_unused, ends_at + 365 * DAY - SECOND) == 2
    assert left(Clearance, unused.purge_unused, ends_at + 365 * DAY + SECOND) == 1
    assert written("clearance.purged") == [{"person_id": person.id}]
    assert db.session.get(Clearance, clearance.id) is None


@pytest.mark.rule("G3")
@pytest.mark.parametrize("how", ["a place ahead", "a role without an end", "of the staff", "shared since", "elsewhere"])
def test_whatever_rests_on_it_keeps_it(organization: Organization, owner: Person, how: str) -> None:
    person = make_person()
    recorded_by = organization if how in ("a place ahead", "a role without an end", "of the staff") else None
    other = recorded_by or make_organization()
    clearance = make_clearance(person, other, "identity", expires_on=None, created_at=now() - 900 * DAY)
    shift = make_shift(make_need(organization), days=30)
    with transaction():
        shift = db.session.merge(shift)
        if how == "a role without an end":
            shift.starts_at = shift.ends_at = None
            shift.flexible = True
        if how == "of the staff":
            row: Any = ShiftStaff(shift_id=shift.id, person_id=person.id, named_by_id=owner.id, created_at=now())
        else:
            status = "confirmed" if how != "elsewhere" else "completed"
            row = Signup(shift_id=shift.id, position_id=shift.positions[0].id, party_size=1, person_id=person.id,
                         status=status, created_at=now() - 800 * DAY)  # fmt: skip
            shift.positions[0].taken += 1
        db.session.add(row)
        if how in ("shared since", "elsewhere"):
            consented_at = now() - DAY if how == "shared since" else now() - 900 * DAY
            db.session.add(
                ClearanceShare(clearance_id=clearance.id, organization_id=organization.id, consented_at=consented_at)
            )
    assert left(Clearance, unused.purge_unused, now()) == 1
    with transaction():
        db.session.delete(db.session.merge(row))
        db.session.execute(sa.delete(ClearanceShare))
    assert left(Clearance, unused.purge_unused, now()) == 0, "the same without it"


@pytest.mark.rule("G3")
def test_a_place_elsewhere_or_one_that_was_given_back_is_no_use(organization: Organization) -> None:
    person = make_person()
    make_clearance(person, organization, "identity", expires_on=None, created_at=now() - 900 * DAY)
    granted = make_clearance(person, None, "training", expires_on=None, created_at=now() - 900 * DAY)
    for need, status in ((make_need(organization), "cancelled"), (make_need(make_organization()), "completed")):
        shift = make_shift(need, days=-3)
        with transaction():
            shift = db.session.merge(shift)
            db.session.add(
                Signup(shift_id=shift.id, position_id=shift.positions[0].id, party_size=1, person_id=person.id,
                       status=status, created_at=now() - 9 * DAY)
            )  # fmt: skip
    do(unused.purge_unused)
    # What the platform itself recorded is its person's own: every place keeps it.
    assert db.session.scalars(sa.select(Clearance.id)).all() == [granted.id]


# --- exemptions -----------------------------------------------------------------------------------------------------


@pytest.mark.rule("G3")
@pytest.mark.parametrize("how", ["to its last day", "ended before", "never agreed"])
def test_an_exemption_and_its_reason_go_a_year_after_its_end(
    organization: Organization, owner: Person, how: str
) -> None:
    person, manager, day = make_person(), make_member(organization, "manager"), today("America/New_York")
    asked = do(
        acts.ask_exemption, organization.id, by=owner, email=person.email, kind="driving", reason="Starts soon",
        starts_on=day, ends_on=day + 10 * DAY,
    )  # fmt: skip
    goes_at = midnight(day + 375 * DAY)
    if how != "never agreed":
        do(acts.agree_exemption, asked.id, by=manager)
    if how == "ended before":
        ended = do(acts.end_exemption, asked.id, by=manager)
        goes_at = ended.ended_at + 365 * DAY
    assert left(Exemption, acts.purge_exemptions, goes_at - SECOND) == 1
    assert left(Exemption, acts.purge_exemptions, goes_at) == 0
    assert written("exemption.purged") == [{"person_id": person.id}]


# --- guardians ------------------------------------------------------------------------------------------------------


@pytest.mark.rule("G3")
@pytest.mark.rule("G4")
@pytest.mark.parametrize("status", ["asked", "declined", "withdrawn", "replaced"])
def test_whoever_is_no_guardian_is_forgotten(organization: Organization, status: str) -> None:
    minor = make_person(birth_date=today("UTC") - 15 * 366 * DAY)
    values = {} if status == "asked" else {"withdrawn_at": now()}
    make_guardian(minor, confirmed_by=organization, status=status, **values)
    days = 90 if status == "asked" else 180
    assert left(Guardianship, acts.purge_guardianships, now() + days * DAY - HOUR) == 1
    assert left(Guardianship, acts.purge_guardianships, now() + days * DAY + HOUR) == 0
    assert db.session.scalar(sa.select(sa.func.count()).select_from(GuardianConfirmation)) == 0
    assert written("guardianship.purged") == [{"person_id": minor.id}]


@pytest.mark.rule("G3")
@pytest.mark.rule("G4")
@pytest.mark.parametrize(("country", "years"), [("US", 18), (None, 18), ("KR", 19), ("SG", 21)])
def test_a_guardian_is_forgotten_when_the_minor_has_been_of_age_for_180_days(
    organization: Organization, country: str | None, years: int
) -> None:
    with time_machine.travel(dt.datetime(2026, 11, 28, 12, tzinfo=dt.UTC), tick=False):
        minor = make_person(birth_date=dt.date(2010, 3, 1), country=country)
        make_guardian(minor, confirmed_by=organization)
    day = dt.date(2010 + years, 3, 1) + 180 * DAY
    assert left(Guardianship, acts.purge_guardianships, midnight(day) - SECOND) == 1
    assert left(Guardianship, acts.purge_guardianships, midnight(day)) == 0
    assert written("guardianship.purged") == [{"person_id": minor.id}]


@pytest.mark.rule("G3")
def test_born_on_the_29th_of_february(organization: Organization) -> None:
    with time_machine.travel(dt.datetime(2026, 11, 28, 12, tzinfo=dt.UTC), tick=False):
        make_guardian(make_person(birth_date=dt.date(2012, 2, 29)))
    day = dt.date(2030, 3, 1) + 180 * DAY
    assert left(Guardianship, acts.purge_guardianships, midnight(day) - SECOND) == 1
    assert left(Guardianship, acts.purge_guardianships, midnight(day)) == 0


@pytest.mark.rule("G3")
def test_whoever_is_named_where_majority_comes_later_stays_until_it_came_there(organization: Organization) -> None:
    with time_machine.travel(dt.datetime(2026, 11, 28, 12, tzinfo=dt.UTC), tick=False):
        # Nineteen, of age at home, and not in Singapore where they mean to help.
        make_guardian(make_person(birth_date=dt.date(2007, 3, 1), country="US"))
        make_guardian(make_person(birth_date=None), answered_at=now())
    unknown_goes, day = dt.date(2026, 11, 28) + 180 * DAY, dt.date(2028, 3, 1) + 180 * DAY
    assert left(Guardianship, acts.purge_guardianships, midnight(unknown_goes) - SECOND) == 2
    assert left(Guardianship, acts.purge_guardianships, midnight(unknown_goes) + DAY) == 1, (
        "nobody is known to need one"
    )
    assert left(Guardianship, acts.purge_guardianships, midnight(day) - SECOND) == 1
    assert left(Guardianship, acts.purge_guardianships, midnight(day)) == 0


# --- the sweep ------------------------------------------------------------------------------------------------------


@pytest.mark.rule("G3")
def test_the_sweeps_do_all_of_it_and_leave_what_is_of_use(
    organization: Organization, owner: Person, work_off: WorkOff
) -> None:
    minor = make_person(birth_date=today("UTC") - 15 * 366 * DAY)
    kept = make_guardian(minor, confirmed_by=organization)
    make_guardian(minor, status="replaced", withdrawn_at=now() - 181 * DAY)
    make_clearance(make_person(), organization, "identity", expires_on=None, created_at=now() - 366 * DAY)
    staying = make_clearance(make_person(), organization)
    with transaction():
        db.session.add(
            Exemption(person_id=minor.id, organization_id=organization.id, kind="driving", reason="x",
                      starts_on=today("UTC") - 400 * DAY, ends_on=today("UTC") - 370 * DAY, asked_by_id=owner.id,
                      asked_at=now() - 400 * DAY)
        )  # fmt: skip
    assert work_off()["failed"] == 0
    assert db.session.scalars(sa.select(Guardianship.id)).all() == [kept.id]
    assert db.session.scalars(sa.select(Clearance.id)).all() == [staying.id]
    assert db.session.scalars(sa.select(Exemption.id)).all() == []
