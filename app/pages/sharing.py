"""Passing on a need, a fundraiser or an organization: its link, its QR code, a poster, the card that other sites show with
the link. Nothing of anybody else's site is in it, and nobody is told who shared."""

from __future__ import annotations

import dataclasses
from urllib.parse import quote

from flask import Blueprint, Response, render_template, request
from flask.typing import ResponseReturnValue

from app.core import when
from app.core.cards import Card, draw_card
from app.core.i18n import _, ngettext, number
from app.core.ids import encode_id
from app.core.qr import draw_qr, qr_png, qr_svg
from app.core.templating import country, money
from app.core.web import public, settings
from app.donations.queries import totals
from app.fundraisers.queries import find_public_fundraiser
from app.needs import standing
from app.needs.models import Need
from app.needs.queries import count_by_status, find_visible_need, list_items, list_shifts
from app.organizations.queries import find_logo_content, find_public_organization
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


def _share_organization(slug: str) -> Shared | None:
    """While the public may see it (N1)."""
    organization = find_public_organization(slug)
    if organization is None:
        return None
    place = _place(organization.city, organization.region, country(organization.country))
    return Shared(f"/organizations/{organization.slug}", organization.name, "", (place,), "organizations")


def _place(*parts: str | None) -> str:
    return ", ".join(part for part in parts if part)


# --- cards ----------------------------------------------------------------------------------------------------------


def _card_of_need(need_id: int) -> Card | None:
    """While the public may see it (N1); where it is never more exactly than its town (N6)."""
    need: Need | None = find_visible_need(need_id)
    if need is None:
        return None
    shifts = [shift for shift in list_shifts(need_id) if not shift.is_over and shift.status == "scheduled"]
    items = list_items(need_id)
    time, things = standing.of_time(shifts), standing.of_items(items)
    where = _("From anywhere") if need.remote else _place(need.city, need.region)
    whose = " · ".join(part for part in (need.organization.name, where) if part)
    card = Card(settings().platform_name, need.title, whose, logo=find_logo_content(need.organization_id))
    if standing.is_filled(shifts, items):
        return dataclasses.replace(card, standing=_("Everything asked for is promised"), share=1.0)
    if time is not None and time.open:
        words = ngettext("%(num)s place open", "%(num)s places open", int(time.open))
        return dataclasses.replace(card, standing=words, given=int(time.given), open=int(time.open))
    if things is not None and things.open:
        words = _("%(n)s of %(goal)s wanted", n=number(things.open), goal=number(things.goal))
        return dataclasses.replace(card, standing=words, share=float(1 - things.open / things.goal))
    return card


def _card_of_fundraiser(slug: str) -> Card | None:
    page = find_public_fundraiser(slug)
    if page is None:
        return None
    raised, goal = totals([page.id])[page.id].settled.amount_minor, page.goal.amount_minor
    words = _("%(percent)s%% of %(goal)s", percent=raised * 100 // goal, goal=money(goal, page.goal.currency))
    return Card(
        settings().platform_name,
        page.title,
        page.organization_name,
        words,
        share=raised / goal,
        logo=find_logo_content(page.organization_id),
    )


def _card_of_organization(slug: str) -> Card | None:
    organization = find_public_organization(slug)
    if organization is None:
        return None
    place = _place(organization.city, organization.region, country(organization.country))
    count = count_by_status(organization.id).get("open", 0)
    words = ngettext("%(num)s need open", "%(num)s needs open", count) if count else ""
    return Card(settings().platform_name, organization.name, place, words, logo=find_logo_content(organization.id))


def _card(card: Card) -> ResponseReturnValue:
    """The same for the same words; kept for a minute, because what it shows may be withdrawn."""
    picture = draw_card(card)
    response = Response(picture.content, content_type="image/png")
    response.set_etag(picture.digest)
    response.headers["Cache-Control"] = "public, max-age=60"
    response.headers["Content-Disposition"] = "inline"
    response.vary.add("Accept-Language")
    return response.make_conditional(request)


# --- pages ----------------------------------------------------------------------------------------------------------


def _page(shared: Shared) -> ResponseReturnValue:
    text = shared.title
    if shared.organization:
        text = _("%(title)s – %(organization)s", title=shared.title, organization=shared.organization)
    return render_template(
        "pages/share.html",
        shared=shared,
        text=text,
        code=draw_qr(shared.url),
        mail=f"mailto:?subject={quote(text)}&body={quote(shared.url)}",
        message=f"sms:?&body={quote(f'{text} {shared.url}')}",
    )


def _poster(shared: Shared) -> ResponseReturnValue:
    return render_template("pages/poster.html", shared=shared, code=draw_qr(shared.url), strips=range(8))


def _picture(shared: Shared) -> ResponseReturnValue:
    return _download(qr_png(shared.url), "image/png", "qr.png")


def _drawing(shared: Shared) -> ResponseReturnValue:
    return _download(qr_svg(shared.url), "image/svg+xml", "qr.svg")


def _download(content: bytes, kind: str, name: str) -> ResponseReturnValue:
    headers = {"Content-Disposition": f'attachment; filename="{name}"', "Cache-Control": "no-cache"}
    return Response(content, content_type=kind, headers=headers)


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


@sharing.get("/needs/<id:need_id>/qr.svg")
@public(load=_share_need)
def need_drawn_code(shared: Shared) -> ResponseReturnValue:
    """The code of a need as a drawing, for print."""
    return _drawing(shared)


@sharing.get("/needs/<id:need_id>/card.png")
@public(load=_card_of_need)
def need_card(card: Card) -> ResponseReturnValue:
    """What other sites show with a link to a need."""
    return _card(card)


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


@sharing.get("/fundraisers/<slug>/qr.svg")
@public(load=_share_fundraiser)
def fundraiser_drawn_code(shared: Shared) -> ResponseReturnValue:
    """The code of a fundraiser as a drawing, for print."""
    return _drawing(shared)


@sharing.get("/fundraisers/<slug>/card.png")
@public(load=_card_of_fundraiser)
def fundraiser_card(card: Card) -> ResponseReturnValue:
    """What other sites show with a link to a fundraiser."""
    return _card(card)


@sharing.get("/organizations/<slug>/share")
@public(load=_share_organization)
def organization(shared: Shared) -> ResponseReturnValue:
    """Pass an organization on."""
    return _page(shared)


@sharing.get("/organizations/<slug>/poster")
@public(load=_share_organization)
def organization_poster(shared: Shared) -> ResponseReturnValue:
    """An organization on paper, with strips to tear off."""
    return _poster(shared)


@sharing.get("/organizations/<slug>/qr.png")
@public(load=_share_organization)
def organization_code(shared: Shared) -> ResponseReturnValue:
    """The code of an organization as a picture."""
    return _picture(shared)


@sharing.get("/organizations/<slug>/qr.svg")
@public(load=_share_organization)
def organization_drawn_code(shared: Shared) -> ResponseReturnValue:
    """The code of an organization as a drawing, for print."""
    return _drawing(shared)


@sharing.get("/organizations/<slug>/card.png")
@public(load=_card_of_organization)
def organization_card(card: Card) -> ResponseReturnValue:
    """What other sites show with a link to an organization."""
    return _card(card)
