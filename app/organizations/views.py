"""Pages of organizations: the public list and profile, registering, and what staff see and change."""

from __future__ import annotations

from collections.abc import Callable

from flask import Blueprint, Response, flash, make_response, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import get_locale
from werkzeug.exceptions import RequestEntityTooLarge

from app.accounts import throttles
from app.accounts.models import Person
from app.accounts.session import current_person, find_current_person
from app.core import pictures, web
from app.core.clock import now
from app.core.db import transaction
from app.core.errors import InvalidInput, Refused
from app.core.forms import choices, show_errors, show_reasons
from app.core.i18n import _
from app.core.ids import decode_id, encode_id
from app.core.web import allow, flash_undo, public, signed_in
from app.discovery.queries import find_follow_of
from app.discovery.subjects import of_organization
from app.donations.accounts import can_take_gifts, is_out_of_reach
from app.donations.page_parts import standing_of
from app.donations.queries import totals
from app.fundraisers.queries import list_public_fundraisers
from app.needs.operations import coordinators as coordinating
from app.needs.queries import list_open_needs_of
from app.organizations import claims, invitations, operations, queries
from app.organizations import members as member_operations
from app.organizations.causes import find_cause
from app.organizations.forms import (
    ClaimForm,
    ConfirmForm,
    InvitationForm,
    LeaveForm,
    LocationForm,
    OrganizationForm,
    RegisterOrganizationForm,
    RoleForm,
)
from app.organizations.likeness import list_public_like
from app.organizations.models import Claim, Invitation, Location, Logo, Membership, Organization
from app.organizations.policy import can_manage_listings, can_manage_people, can_see_staff_pages
from app.organizations.queries import find_organization
from app.organizations.roles import ROLE_NAMES, ROLE_WORDS
from app.safeguarding.operations import staffing
from app.safeguarding.queries import find_conduct

organizations = Blueprint("organizations", __name__)
BLUEPRINTS = (organizations,)


@organizations.get("/organizations")
@public
def index() -> ResponseReturnValue:
    """Public organizations by name."""
    page = queries.list_public_organizations(request.args.get("cursor"))
    return render_template("organizations/index.html", page=page)


@organizations.route("/organizations/new", methods=["GET", "POST"])
@signed_in
def new() -> ResponseReturnValue:
    """Register an organization; it prepares drafts until a moderator has verified it."""
    person = current_person()
    form = RegisterOrganizationForm(country=person.country or web.settings().default_country)
    form.country.choices = choices(_countries())
    if not person.is_email_verified:
        return render_template("organizations/verify_first.html"), 403
    staffing.require_guarded(person)
    alike = []
    if form.validate_on_submit() and not form.is_new.data:
        alike = list_public_like(form.name.data or "", form.website.data)
    if form.validate_on_submit() and not alike:
        try:
            with transaction():
                made = staffing.register_organization(
                    name=form.name.data or "",
                    by=person,
                    country=form.country.data,
                    place=form.place.data,
                    description=form.description.data or "",
                    website=form.website.data,
                )
        except InvalidInput as invalid:
            show_errors(form, invalid)
        else:
            flash(_("%(name)s is registered. A moderator will look at it.", name=made.name), "done")
            return redirect(url_for("pages.overview", slug=made.slug), code=303)
    page = render_template("organizations/new.html", form=form, alike=alike)
    return page, 422 if form.errors else 409 if alike else 200


def _countries() -> list[tuple[str, str]]:
    """Every country in the reader's language, by name."""
    locale = get_locale()
    names = locale.territories if locale is not None else {}
    found = [
        (code, name)
        for code, name in names.items()
        if len(code) == 2 and code.isalpha() and code not in ("ZZ", "EU", "UN", "EZ", "XA", "XB", "QO")
    ]
    return sorted(found, key=lambda pair: pair[1])


def _find_in_sight(slug: str) -> Organization | None:
    """The public sees public ones, members always their own; a duplicate is in sight as what it is part of."""
    found = find_organization(slug)
    shown = None if found is None else queries.find_remaining(found)
    if shown is None or not (shown.is_public or can_see_staff_pages(find_current_person(), shown)):
        return None
    return found


