"""Organizations: their public profiles, settings and locations; and claiming one that an import made."""

from __future__ import annotations

from typing import Any

import marshmallow as ma
from flask import Response, redirect, url_for
from flask.typing import ResponseReturnValue
from werkzeug.exceptions import TooManyRequests

from app.accounts import throttles
from app.accounts.models import Person
from app.accounts.session import current_person, find_current_person
from app.api import frame, present, queries, schemas
from app.core.db import transaction
from app.core.errors import InvalidInput
from app.core.i18n import _
from app.core.paging import Page
from app.core.places import find_place
from app.core.web import allow, public, signed_in
from app.fundraisers.operations import set_overflow_rule
from app.organizations import operations
from app.organizations.models import CLAIM_STATUSES, Location, Organization
from app.organizations.policy import can_manage_listings, can_manage_people, can_see_staff_pages
from app.organizations.queries import (
    find_location,
    find_organization,
    find_remaining,
    list_locations,
    list_public_organizations,
)
from app.safeguarding.operations.staffing import claim_organization

resource = frame.blueprint("organizations", "Who asks for help")
PLACE = ("city", "region", "postal_code")


class LocationIn(frame.Schema):
    """A place the organization works from, looked up offline by its postal code, else its town."""

    name = schemas.text(120, 1, required=True)
    address = schemas.text(200, load_default="")
    city = schemas.text(120, load_default="")
    region = schemas.text(120, load_default="")
    postal_code = schemas.text(16, load_default="")
    private = ma.fields.Boolean(load_default=False)


class LocationPatch(frame.Schema):
    """What is to change of a place. Town, region and postal code say together where it is: give all that you know."""

    name = schemas.text(120, 1)
    address = schemas.text(200)
    city = schemas.text(120)
    region = schemas.text(120)
    postal_code = schemas.text(16)
    private = ma.fields.Boolean()


class ClaimIn(frame.Schema):
    """How one shows that one speaks for an organization: by its mailbox, or to a moderator."""

    mailbox = schemas.text(64, load_default="", metadata={"example": "info", "description": "the part before the @"})
    evidence = schemas.paragraphs(2000, load_default="")


class ClaimOut(frame.Schema):
    """What one asked. With `mailbox` the link went there; otherwise a moderator reads `evidence`."""

    id = frame.Id(required=True)
    organization = ma.fields.String(required=True)
    status = ma.fields.String(required=True, validate=schemas.one_of(CLAIM_STATUSES))
    mailbox = ma.fields.String(required=True, allow_none=True)
    evidence = ma.fields.String(required=True)
    created_at = schemas.moment(required=True)


def _find_in_sight(slug: str) -> Organization | None:
    """The public sees public ones, members their own; a duplicate is in sight as what it is part of."""
    found = find_organization(slug)
    shown = None if found is None else find_remaining(found)
    if shown is None or not (shown.is_public or can_see_staff_pages(find_current_person(), shown)):
        return None
    return found


@resource.route("/organizations", methods=["GET"])
@public
@resource.arguments(frame.ListQuery, location="query")
@resource.response(200, schemas.OrganizationList)
def index(query: dict[str, Any]) -> ResponseReturnValue:
    """Public organizations by name."""
    page = list_public_organizations(query.get("cursor"), limit=query["limit"])
    return frame.page_of(page, present.organization)


@resource.route("/organizations/<slug>", methods=["GET"])
@public(load=_find_in_sight)
@resource.response(200, schemas.OrganizationOut)
def show(organization: Organization) -> ResponseReturnValue:
    """One organization. The address of a duplicate leads to the organization it is part of (301)."""
    if organization.merged_into_id is not None:
        return redirect(url_for("api_organizations.show", slug=find_remaining(organization).slug), code=301)
    staff = can_see_staff_pages(find_current_person(), organization)
    body = schemas.OrganizationOut().dump(present.organization(organization, staff=staff))
    return frame.with_etag(body, organization.version)


