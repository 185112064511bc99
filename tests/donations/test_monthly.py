"""What is given every month (MONEY.md 11): begun, renewed, declined, changed, stopped; through HTTP, with the real package."""

from __future__ import annotations

import datetime as dt
import re
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from app.core.audit import AuditEvent
from app.core.clock import moved_to, now, today
from app.core.db import db, transaction
from app.core.ids import encode_id
from app.core.outbox import Outbox
from app.donations import checks, doctor, gateway_monthly, monthly, monthly_queries, queries
from app.donations.gift_aid import EVERY_GIFT, ONE_GIFT
from app.donations.messages import hide_message
from app.donations.models import Donation
from app.donations.monthly_models import MonthlyDecline, MonthlyGift
from app.donations.operations import monthly as operations
from app.donations.operations.giving import purge_declarations
from app.donations.page_parts import list_leaders
from app.donations.receipt_models import GiftAidDeclaration, GivingTerms
from app.fundraisers.models import Fundraiser
from app.fundraisers.operations import end_fundraiser
from app.imports import exports
from tests.donations.back import follow
from tests.donations.conftest import Given, WorkOff, ledger_table
from tests.donations.connecting import Connecting, connecting, note_of
from tests.donations.test_payments_page import press
from tests.donations.together import at_once
from tests.factories import make_fundraiser, make_member, make_organization, make_person
from tests.smtp import Mailbox, text_of

__all__ = ["connecting"]


class Monthly:
    """One monthly gift: its donor, its card, its months."""

    def __init__(self, connecting: Connecting, work_off: WorkOff, **values: Any) -> None:
        self.connecting, self.work_off = connecting, work_off
        self.given: Given = connecting.give(frequency="monthly", **values)
        self.account = connecting.account_of(self.given)
        self.id = connecting.donation(self.given).monthly_gift_id or 0
        assert self.id

    def begin(self) -> Monthly:
        """Its first payment is made, and we hear of it."""
        self.connecting.server.act(self.given.session_id, "pay")
        self.hear()
        return self

    def hear(self) -> None:
        """Everything that happened is delivered and answered, and what was delivered last time comes again."""
        self.connecting.deliver_news()
        assert self.work_off()["failed"] == 0

    def row(self) -> MonthlyGift:
        db.session.rollback()
        return db.session.get_one(MonthlyGift, self.id, populate_existing=True)

    def months(self) -> list[tuple[str, int]]:
        """(status, amount) of its donations, oldest first."""
        db.session.rollback()
        query = sa.select(Donation.status, Donation.amount_minor).where(Donation.monthly_gift_id == self.id)
        return [(status, amount) for status, amount in db.session.execute(query.order_by(Donation.created_at))]

    def renew(self) -> Any:
        """The next month comes."""
        row = self.row()
        return self.connecting.server.hook("POST", f"subscriptions/{row.stripe_subscription_id}/renew", {})["invoice"]

    def card_works(self, works: bool) -> None:
        customer = self.row().stripe_customer_id
        self.connecting.server.hook("POST", f"customers/{customer}/card", {"works": works})

    def subscription(self) -> Any:
        """As it is at Stripe."""
        path = f"/v1/subscriptions/{self.row().stripe_subscription_id}"
        return self.connecting.server.call("GET", path, account=self.account)

    def url(self, act: str = "") -> str:
        return f"/monthly/{monthly_queries.monthly_token(self.id)}{act}"

    def page(self) -> str:
        return self.connecting.client.get(self.url()).text

    def mails(self) -> list[str]:
        db.session.rollback()
        kinds = db.session.scalars(sa.select(Outbox.kind).where(Outbox.kind.like("mail_%")).order_by(Outbox.id)).all()
        return [kind.removeprefix("mail_") for kind in kinds]


@pytest.fixture
def gift(connecting: Connecting, work_off: WorkOff) -> Monthly:
    return Monthly(connecting, work_off)


