"""Refunds: full or partial, asked for by the platform or on the account's own pages, done at once, later or not at all.

https://docs.stripe.com/api/refunds, https://docs.stripe.com/refunds#failed-refunds. Every function runs inside one
transaction of the store.
"""

from __future__ import annotations

from deploy.demo_payments import books, currencies
from deploy.demo_payments.errors import ApiError, missing
from deploy.demo_payments.payments import NOBODY, Cause, Payments
from deploy.demo_payments.store import Thing, new_id

CARD = {"reference_status": "pending", "reference_type": "acquirer_reference_number", "type": "refund"}
# The last three take nothing from the account yet: the donor has to say where to, the account has too little, or Stripe has
# not booked what was refunded. https://docs.stripe.com/api/refunds/object: `balance_transaction` and `pending_reason`.
UNBOOKED = ("requires_action", "held", "unbooked")
OUTCOMES = ("succeeded", "pending", "failed", *UNBOOKED)
STATUSES = {"succeeded": "succeeded", "requires_action": "requires_action", "unbooked": "succeeded"}


def charge_of(payments: Payments, asked: Thing) -> Thing:
    """The charge that `charge` or `payment_intent` names. Raises ApiError."""
    if "charge" in asked:
        charge = payments.store.find("charge", asked["charge"])
        if charge is None:
            raise missing("charge", asked["charge"], "charge")
        if asked.get("payment_intent", charge["payment_intent"]) != charge["payment_intent"]:
            raise ApiError("The charge and the payment_intent do not belong together.", param="payment_intent")
        return charge
    if "payment_intent" not in asked:
        message = "One of the following params should be provided for this request: payment_intent or charge."
        raise ApiError(message, code="parameter_missing", param="payment_intent")
    intent = payments.store.find("payment_intent", asked["payment_intent"])
    if intent is None:
        raise missing("payment_intent", asked["payment_intent"], "payment_intent")
    charge = payments.store.find("charge", intent["latest_charge"])
    if charge is None or charge["status"] != "succeeded":
        message = f"This PaymentIntent ({intent['id']}) does not have a successful charge to refund."
        raise ApiError(message, code="charge_not_refundable", param="payment_intent", kept=True)
    return charge


def create(payments: Payments, asked: Thing, cause: Cause = NOBODY) -> Thing:
    """A refund of what `asked` names. Raises ApiError when that cannot be given back."""
    charge = charge_of(payments, asked)
    _check_refundable(payments, charge)
    left = charge["amount"] - charge["amount_refunded"]
    amount = asked.get("amount", left)
    if left == 0:
        message = f"Charge {charge['id']} has already been refunded."
        raise ApiError(message, code="charge_already_refunded", kept=True)
    if amount > left:
        shown = currencies.written(amount, charge["currency"]), currencies.written(left, charge["currency"])
        message = f"Refund amount ({shown[0]}) is greater than unrefunded amount on charge ({shown[1]})"
        raise ApiError(message, param="amount", kept=True)
    if amount % currencies.step(charge["currency"]):
        raise ApiError("Invalid amount: it must be a multiple of the smallest unit of a charge.", param="amount")
    payments.settle(charge)
    # Banks take days where cards take none.
    usual = "succeeded" if charge["id"].startswith("ch_") else "pending"
    outcome = str(payments.store.setting("refund_outcome", usual))
    refund: Thing = {
        "id": new_id(payments.store.prefix("refund", "re_3" if charge["id"].startswith("ch_") else "pyr_1")),
        "object": "refund",
        **dict.fromkeys(("receipt_number", "source_transfer_reversal", "transfer_reversal")),
        "amount": amount,
        "balance_transaction": None,
        "charge": charge["id"],
        "created": payments.store.now(),
        "currency": charge["currency"],
        "customer": charge["customer"],
        "destination_details": {"card": CARD, "type": "card"},
        "metadata": asked.get("metadata", {}),
        "payment_intent": charge["payment_intent"],
        "payment_method": charge["payment_method"],
        "reason": asked.get("reason"),
        "status": STATUSES.get(outcome, "pending"),
    }
    if refund["status"] == "pending":
        refund["pending_reason"] = "insufficient_funds" if outcome == "held" else "processing"
    if outcome not in UNBOOKED:
        _take(payments, refund)
    payments.store.add(refund)
    _change_charge(payments, charge, amount, "charge.refunded", cause)
    payments.emit("refund.created", refund, cause)
    if outcome == "failed":
        fail(payments, refund)
    elif outcome == "pending":
        payments.store.plan("refund", refund["id"], payments.store.now() + 5 * books.DAY)
    return refund


