"""Matching gifts: what a sponsor promised is claimed when a gift is paid, once for each gift and never beyond the cap, and
given back with it. Every function runs inside the caller's transaction.

A claim is one conditional statement on the promise's row, held by a CHECK besides, so that gifts paid at one moment share
what is left of a cap and never more. The ledger holds what a sponsor owes (`match_promised`) and what it adds (`matches`);
a sponsor's payment moves what is owed to `offline`:

    match:<promise>:<gift>   match_promised +2500   matches        -2500
    match_paid:<n>           offline        +2500   match_promised -2500
"""

from __future__ import annotations

import datetime as dt
import zoneinfo

import sqlalchemy as sa

from app.accounts.models import Person
from app.core.audit import record
from app.core.clock import now, today
from app.core.db import changed_one, db, lock, new_id
from app.core.errors import InvalidInput, refuse
from app.core.i18n import _
from app.core.money import Money
from app.donations import ledger, tally
from app.donations.models import Donation
from app.donations.tally_models import MatchClaim
from app.fundraisers.matching import list_open_matches
from app.fundraisers.models import Fundraiser, MatchingGift
from app.fundraisers.queries import find_fundraiser_by_id


def gift_paid(donation: Donation) -> None:
    """Claim for the gift what sponsors of its fundraiser, and of its team, still have to give today. A second time changes
    nothing."""
    pages = [donation.fundraiser_id, *([donation.team_id] if donation.team_id is not None else [])]
    for fundraiser_id in pages:
        fundraiser = find_fundraiser_by_id(fundraiser_id)
        if fundraiser is None:
            continue
        day = _day_of(donation, fundraiser.organization.time_zone)
        for match in list_open_matches(fundraiser_id):
            if match.starts_on <= day <= match.ends_on:
                _claim(match.id, donation, fundraiser_id)


def _day_of(donation: Donation, zone: str) -> dt.date:
    """The day on which it was given, where the organization is: of a gift in person the day it was received."""
    if donation.received_on is not None:
        return donation.received_on
    return today(zone) if donation.paid_at is None else donation.paid_at.astimezone(zoneinfo.ZoneInfo(zone)).date()


def _claim(match_id: int, donation: Donation, fundraiser_id: int) -> None:
    """As much of the promise as the gift asks and is left. The row's own lock orders gifts that come at one moment."""
    known = sa.select(MatchClaim.id).where(
        MatchClaim.matching_gift_id == match_id, MatchClaim.donation_id == donation.id
    )
    if db.session.scalar(known) is not None:
        return
    for _try in range(2):
        match = lock(MatchingGift, match_id)
        if match is None or match.ended_at is not None:
            return
        minor = min(donation.amount_minor, match.cap_minor - match.claimed_minor)
        if minor <= 0:
            return
        if _take(match_id, minor):
            break
    else:
        return
    db.session.expire(match)
    db.session.add(MatchClaim(matching_gift_id=match_id, donation_id=donation.id, amount_minor=minor, created_at=now()))
    db.session.flush()
    _post(f"match:{match_id}:{donation.id}", "match", donation, fundraiser_id, minor, at=ledger.given_at(donation))
    tally.matched(donation, fundraiser_id, minor)


def _take(match_id: int, minor: int) -> bool:
    """Claim exactly so much, or nothing."""
    return changed_one(
        sa.update(MatchingGift)
        .where(MatchingGift.id == match_id, MatchingGift.claimed_minor + minor <= MatchingGift.cap_minor)
        .values(claimed_minor=MatchingGift.claimed_minor + minor)
    )


def gift_went_back(donation: Donation, minor: int, *, at: dt.datetime | None = None) -> None:
    """What is left of the gift is what it may have claimed, at most: the sponsor owes the rest no longer. Negative `minor`:
    it came again, and claims again as far as the cap allows. `at`: when that happened, None for now. Call it after the ledger
    was written."""
    left = max(tally.left_of(donation.id), 0)
    claims = sa.select(MatchClaim).where(MatchClaim.donation_id == donation.id).with_for_update()
    for claim in db.session.scalars(claims).all():
        match = lock(MatchingGift, claim.matching_gift_id)
        if match is None:
            continue
        if minor > 0:
            change = min(left, claim.amount_minor) - claim.amount_minor
        else:
            change = min(left - claim.amount_minor, match.cap_minor - match.claimed_minor)
            change = max(change, 0)
        if not change or not _take(match.id, change):
            continue
        db.session.expire(match)
        claim.amount_minor += change
        db.session.flush()
        source = f"match_changed:{match.id}:{donation.id}:{new_id()}"
        _post(source, "match_changed", donation, match.fundraiser_id, change, at=at)
        tally.matched(donation, match.fundraiser_id, change)


def _post(
    source: str, kind: str, donation: Donation, fundraiser_id: int, minor: int, *, at: dt.datetime | None = None
) -> None:
    ledger.post(
        organization_id=donation.organization_id,
        donation_id=donation.id,
        kind=kind,
        source=source,
        at=at,
        postings=[
            ledger.Posting("match_promised", Money(minor, donation.currency), fundraiser_id),
            ledger.Posting("matches", Money(-minor, donation.currency), fundraiser_id),
        ],
    )


def record_match_paid(match_id: int, *, by: Person, total: Money) -> MatchingGift:
    """The sponsor has paid `total` of what it promised, all payments together. Staff may lower it again: a slip of the pen.
    Raises InvalidInput for more than was claimed, Refused when there is no such promise."""
    known = db.session.get(MatchingGift, match_id)
    if known is not None:  # before the promise, as gifts do: the entries point at it
        lock(Fundraiser, known.fundraiser_id)
    found = lock(MatchingGift, match_id)
    if found is None:
        raise refuse("not_found", _("This promise does not exist"))
    if total.currency != found.currency or not 0 <= total.amount_minor <= found.claimed_minor:
        raise InvalidInput({"paid": _("Enter what was paid, at most what was matched")})
    change = total.amount_minor - found.paid_minor
    if not change:
        return found
    found.paid_minor = total.amount_minor
    organization_id = found.fundraiser.organization_id
    ledger.post(
        organization_id=organization_id,
        donation_id=None,
        kind="match_paid",
        source=f"match_paid:{match_id}:{new_id()}",
        postings=[
            ledger.Posting("offline", Money(change, found.currency), found.fundraiser_id),
            ledger.Posting("match_promised", Money(-change, found.currency), found.fundraiser_id),
        ],
    )
    record(
        "match.paid",
        subject=found,
        by=by,
        organization_id=organization_id,
        data={"paid_minor": found.paid_minor, "currency": found.currency},
    )
    db.session.flush()
    return found