@organizations.get("/organizations/<slug>")
@public(load=_find_in_sight)
def show(organization: Organization) -> ResponseReturnValue:
    """The public profile: what was verified and when, what is needed, what is raised."""
    if organization.merged_into_id is not None:
        target = url_for("organizations.show", slug=queries.find_remaining(organization).slug)
        return redirect(target, code=301)
    person = find_current_person()
    fundraisers = list_public_fundraisers(organization_id=organization.id).rows
    takes_gifts = can_take_gifts(organization) if fundraisers else True
    return render_template(
        "organizations/show.html",
        organization=organization,
        needs=list_open_needs_of(organization.id) if organization.is_public else [],
        fundraisers=fundraisers,
        raised=totals([row.id for row in fundraisers]),
        standing_of=standing_of,
        takes_gifts=takes_gifts,
        is_out_of_reach=not takes_gifts and is_out_of_reach(organization),
        verification=queries.find_verification(organization.id),
        causes=[cause for slug in organization.causes if (cause := find_cause(slug)) is not None],
        locations=queries.list_shown_locations(organization.id),
        conduct=find_conduct(organization.id),
        following=None if person is None else find_follow_of(person, of_organization(organization)),
        is_staff=can_see_staff_pages(person, organization),
    )


# How the addresses of one organization's pages begin: the public ones and its staff's.
_OF_ONE = ("/organizations/<slug>", "/manage/<slug>", "/follow/organizations/<slug>", "/share/organization/<slug>")


@organizations.after_app_request
def lead_on(response: Response) -> Response:
    """What is looked for at a duplicate (a bookmark of its staff, a printed poster) is found at what it is part of. Only
    what would be no page otherwise is asked about."""
    rule, values = request.url_rule, request.view_args or {}
    if response.status_code != 404 or request.method != "GET" or rule is None or not rule.rule.startswith(_OF_ONE):
        return response
    if "\x00" in request.path:
        return response  # core.web has said that it names nothing
    found = _find_in_sight(values["slug"])
    if found is None or found.merged_into_id is None:
        return response
    there = url_for(rule.endpoint, **{**values, "slug": queries.find_remaining(found).slug})
    query = request.query_string.decode()
    return make_response(redirect(f"{there}?{query}" if query else there, code=301))


def _find_logo_in_sight(slug: str, digest: str) -> Logo | None:
    organization = _find_in_sight(slug)
    return None if organization is None else queries.find_logo(organization.id, digest)


@organizations.get("/organizations/<slug>/logo/<digest>")
@public(load=_find_logo_in_sight)
def logo(logo: Logo) -> ResponseReturnValue:
    """The logo, kept for ever by whoever may pass it on: another picture has another address. As long as only staff see
    the organization (N1), nobody keeps it."""
    response = Response(logo.content, content_type=pictures.CONTENT_TYPE)
    response.set_etag(logo.digest)
    shown = logo.organization.is_public
    response.headers["Cache-Control"] = "public, max-age=31536000, immutable" if shown else "private, no-store"
    response.headers["Content-Disposition"] = "inline"
    response.headers["Content-Security-Policy"] = "default-src 'none'; sandbox; frame-ancestors 'none'"
    return response.make_conditional(request)


@organizations.post("/manage/<slug>/first-steps/hide")
@allow(can_manage_people, load=find_organization)
def hide_first_steps(organization: Organization) -> ResponseReturnValue:
    """Do not show any more what to do first."""
    with transaction():
        operations.show_first_steps(organization.id, by=current_person(), shown=False)
    undo = url_for("organizations.show_first_steps", slug=organization.slug)
    flash_undo(_("The first steps are not shown any more."), undo, post=True)
    return redirect(url_for("pages.overview", slug=organization.slug), code=303)


