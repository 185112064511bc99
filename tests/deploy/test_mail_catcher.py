"""The mail catcher keeps what it is sent, shows it safely, and can be told to fail."""

from __future__ import annotations

import smtplib
import threading
from collections.abc import Iterator
from email.message import EmailMessage
from pathlib import Path

import pytest
from flask.testing import FlaskClient

from app.core.mail import Attachment, Mail, build, send
from deploy import mail_catcher
from deploy.mail_catcher import Catcher, Hangup, make_pages
from tests.page_rules import page_errors


@pytest.fixture
def catcher(tmp_path: Path) -> Iterator[Catcher]:
    with Catcher(tmp_path / "mail") as started:
        yield started


@pytest.fixture
def pages(catcher: Catcher) -> FlaskClient:
    return make_pages(catcher.mailbox).test_client()


def mail(subject: str = "Your place on Saturday", html: str = "") -> EmailMessage:
    invitation = Attachment("shift.ics", "text/calendar; method=PUBLISH", b"BEGIN:VCALENDAR\r\nEND:VCALENDAR\r\n")
    return build(
        Mail("ada@example.org", subject, "Good to have you: http://localhost:8000/my-help", html, (invitation,)),
        sender="Manyhands <manyhands@example.org>",
        key="test",
    )


def page(pages: FlaskClient, path: str) -> str:
    """The text of a page, once its HTML is right."""
    text = pages.get(path).get_data(as_text=True)
    assert page_errors(text) == []
    return text


def test_a_mail_is_kept_and_shown(catcher: Catcher, pages: FlaskClient) -> None:
    assert "No mail yet" in page(pages, "/")
    send(mail(), catcher.url)
    [name] = catcher.mailbox.names()
    assert "Your place on Saturday" in page(pages, "/")
    text = page(pages, f"/mails/{name}")
    assert 'href="http://localhost:8000/my-help"' in text
    assert "Manyhands &lt;manyhands@example.org&gt;" in text
    attachment = pages.get(f"/mails/{name}/attachments/0")
    assert attachment.data.startswith(b"BEGIN:VCALENDAR")
    assert attachment.headers["Content-Disposition"] == "attachment; filename=shift.ics"
    assert attachment.mimetype == "application/octet-stream"
    assert pages.get(f"/mails/{name}/attachments/1").status_code == 404
    assert b"Message-ID" in pages.get(f"/mails/{name}/source").data


def test_what_a_mail_says_cannot_act_on_the_pages(catcher: Catcher, pages: FlaskClient) -> None:
    send(mail("<script>alert(1)</script>", "<p>Hello</p><script>alert(1)</script>"), catcher.url)
    [name] = catcher.mailbox.names()
    assert "<script" not in page(pages, "/")
    text = page(pages, f"/mails/{name}")
    assert "<script" not in text
    assert 'sandbox="allow-popups allow-popups-to-escape-sandbox"' in text
    framed = pages.get(f"/mails/{name}/html")
    assert framed.headers["Content-Security-Policy"].startswith("sandbox allow-popups")
    assert "default-src 'none'" in framed.headers["Content-Security-Policy"]
    assert framed.data.startswith(b'<base target="_blank"><p>Hello</p>')


def test_only_names_of_mails_are_read(pages: FlaskClient) -> None:
    for name in ("nothing", "../demo_payments", "0" * 20 + "-" + "0" * 8):
        assert pages.get(f"/mails/{name}").status_code == 404
    assert pages.get("/", headers={"Host": "example.org"}).status_code == 403


def test_only_the_latest_are_kept(catcher: Catcher, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mail_catcher, "KEPT", 3)
    for number in range(5):
        send(mail(f"Number {number}"), catcher.url)
    assert [message["Subject"] for message in catcher.mailbox.all()] == ["Number 2", "Number 3", "Number 4"]


def test_it_can_refuse(catcher: Catcher) -> None:
    catcher.before_accept = lambda _content: "550 no such person"
    with pytest.raises(smtplib.SMTPDataError):
        send(mail(), catcher.url)
    assert catcher.mailbox.names() == []


def test_it_can_accept_and_die_before_saying_so(catcher: Catcher) -> None:
    def die(_content: bytes) -> str:
        raise Hangup

    catcher.after_accept = die
    with pytest.raises(smtplib.SMTPServerDisconnected):
        send(mail(), catcher.url)
    assert len(catcher.mailbox.names()) == 1


def test_it_can_hang_before_and_tell_after_its_answer(catcher: Catcher) -> None:
    arrived, go_on, goodbye = threading.Event(), threading.Event(), threading.Event()

    def hang(_content: bytes) -> str:
        arrived.set()
        go_on.wait(20)
        return "250 OK"

    catcher.after_accept, catcher.before_quit = hang, goodbye.set
    sender = threading.Thread(target=send, args=(mail(), catcher.url))
    sender.start()
    assert arrived.wait(20)
    assert not goodbye.is_set()
    go_on.set()
    sender.join(20)
    assert goodbye.is_set()
    assert len(catcher.mailbox.names()) == 1
