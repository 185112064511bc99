"""Pages of an organization's staff about its needs: the list, the one page that grows, one need with who comes."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence

from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from app.accounts.models import Person
from app.accounts.session import current_person
from app.core.db import transaction
from app.core.errors import Reason, Refused
from app.core.forms import choices, show_reasons
from app.core.i18n import _
from app.core.ids import decode_id, encode_id
from app.core.web import allow, flash_undo
from app.needs import editor, operations, policy, queries, standing
from app.needs.filled import list_filled
from app.needs.forms import CloseForm, ConfirmForm, CoordinatorForm, NeedForm
from app.needs.models import NEED_STATUSES, Item, Need, Shift
from app.needs.typical import fill_typical, find_typical
from app.needs.views import consequences, editing
from app.needs.views.blueprint import needs
from app.organizations.models import Membership, Organization
from app.organizations.policy import can_manage_listings, can_see_staff_pages, rights_of
from app.organizations.queries import find_organization, list_decider_names
from app.pledges.queries import list_deliveries, list_received
from app.pledges.queries import list_helpers as list_item_helpers
from app.signups.queries import list_helpers as list_time_helpers
from app.signups.queries import list_roster, list_rosters
from app.signups.waitlist import edit_shift_moving_latest


@needs.get("/manage/<slug>/needs")
@allow(can_see_staff_pages, load=find_organization)
def manage_index(organization: Organization) -> ResponseReturnValue:
    """Every need of the organization, by status."""
    status = request.args.get("status")
    status = status if status in NEED_STATUSES else None
    seen, rights = policy.seen_by_staff(current_person(), organization.id), rights_of(current_person(), organization)
    page = queries.list_needs_of(organization.id, seen, status, request.args.get("cursor"))
    return render_template(
        "needs/manage_index.html",
        organization=organization,
        page=page,
        status=status,
        counts=queries.count_by_status(organization.id, seen),
        filled=list_filled(Need.id.in_([need.id for need in page.rows])),
        may_edit=rights.manage_listings,
        asks=None if rights.all_needs else list_decider_names(organization.id),
    )


# --- the one page that grows ----------------------------------------------------------------------------------------


@needs.route("/manage/<slug>/needs/new", methods=["GET", "POST"])
@allow(can_manage_listings, load=find_organization)
def new(organization: Organization) -> ResponseReturnValue:
    """A new need. Nobody sees it before it is published."""
    typical = find_typical(request.args.get("like", "")) if request.method == "GET" else None
    form = NeedForm(data=fill_typical(typical)) if typical else NeedForm()
    if request.method == "GET" and typical is None:
        form.grow("shift")
        form.grow("item")
    return _edit(form, organization, None)


def _find_need(slug: str, need_id: int) -> Need | None:
    return queries.find_need_of(slug, need_id)


@needs.route("/manage/<slug>/needs/<id:need_id>/edit", methods=["GET", "POST"])
@allow(policy.can_edit_need, load=_find_need)
def edit(need: Need) -> ResponseReturnValue:
    """Change a need."""
    form = NeedForm(data=editor.fill(need)) if request.method == "GET" else NeedForm()
    return _edit(form, need.organization, need)


def _edit(form: NeedForm, organization: Organization, need: Need | None) -> ResponseReturnValue:
    """Show, grow, look, save or publish. A row's button sends the whole form, so that everything typed comes back."""
    editing.prepare(form, organization, is_new=need is None)
    if request.method == "POST" and "row" in request.form:
        act, _sign, which = request.form["row"].partition(":")
        kind, _sign, number = which.partition(":")
        if act == "add":
            form.grow(kind)
        elif number.isdecimal() and len(number) < 4:
            form.shrink(kind, int(number))
        return editing.editor_page(form, organization, need)
    if request.form.get("back"):
        return editing.editor_page(form, organization, need)
    if request.form.get("look"):
        return editing.look(form, organization, need)
    if form.validate_on_submit():
        if request.form.get("act") == "preview" and need is not None and need.status != "draft":
            return editing.preview_unsaved(form, organization, need)
        before = None
        try:
            with transaction():
                if need is not None and need.status != "draft":
                    before = consequences.observe(need.id)
                saved = editor.save(
                    form, organization.id, need, by=current_person(), moving_latest=edit_shift_moving_latest
                )
                if before is not None:
                    consequences.require_told(before, saved, request.form.get("told", ""))
        except editor.Unsaved:
            return editing.editor_page(form, organization, need)
        except consequences.Untold as untold:
            return _consequences_page(untold, organization, need)
        if request.form.get("act") == "publish":
            return _publish(saved)
        return editing.go_on(saved)
    return editing.editor_page(form, organization, need)


