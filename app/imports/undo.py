"""Taking an import back: what it made and nobody touched goes, what it changed goes back to what it was; whatever people
have promised something to, or changed since, stays and is told."""

from __future__ import annotations

import collections
import dataclasses
import datetime as dt
import decimal
from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa

from app.accounts.models import Person
from app.core import audit
from app.core.db import db, lock
from app.core.errors import InvalidInput, Refused, refuse
from app.core.i18n import _
from app.fundraisers.models import Fundraiser
from app.imports.models import ImportRow
from app.imports.snapshots import Snapshot, fingerprint, snapshots
from app.needs import index, operations
from app.needs.models import Item, Need, Position, PrivateAddress, Shift, Unfinished
from app.needs.operations.coordinators import end_assignments_of
from app.pledges.models import Pledge
from app.signups.models import Signup

CHUNK = 500
PLACE = ("address", "city", "region", "postal_code", "country", "latitude", "longitude", "precision")


@dataclasses.dataclass(frozen=True)
class Fate:
    """What taking back does to the need of a row: removed, closed, restored, or kept for `reason`."""

    kind: str
    reason: str = ""


def fates(rows: Sequence[ImportRow]) -> dict[int, Fate]:
    """What would become of the needs of these rows, by the row's line. Reads only."""
    ids = [row.need_id for row in rows if row.need_id is not None]
    now_is, promised = snapshots(ids), _promised(ids)
    return {row.line: _fate(row, now_is.get(row.need_id or 0), promised) for row in rows}


@dataclasses.dataclass(frozen=True)
class Plan:
    """What taking a whole batch back would do: how many needs of each kind, and which stay, with the reason."""

    removed: int
    closed: int
    restored: int
    kept: list[tuple[ImportRow, str]]

    @property
    def does_anything(self) -> bool:
        """False when every need stays."""
        return self.removed + self.closed + self.restored > 0


def plan(batch_id: int) -> Plan:
    """What taking the batch back would do as things stand now. Reads only."""
    counts: collections.Counter[str] = collections.Counter()
    kept: list[tuple[ImportRow, str]] = []
    mine = (
        sa.select(ImportRow)
        .where(ImportRow.batch_id == batch_id, ImportRow.outcome.in_(("created", "updated")))
        .order_by(ImportRow.line)
    )
    rows = list(db.session.scalars(mine))
    for start in range(0, len(rows), CHUNK):
        part = rows[start : start + CHUNK]
        found = fates(part)
        for row in part:
            counts[found[row.line].kind] += 1
            if found[row.line].kind == "kept":
                kept.append((row, found[row.line].reason))
    return Plan(counts["removed"], counts["closed"], counts["restored"], kept)


def _fate(row: ImportRow, snapshot: Snapshot | None, promised: set[int]) -> Fate:
    if snapshot is None:
        return Fate("removed")
    if row.outcome == "created" and row.need_id in promised:
        return Fate("kept", _("People have promised something here."))
    if fingerprint(snapshot) != row.after:
        return Fate("kept", _("Somebody changed it since."))
    if row.outcome == "updated":
        return Fate("restored") if row.before else Fate("kept", _("What it was before is not known any more."))
    return Fate("removed" if snapshot["need"]["published_at"] is None else "closed")


def _promised(need_ids: list[int]) -> set[int]:
    """The needs that somebody has, or once had, a place, a promise or a fundraiser for."""
    queries = (
        sa.select(Shift.need_id).join(Signup, Signup.shift_id == Shift.id).where(Shift.need_id.in_(need_ids)),
        sa.select(Item.need_id).join(Pledge, Pledge.item_id == Item.id).where(Item.need_id.in_(need_ids)),
        sa.select(Fundraiser.need_id).where(Fundraiser.need_id.in_(need_ids)),
    )
    return {key for query in queries for key in db.session.scalars(query.distinct()) if key is not None}


def hold(need_ids: list[int]) -> None:
    """Lock the needs that are taken back together, in one order, before any act on them holds more."""
    db.session.execute(sa.select(Need.id).where(Need.id.in_(need_ids)).order_by(Need.id).with_for_update())


def take_back(row: ImportRow, *, by: Person) -> Fate:
    """Undo what one row did; looked at again under the need's lock. What is refused is kept, with the reason."""
    if row.need_id is None:
        return Fate("removed")
    need = lock(Need, row.need_id)
    fate = fates([row])[row.line]
    if need is None or fate.kind == "kept":
        return fate
    try:
        with db.session.begin_nested():
            if fate.kind == "removed":
                _remove(need, by)
            elif fate.kind == "closed":
                _close(need, by)
            else:
                _restore(need, row.before or {}, by)
    except Refused as refused:
        return Fate("kept", " ".join(f"{one.message} {one.remedy}".strip() for one in refused.reasons))
    except InvalidInput as invalid:
        return Fate("kept", " ".join(invalid.errors.values()))
    except sa.exc.IntegrityError:
        return Fate("kept", _("Something else refers to it."))
    return fate


def _remove(need: Need, by: Person) -> None:
    """A draft that nobody ever saw leaves nothing but its events."""
    audit.record("need.import_undone", subject=need, by=by, organization_id=need.organization_id)
    end_assignments_of(need, by=by)
    key = need.id
    db.session.flush()
    shifts = sa.select(Shift.id).where(Shift.need_id == key)
    for statement in (
        sa.delete(Position).where(Position.shift_id.in_(shifts)),
        sa.delete(Shift).where(Shift.need_id == key),
        sa.delete(Item).where(Item.need_id == key),
        sa.delete(Unfinished).where(Unfinished.need_id == key),
        sa.delete(PrivateAddress).where(PrivateAddress.need_id == key),
        sa.delete(Need).where(Need.id == key),
    ):
        db.session.execute(statement, execution_options={"synchronize_session": False})
    db.session.expunge(need)


