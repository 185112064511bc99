"""What is known of a person changed: whatever rests on it is asked again by the rooms above."""

from __future__ import annotations

from app.core import outbox
from app.core.ids import new_id


def tell_facts_changed(person_id: int) -> None:
    """Promise that every place of this person is asked again (G1, `person_facts_changed`). Nothing protective waits for
    it: the gate, addresses and check-in ask live facts at every read."""
    outbox.enqueue("person_facts_changed", {"person_id": person_id}, key=f"person_facts_changed:{person_id}:{new_id()}")
