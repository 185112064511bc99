"""Telling the owners and managers of an organization what happened to its money: a promise for each of them."""

from __future__ import annotations

from typing import Any

from app.core.outbox import enqueue
from app.organizations.queries import list_deciders


def tell_staff(organization_id: int | None, what: str, payload: dict[str, Any], *, key: str) -> None:
    """Promise each owner and manager a mail about `what` (dispute, fraud_warning, payout_failed, refund_failed), once per
    `key`. Nobody when the account serves several organizations."""
    if organization_id is None:
        return
    for person_id in list_deciders(organization_id):
        enqueue(
            "mail_money_news", {**payload, "what": what, "person_id": person_id}, key=f"money_news:{key}:{person_id}"
        )
