"""The exact address of a private need is nowhere for one who may not know it (N6, G7): every route, as everybody, with every
mail, file, log line and search grepped for words that stand nowhere else.

The same reading finds them when the one reader of the address is opened to everybody.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Iterable, Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa
from flask import Flask

from app import create_app
from app.core import commands
from app.core.db import db, transaction
from app.imports import exports, need_cells
from app.needs.models import Need, PrivateAddress
from app.signups import queries
from tests.conftest import close, make_settings, migrate
from tests.house import pseudo
from tests.house.world import build
from tests.safeguarding import canary
from tests.safeguarding.canary import MEETING, OUTSIDERS, STAFF, STREET, Actor, found_in
from tests.smtp import mail_server


@dataclasses.dataclass
class House:
    """The application with the private need in it."""

    app: Flask
    actors: dict[str, Actor]
    links: list[str]
    directory: Path

    def outsiders(self) -> list[Actor]:
        return [self.actors[name] for name in OUTSIDERS]


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    directory = tmp_path_factory.mktemp("canary")
    settings = make_settings(
        directory, f"sqlite:///{directory / 'all.db'}", rate_limits=False, log_level="DEBUG", **pseudo.PAYMENTS
    )
    app = create_app(settings)
    app.config["WTF_CSRF_ENABLED"] = False
    migrate(app)
    with app.app_context():
        actors, links = canary.prepare(build())
        db.session.remove()
    yield House(app, actors, links, directory)
    close(app)


def leaks(texts: Iterable[tuple[str, str]]) -> list[tuple[str, set[str]]]:
    """Where a canary was read."""
    return [(where, words) for where, text in texts if (words := found_in(text))]


@pytest.mark.rule("N6")
def test_it_is_kept_in_one_place(house: House) -> None:
    with house.app.app_context():
        found = canary.kept_in()
    assert set(found) == {
        "private_address.address", "private_address.postal_code", "private_address.latitude", "private_address.longitude",
        "day_facts.meeting_point",
    }  # fmt: skip


@pytest.mark.rule("N6")
@pytest.mark.rule("G7")
@pytest.mark.parametrize("name", OUTSIDERS)
def test_nobody_reads_it_who_may_not_know_it(house: House, name: str, capfd: pytest.CaptureFixture[str]) -> None:
    actor = house.actors[name]
    read = [*canary.reading(house.app, actor, canary.get_rules(house.app))]
    read += canary.asking(house.app, actor, [*canary.searches(actor.world), *house.links])
    assert len(read) > 150
    assert leaks(read) == []
    written = capfd.readouterr()
    logged = re_written(written.out + written.err)
    assert found_in(logged) == set(), "not in the log either"


def re_written(log: str) -> str:
    """The log without the lines that repeat what somebody typed into an address."""
    return "\n".join(line for line in log.splitlines() if f"={STREET}" not in line and f"={MEETING}" not in line)


@pytest.mark.rule("N6")
@pytest.mark.rule("G7")
def test_who_may_know_it_reads_it_on_the_pages_that_are_for_them(house: House) -> None:
    rules = canary.get_rules(house.app)
    inside = leaks(canary.reading(house.app, house.actors["inside"], rules))
    where = {line.split()[2] for line, words in inside if STREET in words}
    assert {"needs.show", "pages.my_help", "pages.calendar", "api_needs.show"} <= where
    # Signed in as oneself, one's own calendar, the API with one's token; nothing that others can open.
    public = [
        line
        for line, _words in inside
        if not line.split()[2].startswith(("needs.", "pages.", "api_needs.", "signups."))
    ]
    assert public == []
    for name in STAFF:
        read = leaks(
            canary.reading(house.app, house.actors[name], [rule for rule in rules if rule.endpoint == "needs.show"])
        )
        assert [words >= {STREET, MEETING} for _line, words in read] == [True]


@pytest.mark.rule("N6")
def test_with_the_reader_opened_the_same_reading_finds_it(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    def everybody(needs: Iterable[queries.Need], _viewer: object, **_known: object) -> dict[int, queries.ExactAddress]:
        rows = db.session.scalars(sa.select(PrivateAddress))
        return {
            row.need_id: queries.ExactAddress(row.address, row.postal_code, row.latitude, row.longitude) for row in rows
        }

    monkeypatch.setattr(queries, "list_exact_addresses", everybody)
    for name in ("anonymous", "supporter", "outside"):
        read = canary.reading(house.app, house.actors[name], canary.get_rules(house.app))
        assert leaks(read), name


@pytest.mark.rule("N6")
def test_no_file_that_is_taken_away_and_no_frame_carries_it_whoever_asks(house: House) -> None:
    taken = [line for name in (*STAFF, "inside", *OUTSIDERS) for line in canary.taking(house.app, house.actors[name])]
    with house.app.app_context():
        taken += canary.exported()
        db.session.remove()
    assert sum(where.endswith(" 200") for where, _text in taken) == 2 * len(exports.EXPORTS), (
        "owner and manager take each list"
    )
    assert leaks(taken) == []
    shown = next(text for where, text in taken if where == "anonymous: embed")
    assert "<article" in shown, "it has needs in it"


@pytest.mark.rule("N6")
def test_were_the_street_in_a_file_or_a_frame_it_would_be_found(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    def with_streets(need_ids: Collection[int]) -> dict[int, dict[str, str]]:
        found = need_cells.cells_of(need_ids)
        for row in db.session.scalars(sa.select(PrivateAddress).where(PrivateAddress.need_id.in_(need_ids))):
            found[row.need_id]["address"] = row.address
        return found

    monkeypatch.setattr(exports, "cells_of", with_streets)
    read = [line for name in ("owner", "anonymous") for line in canary.taking(house.app, house.actors[name])]
    with house.app.app_context():
        read += canary.exported()
        db.session.remove()
    assert {where for where, _words in leaks(read)} == {"owner: export needs 200", "export needs"}
    with house.app.app_context(), transaction():
        title = db.session.scalars(sa.select(Need.title).join(PrivateAddress)).one()
        db.session.execute(sa.update(Need).where(Need.title == title).values(title=f"7 {canary.STREET} Row"))
    assert "anonymous: embed" in {where for where, _words in leaks(canary.taking(house.app, house.actors["anonymous"]))}
    with house.app.app_context(), transaction():
        db.session.execute(sa.update(Need).where(Need.title == f"7 {canary.STREET} Row").values(title=title))


@pytest.mark.rule("N6")
def test_no_mail_carries_it_not_even_to_those_who_may_know_it(house: House, capfd: pytest.CaptureFixture[str]) -> None:
    before = house.app.config["SETTINGS"]
    with mail_server() as box, house.app.app_context():
        house.app.config["SETTINGS"] = dataclasses.replace(before, mail_url=box.url)
        canary.keep_every_promise(house.app)
        problems = commands.verify(house.app.extensions["checks"])["problems"]
        # Then everything that can be done is done by those who may not know it, and its mails are sent, too.
        db.session.remove()
        acted = [line for actor in house.outsiders() for line in canary.acting(house.app, actor)]
        canary.keep_every_promise(house.app)
        kept = canary.kept_in()
        db.session.remove()
        house.app.config["SETTINGS"] = before
    assert len(acted) > 1000
    assert leaks(acted) == []
    assert len(box.messages) > 30
    assert leaks((message["Subject"], canary.parts_of(message)) for message in box.messages) == []
    assert any(b"text/calendar" in bytes(message) for message in box.messages)
    assert leaks([("log", "".join(capfd.readouterr())), ("problems", "\n".join(problems))]) == []
    assert {column.split(".")[0] for column in kept} == {"private_address", "day_facts"}
    assert leaks(canary.files_in(house.directory)) == []
