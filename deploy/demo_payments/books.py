"""The balance of an account: its balance transactions, in the currency it settles in, and what is paid out to its bank.

https://docs.stripe.com/api/balance_transactions, https://docs.stripe.com/reports/balance-transaction-types and
https://docs.stripe.com/payouts/reconciliation. Every function runs inside one transaction of the store.
"""

from __future__ import annotations

from decimal import ROUND_HALF_EVEN, Decimal
from typing import TYPE_CHECKING

from deploy.demo_payments import currencies
from deploy.demo_payments.errors import ApiError
from deploy.demo_payments.store import Thing, new_id

if TYPE_CHECKING:
    from deploy.demo_payments.payments import Payments

DAY = 24 * 60 * 60
AVAILABLE_AFTER = 2 * DAY
ARRIVES_AFTER = 2 * DAY
# What paying out at once costs: one part in so many.
INSTANT_FEE = 100
FEE_WORDS = "Stripe processing fees"


def settle_in(payments: Payments, currency: str | None, rate: str) -> None:
    """From now on the account books everything in `currency` (None: each payment in its own); `rate`: what one unit of
    any other currency is worth in it, a decimal."""
    payments.store.set(f"settles_in {payments.store.account}", None if currency is None else [currency, rate])


def booked_in(payments: Payments, currency: str) -> tuple[str, Decimal | None]:
    """The currency that the account books `currency` in, and the rate when that is another one."""
    found = payments.store.setting(f"settles_in {payments.store.account}", None)
    if found is None or found[0] == currency:
        return currency, None
    return str(found[0]), Decimal(found[1])


def converted(amount: int, currency: str, into: str, rate: Decimal | None) -> int:
    """`amount` minor units of `currency` in minor units of `into`."""
    if rate is None:
        return amount
    scale = Decimal(10) ** (currencies.exponent(into) - currencies.exponent(currency))
    return int((amount * rate * scale).to_integral_value(ROUND_HALF_EVEN))


def book(
    payments: Payments,
    kind: str,
    amount: int,
    currency: str,
    *,
    source: str | None,
    category: str,
    description: str | None = None,
    fee: int = 0,
    fee_words: str = FEE_WORDS,
    converts: bool = True,
) -> Thing:
    """A new balance transaction of `amount` minor units of `currency` (below zero: taken from the account). `fee` is in
    minor units of the currency that the account settles in."""
    into, rate = booked_in(payments, currency) if converts else (currency, None)
    now, booked = payments.store.now(), converted(amount, currency, into, rate)
    detail = {"amount": fee, "application": None, "currency": into, "type": "stripe_fee", "description": fee_words}
    return payments.store.add(
        {
            "id": new_id("txn_3"),
            "object": "balance_transaction",
            "amount": booked,
            "available_on": now + AVAILABLE_AFTER if kind in ("charge", "payment") else now,
            "balance_type": "payments",
            "created": now,
            "currency": into,
            "description": description,
            "exchange_rate": None if rate is None else float(rate),
            "fee": fee,
            "fee_details": [detail] if fee else [],
            "net": booked - fee,
            "reporting_category": category,
            "source": source,
            "status": "pending",
            "type": kind,
            "_payout": None,
        }
    )


def book_charge(payments: Payments, charge: Thing) -> Thing:
    """The balance transaction of a charge, with its fee."""
    into, rate = booked_in(payments, charge["currency"])
    fee = currencies.fee(converted(charge["amount"], charge["currency"], into, rate), into)
    return book(
        payments,
        "charge" if charge["id"].startswith("ch_") else "payment",
        charge["amount"],
        charge["currency"],
        source=charge["id"],
        category="charge",
        description=charge["description"],
        fee=fee,
    )


def adjust(payments: Payments, kind: str, amount: int, currency: str, description: str) -> Thing:
    """What Stripe books by itself: kind `adjustment`, or `stripe_fee` for what it bills apart from payments."""
    category = "fee" if kind == "stripe_fee" else "other_adjustment"
    return book(
        payments, kind, amount, currency, source=None, category=category, description=description, converts=False
    )


def balance(payments: Payments) -> Thing:
    """What the account has, by currency."""
    now = payments.store.now()
    available: dict[str, int] = {}
    pending: dict[str, int] = {}
    for one in payments.store.page("balance_transaction"):
        sums = available if one["available_on"] <= now else pending
        sums[one["currency"]] = sums.get(one["currency"], 0) + one["net"]
        (pending if sums is available else available).setdefault(one["currency"], 0)

    def shown(sums: dict[str, int]) -> list[Thing]:
        return [
            {"amount": amount, "currency": currency, "source_types": {"card": amount}}
            for currency, amount in sorted(sums.items())
        ]

    return {"object": "balance", "available": shown(available), "livemode": False, "pending": shown(pending)}


