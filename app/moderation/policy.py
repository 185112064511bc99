"""Who moderates."""

from __future__ import annotations

from app.accounts.models import Person


def can_moderate(person: Person | None, *_things: object) -> bool:
    """Active moderators and administrators of the platform."""
    return person is not None and person.is_moderator
