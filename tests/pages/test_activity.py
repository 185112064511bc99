"""What staff hear of: the list of what happened, and the summary once a day."""

from __future__ import annotations

import datetime as dt
import zoneinfo
from collections.abc import Callable
from decimal import Decimal

import time_machine
from flask import Flask

from app.core.db import db, transaction
from app.core.ids import encode_id
from app.core.outbox import Outbox
from app.imports.exports import EXPORTS, record_export
from app.messages.operations import choose_mail
from app.pages.jobs import promise_digests
from app.pledges.operations import pledge
from app.signups.operations import cancel_signup, sign_up
from tests.conftest import CheckingClient
from tests.factories import make_item, make_member, make_need, make_organization, make_person, make_shift
from tests.smtp import Mailbox, text_of

Work = Callable[[], dict[str, int]]
SignIn = Callable[..., CheckingClient]
NEW_YORK = zoneinfo.ZoneInfo("America/New_York")


def at(day: int, hour: int) -> dt.datetime:
    return dt.datetime(2031, 5, day, hour, tzinfo=NEW_YORK)


def test_a_list_taken_away_is_told_by_its_name(app: Flask, sign_in: SignIn, client: CheckingClient) -> None:
    owner = make_person(name="Olive")
    organization = make_organization(owner)
    with transaction():
        for name in EXPORTS:
            record_export(organization, name, by=owner)
    sign_in(owner)
    page = client.get(f"/manage/{organization.slug}/activity").text
    for name in ("needs", "places", "pledges", "gifts"):
        assert f"Olive took the list of {name} away as a file" in page, name
    assert "took a list away" not in page, "each export has its words"


def test_the_list_tells_what_happened_to_the_own_organization_only(
    app: Flask, sign_in: SignIn, client: CheckingClient, count_queries: list[str]
) -> None:
    organization, other = make_organization(), make_organization()
    viewer = make_member(organization, "viewer")
    shift, item = make_shift(make_need(organization, title="Sort"), capacity=20), make_item(make_need(organization))
    elsewhere = make_shift(make_need(other, title="Elsewhere"))
    gail, elsa = make_person(name="Gail <b>"), make_person(name="Elsa")
    with transaction():
        signup = sign_up(shift.id, by=gail)
        pledge(item.id, by=gail, quantity=Decimal("2.50"))
        sign_up(elsewhere.id, by=elsa)
    with transaction():
        cancel_signup(signup.id, by=gail)
    sign_in(viewer)
    count_queries.clear()
    page = client.get(f"/manage/{organization.slug}/activity").text
    few = len(count_queries)
    # Only the need is a link: a line of them can be read.
    path = f"/manage/{organization.slug}/needs/{encode_id(shift.need_id)}"
    assert f'Gail &lt;b&gt; signed up: <a href="{path}">Sort</a>, ' in page
    assert "Gail &lt;b&gt; gave their place back" in page
    assert "pledged 2.5 of Diapers" in page
    assert "Elsewhere" not in page
    for _one in range(12):
        person = make_person()
        with transaction():
            sign_up(shift.id, by=person)
    count_queries.clear()
    client.get(f"/manage/{organization.slug}/activity")
    assert len(count_queries) <= few


def test_the_summary_comes_once_a_day_at_eight_and_tells_what_was_chosen_daily(
    app: Flask, mailbox: Mailbox, work_off: Work
) -> None:
    organization = make_organization()
    daily = make_member(organization, "manager", time_zone="America/New_York")
    never = make_member(organization, "owner", time_zone="America/New_York")
    make_member(organization, "viewer")
    shift = make_shift(make_need(organization, title="Sort"), starts_at=at(20, 9), ends_at=at(20, 12))
    with transaction():
        choose_mail(never.id, by=never, choices={"staff_digest": "never"})
    with time_machine.travel(at(5, 12), tick=False):
        people = [make_person(name=name) for name in ("Ann", "Bob")]
        with transaction():
            sign_up(shift.id, by=people[0])
    with time_machine.travel(at(6, 7), tick=False):
        promise_digests()
        assert db.session.query(Outbox).filter_by(kind="staff_digest").count() == 0
    with time_machine.travel(at(6, 9), tick=False):
        with transaction():
            sign_up(shift.id, by=people[1])
        promise_digests()
        promise_digests()
        assert db.session.query(Outbox).filter_by(kind="staff_digest").count() == 1
        work_off()
        [summary] = mailbox.to(daily.email)
        assert "Ann signed up: Sort" in text_of(summary)
        assert "Bob" not in text_of(summary)
        assert summary["List-Unsubscribe"] is not None
    with time_machine.travel(at(7, 8), tick=False):
        promise_digests()
        work_off()
        assert "Bob signed up: Sort" in text_of(mailbox.to(daily.email)[-1])
        assert "Ann" not in text_of(mailbox.to(daily.email)[-1])
    assert len(mailbox.to(daily.email)) == 2
    assert mailbox.to(never.email) == []


def test_who_left_the_staff_is_told_nothing_more(app: Flask, mailbox: Mailbox, work_off: Work) -> None:
    organization = make_organization()
    leaver = make_member(organization, "manager", time_zone="America/New_York")
    shift, person = make_shift(make_need(organization), starts_at=at(20, 9), ends_at=at(20, 12)), make_person()
    with time_machine.travel(at(5, 12), tick=False), transaction():
        sign_up(shift.id, by=person)
    with time_machine.travel(at(6, 9), tick=False):
        promise_digests()
        with transaction():
            db.session.execute(db.text("DELETE FROM membership"))
        work_off()
    assert mailbox.to(leaver.email) == []
