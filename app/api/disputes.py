"""Disputes: a donor's bank takes a payment back, or asks about it; for the organization's owners and managers."""

from __future__ import annotations

from typing import Any

import marshmallow as ma
from flask.typing import ResponseReturnValue

from app.accounts.models import Person
from app.accounts.session import current_person
from app.api import frame, money_reads, present, schemas
from app.api.money_frame import check_on, silent
from app.core.db import transaction
from app.core.errors import refuse
from app.core.i18n import _
from app.core.web import allow, settings
from app.donations import evidence, gateway, going_back, money_words
from app.donations.money_models import DISPUTE_ANSWERABLE, Dispute, FraudWarning
from app.donations.money_queries import find_dispute
from app.donations.operations import disputes
from app.donations.policy import can_refund
from app.organizations.models import Organization
from app.organizations.policy import can_manage_listings
from app.organizations.queries import find_organization

resource = frame.blueprint("disputes", "Payments that a donor's bank disputes")
LONGEST_WORDS = 10_000


class DisputeOut(frame.Schema):
    """A dispute of a gift. `status` and `reason` are Stripe's codes, `reason_text` says the reason in words; `inquiry`: the bank
    only asks. Until `respond_by` it can be answered, once; `withdrawn` is what the bank holds now."""

    id = frame.Id(required=True)
    donation = frame.Id(required=True)
    fundraiser = ma.fields.String(required=True)
    amount = ma.fields.Nested(frame.MoneySchema, required=True)
    withdrawn = ma.fields.Nested(frame.MoneySchema, required=True)
    status = ma.fields.String(required=True)
    open = ma.fields.Boolean(required=True)
    inquiry = ma.fields.Boolean(required=True)
    reason = ma.fields.String(required=True)
    reason_text = ma.fields.String(required=True)
    respond_by = schemas.moment(required=True, allow_none=True)
    may_answer = ma.fields.Boolean(required=True)
    answered_at = schemas.moment(required=True, allow_none=True)
    created_at = schemas.moment(required=True)


class DisputeWholeOut(DisputeOut):
    """A dispute, and what would be sent to the bank or was, word for word, by Stripe's names."""

    evidence = ma.fields.Dict(keys=ma.fields.String(), values=ma.fields.String(), required=True)


class DisputeQuery(frame.ListQuery):
    """All of them, or those that are open or decided."""

    open = ma.fields.Boolean()


class EvidenceIn(frame.Schema):
    """What the staff know of this donor and this gift, in their own words: the bank reads it beside our records."""

    words = schemas.paragraphs(LONGEST_WORDS, load_default="")


class WarningOut(frame.Schema):
    """A card network's early warning that a payment may be fraud, of a kind by Stripe's name: giving it back avoids a dispute."""

    id = frame.Id(required=True)
    donation = frame.Id(required=True)
    kind = ma.fields.String(required=True)
    actionable = ma.fields.Boolean(required=True)
    created_at = schemas.moment(required=True)


WarningList = frame.list_schema(WarningOut, "WarningList")
DisputeList = frame.list_schema(DisputeOut, "DisputeList")


def _may(person: Person, dispute: Dispute) -> bool:
    return can_refund(person, dispute.donation)


def _present(row: Dispute) -> dict[str, Any]:
    return {
        "id": row.id,
        "donation": row.donation_id,
        "fundraiser": row.donation.fundraiser.slug,
        "amount": present.money(row.amount_minor, row.currency),
        "withdrawn": present.money(row.withdrawn_minor, row.donation.currency),
        "status": row.status,
        "open": row.is_open,
        "inquiry": row.is_inquiry,
        "reason": row.reason,
        "reason_text": str(money_words.dispute_reason(row.reason)),
        "respond_by": frame.iso(row.respond_by),
        "may_answer": row.status in DISPUTE_ANSWERABLE and row.submitted_at is None,
        "answered_at": frame.iso(row.submitted_at),
        "created_at": frame.iso(row.created_at),
    }


def _pack(row: Dispute, words: str) -> dict[str, str]:
    return evidence.pack(row, words, base_url=settings().base_url, locale="en")


def _whole(row: Dispute) -> dict[str, Any]:
    return {**_present(row), "evidence": row.evidence or _pack(row, "")}


@resource.route("/organizations/<slug>/disputes", methods=["GET"])
@allow(can_manage_listings, load=find_organization, scope="donations:read")
@resource.arguments(DisputeQuery, location="query")
@resource.response(200, DisputeList)
def index(organization: Organization, query: dict[str, Any]) -> ResponseReturnValue:
    """Disputes of an organization's gifts, newest first, each with its deadline."""
    page = money_reads.page_disputes(
        organization.id, is_open=query.get("open"), cursor=query.get("cursor"), limit=query["limit"]
    )
    return frame.page_of(page, _present)


@resource.route("/disputes/<id:dispute_id>", methods=["GET"])
@allow(_may, load=find_dispute, scope="donations:read")
@resource.response(200, DisputeWholeOut)
def show(dispute: Dispute) -> ResponseReturnValue:
    """One of them, and what would be sent."""
    return frame.with_digest(DisputeWholeOut, _whole(dispute))


@resource.route("/disputes/<id:dispute_id>/evidence", methods=["POST"])
@allow(_may, load=find_dispute, scope="donations:write")
@resource.acts(DisputeWholeOut, takes=EvidenceIn, required=False, silent=True)
def send_evidence(dispute: Dispute, payload: dict[str, Any]) -> ResponseReturnValue:
    """Send the bank our records and your words: once, and finally."""
    check_on()
    dispute_id, person = dispute.id, current_person()
    packed = _pack(dispute, payload.get("words", ""))
    with transaction():
        disputes.save_evidence(dispute_id, packed, by=person)
    try:
        going_back.send_evidence(dispute_id, by=person)
    except gateway.GatewayError as error:
        if error.passing:
            return silent(error)
        raise refuse(
            "not_taken", _("Stripe did not take it"), _("Look at the dispute in Stripe's dashboard")
        ) from error
    with transaction():
        fresh = find_dispute(dispute_id)
        if fresh is None:
            raise LookupError("dispute")
        return frame.answer(200, DisputeWholeOut, _whole(fresh))


@resource.route("/organizations/<slug>/fraud-warnings", methods=["GET"])
@allow(can_manage_listings, load=find_organization, scope="donations:read")
@resource.arguments(frame.ListQuery, location="query")
@resource.response(200, WarningList)
def warnings(organization: Organization, query: dict[str, Any]) -> ResponseReturnValue:
    """Early warnings about an organization's gifts, newest first."""

    def shown(row: FraudWarning) -> dict[str, Any]:
        names = ("id", "kind", "actionable")
        told = {name: getattr(row, name) for name in names}
        return {**told, "donation": row.donation_id, "created_at": frame.iso(row.created_at)}

    page = money_reads.page_warnings(organization.id, cursor=query.get("cursor"), limit=query["limit"])
    return frame.page_of(page, shown)
