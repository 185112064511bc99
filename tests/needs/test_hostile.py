"""Whatever is typed into the pages of needs: never an error of ours, and what was typed comes back (A4)."""

from __future__ import annotations

import html
from collections.abc import Callable

import pytest
from flask import Flask
from hypothesis import given
from hypothesis import strategies as st

from app.core.db import db
from app.core.ids import encode_id
from app.needs.models import Need
from tests.conftest import CheckingClient
from tests.factories import make_item, make_member, make_need, make_organization, make_shift
from tests.hostile import WORDS, tries

NAMES = (
    "title", "description", "urgency", "causes", "skills", "remote", "place", "address", "private_address", "time_zone",
    "ends_on", "version", "row", "act", "shifts", "items", "shifts-0-id", "shifts-0-kind", "shifts-0-day", "shifts-0-start",
    "shifts-0-end", "shifts-0-last_day", "shifts-0-fold", "shifts-0-due_on", "shifts-0-contact", "shifts-0-minimum_age",
    "shifts-0-positions-0-id", "shifts-0-positions-0-name", "shifts-0-positions-0-capacity", "shifts-0-positions-1-name",
    "shifts-0-positions-x-name", "shifts-999999999999-day", "items-0-id", "items-0-name", "items-0-quantity", "items-0-unit",
    "items-0-accepted_condition", "items-0-purchase_url", "items-0-first", "items-0-do_not_bring", "items--1-name",
)  # fmt: skip
SENT = st.dictionaries(st.sampled_from(NAMES), WORDS, max_size=25)
SignIn = Callable[..., CheckingClient]


@pytest.fixture
def need(app: Flask, sign_in: SignIn) -> Need:
    """A need of the signed-in owner, with a shift and an item."""
    organization = make_organization(slug="pantry")
    sign_in(make_member(organization, "owner"))
    made = make_need(organization)
    make_shift(made)
    make_item(made)
    return made


@pytest.mark.rule("A4")
@tries(20)
@given(sent=SENT)
def test_the_editor_takes_anything(client: CheckingClient, need: Need, sent: dict[str, str]) -> None:
    db.session.expire_all()
    data = {
        "title": "Beds",
        "version": str(need.version),
        "shifts-0-id": encode_id(need.shifts[0].id) if need.shifts else "",
        **{name: value.encode("utf-8", "surrogatepass") for name, value in sent.items()},
    }
    for path in ("/manage/pantry/needs/new", f"/manage/pantry/needs/{encode_id(need.id)}/edit"):
        page = client.post(path, data=data)
        assert page.status_code in (200, 303, 422), sent
        title = sent.get("title", "").strip()
        if page.status_code == 422 and title.isascii() and title.isprintable() and len(title) < 100:
            assert " ".join(title.split()) in html.unescape(page.text)


@pytest.mark.rule("A4")
@tries(20)
@given(value=WORDS)
def test_addresses_take_anything(client: CheckingClient, need: Need, value: str) -> None:
    for path in ("/manage/pantry/needs", "/needs"):
        for name in ("cursor", "status", "missing"):
            assert client.get(path, query_string={name: value.encode("utf-8", "replace")}).status_code in (
                200,
                302,
                303,
                400,
            )
