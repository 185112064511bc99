"""Promising items, taking the promise back, and receiving what was brought. Each keeps the item's equation (P1)."""

from __future__ import annotations

import datetime as dt
import decimal
from typing import Any, Literal

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
from app.pledges import dates
from app.pledges.models import LIVE_STATUSES, WAYS, Delivery, Pledge
from app.pledges.quantities import check_part, check_quantity, format_quantity

Mode = Literal["add", "replace"]
ZERO = decimal.Decimal(0)
# All that was ever promised and brought of one item: keeps sums far inside 64 bits.
MAXIMUM_TOTAL = MAXIMUM_QUANTITY * 1000
# Undo is for a slip of the finger; later one promises again.
UNDO_CANCEL_WITHIN = dt.timedelta(minutes=15)


def check_pledge(item: Item, person: Person) -> list[Reason]:
    """Every reason why `person` can promise nothing of `item`; how much is asked only by `pledge` itself."""
    found = promises.check_person(person)
    if not person.is_active:
        return found
    found += promises.check_need(item.need)
    if item.do_not_bring:
        found.append(Reason("do_not_bring", _("Please do not bring this.")))
    return found


def pledge(
    item_id: int,
    *,
    by: Person,
    quantity: decimal.Decimal,
    mode: Mode | None = None,
    note: str = "",
    deliver_by: dt.date | None = None,
    way: str | None = None,
) -> Pledge:
    """Promise `quantity` (of the item's unit) of an item, or change one's live promise: "add" to it or "replace" it (P2).

    `deliver_by` is a day on the calendar of the place; None is two weeks from today, or the need's last day when that is
    earlier, and `way` None is "drop_off"; of a promise that stands both stay as they are. Raises InvalidInput at "quantity"
    when it is no quantity (P5), and Refused: `already_pledged` when there is a live promise and `mode` is None,
    `more_than_wanted`, or every reason of `check_pledge`. Only receiving makes a surplus.
    """
    check_quantity(quantity)
    person, item = _lock(by.id, item_id)
    reasons = check_pledge(item, person)
    if reasons:
        raise Refused(reasons)
    current = find_live(item.id, person.id)
    if current is None:
        day = dates.check_day(item.need, deliver_by) if deliver_by else dates.usual_day(item.need)
        return _pledge_first(item, person, quantity, note, day, _check_way(way or WAYS[0]))
    if mode is None:
        raise already_pledged(item, current)
    if way is not None:
        current.way = _check_way(way)
    if deliver_by is not None and deliver_by != current.deliver_by:
        current.deliver_by = dates.check_day(item.need, deliver_by)
        dates.promise_reminder(current, item.need)
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
    found.updated_at = found.cancelled_at = now()
    db.session.flush()
    _record("pledge.cancelled", found, item, by)
    outbox.enqueue("pledge_cancelled", {"pledge_id": found.id}, key=_cancel_key(found))
    return found


def end_without_guardian(pledge_id: int) -> bool:
    """A minor's promise ends when no guardian answers for them any more (G4): what was not brought is wanted again, and the
    staff are told; the minor hears of it from their guardian's mail. Returns whether it ended."""
    item, found = lock_pledge(pledge_id)
    waits = any(reason.code == "guardian_consent" for reason in promises.check_person(found.person))
    if found.status not in LIVE_STATUSES or not waits:
        return False
    _free(item, found, outstanding(found))
    found.status = "received" if found.received else "cancelled"
    found.updated_at = found.cancelled_at = now()
    db.session.flush()
    _record("pledge.cancelled", found, item, None)
    outbox.enqueue(
        "pledge_ended", {"pledge_id": found.id}, key=f"pledge_ended:{found.id}:{found.updated_at:%Y%m%d%H%M%S}"
    )
    return True


