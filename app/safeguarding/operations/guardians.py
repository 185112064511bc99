"""Guardians (G4): a minor names one at another address, who agrees before anything is done and may take it back; staff
confirm them by a second means before any contact."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable, Collection, Sequence

import sqlalchemy as sa
from sqlalchemy.orm import joinedload

from app.accounts.facts import tell_facts_changed
from app.accounts.models import Person
from app.accounts.operations import normal_email
from app.accounts.policy import ADULT_AGE, is_known_minor, may_be_minor_somewhere
from app.accounts.queries import find_person_by_email
from app.core import outbox
from app.core.clock import now, today
from app.core.db import db, lock
from app.core.errors import InvalidInput, refuse
from app.core.i18n import _
from app.core.text import line
from app.organizations.members import hold_organization
from app.safeguarding.models import MEANS, GuardianConfirmation, GuardianShare, Guardianship
from app.safeguarding.operations.shared import locked_person, record, require_another, require_recorder
from app.safeguarding.policy import is_needed, needed_until

LIVE = ("asked", "consented")
# How often a minor may name somebody: each naming writes a mail to an address that nobody has proved.
MOST_ASKED = 5
# How long somebody is kept who was asked and has not answered, and who is no guardian any more (G3).
KEPT_UNANSWERED = dt.timedelta(days=90)
KEPT_AFTER = dt.timedelta(days=180)


def ask_guardian(person_id: int, *, by: Person, name: str, email: str, phone: str = "") -> Guardianship:
    """The minor names who answers for them; a link goes to that address. Who was named before is replaced, and what rested
    on their word ends. Raises InvalidInput at the field, Refused (`not_a_minor`, `too_many`)."""
    person = locked_person(person_id)
    if not may_be_minor_somewhere(person):
        raise refuse("not_a_minor", _("You need no guardian here."))
    named, address, number = line(name) or "", normal_email(email), line(phone) or ""
    if not named or len(named) > 120:
        raise InvalidInput({"name": _("Enter the name of your guardian")})
    if len(number) > 40:
        raise InvalidInput({"phone": _("Write 40 characters or fewer")})
    if _same_mailbox(address, person.email):
        raise InvalidInput({"email": _("Enter your guardian’s own address: it must not be yours")})
    known = find_person_by_email(address)
    if known is not None and is_known_minor(known):
        raise InvalidInput({"email": _("A guardian is an adult")})
    count = sa.select(sa.func.count()).select_from(Guardianship).where(Guardianship.person_id == person.id)
    if (db.session.scalar(count) or 0) >= MOST_ASKED:
        raise refuse(
            "too_many", _("You named somebody several times already."), _("Write to the people who run this site.")
        )
    for live in _live(person.id):
        _end(live, "replaced", by)
    guardianship = Guardianship(
        person_id=person.id, name=named, email=address, phone=number, status="asked", created_at=now()
    )
    db.session.add(guardianship)
    record("guardianship.asked", guardianship, by, None, person_id=person.id)
    outbox.enqueue("guardian_asked", {"guardianship_id": guardianship.id}, key=f"guardian_asked:{guardianship.id}")
    return guardianship


def send_guardian_link_again(guardianship_id: int, *, by: Person) -> None:
    """The mail once more. Raises Refused (`answered`) once the guardian said yes or no."""
    guardianship = _locked(guardianship_id)
    if guardianship.status != "asked" or guardianship.person_id != by.id:
        raise refuse("answered", _("Your guardian has answered already."))
    outbox.enqueue(
        "guardian_asked",
        {"guardianship_id": guardianship.id},
        key=f"guardian_asked:{guardianship.id}:{now():%Y%m%d%H}",
    )


def answer_guardianship(guardianship_id: int, *, consents: bool) -> Guardianship:
    """Whoever reads the mail of the address says yes or no. Raises Refused (`answered`) when it ended meanwhile."""
    guardianship = _locked(guardianship_id)
    if guardianship.status not in LIVE:
        raise refuse("answered", _("This question was answered or taken back meanwhile."))
    if not consents:
        _end(guardianship, "declined", None)
    elif guardianship.status == "asked":
        guardianship.status, guardianship.answered_at = "consented", now()
        record("guardianship.consented", guardianship, None, None, person_id=guardianship.person_id)
        outbox.enqueue(
            "guardian_answered", {"guardianship_id": guardianship.id}, key=f"guardian_answered:{guardianship.id}:yes"
        )
        tell_facts_changed(guardianship.person_id)
    return guardianship


def withdraw_guardianship(guardianship_id: int) -> Guardianship:
    """The guardian takes their word back: everything of the minor that is ahead ends (G4)."""
    guardianship = _locked(guardianship_id)
    if guardianship.status == "consented":
        _end(guardianship, "withdrawn", None)
    return guardianship


def confirm_guardian(
    guardianship_id: int, organization_id: int, *, by: Person, means: str, known: Callable[[], bool] | None = None
) -> GuardianConfirmation:
    """Staff spoke to the guardian otherwise than by that mail, and they are who they say. `known` says, asked under the locks,
    whether the organization may still see the guardian. Raises InvalidInput at "means", Refused (`not_known`,
    `not_consented`, `own_clearance`, `not_yours`, `age_unknown`, `not_an_adult`)."""
    organization = hold_organization(organization_id)
    require_recorder(organization, by)
    guardianship = _locked(guardianship_id)
    require_another(guardianship.person_id, by)
    if _same_mailbox(guardianship.email, by.email):
        raise refuse("own_clearance", _("You are the guardian."), _("Ask another owner or manager."))
    if guardianship.status != "consented":
        raise refuse("not_consented", _("The guardian has not agreed."), _("They answer the mail we sent them."))
    if known is not None and not known():
        raise refuse("not_known", _("The minor took back that you may speak to their guardian."))
    if means not in MEANS:
        raise InvalidInput({"means": _("Say how you spoke to them")})
    key = (guardianship.id, organization.id)
    confirmation = db.session.get(GuardianConfirmation, key)
    if confirmation is None:
        confirmation = GuardianConfirmation(
            guardianship_id=guardianship.id,
            organization_id=organization.id,
            means=means,
            confirmed_by_id=by.id,
            confirmed_at=now(),
        )
        db.session.add(confirmation)
        record("guardianship.confirmed", guardianship, by, organization.id, person_id=guardianship.person_id)
        tell_facts_changed(guardianship.person_id)
    return confirmation


def share_guardian(organization_id: int, *, by: Person) -> None:
    """The minor lets an organization speak to whoever answers for them. Raises Refused (`no_guardian`, `not_verified`)."""
    organization = hold_organization(organization_id)
    if not organization.is_public:
        raise refuse("not_verified", _("This organization is not verified."))
    locked_person(by.id)
    guardianship = next((one for one in _live(by.id) if one.status == "consented"), None)
    if guardianship is None or not is_needed(guardianship):
        raise refuse("no_guardian", _("Nobody has agreed to be your guardian yet."), _("Name your guardian first."))
    if db.session.get(GuardianShare, (guardianship.id, organization.id)) is None:
        share = GuardianShare(guardianship_id=guardianship.id, organization_id=organization.id, consented_at=now())
        db.session.add(share)
        record("guardianship.shared", guardianship, by, organization.id, person_id=by.id)


def unshare_guardian(organization_id: int, *, by: Person) -> None:
    """The minor takes that back, and with it that its staff spoke to the guardian: it sees them no longer, unless the minor has
    to do with it otherwise, and places there that asked for it end (G4)."""
    locked_person(by.id)
    for guardianship in _live(by.id):
        key = (guardianship.id, organization_id)
        share, spoken = db.session.get(GuardianShare, key), db.session.get(GuardianConfirmation, key)
        if share is None:
            continue
        db.session.delete(share)
        if spoken is not None:
            db.session.delete(spoken)
            tell_facts_changed(by.id)
        record("guardianship.unshared", guardianship, by, organization_id, person_id=by.id)


def purge_guardianships(still: Callable[[Sequence[Guardianship]], Collection[int]] | None = None) -> int:
    """Delete who was asked and never answered, who is no guardian any more, and the guardians of those who have been of age
    for half a year (G3), but for whom `still` names by their ids: places rest on what they agreed to. The audit trail keeps
    ids. Returns how many."""
    at = now()
    ended = sa.or_(
        sa.and_(Guardianship.status == "asked", Guardianship.created_at <= at - KEPT_UNANSWERED),
        Guardianship.withdrawn_at <= at - KEPT_AFTER,
    )
    found = sa.select(Guardianship).options(joinedload(Guardianship.person)).order_by(Guardianship.created_at)
    purged = list(db.session.scalars(found.where(ended).limit(500)))
    # Nobody is of age anywhere before eighteen: those who could be, by the day that their own birth date and country say.
    day = today("Etc/GMT+12") - KEPT_AFTER
    of_age = sa.or_(Person.birth_date.is_(None), Person.birth_date <= day - ADULT_AGE * dt.timedelta(days=365))
    consented = found.join(Person, Person.id == Guardianship.person_id).where(
        Guardianship.status == "consented", of_age
    )
    of_age_long = [each for each in db.session.scalars(consented) if needed_until(each) <= day]
    staying = still(of_age_long) if still is not None else ()
    purged += [each for each in of_age_long if each.id not in staying]
    for guardianship in purged:
        record("guardianship.purged", guardianship, None, None, person_id=guardianship.person_id)
        spoken = GuardianConfirmation.guardianship_id == guardianship.id
        db.session.execute(sa.delete(GuardianConfirmation).where(spoken))
        db.session.delete(guardianship)
        if guardianship.status == "asked":
            tell_facts_changed(guardianship.person_id)  # what waited for the answer waits no longer
    db.session.flush()
    return len(purged)


def _live(person_id: int) -> list[Guardianship]:
    query = sa.select(Guardianship).where(Guardianship.person_id == person_id, Guardianship.status.in_(LIVE))
    return list(db.session.scalars(query))


def _end(guardianship: Guardianship, status: str, by: Person | None) -> None:
    guardianship.status = status
    guardianship.withdrawn_at = now()
    for of_theirs in (GuardianConfirmation, GuardianShare):
        db.session.execute(sa.delete(of_theirs).where(of_theirs.guardianship_id == guardianship.id))
    record(f"guardianship.{status}", guardianship, by, None, person_id=guardianship.person_id)
    if status != "replaced":
        outbox.enqueue(
            "guardian_answered",
            {"guardianship_id": guardianship.id},
            key=f"guardian_answered:{guardianship.id}:{status}",
        )
    tell_facts_changed(guardianship.person_id)


def _locked(guardianship_id: int) -> Guardianship:
    found = db.session.get(Guardianship, guardianship_id)
    if found is None:
        raise refuse("not_found", _("This question is not there any more."))
    locked_person(found.person_id)
    guardianship = lock(Guardianship, guardianship_id)
    if guardianship is None:
        raise refuse("not_found", _("This question is not there any more."))
    return guardianship


def _same_mailbox(one: str, other: str) -> bool:
    """True when mail to both addresses is likely read by the same person: "+tags" and dots aside."""
    return _plain(one) == _plain(other)


def _plain(address: str) -> str:
    local, _at, domain = address.partition("@")
    return re.sub(r"\+.*|\.", "", local) + "@" + domain
