"""Passing on a need or a fundraiser: its link, its QR code, a poster. Nothing of anybody else's site is in it, and nobody
is told who shared."""

from __future__ import annotations

import dataclasses
from urllib.parse import quote

from flask import Blueprint, Response, render_template
from flask.typing import ResponseReturnValue

from app.core import when
from app.core.i18n import _
from app.core.ids import encode_id
from app.core.qr import draw_qr, qr_png
from app.core.web import public, settings
from app.fundraisers.queries import find_public_fundraiser
from app.needs.models import Need
from app.needs.queries import find_visible_need
from app.signups.calendar import describe_area

sharing = Blueprint("sharing", __name__)


@dataclasses.dataclass(frozen=True)
class Shared:
    """What is passed on: the path of its page and of its sharing pages, its title, whose it is, and facts for paper."""

    path: str
    title: str
    organization: str
    facts: tuple[str, ...]
    section: str

    @property
    def url(self) -> str:
        """The whole address."""
        return settings().base_url + self.path


def _share_need(need_id: int) -> Shared | None:
    """While the public may see it (N1); of a private address the area only (N6)."""
    need: Need | None = find_visible_need(need_id)
    if need is None:
        return None
    facts = (describe_area(need), _("Last day: %(day)s", day=when.full_day(need.ends_on)) if need.ends_on else "")
    return Shared(f"/needs/{encode_id(need.id)}", need.title, need.organization.name, facts, "needs")


def _share_fundraiser(slug: str) -> Shared | None:
    page = find_public_fundraiser(slug)
    if page is None:
        return None
    facts = (_("until %(day)s", day=when.full_day(page.ends_on)) if page.ends_on else "",)
    return Shared(f"/fundraisers/{page.slug}", page.title, page.organization_name, facts, "fundraisers")


def _page(shared: Shared) -> ResponseReturnValue:
    text = _("%(title)s – %(organization)s", title=shared.title, organization=shared.organization)
    return render_template(
        "pages/share.html",
        shared=shared,
        code=draw_qr(shared.url),
        mail=f"mailto:?subject={quote(text)}&body={quote(shared.url)}",
        message=f"sms:?&body={quote(f'{text} {shared.url}')}",
    )


def _poster(shared: Shared) -> ResponseReturnValue:
    return render_template("pages/poster.html", shared=shared, code=draw_qr(shared.url), strips=range(8))


def _picture(shared: Shared) -> ResponseReturnValue:
    headers = {"Content-Disposition": 'attachment; filename="qr.png"', "Cache-Control": "no-cache"}
    return Response(qr_png(shared.url), content_type="image/png", headers=headers)


@sharing.get("/needs/<id:need_id>/share")
@public(load=_share_need)
def need(shared: Shared) -> ResponseReturnValue:
    """Pass a need on."""
    return _page(shared)


@sharing.get("/needs/<id:need_id>/poster")
@public(load=_share_need)
def need_poster(shared: Shared) -> ResponseReturnValue:
    """A need on paper, with strips to tear off."""
    return _poster(shared)


@sharing.get("/needs/<id:need_id>/qr.png")
@public(load=_share_need)
def need_code(shared: Shared) -> ResponseReturnValue:
    """The code of a need as a picture."""
    return _picture(shared)


@sharing.get("/fundraisers/<slug>/share")
@public(load=_share_fundraiser)
def fundraiser(shared: Shared) -> ResponseReturnValue:
    """Pass a fundraiser on."""
    return _page(shared)


@sharing.get("/fundraisers/<slug>/poster")
@public(load=_share_fundraiser)
def fundraiser_poster(shared: Shared) -> ResponseReturnValue:
    """A fundraiser on paper, with strips to tear off."""
    return _poster(shared)


@sharing.get("/fundraisers/<slug>/qr.png")
@public(load=_share_fundraiser)
def fundraiser_code(shared: Shared) -> ResponseReturnValue:
    """The code of a fundraiser as a picture."""
    return _picture(shared)
