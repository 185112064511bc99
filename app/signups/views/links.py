"""A place by the link in a mail, without a session: see it, give it back on the way, take that back, its calendar file."""

from __future__ import annotations

import functools

from flask import redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from app.core.db import transaction
from app.core.errors import Reason, Refused
from app.core.tokens import unseal
from app.core.web import public
from app.signups import gate, offers, operations, policy, queries, two_adults, waitlist
from app.signups.calendar import describe_area
from app.signups.models import Signup
from app.signups.views.blueprint import by_link
from app.signups.views.labels import label_others
from app.signups.views.own import send_calendar


def _find_place(place_token: str) -> Signup | None:
    values = unseal("place", place_token)
    if values is None or len(values) != 2:
        return None
    signup = queries.find_signup(values[0])
    return signup if signup is not None and policy.is_token_of(signup, str(values[1])) else None


@by_link.get("/places/<place_token>")
@public(load=_find_place)
def place(signup: Signup) -> ResponseReturnValue:
    """When, where and whether it stands. Never the exact address of a private need (N6): that is for the signed-in page."""
    return _page(signup)


def _page(signup: Signup, reasons: list[Reason] | None = None) -> ResponseReturnValue:
    need = signup.shift.need
    why_not = gate.list_refusals([signup]).get(signup.id, [])
    held = signup.status in gate.HOLDING_STATUSES and not why_not
    ends = held and not signup.shift.is_over and signup.shift.status == "scheduled"
    known = queries.find_day_facts(need, signup.person) if ends else None
    page = render_template(
        "signups/place.html",
        signup=signup,
        shift=signup.shift,
        own=signup if held else None,
        held=held,
        why_not=why_not,
        runs=signup.shift.status == "cancelled" or two_adults.runs(signup.shift),
        waits=signup.status == "waitlisted",
        offered=signup.status == "offered",
        first_come=signup.status == "waitlisted" and offers.is_free_for_the_first(signup),
        others=label_others(signup.shift, signup.person) if reasons else [],
        ends=ends,
        stops=ends and two_adults.stops_without(signup.shift, signup.person),
        # Whoever holds the link may not be who the place is for: the exact place of a private need is never here (N6).
        meeting_point=known.meeting_point if known and not need.private_address else "",
        contact=known.contact if known else "",
        may_undo=operations.would_undo_cancel(signup, signup.person),
        line=waitlist.count_waiting([signup.shift_id]).get(signup.shift_id, 0) if ends else 0,
        is_guest=signup.person.password_hash is None,
        is_new=request.args.get("new") == "1",
        reasons=reasons or [],
        token=policy.place_token(signup),
        area=describe_area(need),
    )
    return page, 409 if reasons else 200


def _act(signup: Signup, act: functools.partial[Signup]) -> ResponseReturnValue:
    try:
        with transaction():
            act()
    except Refused as refused:
        return _page(signup, refused.reasons)
    return redirect(url_for("by_link.place", place_token=policy.place_token(signup)), code=303)


@by_link.post("/places/<place_token>/cancel")
@public(load=_find_place)
def cancel_place(signup: Signup) -> ResponseReturnValue:
    """Give it back; the page that follows has the way back for a quarter of an hour."""
    return _act(signup, functools.partial(operations.cancel_signup, signup.id, by=signup.person))


@by_link.post("/places/<place_token>/accept")
@public(load=_find_place)
def accept_place(signup: Signup) -> ResponseReturnValue:
    """Take what is offered (S5), through the gate."""
    return _act(signup, functools.partial(waitlist.accept, signup.id, by=signup.person))


@by_link.get("/places/<place_token>/decline")
@public(load=_find_place)
def ask_decline(signup: Signup) -> ResponseReturnValue:
    """What declining means: it cannot be taken back, so one press in a mail's page is not enough. Without an offer the page
    of the place, which says how it stands."""
    if signup.status != "offered":
        return _page(signup)
    return render_template(
        "signups/decline.html", signup=signup, shift=signup.shift, token=policy.place_token(signup),
        area=describe_area(signup.shift.need),
    )  # fmt: skip


@by_link.post("/places/<place_token>/decline")
@public(load=_find_place)
def decline_place(signup: Signup) -> ResponseReturnValue:
    """Not this time: the next in line is asked."""
    return _act(signup, functools.partial(waitlist.decline, signup.id, by=signup.person))


@by_link.post("/places/<place_token>/undo")
@public(load=_find_place)
def undo_place(signup: Signup) -> ResponseReturnValue:
    """Theirs again, through the gate."""
    return _act(signup, functools.partial(operations.undo_cancel, signup.id, by=signup.person))


@by_link.get("/places/<place_token>/calendar.ics")
@public(load=_find_place)
def place_calendar(signup: Signup) -> ResponseReturnValue:
    """The place as a calendar file (M3)."""
    return send_calendar(signup)
