"""News in another order than things happened: what Stripe told of a payment before we knew that it is one of ours.

What was passed over leaves a promise under the payment's own id. It is kept when the gift becomes paid, and a day later in any
case: two workers may pass each other by. Every function runs in the caller's transaction.
"""

from __future__ import annotations

import datetime as dt

import sqlalchemy as sa

from app.core.clock import now
from app.core.db import db
from app.core.outbox import bring_forward, enqueue
from app.donations.models import Donation
from app.donations.money_models import PayoutLine

LOOK_AGAIN = dt.timedelta(days=1)


def _key(payment_id: str) -> str:
    return f"passed_over:{payment_id}"


def pass_over(payment_id: str, account: str | None) -> None:
    """Stripe spoke of money that goes back of a payment which is no gift of ours, as far as we know now."""
    payload = {"payment": payment_id, "account": account}
    enqueue("passed_over", payload, key=_key(payment_id), due_at=now() + LOOK_AGAIN)


def gift_is_known(payment_id: str) -> None:
    """A gift is paid by this payment: whatever was passed over of it is looked at now."""
    bring_forward(_key(payment_id))


def is_booked(donation: Donation, balance_transaction_id: str) -> None:
    """A balance transaction is the gift's. When a payout carries it and nobody knew whose it is, that is asked for again."""
    unknown = sa.select(PayoutLine.id).where(
        PayoutLine.stripe_balance_transaction_id == balance_transaction_id, PayoutLine.organization_id.is_(None)
    )
    if db.session.scalar(unknown.limit(1)) is not None:
        key = f"look_back:{donation.id}:{balance_transaction_id}"
        enqueue("look_back", {"donation_id": donation.id}, key=key)
