"""Pages of moderators: who waits, and one organization with everything that is known of it."""

from __future__ import annotations

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from app.accounts.own_age import is_asked, keep_age
from app.accounts.session import current_person
from app.core.db import transaction
from app.core.errors import InvalidInput, Refused
from app.core.forms import choices, show_errors, show_reasons
from app.core.i18n import _
from app.core.ids import encode_id
from app.core.web import allow, flash_undo
from app.learning.asked_queries import count_waiting
from app.moderation import merging, operations
from app.moderation.forms import DECISION_NAMES, ClaimDecisionForm, DecisionForm, MergeForm
from app.moderation.policy import can_moderate
from app.organizations.claims import find_claim, find_unclaimed_at, list_rivals, list_waiting_claims
from app.organizations.likeness import REASONS, Alike, compare, list_alike
from app.organizations.models import Claim, Organization
from app.organizations.queries import (
    find_organization,
    find_organization_by_id,
    find_remaining,
    find_role,
    list_members,
    list_verifications,
    list_waiting,
)
from app.organizations.roles import ROLE_NAMES
from app.safeguarding.models import ContactPermission
from app.safeguarding.queries import find_conduct, find_contact_permission, find_profile, list_half_permitted
from app.safeguarding.requirements import parse

moderation = Blueprint("moderation", __name__, url_prefix="/moderation")
BLUEPRINTS = (moderation,)


@moderation.get("/")
@allow(can_moderate)
def index() -> ResponseReturnValue:
    """Organizations that wait, the longest waiting first."""
    return render_template(
        "moderation/index.html",
        waiting=list_waiting(),
        claims=list_waiting_claims(),
        half_permitted=list_half_permitted(),
        asked=count_waiting(),
    )


@moderation.route("/organizations/<slug>", methods=["GET", "POST"])
@allow(can_moderate, load=find_organization)
def organization(organization: Organization) -> ResponseReturnValue:
    """One organization: facts, members, every decision, and the next one."""
    form = DecisionForm()
    permission = find_contact_permission(organization.id)
    form.offer(
        verified=organization.verified_at is not None,
        suspended=organization.status == "suspended",
        claimed=organization.is_claimed,
        contact=_contact_of(permission),
    )
    if not is_asked(current_person()) or "grant_contact" not in form.offered:
        form.ask_no_age()
    if form.validate_on_submit():
        try:
            _keep_age(form)
            with transaction():
                _decide(organization, form)
        except InvalidInput as invalid:
            show_errors(form, invalid)
        except Refused as refused:
            show_reasons(form, refused)
        else:
            flash(_("Recorded."), "done")
            return redirect(url_for("moderation.organization", slug=organization.slug), code=303)
    page = render_template(
        "moderation/organization.html",
        organization=organization,
        form=form,
        role_names=ROLE_NAMES,
        decision_names=DECISION_NAMES,
        members=list_members(organization.id),
        verifications=list_verifications(organization.id),
        remaining=find_remaining(organization),
        permission=permission,
        conduct=find_conduct(organization.id),
        required=[requirement.name for requirement in parse(find_profile(organization.id))],
    )
    return page, 422 if form.errors else 200


def _contact_of(permission: ContactPermission | None) -> str:
    """How far moderators have agreed, as the one who looks may go on (G3)."""
    if permission is None:
        return ""
    if permission.second_at is not None:
        return "granted"
    return "mine" if permission.first_by_id == current_person().id else "proposed"


def _keep_age(form: DecisionForm) -> None:
    """What was said of their age with the one decision that asks for it, whatever becomes of that. Raises InvalidInput at
    "birth_date"."""
    if form.asks_age and form.decision.data == "grant_contact" and form.birth_date.data is not None:
        keep_age(current_person(), form.birth_date.data)
        form.ask_no_age()


def _decide(organization: Organization, form: DecisionForm) -> None:
    person, checked = current_person(), form.checked.data or ""
    match form.decision.data:
        case "verify":
            operations.verify_organization(organization.id, by=person, checked=checked)
        case "decline":
            operations.decline_organization(organization.id, by=person, checked=checked)
        case "withdraw":
            operations.withdraw_verification(organization.id, by=person, checked=checked)
        case "grant_contact":
            operations.grant_contact(organization.id, by=person, checked=checked)
        case "withdraw_contact":
            operations.withdraw_contact(organization.id, by=person, checked=checked)
        case "suspend":
            operations.suspend_organization(organization.id, by=person, reason=checked)
        case "resume":
            operations.resume_organization(organization.id, by=person, reason=checked)


# --- duplicates -----------------------------------------------------------------------------------------------------


