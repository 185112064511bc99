"""What is known of people toward organizations, read in a fixed number of statements for one person or a hundred, and
what it says about a requirement. Reads only. Fails closed: what is not known is no (G1)."""

from __future__ import annotations

import dataclasses
import datetime as dt
import functools
from collections import defaultdict
from collections.abc import Collection
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import joinedload

from app.accounts.models import Person
from app.accounts.policy import EVERYWHERE_ADULT_AGE, is_known_minor
from app.core.clock import today
from app.core.db import db
from app.core.errors import Reason
from app.core.i18n import _
from app.learning.courses.models import Course, CourseVersion
from app.learning.courses.queries import Offered, list_offered
from app.organizations.models import Membership, Organization
from app.safeguarding.kinds import REFERENCES_NEEDED, find_kind
from app.safeguarding.models import (
    CONDUCT,
    Clearance,
    ClearanceShare,
    ConductVersion,
    ContactPermission,
    Exemption,
    GuardianConfirmation,
    Guardianship,
    RequirementProfile,
)
from app.safeguarding.policy import is_needed
from app.safeguarding.requirements import Requirement, meets

_LONG_AGO = dt.datetime(1, 1, 1, tzinfo=dt.UTC)


@dataclasses.dataclass(frozen=True)
class Held:
    """A clearance as far as it decides. `outdated`: of a course, a newer version of which asks everybody again. `vetted`: not
    shared by an organization that may not ask people to contact itself."""

    kind: str
    level: str
    issuer: str
    reference: str
    outcome: str
    issued_on: dt.date
    expires_on: dt.date | None
    revoked: bool
    outdated: bool = False
    id: int = 0
    recorded_at: dt.datetime = _LONG_AGO
    vetted: bool = True

    @property
    def last_day(self) -> dt.date | None:
        """The last day on which it holds: its own date, and never longer than its kind is good for. None: no end."""
        kind = find_kind(self.kind)
        longest = None if kind is None or kind.validity is None else self.issued_on + kind.validity
        days = [day for day in (self.expires_on, longest) if day is not None]
        return min(days, default=None)

    def holds(self, on: dt.date, through: dt.date) -> bool:
        """True when it counts on `on`, the day of asking, and still on `through`."""
        last = self.last_day
        return (
            self.outcome == "accepted"
            and not self.revoked
            and not self.outdated
            and self.issued_on <= on
            and (last is None or last >= max(on, through))
        )

    def outweighs(self, earlier: Held) -> bool:
        """True when this one was not accepted and is the later word about the same thing: a check whatever its level, a
        reference of the same person, else the same level. Of one day the one that was recorded last is the later."""
        if self.outcome == "accepted" or self.revoked or self.kind != earlier.kind:
            return False
        if self.kind == "reference":
            same = self.issuer.casefold() == earlier.issuer.casefold()
        else:
            same = self.kind == "background_check" or self.level == earlier.level
        return same and (self.issued_on, self.recorded_at) >= (earlier.issued_on, earlier.recorded_at)


@dataclasses.dataclass(frozen=True)
class Waived:
    """An exemption that two people agreed on."""

    kind: str
    level: str
    starts_on: dt.date
    ends_on: dt.date


@dataclasses.dataclass(frozen=True)
class Guarded:
    """A minor's guardian has agreed; `confirmed`: staff of this organization spoke to them by a second means. `ended`: the
    minor came of age where they live, and only places that they have already rest on it."""

    confirmed: bool
    ended: bool = False


@dataclasses.dataclass(frozen=True)
class PersonFacts:
    """What one organization may rely on about one person. `unshared`: courses that the person passed and has not shared with
    it. They count for nothing, and only the person may hear of them."""

    clearances: tuple[Held, ...] = ()
    exemptions: tuple[Waived, ...] = ()
    guardian: Guarded | None = None
    unshared: tuple[Held, ...] = ()


@dataclasses.dataclass(frozen=True)
class OrganizationFacts:
    """What one organization asks, and whether it may ask people to contact at all: two moderators agreed, and it is
    verified and not suspended now."""

    profile: tuple[str, ...] = ()
    conduct_version: int | None = None
    may_place_with_contact: bool = False


