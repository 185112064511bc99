"""The pages on which an organization brings a file: from the upload to the needs, as a browser walks them."""

from __future__ import annotations

import csv
import io
import re

import pytest
import sqlalchemy as sa
from flask import Flask

from app.core.db import db
from app.imports.models import ImportBatch, ImportRow
from app.imports.queries import list_rows
from app.imports.uploads import MAXIMUM_BYTES, MAXIMUM_ROWS
from app.organizations.models import Organization
from tests.conftest import CheckingClient
from tests.factories import make_member, make_organization
from tests.imports.sample import OWN
from tests.imports.test_needs import verified
from tests.imports.walk import (
    FILE,
    SignIn,
    actions,
    batch_of,
    chosen,
    counts,
    look,
    needs,
    path,
    take,
    take_place,
    upload,
)


def test_a_foreign_file_from_upload_to_needs(app: Flask, client: CheckingClient, pantry: Organization) -> None:
    assert "Import needs from a file" in client.get("/manage/pantry/needs").text
    sent = upload(client, FILE)
    columns = client.get(sent.location).text
    for words in ("Titel", "Sort food", "Bring gloves", "4 rows"):
        assert words in columns, words
    assert list(chosen(columns).values())[:9] == [
        "external_id", "title", "description", "city", "region", "starts_at", "ends_at", "capacity", "items_text",
    ]  # fmt: skip
    batch = look(client, FILE, contact="none")
    page = client.get(path(batch)).text
    assert counts(batch) == {"created": 2, "rejected": 2}
    for words in (
        "Nothing is imported yet",
        "tomorrow",
        "Fill this in",
        "Import 2 needs",
        "rice, beans",
        "Monday, March 10, 2031",
    ):
        assert words in page, words
    assert needs() == {}

    batch = take(client, batch, publish="y")
    assert (batch.status, counts(batch)) == ("done", {"created": 2, "rejected": 2})
    made = needs()
    assert {title: need.status for title, need in made.items()} == {"Sort food": "open", "Just an idea": "draft"}
    shift = made["Sort food"].shifts[0]
    assert (shift.contact, shift.positions[0].capacity) == ("none", 5)
    assert [item.name for item in made["Sort food"].items] == ["rice", "beans"]
    result = client.get(path(batch)).text
    assert "Nobody knows where it is." in result
    assert "needs.csv" in client.get("/manage/pantry/import").text
    assert {"import.uploaded", "import.columns_said", "import.started", "import.finished", "need.published"} <= set(
        actions()
    )
    assert verified(app) == []


def test_the_columns_are_remembered_for_the_next_file_with_the_same_header(
    client: CheckingClient, pantry: Organization
) -> None:
    look(client, FILE, column_2="", contact="children")
    page = client.get(upload(client, FILE.replace("Sort food", "Sort")).location).text
    assert "as you had them the last time" in page
    assert chosen(page)["column_2"] == ""
    assert chosen(page)["contact"] == "children"
    other = client.get(upload(client, "title,remote\nHelp,yes\n").location).text
    assert "We guessed" in other


@pytest.mark.rule("A4")
@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "is empty"),
        (b"\xef\xbb\xbf  \n", "is empty"),
        (b"title,city\n", "has no rows"),
        (b"title\nsol\x00dier\n", "is not a text file"),
        (b"%PDF-1.7\n%\xe2\xe3", "is not a text file"),
        (b"PK\x03\x04 rest", "is a workbook"),
        (b"title\n\x81\x8d\n", "neither UTF-8 nor Windows"),
        (b"title,title\na,b\n", "has the column title twice"),
        (b"\x01\x02\x03\x04,\x05\n\x06,\x07\n", "is not a text file"),
        (("title\n" + "a\n" * (MAXIMUM_ROWS + 1)).encode(), "2,001 rows"),
        (("t" * 300 + "\nx\n").encode(), "is too long"),
        ((",".join(f"c{n}" for n in range(101)) + "\nx\n").encode(), "more than 100 columns"),
        (b"title\n" + b"x" * MAXIMUM_BYTES, "larger than 5 MB"),
    ],
    ids=lambda value: value if isinstance(value, str) else len(value),
)
def test_a_file_that_cannot_be_taken_is_told_at_its_field(
    client: CheckingClient, pantry: Organization, content: bytes, words: str
) -> None:
    answer = upload(client, content)
    assert answer.status_code == 422
    assert words in answer.text
    assert re.search(r'href="#file"', answer.text)
    assert db.session.scalar(sa.select(sa.func.count()).select_from(ImportBatch)) == 0


