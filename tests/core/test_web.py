"""Guards, safe redirects, security headers and error pages."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Blueprint, Flask, abort, current_app, request
from hypothesis import given
from hypothesis import strategies as st

from app import create_app
from app.core.errors import Refused, refuse
from app.core.ids import decode_id, encode_id, new_id
from app.core.web import guard_of, public, require_guards, safe_next
from tests.conftest import CheckingClient, close, make_settings


@pytest.fixture
def trial(tmp_path: Path) -> Iterator[Flask]:
    """An application with routes of our own; its database is never asked."""
    app = create_app(make_settings(tmp_path, f"sqlite:///{tmp_path / 'x.db'}"))
    trial = Blueprint("trial", __name__)

    @trial.get("/trial/refused")
    @public
    def refused() -> str:
        raise refuse("full", "This shift is full", "Choose another one")

    @trial.get("/trial/<int:code>")
    @public
    def failing(code: int) -> str:
        abort(code)

    @trial.post("/trial/form")
    @public
    def form() -> str:
        return str(len(request.form))

    @trial.get("/trial/secret/<token>")
    @public
    def secret(token: str) -> str:
        raise ValueError(f"somebody typed {token}")

    @trial.get("/trial/unguarded")
    def unguarded() -> str:
        return "open"

    app.register_blueprint(trial)
    yield app
    close(app)


@pytest.mark.rule("A1")
def test_a_route_without_a_guard_does_not_open(trial: Flask) -> None:
    assert trial.test_client().get("/trial/unguarded").status_code == 404
    with pytest.raises(RuntimeError, match=r"trial\.unguarded"):
        require_guards(trial)


@pytest.mark.rule("A1")
def test_every_route_of_the_application_is_guarded(sqlite_app: tuple[Flask, Path]) -> None:
    app, _directory = sqlite_app
    assert [rule.endpoint for rule in app.url_map.iter_rules() if guard_of(app, rule.endpoint) is None] == []


@pytest.mark.rule("A4")
@pytest.mark.parametrize("code", [400, 404, 405, 409, 413, 429, 500, 503])
def test_errors_are_pages_that_say_what_happens_next(trial: Flask, client: CheckingClient, code: int) -> None:
    browser = CheckingClient(trial, trial.response_class)
    trial.extensions["stray_writes"] = []
    response = browser.get(f"/trial/{code}")
    assert response.status_code == code
    assert response.mimetype == "text/html"


@pytest.mark.rule("A4")
@pytest.mark.parametrize(("limit", "read"), [(64 * 1024 * 1024, True), (1024, False)])
def test_whoever_sends_too_much_reads_that_it_is_too_much(
    trial: Flask, monkeypatch: pytest.MonkeyPatch, limit: int, read: bool
) -> None:
    """A body that stays unread makes the server reset the connection: a browser shows that, and no page of ours. What is
    absurd is not read."""
    monkeypatch.setattr("app.core.web.MAXIMUM_THROWN_AWAY", limit)
    body = io.BytesIO(b"a=" + b"b" * (3 * 1024 * 1024))
    answer = trial.test_client().post(
        "/trial/form",
        input_stream=body,
        content_length=len(body.getvalue()),
        content_type="application/x-www-form-urlencoded",
    )
    assert answer.status_code == 413
    assert (body.read() == b"") is read


@pytest.mark.rule("A4")
def test_a_failure_is_a_page_and_its_log_tells_the_route_and_nothing_of_the_person(
    capsys: pytest.CaptureFixture[str], trial: Flask
) -> None:
    trial.testing = False
    response = trial.test_client().get("/trial/secret/t0k3n?email=person@example.org")
    assert response.status_code == 500
    assert "t0k3n" not in response.get_data(as_text=True)
    logged = capsys.readouterr().err
    assert "/trial/secret/<token>" in logged
    assert "ValueError" in logged
    assert "t0k3n" not in logged
    assert "person@example.org" not in logged


def test_a_refusal_nobody_handled_names_its_reasons(trial: Flask) -> None:
    response = trial.test_client().get("/trial/refused")
    assert response.status_code == 409
    assert "This shift is full" in response.get_data(as_text=True)
    assert issubclass(Refused, Exception)


def test_the_policy_allows_nothing_inline_and_nothing_from_elsewhere(client: CheckingClient) -> None:
    policy = client.get("/").headers["Content-Security-Policy"]
    assert "unsafe" not in policy
    assert "http://" not in policy.replace("form-action 'self'", "")
    assert client.get("/").headers["X-Content-Type-Options"] == "nosniff"


def test_the_home_page_sets_no_cookie(client: CheckingClient) -> None:
    assert "Set-Cookie" not in client.get("/").headers


@pytest.mark.parametrize(
    "target",
    [
        "//evil.example",
        "https://evil.example",
        "\\\\evil.example",
        "/\\evil.example",
        "javascript:alert(1)",
        "/a\r\nB: c",
        "",
        None,
    ],
)
def test_a_sign_in_link_leads_nowhere_else(target: str | None) -> None:
    assert safe_next(target, "/my-help") == "/my-help"


def test_what_opens_by_a_link_is_kept_by_nobody_and_told_to_no_other_site(client: CheckingClient) -> None:
    """Whatever stands behind it: also that it is over, and to somebody without a session."""
    links = [
        (rule, {name: "x" if name.endswith("token") else 1 for name in rule.arguments})
        for rule in current_app.url_map.iter_rules()
        if any(name.endswith("token") for name in rule.arguments) and "GET" in (rule.methods or ())
    ]
    assert len(links) >= 20
    addresses = current_app.url_map.bind("localhost")
    for rule, values in links:
        answer = client.get(addresses.build(rule.endpoint, values))
        told = {name: answer.headers.get(name) for name in ("Cache-Control", "Referrer-Policy", "X-Robots-Tag")}
        kept = {"Cache-Control": "no-store", "Referrer-Policy": "no-referrer", "X-Robots-Tag": "noindex"}
        assert told == kept, rule
    assert client.get("/needs").headers["Referrer-Policy"] != "no-referrer"


def test_a_sign_in_link_leads_back_to_where_it_began() -> None:
    assert safe_next("/shifts/abc/sign-up?party_size=2", "/my-help") == "/shifts/abc/sign-up?party_size=2"


@given(st.integers(min_value=0, max_value=2**63 - 1))
def test_ids_come_back_as_they_went(key: int) -> None:
    assert decode_id(encode_id(key)) == key
    assert len(encode_id(key)) == 13


@given(st.text(max_size=20))
def test_what_is_no_id_is_none(text: str) -> None:
    key = decode_id(text)
    assert key is None or encode_id(key) == text


def test_new_ids_do_not_count() -> None:
    keys = [new_id() for _time in range(1000)]
    assert len(set(keys)) == 1000
    assert keys != sorted(keys)
