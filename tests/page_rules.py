"""What every page that any test fetches must keep: valid HTML, our policy, the page budget (docs/architecture.md, point 5)."""

from __future__ import annotations

import gzip
import hashlib
import re
from typing import Any

import html5lib
from html5lib.constants import E as MESSAGES
from werkzeug.test import TestResponse

MAXIMUM_HTML_GZIP = 12 * 1024
# html5lib predates these; the living standard allows them.
ALLOWED_ERRORS = frozenset()
# What people typed and where links lead, as long as it is written as HTML asks: it cannot make a sound page unsound. What ids
# and references say stays, for two of them may be the same.
_WRITTEN = r"(?:[^<>&\"\x00-\x08\x0b-\x1f\x7f-\x9f\ufdd0-\ufdef\ufffe\uffff]|&(?:amp|lt|gt|quot|#34|#39);)"
_TEXT = re.compile(rf">\s*(?!\s)(?:{_WRITTEN}|\")+(?=<)")
_VALUE = re.compile(rf' (href|value|content|action|datetime|src|alt|title|placeholder|data-[a-z-]+)="{_WRITTEN}+"')
_sound: set[str] = set()  # the skeletons of pages without a fault
POLICY = ("default-src 'self'", "script-src 'self'", "style-src 'self'", "object-src 'none'", "base-uri 'none'")


def html_errors(text: str) -> list[str]:
    """Every parse error of `text` by the HTML standard's parser, with line and column."""
    return _parse(text)[1]


def page_errors(text: str) -> list[str]:
    """Every parse error of a page, and what parses but is wrong. The parser takes longer than the page did, so a page with the
    skeleton of a sound one is not parsed again."""
    skeleton = skeleton_of(text)
    if skeleton in _sound:
        return []
    tree, found = _parse(text)
    found += _structure_errors(tree)
    if not found:
        _sound.add(skeleton)
    return found


def skeleton_of(text: str) -> str:
    """The page without its words: every page that has it is as sound as this one."""
    return hashlib.sha256(_VALUE.sub(r' \1="v"', _TEXT.sub(">t", text)).encode("utf-8", "surrogatepass")).hexdigest()


def _parse(text: str) -> tuple[Any, list[str]]:
    parser = html5lib.HTMLParser(namespaceHTMLElements=False)
    tree = parser.parse(text)
    return tree, [
        f"{position[0]}:{position[1]} {MESSAGES[code] % data}"
        for position, code, data in parser.errors
        if code not in ALLOWED_ERRORS
    ]


def _structure_errors(tree: Any) -> list[str]:
    """Ids twice, fields without label, pictures without text, inline style or script."""
    found: list[str] = []
    ids = [element.get("id") for element in tree.iter() if element.get("id") is not None]
    found += [f"id twice: {name}" for name in sorted({name for name in ids if ids.count(name) > 1})]
    labelled = {element.get("for") for element in tree.iter("label")}
    for element in tree.iter():
        if not isinstance(element.tag, str):
            continue
        for name in element.attrib:
            if name == "style" or str(name).startswith("on"):
                found.append(f"inline {name} on <{element.tag}>")
        if element.tag == "script" and not element.get("src"):
            found.append("inline script")
        if element.tag == "style":
            found.append("inline style element")
        if element.tag == "img" and element.get("alt") is None:
            found.append(f"picture without alt: {element.get('src')}")
        if element.tag in ("input", "select", "textarea") and element.get("type") not in ("hidden", "submit", "button"):
            named = element.get("aria-label") or element.get("aria-labelledby") or element.get("id") in labelled
            if not named:
                found.append(f"field without label: {element.get('name')}")
        for box in element if "choice" not in (element.get("class") or "").split() and element.tag != "label" else ():
            if box.tag == "input" and box.get("type") in ("checkbox", "radio") and box.get("id"):
                found.append(f"a box with its label above: {box.get('name')}")
        for reference in ("aria-describedby", "aria-labelledby", "for"):
            for target in (element.get(reference) or "").split():
                if target not in ids:
                    found.append(f"{reference} points nowhere: {target}")
    root = tree
    if not root.get("lang"):
        found.append("no lang on <html>")
    if root.get("dir") not in ("ltr", "rtl"):
        found.append("no dir on <html>")
    titles = [element.text or "" for element in tree.iter("title")]
    if not titles or not titles[0].strip():
        found.append("no title")
    headings = list(tree.iter("h1"))
    if len(headings) != 1:
        found.append(f"{len(headings)} h1 headings")
    return found


def check_page(response: TestResponse) -> None:
    """Raise AssertionError, naming every fault, when an HTML answer breaks the rules of pages. Others pass."""
    if response.mimetype != "text/html":
        return
    text = response.get_data(as_text=True)
    if not text:
        return
    if response.status_code in (301, 302, 303, 307, 308):
        return
    if response.headers.get("Content-Security-Policy", "").startswith(
        "sandbox; default-src 'none'; style-src 'sha256-"
    ):
        return  # a mail in a frame, not a page of ours: tests/messages/test_every_mail.py looks at it
    faults = page_errors(text)
    policy = response.headers.get("Content-Security-Policy", "")
    faults += [f"policy lacks {part}" for part in POLICY if part not in policy]
    if "unsafe" in policy:
        faults.append("policy allows unsafe sources")
    size = len(gzip.compress(text.encode(), 6, mtime=0))
    if size > MAXIMUM_HTML_GZIP:
        faults.append(f"HTML is {size} bytes gzipped, more than {MAXIMUM_HTML_GZIP}")
    if "Set-Cookie" in response.headers and "no-store" not in response.headers.get("Cache-Control", ""):
        faults.append("a page that sets a cookie may be cached")
    if response.status_code == 410 and "no-store" not in response.headers.get("Cache-Control", ""):
        faults.append("a browser keeps this 410 for ever")
    if re.search(r"\b(Undefined|None)\b(?=</)", text):
        faults.append("shows None or Undefined")
    assert not faults, f"{response.request.path}: " + "; ".join(faults)
