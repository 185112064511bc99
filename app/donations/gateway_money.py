"""Stripe's refunds, disputes, payouts and balances: one HTTP call each, in the gateway's own manner.

Written for stripe 16.1: a dispute carries its balance transactions whole; those of refunds and payouts are ids unless expanded.
"""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any

from app.core.money import Money
from app.donations import gateway
from app.donations.gateway import PAGE
from app.donations.money_facts import (
    BalanceFacts,
    DisputeFacts,
    EndpointFacts,
    PayoutFacts,
    RefundFacts,
    RefundRequest,
    WarningFacts,
)

_BOTH_WAYS = ("balance_transaction", "failure_balance_transaction")


def _money(amount: int, currency: str) -> Money:
    return Money(amount, currency.upper())


# What belongs to a payment, by the type of its balance transaction, where that says it
# (https://docs.stripe.com/reports/balance-transaction-types).
_CAUSES = {
    "charge": "charge", "payment": "charge", "refund": "refund", "payment_refund": "refund", "refund_failure": "refund",
    "payment_failure_refund": "refund", "payment_reversal": "refund",
}  # fmt: skip


def _cause_of(thing: Any, kind: str) -> str:
    """What a balance transaction comes from, "charge", "refund" or "dispute"; "" of all else. `kind`: what its source says that
    it is, "" where only its id is known. An id tells nothing: Stripe promises no prefixes."""
    if kind:
        return kind if kind in ("charge", "refund", "dispute") else ""
    category = str(getattr(thing, "reporting_category", None) or "")
    return _CAUSES.get(str(thing.type), "dispute" if category.startswith("dispute") else "")


def _balance_facts(thing: Any) -> BalanceFacts | None:
    """None for one that Stripe has not made yet."""
    if thing is None or isinstance(thing, str):
        return None
    source: Any = thing.source
    is_whole = source is not None and not isinstance(source, str)
    return BalanceFacts(
        id=thing.id,
        kind=str(thing.type),
        amount=_money(thing.amount, thing.currency),
        fee=_money(thing.fee, thing.currency),
        source=gateway._id_of(source) or "",
        created_at=gateway._instant(thing.created),
        payment_id=gateway._id_of(getattr(source, "payment_intent", None)) if is_whole else None,
        # A charge keeps what its payment said of itself when it was made (https://docs.stripe.com/api/metadata).
        donation=gateway._metadata(source) if is_whole and source.object == "charge" else "",
        of=_cause_of(thing, source.object if is_whole else ""),
        category=str(getattr(thing, "reporting_category", None) or ""),
        rate=Decimal(str(rate)) if (rate := getattr(thing, "exchange_rate", None)) else None,
    )


def _refund_facts(refund: Any) -> RefundFacts:
    return RefundFacts(
        id=refund.id,
        status=str(refund.status or "pending"),
        amount=_money(refund.amount, refund.currency),
        reason=str(refund.reason or ""),
        problem=str(getattr(refund, "failure_reason", None) or "")[:60],
        charge_id=gateway._id_of(refund.charge),
        payment_intent_id=gateway._id_of(refund.payment_intent),
        refund=gateway._metadata(refund, "refund_id"),
        donation=gateway._metadata(refund),
        balance=_balance_facts(refund.balance_transaction),
        failure_balance=_balance_facts(getattr(refund, "failure_balance_transaction", None)),
        created_at=gateway._instant(refund.created),
    )


@gateway._translated
def create_refund(asked: RefundRequest) -> RefundFacts:
    """Give back what was asked, once: the same request again gives the same refund (F6). Raises GatewayError."""
    refund = gateway._client().v1.refunds.create(
        {
            "payment_intent": asked.payment_intent_id,
            "amount": asked.amount.amount_minor,
            "reason": asked.reason,
            "metadata": {"donation_id": asked.donation, "refund_id": asked.refund},
            "expand": list(_BOTH_WAYS),
        },
        gateway._options(asked.account, asked.idempotency_key),
    )
    return _refund_facts(refund)


@gateway._translated
def fetch_refund(refund_id: str, *, account: str | None) -> RefundFacts:
    """The refund as it is now. Raises GatewayError."""
    asked: Any = {"expand": list(_BOTH_WAYS)}
    return _refund_facts(gateway._client().v1.refunds.retrieve(refund_id, asked, gateway._options(account)))


@gateway._translated
def list_refunds(payment_intent_id: str, *, account: str | None) -> list[RefundFacts]:
    """Every refund of a payment, whoever made it, newest first. Raises GatewayError."""
    parts = [f"data.{part}" for part in _BOTH_WAYS]
    page = gateway._client().v1.refunds.list(
        {"payment_intent": payment_intent_id, "limit": PAGE, "expand": parts}, gateway._options(account)
    )
    return [_refund_facts(refund) for refund in page.auto_paging_iter()]


def _dispute_facts(dispute: Any) -> DisputeFacts:
    details = dispute.evidence_details
    due = None if details is None else details.due_by
    balances = (_balance_facts(thing) for thing in dispute.balance_transactions)
    return DisputeFacts(
        id=dispute.id,
        status=str(dispute.status),
        reason=str(dispute.reason),
        amount=_money(dispute.amount, dispute.currency),
        charge_id=gateway._id_of(dispute.charge),
        payment_intent_id=gateway._id_of(dispute.payment_intent),
        respond_by=gateway._instant(due) if due else None,
        has_evidence=bool(details is not None and details.has_evidence),
        is_charge_refundable=bool(dispute.is_charge_refundable),
        balances=tuple(facts for facts in balances if facts is not None),
        livemode=dispute.livemode,
        created_at=gateway._instant(dispute.created),
    )


