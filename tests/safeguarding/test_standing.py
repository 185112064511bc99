"""What is known of somebody, and what it says about a requirement: unknown is no, and the last day counts."""

from __future__ import annotations

import dataclasses
import datetime as dt
from typing import Any

import pytest
from flask import Flask

from app.core.clock import now, today
from app.core.db import db, transaction
from app.safeguarding.models import ClearanceShare, Exemption
from app.safeguarding.requirements import Requirement
from app.safeguarding.standing import Held, PersonFacts, Waived, judge, load
from tests.factories import make_clearance, make_guardian, make_organization, make_person

DAY = dt.timedelta(days=1)
ON, END = dt.date(2027, 3, 1), dt.date(2027, 3, 20)
CHECK = Requirement("background_check", "us_fitness")
GOOD = Held("background_check", "us_fitness", "Police", "A-1", "accepted", ON - 30 * DAY, ON + 300 * DAY, False)


def judged(*held: Held, requirement: Requirement = CHECK, waived: tuple[Waived, ...] = (), **values: Any) -> str:
    facts = PersonFacts(held, waived)
    return judge(requirement, facts, **{"on": ON, "through": END, **values}).code


@pytest.mark.rule("G1")
@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({}, "met"),
        ({"expires_on": END}, "met"),
        ({"expires_on": END - DAY}, "expires"),
        ({"expires_on": ON - DAY}, "expires"),
        ({"expires_on": None}, "met"),
        ({"expires_on": None, "issued_on": END - 3 * 365 * DAY}, "met"),
        ({"expires_on": None, "issued_on": END - 3 * 365 * DAY - DAY}, "expires"),
        ({"expires_on": END + 900 * DAY, "issued_on": END - 3 * 365 * DAY - DAY}, "expires"),
        ({"issued_on": ON}, "met"),
        ({"issued_on": ON + DAY}, "not_yet"),
        ({"revoked": True}, "revoked"),
        ({"outcome": "declined"}, "missing"),
        ({"outcome": "declined", "revoked": True}, "missing"),
        ({"kind": "identity", "level": ""}, "missing"),
        ({"level": "certificate"}, "missing"),
        ({"level": "uk_enhanced"}, "missing"),
    ],
)
def test_one_clearance(changes: dict[str, Any], code: str) -> None:
    assert judged(dataclasses.replace(GOOD, **changes)) == code


@pytest.mark.rule("G1")
def test_nothing_known_is_no() -> None:
    assert judged() == "missing"
    assert judged(requirement=Requirement("astrology")) == "missing"
    assert (
        judged(dataclasses.replace(GOOD, kind="astrology", level=""), requirement=Requirement("astrology:x"))
        == "missing"
    )


def test_one_good_one_is_enough_beside_bad_ones() -> None:
    bad = [
        dataclasses.replace(GOOD, **changes)
        for changes in ({"revoked": True}, {"expires_on": ON}, {"outcome": "declined", "issued_on": ON - 60 * DAY})
    ]
    assert judged(*bad) == "expires"
    assert judged(*bad, GOOD) == "met"


@pytest.mark.rule("G1")
@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({}, "declined"),
        ({"issued_on": GOOD.issued_on}, "declined"),
        # Of one day the one that was recorded last is the later.
        ({"issued_on": GOOD.issued_on, "recorded_at": GOOD.recorded_at}, "declined"),
        ({"issued_on": GOOD.issued_on - DAY}, "met"),
        ({"level": "certificate"}, "declined"),
        ({"revoked": True}, "met"),
        ({"kind": "identity", "level": ""}, "met"),
        ({"vetted": False}, "declined"),
    ],
)
def test_what_was_not_accepted_later_outweighs_what_was_accepted_before(changes: dict[str, Any], code: str) -> None:
    later = GOOD.recorded_at + DAY
    declined = dataclasses.replace(GOOD, outcome="declined", issued_on=ON - DAY, recorded_at=later)
    declined = dataclasses.replace(declined, **changes)
    assert judged(GOOD, declined) == judged(declined, GOOD) == code
    again = dataclasses.replace(GOOD, issued_on=ON - DAY, recorded_at=later + DAY)
    assert judged(GOOD, declined, again) == "met", "a later one is accepted again"


def test_of_references_and_trainings_only_the_same_one_is_outweighed() -> None:
    one, other = (
        dataclasses.replace(GOOD, kind="reference", level="", issuer=issuer) for issuer in ("Ada Gomez", "Bo Chen")
    )
    wanted, third = Requirement("reference"), dataclasses.replace(one, issuer="Cleo Diaz")
    no = dataclasses.replace(one, outcome="declined", issuer="ada gomez")
    assert judged(one, other, no, requirement=wanted) == "missing"
    assert judged(one, other, third, no, requirement=wanted) == "met"
    aid = dataclasses.replace(GOOD, kind="training", level="first_aid")
    failed = dataclasses.replace(aid, level="food_hygiene", outcome="declined")
    assert judged(aid, failed, requirement=Requirement("training", "first_aid")) == "met"
    failed = dataclasses.replace(failed, level="first_aid")
    assert judged(aid, failed, requirement=Requirement("training", "first_aid")) == "declined"


@pytest.mark.rule("G3")
def test_the_word_of_an_organization_nobody_looked_at_brings_nobody_to_people() -> None:
    other = dataclasses.replace(GOOD, vetted=False)
    assert judged(other, with_contact=True) == "unvetted"
    assert judged(other, GOOD, with_contact=True) == judged(other) == "met"
    assert judged(dataclasses.replace(other, expires_on=END - DAY), with_contact=True) == "expires"


