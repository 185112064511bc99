"""Pages about one's place: taking it, giving it back, its calendar file."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from flask import Blueprint, Response, abort, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from app.accounts.models import Person
from app.accounts.session import current_person
from app.core.db import transaction
from app.core.errors import InvalidInput, Reason, Refused
from app.core.forms import show_errors
from app.core.i18n import _
from app.core.ids import decode_id, encode_id
from app.core.web import allow, flash_undo, settings
from app.needs.models import Position, Shift
from app.needs.queries import find_shift
from app.organizations.policy import can_receive
from app.signups import attendance, gate, operations, policy, queries
from app.signups.calendar import calendar_file, describe_area
from app.signups.forms import CancelForm, HoursForm, SignUpForm
from app.signups.models import MAXIMUM_PARTY_SIZE, Signup

signups = Blueprint("signups", __name__)

# What the form itself can mend is said at its field; the rest stands above it.
FIELD_OF_REASON = {"party_size": "party_size", "position": "position"}


@signups.route("/shifts/<id:shift_id>/sign-up", methods=["GET", "POST"])
@allow(policy.can_see_shift, load=find_shift)
def new(shift: Shift) -> ResponseReturnValue:
    """What the shift asks, and the form; sent, a confirmed place or every reason that stands in the way (S11)."""
    person = current_person()
    form = _make_form(shift)
    if request.method == "GET":
        reasons = gate.check(shift, person)
        return _page(shift, person, form, [] if queries.find_live_signup(shift.id, person.id) else reasons)
    if not form.validate():
        return _page(shift, person, form, gate.check_standing(shift, person)), 422
    wanted: dict[str, Any] = {
        "party_size": form.party_size.data if "party_size" in form else 1,
        "position_id": decode_id(form.position.data) if "position" in form else None,
    }
    try:
        # A full shift answers here, without waiting for anybody's lock; what is let through is asked again under it.
        gate.require(shift, person, **wanted)
        with transaction():
            operations.sign_up(shift.id, by=person, note=form.note.data or "", **wanted)
    except Refused as refused:
        return _page(shift, person, form, _put_at_fields(form, refused.reasons)), 409
    signup = queries.find_live_signup(shift.id, person.id)
    if signup is not None:
        text = _("Your place on “%(title)s” is confirmed. We sent you an email.", title=signup.shift.need.title)
        flash_undo(text, url_for("signups.cancel", signup_id=signup.id))
    return redirect(url_for("pages.my_help"), code=303)


def _make_form(shift: Shift) -> SignUpForm:
    """The form with the fields this shift needs: no choice where there is none, alone where each must pass alone (G1)."""
    asked = request.args.get("party_size", "")
    form = SignUpForm(party_size=int(asked) if asked.isdecimal() and len(asked) < 3 else 1)
    positions = [position for position in shift.positions if position.capacity != 0]
    if len(positions) > 1:
        form.position.choices = [(encode_id(position.id), _position_label(position)) for position in positions]
    else:
        del form.position
    if gate.asks_for_anything(shift):
        del form.party_size
    return form


def _position_label(position: Position) -> str:
    name = position.name or _("Helper")
    if position.capacity is None:
        return name
    free = max(0, position.capacity - position.taken)
    return _("%(name)s: %(free)s of %(capacity)s open", name=name, free=free, capacity=position.capacity)


def _put_at_fields(form: SignUpForm, reasons: list[Reason]) -> list[Reason]:
    """Say at its field what the form can mend; gives back the reasons that it cannot."""
    left = []
    for reason in reasons:
        name = FIELD_OF_REASON.get(reason.code)
        if name is None and reason.code == "full" and (form.party_size.data or 1 if "party_size" in form else 1) > 1:
            name = "party_size"
        if name is not None and name in form:
            form[name].errors = [*form[name].errors, reason.message]
        else:
            left.append(reason)
    return left


def _page(shift: Shift, person: Person, form: SignUpForm, reasons: list[Reason]) -> str:
    rules = gate.list_rules(shift, person)
    asked = {rule.code for rule in rules}
    return render_template(
        "signups/new.html",
        shift=shift,
        form=form,
        rules=rules,
        reasons=[reason for reason in reasons if reason.code not in asked],
        may_try=not reasons,
        own=queries.find_live_signup(shift.id, person.id),
        area=describe_area(shift.need),
        over=shift.is_over,
        alone=gate.asks_for_anything(shift),
        most=MAXIMUM_PARTY_SIZE,
    )


@signups.route("/signups/<id:signup_id>/cancel", methods=["GET", "POST"])
@allow(policy.can_cancel_signup, load=queries.find_signup)
def cancel(signup: Signup) -> ResponseReturnValue:
    """What giving the place back means (S6), and doing it."""
    form = CancelForm()
    if request.method == "POST" and form.validate():
        title = signup.shift.need.title
        with transaction():
            operations.cancel_signup(signup.id, by=current_person())
        text = _("Your place on “%(title)s” is cancelled. You can take it back while it is free.", title=title)
        flash_undo(text, url_for("signups.undo_cancel", signup_id=signup.id), post=True)
        return redirect(url_for("pages.my_help"), code=303)
    return render_template(
        "signups/cancel.html",
        signup=signup,
        form=form,
        live=signup.status in gate.HOLDING_STATUSES,
        over=signup.shift.is_over,
        may_undo=operations.can_undo_cancel(signup) and not gate.check_again(signup),
        area=describe_area(signup.shift.need),
    )


@signups.post("/signups/<id:signup_id>/undo-cancel")
@allow(policy.is_own_signup, load=queries.find_signup)
def undo_cancel(signup: Signup) -> ResponseReturnValue:
    """The place given back a moment ago is theirs again, or every reason why it cannot be."""
    with transaction():
        operations.undo_cancel(signup.id, by=current_person())
    title = signup.shift.need.title
    text = _("Your place on “%(title)s” is yours again. We sent you an email.", title=title)
    flash_undo(text, url_for("signups.cancel", signup_id=signup.id))
    return redirect(url_for("pages.my_help"), code=303)


@signups.get("/signups/<id:signup_id>/calendar.ics")
@allow(policy.is_own_signup, load=queries.find_signup)
def calendar(signup: Signup) -> ResponseReturnValue:
    """One's own place as a calendar file (M3)."""
    content = calendar_file(signup, base_url=settings().base_url, sender=settings().mail_from)
    if content is None:
        abort(404)
    headers = {"Content-Disposition": 'attachment; filename="place.ics"', "Cache-Control": "no-store"}
    return Response(content, content_type="text/calendar; charset=utf-8", headers=headers)


