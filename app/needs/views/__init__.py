"""Pages of needs: the list, one need, and the pages of staff."""

from __future__ import annotations

from app.needs.views import asked, detail, listing, staff  # noqa: F401  # their routes join the blueprint
from app.needs.views.blueprint import needs

BLUEPRINTS = (needs,)
