"""What `flask verify` recomputes of what fundraisers' pages show: the counters, and what sponsors add."""

from __future__ import annotations

import collections

import sqlalchemy as sa

from app.core.db import db
from app.core.ids import encode_id
from app.donations import tally
from app.donations.models import LedgerEntry
from app.donations.tally_models import FundraiserDonor, FundraiserTally, MatchClaim
from app.fundraisers.models import MatchingGift


def check_tallies() -> tuple[int, list[str]]:
    """Every counter of a fundraiser, and every donor counted, against the ledger and the donations."""
    facts = tally.recount()
    kept = {row.fundraiser_id: row for row in db.session.scalars(sa.select(FundraiserTally))}
    donors: dict[int, dict[str, int]] = collections.defaultdict(dict)
    for row in db.session.scalars(sa.select(FundraiserDonor).where(FundraiserDonor.given_minor > 0)):
        donors[row.fundraiser_id][row.donor] = row.given_minor
    found: list[str] = []
    for key in sorted(facts.keys() | kept.keys()):
        truth, name = facts.get(key, tally.Counts()), encode_id(key)
        found += [
            f"tally: fundraiser {name} holds {getattr(kept.get(key), column, 0)} as {column}, not {getattr(truth, column)}"
            for column in tally.COLUMNS
            if getattr(kept.get(key), column, 0) != getattr(truth, column)
        ]
        if donors.get(key, {}) != truth.donors:
            found.append(f"tally: fundraiser {name} counts other donors than gave")
    return len(kept), found


def check_matches() -> tuple[int, list[str]]:
    """What each sponsor's promise says was claimed is what its gifts claimed, and what the ledger says; never beyond its cap."""
    claims = (
        sa.select(MatchClaim.matching_gift_id, sa.func.sum(MatchClaim.amount_minor).label("claimed"))
        .group_by(MatchClaim.matching_gift_id)
        .subquery()
    )
    query = sa.select(MatchingGift, sa.func.coalesce(claims.c.claimed, 0)).outerjoin(
        claims, claims.c.matching_gift_id == MatchingGift.id
    )
    rows = db.session.execute(query).all()
    found = [
        f"match: promise {encode_id(match.id)} has {match.claimed_minor} claimed, its gifts {claimed}"
        for match, claimed in rows
        if match.claimed_minor != claimed or match.claimed_minor > match.cap_minor
    ]
    owed = (
        sa.select(LedgerEntry.fundraiser_id, sa.func.sum(LedgerEntry.amount_minor))
        .where(LedgerEntry.account == "match_promised")
        .group_by(LedgerEntry.fundraiser_id)
    )
    left = collections.Counter(dict[int | None, int]((key, int(total)) for key, total in db.session.execute(owed)))
    for match, _claimed in rows:
        left[match.fundraiser_id] -= match.claimed_minor - match.paid_minor
    found += [f"match: what sponsors owe is off by {total}" for total in left.values() if total]
    return len(rows), found
