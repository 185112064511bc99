"""Staff pages of money: where it is, what does not agree, one gift with its refunds, disputes, payouts."""

from __future__ import annotations

import secrets
from typing import Any

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import get_locale

from app.accounts.models import Person
from app.accounts.session import current_person
from app.core.clock import today
from app.core.db import transaction
from app.core.errors import InvalidInput, Refused, refuse
from app.core.forms import show_errors, show_reasons
from app.core.i18n import _
from app.core.money import BadAmount, Money, explain, format_money, format_plain, parse_money
from app.core.tokens import keyed_hash
from app.core.web import allow, settings
from app.donations import doctor, evidence, gateway, going_back, money_queries, money_words
from app.donations.gateway import GatewayError
from app.donations.models import Donation
from app.donations.money_forms import EvidenceForm, PeriodForm, RefundForm, SeenForm
from app.donations.money_models import DISPUTE_ANSWERABLE, Dispute, MoneyMismatch, Payout
from app.donations.monthly_queries import is_paid
from app.donations.operations import disputes, mismatches, refunds
from app.donations.operations.giving import form_key
from app.donations.policy import looks_twice
from app.donations.receipt_queries import find_declaration
from app.organizations.models import Organization
from app.organizations.policy import can_manage_listings
from app.organizations.queries import find_organization

money = Blueprint("money", __name__)


class _Of:
    """Something of an organization, for those who see its money."""

    def __init__(self, organization: Organization, thing: Any) -> None:
        self.organization, self.thing = organization, thing


def _may(person: Person | None, of: _Of) -> bool:
    return can_manage_listings(person, of.organization)


def _load_gift(slug: str, donation_id: int) -> _Of | None:
    organization = find_organization(slug)
    gift = None if organization is None else money_queries.find_gift_of(organization.id, donation_id)
    return None if organization is None or gift is None else _Of(organization, gift)


def _load_dispute(slug: str, dispute_id: int) -> _Of | None:
    organization, dispute = find_organization(slug), money_queries.find_dispute(dispute_id)
    if organization is None or dispute is None or dispute.organization_id != organization.id:
        return None
    return _Of(organization, dispute)


def _load_payout(slug: str, payout_id: int) -> _Of | None:
    organization = find_organization(slug)
    payout = None if organization is None else money_queries.find_payout_of(organization.id, payout_id)
    return None if organization is None or payout is None else _Of(organization, payout)


def _load_mismatch(slug: str, mismatch_id: int) -> _Of | None:
    organization, found = find_organization(slug), money_queries.find_mismatch(mismatch_id)
    if organization is None or found is None or found.organization_id != organization.id:
        return None
    return _Of(organization, found)


@money.get("/manage/<slug>/money")
@allow(can_manage_listings, load=find_organization)
def index(organization: Organization) -> ResponseReturnValue:
    """Is all well, where the money is, and what waits for somebody."""
    payouts = money_queries.list_payouts(organization.id, request.args.get("cursor"))
    return render_template(
        "donations/money/index.html",
        organization=organization,
        findings=doctor.of_organization(organization),
        standings=money_queries.list_standings(organization.id),
        disputes=money_queries.list_disputes(organization.id),
        refunds=money_queries.list_refunds(organization.id),
        mismatched=money_queries.list_mismatched(organization.id),
        mismatches=money_queries.list_mismatches(organization.id, limit=50),
        payouts=payouts,
        words=money_words,
    )


# --- a gift and its refund ----------------------------------------------------------------------------------------


@money.get("/manage/<slug>/donations/<id:donation_id>")
@allow(_may, load=_load_gift)
def gift(of: _Of) -> ResponseReturnValue:
    """One gift: what became of it, what went back, and how it came to the bank."""
    donation: Donation = of.thing
    return render_template(
        "donations/money/gift.html",
        organization=of.organization,
        donation=donation,
        fundraiser=donation.fundraiser,
        left=money_queries.refundable(donation),
        refunds=money_queries.list_refunds_of(donation.id),
        disputes=money_queries.list_disputes_of(donation.id),
        warnings=money_queries.list_warnings_of(donation.id),
        trail=money_queries.list_trail(donation.id),
        declared=find_declaration(donation.id),
        is_month=donation.monthly_gift_id is not None and is_paid(donation.monthly_gift_id),
        may_refund=gateway.is_on() and donation.mode == gateway.mode(),
        words=money_words,
    )


