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
from app.core.i18n import _
from app.core.text import block, line
from app.needs import promises
from app.needs.models import Item, Need
from app.pledges import dates, earlier
from app.pledges.models import LIVE_STATUSES, WAYS, Delivery, Pledge
from app.pledges.quantities import check_part, check_quantity, format_quantity, with_unit
from app.safeguarding.standing import lacks_guardian

Mode = Literal["add", "replace"]
ZERO = decimal.Decimal(0)
# All that was ever promised and brought of one item: keeps sums far inside 64 bits.
MAXIMUM_TOTAL = MAXIMUM_QUANTITY * 1000


def check_pledge(item: Item, person: Person, *, vouched: bool = False) -> list[Reason]:
    """Every reason why `person` can promise nothing of `item`; how much is asked only by `pledge` itself. `vouched`: staff
    have them on the telephone."""
    found = promises.check_person(person, vouched=vouched)
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
    earlier, and `way` None is "drop_off"; of a promise that stands both stay as they are. A `note` is added to, or replaces,
    the one that is there; "" leaves it. Raises InvalidInput at "quantity" when it is no quantity (P5), and at "note" when
    both are too long together, and Refused: `already_pledged` when there is a live promise and `mode` is None,
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
    earlier.remember(current)
    current.note = earlier.note_of(current, note, mode)
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


def cancel_pledge(pledge_id: int, *, by: Person | None, reason: str = "") -> Pledge:
    """Take back what has not been delivered: it is wanted again. What was received stays received. Staff take it back for
    the person, who is told, and may say why, as a code of `promises.STAFF_REASONS`.

    Raises Refused (`not_live`) when nothing is outstanding any more, and InvalidInput for another reason.
    """
    if reason and reason not in promises.STAFF_REASONS:
        raise InvalidInput({"reason": _("Choose one of the list")})
    item, found = _lock_pledge(pledge_id)
    _end(item, found, "cancelled", by)
    _record("pledge.cancelled", found, item, by, **({"reason": reason} if reason else {}))
    for_them = by is not None and by.id != found.person_id
    kind = "pledge_cancelled_for" if for_them else "pledge_cancelled"
    outbox.enqueue(kind, {"pledge_id": found.id, "reason": reason}, key=_cancel_key(found))
    return found


def undo_cancel(pledge_id: int, *, by: Person) -> Pledge:
    """The promise that `by` took back a moment ago, their own or as staff, stands again as it stood, as far as it is still
    wanted. Raises Refused: too late, promised by others meanwhile, or every reason of `check_pledge`."""
    item, found = lock_pledge(pledge_id)
    reasons = check_pledge(item, found.person, vouched=by.id != found.person_id)
    if not can_undo_cancel(found, by) or find_live(item.id, found.person_id) is not None:
        reasons.append(_too_late(_("Pledge again, as long as it is wanted.")))
    if reasons:
        raise Refused(reasons)
    status = found.was or "reserved"
    _claim(item, outstanding(found), in_transit=status == "in_transit")
    outbox.withdraw(_cancel_key(found))
    found.status, found.updated_at = status, now()
    found.cancelled_at = found.cancelled_by_id = None
    db.session.flush()
    _record("pledge.made", found, item, by)
    outbox.enqueue("pledge_made", {"pledge_id": found.id}, key=f"pledge_made:{found.id}:{found.updated_at.isoformat()}")
    return found


def can_undo_cancel(found: Pledge, by: Person) -> bool:
    """True for a quarter of an hour after a promise was taken back, while nothing of it came all the same: by the person to
    the person, by staff to any of the staff."""
    if found.cancelled_at is None or found.status in LIVE_STATUSES or outstanding(found) == 0:
        return False
    if now() - found.cancelled_at >= earlier.UNDO_WITHIN or found.cancelled_by_id is None:
        return False
    return (found.cancelled_by_id == found.person_id) == (by.id == found.person_id)


