"""Clearances: recorded by staff about somebody else, revoked with a reason, shared by the person, purged at their date."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

import sqlalchemy as sa
from dateutil.relativedelta import relativedelta

from app.accounts.facts import tell_facts_changed
from app.accounts.models import Person
from app.core import outbox
from app.core.clock import now, today
from app.core.db import db, lock
from app.core.errors import InvalidInput, refuse
from app.core.i18n import _
from app.core.text import line
from app.learning.courses.models import CourseVersion
from app.organizations.members import hold_organization
from app.organizations.models import Organization
from app.safeguarding.kinds import TRAINING, Kind, Level, find_kind, find_level
from app.safeguarding.models import LATER_DECLINED, OUTCOMES, Clearance, ClearanceShare
from app.safeguarding.operations.shared import (
    hold_whom_it_is_about,
    locked_person,
    record,
    require_another,
    require_recorder,
)
from app.safeguarding.standing import held_of

OLDEST = dt.timedelta(days=30 * 365)
WARN_BEFORE = (60, 30, 7)


def record_clearance(
    organization_id: int,
    *,
    by: Person,
    email: str,
    kind: str,
    level: str = "",
    issuer: str = "",
    reference: str = "",
    outcome: str = "accepted",
    issued_on: dt.date | None,
    expires_on: dt.date | None = None,
    consented_on: dt.date | None = None,
    role_eligible: bool = True,
) -> Clearance:
    """What the staff `by` saw about the person with this address: level, issuer, reference, dates and outcome, never the
    document (G3).

    `expires_on` is the last day it holds, None what the kind is good for. `consented_on`: when the person agreed to the
    check and was told of their right to challenge it, where the law asks for that first; None: not stated, and nothing makes a
    day up. `role_eligible`: the staff state that the role may ask for this level by law.

    Raises InvalidInput at the field, Refused (`own_clearance`, `not_yours`, `age_unknown`, `not_an_adult`, `not_verified`).
    """
    organization = hold_organization(organization_id)
    person = hold_whom_it_is_about(organization, email, by)
    catalogued, named = _check_kind(kind, level)
    _check_dates(organization, issued_on, expires_on, consented_on)
    if issued_on is None:
        raise InvalidInput({"issued_on": _("Enter the date on it")})
    if named.contacts and not role_eligible:
        raise InvalidInput({"level": _("State that the law lets the role ask for this level, or choose a lower one")})
    if outcome not in OUTCOMES:
        raise InvalidInput({"outcome": _("Choose one of the list")})
    issuer, reference = line(issuer) or "", line(reference) or ""
    if len(issuer) > 120:
        raise InvalidInput({"issuer": _("Write 120 characters or fewer")})
    if len(reference) > 80:
        raise InvalidInput({"reference": _("Write 80 characters or fewer")})
    if kind == "reference" and not issuer:
        raise InvalidInput({"issuer": _("Enter who gave the reference")})
    clearance = Clearance(
        person_id=person.id,
        organization_id=organization.id,
        kind=kind,
        level=level,
        issuer=issuer,
        reference=reference,
        outcome=outcome,
        issued_on=issued_on,
        expires_on=_last_day(catalogued, issued_on, expires_on),
        consented_on=consented_on,
        recorded_by_id=by.id,
        created_at=now(),
    )
    _add(clearance, catalogued, by)
    if outcome != "accepted":
        _let_go_of_earlier(clearance, by)
    return clearance


def _let_go_of_earlier(declined: Clearance, by: Person) -> None:
    """The later word counts, and goes on counting when all else of it is purged: what this organization accepted of the person
    before is revoked, and it relies on nobody else's any more. `Held.outweighs` says of what, and asks it at every read."""
    later = held_of(declined)
    shared = sa.select(ClearanceShare.clearance_id).where(ClearanceShare.organization_id == declined.organization_id)
    earlier = sa.select(Clearance).where(
        Clearance.person_id == declined.person_id,
        Clearance.kind == declined.kind,
        Clearance.outcome == "accepted",
        Clearance.revoked_at.is_(None),
        sa.or_(Clearance.organization_id == declined.organization_id, Clearance.id.in_(shared)),
    )
    for clearance in db.session.scalars(earlier.order_by(Clearance.id)).all():
        if not later.outweighs(held_of(clearance)):
            continue
        if clearance.organization_id == declined.organization_id:
            _revoke(clearance, by, LATER_DECLINED)
            continue
        key = ClearanceShare.clearance_id == clearance.id, ClearanceShare.organization_id == declined.organization_id
        db.session.execute(sa.delete(ClearanceShare).where(*key))
        record("clearance.unshared", clearance, by, declined.organization_id, person_id=clearance.person_id)


