"""What is known of a person changed: whatever rests on it is asked again by the rooms above."""

from __future__ import annotations

from app.core import outbox
from app.core.ids import new_id

# One row for each handler; they live in signups and pledges.
CHANGED = ("person_facts_changed", "person_facts_changed_pledges")


def tell_facts_changed(person_id: int) -> None:
    """Promise that every place and every promise of this person is asked again (G1, G4). Nothing protective waits for it:
    the gate, addresses and check-in ask live facts at every read."""
    for kind in CHANGED:
        outbox.enqueue(kind, {"person_id": person_id}, key=f"{kind}:{person_id}:{new_id()}")
