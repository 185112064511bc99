"""The operator's commands that bring in what can be learned: articles, facts and questions, and courses."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click
from flask import Flask
from flask.cli import AppGroup

from app.core.cli import answers
from app.core.db import transaction
from app.core.errors import refuse
from app.learning import seed
from app.learning.courses.files import FOLDER
from app.learning.courses.seed import load_courses

learning = AppGroup("learning", help="What can be learned.")
courses = AppGroup("courses", help="Courses in versions.")
learning.add_command(courses)


@learning.command(
    "seed", help="Articles, facts, questions and courses; again, it changes nothing that a person has changed."
)
@answers
def seed_command() -> dict[str, Any]:
    with transaction():
        return {**seed.load(), "courses": load_courses(publish=False, first=True)}


@courses.command(
    "load", help="Versions of courses from files, as drafts that a moderator publishes; again changes nothing."
)
@click.argument("folder", type=click.Path(exists=True, file_okay=False, path_type=Path), default=FOLDER)
@click.option("--publish", is_flag=True, help="Publish at once, asking again as the file says.")
@answers
def load_courses_command(folder: Path, publish: bool) -> dict[str, Any]:
    try:
        with transaction():
            return load_courses(folder, publish=publish)
    except ValueError as wrong:
        raise refuse("unreadable", str(wrong)) from wrong


def register(app: Flask) -> None:
    """Add the commands to `flask`."""
    app.cli.add_command(learning)
