"""What changed between two versions, as it is read; and two who change one thing at the same time."""

from __future__ import annotations

import dataclasses
import threading
from collections.abc import Callable

import pytest
import sqlalchemy as sa
from flask import Flask

from app.core.db import db, transaction
from app.core.errors import InvalidInput, Refused
from app.learning import operations
from app.learning.history import compare
from app.learning.models import Fact
from app.learning.operations import shared
from app.learning.operations.inputs import FactInput, values_of
from tests.factories import CHECKED, make_article, make_fact, make_question, make_source, make_topic


def told(before: str, after: str) -> str:
    marks = {"same": "{}", "added": "+{}+", "removed": "-{}-", "skipped": " … "}
    return "".join(marks[run.kind].format(run.text) for run in compare(before, after))


def test_words_are_compared_within_lines() -> None:
    assert told("It was 12 of 100.", "It was 7 of 100.") == "It was -12-+7+ of 100."
    assert told("a\nb\nc\n", "a\nB\nc\n") == "a\n-b-+B+\nc\n"
    assert told("", "All new.") == "+All new.+"
    assert told("All gone.", "") == "-All gone.-"
    assert told("one two three", "one four five three") == "one -two-+four five+ three"
    assert told("same", "same") == "same"


def test_what_stayed_is_shortened() -> None:
    long = " ".join(f"word{number}" for number in range(200))
    shown = told(f"{long} old {long}", f"{long} new {long}")
    assert "-old-+new+" in shown
    assert shown.count("…") == 2
    assert len(shown) < 600


def test_a_change_of_everything_takes_no_time() -> None:
    """Forty thousand characters against as many: compared by pieces that would take minutes."""
    one, other = ("a\n" * 20_000).strip(), ("b\n" * 20_000).strip()
    assert [run.kind for run in compare(one, other)] == ["removed", "added"]
    one, other = ("a " * 20_000).strip(), ("b " * 20_000).strip()
    assert [run.kind for run in compare(one, other)] == ["removed", "added"]


def at_once(app: Flask, *acts: Callable[[], object]) -> list[str]:
    """What came of acts that begin together: "" or the refusal."""
    found: list[str] = []
    gate = threading.Barrier(len(acts))

    def run(act: Callable[[], object]) -> None:
        with app.app_context():
            gate.wait()
            try:
                with transaction():
                    act()
            except (InvalidInput, Refused) as refused:
                found.append(str(refused))
            except sa.exc.IntegrityError:
                found.append("the database")
            else:
                found.append("")
            finally:
                db.session.remove()

    threads = [threading.Thread(target=run, args=(act,)) for act in acts]
    db.session.rollback()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return sorted(found)


def same_fact(topic: str, slug: str) -> FactInput:
    sources = (make_source(1), make_source(2))
    return FactInput(slug=slug, topic=topic, claim="Some.", note="", sources=sources, **CHECKED)


def test_of_two_who_give_one_address_the_second_is_told(app: Flask) -> None:
    topic = make_topic().slug
    for number in range(3):
        values = same_fact(topic, f"same-{number}")
        assert at_once(app, *[lambda values=values: operations.add_fact(values, by=None)] * 3) == ["", "slug", "slug"]


def test_without_holding_the_topic_the_database_would_have_to_say_no(
    app: Flask, engine_name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The positive control, where several transactions write at a time: on SQLite nothing can come between."""
    if engine_name == "sqlite":
        assert at_once(app, lambda: None, lambda: None) == ["", ""]
        return
    monkeypatch.setattr(shared, "hold_topic", lambda _topic_id: None)
    topic = make_topic().slug
    seen = set()
    for number in range(20):
        values = same_fact(topic, f"same-{number}")
        seen |= set(at_once(app, *[lambda values=values: operations.add_fact(values, by=None)] * 4))
        if "the database" in seen:
            break
    assert "the database" in seen


def test_of_two_changes_of_one_version_one_is_made(app: Flask) -> None:
    fact = make_fact()
    values = values_of(fact)
    assert isinstance(values, FactInput)
    key = fact.id
    acts = [
        lambda note=note: operations.edit_fact(key, dataclasses.replace(values, note=note), by=None, version=1)
        for note in ("One.", "Other.")
    ]
    assert at_once(app, *acts) == ["", "changed"]
    db.session.expire_all()
    assert db.session.get_one(Fact, key).version == 2


@pytest.mark.rule("L1")
def test_what_the_public_has_seen_is_withdrawn_and_never_a_draft_again(app: Flask) -> None:
    """As a draft it would be gone from every page that shared it, without a word why."""
    for row, edit in ((make_article(), operations.edit_article), (make_question(), operations.edit_question)):
        values = dataclasses.replace(values_of(row), status="draft")
        with pytest.raises(InvalidInput, match="status"), transaction():
            edit(row.id, values, by=None)  # type: ignore[operator]  # each with its own values
        db.session.expire_all()
        assert (row.status, row.version) == ("published", 1)
    draft = make_article(status="draft")
    with transaction():
        operations.edit_article(draft.id, values_of(draft), by=None)
    assert draft.status == "draft"
