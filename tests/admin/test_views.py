"""Promised work that was given up: seen and tried again."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

import pytest
from flask import Flask

from app.core.db import db, transaction
from app.core.ids import encode_id
from app.core.outbox import Outbox, enqueue
from tests.conftest import CheckingClient
from tests.factories import make_person
from tests.smtp import Mailbox

Work = Callable[[], dict[str, int]]
SignIn = Callable[..., CheckingClient]


@pytest.mark.rule("M1")
def test_what_was_given_up_is_seen_and_kept_once_the_cause_is_gone(
    app: Flask,
    sign_in: SignIn,
    client: CheckingClient,
    mailbox: Mailbox,
    work_off: Work,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    person, administrator = make_person(), make_person(platform_role="administrator")
    mailbox.refused = {person.email: "550 no such user"}
    with transaction():
        enqueue("mail_reset_password", {"person_id": person.id}, key="reset")
    work_off()
    row = db.session.query(Outbox).one()
    assert client.get("/metrics").status_code == 404, "closed without a token"
    monkeypatch.setitem(
        app.config, "SETTINGS", dataclasses.replace(app.config["SETTINGS"], metrics_token="of-a-monitor")
    )
    for wrong in (
        {},
        {"Authorization": "Bearer something"},
        {"Authorization": "Bearer of-a-monitör".encode().decode("latin-1")},
    ):
        assert client.get("/metrics", headers=wrong).status_code == 401
    said = client.get("/metrics", headers={"Authorization": "Bearer of-a-monitor"})
    assert said.status_code == 200
    assert 'manyhands_promises{state="given_up"} 1.0' in said.text
    assert "manyhands_money_differences 0.0" in said.text
    assert "manyhands_promises_oldest_due_seconds 0.0" in said.text
    sign_in(administrator)
    page = client.get("/admin/")
    assert "mail_reset_password" in page.text
    assert "address refused" in page.text
    assert "1 was given up" in page.text
    assert person.email not in page.text
    mailbox.refused = {}
    url = f"/admin/promises/{encode_id(row.id)}/retry"
    assert client.post(url).status_code == 303
    assert client.post(url).status_code == 404
    work_off()
    assert len(mailbox.to(person.email)) == 1
    assert "Nothing was given up" in client.get("/admin/").text


def test_a_moderator_does_not_run_the_installation(app: Flask, sign_in: SignIn, client: CheckingClient) -> None:
    sign_in(make_person(platform_role="moderator"))
    assert client.get("/admin/").status_code == 404
