"""Needs from CSV: every row is a need, a draft, a closed need or a reject with its reason; twice is once."""

from __future__ import annotations

import collections
import csv
import datetime as dt
import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask

from app.core import commands
from app.core.clock import today
from app.core.db import db, transaction
from app.imports.need_rows import Rejected, parse
from app.needs.models import Item, Need, Position, Shift
from app.organizations.models import Organization, Verification
from app.organizations.queries import find_role
from app.signups.gate import check
from app.signups.models import Signup
from app.signups.operations import sign_up
from tests.factories import make_organization, make_person
from tests.imports import sample


def run(app: Flask, *arguments: str) -> dict[str, Any]:
    """The command's last line, which is its result."""
    db.session.rollback()
    outcome = app.test_cli_runner().invoke(args=["import", *arguments])
    assert outcome.exit_code == 0, outcome.output
    db.session.rollback()
    db.session.expire_all()
    answer: dict[str, Any] = json.loads(outcome.output.strip().splitlines()[-1])
    return answer


def write(tmp_path: Path, name: str, text: str) -> str:
    (tmp_path / name).write_text(text, encoding="utf-8")
    return str(tmp_path / name)


@pytest.fixture
def listings(tmp_path: Path) -> tuple[str, ...]:
    file = write(tmp_path, "listings.csv", sample.LISTINGS)
    mapping = write(tmp_path, "listings.toml", sample.LISTINGS_MAPPING)
    return ("needs", file, "--mapping", mapping, "--create-organizations")


def count(model: type, *where: Any) -> int:
    return db.session.scalar(sa.select(sa.func.count()).select_from(model).where(*where)) or 0


def verified(app: Flask) -> list[str]:
    return commands.verify(app.extensions["checks"])["problems"]  # type: ignore[no-any-return]  # a list of texts


def test_a_town_whose_cell_names_its_region_too_is_shown_with_it_once(app: Flask) -> None:
    for cells, town, region in (
        ({"city": "Newark, NJ"}, "Newark", "NJ"),
        ({"city": "Newark, nj ", "region": ""}, "Newark", "NJ"),
        ({"city": "Newark", "region": "NJ"}, "Newark", "NJ"),
        ({"city": "Newark, Ironbound", "region": "NJ"}, "Newark, Ironbound", "NJ"),
        ({"city": "Ironbound, NJ", "latitude": "40.73", "longitude": "-74.17"}, "Ironbound", "NJ"),
        ({"city": "Nowhere at all, ZZ"}, "Nowhere at all, ZZ", None),
    ):
        found = parse({"title": "Soup", **cells}, shift_days=0, zone="UTC", country="US")
        assert (found.city, found.region) == (town, region), cells


EVERYTHING_WRONG = {
    "title": "", "latitude": "north", "longitude": "200", "starts_at": "soon", "ends_at": "later", "capacity": "many",
    "flexible": "perhaps", "contact": "cats", "causes": "juggling; housing; fire", "skills": "magic", "urgency": "yesterday",
    "address": "x" * 201, "country": "Atlantis", "remote": "maybe", "time_zone": "Mars/Olympus", "ends_on": "never",
    "items": "rice: lots; water: 0; soap",
}  # fmt: skip


def test_a_row_tells_all_of_its_faults_at_once_and_none_that_only_follows_from_another(
    app: Flask, tmp_path: Path
) -> None:
    def faults(cells: dict[str, str]) -> list[str]:
        with pytest.raises(Rejected) as raised:
            parse(cells, shift_days=0, zone="UTC", country="US")
        assert str(raised.value) == "; ".join(map(str, raised.value.faults))
        assert raised.value.column == raised.value.faults[0].column
        return [fault.column for fault in raised.value.faults]

    found = collections.Counter(faults(EVERYTHING_WRONG))
    assert found == collections.Counter([*EVERYTHING_WRONG, "causes", "items"])
    # What one cell gets wrong is not said of others.
    shift = {"title": "Soup", "starts_at": "2031-04-01 10:00", "ends_at": "2031-04-01 12:00", "capacity": "2"}
    assert faults(shift | {"starts_at": "soon"}) == ["starts_at"]
    assert faults(shift | {"ends_at": "later"}) == ["ends_at"]
    assert faults(shift | {"capacity": "many"}) == ["capacity"]
    assert faults(shift | {"ends_at": "2031-04-01 09:00", "capacity": ""}) == ["ends_at", "capacity"]
    assert faults({"title": "Soup", "ends_at": "2031-04-01 09:00", "urgency": "x"}) == ["starts_at", "urgency"]
    assert faults({"title": "Soup", "causes": "a;b;c;d;e;f;g"}) == ["causes"] * 5
    # The file of rejects names them all, with an organization that is missing or that nobody knows.
    make_organization(name="Known Pantry", name_key="known pantry")
    rejects = tmp_path / "rejects.csv"
    text = "title,organization,urgency,remote\n,&nbsp;,soon,maybe\nSoup,Nobody Knows,soon,yes\nSoup,known pantry,soon,yes\n"
    run(app, "needs", write(tmp_path, "needs.csv", text), "--rejects", str(rejects))
    reasons = [row["reason"] for row in csv.DictReader(rejects.read_text().splitlines())]
    assert [[fault.split(":")[0] for fault in reason.split("; ")] for reason in reasons] == [
        ["title", "urgency", "remote", "organization"], ["urgency", "organization"], ["urgency"],
    ]  # fmt: skip


