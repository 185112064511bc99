"""How the demonstration comes about. Everything is made by the operations that people use, each with the clock at the
moment it tells of, in the order of time: nothing is there that nobody could have made. What such a past would have left
behind is said at the end: its mails count as sent, its audit trail is sealed, the index is as of now."""

from __future__ import annotations

import dataclasses
import datetime as dt
import decimal
import functools
import random
import zoneinfo
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Generic, TypeVar

import sqlalchemy as sa

from app.accounts.models import Person
from app.accounts.operations import create_person, edit_profile, note_mail, register_person
from app.accounts.passwords import hash_password
from app.core import audit, outbox
from app.core.clock import moved_to
from app.core.db import db
from app.core.money import Money
from app.core.pictures import reencode
from app.core.places import find_place
from app.fundraisers import operations as fundraisers
from app.fundraisers.models import Fundraiser
from app.fundraisers.updates import post_update
from app.moderation import operations as moderation
from app.needs import index
from app.needs import operations as needs
from app.needs.models import Item, Need, Shift
from app.organizations import claims, invitations
from app.organizations.models import Organization
from app.organizations.operations import (
    LOGO_BOX,
    add_location,
    edit_organization,
    register_organization,
    set_logo,
)
from app.pages.demo_data import shape
from app.pages.demo_logos import draw_logo
from app.pages.demo_pages import fill_page, team_of
from app.pages.demo_safety import tell_courses, tell_guardian, tell_safety
from app.pledges.operations import (
    cancel_pledge,
    change_pledge,
    expire_pledge,
    pledge,
    receive_pledge,
    receive_unpledged,
)
from app.signups import attendance, holds, waitlist
from app.signups.models import Signup
from app.signups.operations import cancel_signup, check_in, end_for_cancelled_shift, mark_no_show, record_hours, sign_up
from app.signups.volunteers import add_volunteer

PASSWORD = "many hands, light work"  # noqa: S105  # the demonstration's, said on the screen
MODERATOR = "moderator"
DAY = dt.timedelta(days=1)
MINUTE = dt.timedelta(minutes=1)
# Staff say this often, in days, that an open need is still needed: N4 asks after 25 and pauses it after 30.
CONFIRMED_EVERY = 24
# Long enough before now that two of those who wait have been asked: one declined, one did not answer.
LINE_BEGAN = 2.5 * DAY
# The mails of the last day are sent, so that there are some to look at.
MAILS_SENT_OF = DAY

T = TypeVar("T")


class Late(Generic[T]):
    """Something that is there once the act that makes it happened."""

    value: T | None = None

    def get(self) -> T:
        """It. Raises LookupError before that."""
        if self.value is None:
            raise LookupError("told before it was made")
        return self.value


@dataclasses.dataclass(frozen=True)
class Act:
    """Something somebody does at an instant; `number` keeps the order of what happens at once."""

    at: dt.datetime
    number: int
    do: Callable[[], object]


