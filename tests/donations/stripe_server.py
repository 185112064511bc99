"""The demo payment server as a process of its own, and a recorder in front of it. Imports nothing of the application.

Payloads are signed here by hand (https://docs.stripe.com/webhooks#verify-manually), so that a mistake the application and
its package shared would show.
"""

from __future__ import annotations

import contextlib
import dataclasses
import hashlib
import hmac
import http.client
import json
import re
import sqlite3
import subprocess
import sys
import threading
import time
import urllib.parse
import urllib.request
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

KEY = "sk_test_of_the_tests_0123456789"
SECRET = "whsec_of_the_tests_0123456789"
CONNECT_SECRET = "whsec_of_the_tests_connect_0123456789"
MISTAKES = ("email_invalid", "url_invalid")
TABLES = ("object", "delivery", "due", "kept_answer", "setting", "refused")


@dataclasses.dataclass(frozen=True)
class Request:
    """One request that reached Stripe's side, as it was sent."""

    method: str
    path: str
    headers: dict[str, str]
    form: dict[str, str]


def sign(body: bytes, *, secret: str = SECRET, at: int | None = None, scheme: str = "v1") -> str:
    """The Stripe-Signature header of `body`."""
    at = int(time.time()) if at is None else at
    digest = hmac.new(secret.encode(), f"{at}.".encode() + body, hashlib.sha256).hexdigest()
    return f"t={at},{scheme}={digest}"


