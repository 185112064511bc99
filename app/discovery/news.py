"""What is news of organizations and topics: what became public, or changed in public, in a stretch of time, as the public may
see it at the moment of asking (N1, F8). Constant numbers of statements, however many are asked about."""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections import defaultdict
from collections.abc import Collection, Mapping
from typing import Any

import sqlalchemy as sa

from app.core import when
from app.core.audit import AuditEvent
from app.core.clock import local_date, today
from app.core.db import db
from app.core.i18n import _
from app.core.ids import encode_id
from app.fundraisers.models import Fundraiser, FundraiserUpdate
from app.fundraisers.policy import visible as fundraiser_visible
from app.learning.feed import path_of
from app.learning.models import Article, Fact, Question, Revision
from app.needs.filters import NeedFilters
from app.needs.models import Need
from app.needs.policy import visible as need_visible
from app.needs.rows import Hit, NeedRow, load_rows
from app.organizations.models import Organization

# An act that is being committed has an earlier moment than it is seen at: nothing younger is told, so that none is missed.
SETTLED = dt.timedelta(minutes=1)
_OPENED = ("need.published", "need.reopened")
# A check that found everything as it was ("renewed") is no news.
_ACTS = ("added", "edited", "withdrawn", "restored")
# What of a topic is news, with the kind of its revisions and the words that name it.
_LEARNED: tuple[tuple[str, Any, Any], ...] = (
    ("article", Article, Article.title),
    ("fact", Fact, Fact.claim),
    ("question", Question, Question.question),
)

Since = Mapping[int, dt.datetime]


@dataclasses.dataclass(frozen=True)
class Line:
    """One thing that is news, in the words of the language spoken: what happened, what to, its facts, and its page."""

    said: str
    title: str
    facts: tuple[str, ...]
    path: str
    at: dt.datetime


def latest_of_organizations(organization_ids: Collection[int], since: dt.datetime) -> dict[int, dt.datetime]:
    """When the latest news of each of these organizations came about, of those that have any after `since`. One statement."""
    if not organization_ids:
        return {}
    which = Need.organization_id.in_(organization_ids)
    told = sa.union_all(
        sa.select(Need.organization_id.label("key"), Need.published_at.label("at"))
        .join(Need.organization)
        .where(which, need_visible(), Need.published_at > since),
        sa.select(Need.organization_id, AuditEvent.at)
        .join(AuditEvent, AuditEvent.subject_id == Need.id)
        .join(Need.organization)
        .where(which, need_visible(), AuditEvent.action.in_(_OPENED), AuditEvent.at > since),
        sa.select(Fundraiser.organization_id, Fundraiser.decided_at)
        .join(Fundraiser.organization)
        .where(Fundraiser.organization_id.in_(organization_ids), _raises(), Fundraiser.decided_at > since),
    ).subquery()
    return _latest(told)


def latest_of_topics(topic_ids: Collection[int], since: dt.datetime) -> dict[int, dt.datetime]:
    """The same of topics. One statement."""
    if not topic_ids:
        return {}
    told = sa.union_all(
        *(
            sa.select(model.topic_id.label("key"), AuditEvent.at.label("at"))
            .join(AuditEvent, _is_act(kind, model))
            .where(model.topic_id.in_(topic_ids), model.status != "draft", AuditEvent.at > since)
            for kind, model, _title in _LEARNED
        )
    ).subquery()
    return _latest(told)


def _is_act(kind: str, model: Any) -> sa.ColumnElement[bool]:
    """That an event of the audit trail changed what a row of `model` tells the public."""
    return sa.and_(AuditEvent.subject_id == model.id, AuditEvent.action.in_([f"{kind}.{act}" for act in _ACTS]))


def _latest(told: sa.Subquery) -> dict[int, dt.datetime]:
    query = sa.select(told.c.key, sa.func.max(told.c.at)).group_by(told.c.key)
    return dict(db.session.execute(query).all())


