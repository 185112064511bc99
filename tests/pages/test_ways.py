"""The ways to help: each line leads into the part that works, near the place a reader names, and nobody looks where they are."""

from __future__ import annotations

import re

from tests.conftest import CheckingClient
from tests.factories import make_item, make_need, make_shift, make_topic


def leads(page: str) -> dict[str, str]:
    return {
        text: href.replace("&amp;", "&")
        for href, text in re.findall(r'<a class="button second" href="([^"]+)">([^<]+)</a>', page)
    }


def test_every_line_leads_to_a_page_that_is_there(client: CheckingClient) -> None:
    page = client.get("/ways-to-help")
    assert "Set-Cookie" not in page.headers
    found = leads(page.text)
    assert len(found) == 9
    assert found["Choose a fundraiser"] == "/fundraisers", "money is one of the ways"
    assert {text: client.get(url).status_code for text, url in found.items()} == {
        **dict.fromkeys(found, 200),
        "Start a fundraiser": 303,  # to sign in first, and then there
    }
    assert 'href="/ways-to-help"' in client.get("/").text.split("<footer")[1], "from every page"
    assert client.get("/help").headers["Location"] == "/ways-to-help"


def test_the_first_page_says_why_its_needs_are_not_in_plain_order_of_date(client: CheckingClient) -> None:
    assert "moved up" not in client.get("/").text, "of no needs there is nothing to say"
    make_shift(make_need(title="In four days"), days=4)
    make_shift(make_need(title="In ten days, critical", urgency="critical"), days=10)
    page = client.get("/").text
    assert page.index("In ten days, critical") < page.index("In four days")
    assert "In order of date, with what is urgent moved up." in page


def test_what_is_open_is_counted_around_the_place_that_was_named(client: CheckingClient) -> None:
    for _one in range(2):
        make_shift(make_need())
    make_item(make_need())
    far = make_need(latitude=52.52, longitude=13.4, city="Berlin", region=None, country="DE")
    make_shift(far)
    everywhere = client.get("/ways-to-help").text
    assert "3 needs open" in everywhere
    near = client.get("/ways-to-help?near=Newark, NJ").text
    assert "2 needs open near Newark, NJ" in near
    assert "1 need open near Newark, NJ" in near
    assert leads(near)["Needs for time"] == "/needs?near=Newark%2C+NJ&wants=time"
    assert client.get(leads(near)["Needs for time"]).text.count("<article") == 2
    unknown = client.get("/ways-to-help?near=Nowhere at all")
    assert unknown.status_code == 422
    assert "Nowhere at all" in unknown.text
    assert "3 needs open" in unknown.text, "the page is there all the same"


def test_the_country_of_services_is_guessed_from_the_languages_alone(client: CheckingClient) -> None:
    for languages, words, url in (
        ("en-GB,en", "Services in: United Kingdom", "/report?country=GB"),
        ("de", "Services in: European Union", "/report?country=EU"),
        ("en", "", "/report"),
    ):
        headers = {"Accept-Language": languages, "X-Forwarded-For": "81.2.69.142", "CF-IPCountry": "FR"}
        page = client.get("/ways-to-help", headers=headers).text
        assert leads(page)["Where to report"] == url
        assert ("Services in:" in page) is bool(words)
        assert words in page


def test_news_are_chosen_by_topic_and_lead_to_following_it(client: CheckingClient) -> None:
    topic = make_topic(title="Words & numbers")
    page = client.get("/follow")
    assert "Set-Cookie" not in page.headers
    assert f'href="/follow/topics/{topic.slug}"' in page.text
    assert "Words &amp; numbers" in page.text
    assert client.get(f"/follow/topics/{topic.slug}").status_code == 200
    assert client.get("/learn.atom").status_code == 200
