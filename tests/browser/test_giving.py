"""A donor whose card fails, one whose bank takes its time, one whom the payment service leaves waiting: in a real browser,
with JavaScript and without, paying at the demo payment server in a process of its own."""

from __future__ import annotations

import contextlib
import dataclasses
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect
from werkzeug.serving import make_server

from app import create_app
from app.core.db import db
from tests.browsers import faults_of
from tests.conftest import close, make_settings, migrate
from tests.donations.conftest import turn_on
from tests.donations.stripe_server import KEY, SECRET, StripeServer, running_server
from tests.factories import make_fundraiser, make_organization

pytestmark = pytest.mark.browser
ADDRESS = "/fundraisers/beds-for-the-winter"
WAYS = [(1280, "light", True), (390, "dark", True), (320, "light", False)]
NAMES = ["screen", "phone in the dark", "small phone without javascript"]


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, StripeServer]]:
    """The application with one fundraiser, and where it is paid; no worker: the donor's page finds out by itself."""
    directory: Path = tmp_path_factory.mktemp("giving")
    with running_server(directory) as payments:
        payments.reset()
        payments.api_base = payments.address  # the page is where the API is: a form may end there
        paying: dict[str, Any] = {
            "payments_mode": "demo", "stripe_secret_key": KEY, "stripe_webhook_secret": SECRET,
            "stripe_api_base": payments.address,
        }  # fmt: skip
        database = f"sqlite:///{directory / 'giving.db'}"
        app = create_app(make_settings(directory, database, supported_locales=("en",), **paying))
        migrate(app)
        with app.app_context():
            organization = make_organization(name="Lantern House")
            make_fundraiser(organization, slug="beds-for-the-winter", title="Beds for the winter")
            # Where amounts are long: HUF 100,000.
            make_fundraiser(make_organization(country="HU", currency="HUF"), slug="beds-in-pecs")
            db.session.remove()
        server = make_server("127.0.0.1", 0, app, threaded=True)
        address = f"http://127.0.0.1:{server.server_port}"
        turn_on(app, payments, base_url=address)
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        yield address, payments
        server.shutdown()
        thread.join()
        server.server_close()
        close(app)


@dataclasses.dataclass
class Donor:
    """Somebody without an account, and whether their browser runs scripts (axe is one)."""

    page: Page
    script: bool

    def look(self) -> None:
        """Nothing is wrong with the page."""
        if self.script:
            assert faults_of(self.page) == [], self.page.url

    def reads(self, heading: str) -> None:
        """The donor's own page says so, and is sound."""
        expect(self.page.get_by_role("heading", level=1)).to_have_text(heading)
        self.look()

    def keeps_choices_inside(self, around: str) -> None:
        """No words stick out of their tile, and no tile out of what is around it."""
        for choice in self.page.locator(f"{around} .tiles .choice").all():
            edges = [one.bounding_box() for one in (choice.locator("label"), choice, self.page.locator(around).first)]
            ends = [box["x"] + box["width"] for box in edges if box is not None]
            assert ends == sorted(ends), choice.text_content()
        assert self.page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")

    def give(self, address: str) -> None:
        """From the fundraiser's page to the payment page: five actions."""
        self.page.goto(address + ADDRESS)
        self.look()
        self.keeps_choices_inside("aside .box")
        self.page.get_by_role("button", name="Donate").click()  # $50 is chosen
        expect(self.page.get_by_label("Email")).to_be_visible()
        self.look()
        self.page.get_by_label("Name", exact=True).fill("Rosa Delgado")
        self.page.get_by_label("Email").fill("rosa@example.org")
        self.page.get_by_role("button", name="Donate").click()


@contextlib.contextmanager
def donor(browser: Browser, width: int, theme: str, script: bool) -> Iterator[Donor]:
    """A browser on the way to give."""
    context = browser.new_context(
        viewport={"width": width, "height": 900},
        color_scheme="dark" if theme == "dark" else "light",
        bypass_csp=script,  # axe is not ours; without it the policy holds as everywhere
        java_script_enabled=script,
    )
    yield Donor(context.new_page(), script)
    context.close()


