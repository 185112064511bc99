"""The marks that bodies may contain beside Markdown: facts shown as cards, references to facts, folded passages.

- a line `{{fact slug}}` shows the fact as a card there;
- `[^slug]` after a sentence is a small numbered reference to that fact and its sources;
- a line `:::sensitive Words of the warning` … a line `:::` folds what is between behind the warning (G13).
"""

from __future__ import annotations

import re

FACT_LINE = re.compile(r"^\{\{\s*fact\s+([a-z0-9-]+)\s*\}\}[ \t]*$", re.MULTILINE)
REFERENCE = re.compile(r"\[\^([a-z0-9-]+)\]")
FOLD_BEGINS = re.compile(r"^:::sensitive[ \t]+(\S.*)$")
FOLD_ENDS = re.compile(r"^:::[ \t]*$")
_CITED = re.compile(rf"{FACT_LINE.pattern}|{REFERENCE.pattern}", re.MULTILINE)


def cited_slugs(*texts: str) -> list[str]:
    """The slugs of the facts that `texts` show or refer to, each once, in the order in which they first come."""
    found = (match.group(1) or match.group(2) for text in texts for match in _CITED.finditer(text))
    return list(dict.fromkeys(found))


def broken_fold(text: str) -> bool:
    """True when a fold begins inside another, is never closed, or is closed without having begun."""
    inside = False
    for line in text.splitlines():
        if line.startswith(":::sensitive"):
            if inside or not FOLD_BEGINS.match(line):
                return True
            inside = True
        elif FOLD_ENDS.match(line):
            if not inside:
                return True
            inside = False
    return inside


def has_fold(text: str) -> bool:
    """True when something in it is folded behind a warning: its page has the way out, and is kept by no browser (G13)."""
    return any(FOLD_BEGINS.match(line) for line in text.splitlines())


def plain_words(text: str) -> str:
    """`text` without marks, for full text: the words of warnings stay."""
    return re.sub(r"^:::(?:sensitive)?", "", _CITED.sub(" ", text), flags=re.MULTILINE)
