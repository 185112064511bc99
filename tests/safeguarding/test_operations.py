"""Each act about who may be placed where: by whom, with which words and dates, and what it ends."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
import time_machine
from flask import Flask

from app.accounts.feeds import find_feed_person, renew_feed
from app.accounts.models import ApiToken, Person
from app.accounts.operations import create_token
from app.core.audit import AuditEvent
from app.core.clock import now, today
from app.core.db import db, transaction
from app.moderation.operations import suspend_organization, withdraw_contact, withdraw_verification
from app.organizations.models import Membership, Organization
from app.safeguarding import operations as acts
from app.safeguarding.jobs import mail_ends
from app.safeguarding.models import Clearance, ClearanceShare, Exemption
from app.safeguarding.operations.clearances import OLDEST, purge_clearance
from app.safeguarding.requirements import Requirement
from app.signups.volunteers import add_volunteer
from tests.factories import (
    ADULT,
    allow_contact,
    make_clearance,
    make_course,
    make_member,
    make_need,
    make_organization,
    make_person,
    make_shift,
    pass_course,
)
from tests.safeguarding.common import (
    DAY,
    approved_organization,
    cleared_person,
    codes,
    contact_shift,
    do,
    invalid,
    place,
    promised,
    refused,
    stands,
    status,
)
from tests.smtp import Mailbox, text_of

TODAY = today("America/New_York")
WorkOff = Callable[[], dict[str, int]]


@pytest.fixture
def owner(app: Flask) -> Person:
    return make_person()


@pytest.fixture
def organization(owner: Person) -> Organization:
    return approved_organization(owner)


def said(person: Person, by: Person, **changes: Any) -> dict[str, Any]:
    """A background check as the staff record it."""
    values: dict[str, Any] = {
        "by": by, "email": person.email, "kind": "background_check", "level": "us_fitness", "issuer": "State Police",
        "reference": "A-17", "issued_on": today("America/New_York") - 10 * DAY,
    }  # fmt: skip
    return {**values, **changes}


# --- recording


@pytest.mark.rule("G3")
@pytest.mark.rule("A2")
def test_what_is_recorded_is_level_issuer_reference_verifier_dates_and_outcome(
    organization: Organization, owner: Person
) -> None:
    person = make_person()
    made = do(acts.record_clearance, organization.id, **said(person, owner, email=f" {person.email.upper()} "))
    row = db.session.get_one(Clearance, made.id)
    assert (row.person_id, row.organization_id, row.level, row.issuer, row.reference, row.outcome) == (
        person.id, organization.id, "us_fitness", "State Police", "A-17", "accepted",
    )  # fmt: skip
    assert row.recorded_by_id == owner.id
    assert row.consented_on is None, "nobody said when the person agreed, and nothing makes it up"
    assert row.expires_on == row.issued_on + 3 * 365 * DAY, "never longer than the kind is good for"
    assert row.purge_on == row.expires_on + 180 * DAY
    event = db.session.scalars(sa.select(AuditEvent).where(AuditEvent.subject_id == made.id)).one()
    assert (event.action, event.actor_id, event.data["person_id"]) == ("clearance.recorded", owner.id, person.id)
    assert len(promised("clearance_recorded", clearance_id=made.id)) == 1
    assert not {column.name for column in Clearance.__table__.columns} & {"file", "document", "upload", "certificate"}


@pytest.mark.rule("G3")
def test_no_route_takes_a_certificate(app: Flask) -> None:
    """There is nowhere to put one: whatever takes a file is a table of needs or a logo."""
    source = "\n".join(path.read_text() for path in (Path(app.root_path) / "safeguarding").rglob("*.py"))
    assert "request.files" not in source
    assert "FileField" not in source


@pytest.mark.parametrize(
    ("changes", "fields"),
    [
        ({"kind": "astrology"}, ["kind"]),
        ({"kind": "code_of_conduct"}, ["kind"]),
        ({"level": "uk_mystery"}, ["level"]),
        ({"kind": "identity", "level": "us_fitness"}, ["level"]),
        ({"issued_on": None}, ["issued_on"]),
        ({"issued_on": TODAY + 2 * DAY}, ["issued_on"]),
        ({"issued_on": TODAY - OLDEST - 2 * DAY}, ["issued_on"]),
        ({"expires_on": TODAY - 11 * DAY}, ["expires_on"]),
        ({"consented_on": TODAY}, ["consented_on"]),
        ({"outcome": "perhaps"}, ["outcome"]),
        ({"issuer": "x" * 121}, ["issuer"]),
        ({"reference": "x" * 81}, ["reference"]),
        ({"kind": "reference", "level": "", "issuer": ""}, ["issuer"]),
        ({"level": "uk_enhanced", "role_eligible": False}, ["level"]),
        ({"email": "nobody@example.org"}, ["email"]),
    ],
)
def test_what_cannot_be_recorded_is_refused_at_its_field(
    organization: Organization, owner: Person, changes: dict[str, Any], fields: list[str]
) -> None:
    assert invalid(acts.record_clearance, organization.id, **said(make_person(), owner, **changes)) == fields
    assert db.session.scalar(sa.select(sa.func.count()).select_from(Clearance)) == 0


@pytest.mark.rule("G3")
def test_who_may_record_and_about_whom(organization: Organization, owner: Person) -> None:
    person = make_person()
    for role in ("coordinator", "viewer"):
        by = make_member(organization, role)
        assert refused(acts.record_clearance, organization.id, **said(person, by)) == ["not_yours"]
    for by in (make_person(), make_person(platform_role="administrator"), make_member(make_organization(), "owner")):
        assert refused(acts.record_clearance, organization.id, **said(person, by)) == ["not_yours"]
    assert refused(acts.record_clearance, organization.id, **said(owner, owner)) == ["own_clearance"]
    assert do(acts.record_clearance, organization.id, **said(person, make_member(organization, "manager")))
    unverified = make_organization(owner, verified_at=None)
    suspended = make_organization(owner, status="suspended")
    for other in (unverified, suspended):
        assert refused(acts.record_clearance, other.id, **said(person, owner)) == ["not_verified"]


@pytest.mark.rule("G3")
@pytest.mark.parametrize("how", ["recorded", "excepted", "written down"])
def test_what_staff_say_of_an_address_is_read_by_nobody_who_only_typed_it(
    organization: Organization, owner: Person, how: str
) -> None:
    squatter = make_person(email_verified_at=None, password_hash="of a password")
    session, shift = squatter.get_id(), make_shift(make_need(organization))
    do(create_token, squatter, scopes=["signups:read"])
    feed = do(renew_feed, squatter.id, by=squatter)
    if how == "recorded":
        do(acts.record_clearance, organization.id, **said(squatter, owner))
    elif how == "excepted":
        do(
            acts.ask_exemption, organization.id, by=owner, email=squatter.email, kind="driving", reason="later",
            starts_on=TODAY, ends_on=TODAY + DAY,
        )  # fmt: skip
    else:
        do(add_volunteer, shift.id, by=owner, name="Vic", birth_date=ADULT, email=squatter.email, phone="555 0100")
    db.session.refresh(squatter)
    assert (squatter.password_hash, find_feed_person(feed), squatter.get_id() != session) == (None, None, True)
    assert db.session.scalars(sa.select(ApiToken.revoked_at).where(ApiToken.person_id == squatter.id)).one() is not None
    events = sa.select(AuditEvent.actor_id).where(AuditEvent.action == "person.shut_out")
    assert db.session.scalars(events.where(AuditEvent.subject_id == squatter.id)).all() == [owner.id]
    proved = make_person(password_hash="of a password")
    do(acts.record_clearance, organization.id, **said(proved, owner))
    assert proved.password_hash, "of whoever showed that it is theirs nothing changes"


def test_the_database_has_nobody_vouch_for_themselves(organization: Organization, owner: Person) -> None:
    with pytest.raises(sa.exc.IntegrityError):
        make_clearance(owner, organization, recorded_by_id=owner.id)
    db.session.rollback()


def test_the_platforms_own_counts_from_the_moment_it_is_shared_on(organization: Organization) -> None:
    make_course()
    person = make_person()
    shift = make_shift(make_need(organization, requirements=["training:safeguarding_basics"]))
    # The evening before in New York while it is the next day in UTC.
    with time_machine.travel(dt.datetime(2027, 3, 2, 2, tzinfo=dt.UTC), tick=False):
        with transaction():
            row = db.session.merge(shift)
            row.starts_at, row.ends_at = now() + DAY, now() + DAY + dt.timedelta(hours=2)
        assert codes(shift, person) == ["training_required"]
        held = pass_course(person, share_with=organization)
        assert held is not None
        assert codes(shift, person) == []


# --- revoking, objecting, sharing


@pytest.mark.rule("G1")
def test_revoked_means_gone_at_the_next_read_and_both_sides_are_told(
    organization: Organization, owner: Person, work_off: WorkOff
) -> None:
    person, shift = cleared_person(organization), contact_shift(organization)
    held = place(shift, person)
    [clearance] = db.session.scalars(sa.select(Clearance).where(Clearance.person_id == person.id)).all()
    for by in (make_member(organization, "coordinator"), make_member(make_organization(), "owner"), person):
        assert refused(acts.revoke_clearance, clearance.id, by=by, reason="mistake") == ["not_yours"]
    for reason in ("", " ", "x" * 301):
        assert invalid(acts.revoke_clearance, clearance.id, by=owner, reason=reason) == ["reason"]
    assert stands(held)
    do(acts.revoke_clearance, clearance.id, by=owner, reason="The record was of somebody else")
    assert not stands(held)
    assert status(held) == "confirmed", "before any promised work"
    assert refused(acts.revoke_clearance, clearance.id, by=owner, reason="again") == ["revoked"]
    row = db.session.get_one(Clearance, clearance.id)
    assert row.purge_on == today("UTC") + 180 * DAY
    assert promised("clearance_ends") == [], "no warnings of what does not hold"
    work_off()
    assert status(held) == "cancelled"
    assert len(promised("signup_ended", signup_id=held.id)) == len(promised("clearance_revoked")) == 1


def test_a_member_does_not_revoke_their_own(organization: Organization) -> None:
    manager = make_member(organization, "manager")
    clearance = make_clearance(manager, organization)
    assert refused(acts.revoke_clearance, clearance.id, by=manager, reason="mine") == ["own_clearance"]


@pytest.mark.rule("G1")
def test_another_organization_relies_on_it_with_the_persons_consent_only_and_as_long_as_it_stands(
    organization: Organization, work_off: WorkOff
) -> None:
    other = approved_organization()
    person = make_person()
    clearance = make_clearance(person, other)
    shift = contact_shift(organization)
    assert codes(shift, person) == ["background_check_required"]
    assert refused(acts.share_clearance, clearance.id, organization.id, by=make_person()) == ["not_found"]
    hidden = make_organization(verified_at=None)
    assert refused(acts.share_clearance, clearance.id, hidden.id, by=person) == ["not_verified"]
    do(acts.share_clearance, clearance.id, organization.id, by=person)
    do(acts.share_clearance, clearance.id, organization.id, by=person)
    held = place(shift, person)
    assert db.session.scalar(sa.select(sa.func.count()).select_from(ClearanceShare)) == 1
    do(acts.unshare_clearance, clearance.id, organization.id, by=person)
    assert not stands(held)
    work_off()
    assert status(held) == "cancelled"


@pytest.mark.rule("G1")
@pytest.mark.rule("G3")
@pytest.mark.parametrize("end", [suspend_organization, withdraw_verification, withdraw_contact])
def test_nobody_relies_on_the_word_of_an_organization_that_nobody_stands_behind(
    organization: Organization, end: Any
) -> None:
    other, person = make_organization(), make_person()
    clearance = make_clearance(person, other)
    do(acts.share_clearance, clearance.id, organization.id, by=person)
    shift = contact_shift(organization)
    # Whoever wants to get at children finds, or founds, an organization of which nobody asks that much.
    assert codes(shift, person) == ["background_check_required"]
    asks_only_the_need = make_shift(make_need(organization, requirements=["background_check:us_fitness"]))
    assert codes(asks_only_the_need, person) == []
    allow_contact(other)
    held = place(shift, person)
    moderator = make_person(platform_role="moderator")
    words = {"reason": "a fraud"} if end is suspend_organization else {"checked": "a fraud"}
    do(end, other.id, by=moderator, **words)
    assert not stands(held)


@pytest.mark.rule("G1")
def test_what_is_not_accepted_ends_what_was_accepted_before_and_still_does_when_it_is_purged(
    organization: Organization, owner: Person, work_off: WorkOff
) -> None:
    other, person = approved_organization(), make_person()
    make_clearance(person, organization)
    lent = make_clearance(person, other)
    do(acts.share_clearance, lent.id, organization.id, by=person)
    held = place(contact_shift(organization), person)
    values = {"email": person.email, "kind": "background_check", "level": "us_fitness", "issued_on": today("UTC") - DAY}
    declined = do(acts.record_clearance, organization.id, by=owner, outcome="declined", **values)
    assert not stands(held)
    ended = db.session.scalars(sa.select(Clearance).where(Clearance.revoked_at.is_not(None))).one()
    assert (ended.revoked_reason, ended.why_revoked) == ("later_declined", "A later one was not accepted.")
    assert "clearance.unshared" in set(db.session.scalars(sa.select(AuditEvent.action)))
    assert refused(acts.share_clearance, lent.id, organization.id, by=person) == ["declined"]
    with transaction():  # had it been shared at that very moment
        db.session.add(ClearanceShare(clearance_id=lent.id, organization_id=organization.id, consented_at=now()))
    assert not stands(held), "as long as it is remembered, nobody else's word is taken instead"
    do(acts.unshare_clearance, lent.id, organization.id, by=person)
    work_off()
    assert status(held) == "cancelled"
    with transaction():
        purge_clearance(db.session.get_one(Clearance, declined.id))
    assert codes(contact_shift(organization), person) == ["background_check_required"]
    do(acts.record_clearance, organization.id, by=owner, **values)
    assert codes(contact_shift(organization), person) == []


def test_the_person_says_what_is_wrong_and_the_staff_hear_it(organization: Organization, owner: Person) -> None:
    person = make_person()
    clearance = make_clearance(person, organization)
    assert refused(acts.object_to_clearance, clearance.id, by=make_person(), objection="no") == ["not_found"]
    for text in ("", "x" * 501):
        assert invalid(acts.object_to_clearance, clearance.id, by=person, objection=text) == ["objection"]
    do(acts.object_to_clearance, clearance.id, by=person, objection="The date is wrong")
    row = db.session.get_one(Clearance, clearance.id)
    assert (row.objection, row.objected_at is not None) == ("The date is wrong", True)
    assert len(promised("clearance_objected", clearance_id=clearance.id)) == 1
    assert place(contact_shift(organization), person), "it holds until the staff decide"


# --- purge and warnings


@pytest.mark.rule("G3")
def test_a_clearance_is_deleted_at_its_retention_date(organization: Organization, owner: Person) -> None:
    person = make_person()
    made = do(
        acts.record_clearance,
        organization.id,
        **said(person, owner, expires_on=today("America/New_York") + 30 * DAY),
    )
    other = approved_organization()
    do(acts.share_clearance, made.id, other.id, by=person)
    declined = do(acts.record_clearance, organization.id, **said(person, owner, outcome="declined"))
    assert made.purge_on is not None
    assert declined.purge_on == today("UTC") + 180 * DAY
    for day, left in ((made.purge_on, 1), (made.purge_on + DAY, 0)):
        # Midnight in UTC is the day before wherever it is latest: nothing goes before its day has come everywhere.
        with time_machine.travel(dt.datetime.combine(day, dt.time(), dt.UTC), tick=False), transaction():
            acts.purge_clearances()
            assert db.session.scalar(sa.select(sa.func.count()).where(Clearance.id == made.id)) == left
    # That one was not accepted stays, without what it was read from, until nothing earlier could hold any more.
    [word] = db.session.scalars(sa.select(Clearance))
    assert (word.id, word.outcome, word.issuer, word.reference, word.recorded_by_id) == (
        declined.id,
        "declined",
        "",
        "",
        None,
    )
    day = word.purge_on
    assert day is not None
    db.session.rollback()
    with time_machine.travel(dt.datetime.combine(day + DAY, dt.time(), dt.UTC), tick=False), transaction():
        acts.purge_clearances()
    assert db.session.scalar(sa.select(sa.func.count()).select_from(Clearance)) == 0
    assert db.session.scalar(sa.select(sa.func.count()).select_from(ClearanceShare)) == 0
    events = db.session.scalars(sa.select(AuditEvent.action).where(AuditEvent.subject_id == made.id)).all()
    assert "clearance.purged" in events


@pytest.mark.rule("G3")
def test_the_sweep_purges(organization: Organization, work_off: WorkOff) -> None:
    gone = make_clearance(make_person(), organization, purge_on=today("UTC") - 2 * DAY).id
    kept = make_clearance(make_person(), organization, purge_on=today("UTC") + 2 * DAY).id
    work_off()
    assert db.session.scalars(sa.select(Clearance.id)).all() == [kept]
    assert gone != kept


def test_both_sides_are_warned_sixty_thirty_and_seven_days_before(organization: Organization, owner: Person) -> None:
    day = today("America/New_York")
    made = do(acts.record_clearance, organization.id, **said(make_person(), owner, expires_on=day + 40 * DAY))
    rows = promised("clearance_ends", clearance_id=made.id)
    assert [row.payload["days"] for row in rows] == [30, 7], "sixty days before is past"
    assert [row.due_at.date() for row in rows] == [day + 10 * DAY, day + 33 * DAY]
    later = do(acts.record_clearance, organization.id, **said(make_person(), owner, expires_on=day + 90 * DAY))
    assert [row.payload["days"] for row in promised("clearance_ends", clearance_id=later.id)] == [60, 30, 7]
    declined = said(make_person(), owner, outcome="declined", expires_on=day + 90 * DAY)
    made = do(acts.record_clearance, organization.id, **declined)
    assert promised("clearance_ends", clearance_id=made.id) == []


def test_whoever_it_is_shared_with_is_warned_too_once_and_only_while_the_share_stands(
    organization: Organization, owner: Person, work_off: WorkOff, mailbox: Mailbox
) -> None:
    day, person = today("America/New_York"), make_person(name="Hana Helper")
    made = do(acts.record_clearance, organization.id, **said(person, owner, expires_on=day + 40 * DAY))
    there, here = make_person(), make_person()
    relying, taken_back = make_organization(there), make_organization(here)
    make_member(relying, "coordinator")
    with transaction():
        # The same person runs the one that recorded it and one that relies on it.
        db.session.add(Membership(organization_id=relying.id, person_id=owner.id, role="manager", created_at=now()))
    for each in (relying, taken_back):
        do(acts.share_clearance, made.id, each.id, by=person)
    work_off()
    told = []
    for days in (30, 7):
        mailbox.messages.clear()
        if days == 7:
            do(acts.unshare_clearance, made.id, taken_back.id, by=person)
        with time_machine.travel(dt.datetime.combine(day + (40 - days) * DAY, dt.time(10), dt.UTC), tick=False):
            work_off()
            work_off()
        ends = [mail for mail in mailbox.messages if "A clearance of Hana Helper ends soon" in mail["Subject"]]
        told.append(sorted(mail["To"].rpartition("<")[2].rstrip(">") for mail in ends))
    assert told == [sorted([owner.email, there.email, here.email]), sorted([owner.email, there.email])]
    links = {mail["To"].rpartition("<")[2].rstrip(">"): text_of(mail) for mail in ends}
    assert f"/manage/{relying.slug}/clearances" in links[there.email]
    assert f"/manage/{organization.slug}/clearances" in links[owner.email]


def test_a_share_that_is_taken_back_before_the_mail_leaves_tells_nobody(
    organization: Organization, owner: Person, work_off: WorkOff, mailbox: Mailbox
) -> None:
    person, there = make_person(), make_person()
    relying = make_organization(there)
    made = do(
        acts.record_clearance, organization.id, **said(person, owner, expires_on=today("America/New_York") + 40 * DAY)
    )
    do(acts.share_clearance, made.id, relying.id, by=person)
    mail_ends({"clearance_id": made.id, "days": 30, "outbox_key": "clearance_ends:test"})
    do(acts.unshare_clearance, made.id, relying.id, by=person)
    mailbox.messages.clear()
    work_off()
    told = {mail["To"].rpartition("<")[2].rstrip(">") for mail in mailbox.messages if "ends soon" in mail["Subject"]}
    assert told == {owner.email}


# --- exemptions


@pytest.mark.rule("G1")
def test_a_requirement_is_waived_by_two_people_for_a_time_and_never_a_check(
    organization: Organization, owner: Person, work_off: WorkOff
) -> None:
    person, manager = make_person(), make_member(organization, "manager")
    shift = make_shift(make_need(organization, requirements=["driving"]), days=5)
    day = today("America/New_York")
    values = {"email": person.email, "kind": "driving", "reason": "She starts next week", "starts_on": day,
              "ends_on": day + 10 * DAY}  # fmt: skip
    for kind, level in (("background_check", "us_fitness"), ("code_of_conduct", ""), ("astrology", "")):
        assert invalid(acts.ask_exemption, organization.id, by=owner, **{**values, "kind": kind, "level": level}) == [
            "kind"
        ]
    for wrong, field in (
        ({"reason": ""}, "reason"), ({"ends_on": day - DAY}, "ends_on"), ({"ends_on": day + 91 * DAY}, "ends_on"),
        ({"starts_on": day + 11 * DAY}, "ends_on"),
    ):  # fmt: skip
        assert invalid(acts.ask_exemption, organization.id, by=owner, **{**values, **wrong}) == [field]
    for by in (make_member(organization, "coordinator"), make_member(organization, "viewer"), make_person()):
        assert refused(acts.ask_exemption, organization.id, by=by, **values) == ["not_yours"]
    own = {**values, "email": owner.email}
    assert refused(acts.ask_exemption, organization.id, by=owner, **own) == ["own_clearance"]
    asked = do(acts.ask_exemption, organization.id, by=owner, **values)
    assert codes(shift, person) == ["driving_required"], "half agreed is not agreed"
    assert refused(acts.agree_exemption, asked.id, by=owner) == ["second_person"]
    about_manager = do(acts.ask_exemption, organization.id, by=owner, **{**values, "email": manager.email})
    assert refused(acts.agree_exemption, about_manager.id, by=manager) == ["own_clearance"]
    do(acts.agree_exemption, asked.id, by=manager)
    held = place(shift, person)
    beyond = make_shift(make_need(organization, requirements=["driving"]), days=11)
    assert codes(beyond, person) == ["driving_required"], "it is dated"
    do(acts.end_exemption, asked.id, by=manager)
    assert refused(acts.end_exemption, asked.id, by=manager) == ["ended"]
    assert not stands(held)
    work_off()
    assert status(held) == "cancelled"


def test_the_database_wants_two_people_too(organization: Organization, owner: Person) -> None:
    person = make_person()
    values = {"person_id": person.id, "organization_id": organization.id, "kind": "driving", "reason": "x",
              "starts_on": today("UTC"), "ends_on": today("UTC"), "asked_at": now(), "agreed_at": now()}  # fmt: skip
    for asked, agreed in ((owner, owner), (person, owner), (owner, person)):
        row = Exemption(asked_by_id=asked.id, agreed_by_id=agreed.id, **values)
        with pytest.raises(sa.exc.IntegrityError):
            do(db.session.add, row)
        db.session.rollback()


# --- what is asked


@pytest.mark.rule("G1")
def test_a_new_code_of_conduct_asks_everybody_again(
    organization: Organization, owner: Person, work_off: WorkOff
) -> None:
    person, shift = cleared_person(organization), contact_shift(organization)
    do(acts.set_profile, organization.id, [Requirement("code_of_conduct")], by=owner)
    assert codes(shift, person) == ["code_of_conduct_required"], "none published is met by nobody"
    assert refused(acts.accept_conduct, organization.id, 0, by=person) == ["newer_version"]
    for text in ("", "x" * 20_001):
        assert invalid(acts.publish_conduct, organization.id, text, by=owner) == ["text"]
    first = do(acts.publish_conduct, organization.id, "Two adults, always.", by=owner)
    accepted = do(acts.accept_conduct, organization.id, first.version, by=person)
    assert do(acts.accept_conduct, organization.id, first.version, by=person).id == accepted.id
    held = place(shift, person)
    assert do(acts.publish_conduct, organization.id, "Two adults, always. ", by=owner).version == 1
    assert stands(held), "the same words again ask nobody"
    second = do(acts.publish_conduct, organization.id, "Two adults, always. No pictures.", by=owner)
    assert not stands(held), "at the next read"
    assert status(held) == "confirmed"
    work_off()
    assert status(held) == "cancelled", "and by the event"
    assert refused(acts.accept_conduct, organization.id, 1, by=person) == ["newer_version"]
    assert db.session.get_one(Clearance, accepted.id).purge_on is None
    do(acts.accept_conduct, organization.id, second.version, by=person)
    assert db.session.get_one(Clearance, accepted.id).purge_on == today("UTC") + 365 * DAY, "kept no longer (G3)"
    assert place(shift, person)


@pytest.mark.rule("G1")
def test_what_one_organization_says_is_accepted_with_no_other(organization: Organization, owner: Person) -> None:
    person, others_owner = make_person(), make_person()
    other = approved_organization(others_owner)
    make_clearance(person, other)
    for each, by in ((organization, owner), (other, others_owner)):
        do(acts.publish_conduct, each.id, f"The words of {each.name}.", by=by)
    accepted = do(acts.accept_conduct, organization.id, 1, by=person)
    do(acts.set_profile, other.id, [Requirement("code_of_conduct")], by=others_owner)
    shift = contact_shift(other)
    assert codes(shift, person) == ["code_of_conduct_required"]
    assert refused(acts.share_clearance, accepted.id, other.id, by=person) == ["not_shareable"]
    with transaction():
        # Whoever did it while it could be done is not let in by it either.
        db.session.add(ClearanceShare(clearance_id=accepted.id, organization_id=other.id, consented_at=now()))
    assert codes(shift, person) == ["code_of_conduct_required"]
    do(acts.unshare_clearance, accepted.id, other.id, by=person)
    do(acts.accept_conduct, other.id, 1, by=person)
    assert codes(shift, person) == []


@pytest.mark.rule("G1")
def test_a_stricter_profile_ends_what_does_not_meet_it(
    organization: Organization, owner: Person, work_off: WorkOff
) -> None:
    person, shift = cleared_person(organization), contact_shift(organization)
    held = place(shift, person)
    plain = place(make_shift(make_need(organization), days=9), person)
    assert invalid(acts.set_profile, organization.id, [Requirement("astrology")], by=owner) == ["requirements"]
    do(acts.set_profile, organization.id, [Requirement("identity")], by=owner)
    assert not stands(held)
    assert stands(plain), "it is about shifts with contact"
    work_off()
    assert (status(held), status(plain)) == ("cancelled", "confirmed")
