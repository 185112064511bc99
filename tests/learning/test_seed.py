"""What is written in files comes into the database once, and what a person changed stays theirs."""

from __future__ import annotations

import dataclasses
import json
import shutil
from pathlib import Path

import pytest
import sqlalchemy as sa
from flask import Flask

from app.core.db import db, transaction
from app.core.errors import InvalidInput
from app.learning import operations, seed
from app.learning.models import Article, Citation, Fact, Question, Revision, Topic
from app.learning.operations.inputs import values_of
from tests.factories import make_person

SAMPLE = Path(__file__).parent / "sample"


def load(folder: Path = SAMPLE) -> dict[str, int]:
    with transaction():
        return seed.load(folder)


def test_files_come_in_once(app: Flask) -> None:
    assert load() == {"topics": 2, "facts": 2, "questions": 1, "articles": 1, "added": 4, "changed": 0, "kept": 0}
    assert load() == {"topics": 2, "facts": 2, "questions": 1, "articles": 1, "added": 0, "changed": 0, "kept": 0}
    fact = db.session.scalars(sa.select(Fact).where(Fact.slug == "paid-pages")).one()
    assert [(source.position, source.page, source.primary) for source in fact.sources] == [
        (1, "Commercial content", True)
    ]
    article = db.session.scalars(sa.select(Article)).one()
    assert article.left_out == "A number that we could not find in any document."
    assert "left out" not in article.body
    assert article.published_at is not None
    cited = sa.select(Citation.subject_id, sa.func.count()).group_by(Citation.subject_id)
    question = db.session.scalars(sa.select(Question)).one()
    assert {row[0]: row[1] for row in db.session.execute(cited)} == {article.id: 2, question.id: 1}
    revisions = db.session.scalars(sa.select(Revision)).all()
    assert len(revisions) == 4
    assert {(revision.version, revision.by_id) for revision in revisions} == {(1, None)}
    assert [topic.slug for topic in db.session.scalars(sa.select(Topic).order_by(Topic.position))] == [
        "checking",
        "words",
    ]


def test_a_file_that_says_otherwise_changes_what_nobody_has_changed(app: Flask, tmp_path: Path) -> None:
    load()
    moderator = make_person(platform_role="moderator")
    fact = db.session.scalars(sa.select(Fact).where(Fact.slug == "child-welfare-share")).one()
    values = values_of(fact)
    assert isinstance(values, operations.FactInput)
    with transaction():
        theirs = dataclasses.replace(values, claim="Nobody counts this.")
        operations.edit_fact(fact.id, theirs, by=moderator, reason="Clearer")
    shutil.copytree(SAMPLE, tmp_path / "data")
    facts = tmp_path / "data" / "facts.toml"
    facts.write_text(facts.read_text().replace("is not known", "is not known at all").replace("two in", "2 in"))
    assert load(tmp_path / "data") | {"topics": 2} == {
        "topics": 2, "facts": 2, "questions": 1, "articles": 1, "added": 0, "changed": 1, "kept": 1,
    }  # fmt: skip
    db.session.expire_all()
    assert fact.claim == "Nobody counts this."
    mine = db.session.scalars(sa.select(Fact).where(Fact.slug == "paid-pages")).one()
    assert mine.claim.startswith("In 2024, 2 in")
    assert mine.version == 2


@pytest.mark.rule("L1")
def test_a_verified_fact_without_enough_sources_does_not_come_in(app: Flask, tmp_path: Path) -> None:
    shutil.copytree(SAMPLE, tmp_path / "data")
    facts = tmp_path / "data" / "facts.toml"
    facts.write_text(facts.read_text().replace('status = "contested"', 'status = "verified"'))
    with pytest.raises(InvalidInput) as refused:
        load(tmp_path / "data")
    assert list(refused.value.errors) == ["fact child-welfare-share: sources"]
    assert "two sources of different publishers" in refused.value.errors["fact child-welfare-share: sources"]
    db.session.rollback()
    assert db.session.scalar(sa.select(sa.func.count()).select_from(Fact)) == 0


def test_the_command_says_what_it_did(app: Flask) -> None:
    result = app.test_cli_runner().invoke(args=["learning", "seed"])
    assert result.exit_code == 0, result.output
    assert set(json.loads(result.output.strip().splitlines()[-1])) >= {"facts", "articles", "added", "kept"}