class Story:
    """Collects what happens to people and organizations until the instant `now`, then lets it happen in that order."""

    def __init__(
        self, now: dt.datetime, people: Sequence[shape.DemoPerson], organizations: Sequence[shape.DemoOrganization]
    ) -> None:
        self.now = now
        self.given = {each.first: each for each in people}
        self.people: dict[str, Person] = {}
        self.acts: list[Act] = []
        self.password_hash = hash_password(PASSWORD)
        for person in people:
            self.tell(self.ago(person.joined), self._join, person)
            if person.bounces:
                self.tell(self.ago(2), self._bounce, person)
            if person.guardian:
                tell_guardian(self, person)
        tell_courses(self)
        for number, organization in enumerate(organizations):
            OrganizationStory(self, organization, 7 * number * MINUTE)

    def play(self) -> None:
        """Let it all happen, inside the caller's transaction."""
        for act in sorted(self.acts, key=lambda act: (act.at, act.number)):
            with moved_to(act.at):
                act.do()
        db.session.flush()
        index.reindex(list(db.session.scalars(sa.select(Need.id))))
        outbox.note_kept(self.now - MAILS_SENT_OF)
        audit.seal()

    def tell(self, at: dt.datetime, do: Callable[..., object], *arguments: Any, **named: Any) -> None:
        """`do` happens at the instant `at`; what would be after now does not happen."""
        if at <= self.now:
            self.acts.append(Act(at, len(self.acts), functools.partial(do, *arguments, **named)))

    def ago(self, days: float) -> dt.datetime:
        """The instant so many days before now."""
        return self.now - days * DAY

    def day(self, days: int, zone: str) -> dt.date:
        """The date so many days from now, in the time zone `zone`."""
        return self.now.astimezone(zoneinfo.ZoneInfo(zone)).date() + days * DAY

    def _join(self, given: shape.DemoPerson) -> None:
        born = None if given.age is None else self.day(-round(given.age * shape.YEAR_DAYS), "UTC")
        if given.verified:
            person = create_person(email=given.email, name=given.name, password=None, role=given.role, birth_date=born)
            # The one thing written by hand: hashing is slow on purpose, and they all have the same password.
            person.password_hash = self.password_hash if given.password else None
        else:
            register_person(email=given.email, name=given.name, password=PASSWORD, birth_date=born)
            person = db.session.scalars(sa.select(Person).where(Person.email == given.email)).one()
        if given.place or given.skills:
            edit_profile(
                person.id,
                by=person,
                place=given.place,
                skills=list(given.skills),
                availability=list(given.availability),
            )
        self.people[given.first] = person

    def _bounce(self, given: shape.DemoPerson) -> None:
        note_mail(self.people[given.first].id, failed=True)


