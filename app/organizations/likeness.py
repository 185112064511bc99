"""Which organizations may be one and the same: said with the reason, decided by people.

Three reasons: the same name but for case, accents, order and legal form; the same web domain of its own; and in one town, one
name within the other ("Ironbound Pantry", "Ironbound Pantry Network"). Misspelt names are not found.
"""

from __future__ import annotations

import collections
import dataclasses
import itertools
import re
from collections.abc import Iterable, Sequence

import sqlalchemy as sa

from app.core.db import db
from app.core.i18n import lazy
from app.organizations.claims import domain_of
from app.organizations.models import DifferentOrganizations, Organization
from app.organizations.operations import name_key
from app.organizations.queries import public

# Words of names that tell nothing apart: articles, and legal forms.
SILENT_WORDS = re.compile(
    r"the|an?|of|and|for|in|at|de|l[ae]s?|el|de[rl]|die|das|und|y|et|e|ev|v|g?gmbh|inc|incorporated|llc|ltd|limited|corp|"
    r"corporation|co|plc|cic|asbl|vzw|ngo|ong|npo"
)
REASONS = {
    "name": lazy("The same name"),
    "website": lazy("The same website"),
    "within": lazy("One name within the other, in the same town"),
}
# A web domain or name that more share is a chain's, a landlord's or a city's: their pairs say nothing.
MOST_IN_A_GROUP = 12


@dataclasses.dataclass(frozen=True)
class Alike:
    """Two organizations, the one that is longer here first, and why they may be one (codes of REASONS)."""

    first: Organization
    second: Organization
    reasons: tuple[str, ...]


@dataclasses.dataclass(frozen=True)
class _Traits:
    """What two organizations are compared by."""

    id: int
    words: frozenset[str]
    domain: str | None
    town: tuple[str, str]


def telling_words(name: str) -> frozenset[str]:
    """The words of a name that tell it apart, folded; all of them when none is left."""
    words = frozenset(name_key(name).split())
    return frozenset(word for word in words if not SILENT_WORDS.fullmatch(word)) or words


def list_alike(limit: int = 100) -> list[Alike]:
    """Pairs that may be one organization and about which nobody has decided; the most reasons first."""
    columns = (Organization.id, Organization.name, Organization.website, Organization.country, Organization.city)
    rows = db.session.execute(sa.select(*columns).where(Organization.merged_into_id.is_(None))).all()
    traits = [_traits(row.id, row.name, row.website, row.country, row.city) for row in rows]
    found = _pairs(traits)
    for first_id, second_id in db.session.execute(
        sa.select(DifferentOrganizations.first_id, DifferentOrganizations.second_id)
    ):
        found.pop((first_id, second_id), None)
    chosen = sorted(found.items(), key=lambda item: (-len(item[1]), item[0]))[:limit]
    keys = {key for pair, _reasons in chosen for key in pair}
    known = {row.id: row for row in db.session.scalars(sa.select(Organization).where(Organization.id.in_(keys)))}
    return [_alike(known[one], known[other], reasons) for (one, other), reasons in chosen]


def compare(one: Organization, other: Organization) -> Alike:
    """What speaks for two organizations being one; perhaps nothing."""
    traits = [_traits(row.id, row.name, row.website, row.country, row.city) for row in (one, other)]
    found = _pairs(traits)
    return _alike(one, other, next(iter(found.values()), set()))


def list_public_like(name: str, website: str | None, limit: int = 5) -> list[Organization]:
    """Public organizations that one about to be registered may already be (N1: no others are told of)."""
    words, domain = telling_words(name), domain_of(website)
    if not words:
        return []
    longest = max(words, key=len)
    looks = [Organization.name_key.contains(longest, autoescape=True)]
    if domain is not None:
        looks.append(sa.func.lower(Organization.website).contains(domain, autoescape=True))
    query = sa.select(Organization).where(public(), sa.or_(*looks)).order_by(Organization.created_at, Organization.id)
    rows = db.session.scalars(query.limit(200))
    return [
        row
        for row in rows
        if (domain is not None and domain_of(row.website) == domain) or _is_like(words, telling_words(row.name))
    ][:limit]


def _is_like(words: frozenset[str], others: frozenset[str]) -> bool:
    """The same words, or at least two of the one and nothing else within the other."""
    smaller, larger = sorted((words, others), key=len)
    return smaller <= larger and (smaller == larger or len(smaller) > 1)


def _traits(key: int, name: str, website: str | None, country: str, city: str | None) -> _Traits:
    return _Traits(key, telling_words(name), domain_of(website), (country, name_key(city or "")))


def _pairs(traits: Sequence[_Traits]) -> dict[tuple[int, int], set[str]]:
    """Reasons by pair of ids, the lower first. Groups, not every pair with every other: thousands are looked through."""
    found: dict[tuple[int, int], set[str]] = collections.defaultdict(set)
    by_words, by_domain = collections.defaultdict(list), collections.defaultdict(list)
    by_town_and_word: dict[tuple[tuple[str, str], str], list[_Traits]] = collections.defaultdict(list)
    for one in traits:
        by_words[one.words].append(one)
        if one.domain is not None:
            by_domain[one.domain].append(one)
        for word in one.words if one.town[1] else ():
            by_town_and_word[one.town, word].append(one)
    for groups, reason in ((by_words.values(), "name"), (by_domain.values(), "website")):
        for group in groups:
            for pair in _two_of(group):
                found[pair].add(reason)
    for one in traits:
        if one.town[1] and len(one.words) > 1:
            # Whoever has all its words has its rarest one.
            rarest = min((by_town_and_word[one.town, word] for word in one.words), key=len)
            for other in rarest:
                if one.words < other.words:
                    found[_ordered(one.id, other.id)].add("within")
    return dict(found)


def _two_of(group: Sequence[_Traits]) -> Iterable[tuple[int, int]]:
    if len(group) > MOST_IN_A_GROUP:
        return
    for one, other in itertools.combinations(group, 2):
        yield _ordered(one.id, other.id)


def _ordered(one: int, other: int) -> tuple[int, int]:
    return (one, other) if one < other else (other, one)


def _alike(one: Organization, other: Organization, reasons: set[str]) -> Alike:
    first, second = sorted((one, other), key=lambda row: (row.created_at, row.id))
    return Alike(first, second, tuple(code for code in REASONS if code in reasons))