@organizations.post("/manage/<slug>/first-steps/show")
@allow(can_manage_people, load=find_organization)
def show_first_steps(organization: Organization) -> ResponseReturnValue:
    """Show again what to do first."""
    with transaction():
        operations.show_first_steps(organization.id, by=current_person(), shown=True)
    return redirect(url_for("pages.overview", slug=organization.slug), code=303)


@organizations.url_value_preprocessor
def allow_a_picture(endpoint: str | None, _values: dict[str, object] | None) -> None:
    """The settings may be larger than any other request: much more than a picture may be, so that the field can say so."""
    if endpoint == "organizations.settings":
        request.max_content_length = pictures.MAXIMUM_FORM


@organizations.errorhandler(RequestEntityTooLarge)
def say_too_large(error: RequestEntityTooLarge) -> ResponseReturnValue:
    """What was sent was not even read; the page of the settings says so at the field of the logo."""
    slug = (request.view_args or {}).get("slug")
    if request.endpoint != "organizations.settings" or slug is None:
        return error
    return redirect(url_for("organizations.settings", slug=slug, too_large="1"), code=303)


@organizations.route("/manage/<slug>/settings", methods=["GET", "POST"])
@allow(can_manage_people, load=find_organization)
def settings(organization: Organization) -> ResponseReturnValue:
    """Name, description, website, where it is (what was understood is said: many towns have one name), causes, logo and more."""
    form, was = OrganizationForm(data=_settings_of(organization)), organization.place
    if form.validate_on_submit():
        try:
            sent = form.logo.data.stream.read(pictures.MAXIMUM_BYTES + 1) if form.logo.data else None
            logo = None if sent is None else pictures.reencode(sent, box=operations.LOGO_BOX)
            with transaction():
                operations.edit_organization(
                    organization.id,
                    by=current_person(),
                    name=form.name.data,
                    description=form.description.data,
                    website=form.website.data,
                    place=form.place.data,
                    causes=form.causes.data or [],
                    auto_approve_fundraisers=form.auto_approve_fundraisers.data,
                    first_come_hours=form.first_come_hours.data,
                )
                if logo is not None:
                    operations.set_logo(organization.id, logo, by=current_person())
        except InvalidInput as invalid:
            show_errors(form, invalid)
        except Refused as refused:
            form.logo.errors = [reason.message for reason in refused.reasons]
        else:
            moved = _("Saved. We read where you are as %(place)s.", place=organization.place)
            flash(_("Saved.") if organization.place == was else moved, "done")
            return redirect(url_for("organizations.settings", slug=organization.slug), code=303)
    elif request.method == "GET" and request.args.get("too_large"):
        form.logo.errors = [pictures.too_large()]
        form.form_errors = []
    page = render_template("organizations/settings.html", organization=organization, form=form)
    return page, 422 if form.errors else 200


def _settings_of(organization: Organization) -> dict[str, object]:
    names = ("name", "description", "website", "place", "causes", "auto_approve_fundraisers", "first_come_hours")
    return {name: getattr(organization, name) for name in names}


@organizations.route("/manage/<slug>/logo/remove", methods=["GET", "POST"])
@allow(can_manage_people, load=find_organization)
def remove_logo(organization: Organization) -> ResponseReturnValue:
    """Show no logo any more."""
    form = ConfirmForm()
    if form.validate_on_submit():
        with transaction():
            operations.remove_logo(organization.id, by=current_person())
        flash(_("Removed."), "done")
        return redirect(url_for("organizations.settings", slug=organization.slug), code=303)
    return render_template("organizations/remove_logo.html", organization=organization, form=form)


# --- members --------------------------------------------------------------------------------------------------------


