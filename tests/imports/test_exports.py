"""CSV out: what is exported comes back unchanged, runs in no spreadsheet, and names nobody who is not to be named."""

from __future__ import annotations

import csv
import datetime as dt
import decimal
import html
import io
import json
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask

from app.accounts.models import Person
from app.core.audit import AuditEvent
from app.core.clock import now, today
from app.core.db import db, transaction
from app.core.ids import encode_id
from app.core.money import Money
from app.donations.models import Donation
from app.donations.operations.giving import start_donation
from app.donations.receipt_models import GiftAidDeclaration
from app.imports import exports
from app.imports.files import as_typed, harmless
from app.imports.need_rows import COLUMNS
from app.needs.models import Item, Need, Position, PrivateAddress, Shift
from app.organizations.models import Organization
from app.pledges.operations import pledge
from app.safeguarding.models import Clearance
from app.signups.models import Signup
from app.signups.operations import sign_up
from tests.conftest import CheckingClient
from tests.factories import (
    allow_contact,
    make_clearance,
    make_fundraiser,
    make_guardian,
    make_item,
    make_member,
    make_need,
    make_organization,
    make_person,
    make_shift,
    pay,
)
from tests.imports import sample

SignIn = Callable[..., CheckingClient]
DAY = dt.timedelta(days=1)


@pytest.fixture
def pantry(app: Flask) -> Organization:
    return make_organization(make_person(), slug="pantry", name="Pantry", name_key="pantry")


def run(app: Flask, *arguments: str) -> Any:
    """The command's result. What it read from the session before is forgotten."""
    db.session.rollback()
    db.session.remove()
    return app.test_cli_runner().invoke(args=[*arguments])


def told(app: Flask, *arguments: str) -> dict[str, Any]:
    result = run(app, *arguments)
    assert result.exit_code == 0, result.output
    found: dict[str, Any] = json.loads(result.stdout.splitlines()[-1])
    return found


def rows_of(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text)))


def exported(name: str, organization: Organization | None = None, *, names: bool = False) -> list[dict[str, str]]:
    db.session.rollback()
    return rows_of("".join(exports.lines(name, None if organization is None else organization.id, names=names)))


def everything(organization: Organization, other: Organization) -> None:
    """Needs of every kind: by hand and imported, with formulas and separators, private, closed, with several of everything."""
    plain = make_need(
        organization, title="=SUM(A1)", description="First line\n\n@second; \"third\"", causes=["food"],
        skills=["driving"], urgency="high", external_id="their 7", postal_code="07102", address="1 Broad St",
        ends_on=today("UTC") + 30 * DAY,
    )  # fmt: skip
    make_shift(plain, capacity=4, contact="none")
    several = make_need(organization, title="Several &amp; more", remote=True)
    for days in (3, 5):
        make_shift(several, days=days, capacity=2, contact="children")
    role = make_need(organization, title="'quoted", city="Zürich", country="CH", time_zone="Europe/Zurich")
    make_shift(role, flexible=True, starts_at=None, ends_at=None, capacity=None, due_on=today("UTC") + 20 * DAY)
    private = make_need(other, title="-1+1", private_address=True, latitude=40.73, longitude=-74.16)
    make_need(other, title="Closed", status="closed", closed_at=now())
    draft = make_need(
        other, title="Draft", status="draft", latitude=None, longitude=None, city=None, region=None, postal_code=None
    )
    for name, values in (
        ("Rice; white: long", {"unit": "bag: 5", "quantity": decimal.Decimal("40.500")}),
        ("+Water", {"quantity": None, "unit": "case"}),
        ("Old clothes", {"do_not_bring": True, "quantity": None}),
        ("Nothing of", {"quantity": decimal.Decimal(0)}),
    ):
        make_item(private, name=name, **values)
    shift = make_shift(draft, days=400, capacity=1, contact="none")
    with transaction():
        db.session.add(PrivateAddress(need_id=private.id, address="7 Quixote Row", postal_code="07199-4711"))
        db.session.add(Position(shift_id=shift.id, name="Cook", capacity=3, sort=1))


# --- needs ----------------------------------------------------------------------------------------------------------


