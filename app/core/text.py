"""What people type, made safe to keep: databases refuse some characters and people never mean them."""

from __future__ import annotations

import unicodedata


def _keepable(text: str, allowed: str) -> str:
    """`text` in composed form without control characters (PostgreSQL refuses NUL), half surrogates and code points that
    Unicode keeps for no character (HTML forbids them)."""
    kept = (
        character
        for character in text
        if character in allowed
        or (unicodedata.category(character) not in ("Cc", "Cs") and not _is_no_character(ord(character)))
    )
    return unicodedata.normalize("NFC", "".join(kept))


def _is_no_character(code: int) -> bool:
    return code & 0xFFFE == 0xFFFE or 0xFDD0 <= code <= 0xFDEF


def line(text: str | None) -> str | None:
    """One line: inner runs of white space become one space. None stays None (a field that was not sent)."""
    return None if text is None else " ".join(_keepable(text, "\t\n\r").split())


def block(text: str | None) -> str | None:
    """Several lines: line ends become \\n, the ends are trimmed. None stays None."""
    return None if text is None else _keepable(text.replace("\r\n", "\n").replace("\r", "\n"), "\t\n").strip()
