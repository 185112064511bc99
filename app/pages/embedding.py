"""What other sites show of ours in a frame: the open needs of an organization, a fact with its sources; and how to put it there.

The frame is the same for everybody: it knows no session, sets no cookie and needs no script, so any site may show it. Nothing
in it can be pressed but links, which leave the frame."""

from __future__ import annotations

from flask import Blueprint, Response, make_response, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from markupsafe import escape

from app.core.cache import anonymous_page
from app.core.i18n import _
from app.core.web import allow, content_security_policy, public, settings
from app.learning.models import Fact
from app.learning.queries import find_fact
from app.needs.queries import list_open_needs_of
from app.organizations.models import Organization
from app.organizations.policy import can_see_staff_pages
from app.organizations.queries import find_organization, find_remaining

embedding = Blueprint("embedding", __name__)

# More than a frame is for; the rest is on the organization's page.
SHOWN = 12
# The height that the snippet asks for, in pixels: four needs, the rest scrolls within.
TALL = 640


def _find_shown(slug: str) -> Organization | None:
    """While the public may see it (N1); a duplicate leads to what it is part of."""
    found = find_organization(slug)
    return found if found is not None and find_remaining(found).is_public else None


@embedding.get("/embed/organizations/<slug>")
@public(load=_find_shown)
def organization(organization: Organization) -> ResponseReturnValue:
    """The organization's open needs, for a frame on any site; with the area only (N6)."""
    remaining = find_remaining(organization)
    if remaining.id != organization.id:
        return _framed(redirect(url_for("embedding.organization", slug=remaining.slug), code=301))
    return _framed(anonymous_page(lambda: _render(organization)))


@embedding.get("/embed/facts/<slug>")
@public(load=find_fact)
def fact(fact: Fact) -> ResponseReturnValue:
    """A fact with its state and sources, for a frame on any site: withdrawn, it says so there from that moment on. What
    speaks of abuse or disaster is folded (G13)."""
    return _framed(anonymous_page(lambda: render_template("pages/embedded_fact.html", fact=fact), proxies=False))


def frame_snippet(path: str, title: str, height: int) -> str:
    """Markup to copy into another site, which shows the page at `path` in a frame of `height` pixels. It is shown as text: what
    stands in its attributes is escaped in it."""
    return (
        f'<iframe src="{escape(settings().base_url + path)}" title="{escape(title)}"'
        f' width="100%" height="{height}" loading="lazy" style="border: 0"></iframe>'
    )


def _framed(answer: ResponseReturnValue) -> Response:
    response = make_response(answer)
    response.headers["Content-Security-Policy"] = content_security_policy(framed_by="*")
    # Its own page is what search engines list.
    response.headers["X-Robots-Tag"] = "noindex"
    return response


def _render(organization: Organization) -> str:
    needs = [need for need in list_open_needs_of(organization.id) if need.status == "open"]
    return render_template(
        "pages/embedded.html", organization=organization, needs=needs[:SHOWN], others=len(needs) - SHOWN
    )


@embedding.get("/manage/<slug>/embed")
@allow(can_see_staff_pages, load=find_organization)
def embed(organization: Organization) -> ResponseReturnValue:
    """How to show the open needs on the organization's own site: what to copy, and where to."""
    path = url_for("embedding.organization", slug=organization.slug)
    snippet = frame_snippet(path, _("What %(organization)s needs", organization=organization.name), TALL)
    return render_template("pages/embed.html", organization=organization, snippet=snippet, path=path)
