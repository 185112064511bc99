"""Writing and changing articles, facts and questions: every field on one page, sources as rows, and how it will look."""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Callable
from typing import Any, cast

from flask import flash, redirect, render_template, request
from flask.typing import ResponseReturnValue

from app.accounts.session import current_person
from app.core.clock import today
from app.core.db import transaction
from app.core.errors import InvalidInput, Refused
from app.core.forms import choices, show_reasons
from app.core.i18n import _
from app.core.web import allow
from app.learning import operations, queries
from app.learning.forms import ArticleForm, FactForm, KeptForm, QuestionForm
from app.learning.marks import cited_slugs
from app.learning.models import Article, Fact, FactSource, Question
from app.learning.operations.inputs import MOST_SOURCES, ArticleInput, FactInput, QuestionInput, SourceInput, values_of
from app.learning.rendering import Body, render
from app.learning.views.blueprint import learning
from app.learning.views.desk import OnlyLooked, checked_by, name_of, page_of, version_of
from app.moderation.policy import can_moderate

_EDIT: dict[type, Callable[..., Any]] = {
    Article: operations.edit_article,
    Fact: operations.edit_fact,
    Question: operations.edit_question,
}
_ADD: dict[type, Callable[..., Any]] = {
    Article: operations.add_article,
    Fact: operations.add_fact,
    Question: operations.add_question,
}


@learning.route("/moderation/learning/articles/new", methods=["GET", "POST"])
@allow(can_moderate)
def new_article() -> ResponseReturnValue:
    """Write an article."""
    return _editor(Article, None, ArticleForm(**_fresh()), _article_of)


@learning.route("/moderation/learning/articles/<slug>", methods=["GET", "POST"])
@allow(can_moderate, load=queries.find_article)
def edit_article(article: Article) -> ResponseReturnValue:
    """Change an article."""
    return _editor(Article, article, ArticleForm(**_saved(article)), _article_of)


@learning.route("/moderation/learning/questions/new", methods=["GET", "POST"])
@allow(can_moderate)
def new_question() -> ResponseReturnValue:
    """Write a question with its answer."""
    return _editor(Question, None, QuestionForm(**_fresh()), _question_of)


@learning.route("/moderation/learning/questions/<slug>", methods=["GET", "POST"])
@allow(can_moderate, load=queries.find_question)
def edit_question(question: Question) -> ResponseReturnValue:
    """Change a question or its answer."""
    return _editor(Question, question, QuestionForm(**_saved(question)), _question_of)


@learning.route("/moderation/learning/facts/new", methods=["GET", "POST"])
@allow(can_moderate)
def new_fact() -> ResponseReturnValue:
    """Write a fact with its sources."""
    return _editor(Fact, None, FactForm(**_fresh()), _fact_of)


@learning.route("/moderation/learning/facts/<slug>", methods=["GET", "POST"])
@allow(can_moderate, load=queries.find_fact)
def edit_fact(fact: Fact) -> ResponseReturnValue:
    """Change a fact or its sources."""
    return _editor(Fact, fact, FactForm(**_saved(fact)), _fact_of)


# --- from fields to what an operation takes, and back ---------------------------------------------------------------


def _fresh() -> dict[str, Any]:
    return {"checked_on": today("UTC"), "checked_by": checked_by(), "version": ""}


def _saved(row: Article | Fact | Question) -> dict[str, Any]:
    values = values_of(row)
    found = {field.name: getattr(values, field.name) for field in dataclasses.fields(values)}
    if isinstance(values, FactInput):
        found["sources"] = [
            dataclasses.asdict(source) | {"year": "" if source.year is None else str(source.year)}
            for source in values.sources
        ]
    return {**found, "version": str(row.version)}


def _common(form: KeptForm, slug: str) -> dict[str, Any]:
    return {
        "slug": slug,
        "topic": form.topic.data or "",
        "sensitive": bool(form.sensitive.data),
        "checked_on": form.checked_on.data,
        "checked_by": form.checked_by.data or "",
    }


def _article_of(form: Any, slug: str) -> ArticleInput:
    texts: dict[str, Any] = {
        name: form[name].data or "" for name in ("title", "summary", "body", "left_out", "audience", "status")
    }
    return ArticleInput(**_common(form, slug), **texts)


def _question_of(form: Any, slug: str) -> QuestionInput:
    texts: dict[str, Any] = {name: form[name].data or "" for name in ("question", "answer", "status")}
    return QuestionInput(**_common(form, slug), **texts)


def _fact_of(form: Any, slug: str) -> FactInput:
    texts: dict[str, Any] = {name: form[name].data or "" for name in ("claim", "note", "status")}
    return FactInput(**_common(form, slug), **texts, sources=tuple(_sources_of(form)))


