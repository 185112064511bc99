"""Subscriptions, their invoices, the clock and the portal at the demo payment server, through the real stripe package."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import stripe
import stripe.params
from stripe.params.billing_portal import SessionCreateParams as PortalParams

from deploy.demo_payments import specs
from tests.demo_payments import DemoServer
from tests.money.test_demo_connect import refused
from tests.money.test_demo_payment_server import browse, declared, page, params

DAY = 24 * 60 * 60


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DemoServer]:
    with DemoServer(tmp_path_factory.mktemp("demo")) as started:
        yield started


def monthly(**changes: Any) -> Any:
    """A gift of 25 dollars a month."""
    asked = params(mode="subscription", payment_intent_data=None, **changes)
    asked["line_items"][0]["price_data"]["recurring"] = {"interval": "month"}
    asked.setdefault("customer_email", "ada@example.org")
    asked.setdefault("subscription_data", {"metadata": {"donation_id": "d1", "monthly_gift": "m1"}})
    return asked


class Monthly:
    """A gift that began: its account, session and subscription."""

    def __init__(self, server: DemoServer, act: str = "pay", **changes: Any) -> None:
        self.server = server
        self.v1 = server.client().v1
        self.options: stripe.RequestOptions = {"stripe_account": server.account()}
        session = self.v1.checkout.sessions.create(monthly(**changes), self.options)
        assert (session.subscription, session.customer, session.invoice) == (None, None, None)
        server.act(session.id, act)
        self.session: Any = self.v1.checkout.sessions.retrieve(session.id, {}, self.options)
        self.id: str = self.session.subscription

    def now(self) -> stripe.Subscription:
        return self.v1.subscriptions.retrieve(self.id, {"expand": ["latest_invoice"]}, self.options)

    def item(self) -> stripe.SubscriptionItem:
        found: stripe.SubscriptionItem = self.now()["items"].data[0]
        return found

    def renew(self) -> Any:
        return self.server.request(f"/_demo/subscriptions/{self.id}/renew", {})["invoice"]

    def card_works(self, works: bool) -> None:
        self.server.request(f"/_demo/customers/{self.session.customer}/card", {"works": works})

    def invoices(self) -> list[tuple[str, int, int]]:
        """(status, amount, tries), oldest first."""
        found = self.v1.invoices.list({"subscription": self.id, "limit": 100}, self.options)
        return [(str(one.status), one.amount_due, one.attempt_count) for one in found][::-1]

    def types(self, after: int = 0) -> list[str]:
        """Types of the account's events, oldest first, those of charges and accounts left out."""
        found = [event.type for event in self.v1.events.list({"limit": 100}, self.options).auto_paging_iter()][::-1]
        return [kind for kind in found if not kind.startswith(("charge.", "account.", "payment_"))][after:]


