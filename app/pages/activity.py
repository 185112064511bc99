"""What happens in an organization, told from its audit trail: the staff's list, and their summary once a day."""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Callable, Sequence
from typing import Any

import sqlalchemy as sa
from markupsafe import Markup, escape
from sqlalchemy.orm import joinedload

from app.accounts.models import Person
from app.core import when
from app.core.audit import AuditEvent
from app.core.clock import local_date
from app.core.db import db
from app.core.i18n import _, lazy
from app.core.ids import encode_id
from app.core.paging import Page, decode_cursor, encode_cursor
from app.fundraisers.models import Fundraiser
from app.needs.models import Item, Need, Shift
from app.needs.policy import seen_by_staff
from app.organizations.models import Membership, Organization
from app.pledges.models import Pledge
from app.signups.models import GuestHold, Signup

# What is told, and in which words: `who` did it (for places and pledges whose it is), `what` it is about.
SENTENCES: dict[str, Any] = {
    "signup.confirmed": lazy("%(who)s signed up: %(what)s"),
    "signup.changed": lazy("%(who)s changed their place: %(what)s"),
    "signup.cancelled": lazy("%(who)s gave their place back: %(what)s"),
    "signup.offered": lazy("A place is offered to %(who)s: %(what)s"),
    "signup.declined": lazy("%(who)s declined a place: %(what)s"),
    "signup.expired": lazy("%(who)s did not answer an offer: %(what)s"),
    "guest_hold.mail_failed": lazy("Our mail does not reach a guest for whom a place is held: %(what)s"),
    "guest_hold.mail_arrives": lazy("Our mail reaches the guest for whom a place is held: %(what)s"),
    "signup.waitlisted": lazy("%(who)s is on the waitlist: %(what)s"),
    "signup.checked_in": lazy("%(who)s is here: %(what)s"),
    "signup.no_show": lazy("%(who)s did not come: %(what)s"),
    "signup.hours_approved": lazy("The hours of %(who)s are noted: %(what)s"),
    "pledge.made": lazy("%(who)s pledged %(what)s"),
    "pledge.changed": lazy("%(who)s changed their pledge: %(what)s"),
    "pledge.cancelled": lazy("%(who)s took back their pledge: %(what)s"),
    "pledge.received": lazy("Received from %(who)s: %(what)s"),
    "pledge.expired": lazy("The pledge of %(who)s has run out: %(what)s"),
    "need.created": lazy("%(who)s began a need: %(what)s"),
    "need.duplicated": lazy("%(who)s made a copy: %(what)s"),
    "need.published": lazy("%(who)s published %(what)s"),
    "need.edited": lazy("%(who)s changed %(what)s"),
    "need.paused": lazy("%(who)s paused %(what)s"),
    "need.unconfirmed": lazy("Paused, because nobody confirmed it: %(what)s"),
    "need.reopened": lazy("%(who)s opened %(what)s again"),
    "need.closed": lazy("%(who)s closed %(what)s"),
    "need.coordinator_added": lazy("%(who)s assigned %(what)s to %(person)s"),
    "need.coordinator_removed": lazy("%(person)s does not coordinate %(what)s any more"),
    "import.finished": lazy("%(who)s imported needs from a file"),
    "import.undone": lazy("%(who)s took an import back"),
    "shift.added": lazy("%(who)s added a shift: %(what)s"),
    "shift.edited": lazy("%(who)s changed a shift: %(what)s"),
    "shift.cancelled": lazy("%(who)s cancelled a shift: %(what)s"),
    "item.added": lazy("%(who)s asks for %(what)s"),
    "item.edited": lazy("%(who)s changed the item %(what)s"),
    "item.removed": lazy("%(who)s took an item from a need"),
    "organization.claimed": lazy("The page was claimed: somebody of %(what)s runs it now"),
    "organization.unclaimed": lazy("Nobody owns %(what)s any more: it takes no promises until somebody claims it"),
    "organization.moved": lazy("%(who)s said in which town, state or province %(what)s is"),
    "organization.merged": lazy("%(what)s was the same organization and became part of this one"),
    "organization.exported": lazy("%(who)s took a list away as a file"),
    "organization.logo_set": lazy("%(who)s put up a logo"),
    "organization.logo_removed": lazy("%(who)s took the logo away"),
    "membership.added": lazy("%(what)s belongs to the staff now"),
    "membership.changed": lazy("%(who)s changed the role of %(what)s"),
    "membership.removed": lazy("%(who)s took somebody from the staff"),
    "fundraiser.started": lazy("%(who)s wants to raise money: %(what)s"),
    "fundraiser.approved": lazy("%(who)s approved %(what)s"),
    "fundraiser.declined": lazy("%(who)s declined %(what)s"),
    "fundraiser.read_again": lazy("%(who)s read what changed on %(what)s"),
    "fundraiser.ended": lazy("The fundraiser %(what)s has ended"),
}
# The same when staff did it for the person.
_FOR_THEM: dict[str, Any] = {
    "signup.changed": lazy("The place of %(who)s was changed for them: %(what)s"),
    "signup.cancelled": lazy("The place of %(who)s was given back for them: %(what)s"),
    "pledge.cancelled": lazy("The pledge of %(who)s was taken back for them: %(what)s"),
}
# When nobody of the people did it: what it rests on changed.
_ENDED: dict[str, Any] = {
    "signup.cancelled": lazy("The place of %(who)s could not stay: %(what)s"),
    "pledge.cancelled": lazy("The pledge of %(who)s ended: %(what)s"),
}
# Which list somebody took away, by its name among the exports.
_TAKEN: dict[str, Any] = {
    "needs": lazy("%(who)s took the list of needs away as a file"),
    "signups": lazy("%(who)s took the list of places away as a file"),
    "pledges": lazy("%(who)s took the list of pledges away as a file"),
    "donations": lazy("%(who)s took the list of gifts away as a file"),
    "gift-aid": lazy("%(who)s took the list of Gift Aid declarations away as a file"),
    "journal": lazy("%(who)s took the ledger's journal away as a file"),
    "fees": lazy("%(who)s took the list of fees away as a file"),
}
# Acts on one thing that are about a person besides, named in the event's data.
_TO_SOMEBODY = ("need.coordinator_added", "need.coordinator_removed")
# What each kind of staff mail is about.
ACTIONS_OF_KIND = {
    "staff_signups": ("signup.confirmed", "signup.changed"),
    "staff_cancellations": ("signup.cancelled", "pledge.cancelled"),
    "staff_pledges": ("pledge.made", "pledge.changed"),
}
# The acts about which the row tells whose it is; elsewhere whoever acted is named.
_OWNED = ("signup", "pledge")
# How far back organizations are looked for that had something happen since yesterday.
_RECENT_ROWS = 20_000


