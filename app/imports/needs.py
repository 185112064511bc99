"""Needs from CSV: streamed, in batches of one transaction each, memory flat. The same file again changes nothing.

New rows are written in bulk; a row that changed since it was imported goes through the operations of needs, so that every
rule holds (places taken, promises made) and whoever has a place is told. Nobody is ever placed by an import (G1).
"""

from __future__ import annotations

import dataclasses
import datetime as dt
import html
import sqlite3
from collections.abc import Iterable, Iterator
from typing import Any

import sqlalchemy as sa

from app.accounts.models import Person
from app.core.audit import AuditEvent
from app.core.clock import now
from app.core.db import db, new_id
from app.core.errors import InvalidInput, Refused, refuse
from app.core.i18n import _
from app.core.ids import decode_id
from app.core.text import line as one_line
from app.imports.files import Row
from app.imports.mapping import Mapping
from app.imports.need_cells import lines_of
from app.imports.need_rows import Fault, ItemLine, NeedLine, Rejected, parse
from app.imports.snapshots import snapshots
from app.imports.values import hides_door, item_values, need_values, private_values, says_door, shift_values
from app.moderation.operations import verify_organization
from app.needs import index, operations
from app.needs.models import Item, Need, Position, PrivateAddress, Shift
from app.organizations.operations import name_key, register_organization
from app.organizations.queries import (
    find_organization,
    find_organizations_by_key,
    find_organizations_by_slug,
    find_remaining,
)
from app.safeguarding.kinds import CONTACTS_WITH_PEOPLE
from app.safeguarding.standing import OrganizationFacts, load_organizations

BATCH = 1000
# Fields of the operations that our columns call something else.
FIELDS = {"place": "city", "quantity": "items", "unit": "items", "name": "items"}
CHECKED = "listings imported and vouched for by the operator on the command line"


@dataclasses.dataclass(frozen=True)
class Options:
    """What the command was told. `organization` is the slug every row belongs to."""

    mapping: Mapping
    organization: str | None = None
    create_organizations: bool = False
    verified: bool = False
    publish: bool = False
    shift_days: int = 0
    country: str = "US"
    by: Person | None = None
    zone: str = "UTC"


@dataclasses.dataclass
class Summary:
    """What became of the rows: the first four add up to them."""

    created: int = 0
    updated: int = 0
    unchanged: int = 0
    rejected: int = 0
    items: int = 0
    shifts: int = 0
    drafts: int = 0
    closed: int = 0


@dataclasses.dataclass(frozen=True)
class Reject:
    """A row that was not taken, as it came, and why."""

    row: Row
    reason: str


def _is_unknown(organization: str) -> Fault:
    return Fault("organization", _("There is no organization called %(name)s", name=organization[:80]))


def why_refused(error: InvalidInput | Refused) -> str:
    """What a reject says of a row that an operation did not take: its fields with their messages, or the reasons."""
    if isinstance(error, InvalidInput):
        return "; ".join(f"{field}: {message}" for field, message in error.errors.items())
    return "; ".join(reason.message for reason in error.reasons)


@dataclasses.dataclass(frozen=True)
class Outcome:
    """What became of one row: created, updated, unchanged or rejected; the need it is; or the column (ours) and the reason.
    `before` is what the need was before its row changed it."""

    kind: str
    key: str = ""
    need_id: int | None = None
    column: str = ""
    reason: str = ""
    before: dict[str, Any] | None = None


@dataclasses.dataclass(frozen=True)
class _Home:
    """What a row needs to know of its organization."""

    id: int
    is_public: bool
    may_place_with_contact: bool = False


@dataclasses.dataclass(frozen=True)
class _Known:
    """A need that this row was before."""

    id: int
    digest: str | None


class Seen:
    """Which keys a file had already, on disk: a file of millions of rows costs no memory."""

    def __init__(self) -> None:
        self._table = sqlite3.connect("")
        self._table.execute(
            "CREATE TABLE seen (organization INTEGER, key TEXT, PRIMARY KEY (organization, key)) WITHOUT ROWID"
        )

    def is_new(self, organization_id: int, key: str) -> bool:
        """True the first time that a file has this key."""
        inserted = self._table.execute("INSERT OR IGNORE INTO seen VALUES (?, ?)", (organization_id, key))
        return inserted.rowcount == 1


