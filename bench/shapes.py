"""How the cost of a list grows with the number of needs: milliseconds of each question, asked of the code that answers it."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from pathlib import Path

from app import create_app
from app.core import search as text
from app.core.db import db, transaction
from app.needs import facets
from app.needs.filters import NeedFilters, parse
from app.needs.queries import find_visible_need
from app.needs.search import search
from config import Settings

NEW_YORK = {"near": ["40.71,-74.0"], "radius_km": ["25"]}  # the densest place there is: the worst case
QUESTIONS: dict[str, dict[str, list[str]]] = {
    "browse": NEW_YORK,
    "everywhere": {},
    "my_skills": {**NEW_YORK, "skills": ["cooking,driving,first-aid"]},
    "soonest": {**NEW_YORK, "sort": ["soonest"]},
    "nearest": {**NEW_YORK, "sort": ["nearest"]},
    "newest": {**NEW_YORK, "sort": ["newest"]},
    "urgent": {**NEW_YORK, "sort": ["urgent"]},
    "far": {**NEW_YORK, "radius_km": ["500"]},
    "word_commonest": {"q": ["volunteers"]},
    "word_common": {"q": ["flood cleanup"]},
    "word_rare": {"q": ["puppy weekend Denver"]},
    "word_near": {**NEW_YORK, "q": ["blankets"]},
    "words_soonest": {"q": ["flood"], "sort": ["soonest"]},
}


def _median_ms(act: Callable[[], object], times: int = 15, budget: float = 3.0) -> float:
    act()
    taken: list[float] = []
    end = time.perf_counter() + budget
    while len(taken) < times and (time.perf_counter() < end or len(taken) < 2):
        began = time.perf_counter()
        act()
        taken.append((time.perf_counter() - began) * 1000)
    return round(statistics.median(taken), 3)


def _filters(asked: dict[str, list[str]]) -> NeedFilters:
    filters, errors = parse(lambda name: asked.get(name, []), "US")
    if errors:
        raise ValueError(errors)
    return filters


def measure(database_url: str, data_dir: Path) -> dict[str, float]:
    """Milliseconds of every shape in one database."""
    app = create_app(Settings(data_dir=data_dir, database_url=database_url))
    found: dict[str, float] = {}
    # Inside a transaction nothing is kept from one question to the next (core.cache.facts).
    with app.app_context(), transaction():
        for name, asked in QUESTIONS.items():
            filters = _filters(asked)
            found[name] = _median_ms(lambda filters=filters: search(filters))
        near = _filters(NEW_YORK)
        found["facets"] = _median_ms(lambda: facets.count_facets(near))
        found["deep_page"] = _median_ms(_deep())
        (key,) = text.run("SELECT need_id FROM need_text ORDER BY number LIMIT 1", {})[0]
        found["detail"] = _median_ms(lambda: find_visible_need(key))
    with app.app_context():
        db.session.remove()
        db.engine.dispose()
    return found


def _deep() -> Callable[[], object]:
    """The page in the middle of everything, soonest first."""
    from app.core.paging import encode_cursor

    start = _filters({"sort": ["soonest"]})
    (total,) = text.run("SELECT count(*) FROM need_cell WHERE skill = 0 AND cell = 0", {})[0]
    statement = "SELECT starts, need_id FROM need_text ORDER BY starts, need_id LIMIT 1 OFFSET :half"
    starts, need_id = text.run(statement, {"half": total // 2})[0]
    cursor = encode_cursor(start.digest(), starts, need_id)
    filters = _filters({"sort": ["soonest"], "cursor": [cursor]})
    return lambda: search(filters)
