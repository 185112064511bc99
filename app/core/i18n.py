"""Translation, importable from every room: operations speak to people without knowing Flask."""

from __future__ import annotations

from typing import Any

import flask_babel


def _(message: str, **variables: Any) -> str:
    """`message` in the reader's language, with named %(variables)s filled in."""
    return str(flask_babel.gettext(message, **variables))


def ngettext(singular: str, plural: str, n: int, **variables: Any) -> str:
    """The right plural form for `n` (available in the text as %(n)s or %(num)s)."""
    return str(flask_babel.ngettext(singular, plural, n, n=n, **variables))


def lazy(message: str, **variables: Any) -> Any:
    """Like `_`, but translated when shown: for labels and tables built at import time."""
    return flask_babel.lazy_gettext(message, **variables)
