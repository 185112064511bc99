"""Who may be where, written from the sentences of PRODUCT.md alone (G1 to G4, G7, N6, S10). It imports nothing of the
application: facts in, yes or no out, and whatever is not known is no."""

from __future__ import annotations

import dataclasses
import datetime as dt
import zoneinfo

WITH_PEOPLE = ("children", "adults_at_risk")
ADULT = 18
CHECK, CONDUCT, COURSE = "background_check", "code_of_conduct", "training:safeguarding_basics"


@dataclasses.dataclass
class Organization:
    """`moderators`: how many different ones agreed that it may ask people to contact. `asks`: of everybody, where there is
    contact. `conduct`: the latest version of its code, 0 none."""

    moderators: int = 0
    suspended: bool = False
    asks: set[str] = dataclasses.field(default_factory=set)
    conduct: int = 0


@dataclasses.dataclass
class Clearance:
    """What organization `by` recorded, and on which day; `shared`: with whom the person shares it."""

    kind: str
    by: int
    issued: dt.date
    ends: dt.date | None
    accepted: bool = True
    revoked: bool = False
    shared: set[int] = dataclasses.field(default_factory=set)
    recorded: dt.date = dt.date.min


@dataclasses.dataclass
class Exemption:
    """Waived by organization `by` from its first to its last day, once a second person agreed."""

    kind: str
    by: int
    first: dt.date
    last: dt.date
    agreed: bool = False
    ended: bool = False


@dataclasses.dataclass
class Person:
    """`account`: not only a guest. `guardian`: asked, consented, or none ("")."""

    birth: dt.date | None
    active: bool = True
    verified: bool = True
    account: bool = True
    guardian: str = ""
    spoken_to_by: set[int] = dataclasses.field(default_factory=set)
    clearances: list[Clearance] = dataclasses.field(default_factory=list)
    exemptions: list[Exemption] = dataclasses.field(default_factory=list)
    accepted: dict[int, int] = dataclasses.field(default_factory=dict)
    completions: list[Completion] = dataclasses.field(default_factory=list)

    def let_go(self, organization: int) -> None:
        """What it did not accept ends what was accepted before, also when that word is itself revoked later."""
        words = [one for one in self.clearances if one.by == organization and not one.accepted and not one.revoked]
        for known in self.clearances:
            dated = (known.issued, known.recorded)
            if known.accepted and any(one.kind == known.kind and (one.issued, one.recorded) >= dated for one in words):
                known.shared.discard(organization)
                known.revoked = known.revoked or known.by == organization


@dataclasses.dataclass
class Completion:
    """The person passed this version of the course of the platform; `shared`: with whom they share that."""

    version: int
    last: dt.date
    shared: set[int] = dataclasses.field(default_factory=set)


@dataclasses.dataclass
class Shift:
    """Instants, or a flexible role with its due date. `positions`: what each asks. `places`: who, on which position, for how
    many people."""

    need: int
    organization: int
    positions: list[set[str]]
    starts: dt.datetime | None = None
    ends: dt.datetime | None = None
    due: dt.date | None = None
    contact: str = "none"
    age: int | None = None
    places: dict[int, tuple[int, int]] = dataclasses.field(default_factory=dict)


