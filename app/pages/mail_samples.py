"""What each mail of templates/emails is shown with, on /design and in the tests over all mails: the one source of such
values. A mail that is not named here fails tests/messages/test_every_mail.py.

Each mail has its usual form, one with names as long as people have them, one with a name that runs from right to left,
one without whatever may be missing, and, where the template has a second branch, that one.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Callable
from typing import Any

from app.core.clock import local_date
from app.core.i18n import lazy
from app.core.when import clock_time, full_day, moment, times, zoned_time
from app.learning.asking import DECLINED
from app.organizations.roles import ROLE_NAMES
from app.pages.mail_names import (
    DAY,
    EMPTY,
    LONG,
    NAMES,
    OTHER,
    RIGHT_TO_LEFT,
    SITE,
    START,
    TOKEN,
    USUAL,
    ZONE,
    Names,
    ShownShift,
    Values,
)
from app.safeguarding.requirements import Requirement


@dataclasses.dataclass(frozen=True)
class Sample:
    """One mail: the kind that people may choose about (None: a service message), what it is filled with, and what is
    different in it where optional parts are missing and in its other case."""

    values: Callable[[Names], Values]
    kind: str | None = None
    empty: Values | None = None
    other: Values | None = None

    @property
    def variants(self) -> tuple[str, ...]:
        """The forms this mail has."""
        more = [name for name, changes in ((EMPTY, self.empty), (OTHER, self.other)) if changes is not None]
        return (USUAL, LONG, RIGHT_TO_LEFT, *more)

    def fill(self, variant: str) -> Values:
        """The values of one form. Raises KeyError for a form that is none."""
        changes = {EMPTY: self.empty, OTHER: self.other}.get(variant)
        return self.values(NAMES[variant]) | (changes or {})


def _link(names: Names) -> Values:
    return {"person_name": names.person, "path": f"/verify-email/{TOKEN}"}


def _address_taken(names: Names) -> Values:
    way = "?next=%2Fshifts%2F4kq0m2x7c9d1f%2Fsign-up"
    return {
        "person_name": names.person,
        "sign_in_path": f"/sign-in{way}",
        "forgotten_path": f"/forgotten-password{way}",
    }


def _paper(names: Names) -> Values:
    """What a receipt says, as in a mail."""
    return {
        "heading": "Receipt 1204",
        "mark": "",
        "facts": [("Number", "1204"), ("To", names.organization), ("From", names.person), ("Amount", "$2,500.00")],
        "text": f"{names.organization}, EIN 12-3456789. No goods or services were provided in exchange for this gift.",
    }


def _receipt(names: Names) -> Values:
    return _paper(names) | {
        "name": names.person,
        "organization": names.organization,
        "receipt_url": f"{SITE}/donations/{TOKEN}/receipts/4kq0m2x7c9d1f",
        "gift_url": f"{SITE}/donations/{TOKEN}",
    }


def _statement(names: Names) -> Values:
    return {"name": names.person, "years": [(year, f"{SITE}/statements/{TOKEN}{year}") for year in ("2026", "2025")]}


def _of_money(names: Names) -> Values:
    return {
        "demo": False,
        "in_test": False,
        "name": names.person,
        "organization": names.organization,
        "fundraiser": names.fundraiser,
    }


def _gift(names: Names) -> Values:
    return {
        **_of_money(names),
        "amount": "$2,500.00",
        "gift": "$2,429.00",
        "fee": "$71.00",
        "who_sees": f"Only {names.organization} and whoever started the page see it",
        "dedication": f"In memory of {names.person}",
        "receipt": _paper(names) | {"receipt_url": f"{SITE}/donations/{TOKEN}/receipts/4kq0m2x7c9d1f"},
        "reason": "The card has too little money on it",
        "may_resume": True,
        "gift_url": f"{SITE}/donations/{TOKEN}",
        "monthly_url": f"{SITE}/monthly/{TOKEN}",
        "fundraiser_url": f"{SITE}/fundraisers/forty-beds-before-the-frost",
    }


def _gift_list(names: Names) -> Values:
    return {
        "title": names.fundraiser,
        "organization": names.organization,
        "amount": "$2,500.00",
        "list_url": f"{SITE}/fundraisers/forty-beds-before-the-frost/gifts-in-person",
    }


def _monthly(names: Names) -> Values:
    return {
        **_of_money(names),
        "amount": "$25.00",
        "ended_by": "donor",
        "again_on": full_day(DAY),
        "last_day": full_day(DAY),
        "gift_url": f"{SITE}/monthly/{TOKEN}",
    }


def _back(names: Names) -> Values:
    return {
        **_of_money(names),
        "arrived": True,
        "amount": "$1,000.00",
        "whole": False,
        "astray": False,
        "gone": False,
        "refused": False,
        "why": names.reason,
        "gift": "$2,500.00",
        "donor": names.person,
        "gift_url": f"{SITE}/donations/{TOKEN}",
    }


def _dispute(names: Names) -> Values:
    return {
        **_back(names),
        "reminds": False,
        "elsewhere": False,
        "state": "answer",
        "reason": "The card's owner does not recognise this payment",
        "deadline": "Monday, December 7, 6:00 pm EST",
        "dispute_url": f"{SITE}/manage/casa-norte/disputes/4kq0m2x7c9d1f",
    }


def _payout(names: Names) -> Values:
    return {
        "organization": names.organization,
        "amount": "$1,000.00",
        "payout_url": f"{SITE}/manage/casa-norte/payouts/4kq0m2x7c9d1f",
    }


def _fundraiser(names: Names) -> Values:
    return {
        "title": names.fundraiser,
        "organization": names.organization,
        "starter": names.other,
        "approved": False,
        "reason": names.reason,
        "goal": "$6,000.00",
        "given": lazy("%(raised)s are given", raised="$7,080.00"),
        "percent": 118,
        "is_open": True,
        "fundraiser_url": f"{SITE}/fundraisers/forty-beds-before-the-frost",
        "review_url": f"{SITE}/manage/ironbound-pantry-network/fundraisers/forty-beds-before-the-frost",
    }


def _need(names: Names) -> Values:
    return {
        "name": names.person,
        "title": names.need,
        "organization": names.organization,
        "confirm_by": DAY,
        "path": "/manage/ironbound-pantry-network/needs/4kq0m2x7c9d1f",
        "outcome": "We packed 412 boxes, 40 more than last year.",
        "people_helped": 1412,
        "thanks": names.note,
        "is_guest": False,
    }


def _assigned(names: Names) -> Values:
    return {
        "name": names.other,
        "by": names.person,
        "organization": names.organization,
        "assigned": [(names.need, "/manage/ironbound-pantry-network/needs/4kq0m2x7c9d1f")],
    }


def _more_assigned(names: Names) -> Values:
    path = "/manage/ironbound-pantry-network/needs/4kq0m2x7c9d1f"
    return {**_assigned(names), "assigned": [(names.need, path), (names.item, path)]}


def _invitation(names: Names) -> Values:
    return {
        "name": names.other,
        "person": names.person,
        "organization": names.organization,
        "slug": "ironbound-pantry-network",
        "email": "sam@example.org",
        "role": ROLE_NAMES["coordinator"],
        "some_needs": True,
        "accepted": True,
        "token": TOKEN,
    }


def _no_owner(names: Names) -> Values:
    return {"name": names.person, "organization": names.organization, "slug": "ironbound-pantry-network"}


def _merged(names: Names) -> Values:
    return {
        "name": names.person,
        "duplicate": names.organization,
        "organization": "Ironbound Pantry",
        "slug": "ironbound-pantry",
        "role": ROLE_NAMES["manager"],
        "as_viewer": False,
    }


def _claim(names: Names) -> Values:
    return {
        "name": names.person,
        "person": names.person,
        "organization": names.organization,
        "slug": "ironbound-pantry-network",
        "token": TOKEN,
        "granted": True,
        "reason": names.note,
        "decision": "verified",
    }


def _digest(names: Names) -> Values:
    comes = lazy("%(who)s comes: %(title)s", who=names.other, title=names.need)
    brings = lazy("%(who)s brings: %(item)s", who=names.person, item=names.item)
    return {
        "name": names.person,
        "organization": names.organization,
        "entries": [
            (clock_time(START, ZONE), comes, "/manage/ironbound-pantry-network/needs/4kq0m2x7c9d1f"),
            (clock_time(START + dt.timedelta(minutes=75), ZONE), brings, None),
        ],
        "activity_path": "/manage/ironbound-pantry-network/activity",
    }


def _pledge(names: Names) -> Values:
    return {
        "name": names.person,
        "who": names.other,
        "item": names.item,
        "title": names.need,
        "organization": names.organization,
        "quantity": names.quantity,
        "outstanding": names.quantity,
        "received": "3",
        "rejected": "1",
        "reason": names.reason,
        "why": "asked_by_them",
        "live": True,
        "until": full_day(DAY),
        "last": full_day(DAY + dt.timedelta(days=3)),
        "note": names.note,
        "need_url": f"{SITE}/needs/4kq0m2x7c9d1f",
        "my_help_url": f"{SITE}/my-help",
        "cancel_url": f"{SITE}/promises/{TOKEN}",
        "manage_path": "/manage/ironbound-pantry-network/needs/4kq0m2x7c9d1f",
        "undo_until": zoned_time(START, ZONE),
    }


def _place(names: Names) -> Values:
    return {
        "name": names.person,
        "who": names.other,
        "title": names.need,
        "position": names.position,
        "organization": names.organization,
        "shift": ShownShift(),
        "day": full_day,
        "span": times,
        "local_date": local_date,
        "area": names.area,
        "private": True,
        "bring": "Closed shoes, a warm coat, and water.",
        "meeting_point": "The side door on Lafayette Street.",
        "contact": f"{names.other}, +1 201 555 0142",
        "party_size": 3,
        "held": True,
        "over": False,
        "is_guest": False,
        "note": names.note,
        "was": "",
        "why": "fewer",
        "reason": "asked_by_them",
        "ended": False,
        "state": "missing",
        "count": 1,
        "staff_path": "/manage/ironbound-pantry-network/shifts/4kq0m2x7c9d1f/roster",
        "taken": 9,
        "capacity": 12,
        "reasons": ["To be 18 or older on Tuesday, November 24.", "The shift is full."],
        "until": zoned_time(START, ZONE),
        "roster_path": "/manage/ironbound-pantry-network/shifts/4kq0m2x7c9d1f/roster",
        "need_url": f"{SITE}/needs/4kq0m2x7c9d1f",
        "need_shown": True,
        "my_help_url": f"{SITE}/my-help",
        "register_url": f"{SITE}/register",
        "cancel_url": f"{SITE}/places/{TOKEN}",
        "confirm_url": f"{SITE}/guests/confirm/{TOKEN}",
        "offer_until": moment(START, ZONE),
        "offer_left": "in 28 hours",
        "party": True,
        "called_off": True,
        "undo_until": zoned_time(START, ZONE),
    }


def _clearance(names: Names) -> Values:
    return {
        "name": names.person,
        "who": names.other,
        "organization": names.organization,
        "slug": "ironbound-pantry-network",
        "event": "recorded",
        "what": Requirement("background_check", "us_fitness").name,
        "accepted": True,
        "until": full_day(DAY),
        "reason": "",
        "course": "",
    }


@dataclasses.dataclass(frozen=True)
class ShownSubject:
    """As much of what is followed as a digest says."""

    name: str
    path: str


@dataclasses.dataclass(frozen=True)
class ShownId:
    """What a link of a digest is made of."""

    id: int


@dataclasses.dataclass(frozen=True)
class ShownLine:
    """One thing that is news."""

    said: Any
    title: str
    facts: tuple[Any, ...]
    path: str


@dataclasses.dataclass(frozen=True)
class ShownPart:
    """What a digest says of one subject."""

    follow: ShownId
    subject: ShownSubject
    lines: tuple[ShownLine, ...]
    more: int = 0
    carried_from: str = ""


def _followed(names: Names) -> Values:
    need = ShownLine(lazy("New"), names.need, (full_day(DAY), names.area), "/needs/4kq0m2x7c9d1f")
    money = ShownLine(lazy("New fundraiser"), names.fundraiser, (), "/fundraisers/forty-beds-before-the-frost")
    fact = ShownLine(lazy("Withdrawn"), names.note, (names.reason,), "/learn/facts/one-in-ten")
    pantry = ShownSubject(names.organization, "/organizations/ironbound-pantry-network")
    topic = ShownSubject(names.fundraiser, "/learn/topics/checking")
    return {
        "name": names.person,
        "parts": [ShownPart(ShownId(1), pantry, (need, money)), ShownPart(ShownId(2), topic, (fact,), 12)],
        "stop_one": {1: TOKEN, 2: TOKEN},
        "has_account": True,
        "subject": names.organization,
        "about": "organization",
        "weekly": True,
        "path": f"/follow/confirm/{TOKEN}",
        "days": 7,
    }


def _carried(names: Names) -> Values:
    part = dataclasses.replace(_followed(names)["parts"][0], carried_from=names.other)
    return {"parts": [part], "name": "", "has_account": False}


def _guardian(names: Names) -> Values:
    return {
        "name": names.person,
        "minor": names.other,
        "answer": "consented",
        "url": f"{SITE}/guardians/{TOKEN}",
    }


_BARE_GIFT: Values = {"name": "", "reason": "", "fee": "", "dedication": "", "receipt": None, "monthly_url": ""}
_BARE_PLEDGE: Values = {"until": None, "last": None, "note": "", "reason": "", "undo_until": ""}
_BARE_PLACE: Values = {
    "position": "", "area": "", "private": False, "bring": "", "meeting_point": "", "contact": "", "party_size": 1,
    "note": "", "capacity": None, "reasons": [], "shift": ShownShift(None, None),
}  # fmt: skip
_GONE: Values = {
    "undo_until": "",
    "held": False,
    "over": True,
    "is_guest": True,
    "shift": ShownShift(None, None, due_on=DAY),
}
_DEMO: Values = {"demo": True, "may_resume": False, "receipt": None}


def _asked(names: Names) -> Values:
    return {
        "asked": f"They say that {names.organization} takes children from shops.",
        "question": f"Does {names.organization} take children from shops?",
        "slug": "children-in-shops",
        "why": "",
        "note": "",
        "in_danger": False,
    }


def _asked_declined() -> Values:
    return {"question": "", "slug": "", "why": DECLINED["no_claim"], "note": "Ask about one sentence of it."}


SAMPLES: dict[str, Sample] = {
    "learning/asked_confirm": Sample(lambda _names: {"confirm_url": f"{SITE}/learn/check/tell/{TOKEN}"}),
    "learning/asked_decided": Sample(
        _asked,
        empty={**_asked_declined(), "asked": "", "note": "", "why": DECLINED["person_in_danger"], "in_danger": True},
        other=_asked_declined(),
    ),
    "accounts/address_taken": Sample(_address_taken),
    "accounts/change_email": Sample(_link),
    "accounts/email_change_asked": Sample(_link),
    "accounts/finish_account": Sample(_link),
    "accounts/reset_password": Sample(_link),
    "accounts/sign_in": Sample(_link),
    "accounts/verify_email": Sample(_link),
    "discovery/confirm": Sample(_followed, other={"about": "fundraiser", "weekly": False}),
    "discovery/digest": Sample(_followed, "following", other=_carried(NAMES[OTHER])),
    "donations/dispute": Sample(
        _dispute, empty={"donor": "", "state": "inquiry", "elsewhere": True}, other={**_DEMO, "state": "won"}
    ),
    "donations/failed": Sample(_gift, empty=_BARE_GIFT, other=_DEMO),
    "donations/message_reported": Sample(_gift_list),
    "donations/offline_waiting": Sample(_gift_list),
    "donations/fraud_warning": Sample(_back, empty={"donor": "", "in_test": True}, other=_DEMO),
    "donations/monthly_ended": Sample(
        _monthly, empty={"name": "", "in_test": True}, other={"ended_by": "account", "demo": True}
    ),
    "donations/monthly_ends_soon": Sample(_monthly, empty={"name": ""}, other={"demo": True}),
    "donations/monthly_failed": Sample(_monthly, empty={"name": "", "again_on": ""}, other={"demo": True}),
    "donations/payout_failed": Sample(_payout),
    "donations/processing": Sample(_gift, empty=_BARE_GIFT, other=_DEMO),
    "donations/receipt": Sample(_receipt, empty={"name": ""}, other={"mark": "TEST: no money was given"}),
    "donations/statement": Sample(_statement, empty={"name": ""}),
    "donations/refund_failed": Sample(_back, empty={"donor": "", "refused": True}, other={**_DEMO, "gone": True}),
    "donations/refunded": Sample(_back, empty={"name": "", "arrived": False}, other={**_DEMO, "astray": True}),
    "donations/thanks": Sample(_gift, empty=_BARE_GIFT, other=_DEMO),
    "fundraisers/decided": Sample(_fundraiser, empty={"reason": ""}, other={"approved": True}),
    "fundraisers/goal_reached": Sample(_fundraiser, other={"is_open": False}),
    "fundraisers/milestone": Sample(_fundraiser),
    "fundraisers/waiting": Sample(_fundraiser),
    "needs/assigned": Sample(_assigned, "staff_assigned", other=_more_assigned(NAMES[OTHER])),
    "needs/confirm": Sample(_need),
    "needs/thanks": Sample(_need, "thanks", {"outcome": "", "people_helped": None, "thanks": ""}, {"is_guest": True}),
    "needs/unconfirmed": Sample(_need),
    "organizations/claim_decided": Sample(_claim, empty={"reason": ""}, other={"granted": False}),
    "organizations/claim_link": Sample(_claim),
    "organizations/invitation": Sample(_invitation, other={"some_needs": False}),
    "organizations/invitation_answered": Sample(_invitation, other={"accepted": False}),
    "organizations/membership_changed": Sample(_invitation, empty={"role": None}, other={"some_needs": False}),
    "organizations/no_owner": Sample(_no_owner),
    "moderation/merged": Sample(_merged, empty={"role": None}, other={"role": ROLE_NAMES["viewer"], "as_viewer": True}),
    "moderation/records_moved": Sample(_merged),
    "organizations/decided": Sample(_claim, other={"decision": "suspended"}),
    "pages/digest": Sample(_digest, "staff_digest"),
    "pledges/cancelled_for": Sample(_pledge, empty={"why": ""}, other={"why": "no_longer_needed"}),
    "pledges/cancelled": Sample(_pledge, other={"undo_until": ""}),
    "pledges/changed": Sample(_pledge, empty={"undo_until": ""}, other={"live": False, "undo_until": ""}),
    "pledges/expired": Sample(_pledge),
    "pledges/made": Sample(_pledge, empty=_BARE_PLEDGE, other={"live": False}),
    "pledges/moved": Sample(_pledge),
    "pledges/overdue": Sample(_pledge),
    "pledges/received": Sample(_pledge, other={"received": "0", "live": False}),
    "pledges/reminder": Sample(_pledge, "reminder"),
    "pledges/unowned": Sample(_pledge),
    "pledges/staff_pledged": Sample(_pledge, "staff_pledges", _BARE_PLEDGE),
    "pledges/staff_taken_back": Sample(_pledge, "staff_cancellations"),
    "safeguarding/clearance": Sample(
        _clearance,
        empty={"accepted": False, "until": None},
        other={"event": "ends", "course": "safeguarding-basics"},
    ),
    "safeguarding/guardian_answered": Sample(_guardian, other={"answer": "withdrawn"}),
    "safeguarding/guardian_asked": Sample(_guardian),
    "safeguarding/staff_clearance": Sample(_clearance, empty={"until": None}, other={"event": "objected"}),
    "signups/cancelled": Sample(_place, empty=_BARE_PLACE | {"was": "waitlisted"}, other=_GONE),
    "signups/cancelled_for": Sample(
        _place, empty=_BARE_PLACE | {"reason": "", "was": "waitlisted"}, other={"reason": "no_longer_needed"}
    ),
    "signups/changed_for": Sample(_place, empty=_BARE_PLACE, other=_GONE),
    "signups/confirmed": Sample(_place, empty=_BARE_PLACE | {"is_guest": True, "was": "waitlisted"}, other=_GONE),
    "signups/ended": Sample(_place, empty=_BARE_PLACE, other=_GONE),
    "signups/first_come": Sample(_place, empty=_BARE_PLACE),
    "signups/guest_hold": Sample(_place, empty=_BARE_PLACE),
    "signups/moved": Sample(_place, empty=_BARE_PLACE, other=_GONE),
    "signups/offer_expired": Sample(_place, empty=_BARE_PLACE),
    "signups/offered": Sample(_place, empty=_BARE_PLACE | {"why": ""}, other={"why": "moved"}),
    "signups/passed_over": Sample(_place, empty=_BARE_PLACE, other={"party": False}),
    "signups/reminder": Sample(_place, "reminder", _BARE_PLACE),
    "signups/shift_cancelled": Sample(_place, empty=_BARE_PLACE, other={"need_shown": False}),
    "signups/staff_cancelled": Sample(_place, "staff_cancellations", _BARE_PLACE, {"ended": True}),
    "signups/staff_signup": Sample(_place, "staff_signups", _BARE_PLACE),
    "signups/waitlist_closed": Sample(_place, empty=_BARE_PLACE, other={"called_off": False, "need_shown": False}),
    "signups/waitlisted": Sample(_place, empty=_BARE_PLACE | {"why": "joined"}, other={"why": "withdrawn"}),
    "signups/unowned": Sample(_place, empty=_BARE_PLACE),
    "signups/two_adults": Sample(_place, empty={"state": "cannot_run", "staff_path": ""}, other={"state": "runs"}),
}