def undo_cancel(pledge_id: int, *, by: Person) -> Pledge:
    """The promise that was taken back a moment ago stands again, as far as it is still wanted. Raises Refused: too late,
    promised by others meanwhile, or every reason of `check_pledge`."""
    item, found = lock_pledge(pledge_id)
    reasons = check_pledge(item, found.person)
    # What was taken back may have come all the same: then there is nothing to promise again.
    over = found.status in LIVE_STATUSES or outstanding(found) == 0
    if over or not can_undo_cancel(found) or find_live(item.id, found.person_id) is not None:
        reasons.append(
            Reason(
                "undo_too_late",
                _("It is too late to undo this: that goes for 15 minutes."),
                _("Pledge again, as long as it is wanted."),
            )
        )
    if reasons:
        raise Refused(reasons)
    _claim(item, outstanding(found))
    outbox.withdraw(_cancel_key(found))
    found.status, found.cancelled_at, found.updated_at = "reserved", None, now()
    db.session.flush()
    _record("pledge.made", found, item, by)
    outbox.enqueue("pledge_made", {"pledge_id": found.id}, key=f"pledge_made:{found.id}:{found.updated_at.isoformat()}")
    return found


def can_undo_cancel(found: Pledge) -> bool:
    """True for a quarter of an hour after a promise was taken back."""
    return found.cancelled_at is not None and now() - found.cancelled_at < UNDO_CANCEL_WITHIN


def change_pledge(
    pledge_id: int,
    *,
    by: Person,
    quantity: decimal.Decimal,
    deliver_by: dt.date | None = None,
    way: str = "drop_off",
    on_its_way: bool = False,
    note: str | None = None,
) -> Pledge:
    """The same promise with another quantity, day or way; `on_its_way`: it was sent or is being brought.

    `deliver_by` None and `note` None leave what is there. Raises InvalidInput and Refused as `pledge` does.
    """
    check_quantity(quantity)
    item, found = _lock_pledge(pledge_id)
    if quantity > found.quantity and (reasons := check_pledge(item, found.person)):
        raise Refused(reasons)
    if deliver_by is not None and deliver_by != found.deliver_by:
        found.deliver_by = dates.check_day(item.need, deliver_by)
    found.way = _check_way(way)
    if note is not None:
        found.note = block(note) or ""
    status = "in_transit" if on_its_way else "reserved"
    if status != found.status:
        rest = outstanding(found)
        _free(item, found, rest)
        found.status = status
        column = Item.in_transit if on_its_way else Item.reserved
        _update_item(item, **{column.key: column + rest})
    changed = _change(item, found, quantity, by)
    dates.promise_reminder(changed, item.need)
    return changed


def chase(pledge_id: int) -> None:
    """Ask about a promise whose day is over, once for each day it was promised by; end it when the days of grace are over
    too (P3). Looked at again under the lock."""
    item, found = lock_pledge(pledge_id)
    if found.status not in LIVE_STATUSES or not dates.is_overdue(found, item.need):
        return
    if dates.has_run_out(found, item.need):
        expire_pledge(found.id)
        return
    outbox.enqueue("pledge_overdue", {"pledge_id": found.id}, key=f"pledge_overdue:{found.id}:{found.deliver_by}")


def expire_pledge(pledge_id: int) -> bool:
    """Its day and the days of grace are over: what is outstanding is wanted again, and both sides are told (P3). Looked at
    again under the lock; False when there was nothing to do."""
    item, found = lock_pledge(pledge_id)
    if found.status not in LIVE_STATUSES or not dates.has_run_out(found, item.need):
        return False
    _free(item, found, outstanding(found))
    found.status = "received" if found.received else "expired"
    found.updated_at = now()
    db.session.flush()
    _record("pledge.expired", found, item, None)
    outbox.enqueue("pledge_expired", {"pledge_id": found.id}, key=f"pledge_expired:{found.id}:{found.deliver_by}")
    return True


def _cancel_key(found: Pledge) -> str:
    at = found.cancelled_at.isoformat() if found.cancelled_at else ""
    return f"pledge_cancelled:{found.id}:{at}"


def _received_key(delivery_id: int) -> str:
    return f"pledge_received:{delivery_id}"