@dataclasses.dataclass(frozen=True)
class Judgement:
    """Whether a requirement is met. `code`: met, exempt, missing, expires (it held, or holds, but not through the day),
    revoked, declined (a later one was not accepted), not_yet (its issue date is ahead), outdated (a newer version of the
    course asks again), unvetted (another organization says so that may not ask people to contact itself) or unshared (the
    person passed the course, and has not let the organization know). `until`: the last day of what there is;
    `clearance_id`: what to share."""

    requirement: Requirement
    code: str
    until: dt.date | None = None
    clearance_id: int | None = None

    @property
    def met(self) -> bool:
        """True when it does not stand in the way."""
        return self.code in ("met", "exempt")


@dataclasses.dataclass(frozen=True)
class Known:
    """Everything that `load` read."""

    people: dict[tuple[int, int], PersonFacts]
    organizations: dict[int, OrganizationFacts]

    def person(self, person_id: int, organization_id: int) -> PersonFacts:
        """What the organization may rely on about the person; nothing when it was not read."""
        return self.people.get((person_id, organization_id), PersonFacts())

    def organization(self, organization_id: int) -> OrganizationFacts:
        """What the organization asks."""
        return self.organizations.get(organization_id, OrganizationFacts())

    @functools.cached_property
    def courses(self) -> dict[str, Offered]:
        """The courses that can be taken here, by the level of training that they are: read once, when first asked for."""
        return {course.level: course for course in list_offered()}


def held_of(clearance: Clearance) -> Held:
    """The row as a fact, with what it says by itself."""
    return Held(
        clearance.kind,
        clearance.level,
        clearance.issuer,
        clearance.reference,
        clearance.outcome,
        clearance.issued_on,
        clearance.expires_on,
        clearance.revoked_at is not None,
        clearance.is_outdated,
        clearance.id,
        clearance.created_at,
    )


def load_organizations(organization_ids: Collection[int]) -> dict[int, OrganizationFacts]:
    """What each organization asks, in one statement, and one more where a minor may be the only owner of one that may ask people
    to contact. One that is not public asks nobody to contact, nor one whose every owner is a
    minor for whom nobody answers (list_unowned)."""
    if not organization_ids:
        return {}
    latest = (
        sa.select(ConductVersion.organization_id, sa.func.max(ConductVersion.version).label("version"))
        .group_by(ConductVersion.organization_id)
        .subquery()
    )
    ids = sa.union(
        sa.select(RequirementProfile.organization_id),
        sa.select(latest.c.organization_id),
        sa.select(ContactPermission.organization_id),
    ).subquery()
    rows = db.session.execute(
        sa.select(
            ids.c.organization_id,
            RequirementProfile.requirements,
            latest.c.version,
            sa.and_(ContactPermission.second_at.is_not(None), *_is_public()),
            _has_grown_owner(),
        )
        .select_from(ids)
        .join(Organization, Organization.id == ids.c.organization_id)
        .outerjoin(RequirementProfile, RequirementProfile.organization_id == ids.c.organization_id)
        .outerjoin(latest, latest.c.organization_id == ids.c.organization_id)
        .outerjoin(ContactPermission, ContactPermission.organization_id == ids.c.organization_id)
        .where(ids.c.organization_id.in_(list(organization_ids)))
    ).all()
    unowned = list_unowned([key for key, *_asked, may, is_surely_owned in rows if may and not is_surely_owned])
    return {
        key: OrganizationFacts(tuple(profile or ()), version, bool(may) and key not in unowned)
        for key, profile, version, may, _is_surely_owned in rows
    }


def _has_grown_owner() -> sa.Exists:
    """Somebody owns it who needs no guardian anywhere (list_unowned asks about the others)."""
    born = today("Etc/GMT+12") - dt.timedelta(days=EVERYWHERE_ADULT_AGE * 366)
    return (
        sa.select(Membership.person_id)
        .join(Person, Person.id == Membership.person_id)
        .where(Membership.organization_id == Organization.id, Membership.role == "owner")
        .where(sa.or_(Person.birth_date.is_(None), Person.birth_date <= born))
        .exists()
    )


def _is_public() -> tuple[sa.ColumnElement[bool], ...]:
    """Organization.is_public, for the database."""
    return (Organization.verified_at.is_not(None), Organization.status == "active")


