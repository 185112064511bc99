"""Countries as people write them: a code, or a name in one of the languages that columns are guessed in."""

from __future__ import annotations

import functools
from collections.abc import Iterable

from babel import Locale

_LANGUAGES = ("en", "de", "fr", "es", "it", "nl", "pt")
_NONE = frozenset({"ZZ", "EU", "UN", "EZ", "XA", "XB", "QO"})
_SHORT = {
    "usa": "US",
    "u.s.": "US",
    "u.s.a.": "US",
    "america": "US",
    "uk": "GB",
    "u.k.": "GB",
    "england": "GB",
    "holland": "NL",
}


@functools.cache
def _codes() -> dict[str, str]:
    """Code by folded name; codes are their own names."""
    found = dict(_SHORT)
    for language in _LANGUAGES:
        for code, name in Locale(language).territories.items():
            if len(code) == 2 and code.isalpha() and code not in _NONE:
                found.setdefault(name.casefold(), code)
                found[code.casefold()] = code
    return found


def country_code(text: str) -> str:
    """The code of a country's name; a code, and what nobody knows, as it is."""
    return _codes().get(text.strip().casefold(), text)


def are_countries(values: Iterable[str]) -> bool:
    """Whether most of the values name countries."""
    known = [value.strip().casefold() in _codes() for value in values]
    return sum(known) * 2 > len(known)
