"""My help: everything a person promised, by date, with its next step and its way back; what changed of it; what they gave."""

from __future__ import annotations

import dataclasses
import datetime as dt
import decimal
import zoneinfo
from collections.abc import Iterable, Mapping, Sequence, Set

import sqlalchemy as sa
from flask_babel import get_locale

from app.accounts.models import Person
from app.core import when
from app.core.audit import AuditEvent
from app.core.clock import local_date, now, today
from app.core.db import db
from app.core.errors import Reason
from app.core.i18n import _, dots, ngettext, number
from app.core.ids import encode_id
from app.core.templating import money
from app.discovery import operations as following
from app.discovery.models import Follow
from app.discovery.queries import list_follows_of
from app.discovery.subjects import subject_of
from app.donations import gateway, statements
from app.donations import queries as donations
from app.donations.monthly_queries import OwnMonthly, list_own_monthly
from app.donations.page_parts import standing_of
from app.fundraisers import policy as fundraising
from app.fundraisers import queries as fundraisers
from app.fundraisers.goals import goal_words
from app.fundraisers.models import Fundraiser
from app.messages.kinds import NEVER
from app.messages.queries import find_choice
from app.needs.models import Need, Shift
from app.pledges import dates, earlier
from app.pledges import operations as pledging
from app.pledges import queries as pledges
from app.pledges.models import Pledge
from app.pledges.quantities import with_unit
from app.signups import gate, offers
from app.signups import operations as placing
from app.signups import queries as signups
from app.signups.calendar import calendar_feed, describe_area
from app.signups.models import TAKING_STATUSES, WAITING_STATUSES, Signup
from config import Settings

STRIP_DAYS = 14
# What changed so long ago is folded away.
CHANGED_LATELY = dt.timedelta(days=30)
# Which finger stands in the strip for a place or a promise; the word for it stands in the list below.
FINGERS = {
    "confirmed": "you",
    "checked_in": "given",
    "offered": "offered",
    "requested": "promised",
    "waitlisted": "open",
    "reserved": "promised",
    "in_transit": "promised",
}


@dataclasses.dataclass(frozen=True)
class Help:
    """One thing a person promised or did, as My help shows it. `day` is the local date of the place, None without one.

    `said` is the word for where it stands ("" the usual one), `undo` what can be taken back at the moment ("" nothing):
    "place", "promise" or "change", up to `until`; `at` is when it ended, of what did not come about."""

    kind: str
    status: str
    day: dt.date | None
    before: str
    title: str
    key: str
    facts: tuple[str, ...]
    next_step: str
    zone: str
    signup: Signup | None = None
    pledge: Pledge | None = None
    fundraiser: Fundraiser | None = None
    need: Need | None = None
    known: signups.ForThoseWhoCome | None = None
    said: str = ""
    undo: str = ""
    until: str = ""
    at: dt.datetime | None = None
    # Whoever waits can take a free place at once, so close to the start (S5).
    takes: bool = False

    @property
    def is_today(self) -> bool:
        """True when its day is today where it happens."""
        return self.day == today(self.zone)

    @property
    def finger(self) -> str:
        """Its finger in the strip of days."""
        return FINGERS.get(self.status, "ended")


@dataclasses.dataclass(frozen=True)
class StripDay:
    """One day of the strip, and what of one's help it holds."""

    day: dt.date
    is_today: bool
    entries: tuple[Help, ...]


@dataclasses.dataclass(frozen=True)
class Followed:
    """One organization or topic that a person follows. `is_public` False: nobody may see it now, and its name is not told
    either (N1)."""

    follow: Follow
    # Of the next mail, if there is news; of the end, of what ended.
    day: dt.date
    name: str
    is_public: bool
    path: str
    change_path: str


@dataclasses.dataclass(frozen=True)
class MyHelp:
    """Everything a person promised by date; what ended otherwise, lately and before; what they gave; and what they follow."""

    ahead: list[Help]
    strip: list[StripDay]
    changed: list[Help]
    changed_before: list[Help]
    done: list[Help]
    gifts: Sequence[donations.OwnGift]
    # What they give every month, while it runs.
    monthly: Sequence[OwnMonthly]
    # In which years they gave, newest first: each has its statement.
    gift_years: Sequence[int]
    hours: decimal.Decimal
    follows: Sequence[Followed]
    # False when they chose no mail about it.
    news_by_mail: bool