def _check_way(way: str) -> str:
    if way not in WAYS:
        raise InvalidInput({"way": _("Choose one of the list")})
    return way


def receive_pledge(
    pledge_id: int,
    *,
    by: Person,
    received: decimal.Decimal,
    rejected: decimal.Decimal = ZERO,
    reason: str = "",
    more: bool = False,
) -> Pledge:
    """What was brought now: `received` is kept, `rejected` is not and says why; the rest stays promised (P4).

    What was pledged never changes. More than was promised is a surplus or fills what was still wanted; so is, with `more`,
    what still comes of a promise that was received, taken back or has run out. Raises InvalidInput for quantities that
    are none and a rejection without its reason, Refused (`not_live`) when nothing is outstanding and `more` is not said:
    the same receipt sent twice counts once.
    """
    check_part(received, "received")
    check_part(rejected, "rejected")
    if received + rejected <= 0:
        raise InvalidInput({"received": _("Enter how much came")})
    reason = line(reason) or ""
    if rejected and not reason:
        raise InvalidInput({"reason": _("Say why it could not be taken: the person who brought it is told")})
    item, found = lock_pledge(pledge_id) if more else _lock_pledge(pledge_id)
    held = outstanding(found) if found.status in LIVE_STATUSES else ZERO
    if rejected > held:
        raise InvalidInput({"rejected": _("No more can be turned away than was promised")})
    _require_room(item, received)
    freed = min(held, received + rejected)
    made = Delivery(
        item_id=item.id,
        pledge_id=found.id,
        received=received,
        rejected=rejected,
        freed=freed,
        was=found.status,
        note=reason,
        by_id=by.id,
        created_at=now(),
    )
    db.session.add(made)
    _free(item, found, freed)
    _update_item(item, received=Item.received + received)
    found.received += received
    found.rejected += rejected
    if rejected:
        found.rejected_reason = reason
    if found.status not in LIVE_STATUSES or outstanding(found) <= 0:
        found.status = "received" if found.received else "rejected"
    found.updated_at = now()
    db.session.flush()
    _record("pledge.received", found, item, by)
    outbox.enqueue(
        "pledge_received",
        {"pledge_id": found.id, "received": format_quantity(received), "rejected": format_quantity(rejected)},
        key=_received_key(made.id),
    )
    return found


def receive_unpledged(item_id: int, *, by: Person, received: decimal.Decimal, note: str = "") -> Delivery:
    """Something came that nobody had promised. It fills what is still wanted, or is a surplus (P1). Raises InvalidInput."""
    check_quantity(received, "received")
    _person, item = _lock(by.id, item_id)
    if item.do_not_bring:
        raise refuse("do_not_bring", _("This is on the list of what should not be brought."))
    _require_room(item, received)
    _update_item(item, received=Item.received + received)
    made = Delivery(
        item_id=item.id, received=received, note=line(note) or "", by_id=by.id, created_at=now(), pledge_id=None
    )
    db.session.add(made)
    db.session.flush()
    _record_delivery("delivery.received", made, item, by)
    return made


def undo_delivery(delivery_id: int, *, by: Person) -> Delivery:
    """It was written down by mistake: what it answered is promised again, what came has not come.

    Raises Refused when it is undone already, something later came of the same promise, or others have promised meanwhile
    what it would take back.
    """
    seen = db.session.get_one(Delivery, delivery_id)
    if seen.pledge_id is not None:
        item, found = lock_pledge(seen.pledge_id)
    else:
        _person, item = _lock(by.id, seen.item_id)
        found = None
    delivery = lock(Delivery, delivery_id)
    if delivery is None or delivery.undone_at is not None:
        raise refuse("changed_meanwhile", _("This is undone already."))
    if found is not None:
        _restore(item, found, delivery)
    else:
        _update_item(item, received=Item.received - delivery.received)
    delivery.undone_at = now()
    outbox.withdraw(_received_key(delivery.id))
    db.session.flush()
    _record_delivery("delivery.undone", delivery, item, by)
    return delivery


