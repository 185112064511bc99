"""Pages about one's place: taking it, changing it, giving it back, its calendar file."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from urllib.parse import urlencode

from flask import Response, abort, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from app.accounts.models import Person
from app.accounts.session import current_person, find_current_person
from app.core import web
from app.core.db import transaction
from app.core.errors import InvalidInput, Reason, Refused
from app.core.forms import show_errors
from app.core.i18n import _
from app.core.ids import decode_id, encode_id
from app.core.web import allow, flash_undo, public, settings
from app.needs.models import Need, Position, Shift
from app.needs.policy import can_see_need
from app.needs.queries import find_shift
from app.signups import gate, offers, operations, policy, queries, two_adults, waitlist
from app.signups.calendar import calendar_file, describe_area
from app.signups.forms import CancelForm, ChangeForm, GuestForm, SignUpForm, VolunteerForm
from app.signups.models import MAXIMUM_PARTY_SIZE, WAITING_STATUSES, Signup
from app.signups.rules import Rule
from app.signups.views.blueprint import signups
from app.signups.views.guests import hold_for_guest
from app.signups.views.labels import label_others, position_label, shift_label

# What the form itself can mend is said at its field; the rest stands above it.
FIELD_OF_REASON = {"party_size": "party_size", "position": "position", "guest_adult": "birth_date"}
# Buttons of the guest's form that lead to an account; what was typed comes along.
WAYS_IN = {"sign_in": "accounts.sign_in", "register": "accounts.register"}
# A need with a shift every day for a season is a page, not a form.
MOST_SHIFTS = 60


def _find_shift_in_sight(shift_id: int) -> Shift | None:
    shift = find_shift(shift_id)
    return shift if shift is not None and can_see_need(find_current_person(), shift.need) else None


@signups.route("/shifts/<id:shift_id>/sign-up", methods=["GET", "POST"])
@public(load=_find_shift_in_sight)
def new(shift: Shift) -> ResponseReturnValue:
    """What the shift asks, and the form; sent, a confirmed place or every reason that stands in the way (S11). Without
    an account the place is held, and confirmed by mail (S10)."""
    person = find_current_person()
    if request.form.get("act") in WAYS_IN:
        web.keep_begun()
        return redirect(url_for(WAYS_IN[request.form["act"]], next=web.way_back()), code=303)
    if person is None:
        return _new_guest(shift)
    form = _make_form(shift, SignUpForm)
    if request.method == "GET":
        reasons = gate.check(shift, person)
        return _page(shift, person, form, [] if queries.find_live_signup(shift.id, person.id) else reasons)
    waits = request.form.get("act") == "wait"
    if not form.validate():
        return _page(
            shift, person, form, gate.check(shift, person) if waits else gate.check_standing(shift, person)
        ), 422
    wanted = wanted_in(form)
    if waits:
        return _wait(shift, person, form, wanted)
    try:
        # A full shift answers here, without waiting for anybody's lock; what is let through is asked again under it.
        gate.require(shift, person, **wanted)
        with transaction():
            operations.sign_up(shift.id, by=person, note=form.note.data or "", **wanted)
    except Refused as refused:
        return _page(shift, person, form, put_at_fields(form, refused.reasons), refused.reasons), 409
    signup = queries.find_live_signup(shift.id, person.id)
    if signup is not None:
        text = _("Your place on “%(title)s” is confirmed. We sent you an email.", title=signup.shift.need.title)
        flash_undo(text, url_for("signups.cancel", signup_id=signup.id))
    return redirect(url_for("pages.my_help"), code=303)


def _wait(shift: Shift, person: Person, form: SignUpForm, wanted: dict[str, Any]) -> ResponseReturnValue:
    """A turn on the waitlist; a place at once when one is free by now and nobody in line could have it (S5)."""
    try:
        with transaction():
            waitlist.join(shift.id, by=person, note=form.note.data or "", **wanted)
    except Refused as refused:
        return _page(shift, person, form, put_at_fields(form, refused.reasons), refused.reasons), 409
    signup = queries.find_live_signup(shift.id, person.id)
    if signup is not None:
        title = signup.shift.need.title
        if signup.status == "waitlisted":
            text = _("You are on the waitlist of “%(title)s”. We write to you when a place is yours.", title=title)
        else:
            text = _("A place was free: yours on “%(title)s” is confirmed. We sent you an email.", title=title)
        flash_undo(text, url_for("signups.cancel", signup_id=signup.id))
    return redirect(url_for("pages.my_help"), code=303)


def _new_guest(shift: Shift) -> ResponseReturnValue:
    form = _make_form(shift, GuestForm)
    if request.method == "GET":
        return _page(shift, None, form, gate.check_guest(shift, None))
    if not form.validate():
        return _page(shift, None, form, gate.check_guest(shift, None)), 422
    try:
        return hold_for_guest(shift, form, wanted_in(form))
    except InvalidInput as invalid:
        show_errors(form, invalid)
        return _page(shift, None, form, []), 422
    except Refused as refused:
        web.keep_begun()  # perhaps with an account it can be
        return _page(shift, None, form, put_at_fields(form, refused.reasons)), 409


def wanted_in(form: SignUpForm | VolunteerForm) -> dict[str, Any]:
    """How many people and which position a form asks for, as the operations take it."""
    return {
        "party_size": form.party_size.data if "party_size" in form else 1,
        "position_id": decode_id(form.position.data) if "position" in form else None,
    }


def _make_form(shift: Shift, kind: type[SignUpForm]) -> SignUpForm:
    """The form with the fields this shift needs, and the number of people that the address may name."""
    asked = request.args.get("party_size", "")
    form = kind(party_size=int(asked) if asked.isdecimal() and len(asked) < 3 else 1)
    fit_form(form, shift)
    if "position" in form and not form.is_submitted() and not form.position.raw_data:
        # Chosen beforehand, as it is one act less: the first with room that asks for nothing of its own.
        party_size = (form.party_size.data or 1) if "party_size" in form else 1
        plain = (one for one in shift.positions if not one.requirements and gate.has_room(one, party_size))
        form.position.data = next((encode_id(one.id) for one in plain), None)
    return form


def fit_form(form: SignUpForm | VolunteerForm, shift: Shift) -> None:
    """Leave in the form what this shift needs: no choice where there is none, alone where each must pass alone (G1)."""
    positions = [position for position in shift.positions if position.capacity != 0]
    if len(positions) > 1:
        form.position.choices = [(encode_id(position.id), position_label(position)) for position in positions]
    else:
        del form.position
    if gate.asks_for_anything(shift):
        del form.party_size


def put_at_fields(form: Any, reasons: Sequence[Reason]) -> list[Reason]:
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


def _page(
    shift: Shift,
    person: Person | None,
    form: SignUpForm,
    reasons: list[Reason],
    found: Sequence[Reason] | None = None,
) -> str:
    """`found` are all reasons, where `reasons` leaves out what is said at its field."""
    own = queries.find_live_signup(shift.id, person.id) if person else None
    rules = gate.list_rules(shift, person, holds=gate.has_place(own))
    asked = {rule.code for rule in rules}
    others = label_others(shift, person) if reasons and own is None else []
    lacking = _lacking_adults(shift)
    return render_template(
        "signups/new.html",
        shift=shift,
        form=form,
        rules=rules,
        reasons=[reason for reason in reasons if reason.code not in asked],
        may_try=not reasons,
        may_wait=may_wait(shift, person, own, reasons if found is None else found),
        line=waitlist.count_waiting([shift.id]).get(shift.id, 0),
        first_come=offers.is_first_come(shift),
        is_guest=person is None,
        way=web.way_back(),
        own=own,
        own_why_not=gate.list_refusals([own]).get(own.id) if own is not None else None,
        lacking=lacking,
        cannot_run=two_adults.cannot_run(shift, lacking),
        next_step=None if person is None or own is not None else _next_step(rules, web.way_back()),
        others=others,
        area=describe_area(shift.need),
        over=shift.is_over,
        alone=gate.asks_for_anything(shift),
        most=MAXIMUM_PARTY_SIZE,
    )


def may_wait(shift: Shift, person: Person | None, own: Signup | None, reasons: Sequence[Reason]) -> bool:
    """True when nothing but room keeps somebody with an account from a place: then they can wait for one (S5)."""
    if person is None or own is not None or not any(reason.code == "full" for reason in reasons):
        return False
    has_places = any(position.capacity != 0 for position in shift.positions)
    return has_places and all(reason.code in waitlist.NO_REASON_NOT_TO_WAIT for reason in reasons)


def _lacking_adults(shift: Shift) -> int | None:
    """How many cleared adults a shift has that needs two and has fewer; None where nobody is missing (G2)."""
    if not two_adults.is_asked(shift) or shift.is_over:
        return None
    count = two_adults.count_cleared_adults(shift)
    return count if count < two_adults.ADULTS_NEEDED else None


ONES_RECORD = "/my-clearances?"


def _next_step(rules: Sequence[Rule], back: str) -> tuple[str, str] | None:
    """The first thing to do about what is not met, as a button: words and address. What one does oneself and here comes
    before what the organization does."""
    ahead = [rule for rule in rules if not rule.met and rule.url]
    for rule in sorted(ahead, key=lambda rule: rule.url.startswith(ONES_RECORD)):
        path = rule.url.partition("?")[0]
        url = f"{rule.url}{'&' if '?' in rule.url else '?'}{urlencode({'next': back})}" if rule.returns else rule.url
        words = {"/profile": _("Add your birth date"), "/my-guardian": _("Your guardian")}
        if path.endswith("/conduct"):
            return _("Read the code of conduct"), url
        if path.startswith("/learn/courses/"):
            return _("Take the course"), url
        if path.endswith("/share"):
            return _("Share it"), url
        return words.get(path, _("Your clearances")), url
    return None


# --- changing and giving back ---------------------------------------------------------------------------------------


@signups.route("/signups/<id:signup_id>/change", methods=["GET", "POST"])
@allow(policy.is_own_signup, load=queries.find_signup)
def change(signup: Signup) -> ResponseReturnValue:
    """Other people, another position or another shift of the need, in one step."""
    need = signup.shift.need
    waits = signup.status == "waitlisted"
    places = {} if waits else list_places(signup)
    people = request.args.get("people", "")
    form = ChangeForm(
        place=request.args.get("place") or f"{encode_id(signup.shift_id)}.{encode_id(signup.position_id)}",
        party_size=int(people) if people.isdecimal() and len(people) < 4 else signup.party_size,
        note=signup.note,
    )
    form.place.choices = describe_places(places, signup)
    if waits:
        del form.place
    reasons: list[Reason] = []
    status = 200
    if waits and form.validate_on_submit():
        try:
            with transaction():
                waitlist.change_waiting(
                    signup.id, by=current_person(), party_size=form.party_size.data or 0, note=form.note.data or ""
                )
        except Refused as refused:
            reasons, status = put_at_fields(form, refused.reasons), 409
        else:
            flash(_("Changed. You wait for “%(title)s” at the same turn.", title=need.title))
            return redirect(url_for("pages.my_help"), code=303)
    elif not waits and form.validate_on_submit():
        shift, position = places[form.place.data]
        before = {"place": form.place.object_data, "people": signup.party_size}
        try:
            with transaction():
                operations.change_signup(
                    signup.id,
                    by=current_person(),
                    shift_id=shift.id,
                    position_id=position.id,
                    party_size=form.party_size.data or 1,
                    note=form.note.data or "",
                )
        except Refused as refused:
            reasons, status = put_at_fields(form, refused.reasons), 409
        else:
            text = _("Your place on “%(title)s” is changed. We sent you an email.", title=need.title)
            flash_undo(text, url_for("signups.change", signup_id=signup.id, **before))
            return redirect(url_for("pages.my_help"), code=303)
    page = render_template(
        "signups/change.html",
        signup=signup,
        form=form,
        reasons=reasons,
        others=label_others(signup.shift, current_person()) if reasons else [],
        changeable=signup.status in ("confirmed", "waitlisted") and not signup.shift.is_over,
        waits=waits,
        area=describe_area(need),
    )
    return page, 422 if form.errors and status == 200 else status


def list_places(signup: Signup) -> dict[str, tuple[Shift, Position]]:
    """Where a place can move to on its need, by what a form says of it: shift and position. Where it is now comes first when
    the list is too long for it, so that whoever only brings other people never moves."""
    ahead = list_ahead(signup.shift.need)
    if signup.shift not in ahead and not signup.shift.is_over:
        ahead = [signup.shift, *ahead]
    return {
        f"{encode_id(shift.id)}.{encode_id(position.id)}": (shift, position)
        for shift in ahead
        for position in shift.positions
        if position.capacity != 0 or position.id == signup.position_id
    }


def describe_places(places: dict[str, tuple[Shift, Position]], own: Signup) -> list[tuple[str, str]]:
    """Those places as the choices of a field, with what is open besides the places of `own`."""
    return [(value, _place_label(*place, own)) for value, place in places.items()]


def list_ahead(need: Need) -> list[Shift]:
    """The shifts of a need that can still be taken, as many as a form has room for."""
    return [shift for shift in need.shifts if shift.status == "scheduled" and not shift.is_over][:MOST_SHIFTS]


def _place_label(shift: Shift, position: Position, own: Signup) -> str:
    """A shift and a position of it, with what is open besides one's own places."""
    when_words = shift_label(shift)
    if position.capacity is None:
        free = _("as many as come")
    else:
        mine = own.party_size if own.position_id == position.id else 0
        free = _("%(free)s of %(capacity)s open", free=max(0, position.capacity - position.taken + mine),
                 capacity=position.capacity)  # fmt: skip
    return " · ".join(part for part in (when_words, position.name, free) if part)