def _consequences_page(
    untold: consequences.Untold, organization: Organization, need: Need | None
) -> ResponseReturnValue:
    """The step between: what was typed is carried along, and saved only by who has read whom it concerns."""
    typed = editing.typed_pairs(without=("csrf_token", "told", "back"))
    return render_template(
        "needs/consequences.html",
        organization=organization,
        need=need,
        found=untold.found,
        people=untold.people,
        told=untold.digest,
        typed=typed,
    )


def _publish(need: Need) -> ResponseReturnValue:
    try:
        with transaction():
            operations.publish_need(need.id, by=current_person())
    except Refused:
        # What was typed is saved; what is missing is said on the page of the need, each with its remedy.
        target = url_for("needs.edit", slug=need.organization.slug, need_id=need.id, missing="1")
        return redirect(target, code=303)
    flash(_("It is open: people see it now."), "done")
    return redirect(url_for("needs.manage", slug=need.organization.slug, need_id=need.id), code=303)


# --- one need -------------------------------------------------------------------------------------------------------


@needs.get("/manage/<slug>/needs/<id:need_id>")
@allow(policy.can_see_staff_page, load=_find_need)
def manage(need: Need) -> ResponseReturnValue:
    """Who comes, what is on its way, and what can be done with the need now."""
    return _manage_page(need)


def _manage_page(need: Need, form: CoordinatorForm | None = None) -> str:
    rights = rights_of(current_person(), need.organization)
    shifts, items = queries.list_shifts(need.id), queries.list_items(need.id)
    working, assignable = queries.list_coordinators(need)
    form = _coordinator_form(assignable, form or CoordinatorForm(formdata=None))
    ahead = [shift for shift in shifts if shift.status == "scheduled" and not shift.is_over]
    return render_template(
        "needs/manage.html",
        organization=need.organization,
        need=need,
        status="filled" if need.status == "open" and standing.is_filled(ahead, items) else need.status,
        shifts=shifts,
        ahead=ahead,
        behind=[shift for shift in reversed(shifts) if shift not in ahead],
        rosters=list_rosters([shift.id for shift in shifts]),
        may_undo=operations.can_undo_close(need),
        items=items,
        deliveries=list_deliveries(need.id),
        received=list_received(need.id),
        missing=operations.reasons_not_to_publish(need) if need.status in ("draft", "paused") else [],
        may_edit=rights.manage_listings,
        may_receive=rights.receive,
        coordinators=working,
        assignable=assignable if rights.manage_listings else [],
        form=form,
    )


def _coordinator_form(assignable: Sequence[Membership], form: CoordinatorForm) -> CoordinatorForm:
    form.person.choices = choices(
        [("", _("Choose")), *((encode_id(one.person_id), one.person.name) for one in assignable)]
    )
    return form


def _find_coordinator(slug: str, need_id: int, person_id: int) -> tuple[Need, int] | None:
    need = _find_need(slug, need_id)
    return None if need is None else (need, person_id)


