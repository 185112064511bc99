"""A person's own record: everything that is kept about them, with whom they share it, and where to say that it is wrong."""

from __future__ import annotations

import dataclasses
import datetime as dt

from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from app.accounts.policy import may_be_minor_somewhere
from app.accounts.session import current_person
from app.core import when
from app.core.clock import today
from app.core.db import transaction
from app.core.errors import InvalidInput, Reason, Refused
from app.core.forms import choices, show_errors
from app.core.i18n import _
from app.core.text import line
from app.core.web import allow, safe_next, signed_in
from app.learning.courses.queries import count_answered, list_offered, list_open_attempts
from app.organizations.models import Organization
from app.organizations.queries import find_organization, find_public_remaining
from app.safeguarding import operations, queries
from app.safeguarding.forms import ObjectionForm, ShareForm
from app.safeguarding.kinds import find_kind
from app.safeguarding.models import Clearance
from app.safeguarding.operations.clearances import decides_before
from app.safeguarding.policy import is_own_clearance
from app.safeguarding.standing import list_renewed
from app.safeguarding.views.blueprint import safeguarding
from app.safeguarding.views.words import lacks_consent, name_of, state_of
from app.signups import relations


@dataclasses.dataclass(frozen=True)
class Entry:
    """A clearance as its person reads it."""

    clearance: Clearance
    name: str
    state: str
    shared_with: list[Organization]
    may_share: bool
    kept: str
    # The course to take again, when it is one that is offered; "" none.
    course: str = ""


@safeguarding.get("/my-clearances")
@signed_in
def my_clearances() -> ResponseReturnValue:
    """Everything recorded about oneself. `for`: the organization whose shift led here."""
    person = current_person()
    shares = queries.list_shares_of(person.id)
    offered = {course.slug for course in list_offered()}
    begun = list_open_attempts(person.id)
    answered = count_answered([attempt.id for attempt in begun])
    entries = [
        Entry(
            clearance,
            name_of(clearance),
            state := state_of(clearance, today("UTC")),
            [share.organization for share in shares if share.clearance_id == clearance.id],
            clearance.can_be_shared and state in ("holds", "ends"),
            _kept(clearance),
            _course_of(clearance, offered),
        )
        for clearance in queries.list_clearances_of(person.id)
    ]
    return render_template(
        "safeguarding/my_clearances.html",
        ending=_list_to_renew(entries),
        entries=entries,
        lacks_consent=lacks_consent,
        exemptions=[(each, name_of(each)) for each in queries.list_exemptions_of(person.id)],
        asking=_asking(),
        begun=[(attempt.version, *done) for attempt in begun if (done := answered.get(attempt.id))],
    )


def _list_to_renew(entries: list[Entry]) -> list[Entry]:
    """What ends within sixty days, of which somebody is told: a course that was not passed again, and else what an
    organization relies on that has nothing from them which outlasts it, or nobody relies on."""
    ending = [entry for entry in entries if entry.state == "ends"]
    renewed = list_renewed([(entry.clearance, key) for entry in ending for key in _relying(entry)])
    passed: dict[int, int] = {}
    for entry in entries:
        # The latest comes first.
        version = entry.clearance.course_version
        if version is not None and entry.clearance.revoked_at is None:
            passed.setdefault(version.course_id, entry.clearance.id)

    def is_told(entry: Entry) -> bool:
        version, relying = entry.clearance.course_version, _relying(entry)
        if version is not None and passed[version.course_id] != entry.clearance.id:
            return False
        return not relying or any((entry.clearance.id, key) not in renewed for key in relying)

    return [entry for entry in ending if is_told(entry)]


def _relying(entry: Entry) -> list[int]:
    own = entry.clearance.organization_id
    return [organization.id for organization in entry.shared_with] + ([] if own is None else [own])


def _course_of(clearance: Clearance, offered: set[str]) -> str:
    version = clearance.course_version
    return version.course.slug if version is not None and version.course.slug in offered else ""


def _asking() -> Organization | None:
    """The organization whose shift led here, while the public may see it."""
    return find_public_remaining(line(request.args.get("for")) or "")


