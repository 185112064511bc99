"""A minor names who answers for them; that person reads what they agree to, says yes or no, sees what is planned, and may
take it back (G4). The guardian needs no account: the link in their mail is theirs."""

from __future__ import annotations

import functools
from collections.abc import Callable

from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from app.accounts.models import Person
from app.accounts.policy import EVERYWHERE_ADULT_AGE, is_known_minor, majority_age, may_be_minor_somewhere
from app.accounts.session import current_person
from app.core.clock import today
from app.core.db import transaction
from app.core.errors import InvalidInput, Reason, Refused
from app.core.forms import show_errors
from app.core.i18n import _
from app.core.web import public, signed_in
from app.needs.asking import has_contact
from app.needs.forms import CONTACT_NAMES
from app.organizations.models import Organization
from app.organizations.queries import find_organization, find_public_organization
from app.pledges.quantities import with_unit
from app.pledges.queries import list_live_pledges_of
from app.safeguarding import operations, queries
from app.safeguarding.ages import find_limits
from app.safeguarding.forms import GuardianForm, LinkForm
from app.safeguarding.models import Guardianship
from app.safeguarding.policy import guardian_token, is_needed, read_guardian_token
from app.safeguarding.views.blueprint import by_guardian, safeguarding
from app.signups import gate, relations
from app.signups import queries as signups
from app.signups.calendar import describe_area
from app.signups.models import WAITING_STATUSES, Signup
from app.signups.operations import cancel_signup
from app.signups.rules import is_adult

# --- the minor's own page -------------------------------------------------------------------------------------------


@safeguarding.route("/my-guardian", methods=["GET", "POST"])
@signed_in
def my_guardian() -> ResponseReturnValue:
    """Name a guardian, see what they said, name another."""
    person, form = current_person(), GuardianForm()
    reasons: list[Reason] = []
    if form.validate_on_submit():
        try:
            with transaction():
                operations.ask_guardian(
                    person.id,
                    by=person,
                    name=form.name.data or "",
                    email=form.email.data or "",
                    phone=form.phone.data or "",
                )
        except InvalidInput as invalid:
            show_errors(form, invalid)
        except Refused as refused:
            reasons = refused.reasons
        else:
            flash(_("We have written to them. You can sign up once they agree."), "done")
            return redirect(url_for("safeguarding.my_guardian"), code=303)
    guardianship = queries.find_latest_guardianship(person.id)
    shares = queries.list_guardian_shares(guardianship.id) if guardianship is not None else []
    asking = find_organization(request.args.get("organization", ""))
    page = render_template(
        "safeguarding/my_guardian.html",
        # Where a shift is, its own law counts: the gate sends here whoever is no adult there.
        is_minor=may_be_minor_somewhere(person),
        is_minor_at_home=is_known_minor(person),
        knows_age=person.birth_date is not None,
        guardianship=guardianship,
        # What was agreed to before they came of age at home is not taken for what they plan now.
        ended=guardianship is not None and guardianship.status == "consented" and not is_needed(guardianship),
        shares=shares,
        # Which organization the page of a shift sent them for.
        asking=asking if asking is not None and asking.is_public else None,
        form=form,
        reasons=reasons,
        majority=_ends_at(person),
        zone=person.time_zone or "UTC",
    )
    return page, 409 if reasons else 422 if form.errors else 200


@safeguarding.post("/my-guardian/organizations/<slug>")
@signed_in(load=find_public_organization)
def share_guardian(organization: Organization) -> ResponseReturnValue:
    """Let an organization speak to one's guardian."""
    try:
        with transaction():
            operations.share_guardian(organization.id, by=current_person())
    except Refused as refused:
        flash(refused.reasons[0].message, "problem")
    else:
        said = _("%(name)s may speak to your guardian now. Tell them that you wait.", name=organization.name)
        flash(said, "done")
    return redirect(url_for("safeguarding.my_guardian"), code=303)


def _find_let_in(slug: str) -> Organization | None:
    """An organization that may speak to one's guardian, or None: whether there is another is not told here."""
    guardianship = queries.find_latest_guardianship(current_person().id)
    shares = queries.list_guardian_shares(guardianship.id) if guardianship is not None else []
    return next((share.organization for share in shares if share.organization.slug == slug), None)


@safeguarding.post("/my-guardian/organizations/<slug>/remove")
@signed_in(load=_find_let_in)
def unshare_guardian(organization: Organization) -> ResponseReturnValue:
    """Take that back."""
    with transaction():
        operations.unshare_guardian(organization.id, by=current_person())
    flash(_("Taken back."), "done")
    return redirect(url_for("safeguarding.my_guardian"), code=303)


@safeguarding.post("/my-guardian/send-again")
@signed_in
def send_guardian_again() -> ResponseReturnValue:
    """The mail to the guardian once more."""
    person = current_person()
    guardianship = queries.find_live_guardianship(person.id)
    if guardianship is not None:
        with transaction():
            operations.send_guardian_link_again(guardianship.id, by=person)
        flash(_("We have written to them again."), "done")
    return redirect(url_for("safeguarding.my_guardian"), code=303)


# --- the guardian's page, by the link in their mail -----------------------------------------------------------------


def _find_guardianship(guardian_token: str) -> Guardianship | None:
    key = read_guardian_token(guardian_token)
    return None if key is None else queries.find_guardianship(key)


