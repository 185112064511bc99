"""One process of a crowd: reads its people from standard input, gets ready, waits for the word, then all act at once.

Run as a script; it imports nothing of the application. One line of JSON in: {"port", "people": [{"cookie" or "token", "path",
"fields"}, or {"path", "method", "body"}: whoever sends just that; all may have "headers" besides]}; "ready" out; one line in; one
line of JSON out: the status codes, in order, and what each API call was told.
"""

from __future__ import annotations

import html
import http.client
import json
import re
import sys
import threading
from typing import Any
from urllib.parse import urlencode

TOKEN = re.compile(r'name="csrf_token"[^>]*value="([^"]+)"')
SESSION = re.compile(r"session=([^;]+)")


def send(port: int, method: str, path: str, headers: dict[str, str], body: str | None = None) -> tuple[int, str, str]:
    """One request on a connection of its own: status, session cookie set (or ""), body."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    try:
        connection.request(method, path, body, headers)
        response = connection.getresponse()
        cookie = SESSION.search(response.headers.get("Set-Cookie") or "")
        return response.status, cookie.group(1) if cookie else "", response.read().decode()
    finally:
        connection.close()


class Visitor(threading.Thread):
    """One person: by pages a form with its token, by API a bearer token."""

    def __init__(self, port: int, person: dict[str, Any], go: threading.Event) -> None:
        super().__init__(daemon=True)
        self.port, self.person, self.go, self.status = port, person, go, 0
        self.headers: dict[str, str] = {}
        self.body = self.told = ""

    def prepare(self) -> None:
        """Open the form, as a browser would; nothing to open with a bearer token."""
        person = self.person
        more = person.get("headers", {})
        if "method" in person:
            self.headers, self.body = more, person["body"]
            return
        if "token" in person:
            self.headers = {"Authorization": f"Bearer {person['token']}", "Content-Type": "application/json", **more}
            self.body = json.dumps(person["fields"])
            return
        status, cookie, page = send(self.port, "GET", person["path"], {"Cookie": f"session={person['cookie']}"})
        token = TOKEN.search(page)
        if status != 200 or token is None:
            raise RuntimeError(f"{person['path']} answered {status} without a form")
        self.headers = {
            "Cookie": f"session={cookie or person['cookie']}",
            "Content-Type": "application/x-www-form-urlencoded",
            **more,
        }
        self.body = urlencode({**person["fields"], "csrf_token": html.unescape(token.group(1))})

    def run(self) -> None:
        """Wait for the word and act."""
        self.go.wait()
        method = self.person.get("method", "POST")
        self.status, _cookie, told = send(self.port, method, self.person["path"], self.headers, self.body or None)
        self.told = told if "token" in self.person else ""


def say(line: str) -> None:
    """One line to whoever started this process."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def main() -> None:
    """See the module."""
    task = json.loads(sys.stdin.readline())
    go = threading.Event()
    visitors = [Visitor(task["port"], person, go) for person in task["people"]]
    for visitor in visitors:
        visitor.prepare()
        visitor.start()
    say("ready")
    sys.stdin.readline()
    go.set()
    for visitor in visitors:
        visitor.join()
    say(json.dumps([(visitor.status, visitor.told) for visitor in visitors]))


if __name__ == "__main__":
    main()
