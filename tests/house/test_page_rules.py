"""The rules of pages find what they look for, also on a page that is nearly one they have seen."""

from __future__ import annotations

import pytest

from tests.page_rules import page_errors, skeleton_of

PAGE = (
    '<!doctype html><html lang="en" dir="ltr"><head><title>Needs</title></head><body><h1>Needs</h1>'
    '<p class="lede">Soup &amp; bread</p><a href="/needs/1?a=1&amp;b=2">Open</a>'
    '<label for="name">Name</label><input id="name" name="name" value="Nora"><p id="hint">Full</p></body></html>'
)


def test_other_words_and_addresses_are_the_same_skeleton() -> None:
    assert page_errors(PAGE) == []
    other = PAGE.replace("Soup &amp; bread", "Beds, &#34;many&#34;").replace("/needs/1?a=1", "/needs/2?c=4")
    assert skeleton_of(other.replace('value="Nora"', 'value="Ada &lt;3"')) == skeleton_of(PAGE)


@pytest.mark.parametrize(
    ("was", "becomes"),
    [
        ("Soup &amp; bread", "Soup &bread; more"),
        ("Soup &amp; bread", "Soup \x01 bread"),
        ("Soup &amp; bread", "Soup < bread"),
        ("Soup &amp; bread", "<b>Soup"),
        ("?a=1&amp;b=2", "?a=1&copy=2"),
        ('value="Nora"', 'value="Nora" onclick="x"'),
        ('value="Nora"', 'value="Nora" style="x"'),
        ('value="Nora"', 'value="Nora" value="Ada"'),
        ('value="Nora"', 'value="Nora" aria-describedby="nothing"'),
        ('id="hint"', 'id="name"'),
        ('for="name"', 'for="nome"'),
        ('lang="en"', 'lang=""'),
        ("<title>Needs</title>", "<title> </title>"),
        ("<h1>Needs</h1>", "<h2>Needs</h2>"),
        ('<a href="/needs/1?a=1&amp;b=2">', '<img src="/a.png">'),
        ('<a href="/needs/1?a=1&amp;b=2">', "<script>1</script><a>"),
    ],
)
def test_a_fault_is_found_on_a_page_that_was_sound_before(was: str, becomes: str) -> None:
    assert page_errors(PAGE) == []
    assert was in PAGE
    assert page_errors(PAGE.replace(was, becomes, 1)) != []
