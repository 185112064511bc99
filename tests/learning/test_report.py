"""Where to report: the right services, digit by digit, and no trace of whoever looked (L2)."""

from __future__ import annotations

import csv
import dataclasses
import datetime as dt
import logging
import os
import re
import types
from collections.abc import Iterable
from pathlib import Path

import pytest
import time_machine
from flask import Flask
from gunicorn.config import Config
from gunicorn.glogging import Logger
from markupsafe import escape
from werkzeug.test import EnvironBuilder

from app.core.ids import encode_id
from app.core.web import ROUTE
from app.learning.signposts import (
    COUNTRIES,
    NOTES,
    divide_signposts,
    guess_country,
    list_signposts,
    list_signposts_of,
)
from deploy import web_server
from tests.conftest import CheckingClient
from tests.factories import make_fact, make_fundraiser, make_need, make_organization, make_person

ROOT = Path(__file__).parent.parent.parent
# What whoever looked in November 2026 wrote of each service; a hand-made sample of the file that MANYHANDS_DATA names.
SAMPLE = {
    ("US", "NCMEC CyberTipline"): "report.cybertip.org; 1-800-843-5678",
    ("UK", "NSPCC Helpline"): "0808 800 5000; nspcc.org.uk",
    ("CA", "Kids Help Phone"): "1-800-668-6868; text CONNECT to 686868",
}
UNCERTAIN = {"us-trafficking", "au-accce", "au-kids-helpline"}


def contacts() -> list[str]:
    """What the file says of each service: how to reach it, and where that was read."""
    folder = os.environ.get("MANYHANDS_DATA")
    if not folder:
        return list(SAMPLE.values())
    with (Path(folder) / "report_channels.csv").open(newline="") as file:
        return [f"{row['contact']} {row['source']}" for row in csv.DictReader(file)]


@pytest.mark.rule("L2")
def test_every_number_and_address_is_the_service_s_own_digit_by_digit() -> None:
    words = " ".join(contacts())
    shown = list_signposts() if os.environ.get("MANYHANDS_DATA") else list_signposts_of("US")[1:2]
    for row in shown:
        for value in filter(None, (row.phone, row.text, row.text_word, row.web)):
            assert re.search(rf"(?<![\w-]){re.escape(value)}(?![\d-])", words), (row.key, value)
    assert len({row.key for row in list_signposts()}) == len(list_signposts()) == 24


@pytest.mark.rule("L2")
def test_what_is_not_certain_is_not_shown_as_certain(client: CheckingClient) -> None:
    assert {row.key for row in list_signposts() if row.note} == UNCERTAIN
    page = client.get("/report?country=US").text
    assert str(NOTES["operator_changed"]) in page
    assert "1-888-373-7888" not in page, "its operator changed, and the number is to be confirmed"
    # Sources disagree about these hours, so nothing is said of them.
    for key in ("gb-nspcc", "gb-childline", "gb-modern-slavery"):
        assert [row.hours for row in list_signposts() if row.key == key] == [""]


@pytest.mark.rule("L2")
@pytest.mark.parametrize("country", COUNTRIES)
def test_each_country_begins_with_its_emergency_number(client: CheckingClient, country: str) -> None:
    page = client.get(f"/report?country={country.lower()}")
    assert page.status_code == 200
    numbers = {"US": "911", "GB": "999", "CA": "911", "AU": "000", "EU": "112"}
    if country in numbers:
        assert f'href="tel:{numbers[country]}"' in page.text
        assert page.text.index(numbers[country]) < page.text.index("section", page.text.index("danger"))
    else:
        assert "emergency number of the country you are in" in page.text
    for row in list_signposts_of(country):
        assert str(escape(row.name)) in page.text


@pytest.mark.rule("L2")
def test_the_country_is_guessed_from_the_languages_alone() -> None:
    assert [guess_country([language]) for language in ("en-US", "en-GB", "fr-CA", "en_AU", "zh-Hans-US")] == [
        "US",
        "GB",
        "CA",
        "AU",
        "US",
    ]
    assert [guess_country([language]) for language in ("de", "de-AT", "fr", "es-ES")] == ["EU"] * 4
    assert [guess_country([language]) for language in ("en", "es", "es-MX", "sw-KE", "")] == ["ZZ"] * 5
    assert guess_country(["es", "en-US"]) == "US"
    assert guess_country([]) == "ZZ"


