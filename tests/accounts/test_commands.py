"""The operator's commands about people and organizations: one line of JSON, or one line of refusal."""

from __future__ import annotations

import datetime as dt
import json
import threading

import pytest
import sqlalchemy as sa
from flask import Flask

from app.accounts import throttles
from app.accounts.models import ApiToken, Person
from app.accounts.operations import edit_profile
from app.core.clock import today
from app.core.db import db, transaction
from app.core.errors import InvalidInput
from app.organizations.models import Organization, Verification
from tests.factories import make_person


def test_users_create_takes_its_password_from_standard_input(app: Flask) -> None:
    command = ["users", "create", "ana@example.org", "--name", "Ana", "--password-stdin", "--role", "moderator"]
    run = app.test_cli_runner()
    made = run.invoke(args=[*command, "--birth-date", "1990-05-17"], input="seven green bicycles\n")
    assert made.exit_code == 0
    assert set(json.loads(made.stdout)) == {"id"}
    person = db.session.scalars(sa.select(Person)).one()
    assert (person.platform_role, str(person.birth_date), person.is_email_verified) == ("moderator", "1990-05-17", True)
    db.session.rollback()
    again = run.invoke(args=command, input="seven green bicycles\n")
    assert (again.exit_code, again.stdout, len(again.stderr.splitlines())) == (1, "", 1)


@pytest.mark.rule("G4")
def test_a_minor_makes_themselves_no_older_and_the_operator_corrects(app: Flask) -> None:
    born = today("UTC") - dt.timedelta(days=16 * 366)
    person = make_person(birth_date=born)
    for said in (born - dt.timedelta(days=5 * 366), born - dt.timedelta(days=1), None):
        with pytest.raises(InvalidInput), transaction():
            edit_profile(person.id, by=person, birth_date=said)
    assert db.session.get_one(Person, person.id).birth_date == born
    with transaction():
        edit_profile(person.id, by=person, birth_date=born + dt.timedelta(days=30))
    run = app.test_cli_runner()
    db.session.rollback()
    done = run.invoke(args=["users", "correct-birth-date", person.email, "1990-05-17"])
    assert done.exit_code == 0, done.stderr
    assert str(db.session.get_one(Person, person.id).birth_date) == "1990-05-17"
    assert "person.birth_date_corrected" in db.session.scalars(sa.text("SELECT action FROM audit_event")).all()
    db.session.rollback()
    assert run.invoke(args=["users", "correct-birth-date", "nobody@example.org", "1990-05-17"]).exit_code == 1
    assert run.invoke(args=["users", "correct-birth-date", person.email, "2999-01-01"]).exit_code == 1


def test_tokens_create_gives_the_scopes_asked_for(app: Flask) -> None:
    email = make_person().email
    db.session.rollback()
    made = app.test_cli_runner().invoke(args=["tokens", "create", email, "--scopes", "me:read"])
    token = json.loads(made.stdout)["tokens"][email]
    row = db.session.scalars(sa.select(ApiToken)).one()
    assert row.scopes == ["me:read"]
    assert row.token_hash != token
    db.session.rollback()
    unknown = app.test_cli_runner().invoke(args=["tokens", "create", "nobody@example.org"])
    assert (unknown.exit_code, len(unknown.stderr.splitlines())) == (1, 1)


@pytest.mark.rule("A2")
def test_organizations_create_records_the_verification(app: Flask) -> None:
    email = make_person().email
    db.session.rollback()
    command = ["organizations", "create", "Food for All", "--owner", email, "--verified", "--place", "Newark, NJ"]
    made = app.test_cli_runner().invoke(args=command)
    assert json.loads(made.stdout)["slug"] == "food-for-all"
    assert db.session.scalars(sa.select(Organization)).one().is_public
    assert db.session.scalars(sa.select(Verification)).one().decision == "verified"
    actions = db.session.scalars(sa.text("SELECT action FROM audit_event ORDER BY id")).all()
    assert actions == ["organization.registered", "organization.verified"]
    young = make_person(birth_date=today("UTC") - dt.timedelta(days=16 * 366)).email
    db.session.rollback()
    refused = app.test_cli_runner().invoke(args=["organizations", "create", "Mine", "--owner", young])
    assert (refused.exit_code, refused.stderr) == (1, f"Error: {young} is under age, and no guardian has agreed\n")
    typed, suspended = make_person(email_verified_at=None).email, make_person(status="held").email
    db.session.rollback()
    for owner, why in ((typed, "has not shown yet that the address is theirs"), (suspended, "is suspended")):
        refused = app.test_cli_runner().invoke(args=["organizations", "create", "Mine", "--owner", owner])
        assert (refused.exit_code, refused.stderr) == (1, f"Error: {owner} {why}\n")


@pytest.mark.rule("A5")
def test_tries_at_the_same_moment_do_not_slip_through(app: Flask) -> None:
    together, waits = threading.Barrier(14), []

    def attempt() -> None:
        with app.app_context():
            together.wait(10)
            with transaction():
                wait = throttles.count("sign_in.here", "192.0.2.1 ana@example.org")
            waits.append(wait)
            db.session.remove()

    threads = [threading.Thread(target=attempt) for _try in range(14)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert len(waits) == 14
    assert waits.count(None) == 10