@dataclasses.dataclass
class World:
    """Everything; `now` is the instant at which is asked. All places are in one zone. `need_asks` and `private` by need."""

    zone: str
    now: dt.datetime
    organizations: list[Organization]
    people: list[Person]
    shifts: list[Shift]
    need_asks: list[set[str]]
    private: list[bool]
    # By need: the age from which the law of the state where it is takes somebody for an adult, at home everybody is at ADULT.
    majority: list[int]
    # Completions of versions before this one do not count any more.
    course_counts_from: int = 1

    def local(self, instant: dt.datetime) -> dt.datetime:
        return instant.astimezone(zoneinfo.ZoneInfo(self.zone))

    @property
    def today(self) -> dt.date:
        return self.local(self.now).date()

    def first_day(self, shift: Shift) -> dt.date:
        """Minimum age is judged on the local date of the shift; a role could begin now."""
        return self.local(shift.starts).date() if shift.starts else self.today

    def last_day(self, shift: Shift) -> dt.date:
        """A clearance is valid through the shift's END; a flexible role has a due date, which counts as its end."""
        if shift.ends:
            return self.local(shift.ends).date()
        return shift.due or self.today

    def asks_anything(self, shift: Shift) -> bool:
        return bool(shift.contact != "none" or shift.age or self.need_asks[shift.need] or any(shift.positions))

    def is_minor(self, person: Person, shift: Shift) -> bool:
        """Known to be one, at home today, or on the day at home or by the law of where it is."""
        if person.birth is None:
            return False
        return age(person.birth, self.today) < ADULT or age(person.birth, self.first_day(shift)) < self.adult_at(shift)

    def adult_at(self, shift: Shift) -> int:
        return max(ADULT, self.majority[shift.need])

    def asked(self, shift: Shift, position: int) -> set[str]:
        wanted = self.need_asks[shift.need] | shift.positions[position]
        if shift.contact in WITH_PEOPLE:
            # With contact it states what it requires: a check at least.
            wanted = wanted | self.organizations[shift.organization].asks | {CHECK}
        return wanted

    def holds(
        self, person: Person, kind: str, organization: int, through: dt.date, *, waivable: bool, with_people: bool
    ) -> bool:
        if kind == CONDUCT:
            # A code of conduct by version: a new one asks again.
            latest = self.organizations[organization].conduct
            return latest > 0 and person.accepted.get(organization) == latest
        if kind == COURSE:
            # Granted by a completed course, portable only with the person's consent; a new version asks again.
            for one in person.completions:
                in_time = one.last >= max(through, self.today)
                if organization in one.shared and one.version >= self.course_counts_from and in_time:
                    return True
        # Portable to another organization only with the person's consent, and nobody stands behind a suspended one's.
        known = [
            one
            for one in person.clearances
            if one.kind == kind and not one.revoked
            and (one.by == organization or (organization in one.shared and not self.organizations[one.by].suspended))
        ]  # fmt: skip
        # The outcome is the one that was stated last.
        declined = max(((one.issued, one.recorded) for one in known if not one.accepted), default=None)
        for one in known:
            in_time = one.issued <= self.today and (one.ends is None or one.ends >= max(through, self.today))
            last_word = declined is None or (one.issued, one.recorded) > declined
            # Nobody comes to people who need protection by the word of an organization that two moderators did not look at.
            vetted = one.by == organization or not with_people or self.organizations[one.by].moderators >= 2
            if in_time and one.accepted and last_word and vetted:
                return True
        return waivable and any(
            one.kind == kind and one.by == organization and one.agreed and not one.ended
            and one.first <= self.today and one.last >= max(through, self.today)
            for one in person.exemptions
        )  # fmt: skip

    def cleared(self, who: int, shift: Shift, position: int, party: int, *, waivable: bool = True) -> bool:
        """Whether somebody may have such a place, were there room."""
        person, organization = self.people[who], self.organizations[shift.organization]
        with_people = shift.contact in WITH_PEOPLE
        if not person.active or shift.contact == "not_stated":
            return False
        if party > 1 and self.asks_anything(shift):
            return False  # every member of a group passes alone
        if with_people and (organization.moderators < 2 or organization.suspended or person.birth is None):
            return False
        if with_people and shift.starts is None and shift.due is None:
            return False
        if shift.age and (person.birth is None or age(person.birth, self.first_day(shift)) < shift.age):
            return False
        if self.is_minor(person, shift) and not self._guarded(person, shift):
            return False
        through = self.last_day(shift)
        return all(
            self.holds(person, kind, shift.organization, through, waivable=waivable, with_people=with_people)
            for kind in self.asked(shift, position)
        )

    def _guarded(self, person: Person, shift: Shift) -> bool:
        """A minor does nothing before a guardian consents; before contact staff confirm the guardian; hours by age."""
        if person.guardian != "consented":
            return False
        if shift.contact in WITH_PEOPLE and shift.organization not in person.spoken_to_by:
            return False
        if shift.starts is None or shift.ends is None:
            return True
        starts, ends = self.local(shift.starts), self.local(shift.ends)
        in_the_day = starts.date() == ends.date() and starts.hour >= 6 and (ends.hour, ends.minute) <= (22, 0)
        return in_the_day and shift.ends - shift.starts <= dt.timedelta(hours=8)

    def may_take(self, who: int, shift: Shift, position: int, party: int, *, vouched: bool = False) -> bool:
        """Whether a place may be taken now by whatever way; `vouched`: staff have them before them."""
        person = self.people[who]
        minor = person.birth is not None and age(person.birth, self.today) < ADULT
        return (
            self.cleared(who, shift, position, party)
            and not self.organizations[shift.organization].suspended
            and (person.verified or vouched)
            and not (minor and person.guardian != "consented")
            and not self.is_over(shift)
        )

    def may_as_guest(self, who: int, shift: Shift) -> bool:
        """A guest is adult, and only for shifts without requirement or contact; nor where the address is private."""
        return not self.asks_anything(shift) and not self.private[shift.need]

    def is_over(self, shift: Shift) -> bool:
        return shift.ends <= self.now if shift.ends else shift.due is not None and shift.due < self.today

    def adults(self, shift: Shift) -> int:
        """Cleared adults on it, without exemptions; minors never count."""
        found = 0
        for who, (position, party) in shift.places.items():
            birth = self.people[who].birth
            grown = birth is not None and age(birth, self.first_day(shift)) >= self.adult_at(shift)
            found += grown and self.cleared(who, shift, position, party, waivable=False)
        return found

    def runs(self, shift: Shift) -> bool:
        """Fewer than two cleared adults 24 hours before it starts: it cannot run."""
        if shift.contact not in WITH_PEOPLE or shift.starts is None or self.now < shift.starts - dt.timedelta(hours=24):
            return True
        return self.adults(shift) >= 2

    def may_be_there(self, who: int, shift: Shift) -> bool:
        """Whether a place that somebody has is worth anything now."""
        if who not in shift.places:
            return False
        return self.cleared(who, shift, *shift.places[who]) and self.runs(shift)

    def knows_address(self, who: int, need: int) -> bool:
        """From 48 hours before to the end, for whoever is confirmed and cleared, and has shown that the address is theirs:
        whoever vouches for a person does not vouch for whoever typed that address."""
        found = False
        if not self.people[who].verified:
            return False
        for shift in self.shifts:
            if shift.need != need or self.organizations[shift.organization].suspended:
                continue
            if shift.starts and shift.ends:
                opens, closes = shift.starts - dt.timedelta(hours=48), shift.ends
            elif shift.due:
                midnight = dt.datetime.combine(
                    shift.due + dt.timedelta(days=1), dt.time(), zoneinfo.ZoneInfo(self.zone)
                )
                closes = midnight.astimezone(dt.UTC)
                opens = closes - dt.timedelta(hours=48)
            else:
                continue
            found = found or (opens <= self.now < closes and self.may_be_there(who, shift))
        return found


def age(birth: dt.date, day: dt.date) -> int:
    """Whole years on a day."""
    return day.year - birth.year - ((day.month, day.day) < (birth.month, birth.day))
