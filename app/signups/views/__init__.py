"""Pages about places on shifts."""

from app.signups.views import guests, links, own, roster, safety, several, staff
from app.signups.views.blueprint import by_link, signups

__all__ = ["BLUEPRINTS", "guests", "links", "own", "roster", "safety", "several", "staff"]
BLUEPRINTS = (signups, by_link)
