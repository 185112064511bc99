"""What nobody means to type, and how often the tests try it: `make nightly` tries more."""

from __future__ import annotations

import io
import os
from collections.abc import Sequence
from typing import Any, TypeVar

from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st

T = TypeVar("T")
TIMES = int(os.environ.get("MANYHANDS_EXAMPLES", "1"))
NASTY = (
    "", " ", "0", "-1", "1e9", "NaN", "Infinity", "9" * 400, "²", "٣", "0.0001", "1e-400", "2026-02-30", "9999-12-31",
    "0001-01-01", "0000-00-00", "2027-03-14", "2027-11-07", "02:30", "01:30", "24:00", "12:00:00", "times", "flexible",
    "children", "first", "America/New_York", "Mars/Olympus", "../../etc/passwd", "Newark, NJ", "07102", "91,181",
    "40.7,-74.2", "nan,nan", "<script>alert(1)</script>", "\x00", "a\x00b", "\ud800", "\u202eabc", "👩‍👩‍👧‍👦", "a" * 30_000,
    "{{ 7 * 7 }}", "%(n)s %s", "'; DROP TABLE need; --", "javascript:alert(1)", "https://example.org", "a@b", "\r\nBcc: a@b.org",
    "y", "add:shift", "add:role", "remove:shift:0", "publish", "save", str(2**31), str(2**63), str(-(2**63) - 1),
)  # fmt: skip
WORDS = st.sampled_from(NASTY) | st.text(max_size=30)
NUMBERS = st.sampled_from((0, -1, 2**31, 2**63, -(2**63) - 1, 10**400, 0.1, 1e308, -0.0)) | st.integers()
JSON = st.recursive(
    st.none() | st.booleans() | NUMBERS | st.sampled_from(NASTY),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=5,
)


# Bodies that are no JSON, or none that can be kept: RFC 8259 knows no NaN, and half a character is none.
NOT_JSON = (
    b"{", b"'x'", b"\xff\xfe", b'{"title": "\xff"}', b"[" * 100_000, b'{"a":' * 50_000, b'{"a": NaN}', b'{"a": -Infinity}',
    b'{"a": 1' + b"0" * 5000 + b"}", b'{"\\ud800": 1}', b'{"a": "\\udfff"}', b"\xef\xbb\xbf{}",
    '{"a": 1}'.encode("utf-16"), b"{} {}",
)  # fmt: skip


# Bodies of forms that no browser sends, with what they say they are.
NOT_FORMS = (
    (b'{"title": {"a": 1}}', "application/json"), (b"[1]", "application/json"), (b"[" * 100_000, "application/json"),
    (b"--x\r\n\r\n", "multipart/form-data"),
    (b"--x\r\nContent-Disposition: form-data\r\n\r\na", "multipart/form-data; boundary=x"),
    (b'--x\r\nContent-Disposition: form-data; name="title"\r\nContent-Type: text/plain; charset=no\r\n\r\n\xff\r\n--x--',
     "multipart/form-data; boundary=x"),
    (b"&".join(b"f%d=1" % number for number in range(3000)), "application/x-www-form-urlencoded"),
    (b"title=" + b"a" * 600_000, "application/x-www-form-urlencoded"),
    (b"title=" + b"a" * 3_000_000, "application/x-www-form-urlencoded"),
    (b"%ff=%00&=&&&===;%", "application/x-www-form-urlencoded"), (b"\x00\xff", "\xff/\x01"),
)  # fmt: skip


class File:
    """A file where text is expected."""

    def __init__(self, content: bytes = b"GIF89a\x00", name: str = "../cat\x00.gif") -> None:
        self.content, self.name = content, name

    def __repr__(self) -> str:
        return "File()"

    def part(self) -> tuple[io.BytesIO, str]:
        """As a test client sends it."""
        return io.BytesIO(self.content), self.name


# What a field of a form may carry: a word, the same name twice, a file, or nothing at all (None: left out).
TYPED = WORDS | st.none() | st.lists(WORDS, min_size=2, max_size=3) | st.builds(File)


def encoded(fields: dict[str, Any]) -> dict[str, Any]:
    """The fields as a test client sends them; those that are None are left out.

    It writes text into a multipart body (there is one when there is a file) and bytes into any other.
    """
    with_files = any(isinstance(value, File) for value in fields.values())

    def one(word: str) -> str | bytes:
        raw = word.encode("utf-8", "surrogatepass")
        return raw.decode("utf-8", "replace") if with_files else raw

    sent: dict[str, Any] = {}
    for name, value in fields.items():
        if isinstance(value, File):
            sent[name] = value.part()
        elif isinstance(value, list):
            sent[name] = [one(word) for word in value]
        elif value is not None:
            sent[name] = one(value)
    return sent


def in_turn(every: Sequence[T], place: int, share: int) -> Sequence[T]:
    """Each `share`-th of `every`, from another one on at each `place`, so that those who stand together meet all of them;
    with MANYHANDS_EXAMPLES above 1 everybody does."""
    return every if TIMES > 1 else every[place % share :: share]


def tries(examples: int) -> settings:
    """So many examples, the same ones each time; MANYHANDS_EXAMPLES multiplies them and then draws anew."""
    return settings(
        max_examples=examples * TIMES,
        deadline=None,
        database=None,
        derandomize=TIMES == 1,
        phases=[Phase.generate],
        report_multiple_bugs=False,
        suppress_health_check=list(HealthCheck),
    )