@dataclasses.dataclass(frozen=True)
class Entry:
    """One thing that happened: when, told with a link on the need it is about, and that need's staff page ("" when there
    is none any more)."""

    at: dt.datetime
    told: Markup
    path: str

    @property
    def sentence(self) -> str:
        """The same as plain text, for mails."""
        return self.told.striptags()


def list_seen(person: Person, organization_id: int) -> sa.ColumnElement[bool]:
    """Of the organization's events those that the member may read (a condition over AuditEvent): all of them, or, for a
    coordinator of assigned needs, those about these needs."""
    every = sa.exists().where(
        Membership.organization_id == organization_id, Membership.person_id == person.id, Membership.all_needs
    )
    needs = sa.select(Need.id).where(Need.organization_id == organization_id, seen_by_staff(person, organization_id))
    shifts, items = (
        sa.select(Shift.id).where(Shift.need_id.in_(needs)),
        sa.select(Item.id).where(Item.need_id.in_(needs)),
    )
    of_kind = {
        "need": needs,
        "shift": shifts,
        "item": items,
        "signup": sa.select(Signup.id).where(Signup.shift_id.in_(shifts)),
        "guesthold": sa.select(GuestHold.id).where(GuestHold.shift_id.in_(shifts)),
        "pledge": sa.select(Pledge.id).where(Pledge.item_id.in_(items)),
    }
    return sa.or_(
        every,
        *(sa.and_(AuditEvent.subject_type == kind, AuditEvent.subject_id.in_(ids)) for kind, ids in of_kind.items()),
    )


def list_activity(
    organization_id: int, slug: str, cursor: str | None, *, seen: sa.ColumnElement[bool], limit: int = 40
) -> Page[Entry]:
    """What happened in the organization of what is `seen` (list_seen), latest first. For its staff only: the caller's guard
    makes sure. Raises BadCursor."""
    query = _events(organization_id, tuple(SENTENCES)).where(seen)
    if cursor:
        query = query.where(AuditEvent.id < decode_cursor(cursor, int)[0])
    events = list(db.session.scalars(query.order_by(AuditEvent.id.desc()).limit(limit + 1)))
    following = encode_cursor(events[limit - 1].id) if len(events) > limit else None
    return Page(_tell(events[:limit], slug), following)


def list_between(
    organization_id: int,
    slug: str,
    actions: Sequence[str],
    since: dt.datetime,
    until: dt.datetime,
    *,
    seen: sa.ColumnElement[bool],
) -> list[Entry]:
    """What happened of `actions`, and is `seen`, from `since` up to `until` (aware), first things first (at most 200)."""
    query = _events(organization_id, tuple(actions)).where(seen, AuditEvent.at >= since, AuditEvent.at < until)
    return _tell(list(db.session.scalars(query.order_by(AuditEvent.id).limit(200))), slug)


def list_busy_organizations(since: dt.datetime) -> list[int]:
    """Ids of the organizations in which something of the staff's kinds happened since `since` (aware)."""
    actions = [action for kind in ACTIONS_OF_KIND.values() for action in kind]
    recent = (
        sa.select(AuditEvent.organization_id, AuditEvent.action, AuditEvent.at)
        .order_by(AuditEvent.id.desc())
        .limit(_RECENT_ROWS)
        .subquery()
    )
    query = sa.select(recent.c.organization_id).where(recent.c.at >= since, recent.c.action.in_(actions)).distinct()
    return [key for key in db.session.scalars(query) if key is not None]


