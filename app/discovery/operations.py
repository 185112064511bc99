"""Following, stopping, and asking an address whether it wants to follow. The digest is made in digests.py."""

from __future__ import annotations

import datetime as dt
import zoneinfo

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from app.accounts.models import Person
from app.accounts.operations import normal_email
from app.accounts.queries import find_person_by_email
from app.core import audit, outbox
from app.core.clock import now
from app.core.db import db, lock, new_id, uses_sqlite
from app.core.errors import InvalidInput, Refused, refuse
from app.core.i18n import _
from app.core.tokens import keyed_hash, seal
from app.discovery.models import FREQUENCIES, Follow, Follower, FollowRequest
from app.discovery.policy import reasons_not_to_follow
from app.discovery.queries import count_following, find_subject
from app.discovery.subjects import Subject
from app.fundraisers.models import Fundraiser
from app.messages.kinds import AT_ONCE, NEVER
from app.messages.operations import choose_mail
from app.messages.queries import find_choice

KIND = "following"
# When the digest comes: at the end of the usual quiet hours, on the follower's own clock.
SENT_AT = dt.time(8)
# Weekly ones come on Thursdays, so that whoever has time on Saturday can still say so.
WEEKLY_ON = 3
REQUEST_LIFETIME = dt.timedelta(days=7)
# Undo is for a slip of the finger: as long, nothing that happens meanwhile is missed.
UNDO_STOP_WITHIN = dt.timedelta(minutes=15)
KEEP_STOPPED = dt.timedelta(days=30)
MOST_FOLLOWED = 100
# So many digests in a row that did not arrive end what an address follows.
MOST_FAILURES = 3


def next_morning(frequency: str, zone: str, after: dt.datetime) -> dt.datetime:
    """The first digest after the instant `after`: eight o'clock in the IANA zone `zone`, weekly on a Thursday. UTC."""
    clock = zoneinfo.ZoneInfo(zone)
    local = after.astimezone(clock)
    day = local.date()
    if dt.datetime.combine(day, SENT_AT, clock) <= local:
        day += dt.timedelta(days=1)
    if frequency == "weekly":
        day += dt.timedelta(days=(WEEKLY_ON - day.weekday()) % 7)
    return dt.datetime.combine(day, SENT_AT, clock).astimezone(dt.UTC)


def follow(person_id: int, subject: Subject, *, frequency: str, zone: str) -> Follow:
    """The person hears of `subject` from now on; their click is the consent, because their address is proved. Followed
    already: only the frequency changes. Mail about what they follow comes again when they had stopped that kind.

    `zone` is the clock to use while their profile names none. Raises InvalidInput at "frequency"; Refused with every
    reason: `not_found` when the subject is not public, `too_many`.
    """
    person = lock(Person, person_id)
    if person is None:
        raise refuse("not_found", _("This account is not there any more."))
    if reasons := reasons_not_to_follow(person):
        raise Refused(reasons)
    follower = _follower_of(person, zone)
    followed = _follow(follower, subject, frequency)
    if find_choice(person.id, KIND) == NEVER:
        choose_mail(person.id, by=person, choices={KIND: AT_ONCE})
    return followed


def change_frequency(follow_id: int, frequency: str) -> Follow:
    """Daily or weekly from now on. Raises InvalidInput at "frequency"; Refused when it is not followed any more."""
    _check_frequency(frequency)
    found = _locked_follow(follow_id)
    if found.status != "following":
        raise _gone()
    if found.frequency != frequency:
        found.frequency = frequency
        found.next_at = next_morning(frequency, clock_of(found.follower), now())
        _record("follow.changed", found)
    return found


def stop(follow_id: int) -> Follow:
    """No more of this one. Twice is once. Who asks for it is not kept (see `_record`)."""
    found = _locked_follow(follow_id)
    if found.status == "following":
        _end(found, now(), "follower")
        _record("follow.stopped", found)
    return found


def take_up_again(follow_id: int) -> Follow:
    """Undo: it is followed as before. Stopped a moment ago, nothing is missed; else it begins anew today. Raises Refused
    (`not_found`) when that is too long ago."""
    found = _locked_follow(follow_id)
    if found.status == "stopped":
        _resume(found)
        _record("follow.resumed", found)
    return found


def stop_all(follower_id: int) -> None:
    """One click for whoever has no account (M2): nothing is followed any more."""
    follower = _locked_follower(follower_id)
    at = now()
    for found in _following(follower.id):
        _end(found, at, "follower")
        _record("follow.stopped", found)


