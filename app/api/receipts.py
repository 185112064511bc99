"""Receipts and yearly statements: a donor's own, and an organization's for its owners and managers."""

from __future__ import annotations

from typing import Any

import marshmallow as ma
from flask import Response
from flask.typing import ResponseReturnValue
from werkzeug.exceptions import NotFound

from app.accounts.models import Person
from app.accounts.session import current_person
from app.api import frame, money_reads, present, schemas
from app.core.db import transaction
from app.core.errors import refuse
from app.core.i18n import _
from app.core.ids import encode_id
from app.core.web import allow, settings, signed_in
from app.donations import papers, policy, statements
from app.donations.models import Donation
from app.donations.operations import receipts as issuing
from app.donations.queries import donation_token, find_donation
from app.donations.receipt_models import Receipt
from app.donations.receipt_queries import list_receipts, receipts_of
from app.organizations.models import Organization
from app.organizations.policy import can_manage_listings
from app.organizations.queries import find_organization

resource = frame.blueprint("receipts", "Receipts, and what was given in a year")
PDF = "application/pdf"
BINARY = {"type": "string", "format": "binary"}


class ReceiptOfOut(schemas.ReceiptOut):
    """A document of an organization, the gift it is about, and who gave: null to the staff of an organization the donor hides
    from."""

    donation = frame.Id(required=True)
    fundraiser = ma.fields.String(required=True, metadata={"description": "as its page was called"})
    donor = ma.fields.String(required=True, allow_none=True)
    company = ma.fields.String(required=True, allow_none=True)
    given_on = ma.fields.String(required=True, metadata=schemas.DATE)


class ReceiptWholeOut(ReceiptOfOut):
    """All that stands on it, as it was when it was issued."""

    organization = ma.fields.String(required=True)
    tax_id = ma.fields.String(required=True)
    country = ma.fields.String(required=True)
    text = ma.fields.String(required=True)


class SentOut(frame.Schema):
    """Which document goes by mail to the address that was given with the gift. `sent`: by this request. Otherwise it went within
    this hour already, and nothing more goes before `again_at`."""

    number = ma.fields.String(required=True)
    sent = ma.fields.Boolean(required=True)
    again_at = schemas.moment(required=True)


class YearsOut(frame.Schema):
    """In which years something was given or went back, newest first."""

    years = ma.fields.List(ma.fields.Integer(), required=True)


class StatementLineOut(frame.Schema):
    """A gift, or money that went back (below zero), on the day it has where the organization is."""

    on = ma.fields.String(required=True, metadata=schemas.DATE)
    kind = ma.fields.String(required=True)
    title = ma.fields.String(required=True)
    fundraiser = ma.fields.String(required=True)
    amount = ma.fields.Nested(frame.MoneySchema, required=True)
    receipt = ma.fields.String(required=True, allow_none=True)


class StatementPartOut(frame.Schema):
    """All of a year to one organization in one currency."""

    organization = ma.fields.String(required=True)
    tax_id = ma.fields.String(required=True)
    lines = ma.fields.List(ma.fields.Nested(StatementLineOut), required=True)
    total = ma.fields.Nested(frame.MoneySchema, required=True)


class StatementOut(frame.Schema):
    """All that somebody gave in a year, from the ledger: it adds up to it."""

    year = ma.fields.Integer(required=True)
    donor = ma.fields.String(required=True)
    parts = ma.fields.List(ma.fields.Nested(StatementPartOut), required=True)


ReceiptOfList = frame.list_schema(ReceiptOfOut, "ReceiptOfList")


def _may_see(person: Person, receipt: Receipt) -> bool:
    return policy.can_see(person, receipt.donation)


def _is_named(receipt: Receipt) -> bool:
    """Whether the caller reads who gave: the donor, and staff from whom the donor does not hide (F9)."""
    return policy.is_donor(current_person(), receipt.donation) or policy.is_known_to_staff(receipt.donation)


def _of(row: Receipt, *, named: bool) -> dict[str, Any]:
    return {
        **present.receipt(row, row.corrects),
        "donation": row.donation_id,
        "fundraiser": row.title,
        "donor": row.donor_name if named else None,
        "company": row.company if named else None,
        "given_on": row.given_on.isoformat(),
    }


def _as_pdf(content: bytes, name: str) -> Response:
    response = Response(content, content_type=PDF)
    response.headers.set("Content-Disposition", "inline", filename=name)
    return response


