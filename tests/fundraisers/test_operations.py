"""What can be done with fundraisers, and what stands in the way (F1, F8, S11)."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
import sqlalchemy as sa
import time_machine
from flask import Flask

from app.accounts.models import Person
from app.core.audit import AuditEvent
from app.core.clock import now, today
from app.core.db import db, transaction
from app.core.errors import InvalidInput, Refused
from app.core.money import Money
from app.core.outbox import Outbox
from app.fundraisers import operations, policy, queries
from app.fundraisers.jobs import end_due
from app.fundraisers.models import Fundraiser
from app.organizations.models import Organization
from tests.factories import make_fundraiser, make_member, make_need, make_organization, make_person

ZONE = "America/New_York"


def start(organization: Any, person: Any, **values: Any) -> Fundraiser:
    """Start a page with usual values."""
    given = {"title": "Ten cold miles", "story": "Why.", "goal": Money(100_000, organization.currency), **values}
    with transaction():
        return operations.start_fundraiser(organization.id, by=person, **given)


def kinds() -> list[str]:
    """What the outbox promises, in order."""
    return list(db.session.scalars(sa.select(Outbox.kind).order_by(Outbox.id)))


@pytest.mark.rule("F8")
def test_a_supporters_page_waits_for_approval_and_its_staff_are_told(app: Flask) -> None:
    owner, supporter = make_person(), make_person()
    organization = make_organization(owner)
    manager = make_member(organization, "manager")
    make_member(organization, "viewer")
    fundraiser = start(organization, supporter)
    assert fundraiser.status == "awaiting_approval"
    assert not policy.is_visible(fundraiser)
    assert queries.find_public_fundraiser(fundraiser.slug) is None
    told = db.session.scalars(sa.select(Outbox.payload).where(Outbox.kind == "mail_fundraiser_waiting"))
    assert {payload["person_id"] for payload in told} == {owner.id, manager.id}
    with transaction():
        operations.approve_fundraiser(fundraiser.id, by=owner)
    assert queries.find_public_fundraiser(fundraiser.slug) is not None
    assert kinds()[-1] == "mail_fundraiser_decided"
    actions = list(db.session.scalars(sa.select(AuditEvent.action).order_by(AuditEvent.id)))
    assert actions == ["fundraiser.started", "fundraiser.approved"]


def test_staff_say_that_they_read_what_changed_on_a_live_page(app: Flask) -> None:
    owner = make_person()
    organization = make_organization(owner)
    fundraiser = start(organization, owner)
    assert not fundraiser.changed_since_read
    with transaction():
        fundraiser.edited_at = now() + dt.timedelta(seconds=1)
    told = kinds()
    assert fundraiser.changed_since_read
    with time_machine.travel(now() + dt.timedelta(minutes=1)), transaction():
        operations.approve_fundraiser(fundraiser.id, by=owner)
    assert not fundraiser.changed_since_read
    version = fundraiser.version
    with transaction():
        operations.approve_fundraiser(fundraiser.id, by=owner)
    assert (fundraiser.version, kinds()) == (version, told)
    actions = list(db.session.scalars(sa.select(AuditEvent.action).order_by(AuditEvent.id)))
    assert actions.count("fundraiser.read_again") == 1


@pytest.mark.rule("F8")
def test_an_organization_may_approve_by_its_own_setting(app: Flask) -> None:
    owner = make_person()
    organization = make_organization(owner)
    with transaction():
        operations.set_auto_approval(organization.id, by=owner, on=True)
    assert start(organization, make_person()).status == "live"


def test_a_page_started_by_who_approves_is_live(app: Flask) -> None:
    owner = make_person()
    organization = make_organization(owner)
    assert start(organization, owner).status == "live"
    assert start(organization, make_member(organization, "coordinator"), title="Other").status == "awaiting_approval"


def test_the_same_page_sent_twice_is_one(app: Flask) -> None:
    organization, person = make_organization(), make_person()
    first, second = start(organization, person), start(organization, person)
    assert first.id == second.id
    other = start(organization, person, title="Another")
    assert other.id != first.id


def test_the_same_title_gets_its_own_address(app: Flask) -> None:
    organization = make_organization()
    slugs = {start(organization, make_person(), title=title).slug for title in ("Beds", "Beds", "new", "火", "–")}
    assert len(slugs) == 5
    assert "beds" in slugs
    assert "new" not in slugs


@pytest.mark.rule("S11")
def test_whoever_cannot_start_is_told_every_reason(app: Flask) -> None:
    child = make_person(email_verified_at=None, birth_date=today(ZONE) - dt.timedelta(days=15 * 365))
    organization = make_organization(verified_at=None)
    need = make_need(make_organization(), status="draft")
    with pytest.raises(Refused) as refused:
        start(organization, child, need_id=need.id)
    assert [reason.code for reason in refused.value.reasons] == [
        "email_unverified",
        "minor",
        "organization_not_verified",
        "need_not_open",
    ]


@pytest.mark.rule("F8")
@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"verified_at": None}, "organization_not_verified"),
        ({"status": "suspended"}, "organization_not_verified"),
        ({"claimed_at": None}, "organization_not_claimed"),
    ],
)
def test_an_organization_out_of_sight_or_unclaimed_gets_no_fundraiser(
    app: Flask, change: dict[str, Any], code: str
) -> None:
    with pytest.raises(Refused) as refused:
        start(make_organization(**change), make_person())
    assert [reason.code for reason in refused.value.reasons] == [code]


@pytest.mark.rule("F1")
@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"goal": Money(0, "USD")}, "goal"),
        ({"goal": Money(-100, "USD")}, "goal"),
        ({"goal": Money(100, "EUR")}, "goal"),
        ({"goal": Money(10**14, "USD")}, "goal"),
        ({"ends_on": dt.date(2020, 1, 1)}, "ends_on"),
        ({"ends_on": dt.date(2999, 1, 1)}, "ends_on"),
    ],
)
def test_a_goal_or_an_end_that_cannot_be_is_refused_at_its_field(
    app: Flask, values: dict[str, Any], field: str
) -> None:
    with pytest.raises(InvalidInput) as invalid:
        start(make_organization(), make_person(), **values)
    assert list(invalid.value.errors) == [field]


def test_today_in_the_organizations_zone_is_a_last_day(app: Flask) -> None:
    organization = make_organization(time_zone="Pacific/Kiritimati")
    assert start(organization, make_person(), ends_on=today("Pacific/Kiritimati")).ends_on is not None


def test_an_edited_live_page_stays_live_and_is_marked_for_its_staff(app: Flask) -> None:
    owner, supporter = make_person(), make_person()
    fundraiser = start(make_organization(owner), supporter)
    with transaction():
        operations.approve_fundraiser(fundraiser.id, by=owner)
    with transaction():
        changed = operations.edit_fundraiser(
            fundraiser.id, by=supporter, title="New title", story="Why.", goal=Money(200_000, "USD"), ends_on=None,
            show_starter=True,
        )  # fmt: skip
    assert (changed.status, changed.title, changed.goal_minor) == ("live", "New title", 200_000)
    assert changed.edited_at is not None
    assert changed.decided_at is not None
    assert changed.edited_at > changed.decided_at


@pytest.mark.rule("F8")
def test_declining_and_ending_promise_to_close_the_checkouts(app: Flask) -> None:
    staff = make_person()
    for number, act in enumerate(("decline", "end")):
        fundraiser = make_fundraiser()
        with transaction():
            if act == "decline":
                operations.decline_fundraiser(fundraiser.id, by=staff, reason="No")
            else:
                operations.end_fundraiser(fundraiser.id, by=staff)
        assert kinds().count("fundraiser_closed") == number + 1


def test_what_is_over_stays_over(app: Flask) -> None:
    staff = make_person()
    fundraiser = make_fundraiser(status="ended")
    for act in (
        lambda: operations.approve_fundraiser(fundraiser.id, by=staff),
        lambda: operations.decline_fundraiser(fundraiser.id, by=staff, reason="No"),
        lambda: operations.edit_fundraiser(
            fundraiser.id, by=staff, title="T", story="S", goal=Money(1, "USD"), ends_on=None, show_starter=False
        ),
    ):
        with pytest.raises(Refused), transaction():
            act()
    with transaction():
        assert operations.end_fundraiser(fundraiser.id, by=staff).status == "ended"


@pytest.mark.rule("T1")
def test_a_fundraiser_ends_when_its_last_day_is_over_where_the_organization_is(app: Flask) -> None:
    day = dt.date(2030, 6, 15)
    honolulu = make_fundraiser(make_organization(time_zone="Pacific/Honolulu"), ends_on=day)
    tokyo = make_fundraiser(make_organization(time_zone="Asia/Tokyo"), ends_on=day)
    for instant, live in (
        ("2030-06-15T14:59:00+00:00", {honolulu.id, tokyo.id}),
        ("2030-06-15T15:01:00+00:00", {honolulu.id}),
        ("2030-06-16T09:59:00+00:00", {honolulu.id}),
        ("2030-06-16T10:01:00+00:00", set()),
    ):
        with time_machine.travel(dt.datetime.fromisoformat(instant), tick=False):
            assert {key for key in (honolulu.id, tokyo.id) if policy.accepts_gifts(fresh(key))} == live
            end_due()
        found = db.session.scalars(sa.select(Fundraiser.id).where(Fundraiser.status == "live"))
        assert set(found) == live


def fresh(key: int) -> Fundraiser:
    """The row as it is now."""
    db.session.rollback()
    return db.session.get_one(Fundraiser, key, populate_existing=True)


@pytest.mark.rule("F8")
def test_the_predicate_and_its_sql_twin_agree_on_every_state(app: Flask) -> None:
    made: list[Fundraiser] = []
    for status in ("awaiting_approval", "live", "declined", "ended"):
        for change in ({}, {"status": "suspended"}, {"verified_at": None}, {"claimed_at": None}):
            made.append(make_fundraiser(make_organization(**change), status=status))

    def ids(predicate: sa.ColumnElement[bool]) -> set[int]:
        joined = sa.select(Fundraiser.id).join(Organization, Organization.id == Fundraiser.organization_id)
        return set(db.session.scalars(joined.where(predicate)))

    rows = [fresh(row.id) for row in made]
    assert ids(policy.visible()) == {row.id for row in rows if policy.is_visible(row)}
    assert ids(policy.accepting()) == {row.id for row in rows if policy.accepts_gifts(row)}
    assert len(ids(policy.visible())) == 2


@pytest.mark.rule("N1")
def test_a_need_out_of_sight_is_not_named_by_its_fundraiser(app: Flask) -> None:
    organization = make_organization()
    need = make_need(organization)
    fundraiser = make_fundraiser(organization, need_id=need.id)
    page = queries.find_public_fundraiser(fundraiser.slug)
    assert page is not None
    assert page.need_title == need.title
    with transaction():
        db.session.execute(sa.text("UPDATE need SET status = 'paused'"))
    page = queries.find_public_fundraiser(fundraiser.slug)
    assert page is not None
    assert (page.need_id, page.need_title) == (None, None)


@pytest.mark.rule("G6")
def test_a_starter_is_named_only_when_they_chose_so(app: Flask) -> None:
    person: Person = make_person(name="Devon Okafor")
    hidden = make_fundraiser(started_by_id=person.id)
    named = make_fundraiser(started_by_id=person.id, show_starter=True)
    starters = {}
    for fundraiser in (hidden, named):
        page = queries.find_public_fundraiser(fundraiser.slug)
        assert page is not None
        starters[fundraiser.id] = page.starter
    assert starters == {hidden.id: None, named.id: "Devon Okafor"}


@pytest.mark.rule("N2")
def test_the_list_pages_by_key_while_rows_come_and_go(app: Flask) -> None:
    organization = make_organization()
    base = now() - dt.timedelta(days=1)
    made = [
        make_fundraiser(organization, created_at=base + dt.timedelta(seconds=number // 2)).id for number in range(12)
    ]
    seen: list[int] = []
    cursor = None
    while True:
        page = queries.list_public_fundraisers(cursor, limit=5)
        seen += [row.id for row in page.rows]
        make_fundraiser(organization)  # something new comes first and moves nothing
        cursor = page.next_cursor
        if cursor is None:
            break
    assert len(seen) == len(set(seen)) == 12
    assert set(seen) == set(made)
