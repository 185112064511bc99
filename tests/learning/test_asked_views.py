"""Checking a claim, asking about one, and the queue of moderators, as pages."""

from __future__ import annotations

import dataclasses
import re

import html5lib
import pytest
from flask import Flask

from app.core.db import db, transaction
from app.core.ids import encode_id
from app.learning.asked_models import AskedClaim
from app.learning.operations.asked import ask_claim, asked_token
from tests.conftest import CheckingClient
from tests.factories import make_fact, make_person, make_question

CLAIM = "A post says that children are taken from shops every day."


def ask(text: str = CLAIM, **named: object) -> AskedClaim:
    with transaction():
        return ask_claim(text, **{"by": None, **named})  # type: ignore[arg-type]  # as the tests name them


@pytest.mark.rule("G13")
def test_the_steps_need_no_account_and_set_no_cookie(client: CheckingClient) -> None:
    page = client.get("/learn/check")
    assert page.text.count('<li><h2 class="h3">') == 7
    assert "Set-Cookie" not in page.headers
    # Before anything else, those are sent on who should not check anything.
    warning, first = page.text.index("Do not screenshot"), page.text.index(">Stop<")
    assert warning < page.text.index('href="/report"', warning) < first


@pytest.mark.rule("L2")
def test_the_form_has_no_field_for_material_and_says_so(client: CheckingClient) -> None:
    tree = html5lib.parse(client.get("/learn/check/ask").text, namespaceHTMLElements=False)
    [form] = [form for form in tree.iter("form") if form.find(".//textarea") is not None]
    fields = {(field.tag, field.get("type"), field.get("name")) for field in form.iter() if field.get("name")}
    assert fields == {
        ("input", "hidden", "csrf_token"), ("textarea", None, "text"), ("input", "text", "seen_where"),
        ("input", "text", "email"),
    }  # fmt: skip
    assert form.get("enctype") is None
    for path in ("/learn/check/ask", "/learn/check/asked"):
        assert 'href="/report"' in client.get(path).text.split("<main")[1]
    refused = client.post("/learn/check/ask", data={"text": f"{CLAIM} See https://example.org/x"})
    assert refused.status_code == 422
    assert "no addresses of pages and no files" in refused.text
    assert CLAIM in refused.text, "what was typed is kept in the form"
    assert "href=&#34;https://example.org/x" not in refused.text
    assert 'href="https://example.org/x' not in refused.text
    assert db.session.query(AskedClaim).count() == 0


def test_somebody_with_an_account_is_not_asked_for_an_address(client: CheckingClient, sign_in) -> None:  # type: ignore[no-untyped-def]  # a fixture
    person = make_person()
    sign_in(person)
    page = client.get("/learn/check/ask").text
    assert 'name="tell"' in page
    assert 'name="email"' not in page
    sent = client.post("/learn/check/ask", data={"text": CLAIM, "tell": "y", "email": "other@example.org"})
    assert sent.headers["Location"] == "/learn/check/asked"
    asked = db.session.query(AskedClaim).one()
    assert (asked.asked_by_id, asked.email, asked.locale) == (person.id, None, "en")


