"""What Stripe is asked and what it said, as plain facts: the words between the gateway and the rest."""

from __future__ import annotations

import dataclasses
import datetime as dt

from app.core.money import Money


@dataclasses.dataclass(frozen=True)
class CheckoutRequest:
    """What a Checkout Session is asked for. Everything derives from one saved row, so that a retry asks the same."""

    donation: str
    attempt: int
    amount: Money
    title: str
    email: str
    success_url: str
    cancel_url: str
    expires_at: dt.datetime
    idempotency_key: str
    # The commitment that it begins, as the outside knows it; "" for a gift that is given once.
    monthly_gift: str = ""


@dataclasses.dataclass(frozen=True)
class AccountRequest:
    """What an organization's account is asked for; everything derives from one saved row."""

    organization: str
    # Which account of the organization it is: after it took one from us, the next begins.
    attempt: int
    country: str
    idempotency_key: str


@dataclasses.dataclass(frozen=True)
class AccountFacts:
    """A connected account as it is now. `requirements` are Stripe's codes of what is asked for now."""

    id: str
    country: str
    currency: str
    charges_enabled: bool
    payouts_enabled: bool
    details_submitted: bool
    requirements: tuple[str, ...]
    disabled_reason: str


@dataclasses.dataclass(frozen=True)
class SessionFacts:
    """A Checkout Session as it is now. `status`: open, complete, expired; `payment_status`: paid, unpaid, ..."""

    id: str
    url: str
    status: str
    payment_status: str
    amount: Money
    payment_intent_id: str | None
    donation: str
    attempt: int
    livemode: bool
    created_at: dt.datetime
    # What a monthly gift begins: None until its first payment is ordered.
    subscription_id: str | None = None
    customer_id: str | None = None
    invoice_id: str | None = None


@dataclasses.dataclass(frozen=True)
class PaymentFacts:
    """A PaymentIntent as it is now, with its last charge and, once Stripe has settled it, the charge's fee. `problem` is the
    code of what went wrong the last time, "" when nothing did."""

    id: str
    status: str
    received: Money
    charge_id: str | None
    balance_transaction_id: str | None
    fee: Money | None
    donation: str
    livemode: bool
    problem: str = ""
    # What the charge came to before the fee, in the currency the account settles in; and when Stripe booked that.
    settled: Money | None = None
    booked_at: dt.datetime | None = None
    # When the charge was made. Of a kind that a bank confirms later (`is_delayed`) that is when it was ordered.
    charged_at: dt.datetime | None = None
    is_delayed: bool = False
    # When it was paid; None where Stripe does not say so of the payment itself: see `confirmed`.
    paid_at: dt.datetime | None = None

    def confirmed(self, at: dt.datetime | None) -> PaymentFacts:
        """The same, where a bank confirms it later: paid at `at`, of which the invoice or an event tells."""
        return dataclasses.replace(self, paid_at=at) if self.is_delayed else self


@dataclasses.dataclass(frozen=True)
class EventFacts:
    """What an event says happened to which object; its picture of that object is not used."""

    id: str
    type: str
    object_id: str
    account: str | None
    livemode: bool
    created_at: dt.datetime
