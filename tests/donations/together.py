"""Several processes of the application that begin together: the frame of the race tests of money.

A worker is a module of tests/donations that calls `run`; `at_once` starts some of them, waits until each is ready, gives the
word, and says how each ended and what it wrote.
"""

from __future__ import annotations

import dataclasses
import json
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from flask import Flask

from app import create_app
from app.core.db import db
from config import Settings

ROOT = Path(__file__).parents[2]


def at_once(app: Flask, directory: Path, module: str, commands: Sequence[Sequence[str]]) -> list[tuple[int, str]]:
    """Start `python -m tests.donations.<module> SETTINGS.json <command>` for each, and let all begin at the same word; the exit
    status and the output of each."""
    db.session.rollback()
    path = directory / "settings.json"
    path.write_text(json.dumps(dataclasses.asdict(app.config["SETTINGS"]), default=str))
    processes = [
        subprocess.Popen(
            [sys.executable, "-W", "error", "-m", f"tests.donations.{module}", str(path), *command],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for command in commands
    ]
    for process in processes:
        assert process.stdout is not None
        if process.stdout.readline() != "ready\n":
            raise RuntimeError(process.communicate()[1])
    for process in processes:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()
    written = [process.communicate(timeout=60)[0] for process in processes]
    db.session.rollback()
    return [(process.returncode, text) for process, text in zip(processes, written, strict=True)]


# --- in the worker ------------------------------------------------------------------------------------------------


def run(guards_out: Callable[[str], None], act: Callable[[list[str]], None]) -> None:
    """Be a worker: open the application, let `guards_out(which)` take guards out, say "ready", wait for the word, and act on what
    else was given. The command is SETTINGS.json, which guards, and the rest."""
    values = json.loads(Path(sys.argv[1]).read_text())
    values |= {"data_dir": Path(values["data_dir"]), "supported_locales": tuple(values["supported_locales"])}
    app = create_app(Settings(**values))
    if sys.argv[2] != "guarded":
        guards_out(sys.argv[2])
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    sys.stdin.readline()
    with app.app_context():
        act(sys.argv[3:])
