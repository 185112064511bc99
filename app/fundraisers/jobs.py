"""What fundraisers promise, and what is due by the clock."""

from __future__ import annotations

from typing import Any

from flask import current_app

from app.accounts.mailbox import deliver_to
from app.accounts.models import Person
from app.core.db import db, transaction
from app.core.jobs import Sweep
from app.core.letters import compose, language_of, speaking
from app.fundraisers import operations, queries
from app.fundraisers.goals import goal_words


def mail_waiting(payload: dict[str, Any]) -> None:
    """Tell one owner or manager that a page waits; not when it was decided in the meantime."""
    fundraiser = queries.find_fundraiser_by_id(payload["fundraiser_id"])
    person = db.session.get(Person, payload["person_id"])
    if fundraiser is None or person is None or fundraiser.status != "awaiting_approval":
        return
    organization, locale = fundraiser.organization, language_of(person.locale)
    base = current_app.config["SETTINGS"].base_url
    with speaking(locale):
        goal = goal_words(fundraiser, locale)
    mail = compose(
        "fundraisers/waiting",
        to=person.email,
        locale=locale,
        title=fundraiser.title,
        starter=fundraiser.started_by.name,
        goal=goal,
        organization=organization.name,
        review_url=f"{base}/manage/{organization.slug}/fundraisers/{fundraiser.slug}",
    )
    deliver_to(person, mail, key=payload["outbox_key"])


def mail_decided(payload: dict[str, Any]) -> None:
    """Tell the starter what was decided; not when it was decided otherwise in the meantime."""
    fundraiser = queries.find_fundraiser_by_id(payload["fundraiser_id"])
    if fundraiser is None or fundraiser.status != payload["status"]:
        return
    person = fundraiser.started_by
    mail = compose(
        "fundraisers/decided",
        to=person.email,
        locale=language_of(person.locale),
        title=fundraiser.title,
        organization=fundraiser.organization.name,
        approved=fundraiser.status == "live",
        reason=fundraiser.declined_reason,
        fundraiser_url=f"{current_app.config['SETTINGS'].base_url}/fundraisers/{fundraiser.slug}",
    )
    deliver_to(person, mail, key=payload["outbox_key"])


def end_due() -> None:
    """Sweep: end the fundraisers whose last day is over, so that their checkouts close."""
    due = queries.list_due_to_end()
    for key in due:
        with transaction():
            operations.end_fundraiser(key, by=None)


HANDLERS = {"mail_fundraiser_waiting": mail_waiting, "mail_fundraiser_decided": mail_decided}
SWEEPS = (Sweep("fundraisers.end_due", 60, end_due),)