def undo_stop_all(follower_id: int) -> None:
    """What was stopped together, last, is followed again."""
    follower = _locked_follower(follower_id)
    query = sa.select(Follow).where(Follow.follower_id == follower.id)
    stopped = [row for row in db.session.scalars(query.with_for_update()) if row.status == "stopped"]
    latest = max((row.ended_at for row in stopped if row.ended_at is not None), default=None)
    for found in stopped:
        if found.ended_at == latest:
            _resume(found)
            _record("follow.resumed", found)


# --- addresses without an account -------------------------------------------------------------------------------------


def ask_to_follow(subject: Subject, *, email: str, frequency: str, locale: str | None) -> FollowRequest:
    """Promise the mail whose link confirms. The same statements for every address, whoever has it and whatever it follows
    already. An earlier request of it for the same subject is dead. Raises InvalidInput."""
    address = normal_email(email)
    _check_frequency(frequency)
    same = [column == value for column, value in _pointing(FollowRequest, subject)]
    waiting = sa.select(FollowRequest).where(FollowRequest.email == address, FollowRequest.status == "waiting", *same)
    for earlier in db.session.scalars(waiting.with_for_update()):
        _answer(earlier, "replaced")
    made = FollowRequest(
        email=address,
        frequency=frequency,
        locale=locale,
        status="waiting",
        created_at=now(),
        expires_at=now() + REQUEST_LIFETIME,
        **subject.columns,
    )
    db.session.add(made)
    db.session.flush()
    outbox.enqueue("mail_follow_confirm", {"request_id": made.id}, key=f"mail_follow_confirm:{made.id}")
    return made


def send_again(request_id: int) -> None:
    """Promise the mail once more. Raises Refused when the request has ended."""
    request = _waiting_request(request_id)
    outbox.enqueue(
        "mail_follow_confirm", {"request_id": request.id}, key=f"mail_follow_confirm:{request.id}:{new_id()}"
    )


def correct_address(request_id: int, email: str) -> FollowRequest:
    """The same for another address, because there was a slip in the first; its link is dead. Raises InvalidInput, Refused."""
    request = _waiting_request(request_id)
    normal_email(email)
    subject = find_subject(
        organization_id=request.organization_id, topic_id=request.topic_id, fundraiser_id=request.fundraiser_id
    )
    if subject is None or not subject.is_public:
        raise _gone()
    frequency, locale = request.frequency, request.locale
    _answer(request, "replaced")
    return ask_to_follow(subject, email=email, frequency=frequency, locale=locale)


def confirm(request_id: int, *, zone: str) -> Follow:
    """Whoever reads the mail of the address said yes: as the person who has proved that address, else as the address alone.
    What was typed is forgotten. Confirmed before: the same follow.

    Raises Refused with every reason, and when the request has ended or its subject is not public any more.
    """
    known = db.session.get(FollowRequest, request_id)
    person = find_person_by_email(known.email) if known is not None and known.email else None
    if person is not None:
        person = lock(Person, person.id)
    request = lock(FollowRequest, request_id)
    if request is None:
        raise _gone()
    if request.follow_id is not None and request.status == "confirmed":
        return db.session.get_one(Follow, request.follow_id)
    subject = find_subject(
        organization_id=request.organization_id, topic_id=request.topic_id, fundraiser_id=request.fundraiser_id
    )
    if request.status != "waiting" or request.expires_at <= now() or subject is None or not subject.is_public:
        raise _gone()
    if person is not None and person.is_email_verified:
        made = follow(person.id, subject, frequency=request.frequency, zone=zone)
    else:
        # An account that never proved the address is nobody's yet: it comes to nothing by this.
        follower = _follower_with(request.email, request.locale, zone)
        made = _follow(follower, subject, request.frequency)
    request.follow_id = made.id
    _answer(request, "confirmed")
    return made


def page_token(request: FollowRequest) -> str:
    """What the address of the page after asking carries: it shows and corrects, but does not confirm."""
    return seal("follow-asked", [request.id])


def confirm_token(request: FollowRequest) -> str:
    """What only the mail carries."""
    return seal("follow-confirm", [request.id])


def address_of(follower: Follower) -> str:
    """Where the follower is written to."""
    return follower.person.email if follower.person is not None else follower.email or ""


def stop_one_token(follow: Follow) -> str:
    """What the link carries that stops one follow; it dies with the address it was sent to."""
    return seal("follow-stop-one", [follow.id, _mark(follow.follower)])


def stop_all_token(follower: Follower) -> str:
    """What the link carries that stops everything an address without account follows."""
    return seal("follow-stop", [follower.id, _mark(follower)])


def is_of_address(follower: Follower, mark: object) -> bool:
    """True while a link that carries `mark` was sent to the follower's present address."""
    return _mark(follower) == mark


def _mark(follower: Follower) -> str:
    return keyed_hash("follower", address_of(follower))[:16]


# --- what others cause ------------------------------------------------------------------------------------------------


