"""The content that comes with the application: what LEARN asks for is there with its state, what must be left out is not,
every number has its sources, the words are right, and it can be read."""

from __future__ import annotations

import csv
import itertools
import os
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask

from app.core.db import transaction
from app.core.markdown import render_markdown
from app.learning import seed
from app.learning.courses.seed import load_courses
from app.learning.marks import FACT_LINE, FOLD_BEGINS, FOLD_ENDS, REFERENCE, cited_slugs, plain_words
from app.learning.numbers import unsourced
from app.learning.operations.inputs import ArticleInput, FactInput, QuestionInput
from app.learning.signposts import list_signposts
from tests.conftest import CheckingClient
from tests.house.test_code import FORBIDDEN_WORDS

ROOT = Path(__file__).parent.parent.parent
TOPICS = {topic["slug"] for topic in seed.read_topics()}
FACTS = {fact.slug: fact for fact in seed.read_facts()}
ARTICLES = {article.slug: article for article in seed.read_articles()}
QUESTIONS = {question.slug: question for question in seed.read_questions()}

# What may be said, by hand from the list of what is known: the fact that says it, its state, words it must have.
STATEMENTS = [
    (
        "definition-child-sex-trafficking",
        "verified",
        ("under 18", "advertised, solicited or exploited", "anything of value"),
    ),
    ("no-movement-needed", "verified", ("Nobody has to be moved",)),
    ("no-force-needed-for-a-child", "verified", ("no force, fraud or coercion has to be shown",)),
    ("word-csam", "verified", ("child sexual abuse material", "CSAM")),
    ("words-in-statutes", "verified", ("Statutes", "quoted law")),
    ("csam-mostly-not-sold", "verified", ("not sold, but some is", "too absolute")),
    ("csam-commercial-2024", "verified", ("7,028 of 291,273", "2%")),
    ("csam-commercial-earlier", "verified", ("3%", "2023", "11%", "2022")),
    ("abduction-by-strangers-is-rare", "verified", ("rare",)),
    ("trust-comes-first", "verified", ("trust", "grooming")),
    ("often-partner-or-relative", "verified", ("partner or a relative",)),
    # Known from its publisher's words alone and not from the report's page: so it is contested, and without its shares.
    ("hotline-2020-recruiters", "contested", ("2020", "relative", "partner")),
    ("hotline-cases-are-not-prevalence", "verified", ("hotline", "do not say how common")),
    ("survivor-survey-2018", "verified", ("January 2018", "260 survivors", "24 organizations", "14 states")),
    ("reported-in-every-state", "verified", ("all 50 states", "Washington, DC")),
    ("children-in-care", "contested", ("child welfare", "not reliably known")),
    ("no-reliable-count", "verified", ("Nobody knows",)),
    ("may-not-see-themselves-as-victims", "verified", ("may not see themselves as victims",)),
    ("viral-falsehoods-2020", "verified", ("July 2020", "flooded", "away from people who needed help")),
    ("government-page-wrong-digit", "verified", ("one digit wrong",)),
    ("never-copy-csam", "verified", ("Never screenshot",)),
    ("provider-must-report", "verified", ("CyberTipline", "one year")),
]
# What must not be said, however it is written: percentages that could not be confirmed, and what nobody found.
LEFT_OUT = (
    "over 60", "more than 60", "60%", "60 percent", "sixty percent", "two thirds", "88%", "88 percent", "83%",
    "83 percent", "73%", "73 percent", "42%", "39%", "42 percent", "39 percent", "350,000", "300,000", "100,000 children",
    "officers say", "hours saved", "faster investigations",
)  # fmt: skip
# Where a percentage may stand, by hand.
WITH_PERCENT = {
    "csam-commercial-2024": ("2%",),
    "csam-commercial-earlier": ("3%", "11%"),
    "question is-there-money-in-csam": ("3%", "11%"),
}


def texts() -> Iterator[tuple[str, str]]:
    """Every text of the seeds, with where it stands."""
    for article in ARTICLES.values():
        for name in ("title", "summary", "body", "left_out", "checked_by"):
            yield f"article {article.slug}, {name}", getattr(article, name)
    for question in QUESTIONS.values():
        for name in ("question", "answer", "checked_by"):
            yield f"question {question.slug}, {name}", getattr(question, name)
    for fact in FACTS.values():
        for name in ("claim", "note", "checked_by"):
            yield f"fact {fact.slug}, {name}", getattr(fact, name)
        for source in fact.sources:
            yield f"fact {fact.slug}, source", f"{source.publisher}: {source.title}, {source.page}"


