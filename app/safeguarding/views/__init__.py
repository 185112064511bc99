"""Pages about who may be placed where: one's own record, the staff's desk, codes of conduct, guardians."""

from __future__ import annotations

from flask import Flask
from flask_wtf import CSRFProtect

from app.safeguarding.policy import can_keep_clearances
from app.safeguarding.views import conduct, desk, guardians, own
from app.safeguarding.views.blueprint import by_guardian, safeguarding

__all__ = ["BLUEPRINTS", "conduct", "desk", "guardians", "init_app", "own"]

BLUEPRINTS = (safeguarding, by_guardian)


def init_app(app: Flask, _csrf: CSRFProtect) -> None:
    """The layout of staff pages asks who keeps clearances: only they have the tab."""
    app.jinja_env.globals["keeps_clearances"] = can_keep_clearances
