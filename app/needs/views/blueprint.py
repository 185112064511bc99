"""The blueprint that the public and the staff pages of needs share."""

from __future__ import annotations

from flask import Blueprint

needs = Blueprint("needs", __name__)
