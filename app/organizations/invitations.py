"""Inviting somebody to an organization by their email address.

Whether an account has the address is nobody's business but its owner's: inviting says and does the same in both cases. The
link in the mail shows who asks for what; taking the role needs an account with just that address, which the link proves.
"""

from __future__ import annotations

import datetime as dt

import sqlalchemy as sa
from sqlalchemy.orm import joinedload

from app.accounts import throttles
from app.accounts.models import Person
from app.accounts.operations import normal_email, prove_address
from app.core import audit, outbox
from app.core.clock import now
from app.core.db import db, lock
from app.core.errors import InvalidInput, Reason, Refused, refuse
from app.core.i18n import _
from app.core.tokens import hash_token, keyed_hash
from app.organizations.members import (
    about_role,
    add_membership,
    find_membership,
    lock_organization,
    may_give,
    require_may_give,
)
from app.organizations.models import Invitation, Membership

LIFETIME = dt.timedelta(days=14)
# Whoever said no is not asked again by the same organization for so long.
REST = dt.timedelta(days=30)
# How long an answered or expired invitation is kept: it holds the address of somebody who may never have come.
KEPT = dt.timedelta(days=90)
MOST_WAITING = 100


def invite(organization_id: int, *, by: Person, email: str, role: str, all_needs: bool = True) -> Invitation:
    """Ask whoever reads `email` to take `role`, a coordinator with `all_needs` False for assigned needs alone. An
    invitation that waits for the address is changed and sent again.

    Raises InvalidInput at "email" or "role"; Refused (`not_yours_to_give`, `too_many`).
    """
    organization = lock_organization(organization_id)
    require_may_give(organization, by, role)
    address = normal_email(email)
    all_needs = all_needs or role != "coordinator"
    if _is_member(organization.id, address):
        raise InvalidInput({"email": _("This person is a member already")})
    latest = _find_latest(organization.id, address)
    if latest is not None and latest.status == "waiting":
        latest.role, latest.all_needs = role, all_needs
        return _send_again(latest, by)
    if latest is not None and latest.status == "declined" and (latest.answered_at or now()) > now() - REST:
        raise InvalidInput(
            {"email": _("They said no a short while ago. Ask them yourself, or invite them again in a month")}
        )
    if _count_waiting(organization.id) >= MOST_WAITING:
        raise refuse(
            "too_many",
            _("%(count)s invitations wait for an answer.", count=MOST_WAITING),
            _("Withdraw some that nobody will answer."),
        )
    _throttle(address)
    invitation = Invitation(
        organization_id=organization.id,
        email=address,
        role=role,
        all_needs=all_needs,
        invited_by_id=by.id,
        created_at=now(),
        expires_at=now() + LIFETIME,
        sendings=1,
    )
    db.session.add(invitation)
    db.session.flush()
    data = about_role(role, all_needs=all_needs)
    audit.record("invitation.made", subject=invitation, by=by, organization_id=organization.id, data=data)
    _promise(invitation)
    return invitation


def send_invitation_again(invitation_id: int, *, by: Person) -> Invitation:
    """Another mail with another link; the one before stops working, and fourteen days begin again.

    Raises Refused (`answered`, `not_yours_to_give`), InvalidInput at "email" when it was sent too often.
    """
    invitation = _lock_waiting(invitation_id)
    require_may_give(invitation.organization, by, invitation.role)
    return _send_again(invitation, by)


def withdraw_invitation(invitation_id: int, *, by: Person) -> Invitation:
    """The link stops working. Raises Refused (`answered`, `not_yours_to_give`)."""
    invitation = _lock_waiting(invitation_id)
    require_may_give(invitation.organization, by, invitation.role)
    _close(invitation, "withdrawn", by)
    return invitation


def reasons_not_to_accept(invitation: Invitation, person: Person) -> list[Reason]:
    """Everything that stands in the way of this person taking the role, each with its remedy."""
    reasons = []
    if person.email != invitation.email:
        reasons.append(
            Reason(
                "other_address",
                _(
                    "The invitation was sent to %(invited)s; you are signed in as %(email)s.",
                    invited=invitation.email,
                    email=person.email,
                ),
                _("Sign in with the other address, or ask to be invited at this one."),
            )
        )
    if not still_holds(invitation):
        reasons.append(
            Reason(
                "does_not_hold",
                _("%(name)s cannot invite people for this role any more.", name=invitation.invited_by.name),
                _("Ask somebody else of the organization."),
            )
        )
    if find_membership(invitation.organization_id, person.id) is not None:
        reasons.append(Reason("member", _("You belong to this organization already."), ""))
    return reasons


def accept_invitation(token: str, *, by: Person) -> Membership:
    """Take the role that the link offers. Asked under the organization's lock; the link also proves the address.

    Raises Refused: `answered` when it was answered, withdrawn, sent anew or is too old, else every reason.
    """
    found = find_invitation_by_token(token)
    invitation = _lock_waiting(0 if found is None else found.id)
    if invitation.token_hash != hash_token(token):
        raise _answered()
    if reasons := reasons_not_to_accept(invitation, by):
        raise Refused(reasons)
    member = add_membership(
        invitation.organization, prove_address(by.id), invitation.role, all_needs=invitation.all_needs
    )
    _close(invitation, "accepted", by)
    audit.record(
        "membership.added",
        subject=by,
        by=by,
        organization_id=invitation.organization_id,
        data={
            **about_role(member.role, all_needs=member.all_needs),
            "invited_by": invitation.invited_by_id,
        },
    )
    _tell(invitation)
    return member


def decline_invitation(token: str) -> Invitation:
    """Whoever reads the mailbox says no; it takes no account. Raises Refused (`answered`)."""
    found = find_invitation_by_token(token)
    invitation = _lock_waiting(0 if found is None else found.id)
    if invitation.token_hash != hash_token(token):
        raise _answered()
    _close(invitation, "declined", None)
    _tell(invitation)
    return invitation