@needs.post("/manage/<slug>/needs/<id:need_id>/coordinators")
@allow(policy.can_edit_need, load=_find_need)
def add_coordinator(need: Need) -> ResponseReturnValue:
    """Somebody who coordinates assigned needs coordinates this one, too."""
    # Who has it by now may be chosen again: twice is once.
    working, assignable = queries.list_coordinators(need)
    form = _coordinator_form([*assignable, *(one for one in working if not one.all_needs)], CoordinatorForm())
    if form.validate_on_submit():
        person_id = decode_id(form.person.data) or 0
        try:
            with transaction():
                operations.assign_need(need.id, person_id, by=current_person())
        except Refused as refused:
            show_reasons(form, refused)
        else:
            flash(_("They coordinate this need now, and are told by email."), "done")
            return redirect(url_for("needs.manage", slug=need.organization.slug, need_id=need.id), code=303)
    return _manage_page(need, form), 422


@needs.post("/manage/<slug>/needs/<id:need_id>/coordinators/<id:person_id>/remove")
@allow(lambda person, found: policy.can_edit_need(person, found[0]), load=_find_coordinator)
def remove_coordinator(found: tuple[Need, int]) -> ResponseReturnValue:
    """They do not coordinate it any more."""
    need, person_id = found
    return _act(
        need,
        functools.partial(operations.take_need, person_id=person_id),
        _("They do not coordinate this need any more."),
    )


def _act(need: Need, act: Callable[..., object], done: str) -> ResponseReturnValue:
    try:
        with transaction():
            act(need.id, by=current_person())
    except Refused as refused:
        return render_template("errors/refused.html", reasons=refused.reasons), 409
    flash(done, "done")
    return redirect(url_for("needs.manage", slug=need.organization.slug, need_id=need.id), code=303)


@needs.post("/manage/<slug>/needs/<id:need_id>/duplicate")
@allow(policy.can_edit_need, load=_find_need)
def duplicate(need: Need) -> ResponseReturnValue:
    """The same again, as a draft to look over."""
    with transaction():
        copy = operations.duplicate_need(need.id, by=current_person())
        copy_id, slug = copy.id, need.organization.slug
    flash(_("This is the copy, a draft: look over its days before you publish it."), "done")
    return redirect(url_for("needs.edit", slug=slug, need_id=copy_id), code=303)


@needs.post("/manage/<slug>/needs/<id:need_id>/publish")
@allow(policy.can_edit_need, load=_find_need)
def publish(need: Need) -> ResponseReturnValue:
    """Open it to the public."""
    return _act(need, operations.publish_need, _("It is open: people see it now."))


@needs.post("/manage/<slug>/needs/<id:need_id>/pause")
@allow(policy.can_edit_need, load=_find_need)
def pause(need: Need) -> ResponseReturnValue:
    """Take it out of sight for a while."""
    return _act(need, operations.pause_need, _("It is paused: nobody new finds it."))


@needs.post("/manage/<slug>/needs/<id:need_id>/confirm")
@allow(policy.can_edit_need, load=_find_need)
def confirm(need: Need) -> ResponseReturnValue:
    """Say that it is still needed (N4)."""
    return _act(need, operations.confirm_need, _("Thank you. We ask again in 30 days."))


@needs.post("/manage/<slug>/needs/<id:need_id>/reopen")
@allow(policy.can_edit_need, load=_find_need)
def reopen(need: Need) -> ResponseReturnValue:
    """Open it again; a closed one that lacks something is paused, so that it can be changed."""
    lacks = need.status == "closed" and operations.reasons_not_to_publish(need)
    paused = _("It is not closed any more. Before people see it, something is missing.")
    return _act(need, operations.reopen_need, paused if lacks else _("It is open: people see it now."))