@pytest.mark.rule("N6")
def test_needs_come_back_unchanged_whoever_made_them(app: Flask, pantry: Organization, tmp_path: Path) -> None:
    twin = make_organization(name="Pantry", name_key="pantry", slug="pantry-2")
    everything(pantry, twin)
    file = tmp_path / "needs.csv"
    assert told(app, "export", "needs", str(file)) == {"rows": 6}
    text = file.read_text(encoding="utf-8")
    assert "Quixote" not in text
    assert "4711" not in text
    rows = rows_of(text)
    assert tuple(rows[0]) == COLUMNS
    assert {row["organization"] for row in rows} == {"pantry", "pantry-2"}, "a name that two have means none"
    before = _state()
    summary = told(app, "import", "needs", str(file))
    assert summary | {"items": 0, "shifts": 0} == {
        "created": 0, "updated": 0, "unchanged": 6, "rejected": 0, "items": 0, "shifts": 0, "drafts": 0, "closed": 0,
    }  # fmt: skip
    assert _state() == before


def _state() -> list[Any]:
    db.session.rollback()
    tables = (Need, Shift, Position, Item, PrivateAddress)
    return [sorted(map(str, db.session.execute(sa.select(table.__table__)).all())) for table in tables]


def test_a_cell_changed_in_between_changes_that_and_nothing_else(
    app: Flask, pantry: Organization, tmp_path: Path
) -> None:
    everything(pantry, pantry)
    file = tmp_path / "needs.csv"
    told(app, "export", "needs", str(file), "--organization", "pantry")
    rows = rows_of(file.read_text(encoding="utf-8"))
    for row in rows:
        if row["title"] in ("'-1+1", "Draft", "'=SUM(A1)", "Several &amp; more"):
            row["urgency"] = "critical"
    with file.open("w", encoding="utf-8", newline="") as target:
        writer = csv.DictWriter(target, COLUMNS)
        writer.writeheader()
        writer.writerows(rows)
    before = _state()
    summary = told(app, "import", "needs", str(file), "--organization", "pantry")
    assert (summary["created"], summary["updated"], summary["unchanged"], summary["items"]) == (0, 4, 2, 0)
    after = _state()
    assert after[1:] == before[1:], "no shift, task, item or private street is touched"
    assert sorted(db.session.scalars(sa.select(Need.urgency))) == ["critical"] * 4 + ["normal"] * 2
    titles = set(db.session.scalars(sa.select(Need.title)))
    assert titles >= {"=SUM(A1)", "-1+1", "'quoted"}
    assert told(app, "import", "needs", str(file), "--organization", "pantry")["unchanged"] == 6


def test_what_came_in_goes_out_and_comes_back(app: Flask, tmp_path: Path) -> None:
    for name, text, mapping in (
        ("listings", sample.LISTINGS, sample.LISTINGS_MAPPING),
        ("shelters", sample.SHELTERS, sample.SHELTERS_MAPPING),
    ):
        (tmp_path / f"{name}.csv").write_text(text, encoding="utf-8")
        (tmp_path / f"{name}.toml").write_text(mapping, encoding="utf-8")
        told(
            app, "import", "needs", str(tmp_path / f"{name}.csv"), "--mapping", str(tmp_path / f"{name}.toml"),
            "--create-organizations",
        )  # fmt: skip
    rows = told(app, "export", "needs", str(tmp_path / "out.csv"))["rows"]
    assert rows == db.session.scalar(sa.select(sa.func.count()).select_from(Need)) > 5
    summary = told(app, "import", "needs", str(tmp_path / "out.csv"))
    assert (summary["unchanged"], summary["rejected"]) == (rows, 0)


def test_elsewhere_the_same_needs_come_of_it(app: Flask, pantry: Organization, tmp_path: Path) -> None:
    everything(pantry, pantry)
    make_organization(slug="elsewhere", name="Elsewhere", name_key="elsewhere")
    first, second = tmp_path / "first.csv", tmp_path / "second.csv"
    told(app, "export", "needs", str(first), "--organization", "pantry")
    summary = told(app, "import", "needs", str(first), "--organization", "elsewhere")
    assert (summary["created"], summary["rejected"]) == (6, 0)
    told(app, "export", "needs", str(second), "--organization", "elsewhere")

    def said(file: Path) -> list[list[tuple[str, str]]]:
        rows = rows_of(file.read_text(encoding="utf-8"))
        return sorted(
            [[(name, html.unescape(row[name])) for name in COLUMNS if name != "organization"] for row in rows]
        )

    assert said(second) == said(first)


