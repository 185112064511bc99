"""Reads of the API about money that no page has: lists of rows by when they were made."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.orm import joinedload

from app.core.db import db
from app.core.paging import Page, cut, newest_first
from app.donations.models import Donation
from app.donations.tally_models import MatchClaim
from app.fundraisers.models import Fundraiser, MatchingGift


def page_in_person(fundraiser_id: int, *, status: str | None, cursor: str | None, limit: int) -> Page[Donation]:
    """Gifts in person that were recorded, of one status (donation.status) or all, also what was taken back; newest first.
    Raises BadCursor."""
    query = sa.select(Donation).options(joinedload(Donation.fundraiser))
    query = query.where(Donation.fundraiser_id == fundraiser_id, Donation.source == "offline")
    if status is not None:
        query = query.where(Donation.status == status)
    return cut(db.session.scalars(newest_first(query, Donation, cursor, limit)).all(), limit)


def find_in_person(gift_id: int) -> Donation | None:
    """A gift in person with its fundraiser and organization, or None: also for one that was given online."""
    whole = joinedload(Donation.fundraiser).joinedload(Fundraiser.organization)
    found = db.session.get(Donation, gift_id, options=[whole])
    return found if found is not None and found.source == "offline" else None


def find_match(match_id: int) -> MatchingGift | None:
    """A sponsor's promise with its fundraiser and organization, or None."""
    whole = joinedload(MatchingGift.fundraiser).joinedload(Fundraiser.organization)
    return db.session.get(MatchingGift, match_id, options=[whole])


def page_claims(match_id: int, *, cursor: str | None, limit: int) -> Page[MatchClaim]:
    """Which gifts claimed how much of a sponsor's promise, newest first. Raises BadCursor."""
    query = sa.select(MatchClaim).where(MatchClaim.matching_gift_id == match_id)
    return cut(db.session.scalars(newest_first(query, MatchClaim, cursor, limit)).all(), limit)
