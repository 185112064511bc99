"""Giving: the form, the page the donor comes back to, and the door Stripe knocks at."""

from __future__ import annotations

from app.donations.views import gift, giving, payments, webhook  # noqa: F401  # their routes join the blueprints
from app.donations.views.blueprint import donations, stripe_webhook

BLUEPRINTS = (donations, stripe_webhook)
