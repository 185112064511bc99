"""What a payment's troubles are called in words. The codes are Stripe's: https://docs.stripe.com/declines/codes."""

from __future__ import annotations

from typing import Any

from app.core.i18n import lazy
from app.donations.models import Donation

# Only what the donor can do something about is told apart; banks rarely say more, and some codes must not be told.
_REASONS: dict[str, Any] = {
    "insufficient_funds": lazy("The account does not have enough money for it"),
    "expired_card": lazy("The card has expired"),
    "incorrect_cvc": lazy("The card's security code was not right"),
    "incorrect_number": lazy("The card's number was not right"),
    "card_velocity_exceeded": lazy("The card has reached its limit"),
    "currency_not_supported": lazy("The card does not work in this currency"),
    "authentication_required": lazy("The bank wanted you to confirm the payment, and that did not happen"),
    "payment_intent_authentication_failure": lazy(
        "The bank wanted you to confirm the payment, and that did not happen"
    ),
    "debit_not_authorized": lazy("The bank says that the account's owner did not allow it"),
    "account_closed": lazy("The bank account is closed"),
    "no_account": lazy("The bank found no such account"),
}
_CARD = lazy("The bank declined the card and did not say why")
_BANK = lazy("The bank did not say why")


def reason(donation: Donation) -> Any:
    """Why the last try to pay failed, as a sentence without its full stop; "" when none did."""
    if not donation.problem:
        return ""
    return _REASONS.get(donation.problem, _BANK if donation.status == "failed" else _CARD)
