"""Teams, goals in donors and things, news and pictures of a fundraiser's page, and milestones."""

from __future__ import annotations

import io
import re
from collections.abc import Callable
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask
from PIL import Image

from app.core.clock import now, today
from app.core.db import db, transaction
from app.core.errors import Refused
from app.core.ids import encode_id
from app.core.money import Money
from app.core.outbox import Outbox
from app.donations.models import Donation
from app.donations.monthly_models import MonthlyGift
from app.donations.operations.offline import record_offline
from app.donations.page_checks import check_tallies
from app.donations.page_parts import MOST_LEADERS, list_leaders, parts_of
from app.donations.queries import totals
from app.fundraisers.models import Fundraiser, FundraiserPicture
from app.fundraisers.operations import Counted, approve_fundraiser, start_fundraiser
from app.fundraisers.teams import hand_over_team, leave_team
from app.organizations.models import Organization
from tests.conftest import CheckingClient
from tests.factories import make_fundraiser, make_member, make_organization, make_person
from tests.fundraisers.test_page import make_gift

SignIn = Callable[..., CheckingClient]


def give(fundraiser: Fundraiser, organization: Organization, minor: int, **values: Any) -> None:
    owner, day = make_member(organization, "owner"), today(organization.time_zone)
    usual: dict[str, Any] = {"name": "Rosa", "received_on": day, "mode": "test", "email": ""}
    with transaction():
        record_offline(fundraiser.id, by=owner, amount=Money(minor, "USD"), **usual | values)


def raised(fundraiser: Fundraiser) -> int:
    db.session.rollback()
    return totals([fundraiser.id])[fundraiser.id].raised.amount_minor


def test_what_is_given_to_a_member_counts_for_the_team_for_good(app: Flask, client: CheckingClient) -> None:
    organization = make_organization()
    team = make_fundraiser(organization, is_team=True, title="Night runners")
    member = make_fundraiser(organization, team_id=team.id, title="Ten cold miles")
    give(member, organization, 500, email="a@example.org")
    give(team, organization, 200, email="a@example.org")
    assert (raised(member), raised(team)) == (500, 700)
    assert totals([team.id])[team.id].donor_count == 1  # one donor, however many pages of the team they gave to
    page = client.get(f"/fundraisers/{team.slug}").text
    for words in ("1 page of the team", "Ten cold miles", "Join the team"):
        assert words in page
    assert "Night runners" in client.get(f"/fundraisers/{member.slug}").text
    with transaction():
        leave_team(member.id, by=member.started_by)
    give(member, organization, 100)
    assert (raised(member), raised(team)) == (600, 700)
    assert check_tallies()[1] == []


def test_joining_needs_an_open_team_and_the_captain_hands_it_over(
    app: Flask, client: CheckingClient, sign_in: SignIn
) -> None:
    organization = make_organization(auto_approve_fundraisers=True)
    team = make_fundraiser(organization, is_team=True)
    person = make_person()
    browser = sign_in(person, client)
    path = f"/fundraisers/new?organization={organization.slug}&team={team.slug}"
    assert "Your page is part of the team:" in browser.get(path).text
    form = {"title": "My miles", "story": "Why I run.", "goal": "100", "leaderboard": "y"}
    assert browser.post(path, data=form).status_code == 303
    page = db.session.scalars(sa.select(Fundraiser).where(Fundraiser.title == "My miles")).one()
    assert (page.team_id, page.is_team) == (team.id, False)
    with transaction():
        hand_over_team(team.id, by=team.started_by, to_page_id=page.id)
    assert db.session.get_one(Fundraiser, team.id, populate_existing=True).started_by_id == person.id
    assert browser.get(f"/fundraisers/{team.slug}/team").status_code == 200
    stranger = make_fundraiser(organization)
    with pytest.raises(Refused), transaction():
        hand_over_team(team.id, by=person, to_page_id=stranger.id)
    other = make_fundraiser(make_organization(), is_team=True)
    with pytest.raises(Refused), transaction():
        start_fundraiser(
            organization.id, by=person, title="X", story="Y", goal=Money(100, "USD"), team_id=other.id
        )  # another organization's


