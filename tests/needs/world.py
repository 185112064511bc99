"""A random world of needs, in the database and as plain facts."""

from __future__ import annotations

import datetime as dt
import random
from decimal import Decimal
from typing import Any

from app.core.clock import now
from app.core.db import db, transaction
from app.needs import index
from app.needs.models import Item, Need, Position, Shift
from tests.factories import make_organization
from tests.needs.brute import LEVELS, NeedFacts, ShiftFacts

# Places where a grid goes wrong if it can: a dense city, the antimeridian, both poles, the meridian, the equator.
CENTRES = ((40.72, -74.0), (-17.8, 179.9), (89.2, 10.0), (-88.9, -120.0), (51.5, 0.01), (0.01, 9.4))
ZONES = ("America/New_York", "Pacific/Auckland", "UTC", "Asia/Kathmandu")
CAUSES = ("food", "housing", "animals")
SKILLS = ("cooking", "driving", "carpentry", "nursing", "spanish", "first-aid")
WORDS = ("river", "blanket", "kitchen", "puppy", "flood", "berlin", "clinic")


def _moment(rng: random.Random) -> dt.datetime:
    at = now().replace(microsecond=0) + dt.timedelta(hours=rng.uniform(-48, 24 * 40))
    # Nothing begins or ends while the test looks.
    return at + dt.timedelta(minutes=30) if abs((at - now()).total_seconds()) < 600 else at


def _shift(rng: random.Random, zone: str) -> tuple[Shift, ShiftFacts]:
    status = "scheduled" if rng.random() < 0.9 else "cancelled"
    if rng.random() < 0.2:
        due = (now() + dt.timedelta(days=rng.randrange(-5, 40))).date() if rng.random() < 0.5 else None
        shift = Shift(flexible=True, due_on=due, time_zone=zone, status=status, contact="none")
        return shift, ShiftFacts(None, None, due, status)
    start = _moment(rng)
    end = start + dt.timedelta(hours=rng.choice((2, 5, 30)))
    if abs((end - now()).total_seconds()) < 600:
        end += dt.timedelta(hours=1)
    shift = Shift(starts_at=start, ends_at=end, time_zone=zone, status=status, contact="none")
    return shift, ShiftFacts(int(start.timestamp()), int(end.timestamp()), None, status)


def make_world(rng: random.Random, count: int, centre: tuple[float, float] | None = None) -> list[NeedFacts]:
    """`count` needs of three organizations, one of which is suspended."""
    organizations = [make_organization(name="Alpha"), make_organization(name="Beta")]
    organizations.append(make_organization(name="Gamma", status="suspended"))
    facts: list[NeedFacts] = []
    with transaction():
        made = [_add(rng, rng.choice(organizations), centre) for _number in range(count)]
        db.session.flush()
        for need, fact in made:
            fact.id = need.id
            facts.append(fact)
        index.reindex([need.id for need, _fact in made])
    return facts


def _add(rng: random.Random, organization: Any, centre: tuple[float, float] | None) -> tuple[Need, NeedFacts]:
    zone = rng.choice(ZONES)
    middle = centre or rng.choice(CENTRES)
    spread = rng.choice((0.05, 0.4, 3.0))
    latitude: float | None = max(-90.0, min(90.0, middle[0] + rng.gauss(0, spread)))
    longitude: float | None = (middle[1] + rng.gauss(0, spread * 2) + 180) % 360 - 180
    if rng.random() < 0.1:
        latitude, longitude = middle  # some stand at one point
    remote = rng.random() < 0.15
    if remote and rng.random() < 0.5:
        latitude = longitude = None
    published = now().replace(microsecond=0) - dt.timedelta(seconds=rng.randrange(1, 70 * 86_400))
    fact = NeedFacts(
        id=0,
        status=rng.choices(("open", "paused", "draft", "closed"), (85, 5, 5, 5))[0],
        organization_public=organization.status == "active",
        title=" ".join(rng.sample(WORDS, 2)),
        text=" ".join(rng.sample(WORDS, 3)),
        urgency=rng.choice(LEVELS),
        causes=tuple(rng.sample(CAUSES, rng.randrange(3))),
        skills=tuple(rng.sample(SKILLS, rng.randrange(4))),
        remote=remote,
        latitude=latitude,
        longitude=longitude,
        zone=zone,
        published=int(published.timestamp()),
        shifts=[],
        items=rng.randrange(3) if rng.random() < 0.4 else 0,
        ends_on=(now() + dt.timedelta(days=rng.randrange(-3, 50))).date() if rng.random() < 0.2 else None,
    )
    need = Need(
        organization_id=organization.id, title=fact.title, description=fact.text, status=fact.status,
        urgency=fact.urgency, causes=list(fact.causes), skills=list(fact.skills), remote=remote, latitude=latitude,
        longitude=longitude, time_zone=zone, ends_on=fact.ends_on, published_at=published, created_at=published,
        updated_at=published,
    )  # fmt: skip
    if not remote or latitude is not None:
        need.city = "Somewhere"
    for _number in range(rng.choice((0, 1, 1, 2, 3))):
        shift, shift_facts = _shift(rng, zone)
        shift.positions.append(Position(capacity=5))
        need.shifts.append(shift)
        fact.shifts.append(shift_facts)
    for number in range(fact.items):
        need.items.append(Item(name=f"Item {number}", quantity=Decimal(10)))
    db.session.add(need)
    return need, fact
