"""The audit trail (A2): append-only events of ids, never names, that commit with the fact; one sealer chains them.

Events are sealed afterwards, in one chain of SHA-256 digests, so that acts never wait for each other. The head of the
chain (its length and last digest) is authenticated with a key the database does not hold: removing the last events
together with their seals is found too. `problems()` is what `flask verify` runs.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import hmac
import json
from typing import Any, Protocol, cast

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from app.core.clock import now
from app.core.db import Base, BigInt, db, in_transaction, uses_sqlite
from app.core.tokens import keyed_hash

# Acts that have just committed may not be sealed yet; older ones must be.
SEALING_DELAY = dt.timedelta(minutes=1)
BATCH = 1000
_ADVISORY_LOCK = 7_201_001


class HasKey(Protocol):
    """Anything with a primary key: a subject or an actor of an event."""

    id: Any


class AuditEvent(Base):
    """One act: who did what to which row. `data` holds ids, codes and numbers only."""

    __tablename__ = "audit_event"

    id: Mapped[int] = mapped_column(BigInt, primary_key=True, autoincrement=True)
    at: Mapped[dt.datetime]
    action: Mapped[str] = mapped_column(sa.String(64))
    actor_id: Mapped[int | None] = mapped_column(BigInt)
    subject_type: Mapped[str] = mapped_column(sa.String(40))
    subject_id: Mapped[int] = mapped_column(BigInt, index=True)
    organization_id: Mapped[int | None] = mapped_column(BigInt, index=True)
    data: Mapped[dict[str, Any]] = mapped_column(sa.JSON)


class AuditSeal(Base):
    """The place of one event in the chain."""

    __tablename__ = "audit_seal"

    sequence: Mapped[int] = mapped_column(BigInt, primary_key=True, autoincrement=False)
    event_id: Mapped[int] = mapped_column(BigInt, unique=True)
    digest: Mapped[str] = mapped_column(sa.String(64))


class AuditHead(Base):
    """How long the chain is and how it ends, authenticated. One row."""

    __tablename__ = "audit_head"

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    sequence: Mapped[int] = mapped_column(BigInt)
    digest: Mapped[str] = mapped_column(sa.String(64))
    mac: Mapped[str] = mapped_column(sa.String(64))


def record(
    action: str,
    *,
    subject: HasKey,
    by: HasKey | None,
    organization_id: int | None = None,
    data: dict[str, Any] | None = None,
) -> None:
    """Write an event in the transaction of the fact it tells of.

    `action` is dotted ("signup.confirmed"); `by` is the person, or None for the system and the operator's command
    line; `data` must hold ids, codes and numbers only. Raises RuntimeError outside a transaction.
    """
    if not in_transaction():
        raise RuntimeError("an audit event commits with its fact")
    db.session.add(
        AuditEvent(
            at=now(),
            action=action,
            actor_id=None if by is None else by.id,
            subject_type=type(subject).__name__.lower(),
            subject_id=subject.id,
            organization_id=organization_id,
            data=data or {},
        )
    )


def _digest(previous: str, event: AuditEvent) -> str:
    """SHA-256 over the previous digest and the whole event, in a canonical form."""
    body = json.dumps(
        [
            previous,
            event.id,
            event.at.astimezone(dt.UTC).isoformat(timespec="microseconds"),
            event.action,
            event.actor_id,
            event.subject_type,
            event.subject_id,
            event.organization_id,
            event.data,
        ],
        sort_keys=True,
        separators=(",", ":"),
    )
    return hashlib.sha256(body.encode()).hexdigest()


def _mac(sequence: int, digest: str) -> str:
    return keyed_hash("audit-head", f"{sequence}:{digest}")


def seal() -> int:
    """Chain every committed event that is not sealed yet; returns how many. One sealer at a time, in a transaction."""
    if not uses_sqlite():
        db.session.execute(sa.select(sa.func.pg_advisory_xact_lock(_ADVISORY_LOCK)))
    head = db.session.get(AuditHead, 1, populate_existing=True)
    if head is None:
        head = AuditHead(id=1, sequence=0, digest="", mac=_mac(0, ""))
        db.session.add(head)
    unsealed = (
        sa.select(AuditEvent)
        .outerjoin(AuditSeal, AuditSeal.event_id == AuditEvent.id)
        .where(AuditSeal.sequence.is_(None))
        .order_by(AuditEvent.id)
    )
    events = db.session.scalars(unsealed).all()
    for event in events:
        head.sequence += 1
        head.digest = _digest(head.digest, event)
        db.session.add(AuditSeal(sequence=head.sequence, event_id=event.id, digest=head.digest))
    head.mac = _mac(head.sequence, head.digest)
    db.session.flush()
    return len(events)


def count_events() -> int:
    """How many events there are."""
    return db.session.scalar(sa.select(sa.func.count()).select_from(AuditEvent)) or 0


def problems() -> list[str]:
    """Everything that shows the trail was tampered with: a row changed, removed, inserted or reordered. Empty when true."""
    found: list[str] = []
    previous, expected = "", 0
    while True:
        page = db.session.execute(
            sa.select(AuditSeal, AuditEvent)
            .outerjoin(AuditEvent, AuditEvent.id == AuditSeal.event_id)
            .where(AuditSeal.sequence > expected)
            .order_by(AuditSeal.sequence)
            .limit(BATCH)
        ).all()
        if not page:
            break
        for sealed, event in cast("list[tuple[AuditSeal, AuditEvent | None]]", page):
            expected += 1
            if sealed.sequence != expected:
                found.append(f"audit: seal {expected} is missing")
                expected = sealed.sequence
            if event is None:
                found.append(f"audit: the event of seal {sealed.sequence} was removed")
            elif _digest(previous, event) != sealed.digest:
                found.append(f"audit: the event of seal {sealed.sequence} was changed or moved")
            previous = sealed.digest
        db.session.expunge_all()
    head = db.session.get(AuditHead, 1, populate_existing=True)
    length, last = (head.sequence, head.digest) if head else (0, "")
    if head is not None and not hmac.compare_digest(head.mac, _mac(length, last)):
        found.append(
            "audit: the head of the chain is not authentic (changed, or sealed under another SECRET_KEY: `make run` keeps its "
            "own in DATA_DIR/run.json, and docs/operating.md says how to use it)"
        )
    if (length, last) != (expected, previous):
        found.append(f"audit: the chain ends at {expected}, its head says {length}")
    stale = db.session.scalar(
        sa.select(sa.func.count())
        .select_from(AuditEvent)
        .outerjoin(AuditSeal, AuditSeal.event_id == AuditEvent.id)
        .where(AuditSeal.sequence.is_(None), AuditEvent.at < now() - SEALING_DELAY)
    )
    if stale:
        found.append(f"audit: {stale} events older than a minute are not sealed")
    return found