def test_asking_is_limited_and_says_when_it_is_not(
    app: Flask, client: CheckingClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = app.config["SETTINGS"]
    monkeypatch.setitem(app.config, "SETTINGS", dataclasses.replace(settings, rate_limits=True))
    for number in range(10):
        data = {"text": f"{CLAIM} Number {number}.", "email": f"person{number % 2}@example.org" if number < 6 else ""}
        assert client.post("/learn/check/ask", data=data).status_code == 303
    late = client.post("/learn/check/ask", data={"text": CLAIM})
    assert late.status_code == 409
    assert "That was too often" in late.text
    assert CLAIM in late.text
    assert db.session.query(AskedClaim).count() == 10
    # The control: without limits it is taken.
    monkeypatch.setitem(app.config, "SETTINGS", dataclasses.replace(settings, rate_limits=False))
    assert client.post("/learn/check/ask", data={"text": CLAIM}).status_code == 303


def test_nobody_fills_a_strangers_mailbox(app: Flask, client: CheckingClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(app.config, "SETTINGS", dataclasses.replace(app.config["SETTINGS"], rate_limits=True))
    data = {"text": CLAIM, "email": "ana@example.org"}
    assert [client.post("/learn/check/ask", data=data).status_code for _n in range(4)] == [303, 303, 303, 409]


def test_the_link_in_the_mail_needs_a_button(client: CheckingClient) -> None:
    asked = ask(email="ana@example.org")
    address = f"/learn/check/tell/{asked_token(asked)}"
    page = client.get(address)
    assert page.headers["Cache-Control"] == "no-store"
    assert asked.email_confirmed_at is None
    assert "Yes, tell me" in page.text
    assert "We write to you" in client.post(address, csrf=False).text
    assert db.session.get_one(AskedClaim, asked.id).email_confirmed_at is not None
    assert client.get("/learn/check/tell/nonsense").status_code == 404


def test_moderators_take_answer_link_decline_and_put_together(client: CheckingClient, sign_in) -> None:  # type: ignore[no-untyped-def]  # a fixture
    fact = make_fact(claim="Few children are taken.")
    known = make_question(fact.topic, question="Are children taken from shops every day?")
    asked, again, vague, last = (
        ask(),
        ask(f"{CLAIM} True?"),
        ask("Everything is getting worse."),
        ask("Is it in shops?"),
    )
    address = "/moderation/learning/claims"
    sign_in(make_person(platform_role="moderator", name="Mo"))
    assert client.get(address).text.count("Nobody yet") == 4

    def page_of(claim: AskedClaim) -> str:
        return f"{address}/{encode_id(claim.id)}"

    # What may answer it is offered, the likest first.
    page = client.get(page_of(asked)).text
    assert page.index(known.slug) < page.index(fact.slug)
    use = re.findall(r'<form [^>]*action="([^"]*/link)".*?name="question" value="([^"]*)"', page)
    assert use[0] == (f"{page_of(asked)}/link", known.slug), "a suggested question is used with one press"
    assert fact.slug not in [slug for _action, slug in use], "a fact is no answer"
    assert "</a>: 4 wait for an answer" in client.get("/moderation/").text
    assert client.post(f"{page_of(asked)}/take").status_code == 303
    assert "Worked on by" in client.get(page_of(asked)).text
    assert client.post(f"{page_of(asked)}/release").status_code == 303
    # Bad input stays in the form, with its message.
    wrong = client.post(f"{page_of(again)}/link", data={"question": "nothing-of-ours"})
    assert (wrong.status_code, "nothing-of-ours" in wrong.text) == (422, True)
    assert client.post(f"{page_of(again)}/decline", data={"code": "dull"}).status_code == 422
    assert client.post(f"{page_of(again)}/merge", data={"into": encode_id(again.id)}).status_code == 422
    assert client.post(f"{page_of(again)}/merge", data={"into": encode_id(asked.id)}).status_code == 303
    answer = {"question": "Are children taken in shops?", "topic": fact.topic.slug, "answer": "No.", "checked_by": "Mo"}
    unsourced = client.post(f"{page_of(asked)}/answer", data=answer)
    assert unsourced.status_code == 422
    assert "Name at least one fact" in unsourced.text
    answer["answer"] = f"Few are.[^{fact.slug}]"
    assert client.post(f"{page_of(asked)}/answer", data=answer).status_code == 303
    assert client.post(f"{page_of(last)}/link", data={"question": known.slug}).status_code == 303, (
        "what the button sends"
    )
    assert client.post(f"{page_of(vague)}/decline", data={"code": "names_somebody"}).status_code == 303
    # Decided: once more is refused with the reason, and the form is not there any more.
    assert client.post(f"{page_of(vague)}/decline", data={"code": "no_claim"}).status_code == 409
    assert client.get(f"{page_of(asked)}/answer").status_code == 404
    listed = client.get(address).text
    for words in ("Nobody waits for an answer", "Its words were erased", "Put together with another one", "Answered:"):
        assert words in listed, words
    # The public reads the question of the moderators, how often it was asked, and nothing of what people wrote.
    public = client.get("/learn/check").text
    assert 'href="/learn/questions/are-children-taken-in-shops"' in public
    assert "asked 2 times" in public
    assert CLAIM not in public
    assert "Few are." in client.get("/learn/questions/are-children-taken-in-shops").text
