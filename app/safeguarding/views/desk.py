"""The staff's desk of clearances, for owners and managers: what ends, what people say is wrong, what is recorded, what is
waived, and whose guardian somebody still has to speak to."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import Any

from flask import abort, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from app.accounts.models import Person
from app.accounts.own_age import is_asked, keep_age
from app.accounts.session import current_person
from app.core.clock import today
from app.core.db import transaction
from app.core.errors import InvalidInput, Reason, Refused
from app.core.forms import show_errors
from app.core.i18n import _, ngettext
from app.core.ids import decode_id, encode_id
from app.core.paging import Page
from app.core.text import line
from app.core.web import allow
from app.organizations.models import Organization
from app.organizations.queries import find_organization
from app.safeguarding import operations, queries
from app.safeguarding.catalogue import list_choices
from app.safeguarding.forms import (
    MEANS_NAMES,
    AgreeForm,
    ExemptionForm,
    FindForm,
    MeansForm,
    RecordForm,
    RevokeForm,
    VouchingForm,
)
from app.safeguarding.kinds import find_level
from app.safeguarding.models import Clearance, Exemption, Guardianship
from app.safeguarding.operations.exemptions import NEVER_WAIVED
from app.safeguarding.policy import can_keep_clearance, can_keep_clearances
from app.safeguarding.standing import list_renewed
from app.safeguarding.views.blueprint import safeguarding
from app.safeguarding.views.words import lacks_consent, name_of, state_of
from app.signups import relations

PAGE_SIZE = 50
# A code of conduct is accepted by the person alone.
ACCEPTED_ALONE = ("code_of_conduct",)


def _asks_age() -> bool:
    """True while it is not known whether who is signed in is an adult: a form asks for it with the act."""
    return is_asked(current_person())


def _keep_age(form: VouchingForm) -> None:
    """What was said of their age with the act, whatever becomes of it. Raises InvalidInput at "birth_date"."""
    if form.asks_age:
        keep_age(current_person(), form.birth_date.data)
        form.ask_no_age()


def _find_asked(organization: Organization) -> Clearance | None:
    """Whom `of` in the address means, by something the organization knows of them; 404 for anything else."""
    asked = request.args.get("of")
    if asked is None:
        return None
    key = decode_id(asked)
    known = None if key is None else queries.find_known_clearance(organization.id, key)
    if known is None:
        abort(404)
    return known


@safeguarding.get("/manage/<slug>/clearances")
@allow(can_keep_clearances, load=find_organization)
def desk(organization: Organization) -> ResponseReturnValue:
    """Everything that waits for somebody, and what is recorded; with `of`, something recorded, of that person only."""
    known = _find_asked(organization)
    return _desk(organization, FindForm(formdata=None, email=known.person.email if known else ""), known)


@safeguarding.post("/manage/<slug>/clearances")
@allow(can_keep_clearances, load=find_organization)
def find(organization: Organization) -> ResponseReturnValue:
    """One person's, by their address, which is sent and stands in no address of a page."""
    form = FindForm()
    if not form.validate():
        return _desk(organization, form, None), 422
    found = queries.list_clearances_for(organization.id, email=form.email.data or "", limit=1).rows
    if found:
        return redirect(url_for("safeguarding.desk", slug=organization.slug, of=encode_id(found[0].id)), code=303)
    return _desk(organization, form, None, nobody=True)


