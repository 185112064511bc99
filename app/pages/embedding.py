"""What an organization shows of itself on its own site: its open needs in a frame, and how to put it there.

The frame is the same for everybody: it knows no session, sets no cookie and needs no script, so any site may show it. Nothing
in it can be pressed but links, which leave the frame."""

from __future__ import annotations

from flask import Blueprint, Response, make_response, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from markupsafe import escape

from app.core.cache import anonymous_page
from app.core.i18n import _
from app.core.web import allow, content_security_policy, public, settings
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


def _framed(answer: ResponseReturnValue) -> Response:
    response = make_response(answer)
    response.headers["Content-Security-Policy"] = content_security_policy(framed_by="*")
    # The page of the organization is what search engines list.
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
    # Markup to copy, shown as text: what stands in its attributes is escaped in it.
    snippet = (
        f'<iframe src="{escape(settings().base_url + path)}"'
        f' title="{escape(_("What %(organization)s needs", organization=organization.name))}"'
        f' width="100%" height="{TALL}" loading="lazy" style="border: 0"></iframe>'
    )
    return render_template("pages/embed.html", organization=organization, snippet=snippet, path=path)