class OrganizationStory:
    """What happens to one organization. `later` spreads the organizations over the day."""

    def __init__(self, story: Story, given: shape.DemoOrganization, later: dt.timedelta) -> None:
        self.story, self.given, self.later = story, given, later
        self.made = Late[Organization]()
        story.tell(story.ago(given.ago) + later, self._register)
        for decision in given.decisions:
            story.tell(story.ago(decision.ago) + later, self._decide, decision)
        tell_safety(self)
        for claim in given.claims:
            story.tell(story.ago(claim.ago) + later, self._claim, claim)
        for first, role, ago in given.invited:
            story.tell(story.ago(ago) + later, self._invite, first, role)
        for need in given.needs:
            NeedStory(self, need)
        for fundraiser in given.fundraisers:
            self.tell_fundraiser(fundraiser)

    @property
    def id(self) -> int:
        """The organization's, once it is registered."""
        return self.made.get().id

    def person(self, first: str) -> Person:
        """Somebody, by first name."""
        return self.story.people[first]

    def tell_fundraiser(self, given: shape.DemoFundraiser, need: Late[Need] | None = None) -> None:
        """A fundraiser: begun, and half a day later decided about where somebody else's is."""
        zone = zone_of(self.given.place, self.given.country)
        begun, made = by_day(self.story.ago(given.ago) + self.later, zone), Late[Fundraiser]()
        self.story.tell(begun, self._start_fundraiser, given, need, made)
        if given.status in ("live", "declined"):
            self.story.tell(begun + DAY / 2, self._answer_fundraiser, given, made)
        if given.status == "live":
            self.story.tell(begun + DAY * 3 / 4, self._fill_page, given, made)
        for title, body, ago in given.updates:
            self.story.tell(
                by_day(self.story.ago(ago) + self.later, zone), self._write_update, given, made, title, body
            )

    def _register(self) -> None:
        given = self.given
        owner = self.person(given.owner) if given.owner else None
        self.made.value = register_organization(
            name=given.name,
            by=owner,
            owner=owner,
            country=given.country,
            place=given.place,
            description=given.description,
            website=given.website,
        )
        if owner is None:
            return
        if given.causes:
            edit_organization(self.id, by=owner, causes=given.causes)
        if given.logo:
            set_logo(self.id, reencode(draw_logo(given.logo), box=LOGO_BOX), by=owner)
        for first, role in given.members:
            every = first not in {one for one, _title in given.assigned}
            email = shape.email_of(first)
            asked = invitations.invite(self.id, by=owner, email=email, role=role, all_needs=every)
            invitations.accept_invitation(invitations.token_of(asked), by=self.person(first))
        for name, address, place, private in given.locations:
            add_location(self.id, by=owner, name=name, address=address, place=place, private=private)
        if given.auto_approve:
            fundraisers.set_auto_approval(self.id, by=owner, on=True)

    def _invite(self, first: str, role: str) -> None:
        invitations.invite(self.id, by=self.person(self.given.owner), email=shape.email_of(first), role=role)

    def _decide(self, given: shape.DemoDecision) -> None:
        moderator = self.person(MODERATOR)
        match given.decision:
            case "verified":
                # What an import made is verified by the operator's recorded act.
                by = moderator if self.given.owner else None
                moderation.verify_organization(self.id, by=by, checked=given.checked)
            case "declined":
                moderation.decline_organization(self.id, by=moderator, checked=given.checked)
            case "withdrawn":
                moderation.withdraw_verification(self.id, by=moderator, checked=given.checked)
            case "suspended":
                moderation.suspend_organization(self.id, by=moderator, reason=given.checked)
            case "resumed":
                moderation.resume_organization(self.id, by=moderator, reason=given.checked)
            case other:
                raise ValueError(other)

    def _claim(self, given: shape.DemoClaim) -> None:
        claim = claims.claim_organization(
            self.id, by=self.person(given.first), mailbox=given.mailbox, evidence=given.evidence
        )
        if given.declined:
            moderation.decide_claim(claim.id, by=self.person(MODERATOR), grant=False, checked=given.declined)

    def _start_fundraiser(self, given: shape.DemoFundraiser, need: Late[Need] | None, made: Late[Fundraiser]) -> None:
        organization = self.made.get()
        made.value = fundraisers.start_fundraiser(
            organization.id,
            by=self.person(given.by),
            title=given.title,
            story=given.story,
            goal=Money(given.goal_minor, organization.currency),
            ends_on=None if given.days is None else self.story.day(given.days, organization.time_zone),
            need_id=None if need is None else need.get().id,
            show_starter=given.named,
            is_team=given.is_team,
            team_id=team_of(organization.id, given.of_team),
            counted=fundraisers.Counted("items", item_name=given.item_name, item_minor=given.item_minor)
            if given.item_name
            else fundraisers.MONEY,
        )

    def _fill_page(self, given: shape.DemoFundraiser, made: Late[Fundraiser]) -> None:
        fill_page(given, made.get(), owner=self.person(self.given.owner), starter=self.person(given.by))

    def _write_update(self, given: shape.DemoFundraiser, made: Late[Fundraiser], title: str, body: str) -> None:
        post_update(made.get().id, by=self.person(given.by), title=title, body=body)

    def _answer_fundraiser(self, given: shape.DemoFundraiser, made: Late[Fundraiser]) -> None:
        owner = self.person(self.given.owner)
        if given.status == "live":
            fundraisers.approve_fundraiser(made.get().id, by=owner)
        else:
            fundraisers.decline_fundraiser(made.get().id, by=owner, reason=given.reason)


