"""The command that loads the demonstration."""

from __future__ import annotations

from typing import Any

import click
from flask import Flask

from app.core import web
from app.core.cli import answers
from app.core.errors import refuse
from app.pages import demo


@click.command("demo", help="Demonstration data with known sign-ins; only on a loopback address.")
@answers
def demo_command() -> dict[str, Any]:
    if not web.settings().on_loopback:
        raise refuse("not_loopback", "Demonstration data has known passwords: it is loaded on a loopback BASE_URL only")
    if not demo.is_loaded():
        demo.load()
    return {"sign_ins": demo.sign_ins()}


def register(app: Flask) -> None:
    """Add the command to `flask`."""
    app.cli.add_command(demo_command)