def batches(rows: Iterable[Row], size: int = BATCH) -> Iterator[list[Row]]:
    """The rows in lists of `size`: each is one transaction of the caller."""
    batch: list[Row] = []
    for row in rows:
        batch.append(row)
        if len(batch) >= size:
            yield batch
            batch = []
    if batch:
        yield batch


class NeedImport:
    """One import: call `take` for each batch inside a transaction of its own.

    `outcomes` tells what became of the rows of the batch that was taken last, by their line.
    """

    def __init__(self, options: Options) -> None:
        self.options = options
        self.summary = Summary()
        self.outcomes: dict[int, Outcome] = {}
        self.seen = Seen()

    def take(self, rows: list[Row]) -> list[Reject]:
        """Write what one batch says; gives back the rows that were not taken."""
        rejects: list[Reject] = []
        parsed: list[tuple[Row, NeedLine]] = []
        self.outcomes = {}

        def reject(row: Row, rejected: Rejected) -> None:
            rejects.append(Reject(row, str(rejected)))
            self.outcomes[row.line] = Outcome("rejected", column=rejected.column, reason=rejected.message)

        failed: list[tuple[Row, Rejected]] = []
        for row in rows:
            try:
                parsed.append((row, self._parse(row)))
            except Rejected as rejected:
                failed.append((row, rejected))
        strangers = self._strangers([row for row, _why in failed])
        for row, why in failed:
            unknown = strangers.get(row.line)
            reject(row, why if unknown is None else Rejected.of([*why.faults, unknown]))
        homes = self._homes([need for _row, need in parsed])
        placed: list[tuple[Row, NeedLine, _Home, str]] = []
        for row, need in parsed:
            home = homes.get(name_key(need.organization))
            key = need.external_id or need.key()
            if home is None:
                reject(row, Rejected.of([_is_unknown(need.organization)]))
            elif not self.seen.is_new(home.id, key):
                reject(row, Rejected("external_id" if need.external_id else "title", _("The file has this row twice")))
            else:
                placed.append((row, need, home, key))
        known = self._known(placed)
        stands = self._lines_now(known, placed)
        self._lock([known[home.id, key] for _row, need, home, key in placed if self._changes(known, need, home, key)])
        fresh: list[tuple[int, NeedLine, _Home, str]] = []
        for row, need, home, key in placed:
            before = known.get((home.id, key))
            if before is None:
                fresh.append((row.line, need, home, key))
            elif need.digest() in (before.digest, stands[before.id].digest() if before.id in stands else None):
                self.summary.unchanged += 1
                self.outcomes[row.line] = Outcome("unchanged", key=key, need_id=before.id)
            else:
                try:
                    self.outcomes[row.line] = self._update(before.id, need, home, key, stands.get(before.id))
                except Rejected as rejected:
                    reject(row, rejected)
        self._insert(fresh)
        self.summary.rejected += len(rejects)
        return rejects

    def _parse(self, row: Row) -> NeedLine:
        """What the row says. Raises Rejected with all that is wrong with it."""
        if row.fault:
            raise Rejected("", row.fault)
        cells = self.options.mapping.apply(row.cells)
        missing = []
        if self.options.organization is None and not one_line(html.unescape(cells.get("organization", ""))):
            missing.append(Fault("organization", _("Fill this in")))
        try:
            need = parse(
                cells, shift_days=self.options.shift_days, zone=self.options.zone, country=self.options.country
            )
        except Rejected as rejected:
            raise Rejected.of([*rejected.faults, *missing]) from rejected
        if missing:
            raise Rejected.of(missing)
        return need

    def _strangers(self, failed: list[Row]) -> dict[int, Fault]:
        """Of rows that are rejected already: those whose organization is not here either, by their line."""
        if self.options.organization is not None or self.options.create_organizations:
            return {}
        named = {
            row.line: one_line(html.unescape(self.options.mapping.apply(row.cells).get("organization", "")))
            for row in failed
            if not row.fault
        }
        names = {text for text in named.values() if text}
        here = find_organizations_by_key({name_key(text) for text in names}) if names else {}
        slugs = find_organizations_by_slug({text for text in names if name_key(text) not in here}) if names else {}
        return {
            number: _is_unknown(text)
            for number, text in named.items()
            if text and name_key(text) not in here and text not in slugs
        }

    # --- organizations

    def _homes(self, needs: list[NeedLine]) -> dict[str, _Home]:
        """The organizations of a batch by folded name; missing ones are made when the options say so."""
        if self.options.organization is not None:
            named = find_organization(self.options.organization)
            if named is None:
                raise refuse("organization", f"There is no organization {self.options.organization}")
            found = find_remaining(named)
            home = _Home(found.id, found.is_public, _may_place(found.id))
            return {name_key(need.organization): home for need in needs}
        names = {name_key(need.organization): need for need in needs}
        there = find_organizations_by_key(names)
        asked = load_organizations([row.id for row in there.values()])
        homes = {
            key: _Home(row.id, row.is_public, asked.get(row.id, OrganizationFacts()).may_place_with_contact)
            for key, row in there.items()
        }
        homes |= self._named_by_slug({key: names[key] for key in names.keys() - homes.keys()})
        if self.options.create_organizations:
            for key in sorted(names.keys() - homes.keys()):
                if key:
                    homes[key] = self._create_organization(names[key])
        return homes

    def _named_by_slug(self, missing: dict[str, NeedLine]) -> dict[str, _Home]:
        """Organizations that a row calls by their slug: what an export says where a name means none."""
        slugs = {need.organization: key for key, need in missing.items() if need.organization}
        there = find_organizations_by_slug(slugs) if slugs else {}
        asked = load_organizations([row.id for row in there.values()])
        return {
            slugs[slug]: _Home(row.id, row.is_public, asked.get(row.id, OrganizationFacts()).may_place_with_contact)
            for slug, row in there.items()
        }

    def _create_organization(self, need: NeedLine) -> _Home:
        """Unclaimed: what it asks for can be read, and promised to only when somebody claims it."""
        made = register_organization(
            name=need.organization, by=None, owner=None, country=need.country or self.options.country,
            time_zone=need.time_zone,
        )  # fmt: skip
        made.city, made.region = need.city, need.region
        if self.options.verified:
            verify_organization(made.id, by=None, checked=CHECKED)
        return _Home(made.id, made.is_public)

    # --- what is there already

    def _known(self, placed: list[tuple[Row, NeedLine, _Home, str]]) -> dict[tuple[int, str], _Known]:
        organizations = {home.id for _row, _need, home, _key in placed}
        keys = {key for _row, _need, _home, key in placed}
        query = sa.select(Need.organization_id, Need.external_id, Need.id, Need.import_digest).where(
            Need.organization_id.in_(organizations), Need.external_id.in_(keys)
        )
        found = {(home, str(key)): _Known(need_id, digest) for home, key, need_id, digest in db.session.execute(query)}
        # What an export says of a need without an id of somebody's list is our own.
        ours = {decode_id(key): key for key in keys}
        own = sa.select(Need.organization_id, Need.id, Need.import_digest).where(
            Need.organization_id.in_(organizations), Need.external_id.is_(None), Need.id.in_(ours.keys() - {None})
        )
        return found | {(home, ours[key]): _Known(key, digest) for home, key, digest in db.session.execute(own)}

    def _lines_now(
        self, known: dict[tuple[int, str], _Known], placed: list[tuple[Row, NeedLine, _Home, str]]
    ) -> dict[int, NeedLine]:
        """What the needs whose rows are not those of last time say of themselves now, in the words of the rows: a row that
        says the same changes nothing, and of any other only what differs is applied."""
        rows = {
            known[home.id, key].id: need for _row, need, home, key in placed if self._changes(known, need, home, key)
        }
        if not rows:
            return {}
        lines = lines_of(
            rows, organizations={key: need.organization for key, need in rows.items()},
            zone=self.options.zone, country=self.options.country,
        )  # fmt: skip
        # An id of ours, or one that was made of the row, is no id of theirs.
        return {key: dataclasses.replace(line, external_id=rows[key].external_id) for key, line in lines.items()}

    def _changes(self, known: dict[tuple[int, str], _Known], need: NeedLine, home: _Home, key: str) -> bool:
        before = known.get((home.id, key))
        return before is not None and before.digest != need.digest()

    def _lock(self, needs: list[_Known]) -> None:
        """Hold every need of the batch that will change, in one order and before counters of areas are held: whoever signs up
        meanwhile holds one need and waits for counters, and both would wait for ever."""
        ids = [need.id for need in needs]
        if ids:
            db.session.execute(sa.select(Need.id).where(Need.id.in_(ids)).order_by(Need.id).with_for_update())

    # --- new rows, in bulk

    def _status(self, need: NeedLine, home: _Home, at: dt.datetime) -> str:
        if need.is_past(at):
            return "closed"
        vouched = self.options.publish or (self.options.create_organizations and self.options.verified)
        complete = home.is_public and need.asks_for_anything and need.is_placed
        # With contact only where two moderators agreed to it (G3), and a role has a day by which it is done (G1).
        if need.asks_for_time and need.contact in CONTACTS_WITH_PEOPLE:
            complete = complete and home.may_place_with_contact and not (need.flexible and need.ends_on is None)
        return "open" if vouched and complete else "draft"

    def _insert(self, fresh: list[tuple[int, NeedLine, _Home, str]]) -> None:
        if not fresh:
            return
        at = now()
        needs: list[dict[str, Any]] = []
        doors: list[dict[str, Any]] = []
        shifts: list[dict[str, Any]] = []
        positions: list[dict[str, Any]] = []
        items: list[dict[str, Any]] = []
        events: list[dict[str, Any]] = []
        by_id = None if self.options.by is None else self.options.by.id
        for line, need, home, key in fresh:
            status = self._status(need, home, at)
            need_id = new_id()
            self.outcomes[line] = Outcome("created", key=key, need_id=need_id)
            needs.append({**need_values(need, home.id, key, need_id, status, at), "created_by_id": by_id})
            if hides_door(need):
                doors.append(private_values(need, need_id))
            if need.asks_for_time:
                shift_id = new_id()
                shifts.append(shift_values(need, need_id, shift_id))
                positions.append(
                    {
                        "id": new_id(),
                        "shift_id": shift_id,
                        "name": "",
                        "capacity": need.capacity,
                        "taken": 0,
                        "requirements": [],
                        "sort": 0,
                    }
                )
            items += [item_values(item, need_id, number) for number, item in enumerate(need.items)]
            events.append(
                {
                    "at": at, "action": "need.imported", "actor_id": by_id, "subject_type": "need", "subject_id": need_id,
                    "organization_id": home.id, "data": {"status": status},
                }
            )  # fmt: skip
            self.summary.drafts += status == "draft"
            self.summary.closed += status == "closed"
        for model, values in (
            (Need, needs),
            (PrivateAddress, doors),
            (Shift, shifts),
            (Position, positions),
            (Item, items),
            (AuditEvent, events),
        ):
            if values:
                db.session.execute(sa.insert(model), values)
        index.add_new([row["id"] for row in needs if row["status"] == "open"])
        self.summary.created += len(needs)
        self.summary.shifts += len(shifts)
        self.summary.items += len(items)

    # --- rows that changed

    def _update(self, need_id: int, need: NeedLine, home: _Home, key: str, stands: NeedLine | None) -> Outcome:
        """Bring a need to what its row says now, by the operations. Raises Rejected when they refuse; nothing is changed."""
        before = None if self.options.by is None else snapshots([need_id]).get(need_id)
        try:
            with db.session.begin_nested():
                self._apply(need_id, need, home, stands)
        except Refused as refused:
            said = " ".join(f"{reason.message} {reason.remedy}".strip() for reason in refused.reasons)
            raise Rejected("", said) from refused
        except InvalidInput as invalid:
            column, message = next(iter(invalid.errors.items()))
            raise Rejected(FIELDS.get(column, column), message) from invalid
        self.summary.updated += 1
        return Outcome("updated", key=key, need_id=need_id, before=before)

    def _apply(self, need_id: int, need: NeedLine, home: _Home, stands: NeedLine | None) -> None:
        """Write what the row says otherwise than the need `stands` (None: all it says). What a row of ours leaves out, such
        as the street of a private place, is not taken away by the row coming back."""

        def differs(*names: str) -> bool:
            return stands is None or any(getattr(need, name) != getattr(stands, name) for name in names)

        values: dict[str, Any] = {
            "title": need.title, "description": need.description, "urgency": need.urgency, "causes": list(need.causes),
            "skills": list(need.skills), "remote": need.remote, "ends_on": need.ends_on,
        }  # fmt: skip
        moves = differs("address", "city", "region", "postal_code", "country", "latitude", "longitude", "remote")
        changed = operations.edit_need(
            need_id,
            by=self.options.by,
            place=_place_input(need) if moves and need.is_placed and not need.remote else None,
            private_address=True if hides_door(need) and (stands is None or not says_door(stands)) else None,
            time_zone=need.time_zone if moves or differs("time_zone") else None,
            **{name: value for name, value in values.items() if differs(name)},
        )
        if need.asks_for_time and differs("starts_at", "ends_at", "capacity", "flexible", "contact", "ends_on"):
            self._apply_shift(changed, need)
        by_name = {item.name.casefold(): item for item in changed.items}
        for line in need.items if stands is None else [item for item in need.items if item not in stands.items]:
            existing = by_name.get(line.name.casefold())
            if existing is None:
                operations.add_item(need_id, _item_input(line, None), by=self.options.by)
                self.summary.items += 1
            elif (existing.quantity, existing.unit, existing.do_not_bring) != (
                line.quantity,
                line.unit,
                line.do_not_bring,
            ):
                operations.edit_item(existing.id, _item_input(line, existing), by=self.options.by)
        changed.import_digest = need.digest()
        status = self._status(need, home, now())
        if status == "closed":
            operations.close_need(need_id, by=self.options.by)
            self.summary.closed += 1
        db.session.flush()

    def _apply_shift(self, changed: Need, need: NeedLine) -> None:
        live = [shift for shift in changed.shifts if shift.status != "cancelled"]
        positions: tuple[operations.PositionInput, ...] = (operations.PositionInput(capacity=need.capacity),)
        minimum_age = None
        if len(live) == 1:
            # Of several tasks a row says how many people all are for: the same number changes none of them.
            same = need.capacity == _people(live[0])
            positions = tuple(
                operations.PositionInput(
                    id=position.id,
                    name=position.name,
                    capacity=position.capacity if number or same else need.capacity,
                )
                for number, position in enumerate(live[0].positions)
            )
            minimum_age = live[0].minimum_age
        # Contact that staff stated since is not taken back by a row that says nothing of it.
        contact = need.contact if need.contact != "not_stated" or len(live) != 1 else live[0].contact
        values = operations.ShiftInput(
            positions=positions,
            starts_at=need.starts_at,
            ends_at=need.ends_at,
            flexible=need.flexible,
            due_on=need.ends_on if need.flexible else None,
            contact=contact,
            minimum_age=minimum_age,
            time_zone=need.time_zone,
        )
        if len(live) == 1:
            operations.edit_shift(live[0].id, values, by=self.options.by)
        elif not live:
            operations.add_shift(changed.id, values, by=self.options.by)
            self.summary.shifts += 1


def _people(shift: Shift) -> int | None:
    """How many people its tasks are for together; None: as many as come."""
    capacities = [position.capacity for position in shift.positions]
    return None if None in capacities else sum(capacity or 0 for capacity in capacities)


def _place_input(need: NeedLine) -> operations.PlaceInput:
    return operations.PlaceInput(
        address=need.address,
        city=need.city,
        region=need.region,
        postal_code=need.postal_code,
        country=need.country,
        latitude=need.latitude,
        longitude=need.longitude,
    )


def _may_place(organization_id: int) -> bool:
    return load_organizations([organization_id]).get(organization_id, OrganizationFacts()).may_place_with_contact


def _item_input(line: ItemLine, existing: Item | None) -> operations.ItemInput:
    """What the file says of an item; what it cannot say stays as it is."""
    stands = operations.ItemInput(line.name) if existing is None else operations.ItemInput.of(existing)
    return dataclasses.replace(
        stands, name=line.name, unit=line.unit, quantity=line.quantity, do_not_bring=line.do_not_bring
    )
