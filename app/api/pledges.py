"""Promises of items: make one, see one's own (staff: all of an item), take one back, receive one."""

from __future__ import annotations

import decimal
from typing import Any

from flask.typing import ResponseReturnValue

from app.accounts.session import current_person
from app.api import frame, present, queries, schemas
from app.core.db import transaction
from app.core.web import allow
from app.needs.models import Item
from app.needs.policy import can_see_need, can_see_staff_page
from app.pledges.models import Pledge
from app.pledges.operations import cancel_pledge, change_pledge, lock_pledge, pledge, receive_pledge, undo_cancel
from app.pledges.policy import can_cancel_pledge, can_receive_pledge, can_see_pledge, is_own_pledge
from app.pledges.quantities import read_quantity

resource = frame.blueprint("pledges", "Promises of items")


def _item_in_sight(person: Any, item: Item) -> bool:
    """Whoever may see the need may promise its items; the operation says who can."""
    return can_see_need(person, item.need)


def _part(typed: str, field: str) -> decimal.Decimal:
    """A quantity that may be nothing."""
    return decimal.Decimal(0) if typed.strip() in ("", "0") else read_quantity(typed, field)


def _version(row: Pledge) -> int:
    """When it was changed last, in microseconds: what If-Match is about."""
    return int(row.updated_at.timestamp() * 1_000_000)


def _present(row: Pledge, *, staff: bool) -> dict[str, Any]:
    return present.pledge(row, name=row.person.name if staff else None)


@resource.route("/items/<id:item_id>/pledges", methods=["POST"])
@allow(_item_in_sight, load=queries.whole_item, scope="pledges:write")
@resource.acts(schemas.PledgeOut, takes=schemas.PledgeIn, status=201)
def create(item: Item, payload: dict[str, Any]) -> ResponseReturnValue:
    """A promise. A second one for the same item is 409 until it says `mode` (P2)."""
    quantity = read_quantity(payload["quantity"])
    with transaction():
        made = pledge(
            item.id,
            by=current_person(),
            quantity=quantity,
            mode=payload["mode"],
            note=payload["note"],
            deliver_by=payload.get("deliver_by"),
            way=payload["way"],
        )
        return frame.answer(201, schemas.PledgeOut, _present(made, staff=False))


@resource.route("/items/<id:item_id>/pledges", methods=["GET"])
@allow(_item_in_sight, load=queries.whole_item, scope="pledges:read")
@resource.arguments(frame.ListQuery, location="query")
@resource.response(200, schemas.PledgeList)
def index(item: Item, query: dict[str, Any]) -> ResponseReturnValue:
    """Staff see everybody's, supporters their own."""
    person = current_person()
    staff = can_see_staff_page(person, item.need)
    page = queries.list_pledges(
        item_id=item.id, person_id=None if staff else person.id, cursor=query.get("cursor"), limit=query["limit"]
    )
    return frame.page_of(page, lambda row: _present(row, staff=staff))


@resource.route("/pledges/<id:pledge_id>", methods=["GET"])
@allow(can_see_pledge, load=queries.find_pledge, scope="pledges:read")
@resource.response(200, schemas.PledgeOut)
def show(row: Pledge) -> ResponseReturnValue:
    """One promise, for the person and the staff."""
    body = _present(row, staff=can_see_staff_page(current_person(), row.item.need))
    return frame.with_etag(schemas.PledgeOut().dump(body), _version(row))


@resource.route("/pledges/<id:pledge_id>", methods=["PATCH"])
@allow(is_own_pledge, load=queries.find_pledge, scope="pledges:write")
@resource.arguments(schemas.PledgeEdit)
@resource.response(200, schemas.PledgeOut)
@resource.alt_response(409, schema=frame.ProblemSchema, content_type="application/problem+json")
def edit(row: Pledge, payload: dict[str, Any]) -> ResponseReturnValue:
    """Another quantity, day or way; `in_transit` says that it is on its way. What is left out stays."""
    with transaction():
        # What is left out is as it stands under the lock, and not as the guard read it.
        frame.require_match(_version(lock_pledge(row.id)[1]))
        changed = change_pledge(
            row.id,
            by=current_person(),
            quantity=read_quantity(payload["quantity"]) if "quantity" in payload else row.quantity,
            deliver_by=payload.get("deliver_by"),
            way=payload.get("way", row.way),
            on_its_way=payload.get("in_transit", row.status == "in_transit"),
            note=payload.get("note"),
        )
        return frame.answer(200, schemas.PledgeOut, _present(changed, staff=False))


@resource.route("/pledges/<id:pledge_id>/cancel", methods=["POST"])
@allow(can_cancel_pledge, load=queries.find_pledge, scope="pledges:write")
@resource.acts(schemas.PledgeOut, takes=schemas.CancelIn, required=False)
def cancel(row: Pledge, payload: dict[str, Any]) -> ResponseReturnValue:
    """Take back what has not been delivered; it is wanted again. Staff do it for somebody who telephones, and that
    person is told."""
    person = current_person()
    is_own = is_own_pledge(person, row)
    with transaction():
        cancelled = cancel_pledge(row.id, by=person, reason="" if is_own else payload["reason"])
        return frame.answer(200, schemas.PledgeOut, _present(cancelled, staff=not is_own))


@resource.route("/pledges/<id:pledge_id>/undo", methods=["POST"])
@allow(can_cancel_pledge, load=queries.find_pledge, scope="pledges:write")
@resource.acts(schemas.PledgeOut)
def undo(row: Pledge, _payload: dict[str, Any]) -> ResponseReturnValue:
    """What was taken back up to 15 minutes ago is promised again, as far as it is still wanted."""
    with transaction():
        again = undo_cancel(row.id, by=current_person())
        return frame.answer(200, schemas.PledgeOut, _present(again, staff=False))


@resource.route("/pledges/<id:pledge_id>/receive", methods=["POST"])
@allow(can_receive_pledge, load=queries.find_pledge, scope="pledges:write")
@resource.acts(schemas.PledgeOut, takes=schemas.ReceiveIn)
def receive(row: Pledge, payload: dict[str, Any]) -> ResponseReturnValue:
    """What came, and what was turned away and why; the rest stays promised (P4)."""
    received, rejected = (_part(payload[field], field) for field in ("received", "rejected"))
    with transaction():
        changed = receive_pledge(
            row.id,
            by=current_person(),
            received=received,
            rejected=rejected,
            reason=payload["reason"],
            more=payload["more"],
        )
        return frame.answer(200, schemas.PledgeOut, _present(changed, staff=True))
