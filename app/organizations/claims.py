"""Claiming an organization that an import made: until somebody of it stands behind the page, nothing is promised to it.

Two proofs: the link in a mailbox at the organization's own web domain, pressed by whoever reads that mailbox, or what a
moderator checked.
"""

from __future__ import annotations

import datetime as dt
import re
from urllib.parse import urlsplit

import sqlalchemy as sa

from app.accounts.models import Person
from app.core import audit, outbox
from app.core.audit import AuditEvent
from app.core.clock import now
from app.core.db import db, lock
from app.core.errors import InvalidInput, Reason, Refused, refuse
from app.core.i18n import _
from app.core.tokens import hash_token, keyed_hash
from app.organizations.acting import acts
from app.organizations.members import add_membership, find_membership, lock_organization
from app.organizations.models import Claim, Membership, Organization

LINK_LIFETIME = dt.timedelta(days=7)
# A page at one of these is not a domain of one's own: whoever reads its mail proves nothing about the organization.
SHARED_HOSTS = frozenset(
    {
        "facebook.com", "m.facebook.com", "instagram.com", "linkedin.com", "twitter.com", "x.com", "youtube.com", "linktr.ee",
        "google.com", "sites.google.com", "docs.google.com", "gmail.com", "googlemail.com", "outlook.com", "hotmail.com",
        "live.com", "yahoo.com", "aol.com", "icloud.com", "gmx.de", "gmx.net", "web.de", "proton.me", "protonmail.com",
        "eventbrite.com", "meetup.com", "volunteermatch.org", "idealist.org", "github.com", "medium.com",
    }
)  # fmt: skip


def web_domain(organization: Organization) -> str | None:
    """The organization's own web domain, where a mailbox proves something; None when it has none, and while anybody belongs
    to its staff: they may write the web address themselves, so that a moderator reads what they claim."""
    staffed = sa.select(Membership.person_id).where(Membership.organization_id == organization.id).limit(1)
    return None if db.session.scalar(staffed) is not None else domain_of(organization.website)


def domain_of(website: str | None) -> str | None:
    """The domain of a website, in lower case and without "www."; None for none, and for one that many share."""
    try:
        host = (urlsplit((website or "").lower()).hostname or "").removeprefix("www.")
    except ValueError:  # what was imported may be no address
        return None
    return host if "." in host and host not in SHARED_HOSTS else None


def reasons_not_to_claim(organization: Organization, person: Person) -> list[Reason]:
    """Everything that stands in the way of claiming it, each with its remedy."""
    reasons = []
    if organization.is_claimed:
        reasons.append(
            Reason(
                "claimed",
                _("Somebody from this organization runs this page already."),
                _("Ask them to invite you."),
            )
        )
    if not person.is_email_verified:
        reasons.append(
            Reason(
                "email_unverified",
                _("We do not know yet that your email address is yours."),
                _("Follow the link in the email we sent you, or ask for a new one on your profile."),
            )
        )
    return reasons


def claim_organization(organization_id: int, *, by: Person, mailbox: str = "", evidence: str = "") -> Claim:
    """Ask to speak for an unclaimed organization. `mailbox` is the part before the @ of an address at its web domain: the
    link goes there. Without it a moderator reads `evidence`. Asking again replaces what was asked before.

    Raises InvalidInput at the field, Refused with every reason.
    """
    organization = lock_organization(organization_id)
    if reasons := reasons_not_to_claim(organization, by):
        raise Refused(reasons)
    mailbox, evidence = mailbox.strip().lower(), evidence.strip()
    domain = web_domain(organization)
    if mailbox and domain is None:
        raise InvalidInput(
            {"mailbox": _("We know no mailbox that proves something about this organization. Tell us more below")}
        )
    if mailbox and not re.fullmatch(r"[a-z0-9][a-z0-9._+-]{0,63}", mailbox):
        raise InvalidInput({"mailbox": _("Enter only the part before the @")})
    if not mailbox and not evidence:
        raise InvalidInput({"evidence": _("Say how a moderator can check that you belong to it")})
    old = find_waiting_claim(organization.id, by.id)
    if old is not None:
        _close(old, "declined", _("You asked again."), None)
    claim = Claim(
        organization_id=organization.id,
        person_id=by.id,
        mailbox=f"{mailbox}@{domain}" if mailbox else None,
        evidence=evidence,
        created_at=now(),
    )
    db.session.add(claim)
    db.session.flush()
    audit.record("claim.made", subject=claim, by=by, organization_id=organization.id)
    if claim.mailbox:
        claim.token_hash = hash_token(token_of(claim))
        db.session.flush()
        outbox.enqueue("mail_claim_link", {"claim_id": claim.id}, key=f"claim_link:{claim.id}")
    return claim


