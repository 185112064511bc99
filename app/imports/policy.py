"""Who may import by page: whoever may change the organization's needs."""

from __future__ import annotations

from app.accounts.models import Person
from app.imports.models import ImportBatch, ImportRow
from app.organizations import policy as organizations


def can_manage_batch(person: Person | None, batch: ImportBatch) -> bool:
    """Owners and managers of its organization."""
    return organizations.can_manage_listings(person, batch.organization)


def can_manage_row(person: Person | None, row: ImportRow) -> bool:
    """The same for one row of it."""
    return can_manage_batch(person, row.batch)
