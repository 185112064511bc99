"""Joining the waitlist of a full shift (S5), by its page and by the API, and answering there."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from app.accounts.models import Person
from app.accounts.operations import create_token
from app.accounts.scopes import SCOPES
from app.core.db import transaction
from app.core.ids import encode_id
from app.needs.models import Need, Shift
from app.signups import waitlist
from tests.conftest import CheckingClient
from tests.factories import make_person, make_shift
from tests.signups.test_waitlist import sign_up_in_order, taken
from tests.signups.waiting import codes, join, leave, need, shift
from tests.smtp import Mailbox, text_of

__all__ = ["need", "shift"]  # fixtures
Work = Callable[[], dict[str, int]]
SignIn = Callable[..., CheckingClient]


@pytest.mark.rule("S5")
def test_who_may_wait(need: Need, shift: Shift) -> None:
    person = make_person()
    assert [one.status for one in join(shift, 1)] == ["confirmed"], "there is room, so nobody waits"
    [waiting] = join(shift, 1)
    assert (waiting.status, taken(shift)) == ("waitlisted", 1)
    assert codes(waitlist.join, shift.id, by=waiting.person) == ["already_signed_up"]
    assert codes(waitlist.join, shift.id, by=person, party_size=2) == ["party_size"], "two never fit on one place"
    assert codes(waitlist.join, make_shift(need, capacity=0).id, by=person) == ["full"], "no places: nobody"
    old = make_shift(need, capacity=1, minimum_age=90)
    assert codes(waitlist.join, old.id, by=person) == ["too_young"], "whom the gate would not let in does not wait"
    assert codes(waitlist.accept, waiting.id, by=waiting.person) == ["not_offered"]
    assert codes(waitlist.decline, waiting.id, by=waiting.person) == ["not_offered"]


@pytest.mark.rule("S5")
def test_the_page_of_a_full_shift_puts_one_in_line(
    shift: Shift, client: CheckingClient, sign_in: SignIn, mailbox: Mailbox, work_off: Work
) -> None:
    sign_up_in_order(shift, 1)
    assert "Join the waitlist" in client.get(f"/needs/{encode_id(shift.need_id)}").text
    page = f"/shifts/{encode_id(shift.id)}/sign-up"
    assert 'value="wait"' not in client.get(page).text, "a guest has no account to be asked by"
    person = make_person()
    sign_in(person)
    shown = client.get(page).text
    assert "Join the waitlist" in shown
    assert 'type="submit">Sign up' not in shown
    wrong = client.post(page, data={"party_size": "x", "note": "", "act": "wait"})
    assert wrong.status_code == 422
    assert "Join the waitlist" in wrong.text
    assert client.post(page, data={"party_size": "1", "note": "By bus", "act": "wait"}).status_code == 303
    assert "We write to you when a place is yours." in client.get("/my-help").text
    [waiting] = waitlist.list_waiting([shift.id])
    assert (waiting.person_id, waiting.note) == (person.id, "By bus")
    assert "1 person waits already" not in client.get(page).text
    assert "You are on the waitlist of this shift." in client.get(page).text
    assert client.post(page, data={"party_size": "1", "act": "wait"}).status_code == 409
    work_off()
    assert "behind everybody who waits already" in " ".join(text_of(mailbox.to(person.email)[-1]).split())
    sign_in(make_person())
    assert "1 person waits already." in client.get(page).text


@pytest.mark.rule("S5")
def test_more_people_than_places_are_offered_the_waitlist_beside_fewer(
    need: Need, client: CheckingClient, sign_in: SignIn
) -> None:
    shift = make_shift(need, capacity=3, days=6)
    sign_up_in_order(shift, 2)
    sign_in(make_person())
    page = f"/shifts/{encode_id(shift.id)}/sign-up"
    refused = client.post(page, data={"party_size": "3", "note": ""})
    assert refused.status_code == 409
    assert "Choose 1 person: 1 place is open." in refused.text
    assert "Join the waitlist" in refused.text
    assert client.post(page, data={"party_size": "3", "note": "", "act": "wait"}).status_code == 303
    assert [one.party_size for one in waitlist.list_waiting([shift.id])] == [3]


# --- the API --------------------------------------------------------------------------------------------------------


@pytest.mark.rule("S5")
def test_the_api_waits_accepts_and_declines(shift: Shift, client: CheckingClient) -> None:
    [holder] = sign_up_in_order(shift, 1)
    first, second = make_person(), make_person()

    def call(person: Person, method: str, path: str, **body: object) -> tuple[int, dict[str, Any]]:
        with transaction():
            token = create_token(person, scopes=list(SCOPES))
        answer = client.open(
            f"/api/v1/{path}", method=method, json=body or None, headers={"Authorization": f"Bearer {token}"}
        )
        return answer.status_code, answer.json

    key = encode_id(shift.id)
    status, full = call(first, "POST", f"shifts/{key}/signups", party_size=1)
    assert (status, [reason["code"] for reason in full["reasons"]]) == (409, ["full"])
    made = [call(person, "POST", f"shifts/{key}/signups", waitlist=True) for person in (first, second)]
    assert [(status, body["status"], body["offer_expires_at"]) for status, body in made] == [
        (201, "waitlisted", None)
    ] * 2
    assert client.get(f"/api/v1/shifts/{key}").json["waitlist_length"] == 2
    one, two = (f"signups/{body['id']}" for _status, body in made)
    assert call(first, "POST", f"{one}/accept")[1]["reasons"][0]["code"] == "not_offered"
    leave(holder)
    _status, body = call(first, "GET", one)
    assert body["status"] == "offered"
    assert str(body["offer_expires_at"]).endswith("Z")
    after = client.get(f"/api/v1/shifts/{key}").json
    assert (after["taken"], after["free"], after["waitlist_length"]) == (1, 0, 1)
    assert call(second, "POST", f"{one}/accept")[0] == 404, "it is another's"
    status, body = call(first, "POST", f"{one}/decline")
    assert (status, body["status"]) == (200, "declined")
    status, body = call(first, "POST", f"{one}/decline")
    assert (status, body["reasons"][0]["code"]) == (409, "offer_declined")
    status, body = call(second, "POST", f"{two}/accept")
    assert (status, body["status"], body["offer_expires_at"]) == (200, "confirmed", None)
    status, body = call(second, "POST", f"{two}/accept")
    assert (status, body["reasons"][0]["code"]) == (409, "already_accepted")
