"""What staff and their bookkeeping take away adds up to the cent; the API gives back; the money doctor says what is wrong."""

from __future__ import annotations

import collections
import csv
import dataclasses
import decimal
import io
import secrets
from collections.abc import Callable
from typing import Any

import pytest
import sqlalchemy as sa
import stripe
from flask import current_app
from sqlalchemy import event

from app.core.db import db, transaction
from app.core.ids import encode_id
from app.donations import doctor, gateway, money_queries, tally
from app.donations.models import Donation, StripeEvent
from app.donations.money_models import Refund
from app.donations.operations.inbox import HANDLED_TYPES
from app.donations.page_checks import check_matches, check_tallies
from app.fundraisers.models import Fundraiser
from app.imports import exports
from app.organizations.models import Organization
from tests.conftest import CheckingClient
from tests.donations.back import Back
from tests.donations.conftest import Giving, WorkOff
from tests.donations.connecting import Connecting, connecting
from tests.donations.test_api import Caller, caller
from tests.factories import make_person

__all__ = ["caller", "connecting"]


@pytest.fixture
def back(giving: Giving, work_off: WorkOff) -> Back:
    """Money that goes back, and out."""
    return Back(giving, work_off)


def exported(name: str, **asked: Any) -> list[dict[str, str]]:
    """Rows of an export."""
    found = list(csv.DictReader(io.StringIO("".join(exports.lines(name, **asked)))))
    db.session.rollback()
    return found


def total(rows: list[dict[str, str]], *columns: str) -> dict[str, decimal.Decimal]:
    """Sums of columns by currency."""
    sums: dict[str, decimal.Decimal] = collections.defaultdict(decimal.Decimal)
    for row in rows:
        for column in columns:
            sums[row["currency"]] += decimal.Decimal(row[column] or 0)
    return dict(sums)


