"""What a list of needs must be, written from the rules alone: every need looked at, nothing of app/ imported.

Facts are plain values; instants are seconds since 1970. docs/search.md tells the numbers.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
import math
import zoneinfo
from typing import Any

DAY = 86_400
HEAD_START = {"low": 0, "normal": 2 * DAY, "high": 7 * DAY, "critical": 21 * DAY}
LEVELS = ("low", "normal", "high", "critical")


@dataclasses.dataclass
class ShiftFacts:
    starts: int | None  # None: a flexible role
    ends: int | None
    due_on: dt.date | None = None
    status: str = "scheduled"


@dataclasses.dataclass
class NeedFacts:
    id: int
    status: str
    organization_public: bool
    title: str
    text: str
    urgency: str
    causes: tuple[str, ...]
    skills: tuple[str, ...]
    remote: bool
    latitude: float | None
    longitude: float | None
    zone: str
    published: int
    shifts: list[ShiftFacts]
    items: int = 0
    ends_on: dt.date | None = None

    def visible(self) -> bool:
        return self.status == "open" and self.organization_public

    def live_shifts(self, at: int) -> list[ShiftFacts]:
        return [
            shift
            for shift in self.shifts
            if shift.status == "scheduled" and (shift.ends > at if shift.ends is not None else self.due(shift) > at)
        ]

    def midnight_after(self, day: dt.date) -> int:
        zone = zoneinfo.ZoneInfo(self.zone)
        return int(dt.datetime.combine(day + dt.timedelta(days=1), dt.time(), zone).timestamp())

    def due(self, shift: ShiftFacts) -> float:
        return math.inf if shift.due_on is None else self.midnight_after(shift.due_on)

    def when(self, at: int) -> int | None:
        """The next start, else the end of what runs, else the day it is wanted by; None without any date."""
        timed = [shift for shift in self.live_shifts(at) if shift.starts is not None and shift.ends is not None]
        starts = [shift.starts for shift in timed if shift.starts is not None and shift.starts > at]
        ends = [shift.ends for shift in timed if shift.ends is not None]
        due = [self.due(shift) for shift in self.live_shifts(at) if shift.starts is None]
        due += [self.midnight_after(self.ends_on)] if self.ends_on else []
        due = [moment for moment in due if at < moment < math.inf]
        for moments in (starts, ends, due):
            if moments:
                return int(min(moments))
        return None

    def rank(self, at: int) -> int:
        when = self.when(at)
        if when is None:
            when = self.published
            while when <= at:
                when += 30 * DAY
        return when - HEAD_START[self.urgency]

    def days(self, at: int) -> set[dt.date]:
        zone = zoneinfo.ZoneInfo(self.zone)
        starts = [shift.starts for shift in self.live_shifts(at) if shift.starts is not None]
        return {dt.datetime.fromtimestamp(moment, zone).date() for moment in starts}

    def km_from(self, point: tuple[float, float]) -> float | None:
        if self.latitude is None or self.longitude is None:
            return None
        phi_1, phi_2 = math.radians(point[0]), math.radians(self.latitude)
        h = math.sin((phi_2 - phi_1) / 2) ** 2
        h += math.cos(phi_1) * math.cos(phi_2) * math.sin(math.radians(self.longitude - point[1]) / 2) ** 2
        return 2 * 6371.0088 * math.asin(math.sqrt(min(1.0, h)))


def matches(need: NeedFacts, asked: dict[str, Any], at: int) -> bool:
    """Every filter at once."""
    if not need.visible():
        return False
    if asked.get("near"):
        km = need.km_from(asked["near"])
        if km is None or km > asked["radius_km"]:
            return False
    words = set(f"{need.title} {need.text}".lower().split())
    if not set(asked.get("q", ())) <= words:
        return False
    for name in ("causes", "skills"):
        if asked.get(name) and not set(asked[name]) & set(getattr(need, name)):
            return False
    wants = ({"time"} if need.live_shifts(at) else set()) | ({"items"} if need.items else set())
    if asked.get("wants") and not set(asked["wants"]) & wants:
        return False
    if asked.get("urgency") and need.urgency not in asked["urgency"]:
        return False
    if asked.get("remote") is not None and need.remote != asked["remote"]:
        return False
    if asked.get("from") or asked.get("to"):
        first, last = asked.get("from") or dt.date.min, asked.get("to") or dt.date.max
        if not any(first <= day <= last for day in need.days(at)):
            return False
    return True


def key(need: NeedFacts, asked: dict[str, Any], at: int) -> tuple[Any, ...]:
    """What the list is sorted by."""
    km = need.km_from(asked["near"]) if asked.get("near") else None
    when = need.when(at)
    starts = math.inf if when is None else when
    if asked["sort"] == "soonest":
        return (starts, need.id)
    if asked["sort"] == "urgent":
        return (-LEVELS.index(need.urgency), starts, need.id)
    if asked["sort"] == "newest":
        return (-need.published,)
    if asked["sort"] == "nearest":
        return (km, need.id)
    score = float(need.rank(at)) + (0 if km is None else 7200 * min(km, 50))
    if asked.get("q"):
        words = set(asked["q"])
        score -= 14 * DAY * len(words & set(need.title.lower().split())) / len(words)
    return (score, need.id)


def expected(needs: list[NeedFacts], asked: dict[str, Any], at: int) -> list[NeedFacts]:
    """The whole list, in order."""
    return sorted((need for need in needs if matches(need, asked, at)), key=lambda need: key(need, asked, at))