def let_go_of_what_came_along(organization_id: int, *, by: Person) -> None:
    """What an organization declined goes on counting against what it comes to rely on when another one becomes part of it."""
    for declined in _declined_by(organization_id):
        _let_go_of_earlier(declined, by)


def _declined_by(organization_id: int, person_id: int | None = None) -> Sequence[Clearance]:
    """What the organization did not accept and has not revoked since; of one person, or of everybody."""
    query = sa.select(Clearance).where(
        Clearance.organization_id == organization_id,
        Clearance.outcome != "accepted",
        Clearance.revoked_at.is_(None),
    )
    if person_id is not None:
        query = query.where(Clearance.person_id == person_id)
    return db.session.scalars(query.order_by(Clearance.person_id, Clearance.id)).all()


def grant_training(person: Person, version: CourseVersion, *, issuer: str) -> Clearance:
    """The platform's own, by rule and nobody's word: the person passed this version of a course. It is theirs, and counts
    with the organizations they share it with. `issuer`: the platform's name. The caller holds the person."""
    kind = TRAINING
    # The day where it is still earliest: it holds from this moment on, wherever that is.
    day = today("Etc/GMT+12")
    clearance = Clearance(
        person_id=person.id,
        organization_id=None,
        kind=kind.code,
        level=version.course.level,
        issuer=issuer[:120],
        reference=f"{version.course.slug} v{version.number}",
        outcome="accepted",
        issued_on=day,
        expires_on=_last_day(kind, day, day + relativedelta(months=version.validity_months)),
        course_version_id=version.id,
        recorded_by_id=None,
        created_at=now(),
    )
    _add(clearance, kind, None)
    return clearance


def revoke_clearance(clearance_id: int, *, by: Person, reason: str) -> Clearance:
    """It does not hold any more, from this moment on; the person is told, and their places are asked again (G1).

    Raises InvalidInput at "reason"; Refused (`not_found`, `revoked`, `own_clearance`, `not_yours`).
    """
    found = db.session.get(Clearance, clearance_id)
    if found is None or found.organization is None:
        raise refuse("not_found", _("This record is not there any more."))
    organization = hold_organization(found.organization.id)
    # To take back that something was not accepted lets an earlier one count again.
    require_recorder(organization, by, vouches=found.outcome != "accepted")
    person = locked_person(found.person_id)
    clearance = lock(Clearance, clearance_id)
    if clearance is None:
        raise refuse("not_found", _("This record is not there any more."))
    require_another(person.id, by)
    if clearance.revoked_at is not None:
        raise refuse("revoked", _("This is revoked already."))
    text = line(reason) or ""
    if not text or len(text) > 300:
        raise InvalidInput({"reason": _("Say why, in 300 characters or fewer: the person reads it")})
    _revoke(clearance, by, text)
    return clearance


def revoke_conduct_of(organization_id: int, *, by: Person) -> None:
    """Nobody has accepted a version of this organization's code any more: the organization became part of another one."""
    _revoke_all(organization_id, by, Clearance.kind == "code_of_conduct")


def revoke_all_of(organization_id: int, *, by: Person) -> None:
    """Nothing that this organization recorded holds any more: nobody stands behind it."""
    _revoke_all(organization_id, by)


def _revoke_all(organization_id: int, by: Person, *which: sa.ColumnElement[bool]) -> None:
    accepted = sa.select(Clearance).where(
        Clearance.organization_id == organization_id, Clearance.revoked_at.is_(None), *which
    )
    for clearance in db.session.scalars(accepted.order_by(Clearance.person_id, Clearance.id)).all():
        _revoke(clearance, by, "")