def list_my_help(person: Person) -> MyHelp:
    """What `person` promised, soonest first (without a date last); what was cancelled, refused or ran out, latest first;
    and what they gave before, latest first."""
    places, promises = signups.list_live_signups_of(person.id), pledges.list_live_pledges_of(person.id)
    over = pledges.list_over_pledges_of(person.id)
    started = _of_fundraisers(fundraisers.list_fundraisers_started_by(person.id))
    given, ended = signups.list_past_signups_of(person.id), signups.list_ended_signups_of(person.id)
    needs = [place.shift.need for place in (*places, *given, *ended)] + [promise.item.need for promise in promises]
    standing = signups.ask_standing(places)
    exact = signups.list_exact_addresses(needs, person, standing=standing)
    known = Known(
        exact=exact,
        facts=signups.list_day_facts([place.shift.need for place in places], person, exact, standing=standing),
        refused=standing.refused,
        idle=standing.idle,
    )
    # A role without fixed times is over after the day by which it is done.
    over_roles = [place for place in places if place.shift.is_over]
    ahead = [_of_signup(place, known) for place in places if place not in over_roles]
    ahead += [_of_pledge(promise, known) for promise in promises]
    ahead += [entry for entry in started if entry.status in ("awaiting_approval", "live")]
    ahead.sort(key=_when)
    came = [place for place in over_roles if place.status in TAKING_STATUSES]
    done = [_of_signup(place, known, done=True) for place in (*given, *came)]
    done += [_of_received(promise) for promise in over if promise.status == "received"]
    done += [entry for entry in started if entry.status == "ended"]
    done.sort(key=lambda entry: entry.day or dt.date.min, reverse=True)
    still_there = {place.shift_id for place in places}
    changed = _ended_places([place for place in ended if place.shift_id not in still_there], person, known)
    still = {promise.item_id for promise in promises}
    changed += [_of_ended_pledge(one) for one in over if one.status != "received" and one.item_id not in still]
    changed += [entry for entry in started if entry.status == "declined"]
    changed.sort(key=_ended_at, reverse=True)
    lately = [entry for entry in changed if _ended_at(entry) > now() - CHANGED_LATELY]
    followed = _follows_of(person)
    has_hours = any(place.minutes and place.hours_approved_by_id for place in given)
    return MyHelp(
        ahead,
        _strip(ahead, _zone_of(person, ahead)),
        lately,
        changed[len(lately) :],
        done,
        donations.list_own_gifts(person.id),
        list_own_monthly(person.id),
        statements.list_years(statements.of_person(person), mode=gateway.mode()),
        _hours_this_year(person) if has_hours else decimal.Decimal(0),
        followed,
        not followed or find_choice(person.id, following.KIND) != NEVER,
    )


def _follows_of(person: Person) -> list[Followed]:
    found = []
    for follow in list_follows_of(person):
        subject = subject_of(follow)
        name = subject.name if subject.is_public else _("An organization that is not shown at the moment")
        day = local_date(follow.next_at or follow.ended_at or now(), following.clock_of(follow.follower))
        found.append(Followed(follow, day, name, subject.is_public, subject.path, subject.follow_path))
    return found


def calendar_feed_of(person: Person, settings: Settings) -> bytes:
    """The private calendar of `person`: what is ahead and what was in the last thirty days."""
    since = now() - dt.timedelta(days=30)
    places = signups.list_signups_for_calendar(person.id, since)
    standing = signups.ask_standing(places)
    exact = signups.list_exact_addresses([signup.shift.need for signup in places], person, standing=standing)
    return calendar_feed(
        [(signup, _where(signup.shift.need, exact)) for signup in places],
        standing,
        name=_("My help"),
        base_url=settings.base_url,
        sender=settings.mail_from,
    )


def _when(entry: Help) -> tuple[dt.date, dt.datetime]:
    starts_at = entry.signup.shift.starts_at if entry.signup else None
    return entry.day or dt.date.max, starts_at or dt.datetime.max.replace(tzinfo=dt.UTC)


def _ended_at(entry: Help) -> dt.datetime:
    return entry.at or dt.datetime.min.replace(tzinfo=dt.UTC)


def _zone_of(person: Person, ahead: Iterable[Help]) -> str:
    """Whose days the strip shows: the person's own, or those of the place they go to first."""
    return person.time_zone or next((entry.zone for entry in ahead), "UTC")