def test_the_first_payment_makes_customer_subscription_and_a_paid_invoice(server: DemoServer) -> None:
    gift = Monthly(server)
    session = gift.session
    assert (session.status, session.payment_status, session.payment_intent) == ("complete", "paid", None)
    subscription = gift.now()
    assert subscription.metadata.to_dict() == {"donation_id": "d1", "monthly_gift": "m1"}
    assert (subscription.status, subscription.customer) == ("active", session.customer)
    invoice: Any = subscription.latest_invoice
    assert (invoice.id, invoice.status, invoice.amount_paid) == (session.invoice, "paid", 2500)
    assert invoice.billing_reason == "subscription_create"
    assert invoice.parent.subscription_details.subscription == gift.id
    assert invoice.parent.subscription_details.metadata.to_dict() == {"donation_id": "d1", "monthly_gift": "m1"}
    whole: Any = gift.v1.invoices.retrieve(invoice.id, {"expand": ["payments"]}, gift.options)
    (payment,) = whole.payments.data
    assert (payment.status, payment.amount_paid, payment.payment.type) == ("paid", 2500, "payment_intent")
    listed = gift.v1.invoice_payments.list(
        {"payment": {"type": "payment_intent", "payment_intent": payment.payment.payment_intent}}, gift.options
    )
    assert [one.invoice for one in listed] == [invoice.id]
    intent = gift.v1.payment_intents.retrieve(payment.payment.payment_intent, {}, gift.options)
    assert (intent.status, intent.metadata.to_dict(), intent.customer) == ("succeeded", {}, session.customer)
    assert gift.types() == [
        "customer.created", "customer.updated", "customer.subscription.created", "invoice.created",
        "invoice.finalized", "invoice.paid", "invoice.payment_succeeded", "invoice_payment.paid",
        "checkout.session.completed",
    ]  # fmt: skip
    customer = gift.v1.customers.retrieve(session.customer, {}, gift.options)
    method = gift.v1.payment_methods.retrieve(str(subscription.default_payment_method), {}, gift.options)
    item = gift.item()
    product = gift.v1.products.retrieve(str(item.price.product), {}, gift.options)
    shapes: list[tuple[Any, Any]] = [
        (session, stripe.checkout.Session), (subscription, stripe.Subscription), (item, stripe.SubscriptionItem),
        (item.price, stripe.Price), (item["plan"], stripe.Plan), (product, stripe.Product), (whole, stripe.Invoice),
        (whole.lines.data[0], stripe.InvoiceLineItem), (payment, stripe.InvoicePayment), (customer, stripe.Customer),
        (method, stripe.PaymentMethod),
    ]  # fmt: skip
    for thing, kind in shapes:
        assert set(thing.to_dict()) - declared(kind) == set(), kind
    assert product.name == "Gift to Riverside Food Bank"


def test_what_a_mode_does_not_take_is_refused(server: DemoServer) -> None:
    once, twice = params(), monthly()
    with_recurring = monthly() | {"mode": "payment"}
    del with_recurring["subscription_data"]
    without = monthly()
    del without["line_items"][0]["price_data"]["recurring"]
    for asked, param in (
        (once | {"subscription_data": {"metadata": {"a": "b"}}}, "subscription_data"),
        (twice | {"payment_intent_data": {"metadata": {"a": "b"}}}, "payment_intent_data"),
        (twice | {"customer_creation": "always"}, "customer_creation"),
        (once | {"payment_method_collection": "always"}, "payment_method_collection"),
        (with_recurring, "mode"),
        (without, "line_items"),
        (twice | {"subscription_data": {"trial_period_days": 7}}, "subscription_data[trial_period_days]"),
        (once | {"payment_intent_data": {"capture_method": "manual"}}, "payment_intent_data[capture_method]"),
    ):
        error: Any = refused(server.client().v1.checkout.sessions.create, asked)
        assert (error.http_status, error.param) == (400, param)


def test_a_month_passes_by_the_clock(server: DemoServer) -> None:
    gift = Monthly(server)
    start = gift.item().current_period_end
    server.advance(start - int(server.request("/_demo/clock", {"advance": 0})["now"]) + 1)
    assert gift.invoices() == [("paid", 2500, 1), ("draft", 2500, 0)]
    assert gift.item().current_period_start == start
    server.advance(3600)
    assert gift.invoices() == [("paid", 2500, 1), ("paid", 2500, 1)]
    assert gift.types(9) == [
        "invoice.created", "customer.subscription.updated", "invoice.finalized", "invoice.paid",
        "invoice.payment_succeeded", "invoice_payment.paid",
    ]  # fmt: skip
    # Three months at once are three invoices.
    server.advance(93 * DAY)
    assert gift.invoices() == [("paid", 2500, 1)] * 5


