"""A whole installation as `make run` starts it, empty, and the people who use it through a browser."""

from __future__ import annotations

import contextlib
import email
import email.policy
import fcntl
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from email.message import EmailMessage
from pathlib import Path

import psutil
from playwright.sync_api import Browser, BrowserContext, Locator, Page, Response

from deploy import supervise
from tests.browsers import REPLACED, faults_of
from tests.databases import free_port, lend_gazetteer
from tests.servers import ROOT, end_with_family

# The database's file in a data directory that the commands filled.
DATABASE = "manyhands.db"
PASSWORD = "seven green bicycles"
MODERATOR = "moderator@example.org"
PATIENCE_SECONDS = 60
# A page that a program asks for and the browser reports; the journey means to meet them.
EXPECTED = re.compile(r"the server responded with a status of (402|409|410|422)")


def _wait(reached: Callable[[], object], what: str) -> object:
    """What `reached` returns, once that is something; fails after a minute, saying `what` never came."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < deadline:
        found = reached()
        if found:
            return found
        time.sleep(0.05)
    raise AssertionError(f"never came: {what}")


class Installation:
    """The running site, and the mail it sent."""

    def __init__(self, data_dir: Path, port: int) -> None:
        self.url = f"http://localhost:{port}"
        self._mails = data_dir / "mail"

    def mails_to(self, address: str) -> list[EmailMessage]:
        """What the catcher took for one address, oldest first."""
        found = []
        for path in sorted(self._mails.rglob("*.eml")):
            message = email.message_from_bytes(path.read_bytes(), policy=email.policy.default)
            assert isinstance(message, EmailMessage)
            if address in str(message["To"]):
                found.append(message)
        return found

    def mail_to(self, address: str, subject: str | re.Pattern[str]) -> EmailMessage:
        """The latest mail to `address` whose whole subject is `subject`, as soon as the worker has sent it. Words of it are
        not enough: an organization's name is in its summary of the day, too, which comes at eight in the morning, and a
        need's title in every mail about it. A pattern where the subject says a time."""
        fits = re.compile(re.escape(subject)) if isinstance(subject, str) else subject

        def newest() -> EmailMessage | None:
            fitting = [mail for mail in self.mails_to(address) if fits.fullmatch(str(mail["Subject"]))]
            return fitting[-1] if fitting else None

        try:
            found = _wait(newest, f"mail {fits.pattern!r} to {address}")
        except AssertionError as error:
            error.add_note(f"came: {[str(mail['Subject']) for mail in self.mails_to(address)]}")
            raise
        assert isinstance(found, EmailMessage)
        return found

    def link_in(self, mail: EmailMessage, part: str) -> str:
        """The first address of the site in the mail's text that holds `part`."""
        body = mail.get_body(("plain",))
        assert body is not None
        links = re.findall(rf"{self.url}/\S+", body.get_content())
        return next(link for link in links if part in link)


def _environment(data_dir: Path, port: int) -> dict[str, str]:
    names = ("PATH", "HOME", "LANG")
    kept = {name: os.environ[name] for name in names if name in os.environ}
    return {**kept, "DATA_DIR": str(data_dir), "PORT": str(port), "WEB_WORKERS": "1"}


def _prepare(data_dir: Path, *, demonstration: bool) -> None:
    """Migrated by the commands; a moderator and nobody else is there, or everybody of the demonstration."""
    lend_gazetteer(data_dir)
    flask = [sys.executable, "-m", "flask", "--app", "wsgi"]
    role = ["--role", "moderator", "--password-stdin"]
    for command, typed in (
        (["db", "upgrade"], ""),
        (["demo"], "") if demonstration else (["users", "create", MODERATOR, "--name", "Mo", *role], PASSWORD + "\n"),
    ):
        subprocess.run(
            [*flask, *command],
            cwd=ROOT,
            env={**_environment(data_dir, 0), "MAIL_URL": "console:", "BASE_URL": "http://localhost"},
            input=typed,
            text=True,
            check=True,
            capture_output=True,
        )


