"""The operator's commands about people: users create, users correct-birth-date, tokens create."""

from __future__ import annotations

import datetime as dt
import sys
from typing import Any

import click
from flask import Flask
from flask.cli import AppGroup

from app.accounts import operations
from app.accounts.models import PLATFORM_ROLES
from app.accounts.queries import find_person_by_email
from app.accounts.scopes import SCOPES
from app.core.cli import answers
from app.core.db import transaction
from app.core.errors import refuse
from app.core.ids import encode_id

users = AppGroup("users", help="People.")
tokens = AppGroup("tokens", help="API tokens.")


@users.command("create", help="An account whose e-mail counts as verified.")
@click.argument("email")
@click.option("--name", required=True)
@click.option("--password-stdin", is_flag=True, help="Read the password from standard input.")
@click.option("--role", type=click.Choice(PLATFORM_ROLES))
@click.option(
    "--birth-date",
    type=click.DateTime(["%Y-%m-%d"]),
    help="Without it you answer for it that they are an adult, who may vouch for others",
)
@answers
def create_user(
    email: str, name: str, password_stdin: bool, role: str | None, birth_date: dt.datetime | None
) -> dict[str, Any]:
    password = sys.stdin.readline().rstrip("\n") if password_stdin else None
    born = None if birth_date is None else birth_date.date()
    with transaction():
        person = operations.create_person(
            email=email, name=name, password=password, role=role, birth_date=born, is_adult=True
        )
    return {"id": encode_id(person.id)}


@users.command("correct-birth-date", help="Once somebody has shown that the date they gave was wrong.")
@click.argument("email")
@click.argument("birth_date", type=click.DateTime(["%Y-%m-%d"]))
@answers
def correct_birth_date(email: str, birth_date: dt.datetime) -> dict[str, Any]:
    with transaction():
        person = find_person_by_email(email)
        if person is None:
            raise refuse("unknown", f"{email} has no account")
        operations.correct_birth_date(person.id, birth_date.date())
    return {"id": encode_id(person.id)}


@tokens.command("create", help="Tokens, shown once; all of a person's scopes by default.")
@click.argument("emails", nargs=-1, required=True)
@click.option("--scopes", default="", help="Comma-separated.")
@answers
def create_tokens(emails: tuple[str, ...], scopes: str) -> dict[str, Any]:
    wanted = [scope.strip() for scope in scopes.split(",") if scope.strip()] or list(SCOPES)
    made: dict[str, str] = {}
    with transaction():
        for email in emails:
            person = find_person_by_email(email)
            if person is None:
                raise refuse("unknown", f"{email} has no account")
            made[email] = operations.create_token(person, scopes=wanted, name="command line")
    return {"tokens": made}


def register(app: Flask) -> None:
    """Add the commands to `flask`."""
    app.cli.add_command(users)
    app.cli.add_command(tokens)
