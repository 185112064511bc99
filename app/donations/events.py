"""What is done about each kind of stored event. An event is a trigger: whoever answers it fetches the truth (F3)."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable

from app.core.clock import now
from app.core.db import db, transaction
from app.core.outbox import Postponed, promise_again
from app.donations import accounts, checkout, gateway, going_back, money_queries, monthly, queries
from app.donations.gateway import GatewayError
from app.donations.operations import inbox
from app.donations.operations.mismatches import ACCOUNT_GONE, note_mismatch
from app.donations.queries import StoredEvent

# An event is answered within seconds. When its promise was given up, it rests a while before it is tried from the beginning.
WAITS = dt.timedelta(minutes=15)
RESTS = dt.timedelta(hours=1)
# By the first that fits. Every type of inbox.HANDLED_TYPES has one (tests/donations/test_inbox.py).
ACTS: tuple[tuple[str, Callable[[StoredEvent], None]], ...] = (
    ("checkout.session.", checkout.handle_event),
    ("payment_intent.", checkout.handle_event),
    ("charge.updated", checkout.handle_event),
    ("account.", accounts.handle_event),
    ("invoice.", monthly.handle_event),
    ("invoice_payment.", monthly.handle_event),
    ("customer.subscription.", monthly.handle_event),
    ("charge.refunded", going_back.handle_event),
    ("refund.", going_back.handle_event),
    ("charge.dispute.", going_back.handle_event),
    ("radar.early_fraud_warning.", going_back.handle_event),
    ("payout.", going_back.handle_event),
)


def handle(event_id: int) -> None:
    """Answer one stored event; one that is answered already stays as it is. Raises GatewayError when Stripe cannot be
    asked: the worker tries again; Postponed while it says that it does not know what the event speaks of."""
    event = queries.find_open_event(event_id)
    db.session.rollback()
    if event is None:
        return
    for prefix, act in ACTS:
        if event.type.startswith(prefix):
            _do(act, event)
            return
    with transaction():
        inbox.close_event(event.id, "ignored", "not acted upon")


def _do(act: Callable[[StoredEvent], None], event: StoredEvent) -> None:
    """Answer it, unless it is of an account that was taken from us: of that nothing is asked. While only an answer to us says
    so, it waits."""
    account = event.account
    if account is not None and not event.type.startswith("account.") and accounts.is_gone(account):
        _keep_unasked(event, account)
        return
    try:
        act(event)
    except GatewayError as error:
        if error.missing == (event.object_id, account):
            _let_go(event)
            return
        if not error.passing:
            _is_not_gone(event)
        if error.code != gateway.ACCOUNT_GONE or account is None:
            raise
        if not accounts.doubt(account):
            raise GatewayError(error.code, passing=True) from error
        _keep_unasked(event, account)
    except Exception:
        _is_not_gone(event)
        raise


def _is_not_gone(event: StoredEvent) -> None:
    """It failed for another reason than that Stripe does not know what it speaks of."""
    db.session.rollback()
    with transaction():
        inbox.note_not_gone(event.id)


def _let_go(event: StoredEvent) -> None:
    """What it speaks of is gone at Stripe (a test clock or a customer was deleted there), or a wrong key was asked with: it is
    asked for every hour, and closed when that is so for a day. Only of the event's own object, asked of the event's own account:
    whatever else is missing is no reason to leave the event alone. Raises Postponed."""
    with transaction():
        left = inbox.let_go(event.id)
    if left > dt.timedelta():
        raise Postponed(min(left, RESTS))


def ask_again() -> None:
    """Sweep: events that nobody has answered, and for which no promise stands any more, are promised anew: whatever ended it
    (a wrong key, an error of ours that was mended), what happened at Stripe comes into the books."""
    if not gateway.is_on():
        return
    with transaction():
        at = now()
        promise_again(
            "stripe_event",
            [
                ({"event_id": key}, inbox.promise_key(stripe_id))
                for key, stripe_id in queries.list_forgotten_events(at - WAITS, given_up_before=at - RESTS)
            ],
        )


def _keep_unasked(event: StoredEvent, account: str) -> None:
    """News of an account that its organization took from us: nothing can be asked about it, so it changes no books, and a
    person is to look, unless it tells of what is in them already."""
    organization_id = money_queries.find_owner(account, gateway.mode())
    known = queries.is_known_already(event)
    db.session.rollback()
    with transaction():
        if known:
            inbox.close_event(event.id, "handled", "known before its account was disconnected")
            return
        note_mismatch(
            account=account,
            kind=ACCOUNT_GONE,
            subject=event.object_id,
            detail=event.type,
            organization_id=organization_id,
        )
        inbox.close_event(event.id, "handled", "of an account that was disconnected")