@pytest.mark.rule("F4")
@pytest.mark.rule("F6")
def test_the_first_payment_begins_it_and_each_month_is_a_donation_of_its_own(gift: Monthly) -> None:
    assert (gift.row().status, gift.months()) == ("pending", [("pending", 2500)])
    asked = next(r for r in gift.connecting.server.posts() if r.path == "/v1/checkout/sessions").form
    assert asked["mode"] == "subscription"
    assert asked["line_items[0][price_data][recurring][interval]"] == "month"
    assert asked["subscription_data[metadata][monthly_gift]"] == encode_id(gift.id)
    assert asked["subscription_data[metadata][donation_id]"] == asked["metadata[donation_id]"]
    gift.connecting.server.act(gift.given.session_id, "pay")
    gift.connecting.client.get(f"/donations/{gift.given.token}")  # back from the payment page, before anything is told
    assert "The next payment is on" in gift.page()
    next_at = gift.row().next_at
    assert next_at is not None
    assert next_at.timestamp() == gift.subscription()["items"]["data"][0]["current_period_end"]
    gift.hear()
    assert (gift.row().status, gift.months()) == ("active", [("paid", 2500)])
    gift.renew()
    gift.renew()
    gift.connecting.server.settle()
    gift.hear()
    gift.hear()  # everything once more
    assert gift.months() == [("paid", 2500)] * 3
    with moved_to(now() + dt.timedelta(hours=1)):
        gift.work_off()
    assert sorted(kind for _label, kind, _entries in ledger_table()) == ["fee"] * 3 + ["gift"] * 3
    assert gift.mails().count("donation_thanks") == 3
    shown = queries.totals([gift.connecting.fundraiser().id])[gift.connecting.fundraiser().id]
    assert (shown.settled.amount_minor, shown.donor_count) == (7500, 1)
    db.session.rollback()
    assert checks.compare_with_stripe() == (3, [])
    assert gift.connecting.server.refused() == []
    assert all("Idempotency-Key" in request.headers for request in gift.connecting.server.posts())
    page = gift.page()
    assert "every month" in page
    assert page.count("$25") >= 3


@pytest.mark.rule("F3")
def test_months_nobody_told_of_are_found_and_reversed_news_makes_the_same(gift: Monthly) -> None:
    gift.begin()
    gift.renew()
    for event in reversed(gift.connecting.server.events(gift.account)):
        gift.connecting.knock(event)
    gift.work_off()
    assert gift.months() == [("paid", 2500)] * 2
    gift.renew()
    monthly.refresh(gift.id)  # no event was delivered
    monthly.refresh(gift.id)
    assert gift.months() == [("paid", 2500)] * 3


@pytest.mark.rule("F4")
@pytest.mark.parametrize("guarded", [True, False])
def test_another_amount_than_was_asked_is_never_counted(
    gift: Monthly, monkeypatch: pytest.MonkeyPatch, guarded: bool
) -> None:
    gift.begin()
    if not guarded:
        monkeypatch.setattr(operations, "_disagreements", lambda *_arguments, **_named: [])
    with transaction():  # one row: asked for anew, it would be as it was
        row = gift.row()
        row.amount_minor, row.asked_minor = 9900, [9900]
    gift.renew()
    gift.hear()
    assert gift.months()[-1] == ("mismatched" if guarded else "paid", 2500)
    assert len([kind for _label, kind, _entries in ledger_table() if kind == "gift"]) == (1 if guarded else 2)


