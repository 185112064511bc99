"""Offers (S5): what came free is kept for the first in line who can have it, up to a deadline, and then for the next."""

from __future__ import annotations

import datetime as dt
import zoneinfo

import pytest
import sqlalchemy as sa
import time_machine
from flask import Flask

from app.core.clock import now
from app.core.db import db, transaction
from app.core.ids import encode_id
from app.core.outbox import Outbox
from app.needs.models import Need, Shift
from app.signups import holds, jobs, offers, operations, waitlist
from app.signups.policy import place_token
from tests.conftest import CheckingClient
from tests.factories import (
    ADULT,
    make_member,
    make_need,
    make_organization,
    make_person,
    make_shift,
)
from tests.signups.test_waitlist import sign_up_in_order, states, taken
from tests.signups.waiting import HOUR, SignIn, Work, codes, do, join, leave, need, shift, sound, told
from tests.smtp import Mailbox, text_of

__all__ = ["need", "shift"]
NEWARK = zoneinfo.ZoneInfo("America/New_York")


# --- how long -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("asked", "starts", "hours", "until"),
    [
        # Far from the start: a day and a little more.
        ("2026-11-22 14:00", "2026-11-29 09:00", 12, "2026-11-23 18:00"),
        # That would be in the night: the morning after.
        ("2026-11-22 19:30", "2026-11-29 09:00", 12, "2026-11-24 08:00"),
        ("2026-11-22 03:30", "2026-11-29 09:00", 12, "2026-11-23 08:00"),
        # Half of what is left before places go to the first who comes.
        ("2026-11-22 10:00", "2026-11-23 12:00", 12, "2026-11-22 17:00"),
        # That would be in the night, and the morning too late: the evening before.
        ("2026-11-22 15:00", "2026-11-23 18:00", 12, "2026-11-22 22:00"),
        # At least two hours, also beyond that moment.
        ("2026-11-22 11:00", "2026-11-23 00:00", 12, "2026-11-22 13:00"),
        # Never after the start.
        ("2026-11-22 11:00", "2026-11-22 12:00", 0, "2026-11-22 12:00"),
        # The clock goes back in that night: so many hours it is, whatever the clock says.
        ("2026-10-31 12:00", "2026-11-08 09:00", 12, "2026-11-01 15:00"),
    ],
)
@pytest.mark.rule("S5")
def test_the_deadline(app: Flask, asked: str, starts: str, hours: int, until: str) -> None:
    at, starts_at, wanted = (dt.datetime.fromisoformat(each).replace(tzinfo=NEWARK) for each in (asked, starts, until))
    with time_machine.travel(at, tick=False):
        need = make_need(make_organization(first_come_hours=hours))
        shift = make_shift(need, starts_at=starts_at.astimezone(dt.UTC), ends_at=starts_at.astimezone(dt.UTC) + HOUR)
        assert not offers.is_first_come(shift)
        assert offers.deadline(shift, now()).astimezone(NEWARK) == wanted


@pytest.mark.rule("S5")
def test_a_flexible_role_has_no_start_and_no_last_hours(app: Flask) -> None:
    with time_machine.travel(dt.datetime(2026, 11, 22, 14, tzinfo=NEWARK), tick=False):
        role = make_shift(make_need(), flexible=True, capacity=1)
        assert not offers.is_first_come(role)
        assert offers.deadline(role, now()) == now() + 28 * HOUR


# --- one after the other --------------------------------------------------------------------------------------------


@pytest.mark.rule("S5")
@pytest.mark.rule("S6")
def test_no_way_back_is_offered_from_a_place_that_is_offered_to_the_next(
    shift: Shift, client: CheckingClient, sign_in: SignIn, mailbox: Mailbox, work_off: Work
) -> None:
    [holder] = sign_up_in_order(shift, 1)
    member = make_member(shift.need.organization, "manager")
    free = "you can take it back for 15 minutes"
    link, page = f"/places/{place_token(holder)}", f"/signups/{encode_id(holder.id)}"
    roster = f"/manage/{shift.need.organization.slug}{page}/cancel"
    assert free in client.get(link).text
    [waiting] = join(shift, 1)
    assert free not in client.get(link).text
    assert "1 person waits for a place here" in client.get(link).text
    sign_in(member)
    assert "so you cannot undo that then" in client.get(roster).text
    sign_in(holder.person)
    assert client.post(f"{page}/cancel").status_code == 303
    assert states([holder, waiting]) == ["cancelled", "offered"]
    helped = client.get("/my-help").text
    assert "is cancelled." in helped
    assert "undo-cancel" not in helped, "neither beside the news nor in the list"
    work_off()
    letter = text_of(mailbox.to(holder.person.email)[-1])
    assert "you gave this place back" in letter
    assert "Take it back" not in letter
    refused = client.post(f"{page}/undo-cancel")
    assert refused.status_code == 409
    assert "Your place on Sort boxes cannot be taken back" in refused.text
    assert "Cancel your place on" not in refused.text
    assert "Your place on Sort boxes is cancelled" in client.get(f"{page}/cancel").text
    do(waitlist.decline, waiting.id, by=waiting.person)
    assert "undo-cancel" in client.get("/my-help").text, "nobody else wants it, so it can be theirs again"
    do(operations.undo_cancel, holder.id, by=holder.person)
    join(shift, 1)
    sign_in(member)
    assert client.post(roster, data={"reason": "asked_by_them"}).status_code == 303
    assert (
        "undo-cancel"
        not in client.get(f"/manage/{shift.need.organization.slug}/shifts/{encode_id(shift.id)}/roster").text
    )


