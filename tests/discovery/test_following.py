"""Following: one click with a proved address, double opt-in without, and every way to end it."""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Callable

import pytest
import sqlalchemy as sa
import time_machine
from flask import Flask

from app.accounts import throttles
from app.accounts.models import Person
from app.core.audit import AuditEvent
from app.core.clock import now, today
from app.core.db import db, transaction
from app.core.errors import Refused
from app.core.ids import encode_id
from app.core.outbox import Outbox
from app.core.places import main_zone
from app.discovery import operations
from app.discovery.models import Follow, Follower, FollowRequest
from app.discovery.operations import next_morning
from app.discovery.queries import list_follows_of
from app.messages.kinds import NEVER
from app.messages.operations import choose_mail
from app.messages.queries import find_choice
from tests.conftest import CheckingClient
from tests.discovery.common import ZONE, address_follows, links, make_topic, person_follows, subject
from tests.factories import make_guardian, make_organization, make_person
from tests.smtp import Mailbox, text_of

Work = Callable[[], dict[str, int]]
SignIn = Callable[..., CheckingClient]
GAIL = "gail@example.org"
TYPED = {"email": " Gail@Example.ORG ", "frequency": "daily", "adult": "y"}


def confirm_link(mailbox: Mailbox, number: int = -1) -> str:
    return links(mailbox.to(GAIL)[number], "/follow/confirm/")[0]


def following() -> list[tuple[str, str]]:
    """(frequency, status) of every follow, first made first."""
    db.session.rollback()
    return [tuple(row) for row in db.session.execute(sa.select(Follow.frequency, Follow.status).order_by(Follow.id))]


def test_somebody_with_a_proved_address_follows_in_one_click_changes_and_takes_it_back(
    app: Flask, client: CheckingClient, sign_in: SignIn
) -> None:
    organization, topic, person = make_organization(name="Lantern House"), make_topic(), make_person()
    sign_in(person)
    page = client.get(f"/organizations/{organization.slug}")
    path = f"/follow/organizations/{organization.slug}"
    assert f'href="{path}"' in page.text
    form = client.get(path)
    assert "each mail has a link that ends it with one click" in form.text
    assert form.headers["Cache-Control"] == "no-store"
    assert 'type="email"' not in form.text
    done = client.post(path, data={"frequency": "weekly"})
    assert done.location == f"/organizations/{organization.slug}"
    assert "You follow Lantern House." in client.get(done.location).text
    assert "You follow Lantern House." in client.get(path).text
    client.post(path, data={"frequency": "daily"})
    client.post(f"/follow/topics/{topic.slug}", data={"frequency": "weekly"})
    assert sorted(following()) == [("daily", "following"), ("weekly", "following")]
    mine = client.get("/my-help").text
    assert mine.index("What you follow") < mine.index("Lantern House") < mine.index("Checking claims")
    first = list_follows_of(person)[0]
    stop = f"/my-help/follows/{encode_id(first.id)}/stop"
    assert client.post(stop).location == "/my-help#follows"
    after = client.get("/my-help").text
    assert "You do not follow Lantern House any more." in after
    assert "Undo" in after
    client.post(stop.replace("/stop", "/resume"))
    assert sorted(following()) == [("daily", "following"), ("weekly", "following")]
    events = list(db.session.scalars(sa.select(AuditEvent).where(AuditEvent.action.like("follow.%"))))
    actions = sorted(event.action for event in events)
    assert actions == ["follow.changed", "follow.made", "follow.made", "follow.resumed", "follow.stopped"]
    # Kept for ever, so it says neither who nor what: "nobody sees what you follow".
    assert [(event.actor_id, event.organization_id, event.data) for event in events] == [(None, None, {})] * 5


@pytest.mark.rule("M2")
def test_an_address_without_an_account_says_yes_by_the_button_behind_the_link(
    app: Flask, client: CheckingClient, mailbox: Mailbox, work_off: Work
) -> None:
    organization = make_organization(name="Lantern House")
    page = client.get(f"/organizations/{organization.slug}")
    assert "Set-Cookie" not in page.headers
    path = f"/follow/organizations/{organization.slug}"
    assert client.get(path).headers["Cache-Control"] == "no-store"
    assert client.post(path, data={**TYPED, "adult": ""}).status_code == 422
    wrong = client.post(path, data={**TYPED, "email": "gail@"})
    assert (wrong.status_code, 'value="gail@"' in wrong.text) == (422, True)
    asked = client.post(path, data=TYPED)
    waiting = client.get(asked.location)
    assert "We sent a link to gail@example.org" in waiting.text
    assert waiting.headers["Cache-Control"] == "no-store"
    assert GAIL not in asked.location
    work_off()
    link = confirm_link(mailbox)
    # A mail scanner follows the link; nothing happens before the button.
    assert client.get(link).status_code == 200
    assert following() == []
    done = client.post(link, csrf=False)
    assert "You follow Lantern House." in done.text
    assert following() == [("daily", "following")]
    assert db.session.query(Person).filter_by(email=GAIL).count() == 0
    # What was typed is kept where it is used, and nowhere else.
    assert db.session.scalars(sa.select(FollowRequest.email)).all() == [""]
    assert db.session.scalars(sa.select(Follower.email)).all() == [GAIL]
    # Pressed twice, opened again: the same.
    assert "You follow Lantern House." in client.post(link, csrf=False).text
    assert following() == [("daily", "following")]
    assert "It is confirmed" in client.get(asked.location).text
    # The link of the mail does not follow again once it was stopped.
    with transaction():
        operations.stop(db.session.scalars(sa.select(Follow.id)).one())
    assert "You followed it and stopped." in client.post(link, csrf=False).text
    assert following() == [("daily", "stopped")]


