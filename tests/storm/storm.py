"""Deliveries, kills, and what must be true afterwards."""

from __future__ import annotations

import contextlib
import dataclasses
import datetime as dt
import http.client
import json
import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import IO, Any

import sqlalchemy as sa
from flask import Flask

from app.core import jobs
from app.core.audit import AuditEvent
from app.core.clock import moved_to, now
from app.core.commands import verify
from app.core.db import db
from app.core.outbox import Outbox
from app.donations import checks
from app.donations.models import Donation, StripeEvent
from app.donations.money_models import Dispute, Payout, Refund
from app.donations.operations.inbox import HANDLED_TYPES
from app.donations.receipt_models import Receipt
from tests.databases import free_port
from tests.donations.stripe_server import CONNECT_SECRET, KEY, SECRET, StripeServer, sign
from tests.servers import ROOT, environment
from tests.storm.history import History, our_books

COURIERS = 8
PATIENCE = 60
DUPLICATES = 0.35
LATE = 0.15
DROPPED = 0.02
# Of ten kills: the worker, a process of the web server, the web server with everything it started.
VICTIMS = ("worker",) * 6 + ("web",) * 3 + ("server",)
# The door of connected accounts, and the other one, each with its secret: what comes in at the wrong one counts nothing there.
WEBHOOK, OTHER_DOOR = "/stripe/webhook/connect", "/stripe/webhook"
SECRETS = {WEBHOOK: CONNECT_SECRET, OTHER_DOOR: SECRET}
# Of what is delivered again, so much comes in at the wrong door.
ASTRAY = 0.1


def settings_of(server: StripeServer) -> dict[str, Any]:
    """The settings of an installation that takes gifts through that server, in test mode: it gives receipts."""
    return {
        "payments_mode": "test",
        "stripe_secret_key": KEY,
        "stripe_webhook_secret": SECRET,
        "stripe_connect_webhook_secret": CONNECT_SECRET,
        "stripe_connect": True,
        "stripe_api_base": server.address,
        "mail_url": "console:",
        "rate_limits": False,
    }


class Processes:
    """The web server and the worker, as they run, and their deaths."""

    def __init__(self, directory: Path, database_url: str, server: StripeServer) -> None:
        values = {name: value for name, value in settings_of(server).items() if name != "rate_limits"}
        texts = {name.upper(): "1" if value is True else str(value) for name, value in values.items()}
        self._log: IO[bytes] = (directory / "storm.log").open("ab")
        self.port = free_port()
        self.deaths: list[tuple[str, int]] = []  # who, and how it ended
        self._nursery = subprocess.Popen(
            [sys.executable, "-m", "tests.storm.nursery", str(self.port)], cwd=ROOT,
            env=environment(directory, database_url, **texts), stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            stderr=self._log, text=True, start_new_session=True,
        )  # fmt: skip
        self._web = int(self._hear("started")[0])
        self._wait_until_ready()

    def _hear(self, word: str) -> list[str]:
        """The rest of the nursery's next line, which begins with `word`."""
        assert self._nursery.stdout is not None
        while line := self._nursery.stdout.readline():
            if line.startswith(f"{word} "):
                return line.split()[1:]
        raise RuntimeError("the nursery ended")

    def _wait_until_ready(self) -> None:
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=5)
            with contextlib.closing(connection), contextlib.suppress(OSError, http.client.HTTPException):
                connection.request("GET", "/readyz")
                if connection.getresponse().status == 200:
                    return
            time.sleep(0.05)
        raise RuntimeError("the web server did not get ready")

    def kill(self, victim: str, chance: random.Random) -> None:
        """SIGKILL to the worker, to a process of the web server, or to the web server and everything it started."""
        if victim == "web":
            children = Path(f"/proc/{self._web}/task/{self._web}/children").read_text().split()
            if children:
                os.kill(int(chance.choice(children)), signal.SIGKILL)
                self.deaths.append((victim, -signal.SIGKILL))
            return
        self._say(f"kill {victim}")
        how, web = map(int, self._hear("ended"))
        self.deaths.append((victim, how))
        self._web = web

    def _say(self, word: str) -> None:
        assert self._nursery.stdin is not None
        self._nursery.stdin.write(f"{word}\n")
        self._nursery.stdin.flush()

    def end(self) -> None:
        """Let everything finish."""
        with contextlib.suppress(OSError, RuntimeError):
            self._say("end")
            self._hear("ended")
        for stream in (self._nursery.stdin, self._nursery.stdout):
            if stream is not None:
                stream.close()
        self._nursery.wait(PATIENCE)
        self._log.close()


