"""The staff's summary once a day: what happened from eight to eight on their own clock, of what they chose."""

from __future__ import annotations

import datetime as dt
import zoneinfo
from typing import Any

from app.accounts.queries import find_person
from app.core import outbox
from app.core.clock import now
from app.core.db import transaction
from app.core.jobs import Sweep
from app.core.letters import speaking
from app.core.when import clock_time
from app.messages.delivery import send
from app.messages.kinds import DAILY, NEVER
from app.messages.queries import find_choice, list_choices
from app.organizations.notices import list_told
from app.organizations.policy import can_see_staff_pages
from app.organizations.queries import find_organization_by_id
from app.pages.activity import ACTIONS_OF_KIND, list_between, list_busy_organizations, list_seen

SENT_AT = dt.time(8)


def promise_digests() -> None:
    """Sweep: promise each of the staff their summary of the day that ended this morning, once it is eight where they are.
    The promise is keyed by person, organization and day: however often this runs, it is made once."""
    for organization_id in list_busy_organizations(now() - dt.timedelta(hours=50)):
        organization = find_organization_by_id(organization_id)
        if organization is None:
            continue
        for person_id in list_told(organization_id):
            person = find_person(person_id)
            if person is None or find_choice(person_id, "staff_digest") == NEVER:
                continue
            local = now().astimezone(zoneinfo.ZoneInfo(person.time_zone or organization.time_zone))
            if local.time() < SENT_AT or DAILY not in list_choices(person_id).values():
                continue
            payload = {
                "person_id": person_id, "organization_id": organization_id, "day": local.date().isoformat(),
            }  # fmt: skip
            with transaction():
                outbox.enqueue(
                    "staff_digest", payload, key=f"staff_digest:{person_id}:{organization_id}:{payload['day']}"
                )


def mail_digest(payload: dict[str, Any]) -> None:
    """One person's summary for one organization; nothing when nothing happened that they want to hear of daily, or when
    they belong to it no more."""
    person, organization = find_person(payload["person_id"]), find_organization_by_id(payload["organization_id"])
    if person is None or organization is None or not can_see_staff_pages(person, organization):
        return
    choices = list_choices(person.id)
    actions = [action for kind, acts in ACTIONS_OF_KIND.items() if choices[kind] == DAILY for action in acts]
    zone = person.time_zone or organization.time_zone
    until = dt.datetime.combine(dt.date.fromisoformat(payload["day"]), SENT_AT, zoneinfo.ZoneInfo(zone))
    since = until - dt.timedelta(days=1)
    seen = list_seen(person, organization.id)
    with speaking(person.locale):
        happened = list_between(organization.id, organization.slug, actions, since, until, seen=seen) if actions else []
        entries = [(clock_time(entry.at, zone), entry.sentence, entry.path) for entry in happened]
    if not entries:
        return
    send(
        "pages/digest",
        to=person,
        key=payload["outbox_key"],
        kind="staff_digest",
        zone=zone,
        name=person.name,
        organization=organization.name,
        entries=entries,
        activity_path=f"/manage/{organization.slug}/activity",
    )


HANDLERS: dict[str, outbox.Handler] = {"staff_digest": mail_digest}
SWEEPS = (Sweep("pages.promise_digests", 1800, promise_digests),)
