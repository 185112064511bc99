"""Items a need asks for, and what not to bring."""

from __future__ import annotations

from typing import Any

from flask.typing import ResponseReturnValue

from app.accounts.models import Person
from app.accounts.session import current_person, find_current_person
from app.api import frame, present, queries, schemas
from app.core.db import transaction
from app.core.paging import Page
from app.core.web import allow, public
from app.needs import operations
from app.needs.models import Item, Need
from app.needs.policy import can_edit_need, can_see_need
from app.needs.queries import find_need
from app.pledges.quantities import read_quantity

resource = frame.blueprint("items", "Things wanted")


def _find_in_sight(item_id: int) -> Item | None:
    item = queries.whole_item(item_id)
    return item if item is not None and can_see_need(find_current_person(), item.need) else None


def _find_need_in_sight(need_id: int) -> Need | None:
    need = find_need(need_id)
    return need if need is not None and can_see_need(find_current_person(), need) else None


def can_edit_item(person: Person, item: Item) -> bool:
    """Whoever may edit its need."""
    return can_edit_need(person, item.need)


def _values(payload: dict[str, Any]) -> operations.ItemInput:
    if payload.get("quantity") is not None:
        payload["quantity"] = read_quantity(payload["quantity"])
    return operations.ItemInput(**payload)


@resource.route("/needs/<id:need_id>/items", methods=["GET"])
@public(load=_find_need_in_sight)
@resource.response(200, schemas.ItemList)
def index(need: Need) -> ResponseReturnValue:
    """All of them: a need's items are one page."""
    whole = queries.whole_needs([need.id])[0]
    return frame.page_of(Page(whole.items, None), present.item)


@resource.route("/needs/<id:need_id>/items", methods=["POST"])
@allow(can_edit_need, load=find_need, scope="needs:write")
@resource.acts(schemas.ItemOut, takes=schemas.ItemIn, status=201)
def create(need: Need, payload: dict[str, Any]) -> ResponseReturnValue:
    """Quantity null: as much as people can bring."""
    values = _values(payload)
    with transaction():
        made = operations.add_item(need.id, values, by=current_person())
        return frame.answer(201, schemas.ItemOut, present.item(made))


@resource.route("/items/<id:item_id>", methods=["GET"])
@public(load=_find_in_sight)
@resource.response(200, schemas.ItemOut)
def show(item: Item) -> ResponseReturnValue:
    """One item."""
    return frame.with_etag(schemas.ItemOut().dump(present.item(item)), item.version)


@resource.route("/items/<id:item_id>", methods=["PATCH"])
@allow(can_edit_item, load=queries.whole_item, scope="needs:write")
@resource.arguments(schemas.ItemPatch(partial=True))
@resource.response(200, schemas.ItemOut)
@resource.alt_response(409, schema=frame.ProblemSchema, content_type="application/problem+json")
def edit(item: Item, payload: dict[str, Any]) -> ResponseReturnValue:
    """Change what is given. A quantity below what is promised makes a surplus (P1)."""
    with transaction():
        frame.require_match(queries.locked_version(Item, item.id))
        # As it stands under the lock: what the guard read may be somebody else's change ago, and would undo it.
        stands: dict[str, Any] = {
            "name": item.name,
            "unit": item.unit,
            "quantity": frame.number(item.quantity),
            "category": item.category,
            "priority": item.priority,
            "accepted_condition": item.accepted_condition,
            "do_not_bring": item.do_not_bring,
            "purchase_url": item.purchase_url,
        }
        changed = operations.edit_item(item.id, _values({**stands, **payload}), by=current_person())
        return frame.answer(200, schemas.ItemOut, present.item(changed))
