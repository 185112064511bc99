"""The causes a need may serve: a curated list. Numbers are kept in the need index and never change or return."""

from __future__ import annotations

import dataclasses
from typing import Any

from app.core.i18n import lazy


@dataclasses.dataclass(frozen=True)
class Cause:
    """One cause: its number in the index, its word in URLs and its name for people."""

    number: int
    slug: str
    name: Any


CAUSES = (
    Cause(1, "food", lazy("Food")),
    Cause(2, "housing", lazy("Housing and shelter")),
    Cause(3, "children-families", lazy("Children and families")),
    Cause(4, "education", lazy("Education and tutoring")),
    Cause(5, "health", lazy("Health")),
    Cause(6, "older-people", lazy("Older people")),
    Cause(7, "disability", lazy("Disability")),
    Cause(8, "refugees-migrants", lazy("Refugees and migrants")),
    Cause(9, "emergency", lazy("Emergencies and disasters")),
    Cause(10, "environment", lazy("Environment")),
    Cause(11, "animals", lazy("Animals")),
    Cause(12, "arts-culture", lazy("Arts and culture")),
    Cause(13, "sports", lazy("Sports and recreation")),
    Cause(14, "community", lazy("Community")),
    Cause(15, "digital", lazy("Digital inclusion")),
    Cause(16, "employment", lazy("Work and income")),
)
_BY_SLUG = {cause.slug: cause for cause in CAUSES}


def find_cause(slug: str) -> Cause | None:
    """The cause of that word, or None."""
    return _BY_SLUG.get(slug)
