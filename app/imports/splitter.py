"""Free text, as people really write what they need, into items with open quantity.

Rules of wording, never of one file: clauses are cut at line ends, semicolons and full stops; what leads in ("we need",
"SUPPLIES:") falls away; a clause that tells a story or says nothing makes no item; "not accepting", "no more" and "do
not bring" make items not to bring. How well it does is measured against cells labelled by hand (docs/import.md).
"""

from __future__ import annotations

import dataclasses
import re

MAXIMUM_TEXT = 20_000
MAXIMUM_NAME = 160
MOST_ITEMS = 200
LONGEST_ITEM_WORDS = 14


@dataclasses.dataclass(frozen=True)
class SplitItem:
    """One thing that a text asks for, or asks not to bring."""

    name: str
    do_not_bring: bool = False


_CLAUSE = re.compile(r"[;\n\r•●▪]|(?<=\S)\.{2,}|(?<=[^\W\d]{2})\.(?=\s|$)|(?<=\))\.(?=\s|$)")
# What leads in to a list: everything up to it falls away.
_LEAD = re.compile(
    r"\b(?:in\s+need\s+of|in\s+want\s+of|need(?:s|ing|ed)?(?:\s+(?:right\s+now|now|currently|most|urgently|the\s+following|more))*"
    r"(?:\s+are(?:\s+for)?|\s+is(?:\s+for)?|\s+for)?|requesting|requests?|looking\s+for|asking\s+for|could\s+use|"
    r"would\s+like|specifically|such\s+as|(?:only\s+)?accepting|wanted|short\s+(?:on|of)|running\s+low\s+on|low\s+on|"
    r"can\s+use|please\s+bring|bring|taking)\b[\s:.,-]*",
    re.IGNORECASE,
)
_HEADING = re.compile(r"^[^:,]{0,90}:(?=\s|$)\s*")
_DASHED_HEADING = re.compile(r"^[^,:]{0,60}?\w[-–]\s+", re.IGNORECASE)
_NOT = re.compile(
    r"\b(?:not\s+(?:accepting|taking|in\s+need\s+of|needing|bring(?:ing)?)|no\s+longer\s+(?:accepting|taking|need(?:ing)?)|"
    r"(?:do|does|did)\s*(?:not|n['’]t)\s+(?:need|want|bring|accept|take|send)|(?:the|they)\s+do\s+not\s+need|"
    r"no\s+more|please\s+no|stop\s+(?:bringing|sending))\b[\s:,-]*(?:any\s+)?(?:more\s+)?(?P<what>[^.!]*)",
    re.IGNORECASE,
)
_NOT_AFTER = re.compile(
    r"^(?P<what>[^.!,]{1,60}?)\s+(?:is|are)?\s*not\s+(?:needed|accepted|wanted|required|being\s+accepted)\b",
    re.IGNORECASE,
)
_NOTHING = re.compile(
    r"^(?:(?:they|we|are|is|have|has|currently|now|still|at|this|time|the|shelter|for|today|all|and|or|"
    r"no|not|none|nothing|unknown|n/?a|tbd|nil|zero|fine|ok(?:ay)?|good|full|enough|plenty|set|met|needs?|needed|current|"
    r"supplies|supply|donations?|volunteers?|with|on|more|any|call|please|ahead|first|them|dnr|yet|known)\b|[\s?.!,/-])*$",
    re.IGNORECASE,
)
_SAYS_ENOUGH = re.compile(
    r"\b(?:fine\s+on|have\s+enough|has\s+enough|well\s+stocked|at\s+capacity|needs\s+are\s+(?:currently\s+)?met|"
    r"no\s+(?:current\s+|immediate\s+|further\s+)?needs?\b|check\s+back|fully\s+stocked|not\s+a\s+shelter)",
    re.IGNORECASE,
)
# A clause with one of these tells something; it does not list things.
_STORY = re.compile(
    r"\b(?:is|are|was|were|will|would|be|been|being|could|can\s+(?:be|also|only|hold|accept|take|use|come|tell|get|help)|have|has|had|do|does|they|we|you|your|i|he|she|it|if|who|which|"
    r"call(?:ed|ing)?|check|ask(?:ed|ing)?|tak(?:e|ing)|show\s+up|wait(?:ing)?|consolidating|located|set\s+up|routed|"
    r"want|appreciated|transf?ferr?ed|transfered|updated|deliver(?:ies|ed)|https?|www|hold|arriv(?:e|ing))\b",
    re.IGNORECASE,
)
_GENERAL = re.compile(
    r"^(?:(?:all|any|more|some|other|basic|current|new|additional|the|of|kinds?|types?|various|general|and|or|anything|"
    r"everything|things?|stuff|items?|goods|supplies|supply|donations?|needs?|most|urgent(?:ly)?|list|etc|at|this|time|now|"
    r"currently|only|regular|further|unless|please|asap|excess|surplus)\b|[\s,.&-])*$",
    re.IGNORECASE,
)
_BEFORE = re.compile(
    r"^(?:[-*–•·>\s]+|(?:and|also|or|plus|with|the|some|any\s+and\s+all|lots\s+of|more|additional|like|still|especially|"
    r"including|e\.g\.|i\.e\.)\s+)+",
    re.IGNORECASE,
)
_AFTER = re.compile(
    r"(?:[\s,.:&-]+|\s+(?:etc|asap|please|delivery|deliveries|requested|needed|urgently|right\s+now|at\s+this\s+time|"
    r"currently|today|now|only|and|or)\.?)+$",
    re.IGNORECASE,
)
_UNLESS = re.compile(r"\b(?:unless|except|but|because|so\s+that|until)\b.*$", re.IGNORECASE)
_ONE_OF_MANY = re.compile(r"\s+(?:and|&)\s+", re.IGNORECASE)