class Couriers:
    """Deliver a pile of bodies, each to its door, over a few connections; what is not answered 200 goes back to the pile."""

    def __init__(self, port: int, pile: list[tuple[str, bytes]], chance: random.Random) -> None:
        self._port, self._pile, self._random = port, pile, chance
        self._lock = threading.Lock()
        self._in_hand = 0
        self.delivered = 0
        self.again = 0
        self._threads = [threading.Thread(target=self._run, daemon=True) for _number in range(COURIERS)]
        for thread in self._threads:
            thread.start()

    def _take(self) -> tuple[str, bytes] | None:
        with self._lock:
            if not self._pile:
                return None
            self._in_hand += 1
            return self._pile.pop()

    def _give(self, item: tuple[str, bytes], arrived: bool) -> None:
        with self._lock:
            self._in_hand -= 1
            if arrived:
                self.delivered += 1
            else:
                self.again += 1
                self._pile.insert(self._random.randrange(len(self._pile) + 1), item)

    def _run(self) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=30)
        while not self.is_over():
            item = self._take()
            if item is None:
                time.sleep(0.01)
                continue
            (door, body), arrived = item, False
            try:
                headers = {"Stripe-Signature": sign(body, secret=SECRETS[door]), "Content-Type": "application/json"}
                connection.request("POST", door, body, headers)
                response = connection.getresponse()
                response.read()
                arrived = response.status == 200
            except (OSError, http.client.HTTPException):
                connection.close()
            self._give(item, arrived)
            if not arrived:
                time.sleep(0.1)
        connection.close()

    def is_over(self) -> bool:
        """True when everything has arrived."""
        with self._lock:
            return not self._pile and not self._in_hand

    def wait(self) -> None:
        """Until everything has arrived."""
        for thread in self._threads:
            thread.join()


@dataclasses.dataclass
class Outcome:
    """What a storm was; `problems` empty when nothing was lost, doubled or wrong."""

    deliveries: int
    duplicates: int
    dropped: int
    astray: int
    again: int
    kills: dict[str, int]
    gifts: int
    events: int
    ledger: int
    receipts: int
    # Refunds and disputes of months of monthly gifts.
    went_back: int
    payouts: int
    # How often what is rare has happened.
    met: dict[str, int]
    seconds: float
    problems: list[str]


