"""Writing mails in the reader's language from templates/emails/<feature>/<name>.txt and .html.

The first line of the text is the subject.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator
from typing import Any

from flask import current_app
from flask_babel import force_locale

from app.core.i18n import direction
from app.core.mail import Mail

MAIL_HEADER = "Manyhands-Mail"


def language_of(locale: str | None) -> str:
    """`locale` where it is supported, else the installation's first language."""
    locales: tuple[str, ...] = current_app.config["SETTINGS"].supported_locales
    return locale if locale in locales else locales[0]


@contextlib.contextmanager
def speaking(locale: str | None) -> Iterator[None]:
    """Within it everything is said in the language that `compose` writes for `locale`: for words that a mail is given."""
    with force_locale(language_of(locale)):
        yield


def compose(name: str, /, *, to: str, locale: str | None, **values: Any) -> Mail:
    """The mail `name` ("donations/thanks") to the address `to`, in `locale` where it is supported, else in the first one.

    Templates see `values`, `platform` (its name) and `base_url`; no request, no viewer; and `unsubscribe_url`, None in a
    mail that nobody can stop. The message says which mail it is in a header field of its own, so that an operator can
    tell them apart. Raises when a template names anything else (StrictUndefined).
    """
    settings = current_app.config["SETTINGS"]
    language = language_of(locale)
    values = {"unsubscribe_url": None, **values, "locale": language, "direction": direction(language)}
    values |= {"platform": settings.platform_name, "base_url": settings.base_url}
    with force_locale(language):
        text = current_app.jinja_env.get_template(f"emails/{name}.txt").render(values)
        html = current_app.jinja_env.get_template(f"emails/{name}.html").render(values)
    subject, _separator, body = text.lstrip().partition("\n")
    # Tags within a text may leave more than one empty line behind them.
    body = re.sub(r"\n{3,}", "\n\n", body.lstrip("\n"))
    return Mail(to=to, subject=subject, text=body, html=html, headers=((MAIL_HEADER, name),))
