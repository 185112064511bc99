"""The page on which an organization says what it pays for card payments, and what stands on its receipts."""

from __future__ import annotations

from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import get_locale

from app.accounts.session import current_person
from app.core import when
from app.core.clock import today
from app.core.db import transaction
from app.core.errors import InvalidInput
from app.core.forms import show_errors
from app.core.i18n import _
from app.core.money import BadAmount, Money, explain, format_money, format_plain, parse_money, suggestions
from app.core.web import allow
from app.donations import papers, receipt_texts, words
from app.donations.fees import FeeTerms, default_terms
from app.donations.forms import TermsForm
from app.donations.operations.terms import check_terms, edit_terms
from app.donations.receipt_models import GivingTerms
from app.donations.terms import find_terms
from app.donations.views.blueprint import donations
from app.organizations.models import Organization
from app.organizations.policy import can_manage_listings
from app.organizations.queries import find_organization


@donations.route("/manage/<slug>/giving", methods=["GET", "POST"])
@allow(can_manage_listings, load=find_organization)
def terms(organization: Organization) -> ResponseReturnValue:
    """Read and change it; a preview keeps nothing."""
    form, locale, slug = TermsForm(), str(get_locale()), organization.slug
    if not form.is_submitted():
        _fill(form, find_terms(organization.id), organization.currency, locale)
        return _page(form, organization, 200)
    is_valid = form.validate()
    fee, is_read = _read_fee(form, organization.currency, locale)
    tax_id, receipt_text = form.tax_id.data or "", form.receipt_text.data or ""
    try:  # everything that is wrong is said at once, each at its field
        check_terms(organization, tax_id=tax_id, receipt_text=receipt_text, fee=fee if is_read else None)
        if not is_valid or not is_read:
            return _page(form, organization, 422)
        if request.form.get("preview"):
            return _page(form, organization, 200, preview=_preview(organization, tax_id, receipt_text))
        with transaction():
            edit_terms(
                organization.id,
                by=current_person(),
                tax_id=tax_id,
                claims_gift_aid=bool(form.claims_gift_aid.data) if organization.country == "GB" else True,
                receipt_text=receipt_text,
                fee=fee,
            )
    except InvalidInput as invalid:
        show_errors(form, invalid)
        return _page(form, organization, 422)
    flash(_("Saved"))
    return redirect(url_for("donations.terms", slug=slug), code=303)


def _fill(form: TermsForm, terms: GivingTerms, currency: str, locale: str) -> None:
    form.tax_id.data, form.receipt_text.data = terms.tax_id, terms.receipt_text
    form.claims_gift_aid.data = terms.claims_gift_aid
    if terms.fee_share is not None and terms.fee_fixed_minor is not None and terms.fee_currency == currency:
        form.fee_percent.data = format_plain(Money(terms.fee_share, "USD"), locale)  # hundredths, as cents are
        form.fee_fixed.data = format_plain(Money(terms.fee_fixed_minor, currency), locale)


def _read_fee(form: TermsForm, currency: str, locale: str) -> tuple[FeeTerms | None, bool]:
    """The fee typed, None for what is published; and False when a message was put at a field."""
    percent, fixed = form.fee_percent.data, form.fee_fixed.data
    if not percent and not fixed:
        return None, True
    share = minor = 0
    try:
        share = parse_money(percent or "0", "USD", locale).amount_minor
    except BadAmount:
        form.fee_percent.errors = [*form.fee_percent.errors, _("Enter a percentage between 0 and 20")]
    try:
        minor = parse_money(fixed or "0", currency, locale).amount_minor
        if minor < 0:
            raise BadAmount("not_positive")
    except BadAmount as bad:
        form.fee_fixed.errors = [*form.fee_fixed.errors, explain(bad, currency, locale)]
    return FeeTerms(share, minor), not form.fee_percent.errors and not form.fee_fixed.errors


def _preview(organization: Organization, tax_id: str, receipt_text: str) -> str:
    """What would stand on the receipt of an example."""
    locale, amount = str(get_locale()), suggestions(organization.currency)[0]
    template = receipt_text or receipt_texts.default_text(organization.country, has_tax_id=bool(tax_id))
    values = {
        "organization": organization.name,
        "donor": current_person().name,
        "amount": format_money(amount, locale),
        "date": when.full_day(today(organization.time_zone)),
        "number": "1",
        "tax_id": tax_id,
        "no_goods": receipt_texts.no_goods(),
        "gift_aid": receipt_texts.gift_aid_said(organization.name, declared=True),
    }
    return receipt_texts.fill(template, values)


def _page(form: TermsForm, organization: Organization, code: int, *, preview: str = "") -> ResponseReturnValue:
    country, currency, locale = organization.country, organization.currency, str(get_locale())
    page = render_template(
        "donations/terms.html",
        form=form,
        organization=organization,
        preview=preview,
        number_name=papers.number_name(country),
        published=words.fee_said(default_terms(currency), currency, locale),
        example=format_plain(Money(290, "USD"), locale),
        default_text=receipt_texts.default_text(country, has_tax_id=bool(form.tax_id.data)),
        placeholders=[f"{{{name}}}" for name in receipt_texts.PLACEHOLDERS],
        required=[f"{{{name}}}" for name in receipt_texts.required(country)],
    )
    return page, code