def _take(payments: Payments, refund: Thing) -> None:
    """What goes back leaves the account's balance. The caller saves the refund."""
    booked = books.book(
        payments,
        "refund" if refund["charge"].startswith("ch_") else "payment_refund",
        -refund["amount"],
        refund["currency"],
        source=refund["id"],
        category="refund",
        description="REFUND FOR CHARGE",
    )
    refund["balance_transaction"] = booked["id"]


def _put_back(payments: Payments, refund: Thing) -> None:
    """What did not arrive is in the account's balance again. The caller saves the refund."""
    back = books.book(
        payments,
        "refund_failure",
        refund["amount"],
        refund["currency"],
        source=refund["id"],
        category="refund_failure",
        description="REFUND FAILURE",
    )
    refund["failure_balance_transaction"] = back["id"]


def book_now(payments: Payments, refund: Thing) -> Thing:
    """What had no balance transaction has one now, and what waited for that goes on; of one that is called done, or failed
    since, nobody is told. Raises ApiError when it has one."""
    if refund["balance_transaction"] is not None:
        raise ApiError("The refund is booked.", status=409)
    before = refund["status"]
    _take(payments, refund)
    if before == "failed":
        _put_back(payments, refund)
    elif before != "succeeded":
        refund |= {"status": "pending", "pending_reason": "processing"}
    payments.store.save(refund)
    if refund["status"] == "pending":
        payments.emit("refund.updated", refund, previous={"status": before, "balance_transaction": None})
    return refund


def cancel(payments: Payments, refund: Thing) -> Thing:
    """The account takes back what had not left it. Raises ApiError when it has, or is over."""
    before = refund["status"]
    if before not in ("pending", "requires_action") or refund["balance_transaction"] is not None:
        raise ApiError(f"The refund is {before}.", status=409)
    refund.pop("pending_reason", None)
    payments.store.save(refund | {"status": "canceled"})
    charge = payments.store.get("charge", refund["charge"])
    _change_charge(payments, charge, -refund["amount"], "charge.updated", NOBODY)
    refund["status"] = "canceled"
    for kind in ("refund.updated", "charge.refund.updated"):
        payments.emit(kind, refund, previous={"status": before})
    return refund


def _check_refundable(payments: Payments, charge: Thing) -> None:
    if charge["status"] != "succeeded":
        message = f"Charge {charge['id']} has not succeeded, so there is nothing to refund."
        raise ApiError(message, code="charge_not_refundable", kept=True)
    for dispute in payments.store.page("dispute", [("json_extract(data, '$.charge') = ?", charge["id"])]):
        if not dispute["is_charge_refundable"]:
            message = f"Charge {charge['id']} has been charged back; cannot issue a refund."
            raise ApiError(message, code="charge_disputed", kept=True)


def _change_charge(payments: Payments, charge: Thing, amount: int, kind: str, cause: Cause) -> None:
    before = {"amount_refunded": charge["amount_refunded"], "refunded": charge["refunded"]}
    charge["amount_refunded"] += amount
    charge["refunded"] = charge["amount_refunded"] == charge["amount"]
    previous = {name: value for name, value in before.items() if charge[name] != value}
    payments.emit(kind, payments.store.save(charge), cause, previous)


def _still_pending(payments: Payments, refund: Thing) -> None:
    if refund["status"] != "pending" or refund["balance_transaction"] is None:
        raise ApiError(f"The refund is {refund['status']}.", status=409)
    payments.store.unplan("refund", refund["id"])


def succeed(payments: Payments, refund: Thing) -> Thing:
    """The donor's bank has it. Raises ApiError when the refund is over already."""
    _still_pending(payments, refund)
    refund |= {"status": "succeeded"}
    del refund["pending_reason"]
    payments.emit("refund.updated", payments.store.save(refund), previous={"status": "pending"})
    payments.emit("charge.refund.updated", refund, previous={"status": "pending"})
    return refund


def fail(payments: Payments, refund: Thing) -> Thing:
    """The donor's bank sends it back, perhaps after it was called done: the account has the money again. Raises ApiError."""
    before = refund["status"]
    if before not in ("pending", "succeeded", "requires_action"):
        raise ApiError(f"The refund is {before}.", status=409)
    payments.store.unplan("refund", refund["id"])
    if refund["balance_transaction"] is not None:  # what never left does not come back
        _put_back(payments, refund)
    refund.pop("pending_reason", None)
    refund |= {"status": "failed", "failure_reason": "expired_or_canceled_card"}
    payments.store.save(refund)
    charge = payments.store.get("charge", refund["charge"])
    _change_charge(payments, charge, -refund["amount"], "charge.updated", NOBODY)
    for kind in ("refund.failed", "refund.updated", "charge.refund.updated"):
        payments.emit(kind, refund, previous={"status": before})
    return refund
