"""Which words of people somebody looks at before everybody reads them: what donors write, the names they show, titles of pages.

Whole words are compared, so that places like Scunthorpe pass; what the list holds back wrongly all the same is written at its
head, and a person decides within a minute."""

from __future__ import annotations

import functools
import re
import unicodedata
from pathlib import Path

WORD_LIST = Path(__file__).parent / "hidden_words.txt"
LINK = re.compile(r"https?:|www\.|\b[\w-]+\.(?:com|net|org|info|biz|ru|xyz|top|shop|online|site|io)\b")
# Digits and signs that stand for letters.
DISGUISES = str.maketrans("013457@$", "oieastas")


@functools.cache
def _words() -> frozenset[str]:
    lines = (line.split("#", 1)[0].strip() for line in WORD_LIST.read_text("utf-8").splitlines())
    return frozenset(_plain(line) for line in lines if line)


def _plain(text: str) -> str:
    decomposed = unicodedata.normalize("NFKD", text.casefold())
    return "".join(letter for letter in decomposed if not unicodedata.combining(letter))


def is_suspect(text: str) -> bool:
    """True when `text` is held back until somebody has looked: it has a listed word, also disguised (sh1t), or a link."""
    plain = _plain(text)
    if LINK.search(plain):
        return True
    spelled = set(re.findall(r"[^\W_]+", plain)) | set(re.findall(r"[^\W_]+", plain.translate(DISGUISES)))
    return not spelled.isdisjoint(_words())
