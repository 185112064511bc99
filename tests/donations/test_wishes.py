"""What a donor may choose besides an amount: covering the fee, who reads the name, for whom, Gift Aid; what is suggested."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
import sqlalchemy as sa

from app.accounts.models import Person
from app.accounts.operations import create_token
from app.core.db import db, transaction
from app.core.ids import encode_id
from app.donations.gift_aid import ONE_GIFT, read_postcode
from app.donations.models import Donation
from app.donations.receipt_models import GiftAidDeclaration
from app.fundraisers.models import Fundraiser
from app.imports.exports import lines
from tests.conftest import CheckingClient
from tests.donations.conftest import Giving, WorkOff
from tests.factories import make_fundraiser, make_organization, make_person


def text_of(response: Any) -> str:
    """A page's words, without its markup."""
    return " ".join(re.sub(r"<[^>]+>", " ", response.get_data(as_text=True)).split())


def test_the_fee_is_covered_when_the_donor_wants_it_and_shown_before_paying(giving: Giving, work_off: WorkOff) -> None:
    fundraiser = giving.fundraiser()
    address = f"/fundraisers/{fundraiser.slug}/donate"
    form = giving.client.get(f"{address}?suggested=2500").get_data(as_text=True)
    box = re.search(r'<input[^>]*name="cover_fee"[^>]*>', form)
    assert box is not None
    assert "checked" not in box[0]
    assert "2.9% + $0.30" in form
    # What the page asks by itself, and a button without JavaScript: nothing is kept.
    looked = giving.client.post(address, data=giving.form(look="1", cover_fee="y"))
    assert "You pay $26.06 : your gift of $25, and $1.06 for the card fee" in text_of(looked)
    assert "Show what I pay" in looked.get_data(as_text=True)
    assert db.session.scalar(sa.select(sa.func.count()).select_from(Donation)) == 0
    given = giving.give("25", cover_fee="y")
    donation = giving.donation(given)
    assert (donation.amount_minor, donation.cover_fee_minor, donation.gift_minor) == (2606, 106, 2500)
    asked = giving.server.posts()[-1].form
    assert asked["line_items[0][price_data][unit_amount]"] == "2606"
    assert asked["line_items[0][price_data][product_data][name]"].endswith("$25, and $1.06 for the card fee")
    page = text_of(giving.client.get(f"/donations/{given.token}"))
    assert "Now you would pay $26.06, with $1.06 for the card fee" in page
    giving.act(given, "pay")
    giving.settle()
    giving.deliver_all()
    work_off()
    giving.check()
    assert "Card fee you cover $1.06" in text_of(giving.client.get(f"/donations/{given.token}"))


@pytest.mark.rule("F1")
@pytest.mark.parametrize(("currency", "amount"), [("ISK", "2500"), ("KWD", "7.770"), ("JPY", "501")])
def test_what_covers_a_fee_is_charged_in_the_steps_of_its_currency(giving: Giving, currency: str, amount: str) -> None:
    given = giving.give(amount, currency, cover_fee="y")
    donation = giving.donation(given)
    step = {"ISK": 100, "KWD": 10, "JPY": 1}[currency]
    assert donation.amount_minor % step == 0
    assert donation.cover_fee_minor > 0
    assert giving.server.sessions()[0]["amount_total"] == donation.amount_minor


def test_going_on_with_another_gift_covers_its_own_fee_or_none(giving: Giving) -> None:
    given = giving.give("25", cover_fee="y")
    first = giving.client.post(f"/donations/{given.token}", data={"amount": "25", "cover_fee": "y"})
    assert first.headers["Location"].endswith(given.session_id)  # nothing changed: the same page
    giving.client.post(f"/donations/{given.token}", data={"amount": "100", "cover_fee": "y"})
    assert (giving.donation(given).amount_minor, giving.donation(given).cover_fee_minor) == (10330, 330)
    giving.client.post(f"/donations/{given.token}", data={"amount": "100"})
    assert (giving.donation(given).amount_minor, giving.donation(given).cover_fee_minor) == (10000, 0)
    assert [session["amount_total"] for session in giving.server.sessions() if session["status"] == "open"] == [10000]


