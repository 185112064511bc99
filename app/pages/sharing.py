"""Passing on a need, a fundraiser, an organization or what can be learned: the share step with its questions, its link and
the text that carries the sources, a QR code, a poster, the card that other sites show with the link. Nothing of anybody
else's site is in it, and nobody is told who shared."""

from __future__ import annotations

from urllib.parse import quote

from flask import Blueprint, Response, render_template, request
from flask.typing import ResponseReturnValue

from app.core.cards import Card, Statement, draw_card, draw_statement
from app.core.i18n import _
from app.core.qr import draw_qr, qr_png, qr_svg
from app.core.web import UNSEEN_HEADERS, public
from app.learning.signposts import ELSEWHERE
from app.pages.embedding import frame_snippet
from app.pages.shared import (
    Shared,
    card_of_article,
    card_of_fact,
    card_of_fundraiser,
    card_of_need,
    card_of_organization,
    card_of_question,
    share_article,
    share_fact,
    share_fundraiser,
    share_need,
    share_organization,
    share_question,
)

sharing = Blueprint("sharing", __name__)
# The height that a fact's snippet asks for, in pixels: a claim with three sources on a phone; the rest scrolls within.
TALL_FACT = 480


def _card(card: Card | Statement) -> ResponseReturnValue:
    """The same for the same words, and asked for anew each time: what it shows may be withdrawn. It is drawn only for whoever
    has not got it."""
    response = Response(content_type="image/png")
    response.set_etag(card.digest)
    response.headers["Cache-Control"] = "public, no-cache"
    response.headers["Content-Disposition"] = "inline"
    response.vary.add("Accept-Language")
    if not request.if_none_match.contains(card.digest):
        picture = draw_card(card) if isinstance(card, Card) else draw_statement(card)
        response.set_data(picture.content)
    return response.make_conditional(request)


def _page(shared: Shared) -> ResponseReturnValue:
    """The share step: first the questions where it asks, then what there is to pass on. What somebody answered is in their
    head only: going on is a link."""
    ready = "ready" in request.args or not shared.asks
    page = render_template(
        "pages/share.html" if ready else "pages/pause.html",
        shared=shared,
        go_on=f"{shared.step}?ready=yes",
        text=shared.text,
        code=draw_qr(shared.url) if ready else "",
        mail=f"mailto:?subject={quote(shared.line)}&body={quote(shared.text)}",
        message=f"sms:?&body={quote(shared.text)}",
        leave_url=ELSEWHERE,
        snippet=frame_snippet(shared.frame, _("A fact with its sources"), TALL_FACT) if shared.frame else "",
    )
    return (page, 200, UNSEEN_HEADERS) if shared.sensitive else page


def _poster(shared: Shared) -> ResponseReturnValue:
    return render_template("pages/poster.html", shared=shared, code=draw_qr(shared.url), strips=range(8))


def _picture(shared: Shared) -> ResponseReturnValue:
    return _download(qr_png(shared.url), "image/png", "qr.png")


def _drawing(shared: Shared) -> ResponseReturnValue:
    return _download(qr_svg(shared.url), "image/svg+xml", "qr.svg")


def _download(content: bytes, kind: str, name: str) -> ResponseReturnValue:
    headers = {"Content-Disposition": f'attachment; filename="{name}"', "Cache-Control": "no-cache"}
    return Response(content, content_type=kind, headers=headers)


@sharing.get("/share/need/<id:need_id>")
@public(load=share_need)
def need(shared: Shared) -> ResponseReturnValue:
    """Pass a need on."""
    return _page(shared)


@sharing.get("/needs/<id:need_id>/poster")
@public(load=share_need)
def need_poster(shared: Shared) -> ResponseReturnValue:
    """A need on paper, with strips to tear off."""
    return _poster(shared)


@sharing.get("/needs/<id:need_id>/qr.png")
@public(load=share_need)
def need_code(shared: Shared) -> ResponseReturnValue:
    """The code of a need as a picture."""
    return _picture(shared)


