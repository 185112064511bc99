"""What changed between two versions, in words that can be read: whole lines first, then the words within them."""

from __future__ import annotations

import dataclasses
import difflib
import re
from collections.abc import Iterator, Sequence
from typing import Any

# Words on both sides of a change that are shown with it.
AROUND = 12
# Two passages with more than this are shown one after the other: comparing them word by word takes too long, as its time
# grows with the product of both.
MOST_WORDS = 800
MOST_LINES = 1000
_WORD = re.compile(r"\s+|[^\s]+")


@dataclasses.dataclass(frozen=True)
class Run:
    """A run of words: "same", "added", "removed", or "skipped" (same, and not shown)."""

    kind: str
    text: str


@dataclasses.dataclass(frozen=True)
class Change:
    """One field that a version changed. `number` counts sources, from 1; 0 for fields there is one of."""

    field: str
    number: int
    runs: tuple[Run, ...]


def changes(before: dict[str, Any] | None, after: dict[str, Any]) -> list[Change]:
    """What `after` says otherwise than `before` (None: it is the first version, and nothing is compared)."""
    if before is None:
        return []
    found = [
        Change(name, 0, compare(_said(before.get(name)), _said(after.get(name))))
        for name in after
        if name != "sources" and before.get(name) != after.get(name)
    ]
    old, new = (_lines_of_sources(snapshot) for snapshot in (before, after))
    for number in range(max(len(old), len(new))):
        one, other = (lines[number] if number < len(lines) else "" for lines in (old, new))
        if one != other:
            found.append(Change("source", number + 1, compare(one, other)))
    return found


def compare(before: str, after: str) -> tuple[Run, ...]:
    """Runs of words that turn `before` into `after`, with a little of what stayed the same around each."""
    return tuple(_shortened(list(_merged(_by_lines(before.splitlines(True), after.splitlines(True))))))


def _said(value: Any) -> str:
    return "" if value is None else value if isinstance(value, str) else str(value).lower()


def _lines_of_sources(snapshot: dict[str, Any]) -> list[str]:
    names = ("publisher", "title", "year", "page", "url", "checked_on")
    return [
        ", ".join(str(source[name]) for name in names if source.get(name)) + (" (primary)" if source["primary"] else "")
        for source in snapshot.get("sources", [])
    ]


def _by_lines(before: Sequence[str], after: Sequence[str]) -> Iterator[Run]:
    if len(before) > MOST_LINES or len(after) > MOST_LINES:
        yield from _by_words("".join(before), "".join(after))
        return
    for kind, a, b, c, d in difflib.SequenceMatcher(None, before, after, autojunk=False).get_opcodes():
        if kind == "equal":
            yield Run("same", "".join(before[a:b]))
        else:
            yield from _by_words("".join(before[a:b]), "".join(after[c:d]))


def _by_words(before: str, after: str) -> Iterator[Run]:
    old, new = _WORD.findall(before), _WORD.findall(after)
    first = _alike(old, new)
    last = _alike(old[first:][::-1], new[first:][::-1])
    if first:
        yield Run("same", "".join(old[:first]))
    yield from _by_changed_words(old[first : len(old) - last], new[first : len(new) - last])
    if last:
        yield Run("same", "".join(old[len(old) - last :]))


def _alike(one: Sequence[str], other: Sequence[str]) -> int:
    """How many words both begin with."""
    pairs = zip(one, other, strict=False)
    return next((at for at, (left, right) in enumerate(pairs) if left != right), min(len(one), len(other)))


def _by_changed_words(old: Sequence[str], new: Sequence[str]) -> Iterator[Run]:
    if len(old) > MOST_WORDS or len(new) > MOST_WORDS:
        yield Run("removed", "".join(old))
        yield Run("added", "".join(new))
        return
    for kind, a, b, c, d in difflib.SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        if kind == "equal":
            yield Run("same", "".join(old[a:b]))
            continue
        yield Run("removed", "".join(old[a:b]))
        yield Run("added", "".join(new[c:d]))


def _merged(runs: Iterator[Run]) -> Iterator[Run]:
    """Changed words with only a space between them are one change."""
    removed = added = space = ""
    for run in runs:
        if run.kind == "removed":
            removed, added, space = removed + space + run.text, added + space, ""
        elif run.kind == "added":
            added, space = added + run.text, ""
        elif (removed or added) and not run.text.strip():
            space += run.text
        else:
            yield from _changed(removed, added)
            yield Run("same", space + run.text)
            removed = added = space = ""
    yield from _changed(removed, added)
    if space:
        yield Run("same", space)


def _changed(removed: str, added: str) -> Iterator[Run]:
    if removed.strip():
        yield Run("removed", removed)
    if added.strip():
        yield Run("added", added)


def _shortened(runs: list[Run]) -> Iterator[Run]:
    last = len(runs) - 1
    for at, run in enumerate(runs):
        words = _WORD.findall(run.text)
        if run.kind != "same" or len(words) <= 4 * AROUND:
            yield run
            continue
        head = "".join(words[: 2 * AROUND]) if at else ""
        tail = "".join(words[-2 * AROUND :]) if at < last else ""
        if head:
            yield Run("same", head)
        yield Run("skipped", "")
        if tail:
            yield Run("same", tail)
