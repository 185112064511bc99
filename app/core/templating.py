"""What every template may call besides Flask's own: pictures, money, and days and times in words.

Globals, not context, so that macros of templates/components can use them without being handed anything.
"""

from __future__ import annotations

import collections
import re
import threading
from collections.abc import Callable, Hashable, Sequence

from flask import Flask
from flask_babel import get_locale
from markupsafe import Markup, escape

from app.core import drawing, i18n, when
from app.core.money import Money, format_money

MOST_KEPT = 2048
_kept: collections.OrderedDict[tuple[Hashable, ...], str] = collections.OrderedDict()
_lock = threading.Lock()


def memo(*key: Hashable, caller: Callable[[], str]) -> str:
    """A piece of a page that is always the same for the same key: {% call memo("name", site, ...) %} … {% endcall %}.

    The key must hold everything the piece depends on, the language (it is in `site`) and who reads included. Nothing is
    ever looked up in a database inside; pieces seldom used are given up.
    """
    with _lock:
        if (text := _kept.get(key)) is not None:
            _kept.move_to_end(key)
            return text
    text = caller()
    with _lock:
        _kept[key] = text
        while len(_kept) > MOST_KEPT:
            _kept.popitem(last=False)
    return text


def money(amount_minor: int, currency: str) -> str:
    """An amount of minor units of `currency` in the reader's language: `{{ 2500 | money("USD") }}`."""
    return format_money(Money(amount_minor, currency), str(get_locale()))


def country(code: str | None) -> str:
    """The country of an ISO 3166 code in the reader's language: `{{ "US" | country }}`; an unknown code as it is."""
    locale = get_locale()
    return str(locale.territories.get(code, code)) if locale is not None and code else code or ""


_ROW = re.compile(r"<tr\b.*?</tr>", re.DOTALL)
_CELL = re.compile(r"<(t[dh])\b")


def label_cells(rows: str, headings: Sequence[str | tuple[str, str]]) -> Markup:
    """The rows of a table, each <td> with its heading: on a phone cells stand below each other (app.css), and the headings
    cannot be above them. `rows` is a template's own markup, one cell for each heading."""
    names = [heading if isinstance(heading, str) else heading[0] for heading in headings]

    def label_row(row: re.Match[str]) -> str:
        left = iter(names)

        def label(cell: re.Match[str]) -> str:
            name = next(left, "")
            return f'<td data-label="{escape(name)}"' if cell[1] == "td" and name else cell[0]

        return _CELL.sub(label, row[0])

    return Markup(_ROW.sub(label_row, rows))  # noqa: S704  # what was Markup, and escaped headings


def init_app(app: Flask) -> None:
    """Give the templates of `app` their globals and filters."""
    app.jinja_env.globals |= {
        "draw_hands": drawing.draw_hands,
        "draw_crowd": drawing.draw_crowd,
        "draw_strip": drawing.draw_strip,
        "draw_finger": drawing.draw_finger,
        "draw_columns": drawing.draw_columns,
        "draw_thermometer": drawing.draw_thermometer,
        "MOST_FINGERS": drawing.MOST_FINGERS,
        "when": when,
        "memo": memo,
        "has_endpoint": app.view_functions.__contains__,
    }
    app.jinja_env.filters["money"] = money
    app.jinja_env.filters["label_cells"] = label_cells
    app.jinja_env.filters["country"] = country
    app.jinja_env.filters["dots"] = i18n.dots
    app.jinja_env.filters["number"] = i18n.number