def _desk(organization: Organization, form: FindForm, known: Clearance | None, *, nobody: bool = False) -> str:
    """The desk, or what is recorded of the person that `known` is about. `nobody`: nothing is, of whoever was asked for."""
    cursor = request.args.get("cursor")
    of = None if known is None else encode_id(known.id)
    page: Page[Clearance] = Page([], None)
    if not nobody:
        person_id = None if known is None else known.person_id
        page = queries.list_clearances_for(organization.id, cursor, person_id=person_id, limit=PAGE_SIZE)
    first = known is None and not nobody and not cursor
    day = today(organization.time_zone)
    others = {each.organization_id for each in page.rows if each.organization_id not in (None, organization.id)}
    guardians_from = request.args.get("guardians")
    guardians: Page[relations.KnownGuardian] = Page([], None)
    if first:
        guardians = relations.list_guardians(organization.id, guardians_from)
    return render_template(
        "safeguarding/desk.html",
        organization=organization,
        form=form,
        email=(form.email.data or "") if known is not None or nobody else "",
        nobody=nobody,
        of=of,
        page=page,
        following=url_for("safeguarding.desk", slug=organization.slug, of=of, cursor=page.next_cursor)
        if page.next_cursor
        else None,
        first_url=url_for("safeguarding.desk", slug=organization.slug, of=of) if cursor else None,
        name_of=name_of,
        lacks_consent=lacks_consent,
        unvetted=queries.list_unvetted({key for key in others if key is not None}),
        state_of=lambda clearance: state_of(clearance, day),
        ending=_list_ending(organization, day) if first else [],
        objected=queries.list_objected(organization.id) if first else [],
        exemptions=queries.list_exemptions(organization) if first else [],
        guardians=guardians.rows,
        more_guardians=url_for("safeguarding.desk", slug=organization.slug, guardians=guardians.next_cursor)
        if guardians.next_cursor
        else None,
        first_guardians=url_for("safeguarding.desk", slug=organization.slug) if guardians_from else None,
        means=MEANS_NAMES,
        viewer_id=current_person().id,
        asks_age=_asks_age(),
    )


def _list_ending(organization: Organization, day: dt.date) -> list[tuple[Clearance, tuple[str, bool]]]:
    """What somebody has to renew, the soonest first: nothing that another one outlasts."""
    ending = queries.list_ending(organization)
    renewed = list_renewed([(each, organization.id) for each in ending])
    return [(each, _left(each, day)) for each in ending if (each.id, organization.id) not in renewed]


def _left(clearance: Clearance, day: dt.date) -> tuple[str, bool]:
    """How long it still holds, in words, and whether that is pressing."""
    if clearance.expires_on is None or clearance.expires_on < day:
        return _("Ended"), True
    days = (clearance.expires_on - day).days
    return (
        (_("Today is the last day"), True)
        if not days
        else (ngettext("%(num)s day left", "%(num)s days left", days), days <= 7)
    )


@safeguarding.route("/manage/<slug>/clearances/new", methods=["GET", "POST"])
@allow(can_keep_clearances, load=find_organization)
def record(organization: Organization) -> ResponseReturnValue:
    """Record what was seen about somebody else: with `of`, of whom something is known already, or begun at the desk with
    the address that was typed there."""
    begun = request.method == "POST" and "begin" in request.form
    known = _find_asked(organization)
    email = (line(request.form.get("email")) or "")[:254] if begun else known.person.email if known else ""
    asks_age = _asks_age()
    form = RecordForm(None, email=email, asks_age=asks_age) if begun else RecordForm(email=email, asks_age=asks_age)
    names = {"reference": _("One reference (two people are asked for)")}
    form.what.choices = list_choices(organization.country, without=ACCEPTED_ALONE, names=names)
    reasons: list[Reason] = []
    if not begun and form.validate_on_submit() and _says_what_the_law_asks(form):
        kind, _colon, level = form.what.data.partition(":")
        try:
            _keep_age(form)
            with transaction():
                made = operations.record_clearance(
                    organization.id,
                    by=current_person(),
                    email=form.email.data or "",
                    kind=kind,
                    level=level,
                    issuer=form.issuer.data or "",
                    reference=form.reference.data or "",
                    outcome=form.outcome.data,
                    issued_on=form.issued_on.data,
                    expires_on=form.expires_on.data,
                    # The box says that it was before the check was made: on that day at the latest.
                    consented_on=form.issued_on.data if _asks_consent(kind, level) else None,
                    role_eligible=bool(form.eligible.data),
                )
                text = _("Recorded for %(name)s, who hears of it by email.", name=made.person.name)
                of = encode_id(made.id)
        except InvalidInput as invalid:
            show_errors(form, InvalidInput({_field_of(name): said for name, said in invalid.errors.items()}))
        except Refused as refused:
            reasons = refused.reasons
        else:
            flash(text, "done")
            return redirect(url_for("safeguarding.desk", slug=organization.slug, of=of), code=303)
    page = render_template("safeguarding/record.html", organization=organization, form=form, reasons=reasons)
    return page, 409 if reasons else 422 if form.errors else 200


