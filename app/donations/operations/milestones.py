"""Quarters of a goal, in what it counts: whoever started the fundraiser is told once of each that is reached."""

from __future__ import annotations

from app.core.audit import record
from app.core.clock import now
from app.core.db import db, lock
from app.core.outbox import enqueue
from app.donations.models import Donation
from app.donations.page_parts import standing_of
from app.donations.queries import totals
from app.fundraisers.models import Fundraiser

MILESTONES = (25, 50, 75, 100)


def note_milestones(donation: Donation) -> None:
    """After a gift was counted: note what the fundraiser, and its team, reached by it. Of several at once the starter is told
    of the highest; what was reached once stays reached, whatever goes back or the goal becomes."""
    for key in (donation.fundraiser_id, donation.team_id):
        fundraiser = None if key is None else lock(Fundraiser, key)
        if fundraiser is not None:
            _note(fundraiser)


def _note(fundraiser: Fundraiser) -> None:
    percent = standing_of(fundraiser, totals([fundraiser.id])[fundraiser.id]).percent
    reached = max((step for step in MILESTONES if percent >= step), default=0)
    if reached <= fundraiser.milestone:
        return
    fundraiser.milestone = reached
    data = {"percent": reached, "goal_minor": fundraiser.goal_minor, "currency": fundraiser.currency}
    if fundraiser.goal_donors is not None:
        data["goal_donors"] = fundraiser.goal_donors
    name, key = "milestone", f"fundraiser_milestone:{fundraiser.id}:{reached}"
    if reached == MILESTONES[-1]:
        fundraiser.goal_reached_at = now()
        name, key = "goal_reached", f"fundraiser_goal_reached:{fundraiser.id}"
    record(f"fundraiser.{name}", subject=fundraiser, by=None, organization_id=fundraiser.organization_id, data=data)
    enqueue(f"mail_fundraiser_{name}", {"fundraiser_id": fundraiser.id, "percent": reached}, key=key)
    db.session.flush()
