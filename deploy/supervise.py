"""One supervisor for everything that `make run` starts: web, worker, demo payment server and mail catcher.

It prepares DATA_DIR (secrets, database, demo data on the first run), starts each program in a process group of its own,
starts again what crashes, and ends them all within five seconds of TERM or Ctrl-C. When it is killed itself, the kernel
tells its children. Everything it writes is in DATA_DIR.
"""

from __future__ import annotations

import argparse
import contextlib
import ctypes
import dataclasses
import fcntl
import hashlib
import http.client
import json
import os
import secrets
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import IO, Any

from config import Settings, SettingsError

ROOT = Path(__file__).resolve().parent.parent
BIN = Path(sys.executable).parent
LOOPBACK = "127.0.0.1"
# TERM first to web and worker, which may still need the others; then to the others; KILL to what is left. A busy machine
# takes a second or more to end what was killed, and all of it within five.
FIRST_GRACE_SECONDS = 2.5
WHOLE_GRACE_SECONDS = 3.5
HEALTH_SECONDS = 60
STEP_SECONDS = 0.05
BACKOFF_SECONDS = (0.5, 1, 2, 5, 10, 30)
STEADY_SECONDS = 60
MAXIMUM_LOG_BYTES = 5 * 1024 * 1024
SHOWN_LOG_LINES = 15
PR_SET_PDEATHSIG = 1


class Failure(Exception):
    """Nothing can be started; the message says why and what to do."""


def say(text: str) -> None:
    """Tell whoever started us."""
    print(text, flush=True)


