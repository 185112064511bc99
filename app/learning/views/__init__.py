"""Pages of what can be learned, and of where to report."""

from app.learning.views import reading, report
from app.learning.views.blueprint import learning

__all__ = ["BLUEPRINTS", "reading", "report"]
BLUEPRINTS = (learning,)