@pytest.mark.rule("S5")
def test_a_freed_place_is_kept_for_the_first_then_the_next_and_nobody_else(
    shift: Shift, client: CheckingClient, sign_in: SignIn, mailbox: Mailbox, work_off: Work
) -> None:
    [holder] = sign_up_in_order(shift, 1)
    line = join(shift, 1, 1, 1)
    work_off()
    assert told(mailbox, line[0].person) == ["You are on the waitlist: Sort boxes"]
    leave(holder)
    assert (states(line), taken(shift)) == (["offered", "waitlisted", "waitlisted"], 1)
    assert codes(operations.sign_up, shift.id, by=make_person()) == ["full"], "it is kept"
    assert codes(operations.undo_cancel, holder.id, by=holder.person) == ["full"]
    assert sound()
    work_off()
    first = mailbox.to(line[0].person.email)[-1]
    assert "A place is yours until" in str(first["Subject"])
    assert "Then the next person is asked." in text_of(first)
    assert not list(first.iter_attachments()), "an offer is no appointment"
    assert len(mailbox.to(line[1].person.email)) == 1
    sign_in(line[0].person)
    helped = client.get("/my-help").text
    assert "Yours until" in helped
    assert "Then the next person is asked." in helped
    assert "Take the place" in helped
    assert "Add to calendar" not in helped
    assert "Yours until" in client.get(f"/needs/{encode_id(shift.need_id)}").text
    assert "Take the place" in client.get(f"/shifts/{encode_id(shift.id)}/sign-up").text
    step = client.get(f"/signups/{encode_id(line[0].id)}/cancel").text
    assert "Decline the place on Sort boxes?" in step
    assert client.post(f"/signups/{encode_id(line[0].id)}/decline").status_code == 303
    helped = client.get("/my-help").text
    assert "The next person is asked." in helped
    assert "You declined this place, and the next person was asked." in helped
    assert (states(line), taken(shift)) == (["declined", "offered", "waitlisted"], 1)
    again = client.post(f"/signups/{encode_id(line[0].id)}/accept")
    assert again.status_code == 409
    assert "You declined this place" in again.text
    # The second does not answer: it ends by its own promise.
    until = line[1].offer_expires_at
    assert until is not None
    with time_machine.travel(until + dt.timedelta(seconds=1)):
        assert codes(waitlist.accept, line[1].id, by=line[1].person) == ["offer_expired"]
        assert codes(waitlist.decline, line[1].id, by=line[1].person) == ["offer_expired"]
        work_off()
        assert (states(line), taken(shift)) == (["declined", "expired", "offered"], 1)
        assert told(mailbox, line[1].person)[-1] == "The next person was asked: Sort boxes"
        assert codes(waitlist.accept, line[1].id, by=line[1].person) == ["offer_expired"]
        # The third takes it, by the link in the mail, without a session.
        page = f"/places/{place_token(line[2])}"
        assert page in text_of(mailbox.to(line[2].person.email)[-1])
        with client.session_transaction() as session:
            session.clear()
        assert "Yours until" in client.get(page).text
        # Declining cannot be taken back: it asks first, as My help does.
        assert f'action="{page}/decline"' not in client.get(page).text
        asked = client.get(f"{page}/decline").text
        assert "That cannot be undone." in asked
        assert f'action="{page}/decline"' in asked
        assert client.post(f"{page}/accept").status_code == 303
        assert "Your place is confirmed" in client.get(f"{page}/decline").text
        assert (states(line), taken(shift)) == (["declined", "expired", "confirmed"], 1)
        assert "Your place is confirmed" in client.get(page).text
        twice = client.post(f"{page}/accept")
        assert twice.status_code == 409
        assert "This place is yours already." in twice.text
        work_off()
        assert "you waited for it" in " ".join(text_of(mailbox.to(line[2].person.email)[-1]).split())
        sign_in(line[1].person)
        assert "It was yours until it ran out" in client.get("/my-help").text
        assert sound()


