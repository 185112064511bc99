"""One process of several in which something happens to the same monthly gift, or to the same organization's account, at the same
time. Run by test_monthly and test_money_races.

python -m tests.donations.monthly_worker SETTINGS.json WHICH follow ACCOUNT INVOICE_ID
                                                           stop MONTHLY_GIFT_ID
                                                           connect ORGANIZATION_ID PERSON_ID
                                                           match-paid MATCH_ID PERSON_ID

WHICH is guarded, or the guard that is out: unseen, unlocked, unkeyed, unheld. In held all are in, with the schedule of unheld;
and in awaited, where the other's is out.
"""

from __future__ import annotations

import dataclasses
import secrets
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from app.accounts.models import Person
from app.core.db import db, transaction
from app.core.money import Money
from app.donations import accounts, gateway, matching, monthly, tally
from app.donations.gateway import GatewayError
from app.donations.monthly_models import MonthlyGift
from app.donations.operations import monthly as operations
from app.fundraisers.models import Fundraiser, MatchingGift
from app.organizations.models import Organization
from tests.donations.together import run


def unseen() -> None:
    """Nobody looks whether the month is there already, and there is time before it is written."""
    operations.find_by_invoice = lambda _invoice_id: time.sleep(0.2)


def unlocked() -> None:
    """The monthly gift is read and not held, and between a month's reading and its writing the donor stops it."""
    is_read, status = Path(sys.argv[1]).with_suffix(".read"), sa.select(MonthlyGift.status)

    def read(model: Any, key: int) -> Any:
        if sys.argv[3] == "stop":
            _wait_until(is_read.exists)
        found = db.session.get(model, key)
        if sys.argv[3] == "follow" and isinstance(found, MonthlyGift):
            is_read.touch()
            with db.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as aside:
                _wait_until(lambda: aside.scalar(status) == "ended")
        return found

    operations.lock = read


def _wait_until(is_so: Callable[[], bool], looks: int = 400) -> None:
    for _look in range(looks):
        if is_so():
            return
        time.sleep(0.05)


def unkeyed() -> None:
    """Stripe is asked for an account under another key each time, and nobody looks whether it has one."""
    real = gateway.create_account
    gateway.create_account = lambda asked: real(dataclasses.replace(asked, idempotency_key=secrets.token_hex(8)))
    accounts._find_made = lambda *_about: None


def held() -> None:
    """The worst schedule: who has written a month, or holds a sponsor's promise, waits until another is so far, too; with all
    guards in a second at most, for there is none."""
    met = Path(sys.argv[1]).with_suffix(".met")

    def meet() -> None:
        with met.open("a") as file:
            file.write("x")
        _wait_until(lambda: met.stat().st_size > 1, looks=20 if sys.argv[2] == "held" else 400)

    declare, real = operations._declare_again, matching.lock

    def declare_and_meet(*about: Any) -> None:
        declare(*about)
        meet()

    def lock_and_meet(model: Any, key: int) -> Any:
        if sys.argv[2] == "unheld" and model is Fundraiser:
            return None
        found = real(model, key)
        if sys.argv[3] == "match-paid" and model is MatchingGift:
            meet()
        return found

    operations._declare_again, matching.lock = declare_and_meet, lock_and_meet


def unheld() -> None:
    """Nobody takes the lock of a page before writing what points at it."""
    held()
    tally.hold_pages = lambda *_about: None


def act(command: list[str]) -> None:
    """What the command says; of an account, write it and whether Stripe answered."""
    what, *about = command
    if what == "follow":
        monthly._follow(about[1], about[0] or None)
    elif what == "stop":
        monthly.stop_by_donor(int(about[0]))
    elif what == "match-paid":
        with transaction():
            by = db.session.get_one(Person, int(about[1]))
            matching.record_match_paid(int(about[0]), by=by, total=Money(1000, "USD"))
    else:
        organization, by = db.session.get_one(Organization, int(about[0])), db.session.get_one(Person, int(about[1]))
        try:
            accounts.onboard(organization, by=by)
            sys.stdout.write("there\n")
        except GatewayError as error:
            sys.stdout.write(f"{'later' if error.passing else error.code}\n")


if __name__ == "__main__":
    out = {"unseen": unseen, "unlocked": unlocked, "unkeyed": unkeyed, "held": held, "awaited": held, "unheld": unheld}
    run(lambda which: out[which](), act)
