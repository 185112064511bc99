"""What nobody means to type, and how often the tests try it: `make nightly` tries more."""

from __future__ import annotations

import os

from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st

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
    st.none() | st.booleans() | NUMBERS | st.sampled_from([word for word in NASTY if word.isprintable()]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=5,
)


def tries(examples: int) -> settings:
    """So many examples, the same ones each time; MANYHANDS_EXAMPLES multiplies them and then draws anew."""
    times = int(os.environ.get("MANYHANDS_EXAMPLES", "1"))
    return settings(
        max_examples=examples * times,
        deadline=None,
        database=None,
        derandomize=times == 1,
        phases=[Phase.generate],
        report_multiple_bugs=False,
        suppress_health_check=list(HealthCheck),
    )
