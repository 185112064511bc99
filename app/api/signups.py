"""Places on shifts: take one or several, see one's own (staff: all of a shift), change one, give it back; and what staff
note about who came."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from typing import Any

from flask.typing import ResponseReturnValue

from app.accounts.session import current_person
from app.api import frame, present, queries, schemas
from app.core.db import transaction
from app.core.errors import InvalidInput, Refused
from app.core.i18n import _
from app.core.ids import encode_id
from app.core.paging import Page
from app.core.web import allow
from app.needs.models import Need, Shift
from app.needs.policy import can_see_need, can_see_staff_page
from app.needs.queries import find_need
from app.safeguarding.policy import can_keep_clearances
from app.signups import attendance, gate, operations, waitlist
from app.signups import staff as for_staff
from app.signups.models import Signup
from app.signups.policy import (
    can_add_volunteer,
    can_cancel_signup,
    can_keep_roster,
    can_see_signup,
    is_own_signup,
)
from app.signups.told import reasons_for_staff
from app.signups.volunteers import add_volunteer

resource = frame.blueprint("signups", "Places on shifts")


def _shift_in_sight(person: Any, shift: Shift) -> bool:
    """Whoever may see the need may ask for a place on its shift; the gate says who gets one."""
    return can_see_need(person, shift.need)


def present_all(signups: Sequence[Signup], *, staff: bool) -> list[dict[str, Any]]:
    """Places for the person whose they are, or for the staff of their organization: named, and one that does not stand now
    is not called confirmed (G1). For many at once it reads as much as for a few."""
    refused, person = gate.list_refusals(signups), current_person()
    keeps = staff and bool(refused) and can_keep_clearances(person, signups[0].shift.need.organization)
    found = []
    for signup in signups:
        why_not = refused.get(signup.id, [])
        if why_not and signup.person_id != person.id:
            why_not = reasons_for_staff(why_not, keeps_clearances=keeps)
        found.append(present.signup(signup, name=signup.person.name if staff else None, why_not=why_not))
    return found


def _present(signup: Signup, *, staff: bool) -> dict[str, Any]:
    return present_all([signup], staff=staff)[0]


@resource.route("/shifts/<id:shift_id>/signups", methods=["POST"])
@allow(_shift_in_sight, load=queries.whole_shift, scope="signups:write")
@resource.acts(schemas.SignupOut, takes=schemas.SignupIn, status=201)
def create(shift: Shift, payload: dict[str, Any]) -> ResponseReturnValue:
    """A confirmed place, or 409 with every reason that stands in the way. With `waitlist`, where the shift is full, a turn
    on its waitlist: `waitlisted`, and `offered` when a place is kept for you."""
    wanted = {"party_size": payload["party_size"], "position_id": payload["position"]}
    if payload["waitlist"]:
        with transaction():
            waiting = waitlist.join(shift.id, by=current_person(), note=payload["note"], **wanted)
            return frame.answer(201, schemas.SignupOut, _present(waiting, staff=False))
    # A full shift answers here, without waiting for anybody's lock; what is let through is asked again under it.
    gate.require(shift, current_person(), **wanted)
    with transaction():
        signup = operations.sign_up(
            shift.id,
            by=current_person(),
            note=payload["note"],
            **wanted,
        )
        return frame.answer(201, schemas.SignupOut, _present(signup, staff=False))


@resource.route("/needs/<id:need_id>/signups", methods=["POST"])
@allow(can_see_need, load=find_need, scope="signups:write")
@resource.acts(schemas.SignupList, takes=schemas.SeveralIn, status=201)
def create_several(need: Need, payload: dict[str, Any]) -> ResponseReturnValue:
    """A confirmed place on each of several shifts of a need, or none: 409 with every reason, `about` being its shift."""
    wanted = payload["shifts"]
    if set(wanted) - {shift.id for shift in need.shifts}:
        raise InvalidInput({"shifts": _("Choose shifts of this need.")})
    try:
        with transaction():
            made = operations.sign_up_for_several(
                wanted, by=current_person(), party_size=payload["party_size"], note=payload["note"]
            )
            page = Page(made, None)
            return frame.answer(
                201, schemas.SignupList, frame.page_of(page, lambda signup: _present(signup, staff=False))
            )
    except operations.SeveralRefused as refused:
        raise Refused(
            [
                dataclasses.replace(reason, about=encode_id(shift_id))
                for shift_id, reasons in refused.by_shift.items()
                for reason in reasons
            ]
        ) from refused


@resource.route("/shifts/<id:shift_id>/volunteers", methods=["POST"])
@allow(can_add_volunteer, load=queries.whole_shift, scope="signups:write")
@resource.acts(schemas.SignupOut, takes=schemas.VolunteerIn, status=201)
def add(shift: Shift, payload: dict[str, Any]) -> ResponseReturnValue:
    """Staff: a confirmed place for somebody who telephones or walks in, through the same gate. With an address that has an
    account it is that person's place, and what stands in their way is told to them alone."""
    position_id = payload.pop("position")
    with transaction():
        signup = add_volunteer(shift.id, by=current_person(), position_id=position_id, **payload)
        return frame.answer(201, schemas.SignupOut, _present(signup, staff=True))