@pytest.mark.rule("L2")
def test_a_visit_leaves_no_trace_here(
    app: Flask, client: CheckingClient, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    with caplog.at_level(logging.DEBUG):
        for path in ("/report", "/report?country=GB", "/report?country=nonsense", "/report.json?country=US"):
            answer = client.get(path, headers={"Accept-Language": "en-GB"})
            assert answer.status_code == 200
            assert "Set-Cookie" not in answer.headers
            assert answer.headers["Cache-Control"] == "no-store"
            assert answer.headers["Referrer-Policy"] == "no-referrer"
            assert "csrf_token" not in answer.text
    assert [record for record in caplog.records if record.name != "tests"] == []
    assert capfd.readouterr() == ("", "")


def lines_of(logger: type[Logger], paths: Iterable[str], capfd: pytest.CaptureFixture[str]) -> list[str]:
    """What gunicorn writes of requests for these paths where access lines are asked for."""
    settings = Config()
    settings.set("accesslog", "-")
    log = logger(settings)
    answer = types.SimpleNamespace(status="200 OK", sent=1, headers=[])
    for path in paths:
        environ = {
            "PATH_INFO": path,
            "RAW_URI": path,
            "REQUEST_METHOD": "GET",
            "SERVER_PROTOCOL": "HTTP/1.1",
            ROUTE: path,
        }
        log.access(answer, types.SimpleNamespace(headers=[]), environ, dt.timedelta(seconds=1))
    for handler in log.access_log.handlers:
        handler.flush()
    return re.findall(r"GET (\S+) HTTP", capfd.readouterr().out)


@pytest.mark.rule("L2")
def test_the_server_and_the_proxy_as_shipped_write_no_line_of_it_either(
    client: CheckingClient, capfd: pytest.CaptureFixture[str]
) -> None:
    """Neither of the page nor of what only pages like it load: in gunicorn with access lines on, and in nginx."""
    loaded = re.findall(r'(?:href|src)="(/static/(?:css|js)/[^?"]+)', client.get("/report").text)
    unseen = ["/report", "/report/", "/report.json", *loaded]
    assert lines_of(web_server.logger_class, [*unseen, "/needs"], capfd) == ["/needs"]
    assert lines_of(Logger, [*unseen, "/needs"], capfd) == [*unseen, "/needs"], "gunicorn's own would tell"
    proxy = (ROOT / "deploy" / "nginx.conf.example").read_text()
    quiet = re.search(r"location ~ (\S+) \{\s+access_log off;\s+error_log /dev/null crit;", proxy)
    assert quiet is not None
    assert [path for path in [*unseen, "/needs", "/reports"] if re.search(quiet[1], path)] == unseen
    assert re.search(r"listen 80;[^}]*access_log off;", proxy), "nor who comes without TLS"


def test_a_line_tells_the_route_and_never_the_address(app: Flask, capfd: pytest.CaptureFixture[str]) -> None:
    """Whoever has the address of a link may do what it is for; what somebody looked for is nobody's business either."""
    settings = Config()
    settings.set("accesslog", "-")
    settings.set("access_log_format", '%(r)s %(U)s %(q)s "%(f)s" %({referer}i)s %({raw_uri}e)s %({host}i)s')
    seen = types.SimpleNamespace(headers=[("REFERER", "http://localhost/places/secret"), ("HOST", "localhost")])
    for path in ("/my-help/calendar/secret.ics", "/monthly/secret?q=secret", "/needs?q=secret", "/secret"):
        environ = EnvironBuilder(path=path, headers={"Referer": "http://localhost/places/secret"}).get_environ()
        environ["RAW_URI"] = path
        app.wsgi_app(environ, lambda _status, _headers, _info=None: lambda _body: None)
        answer = types.SimpleNamespace(status="200 OK", sent=1, headers=[])
        for logger in (web_server.logger_class, Logger):
            log = logger(settings)
            log.access(answer, seen, environ, dt.timedelta(seconds=1))
    lines = capfd.readouterr().out.splitlines()
    assert lines[::2] == [
        f'GET {route} HTTP/1.1 {route}  "-" - - -'
        for route in ("/my-help/calendar/<feed_token>.ics", "/monthly/<token>", "/needs", "-")
    ]
    assert all("secret" in line for line in lines[1::2]), "gunicorn's own would tell"


@pytest.mark.rule("L2")
def test_nothing_of_it_is_counted_or_limited(app: Flask) -> None:
    """Nobody is told to come back later, and no counter of the database or of the process moves."""
    client = app.test_client()
    assert {client.get("/report").status_code for _time in range(200)} == {200}
    assert all("X-RateLimit-Limit" not in client.get(path).headers for path in ("/report", "/report.json"))


@pytest.mark.rule("L2")
def test_it_does_not_need_the_database(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    def nothing(*_arguments: object, **_named: object) -> None:
        raise AssertionError("the page of services asked the database")

    monkeypatch.setattr("sqlalchemy.engine.Connection.execute", nothing)
    assert app.test_client().get("/report?country=US").status_code == 200


@pytest.mark.rule("L2")
def test_all_of_it_is_under_20_kilobytes_uncompressed(client: CheckingClient) -> None:
    for country in COUNTRIES:
        page = client.get(f"/report?country={country}").text
        parts = re.findall(r'(?:href|src)="/static/([^?"]+)', page)
        assert sorted(parts) == ["css/report.css", "favicon.svg", "js/leave.js"]
        size = len(page.encode()) + sum((ROOT / "app" / "static" / part).stat().st_size for part in parts)
        assert size < 20_000, (country, size)


@pytest.mark.rule("L2")
def test_it_is_one_click_away_from_every_page_and_named_neutrally(client: CheckingClient) -> None:
    for path in ("/", "/needs", "/organizations", "/sign-in", "/nowhere"):
        assert 'href="/report"' in client.get(path).text, path
    title = re.search(r"<title>(.*?)</title>", client.get("/report").text, re.DOTALL)
    assert title is not None
    assert not re.search(r"report|abuse|traffick|exploit", title.group(1), re.IGNORECASE)
    answer = client.get("/report").text
    assert re.search(r'<a class="out" href="https://[^"]+" rel="noreferrer" data-leave>Leave this page</a>', answer)
    assert "Do not screenshot, do not download, do not share" in answer


@pytest.mark.rule("L2")
@pytest.mark.parametrize("country", COUNTRIES)
def test_a_young_person_finds_somebody_to_talk_to_on_the_page_of_every_country(
    client: CheckingClient, country: str
) -> None:
    """The answer about a picture of oneself promises it and links here: a service that can be reached, not its name alone."""
    page = client.get(f"/report?country={country}").text
    assert page.count('id="young"') == 1
    own, elsewhere = divide_signposts(country)
    assert [row.name for row in own if row.heading.startswith("young") and (row.web or row.phone)], country
    assert not {row.key for row in own} & {row.key for row in elsewhere}
    assert [row for row in own if row.heading in ("images", "child_exploited") and row.web], country
    assert {row.key for row in [*own, *elsewhere]} >= {"any-inhope", "any-child-helplines"}


@pytest.mark.rule("L2")
def test_what_can_be_texted_has_its_number_and_nobody_is_promised_to_whom_it_speaks(client: CheckingClient) -> None:
    page = client.get("/report?country=US").text
    assert 'href="sms:18004224453"><bdi dir="ltr">1-800-422-4453</bdi>' in page
    assert "worry over a child" not in page, "a young person may call there as well"
    assert "You need not say who you are" not in page


@pytest.mark.rule("L2")
def test_what_it_says_of_back_is_true_with_and_without_the_script(client: CheckingClient) -> None:
    """Only the script takes the page out of the tab's history: without it the page does not say so."""
    page = client.get("/report").text
    assert re.search(r"<p[^>]* data-leave-gone hidden>The way out takes this page out of this tab", page)
    assert re.search(r"<p[^>]* data-leave-kept>Without JavaScript, Back returns to this page", page)
    script = (ROOT / "app" / "static" / "js" / "leave.js").read_text()
    assert '"[data-leave-gone]")?.removeAttribute("hidden")' in script
    assert '"[data-leave-kept]")?.setAttribute("hidden", "")' in script


@pytest.mark.rule("L2")
def test_a_demonstration_does_not_call_services_and_sources_unreal(app: Flask, client: CheckingClient) -> None:
    settings = app.config["SETTINGS"]
    app.config["SETTINGS"] = dataclasses.replace(settings, payments_mode="demo")
    try:
        make_fact(slug="said")
        for path in (
            "/report",
            "/learn",
            "/learn?q=zebra",
            "/learn/facts/said",
            "/share/fact/said",
            "/learn/courses",
            "/ways-to-help",
        ):
            page = client.get(path).text
            assert "These services and sources are real." in page, path
            assert "nothing here is real" not in page, path
        assert "nothing here is real" in client.get("/needs").text
    finally:
        app.config["SETTINGS"] = settings


@pytest.mark.rule("L2")
def test_a_row_that_nobody_checked_for_half_a_year_says_so(client: CheckingClient) -> None:
    assert "Not checked since" not in client.get("/report?country=US").text
    with time_machine.travel(dt.datetime(2027, 5, 14, 12, tzinfo=dt.UTC), tick=False):
        assert "Not checked since Saturday, November 14, 2026" in client.get("/report?country=US").text


def test_programs_read_the_same(client: CheckingClient) -> None:
    answer = client.get("/report.json?country=US").get_json()
    assert answer["country"] == "US"
    by_name = {service["name"]: service for service in answer["services"]}
    assert by_name["NCMEC CyberTipline"]["phone"] == "1-800-843-5678"
    assert by_name["National Human Trafficking Hotline"]["certain"] is False
    assert by_name["National Human Trafficking Hotline"]["phone"] is None
    assert "INHOPE" in by_name


@pytest.mark.rule("L2")
def test_pages_of_people_who_may_be_worried_lead_there(client: CheckingClient) -> None:
    organization = make_organization(make_person())
    need = make_need(organization)
    fundraiser = make_fundraiser(organization)
    line = "Worried about someone's safety? Where to report"
    for path in (
        f"/needs/{encode_id(need.id)}",
        f"/organizations/{organization.slug}",
        f"/fundraisers/{fundraiser.slug}",
        "/nowhere",
    ):
        assert f'<a href="/report">{line}</a>' in client.get(path).text, path