def test_a_page_begins_with_a_template_and_counts_things(app: Flask, client: CheckingClient, sign_in: SignIn) -> None:
    organization = make_organization()
    owner = make_member(organization, "owner")
    browser = sign_in(owner, client)
    path = f"/fundraisers/new?organization={organization.slug}"
    assert "A birthday" in browser.get(path).text
    assert f"My birthday for {organization.name}" in browser.get(path + "&template=birthday").text
    gaps = {"title": "In memory of …", "story": "I chose them because …\n\nThank you!", "goal": "1000"}
    unfilled = browser.post(path, data=gaps)
    assert unfilled.status_code == 422
    for field, words in (("title", "In memory of …"), ("story", "because …")):
        assert re.search(rf'id="{field}-error">.*?Fill in “[^”]*{words}”', unfilled.text), field
    form = {
        "title": "Backpacks", "story": "For school … and for later.", "goal": "1000", "goal_kind": "items",
        "item_name": "backpacks", "by_organization": "y",
    }  # fmt: skip
    page = browser.post(path, data=form)
    assert page.status_code == 422  # what one costs is missing
    assert browser.post(path, data={**form, "item_price": "25"}).status_code == 303
    made = db.session.scalars(sa.select(Fundraiser)).one()
    assert (made.status, made.by_organization, made.item_minor) == ("live", True, 2500)
    assert browser.post(f"/manage/{organization.slug}/fundraisers/overflow", data={"overflow_rule": "It buys books."})
    give(made, organization, 7_400)
    shown = client.get(f"/fundraisers/{made.slug}").text
    for words in ("2 of 40 paid for: backpacks", "$25 covers one.", "Beyond the goal: It buys books."):
        assert words in shown
    with transaction():
        approve_fundraiser(made.id, by=owner)
    other = {"title": "Many", "story": "Each counts.", "goal": "10", "goal_kind": "donors", "goal_donors": "3"}
    assert browser.post(path, data=other).status_code == 303
    many = db.session.scalars(sa.select(Fundraiser).where(Fundraiser.title == "Many")).one()
    give(many, organization, 100, email="a@example.org")
    assert parts_of(many.id, totals([many.id])[many.id]).standing.have == 1
    assert "1 of 3 donors" in client.get(f"/fundraisers/{many.slug}").text
    assert browser.post(path, data={**other, "title": "Odd", "goal_donors": "0"}).status_code == 422
    assert Counted("donors", donors=3) == Counted("donors", 3)


@pytest.mark.rule("F9")
@pytest.mark.rule("G6")
def test_the_largest_gifts_never_name_the_anonymous_nor_a_minor(app: Flask, client: CheckingClient) -> None:
    fundraiser = make_fundraiser()
    young = make_person(birth_date=today("UTC").replace(year=today("UTC").year - 15))
    make_gift(fundraiser, 9_000, name="Secret", anonymous=True)
    make_gift(fundraiser, 8_000, name="Young", anonymous=False, person_id=young.id)
    for number in range(5):
        make_gift(fundraiser, 1_000 + number, name=f"Open {number}", anonymous=False)
    open_ones = [f"Open {number}" for number in (4, 3, 2, 1, 0)]
    assert [leader.name for leader in list_leaders(fundraiser.id)] == open_ones
    # Whoever gives every month stands there once, with their largest whole month, and crowds nobody out; nor do many minors.
    with transaction():
        monthly = MonthlyGift(
            fundraiser_id=fundraiser.id, organization_id=fundraiser.organization_id, mode="demo", amount_minor=5_000,
            currency="USD", status="active", created_at=now(),
        )  # fmt: skip
        db.session.add(monthly)
        db.session.flush()
    for month in range(3 * MOST_LEADERS):
        make_gift(fundraiser, 5_000 + month % 2, name="Monthly Mo", anonymous=False, monthly_gift_id=monthly.id)
        make_gift(fundraiser, 7_000, name="Young", anonymous=False, person_id=young.id)
    back = make_gift(fundraiser, 9_500, name="Monthly Mo", anonymous=False, monthly_gift_id=monthly.id)
    with transaction():
        db.session.get_one(Donation, back).refunded_minor = 1
    leaders = list_leaders(fundraiser.id)
    assert [leader.name for leader in leaders] == ["Monthly Mo", *open_ones[:4]]
    assert leaders[0].amount.amount_minor == 5_001
    path = f"/fundraisers/{fundraiser.slug}"
    page = client.get(path).text
    assert "Largest gifts" in page
    assert "Secret" not in page
    assert "Young" not in page
    with transaction():
        db.session.execute(sa.update(Fundraiser).values(leaderboard=False))
    assert "Largest gifts" not in client.get(path).text


