"""Gifts: one, for its donor and for the organization's owners and managers."""

from __future__ import annotations

from flask.typing import ResponseReturnValue

from app.accounts.models import Person
from app.api import frame, present, schemas
from app.core.web import allow
from app.donations.models import Donation
from app.donations.queries import find_donation
from app.organizations.policy import can_manage_listings

resource = frame.blueprint("donations", "Gifts")


def _may_see(person: Person, donation: Donation) -> bool:
    """Its donor when they were signed in, and whoever sees the organization's money."""
    return donation.person_id == person.id or can_manage_listings(person, donation.fundraiser.organization)


@resource.route("/donations/<id:donation_id>", methods=["GET"])
@allow(_may_see, load=find_donation, scope="donations:read")
@resource.response(200, schemas.DonationOut)
def show(donation: Donation) -> ResponseReturnValue:
    """One gift."""
    return present.donation(donation)
