"""Fewer places than are taken: the latest wait, in order, and are told; somebody who waits is given a place, or leaves."""

from __future__ import annotations

import datetime as dt
import html
import re
from collections.abc import Callable

import pytest
import sqlalchemy as sa
import time_machine
from flask import Flask

from app.accounts.operations import create_token
from app.accounts.scopes import SCOPES
from app.core.clock import now
from app.core.db import db, transaction
from app.core.errors import Refused
from app.core.ids import encode_id
from app.needs.models import Need, Position, Shift
from app.needs.operations import PositionInput, ShiftInput, cancel_shift, close_need, edit_shift
from app.signups import operations, waitlist
from app.signups.checks import check_capacity, check_one_live_signup, check_overlaps
from app.signups.holds import hold_places
from app.signups.models import Signup
from app.signups.policy import place_token
from tests.conftest import CheckingClient
from tests.factories import ADULT, make_member, make_need, make_organization, make_person, make_shift
from tests.needs.test_editor import fields
from tests.smtp import Mailbox, text_of

Work = Callable[[], dict[str, int]]
SignIn = Callable[..., CheckingClient]


@pytest.fixture
def need(app: Flask) -> Need:
    return make_need(make_organization(make_person()), title="Sort boxes")


@pytest.fixture
def shift(need: Need) -> Shift:
    return make_shift(need, capacity=6)


def sign_up_in_order(shift: Shift, *sizes: int) -> list[Signup]:
    """A place for each size, an hour apart, the last a moment ago."""
    made = []
    for number, size in enumerate(sizes):
        person = make_person()
        with time_machine.travel(now() - dt.timedelta(hours=len(sizes) - number)), transaction():
            made.append(operations.sign_up(shift.id, by=person, party_size=size))
    return made


def with_capacity(shift: Shift, capacity: int, **changes: object) -> ShiftInput:
    position = shift.positions[0]
    values = {
        "positions": (PositionInput(name=position.name, capacity=capacity, id=position.id),),
        "starts_at": shift.starts_at,
        "ends_at": shift.ends_at,
        "contact": shift.contact,
        "time_zone": shift.time_zone,
    }
    return ShiftInput(**{**values, **changes})  # type: ignore[arg-type]  # the same fields, some otherwise


def lower(shift: Shift, capacity: int) -> None:
    owner = make_member(shift.need.organization, "owner")
    with transaction():
        waitlist.edit_shift_moving_latest(shift.id, with_capacity(shift, capacity), by=owner)


def taken(shift: Shift) -> int:
    return db.session.scalar(sa.select(Position.taken).where(Position.shift_id == shift.id)) or 0


def states(made: list[Signup]) -> list[str]:
    db.session.expire_all()
    return [signup.status for signup in made]


@pytest.mark.rule("S1")
def test_the_latest_wait_as_whole_parties_until_the_rest_fits_and_each_is_told(
    shift: Shift, mailbox: Mailbox, work_off: Work
) -> None:
    made = sign_up_in_order(shift, 1, 2, 1, 2)
    work_off()
    lower(shift, 3)
    assert states(made) == ["confirmed", "confirmed", "waitlisted", "waitlisted"]
    assert taken(shift) == 3
    told = len(mailbox.messages)
    work_off()
    # The summary that staff get once a day is due at some hours of the day that this test runs on.
    new = [mail for mail in mailbox.messages[told:] if mail["Manyhands-Mail"] != "pages/digest"]
    assert sorted(str(mail["To"]) for mail in new) == sorted(signup.person.email for signup in made[2:])
    for mail in new:
        assert "You are on the waitlist: Sort boxes" in str(mail["Subject"])
        assert "have no place at the moment" in " ".join(text_of(mail).split())
        assert "/places/" in text_of(mail)
    for check in (check_capacity, check_one_live_signup, check_overlaps):
        assert check()[1] == []


