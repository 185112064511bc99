"""Pages about promises of items, and the staff's page that receives them."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from app.core.db import db
from app.core.ids import encode_id
from app.needs.models import Item
from app.pledges.models import Pledge
from tests.conftest import CheckingClient
from tests.factories import make_item, make_member, make_need, make_organization, make_person
from tests.smtp import Mailbox, html_of, text_of

SignIn = Callable[..., CheckingClient]


def path(item: Item) -> str:
    return f"/items/{encode_id(item.id)}/pledge"


def only_pledge() -> Pledge:
    return db.session.query(Pledge).one()


def test_from_the_form_to_my_help_and_back(client: CheckingClient, sign_in: SignIn) -> None:
    item = make_item(quantity="10")
    assert client.get(path(item)).headers["Location"].startswith("/sign-in?next=")
    sign_in(make_person())
    page = client.get(f"{path(item)}?quantity=3")
    assert 'value="3"' in page.text
    assert "10 wanted" in page.text
    sent = client.post(path(item), data={"quantity": "3", "note": "on Friday"})
    assert (sent.status_code, sent.headers["Location"]) == (303, "/my-help")
    mine = client.get("/my-help")
    assert "3 × box of Diapers" in mine.text
    cancel = f"/pledges/{encode_id(only_pledge().id)}/cancel"
    assert f'href="{cancel}"' in mine.text
    assert "wanted again at once" in client.get(cancel).text
    assert client.post(cancel).headers["Location"] == "/my-help"
    assert only_pledge().status == "cancelled"
    undo = f"/pledges/{encode_id(only_pledge().id)}/undo-cancel"
    assert f'action="{undo}"' in client.get("/my-help").text
    assert "Nothing of this promise is outstanding" in client.get(cancel).text
    assert client.post(cancel).status_code == 409
    assert client.post(undo).headers["Location"] == "/my-help"
    assert only_pledge().status == "reserved"
    assert client.post(undo).status_code == 409


@pytest.mark.rule("P2")
def test_a_second_promise_asks_whether_to_add_or_replace(client: CheckingClient, sign_in: SignIn) -> None:
    item = make_item(quantity="10")
    sign_in(make_person())
    client.post(path(item), data={"quantity": "3", "note": ""})
    assert "You have promised 3 × box" in client.get(path(item)).text
    asked = client.post(path(item), data={"quantity": "2", "note": "still here"})
    assert asked.status_code == 409
    assert "Add it: 5 × box altogether" in asked.text
    assert "Replace it: 2 × box altogether" in asked.text
    assert 'value="still here"' in asked.text
    assert only_pledge().quantity == 3
    assert client.post(path(item), data={"quantity": "2", "note": "", "mode": "nonsense"}).status_code == 409
    assert client.post(path(item), data={"quantity": "2", "note": "", "mode": "add"}).status_code == 303
    assert only_pledge().quantity == 5
    assert client.post(path(item), data={"quantity": "1.5", "note": "", "mode": "replace"}).status_code == 303
    assert str(only_pledge().quantity) == "1.5"
    too_many = client.post(path(item), data={"quantity": "9", "note": "", "mode": "add"})
    assert too_many.status_code == 409
    assert "Promise 8.5 × box or less" in too_many.text


@pytest.mark.rule("P5")
@pytest.mark.rule("A4")
@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ("", "Enter how many"),
        ("0", "more than 0"),
        ("-2", "more than 0"),
        ("lots", "Enter a number"),
        ("99999999999999", "smaller quantity"),
        ("1.2345", "three decimals"),
        ("11", "Promise 10 × box or less: that is still wanted."),
        ("<b>", "Enter a number"),
    ],
)
def test_what_is_no_quantity_is_said_at_the_field_and_kept(
    client: CheckingClient, sign_in: SignIn, typed: str, said: str
) -> None:
    item = make_item(quantity="10")
    sign_in(make_person())
    response = client.post(path(item), data={"quantity": typed, "note": "keep me"})
    assert response.status_code in (409, 422)
    assert "<title>Error: " in response.text
    assert said in response.text
    assert "keep me" in response.text
    assert f'value="{typed.replace("<", "&lt;").replace(">", "&gt;")}"' in response.text
    assert db.session.query(Pledge).count() == 0


@pytest.mark.rule("S11")
def test_whoever_cannot_promise_sees_why_and_no_form(client: CheckingClient, sign_in: SignIn) -> None:
    sign_in(make_person(email_verified_at=None))
    for item in (make_item(), make_item(make_need(make_organization(claimed_at=None)))):
        page = client.get(path(item))
        assert "What stands in the way" in page.text
        assert "<form" not in page.text
        assert client.post(path(item), data={"quantity": "1", "note": ""}).status_code == 409
    sign_in(make_person())
    assert "Please do not bring this" in client.get(path(make_item(quantity=None, do_not_bring=True))).text


@pytest.mark.rule("A1")
def test_nobody_touches_another_persons_promise(
    client: CheckingClient, new_client: Callable[[], CheckingClient], sign_in: SignIn
) -> None:
    organization = make_organization()
    item = make_item(make_need(organization))
    sign_in(make_person())
    client.post(path(item), data={"quantity": "1", "note": ""})
    key = encode_id(only_pledge().id)
    for person, may in (
        (make_person(), False),
        (make_member(make_organization(), "owner"), False),
        (make_member(organization, "viewer"), False),
        (make_member(organization, "manager"), True),
    ):
        other = sign_in(person, new_client())
        assert other.get(f"/pledges/{key}/cancel").status_code == 404
        assert other.post(f"/pledges/{key}/cancel").status_code == 404
        if not may:
            assert other.get(f"/pledges/{key}/receive").status_code == 404
            assert other.post(f"/pledges/{key}/receive", data={"received": "1"}).status_code == 404
    assert client.get(f"/pledges/{key}/receive").status_code == 404


@pytest.mark.rule("P4")
def test_staff_mark_a_part_received_and_the_giver_is_told(
    client: CheckingClient,
    new_client: Callable[[], CheckingClient],
    sign_in: SignIn,
    mailbox: Mailbox,
    work_off: Callable[[], dict[str, int]],
) -> None:
    organization = make_organization()
    item = make_item(make_need(organization), quantity="10", name="Sheets <1>")
    person = make_person()
    sign_in(person)
    client.post(path(item), data={"quantity": "4", "note": ""})
    staff = sign_in(make_member(organization, "manager"), new_client())
    url = f"/pledges/{encode_id(only_pledge().id)}/receive"
    assert "Mark received" in staff.get(url).text
    wrong = staff.post(url, data={"received": "1", "rejected": "1", "reason": ""})
    assert wrong.status_code == 422
    assert "Say why it could not be taken" in wrong.text
    done = staff.post(url, data={"received": "1", "rejected": "1", "reason": "torn & wet"})
    assert done.status_code == 303
    assert done.headers["Location"].endswith("#items")
    assert (only_pledge().received, only_pledge().rejected, only_pledge().status) == (1, 1, "reserved")
    assert staff.post(url, data={"received": "2", "rejected": "", "reason": ""}).status_code == 303
    assert only_pledge().status == "received"
    assert "Nothing of this promise is outstanding" in staff.get(url).text
    assert staff.post(url, data={"received": "2", "rejected": "", "reason": ""}).status_code == 409
    assert work_off()["failed"] == 0
    assert mailbox.subjects() == ["Your promise: Sheets <1>", "Received: Sheets <1>", "Received: Sheets <1>"]
    assert "torn & wet" in text_of(mailbox.messages[1])
    assert "torn &amp; wet" in html_of(mailbox.messages[1])
    assert "Given before" in client.get("/my-help").text