def _is_dead(guardianship: Guardianship) -> bool:
    """True when the link opens nothing any more: the minor named somebody else, or is an adult for all that they have planned."""
    return guardianship.status == "replaced" or not relations.list_answering([guardianship])


def _ends_at(minor: Person) -> int:
    """The age at which a guardian named today is needed no more."""
    return majority_age(minor.country) if is_known_minor(minor) else EVERYWHERE_ADULT_AGE


def _concerns(signup: Signup) -> bool:
    """True when the guardian's word counts for this place: a guardian whom an adult names for places elsewhere is told of
    those alone."""
    return is_known_minor(signup.person) or not is_adult(signup.shift, signup.person)


@by_guardian.get("/guardians/<guardian_token>")
@public(load=_find_guardianship)
def guardian(guardianship: Guardianship) -> ResponseReturnValue:
    """What the guardian agrees to, and what is planned. Never an exact address (N6)."""
    return _page(guardianship)


def _page(
    guardianship: Guardianship, reasons: list[Reason] | None = None, *, last: Signup | None = None
) -> ResponseReturnValue:
    """`last`: the place that the guardian ended with this answer, after which nothing rests on their word."""
    minor, dead = guardianship.person, _is_dead(guardianship)
    consented = guardianship.status == "consented" and not dead
    places = [place for place in signups.list_live_signups_of(minor.id) if _concerns(place)] if consented else []
    refused = gate.list_refusals(places)
    page = render_template(
        "safeguarding/by_guardian.html",
        guardianship=guardianship,
        minor=minor,
        dead=dead,
        token=guardian_token(guardianship),
        limits=_limits_of(minor),
        majority=_ends_at(minor),
        minor_at_home=is_known_minor(minor),
        ended=not is_needed(guardianship),
        places=[(place, describe_area(place.shift.need), _meets(place), place.id not in refused) for place in places],
        pledges=[
            (each, with_unit(each.quantity, each.item), describe_area(each.item.need))
            for each in (list_live_pledges_of(minor.id) if consented and is_known_minor(minor) else [])
        ],
        waits=_is_turn,
        last=last,
        form=LinkForm(),
        reasons=reasons or [],
    )
    return page, 409 if reasons else 410 if dead and last is None else 200


def _limits_of(minor: Person) -> tuple[int, object] | None:
    """At most so many hours, and between which times: as the law of where they are has it at their age today."""
    if minor.birth_date is None:
        return None
    limits = find_limits(minor.birth_date, today("UTC"), minor.country)
    return int(limits.longest.total_seconds() // 3600), limits


def _meets(place: Signup) -> str:
    shift = place.shift
    return str(CONTACT_NAMES[shift.contact]) if has_contact(shift) else ""


def _is_turn(place: Signup) -> bool:
    """True for what is, or was when it ended, a turn on the waitlist or an offer, and no place."""
    return (place.was if place.status == "cancelled" else place.status) in WAITING_STATUSES


def _act(guardianship: Guardianship, act: Callable[[], object]) -> ResponseReturnValue:
    if _is_dead(guardianship):
        return _page(guardianship)
    try:
        with transaction():
            act()
    except Refused as refused:
        return _page(guardianship, refused.reasons)
    return redirect(url_for("by_guardian.guardian", guardian_token=guardian_token(guardianship)), code=303)


@by_guardian.post("/guardians/<guardian_token>/answer")
@public(load=_find_guardianship)
def answer(guardianship: Guardianship) -> ResponseReturnValue:
    """Yes or no: buttons, because a mail scanner presses neither."""
    said = request.form.get("act")
    if said not in ("yes", "no") or not LinkForm().validate():
        return _page(guardianship)
    return _act(
        guardianship, functools.partial(operations.answer_guardianship, guardianship.id, consents=said == "yes")
    )


@by_guardian.post("/guardians/<guardian_token>/withdraw")
@public(load=_find_guardianship)
def withdraw(guardianship: Guardianship) -> ResponseReturnValue:
    """Take the word back: everything of the minor that is ahead ends."""
    return _act(guardianship, functools.partial(operations.withdraw_guardianship, guardianship.id))


def _find_place(guardian_token: str, signup_id: int) -> tuple[Guardianship, Signup] | None:
    guardianship, signup = _find_guardianship(guardian_token), signups.find_signup(signup_id)
    if guardianship is None or signup is None or signup.person_id != guardianship.person_id:
        return None
    return (guardianship, signup) if guardianship.status == "consented" and _concerns(signup) else None


@by_guardian.post("/guardians/<guardian_token>/places/<id:signup_id>/cancel")
@public(load=_find_place)
def cancel_place(found: tuple[Guardianship, Signup]) -> ResponseReturnValue:
    """One place, or turn on a waitlist, ends; the minor hears of it by mail. Where nothing rests on the guardian's word any more
    by that, the link is dead from then on, and says here what was done."""
    guardianship, signup = found
    answered = _act(guardianship, functools.partial(cancel_signup, signup.id, by=None, reason="by_guardian"))
    ended = signups.find_signup(signup.id)
    if ended is not None and ended.status == "cancelled" and _is_dead(guardianship):
        return _page(guardianship, last=ended)
    return answered
