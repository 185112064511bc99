"""Shifts and flexible roles of a need."""

from __future__ import annotations

from typing import Any

from flask.typing import ResponseReturnValue

from app.accounts.models import Person
from app.accounts.session import current_person, find_current_person
from app.api import frame, present, queries, schemas
from app.api.requirements import ReasonsOut, written
from app.core.db import transaction
from app.core.paging import Page
from app.core.web import allow, public
from app.needs import operations
from app.needs.models import Need, Shift
from app.needs.policy import can_edit_need, can_see_need
from app.needs.queries import find_need
from app.signups import gate
from app.signups.queries import find_live_signup
from app.signups.waitlist import edit_shift_moving_latest

resource = frame.blueprint("shifts", "Times and places")


def _find_in_sight(shift_id: int) -> Shift | None:
    shift = queries.whole_shift(shift_id)
    return shift if shift is not None and can_see_need(find_current_person(), shift.need) else None


def _find_need_in_sight(need_id: int) -> Need | None:
    need = find_need(need_id)
    return need if need is not None and can_see_need(find_current_person(), need) else None


def can_edit_shift(person: Person, shift: Shift) -> bool:
    """Whoever may edit its need."""
    return can_edit_need(person, shift.need)


def _values(payload: dict[str, Any]) -> operations.ShiftInput:
    """A single capacity is the one unnamed position's; `positions` say their own. `requirements` are those of every
    position that says none of its own."""
    given = payload.pop("positions", None)
    capacity = payload.pop("capacity", None)
    asked = written(payload.pop("requirements", None))
    positions: tuple[operations.PositionInput, ...]
    if given is None:
        positions = (operations.PositionInput(capacity=capacity, requirements=asked),)
    else:
        positions = tuple(
            operations.PositionInput(**{**each, "requirements": own if (own := _own(each)) is not None else asked})
            for each in given
        )
    return operations.ShiftInput(positions=positions, **payload)


def _own(position: dict[str, Any]) -> tuple[str, ...] | None:
    return written(position.get("requirements"))


def _present(shift: Shift) -> dict[str, Any]:
    return present.shift(shift, present.know([shift]))


@resource.route("/needs/<id:need_id>/shifts", methods=["GET"])
@public(load=_find_need_in_sight)
@resource.response(200, schemas.ShiftList)
def index(need: Need) -> ResponseReturnValue:
    """All of them: a need's shifts are one page."""
    whole = queries.whole_needs([need.id])[0]
    known = present.know(whole.shifts)
    return frame.page_of(Page(whole.shifts, None), lambda shift: present.shift(shift, known))


@resource.route("/needs/<id:need_id>/shifts", methods=["POST"])
@allow(can_edit_need, load=find_need, scope="needs:write")
@resource.acts(schemas.ShiftOut, takes=schemas.ShiftIn, status=201)
def create(need: Need, payload: dict[str, Any]) -> ResponseReturnValue:
    """Capacity and times, or flexible."""
    with transaction():
        made = operations.add_shift(need.id, _values(payload), by=current_person())
        return frame.answer(201, schemas.ShiftOut, _present(made))


@resource.route("/shifts/<id:shift_id>", methods=["GET"])
@public(load=_find_in_sight)
@resource.response(200, schemas.ShiftOut)
def show(shift: Shift) -> ResponseReturnValue:
    """One shift."""
    return frame.with_etag(schemas.ShiftOut().dump(_present(shift)), shift.version)


@resource.route("/shifts/<id:shift_id>/reasons", methods=["GET"])
@public(load=_find_in_sight)
@resource.response(200, ReasonsOut)
def reasons(shift: Shift) -> ResponseReturnValue:
    """What the shift asks of the caller, each rule met or not, and whatever else stands in the way. Without a token: what
    it asks of anybody."""
    person = find_current_person()
    own = None if person is None else find_live_signup(shift.id, person.id)
    rules = gate.list_rules(shift, person, holds=gate.has_place(own))
    told = {rule.code for rule in rules}
    found = gate.check_guest(shift, None) if person is None else gate.check(shift, person)
    return {
        "may_sign_up": not found,
        "rules": [present.rule(rule) for rule in rules],
        "reasons": present.reasons([reason for reason in found if reason.code not in told]),
    }


@resource.route("/shifts/<id:shift_id>", methods=["PATCH"])
@allow(can_edit_shift, load=queries.whole_shift, scope="needs:write")
@resource.arguments(schemas.ShiftPatch(partial=True))
@resource.response(200, schemas.ShiftOut)
@resource.alt_response(409, schema=frame.ProblemSchema, content_type="application/problem+json")
def edit(shift: Shift, payload: dict[str, Any]) -> ResponseReturnValue:
    """Change what is given. Capacity below what is taken is refused (S1), unless `below_taken` says that the latest places
    move to the waitlist; each of those people is told."""
    act = edit_shift_moving_latest if payload.pop("below_taken", "keep") == "move_latest" else operations.edit_shift
    with transaction():
        frame.require_match(queries.locked_version(Shift, shift.id))
        changed = act(shift.id, _values({**_as_it_stands(shift, payload), **payload}), by=current_person())
        return frame.answer(200, schemas.ShiftOut, _present(changed))


def _as_it_stands(shift: Shift, payload: dict[str, Any]) -> dict[str, Any]:
    """What is not given stays what it is under the lock: what the guard read may be somebody else's change ago, and would
    undo it, such as whom people meet (G1)."""
    stands: dict[str, Any] = {
        "starts_at": shift.starts_at,
        "ends_at": shift.ends_at,
        "time_zone": shift.time_zone,
        "flexible": shift.flexible,
        "due_on": shift.due_on,
        "contact": shift.contact,
        "minimum_age": shift.minimum_age,
    }
    if "capacity" not in payload and "positions" not in payload:
        stands["positions"] = [
            {"id": position.id, "name": position.name, "capacity": position.capacity} for position in shift.positions
        ]
    return stands


@resource.route("/shifts/<id:shift_id>/cancel", methods=["POST"])
@allow(can_edit_shift, load=queries.whole_shift, scope="needs:write")
@resource.acts(schemas.ShiftOut)
def cancel(shift: Shift, _payload: dict[str, Any]) -> ResponseReturnValue:
    """It will not be; everybody on it is told (S6)."""
    with transaction():
        cancelled = operations.cancel_shift(shift.id, by=current_person())
        return frame.answer(200, schemas.ShiftOut, _present(cancelled))
