"""What people who come need to know: public facts on the page, meeting point and contact for those with a place."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from flask import Flask

from app.accounts.models import Person
from app.core.db import db, transaction
from app.core.ids import encode_id
from app.messages.operations import choose_mail
from app.needs.models import DayFacts, Need, PrivateAddress
from app.needs.operations import edit_need
from app.signups.models import Signup
from app.signups.operations import cancel_signup, sign_up
from app.signups.policy import place_token
from tests.conftest import CheckingClient
from tests.factories import make_member, make_need, make_organization, make_person, make_shift
from tests.smtp import Mailbox, html_of, text_of

Work = Callable[[], dict[str, int]]
SignIn = Callable[..., CheckingClient]
POINT, CONTACT = "Blue door behind the church", "Kofi, 555 0199"
TYPED = {
    "bring": "Closed shoes\nA bottle of water",
    "suits": "First-timers",
    "step_free": "no",
    "parking": "Bus 5 stops at the corner",
    "meeting_point": POINT,
    "day_contact": CONTACT,
}


def with_facts(**changes: object) -> Need:
    need = make_need(**changes)
    with transaction():
        edit_need(need.id, by=None, meeting_point=POINT, day_contact=CONTACT, bring="Closed shoes", step_free=True)
    return need


def place(need: Need, person: Person, days: float = 5) -> int:
    shift = make_shift(need, days=days)
    with transaction():
        return sign_up(shift.id, by=person).id


def test_the_editor_keeps_them_and_the_page_tells_the_public_ones_only(
    app: Flask, sign_in: SignIn, client: CheckingClient, new_client: Callable[[], CheckingClient]
) -> None:
    organization = make_organization()
    owner = make_member(organization, "owner")
    need = make_need(organization)
    sign_in(owner)
    page = f"/manage/{organization.slug}/needs/{encode_id(need.id)}/edit"
    sent = client.post(
        page,
        data={
            **TYPED, "title": "Sort", "description": "Why.", "urgency": "normal", "place": "Newark, NJ 07102",
            "version": str(need.version), "act": "save",
        },
    )  # fmt: skip
    assert sent.status_code == 303, sent.text
    again = client.get(page).text
    for text in ("First-timers", "Bus 5 stops at the corner", POINT, CONTACT):
        assert text in again
    public = new_client().get(f"/needs/{encode_id(need.id)}").text
    for text in ("First-timers", "Closed shoes", "Bus 5 stops at the corner", "There are steps"):
        assert text in public
    assert POINT not in public
    assert CONTACT not in public
    long = client.post(page, data={**TYPED, "title": "Sort", "bring": "x" * 501, "urgency": "normal", "act": "save"})
    assert long.status_code == 422
    assert "Write 500 characters or fewer" in long.text


@pytest.mark.rule("N6")
@pytest.mark.rule("G1")
def test_meeting_point_and_contact_are_for_those_whose_place_stands(
    app: Flask, sign_in: SignIn, client: CheckingClient, new_client: Callable[[], CheckingClient]
) -> None:
    need = with_facts()
    helper, other = make_person(), make_person()
    url = f"/needs/{encode_id(need.id)}"
    signup_id = place(need, helper)
    assert POINT in sign_in(helper).get(url).text
    assert CONTACT in client.get(url).text
    stranger = sign_in(other, new_client())
    assert POINT not in stranger.get(url).text
    assert CONTACT not in stranger.get(url).text
    with transaction():
        cancel_signup(signup_id, by=helper)
    assert POINT not in client.get(url).text
    assert CONTACT not in client.get(url).text


@pytest.mark.rule("N6")
@pytest.mark.rule("G7")
def test_the_meeting_point_of_a_private_place_opens_with_its_address(
    app: Flask, sign_in: SignIn, client: CheckingClient, mailbox: Mailbox, work_off: Work
) -> None:
    need = with_facts(private_address=True)
    with transaction():
        db.session.add(PrivateAddress(need_id=need.id, address="12 Hidden Lane", postal_code="07199"))
    early, soon = make_person(), make_person()
    place(need, early, days=5)
    place(need, soon, days=1)
    url = f"/needs/{encode_id(need.id)}"
    page = sign_in(early).get(url).text
    assert CONTACT in page
    assert POINT not in page
    assert POINT in sign_in(soon).get(url).text
    with transaction():
        choose_mail(soon.id, by=soon, choices={}, quiet=(0, 0))
    work_off()
    for message in mailbox.messages:
        assert POINT not in text_of(message) + html_of(message)
    assert CONTACT in text_of(mailbox.to(soon.email)[0])


def test_mails_about_a_place_say_what_to_bring_and_where_to_meet(app: Flask, mailbox: Mailbox, work_off: Work) -> None:
    need, helper = with_facts(), make_person()
    place(need, helper)
    work_off()
    [mail] = mailbox.to(helper.email)
    for text in (POINT, CONTACT, "Closed shoes"):
        assert text in text_of(mail)
        assert text in html_of(mail)


def test_nothing_said_keeps_no_row(app: Flask) -> None:
    need = with_facts()
    with transaction():
        edit_need(need.id, by=None, meeting_point="", day_contact="")
    assert db.session.query(DayFacts).count() == 0


@pytest.mark.rule("N6")
def test_the_page_of_a_place_says_them_without_a_session_but_for_what_is_private(
    app: Flask, client: CheckingClient
) -> None:
    person = make_person()
    open_need, private_need = with_facts(), with_facts(private_address=True)
    with transaction():
        db.session.add(PrivateAddress(need_id=private_need.id, address="12 Hidden Lane"))
    pages = {}
    # Both so near that My help opens the address: the link does not, whoever holds it.
    for need, days in ((open_need, 1.0), (private_need, 1.5)):
        signup = db.session.get_one(Signup, place(need, person, days=days))
        pages[need.id] = f"/places/{place_token(signup)}"
        text = client.get(pages[need.id]).text
        assert CONTACT in text
        assert "Closed shoes" in text
        assert (POINT in text) is (need is open_need)
        assert "Hidden" not in text
        with transaction():
            cancel_signup(signup.id, by=person)
        given_back = client.get(pages[need.id]).text
        assert POINT not in given_back
        assert CONTACT not in given_back
