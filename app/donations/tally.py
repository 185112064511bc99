"""What pages show of a fundraiser's money, changed with the fact: paid, on its way, gone back, matched.

Every function runs in the transaction of the fact and takes the fundraiser's lock itself (the caller may hold it already;
the donation's comes first). `recount` derives the same from the ledger and the donations, for `flask verify`.
"""

from __future__ import annotations

import collections
import dataclasses
from collections.abc import Iterable
from typing import Any

import sqlalchemy as sa

from app.core.db import db, lock
from app.donations.ledger import RAISED_ACCOUNTS
from app.donations.models import Donation, LedgerEntry, LedgerTransaction
from app.donations.tally_models import FundraiserDonor, FundraiserTally
from app.fundraisers.models import Fundraiser

COLUMNS = ("settled_minor", "offline_minor", "matched_minor", "processing_minor", "gift_count", "donor_count")


@dataclasses.dataclass
class Counts:
    """What a tally must hold, and who gave how much."""

    settled_minor: int = 0
    offline_minor: int = 0
    matched_minor: int = 0
    processing_minor: int = 0
    gift_count: int = 0
    donor_count: int = 0
    donors: dict[str, int] = dataclasses.field(default_factory=dict)


def donor_key(donation_id: int, email: str) -> str:
    """Whoever gives twice with one address is one donor; a gift without an address is a donor of its own."""
    return email or f"gift:{donation_id}"


def gift_paid(donation: Donation) -> None:
    """The gift counts now: it is in the ledger."""
    for tally in _tallies(donation):
        if donation.source == "offline":
            tally.offline_minor += donation.amount_minor
        else:
            tally.settled_minor += donation.amount_minor
        tally.gift_count += 1
        _give(tally, donation, donation.amount_minor)


def gift_went_back(donation: Donation, minor: int) -> None:
    """So much of the gift went back to its donor, in minor units; negative when it came again (a dispute was won, a refund
    failed). Call it after the ledger was written: what is left of the gift is read there."""
    left = left_of(donation.id)
    for tally in _tallies(donation):
        if donation.source == "offline":
            tally.offline_minor -= minor
        else:
            tally.settled_minor -= minor
        tally.gift_count += (left > 0) - (left + minor > 0)
        _give(tally, donation, -minor)


def hold_pages(fundraiser_id: int, team_id: int | None) -> None:
    """Take the locks of the pages that a gift will count on before its row points at them: a row that points at a page holds
    it a little, and of two who both hold it neither could lock it."""
    lock(Fundraiser, fundraiser_id)
    if team_id is not None:
        lock(Fundraiser, team_id)


def moved(donation: Donation, before: str) -> None:
    """The status of the gift was `before` and is another: it came on its way, or is so no longer."""
    change = (donation.status == "processing") - (before == "processing")
    if change:
        for tally in _tallies(donation):
            tally.processing_minor += change * donation.amount_minor


def matched(donation: Donation, fundraiser_id: int, minor: int) -> None:
    """A sponsor's promise to the page `fundraiser_id` for a gift grew by so much, in minor units; negative when the gift went
    back. What is added to a member's page is on the team's, too, as the gift is."""
    _locked(fundraiser_id).matched_minor += minor
    if donation.team_id is not None and fundraiser_id == donation.fundraiser_id:
        _locked(donation.team_id).matched_minor += minor
    db.session.flush()


def left_of(donation_id: int) -> int:
    """What of a gift is still given, in minor units, by the ledger."""
    query = (
        sa.select(-sa.func.coalesce(sa.func.sum(LedgerEntry.amount_minor), 0))
        .join(LedgerTransaction, LedgerTransaction.id == LedgerEntry.transaction_id)
        .where(LedgerTransaction.donation_id == donation_id, LedgerEntry.account.in_(RAISED_ACCOUNTS))
        .where(LedgerEntry.fundraiser_id.is_not(None))  # what a bank took beyond the gift is the organization's alone
    )
    return int(db.session.scalar(query) or 0)


def _tallies(donation: Donation) -> list[FundraiserTally]:
    """The page it was given to, and the team that page was part of when the gift was begun: always in this order."""
    found = [_locked(donation.fundraiser_id)]
    return found if donation.team_id is None else [*found, _locked(donation.team_id)]


