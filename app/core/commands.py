"""Operator commands of the ground floor: worker, work-off, verify."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

import click
from flask import Flask, current_app

from app.core import audit, jobs
from app.core.cli import answers

# A check recomputes one invariant and returns how many rows it looked at and what is wrong.
Check = Callable[[], tuple[int, list[str]]]


def verify(checks: dict[str, Check]) -> dict[str, Any]:
    """Recompute every invariant: {"ok", "checked": {name: rows}, "problems": [...]}."""
    checked: dict[str, int] = {}
    problems: list[str] = []
    for name, check in {"audit": check_audit, **checks}.items():
        checked[name], found = check()
        problems += found
    return {"ok": not problems, "checked": checked, "problems": problems}


def check_audit() -> tuple[int, list[str]]:
    """The audit chain, recomputed from its first event."""
    return audit.count_events(), audit.problems()


@click.command("worker", help="Run promised work until told to stop, finishing what it holds.")
def worker_command() -> None:
    jobs.work(current_app.extensions["outbox_handlers"], current_app.extensions["sweeps"])


@click.command("work-off", help="Run all due rows, retries that wait, and every sweep, once.")
@answers
def work_off_command() -> dict[str, Any]:
    return dict(jobs.work_off(current_app.extensions["outbox_handlers"], current_app.extensions["sweeps"]))


@click.command("verify", help="Recompute every invariant; exit status 1 when one does not hold.")
def verify_command() -> None:
    outcome = verify(current_app.extensions["checks"])
    answers(lambda: outcome)()
    for problem in outcome["problems"][:20]:
        click.echo(problem, err=True)
    if not outcome["ok"]:
        sys.exit(1)


def register(app: Flask) -> None:
    """Add the commands to `flask`."""
    for command in (worker_command, work_off_command, verify_command):
        app.cli.add_command(command)
