"""Feeds of what is asked for (by one organization, or found by filters) and of what can be learned about a topic. What the
public may not see is in none, from the next request on (N1, N6)."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa

from app.core.audit import AuditEvent
from app.core.cache import keep_nowhere
from app.core.db import db
from app.core.feeds import Entry, Feed
from app.core.i18n import _
from app.core.ids import encode_id
from app.core.markdown import render_markdown
from app.core.paging import EPOCH
from app.discovery.subjects import Subject
from app.learning.feed import entry_of
from app.learning.queries import last_change, list_changed
from app.needs.filters import NeedFilters
from app.needs.models import Need, Shift
from app.needs.policy import visible
from app.needs.search import find
from app.organizations.models import Organization
from app.signups import two_adults
from app.signups.calendar import PublicShift

MOST_ENTRIES = 50
# Of a calendar: of the needs that come first in the order asked for, the shifts that begin first.
MOST_NEEDS = 200
MOST_SHIFTS = 500
_SUMMARY = 400


def list_entries(subject: Subject) -> list[Entry]:
    """What the feed of `subject` says now, the newest first. The caller has asked whether it is public."""
    if subject.kind != "organization":
        return [entry_of(row) for row in list_changed(MOST_ENTRIES, topic=subject.slug)]
    query = _needs().where(Need.organization_id == subject.id)
    rows = db.session.execute(query.order_by(Need.published_at.desc(), Need.id).limit(MOST_ENTRIES))
    return [_entry(row) for row in rows]


def last_changed(subject: Subject) -> dt.datetime:
    """When anything last happened that the feed of `subject` may depend on, what went out of sight included. It never falls:
    of a topic any change of what can be learned counts, because what moves to another topic leaves this one."""
    if subject.kind != "organization":
        return last_change() or EPOCH
    acts = sa.select(sa.func.max(AuditEvent.at)).where(AuditEvent.organization_id == subject.id)
    rows = sa.select(sa.func.max(Need.updated_at)).where(Need.organization_id == subject.id)
    return max((at for at in (db.session.scalar(query) for query in (acts, rows)) if at is not None), default=EPOCH)


def feed_of(subject: Subject, *, base_url: str, language: str, changed: dt.datetime) -> Feed:
    """What the feed of `subject` says of itself."""
    if subject.kind == "organization":
        title = _("Needs of %(organization)s", organization=subject.name)
    else:
        title = _("Learn: %(topic)s", topic=subject.name)
    return Feed(subject.feed_path, subject.path, title, subject.name, changed, base_url, language)


# --- needs found by filters -----------------------------------------------------------------------------------------


def list_found(filters: NeedFilters) -> list[Entry]:
    """The needs that `/needs` finds for these filters, in their order, from the first on."""
    hits, _cursor = find(filters.from_start(), MOST_ENTRIES)
    ids = [hit.need_id for hit in hits]
    rows = {row.id: row for row in db.session.execute(_needs().where(Need.id.in_(ids)))}
    return [_entry(rows[key], whose=True) for key in ids if key in rows]


def list_found_shifts(filters: NeedFilters, at: dt.datetime) -> list[PublicShift]:
    """The shifts and dated roles of what `/needs` finds for these filters that are not over at `at`, cancelled ones too (M3);
    between its days where the filters name any. The soonest first. Where time alone may decide whether one can run (G2), nobody
    keeps the answer."""
    hits, _cursor = find(filters.from_start(), MOST_NEEDS)
    query = (
        sa.select(
            Shift.id, Shift.starts_at, Shift.ends_at, Shift.due_on, Shift.time_zone, Shift.status, Shift.sequence,
            Need.id.label("need_id"), Need.title, Need.city, Need.region, Need.remote, Need.updated_at,
            Organization.name.label("organization"), Shift.contact,
        )
        .join(Need, Need.id == Shift.need_id)
        .join(Organization, Organization.id == Need.organization_id)
        .where(Need.id.in_([hit.need_id for hit in hits]), visible())
        .where(sa.or_(Shift.ends_at > at, Shift.due_on >= at.date()))
        .order_by(Shift.starts_at.is_(None), Shift.starts_at, Shift.due_on, Shift.id)
        .limit(MOST_SHIFTS)
    )  # fmt: skip
    rows: Sequence[Any] = db.session.execute(query).all()
    near = [row.id for row in rows if two_adults.is_turning(row)]
    if near:
        keep_nowhere()
    idle = two_adults.list_idle_of(near)
    found = [_public_shift(row, idle=row.id in idle) for row in rows]
    first, last = filters.from_on or dt.date.min, filters.to_on or dt.date.max
    return [shift for shift in found if first <= shift.day <= last]


def _public_shift(row: Any, *, idle: bool) -> PublicShift:
    values = {name: value for name, value in row._mapping.items() if name != "contact"}
    return PublicShift(**values | ({"status": "cannot_run"} if idle else {}))


# --- what an entry says ---------------------------------------------------------------------------------------------


def _needs() -> sa.Select[*tuple[Any, ...]]:
    """Needs that the public may see (N1), with no more of their place than its area (N6)."""
    return (
        sa.select(
            Need.id, Need.title, Need.description, Need.remote, Need.city, Need.region, Need.causes, Need.published_at,
            Need.created_at, Need.updated_at, Organization.name.label("organization"),
        )
        .join(Organization, Organization.id == Need.organization_id)
        .where(visible())
    )  # fmt: skip


def _entry(row: Any, *, whose: bool = False) -> Entry:
    area = ", ".join(part for part in (row.city, row.region) if part) or (_("From anywhere") if row.remote else "")
    where = " · ".join(part for part in (row.organization if whose else "", area) if part)
    summary = "\n\n".join(part for part in (where, _shortened(row.description)) if part)
    published_at = row.published_at or row.created_at
    return Entry(f"/needs/{encode_id(row.id)}", row.title, summary, published_at, row.updated_at, tuple(row.causes))


def _shortened(markdown: str) -> str:
    """The beginning of a text without its marks."""
    text = " ".join(render_markdown(markdown).striptags().split())
    return text if len(text) <= _SUMMARY else text[:_SUMMARY].rsplit(" ", 1)[0] + "…"
