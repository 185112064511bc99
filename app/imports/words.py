"""Short words of cells as people write them: countries by name, yes and no, whole numbers, in the languages that columns are
guessed in. What is not known stays as it is, and is refused later with what it says."""

from __future__ import annotations

import functools
import re
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


_YES = frozenset(
    {"x", "✓", "✔", "ja", "j", "wahr", "oui", "o", "vrai", "sí", "sì", "si", "verdadero", "vero", "waar", "sim"}
)
_NO = frozenset({"nein", "falsch", "non", "faux", "nee", "onwaar", "não", "nao", "falso", "-", "–", "✗"})
_URGENCIES = {
    "critical": "critical urgent asap emergency kritisch dringend critique urgente critico crítico",
    "high": "high hoch haute élevée elevee alta alto hoog soon",
    "normal": "normal medium mittel moyenne media medio normaal average",
    "low": "low niedrig gering basse faible baja bassa laag baixa",
}
_URGENCY = {word: urgency for urgency, words in _URGENCIES.items() for word in words.split()}


def yes_or_no(text: str) -> str:
    """ "yes" or "no" for what means it elsewhere."""
    word = text.strip().casefold()
    return "yes" if word in _YES else "no" if word in _NO else text


def urgency(text: str) -> str:
    """One of our four for what means it elsewhere."""
    return _URGENCY.get(text.strip().casefold(), text)


def whole_number(text: str) -> str:
    """5 for "5.0", "5,0" and "5 people": a number, and at most one word after it."""
    match = re.fullmatch(r"(\d{1,6})(?:[.,]0+)?(?:\s+[^\W\d_]+\.?)?", text.strip())
    return text if match is None else match[1]


def decimal_point(text: str) -> str:
    """A coordinate with a point where other countries write a comma."""
    return re.sub(r"^(\s*[-+]?\d{1,3}),(\d+\s*)$", r"\1.\2", text)
