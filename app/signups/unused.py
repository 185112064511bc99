"""Clearances without an end are kept while something rests on them, and a year longer (G3): whether it does, places say."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

import sqlalchemy as sa

from app.core.clock import now
from app.core.db import db
from app.needs.models import Need, Shift
from app.safeguarding.models import Clearance, ClearanceShare
from app.safeguarding.operations.clearances import purge_clearance
from app.signups.models import ENDED_STATUSES, LIVE_STATUSES, ShiftStaff, Signup

KEPT_UNUSED = dt.timedelta(days=365)
MOST_AT_ONCE = 500


def purge_unused() -> int:
    """In a transaction: delete what has no end and was of no use for a year. Returns how many."""
    unused = _list_unused()
    for clearance in unused:
        purge_clearance(clearance)
    db.session.flush()
    return len(unused)


def _list_unused() -> Sequence[Clearance]:
    """Clearances that hold until they are revoked, of people who had no place, nor were named on a shift, for a year with
    an organization that relies on them: the one that recorded it, those it is shared with; any, for the platform's own."""
    since = now() - KEPT_UNUSED
    share = sa.select(ClearanceShare.clearance_id).where(ClearanceShare.clearance_id == Clearance.id)
    relies = sa.or_(
        Need.organization_id == Clearance.organization_id,
        Clearance.organization_id.is_(None),
        share.where(ClearanceShare.organization_id == Need.organization_id).exists(),
    )
    place = (
        sa.select(Signup.id)
        .join(Shift, Shift.id == Signup.shift_id)
        .join(Need, Need.id == Shift.need_id)
        .where(Signup.person_id == Clearance.person_id, Signup.status.not_in(ENDED_STATUSES), relies)
        .where(
            sa.or_(
                sa.func.coalesce(Shift.ends_at, Signup.checked_in_at, Signup.created_at) >= since,
                sa.and_(Shift.ends_at.is_(None), Signup.status.in_(LIVE_STATUSES)),
            )
        )
    )
    named = (
        sa.select(ShiftStaff.shift_id)
        .join(Shift, Shift.id == ShiftStaff.shift_id)
        .join(Need, Need.id == Shift.need_id)
        .where(ShiftStaff.person_id == Clearance.person_id, relies)
        .where(sa.func.coalesce(Shift.ends_at, ShiftStaff.created_at) >= since)
    )
    return db.session.scalars(
        sa.select(Clearance)
        .where(Clearance.purge_on.is_(None), Clearance.revoked_at.is_(None), Clearance.created_at < since)
        .where(~share.where(ClearanceShare.consented_at >= since).exists(), ~place.exists(), ~named.exists())
        .order_by(Clearance.created_at, Clearance.id)
        .limit(MOST_AT_ONCE)
        # What somebody revokes or shares at the moment comes with the next sweep, if it still is unused.
        .with_for_update(of=Clearance, skip_locked=True),
        execution_options={"populate_existing": True},
    ).all()
