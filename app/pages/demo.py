"""Demonstration data: organizations of different kinds in several cities and zones, needs in every state, people in every
role. Everything is made by the operations that people use, so that nothing looks as nobody could have made it."""

from __future__ import annotations

import dataclasses
import datetime as dt
import decimal
import zoneinfo
from typing import Any

from app.accounts.models import Person
from app.accounts.operations import create_person, edit_profile
from app.accounts.queries import find_person_by_email
from app.core.clock import now, today
from app.core.db import transaction
from app.core.money import Money
from app.fundraisers.operations import start_fundraiser
from app.moderation.operations import verify_organization
from app.needs import operations as needs
from app.organizations.models import Organization
from app.organizations.operations import add_member, register_organization
from app.pages.demo_data import ORGANIZATIONS, PEOPLE, DemoNeed, DemoOrganization, DemoShift
from app.pledges.operations import pledge
from app.signups.operations import sign_up

PASSWORD = "many hands, light work"  # noqa: S105  # the demonstration's, said on the screen
MARKER = "moderator@example.org"


def is_loaded() -> bool:
    """True when the demonstration data is there."""
    return find_person_by_email(MARKER) is not None


def sign_ins() -> list[dict[str, str]]:
    """Who can be signed in as, for the screen that `make run` prints."""
    return [
        {"email": person.email, "password": PASSWORD, "role": person.shown_as} for person in PEOPLE if person.shown_as
    ]


def load() -> None:
    """Make it all in one transaction: whoever ends this half-way leaves nothing behind."""
    with transaction():
        people = {each.email: _make_person(each) for each in PEOPLE}
        for organization in ORGANIZATIONS:
            _make_organization(organization, people)


def _make_person(each: Any) -> Person:
    person = create_person(
        email=each.email, name=each.name, password=PASSWORD, role=each.role, birth_date=each.birth_date
    )
    if each.place or each.skills:
        edit_profile(person.id, by=person, place=each.place, skills=list(each.skills))
    return person


def _make_organization(given: DemoOrganization, people: dict[str, Person]) -> None:
    owner = people[given.owner]
    organization = register_organization(
        name=given.name,
        by=owner,
        owner=owner,
        country=given.country,
        place=given.place,
        description=given.description,
        website=given.website,
    )
    for email, role in given.members:
        add_member(organization.id, by=owner, email=email, role=role)
    if given.verified:
        verify_organization(organization.id, by=people[MARKER], checked=given.verified)
    for need in given.needs:
        _make_need(need, organization, owner, people)


def _make_need(given: DemoNeed, organization: Organization, owner: Person, people: dict[str, Person]) -> None:
    need = needs.create_need(
        organization.id,
        by=owner,
        title=given.title,
        description=given.description,
        urgency=given.urgency,
        causes=list(given.causes),
        skills=list(given.skills),
        remote=given.remote,
        place=None if given.remote else needs.PlaceInput(address=given.address, city=given.place),
        private_address=given.private,
        ends_on=None if given.ends_in is None else today(organization.time_zone) + dt.timedelta(days=given.ends_in),
    )
    shifts = [(given_shift, _add_shift(given_shift, need.id, need.time_zone, owner)) for given_shift in given.shifts]
    items = []
    for line in given.items:
        values = dataclasses.asdict(line)
        pledges = values.pop("pledges")
        if values["quantity"] is not None:
            values["quantity"] = decimal.Decimal(values["quantity"])
        items.append((pledges, needs.add_item(need.id, needs.ItemInput(**values), by=owner)))
    if given.status == "draft":
        return
    needs.publish_need(need.id, by=owner)
    for given_shift, shift in shifts:
        for email, party in given_shift.signups:
            sign_up(shift.id, by=people[email], party_size=party)
    for pledges, item in items:
        for email, quantity in pledges:
            pledge(item.id, by=people[email], quantity=decimal.Decimal(quantity))
    for fundraiser in given.fundraisers:
        start_fundraiser(
            organization.id,
            by=people[fundraiser.by],
            title=fundraiser.title,
            story=fundraiser.story,
            goal=Money(fundraiser.goal_minor, organization.currency),
            ends_on=today(organization.time_zone) + dt.timedelta(days=fundraiser.days),
            need_id=need.id,
            show_starter=True,
        )
    if given.status == "paused":
        needs.pause_need(need.id, by=owner)
    elif given.status == "closed":
        needs.close_need(need.id, by=owner)


def _add_shift(given: DemoShift, need_id: int, zone: str, owner: Person) -> Any:
    """A shift `days` from now at the local hours given, or a flexible role due in `days`."""
    day = today(zone) + dt.timedelta(days=given.days)
    positions = (needs.PositionInput(name=given.name, capacity=given.capacity),)
    if given.flexible:
        values = needs.ShiftInput(positions=positions, flexible=True, due_on=day, contact=given.contact)
        return needs.add_shift(need_id, values, by=owner)
    local = zoneinfo.ZoneInfo(zone)
    starts_at = dt.datetime.combine(day, dt.time.fromisoformat(given.start), local)
    ends_at = dt.datetime.combine(day, dt.time.fromisoformat(given.end), local)
    if ends_at <= starts_at:
        ends_at += dt.timedelta(days=1)
    values = needs.ShiftInput(
        positions=positions,
        starts_at=max(starts_at.astimezone(dt.UTC), now()),
        ends_at=ends_at.astimezone(dt.UTC),
        contact=given.contact,
        minimum_age=given.minimum_age,
    )
    return needs.add_shift(need_id, values, by=owner)
