"""`make run` starts everything, looks after it, and leaves nothing behind."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from deploy import supervise
from tests.databases import free_port
from tests.servers import ROOT, end_with_family

pytestmark = pytest.mark.crash
PATIENCE_SECONDS = 60


def environment(data_dir: Path, port: int) -> dict[str, str]:
    """What a person's shell gives to `make run`, and nothing that this test run was given."""
    names = ("PATH", "HOME", "LANG")
    kept = {name: os.environ[name] for name in names if name in os.environ}
    return {**kept, "DATA_DIR": str(data_dir), "PORT": str(port), "WEB_WORKERS": "1"}


class Run:
    """One `make run`, or the supervisor alone."""

    def __init__(self, data_dir: Path, *, by_make: bool = False) -> None:
        self.port = free_port()
        self.output = data_dir.parent / f"output-{self.port}.txt"
        command = ["make", "run"] if by_make else [sys.executable, "-m", "deploy.supervise"]
        with self.output.open("wb") as output:
            self.process = psutil.Popen(
                command, cwd=ROOT, env=environment(data_dir, self.port), stdout=output, stderr=subprocess.STDOUT,
                stdin=subprocess.DEVNULL, start_new_session=True,
            )  # fmt: skip

    def wait_until(self, reached: Callable[[], bool]) -> None:
        """Return once `reached()`; fail when the run ended before, or after a minute."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while not reached():
            assert self.process.poll() is None, self.output.read_text()
            assert time.monotonic() < deadline, self.output.read_text()
            time.sleep(0.05)

    def wait_until_running(self) -> None:
        """Return once it says that it runs."""
        self.wait_until(lambda: "Manyhands is running" in self.output.read_text())

    def family(self) -> dict[int, psutil.Process]:
        """Every process that it started, by pid."""
        return {child.pid: child for child in self.process.children(recursive=True)}

    def find(self, word: str) -> psutil.Process | None:
        """The program with `word` on its command line, when it runs just now."""
        for child in self.process.children():
            with contextlib.suppress(psutil.Error):  # ended since it was listed
                if word in child.cmdline():
                    return child
        return None

    def end(self) -> None:
        """Leave nothing to the next test, whatever happened."""
        end_with_family(self.process, 15)


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A DATA_DIR after its first run: migrated, with nothing in it."""
    data_dir = tmp_path_factory.mktemp("installed") / "data"
    data_dir.mkdir()
    known = {"STRIPE_SECRET_KEY": "", "MAIL_URL": "console:"}
    subprocess.run(
        [sys.executable, "-m", "flask", "--app", "wsgi", "db", "upgrade"],
        cwd=ROOT, env={**environment(data_dir, 8000), **known}, check=True, capture_output=True,
    )  # fmt: skip
    memory = supervise.Memory(data_dir / "run.json")
    database = f"sqlite:///{data_dir / 'manyhands.db'}"
    memory.set("database", supervise.mark_of(database))
    memory.set("demo", {"sign_ins": [{"email": "ada@example.org", "password": "a-password", "role": "owner"}]})
    return data_dir


@pytest.fixture
def start(installed: Path) -> Iterator[Callable[..., Run]]:
    """Starts runs, and ends them after the test."""
    started: list[Run] = []

    def begin(data_dir: Path = installed, *, by_make: bool = False) -> Run:
        started.append(Run(data_dir, by_make=by_make))
        return started[-1]

    yield begin
    for run in started:
        run.end()


def everything_ends(family: list[psutil.Process], seconds: float) -> None:
    """Fail unless every process ends within `seconds`."""
    _gone, alive = psutil.wait_procs(family, seconds)
    assert [child.cmdline() for child in alive] == []


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT], ids=["TERM", "Ctrl-C"])
def test_make_run_ends_with_everything_it_started(start: Callable[..., Run], number: signal.Signals) -> None:
    run = start(by_make=True)
    run.wait_until_running()
    family = [*run.family().values()]
    programs = [" ".join(child.cmdline()) for child in family]
    for word in ("deploy.supervise", "deploy.demo_payments", "deploy.mail_catcher", "gunicorn", "worker"):
        assert any(word in program for program in programs), word
    if number is signal.SIGINT:
        os.killpg(run.process.pid, number)  # a terminal tells its whole foreground group
    else:
        run.process.send_signal(number)
    everything_ends([run.process, *family], 5)
    assert "Ended." in run.output.read_text()