@pytest.mark.rule("N1")
def test_every_row_is_a_need_a_draft_a_closed_need_or_a_reject(
    app: Flask, listings: tuple[str, ...], tmp_path: Path
) -> None:
    rejects = tmp_path / "rejects.csv"
    summary = run(app, *listings, "--verified", "--rejects", str(rejects))
    assert summary == {
        "created": 4, "updated": 0, "unchanged": 0, "rejected": 2, "items": 0, "shifts": 4, "drafts": 1, "closed": 1,
    }  # fmt: skip
    states = dict(db.session.execute(sa.select(Need.external_id, Need.status)).all())
    assert states == {"1": "open", "2": "open", "3": "closed", "6": "draft"}
    reasons = {row["id"]: row["reason"] for row in csv.DictReader(rejects.read_text().splitlines())}
    assert reasons == {"4": "title: Fill this in", "5": "organization: Fill this in"}
    assert "& good company" in db.session.scalars(sa.select(Need.description).where(Need.external_id == "1")).one()
    assert count(Verification) == count(Organization) == 2
    assert verified(app) == []


def test_the_same_file_again_changes_nothing(app: Flask, listings: tuple[str, ...]) -> None:
    run(app, *listings, "--verified")
    before = db.session.execute(sa.select(Need.id, Need.version, Need.updated_at).order_by(Need.id)).all()
    summary = run(app, *listings, "--verified")
    assert (summary["created"], summary["updated"], summary["unchanged"], summary["rejected"]) == (0, 0, 4, 2)
    assert db.session.execute(sa.select(Need.id, Need.version, Need.updated_at).order_by(Need.id)).all() == before


@pytest.mark.rule("N1")
def test_without_the_operators_word_everything_stays_draft(app: Flask, listings: tuple[str, ...]) -> None:
    summary = run(app, *listings)
    assert summary["drafts"] == 3
    assert count(Need, Need.status == "open") == 0
    assert count(Organization, Organization.verified_at.is_not(None)) == 0


@pytest.mark.rule("G1")
def test_an_import_places_nobody_where_contact_is_not_stated(app: Flask, listings: tuple[str, ...]) -> None:
    run(app, *listings, "--verified")
    shift = db.session.scalars(sa.select(Shift).join(Need).where(Need.external_id == "1")).one()
    codes = {reason.code for reason in check(shift, make_person())}
    assert {"contact_not_stated", "organization_unclaimed"} <= codes
    assert count(Signup) == 0


def test_a_dry_run_says_the_same_and_keeps_nothing(app: Flask, listings: tuple[str, ...]) -> None:
    summary = run(app, *listings, "--verified", "--dry-run")
    assert summary["created"] == 4
    assert count(Need) == count(Organization) == 0


def test_free_text_becomes_items_and_roles(app: Flask, tmp_path: Path) -> None:
    file = write(tmp_path, "shelters.csv", sample.SHELTERS)
    mapping = write(tmp_path, "shelters.toml", sample.SHELTERS_MAPPING)
    rejects = tmp_path / "rejects.csv"
    summary = run(
        app, "needs", file, "--mapping", mapping, "--create-organizations", "--verified", "--rejects", str(rejects)
    )
    assert (summary["created"], summary["rejected"], summary["items"], summary["drafts"]) == (2, 1, 4, 1)
    items = {item.name: (item.quantity, item.do_not_bring) for item in db.session.scalars(sa.select(Item))}
    assert items == {
        "towels": (None, False), "socks": (None, False), "blankets": (None, False), "clothes": (None, True),
    }  # fmt: skip
    role = db.session.scalars(sa.select(Position)).one()
    assert role.capacity is None
    assert "north" in rejects.read_text()