@money.route("/manage/<slug>/donations/<id:donation_id>/refund", methods=["GET", "POST"])
@allow(_may, load=_load_gift)
def refund(of: _Of) -> ResponseReturnValue:
    """Give it back, or a part of it; above a limit, look at the amount once more."""
    donation: Donation = of.thing
    form, locale, left = RefundForm(), str(get_locale()), money_queries.refundable(donation)
    if request.method == "GET":
        form.nonce.data = secrets.token_urlsafe(16)
        form.amount.data = format_plain(left, locale)
        return _refund_page(of, form, left, 200)
    if not form.validate():
        return _refund_page(of, form, left, 422)
    try:
        amount = parse_money(form.amount.data or "", donation.currency, locale)
    except BadAmount as bad:
        form.amount.errors = [*form.amount.errors, explain(bad, donation.currency, locale)]
        return _refund_page(of, form, left, 422)
    is_possible = 0 < amount.amount_minor <= left.amount_minor
    if is_possible and looks_twice(amount) and form.confirmed.data != str(amount.amount_minor):
        form.confirmed.data = str(amount.amount_minor)
        return _confirm_page(of, form, amount)
    return _give_back(of, form, amount, left, locale)


def _give_back(of: _Of, form: RefundForm, amount: Money, left: Money, locale: str) -> ResponseReturnValue:
    """Commit the refund, then let Stripe hear of it."""
    donation_id, slug, currency = of.thing.id, of.organization.slug, of.thing.currency
    address = url_for("money.gift", slug=slug, donation_id=donation_id)
    key = None
    if form.nonce.data:  # the same form with another amount is another refund
        key = form_key(keyed_hash("refund-form", form.nonce.data), donation_id, amount.amount_minor)
    try:
        with transaction():
            refund_id = refunds.start_refund(
                donation_id,
                amount=amount,
                reason=form.reason.data or "",
                note=form.note.data or "",
                by=current_person(),
                mode=gateway.mode(),
                key=key,
                locale=locale,
            ).id
    except InvalidInput as invalid:
        show_errors(form, invalid)
        return _refund_page(of, form, left, 422)
    except Refused as refused:
        form.amount.errors = [*form.amount.errors, *(reason.message for reason in refused.reasons)]
        return _refund_page(of, form, left, 409)
    said = format_money(Money(amount.amount_minor, currency), locale)
    try:
        status = going_back.ask_refund(refund_id)
    except GatewayError:
        flash(
            _(
                "Stripe does not answer now. The refund is saved: we ask again until it does, and only once is given back."
            )
        )
        return redirect(address, code=303)
    if status == "refused":
        flash(_("Stripe did not make this refund. The gift's page says why."))
    else:
        flash(_("%(amount)s go back to the donor. We have written to them.", amount=said))
    return redirect(address, code=303)


def _refund_page(of: _Of, form: RefundForm, left: Money, code: int) -> ResponseReturnValue:
    donation: Donation = of.thing
    page = render_template(
        "donations/money/refund.html",
        organization=of.organization,
        donation=donation,
        fundraiser=donation.fundraiser,
        form=form,
        left=left,
        is_on=gateway.is_on() and donation.mode == gateway.mode(),
    )
    return page, code


def _confirm_page(of: _Of, form: RefundForm, amount: Money) -> ResponseReturnValue:
    return render_template(
        "donations/money/confirm.html",
        organization=of.organization,
        donation=of.thing,
        form=form,
        amount=amount,
        words=money_words,
    )


# --- disputes -----------------------------------------------------------------------------------------------------


@money.get("/manage/<slug>/disputes/<id:dispute_id>")
@allow(_may, load=_load_dispute)
def dispute(of: _Of) -> ResponseReturnValue:
    """What the bank says, until when an answer is possible, and what we would send."""
    return _dispute_page(of, EvidenceForm(formdata=None), 200)


def _dispute_page(of: _Of, form: EvidenceForm, code: int) -> ResponseReturnValue:
    found: Dispute = of.thing
    packed = found.evidence or evidence.pack(
        found, form.words.data or "", base_url=settings().base_url, locale=str(get_locale())
    )
    page = render_template(
        "donations/money/dispute.html",
        organization=of.organization,
        dispute=found,
        donation=found.donation,
        fundraiser=found.donation.fundraiser,
        form=form,
        packed=packed,
        may_answer=gateway.is_on() and found.status in DISPUTE_ANSWERABLE and found.submitted_at is None,
        words=money_words,
    )
    return page, code


