"""Quantities as people type them (P5): exact decimals of an item's unit, positive, at most three decimals."""

from __future__ import annotations

import decimal
import re

from app.core.db import MAXIMUM_QUANTITY, QUANTITY_STEP
from app.core.errors import InvalidInput
from app.core.i18n import _, number
from app.needs.models import Item

MAXIMUM_TYPED = 40
_NUMBER = re.compile(r"[-+−]?\d+(\.\d*)?", re.ASCII)


def read_quantity(text: str, field: str = "quantity") -> decimal.Decimal:
    """What a person typed ("2", "1.5") as a quantity. Raises InvalidInput at `field` with what to write instead."""
    typed = text.strip()
    if not typed:
        raise InvalidInput({field: _("Enter how many, like 2")})
    if len(typed) > MAXIMUM_TYPED or not _NUMBER.fullmatch(typed):
        raise InvalidInput({field: _("Enter a number, like 2 or 1.5")})
    return check_quantity(decimal.Decimal(typed.replace("−", "-")), field)


def check_quantity(quantity: decimal.Decimal, field: str = "quantity") -> decimal.Decimal:
    """`quantity` when it can be promised or received; raises InvalidInput at `field` otherwise."""
    if not quantity.is_finite():
        raise InvalidInput({field: _("Enter a number, like 2 or 1.5")})
    if quantity <= 0:
        raise InvalidInput({field: _("Enter a quantity of more than 0")})
    if quantity > MAXIMUM_QUANTITY:
        raise InvalidInput({field: _("Enter a smaller quantity")})
    if quantity % QUANTITY_STEP != 0:
        raise InvalidInput({field: _("Enter at most three decimals")})
    return quantity


def check_part(quantity: decimal.Decimal, field: str) -> decimal.Decimal:
    """Like check_quantity, for a part that may be nothing: zero is fine."""
    return quantity if quantity == 0 else check_quantity(quantity, field)


def format_quantity(quantity: decimal.Decimal) -> str:
    """The plain decimal string of a quantity: no exponent, no zeros behind the point."""
    plain = f"{quantity:f}"
    return plain.rstrip("0").rstrip(".") if "." in plain else plain


def with_unit(quantity: decimal.Decimal, item: Item) -> str:
    """A quantity in words: "2 × box of 24", or the number alone when the item has no unit."""
    count = number(quantity.normalize())
    return _("%(number)s × %(unit)s", number=count, unit=item.unit) if item.unit else count