class NeedStory:
    """What happens to one need: posted, taken part in, and how it ends."""

    def __init__(self, parent: OrganizationStory, given: shape.DemoNeed) -> None:
        self.parent, self.story, self.given = parent, parent.story, given
        self.random = random.Random(given.title)  # noqa: S311  # spreads acts over time, the same at every load
        self.made = Late[Need]()
        self.zone = zone_of(given.place or parent.given.place, parent.given.country)
        spread = self.random.randint(0, 300) * MINUTE
        self.posted = by_day(self.story.ago(given.ago) + parent.later - spread, self.zone)
        over = given.status in ("paused", "closed")
        self.ended = self.story.ago(given.until) if over else self.story.now
        shifts = [(each, Late[Shift]()) for each in given.shifts]
        items = [(each, Late[Item]()) for each in given.items]
        self.story.tell(self.posted, self._post, shifts, items)
        if given.status == "draft":
            return
        self._tell_confirming()
        for shift, made_shift in shifts:
            ShiftStory(self, shift, made_shift)
        for item, made_item in items:
            for each in item.pledges:
                self._tell_pledge(each, made_item)
            if item.unpledged:
                self.story.tell(by_day(self.ended - 2 * DAY, self.zone), self._take_in, item, made_item)
        for fundraiser in given.fundraisers:
            parent.tell_fundraiser(fundraiser, self.made)
        if over:
            self.story.tell(self.ended, self._end)

    @property
    def id(self) -> int:
        """The need's, once it is posted."""
        return self.made.get().id

    @property
    def poster(self) -> Person | None:
        """Who posts and closes it; None where an import did."""
        first = self.given.by or self.parent.given.owner
        return self.story.people[first] if first else None

    @property
    def staff(self) -> Person:
        """Who keeps its rosters and receives what is brought."""
        return self.story.people[self.given.kept_by or self.given.by or self.parent.given.owner]

    def _tell_confirming(self) -> None:
        if self.given.unconfirmed:
            return
        at = self.posted + CONFIRMED_EVERY * DAY
        while at < self.ended:
            self.story.tell(at, lambda: needs.confirm_need(self.id, by=self.staff))
            at += CONFIRMED_EVERY * DAY

    def _post(
        self, shifts: list[tuple[shape.DemoShift, Late[Shift]]], items: list[tuple[shape.DemoItem, Late[Item]]]
    ) -> None:
        given = self.given
        self.made.value = needs.create_need(
            self.parent.id,
            by=self.poster,
            title=given.title,
            description=given.description,
            urgency=given.urgency,
            causes=list(given.causes),
            skills=list(given.skills),
            remote=given.remote,
            place=needs.PlaceInput(address=given.address, city=given.place) if given.place else None,
            private_address=given.private,
            ends_on=None if given.ends_in is None else self.story.day(given.ends_in, self.zone),
            bring=given.bring,
            meeting_point=given.meeting_point,
            day_contact=given.day_contact,
        )
        for first, title in self.parent.given.assigned:
            if title == given.title:
                needs.assign_need(self.id, self.parent.person(first).id, by=self.staff)
        for shift, made_shift in shifts:
            made_shift.value = needs.add_shift(self.id, self._shift_input(shift), by=self.poster)
        for item, made_item in items:
            made_item.value = needs.add_item(self.id, _item_input(item), by=self.poster)
        if given.status != "draft":
            needs.publish_need(self.id, by=self.poster)

    def _shift_input(self, given: shape.DemoShift) -> needs.ShiftInput:
        starts_at, ends_at = (None, None) if given.flexible else given.times(self.zone, self.story.now)
        named = ((given.name, given.capacity), *given.positions)
        return needs.ShiftInput(
            positions=tuple(needs.PositionInput(name=name, capacity=capacity) for name, capacity in named),
            starts_at=starts_at,
            ends_at=ends_at,
            flexible=given.flexible,
            due_on=given.day(self.zone, self.story.now) if given.flexible else None,
            contact=given.contact,
            minimum_age=given.minimum_age,
        )

    def _tell_pledge(self, given: shape.DemoPledge, item: Late[Item]) -> None:
        spread = self.random.randint(0, 300) * MINUTE
        promised, made = by_day(self.story.ago(given.ago) + spread, self.zone), Late[int]()
        settled = by_day(promised + (self.ended - promised) * self.random.uniform(0.4, 0.9), self.zone)
        self.story.tell(promised, self._promise, given, item, made)
        if given.received or given.rejected:
            self.story.tell(settled, self._receive, given, made)
        match given.then:
            case "cancelled":
                self.story.tell(settled, lambda: cancel_pledge(made.get(), by=self.story.people[given.first]))
            case "on_its_way":
                self.story.tell(settled, self._send, given, made)
            case "expired":
                self.story.tell(self.story.ago(1), lambda: expire_pledge(made.get()))

    def _promise(self, given: shape.DemoPledge, item: Late[Item], made: Late[int]) -> None:
        by, quantity = self.story.people[given.first], decimal.Decimal(given.quantity)
        due = None if given.due is None else self.story.day(given.due, self.zone)
        made.value = pledge(item.get().id, by=by, quantity=quantity, note=given.note, deliver_by=due, way=given.way).id

    def _receive(self, given: shape.DemoPledge, made: Late[int]) -> None:
        receive_pledge(
            made.get(),
            by=self.staff,
            received=decimal.Decimal(given.received or 0),
            rejected=decimal.Decimal(given.rejected or 0),
            reason=given.reason,
        )

    def _send(self, given: shape.DemoPledge, made: Late[int]) -> None:
        by, quantity = self.story.people[given.first], decimal.Decimal(given.quantity)
        change_pledge(made.get(), by=by, quantity=quantity, way=given.way, on_its_way=True)

    def _take_in(self, given: shape.DemoItem, item: Late[Item]) -> None:
        receive_unpledged(item.get().id, by=self.staff, received=decimal.Decimal(given.unpledged))

    def _end(self) -> None:
        if self.given.unconfirmed:
            needs.pause_unconfirmed(self.id)
        elif self.given.status == "paused":
            needs.pause_need(self.id, by=self.poster)
        else:
            needs.close_need(self.id, by=self.poster)


