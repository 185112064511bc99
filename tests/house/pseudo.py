"""A language made on the fly that shows what was not translated, and the checker that reads pages in it.

Every message the code offers to translators becomes Hebrew letters between ⟦ and ⟧, a third longer than it was; names in
%(…)s, tags and entities stay. Dates, countries and units come from CLDR in Hebrew too. So whatever still stands in Latin
letters on a page, and was not typed by people, has passed no catalogue. Hebrew runs from right to left: the same run shows
whether the pages do.
"""

from __future__ import annotations

import functools
import html
import io
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import html5lib
from babel.messages.catalog import Catalog, Message
from babel.messages.extract import DEFAULT_KEYWORDS, extract_from_dir
from babel.messages.frontend import parse_mapping_cfg
from babel.messages.mofile import write_mo
from flask import Flask

from app.core.db import Base, db
from app.core.markdown import render_markdown

ROOT = Path(__file__).parent.parent.parent
LOCALE = "he"
# So that forms for gifts are shown; nobody answers there.
PAYMENTS: dict[str, Any] = {
    "payments_mode": "demo",
    "stripe_secret_key": "sk_test_nobody",
    "stripe_webhook_secret": "whsec_nobody",
    "stripe_api_base": "http://127.0.0.1:9",
}
OPEN, CLOSE = "⟦", "⟧"
SKIPPED = frozenset({"tests", "docs", "bench", "deploy", "migrations", "instance", "__pycache__"})

# What a translation must leave alone: names to fill in, tags, entities, addresses and their placeholders.
KEPT = re.compile(r"%\([a-z_]+\)[sd]|%%|<[^>]*>|&#?\w+;|https?://\S+|\{[a-z_]+\}")
LETTERS = str.maketrans(
    dict(zip("abcdefghijklmnopqrstuvwxyz", "אבקדעפגהיחכלמנוצרשסתטוץזןר", strict=True))
    | dict(zip("ABCDEFGHIJKLMNOPQRSTUVWXYZ", "אבקדעפגהיחכלמנוצרשסתטוץזןר", strict=True))
)

# Names that are the same in every language.
NAMES = (
    "Manyhands", "Stripe", "Markdown", "OpenAPI", "GitHub", "JSON", "CSV", "API", "URL", "UTC", "GMT",
    # CLDR gives the zones' English abbreviations in most languages.
    "EST", "EDT", "CST", "CDT", "MST", "MDT", "PST", "PDT", "AST", "ADT", "AKST", "AKDT", "HST", "CET", "CEST", "USD", "EUR",
    "AEST", "AEDT", "EAT", "BST", "IST", "CA",  # the last as in CA$
    "TEST",  # before the number of a receipt that counts nowhere
)  # fmt: skip
# Columns that people type into; the others hold words of ours, which must never be shown as they are.
TYPED = frozenset({
    "name", "email", "title", "description", "story", "story_html", "description_html", "slug", "city", "region", "address",
    "postal_code", "unit", "note", "message", "reason", "purchase_url", "website", "evidence", "mailbox",
    "donor_name", "checked", "place", "external_id", "accepted_condition", "declined_reason", "rejected_reason",
    "bring", "suits", "parking", "meeting_point", "text", "issuer", "objection", "revoked_reason",
    "claim", "summary", "body", "left_out", "question", "answer", "checked_by", "withdrawn_because", "publisher", "page",
    "url", "seen_where",
    "reference", "audience", "taken", "explanation", "company", "dedicated_to", "tax_id", "receipt_text", "first_name",
    "last_name", "organization_name",
    "sponsor", "item_name", "alt", "consent", "overflow_rule", "hidden_reason",
    "name_hidden_reason",
})  # fmt: skip
SHOWN_ATTRIBUTES = (
    "alt", "title", "aria-label", "aria-description", "aria-roledescription", "aria-valuetext", "placeholder", "label",
    "data-close", "data-text", "data-label", "summary",
)  # fmt: skip
# Letters of these elements are nobody's to translate: code, what one types oneself, and addresses.
UNREAD = frozenset({"script", "style", "code", "pre", "textarea", "kbd", "samp"})
MARKS = re.compile(r"\[\^[a-z0-9-]+\]|^:::(?:sensitive)?(.*)$", re.MULTILINE)
WORD = re.compile(r"[A-Za-z\u00c0-\u024f]{2,}")


@functools.cache
def messages() -> dict[str | tuple[str, str], list[str]]:
    """Every message of code and templates, as babel.cfg finds them, with the places where it stands."""
    with (ROOT / "babel.cfg").open() as file:
        mapping, options = parse_mapping_cfg(file)[:2]  # type: ignore[no-untyped-call]  # babel gives no types here
    found: dict[str | tuple[str, str], list[str]] = {}
    for path, line, message, _comments, _context in extract_from_dir(
        ROOT,
        mapping,
        options,
        keywords={**DEFAULT_KEYWORDS, "lazy": None},
        directory_filter=lambda directory: (name := Path(directory).name) not in SKIPPED and not name.startswith("."),
    ):
        key: Any = message
        found.setdefault(key, []).append(f"{path}:{line}")
    return found