def shown() -> set[str]:
    """The slugs of the facts that an article or an answer rests on."""
    bodies = [f"{article.body}\n{article.left_out}" for article in ARTICLES.values()]
    return set(cited_slugs(*bodies, *(question.answer for question in QUESTIONS.values())))


# --- what is said, and what is not ----------------------------------------------------------------------------------


@pytest.mark.rule("L1")
@pytest.mark.parametrize(("slug", "status", "needles"), STATEMENTS, ids=[row[0] for row in STATEMENTS])
def test_each_statement_is_there_with_its_state(slug: str, status: str, needles: tuple[str, ...]) -> None:
    fact = FACTS[slug]
    assert fact.status == status
    assert [needle for needle in needles if needle not in fact.claim] == []
    assert slug in shown(), "no article and no answer says it"


@pytest.mark.rule("L1")
def test_nothing_is_said_that_must_be_left_out() -> None:
    found = [(where, needle) for where, text in texts() for needle in LEFT_OUT if needle in text.lower()]
    assert found == []
    percentages = {
        (where.split(",")[0].removeprefix("fact "), share)
        for where, text in texts()
        for share in re.findall(r"\d[\d.,]*\s?(?:%|percent|per cent)", text)
    }
    assert percentages == {(slug, share) for slug, shares in WITH_PERCENT.items() for share in shares}
    flat = [(where, text) for where, text in texts() if "no money in" in text.lower()]
    assert [where for where, text in flat if "too absolute" not in text] == []
    # Nobody is quoted: what a survivor said belongs to them.
    assert [where for where, text in texts() if re.search(r"^\s*>", text, re.MULTILINE)] == []


@pytest.mark.rule("L1")
def test_contested_means_no_percentage_and_care_is_never_inverted() -> None:
    for fact in FACTS.values():
        if fact.status == "contested":
            assert "%" not in fact.claim + fact.note, fact.slug
            assert "ontested" in fact.note, fact.slug
    care = FACTS["children-in-care"]
    assert not re.search(r"\d", care.claim + care.note)
    assert "never be turned around" in care.note
    inverted = re.compile(
        r"(?:children|kids|youth) in (?:foster )?care (?:are|were|get|become) (?:\w+ )?(?:trafficked|exploited)"
    )
    assert [where for where, text in texts() if inverted.search(text.lower())] == []


def test_the_counts_give_the_percentages_that_are_said() -> None:
    """7,028 of 291,273 is 2% in whole numbers: what we print of one count agrees with itself."""
    assert round(100 * 7_028 / 291_273) == 2


# --- sources --------------------------------------------------------------------------------------------------------


@pytest.mark.rule("L1")
def test_every_fact_has_its_sources_and_every_number_its_fact() -> None:
    for fact in FACTS.values():
        assert fact.errors() == {}, fact.slug
        assert fact.topic in TOPICS
        if fact.status == "verified":
            pairs = itertools.combinations(fact.sources, 2)
            two = any(one.publisher.lower() != other.publisher.lower() and one.url != other.url for one, other in pairs)
            assert two or any(source.primary and source.page for source in fact.sources), fact.slug
        # What the page says of all its sources is what it says beside the one that was looked at least lately.
        assert fact.checked_on == min(source.checked_on for source in fact.sources), fact.slug
    unsaid = {
        where: found
        for where, text in texts()
        if where.startswith(("article", "question")) and (found := unsourced(text))
    }
    assert unsaid == {}
    missing = {slug for slug in shown() if slug not in FACTS}
    assert missing == set()
    assert set(FACTS) - shown() == set(), "facts that no text rests on"


@pytest.mark.rule("L1")
def test_all_of_it_comes_in_and_can_be_shown(app: Flask, client: CheckingClient, engine_name: str) -> None:
    """The whole of it passes the checks that a moderator's own words pass; each page is valid and within its budget."""
    from tests.learning.test_seed import load  # a test of its own, not a second one of that file

    counts = load(seed.FOLDER)
    assert counts["added"] == len(FACTS) + len(ARTICLES) + len(QUESTIONS)
    assert load(seed.FOLDER)["added"] == 0
    if engine_name == "sqlite":
        for path in ("/learn", *map("/learn/{}".format, ARTICLES), *map("/learn/questions/{}".format, QUESTIONS)):
            assert client.get(path).status_code == 200, path
        links = {target for _where, text in texts() for target in re.findall(r"\]\((/[^)\s]*)\)", text)}
        assert len(links) > 10
        with transaction():
            load_courses(publish=False, first=True)  # as the command does
        for path in sorted(links):
            assert client.get(path).status_code == 200, f"a text leads to {path}"
        for path in (*map("/learn/topics/{}".format, TOPICS), *map("/learn/facts/{}".format, sorted(FACTS)[::6])):
            assert client.get(path).status_code == 200, path


