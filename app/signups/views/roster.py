"""The staff's roster: who comes, who is here, for how long; and people who do not sign up themselves."""

from __future__ import annotations

import functools
from collections.abc import Callable

from flask import flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue

from app.accounts.session import current_person
from app.core.db import transaction
from app.core.errors import InvalidInput, Reason, Refused
from app.core.forms import show_errors
from app.core.i18n import _
from app.core.ids import encode_id
from app.core.web import allow, flash_undo
from app.needs.models import Shift
from app.needs.policy import can_receive
from app.needs.queries import find_shift
from app.signups import attendance, gate, operations, policy, queries, staff, volunteers
from app.signups.calendar import describe_area
from app.signups.forms import HoursForm, VolunteerForm
from app.signups.models import Signup
from app.signups.views.blueprint import signups
from app.signups.views.labels import label_others, shift_label
from app.signups.views.own import fit_form, wanted_in
from app.signups.views.safety import safety_of

# How many lines the paper has for people who walk in, at most; as many where there is no limit.
WALK_IN_LINES = 8


def _find_shift(slug: str, shift_id: int) -> Shift | None:
    shift = find_shift(shift_id)
    return shift if shift is not None and shift.need.organization.slug == slug else None


def find_place(slug: str, signup_id: int) -> Signup | None:
    """A place of the organization that the address names, or None."""
    signup = queries.find_signup(signup_id)
    return signup if signup is not None and signup.shift.need.organization.slug == slug else None


@signups.get("/manage/<slug>/shifts/<id:shift_id>/roster")
@allow(policy.can_see_roster, load=_find_shift)
def roster(shift: Shift) -> ResponseReturnValue:
    """Who comes, on screen and on paper; who is here, who did not come, and for how long."""
    return _roster(shift, HoursForm(formdata=None))


def _roster(shift: Shift, form: HoursForm, wrong_id: int | None = None) -> str:
    everybody, waiting = queries.list_roster_and_waitlist(shift.id)
    rows = [row for row in everybody if row.stands]
    holds = queries.list_holds(shift.id)
    positions = {position.id: position for position in shift.positions}
    person = current_person()
    usual = attendance.usual_minutes(shift)
    may_keep = can_receive(person, shift.need)
    ahead = shift.status == "scheduled" and not shift.is_over
    counted = [position.capacity for position in shift.positions]
    taken = sum(position.taken for position in shift.positions)
    is_open_ended = None in counted
    here = sum(row.party_size for row in rows if row.status in ("checked_in", "completed"))
    people = sum(row.party_size for row in rows if row.status != "no_show")
    return render_template(
        "signups/roster.html",
        organization=shift.need.organization,
        shift=shift,
        rows=rows,
        safety=safety_of(shift, [row for row in everybody if not row.stands], person),
        # What is offered is kept for them already.
        waiting=[
            (row, row.status == "offered" or gate.has_room(positions[row.position_id], row.party_size))
            for row in waiting
        ],
        people=people,
        here=here,
        offered=sum(row.party_size for row in waiting if row.status == "offered"),
        is_open_ended=is_open_ended,
        open_places=sum(capacity or 0 for capacity in counted) - taken if not is_open_ended else 0,
        lines=WALK_IN_LINES,
        form=form,
        wrong_id=wrong_id,
        closed=attendance.check_in_refusal(shift),
        begun=attendance.has_begun(shift),
        held=sum(hold.party_size for hold in holds),
        unreached=[hold for hold in holds if hold.mail_failed_at is not None],
        may_add=may_keep and ahead,
        may_keep=may_keep,
        ahead=ahead,
        viewer_id=person.id,
        usual="" if usual is None else attendance.format_hours(usual),
        hours=attendance.format_hours,
        area=describe_area(shift.need),
    )


@signups.route("/manage/<slug>/shifts/<id:shift_id>/volunteers/new", methods=["GET", "POST"])
@allow(policy.can_add_volunteer, load=_find_shift)
def add_volunteer(shift: Shift) -> ResponseReturnValue:
    """Somebody who telephones or walks in, through the gate."""
    form = VolunteerForm()
    fit_form(form, shift)
    reasons: list[Reason] = []
    status = 200
    if form.validate_on_submit():
        try:
            with transaction():
                signup = volunteers.add_volunteer(
                    shift.id,
                    by=current_person(),
                    name=form.name.data or "",
                    birth_date=form.birth_date.data,
                    email=form.email.data or "",
                    phone=form.phone.data or "",
                    note=form.note.data or "",
                    **wanted_in(form),
                )
                text, signup_id = _("%(name)s has a place.", name=signup.person.name), signup.id
        except InvalidInput as invalid:
            show_errors(form, invalid)
        except Refused as refused:
            reasons, status = refused.reasons, 409
        else:
            slug = shift.need.organization.slug
            flash_undo(text, url_for("signups.undo_add", slug=slug, signup_id=signup_id), post=True)
            return redirect(url_for("signups.roster", slug=slug, shift_id=shift.id), code=303)
    page = render_template(
        "signups/volunteer.html",
        organization=shift.need.organization,
        shift=shift,
        form=form,
        reasons=reasons,
        others=label_others(shift, None) if reasons else [],
        label=shift_label(shift),
    )
    return page, 422 if form.errors and status == 200 else status


def _keep(signup: Signup, act: Callable[..., Signup], done: str) -> ResponseReturnValue:
    back = url_for("signups.roster", slug=signup.shift.need.organization.slug, shift_id=signup.shift_id)
    with transaction():
        act(signup.id, by=current_person())
    flash(done)
    return redirect(f"{back}#place-{encode_id(signup.id)}", code=303)


@signups.post("/manage/<slug>/signups/<id:signup_id>/check-in")
@allow(policy.can_keep_roster, load=find_place)
def check_in(signup: Signup) -> ResponseReturnValue:
    """They are here."""
    return _keep(signup, staff.check_in, _("%(name)s is checked in.", name=signup.person.name))


@signups.post("/manage/<slug>/signups/<id:signup_id>/no-show")
@allow(policy.can_keep_roster, load=find_place)
def no_show(signup: Signup) -> ResponseReturnValue:
    """They did not come."""
    return _keep(signup, operations.mark_no_show, _("Noted: %(name)s did not come.", name=signup.person.name))


@signups.post("/manage/<slug>/signups/<id:signup_id>/undo")
@allow(policy.can_keep_roster, load=find_place)
def undo_attendance(signup: Signup) -> ResponseReturnValue:
    """Take that back."""
    return _keep(signup, staff.undo_attendance, _("Undone: %(name)s is expected again.", name=signup.person.name))


@signups.post("/manage/<slug>/signups/<id:signup_id>/hours")
@allow(policy.can_keep_roster, load=find_place)
def hours(signup: Signup) -> ResponseReturnValue:
    """They came, for so long (S9)."""
    form = HoursForm()
    form.hours.id = f"hours-{encode_id(signup.id)}"
    if form.validate():
        try:
            minutes = attendance.read_hours(form.hours.data or "")
            text = _(
                "Noted: %(name)s helped for %(hours)s hours.",
                name=signup.person.name,
                hours=attendance.format_hours(minutes),
            )
            return _keep(signup, functools.partial(staff.record_hours, minutes=minutes), text)
        except InvalidInput as invalid:
            show_errors(form, invalid)
    return _roster(signup.shift, form, signup.id), 422
