"""No number stands on a learn page that nobody can check (L1)."""

from __future__ import annotations

import pytest
from flask import Flask

from app.core.errors import InvalidInput
from app.learning.numbers import sentences, unsourced
from tests.factories import make_article, make_fact, make_question


@pytest.mark.rule("L1")
@pytest.mark.parametrize(
    "text",
    [
        "In 2020 many believed it.",
        "More than 60% of them are.",
        "One in 5 children.",
        "It was 1,234,567 pages. Others count too.[^a]",
        "It is 42 percent [here](https://example.org/2020).",
        "- it was 3 of 4\n- nobody knows",
        "12 of 100 under 18 said so.",
        "Children of 12 in 100 families.",
        ":::sensitive What 3 in 4 went through\nNothing.\n:::",
        "Call 911, as 911,000 did.",
    ],
)
def test_a_number_without_a_reference_is_found(text: str) -> None:
    assert len(unsourced(text)) == 1


@pytest.mark.rule("L1")
@pytest.mark.parametrize(
    "text",
    [
        "In 2020 many believed it.[^a]",
        "“More than 60% are.” [^a]\n\nAnother paragraph.",
        "Two of three did.[^a][^b] Nobody knows why.",
        "1. Stop.\n2. Read it.\n3. Ask.",
        "A child under 18 cannot agree. Nobody aged 13 to 17 can. Who is 18 or older can.",
        "Call 911 in the United States, 999 or 112 elsewhere.",
        "The law says so (22 USC 7102), as do 18 U.S.C. § 1591(e)(3) and Article 34.",
        "Read [the report](https://example.org/2020/page-3).",
        "{{fact paid-pages-2024}}",
    ],
)
def test_what_counts_nothing_or_has_its_source_passes(text: str) -> None:
    assert unsourced(text) == []


def test_sentences_end_where_readers_think() -> None:
    text = "One. Two![^a] Three?\n\n- four\n- five\n\n{{fact a}}\n\nSix.[^a][^b]"
    assert sentences(text) == ["One.", "Two![^a]", "Three?", "- four", "- five", "Six.[^a][^b]"]


@pytest.mark.rule("L1")
def test_such_a_text_is_not_published(app: Flask) -> None:
    fact = make_fact()
    for field, text in (("title", "5 facts"), ("summary", "3 in 4"), ("body", "It was 42%."), ("left_out", "Not 42%.")):
        with pytest.raises(InvalidInput) as refused:
            make_article(fact.topic, **{field: text})
        assert list(refused.value.errors) == [field]
        assert "says a number" in refused.value.errors[field]
        make_article(fact.topic, status="draft", **{field: text})
    with pytest.raises(InvalidInput) as refused:
        make_question(fact.topic, answer="It was 42%.")
    assert list(refused.value.errors) == ["answer"]
    assert make_article(fact.topic, body=f"It was 42%.[^{fact.slug}]").status == "published"