def translated(message: str) -> str:
    """`message` in the made language."""
    parts, at = [], 0
    for kept in KEPT.finditer(message):
        parts += [message[at : kept.start()].translate(LETTERS), kept[0]]
        at = kept.end()
    parts.append(message[at:].translate(LETTERS))
    words = len(re.findall(r"[א-ת]+", "".join(parts)))
    return OPEN + "".join(parts) + " " + "קג"[: 1 + words % 2] * max(1, words // 3) + CLOSE


def write_catalogue(directory: Path, locale: str = LOCALE) -> None:
    """The compiled catalogue of the made language below `directory`."""
    catalogue = Catalog(locale=locale)
    for message in messages():
        if isinstance(message, tuple):
            forms = [translated(message[0])] + [translated(message[1])] * (catalogue.num_plurals - 1)
            catalogue._messages[message[0]] = Message(message, tuple(forms))
        else:
            catalogue.add(message, translated(message))
    folder = directory / locale / "LC_MESSAGES"
    folder.mkdir(parents=True)
    compiled = io.BytesIO()
    write_mo(compiled, catalogue)
    (folder / "messages.mo").write_bytes(compiled.getvalue())


def speak(app: Flask, directory: Path, locale: str = LOCALE) -> None:
    """Let `app` find the made language."""
    write_catalogue(directory, locale)
    with app.app_context():
        app.extensions["babel"].translation_directories = [str(directory)]


def typed_by_people() -> list[str]:
    """Everything that people typed into the database in use, the longest first."""
    found: set[str] = set()
    with db.engine.connect() as connection:
        for table in Base.metadata.sorted_tables:
            columns = [column for column in table.columns if column.name in TYPED]
            if columns:
                for row in connection.execute(db.select(*columns)):
                    found |= {str(value) for value in row if isinstance(value, str) and WORD.search(value)}
        connection.rollback()
    return sorted(found, key=len, reverse=True)


class _Known:
    """Texts that are cut out of others where they stand whole; found by how they begin, for there are thousands."""

    STEM = 3

    def __init__(self, texts: Iterable[str]) -> None:
        self._by_stem: dict[str, list[str]] = {}
        for text in sorted(set(texts), key=len, reverse=True):
            self._by_stem.setdefault(text[: self.STEM], []).append(text)

    def _at(self, text: str, start: int) -> str | None:
        """The longest of them that stands whole at `start`."""
        for size in range(self.STEM, 0, -1):
            for known in self._by_stem.get(text[start : start + size], ()):
                after = text[start + len(known) : start + len(known) + 1]
                if text.startswith(known, start) and not _is_letter(after):
                    return known
        return None

    def cut_from(self, text: str) -> str:
        """`text` with a space in place of each."""
        parts, at, start = [], 0, 0
        while start < len(text):
            known = None if start and _is_letter(text[start - 1]) else self._at(text, start)
            if known is None:
                start += 1
                continue
            parts += [text[at:start], " "]
            start = at = start + len(known)
        return "".join([*parts, text[at:]])


def _is_letter(character: str) -> bool:
    return character.isascii() and character.isalpha()


class Reader:
    """Reads pages and mails for words that passed no catalogue; `typed` is what people wrote themselves."""

    def __init__(self, typed: Iterable[str]) -> None:
        lines = {line.strip(" #*->_") for text in typed for line in [text, *text.splitlines()]}
        lines |= {
            text for whole in typed if "*" in whole or "[" in whole for _place, text in visible(render_markdown(whole))
        }
        # What can be learned has marks of its own: a reference ends a piece of text, and so do the lines of a fold.
        marked = [MARKS.sub("\n\n\\1\n\n", whole) for whole in typed if MARKS.search(whole)]
        lines |= {text for whole in marked for _place, text in visible(render_markdown(whole, is_page=True))}
        lines = {" ".join(line.split()) for line in lines if len(line) > 1}
        self._typed = _Known(line for line in lines if line)
        self._all = " ".join(" ".join(text.split()) for text in typed)
        self._names = _Known(NAMES)
        self._read: dict[str, list[str]] = {}

    def words(self, text: str) -> list[str]:
        """The words of `text` in Latin letters that nobody typed. Most texts stand on many pages and are read once."""
        if text not in self._read:
            self._read[text] = self._words(text)
        return self._read[text]

    def _words(self, text: str) -> list[str]:
        text = re.sub(
            r"https?://\S+|\b[\w.+-]+@[\w.-]+\.\w+|(?<![\w<])/[\w/.{}-]+|\{[a-z_]+\}",
            " ",
            " ".join(html.unescape(text).split()),
        )
        if len(text) > 60 and text.strip().rstrip("…") in self._all:
            return []
        if not WORD.search(text):
            return []
        return WORD.findall(self._names.cut_from(self._typed.cut_from(text)))

    def faults(self, page: str) -> list[str]:
        """What of an HTML page a reader would meet untranslated: texts and attributes, with their elements."""
        found = []
        for place, text in visible(page):
            if self.words(text):
                found.append(f"{place}: {' '.join(text.split())[:120]}")
        return found


def visible(page: str) -> Iterator[tuple[str, str]]:
    """Each text a reader meets on the page or hears of it, with the element it stands in."""
    yield from _visible(html5lib.parse(page, namespaceHTMLElements=False))


def _visible(element: Any) -> Iterator[tuple[str, str]]:
    tag = element.tag if isinstance(element.tag, str) else ""
    if tag and tag not in UNREAD and element.get("translate") != "no":
        name = f"<{tag}>"
        for attribute in SHOWN_ATTRIBUTES:
            if element.get(attribute):
                yield f"{name}[{attribute}]", element.get(attribute)
        if tag == "input" and element.get("type") in ("submit", "button", "reset") and element.get("value"):
            yield f"{name}[value]", element.get("value")
        if tag == "meta" and element.get("name") == "description":
            yield f"{name}[content]", element.get("content") or ""
        if element.text and element.text.strip():
            yield name, element.text
        for child in element:
            yield from _visible(child)
            if child.tail and child.tail.strip():
                yield name, child.tail


def told(found: dict[str, str]) -> str:
    """Faults with where they were met, one a line."""
    return "\n" + "\n".join(f"{where}  {fault}" for fault, where in sorted(found.items(), key=lambda item: item[1]))