@moderation.get("/duplicates")
@allow(can_moderate)
def duplicates() -> ResponseReturnValue:
    """Organizations that may be one and the same, and comparing any two by their addresses."""
    named = [request.args.get(field, "").strip().rstrip("/").rpartition("/")[2] for field in ("one", "other")]
    found = [find_organization(slug) if slug else None for slug in named]
    if found[0] is not None and found[1] is not None and found[0].id != found[1].id:
        target = url_for("moderation.duplicate", one_id=found[0].id, other_id=found[1].id)
        return redirect(target, code=303)
    unknown = [slug for slug, organization in zip(named, found, strict=True) if slug and organization is None]
    page = render_template(
        "moderation/duplicates.html", pairs=list_alike(), words=REASONS, named=named, unknown=unknown,
        same=found[0] is not None and found[1] is not None,
    )  # fmt: skip
    return page, 422 if unknown else 200


def _find_pair(one_id: int, other_id: int) -> Alike | None:
    found = [find_organization_by_id(key) for key in (one_id, other_id)]
    one, other = found
    return None if one is None or other is None or one.id == other.id else compare(one, other)


@moderation.route("/duplicates/<id:one_id>/<id:other_id>", methods=["GET", "POST"])
@allow(can_moderate, load=_find_pair)
def duplicate(pair: Alike) -> ResponseReturnValue:
    """Two organizations beside each other: they are one, or they are two."""
    if pair.first.merged_into_id is not None or pair.second.merged_into_id is not None:
        return render_template("moderation/merged.html", pair=pair)
    form, reasons = MergeForm(with_members=True), []
    sides = {encode_id(one.id): one for one in (pair.first, pair.second)}
    form.remaining.choices = choices((key, one.name) for key, one in sides.items())
    if form.validate_on_submit():
        remaining = sides[form.remaining.data]
        going = pair.second if remaining is pair.first else pair.first
        try:
            with transaction():
                merging.merge_organizations(
                    going.id,
                    remaining.id,
                    by=current_person(),
                    typed_name=form.typed_name.data or "",
                    with_members=form.with_members.data,
                )
        except InvalidInput as invalid:
            show_errors(form, invalid)
        except Refused as refused:
            reasons = refused.reasons
        else:
            flash(_("They are one now: %(name)s.", name=remaining.name), "done")
            return redirect(url_for("moderation.organization", slug=remaining.slug), code=303)
    page = render_template(
        "moderation/duplicate.html",
        pair=pair,
        words=REASONS,
        form=form,
        reasons=reasons,
        sides=[(one, merging.count_belongings(one.id), list_members(one.id)) for one in (pair.first, pair.second)],
        against=[
            (pair.first, merging.reasons_not_to_merge(pair.first, pair.second)),
            (pair.second, merging.reasons_not_to_merge(pair.second, pair.first)),
        ],
        role_names=ROLE_NAMES,
    )
    return page, 409 if reasons else 422 if form.errors else 200


@moderation.post("/duplicates/<id:one_id>/<id:other_id>/different")
@allow(can_moderate, load=_find_pair)
def different(pair: Alike) -> ResponseReturnValue:
    """They are two: nobody is asked again."""
    with transaction():
        merging.call_different(pair.first.id, pair.second.id, by=current_person())
    undo = url_for("moderation.ask_again", one_id=pair.first.id, other_id=pair.second.id)
    flash_undo(_("They are two different organizations. Nobody is asked again."), undo, post=True)
    return redirect(url_for("moderation.duplicates"), code=303)


@moderation.post("/duplicates/<id:one_id>/<id:other_id>/ask-again")
@allow(can_moderate, load=_find_pair)
def ask_again(pair: Alike) -> ResponseReturnValue:
    """Take back that they are two."""
    with transaction():
        merging.ask_again(pair.first.id, pair.second.id, by=current_person())
    return redirect(url_for("moderation.duplicates"), code=303)


@moderation.route("/claims/<id:claim_id>", methods=["GET", "POST"])
@allow(can_moderate, load=find_claim)
def claim(claim: Claim) -> ResponseReturnValue:
    """Who claims which organization, what they say, and the decision."""
    form = ClaimDecisionForm()
    if form.validate_on_submit():
        try:
            with transaction():
                operations.decide_claim(
                    claim.id,
                    by=current_person(),
                    grant=request.form.get("act") == "grant",
                    checked=form.checked.data or "",
                )
        except InvalidInput as invalid:
            show_errors(form, invalid)
        except Refused as refused:
            show_reasons(form, refused)
        else:
            flash(_("Recorded."), "done")
            return redirect(url_for("moderation.index"), code=303)
    page = render_template(
        "moderation/claim.html",
        claim=claim,
        form=form,
        unclaimed_at=find_unclaimed_at(claim.organization_id),
        role=find_role(claim.person, claim.organization_id),
        staff=list_members(claim.organization_id),
        rivals=list_rivals(claim),
        role_names=ROLE_NAMES,
    )
    return page, 422 if form.errors else 200
