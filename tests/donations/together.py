"""Several processes of the application that begin together: the frame of the race tests of money.

A worker is a module of tests/donations that calls `run`; `at_once` starts some of them, waits until each is ready, gives the
word, and says how each ended and what it wrote.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from flask import Flask

from app.core.db import db
from tests import forks


def at_once(app: Flask, directory: Path, module: str, commands: Sequence[Sequence[str]]) -> list[tuple[int, str]]:
    """Start tests.donations.<module> with the settings and <command> for each, and let all begin at the same word; the exit
    status and the output of each."""
    processes = [forks.start(app, directory, f"tests.donations.{module}", command) for command in commands]
    for process in processes:
        if process.stdout.readline() != "ready\n":
            raise RuntimeError(process.communicate(60)[1])
    for process in processes:
        process.stdin.write("go\n")
        process.stdin.flush()
    written = [process.communicate(60)[0] for process in processes]
    db.session.rollback()
    return [(process.returncode or 0, text) for process, text in zip(processes, written, strict=True)]


# --- in the worker ------------------------------------------------------------------------------------------------


def run(guards_out: Callable[[str], None], act: Callable[[list[str]], None]) -> None:
    """Be a worker: take the application, let `guards_out(which)` take guards out, say "ready", wait for the word, and act on what
    else was given. The command is SETTINGS.json, which guards, and the rest."""
    app = forks.application(sys.argv[1])
    if sys.argv[2] != "guarded":
        guards_out(sys.argv[2])
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    sys.stdin.readline()
    with app.app_context():
        act(sys.argv[3:])
