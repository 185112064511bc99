"""The demo payment server speaks Stripe's HTTP: everything here goes through the real stripe package."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPMessage
from pathlib import Path
from typing import Any

import pytest
import stripe
from stripe.params.checkout import SessionCreateParams

from deploy.demo_payments import currencies, specs
from deploy.demo_payments.errors import API_VERSION
from tests.demo_payments import ROOT, SECRET, DemoServer, Receiver
from tests.page_rules import page_errors


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DemoServer]:
    with DemoServer(tmp_path_factory.mktemp("demo")) as started:
        yield started


def params(**changes: Any) -> Any:
    """A one-off gift of 25 dollars, as the application asks for it."""
    price = {
        "currency": changes.pop("currency", "usd"),
        "unit_amount": changes.pop("unit_amount", 2500),
        "product_data": {"name": "Gift to Riverside Food Bank"},
    }
    asked = {
        "mode": "payment",
        "submit_type": "donate",
        "line_items": [{"quantity": 1, "price_data": price}],
        "metadata": {"donation_id": "d1"},
        "payment_intent_data": {"metadata": {"donation_id": "d1"}},
        "success_url": "http://localhost:8000/thanks?session={CHECKOUT_SESSION_ID}",
        "cancel_url": "http://localhost:8000/fundraisers/roof",
        **changes,
    }
    return {name: value for name, value in asked.items() if value is not None}


def create(server: DemoServer, key: str | None = None, **changes: Any) -> stripe.checkout.Session:
    options: stripe.RequestOptions = {"idempotency_key": key} if key else {}
    return server.client().v1.checkout.sessions.create(params(**changes), options)


def refused(server: DemoServer, asked: Any) -> stripe.InvalidRequestError:
    with pytest.raises(stripe.InvalidRequestError) as caught:
        server.client().v1.checkout.sessions.create(asked)
    return caught.value


def events_about(server: DemoServer, object_id: str) -> list[str]:
    """Types of the events about an object, in the order they happened."""
    found = server.client().v1.events.list({"limit": 100})
    return [event.type for event in found.auto_paging_iter() if event.data.object["id"] == object_id][::-1]


def test_a_session_begins_open_unpaid_and_without_payment(server: DemoServer) -> None:
    session = create(server, customer_email="ada@example.org", client_reference_id="d1")
    assert session.id.startswith("cs_test_")
    assert (session.status, session.payment_status, session.payment_intent) == ("open", "unpaid", None)
    assert (session.amount_total, session.currency, session.livemode) == (2500, "usd", False)
    assert session.metadata is not None
    assert session.metadata.to_dict() == {"donation_id": "d1"}
    assert session.url == f"{server.base_url}/c/pay/{session.id}"
    again = server.client().v1.checkout.sessions.retrieve(session.id, {"expand": ["line_items"]})
    assert again.line_items is not None
    assert again.line_items.data[0].amount_total == 2500


def declared(kind: type) -> set[str]:
    """The fields that the installed package declares for a kind of object."""
    return {name for name in kind.__annotations__ if not name.startswith("_")} - {"OBJECT_NAME"}


def test_every_field_of_the_pinned_version_is_there_and_no_other(server: DemoServer) -> None:
    session = create(server)
    server.act(session.id, "pay")
    server.settle()
    found = server.client().v1.checkout.sessions.retrieve(
        session.id, {"expand": ["payment_intent.latest_charge.balance_transaction"]}
    )
    intent: Any = found.payment_intent
    charge: Any = intent.latest_charge
    # Present only for accounts and payments of another kind.
    optional = {
        "line_items",
        "refunds",
        "authorization_code",
        "allowed_payment_method_types",
        "excluded_payment_method_types",
        "level3",
        "transfer",
    }
    optional |= {"hooks", "managed_payments", "payment_details", "presentment_details", "payment_record"}
    for thing, kind in (
        (found, stripe.checkout.Session),
        (intent, stripe.PaymentIntent),
        (charge, stripe.Charge),
        (charge.balance_transaction, stripe.BalanceTransaction),
    ):
        fields = set(thing.to_dict())
        assert fields - declared(kind) == set(), kind
        assert declared(kind) - fields - optional == set(), kind


def test_the_list_of_parameters_is_one_that_the_package_knows() -> None:
    assert set(specs.CREATE_SESSION.of) <= set(SessionCreateParams.__annotations__)
    assert stripe.api_version == API_VERSION


@pytest.mark.parametrize(
    ("changes", "param", "code"),
    [
        ({"payment_method_types": ["card"]}, "payment_method_types", "parameter_unknown"),
        ({"payment_intent_data": {"transfer_group": "x"}}, "payment_intent_data[transfer_group]", "parameter_unknown"),
        ({"mode": None}, "mode", "parameter_missing"),
        ({"success_url": None}, "success_url", "parameter_missing"),
        ({"line_items": None}, "line_items", "parameter_missing"),
        ({"success_url": "thanks"}, "success_url", "url_invalid"),
        ({"customer_email": "ada"}, "customer_email", "email_invalid"),
        ({"customer_email": ""}, "customer_email", "parameter_invalid_empty"),
        ({"unit_amount": "25.00"}, "line_items[0][price_data][unit_amount]", "parameter_invalid_integer"),
        ({"unit_amount": -1}, "line_items[0][price_data][unit_amount]", "parameter_invalid_integer"),
        ({"currency": "xyz"}, "line_items[0][price_data][currency]", None),
        ({"ui_mode": "hosted"}, "ui_mode", None),
        ({"mode": "subscription"}, "payment_intent_data", None),
        ({"expires_at": 1}, "expires_at", None),
        ({"metadata": {"donation_id": "d" * 501}}, "metadata[donation_id]", None),
    ],
)
def test_what_is_not_on_its_list_is_refused_by_name(
    server: DemoServer, changes: dict[str, Any], param: str, code: str | None
) -> None:
    error = refused(server, params(**changes))
    assert (error.http_status, error.param, error.code) == (400, param, code)


@pytest.mark.parametrize("missing", ["currency", "unit_amount", "product_data"])
def test_a_price_must_be_whole(server: DemoServer, missing: str) -> None:
    asked = params()
    del asked["line_items"][0]["price_data"][missing]
    error = refused(server, asked)
    assert (error.param, error.code) == (f"line_items[0][price_data][{missing}]", "parameter_missing")


@pytest.mark.parametrize(
    ("currency", "least"), [("usd", 50), ("jpy", 50), ("gbp", 30), ("kwd", 150), ("isk", 6000), ("eur", 50)]
)
def test_amounts_have_a_smallest_and_a_largest(server: DemoServer, currency: str, least: int) -> None:
    step = currencies.step(currency)
    assert create(server, currency=currency, unit_amount=least).amount_total == least
    assert refused(server, params(currency=currency, unit_amount=least - step)).code == "amount_too_small"
    assert refused(server, params(currency=currency, unit_amount=10**12)).code == "amount_too_large"


@pytest.mark.parametrize(("currency", "amount"), [("kwd", 1001), ("bhd", 1005), ("isk", 10050), ("ugx", 200001)])
def test_amounts_are_whole_where_cards_are_charged_so(server: DemoServer, currency: str, amount: int) -> None:
    assert refused(server, params(currency=currency, unit_amount=amount)).code == "invalid_charge_amount"


def test_the_same_key_and_request_give_the_same_answer(server: DemoServer) -> None:
    first, again = create(server, "gift-1"), create(server, "gift-1")
    assert first.id == again.id
    assert first.last_response is not None
    assert again.last_response is not None
    assert "Idempotent-Replayed" not in first.last_response.headers
    assert again.last_response.headers["Idempotent-Replayed"] == "true"
    assert again.last_response.headers["Original-Request"] == first.last_response.headers["Request-Id"]


def test_a_key_belongs_to_one_request(server: DemoServer) -> None:
    create(server, "gift-2")
    with pytest.raises(stripe.IdempotencyError) as caught:
        create(server, "gift-2", unit_amount=2600)
    assert caught.value.http_status == 400


def test_a_request_that_was_refused_leaves_its_key_free(server: DemoServer) -> None:
    with pytest.raises(stripe.InvalidRequestError):
        create(server, "gift-3", unit_amount=1)
    assert create(server, "gift-3").status == "open"


def test_the_same_key_at_the_same_time_is_a_conflict(server: DemoServer) -> None:
    server.fault("delay", method="POST", path="/checkout/sessions", seconds=60)
    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(create, server, "gift-4")
        while not server.request("/_demo/faults")["met"]:
            time.sleep(0.02)
        with pytest.raises(stripe.StripeError) as caught:
            create(server, "gift-4")
        assert caught.value.http_status == 409
        server.request("/_demo/faults", method="DELETE")
        assert first.result(timeout=20).id == create(server, "gift-4").id


def test_an_answer_that_is_lost_is_given_again(server: DemoServer) -> None:
    server.fault("drop", method="POST", path="/checkout/sessions")
    with pytest.raises(stripe.APIConnectionError):
        create(server, "gift-5", client_reference_id="lost")
    found = create(server, "gift-5", client_reference_id="lost")
    recent = server.client().v1.checkout.sessions.list({"limit": 100})
    assert [session.id for session in recent if session.client_reference_id == "lost"] == [found.id]


def test_the_package_tries_again_by_itself(server: DemoServer) -> None:
    server.fault("drop", method="POST", path="/checkout/sessions")
    client = server.client(max_network_retries=2)
    session = client.v1.checkout.sessions.create(params(), {"idempotency_key": "gift-6"})
    assert session.last_response is not None
    assert session.last_response.headers["Idempotent-Replayed"] == "true"


FAULTS = [("500", stripe.APIError), ("429", stripe.RateLimitError), ("400", stripe.InvalidRequestError)]


@pytest.mark.parametrize(("mode", "kind"), FAULTS)
def test_a_fault_passes(server: DemoServer, mode: str, kind: type[Exception]) -> None:
    server.fault(mode, path="/v1/events")
    with pytest.raises(kind):
        server.client().v1.events.list()
    assert server.client().v1.events.list({"limit": 1}).object == "list"


def test_only_its_own_test_key_is_taken(server: DemoServer) -> None:
    for key in ("sk_test_another", "sk_live_real"):
        with pytest.raises(stripe.AuthenticationError):
            server.client(key=key).v1.events.list()
    command = [sys.executable, "-m", "deploy.demo_payments", "--key", "sk_live_real", "--webhook-secret", SECRET]
    outcome = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert outcome.returncode == 1
    assert "live" in outcome.stderr


def test_another_version_of_the_api_is_refused(server: DemoServer) -> None:
    with pytest.raises(stripe.InvalidRequestError, match="version"):
        server.client(stripe_version="2024-06-20").v1.events.list()


def test_what_it_does_not_offer_says_so(server: DemoServer) -> None:
    with pytest.raises(stripe.InvalidRequestError) as caught:
        server.client().v1.coupons.create({"percent_off": 10})
    assert caught.value.http_status == 404
    for fetch in (server.client().v1.checkout.sessions.retrieve, server.client().v1.payment_intents.retrieve):
        with pytest.raises(stripe.InvalidRequestError) as caught:
            fetch("nothing")
        assert (caught.value.http_status, caught.value.code) == (404, "resource_missing")


def test_paying_makes_a_payment_a_charge_and_later_its_fee(server: DemoServer) -> None:
    server.request("/_demo/settle", {"seconds": None})
    session = create(server)
    server.act(session.id, "pay")
    paid = server.client().v1.checkout.sessions.retrieve(session.id)
    assert (paid.status, paid.payment_status, paid.url) == ("complete", "paid", None)
    assert isinstance(paid.payment_intent, str)
    intent = server.client().v1.payment_intents.retrieve(paid.payment_intent)
    assert (intent.status, intent.amount_received, intent.metadata["donation_id"]) == ("succeeded", 2500, "d1")
    assert isinstance(intent.latest_charge, str)
    charge = server.client().v1.charges.retrieve(intent.latest_charge)
    assert (charge.paid, charge.captured, charge.balance_transaction) == (True, True, None)
    server.settle()
    charge = server.client().v1.charges.retrieve(charge.id, {"expand": ["balance_transaction"]})
    booked: Any = charge.balance_transaction
    assert (booked.amount, booked.fee, booked.net, booked.source) == (2500, 103, 2397, charge.id)
    assert events_about(server, charge.id) == ["charge.succeeded", "charge.updated"]
    assert events_about(server, intent.id) == ["payment_intent.created", "payment_intent.succeeded"]
    assert events_about(server, session.id) == ["checkout.session.completed"]
    listed = server.client().v1.balance_transactions.list({"source": charge.id})
    assert [transaction.id for transaction in listed] == [booked.id]


def test_a_declined_card_leaves_the_session_open_for_another_try(server: DemoServer) -> None:
    session = create(server)
    server.act(session.id, "decline")
    declined = server.client().v1.checkout.sessions.retrieve(session.id, {"expand": ["payment_intent"]})
    intent: Any = declined.payment_intent
    assert (declined.status, declined.payment_status, intent.status) == ("open", "unpaid", "requires_payment_method")
    assert (intent.last_payment_error.code, intent.amount_received) == ("card_declined", 0)
    server.act(session.id, "pay")
    assert events_about(server, intent.id) == [
        "payment_intent.created",
        "payment_intent.payment_failed",
        "payment_intent.succeeded",
    ]
    assert server.client().v1.payment_intents.retrieve(intent.id).status == "succeeded"


@pytest.mark.parametrize(
    ("outcome", "event", "payment_status", "intent_status"),
    [
        ("bank_confirms", "checkout.session.async_payment_succeeded", "paid", "succeeded"),
        ("bank_refuses", "checkout.session.async_payment_failed", "unpaid", "requires_payment_method"),
    ],
)
def test_a_bank_payment_completes_unpaid_and_is_settled_later(
    server: DemoServer, outcome: str, event: str, payment_status: str, intent_status: str
) -> None:
    session = create(server)
    server.act(session.id, "pay_later")
    waiting = server.client().v1.checkout.sessions.retrieve(session.id, {"expand": ["payment_intent"]})
    intent: Any = waiting.payment_intent
    assert (waiting.status, waiting.payment_status, intent.status) == ("complete", "unpaid", "processing")
    server.act(session.id, outcome)
    settled = server.client().v1.checkout.sessions.retrieve(session.id, {"expand": ["payment_intent"]})
    intent = settled.payment_intent
    assert (settled.status, settled.payment_status, intent.status) == ("complete", payment_status, intent_status)
    assert events_about(server, session.id) == ["checkout.session.completed", event]
    with pytest.raises(urllib.error.HTTPError):
        server.act(session.id, outcome)


def test_an_open_session_can_be_closed_once(server: DemoServer) -> None:
    session = create(server)
    sessions = server.client().v1.checkout.sessions
    assert sessions.expire(session.id, {}, {"idempotency_key": "close-1"}).status == "expired"
    assert sessions.expire(session.id, {}, {"idempotency_key": "close-1"}).status == "expired"
    with pytest.raises(stripe.InvalidRequestError):
        sessions.expire(session.id, {}, {"idempotency_key": "close-2"})
    assert events_about(server, session.id) == ["checkout.session.expired"]


def test_lists_are_paged_and_filtered(server: DemoServer) -> None:
    made = [create(server, client_reference_id=f"page-{number}").id for number in range(5)]
    sessions = server.client().v1.checkout.sessions
    first = sessions.list({"limit": 2})
    assert [session.id for session in first] == made[:2:-1]
    assert first.has_more
    rest = sessions.list({"limit": 2, "starting_after": first.data[-1].id})
    assert [session.id for session in rest] == [made[2], made[1]]
    before = sessions.list({"limit": 2, "ending_before": rest.data[0].id})
    assert [session.id for session in before] == [made[4], made[3]]
    everything = [session.id for session in sessions.list({"limit": 3}).auto_paging_iter()]
    assert everything[:5] == made[::-1]
    assert sessions.list({"created": {"gte": int(time.time()) + 3600}}).data == []
    server.act(made[0], "pay")
    complete = [session.id for session in sessions.list({"status": "complete", "limit": 100})]
    assert made[0] in complete
    assert made[1] not in complete
    kinds = {event.type for event in server.client().v1.events.list({"types": ["checkout.session.completed"]})}
    assert kinds == {"checkout.session.completed"}
    with pytest.raises(stripe.InvalidRequestError):
        sessions.list({"subscription": "sub_1"})


def test_time_closes_what_nobody_paid(tmp_path: Path) -> None:
    with DemoServer(tmp_path) as server:
        session, paid = create(server), create(server)
        server.act(paid.id, "pay")
        server.advance(24 * 3600 + 1)
        assert server.client().v1.checkout.sessions.retrieve(session.id).status == "expired"
        assert server.client().v1.checkout.sessions.retrieve(paid.id).status == "complete"
        assert events_about(server, session.id) == ["checkout.session.expired"]


def test_events_are_signed_so_that_the_package_accepts_them(tmp_path: Path) -> None:
    with Receiver() as receiver, DemoServer(tmp_path, receiver.url) as server:
        session = create(server)
        server.act(session.id, "pay")
        receiver.wait_for("charge.updated")
        assert receiver.types() == [
            "payment_intent.created",
            "charge.succeeded",
            "payment_intent.succeeded",
            "checkout.session.completed",
            "charge.updated",
        ]
        for headers, body in receiver.received:
            event = stripe.Webhook.construct_event(body, headers["Stripe-Signature"], SECRET)
            assert event.api_version == stripe.api_version
            assert server.client().v1.events.retrieve(event.id).data.object["id"] == event.data.object["id"]
        headers, body = receiver.received[0]
        with pytest.raises(stripe.SignatureVerificationError):
            stripe.Webhook.construct_event(body + b" ", headers["Stripe-Signature"], SECRET)
        with pytest.raises(stripe.SignatureVerificationError):
            stripe.Webhook.construct_event(body, headers["Stripe-Signature"], "whsec_other")


def test_events_are_held_and_sent_in_any_order_any_number_of_times(tmp_path: Path) -> None:
    with Receiver() as receiver, DemoServer(tmp_path, receiver.url) as server:
        server.hold()
        session = create(server)
        server.act(session.id, "pay")
        events = [event.id for event in server.client().v1.events.list()]
        assert receiver.received == []
        assert server.deliver(*events, events[0]) == [200] * 5
        assert receiver.types()[0] == "checkout.session.completed"
        assert [json.loads(body)["id"] for _headers, body in receiver.received] == [*events, events[0]]
        assert server.deliver(*events, concurrently=True) == [200] * 4
        states = {delivery["state"] for delivery in server.request("/_demo/deliveries")["data"]}
        assert states == {"delivered"}


def test_what_was_not_taken_is_sent_again_even_after_a_crash(tmp_path: Path) -> None:
    with Receiver() as receiver:
        receiver.status = 500
        server = DemoServer(tmp_path, receiver.url)
        create(server)
        session = create(server)
        server.client().v1.checkout.sessions.expire(session.id)
        receiver.wait_for("checkout.session.expired")
        server.kill()
        receiver.status = 200
        with DemoServer(tmp_path, receiver.url) as server:
            receiver.wait_for("checkout.session.expired", 2)
            assert server.client().v1.checkout.sessions.retrieve(session.id).status == "expired"


# The hosted page, as a browser without JavaScript sees it.
class _NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_args: Any) -> None:
        return None


def browse(url: str, form: dict[str, str] | None = None, **headers: str) -> tuple[int, str, HTTPMessage]:
    """Status, text and headers of a page; redirects are not followed."""
    opener = urllib.request.build_opener(_NoRedirect, urllib.request.ProxyHandler({}))
    data = None if form is None else urllib.parse.urlencode(form).encode()
    try:
        with opener.open(urllib.request.Request(url, data, headers), timeout=20) as response:
            return response.status, response.read().decode(), response.headers
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read().decode(), error.headers


def page(url: str, form: dict[str, str] | None = None) -> str:
    """The text of a page, once its HTML is right."""
    _status, text, headers = browse(url, form)
    assert page_errors(text) == []
    assert "default-src 'none'" in headers["Content-Security-Policy"]
    return text


def test_the_page_pays_and_leads_back(server: DemoServer) -> None:
    session = create(server)
    assert session.url is not None
    text = page(session.url)
    # Browsers hold a form's redirect to the policy too.
    assert "form-action 'self' http://localhost:8000;" in browse(session.url)[2]["Content-Security-Policy"]
    assert "no money moves" in text
    assert "25.00 USD" in text
    assert "Gift to Riverside Food Bank" in text
    assert re.findall(r"<button[^>]*>([^<]*)</button>", text) == [
        "Pay",
        "Decline the card",
        "Pay by bank (confirmed later)",
    ]
    assert '<a class="button" href="http://localhost:8000/fundraisers/roof">Cancel</a>' in text
    status, _text, headers = browse(session.url, {"act": "pay"})
    assert (status, headers["Location"]) == (303, f"http://localhost:8000/thanks?session={session.id}")
    assert "It cannot be paid twice" in page(session.url)
    assert browse(session.url, {"act": "pay"})[0] == 409
    assert events_about(server, session.id) == ["checkout.session.completed"]


def test_the_page_tells_of_a_decline_and_lets_one_try_again(server: DemoServer) -> None:
    session = create(server)
    assert session.url is not None
    status, text, _headers = browse(session.url, {"act": "decline"})
    assert status == 402
    assert "The card was declined" in text
    assert "<title>Error: the card was declined" in text
    assert browse(session.url, {"act": "pay"})[0] == 303


def test_the_page_lets_the_bank_speak_later(server: DemoServer) -> None:
    session = create(server)
    assert session.url is not None
    assert browse(session.url, {"act": "pay_later"})[0] == 303
    assert "Waiting for the bank" in page(session.url)
    assert "waiting for the bank" in page(server.base_url + "/")
    assert browse(f"{session.url}/bank", {"act": "refuse"})[0] == 303
    assert "The payment failed" in page(session.url)


def test_the_page_says_when_it_is_over(server: DemoServer) -> None:
    session = create(server)
    assert session.url is not None
    server.client().v1.checkout.sessions.expire(session.id)
    assert "has expired" in page(session.url)
    assert browse(session.url, {"act": "pay"})[0] == 409
    assert browse(f"{server.base_url}/c/pay/nothing")[0] == 404


def test_other_sites_reach_nothing(server: DemoServer) -> None:
    session = create(server)
    assert session.url is not None
    assert browse(session.url, {"act": "pay"}, Origin="https://example.org")[0] == 403
    assert browse(session.url, Host="example.org")[0] == 403
    assert server.client().v1.checkout.sessions.retrieve(session.id).status == "open"


def test_it_knows_nothing_of_the_application() -> None:
    sources = sorted((ROOT / "deploy" / "demo_payments").glob("*.py"))
    assert len(sources) > 5
    for path in sources:
        assert not re.search(r"^\s*(from|import) (app|config|stripe|sqlalchemy)\b", path.read_text(), re.MULTILINE), (
            path
        )
