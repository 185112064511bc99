"""Pages about one's place: taking it, giving it back, its calendar file."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response, abort, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from app.accounts.models import Person
from app.accounts.session import current_person
from app.core.db import transaction
from app.core.errors import Reason, Refused
from app.core.i18n import _
from app.core.ids import decode_id, encode_id
from app.core.web import allow, flash_undo, settings
from app.needs.models import Position, Shift
from app.needs.queries import find_shift
from app.signups import gate, operations, policy, queries
from app.signups.calendar import calendar_file, describe_area
from app.signups.forms import CancelForm, SignUpForm
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
        title, shift_id, party_size = signup.shift.need.title, signup.shift_id, signup.party_size
        with transaction():
            operations.cancel_signup(signup.id, by=current_person())
        back = url_for("signups.new", shift_id=shift_id, party_size=party_size)
        text = _("Your place on “%(title)s” is cancelled. You can take it again while it is free.", title=title)
        flash_undo(text, back)
        return redirect(url_for("pages.my_help"), code=303)
    return render_template(
        "signups/cancel.html",
        signup=signup,
        form=form,
        live=signup.status in gate.HOLDING_STATUSES,
        over=signup.shift.is_over,
        area=describe_area(signup.shift.need),
    )


@signups.get("/signups/<id:signup_id>/calendar.ics")
@allow(policy.is_own_signup, load=queries.find_signup)
def calendar(signup: Signup) -> ResponseReturnValue:
    """One's own place as a calendar file (M3)."""
    content = calendar_file(signup, base_url=settings().base_url, sender=settings().mail_from)
    if content is None:
        abort(404)
    headers = {"Content-Disposition": 'attachment; filename="place.ics"', "Cache-Control": "no-store"}
    return Response(content, content_type="text/calendar; charset=utf-8", headers=headers)


BLUEPRINTS = (signups,)
