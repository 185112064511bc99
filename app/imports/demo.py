"""The demonstration's imports: one that was just taken, with rows that were refused and the way back still open, and a file
that somebody has looked at and not said yes to. They come after everything else that happened there, so that the audit trail,
which is in the order in which it was written, is in the order of time, too."""

from __future__ import annotations

import datetime as dt

import sqlalchemy as sa

from app.accounts.models import Person
from app.accounts.queries import find_person_by_email
from app.core.clock import moved_to, now, today
from app.core.db import db, transaction
from app.imports.fields import guess_columns
from app.imports.models import ImportBatch
from app.imports.operations import set_columns, start_import, upload_file
from app.imports.uploads import read_upload
from app.organizations.models import Membership, Organization

OWNER = "olive@example.org"
WINTER = """Number,Title,Description,City,State,Date,From,To,People
W-1,Sort the coats that came in,"Sizes, seasons, and what needs a button.",Newark,NJ,{soon},10:00,12:00,4
W-2,Read to children on Sundays,"Twenty minutes, then hot chocolate.",Newark,NJ,{later},15:00,16:30,2
W-3,Shovel the steps when it snows,"Early, before the school bus.",Newark,NJ,{later},06:30,07:30,3
W-4,Fix the drawers in the kitchen,"Eleven drawers, four of them stuck.",Newark,NJ,next Friday,18:00,20:00,2
W-5,,"Somebody wrote this row without saying what for.",Newark,NJ,{soon},09:00,11:00,2
"""
SPRING = """Number,Title,Description,City,State,Date,From,To,People
S-1,Wash the windows on all floors,"Buckets and ladders are there.",Newark,NJ,{soon},09:00,12:00,6
S-2,Plant the boxes at the door,"Herbs, and whatever smells good.",Newark,NJ,{later},10:00,12:00,4
"""


def load() -> None:
    """Both files, once; nothing where the demonstration's owner or their organization is not there."""
    owner = find_person_by_email(OWNER)
    organization = None if owner is None else _organization_of(owner)
    if owner is None or organization is None or _has_batch(organization.id):
        db.session.rollback()
        return
    taken_at, looked_at = now() - dt.timedelta(minutes=4), now() - dt.timedelta(minutes=2)
    db.session.rollback()
    with moved_to(taken_at), transaction():
        batch = _look_at(organization, WINTER, "winter-helpers.csv", owner)
        start_import(batch.id, publish=False, by=owner)
    with moved_to(looked_at), transaction():
        _look_at(organization, SPRING, "spring.csv", owner)


def _look_at(organization: Organization, text: str, name: str, by: Person) -> ImportBatch:
    """Uploaded, and its columns said as the page guesses them."""
    first = today(organization.time_zone)
    soon, later = first + dt.timedelta(days=12), first + dt.timedelta(days=19)
    upload = read_upload(text.format(soon=soon.isoformat(), later=later.isoformat()).encode(), name)
    batch = upload_file(organization.id, upload, by=by)
    columns = guess_columns({column: [row.cells[column] for row in upload.rows] for column in upload.header})
    return set_columns(batch.id, columns=columns, constants={"contact": "none"}, by=by)


def _organization_of(owner: Person) -> Organization | None:
    query = sa.select(Organization).join(Membership, Membership.organization_id == Organization.id)
    query = query.where(Membership.person_id == owner.id, Membership.role == "owner")
    return db.session.scalar(query.order_by(Organization.created_at).limit(1))


def _has_batch(organization_id: int) -> bool:
    return (
        db.session.scalar(sa.select(ImportBatch.id).where(ImportBatch.organization_id == organization_id)) is not None
    )
