"""What other sites show of ours in a frame: the open needs of an organization, a fact with its sources, where a fundraiser
stands; and how to put it there, by hand or by oEmbed (https://oembed.com).

The frame is the same for everybody: it knows no session, sets no cookie and needs no script, so any site may show it. Nothing
in it can be pressed but links, which leave the frame."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

from flask import Blueprint, Response, abort, jsonify, make_response, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from markupsafe import escape

from app.core import cards
from app.core.cache import anonymous_page
from app.core.i18n import _
from app.core.web import allow, content_security_policy, public, settings
from app.donations.page_parts import standing_of
from app.donations.queries import totals
from app.fundraisers.queries import PublicFundraiser, find_public_fundraiser
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
# Of a fundraiser: the widget, and the button alone.
WIDGET_WIDE, WIDGET_TALL, BUTTON_TALL = 600, 320, 90


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


# --- fundraisers ----------------------------------------------------------------------------------------------------


@embedding.get("/embed/fundraisers/<slug>")
@public(load=find_public_fundraiser)
def fundraiser(page: PublicFundraiser) -> ResponseReturnValue:
    """Where a fundraiser stands and the way to give, for a frame on any site; with ?as=button the way alone."""
    return _framed(anonymous_page(lambda: _render_fundraiser(page)))


def _render_fundraiser(page: PublicFundraiser) -> str:
    return render_template(
        "pages/embedded_fundraiser.html",
        page=page,
        totals=totals([page.id])[page.id],
        standing_of=standing_of,
        only_button=request.args.get("as") == "button",
    )


@embedding.get("/fundraisers/<slug>/embed")
@public(load=find_public_fundraiser)
def embed_fundraiser(page: PublicFundraiser) -> ResponseReturnValue:
    """How to show it on any site: what to copy."""
    path = url_for("embedding.fundraiser", slug=page.slug)
    return render_template(
        "pages/embed_fundraiser.html",
        page=page,
        path=path,
        widget=frame_snippet(path, page.title, WIDGET_TALL),
        button=frame_snippet(f"{path}?as=button", _("Donate: %(title)s", title=page.title), BUTTON_TALL),
    )


@embedding.get("/oembed")
@public
def oembed() -> ResponseReturnValue:
    """What a site that somebody pasted the address of a fundraiser into shows of it (oEmbed 1.0, type rich, JSON alone).

    404 for any other address and for what the public may not see (F8), 501 for another format.
    """
    if request.args.get("format", "json") != "json":
        return "", 501
    parts, own = urlsplit(request.args.get("url", "")), urlsplit(settings().base_url)
    found = re.fullmatch(r"/fundraisers/([a-z0-9-]{1,80})/?", parts.path)
    page = find_public_fundraiser(found[1]) if found is not None and parts.netloc == own.netloc else None
    if page is None:
        abort(404)
    width = _at_most("maxwidth", WIDGET_WIDE)
    height = _at_most("maxheight", WIDGET_TALL)
    answer = {
        "version": "1.0",
        "type": "rich",
        "title": page.title,
        "author_name": page.organization_name,
        "author_url": f"{settings().base_url}/organizations/{page.organization_slug}",
        "provider_name": settings().platform_name,
        "provider_url": settings().base_url,
        "cache_age": 300,
        "html": frame_snippet(url_for("embedding.fundraiser", slug=page.slug), page.title, height),
        "width": width,
        "height": height,
        "thumbnail_url": f"{settings().base_url}/fundraisers/{page.slug}/card.png",
        "thumbnail_width": cards.WIDTH,
        "thumbnail_height": cards.TALL,
    }
    response = jsonify(answer)
    response.headers["Cache-Control"] = "public, max-age=60"
    response.headers["Access-Control-Allow-Origin"] = "*"
    return response


def _at_most(name: str, usual: int) -> int:
    """What whoever asks has room for, in pixels, as far as that is less than usual."""
    asked = request.args.get(name, "")
    return min(int(asked), usual) if asked.isdecimal() and len(asked) < 6 and int(asked) > 0 else usual
