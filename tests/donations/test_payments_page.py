"""An organization begins to receive gifts: its page, the way to Stripe's form and back, and the API."""

from __future__ import annotations

import http.client
import urllib.parse
from collections.abc import Callable

import pytest

from app.accounts.models import Person
from app.accounts.operations import create_token
from app.core.db import db, transaction
from app.donations import words
from app.organizations.models import Organization
from tests.conftest import CheckingClient
from tests.donations.conftest import WorkOff
from tests.donations.connecting import Connecting, connecting
from tests.factories import make_fundraiser, make_member, make_organization, make_person

__all__ = ["connecting"]
SignIn = Callable[..., CheckingClient]


@pytest.fixture
def owner() -> Person:
    return make_person(name="Olive Owner")


@pytest.fixture
def pantry(owner: Person) -> Organization:
    return make_organization(owner, name="Pantry", slug="pantry")


def press(address: str, act: str) -> str:
    """Press a button on Stripe's form; where it leads back to."""
    parts = urllib.parse.urlsplit(address)
    connection = http.client.HTTPConnection(parts.netloc, timeout=20)
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    connection.request("POST", parts.path, urllib.parse.urlencode({"act": act}), form)
    answer = connection.getresponse()
    connection.close()
    assert answer.status == 303
    return urllib.parse.urlsplit(answer.headers["Location"]).path


def test_an_owner_begins_goes_on_and_is_ready(
    connecting: Connecting, client: CheckingClient, sign_in: SignIn, pantry: Organization, owner: Person
) -> None:
    fundraiser = make_fundraiser(pantry, slug="winter")
    sign_in(owner)
    assert "makes no account" not in client.get("/fundraisers/new?organization=pantry").text
    assert "Receive gifts online" in client.get("/manage/pantry/").text
    assert "cannot receive gifts online at the moment" in client.get("/manage/pantry/fundraisers").text
    assert "cannot receive gifts online at the moment" in client.get("/fundraisers/winter").text
    assert "cannot receive gifts online at the moment" in client.get("/organizations/pantry").text
    page = client.get("/manage/pantry/payments").text
    assert "Begin at Stripe" in page
    assert connecting.server.posts() == []
    # Following a link begins nothing.
    assert client.get("/manage/pantry/payments/refresh").status_code == 303
    assert client.get("/manage/pantry/payments/return").status_code == 303
    assert connecting.server.posts() == []
    begun = client.post("/manage/pantry/payments")
    assert begun.status_code == 303
    first = begun.headers["Location"]
    assert press(first, "leave") == "/manage/pantry/payments/return"
    assert client.get("/manage/pantry/payments/return").headers["Location"] == "/manage/pantry/payments"
    assert "Continue at Stripe" in client.get("/manage/pantry/payments").text
    # The link is spent: Stripe sends people where a fresh one is made.
    assert press(first, "leave") == "/manage/pantry/payments/refresh"
    fresh = client.get("/manage/pantry/payments/refresh")
    assert fresh.status_code == 303
    assert fresh.headers["Location"] != first
    press(fresh.headers["Location"], "restrict")
    client.get("/manage/pantry/payments/return")
    page = client.get("/manage/pantry/payments").text
    assert "Stopped by Stripe" in page
    assert "An identity document of the person" in page
    assert "Answer at Stripe" in page
    press(client.post("/manage/pantry/payments").headers["Location"], "due")
    client.get("/manage/pantry/payments/return")
    page = client.get("/manage/pantry/payments").text
    assert "Ready" in page
    assert "does not pay out to your bank yet" in page
    assert "The bank account that Stripe pays out to" in page
    press(client.post("/manage/pantry/payments").headers["Location"], "ready")
    client.get("/manage/pantry/payments/return")
    page = client.get("/manage/pantry/payments").text
    assert "go straight to your account" in page
    # Ready, it leads on: to what came of the gifts, and to where Stripe shows the same.
    for way in ("money#doctor", "money#refunds", "money#payouts", "monthly-gifts", "receipts"):
        assert f'href="/manage/pantry/{way}"' in page, way
    assert f'href="{connecting.server.api_base}/accounts/' in page
    assert "Stripe asks for now" not in page
    assert "Receive gifts online</a>" not in client.get("/manage/pantry/").text
    assert "cannot receive gifts online at the moment" not in client.get(f"/fundraisers/{fundraiser.slug}").text
    assert "/fundraisers/winter/donate" in client.get("/fundraisers/winter").text
    assert connecting.server.refused() == []
    connecting.server.act_on_account(connecting.row(pantry.id).stripe_account_id or "", "deauthorize")
    client.get("/manage/pantry/payments/return")
    assert "Begin again at Stripe" in client.get("/manage/pantry/payments").text


