"""One process of several in which gifts are paid at the same time. Run by test_matching and test_tally.

python -m tests.donations.gift_worker SETTINGS.json (guarded|unclaimed|uncounted) ID...
"""

from __future__ import annotations

import time

import sqlalchemy as sa

from app.core.db import db
from app.donations import matching, tally
from app.donations.models import Donation
from app.donations.operations import fulfilling, milestones
from app.fundraisers.models import MatchingGift
from tests.donations.together import pay, run


def unclaimed() -> None:
    """The promise is read without its lock, some time goes by, and what was read then is what is written."""

    def read(_model: object, key: int) -> MatchingGift | None:
        found = db.session.get(MatchingGift, key, populate_existing=True)
        time.sleep(0.1)
        return found

    def take(match_id: int, minor: int) -> bool:
        match = db.session.get_one(MatchingGift, match_id)
        values = {"claimed_minor": match.claimed_minor + minor}
        db.session.execute(sa.update(MatchingGift).where(MatchingGift.id == match_id).values(values))
        return True

    matching.lock = read  # type: ignore[assignment]
    for module in (fulfilling, milestones, tally):
        module.lock = lambda model, key: db.session.get(model, key)  # type: ignore[attr-defined]
    matching._take = take
    tally.gift_paid = tally.matched = lambda *_about: None  # type: ignore[assignment]


def uncounted() -> None:
    """No lock on the fundraiser, and time between reading what is counted and writing it."""
    real = tally._tallies

    def slowly(donation: Donation) -> list[tally.FundraiserTally]:
        found = real(donation)
        time.sleep(0.05)
        return found

    tally._tallies = slowly
    fulfilling.note_milestones = lambda _donation: None  # it would take the fundraiser's lock after all
    tally.lock = fulfilling.lock = lambda model, key: db.session.get(model, key)  # type: ignore[attr-defined,assignment]


def pay_all(keys: list[str]) -> None:
    """Let Stripe's word of each gift arrive."""
    for key in keys:
        pay(int(key))


if __name__ == "__main__":
    run(lambda which: {"unclaimed": unclaimed, "uncounted": uncounted}[which](), pay_all)
