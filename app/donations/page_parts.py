"""What else a fundraiser's page shows besides its story and its gifts: news, pictures, the team, sponsors, the largest gifts."""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Mapping, Sequence

import sqlalchemy as sa
from sqlalchemy.orm import aliased

from app.accounts.models import Person
from app.core.clock import last_birth_date, now, today
from app.core.db import db
from app.core.money import Money
from app.core.paging import Page, newest_page
from app.donations.models import Donation
from app.donations.queries import Totals, known_minors, parts_to_show, totals
from app.donations.tally_models import FundraiserTally, MessageReport
from app.fundraisers import goals
from app.fundraisers.goals import HasGoal, Standing
from app.fundraisers.models import Fundraiser, FundraiserPicture, FundraiserUpdate, MatchingGift
from app.fundraisers.policy import SHOWN
from app.organizations.models import Organization

ADULT_AGE = 18
MOST_LEADERS = 5
MOST_MEMBERS_SHOWN = 20
MOST_UPDATES_SHOWN = 3


@dataclasses.dataclass(frozen=True)
class Match:
    """A sponsor's promise as the page shows it. `is_open`: gifts of today are doubled."""

    id: int
    sponsor: str
    cap: Money
    claimed: Money
    paid: Money
    starts_on: dt.date
    ends_on: dt.date
    is_open: bool
    is_ended: bool

    @property
    def left(self) -> Money:
        """What of the cap is not claimed yet."""
        return Money(self.cap.amount_minor - self.claimed.amount_minor, self.cap.currency)

    @property
    def owed(self) -> Money:
        """What was matched and the sponsor has not paid yet; never less than nothing."""
        return Money(max(self.claimed.amount_minor - self.paid.amount_minor, 0), self.cap.currency)


@dataclasses.dataclass(frozen=True)
class Member:
    """A page of a team. `starter` is None unless they chose to be named (G6)."""

    id: int
    slug: str
    title: str
    starter: str | None
    raised: Money


@dataclasses.dataclass(frozen=True)
class Leader:
    """One of the largest gifts, by somebody who shows their name and is no minor (F9, G6)."""

    name: str
    amount: Money


@dataclasses.dataclass(frozen=True)
class Team:
    """The team a page is part of."""

    slug: str
    title: str


@dataclasses.dataclass(frozen=True)
class Parts:
    """All of it."""

    fundraiser: Fundraiser
    standing: Standing
    overflow_rule: str
    updates: Sequence[FundraiserUpdate]
    more_updates: bool
    pictures: Sequence[FundraiserPicture]
    matches: Sequence[Match]
    leaders: Sequence[Leader]
    members: Sequence[Member]
    member_count: int
    team: Team | None


def parts_of(fundraiser_id: int, raised: Totals) -> Parts:
    """Everything a page shows besides: as many questions for a page of many gifts as for one of few. Raises NoResultFound."""
    fundraiser = db.session.execute(sa.select(Fundraiser).where(Fundraiser.id == fundraiser_id)).scalar_one()
    updates = list_updates(fundraiser_id, limit=MOST_UPDATES_SHOWN + 1)
    team = None if fundraiser.team_id is None else db.session.get(Fundraiser, fundraiser.team_id)
    members, count = list_members(fundraiser) if fundraiser.is_team else ([], 0)
    return Parts(
        fundraiser=fundraiser,
        standing=standing_of(fundraiser, raised),
        overflow_rule=db.session.scalars(
            sa.select(Organization.overflow_rule).where(Organization.id == fundraiser.organization_id)
        ).one(),
        updates=updates[:MOST_UPDATES_SHOWN],
        more_updates=len(updates) > MOST_UPDATES_SHOWN,
        pictures=list_pictures(fundraiser_id),
        matches=list_matches(fundraiser_id),
        leaders=list_leaders(fundraiser_id) if fundraiser.leaderboard else [],
        members=members,
        member_count=count,
        team=Team(team.slug, team.title) if team is not None and team.status in SHOWN else None,
    )


def standing_of(fundraiser: HasGoal, raised: Totals) -> Standing:
    """Where the goal stands in what it counts."""
    return goals.standing_of(
        fundraiser,
        raised_minor=raised.raised.amount_minor,
        coming_minor=raised.coming.amount_minor,
        donor_count=raised.donor_count,
    )


def page_updates(fundraiser_id: int, cursor: str | None = None, *, limit: int) -> Page[FundraiserUpdate]:
    """News of a fundraiser that was not taken back, newest first. Raises BadCursor."""
    query = sa.select(FundraiserUpdate).where(
        FundraiserUpdate.fundraiser_id == fundraiser_id, FundraiserUpdate.withdrawn_at.is_(None)
    )
    return newest_page(query, FundraiserUpdate, cursor, limit)


