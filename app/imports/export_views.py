"""The page on which an organization takes its own lists away as CSV."""

from __future__ import annotations

from flask import Blueprint, Response, abort, render_template, request
from flask.typing import ResponseReturnValue

from app.accounts.models import Person
from app.accounts.session import current_person
from app.core.clock import today
from app.core.db import transaction
from app.core.forms import PageForm
from app.core.web import allow
from app.donations.money_forms import PeriodForm
from app.imports.exports import EXPORTS, PERIODIC, read_whole, record_export, write_whole
from app.organizations.models import Organization
from app.organizations.policy import can_manage_people
from app.organizations.queries import find_organization

exports = Blueprint("exports", __name__)


class _Asked:
    """A list of an organization."""

    def __init__(self, organization: Organization, name: str) -> None:
        self.organization, self.name = organization, name


def _find_export(slug: str, list_name: str) -> _Asked | None:
    organization = find_organization(slug)
    return None if organization is None or list_name not in EXPORTS else _Asked(organization, list_name)


def _may_export(person: Person | None, asked: _Asked) -> bool:
    return can_manage_people(person, asked.organization)


@exports.get("/manage/<slug>/export")
@allow(can_manage_people, load=find_organization)
def index(organization: Organization) -> ResponseReturnValue:
    """What there is to take away, and what is not in it."""
    return _page(organization, PeriodForm(request.args), 200)


def _page(organization: Organization, period: PeriodForm, code: int) -> ResponseReturnValue:
    return render_template("imports/export.html", organization=organization, period=period), code


@exports.post("/manage/<slug>/export/<list_name>.csv")
@allow(_may_export, load=_find_export)
def download(asked: _Asked) -> ResponseReturnValue:
    """One list, as it is now. It is sent for by a button: the audit trail keeps who took it away."""
    if not PageForm().validate():
        abort(400)
    organization_id, slug, name = asked.organization.id, asked.organization.slug, asked.name
    period, since, until = PeriodForm(request.form), None, None
    if name in PERIODIC:
        if not period.validate():
            return _page(asked.organization, period, 422)
        since, until = period.instants(asked.organization.time_zone)
    with transaction():
        record_export(asked.organization, name, by=current_person())

    whole = write_whole(name, organization_id, since=since, until=until)
    response = Response(read_whole(whole), mimetype="text/csv")
    response.content_length = whole.tell()
    filename = f"{slug}-{name}-{today('UTC'):%Y-%m-%d}.csv"
    response.headers.set("Content-Disposition", "attachment", filename=filename)
    response.headers["Cache-Control"] = "no-store"
    return response