def test_a_card_that_is_declined_is_tried_again_and_at_last_ends_it(server: DemoServer) -> None:
    gift = Monthly(server)
    gift.card_works(False)
    assert gift.renew()["status"] == "open"
    assert gift.now().status == "past_due"
    assert gift.types(9) == [
        "invoice.created", "customer.subscription.updated", "invoice.finalized", "invoice.payment_failed",
        "customer.subscription.updated",
    ]  # fmt: skip
    invoice: Any = gift.now().latest_invoice
    assert (invoice.attempt_count, invoice.next_payment_attempt is not None) == (1, True)
    error = refused(gift.v1.invoices.pay, invoice.id, {}, gift.options)
    assert isinstance(error, stripe.CardError)
    assert gift.invoices()[-1] == ("open", 2500, 2)
    gift.card_works(True)
    assert gift.server.request(f"/_demo/invoices/{invoice.id}/retry", {})["status"] == "paid"
    assert gift.now().status == "active"
    gift.card_works(False)
    failing = gift.renew()["id"]
    for _retry in range(3):
        assert gift.now().status == "past_due"
        server.request(f"/_demo/invoices/{failing}/retry", {})
    ended = gift.now()
    assert (ended.status, ended.cancellation_details and ended.cancellation_details.reason) == (
        "canceled",
        "payment_failed",
    )
    assert gift.types()[-2:] == ["invoice.payment_failed", "customer.subscription.deleted"]
    # A declined card is no mistake of whoever asked.
    assert not [path for _method, path, _status, _param in server.refused() if path.endswith("/pay")]


def test_amount_pause_and_end_are_changed(server: DemoServer) -> None:
    gift = Monthly(server)
    item = gift.item()
    price: Any = {
        "currency": "usd",
        "product": str(item.price.product),
        "recurring": {"interval": "month"},
        "unit_amount": 4000,
    }
    update = gift.v1.subscriptions.update
    changed = update(
        gift.id,
        {"items": [{"id": item.id, "price_data": price}], "proration_behavior": "none"},
        gift.options,
    )
    assert [one.price.unit_amount for one in changed["items"].data] == [4000]
    assert gift.renew()["amount_due"] == 4000
    update(gift.id, {"pause_collection": {"behavior": "void"}}, gift.options)
    assert gift.renew()["status"] == "void"
    update(gift.id, {"pause_collection": ""}, gift.options)
    assert gift.renew()["status"] == "paid"
    # Without the item's id, a second item is added: both are charged.
    both = update(gift.id, {"items": [{"price_data": price}], "proration_behavior": "none"}, gift.options)
    assert len(both["items"].data) == 2
    assert gift.renew()["amount_due"] == 8000
    for wrong in (
        {"items": [{"id": item.id, "price_data": price | {"product_data": {"name": "x"}}}]},
        {"items": [{"id": "si_nothing", "price_data": price}]},
        {"items": [{"id": item.id, "price_data": price | {"currency": "eur"}}]},
        {"trial_end": "now"},
    ):
        assert refused(update, gift.id, wrong, gift.options).http_status in (400, 404)
    ending = update(gift.id, {"cancel_at_period_end": True}, gift.options)
    assert (ending.cancel_at_period_end, ending.status) == (True, "active")
    assert gift.renew() is None
    assert gift.now().status == "canceled"
    assert refused(gift.v1.subscriptions.cancel, gift.id, {}, gift.options).http_status == 404
    assert refused(update, gift.id, {"pause_collection": ""}, gift.options).http_status == 400
    other = Monthly(server)
    assert other.v1.subscriptions.cancel(other.id, {}, other.options).status == "canceled"
    assert other.types()[-1] == "customer.subscription.deleted"
    listed = other.v1.subscriptions.list({"customer": other.session.customer}, other.options)
    assert listed.data == []
    everything = other.v1.subscriptions.list({"customer": other.session.customer, "status": "all"}, other.options)
    assert [one.id for one in everything] == [other.id]


