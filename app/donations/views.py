"""Giving: the form, the page the donor comes back to, and the door Stripe knocks at."""

from __future__ import annotations

import secrets
from typing import Any

from flask import Blueprint, abort, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import get_locale

from app.accounts.session import find_current_person
from app.core.db import transaction
from app.core.errors import InvalidInput, Refused, refuse
from app.core.i18n import _
from app.core.money import BadAmount, Money, explain, format_plain, parse_money
from app.core.tokens import keyed_hash
from app.core.web import ProvenBlueprint, public, settings
from app.donations import checkout, gateway, operations, queries, words
from app.donations.forms import DonationForm, ResumeForm
from app.donations.gateway import BadSignature, GatewayError
from app.donations.models import Donation
from app.donations.policy import can_resume
from app.fundraisers import policy
from app.fundraisers.models import Fundraiser
from app.fundraisers.queries import find_fundraiser

donations = Blueprint("donations", __name__)
# Stripe proves itself by its signature.
stripe_webhook = ProvenBlueprint("stripe", __name__)

LARGEST_EVENT = 256 * 1024


def _find_visible(slug: str) -> Fundraiser | None:
    """The fundraiser while the public may see it (F8): otherwise its checkout does not exist either."""
    found = find_fundraiser(slug)
    return found if found is not None and policy.is_visible(found) else None


def _read_amount(form: DonationForm, currency: str, locale: str) -> Money | None:
    """The amount typed or chosen; None with the message put at its field."""
    chosen = form.suggested_amount(currency)
    if not form.amount.data:
        if chosen is None:
            form.amount.errors = [*form.amount.errors, _("Choose an amount or type one")]
        return chosen
    try:
        return parse_money(form.amount.data, currency, locale)
    except BadAmount as bad:
        form.amount.errors = [*form.amount.errors, explain(bad, currency, locale)]
        return None


@donations.route("/fundraisers/<slug>/donate", methods=["GET", "POST"])
@public(load=_find_visible)
def new(fundraiser: Fundraiser) -> ResponseReturnValue:
    """Give once, without an account."""
    if not gateway.is_on():
        return _page("donations/off.html", fundraiser, 200)
    if not policy.accepts_gifts(fundraiser):
        raise refuse(
            "fundraiser_closed",
            _("This fundraiser has ended and takes no more gifts"),
            _("See other fundraisers"),
            url_for("fundraisers.index"),
        )
    locale, currency = str(get_locale()), fundraiser.currency
    form = DonationForm()
    form.offer(currency, locale)
    if request.method == "GET":
        form.nonce.data = secrets.token_urlsafe(16)
        form.suggested.data = request.args.get("suggested", "")
        return _form_page(form, fundraiser, 200)
    is_valid = form.validate()
    amount = _read_amount(form, currency, locale)
    if not is_valid or amount is None:
        return _form_page(form, fundraiser, 422)
    return _give(form, fundraiser, amount, locale)


def _give(form: DonationForm, fundraiser: Fundraiser, amount: Money, locale: str) -> ResponseReturnValue:
    """Commit the pending gift, then open its page at Stripe and send the donor there."""
    name, email, message = form.name.data or "", form.email.data or "", form.message.data or ""
    anonymous = form.anonymous.data != "no"
    key = None
    if form.nonce.data:
        key = operations.form_key(
            form.nonce.data, fundraiser.id, amount.amount_minor, amount.currency, name, email, message, anonymous
        )
    try:
        with transaction():
            donation = operations.start_donation(
                fundraiser.id,
                amount=amount,
                name=name,
                email=email,
                anonymous=anonymous,
                message=message,
                mode=settings().payments_mode,
                by=find_current_person(),
                key=key,
                form=keyed_hash("donation-form", form.nonce.data) if form.nonce.data else None,
                locale=locale,
            )
            donation_id, same = donation.id, donation.amount_minor == amount.amount_minor
            may_open = same and operations.can_open_checkout(donation)
    except InvalidInput as invalid:
        form.amount.errors = [*form.amount.errors, *invalid.errors.values()]
        return _form_page(form, fundraiser, 422)
    if not may_open:  # the same form again, after its gift was paid, changed or over
        return redirect(url_for("donations.show", token=queries.donation_token(donation_id)), code=303)
    try:
        return redirect(checkout.open_checkout(donation_id), code=303)
    except GatewayError as error:
        if not error.passing:  # asking the same again cannot help: the next press is a new gift
            form.nonce.data = secrets.token_urlsafe(16)
        form.form_errors = [_("The payment page did not answer. Nothing was taken. Press Donate again in a moment")]
        return _form_page(form, fundraiser, 503)


def _form_page(form: DonationForm, fundraiser: Fundraiser, code: int) -> ResponseReturnValue:
    return _page("donations/new.html", fundraiser, code, form=form)


