"""Two organizations that turn out to be one: everything of the duplicate becomes part of the one that remains.

It cannot be undone, so it refuses whatever would surprise: money never moves from one set of books to another, nothing that
was out of sight comes into sight, and nobody comes to more rights than they had.
"""

from __future__ import annotations

import dataclasses
from typing import Any

import sqlalchemy as sa

from app.accounts.models import Person
from app.core import audit, outbox
from app.core.clock import now
from app.core.db import db, lock
from app.core.errors import InvalidInput, Reason, Refused, refuse
from app.core.i18n import _
from app.discovery.operations import carry_over
from app.donations.models import Donation, LedgerTransaction
from app.fundraisers.models import Fundraiser
from app.moderation.operations import require_not_ones_own
from app.needs import index
from app.needs.models import Need
from app.needs.operations.coordinators import end_assignments, end_idle_assignments
from app.needs.operations.needs import pause_need
from app.organizations.claims import decline_claims
from app.organizations.invitations import withdraw_invitations
from app.organizations.members import about_role, add_membership, find_membership, remove_memberships
from app.organizations.models import DifferentOrganizations, Logo, Membership, Organization
from app.organizations.operations import name_key
from app.organizations.queries import list_members
from app.safeguarding.operations.merging import come_along_looked_at, count_required_together, merge_records

# What becomes of every column that points at an organization. tests/moderation/test_merging.py fails on one that is missing.
MOVED = (
    "need.organization_id",
    "fundraiser.organization_id",
    "location.organization_id",
    "import_batch.organization_id",
    # Whose shift led somebody to a course.
    "course_attempt.came_for_id",
)
DECIDED_HERE = (
    "membership.organization_id",
    "invitation.organization_id",
    "claim.organization_id",
    "logo.organization_id",
    "organization.merged_into_id",
    # app/safeguarding/operations/merging.py
    "clearance.organization_id",
    "clearance_share.organization_id",
    "guardian_confirmation.organization_id",
    "guardian_share.organization_id",
    "contact_permission.organization_id",
    # Followers follow the one that remains, once (discovery.operations.carry_over).
    "follow.organization_id",
    "follow_request.organization_id",
)
# Stays with the duplicate: what was decided about it, and books that must be empty.
LEFT_BEHIND = (
    "verification.organization_id",
    "different_organizations.first_id",
    "different_organizations.second_id",
    "donation.organization_id",
    # Its own account at Stripe, which takes nothing any more: what comes after goes to the one that remains.
    "payment_account.organization_id",
    "monthly_gift.organization_id",
    "ledger_transaction.organization_id",
    "ledger_entry.organization_id",
    "refund.organization_id",
    "dispute.organization_id",
    "fraud_warning.organization_id",
    "payout.organization_id",
    "payout_line.organization_id",
    "money_mismatch.organization_id",
    "giving_terms.organization_id",
    "receipt.organization_id",
    "receipt_counter.organization_id",
    # What it asked of people; nobody has accepted these words of the one that remains.
    "requirement_profile.organization_id",
    "conduct_version.organization_id",
    # Ended: two people of the one that remains agree to each anew.
    "exemption.organization_id",
    # Under which name its followers had chosen it.
    "follow.carried_from_id",
)


@dataclasses.dataclass(frozen=True)
class Belongings:
    """How much belongs to an organization."""

    members: int
    needs: int
    open_needs: int
    fundraisers: int
    donations: int


def count_belongings(organization_id: int) -> Belongings:
    """What belongs to the organization now, in numbers."""

    def count(model: Any, *also: sa.ColumnElement[bool]) -> int:
        query = sa.select(sa.func.count()).select_from(model).where(model.organization_id == organization_id, *also)
        return db.session.scalar(query) or 0

    return Belongings(
        members=count(Membership),
        needs=count(Need),
        open_needs=count(Need, Need.status.in_(("open", "filled"))),
        fundraisers=count(Fundraiser),
        donations=count(Donation) + count(LedgerTransaction),
    )