def list_of_organizations(since: Since, until: dt.datetime) -> dict[int, list[Line]]:
    """The news of each organization after its instant in `since` and up to `until`: needs that opened or opened again and
    are open, and fundraisers that were approved and run. Each once, urgent needs first. In the language spoken."""
    found: dict[int, list[Line]] = defaultdict(list)
    if not since:
        return found
    opened = _list_opened(since, until)
    rows = {row.id: row for row in load_rows([Hit(need_id, ()) for need_id in opened], NeedFilters())}
    urgent = {"critical": 0, "high": 1}
    for need_id, (organization_id, at, again) in sorted(
        opened.items(), key=lambda one: (urgent.get(rows[one[0]].urgency, 2) if one[0] in rows else 9, one[1][1])
    ):
        row = rows.get(need_id)
        if row is not None and not row.is_filled:
            found[organization_id].append(_of_need(row, at, again=again))
    for fundraiser, zone in db.session.execute(
        sa.select(Fundraiser, Organization.time_zone)
        .join(Fundraiser.organization)
        .where(Fundraiser.organization_id.in_(since), _raises())
        .where(Fundraiser.decided_at > min(since.values()), Fundraiser.decided_at <= until)
        .order_by(Fundraiser.decided_at, Fundraiser.id)
    ):
        has_ended = fundraiser.ends_on is not None and fundraiser.ends_on < today(zone)
        decided_at = fundraiser.decided_at or fundraiser.created_at
        if decided_at > since[fundraiser.organization_id] and not has_ended:
            found[fundraiser.organization_id].append(_of_fundraiser(fundraiser))
    return found


def latest_of_fundraisers(fundraiser_ids: Collection[int], since: dt.datetime) -> dict[int, dt.datetime]:
    """When the latest news of each of these fundraisers was written. One statement."""
    if not fundraiser_ids:
        return {}
    query = (
        sa.select(FundraiserUpdate.fundraiser_id, sa.func.max(FundraiserUpdate.created_at))
        .where(FundraiserUpdate.fundraiser_id.in_(fundraiser_ids), FundraiserUpdate.withdrawn_at.is_(None))
        .where(FundraiserUpdate.created_at > since)
        .group_by(FundraiserUpdate.fundraiser_id)
    )
    return dict(db.session.execute(query).all())


def list_of_fundraisers(since: Since, until: dt.datetime) -> dict[int, list[Line]]:
    """What was written on each fundraiser's page after its instant in `since` and up to `until`, and not taken back; in the
    language spoken."""
    found: dict[int, list[Line]] = defaultdict(list)
    if not since:
        return found
    query = (
        sa.select(FundraiserUpdate, Fundraiser.slug)
        .join(Fundraiser, Fundraiser.id == FundraiserUpdate.fundraiser_id)
        .where(FundraiserUpdate.fundraiser_id.in_(since), FundraiserUpdate.withdrawn_at.is_(None))
        .where(FundraiserUpdate.created_at > min(since.values()), FundraiserUpdate.created_at <= until)
        .order_by(FundraiserUpdate.created_at, FundraiserUpdate.id)
    )
    for update, slug in db.session.execute(query):
        if update.created_at > since[update.fundraiser_id]:
            path = f"/fundraisers/{slug}/updates"
            found[update.fundraiser_id].append(Line(_("Update"), update.title, (), path, update.created_at))
    return found


def of_ended(fundraiser: Fundraiser) -> Line:
    """That a fundraiser somebody followed has ended, and what they follow from now on."""
    facts = (_("From now on you follow the organization it raised money for"),)
    at = fundraiser.ended_at or fundraiser.created_at
    return Line(
        _("The fundraiser you followed has ended"), fundraiser.title, facts, f"/fundraisers/{fundraiser.slug}", at
    )


def _raises() -> sa.ColumnElement[bool]:
    return sa.and_(Fundraiser.status == "live", fundraiser_visible())


def _list_opened(since: Since, until: dt.datetime) -> dict[int, tuple[int, dt.datetime, bool]]:
    """Open needs by id: whose, when they opened last up to `until`, and whether they had been open before."""
    earliest = min(since.values())
    again = (
        sa.select(sa.func.max(AuditEvent.at))
        .where(AuditEvent.subject_id == Need.id, AuditEvent.action.in_(_OPENED), AuditEvent.at <= until)
        .scalar_subquery()
    )
    query = (
        sa.select(Need.id, Need.organization_id, Need.published_at, again)
        .join(Need.organization)
        .where(Need.organization_id.in_(since), need_visible())
        .where(sa.or_(Need.published_at > earliest, again > earliest))
    )
    found = {}
    for need_id, organization_id, published_at, opened_at in db.session.execute(query):
        first = published_at if published_at is not None and published_at <= until else None
        at = max((one for one in (first, opened_at) if one is not None), default=None)
        told = since[organization_id]
        if at is not None and at > told:
            found[need_id] = (organization_id, at, published_at is not None and published_at <= told)
    return found


