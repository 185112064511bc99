"""The right words (G12): a child cannot consent to be sold, so what is done to children is abuse and exploitation, and what
shows it is child sexual abuse material.

After the Terminology Guidelines for the Protection of Children (ECPAT, 2nd edition, 2025). Laws keep their words: in
quotation marks, in a paragraph that says that a law is quoted.
"""

from __future__ import annotations

import re
import unicodedata

from app.core.i18n import _

# What is wrong, and what to say instead.
_WRONG: tuple[tuple[str, str], ...] = (
    (
        r"(?:child(?:ren)?|kid(?:die|dy)?|minors?|teen(?:age)?|underage|juvenile|infant|pre-?teen)(?:'s|s)?[ -]?porn\w*",
        "CSAM",
    ),
    (r"porn\w* (?:of|with|showing|featuring) (?:a |an |the )?(?:child|children|minors?|kids?|teens?|infants?)", "CSAM"),
    (r"pa?edo-?porn\w*", "CSAM"),
    (r"(?:child|teen(?:age)?|underage|minor|juvenile) prostitut\w*", "commercial sexual exploitation of a child"),
    (r"prostituted (?:child|children|minors?|girls?|boys?|teens?)", "commercial sexual exploitation of a child"),
    (r"prostitution of (?:a )?(?:child|children|minors?|girls?|boys?)", "commercial sexual exploitation of a child"),
    (
        r"(?:child|underage|teen(?:age)?|minor) (?:sex workers?|escorts?|hookers?)",
        "commercial sexual exploitation of a child",
    ),
    (r"child sex (?:tourism|tourists?)", "sexual exploitation of children in travel and tourism"),
    (r"sex with (?:a |an |underage )?(?:child|children|minors?)", "sexual abuse of a child"),
    (r"underage (?:women|woman|sex|girlfriends?|boyfriends?)", "child"),
    (r"sex slaves?|sexual slaves?", "victim or survivor"),
    (r"jail-?bait|lolitas?|child erotica", "child, CSAM"),
)
_ANY = re.compile(
    "|".join(rf"(?P<w{number}>(?<![\w-])(?:{pattern})(?!\w))" for number, (pattern, _right) in enumerate(_WRONG))
)
_QUOTED = re.compile(r"“[^”\n]{1,300}”|«[^»\n]{1,300}»|„[^“”\n]{1,300}[“”]|\\?\"[^\"\n]{1,300}?\\?\"")
_OF_A_LAW = re.compile(r"\b(?:statutes?|laws?|criminal code|penal code|u\.s\.c\.|usc|act of)\b|§", re.IGNORECASE)


def wrong_words(text: str, *, about: str = "", may_quote: bool = True) -> list[tuple[str, str]]:
    """The wrong words in `text`, each with what to say instead, as they come. A law's own words are none: quoted, in a
    paragraph that speaks of a law, or in a text whose rest (`about`) does. Not `may_quote`: nothing is exempt."""
    found = []
    for paragraph in re.split(r"\n\s*\n", _folded(text)):
        exempt = may_quote and _OF_A_LAW.search(f"{paragraph}\n{about}")
        read = _QUOTED.sub(" … ", paragraph) if exempt else paragraph
        for match in _ANY.finditer(" ".join(read.split())):
            number = int((match.lastgroup or "w0")[1:])
            found.append((match.group(), _WRONG[number][1]))
    return found


def wording_error(text: str, *, about: str = "") -> str:
    """What is wrong with the words of a text that somebody wants to publish, or ""."""
    found = wrong_words(text, about=about)
    if not found:
        return ""
    wrong, right = found[0]
    return _(
        "Instead of “%(wrong)s” say: %(right)s. A law's own words stand in quotation marks, where the law is named",
        wrong=wrong,
        right=right,
    )


def _folded(text: str) -> str:
    """Small letters in their usual forms, without what nobody sees (soft hyphens, joiners, marks of emphasis)."""
    plain = unicodedata.normalize("NFKC", text).casefold()
    plain = "".join(character for character in plain if unicodedata.category(character) not in ("Cf", "Mn"))
    return plain.replace("*", "").replace("_", " ").replace("\u2019", "'").replace("\u2010", "-").replace("\u2011", "-")
