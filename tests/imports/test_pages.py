"""The pages on which an organization brings a file: from the upload to the way back, as a browser walks them."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

import pytest
import sqlalchemy as sa
from flask import Flask
from werkzeug.test import TestResponse

from app.core.audit import AuditEvent
from app.core.clock import now
from app.core.db import db, transaction
from app.core.ids import decode_id, encode_id
from app.imports import operations
from app.imports.models import ImportBatch, ImportRow
from app.imports.queries import count_outcomes
from app.imports.uploads import MAXIMUM_BYTES, MAXIMUM_ROWS
from app.needs.models import Item, Need, Shift
from app.needs.operations import edit_need, publish_need
from app.organizations.models import Membership, Organization
from app.pledges.operations import pledge
from app.signups.operations import sign_up
from tests.conftest import CheckingClient
from tests.factories import make_member, make_organization, make_person
from tests.imports.sample import OWN
from tests.imports.test_needs import verified

SignIn = Callable[..., CheckingClient]
FILE = """Nr;Titel;Beschreibung;Ort;Bundesland;Beginn;Ende;Personen;Sachspenden
1;Sort food;Bring gloves;Newark;NJ;2031-03-10 18:00;2031-03-10 20:00;5;"rice, beans"
2;Cook;With us;Newark;NJ;tomorrow;;4;
3;;No title;Newark;NJ;;;;soap
4;Just an idea;;Nowhereville;;;;;
"""


@pytest.fixture
def pantry(sign_in: SignIn) -> Organization:
    """An organization whose manager is signed in."""
    organization = make_organization(slug="pantry", name="Pantry", name_key="pantry")
    sign_in(make_member(organization, "manager"))
    return organization


def upload(client: CheckingClient, content: bytes | str, name: str = "needs.csv") -> TestResponse:
    """Send a file as a browser does. (The test client's own way would leave a large one open.)"""
    content = content.encode() if isinstance(content, str) else content
    token = f'--end\r\nContent-Disposition: form-data; name="csrf_token"\r\n\r\n{client.csrf_token()}\r\n'
    file = f'--end\r\nContent-Disposition: form-data; name="file"; filename="{name}"\r\nContent-Type: text/csv\r\n\r\n'
    body = token.encode() + file.encode() + content + b"\r\n--end--\r\n"
    return client.post("/manage/pantry/import", data=body, content_type="multipart/form-data; boundary=end")


def batch_of(response: TestResponse) -> ImportBatch:
    """The batch that an address is about."""
    found = re.search(r"/import/([0-9a-z]{13})", response.location or response.request.path)
    assert found is not None, response.text
    return db.session.get_one(ImportBatch, decode_id(found[1]))


def chosen(page: str) -> dict[str, str]:
    """What the selects of a page have chosen, as a browser sends them."""
    found = {}
    for name, options in re.findall(r'<select[^>]* name="([^"]+)"[^>]*>(.*?)</select>', page, re.DOTALL):
        on = re.search(r'<option selected value="([^"]*)"', options)
        found[name] = on[1] if on else ""
    return found


def look(client: CheckingClient, content: bytes | str, **changes: str) -> ImportBatch:
    """Upload, and take the columns as they are guessed, with changes."""
    sent = upload(client, content)
    assert sent.status_code == 303, sent.text
    columns = client.get(sent.location)
    looked = client.post(sent.location, data={**chosen(columns.text), **changes})
    assert looked.status_code == 303, looked.text
    return batch_of(looked)


def path(batch: ImportBatch, rest: str = "") -> str:
    return f"/manage/pantry/import/{encode_id(batch.id)}{rest}"


def take(client: CheckingClient, batch: ImportBatch, **changes: str) -> ImportBatch:
    assert client.post(path(batch, "/start"), data=changes).status_code == 303
    return db.session.get_one(ImportBatch, batch.id)


def counts(batch: ImportBatch) -> dict[str, int]:
    return count_outcomes([batch.id])[batch.id]


def needs() -> dict[str, Need]:
    """Every need by its title."""
    return {need.title: need for need in db.session.scalars(sa.select(Need))}


def take_place(need: Need, people: int) -> None:
    """Somebody signs up for its first shift."""
    shift_id, person = need.shifts[0].id, make_person()
    with transaction():
        sign_up(shift_id, by=person, party_size=people)


def actions() -> list[str]:
    return list(db.session.scalars(sa.select(AuditEvent.action).order_by(AuditEvent.id)))


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
    batch = look(client, 'title,remote,notes\n,yes,=1+1\nHelp,perhaps,"@cmd, -2"\nFine,yes,-5\n')
    answer = client.get(path(batch, "/rejects.csv"))
    assert answer.headers["Content-Disposition"] == "attachment; filename=rejects.csv"
    text = answer.get_data().decode("utf-8-sig")
    rows = list(csv.DictReader(io.StringIO(text)))
    assert [row["line"] for row in rows] == ["2", "3"]
    assert rows[0]["reason"] == "title: Fill this in"
    assert [row["notes"] for row in rows] == ["'=1+1", "'@cmd, -2"]
    take(client, batch)
    mended = look(client, text.replace(",,yes", ",Named,yes").replace("perhaps", "no"))
    assert mended.header == ["title", "remote", "notes"]
    assert mended.header_key == batch.header_key
    assert counts(mended) == {"created": 2}
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


def test_what_changes_is_told_before_it_does(client: CheckingClient, pantry: Organization) -> None:
    take(client, look(client, OWN), publish="y")
    other = OWN.replace("Sort food", "Pack food").replace("02:30", "03:30").replace(",5,none", ",6,none")
    page = client.get(path(look(client, other.replace("rice: 40", "rice: 50").replace("T01:30", "T00:30")))).text
    told = re.search(r"<td>(Title[^<]*)</td>", page)
    assert told is not None
    assert told[1].split(" · ") == [
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
    assert [row.column for row in rows[2:]] == ["from_time", "from_time"]
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
    assert "not about your organization" in client.get(path(batch)).text


def test_a_row_twice_is_told_also_when_it_is_steps_away(
    client: CheckingClient, pantry: Organization, work_off: Callable[[], dict[str, int]]
) -> None:
    rows = "".join(f"{n},Help {n},yes\n" for n in range(operations.STEP * 2 + 5))
    batch = look(client, f"id,title,remote\n{rows}0,Help again,yes\n")
    page = client.get(path(batch))
    assert "50 of 106 rows" in page.text
    assert client.post(path(batch, "/go-on")).status_code == 303
    assert "100 of 106 rows" in client.get(path(batch)).text
    work_off()
    assert counts(batch) == {"created": 105, "rejected": 1}
    assert "The file has this row twice" in client.get(path(batch)).text
    take(client, batch)
    assert len(needs()) == 50
    assert "50 of 106 rows" in client.get(path(batch)).text
    assert client.post(path(batch, "/start")).status_code == 303
    work_off()
    assert len(needs()) == 105
    assert counts(batch) == {"created": 105, "rejected": 1}
    assert work_off()["left"] == 0
    assert client.post(path(batch, "/undo")).status_code == 303
    assert "50 of 106 rows" in client.get(path(batch)).text
    work_off()
    assert needs() == {}
    assert "Drafts removed" in client.get(path(batch)).text


def test_an_import_is_taken_back(app: Flask, client: CheckingClient, pantry: Organization) -> None:
    batch = take(client, look(client, OWN), publish="y")
    assert {need.status for need in needs().values()} == {"open"}
    told = client.get(path(batch, "/undo")).text
    assert "2 new needs that are open" in told
    assert client.post(path(batch, "/undo")).status_code == 303
    assert {need.status for need in needs().values()} == {"closed"}
    assert "Needs closed" in client.get(path(batch)).text
    assert {"import.undo_started", "import.undone", "need.closed"} <= set(actions())
    # The file may come again: what was closed is no hindrance.
    again = look(client, OWN)
    assert counts(again) == {"created": 2}
    take(client, again)
    assert client.post(path(again, "/undo")).status_code == 303
    assert sorted(need.status for need in needs().values()) == ["closed", "closed"]
    assert client.post(path(again, "/undo")).status_code == 303
    assert verified(app) == []


def test_what_people_promised_and_what_staff_touched_is_kept_and_said(
    client: CheckingClient, pantry: Organization
) -> None:
    text = "external_id,title,description,remote,flexible,contact,items\n" + "".join(
        f"{n},Need {n},Why,yes,yes,none,rice: 5 bag\n" for n in range(5)
    )
    batch = take(client, look(client, text), publish="y")
    made = needs()
    take_place(made["Need 0"], 1)
    supporter = make_person()
    with transaction():
        pledge(made["Need 1"].items[0].id, by=supporter, quantity=Decimal(2))
        edit_need(made["Need 2"].id, by=None, title="Need 2, better")
    page = client.get(path(batch, "/undo")).text
    assert "3 needs are kept as they are" in page
    assert page.count("People have promised something here.") == 2
    assert page.count("Somebody changed it since.") == 1
    client.post(path(batch, "/undo"))
    assert {title: need.status for title, need in needs().items()} == {
        "Need 0": "open", "Need 1": "open", "Need 2, better": "open", "Need 3": "closed", "Need 4": "closed",
    }  # fmt: skip
    assert "Somebody changed it since." in client.get(path(batch)).text


FIRST = """external_id,title,description,causes,city,region,starts_at,ends_at,capacity,contact,items,urgency,address
a,Sort food,Bring gloves,,Newark,NJ,2031-03-09T10:30,2031-03-09T12:30,5,none,rice: 40 bag; beans,high,1 Main Street
b,Cook,With us,,Newark,NJ,2031-03-10T18:00,2031-03-10T20:00,4,children,,normal,
c,Idea,,,,,,,,,soap,,
"""


def test_what_was_changed_goes_back_to_what_it_was(app: Flask, client: CheckingClient, pantry: Organization) -> None:
    first = take(client, look(client, FIRST), publish="y")
    take_place(needs()["Sort food"], 2)
    before = {title: facts(need) for title, need in needs().items()}
    other = FIRST.replace("Sort food", "Pack").replace(
        "2031-03-09T10:30,2031-03-09T12:30,5", "2031-04-09T10:30,2031-04-09T12:30,9"
    )
    other = other.replace("rice: 40 bag; beans", "rice: 60 bag; oats: 3 box").replace(
        "b,Cook,With us,,Newark", "b,Cook,With us,,Trenton"
    )
    other = other.replace(
        "c,Idea,,,,,,,,,soap,,",
        "c,Idea,Now with a time,,Newark,NJ,2031-05-09T10:30,2031-05-09T12:30,2,none,soap: 5 bar,,",
    )
    second = look(client, other)
    assert counts(second) == {"updated": 3}
    take(client, second)
    assert needs()["Pack"].shifts[0].positions[0].capacity == 9
    told = client.get(path(second, "/undo")).text
    assert "3 needs that the file changed go back" in told
    client.post(path(second, "/undo"))
    assert {title: facts(need) for title, need in needs().items()} == before
    # Then the first can be taken back too: nobody touched what it made, but somebody has a place.
    page = client.get(path(first, "/undo")).text
    assert "One need is kept as it is" in page
    assert "Somebody changed it since." not in page
    assert verified(app) == []


def facts(need: Need) -> tuple[object, ...]:
    """Everything a row can say of a need."""
    place = (
        need.address,
        need.city,
        need.region,
        need.postal_code,
        need.latitude,
        need.longitude,
        need.precision,
        need.time_zone,
    )
    shifts = [
        (one.id, one.starts_at, one.ends_at, one.contact, [p.capacity for p in one.positions])
        for one in need.shifts
        if one.status != "cancelled"
    ]
    items = [(item.id, item.name, item.unit, item.quantity) for item in need.items]
    return (need.id, need.status, need.title, need.description, need.urgency, place, shifts, items, need.import_digest)


@pytest.mark.rule("S1")
def test_what_cannot_go_back_is_kept_and_said(client: CheckingClient, pantry: Organization) -> None:
    take(client, look(client, OWN), publish="y")
    batch = take(client, look(client, OWN.replace(",5,none", ",9,none")))
    take_place(needs()["Sort food"], 7)
    client.post(path(batch, "/undo"))
    assert db.session.get_one(Shift, needs()["Sort food"].shifts[0].id).positions[0].capacity == 9
    assert "7 places are taken" in client.get(path(batch)).text


def test_a_draft_that_staff_published_is_theirs(client: CheckingClient, pantry: Organization) -> None:
    batch = take(client, look(client, OWN))
    with transaction():
        publish_need(needs()["Cook"].id, by=None)
    client.post(path(batch, "/undo"))
    assert {title: need.status for title, need in needs().items()} == {"Cook": "open"}
    assert db.session.scalar(sa.select(sa.func.count()).select_from(Item)) == 0


def test_a_file_that_was_not_imported_can_be_forgotten(client: CheckingClient, pantry: Organization) -> None:
    batch = look(client, OWN)
    address = path(batch)
    assert client.post(f"{address}/discard").status_code == 303
    assert client.get(address).status_code == 404
    assert "import.discarded" in actions()
    taken = take(client, look(client, OWN))
    assert client.post(path(taken, "/discard")).status_code == 303
    assert len(needs()) == 2


def test_verify_finds_a_batch_whose_rows_do_not_add_up(
    app: Flask, client: CheckingClient, pantry: Organization
) -> None:
    batch = take(client, look(client, OWN))
    assert verified(app) == []
    with transaction():
        row = db.session.scalars(sa.select(ImportRow).where(ImportRow.batch_id == batch.id)).first()
        assert row is not None
        row.stage = "waiting"
    assert verified(app) == [f"import {batch.id} is done, but not each of its rows"]
    with transaction():
        db.session.execute(sa.delete(ImportRow).where(ImportRow.stage == "waiting"))
    assert verified(app) == [f"import {batch.id}: 1 rows of 2"]


@pytest.mark.rule("A1")
def test_nothing_goes_on_for_somebody_who_may_no_longer(
    client: CheckingClient, sign_in: SignIn, pantry: Organization, work_off: Callable[[], dict[str, int]]
) -> None:
    rows = "".join(f"{n},Help {n},yes\n" for n in range(operations.STEP * 2))
    batch = look(client, f"id,title,remote\n{rows}")
    work_off()
    manager = take(client, batch).by_id
    with transaction():
        db.session.execute(sa.delete(Membership).where(Membership.person_id == manager))
    assert work_off()["left"] == 0
    assert len(needs()) == operations.STEP
    sign_in(make_member(pantry, "manager"))
    client.post(path(batch, "/go-on"))
    assert len(needs()) == operations.STEP * 2
    assert db.session.get_one(ImportBatch, batch.id).by_id != manager


@pytest.mark.rule("A2")
def test_what_a_file_said_is_forgotten_after_thirty_days(
    client: CheckingClient, pantry: Organization, work_off: Callable[[], dict[str, int]]
) -> None:
    taken = take(client, look(client, FILE))
    left = path(look(client, FILE.replace("Sort food", "Never imported")))
    fresh = look(client, FILE.replace("Sort food", "Today"))
    with transaction():
        db.session.execute(
            sa.update(ImportBatch).where(ImportBatch.id != fresh.id).values(made_at=now() - operations.KEPT_FOR * 2)
        )
    work_off()
    assert client.get(left).status_code == 404
    rows = db.session.scalars(sa.select(ImportRow).where(ImportRow.batch_id == taken.id)).all()
    assert {repr(row.cells) for row in rows} == {"{}"}
    assert counts(taken) == {"created": 2, "rejected": 2}
    page = client.get(path(taken)).text
    assert "can no longer be taken back" in page
    assert client.post(path(taken, "/undo")).status_code == 303
    assert len(needs()) == 2
    assert "tomorrow" not in client.get(path(taken, "/rejects.csv")).text
    assert client.get(path(taken, "/rows/3")).status_code == 303
    assert "Today" in client.get(path(fresh)).text
    # The columns are still known.
    assert "as you had them the last time" in client.get(upload(client, FILE).location).text


def test_the_real_shelters_come_in_by_page(
    app: Flask, client: CheckingClient, pantry: Organization, real_data: Path, work_off: Callable[[], dict[str, int]]
) -> None:
    content = (real_data / "harvey_shelter_needs.csv").read_bytes()
    sent = upload(client, content)
    guessed = {name: ours for name, ours in chosen(client.get(sent.location).text).items() if ours}
    assert {"title", "city", "region", "latitude", "longitude", "items_text", "volunteers_text"} <= {
        *guessed.values(), *("title" if ours == "site" else ours for ours in guessed.values()),
    }  # fmt: skip
    client.post(sent.location, data={**guessed, "contact": "none"})
    work_off()
    batch = batch_of(sent)
    rows = sum(1 for _row in csv.reader(io.StringIO(content.decode()))) - 1
    assert (batch.status, sum(counts(batch).values())) == ("ready", rows)
    assert counts(batch).get("rejected", 0) <= rows // 100
    take(client, batch, publish="y")
    work_off()
    assert len(db.session.scalars(sa.select(Need.id)).all()) == counts(batch)["created"]
    client.post(path(batch, "/undo"))
    work_off()
    assert db.session.scalar(sa.select(sa.func.count()).select_from(Need).where(Need.status != "closed")) == 0
    assert verified(app) == []


def test_the_real_listings_come_in_by_page(
    client: CheckingClient, pantry: Organization, real_data: Path, work_off: Callable[[], dict[str, int]]
) -> None:
    with (real_data / "nyc_volunteer_opportunities.csv").open(encoding="utf-8", newline="") as source:
        rows = list(csv.reader(source))[:701]
    text = io.StringIO()
    csv.writer(text).writerows(rows)
    sent = upload(client, text.getvalue())
    said = chosen(client.get(sent.location).text)
    # Nothing of it is Pantry's: whoever brings it says that the organization's name does not count.
    said = {name: "" if ours == "organization" else ours for name, ours in said.items()}
    client.post(sent.location, data={**said, "flexible": "y", "contact": "none"})
    work_off()
    batch = batch_of(sent)
    assert (batch.status, sum(counts(batch).values())) == ("ready", 700)
    assert counts(batch)["created"] >= 690
    assert client.get(path(batch)).status_code == 200
