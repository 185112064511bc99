"""The shapes the demonstration is written in, and how its short notations are read."""

from __future__ import annotations

import dataclasses
import datetime as dt
import zoneinfo
from collections.abc import Iterator

WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
# A shift that is going on whenever the demonstration is loaded begins so long before, on a half hour.
BEGUN = dt.timedelta(minutes=40)
HALF_HOUR = dt.timedelta(minutes=30)
YEAR_DAYS = 365.25


def email_of(name: str) -> str:
    """The address of somebody of the demonstration, who is known by a first name."""
    return f"{name}@example.org"


@dataclasses.dataclass(frozen=True)
class DemoPerson:
    """Somebody, `joined` days before today; `shown_as` is what the screen says they are (empty: not shown).

    `age` in years, None for a birth date that is unknown. `password`: can be signed in as; others get in by mail."""

    first: str
    name: str
    shown_as: str = ""
    role: str | None = None
    age: float | None = 38.6
    place: str | None = None
    skills: tuple[str, ...] = ()
    # Parts of the week, as accounts.availability calls them.
    availability: tuple[str, ...] = ()
    joined: int = 430
    password: bool = False
    verified: bool = True
    # Mail to the address has been refused since the day before yesterday.
    bounces: bool = False
    # Who answers for a minor: their name.
    guardian: str = ""

    @property
    def email(self) -> str:
        """The address."""
        return email_of(self.first)


@dataclasses.dataclass(frozen=True)
class Place:
    """Who has a place on a shift and what became of it: "" as it goes (completed once it is over), cancelled, absent
    (did not come), open (nobody of the staff has said yet), or the minutes that are approved."""

    first: str
    party: int = 1
    outcome: str = ""
    minutes: int | None = None
    position: int = 0


def places(text: str) -> Iterator[Place]:
    """Read "sam ayo+2 jun=cancelled lena=absent tom=90 hugo@1": guests, outcome or minutes, number of the position."""
    for word in text.split():
        rest, _equals, outcome = word.partition("=")
        rest, _at, position = rest.partition("@")
        first, _plus, guests = rest.partition("+")
        minutes = int(outcome) if outcome.isdigit() else None
        yield Place(first, 1 + int(guests or 0), "" if minutes else outcome, minutes, int(position or 0))


@dataclasses.dataclass(frozen=True)
class DemoGuest:
    """Somebody without an account: a guest who confirmed by mail, one whose places are "held" or whose hold "expired",
    or a volunteer whom the staff wrote down after a "telephone" call (with the number in `phone`)."""

    name: str
    party: int = 1
    how: str = "confirmed"
    phone: str = ""
    age: int = 40
    position: int = 0

    @property
    def email(self) -> str:
        """The address; none of somebody on the telephone."""
        return "" if self.how == "telephone" else email_of(self.name.replace(" ", ".").lower())


@dataclasses.dataclass(frozen=True)
class DemoShift:
    """A shift in `days`, moved on to the next weekday `on` when that is given; or a flexible role due in `days`.

    `who` is the notation of `places`; `positions` are further names and capacities; `now` makes it one that is going on
    while the demonstration is loaded; `until` (days) is when it was cancelled; `line` are the first names of those who wait for
    it: the last of `who` leaves, the first in line declines, the second does not answer, the third is asked."""

    days: int = 7
    start: str = "09:00"
    end: str = "12:00"
    capacity: int | None = 6
    name: str = ""
    on: str = ""
    contact: str = "none"
    minimum_age: int | None = None
    flexible: bool = False
    now: bool = False
    positions: tuple[tuple[str, int | None], ...] = ()
    who: str = ""
    notes: tuple[tuple[str, str], ...] = ()
    guests: tuple[DemoGuest, ...] = ()
    cancelled: int | None = None
    line: str = ""

    def times(self, zone: str, at: dt.datetime) -> tuple[dt.datetime, dt.datetime]:
        """When it begins and ends (aware), loaded at the instant `at`, in a place with the time zone `zone`."""
        local = zoneinfo.ZoneInfo(zone)
        length = _minutes(self.end) - _minutes(self.start)
        if length <= 0:
            length += 24 * 60
        if self.now:
            begun = at - BEGUN
            starts_at = begun.replace(minute=30 if begun.minute >= 30 else 0, second=0, microsecond=0)
            return starts_at, starts_at + dt.timedelta(minutes=length)
        day = self.day(zone, at)
        starts = dt.datetime.combine(day, dt.time.fromisoformat(self.start), local).astimezone(dt.UTC)
        return starts, starts + dt.timedelta(minutes=length)

    def day(self, zone: str, at: dt.datetime) -> dt.date:
        """The local date of its start, or by when a flexible role is done."""
        day = at.astimezone(zoneinfo.ZoneInfo(zone)).date() + dt.timedelta(days=self.days)
        if self.on:
            day += dt.timedelta(days=(WEEKDAYS.index(self.on) - day.weekday()) % 7)
        return day


