"""G12: the right words, in everything that is shown: templates, code with its demonstration data, scripts and styles, what is
written for the learn pages, catalogues of translations, documents. Quoted law keeps its words, and only there."""

from __future__ import annotations

import datetime as dt
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from app.learning import seed
from app.learning.operations.inputs import ArticleInput, FactInput, QuestionInput, SourceInput
from app.learning.signposts import HEADINGS, NOTES, list_signposts
from app.learning.wording import wrong_words
from app.pages import demo_data
from tests.house import pseudo

ROOT = Path(__file__).parent.parent.parent
# Where a law may be quoted: what people read as texts. Everywhere else nothing is exempt.
MAY_QUOTE = frozenset({"docs", "data"})
LISTS = {"app/learning/wording.py"}  # names what it refuses
READ = frozenset(
    {".html", ".txt", ".svg", ".py", ".js", ".css", ".toml", ".md", ".po", ".pot", ".json", ".tsv", ".xml"}
)
VENDORED = frozenset({"htmx.min.js", "htmx.LICENSE.txt"})


def shown_files() -> Iterator[Path]:
    """Every file of ours that is text and that somebody may be shown."""
    for top in ("templates", "app", "docs", "deploy", "migrations"):
        for path in sorted((ROOT / top).rglob("*")):
            if path.suffix in READ and path.name not in VENDORED and "__pycache__" not in path.parts:
                yield path
    yield from (ROOT / "README.md", ROOT / "CONTRIBUTING.md", ROOT / "config.py")


def wrong_in_files(files: Iterator[Path]) -> list[str]:
    found = []
    for path in files:
        name = path.relative_to(ROOT).as_posix() if path.is_relative_to(ROOT) else path.name
        if name in LISTS:
            continue
        may_quote = bool(MAY_QUOTE & set(path.parts))
        texts = list(values_in(tomllib.loads(path.read_text()))) if path.suffix == ".toml" else [(path.read_text(), "")]
        for text, about in texts:
            found += [f"{name}: {wrong}" for wrong, _right in wrong_words(text, about=about, may_quote=may_quote)]
    return found


def values_in(table: Any, about: str = "") -> Iterator[tuple[str, str]]:
    """Every text of a TOML file, each with those that stand beside it in its table."""
    if isinstance(table, str):
        yield table, about
    elif isinstance(table, list):
        for value in table:
            yield from values_in(value, about)
    elif isinstance(table, dict):
        beside = " ".join(value for value in table.values() if isinstance(value, str))
        for value in table.values():
            yield from values_in(value, beside)


@pytest.mark.rule("G12")
def test_every_file_that_is_shown_uses_the_right_words() -> None:
    assert wrong_in_files(shown_files()) == []
    names = {path.relative_to(ROOT).as_posix() for path in shown_files()}
    for expected in (
        "app/learning/data/facts.toml", "app/learning/data/questions.toml", "app/learning/data/signposts.toml",
        "app/pages/demo_data/newark.py", "templates/learning/report.html", "templates/emails/layout.html",
        "app/static/js/page.js", "docs/safeguarding.md",
    ):  # fmt: skip
        assert expected in names, "the check looks there"
    assert len([name for name in names if name.startswith("app/learning/data/articles/")]) >= 12


@pytest.mark.rule("G12")
def test_what_is_said_by_code_and_written_as_data_uses_the_right_words() -> None:
    """As it is shown, not as it stands in files: messages for translators, content of the learn pages, the demonstration."""
    said = [text for message in pseudo.messages() for text in (message if isinstance(message, tuple) else (message,))]
    assert len(said) > 1000
    assert [(text, found) for text in said if (found := wrong_words(text, may_quote=False))] == []
    for rows in (seed.read_facts(), seed.read_articles(), seed.read_questions()):
        assert rows
        for row in rows:
            assert not {name: text for name, text in row.errors().items() if "Instead of" in text}, row.slug
    for topic in seed.read_topics():
        assert wrong_words(f"{topic['title']} {topic['summary']}", may_quote=False) == []
    services = [row.name for row in list_signposts()] + [str(text) for pair in HEADINGS.values() for text in pair]
    assert wrong_words("\n\n".join([*services, *map(str, NOTES.values())]), may_quote=False) == []
    assert wrong_words(repr(vars(demo_data)), may_quote=False) == []


@pytest.mark.rule("G12")
def test_a_planted_word_is_found_in_each_kind_of_file(tmp_path: Path) -> None:
    """The control: each is found where it is planted, written as people write it, and a law that is quoted is not."""
    for number, (planted, suffix) in enumerate(
        (
            ("<p>{{ _('Report child pornography here') }}</p>", ".html"),
            ('TITLE = "Help child prostitutes"', ".py"),
            ('msgid "x"\nmsgstr "Kinder: kiddie porn"', ".po"),
            ('claim = "Under the law, “child pornography” is sold."\nnote = ""', ".toml"),
            ("Some **child** *pornography* and 18 U.S.C.\n\n", ".md"),
            ("const words = 'Children\u2019s porn';", ".js"),
            ("a child\u00ad-porn ring", ".txt"),
            ("child\nprostitution", ".txt"),
            ("Prostituted girls, underage women, sex slaves, child sex tourism", ".md"),
        )
    ):
        path = tmp_path / f"planted-{number}{suffix}"
        path.write_text(planted)
        assert wrong_in_files(iter([path])), planted
    folder = tmp_path / "data"
    folder.mkdir()
    law = folder / "law.md"
    law.write_text("The statute, 18 U.S.C. § 2256, says “child pornography”; we say CSAM.")
    assert wrong_in_files(iter([law])) == []
    law.write_text("The statute says so.\n\nThey call it “child pornography”.")
    assert wrong_in_files(iter([law])) == ["law.md: child pornography"], "the law is named elsewhere"


@pytest.mark.rule("G12")
def test_words_that_look_alike_are_left_alone() -> None:
    for text in (
        "Sex trafficking of children; commercial sexual exploitation of a child; CSAM; survivors.",
        "Children's portraits, a portrait of a child, important for children, a minor point, teens import pottery.",
        "Underage drinking. Women of all ages. The escort of a child to school.",
    ):
        assert wrong_words(text, may_quote=False) == [], text


@pytest.mark.rule("G12")
def test_nothing_is_published_with_the_wrong_words() -> None:
    checked = {"checked_on": dt.date(2026, 11, 20), "checked_by": "Mo"}
    source = SourceInput(
        "A court", "On child pornography", "https://example.org/", page="1", primary=True, **checked_on()
    )
    fact = FactInput("a", "b", "Child pornography is sold.", "", sources=(source,), **checked)
    assert "CSAM" in fact.errors()["claim"]
    article = ArticleInput("a", "b", "Title", "Child prostitutes", "Body", **checked)
    assert list(article.errors()) == ["summary"]
    question = QuestionInput("a", "b", "Is “child pornography” the right word?", "No.", **checked)
    assert list(question.errors()) == ["question"]
    quoted = QuestionInput("a", "b", "Is “child pornography” the right word?", "Only where a law is quoted.", **checked)
    assert quoted.errors() == {}
    # The title of a document is its writer's own.
    assert FactInput("a", "b", "CSAM is sold.", "", sources=(source,), **checked).errors() == {}


def checked_on() -> dict[str, dt.date]:
    return {"checked_on": dt.date(2026, 11, 20)}