def _strip(ahead: Iterable[Help], zone: str) -> list[StripDay]:
    """Two weeks from today, with the places and promises of each day; empty when they hold none."""
    first = today(zone)
    dated = [entry for entry in ahead if entry.kind != "money"]
    days = [first + dt.timedelta(days=number) for number in range(STRIP_DAYS)]
    strip = [StripDay(day, day == first, tuple(entry for entry in dated if entry.day == day)) for day in days]
    return strip if any(day.entries for day in strip) else []


def _hours_this_year(person: Person) -> decimal.Decimal:
    """Approved hours since the first of January where the person is, to a tenth."""
    zone = zoneinfo.ZoneInfo(person.time_zone or "UTC")
    since = dt.datetime(now().astimezone(zone).year, 1, 1, tzinfo=zone)
    minutes = signups.sum_approved_minutes(person.id, since.astimezone(dt.UTC))
    return (decimal.Decimal(minutes) / 60).quantize(decimal.Decimal("0.1")).normalize()


# --- places ---------------------------------------------------------------------------------------------------------


@dataclasses.dataclass(frozen=True)
class Known:
    """What a person may know now: exact addresses and facts of the day by need, why places of theirs do not stand any more
    (G1), and which shifts cannot run for want of cleared adults (G2), by their ids."""

    exact: dict[int, signups.ExactAddress]
    facts: dict[int, signups.ForThoseWhoCome]
    refused: Mapping[int, list[Reason]]
    idle: Set[int]


def _of_signup(signup: Signup, known: Known, *, done: bool = False) -> Help:
    shift, need = signup.shift, signup.shift.need
    day, before, facts = shift.due_on, _("by") if shift.due_on else "", [_("Any time")]
    if shift.starts_at is not None and shift.ends_at is not None:
        day, before = local_date(shift.starts_at, shift.time_zone), ""
        facts = [when.times(shift.starts_at, shift.ends_at, shift.time_zone)]
    facts.append(_where(need, known.exact))
    if signup.party_size > 1:
        facts.append(ngettext("you and %(num)s guest", "you and %(num)s guests", signup.party_size - 1))
    title = f"{need.title}\u00a0· {signup.position.name}" if signup.position.name else need.title
    is_refused = signup.id in known.refused
    runs = shift.status == "scheduled" and shift.id not in known.idle
    stands = signup.status in gate.HOLDING_STATUSES and runs and not done and not is_refused
    return Help(
        "time",
        "cancelled" if is_refused else signup.status,
        day,
        before,
        title,
        f"place-{encode_id(signup.id)}",
        (dots(fact for fact in facts if fact), need.organization.name),
        "" if done else _next_step(signup, known),
        shift.time_zone,
        signup=signup,
        need=need,
        known=known.facts.get(need.id) if stands else None,
        said=_("Does not stand") if is_refused else "",
        takes=not done and signup.status == "waitlisted" and offers.is_free_for_the_first(signup),
    )


def _where(need: Need, known: dict[int, signups.ExactAddress]) -> str:
    """To the door when the person may know it (N6, G7), else the area."""
    exact = known.get(need.id) if need.private_address else None
    return ", ".join(part for part in (exact.address, need.city) if part) if exact else describe_area(need)


def _next_step(signup: Signup, known: Known) -> str:
    shift = signup.shift
    if signup.id in known.refused:
        why = " ".join(f"{reason.message} {reason.remedy}".strip() for reason in known.refused[signup.id])
        return _("Your place does not stand any more. Please do not come. %(why)s", why=why)
    if shift.status == "cancelled":
        return _("The organization cancelled this shift. Please do not come.")
    if shift.status == "cannot_run" or shift.id in known.idle:
        return _("Two cleared adults are needed, and there are fewer. Please do not come before you hear from us.")
    if signup.status == "confirmed" and not shift.need.organization.is_claimed:
        return _("Whoever owned the page of this organization has left. Ask them before you set out.")
    if signup.status == "offered" and signup.offer_expires_at is not None:
        until = when.moment(signup.offer_expires_at, shift.time_zone)
        return _("Yours until %(until)s, %(left)s.", until=until, left=when.time_left(signup.offer_expires_at))
    if signup.status == "waitlisted" and offers.is_free_for_the_first(signup):
        return _("A place is free, and goes to the first who takes it.")
    if signup.status == "waitlisted":
        return _("Please do not come unless you hear from us: we write to you at once when a place is yours.")
    if shift.need.private_address and shift.need_id not in known.exact:
        return _from_when(shift)
    if shift.need.status == "closed":
        return ""
    if shift.starts_at is None:
        return _("Do it when it suits you. The organization expects you.")
    return _("Come at %(time)s. We remind you the day before.", time=when.clock_time(shift.starts_at, shift.time_zone))