def _minutes(text: str) -> int:
    time = dt.time.fromisoformat(text)
    return time.hour * 60 + time.minute


@dataclasses.dataclass(frozen=True)
class DemoPledge:
    """Who promised how much of an item, `ago` days before today, to come in `due` days (None: the usual) in one `way`,
    and what became of it: quantities that were `received` and `rejected` (with the reason), or "cancelled", "expired",
    "on_its_way"."""

    first: str
    quantity: str
    ago: float = 6
    received: str = ""
    rejected: str = ""
    reason: str = ""
    then: str = ""
    note: str = ""
    due: int | None = None
    way: str = "drop_off"


@dataclasses.dataclass(frozen=True)
class DemoItem:
    """A thing wanted, and who promised how much of it."""

    name: str
    quantity: str | None = None
    unit: str = ""
    priority: str = "normal"
    accepted_condition: str = ""
    category: str = ""
    purchase_url: str | None = None
    do_not_bring: bool = False
    # What came although nobody had promised it.
    unpledged: str = ""
    pledges: tuple[DemoPledge, ...] = ()


@dataclasses.dataclass(frozen=True)
class DemoRefund:
    """What staff gave back of a gift, and how many days before today; one that `fails` did not arrive, six days later."""

    amount_minor: int
    ago: float
    reason: str
    note: str
    fails: bool = False


@dataclasses.dataclass(frozen=True)
class DemoGift:
    """A gift through the demo payment server: paid, processing (the bank confirms later), failed, pending (its page is open
    still) or expired (it was left unpaid)."""

    name: str
    amount_minor: int
    ago: float = 5
    message: str = ""
    anonymous: bool = False
    outcome: str = "paid"
    first: str = ""
    # Whom the donor remembers, and whether they cover the card fee.
    in_memory_of: str = ""
    cover_fee: bool = False
    # Given every month from then on; what became of it: "" runs, "declined" its card works no more, "stopped" by its donor.
    monthly: bool = False
    monthly_end: str = ""
    back: DemoRefund | None = None
    # How many days before today the donor's bank disputed it, and what came of it: "open", "won" or "lost".
    dispute: tuple[float, str] | None = None


@dataclasses.dataclass(frozen=True)
class DemoFundraiser:
    """A fundraiser begun `ago` days before today until `days` from today. `status` is what the organization said of one
    that a supporter started: live, waiting or declined; `ended` by hand once its gifts are there; `outcome` is
    what its page then says came of it."""

    title: str
    story: str
    goal_minor: int
    by: str
    ago: float = 20
    days: int | None = 40
    status: str = "live"
    reason: str = ""
    named: bool = True
    ended: bool = False
    outcome: str = ""
    gifts: tuple[DemoGift, ...] = ()
    # A team's page; `of_team` is the title of the team that this page is part of.
    is_team: bool = False
    of_team: str = ""
    # Title and text of each update, and how many days before today it was written.
    updates: tuple[tuple[str, str, float], ...] = ()
    # Who doubles gifts, and up to how much.
    sponsor: str = ""
    sponsor_minor: int = 0
    # Gifts in person: who, how much, whether staff have confirmed it.
    in_person: tuple[tuple[str, int, bool], ...] = ()
    # What the money buys, and what one costs.
    item_name: str = ""
    item_minor: int = 0
    # The logo-like drawing it shows as a picture.
    picture: str = ""


