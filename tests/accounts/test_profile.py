"""What a person says about themselves: their clock, and when they have time."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable

import pytest
from flask import Flask

from app.accounts.availability import TIMES, fits
from app.accounts.operations import edit_profile
from app.core.db import db, transaction
from app.core.errors import InvalidInput
from app.core.ids import encode_id
from tests.api.test_main_job import Caller
from tests.conftest import CheckingClient
from tests.factories import make_need, make_person, make_shift

SignIn = Callable[..., CheckingClient]
PROFILE = {"name": "Ana"}


def ticked(page: str) -> list[str]:
    return re.findall(r'name="availability" value="(\w+)"[^>]* checked', page)


@pytest.mark.rule("T1")
def test_the_clock_follows_the_place_until_it_is_chosen_by_hand(app: Flask) -> None:
    person = make_person()

    def edit(**values: str | None) -> tuple[str | None, bool]:
        with transaction():
            edit_profile(person.id, by=person, **values)
        return person.time_zone, person.time_zone_chosen

    assert edit(place="Newark, NJ") == ("America/New_York", False)
    assert edit(place="Berlin, DE") == ("Europe/Berlin", False)
    assert edit(name="Ana") == ("Europe/Berlin", False)
    assert edit(time_zone="Asia/Tokyo") == ("Asia/Tokyo", True)
    assert edit(place="Houston, TX") == ("Asia/Tokyo", True)
    assert edit(time_zone="London, GB") == ("Europe/London", True)
    assert edit(time_zone="") == ("America/Chicago", False)
    assert edit(time_zone=None, place="") == (None, False)
    with pytest.raises(InvalidInput) as raised:
        edit(time_zone="Nowhere at all on earth")
    assert list(raised.value.errors) == ["time_zone"]


@pytest.mark.rule("T1")
def test_the_profile_offers_the_clock_and_quiet_hours_name_it(client: CheckingClient, sign_in: SignIn) -> None:
    person = make_person(place="Newark, NJ", time_zone="America/New_York")
    sign_in(person)
    assert "now that of New York." in client.get("/profile").text
    assert client.post("/profile", data={**PROFILE, "place": "Berlin, DE", "time_zone": ""}).status_code == 303
    assert person.time_zone == "Europe/Berlin"
    quiet = client.get("/profile/mail").text
    assert "On the clock of Berlin." in quiet
    assert 'href="/profile#time_zone"' in quiet
    client.post("/profile", data={**PROFILE, "place": "Berlin, DE", "time_zone": "Asia/Tokyo"})
    page = client.get("/profile").text
    assert re.search(r'name="time_zone"[^>]*value="Asia/Tokyo"', page)
    assert "now that of" not in page
    wrong = client.post("/profile", data={**PROFILE, "time_zone": "Nowhere at all on earth"})
    assert wrong.status_code == 422
    assert "Nowhere at all on earth" in wrong.text


def test_when_one_has_time_is_kept_and_shown_in_the_week(client: CheckingClient, sign_in: SignIn) -> None:
    person = make_person()
    sign_in(person)
    page = client.get("/profile").text
    assert page.count('name="availability"') == len(TIMES) == 21
    assert 'aria-label="Monday, morning"' in page.replace("Monday, Morning", "Monday, morning")
    assert ticked(page) == []
    chosen = ["sunday_evening", "monday_morning"]
    assert client.post("/profile", data={**PROFILE, "availability": chosen}).status_code == 303
    assert sorted(ticked(client.get("/profile").text)) == sorted(chosen)
    assert person.availability == ["monday_morning", "sunday_evening"]
    assert client.post("/profile", data={**PROFILE, "availability": ["monday_midnight"]}).status_code == 422
    client.post("/profile", data={**PROFILE, "availability": ["monday_morning", "friday_evening"]})
    db.session.refresh(person)
    assert person.availability == ["monday_morning", "friday_evening"]
    client.post("/profile", data=PROFILE)
    db.session.refresh(person)
    assert person.availability == []


def test_programs_read_and_change_it_for_their_own_person(app: Flask) -> None:
    person = make_person()
    me = Caller(app, person)
    assert me("GET", "/me").json["availability"] == []
    body = {"availability": ["saturday_morning"], "time_zone": "Asia/Tokyo"}
    changed = me("PATCH", "/me", body)
    assert changed.status_code == 200
    assert (changed.json["availability"], changed.json["time_zone"]) == (["saturday_morning"], "Asia/Tokyo")
    assert me("PATCH", "/me", {"name": "Ana"}).json["availability"] == ["saturday_morning"]
    assert me("PATCH", "/me", {"time_zone": None}).json["time_zone"] is None
    for wrong in ({"availability": ["someday"]}, {"availability": None}, {"time_zone": "Nowhere at all"}):
        assert me("PATCH", "/me", wrong).status_code == 422


@pytest.mark.parametrize(
    ("start", "hours", "zone", "fitting"),
    [
        ("2026-11-30T14:00", 3, "America/New_York", {"monday_morning"}),  # 9 to 12 there: noon is not touched
        ("2026-11-30T14:00", 4, "America/New_York", {"monday_morning", "monday_afternoon"}),
        ("2026-11-30T22:30", 2, "America/New_York", {"monday_evening"}),
        ("2026-12-01T03:00", 4, "America/New_York", {"monday_evening", "tuesday_morning"}),
        ("2026-11-30T22:30", 1, "Asia/Tokyo", {"tuesday_morning"}),
    ],
)
@pytest.mark.rule("T1")
def test_a_shift_fits_when_every_part_it_touches_is_free(start: str, hours: int, zone: str, fitting: set[str]) -> None:
    starts_at = dt.datetime.fromisoformat(start).replace(tzinfo=dt.UTC)
    ends_at = starts_at + dt.timedelta(hours=hours)
    assert fits(starts_at, ends_at, zone, fitting)
    for one in fitting:
        assert not fits(starts_at, ends_at, zone, fitting - {one})
        assert not fits(starts_at, ends_at, zone, set(TIMES) - {one})
    assert not fits(starts_at, starts_at + dt.timedelta(days=8), zone, TIMES)


def test_where_several_shifts_are_chosen_from_those_that_fit_are_marked_for_oneself_only(
    client: CheckingClient, sign_in: SignIn
) -> None:
    need = make_need()
    early, late = (
        make_shift(
            need,
            starts_at=dt.datetime(2031, 5, 5, hour, tzinfo=dt.UTC),
            ends_at=dt.datetime(2031, 5, 5, hour + 1, tzinfo=dt.UTC),
        )
        for hour in (13, 22)
    )
    person = make_person()
    with transaction():
        edit_profile(person.id, by=person, availability=["monday_evening"])
    where = f"/needs/{encode_id(need.id)}/sign-up"
    page = sign_in(person).get(where).text
    label = re.search(rf'value="{encode_id(late.id)}"><label[^>]*>([^<]*)<', page)
    assert label is not None
    assert label.group(1).endswith("when you have time")
    assert page.count("when you have time") == 1
    assert encode_id(early.id) in page
    assert "when you have time" not in sign_in(make_person()).get(where).text
