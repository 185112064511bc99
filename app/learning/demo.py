"""What the demonstration has of what can be learned: all of it, as any installation would."""

from __future__ import annotations

from app.core.db import transaction
from app.learning import seed


def load() -> None:
    """Bring in what is written; again, nothing changes."""
    with transaction():
        seed.load()