@organizations.route("/manage/<slug>/members", methods=["GET", "POST"])
@allow(can_manage_people, load=find_organization)
def members(organization: Organization) -> ResponseReturnValue:
    """Who belongs, who is invited, and inviting somebody."""
    form = InvitationForm()
    if form.validate_on_submit():
        try:
            with transaction():
                invited = invitations.invite(
                    organization.id, by=current_person(), email=form.email.data or "", **form.given()
                )
        except InvalidInput as invalid:
            show_errors(form, invalid)
        except Refused as refused:
            show_reasons(form, refused)
        else:
            flash_undo(
                _("We have sent %(email)s an invitation.", email=invited.email),
                url_for("organizations.withdraw_invitation", invitation_id=invited.id),
                post=True,
            )
            return redirect(url_for("organizations.members", slug=organization.slug), code=303)
    page = render_template(
        "organizations/members.html",
        organization=organization,
        form=form,
        members=queries.list_members(organization.id),
        invitations=[
            (invited, invited.expires_at > now(), invitations.still_holds(invited))
            for invited in invitations.list_waiting_invitations(organization.id)
        ],
        role_names=ROLE_NAMES,
        lifetime=invitations.LIFETIME.days,
    )
    return page, 422 if form.errors else 200


def _can_manage_invitation(person: Person | None, invitation: Invitation) -> bool:
    return can_manage_people(person, invitation.organization)


def _change_invitation(invitation: Invitation, act: Callable[..., Invitation], done: str) -> ResponseReturnValue:
    try:
        with transaction():
            act(invitation.id, by=current_person())
    except Refused as refused:
        flash(" ".join(str(reason.message) for reason in refused.reasons), "problem")
    except InvalidInput as invalid:
        flash(" ".join(str(message) for message in invalid.errors.values()), "problem")
    else:
        flash(done, "done")
    return redirect(url_for("organizations.members", slug=invitation.organization.slug), code=303)


@organizations.post("/manage/invitations/<id:invitation_id>/withdraw")
@allow(_can_manage_invitation, load=invitations.find_invitation)
def withdraw_invitation(invitation: Invitation) -> ResponseReturnValue:
    """Take an invitation back."""
    return _change_invitation(invitation, invitations.withdraw_invitation, _("The invitation is withdrawn."))


@organizations.post("/manage/invitations/<id:invitation_id>/send-again")
@allow(_can_manage_invitation, load=invitations.find_invitation)
def send_invitation_again(invitation: Invitation) -> ResponseReturnValue:
    """Another mail, with another link."""
    return _change_invitation(invitation, invitations.send_invitation_again, _("We have sent it again."))


@organizations.route("/invitations/<invitation_token>", methods=["GET", "POST"])
@public(load=lambda invitation_token: invitations.find_invitation_by_token(invitation_token) or invitation_token)
def answer_invitation(invitation: Invitation | str) -> ResponseReturnValue:
    """Whoever reads the mail says yes, signed in with that address, or no. Buttons: a mail scanner presses neither."""
    if isinstance(invitation, str):
        return render_template("organizations/answer_invitation.html", invitation=None), 410
    form, person, reasons, status = ConfirmForm(), find_current_person(), [], 200
    act = request.form.get("act")
    token, slug = invitations.token_of(invitation), invitation.organization.slug
    if form.validate_on_submit() and (act == "decline" or (act == "accept" and person is not None)):
        try:
            with transaction():
                if act == "decline":
                    invitations.decline_invitation(token)
                else:
                    staffing.accept_invitation(token, by=current_person())
        except Refused as refused:
            reasons, status = refused.reasons, 409
        else:
            flash(
                _("Welcome. This is where your work is.") if act == "accept" else _("Thank you. We tell them."), "done"
            )
            target = url_for("pages.overview", slug=slug) if act == "accept" else url_for("pages.home")
            return redirect(target, code=303)
    elif person is not None:
        reasons = staffing.reasons_not_to_accept(invitation, person)
    page = render_template(
        "organizations/answer_invitation.html",
        invitation=invitation,
        person=person,
        form=form,
        reasons=reasons,
        holds=invitations.still_holds(invitation),
        role_name=ROLE_NAMES[invitation.role],
        here=url_for("organizations.answer_invitation", invitation_token=token),
    )
    return page, 422 if form.errors else status


