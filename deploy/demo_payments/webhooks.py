"""Sending events: signed as Stripe signs them, from the store, so that a restart goes on where the last process ended.

https://docs.stripe.com/webhooks#verify-manually and #retries
"""

from __future__ import annotations

import dataclasses
import hashlib
import hmac
import http.client
import json
import threading
import time
from urllib.parse import urlsplit

from deploy.demo_payments.payments import Payments, is_here
from deploy.demo_payments.store import PLATFORM

TIMEOUT_SECONDS = 10
IDLE_SECONDS = 0.2
# Out of how many that wait the next is drawn when events come in any order.
AHEAD = 50
# Stripe tries for up to three days, ever more rarely.
BACKOFF_SECONDS = (1, 2, 5, 10, 30, 60, 300, 1800, 3600, *[6 * 3600] * 12)


def sign(body: bytes, secret: str, at: int) -> str:
    """The Stripe-Signature header of `body` sent at Unix second `at`."""
    digest = hmac.new(secret.encode(), f"{at}.".encode() + body, hashlib.sha256).hexdigest()
    return f"t={at},v1={digest}"


@dataclasses.dataclass(frozen=True)
class Endpoint:
    """Where events are sent (empty: nowhere), and the secret they are signed with."""

    url: str
    secret: str


class Sender:
    """Sends what the store promised, one after the other, in a thread of its own."""

    def __init__(self, payments: Payments, own: Endpoint, connect: Endpoint) -> None:
        self._payments = payments
        self._own = own
        self._connect = connect
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._work, name="webhooks", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """End after the attempt that is under way."""
        self._stopping.set()
        self._thread.join(TIMEOUT_SECONDS + 1)

    def send(self, event_id: str, endpoint_id: str = "") -> tuple[int | None, str]:
        """Send an event once, now, to an endpoint that was made here or ("") to what the server was started with: (HTTP status
        or None, what went wrong or nothing)."""
        store = self._payments.store
        with store.acting_as(store.owner(event_id) or PLATFORM):
            event = self._payments.public(store.get("event", event_id))
        endpoint = self._connect if "account" in event else self._own
        if endpoint_id:
            with store.acting_as(PLATFORM):
                made = store.find("webhook_endpoint", endpoint_id)
            endpoint = Endpoint(made["url"], made["_secret"]) if made and is_here(made["url"]) else Endpoint("", "")
        if not endpoint.url:
            return None, "no endpoint"
        body = json.dumps(event, indent=2, ensure_ascii=False).encode()
        parts = urlsplit(endpoint.url)
        # The receiver checks how old the signature is: the machine's clock, whatever the trial's says.
        headers = {
            "Content-Type": "application/json; charset=utf-8",
            "User-Agent": "Stripe/1.0 (+https://stripe.com/docs/webhooks)",
            "Stripe-Signature": sign(body, endpoint.secret, int(time.time())),
        }
        connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=TIMEOUT_SECONDS)
        try:
            connection.request("POST", parts.path or "/", body, headers)
            return connection.getresponse().status, ""
        except (OSError, http.client.HTTPException) as error:
            return None, f"{type(error).__name__}: {error}"
        finally:
            connection.close()

    def attempt(self, delivery_id: int, event_id: str, attempts: int, endpoint_id: str = "") -> int | None:
        """Try one delivery and note how it went; the HTTP status, or None."""
        status, error = self.send(event_id, endpoint_id)
        arrived = status is not None and 200 <= status < 300
        trouble, chance = self._payments.trouble, self._payments.random.random
        if arrived and chance() < trouble.duplicate and attempts < len(BACKOFF_SECONDS):
            self._payments.store.delivery_result(
                delivery_id,
                state="pending",
                next_at=time.time() + trouble.delay * chance(),
                status=status,
                error="",
            )
            return status
        over = not arrived and attempts >= len(BACKOFF_SECONDS)
        self._payments.store.delivery_result(
            delivery_id,
            state="delivered" if arrived else "given_up" if over else "pending",
            next_at=time.time() + (0 if arrived or over else BACKOFF_SECONDS[attempts]),
            status=status,
            error=error,
        )
        return status

    def _work(self) -> None:
        store = self._payments.store
        while not self._stopping.is_set():
            self._payments.do_due()
            trouble, chance = self._payments.trouble, self._payments.random
            waiting = []
            if not store.setting("hold", False):
                waiting = store.next_deliveries(AHEAD if trouble.reorder else 1, made_here=not self._own.url)
            if not waiting:
                self._stopping.wait(IDLE_SECONDS)
                continue
            found = chance.choice(waiting)
            if chance.random() < trouble.drop:
                store.delivery_result(found["id"], state="lost", next_at=0, status=None, error="dropped on purpose")
            else:
                self.attempt(found["id"], found["event"], found["attempts"], found["endpoint"])
