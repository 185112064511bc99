"""Two organizations become one: nobody comes to a place, or to more than they were cleared for, by it (G1, G3)."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import sqlalchemy as sa
from flask import Flask

from app.accounts.models import Person
from app.core.audit import AuditEvent
from app.core.clock import now, today
from app.core.db import db, transaction
from app.moderation import merging
from app.moderation.merging import merge_organizations
from app.needs.models import Need, Shift
from app.needs.operations import assign_need
from app.needs.policy import list_worked_on
from app.organizations.models import Membership, Organization
from app.safeguarding import operations as acts
from app.safeguarding.models import (
    Clearance,
    ClearanceShare,
    ConductVersion,
    ContactPermission,
    Exemption,
    GuardianConfirmation,
    GuardianShare,
)
from app.safeguarding.operations.clearances import purge_clearance
from app.safeguarding.queries import find_profile, list_clearances_for
from app.safeguarding.requirements import Requirement
from app.signups import two_adults
from tests.factories import (
    make_clearance,
    make_guardian,
    make_member,
    make_need,
    make_organization,
    make_person,
    make_shift,
)
from tests.safeguarding.common import (
    DAY,
    approved_organization,
    cleared_person,
    codes,
    contact_shift,
    do,
    place,
    refused,
    stands,
    status,
)
from tests.smtp import Mailbox, text_of

WorkOff = Callable[[], dict[str, int]]


@pytest.fixture
def moderator(app: Flask) -> Person:
    return make_person(platform_role="moderator")


@pytest.fixture
def remaining(app: Flask) -> Organization:
    return approved_organization(make_person(), name="Lantern House")


@pytest.fixture
def duplicate(app: Flask) -> Organization:
    return approved_organization(make_person(), name="Lantern House Inc")


def merge(duplicate: Organization, remaining: Organization, by: Person, *, with_members: bool = True) -> None:
    do(
        merge_organizations, duplicate.id, remaining.id, by=by,
        typed_name=db.session.get_one(Organization, duplicate.id).name, with_members=with_members,
    )  # fmt: skip


def count(table: type) -> int:
    db.session.rollback()
    return db.session.scalar(sa.select(sa.func.count()).select_from(table)) or 0


def waive(person: Person, organization: Organization, kind: str) -> Exemption:
    """What two people of the organization agreed to."""
    first, second = make_member(organization, "owner"), make_member(organization, "manager")
    with transaction():
        row = Exemption(
            person_id=person.id, organization_id=organization.id, kind=kind, reason="x", starts_on=today("UTC") - DAY,
            ends_on=today("UTC") + 60 * DAY, asked_by_id=first.id, asked_at=now(), agreed_by_id=second.id, agreed_at=now(),
        )  # fmt: skip
        db.session.add(row)
    return row


def shift_that_asks(organization: Organization, *requirements: str, days: int = 5) -> Shift:
    return make_shift(make_need(organization, requirements=list(requirements)), days=days)


# --- what is recorded -----------------------------------------------------------------------------------------------


@pytest.mark.rule("G3")
def test_what_its_people_recorded_goes_with_them_and_whoever_it_is_about_is_told(
    duplicate: Organization, remaining: Organization, moderator: Person, work_off: WorkOff, mailbox: Mailbox
) -> None:
    person, silent = cleared_person(duplicate, name="Hana Helper"), make_person()
    make_clearance(silent, duplicate, "identity", revoked_at=now(), revoked_by_id=moderator.id)
    moved = place(contact_shift(duplicate), person)
    here = place(contact_shift(remaining, days=9), cleared_person(remaining))
    merge(duplicate, remaining, moderator)
    assert stands(moved)
    assert stands(here)
    work_off()
    assert (status(moved), status(here)) == ("confirmed", "confirmed")
    told = [mail for mail in mailbox.messages if "keeps what" in mail["Subject"]]
    assert [mail["To"].rpartition("<")[2].rstrip(">") for mail in told] == [person.email], "not about what has ended"
    assert "/my-clearances" in text_of(told[0])
    moves = db.session.scalars(sa.select(AuditEvent).where(AuditEvent.action == "clearance.moved")).all()
    assert {row.data["person_id"] for row in moves} == {person.id, silent.id}
    assert {(row.organization_id, row.data["of"]) for row in moves} == {(remaining.id, duplicate.id)}


@pytest.mark.rule("G1")
@pytest.mark.parametrize("why", ["without its members", "never verified", "never looked at"])
def test_nobody_is_cleared_by_those_who_do_not_come_along(
    duplicate: Organization, remaining: Organization, moderator: Person, work_off: WorkOff, why: str
) -> None:
    person, young, third = make_person(), make_person(birth_date=today("UTC") - 15 * 366 * DAY), make_organization()
    moved = place(contact_shift(duplicate), own := cleared_person(duplicate))
    for kind in ("background_check", "driving"):
        make_clearance(person, duplicate, kind)
    shared = make_clearance(person, third, "medical")
    do(acts.share_clearance, shared.id, duplicate.id, by=person)
    make_guardian(young, confirmed_by=duplicate)
    if why == "never verified":
        with transaction():
            db.session.get_one(Organization, duplicate.id).verified_at = None
    elif why == "never looked at":
        # No two moderators agreed that it works with children; one alone lets nobody do that by calling them one (G3).
        with transaction():
            db.session.delete(db.session.get_one(ContactPermission, duplicate.id))
    merge(duplicate, remaining, moderator, with_members=why != "without its members")
    wanted = contact_shift(remaining)
    with transaction():
        db.session.merge(wanted).need.requirements = ["driving", "medical"]
    assert codes(wanted, person) == ["background_check_required", "driving_required", "medical_required"]
    assert (count(GuardianConfirmation), count(ClearanceShare)) == (0, 0)
    assert not stands(moved), own.name
    work_off()
    assert status(moved) == "cancelled"
    # Whoever never knew what was recorded does not come to read it, ended as it is (G3).
    seen = {row.person_id for row in list_clearances_for(remaining.id).rows}
    assert seen == set()


@pytest.mark.rule("G3")
@pytest.mark.parametrize("looked_at", ["both", "neither", "only the one that goes", "only the one that remains"])
def test_nobody_comes_to_work_with_children_by_the_word_of_one_moderator(
    duplicate: Organization,
    remaining: Organization,
    moderator: Person,
    mailbox: Mailbox,
    work_off: WorkOff,
    looked_at: str,
) -> None:
    owner = db.session.scalars(sa.select(Membership.person_id).where(Membership.organization_id == duplicate.id)).one()
    coordinator, some = make_member(duplicate, "coordinator").id, make_member(duplicate, "coordinator", all_needs=False)
    theirs = make_need(duplicate)
    do(assign_need, theirs.id, some.id, by=moderator)
    ended = {
        "both": [], "neither": [duplicate, remaining], "only the one that goes": [remaining],
        "only the one that remains": [duplicate],
    }[looked_at]  # fmt: skip
    with transaction():
        for organization in ended:
            db.session.delete(db.session.get_one(ContactPermission, organization.id))
    merge(duplicate, remaining, moderator)
    roles = {
        key: db.session.get_one(Membership, (remaining.id, key)).role for key in (owner, coordinator)
    }  # fmt: skip
    kept = looked_at != "only the one that remains"
    assert (roles[owner], roles[coordinator]) == (("manager", "coordinator") if kept else ("viewer", "viewer"))
    # Whoever read one need does not come to read all: nothing is assigned to them.
    everything = db.session.scalars(sa.select(Need)).all()
    assert list_worked_on(everything, some) == ({theirs.id} if kept else set())
    work_off()
    told = text_of(mailbox.to(db.session.get_one(Person, coordinator).email)[-1])
    assert ("One of its owners can give you another role." in told) is not kept


@pytest.mark.rule("G1")
def test_a_share_goes_along_once_and_is_none_with_whoever_recorded_it(
    duplicate: Organization, remaining: Organization, moderator: Person
) -> None:
    third, person = make_organization(), make_person()
    elsewhere, there, here = (
        make_clearance(person, third, "driving"),
        make_clearance(person, duplicate, "medical"),
        make_clearance(person, remaining, "identity"),
    )
    for clearance, organization in (
        (elsewhere, duplicate), (elsewhere, remaining), (there, remaining), (here, duplicate), (here, third),
    ):  # fmt: skip
        do(acts.share_clearance, clearance.id, organization.id, by=person)
    other = make_person()
    only_there = make_clearance(other, third, "driving")
    do(acts.share_clearance, only_there.id, duplicate.id, by=other)
    merge(duplicate, remaining, moderator)
    rows = db.session.execute(sa.select(ClearanceShare.clearance_id, ClearanceShare.organization_id)).all()
    assert sorted(map(tuple, rows)) == sorted(
        [(elsewhere.id, remaining.id), (here.id, third.id), (only_there.id, remaining.id)]
    )
    assert codes(shift_that_asks(remaining, "driving"), other) == []
    do(acts.unshare_clearance, only_there.id, remaining.id, by=other)
    assert codes(shift_that_asks(remaining, "driving"), other) == ["driving_required"], "and is taken back"


@pytest.mark.rule("G1")
def test_what_the_one_that_remains_did_not_accept_goes_on_counting_when_it_is_purged(
    duplicate: Organization, remaining: Organization, moderator: Person
) -> None:
    person, other = cleared_person(duplicate), make_person()
    lent = make_clearance(other, approved_organization())
    do(acts.share_clearance, lent.id, duplicate.id, by=other)
    later = [make_clearance(each, remaining, outcome="declined") for each in (person, other)]
    merge(duplicate, remaining, moderator)
    for declined in later:
        with transaction():
            purge_clearance(db.session.get_one(Clearance, declined.id))
    shift = contact_shift(remaining)
    for each in (person, other):
        assert codes(shift, each) == ["background_check_required"]


# --- what does not travel -------------------------------------------------------------------------------------------


@pytest.mark.rule("G1")
def test_an_exemption_does_not_travel(
    duplicate: Organization, remaining: Organization, moderator: Person, work_off: WorkOff
) -> None:
    person = make_person()
    waived = waive(person, duplicate, "driving")
    moved = place(shift_that_asks(duplicate, "driving"), person)
    wanted = shift_that_asks(remaining, "driving", days=7)
    merge(duplicate, remaining, moderator)
    assert codes(wanted, person) == ["driving_required"]
    assert not stands(moved)
    work_off()
    assert status(moved) == "cancelled"
    row = db.session.get_one(Exemption, waived.id)
    assert (row.organization_id, row.ended_at is None) == (duplicate.id, False)


@pytest.mark.rule("G1")
def test_accepting_the_words_of_one_accepts_none_of_the_other(
    duplicate: Organization, remaining: Organization, moderator: Person
) -> None:
    person = make_person()
    for organization, text in ((duplicate, "Be kind."), (remaining, "Two adults, always.")):
        do(acts.publish_conduct, organization.id, text, by=None)
    accepted = do(acts.accept_conduct, duplicate.id, 1, by=person)
    moved = place(shift_that_asks(duplicate, "code_of_conduct"), person)
    merge(duplicate, remaining, moderator)
    # Both are version 1.
    assert codes(shift_that_asks(remaining, "code_of_conduct", days=7), person) == ["code_of_conduct_required"]
    assert not stands(moved)
    assert db.session.get_one(Clearance, accepted.id).revoked_at is not None
    assert count(ConductVersion) == 2


@pytest.mark.rule("G3")
@pytest.mark.parametrize("agreed", ["nobody", "one moderator"])
def test_a_merge_into_one_that_may_not_place_people_with_contact_ends_such_places(
    duplicate: Organization, moderator: Person, work_off: WorkOff, agreed: str
) -> None:
    remaining = make_organization(make_person())
    if agreed == "one moderator":
        with transaction():
            db.session.add(
                ContactPermission(organization_id=remaining.id, first_by_id=moderator.id, first_at=now() - DAY)
            )
    held = place(contact_shift(duplicate), cleared_person(duplicate))
    merge(duplicate, remaining, moderator)
    assert not stands(held)
    work_off()
    assert status(held) == "cancelled"
    permission = db.session.get(ContactPermission, remaining.id)
    assert permission is None or permission.second_at is None


@pytest.mark.rule("G1")
def test_each_side_passes_what_the_other_required(
    duplicate: Organization, remaining: Organization, moderator: Person, work_off: WorkOff
) -> None:
    do(acts.set_profile, duplicate.id, [Requirement("identity")], by=make_person())
    do(acts.set_profile, remaining.id, [Requirement("driving")], by=make_person())
    people = cleared_person(duplicate), cleared_person(remaining)
    make_clearance(people[0], duplicate, "identity")
    make_clearance(people[1], remaining, "driving")
    places = [place(contact_shift(one), who) for one, who in zip((duplicate, remaining), people, strict=True)]
    merge(duplicate, remaining, moderator)
    assert find_profile(remaining.id) == ("driving", "identity")
    assert [stands(each) for each in places] == [False, False]
    work_off()
    assert [status(each) for each in places] == ["cancelled", "cancelled"]


def test_more_than_one_may_require_stands_in_the_way(
    duplicate: Organization, remaining: Organization, moderator: Person
) -> None:
    many = ["identity", "reference", "training:first_aid", "training:food_hygiene", "training:safeguarding_basics",
            "training", "driving", "medical", "background_check:us_fitness", "background_check:uk_basic",
            "background_check:ca_criminal", "background_check:au_police", "background_check:certificate"]  # fmt: skip
    for organization, some in ((duplicate, many[:7]), (remaining, many[7:])):
        wanted = [Requirement(*each.split(":")) for each in some]
        do(acts.set_profile, organization.id, wanted, by=make_person())
    codes_of = refused(
        merge_organizations, duplicate.id, remaining.id, by=moderator, typed_name=duplicate.name, with_members=True
    )
    assert codes_of == ["requirements"]


@pytest.mark.rule("G4")
def test_a_guardian_spoken_to_by_people_who_come_along_is_spoken_to(
    duplicate: Organization, remaining: Organization, moderator: Person
) -> None:
    young, both = (make_person(birth_date=today("UTC") - 15 * 366 * DAY) for _one in range(2))
    make_guardian(young, confirmed_by=duplicate)
    guardianship, staff = make_guardian(both, confirmed_by=duplicate), make_person()
    with transaction():
        db.session.add(
            GuardianConfirmation(
                guardianship_id=guardianship.id, organization_id=remaining.id, means="in_person",
                confirmed_by_id=staff.id, confirmed_at=now(),
            )
        )  # fmt: skip
    do(acts.share_guardian, duplicate.id, by=young)
    merge(duplicate, remaining, moderator)
    # Whom a minor let in was the duplicate: the other one is let in anew.
    assert not db.session.scalars(sa.select(GuardianShare)).all()
    ended = sa.select(AuditEvent.actor_id).where(AuditEvent.action == "guardianship.unshared")
    assert list(db.session.scalars(ended)) == [moderator.id]
    rows = db.session.execute(sa.select(GuardianConfirmation.organization_id, GuardianConfirmation.means)).all()
    assert sorted(map(tuple, rows)) == [(remaining.id, "in_person"), (remaining.id, "telephone")]
    assert "guardian_confirmation" not in codes(contact_shift(remaining), young)


@pytest.mark.rule("G2")
@pytest.mark.parametrize("with_members", [True, False])
def test_staff_who_do_not_come_along_are_no_adults_on_its_shifts(
    duplicate: Organization, remaining: Organization, moderator: Person, with_members: bool
) -> None:
    staff = make_member(duplicate, "coordinator")
    make_clearance(staff, duplicate)
    # Cleared by the one that remains, too: it is the membership that is asked about.
    make_clearance(staff, remaining)
    shift = contact_shift(duplicate, days=0.9)
    do(two_adults.name_staff, shift.id, staff.id, by=make_person())
    merge(duplicate, remaining, moderator, with_members=with_members)
    db.session.expire_all()
    assert two_adults.count_cleared_adults(db.session.get_one(Shift, shift.id)) == int(with_members)


@pytest.mark.rule("G1")
def test_with_the_ends_left_out_the_same_merge_clears_people(
    duplicate: Organization, remaining: Organization, moderator: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    person = make_person()
    make_clearance(person, duplicate)
    waive(person, duplicate, "driving")
    shift = contact_shift(remaining)
    with transaction():
        db.session.merge(shift).need.requirements = ["driving"]

    def only_move(gone: Organization, stays: Organization, *, by: Person, with_members: bool) -> list[int]:
        for table in ("clearance", "exemption"):
            merging._point(f"{table}.organization_id", gone.id, stays.id)
        return []

    monkeypatch.setattr(merging, "merge_records", only_move)
    merge(duplicate, remaining, moderator, with_members=False)
    assert codes(shift, person) == []
