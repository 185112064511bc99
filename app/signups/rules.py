"""What a shift asks of whoever takes a place on it, and how one person stands: each rule met or not, why, and how to meet it
(S11, G1, G4). Reads only, and fails closed: what is not known is no."""

from __future__ import annotations

import dataclasses
import datetime as dt
import zoneinfo
from collections.abc import Collection, Iterable

from app.accounts.models import Person
from app.accounts.policy import is_known_minor
from app.core import when
from app.core.clock import age_on, local_date, today
from app.core.i18n import _, ngettext
from app.core.ids import encode_id
from app.needs import asking
from app.needs.models import Position, Shift
from app.safeguarding.ages import find_limits, is_adult_on, is_minor_on, majority_age
from app.safeguarding.kinds import TRAINING, find_kind
from app.safeguarding.requirements import Requirement
from app.safeguarding.standing import (
    Judgement,
    Known,
    OrganizationFacts,
    PersonFacts,
    guardian_needed,
    guardian_needed_there,
    judge,
)
from app.safeguarding.standing import load as load_facts


@dataclasses.dataclass(frozen=True)
class Rule:
    """One rule a shift asks for, as far as one person is concerned: `title` says the rule, `message` how they stand,
    `remedy` and `url` the next step."""

    code: str
    title: str
    met: bool
    message: str
    remedy: str = ""
    url: str = ""
    # The page that `url` names is open to whoever is told of it and takes a way back (`next`).
    returns: bool = False


def load(pairs: Iterable[tuple[Shift, Person]]) -> Known:
    """What is known of these people on these shifts, in a fixed number of statements; none where nothing is asked."""
    asked = [(shift, person) for shift, person in pairs if asking.needs_facts(shift) or _is_minor(shift, person)]
    return load_facts({person.id for _shift, person in asked}, {shift.need.organization_id for shift, _person in asked})


def list_rules(
    shift: Shift,
    person: Person | None,
    *,
    position: Position | None = None,
    known: Known | None = None,
    with_exemptions: bool = True,
    positions: tuple[Position, ...] | None = None,
    holds: bool = False,
) -> list[Rule]:
    """What `position` of the shift (None: all of `positions`, which None makes all there are) asks of whoever takes it, and
    whether `person` meets it. A visitor, None, is told the rules and meets none yet. `known` is what `load` read;
    `holds`: they have a place on it already, and not only a turn."""
    if known is None:
        known = load([(shift, person)]) if person is not None else Known({}, _asked(shift))
    chosen = positions if position is None else (position,)
    organization = known.organization(shift.need.organization_id)
    found = _contact(shift, may_place=organization.may_place_with_contact) + _age(shift, person)
    if shift.contact == "not_stated":
        return found
    facts = PersonFacts() if person is None else known.person(person.id, shift.need.organization_id)
    for requirement in asking.list_requirements(shift, organization, chosen):
        judgement = judge(
            requirement,
            facts,
            on=today(shift.time_zone),
            through=end_day(shift),
            with_exemptions=with_exemptions,
            with_contact=asking.has_contact(shift),
        )
        found.append(_clearance(judgement, shift, person, known))
    return found + _guarded(shift, person, facts, holds=holds)


def _asked(shift: Shift) -> dict[int, OrganizationFacts]:
    return asking.load_asked([shift])


def start_day(shift: Shift) -> dt.date:
    """The local date on which ages count: that of the start; of a flexible role today, when it would begin (G4)."""
    return local_date(shift.starts_at, shift.time_zone) if shift.starts_at else today(shift.time_zone)


def end_day(shift: Shift) -> dt.date:
    """The local date through which clearances must hold: that of the end; of a flexible role its due date, the last day of
    its need, or where neither is said today, asked again every day (G1)."""
    if shift.ends_at is not None:
        return local_date(shift.ends_at, shift.time_zone)
    return shift.due_on or shift.need.ends_on or today(shift.time_zone)


def is_adult(shift: Shift, person: Person) -> bool:
    """True when the person is known to be an adult on the day of the shift, by the law of where they are and where it is."""
    majority = max(majority_age(person.country), asking.majority_of(shift.need))
    return is_adult_on(person.birth_date, start_day(shift), majority)


def _is_minor(shift: Shift, person: Person) -> bool:
    majority = max(majority_age(person.country), asking.majority_of(shift.need))
    return is_known_minor(person) or is_minor_on(person.birth_date, start_day(shift), majority)


