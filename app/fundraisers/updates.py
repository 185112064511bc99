"""News of a fundraiser. Every function runs inside the caller's transaction and flushes. Whoever follows the fundraiser reads of
it in their digest (discovery)."""

from __future__ import annotations

from app.accounts.models import Person
from app.core.audit import record
from app.core.clock import now
from app.core.db import db, lock
from app.core.errors import refuse
from app.core.i18n import _
from app.fundraisers.models import FundraiserUpdate
from app.fundraisers.operations import lock_fundraiser
from app.fundraisers.policy import SHOWN

MAXIMUM_UPDATE = 5_000


def post_update(fundraiser_id: int, *, by: Person, title: str, body: str) -> FundraiserUpdate:
    """Say on the page, in Markdown, what is new; its followers are told in their next digest. The same sent twice is one.

    Raises Refused before the page was public.
    """
    fundraiser = lock_fundraiser(fundraiser_id)
    if fundraiser.status not in SHOWN:
        raise refuse("fundraiser_not_live", _("Nobody sees this page yet"), _("Write once it is approved"))
    latest = db.session.scalar(
        FundraiserUpdate.__table__.select()
        .with_only_columns(FundraiserUpdate.id)
        .where(
            FundraiserUpdate.fundraiser_id == fundraiser_id,
            FundraiserUpdate.withdrawn_at.is_(None),
            FundraiserUpdate.title == title,
            FundraiserUpdate.body == body,
        )
    )
    if latest is not None:
        return db.session.get_one(FundraiserUpdate, latest)
    made = FundraiserUpdate(fundraiser_id=fundraiser_id, by_id=by.id, title=title, body=body, created_at=now())
    db.session.add(made)
    db.session.flush()
    record(
        "fundraiser.updated",
        subject=fundraiser,
        by=by,
        organization_id=fundraiser.organization_id,
        data={"update_id": made.id},
    )
    return made


def withdraw_update(update_id: int, *, by: Person) -> FundraiserUpdate:
    """Nobody reads it any more. Twice is once. Raises Refused when there is none."""
    found = lock(FundraiserUpdate, update_id)
    if found is None:
        raise refuse("not_found", _("This update does not exist"))
    if found.withdrawn_at is None:
        found.withdrawn_at = now()
        record(
            "fundraiser.update_withdrawn",
            subject=found.fundraiser,
            by=by,
            organization_id=found.fundraiser.organization_id,
            data={"update_id": found.id},
        )
        db.session.flush()
    return found
