"""The mail catcher: takes every mail on loopback and shows it as pages; nothing leaves this machine.

    python -m deploy.mail_catcher --smtp-port 1025 --port 8025 --data-dir instance

`Catcher` alone is the SMTP part, which tests run in a thread and let refuse, hang or die.
"""

from __future__ import annotations

import argparse
import asyncio
import dataclasses
import datetime as dt
import email
import email.policy
import os
import re
import secrets
import signal
import sys
import threading
import time
from collections.abc import Callable
from email.message import EmailMessage
from pathlib import Path
from urllib.parse import urlsplit

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session
from flask import Flask, Response, abort, make_response, render_template, request
from jinja2 import StrictUndefined
from werkzeug.serving import BaseWSGIServer, WSGIRequestHandler, make_server

LOOPBACK = "127.0.0.1"
KEPT = 500
MAXIMUM_BYTES = 10 * 1024 * 1024
ACCEPTED = "250 OK"
_NAME = re.compile(r"[0-9]{20}-[0-9a-f]{8}")


class Hangup(Exception):
    """Raised by an answer of `Catcher`: the mail is kept, and the sender's connection closed without an answer."""


class Mailbox:
    """The caught mails as files, newest first; the oldest go when there are more than `KEPT`."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        directory.mkdir(parents=True, exist_ok=True)

    def add(self, content: bytes) -> str:
        """Keep a mail; its name."""
        name = f"{time.time_ns():020d}-{secrets.token_hex(4)}"
        unfinished = self._directory / f"{name}.part"
        unfinished.write_bytes(content)
        unfinished.rename(self._directory / f"{name}.eml")
        for old in self.names()[KEPT:]:
            (self._directory / f"{old}.eml").unlink(missing_ok=True)
        return name

    def names(self) -> list[str]:
        """The names of all mails, newest first."""
        return sorted((path.stem for path in self._directory.glob("*.eml")), reverse=True)

    def read(self, name: str) -> EmailMessage:
        """One mail. Raises KeyError."""
        path = self._directory / f"{name}.eml"
        if not _NAME.fullmatch(name) or not path.exists():
            raise KeyError(name)
        return email.message_from_bytes(path.read_bytes(), policy=email.policy.default)

    def all(self) -> list[EmailMessage]:
        """Every mail, in the order of arrival."""
        return [self.read(name) for name in reversed(self.names())]

    def clear(self) -> None:
        """Forget every mail."""
        for name in self.names():
            (self._directory / f"{name}.eml").unlink(missing_ok=True)


class _Handler:
    """aiosmtpd calls these; both callbacks run in threads, so that they may block."""

    def __init__(self, catcher: Catcher) -> None:
        self._catcher = catcher

    async def handle_DATA(self, server: SMTP, _session: Session, envelope: Envelope) -> str:  # noqa: N802  # aiosmtpd's name
        catcher, content = self._catcher, envelope.original_content or b""
        loop = asyncio.get_running_loop()
        try:
            verdict = await loop.run_in_executor(None, catcher.before_accept, content)
            if not verdict.startswith("2"):
                return verdict
            await loop.run_in_executor(None, catcher.mailbox.add, content)
            return await loop.run_in_executor(None, catcher.after_accept, content)
        except Hangup:
            if isinstance(server.transport, asyncio.Transport):
                server.transport.abort()
            return "421 closing"

    async def handle_QUIT(self, _server: SMTP, _session: Session, _envelope: Envelope) -> str:  # noqa: N802  # aiosmtpd's name
        await asyncio.get_running_loop().run_in_executor(None, self._catcher.before_quit)
        return "221 Bye"


class _Controller(Controller):
    """Takes the listening socket's own port, so that port 0 means any free one."""

    def _trigger_server(self) -> None:
        if isinstance(self.server, asyncio.Server) and self.port == 0:
            self.port = self.server.sockets[0].getsockname()[1]
        super()._trigger_server()  # type: ignore[no-untyped-call]  # aiosmtpd has no types here


class Catcher:
    """An SMTP server on loopback in a thread of its own. `port` 0 chooses a free one. Use as a context manager.

    Tests replace: `before_accept(content)` gives the answer to a mail before it is kept ("550 no" refuses it);
    `after_accept(content)` gives the answer once it is kept; `before_quit()` runs when the sender, who has seen the
    answer, says goodbye. Each may block, kill somebody, or raise Hangup.
    """

    def __init__(self, directory: Path, port: int = 0) -> None:
        self.mailbox = Mailbox(directory)
        self.before_accept: Callable[[bytes], str] = lambda _content: ACCEPTED
        self.after_accept: Callable[[bytes], str] = lambda _content: ACCEPTED
        self.before_quit: Callable[[], None] = lambda: None
        self._controller = _Controller(
            _Handler(self), hostname=LOOPBACK, port=port, data_size_limit=MAXIMUM_BYTES, enable_SMTPUTF8=True
        )

    @property
    def port(self) -> int:
        """Where it listens."""
        return int(self._controller.port)

    @property
    def url(self) -> str:
        """What MAIL_URL is set to."""
        return f"smtp://{LOOPBACK}:{self.port}"

    def start(self) -> None:
        """Listen. Raises OSError when the port is taken."""
        self._controller.start()

    def stop(self) -> None:
        """End."""
        self._controller.stop()

    def __enter__(self) -> Catcher:
        self.start()
        return self

    def __exit__(self, *_exc: object) -> None:
        self.stop()


# The pages.
@dataclasses.dataclass(frozen=True)
class Shown:
    """What the list tells of a mail."""

    name: str
    subject: str
    sender: str
    to: str
    at: str


