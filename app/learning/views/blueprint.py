"""The one blueprint of these pages."""

from __future__ import annotations

from flask import Blueprint

learning = Blueprint("learning", __name__)
