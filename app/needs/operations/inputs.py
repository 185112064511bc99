"""What people and programs say of a need: already read into types, not yet checked against anything."""

from __future__ import annotations

import dataclasses
import datetime as dt
import decimal

from app.needs.models import Item, Shift


@dataclasses.dataclass(frozen=True)
class PlaceInput:
    """Where, as a person or a program says it; coordinates win over names, names are looked up offline.

    `text` is what a person typed into one field: a town, a postal code, or both.
    """

    address: str | None = None
    city: str | None = None
    region: str | None = None
    postal_code: str | None = None
    country: str | None = None
    latitude: float | None = None
    longitude: float | None = None
    text: str | None = None

    @property
    def is_empty(self) -> bool:
        """True when nothing at all is said: of an existing place, that it is taken away."""
        return all(value in (None, "") for value in dataclasses.astuple(self))


@dataclasses.dataclass(frozen=True)
class PositionInput:
    """A position to be made or changed (`id` of an existing one); `capacity` None only on a flexible role. `requirements`
    as a profile writes them; None leaves those of an existing position as they are."""

    name: str = ""
    capacity: int | None = None
    id: int | None = None
    requirements: tuple[str, ...] | None = None


@dataclasses.dataclass(frozen=True)
class ShiftInput:
    """A shift: aware instants, or `flexible` with an optional `due_on`. `time_zone` None is the need's."""

    positions: tuple[PositionInput, ...]
    starts_at: dt.datetime | None = None
    ends_at: dt.datetime | None = None
    flexible: bool = False
    due_on: dt.date | None = None
    contact: str = "not_stated"
    minimum_age: int | None = None
    time_zone: str | None = None

    @classmethod
    def of(cls, shift: Shift) -> ShiftInput:
        """What would have to be said for `shift` as it stands; what its positions ask is left as it is."""
        named = [(position.name, position.capacity, position.id) for position in shift.positions]
        values = {
            field.name: getattr(shift, field.name) for field in dataclasses.fields(cls) if field.name != "positions"
        }
        return cls(positions=tuple(PositionInput(*position) for position in named), **values)


@dataclasses.dataclass(frozen=True)
class ItemInput:
    """A thing wanted: `quantity` in exact decimals of `unit`, None for as much as people can bring."""

    name: str
    unit: str = ""
    quantity: decimal.Decimal | None = None
    category: str = ""
    priority: str = "normal"
    accepted_condition: str = ""
    purchase_url: str | None = None
    do_not_bring: bool = False

    @classmethod
    def of(cls, item: Item) -> ItemInput:
        """What would have to be said for `item` as it stands."""
        return cls(**{field.name: getattr(item, field.name) for field in dataclasses.fields(cls)})
