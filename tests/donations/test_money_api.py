"""What becomes of money, by the API: refunds looked at twice, disputes with their deadline, payouts, receipts, statements, the
books and their lists; the same facts as on the pages."""

from __future__ import annotations

import csv
import datetime as dt
import io
from typing import Any

import pytest
import sqlalchemy as sa
import time_machine
from flask import Flask

from app.accounts.models import Person
from app.core.audit import AuditEvent
from app.core.clock import now, today
from app.core.db import db, transaction
from app.core.ids import encode_id
from app.core.money import Money
from app.core.outbox import Outbox
from app.donations.models import Donation
from app.donations.money_models import MoneyMismatch
from app.donations.operations.giving import start_donation
from app.donations.operations.offline import record_offline
from app.fundraisers.models import Fundraiser
from app.organizations.models import Organization
from tests.api.test_main_job import Caller
from tests.donations.back import Back
from tests.donations.conftest import Giving, WorkOff
from tests.factories import make_fundraiser, make_member, make_organization, make_person, pay


@pytest.fixture
def back(giving: Giving, work_off: WorkOff) -> Back:
    """Money that goes back."""
    return Back(giving, work_off)


def staff_of(back: Back, given: Any) -> tuple[Caller, Organization]:
    """An owner's program, and the organization that was given to."""
    organization = back.giving.donation(given).fundraiser.organization
    return Caller(back.giving.app, back.staff(given)), organization


@pytest.mark.rule("F5")
def test_a_program_gives_back_a_part_and_then_the_rest(back: Back) -> None:
    given = back.pay("250")
    staff, _organization = staff_of(back, given)
    path = f"/donations/{encode_id(given.donation_id)}"
    too_much = staff("POST", f"{path}/refund", {"amount_minor": 99000, "currency": "USD"})
    assert (too_much.status_code, too_much.json["code"]) == (409, "more_than_left")
    assert back.server.call("GET", "/v1/refunds")["data"] == []
    body = {"amount_minor": 12000, "currency": "USD", "reason": "duplicate", "note": "Asked on the phone"}
    made = staff("POST", f"{path}/refund", body)
    assert (made.status_code, made.json["refunds"][0]["amount"]["amount_minor"]) == (200, 12000)
    assert made.json["refunds"][0]["note"] == "Asked on the phone"
    assert made.json["payment"].startswith("pi_")
    assert made.json["differs"] is None
    back.hear()
    rest = staff("POST", f"{path}/refund", {})
    assert [row["amount"]["amount_minor"] for row in rest.json["refunds"]] == [12000, 13000]
    listed = staff("GET", f"{path}/refunds").json["data"]
    assert [(row["amount"]["amount_minor"], row["reason"]) for row in listed] == [
        (13000, "requested_by_customer"), (12000, "duplicate"),
    ]  # fmt: skip


@pytest.mark.rule("F5")
def test_a_dispute_tells_its_deadline_and_is_answered_once(back: Back) -> None:
    given = back.pay(name="Ayo", message="For the backpacks")
    back.at_stripe(given, "dispute", reason="unrecognized")
    back.hear()
    staff, organization = staff_of(back, given)
    path = f"/organizations/{organization.slug}/disputes"
    [row] = staff("GET", f"{path}?open=true").json["data"]
    assert (row["status"], row["may_answer"], row["withdrawn"]["amount_minor"]) == ("needs_response", True, 2500)
    assert dt.datetime.fromisoformat(row["respond_by"]) > now()
    assert row["reason_text"] == "The card's owner does not recognise this payment"
    assert staff("GET", f"/organizations/{organization.slug}/money").json["open_disputes"] == 1
    one = f"/disputes/{row['id']}"
    shown = staff("GET", one).json["evidence"]
    assert shown["customer_name"] == "Ayo"
    back.server.hook("POST", "faults", {"mode": "500", "times": 100})
    assert staff("POST", f"{one}/evidence", {"words": "Our neighbour."}).status_code == 503
    back.server.hook("DELETE", "faults")
    sent = staff("POST", f"{one}/evidence", {"words": "Our neighbour."}).json
    assert sent["answered_at"] is not None
    assert sent["evidence"]["uncategorized_text"].endswith("Our neighbour.")
    again = staff("POST", f"{one}/evidence", {"words": "Something else."}).json  # it is sent once, and finally
    assert again["evidence"] == sent["evidence"]
    assert staff("GET", f"{path}?open=false").json["data"] == []


