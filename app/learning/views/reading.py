"""What everybody may read: topics, articles, facts, questions, what each said before, and the feed of changes."""

from __future__ import annotations

from typing import Any

from flask import Response, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import get_locale

from app.accounts.session import find_current_person
from app.core.cache import anonymous_page
from app.core.feeds import ATOM, write_atom
from app.core.text import line
from app.core.web import UNSEEN_HEADERS, public, settings
from app.learning import queries
from app.learning.feed import entry_of, feed_of
from app.learning.history import changes
from app.learning.marks import cited_slugs
from app.learning.models import KINDS, Article, Fact, Question, Revision, Topic
from app.learning.rendering import Body, render
from app.learning.signposts import ELSEWHERE
from app.learning.speaks import asks_for_help
from app.learning.views.blueprint import learning
from app.learning.words import AUDIENCE_NAMES, FIELD_NAMES, KIND_NAMES, KINDS_OF_THEM
from app.moderation.policy import can_moderate

MOST_OF_A_KIND = 20


def _page(template: str, sensitive: bool, **values: Any) -> Response:
    """A page that is the same for everybody without a session, and asked for again each time: what was withdrawn must not
    be read a second longer (no proxy keeps it). What is sensitive is kept by no browser either."""

    def make() -> str:
        found = {name: value() if callable(value) else value for name, value in values.items()}
        return render_template(
            f"learning/{template}.html", leave_url=ELSEWHERE, kind_names=KIND_NAMES, kinds_of_them=KINDS_OF_THEM,
            audience_names=AUDIENCE_NAMES, sensitive=sensitive, **found,
        )  # fmt: skip

    response = anonymous_page(make, proxies=False)
    if sensitive:
        response.headers.update(UNSEEN_HEADERS)
    return response


# --- lists ----------------------------------------------------------------------------------------------------------


@learning.get("/learn")
@public
def index() -> ResponseReturnValue:
    """Topics with their articles; or what was searched for."""
    asked = queries.Search(
        q=(line(request.args.get("q")) or "")[:200],
        kind=request.args.get("kind", "") if request.args.get("kind") in KINDS else "",
        topic=(line(request.args.get("topic")) or "")[:80],
    )
    if asked == queries.Search():
        return _page("index", False, topics=queries.list_topics, articles=queries.list_articles)
    cursor = request.args.get("cursor")
    typed = asked.q
    asked, page = queries.search_mended(asked, cursor)
    # Whoever finds nothing may need somebody now, too: then that stands first, even where a word was only misspelt.
    nothing = bool(typed) and (not page.rows or asked.q != typed)
    helps = asks_for_help(typed) or asks_for_help(asked.q)
    sensitive = helps or any(row.sensitive for row in page.rows)
    return _page(
        "search", sensitive, asked=asked, topics=queries.list_topics, page=page, is_first=not cursor, helps=helps,
        typed=typed, nothing=nothing,
    )  # fmt: skip


@learning.get("/learn/topics/<slug>")
@public(load=queries.find_topic)
def topic(topic: Topic) -> ResponseReturnValue:
    """One topic: its articles, and the first of its facts and questions."""

    found = {kind: queries.search(queries.Search(kind=kind, topic=topic.slug), limit=MOST_OF_A_KIND) for kind in KINDS}
    sensitive = any(row.sensitive for page in found.values() for row in page.rows)
    return _page("topic", sensitive, topic=topic, found=found)


@learning.get("/learn.atom")
@public
def feed() -> ResponseReturnValue:
    """What was published, changed and withdrawn, the latest first."""
    site, rows, language = settings(), queries.list_changed(), str(get_locale()).replace("_", "-")
    about = feed_of(rows, base_url=site.base_url, site=site.platform_name, language=language)
    content = write_atom(about, [entry_of(row) for row in rows])
    headers = {"Cache-Control": "public, no-cache"}
    response = Response(content, content_type=f"{ATOM}; charset=utf-8", headers=headers)
    response.vary.add("Accept-Language")
    response.add_etag()
    return response.make_conditional(request)


# --- one of them ----------------------------------------------------------------------------------------------------


def _body_of(text: str, left_out: str = "") -> Body:
    return render(text, queries.find_facts(cited_slugs(text, left_out)), left_out)


def _seen(row: Any) -> Any:
    """Drafts are their moderators' alone."""
    return row if row is not None and (row.status != "draft" or can_moderate(find_current_person())) else None


def _find_article(slug: str) -> Article | None:
    found: Article | None = _seen(queries.find_article(slug))
    return found


def _find_question(slug: str) -> Question | None:
    found: Question | None = _seen(queries.find_question(slug))
    return found


@learning.get("/learn/<slug>")
@public(load=_find_article)
def article(article: Article) -> ResponseReturnValue:
    """An article with the sources of what it says; one that was withdrawn says so, why, and what to read instead."""

    def body() -> Body:
        return _body_of(article.body, article.left_out)

    return _page("article", article.sensitive, article=article, body=body, more=lambda: _more(article))


def _more(article: Article) -> list[queries.Found]:
    others = queries.search(queries.Search(kind="article", topic=article.topic.slug), limit=6).rows
    return [row for row in others if row.id != article.id and row.status == "published"][:4]


@learning.get("/learn/facts/<slug>")
@public(load=queries.find_fact)
def fact(fact: Fact) -> ResponseReturnValue:
    """One claim: how well it is known, every source, and where we say it."""
    return _page("fact", fact.sensitive, fact=fact, citing=lambda: queries.list_citing(fact.id))


@learning.get("/learn/questions/<slug>")
@public(load=_find_question)
def question(question: Question) -> ResponseReturnValue:
    """A question and its answer."""
    return _page("question", question.sensitive, question=question, body=lambda: _body_of(question.answer))


# --- what each said before ------------------------------------------------------------------------------------------


def _history(row: Article | Fact | Question, title: str, back: str) -> ResponseReturnValue:
    cursor = request.args.get("cursor")
    page = queries.list_revisions(row.id, cursor, drafts=can_moderate(find_current_person()))
    shown = page.rows[: queries.REVISIONS]
    before: list[Revision | None] = [*page.rows[1:], None]
    versions = [
        (revision, changes(None if earlier is None else earlier.snapshot, revision.snapshot))
        for revision, earlier in zip(shown, before, strict=False)
    ]
    next_url = f"{request.path}?cursor={page.next_cursor}" if page.next_cursor else None
    return _page(
        "history", row.sensitive, title=title, back=back, versions=versions, field_names=FIELD_NAMES, next_url=next_url,
        first_url=request.path if cursor else None,
    )  # fmt: skip


@learning.get("/learn/<slug>/history")
@public(load=_find_article)
def article_history(article: Article) -> ResponseReturnValue:
    """Every version of an article with what it changed."""
    return _history(article, article.title, url_for("learning.article", slug=article.slug))


@learning.get("/learn/facts/<slug>/history")
@public(load=queries.find_fact)
def fact_history(fact: Fact) -> ResponseReturnValue:
    """Every version of a fact with what it changed."""
    return _history(fact, fact.claim, url_for("learning.fact", slug=fact.slug))


@learning.get("/learn/questions/<slug>/history")
@public(load=_find_question)
def question_history(question: Question) -> ResponseReturnValue:
    """Every version of an answer with what it changed."""
    return _history(question, question.question, url_for("learning.question", slug=question.slug))
