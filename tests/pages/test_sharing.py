"""Passing on a need, a fundraiser or an organization: what may be seen, and a code that says what the link says."""

from __future__ import annotations

import io
from urllib.parse import urlsplit
from xml.etree import ElementTree

import pytest
import segno
from flask import Flask
from PIL import Image
from playwright.sync_api import Browser, Route

from app.core.db import db, transaction
from app.core.ids import encode_id
from app.core.qr import draw_qr, qr_png
from app.core.web import STATIC
from app.needs.models import PrivateAddress
from tests.conftest import CheckingClient
from tests.factories import make_fundraiser, make_need, make_organization


def test_a_page_is_shared_by_link_code_and_paper(app: Flask, client: CheckingClient) -> None:
    need, fundraiser = make_need(title="Sort & pack"), make_fundraiser(title="Run for books")
    organization = make_organization(name="Pantry & Co")
    for path, step, title in (
        (f"/needs/{encode_id(need.id)}", f"/share/need/{encode_id(need.id)}", "Sort &amp; pack"),
        (f"/fundraisers/{fundraiser.slug}", f"/share/fundraiser/{fundraiser.slug}", "Run"),
        (f"/organizations/{organization.slug}", f"/share/organization/{organization.slug}", "Pantry &amp; Co"),
    ):
        page = client.get(step)
        assert f'value="http://localhost{path}"' in page.text
        assert title in page.text
        assert "Set-Cookie" not in page.headers
        poster = client.get(f"{path}/poster").text
        # It breaks only where a part of it ends.
        strip = f"localhost{path}".replace("/", "/<wbr>")
        assert f'<b dir="ltr" translate="no">http://{strip}</b>' in poster
        assert poster.count(f'<span dir="ltr" translate="no">{strip}</span>') == 8
        picture = client.get(f"{path}/qr.png")
        assert picture.content_type == "image/png"
        assert Image.open(io.BytesIO(picture.data)).width >= 400
        drawing = client.get(f"{path}/qr.svg")
        assert drawing.content_type == "image/svg+xml"
        assert drawing.headers["Content-Disposition"] == 'attachment; filename="qr.svg"'
        assert ElementTree.fromstring(drawing.data).tag == "{http://www.w3.org/2000/svg}svg"
        assert f"{path}/qr.svg" in page.text
        assert f'href="{step}"' in client.get(path).text
        assert f'href="{step}"' in poster


def test_the_code_is_that_of_the_address(app: Flask) -> None:
    url = "http://localhost/needs/abc"
    matrix = segno.make(url, error="m", micro=False).matrix
    image = Image.open(io.BytesIO(qr_png(url))).convert("L")
    scale = image.width // (len(matrix) + 8)
    read = [
        [image.getpixel(((x + 4) * scale + 1, (y + 4) * scale + 1)) == 0 for x in range(len(matrix))]
        for y in range(len(matrix))
    ]
    assert read == [[bool(dark) for dark in row] for row in matrix]
    assert "style=" not in draw_qr(url)


@pytest.mark.browser
def test_a_button_hands_the_link_on_where_the_browser_can(app: Flask, client: CheckingClient, browser: Browser) -> None:
    key = encode_id(make_need(title="Sort and pack").id)
    path, step = f"/needs/{key}", f"/share/need/{key}"
    sent = client.get(step)

    def answer(route: Route) -> None:
        address = urlsplit(route.request.url).path
        if address.startswith("/static/"):
            route.fulfill(path=STATIC / address.removeprefix("/static/"))
        else:
            route.fulfill(headers=dict(sent.headers), body=sent.data)

    for share, shown in (("undefined", False), ("async (what) => { window.handed = what }", True)):
        context = browser.new_context()
        context.route("**/*", answer)
        page = context.new_page()
        page.add_init_script(f"Navigator.prototype.share = {share}")
        page.goto(f"http://localhost{step}")
        assert page.is_visible("[data-share]") == shown
        if shown:
            page.click("[data-share]")
            handed = page.evaluate("window.handed")
            assert handed["url"] == f"http://localhost{path}"
            assert handed["text"].startswith("Sort and pack – ")
        context.close()


@pytest.mark.rule("N1")
@pytest.mark.rule("N6")
def test_nothing_is_shared_that_may_not_be_seen(app: Flask, client: CheckingClient) -> None:
    hidden = make_need(make_organization(verified_at=None))
    draft = make_need(status="draft")
    private = make_need(private_address=True)
    with transaction():
        db.session.add(PrivateAddress(need_id=private.id, address="12 Hidden Lane", postal_code="07199"))
    for need in (hidden, draft):
        for page in ("poster", "qr.png"):
            assert client.get(f"/needs/{encode_id(need.id)}/{page}").status_code == 404
        assert client.get(f"/share/need/{encode_id(need.id)}").status_code == 404
        assert client.get(f"/share/need/{encode_id(need.id)}?ready=yes").status_code == 404
    for page in (f"/share/need/{encode_id(private.id)}", f"/needs/{encode_id(private.id)}/poster"):
        text = client.get(page).text
        assert "Hidden Lane" not in text
    declined = make_fundraiser(status="declined")
    assert client.get(f"/share/fundraiser/{declined.slug}").status_code == 404
