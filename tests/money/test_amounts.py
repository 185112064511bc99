"""Money read, written and checked (F1)."""

from __future__ import annotations

import contextlib
import decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core import money
from app.core.money import BadAmount, Money, format_money, format_plain, from_decimal, parse_money, to_decimal
from app.donations.accounts import SERVED
from app.donations.fees import default_terms
from deploy.demo_payments import accounts as demo

LOCALES = ("en", "en_GB", "de", "de_CH", "fr", "es", "pt_BR", "ja", "sv", "pl")
CURRENCIES = sorted(money.MINIMUM_MINOR)


def currencies() -> st.SearchStrategy[str]:
    return st.sampled_from(CURRENCIES)


@pytest.mark.rule("F1")
@given(amount=st.integers(0, money.MAXIMUM_MINOR), currency=currencies(), locale=st.sampled_from(LOCALES))
def test_what_is_shown_in_a_field_is_read_back_exactly(amount: int, currency: str, locale: str) -> None:
    shown = format_plain(Money(amount, currency), locale)
    assert parse_money(shown, currency, locale) == Money(amount, currency)


@pytest.mark.rule("F1")
@given(amount=st.integers(-(10**15), 10**15), currency=currencies())
def test_minor_units_and_decimals_are_inverse(amount: int, currency: str) -> None:
    there = to_decimal(Money(amount, currency))
    if abs(there) < money.MAXIMUM_GOAL_MINOR:
        assert from_decimal(there, currency) == Money(amount, currency)


@pytest.mark.rule("F1")
@pytest.mark.parametrize(
    ("typed", "currency", "locale", "minor"),
    [
        ("25", "USD", "en", 2500),
        ("$25.50", "USD", "en", 2550),
        ("25 USD", "USD", "en", 2500),
        ("USD 25", "USD", "en", 2500),
        ("1,250.00", "USD", "en", 125000),
        (" 25 ", "USD", "en", 2500),
        (".5", "USD", "en", 50),
        ("5.", "USD", "en", 500),
        ("25,50", "EUR", "de", 2550),
        ("1.250,00 €", "EUR", "de", 125000),
        ("1 250,00", "EUR", "fr", 125000),
        ("500", "JPY", "en", 500),
        ("¥1,500", "JPY", "en", 1500),
        ("1.500", "KWD", "en", 1500),
        ("1.5", "KWD", "en", 1500),
        ("100", "ISK", "en", 10000),
        ("5", "UGX", "en", 500),
        ("-5", "USD", "en", -500),
        ("−5", "USD", "en", -500),
    ],
)
def test_what_people_type_is_understood(typed: str, currency: str, locale: str, minor: int) -> None:
    assert parse_money(typed, currency, locale) == Money(minor, currency)


@pytest.mark.rule("F1")
@pytest.mark.parametrize(
    ("typed", "currency", "locale", "code"),
    [
        ("", "USD", "en", "unreadable"),
        ("$", "USD", "en", "unreadable"),
        ("ten", "USD", "en", "unreadable"),
        ("1,25", "USD", "en", "unreadable"),
        ("1.25", "EUR", "de", "unreadable"),
        ("25.505", "USD", "en", "unreadable"),
        ("50.5", "JPY", "en", "unreadable"),
        ("1.0005", "KWD", "en", "unreadable"),
        ("1e5", "USD", "en", "unreadable"),
        ("NaN", "USD", "en", "unreadable"),
        ("sNaN", "USD", "en", "unreadable"),
        ("Infinity", "USD", "en", "unreadable"),
        ("9" * 39, "USD", "en", "too_large"),
        ("9" * 41, "USD", "en", "unreadable"),
    ],
)
def test_what_is_no_amount_is_refused(typed: str, currency: str, locale: str, code: str) -> None:
    with pytest.raises(BadAmount) as refused:
        parse_money(typed, currency, locale)
    assert refused.value.code == code


@pytest.mark.rule("F1")
@pytest.mark.rule("A4")
@given(typed=st.text(max_size=60), currency=currencies(), locale=st.sampled_from(LOCALES))
def test_anything_typed_is_money_or_refused(typed: str, currency: str, locale: str) -> None:
    with contextlib.suppress(BadAmount):
        assert isinstance(parse_money(typed, currency, locale).amount_minor, int)