def test_a_card_is_changed_in_the_portal(server: DemoServer) -> None:
    gift = Monthly(server)
    back = "http://localhost:8000/gifts"
    made = gift.v1.billing_portal.sessions.create(
        {
            "customer": gift.session.customer,
            "return_url": back,
            "flow_data": {
                "type": "payment_method_update",
                "after_completion": {"type": "redirect", "redirect": {"return_url": back}},
            },
        },
        gift.options,
    )
    assert set(made.to_dict()) - declared(stripe.billing_portal.Session) == set()
    before = gift.now().default_payment_method
    text = page(made.url)
    assert "Use a new card" in text
    status, _text, headers = browse(made.url, {"act": "new_card"})
    assert (status, headers["Location"]) == (303, back)
    assert gift.now().default_payment_method != before
    whole = gift.v1.billing_portal.sessions.create({"customer": gift.session.customer}, gift.options)
    assert "25.00 USD every month" in page(whole.url)
    assert browse(whole.url, {"act": "stop", "of": gift.id})[0] == 303
    assert gift.now().status == "canceled"
    chosen = gift.v1.billing_portal.configurations.create(
        {"features": {"payment_method_update": {"enabled": True}, "invoice_history": {"enabled": False}}}, gift.options
    )
    assert set(chosen.to_dict()) - declared(stripe.billing_portal.Configuration) == set()
    error = refused(gift.v1.billing_portal.sessions.create, {"customer": "cus_nothing"}, gift.options)
    assert error.http_status == 404


def test_people_let_months_pass_on_a_page(server: DemoServer) -> None:
    gift = Monthly(server)
    address = f"{server.base_url}/subscriptions/{gift.id}"
    assert gift.id in page(f"{server.base_url}/accounts/{gift.options['stripe_account']}")
    for act in ("renew", "card_fails", "renew"):
        assert browse(address, {"act": act})[0] == 303
    assert gift.invoices() == [("paid", 2500, 1), ("paid", 2500, 1), ("open", 2500, 1)]
    assert "past due" in page(address)
    for act in ("card_works", "retry"):
        assert browse(address, {"act": act})[0] == 303
    assert gift.invoices()[-1] == ("paid", 2500, 2)
    assert browse(address, {"act": "dance"})[0] == 400
    session = gift.v1.checkout.sessions.create(monthly(), gift.options)
    assert session.url is not None
    assert "every month" in page(session.url)
    assert browse(session.url, {"act": "pay_later"})[0] == 303
    assert "Waiting for the bank" in page(session.url)
    begun: Any = gift.v1.checkout.sessions.retrieve(session.id, {}, gift.options)
    address = f"{server.base_url}/subscriptions/{begun.subscription}"
    assert "open, waiting for the bank, tried 1 times" in page(address)
    assert browse(address, {"act": "bank_confirms"})[0] == 303
    assert "active" in page(address)
    assert "Paid" in page(session.url)