def _field_of(name: str) -> str:
    """An operation knows kind and level; the form asks for both at once."""
    return {"kind": "what", "level": "what", "consented_on": "agreed"}.get(name, name)


def _asks_consent(kind: str, code: str) -> bool:
    level = find_level(kind, code)
    return level is not None and level.consent_first


def _says_what_the_law_asks(form: RecordForm) -> bool:
    """False, with the message at the box, when the check chosen needs a statement that was not made."""
    kind, _colon, code = form.what.data.partition(":")
    level = find_level(kind, code)
    if level is not None and level.consent_first and not form.agreed.data:
        form.agreed.errors = [
            _("This check is recorded only when they agreed to it and were told of their right first")
        ]
    if level is not None and level.contacts and not form.eligible.data:
        form.eligible.errors = [_("State that the law lets the role ask for this level, or choose a lower one")]
    return not form.errors


def _find_kept(slug: str, clearance_id: int) -> Clearance | None:
    clearance = queries.find_clearance(clearance_id)
    kept = clearance is not None and clearance.organization is not None and clearance.organization.slug == slug
    return clearance if kept else None


@safeguarding.route("/manage/<slug>/clearances/<id:clearance_id>/revoke", methods=["GET", "POST"])
@allow(can_keep_clearance, load=_find_kept)
def revoke(clearance: Clearance) -> ResponseReturnValue:
    """It does not hold any more, after saying what that means."""
    vouches = clearance.outcome != "accepted"
    form, organization = RevokeForm(asks_age=vouches and _asks_age()), clearance.organization
    slug = "" if organization is None else organization.slug
    reasons: list[Reason] = []
    if form.validate_on_submit():
        try:
            _keep_age(form)
            with transaction():
                operations.revoke_clearance(clearance.id, by=current_person(), reason=form.reason.data or "")
        except InvalidInput as invalid:
            show_errors(form, invalid)
        except Refused as refused:
            reasons = refused.reasons
        else:
            flash(_("It does not hold any more. They were told, and places that rest on it end."), "done")
            return redirect(url_for("safeguarding.desk", slug=slug), code=303)
    page = render_template(
        "safeguarding/revoke.html",
        organization=organization,
        clearance=clearance,
        name=name_of(clearance),
        form=form,
        reasons=reasons,
        revoked=clearance.revoked_at is not None,
    )
    return page, 409 if reasons else 422 if form.errors else 200


# --- exemptions -----------------------------------------------------------------------------------------------------


@safeguarding.route("/manage/<slug>/exemptions/new", methods=["GET", "POST"])
@allow(can_keep_clearances, load=find_organization)
def ask_exemption(organization: Organization) -> ResponseReturnValue:
    """Ask to waive something for somebody for a time; a second person agrees."""
    form = ExemptionForm(starts_on=today(organization.time_zone), asks_age=_asks_age())
    form.what.choices = list_choices(organization.country, without=NEVER_WAIVED)
    reasons: list[Reason] = []
    if form.validate_on_submit() and form.starts_on.data and form.ends_on.data:
        kind, _colon, level = form.what.data.partition(":")
        try:
            _keep_age(form)
            with transaction():
                operations.ask_exemption(
                    organization.id,
                    by=current_person(),
                    email=form.email.data or "",
                    kind=kind,
                    level=level,
                    reason=form.reason.data or "",
                    starts_on=form.starts_on.data,
                    ends_on=form.ends_on.data,
                )
        except InvalidInput as invalid:
            show_errors(form, InvalidInput({_field_of(name): said for name, said in invalid.errors.items()}))
        except Refused as refused:
            reasons = refused.reasons
        else:
            flash(_("Asked. It holds once another owner or manager agrees."), "done")
            return redirect(url_for("safeguarding.desk", slug=organization.slug) + "#exemptions", code=303)
    page = render_template("safeguarding/exemption.html", organization=organization, form=form, reasons=reasons)
    return page, 409 if reasons else 422 if form.errors else 200


