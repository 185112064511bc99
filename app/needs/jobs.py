"""Work about needs that is promised by a row or due by the clock."""

from __future__ import annotations

import datetime as dt
from typing import Any

from app.accounts.mailbox import deliver_to
from app.accounts.queries import find_person
from app.core.db import transaction
from app.core.ids import encode_id
from app.core.jobs import Sweep
from app.core.letters import compose
from app.core.outbox import Handler
from app.messages.delivery import send
from app.needs import index, operations, queries
from app.needs.policy import list_worked_on


def mail_confirm(payload: dict[str, Any]) -> None:
    """Ask one owner or manager whether it is still needed; not when somebody has answered."""
    _mail_about(payload, "needs/confirm", "open")


def mail_unconfirmed(payload: dict[str, Any]) -> None:
    """Tell one owner or manager that a need paused itself; not when it is open again."""
    _mail_about(payload, "needs/unconfirmed", "paused")


def _mail_about(payload: dict[str, Any], name: str, status: str) -> None:
    need, person = queries.find_need(payload["need_id"]), find_person(payload["person_id"])
    if need is None or person is None or not person.is_active or need.status != status or need.confirm_by is None:
        return
    if need.confirm_by != dt.date.fromisoformat(payload["confirm_by"]):
        return
    mail = compose(
        name,
        to=person.email,
        locale=person.locale,
        name=person.name,
        title=need.title,
        organization=need.organization.name,
        confirm_by=need.confirm_by,
        path=f"/manage/{need.organization.slug}/needs/{encode_id(need.id)}",
    )
    deliver_to(person, mail, key=payload["outbox_key"])


def mail_thanks(payload: dict[str, Any]) -> None:
    """What came of it, to one person who helped (M2: kind `thanks`). Not when the need was opened again."""
    need, person = queries.find_need(payload["need_id"]), find_person(payload["person_id"])
    if need is None or person is None or not person.is_active or need.status != "closed":
        return
    send(
        "needs/thanks",
        to=person,
        key=payload["outbox_key"],
        kind="thanks",
        zone=need.time_zone,
        name=person.name,
        title=need.title,
        organization=need.organization.name,
        outcome=need.outcome,
        people_helped=need.people_helped,
        thanks=need.thanks,
        is_guest=person.password_hash is None,
    )


def mail_assigned(payload: dict[str, Any]) -> None:
    """Tell a coordinator of assigned needs which are theirs now (M2: kind `staff_assigned`); nothing of what was taken from
    them meanwhile."""
    person, by = find_person(payload["person_id"]), find_person(payload["by_id"])
    needs = queries.list_still_assigned(payload["person_id"], payload["need_ids"])
    if person is None or by is None or not list_worked_on(needs, person):
        return
    organization = needs[0].organization
    send(
        "needs/assigned",
        to=person,
        key=payload["outbox_key"],
        kind="staff_assigned",
        zone=organization.time_zone,
        name=person.name,
        by=by.name,
        organization=organization.name,
        assigned=[(need.title, f"/manage/{organization.slug}/needs/{encode_id(need.id)}") for need in needs],
    )


def need_confirm_due(payload: dict[str, Any]) -> None:
    """The day has come to ask whether it is still needed."""
    with transaction():
        operations.ask_to_confirm(payload["need_id"], dt.date.fromisoformat(payload["confirm_by"]))


def pause_unconfirmed() -> None:
    """Sweep: pause what nobody confirmed (N4)."""
    for need_id in queries.list_unconfirmed():
        with transaction():
            operations.pause_unconfirmed(need_id)


HANDLERS: dict[str, Handler] = {
    "need_confirm_due": need_confirm_due,
    "mail_need_confirm": mail_confirm,
    "mail_need_unconfirmed": mail_unconfirmed,
    "mail_need_thanks": mail_thanks,
    "mail_need_assigned": mail_assigned,
}
SWEEPS = (
    Sweep("needs.reindex_stale", 60, index.reindex_stale),
    Sweep("needs.pause_unconfirmed", 3600, pause_unconfirmed),
)