def test_a_payout_leads_from_the_fundraiser_to_the_bank(back: Back) -> None:
    given = back.pay(name="Ayo")
    [paid_out] = back.server.hook("POST", "pay_out", {"account": None})["data"]
    back.server.hook("POST", f"payouts/{paid_out['id']}/arrive", {})
    back.hear()
    staff, organization = staff_of(back, given)
    path = f"/organizations/{organization.slug}/payouts"
    [payout] = staff("GET", path).json["data"]
    assert (payout["status"], payout["amount"]["amount_minor"], payout["complete"]) == ("paid", 2397, True)
    assert staff("GET", f"{path}/{payout['id']}").json == payout
    [line] = staff("GET", f"{path}/{payout['id']}/lines").json["data"]
    assert (line["title"], line["donation"], line["net"]["amount_minor"]) == (
        "Gift", encode_id(given.donation_id), 2397,
    )  # fmt: skip
    slug = back.giving.donation(given).fundraiser.slug
    [share] = staff("GET", f"/fundraisers/{slug}/payouts").json["data"]
    assert [share[name]["amount_minor"] for name in ("amount", "fees", "net")] == [2500, 103, 2397]
    assert share["payout"] == payout
    assert staff("GET", f"/donations/{encode_id(given.donation_id)}/payouts").json["data"] == [share]
    assert Caller(back.giving.app, make_member(make_organization(), "owner"))(
        "GET", f"{path}/{payout['id']}"
    ).status_code == 404  # fmt: skip


def test_an_early_warning_is_listed_with_its_gift(back: Back) -> None:
    given = back.pay()
    back.at_stripe(given, "warn")
    back.hear()
    staff, organization = staff_of(back, given)
    [row] = staff("GET", f"/organizations/{organization.slug}/fraud-warnings").json["data"]
    assert (row["donation"], row["actionable"]) == (encode_id(given.donation_id), True)
    assert row["kind"]


def gift(fundraiser: Fundraiser, by: Person, minor: int = 2500) -> Donation:
    """A gift of real money, paid, with its receipt."""
    with transaction():
        made = start_donation(fundraiser.id, amount=Money(minor, "USD"), name="Dee", email=by.email, mode="demo", by=by)
        made.mode = "live"
        pay(made)
    return made


