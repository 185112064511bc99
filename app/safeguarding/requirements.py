"""Requirements: a kind and a level, how a profile writes them, and what a place asks for in all."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable

from app.core.errors import InvalidInput
from app.core.i18n import _
from app.learning.courses.queries import is_level
from app.safeguarding.kinds import CONTACTS_WITH_PEOPLE, Level, baseline_check, find_kind, find_level

MOST = 12


@dataclasses.dataclass(frozen=True, order=True)
class Requirement:
    """What is required of a person. `level` "" where the kind has none."""

    kind: str
    level: str = ""

    def __str__(self) -> str:
        return f"{self.kind}:{self.level}" if self.level else self.kind

    @property
    def name(self) -> str:
        """As people read it."""
        kind = find_kind(self.kind)
        level = find_level(self.kind, self.level)
        if kind is None:
            return self.kind
        if level is None and self.kind == "training":
            # A course of this site; its slug is its title in short.
            return _("%(kind)s (%(level)s)", kind=str(kind.name), level=self.level.replace("_", " "))
        if level is None or not kind.levels:
            return str(kind.name)
        return _("%(kind)s (%(level)s)", kind=str(kind.name), level=str(level.name))


def parse(texts: Iterable[str]) -> list[Requirement]:
    """The requirements a profile holds ("kind" or "kind:level"), in the catalogue's words. What is not in the catalogue
    stays as it is written: nobody meets it (G1)."""
    found = []
    for text in texts:
        kind, _colon, level = text.partition(":")
        found.append(Requirement(kind, level))
    return found


def check_profile(requirements: Iterable[Requirement], *, contacts: Iterable[str] | None = None) -> list[str]:
    """The profile as it is kept, sorted and without repetition. Raises InvalidInput at "requirements" for what is not in
    the catalogue, and for a level that the law does not let a role with these `contacts` ask for (None: not known here)."""
    kept = sorted(set(requirements))
    if len(kept) > MOST:
        raise InvalidInput({"requirements": _("Choose 12 requirements or fewer")})
    for requirement in kept:
        level = find_level(requirement.kind, requirement.level)
        if level is None and not is_course(requirement):
            raise InvalidInput({"requirements": _("Choose requirements from the list")})
        for contact in contacts or ():
            if level is not None and level.contacts and contact not in level.contacts:
                raise InvalidInput({"requirements": not_eligible(level)})
    return [str(requirement) for requirement in kept]


def is_course(requirement: Requirement) -> bool:
    """True when it is met by passing a course of this site, whether or not the catalogue has that level too."""
    return requirement.kind == "training" and bool(requirement.level) and is_level(requirement.level)


def not_eligible(level: Level) -> str:
    """What is said when a role may not ask for a level of check."""
    return _("The law does not let this role ask for: %(level)s. Choose a lower level.", level=str(level.name))


def meets(held: str, wanted: Requirement) -> bool:
    """True when a clearance of that kind at level `held` is enough: the same level, or one that includes it."""
    if held == wanted.level:
        return True
    level = find_level(wanted.kind, held)
    return level is not None and wanted.level in level.includes


def in_all(
    profiles: Iterable[Iterable[str]], *, contact: str, country: str | None, conduct_version: int | None
) -> tuple[Requirement, ...]:
    """What a place asks for: everything in the profiles of its need and position, and with contact in that of the
    organization; with contact the background check of the country at least (G1: such a shift always states one).

    `conduct_version` is the organization's latest; a code of conduct means that one, and none at all is met by nobody.
    `country` is the ISO country of the place. A level that another one asked for includes is left out.
    """
    wanted = {requirement for profile in profiles for requirement in parse(profile)}
    if contact in CONTACTS_WITH_PEOPLE:
        # What is asked beside it makes it stricter, never weaker.
        wanted.add(Requirement("background_check", baseline_check(country, contact)))
    wanted = {
        Requirement(each.kind, str(conduct_version or 0)) if each.kind == "code_of_conduct" else each for each in wanted
    }
    return tuple(sorted(each for each in wanted if not any(other != each and _covers(other, each) for other in wanted)))


def _covers(other: Requirement, each: Requirement) -> bool:
    return other.kind == each.kind and meets(other.level, each)