@resource.route("/shifts/<id:shift_id>/signups", methods=["GET"])
@allow(_shift_in_sight, load=queries.whole_shift, scope="signups:read")
@resource.arguments(frame.ListQuery, location="query")
@resource.response(200, schemas.SignupList)
def index(shift: Shift, query: dict[str, Any]) -> ResponseReturnValue:
    """Staff see everybody's, supporters their own."""
    person = current_person()
    staff = can_see_staff_page(person, shift.need)
    page = queries.list_signups(
        shift_id=shift.id,
        person_id=None if staff else person.id,
        cursor=query.get("cursor"),
        limit=query["limit"],
    )
    return {"data": present_all(page.rows, staff=staff), "next_cursor": page.next_cursor}


@resource.route("/signups/<id:signup_id>", methods=["GET"])
@allow(can_see_signup, load=queries.find_signup, scope="signups:read")
@resource.response(200, schemas.SignupOut)
def show(signup: Signup) -> ResponseReturnValue:
    """One place, for the person and the staff."""
    person = current_person()
    staff = can_see_staff_page(person, signup.shift.need)
    body = _present(signup, staff=staff)
    return frame.with_etag(schemas.SignupOut().dump(body), signup.sequence)


@resource.route("/signups/<id:signup_id>", methods=["PATCH"])
@allow(is_own_signup, load=queries.find_signup, scope="signups:write")
@resource.arguments(schemas.SignupPatch)
@resource.response(200, schemas.SignupOut)
@resource.alt_response(409, schema=frame.ProblemSchema, content_type="application/problem+json")
def edit(signup: Signup, payload: dict[str, Any]) -> ResponseReturnValue:
    """Other people, another position, or another shift of the same need, in one step: what was stays until what is new is
    confirmed. What is left out stays; on another shift without `position`, the first that has room. Who waits can come with
    fewer people, at the same turn."""
    with transaction():
        frame.require_match(queries.locked_place(signup.id))
        if signup.status == "waitlisted" and not payload.keys() & {"shift", "position"}:
            changed = waitlist.change_waiting(
                signup.id,
                by=current_person(),
                party_size=payload.get("party_size", signup.party_size),
                note=payload.get("note"),
            )
            return frame.answer(200, schemas.SignupOut, _present(changed, staff=False))
        stays = payload.get("shift", signup.shift_id) == signup.shift_id
        changed = operations.change_signup(
            signup.id,
            by=current_person(),
            party_size=payload.get("party_size", signup.party_size),
            shift_id=payload.get("shift"),
            position_id=payload.get("position", signup.position_id if stays else None),
            note=payload.get("note"),
        )
        return frame.answer(200, schemas.SignupOut, _present(changed, staff=False))


@resource.route("/signups/<id:signup_id>/accept", methods=["POST"])
@allow(is_own_signup, load=queries.find_signup, scope="signups:write")
@resource.acts(schemas.SignupOut)
def accept(signup: Signup, _payload: dict[str, Any]) -> ResponseReturnValue:
    """Take the place that is offered to you, up to `offer_expires_at`; close to the start, whoever waits takes a free one.
    409 with the reasons: the offer is over, there is none, or something stands in the way by now."""
    with transaction():
        confirmed = waitlist.accept(signup.id, by=current_person())
        return frame.answer(200, schemas.SignupOut, _present(confirmed, staff=False))


