"""Disputes of charges, in part or in whole, and the warnings that come before some of them.

https://docs.stripe.com/api/disputes, https://docs.stripe.com/disputes/how-disputes-work. Every function runs inside one
transaction of the store.
"""

from __future__ import annotations

from deploy.demo_payments import books, currencies
from deploy.demo_payments.errors import ApiError
from deploy.demo_payments.payments import NOBODY, Cause, Payments
from deploy.demo_payments.store import Thing, new_id

DUE_AFTER = 9 * books.DAY
# What a dispute costs the account, in minor units of what it settles in; elsewhere the dollar's number.
FEE = {"usd": 1500, "eur": 2000, "gbp": 2000, "cad": 1500, "aud": 2500, "jpy": 1500, "chf": 2000}
REASONS = (
    "bank_cannot_process", "check_returned", "credit_not_processed", "customer_initiated", "debit_not_authorized",
    "duplicate", "fraudulent", "general", "incorrect_account_details", "insufficient_funds", "noncompliant",
    "product_not_received", "product_unacceptable", "subscription_canceled", "unrecognized",
)  # fmt: skip
EVIDENCE = (
    "access_activity_log", "appeal", "billing_address", "cancellation_policy", "cancellation_policy_disclosure",
    "cancellation_rebuttal", "customer_communication", "customer_email_address", "customer_name",
    "customer_purchase_ip", "customer_signature", "duplicate_charge_documentation", "duplicate_charge_explanation",
    "duplicate_charge_id", "product_description", "receipt", "refund_policy", "refund_policy_disclosure",
    "refund_refusal_explanation", "service_date", "service_documentation", "shipping_address", "shipping_carrier",
    "shipping_date", "shipping_documentation", "shipping_tracking_number", "uncategorized_file", "uncategorized_text",
)  # fmt: skip
FILES = tuple(name for name in EVIDENCE if name in (
    "cancellation_policy", "customer_communication", "customer_signature", "duplicate_charge_documentation", "receipt",
    "refund_policy", "service_documentation", "shipping_documentation", "uncategorized_file",
))  # fmt: skip
NEED_ANSWER = ("needs_response", "warning_needs_response")
OVER = ("won", "lost", "warning_closed", "prevented")


def open_dispute(
    payments: Payments,
    charge: Thing,
    *,
    amount: int | None = None,
    reason: str = "fraudulent",
    inquiry: bool = False,
    fee_apart: str | None = None,
) -> Thing:
    """The donor's bank asks for money back; an inquiry takes nothing yet. `fee_apart`: what it costs is a balance transaction of
    its own, of that reporting category. Raises ApiError when it cannot."""
    left = charge["amount"] - charge["amount_refunded"]
    amount = left if amount is None else amount
    if charge["status"] != "succeeded" or not 0 < amount <= left or charge["disputed"]:
        raise ApiError("This charge cannot be disputed for that amount.", status=409)
    if reason not in REASONS:
        raise ApiError(f"reason must be one of {', '.join(REASONS)}", param="reason")
    payments.settle(charge)
    now = payments.store.now()
    card = {"brand": "visa", "case_type": "inquiry" if inquiry else "chargeback", "network_reason_code": "10"}
    dispute: Thing = {
        "id": new_id(payments.store.prefix("dispute", "du_1")),
        "object": "dispute",
        "amount": amount,
        "balance_transactions": [],
        "charge": charge["id"],
        "created": now,
        "currency": charge["currency"],
        "enhanced_eligibility_types": [],
        "evidence": {**dict.fromkeys(EVIDENCE), "enhanced_evidence": {}},
        "evidence_details": {
            "due_by": now + DUE_AFTER,
            "enhanced_eligibility": {},
            "has_evidence": False,
            "past_due": False,
            "submission_count": 0,
            "submission_method": None,
        },
        "is_charge_refundable": inquiry,
        "livemode": False,
        "metadata": {},
        "payment_intent": charge["payment_intent"],
        "payment_method_details": {"card": card | {"network": "visa"}, "type": "card"},
        "reason": reason,
        "status": "warning_needs_response" if inquiry else "needs_response",
    }
    charge["disputed"] = True
    payments.store.save(charge)
    if not inquiry:
        _withdraw(payments, dispute, fee_apart)
    payments.store.add(dispute)
    payments.store.plan("dispute", dispute["id"], now + DUE_AFTER)
    payments.emit("charge.dispute.created", dispute)
    if not inquiry:
        payments.emit("charge.dispute.funds_withdrawn", dispute)
    return dispute