def _from_when(shift: Shift) -> str:
    """When a private address opens to whoever has a place (G7): of a role without fixed times before the end of the day by
    which it is done, and without one never."""
    if shift.starts_at is not None:
        return _("The address is private. You see it here from 48 hours before the start.")
    if shift.due_on is None:
        return _("The address is private, and this role has no day from which you see it here. Ask the organization.")
    day = when.full_day(shift.due_on)
    return _("The address is private. You see it here from 48 hours before the end of %(day)s.", day=day)


def _ended_places(ended: Sequence[Signup], person: Person, known: Known) -> list[Help]:
    """Places that ended without being used."""
    ended_by = _who_ended([place.id for place in ended if place.status == "cancelled"])
    return [_of_ended_signup(place, known, own=ended_by.get(place.id) == person.id) for place in ended]


def _who_ended(signup_ids: Sequence[int]) -> dict[int, int | None]:
    """Who cancelled each place last, by its id; None is the site, after the organization changed something."""
    if not signup_ids:
        return {}
    query = (
        sa.select(AuditEvent.subject_id, AuditEvent.actor_id)
        .where(AuditEvent.subject_id.in_(signup_ids), AuditEvent.action == "signup.cancelled")
        .order_by(AuditEvent.id)
    )
    return {key: actor for key, actor in db.session.execute(query)}  # noqa: C416  # rows, not pairs


def _of_ended_signup(signup: Signup, known: Known, *, own: bool) -> Help:
    entry, shift = _of_signup(signup, known, done=True), signup.shift
    said, step = "", ""
    if signup.status == "declined":
        step = _("You declined this place, and the next person was asked.")
    elif signup.status == "expired":
        step = _("It was yours until it ran out, and the next person was asked.")
    elif own:
        step = _("You left the waitlist.") if signup.was == "waitlisted" else _("You gave this place back.")
    elif shift.status == "cancelled":
        said = _("Cancelled by the organization")
        step = _("The organization cancelled this shift. Please do not come.")
        if shift.is_over:
            step = _("The organization cancelled this shift.")
    elif signup.was in WAITING_STATUSES:
        said = _("Ended")
        step = _("The waitlist is closed, or you were taken from it.")
    else:
        said = _("Ended")
        step = _(
            "The shift was changed, you did not meet any more what it asks, or somebody took back the word it rested on:"
            " your place could not stand."
        )
    at = signup.cancelled_at or signup.created_at
    may_undo = own and placing.would_undo_cancel(signup, signup.person)
    return dataclasses.replace(
        entry,
        next_step=step,
        said=said,
        at=at,
        undo="place" if may_undo else "",
        until=when.zoned_time(at + placing.UNDO_CANCEL_WITHIN, shift.time_zone) if may_undo else "",
    )


# --- promises of items ----------------------------------------------------------------------------------------------


def _promise(pledge: Pledge, quantity: decimal.Decimal, **values: object) -> Help:
    """What every promise says; `values` differ."""
    item, need = pledge.item, pledge.item.need
    entry = Help(
        "items",
        pledge.status,
        pledge.deliver_by or need.ends_on,
        _("by") if pledge.deliver_by or need.ends_on else "",
        _("%(quantity)s of %(item)s", quantity=with_unit(quantity, item), item=item.name),
        f"promise-{encode_id(pledge.id)}",
        (need.title, need.organization.name),
        "",
        need.time_zone,
        pledge=pledge,
        need=need,
    )
    return dataclasses.replace(entry, **values)  # type: ignore[arg-type]  # fields of Help


def _of_pledge(pledge: Pledge, known: Known) -> Help:
    need = pledge.item.need
    step = _("Bring it to: %(place)s", place=_where(need, known.exact)) if not need.remote else ""
    if pledge.way == "send":
        step = _("Send it to: %(place)s", place=_where(need, known.exact)) if not need.remote else ""
    if pledge.status == "in_transit":
        step = _("It is on its way. The staff look out for it.")
    elif not need.organization.is_claimed:
        step = _("Whoever owned the page of this organization has left. Ask them before you bring or send it.")
    elif dates.is_overdue(pledge, need):
        last = dates.runs_out_on(pledge) or today(need.time_zone)
        step = _("Its day is over. It stands until %(day)s; then it is wanted again.", day=when.long_day(last))
    may_undo = earlier.can_undo_change(pledge)
    until = when.zoned_time(pledge.changed_at + earlier.UNDO_WITHIN, need.time_zone) if pledge.changed_at else ""
    return _promise(
        pledge,
        pledge.quantity,
        next_step=step,
        undo="change" if may_undo else "",
        until=until if may_undo else "",
    )