# About how many whole units of a currency a US dollar is, to one or two digits: what the sizes of core.money are held against.
UNITS_OF_A_DOLLAR = {
    "AED": "3.7", "AUD": "1.5", "BHD": "0.38", "BIF": "2950", "BRL": "5.4", "CAD": "1.4", "CHF": "0.8", "CLP": "950",
    "CZK": "21", "DJF": "178", "DKK": "6.4", "EUR": "0.86", "GBP": "0.75", "GNF": "8700", "HKD": "7.8", "HUF": "330",
    "INR": "89", "ISK": "126", "JOD": "0.71", "JPY": "155", "KMF": "420", "KRW": "1450", "KWD": "0.31", "MGA": "4450",
    "MXN": "18.5", "MYR": "4.1", "NOK": "10.1", "NZD": "1.7", "OMR": "0.38", "PLN": "3.7", "PYG": "7000", "RON": "4.4",
    "RWF": "1450", "SEK": "9.5", "SGD": "1.3", "THB": "32.5", "TND": "2.9", "UGX": "3600", "USD": "1", "VND": "26300",
    "VUV": "121", "XAF": "565", "XOF": "565", "XPF": "103",
}  # fmt: skip
NAMED = {
    *money.MINIMUM_MINOR, *money.CURRENCY_OF_COUNTRY.values(), *money.ZERO_DECIMAL, *money.THREE_DECIMAL,
    *money.WHOLE_UNITS_TWO_DECIMALS, "EUR",
}  # fmt: skip


@pytest.mark.rule("F1")
def test_every_currency_is_suggested_and_charged_for_in_its_own_size() -> None:
    assert set(money.SIZE) == set(UNITS_OF_A_DOLLAR) == NAMED
    for currency, units in UNITS_OF_A_DOLLAR.items():
        sizes = [to_decimal(each) for each in money.suggestions(currency)]
        for size, dollars in zip(sizes, (25, 50, 100, 250), strict=True):
            assert decimal.Decimal("0.55") < size / decimal.Decimal(units) / dollars < decimal.Decimal("1.6"), (
                currency,
                size,
            )
            # People read one or two digits and zeros: 7.5 and 15 are amounts, 8.25 is none.
            assert len(size.normalize().as_tuple().digits) <= 2, (currency, size)
        for each in money.suggestions(currency):
            money.check_chargeable(each)
        fixed = to_decimal(Money(default_terms(currency).fixed_minor, currency)) / decimal.Decimal(units)
        assert fixed == 0 if currency == "JPY" else decimal.Decimal("0.15") < fixed < decimal.Decimal("0.5"), currency
    assert [format_plain(each, "en") for each in money.suggestions("KWD")] == ["10", "20", "40", "100"]


@pytest.mark.rule("F1")
@pytest.mark.parametrize("currency", CURRENCIES)
def test_every_currency_takes_its_minimum_its_suggestions_and_its_maximum_and_nothing_beyond(currency: str) -> None:
    step, least, most = money.charge_step(currency), money.minimum(currency), money.maximum(currency)
    for fine in (least, most):
        money.check_chargeable(fine)
    for amount, code in (
        (0, "not_positive"),
        (-step, "not_positive"),
        (least.amount_minor - step, "too_small" if least.amount_minor > step else "not_positive"),
        (money.MAXIMUM_MINOR + 1, "too_large"),
    ):
        with pytest.raises(BadAmount) as refused:
            money.check_chargeable(Money(amount, currency))
        assert refused.value.code == code
    if step > 1:
        with pytest.raises(BadAmount) as refused:
            money.check_chargeable(Money(least.amount_minor + 1, currency))
        assert refused.value.code == "not_chargeable"


@pytest.mark.rule("F1")
@pytest.mark.parametrize(
    ("amount", "currency", "locale", "shown"),
    [
        (2500, "USD", "en", "$25"),
        (2550, "USD", "en", "$25.50"),
        (1234567, "EUR", "de", "12.345,67\u00a0€"),
        (2500, "EUR", "de", "25\u00a0€"),
        (500, "JPY", "en", "¥500"),
        (1500, "KWD", "en", "KWD\u00a01.500"),
        (7500, "ISK", "en", "ISK\u00a075"),
        (0, "USD", "en", "$0"),
    ],
)
def test_amounts_are_written_as_people_do(amount: int, currency: str, locale: str, shown: str) -> None:
    assert format_money(Money(amount, currency), locale) == shown


def test_a_decimal_that_is_no_number_is_refused() -> None:
    for value in ("NaN", "sNaN", "Infinity", "-Infinity"):
        with pytest.raises(BadAmount):
            from_decimal(decimal.Decimal(value), "USD")


@pytest.mark.rule("F1")
def test_where_accounts_can_be_an_organization_raises_the_currency_of_its_country() -> None:
    """Two tables written apart, the product's and the demo payment server's, say the same of every country."""
    assert {country: money.currency_of(country).lower() for country in SERVED} == demo.CURRENCIES