class Storm:
    """One storm over one database, which must be migrated and empty. Runs within the application's context."""

    def __init__(
        self,
        app: Flask,
        directory: Path,
        server: StripeServer,
        *,
        deliveries: int,
        kills: int,
        gifts: int,
        seed: int = 1,
        tell: Callable[[str], None] = lambda _text: None,
    ) -> None:
        self._tell = tell
        self.app, self._directory, self._server = app, directory, server
        self._deliveries, self._kills, self._gifts = deliveries, kills, gifts
        self._random = random.Random(seed)
        self.history = History(server, seed)
        self.dropped: list[str] = []
        self.sent: set[str] = set()
        self._delivered = self._again = self.astray = 0

    def run(self, waves: int = 4) -> Outcome:
        """Let it pass, and say what is left."""
        began = time.monotonic()
        self.history.open_accounts()
        processes = Processes(self._directory, str(self.app.config["SETTINGS"].database_url), self._server)
        try:
            late: list[dict[str, Any]] = []
            for number in range(waves):
                self._tell(f"wave {number + 1} of {waves}: {self._gifts // waves} gifts are given")
                self.history.go_on(self._gifts // waves)
                events = self.history.new_events()
                if number == waves // 2:  # what happened on one account meets a refusal when it is asked about
                    self.history.vanish()
                late = self._wave(processes, events, late, number, waves)
            self._pause_until_worked_off()
        finally:
            processes.end()
        self._tell("the worker is done; what nobody delivered is looked for")
        # Mails go to the console. Some hours pass: an account that answered as if it were not ours is asked again, and what
        # it kept from us meanwhile is listed the time after.
        for hours in (2, 3):
            with (
                Path(os.devnull).open("w") as nowhere,
                contextlib.redirect_stderr(nowhere),
                moved_to(now() + dt.timedelta(hours=hours)),
            ):
                jobs.work_off(self.app.extensions["outbox_handlers"], self.app.extensions["sweeps"])
        self._tell("everything is compared")
        problems = self.problems()
        if len(processes.deaths) != self._kills or {how for _who, how in processes.deaths} != {-signal.SIGKILL}:
            problems.append(f"not every kill was one: {processes.deaths}")
        victims = [who for who, _how in processes.deaths]
        return Outcome(
            deliveries=self._delivered,
            duplicates=self._delivered - len(self.sent),
            dropped=len(self.dropped),
            astray=self.astray,
            again=self._again,
            kills={who: victims.count(who) for who in sorted(set(victims))},
            gifts=_count(Donation),
            events=_count(StripeEvent),
            ledger=checks.check_ledger()[0],
            receipts=_count(Receipt),
            went_back=_count_of_months(Refund) + _count_of_months(Dispute),
            payouts=_count(Payout),
            met=dict(self.history.met),
            seconds=round(time.monotonic() - began, 1),
            problems=problems,
        )

    def _wave(
        self, processes: Processes, events: list[dict[str, Any]], late: list[dict[str, Any]], number: int, waves: int
    ) -> list[dict[str, Any]]:
        """Deliver what happened, doubled and shuffled, with what was late before; what is late now."""
        share, last, chance = self._deliveries // waves, number == waves - 1, self._random
        if last:
            share = self._deliveries - self._delivered
        now_late = [] if last else chance.sample(events, int(len(events) * LATE))
        held = {event["id"] for event in now_late}
        events = [event for event in events if event["id"] not in held]
        lost = chance.sample(events, max(1, int(len(events) * DROPPED)))
        self.dropped += [event["id"] for event in lost]
        gone = {event["id"] for event in lost}
        pile = [event for event in [*events, *late] if event["id"] not in gone]
        unique = max(len(pile), round(share * (1 - DUPLICATES)))
        pile += [self.history.noise(number * 1_000_000 + one) for one in range(unique - len(pile))]
        self.sent |= {event["id"] for event in pile}
        bodies = {event["id"]: json.dumps(event).encode() for event in [*pile, *lost]}
        more = max(0, share - len(pile))
        # Some of what never comes to the right door comes to the other; so does some of what comes to both.
        astray = [*lost[::2], *chance.choices(pile, k=int(more * ASTRAY))][:more]
        doors = [(WEBHOOK, event) for event in [*pile, *chance.choices(pile, k=more - len(astray))]]
        doors += [(OTHER_DOOR, event) for event in astray]
        self.astray += len(astray)
        whole = [(door, bodies[event["id"]]) for door, event in doors]
        chance.shuffle(whole)
        kills = self._kills * (number + 1) // waves - self._kills * number // waves
        moments = sorted(chance.randrange(len(whole)) for _kill in range(kills))
        couriers = Couriers(processes.port, whole, chance)
        for number_of_kill, moment in enumerate(moments):
            if number_of_kill % 10 == 0:
                self._tell(f"{self._delivered + couriers.delivered} delivered, {len(processes.deaths)} killed")
            while couriers.delivered < moment:
                time.sleep(0.005)
            before = len(processes.deaths)
            while len(processes.deaths) == before:  # a web server that has no process just now has none to kill
                processes.kill(chance.choice(VICTIMS), chance)
        couriers.wait()
        self._delivered += couriers.delivered
        self._again += couriers.again
        return now_late

    def _pause_until_worked_off(self) -> None:
        """Until the worker has nothing due any more, or long enough: the rest is worked off afterwards."""
        deadline, left = time.monotonic() + PATIENCE * 60, -1
        while left != 0 and time.monotonic() < deadline:
            db.session.rollback()
            # What was asked in vain, and is asked again in minutes, is left to the end.
            soon = Outbox.due_at < now() + dt.timedelta(seconds=45)
            query = sa.select(sa.func.count()).select_from(Outbox).where(Outbox.kind == "stripe_event", _WAITS, soon)
            left = db.session.scalar(query) or 0
            db.session.rollback()
            self._tell(f"{left} events wait for the worker")
            time.sleep(0.1 if left < 100 else 5)
        db.session.rollback()

    def refused(self) -> list[dict[str, Any]]:
        """What the application asked and Stripe refused, but for what nobody could know: the account that was away."""
        away = self.history.away
        return [one for one in self._server.refused() if one["status"] != 403 or away not in one["message"]]

    def problems(self) -> list[str]:
        """What was lost, doubled or is wrong: our books against Stripe's, gift by gift and account by account."""
        db.session.rollback()
        found = list(verify(self.app.extensions["checks"])["problems"]) + checks.compare_with_stripe()[1]
        found += checks.compare_balances()[1]
        db.session.rollback()
        found += self._inbox() + self._gifts_and_mails() + _gaps()
        ours = our_books()
        for account, currency in self.history.accounts.items():
            theirs = {name: total for name, total in self.history.books(account).items() if total}
            mine = {name: total for name, total in ours.pop((account, currency), {}).items() if total}
            if mine != theirs:
                found.append(f"books of {account} in {currency}: ours {mine}, Stripe's {theirs}")
        found += [f"books of nobody: {key}" for key in ours]
        db.session.rollback()
        return found

    def _inbox(self) -> list[str]:
        stored = {row.stripe_id: row for row in db.session.scalars(sa.select(StripeEvent))}
        found = [f"lost: {key}" for key in self.sent - set(stored)]
        dropped = {event["id"] for account in self.history.accounts for event in self._server.events(account)
                   if event["type"] in HANDLED_TYPES} & set(self.dropped)  # fmt: skip
        found += [f"dropped and not found: {key}" for key in dropped - set(stored)]
        found += [f"never handled: {key}" for key, row in stored.items() if row.status == "received"]
        return found

    def _gifts_and_mails(self) -> list[str]:
        rows = db.session.scalars(sa.select(Donation)).all()
        donations = {row.stripe_session_id: row for row in rows if row.stripe_session_id is not None}
        found = []
        for account in self.history.accounts:
            for session, status in self.history.statuses(account).items():
                if donations[session].status != status:
                    found.append(f"{session} is {donations[session].status} here and {status} at Stripe")
        paid = {row.id for row in rows if row.status == "paid"}
        told = list(db.session.scalars(sa.select(AuditEvent.subject_id).where(AuditEvent.action == "donation.paid")))
        thanked = [
            payload["donation_id"]
            for payload in db.session.scalars(sa.select(Outbox.payload).where(Outbox.kind == "mail_donation_thanks"))
        ]
        receipted = list(db.session.scalars(sa.select(Receipt.donation_id).where(Receipt.kind == "gift")))
        for name, ids in (("audit", told), ("thanks", thanked), ("receipts", receipted)):
            if sorted(ids) != sorted(paid):
                found.append(f"{name}: {len(ids)} of {len(set(ids))} gifts, {len(paid)} are paid")
        return found


_WAITS = sa.and_(Outbox.done_at.is_(None), Outbox.given_up_at.is_(None), Outbox.attempts < 3)


def _count(table: Any) -> int:
    return db.session.scalar(sa.select(sa.func.count()).select_from(table)) or 0


def _count_of_months(table: type[Refund | Dispute]) -> int:
    """How many of them are about a month of a monthly gift."""
    query = sa.select(sa.func.count()).select_from(table).join(Donation, Donation.id == table.donation_id)
    return db.session.scalar(query.where(Donation.monthly_gift_id.is_not(None))) or 0


def _gaps() -> list[str]:
    """Receipts are numbered 1, 2, 3 … in each organization (F7)."""
    numbers: dict[tuple[int, str], list[int]] = {}
    query = sa.select(Receipt.organization_id, Receipt.mode, Receipt.number)
    for organization_id, mode, number in db.session.execute(query):
        numbers.setdefault((organization_id, mode), []).append(number)
    return [
        f"receipts of {key} have a gap: {len(found)} up to {max(found)}"
        for key, found in numbers.items()
        if sorted(found) != list(range(1, len(found) + 1))
    ]