@pytest.mark.rule("S1")
def test_a_party_is_not_cut_and_no_more_wait_than_must(shift: Shift) -> None:
    made = sign_up_in_order(shift, 1, 1, 3)
    lower(shift, 4)
    assert states(made) == ["confirmed", "confirmed", "waitlisted"]
    assert taken(shift) == 2


def test_whoever_lost_a_place_to_a_larger_party_and_is_offered_one_is_not_told_that_they_waited(
    shift: Shift, mailbox: Mailbox, work_off: Work
) -> None:
    """Four who signed up first do not fit into two places; the next does, and was confirmed until this very act."""
    made = sign_up_in_order(shift, 4, 1)
    lower(shift, 2)
    assert states(made) == ["waitlisted", "offered"]
    work_off()
    told = " ".join(text_of(mailbox.to(made[1].person.email)[-1]).split())
    assert "so your place is not confirmed any more" in told
    assert "you waited for this" not in told


@pytest.mark.rule("S1")
def test_who_is_here_or_held_for_stays_and_then_it_is_refused(shift: Shift) -> None:
    [signup] = sign_up_in_order(shift, 2)
    with transaction():
        hold_places(shift.id, name="Gail", email="gail@example.org", birth_date=ADULT, party_size=2)
    with pytest.raises(Refused) as refused:
        lower(shift, 1)
    assert [reason.code for reason in refused.value.reasons] == ["below_taken"]
    assert (states([signup]), taken(shift)) == (["confirmed"], 4)
    lower(shift, 2)
    assert (states([signup]), taken(shift)) == (["waitlisted"], 2)


@pytest.mark.rule("S3")
def test_who_waits_holds_no_time_and_is_asked_again_by_the_gate(shift: Shift) -> None:
    [first, last] = sign_up_in_order(shift, 1, 1)
    lower(shift, 1)
    elsewhere = make_shift(starts_at=shift.starts_at, ends_at=shift.ends_at)
    with transaction():
        operations.sign_up(elsewhere.id, by=last.person)
    keeper = make_member(shift.need.organization, "coordinator")
    with pytest.raises(Refused) as full, transaction():
        waitlist.give_place(last.id, by=keeper)
    assert {reason.code for reason in full.value.reasons} == {"full", "ask_them"}
    with transaction():
        operations.cancel_signup(first.id, by=first.person)
    with pytest.raises(Refused) as busy, transaction():
        waitlist.give_place(last.id, by=keeper)
    assert [reason.code for reason in busy.value.reasons] == ["ask_them"], "never told whose (S3)"
    assert taken(shift) == 0


@pytest.mark.rule("S2")
def test_who_waits_is_on_the_shift_once(shift: Shift) -> None:
    [_first, last] = sign_up_in_order(shift, 1, 1)
    lower(shift, 1)
    with pytest.raises(Refused) as refused, transaction():
        operations.sign_up(shift.id, by=last.person)
    assert "already_signed_up" in {reason.code for reason in refused.value.reasons}


def test_the_roster_shows_who_waits_in_order_and_gives_a_place_and_takes_it_back(
    sign_in: SignIn, client: CheckingClient, shift: Shift, mailbox: Mailbox, work_off: Work
) -> None:
    made = sign_up_in_order(shift, 1, 2, 1)
    with transaction():
        for signup, name in zip(made, ("Ada", "Zoe", "Bob"), strict=True):
            signup.person.name = name
    lower(shift, 1)
    keeper = make_member(shift.need.organization, "coordinator")
    sign_in(keeper)
    page = f"/manage/{shift.need.organization.slug}/shifts/{encode_id(shift.id)}/roster"
    shown = client.get(page).text
    assert shown.index("Ada") < shown.index("Waitlist") < shown.index("Zoe") < shown.index("Bob")
    assert "Give a place" not in shown
    with transaction():
        edit_shift(shift.id, with_capacity(shift, 2), by=keeper)
    shown = client.get(page).text
    # One place is open: enough for Bob, not for Zoe and her guest.
    assert shown.count("Give a place") == 1
    assert "Offered until" not in shown
    work_off()
    shown = client.get(page).text
    assert (states(made), taken(shift)) == (["confirmed", "waitlisted", "offered"], 2)
    assert shown.count("Give a place") == 1
    assert "Offered until" in shown
    assert "1 place offered to somebody who waits, 0 places open" in " ".join(shown.split())
    told = len(mailbox.messages)
    give = f"/manage/{shift.need.organization.slug}/signups/{encode_id(made[2].id)}/place"
    assert client.post(give).status_code == 303
    assert (states(made), taken(shift)) == (["confirmed", "waitlisted", "confirmed"], 2)
    undo = give.replace("/place", "/undo-place")
    assert undo in client.get(page).text
    assert client.post(undo).status_code == 303
    assert (states(made), taken(shift)) == (["confirmed", "waitlisted", "offered"], 2)
    work_off()
    assert len(mailbox.messages) == told, "a slip of the finger is not told"
    assert client.post(give).status_code == 303
    work_off()
    assert "it is yours: you waited for it" in " ".join(text_of(mailbox.messages[told]).split())
    assert client.post(give).status_code == 409
    assert client.post(undo).status_code == 303
    work_off()
    assert "Yours until" in text_of(mailbox.messages[-1])
    assert check_capacity()[1] == []


