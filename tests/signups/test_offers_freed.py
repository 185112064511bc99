"""Offers (S5): whatever frees a place, and whatever ends the wait; close to the start; people who need protection; how much
it costs."""

from __future__ import annotations

import datetime as dt

import pytest
import sqlalchemy as sa
import time_machine
from flask import Flask

from app.accounts.models import Person
from app.core.clock import now
from app.core.db import db, transaction
from app.core.errors import Refused
from app.core.ids import encode_id
from app.core.outbox import Outbox, enqueue
from app.needs.models import Need, Position, Shift
from app.needs.operations import cancel_shift, close_need, edit_shift, pause_need, reopen_need, undo_close
from app.organizations.models import Membership
from app.signups import gate, holds, jobs, operations, staff, two_adults, waitlist
from app.signups.checks import check_capacity
from app.signups.models import ShiftStaff, Signup
from app.signups.policy import place_token
from tests.conftest import CheckingClient
from tests.factories import (
    ADULT,
    allow_contact,
    make_clearance,
    make_member,
    make_need,
    make_organization,
    make_person,
    make_shift,
)
from tests.signups.test_waitlist import sign_up_in_order, states, taken, with_capacity
from tests.signups.waiting import HOUR, SignIn, Work, codes, do, join, leave, need, shift, sound, told
from tests.smtp import Mailbox, text_of

__all__ = ["need", "shift"]


# --- whatever frees a place -----------------------------------------------------------------------------------------


@pytest.mark.rule("S5")
def test_whatever_frees_a_place_the_next_is_asked(need: Need, work_off: Work) -> None:
    owner = make_member(need.organization, "owner")

    def full(**changes: object) -> tuple[Shift, Signup, list[Signup]]:
        shift = make_shift(need, capacity=2, days=6, **changes)  # type: ignore[arg-type]  # passed through
        [holder] = sign_up_in_order(shift, 2)
        return shift, holder, join(shift, 1, 1)

    # Fewer of a party come.
    shift, holder, line = full()
    do(operations.change_signup, holder.id, by=holder.person, party_size=1)
    assert states(line) == ["offered", "waitlisted"]
    # The place moves to another shift, on which somebody else cannot overtake those who wait there.
    target = make_shift(need, capacity=3, days=8)
    do(operations.change_signup, holder.id, by=holder.person, party_size=1, shift_id=target.id)
    assert states(line) == ["offered", "offered"]
    # A guest who never confirmed.
    shift = make_shift(need, capacity=1, days=6)
    with transaction():
        hold = holds.hold_places(shift.id, name="Gail", email="gail@example.org", birth_date=ADULT)
    line = join(shift, 1)
    with time_machine.travel(now() + HOUR):
        jobs.free_holds()
        assert states(line) == ["offered"]
    assert hold.status == "expired"
    # A guest who confirms keeps what was held, whoever waits.
    shift = make_shift(need, capacity=1, days=6)
    with transaction():
        hold = holds.hold_places(shift.id, name="Gail", email="gail@example.org", birth_date=ADULT)
    line = join(shift, 1)
    with transaction():
        confirmed = holds.confirm_hold(hold.id)
    assert states([confirmed, *line]) == ["confirmed", "waitlisted"]
    # More places: by promised work, and nobody overtakes until then.
    with transaction():
        edit_shift(shift.id, with_capacity(shift, 2), by=owner)
    assert codes(operations.sign_up, shift.id, by=make_person()) == ["full"]
    work_off()
    assert states(line) == ["offered"]
    # The gate ends a place.
    shift, holder, line = full()
    do(lambda: setattr(holder.person, "status", "suspended"))
    do(operations.review_standing, holder.id)
    assert states([holder, *line]) == ["cancelled", "offered", "offered"]
    # Whoever was asked may not any more: back in line, untold, and the next is asked.
    do(lambda: setattr(line[0].person, "status", "suspended"))
    do(waitlist.decline, line[1].id, by=line[1].person)
    do(operations.review_standing, line[0].id)
    assert (states(line), taken(shift)) == (["waitlisted", "declined"], 0)
    # Staff take somebody from the list, and a fresh place is undone.
    shift, holder, line = full()
    do(operations.change_signup, holder.id, by=holder.person, party_size=1)
    do(staff.cancel_place, line[0].id, by=owner, reason="no_longer_needed")
    assert states(line) == ["cancelled", "offered"]
    assert sound()


