"""One process of several whose gifts claim the same sponsor's promise at the same time. Run by test_matching.

python -m tests.donations.match_worker SETTINGS.json (guarded|unguarded) ID...
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

import sqlalchemy as sa

from app import create_app
from app.core.clock import now
from app.core.db import db, transaction
from app.core.ids import encode_id
from app.core.money import Money
from app.donations import matching, tally
from app.donations.facts import PaymentFacts, SessionFacts
from app.donations.models import Donation
from app.donations.operations import fulfilling, milestones
from app.fundraisers.models import MatchingGift
from config import Settings


def remove_guards() -> None:
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


def main() -> None:
    """Say "ready", wait for a line, then let Stripe's word of each gift arrive."""
    values = json.loads(Path(sys.argv[1]).read_text())
    values |= {"data_dir": Path(values["data_dir"]), "supported_locales": tuple(values["supported_locales"])}
    app = create_app(Settings(**values))
    if sys.argv[2] == "unguarded":
        remove_guards()
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    sys.stdin.readline()
    with app.app_context():
        for key in map(int, sys.argv[3:]):
            gift = db.session.get_one(Donation, key)
            amount, name = Money(gift.amount_minor, gift.currency), encode_id(key)
            db.session.rollback()
            session = SessionFacts(f"cs_{key}", "", "complete", "paid", amount, f"pi_{key}", name, 1, False, now())
            payment = PaymentFacts(f"pi_{key}", "succeeded", amount, None, None, None, name, False)
            with transaction():
                fulfilling.fulfil(key, session, payment, livemode=False)


if __name__ == "__main__":
    main()
