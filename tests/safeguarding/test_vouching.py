"""Who vouches for others: adults, by a birth date that is known or by the operator's word. Unknown is no (G1, G4)."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import Any

import pytest
import sqlalchemy as sa
import time_machine
from flask import Flask

from app.accounts import throttles
from app.accounts.models import Person
from app.accounts.operations import edit_profile
from app.accounts.under_age import CLOSED_FOR
from app.core.clock import now, today
from app.core.db import db, transaction
from app.core.errors import InvalidInput, Refused
from app.core.ids import encode_id
from app.moderation import operations as moderation
from app.organizations.models import Organization
from app.organizations.operations import add_location, edit_organization
from app.safeguarding import operations as acts
from app.safeguarding.models import Clearance, Exemption, GuardianConfirmation
from app.safeguarding.operations import shared
from tests.api.test_main_job import Caller
from tests.conftest import CheckingClient
from tests.factories import (
    ADULT,
    allow_contact,
    make_clearance,
    make_guardian,
    make_member,
    make_organization,
    make_person,
)

LATELY = (today("UTC") - dt.timedelta(days=40)).isoformat()
SignIn = Callable[..., CheckingClient]


def birth(years: int) -> dt.date:
    """Of somebody who is that old, whatever the day."""
    day = today("UTC")
    return dt.date(day.year - years, day.month, min(day.day, 28)) - dt.timedelta(days=3)


class _TakenBack(Exception):
    """It would have been done."""


class World:
    """An organization with somebody whose age is not known among its managers, and everything that they could vouch for."""

    def __init__(self) -> None:
        self.owner = make_person(name="Olive Owner")
        self.organization: Organization = make_organization(self.owner, name="Lantern House")
        self.unknown = make_member(self.organization, "manager", birth_date=None)
        self.other = make_organization()
        self.helper = make_person(name="Hana Helper")
        self.declined = make_clearance(self.helper, self.organization, outcome="declined")
        minor = make_person(birth_date=birth(15))
        self.guardian = make_guardian(minor)
        allow_contact(self.organization)
        with transaction():
            acts.share_guardian(self.organization.id, by=minor)
        with transaction():
            self.exemption = acts.ask_exemption(self.organization.id, by=self.owner, **self.waived)

    @property
    def waived(self) -> dict[str, Any]:
        """What an exemption is asked with."""
        day = today("UTC")
        return {
            "email": self.helper.email, "kind": "training", "level": "first_aid", "reason": "Full",
            "starts_on": day, "ends_on": day + dt.timedelta(days=20),
        }  # fmt: skip

    @property
    def seen(self) -> dict[str, Any]:
        """What a clearance is recorded with."""
        return {"email": self.helper.email, "kind": "identity", "issued_on": today("UTC") - dt.timedelta(days=5)}

    def vouch(self, by: Person) -> dict[str, list[str]]:
        """Every act by which somebody vouches, with the codes of its refusal; what was done is taken back."""
        key = self.organization.id
        tried: dict[str, Callable[[], object]] = {
            "record": lambda: acts.record_clearance(key, by=by, **self.seen),
            "take back a no": lambda: acts.revoke_clearance(self.declined.id, by=by, reason="A mistake"),
            "ask": lambda: acts.ask_exemption(key, by=by, **self.waived),
            "agree": lambda: acts.agree_exemption(self.exemption.id, by=by),
            "guardian": lambda: acts.confirm_guardian(self.guardian.id, key, by=by, means="telephone"),
            "contact": lambda: moderation.grant_contact(self.other.id, by=by, checked="Their policy"),
        }
        return {name: self._codes(act) for name, act in tried.items()}

    def _codes(self, act: Callable[[], object]) -> list[str]:
        codes: list[str] = []
        try:
            with transaction():
                act()
                raise _TakenBack
        except _TakenBack:
            pass
        except Refused as refused:
            codes = [reason.code for reason in refused.reasons]
        return codes


@pytest.mark.rule("G1")
@pytest.mark.rule("G4")
def test_nobody_whose_age_is_unknown_vouches_for_anybody(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    world = World()
    assert set(map(str, world.vouch(world.unknown).values())) == {"['age_unknown']"}
    young = make_member(world.organization, "manager", birth_date=birth(17))
    make_guardian(young)
    assert set(map(str, world.vouch(young).values())) == {"['not_an_adult']"}
    # Of age at home, and not where those are whom they speak about.
    with transaction():
        db.session.get_one(Organization, world.organization.id).country = "NZ"
    almost = make_member(world.organization, "manager", birth_date=birth(19), country="GB")
    assert world.vouch(almost)["record"] == ["not_an_adult"]
    with transaction():
        organization = db.session.get_one(Organization, world.organization.id)
        organization.country, organization.region = "US", None
    # Where its state is not known, its settings say it.
    nineteen = {"by": almost, "email": world.helper.email, "kind": "identity", "issued_on": today("UTC")}
    with pytest.raises(Refused) as found, transaction():
        acts.record_clearance(world.organization.id, **nineteen)
    assert "An older owner or manager says in its settings where it is" in found.value.reasons[0].remedy
    with transaction():
        # A place that it works from says nothing: that may be private, and the public page would tell its state.
        add_location(organization.id, by=almost, name="Pantry", address="", place="Newark, NJ", private=True)
    assert world.vouch(almost)["record"] == ["not_an_adult"]
    # Nor do they say so themselves: an older one does.
    elder = make_member(world.organization, "manager")
    with pytest.raises(InvalidInput) as said, transaction():
        edit_organization(organization.id, by=almost, place="New Jersey")
    assert "known to be 21 or older" in said.value.errors["place"]
    unknown = make_member(world.organization, "manager", birth_date=None)
    with pytest.raises(InvalidInput) as said, transaction():
        edit_organization(organization.id, by=unknown, place="New Jersey")
    assert "add your birth date to your profile" in said.value.errors["place"]
    with transaction():
        edit_organization(organization.id, by=elder, place="New Jersey")
    assert world.vouch(almost)["record"] == []
    # Nobody who is no adult there comes of age by saying that it is elsewhere, nor in two steps.
    with transaction():
        db.session.get_one(Organization, world.organization.id).region = "MS"
    for elsewhere in ("NJ", ""):
        with pytest.raises(InvalidInput) as said, transaction():
            edit_organization(organization.id, by=almost, place=elsewhere)
        assert "known to be 21 or older" in said.value.errors["place"]
    assert world.vouch(almost)["record"] == ["not_an_adult"]
    with transaction():
        edit_organization(organization.id, by=elder, place="NJ")
    # What only takes away waits for nobody's birthday.
    accepted = make_clearance(world.helper, world.organization)
    with transaction():
        acts.revoke_clearance(accepted.id, by=world.unknown, reason="It was withdrawn")
        acts.end_exemption(world.exemption.id, by=world.unknown)
    # With the guard off every one of them is done.
    world = World()
    monkeypatch.setattr(shared, "is_known_adult", lambda *_: True)
    assert set(map(str, world.vouch(world.unknown).values())) == {"[]"}


def test_whoever_founds_an_installation_goes_on(app: Flask, client: CheckingClient) -> None:
    """An account of `users create` without a birth date vouches by the operator's word, and takes no place by it."""
    helper = make_person()
    run = app.test_cli_runner()
    for command in (
        ["users", "create", "ana@example.org", "--name", "Ana"],
        ["organizations", "create", "Ana’s", "--owner", "ana@example.org", "--verified"],
    ):
        assert run.invoke(args=command).exit_code == 0
    founder = db.session.scalars(sa.select(Person).where(Person.email == "ana@example.org")).one()
    slug = db.session.scalars(sa.select(Organization.slug)).one()
    body = {"email": helper.email, "kind": "identity", "issued_on": LATELY}
    call = Caller(client.application, founder)
    assert call("POST", f"/organizations/{slug}/clearances", body).status_code == 201
    # A birth date that they give counts from then on, whatever was said before.
    with transaction():
        edit_profile(founder.id, by=founder, birth_date=birth(16))
    answer = call("POST", f"/organizations/{slug}/clearances", body)
    assert answer.status_code == 404, "a minor for whom nobody answers runs nothing"


