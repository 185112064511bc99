"""Calendar files of places, and of shifts that everybody may see (M3, RFC 5545 and 5546): UTC times, a stable UID, a SEQUENCE
that rises, METHOD PUBLISH or CANCEL."""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Container, Iterable
from email.utils import parseaddr

import icalendar

from app.core.clock import local_date, now
from app.core.i18n import _
from app.core.ids import encode_id
from app.core.mail import Attachment
from app.needs.models import Need
from app.signups import two_adults
from app.signups.gate import HOLDING_STATUSES, stands
from app.signups.models import Signup
from app.signups.queries import Standing


def describe_area(need: Need) -> str:
    """Where a need is, as everybody may know it: the address of a public place, the area of a private one (N6)."""
    if need.remote and need.city is None:
        return _("From anywhere")
    parts = [None if need.private_address else need.address, need.city, need.region]
    return ", ".join(part for part in parts if part)


def calendar_file(signup: Signup, *, base_url: str, sender: str) -> bytes | None:
    """The calendar file of one place as it stands now, or None for a flexible role without a date.

    Published while the place is held, cancelled afterwards. The exact address of a private place is never in it (N6).
    """
    held = stands(signup)
    runs = not held or two_adults.runs(signup.shift)
    event = _event(signup, describe_area(signup.shift.need), held=held, base_url=base_url, sender=sender, runs=runs)
    return None if event is None else _calendar([event], "PUBLISH" if held else "CANCEL")


def calendar_feed(
    places: Iterable[tuple[Signup, str]], standing: Standing, *, name: str, base_url: str, sender: str
) -> bytes:
    """Every place of one person as a calendar to subscribe to: each with where it is, as far as that person may know it
    now (N6, G7). A place that was given back, or that does not stand any more (G1), is in it as cancelled; one on a shift that
    cannot run (G2) as one that may yet be. `standing`: how these places stand."""
    events = [
        _event(
            signup,
            where,
            held=_is_held(signup, standing.refused),
            base_url=base_url,
            sender=sender,
            runs=signup.shift_id not in standing.idle,
        )
        for signup, where in places
    ]
    return _calendar([event for event in events if event is not None], "PUBLISH", name)


@dataclasses.dataclass(frozen=True)
class PublicShift:
    """A shift of a need that everybody may see, with no more of its place than the area (N6). Instants are aware; `due_on` is
    the day of a role without times; `status` as it is now (G2); `updated_at` is when its need last changed."""

    id: int
    starts_at: dt.datetime | None
    ends_at: dt.datetime | None
    due_on: dt.date | None
    time_zone: str
    status: str
    sequence: int
    need_id: int
    title: str
    organization: str
    city: str | None
    region: str | None
    remote: bool
    updated_at: dt.datetime

    @property
    def day(self) -> dt.date:
        """The day on which it begins at its place, or is due."""
        if self.starts_at is not None:
            return local_date(self.starts_at, self.time_zone)
        return self.due_on or dt.date.max


_STATUS = {"scheduled": "CONFIRMED", "cannot_run": "TENTATIVE", "cancelled": "CANCELLED"}


def shifts_calendar(shifts: Iterable[PublicShift], *, name: str, base_url: str, sender: str) -> bytes:
    """Shifts that everybody may see as a calendar to subscribe to. One that was cancelled is in it as cancelled."""
    events = []
    for shift in shifts:
        event = icalendar.Event()
        event.add("uid", f"shift-{encode_id(shift.id)}@{_domain(sender)}")
        event.add("sequence", shift.sequence)
        event.add("dtstamp", shift.updated_at)
        if not _add_time(event, shift.starts_at, shift.ends_at, shift.due_on):
            continue
        area = ", ".join(part for part in (shift.city, shift.region) if part)
        event.add("summary", shift.title)
        event.add("location", area or (_("From anywhere") if shift.remote else ""))
        event.add("description", shift.organization)
        event.add("url", f"{base_url}/needs/{encode_id(shift.need_id)}")
        event.add("status", _STATUS[shift.status])
        events.append(event)
    return _calendar(events, "PUBLISH", name)


def _is_held(signup: Signup, refused: Container[int]) -> bool:
    return signup.status in HOLDING_STATUSES and signup.shift.status != "cancelled" and signup.id not in refused


def _calendar(events: list[icalendar.Event], method: str, name: str = "") -> bytes:
    calendar = icalendar.Calendar()
    calendar.add("prodid", "-//Manyhands//Places//EN")
    calendar.add("version", "2.0")
    calendar.add("method", method)
    if name:
        calendar.add("x-wr-calname", name)
        calendar.add("refresh-interval", dt.timedelta(hours=1), parameters={"value": "DURATION"})  # RFC 7986, 5.7
    for event in events:
        calendar.add_component(event)
    return bytes(calendar.to_ical())


def _event(signup: Signup, where: str, *, held: bool, base_url: str, sender: str, runs: bool) -> icalendar.Event | None:
    """One place; None for a flexible role without a date."""
    shift, need = signup.shift, signup.shift.need
    event = icalendar.Event()
    event.add("uid", f"{encode_id(signup.id)}@{_domain(sender)}")
    event.add("sequence", signup.sequence + shift.sequence)
    event.add("dtstamp", now())
    if not _add_time(event, shift.starts_at, shift.ends_at, shift.due_on):
        return None
    event.add("summary", need.title)
    event.add("location", where)
    event.add("description", need.organization.name)
    event.add("url", f"{base_url}/needs/{encode_id(need.id)}")
    event.add("organizer", icalendar.vCalAddress(f"mailto:{parseaddr(sender)[1]}"))
    event.add("status", _status_of(signup, held=held, runs=runs))
    return event


def _status_of(signup: Signup, *, held: bool, runs: bool) -> str:
    """As calendars say it; a place on a shift that cannot run as it stands may yet be one (G2)."""
    if not held and signup.status != "completed":
        return "CANCELLED"
    runs = runs and signup.shift.status != "cannot_run"
    return "CONFIRMED" if runs or signup.shift.is_over else "TENTATIVE"


def _add_time(
    event: icalendar.Event, starts_at: dt.datetime | None, ends_at: dt.datetime | None, due_on: dt.date | None
) -> bool:
    """When it is; False for a flexible role without a date, which no calendar can show."""
    if starts_at is not None and ends_at is not None:
        event.add("dtstart", starts_at)
        event.add("dtend", ends_at)
    elif due_on is not None:
        event.add("dtstart", due_on)
        event.add("dtend", due_on + dt.timedelta(days=1))
        event.add("transp", "TRANSPARENT")
    else:
        return False
    return True


def calendar_attachment(signup: Signup, *, base_url: str, sender: str) -> tuple[Attachment, ...]:
    """The file as mail programs take it up, or nothing when there is none."""
    content = calendar_file(signup, base_url=base_url, sender=sender)
    if content is None:
        return ()
    method = "PUBLISH" if b"METHOD:PUBLISH" in content else "CANCEL"
    return (Attachment("place.ics", f"text/calendar; charset=utf-8; method={method}", content),)


def _domain(sender: str) -> str:
    return parseaddr(sender)[1].rpartition("@")[2] or "localhost"
