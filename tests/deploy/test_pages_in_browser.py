"""The pages of the demo payment server and of the mail catcher, in a real browser."""

from __future__ import annotations

import http.server
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, expect
from werkzeug.serving import make_server

from app.core.mail import Attachment, Mail, build, send
from deploy.mail_catcher import Catcher, make_pages
from tests.browsers import SOME_WAYS, faults_of
from tests.demo_payments import DemoServer

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def payments(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DemoServer]:
    with DemoServer(tmp_path_factory.mktemp("payments")) as server:
        yield server


@pytest.fixture(scope="module")
def mail_pages(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with Catcher(tmp_path_factory.mktemp("mail")) as catcher:
        invitation = Attachment("shift.ics", "text/calendar", b"BEGIN:VCALENDAR")
        mail = Mail("ada@example.org", "Your place on Saturday", "See http://localhost/", "<p>Hello</p>", (invitation,))
        send(build(mail, sender="Manyhands <manyhands@example.org>", key="1"), catcher.url)
        server = make_server("127.0.0.1", 0, make_pages(catcher.mailbox), threaded=True)
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.fixture(scope="module")
def shop() -> Iterator[str]:
    """Where payers are led back to."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "text/html")
            self.end_headers()
            self.wfile.write(b"<!doctype html><title>Thank you</title>")

        def log_message(self, *_args: object) -> None:
            return

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


def session(payments: DemoServer, shop: str) -> Any:
    price = {"currency": "usd", "unit_amount": 2500, "product_data": {"name": "Gift to Riverside Food Bank"}}
    asked: Any = {
        "mode": "payment",
        "submit_type": "donate",
        "line_items": [{"quantity": 1, "price_data": price}],
        "customer_email": "ada@example.org",
        "success_url": f"{shop}/thanks",
        "cancel_url": f"{shop}/cancelled",
    }
    return payments.client().v1.checkout.sessions.create(asked)


@pytest.mark.parametrize(("theme", "width"), SOME_WAYS)
def test_every_page_is_accessible(
    browser: Browser, payments: DemoServer, mail_pages: str, shop: str, theme: Any, width: int, tmp_path: Path
) -> None:
    states = {name: session(payments, shop).id for name in ("open", "waiting", "failed", "expired", "paid")}
    payments.act(states["waiting"], "pay_later")
    payments.act(states["failed"], "pay_later")
    payments.act(states["failed"], "bank_refuses")
    payments.act(states["paid"], "pay")
    payments.client().v1.checkout.sessions.expire(states["expired"])
    context = browser.new_context(color_scheme=theme, viewport={"width": width, "height": 900}, bypass_csp=True)
    page = context.new_page()
    page.goto(mail_pages)
    addresses = [
        mail_pages,
        f"{mail_pages}/mails/nothing",
        page.get_by_role("link", name="Saturday").get_attribute("href"),
    ]
    addresses[2] = f"{mail_pages}{addresses[2]}"
    addresses += [payments.base_url, f"{payments.base_url}/c/pay/nothing"]
    addresses += [f"{payments.base_url}/c/pay/{session_id}" for session_id in states.values()]
    account = payments.account(business_profile={"name": "Riverside Food Bank"}, act="due")
    link = payments.client().v1.account_links.create(
        {"account": account, "type": "account_onboarding", "return_url": shop, "refresh_url": shop}
    )
    paid: Any = payments.client().v1.checkout.sessions.retrieve(states["paid"], {"expand": ["payment_intent"]})
    charge = paid.payment_intent.latest_charge
    payments.request(f"/_demo/charges/{charge}/refund", {"amount": 500})
    payments.request(f"/_demo/charges/{charge}/dispute", {"inquiry": True})
    payments.request("/_demo/pay_out", {})
    addresses += [f"{payments.base_url}/accounts/{account}", f"{payments.base_url}/accounts/acct_1DemoPlatform00"]
    asked: Any = {"mode": "subscription", "customer_email": "ada@example.org", "success_url": shop}
    price = {
        "currency": "usd",
        "unit_amount": 900,
        "product_data": {"name": "Gift"},
        "recurring": {"interval": "month"},
    }
    begun = payments.client().v1.checkout.sessions.create(
        asked | {"line_items": [{"quantity": 1, "price_data": price}]}
    )
    monthly: Any = payments.act(begun.id, "pay")
    portal = payments.client().v1.billing_portal.sessions.create({"customer": monthly["customer"]})
    addresses += [f"{payments.base_url}/subscriptions/{monthly['subscription']}", portal.url]
    addresses += [link.url, f"{payments.base_url}/payments/{charge}"]
    found = {}
    for address in addresses:
        page.goto(str(address))
        found[address] = faults_of(page)
    page.goto(f"{payments.base_url}/c/pay/{states['open']}")
    page.get_by_role("button", name="Decline the card").click()
    page.get_by_role("alert").wait_for()
    found["declined"] = faults_of(page)
    context.close()
    assert {address: faults for address, faults in found.items() if faults} == {}


@pytest.mark.parametrize("scripts", [True, False], ids=["JavaScript", "no JavaScript"])
def test_a_payer_is_declined_pays_and_is_led_back(
    browser: Browser, payments: DemoServer, shop: str, scripts: bool
) -> None:
    context = browser.new_context(java_script_enabled=scripts)
    page = context.new_page()
    said: list[str] = []
    page.on("console", lambda message: said.append(message.text))
    gift = session(payments, shop)
    page.goto(gift.url)
    page.get_by_role("link", name="Cancel").click()
    expect(page).to_have_url(f"{shop}/cancelled")
    page.go_back()
    page.get_by_role("button", name="Decline the card").click()
    expect(page.get_by_role("alert")).to_be_visible()
    page.get_by_role("button", name="Pay", exact=True).click()
    expect(page).to_have_url(f"{shop}/thanks")
    page.goto(gift.url)
    expect(page.get_by_role("heading", name="Paid")).to_be_visible()
    context.close()
    assert [line for line in said if "402" not in line] == []


def test_the_bank_is_played_on_the_page(browser: Browser, payments: DemoServer, shop: str) -> None:
    context = browser.new_context()
    page = context.new_page()
    gift = session(payments, shop)
    page.goto(gift.url)
    page.get_by_role("button", name="Pay by bank").click()
    expect(page).to_have_url(f"{shop}/thanks")
    page.goto(payments.base_url)
    page.get_by_role("row", name="waiting for the bank").get_by_role("link").first.click()
    page.get_by_role("button", name="The bank confirms").click()
    expect(page.get_by_role("heading", name="Paid")).to_be_visible()
    context.close()