@organizations.route("/manage/<slug>/leave", methods=["GET", "POST"])
@allow(can_see_staff_pages, load=find_organization)
def leave(organization: Organization) -> ResponseReturnValue:
    """End one's own membership; the last owner hands the organization over in the same step."""
    person, form, reasons = current_person(), LeaveForm(), []
    others = [
        one for one in queries.list_members(organization.id) if one.person_id != person.id and one.person.is_active
    ]
    is_last = member_operations.is_last_owner(organization.id, person.id)
    if is_last:
        form.successor.choices = choices(
            (encode_id(one.person_id), f"{one.person.name} ({ROLE_WORDS[one.role]})") for one in others
        )
    else:
        del form.successor
    if form.validate_on_submit():
        successor = decode_id(form.successor.data) if is_last else None
        try:
            with transaction():
                coordinating.leave(organization.id, by=person, successor_id=successor)
        except Refused as refused:
            reasons = refused.reasons
        else:
            flash(_("You have left %(organization)s.", organization=organization.name), "done")
            return redirect(url_for("pages.my_help"), code=303)
    page = render_template(
        "organizations/leave.html",
        organization=organization,
        form=form,
        reasons=reasons,
        is_last=is_last,
        others=others,
    )
    return page, 409 if reasons else 422 if form.errors else 200


def _find_member(slug: str, person_id: int) -> Membership | None:
    organization = find_organization(slug)
    return None if organization is None else queries.find_member(organization.id, person_id)


def _can_manage_member(person: Person | None, member: Membership) -> bool:
    return can_manage_people(person, member.organization)


@organizations.route("/manage/<slug>/members/<id:person_id>", methods=["GET", "POST"])
@allow(_can_manage_member, load=_find_member)
def member(member: Membership) -> ResponseReturnValue:
    """Change a role."""
    slug = member.organization.slug
    # Who becomes a coordinator here works on assigned needs alone, unless somebody says otherwise.
    form = RoleForm(role=member.role, reach="all" if member.role == "coordinator" and member.all_needs else "assigned")
    if form.validate_on_submit():
        try:
            with transaction():
                coordinating.change_role(member.organization_id, member.person_id, by=current_person(), **form.given())
        except (InvalidInput, Refused) as error:
            show_errors(form, error) if isinstance(error, InvalidInput) else show_reasons(form, error)
        else:
            flash(_("Saved."), "done")
            return redirect(url_for("organizations.members", slug=slug), code=303)
    page = render_template("organizations/member.html", organization=member.organization, member=member, form=form)
    return page, 422 if form.errors else 200


@organizations.route("/manage/<slug>/members/<id:person_id>/remove", methods=["GET", "POST"])
@allow(_can_manage_member, load=_find_member)
def remove_member(member: Membership) -> ResponseReturnValue:
    """End somebody's membership, after saying what that means. One's own: leave."""
    organization, person = member.organization, member.person
    if member.person_id == current_person().id:
        return redirect(url_for("organizations.leave", slug=organization.slug), code=303)
    form, reasons = ConfirmForm(), []
    if form.validate_on_submit():
        try:
            with transaction():
                coordinating.remove_member(organization.id, member.person_id, by=current_person())
        except Refused as refused:
            reasons = refused.reasons
        else:
            flash(_("Removed. We have told them."), "done")
            return redirect(url_for("organizations.members", slug=organization.slug), code=303)
    page = render_template(
        "organizations/remove_member.html", organization=organization, person=person, form=form, reasons=reasons
    )
    return page, 409 if reasons else 200


# --- locations ------------------------------------------------------------------------------------------------------


@organizations.route("/manage/<slug>/locations", methods=["GET", "POST"])
@allow(can_manage_listings, load=find_organization)
def locations(organization: Organization) -> ResponseReturnValue:
    """Places the organization works from."""
    form = LocationForm()
    if form.validate_on_submit():
        try:
            with transaction():
                operations.add_location(
                    organization.id,
                    by=current_person(),
                    name=form.name.data or "",
                    address=form.address.data or "",
                    place=form.place.data or "",
                    private=bool(form.private.data),
                )
        except InvalidInput as invalid:
            show_errors(form, invalid)
        else:
            flash(_("Added."), "done")
            return redirect(url_for("organizations.locations", slug=organization.slug), code=303)
    page = render_template(
        "organizations/locations.html",
        organization=organization,
        form=form,
        locations=queries.list_locations(organization.id),
    )
    return page, 422 if form.errors else 200