def list_updates(fundraiser_id: int, *, limit: int) -> list[FundraiserUpdate]:
    """The latest of them."""
    return page_updates(fundraiser_id, limit=limit).rows


def find_update(slug: str, update_id: int) -> FundraiserUpdate | None:
    """The update when it is of the fundraiser `slug`, or None."""
    found = db.session.get(FundraiserUpdate, update_id)
    return found if found is not None and found.fundraiser.slug == slug else None


def list_pictures(fundraiser_id: int) -> list[FundraiserPicture]:
    """Pictures that are shown, the oldest first."""
    query = (
        sa.select(FundraiserPicture)
        .where(FundraiserPicture.fundraiser_id == fundraiser_id, FundraiserPicture.removed_at.is_(None))
        .order_by(FundraiserPicture.created_at, FundraiserPicture.id)
    )
    return list(db.session.scalars(query))


def list_matches(fundraiser_id: int) -> list[Match]:
    """What sponsors promised to a fundraiser, the oldest first; what began and was claimed by nobody before it ended is left
    out."""
    query = (
        sa.select(MatchingGift, Organization.time_zone)
        .join(Fundraiser, Fundraiser.id == MatchingGift.fundraiser_id)
        .join(Organization, Organization.id == Fundraiser.organization_id)
        .where(MatchingGift.fundraiser_id == fundraiser_id)
        .order_by(MatchingGift.created_at, MatchingGift.id)
    )
    shown = [match_of(row, today(zone)) for row, zone in db.session.execute(query)]
    return [match for match in shown if not match.is_ended or match.claimed.amount_minor]


def page_matches(fundraiser_id: int, day: dt.date, cursor: str | None = None, *, limit: int) -> Page[MatchingGift]:
    """The same in pages, newest first; `day` is today where the organization is. Raises BadCursor."""
    counts = sa.and_(MatchingGift.ended_at.is_(None), MatchingGift.ends_on >= day)
    query = sa.select(MatchingGift).where(
        MatchingGift.fundraiser_id == fundraiser_id, sa.or_(counts, MatchingGift.claimed_minor > 0)
    )
    return newest_page(query, MatchingGift, cursor, limit)


def match_of(row: MatchingGift, day: dt.date) -> Match:
    """A sponsor's promise as it stands on `day` where the organization is."""
    is_over = row.ended_at is not None or row.ends_on < day
    return Match(
        id=row.id,
        sponsor=row.sponsor,
        cap=Money(row.cap_minor, row.currency),
        claimed=Money(row.claimed_minor, row.currency),
        paid=Money(row.paid_minor, row.currency),
        starts_on=row.starts_on,
        ends_on=row.ends_on,
        is_open=not is_over and row.starts_on <= day and row.claimed_minor < row.cap_minor,
        is_ended=is_over,
    )


def list_leaders(fundraiser_id: int) -> list[Leader]:
    """The largest gifts by people who show their names, largest first; none that went back, none of a known minor. Whoever gives
    every month is among them once, with their largest month."""
    larger = aliased(Donation)
    comes_before = sa.or_(
        larger.amount_minor > Donation.amount_minor,
        sa.and_(larger.amount_minor == Donation.amount_minor, larger.id < Donation.id),
    )
    of_month = sa.exists().where(larger.monthly_gift_id == Donation.monthly_gift_id, comes_before, _leads(larger))
    query = (
        sa.select(_shown_name(Donation), Donation.amount_minor, Donation.currency)
        .outerjoin(Person, Person.id == Donation.person_id)
        .where(Donation.fundraiser_id == fundraiser_id, _leads(Donation), sa.not_(of_month))
        .where(sa.or_(Person.birth_date.is_(None), Person.birth_date <= last_birth_date(ADULT_AGE, now().date())))
        .order_by(Donation.amount_minor.desc())
        .limit(MOST_LEADERS)
    )
    return [Leader(name, Money(minor, currency)) for name, minor, currency in db.session.execute(query)]


def _shown_name(of: type[Donation]) -> sa.ColumnElement[str]:
    return sa.func.coalesce(sa.func.nullif(of.company, ""), of.name)


def _leads(of: type[Donation]) -> sa.ColumnElement[bool]:
    """Gifts that may stand among the largest: whole, and by a name that everybody may read."""
    return sa.and_(
        of.status == "paid",
        of.anonymous.is_(False),
        of.name_hidden_by == "",
        _shown_name(of) != "",
        of.refunded_minor == 0,
        of.disputed_minor == 0,
    )


