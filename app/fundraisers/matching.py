"""What sponsors promise: to give as much as is given, up to a cap and within days. Every function runs inside the caller's
transaction and flushes. Claiming it for a gift, and what the sponsor paid, are donations' (donations.matching)."""

from __future__ import annotations

import datetime as dt

import sqlalchemy as sa

from app.accounts.models import Person
from app.core.audit import record
from app.core.clock import now, today
from app.core.db import db, lock
from app.core.errors import InvalidInput, refuse
from app.core.i18n import _
from app.core.money import BadAmount, Money, check_goal, explain
from app.fundraisers.models import Fundraiser, MatchingGift
from app.fundraisers.operations import LONGEST_DAYS, lock_fundraiser
from app.fundraisers.policy import has_ended

MOST_AT_ONCE = 5


def promise_match(
    fundraiser_id: int,
    *,
    by: Person,
    sponsor: str,
    cap: Money,
    starts_on: dt.date,
    ends_on: dt.date,
    locale: str = "en",
) -> MatchingGift:
    """Record that `sponsor` doubles what is given from `starts_on` to `ends_on` (days in the organization's zone), up to `cap`
    in the fundraiser's currency. The same sent twice is one. Raises InvalidInput; Refused when the page is over."""
    fundraiser = lock_fundraiser(fundraiser_id)
    if fundraiser.status == "declined" or has_ended(fundraiser):
        raise refuse("fundraiser_over", _("This fundraiser is over"))
    errors: dict[str, str] = {}
    if cap.currency != fundraiser.currency:
        errors["cap"] = _("This fundraiser takes gifts in %(currency)s", currency=fundraiser.currency)
    else:
        try:
            check_goal(cap)
        except BadAmount as bad:
            errors["cap"] = explain(bad, cap.currency, locale)
    first = today(fundraiser.organization.time_zone)
    if starts_on < first:
        errors["starts_on"] = _("Choose today or a later day")
    if ends_on < starts_on:
        errors["ends_on"] = _("Choose the first day or a later one")
    elif ends_on > first + dt.timedelta(days=LONGEST_DAYS):
        errors["ends_on"] = _("Choose a day within three years")
    if errors:
        raise InvalidInput(errors)
    live = list_open_matches(fundraiser_id)
    for one in live:
        if (one.sponsor, one.cap_minor, one.starts_on, one.ends_on) == (sponsor, cap.amount_minor, starts_on, ends_on):
            return one
    if len(live) >= MOST_AT_ONCE:
        raise refuse("too_many", _("This fundraiser has as many sponsors as it can have"), _("End one of them first"))
    made = MatchingGift(
        fundraiser_id=fundraiser_id,
        sponsor=sponsor,
        cap_minor=cap.amount_minor,
        currency=cap.currency,
        starts_on=starts_on,
        ends_on=ends_on,
        claimed_minor=0,
        paid_minor=0,
        created_by_id=by.id,
        created_at=now(),
    )
    db.session.add(made)
    db.session.flush()
    _record("match.promised", made, fundraiser, by)
    return made


def end_match(match_id: int, *, by: Person) -> MatchingGift:
    """No further gift is matched; what was claimed stays promised. Twice is once. Raises Refused when there is none."""
    found = lock(MatchingGift, match_id)
    if found is None:
        raise refuse("not_found", _("This promise does not exist"))
    if found.ended_at is None:
        found.ended_at = now()
        db.session.flush()
        _record("match.ended", found, found.fundraiser, by)
    return found


def list_open_matches(fundraiser_id: int) -> list[MatchingGift]:
    """Promises that may still be claimed, now or later, the oldest first."""
    query = (
        sa.select(MatchingGift)
        .where(MatchingGift.fundraiser_id == fundraiser_id, MatchingGift.ended_at.is_(None))
        .order_by(MatchingGift.created_at, MatchingGift.id)
    )
    return list(db.session.scalars(query))


def _record(action: str, match: MatchingGift, fundraiser: Fundraiser, by: Person) -> None:
    record(
        action,
        subject=match,
        by=by,
        organization_id=fundraiser.organization_id,
        data={"fundraiser_id": fundraiser.id, "cap_minor": match.cap_minor, "currency": match.currency},
    )
