"""What an organization requires on each shift with contact, and its code of conduct."""

from __future__ import annotations

from collections.abc import Iterable

import sqlalchemy as sa

from app.accounts.facts import tell_facts_changed
from app.accounts.models import Person
from app.core.clock import now, today
from app.core.db import db
from app.core.errors import InvalidInput, refuse
from app.core.i18n import _
from app.core.text import block
from app.organizations.members import lock_organization
from app.organizations.models import Organization
from app.safeguarding.kinds import find_kind
from app.safeguarding.models import Clearance, ConductVersion, RequirementProfile
from app.safeguarding.operations.shared import locked_person, record, tell_rules_changed
from app.safeguarding.operations.staffing import require_guarded
from app.safeguarding.requirements import Requirement, check_profile

LONGEST_CONDUCT = 20_000


def set_profile(organization_id: int, requirements: Iterable[Requirement], *, by: Person) -> RequirementProfile:
    """What is required on each shift with contact, beside what a need or a position asks. Places that do not meet it any
    more are ended (G1). Raises InvalidInput at "requirements"."""
    return keep_profile(lock_organization(organization_id), requirements, by=by)


def keep_profile(organization: Organization, requirements: Iterable[Requirement], *, by: Person) -> RequirementProfile:
    """`set_profile` for whoever holds the organization's lock already."""
    kept = check_profile(requirements)
    profile = db.session.get(RequirementProfile, organization.id)
    if profile is None:
        profile = RequirementProfile(organization_id=organization.id, requirements=[], updated_at=now())
        db.session.add(profile)
    if profile.requirements != kept:
        profile.requirements, profile.updated_at = kept, now()
        record("organization.requirements_changed", organization, by, organization.id)
        tell_rules_changed(organization.id)
    return profile


def publish_conduct(organization_id: int, text: str, *, by: Person | None) -> ConductVersion:
    """A new version of the code of conduct: everybody is asked again, and until they accept it they hold no place that
    asks for it (G1). The same text again changes nothing. Raises InvalidInput at "text"."""
    organization = lock_organization(organization_id)
    kept = block(text) or ""
    if not kept or len(kept) > LONGEST_CONDUCT:
        raise InvalidInput({"text": _("Write what you ask of people, in 20,000 characters or fewer")})
    latest = db.session.scalar(
        sa.select(ConductVersion)
        .where(ConductVersion.organization_id == organization.id)
        .order_by(ConductVersion.version.desc())
        .limit(1)
    )
    if latest is not None and latest.text == kept:
        return latest
    version = ConductVersion(
        organization_id=organization.id,
        version=1 if latest is None else latest.version + 1,
        text=kept,
        published_at=now(),
        published_by_id=None if by is None else by.id,
    )
    db.session.add(version)
    record("organization.conduct_published", organization, by, organization.id, version=version.version)
    tell_rules_changed(organization.id)
    return version


def accept_conduct(organization_id: int, version: int, *, by: Person) -> Clearance:
    """The person read this version and keeps to it. Raises Refused (`newer_version`) when there is a newer one, and
    (`guardian_consent`) for a minor for whom nobody answers (G4)."""
    person = locked_person(by.id)
    require_guarded(person)
    latest = db.session.scalar(
        sa.select(sa.func.max(ConductVersion.version)).where(ConductVersion.organization_id == organization_id)
    )
    if latest is None or latest != version:
        raise refuse("newer_version", _("There is a newer version by now."), _("Read it, then accept it."))
    same = sa.select(Clearance).where(
        Clearance.person_id == person.id,
        Clearance.organization_id == organization_id,
        Clearance.kind == "code_of_conduct",
        Clearance.level == str(version),
        Clearance.revoked_at.is_(None),
    )
    if (found := db.session.scalar(same)) is not None:
        return found
    clearance = Clearance(
        person_id=person.id,
        organization_id=organization_id,
        kind="code_of_conduct",
        level=str(version),
        # The day where it is still earliest: it holds from this moment on, wherever that is.
        issued_on=today("Etc/GMT+12"),
        recorded_by_id=person.id,
        created_at=now(),
    )
    _let_earlier_go(clearance)
    db.session.add(clearance)
    record("conduct.accepted", clearance, by, organization_id, version=version)
    tell_facts_changed(person.id)
    return clearance


def _let_earlier_go(accepted: Clearance) -> None:
    """That they accepted an earlier version is kept no longer than any other clearance that has ended (G3)."""
    kind = find_kind(accepted.kind)
    earlier = (
        Clearance.person_id == accepted.person_id,
        Clearance.organization_id == accepted.organization_id,
        Clearance.kind == accepted.kind,
        Clearance.purge_on.is_(None),
    )
    if kind is not None:
        db.session.execute(sa.update(Clearance).where(*earlier).values(purge_on=today("UTC") + kind.retention))
