"""Where to report: official services outside this platform. Nothing of a visit is written down (L2)."""

from __future__ import annotations

from typing import Any

from flask import Response, jsonify, make_response, render_template, request
from flask.typing import ResponseReturnValue

from app.core.i18n import lazy
from app.core.web import UNSEEN_HEADERS, public, settings
from app.learning.signposts import (
    ANCHORS,
    COUNTRIES,
    ELSEWHERE,
    HEADINGS,
    NOTES,
    Signpost,
    divide_signposts,
    guess_country,
    read_checks,
)
from app.learning.views.blueprint import learning

COUNTRY_NAMES: dict[str, Any] = {
    "US": lazy("United States"),
    "GB": lazy("United Kingdom"),
    "CA": lazy("Canada"),
    "AU": lazy("Australia"),
    "EU": lazy("European Union"),
    "ZZ": lazy("Another country"),
}


def _country() -> str:
    asked = request.args.get("country", "").upper()
    return asked if asked in COUNTRIES else guess_country([language for language, _q in request.accept_languages])


def _signposts(country: str) -> tuple[list[Signpost], list[Signpost]]:
    return divide_signposts(country, read_checks(settings().data_dir))


def _anchors(rows: list[Signpost]) -> dict[str, str]:
    """By key, the part of the page that the first service of each heading begins: texts link to it."""
    found: dict[str, str] = {}
    for row in rows:
        found.setdefault(ANCHORS.get(row.heading, row.heading), row.key)
    return {key: anchor for anchor, key in found.items()}


@learning.get("/report")
@public
def report() -> ResponseReturnValue:
    """The services of one country, without a cookie, and kept by nobody."""
    country = _country()
    signposts, elsewhere = _signposts(country)
    page = render_template(
        "learning/report.html",
        country=country,
        countries=[(code, COUNTRY_NAMES[code]) for code in COUNTRIES],
        signposts=signposts,
        elsewhere=elsewhere,
        anchors=_anchors(signposts),
        headings=HEADINGS,
        notes=NOTES,
        leave_url=ELSEWHERE,
    )
    return _unseen(make_response(page))


@learning.get("/report.json")
@public
def report_json() -> ResponseReturnValue:
    """The same for programs: `?country=US`."""
    country = _country()
    signposts, elsewhere = _signposts(country)
    rows = [
        {
            "name": row.name,
            "for": str(HEADINGS[row.heading][0]),
            "web": row.web or None,
            "phone": row.phone or None,
            "text": f"{row.text_word} {row.text}".strip() or None,
            "always_open": True if row.hours == "always" else None,
            "certain": not row.note,
            "note": str(NOTES[row.note]) if row.note else None,
            "checked_on": row.checked_on.isoformat(),
            "source": row.source or None,
        }
        for row in [*signposts, *elsewhere]
    ]
    return _unseen(jsonify({"country": country, "services": rows}))


def _unseen(response: Response) -> Response:
    """Kept by no browser and no proxy, told to no other site, in no search engine's copy."""
    response.headers.update(UNSEEN_HEADERS)
    response.headers["X-Robots-Tag"] = "noarchive"
    return response
