"""What a shift asks of whoever takes a place on it: contact, and what its need, position and organization require (G1)."""

from __future__ import annotations

from collections.abc import Iterable

from app.accounts import policy
from app.accounts.policy import majority_age_at
from app.core.errors import Reason
from app.core.i18n import _
from app.needs.models import Need, Position, Shift
from app.needs.queries import ShiftLine
from app.safeguarding.kinds import CONTACTS_WITH_PEOPLE
from app.safeguarding.requirements import Requirement, check_profile, in_all, parse
from app.safeguarding.standing import OrganizationFacts, load_organizations


def has_contact(shift: Shift | ShiftLine) -> bool:
    """True when people on it meet children or adults at risk."""
    return shift.contact in CONTACTS_WITH_PEOPLE


def needs_facts(shift: Shift) -> bool:
    """True when what the shift asks cannot be told from its own row, its need's and its positions' alone."""
    return has_contact(shift) or asks_requirements(shift)


def asks_requirements(shift: Shift, position: Position | None = None) -> bool:
    """True when its need or the position (None: any of its positions) requires something."""
    positions = shift.positions if position is None else [position]
    return bool(shift.need.requirements) or any(each.requirements for each in positions)


def load_asked(shifts: Iterable[Shift]) -> dict[int, OrganizationFacts]:
    """What the organizations of these shifts ask, by their ids, in one statement for all of them; none where no shift asks
    for anything beyond its own row."""
    return load_organizations({shift.need.organization_id for shift in shifts if needs_facts(shift)})


def country_of(need: Need) -> str | None:
    """The ISO country whose rules hold at a need's place."""
    return need.country or need.organization.country


def majority_of(need: Need) -> int:
    """The age from which somebody is an adult by the law of a need's place, or where none is said of its organization's (G4)."""
    return majority_age_at(*_where_law_is(need))


def lacks_province(need: Need) -> bool:
    """True where it depends on the state or province, and neither the need's place nor its organization's says it."""
    return policy.lacks_province(*_where_law_is(need))


def _where_law_is(need: Need) -> tuple[str | None, str | None, policy.Point]:
    """Country, state or province and point. A need of which only the country is said is where its organization is, when that
    is in the same country: what is imported without a place has a country all the same."""
    says_more = need.region or need.latitude is not None
    if need.country and (says_more or need.country != need.organization.country):
        return need.country, need.region, (need.latitude, need.longitude)
    return need.organization.country, need.organization.region, (None, None)


def list_requirements(
    shift: Shift, facts: OrganizationFacts, positions: Iterable[Position] | None = None
) -> tuple[Requirement, ...]:
    """Everything required of whoever takes one of `positions` (None: all of them, which is the most that may be asked)."""
    chosen = shift.positions if positions is None else positions
    asked = [shift.need.requirements, *(each.requirements for each in chosen)]
    if has_contact(shift):
        asked.append(list(facts.profile))
    return in_all(asked, contact=shift.contact, country=country_of(shift.need), conduct_version=facts.conduct_version)


def check_requirements(texts: Iterable[str], contacts: Iterable[str]) -> list[str]:
    """A profile as it is kept. Raises InvalidInput at "requirements"; `contacts` are those of the shifts it is for."""
    return check_profile(parse(texts), contacts=contacts)


def reasons_not_to_open(need: Need, shifts: Iterable[Shift]) -> list[Reason]:
    """What stands in the way of opening these shifts to the public: each states its contact; with contact a role has a day
    by which it is done, and the organization has the word of two moderators (G1, G3). Reads only."""
    found = []
    shifts = list(shifts)
    if any(shift.contact == "not_stated" for shift in shifts):
        found.append(
            Reason(
                "contact_not_stated",
                _("A shift does not say whether people meet children or adults at risk."),
                _("State the contact of every shift."),
            )
        )
    with_contact = [shift for shift in shifts if has_contact(shift)]
    if any(shift.flexible and shift.due_on is None for shift in with_contact):
        found.append(
            Reason(
                "due_date_missing",
                _("A role with contact does not say by when it is done."),
                _("Give it a date: clearances must be valid until then."),
            )
        )
    facts = load_organizations([need.organization_id]) if with_contact else {}
    if with_contact and not facts.get(need.organization_id, OrganizationFacts()).may_place_with_contact:
        found.append(no_contact_permission())
    return found


def no_contact_permission() -> Reason:
    """The organization has not the level at which it may ask people to contact (G3)."""
    return Reason(
        "contact_level",
        _(
            "Two moderators have not yet agreed that this organization may ask people to work with children or adults at risk."
        ),
        _("Ask the people who run this site to look at how it protects them."),
    )
