"""The public page of one need: what everybody sees, what only some may, and what it costs."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable
from decimal import Decimal

import pytest

from app.core.clock import local_date, now, today
from app.core.db import db, transaction
from app.core.ids import encode_id
from app.core.when import weekday
from app.needs import operations, queries, standing
from app.needs.models import Need, Position, PrivateAddress
from app.needs.operations import PlaceInput
from app.pledges.operations import pledge
from app.signups.operations import cancel_signup, sign_up
from tests.conftest import CheckingClient
from tests.factories import (
    make_fundraiser,
    make_item,
    make_member,
    make_need,
    make_organization,
    make_person,
    make_shift,
)

SignIn = Callable[..., CheckingClient]
STREET = "5 Quiet Lane"


def path(need: Need) -> str:
    return f"/needs/{encode_id(need.id)}"


def private_need() -> Need:
    person = make_person()
    organization = make_organization(person)
    place = PlaceInput(address=STREET, city="Newark", region="NJ", latitude=40.735657, longitude=-74.172367)
    with transaction():
        need = operations.create_need(
            organization.id, by=person, title="Beds", description="Why", place=place, private_address=True
        )
        operations.add_item(need.id, operations.ItemInput("Sheets"), by=person)
        operations.publish_need(need.id, by=person)
    return need


def test_everything_a_supporter_needs_to_know(client: CheckingClient) -> None:
    need = make_need(title="Open the shelter", description="We open **40 beds**.\n\n<script>x</script>", urgency="high")
    shift = make_shift(need, capacity=12, name="Set up beds", minimum_age=14)
    make_shift(need, capacity=None, flexible=True, due_on=today("UTC") + dt.timedelta(days=20), name="Wash at home")
    cribs = make_item(
        need,
        name="Folding cribs",
        unit="piece",
        quantity="6",
        priority="first",
        purchase_url="https://example.org/crib",
    )
    make_item(need, name="Cots", quantity=None)
    make_item(need, name="Stuffed animals", quantity=None, do_not_bring=True)
    make_fundraiser(need.organization, need_id=need.id, title="Heating")
    page = client.get(path(need))
    assert page.status_code == 200
    for words in (
        "<h1><bdi>Open the shelter</bdi></h1>",
        "<strong>40 beds</strong>",
        "Where it stands",
        "Set up beds",
        weekday(local_date(shift.starts_at, need.time_zone)) if shift.starts_at else "",
        "EST",
        "anyone aged 14 or older",
        "Wash at home",
        "Any time",
        "Everybody is welcome",
        "Needed first",
        "As much as you can bring",
        "Please do not bring",
        "Stuffed animals",
        "Heating",
        need.organization.name,
        "Verified on",
        "Start a fundraiser",
        "Newark",
    ):
        assert words in page.text, words
    assert "<script>x" not in page.text
    assert f'href="/shifts/{encode_id(shift.id)}/sign-up"' in page.text
    assert f'action="/items/{encode_id(cribs.id)}/pledge"' in page.text
    assert 'href="https://example.org/crib" rel="nofollow noopener noreferrer"' in page.text
    assert f'href="/fundraisers/new?need={encode_id(need.id)}"' in page.text


def test_it_sets_no_cookie_and_revalidates(client: CheckingClient) -> None:
    need = make_need()
    page = client.get(path(need))
    assert "Set-Cookie" not in page.headers
    assert page.headers["Cache-Control"] == "public, max-age=0, s-maxage=1"
    again = client.get(path(need), headers={"If-None-Match": page.headers["ETag"]})
    assert (again.status_code, again.data) == (304, b"")
    with transaction():
        operations.edit_need(need.id, by=None, title="Another title")
    changed = client.get(path(need), headers={"If-None-Match": page.headers["ETag"]})
    assert changed.status_code == 200
    assert "Another title" in changed.text


@pytest.mark.rule("N1")
def test_what_is_not_open_is_not_there_at_the_next_request(client: CheckingClient) -> None:
    need = make_need()
    make_shift(need)
    for hide, show in (
        (operations.pause_need, operations.reopen_need),
        (operations.close_need, operations.reopen_need),
    ):
        assert client.get(path(need)).status_code == 200
        with transaction():
            hide(need.id, by=None)
        assert client.get(path(need)).status_code == 404
        with transaction():
            show(need.id, by=None)
    for name, value, good in (("status", "suspended", "active"), ("verified_at", None, now())):
        with transaction():
            setattr(need.organization, name, value)
        assert client.get(path(need)).status_code == 404
        with transaction():
            setattr(need.organization, name, good)
    assert client.get("/needs/0000000000000").status_code == 404
    assert client.get("/needs/17").status_code == 404


@pytest.mark.rule("N1", "A1")
def test_the_organization_previews_its_own_draft(client: CheckingClient, sign_in: SignIn) -> None:
    need = make_need(status="draft", title="A secret plan")
    shift = make_shift(need)
    for person, status in (
        (make_member(need.organization, "viewer"), 200),
        (make_member(need.organization, "owner"), 200),
        (make_member(make_organization(), "owner"), 404),
        (make_person(), 404),
    ):
        sign_in(person)
        page = client.get(path(need))
        assert page.status_code == status
        assert ("This is a preview" in page.text) is (status == 200)
        assert encode_id(shift.id) not in page.text
        if status == 200:
            assert page.headers["Cache-Control"] == "no-store"


@pytest.mark.rule("N6")
def test_a_private_street_is_on_no_page_of_the_public(client: CheckingClient, sign_in: SignIn) -> None:
    need = private_need()
    page = client.get(path(need))
    assert "Newark" in page.text
    assert "The address is private" in page.text
    sign_in(make_person())
    for text in (page.text, client.get(path(need)).text):
        for secret in ("Quiet", "40.73", "74.17", "07102"):
            assert secret not in text
    sign_in(make_member(need.organization, "viewer"))
    assert STREET in client.get(path(need)).text


@pytest.mark.rule("N6", "G7")
def test_a_confirmed_person_sees_the_street_from_48_hours_before(client: CheckingClient, sign_in: SignIn) -> None:
    need = private_need()
    soon, later, person, waiting = make_shift(need, days=1), make_shift(need, days=5), make_person(), make_person()
    with transaction():
        sign_up(soon.id, by=person, party_size=1)
    with transaction():
        sign_up(later.id, by=waiting, party_size=1)
    sign_in(waiting)
    assert STREET not in client.get(path(need)).text
    sign_in(person)
    page = client.get(path(need))
    assert STREET in page.text
    assert page.headers["Cache-Control"] == "no-store"
    assert "You have a place" in page.text
    with transaction():
        operations.cancel_shift(soon.id, by=None)
    assert STREET not in client.get(path(need)).text
    assert db.session.get_one(PrivateAddress, need.id).address == STREET


def test_an_unclaimed_organization_takes_nothing_yet(client: CheckingClient) -> None:
    need = make_need(make_organization(name="Imported House", claimed_at=None))
    make_shift(need, name="Sort books")
    make_item(need)
    page = client.get(path(need))
    assert "Sort books" in page.text
    assert "Nobody of Imported House stands behind this listing at the moment" in page.text
    # Only the list it comes from was checked: nothing says that the organization was.
    for read in (path(need), f"/organizations/{need.organization.slug}", "/organizations", "/needs", "/"):
        text = client.get(read).text
        assert "Not claimed yet" in text, read
        assert ">Verified<" not in text, read
        assert "Verified on" not in text, read
    for link in ("/sign-up", "/pledge", "/fundraisers/new"):
        assert link not in page.text


def test_what_is_over_cancelled_or_full_offers_no_button(client: CheckingClient) -> None:
    need = make_need(ends_on=today("America/New_York") - dt.timedelta(days=1))
    shifts = [
        make_shift(need, days=-2, name="Past"),
        make_shift(need, status="cancelled", name="Cancelled one"),
        make_shift(need, flexible=True, name="Role until yesterday"),
        make_shift(need, capacity=0, name="Nobody"),
    ]
    page = client.get(path(need))
    assert page.status_code == 200
    for name in ("Past<", "Cancelled one", "Role until yesterday"):
        assert name not in page.text
    for shift in shifts:
        assert f"/shifts/{encode_id(shift.id)}/sign-up" not in page.text


@pytest.mark.rule("G1")
def test_a_shift_with_contact_leads_to_what_one_needs(client: CheckingClient) -> None:
    need = make_need()
    for contact, words in (("children", "with children"), ("adults_at_risk", "with adults at risk")):
        make_shift(need, contact=contact)
        page = client.get(path(need))
        assert words in page.text
        assert ">Sign up</a>" not in page.text.split('id="shifts"')[1]


@pytest.mark.rule("N5")
def test_filled_is_computed_from_what_can_be_counted(client: CheckingClient) -> None:
    need = make_need()
    shift, item = make_shift(need, capacity=2), make_item(need, quantity="5")
    make_item(need, quantity=None)
    make_shift(need, capacity=None, flexible=True)
    person = make_person()

    def says_filled() -> bool:
        page = client.get(path(need))
        filled = standing.is_filled(queries.list_shifts(need.id), queries.list_items(need.id))
        assert filled is ("Filled: everything asked for is promised" in page.text)
        return filled

    assert not says_filled()
    with transaction():
        signup = sign_up(shift.id, by=person, party_size=2)
    assert not says_filled()
    with transaction():
        pledge(item.id, by=person, quantity=Decimal(5))
    assert says_filled()
    with transaction():
        cancel_signup(signup.id, by=person)
    assert not says_filled()


@pytest.mark.rule("N5")
def test_open_quantities_never_fill() -> None:
    open_role = queries.ShiftLine(1, None, None, "UTC", True, None, "scheduled", "none", None, "", None, 9, None)
    zero = Decimal(0)
    open_item = queries.ItemLine(1, "x", "", None, Decimal(9), zero, "normal", "", None, False)
    unwanted = queries.ItemLine(2, "x", "", Decimal(1), Decimal(1), zero, "normal", "", None, True)
    full = queries.ItemLine(3, "x", "", Decimal(2), Decimal(3), zero, "normal", "", None, False)
    half = queries.ItemLine(4, "x", "", Decimal(2), zero, Decimal(1), "normal", "", None, False)
    assert not standing.is_filled([open_role], [open_item, unwanted])
    assert not standing.is_filled([], [])
    assert standing.is_filled([open_role], [open_item, full])
    # A surplus of one item does not fill another.
    assert not standing.is_filled([], [full, half])
    assert standing.of_items([full, half]) == standing.Standing(Decimal(2), Decimal(1), Decimal(4), Decimal(1))
    assert standing.of_time([open_role]) is None


def test_the_main_button_is_the_first_shift_that_can_be_taken(client: CheckingClient, sign_in: SignIn) -> None:
    need = make_need()
    mine = make_shift(need, name="Mine", days=1)
    make_shift(need, name="Full", days=2, capacity=0)
    make_shift(need, name="Asks", days=3, contact="children")
    free = make_shift(need, name="Free", days=4)
    make_shift(need, name="Later", days=5)

    def main() -> list[str]:
        return re.findall(r'class="button main" href="/shifts/(\w+)/', client.get(path(need)).text)

    assert main() == [encode_id(mine.id)]
    helper = make_person()
    with transaction():
        sign_up(mine.id, by=helper)
    sign_in(helper)
    assert main() == [encode_id(free.id)]
    assert client.get(path(need)).text.count(">You have a place</span>") == 1
    # What the yellow finger means is said to whom it belongs.
    assert "you</li></ul>" in client.get(path(need)).text
    assert "you</li></ul>" not in client.get(path(make_shift(name="Elsewhere").need)).text


def fill(need: Need, number: int) -> None:
    for _row in range(number):
        shift = make_shift(need)
        make_item(need)
        with transaction():
            db.session.add(Position(shift_id=shift.id, name="Driver", capacity=3, sort=1))


def test_at_most_five_statements_and_as_many_for_fifty_rows_as_for_five(
    client: CheckingClient, sign_in: SignIn, count_queries: list[str]
) -> None:
    few, many = make_need(), make_need()
    fill(few, 5)
    fill(many, 50)
    for need in (few, many):
        make_fundraiser(need.organization, need_id=need.id)

    few_path, many_path = path(few), path(many)
    viewers = [make_member(few.organization, "viewer"), make_member(many.organization, "viewer")]

    def cost(where: str) -> int:
        count_queries.clear()
        assert client.get(where).status_code == 200
        return len([line for line in count_queries if "pg_current_snapshot" not in line])

    assert cost(few_path) == cost(many_path) == 5
    assert cost(few_path) == 0  # kept as long as nothing is committed
    sign_in(viewers[0])
    signed_in = cost(few_path)
    sign_in(viewers[1])
    assert cost(many_path) == signed_in <= 10


@pytest.mark.rule("S4")
def test_a_shift_that_has_begun_says_so_before_anybody_signs_up(client: CheckingClient, sign_in: SignIn) -> None:
    """It takes people up to its end, but nobody is sent there as though it were still ahead."""
    need = make_need()
    running = make_shift(need, days=-0.05, hours=4)
    ahead = make_shift(need, days=3)
    sign_in(make_person())

    def row(page: str, key: int) -> str:
        return next(
            one.split("</li>")[0] for one in page.split('<li class="row') if f"/shifts/{encode_id(key)}/sign-up" in one
        )

    page = client.get(path(need)).text
    assert "it has begun" in row(page, running.id)
    assert 'class="button second"' in row(page, running.id)
    assert "it has begun" not in row(page, ahead.id)
    assert 'class="button second"' not in row(page, ahead.id), "the main button is of what is ahead"
    form = client.get(f"/shifts/{encode_id(running.id)}/sign-up").text
    assert "This shift has begun." in form
    assert "Sign up only if you can come now." in form
    assert "This shift has begun." not in client.get(f"/shifts/{encode_id(ahead.id)}/sign-up").text
    several = client.get(f"/needs/{encode_id(need.id)}/sign-up").text
    assert several.count("(it has begun)") == 1, "so do choices among several"
    with transaction():
        running.ends_at = now() - dt.timedelta(minutes=1)
    assert f"/shifts/{encode_id(running.id)}/sign-up" not in client.get(path(need)).text


def test_where_it_stands_leads_straight_to_the_only_shift(client: CheckingClient) -> None:
    need = make_need()
    shift = make_shift(need)
    form = f'href="/shifts/{encode_id(shift.id)}/sign-up"'
    assert client.get(path(need)).text.count(form) == 2
    make_shift(need, days=9)
    page = client.get(path(need)).text
    assert page.count(form) == 1
    assert 'href="#shifts"' in page