@resource.route("/signups/<id:signup_id>/decline", methods=["POST"])
@allow(is_own_signup, load=queries.find_signup, scope="signups:write")
@resource.acts(schemas.SignupOut)
def decline(signup: Signup, _payload: dict[str, Any]) -> ResponseReturnValue:
    """Do not take the place that is offered to you: the next in line is asked."""
    with transaction():
        declined = waitlist.decline(signup.id, by=current_person())
        return frame.answer(200, schemas.SignupOut, _present(declined, staff=False))


@resource.route("/signups/<id:signup_id>/cancel", methods=["POST"])
@allow(can_cancel_signup, load=queries.find_signup, scope="signups:write")
@resource.acts(schemas.SignupOut, takes=schemas.CancelIn, required=False)
def cancel(signup: Signup, payload: dict[str, Any]) -> ResponseReturnValue:
    """Give the place back; it is free at once. Staff do it for somebody who telephones, and that person is told."""
    person = current_person()
    is_own = is_own_signup(person, signup)
    with transaction():
        cancelled = operations.cancel_signup(signup.id, by=person, reason="" if is_own else payload["reason"])
        return frame.answer(200, schemas.SignupOut, _present(cancelled, staff=not is_own))


@resource.route("/signups/<id:signup_id>/undo", methods=["POST"])
@allow(can_cancel_signup, load=queries.find_signup, scope="signups:write")
@resource.acts(schemas.SignupOut)
def undo(signup: Signup, _payload: dict[str, Any]) -> ResponseReturnValue:
    """The place that was given back up to 15 minutes ago is yours again, through the gate, while it is free."""
    person = current_person()
    is_own = is_own_signup(person, signup)
    act = operations.undo_cancel if is_own else for_staff.undo_cancel
    with transaction():
        again = act(signup.id, by=person)
        return frame.answer(200, schemas.SignupOut, _present(again, staff=not is_own))


def _note(signup: Signup, act: Callable[..., Signup]) -> ResponseReturnValue:
    """What staff say about whether somebody came."""
    with transaction():
        changed = act(signup.id, by=current_person())
        return frame.answer(200, schemas.SignupOut, _present(changed, staff=True))


@resource.route("/signups/<id:signup_id>/check-in", methods=["POST"])
@allow(can_keep_roster, load=queries.find_signup, scope="signups:write")
@resource.acts(schemas.SignupOut)
def arrive(signup: Signup, _payload: dict[str, Any]) -> ResponseReturnValue:
    """Staff: the person is here. From two hours before the start until the end."""
    return _note(signup, for_staff.check_in)


@resource.route("/signups/<id:signup_id>/no-show", methods=["POST"])
@allow(can_keep_roster, load=queries.find_signup, scope="signups:write")
@resource.acts(schemas.SignupOut)
def no_show(signup: Signup, _payload: dict[str, Any]) -> ResponseReturnValue:
    """Staff: the person did not come. From the start on."""
    return _note(signup, operations.mark_no_show)


@resource.route("/signups/<id:signup_id>/undo-attendance", methods=["POST"])
@allow(can_keep_roster, load=queries.find_signup, scope="signups:write")
@resource.acts(schemas.SignupOut)
def undo_attendance(signup: Signup, _payload: dict[str, Any]) -> ResponseReturnValue:
    """Staff: take back that they were here, did not come or completed: a confirmed place again, through the gate."""
    return _note(signup, for_staff.undo_attendance)


@resource.route("/signups/<id:signup_id>/hours", methods=["POST"])
@allow(can_keep_roster, load=queries.find_signup, scope="signups:write")
@resource.acts(schemas.SignupOut, takes=schemas.HoursIn)
def hours(signup: Signup, payload: dict[str, Any]) -> ResponseReturnValue:
    """Staff: the person came and gave so many hours. Staff's own hours wait until another one sends the same (S9)."""
    minutes = attendance.read_hours(payload["hours"])
    with transaction():
        changed = for_staff.record_hours(signup.id, by=current_person(), minutes=minutes)
        return frame.answer(200, schemas.SignupOut, _present(changed, staff=True))
