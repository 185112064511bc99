"""What donations promise, and what is due by the clock. Thin: each calls one act."""

from __future__ import annotations

from typing import Any

from flask import current_app

from app.core.db import db, transaction
from app.core.jobs import Sweep
from app.core.letters import compose, language_of
from app.core.mail import deliver
from app.core.money import Money, format_money
from app.donations import checkout, operations, queries


def handle_stripe_event(payload: dict[str, Any]) -> None:
    """A stored event wakes the worker: fetch what it speaks of, and apply what is true now."""
    checkout.handle_event(payload["event_id"])


def expire_checkout(payload: dict[str, Any]) -> None:
    """Close one checkout that must not be paid through any more."""
    checkout.expire(payload["donation_id"])


def close_fundraiser(payload: dict[str, Any]) -> None:
    """A fundraiser closed (F8): one promise per checkout still open, so that one that fails holds up no other."""
    with transaction():
        for donation_id in queries.list_to_expire(fundraiser_id=payload["fundraiser_id"], limit=10_000):
            operations.promise_to_expire(donation_id)


def mail_thanks(payload: dict[str, Any]) -> None:
    """Thank the donor, saying what arrived and for whom."""
    donation = queries.find_donation(payload["donation_id"])
    if donation is None or donation.status != "paid":
        return
    settings = current_app.config["SETTINGS"]
    locale = language_of(donation.locale)
    mail = compose(
        "donations/thanks",
        to=donation.email,
        locale=locale,
        demo=donation.mode == "demo",
        amount=format_money(Money(donation.amount_minor, donation.currency), locale),
        name=donation.name,
        anonymous=donation.anonymous,
        organization=donation.fundraiser.organization.name,
        fundraiser=donation.fundraiser.title,
        gift_url=checkout.return_url(donation.id),
        fundraiser_url=f"{settings.base_url}/fundraisers/{donation.fundraiser.slug}",
    )
    db.session.rollback()
    deliver(mail, key=payload["outbox_key"])


HANDLERS = {
    "stripe_event": handle_stripe_event,
    "expire_checkout": expire_checkout,
    "fundraiser_closed": close_fundraiser,
    "mail_donation_thanks": mail_thanks,
}
SWEEPS = (
    Sweep("donations.list_missed_events", 300, checkout.list_missed_events),
    Sweep("donations.check_stale", 120, checkout.check_stale),
    Sweep("donations.close_checkouts", 60, checkout.close_checkouts),
)