@signups.route("/signups/<id:signup_id>/cancel", methods=["GET", "POST"])
@allow(policy.is_own_signup, load=queries.find_signup)
def cancel(signup: Signup) -> ResponseReturnValue:
    """What giving the place back means (S6), and doing it."""
    form = CancelForm()
    if request.method == "POST" and form.validate():
        title, was = signup.shift.need.title, signup.status
        with transaction():
            operations.cancel_signup(signup.id, by=current_person())
        if was == "offered":
            return _declined(signup)
        may_undo = operations.would_undo_cancel(signup, current_person())
        if was == "waitlisted":
            text = _("You left the waitlist of “%(title)s”.", title=title)
        elif may_undo:
            text = _("Your place on “%(title)s” is cancelled. You can take it back while it is free.", title=title)
        else:
            text = _("Your place on “%(title)s” is cancelled.", title=title)
        if may_undo:
            flash_undo(text, url_for("signups.undo_cancel", signup_id=signup.id), post=True)
        else:
            flash(text, "done")
        return redirect(url_for("pages.my_help"), code=303)
    return _cancel_page(signup, form)


def _cancel_page(signup: Signup, form: CancelForm, reasons: list[Reason] | None = None) -> str:
    person = current_person()
    return render_template(
        "signups/cancel.html",
        signup=signup,
        form=form,
        live=signup.status in gate.HOLDING_STATUSES,
        waits=signup.status == "waitlisted",
        offered=signup.status == "offered",
        line=waitlist.count_waiting([signup.shift_id]).get(signup.shift_id, 0),
        over=signup.shift.is_over,
        stops=signup.status in gate.HOLDING_STATUSES and two_adults.stops_without(signup.shift, person),
        may_undo=not reasons and operations.would_undo_cancel(signup, person),
        reasons=reasons or [],
        others=label_others(signup.shift, person) if reasons else [],
        area=describe_area(signup.shift.need),
    )


