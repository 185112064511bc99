"""One process of many that promise, change, send, take back, receive, refuse, undo and say anew how much is wanted, at random,
as fast as they can.

Run as a script; it imports nothing of the application. One line of JSON in: {"port", "seed", "acts", "cookie", "token",
"item", "slug", "need", "staff"}; one line of JSON out: how many acts were accepted, and every status that was answered.
"""

from __future__ import annotations

import collections
import html
import json
import random
import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

sys.path.insert(0, str(Path(__file__).parent))
from client import TOKEN, send  # beside this script, which is no part of a package when it runs

# What is wanted, as staff change it: more, less than is promised, as much as people can bring.
WANTED = ("8", "14.5", "20", "20", "31.25", None)
QUANTITIES = ("0.5", "1", "1.25", "2", "3", "5")
UNDO = re.compile(r"/deliveries/([0-9a-z]+)/undo")
ACCEPTED = (200, 201, 303)


class Pledger:
    """One person with a session and a token; staff or supporter."""

    def __init__(self, task: dict[str, Any]) -> None:
        self.task, self.port, self.dice = task, task["port"], random.Random(task["seed"])
        self.statuses: collections.Counter[int] = collections.Counter()
        self.accepted = 0
        self.mine: list[str] = []
        cookie = task["cookie"]
        _status, renewed, page = send(
            self.port, "GET", f"/items/{task['item']}/pledge", {"Cookie": f"session={cookie}"}
        )
        found = TOKEN.search(page)
        if found is None:
            raise RuntimeError("no form to pledge with")
        self.cookie, self.csrf = renewed or cookie, html.unescape(found.group(1))

    def quantity(self) -> str:
        return self.dice.choice(QUANTITIES)

    def act(self, method: str, path: str, fields: dict[str, Any] | None) -> tuple[int, str]:
        """By the API with fields of JSON, by a page without."""
        if path.startswith("/api/"):
            headers = {"Authorization": f"Bearer {self.task['token']}", "Content-Type": "application/json"}
            status, _cookie, body = send(self.port, method, path, headers, json.dumps(fields))
        else:
            headers = {"Cookie": f"session={self.cookie}", "Content-Type": "application/x-www-form-urlencoded"}
            form = urlencode({**(fields or {}), "csrf_token": self.csrf})
            status, _cookie, body = send(self.port, method, path, headers, form)
        self.statuses[status] += 1
        self.accepted += status in ACCEPTED
        return status, body

    def read(self, path: str) -> str:
        headers = {"Cookie": f"session={self.cookie}"}
        if path.startswith("/api/"):
            headers = {"Authorization": f"Bearer {self.task['token']}"}
        return send(self.port, "GET", path, headers)[2]

    # --- what supporters do

    def pledge(self) -> None:
        fields = {"quantity": self.quantity(), "mode": self.dice.choice([None, "add", "replace"])}
        status, body = self.act("POST", f"/api/v1/items/{self.task['item']}/pledges", fields)
        if status == 201 and (key := json.loads(body)["id"]) not in self.mine:
            self.mine.append(key)

    def change(self) -> None:
        if self.mine:
            fields = {"quantity": self.quantity(), "in_transit": self.dice.random() < 0.5}
            self.act("PATCH", f"/api/v1/pledges/{self.mine[-1]}", fields)

    def cancel(self) -> None:
        if self.mine:
            self.act("POST", f"/api/v1/pledges/{self.mine[-1]}/cancel", {})

    def undo_cancel(self) -> None:
        if self.mine:
            self.act("POST", f"/pledges/{self.dice.choice(self.mine[-2:])}/undo-cancel", None)

    def undo_change(self) -> None:
        if self.mine:
            self.act("POST", f"/pledges/{self.mine[-1]}/undo-change", None)

    # --- what staff do

    def receive(self) -> None:
        listed = json.loads(self.read(f"/api/v1/items/{self.task['item']}/pledges?limit=100"))["data"]
        live = [one for one in listed if one["status"] in ("reserved", "in_transit")] or listed
        if live:
            late = self.dice.random() < 0.2
            one = self.dice.choice(listed if late else live)
            fields = {"received": self.dice.choice(("0", *QUANTITIES)), "rejected": "0", "reason": "wet", "more": late}
            fields["rejected"] = self.dice.choice(("0", "0", "0.5", "1"))
            self.act("POST", f"/api/v1/pledges/{one['id']}/receive", fields)

    def arrive(self) -> None:
        path = f"/manage/{self.task['slug']}/items/{self.task['item']}/arrivals/new"
        self.act("POST", path, {"received": self.dice.choice(("0.5", "1"))})

    def undo_delivery(self) -> None:
        shown = UNDO.findall(self.read(f"/manage/{self.task['slug']}/needs/{self.task['need']}"))
        if shown:
            self.act("POST", f"/manage/{self.task['slug']}/deliveries/{self.dice.choice(shown[:4])}/undo", None)

    def edit_item(self) -> None:
        self.act("PATCH", f"/api/v1/items/{self.task['item']}", {"quantity": self.dice.choice(WANTED)})

    def run(self) -> None:
        """All acts, one after the other, each at random."""
        supporter: list[Callable[[], None]] = [
            self.pledge,
            self.pledge,
            self.change,
            self.undo_change,
            self.cancel,
            self.undo_cancel,
        ]
        staff: list[Callable[[], None]] = [
            self.receive,
            self.receive,
            self.arrive,
            self.undo_delivery,
            self.undo_delivery,
            self.edit_item,
        ]
        for _number in range(self.task["acts"]):
            self.dice.choice(staff if self.task["staff"] else supporter)()


def main() -> None:
    """See the module."""
    pledger = Pledger(json.loads(sys.stdin.readline()))
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    sys.stdin.readline()
    pledger.run()
    sys.stdout.write(json.dumps({"accepted": pledger.accepted, "statuses": dict(pledger.statuses)}) + "\n")


if __name__ == "__main__":
    main()
