"""Offers (S5): a place that came free is kept for the first in line who can have it, up to a deadline; then for the next.

Who waits stands in line by when they signed up. Whoever cannot have the place at that moment, because the gate says no or
because their party does not fit, is passed over for it: they keep their turn, and are told why. An offer is no confirmed
place: it holds no time (S3), counts as no adult (G2), and the gate is asked again when it is accepted. Close to the start
nothing is offered any more: a free place goes to the first who takes it, and all who wait are told of it once.

Every function that writes asks that its caller holds the locks on need and shift.
"""

from __future__ import annotations

import datetime as dt
import zoneinfo
from collections.abc import Collection, Iterable, Sequence

import sqlalchemy as sa
from sqlalchemy.orm import joinedload

from app.accounts.models import Person
from app.core import outbox
from app.core.clock import now
from app.core.db import db, lock
from app.core.errors import Reason
from app.needs import promises
from app.needs.models import Position, Shift
from app.signups import gate, two_adults
from app.signups.models import Signup
from app.signups.places import claim_places, free_places, record, reminder_key

# How long somebody has to answer: half of what is left until places go to the first who comes, within these bounds. A day
# and a little more, so that whoever looks at their mail once a day has seen it.
ANSWER_WITHIN = dt.timedelta(hours=28)
ANSWER_AT_LEAST = dt.timedelta(hours=2)
# No offer ends while people sleep where the shift is: it ends the morning after, or else the evening before.
NIGHT_BEGINS, NIGHT_ENDS = dt.time(22), dt.time(8)


def first_come_from(shift: Shift) -> dt.datetime | None:
    """When places of a shift begin to go to the first who takes them: so many hours before the start as its organization
    says. None for a flexible role, which has no start."""
    if shift.starts_at is None:
        return None
    return shift.starts_at - dt.timedelta(hours=shift.need.organization.first_come_hours)


def is_first_come(shift: Shift) -> bool:
    """True once the start is so close that a free place goes to the first who takes it."""
    begins = first_come_from(shift)
    return begins is not None and begins <= now()


def is_free_for_the_first(signup: Signup) -> bool:
    """True while whoever waits can take a place at once: the start is close, and their party fits."""
    shift = signup.shift
    return _takes_people(shift) and is_first_come(shift) and gate.has_room(signup.position, signup.party_size)


def deadline(shift: Shift, at: dt.datetime) -> dt.datetime:
    """Up to when a place that is offered at `at` (aware) is kept: half of the time until places go to the first who comes,
    at least 2 and at most 28 hours, never in the night there and never after the start."""
    begins = first_come_from(shift)
    within, latest = ANSWER_WITHIN, at + ANSWER_WITHIN + dt.timedelta(hours=12)
    if begins is not None and shift.starts_at is not None:
        within = min(ANSWER_WITHIN, max(ANSWER_AT_LEAST, (begins - at) / 2))
        latest = min(max(begins, at + ANSWER_AT_LEAST), shift.starts_at)
    ends_at = min(at + within, latest)
    zone = zoneinfo.ZoneInfo(shift.time_zone)
    local = ends_at.astimezone(zone)
    if local.time() >= NIGHT_BEGINS or local.time() < NIGHT_ENDS:
        evening = local.date() - dt.timedelta(days=1 if local.time() < NIGHT_ENDS else 0)
        before = dt.datetime.combine(evening, NIGHT_BEGINS, zone).astimezone(dt.UTC)
        after = dt.datetime.combine(evening + dt.timedelta(days=1), NIGHT_ENDS, zone).astimezone(dt.UTC)
        if after <= latest:
            ends_at = after
        elif before - at >= ANSWER_AT_LEAST:
            ends_at = before
    whole = ends_at.replace(second=0, microsecond=0)
    return whole if whole > at else ends_at


def list_in_line(shift: Shift) -> Sequence[Signup]:
    """Who waits for a place on the shift, in the order of their turns, with their people."""
    return db.session.scalars(
        sa.select(Signup)
        .options(joinedload(Signup.person))
        .where(Signup.position_id.in_([position.id for position in shift.positions]), Signup.status == "waitlisted")
        .order_by(Signup.created_at, Signup.id)
    ).all()


def offer_free_places(shift: Shift, *, had_one: Collection[int] = ()) -> None:
    """Offer what is free on the shift to those who wait, in the order of their turns; close to the start tell them all,
    once, that the first who takes it has it. Nothing where nobody waits or nobody could come. Whoever is passed over costs
    no statement of their own, because a sweep comes by here again and again. `had_one`: the places that were confirmed until
    this very act, which are not told that they waited."""
    positions = {position.id: position for position in shift.positions}
    if not _takes_people(shift):
        return
    line = [signup for signup in list_in_line(shift) if gate.has_room(positions[signup.position_id], 1)]
    if not line:
        return
    if is_first_come(shift):
        _promise_first_come(line, shift)
        return
    refused = gate.list_refusals_in_line(shift, line)
    passed: list[tuple[Signup, list[str]]] = []
    for signup in line:
        position = positions[signup.position_id]
        if not gate.has_room(position, 1):
            continue
        if not gate.has_room(position, signup.party_size):
            passed.append((signup, ["party"]))
        elif signup.id in refused:
            passed.append((signup, [reason.code for reason in refused[signup.id]]))
        else:
            claimed = lock(Signup, signup.id)
            if claimed is not None and claimed.status == "waitlisted":
                _offer(claimed, shift, position, "fewer" if signup.id in had_one else "")
    _promise_passed_over(passed)


def _takes_people(shift: Shift) -> bool:
    return shift.status in ("scheduled", "cannot_run") and not shift.is_over and not promises.check_need(shift.need)


