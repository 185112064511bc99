"""Two cleared adults (G2): a shift with contact that has fewer of them from a day before it starts cannot run.

Counted are confirmed places and staff named on the shift, cleared alike; nobody under age, and nobody by an exemption. What
grants something (address, check-in) asks `runs` live; `reconsider` writes what is so, in the act that changed it and by a
sweep as the day comes near. There is no override: only the shift's truth can be changed.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

import sqlalchemy as sa
from sqlalchemy.orm import joinedload, selectinload

from app.accounts.models import Person
from app.core import audit, outbox
from app.core.clock import now
from app.core.db import db
from app.core.errors import Reason, Refused, refuse
from app.core.i18n import _
from app.needs.asking import has_contact
from app.needs.models import Need, Shift
from app.needs.operations.shared import changed, locked_shift
from app.organizations.members import find_membership
from app.safeguarding.kinds import CONTACTS_WITH_PEOPLE
from app.signups import gate, rules
from app.signups.models import ShiftStaff, Signup

ADULTS_NEEDED = 2
DECIDED_BEFORE = dt.timedelta(hours=24)
# Staff are warned while there is still time to find somebody.
WARNED_BEFORE = (dt.timedelta(days=7), dt.timedelta(days=3), dt.timedelta(hours=36))


def is_asked(shift: Shift) -> bool:
    """True for a shift at a set time with contact: the rule is about these. A flexible role has no start to count from."""
    return has_contact(shift) and shift.starts_at is not None and shift.status != "cancelled"


def is_decided(shift: Shift) -> bool:
    """True from a day before the start to the end of such a shift."""
    if not is_asked(shift) or shift.starts_at is None or shift.ends_at is None:
        return False
    return shift.starts_at - DECIDED_BEFORE <= now() < shift.ends_at


def runs(shift: Shift) -> bool:
    """False while the shift cannot run for want of cleared adults, asked live; True for every other shift."""
    return not is_decided(shift) or count_cleared_adults(shift) >= ADULTS_NEEDED


def not_running() -> Reason:
    """Why nothing happens on such a shift."""
    return Reason(
        "shift_cannot_run",
        _("This shift cannot run: fewer than two cleared adults are on it."),
        _("It runs again as soon as another cleared adult signs up or is named on it."),
    )


def count_cleared_adults(shift: Shift) -> int:
    """How many different adults on the shift meet everything it asks, without exemptions, at this moment."""
    places = db.session.scalars(
        sa.select(Signup)
        .options(joinedload(Signup.person))
        .where(Signup.shift_id == shift.id, Signup.status.in_(gate.HOLDING_STATUSES))
        .execution_options(populate_existing=True)
    ).all()
    staff = list_staff(shift.id)
    people = [place.person for place in places] + [named.person for named in staff]
    known = rules.load([(shift, person) for person in people])
    busy = gate.list_overlapping([place.id for place in places]) if places else set()
    positions = {position.id: position for position in shift.positions}
    counted = set()
    for place in places:
        asked = rules.list_rules(
            shift, place.person, position=positions.get(place.position_id), known=known, with_exemptions=False
        )
        if place.id not in busy and _counts(shift, place.person, asked):
            counted.add(place.person_id)
    for named in staff:
        asked = rules.list_rules(shift, named.person, positions=(), known=known, with_exemptions=False)
        member = find_membership(shift.need.organization_id, named.person_id)
        if member is not None and _counts(shift, named.person, asked):
            counted.add(named.person_id)
    return len(counted)


def _counts(shift: Shift, person: Person, asked: list[rules.Rule]) -> bool:
    return person.is_active and rules.is_adult(shift, person) and all(rule.met for rule in asked)


def list_staff(shift_id: int) -> Sequence[ShiftStaff]:
    """The staff named on a shift, by name."""
    return db.session.scalars(
        sa.select(ShiftStaff)
        .join(Person, Person.id == ShiftStaff.person_id)
        .options(joinedload(ShiftStaff.person))
        .where(ShiftStaff.shift_id == shift_id)
        .order_by(Person.name, Person.id)
    ).all()


def name_staff(shift_id: int, person_id: int, *, by: Person) -> ShiftStaff:
    """A member of the organization is on the shift, too. They pass the gate's rules like everybody. Raises Refused."""
    need, shift = locked_shift(shift_id)
    person = db.session.get(Person, person_id)
    if person is None or find_membership(need.organization_id, person_id) is None:
        raise refuse("not_a_member", _("Only members of the organization can be named."), _("Invite them first."))
    if shift.status == "cancelled" or shift.is_over:
        raise refuse("past", _("This shift is over or cancelled."))
    if not has_contact(shift):
        raise refuse("not_asked", _("This shift asks for no two adults."))
    asked = rules.list_rules(shift, person, positions=())
    unmet = [
        Reason(rule.code, f"{rule.title}. {rule.message}", rule.remedy, rule.url) for rule in asked if not rule.met
    ]
    if not person.is_active or unmet:
        raise Refused(unmet or [Reason("not_active", _("This account cannot be used at the moment."))])
    named = db.session.get(ShiftStaff, (shift.id, person.id))
    if named is None:
        named = ShiftStaff(shift_id=shift.id, person_id=person.id, named_by_id=by.id, created_at=now())
        db.session.add(named)
        db.session.flush()
        audit.record("shift.staff_named", subject=shift, by=by, organization_id=need.organization_id,
                     data={"person_id": person.id})  # fmt: skip
    reconsider(shift, by=by)
    return named