def _of_need(row: NeedRow, at: dt.datetime, *, again: bool) -> Line:
    facts = []
    if row.starts_at is not None:
        facts.append(when.full_day(local_date(row.starts_at, row.time_zone)))
    elif row.due_on is not None:
        facts.append(_("by %(day)s", day=when.full_day(row.due_on)))
    # Of a private place no more than its area is in these rows (N6).
    area = ", ".join(part for part in (row.city, row.region) if part)
    facts += [area or (_("From anywhere") if row.remote else "")]
    if row.urgency in ("high", "critical"):
        facts.append(_("Needed soon") if row.urgency == "high" else _("Critical"))
    said = _("Open again") if again else _("New")
    return Line(said, row.title, tuple(fact for fact in facts if fact), f"/needs/{encode_id(row.id)}", at)


def _of_fundraiser(fundraiser: Fundraiser) -> Line:
    facts = (_("Until %(day)s", day=when.full_day(fundraiser.ends_on)),) if fundraiser.ends_on else ()
    at = fundraiser.decided_at or fundraiser.created_at
    return Line(_("New fundraiser"), fundraiser.title, facts, f"/fundraisers/{fundraiser.slug}", at)


def list_of_topics(since: Since, until: dt.datetime) -> dict[int, list[Line]]:
    """The news of each topic after its instant in `since` and up to `until`: what was published, changed or withdrawn. Each
    once, withdrawn first. What speaks of abuse or disaster is said to; the claim of such a fact is on its page only (G13). In
    the language spoken."""
    found: dict[int, list[Line]] = defaultdict(list)
    if not since:
        return found
    for kind, model, title in _LEARNED:
        # Since when the public sees it: a draft is nothing.
        shown = Revision.snapshot["status"].as_string() != "draft"
        first = sa.select(sa.func.min(Revision.at)).where(Revision.subject_id == model.id, shown).scalar_subquery()
        query = (
            sa.select(
                model.topic_id,
                model.slug,
                title.label("title"),
                model.status,
                model.sensitive,
                model.withdrawn_at,
                model.withdrawn_because,
                first.label("first_at"),
                sa.func.max(AuditEvent.at).label("at"),
            )
            .join(AuditEvent, _is_act(kind, model))
            .where(model.topic_id.in_(since), model.status != "draft")
            .where(AuditEvent.at > min(since.values()), AuditEvent.at <= until)
            .group_by(model.id)
        )
        for row in db.session.execute(query):
            if row.at > since[row.topic_id] and (line := _of_learned(kind, row, since[row.topic_id])) is not None:
                found[row.topic_id].append(line)
    for lines in found.values():
        lines.sort(key=lambda line: (line.said != _withdrawn_words(), line.at))
    return found


def _withdrawn_words() -> str:
    return _("Withdrawn")


def _of_learned(kind: str, row: Any, since: dt.datetime) -> Line | None:
    facts: tuple[str, ...] = ()
    if row.status == "withdrawn":
        if row.withdrawn_at is None or row.withdrawn_at <= since:
            return None  # it had been told already
        said = _withdrawn_words()
        facts = (_("Why: %(reason)s", reason=row.withdrawn_because),) if row.withdrawn_because else ()
    else:
        said = _("New") if row.first_at is not None and row.first_at > since else _("Changed")
    title = row.title
    if row.sensitive and kind == "fact":
        # A mail cannot fold its claim behind a warning, as pages do.
        title, facts = _("A fact that speaks of abuse or disaster"), ()
    elif row.sensitive:
        facts = (*facts, _("Speaks of abuse or disaster"))
    return Line(said, title, facts, path_of(kind, row.slug), row.at)
