"""A fundraiser on other sites: the widget, the button, oEmbed and its discovery; and its updates by the API."""

from __future__ import annotations

import html
import re
from collections.abc import Callable
from urllib.parse import quote

import pytest
from flask import Flask

from app.accounts.operations import create_token
from app.core.db import transaction
from app.fundraisers.operations import decline_fundraiser
from tests.conftest import CheckingClient
from tests.factories import make_fundraiser, make_organization, make_person
from tests.fundraisers.test_page import make_gift

SignIn = Callable[..., CheckingClient]


def test_the_widget_and_the_button_may_be_shown_on_any_site(app: Flask, client: CheckingClient) -> None:
    fundraiser = make_fundraiser(make_organization(name="Lantern House"), title="Forty <beds>", goal_minor=10_000)
    make_gift(fundraiser, 2_500)
    frame = f"/embed/fundraisers/{fundraiser.slug}"
    shown = client.get(frame)
    assert "frame-ancestors *" in shown.headers["Content-Security-Policy"]
    assert "Set-Cookie" not in shown.headers
    for words in ("Forty &lt;beds&gt;", "<b>$75 still open</b> of $100", "given by 1 person", "Donate"):
        assert words in shown.text
    button = client.get(f"{frame}?as=button").text
    assert "Donate" in button
    assert "still open" not in button
    page = html.unescape(client.get(f"/fundraisers/{fundraiser.slug}/embed").text)
    assert f'src="http://localhost{frame}"' in page
    assert f'src="http://localhost{frame}?as=button"' in page


@pytest.mark.rule("F8")
def test_oembed_answers_for_what_the_public_may_see(app: Flask, client: CheckingClient) -> None:
    fundraiser = make_fundraiser(title="Forty beds")
    address = f"http://localhost/fundraisers/{fundraiser.slug}"
    # The address in the address is written as it would be typed into one (https://oembed.com, section 4: RFC 3986).
    found = re.search(
        r'type="application/json\+oembed" href="([^"]+)"', client.get(f"/fundraisers/{fundraiser.slug}").text
    )
    assert found is not None
    assert found[1] == f"http://localhost/oembed?url={quote(address, safe='')}"
    assert client.get(found[1].removeprefix("http://localhost")).get_json()["title"] == "Forty beds"
    answer = client.get("/oembed", query_string={"url": address, "maxwidth": "300"})
    body = answer.get_json()
    assert (body["version"], body["type"], body["title"], body["width"]) == ("1.0", "rich", "Forty beds", 300)
    assert f"/embed/fundraisers/{fundraiser.slug}" in body["html"]
    assert client.get("/oembed", query_string={"url": address, "format": "xml"}).status_code == 501
    for other in ("", "http://elsewhere.example.org/fundraisers/x", "http://localhost/needs/1", address + "/edit"):
        assert client.get("/oembed", query_string={"url": other}).status_code == 404
    with transaction():
        decline_fundraiser(fundraiser.id, by=fundraiser.started_by, reason="no")
    assert client.get("/oembed", query_string={"url": address}).status_code == 404
    assert client.get(f"/embed/fundraisers/{fundraiser.slug}").status_code == 404


def test_updates_by_the_api(app: Flask, client: CheckingClient, sign_in: SignIn) -> None:
    starter = make_person()
    fundraiser = make_fundraiser(started_by_id=starter.id)
    with transaction():
        token = create_token(starter, scopes=["fundraisers:write"])
    path, headers = f"/api/v1/fundraisers/{fundraiser.slug}/updates", {"Authorization": f"Bearer {token}"}
    body = {"title": "Half way", "body": "Thank **you**."}
    assert client.post(path, json=body).status_code == 401
    assert client.post(path, json={**body, "title": ""}, headers=headers).status_code == 422
    made = client.post(path, json=body, headers=headers)
    assert made.status_code == 201
    assert client.get(path).get_json()["data"] == [made.get_json()]
