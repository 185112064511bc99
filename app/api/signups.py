"""Places on shifts: take one, see one's own (staff: all of a shift), give one back."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from flask.typing import ResponseReturnValue

from app.accounts.session import current_person
from app.api import frame, present, queries, schemas
from app.core.db import transaction
from app.core.errors import refuse
from app.core.i18n import _
from app.core.web import allow
from app.needs.models import Shift
from app.needs.policy import can_see_need
from app.organizations.policy import can_see_staff_pages
from app.safeguarding.policy import can_keep_clearances
from app.signups import attendance, gate
from app.signups.models import Signup
from app.signups.operations import cancel_signup, check_in, record_hours, sign_up
from app.signups.policy import can_cancel_signup, can_keep_roster, can_see_signup
from app.signups.told import reasons_for_staff

resource = frame.blueprint("signups", "Places on shifts")


def _shift_in_sight(person: Any, shift: Shift) -> bool:
    """Whoever may see the need may ask for a place on its shift; the gate says who gets one."""
    return can_see_need(person, shift.need)


def present_all(signups: Sequence[Signup], *, staff: bool) -> list[dict[str, Any]]:
    """Places for the person whose they are, or for the staff of their organization: named, and one that does not stand now
    is not called confirmed (G1). For many at once it reads as much as for a few."""
    refused, person = gate.list_not_standing(signups), current_person()
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
@resource.arguments(schemas.SignupIn)
@resource.response(201, schemas.SignupOut)
@resource.alt_response(409, schema=frame.ProblemSchema, content_type="application/problem+json")
@frame.idempotent
def create(shift: Shift, payload: dict[str, Any]) -> ResponseReturnValue:
    """A confirmed place, or 409 with every reason that stands in the way."""
    if payload["waitlist"]:
        raise refuse("waitlist_not_open", _("There is no waitlist here yet."), _("Ask for a place without it."))
    wanted = {"party_size": payload["party_size"], "position_id": payload["position"]}
    # A full shift answers here, without waiting for anybody's lock; what is let through is asked again under it.
    gate.require(shift, current_person(), **wanted)
    with transaction():
        signup = sign_up(
            shift.id,
            by=current_person(),
            note=payload["note"],
            **wanted,
        )
        return frame.answer(201, schemas.SignupOut, _present(signup, staff=False))


@resource.route("/shifts/<id:shift_id>/signups", methods=["GET"])
@allow(_shift_in_sight, load=queries.whole_shift, scope="signups:read")
@resource.arguments(frame.ListQuery, location="query")
@resource.response(200, schemas.SignupList)
def index(shift: Shift, query: dict[str, Any]) -> ResponseReturnValue:
    """Staff see everybody's, supporters their own."""
    person = current_person()
    staff = can_see_staff_pages(person, shift.need.organization)
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
    return _present(signup, staff=can_see_staff_pages(current_person(), signup.shift.need.organization))


@resource.route("/signups/<id:signup_id>/cancel", methods=["POST"])
@allow(can_cancel_signup, load=queries.find_signup, scope="signups:write")
@resource.arguments(schemas.Action, required=False)
@resource.response(200, schemas.SignupOut)
@resource.alt_response(409, schema=frame.ProblemSchema, content_type="application/problem+json")
@frame.idempotent
def cancel(signup: Signup, _payload: dict[str, Any]) -> ResponseReturnValue:
    """Give the place back; it is free at once."""
    with transaction():
        cancelled = cancel_signup(signup.id, by=current_person())
        return frame.answer(200, schemas.SignupOut, _present(cancelled, staff=False))


@resource.route("/signups/<id:signup_id>/check-in", methods=["POST"])
@allow(can_keep_roster, load=queries.find_signup, scope="signups:write")
@resource.arguments(schemas.Action, required=False)
@resource.response(200, schemas.SignupOut)
@resource.alt_response(409, schema=frame.ProblemSchema, content_type="application/problem+json")
@frame.idempotent
def arrive(signup: Signup, _payload: dict[str, Any]) -> ResponseReturnValue:
    """Staff: the person is here. From two hours before the start until the end."""
    with transaction():
        changed = check_in(signup.id, by=current_person())
        return frame.answer(200, schemas.SignupOut, _present(changed, staff=True))


@resource.route("/signups/<id:signup_id>/hours", methods=["POST"])
@allow(can_keep_roster, load=queries.find_signup, scope="signups:write")
@resource.arguments(schemas.HoursIn)
@resource.response(200, schemas.SignupOut)
@resource.alt_response(409, schema=frame.ProblemSchema, content_type="application/problem+json")
@frame.idempotent
def hours(signup: Signup, payload: dict[str, Any]) -> ResponseReturnValue:
    """Staff: the person came and gave so many hours. Staff's own hours wait until another one sends the same (S9)."""
    minutes = attendance.read_hours(payload["hours"])
    with transaction():
        changed = record_hours(signup.id, by=current_person(), minutes=minutes)
        return frame.answer(200, schemas.SignupOut, _present(changed, staff=True))
