"""Check before you share: what speaks of abuse or disaster is passed on after three questions, with what it rests on."""

from __future__ import annotations

import datetime as dt
import html
import re

import pytest
from flask import Flask

from app.core.clock import moved_to
from app.core.db import transaction
from app.core.ids import encode_id
from app.needs.operations import confirm_need
from app.pages import sharing
from tests.conftest import CheckingClient
from tests.factories import make_fundraiser, make_member, make_need, make_organization

THEN = dt.datetime(2026, 3, 9, 15, tzinfo=dt.UTC)


def questions(page: str) -> list[str]:
    return re.findall(r'<li><h2 class="h3">([^<]+\?)</h2>', page)


def offered(page: str) -> str:
    """What the text field holds for pasting."""
    found = re.search(r'<textarea id="text"[^>]*>(.*?)</textarea>', page, re.DOTALL)
    assert found
    return html.unescape(found[1])


@pytest.mark.rule("L1")
def test_a_need_after_a_flood_is_passed_on_after_three_questions(client: CheckingClient) -> None:
    organization = make_organization(name="Pantry & Co", verified_at=THEN)
    need = make_need(organization, title="Cots for the school", description="The flood took forty houses.")
    owner = make_member(organization, "owner")
    with moved_to(THEN + dt.timedelta(days=30)), transaction():
        confirm_need(need.id, by=owner)
    step = f"/share/need/{encode_id(need.id)}"
    page = client.get(step)
    assert len(questions(page.text)) == 3
    assert 'id="link"' not in page.text
    for words in (
        "verified on Mar 9, 2026",
        "last confirmed on Apr 8, 2026",
        "Pantry &amp; Co",
        'href="/report"',
        "flood",
        # What helps and harms after a flood is another thing than after abuse.
        "what was wanted this morning may be too much by now",
        "people who set out on their own stand in the way",
    ):
        assert words in page.text, words
    assert "whoever hurt them" not in page.text
    # Nobody is kept, and nobody is pushed: both ways on are links that look alike, and the way back comes first.
    assert "Set-Cookie" not in page.headers
    assert "<form" not in page.text.split("<main")[1]
    ways = re.search(r'<p class="buttons">(.*?)</p>', page.text)
    assert ways
    assert re.findall(r'<a class="([^"]+)" href="([^"]+)">([^<]+)</a>', ways[1]) == [
        ("button second", f"/needs/{encode_id(need.id)}", "Not now"),
        ("button second", f"{step}?ready=yes", "Go on to the link"),
    ]
    ready = client.get(f"{step}?ready=yes")
    assert questions(ready.text) == []
    assert f'value="http://localhost/needs/{encode_id(need.id)}"' in ready.text
    assert offered(ready.text).splitlines() == [
        "Cots for the school – Pantry & Co",
        "Who says so:",
        "- Pantry & Co, the organization itself, verified on Mar 9, 2026",
        "- This need, last confirmed on Apr 8, 2026",
        f"http://localhost/needs/{encode_id(need.id)}",
    ]
    assert "Not now" in ready.text
    assert "Set-Cookie" not in ready.headers


def test_what_speaks_of_neither_is_passed_on_at_once_and_a_cause_speaks_too(client: CheckingClient) -> None:
    plain = make_need(title="Sort and pack", description="Groceries on Saturdays.")
    page = client.get(f"/share/need/{encode_id(plain.id)}").text
    assert questions(page) == []
    assert 'id="link"' in page
    assert "Not now" not in page
    chosen = make_need(title="Water and juice", description="Whatever you have.", causes=["food", "emergency"])
    page = client.get(f"/share/need/{encode_id(chosen.id)}").text
    assert len(questions(page)) == 3
    assert "Emergencies and disasters" in page
    assert "whoever hurt them" not in page
    both = make_need(title="Beds for survivors of domestic violence", description="The flood took ours.")
    page = client.get(f"/share/need/{encode_id(both.id)}").text
    assert "whoever hurt them" in page, "abuse weighs more"
    assert len(questions(page)) == 3
    # A fundraiser speaks by its own words, and by those of the need it helps with.
    for fundraiser, asks in (
        (make_fundraiser(title="Run for books", story="Why I run."), False),
        (make_fundraiser(title="Run", story="For survivors of domestic violence."), True),
        (make_fundraiser(chosen.organization, title="Run", story="For water.", need_id=chosen.id), True),
    ):
        assert bool(questions(client.get(f"/share/fundraiser/{fundraiser.slug}").text)) is asks


def test_a_card_is_asked_for_anew_and_drawn_only_for_whoever_has_not_got_it(
    app: Flask, client: CheckingClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    need = make_need(title="Cots")
    address = f"/needs/{encode_id(need.id)}/card.png"
    first = client.get(address)
    assert first.headers["Cache-Control"] == "public, no-cache"
    with monkeypatch.context() as patched:
        patched.setattr(sharing, "draw_card", lambda _card: pytest.fail("drawn for somebody who has it"))
        assert client.get(address, headers={"If-None-Match": first.headers["ETag"]}).status_code == 304
    with transaction():
        need.title = "Cots and blankets"
    changed = client.get(address, headers={"If-None-Match": first.headers["ETag"]})
    assert changed.status_code == 200
    assert changed.headers["ETag"] != first.headers["ETag"]
    assert changed.data != first.data