def token_of(claim: Claim) -> str:
    """The token of the claim's link: made from its id with a key the database does not hold."""
    return keyed_hash("claim", str(claim.id))


def find_claim_by_token(token: str) -> Claim | None:
    """The claim that waits for this link to be pressed, or None: unknown, decided, or older than seven days."""
    query = sa.select(Claim).where(
        Claim.token_hash == hash_token(token), Claim.status == "waiting", Claim.created_at > now() - LINK_LIFETIME
    )
    return db.session.scalar(query)


def find_claim(claim_id: int) -> Claim | None:
    """The claim in any state, or None."""
    return db.session.get(Claim, claim_id)


def find_waiting_claim(organization_id: int, person_id: int) -> Claim | None:
    """What this person asked and nobody has decided, or None."""
    return db.session.scalar(
        sa.select(Claim).where(
            Claim.organization_id == organization_id, Claim.person_id == person_id, Claim.status == "waiting"
        )
    )


def list_waiting_claims(limit: int = 200) -> list[Claim]:
    """Claims that nobody has decided, longest waiting first."""
    query = sa.select(Claim).where(Claim.status == "waiting").order_by(Claim.created_at, Claim.id).limit(limit)
    return list(db.session.scalars(query))


def list_rivals(claim: Claim) -> list[Claim]:
    """Who else waits for the same organization, longest waiting first."""
    query = sa.select(Claim).where(
        Claim.organization_id == claim.organization_id, Claim.status == "waiting", Claim.id != claim.id
    )
    return list(db.session.scalars(query.order_by(Claim.created_at, Claim.id).limit(50)))


def find_unclaimed_at(organization_id: int) -> dt.datetime | None:
    """When its last owner's role ended; None when it never had one."""
    query = sa.select(sa.func.max(AuditEvent.at)).where(
        AuditEvent.organization_id == organization_id, AuditEvent.action == "organization.unclaimed"
    )
    return db.session.scalar(query)


def answer_claim(claim_id: int, *, grant: bool, by: Person | None, reason: str) -> Claim:
    """Grant or decline, under the organization's lock. `by` None is whoever reads the mailbox. The first who is granted
    owns the page; everybody else who waits for it is told.

    Raises Refused (`decided`) when it was decided meanwhile, or a mailbox proves nothing any more, (`claimed`) when
    somebody else runs the page.
    """
    claim = find_claim(claim_id)
    organization = None if claim is None else lock_organization(claim.organization_id)
    claim = lock(Claim, claim_id)
    if claim is None or organization is None or claim.status != "waiting":
        raise refuse("decided", _("This was decided meanwhile."))
    if not grant:
        _close(claim, "declined", reason, by)
        return claim
    if reasons := reasons_not_to_claim(organization, claim.person):
        raise Refused(reasons)
    if by is None and web_domain(organization) is None:
        raise refuse("decided", _("A mailbox proves nothing about this organization any more."))
    if not acts(claim.person):
        raise refuse(
            "not_active",
            _(
                "This person runs no organization now: their account is suspended, or they are a minor without a guardian."
            ),
        )
    _close(claim, "granted", reason, by)
    organization.claimed_at = now()
    organization.version += 1
    member, action = find_membership(organization.id, claim.person_id), "membership.added"
    if member is None:
        add_membership(organization, claim.person, "owner")
    else:  # they belonged to its staff when its last owner went
        member.role, member.all_needs, action = "owner", True, "membership.changed"
    audit.record("organization.claimed", subject=organization, by=by, organization_id=organization.id)
    audit.record(action, subject=claim.person, by=by, organization_id=organization.id, data={"role": "owner"})
    decline_claims(
        organization.id, by=by, reason=_("Somebody else from this organization was faster. Ask them to invite you.")
    )
    return claim


def decline_claims(organization_id: int, *, by: Person | None, reason: str) -> None:
    """Decline whatever is asked for an organization; whoever asked reads `reason`. Under the organization's lock."""
    waiting = sa.select(Claim).where(Claim.organization_id == organization_id, Claim.status == "waiting")
    for claim in list(db.session.scalars(waiting)):
        _close(claim, "declined", reason, by)


def _close(claim: Claim, status: str, reason: str, by: Person | None) -> None:
    claim.status, claim.reason, claim.decided_at = status, reason.strip(), now()
    claim.decided_by_id = None if by is None else by.id
    db.session.flush()
    audit.record(f"claim.{status}", subject=claim, by=by, organization_id=claim.organization_id)
    outbox.enqueue("mail_claim_decided", {"claim_id": claim.id}, key=f"claim_decided:{claim.id}")
