"""Every order of the list equals brute force, page by page, on both engines (N1, N2, N3)."""

from __future__ import annotations

import contextlib
import datetime as dt
import itertools
import random
from typing import Any

import pytest
from flask import Flask

from app.core.clock import now
from app.core.db import db, transaction
from app.core.paging import BadCursor, encode_cursor
from app.needs import index
from app.needs.filters import SORTS, NeedFilters, parse
from app.needs.models import Need
from app.needs.search import search
from tests.factories import make_item, make_need, make_organization, make_shift
from tests.needs.brute import LEVELS, NeedFacts, expected, key, matches
from tests.needs.world import CAUSES, CENTRES, SKILLS, WORDS, make_world


def url_of(asked: dict[str, Any]) -> dict[str, list[str]]:
    """The question as a URL asks it."""
    values: dict[str, list[str]] = {"sort": [asked["sort"]]}
    if asked.get("near"):
        values["near"] = [f"{asked['near'][0]},{asked['near'][1]}"]
        values["radius_km"] = [str(asked["radius_km"])]
    if asked.get("q"):
        values["q"] = [" ".join(asked["q"])]
    for name in ("causes", "skills", "wants", "urgency"):
        values[name] = list(asked.get(name, ()))
    if asked.get("remote") is not None:
        values["remote"] = ["yes" if asked["remote"] else "no"]
    for name in ("from", "to"):
        if asked.get(name):
            values[name] = [asked[name].isoformat()]
    return values


def ask(values: dict[str, list[str]], cursor: str = "") -> NeedFilters:
    filters, errors = parse(lambda name: [cursor] if name == "cursor" else values.get(name, []))
    assert errors == {}
    return filters


def all_ids(asked: dict[str, Any], limit: int) -> list[int]:
    """The list, page by page."""
    values, ids, cursor = url_of(asked), [], ""
    for _page in range(200):
        page = search(ask(values, cursor), limit)
        assert len(page.rows) <= limit
        ids += [row.id for row in page.rows]
        if page.next_cursor is None:
            return ids
        assert len(page.rows) == limit
        cursor = page.next_cursor
    raise AssertionError("the list does not end")


def random_question(rng: random.Random) -> dict[str, Any]:
    asked: dict[str, Any] = {"sort": rng.choice(SORTS)}
    if rng.random() < 0.6 or asked["sort"] == "nearest":
        latitude, longitude = rng.choice(CENTRES)
        asked["near"] = (latitude, round((longitude + rng.uniform(-0.3, 0.3) + 180) % 360 - 180, 4))
        asked["radius_km"] = rng.choice((1, 10, 25, 60, 150, 500))
    if rng.random() < 0.35:
        asked["q"] = tuple(rng.sample(WORDS, rng.choice((1, 1, 2))))
    if rng.random() < 0.2:
        asked["causes"] = tuple(rng.sample(CAUSES, rng.choice((1, 2))))
    if rng.random() < 0.3:
        asked["skills"] = tuple(rng.sample(SKILLS, rng.choice((1, 2, 3, 5))))
    if rng.random() < 0.25:
        asked["wants"] = tuple(rng.sample(("time", "items"), rng.choice((1, 2))))
    if rng.random() < 0.2:
        asked["urgency"] = tuple(rng.sample(LEVELS, rng.choice((1, 2))))
    if rng.random() < 0.2:
        asked["remote"] = rng.random() < 0.5
    if rng.random() < 0.25:
        day = now().date() + dt.timedelta(days=rng.randrange(-2, 30))
        asked["from"] = day
        asked["to"] = day + dt.timedelta(days=rng.randrange(0, 12)) if rng.random() < 0.7 else None
    return asked


def same_list(ids: list[int], wanted: list[NeedFacts], asked: dict[str, Any], at: int) -> bool:
    """The same needs, each once, in the same order; keys that differ by rounding alone may stand either way round."""
    if sorted(ids) != sorted(need.id for need in wanted):
        return False
    by_id = {need.id: need for need in wanted}
    keys = [key(by_id[need_id], asked, at) for need_id in ids]
    if asked["sort"] in ("newest", "nearest") or (asked["sort"] == "best" and asked.get("near")):
        return all(before[0] <= after[0] + 1e-5 for before, after in itertools.pairwise(keys))
    return keys == sorted(keys)


@pytest.mark.rule("N1", "N2", "N3")
@pytest.mark.parametrize("number", range(3))
def test_every_list_is_what_brute_force_says_page_by_page(app: Flask, number: int) -> None:
    rng = random.Random(number)
    world = make_world(rng, 220)
    at = int(now().timestamp())
    found = 0
    for _question in range(80):
        asked = random_question(rng)
        wanted = expected(world, asked, at)
        ids = all_ids(asked, rng.choice((1, 3, 7, 20)) if len(wanted) < 40 else 20)
        assert same_list(ids, wanted, asked, at), asked
        found += len(ids)
    assert found > 300  # the questions were not all about nothing


