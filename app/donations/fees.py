"""What a card payment costs, and what must be paid so that a gift arrives whole (MONEY.md 10): whole minor units only.

The formula is a percentage and a fixed amount, as Stripe prices cards. It is rounded up here: Stripe rounds half up
(https://support.stripe.com/questions/rounding-rules-for-stripe-fees), so what it keeps is never more than this says.
"""

from __future__ import annotations

import dataclasses

from app.core.money import BadAmount, Money, charge_step, maximum, suggestions

WHOLE = 10_000  # hundredths of a percent
# No more than this share is believed of a fee: 20%.
MAXIMUM_SHARE = 2_000
# Stripe's list prices for domestic cards as published in November 2026 (https://stripe.com/pricing, by country): hundredths of
# a percent, and minor units. Cards from abroad cost more, charities may pay less: an organization sets its own.
PUBLISHED = {
    "USD": (290, 30), "CAD": (290, 30), "AUD": (170, 30), "GBP": (150, 20), "EUR": (150, 25), "SGD": (340, 50), "JPY": (360, 0),
}  # fmt: skip


@dataclasses.dataclass(frozen=True)
class FeeTerms:
    """`share` in hundredths of a percent of what is paid (290 is 2.9%), and `fixed_minor` in minor units of the currency."""

    share: int
    fixed_minor: int


def default_terms(currency: str) -> FeeTerms:
    """What is assumed where an organization has not said what it pays: Stripe's list price where one is known for the
    currency, else 2.9% and about 30 US cents in the size that the currency has."""
    share, fixed = PUBLISHED.get(currency, (290, suggestions(currency)[0].amount_minor * 12 // 1000))
    return FeeTerms(share, fixed)


def fee_of(paid_minor: int, terms: FeeTerms) -> int:
    """What is kept of `paid_minor`, in the same minor units, rounded up."""
    return -(-paid_minor * terms.share // WHOLE) + terms.fixed_minor


def gross_up(gift: Money, terms: FeeTerms) -> Money:
    """The smallest amount that can be charged of which at least `gift` is left after its own fee.

    paid - ceil(paid * share) - fixed >= gift holds exactly from paid = ceil((gift + fixed) / (1 - share)) on; from there it
    goes up to the next whole step of the currency (JPY 1, KWD 10, ISK 100). Raises BadAmount (too_large) when that is more
    than can be charged.
    """
    least = -(-(gift.amount_minor + terms.fixed_minor) * WHOLE // (WHOLE - terms.share))
    step = charge_step(gift.currency)
    paid = -(-least // step) * step
    if paid > maximum(gift.currency).amount_minor:
        raise BadAmount("too_large")
    return Money(paid, gift.currency)