@pytest.mark.rule("F2")
@pytest.mark.rule("F7")
def test_gifts_journal_and_fees_add_up_to_the_cent(back: Back, sign_in: Callable[..., CheckingClient]) -> None:
    given, other = back.pay("40.10"), back.pay("1500", "JPY")
    back.at_stripe(given, "refund", amount=333)
    back.at_stripe(given, "dispute", amount=1001)
    back.hear()
    for paid_out in back.server.hook("POST", "pay_out", {"account": None})["data"]:
        back.server.hook("POST", f"payouts/{paid_out['id']}/arrive", {})
    back.hear()
    assert check_tallies()[1] == []
    assert check_matches()[1] == []
    db.session.rollback()
    journal, gifts, fees = exported("journal"), exported("donations"), exported("fees")
    assert total(journal, "debit") == total(journal, "credit")
    by_account: dict[tuple[str, str], decimal.Decimal] = collections.defaultdict(decimal.Decimal)
    for row in journal:
        signed = decimal.Decimal(row["debit"] or 0) - decimal.Decimal(row["credit"] or 0)
        by_account[row["account"], row["currency"]] += signed
    for currency in ("USD", "JPY"):
        of = [row for row in gifts if row["currency"] == currency]
        assert total(of, "amount").get(currency) == -by_account["donations", currency]
        assert total(of, "refunded")[currency] == by_account["refunds", currency]
        assert total(of, "disputed")[currency] == by_account["disputes", currency]
        paid = sum(decimal.Decimal(row["fees"]) for row in of)
        assert paid == by_account["fees", currency] == total(fees, "fees")[currency]
        assert total(fees, "given", "went_back")[currency] >= total(of, "amount")[currency]
        left = total(of, "amount")[currency] - total(of, "refunded", "disputed")[currency] - paid
        assert total(fees, "left")[currency] == left
    assert total(gifts, "settled") == {"USD": decimal.Decimal("26.76"), "JPY": decimal.Decimal(1500)}
    # A period has what was booked in it, and the parts are the whole.
    middle = sorted(row["booked_at"] for row in journal)[len(journal) // 2]
    at = back.giving.donation(given).created_at.fromisoformat(middle)
    first, second = exported("journal", until=at), exported("journal", since=at)
    assert len(first) + len(second) == len(journal)
    organization = back.donation(given).fundraiser.organization
    assert {row["organization"] for row in exported("journal", organization_id=organization.id)} == {organization.name}
    client = sign_in(back.staff(given))
    address = f"/manage/{organization.slug}/export/journal.csv"
    text = client.post(address, data={}).get_data(as_text=True)
    assert len(text.splitlines()) == len(exported("journal", organization_id=organization.id)) + 1
    assert len(client.post(address, data={"until": "2001-01-01"}).get_data(as_text=True).splitlines()) == 1
    assert client.post(address, data={"since": "2026-02-01", "until": "2026-01-01"}).status_code == 422
    assert client.post(address, data={"since": "9999-12-31"}).status_code == 422
    page = client.get(f"/manage/{organization.slug}/money/fees").get_data(as_text=True)
    assert "Together, in USD" in page
    assert "$40.10" in page
    assert client.get(f"/manage/{organization.slug}/money/fees?since=2026-02-01&until=2026-01-01").status_code == 422
    assert other.donation_id


@pytest.mark.rule("A1")
@pytest.mark.rule("F5")
def test_the_api_gives_back_for_owners_and_managers_only(back: Back, caller: Callable[..., Caller]) -> None:
    given, other = back.pay(), back.pay("30", "EUR")
    address = f"/donations/{encode_id(given.donation_id)}/refund"
    for person in (
        make_person(), back.staff(other), back.staff(given, "coordinator"), back.staff(given, "viewer"),
    ):  # fmt: skip
        assert caller(person).call("POST", address)[0] == 404
    assert caller(back.staff(given), "donations:read").call("POST", address)[0] == 403
    owner = caller(back.staff(given))
    for body, status in (
        ({"amount_minor": 2501}, 409),
        ({"amount_minor": 0}, 422),
        ({"currency": "EUR", "amount_minor": 5}, 422),
    ):
        assert owner.call("POST", address, body)[0] == status
    assert back.rows(Refund) == []
    key = {"Idempotency-Key": "one"}
    for _again in range(2):
        status, gift = owner.call("POST", address, {"amount_minor": 1000, "note": "Twice"}, **key)
        assert status == 200
        assert (gift["status"], gift["refunded"]) == ("paid", {"amount_minor": 1000, "currency": "USD"})
        assert [(row["status"], row["amount"]["amount_minor"]) for row in gift["refunds"]] == [("succeeded", 1000)]
    assert owner.call("POST", address)[1]["refunded"]["amount_minor"] == 2500  # all that was left
    refused = owner.call("POST", address)
    assert (refused[0], refused[1]["reasons"][0]["code"]) == (409, "nothing_left")
    assert back.raised(given) == 0
    assert [refund["amount"] for refund in back.server.call("GET", "/v1/refunds?limit=10")["data"]] == [1500, 1000]


def levels() -> dict[str, str]:
    """What the doctor of the installation says, by what was looked at."""
    found = {finding.title: finding.level for finding in doctor.of_installation()}
    db.session.rollback()
    return found


def endpoint(path: str = "", **changes: Any) -> Any:
    """Make a webhook endpoint at Stripe, with the real package."""
    base = current_app.config["SETTINGS"].base_url
    asked = {
        "url": f"{base}/stripe/webhook{path}", "enabled_events": ["*"], "api_version": gateway.api_version(),
        "connect": bool(path), **changes,
    }  # fmt: skip
    key = {"idempotency_key": secrets.token_hex(8) + "-of-the-test"}
    return gateway._client().v1.webhook_endpoints.create({k: v for k, v in asked.items() if v is not None}, key)


def change(made: Any, **changes: Any) -> None:
    """Somebody changes it in Stripe's dashboard."""
    key = {"idempotency_key": secrets.token_hex(8) + "-of-the-test"}
    gateway._client().v1.webhook_endpoints.update(made.id, changes, key)


def found_of_endpoints() -> list[tuple[str, str]]:
    """(level, what the doctor says and what to do) of each endpoint."""
    found = [(one.level, f"{one.text} {one.remedy}".strip()) for one in doctor.look_at_endpoints()]
    db.session.rollback()
    return found


def test_the_doctor_names_what_is_wrong_with_each_webhook_endpoint(connecting: Connecting) -> None:
    # At Stripe, not at the demo payment server; the fixture puts its settings back.
    connecting.app.config["SETTINGS"] = dataclasses.replace(connecting.app.config["SETTINGS"], payments_mode="test")
    base, version = current_app.config["SETTINGS"].base_url, gateway.api_version()
    none = [f"Stripe has no endpoint for {base}/stripe/webhook{path}. Make one" for path in ("", "/connect")]
    assert [level for level, _said in found_of_endpoints()] == ["bad", "bad"]
    assert all(said.startswith(start) for (_level, said), start in zip(found_of_endpoints(), none, strict=True))
    own, theirs = endpoint(), endpoint("/connect", enabled_events=list(HANDLED_TYPES))
    well = ("good", f"There, enabled, API version {version}, every event.")
    assert found_of_endpoints() == [well, well]
    change(own, disabled=True)
    change(theirs, enabled_events=[name for name in HANDLED_TYPES if name not in ("invoice.paid", "payout.failed")])
    off, fewer = found_of_endpoints()
    assert (off[0], off[1][:28]) == ("bad", "Stripe has switched it off. ")
    assert (fewer[0], fewer[1][:48]) == ("look", "It does not send: invoice.paid, payout.failed. A")
    # Another address each time: the doctor takes the first that has ours.
    for changes, level, start in (
        ({"api_version": "2024-06-20"}, "bad", f"It speaks API version 2024-06-20, this program {version}."),
        ({"api_version": None}, "bad", "It speaks API version the account's own, this program"),
        ({"connect": True}, "bad", "It hears of the organizations' accounts, not of the installation's own."),
    ):
        change(own, url="https://elsewhere.example.org/hook")
        own = endpoint(**changes)
        said = found_of_endpoints()[0]
        assert (said[0], said[1][: len(start)]) == (level, start)
    change(theirs, url="https://elsewhere.example.org/hook")
    endpoint("/connect", connect=False)
    assert found_of_endpoints()[1][1].startswith("It hears of the installation's own account alone")
    connecting.server.hook("POST", "faults", {"mode": "500", "path": "/v1/webhook_endpoints", "times": 10})
    assert found_of_endpoints() == [("look", "Stripe does not answer now. Load this page again in a minute.")]
    connecting.server.hook("DELETE", "faults")
    with pytest.raises(stripe.InvalidRequestError, match="enabled_events"):
        endpoint(enabled_events=["invoice.payd"])
    with pytest.raises(stripe.InvalidRequestError, match="unknown parameter: secret"):
        endpoint(secret="whsec_mine")
    connecting.server.mistakes.clear()  # those two were meant


def test_the_doctor_says_what_is_wrong_and_what_to_do(back: Back, sign_in: Callable[..., CheckingClient]) -> None:
    given = back.pay()
    administrator = make_person(platform_role="administrator")
    found = levels()
    assert found["Payments"] == found["Keys"] == found["Events that wait"] == found["Differences"] == "good"
    with transaction():
        db.session.execute(
            sa.update(StripeEvent).values(status="received", received_at=sa.text("'2026-01-01 00:00:00'"))
        )
        db.session.execute(sa.update(Donation).values(status="mismatched"))
    found = levels()
    assert found["Events that wait"] == found["Gifts that do not match"] == "bad"
    made = back.at_stripe(given, "refund", amount=700)
    back.server.hook("POST", f"refunds/{made['id']}/fail", {})
    back.hear()
    client = sign_in(administrator)
    page = client.get("/admin/money").get_data(as_text=True)
    assert "wait longer than they should" in page
    # Which refunds did not arrive, whose they are, and where that page is; not who gave.
    assert 'href="/admin/money#refunds"' in page
    listed = page[page.index('id="refunds"') :]
    fundraiser = back.donation(given).fundraiser
    for shown in (
        f"/organizations/{fundraiser.organization.slug}",
        f"/fundraisers/{fundraiser.slug}",
        "$7",
        made["id"],
    ):
        assert shown in listed
    assert "Rosa" not in listed
    assert "sk_" not in page
    back.server.hook("POST", "faults", {"mode": "500", "method": "GET", "times": 100})
    assert client.get("/admin/money").status_code == 200
    assert given.donation_id


def test_nobody_is_told_to_make_an_endpoint_at_the_demo_payment_server(back: Back) -> None:
    assert back.giving.app.config["SETTINGS"].payments_mode == "demo"
    # It has none, nor a dashboard to make one in: it is told where to send when it starts.
    assert not [title for title in levels() if title.startswith("Webhook endpoint")]
    # What it was told is compared, by whatever name it calls this machine, and that it does not answer is seen.
    endpoint(url="http://127.0.0.1:9/stripe/webhook")
    well = f"There, enabled, API version {gateway.api_version()}, every event."
    assert found_of_endpoints() == [("good", well)]
    back.server.hook("POST", "faults", {"mode": "500", "path": "/v1/webhook_endpoints", "times": 10})
    assert levels()["Webhook endpoint at Stripe"] == "look"


@pytest.mark.rule("F2")
def test_where_the_money_is_adds_up_with_gifts_in_person(back: Back, sign_in: Callable[..., CheckingClient]) -> None:
    given = back.pay("40")
    donation = back.donation(given)
    organization = db.session.get_one(Organization, donation.organization_id)
    owner = sign_in(back.staff(given))
    slug = db.session.get_one(Fundraiser, donation.fundraiser_id).slug
    typed = {"amount": "12.50", "name": "The coffee tin", "received_on": "2026-01-05", "anonymous": "yes"}
    assert owner.post(f"/fundraisers/{slug}/gifts-in-person", data=typed).status_code == 303
    [row] = money_queries.list_standings(organization.id)
    assert row.in_person == 1250
    assert row.given == row.went_back + row.held_by_banks + row.fees + row.at_stripe + row.on_the_way + row.in_person
    page = owner.get(f"/manage/{organization.slug}/money").get_data(as_text=True)
    assert "In person" in page
    assert "$12.50" in page


def count_queries(client: CheckingClient, path: str) -> int:
    """How many statements a page asks."""
    statements: list[str] = []

    def note(_conn: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        statements.append(statement)

    event.listen(db.engine, "before_cursor_execute", note)
    try:
        assert client.get(path).status_code == 200
    finally:
        event.remove(db.engine, "before_cursor_execute", note)
    return len(statements)


def test_pages_of_money_ask_as_often_whatever_there_is(back: Back, sign_in: Callable[..., CheckingClient]) -> None:
    given = back.pay()
    client, slug = sign_in(back.staff(given)), back.address(given).split("/")[2]
    back.at_stripe(given, "dispute", amount=100)

    def pay_out() -> None:
        for paid_out in back.server.hook("POST", "pay_out", {"account": None})["data"]:
            back.server.hook("POST", f"payouts/{paid_out['id']}/arrive", {})
        back.hear()

    pay_out()
    pages = [f"/manage/{slug}/money", f"/manage/{slug}/money/fees", back.address(given)]
    before = [count_queries(client, page) for page in pages]
    for amount in ("30", "35"):
        more = back.pay(amount)
        back.at_stripe(more, "dispute", amount=200)
        pay_out()
    back.at_stripe(given, "refund", amount=5) if False else None
    assert [count_queries(client, page) for page in pages] == before
    assert tally.recount()
    db.session.rollback()
