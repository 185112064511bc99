"""What is done about each kind of stored event. An event is a trigger: whoever answers it fetches the truth (F3)."""

from __future__ import annotations

from collections.abc import Callable

from app.core.db import db, transaction
from app.donations import accounts, checkout, going_back, monthly, queries
from app.donations.operations import inbox
from app.donations.queries import StoredEvent

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
    asked: the worker tries again."""
    event = queries.find_open_event(event_id)
    db.session.rollback()
    if event is None:
        return
    for prefix, act in ACTS:
        if event.type.startswith(prefix):
            act(event)
            return
    with transaction():
        inbox.close_event(event.id, "ignored", "not acted upon")
