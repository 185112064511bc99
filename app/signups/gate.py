"""The gate: the one function that every place on a shift passes (S1-S4, S11, G1). There is no second path.

Pages ask it without locks to say what somebody needs; `signups.operations` asks it again after locking, and only then
claims. It fails closed: what is not known is no.
"""

from __future__ import annotations

import dataclasses
import datetime as dt

import sqlalchemy as sa

from app.accounts.models import Person
from app.accounts.policy import ADULT_AGE
from app.core.clock import age_on, local_date, today
from app.core.db import db
from app.core.errors import Reason, Refused
from app.core.i18n import _, ngettext
from app.needs import promises
from app.needs.models import Position, Shift
from app.signups.models import LIVE_STATUSES, MAXIMUM_PARTY_SIZE, Signup

# A place in one of these is held: it may not overlap another one (S3).
HOLDING_STATUSES = ("confirmed", "checked_in")
# How many people one guest may hold places for: nobody knows them yet.
MAXIMUM_GUESTS = 6


@dataclasses.dataclass(frozen=True)
class Rule:
    """One rule a shift asks for, as far as one person is concerned: `title` says the rule, `message` how they stand."""

    code: str
    title: str
    met: bool
    message: str
    remedy: str = ""
    url: str = ""


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
    found += _state(shift)
    found += check_standing(shift, person, ignore=ignore)
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
    found = promises.check_need(shift.need) + _state(shift)
    register = _("Register: it takes a minute, and you come back here.")
    if asks_for_anything(shift):
        found.append(Reason("account_needed", _("This shift asks something of whoever takes it."), register))
    elif shift.need.private_address:
        found.append(
            Reason("account_needed", _("The address is private, and shown to people with an account only."), register)
        )
    if birth_date is not None and age_on(birth_date, today("Etc/GMT+12")) < ADULT_AGE:
        found.append(
            Reason(
                "guest_adult",
                _("Signing up without an account is for people aged %(age)s or older.", age=ADULT_AGE),
                _("Ask a grown-up you trust whether you can help together."),
            )
        )
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


def check_standing(shift: Shift, person: Person, *, ignore: Signup | None = None) -> list[Reason]:
    """The part of `check` about the person on this shift: whether they may act at all, what it asks, other places.

    Asked again at every read that grants something to a confirmed place (G1) and when its shift was changed; `ignore`
    is that place, which does not overlap itself.
    """
    if not person.is_active:
        return promises.check_person(person)
    found = [
        Reason(rule.code, rule.message, rule.remedy, rule.url) for rule in list_rules(shift, person) if not rule.met
    ]
    return found + _overlap(shift, person, ignore)


def check_again(signup: Signup) -> list[Reason]:
    """Whether a place that counts already may be held as confirmed or checked in now (G1): the person may act, meets what
    the shift asks, has no other place on it or at its time, and the shift takes place. The places are theirs already."""
    shift, person = signup.shift, signup.person
    if not person.is_active:
        return promises.check_person(person)
    found = [] if shift.status == "scheduled" else _state(shift)
    found += check_standing(shift, person, ignore=signup)
    return found + _double(shift, person, ignore=signup)


def list_rules(shift: Shift, person: Person | None) -> list[Rule]:
    """What the shift asks of whoever takes it ("To take this shift you need"), and whether `person` meets it.

    None stands for a visitor, who is told the rules and meets none of them yet.
    """
    return [*_contact(shift), *_age(shift, person)]


def asks_for_anything(shift: Shift) -> bool:
    """True when something is required of each person: then a place is for one person only, who passes alone (G1)."""
    return shift.contact != "none" or bool(shift.minimum_age)


def find_position(shift: Shift, position_id: int | None, party_size: int) -> Position | None:
    """The position asked for; without one the only position, or the first with room. None when there is no such."""
    if position_id is not None:
        return next((position for position in shift.positions if position.id == position_id), None)
    with_room = [position for position in shift.positions if has_room(position, party_size)]
    return next(iter(with_room or shift.positions), None)