def _contact(shift: Shift, *, may_place: bool) -> list[Rule]:
    """Not stated places nobody; with contact the organization needs the word of two moderators, and a role a due date."""
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
    found = []
    if not may_place:
        found.append(
            Rule(
                "contact_level",
                _("An organization that was looked at for this"),
                False,
                _("This organization has not been approved yet for work with children or adults at risk."),
                _("Choose a shift without such contact. The people who run this site look at how it protects them."),
            )
        )
    if shift.flexible and shift.due_on is None:
        found.append(
            Rule(
                "due_date_missing",
                _("A day by which it is done"),
                False,
                _("The organization has not said by when this role is done."),
                _("The organization can say it; then this role opens."),
            )
        )
    return found


def _age(shift: Shift, person: Person | None) -> list[Rule]:
    """The minimum age on the local date of the shift (G4), and with contact that an age is known at all. A missing birth
    date is not "old enough"."""
    age = shift.minimum_age or 0
    if not age and not asking.has_contact(shift):
        return []
    title = _("To be %(age)s or older on the day of the shift", age=age) if age else _("Your birth date")
    if person is None or person.birth_date is None:
        message = (
            _("This shift is for people aged %(age)s or older, and we do not know your birth date.", age=age)
            if age
            else _("You would meet children or adults at risk, and we do not know your birth date.")
        )
        remedy = _("Add your birth date to your profile. It is not shown to anybody.")
        return [Rule("age_unknown", title, False, message, remedy, "/profile", returns=person is not None)]
    if age_on(person.birth_date, start_day(shift)) < age:
        return [
            Rule(
                "too_young",
                title,
                False,
                _("This shift is for people aged %(age)s or older on the day.", age=age),
                _("Choose a shift without this age limit."),
            )
        ]
    return [Rule("age", title, True, _("You are.") if age else _("We know it."))]


def _clearance(judgement: Judgement, shift: Shift, person: Person | None, known: Known) -> Rule:
    """One requirement. What is said of a course that was passed and not shared is for the person alone: staff hear the code,
    which is the same as of one that was never taken."""
    requirement, organization = judgement.requirement, shift.need.organization
    title, slug = requirement.name, organization.slug
    if judgement.met:
        message = (
            _("Waived for you by the organization for a time.") if judgement.code == "exempt" else _("You have it.")
        )
        if judgement.until is not None:
            message = _("You have it, valid until %(day)s.", day=when.full_day(judgement.until))
        return Rule(requirement.kind, title, True, message)
    courses = known.courses if requirement.kind == TRAINING.code else {}
    code, why, how = f"{requirement.kind}_required", _why(judgement, person, courses), _how(requirement)
    if requirement.kind == "code_of_conduct":
        if person is not None and _accepted_earlier(known.person(person.id, organization.id), requirement):
            why = _("You accepted an earlier version. There is a newer one, and it asks everybody again.")
        return Rule(code, title, False, why, how, f"/organizations/{slug}/conduct", returns=True)
    if judgement.clearance_id is not None:
        how = _("Let %(organization)s know that you passed it", organization=organization.name)
        url = f"/my-clearances/{encode_id(judgement.clearance_id)}/share?for={slug}"
        return Rule(code, title, False, why, how, url, returns=True)
    course = courses.get(requirement.level)
    if course is not None:
        how = ngettext(
            "Take the course here: about %(num)s minute", "Take the course here: about %(num)s minutes", course.minutes
        )
        return Rule(code, title, False, why, how, f"/learn/courses/{course.slug}?for={slug}", returns=True)
    return Rule(code, title, False, why, how, f"/my-clearances?for={slug}")


def _accepted_earlier(facts: PersonFacts, wanted: Requirement) -> bool:
    """True of whoever accepted another version of the code of conduct than the one that is asked for."""
    return any(
        held.kind == wanted.kind and held.level != wanted.level and held.outcome == "accepted" and not held.revoked
        for held in facts.clearances
    )


