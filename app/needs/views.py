"""Pages of needs."""

from __future__ import annotations

from app.needs import listing_views  # noqa: F401  # its routes join the blueprint
from app.needs.blueprint import needs

BLUEPRINTS = (needs,)