# --- the staff's roster ---------------------------------------------------------------------------------------------


def _find_shift(slug: str, shift_id: int) -> Shift | None:
    shift = find_shift(shift_id)
    return shift if shift is not None and shift.need.organization.slug == slug else None


def _find_place(slug: str, signup_id: int) -> Signup | None:
    signup = queries.find_signup(signup_id)
    return signup if signup is not None and signup.shift.need.organization.slug == slug else None


@signups.get("/manage/<slug>/shifts/<id:shift_id>/roster")
@allow(policy.can_see_roster, load=_find_shift)
def roster(shift: Shift) -> ResponseReturnValue:
    """Who comes, on screen and on paper; who is here, who did not come, and for how long."""
    return _roster(shift, HoursForm(formdata=None))


def _roster(shift: Shift, form: HoursForm, wrong_id: int | None = None) -> str:
    rows = queries.list_roster(shift.id)
    person = current_person()
    usual = attendance.usual_minutes(shift)
    return render_template(
        "signups/roster.html",
        organization=shift.need.organization,
        shift=shift,
        rows=rows,
        people=sum(row.party_size for row in rows if row.status != "no_show"),
        here=sum(row.party_size for row in rows if row.status in ("checked_in", "completed")),
        form=form,
        wrong_id=wrong_id,
        closed=attendance.check_in_refusal(shift),
        begun=attendance.has_begun(shift),
        may_keep=can_receive(person, shift.need.organization),
        viewer_id=person.id,
        usual="" if usual is None else attendance.format_hours(usual),
        hours=attendance.format_hours,
        area=describe_area(shift.need),
    )


def _keep(signup: Signup, act: Callable[..., Signup], done: str) -> ResponseReturnValue:
    back = url_for("signups.roster", slug=signup.shift.need.organization.slug, shift_id=signup.shift_id)
    with transaction():
        act(signup.id, by=current_person())
    flash(done)
    return redirect(f"{back}#place-{encode_id(signup.id)}", code=303)


@signups.post("/manage/<slug>/signups/<id:signup_id>/check-in")
@allow(policy.can_keep_roster, load=_find_place)
def check_in(signup: Signup) -> ResponseReturnValue:
    """They are here."""
    return _keep(signup, operations.check_in, _("%(name)s is checked in.", name=signup.person.name))


@signups.post("/manage/<slug>/signups/<id:signup_id>/no-show")
@allow(policy.can_keep_roster, load=_find_place)
def no_show(signup: Signup) -> ResponseReturnValue:
    """They did not come."""
    return _keep(signup, operations.mark_no_show, _("Noted: %(name)s did not come.", name=signup.person.name))


@signups.post("/manage/<slug>/signups/<id:signup_id>/undo")
@allow(policy.can_keep_roster, load=_find_place)
def undo_attendance(signup: Signup) -> ResponseReturnValue:
    """Take that back."""
    return _keep(signup, operations.undo_attendance, _("Undone: %(name)s is expected again.", name=signup.person.name))


@signups.post("/manage/<slug>/signups/<id:signup_id>/hours")
@allow(policy.can_keep_roster, load=_find_place)
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
            return _keep(signup, functools.partial(operations.record_hours, minutes=minutes), text)
        except InvalidInput as invalid:
            show_errors(form, invalid)
    return _roster(signup.shift, form, signup.id), 422


BLUEPRINTS = (signups,)
