"""What a clearance is called, and how it stands, in one word of ours; templates say it in people's."""

from __future__ import annotations

import datetime as dt

from app.core.i18n import _
from app.safeguarding.kinds import find_level
from app.safeguarding.models import Clearance, Exemption
from app.safeguarding.queries import ENDS_WITHIN
from app.safeguarding.requirements import Requirement


def name_of(row: Clearance | Exemption) -> str:
    """What it is, as people read it: of a code of conduct its version, and each of two references by itself."""
    if row.kind == "code_of_conduct" and row.level:
        return _("Code of conduct, version %(number)s", number=row.level)
    if row.kind == "reference" and isinstance(row, Clearance):
        return _("Reference")
    return Requirement(row.kind, row.level).name


def lacks_consent(clearance: Clearance) -> bool:
    """True of a check that the law wants the person to agree to first, where nobody stated that they did."""
    level = find_level(clearance.kind, clearance.level)
    return level is not None and level.consent_first and clearance.consented_on is None


def state_of(clearance: Clearance, day: dt.date) -> str:
    """On `day`: declined (it was not accepted), revoked, outdated (a newer version of the course asks again), ended, ends
    (within sixty days) or holds."""
    if clearance.outcome != "accepted":
        return "declined"
    if clearance.revoked_at is not None:
        return "revoked"
    if clearance.is_outdated:
        return "outdated"
    if clearance.expires_on is None:
        return "holds"
    if clearance.expires_on < day:
        return "ended"
    return "ends" if clearance.expires_on <= day + ENDS_WITHIN else "holds"