def test_times_are_what_clocks_at_the_place_show(app: Flask, tmp_path: Path) -> None:
    organization = make_organization(make_person())
    file = write(tmp_path, "own.csv", sample.OWN)
    summary = run(app, "needs", file, "--organization", organization.slug, "--publish")
    assert (summary["created"], summary["shifts"], summary["items"]) == (2, 2, 3)
    shift = db.session.scalars(sa.select(Shift).join(Need).where(Need.external_id == "a")).one()
    assert shift.starts_at is not None
    assert shift.ends_at is not None
    # On that night clocks in Newark go forward: from 1:30 to 4:30 are two hours, and durations are elapsed time (S7).
    assert (shift.ends_at - shift.starts_at).total_seconds() == 2 * 3600
    item = db.session.scalars(sa.select(Item).where(Item.name == "water")).one()
    assert (item.quantity, item.unit) == (Decimal("2.5"), "case")


def test_a_changed_row_changes_its_need_by_the_rules(app: Flask, tmp_path: Path) -> None:
    organization = make_organization(make_person())
    slug = organization.slug
    file = write(tmp_path, "own.csv", sample.OWN)
    run(app, "needs", file, "--organization", slug, "--publish")
    write(tmp_path, "own.csv", sample.OWN.replace("Sort food", "Sort and pack food").replace(",5,none", ",9,none"))
    summary = run(app, "needs", file, "--organization", slug, "--publish")
    assert (summary["updated"], summary["unchanged"]) == (1, 1)
    need = db.session.scalars(sa.select(Need).where(Need.external_id == "a")).one()
    assert need.title == "Sort and pack food"
    assert need.shifts[0].positions[0].capacity == 9
    again = run(app, "needs", file, "--organization", slug, "--publish")
    assert (again["updated"], again["unchanged"]) == (0, 2)
    assert verified(app) == []


@pytest.mark.rule("S1")
def test_a_row_cannot_take_away_places_that_are_taken(app: Flask, tmp_path: Path) -> None:
    organization = make_organization(make_person())
    slug = organization.slug
    file = write(tmp_path, "own.csv", sample.OWN)
    run(app, "needs", file, "--organization", slug, "--publish")
    shift = db.session.scalars(sa.select(Shift).join(Need).where(Need.external_id == "a")).one()
    person = make_person()
    with transaction():
        sign_up(shift.id, by=person, party_size=3)
    write(tmp_path, "own.csv", sample.OWN.replace(",5,none", ",2,none"))
    summary = run(app, "needs", file, "--organization", slug, "--publish")
    assert (summary["updated"], summary["rejected"]) == (0, 1)
    assert db.session.get_one(Shift, shift.id).positions[0].capacity == 5


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "is empty"),
        ("title,title\na,b\n", "twice"),
        ('title\n"open quote', "cannot be read"),
    ],
)
def test_a_file_that_is_no_csv_is_refused_in_one_line(app: Flask, tmp_path: Path, text: str, message: str) -> None:
    organization = make_organization()
    file = write(tmp_path, "bad.csv", text)
    outcome = app.test_cli_runner().invoke(args=["import", "needs", file, "--organization", organization.slug])
    if message == "cannot be read":
        assert outcome.exit_code in (0, 1)  # an open quote ends with the file: one long cell, or an error
    else:
        assert outcome.exit_code == 1
        assert message in outcome.output
    assert "Traceback" not in outcome.output


def test_bytes_that_are_no_text_are_refused(app: Flask, tmp_path: Path) -> None:
    organization = make_organization()
    (tmp_path / "latin.csv").write_bytes(b"title\ncaf\xe9\n")
    outcome = app.test_cli_runner().invoke(
        args=["import", "needs", str(tmp_path / "latin.csv"), "--organization", organization.slug]
    )
    assert outcome.exit_code == 1
    assert "UTF-8" in outcome.output