def test_managers_read_and_only_owners_begin(
    connecting: Connecting, client: CheckingClient, sign_in: SignIn, pantry: Organization
) -> None:
    sign_in(make_member(pantry, "manager"))
    page = client.get("/manage/pantry/payments").text
    assert "Only owners of the organization can do this" in page
    assert "Begin at Stripe" not in page
    assert client.post("/manage/pantry/payments").status_code == 404
    assert connecting.server.posts() == []


def test_stripe_that_does_not_answer_is_said_and_nothing_is_lost(
    connecting: Connecting, client: CheckingClient, sign_in: SignIn, pantry: Organization, owner: Person
) -> None:
    sign_in(owner)
    connecting.server.hook("POST", "faults", {"mode": "500", "times": 2})
    silent = client.post("/manage/pantry/payments")
    assert silent.status_code == 503
    assert "did not answer" in silent.text
    connecting.server.hook("DELETE", "faults")
    assert client.post("/manage/pantry/payments").status_code == 303
    with transaction():
        db.session.get_one(Organization, pantry.id).status = "suspended"
    refused = client.post("/manage/pantry/payments")
    assert refused.status_code == 409
    assert "suspended" in refused.text


def test_where_stripe_is_not_an_owner_reads_so(
    connecting: Connecting, client: CheckingClient, sign_in: SignIn, owner: Person
) -> None:
    room = make_organization(owner, slug="reading-room", country="KW", currency="KWD")
    make_fundraiser(room, slug="shelves")
    sign_in(owner)
    # Nor does anybody else read that it is so for the moment alone.
    for address in (
        "/fundraisers/shelves", "/fundraisers/shelves/donate", "/organizations/reading-room", "/manage/reading-room/fundraisers",
        "/fundraisers/new?organization=reading-room",
    ):  # fmt: skip
        text = client.get(address).text
        assert "the payment service makes no account for an organization in" in text, address
        assert "online at the moment" not in text, address
    refused = client.post("/manage/reading-room/payments")
    assert refused.status_code == 409
    assert "in this country" in refused.text
    assert "Write to the people who run this site" in refused.text
    # Nothing was asked that Stripe has to refuse, nothing was begun, and one page does not say both.
    assert connecting.server.posts() == []
    for page in (refused.text, client.get("/manage/reading-room/payments").text):
        assert "in this country" in page
        for untrue in ("Begun, not finished", "Continue at Stripe", "Begin at Stripe"):
            assert untrue not in page


def test_what_stripe_refuses_of_an_account_is_said_and_nothing_was_begun(
    connecting: Connecting, client: CheckingClient, sign_in: SignIn, pantry: Organization, owner: Person
) -> None:
    sign_in(owner)
    connecting.server.hook("POST", "faults", {"mode": "400", "method": "POST", "times": 2})
    refused = client.post("/manage/pantry/payments")
    assert refused.status_code == 409
    assert "refuses to make an account for this organization" in refused.text
    assert "Write to the people who run this site" in refused.text
    shown = client.get("/manage/pantry/payments").text
    for page in (refused.text, shown):
        assert "Begun, not finished" not in page
        assert "in this country" not in page
    assert "Begin at Stripe" in shown
    assert "Begin at Stripe" not in refused.text


def test_the_api_gives_a_fresh_address_to_owners(
    connecting: Connecting, client: CheckingClient, pantry: Organization, owner: Person, work_off: WorkOff
) -> None:
    with transaction():
        token = create_token(owner, scopes=["organizations:write"])
    headers = {"Authorization": f"Bearer {token}"}
    address = "/api/v1/organizations/pantry/payment-account"
    first = client.post(address, headers=headers, json={})
    second = client.post(address, headers=headers)
    assert (first.status_code, second.status_code) == (200, 200)
    assert first.json["charges_enabled"] is False
    assert first.json["onboarding_url"] != second.json["onboarding_url"]
    press(second.json["onboarding_url"], "ready")
    for event in connecting.server.events(connecting.row(pantry.id).stripe_account_id):
        assert connecting.knock(event) == 200
    work_off()
    assert client.post(address, headers=headers).json["charges_enabled"] is True
    page = make_fundraiser(pantry)
    assert client.get(f"/api/v1/fundraisers/{page.slug}").json["accepts_gifts"] is True
    assert len([request for request in connecting.server.posts() if request.path == "/v1/accounts"]) == 1


def test_what_stripe_asks_is_said_once_in_words() -> None:
    asked = [
        "external_account",
        "individual.first_name",
        "individual.last_name",
        "person_1.verification.document",
        "x.y",
    ]
    assert [str(text) for text in words.requirements(asked)] == [
        "The bank account that Stripe pays out to",
        "Details of the person who represents the organization",
        "An identity document of the person who represents the organization",
        "Something more, which Stripe's form names",
    ]
    assert "does not accept" in str(words.stopped("rejected.fraud"))
    assert words.stopped("requirements.pending_verification") == ""
