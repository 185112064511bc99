"""What refunds, disputes, payouts and mismatches are called in words. The codes are Stripe's
(https://docs.stripe.com/disputes/categories, https://docs.stripe.com/refunds#failed-refunds)."""

from __future__ import annotations

from typing import Any

from app.core.i18n import lazy
from app.donations.models import Donation
from app.donations.money_models import DISPUTE_OPEN
from app.donations.policy import is_known_to_staff

_REASONS: dict[str, Any] = {
    "fraudulent": lazy("The card's owner says that they did not make this payment"),
    "unrecognized": lazy("The card's owner does not recognise this payment"),
    "duplicate": lazy("The donor says that they paid twice"),
    "credit_not_processed": lazy("The donor expected the money back and did not get it"),
    "product_not_received": lazy("The donor says that they did not get what they paid for"),
    "product_unacceptable": lazy("The donor says that they did not get what they paid for"),
    "subscription_canceled": lazy("The donor says that they had stopped their monthly gift"),
    "debit_not_authorized": lazy("The account's owner says that they did not allow this payment"),
    "customer_initiated": lazy("The donor asked their bank for the money back"),
    "insufficient_funds": lazy("The donor's account did not have enough money"),
    "incorrect_account_details": lazy("The bank account's details were not right"),
    "bank_cannot_process": lazy("The donor's bank cannot process the payment"),
    "check_returned": lazy("The donor's bank returned the payment"),
}
_NO_REASON = lazy("The bank gave no reason that we know")


def dispute_reason(code: str) -> Any:
    """Why the bank disputes a payment, as a sentence without its full stop."""
    return _REASONS.get(code, _NO_REASON)


def dispute_state(status: str) -> str:
    """Where a dispute of Stripe's status stands, as one of: inquiry, answer, review, won, lost, closed."""
    if status in ("won", "lost"):
        return status
    if status not in DISPUTE_OPEN:
        return "closed"
    if status == "warning_needs_response":
        return "inquiry"
    return "answer" if status in ("needs_response", "appeal_needs_response") else "review"


REFUND_REASON_WORDS: dict[str, Any] = {
    "requested_by_customer": lazy("The donor asked for it"),
    "duplicate": lazy("It was given twice"),
    "fraudulent": lazy("The card was used by somebody else"),
}
_REFUND_PROBLEMS: dict[str, Any] = {
    "lost_or_stolen_card": lazy("The card is lost or stolen"),
    "expired_or_canceled_card": lazy("The card has expired or was cancelled"),
    "charge_for_pending_refund_disputed": lazy("The donor's bank took the payment back in the meantime"),
    "insufficient_funds": lazy("There was not enough money on your account at Stripe"),
    "declined": lazy("The donor's bank did not take it"),
    "charge_already_refunded": lazy("The whole gift has gone back already"),
    "more_than_left": lazy("Less than that is left of the gift: some of it has gone back already"),
    "charge_disputed": lazy("The donor's bank has taken the payment back, or may"),
    "merchant_request": lazy("You asked Stripe not to make it"),
    "unknown": lazy("The bank gave no reason that we know"),
}


def refund_problem(code: str) -> Any:
    """Why a refund did not arrive, as a sentence without its full stop; a code that has no words stays what it is."""
    return _REFUND_PROBLEMS.get(code, code)


_MISMATCHES: dict[str, tuple[Any, Any]] = {
    "amount": (
        lazy("Stripe and the ledger have different amounts"),
        lazy("Compare the payment in Stripe's dashboard with the gift. Somebody may have changed it there."),
    ),
    "gift_unknown": (
        lazy("A gift at Stripe is not in the ledger"),
        lazy(
            "Open the gift: when it says that it does not match, give it back in Stripe's dashboard or ask the donor."
        ),
    ),
    "refund_unknown": (
        lazy("A refund at Stripe is not in the ledger"),
        lazy("Its news may have been lost: the next check fetches it. If it is here again tomorrow, ask the operator."),
    ),
    "payout_unknown": (
        lazy("A payout to the bank is not in the ledger"),
        lazy("Its news may have been lost. Ask the operator to look at the events given up."),
    ),
    "not_at_stripe": (
        lazy("The ledger has something that Stripe does not list"),
        lazy("Ask the operator: the keys may be those of another account."),
    ),
    "never_booked": (
        lazy("Stripe never booked a gift that was paid"),
        lazy("Look at the payment in Stripe's dashboard. It may be held for review."),
    ),
    "second_payment": (
        lazy("A page of a gift was paid that had been replaced by another"),
        lazy(
            "It is not counted. Open the gift: if it is paid, too, give this payment back in Stripe's dashboard; if not, ask the"
            " donor which of the two they meant."
        ),
    ),
    "second_dispute": (
        lazy("A bank disputes a payment of a gift that is not counted"),
        lazy(
            "Somebody paid a page of this gift that had been replaced by another, and the bank asks about that payment. Answer"
            " in Stripe's dashboard before the day below."
        ),
    ),
    "account_gone": (
        lazy("Something happened on an account that was disconnected"),
        lazy(
            "We cannot ask Stripe about it any more, so it changed nothing here. Look at it in that account's dashboard. A"
            " payment that is not among your gifts here is given back there if the donor did not want it."
        ),
    ),
    "other": (
        lazy("Stripe booked something that is no gift"),
        lazy("A fee or a correction of Stripe's. Its dashboard says what it is; note that here for your books."),
    ),
}
_UNKNOWN = (
    lazy("Stripe and the ledger differ"),
    lazy("Look at it in Stripe's dashboard, and note here what it was."),
)


def mismatch(kind: str) -> tuple[Any, Any]:
    """(What differs, what to do about it) in sentences."""
    return _MISMATCHES.get(kind, _UNKNOWN)


def donor(donation: Donation) -> str:
    """The donor as the organization's staff may read of them: "" when the donor hides from it, or gave no name (F9)."""
    return (donation.company or donation.name) if is_known_to_staff(donation) else ""


_LINES: dict[str, Any] = {
    "charge": lazy("Gift"),
    "payment": lazy("Gift"),
    "refund": lazy("Refund"),
    "payment_refund": lazy("Refund"),
    "refund_failure": lazy("Refund that did not arrive"),
    "payment_failure_refund": lazy("Refund that did not arrive"),
    "adjustment": lazy("Dispute or correction"),
    "stripe_fee": lazy("Stripe's fee"),
    "stripe_fx_fee": lazy("Stripe's fee"),
    "tax_fee": lazy("Stripe's fee"),
}
_LINE = lazy("Other")


def line(kind: str) -> Any:
    """What a line of a payout is."""
    return _LINES.get(kind, _LINE)