@pytest.mark.rule("A4")
def test_what_is_far_too_large_is_not_even_read(client: CheckingClient, pantry: Organization) -> None:
    answer = upload(client, b"title\n" + b"x" * (MAXIMUM_BYTES + 2 * 1024 * 1024))
    assert answer.status_code == 303
    page = client.get(answer.location)
    assert "larger than 5 MB" in page.text
    assert client.post("/manage/pantry/import", data={"text": ""}).status_code == 422


@pytest.mark.parametrize(
    ("content", "encoding"),
    [
        ("title,city\nCafé,Newark\n".encode(), "UTF-8"),
        ("\ufefftitle,city\r\nCafé,Newark\r\n".encode(), "UTF-8"),
        ("title,city\nCafé,Newark\n".encode("cp1252"), "Windows-1252"),
        ("title\tcity\nCafé\tNewark\n".encode("utf-16"), "UTF-16"),
    ],
    ids=("utf-8", "bom", "windows", "utf-16"),
)
def test_files_are_read_as_spreadsheets_write_them(
    client: CheckingClient, pantry: Organization, content: bytes, encoding: str
) -> None:
    sent = upload(client, content)
    assert batch_of(sent).encoding == encoding
    page = client.get(sent.location).text
    assert "Café" in page
    assert ("was not UTF-8" in page) == (encoding != "UTF-8")


def test_rows_can_be_pasted(client: CheckingClient, pantry: Organization) -> None:
    sent = client.post("/manage/pantry/import", data={"text": "title\tremote\r\nHelp at the desk\tyes"})
    assert sent.status_code == 303
    assert batch_of(sent).rows == 1


@pytest.mark.rule("A4")
def test_two_columns_cannot_be_the_same_and_one_is_the_title(client: CheckingClient, pantry: Organization) -> None:
    sent = upload(client, "a,b\nx,y\n")
    twice = client.post(sent.location, data={"column_0": "title", "column_1": "title"})
    assert twice.status_code == 422
    assert "Another column is that already" in twice.text
    none = client.post(sent.location, data={"column_0": "city", "column_1": ""})
    assert none.status_code == 422
    assert "Say which column is the title" in none.text
    assert client.post(sent.location, data={"column_0": "nonsense"}).status_code == 422


def test_rejects_are_mended_in_the_page_before_the_import_and_after(
    app: Flask, client: CheckingClient, pantry: Organization
) -> None:
    batch = look(client, FILE, contact="none")
    page = client.get(path(batch, "/rows/3"))
    assert "tomorrow" in page.text
    assert "Write a day and a time" in page.text
    cells = {
        "cell_title": "Cook",
        "cell_starts_at": "2031-04-01 10:00",
        "cell_ends_at": "2031-04-01 09:00",
        "cell_capacity": "4",
    }
    wrong = client.post(path(batch, "/rows/3"), data=cells)
    assert wrong.status_code == 422
    assert "The end must be after the start" in wrong.text
    assert "2031-04-01 09:00" in wrong.text
    right = client.post(path(batch, "/rows/3"), data={**cells, "cell_ends_at": "2031-04-01 12:00"})
    assert right.location.endswith("/rows/4")
    assert counts(batch) == {"created": 3, "rejected": 1}
    assert needs() == {}

    take(client, batch)
    assert set(needs()) == {"Sort food", "Cook", "Just an idea"}
    last = client.post(path(batch, "/rows/4"), data={"cell_title": "Bring soap", "cell_items_text": "soap"})
    assert last.location.endswith(path(batch))
    assert needs()["Bring soap"].items[0].name == "soap"
    assert counts(batch) == {"created": 4}
    # A row that is right is nobody's to mend.
    assert client.post(path(batch, "/rows/4"), data={"cell_title": "Again"}).status_code == 303
    assert "Again" not in needs()
    assert client.get(path(batch, "/rows/99")).status_code == 404
    assert verified(app) == []