def test_asking_again_correcting_the_address_and_links_that_are_too_old(
    app: Flask, client: CheckingClient, mailbox: Mailbox, work_off: Work
) -> None:
    organization = make_organization()
    path = f"/follow/organizations/{organization.slug}"
    first = client.post(path, data={**TYPED, "email": "gial@example.org"}).location
    again = client.post(first + "/again", csrf=False)
    assert "We sent the link again." in client.get(again.location).text
    second = client.post(first + "/address", data={"email": GAIL}, csrf=False).location
    assert client.post(first + "/address", data={"email": "@"}, csrf=False).status_code == 422
    assert "cannot be used any more" in client.get(first).text
    assert client.post(first + "/again", csrf=False).status_code == 409
    work_off()
    # The first address hears nothing: what was promised to it was corrected before it was sent.
    assert [mail["To"] for mail in mailbox.messages] == [GAIL]
    old = confirm_link(mailbox)
    client.post(path, data=TYPED)
    work_off()
    assert client.get(old).status_code == 410
    assert client.post(old, csrf=False).status_code in (409, 410)
    newest = confirm_link(mailbox)
    with time_machine.travel(now() + dt.timedelta(days=8)):
        assert client.get(newest).status_code == 410
        assert client.post(newest, csrf=False).status_code in (409, 410)
        work_off()
    # Nothing is left of an address that never said yes.
    assert db.session.scalars(sa.select(FollowRequest.id)).all() == []
    assert db.session.scalars(sa.select(Follower.id)).all() == []
    assert client.get(newest).status_code == 410
    assert client.get(second).status_code == 410
    assert client.get("/follow/confirm/nonsense").status_code == 410


@pytest.mark.rule("A5")
def test_nobody_learns_whether_an_address_has_an_account_or_follows_already(
    app: Flask, client: CheckingClient, new_client: Callable[[], CheckingClient]
) -> None:
    organization, known = make_organization(), make_person()
    address_follows(GAIL, organization)
    person_follows(known, organization)
    path = f"/follow/organizations/{organization.slug}"
    pages = []
    for email in (GAIL, known.email, "nobody@example.org"):
        browser = new_client()
        answer = browser.post(path, data={**TYPED, "email": email})
        page = browser.get(answer.location).text
        token = answer.location.rsplit("/", 1)[-1]
        pages.append((answer.status_code, page.replace(email, "…").replace(token, "…")))
    assert pages[0] == pages[1] == pages[2]
    kinds = sorted(db.session.scalars(sa.select(Outbox.kind).where(Outbox.kind.like("mail_follow%"))))
    assert kinds == ["mail_follow_confirm"] * 4  # the first is of the yes before


