"""Reads across features for pages."""

from __future__ import annotations

import dataclasses
import datetime as dt
import functools
from collections.abc import Container, Sequence
from pathlib import Path

import sqlalchemy as sa

from app.accounts.models import Person
from app.core import when
from app.core.clock import local_date, now, today
from app.core.db import db
from app.core.i18n import _, dots, ngettext
from app.donations import queries as donations
from app.needs.models import Need
from app.pledges import queries as pledges
from app.pledges.models import Pledge
from app.pledges.operations import with_unit
from app.signups import gate
from app.signups import queries as signups
from app.signups.calendar import calendar_feed, describe_area
from app.signups.models import Signup
from config import Settings

HEAD = Path(__file__).parent.parent.parent / "migrations" / "HEAD"


@functools.cache
def _expected_revision() -> str:
    return HEAD.read_text().split("_")[0]


def is_migrated() -> bool:
    """True when the database stands at the revision pinned in migrations/HEAD."""
    try:
        revision = db.session.scalar(sa.text("SELECT version_num FROM alembic_version"))
    except sa.exc.DatabaseError:
        db.session.rollback()
        return False
    return bool(revision == _expected_revision())


@dataclasses.dataclass(frozen=True)
class Help:
    """One thing a person promised or did, as My help shows it. `day` is the local date of the place, None without one."""

    kind: str
    status: str
    day: dt.date | None
    before: str
    title: str
    url_id: int
    facts: tuple[str, ...]
    next_step: str
    signup: Signup | None = None
    pledge: Pledge | None = None
    need: Need | None = None

    @property
    def is_today(self) -> bool:
        """True when its day is today where it happens."""
        zone = self.signup.shift.time_zone if self.signup else self.pledge.item.need.time_zone if self.pledge else "UTC"
        return self.day == today(zone)


@dataclasses.dataclass(frozen=True)
class MyHelp:
    """Everything a person promised by date, and what they gave before."""

    ahead: list[Help]
    done: list[Help]
    gifts: Sequence[donations.OwnGift]


def list_my_help(person: Person) -> MyHelp:
    """What `person` promised, soonest first (without a date last), and what they gave before, latest first."""
    places, past = signups.list_live_signups_of(person.id), signups.list_past_signups_of(person.id)
    promised, brought = pledges.list_live_pledges_of(person.id), pledges.list_received_pledges_of(person.id)
    needs = [signup.shift.need for signup in (*places, *past)] + [pledge.item.need for pledge in (*promised, *brought)]
    known = Known(signups.list_exact_addresses(needs, person), gate.list_refusals(places))
    ahead = [_of_signup(signup, known) for signup in places] + [_of_pledge(pledge, known) for pledge in promised]
    ahead.sort(key=_when)
    done = [_of_signup(signup, known, done=True) for signup in past]
    done += [_of_pledge(pledge, known, done=True) for pledge in brought]
    done.sort(key=lambda entry: entry.day or dt.date.min, reverse=True)
    return MyHelp(ahead, done, donations.list_own_gifts(person.id))


def calendar_feed_of(person: Person, settings: Settings) -> bytes:
    """The private calendar of `person`: what is ahead and what was in the last thirty days."""
    since = now() - dt.timedelta(days=30)
    places = signups.list_signups_for_calendar(person.id, since)
    exact = signups.list_exact_addresses([signup.shift.need for signup in places], person)
    return calendar_feed(
        [(signup, _where(signup.shift.need, exact)) for signup in places],
        name=_("My help"),
        base_url=settings.base_url,
        sender=settings.mail_from,
    )


def _when(entry: Help) -> tuple[dt.date, dt.datetime]:
    starts_at = entry.signup.shift.starts_at if entry.signup else None
    return entry.day or dt.date.max, starts_at or dt.datetime.max.replace(tzinfo=dt.UTC)


@dataclasses.dataclass(frozen=True)
class Known:
    """What a person may know now: exact addresses by need, and which of their places do not stand any more (G1)."""

    exact: dict[int, signups.ExactAddress]
    refused: Container[int]


def _of_signup(signup: Signup, known: Known, *, done: bool = False) -> Help:
    shift, need = signup.shift, signup.shift.need
    day, before, facts = shift.due_on, _("by") if shift.due_on else "", [_("Any time")]
    if shift.starts_at is not None and shift.ends_at is not None:
        day, before = local_date(shift.starts_at, shift.time_zone), ""
        facts = [when.times(shift.starts_at, shift.ends_at, shift.time_zone)]
    facts.append(_where(need, known.exact))
    if signup.party_size > 1:
        facts.append(ngettext("you and %(num)s guest", "you and %(num)s guests", signup.party_size - 1))
    title = f"{need.title} · {signup.position.name}" if signup.position.name else need.title
    step = "" if done else _next_step(signup, known)
    lines = (dots(fact for fact in facts if fact), need.organization.name)
    status = "cancelled" if signup.id in known.refused else signup.status
    return Help("time", status, day, before, title, need.id, lines, step, signup=signup, need=need)


def _where(need: Need, known: dict[int, signups.ExactAddress]) -> str:
    """To the door when the person may know it (N6, G7), else the area."""
    exact = known.get(need.id)
    return ", ".join(part for part in (exact.address, need.city) if part) if exact else describe_area(need)


def _next_step(signup: Signup, known: Known) -> str:
    shift = signup.shift
    if signup.id in known.refused:
        return _("Your place does not stand any more, because of what the shift asks. Please do not come.")
    if shift.status == "cancelled":
        return _("The organization cancelled this shift. Please do not come.")
    if shift.status == "cannot_run":
        return _("Two cleared adults are needed, and there are fewer. Please do not come before you hear from us.")
    if shift.need.private_address and shift.need_id not in known.exact:
        return _("The address is private. You see it here from 48 hours before the start.")
    if shift.need.status == "closed":
        return ""
    if shift.starts_at is None:
        return _("Do it when it suits you. The organization expects you.")
    return _("Come at %(time)s. We remind you the day before.", time=when.clock_time(shift.starts_at, shift.time_zone))


def _of_pledge(pledge: Pledge, known: Known, *, done: bool = False) -> Help:
    item, need = pledge.item, pledge.item.need
    title = _(
        "%(quantity)s of %(item)s",
        quantity=with_unit(pledge.received if done else pledge.quantity, item),
        item=item.name,
    )
    if done:
        day: dt.date | None = local_date(pledge.updated_at, need.time_zone)
        return Help(
            "items",
            pledge.status,
            day,
            "",
            title,
            need.id,
            (need.title, need.organization.name),
            "",
            pledge=pledge,
            need=need,
        )
    step = _("Bring it to: %(place)s", place=_where(need, known.exact)) if not need.remote else ""
    if pledge.way == "send":
        step = _("Send it to: %(place)s", place=_where(need, known.exact)) if not need.remote else ""
    if pledge.status == "in_transit":
        step = _("It is on its way. The staff look out for it.")
    lines = (need.title, need.organization.name)
    last = pledge.deliver_by or need.ends_on
    return Help(
        "items", pledge.status, last, _("by") if last else "", title, need.id, lines, step, pledge=pledge, need=need
    )
