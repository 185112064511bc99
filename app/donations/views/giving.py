"""Giving: the form, and the step to the payment page."""

from __future__ import annotations

import secrets
from typing import Any

from flask import redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import get_locale

from app.accounts.session import find_current_person
from app.core.db import transaction
from app.core.errors import InvalidInput, refuse
from app.core.forms import show_errors
from app.core.i18n import _
from app.core.money import BadAmount, Money, explain, parse_money
from app.core.tokens import keyed_hash
from app.core.web import public, settings
from app.donations import checkout, gateway, gift_aid, queries, words
from app.donations.accounts import can_take_gifts, is_out_of_reach
from app.donations.forms import DonationForm
from app.donations.gateway import GatewayError
from app.donations.operations import giving
from app.donations.operations.monthly import begin as begin_monthly
from app.donations.receipt_texts import statement
from app.donations.terms import fee_terms, find_terms
from app.donations.views.blueprint import donations
from app.fundraisers import policy
from app.fundraisers.amounts import amounts_of
from app.fundraisers.models import Fundraiser
from app.fundraisers.policy import can_decide
from app.fundraisers.queries import find_fundraiser


def _find_visible(slug: str) -> Fundraiser | None:
    """The fundraiser while the public may see it (F8): otherwise its checkout does not exist either."""
    found = find_fundraiser(slug)
    return found if found is not None and policy.is_visible(found) else None


def _read_amount(form: DonationForm, currency: str, locale: str) -> Money | None:
    """The amount typed or chosen; None with the message put at its field."""
    chosen = form.suggested_amount()
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
        return _page("donations/off.html", fundraiser, 200, is_out_of_reach=False)
    if not can_take_gifts(fundraiser.organization):
        is_for_good = is_out_of_reach(fundraiser.organization)
        return _page("donations/off.html", fundraiser, 200, is_out_of_reach=is_for_good)
    if not policy.accepts_gifts(fundraiser):
        raise refuse(
            "fundraiser_closed",
            _("This fundraiser has ended and takes no more gifts"),
            _("See other fundraisers"),
            url_for("fundraisers.index"),
        )
    locale, currency = str(get_locale()), fundraiser.currency
    form = DonationForm()
    by_staff = can_decide(fundraiser.started_by, fundraiser)
    form.offer(amounts_of(fundraiser.suggested_minor, currency), locale, by_staff=by_staff)
    if request.method == "GET":
        form.nonce.data = secrets.token_urlsafe(16)
        form.begin(request.args)
        return _form_page(form, fundraiser, 200)
    if request.form.get(
        "look"
    ):  # only to see what would be paid: nothing is kept, and of what is empty nothing is said
        return _form_page(form, fundraiser, 200)
    is_valid = form.validate()
    amount = _read_amount(form, currency, locale)
    if not is_valid or amount is None:
        return _form_page(form, fundraiser, 422)
    return _give(form, fundraiser, amount, locale)


def _give(form: DonationForm, fundraiser: Fundraiser, amount: Money, locale: str) -> ResponseReturnValue:
    """Commit the pending gift, then open its page at Stripe and send the donor there."""
    name, email, message = form.name.data or "", form.email.data or "", form.message.data or ""
    anonymous, wishes = form.is_anonymous, form.wishes()
    key, is_monthly = None, form.frequency.data == "monthly"
    if form.nonce.data:
        typed = (amount.amount_minor, amount.currency, name, email, message, anonymous, wishes, is_monthly)
        key = giving.form_key(form.nonce.data, fundraiser.id, *typed)
    try:
        with transaction():
            donation = giving.start_donation(
                fundraiser.id,
                amount=amount,
                name=name,
                email=email,
                anonymous=anonymous,
                message=message,
                wishes=wishes,
                mode=settings().payments_mode,
                connect=settings().stripe_connect,
                by=find_current_person(),
                key=key,
                form=keyed_hash("donation-form", form.nonce.data) if form.nonce.data else None,
                locale=locale,
            )
            if is_monthly:
                begin_monthly(donation)
            donation_id, same = donation.id, donation.gift_minor == amount.amount_minor
            may_open = same and giving.can_open_checkout(donation)
    except InvalidInput as invalid:
        show_errors(form, invalid)
        return _form_page(form, fundraiser, 422)
    if not may_open:  # the same form again, after its gift was paid, changed or over
        return redirect(url_for("donations.show", token=queries.donation_token(donation_id)), code=303)
    try:
        return redirect(checkout.open_checkout(donation_id), code=303)
    except InvalidInput as invalid:
        form.nonce.data = secrets.token_urlsafe(16)  # the same again is another gift
        show_errors(form, invalid)
        return _form_page(form, fundraiser, 422)
    except GatewayError as error:
        if error.code == checkout.SUPERSEDED:  # its own page goes on with it, with another amount
            return redirect(url_for("donations.show", token=queries.donation_token(donation_id)), code=303)
        if not error.passing:  # asking the same again cannot help: the next press is a new gift
            form.nonce.data = secrets.token_urlsafe(16)
        said = _("The payment page did not answer. Nothing was taken. Press Donate again in a moment")
        form.form_errors = [said if error.passing else words.not_opened()]
        return _form_page(form, fundraiser, 503)


def _form_page(form: DonationForm, fundraiser: Fundraiser, code: int) -> ResponseReturnValue:
    organization, currency = fundraiser.organization, fundraiser.currency
    terms = find_terms(organization.id)
    takes_gift_aid = gift_aid.is_claimed(organization, currency, terms)
    values = {
        "form": form,
        "parts": _parts(form, fundraiser),
        "fee": words.fee_said(fee_terms(terms, currency), currency, str(get_locale())),
        "wording": gift_aid.wording(gift_aid.ONE_GIFT, organization.name) if takes_gift_aid else None,
        "wording_of_months": gift_aid.wording(gift_aid.EVERY_GIFT, organization.name) if takes_gift_aid else None,
        "statement": statement(organization, terms),
    }
    return _page("donations/new.html", fundraiser, code, **values)


def _parts(form: DonationForm, fundraiser: Fundraiser) -> tuple[int, int] | None:
    """The gift and what covers its fee, in minor units, as far as the form says an amount that can be charged."""
    locale, currency = str(get_locale()), fundraiser.currency
    try:
        typed = form.amount.data
        gift = parse_money(typed, currency, locale) if typed else form.suggested_amount()
        if gift is None:
            return None
        cover = bool(form.cover_fee.data)
        total = giving.total_of(gift, fundraiser.organization_id, cover_fee=cover, locale=locale)
    except (BadAmount, InvalidInput):
        return None
    return gift.amount_minor, total.amount_minor - gift.amount_minor


def _page(template: str, fundraiser: Fundraiser, code: int, **values: Any) -> ResponseReturnValue:
    # Shown on this very request: what the transaction forgot is read again.
    organization = fundraiser.organization
    return render_template(template, fundraiser=fundraiser, organization=organization, **values), code
