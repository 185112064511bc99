"""Covering the fee: what is paid leaves at least the gift, and nothing smaller that can be charged would (MONEY.md 10)."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core.money import (
    CURRENCY_OF_COUNTRY,
    THREE_DECIMAL,
    WHOLE_UNITS_TWO_DECIMALS,
    ZERO_DECIMAL,
    BadAmount,
    Money,
    charge_step,
    check_chargeable,
    maximum,
    minimum,
)
from app.donations.fees import MAXIMUM_SHARE, FeeTerms, default_terms, fee_of, gross_up

CURRENCIES = sorted({*CURRENCY_OF_COUNTRY.values(), "EUR", *ZERO_DECIMAL, *THREE_DECIMAL, *WHOLE_UNITS_TWO_DECIMALS})


@st.composite
def gifts(draw: st.DrawFn) -> tuple[Money, FeeTerms]:
    """A gift that can be charged, in any currency, and any fee, the assumed one among them."""
    currency = draw(st.sampled_from(CURRENCIES))
    step = charge_step(currency)
    least, most = minimum(currency).amount_minor // step, maximum(currency).amount_minor // step
    own = st.builds(FeeTerms, st.integers(0, MAXIMUM_SHARE), st.integers(0, 5000))
    return Money(draw(st.integers(least, most)) * step, currency), draw(st.just(default_terms(currency)) | own)


@pytest.mark.rule("F1")
@given(gifts())
def test_what_is_paid_leaves_the_gift_and_the_next_smaller_charge_would_not(asked: tuple[Money, FeeTerms]) -> None:
    gift, terms = asked
    step, most = charge_step(gift.currency), maximum(gift.currency).amount_minor
    try:
        paid = gross_up(gift, terms).amount_minor
    except BadAmount:  # the largest charge there is leaves less than the gift
        assert most - fee_of(most, terms) < gift.amount_minor
        return
    check_chargeable(Money(paid, gift.currency))
    assert paid - fee_of(paid, terms) >= gift.amount_minor
    assert paid - step - fee_of(paid - step, terms) < gift.amount_minor
    # Stripe rounds half up, others down: whichever way, the gift is whole.
    assert paid - ((paid * terms.share + 5_000) // 10_000 + terms.fixed_minor) >= gift.amount_minor


@pytest.mark.parametrize(
    ("gift", "paid"),
    [
        (Money(2500, "USD"), 2606),  # 25.00 = 26.06 less 0.30 and 2.9% (0.7557)
        (Money(1000, "GBP"), 1036),
        (Money(1000, "JPY"), 1038),  # no decimals
        (Money(25_000, "KWD"), 25_880),  # 2.9% and 0.120; the last of three decimals is 0
        (Money(50, "USD"), 83),
    ],
)
def test_examples_by_hand(gift: Money, paid: int) -> None:
    assert gross_up(gift, default_terms(gift.currency)) == Money(paid, gift.currency)


def test_in_a_currency_of_whole_units_the_charge_is_whole() -> None:
    assert gross_up(Money(250_000, "ISK"), default_terms("ISK")).amount_minor % 100 == 0
