"""Home and the addresses that machines ask for."""

from __future__ import annotations

from flask import Blueprint, Flask, Response, render_template
from flask.typing import ResponseReturnValue
from flask_wtf import CSRFProtect

from app.accounts.session import current_person
from app.core.cache import anonymous_page
from app.core.drawing import MOST_CROWD
from app.core.web import public, signed_in
from app.needs import listing
from app.needs.filters import parse
from app.needs.rows import NeedRow
from app.needs.search import search
from app.pages import queries
from app.pages.design import design
from config import Settings

pages = Blueprint("pages", __name__)

# The picture of the first page is drawn from the needs that come next; only the first of them are listed.
SHOWN_AT_HOME = 20
LISTED_AT_HOME = 4


@pages.get("/")
@public
def home() -> ResponseReturnValue:
    """What this is, and the way to a need nearby."""
    return anonymous_page(_render_home)


def _render_home() -> str:
    filters, _errors = parse(lambda _name: [])
    rows = search(filters, SHOWN_AT_HOME).rows
    counted: list[NeedRow] = []
    places = 0
    for row in rows:  # no more than can be drawn: the words beside the picture count the same fingers
        if row.capacity and places + row.capacity <= MOST_CROWD:
            counted, places = [*counted, row], places + row.capacity
    taken = sum(row.taken for row in counted)
    return render_template(
        "pages/home.html",
        cards=listing.cards(rows[:LISTED_AT_HOME], filters),
        counted=len(counted),
        taken=taken,
        still_open=places - taken,
    )


@pages.get("/my-help")
@signed_in
def my_help() -> ResponseReturnValue:
    """Everything one promised by date, and what one gave before."""
    return render_template("pages/my_help.html", help=queries.list_my_help(current_person()))


@pages.get("/healthz")
@public
def healthz() -> ResponseReturnValue:
    """The process answers."""
    return Response("ok\n", content_type="text/plain")


@pages.get("/readyz")
@public
def readyz() -> ResponseReturnValue:
    """The database answers and its migrations are this code's."""
    if not queries.is_migrated():
        return Response("migrations are missing\n", status=503, content_type="text/plain")
    return Response("ready\n", content_type="text/plain")


BLUEPRINTS = (pages,)


def init_app(app: Flask, _csrf: CSRFProtect) -> None:
    """The sheet of components is for builders, not for the public."""
    settings: Settings = app.config["SETTINGS"]
    if not settings.production:
        app.register_blueprint(design)
