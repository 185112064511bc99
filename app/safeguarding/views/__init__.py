"""Pages about who may be placed where: one's own record, the staff's desk, codes of conduct, guardians."""

from __future__ import annotations

from app.safeguarding.views import conduct, desk, guardians, own
from app.safeguarding.views.blueprint import by_guardian, safeguarding

__all__ = ["BLUEPRINTS", "conduct", "desk", "guardians", "own"]

BLUEPRINTS = (safeguarding, by_guardian)