def reasons_not_to_merge(duplicate: Organization, remaining: Organization) -> list[Reason]:
    """Everything that stands in the way of making `duplicate` a part of `remaining`, each with its remedy."""
    names = {"duplicate": duplicate.name, "remaining": remaining.name}
    reasons = []
    if duplicate.status != "active" or remaining.status != "active":
        reasons.append(
            Reason(
                "suspended", _("One of them is suspended, or is part of another one."), _("Decide about that first.")
            )
        )
    belongings = count_belongings(duplicate.id)
    if belongings.donations:
        reasons.append(
            Reason(
                "money",
                _("Money was given to %(duplicate)s, and its books stay its own.", **names),
                _("Let %(duplicate)s remain instead.", **names),
            )
        )
    if belongings.fundraisers and duplicate.currency != remaining.currency:
        reasons.append(
            Reason(
                "currency", _("They raise money in different currencies."), _("Let both stand, or end the fundraisers.")
            )
        )
    together, most = count_required_together(duplicate.id, remaining.id)
    if together > most:
        reasons.append(
            Reason(
                "requirements",
                _(
                    "Together they require more of people than the %(most)s things that one organization may.",
                    most=most,
                ),
                _("Ask one of them to require less first."),
            )
        )
    if duplicate.is_public and not remaining.is_public:
        reasons.append(
            Reason(
                "not_public",
                _("%(remaining)s is not verified: what the public sees of %(duplicate)s would disappear.", **names),
                _("Verify it first, or let %(duplicate)s remain.", **names),
            )
        )
    return reasons


def merge_organizations(
    duplicate_id: int, remaining_id: int, *, by: Person, typed_name: str, with_members: bool
) -> Organization:
    """Make everything of the duplicate a part of the organization that remains; its own address leads there from now on.

    `typed_name` is the duplicate's name, typed by the moderator. `with_members`: its members become members of the one that
    remains, an owner as a manager where that one has an owner, all as viewers (coordinators of assigned needs as such of none)
    where moderators agreed that the one that remains may ask people to contact and did not agree to it of the duplicate (G3),
    whose records of people then end; else they are members of nothing, and what they recorded of people ends. Invitations and
    claims of the duplicate end. Needs of a duplicate that the public did not see are paused.

    Raises InvalidInput at "typed_name"; Refused with every reason.
    """
    if duplicate_id == remaining_id:
        raise refuse("same", _("This is one organization."))
    # In the order of their ids: two moderators at once wait for each other and do not lock each other out.
    held = {key: lock(Organization, key) for key in sorted((duplicate_id, remaining_id))}
    duplicate, remaining = held[duplicate_id], held[remaining_id]
    if duplicate is None or remaining is None:
        raise refuse("not_found", _("This organization is not there any more."))
    for organization in (duplicate, remaining):
        require_not_ones_own(organization, by)
    if name_key(typed_name) != name_key(duplicate.name):
        raise InvalidInput({"typed_name": _("Type the name of the one that goes: %(name)s", name=duplicate.name)})
    if reasons := reasons_not_to_merge(duplicate, remaining):
        raise Refused(reasons)
    belongings = count_belongings(duplicate.id)
    _hide_what_was_hidden(duplicate, remaining, by)
    looked_at = come_along_looked_at(duplicate, remaining)
    told = _move_members(duplicate, remaining, by, with_members=with_members, looked_at=looked_at)
    withdraw_invitations(duplicate.id, by=by)
    decline_claims(
        duplicate.id,
        by=by,
        reason=_("This page was a duplicate and is part of %(name)s now.", name=remaining.name),
    )
    _forget_repeated_ids(duplicate, remaining)
    if db.session.get(Logo, remaining.id) is None:
        _point("logo.organization_id", duplicate.id, remaining.id)
    else:
        db.session.execute(sa.delete(Logo).where(Logo.organization_id == duplicate.id))
    known = merge_records(duplicate, remaining, by=by, with_members=with_members)
    carry_over(duplicate.id, remaining.id)
    need_ids = list(db.session.scalars(sa.select(Need.id).where(Need.organization_id == duplicate.id)))
    if not looked_at:
        end_assignments(duplicate.id, by=by)
    for column in MOVED:
        _point(column, duplicate.id, remaining.id)
    # Those of coordinators of assigned needs of the one that remains came along with the needs.
    end_idle_assignments(remaining.id, by=by)
    remaining.causes = remaining.causes or duplicate.causes
    # What led to the duplicate leads on, so that nobody is sent from one to the next.
    _point("organization.merged_into_id", duplicate.id, remaining.id)
    duplicate.status, duplicate.merged_into_id = "merged", remaining.id
    remaining.claimed_at = remaining.claimed_at or (duplicate.claimed_at if with_members else None)
    for organization in (duplicate, remaining):
        organization.version += 1
    db.session.flush()
    db.session.expire_all()
    index.reindex(need_ids)
    audit.record(
        "organization.merged",
        subject=duplicate,
        by=by,
        organization_id=remaining.id,
        data={"into": remaining.id, "with_members": with_members, **dataclasses.asdict(belongings)},
    )
    for person_id, as_viewer in told.items():
        payload = {"duplicate_id": duplicate.id, "person_id": person_id, "as_viewer": as_viewer}
        outbox.enqueue("mail_organizations_merged", payload, key=f"merged:{duplicate.id}:{person_id}")
    for person_id in known:
        payload = {"duplicate_id": duplicate.id, "person_id": person_id}
        outbox.enqueue("mail_records_moved", payload, key=f"records_moved:{duplicate.id}:{person_id}")
    return remaining


