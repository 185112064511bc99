"""Who may see, change and decide about a fundraiser (F8). Each predicate over rows stands beside its SQL twin."""

from __future__ import annotations

import sqlalchemy as sa

from app.accounts.models import Person
from app.core.clock import today
from app.fundraisers.models import Fundraiser
from app.organizations.models import Organization
from app.organizations.policy import can_manage_listings, can_see_staff_pages

SHOWN = ("live", "ended")


def is_visible(fundraiser: Fundraiser) -> bool:
    """True while the public may see the page: approved, and the organization verified, active and claimed (F8)."""
    organization = fundraiser.organization
    return fundraiser.status in SHOWN and organization.is_public and organization.is_claimed


def visible() -> sa.ColumnElement[bool]:
    """The SQL twin of is_visible, over Fundraiser joined with its Organization."""
    return sa.and_(
        Fundraiser.status.in_(SHOWN),
        Organization.verified_at.is_not(None),
        Organization.status == "active",
        Organization.claimed_at.is_not(None),
    )


def has_ended(fundraiser: Fundraiser) -> bool:
    """True when it was ended, or its last day is over where the organization is."""
    if fundraiser.status == "ended":
        return True
    return fundraiser.ends_on is not None and fundraiser.ends_on < today(fundraiser.organization.time_zone)


def accepts_gifts(fundraiser: Fundraiser) -> bool:
    """True while a checkout may be opened: visible, and not ended."""
    return fundraiser.status == "live" and is_visible(fundraiser) and not has_ended(fundraiser)


def accepting() -> sa.ColumnElement[bool]:
    """The SQL twin of accepts_gifts, up to the end date: the sweep that ends fundraisers looks at that zone by zone."""
    return sa.and_(Fundraiser.status == "live", visible())


def can_see(person: Person | None, fundraiser: Fundraiser) -> bool:
    """The public while it is visible; always its starter and the organization's staff."""
    if is_visible(fundraiser):
        return True
    if person is None or not person.is_active:
        return False
    return fundraiser.started_by_id == person.id or can_see_staff_pages(person, fundraiser.organization)


def speaks_for(person: Person, fundraiser: Fundraiser) -> bool:
    """Whoever started it (a team's captain); where the organization speaks itself, each of its owners and managers."""
    if not person.is_active:
        return False
    return fundraiser.started_by_id == person.id or (fundraiser.by_organization and can_decide(person, fundraiser))


def can_edit(person: Person, fundraiser: Fundraiser) -> bool:
    """Whoever speaks for it, until it is ended; with what was declined they ask again."""
    return speaks_for(person, fundraiser) and fundraiser.status in ("awaiting_approval", "live", "declined")


def can_post_update(person: Person, fundraiser: Fundraiser) -> bool:
    """Whoever speaks for it, once it was public; also after its end."""
    return speaks_for(person, fundraiser) and fundraiser.status in SHOWN


def can_tend(person: Person, fundraiser: Fundraiser) -> bool:
    """Its pictures, messages and gifts in person: whoever speaks for it, and the organization's owners and managers."""
    return person.is_active and (speaks_for(person, fundraiser) or can_decide(person, fundraiser))


def can_look_after_words(person: Person, fundraiser: Fundraiser) -> bool:
    """What donors write there, and the names they show: whoever tends the page, and the platform's moderators."""
    return can_tend(person, fundraiser) or (person.is_active and person.is_moderator)


def can_lead(person: Person, fundraiser: Fundraiser) -> bool:
    """The team's captain, and the organization's owners and managers."""
    return fundraiser.is_team and can_tend(person, fundraiser)


def can_leave(person: Person, fundraiser: Fundraiser) -> bool:
    """Whoever started the page, the captain of the team it is part of, the organization's owners and managers."""
    if fundraiser.team is None or not person.is_active:
        return False
    return can_tend(person, fundraiser) or speaks_for(person, fundraiser.team)


def can_suggest_amounts(person: Person, fundraiser: Fundraiser) -> bool:
    """Its starter and the organization's owners and managers, until it is ended or declined."""
    is_open = fundraiser.status in ("awaiting_approval", "live")
    return is_open and (can_edit(person, fundraiser) or can_decide(person, fundraiser))


def can_end(person: Person, fundraiser: Fundraiser) -> bool:
    """Its starter and the organization's owners and managers, while it is live."""
    may = fundraiser.started_by_id == person.id or can_decide(person, fundraiser)
    return person.is_active and may and fundraiser.status == "live"


def can_say_outcome(person: Person, fundraiser: Fundraiser) -> bool:
    """Its starter and the organization's owners and managers, once it was public and is over."""
    may = fundraiser.started_by_id == person.id or can_decide(person, fundraiser)
    return person.is_active and may and fundraiser.status in SHOWN and has_ended(fundraiser)


def can_decide(person: Person, fundraiser: Fundraiser) -> bool:
    """Owners and managers of the organization it raises money for."""
    return can_manage_listings(person, fundraiser.organization)