def _filled(form: FactForm) -> list[Any]:
    """The rows of sources in which something was typed: what an operation says of source n is about the n-th of them."""
    return [entry.form for entry in form.sources if not entry.form.is_blank]


def _sources_of(form: FactForm) -> list[SourceInput]:
    """Raises InvalidInput for a year that is no number."""
    found, day = [], cast("dt.date", form.checked_on.data)  # the form asks for it
    for number, row in enumerate(_filled(form)):
        year = row.year.data or ""
        if year and not (year.isascii() and year.isdecimal() and len(year) == 4):
            raise InvalidInput({f"sources-{number}-year": _("Enter the year in which it was published")})
        found.append(
            SourceInput(
                publisher=row.publisher.data or "",
                title=row.title.data or "",
                url=row.url.data or "",
                checked_on=row.checked_on.data or day,
                year=int(year) if year else None,
                page=row.page.data or "",
                primary=bool(row.primary.data),
            )
        )
    return found


def _show(form: Any, invalid: InvalidInput) -> None:
    """Put messages at their fields, those about sources at their rows."""
    for name, message in invalid.errors.items():
        field: Any = None
        kind, _dash, rest = name.partition("-")
        if kind == "sources" and rest:
            number, _dash, part = rest.partition("-")
            field = _filled(form)[int(number)][part]
        elif name == "sources":
            field = form.sources.entries[0].form.publisher
        elif name in form:
            field = form[name]
        else:
            field = next(iter(form))
        field.errors = [*field.errors, message]
        if kind == "sources":
            form.sources.errors = [*form.sources.errors, message]


# --- the page -------------------------------------------------------------------------------------------------------


def _editor(model: type[Any], row: Any, form: Any, values_from: Callable[[Any, str], Any]) -> ResponseReturnValue:
    form.topic.choices = choices((topic.slug, topic.title) for topic in queries.list_topics())
    if row is not None:
        form.slug.data = row.slug
    act = request.form.get("act", "") if request.method == "POST" else ""
    changed_rows = request.method == "POST" and _change_rows(form)
    preview: Any = None
    if request.method == "POST" and not changed_rows and form.validate():
        try:
            values = values_from(form, row.slug if row is not None else form.slug.data or "").tidied()
            with transaction():
                if row is None:
                    saved = _ADD[model](values, by=current_person(), reason=form.reason.data or "")
                else:
                    saved = _EDIT[model](
                        row.id, values, by=current_person(), reason=form.reason.data or "", version=version_of(form)
                    )
                if act == "preview":
                    raise OnlyLooked(_preview(values))
        except OnlyLooked as looked:
            preview = looked.preview
        except InvalidInput as invalid:
            _show(form, invalid)
        except Refused as refused:
            show_reasons(form, refused)
        else:
            flash(_("Saved as version %(number)s.", number=saved.version), "done")
            return redirect(page_of(saved), code=303)
    kind = model.__name__.lower()
    page = render_template(
        f"learning/edit_{kind}.html", row=row, form=form, kind=kind, preview=preview, most_sources=MOST_SOURCES,
        name=name_of(row) if row is not None else "", page_url=page_of(row) if row is not None else "",
    )  # fmt: skip
    return page, 422 if form.errors and not changed_rows else 200


def _preview(values: ArticleInput | FactInput | QuestionInput) -> Body | Fact:
    """How it will look. A fact is made and never added to anything."""
    if isinstance(values, FactInput):
        sources = [FactSource(position=at, **dataclasses.asdict(source)) for at, source in enumerate(values.sources, 1)]
        return Fact(
            slug=values.slug, claim=values.claim, note=values.note, status=values.status, checked_on=values.checked_on,
            checked_by=values.checked_by, sources=sources,
        )  # fmt: skip
    text, left_out = (values.body, values.left_out) if isinstance(values, ArticleInput) else (values.answer, "")
    return render(text, queries.find_facts(cited_slugs(text, left_out)), left_out)


def _change_rows(form: Any) -> bool:
    """Add a row for a source, or take one away, as a button of the page asks; whether it did."""
    act, _sign, which = request.form.get("row", "").partition(":")
    if not isinstance(form, FactForm) or act not in ("add", "remove"):
        return False
    if act == "add" and len(form.sources.entries) < MOST_SOURCES:
        form.sources.append_entry({"checked_on": form.checked_on.data})
    elif act == "remove" and which.isascii() and which.isdecimal() and int(which[:3]) < len(form.sources.entries):
        kept = [entry.form.data for at, entry in enumerate(form.sources.entries) if at != int(which[:3])]
        while form.sources.entries:
            form.sources.pop_entry()
        for values in kept:
            form.sources.append_entry(values)
    return True