def test_a_higher_level_meets_a_lower_one_and_never_the_other_way() -> None:
    lower, higher = (
        Requirement("background_check", "uk_enhanced"),
        Requirement("background_check", "uk_enhanced_children"),
    )
    one = dataclasses.replace(GOOD, level="uk_enhanced_children")
    assert judged(one, requirement=lower) == judged(one, requirement=higher) == "met"
    assert judged(dataclasses.replace(GOOD, level="uk_enhanced"), requirement=higher) == "missing"
    assert judged(one, requirement=Requirement("background_check", "uk_enhanced_adults")) == "missing"


def test_two_references_are_of_two_people() -> None:
    wanted = Requirement("reference")
    one = dataclasses.replace(GOOD, kind="reference", level="", issuer="Ada Gomez")
    twice = dataclasses.replace(one, issuer="ADA GOMEZ", issued_on=ON)
    other = dataclasses.replace(one, issuer="Bo Chen")
    assert judged(one, requirement=wanted) == judged(one, twice, requirement=wanted) == "missing"
    assert judged(one, other, requirement=wanted) == "met"
    assert judged(one, dataclasses.replace(other, revoked=True), requirement=wanted) == "missing"


@pytest.mark.rule("G1")
@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({}, "exempt"), ({"ends_on": END - DAY}, "missing"), ({"starts_on": ON + DAY}, "missing"), ({"starts_on": ON}, "exempt"),
        ({"kind": "medical"}, "missing"),
    ],
)  # fmt: skip
def test_an_exemption_is_dated_too(changes: dict[str, Any], code: str) -> None:
    waived = dataclasses.replace(Waived("driving", "", ON - DAY, END), **changes)
    assert judged(waived=(waived,), requirement=Requirement("driving")) == code
    assert judged(waived=(waived,), requirement=Requirement("driving"), with_exemptions=False) == "missing", (
        "never for G2"
    )


@pytest.mark.rule("G1")
def test_asked_after_the_last_day_of_a_shift_it_must_hold_on_the_day_of_asking() -> None:
    assert judged(dataclasses.replace(GOOD, expires_on=ON - DAY), through=ON - 5 * DAY) == "expires"


@pytest.mark.rule("G1")
def test_each_organization_relies_on_its_own_and_on_what_is_shared_with_it_the_platforms_too(app: Flask) -> None:
    one, other, third = (make_organization() for _one in range(3))
    person, stranger = make_person(), make_person()
    make_clearance(person, one)
    shared = make_clearance(person, one, "identity")
    passed = make_clearance(person, None, "training", level="safeguarding_basics")
    with transaction():
        for one_of_them in (shared, passed):
            db.session.add(ClearanceShare(clearance_id=one_of_them.id, organization_id=other.id, consented_at=now()))
    known = load([person.id, stranger.id], [one.id, other.id, third.id])

    def kinds(organization_id: int, of: int = person.id) -> list[str]:
        return sorted(held.kind for held in known.person(of, organization_id).clearances)

    assert kinds(one.id) == ["background_check", "identity"]
    assert kinds(other.id) == ["identity", "training"]
    assert kinds(third.id) == []
    assert [len(known.person(person.id, one_of_them.id).unshared) for one_of_them in (one, other, third)] == [1, 0, 1]
    assert kinds(one.id, stranger.id) == []
    assert known.person(person.id, 4711) == PersonFacts(), "what was not read is not known"
    assert not known.organization(4711).may_place_with_contact


def test_half_an_exemption_and_an_ended_one_are_none(app: Flask) -> None:
    organization, person = make_organization(), make_person()
    first, second = make_person(), make_person()
    values = {
        "person_id": person.id, "organization_id": organization.id, "kind": "driving", "reason": "x", "starts_on": today("UTC"),
        "ends_on": today("UTC"), "asked_by_id": first.id, "asked_at": now(),
    }  # fmt: skip
    agreed = {"agreed_by_id": second.id, "agreed_at": now()}
    for more, found in (({}, 0), ({**agreed, "ended_at": now()}, 0), (agreed, 1)):
        with transaction():
            db.session.add(Exemption(**values, **more))
        assert len(load([person.id], [organization.id]).person(person.id, organization.id).exemptions) == found


@pytest.mark.rule("G4")
def test_a_guardian_who_was_asked_declined_withdrew_or_was_replaced_is_none(app: Flask) -> None:
    organization = make_organization()
    for status, there in (
        ("asked", False),
        ("declined", False),
        ("withdrawn", False),
        ("replaced", False),
        ("consented", True),
    ):
        person = make_person()
        make_guardian(person, status=status, confirmed_by=organization)
        guardian = load([person.id], [organization.id]).person(person.id, organization.id).guardian
        assert (guardian is not None and guardian.confirmed) == there


def test_as_many_statements_for_fifty_people_as_for_two(app: Flask, count_queries: list[str]) -> None:
    organizations = [make_organization() for _one in range(3)]
    people = [make_person() for _one in range(50)]
    for person in people:
        make_clearance(person, organizations[0])
    ids, wanted = [person.id for person in people], [organization.id for organization in organizations]
    counted = []
    for some in (ids[:2], ids):
        count_queries.clear()
        load(some, wanted)
        counted.append(len(count_queries))
    assert counted[0] == counted[1] <= 5
