"""Pages of fundraisers: the list, one page, starting, changing, deciding (F8, A1, A4)."""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Callable
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask

from app.core.clock import now
from app.core.db import db, transaction
from app.core.ids import encode_id
from app.core.money import Money
from app.core.outbox import Outbox
from app.donations import ledger, tally
from app.donations.models import Donation
from app.fundraisers.models import Fundraiser
from tests.conftest import CheckingClient
from tests.factories import make_fundraiser, make_member, make_need, make_organization, make_person

SignIn = Callable[..., CheckingClient]
FORM = {"title": "Ten cold miles", "story": "**Why** we run.", "goal": "6,000", "ends_on": "", "show_starter": "y"}


def text_of(response: Any, status: int = 200) -> str:
    """The page, once its status is as expected."""
    assert response.status_code == status, response.get_data(as_text=True)[:500]
    return str(response.get_data(as_text=True))


def add_gift(fundraiser: Fundraiser, minor: int, status: str = "paid", **values: Any) -> None:
    """A gift in its final shape, with its ledger when it is paid."""
    with transaction():
        donation = Donation(
            fundraiser_id=fundraiser.id, organization_id=fundraiser.organization_id, amount_minor=minor,
            currency=fundraiser.currency, status=status, mode="demo", created_at=now(), paid_at=now(),
            **{"name": "A", "email": f"{minor}@example.org", "anonymous": False, **values},
        )  # fmt: skip
        db.session.add(donation)
        db.session.flush()
        if status == "paid":
            ledger.post_gift(
                organization_id=fundraiser.organization_id, fundraiser_id=fundraiser.id, donation_id=donation.id,
                payment_id=f"pi_{donation.id}", amount=Money(minor, fundraiser.currency),
            )  # fmt: skip
            tally.gift_paid(donation)
        tally.moved(donation, "pending")


def test_the_main_way_from_start_to_live(
    client: CheckingClient, sign_in: SignIn, new_client: Callable[[], CheckingClient]
) -> None:
    owner, supporter = make_person(), make_person(name="Devon Okafor")
    organization = make_organization(owner, name="Lantern House")
    need = make_need(organization, title="Beds for winter")
    sign_in(supporter)
    address = f"/fundraisers/new?organization={organization.slug}&need={encode_id(need.id)}"
    page = text_of(client.get(address))
    assert "Start a fundraiser for Lantern House" in page
    assert "Beds for winter" in page
    started = client.post(address, data=FORM)
    assert started.status_code == 303
    assert started.headers["Location"] == "/fundraisers/ten-cold-miles"
    preview = text_of(client.get("/fundraisers/ten-cold-miles"))
    assert "waits for" in preview
    visitor = new_client()
    assert visitor.get("/fundraisers/ten-cold-miles").status_code == 404
    assert "Ten cold miles" not in text_of(visitor.get("/fundraisers"))

    staff = sign_in(owner, new_client())
    manage = text_of(staff.get(f"/manage/{organization.slug}/fundraisers"))
    assert "Waits for approval" in manage
    review = f"/manage/{organization.slug}/fundraisers/ten-cold-miles"
    assert "Approve" in text_of(staff.get(review))
    assert staff.post(f"{review}/approve").status_code == 303

    shown = text_of(visitor.get("/fundraisers/ten-cold-miles"))
    for words in (
        "Devon Okafor for",
        "<strong>Why</strong>",
        "$6,000",
        "still open",
        "Beds for winter",
        "0% of the goal",
    ):
        assert words in shown
    assert "Ten cold miles" in text_of(visitor.get("/fundraisers"))
    assert staff.post(f"{review}/decline", data={"reason": "Not ours after all"}).status_code == 303
    assert visitor.get("/fundraisers/ten-cold-miles").status_code == 404
    assert "Their reason: Not ours after all" in text_of(client.get("/fundraisers/ten-cold-miles"))
    # Whoever started it changes it and asks again; only a page that could be started today.
    edit = "/fundraisers/ten-cold-miles/edit"
    assert "When you save it, they are asked once more" in text_of(client.get(edit))
    assert client.post(edit, data=FORM | {"ends_on": "2020-01-01"}).status_code == 422
    with transaction():
        organization.status = "suspended"
    assert client.post(edit, data=FORM).status_code == 409
    with transaction():
        organization.status = "active"
    waiting_mails = sa.select(sa.func.count()).where(Outbox.kind == "mail_fundraiser_waiting")
    asked = db.session.scalar(waiting_mails)
    assert client.post(edit, data=FORM | {"title": "Ten cold miles for beds"}).status_code == 303
    assert "waits for" in text_of(client.get("/fundraisers/ten-cold-miles"))
    assert db.session.scalar(waiting_mails) == asked + 1
    assert staff.post(f"{review}/approve").status_code == 303
    assert "Ten cold miles for beds" in text_of(visitor.get("/fundraisers/ten-cold-miles"))


