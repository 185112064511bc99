"""Reads across features for pages."""

from __future__ import annotations

import dataclasses
import datetime as dt
import functools
from pathlib import Path

import sqlalchemy as sa

from app.core.audit import AuditEvent
from app.core.db import db
from app.core.ids import encode_id
from app.fundraisers.models import Fundraiser
from app.fundraisers.policy import visible as fundraiser_visible
from app.learning.models import Article, Fact, Question, Topic
from app.needs.models import Need
from app.needs.policy import visible as need_visible
from app.organizations.models import Organization
from app.organizations.queries import public as organization_public

# Acts by which staff said that a need is as its page says.
CONFIRMING = ("need.published", "need.confirmed", "need.edited", "need.reopened", "need.imported")
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


# What one map of the site may hold (sitemaps.org).
MOST_ADDRESSES = 50_000


@dataclasses.dataclass(frozen=True)
class Address:
    """A page that everybody may see; `changed_on` None where nothing says when."""

    path: str
    changed_on: dt.date | None = None


def list_addresses() -> list[Address]:
    """Every page that search engines may know: what the public sees now and nothing else (N1, F8); drafts and what was
    withdrawn are not in it. The newest first where not all have room."""
    fixed = (
        "/",
        "/needs",
        "/organizations",
        "/fundraisers",
        "/learn",
        "/learn/check",
        "/ways-to-help",
        "/follow",
        "/report",
    )
    found = [Address(path) for path in fixed]
    found += [Address(f"/learn/topics/{slug}") for slug in db.session.scalars(sa.select(Topic.slug))]
    for model, path in ((Article, "/learn/"), (Fact, "/learn/facts/"), (Question, "/learn/questions/")):
        shown = model.status.not_in(("draft", "withdrawn"))
        learned = sa.select(model.slug, model.updated_at).where(shown).order_by(model.updated_at.desc())
        found += [Address(path + row.slug, row.updated_at.date()) for row in db.session.execute(learned)]
    organizations = sa.select(Organization.slug).where(organization_public()).order_by(Organization.created_at.desc())
    found += [Address(f"/organizations/{slug}") for slug in db.session.scalars(organizations)]
    fundraisers = sa.select(Fundraiser.slug).join(Organization, Organization.id == Fundraiser.organization_id)
    live = fundraisers.where(fundraiser_visible()).order_by(Fundraiser.created_at.desc())
    found += [Address(f"/fundraisers/{slug}") for slug in db.session.scalars(live)]
    needs = sa.select(Need.id, Need.updated_at).join(Organization, Organization.id == Need.organization_id)
    for row in db.session.execute(needs.where(need_visible()).order_by(Need.updated_at.desc()).limit(MOST_ADDRESSES)):
        found.append(Address(f"/needs/{encode_id(row.id)}", row.updated_at.date()))
    return found[:MOST_ADDRESSES]


def last_confirmed(need_id: int) -> dt.datetime | None:
    """When staff last said that a need is as its page says (published, confirmed, edited, opened again or imported it);
    None when nobody did."""
    return db.session.scalar(
        sa.select(sa.func.max(AuditEvent.at)).where(
            AuditEvent.subject_id == need_id, AuditEvent.subject_type == "need", AuditEvent.action.in_(CONFIRMING)
        )
    )
