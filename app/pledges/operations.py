"""Promising items, taking the promise back, and receiving what was brought. Each keeps the item's equation (P1)."""

from __future__ import annotations

import decimal
from typing import Literal

import sqlalchemy as sa

from app.accounts.models import Person
from app.core import audit, outbox
from app.core.clock import now
from app.core.db import MAXIMUM_QUANTITY, db, lock
from app.core.errors import InvalidInput, Reason, Refused, refuse
from app.core.i18n import _, number
from app.core.text import block, line
from app.needs import promises
from app.needs.models import Item, Need
from app.pledges.models import LIVE_STATUSES, Pledge
from app.pledges.quantities import check_part, check_quantity, format_quantity

Mode = Literal["add", "replace"]
ZERO = decimal.Decimal(0)
# All that was ever promised and brought of one item: keeps sums far inside 64 bits.
MAXIMUM_TOTAL = MAXIMUM_QUANTITY * 1000


def check_pledge(item: Item, person: Person) -> list[Reason]:
    """Every reason why `person` can promise nothing of `item`; how much is asked only by `pledge` itself."""
    found = promises.check_person(person)
    if not person.is_active:
        return found
    found += promises.check_need(item.need)
    if item.do_not_bring:
        found.append(Reason("do_not_bring", _("Please do not bring this.")))
    return found


def pledge(item_id: int, *, by: Person, quantity: decimal.Decimal, mode: Mode | None = None, note: str = "") -> Pledge:
    """Promise `quantity` (of the item's unit) of an item, or change one's live promise: "add" to it or "replace" it (P2).

    Raises InvalidInput at "quantity" when it is no quantity (P5), and Refused: `already_pledged` when there is a live
    promise and `mode` is None, `more_than_wanted`, or every reason of `check_pledge`. Only receiving makes a surplus.
    """
    check_quantity(quantity)
    person, item = _lock(by.id, item_id)
    reasons = check_pledge(item, person)
    if reasons:
        raise Refused(reasons)
    current = find_live(item.id, person.id)
    if current is None:
        return _pledge_first(item, person, quantity, note)
    if mode is None:
        raise already_pledged(item, current)
    return _change(item, current, quantity if mode == "replace" else current.quantity + quantity, person)


def find_live(item_id: int, person_id: int) -> Pledge | None:
    """The person's promise of this item that has not been delivered or taken back (at most one, a constraint)."""
    return db.session.scalar(
        sa.select(Pledge).where(
            Pledge.item_id == item_id, Pledge.person_id == person_id, Pledge.status.in_(LIVE_STATUSES)
        )
    )


def already_pledged(item: Item, current: Pledge) -> Refused:
    """The refusal that asks whether to add or to replace (P2)."""
    said = _(
        "You have already promised %(quantity)s of “%(item)s”.",
        quantity=with_unit(current.quantity, item),
        item=item.name,
    )
    return refuse("already_pledged", said, _("Say whether to add to it or to replace it."))


def cancel_pledge(pledge_id: int, *, by: Person | None) -> Pledge:
    """Take back what has not been delivered: it is wanted again. What was received stays received.

    Raises Refused (`not_live`) when nothing is outstanding any more.
    """
    item, found = _lock_pledge(pledge_id)
    _free(item, found, outstanding(found))
    found.status = "received" if found.received else "cancelled"
    found.updated_at = now()
    db.session.flush()
    _record("pledge.cancelled", found, item, by)
    outbox.enqueue("pledge_cancelled", {"pledge_id": found.id}, key=f"pledge_cancelled:{found.id}")
    return found


def receive_pledge(
    pledge_id: int,
    *,
    by: Person,
    received: decimal.Decimal,
    rejected: decimal.Decimal = ZERO,
    reason: str = "",
) -> Pledge:
    """What was brought now: `received` is kept, `rejected` is not and says why; the rest stays promised (P4).

    What was pledged never changes. More than was promised is a surplus or fills what was still wanted. Raises
    InvalidInput for quantities that are none and a rejection without its reason, Refused (`not_live`) when nothing
    is outstanding.
    """
    check_part(received, "received")
    check_part(rejected, "rejected")
    if received + rejected <= 0:
        raise InvalidInput({"received": _("Enter how much came")})
    reason = line(reason) or ""
    if rejected and not reason:
        raise InvalidInput({"reason": _("Say why it could not be taken: the person who brought it is told")})
    item, found = _lock_pledge(pledge_id)
    if rejected > outstanding(found):
        raise InvalidInput({"rejected": _("No more can be turned away than was promised")})
    if item.received + received > MAXIMUM_TOTAL:
        raise InvalidInput({"received": _("Enter a smaller quantity")})
    _free(item, found, min(outstanding(found), received + rejected))
    _update_item(item, received=Item.received + received)
    found.received += received
    found.rejected += rejected
    if rejected:
        found.rejected_reason = reason
    if outstanding(found) <= 0:
        found.status = "received" if found.received else "rejected"
    found.updated_at = now()
    db.session.flush()
    _record("pledge.received", found, item, by)
    outbox.enqueue(
        "pledge_received",
        {"pledge_id": found.id, "received": format_quantity(received), "rejected": format_quantity(rejected)},
        key=f"pledge_received:{found.id}:{format_quantity(found.received)}:{format_quantity(found.rejected)}",
    )
    return found


