"""N4: an open need is asked about again, and pauses itself when nobody answers."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable

import pytest
import sqlalchemy as sa
import time_machine
from flask import Flask

from app.accounts.models import Person
from app.core.audit import AuditEvent
from app.core.clock import now, today
from app.core.db import db, transaction
from app.core.ids import encode_id
from app.needs import operations
from app.needs.models import Need
from tests.conftest import CheckingClient
from tests.factories import make_item, make_member, make_need, make_organization, make_person, make_shift
from tests.smtp import Mailbox

Work = Callable[[], dict[str, int]]


@pytest.fixture
def owner(app: Flask) -> Person:
    return make_person()


@pytest.fixture
def need(app: Flask, owner: Person) -> Need:
    """Published today, with an item that is wanted for long."""
    made = make_need(make_organization(owner, slug="pantry"), status="draft")
    make_item(made)
    with transaction():
        return operations.publish_need(made.id, by=owner)


def after(days: int) -> time_machine.travel:
    return time_machine.travel(now() + dt.timedelta(days=days), tick=False)


def said(mailbox: Mailbox, person: Person, word: str) -> int:
    return sum(word in str(mail["Subject"]) for mail in mailbox.to(person.email))


@pytest.mark.rule("N4")
def test_it_is_asked_about_and_pauses_itself(
    client: CheckingClient, need: Need, owner: Person, mailbox: Mailbox, work_off: Work
) -> None:
    viewer = make_member(need.organization, "viewer")
    assert need.confirm_by == today(need.time_zone) + dt.timedelta(days=30)
    with after(24):
        work_off()
        assert said(mailbox, owner, "Still needed?") == 0
    with after(27):
        work_off()
        work_off()
        assert said(mailbox, owner, "Still needed?") == 1
        assert client.get(f"/needs/{encode_id(need.id)}").status_code == 200
    with after(32):
        work_off()
        work_off()
        assert said(mailbox, owner, "Paused") == 1
        assert client.get(f"/needs/{encode_id(need.id)}").status_code == 404
        assert client.get("/needs").text.count("<article") == 0
    db.session.expire_all()
    assert need.status == "paused"
    assert mailbox.to(viewer.email) == []
    assert "need.unconfirmed" in set(db.session.scalars(sa.select(AuditEvent.action)))


@pytest.mark.rule("N4")
def test_whoever_confirms_it_keeps_it_open(
    client: CheckingClient,
    sign_in: Callable[..., CheckingClient],
    need: Need,
    owner: Person,
    mailbox: Mailbox,
    work_off: Work,
) -> None:
    with after(20):
        sign_in(owner)
        page = client.get(f"/manage/pantry/needs/{encode_id(need.id)}")
        assert "Still needed" in page.text
        assert client.post(f"/manage/pantry/needs/{encode_id(need.id)}/confirm").status_code == 303
    with after(32):
        work_off()
        assert said(mailbox, owner, "Still needed?") == 0, "the question of the date that was moved is not asked"
    db.session.expire_all()
    assert need.status == "open"
    with after(52):
        work_off()
    db.session.expire_all()
    assert need.status == "paused"


@pytest.mark.rule("N4")
def test_a_need_that_paused_itself_opens_again_with_a_new_date(
    app: Flask, need: Need, owner: Person, work_off: Work
) -> None:
    with after(40):
        work_off()
        with transaction():
            opened = operations.reopen_need(need.id, by=owner)
        assert (opened.status, opened.confirm_by) == ("open", today(need.time_zone) + dt.timedelta(days=30))
        work_off()
        db.session.expire_all()
        assert need.status == "open"


@pytest.mark.rule("N4")
def test_the_date_is_that_of_the_place(app: Flask, owner: Person, work_off: Work) -> None:
    late = make_need(make_organization(owner), time_zone="Pacific/Honolulu", status="draft")
    make_shift(late, days=60)
    with transaction():
        operations.publish_need(late.id, by=owner)
    confirm_by = late.confirm_by
    assert confirm_by is not None
    # The day after the date has begun in Kiritimati and in UTC, and not yet in Honolulu.
    with time_machine.travel(dt.datetime.combine(confirm_by + dt.timedelta(days=1), dt.time(9), dt.UTC), tick=False):
        work_off()
        db.session.expire_all()
        assert late.status == "open"
    with time_machine.travel(dt.datetime.combine(confirm_by + dt.timedelta(days=1), dt.time(11), dt.UTC), tick=False):
        work_off()
        db.session.expire_all()
        assert late.status == "paused"
