"""The donor's own page of a monthly gift: no account is needed, whoever holds the link changes, pauses or stops it."""

from __future__ import annotations

from flask import abort, flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_babel import get_locale

from app.core.errors import InvalidInput, Refused
from app.core.i18n import _
from app.core.money import BadAmount, Money, explain, format_plain, parse_money
from app.core.web import public
from app.donations import gateway, monthly, monthly_queries, queries
from app.donations.forms import ResumeForm
from app.donations.gateway import GatewayError
from app.donations.monthly_models import MonthlyGift
from app.donations.views.blueprint import donations
from app.fundraisers import policy


def _page(gift_id: int, form: ResumeForm, code: int = 200) -> ResponseReturnValue:
    gift = monthly_queries.find_monthly(gift_id)
    if gift is None:
        abort(404)
    if form.amount.raw_data is None:
        form.amount.data = format_plain(Money(gift.amount_minor, gift.currency), str(get_locale()))
    months = monthly_queries.list_months(gift.id)
    ordered = any(month.status == "processing" for month in months)
    is_ours = gateway.is_on() and gift.mode == gateway.mode()
    response = render_template(
        "donations/monthly.html",
        gift=gift,
        form=form,
        token=monthly_queries.monthly_token(gift.id),
        months=[(month, queries.donation_token(month.id)) for month in months],
        fundraiser=gift.fundraiser,
        organization=gift.fundraiser.organization,
        is_visible=policy.is_visible(gift.fundraiser),
        works=is_ours and gift.is_live,
        ordered=ordered,
        # Stripe runs it while the bank has yet to confirm the first month.
        may_stop=is_ours and gift.status == "pending" and gift.stop_asked_at is None and ordered,
    )
    return response, code, {"Cache-Control": "no-store", "X-Robots-Tag": "noindex"}


def _back(gift_id: int) -> ResponseReturnValue:
    return redirect(url_for("donations.monthly", token=monthly_queries.monthly_token(gift_id)), code=303)


def _silent(gift_id: int) -> ResponseReturnValue:
    form = ResumeForm(formdata=None)
    form.form_errors = [_("The payment service did not answer. Try again in a moment")]
    return _page(gift_id, form, 503)


def _refused(gift_id: int, refused: Refused) -> ResponseReturnValue:
    """Why it is not done; of one that has ended, the page says so anyhow."""
    if refused.reasons[0].code == "monthly_over":
        return _back(gift_id)
    form = ResumeForm(formdata=None)
    form.form_errors = [f"{reason.message} {reason.remedy}" for reason in refused.reasons]
    return _page(gift_id, form, 409)


@donations.get("/monthly/<token>", endpoint="monthly")
@public(load=monthly_queries.find_monthly_by_token)
def show_monthly(gift: MonthlyGift) -> ResponseReturnValue:
    """How a monthly gift stands, what was paid, and what can be done about it."""
    return _page(gift.id, ResumeForm(formdata=None))


@donations.post("/monthly/<token>/amount")
@public(load=monthly_queries.find_monthly_by_token)
def change_monthly(gift: MonthlyGift) -> ResponseReturnValue:
    """Another amount, from the next month on."""
    form, locale, gift_id, currency = ResumeForm(), str(get_locale()), gift.id, gift.currency
    if not gateway.is_on():
        return _back(gift_id)
    if not form.validate():
        return _page(gift_id, form, 422)
    try:
        monthly.change_amount(gift_id, parse_money(form.amount.data or "", currency, locale), locale=locale)
    except BadAmount as bad:
        form.amount.errors = [*form.amount.errors, explain(bad, currency, locale)]
        return _page(gift_id, form, 422)
    except InvalidInput as invalid:
        form.amount.errors = [*form.amount.errors, *invalid.errors.values()]
        return _page(gift_id, form, 422)
    except Refused as refused:
        return _refused(gift_id, refused)
    except GatewayError:
        return _silent(gift_id)
    flash(_("Changed, from the next month on"))
    return _back(gift_id)


def _pause(gift_id: int, *, paused: bool, said: str) -> ResponseReturnValue:
    if gateway.is_on():
        try:
            monthly.pause(gift_id, paused=paused)
            flash(said)
        except Refused as refused:
            return _refused(gift_id, refused)
        except GatewayError:
            return _silent(gift_id)
    return _back(gift_id)


@donations.post("/monthly/<token>/pause")
@public(load=monthly_queries.find_monthly_by_token)
def pause_monthly(gift: MonthlyGift) -> ResponseReturnValue:
    """No month is paid until it is resumed."""
    return _pause(gift.id, paused=True, said=_("Paused. No further payment is asked for until you resume it"))


@donations.post("/monthly/<token>/resume")
@public(load=monthly_queries.find_monthly_by_token)
def resume_monthly(gift: MonthlyGift) -> ResponseReturnValue:
    """Months are paid again, from the next one on."""
    return _pause(gift.id, paused=False, said=_("Resumed, from the next month on"))


@donations.post("/monthly/<token>/stop")
@public(load=monthly_queries.find_monthly_by_token)
def stop_monthly(gift: MonthlyGift) -> ResponseReturnValue:
    """End it, with one press. It is promised at once, whether or not the payment service answers."""
    gift_id = gift.id
    if gateway.is_on():
        is_done = monthly.stop_by_donor(gift_id)
        stopped = monthly_queries.find_monthly(gift_id)
        # Of an account that was taken from us it cannot be stopped from here, and the page says so.
        if stopped is not None and stopped.ended_by != "account":
            ordered = any(month.status == "processing" for month in monthly_queries.list_months(gift_id))
            done = (
                _("Stopped. What your bank was asked for before may still arrive")
                if ordered
                else _("Stopped. No further payment is asked for")
            )
            flash(done if is_done else _("We are stopping it"))
    return _back(gift_id)


@donations.post("/monthly/<token>/card")
@public(load=monthly_queries.find_monthly_by_token)
def card_of_monthly(gift: MonthlyGift) -> ResponseReturnValue:
    """To the page of the payment service where another card is put in."""
    gift_id = gift.id
    if not gateway.is_on():
        return _back(gift_id)
    try:
        return redirect(monthly.open_card_page(gift_id), code=303)
    except Refused as refused:
        return _refused(gift_id, refused)
    except GatewayError:
        return _silent(gift_id)
