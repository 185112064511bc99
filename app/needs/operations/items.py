"""Things wanted, and things not to bring: adding, changing and removing them."""

from __future__ import annotations

import decimal
from urllib.parse import urlsplit

import sqlalchemy as sa

from app.accounts.models import Person
from app.core.db import MAXIMUM_QUANTITY, QUANTITY_STEP, db
from app.core.errors import InvalidInput, refuse
from app.core.i18n import _
from app.needs.models import PRIORITIES, Item
from app.needs.operations.inputs import ItemInput
from app.needs.operations.shared import changed, locked_item, locked_need, record, require_not_closed

LENGTHS = {"name": 160, "unit": 40, "category": 40, "accepted_condition": 120}
MAXIMUM_URL = 500


def add_item(need_id: int, values: ItemInput, *, by: Person | None) -> Item:
    """A thing wanted, or one not to bring. Raises InvalidInput, naming the field."""
    need = locked_need(need_id)
    require_not_closed(need)
    _check(values)
    item = Item(need_id=need.id, sort=len(need.items), version=1)
    _write(item, values)
    db.session.add(item)
    db.session.flush()
    db.session.expire(need, ["items"])
    changed(need)
    record("item.added", item, by, need)
    return item


def edit_item(item_id: int, values: ItemInput, *, by: Person | None) -> Item:
    """Change an item. A quantity below what is promised makes a surplus (P1). Raises InvalidInput, Refused (`promised`)."""
    need, item = locked_item(item_id)
    require_not_closed(need)
    _check(values)
    if values.do_not_bring and (item.reserved or item.in_transit):
        raise refuse("promised", _("People have promised to bring this."), _("Ask them to keep it, then change it."))
    _write(item, values)
    item.version += 1
    changed(need)
    record("item.edited", item, by, need, {"quantity": None if item.quantity is None else f"{item.quantity:f}"})
    return item


def remove_item(item_id: int, *, by: Person) -> None:
    """It is not wanted any more: gone when nobody ever promised it, else nothing more of it is wanted. Raises Refused."""
    need, item = locked_item(item_id)
    require_not_closed(need)
    if item.reserved or item.in_transit:
        raise refuse(
            "promised", _("People have promised to bring this."), _("Receive it first, or ask them to keep it.")
        )
    record("item.removed", item, by, need)
    db.session.flush()
    try:
        with db.session.begin_nested():
            db.session.execute(sa.delete(Item).where(Item.id == item.id))
    except sa.exc.IntegrityError:
        # Somebody promised it once; the record of that stays.
        item.quantity, item.version = item.received, item.version + 1
    else:
        db.session.expunge(item)
    db.session.expire(need, ["items"])
    changed(need)


def _check(values: ItemInput) -> None:
    errors: dict[str, str] = {}
    for name, most in LENGTHS.items():
        if len(getattr(values, name)) > most:
            errors[name] = _("Write %(most)s characters or fewer", most=most)
    if not values.name.strip():
        errors["name"] = _("Enter a name")
    if values.priority not in PRIORITIES:
        errors["priority"] = _("Choose how soon it is needed")
    if values.quantity is not None and (problem := _quantity_problem(values.quantity)):
        errors["quantity"] = problem
    if values.purchase_url and not _is_web_address(values.purchase_url):
        errors["purchase_url"] = _("Enter a link that begins with https://")
    if errors:
        raise InvalidInput(errors)


def _quantity_problem(quantity: decimal.Decimal) -> str:
    """What is wrong with a quantity (P5), or nothing."""
    if not quantity.is_finite() or quantity <= 0:
        return _("Enter a quantity of more than 0, or leave it empty")
    if quantity > MAXIMUM_QUANTITY or quantity % QUANTITY_STEP != 0:
        return _("Enter a smaller quantity, with at most three decimals")
    return ""


def _is_web_address(url: str) -> bool:
    """True for an http or https address with a host, and nothing a browser would read as something else."""
    if len(url) > MAXIMUM_URL or any(ord(character) <= 32 for character in url) or "\\" in url:
        return False
    try:
        parts = urlsplit(url)
        return parts.scheme in ("http", "https") and bool(parts.hostname) and parts.username is None
    except ValueError:
        return False


def _write(item: Item, values: ItemInput) -> None:
    item.name, item.unit, item.category = values.name.strip(), values.unit.strip(), values.category
    item.quantity = None if values.do_not_bring else values.quantity
    item.priority, item.accepted_condition = values.priority, values.accepted_condition.strip()
    item.purchase_url, item.do_not_bring = values.purchase_url or None, values.do_not_bring
