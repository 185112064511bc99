"""Migrations equal the models on both engines; every revision goes up and down with data in it."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from pathlib import Path

import flask_migrate
import pytest
import sqlalchemy as sa
from alembic.script import ScriptDirectory
from flask import Flask

from app import create_app
from app.core.db import Base, db
from tests.conftest import close, create_database, make_settings
from tests.house import rows

ROOT = Path(__file__).parent.parent.parent


@pytest.fixture
def empty_app(engine_name: str, request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Flask]:
    """An application whose database has no tables yet."""
    if engine_name == "sqlite":
        url = f"sqlite:///{tmp_path / 'empty.db'}"
    else:
        url = create_database(request.getfixturevalue("postgresql_server"), f"migrations_{secrets.token_hex(4)}")
    app = create_app(make_settings(tmp_path, url))
    yield app
    close(app)


def revisions() -> list[str]:
    script = ScriptDirectory(str(ROOT / "migrations"))
    return [revision.revision for revision in reversed(list(script.walk_revisions()))]


def test_there_is_one_head_and_it_is_pinned() -> None:
    # Number and name: two branches that number alike must conflict in git, and a number alone does not.
    pinned = (ROOT / "migrations" / "HEAD").read_text().strip()
    assert (ROOT / "migrations" / "versions" / f"{pinned}.py").is_file()
    assert pinned.split("_")[0] == revisions()[-1]
    assert len({path.name.split("_")[0] for path in (ROOT / "migrations" / "versions").glob("0*.py")}) == len(
        revisions()
    )
    assert len(ScriptDirectory(str(ROOT / "migrations")).get_heads()) == 1


def test_the_migrated_database_is_what_the_models_say(empty_app: Flask) -> None:
    with empty_app.app_context():
        flask_migrate.upgrade()
        flask_migrate.check()  # exits with an error when autogenerate would find anything to do


def test_every_revision_goes_up_and_down_with_data(empty_app: Flask) -> None:
    with empty_app.app_context():
        flask_migrate.upgrade()
        filled = rows.fill_every_table()
        assert filled == {table.name for table in Base.metadata.sorted_tables}
        with db.engine.begin() as connection:  # a change of its amount is under way
            amounts = {"amount_minor": 2000, "asked_minor": [1000, 2000, 3000], "wanted_minor": 3000}
            connection.execute(sa.update(Base.metadata.tables["monthly_gift"]).values(amounts))
        for revision in reversed(["base", *revisions()[:-1]]):
            db.session.remove()
            flask_migrate.downgrade(revision=revision)
            if revision == "0038":  # which knew one amount before, and when it changed: not what is only wanted
                with db.engine.begin() as connection:
                    known = "SELECT amount_before_minor, amount_changed_at IS NOT NULL FROM monthly_gift"
                    assert [tuple(row) for row in connection.execute(sa.text(known))] == [(1000, True)]
        left = set(sa.inspect(db.engine).get_table_names()) - {"alembic_version"}
        assert left == set()
        flask_migrate.upgrade()