class StripeServer:
    """Talks to the process: hooks, what it lists, and what the recorder saw."""

    def __init__(self, address: str, database: Path) -> None:
        self.address = address
        self._database = database
        self.requests: list[Request] = []
        self.mistakes: list[str] = []
        self.recorder = _serve_recorder(self)
        self.api_base = f"http://127.0.0.1:{self.recorder.server_port}"

    def reset(self) -> None:
        """Forget everything between tests, in its own file."""
        self.hook("DELETE", "faults")
        self.hook("POST", "webhook_trouble", {})
        with contextlib.closing(sqlite3.connect(self._database, timeout=10)) as connection, connection:
            for table in TABLES:
                connection.execute(f"DELETE FROM {table}")
        self.hook("POST", "hold", {"hold": True})
        self.hook("POST", "settle", {"seconds": None})
        self.requests.clear()
        self.mistakes.clear()

    @contextlib.contextmanager
    def without(self, *object_ids: str) -> Iterator[None]:
        """Stripe does not know these objects meanwhile, as if they had been deleted there."""
        self._rename([(f"x-{one}", one) for one in object_ids])
        yield
        self._rename([(one, f"x-{one}") for one in object_ids])

    def _rename(self, names: list[tuple[str, str]]) -> None:
        with contextlib.closing(sqlite3.connect(self._database, timeout=10)) as connection, connection:
            for new, old in names:
                assert connection.execute("UPDATE object SET id = ? WHERE id = ?", (new, old)).rowcount == 1

    def call(self, method: str, path: str, body: Any = None, *, account: str | None = None) -> Any:
        """One request with the key, past the recorder; `account` acts as that connected account."""
        request = urllib.request.Request(  # loopback
            self.address + path,
            method=method,
            data=None if body is None else json.dumps(body).encode(),
            headers={
                "Authorization": f"Bearer {KEY}",
                "Content-Type": "application/json",
                **({} if account is None else {"Stripe-Account": account}),
            },
        )
        with urllib.request.urlopen(request, timeout=20) as response:
            return json.load(response)

    def hook(self, method: str, name: str, body: Any = None) -> Any:
        """One of the server's own test hooks."""
        return self.call(method, f"/_demo/{name}", body)

    def act(self, session_id: str, act: str) -> Any:
        """A payer's button: pay, decline, pay_later, bank_confirms, bank_refuses."""
        return self.hook("POST", f"sessions/{session_id}/{act}", {})

    def settle(self) -> None:
        """Book every charge now: fees become known, charge.updated happens."""
        self.hook("POST", "settle", {})

    def act_on_account(self, account: str, act: str) -> Any:
        """What is chosen on an account's page: ready, due, restrict, deauthorize. The account after it."""
        return self.hook("POST", f"accounts/{account}/{act}", {})

    def refused(self) -> list[dict[str, Any]]:
        """Every request that was refused, oldest first (faults and declined cards are none)."""
        return list(self.hook("GET", "refused")["data"])

    def unkeyed(self) -> list[str]:
        """Paths of every POST that came without an Idempotency-Key of its own (none, or the package's random one)."""
        return [one["path"] for one in self.hook("GET", "unkeyed")["data"]]

    def events(self, account: str | None = None) -> list[dict[str, Any]]:
        """Every event (of a connected account), oldest first."""
        found: list[dict[str, Any]] = []
        after = ""
        while True:
            page = self.call("GET", f"/v1/events?limit=100{after}", account=account)
            found += page["data"]
            if not page["has_more"]:
                return found[::-1]
            after = f"&starting_after={found[-1]['id']}"

    def sessions(self, account: str | None = None) -> list[dict[str, Any]]:
        """Every session (of a connected account), newest first (at most 100)."""
        return list(self.call("GET", "/v1/checkout/sessions?limit=100", account=account)["data"])

    def note(self, asked: Request, status: int, content: bytes) -> None:
        """Remember what the application must never send: a parameter that Stripe does not take, a key with another request,
        a POST whose key is the package's own random one."""
        key = asked.headers.get("Idempotency-Key", "")
        if asked.method == "POST" and (not key or re.fullmatch(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", key)):
            self.mistakes.append(f"{asked.path}: without a key of our own")
        if status == 400:
            error = json.loads(content)["error"]
            code = error.get("code") or ""
            if code.startswith("parameter_") or code in MISTAKES or error["type"] == "idempotency_error":
                self.mistakes.append(f"{asked.method} {asked.path}: {error['message']}")

    def posts(self) -> list[Request]:
        """Every POST that the recorder saw."""
        return [request for request in self.requests if request.method == "POST"]


def _serve_recorder(server: StripeServer) -> ThreadingHTTPServer:
    class Recorder(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        # An answer goes out whole: in two pieces, the second waits 40 ms for the other side's word that it has the first.
        wbufsize = -1

        def _forward(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            form = dict(urllib.parse.parse_qsl(body.decode()))
            asked = Request(self.command, self.path, dict(self.headers.items()), form)
            server.requests.append(asked)
            target = urllib.parse.urlsplit(server.address)
            connection = http.client.HTTPConnection(target.hostname or "", target.port, timeout=30)
            headers = {
                name: value for name, value in self.headers.items() if name.lower() not in ("host", "connection")
            }
            try:
                connection.request(self.command, self.path, body or None, headers)
                response = connection.getresponse()
                content = response.read()
            except (OSError, http.client.HTTPException):
                self.close_connection = True  # the other side hung up, so do we
                return
            finally:
                connection.close()
            server.note(asked, response.status, content)
            self.send_response(response.status)
            for name, value in response.getheaders():
                if name.lower() not in ("connection", "content-length", "server", "date", "transfer-encoding"):
                    self.send_header(name, value)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        do_GET = do_POST = do_DELETE = _forward  # noqa: N815  # the names BaseHTTPRequestHandler looks for

        def log_message(self, *_args: Any) -> None:
            """Nothing."""

    recorder = ThreadingHTTPServer(("127.0.0.1", 0), Recorder)
    recorder.daemon_threads = True
    threading.Thread(target=recorder.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
    return recorder


@contextlib.contextmanager
def running_server(directory: Path, *, webhook_url: str = "", connect_url: str = "") -> Iterator[StripeServer]:
    """The demo payment server in a process of its own, on a free port."""
    command = [
        sys.executable, "-m", "deploy.demo_payments", "--port", "0", "--data-dir", str(directory),
        "--key", KEY, "--webhook-secret", SECRET, "--webhook-url", webhook_url,
        "--connect-webhook-secret", CONNECT_SECRET, "--connect-webhook-url", connect_url,
    ]  # fmt: skip
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=Path(__file__).parents[2])
    assert process.stdout is not None
    try:
        line = process.stdout.readline()
        assert "http://" in line, "the demo payment server did not start"
        server = StripeServer("http://" + line.split("http://")[1].strip(), directory / "demo_payments.db")
        try:
            yield server
        finally:
            server.recorder.shutdown()
            server.recorder.server_close()
    finally:
        process.terminate()
        process.wait(15)
        process.stdout.close()
