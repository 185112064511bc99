"""A process that gives back 10.00 of a gift when told, with or without the guard. Run by test_refunds.

python -m tests.donations.refund_worker SETTINGS.json DONATION_ID (guarded|unguarded)
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from app import create_app
from app.core.db import transaction
from app.core.errors import Refused
from app.core.money import Money
from app.donations import queries
from app.donations.money_queries import refundable
from app.donations.operations import refunds
from config import Settings


def main() -> None:
    """Say "ready", wait for a line, give back, say what became of it."""
    values = json.loads(Path(sys.argv[1]).read_text())
    values |= {"data_dir": Path(values["data_dir"]), "supported_locales": tuple(values["supported_locales"])}
    app = create_app(Settings(**values))
    donation_id = int(sys.argv[2])
    with app.app_context():
        donation = queries.find_donation(donation_id)
        assert donation is not None
        seen = refundable(donation)
        if sys.argv[3] == "unguarded":  # what was left before anybody had the lock
            refunds.refundable = lambda _donation: seen
        sys.stdout.write("ready\n")
        sys.stdout.flush()
        sys.stdin.readline()
        try:
            with transaction():
                refunds.start_refund(donation_id, amount=Money(1000, donation.currency), by=None, mode="demo")
            sys.stdout.write("saved\n")
        except Refused as refused:
            sys.stdout.write(f"{refused.reasons[0].code}\n")


if __name__ == "__main__":
    main()