@pytest.mark.parametrize("begins", ["incomplete", "active"])
def test_a_month_that_a_bank_has_to_confirm(server: DemoServer, begins: str) -> None:
    """docs.stripe.com/billing/subscriptions/overview: incomplete while the first payment is processing; some begin active."""
    server.request("/_demo/bank_begins", {"status": begins})
    gift = Monthly(server, act="pay_later")
    session = gift.session
    assert (session.status, session.payment_status, gift.now().status) == ("complete", "unpaid", begins)
    assert gift.invoices() == [("open", 2500, 1)]
    assert gift.types()[-1] == "checkout.session.completed"
    assert "invoice.paid" not in gift.types()
    method = gift.v1.payment_methods.retrieve(str(gift.now().default_payment_method), {}, gift.options)
    assert set(method.to_dict()) - declared(stripe.PaymentMethod) == set()
    error = refused(gift.v1.invoices.pay, session.invoice, {}, gift.options)
    assert error.http_status == 400
    before = len(gift.types())
    server.act(session.id, "bank_confirms")
    told = ["customer.subscription.updated"] if begins == "incomplete" else []
    assert gift.types(before) == [
        "invoice.paid", "invoice.payment_succeeded", *told, "invoice_payment.paid", "checkout.session.async_payment_succeeded",
    ]  # fmt: skip
    assert (gift.now().status, gift.invoices()) == ("active", [("paid", 2500, 1)])
    # A later month: nothing is paid before the bank says so, and what it refuses is tried again.
    month = gift.renew()
    assert (gift.now().status, gift.invoices()[-1]) == ("active", ("open", 2500, 1))
    assert server.request(f"/_demo/invoices/{month['id']}/retry", {})["attempt_count"] == 1  # one at a time
    before = len(gift.types())
    failed = server.request(f"/_demo/invoices/{month['id']}/bank/refuses", {})
    assert failed["next_payment_attempt"] is not None
    assert gift.types(before) == ["invoice.payment_failed", "customer.subscription.updated"]
    assert gift.now().status == "past_due"
    server.request(f"/_demo/customers/{session.customer}/new_method", {"type": "card"})
    server.request(f"/_demo/invoices/{month['id']}/retry", {})
    assert (gift.now().status, gift.invoices()[-1]) == ("active", ("paid", 2500, 2))
    # What nobody decides is decided in some days, as the account is.
    server.request(f"/_demo/customers/{session.customer}/new_method", {"type": "us_bank_account"})
    gift.renew()
    gift.card_works(False)
    gift.renew()
    assert gift.invoices()[-2:] == [("open", 2500, 1)] * 2
    gift.card_works(True)
    server.request("/_demo/clock", {"advance": 4 * DAY + 1})
    assert gift.invoices()[-2:] == [("paid", 2500, 1)] * 2
    server.request("/_demo/bank_begins", {"status": "incomplete"})


@pytest.mark.parametrize("begins", ["incomplete", "active"])
def test_a_first_month_that_a_bank_refuses(server: DemoServer, begins: str) -> None:
    server.request("/_demo/bank_begins", {"status": begins})
    gift = Monthly(server, act="pay_later")
    before = len(gift.types())
    server.act(gift.session.id, "bank_refuses")
    told = ["customer.subscription.updated"] if begins == "active" else []
    assert gift.types(before) == ["invoice.payment_failed", *told, "checkout.session.async_payment_failed"]
    assert gift.now().status == {"incomplete": "incomplete", "active": "past_due"}[begins]
    server.request("/_demo/clock", {"advance": DAY})
    if begins == "incomplete":
        assert (gift.now().status, gift.invoices()) == ("incomplete_expired", [("void", 2500, 1)])
        assert server.request(f"/_demo/subscriptions/{gift.id}/renew", {})["invoice"] is None
    else:  # it is tried again by itself, and the page's session says nothing of that
        for days in (3, 5):
            server.request("/_demo/clock", {"advance": days * DAY})
        assert (gift.now().status, gift.invoices()) == ("active", [("paid", 2500, 2)])
        session = gift.v1.checkout.sessions.retrieve(gift.session.id, {}, gift.options)
        assert session.payment_status == "unpaid"
    server.request("/_demo/bank_begins", {"status": "incomplete"})


def test_the_lists_of_parameters_are_ones_that_the_package_knows() -> None:
    known = stripe.params
    for spec, kind in (
        (specs.CREATE_CUSTOMER, known.CustomerCreateParams),
        (specs.UPDATE_CUSTOMER, known.CustomerUpdateParams),
        (specs.CREATE_PRODUCT, known.ProductCreateParams),
        (specs.UPDATE_SUBSCRIPTION, known.SubscriptionUpdateParams),
        (specs.RESUME_SUBSCRIPTION, known.SubscriptionResumeParams),
        (specs.CANCEL_SUBSCRIPTION, known.SubscriptionCancelParams),
        (specs.CREATE_PORTAL, PortalParams),
    ):
        assert set(spec.of) <= set(kind.__annotations__), kind
