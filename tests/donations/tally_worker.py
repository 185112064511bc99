"""One process of several that count gifts for one fundraiser at the same time. Run by test_tally.

python -m tests.donations.tally_worker SETTINGS.json (guarded|unguarded) ID...
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

from app import create_app
from app.core.clock import now
from app.core.db import db, transaction
from app.core.ids import encode_id
from app.core.money import Money
from app.donations import tally
from app.donations.facts import PaymentFacts, SessionFacts
from app.donations.models import Donation
from app.donations.operations import fulfilling
from config import Settings


def main() -> None:
    """Say "ready", wait for a line, then let Stripe's word of each gift arrive."""
    values = json.loads(Path(sys.argv[1]).read_text())
    values |= {"data_dir": Path(values["data_dir"]), "supported_locales": tuple(values["supported_locales"])}
    app = create_app(Settings(**values))
    if sys.argv[2] == "unguarded":
        # No lock on the fundraiser, and time between reading what is counted and writing it.
        real = tally._tallies

        def slowly(donation: Donation) -> list[tally.FundraiserTally]:
            found = real(donation)
            time.sleep(0.05)
            return found

        tally._tallies = slowly
        fulfilling.note_milestones = lambda _donation: None  # it would take the fundraiser's lock after all
        tally.lock = fulfilling.lock = lambda model, key: db.session.get(model, key)  # type: ignore[attr-defined,assignment]
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
