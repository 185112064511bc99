"""Pages of what can be learned, and of where to report."""

from app.learning.views import asked, desk, editing, reading, report
from app.learning.views.blueprint import learning

__all__ = ["BLUEPRINTS", "asked", "desk", "editing", "reading", "report"]
BLUEPRINTS = (learning, *asked.BLUEPRINTS)
