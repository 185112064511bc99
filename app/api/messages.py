"""What donors write on a fundraiser's page: read, shown and hidden by whoever tends it, reported by anybody."""

from __future__ import annotations

from typing import Any

import marshmallow as ma
from flask.typing import ResponseReturnValue
from werkzeug.exceptions import NotFound

from app.accounts.models import Person
from app.accounts.session import current_person, find_current_person
from app.api import frame, money_reads, schemas
from app.core.db import transaction
from app.core.limits import network
from app.core.paging import Page
from app.core.web import allow, public
from app.donations import messages, page_parts
from app.donations.models import DEDICATIONS, HIDERS, Donation
from app.donations.queries import parts_to_show
from app.fundraisers import policy
from app.fundraisers.models import Fundraiser
from app.fundraisers.queries import find_fundraiser

resource = frame.blueprint("messages", "What donors write on a fundraiser's page")


class MessageOut(frame.Schema):
    """What a donor wrote, and the name that they let everybody read, if any. `hidden_by` and `name_hidden_by` say who keeps it
    from the page (null: nobody does): `words` until somebody has looked, the starter, staff (then only staff show it) or the
    platform. `reports` are what readers said of the message since, and `name_reports` of the name."""

    id = frame.Id(required=True)
    fundraiser = ma.fields.String(required=True)
    message = ma.fields.String(required=True)
    dedication = ma.fields.String(required=True, validate=schemas.one_of(DEDICATIONS))
    dedicated_to = ma.fields.String(required=True)
    hidden_by = ma.fields.String(required=True, allow_none=True, validate=schemas.one_of(HIDERS))
    hidden_reason = ma.fields.String(required=True)
    name = ma.fields.String(required=True, allow_none=True, metadata={"description": "one that everybody may read"})
    name_hidden_by = ma.fields.String(required=True, allow_none=True, validate=schemas.one_of(HIDERS))
    name_hidden_reason = ma.fields.String(required=True)
    reports = ma.fields.List(ma.fields.String(), required=True)
    name_reports = ma.fields.List(ma.fields.String(), required=True)
    created_at = schemas.moment(required=True)


class MessageQuery(frame.ListQuery):
    """All of them, or those of which something (the message, the name) is hidden, is reported, or neither."""

    hidden = ma.fields.Boolean()
    reported = ma.fields.Boolean()


PART = {"description": "what of the gift: what its donor wrote, or the name that they show"}


def _part() -> ma.fields.String:
    return ma.fields.String(validate=schemas.one_of(("message", "name")), load_default="message", metadata=PART)


class ShowIn(frame.Schema):
    """What is shown."""

    part = _part()


class HideIn(ShowIn):
    """What is hidden, and why: for the staff and whoever started the page."""

    reason = schemas.text(300, load_default="")


class ReportIn(ShowIn):
    """What is wrong with it."""

    reason = schemas.paragraphs(300, 1, required=True)


class ReportedOut(frame.Schema):
    """What was reported, and that it was."""

    id = frame.Id(required=True)
    reported = ma.fields.Boolean(required=True)


MessageList = frame.list_schema(MessageOut, "MessageList")


def _present(of: page_parts.Message, slug: str) -> dict[str, Any]:
    row = of.donation
    return {
        "id": row.id,
        "fundraiser": slug,
        "message": row.message,
        "dedication": row.dedication,
        "dedicated_to": row.dedicated_to,
        "hidden_by": row.hidden_by or None,
        "hidden_reason": row.hidden_reason,
        "name": (row.company or row.name) if "name" in of.parts else None,
        "name_hidden_by": row.name_hidden_by or None,
        "name_hidden_reason": row.name_hidden_reason,
        "reports": of.reports.get("message", ()),
        "name_reports": of.reports.get("name", ()),
        "created_at": frame.iso(row.created_at),
    }


def _may_tend(person: Person, row: Donation) -> bool:
    return policy.can_tend(person, row.fundraiser)


def _find_shown(message_id: int) -> Donation | None:
    """A message that the public reads."""
    found = money_reads.find_message(message_id)
    shown = found is not None and policy.is_visible(found.fundraiser) and found.status == "paid"
    return found if shown else None


def _check_part(row: Donation, part: str) -> str:
    """The part of a gift that is meant. Raises NotFound for one that it has not."""
    if part not in parts_to_show(row):
        raise NotFound
    return part


def _whole(row: Donation) -> dict[str, Any]:
    return _present(page_parts.message_of(row), row.fundraiser.slug)


@resource.route("/fundraisers/<slug>/messages", methods=["GET"])
@allow(policy.can_tend, load=find_fundraiser, scope="donations:read")
@resource.arguments(MessageQuery, location="query")
@resource.response(200, MessageList)
def index(fundraiser: Fundraiser, query: dict[str, Any]) -> ResponseReturnValue:
    """Those of counted gifts, shown and hidden, and names that are hidden or reported where nothing was written; newest first.
    For whoever speaks for the page and the organization's owners and managers."""
    slug = fundraiser.slug
    page = money_reads.page_messages(
        fundraiser.id,
        hidden=query.get("hidden"),
        reported=query.get("reported"),
        cursor=query.get("cursor"),
        limit=query["limit"],
    )
    found = Page(page_parts.with_reports(page.rows), page.next_cursor)
    return frame.page_of(found, lambda of: _present(of, slug))


@resource.route("/messages/<id:message_id>", methods=["GET"])
@allow(_may_tend, load=money_reads.find_message, scope="donations:read")
@resource.response(200, MessageOut)
def one(row: Donation) -> ResponseReturnValue:
    """What one donor wrote, and the name they show."""
    return frame.with_digest(MessageOut, _whole(row))


@resource.route("/messages/<id:message_id>/hide", methods=["POST"])
@allow(_may_tend, load=money_reads.find_message, scope="donations:write")
@resource.acts(MessageOut, takes=HideIn, required=False)
def hide(row: Donation, payload: dict[str, Any]) -> ResponseReturnValue:
    """Keep it from the page; what was reported of it is settled."""
    with transaction():
        part = _check_part(row, payload.get("part", "message"))
        hidden = messages.hide_message(row.id, by=current_person(), reason=payload.get("reason", ""), part=part)
        return frame.answer(200, MessageOut, _whole(hidden))


@resource.route("/messages/<id:message_id>/show", methods=["POST"])
@allow(_may_tend, load=money_reads.find_message, scope="donations:write")
@resource.acts(MessageOut, takes=ShowIn, required=False)
def show(row: Donation, payload: dict[str, Any]) -> ResponseReturnValue:
    """Show it, or let it stay: what was reported of it is settled. What staff hid, only staff show."""
    with transaction():
        part = _check_part(row, payload.get("part", "message"))
        shown = messages.show_message(row.id, by=current_person(), part=part)
        return frame.answer(200, MessageOut, _whole(shown))


@resource.route("/messages/<id:message_id>/report", methods=["POST"])
@public(load=_find_shown)
@resource.acts(ReportedOut, takes=ReportIn)
def report(row: Donation, payload: dict[str, Any]) -> ResponseReturnValue:
    """Say that it should not be there: the organization and whoever started the page look at it. Needs no token, and asks nobody
    who they are."""
    with transaction():
        part = _check_part(row, payload["part"])
        if row.hider_of(part):
            raise NotFound  # nobody sees it any more
        messages.report_message(
            row.id, by=find_current_person(), network=network(), reason=payload["reason"], part=part
        )
        return frame.answer(200, ReportedOut, {"id": row.id, "reported": True})