def call_different(one_id: int, other_id: int, *, by: Person) -> None:
    """These are two organizations: nobody is asked about them again. Twice is once."""
    first_id, second_id = sorted((one_id, other_id))
    if first_id == second_id:
        raise refuse("same", _("This is one organization."))
    if db.session.get(DifferentOrganizations, (first_id, second_id)) is None:
        decision = DifferentOrganizations(first_id=first_id, second_id=second_id, decided_by_id=by.id, decided_at=now())
        db.session.add(decision)
        db.session.flush()
        _record_pair("organization.told_apart", first_id, second_id, by)


def ask_again(one_id: int, other_id: int, *, by: Person) -> None:
    """Take back that these are two organizations."""
    first_id, second_id = sorted((one_id, other_id))
    decision = db.session.get(DifferentOrganizations, (first_id, second_id))
    if decision is not None:
        db.session.delete(decision)
        db.session.flush()
        _record_pair("organization.not_told_apart", first_id, second_id, by)


def _record_pair(action: str, first_id: int, second_id: int, by: Person) -> None:
    first = db.session.get_one(Organization, first_id)
    audit.record(action, subject=first, by=by, organization_id=first_id, data={"other": second_id})


def _hide_what_was_hidden(duplicate: Organization, remaining: Organization, by: Person) -> None:
    """Open needs of an organization that was out of sight do not come into sight by this (N1): their staff open them."""
    if duplicate.is_public or not remaining.is_public:
        return
    shown = sa.select(Need.id).where(Need.organization_id == duplicate.id, Need.status.in_(("open", "filled")))
    for need_id in list(db.session.scalars(shown.order_by(Need.id))):
        pause_need(need_id, by=by)


def _move_members(
    duplicate: Organization, remaining: Organization, by: Person, *, with_members: bool, looked_at: bool
) -> dict[int, bool]:
    """The ids of whoever is told of it: all members of both; True for those who come as viewers and had another role. Whoever is
    in both keeps the role in the one that remains."""
    here = list_members(remaining.id)
    told = {member.person_id: False for member in here}
    has_owner = any(member.role == "owner" for member in here)
    members = [(member.person, member.role, member.all_needs) for member in list_members(duplicate.id)]
    remove_memberships(duplicate.id, by=by)
    for person, role, all_needs in members:
        told.setdefault(person.id, False)
        if not with_members or find_membership(remaining.id, person.id) is not None:
            continue
        given = "manager" if role == "owner" and has_owner else role
        # Whoever read some of the needs does not come to read all: nothing is assigned to them until the staff do it.
        if not looked_at and all_needs:
            told[person.id], given = given != "viewer", "viewer"
        add_membership(remaining, person, given, all_needs=all_needs)
        data = about_role(given, all_needs=all_needs)
        audit.record("membership.added", subject=person, by=by, organization_id=remaining.id, data=data)
    return told


def _forget_repeated_ids(duplicate: Organization, remaining: Organization) -> None:
    """A need of the duplicate that came from the same row of somebody's file as one of the other keeps no id of that file."""
    taken = sa.select(Need.external_id).where(Need.organization_id == remaining.id, Need.external_id.is_not(None))
    db.session.execute(
        sa.update(Need)
        .where(Need.organization_id == duplicate.id, Need.external_id.in_(taken.scalar_subquery()))
        .values(external_id=None),
        execution_options={"synchronize_session": False},
    )


def _point(name: str, old_id: int, new_id: int) -> None:
    """Point a column of any table, also of rooms above this one, at another organization."""
    table_name, column_name = name.split(".")
    table = db.metadata.tables[table_name]
    db.session.execute(sa.update(table).where(table.c[column_name] == old_id).values({column_name: new_id}))