@pytest.mark.rule("N2", "N3")
@pytest.mark.parametrize("sort", SORTS)
def test_a_dense_city_is_listed_exactly_far_beyond_the_first_chunk(app: Flask, sort: str) -> None:
    rng = random.Random(sort)
    world = make_world(rng, 400, centre=CENTRES[0])
    at = int(now().timestamp())
    for words in ((), (WORDS[0],)):
        asked = {"sort": sort, "near": CENTRES[0], "radius_km": 50, "q": words}
        wanted = expected(world, asked, at)
        assert len(wanted) > 40
        assert same_list(all_ids(asked, 20), wanted, asked, at)


def test_the_model_can_tell_a_wrong_list() -> None:
    # The positive control: a list with one place swapped, one lost or one twice is not taken for the right one.
    facts = [
        NeedFacts(n, "open", True, "river", "", "normal", (), (), False, None, None, "UTC", n, []) for n in range(1, 5)
    ]
    asked: dict[str, Any] = {"sort": "soonest"}
    right = [need.id for need in expected(facts, asked, 0)]
    assert same_list(right, expected(facts, asked, 0), asked, 0)
    for wrong in ([2, 1, 3, 4], [1, 2, 3], [1, 1, 2, 3, 4]):
        assert not same_list(wrong, expected(facts, asked, 0), asked, 0)


@pytest.mark.rule("N2")
@pytest.mark.parametrize("sort", SORTS)
@pytest.mark.parametrize("words", [(), (WORDS[1],)], ids=["all", "words"])
def test_rows_that_come_and_go_between_pages_neither_repeat_nor_lose_others(
    app: Flask, sort: str, words: tuple[str, ...]
) -> None:
    rng = random.Random(f"{sort}{words}")
    world = make_world(rng, 90, centre=CENTRES[0])
    asked: dict[str, Any] = {"sort": sort, "near": CENTRES[0], "radius_km": 400, "q": words}
    at = int(now().timestamp())
    steady = {need.id for need in world if matches(need, asked, at)}
    values, seen, cursor = url_of(asked), [], ""
    while True:
        page = search(ask(values, cursor), 5)
        seen += [row.id for row in page.rows]
        if page.next_cursor is None:
            break
        cursor = page.next_cursor
        gone = rng.choice(sorted(steady))
        with transaction():
            need = db.session.get_one(Need, gone)
            need.status = "paused"
            index.reindex([gone])
        steady.discard(gone)
        make_world(rng, 2, centre=CENTRES[0])
    assert len(seen) == len(set(seen))
    assert steady <= set(seen)