def _withdraw(payments: Payments, dispute: Thing, fee_apart: str | None = None) -> None:
    into, _rate = books.booked_in(payments, dispute["currency"])
    fee = FEE.get(into, 1500 // currencies.step(into) * currencies.step(into))
    taken = f"Chargeback withdrawal for {dispute['charge']}"
    _book(payments, dispute, -dispute["amount"], "dispute", taken, fee=0 if fee_apart else fee)
    if fee_apart:
        _book(payments, dispute, -fee, fee_apart, "Dispute fee", currency=into)


def _book(
    payments: Payments,
    dispute: Thing,
    amount: int,
    category: str,
    description: str,
    *,
    fee: int = 0,
    fee_words: str = "Dispute fee",
    currency: str | None = None,
) -> None:
    """A balance transaction of a dispute, which shows it whole. The caller saves the dispute."""
    booked = books.book(
        payments,
        "adjustment",
        amount,
        currency or dispute["currency"],
        source=dispute["id"],
        category=category,
        description=description,
        fee=fee,
        fee_words=fee_words,
    )
    dispute["balance_transactions"].append(payments.public(booked))


def escalate(payments: Payments, dispute: Thing) -> Thing:
    """An inquiry becomes a chargeback: the money is taken now. Raises ApiError."""
    if dispute["status"] not in ("warning_needs_response", "warning_under_review"):
        raise ApiError(f"The dispute is {dispute['status']}.", status=409)
    before = dispute["status"]
    dispute |= {"status": "needs_response", "is_charge_refundable": False}
    _withdraw(payments, dispute)
    payments.emit("charge.dispute.updated", payments.store.save(dispute), previous={"status": before})
    payments.emit("charge.dispute.funds_withdrawn", dispute)
    return dispute


def update(payments: Payments, dispute: Thing, asked: Thing, cause: Cause) -> Thing:
    """Keep evidence and, unless `submit` is false, hand it in. Raises ApiError when the dispute is over."""
    if "evidence" in asked and dispute["status"] not in NEED_ANSWER:
        raise ApiError("This dispute can no longer be updated with evidence.", param="evidence", kept=True)
    before = {"status": dispute["status"], "evidence_details": dict(dispute["evidence_details"])}
    if "metadata" in asked:
        dispute["metadata"] = {**dispute["metadata"], **asked["metadata"]} if asked["metadata"] else {}
    if "evidence" in asked:
        dispute["evidence"] |= asked["evidence"]
        dispute["evidence_details"]["has_evidence"] = True
    if asked.get("submit", "evidence" in asked):
        if dispute["status"] not in NEED_ANSWER:
            raise ApiError("The evidence of this dispute has been submitted already.", param="submit", kept=True)
        dispute["evidence_details"] |= {"submission_count": 1, "has_evidence": True, "submission_method": "manual"}
        dispute["status"] = dispute["status"].replace("needs_response", "under_review")
        payments.store.unplan("dispute", dispute["id"])
    previous = {name: value for name, value in before.items() if dispute[name] != value}
    payments.emit("charge.dispute.updated", payments.store.save(dispute), cause, previous)
    return dispute


def close(payments: Payments, dispute: Thing, cause: Cause) -> Thing:
    """Accept the dispute: it is lost. Raises ApiError when it no longer waits for an answer."""
    if dispute["status"] not in NEED_ANSWER:
        raise ApiError("This dispute is already closed.", code="dispute_already_closed", kept=True)
    return _end(payments, dispute, "lost", cause)


def lose(payments: Payments, dispute: Thing) -> Thing:
    """The bank decides for the donor. Raises ApiError when the dispute is over."""
    _check_open(dispute)
    return _end(payments, dispute, "lost", NOBODY)


def win(payments: Payments, dispute: Thing, *, fee_back: bool = False, amount: int | None = None) -> Thing:
    """The bank decides for the account: the money comes back (`fee_back`: what the dispute cost, too; `amount`: where currencies
    moved, another than was taken). Raises ApiError."""
    _check_open(dispute)
    if not dispute["balance_transactions"]:
        return _end(payments, dispute, "warning_closed", NOBODY)
    _book(
        payments,
        dispute,
        amount or dispute["amount"],
        "dispute_reversal",
        f"Chargeback reversal for {dispute['charge']}",
        fee=-dispute["balance_transactions"][0]["fee"] if fee_back else 0,
        fee_words="Dispute fee refund",
    )
    dispute["is_charge_refundable"] = True
    payments.emit("charge.dispute.funds_reinstated", payments.store.save(dispute | {"status": "won"}))
    return _end(payments, dispute, "won", NOBODY)


def _check_open(dispute: Thing) -> None:
    if dispute["status"] in OVER:
        raise ApiError(f"The dispute is {dispute['status']}.", status=409)


def _end(payments: Payments, dispute: Thing, status: str, cause: Cause) -> Thing:
    payments.store.unplan("dispute", dispute["id"])
    before = dispute["status"]
    if before.startswith("warning") and status == "lost":
        status = "warning_closed"
    dispute["status"] = status
    payments.emit("charge.dispute.closed", payments.store.save(dispute), cause, {"status": before})
    return dispute


def time_is_up(payments: Payments, dispute: Thing) -> None:
    """Nobody answered in time: what asked for an answer is lost."""
    if dispute["status"] in NEED_ANSWER:
        dispute["evidence_details"]["past_due"] = True
        _end(payments, dispute, "lost", NOBODY)


def warn_of_fraud(payments: Payments, charge: Thing) -> Thing:
    """The network says that a payment may be fraud: to refund it now may spare a dispute."""
    warning: Thing = {
        "id": new_id("issfr_1"),
        "object": "radar.early_fraud_warning",
        "actionable": not charge["refunded"] and not charge["disputed"],
        "charge": charge["id"],
        "created": payments.store.now(),
        "fraud_type": "made_with_stolen_card",
        "livemode": False,
        "payment_intent": charge["payment_intent"],
    }
    payments.emit("radar.early_fraud_warning.created", payments.store.add(warning))
    return warning
