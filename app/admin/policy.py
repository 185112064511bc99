"""Who administers."""

from __future__ import annotations

from app.accounts.models import Person


def can_administer(person: Person | None, *_things: object) -> bool:
    """Active administrators of the platform."""
    return person is not None and person.is_active and person.platform_role == "administrator"