@pytest.mark.rule("F9")
def test_staff_read_who_gives_every_month_and_how_it_stands(
    connecting: Connecting, work_off: WorkOff, sign_in: Any
) -> None:
    gift = Monthly(connecting, work_off, name="Rosa Delgado", anonymous="no").begin()
    hidden = Monthly(
        connecting, work_off, name="Kwame Asante", email="k@example.org", hide_from_organization="y"
    ).begin()
    unpaid = Monthly(connecting, work_off, name="Never Paid", email="n@example.org")
    gift.card_works(False)
    gift.renew()
    gift.hear()
    organization = db.session.get_one(Fundraiser, gift.connecting.fundraiser().id).organization
    path, review = f"/manage/{organization.slug}", f"/fundraisers/{gift.connecting.fundraiser().slug}"
    assert "<b>$25 a month</b>" in re.sub(r"\s+", " ", connecting.client.get(review).text)
    staff = sign_in(make_member(organization, "manager"))
    page = staff.get(f"{path}/monthly-gifts").text
    rows = [
        re.sub(r"<[^>]+>|\s+", " ", row) for row in re.findall(r"<tr>.*?</tr>", page.split("<tbody>")[1], re.DOTALL)
    ]
    assert [("Hides from you" in row, "Running" in row) for row in rows] == [(True, True), (False, False)]
    assert all(words in rows[1] for words in ("Rosa Delgado", "$25", "Payment declined"))
    assert re.search(r"Paid.*1.*Declined.*1", page, re.DOTALL)
    assert "$50 a month" in page
    for nobody in ("Kwame", "Never Paid", "k@example.org"):
        assert nobody not in page
    assert staff.get(f"{path}/monthly-gifts/{encode_id(unpaid.id)}").status_code == 404  # a checkout somebody opened
    assert "never paid" in staff.get(f"{path}/donations/{encode_id(unpaid.given.donation_id)}").text
    # How often that was is a fact of its own, and once for each month, however often it is tried.
    invoice = db.session.scalars(sa.select(MonthlyDecline.stripe_invoice_id)).one()
    db.session.rollback()
    declined = gateway_monthly.fetch_invoice(invoice or "", account=gift.account)
    with transaction():
        operations.note_failure(gift.id, declined)
    assert re.search(r"Paid.*1.*Declined.*1", staff.get(f"{path}/monthly-gifts").text, re.DOTALL)
    one = staff.get(f"{path}/monthly-gifts/{encode_id(hidden.id)}").text
    assert "Kwame" not in one
    assert (month := f"{path}/donations/{encode_id(hidden.given.donation_id)}") in one
    assert f"{path}/monthly-gifts/{encode_id(hidden.id)}" in staff.get(month).text
    assert re.search(r'class="badge">Monthly', staff.get(f"{path}{review}").text)
    assert [leader.name for leader in list_leaders(gift.row().fundraiser_id)] == ["Rosa Delgado"]
    owner = make_member(organization, "owner")
    with transaction():  # what is hidden of its name stays hidden in the months to come
        hide_message(gift.given.donation_id, by=owner, reason="", part="name")
    gift.card_works(True)
    gift.renew()
    gift.hear()
    assert gift.row().status == "active"
    assert "Rosa Delgado" not in connecting.client.get(review).text
    elsewhere = make_organization()
    assert staff.get(f"/manage/{elsewhere.slug}/monthly-gifts/{encode_id(hidden.id)}").status_code == 404


def test_a_declined_card_is_told_kindly_and_tried_again(gift: Monthly) -> None:
    gift.begin()
    gift.card_works(False)
    invoice = gift.renew()["id"]
    gift.hear()
    assert gift.row().status == "past_due"
    assert gift.mails().count("monthly_failed") == 1
    assert "Payment declined" in gift.page()
    answer = gift.connecting.client.post(gift.url("/card"))
    assert answer.status_code == 303
    assert press(answer.headers["Location"], "new_card") == gift.url()
    gift.card_works(True)
    gift.connecting.server.hook("POST", f"invoices/{invoice}/retry", {})
    gift.hear()
    assert (gift.row().status, gift.months()) == ("active", [("paid", 2500)] * 2)
    gift.card_works(False)
    failing = gift.renew()["id"]
    for _retry in range(3):
        gift.connecting.server.hook("POST", f"invoices/{failing}/retry", {})
        gift.hear()
    assert (gift.row().status, gift.row().ended_by) == ("ended", "payment")
    assert gift.mails().count("monthly_ended") == 1
    assert "your bank declined the payment. No further" in gift.page()
    assert gift.months() == [("paid", 2500)] * 2


def _as_it_is(gift: Monthly) -> gateway_monthly.SubscriptionFacts:
    return gateway_monthly.fetch_subscription(gift.row().stripe_subscription_id or "", account=gift.account)