@pytest.mark.parametrize("victim", ["make", "supervisor"])
def test_whoever_is_killed_nothing_is_left(start: Callable[..., Run], victim: str) -> None:
    run = start(by_make=victim == "make")
    run.wait_until_running()
    family = [*run.family().values()]
    assert len(family) >= 5
    run.process.kill()
    everything_ends(family, 10)


def test_it_says_where_everything_is_and_how_to_sign_in(start: Callable[..., Run], installed: Path) -> None:
    run = start()
    run.wait_until_running()
    run.wait_until(lambda: "ada@example.org" in run.output.read_text())
    text = run.output.read_text()
    assert f"http://localhost:{run.port}/" in text
    assert "a-password" in text
    memory = json.loads((installed / "run.json").read_text())
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    for name, words in (("mail", "Sent mail"), ("payments", "All demo payments")):
        address = f"http://127.0.0.1:{memory[f'{name}_port']}/"
        assert address in text
        with opener.open(address, timeout=20) as response:
            assert words in response.read().decode()
    assert (installed / "run.json").stat().st_mode & 0o077 == 0


def test_the_first_run_brings_demo_data_and_the_next_keeps_it(start: Callable[..., Run], tmp_path: Path) -> None:
    first = start(tmp_path / "data")
    first.wait_until_running()
    assert "Loading demo data" in first.output.read_text()
    first.wait_until(lambda: "moderator" in first.output.read_text())
    first.process.terminate()
    assert first.process.wait(5) == 0
    second = start(tmp_path / "data")
    second.wait_until_running()
    second.wait_until(lambda: "moderator" in second.output.read_text())
    assert "Loading demo data" not in second.output.read_text()


def test_what_crashes_is_started_again(start: Callable[..., Run]) -> None:
    run = start()
    run.wait_until_running()
    for word in ("worker", "gunicorn", "deploy.demo_payments", "deploy.mail_catcher"):
        first = run.find(word)
        assert first is not None
        first.kill()
        run.wait_until(lambda word=word, first=first: (again := run.find(word)) is not None and again.pid != first.pid)
    text = run.output.read_text()
    assert text.count("starts again in") == 4
    run.wait_until(lambda: supervise.answers(run.port))


def test_a_taken_port_is_said(installed: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        outcome = subprocess.run(
            [sys.executable, "-m", "deploy.supervise"],
            cwd=ROOT, env=environment(installed, port), capture_output=True, text=True, timeout=60, check=False,
        )  # fmt: skip
    assert outcome.returncode == 1
    assert outcome.stderr.strip() == (
        f"Port {port} is taken by another program. Choose another: make run PORT={port + 1}"
    )


def test_one_run_at_a_time_uses_a_data_dir(start: Callable[..., Run], installed: Path) -> None:
    run = start()
    run.wait_until_running()
    second = start()
    assert second.process.wait(PATIENCE_SECONDS) == 1
    assert "Another `make run` is using" in second.output.read_text()


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"PORT": "eighty"}, "PORT must be a number"),
        ({"DATA_DIR": "/proc/nowhere"}, "DATA_DIR cannot be written"),
        ({"BASE_URL": "https://help.example.org"}, "PAYMENTS_MODE=demo is refused in production"),
    ],
)
def test_what_cannot_work_is_said_in_one_line(tmp_path: Path, changes: dict[str, str], words: str) -> None:
    outcome = subprocess.run(
        [sys.executable, "-m", "deploy.supervise"],
        cwd=ROOT, env={**environment(tmp_path, free_port()), **changes}, capture_output=True, text=True, timeout=60,
        check=False,
    )  # fmt: skip
    assert outcome.returncode == 1
    assert words in outcome.stderr
    assert "Traceback" not in outcome.stderr
