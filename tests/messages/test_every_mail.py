"""Every mail there is, in each of its forms: it has both parts that say the same, its way out where one is due, and its
page on /design. What is sent by real acts is compared with it in tests/house/test_translation.py."""

from __future__ import annotations

import re
from collections.abc import Iterator

import html5lib
import pytest
from flask import Flask

from app.core.mail import Mail
from app.messages.delivery import write
from app.messages.kinds import find_kind
from app.pages.mail_names import LONG, NAMES, OTHER, RIGHT_TO_LEFT, SITE, TOKEN, USUAL
from app.pages.mail_samples import SAMPLES
from tests.conftest import CheckingClient
from tests.house.pseudo import ROOT
from tests.page_rules import html_errors

STOP = f"{SITE}/mail/stop/{TOKEN}"
FOLDER = ROOT / "templates" / "emails"


def forms() -> Iterator[tuple[str, str, Mail]]:
    """Every mail in each form, as it would leave: (name, form, mail)."""
    for name, sample in SAMPLES.items():
        for variant in sample.variants:
            stop = STOP if sample.kind else None
            mail = write(
                name, to="ana@example.org", locale=None, kind=sample.kind, stop_url=stop, **sample.fill(variant)
            )
            yield name, variant, mail


def links_of(html: str) -> set[str]:
    """Where the HTML of a mail leads."""
    tree = html5lib.parse(html, namespaceHTMLElements=False)
    return {str(link.get("href")) for link in tree.iter("a")}


def test_every_mail_has_samples_and_both_parts() -> None:
    for ending in ("txt", "html"):
        named = {str(path.relative_to(FOLDER).with_suffix("")) for path in FOLDER.glob(f"*/*.{ending}")}
        assert {name for name in named if "/_" not in name} == set(SAMPLES)


def test_in_stripes_test_mode_both_parts_of_a_mail_about_money_say_so(app: Flask) -> None:
    marked = {name: values for name, sample in SAMPLES.items() if "in_test" in (values := sample.fill(USUAL))}
    assert len(marked) >= 10
    for name, values in marked.items():
        mail = write(name, to="ana@example.org", locale=None, **values | {"demo": False, "in_test": True})
        for part in (mail.text, mail.html):
            assert "Test: only test cards work here, and no money moved." in part, name


def test_every_mail_reads_well_as_text_and_as_html_in_every_form(app: Flask) -> None:
    found: list[str] = []
    for name, variant, mail in forms():
        faults = html_errors(mail.html)
        tree = html5lib.parse(mail.html, namespaceHTMLElements=False)
        titles = [" ".join((title.text or "").split()) for title in tree.iter("title")]
        if titles != [" ".join(mail.subject.split())] or not mail.subject.strip():
            faults.append(f"is called {mail.subject!r} and {titles}")
        if len(list(tree.iter("h1"))) != 1:
            faults.append("has not one heading")
        if re.search(r" style=| src=|<script|<link|url\(", mail.html):
            faults.append("loads something, or styles without its sheet")
        if "\n\n\n" in mail.text or "\n\n-- \n" not in mail.text or mail.text.startswith("\n"):
            faults.append("the text has empty lines where none belong")
        if re.search(r"<\w|&\w+;|\bNone\b|Undefined|%\(|\{[{%]", mail.text):
            faults.append("the text shows what is not for people")
        # An address that ends a sentence takes its full stop with it; one to follow stands alone at the end of a line.
        faults += [
            f"the text hides a link: {line}" for line in mail.text.splitlines() if re.search(r"https?://\S+ ", line)
        ]
        faults += [f"only the HTML leads to {link}" for link in links_of(mail.html) if link not in mail.text.split()]
        found += [f"{name} ({variant}): {fault}" for fault in faults]
    assert not found, "\n".join(found)


@pytest.mark.rule("M2")
def test_the_way_out_is_in_every_mail_of_a_kind_and_in_no_other(app: Flask) -> None:
    for name, variant, mail in forms():
        kind, headers = SAMPLES[name].kind, dict(mail.headers)
        assert kind is None or find_kind(kind) is not None, name
        due = kind is not None
        assert (headers.get("List-Unsubscribe") == f"<{STOP}>") is due, name
        assert (headers.get("List-Unsubscribe-Post") == "List-Unsubscribe=One-Click") is due, name
        assert (STOP in mail.text.split()) is due, (name, variant)
        assert (STOP in links_of(mail.html)) is due, (name, variant)


def test_a_name_that_runs_the_other_way_turns_no_sentence_around(app: Flask) -> None:
    names = NAMES[RIGHT_TO_LEFT]
    mail = next(mail for name, variant, mail in forms() if (name, variant) == ("signups/moved", RIGHT_TO_LEFT))
    for part in (mail.text, mail.html):
        assert f"Hello \u2068{names.person}\u2069, \u2068{names.organization}\u2069 changed this shift." in part
        assert f"\u2068{names.other}, \u2066+1 201 555 0142\u2069\u2069" in part


def test_every_mail_is_shown_on_the_page_of_components(app: Flask, client: CheckingClient) -> None:
    sheet = client.get("/design").text
    for name, sample in SAMPLES.items():
        assert f'href="/design/mails/{name}"' in sheet
        page = client.get(f"/design/mails/{name}?as={LONG}")
        assert page.status_code == 200
        assert f'src="/design/mails/{name}/html?as={LONG}" sandbox title=' in page.text
        assert ("List-Unsubscribe=" in page.text or STOP in page.text) is (sample.kind is not None)
    page = client.get("/design/mails/signups/confirmed")
    assert "Subject" in page.text
    assert "Give your place to somebody else:" in page.text
    assert f"as={OTHER}" in page.text


def test_a_mail_in_its_frame_may_use_its_own_style_sheet_and_nothing_else(app: Flask, client: CheckingClient) -> None:
    answer = client.get("/design/mails/needs/thanks/html")
    policy = answer.headers["Content-Security-Policy"]
    assert re.fullmatch(
        r"sandbox; default-src 'none'; style-src 'sha256-[\w+/]{43}='; form-action 'none'; base-uri 'none'; "
        r"frame-ancestors 'self'",
        policy,
    )
    assert "Set-Cookie" not in answer.headers
    for missing in ("needs/nothing", "needs/nothing/html", "needs/thanks?as=sideways", "needs/confirm?as=other"):
        assert client.get(f"/design/mails/{missing}").status_code == 404
