"""What pledges promise: mails about one's promise of items, composed from the rows as they are when each is sent."""

from __future__ import annotations

import decimal
from typing import Any

from flask import current_app

from app.core import outbox
from app.core.i18n import number
from app.core.ids import encode_id
from app.core.letters import compose, speaking
from app.core.mail import deliver
from app.core.when import full_day
from app.pledges import queries
from app.pledges.models import LIVE_STATUSES
from app.pledges.operations import outstanding, with_unit


def mail_made(payload: dict[str, Any]) -> None:
    """Your promise is noted."""
    _send("pledges/made", payload)


def mail_changed(payload: dict[str, Any]) -> None:
    """Your promise is another quantity now."""
    _send("pledges/changed", payload)


def mail_cancelled(payload: dict[str, Any]) -> None:
    """You took your promise back."""
    _send("pledges/cancelled", payload)


def mail_received(payload: dict[str, Any]) -> None:
    """What you brought arrived, or in part could not be taken."""
    _send("pledges/received", payload)


def _send(name: str, payload: dict[str, Any]) -> None:
    pledge = queries.find_pledge(payload["pledge_id"])
    if pledge is None:
        return
    settings = current_app.config["SETTINGS"]
    item, need, person = pledge.item, pledge.item.need, pledge.person
    with speaking(person.locale):
        mail = compose(
            name,
            to=person.email,
            locale=person.locale,
            name=person.name,
            item=item.name,
            title=need.title,
            organization=need.organization.name,
            quantity=with_unit(pledge.quantity, item),
            received=number(decimal.Decimal(payload.get("received", "0"))),
            rejected=number(decimal.Decimal(payload.get("rejected", "0"))),
            reason=pledge.rejected_reason,
            live=pledge.status in LIVE_STATUSES,
            outstanding=with_unit(outstanding(pledge), item),
            until=full_day(need.ends_on) if need.ends_on else None,
            need_url=f"{settings.base_url}/needs/{encode_id(need.id)}",
            my_help_url=f"{settings.base_url}/my-help",
            cancel_url=f"{settings.base_url}/pledges/{encode_id(pledge.id)}/cancel",
        )
    deliver(mail, key=payload["outbox_key"])


HANDLERS: dict[str, outbox.Handler] = {
    "pledge_made": mail_made,
    "pledge_changed": mail_changed,
    "pledge_cancelled": mail_cancelled,
    "pledge_received": mail_received,
}
SWEEPS = ()
