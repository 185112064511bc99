"""Whether a text speaks of abuse or disaster: then the share step asks before it passes the text on.

Judged by words, because everybody can read a list of words, disagree with it and mend it; how often it is right and wrong is
measured on texts labelled by hand (tests/learning/test_speaks.py, docs/learning.md). The words are English; what an
organization chose as cause counts in every language.
"""

from __future__ import annotations

import dataclasses
import functools
import re
import tomllib
from collections.abc import Collection, Iterable
from pathlib import Path

FILE = Path(__file__).parent / "data" / "speaks.toml"


@functools.cache
def _distress() -> re.Pattern[str]:
    words = tomllib.loads(FILE.read_text())
    return _any_of([*words["distress"], *words["abuse"]])


def asks_for_help(text: str) -> bool:
    """True when the words that somebody searches for may be about harm to themselves or to somebody near: then the way to the
    services comes before anything else. Once too often does no harm here."""
    return bool(_distress().search(text))


@dataclasses.dataclass(frozen=True)
class _Lists:
    """The causes, the words that speak (those of disaster alone as well), the phrases that do not."""

    causes: frozenset[str]
    speaking: re.Pattern[str]
    disaster: re.Pattern[str]
    harmless: re.Pattern[str]


@functools.cache
def _lists() -> _Lists:
    words = tomllib.loads(FILE.read_text())
    return _Lists(
        frozenset(words["causes"]),
        _any_of([*words["abuse"], *words["disaster"]]),
        _any_of(words["disaster"]),
        _any_of(words["harmless"]),
    )


def _any_of(phrases: Iterable[str]) -> re.Pattern[str]:
    """Any of them as whole words; a star stands for any ending, a space for any white space. Longer ones win."""
    parts = [
        r"\s+".join(
            re.escape(word.removesuffix("*")) + (r"\w*" if word.endswith("*") else "") for word in phrase.split()
        )
        for phrase in sorted(phrases, key=len, reverse=True)
    ]
    return re.compile(rf"(?<![\w-])(?:{'|'.join(parts)})(?!\w)", re.IGNORECASE)


def words_that_speak(*texts: str, causes: Collection[str] = ()) -> list[str]:
    """The words by which these texts speak of abuse or disaster, in small letters, each once, in their order; with a cause
    that says so by itself, that cause's slug first. Empty when they do not."""
    lists = _lists()
    found = [cause for cause in causes if cause in lists.causes]
    for text in texts:
        spoken = lists.speaking.finditer(lists.harmless.sub(" ", text))
        found += [" ".join(match.group().lower().split()) for match in spoken]
    return list(dict.fromkeys(found))


def are_of_disaster(words: Collection[str]) -> bool:
    """True when there are words found by `words_that_speak`, and all of them are of disaster and none of abuse: what to think
    of before passing such a thing on is another thing."""
    lists = _lists()
    return bool(words) and all(word in lists.causes or lists.disaster.fullmatch(word) for word in words)
