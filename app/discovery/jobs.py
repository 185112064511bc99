"""Mails to whoever follows something: the link that confirms, and the digest."""

from __future__ import annotations

from typing import Any

from flask import current_app

from app.accounts import operations as accounts
from app.accounts.mailbox import deliver_noting
from app.accounts.models import Person
from app.accounts.queries import find_person_by_email
from app.core import outbox
from app.core.clock import now
from app.core.db import db, transaction
from app.core.jobs import Sweep
from app.core.letters import compose, speaking
from app.core.mail import deliver
from app.core.outbox import Postponed
from app.discovery import digests, news, operations, queries
from app.discovery.models import Follower, FollowRequest
from app.discovery.policy import reasons_not_to_follow
from app.discovery.subjects import subject_of
from app.messages.delivery import end_of_quiet, unsubscribe_token, until_morning, write
from app.messages.kinds import NEVER
from app.messages.queries import find_choice

# At most so many batches in one sweep, so that promises are kept in between.
MOST_BATCHES = 20


def mail_follow_confirm(payload: dict[str, Any]) -> None:
    """The link that confirms, to the address that was typed; nothing once it is answered, or its subject is out of sight.
    In the language of whoever asked: only its reader sees it."""
    request: FollowRequest | None = db.session.get(FollowRequest, payload["request_id"])
    if request is None or not queries.is_waiting(request):
        return
    subject = subject_of(request)
    if not subject.is_public:
        return
    known = find_person_by_email(request.email)
    mail = compose(
        "discovery/confirm",
        to=request.email,
        locale=known.locale if known is not None and known.locale else request.locale,
        subject=subject.name,
        about=subject.kind,
        weekly=request.frequency == "weekly",
        path=f"/follow/confirm/{operations.confirm_token(request)}",
        days=operations.REQUEST_LIFETIME.days,
    )
    deliver(mail, key=payload["outbox_key"])


def mail_follow_digest(payload: dict[str, Any]) -> None:
    """One mail for everything that is news of these follows: what the public may see at this moment (N1, F8), of private
    places the area (N6). No news, no mail. Raises as `delivery.send` does."""
    follower = queries.find_follower(payload["follower_id"])
    if follower is None or not _may_be_written_to(follower):
        return
    follows = queries.list_follows(payload["follow_ids"])
    in_sight = [row.id for row in follows if subject_of(row).is_public]
    until = now() - news.SETTLED
    if follower.person is not None and find_choice(follower.person.id, operations.KIND) == NEVER:
        # Whoever wants it again one day begins that day.
        with transaction():
            digests.note_told(in_sight, until)
        return
    person, zone = follower.person, operations.clock_of(follower)
    locale = person.locale if person is not None else follower.locale
    with speaking(locale):
        parts = digests.compile_digest(follows, until)
    if not parts:
        return
    wait = until_morning(person, zone) if person is not None else end_of_quiet(zone)
    if wait:
        raise Postponed(wait)
    mail = write(
        "discovery/digest",
        to=operations.address_of(follower),
        locale=locale,
        kind=operations.KIND,
        stop_url=_stop_url(follower),
        name=person.name if person is not None else "",
        parts=parts,
        stop_one={part.follow.id: operations.stop_one_token(part.follow) for part in parts},
        has_account=person is not None,
    )
    follower_id, person_id = follower.id, None if person is None else person.id
    failed_before = follower.failures > 0 or (person is not None and person.mail_failed_at is not None)

    def note(failed: bool) -> None:
        if person_id is not None:
            accounts.note_mail(person_id, failed=failed)
        operations.note_delivery(follower_id, failed=failed)

    deliver_noting(mail, key=payload["outbox_key"], failed=failed_before, note=note)
    with transaction():
        digests.note_told(in_sight, until)


def _may_be_written_to(follower: Follower) -> bool:
    """False for an account that may not be written to now: held, its address not proved, or of a minor for whom nobody
    answers (G4)."""
    person: Person | None = follower.person
    return person is None or (person.has_mailbox and not reasons_not_to_follow(person))


def _stop_url(follower: Follower) -> str:
    """Where one click ends this kind of mail (M2): a person's choice of kinds, or what the address follows."""
    base_url: str = current_app.config["SETTINGS"].base_url
    if follower.person is not None:
        return f"{base_url}/mail/stop/{unsubscribe_token(follower.person, operations.KIND)}"
    return f"{base_url}/follow/stop/{operations.stop_all_token(follower)}"


def promise_digests() -> None:
    """Sweep: promise everybody whose morning it is their digest, a batch in each transaction."""
    for _batch in range(MOST_BATCHES):
        with transaction():
            due = digests.promise_batch()
        if due < digests.BATCH:
            break


def forget_old() -> None:
    """Sweep: addresses that never said yes, and follows that were stopped long ago, are not kept."""
    with transaction():
        operations.forget_old()


def hand_on_followers(payload: dict[str, Any]) -> None:
    """A fundraiser has ended: its followers follow its organization."""
    with transaction():
        operations.hand_on(payload["fundraiser_id"])


HANDLERS: dict[str, outbox.Handler] = {
    "hand_on_followers": hand_on_followers,
    "mail_follow_confirm": mail_follow_confirm,
    "mail_follow_digest": mail_follow_digest,
}
SWEEPS = (
    Sweep("discovery.promise_digests", 600, promise_digests),
    Sweep("discovery.forget_old", 3600, forget_old),
)