def _events(organization_id: int, actions: tuple[str, ...]) -> sa.Select[AuditEvent]:
    return sa.select(AuditEvent).where(AuditEvent.organization_id == organization_id, AuditEvent.action.in_(actions))


def _tell(events: Sequence[AuditEvent], slug: str) -> list[Entry]:
    """Each event in words, with one statement for every kind of thing they are about and one for the people."""
    things: dict[tuple[str, int], Any] = {}
    for kind, (model, options) in _ABOUT.items():
        keys = {event.subject_id for event in events if event.subject_type == kind}
        if keys:
            rows = db.session.scalars(sa.select(model).options(*options).where(model.id.in_(keys)))
            things |= {(kind, row.id): row for row in rows}
    people = {event.actor_id for event in events if event.actor_id is not None}
    people |= {event.data["person_id"] for event in events if event.action in _TO_SOMEBODY}
    names: dict[int, str] = {}
    if people:
        found = db.session.execute(sa.select(Person.id, Person.name).where(Person.id.in_(people)))
        names = {row.id: row.name for row in found}
    return [_entry(event, things.get((event.subject_type, event.subject_id)), names, slug) for event in events]


def _entry(event: AuditEvent, thing: Any, names: dict[int, str], slug: str) -> Entry:
    who, sentence = names.get(event.actor_id or 0) or _("The site"), SENTENCES[event.action]
    if event.action == "organization.exported":
        sentence = _TAKEN.get(event.data.get("what", ""), sentence)
    if event.subject_type in _OWNED and thing is not None:
        who = thing.person.name
        if event.actor_id is None:
            sentence = _ENDED.get(event.action, sentence)
        elif event.actor_id != thing.person_id:
            sentence = _FOR_THEM.get(event.action, sentence)
    words, need = _WORDS[event.subject_type](thing) if thing is not None else (_("something that is gone"), None)
    path = f"/manage/{slug}/needs/{encode_id(need.id)}" if need is not None else ""
    title = Markup('<a href="{}">{}</a>').format(path, need.title) if need is not None else ""
    what = escape(words).replace(_NEED, title) if need is not None else escape(words)
    values = {"who": who, "what": what}
    if event.action in _TO_SOMEBODY:
        values["person"] = names.get(event.data["person_id"]) or _("somebody")
    return Entry(event.at, Markup(str(sentence)) % values, path)  # noqa: S704  # our own words


# Where the title of the need stands in what a thing is called: a character nobody can type into a field (core/text.py).
_NEED = "\x00"


def _of_signup(signup: Signup) -> tuple[str, Need | None]:
    people = f" ({signup.party_size})" if signup.party_size > 1 else ""
    what, need = _of_shift(signup.shift)
    return what + people, need


def _of_shift(shift: Shift) -> tuple[str, Need | None]:
    if shift.starts_at is None:
        return _NEED, shift.need
    return f"{_NEED}, {when.full_day(local_date(shift.starts_at, shift.time_zone))}", shift.need


def _of_pledge(pledge: Pledge) -> tuple[str, Need | None]:
    item = pledge.item
    words = _("%(quantity)s of %(item)s", quantity=pledge.quantity.normalize().to_eng_string(), item=item.name)
    return f"{words} ({_NEED})", item.need


def _of_item(item: Item) -> tuple[str, Need | None]:
    return f"{item.name} ({_NEED})", item.need


# By what the audit trail calls them.
_ABOUT: dict[str, tuple[Any, tuple[Any, ...]]] = {
    "signup": (Signup, (joinedload(Signup.person), joinedload(Signup.shift).joinedload(Shift.need))),
    # Not even the name: what a guest typed is kept no longer than the hold.
    "guesthold": (GuestHold, (joinedload(GuestHold.shift).joinedload(Shift.need),)),
    "pledge": (Pledge, (joinedload(Pledge.person), joinedload(Pledge.item).joinedload(Item.need))),
    "need": (Need, ()),
    "shift": (Shift, (joinedload(Shift.need),)),
    "item": (Item, (joinedload(Item.need),)),
    "person": (Person, ()),
    "organization": (Organization, ()),
    "fundraiser": (Fundraiser, ()),
}
# What each kind of thing is called, with _NEED for the title of its need, and that need.
_WORDS: dict[str, Callable[[Any], tuple[str, Need | None]]] = {
    "signup": _of_signup,
    "guesthold": lambda hold: _of_shift(hold.shift),
    "pledge": _of_pledge,
    "need": lambda need: (_NEED, need),
    "shift": _of_shift,
    "item": _of_item,
    "person": lambda person: (person.name, None),
    "organization": lambda organization: (organization.name, None),
    "fundraiser": lambda fundraiser: (fundraiser.title, None),
}
