"""An organization's logo: who puts it up, who sees it, and what is left of what was uploaded."""

from __future__ import annotations

import io
from collections.abc import Callable

import pytest
import sqlalchemy as sa
from flask import Flask
from PIL import Image
from werkzeug.test import TestResponse

from app.core.audit import AuditEvent
from app.core.clock import now
from app.core.db import db, transaction
from app.core.ids import encode_id
from app.core.pictures import MAXIMUM_FORM, reencode
from app.organizations.models import Logo, Organization
from app.organizations.operations import remove_logo, set_logo
from tests.conftest import CheckingClient
from tests.core.test_pictures import exif, halves, written
from tests.factories import make_fundraiser, make_member, make_need, make_organization, make_person

SignIn = Callable[..., CheckingClient]
PICTURE = written(halves(600, 300), "PNG")


def upload(
    browser: CheckingClient, organization: Organization, data: bytes, file: str = "logo.png", **fields: str
) -> TestResponse:
    """Send the settings with a picture as a browser does. (The test client's own way would leave a large one open.)"""
    sent = {
        "csrf_token": browser.csrf_token(), "name": organization.name, "description": "What we do.", "website": "", **fields,
    }  # fmt: skip
    parts = [
        f'--end\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n' for name, value in sent.items()
    ]
    parts += [
        f'--end\r\nContent-Disposition: form-data; name="logo"; filename="{file}"\r\nContent-Type: image/png\r\n\r\n'
    ]
    body = "".join(parts).encode() + data + b"\r\n--end--\r\n"
    path = f"/manage/{organization.slug}/settings"
    return browser.post(path, data=body, content_type="multipart/form-data; boundary=end")


def with_logo(organization: Organization, data: bytes = PICTURE) -> str:
    """Put up a logo; its address."""
    by = make_member(organization, "owner")
    with transaction():
        logo = set_logo(organization.id, reencode(data, box=320), by=by)
    return f"/organizations/{organization.slug}/logo/{logo.digest}"


@pytest.mark.rule("G8")
def test_a_logo_is_uploaded_shown_replaced_and_removed(app: Flask, sign_in: SignIn) -> None:
    owner = make_person()
    organization = make_organization(owner)
    browser = sign_in(owner)
    before = browser.get(f"/manage/{organization.slug}/settings").text
    assert 'enctype="multipart/form-data"' in before
    assert "not a photograph of people" in before
    assert 'class="logo"' not in before
    assert upload(browser, organization, written(halves(), "JPEG", exif=exif(6)), "where.jpg").status_code == 303
    logo = db.session.scalars(sa.select(Logo)).one()
    first = f"/organizations/{organization.slug}/logo/{logo.digest}"
    assert (logo.width, logo.height) == (213, 320)
    sent = browser.get(first)
    assert not Image.open(io.BytesIO(sent.data)).getexif()
    assert first in browser.get(f"/manage/{organization.slug}/settings").text
    upload(browser, organization, PICTURE)
    second = f"/organizations/{organization.slug}/logo/{db.session.scalars(sa.select(Logo.digest)).one()}"
    assert browser.get(first).status_code == 404
    assert browser.get(second).status_code == 200
    # Saved again without a file, it stays.
    settings = {"name": "Renamed", "description": "", "website": ""}
    assert browser.post(f"/manage/{organization.slug}/settings", data=settings).status_code == 303
    assert second in browser.get(f"/manage/{organization.slug}/settings").text
    assert second in browser.get(f"/manage/{organization.slug}/logo/remove").text
    assert browser.post(f"/manage/{organization.slug}/logo/remove").status_code == 303
    assert browser.get(second).status_code == 404
    assert db.session.scalars(sa.select(Logo)).all() == []
    assert browser.post(f"/manage/{organization.slug}/logo/remove").status_code == 303  # pressed twice


@pytest.mark.rule("A2")
def test_every_change_of_a_logo_is_an_event(app: Flask, sign_in: SignIn) -> None:
    owner = make_person()
    organization = make_organization(owner)
    version = organization.version
    with transaction():
        set_logo(organization.id, reencode(PICTURE, box=320), by=owner)
    with transaction():
        remove_logo(organization.id, by=owner)
    with transaction():
        remove_logo(organization.id, by=owner)
    actions = db.session.scalars(sa.select(AuditEvent.action).order_by(AuditEvent.id)).all()
    assert actions == ["organization.logo_set", "organization.logo_removed"]
    assert db.session.get_one(Organization, organization.id).version == version + 2
    told = sign_in(owner).get(f"/manage/{organization.slug}/activity").text
    assert "put up a logo" in told
    assert "took the logo away" in told


@pytest.mark.rule("G8")
@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"<svg xmlns='http://www.w3.org/2000/svg'></svg>", "Choose a PNG, JPEG, WebP or GIF"),
        (b"<!doctype html><script>alert(1)</script>", "Choose a PNG, JPEG, WebP or GIF"),
        (PICTURE[: len(PICTURE) // 2], "This picture is damaged"),
        (b"\x89PNG" + b"\0" * 15 * 1024 * 1024, "larger than 4 MB"),
    ],
)
def test_what_cannot_be_taken_is_said_at_the_field_and_nothing_typed_is_lost(
    app: Flask, sign_in: SignIn, data: bytes, words: str
) -> None:
    owner = make_person()
    organization = make_organization(owner)
    answer = upload(sign_in(owner), organization, data, name="Newly typed", website="https://new.example.org")
    assert answer.status_code == 422
    assert words in answer.text.split('id="logo-error"')[1][:400]
    assert '<a href="#logo">' in answer.text
    assert "https://new.example.org" in answer.text
    assert "Newly typed" in answer.text
    kept = db.session.get_one(Organization, organization.id)
    assert (kept.name, kept.website, kept.logo) == (organization.name, None, None)


