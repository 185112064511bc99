"""Receipts: by the donor's own link, and for the organization's staff."""

from __future__ import annotations

from flask import Response, abort, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import get_locale

from app.accounts.models import Person
from app.core.db import transaction
from app.core.forms import PageForm
from app.core.i18n import _
from app.core.ids import encode_id
from app.core.money import format_money
from app.core.web import allow, public, settings
from app.donations import papers, policy, queries, receipt_queries
from app.donations.models import Donation
from app.donations.operations import receipts as issuing
from app.donations.receipt_models import Receipt
from app.donations.views.blueprint import donations
from app.organizations.models import Organization
from app.organizations.policy import can_manage_listings
from app.organizations.queries import find_organization, find_organization_by_id

PRIVATE = {"Cache-Control": "no-store", "X-Robots-Tag": "noindex"}


def as_pdf(content: bytes, name: str) -> ResponseReturnValue:
    """A PDF that a browser shows or keeps under `name`, and no cache keeps."""
    response = Response(content, mimetype="application/pdf", headers=PRIVATE)
    response.headers.set("Content-Disposition", "inline", filename=name)
    return response


def told_already() -> str:
    """What is said of a mail that was asked for within this hour already."""
    return _("We sent it to you within this hour already. Look among what your mail program takes for advertising, too")


def _shown(receipt: Receipt, *, named: bool, pdf_url: str, back: tuple[str, str]) -> ResponseReturnValue:
    locale = str(get_locale())
    page = render_template(
        "donations/receipt.html",
        receipt=receipt,
        heading=papers.title(receipt),
        mark=papers.test_mark(receipt.mode),
        facts=papers.facts(receipt, lambda money: format_money(money, locale), named=named),
        text=papers.text(receipt, named=named),
        pdf_url=pdf_url,
        back=back,
    )
    return page, 200, PRIVATE


def address_of(receipt: Receipt) -> str:
    """Where its donor reads a receipt: the whole address, as a mail and a PDF say it."""
    token = queries.donation_token(receipt.donation_id)
    return f"{settings().base_url}/donations/{token}/receipts/{encode_id(receipt.id)}"


@donations.get("/donations/<token>/receipts/<id:receipt_id>")
@public(load=receipt_queries.find_of_gift)
def receipt(receipt: Receipt) -> ResponseReturnValue:
    """A receipt as its donor reads, prints and keeps it."""
    token = queries.donation_token(receipt.donation_id)
    back = (_("Your gift"), url_for("donations.show", token=token))
    pdf_url = url_for("donations.receipt_pdf", token=token, receipt_id=receipt.id)
    return _shown(receipt, named=True, pdf_url=pdf_url, back=back)


@donations.get("/donations/<token>/receipts/<id:receipt_id>.pdf")
@public(load=receipt_queries.find_of_gift)
def receipt_pdf(receipt: Receipt) -> ResponseReturnValue:
    """The same as a PDF."""
    return as_pdf(papers.receipt_pdf(receipt, address_of(receipt)), f"receipt-{receipt.label}.pdf")


@donations.post("/donations/<token>/receipts")
@public(load=queries.find_donation_by_token)
def send_receipt(donation: Donation) -> ResponseReturnValue:
    """Send the donor their latest receipt once more, to the address they gave."""
    donation_id, token = donation.id, queries.donation_token(donation.id)
    issued = receipt_queries.receipts_of([donation_id]).get(donation_id)
    if not PageForm().validate() or not issued or not donation.email:
        abort(400 if issued else 404)
    receipt_id = issued[-1].id
    with transaction():
        asked = issuing.send_again(donation_id, receipt_id)
    flash(_("We send it to you by mail") if asked.is_promised else told_already())
    return redirect(url_for("donations.show", token=token), code=303)


# --- staff --------------------------------------------------------------------------------------------------------


@donations.get("/manage/<slug>/receipts")
@allow(can_manage_listings, load=find_organization)
def staff_receipts(organization: Organization) -> ResponseReturnValue:
    """Every receipt of the organization, newest first."""
    page = receipt_queries.list_receipts(organization.id, request.args.get("cursor"))
    return render_template("donations/receipts.html", organization=organization, page=page)


def _may_read(person: Person, receipt: Receipt) -> bool:
    organization = find_organization_by_id(receipt.organization_id)
    return organization is not None and can_manage_listings(person, organization)


@donations.get("/manage/<slug>/receipts/<id:receipt_id>")
@allow(_may_read, load=receipt_queries.find_of_organization)
def staff_receipt(receipt: Receipt) -> ResponseReturnValue:
    """A receipt as the staff read it: without the name where the donor hides from them (F9)."""
    here = dict(request.view_args or {})
    back = (_("Receipts"), url_for("donations.staff_receipts", slug=here["slug"]))
    named = policy.is_known_to_staff(receipt.donation)
    return _shown(receipt, named=named, pdf_url=url_for("donations.staff_receipt_pdf", **here), back=back)


@donations.get("/manage/<slug>/receipts/<id:receipt_id>.pdf")
@allow(_may_read, load=receipt_queries.find_of_organization)
def staff_receipt_pdf(receipt: Receipt) -> ResponseReturnValue:
    """The same as a PDF."""
    here = dict(request.view_args or {})
    address = settings().base_url + url_for("donations.staff_receipt", **here)
    named = policy.is_known_to_staff(receipt.donation)
    return as_pdf(papers.receipt_pdf(receipt, address, named=named), f"receipt-{receipt.label}.pdf")
