"""Workers of the application, forked from a process that has loaded it already, so that one can be killed every second.

python -m tests.storm.nursery, with the environment of any process of the application. Each line on standard input, "kill"
or "end", is answered on standard output: "kill" ends the worker by SIGKILL and starts the next, "end" lets it finish.
"""

from __future__ import annotations

import gc
import os
import signal
import sys

from flask import Flask

from app import create_app
from app.core import jobs
from app.core.db import db
from config import Settings

# Rests while the storm lasts, so that it is the deliveries that tell what happened; at the end it finds what was dropped.
RESTING = ("donations.list_missed_events",)


def work(app: Flask) -> None:
    """What `flask worker` does, in a child of this process."""
    with app.app_context():
        db.engine.dispose(close=False)
        sweeps = tuple(sweep for sweep in app.extensions["sweeps"] if sweep.name not in RESTING)
        jobs.work(app.extensions["outbox_handlers"], sweeps)


def start(app: Flask) -> int:
    """Fork a worker; its process id."""
    child = os.fork()
    if child == 0:
        status = 1
        try:
            sys.stdin.close()
            os.dup2(
                sys.stderr.fileno(), sys.stdout.fileno()
            )  # what it logs is nothing that the parent's reader waits for
            work(app)
            status = 0
        finally:
            os._exit(status)
    return child


def say(text: str) -> None:
    """A line for whoever reads."""
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def main() -> None:
    """Keep one worker until told to end."""
    app = create_app(Settings.from_environment())
    with app.app_context():
        db.engine.dispose()
    gc.freeze()
    child = start(app)
    say(f"started {child}")
    for line in sys.stdin:
        number = signal.SIGKILL if line.strip() == "kill" else signal.SIGTERM
        os.kill(child, number)
        _pid, status = os.waitpid(child, 0)
        say(f"ended {os.waitstatus_to_exitcode(status)}")
        if number == signal.SIGTERM:
            return
        child = start(app)


if __name__ == "__main__":
    main()
