"""Stripe's subscriptions, their invoices and the billing portal: one HTTP call each, in the gateway's own manner.

Written for stripe 16.1: an invoice names its subscription in `parent.subscription_details` and its payments in `payments`,
a subscription's period stands at its item. https://docs.stripe.com/billing/subscriptions/overview
"""

from __future__ import annotations

import dataclasses
import datetime as dt
from typing import Any

from app.core.money import Money
from app.donations import gateway

OVER = ("canceled", "incomplete_expired")
# Stripe's reason for one whose card was declined to the last.
NOT_PAID = "payment_failed"
# What stands beside a subscription that we ended because its first payment never came: by that it is known again.
NEVER_PAID = "The first payment was refused"
# And beside one that we ended because its account had been disconnected from the site.
CUT_OFF = "The account was disconnected from the site for a while"


@dataclasses.dataclass(frozen=True)
class SubscriptionFacts:
    """A subscription as it is now. `status` is Stripe's; `paused` when no month is collected, which a donor asks for;
    `ended_for` why it ended, "" while it runs."""

    id: str
    status: str
    paused: bool
    customer_id: str | None
    item_id: str
    product_id: str
    amount: Money
    next_at: dt.datetime | None
    monthly_gift: str
    # Which try to pay it began with; None of those that were begun before this was said.
    attempt: int | None
    ended_for: str

    @property
    def is_over(self) -> bool:
        """True when it asks for nothing any more."""
        return self.status in OVER

    @property
    def is_held(self) -> bool:
        """True when it stands still altogether: Stripe's own status for that, which its rules or the account's owner set."""
        return self.status == "paused"


@dataclasses.dataclass(frozen=True)
class InvoiceFacts:
    """An invoice of a subscription as it is now. `is_first` when it began the subscription; `payment_intent_id` is the
    payment that paid it, or would; None for what was paid in another way."""

    id: str
    status: str
    is_first: bool
    amount: Money
    subscription_id: str | None
    monthly_gift: str
    # Which try to pay its subscription began with; None where that is not said.
    attempt: int | None
    payment_intent_id: str | None
    attempts: int
    next_attempt_at: dt.datetime | None
    livemode: bool
    paid_at: dt.datetime | None = None
    # The end of the month that it is for: when the next is drafted.
    period_ends_at: dt.datetime | None = None


def _attempt(thing: Any) -> int | None:
    return gateway._attempt(thing) if gateway._metadata(thing, "attempt") else None


def _ended_for(thing: Any) -> str:
    """Stripe's reason; of one that we ended because it was never paid, that of a card declined to the last; of one that we
    ended because it had been cut off, that."""
    details = getattr(thing, "cancellation_details", None)
    if details is None:
        return ""
    if details.comment == CUT_OFF:
        return CUT_OFF
    return NOT_PAID if details.comment == NEVER_PAID else str(details.reason or "")


def _subscription_facts(thing: Any) -> SubscriptionFacts:
    item = thing["items"].data[0]
    over = thing.status in OVER
    return SubscriptionFacts(
        id=thing.id,
        status=str(thing.status),
        paused=thing.pause_collection is not None,
        customer_id=gateway._id_of(thing.customer),
        item_id=item.id,
        product_id=gateway._id_of(item.price.product) or "",
        amount=Money(
            (item.price.unit_amount or 0) * (getattr(item, "quantity", None) or 1), str(item.price.currency).upper()
        ),
        next_at=None if over else gateway._instant(item.current_period_end),
        monthly_gift=gateway._metadata(thing, "monthly_gift"),
        attempt=_attempt(thing),
        ended_for=_ended_for(thing) if over else "",
    )


def _invoice_facts(thing: Any) -> InvoiceFacts:
    parent = thing.parent.subscription_details if thing.parent is not None else None
    made = thing.payments.data if thing.payments is not None else []
    paid = [one for one in made if one.status == "paid"] or list(made)
    # It has the member of its type only: what was paid outside Stripe is a payment record, and no PaymentIntent.
    intent = gateway._id_of(getattr(paid[0].payment, "payment_intent", None)) if paid else None
    return InvoiceFacts(
        id=thing.id,
        status=str(thing.status),
        is_first=thing.billing_reason == "subscription_create",
        amount=Money(thing.amount_paid if thing.status == "paid" else thing.amount_due, str(thing.currency).upper()),
        subscription_id=None if parent is None else gateway._id_of(parent.subscription),
        monthly_gift="" if parent is None else gateway._metadata(parent, "monthly_gift"),
        attempt=None if parent is None else _attempt(parent),
        payment_intent_id=intent,
        attempts=thing.attempt_count,
        next_attempt_at=None if thing.next_payment_attempt is None else gateway._instant(thing.next_payment_attempt),
        livemode=thing.livemode,
        paid_at=None
        if thing.status_transitions.paid_at is None
        else gateway._instant(thing.status_transitions.paid_at),
        period_ends_at=max((gateway._instant(line.period.end) for line in thing.lines.data), default=None),
    )


