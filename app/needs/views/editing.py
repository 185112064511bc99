"""What the one page that grows does besides saving: show how it will look, say what would be wrong, and lead on to another
page with nothing lost on the way."""

from __future__ import annotations

from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from app.accounts.session import current_person
from app.accounts.skills import skills_by_category
from app.core.db import transaction
from app.core.i18n import _, ngettext
from app.core.ids import decode_id
from app.needs import drafts, editor, locations, operations
from app.needs.forms import NeedForm
from app.needs.glimpse import glimpse
from app.needs.models import Need
from app.needs.readiness import readiness
from app.needs.typical import TYPICAL
from app.needs.views.detail import render_need
from app.organizations.models import Organization
from app.organizations.queries import list_locations
from app.signups.waitlist import edit_shift_moving_latest

# Not typed by anybody, so not carried from page to page.
UNTYPED = ("csrf_token", "told", "back", "look", "act", "row")


class _Undone(Exception):
    """Ends a transaction that was only made to look at."""


def typed_pairs(*, without: tuple[str, ...] = UNTYPED) -> list[tuple[str, str]]:
    """Everything that was sent, for a page that carries it along."""
    return [pair for pair in request.form.items(multi=True) if pair[0] not in without]


def look(form: NeedForm, organization: Organization, need: Need | None) -> ResponseReturnValue:
    """The page with every message that saving would bring, and nothing saved."""
    if form.validate():
        try:
            with transaction():
                editor.save(form, organization.id, need, by=current_person(), moving_latest=edit_shift_moving_latest)
                raise _Undone
        except (_Undone, editor.Unsaved):
            pass
    return editor_page(form, organization, need)


def preview_unsaved(form: NeedForm, organization: Organization, need: Need) -> ResponseReturnValue:
    """The page of a need that people see already, as it would be; saved is nothing of it, and all of it comes back."""
    page = ""
    try:
        with transaction():
            editor.save(form, organization.id, need, by=current_person(), moving_latest=edit_shift_moving_latest)
            page = render_need(need.id, typed=typed_pairs())
            raise _Undone
    except editor.Unsaved:
        return editor_page(form, organization, need)
    except _Undone:
        return page


def go_on(saved: Need) -> ResponseReturnValue:
    """After saving: to the page that the button named, or to the need's own."""
    slug = saved.organization.slug
    act, _sign, which = request.form.get("act", "").partition(":")
    key = decode_id(which)
    if act == "preview":
        return redirect(url_for("needs.show", need_id=saved.id), code=303)
    is_draft = saved.status == "draft"
    flash(_("Saved. Nobody sees it before you publish.") if is_draft else _("Saved."), "done")
    if act == "cancel-shift" and key is not None:
        return redirect(url_for("needs.cancel_shift", slug=slug, shift_id=key), code=303)
    if act == "remove-item" and key is not None:
        return redirect(url_for("needs.remove_item", slug=slug, item_id=key), code=303)
    if is_draft and (left := operations.unfinished_rows(saved)):
        flash(
            ngettext(
                "%(num)s shift or item is not complete. It is kept as you typed it.",
                "%(num)s shifts or items are not complete. They are kept as you typed them.",
                left,
            ),
            "done",
        )
    return redirect(url_for("needs.manage", slug=slug, need_id=saved.id), code=303)


def editor_page(form: NeedForm, organization: Organization, need: Need | None) -> ResponseReturnValue:
    """The editor with what is typed; after an attempt to publish, with what is missing at each field."""
    is_missing = need is not None and request.method == "GET" and "missing" in request.args
    if need is not None and is_missing:
        drafts.say_missing(form, operations.reasons_not_to_publish(need))
        editor.gather_errors(form)
    page = render_template(
        "needs/edit.html",
        organization=organization,
        need=need,
        form=form,
        categories=skills_by_category(),
        is_missing=is_missing,
        is_untitled=need is not None and operations.is_untitled(need),
        parts=readiness(form),
        seen=glimpse(form, organization, need),
        hidden=editor.count_hidden(need) if need is not None else 0,
        typical=TYPICAL if need is None and request.method == "GET" else (),
    )
    was_asked = is_missing or "look" in request.form
    return page, 422 if form.errors and not was_asked else 200


def prepare(form: NeedForm, organization: Organization, *, is_new: bool) -> None:
    """Offer the organization's locations; a new need begins at the only one, else where the organization is."""
    places = list_locations(organization.id)
    if is_new and request.method == "GET":
        if len(places) == 1:
            locations.fill_in(form, places[0])
        else:
            form.place.data = organization.place
    locations.offer(form, places)