@pytest.mark.rule("F7")
def test_a_donor_has_receipts_and_the_year_and_asks_for_them_again(app: Flask) -> None:
    organization, donor = make_organization(), make_person()
    ask, staff = Caller(app, donor), Caller(app, make_member(organization, "owner"))
    made = gift(make_fundraiser(organization), donor)
    waiting = make_fundraiser(organization)
    with transaction():
        unpaid = start_donation(waiting.id, amount=Money(500, "USD"), name="", email=donor.email, mode="demo", by=donor)
    [listed] = ask("GET", f"/donations/{encode_id(made.id)}").json["receipts"]
    one = f"/receipts/{listed['id']}"
    whole = ask("GET", one).json
    assert (whole["number"], whole["donor"], whole["organization"]) == ("1", "Dee", organization.name)
    assert whole["given_on"] == today(organization.time_zone).isoformat()
    for path in (f"{one}/pdf", f"/me/statements/{whole['given_on'][:4]}/pdf"):
        pdf = ask("GET", path)
        assert (pdf.content_type, pdf.get_data()[:5]) == ("application/pdf", b"%PDF-")
    assert [row["id"] for row in staff("GET", f"/organizations/{organization.slug}/receipts").json["data"]] == [
        listed["id"]
    ]
    mails = sa.select(sa.func.count()).select_from(Outbox).where(Outbox.kind == "mail_donation_receipt")
    said = []
    with time_machine.travel(now().replace(microsecond=0), tick=False):
        for _time in range(2):
            said.append(ask("POST", f"/donations/{encode_id(made.id)}/receipt").json)
            assert db.session.scalar(mails) == 1  # once an hour, however often it is asked for
        in_an_hour = now() + dt.timedelta(hours=1)
    assert [(one["number"], one["sent"]) for one in said] == [("1", True), ("1", False)]
    assert [dt.datetime.fromisoformat(one["again_at"]) for one in said] == [in_an_hour] * 2
    with time_machine.travel(in_an_hour):
        assert ask("POST", f"/donations/{encode_id(made.id)}/receipt").json["sent"] is True
    assert db.session.scalar(mails) == 2
    refused = ask("POST", f"/donations/{encode_id(unpaid.id)}/receipt")
    assert (refused.status_code, refused.json["code"]) == (409, "no_receipt")
    assert staff("POST", f"/donations/{encode_id(made.id)}/receipt").status_code == 404
    year = ask("GET", "/me/statements").json["years"][0]
    [part] = ask("GET", f"/me/statements/{year}").json["parts"]
    assert (part["organization"], part["total"]["amount_minor"], part["lines"][0]["receipt"]) == (
        organization.name, 2500, "1",
    )  # fmt: skip
    for path in (f"/me/statements/{year - 1}", "/me/statements/99999", f"/me/statements/{year - 1}/pdf"):
        assert ask("GET", path).status_code == 404
    assert staff("GET", "/me/statements").json["years"] == []


@pytest.mark.rule("F2")
def test_the_books_add_up_are_looked_at_and_taken_away(app: Flask) -> None:
    organization, donor = make_organization(), make_person()
    owner = make_member(organization, "owner")
    staff, slug = Caller(app, owner), organization.slug
    fundraiser = make_fundraiser(organization)
    gift(fundraiser, donor)
    with transaction():
        record_offline(
            fundraiser.id, by=owner, amount=Money(1500, "USD"), name="Dee", mode="off",
            received_on=today(organization.time_zone),
        )  # fmt: skip
        mismatch = MoneyMismatch(
            organization_id=organization.id, account_key="platform", kind="amount", subject="txn_1", detail="charge",
            created_at=now(), found_last_at=now(),
        )  # fmt: skip
        db.session.add(mismatch)
    books = staff("GET", f"/organizations/{slug}/money").json
    assert [(row["given"]["amount_minor"], row["in_person"]["amount_minor"]) for row in books["standings"]] == [
        (4000, 1500)
    ]
    assert (books["differences"], "bad" in {one["level"] for one in books["findings"]}) == (1, True)
    fees = staff("GET", f"/organizations/{slug}/fees").json
    assert [row["given"]["amount_minor"] for row in fees["totals"]] == [4000]
    assert [row["fundraiser"] for row in fees["rows"]] == [fundraiser.slug]
    assert staff("GET", f"/organizations/{slug}/fees?from=2001-01-01&to=2001-12-31").json["rows"] == []
    for query, field in (("from=2001-02-01&to=2001-01-01", "to"), ("from=0001-01-01", "from"), ("to=x", "to")):
        for path in ("fees", "exports/journal"):
            wrong = staff("GET", f"/organizations/{slug}/{path}?{query}")
            assert (wrong.status_code, wrong.json["errors"][0]["field"]) == (422, field), (path, query)
    [difference] = staff("GET", f"/organizations/{slug}/differences").json["data"]
    one = f"/organizations/{slug}/differences/{difference['id']}/seen"
    assert Caller(app, make_member(organization, "viewer"))("POST", one, {"note": "x"}).status_code == 404
    assert staff("POST", one, {"note": "Radar's fee"}).json["note"] == "Radar's fee"
    assert staff("GET", f"/organizations/{slug}/differences").json["data"] == []
    assert staff("GET", f"/organizations/{slug}/differences?seen=true").json["data"][0]["seen_at"] is not None
    journal = staff("GET", f"/organizations/{slug}/exports/journal?from={today('UTC').year - 1}-01-01")
    assert (journal.status_code, journal.content_type) == (200, "text/csv; charset=utf-8")
    assert int(journal.headers["Content-Length"]) == len(journal.get_data())
    rows = list(csv.DictReader(io.StringIO(journal.get_data().decode("utf-8-sig"))))
    assert sum(float(row["debit"] or 0) - float(row["credit"] or 0) for row in rows) == 0
    assert len(rows) == 4
    old = staff("GET", f"/organizations/{slug}/exports/journal?to=2001-01-01").get_data().decode("utf-8-sig")
    assert len(old.splitlines()) == 1
    taken = sa.select(AuditEvent.data).where(AuditEvent.action == "organization.exported").order_by(AuditEvent.id)
    assert [data["what"] for data in db.session.scalars(taken)] == ["journal", "journal"]
    narrow = Caller(app, owner, ["organizations:read"])
    assert narrow("GET", f"/organizations/{slug}/exports/donations").status_code == 403
    assert narrow("GET", f"/organizations/{slug}/exports/needs").status_code == 200
    assert staff("GET", f"/organizations/{slug}/exports/passwords").status_code == 404


