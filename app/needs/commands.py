"""The operator's commands about needs: seed."""

from __future__ import annotations

from typing import Any

import click
from flask import Flask

from app.core.cli import answers
from app.needs.seed import seed


@click.command("seed", help="Volume data for measuring, spread over real places.")
@click.option("--organizations", type=click.IntRange(1, 1_000_000), required=True)
@click.option("--needs", type=click.IntRange(0, 10_000_000), required=True)
@click.option("--supporters", type=click.IntRange(0, 10_000_000), required=True)
@click.option("--seed", "number", type=click.IntRange(0), default=42, show_default=True)
@answers
def seed_command(organizations: int, needs: int, supporters: int, number: int) -> dict[str, Any]:
    return dict(seed(organizations=organizations, needs=needs, supporters=supporters, number=number))


def register(app: Flask) -> None:
    """Add the commands to `flask`."""
    app.cli.add_command(seed_command)