def _find_location(slug: str, location_id: int) -> Location | None:
    found = queries.find_location(location_id)
    return found if found is not None and found.organization.slug == slug else None


def _can_manage_location(person: Person | None, location: Location) -> bool:
    return can_manage_listings(person, location.organization)


@organizations.route("/manage/<slug>/locations/<id:location_id>/remove", methods=["GET", "POST"])
@allow(_can_manage_location, load=_find_location)
def remove_location(location: Location) -> ResponseReturnValue:
    """Forget a place."""
    slug = location.organization.slug
    form = ConfirmForm()
    if form.validate_on_submit():
        with transaction():
            operations.remove_location(location.id, by=current_person())
        flash(_("Removed."), "done")
        return redirect(url_for("organizations.locations", slug=slug), code=303)
    return render_template(
        "organizations/remove_location.html", organization=location.organization, location=location, form=form
    )


# --- claiming what an import made -----------------------------------------------------------------------------------


def _find_claimable(slug: str) -> Organization | None:
    found = find_organization(slug)
    return found if found is not None and found.is_public else None


@organizations.route("/organizations/<slug>/claim", methods=["GET", "POST"])
@signed_in(load=_find_claimable)
def claim(organization: Organization) -> ResponseReturnValue:
    """Ask to run the page of an imported organization: by a mailbox at its web domain, or by a moderator."""
    person, form = current_person(), ClaimForm()
    domain = claims.web_domain(organization)
    if domain is None:
        del form.mailbox
    status, reasons = 200, staffing.reasons_not_to_claim(organization, person)
    if form.validate_on_submit():
        mailbox = form.mailbox.data or "" if domain else ""
        try:
            with transaction():
                wait = throttles.count_claim(organization.id, person.id)
            if wait is not None:
                raise InvalidInput(
                    {"mailbox" if domain else "evidence": _("That was too often. Try again in an hour.")}
                )
            with transaction():
                staffing.claim_organization(
                    organization.id, by=person, mailbox=mailbox, evidence=form.evidence.data or ""
                )
        except InvalidInput as invalid:
            show_errors(form, invalid)
        except Refused as refused:
            reasons, status = refused.reasons, 409
        else:
            flash(_("We have asked. You get an email when it is decided."), "done")
            return redirect(url_for("organizations.claim", slug=organization.slug), code=303)
    page = render_template(
        "organizations/claim.html",
        organization=organization,
        domain=domain,
        form=form,
        reasons=reasons,
        waiting=claims.find_waiting_claim(organization.id, person.id),
    )
    return page, 422 if form.errors else status


@organizations.route("/claims/<claim_token>", methods=["GET", "POST"])
@public(load=lambda claim_token: claims.find_claim_by_token(claim_token) or claim_token)
def answer_claim(claim: Claim | str) -> ResponseReturnValue:
    """Whoever reads the organization's mailbox says whether the person speaks for it. Two buttons: a mail scanner that
    follows the link presses neither."""
    if isinstance(claim, str):
        return render_template("organizations/answer_claim.html", claim=None, form=None), 410
    form = ConfirmForm()
    if form.validate_on_submit() and request.form.get("act") in ("grant", "decline"):
        grant = request.form["act"] == "grant"
        reason = "" if grant else _("Somebody at the organization's mailbox said that they do not know you.")
        try:
            with transaction():
                staffing.answer_claim(claim.id, grant=grant, by=None, reason=reason)
        except Refused:  # decided a moment ago, in another window or by a moderator
            return render_template("organizations/answer_claim.html", claim=None, form=None), 410
        flash(_("Thank you. We tell them."), "done")
        return redirect(url_for("organizations.show", slug=claim.organization.slug), code=303)
    return render_template("organizations/answer_claim.html", claim=claim, form=form)