def outstanding(found: Pledge) -> decimal.Decimal:
    """What of a promise has neither come nor been turned away; never negative."""
    return max(ZERO, found.quantity - found.received - found.rejected)


def with_unit(quantity: decimal.Decimal, item: Item) -> str:
    """A quantity in words: "2 × box of 24", or the number alone when the item has no unit."""
    count = number(quantity.normalize())
    return _("%(number)s × %(unit)s", number=count, unit=item.unit) if item.unit else count


def _pledge_first(item: Item, person: Person, quantity: decimal.Decimal, note: str) -> Pledge:
    _claim(item, quantity)
    made = Pledge(
        item_id=item.id,
        person_id=person.id,
        quantity=quantity,
        status="reserved",
        note=block(note) or "",
        created_at=now(),
        updated_at=now(),
    )
    db.session.add(made)
    db.session.flush()
    _record("pledge.made", made, item, person)
    outbox.enqueue("pledge_made", {"pledge_id": made.id}, key=f"pledge_made:{made.id}")
    return made


def _change(item: Item, current: Pledge, quantity: decimal.Decimal, person: Person) -> Pledge:
    """Set a live promise to `quantity`: claim what is more, free what is less."""
    check_quantity(quantity)
    if quantity <= current.received + current.rejected:
        raise InvalidInput(
            {"quantity": _("Enter more than what has already been brought, or cancel the rest on My help")}
        )
    difference = quantity - current.quantity
    if difference > 0:
        _claim(item, difference, in_transit=current.status == "in_transit")
    elif difference < 0:
        _free(item, current, -difference)
    current.quantity = quantity
    current.updated_at = now()
    db.session.flush()
    _record("pledge.changed", current, item, person)
    key = f"pledge_changed:{current.id}:{format_quantity(quantity)}:{current.updated_at.isoformat()}"
    outbox.enqueue("pledge_changed", {"pledge_id": current.id}, key=key)
    return current


def _lock(person_id: int, item_id: int) -> tuple[Person, Item]:
    """Person, need, item: locked in this order everywhere, and read afresh."""
    person = lock(Person, person_id)
    found = db.session.get(Item, item_id)
    need = lock(Need, found.need_id) if found is not None else None
    item = lock(Item, item_id) if need is not None else None
    if person is None or item is None:
        raise refuse("not_found", _("This item is not there any more."))
    return person, item


def _lock_pledge(pledge_id: int) -> tuple[Item, Pledge]:
    """The live promise and its item, locked. Raises Refused when it is not live."""
    seen = db.session.get_one(Pledge, pledge_id)
    _person, item = _lock(seen.person_id, seen.item_id)
    found = lock(Pledge, pledge_id)
    if found is None or found.status not in LIVE_STATUSES:
        raise refuse("not_live", _("Nothing of this promise is outstanding any more."))
    return item, found


def _is_wanted(quantity: decimal.Decimal) -> sa.ColumnElement[bool]:
    """The condition of the claim: never more than is still wanted; an open quantity takes any (P1)."""
    promised = Item.received + Item.reserved + Item.in_transit
    return sa.or_(
        sa.and_(Item.quantity.is_(None), promised + quantity <= MAXIMUM_TOTAL),
        promised + quantity <= Item.quantity,
    )


def _claim(item: Item, quantity: decimal.Decimal, *, in_transit: bool = False) -> None:
    """Reserve in one statement that checks and counts at once. Raises Refused with how much is still wanted."""
    column = Item.in_transit if in_transit else Item.reserved
    claimed = db.session.execute(
        sa.update(Item)
        .where(Item.id == item.id, _is_wanted(quantity), Item.do_not_bring.is_(False))
        .values({column: column + quantity})
        .returning(Item.id),
        execution_options={"synchronize_session": False},
    ).first()
    db.session.expire(item)
    if claimed is None:
        raise refuse_more_than_wanted(item)


def refuse_more_than_wanted(item: Item) -> Refused:
    """No more than is still wanted can be promised; says how much that is."""
    wanted = item.still_wanted
    if wanted is None:
        return refuse("more_than_wanted", _("Enter a smaller quantity"))
    if wanted == 0:
        return refuse(
            "more_than_wanted", _("All of this has been promised."), _("Look what else is wanted on the same page.")
        )
    return refuse(
        "more_than_wanted", _("Promise %(wanted)s or less: that is still wanted.", wanted=with_unit(wanted, item))
    )


def _free(item: Item, found: Pledge, quantity: decimal.Decimal) -> None:
    """What was promised is not any more."""
    if found.status == "in_transit":
        _update_item(item, in_transit=Item.in_transit - quantity)
    else:
        _update_item(item, reserved=Item.reserved - quantity)


def _update_item(item: Item, **values: sa.ColumnElement[decimal.Decimal]) -> None:
    db.session.execute(
        sa.update(Item).where(Item.id == item.id).values(**values), execution_options={"synchronize_session": False}
    )
    db.session.expire(item)


def _record(action: str, found: Pledge, item: Item, by: Person | None) -> None:
    audit.record(
        action,
        subject=found,
        by=by,
        organization_id=item.need.organization_id,
        data={
            "item_id": item.id,
            "quantity": format_quantity(found.quantity),
            "received": format_quantity(found.received),
            "rejected": format_quantity(found.rejected),
        },
    )
