"""What follows when something that decides about people changes or runs out: places are asked again (G1), shifts with
contact are looked at for two cleared adults (G2). Nothing protective waits for these: every read that grants something asks
live facts."""

from __future__ import annotations

from typing import Any

from app.accounts.models import Person
from app.accounts.queries import find_person
from app.core import outbox
from app.core.clock import local_date
from app.core.db import transaction
from app.core.ids import encode_id
from app.core.jobs import Sweep
from app.core.when import full_day, times
from app.messages.delivery import send
from app.needs import index
from app.needs.models import Shift
from app.needs.operations import end_idle_assignments
from app.needs.policy import can_see_staff_page, works_on
from app.needs.queries import find_shift
from app.organizations.notices import list_told
from app.safeguarding.operations import purge_guardianships, staffing
from app.signups import gate, operations, queries, relations, two_adults, unused


def person_facts_changed(payload: dict[str, Any]) -> None:
    """What is known of a person changed: a minor for whom nobody answers runs no organization any more, each of their places
    ahead is asked again, and shifts they staff are counted."""
    person = find_person(payload["person_id"])
    for organization_id in [] if person is None else staffing.list_run_unguarded(person):
        with transaction():
            left = staffing.end_unguarded(organization_id, payload["person_id"])
            end_idle_assignments(organization_id, by=None)
            if left is not None:
                index.reindex_organization(left.id)
    shifts = set(queries.list_shifts_staffed_by(payload["person_id"]))
    for signup_id in queries.list_ids_ahead_of(payload["person_id"]):
        with transaction():
            operations.review_standing(signup_id)
    for shift_id in sorted(shifts):
        with transaction():
            operations.review_shift(shift_id)


def organization_rules_changed(payload: dict[str, Any]) -> None:
    """What an organization asks of people changed: every place ahead with it is asked again."""
    _review_all(payload["organization_id"])


def course_asks_again(_payload: dict[str, Any]) -> None:
    """A new version of a course asks everybody again: every place ahead that asks for anything is asked again."""
    _review_all(None)


def review_standing() -> None:
    """Sweep: what ran out since the last time ends the places that rested on it."""
    _review_all(None)


def _review_all(organization_id: int | None) -> None:
    """Ask about all held places in batches, each in a fixed number of statements; those that cannot stand are asked again
    under the locks, one act each."""
    after = 0
    while held := queries.list_held_where_asked(organization_id, after):
        after = held[-1].id
        for signup_id in gate.list_refusals(held):
            with transaction():
                operations.review_standing(signup_id)


def review_near_shifts() -> None:
    """Sweep: shifts with contact within a day of their start run or cannot run (G2). Looked at again under the locks."""
    for shift_id in two_adults.list_turning():
        with transaction():
            operations.review_shift(shift_id)


def warn_of_missing_adults() -> None:
    """Sweep: staff hear while there is still time to find somebody."""
    with transaction():
        two_adults.promise_warnings()


def purge_unused() -> None:
    """Sweep: what has no end, and nothing has rested on for a year, is deleted, and guardians on whom no place rests (G3)."""
    with transaction():
        unused.purge_unused()
    with transaction():
        purge_guardianships(relations.list_answering)


def tell_cannot_run(payload: dict[str, Any]) -> None:
    """Both sides: it cannot run. Not when it runs again by now."""
    _tell_both(payload, "cannot_run", "cannot_run")


def tell_runs_again(payload: dict[str, Any]) -> None:
    """Both sides: it runs after all. Not when it cannot by now."""
    _tell_both(payload, "runs", "scheduled")


def tell_adults_missing(payload: dict[str, Any]) -> None:
    """The staff: so many adults are missing, unless somebody came meanwhile."""
    shift = find_shift(payload["shift_id"])
    if shift is None or shift.status != "scheduled" or shift.is_over:
        return
    if two_adults.count_cleared_adults(shift) < two_adults.ADULTS_NEEDED:
        with transaction():
            _promise_staff(shift, "missing", payload["outbox_key"])


def _tell_both(payload: dict[str, Any], state: str, status: str) -> None:
    shift = find_shift(payload["shift_id"])
    if shift is None or shift.status != status:
        return
    # Turned there and back before anybody was told: what is so now is told once.
    key = f"{state}:{shift.id}:{shift.sequence}"
    with transaction():
        _promise_staff(shift, state, key)
        for signup in queries.list_holding(shift.id):
            if not gate.stands(signup):
                continue  # they hear why their own place does not stand
            _promise(shift, signup.person, state, key, staff=False)


def _promise_staff(shift: Shift, state: str, key: str) -> None:
    named = [staff.person_id for staff in two_adults.list_staff(shift.id)]
    for person_id in dict.fromkeys([*list_told(shift.need.organization_id, works_on(shift.need_id)), *named]):
        person = find_person(person_id)
        if person is not None:
            _promise(shift, person, state, key, staff=True)


def _promise(shift: Shift, person: Person, state: str, key: str, *, staff: bool) -> None:
    payload = {"shift_id": shift.id, "person_id": person.id, "state": state, "staff": staff}
    outbox.enqueue(
        "mail_two_adults", payload, key=f"two_adults:{'staff' if staff else 'person'}:{person.id}:{key}"[:200]
    )


def mail_two_adults(payload: dict[str, Any]) -> None:
    """One person hears it: a service message, because somebody could stand there alone with those who need help."""
    shift, person = find_shift(payload["shift_id"]), find_person(payload["person_id"])
    if shift is None or person is None or not person.is_active or not person.has_mailbox:
        return
    organization = shift.need.organization
    # Whoever does not work on the need any more counts nowhere by being named on its shift, and cannot open it.
    if payload["staff"] and not can_see_staff_page(person, shift.need):
        return
    if payload["state"] == "named" and not two_adults.is_named(shift.id, person.id):
        return
    roster = f"/manage/{organization.slug}/shifts/{encode_id(shift.id)}/roster"
    send(
        "signups/two_adults",
        to=person,
        key=payload["outbox_key"],
        name=person.name,
        state=payload["state"],
        count=two_adults.count_cleared_adults(shift),
        title=shift.need.title,
        shift=shift,
        day=full_day,
        span=times,
        local_date=local_date,
        staff_path=roster if payload["staff"] else "",
    )


HANDLERS: dict[str, outbox.Handler] = {
    "person_facts_changed": person_facts_changed,
    "organization_rules_changed": organization_rules_changed,
    "course_asks_again": course_asks_again,
    "shift_cannot_run": tell_cannot_run,
    "shift_runs_again": tell_runs_again,
    "adults_missing": tell_adults_missing,
    "mail_two_adults": mail_two_adults,
}
SWEEPS = (
    Sweep("signups.review_near_shifts", 60, review_near_shifts),
    Sweep("signups.review_standing", 3600, review_standing),
    Sweep("signups.warn_of_missing_adults", 3600, warn_of_missing_adults),
    Sweep("signups.purge_unused", 3600, purge_unused),
)
