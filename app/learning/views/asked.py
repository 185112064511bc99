"""Checking a claim: the steps, asking about one, what was answered; and the queue of moderators."""

from __future__ import annotations

import re

from flask import Blueprint, abort, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import format_timedelta, get_locale
from flask_wtf import FlaskForm

from app.accounts import throttles
from app.accounts.session import current_person, find_current_person
from app.core.cache import anonymous_page
from app.core.clock import today
from app.core.db import transaction
from app.core.errors import InvalidInput, Refused, refuse
from app.core.forms import choices, show_errors, show_reasons
from app.core.i18n import _
from app.core.ids import decode_id, encode_id
from app.core.limits import network
from app.core.search import fold
from app.core.web import ProvenBlueprint, allow, public
from app.learning import asked_queries, queries
from app.learning.asked_forms import AnswerForm, AskForm, DeclineForm, LinkForm, MergeClaimForm
from app.learning.asked_models import AskedClaim
from app.learning.asking import DECLINED
from app.learning.operations import QuestionInput
from app.learning.operations import asked as operations
from app.learning.views.desk import checked_by
from app.moderation.policy import can_moderate

asked = Blueprint("asked", __name__)
by_link = ProvenBlueprint("asked_by_link", __name__)
desk = Blueprint("asked_desk", __name__, url_prefix="/moderation/learning/claims")
BLUEPRINTS = (asked, by_link, desk)


# --- everybody ------------------------------------------------------------------------------------------------------


@asked.get("/learn/check")
@public
def check() -> ResponseReturnValue:
    """How to check a claim, and what others asked about, answered."""

    def page() -> str:
        cursor = request.args.get("cursor")
        found = asked_queries.list_answered(cursor)
        following = url_for("asked.check", cursor=found.next_cursor) + "#answered" if found.next_cursor else None
        return render_template("learning/check.html", answered=found.rows, next_url=following, is_first=not cursor)

    return anonymous_page(page, proxies=False)


@asked.route("/learn/check/ask", methods=["GET", "POST"])
@public
def ask() -> ResponseReturnValue:
    """Ask about a claim, in words."""
    form, person = AskForm(), find_current_person()
    status = 422
    if form.validate_on_submit():
        try:
            _refuse_throttled(form.email.data or "" if person is None else "")
            with transaction():
                operations.ask_claim(
                    form.text.data or "",
                    by=person,
                    seen_where=form.seen_where.data or "",
                    tell=form.tell.data,
                    email=form.email.data or "",
                    locale=str(get_locale()),
                )
        except InvalidInput as invalid:
            show_errors(form, invalid)
        except Refused as refused:
            show_reasons(form, refused)
            status = 409
        else:
            waits = "mail" if person is None and form.email.data else None
            return redirect(url_for("asked.thanks", wait=waits), code=303)
    page = render_template("learning/ask.html", form=form, may_tell=person is not None and person.is_email_verified)
    return page, status if form.errors else 200


@asked.get("/learn/check/asked")
@public
def thanks() -> ResponseReturnValue:
    """It was asked: what happens now."""
    return render_template("learning/asked.html", by_mail=request.args.get("wait") == "mail")


def _refuse_throttled(email: str) -> None:
    """Raise Refused when this network asked too often, or this address was written to too often."""
    with transaction():
        waits = [throttles.count("asked_claim.network", network())]
        if email:
            waits.append(throttles.count("asked_claim.email", email))
    wait = max((wait for wait in waits if wait is not None), default=None)
    if wait is not None:
        raise refuse("too_often", _("That was too often. Try again in %(time)s.", time=format_timedelta(wait)))


@by_link.route("/learn/check/tell/<asked_token>", methods=["GET", "POST"])
@public(load=lambda asked_token: operations.find_asked_by_token(asked_token))
def tell(claim: AskedClaim) -> ResponseReturnValue:
    """The link in the mail: one button, because mail scanners follow links but do not press buttons."""
    if request.method == "POST":
        with transaction():
            operations.confirm_asked_email(claim.id)
    return render_template("learning/tell.html", confirmed=claim.email_confirmed_at is not None)


# --- moderators -----------------------------------------------------------------------------------------------------


@desk.get("")
@allow(can_moderate)
def index() -> ResponseReturnValue:
    """Claims that wait, the longest waiting first, and what was decided last."""
    return render_template(
        "learning/claims.html",
        waiting=asked_queries.list_waiting(),
        decided=asked_queries.list_decided(),
        declined=DECLINED,
    )


@desk.get("/<id:asked_id>")
@allow(can_moderate, load=asked_queries.find_asked)
def show(claim: AskedClaim) -> ResponseReturnValue:
    """One claim, and everything that can be done with it."""
    return _show(claim)


