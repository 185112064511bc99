"""Organizations: their public profiles; locations for staff."""

from __future__ import annotations

from typing import Any

from flask import redirect, url_for
from flask.typing import ResponseReturnValue

from app.accounts.session import current_person, find_current_person
from app.api import frame, present, queries, schemas
from app.core.db import transaction
from app.core.paging import Page
from app.core.web import allow, public
from app.organizations.models import Organization
from app.organizations.operations import edit_organization
from app.organizations.policy import can_manage_people, can_see_staff_pages
from app.organizations.queries import (
    find_organization,
    find_remaining,
    list_locations,
    list_public_organizations,
)

resource = frame.blueprint("organizations", "Who asks for help")


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
    body = schemas.OrganizationOut().dump(present.organization(organization))
    return frame.with_etag(body, organization.version)


@resource.route("/organizations/<slug>", methods=["PATCH"])
@allow(can_manage_people, load=find_organization, scope="organizations:write")
@resource.arguments(schemas.OrganizationPatch)
@resource.response(200, schemas.OrganizationOut)
def edit(organization: Organization, payload: dict[str, Any]) -> ResponseReturnValue:
    """Change what is given."""
    with transaction():
        frame.require_match(queries.locked_version(Organization, organization.id))
        changed = edit_organization(organization.id, by=current_person(), **payload)
        return frame.answer(200, schemas.OrganizationOut, present.organization(changed))


@resource.route("/organizations/<slug>/locations", methods=["GET"])
@allow(can_see_staff_pages, load=find_organization, scope="organizations:read")
@resource.response(200, schemas.LocationList)
def locations(organization: Organization) -> ResponseReturnValue:
    """Locations, for staff."""
    return frame.page_of(Page(list_locations(organization.id), None), present.location)