def _check(signup: Signup, shift: Shift) -> list[Reason]:
    return gate.check(shift, signup.person, party_size=signup.party_size, position_id=signup.position_id, ignore=signup)


def _offer(signup: Signup, shift: Shift, position: Position, why: str) -> None:
    claim_places(position, signup.party_size)
    signup.was, signup.status = signup.status, "offered"
    signup.offer_expires_at = deadline(shift, now())
    _promise_offer(signup, why)
    record("signup.offered", signup, shift, None)


def _promise_offer(signup: Signup, why: str) -> None:
    """The mail with the offer, and the end of it when nobody answers."""
    signup.sequence += 1
    key = f"{signup.id}:{signup.sequence}"
    outbox.enqueue("signup_offered", {"signup_id": signup.id, "why": why}, key=f"signup_offered:{key}")
    outbox.enqueue(
        "signup_offer_due", {"signup_id": signup.id}, key=f"signup_offer_due:{key}", due_at=signup.offer_expires_at
    )


def _promise_first_come(line: Sequence[Signup], shift: Shift) -> None:
    # Once, however often a place comes free: moved to another time it is another shift to them.
    at = f"{shift.starts_at:%Y%m%d%H%M}"
    outbox.enqueue_all(
        "signup_first_come",
        [({"signup_id": signup.id}, f"signup_first_come:{signup.id}:{at}") for signup in line],
    )


def _promise_passed_over(passed: Iterable[tuple[Signup, list[str]]]) -> None:
    # The same reason is told once; nobody is told anything whose account cannot be used (S11).
    outbox.enqueue_all(
        "signup_passed_over",
        [
            (
                {"signup_id": signup.id, "codes": codes},
                f"signup_passed_over:{signup.id}:{signup.party_size}:{'.'.join(sorted(codes))}"[:200],
            )
            for signup, codes in passed
            if signup.person.is_active
        ],
    )


def end(signup: Signup, shift: Shift, status: str, *, by: Person | None) -> Signup:
    """An offer is over, "declined" by `by` or "expired": its places go to the next in line."""
    free_places(signup.position, signup.party_size)
    signup.was, signup.status = signup.status, status
    signup.cancelled_at, signup.cancelled_by_id = now(), None if by is None else by.id
    signup.sequence += 1
    record(f"signup.{status}", signup, shift, by)
    offer_free_places(shift)
    return signup


def expire(signup: Signup, shift: Shift) -> bool:
    """End an offer whose deadline is over, and tell whose it was. Whoever could not answer because the need takes nobody at
    the moment keeps their turn instead. False when there is nothing to end."""
    if signup.status != "offered" or signup.offer_expires_at is None or signup.offer_expires_at > now():
        return False
    if not _takes_people(shift) and not shift.is_over and shift.status != "cancelled":
        free_places(signup.position, signup.party_size)
        _wait_again(signup, shift)
        # They come back to what they were asked, and find nothing to answer: they hear why.
        key = f"signup_waitlisted:{signup.id}:{signup.sequence}"
        outbox.enqueue("signup_waitlisted", {"signup_id": signup.id, "why": "paused"}, key=key)
        return True
    end(signup, shift, "expired", by=None)
    key = f"signup_offer_expired:{signup.id}:{signup.sequence}"
    outbox.enqueue("signup_offer_expired", {"signup_id": signup.id}, key=key)
    return True


def review(signup: Signup, shift: Shift, *, moved: bool = False) -> None:
    """Something that decides about an offer changed: who cannot have the place any more keeps their turn and is told why,
    and the next is asked. With `moved` the shift has other facts: whoever still can have it is told them."""
    if not _takes_people(shift):
        return
    free_places(signup.position, signup.party_size)
    if reasons := _check(signup, shift):
        _wait_again(signup, shift)
        _promise_passed_over([(signup, [reason.code for reason in reasons])])
        offer_free_places(shift)
        return
    claim_places(signup.position, signup.party_size)
    if moved and signup.offer_expires_at is not None:
        signup.offer_expires_at = min(signup.offer_expires_at, deadline(shift, now()))
        _promise_offer(signup, "moved")


def restore(signup: Signup, shift: Shift, *, by: Person, tell: bool) -> Signup:
    """A confirmed place that had been an offer is that offer again, up to the same deadline; with `tell` they are told."""
    signup.was, signup.status = "waitlisted", "offered"
    outbox.withdraw(reminder_key(signup, shift))
    signup.sequence += 1
    if tell:
        _promise_offer(signup, "")
    record("signup.offered", signup, shift, by)
    two_adults.reconsider(shift, by=by)
    return signup


def _wait_again(signup: Signup, shift: Shift) -> None:
    """From an offer whose places are free again back to the turn they had."""
    signup.was, signup.status = signup.status, "waitlisted"
    signup.sequence += 1
    record("signup.waitlisted", signup, shift, None)


def list_due() -> Sequence[int]:
    """Offers whose deadline is over."""
    return db.session.scalars(
        sa.select(Signup.id)
        .where(Signup.status == "offered", Signup.offer_expires_at <= now())
        .order_by(Signup.offer_expires_at, Signup.id)
        .limit(500)
    ).all()


def list_shifts_with_line() -> Sequence[int]:
    """Ids of shifts ahead on which somebody waits and something is free: whatever freed it, and whoever can come by now."""
    at = now()
    return db.session.scalars(
        sa.select(Shift.id)
        .join(Position, Position.shift_id == Shift.id)
        .join(Signup, sa.and_(Signup.position_id == Position.id, Signup.status == "waitlisted"))
        .where(sa.or_(Position.capacity.is_(None), Position.taken < Position.capacity))
        .where(Shift.status.in_(("scheduled", "cannot_run")), sa.or_(Shift.ends_at.is_(None), Shift.ends_at > at))
        .distinct()
        .order_by(Shift.id)
    ).all()
