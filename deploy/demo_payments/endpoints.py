"""Webhook endpoints: those that somebody makes, and what the server was started with.

https://docs.stripe.com/api/webhook_endpoints as of errors.API_VERSION. Events are sent to both, each signed with the
endpoint's own secret, but to addresses of this machine only: an endpoint elsewhere is kept and shown, so that whoever compares
endpoints has something to compare, and hears nothing.
"""

from __future__ import annotations

from collections.abc import Sequence

from deploy.demo_payments.errors import API_VERSION, ApiError, missing
from deploy.demo_payments.params import Choice, Flag, Items, Metadata, Table, Text, Url
from deploy.demo_payments.payments import APPLICATION, Payments
from deploy.demo_payments.specs import EXPAND
from deploy.demo_payments.store import Thing, new_id

MOST = 16
# Versions that an endpoint may speak: the server's own, and one that is years old.
VERSIONS = (API_VERSION, "2024-06-20")
EVENTS = (
    "*", "account.application.deauthorized", "account.updated", "charge.dispute.closed", "charge.dispute.created",
    "charge.dispute.funds_reinstated", "charge.dispute.funds_withdrawn", "charge.dispute.updated", "charge.failed",
    "charge.pending", "charge.refund.updated", "charge.refunded", "charge.succeeded", "charge.updated",
    "checkout.session.async_payment_failed", "checkout.session.async_payment_succeeded", "checkout.session.completed",
    "checkout.session.expired", "customer.created", "customer.subscription.created", "customer.subscription.deleted",
    "customer.subscription.updated", "customer.updated", "invoice.created", "invoice.finalized", "invoice.paid",
    "invoice.payment_failed", "invoice.payment_succeeded", "invoice.updated", "invoice_payment.paid",
    "payment_intent.canceled", "payment_intent.created", "payment_intent.payment_failed", "payment_intent.processing",
    "payment_intent.succeeded", "payment_method.attached", "payout.canceled", "payout.created", "payout.failed", "payout.paid",
    "payout.reconciliation_completed", "payout.updated",
    "radar.early_fraud_warning.created", "refund.created", "refund.failed", "refund.updated",
)  # fmt: skip
_EVENTS = Items(of=Choice(values=EVENTS), most=len(EVENTS))
CREATE_ENDPOINT = Table(
    of={
        "api_version": Choice(values=VERSIONS),
        "connect": Flag(),
        "description": Text(longest=5000),
        "enabled_events": Items(required=True, of=_EVENTS.of, most=_EVENTS.most),
        "metadata": Metadata(),
        "url": Url(required=True),
        "expand": EXPAND,
    }
)
UPDATE_ENDPOINT = Table(
    of={
        "description": Text(longest=5000),
        "disabled": Flag(),
        "enabled_events": _EVENTS,
        "metadata": Metadata(),
        "url": Url(),
        "expand": EXPAND,
    }
)


def create(payments: Payments, asked: Thing) -> Thing:
    """A new endpoint; its secret is shown this once. Raises ApiError."""
    _check_events(asked["enabled_events"])
    if len(payments.store.page("webhook_endpoint")) >= MOST:
        raise ApiError(f"You have reached the maximum of {MOST} test webhook endpoints.")
    made = _endpoint(
        new_id("we_1"),
        asked["url"],
        connect=asked.get("connect", False),
        events=asked["enabled_events"],
        version=asked.get("api_version"),
    )
    made |= {
        "created": payments.store.now(),
        "description": asked.get("description"),
        "metadata": asked.get("metadata", {}),
    }
    secret = new_id("whsec_", 32)
    made |= {"_connect": asked.get("connect", False), "_secret": secret}
    payments.store.add(made)
    return payments.public(made) | {"secret": secret}


def update(payments: Payments, endpoint_id: str, asked: Thing) -> Thing:
    """Change an endpoint, or switch it off and on. Raises ApiError."""
    endpoint = get(payments, endpoint_id)
    if "enabled_events" in asked:
        _check_events(asked["enabled_events"])
    for name in ("description", "enabled_events", "url"):
        if name in asked:
            endpoint[name] = asked[name]
    if "metadata" in asked:
        endpoint["metadata"] = {**endpoint["metadata"], **asked["metadata"]} if asked["metadata"] else {}
    if "disabled" in asked:
        endpoint["status"] = "disabled" if asked["disabled"] else "enabled"
    return payments.public(payments.store.save(endpoint))


def delete(payments: Payments, endpoint_id: str) -> Thing:
    """Forget an endpoint: what it has not heard it never hears. Raises ApiError."""
    get(payments, endpoint_id)
    payments.store.forget_deliveries(endpoint_id)
    payments.store.remove(endpoint_id)
    return {"id": endpoint_id, "object": "webhook_endpoint", "deleted": True}


def get(payments: Payments, endpoint_id: str) -> Thing:
    """One that was made here. Raises ApiError."""
    found = payments.store.find("webhook_endpoint", endpoint_id)
    if found is None:
        raise missing("webhook endpoint", endpoint_id, "id")
    return found


def list_all(payments: Payments, started_with: Sequence[str]) -> list[Thing]:
    """What the server was started with (its own endpoint, and that of connected accounts), then what was made, newest first."""
    if payments.store.account:
        return []
    own = [
        _endpoint(f"we_1Demo{name}", url, connect=name == "Connect", events=["*"], version=API_VERSION)
        for name, url in zip(("Own", "Connect"), started_with, strict=True)
        if url
    ]
    return [*own, *(payments.public(made) for made in payments.store.page("webhook_endpoint"))]


def _check_events(events: list[str]) -> None:
    if not events or len(set(events)) < len(events) or ("*" in events and len(events) > 1):
        raise ApiError("enabled_events must name each event once, or only `*`.", param="enabled_events")


def _endpoint(endpoint_id: str, url: str, *, connect: bool, events: list[str], version: str | None) -> Thing:
    return {
        "id": endpoint_id,
        "object": "webhook_endpoint",
        "api_version": version,
        "application": APPLICATION if connect else None,
        "created": 0,
        "description": None,
        "enabled_events": events,
        "livemode": False,
        "metadata": {},
        "status": "enabled",
        "url": url,
    }
