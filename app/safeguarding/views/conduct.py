"""What an organization asks of people: its requirements for shifts with contact, and its code of conduct."""

from __future__ import annotations

from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from app.accounts.session import current_person, find_current_person
from app.core.db import transaction
from app.core.errors import InvalidInput, Reason, Refused
from app.core.forms import choices, show_errors
from app.core.i18n import _
from app.core.markdown import render_markdown
from app.core.web import allow, public, safe_next, signed_in
from app.organizations.models import Organization
from app.organizations.policy import can_manage_people, can_see_staff_pages
from app.organizations.queries import find_organization
from app.safeguarding import operations, queries
from app.safeguarding.catalogue import list_courses, list_options
from app.safeguarding.forms import AcceptForm, ConductForm, ProfileForm
from app.safeguarding.kinds import CONTACTS_WITH_PEOPLE, baseline_check
from app.safeguarding.models import ConductVersion
from app.safeguarding.requirements import Requirement, parse
from app.safeguarding.views.blueprint import safeguarding


@safeguarding.route("/manage/<slug>/requirements", methods=["GET", "POST"])
@allow(can_manage_people, load=find_organization)
def profile(organization: Organization) -> ResponseReturnValue:
    """What is required of everybody on each shift with contact."""
    asked = queries.find_profile(organization.id)
    form = ProfileForm(requirements=list(asked))
    groups = list_options(organization.country, courses=list_courses(), asked=asked)
    form.requirements.choices = choices((each.slug, each.name) for _group, options in groups for each in options)
    if form.validate_on_submit():
        try:
            with transaction():
                operations.set_profile(organization.id, parse(form.requirements.data or []), by=current_person())
        except InvalidInput as invalid:
            show_errors(form, invalid)
        else:
            flash(_("Saved. Places that do not meet it any more end, and both sides are told."), "done")
            return redirect(url_for("safeguarding.profile", slug=organization.slug), code=303)
    levels = {contact: baseline_check(organization.country, contact) for contact in CONTACTS_WITH_PEOPLE}
    page = render_template(
        "safeguarding/profile.html",
        organization=organization,
        form=form,
        groups=groups,
        at_least=[Requirement("background_check", level).name for level in sorted(set(levels.values()))],
        permission=queries.find_contact_permission(organization.id),
        conduct=queries.find_conduct(organization.id),
    )
    return page, 422 if form.errors else 200


@safeguarding.route("/manage/<slug>/conduct", methods=["GET", "POST"])
@allow(can_manage_people, load=find_organization)
def publish(organization: Organization) -> ResponseReturnValue:
    """Write the code of conduct, and publish it as a new version."""
    versions = queries.list_conduct(organization.id)
    latest = versions[0] if versions else None
    form = ConductForm(text="" if latest is None else latest.text)
    if form.validate_on_submit():
        try:
            with transaction():
                made = operations.publish_conduct(organization.id, form.text.data or "", by=current_person())
                number = made.version
        except InvalidInput as invalid:
            show_errors(form, invalid)
        else:
            flash(_("Version %(number)s is published.", number=number), "done")
            return redirect(url_for("safeguarding.publish", slug=organization.slug), code=303)
    page = render_template(
        "safeguarding/publish.html", organization=organization, form=form, versions=versions, latest=latest
    )
    return page, 422 if form.errors else 200


def _find_in_sight(slug: str) -> ConductVersion | None:
    """The latest version, for whoever sees the organization (N1)."""
    organization = find_organization(slug)
    if organization is None:
        return None
    seen = organization.is_public or can_see_staff_pages(find_current_person(), organization)
    return queries.find_conduct(organization.id) if seen else None


@safeguarding.get("/organizations/<slug>/conduct")
@public(load=_find_in_sight)
def conduct(version: ConductVersion) -> ResponseReturnValue:
    """The code of conduct, to be read by everybody and accepted by whoever is signed in."""
    return _conduct_page(version, [])


def _conduct_page(version: ConductVersion, reasons: list[Reason]) -> ResponseReturnValue:
    person = find_current_person()
    back = safe_next(request.args.get("next"), "")
    page = render_template(
        "safeguarding/conduct.html",
        organization=version.organization,
        version=version,
        text=render_markdown(version.text),
        accepted=None if person is None else queries.find_acceptance(person.id, version),
        form=AcceptForm(version=str(version.version)) if person is not None else None,
        reasons=reasons,
        this_page=url_for("safeguarding.conduct", slug=version.organization.slug, next=back or None),
        accept_url=url_for("safeguarding.accept", slug=version.organization.slug, next=back or None),
        back=back,
    )
    return page, 409 if reasons else 200


@safeguarding.post("/organizations/<slug>/conduct/accept")
@signed_in(load=_find_in_sight)
def accept(version: ConductVersion) -> ResponseReturnValue:
    """I have read this version and keep to it."""
    form = AcceptForm()
    if not form.validate():
        return _conduct_page(version, [])
    read = form.version.data or ""
    try:
        with transaction():
            number = int(read) if read.isdecimal() and len(read) < 10 else 0
            operations.accept_conduct(version.organization_id, number, by=current_person())
    except Refused as refused:
        return _conduct_page(version, refused.reasons)
    flash(_("You have accepted version %(number)s.", number=version.version), "done")
    target = safe_next(request.args.get("next"), url_for("safeguarding.conduct", slug=version.organization.slug))
    return redirect(target, code=303)