def test_somebody_elses_need_is_not_changed_by_its_id(app: Flask, pantry: Organization, tmp_path: Path) -> None:
    theirs = make_need(make_organization(), title="Theirs")
    file = tmp_path / "needs.csv"
    file.write_text(f"external_id,title\n{encode_id(theirs.id)},Mine now\n", encoding="utf-8")
    assert told(app, "import", "needs", str(file), "--organization", "pantry")["created"] == 1
    db.session.expire_all()
    assert db.session.get_one(Need, theirs.id).title == "Theirs"


def test_a_download_of_the_page_is_taken_by_the_page(
    app: Flask, pantry: Organization, client: CheckingClient, sign_in: SignIn
) -> None:
    everything(pantry, pantry)
    sign_in(make_member(pantry, "manager"))
    sent = client.post("/manage/pantry/export/needs.csv")
    assert sent.data.startswith(b"\xef\xbb\xbf"), "spreadsheets know that it is UTF-8"
    up = client.post("/manage/pantry/import", data={"file": (io.BytesIO(sent.data), "needs.csv")})
    assert up.status_code == 303, up.text
    columns = client.get(up.headers["Location"]).text
    assert "Street and number" in columns


# --- people ---------------------------------------------------------------------------------------------------------


@pytest.mark.rule("G6")
@pytest.mark.rule("N6")
def test_places_and_pledges_name_those_of_age_and_tell_nothing_of_clearances(pantry: Organization) -> None:
    allow_contact(pantry)
    need = make_need(pantry, title="Read with children", private_address=True)
    with transaction():
        db.session.add(PrivateAddress(need_id=need.id, address="7 Quixote Row"))
    shift, item = make_shift(need, contact="children", capacity=9), make_item(need, name="Books", unit="box")
    other = make_organization()
    plain = make_shift(make_need(pantry), flexible=True, starts_at=None, ends_at=None, capacity=None)
    adult = make_person(name="Ada Adult", birth_date=dt.date(1980, 5, 17))
    young = make_person(name="Yara Young", birth_date=today("UTC") - 16 * 366 * DAY)
    unknown = make_person(name="Uma Unknown", birth_date=None)
    make_guardian(young)
    make_clearance(adult, pantry, issuer="State Police", reference="NJ-4711")
    elsewhere = make_shift(make_need(other), days=20)
    with transaction():
        sign_up(shift.id, by=adult, note="Telephone: 555 0100")
        for person in (young, unknown):
            sign_up(plain.id, by=person)
        sign_up(elsewhere.id, by=adult)
        pledge(item.id, by=adult, quantity=decimal.Decimal("2.500"))
        pledge(item.id, by=young, quantity=decimal.Decimal(1))
    signups, pledges = exported("signups", pantry), exported("pledges", pantry)
    assert [row["name"] for row in signups] == ["Ada Adult", "", ""]
    assert [row["person_id"] for row in signups] == [encode_id(person.id) for person in (adult, young, unknown)]
    assert [row["name"] for row in pledges] == ["Ada Adult", ""]
    assert (pledges[0]["quantity"], pledges[0]["unit"], pledges[0]["status"]) == ("2.5", "box", "reserved")
    assert (signups[0]["status"], signups[0]["party_size"], signups[0]["hours_approved"]) == ("confirmed", "1", "no")
    assert signups[0]["starts_at"].endswith("Z")
    text = "".join((*exports.lines("signups", None, names=True), *exports.lines("pledges", None, names=True)))
    for secret in ("Quixote", "State Police", "4711", "fitness", "Yara", "Uma", "555 0100", "@example.org", "1980"):
        assert secret not in text
    assert len(exported("signups")) == len(signups) + 1, "of all, everybody's"
    with transaction():
        db.session.execute(sa.update(Clearance).values(revoked_at=now()))
    assert [row["status"] for row in exported("signups", pantry)] == ["cancelled", "confirmed", "confirmed"]