def test_asking_is_throttled_by_address_and_network(
    app: Flask, client: CheckingClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    organization = make_organization()
    monkeypatch.setitem(throttles.LIMITS, "follow.here", (1, dt.timedelta(hours=1)))
    path = f"/follow/organizations/{organization.slug}"
    monkeypatch.setitem(app.config, "SETTINGS", dataclasses.replace(app.config["SETTINGS"], rate_limits=True))
    assert client.post(path, data=TYPED).status_code == 303
    refused = client.post(path, data=TYPED)
    assert refused.status_code == 409
    assert "too often" in refused.text
    assert "gail@example.org" in refused.text.lower()


@pytest.mark.rule("G4")
def test_a_minor_follows_only_when_a_guardian_answers_and_only_signed_in(
    app: Flask, client: CheckingClient, sign_in: SignIn
) -> None:
    organization = make_organization()
    minor = make_person(birth_date=today("UTC") - dt.timedelta(days=15 * 366))
    path = f"/follow/organizations/{organization.slug}"
    sign_in(minor)
    assert "a guardian must agree first" in client.get(path).text
    assert client.post(path, data={"frequency": "daily"}).status_code == 409
    # Nor by the link in a mail: whoever reads that mailbox is the minor.
    with transaction():
        asked = operations.ask_to_follow(subject(organization), email=minor.email, frequency="daily", locale=None)
    with pytest.raises(Refused, match="guardian_consent"), transaction():
        operations.confirm(asked.id, zone=ZONE)
    assert following() == []
    make_guardian(minor)
    assert client.post(path, data={"frequency": "daily"}).status_code == 303
    assert following() == [("daily", "following")]


def test_an_address_that_was_not_proved_is_proved_first(app: Flask, client: CheckingClient, sign_in: SignIn) -> None:
    organization, stranger = make_organization(), make_person(email=GAIL, email_verified_at=None)
    sign_in(stranger)
    path = f"/follow/organizations/{organization.slug}"
    assert "We do not know yet that your email address is yours." in client.get(path).text
    assert client.post(path, data={"frequency": "daily"}).status_code == 409
    # Whoever reads the mail says yes: that does not prove the address for an account that somebody else may have made.
    address_follows(GAIL, organization)
    assert list_follows_of(stranger) == []
    with transaction():
        db.session.get_one(Person, stranger.id).email_verified_at = now()
    assert len(list_follows_of(db.session.get_one(Person, stranger.id))) == 1


def test_what_an_address_followed_belongs_to_its_account_once_there_is_one(app: Flask) -> None:
    organizations = [make_organization() for _one in range(3)]
    address_follows(GAIL, organizations[0], organizations[1], frequency="weekly")
    person = make_person(email=GAIL)
    person_follows(person, organizations[1], organizations[2])
    assert db.session.query(Follower).count() == 1
    assert {follow.organization_id for follow in list_follows_of(person)} == {one.id for one in organizations}
    # A second address by itself stays by itself.
    address_follows("other@example.org", organizations[0])
    assert db.session.query(Follower).count() == 2


def test_following_again_brings_back_mail_that_was_stopped_by_kind(app: Flask) -> None:
    organization, person = make_organization(), make_person()
    with transaction():
        choose_mail(person.id, by=person, choices={operations.KIND: NEVER})
    person_follows(person, organization)
    assert find_choice(person.id, operations.KIND) != NEVER


def test_what_the_public_may_not_see_cannot_be_followed(app: Flask, client: CheckingClient, sign_in: SignIn) -> None:
    hidden, unverified = make_organization(status="suspended"), make_organization(verified_at=None)
    organization, person = make_organization(name="Lantern House"), make_person()
    sign_in(person)
    for one in (hidden, unverified):
        assert client.get(f"/follow/organizations/{one.slug}").status_code == 404
    assert client.get("/follow/topics/no-such").status_code == 404
    with transaction():
        asked = operations.ask_to_follow(subject(organization), email=GAIL, frequency="daily", locale=None)
    token = operations.confirm_token(asked)
    person_follows(person, organization)
    with transaction():
        db.session.merge(organization).status = "suspended"
    assert client.get(f"/follow/confirm/{token}").status_code == 410
    page = client.get("/my-help").text
    assert "Lantern House" not in page
    assert "An organization that is not shown at the moment" in page


def test_nobody_follows_more_than_can_be_read(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(operations, "MOST_FOLLOWED", 2)
    person = make_person()
    person_follows(person, make_organization(), make_organization())
    with pytest.raises(Refused, match="too_many"):
        person_follows(person, make_organization())


def test_only_one_s_own_follows_are_stopped(app: Flask, client: CheckingClient, sign_in: SignIn) -> None:
    found = person_follows(make_person(), make_organization())[0]
    sign_in(make_person())
    assert client.post(f"/my-help/follows/{encode_id(found.id)}/stop").status_code == 404
    assert following() == [("daily", "following")]


@pytest.mark.rule("T1")
def test_the_morning_is_eight_o_clock_where_the_follower_is(app: Flask) -> None:
    def at(frequency: str, zone: str, after: str) -> str:
        return next_morning(frequency, zone, dt.datetime.fromisoformat(after)).isoformat()

    # Newark, the day the clocks go forward (March 8, 2026), and the one before.
    assert at("daily", ZONE, "2026-03-07T12:59:00+00:00") == "2026-03-07T13:00:00+00:00"
    assert at("daily", ZONE, "2026-03-07T13:00:00+00:00") == "2026-03-08T12:00:00+00:00"
    # It is Thursday in Auckland while it is Wednesday in Newark.
    assert at("weekly", "Pacific/Auckland", "2026-11-25T18:00:00+00:00") == "2026-11-25T19:00:00+00:00"
    assert at("weekly", ZONE, "2026-11-26T13:00:00+00:00") == "2026-12-03T13:00:00+00:00"
    assert at("weekly", ZONE, "2026-11-26T12:00:00+00:00") == "2026-11-26T13:00:00+00:00"


def test_where_no_place_is_known_it_is_the_morning_of_the_platform_s_country(
    app: Flask, client: CheckingClient, sign_in: SignIn
) -> None:
    topic = make_topic()
    sign_in(make_person(time_zone=None))
    client.post(f"/follow/topics/{topic.slug}", data={"frequency": "daily"})
    assert db.session.scalars(sa.select(Follower.time_zone)).all() == ["America/New_York"]
    assert main_zone("de") == "Europe/Berlin"
    assert main_zone("XX") == "UTC"


def test_the_mail_says_what_was_asked_for(app: Flask, mailbox: Mailbox, work_off: Work) -> None:
    topic = make_topic(title="Words")
    with transaction():
        operations.ask_to_follow(subject(topic), email=GAIL, frequency="weekly", locale="en")
    work_off()
    text = text_of(mailbox.to(GAIL)[0])
    assert "the topic “Words”" in text
    assert "on Thursday morning" in text
    assert mailbox.to(GAIL)[0]["List-Unsubscribe"] is None
