"""`flask verify` finds what no operation would have left: too few sources, a version that says something else, words that are
not those of the text."""

from __future__ import annotations

import pytest
import sqlalchemy as sa
from flask import Flask

from app.core.db import db, transaction
from app.learning.checks import CHECKS
from app.learning.models import Article, Citation, Fact, FactSource
from tests.learning.test_seed import load


def problems() -> list[str]:
    db.session.rollback()
    return [problem for check in CHECKS.values() for problem in check()[1]]


@pytest.mark.rule("L1")
def test_what_was_changed_behind_their_backs_is_found(app: Flask) -> None:
    load()
    assert problems() == []
    assert [check()[0] for check in CHECKS.values()] == [2, 4, 4]
    with transaction():
        db.session.execute(
            sa.delete(Citation).where(
                Citation.fact_id == sa.select(Fact.id).where(Fact.slug == "paid-pages").scalar_subquery()
            )
        )
    assert problems() == [
        "learning: the citations of how-to-check are not those of its text",
        "learning: the citations of is-it-sold are not those of its text",
    ]
    with transaction():
        db.session.execute(sa.update(Article).values(title="Zebras"))
    assert "learning: article how-to-check does not say what its newest version says" in problems()
    assert "learning: full text has other words for how-to-check" in problems()
    with transaction():
        db.session.execute(sa.update(FactSource).values(page=""))
        db.session.execute(sa.update(Fact).values(version=7))
    found = problems()
    assert "learning: fact paid-pages has too few sources" in found
    assert "learning: versions of fact paid-pages are missing" in found
