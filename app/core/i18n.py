"""Translation, importable from every room: operations speak to people without knowing Flask.

A page translates some two hundred words, so the catalogue of a request is looked up once: Flask-Babel's own functions
find it anew for every word, which costs more than the rest of a page.
"""

from __future__ import annotations

import decimal
from typing import Any

import flask_babel
from babel import Locale
from babel.numbers import format_decimal
from babel.support import NullTranslations
from flask import Flask, g
from flask_babel.speaklater import LazyString


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


def _(message: str, **variables: Any) -> str:
    """`message` in the reader's language, with named %(variables)s filled in."""
    text = str(_catalog().ugettext(message))
    return text % variables if variables else text


def ngettext(singular: str, plural: str, n: int, **variables: Any) -> str:
    """The right plural form for `n` (available in the text as %(n)s or %(num)s)."""
    return str(_catalog().ungettext(singular, plural, n)) % {"num": n, "n": n, **variables}


def lazy(message: str, **variables: Any) -> Any:
    """Like `_`, but translated when shown: for labels and tables built at import time."""
    return LazyString(_, message, **variables)


def direction(locale: str) -> str:
    """How the language of `locale` ("de", "pt_BR") is written, as HTML's dir says it: ltr or rtl (CLDR)."""
    return str(Locale.parse(locale).text_direction)


def number(n: decimal.Decimal | int) -> str:
    """A number as the reader's language writes it, with every digit it has: 1,250.5 or 1.250,5."""
    locale = flask_babel.get_locale()
    return str(format_decimal(n, locale=locale or "en", decimal_quantization=False))


def init_app(app: Flask) -> None:
    """Let the templates of `app` translate by the same short way; called after Babel has attached itself."""
    app.jinja_env.install_gettext_callables(  # type: ignore[attr-defined]  # jinja2's i18n extension adds it
        lambda message: _catalog().ugettext(message),
        lambda singular, plural, n: _catalog().ungettext(singular, plural, n),
        newstyle=True,
    )