def test_more_than_can_be_charged_with_its_fee_is_said_and_kept(giving: Giving) -> None:
    refused = giving.post(giving.fundraiser(), giving.form(amount="999999.99", cover_fee="y", message="Kept"))
    page = refused.get_data(as_text=True)
    assert refused.status_code == 422
    assert "Give $999,999.99 or less" in page
    assert "Kept" in page
    covers = re.search(r'<input[^>]*name="cover_fee"[^>]*>', page)
    assert covers is not None
    assert "checked" in covers[0]


def call(
    giving: Giving, browser: CheckingClient, person: Person | None, method: str, path: str, body: Any = None
) -> Any:
    """An answer of the API."""
    headers = {}
    if person is not None:
        with transaction():
            scopes = ["donations:read", "donations:write", "fundraisers:write"]
            headers["Authorization"] = f"Bearer {create_token(person, scopes=scopes)}"
    return browser.open(f"/api/v1{path}", method=method, json=body, headers=headers, csrf=False)


def test_the_api_covers_the_fee_and_tells_it(giving: Giving, new_client: Callable[[], CheckingClient]) -> None:
    donor, browser, slug = make_person(), new_client(), giving.fundraiser().slug
    body = {"amount_minor": 2500, "currency": "USD", "email": "a@example.org", "name": "A", "cover_fee": True}
    more = {"dedication": "memory", "dedicated_to": "Old Joe", "company": "Joe & Sons", "hide_from_organization": True}
    begun = call(giving, browser, donor, "POST", f"/fundraisers/{slug}/donations", {**body, **more, "anonymous": True})
    assert begun.status_code == 201
    path = f"/donations/{begun.get_json()['donation_id']}"
    gift = call(giving, browser, donor, "GET", path).get_json()
    assert (gift["amount"]["amount_minor"], gift["cover_fee"]["amount_minor"]) == (2606, 106)
    assert (gift["dedication"], gift["dedicated_to"], gift["company"]) == ("memory", "Old Joe", "Joe & Sons")
    assert (gift["hide_from_starter"], gift["hide_from_organization"]) == (True, True)
    same = call(giving, browser, donor, "POST", f"{path}/resume", {}).get_json()
    assert same["checkout_url"] == gift["checkout_url"]
    other = call(giving, browser, donor, "POST", f"{path}/resume", {"cover_fee": False}).get_json()
    assert (other["amount"]["amount_minor"], other["cover_fee"]["amount_minor"]) == (2500, 0)
    wrong = call(giving, browser, donor, "POST", f"/fundraisers/{slug}/donations", {**body, "dedication": "memory"})
    assert (wrong.status_code, wrong.get_json()["errors"][0]["field"]) == (422, "dedicated_to")


def pay(giving: Giving, work_off: WorkOff, **values: Any) -> Donation:
    """A gift to the fundraiser, paid."""
    given = giving.give(**values)
    giving.act(given, "pay")
    giving.deliver_all()
    work_off()
    return giving.donation(given)