@pytest.mark.rule("F9")
@pytest.mark.rule("F1")
def test_anonymous_donors_are_named_to_their_own_organization_alone(pantry: Organization) -> None:
    page = make_fundraiser(pantry)
    young = make_person(birth_date=today("UTC") - 16 * 366 * DAY)
    with transaction():
        for name, by, changes in (
            ("Dee Donor", None, {"anonymous": False}),
            ("Ann Onymous", None, {"anonymous": True}),
            ("Yara Young", young, {"anonymous": False}),
            ("Never Paid", None, {"status": "pending"}),
        ):
            gift = start_donation(
                page.id,
                amount=Money(2550, "USD"),
                name=name,
                email=f"{name[:3].lower()}@example.org",
                mode="demo",
                by=by,
            )
            gift.status, gift.paid_at, gift.message = "paid", now(), f"From {name}"
            for field, value in changes.items():
                setattr(gift, field, value)
    ours, all_of_them = exported("donations", pantry, names=True), exported("donations")
    assert [row["name"] for row in ours] == ["Dee Donor", "Ann Onymous", ""]
    assert [row["name"] for row in all_of_them] == ["Dee Donor", "", ""]
    assert [row["email"] for row in all_of_them] == ["dee@example.org", "", ""]
    assert [row["message"] for row in all_of_them] == ["From Dee Donor", "", ""]
    assert {(row["amount"], row["currency"], row["settled"]) for row in ours} == {("25.50", "USD", "0.00")}
    assert exported("donations", make_organization(), names=True) == []
    assert db.session.scalar(sa.select(sa.func.count()).select_from(Donation)) == 4


# --- how it is written ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text", ["=1+1", "+1 555 0100", "-1+1", "@x", "\tx", "\rx", "\nx", "＝1", "'=1", "-5", "plain", ""]
)
def test_a_cell_runs_in_no_spreadsheet_and_is_read_as_it_was(text: str) -> None:
    cell = harmless(text)
    assert not cell.startswith(("=", "+", "@", "\t", "\r", "\n", "＝")) or cell == text == "-5"
    if text != "'=1":  # an apostrophe before a formula is ours when it is read
        assert as_typed(cell) == text


def test_every_text_that_somebody_typed_is_harmless_in_every_export(pantry: Organization) -> None:
    evil = '=HYPERLINK("http://evil.example.org")'
    need = make_need(pantry, title=evil, city=evil)
    item, shift = make_item(need, name=evil, unit="@unit"), make_shift(need, capacity=3)
    page = make_fundraiser(pantry, title=evil)
    person = make_person(name=evil, birth_date=dt.date(1980, 5, 17))
    with transaction():
        db.session.get_one(Organization, pantry.id).name = evil
        sign_up(shift.id, by=person)
        pledge(item.id, by=person, quantity=decimal.Decimal(1))
        gift = start_donation(page.id, amount=Money(100, "USD"), name=evil, email="d@example.org", mode="demo", by=None)
        gift.message, gift.mode = evil, "test"
        pay(gift)
        who = {"first_name": evil, "last_name": evil, "address": evil, "postal_code": "E8 3RE"}
        db.session.add(GiftAidDeclaration(donation_id=gift.id, text_version="x", declared_at=now(), **who))
    for name in exports.EXPORTS:
        rows = exported(name, names=True)
        assert len(rows) == (2 if name == "journal" else 1)  # a gift is a debit and a credit
        for cells in (list(row.values()) for row in rows):
            assert sum(evil in cell for cell in cells) >= (1 if name == "journal" else 2), name
            assert not any(cell.startswith(("=", "+", "@")) for cell in cells), name


def test_nothing_is_written_over_or_left_half(app: Flask, pantry: Organization, tmp_path: Path) -> None:
    make_need(pantry)
    file = tmp_path / "needs.csv"
    file.write_text("mine", encoding="utf-8")
    refused = run(app, "export", "needs", str(file))
    assert refused.exit_code == 1
    assert refused.stderr.strip() == "Error: needs.csv is there already; write over it with --force"
    assert file.read_text(encoding="utf-8") == "mine"
    assert told(app, "export", "needs", str(file), "--force") == {"rows": 1}
    assert list(tmp_path.iterdir()) == [file], "nothing beside it"
    other = tmp_path / "places.csv"
    assert told(app, "export", "signups", str(other)) == {"rows": 0}
    assert other.stat().st_mode & 0o777 == 0o600, "for whoever made it alone"
    assert other.read_text(encoding="utf-8").strip() == ",".join(exports.SIGNUP_COLUMNS)
    for arguments, words in (
        (("needs", str(tmp_path / "no" / "such.csv")), "cannot be written"),
        (("needs", str(tmp_path / "x.csv"), "--organization", "nobody"), "There is no organization nobody"),
    ):
        result = run(app, "export", *arguments)
        assert result.exit_code == 1
        assert words in result.stderr
        assert "Traceback" not in result.output
    assert not (tmp_path / "x.csv").exists()