@pytest.mark.rule("S6")
@pytest.mark.rule("S5")
def test_a_moved_shift_asks_again_and_tells(shift: Shift, mailbox: Mailbox, work_off: Work) -> None:
    [holder] = sign_up_in_order(shift, 1)
    line = join(shift, 1, 1)
    leave(holder)
    work_off()
    assert shift.starts_at is not None
    assert shift.ends_at is not None
    before = line[0].offer_expires_at
    assert before is not None
    owner = make_member(shift.need.organization, "owner")
    starts_at = now() + 20 * HOUR
    moved = with_capacity(shift, 1, starts_at=starts_at, ends_at=starts_at + 3 * HOUR)
    # The second in line is elsewhere then.
    elsewhere = make_shift(starts_at=starts_at, ends_at=starts_at + HOUR)
    do(operations.sign_up, elsewhere.id, by=line[1].person)
    do(edit_shift, shift.id, moved, by=owner)
    work_off()
    assert states(line) == ["offered", "waitlisted"]
    assert line[0].offer_expires_at is not None
    assert line[0].offer_expires_at < min(before, starts_at)
    text = " ".join(text_of(mailbox.to(line[0].person.email)[-1]).split())
    assert "changed the shift on which a place is kept for you" in text
    # Moved to where the first cannot: back in line, told why; the second cannot either.
    do(
        operations.sign_up,
        make_shift(starts_at=starts_at + 4 * HOUR, ends_at=starts_at + 6 * HOUR).id,
        by=line[0].person,
    )
    later = with_capacity(shift, 1, starts_at=starts_at + 4 * HOUR, ends_at=starts_at + 5 * HOUR)
    do(edit_shift, shift.id, later, by=owner)
    work_off()
    assert (states(line), taken(shift)) == (["waitlisted", "offered"], 1)
    assert "another commitment" in text_of(mailbox.to(line[0].person.email)[-1])
    assert sound()


@pytest.mark.rule("S5")
def test_fewer_places_take_back_what_is_only_offered_first(shift: Shift, mailbox: Mailbox, work_off: Work) -> None:
    owner = make_member(shift.need.organization, "owner")
    do(edit_shift, shift.id, with_capacity(shift, 2), by=owner)
    holders = sign_up_in_order(shift, 1, 1)
    line = join(shift, 1, 1)
    leave(holders[0])
    assert states(line) == ["offered", "waitlisted"]
    with pytest.raises(Refused) as refused, transaction():
        edit_shift(shift.id, with_capacity(shift, 1), by=owner)
    assert [reason.code for reason in refused.value.reasons] == ["below_taken"]
    do(waitlist.edit_shift_moving_latest, shift.id, with_capacity(shift, 1), by=owner)
    assert (states(line), states(holders), taken(shift)) == (["waitlisted"] * 2, ["cancelled", "confirmed"], 1)
    work_off()
    assert "You keep your turn on the waitlist." in " ".join(text_of(mailbox.to(line[0].person.email)[-1]).split())
    leave(holders[1])
    assert states(line) == ["offered", "waitlisted"]
    assert sound()


@pytest.mark.rule("S5")
def test_cancelling_the_shift_or_closing_the_need_closes_the_waitlist(
    need: Need, shift: Shift, mailbox: Mailbox, work_off: Work
) -> None:
    owner = make_member(need.organization, "owner")
    holders = sign_up_in_order(shift, 1)
    line = join(shift, 1, 1)
    leave(holders[0])
    do(cancel_shift, shift.id, by=owner)
    # Nothing protective waits for promised work.
    assert codes(waitlist.accept, line[0].id, by=line[0].person) == ["shift_cancelled"]
    work_off()
    assert (states(line), taken(shift)) == (["cancelled", "cancelled"], 0)
    for signup in line:
        assert told(mailbox, signup.person)[-1] == "The waitlist is closed: Sort boxes"
        assert codes(waitlist.accept, signup.id, by=signup.person) == ["shift_cancelled"]
    # A role without places taken is not cancelled with its need; its waitlist closes all the same.
    role, other = make_shift(need, flexible=True, capacity=2), make_shift(need, capacity=1, days=9)
    [helper] = sign_up_in_order(role, 1)
    [waits] = join(role, 2)
    [there] = sign_up_in_order(other, 1)
    [offered] = join(other, 1)
    leave(there)
    do(close_need, need.id, by=owner)
    do(undo_close, need.id, by=owner)
    with time_machine.travel(now() + HOUR):
        work_off()
        assert states([helper, waits]) == ["confirmed", "waitlisted"], "that was taken back"
        do(close_need, need.id, by=owner)
        assert "need_not_open" in codes(waitlist.accept, waits.id, by=waits.person)
    with time_machine.travel(now() + 2 * HOUR):
        work_off()
        assert states([helper, waits, offered]) == ["confirmed", "cancelled", "cancelled"]
        assert "closed this need" in text_of(mailbox.to(waits.person.email)[-1])
        assert sound()


