"""Who acts in a role: active people whom nothing bars. What bars somebody may be known to a feature further up (a minor for
whom nobody answers, G4); the factory collects what each brings as `bars.BARS`, and every question asks all of it live."""

from __future__ import annotations

from collections.abc import Callable, Collection

from flask import current_app

from app.accounts.models import Person

# Takes people, returns the ids of those who may not act for an organization now; no statement where nobody is concerned.
Bar = Callable[[Collection[Person]], set[int]]


def list_acting(people: Collection[Person]) -> list[Person]:
    """Those of the people who may act in the roles they have, in the same order."""
    active = [person for person in people if person.is_active]
    bars: tuple[Bar, ...] = current_app.extensions["bars"]
    barred = set().union(*(bar(active) for bar in bars)) if active else set()
    return [person for person in active if person.id not in barred]


def acts(person: Person) -> bool:
    """True when this person may act in a role they have."""
    return bool(list_acting([person]))