@signups.post("/signups/<id:signup_id>/undo-cancel")
@allow(policy.is_own_signup, load=queries.find_signup)
def undo_cancel(signup: Signup) -> ResponseReturnValue:
    """The place given back a moment ago is theirs again, or every reason why it cannot be."""
    try:
        with transaction():
            operations.undo_cancel(signup.id, by=current_person())
    except Refused as refused:
        return _cancel_page(signup, CancelForm(), refused.reasons), 409
    title = signup.shift.need.title
    text = _("Your place on “%(title)s” is yours again. We sent you an email.", title=title)
    if signup.status in WAITING_STATUSES:
        text = _("You are on the waitlist of “%(title)s” again.", title=title)
    flash_undo(text, url_for("signups.cancel", signup_id=signup.id))
    return redirect(url_for("pages.my_help"), code=303)


# --- what is offered ------------------------------------------------------------------------------------------------


@signups.post("/signups/<id:signup_id>/accept")
@allow(policy.is_own_signup, load=queries.find_signup)
def accept(signup: Signup) -> ResponseReturnValue:
    """Take the place that is offered, or, close to the start, a free one (S5); or every reason why it cannot be."""
    try:
        with transaction():
            waitlist.accept(signup.id, by=current_person())
    except Refused as refused:
        return _offer_page(signup, refused.reasons)
    text = _("Your place on “%(title)s” is confirmed. We sent you an email.", title=signup.shift.need.title)
    flash_undo(text, url_for("signups.cancel", signup_id=signup.id))
    return redirect(url_for("pages.my_help"), code=303)


