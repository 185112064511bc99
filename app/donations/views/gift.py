"""The donor's own page of one gift: what became of it, and the ways to go on or to leave it."""

from __future__ import annotations

from flask import abort, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import get_locale

from app.core.db import transaction
from app.core.errors import InvalidInput, Refused
from app.core.forms import show_errors
from app.core.i18n import _
from app.core.money import BadAmount, Money, explain, format_plain, parse_money
from app.core.web import public
from app.donations import checkout, gateway, papers, queries, words
from app.donations.accounts import can_go_on
from app.donations.forms import ResumeForm
from app.donations.gateway import GatewayError
from app.donations.gift_aid import EVERY_GIFT
from app.donations.models import Donation
from app.donations.money_queries import was_let_go
from app.donations.monthly_queries import find_repeated, monthly_token
from app.donations.operations.declarations import cancel_declaration
from app.donations.policy import can_resume
from app.donations.receipt_queries import find_declaration, receipts_of
from app.donations.views.blueprint import donations
from app.fundraisers import policy


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
        form.amount.data = format_plain(Money(fresh.gift_minor, fresh.currency), str(get_locale()))
        form.cover_fee.data = fresh.cover_fee_minor > 0  # as they chose when they began
    response = render_template(
        "donations/show.html",
        donation=fresh,
        form=form,
        token=queries.donation_token(donation_id),
        reason=words.reason(fresh),
        dedication=words.dedication(fresh),
        who_sees=words.who_sees(fresh),
        declared=find_declaration(donation_id),
        every_gift=EVERY_GIFT,
        receipts=[(papers.title(each), each) for each in receipts_of([donation_id]).get(donation_id, [])],
        fundraiser=fresh.fundraiser,
        organization=fresh.fundraiser.organization,
        may_resume=gateway.is_on() and can_resume(fresh, gateway.mode()) and can_go_on(fresh),
        takes_gifts=policy.accepts_gifts(fresh.fundraiser),
        is_visible=policy.is_visible(fresh.fundraiser),
        monthly_token=None if fresh.monthly_gift_id is None else monthly_token(fresh.monthly_gift_id),
        is_repeated=find_repeated(fresh) is not None,
        came_back="from" in request.args,
        is_known=is_known,
        is_let_go=fresh.status == "expired" and was_let_go(donation_id),
        watch=_watch(fresh, is_known=is_known),
    )
    return response, code, {"Cache-Control": "no-store", "X-Robots-Tag": "noindex"}


@donations.post("/donations/<token>/gift-aid/cancel")
@public(load=queries.find_donation_by_token)
def cancel_gift_aid(donation: Donation) -> ResponseReturnValue:
    """The donor cancels their Gift Aid declaration, by their own link."""
    address = url_for("donations.show", token=queries.donation_token(donation.id))
    with transaction():
        cancel_declaration(donation.id, by=None)
    flash(_("You cancelled your Gift Aid declaration"))
    return redirect(address, code=303)


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
        covers = bool(form.cover_fee.data)
        return redirect(checkout.resume(donation_id, amount, cover_fee=covers, locale=locale) or address, code=303)
    except BadAmount as bad:
        form.amount.errors = [*form.amount.errors, explain(bad, donation.currency, locale)]
    except InvalidInput as invalid:
        show_errors(form, invalid)
    except Refused as refused:  # over, or the fundraiser closed: the page says which
        for reason in refused.reasons:
            if reason.code == "gone_on":
                flash(f"{reason.message}. {reason.remedy}.")
        return redirect(address, code=303)
    except GatewayError as error:
        is_known = _is_known(donation_id)
        if error.passing:
            said = _("The payment page did not answer. Nothing was taken. Try again in a moment")
            unknown = _("The payment page did not answer. Try again in a moment")
        else:
            said, unknown = words.not_opened(), words.refused()
        form.form_errors = [said if is_known else unknown]
        return _gift_page(donation_id, form, 503, is_known=is_known)
    return _gift_page(donation_id, form, 422)


def _is_known(donation_id: int) -> bool:
    """Whether we know what became of a gift although nobody answers: of one that has a page, the donor may have paid there."""
    fresh = queries.find_donation(donation_id)
    return fresh is None or fresh.status != "pending" or fresh.stripe_session_id is None


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
    except GatewayError as error:
        form = ResumeForm(formdata=None)
        silent = _("The payment page did not answer, so it may still be open. Try again in a moment")
        form.form_errors = [silent if error.passing else words.refused()]
        return _gift_page(donation_id, form, 503, is_known=_is_known(donation_id))
    return redirect(address, code=303)
