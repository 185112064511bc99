"""Guards of money taken out one by one, for the requests that ask for it by the header X-Without: the controls of test_money.

A module of the tests, never reachable from the application. What remains of each guard is "look first, then hope".
"""

from __future__ import annotations

import contextvars
import dataclasses
import secrets
import time
from collections.abc import Callable
from typing import Any

import sqlalchemy as sa

from app.core.db import db
from app.donations import gateway, matching, money_queries, tally
from app.donations.models import StripeEvent
from app.donations.operations import fulfilling, inbox, milestones, receipts, refunds
from app.donations.receipt_models import Receipt
from app.fundraisers.models import MatchingGift

without: contextvars.ContextVar[str] = contextvars.ContextVar("without", default="")
seen: contextvars.ContextVar[Any] = contextvars.ContextVar("seen", default=None)


def listening(inner: Callable[..., Any]) -> Callable[..., Any]:
    """The application that takes out, for each request, the guard that its header names."""

    def answer(environ: dict[str, Any], start_response: Callable[..., Any]) -> Any:
        without.set(environ.get("HTTP_X_WITHOUT", ""))
        return inner(environ, start_response)

    return answer


def take_out(guards: str, module: Any, name: str, instead: Callable[..., Any]) -> None:
    """Let `instead` stand in for a function of a module while one of `guards` is out."""
    real = getattr(module, name)

    def chosen(*about: Any, **named: Any) -> Any:
        return (instead if without.get() in guards.split() else real)(*about, **named)

    setattr(module, name, chosen)


# "left": what is left of a gift is what the page saw before anybody had the lock.
_refundable = money_queries.refundable


def _look(donation: Any) -> Any:
    seen.set(_refundable(donation))
    time.sleep(0.6)
    return seen.get()


take_out("left", money_queries, "refundable", _look)
take_out("left", refunds, "refundable", lambda _donation: seen.get())

# "numbers": the next number of a receipt is the one after that which was seen before the transaction, held by nobody.
_fetch_payment = gateway.fetch_payment


def _fetch_and_look(*about: Any, **named: Any) -> Any:
    found = _fetch_payment(*about, **named)
    last = sa.select(Receipt.organization_id, sa.func.max(Receipt.number)).group_by(Receipt.organization_id)
    seen.set(dict(db.session.execute(last).tuples()))
    db.session.rollback()
    time.sleep(0.3)
    return found


take_out("numbers", gateway, "fetch_payment", _fetch_and_look)
take_out("numbers", receipts, "_next_number", lambda organization_id, _mode: seen.get().get(organization_id, 0) + 1)


# "cap": a sponsor's promise is read without its lock, some time goes by, and what was read then is what is written. "counters":
# the same of what a page shows. Gifts meet at the fundraiser's lock, too, which is off for both.
def _read(_model: object, key: int) -> MatchingGift | None:
    found = db.session.get(MatchingGift, key, populate_existing=True)
    time.sleep(0.3)
    return found


def _take(match_id: int, minor: int) -> bool:
    match = db.session.get_one(MatchingGift, match_id)
    values = {"claimed_minor": match.claimed_minor + minor}
    db.session.execute(sa.update(MatchingGift).where(MatchingGift.id == match_id).values(values))
    return True


_tallies = tally._tallies


def _count_slowly(donation: Any) -> list[tally.FundraiserTally]:
    found = _tallies(donation)
    time.sleep(0.3)
    return found


take_out("cap", matching, "lock", _read)
take_out("cap", matching, "_take", _take)
for name in ("gift_paid", "matched"):
    take_out("cap", tally, name, lambda *_about: None)
take_out("counters", tally, "_tallies", _count_slowly)
for module in (fulfilling, milestones, tally):
    take_out("cap counters", module, "lock", lambda model, key: db.session.get(model, key))
take_out("counters", fulfilling, "note_milestones", lambda _donation: None)  # it would lock the fundraiser after all

# "once": whether an event is there is looked up, and then it is written under a name that nobody else uses.
_take_in = inbox.take_in


def _look_then_write(event: Any, **named: Any) -> None:
    known = db.session.scalar(sa.select(StripeEvent.id).where(StripeEvent.stripe_id.startswith(event.id)).limit(1))
    db.session.rollback()
    time.sleep(0.3)
    if known is None:
        _take_in(dataclasses.replace(event, id=f"{event.id}-{secrets.token_hex(4)}"), **named)


take_out("once", inbox, "take_in", _look_then_write)