def _why(judgement: Judgement, person: Person | None, courses: Collection[str]) -> str:
    if person is None:
        return _("The organization asks for it.")
    if judgement.code == "expires" and judgement.until is not None:
        return _("Yours ends on %(day)s, before the shift does.", day=when.full_day(judgement.until))
    if judgement.code == "revoked":
        return _("Yours does not hold any more.")
    if judgement.code == "declined":
        return _("A later one of yours was not accepted.")
    if judgement.code == "unvetted":
        return _(
            "Another organization recorded it, which has not been looked at yet for work with children or adults at risk."
        )
    if judgement.code == "outdated":
        return _("There is a newer version of the course, and it asks everybody again.")
    if judgement.code == "unshared":
        return _("You passed the course. The organization sees that only when you share it.")
    if judgement.code == "not_yet":
        return _("Yours begins later.")
    if judgement.requirement.kind == "code_of_conduct":
        return _("You have not accepted it yet.")
    if judgement.requirement.level in courses:
        return _(
            "You have not passed the course here yet, and the organization has not recorded such training for you."
        )
    return _("The organization has not recorded it for you.")


def _how(requirement: Requirement) -> str:
    kind = find_kind(requirement.kind)
    if kind is None:
        return _("Ask the organization.")
    if requirement.kind == "code_of_conduct" and requirement.level == "0":
        return _("The organization has not published one yet. Ask it.")
    return str(kind.how)


def _guarded(shift: Shift, person: Person | None, facts: PersonFacts, *, holds: bool) -> list[Rule]:
    """What goes for a minor: a guardian who agreed, and before contact was spoken to by the staff; hours for their age. What a
    guardian agreed to until the minor came of age at home is not taken for a new place (G4)."""
    if person is None or person.birth_date is None or not _is_minor(shift, person):
        return []
    found = []
    title = _("A guardian who agrees")
    guardian = None if facts.guardian is None or (facts.guardian.ended and not holds) else facts.guardian
    if guardian is None:
        majority = asking.majority_of(shift.need)
        if is_known_minor(person) or is_minor_on(person.birth_date, start_day(shift), majority_age(person.country)):
            reason = guardian_needed()
        else:
            reason = guardian_needed_there(majority, lacks_province=asking.lacks_province(shift.need))
        found.append(Rule(reason.code, title, False, reason.message, reason.remedy, reason.url))
    else:
        found.append(Rule("guardian", title, True, _("Your guardian agreed.")))
    if asking.has_contact(shift):
        confirmed = guardian is not None and guardian.confirmed
        found.append(
            Rule(
                "guardian_confirmed" if confirmed else "guardian_confirmation",
                _("The organization has spoken to your guardian"),
                confirmed,
                _("It has.") if confirmed else _("It has not yet, and must before you work with people."),
                "" if confirmed else _("Let the organization speak to your guardian, and tell them that you did."),
                "" if confirmed else f"/my-guardian?organization={shift.need.organization.slug}",
            )
        )
    return found + _hours(shift, person.birth_date, _choose_hours(shift, person))


def find_day_limit(shift: Shift, person: Person) -> dt.timedelta | None:
    """How long a known minor may help on the day of this shift; None for anybody else and for a role without times."""
    if person.birth_date is None or shift.starts_at is None or not _is_minor(shift, person):
        return None
    return find_limits(person.birth_date, start_day(shift), asking.country_of(shift.need)).longest


def _choose_hours(shift: Shift, person: Person) -> str:
    """What to do about hours that are not for a minor: whoever is one only because nobody says which law holds there may ask."""
    at_home = majority_age(person.country)
    grown = not is_known_minor(person) and is_adult_on(person.birth_date, start_day(shift), at_home)
    if grown and asking.lacks_province(shift.need):
        return _(
            "Choose a shorter or an earlier one, or ask the organization to add the state or province: in most people of your"
            " age are adults."
        )
    return _("Choose a shorter or an earlier one.")


def _hours(shift: Shift, birth_date: dt.date, remedy: str) -> list[Rule]:
    if shift.starts_at is None or shift.ends_at is None:
        return []
    limits = find_limits(birth_date, start_day(shift), asking.country_of(shift.need))
    zone = zoneinfo.ZoneInfo(shift.time_zone)
    starts, ends = shift.starts_at.astimezone(zone), shift.ends_at.astimezone(zone)
    fits = (
        shift.ends_at - shift.starts_at <= limits.longest
        and starts.date() == ends.date()
        and starts.time() >= limits.earliest
        and ends.time() <= limits.latest
    )
    hours = int(limits.longest.total_seconds() // 3600)
    title = _(
        "At your age: at most %(hours)s hours, between %(earliest)s and %(latest)s",
        hours=hours,
        earliest=when.wall_time(limits.earliest),
        latest=when.wall_time(limits.latest),
    )
    if fits:
        return [Rule("minor_hours", title, True, _("This shift is."))]
    return [Rule("minor_hours", title, False, _("This shift is not."), remedy)]