def load(person_ids: Collection[int], organization_ids: Collection[int]) -> Known:
    """What each of the organizations may rely on about each of the people: five statements, however many there are."""
    organizations = load_organizations(organization_ids)
    if not person_ids or not organization_ids:
        return Known({}, organizations)
    held: dict[tuple[int, int], list[Held]] = defaultdict(list)
    passed: dict[int, list[Held]] = defaultdict(list)
    for person_id, organization_id, shared_with, *values in db.session.execute(
        _clearances(person_ids, organization_ids)
    ):
        fact = Held(*values)
        if shared_with is not None:
            held[person_id, shared_with].append(fact)
        elif organization_id is not None:
            held[person_id, organization_id].append(fact)
        else:
            passed[person_id].append(fact)
    waived: dict[tuple[int, int], list[Waived]] = defaultdict(list)
    for person_id, organization_id, *values in db.session.execute(_exemptions(person_ids, organization_ids)):
        waived[person_id, organization_id].append(Waived(*values))
    guarded, confirmed = _guardians(person_ids, organization_ids)
    people = {}
    for person_id in person_ids:
        for organization_id in organization_ids:
            key = (person_id, organization_id)
            guardian = Guarded(key in confirmed, guarded[person_id]) if person_id in guarded else None
            known = tuple(held.get(key, ()))
            unshared = tuple(fact for fact in passed.get(person_id, ()) if fact not in known)
            people[key] = PersonFacts(known, tuple(waived.get(key, ())), guardian, unshared)
    return Known(people, organizations)


def _clearances(person_ids: Collection[int], organization_ids: Collection[int]) -> sa.CompoundSelect[*tuple[Any, ...]]:
    """Rows of: person, organization (None: the platform's own), organization it is shared with, then Held's fields. The
    platform's own count nowhere by themselves: they come once so that the person can be told to share them."""
    facts = (
        Clearance.kind,
        Clearance.level,
        Clearance.issuer,
        Clearance.reference,
        Clearance.outcome,
        Clearance.issued_on,
        Clearance.expires_on,
        Clearance.revoked_at.is_not(None).label("revoked"),
        sa.func.coalesce(CourseVersion.number < Course.counts_from, sa.false()).label("outdated"),
        Clearance.id,
        Clearance.created_at,
    )
    of_people = Clearance.person_id.in_(list(person_ids))
    own = (
        sa.select(
            Clearance.person_id,
            Clearance.organization_id,
            sa.null().cast(sa.BigInteger).label("shared_with"),
            *facts,
            sa.true().label("vetted"),
        )
        .outerjoin(CourseVersion, CourseVersion.id == Clearance.course_version_id)
        .outerjoin(Course, Course.id == CourseVersion.course_id)
        .where(
            of_people,
            sa.or_(Clearance.organization_id.is_(None), Clearance.organization_id.in_(list(organization_ids))),
        )
    )
    # Who comes to people by the word of another organization comes by the word of two moderators about it, too (G3).
    vetted = sa.or_(Clearance.organization_id.is_(None), ContactPermission.second_at.is_not(None)).label("vetted")
    shared = (
        sa.select(Clearance.person_id, Clearance.organization_id, ClearanceShare.organization_id, *facts, vetted)
        .join(ClearanceShare, ClearanceShare.clearance_id == Clearance.id)
        .outerjoin(CourseVersion, CourseVersion.id == Clearance.course_version_id)
        .outerjoin(Course, Course.id == CourseVersion.course_id)
        # Nobody relies on the word of an organization that is not verified any more, or is suspended.
        .outerjoin(Organization, Organization.id == Clearance.organization_id)
        .outerjoin(ContactPermission, ContactPermission.organization_id == Clearance.organization_id)
        .where(sa.or_(Clearance.organization_id.is_(None), sa.and_(*_is_public())))
        # A code of conduct is one organization's, whatever was shared of it.
        .where(of_people, Clearance.kind != CONDUCT, ClearanceShare.organization_id.in_(list(organization_ids)))
    )
    return sa.union_all(own, shared)


def list_renewed(pairs: Collection[tuple[Clearance, int]]) -> set[tuple[int, int]]:
    """Of these clearances, each with the id of an organization that relies on it, those (by both ids) that nobody there has to
    renew: it relies on another one that is as good, and outlasts it. One statement, however many there are; none for none."""
    if not pairs:
        return set()
    known: dict[tuple[int, int], list[Held]] = defaultdict(list)
    people, organizations = {one.person_id for one, _id in pairs}, {organization_id for _one, organization_id in pairs}
    for person_id, organization_id, shared_with, *values in db.session.execute(_clearances(people, organizations)):
        relying = organization_id if shared_with is None else shared_with
        if relying is not None:
            known[person_id, relying].append(Held(*values))
    return {
        (one.id, organization_id)
        for one, organization_id in pairs
        if _is_outlasted(one.id, known[one.person_id, organization_id])
    }


