"""What may still be done with a donation, and with which."""

from __future__ import annotations

import datetime as dt

import sqlalchemy as sa

from app.accounts.models import Person
from app.core.clock import now
from app.core.money import Money, suggestions
from app.donations.models import Donation
from app.fundraisers.policy import accepts_gifts
from app.organizations.policy import can_manage_listings

# What the donor may go on with, and for how long after the gift was begun.
RESUMABLE = ("pending", "failed", "expired")
RESUME_FOR = dt.timedelta(days=30)
# How long a gift that was not paid in the end stays in the donor's own list.
UNPAID_LISTED_FOR = dt.timedelta(days=7)


def can_resume(donation: Donation, mode: str) -> bool:
    """True while its donor may go on with it under the installation's `mode`: not paid nor on its way, young enough, and
    its fundraiser takes gifts."""
    young = donation.created_at > now() - RESUME_FOR
    return donation.status in RESUMABLE and young and donation.mode == mode and accepts_gifts(donation.fundraiser)


def name_for_starter(donation: Donation) -> str | None:
    """The donor's name, or their company's, as whoever started the page may read it; None is anonymous (F9)."""
    return None if donation.hide_from_starter else donation.company or donation.name or None


def name_for_public(donation: Donation) -> str | None:
    """The same as everybody may read it, unless somebody keeps it from the page. Whether the donor is a minor (G6) is not
    asked here."""
    return (donation.company or donation.name) if donation.shows_name and not donation.name_hidden_by else None


def is_known_to_staff(donation: Donation) -> bool:
    """False when the donor hides from the organization: then its staff read neither name, company nor address (F9)."""
    return not donation.hide_from_organization


def is_donor(person: Person, donation: Donation) -> bool:
    """True for whoever gave it while they were signed in."""
    return person.is_active and donation.person_id == person.id


def can_see(person: Person, donation: Donation) -> bool:
    """Its donor when they were signed in, and whoever sees the organization's money."""
    return is_donor(person, donation) or can_manage_listings(person, donation.fundraiser.organization)


def can_refund(person: Person, donation: Donation) -> bool:
    """Owners and managers of the organization that was given to: money that is given back goes to the card it came from."""
    return can_manage_listings(person, donation.fundraiser.organization)


def looks_twice(amount: Money) -> bool:
    """True for an amount that somebody should look at once more before it goes back: from about 100 US dollars on, in the size
    the currency has (core.money.suggestions). Our own limit, no outside rule: a slip of one digit should not empty an account.
    A second person is not asked: the money can only go to the card or account that it came from."""
    return amount.amount_minor >= suggestions(amount.currency)[2].amount_minor


def listed_to_donor() -> sa.ColumnElement[bool]:
    """What a donor's own list shows: all but what was long ago not paid in the end."""
    return sa.or_(Donation.status != "expired", Donation.created_at > now() - UNPAID_LISTED_FOR)
