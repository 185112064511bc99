"""What the demonstration's supporter follows: the shelter where they help, and how to check a claim."""

from __future__ import annotations

import sqlalchemy as sa

from app.accounts.queries import find_person_by_email
from app.core.db import db, transaction
from app.discovery import operations
from app.discovery.models import Follower
from app.discovery.queries import find_public_subject

SUPPORTER = "sam@example.org"
FOLLOWED = (("organization", "lantern-house-family-shelter", "weekly"), ("topic", "truth-and-sharing", "daily"))
ZONE = "America/New_York"


def load() -> None:
    """Both, once; nothing where the supporter is not there or has ever followed anything."""
    person = find_person_by_email(SUPPORTER)
    if person is None or db.session.scalar(sa.select(Follower.id).where(Follower.person_id == person.id)) is not None:
        db.session.rollback()
        return
    person_id = person.id
    subjects = [(find_public_subject(kind, slug), frequency) for kind, slug, frequency in FOLLOWED]
    db.session.rollback()
    with transaction():
        for subject, frequency in subjects:
            if subject is not None:
                operations.follow(person_id, subject, frequency=frequency, zone=ZONE)
