"""When staff may say who came and for how long: windows and bounds. Reads only; `operations` writes."""

from __future__ import annotations

import datetime as dt

from app.core.clock import now
from app.core.errors import InvalidInput, Reason, refuse
from app.core.i18n import _
from app.needs.models import Shift
from app.signups.models import MAXIMUM_MINUTES

# Staff check people in by name from this long before the start until the end; afterwards they record the hours.
CHECK_IN_OPENS_BEFORE = dt.timedelta(hours=2)
# Setting up and clearing away: a person may have given this much more than the shift is long.
MORE_THAN_SHIFT = dt.timedelta(hours=6)


def check_in_refusal(shift: Shift) -> Reason | None:
    """Why nobody can be checked in on `shift` now, or None. A flexible role has no window: any time until it is over."""
    if shift.is_over:
        return Reason(
            "check_in_closed", _("Check-in is closed: this shift is over."), _("Record the hours of those who came.")
        )
    if shift.starts_at is not None and now() < shift.starts_at - CHECK_IN_OPENS_BEFORE:
        return Reason("check_in_not_open", _("Check-in opens 2 hours before the start."), _("Come back then."))
    return None


def has_begun(shift: Shift) -> bool:
    """True once there is something to say about who came; for a flexible role always."""
    return shift.starts_at is None or shift.starts_at <= now()


def require_begun(shift: Shift, status: str) -> None:
    """Raise Refused before the start, when the shift is cancelled, or when it could not run (G2) and nobody had said of the
    place in this `status` that its people were there."""
    if shift.status == "cancelled":
        raise refuse("shift_cancelled", _("This shift is cancelled."))
    if shift.status == "cannot_run" and status == "confirmed":
        raise refuse("shift_cannot_run", _("This shift cannot run."))
    if not has_begun(shift):
        raise refuse("not_begun", _("This shift has not begun yet."), _("Say who came once it has."))


def require_possible(shift: Shift, minutes: int) -> None:
    """Raise InvalidInput for "hours" when nobody can have given `minutes` on `shift`."""
    most = dt.timedelta(minutes=MAXIMUM_MINUTES)
    if shift.starts_at is not None and shift.ends_at is not None:
        most = min(most, shift.ends_at - shift.starts_at + MORE_THAN_SHIFT)
    hours = int(most.total_seconds() // 3600)
    if not 1 <= minutes <= most.total_seconds() / 60:
        raise InvalidInput({"hours": _("Enter more than 0 and at most %(most)s hours", most=hours)})


def usual_minutes(shift: Shift) -> int | None:
    """How long the shift is, in minutes: what most people gave. None for a flexible role."""
    if shift.starts_at is None or shift.ends_at is None:
        return None
    return int((shift.ends_at - shift.starts_at).total_seconds() // 60)


def read_hours(typed: str) -> int:
    """Minutes of what was typed: "2", "2.5", "2,5" or "2:30". Raises InvalidInput for "hours" when it is none of these."""
    text = typed.strip()
    whole, colon, rest = text.partition(":")
    if colon and whole.isascii() and whole.isdigit() and len(whole) < 4 and rest.isascii() and rest.isdigit():
        if len(rest) == 2 and int(rest) < 60:
            return int(whole) * 60 + int(rest)
    elif not colon:
        whole, _point, rest = text.replace(",", ".").partition(".")
        digits = (whole or "0") + (rest or "0")
        if text and digits.isascii() and digits.isdigit() and len(whole) < 4 and len(rest) < 3 and whole + rest:
            return round((int(whole or 0) + int((rest or "0").ljust(2, "0")) / 100) * 60)
    raise InvalidInput({"hours": _("Enter hours like 2, 2.5 or 2:30")})


def format_hours(minutes: int) -> str:
    """The shortest text that `read_hours` reads back: "2", "2.5", or "2:20" where a decimal would round."""
    if minutes * 100 % 60 == 0:
        return f"{minutes / 60:.2f}".rstrip("0").rstrip(".")
    return f"{minutes // 60}:{minutes % 60:02d}"