# Payouts.
def pay_out(payments: Payments, *, instant: bool = False, pending: bool = False) -> list[Thing]:
    """Send to the bank what stands in the account, a payout for each currency with something above zero. `instant`: somebody
    asked for it at once, which costs INSTANT_FEE of it and says not what it carries. `pending`: it is made, and neither sent
    nor is listed what it carries (`send`, `reconcile`)."""
    waiting: dict[str, list[Thing]] = {}
    for one in payments.store.page("balance_transaction", [("json_extract(data, '$._payout') IS ?", None)]):
        waiting.setdefault(one["currency"], []).append(one)
    made = []
    for currency, transactions in waiting.items():
        amount = sum(one["net"] for one in transactions)
        fee = -(-amount // INSTANT_FEE) if instant else 0
        if amount > fee:
            made.append(_pay_out(payments, currency, amount - fee, transactions, fee if instant else None, pending))
    return made


def _pay_out(
    payments: Payments, currency: str, amount: int, transactions: list[Thing], fee: int | None, pending: bool
) -> Thing:
    now, payout_id = payments.store.now(), new_id("po_1")
    nothing = (
        "application_fee", "application_fee_amount", "failure_balance_transaction", "failure_code", "failure_message",
        "original_payout", "payout_method", "reversed_by", "statement_descriptor",
    )  # fmt: skip
    own = book(
        payments,
        "payout",
        -amount,
        currency,
        source=payout_id,
        category="payout",
        description="STRIPE PAYOUT",
        fee=fee or 0,
        fee_words="Instant payout fee",
        converts=False,
    )
    # Stripe lists what automatic payouts carry, and no others; and not all of it before that is reconciled.
    carried = payout_id if fee is None else f"by hand: {payout_id}"
    for place, one in enumerate([*transactions, own]):
        waits = pending and fee is None and place > 0
        payments.store.save(one | {"_payout": _waiting(payout_id) if waits else carried})
    payout: Thing = {
        "id": payout_id,
        "object": "payout",
        **dict.fromkeys(nothing),
        "amount": amount,
        "arrival_date": now + ARRIVES_AFTER,
        "automatic": fee is None,
        "balance_transaction": own["id"],
        "created": now,
        "currency": currency,
        "description": "STRIPE PAYOUT",
        "destination": f"ba_1Demo{currency}",
        "livemode": False,
        "metadata": {},
        "method": "standard" if fee is None else "instant",
        "reconciliation_status": ("in_progress" if pending else "completed") if fee is None else "not_applicable",
        "source_type": "card",
        "status": "pending" if pending else "in_transit",
        "trace_id": {"status": "pending", "value": None},
        "type": "bank_account",
    }
    payments.emit("payout.created", payments.store.add(payout))
    payments.store.plan("payout", payout_id, payout["arrival_date"])
    return payout


def _waiting(payout_id: str) -> str:
    return f"in progress: {payout_id}"


def send(payments: Payments, payout: Thing) -> Thing:
    """It is submitted to the bank. Raises ApiError when it was."""
    if payout["status"] != "pending":
        raise ApiError(f"The payout is {payout['status']}.", status=409)
    payments.emit(
        "payout.updated", payments.store.save(payout | {"status": "in_transit"}), previous={"status": "pending"}
    )
    payout["status"] = "in_transit"
    return payout


def reconcile(payments: Payments, payout: Thing) -> Thing:
    """From now on Stripe lists all that it carries. Raises ApiError when it does, or never will."""
    if payout["reconciliation_status"] != "in_progress":
        raise ApiError(f"The reconciliation is {payout['reconciliation_status']}.", status=409)
    of_payout = [("json_extract(data, '$._payout') = ?", _waiting(payout["id"]))]
    for one in payments.store.page("balance_transaction", of_payout):
        payments.store.save(one | {"_payout": payout["id"]})
    payout["reconciliation_status"] = "completed"
    previous = {"reconciliation_status": "in_progress"}
    payments.emit("payout.reconciliation_completed", payments.store.save(payout), previous=previous)
    return payout


def cancel(payments: Payments, payout: Thing) -> Thing:
    """The account calls it back before it is sent: the money is in the account again. Raises ApiError when it was sent."""
    if payout["status"] != "pending":
        raise ApiError(f"The payout is {payout['status']}.", status=409)
    payments.store.unplan("payout", payout["id"])
    back = _come_back(payments, payout, "payout_cancel", "STRIPE PAYOUT CANCEL")
    payout |= {"status": "canceled", "failure_balance_transaction": back["id"]}
    payments.emit("payout.canceled", payments.store.save(payout), previous={"status": "pending"})
    return payout


def _come_back(payments: Payments, payout: Thing, kind: str, description: str) -> Thing:
    return book(
        payments,
        kind,
        payout["amount"],
        payout["currency"],
        source=payout["id"],
        category="payout_reversal",
        description=description,
        converts=False,
    )


def payout_arrives(payments: Payments, payout: Thing) -> Thing:
    """The bank has it. Raises ApiError when it was not sent, or is over already."""
    if payout["status"] != "in_transit":
        raise ApiError(f"The payout is {payout['status']}.", status=409)
    payments.store.unplan("payout", payout["id"])
    payout |= {"status": "paid", "trace_id": {"status": "supported", "value": new_id("", 12)}}
    payments.emit("payout.paid", payments.store.save(payout), previous={"status": "in_transit"})
    return payout


def payout_fails(payments: Payments, payout: Thing) -> Thing:
    """The bank sends it back, perhaps after it was called paid: the money is in the account again. Raises ApiError."""
    before = payout["status"]
    if before not in ("in_transit", "paid"):
        raise ApiError(f"The payout is {before}.", status=409)
    payments.store.unplan("payout", payout["id"])
    back = _come_back(payments, payout, "payout_failure", "STRIPE PAYOUT FAILURE")
    payout |= {
        "status": "failed",
        "failure_balance_transaction": back["id"],
        "failure_code": "account_closed",
        "failure_message": "The bank account has been closed",
    }
    payments.emit("payout.failed", payments.store.save(payout), previous={"status": before})
    return payout