def test_who_waits_sees_it_and_leaves_and_comes_back_to_the_same_turn(
    sign_in: SignIn, client: CheckingClient, shift: Shift, mailbox: Mailbox, work_off: Work
) -> None:
    made = sign_up_in_order(shift, 1, 1, 1)
    lower(shift, 1)
    person = made[1].person
    sign_in(person)
    helped = client.get("/my-help").text
    assert "On the waitlist" in helped
    assert "Leave the waitlist" in helped
    assert "Add to calendar" not in helped
    need_page = client.get(f"/needs/{encode_id(shift.need_id)}").text
    assert "You are on the waitlist" in need_page
    assert "You have a place" not in need_page
    assert "You are on the waitlist" in client.get(f"/shifts/{encode_id(shift.id)}/sign-up").text
    page = f"/signups/{encode_id(made[1].id)}"
    assert "Leave the waitlist of Sort boxes?" in client.get(f"{page}/cancel").text
    assert client.post(f"{page}/cancel").status_code == 303
    assert states(made) == ["confirmed", "cancelled", "waitlisted"]
    assert client.post(f"{page}/undo-cancel").status_code == 303
    assert states(made) == ["confirmed", "waitlisted", "waitlisted"]
    assert [row.id for row in waitlist.list_waiting([shift.id])] == [made[1].id, made[2].id]
    assert taken(shift) == 1
    with transaction():
        operations.cancel_signup(made[1].id, by=person)
    work_off()
    assert "You left the waitlist" in str(mailbox.to(person.email)[-1]["Subject"])


def test_the_link_in_the_mail_leaves_the_waitlist_without_a_session(client: CheckingClient, shift: Shift) -> None:
    made = sign_up_in_order(shift, 1, 1)
    lower(shift, 1)
    page = f"/places/{place_token(made[1])}"
    assert "You are on the waitlist" in client.get(page).text
    assert client.post(f"{page}/cancel").status_code == 303
    assert states(made) == ["confirmed", "cancelled"]
    assert client.post(f"{page}/undo").status_code == 303
    assert states(made) == ["confirmed", "waitlisted"]