def _show(claim: AskedClaim, wrong: FlaskForm | None = None) -> ResponseReturnValue:
    forms = {type(form): form for form in (LinkForm(None), _decline_form(None), _merge_form(claim, None))}
    if wrong is not None:
        forms[type(wrong)] = wrong
    page = render_template(
        "learning/claim.html",
        claim=claim,
        declined=DECLINED,
        form=wrong,
        link_form=forms[LinkForm],
        decline_form=forms[DeclineForm],
        merge_form=forms[MergeClaimForm],
        likely=asked_queries.list_likely(claim) if claim.status in ("open", "taken") else [],
    )
    return page, 200 if wrong is None else 422


def _decline_form(data: object) -> DeclineForm:
    form = DeclineForm(data)
    form.code.choices = choices(DECLINED.items())
    return form


def _merge_form(claim: AskedClaim, data: object) -> MergeClaimForm:
    form = MergeClaimForm(data)
    form.into.choices = choices((encode_id(other.id), other.text) for other in asked_queries.list_alike(claim))
    return form


@desk.post("/<id:asked_id>/take")
@allow(can_moderate, load=asked_queries.find_asked)
def take(claim: AskedClaim) -> ResponseReturnValue:
    """I work on it."""
    with transaction():
        operations.take_claim(claim.id, by=current_person())
    return redirect(url_for("asked_desk.show", asked_id=claim.id), code=303)


@desk.post("/<id:asked_id>/release")
@allow(can_moderate, load=asked_queries.find_asked)
def release(claim: AskedClaim) -> ResponseReturnValue:
    """Nobody works on it."""
    with transaction():
        operations.release_claim(claim.id, by=current_person())
    return redirect(url_for("asked_desk.show", asked_id=claim.id), code=303)


@desk.post("/<id:asked_id>/link")
@allow(can_moderate, load=asked_queries.find_asked)
def link(claim: AskedClaim) -> ResponseReturnValue:
    """A question answers it already."""
    form = LinkForm()
    if form.validate_on_submit():
        try:
            with transaction():
                operations.answer_with(claim.id, form.question.data or "", by=current_person())
        except InvalidInput as invalid:
            show_errors(form, invalid)
        else:
            return _done(_("Answered. Whoever asked is told."))
    return _show(claim, form)


@desk.post("/<id:asked_id>/decline")
@allow(can_moderate, load=asked_queries.find_asked)
def decline(claim: AskedClaim) -> ResponseReturnValue:
    """It is not answered."""
    form = _decline_form(request.form)
    if form.validate_on_submit():
        try:
            with transaction():
                operations.decline_claim(claim.id, form.code.data, by=current_person(), note=form.note.data or "")
        except InvalidInput as invalid:
            show_errors(form, invalid)
        else:
            return _done(_("Declined. Whoever asked is told."))
    return _show(claim, form)


@desk.post("/<id:asked_id>/merge")
@allow(can_moderate, load=asked_queries.find_asked)
def merge(claim: AskedClaim) -> ResponseReturnValue:
    """It asks what another one asks."""
    form = _merge_form(claim, request.form)
    if form.validate_on_submit():
        try:
            with transaction():
                operations.merge_claim(claim.id, decode_id(form.into.data) or 0, by=current_person())
        except InvalidInput as invalid:
            show_errors(form, invalid)
        else:
            return _done(_("They are one now."))
    return _show(claim, form)


@desk.route("/<id:asked_id>/answer", methods=["GET", "POST"])
@allow(can_moderate, load=asked_queries.find_asked)
def answer(claim: AskedClaim) -> ResponseReturnValue:
    """Answer it publicly, by a new question that rests on facts."""
    if claim.status not in ("open", "taken"):
        abort(404)
    form = AnswerForm(checked_by=checked_by())
    form.topic.choices = choices((topic.slug, topic.title) for topic in queries.list_topics())
    if form.validate_on_submit():
        question = form.question.data or ""
        values = QuestionInput(
            slug=form.slug.data or _slug_of(question),
            topic=form.topic.data,
            question=question,
            answer=form.answer.data or "",
            checked_on=today("UTC"),
            checked_by=form.checked_by.data or "",
            sensitive=form.sensitive.data,
        )
        try:
            with transaction():
                operations.answer_newly(claim.id, values, by=current_person())
        except InvalidInput as invalid:
            show_errors(form, invalid)
        else:
            return _done(_("Answered. Whoever asked is told."))
    page = render_template("learning/answer.html", claim=claim, form=form, likely=asked_queries.list_likely(claim))
    return page, 422 if form.errors else 200


def _slug_of(question: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", fold(question))[:80].strip("-")


def _done(text: str) -> ResponseReturnValue:
    flash(text, "done")
    return redirect(url_for("asked_desk.index"), code=303)
