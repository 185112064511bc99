"""What every template may call besides Flask's own: pictures, money, and days and times in words.

Globals, not context, so that macros of templates/components can use them without being handed anything.
"""

from __future__ import annotations

from flask import Flask
from flask_babel import get_locale

from app.core import drawing, when
from app.core.money import Money, format_money


def money(amount_minor: int, currency: str) -> str:
    """An amount of minor units of `currency` in the reader's language: `{{ 2500 | money("USD") }}`."""
    return format_money(Money(amount_minor, currency), str(get_locale()))


def init_app(app: Flask) -> None:
    """Give the templates of `app` their globals and filters."""
    app.jinja_env.globals |= {
        "draw_hands": drawing.draw_hands,
        "draw_crowd": drawing.draw_crowd,
        "draw_strip": drawing.draw_strip,
        "draw_finger": drawing.draw_finger,
        "draw_thermometer": drawing.draw_thermometer,
        "MOST_FINGERS": drawing.MOST_FINGERS,
        "when": when,
        "has_endpoint": app.view_functions.__contains__,
    }
    app.jinja_env.filters["money"] = money
