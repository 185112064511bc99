"""Writing to people: their choice, their night, the way out of every kind, and addresses that do not exist."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable
from email.message import EmailMessage

import pytest
import time_machine
from flask import Flask

from app.accounts.models import Person
from app.core.clock import now
from app.core.db import db, transaction
from app.core.mail import Mail, build, deliver
from app.core.outbox import MAXIMUM_ATTEMPTS, Outbox, Postponed, enqueue
from app.messages import delivery
from app.messages.kinds import AT_ONCE, DAILY, KINDS, NEVER
from app.messages.operations import choose_mail
from app.messages.queries import choosers, find_choice
from app.organizations.invitations import invite, send_invitation_again
from app.pages.mail_names import USUAL
from app.pages.mail_samples import SAMPLES
from tests.conftest import CheckingClient
from tests.factories import make_organization, make_person
from tests.smtp import Mailbox, html_of, text_of

Work = Callable[[], dict[str, int]]
# What the mail says does not matter here.
MAIL = SAMPLES["accounts/reset_password"].fill(USUAL)
NO_QUIET = (0, 0)


def awake(**changes: object) -> Person:
    """A person without quiet hours, so that the clock of the machine that runs this does not matter."""
    person = make_person(**changes)
    with transaction():
        choose_mail(person.id, by=person, choices={}, quiet=NO_QUIET)
    return person


def send(person: Person, kind: str | None, key: str = "k") -> bool:
    return delivery.send("accounts/reset_password", to=person, key=key, kind=kind, **MAIL)


def link_of(message: EmailMessage) -> str:
    header = str(message["List-Unsubscribe"])
    found = re.fullmatch(r"<http://localhost(/mail/stop/[^>]+)>", header)
    assert found is not None, header
    return found.group(1)


@pytest.mark.rule("M2")
def test_a_kind_of_mail_carries_its_way_out_and_a_service_message_has_none(app: Flask, mailbox: Mailbox) -> None:
    person = awake()
    assert send(person, "reminder", "one")
    assert send(person, None, "two")
    kind, service = mailbox.messages
    link = link_of(kind)
    assert kind["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert link in text_of(kind)
    assert link in html_of(kind)
    assert person.email not in link
    assert service["List-Unsubscribe"] is None
    assert "/mail/stop/" not in text_of(service) + html_of(service)


@pytest.mark.rule("M2")
def test_the_way_out_is_on_the_wire_as_mail_programs_read_it(app: Flask) -> None:
    """A link longer than a line was written as encoded words, which are no link (RFC 8058, 3.1; RFC 2369, 2)."""
    link = f"<https://help.example.org/mail/stop/{'x' * 150}>"
    mail = Mail(to="ana@example.org", subject="s" * 120, text="x", headers=(("List-Unsubscribe", link),))
    wire = build(mail, sender="Manyhands <manyhands@example.org>", key="k").as_bytes()
    assert f"\nList-Unsubscribe: {link}\n".encode() in wire
    assert max(map(len, wire.splitlines())) <= 998


def test_a_mail_in_other_letters_can_be_read_in_the_raw(app: Flask) -> None:
    """A server that takes 7 bits got base64, which is a sign of spam to many filters."""
    mail = Mail(to="ana@example.org", subject="s", text="López gave $25 for the fridge.", html="<p>López gave $25</p>")
    message = build(mail, sender="Manyhands <manyhands@example.org>", key="k")
    wire = message.as_bytes(policy=message.policy.clone(cte_type="7bit"))
    assert wire.count(b"gave $25") == 2
    assert b"base64" not in wire
    assert wire.isascii()


def test_a_long_subject_in_other_letters_keeps_every_space(app: Flask, mailbox: Mailbox) -> None:
    subject = "המקום שלך השתנה: \u2068Repaint the playroom of the shelter\u2069 עם \u2068Lantern House\u2069, יום ראשון"
    deliver(Mail(to="ana@example.org", subject=subject, text="x"), key="k")
    assert mailbox.subjects() == [subject]


@pytest.mark.rule("M2")
def test_one_click_of_a_mail_program_stops_one_kind_only(app: Flask, mailbox: Mailbox, client: CheckingClient) -> None:
    person = awake()
    send(person, "reminder")
    link = link_of(mailbox.messages[0])
    # RFC 8058, 3.2: the body of the POST; no cookie, no token of ours, no page before it.
    answer = client.post(link, data={"List-Unsubscribe": "One-Click"}, csrf=False)
    assert answer.status_code == 200
    assert find_choice(person.id, "reminder") == NEVER
    assert not send(person, "reminder", "again")
    assert send(person, "thanks", "other kind")
    assert send(person, None, "service")
    assert len(mailbox.messages) == 3


@pytest.mark.rule("M2")
def test_following_the_link_changes_nothing_before_the_button_and_undo_needs_no_session(
    app: Flask, mailbox: Mailbox, client: CheckingClient
) -> None:
    person = awake()
    send(person, "thanks")
    link = link_of(mailbox.messages[0])
    assert client.get(link).status_code == 200
    assert find_choice(person.id, "thanks") == AT_ONCE
    assert "Undo" in client.post(link, csrf=False).text
    assert find_choice(person.id, "thanks") == NEVER
    assert client.post(f"{link}/undo", csrf=False).status_code == 200
    assert find_choice(person.id, "thanks") == AT_ONCE


def test_the_link_of_an_old_address_or_of_nobody_is_none(app: Flask, mailbox: Mailbox, client: CheckingClient) -> None:
    person = awake()
    send(person, "thanks")
    link = link_of(mailbox.messages[0])
    assert client.get(link.replace(".", ".x")).status_code == 404
    with transaction():
        db.session.get_one(Person, person.id).email = "new@example.org"
    assert client.get(link).status_code == 404
    assert client.post(link, csrf=False).status_code == 404


def test_quiet_hours_go_by_the_clock_of_the_person(app: Flask) -> None:
    person = make_person(time_zone="America/New_York")
    evening = dt.datetime(2026, 7, 2, 1, 30, tzinfo=dt.UTC)  # 21:30 in New York
    early = dt.datetime(2026, 7, 2, 11, 30, tzinfo=dt.UTC)  # 07:30
    noon = dt.datetime(2026, 7, 2, 16, 0, tzinfo=dt.UTC)
    assert delivery.until_morning(person, at=evening) == dt.timedelta(hours=10, minutes=30)
    assert delivery.until_morning(person, at=early) == dt.timedelta(minutes=30)
    assert delivery.until_morning(person, at=noon) is None
    # The night in which clocks go forward is an hour shorter.
    spring = dt.datetime(2026, 3, 8, 2, 30, tzinfo=dt.UTC)  # 21:30 on the 7th
    assert delivery.until_morning(person, at=spring) == dt.timedelta(hours=9, minutes=30)
    stranger = make_person()
    assert delivery.until_morning(stranger, at=evening) is None
    assert delivery.until_morning(stranger, "America/New_York", at=evening) is not None


def test_what_can_wait_waits_and_what_cannot_does_not(app: Flask, mailbox: Mailbox) -> None:
    person = make_person(time_zone="UTC")
    with time_machine.travel(dt.datetime(2026, 7, 2, 3, tzinfo=dt.UTC), tick=False):
        with pytest.raises(Postponed):
            send(person, "thanks")
        assert mailbox.messages == []
        assert send(person, None)
    with time_machine.travel(dt.datetime(2026, 7, 2, 9, tzinfo=dt.UTC), tick=False):
        assert send(person, "thanks", "later")


@pytest.mark.rule("M1")
def test_an_address_that_its_server_refuses_ends_the_promise_and_is_shown(
    app: Flask, mailbox: Mailbox, work_off: Work, sign_in: Callable[..., CheckingClient]
) -> None:
    person = make_person()
    mailbox.refused = {person.email: "550 no such user"}
    with transaction():
        enqueue("mail_reset_password", {"person_id": person.id}, key="reset")
    assert work_off()["failed"] == 1
    row = db.session.query(Outbox).filter_by(key="reset").one()
    assert row.given_up_at is not None
    assert row.attempts == 1
    assert row.last_error == "address refused"
    assert person.mail_failed_at is not None
    browser = sign_in(person)
    for page in ("/profile", "/profile/mail", "/my-help"):
        assert "does not arrive" in browser.get(page).text, page
    # Full for a while is not gone: that is tried again.
    mailbox.refused = {person.email: "452 mailbox full"}
    with transaction():
        enqueue("mail_reset_password", {"person_id": person.id}, key="later")
    work_off()
    assert db.session.query(Outbox).filter_by(key="later").one().given_up_at is None
    mailbox.refused = {}
    work_off()
    assert person.mail_failed_at is None


@pytest.mark.rule("M1")
def test_mail_that_is_given_up_after_all_tries_is_noted_where_people_are_counted_on(
    app: Flask, mailbox: Mailbox, work_off: Work
) -> None:
    person = make_person()
    mailbox.refused = {person.email: "452 mailbox full"}
    with transaction():
        enqueue("mail_reset_password", {"person_id": person.id}, key="full")
    for _try in range(MAXIMUM_ATTEMPTS - 1):
        work_off()
    assert person.mail_failed_at is None, "it may still arrive"
    work_off()
    row = db.session.query(Outbox).filter_by(key="full").one()
    assert (row.given_up_at is not None, row.last_error) == (True, "SMTPRecipientsRefused"), "no address in it"
    assert person.mail_failed_at is not None


@pytest.mark.rule("M1")
def test_a_server_that_is_away_for_all_tries_is_noted_too(app: Flask, mailbox: Mailbox, work_off: Work) -> None:
    person = make_person()
    mailbox.before_answer = lambda _message: "451 later"
    with transaction():
        enqueue("mail_reset_password", {"person_id": person.id}, key="away")
    for _try in range(MAXIMUM_ATTEMPTS):
        work_off()
    assert person.mail_failed_at is not None
    mailbox.before_answer = lambda _message: None
    with transaction():
        enqueue("mail_reset_password", {"person_id": person.id}, key="back")
    work_off()
    assert person.mail_failed_at is None


@pytest.mark.rule("M1")
def test_an_invitation_that_does_not_arrive_is_seen_by_those_who_manage_people(
    app: Flask, mailbox: Mailbox, work_off: Work, sign_in: Callable[..., CheckingClient]
) -> None:
    owner = make_person()
    organization = make_organization(owner)
    mailbox.refused = {"nobody@example.org": "550 no such user"}
    with transaction():
        invitation = invite(organization.id, by=owner, email="nobody@example.org", role="viewer")
    work_off()
    assert invitation.mail_failed_at is not None
    client = sign_in(owner)
    page = f"/manage/{organization.slug}/members"
    assert "The mail did not arrive" in client.get(page).text
    mailbox.refused = {}
    with transaction():
        send_invitation_again(invitation.id, by=owner)
    work_off()
    assert invitation.mail_failed_at is None
    assert "The mail did not arrive" not in client.get(page).text
    with transaction():
        owner.mail_failed_at = now()
    assert "Mail does not reach them" in client.get(page).text


def test_everybody_chooses_about_every_kind(
    app: Flask, sign_in: Callable[..., CheckingClient], client: CheckingClient
) -> None:
    person, other = make_person(), make_person()
    sign_in(person)
    page = client.get("/profile/mail")
    assert "Somebody signs up" not in page.text  # of no organization
    chosen = {"reminder": NEVER, "thanks": AT_ONCE, "quiet_from": "22:00", "quiet_until": "07:30"}
    assert client.post("/profile/mail", data=chosen).status_code == 303
    assert find_choice(person.id, "reminder") == NEVER
    assert find_choice(other.id, "reminder") == AT_ONCE
    assert choosers([person.id, other.id], "reminder", NEVER) == [person.id]
    assert choosers([person.id, other.id], "staff_signups", DAILY) == [person.id, other.id]
    assert 'value="22:00"' in client.get("/profile/mail").text
    wrong = client.post("/profile/mail", data={**chosen, "reminder": "sometimes"})
    assert wrong.status_code == 422
    assert len({kind.code for kind in KINDS}) == len(KINDS)
