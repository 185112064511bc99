"""What is said of a place that does not stand now: to the person whose it is, everything (S11); to the staff in their words,
and to those who keep clearances only what it is about: it is between the person and whoever recorded it."""

from __future__ import annotations

from collections.abc import Sequence

from app.core.errors import Reason
from app.core.i18n import _
from app.safeguarding.kinds import KINDS


def reasons_for_staff(reasons: Sequence[Reason], *, keeps_clearances: bool) -> list[Reason]:
    """Why somebody's place does not stand, as the staff may know it. Who only works with rosters hears that it does not;
    that a person is held or suspended is told to nobody."""
    general = Reason(
        "does_not_stand",
        _("They do not meet what this shift asks."),
        _("They were told why, and what to do. Owners and managers see what is recorded for them."),
    )
    if not keeps_clearances or any(reason.code == "not_active" for reason in reasons):
        return [general]
    return [Reason(reason.code, said_to_staff(reason), "", "") for reason in reasons]


def said_to_staff(reason: Reason) -> str:
    """What a reason is about, in words for those who keep clearances."""
    for kind in KINDS:
        if reason.code == f"{kind.code}_required":
            return _("Not recorded, or not valid until the end: %(what)s", what=str(kind.name))
    words = {
        "age_unknown": _("Their birth date is not known"),
        "too_young": _("They are too young for this shift"),
        "guardian_consent": _("Their guardian has not agreed"),
        "guardian_confirmation": _("Nobody of you has spoken to their guardian"),
        "minor_hours": _("The hours are not for their age"),
        "overlap": _("They have another commitment at this time"),
        "contact_level": _("Two moderators have not agreed to work with children or adults at risk"),
        "contact_not_stated": _("It is not said whom people meet"),
        "due_date_missing": _("It is not said by when it is done"),
        "party_size": _("Everybody signs up alone here"),
    }
    return words.get(reason.code, reason.message)
