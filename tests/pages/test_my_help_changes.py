"""My help beyond what goes well: what changed and how to undo it, fundraisers, the strip of days, what one needs on the day."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable
from decimal import Decimal

import pytest
import time_machine

from app.accounts.models import Person
from app.core.clock import now, today
from app.core.db import db, transaction
from app.core.ids import encode_id
from app.fundraisers.operations import decline_fundraiser, end_fundraiser
from app.needs.models import Need, PrivateAddress
from app.needs.operations import cancel_shift, edit_need
from app.needs.operations.inputs import PositionInput, ShiftInput
from app.needs.operations.shifts import edit_shift
from app.pledges.models import Pledge
from app.pledges.operations import cancel_pledge, change_pledge, expire_pledge, pledge, receive_pledge
from app.signups.models import Signup
from app.signups.operations import cancel_signup, record_hours, sign_up
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
Work = Callable[[], dict[str, int]]
LATER = dt.timedelta(minutes=16)


def section(page: str, title: str) -> str:
    """The part of My help below the heading `title`; "" when there is none."""
    _before, _heading, rest = page.partition(f"<h2>{title}</h2>")
    return rest.partition("<h2>")[0]


def row(page: str, title: str) -> str:
    """The one entry about `title`."""
    [found] = [part for part in re.findall(r"<li class=\"card\".*?</li>", page, re.S) if title in part]
    return found


def place(need: Need, person: Person, **shift: object) -> Signup:
    made = make_shift(need, **shift)  # type: ignore[arg-type]  # values of a shift
    with transaction():
        return sign_up(made.id, by=person)


def test_a_place_given_back_stays_in_sight_with_its_way_back(client: CheckingClient, sign_in: SignIn) -> None:
    person = make_person()
    signup = place(make_need(title="Sort the books"), person)
    with transaction():
        cancel_signup(signup.id, by=person)
    sign_in(person)
    page = client.get("/my-help").text
    changed = row(section(page, "What changed"), "Sort the books")
    assert "You gave this place back." in changed
    assert "Cancelled" in changed
    assert section(page, "What you promised") == ""
    undo = f"/signups/{encode_id(signup.id)}/undo-cancel"
    assert f'action="{undo}"' in changed
    assert "until" in changed
    assert client.post(undo).headers["Location"] == "/my-help"
    page = client.get("/my-help").text
    assert "Sort the books" in section(page, "What you promised")
    assert section(page, "What changed") == ""
    with transaction():
        cancel_signup(signup.id, by=person)
    with time_machine.travel(now() + LATER, tick=False):
        late = section(client.get("/my-help").text, "What changed")
        assert "You gave this place back." in late
        assert undo not in late
    with time_machine.travel(now() + dt.timedelta(days=31), tick=False):
        sign_in(person)
        assert "More than a month ago" in client.get("/my-help").text


def test_who_has_taken_another_place_on_the_shift_does_not_read_of_the_first(
    client: CheckingClient, sign_in: SignIn
) -> None:
    person = make_person()
    signup = place(make_need(title="Sort the books"), person)
    with transaction():
        cancel_signup(signup.id, by=person)
        sign_up(signup.shift_id, by=person)
    sign_in(person)
    assert section(client.get("/my-help").text, "What changed") == ""


def test_a_full_shift_offers_no_undo(client: CheckingClient, sign_in: SignIn) -> None:
    person, other = make_person(), make_person()
    signup = place(make_need(title="Sort the books"), person, capacity=1)
    with transaction():
        cancel_signup(signup.id, by=person)
        sign_up(signup.shift_id, by=other)
    sign_in(person)
    page = client.get("/my-help").text
    assert "You gave this place back." in page
    assert client.post(f"/signups/{encode_id(signup.id)}/undo-cancel").status_code == 409


@pytest.mark.rule("S6")
def test_what_the_organization_cancelled_or_changed_says_so(
    client: CheckingClient, sign_in: SignIn, work_off: Work
) -> None:
    owner, person = make_person(), make_person(birth_date=dt.date(2005, 5, 17))
    need = make_need(make_organization(owner), title="Sort the books")
    off, older = place(need, person, days=3), place(need, person, days=5)
    assert older.shift.starts_at is not None
    position = older.shift.positions[0]
    with transaction():
        cancel_shift(off.shift_id, by=owner)
        edit_shift(
            older.shift_id,
            ShiftInput(
                positions=(PositionInput(name="Elders", capacity=position.capacity, id=position.id),),
                starts_at=older.shift.starts_at,
                ends_at=older.shift.ends_at,
                contact="none",
                minimum_age=50,
                time_zone=older.shift.time_zone,
            ),
            by=owner,
        )
    work_off()
    db.session.expire_all()
    sign_in(person)
    changed = section(client.get("/my-help").text, "What changed")
    assert changed.count("Sort the books") > 1
    assert "Cancelled by the organization" in changed
    assert "The organization cancelled this shift. Please do not come." in changed
    could_not_stand = (
        "The shift was changed, you did not meet any more what it asks, or somebody took back the word it rested on: your"
        " place could not stand."
    )
    assert could_not_stand in row(changed, "Elders")
    assert "undo-cancel" not in changed


def test_what_was_taken_back_refused_or_ran_out_says_so(client: CheckingClient, sign_in: SignIn) -> None:
    owner, person = make_person(), make_person()
    need = make_need()
    names = ("Towels", "Sheets", "Cribs", "Soap")
    made = {}
    for name in names:
        item = make_item(need, name=name)
        with transaction():
            made[name] = pledge(item.id, by=person, quantity=Decimal(4)).id
    with transaction():
        cancel_pledge(made["Towels"], by=person)
        receive_pledge(made["Sheets"], by=owner, received=Decimal(0), rejected=Decimal(4), reason="they were wet")
        receive_pledge(made["Soap"], by=owner, received=Decimal(3), rejected=Decimal(1), reason="one was open")
        db.session.get_one(Pledge, made["Cribs"]).deliver_by = today("UTC") - dt.timedelta(days=9)
        db.session.flush()
        expire_pledge(made["Cribs"])
    sign_in(person)
    page = client.get("/my-help").text
    changed = section(page, "What changed")
    assert "You took this back, and it is wanted again." in row(changed, "Towels")
    assert f'action="/pledges/{encode_id(made["Towels"])}/undo-cancel"' in row(changed, "Towels")
    assert "It could not be taken: they were wet" in row(changed, "Sheets")
    assert "Not accepted" in row(changed, "Sheets")
    assert "Its day was over, so it is wanted again." in row(changed, "Cribs")
    assert "Expired" in row(changed, "Cribs")
    assert "1 × box could not be taken: one was open" in row(section(page, "Given before"), "Soap")
    with transaction():
        pledge(db.session.get_one(Pledge, made["Cribs"]).item_id, by=person, quantity=Decimal(1))
    page = client.get("/my-help").text
    assert "Cribs" in section(page, "What you promised")
    assert "Cribs" not in section(page, "What changed")


def test_a_changed_promise_has_its_way_back_where_it_stands(client: CheckingClient, sign_in: SignIn) -> None:
    person, item = make_person(), make_item(name="Towels")
    with transaction():
        made = pledge(item.id, by=person, quantity=Decimal(4))
        change_pledge(made.id, by=person, quantity=Decimal(2))
    sign_in(person)
    undo = f'action="/pledges/{encode_id(made.id)}/undo-change"'
    assert undo in row(client.get("/my-help").text, "Towels")
    with time_machine.travel(now() + LATER, tick=False):
        assert undo not in client.get("/my-help").text


def test_the_rest_taken_back_of_what_came_in_part_has_its_way_back(client: CheckingClient, sign_in: SignIn) -> None:
    owner, person, item = make_person(), make_person(), make_item(name="Towels")
    with transaction():
        made = pledge(item.id, by=person, quantity=Decimal(4))
        receive_pledge(made.id, by=owner, received=Decimal(1))
        cancel_pledge(made.id, by=person)
    sign_in(person)
    given = row(section(client.get("/my-help").text, "Given before"), "Towels")
    assert f'action="/pledges/{encode_id(made.id)}/undo-cancel"' in given


@pytest.mark.rule("P3")
def test_a_promise_whose_day_is_over_says_until_when_it_stands(client: CheckingClient, sign_in: SignIn) -> None:
    person, item = make_person(), make_item(name="Towels")
    with transaction():
        made = pledge(item.id, by=person, quantity=Decimal(4))
        made.deliver_by = today("America/New_York") - dt.timedelta(days=1)
    sign_in(person)
    assert "Its day is over. It stands until" in row(client.get("/my-help").text, "Towels")


def test_the_fundraisers_one_started_are_in_it(client: CheckingClient, sign_in: SignIn) -> None:
    owner, person = make_person(), make_person()
    organization = make_organization(owner, name="Harbor House")
    kinds = {"Waits": "awaiting_approval", "Runs": "live", "Refused": "awaiting_approval", "Over": "live"}
    started = {
        title: make_fundraiser(organization, title=f"{title} for beds", started_by_id=person.id, status=status)
        for title, status in kinds.items()
    }
    make_fundraiser(organization, title="Somebody else's")
    with transaction():
        started["Runs"].ends_on = today(organization.time_zone) + dt.timedelta(days=20)
        decline_fundraiser(started["Refused"].id, by=owner, reason="It is a raffle")
        end_fundraiser(started["Over"].id, by=person, outcome="")
    sign_in(person)
    page = client.get("/my-help").text
    ahead = section(page, "What you promised")
    assert "Waits for approval" in row(ahead, "Waits for beds")
    live = row(ahead, "Runs for beds")
    assert "$0 of $1,000" in live
    assert "Your fundraiser for Harbor House" in live
    assert "until" in live
    slug = started["Runs"].slug
    for path in (f"/fundraisers/{slug}", f"/fundraisers/{slug}/edit", f"/share/fundraiser/{slug}"):
        assert f'href="{path}"' in live
        assert client.get(path).status_code == 200
    assert "/share/" not in row(ahead, "Waits for beds")
    assert "The organization declined it: It is a raffle" in row(section(page, "What changed"), "Refused for beds")
    over = row(section(page, "Given before"), "Over for beds")
    assert f'href="/fundraisers/{started["Over"].slug}/outcome"' in over
    assert "Somebody else" not in page
    with transaction():
        organization.status = "suspended"
    hidden = row(client.get("/my-help").text, "Runs for beds")
    assert "not public at the moment" in hidden
    assert "/share/" not in hidden


def test_two_weeks_are_drawn_with_a_finger_for_each_thing(client: CheckingClient, sign_in: SignIn) -> None:
    person = make_person(time_zone="America/New_York")
    moment = dt.datetime(2026, 11, 22, 12, tzinfo=dt.UTC)
    with time_machine.travel(moment, tick=False):
        soon = place(make_need(title="Sort the books"), person, days=2)
        place(make_need(title="Far away"), person, days=15)
        item = make_item(make_need(), name="Towels")
        with transaction():
            made = pledge(item.id, by=person, quantity=Decimal(4), deliver_by=dt.date(2026, 11, 24))
        sign_in(person)
        page = client.get("/my-help").text
        strip = page.partition('<ol class="fortnight"')[2].partition("</ol>")[0]
        assert strip.count("<li") == 14
        assert strip.index("2026-11-22") < strip.index("2026-12-05")
        assert strip.count("aria-current") == 1
        [cell] = [part for part in strip.split("<li") if "2026-11-24" in part]
        assert f'href="#promise-{encode_id(made.id)}"' in cell or f'href="#place-{encode_id(soon.id)}"' in cell
        assert cell.count("<svg") == 2
        assert 'class="you"' in cell
        assert "Sort the books" in cell
        assert "Far away" not in strip
        assert f'id="place-{encode_id(soon.id)}"' in page
        with transaction():
            cancel_pledge(made.id, by=person)
            cancel_signup(soon.id, by=person)
        assert 'class="fortnight"' not in client.get("/my-help").text, "nothing in two weeks, no empty calendar"


@pytest.mark.rule("N6")
@pytest.mark.rule("G7")
def test_what_one_needs_on_the_day_is_said_as_far_as_one_may_know(client: CheckingClient, sign_in: SignIn) -> None:
    person, needs = make_person(), {}
    for title, private in (("In the open", False), ("Behind doors", True)):
        needs[title] = make_need(title=title, private_address=private)
        with transaction():
            if private:
                db.session.add(PrivateAddress(need_id=needs[title].id, address="12 Hidden Lane"))
            edit_need(
                needs[title].id,
                by=None,
                bring="Closed shoes",
                meeting_point=f"Blue door, {title}",
                day_contact="Kofi, 555 0199",
            )
    signup, hidden = place(needs["In the open"], person, days=6), place(needs["Behind doors"], person, days=9)
    sign_in(person)
    page = client.get("/my-help").text
    shown = row(page, "In the open")
    for text in ("Meeting point: Blue door, In the open", "Contact on the day: Kofi, 555 0199", "Closed shoes"):
        assert text in shown
    private = row(page, "Behind doors")
    assert "Contact on the day" in private
    assert "Blue door" not in private
    assert hidden.shift.starts_at is not None
    with time_machine.travel(hidden.shift.starts_at - dt.timedelta(hours=47), tick=False):
        assert "Blue door, Behind doors" in client.get("/my-help").text
    with transaction():
        cancel_signup(signup.id, by=person)
    page = client.get("/my-help").text
    assert "Blue door" not in page, "a place given back opens nothing"


def test_approved_hours_of_this_year_are_summed(client: CheckingClient, sign_in: SignIn) -> None:
    organization = make_organization()
    coordinator, person = make_member(organization, "coordinator"), make_person()
    need = make_need(organization, title="Sort the books")
    signup, other = place(need, person, days=1), place(need, person, days=2)
    assert signup.shift.starts_at is not None
    with time_machine.travel(signup.shift.starts_at + dt.timedelta(days=2), tick=False):
        with transaction():
            record_hours(signup.id, by=coordinator, minutes=150)
            record_hours(other.id, by=coordinator, minutes=60)
            other.hours_approved_by_id = None
        sign_in(person)
        page = client.get("/my-help").text
    assert "2.5 hours this year" in page
    with time_machine.travel(signup.shift.starts_at + dt.timedelta(days=800), tick=False):
        sign_in(person)
        assert "hours this year" not in client.get("/my-help").text


def test_the_number_of_queries_does_not_grow_with_what_changed(
    client: CheckingClient, sign_in: SignIn, count_queries: list[str]
) -> None:
    person = make_person()
    sign_in(person)
    organization = make_organization()

    def queries_with(count: int) -> int:
        for _number in range(count):
            signup = place(make_need(organization), person, flexible=True)
            item = make_item()
            with transaction():
                cancel_signup(signup.id, by=person)
                cancel_pledge(pledge(item.id, by=person, quantity=Decimal(1)).id, by=person)
                for ended in (signup, db.session.query(Pledge).filter_by(item_id=item.id).one()):
                    ended.cancelled_at = now() - LATER
            make_fundraiser(organization, started_by_id=person.id)
        count_queries.clear()
        client.get("/my-help")
        return len(count_queries)

    assert queries_with(2) == queries_with(10) <= 16
