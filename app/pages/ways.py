"""The ways to help: each line of what a reader of the learn pages can do leads into the part of the platform that does it,
near the place the reader names. Where somebody is, is guessed from nothing; which country's services are named first is
guessed from the browser's languages alone."""

from __future__ import annotations

import dataclasses
from typing import Any
from urllib.parse import urlencode

from flask import Blueprint, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from app.core.cache import anonymous_page
from app.core.i18n import _, ngettext, number
from app.core.places import Place
from app.core.templating import country as country_name
from app.core.web import public
from app.learning.queries import list_topics
from app.learning.signposts import guess_country
from app.needs.facets import Facets, count_facets
from app.needs.filters import parse

ways = Blueprint("ways", __name__)


@dataclasses.dataclass(frozen=True)
class Way:
    """One way to help: what it is called, what it means, and where it is done."""

    icon: str
    title: str
    text: str
    action: str
    url: str
    # What is open now, in words; "" where nothing is counted.
    now: str = ""


@ways.get("/help")
@public
def short() -> ResponseReturnValue:
    """The address that somebody types."""
    return redirect(url_for("ways.index"), code=301)


@ways.get("/ways-to-help")
@public
def index() -> ResponseReturnValue:
    """Every way to help, and what is open now, near `?near=` where that is a place we know."""
    filters, errors = parse(lambda name: request.args.getlist(name) if name == "near" else [])
    country = guess_country([language for language, _q in request.accept_languages])
    page = render_template(
        "pages/ways.html",
        ways=list_ways(count_facets(filters), filters.place, country),
        near=request.args.get("near", "")[:200],
        place=filters.place,
        error=errors.get("near"),
    )
    return page, 422 if errors else 200


@ways.get("/follow")
@public
def news() -> ResponseReturnValue:
    """What can be followed: each topic from here, organizations from their pages."""
    return anonymous_page(lambda: render_template("pages/news.html", topics=list_topics()))


def list_ways(counted: Facets, place: Place | None, country: str) -> list[Way]:
    """The list of the learn pages, in its order; `counted` is what is open around `place` (None: everywhere)."""
    where = {} if place is None else {"near": place.label}
    services = country_name(country) if country != "ZZ" else ""
    return [
        Way(
            "book-open", _("Keep learning"),
            _("Short articles whose every number carries its sources, and how well it is known."),
            _("Read"), "/learn",
        ),
        Way(
            "share-2", _("Be an advocate for truth"),
            _("Pass a fact on with its sources attached. When it is withdrawn, your link says so."),
            _("Find a fact"), "/learn?kind=fact",
        ),
        Way(
            "pause", _("Pause before you share"),
            _("Seven steps to check what you saw, and somebody to ask when you cannot find out."),
            _("Check a claim"), "/learn/check",
        ),
        Way(
            "phone", _("Make a report"),
            _("Official services know what to do. They are named by country, and nobody here writes down that you looked."),
            _("Where to report"), "/report" + (f"?{urlencode({'country': country})}" if services else ""),
            _("Services in: %(country)s", country=services) if services else "",
        ),
        Way(
            "hand-heart", _("Start a fundraiser"),
            _("Run, bake or ask your birthday guests, for one need or for an organization."),
            _("Start a fundraiser"), "/fundraisers/new",
        ),
        Way(
            "hand-coins", _("Give money"),
            _("To a fundraiser for one need or one organization. It goes to the organization, and you need no account."),
            _("Choose a fundraiser"), "/fundraisers",
        ),
        Way(
            "clock", _("Give time"),
            _("A shift near you, or a role from home. Shifts with children say what they ask for first."),
            _("Needs for time"), _needs("time", where), _open(counted.time, counted.exact, place),
        ),
        Way(
            "package", _("Give supplies"),
            _("Exactly what is wanted, how many of it, and what not to bring."),
            _("Needs for items"), _needs("items", where), _open(counted.items, counted.exact, place),
        ),
        Way(
            "mail", _("Get news"),
            _("Follow a topic or an organization: what is new comes to you, and stops when you say so."),
            _("Choose what to follow"), "/follow",
        ),
    ]  # fmt: skip


def _needs(wants: str, where: dict[str, Any]) -> str:
    return "/needs?" + urlencode({**where, "wants": wants})


def _open(count: int, exact: bool, place: Place | None) -> str:
    if not exact:
        return _("More than %(n)s open near %(place)s", n=number(1000), place=place.label if place else "")
    if place is None:
        return ngettext("%(num)s need open", "%(num)s needs open", count)
    return ngettext("%(num)s need open near %(place)s", "%(num)s needs open near %(place)s", count, place=place.label)