@gateway._translated
def fetch_subscription(subscription_id: str, *, account: str | None) -> SubscriptionFacts:
    """The subscription as it is now, one that has ended included. Raises GatewayError."""
    options = gateway._options(account)
    return _subscription_facts(gateway._client().v1.subscriptions.retrieve(subscription_id, {}, options))


@gateway._translated
def fetch_invoice(invoice_id: str, *, account: str | None) -> InvoiceFacts:
    """The invoice as it is now, with its payments. Raises GatewayError."""
    options = gateway._options(account)
    return _invoice_facts(gateway._client().v1.invoices.retrieve(invoice_id, {"expand": ["payments"]}, options))


@gateway._translated
def find_invoice_of_payment(invoice_payment_id: str, *, account: str | None) -> str | None:
    """The id of the invoice that a payment of an invoice is for. Raises GatewayError."""
    options = gateway._options(account)
    return gateway._id_of(gateway._client().v1.invoice_payments.retrieve(invoice_payment_id, {}, options).invoice)


@gateway._translated
def list_invoices(subscription_id: str, since: dt.datetime, *, account: str | None) -> list[str]:
    """Ids of the paid invoices of a subscription made since `since`, newest first, all pages. Raises GatewayError."""
    page = gateway._client().v1.invoices.list(
        {
            "subscription": subscription_id,
            "status": "paid",
            "created": {"gte": int(since.timestamp())},
            "limit": gateway.PAGE,
        },
        gateway._options(account),
    )
    return [invoice.id for invoice in page.auto_paging_iter()]


@gateway._translated
def cancel_subscription(
    subscription_id: str, idempotency_key: str, *, account: str | None, comment: str = ""
) -> SubscriptionFacts:
    """End a subscription at once: nothing is asked for any more, and nothing paid goes back. `comment`: NEVER_PAID or CUT_OFF,
    by which it is known why, or "". Raises GatewayError."""
    options = gateway._options(account, idempotency_key)
    cancel = gateway._client().v1.subscriptions.cancel
    if comment:
        return _subscription_facts(cancel(subscription_id, {"cancellation_details": {"comment": comment}}, options))
    return _subscription_facts(cancel(subscription_id, {}, options))


@gateway._translated
def change_amount(
    subscription: SubscriptionFacts, amount: Money, idempotency_key: str, *, account: str | None
) -> SubscriptionFacts:
    """Ask for `amount` from the next month on; nothing is reckoned for the month that is paid. Raises GatewayError."""
    changed = gateway._client().v1.subscriptions.update(
        subscription.id,
        {
            "items": [
                {
                    "id": subscription.item_id,
                    "price_data": {
                        "currency": amount.currency.lower(),
                        "product": subscription.product_id,
                        "recurring": {"interval": "month"},
                        "unit_amount": amount.amount_minor,
                    },
                }
            ],
            "proration_behavior": "none",
        },
        gateway._options(account, idempotency_key),
    )
    return _subscription_facts(changed)


@gateway._translated
def pause_subscription(
    subscription_id: str, idempotency_key: str, *, paused: bool, account: str | None
) -> SubscriptionFacts:
    """Let no month be paid until it is resumed, or resume it. Raises GatewayError.

    https://docs.stripe.com/billing/subscriptions/pause-payment: the invoices of these months are void.
    """
    options = gateway._options(account, idempotency_key)
    update = gateway._client().v1.subscriptions.update
    if paused:
        return _subscription_facts(update(subscription_id, {"pause_collection": {"behavior": "void"}}, options))
    return _subscription_facts(update(subscription_id, {"pause_collection": ""}, options))


@gateway._translated
def resume_subscription(subscription_id: str, idempotency_key: str, *, account: str | None) -> SubscriptionFacts:
    """Let one go on that is held, from its next month on: in the period that surrounds now, and nothing is taken for that.
    Raises GatewayError. https://docs.stripe.com/api/subscriptions/resume"""
    resumed = gateway._client().v1.subscriptions.resume(
        subscription_id,
        {"billing_cycle_anchor": {"type": "unchanged"}, "proration_behavior": "none"},
        gateway._options(account, idempotency_key),
    )
    return _subscription_facts(resumed)


@gateway._translated
def create_portal_configuration(idempotency_key: str, *, account: str | None) -> str:
    """What Stripe's page for another card shows: that alone. Its id, which is good for as long as the account is. Raises
    GatewayError."""
    made = gateway._client().v1.billing_portal.configurations.create(
        {"features": {"payment_method_update": {"enabled": True}}}, gateway._options(account, idempotency_key)
    )
    return made.id


@gateway._translated
def open_card_page(
    customer_id: str, return_url: str, idempotency_key: str, *, configuration: str, account: str | None
) -> str:
    """The address of Stripe's page where the donor puts in another card; it works for a few minutes. Raises GatewayError."""
    session = gateway._client().v1.billing_portal.sessions.create(
        {
            "customer": customer_id,
            "configuration": configuration,
            "return_url": return_url,
            "flow_data": {
                "type": "payment_method_update",
                "after_completion": {"type": "redirect", "redirect": {"return_url": return_url}},
            },
        },
        gateway._options(account, idempotency_key),
    )
    return session.url