def test_separators_byte_order_marks_and_line_ends_do_not_matter(app: Flask, tmp_path: Path) -> None:
    organization = make_organization()
    text = '\ufefftitle;description;remote;flexible\r\nHelp;"one\r\ntwo";yes;yes\r\n'
    (tmp_path / "odd.csv").write_bytes(text.encode())
    summary = run(app, "needs", str(tmp_path / "odd.csv"), "--organization", organization.slug, "--publish")
    assert summary["created"] == 1
    need = db.session.scalars(sa.select(Need)).one()
    assert (need.title, need.description, need.status) == ("Help", "one\ntwo", "open")


@pytest.mark.rule("G4")
def test_supporters_come_in_and_nothing_of_a_child_is_kept(app: Flask, tmp_path: Path) -> None:
    text = (
        "email,name,birth_date,place,skills\n"
        'a@example.org,Ann,1990-01-01,"Newark, NJ",cooking; driving\n'
        "b@example.org,Ben,,,\n"
        "kid@example.org,Kid Surname,2020-01-01,,\n"
        "nobody,No Mail,,,\n"
        "c@example.org,,someday,,juggling fire\n"
    )
    file, rejects = write(tmp_path, "people.csv", text), tmp_path / "rejects.csv"
    summary = run(app, "supporters", file, "--rejects", str(rejects))
    assert summary == {"created": 2, "updated": 0, "unchanged": 0, "rejected": 3}
    assert (
        "birth_date is no ISO date; email and name are required; skills: we do not know juggling fire"
        in rejects.read_text()
    )
    assert "kid@example.org" not in rejects.read_text()
    assert "Surname" not in rejects.read_text()
    assert run(app, "supporters", file) == {"created": 0, "updated": 0, "unchanged": 2, "rejected": 3}


def test_organizations_come_in_unclaimed_or_with_their_owner_and_once(app: Flask, tmp_path: Path) -> None:
    owner, young = make_person(), make_person(birth_date=today("UTC") - dt.timedelta(days=16 * 366))
    typed, suspended = make_person(email_verified_at=None), make_person(status="held")
    text = (
        "name,country,place,time_zone,description,website,causes,owner\n"
        f'Lantern House,US,"Newark, NJ",,Beds for families.,https://lantern.example,housing,{owner.email}\n'
        "Tafel Nord,DE,,Europe/Berlin,,,,\n"
        "Nowhere,US,Zzyzzx Qqq,,,,,\n"
        "Unknown Owner,US,,,,,,nobody@example.org\n"
        f"Young Owner,US,,UTC,,,,{young.email}\n"
        f"Whoever Typed It,US,,UTC,,,,{typed.email}\n"
        f"Suspended,US,,UTC,,,,{suspended.email}\n"
        f"{'n' * 161},US,,UTC,,,,\n"
        f"Long Address,US,,UTC,,https://lantern.example/{'w' * 280},,\n"
        "Odd Cause,US,,,,,juggling,\n"
        "lantern  house,US,,,,,,\n"
        ",US,,,,,juggling,nobody@example.org\n"
    )
    file, rejects = write(tmp_path, "organizations.csv", text), tmp_path / "rejects.csv"
    dry = run(app, "organizations", file, "--dry-run")
    assert dry == {"created": 2, "updated": 0, "unchanged": 1, "rejected": 9}
    assert db.session.scalar(sa.select(sa.func.count()).select_from(Organization)) == 0
    assert run(app, "organizations", file, "--verified", "--rejects", str(rejects)) == dry
    made = {row.name: row for row in db.session.scalars(sa.select(Organization))}
    assert {
        (name, row.claimed_at is None, row.is_public, row.time_zone, row.currency) for name, row in made.items()
    } == {
        ("Lantern House", False, True, "America/New_York", "USD"),
        ("Tafel Nord", True, True, "Europe/Berlin", "EUR"),
    }
    assert find_role(owner, made["Lantern House"].id) == "owner"
    assert made["Lantern House"].causes == ["housing"]
    reasons = [row.split(",")[0] for row in rejects.read_text().splitlines()[1:]]
    assert [reason.split(":")[0] for reason in reasons] == [
        "place", "owner", "owner", "owner", "owner", "name", "website", "causes", "name is required; causes",
    ]  # fmt: skip
    assert "juggling; owner: nobody with this address" in reasons[-1]
    again = run(app, "organizations", file)
    assert again == {"created": 0, "updated": 0, "unchanged": 3, "rejected": 9}