@pytest.mark.rule("A4")
@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"title": ""}, "Enter a title"),
        ({"title": "x" * 121}, "Write between 3 and 120"),
        ({"story": ""}, "Say why you raise money"),
        ({"goal": ""}, "Enter a goal"),
        ({"goal": "lots"}, "Enter an amount in USD"),
        ({"goal": "0"}, "Enter an amount above zero"),
        ({"goal": "9" * 30}, "Set a smaller goal"),
        ({"ends_on": "2020-01-01"}, "Choose today or a later day"),
        ({"ends_on": "soon"}, "Enter a date"),
    ],
)
def test_what_cannot_be_used_is_said_at_its_field_and_the_rest_kept(
    client: CheckingClient, sign_in: SignIn, values: dict[str, str], message: str
) -> None:
    sign_in(make_person())
    organization = make_organization()
    page = text_of(client.post(f"/fundraisers/new?organization={organization.slug}", data={**FORM, **values}), 422)
    assert message in page
    assert "Error:" in page
    if "story" not in values:
        assert "**Why** we run." in page
    assert db.session.scalar(sa.select(sa.func.count()).select_from(Fundraiser)) == 0


def test_starting_asks_for_a_sign_in_a_verified_address_and_an_organization(
    client: CheckingClient, sign_in: SignIn
) -> None:
    organization = make_organization()
    address = f"/fundraisers/new?organization={organization.slug}"
    assert client.get(address).headers["Location"].startswith("/sign-in?next=")
    sign_in(make_person(email_verified_at=None))
    assert "Follow the link" in text_of(client.get(address), 409)
    assert "**Why** we run." in text_of(client.post(address, data=FORM), 409)
    assert "Choose the organization" in text_of(client.get("/fundraisers/new"))
    assert client.get("/fundraisers/new?organization=nobody").status_code == 404
    sign_in(make_person())
    old = make_organization(merged_into_id=organization.id, status="merged", slug="its-old-name")
    assert organization.name in text_of(client.get(f"/fundraisers/new?organization={old.slug}"))


def test_a_story_shows_no_html_of_its_author(client: CheckingClient) -> None:
    story = "<script>alert(1)</script> <img src=x onerror=y> [a](javascript:x) ![b](https://x.example/p.png)"
    fundraiser = make_fundraiser(story=story)
    page = text_of(client.get(f"/fundraisers/{fundraiser.slug}"))
    for wrong in ("<script>alert", "<img", 'href="javascript', "onerror=y>"):
        assert wrong not in page


def test_the_thermometer_says_what_it_draws(client: CheckingClient) -> None:
    fundraiser = make_fundraiser(goal_minor=10_000)
    add_gift(fundraiser, 2_500)
    add_gift(fundraiser, 1_000, "processing")
    add_gift(fundraiser, 700, "failed")
    add_gift(fundraiser, 800, "mismatched")
    page = text_of(client.get(f"/fundraisers/{fundraiser.slug}"))
    for words in ("$25", "given by card, settled", "$10", "on its way", "$65", "still open", "25% of the goal of $100"):
        assert words in page
    assert "given by 1 person" in page
    assert "$7<" not in page
    assert "$8<" not in page


def test_more_than_the_goal_looks_right(client: CheckingClient) -> None:
    fundraiser = make_fundraiser(goal_minor=10_000)
    add_gift(fundraiser, 11_800)
    page = text_of(client.get(f"/fundraisers/{fundraiser.slug}"))
    assert "118% of the goal of $100" in page
    assert "still open</dt>" not in page
    assert "118% of the goal" in text_of(client.get("/fundraisers"))


@pytest.mark.rule("N2")
def test_gifts_page_by_key(client: CheckingClient) -> None:
    fundraiser = make_fundraiser()
    for number in range(25):
        add_gift(fundraiser, 100 + number, message=f"gift number {number:02d}.")
    first = text_of(client.get(f"/fundraisers/{fundraiser.slug}"))
    following = first.split('rel="next" href="')[1].split('"')[0].replace("&amp;", "&")
    second = text_of(client.get(following))
    seen = [f"gift number {number:02d}." in page for page in (first, second) for number in range(25)]
    assert sum(seen) == 25
    for path in (f"/fundraisers/{fundraiser.slug}", "/fundraisers"):
        answer = client.get(f"{path}?cursor=nonsense&a=b")
        assert (answer.status_code, answer.location) == (302, f"{path}?a=b")