def test_about_twelve_articles_of_300_to_700_words_for_those_who_come() -> None:
    assert 12 <= len(ARTICLES) <= 16
    for article in ARTICLES.values():
        count = len(re.findall(r"\w[\w’'-]*", words_of(article)))
        assert 300 <= count <= 700, (article.slug, count)
        assert article.left_out, article.slug
        assert article.topic in TOPICS
    assert {article.audience for article in ARTICLES.values()} == {"everyone", "supporters", "organizations", "parents"}
    assert len(QUESTIONS) >= 8


# What the platform does not do yet: whatever stands here leaves the list with the commit that makes it true.
NOT_YET = re.compile(r"\bmonthly\b|\breceipts?\b", re.IGNORECASE)


def test_nothing_is_promised_that_the_platform_does_not_do() -> None:
    assert [(where, found) for where, text in texts() if (found := NOT_YET.findall(text))] == []


# --- phone numbers --------------------------------------------------------------------------------------------------


def test_no_telephone_number_but_those_of_the_services() -> None:
    """They live in one place (the signposts), which tests/learning/test_report.py compares with the list digit by digit."""
    listed = " ".join(f"{row.phone} {row.text}" for row in list_signposts())
    if folder := os.environ.get("MANYHANDS_DATA"):
        with (Path(folder) / "report_channels.csv").open(newline="") as file:
            listed += " ".join(row["contact"] for row in csv.DictReader(file))
    number = re.compile(r"(?<![\d,])\+?\d[\d -]{5,}\d(?![\d,])")
    found = [(where, match) for where, text in texts() for match in number.findall(text) if match not in listed]
    assert [pair for pair in found if not re.fullmatch(r"[12]\d{3}-[12]\d{3}|\d{4}-\d\d-\d\d", pair[1])] == []


def test_an_answer_to_whoever_is_threatened_leads_straight_to_the_services() -> None:
    """Each is a link to the service's own site as the signposts have it, and to the part of the page that every country has."""
    answer = QUESTIONS["a-picture-of-me-is-online"].answer
    webs = {row.key: row.web for row in list_signposts()}
    for link in (
        f"[Take It Down](https://{webs['us-take-it-down']})", f"[Report Remove](https://{webs['gb-report-remove']})",
        "[Where to report](/report#young)",
    ):  # fmt: skip
        assert link in answer
    assert "one of these lines" not in answer


# --- words ----------------------------------------------------------------------------------------------------------

# Besides those that templates may not have: words that blame, or make a show of it.
WRONG_WORDS = (
    *FORBIDDEN_WORDS,
    "prostitut",
    "sex worker",
    "promiscu",
    "kiddy",
    "lolita",
    "revenge porn",
    "illegal alien",
    "pimp",
)
QUOTED = re.compile(r"“[^”]*”|\"[^\"]*\"")


@pytest.mark.rule("G12")
def test_the_seeds_use_the_right_words() -> None:
    """A wrong word stands in quotation marks, in a text that says that it is a statute's."""
    found = []
    for where, text in texts():
        bare = QUOTED.sub(" ", text).lower()
        found += [(where, word) for word in WRONG_WORDS if word in bare]
        if any(word in text.lower() for word in FORBIDDEN_WORDS):
            about_law = re.search(r"\b(?:statute|law|can i use the words)", text.lower())
            if not about_law:
                found.append((where, "quoted, and not of a statute"))
    assert found == []
    catalogues = list((ROOT / "app").rglob("*.po"))
    said = [path.name for path in catalogues for word in FORBIDDEN_WORDS if word in path.read_text().lower()]
    assert said == []


@pytest.mark.rule("G12")
def test_the_check_of_words_would_find_one() -> None:
    for text in ("Report child pornography here.", "A child prostitute.", "Kiddie pictures."):
        assert any(word in QUOTED.sub(" ", text).lower() for word in WRONG_WORDS)


# Words that a reader may not want to meet without a warning, by hand.
HARD = re.compile(
    r"sex act|images of abuse|sexual abuse|csam|nude|grooming|raped?\b|misuses it|survey of survivors",
    re.IGNORECASE,
)


def outside_folds(body: str) -> str:
    """What a reader meets without unfolding anything: cards of facts in their own words."""
    kept, inside = [], False
    for line in body.splitlines():
        if FOLD_BEGINS.match(line):
            inside = True
        elif inside and FOLD_ENDS.match(line):
            inside = False
        elif not inside:
            card = FACT_LINE.match(line)
            kept.append(FACTS[card[1]].claim if card else line)
    return REFERENCE.sub("", "\n".join(kept))


