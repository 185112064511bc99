"""Reads of people and of the links sent to them."""

from __future__ import annotations

import sqlalchemy as sa

from app.accounts.models import ApiToken, LinkToken, Person
from app.core.clock import now
from app.core.db import db
from app.core.tokens import hash_token


def find_person(person_id: int) -> Person | None:
    """The person, or None."""
    return db.session.get(Person, person_id)


def find_person_by_email(email: str) -> Person | None:
    """The person with this address (any case), or None."""
    return db.session.scalar(sa.select(Person).where(Person.email == email.strip().lower()))


def find_link(token: str, purpose: str) -> LinkToken | None:
    """The link while it can be used: for this purpose, not used, not expired, and sent to the person's present address."""
    return db.session.scalar(
        sa.select(LinkToken)
        .join(Person, Person.id == LinkToken.person_id)
        .where(
            LinkToken.token_hash == hash_token(token),
            LinkToken.purpose == purpose,
            LinkToken.used_at.is_(None),
            LinkToken.expires_at > now(),
            LinkToken.email == Person.email,
        )
    )


def find_email_change(token: str) -> LinkToken | None:
    """The link to a new address while it can be used: not used, not expired, and no later one asked for by the person."""
    link = db.session.scalar(
        sa.select(LinkToken).where(
            LinkToken.token_hash == hash_token(token),
            LinkToken.purpose == "change_email",
            LinkToken.used_at.is_(None),
            LinkToken.expires_at > now(),
        )
    )
    if link is None:
        return None
    later = sa.select(LinkToken.id).where(
        LinkToken.person_id == link.person_id,
        LinkToken.purpose == "change_email",
        LinkToken.created_at > link.created_at,
    )
    return None if db.session.scalar(later.limit(1)) is not None else link


def list_tokens(person_id: int) -> list[ApiToken]:
    """The person's API tokens that work, newest first."""
    query = sa.select(ApiToken).where(ApiToken.person_id == person_id, ApiToken.revoked_at.is_(None))
    return list(db.session.scalars(query.order_by(ApiToken.created_at.desc(), ApiToken.id)))
