"""The operator's command that brings in what can be learned."""

from __future__ import annotations

from typing import Any

from flask import Flask
from flask.cli import AppGroup

from app.core.cli import answers
from app.core.db import transaction
from app.learning import seed

learning = AppGroup("learning", help="What can be learned.")


@learning.command("seed", help="Articles, facts and questions; again, it changes nothing that a person has changed.")
@answers
def seed_command() -> dict[str, Any]:
    with transaction():
        return seed.load()


def register(app: Flask) -> None:
    """Add the commands to `flask`."""
    app.cli.add_command(learning)
