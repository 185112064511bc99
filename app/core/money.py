"""Money (F1): integer minor units plus ISO 4217 currency; decimals only at the edge, where people read and type them.

Minor units and limits follow Stripe's documentation of supported currencies (docs/money.md names the pages).
"""

from __future__ import annotations

import dataclasses
import decimal

from babel.core import UnknownLocaleError
from babel.numbers import NumberFormatError, format_currency, parse_decimal

ZERO_DECIMAL = frozenset(
    ["BIF", "CLP", "DJF", "GNF", "JPY", "KMF", "KRW", "MGA", "PYG", "RWF", "UGX", "VND", "VUV", "XAF", "XOF", "XPF"]
)
THREE_DECIMAL = frozenset(["BHD", "JOD", "KWD", "OMR", "TND"])
# Stripe charges these in whole units although it writes two decimals.
WHOLE_UNITS_TWO_DECIMALS = frozenset({"ISK", "UGX"})
MAXIMUM_MINOR = 99_999_999
# Smallest charge per currency in minor units; others: the equivalent of about half a dollar is for Stripe to judge.
MINIMUM_MINOR = {
    "USD": 50, "EUR": 50, "GBP": 30, "CAD": 50, "AUD": 50, "NZD": 50, "CHF": 50, "DKK": 250, "NOK": 300, "SEK": 300,
    "JPY": 50, "MXN": 1000, "PLN": 200, "CZK": 1500, "HUF": 17500, "RON": 200, "BRL": 50, "INR": 50, "SGD": 50,
    "HKD": 400, "AED": 200, "MYR": 200, "THB": 1000, "KRW": 500, "KWD": 150, "BHD": 190, "OMR": 200, "JOD": 360,
    "TND": 1600, "ISK": 7500,
}  # fmt: skip
CURRENCY_OF_COUNTRY = {
    "US": "USD", "GB": "GBP", "CA": "CAD", "AU": "AUD", "NZ": "NZD", "CH": "CHF", "DK": "DKK", "NO": "NOK", "SE": "SEK",
    "JP": "JPY", "MX": "MXN", "PL": "PLN", "CZ": "CZK", "HU": "HUF", "RO": "RON", "BR": "BRL", "IN": "INR", "SG": "SGD",
    "HK": "HKD", "AE": "AED", "MY": "MYR", "TH": "THB", "KR": "KRW", "KW": "KWD", "BH": "BHD", "OM": "OMR", "JO": "JOD",
    "TN": "TND", "IS": "ISK",
}  # fmt: skip
EURO_COUNTRIES = frozenset(
    [
        "AT",
        "BE",
        "CY",
        "DE",
        "EE",
        "ES",
        "FI",
        "FR",
        "GR",
        "HR",
        "IE",
        "IT",
        "LT",
        "LU",
        "LV",
        "MT",
        "NL",
        "PT",
        "SI",
        "SK",
    ]
)


@dataclasses.dataclass(frozen=True)
class Money:
    """An amount in minor units of `currency` (upper-case ISO 4217)."""

    amount_minor: int
    currency: str


class BadAmount(ValueError):
    """An amount that cannot be charged; `code` is one of unreadable, not_positive, too_small, too_large, not_chargeable."""

    def __init__(self, code: str) -> None:
        self.code = code
        super().__init__(code)


def currency_of(country: str) -> str:
    """The currency an organization of `country` (ISO 3166-1 alpha-2) raises money in; US dollars where we know none."""
    return "EUR" if country in EURO_COUNTRIES else CURRENCY_OF_COUNTRY.get(country, "USD")


def decimals(currency: str) -> int:
    """How many decimals the minor unit of `currency` has: 0, 2 or 3."""
    if currency in ZERO_DECIMAL:
        return 0
    return 3 if currency in THREE_DECIMAL else 2


def to_decimal(money: Money) -> decimal.Decimal:
    """The amount in whole units of its currency."""
    return decimal.Decimal(money.amount_minor).scaleb(-decimals(money.currency))


def from_decimal(amount: decimal.Decimal, currency: str) -> Money:
    """The reverse of to_decimal. Raises BadAmount("unreadable") when there are more decimals than the currency has."""
    minor = amount.scaleb(decimals(currency))
    if not amount.is_finite() or minor != minor.to_integral_value():
        raise BadAmount("unreadable")
    return Money(int(minor), currency)


def check_chargeable(money: Money) -> None:
    """Raise BadAmount unless Stripe can charge it: positive, within the limits, and whole where it must be (F1)."""
    if money.amount_minor <= 0:
        raise BadAmount("not_positive")
    if money.amount_minor < MINIMUM_MINOR.get(money.currency, 1):
        raise BadAmount("too_small")
    if money.amount_minor > MAXIMUM_MINOR:
        raise BadAmount("too_large")
    if money.currency in THREE_DECIMAL and money.amount_minor % 10:
        raise BadAmount("not_chargeable")
    if money.currency == "ISK" and money.amount_minor % 100:
        raise BadAmount("not_chargeable")


def parse_money(text: str, currency: str, locale: str) -> Money:
    """What a person typed ("25", "25.50", "1,250.00") as money. Raises BadAmount("unreadable")."""
    try:
        amount = parse_decimal(text.strip().lstrip("$€£¥ ").strip(), locale=locale, strict=True)
    except (NumberFormatError, UnknownLocaleError, decimal.InvalidOperation) as error:
        raise BadAmount("unreadable") from error
    if len(amount.as_tuple().digits) > 15:
        raise BadAmount("too_large")
    return from_decimal(amount, currency)


def format_money(money: Money, locale: str) -> str:
    """The amount as people of `locale` write it; cents only where there are some: $25, $25.50."""
    value = to_decimal(money)
    if value == value.to_integral_value():
        return format_currency(
            value, money.currency, locale=locale, currency_digits=False, format_type="standard"
        ).replace(".00", "")
    return format_currency(value, money.currency, locale=locale)