def share_clearance(clearance_id: int, organization_id: int, *, by: Person) -> None:
    """The person lets another organization rely on it. Raises Refused (`not_found`) unless it is their own, `not_shareable`
    for a code of conduct: that they accepted the words of one organization says nothing about another's (G1); `declined` where
    the other did not accept a later one: what was not accepted goes on counting when it is purged."""
    clearance = _own(clearance_id, by)
    if not clearance.can_be_shared:
        raise refuse(
            "not_shareable",
            _("A code of conduct is one organization's, and counts with no other."),
            _("Read the other organization's own, and accept it there."),
        )
    organization = hold_organization(organization_id)
    if not organization.is_public:
        raise refuse("not_verified", _("This organization is not verified."))
    if clearance.organization_id == organization.id:
        return
    if db.session.get(ClearanceShare, (clearance.id, organization.id)) is None:
        if any(held_of(each).outweighs(held_of(clearance)) for each in _declined_by(organization.id, by.id)):
            raise refuse(
                "declined",
                _("This organization did not accept a later one."),
                _("Ask its people to look at it again."),
            )
        db.session.add(ClearanceShare(clearance_id=clearance.id, organization_id=organization.id, consented_at=now()))
        record("clearance.shared", clearance, by, organization.id)
        tell_facts_changed(by.id)


def unshare_clearance(clearance_id: int, organization_id: int, *, by: Person) -> None:
    """The person takes that back: the organization relies on it no longer, and what rested on it is asked again."""
    clearance = _own(clearance_id, by)
    share = db.session.get(ClearanceShare, (clearance.id, organization_id))
    if share is not None:
        db.session.delete(share)
        record("clearance.unshared", clearance, by, organization_id)
        tell_facts_changed(by.id)


def object_to_clearance(clearance_id: int, *, by: Person, objection: str) -> Clearance:
    """The person says what is wrong with it; the organization's staff see that and answer by recording it anew or
    revoking it. Raises InvalidInput at "objection", Refused (`not_found`)."""
    clearance = _own(clearance_id, by)
    text = line(objection) or ""
    if not text or len(text) > 500:
        raise InvalidInput({"objection": _("Say what is wrong, in 500 characters or fewer")})
    clearance.objection, clearance.objected_at = text, now()
    record("clearance.objected", clearance, by, clearance.organization_id)
    if clearance.organization_id is not None:
        outbox.enqueue(
            "clearance_objected",
            {"clearance_id": clearance.id},
            key=f"clearance_objected:{clearance.id}:{now():%Y%m%d%H%M}",
        )
    return clearance


def purge_clearances() -> int:
    """Delete what is past its retention date (G3); the audit trail keeps that it was there. Of what was not accepted the word
    alone stays, as long as it decides. Each is held; what somebody revokes, shares or objects to at the moment comes with the
    next sweep, if it still is due. Returns how many were deleted or reduced to that."""
    due = (
        sa.select(Clearance)
        .where(Clearance.purge_on <= today("Etc/GMT+12"))
        .order_by(Clearance.person_id, Clearance.id)
        .with_for_update(of=Clearance, skip_locked=True)
    )
    purged = db.session.scalars(due.limit(500), execution_options={"populate_existing": True}).all()
    for clearance in purged:
        if not _keep_the_word(clearance):
            purge_clearance(clearance)
    db.session.flush()
    return len(purged)


def decides_before(clearance: Clearance) -> dt.date | None:
    """Of what was not accepted: the first day on which nothing earlier could hold any more, as everything of its kind ends by
    itself. None for a kind that has no end."""
    kind = find_kind(clearance.kind)
    return None if kind is None or kind.validity is None else clearance.issued_on + kind.validity + dt.timedelta(days=1)


def _keep_the_word(clearance: Clearance) -> bool:
    """That an organization did not accept something outweighs what is earlier, also where that is shared with it long
    afterwards. Kept are kind, level, date and outcome, and of a reference whose it was; what it was read from, and by whom, is
    gone. False when there is nothing left that it could decide."""
    if clearance.outcome == "accepted" or clearance.revoked_at is not None:
        return False
    until, day = decides_before(clearance), today("Etc/GMT+12")
    if until is None and _has_earlier(clearance):
        until = day + dt.timedelta(days=365)
    if until is None or until <= day:
        return False
    clearance.purge_on = until
    clearance.issuer = clearance.issuer if clearance.kind == "reference" else ""
    clearance.reference, clearance.expires_on, clearance.recorded_by_id = "", None, None
    clearance.objection, clearance.objected_at = "", None
    record("clearance.reduced", clearance, None, clearance.organization_id, person_id=clearance.person_id)
    return True


def _has_earlier(declined: Clearance) -> bool:
    accepted = sa.select(Clearance).where(
        Clearance.person_id == declined.person_id,
        Clearance.kind == declined.kind,
        Clearance.outcome == "accepted",
        Clearance.revoked_at.is_(None),
    )
    later = held_of(declined)
    return any(later.outweighs(held_of(each)) for each in db.session.scalars(accepted.order_by(Clearance.id)))