@pytest.mark.rule("A4")
def test_the_birth_date_is_asked_with_the_act_and_kept_whatever_becomes_of_it(
    client: CheckingClient, sign_in: SignIn
) -> None:
    world = World()
    slug, key = world.organization.slug, encode_id(world.exemption.id)
    desk, new = f"/manage/{slug}/clearances", f"/manage/{slug}/clearances/new"
    sign_in(world.unknown)
    agree = f"/manage/{slug}/exemptions/{key}/agree"
    assert f'href="{agree}"' in client.get(desk).text
    assert f'action="{agree}"' not in client.get(desk).text
    body = {"email": world.helper.email, "what": "identity", "issuer": "The city", "issued_on": LATELY}
    asked = client.post(new, data={**body, "outcome": "accepted"})
    assert asked.status_code == 422
    assert "Enter your birth date" in asked.text
    assert 'value="The city"' in asked.text, "typed input is kept"
    for page in (agree, f"/manage/{slug}/clearances/{encode_id(world.declined.id)}/revoke"):
        assert 'name="birth_date"' in client.get(page).text, page
        assert client.post(page, data={"reason": "A mistake"}).status_code == 422, page
    ahead = client.post(agree, data={"birth_date": (today("UTC") + dt.timedelta(days=9)).isoformat()})
    assert ahead.status_code == 422
    assert "Enter your birth date: a day in the last 120 years" in ahead.text
    assert "leave it empty" not in ahead.text
    # A minor who says so is refused, and tries no other date.
    told = client.post(new, data={**body, "outcome": "accepted", "birth_date": birth(16).isoformat()})
    assert told.status_code in (404, 409)
    client.post(new, data={**body, "outcome": "accepted", "birth_date": ADULT.isoformat()})
    assert db.session.get_one(Person, world.unknown.id).birth_date == birth(16)
    assert db.session.scalar(sa.select(sa.func.count()).where(Clearance.recorded_by_id == world.unknown.id)) == 0
    db.session.rollback()
    # Where agreeing is refused the page leads back to the desk.
    minor = make_member(world.organization, "manager", birth_date=None)
    make_guardian(minor)
    sign_in(minor)
    refused = client.post(agree, data={"birth_date": birth(16).isoformat()})
    assert refused.status_code == 409
    assert "Adults record this." in refused.text
    assert f'href="{desk}"' in refused.text
    # An adult does in one go what they came for.
    for address, data, done in (
        (new, {**body, "outcome": "accepted"}, Clearance.recorded_by_id),
        (agree, {}, Exemption.agreed_by_id),
        (
            f"/manage/{slug}/guardians/{encode_id(world.guardian.id)}",
            {"means": "telephone"},
            GuardianConfirmation.confirmed_by_id,
        ),
    ):
        adult = make_member(world.organization, "manager", birth_date=None)
        sign_in(adult)
        assert client.post(address, data=data).status_code == 422, address
        assert client.post(address, data={**data, "birth_date": ADULT.isoformat()}).status_code == 303, address
        assert db.session.scalar(sa.select(sa.func.count()).where(done == adult.id)) == 1, address
        assert db.session.get_one(Person, adult.id).birth_date == ADULT
        db.session.rollback()


