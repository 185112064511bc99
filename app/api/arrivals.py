"""What staff do with things that are brought: see what is expected, write down what came, and take that back."""

from __future__ import annotations

from typing import Any

import marshmallow as ma
from flask.typing import ResponseReturnValue

from app.accounts.session import current_person
from app.api import frame, present, queries, schemas
from app.core.db import transaction
from app.core.errors import refuse
from app.core.i18n import _
from app.core.web import allow
from app.needs.models import Item
from app.needs.policy import seen_by_staff
from app.organizations.models import Organization
from app.organizations.policy import can_see_staff_pages
from app.organizations.queries import find_organization
from app.pledges.models import LIVE_STATUSES, Delivery, Pledge
from app.pledges.operations import receive_unpledged, undo_delivery
from app.pledges.policy import can_receive_item, can_receive_pledge, can_undo_delivery
from app.pledges.quantities import read_quantity
from app.pledges.queries import find_delivery

resource = frame.blueprint("arrivals", "Things that are expected, and what came of them; for staff")


class ArrivalQuery(frame.ListQuery):
    """Everything that is expected, or only what is on its way, or not yet."""

    status = ma.fields.String(validate=schemas.one_of(LIVE_STATUSES))


class ArrivalOut(schemas.PledgeOut):
    """A promise that is expected, with what it is of; `outstanding` is what has still to come."""

    need = frame.Id(required=True)
    item_name = ma.fields.String(required=True)
    unit = ma.fields.String(required=True)
    outstanding = ma.fields.String(required=True, metadata=schemas.DECIMAL)


class DeliveryIn(frame.Schema):
    """Something came that nobody had promised."""

    received = ma.fields.String(required=True, metadata=schemas.DECIMAL)
    note = schemas.text(300, load_default="")


class DeliveryOut(frame.Schema):
    """What came at one time, of a pledge or without one (`pledge` null); one that was undone counts no more."""

    id = frame.Id(required=True)
    item = frame.Id(required=True)
    item_name = ma.fields.String(required=True)
    unit = ma.fields.String(required=True)
    pledge = frame.Id(required=True, allow_none=True)
    name = ma.fields.String(required=True, allow_none=True)
    received = ma.fields.String(required=True, metadata=schemas.DECIMAL)
    rejected = ma.fields.String(required=True, metadata=schemas.DECIMAL)
    note = ma.fields.String(required=True)
    created_at = schemas.moment(required=True)
    undone_at = schemas.moment(required=True, allow_none=True)


ArrivalList = frame.list_schema(ArrivalOut, "ArrivalList")
DeliveryList = frame.list_schema(DeliveryOut, "DeliveryList")


@resource.route("/organizations/<slug>/arrivals", methods=["GET"])
@allow(can_see_staff_pages, load=find_organization, scope="pledges:read")
@resource.arguments(ArrivalQuery, location="query")
@resource.response(200, ArrivalList)
def index(organization: Organization, query: dict[str, Any]) -> ResponseReturnValue:
    """Staff: every promise to the needs they work on that is outstanding, by the day it comes; those without a day last."""
    page = queries.list_arrivals(
        organization.id,
        seen_by_staff(current_person(), organization.id),
        status=query.get("status"),
        cursor=query.get("cursor"),
        limit=query["limit"],
    )
    return frame.page_of(page, present.arrival)


@resource.route("/organizations/<slug>/deliveries", methods=["GET"])
@allow(can_see_staff_pages, load=find_organization, scope="pledges:read")
@resource.arguments(frame.ListQuery, location="query")
@resource.response(200, DeliveryList)
def deliveries(organization: Organization, query: dict[str, Any]) -> ResponseReturnValue:
    """Staff: what came for the needs they work on, newest first."""
    seen = seen_by_staff(current_person(), organization.id)
    page = queries.list_deliveries(organization.id, seen, cursor=query.get("cursor"), limit=query["limit"])
    return frame.page_of(page, present.delivery)


@resource.route("/items/<id:item_id>/deliveries", methods=["POST"])
@allow(can_receive_item, load=queries.whole_item, scope="pledges:write")
@resource.acts(DeliveryOut, takes=DeliveryIn, status=201)
def receive(item: Item, payload: dict[str, Any]) -> ResponseReturnValue:
    """Staff: something came that nobody had promised. It fills what is still wanted, or is a surplus (P1)."""
    received = read_quantity(payload["received"], "received")
    with transaction():
        made = receive_unpledged(item.id, by=current_person(), received=received, note=payload["note"])
        return frame.answer(201, DeliveryOut, present.delivery(made))


@resource.route("/deliveries/<id:delivery_id>/undo", methods=["POST"])
@allow(can_undo_delivery, load=find_delivery, scope="pledges:write")
@resource.acts(DeliveryOut)
def undo(delivery: Delivery, _payload: dict[str, Any]) -> ResponseReturnValue:
    """Staff: it was written down by mistake, what was received as well as what was turned away. What it answered is promised
    again."""
    with transaction():
        undone = undo_delivery(delivery.id, by=current_person())
        return frame.answer(200, DeliveryOut, present.delivery(undone))


@resource.route("/pledges/<id:pledge_id>/undo-receive", methods=["POST"])
@allow(can_receive_pledge, load=queries.find_pledge, scope="pledges:write")
@resource.acts(schemas.PledgeOut)
def undo_receive(row: Pledge, _payload: dict[str, Any]) -> ResponseReturnValue:
    """Staff: what was written down last of a promise was a mistake, received or turned away; once more, what was before it."""
    with transaction():
        delivery_id = queries.find_last_delivery(row.id)
        if delivery_id is None:
            raise refuse("nothing_received", _("Nothing of this promise was received or turned away."))
        undo_delivery(delivery_id, by=current_person())
        return frame.answer(200, schemas.PledgeOut, present.pledge(row, name=row.person.name))