def list_members(team: Fundraiser) -> tuple[list[Member], int]:
    """Pages of a team that the public may see, and how many there are: by what they raised where the team shows that, else the
    oldest first."""
    raised = sa.func.coalesce(FundraiserTally.settled_minor + FundraiserTally.offline_minor, 0)
    starter = sa.case((Fundraiser.show_starter, Person.name), else_=None)
    query = (
        sa.select(Fundraiser.id, Fundraiser.slug, Fundraiser.title, Fundraiser.currency, starter, raised)
        .join(Person, Person.id == Fundraiser.started_by_id)
        .outerjoin(FundraiserTally, FundraiserTally.fundraiser_id == Fundraiser.id)
        .where(Fundraiser.team_id == team.id, Fundraiser.status.in_(SHOWN))
        .order_by(*([raised.desc()] if team.leaderboard else []), Fundraiser.created_at, Fundraiser.id)
    )
    rows = [
        Member(key, slug, title, name, Money(int(minor), currency))
        for key, slug, title, currency, name, minor in db.session.execute(query)
    ]
    return rows[:MOST_MEMBERS_SHOWN], len(rows)


def is_team(fundraiser_id: int) -> bool:
    """Whether pages of others may be part of the fundraiser's."""
    return bool(db.session.scalar(sa.select(Fundraiser.is_team).where(Fundraiser.id == fundraiser_id)))


def list_member_pages(team_id: int) -> list[Fundraiser]:
    """Every page of a team in whatever state, the oldest first, for its captain (at most 200)."""
    query = sa.select(Fundraiser).where(Fundraiser.team_id == team_id).order_by(Fundraiser.created_at, Fundraiser.id)
    return list(db.session.scalars(query.limit(200)))


@dataclasses.dataclass(frozen=True)
class Message:
    """What a donor lets the page show, for whoever decides about it; `reports` are what readers said of each part ("message",
    "name") and nobody looked at yet."""

    donation: Donation
    reports: Mapping[str, Sequence[str]]
    parts: tuple[str, ...]


def list_messages(fundraiser_id: int, *, limit: int = 100) -> list[Message]:
    """Messages of counted gifts, and names that were reported or are hidden: what somebody should look at first, then the
    newest."""
    open_reports = (
        sa.select(sa.func.count())
        .select_from(MessageReport)
        .where(MessageReport.donation_id == Donation.id, MessageReport.settled_at.is_(None))
        .scalar_subquery()
    )
    held = sa.or_(Donation.hidden_by == "words", Donation.name_hidden_by == "words")
    asks = sa.case((open_reports > 0, 0), (held, 1), else_=2)
    query = (
        sa.select(Donation)
        .where(Donation.fundraiser_id == fundraiser_id, Donation.status == "paid")
        .where(has_something_to_look_at())
        .order_by(asks, Donation.created_at.desc(), Donation.id.desc())
        .limit(limit)
    )
    return with_reports(list(db.session.scalars(query)))


def has_something_to_look_at() -> sa.ColumnElement[bool]:
    """That of a gift which whoever looks after its page is shown: what its donor wrote, or a name that is hidden or reported."""
    reported_names = sa.select(MessageReport.donation_id).where(
        MessageReport.part == "name", MessageReport.settled_at.is_(None)
    )
    return sa.or_(
        Donation.message != "",
        Donation.dedicated_to != "",
        Donation.name_hidden_by != "",
        Donation.id.in_(reported_names),
    )


def message_of(donation: Donation) -> Message:
    """What one gift lets the page show, with what readers said of it."""
    return with_reports([donation])[0]


def with_reports(rows: Sequence[Donation]) -> list[Message]:
    """What each of some gifts lets the page show, with what readers said of it; two statements however many."""
    said: dict[int, dict[str, list[str]]] = {row.id: {} for row in rows}
    reports = (
        sa.select(MessageReport.donation_id, MessageReport.part, MessageReport.reason)
        .where(MessageReport.donation_id.in_(list(said)), MessageReport.settled_at.is_(None))
        .order_by(MessageReport.created_at, MessageReport.id)
    )
    for key, part, reason in db.session.execute(reports) if rows else ():
        said[key].setdefault(part, []).append(reason)
    minors = known_minors(rows)
    return [Message(row, said[row.id], parts_to_show(row, minors)) for row in rows]


def list_offline(fundraiser_id: int, *, limit: int = 100) -> list[Donation]:
    """Gifts in person that were recorded: those that wait first, then the newest; also what was taken back."""
    waits = sa.case((Donation.status == "recorded", 0), else_=1)
    query = (
        sa.select(Donation)
        .where(Donation.fundraiser_id == fundraiser_id, Donation.source == "offline")
        .order_by(waits, Donation.created_at.desc(), Donation.id.desc())
        .limit(limit)
    )
    return list(db.session.scalars(query))


def totals_of(fundraiser_id: int) -> Totals:
    """The totals of one fundraiser that exists."""
    return totals([fundraiser_id])[fundraiser_id]
