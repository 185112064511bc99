"""Who belongs to an organization and who is invited: for those of its staff who manage people."""

from __future__ import annotations

from typing import Any

from flask.typing import ResponseReturnValue

from app.accounts.models import Person
from app.accounts.session import current_person
from app.api import frame, present, schemas
from app.core.db import transaction
from app.core.paging import Page
from app.core.web import allow
from app.needs.operations import coordinators as operations
from app.needs.policy import seen_by_staff
from app.needs.queries import list_assigned
from app.organizations import invitations
from app.organizations.models import Invitation, Membership, Organization
from app.organizations.policy import can_manage_people, can_see_staff_pages
from app.organizations.queries import find_member, find_organization, list_members

resource = frame.blueprint("members", "Who belongs to an organization")


def _find_member(slug: str, person_id: int) -> Membership | None:
    organization = find_organization(slug)
    return None if organization is None else find_member(organization.id, person_id)


def _can_manage_member(person: Person | None, member: Membership) -> bool:
    return can_manage_people(person, member.organization)


def _can_manage_invitation(person: Person | None, invitation: Invitation) -> bool:
    return can_manage_people(person, invitation.organization)


@resource.route("/organizations/<slug>/members", methods=["GET"])
@allow(can_see_staff_pages, load=find_organization, scope="organizations:read")
@resource.response(200, schemas.MemberList)
def index(organization: Organization) -> ResponseReturnValue:
    """Members, their roles and the needs they work on, for staff; a coordinator of assigned needs reads of these alone."""
    assigned = list_assigned(organization.id, seen_by_staff(current_person(), organization.id))
    return frame.page_of(Page(list_members(organization.id), None), lambda row: present.member(row, assigned))


@resource.route("/organizations/<slug>/members/<id:person_id>", methods=["PATCH"])
@allow(_can_manage_member, load=_find_member, scope="organizations:write")
@resource.arguments(schemas.MemberPatch)
@resource.response(200, schemas.MemberOut)
@resource.alt_response(409, schema=frame.ProblemSchema, content_type="application/problem+json")
def edit(member: Membership, payload: dict[str, Any]) -> ResponseReturnValue:
    """Another role, or other needs for a coordinator; the member is told of their role."""
    needs = payload.get("needs")
    with transaction():
        changed = operations.change_role(
            member.organization_id,
            member.person_id,
            by=current_person(),
            role=payload["role"],
            all_needs=True if needs == "all" else None,
            need_ids=None if needs == "all" else needs,
        )
        return frame.answer(200, schemas.MemberOut, present.member(changed, list_assigned(changed.organization_id)))


@resource.route("/organizations/<slug>/members/<id:person_id>/remove", methods=["POST"])
@allow(_can_manage_member, load=_find_member, scope="organizations:write")
@resource.acts(schemas.MemberOut)
def remove(member: Membership, _payload: dict[str, Any]) -> ResponseReturnValue:
    """End a membership; the member is told. The answer is what it was."""
    with transaction():
        body = present.member(member, list_assigned(member.organization_id))
        operations.remove_member(member.organization_id, member.person_id, by=current_person())
        return frame.answer(200, schemas.MemberOut, body)


@resource.route("/organizations/<slug>/invitations", methods=["GET"])
@allow(can_manage_people, load=find_organization, scope="organizations:read")
@resource.response(200, schemas.InvitationList)
def waiting(organization: Organization) -> ResponseReturnValue:
    """Invitations that nobody has answered."""
    rows = invitations.list_waiting_invitations(organization.id)
    return frame.page_of(Page(rows, None), present.invitation)


@resource.route("/organizations/<slug>/invitations", methods=["POST"])
@allow(can_manage_people, load=find_organization, scope="organizations:write")
@resource.acts(schemas.InvitationOut, takes=schemas.InvitationIn, status=201)
def invite(organization: Organization, payload: dict[str, Any]) -> ResponseReturnValue:
    """Invite an email address to a role; the answer is the same whether an account has it or not."""
    with transaction():
        made = invitations.invite(
            organization.id,
            by=current_person(),
            email=payload["email"],
            role=payload["role"],
            all_needs=payload["needs"] == "all",
        )
        return frame.answer(201, schemas.InvitationOut, present.invitation(made))


@resource.route("/invitations/<id:invitation_id>/send-again", methods=["POST"])
@allow(_can_manage_invitation, load=invitations.find_invitation, scope="organizations:write")
@resource.acts(schemas.InvitationOut)
def send_again(invitation: Invitation, _payload: dict[str, Any]) -> ResponseReturnValue:
    """Another mail with another link; the one before stops working."""
    with transaction():
        sent = invitations.send_invitation_again(invitation.id, by=current_person())
        return frame.answer(200, schemas.InvitationOut, present.invitation(sent))


@resource.route("/invitations/<id:invitation_id>/withdraw", methods=["POST"])
@allow(_can_manage_invitation, load=invitations.find_invitation, scope="organizations:write")
@resource.acts(schemas.InvitationOut)
def withdraw(invitation: Invitation, _payload: dict[str, Any]) -> ResponseReturnValue:
    """The link stops working."""
    with transaction():
        withdrawn = invitations.withdraw_invitation(invitation.id, by=current_person())
        return frame.answer(200, schemas.InvitationOut, present.invitation(withdrawn))
