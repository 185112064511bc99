"""Following a fundraiser: its updates come with the digest, and when it ends its organization is followed, said so."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import Any

import pytest
import sqlalchemy as sa
import time_machine

from app.core.clock import now
from app.core.db import db, transaction
from app.core.jobs import work_off
from app.discovery.digests import compile_digest, promise_batch
from app.discovery.models import Follow
from app.discovery.operations import follow, hand_on
from app.discovery.queries import find_public_subject, list_follows
from app.discovery.subjects import of_fundraiser, of_organization
from app.fundraisers.operations import decline_fundraiser, end_fundraiser
from app.fundraisers.updates import post_update, withdraw_update
from tests.conftest import CheckingClient
from tests.factories import make_fundraiser, make_organization, make_person
from tests.smtp import Mailbox, text_of

SignIn = Callable[..., CheckingClient]
SOON = dt.timedelta(hours=1)


def rows() -> list[Follow]:
    db.session.rollback()
    return list(db.session.scalars(sa.select(Follow).execution_options(populate_existing=True)))


def told() -> list[tuple[str, str]]:
    """What a digest of everything followed says now."""
    follows = list_follows([row.id for row in rows()])
    found = [(line.said, line.title) for part in compile_digest(follows, now() + SOON) for line in part.lines]
    db.session.rollback()
    return found


def test_updates_come_with_the_digest_and_the_end_hands_on(
    app: Any, client: CheckingClient, sign_in: SignIn, mailbox: Mailbox
) -> None:
    organization, person = make_organization(), make_person()
    fundraiser = make_fundraiser(organization, title="Ten cold miles")
    typed = {"email": "gail@example.org", "frequency": "daily", "adult": "y"}
    assert client.post(f"/follow/fundraisers/{fundraiser.slug}", data=typed).status_code == 303
    work_off({"mail_follow_confirm": app.extensions["outbox_handlers"]["mail_follow_confirm"]}, ())
    [asked] = mailbox.to("gail@example.org")
    assert "asked for mail about the fundraiser “Ten cold miles”" in text_of(asked)
    browser = sign_in(person, client)
    page = browser.get(f"/follow/fundraisers/{fundraiser.slug}").text
    assert "When it ends, you follow the organization it raises money for" in page
    assert browser.post(f"/follow/fundraisers/{fundraiser.slug}", data={"frequency": "daily"}).status_code == 303
    assert [row.fundraiser_id for row in rows()] == [fundraiser.id]
    with transaction():
        post_update(fundraiser.id, by=fundraiser.started_by, title="Mile nine", body="Nearly.")
        wrong = post_update(fundraiser.id, by=fundraiser.started_by, title="A slip", body="No.")
    with transaction():
        withdraw_update(wrong.id, by=fundraiser.started_by)
    assert told() == [("Update", "Mile nine")]
    with time_machine.travel(now() + dt.timedelta(days=2)), transaction():
        assert promise_batch() == 1
    with transaction():
        end_fundraiser(fundraiser.id, by=fundraiser.started_by)
    work_off({"hand_on_followers": app.extensions["outbox_handlers"]["hand_on_followers"]}, ())
    row = rows()[0]
    assert (row.fundraiser_id, row.organization_id, row.handed_from_id) == (None, organization.id, fundraiser.id)
    assert told()[0] == ("The fundraiser you followed has ended", "Ten cold miles")
    with transaction():
        hand_on(fundraiser.id)  # twice is once
    assert len(rows()) == 1


def test_who_stopped_the_organization_is_not_made_to_follow_it(app: Any) -> None:
    organization, person = make_organization(), make_person()
    fundraiser = make_fundraiser(organization)
    with transaction():
        made = follow(person.id, of_organization(organization), frequency="daily", zone="UTC")
        follow(person.id, of_fundraiser(fundraiser), frequency="daily", zone="UTC")
        made.status, made.next_at, made.ended_at, made.ended_by = "stopped", None, now(), "follower"
    with transaction():
        end_fundraiser(fundraiser.id, by=None)
        hand_on(fundraiser.id)
    assert {row.status for row in rows()} == {"stopped"}


@pytest.mark.rule("F8")
def test_what_the_public_may_not_see_says_nothing(app: Any) -> None:
    fundraiser, person = make_fundraiser(), make_person()
    with transaction():
        follow(person.id, of_fundraiser(fundraiser), frequency="daily", zone="UTC")
        post_update(fundraiser.id, by=person, title="Hidden", body="Not shown.")
        decline_fundraiser(fundraiser.id, by=person, reason="no")
    assert told() == []
    assert find_public_subject("fundraiser", fundraiser.slug) is None