def purge_clearance(clearance: Clearance) -> None:
    """Delete one, and with whom it is shared."""
    record("clearance.purged", clearance, None, clearance.organization_id, person_id=clearance.person_id)
    db.session.execute(sa.delete(ClearanceShare).where(ClearanceShare.clearance_id == clearance.id))
    db.session.delete(clearance)


def _check_kind(kind: str, level: str) -> tuple[Kind, Level]:
    catalogued = find_kind(kind)
    if catalogued is None or kind == "code_of_conduct":
        raise InvalidInput({"kind": _("Choose one of the list")})
    named = find_level(kind, level)
    if named is None:
        raise InvalidInput({"level": _("Choose one of the list")})
    return catalogued, named


def _check_dates(
    organization: Organization, issued_on: dt.date | None, expires_on: dt.date | None, consented_on: dt.date | None
) -> None:
    day = today(organization.time_zone)
    if issued_on is None or not day - OLDEST <= issued_on <= day:
        raise InvalidInput({"issued_on": _("Enter the date on it: today or earlier")})
    if expires_on is not None and expires_on > day + OLDEST:
        raise InvalidInput({"expires_on": _("Enter a date within the next 30 years, or leave it empty")})
    if expires_on is not None and expires_on < issued_on:
        raise InvalidInput({"expires_on": _("Enter a date after the one on which it was issued")})
    if consented_on is not None and consented_on > issued_on:
        # 34 U.S.C. 40102(b): consent and notice come before the check.
        raise InvalidInput({"consented_on": _("The person must have agreed before the check was made")})


def _last_day(kind: Kind, issued_on: dt.date, expires_on: dt.date | None) -> dt.date | None:
    """Its own date, and never later than its kind is good for; None: until it is revoked."""
    longest = None if kind.validity is None else issued_on + kind.validity
    return min((day for day in (expires_on, longest) if day is not None), default=None)


def _add(clearance: Clearance, kind: Kind, by: Person | None) -> None:
    if clearance.outcome != "accepted":
        clearance.purge_on = today("UTC") + kind.retention
    elif clearance.expires_on is not None:
        clearance.purge_on = clearance.expires_on + kind.retention
    db.session.add(clearance)
    record(
        "clearance.recorded",
        clearance,
        by,
        clearance.organization_id,
        # What was recorded is purged in its time, and this is not: ids only (G3).
        person_id=clearance.person_id,
    )
    outbox.enqueue("clearance_recorded", {"clearance_id": clearance.id}, key=f"clearance_recorded:{clearance.id}")
    _promise_warnings(clearance)
    tell_facts_changed(clearance.person_id)


def _promise_warnings(clearance: Clearance) -> None:
    """Both sides hear 60, 30 and 7 days before it ends, in the morning."""
    if clearance.expires_on is None or clearance.outcome != "accepted":
        return
    for days in WARN_BEFORE:
        day = clearance.expires_on - dt.timedelta(days=days)
        due_at = dt.datetime.combine(day, dt.time(9), dt.UTC)
        if due_at > now():
            payload = {"clearance_id": clearance.id, "days": days}
            outbox.enqueue("clearance_ends", payload, key=_warning_key(clearance, days), due_at=due_at)


def _warning_key(clearance: Clearance, days: int) -> str:
    return f"clearance_ends:{clearance.id}:{days}"


def _revoke(clearance: Clearance, by: Person, reason: str) -> None:
    kind = find_kind(clearance.kind)
    clearance.revoked_at, clearance.revoked_by_id, clearance.revoked_reason = now(), by.id, reason
    clearance.purge_on = today("UTC") + (dt.timedelta(days=365) if kind is None else kind.retention)
    for days in WARN_BEFORE:
        outbox.withdraw(_warning_key(clearance, days))
    record("clearance.revoked", clearance, by, clearance.organization_id, person_id=clearance.person_id)
    outbox.enqueue("clearance_revoked", {"clearance_id": clearance.id}, key=f"clearance_revoked:{clearance.id}")
    tell_facts_changed(clearance.person_id)


def _own(clearance_id: int, by: Person) -> Clearance:
    locked_person(by.id)
    clearance = lock(Clearance, clearance_id)
    if clearance is None or clearance.person_id != by.id:
        raise refuse("not_found", _("This record is not there any more."))
    return clearance