@money.post("/manage/<slug>/disputes/<id:dispute_id>/evidence")
@allow(_may, load=_load_dispute)
def send_evidence(of: _Of) -> ResponseReturnValue:
    """Send the bank what the page shows: once, and finally."""
    form, dispute_id, slug = EvidenceForm(), of.thing.id, of.organization.slug
    address = url_for("money.dispute", slug=slug, dispute_id=dispute_id)
    if not gateway.is_on():
        raise refuse("payments_off", _("Online gifts are not switched on here"))
    if not form.validate():
        return _dispute_page(of, form, 422)
    packed = evidence.pack(of.thing, form.words.data or "", base_url=settings().base_url, locale=str(get_locale()))
    person = current_person()
    try:
        with transaction():
            disputes.save_evidence(dispute_id, packed, by=person)
    except InvalidInput as invalid:
        show_errors(form, invalid)
        return _dispute_page(of, form, 422)
    except Refused as refused:
        show_reasons(form, refused)
        return _dispute_page(of, form, 409)
    try:
        going_back.send_evidence(dispute_id, by=person)
    except Refused as refused:
        flash(" ".join(reason.message for reason in refused.reasons))
        return redirect(address, code=303)
    except GatewayError as error:
        if error.passing:
            flash(_("Stripe does not answer now. Press the button again in a moment: it is sent once only."))
        else:
            flash(_("Stripe did not take it (%(code)s). Look at the dispute in Stripe's dashboard.", code=error.code))
        return redirect(address, code=303)
    flash(_("The bank has it now. It decides in the next weeks; we write to you then."))
    return redirect(address, code=303)


# --- payouts ------------------------------------------------------------------------------------------------------


@money.get("/manage/<slug>/payouts/<id:payout_id>")
@allow(_may, load=_load_payout)
def payout(of: _Of) -> ResponseReturnValue:
    """One payout, and what it carries."""
    found: Payout = of.thing
    lines = money_queries.list_lines(found.id, of.organization.id)
    return render_template(
        "donations/money/payout.html",
        organization=of.organization,
        payout=found,
        lines=lines,
        cut=len(lines) >= money_queries.MOST_LINES,
        words=money_words,
    )


# --- differences --------------------------------------------------------------------------------------------------


@money.route("/manage/<slug>/money/differences/<id:mismatch_id>", methods=["GET", "POST"])
@allow(_may, load=_load_mismatch)
def mismatch(of: _Of) -> ResponseReturnValue:
    """What differs, what to do about it, and what somebody found it to be."""
    found: MoneyMismatch = of.thing
    form = SeenForm()
    if request.method == "GET" or not form.validate():
        page = render_template(
            "donations/money/mismatch.html",
            organization=of.organization,
            mismatch=found,
            form=form,
            words=money_words,
            back=url_for("money.index", slug=of.organization.slug),
        )
        return page, 200 if request.method == "GET" else 422
    mismatch_id, slug = found.id, of.organization.slug
    with transaction():
        mismatches.mark_seen(mismatch_id, note=form.note.data or "", by=current_person())
    flash(_("Noted: it is off the list."))
    return redirect(url_for("money.index", slug=slug), code=303)


# --- fees ---------------------------------------------------------------------------------------------------------


@money.get("/manage/<slug>/money/fees")
@allow(can_manage_listings, load=find_organization)
def fees(organization: Organization) -> ResponseReturnValue:
    """What each fundraiser and need brought in a period, and what it cost."""
    form = PeriodForm(request.args)
    first, last = form.period(today(organization.time_zone))
    code = 200
    rows: list[money_queries.FeeRow] = []
    if form.validate():
        rows = money_queries.list_fees(organization.id, *money_queries.instants(first, last, organization.time_zone))
    else:
        code = 422
    if not form.since.raw_data:
        form.since.data, form.until.data = first, last
    page = render_template(
        "donations/money/fees.html",
        organization=organization,
        form=form,
        rows=rows,
        totals=money_queries.add_up(rows),
        first=first,
        last=last,
    )
    return page, code