def split_items(text: str) -> list[SplitItem]:
    """What `text` asks for and what it asks not to bring, each once, in its order. Never raises; linear in the text."""
    found: dict[str, SplitItem] = {}
    for clause in _CLAUSE.split(text[:MAXIMUM_TEXT]):
        for item in _items_of(" ".join(clause.split())):
            found.setdefault(item.name.casefold(), item)
            if len(found) >= MOST_ITEMS:
                return list(found.values())
    return list(found.values())


def _items_of(clause: str) -> list[SplitItem]:
    if not clause or _NOTHING.match(clause):
        return []
    found: list[SplitItem] = []
    refused = _NOT.search(clause)
    if refused is not None:
        found += [SplitItem(name, do_not_bring=True) for name in _names(_UNLESS.sub("", refused["what"]))]
        clause = clause[: refused.start()]
    elif (said := _NOT_AFTER.match(clause)) is not None:
        return [SplitItem(name, do_not_bring=True) for name in _names(said["what"])]
    if _SAYS_ENOUGH.search(clause):
        return found
    clause = _DASHED_HEADING.sub("", clause)
    rest = _HEADING.sub("", clause)
    leads = list(_LEAD.finditer(rest))
    if leads:
        # The last one that something follows: "…exit 116, they need pillows" is about pillows.
        for lead in reversed(leads):
            if rest[: lead.start()].count("(") > rest[: lead.start()].count(")"):
                continue  # "toiletries (specifically: combs)" is about toiletries
            before, after = rest[: lead.start()], rest[lead.end() :]
            if after.strip():
                kept = "" if _STORY.search(before) or len(before.split()) < 4 else before
                return [*_wanted(kept), *_wanted(after), *found]
    if _STORY.match(_outside_parentheses(rest)[0].strip()):
        return found  # "Have mats, food": a list of what is there
    return [*_wanted(rest), *found]


def _wanted(text: str) -> list[SplitItem]:
    return [SplitItem(name) for name in _names(text)]


def _outside_parentheses(text: str) -> list[str]:
    """The parts between commas that no parenthesis encloses."""
    parts, depth, start = [], 0, 0
    for at, character in enumerate(text):
        if character in "([":
            depth += 1
        elif character in ")]":
            depth = max(0, depth - 1)
        elif character == "," and depth == 0:
            parts.append(text[start:at])
            start = at + 1
    return [*parts, text[start:]]


def _names(text: str) -> list[str]:
    """The things a list names; what is no thing (a sentence, "anything", a date) is left out."""
    parts = _outside_parentheses(text)
    if len(parts) > 1:
        # "a, b and c" are three things; "sheets and pillows" alone stays one.
        parts = [*parts[:-1], *_ONE_OF_MANY.split(parts[-1])]
    return [name for part in parts if (name := _name(part))]


def _name(part: str) -> str:
    name = _AFTER.sub("", _BEFORE.sub("", part.strip()))
    lead = _LEAD.match(name)
    if lead is not None:
        name = name[lead.end() :]
    name = name.strip(" .,:;!-–\"'“”")
    if not name or len(name.split()) > LONGEST_ITEM_WORDS or not re.search(r"[^\W\d_]{2}", name):
        return ""
    bare = re.sub(r"[(\[].*", "", name) or name
    if _STORY.search(bare) or _GENERAL.match(bare) or _NOTHING.match(bare):
        return ""
    return name[:MAXIMUM_NAME]


_VOLUNTEERS = re.compile(
    r"\b(?:volunteers?|need(?:s|ed)?|help(?:ers)?|any(?:one|body)?|looking|medic(?:al|s)?|doctors?|nurses?|shifts?|come|"
    r"hands|people|drivers?|cooks?|staff|personnel|translators?|interpreters?|open\s+up)\b",
    re.IGNORECASE,
)
_NO_VOLUNTEERS = re.compile(
    r"^\s*(?:check|see|visit)\b|\b(?:no\s+(?:more\s+)?(?:volunteers?|help)|not\s+(?:need|looking|accepting)|enough\s+"
    r"(?:volunteers?|signed|for)|(?:volunteers?\s+)?(?:are\s+)?not\s+needed|fully\s+staffed|fine\s+on|full\s+on)",
    re.IGNORECASE,
)


def split_volunteers(text: str) -> str:
    """The text when it asks for people, else "": it says nothing, says no, or only says where to look."""
    cleaned = " ".join(text[:MAXIMUM_TEXT].split())
    if not cleaned or (_NOTHING.match(cleaned) and not _is_short_request(cleaned)):
        return ""
    return "" if _NO_VOLUNTEERS.search(cleaned) or not _VOLUNTEERS.search(cleaned) else cleaned


def _is_short_request(text: str) -> bool:
    """ "Volunteers needed" and "Any" are made of words that elsewhere say nothing."""
    refusing = re.search(r"\b(?:no|not|none|nothing|enough|full|fine|met|unknown|n/?a)\b", text, re.IGNORECASE)
    return (
        refusing is None
        and re.search(r"\b(?:volunteers?\b.*\bneed(?:ed|s)?|need(?:ed|s)?\b.*\bvolunteers?|any)\b", text, re.IGNORECASE)
        is not None
    )