def test_what_fails_on_the_way_leaves_no_file(
    app: Flask, pantry: Organization, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_need(pantry)

    def broken(_ids: Any) -> Any:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(exports, "cells_of", broken)
    result = run(app, "export", "needs", str(tmp_path / "needs.csv"))
    assert (result.exit_code, list(tmp_path.iterdir())) == (1, [])
    assert "No space left on device" in result.stderr


def test_a_long_list_costs_no_memory_and_reads_in_pages(
    pantry: Organization, count_queries: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    shift = make_shift(make_need(pantry), capacity=None, flexible=True, starts_at=None, ends_at=None)
    person, at = make_person(), now()
    position = db.session.scalars(sa.select(Position.id).where(Position.shift_id == shift.id)).one()

    def add(many: int) -> None:
        with transaction():
            db.session.execute(
                sa.insert(Signup),
                [
                    {"id": number + 1, "shift_id": shift.id, "position_id": position, "person_id": person.id,
                     "status": "cancelled", "created_at": at, "note": "x" * 200}
                    for number in range(many)
                ],
            )  # fmt: skip

    monkeypatch.setattr(exports, "PAGE", 100)
    peaks, statements = [], []
    for many in (200, 3000):
        with transaction():
            db.session.execute(sa.delete(Signup))
        add(many)
        db.session.rollback()
        count_queries.clear()
        tracemalloc.start()
        rows = sum(1 for _line in exports.lines("signups")) - 1
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
        statements.append(len(count_queries))
        assert rows == many, "each once, though all were made at the same moment"
    assert statements == [3, 31]
    assert peaks[1] < peaks[0] * 2


def test_pages_of_needs_cost_the_same_number_of_statements(pantry: Organization, count_queries: list[str]) -> None:
    def asked() -> int:
        db.session.rollback()
        count_queries.clear()
        list(exports.lines("needs", pantry.id))
        return len(count_queries)

    def one_more() -> None:
        need = make_need(pantry)
        make_shift(need), make_item(need)

    one_more()
    one = asked()
    for _number in range(9):
        one_more()
    assert asked() == one


# --- the page -------------------------------------------------------------------------------------------------------


@pytest.mark.rule("A2")
def test_the_staff_take_their_own_lists_away_and_the_trail_keeps_who(
    pantry: Organization, client: CheckingClient, sign_in: SignIn
) -> None:
    make_need(make_organization(), title="Of somebody else")
    make_need(pantry, title="Sort the coats")
    manager = make_member(pantry, "manager")
    sign_in(manager)
    page = client.get("/manage/pantry/export").text
    for path in ("/manage/pantry/settings", "/manage/pantry/needs"):
        assert 'href="/manage/pantry/export"' in client.get(path).text
    for name, export in exports.EXPORTS.items():
        is_offered = name != "gift-aid"  # that one only in the United Kingdom
        assert (f'action="/manage/pantry/export/{name}.csv"' in page) == is_offered
        sent = client.post(f"/manage/pantry/export/{name}.csv")
        assert (sent.status_code, sent.mimetype) == (200, "text/csv")
        assert sent.headers["Cache-Control"] == "no-store"
        assert f"pantry-{name}-" in sent.headers["Content-Disposition"]
        assert sent.text.lstrip("\ufeff").splitlines()[0] == ",".join(export.columns)
        assert "Of somebody else" not in sent.text
    taken = sa.select(AuditEvent).where(AuditEvent.action == "organization.exported").order_by(AuditEvent.id)
    events = db.session.scalars(taken).all()
    assert [(row.actor_id, row.organization_id, row.data) for row in events] == [
        (manager.id, pantry.id, {"what": name}) for name in exports.EXPORTS
    ]
    assert client.post("/manage/pantry/export/secrets.csv").status_code == 404
    assert client.post("/manage/pantry/export/needs.csv", csrf=False).status_code == 400


def test_whoever_works_with_rosters_takes_no_list_away(
    pantry: Organization, client: CheckingClient, sign_in: SignIn
) -> None:
    for person in (make_member(pantry, "coordinator"), make_member(pantry, "viewer"), make_person()):
        sign_in(person)
        assert client.get("/manage/pantry/export").status_code == 404
        assert client.post("/manage/pantry/export/signups.csv").status_code == 404
    assert isinstance(person, Person)
    assert 'href="/manage/pantry/export"' not in client.get("/manage/pantry/needs").text