@pytest.mark.parametrize(("width", "theme", "script"), WAYS, ids=NAMES)
def test_a_donor_whose_card_fails_gives_less_with_another(
    browser: Browser, shop: tuple[str, StripeServer], width: int, theme: str, script: bool
) -> None:
    address, payments = shop
    payments.reset()
    with donor(browser, width, theme, script) as somebody:
        page = somebody.page
        page.goto(f"{address}/fundraisers/beds-in-pecs/donate")
        somebody.keeps_choices_inside("main")
        somebody.give(address)
        page.get_by_role("button", name="Decline the card").click()
        page.get_by_role("link", name="Cancel").click()
        somebody.reads("Your payment did not go through")
        page.get_by_label("Amount").fill("nothing")
        page.get_by_role("button", name="Go on to the payment page").click()
        expect(page.get_by_role("alert")).to_contain_text("as a number")
        somebody.look()
        page.get_by_label("Amount").fill("20")
        page.get_by_role("button", name="Go on to the payment page").click()
        page.get_by_role("button", name="Pay", exact=True).click()
        somebody.reads("Thank you")
        expect(page.get_by_role("main")).to_contain_text("received your gift of $20")
    assert [session["status"] for session in payments.sessions()].count("complete") == 1


@pytest.mark.parametrize(("width", "theme", "script"), WAYS, ids=NAMES)
def test_a_donor_who_does_not_want_to_and_then_gives_by_bank(
    browser: Browser, shop: tuple[str, StripeServer], width: int, theme: str, script: bool
) -> None:
    address, payments = shop
    payments.reset()
    with donor(browser, width, theme, script) as somebody:
        page = somebody.page
        somebody.give(address)
        page.get_by_role("link", name="Cancel").click()
        somebody.reads("Nothing was paid yet")
        page.get_by_role("button", name="I do not want to give").click()
        somebody.reads("You cancelled this gift")
        page.get_by_role("button", name="Give after all").click()
        page.get_by_role("button", name="Pay by bank (confirmed later)").click()
        somebody.reads("Your gift is on its way")
        mine = page.url
        payments.act(payments.sessions()[0]["id"], "bank_refuses")
        page.goto(mine)
        somebody.reads("Your gift did not arrive")
        page.get_by_role("button", name="Try again").click()
        page.get_by_role("button", name="Pay", exact=True).click()
        somebody.reads("Thank you")


@pytest.mark.parametrize("script", [True, False], ids=["with javascript", "without javascript"])
def test_a_donor_whom_nobody_answers_is_told_as_soon_as_it_is_known(
    browser: Browser, shop: tuple[str, StripeServer], script: bool
) -> None:
    address, payments = shop
    payments.reset()
    with donor(browser, 390, "light", script) as somebody:
        page = somebody.page
        somebody.give(address)
        payments.hook("POST", "faults", {"mode": "500", "method": "GET", "path": "/v1/", "times": 1000})
        page.get_by_role("button", name="Pay", exact=True).click()
        somebody.reads("We do not know yet")
        payments.hook("DELETE", "faults")
        expect(page.get_by_role("heading", level=1)).to_have_text("Thank you", timeout=30_000)


@pytest.mark.parametrize(("width", "theme", "script"), WAYS, ids=NAMES)
def test_a_donor_covers_the_fee_and_sees_the_total_before_paying(
    browser: Browser, shop: tuple[str, StripeServer], width: int, theme: str, script: bool
) -> None:
    address, payments = shop
    payments.reset()
    with donor(browser, width, theme, script) as somebody:
        page = somebody.page
        page.goto(address + ADDRESS)
        page.get_by_role("button", name="Donate").click()
        expect(page.get_by_label("Cover the card fee")).not_to_be_checked()
        page.get_by_label("Cover the card fee").check()
        if not script:
            page.get_by_role("button", name="Show what I pay").click()
        expect(page.locator("#total")).to_contain_text("You pay $51.81")
        page.get_by_label("Name", exact=True).fill("Rosa Delgado")
        page.get_by_label("Email").fill("rosa@example.org")
        page.get_by_text("For somebody, for a company").click()
        page.get_by_label("In memory of").check()
        page.get_by_role("button", name="Donate").click()
        expect(page.get_by_role("alert")).to_contain_text("Enter the name of whom you think of")
        somebody.look()
        page.get_by_label("Whom you think of").fill("Ada")
        page.get_by_role("button", name="Donate").click()
        expect(page.locator("body")).to_contain_text("51.81")
        page.get_by_role("button", name="Pay", exact=True).click()
        somebody.reads("Thank you")
        expect(page.get_by_role("main")).to_contain_text("In memory of Ada")
