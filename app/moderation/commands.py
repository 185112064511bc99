"""The operator's command about organizations; with --verified it is also a recorded decision."""

from __future__ import annotations

from typing import Any

import click
from flask import Flask
from flask.cli import AppGroup

from app.accounts.queries import find_person_by_email
from app.core import web
from app.core.cli import answers
from app.core.db import transaction
from app.core.errors import refuse
from app.core.ids import encode_id
from app.moderation.operations import verify_organization
from app.organizations.acting import acts
from app.organizations.operations import register_organization
from app.safeguarding.standing import lacks_guardian

organizations = AppGroup("organizations", help="Organizations.")


@organizations.command("create", help="An organization with its owner.")
@click.argument("name")
@click.option("--owner", required=True, help="The owner's e-mail.")
@click.option("--verified", is_flag=True, help="Verified by the operator, on record.")
@click.option("--country", help="ISO 3166-1 alpha-2.")
@click.option("--time-zone")
@click.option("--place", help='For example "Newark, NJ".')
@answers
def create_organization(
    name: str, owner: str, verified: bool, country: str | None, time_zone: str | None, place: str | None
) -> dict[str, Any]:
    with transaction():
        person = find_person_by_email(owner)
        if person is None:
            raise refuse("unknown", f"{owner} has no account")
        if lacks_guardian(person):
            raise refuse("guardian_consent", f"{owner} is under age, and no guardian has agreed")
        if not person.is_email_verified:
            raise refuse("email_unverified", f"{owner} has not shown yet that the address is theirs")
        if not acts(person):
            raise refuse("not_active", f"{owner} is suspended")
        zone = time_zone or (None if place else "UTC")
        made = register_organization(
            name=name,
            by=None,
            owner=person,
            country=(country or web.settings().default_country).upper(),
            time_zone=zone,
            place=place,
        )
        if verified:
            verify_organization(made.id, by=None, checked="verified by the operator on the command line")
    return {"id": encode_id(made.id), "slug": made.slug}


def register(app: Flask) -> None:
    """Add the command to `flask`."""
    app.cli.add_command(organizations)