@pytest.mark.rule("S5")
def test_whoever_could_not_answer_because_the_need_was_paused_keeps_their_turn_and_hears_of_it(
    need: Need, shift: Shift, mailbox: Mailbox, work_off: Work
) -> None:
    owner = make_member(need.organization, "owner")
    [holder] = sign_up_in_order(shift, 1)
    line = join(shift, 1, 1)
    leave(holder)
    do(pause_need, need.id, by=owner)
    assert codes(waitlist.accept, line[0].id, by=line[0].person) == ["need_not_open"]
    with time_machine.travel(now() + 40 * HOUR):
        jobs.end_due_offers()
        assert (states(line), taken(shift)) == (["waitlisted", "waitlisted"], 0)
        work_off()
        letter = " ".join(text_of(mailbox.to(line[0].person.email)[-1]).split())
        assert "took no promises just then, so you could not answer. You keep your turn" in letter
        assert "took no promises" not in text_of(mailbox.to(line[1].person.email)[-1]), "they were not asked"
        do(reopen_need, need.id, by=owner)
        jobs.serve_waitlists()
        assert states(line) == ["offered", "waitlisted"]


# --- close to the start ---------------------------------------------------------------------------------------------


@pytest.mark.rule("S5")
def test_close_to_the_start_the_place_goes_to_the_first_and_all_are_told_once(
    shift: Shift, client: CheckingClient, sign_in: SignIn, mailbox: Mailbox, work_off: Work
) -> None:
    [holder] = sign_up_in_order(shift, 1)
    line = join(shift, 1, 1, 1)
    assert shift.starts_at is not None
    with time_machine.travel(shift.starts_at - 11 * HOUR):
        leave(holder)
        assert (states(line), taken(shift)) == (["waitlisted"] * 3, 0)
        work_off()
        for signup in line:
            assert told(mailbox, signup.person)[-1] == "A place is free, for the first who takes it: Sort boxes"
        sign_in(line[2].person)
        assert "A place is free, and goes to the first who takes it." in client.get("/my-help").text
        assert "Take the place" in client.get(f"/shifts/{encode_id(shift.id)}/sign-up").text
        assert client.post(f"/signups/{encode_id(line[2].id)}/accept").status_code == 303
        assert (states(line), taken(shift)) == (["waitlisted", "waitlisted", "confirmed"], 1)
        page = f"/places/{place_token(line[0])}"
        late = client.post(f"{page}/accept")
        assert late.status_code == 409
        assert "This shift is full." in late.text
        before = len(mailbox.messages)
        leave(line[2])
        work_off()
        assert not [mail for mail in mailbox.messages[before:] if "first who takes it" in str(mail["Subject"])]
        assert "Take the place" in client.get(page).text
        # Whoever comes by can, too: nothing is kept for anybody.
        do(operations.sign_up, shift.id, by=make_person())
        assert (taken(shift), sound()) == (1, True)


@pytest.mark.rule("S5")
def test_an_organization_says_how_close(need: Need, shift: Shift) -> None:
    [holder] = sign_up_in_order(shift, 1)
    [waiting] = join(shift, 1)
    do(lambda: setattr(need.organization, "first_come_hours", 2))
    assert shift.starts_at is not None
    with time_machine.travel(shift.starts_at - 11 * HOUR):
        leave(holder)
        assert states([waiting]) == ["offered"]


# --- people who need protection -------------------------------------------------------------------------------------


@pytest.mark.rule("G1")
@pytest.mark.rule("G2")
@pytest.mark.rule("S5")
def test_an_offer_is_no_cleared_adult_and_needs_what_a_place_needs(
    app: Flask, mailbox: Mailbox, work_off: Work
) -> None:
    organization = make_organization(make_person())
    allow_contact(organization)
    shift = make_shift(make_need(organization), contact="children", capacity=2, days=6)
    people = [make_person() for _one in range(3)]
    clearances = [make_clearance(person, organization) for person in people]
    with transaction():
        holders = [operations.sign_up(shift.id, by=person) for person in people[:2]]
        waiting = waitlist.join(shift.id, by=people[2])
    assert "background_check_required" in codes(waitlist.join, shift.id, by=make_person())
    assert two_adults.count_cleared_adults(shift) == 2
    leave(holders[0])
    assert states([waiting]) == ["offered"]
    assert two_adults.count_cleared_adults(shift) == 1, "only who is confirmed counts"
    with transaction():
        clearances[2].revoked_at = now()
        enqueue("person_facts_changed", {"person_id": people[2].id}, key="revoked")
    assert codes(waitlist.accept, waiting.id, by=people[2]) == ["background_check_required"], "asked live (G1)"
    work_off()
    assert (states([waiting]), taken(shift)) == (["waitlisted"], 1)
    assert "you keep your turn" in told(mailbox, people[2])[-1]
    with transaction():
        clearances[2].revoked_at = None
        enqueue("person_facts_changed", {"person_id": people[2].id}, key="again")
    work_off()
    assert states([waiting]) == ["offered"], "and as soon as they can, it is offered to them"
    do(waitlist.accept, waiting.id, by=people[2])
    assert (two_adults.count_cleared_adults(shift), sound()) == (2, True)


