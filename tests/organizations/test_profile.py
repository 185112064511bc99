"""An organization's public page and settings: what it stands for, where it is, when it was verified."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable

import pytest
import sqlalchemy as sa
from flask import Flask, abort

from app.core.audit import AuditEvent
from app.core.clock import today
from app.core.db import db, transaction
from app.core.ids import encode_id
from app.core.web import guard_of
from app.organizations.models import Organization, Verification
from app.organizations.operations import add_location
from app.signups.models import Signup
from app.signups.operations import sign_up
from tests.api.test_main_job import Caller
from tests.conftest import CheckingClient
from tests.factories import make_member, make_need, make_organization, make_person, make_shift

SignIn = Callable[..., CheckingClient]


def test_causes_are_chosen_in_the_settings_and_lead_to_needs_like_these(
    client: CheckingClient, sign_in: SignIn
) -> None:
    organization = make_organization(owner := make_person())
    public, settings = f"/organizations/{organization.slug}", f"/manage/{organization.slug}/settings"
    assert "causes=" not in client.get(public).text
    sign_in(owner)
    assert 'name="causes"' in client.get(settings).text
    sent = {"name": organization.name, "causes": ["housing", "food"]}
    assert client.post(settings, data=sent).status_code == 303
    assert db.session.get_one(Organization, organization.id).causes == ["food", "housing"]
    page = client.get(public).text
    assert page.index('href="/needs?causes=food"') < page.index('href="/needs?causes=housing"')
    assert "Housing and shelter" in page
    assert client.post(settings, data={**sent, "causes": ["world-peace"]}).status_code == 422
    client.post(settings, data={"name": organization.name})
    db.session.refresh(organization)
    assert organization.causes == []


def test_programs_read_and_change_causes(app: Flask) -> None:
    organization = make_organization(owner := make_person())
    where = f"/organizations/{organization.slug}"
    assert Caller(app, None)("GET", where).json["causes"] == []
    staff = Caller(app, owner)
    changed = staff("PATCH", where, {"causes": ["food"]})
    assert (changed.status_code, changed.json["causes"]) == (200, ["food"])
    assert staff("PATCH", where, {"website": None}).json["causes"] == ["food"]
    assert staff("PATCH", where, {"causes": ["world-peace"]}).status_code == 422
    assert Caller(app, make_person())("PATCH", where, {"causes": []}).status_code == 404


@pytest.mark.rule("N6")
def test_the_public_sees_where_it_is_and_of_private_places_the_area_only(client: CheckingClient) -> None:
    organization = make_organization(owner := make_person())
    places = (
        ("Parish hall", "5 Broad Street", "Newark, NJ", False),
        ("The hidden house", "12 Hidden Lane", "Jersey City, NJ 07302", True),
        ("Another hidden house", "14 Hidden Lane", "Jersey City, NJ 07302", True),
    )
    with transaction():
        for name, address, place, private in places:
            add_location(organization.id, by=owner, name=name, address=address, place=place, private=private)
    page = client.get(f"/organizations/{organization.slug}").text
    assert "Parish hall" in page
    assert "5 Broad Street, Newark, NJ" in page
    assert page.count("Jersey City, NJ") == 1
    assert "The street is private." in page
    for secret in ("hidden house", "Hidden", "07302"):
        assert secret not in page


@pytest.mark.rule("A2")
@pytest.mark.rule("G4")
def test_its_staff_see_and_correct_where_it_is_and_what_rests_on_that_is_asked_again(
    client: CheckingClient, sign_in: SignIn, work_off: Callable[[], object]
) -> None:
    organization = make_organization(owner := make_person(), city=None, region=None)
    need = make_need(organization, remote=True, city=None, region=None, latitude=None, longitude=None, postal_code=None)
    day = today("America/New_York") + dt.timedelta(days=9)
    noon = dt.datetime.combine(day, dt.time(17), dt.UTC)
    shift = make_shift(need, starts_at=noon, ends_at=noon + dt.timedelta(hours=2))
    young = make_person(birth_date=today("UTC") - dt.timedelta(days=20 * 366), country="US")
    sign_in(owner)
    address = f"/manage/{organization.slug}/settings"
    for typed, city, region in (
        ("Atlantis", None, None),  # 422, and nothing changes
        ("New Jersey", None, "NJ"),
        ("Newark, NJ", "Newark", "NJ"),
        ("Alabama", None, "AL"),
        ("NJ", None, "NJ"),
    ):
        answer = client.post(address, data={"name": "Pantry", "place": typed, "first_come_hours": "12"})
        assert answer.status_code == (303 if region else 422), typed
        assert f'value="{typed}"' in (answer.text if region is None else client.get(address).text) or city is None
        found = db.session.get_one(Organization, organization.id, populate_existing=True)
        assert (found.city, found.region) == (city, region), typed
        db.session.rollback()
    moved = sa.select(AuditEvent.data).where(AuditEvent.action == "organization.moved").order_by(AuditEvent.id)
    assert [(one["was"], one["now"]) for one in db.session.scalars(moved)] == [
        ("", "NJ"), ("NJ", "NJ"), ("NJ", "AL"), ("AL", "NJ"),
    ]  # fmt: skip
    client.post(address, data={"name": "Pantry", "place": "Newark", "first_come_hours": "12"})
    assert "We read where you are as Newark, NJ." in client.get(address).text
    with transaction():
        place = sign_up(shift.id, by=young)
    # In Mississippi they come of age at 21.
    staff = Caller(client.application, owner)
    assert staff("PATCH", f"/organizations/{organization.slug}", {"place": "Mississippi"}).json["region"] == "MS"
    work_off()
    assert db.session.get_one(Signup, place.id, populate_existing=True).status == "cancelled"
    assert staff("PATCH", f"/organizations/{organization.slug}", {"place": None}).json["region"] is None


@pytest.mark.rule("T1")
def test_the_day_of_the_verification_is_that_of_the_organizations_own_clock(client: CheckingClient) -> None:
    at = dt.datetime(2026, 11, 24, 2, 30, tzinfo=dt.UTC)  # Monday evening in Newark
    organization = make_organization(verified_at=at)
    with transaction():
        db.session.add(
            Verification(organization_id=organization.id, decision="verified", checked="register", decided_at=at)
        )
    page = client.get(f"/organizations/{organization.slug}").text
    assert "Verified on Monday, November 23, 2026" in page


@pytest.mark.rule("A1")
def test_who_may_not_open_a_staff_page_reads_why_as_far_as_they_may_know(
    client: CheckingClient, sign_in: SignIn
) -> None:
    """Strangers read the same about what exists and what does not; members hear what their role opens and whom to ask, and
    that too is the same about what is there and what is not."""
    organization = make_organization(owner := make_person(), name="Lantern House")
    there = [f"/manage/{organization.slug}/{page}" for page in ("settings", "clearances", "export")]
    gone = f"/manage/{organization.slug}/needs/{encode_id(1)}"

    def read(*paths: str) -> str:
        pages = set()
        for path in paths:
            answer = client.get(path)
            assert answer.status_code == 404, path
            pages.add(answer.text.split("<main", 1)[1].split("</main>")[0])
        assert len(pages) == 1
        return pages.pop()

    sign_in(make_person())
    page = read(*there, gone, "/manage/no-such-house/settings")
    assert "an owner or manager can say which" in page
    assert "Lantern House" not in page
    for role, says in (("coordinator", "open for owners and managers alone"), ("viewer", "ask an owner or manager")):
        sign_in(make_member(organization, role))
        page = read(*there, gone)
        assert "This page does not open for you" in page
        assert f"You are a {role} of Lantern House" in page
        assert says in page
        assert f'href="/manage/{organization.slug}/"' in page
        assert "an owner or manager can say which" in read("/manage/no-such-house/settings"), "theirs is another one"
    sign_in(make_member(organization, "manager"))
    assert "it is for owners alone" in read(gone)
    sign_in(owner)
    assert "may open all its pages: what was here is gone" in read(gone)
    assert "It may have ended or moved" in client.get("/nothing-here").text


@pytest.mark.rule("A1")
@pytest.mark.parametrize("role", ["owner", "manager", "coordinator", "viewer"])
def test_staff_see_only_tabs_that_open_and_everybody_may_leave(
    client: CheckingClient, sign_in: SignIn, role: str
) -> None:
    organization = make_organization(make_person())
    member = make_member(organization, role)
    sign_in(member)
    here = f"/manage/{organization.slug}/"
    overview = client.get(here).text
    tabs = overview.split('class="tabs"')[1].split("</nav>")[0]
    shown = [part.split('"')[0] for part in tabs.split('href="')[1:]]
    assert [client.get(tab).status_code for tab in shown] == [200] * len(shown)
    assert (f"{here}members" in shown) == (f"{here}settings" in shown) == (role in ("owner", "manager"))
    # The same on a page that does not say itself who manages.
    activity = client.get(f"{here}activity").text.split('class="tabs"')[1].split("</nav>")[0]
    assert activity.count("<a ") == len(shown)
    assert f'href="{here}leave"' in overview
    assert f'href="{here}leave"' in client.get("/profile").text
    assert client.get(f"{here}leave").status_code == 200
    if role != "owner":
        assert client.post(f"{here}leave").status_code == 303
        assert client.get(here).status_code == 404


@pytest.mark.rule("M2")
@pytest.mark.parametrize(("role", "offered"), [("viewer", False), ("coordinator", True)])
def test_nobody_is_offered_mail_that_they_never_get(
    client: CheckingClient, sign_in: SignIn, role: str, offered: bool
) -> None:
    sign_in(make_member(make_organization(make_person()), role))
    page = client.get("/profile/mail").text
    assert ("Somebody signs up" in page) is offered
    assert "Reminders of what you promised" in page
    sent = {"reminder": "never", "thanks": "at_once"}
    assert client.post("/profile/mail", data=sent).status_code == 303


def test_who_works_for_organizations_finds_them_from_every_page(
    client: CheckingClient, sign_in: SignIn, count_queries: list[str]
) -> None:
    anonymous = client.get("/needs")
    assert "/manage/" not in anonymous.text
    assert "Set-Cookie" not in anonymous.headers
    person = make_person()
    sign_in(person)
    count_queries.clear()
    assert "/manage/" not in client.get("/organizations").text
    assert len([line for line in count_queries if "membership" in line]) == 1
    assert "You work for no organization here" in client.get("/manage/").text
    first = make_organization(person, name="Ash Kitchen")
    assert 'href="/manage/"' in client.get("/organizations").text
    assert client.get("/manage/").location == f"/manage/{first.slug}/"
    second = make_organization(person, name="Birch House")
    page = client.get("/manage/").text
    count_queries.clear()
    mine = client.get("/my-help").text
    assert len([line for line in count_queries if "membership" in line]) == 1
    for organization in (first, second):
        for text in (page, mine):
            assert f'href="/manage/{organization.slug}/"' in text
        assert f'href="/manage/{organization.slug}/leave"' in page


def test_a_page_about_a_fault_of_ours_asks_nothing_for_its_menu(
    app: Flask,
    client: CheckingClient,
    sign_in: SignIn,
    count_queries: list[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def broken() -> None:
        abort(500)

    broken.guard = guard_of(app, "pages.my_help")
    monkeypatch.setitem(app.view_functions, "pages.my_help", broken)
    sign_in(make_member(make_organization(), "owner"))
    count_queries.clear()
    answer = client.get("/my-help")
    assert answer.status_code == 500
    assert "it is our fault" in answer.text
    assert [line for line in count_queries if "membership" in line] == []