def _page(template: str, fundraiser: Fundraiser, code: int, **values: Any) -> ResponseReturnValue:
    # Shown on this very request: what the transaction forgot is read again.
    organization = fundraiser.organization
    return render_template(template, fundraiser=fundraiser, organization=organization, **values), code


@donations.get("/donations/<token>")
@public(load=queries.find_donation_by_token)
def show(donation: Donation) -> ResponseReturnValue:
    """What became of a gift, by the donor's own link. Coming back before the webhook fulfils it here (one function)."""
    donation_id = donation.id
    is_known = checkout.fulfil_if_waiting(donation)
    return _gift_page(donation_id, ResumeForm(formdata=None), is_known=is_known)


def _gift_page(donation_id: int, form: ResumeForm, code: int = 200, *, is_known: bool = True) -> ResponseReturnValue:
    """The donor's page in whatever state the gift is, with the way to go on where there is one."""
    fresh = queries.find_donation(donation_id)
    if fresh is None:
        abort(404)
    if form.amount.raw_data is None:
        form.amount.data = format_plain(Money(fresh.amount_minor, fresh.currency), str(get_locale()))
    response = render_template(
        "donations/show.html",
        donation=fresh,
        form=form,
        token=queries.donation_token(donation_id),
        reason=words.reason(fresh),
        fundraiser=fresh.fundraiser,
        organization=fresh.fundraiser.organization,
        may_resume=gateway.is_on() and can_resume(fresh, gateway.mode()),
        takes_gifts=policy.accepts_gifts(fresh.fundraiser),
        is_visible=policy.is_visible(fresh.fundraiser),
        came_back="from" in request.args,
        is_known=is_known,
        watch=_watch(fresh, is_known=is_known),
    )
    return response, code, {"Cache-Control": "no-store", "X-Robots-Tag": "noindex"}


def _watch(donation: Donation, *, is_known: bool) -> tuple[int, int] | None:
    """After how many seconds the page looks again, and which look that is; None when it has looked often enough or there
    is nothing to look for."""
    if not gateway.is_on() or (is_known and donation.status != "processing"):
        return None
    seconds, most = (60, 10) if donation.status == "processing" else (4, 15)
    look = request.args.get("look", "0")
    number = int(look) if look.isdecimal() and len(look) < 4 else most
    return (seconds, number + 1) if number < most else None


@donations.post("/donations/<token>")
@public(load=queries.find_donation_by_token)
def resume(donation: Donation) -> ResponseReturnValue:
    """Go on with a gift that was not paid, with this or another amount, on one page at Stripe that can be paid."""
    form, locale, donation_id = ResumeForm(), str(get_locale()), donation.id
    address = url_for("donations.show", token=queries.donation_token(donation_id))
    if not gateway.is_on():
        return redirect(address, code=303)
    if not form.validate():
        return _gift_page(donation_id, form, 422)
    try:
        amount = parse_money(form.amount.data or "", donation.currency, locale)
        return redirect(checkout.resume(donation_id, amount, locale=locale) or address, code=303)
    except BadAmount as bad:
        form.amount.errors = [*form.amount.errors, explain(bad, donation.currency, locale)]
    except InvalidInput as invalid:
        form.amount.errors = [*form.amount.errors, *invalid.errors.values()]
    except Refused:  # over, or the fundraiser closed: the page says which
        return redirect(address, code=303)
    except GatewayError:
        form.form_errors = [_("The payment page did not answer. Nothing was taken. Try again in a moment")]
        return _gift_page(donation_id, form, 503)
    return _gift_page(donation_id, form, 422)


@donations.post("/donations/<token>/cancel")
@public(load=queries.find_donation_by_token)
def cancel(donation: Donation) -> ResponseReturnValue:
    """The donor changed their mind: the payment page closes, and nobody can pay through it."""
    donation_id = donation.id
    address = url_for("donations.show", token=queries.donation_token(donation_id))
    if not gateway.is_on():
        return redirect(address, code=303)
    try:
        checkout.cancel(donation_id)
    except GatewayError:
        form = ResumeForm(formdata=None)
        form.form_errors = [_("The payment page did not answer, so it may still be open. Try again in a moment")]
        return _gift_page(donation_id, form, 503)
    return redirect(address, code=303)


@stripe_webhook.post("/stripe/webhook")
@public
def webhook() -> ResponseReturnValue:
    """Store what Stripe says and answer; the worker does the rest. Nothing is stored unless the signature is proved (F3)."""
    if not gateway.is_on() or (request.content_length or 0) > LARGEST_EVENT:
        return "", 400
    try:
        event = gateway.verify_webhook(
            request.get_data(cache=False), request.headers.get("Stripe-Signature"), settings().stripe_webhook_secret
        )
    except BadSignature:
        return "", 400
    with transaction():
        operations.store_event(event, livemode=gateway.expects_livemode())
    return "", 200


BLUEPRINTS = (donations, stripe_webhook)
