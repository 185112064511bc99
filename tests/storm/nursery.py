"""Workers and web servers of the application, forked from a process that has loaded it already, so that one can be killed
every second and the next stands at once: starting Python and loading the application anew took most of a storm's time.

python -m tests.storm.nursery PORT, with the environment of any process of the application. Each line on standard input is
answered on standard output: "kill worker" and "kill server" end it by SIGKILL (the web server with everything it started)
and start the next, "end" lets both finish. When nobody writes any more, both are killed.
"""

from __future__ import annotations

import contextlib
import gc
import os
import signal
import socket
import sys
import time
from collections.abc import Callable

from flask import Flask
from gunicorn.app import wsgiapp

import wsgi
from app.core import jobs
from app.core.db import db

# Rests while the storm lasts, so that it is the deliveries that tell what happened; at the end it finds what was dropped.
RESTING = ("donations.list_missed_events",)


def work(app: Flask) -> None:
    """What `flask worker` does, in a child of this process."""
    with app.app_context():
        db.engine.dispose(close=False)
        sweeps = tuple(sweep for sweep in app.extensions["sweeps"] if sweep.name not in RESTING)
        jobs.work(app.extensions["outbox_handlers"], sweeps)


def serve(port: int) -> None:
    """What gunicorn does in production, in a child of this process: a master of its own with two workers."""
    sys.argv = [
        "gunicorn", "--config", "python:deploy.web_server", "wsgi:app", "--bind", f"127.0.0.1:{port}",
        "--workers", "2", "--threads", "4", "--log-level", "critical",
    ]  # fmt: skip
    wsgiapp.run()


def start(act: Callable[[], None]) -> int:
    """Fork a process, the leader of its own group, that does `act`; its id."""
    child = os.fork()
    if child == 0:
        status = 1
        try:
            os.setpgid(0, 0)
            sys.stdin.close()
            # What it logs is nothing that the parent's reader waits for.
            os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
            act()
            status = 0
        finally:
            os._exit(status)
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.setpgid(child, child)  # whoever of the two comes first: it may be killed before it begins
    return child


def end(child: int, number: signal.Signals) -> int:
    """Send the signal to a child's whole group; how the child ended."""
    os.killpg(child, number)
    _pid, status = os.waitpid(child, 0)
    return os.waitstatus_to_exitcode(status)


def wait_until_free(port: int) -> None:
    """Until nobody listens on the port any more: a killed server's own workers die a moment after it."""
    while True:
        with socket.socket() as listener, contextlib.suppress(OSError):
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind(("127.0.0.1", port))
            return
        time.sleep(0.002)


def say(text: str) -> None:
    """A line for whoever reads."""
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def main() -> None:
    """Keep one worker and one web server until told to end."""
    port, app = int(sys.argv[1]), wsgi.app
    with app.app_context():
        db.engine.dispose()
    gc.freeze()
    acts: dict[str, Callable[[], None]] = {"worker": lambda: work(app), "server": lambda: serve(port)}
    children = {name: start(act) for name, act in acts.items()}
    say(f"started {children['server']}")
    number = signal.SIGKILL
    for line in sys.stdin:
        word, _, name = line.strip().partition(" ")
        if word == "end":
            number = signal.SIGTERM
            break
        how = end(children[name], signal.SIGKILL)
        if name == "server":
            wait_until_free(port)
        children[name] = start(acts[name])
        say(f"ended {how} {children['server']}")
    for child in children.values():
        end(child, number)
    say("ended 0 0")


if __name__ == "__main__":
    main()