@pytest.mark.rule("S5")
def test_the_sweep_ends_what_the_promise_did_not(shift: Shift) -> None:
    [holder] = sign_up_in_order(shift, 1)
    line = join(shift, 1, 1)
    leave(holder)
    do(lambda: db.session.execute(sa.delete(Outbox)))
    with time_machine.travel(now() + 40 * HOUR):
        jobs.end_due_offers()
        assert states(line) == ["expired", "offered"]
        jobs.end_due_offers()
        assert states(line) == ["expired", "offered"]


@pytest.mark.rule("S5")
def test_whoever_cannot_have_it_keeps_their_turn_and_is_told_why_once(
    shift: Shift, mailbox: Mailbox, work_off: Work
) -> None:
    [holder] = sign_up_in_order(shift, 1)
    line = join(shift, 1, 1)
    elsewhere = make_shift(starts_at=shift.starts_at, ends_at=shift.ends_at)
    with transaction():
        other = operations.sign_up(elsewhere.id, by=line[0].person)
    leave(holder)
    assert states(line) == ["waitlisted", "offered"]
    work_off()
    mail = mailbox.to(line[0].person.email)[-1]
    assert "A place came free, and you keep your turn" in str(mail["Subject"])
    assert "another commitment" in text_of(mail)
    mails = len(mailbox.to(line[0].person.email))
    do(waitlist.decline, line[1].id, by=line[1].person)
    work_off()
    assert (states(line), taken(shift)) == (["waitlisted", "declined"], 0)
    assert len(mailbox.to(line[0].person.email)) == mails, "the same is told once"
    # They can by now: whoever comes by does not overtake them.
    do(operations.cancel_signup, other.id, by=line[0].person)
    assert codes(operations.sign_up, shift.id, by=make_person()) == ["full"]
    assert codes(
        holds.hold_places, shift.id, name="Gail", email="gail@example.org", birth_date=ADULT
    ) == ["full"]  # fmt: skip
    jobs.serve_waitlists()
    assert (states(line), taken(shift)) == (["offered", "declined"], 1)


@pytest.mark.rule("S5")
def test_the_gate_is_asked_again_when_an_offer_is_accepted(shift: Shift) -> None:
    [holder] = sign_up_in_order(shift, 1)
    [waiting] = join(shift, 1)
    leave(holder)
    elsewhere = make_shift(starts_at=shift.starts_at, ends_at=shift.ends_at)
    with transaction():
        other = operations.sign_up(elsewhere.id, by=waiting.person)
    assert codes(waitlist.accept, waiting.id, by=waiting.person) == ["overlap"]
    assert (states([waiting]), taken(shift)) == (["offered"], 1), "the offer stands up to its deadline"
    do(operations.cancel_signup, other.id, by=waiting.person)
    do(waitlist.accept, waiting.id, by=waiting.person)
    assert (states([waiting]), taken(shift), sound()) == (["confirmed"], 1, True)


@pytest.mark.rule("S5")
def test_a_party_that_does_not_fit_is_told_and_comes_with_fewer_at_the_same_turn(
    need: Need, client: CheckingClient, sign_in: SignIn, mailbox: Mailbox, work_off: Work
) -> None:
    shift = make_shift(need, capacity=3, days=6)
    holders = sign_up_in_order(shift, 2, 1)
    line = join(shift, 3, 2)
    leave(holders[1])
    assert (states(line), taken(shift)) == (["waitlisted", "waitlisted"], 2)
    work_off()
    for signup, places in zip(line, (3, 2), strict=True):
        text = " ".join(text_of(mailbox.to(signup.person.email)[-1]).split())
        assert f"You wait for {places} places, and fewer were free." in text
    person = line[1].person
    sign_in(person)
    page = f"/signups/{encode_id(line[1].id)}/change"
    assert "Change" in client.get("/my-help").text
    assert client.post(page, data={"party_size": "3", "note": ""}).status_code == 409
    assert client.post(page, data={"party_size": "1", "note": ""}).status_code == 303
    assert (states(line), taken(shift)) == (["waitlisted", "offered"], 3)
    leave(holders[0])
    assert states(line) == ["waitlisted", "offered"]
    do(waitlist.decline, line[1].id, by=person)
    assert (states(line), taken(shift)) == (["offered", "declined"], 3)
