"""Volume data for measuring: realistic, spread over real places, the same for the same seed and day.

Rows go straight to the database in chunks; memory does not grow with their number.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
import itertools
import json
import random
import zoneinfo
from collections.abc import Iterable
from typing import Any

import sqlalchemy as sa

from app.accounts.models import Person, PersonSkill
from app.accounts.skills import SKILLS
from app.core import gazetteer
from app.core.clock import now
from app.core.db import db, transaction, uses_sqlite
from app.core.errors import refuse
from app.core.search import insert_rows
from app.needs import index
from app.needs.models import Item, Need, Position, Shift
from app.needs.seed_words import ACTS, FIRST, ITEMS, NAMES, SECOND, WEIGHTS, WORDS
from app.organizations.models import Organization

COUNTRIES = {"US": "USD", "CA": "CAD", "GB": "GBP", "DE": "EUR", "FR": "EUR", "NL": "EUR", "AU": "AUD"}
CHUNK = 5000
KM = 1 / 111.2  # degrees of latitude


@dataclasses.dataclass(frozen=True)
class _Home:
    """An organization as its needs have to know it."""

    id: int
    name: str
    city: str
    region: str | None
    country: str
    latitude: float
    longitude: float
    zone: str


def seed(*, organizations: int, needs: int, supporters: int, number: int) -> dict[str, int]:
    """Make that many rows; `number` is the seed. Opens its own transactions. Raises Refused when it was sown before."""
    rng = random.Random(number)  # noqa: S311  # data to measure with, no secret
    today = now().replace(hour=0, minute=0, second=0, microsecond=0)
    cities = gazetteer.rows(
        "SELECT city, region, country, latitude, longitude, population, time_zone FROM place"  # noqa: S608  # our own list
        f" WHERE postal_code IS NULL AND country IN ({', '.join(repr(code) for code in COUNTRIES)}) ORDER BY id"
    )
    weights = list(itertools.accumulate(max(city[5], 1000) ** 0.8 for city in cities))
    prefix = f"s{number}"
    with transaction():
        if db.session.scalar(sa.select(Organization.id).where(Organization.slug == f"seed-{prefix}-1")) is not None:
            raise refuse("sown", f"seed {number} was sown here before; choose another with --seed")
        homes = _sow_organizations(rng, organizations, cities, weights, prefix, today)
    activity = list(itertools.accumulate(rng.paretovariate(1.2) for _home in homes))
    for first in range(0, needs, CHUNK):
        with transaction():
            _sow_needs(rng, range(first, min(first + CHUNK, needs)), homes, activity, prefix, today)
    for first in range(0, supporters, CHUNK):
        with transaction():
            _sow_people(rng, range(first, min(first + CHUNK, supporters)), cities, weights, prefix, today)
    _tidy()
    return {"organizations": len(homes), "needs": needs if homes else 0, "supporters": supporters}


def _key(rng: random.Random) -> int:
    """A key as ids.new_id makes it, but the same for the same seed."""
    return rng.getrandbits(63) | 1 << 61


def _put(table: sa.Table, rows: Iterable[dict[str, Any]]) -> None:
    """Bulk insert of rows that name the same columns; other columns take their server defaults."""
    iterator = iter(rows)
    first = next(iterator, None)
    if first is None:
        return
    names = tuple(first)
    plain = _plain_for_sqlite if uses_sqlite() else _plain_for_postgresql
    everything = itertools.chain([first], iterator)
    insert_rows(table.name, names, (tuple(plain(row[name]) for name in names) for row in everything), bulk=True)


def _plain_for_sqlite(value: Any) -> Any:
    if isinstance(value, dt.datetime):
        return value.astimezone(dt.UTC).strftime("%Y-%m-%d %H:%M:%S.%f")  # as SQLAlchemy writes it
    if isinstance(value, dt.date):
        return value.isoformat()
    return json.dumps(value) if isinstance(value, list) else value


def _plain_for_postgresql(value: Any) -> Any:
    return json.dumps(value) if isinstance(value, list) else value


def _table(model: Any) -> sa.Table:
    table: sa.Table = model.__table__
    return table


def _near(rng: random.Random, latitude: float, longitude: float, km: float) -> tuple[float, float]:
    """A point about `km` away (Gaussian)."""
    north, east = rng.gauss(0, km * KM), rng.gauss(0, km * KM)
    return round(max(-89.0, min(89.0, latitude + north)), 5), round(longitude + east * 1.5, 5)


def _sow_organizations(
    rng: random.Random, count: int, cities: list[Any], weights: list[float], prefix: str, today: dt.datetime
) -> list[_Home]:
    homes: list[_Home] = []
    rows: list[dict[str, Any]] = []
    for number in range(1, count + 1):
        city, region, country, latitude, longitude, _people, zone = rng.choices(cities, cum_weights=weights)[0]
        name = f"{rng.choice(FIRST)} {rng.choice(SECOND)} {city}"[:150]
        at = _near(rng, latitude, longitude, 5)
        verified = rng.random() < 0.95
        home = _Home(_key(rng), name, city, region or None, country, *at, zone)
        homes.append(home)
        rows.append(
            {
                "id": home.id, "slug": f"seed-{prefix}-{number}", "name": name, "name_key": name.casefold(),
                "country": country, "currency": COUNTRIES[country], "time_zone": zone, "city": city,
                "region": home.region, "verified_at": today if verified else None, "claimed_at": today,
                "created_at": today - dt.timedelta(days=100),
            }
        )  # fmt: skip
    _put(_table(Organization), rows)
    return homes


def _description(rng: random.Random, act: str, home: _Home) -> str:
    # The first words are the commonest: squaring favours them.
    words = [WORDS[int(rng.random() ** 2 * len(WORDS))] for _word in range(rng.randrange(35, 75))]
    return f"{act} with {home.name}. {' '.join(words).capitalize()}."


def _sow_needs(
    rng: random.Random, numbers: range, homes: list[_Home], activity: list[float], prefix: str, today: dt.datetime
) -> None:
    needs: list[dict[str, Any]] = []
    shifts: list[dict[str, Any]] = []
    positions: list[dict[str, Any]] = []
    items: list[dict[str, Any]] = []
    causes = list(ACTS)
    for number in numbers:
        home = rng.choices(homes, cum_weights=activity)[0]
        cause = rng.choices(causes, weights=WEIGHTS)[0]
        act, skill = rng.choice(ACTS[cause])
        latitude, longitude = _near(rng, home.latitude, home.longitude, 5)
        skills = list(dict.fromkeys([skill] + [rng.choice(SKILLS).slug for _n in range(rng.choice((0, 0, 1, 2)))]))
        published = today - dt.timedelta(minutes=rng.randrange(1, 90 * 24 * 60))
        need: dict[str, Any] = {
            "id": _key(rng), "organization_id": home.id, "title": f"{act} in {home.city}"[:160],
            "description": _description(rng, act, home), "status": "open" if rng.random() < 0.97 else "closed",
            "urgency": rng.choices(("low", "normal", "high", "critical"), weights=(20, 60, 15, 5))[0],
            "causes": [cause], "skills": skills if rng.random() < 0.8 else [], "remote": rng.random() < 0.03,
            "private_address": False, "city": home.city, "region": home.region, "country": home.country,
            "latitude": latitude, "longitude": longitude, "precision": "coordinates", "time_zone": home.zone,
            "published_at": published, "created_at": published, "updated_at": published,
            "external_id": f"seed-{prefix}-{number}", "confirm_by": (today + dt.timedelta(days=30)).date(),
        }  # fmt: skip
        needs.append(need)
        kind = rng.random()
        if kind < 0.7:
            for _shift in range(rng.choice((1, 1, 1, 2, 4))):
                shift = _shift_of(rng, need["id"], home.zone, today)
                shifts.append(shift)
                positions.append(_position_of(rng, shift["id"], rng.choice((1, 2, 4, 6, 10, 20, 50))))
        elif kind < 0.8:
            role = {
                **_shift_of(rng, need["id"], home.zone, today),
                "starts_at": None,
                "ends_at": None,
                "flexible": True,
            }
            shifts.append(role)
            positions.append(_position_of(rng, role["id"], rng.choice((None, 2, 5))))
        if kind > 0.6:
            for sort in range(rng.randrange(1, 5)):
                item, unit = rng.choice(ITEMS)
                quantity = None if rng.random() < 0.1 else rng.choice((5, 10, 20, 40, 100)) * 1000
                items.append(
                    {
                        "id": _key(rng),
                        "need_id": need["id"],
                        "name": item,
                        "unit": unit,
                        "quantity": quantity,
                        "sort": sort,
                    }
                )
    for model, rows in ((Need, needs), (Shift, shifts), (Position, positions), (Item, items)):
        _put(_table(model), rows)
    index.add_new([need["id"] for need in needs])


def _shift_of(rng: random.Random, need_id: int, zone: str, today: dt.datetime) -> dict[str, Any]:
    day = today.date() + dt.timedelta(days=rng.randrange(0, 150))
    starts = dt.datetime.combine(day, dt.time(rng.randrange(7, 20), rng.choice((0, 30))), zoneinfo.ZoneInfo(zone))
    starts_at = starts.astimezone(dt.UTC)
    return {
        "id": _key(rng), "need_id": need_id, "starts_at": starts_at,
        "ends_at": starts_at + dt.timedelta(hours=rng.choice((2, 3, 4, 6, 8))), "time_zone": zone, "flexible": False,
        "contact": "none",
    }  # fmt: skip


def _position_of(rng: random.Random, shift_id: int, capacity: int | None) -> dict[str, Any]:
    return {"id": _key(rng), "shift_id": shift_id, "capacity": capacity}


def _sow_people(
    rng: random.Random, numbers: range, cities: list[Any], weights: list[float], prefix: str, today: dt.datetime
) -> None:
    people: list[dict[str, Any]] = []
    skills: list[dict[str, Any]] = []
    for number in numbers:
        city, region, country, latitude, longitude, _people, zone = rng.choices(cities, cum_weights=weights)[0]
        at = _near(rng, latitude, longitude, 6)
        person = {
            "id": _key(rng), "email": f"{prefix}-{number + 1}@example.org", "email_verified_at": today,
            "name": f"{rng.choice(NAMES)} {number + 1}", "birth_date": dt.date(rng.randrange(1950, 2005), 6, 15),
            "place": f"{city}, {region or country}"[:120], "latitude": at[0], "longitude": at[1], "country": country,
            "time_zone": zone, "created_at": today,
        }  # fmt: skip
        people.append(person)
        for skill in {rng.choice(SKILLS).slug for _n in range(rng.randrange(4))}:
            skills.append({"person_id": person["id"], "skill": skill})
    _put(_table(Person), people)
    _put(_table(PersonSkill), sorted(skills, key=lambda row: (row["person_id"], row["skill"])))


def _tidy() -> None:
    """Let the database know what it holds now: plans and covering indexes depend on it."""
    with db.engine.connect() as connection:
        plain = connection.execution_options(isolation_level="AUTOCOMMIT")
        plain.exec_driver_sql("ANALYZE" if uses_sqlite() else "VACUUM ANALYZE")
