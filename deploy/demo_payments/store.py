"""What the demo payment server remembers: one SQLite file of its own, one writer at a time."""

from __future__ import annotations

import contextlib
import contextvars
import dataclasses
import json
import secrets
import sqlite3
import string
import threading
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

Thing = dict[str, Any]

_SCHEMA = """
CREATE TABLE IF NOT EXISTS object (
    seq INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE, kind TEXT NOT NULL, created INTEGER NOT NULL,
    data TEXT NOT NULL, account TEXT NOT NULL DEFAULT '');
CREATE INDEX IF NOT EXISTS object_kind ON object (kind, seq);
CREATE TABLE IF NOT EXISTS kept_answer (
    key TEXT PRIMARY KEY, request TEXT NOT NULL, request_id TEXT NOT NULL, status INTEGER, body TEXT,
    made_at REAL NOT NULL);
CREATE TABLE IF NOT EXISTS delivery (
    id INTEGER PRIMARY KEY AUTOINCREMENT, event TEXT NOT NULL, state TEXT NOT NULL, attempts INTEGER NOT NULL DEFAULT 0,
    next_at REAL NOT NULL, status INTEGER, error TEXT, endpoint TEXT NOT NULL DEFAULT '');
CREATE INDEX IF NOT EXISTS delivery_next ON delivery (state, next_at, id);
CREATE INDEX IF NOT EXISTS delivery_event ON delivery (event);
CREATE TABLE IF NOT EXISTS due (kind TEXT NOT NULL, object TEXT NOT NULL, at INTEGER NOT NULL, PRIMARY KEY (kind, object));
CREATE TABLE IF NOT EXISTS setting (name TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS refused (
    id INTEGER PRIMARY KEY AUTOINCREMENT, at REAL NOT NULL, account TEXT NOT NULL, method TEXT NOT NULL,
    path TEXT NOT NULL, status INTEGER NOT NULL, code TEXT, param TEXT, message TEXT NOT NULL);
"""
PLATFORM = ""
# Whose objects this thread sees: the platform's own, or those of one connected account.
_account = contextvars.ContextVar("account", default=PLATFORM)
_ALPHABET = string.ascii_letters + string.digits
KEPT_SECONDS = 24 * 60 * 60


def new_id(prefix: str, length: int = 24) -> str:
    """An id as Stripe makes them."""
    return prefix + "".join(secrets.choice(_ALPHABET) for _ in range(length))


@dataclasses.dataclass(frozen=True)
class Answer:
    """What was answered to a request under its idempotency key; `status` is None while it is still being worked on."""

    request: str
    request_id: str
    status: int | None
    body: str | None


