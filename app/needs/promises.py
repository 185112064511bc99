"""What stands in the way of promising anything to a need: asked by the gate of signups and by pledges alike."""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Any

from app.accounts.models import Person
from app.core.errors import Reason
from app.core.i18n import _, lazy
from app.needs.models import Need
from app.safeguarding.standing import guardian_needed, lacks_guardian, list_lacking_guardian, list_unowned

# Why staff give back for somebody what that person promised: the code is kept, the words are for people.
STAFF_REASONS: dict[str, Any] = {
    "asked_by_them": lazy("They asked for it"),
    "no_longer_needed": lazy("It is not needed any more"),
}


def check_person(person: Person, *, vouched: bool = False) -> list[Reason]:
    """Whether `person` may promise at all; `vouched`: staff have them before them or on the telephone, so that no mail
    needs to prove who writes. A held or suspended person is told only whom to write to (S11)."""
    return _check(person, vouched=vouched, lacks_guardian=lacks_guardian)


def check_people(people: Collection[Person]) -> dict[int, list[Reason]]:
    """The same of several people by their ids, in one statement for two hundred as for one."""
    unguarded = list_lacking_guardian(people)
    return {person.id: _check(person, lacks_guardian=lambda one: one.id in unguarded) for person in people}


def _check(person: Person, *, lacks_guardian: Callable[[Person], bool], vouched: bool = False) -> list[Reason]:
    if not person.is_active:
        return [
            Reason(
                "not_active",
                _("You cannot do this at the moment."),
                _("Write to the people who run this site: they can tell you more."),
            )
        ]
    if not person.is_email_verified and not vouched:
        return [
            Reason(
                "email_unverified",
                _("We do not know yet that your email address is yours."),
                _("Follow the link in the email we sent you, or ask for a new one on your profile."),
            )
        ]
    if lacks_guardian(person):
        return [guardian_needed()]
    return []


def check_need(need: Need) -> list[Reason]:
    """Whether `need` takes promises: open, its organization public (N1) and claimed by somebody who
    still runs it."""
    if need.status != "open" or not need.organization.is_public:
        return [Reason("need_not_open", _("This need is not open."), _("Look for another one nearby."), "/needs")]
    if not need.organization.is_claimed or list_unowned([need.organization_id]):
        return [
            Reason(
                "organization_unclaimed",
                _(
                    "Nobody from this organization runs its page at the moment, so nobody would know that you are coming."
                ),
                _("If you belong to it, claim it; otherwise look for another need nearby."),
            )
        ]
    return []
