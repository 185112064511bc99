"""What may be sent when somebody asks about a claim: words alone. There is no field for a picture, a file or an address of
one (G11, L2); what looks like an address, a file or the data of one is refused before anything is kept."""

from __future__ import annotations

import re
from typing import Any

from app.core.i18n import _, lazy

SHORTEST, LONGEST, LONGEST_WHERE = 15, 600, 120
_FILE = (
    "jpe?g|jpe|jfif|png|gif|webp|heic|heif|avif|bmp|tiff?|svg|mp4|m4v|mov|avi|mkv|webm|wmv|flv|3gp|mpe?g|mp3|m4a|ogg|wav|"
    "zip|rar|7z|tar|gz|pdf|docx?|pptx?|xlsx?|odt|apk|exe|torrent"
)
# An address of a page: with a scheme, "www.", a path after a host, or a host that is an address of numbers.
_ADDRESS = re.compile(
    r"[a-z][a-z0-9+.-]{1,14}\s*:\s*//|\b(?:data|magnet|blob|javascript|file|ipfs)\s*:|\bwww\s*\.|\bhxxps?\b"
    r"|[\w-]\s*(?:\.|\[\.\]|\(\.\)|\(dot\)|\[dot\])\s*[a-z]{2,}\s*/\s*\S|\.onion\b|\b\d{1,3}(?:\.\d{1,3}){3}\b"
    r"|\b(?:t\.me|bit\.ly|tinyurl|mega\.nz|discord\.gg)\b",
    re.IGNORECASE,
)
_NAMED_FILE = re.compile(rf"[\w)\]-]\.(?:{_FILE})\b", re.IGNORECASE)
_DATA = re.compile(r"[A-Za-z0-9+/=_-]{48,}")
_MAILBOX = re.compile(r"[\w.+-]+@[\w-]+\.\w+")

# Why a claim is not answered, as whoever asked is told. What is marked is erased at once: it may harm somebody to keep it.
DECLINED: dict[str, Any] = {
    "person_in_danger": lazy("It is about somebody who may be in danger. We take in no reports: official services do."),
    "names_somebody": lazy("It names or describes a person. We say nothing of people who hold no public office."),
    "no_claim": lazy("It is an opinion, a question about us or a wish: there is nothing in it to check."),
    "cannot_be_checked": lazy("We looked, and found no source that could show whether it is true."),
    "other_topic": lazy("It is about something that these pages do not cover."),
}
ERASED = frozenset({"person_in_danger", "names_somebody"})


def refusals(text: str, seen_where: str) -> dict[str, str]:
    """What may not be kept of it, by field ("text", "seen_where"); empty when all of it may. Both are lines as
    core.text keeps them."""
    found = {}
    if not SHORTEST <= len(text) <= LONGEST:
        found["text"] = _(
            "Write the claim in a sentence or two: %(least)d to %(most)d characters", least=SHORTEST, most=LONGEST
        )
    for name, value in (("text", text), ("seen_where", seen_where)):
        if _ADDRESS.search(value) or _NAMED_FILE.search(value) or _DATA.search(value):
            found[name] = _("Use words only: we take no addresses of pages and no files, not even as proof")
        elif _MAILBOX.search(value):
            found[name] = _("Leave out addresses of people")
    if len(seen_where) > LONGEST_WHERE:
        found["seen_where"] = _("Write %(max)d characters or fewer", max=LONGEST_WHERE)
    return found