@needs.route("/manage/<slug>/needs/<id:need_id>/close", methods=["GET", "POST"])
@allow(policy.can_edit_need, load=_find_need)
def close(need: Need) -> ResponseReturnValue:
    """End it with what came of it, after saying what that means and who is told."""
    form = CloseForm()
    if need.status == "closed":
        return redirect(url_for("needs.manage", slug=need.organization.slug, need_id=need.id), code=303)
    if form.validate_on_submit():
        with transaction():
            operations.close_need(
                need.id,
                by=current_person(),
                outcome=form.outcome.data or "",
                people_helped=form.people_helped.data,
                thanks=form.thanks.data or "",
                tell=True,
            )
        flash_undo(
            _("It is closed. Everybody who helped is thanked in 15 minutes."),
            url_for("needs.undo_close", slug=need.organization.slug, need_id=need.id),
            post=True,
        )
        return redirect(url_for("needs.manage", slug=need.organization.slug, need_id=need.id), code=303)
    shifts = operations.to_call_off(need)
    rosters = list_rosters([shift.id for shift in shifts])
    calling_off = [(shift, len(rosters[shift.id])) for shift in shifts]
    called_off = {row.person_id for rows in rosters.values() for row in rows}
    helpers = {*list_time_helpers(need.id, without=[shift.id for shift in shifts]), *list_item_helpers(need.id)}
    page = render_template(
        "needs/close.html",
        organization=need.organization,
        need=need,
        form=form,
        calling_off=calling_off,
        people_called_off=len(called_off),
        promised=len(list_deliveries(need.id)),
        helpers=len(helpers),
    )
    return page, 422 if form.errors else 200


@needs.post("/manage/<slug>/needs/<id:need_id>/undo-close")
@allow(policy.can_edit_need, load=_find_need)
def undo_close(need: Need) -> ResponseReturnValue:
    """Take back that it was closed a moment ago."""
    return _act(
        need,
        operations.undo_close,
        _("It is not closed any more, and nobody was thanked. Cancelled shifts stay cancelled."),
    )


def _find_shift_of(slug: str, shift_id: int) -> Shift | None:
    shift = queries.find_shift(shift_id)
    return shift if shift is not None and shift.need.organization.slug == slug else None


def _can_edit_shift(person: Person | None, shift: Shift) -> bool:
    return policy.can_edit_need(person, shift.need)


@needs.route("/manage/<slug>/shifts/<id:shift_id>/cancel", methods=["GET", "POST"])
@allow(_can_edit_shift, load=_find_shift_of)
def cancel_shift(shift: Shift) -> ResponseReturnValue:
    """The shift will not be; whoever has a place is told."""
    need, form = shift.need, ConfirmForm()
    if form.validate_on_submit():
        with transaction():
            operations.cancel_shift(shift.id, by=current_person())
        flash(_("The shift is cancelled. Everybody who had a place is told by email."), "done")
        return redirect(url_for("needs.manage", slug=need.organization.slug, need_id=need.id), code=303)
    return render_template(
        "needs/cancel_shift.html",
        organization=need.organization,
        need=need,
        shift=shift,
        coming=len(list_roster(shift.id)),
        form=form,
    )


def _find_item_of(slug: str, item_id: int) -> Item | None:
    item = queries.find_item(item_id)
    return item if item is not None and item.need.organization.slug == slug else None


def _can_edit_item(person: Person | None, item: Item) -> bool:
    return policy.can_edit_need(person, item.need)


@needs.route("/manage/<slug>/items/<id:item_id>/remove", methods=["GET", "POST"])
@allow(_can_edit_item, load=_find_item_of)
def remove_item(item: Item) -> ResponseReturnValue:
    """It is not wanted any more."""
    need, form = item.need, ConfirmForm()
    reasons: list[Reason] = []
    if form.validate_on_submit():
        try:
            with transaction():
                operations.remove_item(item.id, by=current_person())
        except Refused as refused:
            reasons = refused.reasons
        else:
            flash(_("It is not asked for any more."), "done")
            return redirect(url_for("needs.edit", slug=need.organization.slug, need_id=need.id), code=303)
    page = render_template(
        "needs/remove_item.html", organization=need.organization, need=need, item=item, form=form, reasons=reasons
    )
    return page, 409 if reasons else 200
