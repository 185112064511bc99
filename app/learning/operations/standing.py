"""Withdrawing what was wrong, restoring it, and renewing what was checked again."""

from __future__ import annotations

import sqlalchemy as sa

from app.accounts.models import Person
from app.core.clock import now, today
from app.core.db import db
from app.core.errors import InvalidInput, refuse
from app.core.i18n import _
from app.core.text import line
from app.learning.models import Fact, Revision
from app.learning.operations.inputs import missing_sources, sources_of
from app.learning.operations.shared import Subject, keep_revision, lock_subject, require_open, require_reason


def withdraw(
    model: type[Subject], key: int, *, by: Person, because: str, replaced_by: str = "", version: int | None = None
) -> Subject:
    """The article, fact or question says from the next request on that it was withdrawn, why, and what replaces it (a slug
    of the same kind, or ""). Raises InvalidInput at "reason" without one, at "replaced_by"; Refused (`withdrawn`)."""
    row = lock_subject(model, key, version=version)
    require_open(row)
    reason = require_reason(because, by=by)
    replacing = None
    if wanted := line(replaced_by) or "":
        replacing = db.session.scalar(sa.select(model).where(model.slug == wanted))
        if replacing is None or replacing.id == row.id or replacing.status in ("withdrawn", "draft"):
            raise InvalidInput({"replaced_by": _("Enter the address part of another one that the public sees")})
    row.replaced_by_id = None if replacing is None else replacing.id
    row.status, row.withdrawn_at, row.withdrawn_because = "withdrawn", now(), reason
    if getattr(row, "published_at", now()) is None:
        raise refuse("draft", _("Nobody has seen this draft."), _("There is nothing to withdraw."))
    keep_revision(row, by=by, reason=reason, action="withdrawn")
    return row


def restore(model: type[Subject], key: int, *, by: Person, reason: str) -> Subject:
    """Take a withdrawal back: it stands as it stood before. Raises InvalidInput at "reason" without one; Refused
    (`not_withdrawn`; `sources` when a verified fact has too few by now, L1)."""
    row = lock_subject(model, key)
    if row.status != "withdrawn":
        raise refuse("not_withdrawn", _("This was not withdrawn."))
    kept = require_reason(reason, by=by)
    before = db.session.scalars(
        sa.select(Revision).where(Revision.subject_id == row.id).order_by(Revision.version.desc())
    )
    status = next(said for revision in before if (said := revision.snapshot["status"]) != "withdrawn")
    if isinstance(row, Fact) and (missing := missing_sources(status, sources_of(row))):
        raise refuse("sources", missing)
    row.status, row.withdrawn_at, row.withdrawn_because, row.replaced_by_id = status, None, "", None
    keep_revision(row, by=by, reason=kept, action="restored")
    return row


def renew(model: type[Subject], key: int, *, by: Person, checked_by: str, version: int | None = None) -> Subject:
    """Somebody looked at every source today, and it still holds. `checked_by` is how the public reads who, `version` what
    they looked at. Raises Refused (`withdrawn`, `changed`), InvalidInput at "checked_by"."""
    row = lock_subject(model, key, version=version)
    require_open(row)
    who = line(checked_by) or ""
    if not who or len(who) > 160:
        raise InvalidInput({"checked_by": _("Write %(max)d characters or fewer", max=160)})
    row.checked_on, row.checked_by = today("UTC"), who
    if isinstance(row, Fact):
        for source in row.sources:
            source.checked_on = row.checked_on
    keep_revision(row, by=by, reason=_("The sources were checked again and hold."), action="renewed")
    return row