@dataclasses.dataclass(frozen=True)
class DemoNeed:
    """A need posted `ago` days before today; `until` days before today it came into its present `status`."""

    title: str
    description: str
    place: str = ""
    address: str | None = None
    private: bool = False
    # For those who come: what to bring; where exactly they meet and whom to call.
    bring: str = ""
    meeting_point: str = ""
    day_contact: str = ""
    remote: bool = False
    urgency: str = "normal"
    status: str = "open"
    causes: tuple[str, ...] = ()
    skills: tuple[str, ...] = ()
    ago: float = 14
    until: float = 1
    ends_in: int | None = None
    # Who posts it, and who keeps its rosters: the owner, unless said.
    by: str = ""
    kept_by: str = ""
    # Nobody said that it is still needed, so it paused itself (N4).
    unconfirmed: bool = False
    shifts: tuple[DemoShift, ...] = ()
    items: tuple[DemoItem, ...] = ()
    fundraisers: tuple[DemoFundraiser, ...] = ()


@dataclasses.dataclass(frozen=True)
class DemoClaim:
    """Somebody asks to speak for an organization that nobody runs: by its mailbox, or with what a moderator can check."""

    first: str
    mailbox: str = ""
    evidence: str = ""
    ago: float = 2
    declined: str = ""


@dataclasses.dataclass(frozen=True)
class DemoDecision:
    """What a moderator decided `ago` days before today: verified, declined, withdrawn, suspended or resumed."""

    decision: str
    checked: str
    ago: float = 400


@dataclasses.dataclass(frozen=True)
class DemoClearance:
    """What the owner recorded `ago` days before today for somebody, to end in `left` days; `shared_with` is the name of
    another organization that they let rely on it, `revoked` the reason why it does not hold any more."""

    first: str
    kind: str = "background_check"
    level: str = ""
    issuer: str = ""
    reference: str = ""
    ago: float = 60
    left: int | None = 300
    shared_with: str = ""
    revoked: str = ""


@dataclasses.dataclass(frozen=True)
class DemoConduct:
    """A code of conduct published `ago` days before today, and who accepted it ("sam rosa")."""

    text: str
    ago: float = 90
    accepted: str = ""


@dataclasses.dataclass(frozen=True)
class DemoOrganization:
    """An organization, registered `ago` days before today; without an owner it is one that an import made.

    `members` are first names with their role, `invited` the same of those who have not answered, with the days since."""

    name: str
    country: str
    place: str
    owner: str
    description: str
    website: str | None = None
    causes: tuple[str, ...] = ()
    # One of demo_logos.
    logo: str = ""
    ago: float = 410
    decisions: tuple[DemoDecision, ...] = ()
    members: tuple[tuple[str, str], ...] = ()
    # Who coordinates assigned needs alone, and the titles of these.
    assigned: tuple[tuple[str, str], ...] = ()
    invited: tuple[tuple[str, str, float], ...] = ()
    locations: tuple[tuple[str, str, str, bool], ...] = ()
    auto_approve: bool = False
    needs: tuple[DemoNeed, ...] = ()
    fundraisers: tuple[DemoFundraiser, ...] = ()
    # How many days before today Stripe paid out what it had for the organization.
    payouts: tuple[float, ...] = ()
    # What Stripe took by itself, once as a correction and once as a fee: how many days before today, minor units, currency.
    billed: tuple[float, int, str] | None = None
    claims: tuple[DemoClaim, ...] = ()
    # What it requires on each shift with contact, beside a background check.
    requires: tuple[str, ...] = ()
    conduct: DemoConduct | None = None
    clearances: tuple[DemoClearance, ...] = ()
    # Minors whose guardian its staff called ("zoe").
    confirmed_guardians: str = ""

    @property
    def has_contact(self) -> bool:
        """True when people meet children or adults at risk on some of its shifts."""
        shifts = (shift for need in self.needs if need.status != "draft" for shift in need.shifts)
        return any(shift.contact in ("children", "adults_at_risk") for shift in shifts)

    @property
    def all_fundraisers(self) -> tuple[DemoFundraiser, ...]:
        """Its own and those for its needs."""
        return (*self.fundraisers, *(each for need in self.needs for each in need.fundraisers))