class Store:
    """Objects as JSON by id, kept answers, deliveries, what is due, and the settings of the trial."""

    def __init__(self, path: Path) -> None:
        self._lock = threading.RLock()
        self._depth = 0
        self._connection = sqlite3.connect(path, check_same_thread=False, isolation_level=None)
        self._connection.row_factory = sqlite3.Row
        self._connection.execute("PRAGMA journal_mode=WAL")
        self._connection.execute("PRAGMA synchronous=NORMAL")
        self._connection.executescript(_SCHEMA)
        if not self._rows("SELECT 1 FROM pragma_table_info('object') WHERE name = 'account'"):
            # A file of the time before connected accounts: everything in it is the platform's.
            self._connection.execute("ALTER TABLE object ADD COLUMN account TEXT NOT NULL DEFAULT ''")
        if not self._rows("SELECT 1 FROM pragma_table_info('delivery') WHERE name = 'endpoint'"):
            self._connection.execute("ALTER TABLE delivery ADD COLUMN endpoint TEXT NOT NULL DEFAULT ''")
        self._connection.execute("CREATE INDEX IF NOT EXISTS object_account ON object (account, kind, seq)")
        # Whoever was being answered when the process ended was not answered: the key is free again.
        self._connection.execute("DELETE FROM kept_answer WHERE status IS NULL")

    @contextlib.contextmanager
    def transaction(self) -> Iterator[None]:
        """All or nothing, one at a time; joins the one that is open."""
        with self._lock:
            if self._depth == 0:
                self._connection.execute("BEGIN IMMEDIATE")
            self._depth += 1
            try:
                yield
            except BaseException:
                self._depth -= 1
                if self._depth == 0:
                    self._connection.execute("ROLLBACK")
                raise
            self._depth -= 1
            if self._depth == 0:
                self._connection.execute("COMMIT")

    def _rows(self, statement: str, parameters: Sequence[Any] = ()) -> list[sqlite3.Row]:
        with self._lock:
            return self._connection.execute(statement, parameters).fetchall()

    def close(self) -> None:
        """Give the file back."""
        with self._lock:
            self._connection.close()

    # The trial's clock: the machine's, plus what somebody let pass.
    def now(self) -> int:
        """The instant in Unix seconds by the trial's clock."""
        return int(time.time()) + self.ahead

    @property
    def ahead(self) -> int:
        """By how many seconds the trial's clock is ahead of the machine's; negative when it is behind."""
        return int(self.setting("clock_offset", 0))

    def live_at(self, instant: int | None) -> None:
        """Let the trial's clock stand at `instant` (Unix seconds) and go on from there; None: the machine's. A payment page that
        was opened by another clock lives until when it was asked for."""
        self.set("clock_offset", 0 if instant is None else int(instant) - int(time.time()))
        of_page = "SELECT json_extract(data, '$.expires_at') FROM object WHERE id = due.object"
        self._rows(f"UPDATE due SET at = ({of_page}) WHERE kind = 'expire'")  # noqa: S608  # a constant

    def setting(self, name: str, default: Any) -> Any:
        """The value of a setting of the trial."""
        rows = self._rows("SELECT value FROM setting WHERE name = ?", (name,))
        return json.loads(rows[0]["value"]) if rows else default

    def prefix(self, kind: str, usual: str) -> str:
        """How ids of new objects of `kind` begin: as usual, or as somebody wants them. Stripe promises nothing of that."""
        return str(self.setting(f"prefix {kind}", usual))

    def set(self, name: str, value: Any) -> None:
        """Keep a setting of the trial."""
        self._rows("INSERT OR REPLACE INTO setting (name, value) VALUES (?, ?)", (name, json.dumps(value)))

    def unset(self, name: str) -> None:
        """Forget a setting of the trial."""
        self._rows("DELETE FROM setting WHERE name = ?", (name,))

    # Accounts.
    @property
    def account(self) -> str:
        """The connected account whose objects are seen and made; PLATFORM for the platform's own."""
        return _account.get()

    def act_as(self, account: str) -> None:
        """See and make objects of that account from now on, in this thread."""
        _account.set(account)

    @contextlib.contextmanager
    def acting_as(self, account: str) -> Iterator[None]:
        """See and make objects of that account within the block."""
        token = _account.set(account)
        try:
            yield
        finally:
            _account.reset(token)

    def owner(self, object_id: str) -> str | None:
        """The account that an object of any kind belongs to, or None when there is none."""
        rows = self._rows("SELECT account FROM object WHERE id = ?", (object_id,))
        return str(rows[0]["account"]) if rows else None

    # Objects.
    def add(self, thing: Thing) -> Thing:
        """Keep a new object."""
        self._rows(
            "INSERT INTO object (id, kind, created, data, account) VALUES (?, ?, ?, ?, ?)",
            (thing["id"], thing["object"], thing["created"], json.dumps(thing), self.account),
        )
        return thing

    def save(self, thing: Thing) -> Thing:
        """Keep a changed object."""
        self._rows("UPDATE object SET data = ? WHERE id = ?", (json.dumps(thing), thing["id"]))
        return thing

    def find(self, kind: str, object_id: str | None) -> Thing | None:
        """The object of `kind` with that id, or None."""
        rows = self._rows(
            "SELECT data FROM object WHERE id = ? AND kind = ? AND account = ?", (object_id, kind, self.account)
        )
        return json.loads(rows[0]["data"]) if rows else None

    def find_any(self, object_id: str | None) -> Thing | None:
        """The object of any kind with that id, or None."""
        rows = self._rows("SELECT data FROM object WHERE id = ? AND account = ?", (object_id, self.account))
        return json.loads(rows[0]["data"]) if rows else None

    def get(self, kind: str, object_id: str) -> Thing:
        """The object of `kind` with that id. Raises KeyError."""
        thing = self.find(kind, object_id)
        if thing is None:
            raise KeyError(object_id)
        return thing

    def position(self, kind: str, object_id: str) -> int | None:
        """Where the object stands in the order of creation, or None when there is no such object."""
        rows = self._rows(
            "SELECT seq FROM object WHERE id = ? AND kind = ? AND account = ?", (object_id, kind, self.account)
        )
        return int(rows[0]["seq"]) if rows else None

    def page(
        self,
        kind: str,
        conditions: Sequence[tuple[str, Any]] = (),
        limit: int = -1,
        *,
        backwards: bool = False,
    ) -> list[Thing]:
        """Up to `limit` objects of `kind` (-1: all), newest first (`backwards`: oldest first), that meet SQL conditions of
        one parameter each."""
        where = " AND ".join(["kind = ?", "account = ?", *(condition for condition, _value in conditions)])
        rows = self._rows(
            f"SELECT data FROM object WHERE {where} ORDER BY seq {'ASC' if backwards else 'DESC'} LIMIT ?",  # noqa: S608  # conditions are constants of api.py
            (kind, self.account, *(value for _condition, value in conditions), limit),
        )
        return [json.loads(row["data"]) for row in rows]

    def latest(self, kind: str, limit: int) -> list[tuple[str, Thing]]:
        """The latest objects of `kind` with the account of each, whoever's they are, newest first."""
        rows = self._rows("SELECT account, data FROM object WHERE kind = ? ORDER BY seq DESC LIMIT ?", (kind, limit))
        return [(row["account"], json.loads(row["data"])) for row in rows]

    # Idempotency keys (https://docs.stripe.com/api/idempotent_requests): at least 24 hours, each account its own.
    def _scoped(self, key: str) -> str:
        return f"{self.account} {key}"

    def kept_answer(self, key: str) -> Answer | None:
        """What was answered under `key`, or None."""
        self._rows("DELETE FROM kept_answer WHERE made_at < ?", (time.time() - KEPT_SECONDS,))
        rows = self._rows(
            "SELECT request, request_id, status, body FROM kept_answer WHERE key = ?", (self._scoped(key),)
        )
        return Answer(**dict(rows[0])) if rows else None

    def claim_answer(self, key: str, request: str, request_id: str) -> None:
        """Note that `request` is being worked on under `key`."""
        self._rows(
            "INSERT INTO kept_answer (key, request, request_id, made_at) VALUES (?, ?, ?, ?)",
            (self._scoped(key), request, request_id, time.time()),
        )

    def keep_answer(self, key: str, status: int, body: str) -> None:
        """Keep what is answered under `key`."""
        self._rows("UPDATE kept_answer SET status = ?, body = ? WHERE key = ?", (status, body, self._scoped(key)))

    def forget_answer(self, key: str) -> None:
        """Free `key`: the request did not begin."""
        self._rows("DELETE FROM kept_answer WHERE key = ?", (self._scoped(key),))

    # What the clock brings.
    def plan(self, kind: str, object_id: str, at: int) -> None:
        """Let `kind` happen to an object at an instant of the trial's clock."""
        self._rows("INSERT OR REPLACE INTO due (kind, object, at) VALUES (?, ?, ?)", (kind, object_id, at))

    def unplan(self, kind: str, object_id: str) -> None:
        """Let it not happen."""
        self._rows("DELETE FROM due WHERE kind = ? AND object = ?", (kind, object_id))

    def take_due(self, kind: str | None = None) -> list[tuple[str, str, int]]:
        """(kind, object id, instant) of all that is due now, whoever's; of all of `kind`, due or not, when it is named."""
        rows = self._rows(
            "DELETE FROM due WHERE " + ("at <= ?" if kind is None else "kind = ?") + " RETURNING kind, object, at",  # noqa: S608  # two constants
            (self.now() if kind is None else kind,),
        )
        return [(row["kind"], row["object"], row["at"]) for row in sorted(rows, key=lambda row: row["at"])]

    # Webhook deliveries; by the machine's clock.
    def add_delivery(self, event_id: str, after: float = 0, endpoint_id: str = "") -> None:
        """Promise to send an event, `after` seconds from now at the earliest, to an endpoint that was made here; "": to what
        the server was started with."""
        self._rows(
            "INSERT INTO delivery (event, state, next_at, endpoint) VALUES (?, 'pending', ?, ?)",
            (event_id, time.time() + after, endpoint_id),
        )

    def next_deliveries(self, limit: int, *, made_here: bool = False) -> list[Thing]:
        """Up to `limit` deliveries to try now, the earliest due first, then the oldest; with `made_here` only those to endpoints
        that were made here."""
        rows = self._rows(
            "SELECT * FROM delivery WHERE state = 'pending' AND next_at <= ? AND (endpoint <> '' OR ?) ORDER BY next_at, id"
            " LIMIT ?",
            (time.time(), not made_here, limit),
        )
        return [dict(row) for row in rows]

    def delivery_result(self, delivery_id: int, *, state: str, next_at: float, status: int | None, error: str) -> None:
        """Note how one attempt went."""
        self._rows(
            "UPDATE delivery SET state = ?, attempts = attempts + 1, next_at = ?, status = ?, error = ? WHERE id = ?",
            (state, next_at, status, error, delivery_id),
        )

    def deliveries(self, event_id: str | None = None, limit: int = 200) -> list[Thing]:
        """The latest deliveries (of one event), newest first."""
        where, parameters = ("", [limit]) if event_id is None else ("WHERE delivery.event = ?", [event_id, limit])
        columns = "delivery.*, json_extract(object.data, '$.type') AS type"
        rows = self._rows(
            f"SELECT {columns} FROM delivery JOIN object ON object.id = delivery.event {where} ORDER BY delivery.id DESC LIMIT ?",  # noqa: S608  # two constants
            parameters,
        )
        return [dict(row) for row in rows]

    def forget_deliveries(self, endpoint_id: str) -> None:
        """Send nothing more to an endpoint that was made here."""
        self._rows("DELETE FROM delivery WHERE endpoint = ? AND state = 'pending'", (endpoint_id,))

    def remove(self, object_id: str) -> None:
        """Forget an object of any kind."""
        self._rows("DELETE FROM object WHERE id = ?", (object_id,))

    # What was refused, so that a test can ask.
    def note_refused(self, method: str, path: str, status: int, code: str | None, param: str | None, text: str) -> None:
        """Remember a request that was not done as asked."""
        self._rows(
            "INSERT INTO refused (at, account, method, path, status, code, param, message) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            (time.time(), self.account, method, path, status, code, param, text),
        )

    def refused(self) -> list[Thing]:
        """Every request that was refused, oldest first; with status 0 what was done and is worth asking about."""
        return [dict(row) for row in self._rows("SELECT * FROM refused ORDER BY id")]

    def forget_refused(self) -> None:
        """Begin anew."""
        self._rows("DELETE FROM refused")