def test_the_rejects_as_a_file_hold_the_reason_and_no_formula_and_come_back(
    client: CheckingClient, pantry: Organization
) -> None:
    batch = look(client, 'title,remote,notes\n,yes,=1+1\nHelp,perhaps,"@cmd, -2"\nFine,yes,-5\n,maybe,\n')
    # One row with two faults: both in the preview, at their fields where they are mended, and in the file.
    for page in (client.get(path(batch)), client.get(path(batch, "/rows/5"))):
        assert "This is neither yes nor no: maybe" in page.text
        assert "Fill this in" in page.text
    form = client.get(path(batch, "/rows/5")).text
    assert 'id="cell_title-error"' in form
    assert 'id="cell_remote-error"' in form
    once = client.post(path(batch, "/rows/5"), data={"cell_title": "Now named", "cell_remote": "maybe"})
    assert (once.status_code, 'id="cell_title-error"' in once.text) == (422, False)
    assert client.post(path(batch, "/rows/5"), data={"cell_title": "", "cell_remote": "maybe"}).status_code == 422
    answer = client.get(path(batch, "/rejects.csv"))
    assert answer.headers["Content-Disposition"] == "attachment; filename=rejects.csv"
    text = answer.get_data().decode("utf-8-sig")
    rows = list(csv.DictReader(io.StringIO(text)))
    assert [row["line"] for row in rows] == ["2", "3", "5"]
    assert rows[0]["reason"] == "title: Fill this in"
    assert rows[2]["reason"] == "title: Fill this in; remote: This is neither yes nor no: maybe"
    assert [row["notes"] for row in rows] == ["'=1+1", "'@cmd, -2", ""]
    take(client, batch)
    mended = look(
        client, text.replace(",,yes", ",Named,yes").replace("perhaps", "no").replace(",5,,maybe", ",5,Third,no")
    )
    assert mended.header == ["title", "remote", "notes"]
    assert mended.header_key == batch.header_key
    assert counts(mended) == {"created": 3}
    described = db.session.scalars(
        sa.select(ImportRow).where(ImportRow.batch_id == mended.id, ImportRow.line == 2)
    ).one()
    assert described.cells["notes"] == "=1+1"


def test_the_same_file_again_changes_nothing_and_a_changed_one_changes_its_need(
    client: CheckingClient, pantry: Organization
) -> None:
    take(client, look(client, OWN), publish="y")
    again = look(client, OWN)
    assert counts(again) == {"unchanged": 2}
    assert "There is nothing to import." in client.get(path(again)).text
    changed = look(client, OWN.replace("Sort food", "Pack food"))
    assert counts(changed) == {"updated": 1, "unchanged": 1}
    assert "Sort food" in needs()
    take(client, changed)
    assert "Pack food" in needs()


def test_rows_and_rejects_are_shown_page_by_page(client: CheckingClient, pantry: Organization) -> None:
    rows = "".join(f"Help {n},yes\n" for n in range(25)) + "Wrong,perhaps\n" * 20
    batch = look(client, f"title,remote\n{rows}")
    page = client.get(path(batch)).text
    assert "Help 19" in page
    assert "Help 20" not in page
    assert "remote</bdi>: 20" in page
    following = re.search(r'rel="next" href="([^"#]*)', page)
    assert following is not None
    assert "Help 20" in client.get(following[1].replace("&amp;", "&")).text
    for nonsense in ("-1", "x", "9" * 30, "²"):
        assert client.get(f"{path(batch)}?after={nonsense}&rows_after={nonsense}").status_code == 200


def test_what_changes_is_told_before_it_does(client: CheckingClient, pantry: Organization) -> None:
    take(client, look(client, OWN), publish="y")
    other = OWN.replace("Sort food", "Pack food").replace("02:30", "03:30").replace(",5,none", ",6,none")
    page = client.get(path(look(client, other.replace("rice: 40", "rice: 50").replace("T01:30", "T00:30")))).text
    told = re.search(r'<td data-label="What changes">(Title[^<]*)</td>', page)
    assert told is not None
    assert told[1].split("\xa0· ") == [
        "Title",
        "Start: day and time",
        "How many people",
        "Items, as “rice: 40 bag; water”",
    ]


def test_day_and_times_of_their_own_columns_and_days_as_people_write_them(
    client: CheckingClient, pantry: Organization
) -> None:
    text = (
        "What,Day,From,To,People,Town,State\n"
        "Late shift,3/4/2031,10:30 pm,1:30 am,4,Newark,NJ\n"
        "Early shift,03/24/2031,6 am,9:15 am,2,Newark,NJ\n"
        "No time,3/5/2031,,,2,Newark,NJ\n"
        "No day,,6 am,7 am,2,Newark,NJ\n"
    )
    sent = upload(client, text)
    said = chosen(client.get(sent.location).text)
    assert [said[f"column_{n}"] for n in range(7)] == [
        "title",
        "day",
        "from_time",
        "to_time",
        "capacity",
        "city",
        "region",
    ]
    assert said["dates"] == "month_first"
    client.post(sent.location, data=said)
    batch = batch_of(sent)
    assert counts(batch) == {"created": 2, "rejected": 2}
    rows = db.session.scalars(sa.select(ImportRow).where(ImportRow.batch_id == batch.id).order_by(ImportRow.line)).all()
    assert [row.column for row in rows[2:]] == ["from_time", "day"]
    mended = {
        "day": "March 5, 2031",
        "from_time": "18.30",
        "to_time": "20h",
        "capacity": "2",
        "city": "Newark",
        "region": "NJ",
    }
    cells = {f"cell_{name}": value for name, value in mended.items()}
    client.post(path(batch, "/rows/4"), data={**cells, "cell_title": "No time"})
    take(client, batch)
    times = {title: (need.shifts[0].starts_at, need.shifts[0].ends_at) for title, need in needs().items()}
    assert {title: [moment.isoformat() for moment in pair if moment] for title, pair in times.items()} == {
        "Late shift": ["2031-03-05T03:30:00+00:00", "2031-03-05T06:30:00+00:00"],
        "Early shift": ["2031-03-24T10:00:00+00:00", "2031-03-24T13:15:00+00:00"],
        "No time": ["2031-03-05T23:30:00+00:00", "2031-03-06T01:00:00+00:00"],
    }