def _text(message: EmailMessage, kind: str) -> str:
    part = message.get_body((kind,))
    if part is None:
        return ""
    content = part.get_payload(decode=True)
    raw = content if isinstance(content, bytes) else b""
    try:
        return raw.decode(part.get_content_charset() or "utf-8", errors="replace")
    except LookupError:  # a charset that nobody knows
        return raw.decode("utf-8", errors="replace")


def _header(message: EmailMessage, name: str) -> str:
    return " ".join(str(message.get(name, "")).split())


def _at(name: str) -> str:
    moment = dt.datetime.fromtimestamp(int(name[:20]) / 1e9, dt.UTC)
    return moment.strftime("%A, %B %-d, %Y, %H:%M:%S UTC")


def make_pages(mailbox: Mailbox) -> Flask:
    """The pages over a mailbox."""
    app = Flask(__name__, template_folder="mail_pages", static_folder="mail_pages/static")
    app.jinja_env.undefined = StrictUndefined
    app.jinja_env.trim_blocks = app.jinja_env.lstrip_blocks = True
    app.jinja_env.policies["urlize.rel"] = "noreferrer"

    def found(name: str) -> EmailMessage:
        try:
            return mailbox.read(name)
        except KeyError:
            abort(404)

    @app.before_request
    def only_this_machine() -> None:
        # A web site must not read the mail by a name of its own that points at this machine.
        if urlsplit(f"//{request.host}").hostname not in (LOOPBACK, "localhost"):
            abort(403)

    @app.after_request
    def headers(response: Response) -> Response:
        response.headers.setdefault(
            "Content-Security-Policy",
            "default-src 'none'; style-src 'self'; img-src data:; frame-src 'self'; frame-ancestors 'self'; base-uri 'none'",
        )
        response.headers["X-Content-Type-Options"] = "nosniff"
        response.headers["Referrer-Policy"] = "no-referrer"
        return response

    @app.get("/")
    def index() -> str:
        mails = []
        for name in mailbox.names():
            message = mailbox.read(name)
            subject = _header(message, "Subject") or "No subject"
            mails.append(Shown(name, subject, _header(message, "From"), _header(message, "To"), _at(name)))
        return render_template("index.html", mails=mails)

    @app.get("/mails/<name>")
    def show(name: str) -> str:
        message = found(name)
        return render_template(
            "show.html",
            name=name,
            subject=_header(message, "Subject") or "No subject",
            headers=[(header, " ".join(str(value).split())) for header, value in message.items()],
            text=_text(message, "plain"),
            has_html=message.get_body(("html",)) is not None,
            attachments=[part.get_filename() or "unnamed" for part in message.iter_attachments()],
        )

    @app.get("/mails/<name>/html")
    def show_html(name: str) -> Response:
        # The mail's own HTML: shown in a sandboxed frame, with styles and pictures of its own and nothing else.
        # Its links open beside the frame.
        text = _text(found(name), "html")
        head = re.search(r"<head[^>]*>", text, re.IGNORECASE)
        at = head.end() if head else 0
        response = make_response(text[:at] + '<base target="_blank">' + text[at:])
        policy = "sandbox allow-popups allow-popups-to-escape-sandbox; default-src 'none'; style-src 'unsafe-inline'; "
        policy += "img-src data:; frame-ancestors 'self'"
        response.headers["Content-Security-Policy"] = policy
        return response

    @app.get("/mails/<name>/attachments/<int:number>")
    def download(name: str, number: int) -> Response:
        parts = list(found(name).iter_attachments())
        if number >= len(parts):
            abort(404)
        content = parts[number].get_payload(decode=True)
        response = make_response(content if isinstance(content, bytes) else b"")
        response.mimetype = "application/octet-stream"
        response.headers.set("Content-Disposition", "attachment", filename=parts[number].get_filename() or "unnamed")
        return response

    @app.get("/mails/<name>/source")
    def source(name: str) -> Response:
        response = make_response(found(name).as_bytes())
        response.mimetype = "text/plain"
        return response

    @app.errorhandler(404)
    def not_found(_error: Exception) -> tuple[str, int]:
        return render_template("missing.html"), 404

    return app


class _QuietHandler(WSGIRequestHandler):
    """Says nothing about each request."""

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """Nothing."""


def main() -> int:
    """Catch and show until TERM or INT."""
    parser = argparse.ArgumentParser(
        prog="python -m deploy.mail_catcher", description="Catches mail and shows it as pages"
    )
    parser.add_argument("--smtp-port", type=int, default=0, help="0: any free port")
    parser.add_argument("--port", type=int, default=0, help="of the pages; 0: any free port")
    parser.add_argument("--data-dir", type=Path, default=Path(os.environ.get("DATA_DIR", "instance")))
    given = parser.parse_args()
    catcher = Catcher(given.data_dir / "mail", given.smtp_port)
    try:
        pages: BaseWSGIServer = make_server(
            LOOPBACK, given.port, make_pages(catcher.mailbox), threaded=True, request_handler=_QuietHandler
        )
        catcher.start()
    except OSError as error:
        print(f"The mail catcher cannot listen: {error}", file=sys.stderr)
        return 1
    stopping = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda _number, _frame: stopping.set())
    threading.Thread(target=pages.serve_forever, kwargs={"poll_interval": 0.1}, daemon=True).start()
    print(f"mail on {catcher.url}, pages on http://{LOOPBACK}:{pages.server_port}", flush=True)
    stopping.wait()
    pages.shutdown()
    pages.server_close()
    catcher.stop()
    return 0


if __name__ == "__main__":
    sys.exit(main())
