"""What one follows, by API."""

from __future__ import annotations

from flask import Flask

from app.core.db import db, transaction
from app.fundraisers.models import Fundraiser
from app.organizations.models import Organization
from tests.api.test_main_job import Caller
from tests.factories import make_fundraiser, make_organization, make_person, make_topic


def test_following_changing_and_ending_it(app: Flask) -> None:
    organization, topic = make_organization(slug="pantry", name="Pantry"), make_topic(slug="checking")
    mine, other = Caller(app, make_person()), Caller(app, make_person())
    made = mine("POST", "/me/follows", {"organization": "pantry", "frequency": "daily"})
    assert made.status_code == 201
    assert (made.json["organization"], made.json["topic"], made.json["name"]) == ("pantry", None, "Pantry")
    assert made.json["url"] == "http://localhost/organizations/pantry"
    assert made.json["next_at"].endswith("Z")
    assert mine("POST", "/me/follows", {"topic": topic.slug}).json["frequency"] == "weekly"
    assert [row["name"] for row in mine("GET", "/me/follows").json["data"]] == ["Pantry", topic.title]
    assert other("GET", "/me/follows").json["data"] == []
    path = f"/me/follows/{made.json['id']}"
    assert mine("PATCH", path, {"frequency": "weekly"}).json["frequency"] == "weekly"
    assert other("PATCH", path, {"frequency": "daily"}).status_code == 404
    assert other("DELETE", path).status_code == 404
    with transaction():
        db.session.get_one(Organization, organization.id).status = "suspended"
    hidden = mine("GET", "/me/follows").json["data"][0]
    assert (hidden["organization"], hidden["name"], hidden["url"]) == (None, None, None)
    assert mine("DELETE", path).status_code == 204
    assert len(mine("GET", "/me/follows").json["data"]) == 1
    assert mine("PATCH", path, {"frequency": "daily"}).status_code == 409


def test_a_fundraiser_is_followed_while_the_public_sees_it(app: Flask) -> None:
    fundraiser, waiting = make_fundraiser(title="Run for books"), make_fundraiser(status="awaiting_approval")
    mine = Caller(app, make_person())
    made = mine("POST", "/me/follows", {"fundraiser": fundraiser.slug, "frequency": "daily"}).json
    assert (made["fundraiser"], made["organization"], made["name"]) == (fundraiser.slug, None, "Run for books")
    assert made["url"] == f"http://localhost/fundraisers/{fundraiser.slug}"
    for body in ({"fundraiser": waiting.slug}, {"fundraiser": "no-such"}):
        answer = mine("POST", "/me/follows", body)
        assert (answer.status_code, [entry["field"] for entry in answer.json["errors"]]) == (422, ["fundraiser"])
    with transaction():
        db.session.get_one(Fundraiser, fundraiser.id).status = "declined"
    [hidden] = mine("GET", "/me/follows").json["data"]
    assert (hidden["fundraiser"], hidden["name"], hidden["url"]) == (None, None, None)


def test_what_cannot_be_followed_is_told_at_its_field(app: Flask) -> None:
    make_organization(slug="hidden", verified_at=None)
    mine = Caller(app, make_person())
    for body, field in (
        ({}, "organization"),
        ({"organization": "hidden"}, "organization"),
        ({"topic": "no-such"}, "topic"),
        ({"organization": "hidden", "topic": "no-such"}, "organization"),
        ({"topic": "no-such", "frequency": "hourly"}, "frequency"),
    ):
        answer = mine("POST", "/me/follows", body)
        assert (answer.status_code, [entry["field"] for entry in answer.json["errors"]]) == (422, [field]), body
    unproved = Caller(app, make_person(email_verified_at=None))
    make_topic(slug="checking")
    refused = unproved("POST", "/me/follows", {"topic": "checking"})
    assert (refused.status_code, refused.json["reasons"][0]["code"]) == (409, "email_unverified")
