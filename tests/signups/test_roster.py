"""The staff's roster: who came, who did not, for how long; by whom it may be said, and when."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable

import pytest
import sqlalchemy as sa
import time_machine
from flask import Flask

from app.core.audit import AuditEvent
from app.core.clock import now
from app.core.db import db, transaction
from app.core.errors import InvalidInput, Refused
from app.core.ids import encode_id
from app.needs.models import Shift
from app.organizations.models import Organization
from app.signups import checks, operations
from app.signups.attendance import format_hours, read_hours
from app.signups.models import Signup
from app.signups.queries import list_past_signups_of
from tests.conftest import CheckingClient
from tests.factories import make_member, make_need, make_organization, make_person, make_shift

SignIn = Callable[..., CheckingClient]
HOUR = dt.timedelta(hours=1)


@pytest.fixture
def organization(app: Flask) -> Organization:
    return make_organization(make_person())


@pytest.fixture
def shift(organization: Organization) -> Shift:
    """A shift of three hours that began a moment ago; people signed up the day before."""
    found = make_shift(make_need(organization, title="Sort boxes"), days=1)
    with transaction():
        shift = db.session.get_one(Shift, found.id)
        shift.starts_at, shift.ends_at = now() - HOUR / 60, now() + 3 * HOUR - HOUR / 60
    return db.session.get_one(Shift, found.id)


def place(shift: Shift, **changes: object) -> Signup:
    person = changes.pop("by", None) or make_person(**changes)
    with transaction():
        return operations.sign_up(shift.id, by=person)  # type: ignore[arg-type]  # a person, or none given


def page(organization: Organization, shift: Shift) -> str:
    return f"/manage/{organization.slug}/shifts/{encode_id(shift.id)}/roster"


def act(organization: Organization, signup: Signup, what: str) -> str:
    return f"/manage/{organization.slug}/signups/{encode_id(signup.id)}/{what}"


def fresh(signup: Signup) -> Signup:
    db.session.rollback()
    return db.session.get_one(Signup, signup.id, populate_existing=True)


@pytest.mark.rule("A2")
def test_from_expected_to_completed_and_back(
    client: CheckingClient, sign_in: SignIn, organization: Organization, shift: Shift
) -> None:
    signup = place(shift, name="Ada Gomez")
    coordinator = make_member(organization, "coordinator")
    sign_in(coordinator)
    shown = client.get(page(organization, shift))
    assert shown.status_code == 200
    assert "Ada Gomez" in shown.text
    assert "<b>0 here</b>, 1 expected, 9 places open" in shown.text
    assert 'value="3"' in shown.text, "as long as the shift, to begin with"
    sent = client.post(act(organization, signup, "check-in"))
    assert sent.status_code == 303
    assert sent.headers["Location"] == f"{page(organization, shift)}#place-{encode_id(signup.id)}"
    assert fresh(signup).status == "checked_in"
    assert "<b>1 here</b>, 0 expected, 9 places open" in client.get(page(organization, shift)).text
    assert client.post(act(organization, signup, "check-in")).status_code == 409, "somebody else was faster"
    assert client.post(act(organization, signup, "undo")).status_code == 303
    assert (fresh(signup).status, fresh(signup).checked_in_at) == ("confirmed", None)
    assert client.post(act(organization, signup, "no-show")).status_code == 303
    assert fresh(signup).status == "no_show"
    assert client.post(act(organization, signup, "undo")).status_code == 303
    assert client.post(act(organization, signup, "hours"), data={"hours": "2:20"}).status_code == 303
    done = fresh(signup)
    assert (done.status, done.minutes, done.hours_approved_by_id) == ("completed", 140, coordinator.id)
    assert "2:20 hours" in client.get(page(organization, shift)).text
    assert [row.id for row in list_past_signups_of(done.person_id)] == [done.id], "given before, for themselves"
    written = db.session.scalars(
        sa.select(AuditEvent.action)
        .where(AuditEvent.subject_id == signup.id, AuditEvent.actor_id == coordinator.id)
        .order_by(AuditEvent.id)
    ).all()
    assert sorted(written) == sorted(
        ["signup.checked_in", "signup.attendance_undone", "signup.no_show", "signup.attendance_undone",
         "signup.hours_approved"]
    )  # fmt: skip
    assert [problem for check in checks.CHECKS.values() for problem in check()[1]] == []


def test_nobody_approves_their_own_hours(app: Flask, organization: Organization, shift: Shift) -> None:
    helper = make_member(organization, "manager")
    other = make_member(organization, "manager")
    signup = place(shift, by=helper)
    with transaction():
        operations.record_hours(signup.id, by=helper, minutes=60)
    assert (fresh(signup).minutes, fresh(signup).hours_approved_by_id) == (60, None)
    with transaction():
        operations.record_hours(signup.id, by=other, minutes=60)
    assert fresh(signup).hours_approved_by_id == other.id
    for again in (operations.record_hours, operations.undo_attendance):
        more = {"minutes": 90} if again is operations.record_hours else {}
        with pytest.raises(Refused) as refused, transaction():
            again(signup.id, by=helper, **more)
        assert refused.value.reasons[0].code == "own_hours"
    with pytest.raises(sa.exc.IntegrityError), transaction():
        db.session.execute(sa.update(Signup).values(hours_approved_by_id=helper.id))


def test_check_in_opens_two_hours_before_the_start_and_closes_at_the_end(
    client: CheckingClient, sign_in: SignIn, organization: Organization
) -> None:
    shift = make_shift(make_need(organization), days=2)
    assert shift.starts_at is not None
    signup = place(shift)
    member = make_member(organization, "coordinator")
    for moment, code in (
        (shift.starts_at - 2 * HOUR - dt.timedelta(seconds=1), "check_in_not_open"),
        (shift.starts_at + 3 * HOUR, "check_in_closed"),
    ):
        with time_machine.travel(moment, tick=False), pytest.raises(Refused) as refused, transaction():
            operations.check_in(signup.id, by=member)
        assert [reason.code for reason in refused.value.reasons] == [code]
    with time_machine.travel(shift.starts_at - dt.timedelta(seconds=1), tick=False):
        for early in (operations.mark_no_show, lambda key, by: operations.record_hours(key, by=by, minutes=60)):
            with pytest.raises(Refused), transaction():
                early(signup.id, by=member)
    sign_in(member)
    assert "Check-in opens 2 hours before the start" in client.get(page(organization, shift)).text
    with time_machine.travel(shift.starts_at - 2 * HOUR, tick=False), transaction():
        operations.check_in(signup.id, by=member)
    assert fresh(signup).status == "checked_in"


@pytest.mark.rule("G1")
def test_a_place_that_cannot_stand_any_more_is_not_checked_in(
    client: CheckingClient, sign_in: SignIn, organization: Organization
) -> None:
    shift = make_shift(make_need(organization), flexible=True, capacity=None)
    signup = place(shift)
    member = make_member(organization, "coordinator")
    with transaction():
        db.session.get_one(Shift, shift.id).contact = "children"
    with pytest.raises(Refused) as refused, transaction():
        operations.check_in(signup.id, by=member)
    codes = [reason.code for reason in refused.value.reasons]
    assert codes == ["contact_level", "due_date_missing", "background_check_required"]
    sign_in(member)
    for what, data in (("check-in", {}), ("hours", {"hours": "1"})):
        refusal = client.post(act(organization, signup, what), data=data)
        assert refusal.status_code == 409
        assert "They do not meet what this shift asks" in refusal.text
        assert "background check" not in refusal.text


@pytest.mark.rule("S2")
def test_undo_never_makes_two_places_of_one(app: Flask, organization: Organization, shift: Shift) -> None:
    signup = place(shift)
    member = make_member(organization, "coordinator")
    with transaction():
        operations.mark_no_show(signup.id, by=member)
    place(shift, by=signup.person)
    with pytest.raises(Refused) as refused, transaction():
        operations.undo_attendance(signup.id, by=member)
    assert [reason.code for reason in refused.value.reasons] == ["already_signed_up"]


@pytest.mark.rule("A4")
@pytest.mark.parametrize("typed", ["", "soon", "0", "-1", "9.1", "1:99", "²", "1e3", "9" * 500, "\x00", "<b>"])
def test_hours_that_cannot_be_are_said_at_the_field_and_kept(
    client: CheckingClient, sign_in: SignIn, organization: Organization, shift: Shift, typed: str
) -> None:
    signup = place(shift)
    sign_in(make_member(organization, "owner"))
    sent = client.post(act(organization, signup, "hours"), data={"hours": typed})
    assert sent.status_code == 422
    assert "<title>Error: " in sent.text
    assert f'href="#hours-{encode_id(signup.id)}"' in sent.text
    assert fresh(signup).minutes is None


def test_hours_are_read_as_people_write_them() -> None:
    assert [read_hours(typed) for typed in ("2", " 2.5 ", "2,25", "0:20", ".5", "2.")] == [120, 150, 135, 20, 30, 120]
    assert [read_hours(format_hours(minutes)) for minutes in range(1, 600)] == list(range(1, 600))
    with pytest.raises(InvalidInput):
        read_hours("2:5")


@pytest.mark.rule("A1")
def test_viewers_read_and_others_find_nothing(
    client: CheckingClient, sign_in: SignIn, organization: Organization, shift: Shift
) -> None:
    signup = place(shift)
    sign_in(make_member(organization, "viewer"))
    shown = client.get(page(organization, shift))
    assert shown.status_code == 200
    assert "Check in</" not in shown.text
    other = make_organization(make_person())
    sign_in(make_member(other, "owner"))
    for address in (page(organization, shift), page(other, shift)):
        assert client.get(address).status_code == 404
    assert client.post(act(other, signup, "check-in")).status_code == 404


def test_as_many_statements_for_fifty_names_as_for_five(
    client: CheckingClient, sign_in: SignIn, organization: Organization
) -> None:
    shift = make_shift(make_need(organization), capacity=60)
    sign_in(make_member(organization, "owner"))
    statements: list[str] = []
    sa.event.listen(db.engine, "before_cursor_execute", lambda _c, _u, text, *_rest: statements.append(text))
    counts = []
    for more in (5, 45):
        for _number in range(more):
            place(shift)
        statements.clear()
        assert client.get(page(organization, shift)).status_code == 200
        counts.append(len(statements))
    # Two of them ask again whether each place stands.
    assert counts[0] == counts[1] <= 10
