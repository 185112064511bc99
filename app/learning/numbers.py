"""Which sentences say a number that nobody can check: no reference to a fact stands after them (L1).

A sentence with a digit needs a reference `[^slug]` in it or right after it. Exempt, because they count nothing:
- ages and ages of law: "under 18", "aged 13 to 17", "18 or over";
- telephone numbers of emergency: 911, 999, 112, 000;
- places in a statute: "22 USC 7102", "Article 2", "section 3", "§ 4".
"""

from __future__ import annotations

import re

from app.learning.marks import FACT_LINE, FOLD_BEGINS, REFERENCE

_AGES = re.compile(
    r"\b(?:under|over|age|aged|ages|turn|turns|turned|younger than|older than|at least|is|are|from|between|of)\s+\d{1,2}\b"
    r"(?:\s*(?:to|and|–|-)\s*\d{1,2}\b)?(?!\s*(?:%|per|in\b|of\b|out\b|times\b))|\b\d{1,2}\s+(?:or|and)\s+(?:over|older|under|younger)\b"
    r"|\b\d{1,2}(?:st|nd|rd|th)\s+birthday\b|\b\d{1,2}[- ]years?[- ]old\b",
    re.IGNORECASE,
)
_EMERGENCY = re.compile(r"(?<!\d)(?:911|999|112|000)(?![\d%,.]*\d)")
_STATUTE = re.compile(
    r"\b\d+\s+U\.?\s?S\.?\s?(?:C\.?|Code)\s*(?:§+\s*)?\d+\w*(?:\([\w)(]*\))?|(?:\b[Aa]rticle|\b[Ss]ection|§)\s*\d+\w*"
)
# A list's own number, and where a link leads.
_LIST_NUMBER = re.compile(r"^\d+[.)]\s+")
_ADDRESS = re.compile(r"\]\([^)\s]*\)|https?://\S+")
# Where one sentence ends: at its mark, what closes it, and the references that follow.
_END = re.compile(r"(?<=[.!?])(?:[”\"’')*_]*)(?:\s*\[\^[a-z0-9-]+\])*(?=\s|$)")
# "18 U.S.C. § 1591" goes on.
_ABBREVIATED = re.compile(r"\.[A-Z]\.$")


def sentences(text: str) -> list[str]:
    """The sentences of `text`, each with the references after it; paragraphs, list items and headings end them too."""
    found: list[str] = []
    paragraphs = re.split(r"\n\s*\n|\n(?=\s*(?:[-*#>]|\d+[.)]\s))|(?<=\n)(?=:::)", FACT_LINE.sub("\n\n", text))
    for paragraph in paragraphs:
        warning = FOLD_BEGINS.match(paragraph.splitlines()[0]) if paragraph.strip() else None
        lines = [warning[1], *paragraph.splitlines()[1:]] if warning else paragraph.splitlines()
        for block in [lines[0], "\n".join(lines[1:])] if warning else ["\n".join(lines)]:
            joined, start = _LIST_NUMBER.sub("", " ".join(block.split())), 0
            for end in _END.finditer(joined):
                if _ABBREVIATED.search(joined[: end.start()]) and not joined[end.end() :].lstrip()[:1].isupper():
                    continue
                found.append(joined[start : end.end()].strip())
                start = end.end()
            found.append(joined[start:].strip())
    return [sentence for sentence in found if sentence.strip(" :")]


def unsourced(text: str) -> list[str]:
    """The sentences of `text` that say a number without a reference to a fact."""
    found = []
    for sentence in sentences(text):
        counted = sentence
        for exempt in (REFERENCE, _ADDRESS, _STATUTE, _AGES, _EMERGENCY):
            counted = exempt.sub(" ", counted)
        if re.search(r"\d", counted) and not REFERENCE.search(sentence):
            found.append(sentence)
    return found