# --- what it costs, and that asking many is asking one ---------------------------------------------------------------


def stand_in_line(shift: Shift, people: list[Person]) -> list[Signup]:
    """They wait, as though the place had been theirs to wait for."""
    position = shift.positions[0]
    with transaction():
        line = [
            Signup(
                shift_id=shift.id, position_id=position.id, person_id=person.id, status="waitlisted",
                created_at=now() + number * HOUR / 3600,
            )
            for number, person in enumerate(people)
        ]  # fmt: skip
        db.session.add_all(line)
    return line


@pytest.mark.rule("S5")
@pytest.mark.parametrize("close", [False, True])
def test_two_hundred_who_wait_cost_a_sweep_no_more_than_ten(app: Flask, count_queries: list[str], close: bool) -> None:
    organization = make_organization()
    allow_contact(organization)
    counted = []
    for count in (10, 200):
        shift = make_shift(make_need(organization), contact="children", days=0.3 if close else 6, capacity=5)
        # Minors without a guardian and without a check: every one is asked about, and none can have a place.
        born = dt.date(now().year - 16, 1, 1)
        with transaction():
            people = [
                Person(email=f"w{count}-{number}@example.org", name="W", email_verified_at=now(), birth_date=born,
                       created_at=now())
                for number in range(count)
            ]  # fmt: skip
            db.session.add_all(people)
        line = stand_in_line(shift, people)
        db.session.expire_all()
        count_queries.clear()
        do(waitlist.offer_on_shift, shift.id)
        counted.append(len(count_queries))
        kind = "signup_first_come" if close else "signup_passed_over"
        told_of = {row["signup_id"] for row in db.session.scalars(sa.select(Outbox.payload).where(Outbox.kind == kind))}
        assert {
            signup.id for signup in db.session.scalars(sa.select(Signup).where(Signup.shift_id == shift.id))
        } <= told_of
    assert counted[0] == counted[1] <= 25, counted
    assert len(line) == 200


@pytest.mark.rule("S5")
@pytest.mark.rule("G1")
def test_the_line_is_asked_what_each_is_asked_alone(app: Flask) -> None:
    organization = make_organization(make_person())
    allow_contact(organization)
    begins = (now() + dt.timedelta(days=6)).replace(hour=17, minute=0, second=0, microsecond=0)
    times = {"starts_at": begins, "ends_at": begins + 3 * HOUR}
    shift = make_shift(make_need(organization), contact="children", capacity=9, **times)
    elsewhere = make_shift(**times)
    cleared, busy, named, unknown, unproved, minor, held, uncleared = [make_person() for _one in range(8)]
    for person in (cleared, busy, named, unknown, unproved, minor, held):
        make_clearance(person, organization)
    do(operations.sign_up, elsewhere.id, by=busy)
    other = make_shift(make_need(organization), contact="children", **times)
    with transaction():
        db.session.add(
            Membership(organization_id=organization.id, person_id=named.id, role="manager", created_at=now())
        )
        named_by = named.id
        db.session.add(ShiftStaff(shift_id=other.id, person_id=named.id, named_by_id=named_by, created_at=now()))
        unknown.birth_date = None
        unproved.email_verified_at = None
        minor.birth_date = dt.date(now().year - 16, 1, 1)
        held.status = "suspended"
    line = stand_in_line(shift, [cleared, busy, named, unknown, unproved, minor, held, uncleared])
    db.session.expire_all()
    together = gate.list_refusals_in_line(shift, line)
    alone = {
        signup.id: gate.check(shift, signup.person, position_id=signup.position_id, ignore=signup) for signup in line
    }
    assert together == {key: reasons for key, reasons in alone.items() if reasons}
    assert [[reason.code for reason in alone[signup.id]] for signup in line] == [
        [], ["overlap"], ["overlap"], ["age_unknown"], ["email_unverified"],
        ["guardian_consent", "guardian_confirmation"], ["not_active"], ["background_check_required"],
    ]  # fmt: skip
    with transaction():
        shift.need.status = "paused"
    assert {reason.code for reason in gate.list_refusals_in_line(shift, line)[line[0].id]} == {"need_not_open"}


@pytest.mark.rule("S5")
def test_verify_counts_what_is_offered(shift: Shift) -> None:
    [holder] = sign_up_in_order(shift, 1)
    join(shift, 1)
    leave(holder)
    assert sound()
    do(lambda: db.session.execute(sa.update(Position).where(Position.shift_id == shift.id).values(taken=0)))
    [problem] = check_capacity()[1]
    assert "says 0 of 1 taken, its places are for 1" in problem
