"""What time alone changes about a shift is true on every page at once (G2)."""

from __future__ import annotations

import datetime as dt

import pytest
import time_machine
from flask import Flask

from app.core import cache
from app.core.db import db
from app.core.ids import encode_id
from app.needs.models import Shift
from tests.conftest import CheckingClient
from tests.safeguarding.common import DAY, approved_organization, cleared_person, contact_shift, place


@pytest.mark.rule("G2")
@pytest.mark.parametrize("is_guarded", [True, False])
def test_a_page_of_a_shift_that_time_alone_stops_is_kept_nowhere(
    app: Flask, client: CheckingClient, monkeypatch: pytest.MonkeyPatch, *, is_guarded: bool
) -> None:
    organization = approved_organization()
    shift = contact_shift(organization, days=3)
    place(shift, cleared_person(organization))
    address, not_yet = f"/needs/{encode_id(shift.need_id)}", "cannot take place yet"
    if not is_guarded:
        monkeypatch.setattr("app.needs.views.detail.keep_nowhere", lambda: None)
        # Nothing else gives a kept page up meanwhile: neither what PostgreSQL does by itself, nor a machine that takes its time.
        monkeypatch.setattr(type(app.extensions["page_cache"]), "stamp", lambda _cache: 1)
        monkeypatch.setattr(cache, "MOST_SECONDS", 600.0)
    begins = db.session.get_one(Shift, shift.id).starts_at
    assert begins is not None
    db.session.rollback()
    with time_machine.travel(begins - DAY - dt.timedelta(seconds=1), tick=False) as clock:
        before = client.get(address)
        assert not_yet not in before.text
        assert ("no-cache" in before.headers["Cache-Control"]) is is_guarded
        clock.shift(dt.timedelta(seconds=2))
        assert (not_yet in client.get(address).text) is is_guarded
    with time_machine.travel(begins - 2 * DAY, tick=False):
        assert "s-maxage=1" in client.get(address).headers["Cache-Control"], "as long as nothing can turn"
