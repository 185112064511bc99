"""Translation, importable from every room: operations speak to people without knowing Flask.

A page translates some two hundred words, so the catalogue of a request is looked up once: Flask-Babel's own functions
find it anew for every word, which costs more than the rest of a page.
"""

from __future__ import annotations

import decimal
import re
from collections.abc import Iterable
from typing import Any

import flask_babel
from babel import Locale
from babel.numbers import format_decimal
from babel.support import NullTranslations
from flask import Flask, g
from flask_babel.speaklater import LazyString
from jinja2 import pass_context
from jinja2.runtime import Context
from markupsafe import Markup, escape

_FROM_RIGHT = re.compile("[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufefc]")
_LATIN = re.compile("[A-Za-z\u00c0-\u024f]")
_TELEPHONE = re.compile(r"\+?\d[\d ().-]{5,}\d")


def _catalog() -> NullTranslations:
    """The catalogue of the reader's language; of `force_locale`'s while that lasts."""
    context = getattr(g, "_flask_babel", None) if g else None
    if context is not None:
        kept = getattr(context, "catalog", None)
        if kept is not None and kept[0] is getattr(context, "babel_locale", None):
            catalog: NullTranslations = kept[1]
            return catalog
    found: NullTranslations = flask_babel.get_translations()
    context = getattr(g, "_flask_babel", None) if g else None
    if context is not None:
        context.catalog = (getattr(context, "babel_locale", None), found)
    return found


def _written(variables: dict[str, Any]) -> dict[str, Any]:
    """`variables` with their numbers as the reader's language writes them (small whole ones are the same in all), and what
    people typed kept from turning the sentence around."""
    return {name: _as_read(value) for name, value in variables.items()}


def _as_read(value: Any) -> Any:
    if type(value) is decimal.Decimal or (type(value) is int and value > 999):
        return number(value)
    return isolate(value) if type(value) is str else value


def isolate(text: str) -> str:
    """`text` for a sentence of the reader's language: when it runs the other way it keeps its own direction (Unicode's
    isolates), and a telephone number in it is still read from its beginning. Addresses of pages stay as they are."""
    if text.isascii() and not _from_right_to_left():
        return text
    other = _LATIN if _from_right_to_left() else _FROM_RIGHT
    if not other.search(text) or text.startswith(("http://", "https://", "/")):
        return text
    return "\u2068" + _TELEPHONE.sub("\u2066\\g<0>\u2069", text) + "\u2069"


def _from_right_to_left() -> bool:
    locale = flask_babel.get_locale()
    return locale is not None and locale.text_direction == "rtl"


def _(message: str, **variables: Any) -> str:
    """`message` in the reader's language, with named %(variables)s filled in."""
    text = str(_catalog().ugettext(message))
    return text % _written(variables) if variables else text


def ngettext(singular: str, plural: str, n: int, **variables: Any) -> str:
    """The right plural form for `n` (available in the text as %(n)s or %(num)s)."""
    return str(_catalog().ungettext(singular, plural, n)) % _written({"num": n, "n": n, **variables})


def lazy(message: str, **variables: Any) -> Any:
    """Like `_`, but translated when shown: for labels and tables built at import time."""
    return LazyString(_, message, **variables)


def direction(locale: str) -> str:
    """How the language of `locale` ("de", "pt_BR") is written, as HTML's dir says it: ltr or rtl (CLDR)."""
    return str(Locale.parse(locale).text_direction)


def dots(parts: Iterable[Any]) -> Markup:
    """Facts in one line with dots between them, none of which begins a line that is wrapped. From right to left each keeps
    its own direction (Unicode's isolates), so that a place in Latin letters does not pull the times before it to
    its other side."""
    shown = [escape(part) for part in parts]
    locale = flask_babel.get_locale()
    if locale is not None and locale.text_direction == "rtl":
        shown = [Markup("\u2068{}\u2069").format(part) for part in shown]
    return Markup("\u00a0· ").join(shown)


def number(n: decimal.Decimal | int) -> str:
    """A number as the reader's language writes it, with every digit it has: 1,250.5 or 1.250,5."""
    locale = flask_babel.get_locale()
    return str(format_decimal(n, locale=locale or "en", decimal_quantization=False))


def _writing(fill: Any) -> Any:
    @pass_context
    def filled(context: Context, /, *texts: Any, **variables: Any) -> Any:
        if len(texts) == 3:
            variables.setdefault("num", texts[2])
        return fill(context, *texts, **_written(variables)) if variables else fill(context, *texts)

    return filled


def init_app(app: Flask) -> None:
    """Let the templates of `app` translate by the same short way; called after Babel has attached itself."""
    app.jinja_env.install_gettext_callables(  # type: ignore[attr-defined]  # jinja2's i18n extension adds it
        lambda message: _catalog().ugettext(message),
        lambda singular, plural, n: _catalog().ungettext(singular, plural, n),
        newstyle=True,
    )
    # The extension fills names in and escapes them; numbers are written for the reader before.
    for name in ("gettext", "ngettext"):
        app.jinja_env.globals[name] = _writing(app.jinja_env.globals[name])
    app.jinja_env.globals["_"] = app.jinja_env.globals["gettext"]
