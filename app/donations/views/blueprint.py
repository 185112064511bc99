"""What the pages of gifts hang on."""

from __future__ import annotations

from flask import Blueprint

from app.core.web import ProvenBlueprint

donations = Blueprint("donations", __name__)
# Stripe proves itself by its signature.
stripe_webhook = ProvenBlueprint("stripe", __name__)