@gateway._translated
def fetch_dispute(dispute_id: str, *, account: str | None) -> DisputeFacts:
    """The dispute as it is now. Raises GatewayError."""
    return _dispute_facts(gateway._client().v1.disputes.retrieve(dispute_id, {}, gateway._options(account)))


@gateway._translated
def list_disputes(payment_intent_id: str, *, account: str | None) -> list[DisputeFacts]:
    """Every dispute of a payment, newest first. Raises GatewayError."""
    page = gateway._client().v1.disputes.list(
        {"payment_intent": payment_intent_id, "limit": PAGE}, gateway._options(account)
    )
    return [_dispute_facts(dispute) for dispute in page.auto_paging_iter()]


@gateway._translated
def submit_evidence(
    dispute_id: str, evidence: dict[str, str], *, account: str | None, idempotency_key: str
) -> DisputeFacts:
    """Send the bank what we know of a gift, finally: it is read once. Raises GatewayError."""
    asked: Any = {"evidence": evidence, "submit": True}
    return _dispute_facts(
        gateway._client().v1.disputes.update(dispute_id, asked, gateway._options(account, idempotency_key))
    )


@gateway._translated
def fetch_warning(warning_id: str, *, account: str | None) -> WarningFacts:
    """An early fraud warning as it is now. Raises GatewayError."""
    return _warning_facts(
        gateway._client().v1.radar.early_fraud_warnings.retrieve(warning_id, {}, gateway._options(account))
    )


@gateway._translated
def list_warnings(payment_intent_id: str, *, account: str | None) -> list[WarningFacts]:
    """Every early fraud warning of a payment, newest first. Raises GatewayError."""
    page = gateway._client().v1.radar.early_fraud_warnings.list(
        {"payment_intent": payment_intent_id, "limit": PAGE}, gateway._options(account)
    )
    return [_warning_facts(warning) for warning in page.auto_paging_iter()]


def _warning_facts(warning: Any) -> WarningFacts:
    return WarningFacts(
        id=warning.id,
        kind=str(warning.fraud_type)[:60],
        actionable=bool(warning.actionable),
        charge_id=gateway._id_of(warning.charge),
        payment_intent_id=gateway._id_of(getattr(warning, "payment_intent", None)),
        created_at=gateway._instant(warning.created),
    )


def _payout_facts(payout: Any) -> PayoutFacts:
    left, back = (_balance_facts(thing) for thing in (payout.balance_transaction, payout.failure_balance_transaction))
    return PayoutFacts(
        id=payout.id,
        status=str(payout.status),
        amount=_money(payout.amount, payout.currency),
        arrives_on=gateway._instant(payout.arrival_date).date(),
        automatic=bool(payout.automatic),
        problem=str(payout.failure_code or "")[:60],
        balance_transaction_id=gateway._id_of(payout.balance_transaction),
        failure_balance_transaction_id=gateway._id_of(payout.failure_balance_transaction),
        created_at=gateway._instant(payout.created),
        reconciliation=str(getattr(payout, "reconciliation_status", None) or "completed"),
        fee=None if left is None else left.fee,
        failure_fee=None if back is None else back.fee,
        failed_at=None if back is None else back.created_at,
    )


@gateway._translated
def fetch_payout(payout_id: str, *, account: str | None) -> PayoutFacts:
    """The payout as it is now, with what it cost. Raises GatewayError."""
    asked: Any = {"expand": list(_BOTH_WAYS)}
    return _payout_facts(gateway._client().v1.payouts.retrieve(payout_id, asked, gateway._options(account)))


@gateway._translated
def list_payouts(since: dt.datetime, *, account: str | None) -> list[PayoutFacts]:
    """Every payout made since `since`, newest first. Raises GatewayError."""
    page = gateway._client().v1.payouts.list(
        {"created": {"gte": int(since.timestamp())}, "limit": PAGE}, gateway._options(account)
    )
    return [_payout_facts(payout) for payout in page.auto_paging_iter()]


@gateway._translated
def list_balance_transactions(
    *, account: str | None, since: dt.datetime | None = None, payout_id: str | None = None
) -> list[BalanceFacts]:
    """What changed an account's balance, newest first, all pages: since `since`, or what the automatic payout `payout_id`
    carries; each with what caused it, so that nobody needs to ask about each. Raises GatewayError.

    https://docs.stripe.com/payouts/reconciliation: what is expanded there is `data.source`.
    """
    asked: Any = {"limit": PAGE, "expand": ["data.source"]}
    if since is not None:
        asked["created"] = {"gte": int(since.timestamp())}
    if payout_id is not None:
        asked["payout"] = payout_id
    page = gateway._client().v1.balance_transactions.list(asked, gateway._options(account))
    found = (_balance_facts(thing) for thing in page.auto_paging_iter())
    return [facts for facts in found if facts is not None]


@gateway._translated
def list_webhook_endpoints() -> list[EndpointFacts]:
    """Where Stripe sends events of this installation. Raises GatewayError (a restricted key may not see them)."""
    page = gateway._client().v1.webhook_endpoints.list({"limit": PAGE})
    return [
        EndpointFacts(
            url=endpoint.url,
            status=str(endpoint.status),
            api_version=endpoint.api_version,
            events=tuple(str(name) for name in endpoint.enabled_events),
            connect=endpoint.application is not None,
        )
        for endpoint in page.auto_paging_iter()
    ]