@pytest.mark.rule("A1")
def test_only_owners_and_managers_of_the_organization_decide(
    client: CheckingClient, sign_in: SignIn, new_client: Callable[[], CheckingClient]
) -> None:
    organization = make_organization(make_person())
    fundraiser = make_fundraiser(organization, status="awaiting_approval")
    other = make_organization(make_person())
    address = f"/manage/{organization.slug}/fundraisers/{fundraiser.slug}"
    elsewhere = f"/manage/{other.slug}/fundraisers/{fundraiser.slug}"
    for role, of, sees_list, decides in (
        ("owner", organization, True, True),
        ("manager", organization, True, True),
        ("coordinator", organization, True, False),
        ("viewer", organization, True, False),
        ("owner", other, False, False),
    ):
        browser = sign_in(make_member(of, role), new_client())
        assert browser.get(f"/manage/{organization.slug}/fundraisers").status_code == (200 if sees_list else 404)
        assert browser.get(address).status_code == (200 if decides else 404)
        assert browser.post(f"{address}/approve").status_code == (303 if decides else 404)
        assert browser.post(f"{address}/decline", data={"reason": "x"}).status_code == (303 if decides else 404)
        approval = browser.post(f"/manage/{organization.slug}/fundraisers/approval", data={"auto_approve": "y"})
        assert approval.status_code == (303 if decides else 404)
        assert browser.get(elsewhere).status_code == 404
    starter = sign_in(db.session.get_one(type(make_person()), fundraiser.started_by_id), new_client())
    assert starter.get(f"/fundraisers/{fundraiser.slug}").status_code == 200
    assert starter.post(f"{address}/approve").status_code == 404


def test_declining_needs_a_reason(client: CheckingClient, sign_in: SignIn) -> None:
    owner = make_person()
    organization = make_organization(owner)
    fundraiser = make_fundraiser(organization)
    sign_in(owner)
    page = text_of(client.post(f"/manage/{organization.slug}/fundraisers/{fundraiser.slug}/decline"), 422)
    assert "Give a reason" in page


def test_a_starter_edits_and_ends_the_page_and_nobody_else_does(
    client: CheckingClient, sign_in: SignIn, new_client: Callable[[], CheckingClient]
) -> None:
    starter = make_person()
    fundraiser = make_fundraiser(started_by_id=starter.id)
    address = f"/fundraisers/{fundraiser.slug}"
    stranger = sign_in(make_person(), new_client())
    for path in ("edit", "end"):
        assert stranger.get(f"{address}/{path}").status_code == 404
        assert stranger.post(f"{address}/{path}", data=FORM).status_code == 404
    sign_in(starter)
    assert 'value="1000"' in text_of(client.get(f"{address}/edit"))
    assert "Enter a goal" in text_of(client.post(f"{address}/edit", data={**FORM, "goal": ""}), 422)
    assert client.post(f"{address}/edit", data=FORM).status_code == 303
    assert "Ten cold miles" in text_of(client.get(address))
    assert "takes no more gifts" not in text_of(client.get(address))
    assert "no more gifts" in text_of(client.get(f"{address}/end"))
    assert client.post(f"{address}/end").status_code == 303
    assert "has ended" in text_of(client.get(address))
    assert client.get(f"{address}/edit").status_code == 404


@pytest.mark.parametrize("rows", [5, 20])
def test_the_list_asks_the_database_the_same_for_few_and_many(
    client: CheckingClient, count_queries: list[str], rows: int
) -> None:
    organization = make_organization()
    for number in range(rows):
        make_fundraiser(organization, created_at=now() - dt.timedelta(minutes=number))
    count_queries.clear()
    client.get("/fundraisers")
    assert len(count_queries) <= 3


@pytest.mark.parametrize("path", ["/fundraisers", "page"])
def test_public_pages_set_no_cookie(client: CheckingClient, path: str) -> None:
    fundraiser = make_fundraiser()
    response = client.get(path if path != "page" else f"/fundraisers/{fundraiser.slug}")
    assert response.status_code == 200
    assert "Set-Cookie" not in response.headers


def test_mails_of_decisions_are_written(
    app: Flask, client: CheckingClient, sign_in: SignIn, work_off: Callable[[], Any], capsys: Any
) -> None:
    before = app.config["SETTINGS"]
    app.config["SETTINGS"] = dataclasses.replace(before, mail_url="console:")
    try:
        owner, supporter = make_person(), make_person()
        organization = make_organization(owner)
        sign_in(supporter)
        client.post(f"/fundraisers/new?organization={organization.slug}", data=FORM)
        work_off()
        waiting = capsys.readouterr().err
        sign_in(owner)
        review = f"/manage/{organization.slug}/fundraisers/ten-cold-miles"
        client.post(f"{review}/decline", data={"reason": "Please name the day."})
        work_off()
        declined = capsys.readouterr().err
        client.post(f"{review}/approve")
        work_off()
        approved = capsys.readouterr().err
    finally:
        app.config["SETTINGS"] = before
    assert f"To: {owner.email}" in waiting
    assert review in waiting.replace("=\n", "")
    assert f"To: {supporter.email}" in declined
    assert "Please name the day." in declined
    assert f"To: {supporter.email}" in approved
    assert "is live" in approved