def last_delivery(pledge_id: int) -> int:
    """The id of what came last of a promise. Raises NoResultFound when nothing came."""
    return db.session.scalars(
        sa.select(Delivery.id)
        .where(Delivery.pledge_id == pledge_id)
        .order_by(Delivery.created_at.desc(), Delivery.id)
        .limit(1)
    ).one()


def _restore(item: Item, found: Pledge, delivery: Delivery) -> None:
    """The promise as it stood before the delivery; never a surplus that was not there before (P1)."""
    later = sa.select(Delivery.id).where(
        Delivery.pledge_id == found.id, Delivery.undone_at.is_(None), Delivery.created_at > delivery.created_at
    )
    if db.session.scalar(later.limit(1)) is not None:
        raise refuse("changed_meanwhile", _("More came of this promise since."), _("Undo what came last first."))
    held, live = outstanding(found), found.status in LIVE_STATUSES
    # This delivery ended it, and nothing else did: it stands again. What was taken back or ran out stays so.
    revived = not live and held == 0 and delivery.was in LIVE_STATUSES
    if revived and find_live(item.id, found.person_id) is not None:
        raise refuse("changed_meanwhile", _("This person has promised it anew since."))
    found.received -= delivery.received
    found.rejected -= delivery.rejected
    if revived:
        found.status = delivery.was
    elif not live:
        found.status = "received" if found.received else "cancelled" if found.cancelled_at else "expired"
    found.updated_at = now()
    back = outstanding(found) - (held if live else ZERO) if live or revived else ZERO
    before = item.received + item.reserved + item.in_transit
    if item.quantity is not None and before - delivery.received + back > max(before, item.quantity):
        raise refuse("more_than_wanted", _("Others have promised it meanwhile."), _("Change what is wanted first."))
    values: dict[str, Any] = {"received": Item.received - delivery.received}
    if back:
        column = Item.in_transit if found.status == "in_transit" else Item.reserved
        values[column.key] = column + back
    _update_item(item, **values)


def _require_room(item: Item, received: decimal.Decimal) -> None:
    if item.received + received > MAXIMUM_TOTAL:
        raise InvalidInput({"received": _("Enter a smaller quantity")})


def outstanding(found: Pledge) -> decimal.Decimal:
    """What of a promise has neither come nor been turned away; never negative."""
    return max(ZERO, found.quantity - found.received - found.rejected)


def with_unit(quantity: decimal.Decimal, item: Item) -> str:
    """A quantity in words: "2 × box of 24", or the number alone when the item has no unit."""
    count = number(quantity.normalize())
    return _("%(number)s × %(unit)s", number=count, unit=item.unit) if item.unit else count


def _pledge_first(
    item: Item, person: Person, quantity: decimal.Decimal, note: str, deliver_by: dt.date, way: str
) -> Pledge:
    _claim(item, quantity)
    made = Pledge(
        item_id=item.id,
        person_id=person.id,
        quantity=quantity,
        status="reserved",
        note=block(note) or "",
        deliver_by=deliver_by,
        way=way,
        created_at=now(),
        updated_at=now(),
    )
    db.session.add(made)
    db.session.flush()
    _record("pledge.made", made, item, person)
    dates.promise_reminder(made, item.need)
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


def lock_pledge(pledge_id: int) -> tuple[Item, Pledge]:
    """The promise in any state and its item, locked. Raises Refused when it is gone."""
    seen = db.session.get_one(Pledge, pledge_id)
    _person, item = _lock(seen.person_id, seen.item_id)
    found = lock(Pledge, pledge_id)
    if found is None:
        raise refuse("not_found", _("This promise is not there any more."))
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


def _record_delivery(action: str, delivery: Delivery, item: Item, by: Person) -> None:
    audit.record(
        action,
        subject=delivery,
        by=by,
        organization_id=item.need.organization_id,
        data={
            "item_id": item.id,
            "pledge_id": delivery.pledge_id,
            "received": format_quantity(delivery.received),
            "rejected": format_quantity(delivery.rejected),
        },
    )


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
