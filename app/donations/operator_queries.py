"""What the operator reads about the money of every organization. Never who gave."""

from __future__ import annotations

import dataclasses
import datetime as dt

import sqlalchemy as sa
from sqlalchemy.orm import contains_eager

from app.core.clock import now
from app.core.db import db
from app.core.outbox import Outbox
from app.donations.models import Donation, StripeEvent
from app.donations.money_models import Refund
from app.donations.money_queries import NOT_ARRIVED, RECENT
from app.donations.operations.inbox import GONE
from app.fundraisers.models import Fundraiser

MOST_GONE = 20
MONEY_PROMISES = (
    "stripe_event", "ask_refund", "expire_checkout", "stop_monthly", "end_astray_monthly", "end_failed_monthly", "look_back",
    "passed_over", "payment_account_gone", "mail_donation_thanks", "mail_donation_refunded", "mail_money_news",
)  # fmt: skip


@dataclasses.dataclass(frozen=True)
class GoneEvent:
    """An event that was closed because Stripe does not know any more what it spoke of; `account` as Stripe calls it."""

    type: str
    object_id: str
    account: str | None


@dataclasses.dataclass(frozen=True)
class Inbox:
    """What Stripe told us: the last time, how much waits too long, how much was given up; and when a gift was paid last."""

    last_at: dt.datetime | None
    last_type: str
    waiting: int
    given_up: int
    last_paid_at: dt.datetime | None
    # What Stripe told of and does not know any more: how much is asked about still, and what was closed of late, newest first.
    missing: int
    gone: list[GoneEvent]

    def paid_since(self, instant: dt.datetime) -> bool:
        """True when a gift was paid after `instant`."""
        return self.last_paid_at is not None and self.last_paid_at > instant


def read_inbox(*, waiting_since: dt.datetime) -> Inbox:
    """The state of the inbox; events that wait since before `waiting_since` count as waiting."""
    last = db.session.execute(
        sa.select(StripeEvent.received_at, StripeEvent.type).order_by(StripeEvent.received_at.desc()).limit(1)
    ).first()
    open_since = sa.select(sa.func.count()).where(
        StripeEvent.status == "received", StripeEvent.received_at < waiting_since
    )
    waiting = open_since.where(StripeEvent.gone_since.is_(None))
    missing = open_since.where(StripeEvent.gone_since.is_not(None))
    gone = (
        sa.select(StripeEvent.type, StripeEvent.object_id, StripeEvent.account)
        .where(StripeEvent.status == "ignored", StripeEvent.note == GONE, StripeEvent.handled_at > now() - RECENT)
        .order_by(StripeEvent.handled_at.desc(), StripeEvent.id.desc())
        .limit(MOST_GONE)
    )
    given_up = sa.select(sa.func.count()).where(Outbox.given_up_at.is_not(None), Outbox.kind.in_(MONEY_PROMISES))
    return Inbox(
        last_at=None if last is None else last.received_at,
        last_type="" if last is None else last.type,
        waiting=db.session.scalar(waiting) or 0,
        given_up=db.session.scalar(given_up) or 0,
        last_paid_at=db.session.scalar(sa.select(sa.func.max(Donation.paid_at))),
        missing=db.session.scalar(missing) or 0,
        gone=[GoneEvent(*row) for row in db.session.execute(gone)],
    )


def list_refunds_not_arrived(*, limit: int = 50) -> list[Refund]:
    """The refunds of every organization that did not arrive of late, newest first, each with its gift, its fundraiser and whose
    it is: for the operator, who may not read who gave."""
    whole = contains_eager(Refund.donation).joinedload(Donation.fundraiser).joinedload(Fundraiser.organization)
    query = (
        sa.select(Refund)
        .join(Donation, Donation.id == Refund.donation_id)
        .options(whole)
        .where(Refund.status.in_(NOT_ARRIVED), Refund.created_at > now() - RECENT)
        .order_by(Refund.created_at.desc(), Refund.id.desc())
    )
    return list(db.session.scalars(query.limit(limit)))
