"""What Stripe says of refunds, disputes, payouts and balances, as plain facts. Amounts as Stripe signs them: what leaves an
account is negative."""

from __future__ import annotations

import dataclasses
import datetime as dt
from decimal import Decimal

from app.core.money import Money


@dataclasses.dataclass(frozen=True)
class BalanceFacts:
    """A balance transaction (https://docs.stripe.com/api/balance_transactions/object): `amount` before `fee`, both in the
    currency the account settles in; `source` is the id of what caused it, "" of what Stripe bills."""

    id: str
    kind: str
    amount: Money
    fee: Money
    source: str
    created_at: dt.datetime
    # Of those of a list: the payment that its charge, refund or dispute is of, and the gift that a charge names ("": none).
    payment_id: str | None = None
    donation: str = ""
    # What caused it, where that belongs to a payment: "charge", "refund" or "dispute"; "" of all else.
    of: str = ""
    # Stripe's `reporting_category`, and what one of the currency that it came from was worth in its own, where that is another.
    category: str = ""
    rate: Decimal | None = None

    @property
    def net(self) -> Money:
        """What the account's balance changed by."""
        return Money(self.amount.amount_minor - self.fee.amount_minor, self.amount.currency)


@dataclasses.dataclass(frozen=True)
class RefundFacts:
    """A refund as it is now. `refund` and `donation` are our own ids from its metadata, "" when somebody else made it."""

    id: str
    status: str
    amount: Money
    reason: str
    problem: str
    charge_id: str | None
    payment_intent_id: str | None
    refund: str
    donation: str
    balance: BalanceFacts | None
    failure_balance: BalanceFacts | None
    created_at: dt.datetime


@dataclasses.dataclass(frozen=True)
class RefundRequest:
    """What a refund is asked for: derived from the saved row alone (F6)."""

    refund: str
    donation: str
    payment_intent_id: str
    amount: Money
    reason: str
    idempotency_key: str
    account: str | None


@dataclasses.dataclass(frozen=True)
class DisputeFacts:
    """A dispute as it is now. `balances`: what was taken and put back, each once."""

    id: str
    status: str
    reason: str
    amount: Money
    charge_id: str | None
    payment_intent_id: str | None
    respond_by: dt.datetime | None
    has_evidence: bool
    is_charge_refundable: bool
    balances: tuple[BalanceFacts, ...]
    livemode: bool
    created_at: dt.datetime


@dataclasses.dataclass(frozen=True)
class WarningFacts:
    """An early fraud warning (https://docs.stripe.com/api/radar/early_fraud_warnings/object)."""

    id: str
    kind: str
    actionable: bool
    charge_id: str | None
    payment_intent_id: str | None
    created_at: dt.datetime


@dataclasses.dataclass(frozen=True)
class PayoutFacts:
    """A payout as it is now, and whether Stripe can say yet which balance transactions it carries."""

    id: str
    status: str
    amount: Money
    arrives_on: dt.date
    automatic: bool
    problem: str
    balance_transaction_id: str | None
    failure_balance_transaction_id: str | None
    created_at: dt.datetime
    # Stripe's `reconciliation_status`: what an automatic payout carries is listed once it says "completed", which may be days
    # after it was made (https://docs.stripe.com/api/payouts/object#payout_object-reconciliation_status).
    reconciliation: str
    # What Stripe kept for paying out at once; and gave back, or kept again, when it did not arrive.
    fee: Money | None = None
    failure_fee: Money | None = None
    # When what did not arrive was back in the balance.
    failed_at: dt.datetime | None = None

    @property
    def is_listed(self) -> bool:
        """True when Stripe lists the balance transactions that it carries."""
        return self.automatic and self.reconciliation == "completed"


@dataclasses.dataclass(frozen=True)
class EndpointFacts:
    """A webhook endpoint as Stripe has it. `api_version` None: the account's own version."""

    url: str
    status: str
    api_version: str | None
    events: tuple[str, ...]
    # Whether it hears of connected accounts; the others hear of the installation's own.
    connect: bool