@sharing.get("/needs/<id:need_id>/qr.svg")
@public(load=share_need)
def need_drawn_code(shared: Shared) -> ResponseReturnValue:
    """The code of a need as a drawing, for print."""
    return _drawing(shared)


@sharing.get("/needs/<id:need_id>/card.png")
@public(load=card_of_need)
def need_card(card: Card) -> ResponseReturnValue:
    """What other sites show with a link to a need."""
    return _card(card)


@sharing.get("/share/fundraiser/<slug>")
@public(load=share_fundraiser)
def fundraiser(shared: Shared) -> ResponseReturnValue:
    """Pass a fundraiser on."""
    return _page(shared)


@sharing.get("/fundraisers/<slug>/poster")
@public(load=share_fundraiser)
def fundraiser_poster(shared: Shared) -> ResponseReturnValue:
    """A fundraiser on paper, with strips to tear off."""
    return _poster(shared)


@sharing.get("/fundraisers/<slug>/qr.png")
@public(load=share_fundraiser)
def fundraiser_code(shared: Shared) -> ResponseReturnValue:
    """The code of a fundraiser as a picture."""
    return _picture(shared)


@sharing.get("/fundraisers/<slug>/qr.svg")
@public(load=share_fundraiser)
def fundraiser_drawn_code(shared: Shared) -> ResponseReturnValue:
    """The code of a fundraiser as a drawing, for print."""
    return _drawing(shared)


@sharing.get("/fundraisers/<slug>/card.png")
@public(load=card_of_fundraiser)
def fundraiser_card(card: Card) -> ResponseReturnValue:
    """What other sites show with a link to a fundraiser."""
    return _card(card)


@sharing.get("/share/organization/<slug>")
@public(load=share_organization)
def organization(shared: Shared) -> ResponseReturnValue:
    """Pass an organization on."""
    return _page(shared)


@sharing.get("/organizations/<slug>/poster")
@public(load=share_organization)
def organization_poster(shared: Shared) -> ResponseReturnValue:
    """An organization on paper, with strips to tear off."""
    return _poster(shared)


@sharing.get("/organizations/<slug>/qr.png")
@public(load=share_organization)
def organization_code(shared: Shared) -> ResponseReturnValue:
    """The code of an organization as a picture."""
    return _picture(shared)


@sharing.get("/organizations/<slug>/qr.svg")
@public(load=share_organization)
def organization_drawn_code(shared: Shared) -> ResponseReturnValue:
    """The code of an organization as a drawing, for print."""
    return _drawing(shared)


@sharing.get("/organizations/<slug>/card.png")
@public(load=card_of_organization)
def organization_card(card: Card) -> ResponseReturnValue:
    """What other sites show with a link to an organization."""
    return _card(card)


@sharing.get("/share/fact/<slug>")
@public(load=share_fact)
def fact(shared: Shared) -> ResponseReturnValue:
    """Pass a fact on."""
    return _page(shared)


@sharing.get("/learn/facts/<slug>/card.png")
@public(load=card_of_fact)
def fact_card(card: Statement) -> ResponseReturnValue:
    """What other sites show with a link to a fact."""
    return _card(card)


@sharing.get("/share/article/<slug>")
@public(load=share_article)
def article(shared: Shared) -> ResponseReturnValue:
    """Pass an article on."""
    return _page(shared)


@sharing.get("/learn/<slug>/card.png")
@public(load=card_of_article)
def article_card(card: Statement) -> ResponseReturnValue:
    """What other sites show with a link to an article."""
    return _card(card)


@sharing.get("/share/question/<slug>")
@public(load=share_question)
def question(shared: Shared) -> ResponseReturnValue:
    """Pass a question and its answer on."""
    return _page(shared)


@sharing.get("/learn/questions/<slug>/card.png")
@public(load=card_of_question)
def question_card(card: Statement) -> ResponseReturnValue:
    """What other sites show with a link to a question."""
    return _card(card)