def remove_staff(shift_id: int, person_id: int, *, by: Person) -> None:
    """They are not on the shift any more."""
    need, shift = locked_shift(shift_id)
    named = db.session.get(ShiftStaff, (shift.id, person_id))
    if named is None:
        return
    db.session.delete(named)
    db.session.flush()
    audit.record("shift.staff_removed", subject=shift, by=by, organization_id=need.organization_id,
                 data={"person_id": person_id})  # fmt: skip
    reconsider(shift, by=by)


def reconsider(shift: Shift, *, by: Person | None = None) -> None:
    """Write whether the shift can run, under the need's lock: it cannot with fewer than two cleared adults within a day of
    its start, and can again when there are two. Both sides are told, once for each turn."""
    if shift.status not in ("scheduled", "cannot_run") or (shift.status == "scheduled" and not is_decided(shift)):
        return
    wanted = "scheduled" if runs(shift) else "cannot_run"
    if shift.status == wanted:
        return
    shift.status = wanted
    shift.sequence += 1
    shift.version += 1
    action = "shift.runs_again" if wanted == "scheduled" else "shift.cannot_run"
    audit.record(action, subject=shift, by=by, organization_id=shift.need.organization_id)
    changed(shift.need)
    kind = "shift_runs_again" if wanted == "scheduled" else "shift_cannot_run"
    outbox.enqueue(kind, {"shift_id": shift.id, "sequence": shift.sequence}, key=f"{kind}:{shift.id}:{shift.sequence}")


def list_near() -> Sequence[int]:
    """Ids of shifts with contact that start within a day or have begun: those that `reconsider` may turn."""
    at = now()
    return db.session.scalars(
        sa.select(Shift.id)
        .where(Shift.contact.in_(CONTACTS_WITH_PEOPLE), Shift.status.in_(("scheduled", "cannot_run")))
        .where(Shift.starts_at <= at + DECIDED_BEFORE, Shift.ends_at > at)
        .order_by(Shift.need_id, Shift.id)
    ).all()


def list_ahead() -> Sequence[Shift]:
    """Shifts with contact of open needs within the next week, for the warnings; with what the count needs."""
    at = now()
    return db.session.scalars(
        sa.select(Shift)
        .join(Need, Need.id == Shift.need_id)
        .options(joinedload(Shift.need).joinedload(Need.organization), selectinload(Shift.positions))
        .where(Shift.contact.in_(CONTACTS_WITH_PEOPLE), Shift.status == "scheduled")
        .where(Need.status.in_(("open", "filled", "paused")))
        .where(Shift.starts_at > at + DECIDED_BEFORE, Shift.starts_at <= at + WARNED_BEFORE[0])
        .order_by(Shift.starts_at, Shift.id)
    ).all()


def promise_warnings() -> None:
    """In a transaction: staff of shifts that start within a week hear, at most three times, how many adults are missing."""
    for shift in list_ahead():
        if shift.starts_at is None:
            continue
        left = shift.starts_at - now()
        step = max(number for number, before in enumerate(WARNED_BEFORE) if left <= before)
        if count_cleared_adults(shift) < ADULTS_NEEDED:
            payload = {"shift_id": shift.id}
            outbox.enqueue("adults_missing", payload, key=f"adults_missing:{shift.id}:{shift.starts_at:%Y%m%d}:{step}")