@pytest.mark.rule("S6")
@pytest.mark.parametrize("ended", ["the shift", "the need"])
def test_a_moved_shift_tells_who_waits_and_a_cancelled_one_ends_it(
    shift: Shift, mailbox: Mailbox, work_off: Work, ended: str
) -> None:
    made = sign_up_in_order(shift, 1, 1)
    lower(shift, 1)
    work_off()
    owner = make_member(shift.need.organization, "owner")
    later = dt.timedelta(hours=1)
    assert shift.starts_at is not None
    assert shift.ends_at is not None
    with transaction():
        moved = with_capacity(shift, 1, starts_at=shift.starts_at + later, ends_at=shift.ends_at + later)
        edit_shift(shift.id, moved, by=owner)
    work_off()
    assert "still on its waitlist" in " ".join(text_of(mailbox.to(made[1].person.email)[-1]).split())
    need = f"http://localhost/needs/{encode_id(shift.need_id)}"
    with transaction():
        if ended == "the shift":
            cancel_shift(shift.id, by=owner)
        else:
            close_need(shift.need_id, by=owner)
    work_off()
    assert states(made) == ["cancelled", "cancelled"]
    for signup, subject in zip(made, ("Cancelled by", "The waitlist is closed"), strict=True):
        [told] = [mail for mail in mailbox.to(signup.person.email) if subject in str(mail["Subject"])]
        links = text_of(told).split()
        # Nobody finds a need that is closed: the mail leads to those that are open.
        assert (need in links, "http://localhost/needs" in links) == (ended == "the shift", ended == "the need")


def carried(page: str) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for name, value in re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)">', page):
        found.setdefault(name, []).append(html.unescape(value))
    found.pop("csrf_token")
    return found


@pytest.mark.rule("S1")
def test_the_editor_asks_and_either_answer_is_kept(
    sign_in: SignIn, client: CheckingClient, need: Need, shift: Shift
) -> None:
    made = sign_up_in_order(shift, 2, 2)
    sign_in(make_member(need.organization, "owner"))
    page = f"/manage/{need.organization.slug}/needs/{encode_id(need.id)}/edit"
    shown = client.get(page).text
    assert "below_taken" not in shown, "nothing is asked before there is a question"
    typed = {**fields(shown), "shifts-0-positions-0-capacity": "3", "act": "save"}
    refused = client.post(page, data=typed)
    assert refused.status_code == 422
    assert "4 places are taken" in refused.text
    assert "Move those who signed up last to the waitlist, and tell them" in refused.text
    assert states(made) == ["confirmed", "confirmed"]
    kept = client.post(page, data={**typed, "shifts-0-below_taken": "keep"})
    assert kept.status_code == 303
    assert shift.positions[0].capacity == 6
    typed = {**fields(client.get(page).text), "shifts-0-positions-0-capacity": "3", "act": "save"}
    step = client.post(page, data={**typed, "shifts-0-below_taken": "move_latest"})
    assert step.status_code == 200
    assert "This concerns 1 person" in step.text
    assert "moves to the waitlist, has no place then, and is told by email" in " ".join(step.text.split())
    assert states(made) == ["confirmed", "confirmed"]
    assert client.post(page, data=carried(step.text)).status_code == 303
    assert states(made) == ["confirmed", "waitlisted"]
    assert (shift.positions[0].capacity, taken(shift)) == (3, 2)


@pytest.mark.rule("S1")
def test_the_api_keeps_or_moves_and_tells_how_many_wait(client: CheckingClient, need: Need, shift: Shift) -> None:
    made = sign_up_in_order(shift, 2, 2)
    owner = make_member(need.organization, "owner")
    with transaction():
        token = create_token(owner, scopes=list(SCOPES))
    headers = {"Authorization": f"Bearer {token}"}
    url = f"/api/v1/shifts/{encode_id(shift.id)}"
    for body in ({"capacity": 3}, {"capacity": 3, "below_taken": "keep"}):
        refused = client.patch(url, json=body, headers=headers)
        assert refused.status_code == 409
        assert [reason["code"] for reason in refused.json["reasons"]] == ["below_taken"]
    assert client.get(url).json["waitlist_length"] == 0
    moved = client.patch(url, json={"capacity": 3, "below_taken": "move_latest"}, headers=headers)
    assert moved.status_code == 200
    assert (moved.json["capacity"], moved.json["taken"], moved.json["waitlist_length"]) == (3, 2, 1)
    assert states(made) == ["confirmed", "waitlisted"]
    whole = client.get(f"/api/v1/needs/{encode_id(need.id)}").json
    assert [row["waitlist_length"] for row in whole["shifts"]] == [1]
    assert client.patch(url, json={"below_taken": "drop"}, headers=headers).status_code == 422
