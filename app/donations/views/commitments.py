"""Staff pages of what is given to an organization every month: all of it, and one commitment with its months."""

from __future__ import annotations

from flask import render_template, request
from flask.typing import ResponseReturnValue

from app.accounts.models import Person
from app.core.web import allow
from app.donations import monthly_queries
from app.donations.monthly_queries import Commitment
from app.donations.views.money import money
from app.organizations.models import Organization
from app.organizations.policy import can_manage_listings
from app.organizations.queries import find_organization


@money.get("/manage/<slug>/monthly-gifts")
@allow(can_manage_listings, load=find_organization)
def commitments(organization: Organization) -> ResponseReturnValue:
    """Who gives every month, how much, since when, and how it stands."""
    return render_template(
        "donations/money/commitments.html",
        organization=organization,
        page=monthly_queries.list_commitments(organization.id, request.args.get("cursor")),
        sums=monthly_queries.sum_up(organization.id),
    )


def _load(slug: str, monthly_id: int) -> Commitment | None:
    organization = find_organization(slug)
    return None if organization is None else monthly_queries.find_commitment(organization.id, monthly_id)


def _may(person: Person | None, found: Commitment) -> bool:
    return can_manage_listings(person, found.gift.fundraiser.organization)


@money.get("/manage/<slug>/monthly-gifts/<id:monthly_id>")
@allow(_may, load=_load)
def commitment(found: Commitment) -> ResponseReturnValue:
    """One commitment, and its months. Only its donor changes or stops it: their own link does that."""
    fundraiser = found.gift.fundraiser
    return render_template(
        "donations/money/commitment.html",
        organization=fundraiser.organization,
        fundraiser=fundraiser,
        one=found,
        months=monthly_queries.list_months(found.gift.id, limit=100),
    )