def _too_late(remedy: str) -> Reason:
    return Reason("undo_too_late", _("It is too late to undo this: that goes for 15 minutes."), remedy)


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
    earlier.remember(found)
    if deliver_by is not None and deliver_by != found.deliver_by:
        found.deliver_by = dates.check_day(item.need, deliver_by)
    found.way = _check_way(way)
    if note is not None:
        found.note = block(note) or ""
    _stand(item, found, "in_transit" if on_its_way else "reserved")
    changed = _change(item, found, quantity, by)
    dates.promise_reminder(changed, item.need)
    return changed


def send_off(pledge_id: int, *, by: Person) -> Pledge:
    """It was sent or is being brought; said twice, it changes nothing. Raises Refused (`not_live`)."""
    item, found = _lock_pledge(pledge_id)
    if found.status == "in_transit":
        return found
    earlier.remember(found)
    _stand(item, found, "in_transit")
    return _change(item, found, found.quantity, by)


def undo_change(pledge_id: int, *, by: Person) -> Pledge:
    """The promise that was changed a moment ago is what it was before: quantity, day, way, note, and whether it is on its
    way. Raises Refused: nothing outstanding, too late or something else has happened to it since, more than is still wanted
    by now, or every reason of `check_pledge` where it grows."""
    item, found = _lock_pledge(pledge_id)
    before = found.before
    if before is None or not earlier.can_undo_change(found):
        raise Refused([_too_late(_("Change it again, as far as it is wanted."))])
    quantity = decimal.Decimal(before["quantity"])
    if quantity > found.quantity and (reasons := check_pledge(item, found.person)):
        raise Refused(reasons)
    outbox.withdraw(_change_key(found))
    found.deliver_by = dt.date.fromisoformat(before["deliver_by"]) if before["deliver_by"] else None
    found.way, found.note, found.before = before["way"], before["note"], None
    _stand(item, found, before["status"])
    changed = _change(item, found, quantity, by)
    dates.promise_reminder(changed, item.need)
    return changed


def review_standing(pledge_id: int) -> bool:
    """What is known of the person changed: what a minor promised ends when no guardian answers for them (G4). The staff are
    told, and the minor by their guardian's mail. Returns whether it stands."""
    item, found = lock_pledge(pledge_id)
    if found.status not in LIVE_STATUSES or not lacks_guardian(found.person):
        return found.status in LIVE_STATUSES
    _end(item, found, "cancelled", None)
    _record("pledge.cancelled", found, item, None)
    outbox.enqueue(
        "pledge_ended", {"pledge_id": found.id}, key=f"pledge_ended:{found.id}:{found.updated_at:%Y%m%d%H%M%S}"
    )
    return False


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
    _end(item, found, "expired", None)
    _record("pledge.expired", found, item, None)
    outbox.enqueue("pledge_expired", {"pledge_id": found.id}, key=f"pledge_expired:{found.id}:{found.deliver_by}")
    return True


def _end(item: Item, found: Pledge, status: str, by: Person | None) -> None:
    """What is outstanding is wanted again; what was received stays so. Only what somebody cancelled has a way back."""
    _free(item, found, outstanding(found))
    found.was, found.before, found.updated_at = found.status, None, now()
    if status == "cancelled":
        found.cancelled_at, found.cancelled_by_id = found.updated_at, None if by is None else by.id
    found.status = "received" if found.received else status
    db.session.flush()


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
    found.before, found.updated_at = None, now()
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
    found.before, found.updated_at = None, now()
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
    outbox.enqueue("pledge_changed", {"pledge_id": current.id}, key=_change_key(current))
    return current


def _change_key(current: Pledge) -> str:
    return f"pledge_changed:{current.id}:{format_quantity(current.quantity)}:{current.updated_at.isoformat()}"


def _stand(item: Item, found: Pledge, status: str) -> None:
    """What is outstanding is reserved or in transit from now on."""
    if status == found.status:
        return
    rest = outstanding(found)
    _free(item, found, rest)
    found.status = status
    column = Item.in_transit if status == "in_transit" else Item.reserved
    _update_item(item, **{column.key: column + rest})


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


def _record(action: str, found: Pledge, item: Item, by: Person | None, **more: str) -> None:
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
            **more,
        },
    )
