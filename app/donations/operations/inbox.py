"""The inbox: what Stripe sent or lists, kept once by its id."""

from __future__ import annotations

import datetime as dt
import functools
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from app.core.clock import now
from app.core.db import Base, db, new_id, uses_sqlite
from app.core.outbox import enqueue
from app.donations.facts import EventFacts
from app.donations.models import PLATFORM, StripeEvent, StripeSync
from app.donations.payees import is_known_account

# What is acted upon; every other type is stored and answered 200 (F3).
HANDLED_TYPES = (
    "checkout.session.completed",
    "checkout.session.async_payment_succeeded",
    "checkout.session.async_payment_failed",
    "checkout.session.expired",
    "payment_intent.payment_failed",
    "charge.updated",
    "account.updated",
    "invoice.paid",
    "invoice.payment_failed",
    "invoice_payment.paid",
    "customer.subscription.updated",
    "customer.subscription.deleted",
    "account.application.deauthorized",
    "charge.refunded",
    "refund.created",
    "refund.updated",
    "refund.failed",
    "charge.dispute.created",
    "charge.dispute.updated",
    "charge.dispute.funds_withdrawn",
    "charge.dispute.funds_reinstated",
    "charge.dispute.closed",
    "radar.early_fraud_warning.created",
    "payout.paid",
    "payout.failed",
)


def store_event(event: EventFacts, *, livemode: bool, endpoint: str | None = None) -> bool:
    """Keep an event by its Stripe id and wake the worker; False when it was there already (F3).

    An event of the other mode, of an account that is not ours, or of a type nobody acts upon is kept, too, and left alone.
    `endpoint` is where it came in: "platform" takes what happened on the installation's own account, "connect" what happened
    on an organization's; None is Stripe's list.
    """
    reason = ""
    if event.livemode != livemode:
        reason = "wrong livemode"
    elif endpoint == "platform" and event.account is not None:
        reason = "of a connected account"
    elif endpoint == "connect" and event.account is None:
        reason = "of no connected account"
    elif event.account is not None and not is_known_account(event.account):
        reason = "of an account that is not ours"
    elif event.type not in HANDLED_TYPES:
        reason = "not acted upon"
    values = {
        "id": new_id(),
        "stripe_id": event.id,
        "type": event.type[:100],
        "object_id": event.object_id,
        "account": event.account,
        "livemode": event.livemode,
        "created_at": event.created_at,
        "received_at": now(),
        "status": "ignored" if reason else "received",
        "handled_at": now() if reason else None,
        "note": reason,
    }
    if db.session.scalar(_insertion(uses_sqlite()), values) is None:
        return False
    if not reason:
        enqueue("stripe_event", {"event_id": values["id"]}, key=f"stripe_event:{event.id}")
    return True


@functools.cache
def _insertion(on_sqlite: bool) -> Any:
    """The statement, made once: of the table and not of the class, with its values apart, it is compiled once as well."""
    insert = sqlite.insert if on_sqlite else postgresql.insert
    table = Base.metadata.tables[StripeEvent.__tablename__]
    return insert(table).on_conflict_do_nothing(index_elements=["stripe_id"]).returning(table.c.id)


def close_event(event_id: int, status: str, note: str = "") -> None:
    """Mark an event handled or ignored; one that is closed already stays as it is."""
    db.session.execute(
        sa.update(StripeEvent)
        .where(StripeEvent.id == event_id, StripeEvent.status == "received")
        .values(status=status, handled_at=now(), note=note),
        execution_options={"synchronize_session": False},
    )


def note_listed(until: dt.datetime, *, account: str | None = None) -> None:
    """Stripe's list of events of `account` (None: the installation's own) has been read up to `until`."""
    row = db.session.get(StripeSync, account or PLATFORM, with_for_update=True)
    if row is None:
        db.session.add(StripeSync(account=account or PLATFORM, listed_until=until))
    else:
        row.listed_until = max(row.listed_until, until)
    db.session.flush()