@signups.post("/signups/<id:signup_id>/decline")
@allow(policy.is_own_signup, load=queries.find_signup)
def decline(signup: Signup) -> ResponseReturnValue:
    """Not this time: the next in line is asked."""
    try:
        with transaction():
            waitlist.decline(signup.id, by=current_person())
    except Refused as refused:
        return _offer_page(signup, refused.reasons)
    return _declined(signup)


def _declined(signup: Signup) -> ResponseReturnValue:
    flash(_("You declined the place on “%(title)s”. The next person is asked.", title=signup.shift.need.title))
    return redirect(url_for("pages.my_help"), code=303)


def _offer_page(signup: Signup, reasons: list[Reason]) -> ResponseReturnValue:
    found = queries.find_signup(signup.id) or signup
    page = render_template(
        "signups/offer.html",
        signup=found,
        shift=found.shift,
        reasons=reasons,
        others=label_others(found.shift, current_person()),
        area=describe_area(found.shift.need),
    )
    return page, 409


@signups.get("/signups/<id:signup_id>/calendar.ics")
@allow(policy.is_own_signup, load=queries.find_signup)
def calendar(signup: Signup) -> ResponseReturnValue:
    """One's own place as a calendar file (M3)."""
    return send_calendar(signup)


def send_calendar(signup: Signup) -> ResponseReturnValue:
    """The calendar file of a place; 404 when it has no date."""
    content = calendar_file(signup, base_url=settings().base_url, sender=settings().mail_from)
    if content is None:
        abort(404)
    headers = {"Content-Disposition": 'attachment; filename="place.ics"', "Cache-Control": "no-store"}
    return Response(content, content_type="text/calendar; charset=utf-8", headers=headers)
