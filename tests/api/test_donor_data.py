"""What donors tell is told by the API to their organization's owners and managers, and to nobody else (F9, A1): every
address that reads is asked by everybody."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask
from werkzeug.routing import Rule

from app import create_app
from app.api import in_person, present
from app.core.clock import now
from app.core.db import db, transaction
from app.core.ids import decode_id
from app.core.web import guard_of
from app.donations import evidence, policy
from app.donations.models import Donation
from app.donations.money_models import Refund
from app.donations.receipt_models import GiftAidDeclaration
from app.imports.exports import EXPORTS
from tests.conftest import close, make_settings, migrate
from tests.house.test_routes import address_of
from tests.house.world import World, build

# What one donor told, as it would stand in an answer. In the world every donor is Dee.
TOLD = {
    "name": re.compile(r"\bDee\b|Canary Works"),
    "email": re.compile("dee@example.org"),
    "message": re.compile("canary words|Canary Aunt"),
    "declaration": re.compile("Canary Lane"),
    "note": re.compile("canary note"),
}
NAME, BOTH = {"name"}, {"name", "email"}
# What the organization's owners and managers read where, and nothing of it anywhere else.
READ_BY_STAFF = {
    "api_books.export donations": {"name", "email", "message"},
    "api_books.export gift-aid": {"declaration", "name"},
    "api_disputes.show": BOTH | {"message"},
    "api_donations.all_refunds": {"note"},
    "api_donations.show": BOTH | {"message"},
    "api_giving.gifts": BOTH | {"message"},
    "api_in_person.index": BOTH | {"message"},
    "api_in_person.show": BOTH | {"message"},
    "api_messages.index": {"message"},
    "api_messages.one": {"message"},
    "api_monthly.index": BOTH,
    "api_monthly.show": BOTH,
    "api_monthly.months": BOTH | {"message"},
    "api_receipts.index": NAME,
    "api_receipts.show": NAME,
}
OUTSIDERS = ("anonymous", "viewer", "coordinator", "other_owner", "moderator", "administrator")


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Flask, World]]:
    """An application with one of everything, and a donor who told much and hid it from everybody but the organization."""
    directory = tmp_path_factory.mktemp("told")
    app = create_app(make_settings(directory, f"sqlite:///{directory / 'told.db'}"))
    migrate(app)
    with app.app_context():
        world = build()
        gift = decode_id(world.values["donation_id"])
        with transaction():
            row = db.session.get_one(Donation, gift)
            wrote = {"message": "canary words", "dedication": "honor", "dedicated_to": "Canary Aunt"}
            hides = {"anonymous": True, "hide_from_starter": True, "hidden_by": "staff", "company": "Canary Works"}
            db.session.execute(sa.update(Donation).values(**wrote, **hides))
            db.session.execute(sa.update(Donation).where(Donation.source == "offline").values(email="dee@example.org"))
            # The month that was begun has come.
            db.session.execute(sa.update(Donation).where(Donation.id == gift).values(status="paid", paid_at=now()))
            db.session.execute(sa.text("UPDATE monthly_gift SET status = 'active'"))
            for donation in db.session.scalars(sa.select(Donation).where(Donation.mode == "live")):
                db.session.add(
                    GiftAidDeclaration(
                        donation_id=donation.id, first_name="Dee", last_name="Day", address="Canary Lane 7",
                        postal_code="E8 3RE", text_version="hmrc-single-2016", declared_at=now(),
                    )
                )  # fmt: skip
            db.session.add(
                Refund(
                    donation_id=row.id, organization_id=row.organization_id, amount_minor=100, currency="USD",
                    status="refused", reason="duplicate", note="canary note", created_at=now(),
                )
            )  # fmt: skip
    yield app, world
    close(app)


def reads(app: Flask, world: World) -> dict[str, str]:
    """Every address of the API that reads, by its endpoint; of exports one for each list."""

    def address(rule: Rule, **values: str) -> str:
        return address_of(World(world.sessions, world.tokens, world.values | values), rule)

    found = {}
    for rule in app.url_map.iter_rules():
        if not rule.rule.startswith("/api/v1/") or "GET" not in (rule.methods or ()):
            continue
        if rule.endpoint == "api_books.export":
            found |= {f"{rule.endpoint} {name}": address(rule, list_name=name) for name in EXPORTS}
        else:
            found[rule.endpoint] = address(rule)
    return found


def ask(app: Flask, world: World, caller: str, address: str) -> Any:
    headers = {"Authorization": f"Bearer {world.tokens[caller]}"} if caller in world.tokens else {}
    return app.test_client().get(address, headers=headers)


def what_is_told(app: Flask, world: World, caller: str) -> dict[str, set[str]]:
    """By endpoint, what of the donor the caller reads there."""
    found = {endpoint: read(app, world, caller, address) for endpoint, address in reads(app, world).items()}
    return {endpoint: kinds for endpoint, kinds in found.items() if kinds}


def read(app: Flask, world: World, caller: str, address: str) -> set[str]:
    """What of the donor stands in one answer. (A PDF is packed: its words are the receipt's, and are looked at there.)"""
    text = ask(app, world, caller, address).get_data().decode(errors="replace")
    return {kind for kind, pattern in TOLD.items() if pattern.search(text)}


@pytest.mark.rule("F9")
@pytest.mark.rule("A1")
def test_nobody_outside_reads_anything_that_a_donor_told(told: tuple[Flask, World]) -> None:
    app, world = told
    assert len(reads(app, world)) > 80
    assert {caller: what_is_told(app, world, caller) for caller in OUTSIDERS} == {caller: {} for caller in OUTSIDERS}


@pytest.mark.rule("F9")
def test_owners_and_managers_read_what_the_table_says_and_nothing_more(told: tuple[Flask, World]) -> None:
    app, world = told
    for caller in ("owner", "manager"):
        assert what_is_told(app, world, caller) == READ_BY_STAFF


@pytest.fixture
def hiding(told: tuple[Flask, World]) -> Iterator[None]:
    """Donors who hide from the organization, too."""
    app, _world = told
    for hides in (True, False):
        with app.app_context(), transaction():
            db.session.execute(sa.update(Donation).values(hide_from_organization=hides))
        if hides:
            yield


@pytest.mark.rule("F9")
def test_from_whom_a_donor_hides_reads_neither_name_nor_address_anywhere(
    told: tuple[Flask, World], hiding: None
) -> None:
    app, world = told
    for caller in ("owner", "manager"):
        found = what_is_told(app, world, caller)
        # A declaration cannot be made by whoever hides; the file for the claim has those that stand.
        assert {endpoint for endpoint, kinds in found.items() if kinds & BOTH} == {"api_books.export gift-aid"}
    # The donor reads their own.
    own = what_is_told(app, world, "supporter")
    assert {
        "api_donations.show",
        "api_me.donations",
        "api_monthly.show",
        "api_monthly.mine",
        "api_receipts.show",
    } <= set(own)


@pytest.mark.parametrize("endpoint", sorted(READ_BY_STAFF))
def test_with_its_guard_off_it_would_be_read(told: tuple[Flask, World], endpoint: str) -> None:
    """The control: each of these is kept from outsiders by its guard alone, and the test above looks at it."""
    app, world = told
    guard = guard_of(app, endpoint.partition(" ")[0])
    assert guard is not None
    may = guard.may
    object.__setattr__(guard, "may", None)
    try:
        found = read(app, world, "other_owner", reads(app, world)[endpoint])
        assert found
        assert found <= READ_BY_STAFF[endpoint]
    finally:
        object.__setattr__(guard, "may", may)


def test_with_the_donors_choice_off_it_would_be_read(
    told: tuple[Flask, World], hiding: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The control of the donor's choice: with it off the staff read the names everywhere but in the files, which ask the
    database."""
    app, world = told
    everybody: Callable[[Donation], bool] = lambda _donation: True  # noqa: E731  # a policy that is off
    for module in (present, in_person, evidence, policy):
        monkeypatch.setattr(module, "is_known_to_staff", everybody)
    found = {endpoint for endpoint, kinds in what_is_told(app, world, "owner").items() if kinds & BOTH}
    assert found == {endpoint for endpoint, kinds in READ_BY_STAFF.items() if kinds & BOTH} - {
        "api_books.export donations"
    }


def test_every_single_resource_comes_with_its_tag_and_is_sent_once(told: tuple[Flask, World]) -> None:
    app, world = told
    document = app.test_client().get("/api/v1/openapi.json").json
    assert document is not None
    single = {
        operations["get"]["operationId"]
        for operations in document["paths"].values()
        if "304" in operations.get("get", {}).get("responses", {})
    }
    without = set()
    for endpoint, address in reads(app, world).items():
        if endpoint.partition(" ")[0].removeprefix("api_").replace(".", "_") not in single:
            continue
        answer = next(a for who in ("supporter", "owner") if (a := ask(app, world, who, address)).status_code != 404)
        who = "supporter" if ask(app, world, "supporter", address).status_code == 200 else "owner"
        headers = {"Authorization": f"Bearer {world.tokens[who]}", "If-None-Match": answer.headers.get("ETag", "")}
        if app.test_client().get(address, headers=headers).status_code != 304:
            without.add(endpoint)
    assert without == set()
