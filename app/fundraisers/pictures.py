"""Pictures of a fundraiser's page (G8): drawn anew before they are kept, with a consent where children can be recognized.
Every function runs inside the caller's transaction and flushes."""

from __future__ import annotations

import sqlalchemy as sa

from app.accounts.models import Person
from app.core.audit import record
from app.core.clock import now
from app.core.db import db, lock
from app.core.errors import InvalidInput, refuse
from app.core.i18n import _
from app.core.pictures import Picture
from app.fundraisers.models import FundraiserPicture
from app.fundraisers.operations import lock_fundraiser

# A picture fits into a square of so many pixels.
BOX = 960
MOST_PICTURES = 6


def add_picture(
    fundraiser_id: int, picture: Picture, *, by: Person, alt: str, shows_children: bool, consent: str = ""
) -> FundraiserPicture:
    """Show `picture` (core.pictures.reencode, outside of any transaction: it takes a moment) on the page. `consent` says who
    agreed, and how, that children who can be recognized are shown; the organization's staff read it.

    Raises InvalidInput without a consent that is needed, Refused when there are as many pictures as a page has.
    """
    fundraiser = lock_fundraiser(fundraiser_id)
    if shows_children and not consent:
        raise InvalidInput({"consent": _("Say who agreed for the children, and how")})
    kept = sa.select(FundraiserPicture).where(
        FundraiserPicture.fundraiser_id == fundraiser_id, FundraiserPicture.removed_at.is_(None)
    )
    rows = list(db.session.scalars(kept))
    if same := next((row for row in rows if row.digest == picture.digest), None):
        return same
    if len(rows) >= MOST_PICTURES:
        raise refuse(
            "too_many", _("A page shows at most %(most)s pictures", most=MOST_PICTURES), _("Remove one of them first")
        )
    made = FundraiserPicture(
        fundraiser_id=fundraiser_id,
        by_id=by.id,
        content=picture.content,
        digest=picture.digest,
        width=picture.width,
        height=picture.height,
        alt=alt,
        shows_children=shows_children,
        consent=consent if shows_children else "",
        consent_at=now() if shows_children else None,
        created_at=now(),
    )
    db.session.add(made)
    fundraiser.edited_at = now()
    fundraiser.version += 1
    db.session.flush()
    data = {"picture_id": made.id, "shows_children": shows_children}
    record("fundraiser.picture_added", subject=fundraiser, by=by, organization_id=fundraiser.organization_id, data=data)
    return made


def remove_picture(picture_id: int, *, by: Person, consent_withdrawn: bool = False) -> FundraiserPicture:
    """Show it no longer: the picture is gone at once, and so is what was noted of a consent. That a consent was withdrawn is
    kept. Twice is once. Raises Refused when there is none."""
    found = lock(FundraiserPicture, picture_id)
    if found is None:
        raise refuse("not_found", _("This picture does not exist"))
    if found.removed_at is None:
        fundraiser = lock_fundraiser(found.fundraiser_id)
        found.removed_at, found.content, found.alt, found.consent = now(), None, "", ""
        found.consent_withdrawn = consent_withdrawn
        fundraiser.version += 1
        action = "fundraiser.consent_withdrawn" if consent_withdrawn else "fundraiser.picture_removed"
        record(
            action,
            subject=fundraiser,
            by=by,
            organization_id=fundraiser.organization_id,
            data={"picture_id": found.id},
        )
        db.session.flush()
    return found
