"""Safeguarding on the roster: places that do not stand, the two cleared adults, and the staff named on a shift (G1, G2)."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from app.accounts.models import Person
from app.accounts.session import current_person
from app.core.db import transaction
from app.core.errors import Reason, Refused
from app.core.i18n import _
from app.core.ids import decode_id
from app.core.rights import known_to
from app.core.web import allow
from app.needs.models import Shift
from app.needs.policy import NOT_ASSIGNED, can_receive, is_outside_assigned
from app.needs.queries import find_shift, list_workers
from app.organizations.models import Membership
from app.safeguarding.policy import can_keep_clearances
from app.signups import policy, two_adults
from app.signups.queries import RosterRow
from app.signups.told import reasons_for_staff
from app.signups.views.blueprint import signups

# Refusals about the shift or the membership: nobody's clearances are in them.
PLAIN = ("not_a_member", "not_assigned", "past", "not_asked", "not_found")


@dataclasses.dataclass(frozen=True)
class Safety:
    """What the roster says of safeguarding. `adults` is None where two adults are not asked for; `out` are places that do
    not stand now, each with why; `members` can be named on the shift."""

    adults: int | None
    runs: bool
    staff: Sequence[two_adults.Named]
    out: Sequence[tuple[RosterRow, Sequence[Reason]]]
    members: Sequence[Membership]
    needed: int = two_adults.ADULTS_NEEDED


def safety_of(shift: Shift, out: Sequence[RosterRow], viewer: Person) -> Safety:
    """For the staff who keep the roster; why a place of `out` does not stand only as far as `viewer` may know it."""
    organization = shift.need.organization
    keeps = bool(out) and can_keep_clearances(viewer, organization)
    asked = two_adults.is_asked(shift)
    staff = two_adults.list_named(shift) if asked else []
    may_name = asked and not shift.is_over and can_receive(viewer, shift.need)
    named = {each.person.id for each in staff}
    adults = two_adults.count_cleared_adults(shift) if asked else None
    return Safety(
        adults=adults,
        runs=not two_adults.cannot_run(shift, adults),
        staff=staff,
        out=[(row, reasons_for_staff(row.why_not, keeps_clearances=keeps)) for row in out],
        members=[one for one in list_workers(shift.need) if one.person_id not in named] if may_name else [],
    )


def _find_shift(slug: str, shift_id: int) -> Shift | None:
    shift = find_shift(shift_id)
    return shift if shift is not None and shift.need.organization.slug == slug else None


@signups.post("/manage/<slug>/shifts/<id:shift_id>/staff")
@allow(policy.can_add_volunteer, load=_find_shift)
def name_staff(shift: Shift) -> ResponseReturnValue:
    """One of the organization is on the shift, too: they pass its rules like everybody."""
    by, back = current_person(), _roster_of(shift)
    person_id = decode_id(request.form.get("person", "")) or 0
    try:
        with transaction():
            named = two_adults.name_staff(shift.id, person_id, by=by)
            text = _("%(name)s is on this shift.", name=named.person.name)
    except Refused as refused:
        reasons = refused.reasons
        if person_id != by.id and not all(reason.code in PLAIN for reason in reasons):
            keeps = can_keep_clearances(by, shift.need.organization)
            reasons = reasons_for_staff(reasons, keeps_clearances=keeps)
        page = render_template(
            "signups/name_staff.html", organization=shift.need.organization, reasons=reasons, back=back
        )
        return page, 409
    flash(text, "done")
    return redirect(back, code=303)


def _find_named(slug: str, shift_id: int, person_id: int) -> tuple[Shift, int] | None:
    shift = _find_shift(slug, shift_id)
    return None if shift is None else (shift, person_id)


def _is_outside(person: Person, named: tuple[Shift, int]) -> bool:
    return is_outside_assigned(person, named[0].need)


@known_to(_is_outside, NOT_ASSIGNED)
def _can_remove(person: Person, named: tuple[Shift, int]) -> bool:
    return policy.can_add_volunteer(person, named[0])


@signups.post("/manage/<slug>/shifts/<id:shift_id>/staff/<id:person_id>/remove")
@allow(_can_remove, load=_find_named)
def remove_staff(named: tuple[Shift, int]) -> ResponseReturnValue:
    """They are not on it any more."""
    shift, person_id = named
    with transaction():
        two_adults.remove_staff(shift.id, person_id, by=current_person())
    flash(_("Taken off the shift."), "done")
    return redirect(_roster_of(shift), code=303)


def _roster_of(shift: Shift) -> str:
    return url_for("signups.roster", slug=shift.need.organization.slug, shift_id=shift.id)
