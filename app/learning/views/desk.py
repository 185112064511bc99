"""The moderators' desk: what has to be looked at again, renewed in one step; withdrawing and restoring."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection
from typing import Any

from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from app.accounts.session import current_person
from app.core.clock import today
from app.core.db import transaction
from app.core.errors import InvalidInput, Refused
from app.core.forms import show_errors, show_reasons
from app.core.i18n import _
from app.core.text import line
from app.core.web import allow, settings
from app.learning import operations, queries, signposts
from app.learning.asked_queries import count_waiting
from app.learning.forms import RestoreForm, WithdrawForm
from app.learning.models import FRESH_FOR, KINDS, Article, Fact, Question
from app.learning.views.blueprint import learning
from app.learning.views.report import COUNTRY_NAMES
from app.learning.words import KIND_NAMES, KINDS_OF_THEM, STATUS_NAMES
from app.moderation.policy import can_moderate

# Looked at before a page has to say that nobody did within a year.
DUE_AFTER = dt.timedelta(days=300)
_FINDERS: dict[str, Any] = {
    "articles": (Article, queries.find_article),
    "facts": (Fact, queries.find_fact),
    "questions": (Question, queries.find_question),
}


def find_kept(kind: str, slug: str) -> Any:
    """An article, a fact or a question in any state; `kind` as it stands in addresses. None when there is none such."""
    return _FINDERS[kind][1](slug) if kind in _FINDERS else None


def name_of(row: Article | Fact | Question) -> str:
    """Its title, claim or question."""
    return row.title if isinstance(row, Article) else row.claim if isinstance(row, Fact) else row.question


def kind_of(row: Article | Fact | Question) -> str:
    """One of models.KINDS."""
    return type(row).__name__.lower()


def page_of(row: Article | Fact | Question) -> str:
    """The path of its public page."""
    return url_for(f"learning.{kind_of(row)}", slug=row.slug)


def checked_by() -> str:
    """How the public reads who checked, when a moderator does."""
    return _("Moderators of %(site)s", site=settings().platform_name)


@learning.get("/moderation/learning")
@allow(can_moderate)
def desk() -> ResponseReturnValue:
    """What was not looked at for long, what is contested, drafts, and services whose pages have to be looked at."""
    day = today("UTC")
    rows = signposts.list_signposts_checked(queries.find_signpost_checks())
    return render_template(
        "learning/desk.html",
        asked=count_waiting(),
        due=queries.list_due(day - DUE_AFTER),
        contested=queries.list_in_state("contested"),
        drafts=queries.list_in_state("draft"),
        withdrawn=queries.list_in_state("withdrawn"),
        stale_before=day - FRESH_FOR,
        services=sorted((row for row in rows if row.is_stale), key=lambda row: (row.checked_on, row.key)),
        fresh_services=[row for row in rows if not row.is_stale],
        country_names=COUNTRY_NAMES,
        headings=signposts.HEADINGS,
        kind_names=KIND_NAMES,
        status_names=STATUS_NAMES,
    )


@learning.get("/moderation/learning/all")
@allow(can_moderate)
def everything() -> ResponseReturnValue:
    """Every article, fact and question in any state: looked up by words, kind, state, and changed or renewed from here."""

    def chosen(name: str, known: Collection[str]) -> str:
        value = request.args.get(name, "")
        return value if value in known else ""

    asked = queries.Search(
        q=(line(request.args.get("q")) or "")[:200],
        kind=chosen("kind", KINDS),
        topic=(line(request.args.get("topic")) or "")[:80],
        status=chosen("status", STATUS_NAMES),
    )
    cursor = request.args.get("cursor")
    typed = asked.q
    asked, page = queries.search_mended(asked, cursor, drafts=True)
    return render_template(
        "learning/all.html",
        asked=asked,
        typed=typed,
        page=page,
        is_first=not cursor,
        topics=queries.list_topics(),
        stale_before=today("UTC") - FRESH_FOR,
        kind_names=KIND_NAMES,
        kinds_of_them=KINDS_OF_THEM,
        status_names=STATUS_NAMES,
    )


@learning.post("/moderation/learning/<kind>/<slug>/renew")
@allow(can_moderate, load=find_kept)
def renew(row: Any) -> ResponseReturnValue:
    """I looked at every source today, and it still holds."""
    version = version_in(request.form.get("version", ""))
    with transaction():
        operations.renew(type(row), row.id, by=current_person(), checked_by=checked_by(), version=version)
    flash(_("Its sources count as checked today."), "done")
    return redirect(url_for("learning.desk"), code=303)


@learning.route("/moderation/learning/<kind>/<slug>/withdraw", methods=["GET", "POST"])
@allow(can_moderate, load=find_kept)
def withdraw(row: Any) -> ResponseReturnValue:
    """Say that something does not hold any more: first why, then, with what will happen in sight, for certain."""
    form, sure = WithdrawForm(version=str(row.version)), False
    if form.validate_on_submit():
        sure = request.form.get("act") == "withdraw"
        try:
            with transaction():
                operations.withdraw(
                    type(row),
                    row.id,
                    by=current_person(),
                    because=form.reason.data or "",
                    replaced_by=form.replaced_by.data or "",
                    version=version_of(form),
                )
                if not sure:
                    raise OnlyLooked
        except OnlyLooked:
            sure = True
        except InvalidInput as invalid:
            show_errors(form, invalid)
            sure = False
        except Refused as refused:
            show_reasons(form, refused)
            sure = False
        else:
            flash(_("Withdrawn. Every page that shows it says so from now on."), "done")
            return redirect(page_of(row), code=303)
    citing = queries.list_citing(row.id) if isinstance(row, Fact) else []
    page = render_template(
        "learning/withdraw.html", row=row, name=name_of(row), kind=kind_of(row), page_url=page_of(row), form=form,
        citing=citing, sure=sure, kind_names=KIND_NAMES,
    )  # fmt: skip
    return page, 422 if form.errors else 200


class OnlyLooked(Exception):
    """Ends a transaction that was only made to look at; `preview` is what it would look like, where that is shown."""

    def __init__(self, preview: Any = None) -> None:
        self.preview = preview
        super().__init__()


def version_of(form: Any) -> int:
    """The version that was looked at, as the form of a page carried it along."""
    return version_in(form.version.data or "")


def version_in(text: str) -> int:
    """The version that a page carried along; 0, which none has, when it is no number."""
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 10 else 0


@learning.route("/moderation/learning/<kind>/<slug>/restore", methods=["GET", "POST"])
@allow(can_moderate, load=find_kept)
def restore(row: Any) -> ResponseReturnValue:
    """It holds after all."""
    form = RestoreForm()
    if form.validate_on_submit():
        try:
            with transaction():
                operations.restore(type(row), row.id, by=current_person(), reason=form.reason.data or "")
        except Refused as refused:
            show_reasons(form, refused)
        except InvalidInput as invalid:
            show_errors(form, invalid)
        else:
            flash(_("It stands again as it stood before."), "done")
            return redirect(page_of(row), code=303)
    page = render_template(
        "learning/restore.html", row=row, name=name_of(row), kind=kind_of(row), page_url=page_of(row), form=form
    )
    return page, 422 if form.errors else 200


@learning.post("/moderation/learning/signposts/<key>/checked")
@allow(can_moderate, load=signposts.find_signpost)
def check_signpost(signpost: signposts.Signpost) -> ResponseReturnValue:
    """I looked at the service's own page today."""
    with transaction():
        operations.record_signpost_check(signpost.key, by=current_person())
    flash(_("%(name)s counts as checked today.", name=signpost.name), "done")
    return redirect(url_for("learning.desk", _anchor="services"), code=303)