def _is_outlasted(clearance_id: int, known: Collection[Held]) -> bool:
    one = next((held for held in known if held.id == clearance_id), None)
    if one is None or one.last_day is None:
        return False
    on = max(today("Etc/GMT+12"), one.last_day)
    through = one.last_day + dt.timedelta(days=1)
    others = [
        held
        for held in _matching(known, Requirement(one.kind, one.level))
        if held.id != one.id
        and held.holds(on, through)
        and held.vetted >= one.vetted
        and not any(later.outweighs(held) for later in known)
    ]
    if one.kind != "reference":
        return bool(others)
    # Two people speak for somebody after that day: this one again, or two others.
    referees = {held.issuer.casefold() for held in others}
    return one.issuer.casefold() in referees or len(referees) >= REFERENCES_NEEDED


def _exemptions(person_ids: Collection[int], organization_ids: Collection[int]) -> sa.Select[*tuple[Any, ...]]:
    return sa.select(
        Exemption.person_id,
        Exemption.organization_id,
        Exemption.kind,
        Exemption.level,
        Exemption.starts_on,
        Exemption.ends_on,
    ).where(
        Exemption.person_id.in_(list(person_ids)),
        Exemption.organization_id.in_(list(organization_ids)),
        Exemption.agreed_at.is_not(None),
        Exemption.ended_at.is_(None),
    )


def _guardians(
    person_ids: Collection[int], organization_ids: Collection[int]
) -> tuple[dict[int, bool], set[tuple[int, int]]]:
    """People whose guardian agreed, each with whether that ended by their age, and the pairs with an organization whose staff
    confirmed the guardian."""
    rows = db.session.execute(
        sa.select(Guardianship, GuardianConfirmation.organization_id)
        .options(joinedload(Guardianship.person))
        .outerjoin(
            GuardianConfirmation,
            sa.and_(
                GuardianConfirmation.guardianship_id == Guardianship.id,
                GuardianConfirmation.organization_id.in_(list(organization_ids)),
            ),
        )
        .where(Guardianship.person_id.in_(list(person_ids)), Guardianship.status == "consented")
    ).all()
    guarded = {one.person_id: not is_needed(one) for one, _organization_id in rows}
    return guarded, {(one.person_id, organization_id) for one, organization_id in rows if organization_id is not None}


def has_consenting_guardian(person_id: int) -> bool:
    """True while a guardian answers for this person (G4)."""
    return bool(_list_guarded([person_id]))


def lacks_guardian(person: Person) -> bool:
    """True for a known minor for whom nobody answers (G4)."""
    return bool(list_lacking_guardian([person]))


def list_lacking_guardian(people: Collection[Person]) -> set[int]:
    """Ids of those of the people of whom that is true; in one statement, and none where there is no known minor."""
    minors = {person.id for person in people if is_known_minor(person)}
    return minors - _list_guarded(minors) if minors else set()


def list_unguarded(people: Collection[Person]) -> set[int]:
    """Ids of the known minors among the people for whom nobody answers, nor is asked to: they run nothing (G4)."""
    lacking = list_lacking_guardian(people)
    asked = sa.select(Guardianship.person_id).where(Guardianship.person_id.in_(lacking), Guardianship.status == "asked")
    return lacking - set(db.session.scalars(asked)) if lacking else lacking


def list_unowned(organization_ids: Collection[int]) -> set[int]:
    """Ids of those whose every owner is one of these. Their roles end by a promise of the outbox (staffing.end_unguarded);
    that nobody stands behind the organization any more waits for no worker, so whatever grants or takes something asks
    here. One statement, and what is asked of minors."""
    if not organization_ids:
        return set()
    rows = db.session.execute(
        sa.select(Membership.organization_id, Person)
        .join(Person, Person.id == Membership.person_id)
        .where(Membership.organization_id.in_(list(organization_ids)), Membership.role == "owner")
    ).all()
    unguarded = list_unguarded([person for _organization_id, person in rows])
    owned = {organization_id for organization_id, person in rows if person.id not in unguarded}
    return {organization_id for organization_id, _person in rows} - owned


