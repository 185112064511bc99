"""What the tests of following share: followers without the pages, needs that opened a while ago, and the morning."""

from __future__ import annotations

import datetime as dt
import re
from email.message import EmailMessage

import sqlalchemy as sa

from app.accounts.models import Person
from app.core.clock import now
from app.core.db import db, transaction
from app.discovery import operations
from app.discovery.models import Follow, Follower
from app.discovery.subjects import Subject, of_organization, of_topic
from app.learning.models import Topic
from app.learning.operations import save_topic
from app.needs.models import Need
from app.organizations.models import Organization
from tests.factories import make_need, make_shift
from tests.smtp import html_of, text_of

ZONE = "America/New_York"
A_WHILE = dt.timedelta(minutes=5)


def subject(thing: Organization | Topic) -> Subject:
    return of_organization(thing) if isinstance(thing, Organization) else of_topic(thing)


def person_follows(person: Person, *things: Organization | Topic, frequency: str = "daily") -> list[Follow]:
    """The person follows these since yesterday."""
    with transaction():
        made = [operations.follow(person.id, subject(one), frequency=frequency, zone=ZONE) for one in things]
    since_yesterday()
    return made


def address_follows(email: str, *things: Organization | Topic, frequency: str = "daily") -> list[Follow]:
    """Whoever reads the mail of the address said yes, yesterday."""
    made = []
    for one in things:
        with transaction():
            asked = operations.ask_to_follow(subject(one), email=email, frequency=frequency, locale="en")
            made.append(operations.confirm(asked.id, zone=ZONE))
    since_yesterday()
    return made


def since_yesterday() -> None:
    with transaction():
        db.session.execute(sa.update(Follow).values(told_until=now() - dt.timedelta(days=1)))


def make_due() -> None:
    """It is everybody's morning, and nobody's night."""
    with transaction():
        quiet = sa.update(Follow).where(Follow.status == "following")
        db.session.execute(quiet.values(next_at=now() - dt.timedelta(minutes=1)))
        # Whatever the machine's clock says: where it is noon now.
        zone = f"Etc/GMT{now().hour - 12:+d}"
        db.session.execute(sa.update(Follower).values(time_zone=zone))
        db.session.execute(sa.update(Person).values(time_zone=zone))


def open_need(organization: Organization, title: str, *, ago: dt.timedelta = A_WHILE, **values: object) -> Need:
    """An open need that asks for people and was published `ago`."""
    need = make_need(organization, **{"title": title, "published_at": now() - ago, **values})
    make_shift(need, days=3)
    return need


def make_topic(slug: str = "checking", title: str = "Checking claims") -> Topic:
    with transaction():
        return save_topic(slug=slug, title=title, summary="How to check one.", position=1)


def both(message: EmailMessage) -> str:
    """Text and HTML."""
    return text_of(message) + html_of(message)


def links(message: EmailMessage, start: str) -> list[str]:
    """The paths in the text that begin with `start`."""
    return [f"{start}{rest}" for rest in re.findall(rf"http://localhost{re.escape(start)}(\S+)", text_of(message))]
