"""How a clearance stands, in one word of ours; templates say it in people's."""

from __future__ import annotations

import datetime as dt

from app.safeguarding.models import Clearance
from app.safeguarding.queries import ENDS_WITHIN


def state_of(clearance: Clearance, day: dt.date) -> str:
    """On `day`: declined (it was not accepted), revoked, ended, ends (within sixty days) or holds."""
    if clearance.outcome != "accepted":
        return "declined"
    if clearance.revoked_at is not None:
        return "revoked"
    if clearance.expires_on is None:
        return "holds"
    if clearance.expires_on < day:
        return "ended"
    return "ends" if clearance.expires_on <= day + ENDS_WITHIN else "holds"