def prepare(data_dir: Path, shared: Path, *, demonstration: bool) -> None:
    """Fill `data_dir` as its first run would; it is made once for all tests of a run, in `shared`, and copied."""
    made = shared / ("demonstration" if demonstration else "empty installation")
    with (shared / "preparing.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not made.exists():
            unfinished = made.with_suffix(".part")
            unfinished.mkdir()
            _prepare(unfinished, demonstration=demonstration)
            unfinished.rename(made)
    shutil.copytree(made, data_dir, dirs_exist_ok=True, ignore=shutil.ignore_patterns("places*"))
    lend_gazetteer(data_dir)


@contextlib.contextmanager
def installation(data_dir: Path, shared: Path, *, demonstration: bool = False) -> Iterator[Installation]:
    """Web, worker, demo payments and mail catcher under the supervisor; a moderator and nobody else is there, or everybody
    of the demonstration. `shared` is the directory that all tests of a run have in common."""
    port = free_port()
    # Nobody of the demonstration had an account opened while there was no payment server: gifts go to the installation's own.
    environment = _environment(data_dir, port) | {"STRIPE_CONNECT": "0"}
    prepare(data_dir, shared, demonstration=demonstration)
    memory = supervise.Memory(data_dir / "run.json")
    memory.set("database", supervise.mark_of(f"sqlite:///{data_dir / 'manyhands.db'}"))
    memory.set("demo", {"sign_ins": []})
    output = data_dir.parent / "output.txt"
    with output.open("wb") as said:
        running = psutil.Popen(
            [sys.executable, "-m", "deploy.supervise"], cwd=ROOT, env=environment, stdin=subprocess.DEVNULL,
            stdout=said, stderr=subprocess.STDOUT, start_new_session=True,
        )  # fmt: skip
    try:
        _wait(lambda: running.poll() is not None or "Manyhands is running" in output.read_text(), "the first start")
        assert running.poll() is None, output.read_text()
        yield Installation(data_dir, port)
    finally:
        end_with_family(running, 15)


class Visitor:
    """Somebody with a browser of their own, with JavaScript or without; every page they meet is looked over."""

    def __init__(self, browser: Browser, site: Installation, script: bool) -> None:
        self.site = site
        self.script = script
        # axe is put into the page from outside, which the policy of the pages would refuse.
        self.context: BrowserContext = browser.new_context(
            viewport={"width": 1280, "height": 900}, java_script_enabled=script, bypass_csp=True
        )
        self.page: Page = self.context.new_page()
        self.page.set_default_timeout(15_000)  # the machine may be busy
        self.acts = self.looks = 0
        self.said: list[str] = []
        self.page.on("console", lambda message: self.said.append(message.text) if message.type == "error" else None)
        self.page.on("pageerror", lambda error: self.said.append(str(error)))

    def go(self, path: str) -> Response | None:
        """Open an address of the site."""
        return self.page.goto(path if path.startswith("http") else self.site.url + path)

    def fill(self, label: str, value: str) -> None:
        """Type into the field with that label."""
        self.field(label).fill(value)
        self.acts += 1

    def field(self, label: str) -> Locator:
        """The field with that label, which may go on to say that it is optional."""
        return self.page.get_by_role("main").get_by_label(re.compile(rf"^{re.escape(label)}( \(optional\))?$"))

    def press(self, name: str, number: int = 0) -> None:
        """Press the button that says so, and wait for the page it leads to."""
        self.click(self.page.get_by_role("main").get_by_role("button", name=name, exact=True).nth(number))

    def follow(self, name: str, number: int = 0) -> None:
        """Follow the link that says so."""
        self.click(self.page.get_by_role("main").get_by_role("link", name=name, exact=True).nth(number))

    def menu(self, name: str, among: str = "Main") -> None:
        """Follow the link of the menu that says so; among "Staff" the tabs of an organization's staff pages."""
        menu = self.page.get_by_role("navigation", name=among, exact=True)
        self.click(menu.get_by_role("link", name=name, exact=True).first)

    def start(self) -> None:
        """The first page, which is the one address that a stranger knows."""
        self.go("/")

    def to_staff(self, organization: str, tab: str = "Overview") -> None:
        """From wherever one is to the staff pages of one's organization, by what the menu offers."""
        if self.page.get_by_role("navigation", name="Staff", exact=True).count() == 0:
            self.menu("Account")
            self.follow(organization)
        if tab != "Overview":
            self.menu(tab, "Staff")

    def find_need(self, title: str) -> None:
        """From the first page to a need, looked for by its title."""
        self.start()
        self.menu("Needs")
        self.fill("What", title)
        self.press("Show needs")
        self.follow(title)

    def click(self, target: Locator) -> None:
        """Click on what leads to another page, and wait until that is there. A change of the address alone, as when the list
        follows what was typed, is none."""
        self.acts += 1
        with self.page.expect_event("load"):
            target.click()

    def reads(self, text: str) -> bool:
        """Whether the page says so."""
        return text in " ".join(self.page.get_by_role("main").inner_text().split())

    def look(self) -> None:
        """The page in front of one is sound: nothing scrolls sideways wide or narrow, axe finds no fault (in one of the two,
        in turn: it takes half a second), and the browser complains about nothing."""
        assert [text for text in self.said if not (EXPECTED.search(text) or REPLACED.match(text))] == []
        self.page.wait_for_load_state("load")
        self.looks += 1
        for width in (1280, 320):
            self.page.set_viewport_size({"width": width, "height": 900})
            if self.script and width == (1280, 320)[self.looks % 2]:
                assert faults_of(self.page) == [], self.page.url
            else:
                wide = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
                assert self.page.evaluate(wide) <= 0, self.page.url
        self.page.set_viewport_size({"width": 1280, "height": 900})

    def register(self, name: str, address: str) -> None:
        """A new account, its address proved by the link of the mail, which signs in and leads back to where one was."""
        if "/register" not in self.page.url:
            self.start()
            self.menu("Register")
        self.fill("Name", name)
        self.fill("Email", address)
        self.fill("Password", PASSWORD)
        self.press("Register")
        self.go(self.site.link_in(self.site.mail_to(address, "Is this address yours?"), "/verify-email/"))
        self.press("This address is mine")

    def sign_in(self, address: str, password: str = PASSWORD) -> None:
        """Open a session by the page one is on, or by its own."""
        if "/sign-in" not in self.page.url:
            self.start()
            self.menu("Sign in")
        self.fill("Email", address)
        self.fill("Password", password)
        self.press("Sign in")

    def close(self) -> None:
        self.context.close()
