"""Files that nobody should send: each is refused at its field or becomes rows, and no answer is an error of ours (A4)."""

from __future__ import annotations

import csv
import io
import secrets
from collections.abc import Iterator

import pytest
from flask import Flask
from hypothesis import given
from hypothesis import strategies as st

from app import create_app
from app.accounts.models import Person
from app.core.db import db, transaction
from app.core.errors import Refused
from app.imports.fields import LABELS
from app.imports.models import ImportBatch
from app.imports.operations import mend_row, set_columns, start_import, start_undo, upload_file
from app.imports.present import preview, rejects_csv, title_of, wrongs
from app.imports.queries import list_rows
from app.imports.uploads import read_upload
from app.organizations.models import Organization
from tests.conftest import ENGINES, close, create_database, make_settings, migrate
from tests.factories import make_organization, make_person
from tests.hostile import tries

NAMES = sorted(LABELS)
CELLS = st.one_of(
    st.text(max_size=40),
    st.sampled_from(
        (
            "yes", "no", "2031-05-05 10:00", "5/6/2031", "6 pm", "=1+1", "rice: 4 bag; water", "-1", "1e309", "nan", "07102",
            "Newark", "NJ", "91", "&#0;", "&amp;#x1F;", "\U000e0001", "\u202egnp", "\ufffe", "a" * 200, "9" * 40, "children",
            "cooking", "America/New_York", "US", "99999-12-31 10:00", "0001-01-01 00:00", "31.12.9999 23:59",
        )
    ),
)  # fmt: skip


@pytest.fixture(scope="module", params=ENGINES)
def house(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Flask, int, int]]:
    """An application with one organization, and its owner."""
    directory = tmp_path_factory.mktemp("hostile")
    if request.param == "sqlite":
        url = f"sqlite:///{directory / 'hostile.db'}"
    else:
        url = create_database(request.getfixturevalue("postgresql_server"), f"imports_{secrets.token_hex(4)}")
    app = create_app(make_settings(directory, url))
    migrate(app)
    with app.app_context():
        owner = make_person()
        ids = (make_organization(owner).id, owner.id)
        db.session.remove()
    yield app, *ids
    close(app)


def walk(house: tuple[Flask, int, int], content: bytes, name: str, columns: list[str]) -> None:
    """Everything that can be done with a file, from the upload to the way back."""
    app, organization_id, owner_id = house
    with app.app_context():
        owner = db.session.get_one(Person, owner_id)
        try:
            upload = read_upload(content, name)
        except Refused:
            return
        with transaction():
            batch = upload_file(organization_id, upload, by=owner)
        said_of = dict(zip([*dict.fromkeys([*columns, "title"])], upload.header, strict=False))
        if "title" not in said_of:
            said_of = {"title": upload.header[0]}
        with transaction():
            set_columns(batch.id, columns=said_of, constants={"dates": "month_first", "contact": "none"}, by=owner)
        rows = list_rows(batch.id)
        assert preview(batch, rows)
        rejects = [row for row in rows if row.outcome == "rejected"]
        shown = list(csv.reader(io.StringIO(rejects_csv(batch, rejects).removeprefix("\ufeff"))))
        assert len(shown) == 1 + len(rejects)
        for row in rejects:
            assert title_of(batch, row) is not None
            # What the row keeps is among all that is told when it is read again.
            assert row.reason in {one.message for one in wrongs(batch, row)}
        db.session.rollback()
        with transaction():
            start_import(batch.id, publish=True, by=owner)
        for row in rejects[:1]:
            with transaction():
                mend_row(batch.id, row.line, {"title": "Mended", "starts_at": "", "remote": "yes"}, by=owner)
        with transaction():
            start_undo(batch.id, by=owner)
        assert db.session.get_one(ImportBatch, batch.id).status == "undone"
        assert db.session.get_one(Organization, organization_id).status == "active"
        db.session.remove()


@tries(40)
@given(
    rows=st.lists(st.lists(CELLS, min_size=1, max_size=8), min_size=1, max_size=6),
    columns=st.lists(st.sampled_from(NAMES), min_size=1, max_size=8, unique=True),
    encoding=st.sampled_from(("utf-8", "utf-8-sig", "utf-16", "cp1252")),
)
@pytest.mark.rule("A4")
def test_any_table_is_walked_through(
    house: tuple[Flask, int, int], rows: list[list[str]], columns: list[str], encoding: str
) -> None:
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(columns)
    writer.writerows(rows)
    walk(house, text.getvalue().encode(encoding, "ignore"), "table.csv", columns)


@tries(40)
@given(content=st.binary(max_size=400), name=st.text(max_size=300), columns=st.just(["title", "description"]))
@pytest.mark.rule("A4")
def test_any_bytes_are_refused_or_walked_through(
    house: tuple[Flask, int, int], content: bytes, name: str, columns: list[str]
) -> None:
    walk(house, content, name, columns)
    walk(house, b"a,b\n" + content, name, columns)
