"""Home and the addresses that machines ask for."""

from __future__ import annotations

from flask import Blueprint, Response, render_template
from flask.typing import ResponseReturnValue

from app.core.web import public
from app.pages import queries

pages = Blueprint("pages", __name__)


@pages.get("/")
@public
def home() -> ResponseReturnValue:
    """What this is, and the way to a need nearby."""
    return render_template("pages/home.html")


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