def test_its_donor_changes_pauses_resumes_and_stops_it_with_one_press(
    gift: Monthly, mailbox: Mailbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    gift.begin()
    client = gift.connecting.client
    page = client.get(f"/donations/{queries.donation_token(gift.connecting.donation(gift.given).id)}").text
    assert "$25 every month" in page
    assert client.post(gift.url("/amount"), data={"amount": "a lot"}).status_code == 422
    assert client.post(gift.url("/amount"), data={"amount": "0.10"}).status_code == 422
    assert client.post(gift.url("/amount"), data={"amount": "40"}).status_code == 303
    assert (gift.row().amount_minor, gift.row().asked_minor, gift.row().wanted_minor) == (4000, [2500, 4000], None)
    gift.renew()
    gift.hear()
    assert gift.months() == [("paid", 2500), ("paid", 4000)]
    # Who has no account finds the way to stop it in every month's mail.
    thanks = [text_of(mail) for mail in mailbox.messages if "thank you" in mail["Subject"]]
    assert ["You give this every month" in text and gift.url() in text for text in thanks] == [True, True]
    asked_at, before = now(), _as_it_is(gift)
    assert client.post(gift.url("/pause")).status_code == 303
    assert gift.row().status == "paused"
    with transaction():  # what was asked before that, and comes to be written after it
        assert not operations.note_subscription(gift.id, before, asked_at=asked_at)
    assert gift.row().status == "paused"
    gift.renew()
    gift.hear()
    assert len(gift.months()) == 2
    pause = gateway_monthly.pause_subscription

    def heard_of_meanwhile(*about: Any, **named: Any) -> Any:
        """Somebody asks just before it is done, and writes what they read when it is."""
        asked_at, before = now(), _as_it_is(gift)
        answer = pause(*about, **named)
        with transaction():
            assert operations.note_subscription(gift.id, before, asked_at=asked_at)
        return answer

    with monkeypatch.context() as meanwhile:
        meanwhile.setattr(gateway_monthly, "pause_subscription", heard_of_meanwhile)
        assert client.post(gift.url("/resume")).status_code == 303
    assert gift.row().status == "active"  # which of the two is newer nobody knows: it was asked once more
    # Stripe may let it stand still by its own rules, or the organization in the dashboard: its donor resumes that, too.
    assert client.post(gift.url("/pause")).status_code == 303
    gift.connecting.server.hook("POST", f"subscriptions/{before.id}/hold", {})
    gift.hear()
    assert (gift.row().status, gift.subscription()["status"]) == ("paused", "paused")
    assert gift.subscription()["pause_collection"] is not None
    assert gift.renew() is None
    with monkeypatch.context() as waits:  # Stripe may wait for an invoice first
        waits.setattr(gateway_monthly, "resume_subscription", lambda *_about, **_named: _as_it_is(gift))
        answer = client.post(gift.url("/resume"))
    assert answer.status_code == 409
    assert "has not resumed it yet. Look again later" in answer.text
    assert (gift.row().status, gift.subscription()["pause_collection"]) == ("paused", None)
    assert "Resumed, from the next month on" in follow(client, client.post(gift.url("/resume")))
    assert (gift.row().status, gift.subscription()["status"]) == ("active", "active")
    gift.hear()
    assert len(gift.months()) == 2
    gift.renew()
    gift.hear()
    assert len(gift.months()) == 3
    late = now(), _as_it_is(gift)
    assert client.post(gift.url("/stop")).status_code == 303
    with transaction():
        operations.note_subscription(gift.id, late[1], asked_at=late[0])
    assert (gift.row().status, gift.row().ended_by) == ("ended", "donor")
    assert gift.subscription()["status"] == "canceled"
    assert client.post(gift.url("/stop")).status_code == 303  # twice changes nothing
    gift.hear()
    page = gift.page()
    assert "You stopped it" in page
    assert "Stop it" not in page
    for act in ("/amount", "/pause", "/resume", "/card"):
        assert client.post(gift.url(act), data={"amount": "40"}).status_code == 303
    assert gift.mails().count("monthly_ended") == 1
    assert gift.connecting.server.refused() == []
    wrong = gift.url()[:-1] + ("1" if gift.url().endswith("0") else "0")
    assert client.get(wrong).status_code == 404


@pytest.mark.rule("F6")
def test_an_answer_lost_on_the_way_is_found_again(gift: Monthly) -> None:
    gift.begin()
    server, client = gift.connecting.server, gift.connecting.client
    server.hook("POST", "faults", {"mode": "drop", "method": "POST", "path": "/v1/subscriptions", "times": 2})
    assert client.post(gift.url("/amount"), data={"amount": "40"}).status_code == 503
    assert (gift.row().amount_minor, gift.row().wanted_minor) == (2500, 4000)
    gift.renew()  # the month comes before we know
    gift.hear()
    assert gift.months() == [("paid", 2500), ("paid", 4000)]
    assert gift.row().amount_minor == 4000
    server.hook("POST", "faults", {"mode": "500", "method": "DELETE", "path": "/v1/subscriptions", "times": 100})
    assert "We are stopping it" in follow(client, client.post(gift.url("/stop")))
    assert gift.row().stop_asked_at is not None
    assert "has not confirmed that yet" in gift.page()
    assert "No further payment is asked for" not in gift.page()
    # Its promise was given up: a month that is paid all the same makes another, and the sweep needs none.
    for made in (1, 2):
        with transaction():
            given_up = sa.update(Outbox).where(Outbox.kind == "stop_monthly").values(given_up_at=now())
            assert len(db.session.execute(given_up.returning(Outbox.id)).all()) == made
        gift.renew()
        gift.connecting.deliver_connected()
        gift.work_off()
    assert "given up" in " ".join(one.text for one in doctor.look_at_inbox())
    with transaction():
        db.session.execute(given_up)
    with moved_to(now() + dt.timedelta(hours=1)):
        monthly.check_monthly()
        assert gift.row().status == "active"
        server.hook("DELETE", "faults")
        monthly.check_monthly()  # what was asked a moment ago waits its turn
        assert gift.row().status == "active"
    with moved_to(now() + dt.timedelta(hours=2)):
        monthly.check_monthly()
    assert gift.row().status == "ended"
    assert gift.subscription()["status"] == "canceled"
    assert "You stopped it" in gift.page()


@pytest.mark.rule("F8")
def test_it_stops_with_its_fundraiser_and_its_donor_was_told(gift: Monthly) -> None:
    fundraiser = gift.connecting.fundraiser()
    with transaction():
        db.session.get_one(Fundraiser, fundraiser.id).ends_on = today("UTC") + dt.timedelta(days=20)
    address = f"/fundraisers/{gift.connecting.fundraiser().slug}/donate"
    assert "stops by itself when the fundraiser ends" in gift.connecting.client.get(address).text
    gift.begin()
    assert "The next payment is on" not in gift.page()  # that day is after the end
    assert "monthly_ends_soon" not in gift.mails()
    with moved_to(now() + dt.timedelta(days=14)):
        monthly.tell_of_ends()
        monthly.tell_of_ends()
    assert gift.mails().count("monthly_ends_soon") == 1
    with transaction():
        end_fundraiser(fundraiser.id, by=gift.connecting.fundraiser().started_by)
    gift.work_off()
    assert (gift.row().status, gift.row().ended_by) == ("ended", "fundraiser")
    assert gift.subscription()["status"] == "canceled"
    gift.work_off()
    assert gift.mails().count("monthly_ended") == 1


@pytest.mark.rule("F8")
def test_a_suspended_organization_is_given_no_more_months(gift: Monthly) -> None:
    gift.begin()
    with transaction():
        gift.connecting.fundraiser().organization.status = "suspended"
    monthly.check_monthly()
    gift.work_off()
    assert gift.row().status == "ended"


@pytest.mark.rule("F4")
def test_an_organization_cannot_speak_of_anothers_monthly_gift(gift: Monthly) -> None:
    gift.begin()
    server = gift.connecting.server
    foreign = gift.connecting.open_account(make_organization(make_person()), make_person())
    copied = dict(next(r for r in server.posts() if r.path == "/v1/checkout/sessions").form)
    made = gift.connecting.raw_post("/v1/checkout/sessions", copied, account=foreign)
    server.act(made["id"], "pay")
    stolen = server.call("GET", f"/v1/checkout/sessions/{made['id']}", account=foreign)["subscription"]
    server.hook("POST", f"subscriptions/{stolen}/renew", {})
    for event in server.events(foreign):
        gift.connecting.knock(event)
        gift.work_off()
        if event["type"].startswith(("invoice", "customer.subscription.updated")):
            assert note_of(event["id"])[0] == "ignored"
    assert gift.months() == [("paid", 2500)]
    assert gift.row().status == "active"


def test_the_api_begins_a_monthly_gift(connecting: Connecting, work_off: WorkOff) -> None:
    fundraiser = connecting.fundraiser()
    body = {"amount_minor": 2500, "currency": "USD", "frequency": "monthly", "name": "Dee", "email": "dee@example.org"}
    made = connecting.client.post(f"/api/v1/fundraisers/{fundraiser.slug}/donations", json=body)
    assert made.status_code == 201, made.json
    connecting.server.act(made.json["checkout_url"].rpartition("/")[2], "pay")
    connecting.deliver_connected()
    assert work_off()["failed"] == 0
    db.session.rollback()
    (row,) = db.session.scalars(sa.select(MonthlyGift))
    assert (row.status, row.amount_minor) == ("active", 2500)


def test_one_that_was_stopped_before_its_payment_came_is_stopped_then(gift: Monthly) -> None:
    assert monthly.stop_by_donor(gift.id)
    gift.hear()
    assert gift.row().stop_asked_at is not None
    assert gift.connecting.donation(gift.given).status == "expired"


@pytest.mark.rule("F3")
@pytest.mark.parametrize("guard", ["guarded", "unseen"])
def test_one_month_heard_of_by_several_processes_is_one_donation(gift: Monthly, tmp_path: Path, guard: str) -> None:
    """Without the look under the lock the database refuses the second: a process fails, and still nothing is doubled."""
    gift.begin()
    invoice = gift.renew()["id"]
    commands = [[guard, "follow", gift.account, invoice]] * 3
    ended = [status for status, _told in at_once(gift.connecting.app, tmp_path, "monthly_worker", commands)]
    assert any(ended) is (guard == "unseen")
    assert gift.months() == [("paid", 2500)] * 2
    assert [kind for _label, kind, _entries in ledger_table()].count("gift") == 2


def test_my_help_shows_what_is_given_every_month(gift: Monthly, sign_in: Any) -> None:
    donor = make_person(email="rosa@example.org")
    with transaction():
        gift.connecting.donation(gift.given).person_id = donor.id
    gift.begin()
    page = sign_in(donor).get("/my-help").text
    assert "Every month" in page
    assert gift.url() in page


UK = {
    "gift_aid": "y", "gift_aid_first_name": "Rosa", "gift_aid_last_name": "Delgado", "gift_aid_address": "12 Mare Street",
    "gift_aid_postal_code": "E8 3RE",
}  # fmt: skip


def find_or_make_terms(organization_id: int) -> GivingTerms:
    """What the organization says of gifts, as a row."""
    found = db.session.get(GivingTerms, organization_id)
    if found is None:
        found = GivingTerms(organization_id=organization_id, changed_at=now())
        db.session.add(found)
    return found


def declarations() -> list[tuple[str, str, str]]:
    """(wording, address, status of the gift) of each Gift Aid declaration, as the gifts were begun."""
    db.session.rollback()
    query = sa.select(GiftAidDeclaration.text_version, GiftAidDeclaration.address, Donation.status)
    query = query.join(Donation, Donation.id == GiftAidDeclaration.donation_id)
    return [tuple(row) for row in db.session.execute(query.order_by(Donation.created_at, Donation.id))]


def test_gift_aid_is_declared_once_for_every_month_and_goes_when_nothing_was_paid(
    connecting: Connecting, work_off: WorkOff
) -> None:
    pantry = make_organization(country="GB", currency="GBP", name="Hackney Pantry", time_zone="Europe/London")
    connecting._fundraisers["GBP"] = make_fundraiser(pantry)
    page = connecting.client.get(f"/fundraisers/{connecting.fundraiser('GBP').slug}/donate").text
    wording = "any donations I make in the future or have made in the past 4 years to Hackney Pantry"
    assert wording in " ".join(page.split())
    gift = Monthly(connecting, work_off, currency="GBP", **UK)
    assert declarations() == [(EVERY_GIFT, "12 Mare Street", "pending")]
    said = connecting.client.get(f"/api/v1/fundraisers/{connecting.fundraiser('GBP').slug}/giving").json
    assert said["gift_aid_monthly"]["wording"] == EVERY_GIFT
    assert wording in said["gift_aid_monthly"]["agreed"]
    gift.begin()
    gift.renew()
    gift.hear()
    assert declarations() == [(EVERY_GIFT, "12 Mare Street", "paid")] * 2
    with transaction():  # it claims no more: what comes then is not declared
        find_or_make_terms(gift.row().organization_id).claims_gift_aid = False
    gift.renew()
    gift.hear()
    assert (len(gift.months()), len(declarations())) == (3, 2)
    with transaction():
        find_or_make_terms(gift.row().organization_id).claims_gift_aid = True
    # Its donor cancels it on the page of any month: it is cancelled for all, once, and later months are not declared.
    address = f"/donations/{gift.given.token}"
    assert "Gift Aid on every month" in connecting.client.get(address).text
    for _press in range(2):
        assert connecting.client.post(f"{address}/gift-aid/cancel").status_code == 303
    assert "You cancelled your declaration on" in connecting.client.get(address).text
    query = sa.select(sa.func.count()).where(GiftAidDeclaration.cancelled_at.is_not(None))
    assert db.session.scalar(query) == 2
    gift.renew()
    gift.hear()
    assert (len(gift.months()), len(declarations())) == (4, 2)
    cancelled = sa.select(AuditEvent.actor_id).where(AuditEvent.action == "gift_aid.cancelled").order_by(AuditEvent.id)
    assert db.session.scalars(cancelled).all() == [None, None]
    # Declarations of what was never paid go, after the donor can go on with it no more, and no others.
    connecting.give("10", "GBP", **UK)
    assert declarations()[-1] == (ONE_GIFT, "12 Mare Street", "pending")
    odd = connecting.give("11", "GBP", **UK)  # paid otherwise than asked: never counted, so nothing is ever claimed
    with transaction():
        connecting.donation(odd).status = "mismatched"
    for days, left in ((29, 4), (32, 2)):
        with moved_to(now() + dt.timedelta(days=days)), transaction():
            purge_declarations()
        assert len(declarations()) == left
    actions = db.session.scalars(sa.select(AuditEvent.action).where(AuditEvent.action == "gift_aid.purged")).all()
    assert len(actions) == 2


@pytest.mark.rule("F9")
def test_a_hidden_name_is_hidden_in_every_month_and_so_is_what_was_hidden_of_its_words(
    connecting: Connecting, work_off: WorkOff, sign_in: Any
) -> None:
    wishes = {
        "anonymous": "yes", "hide_from_organization": "y", "message": "For my boys", "dedication": "memory",
        "dedicated_to": "Grandmother Inez", "company": "Delgado Roofing",
    }  # fmt: skip
    gift = Monthly(connecting, work_off, **wishes).begin()
    gift.renew()
    gift.hear()
    fundraiser = connecting.fundraiser()
    starter, owner = fundraiser.started_by, make_member(fundraiser.organization, "owner")
    with transaction():
        hide_message(gift.given.donation_id, by=owner, reason="She asked us")
    gift.renew()
    gift.hear()
    db.session.rollback()
    query = sa.select(Donation).where(Donation.monthly_gift_id == gift.id).order_by(Donation.created_at, Donation.id)
    months = db.session.scalars(query).all()
    assert [(one.message, one.dedicated_to, one.hidden_by) for one in months] == [
        ("For my boys", "Grandmother Inez", "staff"),
        ("", "Grandmother Inez", ""),
        ("", "Grandmother Inez", "staff"),
    ]
    assert {(one.anonymous, one.hide_from_starter, one.hide_from_organization) for one in months} == {(True,) * 3}
    assert {one.name for one in months} == {"Rosa Delgado"}  # the receipt keeps it
    slug, manage = fundraiser.slug, f"/manage/{fundraiser.organization.slug}"
    staffs = [f"{manage}/donations/{encode_id(one.id)}" for one in months]
    staffs += [f"{manage}/money", f"{manage}/fundraisers/{slug}", f"/api/v1/fundraisers/{slug}/donations"]
    public = [f"/fundraisers/{slug}", f"/embed/fundraisers/{slug}", f"/api/v1/fundraisers/{slug}/donations"]
    db.session.rollback()
    for person, pages in ((owner, staffs), (starter, public), (None, public)):
        client = connecting.client if person is None else sign_in(person)
        for page in pages:
            answer = client.get(page)
            assert answer.status_code == 200, page
            for name in ("Rosa", "Delgado", "rosa@example.org"):
                assert name not in answer.text, (page, name)
    text = "".join(exports.lines("donations"))
    db.session.rollback()
    assert len(text.splitlines()) == 4
    assert "Rosa" not in text
    assert "Delgado" not in text
    assert "rosa@" not in text


@pytest.mark.rule("F6")
def test_the_page_for_another_card_is_set_up_once_for_each_account(gift: Monthly) -> None:
    gift.begin()
    for days in (0, 2):  # Stripe forgets the key of a request after a day
        gift.connecting.server.hook("POST", "clock", {"advance": days * 86400})
        assert gift.connecting.client.post(gift.url("/card")).status_code == 303
    asked = [one for one in gift.connecting.server.posts() if one.path == "/v1/billing_portal/configurations"]
    assert len(asked) == 1
    sessions = [one.form for one in gift.connecting.server.posts() if one.path == "/v1/billing_portal/sessions"]
    assert len({form["configuration"] for form in sessions}) == 1
    assert len(sessions) == 2
