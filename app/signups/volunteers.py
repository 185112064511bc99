"""People who telephone or walk in: the staff write them down, and they pass the gate like everybody."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable

from app.accounts.models import Person
from app.accounts.operations import write_down_person
from app.core.errors import Reason, Refused
from app.core.i18n import _
from app.safeguarding.kinds import KINDS
from app.safeguarding.models import CONDUCT
from app.signups.models import Signup
from app.signups.operations import sign_up
from app.signups.told import said_to_staff

# What anybody may know about a shift, or staff about their own act. Everything else is about the person: whoever typed an
# address that has an account is not told what that person does elsewhere (S3).
ABOUT_THE_SHIFT = (
    "need_not_open",
    "organization_unclaimed",
    "shift_cancelled",
    "shift_cannot_run",
    "past",
    "full",
    "position",
    "party_size",
    "contact_not_stated",
    "contact_level",
    "due_date_missing",
    "undo_too_late",
    "changed_meanwhile",
    "not_held",
    "not_found",
)
# What is recorded of people. The roster's staff learn of it only that it is not enough.
ABOUT_RECORDS = tuple(f"{kind.code}_required" for kind in KINDS)


def add_volunteer(
    shift_id: int,
    *,
    by: Person,
    name: str,
    birth_date: dt.date | None,
    email: str = "",
    phone: str = "",
    party_size: int = 1,
    position_id: int | None = None,
    note: str = "",
) -> Signup:
    """A confirmed place for somebody the staff `by` have before them or on the telephone, or Refused with the reasons.

    With an address that has an account the place is that person's, and a mail tells them; without an address nobody is
    written to. Raises InvalidInput for the name, the address or a birth date under 13.
    """
    person, is_known = write_down_person(name=name, email=email, birth_date=birth_date, by=by)
    text = "\n".join(part for part in (phone and _("Telephone: %(number)s", number=phone), note) if part)
    try:
        return sign_up(shift_id, by=by, person=person, party_size=party_size, position_id=position_id, note=text[:500])
    except Refused as refused:
        if not is_known:
            raise Refused([_of_nobody_known(reason) for reason in refused.reasons]) from refused
        raise Refused(as_staff_may_know(refused.reasons)) from refused


def _of_nobody_known(reason: Reason) -> Reason:
    """Somebody whom the staff have just written down has nothing on record: the shift's rules are named in the staff's words."""
    if reason.code not in ABOUT_RECORDS:
        return reason
    if reason.code == f"{CONDUCT}_required":
        return Reason(reason.code, said_to_staff(reason), _("They accept it themselves, with an account."))
    return Reason(reason.code, said_to_staff(reason), _("An owner or manager records it first."))


def as_staff_may_know(reasons: Iterable[Reason]) -> list[Reason]:
    """What the staff are told of why a known person cannot have a place: what is about the shift in full, what is about the
    person as no more than that."""
    reasons = list(reasons)
    told = [reason for reason in reasons if reason.code in ABOUT_THE_SHIFT]
    recorded = [reason for reason in reasons if reason.code in ABOUT_RECORDS]
    if recorded:
        # One sentence for all of it: which of them is missing, revoked or ends too early is between the person and those who
        # keep clearances, and that somebody passed a course and does not share it is told to nobody (G3).
        told.append(
            Reason(
                "requirements",
                _("Not all that this shift asks for is recorded for them, or shared with you."),
                _("They see on the page of the shift what is missing and how to get it."),
            )
        )
    if len(reasons) > len(recorded) + len([reason for reason in reasons if reason.code in ABOUT_THE_SHIFT]):
        told.append(
            Reason(
                "ask_them",
                _("Something stands in the way of this person, and only they are told what."),
                _("Ask them to sign up themselves."),
            )
        )
    return told
