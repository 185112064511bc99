"""Pages of moderators: who waits, and one organization with everything that is known of it."""

from __future__ import annotations

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from app.accounts.session import current_person
from app.core.db import transaction
from app.core.errors import InvalidInput, Refused
from app.core.forms import show_errors, show_reasons
from app.core.i18n import _
from app.core.web import allow
from app.moderation import operations
from app.moderation.forms import DECISION_NAMES, ClaimDecisionForm, DecisionForm
from app.moderation.policy import can_moderate
from app.organizations.claims import find_claim, list_waiting_claims
from app.organizations.models import Claim, Organization
from app.organizations.queries import find_organization, list_members, list_verifications, list_waiting
from app.organizations.roles import ROLE_NAMES

moderation = Blueprint("moderation", __name__, url_prefix="/moderation")
BLUEPRINTS = (moderation,)


@moderation.get("/")
@allow(can_moderate)
def index() -> ResponseReturnValue:
    """Organizations that wait, the longest waiting first."""
    return render_template("moderation/index.html", waiting=list_waiting(), claims=list_waiting_claims())


@moderation.route("/organizations/<slug>", methods=["GET", "POST"])
@allow(can_moderate, load=find_organization)
def organization(organization: Organization) -> ResponseReturnValue:
    """One organization: facts, members, every decision, and the next one."""
    form = DecisionForm()
    form.offer(verified=organization.verified_at is not None, suspended=organization.status == "suspended")
    if form.validate_on_submit():
        try:
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
    )
    return page, 422 if form.errors else 200


def _decide(organization: Organization, form: DecisionForm) -> None:
    person, checked = current_person(), form.checked.data or ""
    match form.decision.data:
        case "verify":
            operations.verify_organization(organization.id, by=person, checked=checked)
        case "decline":
            operations.decline_organization(organization.id, by=person, checked=checked)
        case "withdraw":
            operations.withdraw_verification(organization.id, by=person, checked=checked)
        case "suspend":
            operations.suspend_organization(organization.id, by=person, reason=checked)
        case "resume":
            operations.resume_organization(organization.id, by=person, reason=checked)


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
    return render_template("moderation/claim.html", claim=claim, form=form), 422 if form.errors else 200
