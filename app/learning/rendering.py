"""Bodies as pages show them: Markdown, facts as cards, numbered references, folds (G13)."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Mapping, Sequence

from markupsafe import Markup, escape

from app.core.i18n import _
from app.core.markdown import render_markdown
from app.learning.marks import FACT_LINE, FOLD_BEGINS, FOLD_ENDS, REFERENCE, cited_slugs
from app.learning.models import Fact


@dataclasses.dataclass(frozen=True)
class Part:
    """A piece of a body: text, a fact shown as a card, or what is folded behind `warning`."""

    kind: str
    html: Markup | str = ""
    fact: Fact | None = None
    warning: str = ""
    parts: tuple[Part, ...] = ()


@dataclasses.dataclass(frozen=True)
class Body:
    """A body with the facts it rests on, in the order of their numbers (from 1)."""

    parts: tuple[Part, ...]
    left_out: Markup
    facts: tuple[Fact, ...]
    # The slugs of those that only what is folded rests on: at the end of the page they are not said in the open either.
    folded: frozenset[str] = frozenset()

    @property
    def stale_facts(self) -> tuple[Fact, ...]:
        """Those of its facts whose sources nobody has checked within a year (L1)."""
        return tuple(fact for fact in self.facts if fact.status != "withdrawn" and fact.is_stale)


def render(text: str, facts: Mapping[str, Fact], left_out: str = "") -> Body:
    """`text` and `left_out` for a page. `facts` by slug; a slug that is not among them (in a preview) stays as typed."""
    numbered = [slug for slug in cited_slugs(text, left_out) if slug in facts]
    parts = _fold(text.splitlines(), facts, numbered)
    in_the_open = cited_slugs(*_open_lines(text), left_out)
    return Body(
        parts,
        _referring(left_out, facts, numbered),
        tuple(facts[slug] for slug in numbered),
        frozenset(numbered).difference(in_the_open),
    )


def _open_lines(text: str) -> list[str]:
    """The lines of a text outside its folds."""
    found, inside = list[str](), False
    for line in text.splitlines():
        if not inside and FOLD_BEGINS.match(line):
            inside = True
        elif inside and FOLD_ENDS.match(line):
            inside = False
        elif not inside:
            found.append(line)
    return found


def _fold(lines: Sequence[str], facts: Mapping[str, Fact], numbered: list[str]) -> tuple[Part, ...]:
    found: list[Part] = []
    plain: list[str] = []
    warning, inside = None, list[str]()
    for line in lines:
        begins = FOLD_BEGINS.match(line) if warning is None else None
        if begins:
            found += _cards("\n".join(plain), facts, numbered)
            plain, warning, inside = [], begins[1].strip(), []
        elif warning is not None and FOLD_ENDS.match(line):
            found.append(Part("fold", warning=warning, parts=tuple(_cards("\n".join(inside), facts, numbered))))
            warning = None
        elif warning is not None:
            inside.append(line)
        else:
            plain.append(line)
    if warning is not None:  # never closed, in a preview: what is sensitive stays folded
        found.append(Part("fold", warning=warning, parts=tuple(_cards("\n".join(inside), facts, numbered))))
    return (*found, *_cards("\n".join(plain), facts, numbered))


def _cards(text: str, facts: Mapping[str, Fact], numbered: list[str]) -> list[Part]:
    found, at = list[Part](), 0
    for card in FACT_LINE.finditer(text):
        if card[1] in facts:
            found += _text(text[at : card.start()], facts, numbered)
            found.append(Part("fact", fact=facts[card[1]]))
            at = card.end()
    return found + _text(text[at:], facts, numbered)


def _text(text: str, facts: Mapping[str, Fact], numbered: list[str]) -> list[Part]:
    return [Part("text", html=_referring(text, facts, numbered))] if text.strip() else []


def _referring(text: str, facts: Mapping[str, Fact], numbered: list[str]) -> Markup:
    """Markdown with its references as small numbers that lead to the list of sources."""

    def refer(reference: re.Match[str]) -> str:
        if reference[1] not in numbered:
            return str(escape(reference[0]))
        number = numbered.index(reference[1]) + 1
        withdrawn = facts[reference[1]].status == "withdrawn"
        said = _("Source %(number)s, withdrawn", number=number) if withdrawn else _("Source %(number)s", number=number)
        shown = _("%(number)s, withdrawn", number=number) if withdrawn else str(number)
        return f'<sup><a href="#source-{number}" aria-label="{escape(said)}">{escape(shown)}</a></sup>'

    return Markup(REFERENCE.sub(refer, str(render_markdown(text, is_page=True)).strip()))  # noqa: S704  # cleaned, and escaped numbers