@resource.route("/organizations/<slug>/receipts", methods=["GET"])
@allow(can_manage_listings, load=find_organization, scope="donations:read")
@resource.arguments(frame.ListQuery, location="query")
@resource.response(200, ReceiptOfList)
def index(organization: Organization, query: dict[str, Any]) -> ResponseReturnValue:
    """Every document of an organization, newest first; numbers have no gap."""
    page = list_receipts(organization.id, query.get("cursor"), limit=query["limit"])
    return frame.page_of(page, lambda row: _of(row, named=policy.is_known_to_staff(row.donation)))


@resource.route("/receipts/<id:receipt_id>", methods=["GET"])
@allow(_may_see, load=money_reads.find_receipt, scope="donations:read")
@resource.response(200, ReceiptWholeOut)
def show(receipt: Receipt) -> ResponseReturnValue:
    """One of them: its donor's, when they were signed in, and the organization's owners' and managers'."""
    named = _is_named(receipt)
    body = {
        **_of(receipt, named=named),
        "organization": receipt.organization_name,
        "tax_id": receipt.tax_id,
        "country": receipt.country,
        "text": papers.text(receipt, named=named),
    }
    return frame.with_digest(ReceiptWholeOut, body)


@resource.route("/receipts/<id:receipt_id>/pdf", methods=["GET"])
@allow(_may_see, load=money_reads.find_receipt, scope="donations:read")
@resource.response(200, BINARY, content_type=PDF)
def pdf(receipt: Receipt) -> ResponseReturnValue:
    """The same to print and keep."""
    key = encode_id(receipt.id)
    if policy.is_donor(current_person(), receipt.donation):
        page = f"/donations/{donation_token(receipt.donation_id)}/receipts/{key}"
    else:
        page = f"/manage/{receipt.donation.fundraiser.organization.slug}/receipts/{key}"
    content = papers.receipt_pdf(receipt, present.url(page), named=_is_named(receipt))
    return _as_pdf(content, f"receipt-{receipt.label}.pdf")


@resource.route("/donations/<id:donation_id>/receipt", methods=["POST"])
@allow(policy.is_donor, load=find_donation, scope="donations:write")
@resource.acts(SentOut)
def send_again(donation: Donation, _payload: dict[str, Any]) -> ResponseReturnValue:
    """Send its donor the latest receipt once more, to the address they gave: once an hour at most, and the answer says whether
    this time."""
    issued = receipts_of([donation.id]).get(donation.id)
    if not issued or not donation.email:
        raise refuse("no_receipt", _("There is no receipt for this gift"))
    latest = issued[-1]
    with transaction():
        asked = issuing.send_again(donation.id, latest.id)
        body = {"number": latest.label, "sent": asked.is_promised, "again_at": frame.iso(asked.again_at)}
        return frame.answer(200, SentOut, body)


# --- what was given in a year ---------------------------------------------------------------------------------------


def _draw_up(year: int) -> statements.Statement:
    """One's own statement. Raises NotFound for a year in which nothing moved."""
    drawn = statements.draw_up(statements.of_person(current_person()), year, mode=settings().payments_mode)
    if not drawn.parts:
        raise NotFound
    return drawn


def _part(part: statements.Part) -> dict[str, Any]:
    lines = [
        {
            "on": line.on.isoformat(),
            "kind": line.kind,
            "title": papers.kind_said(line),
            "fundraiser": line.title,
            "amount": present.money(line.amount.amount_minor, line.amount.currency),
            "receipt": line.receipt or None,
        }
        for line in part.lines
    ]
    total = present.money(part.total.amount_minor, part.total.currency)
    return {"organization": part.organization, "tax_id": part.tax_id, "lines": lines, "total": total}


@resource.route("/me/statements", methods=["GET"])
@signed_in(scope="donations:read")
@resource.response(200, YearsOut)
def years() -> ResponseReturnValue:
    """For which years there is a statement of what one gave."""
    return {"years": statements.list_years(statements.of_person(current_person()), mode=settings().payments_mode)}


@resource.route("/me/statements/<int:year>", methods=["GET"])
@signed_in(scope="donations:read")
@resource.response(200, StatementOut)
def statement(year: int) -> ResponseReturnValue:
    """All that one gave in a year, each organization for itself."""
    drawn = _draw_up(year)
    body = {"year": drawn.year, "donor": drawn.donor, "parts": [_part(part) for part in drawn.parts]}
    return frame.with_digest(StatementOut, body)


@resource.route("/me/statements/<int:year>/pdf", methods=["GET"])
@signed_in(scope="donations:read")
@resource.response(200, BINARY, content_type=PDF)
def statement_pdf(year: int) -> ResponseReturnValue:
    """The same to print and keep."""
    told = statements.mode_told(settings().payments_mode)
    address = present.url(f"/my-help/gifts/{year}")
    return _as_pdf(papers.statement_pdf(_draw_up(year), address, mode=told, locale="en"), f"gifts-{year}.pdf")
