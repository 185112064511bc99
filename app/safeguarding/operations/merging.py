"""What becomes of what decides about people when two organizations turn out to be one. Nobody comes to be cleared by it: what
an organization said of people holds with the one that remains only when the people who said it are its people now."""

from __future__ import annotations

import sqlalchemy as sa

from app.accounts.models import Person
from app.core import audit
from app.core.db import db
from app.organizations.models import Organization
from app.safeguarding.models import (
    Clearance,
    ClearanceShare,
    ContactPermission,
    GuardianConfirmation,
    GuardianShare,
    Guardianship,
)
from app.safeguarding.operations.clearances import let_go_of_what_came_along, revoke_all_of, revoke_conduct_of
from app.safeguarding.operations.exemptions import end_exemptions_of
from app.safeguarding.operations.profiles import keep_profile
from app.safeguarding.operations.shared import record, tell_rules_changed
from app.safeguarding.queries import find_contact_permission, find_profile
from app.safeguarding.requirements import MOST, parse


def count_required_together(one_id: int, other_id: int) -> tuple[int, int]:
    """How many different requirements two organizations have between them, and how many one may have at most."""
    return len({*find_profile(one_id), *find_profile(other_id)}), MOST


def come_along_looked_at(duplicate: Organization, remaining: Organization) -> bool:
    """False when two moderators agreed that the one that remains may ask people to contact (G3), and did not agree to it of the
    duplicate: who came to work with children by that would come by the word of the one moderator who says that they are one."""
    permitted, before = find_contact_permission(remaining.id), find_contact_permission(duplicate.id)
    looked_at = duplicate.is_public and before is not None and before.second_at is not None
    return looked_at or permitted is None or permitted.second_at is None


def merge_records(duplicate: Organization, remaining: Organization, *, by: Person, with_members: bool) -> list[int]:
    """Move or end everything the duplicate knew of people; the ids of those whose records the other one keeps now.

    The word of moderators and the acceptance of its own code of conduct stay behind; so do exemptions, which two people of
    the other one agree to anew. What was recorded, shared with it, and which guardians were spoken to, goes with its
    members; ends when they do not come along, or when nobody had verified it, or looked at it for contact as at the one that
    remains. What ended so stays behind
    until its day: nobody who did not know it comes to read it. Every place is asked again (G1).
    """
    stands = duplicate.is_public and with_members and come_along_looked_at(duplicate, remaining)
    revoke_conduct_of(duplicate.id, by=by)
    end_exemptions_of(duplicate.id, by=by)
    # What the duplicate required of people goes on being required.
    strict = [*find_profile(duplicate.id), *find_profile(remaining.id)]
    if strict:
        keep_profile(remaining, parse(strict), by=by)
    if not stands:
        revoke_all_of(duplicate.id, by=by)
    db.session.execute(sa.delete(ContactPermission).where(ContactPermission.organization_id == duplicate.id))
    moved = _move_clearances(duplicate, remaining, by) if stands else []
    moved += _move_shares(duplicate, remaining, by, stands=stands)
    let_go_of_what_came_along(remaining.id, by=by)
    _move_confirmations(duplicate, remaining, by, stands=stands)
    # What a minor let the duplicate see, they let the other one see anew.
    _end_guardian_shares(duplicate, by)
    tell_rules_changed(remaining.id)
    return list(dict.fromkeys(moved))


def _move_clearances(duplicate: Organization, remaining: Organization, by: Person) -> list[int]:
    """All of them, those that have ended too: they are deleted on their day. Tells whose still hold."""
    query = sa.select(Clearance).where(Clearance.organization_id == duplicate.id)
    told = []
    for clearance in db.session.scalars(query.order_by(Clearance.person_id, Clearance.id)).all():
        clearance.organization_id = remaining.id
        record("clearance.moved", clearance, by, remaining.id, person_id=clearance.person_id, of=duplicate.id)
        if clearance.revoked_at is None:
            told.append(clearance.person_id)
    return told


def _move_shares(duplicate: Organization, remaining: Organization, by: Person, *, stands: bool) -> list[int]:
    """Shares with the duplicate; none with the organization that recorded it."""
    query = (
        sa.select(ClearanceShare, Clearance)
        .join(Clearance, Clearance.id == ClearanceShare.clearance_id)
        .where(
            sa.or_(
                ClearanceShare.organization_id == duplicate.id,
                sa.and_(ClearanceShare.organization_id == remaining.id, Clearance.organization_id == remaining.id),
            )
        )
        .order_by(Clearance.person_id, Clearance.id, ClearanceShare.organization_id)
    )
    told = []
    for share, clearance in db.session.execute(query).all():
        known = (
            clearance.organization_id == remaining.id
            or db.session.get(ClearanceShare, (clearance.id, remaining.id)) is not None
        )
        if stands and not known:
            db.session.add(
                ClearanceShare(clearance_id=clearance.id, organization_id=remaining.id, consented_at=share.consented_at)
            )
            record("clearance.share_moved", clearance, by, remaining.id, of=duplicate.id)
            told.append(clearance.person_id)
        elif not known:
            record("clearance.unshared", clearance, by, duplicate.id)
        db.session.delete(share)
        db.session.flush()
    return told


def _end_guardian_shares(duplicate: Organization, by: Person) -> None:
    query = sa.select(GuardianShare, Guardianship).join(Guardianship, Guardianship.id == GuardianShare.guardianship_id)
    shares = query.where(GuardianShare.organization_id == duplicate.id).order_by(GuardianShare.guardianship_id)
    for share, guardianship in db.session.execute(shares).all():
        record("guardianship.unshared", guardianship, by, duplicate.id, person_id=guardianship.person_id)
        db.session.delete(share)
    db.session.flush()


def _move_confirmations(duplicate: Organization, remaining: Organization, by: Person, *, stands: bool) -> None:
    query = sa.select(GuardianConfirmation).where(GuardianConfirmation.organization_id == duplicate.id)
    for spoken in db.session.scalars(query.order_by(GuardianConfirmation.guardianship_id)).all():
        key = (spoken.guardianship_id, remaining.id)
        action = "guardianship.confirmation_ended"
        if stands and db.session.get(GuardianConfirmation, key) is None:
            values = {
                "means": spoken.means,
                "confirmed_by_id": spoken.confirmed_by_id,
                "confirmed_at": spoken.confirmed_at,
            }
            db.session.add(GuardianConfirmation(guardianship_id=key[0], organization_id=key[1], **values))
            action = "guardianship.confirmation_moved"
        audit.record(
            action, subject=spoken.guardianship, by=by, organization_id=remaining.id,
            data={"person_id": spoken.guardianship.person_id, "of": duplicate.id},
        )  # fmt: skip
        db.session.delete(spoken)
        db.session.flush()
