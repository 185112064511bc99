"""What an article, a fact and a question are made of, and what is refused of it: lengths, and sources by L1."""

from __future__ import annotations

import dataclasses
import datetime as dt
import itertools
import re
from collections.abc import Sequence
from urllib.parse import urlsplit

from app.core.clock import today
from app.core.i18n import _
from app.core.search import fold
from app.core.text import block, line
from app.learning.marks import broken_fold
from app.learning.models import AUDIENCES, Article, Fact, Question
from app.learning.numbers import unsourced
from app.learning.wording import wording_error

SLUG = re.compile(r"^[a-z0-9]+(?:-[a-z0-9]+)*$")
# Addresses below /learn that are no article's.
RESERVED = frozenset({"topics", "facts", "questions", "check", "courses", "history"})
LONGEST_BODY = 40_000
LONGEST_LEFT_OUT = 6_000
MOST_SOURCES = 12
EARLIEST_YEAR = 1500


@dataclasses.dataclass(frozen=True)
class SourceInput:
    """Where a fact was read; `page` says where in it, `primary` that it is the document itself."""

    publisher: str
    title: str
    url: str
    checked_on: dt.date
    year: int | None = None
    page: str = ""
    primary: bool = False

    def tidied(self) -> SourceInput:
        """With its lines as they are kept."""
        return dataclasses.replace(
            self, publisher=line(self.publisher) or "", title=line(self.title) or "", url=(line(self.url) or ""),
            page=line(self.page) or "",
        )  # fmt: skip


@dataclasses.dataclass(frozen=True)
class FactInput:
    """What a fact says. `topic` is a slug; `status` verified or contested."""

    slug: str
    topic: str
    claim: str
    note: str
    checked_on: dt.date
    checked_by: str
    sources: Sequence[SourceInput]
    status: str = "verified"
    sensitive: bool = False

    def tidied(self) -> FactInput:
        """With its lines as they are kept."""
        return dataclasses.replace(
            self, claim=line(self.claim) or "", note=line(self.note) or "", checked_by=line(self.checked_by) or "",
            sources=tuple(source.tidied() for source in self.sources),
        )  # fmt: skip

    def errors(self) -> dict[str, str]:
        """What is wrong with it, by field; "sources" and "sources-<number>-<field>" for its sources."""
        found = _length("claim", self.claim, 500) | _length("note", self.note, 600, may_be_empty=True)
        found |= _checked(self.checked_on, self.checked_by)
        if self.status not in ("verified", "contested"):
            found["status"] = _("Choose whether it is verified or contested")
        for number, source in enumerate(self.sources):
            found |= {f"sources-{number}-{name}": text for name, text in _source_errors(source).items()}
        if missing := missing_sources(self.status, self.sources):
            found["sources"] = missing
        return _words(claim=self.claim, note=self.note) | found


@dataclasses.dataclass(frozen=True)
class ArticleInput:
    """What an article says. `topic` is a slug; `status` draft or published."""

    slug: str
    topic: str
    title: str
    summary: str
    body: str
    checked_on: dt.date
    checked_by: str
    left_out: str = ""
    audience: str = "everyone"
    sensitive: bool = False
    status: str = "published"

    def tidied(self) -> ArticleInput:
        """With its lines and blocks as they are kept."""
        return dataclasses.replace(
            self, title=line(self.title) or "", summary=line(self.summary) or "", body=block(self.body) or "",
            left_out=block(self.left_out) or "", checked_by=line(self.checked_by) or "",
        )  # fmt: skip

    def errors(self) -> dict[str, str]:
        """What is wrong with it, by field."""
        found = _length("title", self.title, 160) | _length("summary", self.summary, 400)
        found |= _length("body", self.body, LONGEST_BODY)
        found |= _length("left_out", self.left_out, LONGEST_LEFT_OUT, may_be_empty=True)
        found |= _checked(self.checked_on, self.checked_by) | _folds(body=self.body, left_out=self.left_out)
        if self.audience not in AUDIENCES:
            found["audience"] = _("Choose one of the list")
        if self.status not in ("draft", "published"):
            found["status"] = _("Choose whether it is a draft or published")
        if self.status == "published":
            found = _numbers(title=self.title, summary=self.summary, body=self.body, left_out=self.left_out) | found
        return _words(title=self.title, summary=self.summary, body=self.body, left_out=self.left_out) | found


