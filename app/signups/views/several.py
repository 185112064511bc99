"""Several shifts of a need in one go, and all of that back."""

from __future__ import annotations

from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from wtforms import SelectField

from app.accounts.availability import fits
from app.accounts.session import current_person, find_current_person
from app.core.db import transaction
from app.core.errors import Reason
from app.core.forms import choices
from app.core.i18n import _, lazy, ngettext
from app.core.ids import decode_id, encode_id
from app.core.web import allow, flash_undo
from app.needs.models import Need, Shift
from app.needs.policy import can_see_need
from app.needs.queries import find_need
from app.signups import gate, operations
from app.signups.calendar import describe_area
from app.signups.forms import SeveralForm
from app.signups.undo import take_back_several
from app.signups.views.blueprint import signups
from app.signups.views.labels import position_label, shift_label
from app.signups.views.own import MOST_SHIFTS, list_ahead


def _find_need_in_sight(need_id: int) -> Need | None:
    need = find_need(need_id)
    return need if need is not None and can_see_need(find_current_person(), need) else None


def _position_field(shift: Shift) -> str:
    return f"position_{encode_id(shift.id)}"


def _make_form(shifts: list[Shift]) -> SeveralForm:
    """The shifts to choose from and, for each with several positions, what one would do; which is asked only of those
    that are chosen, so that it has an answer from the beginning."""

    class Form(SeveralForm):
        """The form of these shifts."""

    for shift in shifts:
        positions = [position for position in shift.positions if position.capacity != 0]
        if len(positions) > 1:
            options = [("", lazy("Whatever is open")), *((encode_id(one.id), position_label(one)) for one in positions)]
            setattr(Form, _position_field(shift), SelectField(lazy("What would you do?"), choices=choices(options)))
    form = Form()
    times = current_person().availability
    form.shifts.choices = choices((encode_id(shift.id), _label_for(shift, times)) for shift in shifts)
    return form


def _label_for(shift: Shift, times: list[str]) -> str:
    """When a shift is, and whether that is one of the times at which its reader usually has time."""
    label = shift_label(shift)
    if shift.starts_at is None or shift.ends_at is None:
        return label
    has_time = fits(shift.starts_at, shift.ends_at, shift.time_zone, times)
    return f"{label} · {_('when you have time')}" if has_time else label


@signups.route("/needs/<id:need_id>/sign-up", methods=["GET", "POST"])
@allow(can_see_need, load=_find_need_in_sight)
def several(need: Need) -> ResponseReturnValue:
    """Several shifts of a need in one go: all that were chosen, or none and why."""
    person = current_person()
    shifts = list_ahead(need)
    standing = {shift.id: gate.check(shift, person) for shift in shifts}
    # What was chosen stays chosen and is refused with its reasons, when it cannot be taken any more.
    asked = set(request.form.getlist("shifts"))
    open_shifts = [shift for shift in shifts if not standing[shift.id] or encode_id(shift.id) in asked]
    form = _make_form(open_shifts)
    fields = {
        encode_id(shift.id): form[_position_field(shift)] for shift in open_shifts if _position_field(shift) in form
    }
    refused_shifts: list[tuple[str, list[Reason]]] = []
    status = 200
    if form.validate_on_submit():
        chosen = [key for key in map(decode_id, form.shifts.data or []) if key is not None]
        positions = {decode_id(key) or 0: decode_id(field.data or "") for key, field in fields.items()}
        try:
            with transaction():
                made = operations.sign_up_for_several(
                    chosen,
                    by=person,
                    party_size=form.party_size.data or 1,
                    note=form.note.data or "",
                    positions=positions,
                )
                places = ".".join(encode_id(signup.id) for signup in made)
        except operations.SeveralRefused as refused:
            labels = {shift.id: shift_label(shift) for shift in shifts}
            refused_shifts = [(labels[shift_id], reasons) for shift_id, reasons in refused.by_shift.items()]
            status = 409
        else:
            text = ngettext(
                "%(num)s place on “%(title)s” is confirmed. We sent you an email.",
                "%(num)s places on “%(title)s” are confirmed. We sent you an email for each.",
                len(made),
                title=need.title,
            )
            flash_undo(text, url_for("signups.undo_several", need_id=need.id, places=places), post=True)
            return redirect(url_for("pages.my_help"), code=303)
    page = render_template(
        "signups/several.html",
        need=need,
        form=form,
        fields=fields,
        refused_shifts=refused_shifts,
        closed=[(shift_label(shift), standing[shift.id]) for shift in shifts if shift not in open_shifts],
        area=describe_area(need),
    )
    return page, 422 if form.errors and status == 200 else status


@signups.post("/needs/<id:need_id>/undo-sign-up")
@allow(can_see_need, load=_find_need_in_sight)
def undo_several(need: Need) -> ResponseReturnValue:
    """All of those places back in one step, or why not; which they are is in the address that was given with them."""
    keys = [decode_id(part) for part in request.values.get("places", "").split(".")[:MOST_SHIFTS]]
    with transaction():
        given_back = take_back_several([key for key in keys if key is not None], by=current_person())
    text = ngettext("Undone: %(num)s place is free again.", "Undone: %(num)s places are free again.", len(given_back))
    flash(text, "done")
    return redirect(url_for("signups.several", need_id=need.id), code=303)