class ShiftStory:
    """Who takes a place on one shift, and what becomes of it."""

    def __init__(self, need: NeedStory, given: shape.DemoShift, made: Late[Shift]) -> None:
        self.need, self.story, self.given, self.made = need, need.story, given, made
        self.times = None if given.flexible else given.times(need.zone, self.story.now)
        self.called_off = None if given.cancelled is None else self.story.ago(given.cancelled)
        # Nobody signs up in the last half hour.
        begins = self.story.now if self.times is None else self.times[0] - 30 * MINUTE
        self.last = min(need.ended, self.called_off or self.story.now, begins)
        if given.line:
            # Who waits comes when it is full.
            self.last = min(self.last, self.story.now - LINE_BEGAN - DAY / 2)
        if self.called_off is not None:
            self.story.tell(self.called_off, lambda: needs.cancel_shift(made.get().id, by=need.staff))
        made_places = [self._tell_place(place) for place in shape.places(given.who)]
        if given.line:
            self._tell_line(shape.places(given.line), made_places[-1])
        for guest in given.guests:
            self._tell_guest(guest)

    def _tell_line(self, line: Iterable[shape.Place], leaves: Late[Signup]) -> None:
        """Who waits, and what came of it when a place was given back: the first declines, the second does not answer."""
        began, turns = self.story.now - LINE_BEGAN, [(place, Late[Signup]()) for place in line]
        for number, (place, turn) in enumerate(turns):
            self.story.tell(began + number * MINUTE, self._wait, place, turn)
        freed = began + DAY / 3
        self.story.tell(freed, lambda: cancel_signup(leaves.get().id, by=leaves.get().person))
        first, second = turns[0][1], turns[1][1]
        self.story.tell(freed + DAY / 24, lambda: waitlist.decline(first.get().id, by=first.get().person))
        # What the worker does when the deadline is over, whenever that was.
        self.story.tell(self.story.now - DAY / 3, lambda: waitlist.expire_offer(second.get().id))

    def _wait(self, place: shape.Place, turn: Late[Signup]) -> None:
        by = self.story.people[place.first]
        turn.value = waitlist.join(self.made.get().id, by=by, party_size=place.party)

    def _tell_place(self, place: shape.Place) -> Late[Signup]:
        joined = self.story.ago(self.story.given[place.first].joined)
        first = max(self.need.posted, joined) + 5 * MINUTE
        taken, made = self._between(first, 0.05, 0.95), Late[Signup]()
        self.story.tell(taken, self._take, place, made)
        if place.outcome == "cancelled":
            given_back = self._between(taken, 0.5, 0.6)
            self.story.tell(given_back, lambda: cancel_signup(made.get().id, by=self.story.people[place.first]))
        elif self.called_off is not None:
            # What the worker does once the shift is called off.
            self.story.tell(self.called_off + MINUTE, lambda: end_for_cancelled_shift(made.get().id))
        elif self.times is not None:
            self._tell_attendance(place, made, *self.times)
        elif place.minutes is not None:
            self.story.tell(self.story.ago(0.5), self._write_hours, place, made)
        return made

    def _between(self, first: dt.datetime, least: float, most: float) -> dt.datetime:
        """An instant of the day, so far on the way from `first` to when places can be taken last."""
        found = first + (self.last - first) * self.need.random.uniform(least, most)
        awake = by_day(found, self.need.zone)
        return awake if first < awake < self.last else found

    def _take(self, place: shape.Place, made: Late[Signup]) -> None:
        shift = self.made.get()
        made.value = sign_up(
            shift.id,
            by=self.story.people[place.first],
            party_size=place.party,
            position_id=shift.positions[place.position].id,
            note=dict(self.given.notes).get(place.first, ""),
        )

    def _tell_guest(self, guest: shape.DemoGuest) -> None:
        first = self.need.posted + 10 * MINUTE
        taken, made = self._between(first, 0.3, 0.9), Late[Signup]()
        if guest.how == "held":
            taken = self.story.now - 5 * MINUTE
        self.story.tell(taken, self._take_for_guest, guest, made)
        if guest.how in ("confirmed", "telephone") and self.times is not None and self.called_off is None:
            self._tell_attendance(shape.Place("", guest.party), made, *self.times)

    def _take_for_guest(self, guest: shape.DemoGuest, made: Late[Signup]) -> None:
        shift = self.made.get()
        born, position_id = self.story.day(-400 * guest.age, "UTC"), shift.positions[guest.position].id
        if guest.how == "telephone":
            made.value = add_volunteer(
                shift.id,
                by=self.need.staff,
                name=guest.name,
                birth_date=born,
                phone=guest.phone,
                party_size=guest.party,
                position_id=position_id,
            )
            return
        hold = holds.hold_places(
            shift.id,
            name=guest.name,
            email=guest.email,
            birth_date=born,
            party_size=guest.party,
            position_id=position_id,
        )
        if guest.how == "confirmed":
            made.value = holds.confirm_hold(hold.id)
        elif guest.how == "expired":
            with moved_to(hold.expires_at):
                holds.end_expired_hold(hold.id)

    def _tell_attendance(
        self, place: shape.Place, made: Late[Signup], starts_at: dt.datetime, ends_at: dt.datetime
    ) -> None:
        came = starts_at + self.need.random.randint(-12, 9) * MINUTE
        written = ends_at + self.need.random.randint(20, 180) * MINUTE
        if place.outcome == "absent":
            self.story.tell(ends_at + 15 * MINUTE, lambda: mark_no_show(made.get().id, by=self.need.staff))
        elif place.outcome != "open":
            self.story.tell(came, lambda: check_in(made.get().id, by=self.need.staff))
            self.story.tell(written, self._write_hours, place, made)

    def _write_hours(self, place: shape.Place, made: Late[Signup]) -> None:
        usual = attendance.usual_minutes(made.get().shift) or 60
        record_hours(made.get().id, by=self.need.staff, minutes=place.minutes or usual)


@functools.cache
def zone_of(place: str, country: str) -> str:
    """The time zone there. Raises LookupError for a place nobody knows."""
    found = find_place(place, country=country)
    if found is None:
        raise LookupError(place)
    return found.time_zone


def by_day(at: dt.datetime, zone: str) -> dt.datetime:
    """The same instant, or another hour of its day in the time zone `zone` when people sleep then."""
    local = at.astimezone(zoneinfo.ZoneInfo(zone))
    if 8 <= local.hour < 22:
        return at
    return local.replace(hour=8 + local.hour * 5 % 13, fold=0).astimezone(dt.UTC)


def _item_input(given: shape.DemoItem) -> needs.ItemInput:
    return needs.ItemInput(
        name=given.name,
        unit=given.unit,
        quantity=None if given.quantity is None else decimal.Decimal(given.quantity),
        category=given.category,
        priority=given.priority,
        accepted_condition=given.accepted_condition,
        purchase_url=given.purchase_url,
        do_not_bring=given.do_not_bring,
    )