def note_delivery(follower_id: int, *, failed: bool) -> None:
    """A digest did not arrive, or one did again. After MOST_FAILURES in a row nothing is followed any more, and a person
    reads why on their pages."""
    follower = _locked_follower(follower_id)
    follower.failures = follower.failures + 1 if failed else 0
    if follower.failures >= MOST_FAILURES:
        at = now()
        for found in _following(follower.id):
            _end(found, at, "delivery")
            _record("follow.stopped", found)
        follower.failures = 0
    db.session.flush()


def hand_on(fundraiser_id: int) -> None:
    """A fundraiser has ended: who follows it follows its organization from now on, as they were told when they began, and
    reads so in their next digest. Who follows the organization already only stops following the fundraiser. Twice is once."""
    fundraiser = db.session.get(Fundraiser, fundraiser_id)
    if fundraiser is None or fundraiser.status != "ended":
        return
    query = sa.select(Follow.follower_id).where(Follow.fundraiser_id == fundraiser_id).order_by(Follow.follower_id)
    for follower_id in db.session.scalars(query).all():
        follower = _locked_follower(follower_id)
        rows = {(row.organization_id, row.fundraiser_id): row for row in _all_of(follower.id)}
        found, known = rows.get((None, fundraiser_id)), rows.get((fundraiser.organization_id, None))
        if found is None or found.status != "following":
            continue
        if known is None:
            found.fundraiser_id, found.organization_id = None, fundraiser.organization_id
            found.handed_from_id = fundraiser_id
            action = "follow.handed_on"
        else:
            # What they chose about the organization before, also to stop, stays as it is.
            _end(found, now(), "follower")
            if known.status == "following":
                known.handed_from_id = fundraiser_id
            action = "follow.stopped"
        _record(action, found)


def join_account(person: Person) -> None:
    """What the person's proved address followed before it had an account is theirs. The person is locked."""
    alone = db.session.scalar(sa.select(Follower).where(Follower.email == person.email).with_for_update())
    if alone is None or not person.is_email_verified:
        return
    own = db.session.scalar(sa.select(Follower).where(Follower.person_id == person.id).with_for_update())
    if own is None:
        alone.email, alone.person_id = None, person.id
        db.session.flush()
        db.session.expire(alone, ["person"])
        return
    _merge(alone, own)


def carry_over(duplicate_id: int, remaining_id: int) -> None:
    """An organization became part of another: its followers follow that one, and their next digest says so. Who follows or
    has stopped the other one already keeps it as it is."""
    there = sa.select(Follow.follower_id).where(Follow.organization_id == remaining_id)
    mine = Follow.organization_id == duplicate_id
    quiet = {"synchronize_session": False}
    twice = sa.select(Follow.id).where(mine, Follow.follower_id.in_(there))
    db.session.execute(sa.delete(Follow).where(Follow.id.in_(twice)), execution_options=quiet)
    moved = sa.update(Follow).where(mine).values(organization_id=remaining_id, carried_from_id=duplicate_id)
    db.session.execute(moved, execution_options=quiet)
    asked = sa.update(FollowRequest).where(FollowRequest.organization_id == duplicate_id)
    db.session.execute(asked.values(organization_id=remaining_id), execution_options=quiet)


def forget_old() -> None:
    """Addresses that never said yes, follows that were stopped long ago, and followers of nothing are not kept."""
    quiet = {"synchronize_session": False}
    db.session.execute(sa.delete(FollowRequest).where(FollowRequest.expires_at <= now()), execution_options=quiet)
    long_stopped = sa.and_(Follow.status == "stopped", Follow.ended_at <= now() - KEEP_STOPPED)
    db.session.execute(sa.delete(Follow).where(long_stopped), execution_options=quiet)
    follows = sa.select(Follow.id).where(Follow.follower_id == Follower.id).exists()
    old = Follower.created_at <= now() - KEEP_STOPPED
    db.session.execute(sa.delete(Follower).where(old, sa.not_(follows)), execution_options=quiet)


# --- the rest ---------------------------------------------------------------------------------------------------------


def clock_of(follower: Follower) -> str:
    """On whose clock the follower's morning is."""
    return (follower.person.time_zone if follower.person is not None else None) or follower.time_zone