@pytest.mark.rule("F9")
def test_a_donor_is_named_only_to_those_they_chose(
    giving: Giving, work_off: WorkOff, sign_in: Callable[..., CheckingClient], new_client: Callable[[], CheckingClient]
) -> None:
    owner, starter = make_person(), make_person()
    organization = make_organization(owner)
    fundraiser = make_fundraiser(organization, started_by_id=starter.id)
    giving._fundraisers["USD"] = fundraiser
    names = {
        "Everyone Evans": {"anonymous": "no"},
        "Starter Stone": {"anonymous": "starter"},
        "Friend Flint": {"anonymous": "starter", "hide_from_organization": "y"},
        "Staff Sand": {"anonymous": "yes"},
        "Nobody Nuance": {"anonymous": "yes", "hide_from_organization": "y", "company": "Nuance Works"},
    }
    gifts = {
        name: pay(giving, work_off, name=name, email=f"{name.split()[1].lower()}@example.org", **chosen)
        for name, chosen in names.items()
    }

    def told(text: str) -> set[str]:
        assert ("Nuance Works" in text) == ("Nobody Nuance" in text)
        found = {name for name in names if name in text}
        for name in names:  # who is not named is not found by the address either
            assert name in found or f"{name.split()[1].lower()}@" not in text
        return found

    page = f"/fundraisers/{fundraiser.slug}"
    organization_slug, organization_id, slug = organization.slug, organization.id, fundraiser.slug
    everyone, staff = {"Everyone Evans"}, {"Everyone Evans", "Starter Stone", "Staff Sand"}
    assert told(giving.client.get(page).get_data(as_text=True)) == everyone
    api = call(giving, new_client(), None, "GET", f"/fundraisers/{slug}/donations").get_data(as_text=True)
    assert told(api) == everyone
    as_starter = sign_in(starter).get(page).get_data(as_text=True)
    assert told(as_starter) == {"Everyone Evans", "Starter Stone", "Friend Flint"}
    assert as_starter.count("Only you see this name") == 2
    review = sign_in(owner).get(f"/manage/{organization_slug}/fundraisers/{slug}").get_data(as_text=True)
    assert told(review) == staff
    assert told("".join(lines("donations", organization_id, names=True))) == staff
    assert told("".join(lines("donations", organization_id))) == everyone
    seen = "".join(
        call(giving, new_client(), owner, "GET", f"/donations/{encode_id(gift.id)}").get_data(as_text=True)
        for gift in gifts.values()
    )
    assert told(seen) == staff
    listed = call(giving, new_client(), owner, "GET", f"/organizations/{organization_slug}/donations?limit=100")
    assert told(listed.get_data(as_text=True)) == staff
    mine = text_of(giving.client.get("/donations/" + giving.given[-1].token))
    assert "not even" in mine
    assert "Nuance Works" in mine


@pytest.mark.parametrize(
    ("values", "field", "message"),
    [
        ({"dedication": "honor"}, "dedicated_to", "Enter the name of whom you think of"),
        ({"dedicated_to": "Ada"}, "dedication", "Choose whether you honor or remember"),
        ({"anonymous": "no", "hide_from_organization": "y"}, "hide_from_organization", "the organization sees too"),
        ({"gift_aid": "y"}, "gift_aid", "does not claim Gift Aid"),
        ({"company": "x" * 121}, "company", "Write 120 characters or fewer"),
    ],
)
def test_what_does_not_go_together_is_said_at_its_field(
    giving: Giving, values: dict[str, str], field: str, message: str
) -> None:
    refused = giving.post(giving.fundraiser(), giving.form(message="Kept", **values))
    page = refused.get_data(as_text=True)
    assert refused.status_code == 422
    assert message in page
    if field != "gift_aid":
        assert f'id="{field}-error"' in page
        assert '<details class="more" open>' in page
    assert "Kept" in page
    assert db.session.scalar(sa.select(sa.func.count()).select_from(Donation)) == 0


