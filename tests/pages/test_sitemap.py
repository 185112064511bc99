"""The map of the site has what the public may see, and nothing else (N1)."""

from __future__ import annotations

from email.utils import parseaddr
from xml.etree import ElementTree

import pytest
import time_machine
from flask import Flask

from app.core.db import db, transaction
from app.core.ids import encode_id
from app.learning.models import Article
from app.learning.operations import withdraw
from app.organizations.models import Organization
from tests.conftest import CheckingClient
from tests.factories import (
    make_article,
    make_fact,
    make_fundraiser,
    make_need,
    make_organization,
    make_person,
    make_question,
)

SPACE = "{http://www.sitemaps.org/schemas/sitemap/0.9}"


def paths(client: CheckingClient) -> set[str]:
    answer = client.get("/sitemap.xml")
    assert answer.content_type == "application/xml"
    urls = [one.text or "" for one in ElementTree.fromstring(answer.data).iter(f"{SPACE}loc")]
    assert len(urls) == len(set(urls))
    assert all(url.startswith("http://localhost/") for url in urls)
    return {url.removeprefix("http://localhost") for url in urls}


@pytest.mark.rule("N1")
def test_the_map_has_what_the_public_sees_now(client: CheckingClient, count_queries: list[str]) -> None:
    organization = make_organization(make_person())
    need = make_need(organization)
    fundraiser = make_fundraiser(organization)
    hidden = make_need(make_organization(verified_at=None))
    paused = make_need(organization, status="paused")
    fact = make_fact()
    article = make_article(fact.topic)
    question = make_question(fact.topic)
    make_article(fact.topic, slug="a-draft", status="draft")
    count_queries.clear()
    shown = paths(client)
    assert len(count_queries) <= 9
    count_queries.clear()
    assert paths(client) == shown
    assert len(count_queries) <= 1  # kept until something is committed
    assert shown >= {
        "/", "/needs", "/organizations", "/fundraisers", "/learn", "/learn/check", "/ways-to-help", "/follow", "/report",
        f"/needs/{encode_id(need.id)}",
        f"/organizations/{organization.slug}", f"/fundraisers/{fundraiser.slug}", f"/learn/{article.slug}",
        f"/learn/facts/{fact.slug}", f"/learn/questions/{question.slug}", f"/learn/topics/{fact.topic.slug}",
    }  # fmt: skip
    for path in shown:
        assert client.get(path).status_code == 200, path
    assert f"/needs/{encode_id(hidden.id)}" not in shown
    assert f"/needs/{encode_id(paused.id)}" not in shown
    assert "/learn/a-draft" not in shown
    person = make_person()
    with transaction():
        withdraw(Article, article.id, by=person, because="Out of date.")
        db.session.get_one(Organization, organization.id).status = "suspended"
    gone = {f"/learn/{article.slug}", f"/needs/{encode_id(need.id)}", f"/organizations/{organization.slug}",
            f"/fundraisers/{fundraiser.slug}"}  # fmt: skip
    assert paths(client) == shown - gone


def test_robots_are_told_where_the_map_is(client: CheckingClient) -> None:
    text = client.get("/robots.txt").text
    assert "Sitemap: http://localhost/sitemap.xml" in text
    assert "Disallow: /manage/" in text
    assert "Disallow: /learn\n" not in text


def test_whoever_finds_a_hole_reads_whom_to_write_to(app: Flask, client: CheckingClient) -> None:
    with time_machine.travel("2026-11-28T20:50:00+00:00", tick=False):
        lines = dict(line.split(": ", 1) for line in client.get("/.well-known/security.txt").text.splitlines())
    sender = parseaddr(app.config["SETTINGS"].mail_from)[1]
    assert (lines["Contact"], lines["Expires"]) == (f"mailto:{sender}", "2027-02-26T00:00:00Z")
    assert lines["Canonical"].endswith("/.well-known/security.txt")
