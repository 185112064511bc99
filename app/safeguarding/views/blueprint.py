"""The doors of these pages: with a session, and by the link in a guardian's mail; and that of the courses."""

from __future__ import annotations

from flask import Blueprint

from app.core.web import ProvenBlueprint

safeguarding = Blueprint("safeguarding", __name__)
courses = Blueprint("courses", __name__)
by_guardian = ProvenBlueprint("by_guardian", __name__)