def _kept_word(clearance: Clearance, day: dt.date) -> str:
    """Of what was not accepted, which goes on counting against what is earlier."""
    last = decides_before(clearance)
    if last is None:
        return _("%(day)s; then only that it was not accepted, while you have an earlier one", day=when.full_day(day))
    if day >= last:
        return _("%(day)s, then it is deleted", day=when.full_day(day))
    return _(
        "%(day)s; then only that it was not accepted, until %(last)s",
        day=when.full_day(day),
        last=when.full_day(last),
    )


def _kept(clearance: Clearance) -> str:
    """Until when it is kept: its date, or how long after it ended."""
    if clearance.outcome != "accepted" and clearance.revoked_at is None and clearance.purge_on is not None:
        return _kept_word(clearance, clearance.purge_on)
    if clearance.purge_on is not None:
        return _("%(day)s, then it is deleted", day=when.full_day(clearance.purge_on))
    if clearance.expires_on is None:
        return _("a year after your last shift with an organization that relies on it")
    kind = find_kind(clearance.kind)
    days = 365 if kind is None else kind.retention.days
    return _("it ends, and %(days)s days longer", days=days)


@safeguarding.route("/my-clearances/<id:clearance_id>/objection", methods=["GET", "POST"])
@allow(is_own_clearance, load=queries.find_clearance)
def object_to(clearance: Clearance) -> ResponseReturnValue:
    """Say what is wrong with it."""
    form = ObjectionForm(objection=clearance.objection)
    if form.validate_on_submit():
        try:
            with transaction():
                operations.object_to_clearance(clearance.id, by=current_person(), objection=form.objection.data or "")
        except InvalidInput as invalid:
            show_errors(form, invalid)
        else:
            flash(_("Thank you. The organization reads it, and corrects or takes back what is wrong."), "done")
            return redirect(url_for("safeguarding.my_clearances"), code=303)
    page = render_template("safeguarding/objection.html", clearance=clearance, name=name_of(clearance), form=form)
    return page, 422 if form.errors else 200


@safeguarding.route("/my-clearances/<id:clearance_id>/share", methods=["GET", "POST"])
@allow(is_own_clearance, load=queries.find_clearance)
def share(clearance: Clearance) -> ResponseReturnValue:
    """Let another organization rely on it, or see which ones do."""
    person, asking = current_person(), _asking()
    form = ShareForm(organization=None if asking is None else asking.slug)
    shared = [each.organization for each in queries.list_shares(clearance.id)]
    left_out = {clearance.organization_id, *(organization.id for organization in shared)}
    offered = {each.slug: each for each in relations.list_organizations_of(person) if each.id not in left_out}
    if asking is not None and asking.id not in left_out:
        offered.setdefault(asking.slug, asking)
    form.organization.choices = choices([("", _("Choose")), *((slug, each.name) for slug, each in offered.items())])
    reasons: list[Reason] = []
    if form.validate_on_submit():
        chosen = offered[form.organization.data]
        try:
            with transaction():
                operations.share_clearance(clearance.id, chosen.id, by=person)
        except Refused as refused:
            reasons = refused.reasons
        else:
            flash(_("%(organization)s may rely on it now.", organization=chosen.name), "done")
            target = safe_next(request.args.get("next"), url_for("safeguarding.my_clearances"))
            return redirect(target, code=303)
    page = render_template(
        "safeguarding/share.html",
        clearance=clearance,
        name=name_of(clearance),
        form=form,
        reasons=reasons,
        shared=shared,
        offered=offered if clearance.can_be_shared else {},
        is_minor=may_be_minor_somewhere(current_person()),
    )
    return page, 409 if reasons else 422 if form.errors else 200


@safeguarding.post("/my-clearances/<id:clearance_id>/unshare")
@allow(is_own_clearance, load=queries.find_clearance)
def unshare(clearance: Clearance) -> ResponseReturnValue:
    """Take that back. The organization is named in the body, so that no address tells of it."""
    organization = find_organization(line(request.form.get("organization")) or "")
    if organization is not None:
        with transaction():
            operations.unshare_clearance(clearance.id, organization.id, by=current_person())
        flash(_("%(organization)s relies on it no longer.", organization=organization.name), "done")
    return redirect(url_for("safeguarding.my_clearances"), code=303)
