"""What belongs to a fundraiser's page besides its story: news, pictures, the team, donors' messages, gifts in person and
sponsors."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from typing import Any

from flask import Blueprint, Response, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import get_locale
from werkzeug.exceptions import RequestEntityTooLarge
from wtforms import StringField

from app.accounts.session import current_person, find_current_person
from app.core import pictures
from app.core.clock import today
from app.core.db import transaction
from app.core.errors import InvalidInput, Refused
from app.core.forms import PageForm, SelectChoice, show_errors, show_reasons
from app.core.i18n import _
from app.core.ids import encode_id
from app.core.limits import network
from app.core.markdown import render_markdown
from app.core.money import BadAmount, Money, explain, parse_money
from app.core.web import allow, public, settings
from app.donations import matching, messages, page_parts
from app.donations.models import Donation
from app.donations.operations import offline
from app.donations.operations.giving import form_key
from app.donations.queries import find_donation, parts_to_show
from app.fundraisers import matching as promising
from app.fundraisers import operations, policy, teams, updates
from app.fundraisers import pictures as showing
from app.fundraisers.forms import OverflowForm
from app.fundraisers.models import Fundraiser, FundraiserPicture, FundraiserUpdate, MatchingGift
from app.fundraisers.queries import (
    find_fundraiser,
    find_fundraiser_of,
    find_match_of,
    find_picture_of,
    find_shown_picture,
)
from app.organizations.models import Organization
from app.organizations.policy import can_manage_listings
from app.organizations.queries import find_organization
from app.pages.fundraising_forms import (
    CaptainForm,
    HideForm,
    MatchForm,
    MatchPaidForm,
    OfflineForm,
    PictureForm,
    RemovePictureForm,
    ReportForm,
    UpdateForm,
)

fundraising = Blueprint("fundraising", __name__)


def _find_in_sight(slug: str) -> Fundraiser | None:
    found = find_fundraiser(slug)
    return found if found is not None and policy.can_see(find_current_person(), found) else None


def _money_of(field: StringField, currency: str) -> Money | None:
    """The amount typed; None with the message put at its field."""
    locale = str(get_locale())
    try:
        return parse_money(field.data or "", currency, locale)
    except BadAmount as bad:
        field.errors = [*field.errors, explain(bad, currency, locale)]
        return None


def _attempt(form: PageForm, act: Callable[[], object]) -> int:
    """Do it in one transaction; 0, or the status to answer with and the messages at their fields."""
    try:
        with transaction():
            act()
    except InvalidInput as invalid:
        show_errors(form, invalid)
        return 422
    except Refused as refused:
        show_reasons(form, refused)
        return 409
    return 0


# --- news -----------------------------------------------------------------------------------------------------------


@fundraising.get("/fundraisers/<slug>/updates")
@public(load=_find_in_sight)
def all_updates(fundraiser: Fundraiser) -> ResponseReturnValue:
    """Everything that was new, newest first."""
    viewer = find_current_person()
    rows = page_parts.list_updates(fundraiser.id, limit=200)
    return render_template(
        "fundraisers/updates.html",
        fundraiser=fundraiser,
        updates=[(row, render_markdown(row.body)) for row in rows],
        may_post=viewer is not None and policy.can_post_update(viewer, fundraiser),
    )


@fundraising.route("/fundraisers/<slug>/updates/new", methods=["GET", "POST"])
@allow(policy.can_post_update, load=find_fundraiser)
def new_update(fundraiser: Fundraiser) -> ResponseReturnValue:
    """Say what is new."""
    form, slug, key = UpdateForm(), fundraiser.slug, fundraiser.id
    code = 200
    if request.method == "POST":
        code = 422
        if form.validate():
            title, body = form.title.data or "", form.body.data or ""
            code = _attempt(form, lambda: updates.post_update(key, by=current_person(), title=title, body=body))
        if not code:
            flash(_("Published"))
            return redirect(url_for("fundraisers.show", slug=slug) + "#updates", code=303)
    return render_template("fundraisers/new_update.html", fundraiser=find_fundraiser(slug), form=form), code


def _load_update(slug: str, update_id: int) -> FundraiserUpdate | None:
    return page_parts.find_update(slug, update_id)


def _may_withdraw(_person: object, update: FundraiserUpdate) -> bool:
    return policy.can_tend(current_person(), update.fundraiser)


@fundraising.post("/fundraisers/<slug>/updates/<id:update_id>/withdraw")
@allow(_may_withdraw, load=_load_update)
def withdraw_update(update: FundraiserUpdate) -> ResponseReturnValue:
    """Take it back: nobody reads it any more."""
    slug, key = update.fundraiser.slug, update.id
    with transaction():
        updates.withdraw_update(key, by=current_person())
    flash(_("Taken back"))
    return redirect(url_for("fundraising.all_updates", slug=slug), code=303)


# --- pictures -------------------------------------------------------------------------------------------------------


@fundraising.url_value_preprocessor
def allow_a_picture(endpoint: str | None, _values: dict[str, object] | None) -> None:
    """One page takes much more than a picture may be, so that the field can say so."""
    if endpoint == "fundraising.all_pictures":
        request.max_content_length = pictures.MAXIMUM_FORM


@fundraising.errorhandler(RequestEntityTooLarge)
def say_too_large(error: RequestEntityTooLarge) -> ResponseReturnValue:
    """What was sent was not even read; the page says so at the field."""
    slug = (request.view_args or {}).get("slug")
    if request.endpoint != "fundraising.all_pictures" or slug is None:
        return error
    return redirect(url_for("fundraising.all_pictures", slug=slug, too_large="1"), code=303)


@fundraising.route("/fundraisers/<slug>/pictures", methods=["GET", "POST"])
@allow(policy.can_tend, load=find_fundraiser)
def all_pictures(fundraiser: Fundraiser) -> ResponseReturnValue:
    """What pictures the page shows; add one."""
    form, slug, key = PictureForm(), fundraiser.slug, fundraiser.id
    code = 200
    if request.method == "POST":
        code = 422
        if form.validate() and not _add_picture(form, key):
            flash(_("Shown on the page"))
            return redirect(url_for("fundraising.all_pictures", slug=slug), code=303)
    elif request.args.get("too_large"):
        form.picture.errors, code = [pictures.too_large()], 422
    return render_template(
        "fundraisers/pictures.html",
        fundraiser=find_fundraiser(slug),
        pictures=page_parts.list_pictures(key),
        form=form,
        remove=RemovePictureForm(formdata=None),
    ), code


def _add_picture(form: PictureForm, fundraiser_id: int) -> int:
    """Draw it anew, outside of any transaction, and show it; 0, or the messages at their fields."""
    if not form.picture.data:
        form.picture.errors = [_("Choose a picture")]
        return 422
    try:
        sent = form.picture.data.stream.read(pictures.MAXIMUM_BYTES + 1)
        picture = pictures.reencode(sent, box=showing.BOX, photo=True)
    except Refused as refused:
        form.picture.errors = [reason.message for reason in refused.reasons]
        return 422
    return _attempt(
        form,
        lambda: showing.add_picture(
            fundraiser_id,
            picture,
            by=current_person(),
            alt=form.alt.data or "",
            shows_children=bool(form.shows_children.data),
            consent=form.consent.data or "",
        ),
    )


def _may_remove(_person: object, picture: FundraiserPicture) -> bool:
    return policy.can_tend(current_person(), picture.fundraiser)


@fundraising.post("/fundraisers/<slug>/pictures/<id:picture_id>/remove")
@allow(_may_remove, load=find_picture_of)
def remove_picture(picture: FundraiserPicture) -> ResponseReturnValue:
    """It is gone at once."""
    form, slug, key = RemovePictureForm(), picture.fundraiser.slug, picture.id
    with transaction():
        showing.remove_picture(key, by=current_person(), consent_withdrawn=bool(form.consent_withdrawn.data))
    flash(_("The picture is gone"))
    return redirect(url_for("fundraising.all_pictures", slug=slug), code=303)


def _load_picture(slug: str, picture_digest: str) -> FundraiserPicture | None:
    fundraiser = _find_in_sight(slug)
    return None if fundraiser is None else find_shown_picture(fundraiser.id, picture_digest)


@fundraising.get("/fundraisers/<slug>/picture/<picture_digest>")
@public(load=_load_picture)
def picture(picture: FundraiserPicture) -> ResponseReturnValue:
    """A picture of the page, while it is shown: asked for anew each time, since a consent may be withdrawn (G8)."""
    content = picture.content or b""
    response = Response(content, content_type=pictures.content_type(content))
    response.set_etag(picture.digest)
    shown = policy.is_visible(picture.fundraiser)
    response.headers["Cache-Control"] = "public, no-cache" if shown else "private, no-store"
    response.headers["Content-Disposition"] = "inline"
    response.headers["Content-Security-Policy"] = "default-src 'none'; sandbox; frame-ancestors 'none'"
    return response.make_conditional(request)


# --- the team -------------------------------------------------------------------------------------------------------


@fundraising.route("/fundraisers/<slug>/team", methods=["GET", "POST"])
@allow(policy.can_lead, load=find_fundraiser)
def team(fundraiser: Fundraiser) -> ResponseReturnValue:
    """Who is part of the team; hand it over to another captain."""
    form, slug, key = CaptainForm(), fundraiser.slug, fundraiser.id
    members = page_parts.list_member_pages(key)
    form.page.choices = [
        SelectChoice(member.slug, f"{member.started_by.name}: {member.title}")
        for member in members
        if member.status == "live" and member.started_by_id != fundraiser.started_by_id
    ]
    code = 200
    if request.method == "POST":
        code = 422
        if form.validate():
            chosen = next(member.id for member in members if member.slug == form.page.data)
            code = _attempt(form, lambda: teams.hand_over_team(key, by=current_person(), to_page_id=chosen))
        if not code:
            flash(_("The team has another captain"))
            return redirect(url_for("fundraisers.show", slug=slug), code=303)
    return render_template(
        "fundraisers/team.html", fundraiser=find_fundraiser(slug), members=page_parts.list_member_pages(key), form=form
    ), code


@fundraising.post("/fundraisers/<slug>/leave")
@allow(policy.can_leave, load=find_fundraiser)
def leave(fundraiser: Fundraiser) -> ResponseReturnValue:
    """The page goes on without the team."""
    slug, key, team_slug = fundraiser.slug, fundraiser.id, fundraiser.team.slug if fundraiser.team else ""
    own = fundraiser.started_by_id == current_person().id
    with transaction():
        teams.leave_team(key, by=current_person())
    flash(_("The page is not part of the team any more. What was given stays counted with the team"))
    target = url_for("fundraisers.show", slug=slug) if own else url_for("fundraising.team", slug=team_slug)
    return redirect(target, code=303)


# --- messages -------------------------------------------------------------------------------------------------------


@fundraising.get("/fundraisers/<slug>/messages")
@allow(policy.can_look_after_words, load=find_fundraiser)
def all_messages(fundraiser: Fundraiser) -> ResponseReturnValue:
    """What donors wrote, and names that somebody should look at: reported and hidden ones first."""
    return _words_page(fundraiser, page_parts.list_messages(fundraiser.id))


def _words_page(fundraiser: Fundraiser, rows: list[page_parts.Message], *, is_one: bool = False) -> ResponseReturnValue:
    role = messages.role_of(current_person(), fundraiser)
    return render_template(
        "fundraisers/messages.html",
        fundraiser=fundraiser,
        messages=rows,
        is_one=is_one,
        may_show=lambda hidden_by: messages.may_show(role, hidden_by),
    )


def _load_gift(slug: str, gift_id: int) -> Donation | None:
    found = find_donation(gift_id)
    return found if found is not None and found.fundraiser.slug == slug else None


def _load_message(slug: str, message_id: int) -> Donation | None:
    found = _load_gift(slug, message_id)
    return found if found is not None and parts_to_show(found) else None


def _may_look_after(_person: object, donation: Donation) -> bool:
    return policy.can_look_after_words(current_person(), donation.fundraiser)


@fundraising.get("/fundraisers/<slug>/messages/<id:message_id>")
@allow(_may_look_after, load=_load_message)
def one_message(donation: Donation) -> ResponseReturnValue:
    """What one donor wrote, and the name they show."""
    return _words_page(donation.fundraiser, [page_parts.message_of(donation)], is_one=True)


@fundraising.post("/fundraisers/<slug>/messages/<id:message_id>")
@allow(_may_look_after, load=_load_message)
def moderate(donation: Donation) -> ResponseReturnValue:
    """Show a message, or a name, or keep it from the page."""
    form, slug, key = HideForm(), donation.fundraiser.slug, donation.id
    if form.validate():
        person, reason, part = current_person(), form.reason.data or "", form.part.data or "message"
        with transaction():
            if form.act.data == "show":
                messages.show_message(key, by=person, part=part)
            else:
                messages.hide_message(key, by=person, reason=reason, part=part)
        flash(_("Saved"))
    return redirect(url_for("fundraising.all_messages", slug=slug), code=303)


def _parts_read(donation: Donation) -> list[str]:
    """What of a gift the public reads."""
    return [part for part in parts_to_show(donation) if not donation.hider_of(part)]


def _load_shown_message(slug: str, message_id: int) -> Donation | None:
    """A gift of which the public reads what was typed."""
    found = _load_message(slug, message_id)
    shown = found is not None and policy.is_visible(found.fundraiser) and found.status == "paid"
    return found if found is not None and shown and _parts_read(found) else None


@fundraising.route("/fundraisers/<slug>/messages/<id:message_id>/report", methods=["GET", "POST"])
@public(load=_load_shown_message)
def report(donation: Donation) -> ResponseReturnValue:
    """Say that a message, or a name, should not be there; no account is needed."""
    form, slug, key = ReportForm(), donation.fundraiser.slug, donation.id
    parts = _parts_read(donation)
    asked: list[Any] = list(form.part.choices or ())
    form.part.choices = [choice for choice in asked if choice.value in parts]
    if form.part.data not in parts:
        form.part.data = parts[0]
    if request.method == "POST" and form.validate():
        part = form.part.data
        with transaction():
            by, reason = find_current_person(), form.reason.data or ""
            messages.report_message(key, by=by, network=network(), reason=reason, part=part)
        flash(_("Thank you. The organization and whoever started the page look at it"))
        return redirect(url_for("fundraisers.show", slug=slug), code=303)
    code = 200 if request.method == "GET" else 422
    return render_template("fundraisers/report_message.html", donation=donation, form=form, parts=parts), code


# --- gifts in person ------------------------------------------------------------------------------------------------


@fundraising.route("/fundraisers/<slug>/gifts-in-person", methods=["GET", "POST"])
@allow(policy.can_tend, load=find_fundraiser)
def in_person(fundraiser: Fundraiser) -> ResponseReturnValue:
    """Record a gift in person, and see which wait for the organization."""
    form, slug, key, currency = OfflineForm(), fundraiser.slug, fundraiser.id, fundraiser.currency
    zone = fundraiser.organization.time_zone
    code = 200
    if request.method == "GET":
        form.nonce.data, form.received_on.data = secrets.token_urlsafe(16), today(zone)
    else:
        is_valid = form.validate()
        amount = _money_of(form.amount, currency) if form.amount.data else None
        code = 422
        if is_valid and amount is not None:
            code = _record(form, key, amount)
        if not code:
            staff = policy.can_decide(current_person(), operations.get_fundraiser(key))
            flash(_("Recorded, and counted") if staff else _("Recorded: it counts once the organization confirms it"))
            return redirect(url_for("fundraising.in_person", slug=slug), code=303)
    fresh = operations.get_fundraiser(key)
    return render_template(
        "fundraisers/in_person.html",
        fundraiser=fresh,
        gifts=page_parts.list_offline(key),
        form=form,
        is_staff=policy.can_decide(current_person(), fresh),
        is_open=fresh.status in policy.SHOWN,
    ), code


def _record(form: OfflineForm, fundraiser_id: int, amount: Money) -> int:
    typed = (form.name.data or "", form.email.data or "", form.message.data or "", form.received_on.data)
    key = (
        form_key("in person", form.nonce.data, fundraiser_id, amount.amount_minor, *typed) if form.nonce.data else None
    )
    return _attempt(
        form,
        lambda: offline.record_offline(
            fundraiser_id,
            by=current_person(),
            amount=amount,
            name=form.name.data or "",
            email=form.email.data or "",
            message=form.message.data or "",
            received_on=form.received_on.data or today("UTC"),
            anonymous=form.anonymous.data != "no",
            mode=settings().payments_mode,
            key=key,
            locale=str(get_locale()),
        ),
    )


def _may_confirm(_person: object, donation: Donation) -> bool:
    return donation.source == "offline" and policy.can_decide(current_person(), donation.fundraiser)


@fundraising.post("/fundraisers/<slug>/gifts-in-person/<id:gift_id>/confirm")
@allow(_may_confirm, load=_load_gift)
def confirm_gift(donation: Donation) -> ResponseReturnValue:
    """The organization has the money."""
    slug, key = donation.fundraiser.slug, donation.id
    with transaction():
        offline.confirm_offline(key, by=current_person())
    flash(_("Confirmed: it counts"))
    return redirect(url_for("fundraising.in_person", slug=slug), code=303)


def _may_undo(_person: object, donation: Donation) -> bool:
    return donation.source == "offline" and policy.can_tend(current_person(), donation.fundraiser)


@fundraising.post("/fundraisers/<slug>/gifts-in-person/<id:gift_id>/undo")
@allow(_may_undo, load=_load_gift)
def undo_gift(donation: Donation) -> ResponseReturnValue:
    """The record was wrong."""
    slug, key = donation.fundraiser.slug, donation.id
    with transaction():
        offline.undo_offline(key, by=current_person())
    flash(_("Taken back"))
    return redirect(url_for("fundraising.in_person", slug=slug), code=303)


# --- sponsors -------------------------------------------------------------------------------------------------------


def _load_of(slug: str, fundraiser: str) -> Fundraiser | None:
    return find_fundraiser_of(slug, fundraiser)


def _paid_form(match_id: int, *, is_sent: bool = False) -> MatchPaidForm:
    """The field of one promise among several: it has a name of its own on the page."""
    form = MatchPaidForm() if is_sent else MatchPaidForm(formdata=None)
    form.paid.id = f"paid-{encode_id(match_id)}"
    form.paid.label.field_id = form.paid.id
    return form


def _matching_page(
    fundraiser_id: int, form: MatchForm, code: int, wrong: tuple[int, MatchPaidForm] | None = None
) -> ResponseReturnValue:
    """The page of sponsors; `wrong` is the promise, and its form, of which something sent cannot be used."""
    fundraiser = operations.get_fundraiser(fundraiser_id)
    matches = page_parts.list_matches(fundraiser_id)
    return render_template(
        "fundraisers/matching.html",
        fundraiser=fundraiser,
        organization=fundraiser.organization,
        matches=[(one, wrong[1] if wrong and wrong[0] == one.id else _paid_form(one.id)) for one in matches],
        promise=form,
        form=wrong[1] if wrong else form,  # whichever was sent: its errors are the page's
        is_over=policy.has_ended(fundraiser) or fundraiser.status == "declined",
    ), code


@fundraising.route("/manage/<slug>/fundraisers/<fundraiser>/matching", methods=["GET", "POST"])
@allow(policy.can_decide, load=_load_of)
def matches(fundraiser: Fundraiser) -> ResponseReturnValue:
    """What sponsors promised, and a new promise."""
    form, key, currency = MatchForm(), fundraiser.id, fundraiser.currency
    address = url_for("fundraising.matches", slug=fundraiser.organization.slug, fundraiser=fundraiser.slug)
    if request.method == "GET":
        form.starts_on.data = today(fundraiser.organization.time_zone)
        form.ends_on.data = fundraiser.ends_on
        return _matching_page(key, form, 200)
    is_valid = form.validate()
    cap = _money_of(form.cap, currency) if form.cap.data else None
    starts_on, ends_on = form.starts_on.data, form.ends_on.data
    if not is_valid or cap is None or starts_on is None or ends_on is None:
        return _matching_page(key, form, 422)
    code = _attempt(
        form,
        lambda: promising.promise_match(
            key,
            by=current_person(),
            sponsor=form.sponsor.data or "",
            cap=cap,
            starts_on=starts_on,
            ends_on=ends_on,
            locale=str(get_locale()),
        ),
    )
    if code:
        return _matching_page(key, form, code)
    flash(_("Saved: gifts are doubled from the first day on"))
    return redirect(address, code=303)


def _may_decide_match(_person: object, match: MatchingGift) -> bool:
    return policy.can_decide(current_person(), match.fundraiser)


def _after_match(match: MatchingGift) -> str:
    fundraiser = match.fundraiser
    return url_for("fundraising.matches", slug=fundraiser.organization.slug, fundraiser=fundraiser.slug)


@fundraising.post("/manage/<slug>/fundraisers/<fundraiser>/matching/<id:match_id>/end")
@allow(_may_decide_match, load=find_match_of)
def end_match(match: MatchingGift) -> ResponseReturnValue:
    """No further gift is doubled."""
    address, key = _after_match(match), match.id
    with transaction():
        promising.end_match(key, by=current_person())
    flash(_("Ended: what was matched stays promised"))
    return redirect(address, code=303)


@fundraising.post("/manage/<slug>/fundraisers/<fundraiser>/matching/<id:match_id>/paid")
@allow(_may_decide_match, load=find_match_of)
def match_paid(match: MatchingGift) -> ResponseReturnValue:
    """Note what the sponsor has paid."""
    address, key, fundraiser_id = _after_match(match), match.id, match.fundraiser_id
    form, currency = _paid_form(key, is_sent=True), match.currency
    is_valid = form.validate()
    total = _money_of(form.paid, currency) if form.paid.data else None
    code = 422
    if is_valid and total is not None:
        code = _attempt(form, lambda: matching.record_match_paid(key, by=current_person(), total=total))
    if not code:
        flash(_("Saved"))
        return redirect(address, code=303)
    return _matching_page(fundraiser_id, MatchForm(formdata=None), code, (key, form))


@fundraising.post("/manage/<slug>/fundraisers/overflow")
@allow(can_manage_listings, load=find_organization)
def set_overflow(organization: Organization) -> ResponseReturnValue:
    """What becomes of money beyond a goal."""
    form, slug = OverflowForm(), organization.slug
    if form.validate():
        with transaction():
            operations.set_overflow_rule(organization.id, by=current_person(), rule=form.overflow_rule.data or "")
        flash(_("Saved"))
    return redirect(url_for("fundraisers.manage", slug=slug), code=303)