def test_gift_aid_is_declared_in_hmrcs_words_and_kept_apart(giving: Giving) -> None:
    organization = make_organization(country="GB", currency="GBP", name="Hackney Pantry", time_zone="Europe/London")
    giving._fundraisers["GBP"] = make_fundraiser(organization)
    page = text_of(giving.client.get(f"/fundraisers/{giving.fundraiser('GBP').slug}/donate"))
    assert "If you give once: I want to Gift Aid my donation to Hackney Pantry." in page
    assert "I am a UK taxpayer and understand" in page
    bare = giving.post(giving.fundraiser("GBP"), giving.form(gift_aid="y"))
    assert bare.status_code == 422
    for name in ("first_name", "last_name", "address", "postal_code"):
        assert f'id="gift_aid_{name}-error"' in bare.get_data(as_text=True)
    who = {
        "gift_aid": "y",
        "gift_aid_first_name": "Rosa",
        "gift_aid_last_name": "Delgado",
        "gift_aid_address": "12 Mare Street",
        "gift_aid_postal_code": " e83re",
    }
    wrong = giving.post(giving.fundraiser("GBP"), giving.form(**who | {"gift_aid_postal_code": "nonsense"}))
    assert wrong.status_code == 422
    assert "Enter a postcode of the United Kingdom, such as E8 3RE, or X" in wrong.get_data(as_text=True)
    assert 'value="nonsense"' in wrong.get_data(as_text=True)
    for also in ({"company": "Delgado Ltd"}, {"hide_from_organization": "y"}):
        refused = giving.post(giving.fundraiser("GBP"), giving.form(**who, **also))
        assert (refused.status_code, 'id="gift_aid-error"' in refused.get_data(as_text=True)) == (422, True)
    given = giving.give("10", "GBP", **who)
    kept = db.session.scalars(sa.select(GiftAidDeclaration)).one()
    assert (kept.donation_id, kept.last_name, kept.postal_code) == (given.donation_id, "Delgado", "E8 3RE")
    assert kept.text_version == ONE_GIFT
    assert "Mare Street" not in giving.client.get(f"/donations/{given.token}").get_data(as_text=True)
    assert "Gift Aid" not in giving.client.get(f"/fundraisers/{giving.fundraiser().slug}/donate").get_data(as_text=True)


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        ("SW1A1AA", "SW1A 1AA"), ("m1 1ae", "M1 1AE"), ("B33  8TH", "B33 8TH"), ("cr26xh", "CR2 6XH"), ("DN55 1PT", "DN55 1PT"),
        ("gir 0aa", "GIR 0AA"), ("x", "X"), ("nonsense", None), ("07102", None), ("E8 3R", None), ("", None), ("E8 3RE 1", None),
        ("E\u0668 3RE", None),
    ],
)  # fmt: skip
def test_a_postcode_is_kept_as_hmrc_takes_it(typed: str, kept: str | None) -> None:
    assert read_postcode(typed) == kept


def test_a_fundraiser_suggests_its_own_amounts(giving: Giving, sign_in: Callable[..., CheckingClient]) -> None:
    starter = make_person()
    fundraiser = make_fundraiser(make_organization(currency="KWD"), started_by_id=starter.id)
    slug, address = fundraiser.slug, f"/fundraisers/{fundraiser.slug}/amounts"
    browser = sign_in(starter)
    wrong = browser.post(address, data={"first": "1.234", "second": "5"})
    assert wrong.status_code == 422
    assert "The last digit must be 0" in wrong.get_data(as_text=True)
    assert browser.post(address, data={"first": "12", "second": "3.5", "third": "3.500"}).status_code == 303
    assert db.session.get_one(Fundraiser, fundraiser.id, populate_existing=True).suggested_minor == [3500, 12000]
    db.session.rollback()
    form = giving.client.get(f"/fundraisers/{slug}/donate").get_data(as_text=True)
    assert re.findall(r'name="suggested"[^>]*value="(\w+)"', form) == ["3500", "12000", "other"]
    page = giving.client.get(f"/fundraisers/{slug}").get_data(as_text=True)
    assert re.findall(r'name="suggested"[^>]*value="(\w+)"', page) == ["3500", "12000", "other"]
    money = [{"amount_minor": minor, "currency": "KWD"} for minor in (1000, 2000)]
    changed = call(giving, browser, starter, "PATCH", f"/fundraisers/{slug}", {"suggested_amounts": money})
    assert changed.get_json()["suggested_amounts"] == money
    too_many = call(giving, browser, starter, "PATCH", f"/fundraisers/{slug}", {"suggested_amounts": money * 3})
    assert too_many.status_code == 422
    other = {"suggested_amounts": [{"amount_minor": 1000, "currency": "USD"}]}
    assert call(giving, browser, starter, "PATCH", f"/fundraisers/{slug}", other).status_code == 422
    assert browser.post(address, data={}).status_code == 303
    form = giving.client.get(f"/fundraisers/{slug}/donate").get_data(as_text=True)
    assert len(re.findall(r'name="suggested"', form)) == 5