def _locked(fundraiser_id: int) -> FundraiserTally:
    """The tally of a fundraiser, made when it is the first time; the fundraiser's lock is taken first."""
    lock(Fundraiser, fundraiser_id)
    found = db.session.get(FundraiserTally, fundraiser_id, populate_existing=True)
    if found is None:
        found = FundraiserTally(
            fundraiser_id=fundraiser_id, settled_minor=0, offline_minor=0, matched_minor=0, processing_minor=0,
            gift_count=0, donor_count=0,
        )  # fmt: skip
        db.session.add(found)
        db.session.flush()
    return found


def _give(tally: FundraiserTally, donation: Donation, minor: int) -> None:
    """The donor gave so much more, or less."""
    key = donor_key(donation.id, donation.email)
    donor = db.session.get(FundraiserDonor, (tally.fundraiser_id, key), populate_existing=True)
    if donor is None:
        donor = FundraiserDonor(fundraiser_id=tally.fundraiser_id, donor=key, given_minor=0)
        db.session.add(donor)
    was, donor.given_minor = donor.given_minor > 0, donor.given_minor + minor
    tally.donor_count += (donor.given_minor > 0) - was
    db.session.flush()


# --- the same from the facts ----------------------------------------------------------------------------------------


def recount(fundraiser_ids: Iterable[int] | None = None) -> dict[int, Counts]:
    """What the tallies must hold, by fundraiser, from the ledger and the donations alone; of all by default. What was given to
    a member's page is in its team's, too."""
    keys = None if fundraiser_ids is None else set(fundraiser_ids)
    found: dict[int, Counts] = collections.defaultdict(Counts)
    for gift in db.session.execute(_gifts()):
        for page in (gift.fundraiser_id, gift.team_id):
            if page is not None and (keys is None or page in keys):
                _add(found[page], gift)
    for counts in found.values():
        counts.donor_count = len(counts.donors)
    matches = (
        sa.select(
            LedgerEntry.fundraiser_id, Donation.fundraiser_id, Donation.team_id, sa.func.sum(-LedgerEntry.amount_minor)
        )
        .join(LedgerTransaction, LedgerTransaction.id == LedgerEntry.transaction_id)
        .join(Donation, Donation.id == LedgerTransaction.donation_id)
        .where(LedgerEntry.account == "matches", LedgerEntry.fundraiser_id.is_not(None))
        .group_by(LedgerEntry.fundraiser_id, Donation.fundraiser_id, Donation.team_id)
    )
    for promised_to, given_to, team_id, minor in db.session.execute(matches):
        for page in (promised_to, team_id if promised_to == given_to else None):
            if page is not None and (keys is None or page in keys):
                found[page].matched_minor += int(minor)
    waiting = (
        sa.select(Donation.fundraiser_id, Donation.team_id, sa.func.sum(Donation.amount_minor))
        .where(Donation.status == "processing")
        .group_by(Donation.fundraiser_id, Donation.team_id)
    )
    for fundraiser_id, team_id, minor in db.session.execute(waiting):
        for page in (fundraiser_id, team_id):
            if page is not None and (keys is None or page in keys):
                found[page].processing_minor += int(minor)
    return dict(found)


def _add(counts: Counts, gift: Any) -> None:
    given = int(gift.given)
    if gift.source == "offline":
        counts.offline_minor += given
    else:
        counts.settled_minor += given
    if given > 0:
        counts.gift_count += 1
        key = donor_key(gift.id, gift.email)
        counts.donors[key] = counts.donors.get(key, 0) + given


def _gifts() -> sa.Select[*tuple[Any, ...]]:
    """Each gift that is in the ledger, with what of it is still given."""
    columns = (Donation.id, Donation.fundraiser_id, Donation.team_id, Donation.source, Donation.email)
    return (
        sa.select(*columns, sa.func.sum(-LedgerEntry.amount_minor).label("given"))
        .join(LedgerTransaction, LedgerTransaction.donation_id == Donation.id)
        .join(LedgerEntry, LedgerEntry.transaction_id == LedgerTransaction.id)
        .where(LedgerEntry.account.in_(RAISED_ACCOUNTS), LedgerEntry.currency == Donation.currency)
        .where(LedgerEntry.fundraiser_id.is_not(None))
        .group_by(*columns)
    )