@pytest.mark.rule("G13")
def test_sensitive_passages_are_folded() -> None:
    """An article that says a hard word says it behind a warning, and is marked as sensitive."""
    folded = [article for article in ARTICLES.values() if ":::sensitive" in article.body]
    assert len(folded) >= 5
    for article in ARTICLES.values():
        if HARD.search(REFERENCE.sub("", article.body)):
            assert article.sensitive, article.slug
        if article in folded:
            assert article.sensitive, article.slug
    met = {
        article.slug: sorted({word.lower() for word in HARD.findall(outside_folds(article.body))})
        for article in ARTICLES.values()
        if HARD.search(outside_folds(article.body))
    }
    assert met == MET_BY_CHOICE


# Said in the open on purpose, each looked at by hand: what not to do with images, where not saying it does harm.
MET_BY_CHOICE = {"how-to-check-a-claim": ["images of abuse"], "how-to-share-well": ["images of abuse"]}


# --- can it be read? ------------------------------------------------------------------------------------------------


def words_of(article: ArticleInput) -> str:
    """What a reader reads of an article: its text without marks, cards of facts as their claims, left out included."""
    body = FACT_LINE.sub(lambda card: f"{FACTS[card[1]].claim}\n", article.body)
    html = render_markdown(plain_words(f"{body}\n\n{article.left_out}"), is_page=True)
    return re.sub(r"\n+", "\n", render_text(str(html)))


def render_text(html: str) -> str:
    """HTML as lines: each block ends one, and ends a sentence where its mark is missing."""
    lines = re.sub(r"</(?:p|li|h[2-6])>", "\n", html)
    return re.sub(r"<[^>]+>", "", lines)


def count_syllables(word: str) -> int:
    """Groups of vowels (y too), without a silent e at the end (not after l: "table"), "es" and "ed" likewise unless they
    sound after s, z, x, ch, sh, c, g (boxes, changes) or t, d (wanted, needed); at least one."""
    word = re.sub(r"[^a-z]", "", word.lower())
    if len(word) > 3 and re.search(r"[^l]e$", word):
        word = word[:-1]
    elif len(word) > 3 and re.search(r"(?<![szxcg])(?<![cs]h)es$|(?<![td])ed$", word):
        word = word[:-2]
    return max(1, len(re.findall(r"[aeiouy]+", word)))


def grade(text: str) -> float:
    """The Flesch-Kincaid grade level, 0.39 words/sentences + 11.8 syllables/words - 15.59. Source: Kincaid, Fishburne,
    Rogers and Chissom, "Derivation of New Readability Formulas", Naval Technical Training Command, Research Branch Report
    8-75, 1975."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    count = sum(max(1, len(re.findall(r"[.!?](?=\s|$)", re.sub(r"[”\"’')]+", "", line)))) for line in lines)
    words = re.findall(r"[A-Za-z][A-Za-z’'-]*", text)
    return 0.39 * len(words) / count + 11.8 * sum(map(count_syllables, words)) / len(words) - 15.59


def test_the_formula_tells_easy_from_hard() -> None:
    assert grade("The cat sat on the mat. It was warm. The dog ran to it.") < 1
    hard = (
        "Notwithstanding the aforementioned considerations, organizational accountability necessitates comprehensive "
        "documentation of safeguarding responsibilities throughout institutional hierarchies."
    )
    assert grade(hard) > 20
    assert [count_syllables(word) for word in ("table", "boxes", "needed", "helped", "care", "organization", "the")] == [
        2, 2, 2, 1, 1, 5, 1,
    ]  # fmt: skip


@pytest.mark.parametrize("slug", sorted(ARTICLES))
def test_an_article_can_be_read_after_nine_years_of_school(slug: str) -> None:
    assert grade(words_of(ARTICLES[slug])) <= 9


def test_answers_and_facts_can_be_read_too() -> None:
    answers = "\n".join(render_text(str(render_markdown(plain_words(one.answer)))) for one in QUESTIONS.values())
    assert grade(answers) <= 9
    assert grade("\n".join(f"{fact.claim}\n{fact.note}" for fact in FACTS.values())) <= 10


def test_marks_are_spelled_right() -> None:
    """A mark with a typing error would stand on the page as it is."""
    for where, text in texts():
        rest = FACT_LINE.sub("", REFERENCE.sub("", text))
        assert not re.search(r"\{\{|\}\}|\[\^", rest), where
    kinds: list[type] = [type(one) for one in (*FACTS.values(), *ARTICLES.values(), *QUESTIONS.values())]
    assert set(kinds) == {FactInput, ArticleInput, QuestionInput}
