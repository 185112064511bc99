"""Money (F1): integer minor units plus ISO 4217 currency; decimals only at the edge, where people read and type them.

Minor units and limits follow Stripe's page on supported currencies (docs/money.md names it and says what was confirmed).
"""

from __future__ import annotations

import dataclasses
import decimal
import re

from babel.core import Locale
from babel.numbers import format_currency, get_currency_symbol, get_decimal_symbol, get_group_symbol

from app.core.i18n import _

ZERO_DECIMAL = frozenset(
    "BIF CLP DJF GNF JPY KMF KRW MGA PYG RWF VND VUV XAF XOF XPF".split()  # noqa: SIM905  # a table, read as one
)
# Three decimals, the last of which must be 0 on every charge.
THREE_DECIMAL = frozenset({"BHD", "JOD", "KWD", "OMR", "TND"})
# People count these in whole units; Stripe still writes two decimals, which must be 00.
WHOLE_UNITS_TWO_DECIMALS = frozenset({"ISK", "UGX"})
# The largest amount every currency takes: eight digits of minor units.
MAXIMUM_MINOR = 99_999_999
# A goal is never charged; this only keeps sums far inside 64 bits.
MAXIMUM_GOAL_MINOR = 10**13
# Smallest charge in minor units. Where Stripe publishes none it asks for its own minimum after conversion: ours leave room.
MINIMUM_MINOR = {
    "USD": 50, "EUR": 50, "GBP": 30, "CAD": 50, "AUD": 50, "NZD": 50, "CHF": 50, "DKK": 250, "NOK": 300, "SEK": 300,
    "JPY": 50, "MXN": 1000, "PLN": 200, "CZK": 1500, "HUF": 17500, "RON": 200, "BRL": 50, "INR": 50, "SGD": 50,
    "HKD": 400, "AED": 200, "MYR": 200, "THB": 1000, "KRW": 1000, "KWD": 200, "BHD": 250, "OMR": 250, "JOD": 450,
    "TND": 2000, "ISK": 10000,
}  # fmt: skip
CURRENCY_OF_COUNTRY = {
    "US": "USD", "GB": "GBP", "CA": "CAD", "AU": "AUD", "NZ": "NZD", "CH": "CHF", "DK": "DKK", "NO": "NOK", "SE": "SEK",
    "JP": "JPY", "MX": "MXN", "PL": "PLN", "CZ": "CZK", "HU": "HUF", "RO": "RON", "BR": "BRL", "IN": "INR", "SG": "SGD",
    "HK": "HKD", "AE": "AED", "MY": "MYR", "TH": "THB", "KR": "KRW", "KW": "KWD", "BH": "BHD", "OM": "OMR", "JO": "JOD",
    "TN": "TND", "IS": "ISK", "GI": "GBP", "LI": "CHF",
}  # fmt: skip
EURO_COUNTRIES = frozenset(
    "AT BE BG CY DE EE ES FI FR GR HR IE IT LT LU LV MT NL PT SI SK".split()  # noqa: SIM905  # a table, read as one
)
# How many units of a currency stand for a US dollar where we suggest: never a rate, but 1, 2, 4 or 8 and zeros, so that
# 25, 50, 100 and 250 of them are round (UGX: the largest charge is not quite a million). Every currency named above has a line.
SIZE = {
    "USD": "1", "EUR": "1", "GBP": "1", "CAD": "1", "AUD": "1", "NZD": "1", "CHF": "1", "SGD": "1",
    "BHD": "0.4", "KWD": "0.4", "OMR": "0.4", "JOD": "0.8", "TND": "2",
    "AED": "4", "BRL": "4", "DKK": "4", "MYR": "4", "PLN": "4", "RON": "4", "HKD": "8", "NOK": "8", "SEK": "8",
    "CZK": "20", "MXN": "20", "THB": "40", "INR": "80",
    "ISK": "100", "JPY": "100", "VUV": "100", "XPF": "100", "DJF": "200", "HUF": "400", "KMF": "400", "XAF": "400", "XOF": "400",
    "CLP": "1000", "KRW": "1000", "RWF": "1000", "BIF": "2000", "UGX": "2000", "MGA": "4000", "GNF": "8000", "PYG": "8000",
    "VND": "20000",
}  # fmt: skip
MAXIMUM_TYPED = 40
_SYMBOLS = re.compile(r"[\s$€£¥₩₹₺₽\u00a0\u202f]|^[A-Z]{3}(?=[^A-Z])|(?<=[^A-Z])[A-Z]{3}$|(?<=\d)\s*kr\.?$", re.ASCII)


@dataclasses.dataclass(frozen=True)
class Money:
    """An amount in minor units of `currency` (upper-case ISO 4217)."""

    amount_minor: int
    currency: str


class BadAmount(ValueError):
    """An amount that cannot be used; `code` is one of unreadable, not_positive, too_small, too_large, not_chargeable."""

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


def charge_step(currency: str) -> int:
    """What every charge in `currency` is a multiple of, in minor units: 1, 10 or 100."""
    if currency in THREE_DECIMAL:
        return 10
    return 100 if currency in WHOLE_UNITS_TWO_DECIMALS else 1


def minimum(currency: str) -> Money:
    """The smallest gift in `currency`. A currency without a published minimum takes any whole step."""
    return Money(MINIMUM_MINOR.get(currency, charge_step(currency)), currency)


