"""One process of several in which gifts to one organization are paid at the same time. Run by test_receipts.

python -m tests.donations.receipt_worker SETTINGS.json (guarded|unguarded) ID...

Every third transaction fails after its receipt was issued, and is tried again: what it took must be free again.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError

from app import create_app
from app.core.clock import now
from app.core.db import db, transaction
from app.core.ids import encode_id
from app.core.money import Money
from app.donations.facts import PaymentFacts, SessionFacts
from app.donations.models import Donation
from app.donations.operations import fulfilling, receipts
from app.donations.receipt_models import Receipt
from config import Settings


class Stumbled(Exception):
    """The transaction was not to be."""


def main() -> None:
    """Say "ready", wait for a line, then let Stripe's word of each gift arrive; say how many receipts could not be issued."""
    values = json.loads(Path(sys.argv[1]).read_text())
    values |= {"data_dir": Path(values["data_dir"]), "supported_locales": tuple(values["supported_locales"])}
    app = create_app(Settings(**values))
    seen = {"number": 0}
    if sys.argv[2] == "unguarded":  # the next number is what was seen before the transaction, held by nobody
        receipts._next_number = lambda _organization_id, _mode: seen["number"] + 1
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    sys.stdin.readline()
    failed = 0
    with app.app_context():
        for turn, key in enumerate(map(int, sys.argv[3:])):
            gift = db.session.get_one(Donation, key)
            amount, name = Money(gift.amount_minor, gift.currency), encode_id(key)
            seen["number"] = db.session.scalar(sa.select(sa.func.max(Receipt.number))) or 0
            db.session.rollback()
            if sys.argv[2] == "unguarded":
                time.sleep(0.02)
            session = SessionFacts(f"cs_{key}", "", "complete", "paid", amount, f"pi_{key}", name, 1, False, now())
            payment = PaymentFacts(f"pi_{key}", "succeeded", amount, None, None, None, name, False)
            for stumble in (True, False) if turn % 3 == 0 else (False,):
                try:
                    with transaction():
                        fulfilling.fulfil(key, session, payment, livemode=False)
                        if stumble:
                            raise Stumbled
                except Stumbled:
                    continue
                except IntegrityError:
                    failed += 1
    sys.stdout.write(f"{failed}\n")


if __name__ == "__main__":
    main()
