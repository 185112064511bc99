"""What can be passed on, and what is passed on with it: where it was read, how old that is, and whether to pause first.

A page of what speaks of abuse or disaster is passed on after three questions; so is everything of the learn pages (L1). Who
answers them, and how, is asked by nobody and kept nowhere.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Collection
from typing import Any, TypeVar

from flask_babel import get_locale

from app.core import when
from app.core.cards import Card, Statement
from app.core.i18n import _, lazy, ngettext, number
from app.core.ids import encode_id
from app.core.templating import country
from app.core.web import settings
from app.donations.page_parts import standing_of
from app.donations.queries import totals
from app.fundraisers.goals import goal_words
from app.fundraisers.queries import PublicFundraiser, find_public_fundraiser
from app.learning import queries as learning
from app.learning.marks import cited_slugs
from app.learning.models import Article, Fact, FactSource, Question
from app.learning.speaks import are_of_disaster, words_that_speak
from app.needs import standing
from app.needs.models import Need
from app.needs.queries import count_by_status, find_visible_need, list_items, list_shifts
from app.organizations.causes import find_cause
from app.organizations.models import Organization
from app.organizations.queries import find_logo_content, find_organization_by_id, find_public_organization
from app.pages.queries import last_confirmed
from app.signups.calendar import describe_area


@dataclasses.dataclass(frozen=True)
class Source:
    """Where what is shared comes from: who says it, what that is, and since when it is known, in words; `url` may be ""."""

    name: str
    about: str
    dated: str
    url: str = ""


@dataclasses.dataclass(frozen=True)
class Shared:
    """What is passed on: the path of its page and of its share step, its title, whose it is, facts for paper, what it rests
    on (and how many further sources the page has). `because` holds the words for which the step asks first; with `asks` it
    asks without any."""

    path: str
    step: str
    title: str
    organization: str
    section: str
    facts: tuple[str, ...] = ()
    sources: tuple[Source, ...] = ()
    further: int = 0
    state: str = ""
    asks: bool = False
    because: tuple[str, ...] = ()
    # It speaks of disaster and not of abuse: the questions are about that.
    of_disaster: bool = False
    withdrawn: str = ""
    has_poster: bool = True
    # What its page rests on and was withdrawn since: why, fact by fact.
    unsupported: tuple[str, ...] = ()
    # Its own page has the way out and is kept by no browser: so are the steps that pass it on (G13).
    sensitive: bool = False
    # The path of its page for a frame on other sites; "" where there is none.
    frame: str = ""

    @property
    def url(self) -> str:
        """The whole address."""
        return settings().base_url + self.path

    @property
    def line(self) -> str:
        """The title and whose it is, in a line."""
        if not self.organization:
            return self.title
        return _("%(title)s – %(organization)s", title=self.title, organization=self.organization)

    @property
    def further_words(self) -> str:
        """How many sources are on the page besides those named."""
        return ngettext("%(num)s more on the page", "%(num)s more on the page", self.further)

    @property
    def sources_words(self) -> str:
        """What its sources are called: of what can be learned, sources; of what is asked for, those who ask."""
        return _("Sources:") if self.section == "learn" else _("Who says so:")

    @property
    def text(self) -> str:
        """What to paste where no picture goes: the sentence, how well it is known, what it rests on, and the address."""
        pretended = PRETENDED if is_pretended() and self.section != "learn" else ""
        lines = [pretended, self.line, self.withdrawn or self.state, *self.unsupported]
        if self.sources:
            lines += [self.sources_words, *(f"- {one_line(source)}" for source in self.sources)]
        if self.further:
            lines.append(f"- {self.further_words}")
        return "\n".join([*(str(line) for line in lines if line), self.url])


# Where organizations and needs are invented, what leaves this site says so wherever it goes; what can be learned is real.
PRETENDED = lazy("Demonstration: nothing here is real")


def is_pretended() -> bool:
    """True where all but what can be learned is invented."""
    return settings().payments_mode == "demo"


def _head() -> str:
    """What stands at the head of a card: whose site it is, and that it is a demonstration."""
    name = settings().platform_name
    return f"{name} · {PRETENDED}" if is_pretended() else name


def one_line(source: Source) -> str:
    """A source in a line of text."""
    return ", ".join(part for part in (source.name, source.about, source.dated) if part)


def _place(*parts: str | None) -> str:
    return ", ".join(part for part in parts if part)


def _day(instant: dt.datetime, zone: str) -> str:
    return when.dated(when.local_day(instant, zone))


def _verified(organization: Organization) -> Source:
    """An organization as the source of what it asks for."""
    since = organization.verified_at
    return Source(
        organization.name,
        _("the organization itself"),
        _("verified on %(day)s", day=_day(since, organization.time_zone)) if since else "",
        f"/organizations/{organization.slug}",
    )


def _because(*texts: str, causes: Collection[str]) -> dict[str, Any]:
    """Whether texts of people speak of abuse or disaster, and by which words, causes by their names: as Shared has it."""
    found = words_that_speak(*texts, causes=causes)
    named = tuple(str(cause.name) if (cause := find_cause(word)) and word in causes else word for word in found)
    return {"asks": bool(found), "because": named, "of_disaster": are_of_disaster(found)}


# --- needs ----------------------------------------------------------------------------------------------------------


def share_need(need_id: int) -> Shared | None:
    """A need while the public may see it (N1); of a private address the area only (N6)."""
    need: Need | None = find_visible_need(need_id)
    if need is None:
        return None
    key = encode_id(need.id)
    return Shared(
        path=f"/needs/{key}",
        step=f"/share/need/{key}",
        title=need.title,
        organization=need.organization.name,
        section="needs",
        facts=(describe_area(need), _("Last day: %(day)s", day=when.full_day(need.ends_on)) if need.ends_on else ""),
        sources=_sources_of(need),
        **_because(need.title, need.description, causes=need.causes),
    )


def _sources_of(need: Need) -> tuple[Source, ...]:
    """Who asks, and when they last said that it is still so."""
    confirmed = last_confirmed(need.id)
    if confirmed is None:
        return (_verified(need.organization),)
    day = _("last confirmed on %(day)s", day=_day(confirmed, need.time_zone))
    return (_verified(need.organization), Source(_("This need"), "", day))


def card_of_need(need_id: int) -> Card | None:
    """The card of a need while the public may see it (N1); where it is never more exactly than its town (N6)."""
    need: Need | None = find_visible_need(need_id)
    if need is None:
        return None
    shifts = [shift for shift in list_shifts(need_id) if not shift.is_over and shift.status == "scheduled"]
    items = list_items(need_id)
    time, things = standing.of_time(shifts), standing.of_items(items)
    where = _("From anywhere") if need.remote else _place(need.city, need.region)
    whose = " · ".join(part for part in (need.organization.name, where) if part)
    rests_on = " · ".join(source.dated for source in _sources_of(need) if source.dated)
    card = Card(_head(), need.title, whose, dated=rests_on, logo=find_logo_content(need.organization_id))
    if standing.is_filled(shifts, items):
        return dataclasses.replace(card, standing=_("Everything asked for is promised"), share=1.0)
    if time is not None and time.open:
        words = ngettext("%(num)s place open", "%(num)s places open", int(time.open))
        return dataclasses.replace(card, standing=words, given=int(time.given), open=int(time.open))
    if things is not None and things.open:
        words = _("%(n)s of %(goal)s wanted", n=number(things.open), goal=number(things.goal))
        return dataclasses.replace(card, standing=words, share=float(1 - things.open / things.goal))
    return card


# --- fundraisers ----------------------------------------------------------------------------------------------------


def share_fundraiser(slug: str) -> Shared | None:
    """A fundraiser while the public may see it (F8)."""
    page: PublicFundraiser | None = find_public_fundraiser(slug)
    if page is None:
        return None
    need: Need | None = find_visible_need(page.need_id) if page.need_id else None
    own = () if need is None else (need.title, need.description)
    return Shared(
        path=f"/fundraisers/{page.slug}",
        step=f"/share/fundraiser/{page.slug}",
        title=page.title,
        organization=page.organization_name,
        section="fundraisers",
        facts=(_("until %(day)s", day=when.full_day(page.ends_on)) if page.ends_on else "",),
        sources=_sources_of_fundraiser(page),
        **_because(page.title, page.story, *own, causes=need.causes if need else ()),
    )


def _sources_of_fundraiser(page: PublicFundraiser) -> tuple[Source, ...]:
    """Whom it is for, and since when."""
    organization = find_organization_by_id(page.organization_id)
    begun = _("begun on %(day)s", day=_day(page.created_at, page.time_zone))
    itself = Source(_("This fundraiser"), _("agreed to by the organization"), begun)
    return (itself,) if organization is None else (_verified(organization), itself)


def card_of_fundraiser(slug: str) -> Card | None:
    """The card of a fundraiser while the public may see it (F8)."""
    page = find_public_fundraiser(slug)
    if page is None:
        return None
    stands = standing_of(page, totals([page.id])[page.id])
    words = _("%(percent)s%% of %(goal)s", percent=stands.percent, goal=goal_words(page, str(get_locale())))
    return Card(
        _head(),
        page.title,
        page.organization_name,
        words,
        dated=" · ".join(source.dated for source in _sources_of_fundraiser(page) if source.dated),
        share=stands.have / stands.of,
        logo=find_logo_content(page.organization_id),
    )


# --- organizations --------------------------------------------------------------------------------------------------


def share_organization(slug: str) -> Shared | None:
    """An organization while the public may see it (N1)."""
    organization = find_public_organization(slug)
    if organization is None:
        return None
    return Shared(
        path=f"/organizations/{organization.slug}",
        step=f"/share/organization/{organization.slug}",
        title=organization.name,
        organization="",
        section="organizations",
        facts=(_place(organization.city, organization.region, country(organization.country)),),
    )


def card_of_organization(slug: str) -> Card | None:
    """The card of an organization while the public may see it (N1)."""
    organization = find_public_organization(slug)
    if organization is None:
        return None
    place = _place(organization.city, organization.region, country(organization.country))
    count = count_by_status(organization.id).get("open", 0)
    words = ngettext("%(num)s need open", "%(num)s needs open", count) if count else ""
    return Card(_head(), organization.name, place, words, logo=find_logo_content(organization.id))


# --- what can be learned --------------------------------------------------------------------------------------------

Seen = TypeVar("Seen", Article, Question)
# An article may rest on dozens of sources; what is passed on names so many, and the page has them all.
MOST_SOURCES = 5


def share_fact(slug: str) -> Shared | None:
    """A fact in any state: one that was withdrawn says so, so that whoever passed it on can pass that on, too."""
    fact = learning.find_fact(slug)
    if fact is None:
        return None
    made = _shared_of(fact, fact.claim, f"/learn/facts/{fact.slug}", f"/share/fact/{fact.slug}", [fact])
    return dataclasses.replace(made, frame=f"/embed/facts/{fact.slug}")


def share_article(slug: str) -> Shared | None:
    """An article that was published."""
    article = _seen(learning.find_article(slug))
    if article is None:
        return None
    facts = _cited(article.body, article.left_out)
    return _shared_of(article, article.title, f"/learn/{article.slug}", f"/share/article/{article.slug}", facts)


def share_question(slug: str) -> Shared | None:
    """A question that was answered publicly."""
    question = _seen(learning.find_question(slug))
    if question is None:
        return None
    path, step = f"/learn/questions/{question.slug}", f"/share/question/{question.slug}"
    return _shared_of(question, question.question, path, step, _cited(question.answer))


def _seen(row: Seen | None) -> Seen | None:
    return None if row is None or row.status == "draft" else row


def _cited(*texts: str) -> list[Fact]:
    """The facts that texts rest on in any state, in the order of their numbers."""
    slugs = cited_slugs(*texts)
    found = learning.find_facts(slugs)
    return [found[slug] for slug in slugs if slug in found]


def _facts(*texts: str) -> list[Fact]:
    """The same without what was withdrawn, which supports nothing."""
    return [fact for fact in _cited(*texts) if fact.status != "withdrawn"]


def _shared_of(row: Article | Fact | Question, title: str, path: str, step: str, facts: list[Fact]) -> Shared:
    withdrawn = ""
    if row.withdrawn_at is not None:
        day = _day(row.withdrawn_at, "UTC")
        withdrawn = _("Withdrawn on %(day)s: %(why)s", day=day, why=row.withdrawn_because)
    sources = [] if withdrawn else _sources([fact for fact in facts if fact.status != "withdrawn"])
    gone = [] if withdrawn else [fact for fact in facts if fact.status == "withdrawn"]
    return Shared(
        path=path,
        step=step,
        title=title,
        organization="",
        section="learn",
        sources=tuple(_source(source) for source in sources[:MOST_SOURCES]),
        further=len(sources) - len(sources[:MOST_SOURCES]),
        state="" if withdrawn else _state(row),
        asks=True,
        of_disaster=are_of_disaster(words_that_speak(title, *(fact.claim for fact in facts))),
        withdrawn=withdrawn,
        has_poster=False,
        unsupported=tuple(_unsupported(fact) for fact in gone),
        sensitive=row.sensitive,
    )


def _unsupported(fact: Fact) -> str:
    """What is said where something rests on a fact that was withdrawn."""
    return _("Rests on a claim that was withdrawn: %(why)s", why=fact.withdrawn_because)


def _state(row: Article | Fact | Question) -> str:
    """How well it is known, and since when its sources are checked."""
    day = when.dated(row.sources_checked_on)
    if row.status == "contested":
        return _("Contested · sources checked on %(day)s", day=day)
    if isinstance(row, Fact):
        return _("Verified · sources checked on %(day)s", day=day)
    return _("Sources checked on %(day)s", day=day)


def _sources(facts: list[Fact]) -> list[FactSource]:
    """The sources of facts, each document once."""
    found = {
        (source.publisher, source.title, source.year): source
        for fact in reversed(facts)
        for source in reversed(fact.sources)
    }
    return list(reversed(found.values()))


def _source(source: FactSource) -> Source:
    about = ", ".join(part for part in (source.title, str(source.year or ""), source.page) if part)
    return Source(source.publisher, about, _("checked on %(day)s", day=when.dated(source.checked_on)), source.url)


def card_of_fact(slug: str) -> Statement | None:
    """The card of a fact in any state."""
    fact = learning.find_fact(slug)
    return None if fact is None else _statement(fact, fact.claim, f"/learn/facts/{fact.slug}", [fact])


def card_of_article(slug: str) -> Statement | None:
    """The card of an article that was published."""
    article = _seen(learning.find_article(slug))
    if article is None:
        return None
    return _statement(article, article.title, f"/learn/{article.slug}", _facts(article.body, article.left_out))


def card_of_question(slug: str) -> Statement | None:
    """The card of a question that was answered publicly."""
    row = _seen(learning.find_question(slug))
    return None if row is None else _statement(row, row.question, f"/learn/questions/{row.slug}", _facts(row.answer))


def _statement(row: Article | Fact | Question, title: str, path: str, facts: list[Fact]) -> Statement:
    address = settings().base_url.partition("://")[2] + path
    if row.withdrawn_at is not None:
        state = _("Withdrawn on %(day)s", day=_day(row.withdrawn_at, "UTC"))
        why = _("Why: %(why)s", why=row.withdrawn_because)
        return Statement(settings().platform_name, title, state, (why, address), withdrawn=True)
    documents = dict.fromkeys(f"{source.publisher} {source.year or ''}".strip() for source in _sources(facts))
    sources = _("Sources: %(sources)s", sources=" · ".join(documents)) if documents else ""
    return Statement(settings().platform_name, title, _state(row), tuple(filter(None, (sources, address))))
