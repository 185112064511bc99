"""The frame that an organization puts on its own site: what it shows, to whom, and what it leaves behind."""

from __future__ import annotations

import html
import re
from collections.abc import Callable

import pytest
from flask import Flask

from app.core.db import db, transaction
from app.core.ids import encode_id
from app.moderation.merging import merge_organizations
from app.moderation.operations import suspend_organization, withdraw_verification
from app.needs.models import PrivateAddress
from app.organizations.models import Organization
from app.signups.operations import sign_up
from tests.conftest import CheckingClient
from tests.factories import make_member, make_need, make_organization, make_person, make_shift

SignIn = Callable[..., CheckingClient]


@pytest.fixture
def organization(app: Flask) -> Organization:
    return make_organization(make_person(), slug="lantern", name="Lantern & House")


FRAME = "/embed/organizations/lantern"


@pytest.mark.rule("N6")
def test_it_shows_the_open_needs_with_their_area(organization: Organization, client: CheckingClient) -> None:
    need = make_need(organization, title="Sort <coats>", private_address=True, city="Newark", region="NJ")
    with transaction():
        db.session.add(PrivateAddress(need_id=need.id, address="7 Quixote Row", postal_code="07199-4711"))
    make_shift(need, capacity=4)
    page = client.get(FRAME)
    assert page.status_code == 200
    assert "Sort &lt;coats&gt;" in page.text
    assert "Newark, NJ" in page.text
    assert "4 places open" in page.text
    assert "Quixote" not in page.text
    assert f'href="/needs/{encode_id(need.id)}"' in page.text
    assert 'href="/organizations/lantern"' in page.text
    assert '<base target="_top">' in page.text, "a link leaves the frame"


@pytest.mark.rule("N1")
def test_nothing_that_is_not_open_is_in_it(organization: Organization, client: CheckingClient) -> None:
    for status in ("draft", "paused", "closed"):
        make_need(organization, title=f"A {status} need", status=status)
    make_need(make_organization(), title="Of somebody else")
    filled = make_need(organization, title="A filled need")
    shift, person = make_shift(filled, capacity=1), make_person()
    with transaction():
        sign_up(shift.id, by=person)
    page = client.get(FRAME).text
    assert re.findall(r"A \w+ need|Of somebody else", page) == []
    assert "Nothing is asked for at the moment" in page


@pytest.mark.rule("N1")
@pytest.mark.parametrize("end", [suspend_organization, withdraw_verification])
def test_whoever_is_not_public_has_no_frame_from_that_moment_on(
    organization: Organization, client: CheckingClient, end: Callable[..., object]
) -> None:
    make_need(organization, title="Sort the coats")
    assert "Sort the coats" in client.get(FRAME).text
    moderator = make_person(platform_role="moderator")
    with transaction():
        end(organization.id, by=moderator, **({"reason": "x"} if end is suspend_organization else {"checked": "x"}))
    gone = client.get(FRAME)
    assert gone.status_code == 404
    assert "Sort the coats" not in gone.text
    assert client.get("/embed/organizations/nobody").status_code == 404
    make_organization(slug="new", verified_at=None)
    assert client.get("/embed/organizations/new").status_code == 404


def test_any_site_may_frame_it_and_nothing_else_of_ours(organization: Organization, client: CheckingClient) -> None:
    policy = client.get(FRAME).headers["Content-Security-Policy"]
    assert "frame-ancestors *" in policy
    assert "frame-ancestors 'none'" in client.get("/organizations/lantern").headers["Content-Security-Policy"]
    assert "frame-ancestors 'none'" in client.get("/embed/organizations/nobody").headers["Content-Security-Policy"]


def test_it_needs_no_script_and_sets_no_cookie_and_knows_nobody(
    organization: Organization, client: CheckingClient, sign_in: SignIn
) -> None:
    person = make_member(organization, "owner", name="Olga Owner")
    fresh = client.get(FRAME)
    assert "Set-Cookie" not in fresh.headers
    assert "<script" not in fresh.text
    sign_in(person)
    signed_in = client.get(FRAME)
    assert signed_in.text == fresh.text, "the same for everybody"
    assert "Set-Cookie" not in signed_in.headers


def test_it_is_kept_like_every_public_page_until_something_changes(
    organization: Organization, client: CheckingClient
) -> None:
    first = client.get(FRAME)
    assert first.headers["Cache-Control"] == "public, max-age=0, s-maxage=1"
    again = client.get(FRAME, headers={"If-None-Match": first.headers["ETag"]})
    assert again.status_code == 304
    assert "frame-ancestors *" in again.headers["Content-Security-Policy"]
    make_need(organization, title="Sort the coats")
    changed = client.get(FRAME, headers={"If-None-Match": first.headers["ETag"]})
    assert (changed.status_code, "Sort the coats" in changed.text) == (200, True)


def test_twelve_needs_cost_as_many_statements_as_one_and_the_rest_is_said(
    organization: Organization, client: CheckingClient, count_queries: list[str]
) -> None:
    def asked() -> int:
        count_queries.clear()
        assert client.get(FRAME).status_code == 200
        return len(count_queries)

    make_shift(make_need(organization))
    client.get("/")
    one = asked()
    for _number in range(13):
        make_shift(make_need(organization))
    assert asked() == one
    page = client.get(FRAME).text
    assert page.count("<article") == 12
    assert "2 more needs of Lantern &amp; House" in page


def test_a_duplicate_leads_to_what_it_is_part_of(organization: Organization, client: CheckingClient) -> None:
    twin = make_organization(slug="twin", name="Twin")
    moderator = make_person(platform_role="moderator")
    with transaction():
        merge_organizations(twin.id, organization.id, by=moderator, typed_name="Twin", with_members=True)
    moved = client.get("/embed/organizations/twin")
    assert (moved.status_code, moved.headers["Location"]) == (301, FRAME)
    assert "frame-ancestors *" in moved.headers["Content-Security-Policy"]


def test_the_staff_find_what_to_copy(organization: Organization, client: CheckingClient, sign_in: SignIn) -> None:
    owner = make_member(organization, "owner")
    sign_in(owner)
    assert 'href="/manage/lantern/embed"' in client.get("/manage/lantern/settings").text
    page = client.get("/manage/lantern/embed").text
    snippet = html.unescape(re.findall(r"<textarea[^>]*>(.*?)</textarea>", page, re.S)[0])
    assert snippet == (
        '<iframe src="http://localhost/embed/organizations/lantern" title="What Lantern &amp; House needs" width="100%"'
        ' height="640" loading="lazy" style="border: 0"></iframe>'
    )
    assert "once a moderator has verified" not in page
    with transaction():
        db.session.get_one(Organization, organization.id).verified_at = None
    assert "once a moderator has verified" in client.get("/manage/lantern/embed").text
