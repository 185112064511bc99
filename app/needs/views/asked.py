"""What a need asks of people: of everybody, and besides of single tasks. A page of its own, because the catalogue is long and
most needs ask for nothing."""

from __future__ import annotations

import dataclasses

from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from app.accounts.models import Person
from app.accounts.session import current_person
from app.core.db import transaction
from app.core.errors import InvalidInput, Reason, Refused
from app.core.forms import show_errors
from app.core.i18n import _
from app.core.ids import decode_id, encode_id
from app.core.web import allow
from app.needs import operations, policy, queries
from app.needs.asking import has_contact
from app.needs.models import Need, Position, Shift
from app.needs.requirement_forms import SHOWN_TASKS, RequirementsForm, TaskRow
from app.needs.views import consequences
from app.needs.views.blueprint import needs
from app.safeguarding import catalogue
from app.safeguarding.queries import find_contact_permission
from app.signups.views.labels import shift_label


class _Unsaved(Exception):
    """Something could not be saved; its message is in the form, and the whole act is undone."""


def _find_need(slug: str, need_id: int) -> Need | None:
    return queries.find_need_of(slug, need_id)


def _list_tasks(need: Need) -> list[tuple[Shift, Position]]:
    """The tasks of shifts that are not over, as far as the page shows them."""
    ahead = [shift for shift in need.shifts if shift.status != "cancelled" and not shift.is_over]
    tasks = [(shift, position) for shift in ahead for position in shift.positions if position.capacity != 0]
    return tasks[:SHOWN_TASKS]


@needs.route("/manage/<slug>/needs/<id:need_id>/requirements", methods=["GET", "POST"])
@allow(policy.can_edit_need, load=_find_need)
def requirements(need: Need) -> ResponseReturnValue:
    """What is required of people; who could not keep their place is said before it is saved."""
    tasks, reasons = _list_tasks(need), list[Reason]()
    form = RequirementsForm(
        requirements=need.requirements,
        tasks=[{"id": encode_id(task.id), "requirements": task.requirements} for _shift, task in tasks],
    )
    courses = catalogue.list_courses()
    asked = {*need.requirements, *(each for _shift, task in tasks for each in task.requirements)}
    names = catalogue.list_names(courses, sorted(asked))
    form.offer(names)
    if not request.form.get("back") and form.validate_on_submit():
        try:
            with transaction():
                before = consequences.observe(need.id)
                saved = _save(form, need.id, by=current_person())
                if need.status != "draft":
                    consequences.require_told(before, saved, request.form.get("told", ""))
        except _Unsaved:
            pass
        except Refused as refused:
            reasons = refused.reasons
        except consequences.Untold as untold:
            return _consequences_page(untold, need)
        else:
            flash(_("Saved."), "done")
            target = url_for("needs.manage", slug=need.organization.slug, need_id=need.id)
            return redirect(target, code=303)
    words = {
        encode_id(task.id): " · ".join(part for part in (shift_label(shift), task.name) if part)
        for shift, task in _list_tasks(need)
    }
    page = render_template(
        "needs/requirements.html",
        organization=need.organization,
        need=need,
        form=form,
        reasons=reasons,
        groups=catalogue.list_options(need.organization.country, courses=courses, asked=need.requirements),
        options=list(dict.fromkeys([*(course.slug for course in courses), *catalogue.OF_A_TASK])),
        names=names,
        words=words,
        with_contact=any(has_contact(shift) for shift in need.shifts),
        permission=find_contact_permission(need.organization_id),
    )
    return page, 409 if reasons else 422 if form.errors else 200


def _save(form: RequirementsForm, need_id: int, *, by: Person) -> Need:
    """Write what changed, in the caller's transaction. Raises _Unsaved with the messages in `form`, and Refused."""
    need = queries.find_need(need_id)
    if need is None:
        raise _Unsaved
    if sorted(form.requirements.data or []) != sorted(need.requirements):
        try:
            need = operations.edit_need(need.id, by=by, requirements=form.requirements.data or [])
        except InvalidInput as invalid:
            show_errors(form, invalid)
            raise _Unsaved from invalid
    rows = {decode_id(entry.form.id.data or ""): entry.form for entry in form.tasks.entries}
    for shift in need.shifts:
        changed = [
            task for task in shift.positions if task.id in rows and _asked(rows[task.id]) != sorted(task.requirements)
        ]
        if not changed:
            continue
        values = operations.ShiftInput.of(shift)
        positions = tuple(
            dataclasses.replace(wanted, requirements=tuple(_asked(rows[wanted.id]))) if wanted.id in rows else wanted
            for wanted in values.positions
        )
        try:
            operations.edit_shift(shift.id, dataclasses.replace(values, positions=positions), by=by)
        except InvalidInput as invalid:
            field = rows[changed[0].id].requirements
            field.errors = [*field.errors, *invalid.errors.values()]
            form.tasks.errors = [entry.errors for entry in form.tasks.entries if entry.errors]
            raise _Unsaved from invalid
    return need


def _asked(row: TaskRow) -> list[str]:
    return sorted(set(row.requirements.data or []))


def _consequences_page(untold: consequences.Untold, need: Need) -> ResponseReturnValue:
    typed = [pair for pair in request.form.items(multi=True) if pair[0] not in ("csrf_token", "told", "back")]
    return render_template(
        "needs/consequences.html",
        organization=need.organization,
        need=need,
        found=untold.found,
        people=untold.people,
        told=untold.digest,
        typed=typed,
    )