def _of_received(pledge: Pledge) -> Help:
    """What came of a promise; with the way back while the person has just taken back the rest."""
    said = ""
    if pledge.rejected:
        quantity = with_unit(pledge.rejected, pledge.item)
        said = _("%(quantity)s could not be taken: %(reason)s", quantity=quantity, reason=pledge.rejected_reason)
    day = local_date(pledge.updated_at, pledge.item.need.time_zone)
    return _promise(pledge, pledge.received, day=day, before="", next_step=said, **_undo_of(pledge))


def _of_ended_pledge(pledge: Pledge) -> Help:
    step = {
        "cancelled": _("You took this back, and it is wanted again."),
        "expired": _("Its day was over, so it is wanted again."),
        "rejected": _("It could not be taken: %(reason)s", reason=pledge.rejected_reason),
    }[pledge.status]
    return _promise(
        pledge, pledge.quantity, next_step=step, at=pledge.cancelled_at or pledge.updated_at, **_undo_of(pledge)
    )


def _undo_of(pledge: Pledge) -> dict[str, str]:
    if pledge.cancelled_at is None or not pledging.can_undo_cancel(pledge, pledge.person):
        return {}
    until = when.zoned_time(pledge.cancelled_at + earlier.UNDO_WITHIN, pledge.item.need.time_zone)
    return {"undo": "promise", "until": until}


# --- fundraisers ----------------------------------------------------------------------------------------------------


def _of_fundraisers(started: Sequence[Fundraiser]) -> list[Help]:
    raised = donations.totals([fundraiser.id for fundraiser in started])
    return [_of_fundraiser(fundraiser, raised[fundraiser.id]) for fundraiser in started]


def _of_fundraiser(fundraiser: Fundraiser, raised: donations.Totals) -> Help:
    """How it goes; one that was ended, or whose last day is over, is "ended"."""
    organization, currency = fundraiser.organization, fundraiser.currency
    zone, settled = organization.time_zone, raised.raised.amount_minor
    is_over = fundraiser.status in fundraising.SHOWN and fundraising.has_ended(fundraiser)
    status = "ended" if is_over else fundraiser.status
    stands = standing_of(fundraiser, raised)
    if stands.kind == "money":
        given = _("%(raised)s of %(goal)s", raised=money(settled, currency), goal=money(stands.of, currency))
    else:
        goal = goal_words(fundraiser, str(get_locale()))
        given = _(
            "%(have)s of %(goal)s (%(raised)s)", have=number(stands.have), goal=goal, raised=money(settled, currency)
        )
    donors = ngettext("%(num)s donor", "%(num)s donors", raised.donor_count) if raised.donor_count else ""
    if stands.kind == "donors":
        donors = ""
    whose = _("Your fundraiser for %(organization)s", organization=organization.name)
    step, said = "", ""
    day, before = fundraiser.ends_on, _("until") if fundraiser.ends_on else ""
    at = fundraiser.decided_at or fundraiser.created_at
    if status == "awaiting_approval":
        step = _("The organization reads it first. We write to you when it is decided.")
    elif status == "declined":
        reason = fundraiser.declined_reason
        step = _("The organization declined it.")
        if reason:
            step = _("The organization declined it: %(reason)s", reason=reason)
    elif status == "ended":
        day, before = local_date(fundraiser.ended_at or now(), zone), ""
        if fundraiser.ends_on is not None:
            day = min(day, fundraiser.ends_on)
        step = "" if fundraiser.outcome else _("Say what came of it: everybody who gave can read it on the page.")
    elif not fundraising.is_visible(fundraiser):
        step = _("The organization is not public at the moment, so the page takes no gifts.")
    elif settled:
        said = _("%(percent)s%% given", percent=stands.percent)
    else:
        step = _("Nobody has given yet. Share it with people you know.")
    facts = (dots(part for part in (given, donors) if part), whose)
    return Help(
        "money",
        status,
        day,
        before,
        fundraiser.title,
        f"fundraiser-{encode_id(fundraiser.id)}",
        facts,
        step,
        zone,
        fundraiser=fundraiser,
        said=said,
        at=at,
    )
