"""Markdown that people write: no HTML of theirs survives, links neither vouch for anything nor tell where a reader came from."""

from __future__ import annotations

import functools

import nh3
from markdown_it import MarkdownIt
from markupsafe import Markup

# Headings begin below the page's own h1 and the section's h2.
TAGS = {
    "h2",
    "p",
    "br",
    "strong",
    "em",
    "ul",
    "ol",
    "li",
    "a",
    "blockquote",
    "h3",
    "h4",
    "h5",
    "h6",
    "hr",
    "code",
    "pre",
}
_DEEPER = {"h1": "h3", "h2": "h4", "h3": "h5", "h4": "h6", "h5": "h6", "h6": "h6"}
# In a text that is the page's own content, sections are what its writer calls so: "## Words" is an h2.
_AS_WRITTEN = {"h1": "h2", "h2": "h2", "h3": "h3", "h4": "h4", "h5": "h5", "h6": "h6"}


@functools.cache
def _parser(breaks: bool) -> MarkdownIt:
    return MarkdownIt("commonmark", {"html": False, "breaks": breaks}).disable("image")


@functools.lru_cache(maxsize=256)
def render_markdown(text: str, *, is_page: bool = False) -> Markup:
    """`text` as safe HTML: paragraphs, lists, quotes, links (http, https, mailto only). Pictures and raw HTML are not shown.
    `is_page`: its sections are the page's own, directly below its h1, and its lines may be broken anywhere."""
    parser = _parser(not is_page)
    tokens = parser.parse(text)
    for token in tokens:
        if token.type in ("heading_open", "heading_close"):
            token.tag = (_AS_WRITTEN if is_page else _DEEPER)[token.tag]
    html = parser.renderer.render(tokens, parser.options, {})
    clean = nh3.clean(
        html,
        tags=TAGS,
        attributes={"a": {"href"}, "ol": {"start"}},
        url_schemes={"http", "https", "mailto"},
        link_rel="nofollow noopener",
    )
    return Markup(clean)  # noqa: S704  # nh3 has just cleaned it