@resource.route("/organizations/<slug>", methods=["PATCH"])
@allow(can_manage_people, load=find_organization, scope="organizations:write")
@resource.arguments(schemas.OrganizationPatch)
@resource.response(200, schemas.OrganizationOut)
def edit(organization: Organization, payload: dict[str, Any]) -> ResponseReturnValue:
    """Change what is given."""
    with transaction():
        frame.require_match(queries.locked_version(Organization, organization.id))
        rule = payload.pop("overflow_rule", None)
        if rule is not None:
            set_overflow_rule(organization.id, by=current_person(), rule=rule)
        changed = organization
        if payload or rule is None:
            changed = operations.edit_organization(organization.id, by=current_person(), **payload)
        return frame.answer(200, schemas.OrganizationOut, present.organization(changed, staff=True))


@resource.route("/organizations/<slug>/locations", methods=["GET"])
@allow(can_see_staff_pages, load=find_organization, scope="organizations:read")
@resource.response(200, schemas.LocationList)
def locations(organization: Organization) -> ResponseReturnValue:
    """Locations, for staff."""
    return frame.page_of(Page(list_locations(organization.id), None), present.location)


def _can_manage_location(person: Person, location: Location) -> bool:
    return can_manage_listings(person, location.organization)


def _place(payload: dict[str, Any], country: str) -> str | None:
    """Takes what says where out of `payload`; the first of postal code, town with region, and town that is known. None when
    nothing of it is said. Raises InvalidInput for what nobody knows."""
    said = {name: payload.pop(name) for name in PLACE if name in payload}
    if not said:
        return None
    town = ", ".join(part for part in (said.get("city"), said.get("region")) if part)
    for text in (said.get("postal_code"), town, said.get("city")):
        if text and find_place(text, country=country) is not None:
            return text
    raise InvalidInput({"city": _("We do not know this place. Try a larger town or a postal code")})


@resource.route("/organizations/<slug>/locations", methods=["POST"])
@allow(can_manage_listings, load=find_organization, scope="organizations:write")
@resource.acts(schemas.LocationOut, takes=LocationIn, status=201)
def add_location(organization: Organization, payload: dict[str, Any]) -> ResponseReturnValue:
    """Another place. Its street is in no answer: staff read it on their pages."""
    place = _place(payload, organization.country) or ""
    with transaction():
        made = operations.add_location(organization.id, by=current_person(), place=place, **payload)
        return frame.answer(201, schemas.LocationOut, present.location(made))


@resource.route("/locations/<id:location_id>", methods=["PATCH"])
@allow(_can_manage_location, load=find_location, scope="organizations:write")
@resource.arguments(LocationPatch)
@resource.response(200, schemas.LocationOut)
def edit_location(location: Location, payload: dict[str, Any]) -> ResponseReturnValue:
    """Change what is given. Needs keep the place they were posted with."""
    place = _place(payload, location.organization.country)
    with transaction():
        changed = operations.edit_location(location.id, by=current_person(), place=place, **payload)
        return frame.answer(200, schemas.LocationOut, present.location(changed))


@resource.route("/locations/<id:location_id>", methods=["DELETE"])
@allow(_can_manage_location, load=find_location, scope="organizations:write")
@resource.response(204)
def remove_location(location: Location) -> ResponseReturnValue:
    """Forget a place. Needs keep the place they were posted with."""
    with transaction():
        operations.remove_location(location.id, by=current_person())
    return Response(status=204)


def _find_claimable(slug: str) -> Organization | None:
    found = find_organization(slug)
    return found if found is not None and found.is_public else None


@resource.route("/organizations/<slug>/claims", methods=["POST"])
@signed_in(load=_find_claimable, scope="organizations:write")
@resource.acts(ClaimOut, takes=ClaimIn, status=201)
def claim(organization: Organization, payload: dict[str, Any]) -> ResponseReturnValue:
    """Ask to run the page of an organization that an import made. A link goes to the mailbox at its own web domain, or a
    moderator reads the evidence; an email says what was decided. Asking again replaces what was asked before."""
    with transaction():
        wait = throttles.count_claim(organization.id, current_person().id)
    if wait is not None:
        raise TooManyRequests(retry_after=int(wait.total_seconds()) + 1)
    with transaction():
        made = claim_organization(organization.id, by=current_person(), **payload)
        return frame.answer(201, ClaimOut, present.claim(made))