@dataclasses.dataclass(frozen=True)
class QuestionInput:
    """What a question asks and answers. `topic` is a slug; `status` draft or published."""

    slug: str
    topic: str
    question: str
    answer: str
    checked_on: dt.date
    checked_by: str
    sensitive: bool = False
    status: str = "published"

    def tidied(self) -> QuestionInput:
        """With its lines and blocks as they are kept."""
        return dataclasses.replace(
            self, question=line(self.question) or "", answer=block(self.answer) or "",
            checked_by=line(self.checked_by) or "",
        )  # fmt: skip

    def errors(self) -> dict[str, str]:
        """What is wrong with it, by field."""
        found = _length("question", self.question, 300) | _length("answer", self.answer, LONGEST_BODY)
        found |= _checked(self.checked_on, self.checked_by) | _folds(answer=self.answer)
        if self.status not in ("draft", "published"):
            found["status"] = _("Choose whether it is a draft or published")
        if self.status == "published":
            found = _numbers(question=self.question, answer=self.answer) | found
        return _words(question=self.question, answer=self.answer) | found


def sources_of(fact: Fact) -> tuple[SourceInput, ...]:
    """The sources of a fact, in order."""
    names = [field.name for field in dataclasses.fields(SourceInput)]
    return tuple(SourceInput(**{name: getattr(source, name) for name in names}) for source in fact.sources)


def values_of(row: Article | Fact | Question) -> ArticleInput | FactInput | QuestionInput:
    """What the row says now, as it would be given to the operation that changes it."""
    model = {Article: ArticleInput, Fact: FactInput, Question: QuestionInput}[type(row)]
    values = {
        field.name: getattr(row, field.name)
        for field in dataclasses.fields(model)
        if field.name not in ("topic", "sources")
    }
    if isinstance(row, Fact):
        values["sources"] = sources_of(row)
    made: ArticleInput | FactInput | QuestionInput = model(topic=row.topic.slug, **values)
    return made


def slug_error(slug: str, *, reserved: bool = False) -> str:
    """Why this cannot be part of an address, or ""; `reserved`: addresses of pages of ours are refused as well."""
    if not SLUG.match(slug) or len(slug) > 80:
        return _("Use small letters, digits and hyphens, 80 characters or fewer")
    if reserved and slug in RESERVED:
        return _("This address is taken by a page of ours")
    return ""


def missing_sources(status: str, sources: Sequence[SourceInput]) -> str:
    """What a fact of this status lacks of sources, or "" (L1): a verified one has two of different publishers (one page
    that two names are given to is one source), or one primary document with its page; a contested one at least one, so that
    readers see who says what."""
    if len(sources) > MOST_SOURCES:
        return _("Keep the %(most)s best sources", most=MOST_SOURCES)
    if not sources:
        return _("Add a source")
    if status != "verified":
        return ""
    if any(source.primary and source.page for source in sources):
        return ""
    for one, other in itertools.combinations(sources, 2):
        if fold(one.publisher) != fold(other.publisher) and one.url != other.url:
            return ""
    return _(
        "A verified fact needs two sources of different publishers, or one primary document with its page. "
        "Add one, or call it contested"
    )


def _source_errors(source: SourceInput) -> dict[str, str]:
    found = _length("publisher", source.publisher, 160) | _length("title", source.title, 300)
    found |= _length("page", source.page, 120, may_be_empty=True)
    if source.checked_on > today("Pacific/Kiritimati"):
        found["checked_on"] = _("Nobody has checked it on a day that is still to come")
    if source.year is not None and not EARLIEST_YEAR <= source.year <= today("Pacific/Kiritimati").year:
        found["year"] = _("Enter the year in which it was published")
    try:
        parts = urlsplit(source.url)
        is_web = parts.scheme in ("http", "https") and bool(parts.hostname)
    except ValueError:
        is_web = False
    if not is_web or len(source.url) > 500:
        found["url"] = _("Enter the whole address, beginning with https://")
    return found


def _checked(checked_on: dt.date, checked_by: str) -> dict[str, str]:
    found = _length("checked_by", checked_by, 160)
    if checked_on > today("Pacific/Kiritimati"):
        found["checked_on"] = _("Nobody has checked it on a day that is still to come")
    return found


def _folds(**texts: str) -> dict[str, str]:
    message = _("Each “:::sensitive …” needs the words of its warning and a line “:::” that ends it")
    return {name: message for name, text in texts.items() if broken_fold(text)}


def _words(**texts: str) -> dict[str, str]:
    """G12: what is published says the right words, in every field. Titles of documents are their writers' own."""
    whole = "\n".join(texts.values())
    return {name: error for name, text in texts.items() if (error := wording_error(text, about=whole))}


def _numbers(**texts: str) -> dict[str, str]:
    """What may not be published yet: numbers that nobody can check (L1)."""
    return {
        name: _(
            "“%(sentence)s” says a number: put a reference to a fact after it, such as [^slug], or say it without",
            sentence=found[0][:200],
        )
        for name, text in texts.items()
        if (found := unsourced(text))
    }


def _length(name: str, text: str, most: int, *, may_be_empty: bool = False) -> dict[str, str]:
    if not text and not may_be_empty:
        return {name: _("Fill this in")}
    if len(text) > most:
        return {name: _("Write %(max)d characters or fewer", max=most)}
    return {}
