"""The gate: the one function that every place on a shift passes (S1-S4, S11, G1). There is no second path.

Pages ask it without locks to say what somebody needs; `signups.operations` asks it again after locking, and only then
claims. It fails closed: what is not known is no.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence

import sqlalchemy as sa
from sqlalchemy.orm import aliased

from app.accounts.models import Person
from app.accounts.policy import ADULT_AGE
from app.core.clock import age_on, today
from app.core.db import db
from app.core.errors import Reason, Refused
from app.core.i18n import _, ngettext
from app.needs import asking, promises
from app.needs.models import Need, Position, Shift
from app.needs.policy import works_on
from app.organizations.models import Membership
from app.signups import day_hours, rules
from app.signups.models import LIVE_STATUSES, MAXIMUM_PARTY_SIZE, ShiftStaff, Signup

# A place in one of these is held: it may not overlap another one (S3).
HOLDING_STATUSES = ("confirmed", "checked_in")
# How many people one guest may hold places for: nobody knows them yet.
MAXIMUM_GUESTS = 6


def check(
    shift: Shift,
    person: Person,
    *,
    party_size: int = 1,
    position_id: int | None = None,
    ignore: Signup | None = None,
    vouched: bool = False,
) -> list[Reason]:
    """Every reason why `person` cannot have places for `party_size` people on `shift`; empty when nothing stands in the way.

    `position_id` None means the only position, or on a shift with several any that has room. `ignore` is their own place
    that this one takes the place of; `vouched`: staff have the person before them or on the telephone, so that no mail
    needs to prove who writes. Reads only; the answer binds nobody unless the caller holds the locks on person, need and
    shift.
    """
    found = promises.check_person(person, vouched=vouched)
    if not person.is_active:
        return found
    found += promises.check_need(shift.need)
    found += _state(shift, person)
    position = find_position(shift, position_id, party_size)
    told = {reason.code for reason in found}
    standing = _standing(shift, person, ignore=ignore, position=position)
    found += [reason for reason in standing if reason.code not in told]
    if not any(reason.code == "overlap" for reason in found):
        found += _named_elsewhere(shift, person)
    found += _double(shift, person, ignore)
    found += _party(shift, party_size, position_id)
    return found


def require(
    shift: Shift,
    person: Person,
    *,
    party_size: int = 1,
    position_id: int | None = None,
    ignore: Signup | None = None,
    vouched: bool = False,
) -> None:
    """Raise Refused with every reason of `check`, when there is any."""
    reasons = check(shift, person, party_size=party_size, position_id=position_id, ignore=ignore, vouched=vouched)
    if reasons:
        raise Refused(reasons)


def check_guest(
    shift: Shift, birth_date: dt.date | None, *, party_size: int = 1, position_id: int | None = None
) -> list[Reason]:
    """Every reason why nobody without an account can have a place held on `shift` (S10), as far as the public may know:
    whoever the address belongs to is asked again by `check` when the link in their mail is followed. `birth_date` None:
    not said yet, so nothing is said about it."""
    found = promises.check_need(shift.need) + _state(shift, None) + check_without_account(shift)
    majority = asking.majority_of(shift.need)
    if birth_date is not None and age_on(birth_date, today("Etc/GMT+12")) < majority:
        message = _("Signing up without an account is for people aged %(age)s or older.", age=majority)
        remedy = _("Ask a grown-up you trust whether you can help together.")
        if age_on(birth_date, today("Etc/GMT+12")) >= ADULT_AGE and asking.lacks_province(shift.need):
            remedy = _("It depends on the state or province, which we do not know: ask the organization to add it.")
        found.append(Reason("guest_adult", message, remedy))
    if party_size > MAXIMUM_GUESTS:
        found.append(
            Reason(
                "party_size",
                _("Without an account, choose %(most)s people or fewer.", most=MAXIMUM_GUESTS),
                _("Register to bring more."),
            )
        )
        return found
    return found + _party(shift, party_size, position_id)


def check_without_account(shift: Shift) -> list[Reason]:
    """Why the shift is for people with an account only (S10); empty when it is not."""
    register = _("Register: it takes a minute, and you come back here.")
    if asks_for_anything(shift):
        return [Reason("account_needed", _("This shift asks something of whoever takes it."), register)]
    if shift.need.private_address:
        private = _("The address is private, and shown to people with an account only.")
        return [Reason("account_needed", private, register)]
    return []


def check_standing(
    shift: Shift, person: Person, *, ignore: Signup | None = None, position: Position | None = None
) -> list[Reason]:
    """The part of `check` about the person on this shift: whether they may act at all, what it asks, other places.

    Asked again at every read that grants something to a confirmed place (G1) and when its shift was changed; `ignore`
    is that place, which does not overlap itself, and which is for one person where anything is asked. `position` None is
    that of `ignore` when it is on this shift, else all that any of them asks.
    """
    found = _standing(shift, person, ignore=ignore, position=position)
    if person.is_active and ignore is not None and ignore.shift_id == shift.id:
        found += _alone(shift, ignore.party_size)
    return found


def _standing(shift: Shift, person: Person, *, ignore: Signup | None, position: Position | None) -> list[Reason]:
    if not person.is_active:
        return promises.check_person(person)
    holds = ignore is not None and ignore.shift_id == shift.id and has_place(ignore)
    asked = rules.list_rules(shift, person, position=position or _position_of(ignore, shift), holds=holds)
    return _unmet(asked) + _overlap(shift, person, ignore) + day_hours.check(shift, person, ignore=ignore)


def check_again(signup: Signup) -> list[Reason]:
    """Whether a place that counts already may be held as confirmed or checked in now (G1): the person may act, meets what
    the shift asks, has no other place on it or at its time, and the shift takes place. The places are theirs already."""
    shift, person = signup.shift, signup.person
    if not person.is_active:
        return promises.check_person(person)
    found = [] if shift.status == "scheduled" else _state(shift, person)
    found += check_standing(shift, person, ignore=signup)
    return found + _double(shift, person, ignore=signup)


def has_place(signup: Signup | None) -> bool:
    """True for a place that somebody has, and not only a turn on the waitlist or an offer: what a guardian agreed to until the
    minor came of age at home holds what was confirmed by then, and makes no place of what was not (G4)."""
    return signup is not None and signup.status in HOLDING_STATUSES


def stands(signup: Signup) -> bool:
    """True while a place is worth what it says: held, on a shift that is not cancelled, and given again today (G1). What is
    over grants nothing any more and stays as it was."""
    return (
        signup.status in HOLDING_STATUSES
        and signup.shift.status != "cancelled"
        and (signup.shift.is_over or not check_standing(signup.shift, signup.person, ignore=signup))
    )


def list_refusals(signups: Sequence[Signup]) -> dict[int, list[Reason]]:
    """Why places that are held cannot stand now, by their ids; those that stand are not in it, nor what is over. For many
    places at once it reads as much as for a few. Each comes with its shift, need, organization, positions and person."""
    held = [signup for signup in signups if signup.status in HOLDING_STATUSES and not signup.shift.is_over]
    if not held:
        return {}
    known = rules.load([(signup.shift, signup.person) for signup in held])
    busy = list_overlapping([signup.id for signup in held])
    too_long = day_hours.list_reasons(held)
    found: dict[int, list[Reason]] = {}
    for signup in held:
        if signup.person.is_active:
            asked = rules.list_rules(
                signup.shift,
                signup.person,
                position=_position_of(signup, signup.shift),
                known=known,
                holds=has_place(signup),
            )
            reasons = _unmet(asked) + ([_busy()] if signup.id in busy else [])
            reasons += too_long.get(signup.id, []) + _alone(signup.shift, signup.party_size)
        else:
            reasons = promises.check_person(signup.person)
        if reasons:
            found[signup.id] = reasons
    return found


def list_refusals_in_line(shift: Shift, line: Sequence[Signup]) -> dict[int, list[Reason]]:
    """What `check` says of those who wait on `shift`, by the ids of their turns, but for whether there is room; nobody whom
    nothing stands in the way of is in it. For two hundred it reads as much as for two. Each comes with its person."""
    if not line:
        return {}
    of_all = promises.check_need(shift.need)
    known = rules.load([(shift, signup.person) for signup in line])
    people = promises.check_people([signup.person for signup in line])
    busy = list_overlapping([signup.id for signup in line])
    too_long = day_hours.list_reasons(line)
    named = _list_named_elsewhere(shift, [signup.person_id for signup in line])
    found: dict[int, list[Reason]] = {}
    for signup in line:
        person = signup.person
        reasons = list(people[person.id])
        if person.is_active:
            holds, position = has_place(signup), _position_of(signup, shift)
            asked = rules.list_rules(shift, person, position=position, known=known, holds=holds)
            told = {reason.code for reason in reasons}
            reasons += of_all + _state(shift, person)
            reasons += [reason for reason in _unmet(asked) if reason.code not in told]
            if signup.id in busy:
                reasons.append(_busy())
            elif person.id in named:
                reasons.append(_named())
            reasons += too_long.get(signup.id, []) + _alone(shift, signup.party_size)
        if reasons:
            found[signup.id] = reasons
    return found


def _unmet(asked: Iterable[rules.Rule]) -> list[Reason]:
    return [Reason(rule.code, rule.message, rule.remedy, rule.url) for rule in asked if not rule.met]


def _position_of(signup: Signup | None, shift: Shift) -> Position | None:
    if signup is None or signup.shift_id != shift.id:
        return None
    return next((position for position in shift.positions if position.id == signup.position_id), None)


def list_rules(shift: Shift, person: Person | None, *, holds: bool = False) -> list[rules.Rule]:
    """What the shift asks of whoever takes it ("To take this shift you need"), and whether `person` meets it; `holds`: they
    have a place on it already (`has_place`).

    None stands for a visitor, who is told the rules and meets none of them yet.
    """
    return rules.list_rules(shift, person, holds=holds)


def asks_for_anything(shift: Shift) -> bool:
    """True when something is required of each person: then a place is for one person only, who passes alone (G1)."""
    return shift.contact != "none" or bool(shift.minimum_age) or asking.asks_requirements(shift)


def find_position(shift: Shift, position_id: int | None, party_size: int) -> Position | None:
    """The position asked for; without one the only position, or the first with room. None when there is no such."""
    if position_id is not None:
        return next((position for position in shift.positions if position.id == position_id), None)
    with_room = [position for position in shift.positions if has_room(position, party_size)]
    return next(iter(with_room or shift.positions), None)


def has_room(position: Position, party_size: int) -> bool:
    """True when `party_size` more people fit."""
    return position.capacity is None or position.taken + party_size <= position.capacity


def _state(shift: Shift, person: Person | None) -> list[Reason]:
    """Whether the shift takes place. One that lacks cleared adults (G2) is open to whoever would be one of them."""
    found = []
    another = _("Look for another time on the same page.")
    if shift.status == "cancelled":
        found.append(Reason("shift_cancelled", _("This shift is cancelled."), another))
    elif shift.status != "scheduled" and not (asking.has_contact(shift) and person and rules.is_adult(shift, person)):
        found.append(Reason("shift_cannot_run", _("This shift cannot run."), another))
    if shift.is_over:
        found.append(Reason("past", _("This shift is over."), another))
    return found


def _overlap(shift: Shift, person: Person, ignore: Signup | None) -> list[Reason]:
    """Half-open intervals: back-to-back is fine. Never says whose the other place is (S3)."""
    if shift.starts_at is None:
        return []
    others = (
        sa.select(Signup.id)
        .join(Shift, Shift.id == Signup.shift_id)
        .where(Signup.person_id == person.id, Signup.status.in_(HOLDING_STATUSES), Signup.shift_id != shift.id)
        .where(Shift.status != "cancelled", Shift.starts_at < shift.ends_at, Shift.ends_at > shift.starts_at)
        .limit(1)
    )
    if ignore is not None:
        others = others.where(Signup.id != ignore.id)
    return [] if db.session.scalar(others) is None else [_busy()]


def _named_elsewhere(shift: Shift, person: Person) -> list[Reason]:
    """Whoever is named as staff on another shift at this time takes no place on this one: nobody is in two places, nor counts
    as an adult in two (S3, G2). A place that is held already outweighs being named, which then counts for nothing."""
    return [_named()] if _list_named_elsewhere(shift, [person.id]) else []


def _list_named_elsewhere(shift: Shift, person_ids: Sequence[int]) -> set[int]:
    """Those of the people who are named as staff on another shift at the time of this one, of a need that they work on: who
    does not, or not any more, counts nowhere by it. In one statement."""
    if shift.starts_at is None:
        return set()
    named = (
        sa.select(ShiftStaff.person_id)
        .join(Shift, Shift.id == ShiftStaff.shift_id)
        .join(Need, Need.id == Shift.need_id)
        .join(
            Membership,
            sa.and_(Membership.organization_id == Need.organization_id, Membership.person_id == ShiftStaff.person_id),
        )
        .where(works_on(Need.id))
        .where(ShiftStaff.person_id.in_(person_ids), Shift.id != shift.id, Shift.status != "cancelled")
        .where(Shift.starts_at < shift.ends_at, Shift.ends_at > shift.starts_at)
    )
    return set(db.session.scalars(named))


def _named() -> Reason:
    remedy = _("Ask to be taken off the shift you are named on, or choose another time.")
    return Reason("overlap", _("You have another commitment at this time."), remedy)


def list_overlapping(signup_ids: Sequence[int], among: Sequence[str] = HOLDING_STATUSES) -> set[int]:
    """Those of the places during which their person holds another one, or has one that stands as `among` says, in one
    statement."""
    other, at, its = aliased(Signup), aliased(Shift), aliased(Shift)
    query = (
        sa.select(Signup.id)
        .join(at, at.id == Signup.shift_id)
        .join(other, sa.and_(other.person_id == Signup.person_id, other.id != Signup.id))
        .join(its, its.id == other.shift_id)
        .where(Signup.id.in_(signup_ids), other.status.in_(among), other.shift_id != Signup.shift_id)
        .where(its.status != "cancelled", its.starts_at < at.ends_at, its.ends_at > at.starts_at)
    )
    return set(db.session.scalars(query))


def _busy() -> Reason:
    return Reason(
        "overlap",
        _("You have another commitment at this time."),
        _("Cancel it on My help, or choose another time."),
        "/my-help",
    )


def _double(shift: Shift, person: Person, ignore: Signup | None = None) -> list[Reason]:
    live = sa.select(Signup.id).where(
        Signup.shift_id == shift.id, Signup.person_id == person.id, Signup.status.in_(LIVE_STATUSES)
    )
    if ignore is not None:
        live = live.where(Signup.id != ignore.id)
    if db.session.scalar(live) is None:
        return []
    return [
        Reason("already_signed_up", _("You already have a place on this shift."), _("See it on My help."), "/my-help")
    ]


def _party(shift: Shift, party_size: int, position_id: int | None) -> list[Reason]:
    """How many people, and whether there is room for them (S1). Capacity 0 means nobody."""
    if not 1 <= party_size <= MAXIMUM_PARTY_SIZE:
        return [
            Reason(
                "party_size",
                _("Choose between 1 and %(most)s people.", most=MAXIMUM_PARTY_SIZE),
                _("Ask the others to sign up, too."),
            )
        ]
    found = _alone(shift, party_size)
    position = find_position(shift, position_id, party_size)
    if position is None:
        found.append(
            Reason("position", _("Choose what you would do."), _("The shift has the positions shown on its page."))
        )
    elif not has_room(position, party_size):
        found.append(full(max(0, (position.capacity or 0) - position.taken)))
    return found


def _alone(shift: Shift, party_size: int) -> list[Reason]:
    """Where anything is asked a place is for one person (G1)."""
    if party_size == 1 or not asks_for_anything(shift):
        return []
    return [
        Reason(
            "party_size",
            _("On this shift everybody signs up alone, because each person must meet what it asks for."),
            _("Sign up for yourself, and ask the others to do the same."),
        )
    ]


def full(free: int) -> Reason:
    """No room: `free` places are left, fewer than asked for."""
    if free == 0:
        return Reason("full", _("This shift is full."), _("Look for another time on the same page."))
    return Reason(
        "full",
        ngettext("Choose 1 person: 1 place is open.", "Choose %(n)s people or fewer: %(n)s places are open.", free),
        _("Fewer of you can come, or choose another time."),
    )
