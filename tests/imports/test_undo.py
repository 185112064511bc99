"""What is long goes on by itself, and what was imported can be taken back: all of it that is nobody else's by now."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

import pytest
import sqlalchemy as sa
from flask import Flask

from app.core.clock import now
from app.core.db import db, transaction
from app.imports import operations
from app.imports.models import ImportBatch, ImportRow
from app.needs.models import Item, Need, NeedAssignment, PrivateAddress, Shift
from app.needs.operations import assign_need, edit_need, publish_need
from app.organizations.models import Membership, Organization
from app.pledges.operations import pledge
from tests.conftest import CheckingClient
from tests.factories import allow_contact, make_member, make_person
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
    allow_contact(pantry)
    batch = take(client, look(client, OWN), publish="y")
    assert {need.status for need in needs().values()} == {"open"}
    told = client.get(path(batch, "/undo")).text
    assert "2 new needs that are open" in told
    assert client.post(path(batch, "/undo")).status_code == 303
    assert {need.status for need in needs().values()} == {"closed"}
    assert "Needs closed" in client.get(path(batch)).text
    assert {"import.undo_started", "import.undone", "need.closed"} <= set(actions())
    told = client.get("/manage/pantry/activity").text
    assert "imported needs from a file" in told
    assert "took an import back" in told
    # The file may come again: what was closed is no hindrance.
    again = look(client, OWN)
    assert counts(again) == {"created": 2}
    take(client, again)
    assert client.post(path(again, "/undo")).status_code == 303
    assert sorted(need.status for need in needs().values()) == ["closed", "closed"]
    assert client.post(path(again, "/undo")).status_code == 303
    assert verified(app) == []


@pytest.mark.rule("N6")
def test_the_street_of_a_need_with_contact_comes_in_as_private(
    app: Flask, client: CheckingClient, pantry: Organization
) -> None:
    allow_contact(pantry)
    head = "external_id,title,address,city,region,postal_code,starts_at,ends_at,capacity,contact\n"
    times = "2031-03-10T18:00,2031-03-10T20:00,4"
    street = f"19 Zebrafinch Row,Newark,NJ,07102,{times}"
    rows = (
        f"kids,Read aloud,{street},children\nfood,Sort food,{street},none\n"
        f"town,Sing,,Newark,NJ,,{times},children\nstay,Cook,{street},adults_at_risk\n"
    )
    batch = look(client, head + rows)
    assert client.get(path(batch)).text.count("The street is private: only confirmed people see it") == 2
    take(client, batch, publish="y")

    def doors() -> dict[str, tuple[bool, str | None]]:
        """Of each need: whether its street is private, and what the public reads of it."""
        db.session.rollback()
        db.session.expire_all()
        return {title: (need.private_address, need.address) for title, need in needs().items()}

    private, public = (True, None), (False, "19 Zebrafinch Row")
    assert doors() == {"Read aloud": private, "Sort food": public, "Sing": (False, None), "Cook": private}
    made = needs()
    exact = db.session.get_one(PrivateAddress, made["Read aloud"].id)
    assert (exact.address, exact.postal_code) == ("19 Zebrafinch Row", "07102")
    assert made["Read aloud"].latitude == round(exact.latitude or 0, 2)
    # Who turns it into work with children makes it private; what staff made public stays so; a street that comes is private.
    with transaction():
        edit_need(made["Cook"].id, by=None, private_address=False)
    later = rows.replace("NJ,07102,2031-03-10T18:00,2031-03-10T20:00,4,none", f"NJ,07102,{times},children")
    later = later.replace("Cook", "Cook soup").replace("town,Sing,,", "town,Sing,7 Heron Lane,")
    changed = take(client, look(client, head + later))
    assert counts(changed) == {"updated": 3, "unchanged": 1}
    assert doors() == {"Read aloud": private, "Sort food": private, "Sing": private, "Cook soup": public}
    assert verified(app) == []
    client.post(path(changed, "/undo"))
    assert doors() == {"Read aloud": private, "Sort food": public, "Sing": (False, None), "Cook": public}
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


def test_a_time_that_came_with_a_change_and_that_somebody_took_stays(
    client: CheckingClient, pantry: Organization
) -> None:
    text = "external_id,title,description,city,region,starts_at,ends_at,capacity,contact,items\na,Idea,Why,Newark,NJ,,,,,soap\n"
    take(client, look(client, text), publish="y")
    timed = text.replace(",,,,,soap", ",2031-05-09T10:30,2031-05-09T12:30,2,none,soap")
    batch = take(client, look(client, timed))
    take_place(needs()["Idea"], 1)
    client.post(path(batch, "/undo"))
    assert len(needs()["Idea"].shifts) == 1
    assert "People have promised something here." in client.get(path(batch)).text
    alone = take(
        client, look(client, text.replace("a,Idea", "b,Other") + timed.splitlines()[1].replace("a,Idea", "c,Third"))
    )
    changed = take(client, look(client, timed.replace("a,Idea", "b,Other")))
    assert len(needs()["Other"].shifts) == 1
    client.post(path(changed, "/undo"))
    assert needs()["Other"].shifts == []
    client.post(path(alone, "/undo"))
    assert set(needs()) == {"Idea"}


@pytest.mark.rule("S1")
def test_what_cannot_go_back_is_kept_and_said(client: CheckingClient, pantry: Organization) -> None:
    take(client, look(client, OWN), publish="y")
    batch = take(client, look(client, OWN.replace(",5,none", ",9,none")))
    take_place(needs()["Sort food"], 7)
    client.post(path(batch, "/undo"))
    assert db.session.get_one(Shift, needs()["Sort food"].shifts[0].id).positions[0].capacity == 9
    assert "7 places are taken" in client.get(path(batch)).text


def test_a_draft_that_staff_published_is_theirs(client: CheckingClient, pantry: Organization) -> None:
    allow_contact(pantry)
    batch = take(client, look(client, OWN))
    with transaction():
        publish_need(needs()["Cook"].id, by=None)
    coordinator, staff = make_member(pantry, "coordinator", all_needs=False), make_person()
    for _title, need in sorted(needs().items()):  # what was assigned meanwhile goes with the draft
        with transaction():
            assign_need(need.id, coordinator.id, by=staff)
    client.post(path(batch, "/undo"))
    assert {title: need.status for title, need in needs().items()} == {"Cook": "open"}
    assert db.session.scalar(sa.select(sa.func.count()).select_from(Item)) == 0
    assert db.session.scalars(sa.select(NeedAssignment.need_id)).all() == [needs()["Cook"].id]
    assert "need.coordinator_removed" in actions()


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


def test_of_files_that_nobody_imports_the_latest_are_kept(client: CheckingClient, pantry: Organization) -> None:
    taken = take(client, look(client, OWN))
    for _number in range(operations.MOST_WAITING + 3):
        upload(client, OWN)
    statuses = list(db.session.scalars(sa.select(ImportBatch.status)))
    assert statuses.count("uploaded") == operations.MOST_WAITING
    assert db.session.get_one(ImportBatch, taken.id).status == "done"


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
