"""What can be learned, for programs to read: articles, and facts with their sources."""

from __future__ import annotations

from typing import Any

import marshmallow as ma
from flask.typing import ResponseReturnValue

from app.api import frame, schemas
from app.core import web
from app.core.errors import InvalidInput
from app.core.i18n import _
from app.core.web import public
from app.learning.feed import path_of
from app.learning.models import ARTICLE_STATUSES, AUDIENCES, FACT_STATUSES, Article, Fact
from app.learning.queries import cited_by, find_article, find_fact, find_topic, page_articles, page_facts

resource = frame.blueprint("learning", "What can be learned, with its sources")


class WithdrawnOut(frame.Schema):
    """Since when something does not hold any more, why, and the slug of what replaces it."""

    at = schemas.moment(required=True)
    because = ma.fields.String(required=True)
    replaced_by = ma.fields.String(required=True, allow_none=True)


class SourceOut(frame.Schema):
    """Where a fact was read. `primary`: the document itself, at `page`."""

    publisher = ma.fields.String(required=True)
    title = ma.fields.String(required=True)
    year = ma.fields.Integer(required=True, allow_none=True)
    url = ma.fields.String(required=True)
    page = ma.fields.String(required=True)
    primary = ma.fields.Boolean(required=True)
    checked_on = ma.fields.String(required=True, metadata=schemas.DATE)


class KeptOut(frame.Schema):
    """What articles and facts have in common. `stale`: its sources were not checked within a year."""

    slug = ma.fields.String(required=True)
    topic = ma.fields.String(required=True)
    sensitive = ma.fields.Boolean(required=True)
    checked_on = ma.fields.String(required=True, metadata=schemas.DATE)
    checked_by = ma.fields.String(required=True)
    stale = ma.fields.Boolean(required=True)
    version = ma.fields.Integer(required=True)
    updated_at = schemas.moment(required=True)
    withdrawn = ma.fields.Nested(WithdrawnOut, required=True, allow_none=True)
    url = ma.fields.String(required=True)


class FactOut(KeptOut):
    """A claim, how well it is known, and its sources."""

    claim = ma.fields.String(required=True)
    note = ma.fields.String(required=True)
    status = ma.fields.String(required=True, validate=schemas.one_of(FACT_STATUSES))
    sources = ma.fields.List(ma.fields.Nested(SourceOut), required=True)


class ArticleOut(KeptOut):
    """An article in Markdown with the marks of docs/learning.md; `facts` are the slugs of those that it rests on."""

    title = ma.fields.String(required=True)
    summary = ma.fields.String(required=True)
    body = ma.fields.String(required=True)
    left_out = ma.fields.String(required=True)
    audience = ma.fields.String(required=True, validate=schemas.one_of(AUDIENCES))
    status = ma.fields.String(required=True, validate=schemas.one_of(ARTICLE_STATUSES[1:]))
    facts = ma.fields.List(ma.fields.String(), required=True)
    published_at = schemas.moment(required=True)


class ArticleQuery(frame.ListQuery):
    """Articles of one topic."""

    topic = schemas.text(80, load_default="")


class FactQuery(ArticleQuery):
    """Facts of one topic, or in one state."""

    status = ma.fields.String(load_default="", validate=schemas.one_of(("", *FACT_STATUSES)))


ArticleList = frame.list_schema(ArticleOut, "ArticleList")
FactList = frame.list_schema(FactOut, "FactList")


def _kept(row: Article | Fact, kind: str) -> dict[str, Any]:
    withdrawn = {
        "at": frame.iso(row.withdrawn_at),
        "because": row.withdrawn_because,
        "replaced_by": None if row.replaced_by is None else row.replaced_by.slug,
    }
    return {
        "slug": row.slug,
        "topic": row.topic.slug,
        "sensitive": row.sensitive,
        "checked_on": row.sources_checked_on.isoformat(),
        "checked_by": row.checked_by,
        "stale": row.status != "withdrawn" and row.is_stale,
        "status": row.status,
        "version": row.version,
        "updated_at": frame.iso(row.updated_at),
        "withdrawn": withdrawn if row.status == "withdrawn" else None,
        "url": web.settings().base_url + path_of(kind, row.slug),
    }


def _fact(row: Fact) -> dict[str, Any]:
    names = ("publisher", "title", "year", "url", "page", "primary")
    sources = [
        {name: getattr(source, name) for name in names} | {"checked_on": source.checked_on.isoformat()}
        for source in row.sources
    ]
    return {**_kept(row, "fact"), "claim": row.claim, "note": row.note, "sources": sources}


def _article(row: Article, facts: list[str]) -> dict[str, Any]:
    names = ("title", "summary", "body", "left_out", "audience")
    said = {name: getattr(row, name) for name in names}
    return {**_kept(row, "article"), **said, "facts": facts, "published_at": frame.iso(row.published_at)}


def _find_article(slug: str) -> Article | None:
    found = find_article(slug)
    return None if found is None or found.status == "draft" else found


def _require_topic(slug: str) -> None:
    """Raise InvalidInput for a topic that there is not: an empty list would say that nothing is known of it."""
    if slug and find_topic(slug) is None:
        raise InvalidInput({"topic": _("There is no such topic.")})


@resource.route("/learn/articles", methods=["GET"])
@public
@resource.arguments(ArticleQuery, location="query")
@resource.response(200, ArticleList)
def articles(query: dict[str, Any]) -> ResponseReturnValue:
    """Articles, those that were withdrawn too: they say so."""
    _require_topic(query["topic"])
    page = page_articles(query.get("cursor"), limit=query["limit"], topic=query["topic"])
    facts = cited_by(row.id for row in page.rows)
    return frame.page_of(page, lambda row: _article(row, facts[row.id]))


@resource.route("/learn/articles/<slug>", methods=["GET"])
@public(load=_find_article)
@resource.response(200, ArticleOut)
def article(article: Article) -> ResponseReturnValue:
    """One article."""
    body = ArticleOut().dump(_article(article, cited_by([article.id])[article.id]))
    return frame.with_etag(body, article.version)


@resource.route("/learn/facts", methods=["GET"])
@public
@resource.arguments(FactQuery, location="query")
@resource.response(200, FactList)
def facts(query: dict[str, Any]) -> ResponseReturnValue:
    """Facts with their sources, those that were withdrawn too: they say so."""
    _require_topic(query["topic"])
    page = page_facts(query.get("cursor"), limit=query["limit"], topic=query["topic"], status=query["status"])
    return frame.page_of(page, _fact)


@resource.route("/learn/facts/<slug>", methods=["GET"])
@public(load=find_fact)
@resource.response(200, FactOut)
def fact(fact: Fact) -> ResponseReturnValue:
    """One fact."""
    return frame.with_etag(FactOut().dump(_fact(fact)), fact.version)