def test_a_country_is_known_by_its_name_and_a_state_is_none(client: CheckingClient, pantry: Organization) -> None:
    text = "Aufgabe,PLZ,Stadt,Land,online\nKochen,10115,Berlin,Deutschland,no\nLesen,,Lyon,Frankreich,no\nRuf,,,Atlantis,yes\n"
    batch = look(client, text)
    assert "We do not know this country: Atlantis" in client.get(path(batch)).text
    take(client, batch)
    assert {need.country for need in needs().values()} == {"DE", "FR"}
    assert {need.time_zone for need in needs().values()} == {"Europe/Berlin", "Europe/Paris"}
    page = client.get(upload(client, "title,Staat\nHelp,NJ\nMore,NY\nStill,PA\n").location).text
    assert chosen(page)["column_1"] == "region"


def test_words_of_other_languages_and_habits_of_spreadsheets_are_read(
    client: CheckingClient, pantry: Organization
) -> None:
    text = (
        'sep=;\n"Titel";"Online";"Priorität";"Anzahl";"Beginn";"Ende";"Breitengrad";"Längengrad"\n'
        "Lesen;ja;hoch;5 Personen;1.5.2031 10:00;1.5.2031 11 Uhr;;\n"
        "Kochen;nein;dringend;6,0;1.5.2031 10:00;1.5.2031 11 Uhr;52,52;13,4\n"
    )
    batch = take(client, look(client, text))
    assert [row.line for row in list_rows(batch.id)] == [3, 4]
    made = needs()
    assert [(one.remote, one.urgency, one.shifts[0].positions[0].capacity) for one in (made["Lesen"], made["Kochen"])] == [
        (True, "high", 5), (False, "critical", 6),
    ]  # fmt: skip
    assert (made["Kochen"].latitude, made["Kochen"].longitude) == (52.52, 13.4)
    blank = look(client, "\n\ntitle,remote\nBelow blank lines,yes\n")
    assert [row.line for row in list_rows(blank.id)] == [4]


def test_two_people_with_the_same_file_make_each_need_once(client: CheckingClient, pantry: Organization) -> None:
    one, other = look(client, OWN), look(client, OWN)
    assert counts(one) == counts(other) == {"created": 2}
    take(client, one)
    take(client, other)
    assert counts(other) == {"unchanged": 2}
    assert len(needs()) == 2


@pytest.mark.rule("S1")
def test_a_row_that_would_take_away_places_is_told_before_and_refused(
    client: CheckingClient, pantry: Organization
) -> None:
    take(client, look(client, OWN), publish="y")
    take_place(needs()["Sort food"], 3)
    batch = look(client, OWN.replace(",5,none", ",2,none"))
    assert counts(batch) == {"rejected": 1, "unchanged": 1}
    assert "3 places are taken" in client.get(path(batch)).text


@pytest.mark.rule("N1")
def test_an_organization_that_is_not_verified_brings_drafts(client: CheckingClient, sign_in: SignIn) -> None:
    organization = make_organization(slug="pantry", verified_at=None)
    sign_in(make_member(organization, "owner"))
    batch = look(client, OWN)
    assert "New needs are drafts" in client.get(path(batch)).text
    take(client, batch, publish="y")
    assert {need.status for need in needs().values()} == {"draft"}


@pytest.mark.rule("G1")
def test_what_does_not_state_its_contact_stays_a_draft(client: CheckingClient, pantry: Organization) -> None:
    batch = look(client, "title,description,city,region,flexible\nVisit,Bring time,Newark,NJ,yes\n")
    assert "State the contact of every shift." in client.get(path(batch)).text
    take(client, batch, publish="y")
    assert needs()["Visit"].status == "draft"


@pytest.mark.rule("A1")
def test_rows_of_another_organization_are_left_out(client: CheckingClient, pantry: Organization) -> None:
    batch = look(client, "organization,title,remote\nPantry,Mine,yes\nSomebody Else,Theirs,yes\n")
    assert counts(batch) == {"created": 1, "rejected": 1}
    page = client.get(path(batch)).text
    assert "not about your organization" in page
    assert "One row is about another organization." in page