def _list_guarded(person_ids: Collection[int]) -> set[int]:
    consented = (Guardianship.person_id.in_(list(person_ids)), Guardianship.status == "consented")
    return set(db.session.scalars(sa.select(Guardianship.person_id).where(*consented)))


def guardian_needed() -> Reason:
    """A minor does nothing before a guardian consents (G4)."""
    message = _("You are not an adult yet: a guardian must agree first.")
    return Reason("guardian_consent", message, _("Name your guardian: we ask them by email."), "/my-guardian")


def guardian_needed_there(majority: int, *, lacks_province: bool) -> Reason:
    """Nor does an adult at home where people come of age later, at `majority` (G4); where the state or province decides, and
    is not known, the remedy names that."""
    if not lacks_province:
        message = _("Where this is, people come of age at %(age)s: a guardian must agree first.", age=majority)
        return Reason("guardian_consent", message, _("Name your guardian: we ask them by email."), "/my-guardian")
    return Reason(
        "guardian_consent",
        _(
            "We do not know in which state or province this is. In some, people come of age at %(age)s: a guardian must agree.",
            age=majority,
        ),
        _("Ask the organization to add the state or province, or name your guardian: we ask them by email."),
        "/my-guardian",
    )


def judge(
    requirement: Requirement,
    facts: PersonFacts,
    *,
    on: dt.date,
    through: dt.date,
    with_exemptions: bool = True,
    with_contact: bool = False,
) -> Judgement:
    """Whether `facts` meet `requirement` on `on` (the day of asking) and through `through` (the local date on which the
    shift ends). `with_exemptions` False leaves exemptions out (G2). `with_contact`: people are met who need protection, so
    that another organization's word counts only where two moderators looked at it, too (G3)."""
    of_kind = _matching(facts.clearances, requirement)
    outweighed = {held for held in of_kind if any(other.outweighs(held) for other in facts.clearances)}
    holding = [held for held in of_kind if held.holds(on, through) and held not in outweighed]
    good = [held for held in holding if held.vetted or not with_contact]
    needed = REFERENCES_NEEDED if requirement.kind == "reference" else 1
    # Two references are of two people: the same one recorded twice, under whatever number, is one.
    if len({held.issuer.casefold() for held in good}) >= needed:
        ends = [held.last_day for held in good]
        latest = None if None in ends else max((day for day in ends if day is not None), default=None)
        return Judgement(requirement, "met", latest)
    if with_exemptions and any(_waives(waived, requirement, on, through) for waived in facts.exemptions):
        return Judgement(requirement, "exempt")
    for held in _matching(facts.unshared, requirement):
        if held.holds(on, through):
            return Judgement(requirement, "unshared", held.last_day, held.id)
    if len(good) < len(holding):
        return Judgement(requirement, "unvetted")
    return Judgement(requirement, *_why_not(of_kind or _matching(facts.unshared, requirement), outweighed, on))


def _matching(clearances: Collection[Held], requirement: Requirement) -> list[Held]:
    return [held for held in clearances if held.kind == requirement.kind and meets(held.level, requirement)]


def _waives(waived: Waived, requirement: Requirement, on: dt.date, through: dt.date) -> bool:
    return (
        waived.kind == requirement.kind
        and meets(waived.level, requirement)
        and waived.starts_on <= on
        and waived.ends_on >= max(on, through)
    )


def _why_not(of_kind: list[Held], outweighed: Collection[Held], on: dt.date) -> tuple[str, dt.date | None]:
    accepted = [held for held in of_kind if held.outcome == "accepted"]
    present = [held for held in accepted if not held.revoked]
    if not present:
        return ("revoked" if accepted else "missing"), None
    standing = [held for held in present if held not in outweighed]
    if not standing:
        return "declined", None
    current = [held for held in standing if not held.outdated]
    if not current:
        return "outdated", None
    begun = [held for held in current if held.issued_on <= on]
    if not begun:
        return "not_yet", None
    ends = [held.last_day for held in begun if held.last_day is not None]
    # Not all of them have an end when one of two references is there.
    return ("expires", max(ends)) if len(ends) == len(begun) and begun[0].kind != "reference" else ("missing", None)
