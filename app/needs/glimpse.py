"""A need as lists will show it, from what is typed so far: beside the editor, before anybody else sees it."""

from __future__ import annotations

import dataclasses
import datetime as dt
import decimal

from app.core import when
from app.core.clock import is_time_zone
from app.core.i18n import _, ngettext
from app.needs.forms import NeedForm, ShiftRow, local_instants
from app.needs.models import Need
from app.organizations.models import Organization


@dataclasses.dataclass(frozen=True)
class Glimpse:
    """What the card says. `day` is None without one (`is_due`: by that day); `capacity` None: as many as
    come; `asks_time` False when no shift is typed."""

    title: str
    organization: str
    is_verified: bool
    day: dt.date | None
    is_due: bool
    is_any_time: bool
    facts: list[str]
    asks_time: bool
    capacity: int | None
    item: str
    quantity: decimal.Decimal | None
    further_items: int


def glimpse(form: NeedForm, organization: Organization, need: Need | None) -> Glimpse:
    """The card of what `form` says now."""
    shifts = [entry.form for entry in form.shifts.entries if not entry.form.is_blank]
    items = [entry.form for entry in form["items"].entries if entry.form.name.data and not entry.form.do_not_bring.data]
    dated = sorted((s for s in shifts if s.day.data), key=lambda s: (s.day.data, s.start.data or dt.time()))
    due = sorted(s.due_on.data for s in shifts if s.kind.data == "flexible" and s.due_on.data)
    day = dated[0].day.data if dated else due[0] if due else None
    capacities = [entry.form.capacity.data for shift in shifts for entry in shift.positions.entries]
    is_open = any(s.kind.data == "flexible" and any(p.form.capacity.data is None for p in s.positions) for s in shifts)
    return Glimpse(
        title=form.title.data or _("Without a title"),
        organization=organization.name,
        is_verified=organization.verified_at is not None,
        day=day,
        is_due=day is not None and not dated,
        is_any_time=bool(shifts) and all(shift.kind.data == "flexible" for shift in shifts),
        facts=[fact for fact in _facts(form, shifts, dated, _zone(form, organization, need)) if fact],
        asks_time=bool(shifts),
        capacity=None if is_open else sum(max(0, n or 0) for n in capacities),
        item=items[0].name.data if items else "",
        quantity=_amount(items[0].quantity.data or "") if items else None,
        further_items=max(0, len(items) - 1),
    )


def _zone(form: NeedForm, organization: Organization, need: Need | None) -> str:
    for zone in (form.time_zone.data, need.time_zone if need is not None else None):
        if zone and is_time_zone(zone):
            return zone
    return organization.time_zone


def _facts(form: NeedForm, shifts: list[ShiftRow], dated: list[ShiftRow], zone: str) -> list[str]:
    contacts = {"children": _("with children"), "adults_at_risk": _("with adults at risk")}
    met = [contacts[s.contact.data] for s in shifts if s.contact.data in contacts]
    return [
        _times(dated[0], zone) if dated else "",
        _("From home") if form.remote.data else form.place.data or "",
        ngettext("%(num)s shift", "%(num)s shifts", len(shifts)) if len(shifts) > 1 else "",
        *dict.fromkeys(met),
    ]


def _times(row: ShiftRow, zone: str) -> str:
    """From when to when, as far as that is typed and the clocks show it."""
    day, start, end = row.day.data, row.start.data, row.end.data
    if day is None or start is None or end is None:
        return ""
    last = row.last_day.data or (day if end > start else day + dt.timedelta(days=1))
    starts, ends = local_instants(day, start, zone), local_instants(last, end, zone)
    return when.times(starts[0], ends[-1], zone) if starts and ends and starts[0] < ends[-1] else ""


def _amount(text: str) -> decimal.Decimal | None:
    try:
        amount = decimal.Decimal(text)
    except decimal.InvalidOperation:
        return None
    return amount if amount.is_finite() and 0 < amount < 10**12 else None
