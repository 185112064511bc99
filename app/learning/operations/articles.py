"""Articles."""

from __future__ import annotations

from app.accounts.models import Person
from app.core.clock import now
from app.core.db import db
from app.core.errors import InvalidInput
from app.learning.models import Article
from app.learning.operations.inputs import ArticleInput
from app.learning.operations.shared import (
    cite,
    common_errors,
    find_topic_id,
    keep_revision,
    lock_subject,
    require_in_sight,
    require_open,
    require_reason,
)


def add_article(values: ArticleInput, *, by: Person | None, reason: str = "") -> Article:
    """A new article. `by` None: it came with the application. Raises InvalidInput, at "body" when it refers to a fact that
    is not there."""
    values = values.tidied()
    _require_sound(values, new=True)
    article = Article(slug=values.slug)
    _fill(article, values)
    db.session.add(article)
    cite(article, (article.body, article.left_out), "body")
    keep_revision(article, by=by, reason=reason, action="added")
    return article


def edit_article(
    article_id: int, values: ArticleInput, *, by: Person | None, reason: str = "", version: int | None = None
) -> Article:
    """Change what an article says; its slug stays. Raises InvalidInput as `add_article`, at "reason" without one, at
    "status" when it would be a draft again; Refused (`not_found`, `changed`, `withdrawn`)."""
    values = values.tidied()
    article = lock_subject(Article, article_id, version=version)
    require_open(article)
    require_in_sight(article, values.status)
    kept = require_reason(reason, by=by)
    _require_sound(values, new=False)
    _fill(article, values)
    cite(article, (article.body, article.left_out), "body")
    keep_revision(article, by=by, reason=kept, action="edited")
    return article


def _require_sound(values: ArticleInput, *, new: bool) -> None:
    if errors := common_errors(Article, values.slug, values.topic, new=new) | values.errors():
        raise InvalidInput(errors)


def _fill(article: Article, values: ArticleInput) -> None:
    topic_id = find_topic_id(values.topic)
    if topic_id is None:
        raise ValueError("the topic was asked for before")
    article.topic_id, article.status, article.sensitive = topic_id, values.status, values.sensitive
    article.title, article.summary, article.audience = values.title, values.summary, values.audience
    article.body, article.left_out = values.body, values.left_out
    article.checked_on, article.checked_by = values.checked_on, values.checked_by
    article.updated_at = now()
    if values.status == "published" and article.published_at is None:
        article.published_at = article.updated_at
