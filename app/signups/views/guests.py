"""Signing up without an account (S10): the place is held, a mail confirms it. Nobody is signed in on these pages, and
they answer alike whether the address has an account or not."""

from __future__ import annotations

from typing import Any

from flask import redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import format_timedelta, get_locale

from app.accounts import throttles
from app.accounts.operations import check_birth_date
from app.accounts.queries import find_person_by_email
from app.core import web, when
from app.core.clock import now
from app.core.db import transaction
from app.core.errors import InvalidInput, Reason, Refused, refuse
from app.core.forms import show_errors
from app.core.i18n import _
from app.core.web import public
from app.needs.models import Shift
from app.signups import holds, queries
from app.signups.calendar import describe_area
from app.signups.forms import AddressForm, ConfirmForm, SignUpForm
from app.signups.models import GuestHold
from app.signups.policy import place_token
from app.signups.views.blueprint import by_link
from app.signups.views.labels import label_others


def hold_for_guest(shift: Shift, form: SignUpForm, wanted: dict[str, Any]) -> ResponseReturnValue:
    """Hold the places a guest asked for and lead to what happens next. Raises InvalidInput, and Refused with every public
    reason."""
    check_birth_date(form["birth_date"].data)  # before anything is counted or kept: of a child nothing is (G4)
    email = str(form["email"].data or "")
    _refuse_throttled(email)
    with transaction():
        hold = holds.hold_places(
            shift.id,
            name=form["name"].data or "",
            email=email,
            birth_date=form["birth_date"].data,
            note=form.note.data or "",
            locale=str(get_locale()),
            **wanted,
        )
        token = holds.page_token(hold)
    web.forget_begun()
    return redirect(url_for("by_link.held", hold_token=token), code=303)


def _refuse_throttled(email: str) -> None:
    """Raise Refused when this address from here, or this network, asked too often. Counted whatever follows."""
    with transaction():
        wait = throttles.count_about("guest", email)
    if wait is not None:
        raise refuse("too_often", _("That was too often. Try again in %(time)s.", time=format_timedelta(wait)))


def _find_held(hold_token: str) -> GuestHold | None:
    return holds.find_hold(hold_token, "guest-hold")


def _find_to_confirm(confirm_token: str) -> GuestHold | None:
    return holds.find_hold(confirm_token, "guest-confirm")


@by_link.get("/guests/<hold_token>")
@public(load=_find_held)
def held(hold: GuestHold) -> ResponseReturnValue:
    """What happens next: the mail, until when, and what to do about a slip in the address."""
    return _held_page(hold, AddressForm())


def _held_page(
    hold: GuestHold, form: AddressForm, reasons: list[Reason] | None = None, status: int = 200
) -> ResponseReturnValue:
    ended = hold.status != "held" or hold.expires_at <= now()
    zone = hold.shift.time_zone
    page = render_template(
        "signups/held.html",
        hold=hold,
        shift=hold.shift,
        form=form,
        reasons=reasons or [],
        token=holds.page_token(hold),
        ended=ended,
        confirmed=hold.status == "confirmed",
        until=when.moment(hold.expires_at, zone),
        sent=request.args.get("sent") == "again",
        area=describe_area(hold.shift.need),
        own=None,
    )
    return page, status


@by_link.post("/guests/<hold_token>/again")
@public(load=_find_held)
def send_again(hold: GuestHold) -> ResponseReturnValue:
    """The mail once more."""
    try:
        _refuse_throttled(hold.email)
        with transaction():
            holds.send_again(hold.id)
    except Refused as refused:
        return _held_page(hold, AddressForm(formdata=None), refused.reasons, 409)
    return redirect(url_for("by_link.held", hold_token=holds.page_token(hold), sent="again"), code=303)


@by_link.post("/guests/<hold_token>/address")
@public(load=_find_held)
def correct_address(hold: GuestHold) -> ResponseReturnValue:
    """The same places for the right address."""
    form = AddressForm()
    if not form.validate():
        return _held_page(hold, form, status=422)
    try:
        _refuse_throttled(form.email.data or "")
        with transaction():
            corrected = holds.correct_address(hold.id, form.email.data or "")
            token = holds.page_token(corrected)
    except InvalidInput as invalid:
        show_errors(form, invalid)
        return _held_page(hold, form, status=422)
    except Refused as refused:
        return _held_page(hold, form, refused.reasons, 409)
    return redirect(url_for("by_link.held", hold_token=token), code=303)


def _for_a_guest(hold: GuestHold, reasons: list[Reason]) -> list[Reason]:
    """The same with ways out for whom no password lets into My help: whoever has this link reads the mail of the address, and
    the mails about a place have its link."""
    person = find_person_by_email(hold.email)
    if person is None or person.password_hash is not None:
        return reasons
    own = queries.find_live_signup(hold.shift_id, person.id)
    place = "" if own is None else url_for("by_link.place", place_token=place_token(own))
    ways = {
        "already_signed_up": (_("See it, or give it back."), place),
        "overlap": (_("Give it back by the link in the mail about it, or choose another time."), ""),
    }
    return [
        Reason(reason.code, reason.message, *ways.get(reason.code, (reason.remedy, reason.url))) for reason in reasons
    ]


@by_link.route("/guests/confirm/<confirm_token>", methods=["GET", "POST"])
@public(load=_find_to_confirm)
def confirm(hold: GuestHold) -> ResponseReturnValue:
    """The link in the mail: one button, because mail scanners follow links but do not press buttons."""
    reasons: list[Reason] = []
    if request.method == "POST":
        try:
            with transaction():
                signup = holds.confirm_hold(hold.id)
                token = place_token(signup)
        except Refused as refused:
            reasons = _for_a_guest(hold, refused.reasons)
        else:
            return redirect(url_for("by_link.place", place_token=token), code=303)
    if hold.signup is not None:
        return redirect(url_for("by_link.place", place_token=place_token(hold.signup)), code=303)
    page = render_template(
        "signups/confirm.html",
        hold=hold,
        shift=hold.shift,
        form=ConfirmForm(),
        reasons=reasons,
        others=label_others(hold.shift, None) if reasons else [],
        ended=hold.status != "held" or hold.expires_at <= now(),
        area=describe_area(hold.shift.need),
        own=None,
    )
    return page, 409 if reasons else 200