def test_what_is_far_too_large_is_not_even_read(app: Flask, sign_in: SignIn) -> None:
    owner = make_person()
    organization = make_organization(owner)
    browser = sign_in(owner)
    answer = upload(browser, organization, b"\0" * MAXIMUM_FORM)
    assert answer.status_code == 303
    page = browser.get(answer.location)
    assert page.status_code == 422
    assert "larger than 4 MB" in page.text


@pytest.mark.rule("N1")
def test_a_logo_is_seen_by_whoever_sees_the_organization(
    app: Flask, client: CheckingClient, new_client: Callable[[], CheckingClient], sign_in: SignIn
) -> None:
    hidden, shown = make_organization(verified_at=None), make_organization()
    suspended = make_organization(status="suspended")
    addresses = {organization.id: with_logo(organization) for organization in (hidden, shown, suspended)}
    staff = {organization.id: make_member(organization, "viewer") for organization in (hidden, shown, suspended)}
    stranger = sign_in(make_person(), new_client())
    for organization in (hidden, suspended):
        assert client.get(addresses[organization.id]).status_code == 404
        assert stranger.get(addresses[organization.id]).status_code == 404
        assert sign_in(staff[shown.id], new_client()).get(addresses[organization.id]).status_code == 404
        seen = sign_in(staff[organization.id], new_client()).get(addresses[organization.id])
        assert seen.status_code == 200
        assert seen.headers["Cache-Control"] == "private, no-store"
    # The control: what the public may see is sent to everybody, and another's digest is nothing here.
    public = client.get(addresses[shown.id])
    assert public.status_code == 200
    assert "Set-Cookie" not in public.headers
    assert stranger.get(addresses[shown.id]).data == public.data
    elsewhere = addresses[hidden.id].rsplit("/", 1)[1]
    assert client.get(f"/organizations/{shown.slug}/logo/{elsewhere[::-1]}").status_code == 404
    with transaction():
        db.session.get_one(Organization, hidden.id).verified_at = now()
    assert client.get(addresses[hidden.id]).status_code == 200


def test_a_logo_is_kept_for_ever_and_can_do_nothing(app: Flask, client: CheckingClient) -> None:
    address = with_logo(make_organization())
    sent = client.get(address)
    assert sent.content_type == "image/png"
    assert sent.headers["X-Content-Type-Options"] == "nosniff"
    assert sent.headers["Content-Disposition"] == "inline"
    assert sent.headers["Content-Security-Policy"].startswith("default-src 'none'; sandbox")
    assert sent.headers["Cache-Control"] == "public, max-age=31536000, immutable"
    etag = sent.headers["ETag"]
    assert not etag.startswith("W/")
    again = client.get(address, headers={"If-None-Match": etag})
    assert (again.status_code, again.data) == (304, b"")


def test_pages_show_the_logo_beside_the_name(app: Flask, client: CheckingClient, count_queries: list[str]) -> None:
    organization = make_organization()
    need = make_need(organization)
    fundraiser = make_fundraiser(organization, need_id=need.id)
    paths = (
        f"/organizations/{organization.slug}",
        f"/needs/{encode_id(need.id)}",
        f"/fundraisers/{fundraiser.slug}",
    )
    assert all('class="logo"' not in client.get(path).text for path in paths)
    counted = []
    for path in paths[1:]:
        count_queries.clear()
        client.get(path)
        counted.append(len(count_queries))
    address = with_logo(organization)
    for path in paths:
        tag = client.get(path).text.split('<img class="logo"')[1].split(">")[0]
        assert f'src="{address}"' in tag
        assert 'alt=""' in tag
        assert 'width="' in tag
        assert 'height="' in tag
    for path, before in zip(paths[1:], counted, strict=True):
        count_queries.clear()
        client.get(path)
        assert len(count_queries) == before
    assert "img-src 'self'" in client.get(paths[0]).headers["Content-Security-Policy"]


def test_the_interface_names_the_logo(app: Flask, client: CheckingClient) -> None:
    bare, organization = make_organization(), make_organization()
    assert client.get(f"/api/v1/organizations/{bare.slug}").json["logo_url"] is None  # type: ignore[index]  # JSON
    before = client.get(f"/api/v1/organizations/{organization.slug}").headers["ETag"]
    address = with_logo(organization)
    answer = client.get(f"/api/v1/organizations/{organization.slug}", headers={"If-None-Match": before})
    assert answer.json is not None
    assert answer.json["logo_url"] == f"http://localhost{address}"
    listed = {each["slug"]: each["logo_url"] for each in client.get("/api/v1/organizations").json["data"]}  # type: ignore[index]  # JSON
    assert listed == {bare.slug: None, organization.slug: f"http://localhost{address}"}
