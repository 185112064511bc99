"""Giving: the form, the page the donor comes back to, and the door Stripe knocks at."""

from __future__ import annotations

from app.donations.views import (  # noqa: F401  # their routes join the blueprints
    commitments,
    gift,
    giving,
    monthly,
    payments,
    receipts,
    statements,
    terms,
    webhook,
)
from app.donations.views.blueprint import donations, stripe_webhook
from app.donations.views.money import money

BLUEPRINTS = (donations, stripe_webhook, money)