@pytest.mark.rule("N2")
def test_older_matches_follow_the_scored_ones_newest_first(app: Flask) -> None:
    organization = make_organization()
    start = now() - dt.timedelta(days=1)
    with transaction():
        needs = [
            Need(
                organization_id=organization.id, title="Blankets", status="open", time_zone="UTC", remote=True,
                published_at=start + dt.timedelta(seconds=number), created_at=start, updated_at=start, causes=[], skills=[],
                urgency=("low", "normal", "high", "critical")[number % 4],
            )
            for number in range(350)
        ]  # fmt: skip
        db.session.add_all(needs)
        db.session.flush()
        index.reindex([need.id for need in needs])
        numbers = [need.id for need in needs]
    asked = {"sort": "best", "q": ("blankets",)}
    values, ids, cursor = url_of(asked), [], ""
    while True:
        page = search(ask(values, cursor), 20)
        ids += [row.id for row in page.rows]
        if page.next_cursor is None:
            break
        cursor = page.next_cursor
        # One of the scored window goes away and a new one comes on every page: neither moves the others.
        gone = numbers[340 - len(ids) // 20] if numbers[340 - len(ids) // 20] not in ids else None
        if gone is not None:
            with transaction():
                db.session.get_one(Need, gone).status = "closed"
                index.reindex([gone])
        make_need(organization, title="More blankets")
    assert len(ids) == len(set(ids))
    assert set(numbers[:50]) <= set(ids)
    assert ids[-50:] == list(reversed(numbers[:50]))


@pytest.mark.rule("N2")
def test_a_cursor_belongs_to_its_filters(app: Flask) -> None:
    for _number in range(3):
        make_need()
    cursor = search(NeedFilters(), 2).next_cursor
    assert cursor is not None
    with pytest.raises(BadCursor):
        search(NeedFilters(sort="newest", cursor=cursor), 2)
    with pytest.raises(BadCursor):
        search(NeedFilters(causes=("food",), cursor=cursor), 2)


HOSTILE_KEYS = [
    (1e308, 1), (-1e308, 1), (float("inf"), 1), (1, 2, 3, 4, 5), ("x", "y"), (), (0.5, 1 << 70), (True, 1), (-9, 0, 0),
    ((1 << 63) - 1,), (-(1 << 63),), (1, 1, 1.0, 1), (-(1 << 63), 1, 4.0, 1),
]  # fmt: skip


def test_a_forged_cursor_is_refused_or_harmless(app: Flask) -> None:
    make_need(title="Food")
    for sort, hostile, words in itertools.product(SORTS, HOSTILE_KEYS, ((), ("food",))):
        values = url_of({"sort": sort, "near": (40.73, -74.17), "radius_km": 25, "q": words})
        forged = encode_cursor(ask(values).digest(), *hostile)
        with contextlib.suppress(BadCursor):
            assert len(search(ask(values, forged), 5).rows) <= 1


HOSTILE_WORDS = [
        '"', "''", "AND", "OR NOT", "NEAR(", "a*", "words:x", "-", "(", "\x00", "a\x00b", "%", "_", "\\", "🤲", "é" * 500,
        " ".join(str(number) for number in range(1000)), "x" * 5000, "'; DROP TABLE need; --", "&|!", "<->", "𞤀𞤁", "नमस्ते",
        "ﬁ", "İ", "\ud800",
]  # fmt: skip


def test_any_words_may_be_searched_for(app: Flask) -> None:
    make_need(title="Words of need")
    for sort, text in itertools.product(("best", "newest", "soonest", "urgent"), HOSTILE_WORDS):
        given = {"q": [text], "sort": [sort]}
        filters, _errors = parse(lambda name, given=given: given.get(name, []))
        assert len(search(filters).rows) <= 1


MEETING_WORDS = [
        ("refugie", "Accueil des réfugiés"), ("RÉFUGIÉS", "accueil des refugies"), ("blanket", "Blankets"),
        ("boxes", "One box"), ("family", "Families"), ("straße", "Strasse kehren"), ("newark blankets", "Blankets"),
        ("diapers", "Something for babies"),
]  # fmt: skip


def test_case_accents_and_plurals_do_not_hide_a_need(app: Flask) -> None:
    for asked, title in MEETING_WORDS:
        need = make_need(title=title)
        make_item(need, name="Diapers" if asked == "diapers" else "Other")
        filters, _errors = parse(lambda name, asked=asked: {"q": [asked], "sort": ["newest"]}.get(name, []))
        assert need.id in [row.id for row in search(filters).rows], asked


@pytest.mark.rule("N3")
def test_a_place_in_the_best_order_is_explained(app: Flask) -> None:
    need = make_need(title="Blankets for all", urgency="critical", skills=["driving"])
    make_shift(need, days=3)
    values = {"q": ["blankets"], "near": ["40.7357,-74.1724"], "skills": ["driving"]}
    row = search(ask(values)).rows[0]
    reasons = dict(row.reasons)
    assert reasons["title"] == 1.0
    assert reasons["distance"] < 0.001
    assert reasons["skills"] == ("driving",)
    assert reasons["urgency"] == "critical"
    assert reasons["starts"] == row.starts_at


@pytest.mark.rule("N1")
def test_a_row_is_asked_again_whether_it_may_be_seen(app: Flask) -> None:
    need = make_need()
    assert [row.id for row in search(NeedFilters()).rows] == [need.id]
    with transaction():  # the forgotten reindex
        db.session.get_one(Need, need.id).status = "paused"
    assert search(NeedFilters()).rows == []
    assert index.compare()[1] != []


def test_wrong_values_are_told_at_their_field_and_ignored(app: Flask) -> None:
    given = {
        "q": ["!!!"], "near": ["Nowhere at all"], "radius_km": ["501"], "skills": ["flying"], "causes": ["food", "gold"],
        "wants": ["money"], "from": ["tomorrow"], "to": ["2026-02-30"], "urgency": ["huge"], "remote": ["maybe"],
        "sort": ["worst"],
    }  # fmt: skip
    filters, errors = parse(lambda name: given.get(name, []))
    assert sorted(errors) == sorted(given)
    assert filters == NeedFilters(causes=("food",))
    for radius in ("0", "-1", "nan", "inf", "1e9", ""):
        filters, _errors = parse(lambda name, radius=radius: [radius] if name == "radius_km" else [])
        assert filters.radius_km == 25