def has_room(position: Position, party_size: int) -> bool:
    """True when `party_size` more people fit."""
    return position.capacity is None or position.taken + party_size <= position.capacity


def _state(shift: Shift) -> list[Reason]:
    found = []
    another = _("Look for another time on the same page.")
    if shift.status == "cancelled":
        found.append(Reason("shift_cancelled", _("This shift is cancelled."), another))
    elif shift.status != "scheduled":
        found.append(Reason("shift_cannot_run", _("This shift cannot run."), another))
    if shift.is_over:
        found.append(Reason("past", _("This shift is over."), another))
    return found


def _contact(shift: Shift) -> list[Rule]:
    """Nobody is placed where people meet children or adults at risk: no check can be recorded yet, and unknown is no."""
    if shift.contact == "none":
        return []
    if shift.contact == "not_stated":
        return [
            Rule(
                "contact_not_stated",
                _("To know who you would meet"),
                False,
                _("The organization has not said yet whether you would meet children or adults at risk."),
                _("The organization can state it; then this shift opens."),
            )
        ]
    return [
        Rule(
            "clearance_required",
            _("A background check through the end of the shift"),
            False,
            _("You would meet children or adults at risk, and this site cannot record background checks yet."),
            _("Choose a shift without such contact, or ask the organization how it checks people."),
        )
    ]


def _age(shift: Shift, person: Person | None) -> list[Rule]:
    """The minimum age on the local date of the shift (G4). A missing birth date is not "old enough"."""
    if not shift.minimum_age:
        return []
    age = shift.minimum_age
    on = _age_date(shift)
    title = _("To be %(age)s or older on the day of the shift", age=age)
    if person is None or person.birth_date is None:
        return [
            Rule(
                "age_unknown",
                title,
                False,
                _("This shift is for people aged %(age)s or older, and we do not know your birth date.", age=age),
                _("Add your birth date to your profile. It is not shown to anybody."),
                "/profile",
            )
        ]
    if age_on(person.birth_date, on) < age:
        return [
            Rule(
                "too_young",
                title,
                False,
                _("This shift is for people aged %(age)s or older on the day.", age=age),
                _("Choose a shift without this age limit."),
            )
        ]
    return [Rule("age", title, True, _("You are."))]


def _age_date(shift: Shift) -> dt.date:
    """The day on which the age counts: the local date of the start; for a flexible role today, when it would begin."""
    return local_date(shift.starts_at, shift.time_zone) if shift.starts_at else today(shift.time_zone)


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
    if db.session.scalar(others) is None:
        return []
    return [
        Reason(
            "overlap",
            _("You have another commitment at this time."),
            _("Cancel it on My help, or choose another time."),
            "/my-help",
        )
    ]


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
            Reason("party_size", _("Choose between 1 and %(most)s people.", most=MAXIMUM_PARTY_SIZE)),
        ]
    found = []
    if party_size > 1 and asks_for_anything(shift):
        found.append(
            Reason(
                "party_size",
                _("On this shift everybody signs up alone, because each person must meet what it asks for."),
                _("Sign up for yourself, and ask the others to do the same."),
            )
        )
    position = find_position(shift, position_id, party_size)
    if position is None:
        found.append(
            Reason("position", _("Choose what you would do."), _("The shift has the positions shown on its page."))
        )
    elif not has_room(position, party_size):
        found.append(full(max(0, (position.capacity or 0) - position.taken)))
    return found


def full(free: int) -> Reason:
    """No room: `free` places are left, fewer than asked for."""
    if free == 0:
        return Reason("full", _("This shift is full."), _("Look for another time on the same page."))
    return Reason(
        "full",
        ngettext("Choose 1 person: 1 place is open.", "Choose %(n)s people or fewer: %(n)s places are open.", free),
        _("Fewer of you can come, or choose another time."),
    )
