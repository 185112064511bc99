"""A mail server at its wire: takes what the application hands over and keeps it, in a thread of the test process."""

from __future__ import annotations

import contextlib
import email
import email.policy
from collections.abc import Callable, Iterator
from email.message import EmailMessage
from typing import Any

from aiosmtpd.controller import Controller

from tests.databases import free_port


class Mailbox:
    """Every message the server accepted, in order. `before_answer` runs after the body came and before it is accepted;
    what it returns instead of None is the answer (such as "451 later")."""

    def __init__(self) -> None:
        self.messages: list[EmailMessage] = []
        self.before_answer: Callable[[EmailMessage], str | None] = lambda _message: None
        self.on_quit: Callable[[], str] = lambda: "221 Bye"
        # What the server answers to a recipient it does not take, by address.
        self.refused: dict[str, str] = {}
        self.url = ""

    async def handle_RCPT(self, _server: Any, _session: Any, envelope: Any, address: str, _options: list[str]) -> str:
        if address in self.refused:
            return self.refused[address]
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, _server: Any, _session: Any, envelope: Any) -> str:
        message = email.message_from_bytes(envelope.content, policy=email.policy.default)
        assert isinstance(message, EmailMessage)
        answer = self.before_answer(message)
        if answer is not None:
            return answer
        self.messages.append(message)
        return "250 OK"

    async def handle_QUIT(self, _server: Any, _session: Any, _envelope: Any) -> str:
        return self.on_quit()

    def to(self, address: str) -> list[EmailMessage]:
        """What one address got."""
        return [message for message in self.messages if message["To"] == address]

    def subjects(self) -> list[str]:
        """The subject of every message."""
        return [message["Subject"] for message in self.messages]


def text_of(message: EmailMessage) -> str:
    """The plain text of a message."""
    part = message.get_body(("plain",))
    assert part is not None
    return str(part.get_content())


def html_of(message: EmailMessage) -> str:
    """The HTML of a message."""
    part = message.get_body(("html",))
    assert part is not None
    return str(part.get_content())


def attachments_of(message: EmailMessage) -> list[tuple[str, bytes]]:
    """Content type with parameters, and content, of every attachment."""
    return [(part["Content-Type"], part.get_payload(decode=True)) for part in message.iter_attachments()]


@contextlib.contextmanager
def mail_server() -> Iterator[Mailbox]:
    """A server on a free port of loopback."""
    mailbox = Mailbox()
    port = free_port()
    controller = Controller(mailbox, hostname="127.0.0.1", port=port)
    controller.start()
    mailbox.url = f"smtp://127.0.0.1:{port}"
    try:
        yield mailbox
    finally:
        controller.stop()