def _find_exemption(slug: str, exemption_id: int) -> Exemption | None:
    exemption = queries.find_exemption(exemption_id)
    return exemption if exemption is not None and exemption.organization.slug == slug else None


def _can_keep_exemption(person: Person | None, exemption: Exemption) -> bool:
    return can_keep_clearances(person, exemption.organization)


def _answer(exemption: Exemption, act: Callable[..., Exemption], done: str) -> ResponseReturnValue:
    with transaction():
        act(exemption.id, by=current_person())
    flash(done, "done")
    return redirect(url_for("safeguarding.desk", slug=exemption.organization.slug) + "#exemptions", code=303)


@safeguarding.route("/manage/<slug>/exemptions/<id:exemption_id>/agree", methods=["GET", "POST"])
@allow(_can_keep_exemption, load=_find_exemption)
def agree_exemption(exemption: Exemption) -> ResponseReturnValue:
    """The second of the two: a button at the desk, and a page of its own for whoever says their age with it."""
    form = AgreeForm(asks_age=_asks_age())
    reasons: list[Reason] = []
    if form.validate_on_submit():
        try:
            _keep_age(form)
            return _answer(exemption, operations.agree_exemption, _("Agreed. It holds now."))
        except InvalidInput as invalid:
            show_errors(form, invalid)
        except Refused as refused:
            reasons = refused.reasons
    page = render_template(
        "safeguarding/agree.html",
        organization=exemption.organization,
        exemption=exemption,
        name=name_of(exemption),
        form=form,
        reasons=reasons,
    )
    return page, 409 if reasons else 422 if form.errors else 200


@safeguarding.post("/manage/<slug>/exemptions/<id:exemption_id>/end")
@allow(_can_keep_exemption, load=_find_exemption)
def end_exemption(exemption: Exemption) -> ResponseReturnValue:
    """It holds no longer, or is not agreed to."""
    return _answer(exemption, operations.end_exemption, _("Ended. Places that rest on it are asked again."))


# --- guardians ------------------------------------------------------------------------------------------------------


class _Asked:
    """A guardian whom an organization speaks to."""

    def __init__(self, organization: Organization, guardianship: Guardianship) -> None:
        self.organization, self.guardianship = organization, guardianship


def _find_guardian(slug: str, guardianship_id: int) -> _Asked | None:
    """Only of a minor who has to do with the organization: nobody else's telephone is told (G4)."""
    organization = find_organization(slug)
    if organization is None:
        return None
    found = relations.find_guardian(organization.id, guardianship_id)
    return None if found is None else _Asked(organization, found.guardianship)


def _can_speak(person: Person | None, asked: _Asked) -> bool:
    return (
        person is not None
        and can_keep_clearances(person, asked.organization)
        and asked.guardianship.person_id != person.id
    )


@safeguarding.route("/manage/<slug>/guardians/<id:guardianship_id>", methods=["GET", "POST"])
@allow(_can_speak, load=_find_guardian)
def guardian(asked: _Asked) -> ResponseReturnValue:
    """Whom to call before a minor works with children or adults at risk, and that it was done."""
    organization, guardianship = asked.organization, asked.guardianship
    form = MeansForm(asks_age=_asks_age())
    reasons: list[Reason] = []
    if form.validate_on_submit():
        try:
            _keep_age(form)
            with transaction():
                operations.confirm_guardian(
                    guardianship.id,
                    organization.id,
                    by=current_person(),
                    means=form.means.data,
                    known=lambda: relations.find_guardian(organization.id, guardianship.id) is not None,
                )
        except InvalidInput as invalid:
            show_errors(form, invalid)
        except Refused as refused:
            reasons = refused.reasons
        else:
            flash(_("Noted: you have spoken to the guardian of %(name)s.", name=guardianship.person.name), "done")
            return redirect(url_for("safeguarding.desk", slug=organization.slug) + "#guardians", code=303)
    values: dict[str, Any] = {"organization": organization, "guardianship": guardianship, "form": form}
    confirmed = queries.find_confirmation(guardianship.id, organization.id)
    page = render_template("safeguarding/guardian.html", confirmed=confirmed, reasons=reasons, **values)
    return page, 409 if reasons else 422 if form.errors else 200