def test_each_quarter_is_told_once(app: Flask) -> None:
    organization = make_organization()
    fundraiser = make_fundraiser(organization, goal_minor=10_000)
    for minor in (2_400, 100, 3_000, 100, 5_000, 5_000):  # 24, 25, 55, 56, 106, 156 %
        give(fundraiser, organization, minor)
    kinds = sa.select(Outbox.key).where(Outbox.kind.like("mail_fundraiser_%")).order_by(Outbox.key)
    told = {key.rpartition(":")[2] if "milestone" in key else "goal" for key in db.session.scalars(kinds)}
    assert told == {"25", "50", "goal"}
    assert db.session.get_one(Fundraiser, fundraiser.id, populate_existing=True).milestone == 100


def test_news_is_read_until_it_is_taken_back(app: Flask, client: CheckingClient, sign_in: SignIn) -> None:
    starter = make_person()
    fundraiser = make_fundraiser(started_by_id=starter.id)
    path = f"/fundraisers/{fundraiser.slug}"
    browser = sign_in(starter, client)
    form = {"title": "Bed number thirty", "body": "Ten **frames**."}
    assert browser.post(f"{path}/updates/new", data={**form, "body": ""}).status_code == 422
    for _time in range(2):  # sent twice, there once
        assert browser.post(f"{path}/updates/new", data=form).status_code == 303
    page = browser.get(path).text
    assert page.count("Bed number thirty") == 1
    assert "<strong>frames</strong>" in page
    address = browser.get(f"{path}/updates").text.partition(f'action="{path}/updates/')[2].partition('"')[0]
    assert browser.post(f"{path}/updates/{address}").status_code == 303
    assert "Bed number thirty" not in browser.get(path).text


def photo() -> io.BytesIO:
    """A photograph that says where it was taken."""
    out = io.BytesIO()
    image = Image.new("RGB", (1200, 800), (10, 120, 140))
    exif = Image.Exif()
    exif[0x010E] = "at home, 12 Hidden Street"
    image.save(out, format="JPEG", exif=exif)
    out.seek(0)
    return out


@pytest.mark.rule("G8")
def test_a_picture_with_children_needs_a_consent_and_is_gone_when_it_is_withdrawn(
    app: Flask, client: CheckingClient, sign_in: SignIn, new_client: Callable[[], CheckingClient]
) -> None:
    starter = make_person()
    fundraiser = make_fundraiser(started_by_id=starter.id)
    path = f"/fundraisers/{fundraiser.slug}"
    browser, visitor = sign_in(starter, client), new_client()
    form = {"alt": "A class with new backpacks", "shows_children": "y"}
    sent = browser.post(f"{path}/pictures", data={**form, "picture": (photo(), "a.jpg")})
    assert sent.status_code == 422
    assert "Say who agreed for the children, and how" in sent.text
    form["consent"] = "Both parents, in writing"
    assert browser.post(f"{path}/pictures", data={**form, "picture": (photo(), "a.jpg")}).status_code == 303
    picture = db.session.scalars(sa.select(FundraiserPicture)).one()
    page = visitor.get(path).text
    assert 'alt="A class with new backpacks"' in page
    assert "Both parents" not in page
    shown = visitor.get(f"{path}/picture/{picture.digest}")
    assert (shown.status_code, shown.content_type) == (200, "image/jpeg")
    assert b"Hidden Street" not in shown.data
    assert Image.open(io.BytesIO(shown.data)).size == (960, 640)
    key = picture.id
    gone = browser.post(f"{path}/pictures/{encode_id(key)}/remove", data={"consent_withdrawn": "y"})
    assert gone.status_code == 303
    assert visitor.get(f"{path}/picture/{picture.digest}").status_code == 404
    assert "A class with new backpacks" not in visitor.get(path).text
    kept = db.session.execute(sa.text("SELECT content, consent, consent_withdrawn FROM fundraiser_picture")).one()
    assert (kept.content, kept.consent, bool(kept.consent_withdrawn)) == (None, "", True)
