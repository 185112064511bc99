"""Exemptions: a requirement waived for one person for a time, by two people, and never for the rule of two adults (G2)."""

from __future__ import annotations

import datetime as dt

import sqlalchemy as sa

from app.accounts.facts import tell_facts_changed
from app.accounts.models import Person
from app.core.clock import now, today
from app.core.db import db, lock
from app.core.errors import InvalidInput, refuse
from app.core.i18n import _
from app.core.text import line
from app.organizations.members import hold_organization
from app.safeguarding.kinds import find_level
from app.safeguarding.models import Exemption
from app.safeguarding.operations.shared import (
    hold_whom_it_is_about,
    locked_person,
    record,
    require_another,
    require_recorder,
)
from app.safeguarding.requirements import Requirement, is_course

LONGEST = dt.timedelta(days=90)
# How long what was waived, and why, is kept after its end (G3).
RETENTION = dt.timedelta(days=365)
# A check and the code of conduct are waived for nobody: without the first nobody is known, the second takes minutes.
NEVER_WAIVED = ("background_check", "code_of_conduct")


def ask_exemption(
    organization_id: int,
    *,
    by: Person,
    email: str,
    kind: str,
    level: str = "",
    reason: str,
    starts_on: dt.date,
    ends_on: dt.date,
) -> Exemption:
    """Ask for one; it holds nothing before a second owner or manager agreed. Both days count, 90 days at most.

    Raises InvalidInput at the field, Refused (`own_clearance`, `not_yours`, `age_unknown`, `not_an_adult`, `not_verified`).
    """
    organization = hold_organization(organization_id)
    person = hold_whom_it_is_about(organization, email, by)
    known = find_level(kind, level) is not None or is_course(Requirement(kind, level))
    if kind in NEVER_WAIVED or not known:
        raise InvalidInput({"kind": _("This cannot be waived")})
    text = line(reason) or ""
    if not text or len(text) > 500:
        raise InvalidInput({"reason": _("Say why, in 500 characters or fewer")})
    day = today(organization.time_zone)
    if not day <= ends_on or not starts_on <= ends_on or ends_on - starts_on > LONGEST or ends_on > day + 4 * LONGEST:
        raise InvalidInput({"ends_on": _("Enter a last day after the first, at most 90 days later")})
    exemption = Exemption(
        person_id=person.id,
        organization_id=organization.id,
        kind=kind,
        level=level,
        reason=text,
        starts_on=starts_on,
        ends_on=ends_on,
        asked_by_id=by.id,
        asked_at=now(),
    )
    db.session.add(exemption)
    record("exemption.asked", exemption, by, organization.id, person_id=person.id, kind=kind, level=level)
    return exemption


def agree_exemption(exemption_id: int, *, by: Person) -> Exemption:
    """The second of the two. Raises Refused (`second_person`, `own_clearance`, `ended`, `not_yours`, `age_unknown`,
    `not_an_adult`)."""
    exemption = _locked(exemption_id, by)
    require_another(exemption.person_id, by)
    if exemption.asked_by_id == by.id:
        raise refuse("second_person", _("You asked for this."), _("Another owner or manager must agree."))
    if exemption.agreed_at is None:
        exemption.agreed_by_id, exemption.agreed_at = by.id, now()
        record("exemption.agreed", exemption, by, exemption.organization_id, person_id=exemption.person_id)
        tell_facts_changed(exemption.person_id)
    return exemption


def end_exemption(exemption_id: int, *, by: Person) -> Exemption:
    """It holds no longer, or was never agreed to; one person is enough for that."""
    exemption = _locked(exemption_id, by, vouches=False)
    exemption.ended_at = now()
    record("exemption.ended", exemption, by, exemption.organization_id, person_id=exemption.person_id)
    tell_facts_changed(exemption.person_id)
    return exemption


def end_exemptions_of(organization_id: int, *, by: Person) -> None:
    """None of this organization's holds any more: nobody stands behind it."""
    live = sa.select(Exemption).where(Exemption.organization_id == organization_id, Exemption.ended_at.is_(None))
    for exemption in db.session.scalars(live.order_by(Exemption.person_id, Exemption.id)).all():
        exemption.ended_at = now()
        record("exemption.ended", exemption, by, organization_id, person_id=exemption.person_id)
        tell_facts_changed(exemption.person_id)


def purge_exemptions() -> int:
    """Delete what ended, or was never agreed to, a year ago (G3); the audit trail keeps that it was there. Returns how many."""
    due = sa.or_(Exemption.ends_on <= today("Etc/GMT+12") - RETENTION, Exemption.ended_at <= now() - RETENTION)
    purged = db.session.scalars(sa.select(Exemption).where(due).order_by(Exemption.person_id).limit(500)).all()
    for exemption in purged:
        record("exemption.purged", exemption, None, exemption.organization_id, person_id=exemption.person_id)
        db.session.delete(exemption)
    db.session.flush()
    return len(purged)


def _locked(exemption_id: int, by: Person, *, vouches: bool = True) -> Exemption:
    found = db.session.get(Exemption, exemption_id)
    if found is None:
        raise refuse("not_found", _("This record is not there any more."))
    require_recorder(hold_organization(found.organization_id), by, vouches=vouches)
    locked_person(found.person_id)
    exemption = lock(Exemption, exemption_id)
    if exemption is None or exemption.ended_at is not None:
        raise refuse("ended", _("This has ended already."))
    return exemption