@pytest.mark.rule("G4")
@pytest.mark.parametrize("is_guarded", [True, False])
def test_of_an_age_under_13_nothing_is_kept_and_no_other_is_said_next(
    client: CheckingClient, sign_in: SignIn, monkeypatch: pytest.MonkeyPatch, *, is_guarded: bool
) -> None:
    if not is_guarded:
        monkeypatch.setattr("app.accounts.operations.refuse_another", lambda _person_id: None)
    world = World()
    agree = f"/manage/{world.organization.slug}/exemptions/{encode_id(world.exemption.id)}/agree"
    profile = {"name": "Una", "birth_date": birth(9).isoformat()}
    # By each way in which somebody says their own age.
    ways = {agree: {"birth_date": birth(9).isoformat()}, "/profile": profile}
    for name, body in ways.items():
        one = make_member(world.organization, "manager", birth_date=None)
        sign_in(one)
        child = client.post(name, data=body)
        assert child.status_code == 422, name
        assert "13 or older" in child.text
        assert db.session.get_one(Person, one.id).birth_date is None
        again = client.post(agree, data={"birth_date": ADULT.isoformat()})
        if not is_guarded:
            assert again.status_code in (303, 409), name
            continue
        assert again.status_code == 422, name
        assert "We take no birth date from you at the moment" in again.text
        assert client.post("/profile", data={**profile, "birth_date": ADULT.isoformat()}).status_code == 422, name
        assert client.post("/profile", data={**profile, "birth_date": ""}).status_code == 303, (
            "all else is theirs to say"
        )
        assert db.session.get_one(Person, one.id).birth_date is None, name
        db.session.rollback()
        # The operator corrects a slip; and it does not last for ever.
        with time_machine.travel(now() + CLOSED_FOR + dt.timedelta(hours=1)), transaction():
            throttles.forget_old()
            edit_profile(one.id, by=one, birth_date=ADULT)
        assert db.session.get_one(Person, one.id).birth_date == ADULT
        db.session.rollback()
    # Whoever's date is known makes a slip, and keeps what is known.
    known = make_person()
    sign_in(known)
    assert client.post("/profile", data=profile).status_code == 422
    assert client.post("/profile", data={**profile, "birth_date": ""}).status_code == 303
    assert client.post("/profile", data={**profile, "birth_date": ADULT.isoformat()}).status_code == 303