def test_an_organization_says_what_stands_on_its_receipts_and_what_it_pays(app: Flask) -> None:
    organization = make_organization()
    owner = make_member(organization, "owner")
    staff, path = Caller(app, owner), f"/organizations/{organization.slug}/giving-terms"
    assert (staff("GET", path).json["fee"], staff("GET", path).json["published_fee"]["percent"]) == (None, "2.9")
    fee = {"percent": "2.2", "fixed": {"amount_minor": 30, "currency": "USD"}}
    changed = staff("PATCH", path, {"tax_id": "12-3456789", "fee": fee})
    assert (changed.status_code, changed.json["fee"], changed.json["tax_id"]) == (200, fee, "12-3456789")
    assert staff("PATCH", path, {"claims_gift_aid": False}).json["fee"] == fee  # what is not said stays
    fundraiser = make_fundraiser(organization)
    covered = staff("GET", f"/fundraisers/{fundraiser.slug}/giving?amount_minor=2500").json
    assert (covered["fee"], covered["covered"]["total"]["amount_minor"]) == (fee, 2587)
    wrong: list[tuple[dict[str, Any], str]] = [
        ({"receipt_text": "Thank you {donor}"}, "receipt_text"),
        ({"fee": fee | {"percent": "20.01"}}, "fee.percent"),
        ({"fee": fee | {"percent": "NaN"}}, "fee.percent"),
        ({"fee": fee | {"percent": "2.999"}}, "fee.percent"),
        ({"fee": fee | {"fixed": {"amount_minor": 30, "currency": "EUR"}}}, "fee.fixed"),
        ({"fee": fee | {"fixed": {"amount_minor": -1, "currency": "USD"}}}, "fee.fixed"),
    ]
    for body, field in wrong:
        answer = staff("PATCH", path, body)
        assert (answer.status_code, answer.json["errors"][0]["field"]) == (422, field), body
    assert staff("PATCH", path, {"fee": None}).json["fee"] is None
    account = staff("GET", f"/organizations/{organization.slug}/payment-account").json
    assert (account["status"], account["accepts_gifts"], account["due"]) == ("none", False, [])
    assert account["dashboard_url"] is None
