"""What the look promises and no eye sees at once: contrast, budgets, both directions, icons that exist."""

from __future__ import annotations

import gzip
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent
STATIC = ROOT / "app" / "static"
TEMPLATES = ROOT / "templates"
CSS = (STATIC / "css" / "app.css").read_text()

MAXIMUM_CSS_GZIP = 12 * 1024
MAXIMUM_JS_GZIP = 20 * 1024
# Text on each surface it stands on: WCAG 2.2 asks for 4.5 (1.4.3).
TEXT = [
    ("ink", "page"), ("ink", "surface"), ("ink", "sunk"), ("ink", "tint"), ("ink", "you-tint"), ("ink", "signal-tint"),
    ("ink2", "page"), ("ink2", "surface"), ("ink2", "sunk"), ("ink2", "tint"), ("accent", "page"), ("accent", "surface"),
    ("accent", "sunk"), ("accent", "tint"), ("accent", "you-tint"), ("accent2", "page"), ("accent2", "tint"),
    ("on-accent", "accent"), ("on-accent", "accent2"), ("signal", "page"), ("signal", "surface"),
    ("signal", "signal-tint"), ("on-signal", "signal"), ("on-you", "you"), ("on-deep", "deep"), ("on-deep2", "deep"),
    ("you", "toast"),
]  # fmt: skip
# Borders of fields and parts of pictures: 3 (1.4.11).
SHAPES = [("edge", "page"), ("edge", "surface"), ("mid", "page"), ("accent", "page"), ("you-edge", "page")]


def tokens(block: str) -> dict[str, str]:
    """Names and colours of a block of custom properties; #abc is #aabbcc."""
    found = re.findall(r"--([\w-]+): (#[0-9a-f]{3,6})\b", block)
    return {name: value if len(value) == 7 else "#" + "".join(2 * one for one in value[1:]) for name, value in found}


LIGHT = tokens(CSS[: CSS.index("@media (prefers-color-scheme: dark)")])
BLOCKS = re.findall(r"color-scheme: dark;(.*?)}", CSS, re.DOTALL)
DARK = {**LIGHT, **tokens(BLOCKS[0])}


def luminance(colour: str) -> float:
    """Relative luminance as WCAG 2.2 defines it."""
    channels = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    high, low = sorted((luminance(one), luminance(other)), reverse=True)
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_every_colour_can_be_read_where_it_stands(theme: str) -> None:
    colours = LIGHT if theme == "light" else DARK
    found = [
        f"{front} on {back}: {contrast(colours[front], colours[back]):.1f}"
        for pairs, least in ((TEXT, 4.5), (SHAPES, 3.0))
        for front, back in pairs
        if contrast(colours[front], colours[back]) < least
    ]
    assert not found


def test_the_reader_who_chose_dark_gets_the_same_dark_as_the_system() -> None:
    assert len(BLOCKS) == 2
    assert tokens(BLOCKS[0]) == tokens(BLOCKS[1])


def test_every_property_that_the_styles_use_is_defined() -> None:
    """A name nobody defined is no error to a browser: the text is black, also where it is dark."""
    defined = re.compile(r"(--[\w-]+)\s*:")
    found = [
        f"{path.name}: {name}"
        for path in sorted((STATIC / "css").glob("*.css"))
        for name in re.findall(r"var\((--[\w-]+)", path.read_text())
        if name not in {*defined.findall(CSS), *defined.findall(path.read_text())}
    ]
    assert not found


def test_styles_and_scripts_stay_within_the_page_budget() -> None:
    sheet = len(gzip.compress((STATIC / "css" / "app.css").read_bytes(), mtime=0))
    scripts = sum(len(gzip.compress(path.read_bytes(), mtime=0)) for path in (STATIC / "js").glob("*.js"))
    assert sheet <= MAXIMUM_CSS_GZIP
    assert scripts <= MAXIMUM_JS_GZIP


# Four values go round the box by its sides; where start and end differ they must be said as such.
FOUR = re.compile(
    r"(?<![\w-])(inset|margin|padding|border-width|border-radius):\s*((?:[\w.%-]+\s+){3}[\w.%-]+)\s*(?=[;}])"
)
CORNERED = re.compile(
    r"border-(?:top|bottom)-(?:left|right)-radius|(?:scroll-)?(?:margin|padding)-(?:left|right)"
    r"|(?:clear|caption-side|resize): (?:left|right)|to (?:left|right)\b|-position: (?:left|right)|-origin: (?:left|right)"
)


def test_styles_name_no_side_so_that_both_directions_work() -> None:
    sided = re.compile(
        r"(?<![\w-])((margin|padding|border)-(left|right|top|bottom)|(min-|max-)?(width|height)|left|right|top|bottom)\s*:"
        r"|text-align: (left|right)|float: (left|right)"
    )
    found = []
    for path in sorted((STATIC / "css").glob("*.css")):
        for number, line in enumerate(path.read_text().splitlines(), 1):
            declared = re.sub(r"@media[^{]*", "", line)
            found += [f"{path.name}:{number} {match[0]}" for match in sided.finditer(declared)]
            found += [f"{path.name}:{number} {match[0]}" for match in CORNERED.finditer(declared)]
            for name, values in FOUR.findall(declared):
                one, two, three, four = values.split()
                uneven = (one, four) != (two, three) if name == "border-radius" else two != four
                if uneven:
                    found.append(f"{path.name}:{number} {name}: {values}")
    assert not found


def test_every_icon_that_a_template_names_is_in_the_sprite() -> None:
    sprite = set(re.findall(r'<symbol id="([\w-]+)"', (STATIC / "icons.svg").read_text()))
    named = re.compile(
        r'(?:icons\.icon|icons\.lead|notice\.notice)\("([\w-]+)"|icon="([\w-]+)"|badge\.badge\(.*?\), "([\w-]+)"'
    )
    missing = [
        f"{path.relative_to(ROOT)}: {name}"
        for path in sorted(TEMPLATES.rglob("*.html"))
        for match in named.findall(path.read_text())
        for name in match
        if name and name not in sprite
    ]
    assert not missing


def test_no_template_says_oops() -> None:
    found = [str(path) for path in TEMPLATES.rglob("*.html") if re.search(r"\boops\b", path.read_text(), re.IGNORECASE)]
    assert not found