def _follow(follower: Follower, subject: Subject, frequency: str) -> Follow:
    _check_frequency(frequency)
    if not subject.is_public:
        raise _gone()
    found = db.session.scalar(
        sa.select(Follow)
        .where(Follow.follower_id == follower.id, *(column == value for column, value in _pointing(Follow, subject)))
        .with_for_update()
    )
    if found is not None and found.status == "following":
        if found.frequency != frequency:
            next_at = next_morning(frequency, clock_of(follower), now())
            found.frequency, found.next_at = frequency, next_at
            _record("follow.changed", found)
        return found
    if count_following(follower.id) >= MOST_FOLLOWED:
        raise refuse(
            "too_many", _("You follow %(most)s already.", most=MOST_FOLLOWED), _("Stop one that you do not read.")
        )
    next_at = next_morning(frequency, clock_of(follower), now())
    if found is None:
        found = Follow(follower_id=follower.id, **subject.columns)
    found.frequency, found.status, found.followed_at, found.told_until = frequency, "following", now(), now()
    found.next_at, found.ended_at, found.ended_by = next_at, None, ""
    db.session.add(found)
    _record("follow.made", found)
    return found


def _follower_of(person: Person, zone: str) -> Follower:
    """The person's follower, made when there is none, with what their address followed before. The person is locked."""
    join_account(person)
    own = db.session.scalar(sa.select(Follower).where(Follower.person_id == person.id).with_for_update())
    if own is None:
        own = Follower(person_id=person.id, time_zone=zone, created_at=now())
        db.session.add(own)
        db.session.flush()
    return own


def _follower_with(email: str, locale: str | None, zone: str) -> Follower:
    """The follower of an address alone; made once, however many links of it are pressed at one moment."""
    insert = sqlite.insert if uses_sqlite() else postgresql.insert
    values = {"id": new_id(), "email": email, "locale": locale, "time_zone": zone, "created_at": now()}
    db.session.execute(insert(Follower).values(**values).on_conflict_do_nothing(index_elements=["email"]))
    return db.session.scalars(sa.select(Follower).where(Follower.email == email).with_for_update()).one()


def _merge(alone: Follower, own: Follower) -> None:
    """Everything of `alone` to `own`, which keeps what both have; `alone` is gone."""
    has = {(row.organization_id, row.topic_id, row.fundraiser_id): row for row in _all_of(own.id)}
    for row in _all_of(alone.id):
        kept = has.get((row.organization_id, row.topic_id, row.fundraiser_id))
        if kept is None:
            row.follower_id = own.id
        elif row.status == "following" and kept.status != "following":
            # They said yes to the one after they had stopped the other.
            db.session.delete(kept)
            db.session.flush()
            row.follower_id = own.id
        else:
            db.session.delete(row)
    db.session.flush()
    db.session.expire(alone)
    db.session.delete(alone)
    db.session.flush()


def _all_of(follower_id: int) -> list[Follow]:
    return list(db.session.scalars(sa.select(Follow).where(Follow.follower_id == follower_id).with_for_update()))


def _following(follower_id: int) -> list[Follow]:
    return [row for row in _all_of(follower_id) if row.status == "following"]


def _end(found: Follow, at: dt.datetime, ended_by: str) -> None:
    found.status, found.next_at, found.ended_at, found.ended_by = "stopped", None, at, ended_by


def _resume(found: Follow) -> None:
    if found.ended_at is None or found.ended_at <= now() - UNDO_STOP_WITHIN:
        found.told_until = now()
    next_at = next_morning(found.frequency, clock_of(found.follower), now())
    found.status, found.next_at, found.ended_at, found.ended_by = "following", next_at, None, ""


def _answer(request: FollowRequest, status: str) -> None:
    """What was typed is kept no longer than the question."""
    request.status, request.email = status, ""
    db.session.flush()


def _pointing(model: type[Follow] | type[FollowRequest], subject: Subject) -> list[tuple[sa.ColumnElement[int], int]]:
    return [(getattr(model, name), value) for name, value in subject.columns.items() if value is not None]


def _check_frequency(frequency: str) -> None:
    if frequency not in FREQUENCIES:
        raise InvalidInput({"frequency": _("Choose how often")})


def _locked_follower(follower_id: int) -> Follower:
    follower = lock(Follower, follower_id)
    if follower is None:
        raise _gone()
    return follower


def _locked_follow(follow_id: int) -> Follow:
    """Follower, then follow: the order in which every act locks."""
    known = db.session.get(Follow, follow_id)
    if known is not None:
        _locked_follower(known.follower_id)
    found = lock(Follow, follow_id)
    if found is None:
        raise _gone()
    return found


def _waiting_request(request_id: int) -> FollowRequest:
    request = lock(FollowRequest, request_id)
    if request is None or request.status != "waiting" or request.expires_at <= now():
        raise _gone()
    return request


def _gone() -> Refused:
    return refuse(
        "follow_ended",
        _("This link cannot be used any more."),
        _("Follow the organization or topic again on its page."),
    )


def _record(action: str, found: Follow) -> None:
    """That it happened, and neither who follows nor what: the trail is kept for ever, and the page says that nobody sees it
    and that what ended is forgotten."""
    db.session.flush()
    audit.record(action, subject=found, by=None)
