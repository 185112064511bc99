"""What the demonstration's fundraisers show besides their gifts: a team, a sponsor, gifts in person, a picture."""

from __future__ import annotations

import datetime as dt

import sqlalchemy as sa

from app.accounts.models import Person
from app.core.clock import today
from app.core.db import db
from app.core.money import Money
from app.core.pictures import reencode
from app.donations.operations.offline import record_offline
from app.fundraisers.matching import promise_match
from app.fundraisers.models import Fundraiser
from app.fundraisers.pictures import BOX, add_picture
from app.organizations.models import Organization
from app.pages.demo_data import shape
from app.pages.demo_logos import draw_logo


def team_of(organization_id: int, title: str) -> int | None:
    """The team's page with this title; None for "". Raises NoResultFound."""
    if not title:
        return None
    query = sa.select(Fundraiser.id).where(Fundraiser.organization_id == organization_id, Fundraiser.title == title)
    return db.session.execute(query.order_by(Fundraiser.created_at).limit(1)).scalar_one()


def fill_page(given: shape.DemoFundraiser, fundraiser: Fundraiser, *, owner: Person, starter: Person) -> None:
    """A sponsor from today on, a picture, and gifts in person: what the owner writes down counts, the starter's waits."""
    day = today(db.session.get_one(Organization, fundraiser.organization_id).time_zone)
    if given.sponsor:
        promise_match(
            fundraiser.id, by=owner, sponsor=given.sponsor, cap=Money(given.sponsor_minor, fundraiser.currency),
            starts_on=day, ends_on=day + dt.timedelta(days=60),
        )  # fmt: skip
    if given.picture:
        picture = reencode(draw_logo(given.picture), box=BOX, photo=True)
        add_picture(fundraiser.id, picture, by=owner, alt=fundraiser.title, shows_children=False)
    for name, minor, confirmed in given.in_person:
        record_offline(
            fundraiser.id, by=owner if confirmed else starter, amount=Money(minor, fundraiser.currency), name=name,
            received_on=day, anonymous=False, mode="demo",
        )  # fmt: skip
