"""Currencies, written from https://docs.stripe.com/currencies: presentment currencies, minor units, limits, demo fees."""

from __future__ import annotations

import dataclasses
import re


def _codes(text: str) -> frozenset[str]:
    return frozenset(text.split())


ZERO_DECIMAL = _codes("bif clp djf gnf jpy kmf krw mga pyg rwf vnd vuv xaf xof xpf")
THREE_DECIMAL = _codes("bhd jod kwd omr tnd")
# Written with two decimals for compatibility although people no longer use them: the decimals must be 00.
WHOLE_ONLY = _codes("isk ugx")
TWO_DECIMAL = (
    _codes("""aed afn all amd ang aoa ars aud awg azn bam bbd bdt bmd bnd bob brl bsd bwp byn bzd cad cdf chf cny cop crc cve
    czk dkk dop dzd egp etb eur fjd fkp gbp gel gip gmd gtq gyd hkd hnl htg huf idr ils inr jmd kes kgs khr kyd kzt lak
    lbp lkr lrd lsl mad mdl mkd mmk mnt mop mur mvr mwk mxn myr mzn nad ngn nio nok npr nzd pab pen pgk php pkr pln qar
    ron rsd rub sar sbd scr sek sgd shp sle sos srd std szl thb tjs top try ttd twd tzs uah usd uyu uzs wst yer zar
    zmw""")
    | WHOLE_ONLY
)
SUPPORTED = ZERO_DECIMAL | TWO_DECIMAL | THREE_DECIMAL

# The smallest charge, in minor units.
MINIMUM = {
    "usd": 50, "aed": 200, "aud": 50, "brl": 50, "cad": 50, "chf": 50, "czk": 1500, "dkk": 250, "eur": 50, "gbp": 30,
    "hkd": 400, "huf": 17500, "inr": 50, "jpy": 50, "mxn": 1000, "myr": 200, "nok": 300, "nzd": 50, "pln": 200,
    "ron": 200, "sek": 300, "sgd": 50, "thb": 1000,
}  # fmt: skip
# Elsewhere the amount must convert to at least 50 US cents. Rates are rounded in the payer's favour.
MINIMUM_BY_CONVERSION = {
    "krw": 650, "kwd": 150, "bhd": 190, "omr": 190, "jod": 350, "tnd": 1450, "isk": 6000, "ugx": 170000, "clp": 450,
    "vnd": 12500, "xaf": 280, "xof": 280, "idr": 780000, "zar": 850, "ils": 170, "try": 2000, "php": 2800,
}  # fmt: skip
MAXIMUM_DIGITS = {"idr": 12, "cop": 10, "huf": 10, "jpy": 10, "inr": 9}
FIXED_FEE = {"usd": 30, "cad": 30, "aud": 30, "eur": 25, "gbp": 20, "chf": 30, "sek": 180, "dkk": 180, "nok": 200}


@dataclasses.dataclass(frozen=True)
class Refusal:
    """Why an amount cannot be charged: Stripe's error code and message."""

    code: str
    message: str


def exponent(currency: str) -> int:
    """How many decimals the minor unit of `currency` (lower case) has."""
    if currency in ZERO_DECIMAL:
        return 0
    return 3 if currency in THREE_DECIMAL else 2


def step(currency: str) -> int:
    """What every charge in `currency` must be a multiple of, in minor units."""
    if currency in THREE_DECIMAL:
        return 10
    return 100 if currency in WHOLE_ONLY else 1


def written(amount: int, currency: str) -> str:
    """`amount` minor units for people: "25.00 USD", "500 JPY"."""
    places = exponent(currency)
    whole, rest = divmod(amount, 10**places)
    return f"{whole:,}" + (f".{rest:0{places}d}" if places else "") + f" {currency.upper()}"


def read(text: str, currency: str) -> int | None:
    """What somebody typed ("25", "25.50") in minor units, or None when it is no amount of `currency` above zero."""
    match = re.fullmatch(r"([0-9]{1,9})(?:\.([0-9]{1,3}))?", text)
    places = exponent(currency)
    if match is None or len(match[2] or "") > places:
        return None
    return int(match[1]) * 10**places + int((match[2] or "").ljust(places, "0") or 0) or None


def too_small(amount: int, currency: str) -> Refusal | None:
    """Why `amount` minor units of `currency` are less than can be charged, or None."""
    minimum = MINIMUM.get(currency) or MINIMUM_BY_CONVERSION.get(currency) or step(currency)
    if amount >= minimum:
        return None
    return Refusal(
        "amount_too_small",
        f"The Checkout Session's total amount due must add up to at least {written(minimum, currency)}",
    )


def refusal(amount: int, currency: str) -> Refusal | None:
    """Why `amount` minor units of `currency` cannot be charged, or None."""
    small = too_small(amount, currency)
    if small is not None:
        return small
    largest = 10 ** MAXIMUM_DIGITS.get(currency, 8) - 1
    if amount > largest:
        return Refusal(
            "amount_too_large",
            f"The Checkout Session's total amount must be no more than {written(largest, currency)}",
        )
    if amount % step(currency):
        return Refusal(
            "invalid_charge_amount",
            f"Invalid amount: in {currency} it must be a multiple of {step(currency)} in the smallest unit",
        )
    return None


def fee(amount: int, currency: str) -> int:
    """What the demo account pays Stripe for a charge: 2.9% and a fixed part, in whole steps, never the whole amount."""
    unit = step(currency)
    asked = (amount * 29 + 999) // 1000 + FIXED_FEE.get(currency, 0)
    return min(-(-asked // unit) * unit, amount)
