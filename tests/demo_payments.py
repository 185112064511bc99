"""The demo payment server as tests use it: a process of its own, reached by the real stripe package and by its hooks."""

from __future__ import annotations

import http.server
import json
import subprocess
import sys
import threading
import urllib.request
from pathlib import Path
from typing import Any

import stripe

ROOT = Path(__file__).parent.parent
KEY = "sk_test_demonstration"
SECRET = "whsec_demonstration"
CONNECT_SECRET = "whsec_demonstration_connect"


class DemoServer:
    """A running demo payment server; `webhook_url` empty sends nothing. Use as a context manager."""

    def __init__(
        self,
        data_dir: Path,
        webhook_url: str = "",
        *,
        connect_url: str = "",
        port: int = 0,
        key: str = KEY,
        secret: str = SECRET,
    ) -> None:
        self.key = key
        command = [sys.executable, "-m", "deploy.demo_payments", "--port", str(port), "--data-dir", str(data_dir)]
        command += ["--key", key, "--webhook-secret", secret, "--webhook-url", webhook_url]
        command += ["--connect-webhook-secret", CONNECT_SECRET, "--connect-webhook-url", connect_url]
        self.process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        assert line.startswith("demo payments on "), line
        self.base_url = line.split()[-1]

    def __enter__(self) -> DemoServer:
        return self

    def __exit__(self, *_exc: object) -> None:
        self.stop()

    def stop(self) -> None:
        """End it as the supervisor does."""
        self.process.terminate()
        self._reap()

    def kill(self) -> None:
        """End it in the middle of whatever it does."""
        self.process.kill()
        self._reap()

    def _reap(self) -> None:
        self.process.wait(15)
        assert self.process.stdout is not None
        self.process.stdout.close()

    def client(self, **options: Any) -> stripe.StripeClient:
        """The real package, pointed here."""
        options.setdefault("max_network_retries", 0)
        direct = stripe.HTTPClient._Proxy(http=None, https=None)
        return stripe.StripeClient(
            options.pop("key", self.key),
            base_addresses={"api": self.base_url},
            http_client=stripe.RequestsClient(timeout=20, proxy=direct),
            **options,
        )

    def request(self, path: str, body: Any = None, method: str | None = None) -> Any:
        """Call a test hook: the JSON it answers. Raises urllib.error.HTTPError."""
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(
            self.base_url + path, data, {"Content-Type": "application/json"}, method=method
        )
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with opener.open(request, timeout=20) as response:
            return json.load(response)

    def act(self, session_id: str, what: str) -> Any:
        """Do what a payer's button does: pay, decline, pay_later, bank_confirms, bank_refuses. The session after it."""
        return self.request(f"/_demo/sessions/{session_id}/{what}", {})

    def account(self, *, act: str = "ready", **asked: Any) -> str:
        """The id of a new connected account, after `act` (deploy/demo_payments/accounts.py; empty: nothing yet)."""
        asked.setdefault("capabilities", {"card_payments": {"requested": True}})
        made = self.client().v1.accounts.create(asked)
        if act:
            self.act_on_account(made.id, act)
        return made.id

    def act_on_account(self, account: str, what: str) -> Any:
        """What is chosen on an account's page: ready, due, restrict, deauthorize. The account after it."""
        return self.request(f"/_demo/accounts/{account}/{what}", {})

    def refused(self) -> list[tuple[str, str, int, str | None]]:
        """(method, path, status, param) of every request that was refused, oldest first."""
        found = self.request("/_demo/refused")["data"]
        return [(one["method"], one["path"], one["status"], one["param"]) for one in found]

    def fault(self, mode: str, **what: Any) -> None:
        """Let the next fitting requests go wrong (deploy/demo_payments/faults.py)."""
        self.request("/_demo/faults", {"mode": mode, **what})

    def hold(self, value: bool = True) -> None:
        """Send no event by yourself, or do again."""
        self.request("/_demo/hold", {"hold": value})

    def deliver(self, *events: str, concurrently: bool = False) -> list[int | None]:
        """Send events now, in this order; the receiver's statuses."""
        found: list[int | None] = self.request("/_demo/deliver", {"events": events, "concurrently": concurrently})[
            "statuses"
        ]
        return found

    def advance(self, seconds: int) -> None:
        """Let time pass for sessions."""
        self.request("/_demo/clock", {"advance": seconds})

    def settle(self) -> None:
        """Book every charge now, so that its fee is known."""
        self.request("/_demo/settle", {})


class Receiver:
    """A webhook endpoint that keeps what it is sent and answers with `status`. Use as a context manager."""

    def __init__(self) -> None:
        self.status = 200
        self.received: list[tuple[dict[str, str], bytes]] = []
        self._changed = threading.Condition()
        receiver = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                with receiver._changed:
                    receiver.received.append((dict(self.headers.items()), body))
                    receiver._changed.notify_all()
                self.send_response(receiver.status)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_args: object) -> None:
                return

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}/stripe/webhook"
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02})

    def __enter__(self) -> Receiver:
        self._thread.start()
        return self

    def __exit__(self, *_exc: object) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def types(self) -> list[str]:
        """The types of what came, in order."""
        return [json.loads(body)["type"] for _headers, body in self.received]

    def wait_for(self, kind: str, count: int = 1) -> None:
        """Return as soon as `count` events of `kind` have come. Raises AssertionError after 20 s."""
        with self._changed:
            assert self._changed.wait_for(lambda: self.types().count(kind) >= count, 20), self.types()