# What is remembered between runs.
class Memory:
    """DATA_DIR/run.json: secrets, ports and sign-ins, readable by the owner only."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._values: dict[str, Any] = {}
        with contextlib.suppress(FileNotFoundError, ValueError):
            self._values = json.loads(path.read_text())

    def get(self, name: str, make: Callable[[], Any]) -> Any:
        """The remembered value, made now when there is none."""
        if name not in self._values:
            self.set(name, make())
        return self._values[name]

    def set(self, name: str, value: Any) -> None:
        """Remember a value."""
        self._values[name] = value
        unfinished = self._path.with_suffix(".part")
        unfinished.touch(mode=0o600)
        unfinished.write_text(json.dumps(self._values, indent=2))
        unfinished.replace(self._path)


def is_free(port: int) -> bool:
    """True when a program can listen on that port of loopback."""
    with socket.socket() as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((LOOPBACK, port))
        except OSError:
            return False
    return True


def free_port() -> int:
    """A port of loopback that nobody listens on."""
    with socket.socket() as listener:
        listener.bind((LOOPBACK, 0))
        return int(listener.getsockname()[1])


def kept_port(memory: Memory, name: str) -> int:
    """The port of the last run, so that links stay good; another one when it is taken now."""
    port = int(memory.get(f"{name}_port", free_port))
    if not is_free(port):
        port = free_port()
        memory.set(f"{name}_port", port)
    return port


# Processes.
def _load_prctl() -> Callable[..., int] | None:
    try:
        found: Callable[..., int] = ctypes.CDLL(None).prctl
    except (OSError, AttributeError):  # only Linux tells children that their parent died
        return None
    return found


_PRCTL = _load_prctl()


def _die_with_parent() -> None:
    """Runs in the child: TERM when the supervisor dies, whatever killed it."""
    if _PRCTL is not None:
        _PRCTL(PR_SET_PDEATHSIG, signal.SIGTERM)


@dataclasses.dataclass
class Program:
    """One program that is kept running."""

    name: str
    command: list[str]
    log: Path
    first: bool  # among the first that are told to end
    process: subprocess.Popen[bytes] | None = None
    started_at: float = 0
    crashes: int = 0
    start_again_at: float = 0

    def start(self, environment: dict[str, str]) -> None:
        """Start it in a process group of its own, writing to its log."""
        with self.log.open("ab") as log:
            self.process = spawn(self.command, environment, log)
        self.started_at = time.monotonic()

    def signal(self, number: signal.Signals) -> None:
        """Send to its whole group; nothing when the group is gone."""
        if self.process is not None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.process.pid, number)

    def is_running(self) -> bool:
        """True while its main process lives."""
        return self.process is not None and self.process.poll() is None

    def last_lines(self) -> str:
        """The end of its log."""
        with contextlib.suppress(FileNotFoundError):
            return "\n".join(self.log.read_text(errors="replace").splitlines()[-SHOWN_LOG_LINES:])
        return ""


def spawn(
    command: list[str], environment: dict[str, str], output: IO[bytes] | int, errors: int = subprocess.STDOUT
) -> subprocess.Popen[bytes]:
    """Start a command as the leader of a new process group."""
    return subprocess.Popen(
        command,
        cwd=ROOT,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=errors,
        process_group=0,
        preexec_fn=_die_with_parent,  # the supervisor forks from its only busy thread
    )


class Supervisor:
    """What runs, and whether it shall end."""

    def __init__(self, environment: dict[str, str], parent: int | None) -> None:
        self.environment = environment
        self.programs: list[Program] = []
        self._parent = parent
        self._stopping = threading.Event()
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(number, self._on_signal)

    def _on_signal(self, _number: int, _frame: object) -> None:
        self._stopping.set()

    def shall_end(self, wait: float = 0) -> bool:
        """True once somebody told us to end, or whoever started us is gone."""
        if self._parent is not None and os.getppid() != self._parent:
            self._stopping.set()
        return self._stopping.wait(wait) if wait else self._stopping.is_set()

    def step(self, what: str, command: list[str]) -> str:
        """Run one command to its end; its standard output. Raises Failure, and Ended when told to end meanwhile."""
        process = spawn(command, self.environment, subprocess.PIPE, subprocess.PIPE)
        outcome: list[tuple[bytes, bytes]] = []
        reader = threading.Thread(target=lambda: outcome.append(process.communicate()))
        reader.start()
        while reader.is_alive():
            if self.shall_end():
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(process.pid, signal.SIGTERM)
                reader.join(FIRST_GRACE_SECONDS)
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(process.pid, signal.SIGKILL)
                raise Ended
            reader.join(STEP_SECONDS)
        output, errors = (part.decode(errors="replace") for part in outcome[0])
        if process.returncode != 0:
            raise Failure(f"{what} failed:\n{errors.strip() or output.strip()}")
        return output

    def start(self, program: Program) -> None:
        """Start a program and keep it running."""
        self.programs.append(program)
        program.start(self.environment)

    def look_after(self) -> None:
        """Start again what crashed, later each time; keep the logs small."""
        for program in self.programs:
            if program.is_running():
                if program.log.stat().st_size > MAXIMUM_LOG_BYTES:
                    os.truncate(program.log, 0)
                if program.crashes and time.monotonic() - program.started_at > STEADY_SECONDS:
                    program.crashes = 0
            elif program.start_again_at == 0:
                status = program.process.returncode if program.process else None
                wait = BACKOFF_SECONDS[min(program.crashes, len(BACKOFF_SECONDS) - 1)]
                program.crashes += 1
                program.signal(signal.SIGKILL)  # whatever it left behind holds its port
                program.start_again_at = time.monotonic() + wait
                say(f"{program.name} ended (status {status}) and starts again in {wait} s. Its last words:")
                say(program.last_lines() or "  (none)")
            elif time.monotonic() >= program.start_again_at:
                program.start_again_at = 0
                program.start(self.environment)

    def wait_until_healthy(self, port: int) -> None:
        """Return when the site answers. Raises Failure when it does not, and Ended when told to end meanwhile."""
        deadline = time.monotonic() + HEALTH_SECONDS
        while not answers(port):
            if self.shall_end(STEP_SECONDS):
                raise Ended
            self.look_after()
            failing = next((program for program in self.programs if program.crashes >= 3), None)
            if failing is not None or time.monotonic() > deadline:
                raise Failure("The site did not start. Look into the logs in DATA_DIR/logs.")

    def end(self) -> None:
        """End everything: TERM to each group, KILL to what is left."""
        begun = time.monotonic()
        for first, grace in ((True, FIRST_GRACE_SECONDS), (False, WHOLE_GRACE_SECONDS)):
            group = [program for program in self.programs if program.first is first]
            for program in group:
                program.signal(signal.SIGTERM)
            while any(program.is_running() for program in group) and time.monotonic() - begun < grace:
                time.sleep(STEP_SECONDS)
            for program in group:
                program.signal(signal.SIGKILL)
        for program in self.programs:
            if program.process is not None:
                program.process.wait()


class Ended(Exception):
    """Somebody told us to end."""


def answers(port: int) -> bool:
    """True when the site says that it is up."""
    connection = http.client.HTTPConnection(LOOPBACK, port, timeout=2)
    try:
        connection.request("GET", "/healthz")
        return connection.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


# What `make run` is.
@dataclasses.dataclass(frozen=True)
class Place:
    """Where one run lives."""

    port: int
    data_dir: Path
    memory: Memory
    payments_port: int
    smtp_port: int
    mail_port: int
    environment: dict[str, str]
    settings: Settings


def prepare(given: dict[str, str]) -> Place:
    """Check the port and DATA_DIR, and make the environment of the programs. Raises Failure."""
    text = given.get("PORT") or "8000"
    if not text.isdecimal() or not 0 < int(text) < 65536:
        raise Failure(f"PORT must be a number from 1 to 65535, not {text!r}.")
    port, data_dir = int(text), Path(given.get("DATA_DIR") or ROOT / "instance").resolve()
    try:
        (data_dir / "logs").mkdir(parents=True, exist_ok=True)
        lock = os.open(data_dir / "run.lock", os.O_CREAT | os.O_RDWR, 0o600)  # held, and not inherited, until we end
    except OSError as error:
        raise Failure(f"DATA_DIR cannot be written: {error}. Choose another: make run DATA_DIR=/some/folder") from error
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise Failure(f"Another `make run` is using {data_dir}. End it first, or choose another DATA_DIR.") from None
    if not is_free(port):
        raise Failure(f"Port {port} is taken by another program. Choose another: make run PORT={port + 1}")
    memory = Memory(data_dir / "run.json")
    payments_port, smtp_port, mail_port = (kept_port(memory, name) for name in ("payments", "smtp", "mail"))
    environment = {
        **given,
        "PORT": str(port),
        "DATA_DIR": str(data_dir),
        "BASE_URL": given.get("BASE_URL") or f"http://localhost:{port}",
        "SECRET_KEY": given.get("SECRET_KEY") or memory.get("secret_key", lambda: secrets.token_urlsafe(48)),
        "MAIL_URL": f"smtp://{LOOPBACK}:{smtp_port}",
        "PAYMENTS_MODE": "demo",
        "STRIPE_API_BASE": f"http://{LOOPBACK}:{payments_port}",
        "STRIPE_SECRET_KEY": memory.get("stripe_secret_key", lambda: "sk_test_" + secrets.token_hex(24)),
        "STRIPE_WEBHOOK_SECRET": memory.get("stripe_webhook_secret", lambda: "whsec_" + secrets.token_hex(24)),
        "STRIPE_CONNECT_WEBHOOK_SECRET": memory.get(
            "stripe_connect_webhook_secret", lambda: "whsec_" + secrets.token_hex(24)
        ),
        "PYTHONUNBUFFERED": "1",
        # Every program sees the same environment, not only those that flask starts.
        "FLASK_SKIP_DOTENV": "1",
    }
    os.environ.update(environment)
    try:
        settings = Settings.from_environment()
    except (SettingsError, ValueError) as error:
        raise Failure(str(error)) from error
    return Place(port, data_dir, memory, payments_port, smtp_port, mail_port, environment, settings)


def program_of(place: Place, name: str) -> Program:
    """How each program is started."""
    python = str(BIN / "python")
    commands = {
        "payments": [
            *(python, "-m", "deploy.demo_payments", "--port", str(place.payments_port)),
            *("--data-dir", str(place.data_dir), "--webhook-url", f"http://{LOOPBACK}:{place.port}/stripe/webhook"),
            *("--connect-webhook-url", f"http://{LOOPBACK}:{place.port}/stripe/webhook/connect"),
        ],
        "mail": [
            *(python, "-m", "deploy.mail_catcher", "--smtp-port", str(place.smtp_port)),
            *("--port", str(place.mail_port), "--data-dir", str(place.data_dir)),
        ],
        "worker": [python, "-m", "flask", "--app", "wsgi", "worker"],
        "web": [
            *(python, "-m", "gunicorn", "--config", "python:deploy.web_server", "wsgi:app"),
            *("--bind", f"{LOOPBACK}:{place.port}", "--graceful-timeout", "2", "--log-level", "warning"),
            *("--workers", str(place.settings.web_workers), "--threads", str(place.settings.web_threads)),
        ],
    }
    first = name in ("web", "worker")
    return Program(name, commands[name], place.data_dir / "logs" / f"{name}.log", first)


def mark_of(database_url: str) -> str:
    """Tells one database from another, without its password; empty for a SQLite file that is not there."""
    path = database_url.removeprefix("sqlite:///")
    gone = path != database_url and not Path(path).exists()
    return "" if gone else hashlib.sha256(database_url.encode()).hexdigest()


def run(place: Place, supervisor: Supervisor) -> None:
    """Start everything and look after it until told to end. Raises Failure and Ended."""
    flask = [str(BIN / "python"), "-m", "flask", "--app", "wsgi"]
    begun = time.monotonic()
    url, head = place.settings.sqlalchemy_url, (ROOT / "migrations" / "HEAD").read_text().split("_")[0]
    known = place.memory.get("database", str) == mark_of(url) != ""

    def start(*names: str) -> None:
        for name in names:
            if name not in (program.name for program in supervisor.programs):
                supervisor.start(program_of(place, name))

    # A database that the last run left at this head is only checked, while everything starts.
    if known and place.memory.get("head", str) == head:
        start("web", "worker", "payments", "mail")
    if not known:
        start("payments")  # the demo data's gifts are paid for there
    supervisor.step("Preparing the database", [*flask, "db", "upgrade"])
    if not known:
        say("Loading demo data (only this once) ...")
        start("web", "mail")  # they start meanwhile; the worker would wait for the database
        output = supervisor.step("Loading demo data", [*flask, "demo"])
        place.memory.set("demo", json.loads(output.strip().splitlines()[-1]))
        place.memory.set("database", mark_of(url))
    place.memory.set("head", head)
    start("web", "worker", "payments", "mail")
    supervisor.wait_until_healthy(place.port)
    say(welcome(place, time.monotonic() - begun))
    while not supervisor.shall_end(STEP_SECONDS * 4):
        supervisor.look_after()


def welcome(place: Place, seconds: float) -> str:
    """What whoever started us needs to know."""
    lines = [
        "",
        f"Manyhands is running (started in {seconds:.1f} s). Ctrl-C ends it.",
        "",
        f"  The site        {place.settings.base_url}/",
        f"  Sent mail       http://{LOOPBACK}:{place.mail_port}/",
        f"  Demo payments   http://{LOOPBACK}:{place.payments_port}/   (no money moves)",
        f"  Data and logs   {place.data_dir}",
    ]
    sign_ins = place.memory.get("demo", dict).get("sign_ins", [])
    if sign_ins:
        lines += ["", f"Sign in at {place.settings.base_url}/sign-in as"]
        widest = max(len(str(who["email"])) for who in sign_ins)
        for who in sign_ins:
            lines.append(f"  {who['email']:<{widest}}  {who['password']}   {who.get('role', '')}".rstrip())
    return "\n".join([*lines, ""])


def main() -> int:
    """Run until told to end: 0, or 1 when nothing could be started."""
    parser = argparse.ArgumentParser(
        prog="python -m deploy.supervise", description=__doc__.splitlines()[0] if __doc__ else ""
    )
    parser.add_argument(
        "--end-with-parent", action="store_true", help="end when the process that started this one is gone"
    )
    given = parser.parse_args()
    supervisor = Supervisor({}, os.getppid() if given.end_with_parent else None)
    try:
        place = prepare(dict(os.environ))
        supervisor.environment = place.environment
        run(place, supervisor)
    except Failure as failure:
        print(failure, file=sys.stderr, flush=True)
        return 1
    except Ended:
        pass
    finally:
        supervisor.end()
    say("Ended.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