def _close(need: Need, by: Person) -> None:
    """People may have its address: it stays readable as closed, and the row of the file may come again."""
    operations.close_need(need.id, by=by)
    need.external_id = need.import_digest = None
    db.session.flush()


# --- back to what it was


def _instant(text: str | None) -> dt.datetime | None:
    return None if text is None else dt.datetime.fromisoformat(text)


def _date(text: str | None) -> dt.date | None:
    return None if text is None else dt.date.fromisoformat(text)


def _amount(text: str | None) -> decimal.Decimal | None:
    return None if text is None else decimal.Decimal(text)


def _restore(need: Need, before: Snapshot, by: Person) -> None:
    was = before["need"]
    if need.status == "closed" and was["status"] != "closed":
        # Closed by its row, whose time was over: what is closed cannot be changed, so it opens first.
        need.status, need.closed_at = was["status"], None
        audit.record("need.reopened", subject=need, by=by, organization_id=need.organization_id)
        db.session.flush()
    _restore_need(need, before, by)
    _restore_shifts(need, before["shifts"], by)
    _restore_items(need, before["items"], by)
    need.import_digest = was["import_digest"]
    db.session.flush()
    index.reindex([need.id])


def _restore_need(need: Need, before: Snapshot, by: Person) -> None:
    was, private = before["need"], before["private"]
    exact = private or was
    place = operations.PlaceInput(
        address=exact["address"],
        postal_code=exact["postal_code"],
        latitude=exact["latitude"],
        longitude=exact["longitude"],
        city=was["city"],
        region=was["region"],
        country=was["country"] if exact["latitude"] is not None else None,
    )
    moved = any(getattr(need, name) != was[name] for name in PLACE)
    operations.edit_need(
        need.id,
        by=by,
        title=was["title"],
        description=was["description"],
        urgency=was["urgency"],
        causes=was["causes"],
        skills=was["skills"],
        remote=was["remote"],
        ends_on=_date(was["ends_on"]),
        place=place if moved else None,
        private_address=was["private_address"],
        time_zone=was["time_zone"],
    )
    for name in PLACE:  # as it was said then, to the letter: not as it would be looked up today
        setattr(need, name, was[name])
    db.session.flush()


def _restore_shifts(need: Need, were: list[dict[str, Any]], by: Person) -> None:
    by_id = {shift["id"]: shift for shift in were}
    for shift in list(need.shifts):
        was = by_id.get(shift.id)
        if was is None:
            _remove_shift(shift, by)
        elif was["status"] != "cancelled" and _shift_facts(shift) != _shift_facts_of(was):
            operations.edit_shift(
                shift.id,
                operations.ShiftInput(
                    positions=tuple(
                        operations.PositionInput(id=one["id"], name=one["name"], capacity=one["capacity"])
                        for one in sorted(was["positions"], key=lambda one: (one["sort"], one["id"]))
                    ),
                    starts_at=_instant(was["starts_at"]),
                    ends_at=_instant(was["ends_at"]),
                    flexible=was["flexible"],
                    due_on=_date(was["due_on"]),
                    contact=was["contact"],
                    minimum_age=was["minimum_age"],
                    time_zone=was["time_zone"],
                ),
                by=by,
            )


def _shift_facts(shift: Shift) -> tuple[Any, ...]:
    times = (shift.starts_at, shift.ends_at, shift.flexible, shift.due_on)
    positions = sorted((one.id, one.name, one.capacity) for one in shift.positions)
    return (*times, shift.contact, shift.minimum_age, shift.time_zone, positions)


def _shift_facts_of(was: dict[str, Any]) -> tuple[Any, ...]:
    times = (_instant(was["starts_at"]), _instant(was["ends_at"]), was["flexible"], _date(was["due_on"]))
    positions = sorted((one["id"], one["name"], one["capacity"]) for one in was["positions"])
    return (*times, was["contact"], was["minimum_age"], was["time_zone"], positions)


def _remove_shift(shift: Shift, by: Person) -> None:
    """Gone when nobody ever had a place on it. Raises Refused when somebody had: then the need stays as it is."""
    if db.session.scalar(sa.select(Signup.id).where(Signup.shift_id == shift.id).limit(1)) is not None:
        raise refuse("promised", _("People have promised something here."))
    audit.record("shift.removed", subject=shift, by=by, organization_id=shift.need.organization_id)
    need = shift.need
    db.session.flush()
    for statement in (
        sa.delete(Position).where(Position.shift_id == shift.id),
        sa.delete(Shift).where(Shift.id == shift.id),
    ):
        db.session.execute(statement, execution_options={"synchronize_session": False})
    for position in list(shift.positions):
        db.session.expunge(position)
    db.session.expunge(shift)
    db.session.expire(need, ["shifts"])


def _restore_items(need: Need, were: list[dict[str, Any]], by: Person) -> None:
    by_id = {item["id"]: item for item in were}
    for item in list(need.items):
        was = by_id.get(item.id)
        if was is None:
            operations.remove_item(item.id, by=by)
            continue
        wanted = operations.ItemInput(
            name=was["name"],
            unit=was["unit"],
            quantity=_amount(was["quantity"]),
            category=was["category"],
            priority=was["priority"],
            accepted_condition=was["accepted_condition"],
            purchase_url=was["purchase_url"],
            do_not_bring=was["do_not_bring"],
        )
        if wanted != operations.ItemInput.of(item):
            operations.edit_item(item.id, wanted, by=by)