def withdraw_invitations(organization_id: int, *, by: Person | None) -> None:
    """Withdraw whatever waits for an answer. Under the organization's lock."""
    waiting = sa.select(Invitation).where(Invitation.organization_id == organization_id, Invitation.status == "waiting")
    for invitation in list(db.session.scalars(waiting)):
        _close(invitation, "withdrawn", by)


def still_holds(invitation: Invitation) -> bool:
    """True while whoever sent it may give the role now: a right that was taken away takes its invitations along."""
    return may_give(invitation.organization, invitation.invited_by, invitation.role)


def token_of(invitation: Invitation) -> str:
    """The token of the latest link: made from its row with a key the database does not hold."""
    return keyed_hash("invitation", f"{invitation.id}:{invitation.sendings}")


def find_invitation(invitation_id: int) -> Invitation | None:
    """The invitation in any state, or None."""
    return db.session.get(Invitation, invitation_id)


def find_invitation_by_token(token: str) -> Invitation | None:
    """The invitation that waits for this link, or None: unknown, answered, withdrawn, sent anew, too old."""
    query = sa.select(Invitation).options(joinedload(Invitation.organization), joinedload(Invitation.invited_by))
    return db.session.scalar(
        query.where(
            Invitation.token_hash == hash_token(token), Invitation.status == "waiting", Invitation.expires_at > now()
        )
    )


def list_waiting_invitations(organization_id: int) -> list[Invitation]:
    """Invitations that nobody has answered, too old or not, the latest first."""
    query = (
        sa.select(Invitation)
        .options(joinedload(Invitation.organization), joinedload(Invitation.invited_by))
        .where(Invitation.organization_id == organization_id, Invitation.status == "waiting")
    )
    return list(db.session.scalars(query.order_by(Invitation.created_at.desc(), Invitation.id)))


def forget_old_invitations() -> None:
    """Delete what was answered, or expired, more than ninety days ago; the audit trail keeps that it was there."""
    limit = now() - KEPT
    answered = sa.and_(Invitation.answered_at.is_not(None), Invitation.answered_at < limit)
    db.session.execute(sa.delete(Invitation).where(sa.or_(answered, Invitation.expires_at < limit)))


def note_mail(invitation_id: int, *, sending: int, failed: bool) -> None:
    """Remember that the mail of this sending did not arrive, or did after all, for whoever invited."""
    invitation = lock(Invitation, invitation_id)
    if invitation is None or invitation.sendings != sending or failed == (invitation.mail_failed_at is not None):
        return
    invitation.mail_failed_at = now() if failed else None
    audit.record(
        "invitation.mail_failed" if failed else "invitation.mail_arrives",
        subject=invitation,
        by=None,
        organization_id=invitation.organization_id,
    )


def _lock_waiting(invitation_id: int) -> Invitation:
    """Under the organization's lock, and read again."""
    found = find_invitation(invitation_id)
    if found is None:
        raise _answered()
    lock_organization(found.organization_id)
    invitation = lock(Invitation, invitation_id)
    if invitation is None or invitation.status != "waiting":
        raise _answered()
    return invitation


def _answered() -> Refused:
    return refuse("answered", _("This invitation was answered, withdrawn or sent again meanwhile."))


def _send_again(invitation: Invitation, by: Person) -> Invitation:
    _throttle(invitation.email)
    invitation.sendings += 1
    invitation.invited_by_id, invitation.expires_at = by.id, now() + LIFETIME
    invitation.mail_failed_at = None
    db.session.flush()
    audit.record(
        "invitation.sent_again",
        subject=invitation,
        by=by,
        organization_id=invitation.organization_id,
        data=about_role(invitation.role, all_needs=invitation.all_needs),
    )
    _promise(invitation)
    return invitation


def _promise(invitation: Invitation) -> None:
    invitation.token_hash = hash_token(token_of(invitation))
    db.session.flush()
    payload = {"invitation_id": invitation.id, "sending": invitation.sendings}
    outbox.enqueue("mail_invitation", payload, key=f"invitation:{invitation.id}:{invitation.sendings}")


def _close(invitation: Invitation, status: str, by: Person | None) -> None:
    invitation.status, invitation.answered_at = status, now()
    db.session.flush()
    audit.record(f"invitation.{status}", subject=invitation, by=by, organization_id=invitation.organization_id)


def _tell(invitation: Invitation) -> None:
    outbox.enqueue(
        "mail_invitation_answered", {"invitation_id": invitation.id}, key=f"invitation_answered:{invitation.id}"
    )


def _throttle(address: str) -> None:
    """However many organizations ask, a mailbox gets only so many of these in an hour."""
    if throttles.count("invitation.email", address) is not None:
        raise InvalidInput({"email": _("This address got several invitations just now. Try again in an hour")})


def _is_member(organization_id: int, email: str) -> bool:
    query = sa.select(Membership.person_id).join(Membership.person)
    query = query.where(Membership.organization_id == organization_id, Person.email == email)
    return db.session.scalar(query) is not None


def _find_latest(organization_id: int, email: str) -> Invitation | None:
    query = sa.select(Invitation).where(Invitation.organization_id == organization_id, Invitation.email == email)
    return db.session.scalar(query.order_by(Invitation.created_at.desc(), Invitation.id.desc()).limit(1))


def _count_waiting(organization_id: int) -> int:
    query = sa.select(sa.func.count()).select_from(Invitation)
    query = query.where(Invitation.organization_id == organization_id, Invitation.status == "waiting")
    return db.session.scalar(query.where(Invitation.expires_at > now())) or 0
