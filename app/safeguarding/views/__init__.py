"""Pages about who may be placed where: one's own record, the staff's desk, codes of conduct, guardians, courses."""

from __future__ import annotations

from app.safeguarding.views import conduct, course_desk, desk, guardians, own
from app.safeguarding.views import courses as course_pages
from app.safeguarding.views.blueprint import by_guardian, courses, safeguarding

__all__ = ["BLUEPRINTS", "conduct", "course_desk", "course_pages", "desk", "guardians", "own"]

BLUEPRINTS = (safeguarding, by_guardian, courses)
