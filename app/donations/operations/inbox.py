"""The inbox: what Stripe sent or lists, kept once by its id."""

from __future__ import annotations

import datetime as dt
import functools
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from app.core.clock import now
from app.core.db import Base, db, in_transaction, lock, new_id, uses_sqlite, write_alone
from app.core.outbox import promise_from
from app.donations.facts import EventFacts
from app.donations.models import EVENT_PROMISE, PLATFORM, StripeEvent, StripeSync
from app.donations.payees import BELIEVED_AFTER, known_account

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
    "payout.created",
    "payout.updated",
    "payout.paid",
    "payout.failed",
    "payout.canceled",
    "payout.reconciliation_completed",
)

# Why an event is left alone that may yet come to be answered.
WRONG_ENDPOINT = ("of a connected account", "of no connected account")
NOT_OURS = "of an account that is not ours"
# Stripe does not know any more what it speaks of.
GONE = "gone at Stripe"


def store_event(event: EventFacts, *, livemode: bool) -> None:
    """Keep an event of Stripe's list by its Stripe id and wake the worker, in the transaction of its caller; one that was
    there already stays as it is (F3).

    An event of the other mode, of an account that is not ours, or of a type nobody acts upon is kept, too, and left alone.
    Raises RuntimeError outside a transaction.
    """
    if not in_transaction():
        raise RuntimeError("what a list holds is stored with how far it was read")
    statements, values = _storing_of(event, livemode, None)
    for statement in statements:
        db.session.execute(statement, values)


def take_in(event: EventFacts, *, livemode: bool, endpoint: str) -> None:
    """Keep an event that Stripe delivers, as `store_event` does, as an act of its own: committed when this returns.

    `endpoint` is where it came in: "platform" takes what happened on the installation's own account, "connect" what happened
    on an organization's.
    """
    write_alone(*_storing_of(event, livemode, endpoint))


def promise_key(stripe_id: str) -> str:
    """Under which key the answer to an event is promised, once."""
    return f"{EVENT_PROMISE}{stripe_id}"


def _storing_of(event: EventFacts, livemode: bool, endpoint: str | None) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """The statements that keep an event, and what they are given."""
    note, asks = "", event.account is not None
    if event.livemode != livemode:
        note, asks = "wrong livemode", False
    elif endpoint == "platform" and asks:
        note, asks = WRONG_ENDPOINT[0], False
    elif endpoint == "connect" and not asks:
        note = WRONG_ENDPOINT[1]
    elif event.type not in HANDLED_TYPES:
        note = "not acted upon"
    key = new_id()
    values = {
        "id": key,
        "stripe_id": event.id,
        "type": event.type[:100],
        "object_id": event.object_id,
        "account": event.account,
        "livemode": event.livemode,
        "created_at": event.created_at,
        "received_at": now(),
        "note": note,
        "payload": {"event_id": key},
        "key": promise_key(event.id),
    }
    return _storing(asks, uses_sqlite()), values


@functools.cache
def _storing(asks: bool, on_sqlite: bool) -> tuple[Any, ...]:
    """The statements, made once: of tables and not of classes, with their values apart, they are compiled once as well.
    `asks`: whether the account is one of ours.

    A delivery costs PostgreSQL one statement, which asks for the account, keeps the event and promises the work. SQLite
    writes one table a statement: the second finds nothing when the first left the event as it was. An event that was left
    alone only because it came in at the wrong door, before its account was ours, or while another's key was here (what it
    spoke of was not found for a day) is kept anew under a new id (no row points at it) when it comes to the right door, is
    sent again, or is found in the list.
    """
    insert = sqlite.insert if on_sqlite else postgresql.insert
    table = Base.metadata.tables[StripeEvent.__tablename__]
    names = ("id", "stripe_id", "type", "object_id", "account", "livemode", "created_at", "received_at")
    told = {name: sa.bindparam(name, type_=table.c[name].type) for name in (*names, "note")}
    note: sa.ColumnElement[Any] = told["note"]
    if asks:
        note = sa.case((known_account(told["account"]), note), else_=NOT_OURS)
    said = sa.select(note.label("note")).subquery("said")
    acted_upon = said.c.note == ""
    row = sa.select(
        *(told[name] for name in names),
        sa.case((acted_upon, "received"), else_="ignored"),
        sa.case((acted_upon, None), else_=told["received_at"]),
        said.c.note,
    ).where(sa.true())  # without it, SQLite takes ON CONFLICT for a join's
    written = [*names, "status", "handled_at", "note"]
    anew: Any = insert(table).from_select(written, row, include_defaults=False)
    kept = anew.on_conflict_do_update(
        index_elements=["stripe_id"],
        set_={**{name: anew.excluded[name] for name in written if name != "stripe_id"}, "gone_since": None},
        where=sa.and_(
            table.c.status == "ignored",
            table.c.note.in_([sa.literal_column(f"'{one}'") for one in (*WRONG_ENDPOINT, NOT_OURS, GONE)]),
            anew.excluded.status == "received",
        ),
    )
    stored: Any = table if on_sqlite else kept.returning(table.c.id, table.c.status).cte("stored")
    waiting = (
        sa.select(
            sa.bindparam("payload", type_=sa.JSON()),
            sa.bindparam("key", type_=sa.String()),
            told["received_at"],
        )
        .select_from(stored)
        .where(stored.c.id == told["id"], stored.c.status == "received")
    )
    promised = promise_from("stripe_event", waiting)
    return (kept, promised) if on_sqlite else (promised,)


def close_event(event_id: int, status: str, note: str = "") -> None:
    """Mark an event handled or ignored; one that is closed already stays as it is."""
    db.session.execute(
        sa.update(StripeEvent)
        .where(StripeEvent.id == event_id, StripeEvent.status == "received")
        .values(status=status, handled_at=now(), note=note),
        execution_options={"synchronize_session": False},
    )


def let_go(event_id: int) -> dt.timedelta:
    """Stripe does not know what an event speaks of. Another key would hear that, too, so it is believed a day after it was said
    first: then the event is closed. How long that is still (nothing or less: it is closed)."""
    event = lock(StripeEvent, event_id)
    if event is None or event.status != "received":
        return dt.timedelta()
    event.gone_since = event.gone_since or now()
    left = event.gone_since + BELIEVED_AFTER - now()
    db.session.flush()
    if left <= dt.timedelta():
        close_event(event_id, "ignored", GONE)
    return left


def note_not_gone(event_id: int) -> None:
    """What an event speaks of was asked for again, and the answer was not that Stripe does not know it: whatever said so before
    is believed no more."""
    db.session.execute(
        sa.update(StripeEvent)
        .where(StripeEvent.id == event_id, StripeEvent.gone_since.is_not(None))
        .values(gone_since=None),
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