def maximum(currency: str) -> Money:
    """The largest gift in `currency`."""
    step = charge_step(currency)
    return Money(MAXIMUM_MINOR // step * step, currency)


def suggestions(currency: str) -> tuple[Money, ...]:
    """Four amounts to choose from, about 25, 50, 100 and 250 US dollars in the size `currency` has."""
    size = decimal.Decimal(SIZE.get(currency, "1"))
    return tuple(from_decimal(units * size, currency) for units in (25, 50, 100, 250))


def to_decimal(money: Money) -> decimal.Decimal:
    """The amount in whole units of its currency."""
    return decimal.Decimal(money.amount_minor).scaleb(-decimals(money.currency))


def from_decimal(amount: decimal.Decimal, currency: str) -> Money:
    """The reverse of to_decimal. Raises BadAmount: unreadable (not a number, or more decimals than the currency has) or
    too_large (beyond anything that is money)."""
    if not amount.is_finite():
        raise BadAmount("unreadable")
    if abs(amount) >= MAXIMUM_GOAL_MINOR:
        raise BadAmount("too_large")
    minor = amount.scaleb(decimals(currency))
    if minor != minor.to_integral_value():
        raise BadAmount("unreadable")
    return Money(int(minor), currency)


def check_chargeable(money: Money) -> None:
    """Raise BadAmount unless Stripe can charge it: positive, within the limits, and whole where it must be (F1)."""
    if money.amount_minor <= 0:
        raise BadAmount("not_positive")
    if money.amount_minor < minimum(money.currency).amount_minor:
        raise BadAmount("too_small")
    if money.amount_minor > MAXIMUM_MINOR:
        raise BadAmount("too_large")
    if money.amount_minor % charge_step(money.currency):
        raise BadAmount("not_chargeable")


def check_goal(money: Money) -> None:
    """Raise BadAmount unless it can be a goal: positive and not absurd."""
    if money.amount_minor <= 0:
        raise BadAmount("not_positive")
    if money.amount_minor > MAXIMUM_GOAL_MINOR:
        raise BadAmount("too_large")


def parse_money(text: str, currency: str, locale: str) -> Money:
    """What a person typed ("25", "$25.50", "1,250.00", "25 USD") as money. Raises BadAmount as from_decimal does.

    Separators are those of `locale`; groups must have three digits, so that "1,25" is never read as 125.
    """
    if len(text) > MAXIMUM_TYPED:
        raise BadAmount("unreadable")
    bare = _SYMBOLS.sub("", text.strip())
    group, point = get_group_symbol(locale).strip(" \u00a0\u202f"), get_decimal_symbol(locale)
    grouped = rf"(?:\d{{1,3}}(?:{re.escape(group)}\d{{3}})+|\d+)" if group else r"\d+"
    found = re.fullmatch(rf"([-−+]?)({grouped})?(?:{re.escape(point)}(\d*))?", bare, re.ASCII)
    if found is None or not (found[2] or found[3]):
        raise BadAmount("unreadable")
    whole = (found[2] or "0").replace(group, "") if group else found[2] or "0"
    amount = decimal.Decimal(f"{whole}.{found[3] or '0'}")
    return from_decimal(-amount if found[1] in ("-", "−") else amount, currency)


def format_money(money: Money, locale: str) -> str:
    """The amount as people of `locale` write it; decimals only where there are some: $25, $25.50, ¥500, KWD 1.500."""
    value = to_decimal(money)
    pattern = Locale.parse(locale).currency_formats["standard"].pattern
    places = 0 if value == value.to_integral_value() else decimals(money.currency)
    digits = "0." + "0" * places if places else "0"
    if pattern.startswith("¤#") and get_currency_symbol(money.currency, locale)[-1:].isalpha():
        pattern = pattern.replace("¤", "¤\u00a0", 1)
    return format_currency(
        value, money.currency, format=pattern.replace("0.00", digits), locale=locale, currency_digits=False
    )


def explain(error: BadAmount, currency: str, locale: str) -> str:
    """What is wrong with an amount of `currency`, said to a person in the words of `locale`'s numbers."""
    if error.code == "not_positive":
        return _("Enter an amount above zero")
    if error.code == "too_small":
        return _("Give %(amount)s or more", amount=format_money(minimum(currency), locale))
    if error.code == "too_large":
        return _("Give %(amount)s or less", amount=format_money(maximum(currency), locale))
    if error.code == "not_chargeable" and currency in WHOLE_UNITS_TWO_DECIMALS:
        return _("Enter a whole number: cards are charged in whole units of %(currency)s", currency=currency)
    if error.code == "not_chargeable":
        return _("The last digit must be 0: cards are charged so in %(currency)s", currency=currency)
    example = format_plain(suggestions(currency)[0], locale)
    return _("Enter an amount in %(currency)s as a number, such as %(example)s", currency=currency, example=example)


def format_plain(money: Money, locale: str) -> str:
    """The amount as somebody would type it into a field of `locale`: no symbol, no groups."""
    value = to_decimal(money)
    places = 0 if value == value.to_integral_value() else decimals(money.currency)
    return f"{value:.{places}f}".replace(".", get_decimal_symbol(locale))
