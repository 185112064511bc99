"""What whoever keeps the roster does for somebody who telephones, and with the waitlist: each act with the way back."""

from __future__ import annotations

from typing import Any

from flask import abort, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from app.accounts.session import current_person
from app.core.db import transaction
from app.core.errors import Reason, Refused
from app.core.i18n import _
from app.core.ids import decode_id, encode_id
from app.core.web import allow, flash_undo
from app.signups import gate, operations, policy, staff, two_adults, waitlist
from app.signups.forms import ChangeForm, StaffCancelForm
from app.signups.models import LIVE_STATUSES, Signup
from app.signups.views.blueprint import signups
from app.signups.views.labels import shift_label
from app.signups.views.own import describe_places, list_places, put_at_fields
from app.signups.views.roster import find_place


def _to_roster(signup: Signup, shift_id: int | None = None) -> ResponseReturnValue:
    slug = signup.shift.need.organization.slug
    back = url_for("signups.roster", slug=slug, shift_id=shift_id or signup.shift_id)
    return redirect(f"{back}#place-{encode_id(signup.id)}", code=303)


def _undo_url(endpoint: str, signup: Signup, **values: Any) -> str:
    return url_for(endpoint, slug=signup.shift.need.organization.slug, signup_id=signup.id, **values)


@signups.route("/manage/<slug>/signups/<id:signup_id>/cancel", methods=["GET", "POST"])
@allow(policy.can_keep_roster, load=find_place)
def cancel_for(signup: Signup) -> ResponseReturnValue:
    """Give a place back for the person, who is told, and say why."""
    form = StaffCancelForm()
    if form.validate_on_submit():
        with transaction():
            staff.cancel_place(signup.id, by=current_person(), reason=form.reason.data or "")
        text = _("The place of %(name)s is cancelled.", name=signup.person.name)
        if operations.would_undo_cancel(signup, current_person()):
            flash_undo(text, _undo_url("signups.undo_cancel_for", signup), post=True)
        else:
            flash(text, "done")
        return _to_roster(signup)
    page = render_template(
        "signups/cancel_for.html",
        organization=signup.shift.need.organization,
        signup=signup,
        shift=signup.shift,
        form=form,
        label=shift_label(signup.shift),
        live=signup.status in LIVE_STATUSES and not signup.shift.is_over,
        stops=signup.status in gate.HOLDING_STATUSES and two_adults.stops_without(signup.shift, signup.person),
        line=waitlist.count_waiting([signup.shift_id]).get(signup.shift_id, 0),
    )
    return page, 422 if form.errors else 200


@signups.post("/manage/<slug>/signups/<id:signup_id>/undo-cancel")
@allow(policy.can_keep_roster, load=find_place)
def undo_cancel_for(signup: Signup) -> ResponseReturnValue:
    """The place that staff gave back a moment ago stands again, or why it cannot."""
    with transaction():
        staff.undo_cancel(signup.id, by=current_person())
    flash(_("Undone: %(name)s is on the roster as before.", name=signup.person.name), "done")
    return _to_roster(signup)


@signups.route("/manage/<slug>/signups/<id:signup_id>/change", methods=["GET", "POST"])
@allow(policy.can_keep_roster, load=find_place)
def change_for(signup: Signup) -> ResponseReturnValue:
    """Other people, another position or another shift for somebody who telephones, who is told."""
    places = list_places(signup)
    before = f"{encode_id(signup.shift_id)}.{encode_id(signup.position_id)}"
    form = ChangeForm(place=before, party_size=signup.party_size)
    del form.note
    form.place.choices = describe_places(places, signup)
    reasons: list[Reason] = []
    status = 200
    if form.validate_on_submit():
        shift, position = places[form.place.data]
        undo_url = _undo_url("signups.undo_change_for", signup, place=before, people=signup.party_size)
        try:
            with transaction():
                staff.change_place(
                    signup.id,
                    by=current_person(),
                    party_size=form.party_size.data or 1,
                    shift_id=shift.id,
                    position_id=position.id,
                )
        except Refused as refused:
            reasons, status = put_at_fields(form, refused.reasons), 409
        else:
            flash_undo(_("The place of %(name)s is changed.", name=signup.person.name), undo_url, post=True)
            return _to_roster(signup, shift.id)
    page = render_template(
        "signups/change_for.html",
        organization=signup.shift.need.organization,
        signup=signup,
        shift=signup.shift,
        form=form,
        reasons=reasons,
        label=shift_label(signup.shift),
        changeable=signup.status == "confirmed" and not signup.shift.is_over,
    )
    return page, 422 if form.errors and status == 200 else status


@signups.post("/manage/<slug>/signups/<id:signup_id>/undo-change")
@allow(policy.can_keep_roster, load=find_place)
def undo_change_for(signup: Signup) -> ResponseReturnValue:
    """The place as it was: its shift and position are in the address that was given with the change."""
    place, people = request.values.get("place", ""), request.values.get("people", "")
    shift_id, position_id = (decode_id(part) for part in (place.partition(".")[0], place.partition(".")[2]))
    if shift_id is None or position_id is None or not (people.isdecimal() and len(people) < 4):
        abort(404)
    with transaction():
        staff.change_place(
            signup.id, by=current_person(), party_size=int(people), shift_id=shift_id, position_id=position_id
        )
    flash(_("Undone: the place of %(name)s is as it was.", name=signup.person.name), "done")
    return _to_roster(signup, shift_id)


@signups.post("/manage/<slug>/signups/<id:signup_id>/undo-add")
@allow(policy.can_keep_roster, load=find_place)
def undo_add(signup: Signup) -> ResponseReturnValue:
    """Somebody was written down by mistake."""
    with transaction():
        staff.undo_add(signup.id, by=current_person())
    flash(_("Undone: %(name)s is not on the roster any more.", name=signup.person.name), "done")
    return _to_roster(signup)


@signups.post("/manage/<slug>/signups/<id:signup_id>/place")
@allow(policy.can_keep_roster, load=find_place)
def give_place(signup: Signup) -> ResponseReturnValue:
    """Somebody on the waitlist comes after all: there is room."""
    with transaction():
        waitlist.give_place(signup.id, by=current_person())
    text = _("%(name)s has a place, and is told.", name=signup.person.name)
    flash_undo(text, _undo_url("signups.undo_give_place", signup), post=True)
    return _to_roster(signup)


@signups.post("/manage/<slug>/signups/<id:signup_id>/undo-place")
@allow(policy.can_keep_roster, load=find_place)
def undo_give_place(signup: Signup) -> ResponseReturnValue:
    """They wait again, at the same turn."""
    with transaction():
        waitlist.undo_give_place(signup.id, by=current_person())
    flash(_("Undone: %(name)s is on the waitlist again.", name=signup.person.name), "done")
    return _to_roster(signup)
