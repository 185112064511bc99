"""Ways to begin a page: a title, a story and a goal that somebody changes in a minute, instead of an empty form."""

from __future__ import annotations

import dataclasses
import re
from typing import Any

from app.core.i18n import lazy
from app.core.money import Money, suggestions
from app.organizations.models import Organization


@dataclasses.dataclass(frozen=True)
class Beginning:
    """A page to begin with. `title` and `story` have %(organization)s."""

    code: str
    name: Any
    title: Any
    story: Any
    is_team: bool = False


BEGINNINGS = (
    Beginning(
        "birthday",
        lazy("A birthday"),
        lazy("My birthday for %(organization)s"),
        lazy(
            "I have all I need. Instead of a present, give to %(organization)s.\n\n"
            "I chose them because …\n\nEvery gift goes to them directly. Thank you!"
        ),
    ),
    Beginning(
        "run",
        lazy("A run, a ride, a walk"),
        lazy("I run for %(organization)s"),
        lazy(
            "On … I run … miles. I do it for %(organization)s.\n\n"
            "What the money does: …\n\nGive for a mile, or for all of them. I write here how it went."
        ),
    ),
    Beginning(
        "memory",
        lazy("In memory of somebody"),
        lazy("In memory of …"),
        lazy(
            "… cared about what %(organization)s does. Whoever wants to remember them can give here instead of flowers.\n\n"
            "Every gift goes to %(organization)s."
        ),
    ),
    Beginning(
        "sale",
        lazy("A sale or an evening"),
        lazy("A bake sale for %(organization)s"),
        lazy(
            "We bake, you eat, and everything goes to %(organization)s.\n\n"
            "Where and when: …\n\nWhoever cannot come gives here. What we collect in person is added to this page."
        ),
    ),
    Beginning(
        "team",
        lazy("A team: class, club, office"),
        lazy("Our team for %(organization)s"),
        lazy(
            "We raise money together for %(organization)s. Join with a page of your own: what is given to you counts "
            "for all of us.\n\nWhy we do it: …"
        ),
        is_team=True,
    ),
)


GAP = "…"


def find_gap(text: str) -> str:
    """The first gap of a beginning that `text` still has, with the word beside it ("because …"), in the language spoken now;
    "" when there is none. An ellipsis of somebody's own is no gap."""
    return next((gap for gap in _gaps() if re.search(rf"(?<!\w){re.escape(gap)}", text)), "")


def _gaps() -> list[str]:
    """What stands beside each gap of the beginnings, in the language spoken now."""
    found: list[str] = []
    for template in (str(text) for one in BEGINNINGS for text in (one.title, one.story)):
        for line in template.splitlines():
            words = line.split()
            for place in (at for at, word in enumerate(words) if word.strip(".,") == GAP):
                before = " ".join(words[max(0, place - 3) : place]).rpartition(GAP)[2].strip()
                found.append(f"{before} {GAP}" if before else f"{GAP} {words[place + 1]}")
    return found


@dataclasses.dataclass(frozen=True)
class Begun:
    """A beginning for one organization, in the language spoken now."""

    title: str
    story: str
    goal: Money


def begin(beginning: Beginning, organization: Organization) -> Begun:
    """What a form for a page of `organization` begins with; the gaps are for whoever starts it to fill in."""
    names, largest = {"organization": organization.name}, suggestions(organization.currency)[-1]
    goal = Money(4 * largest.amount_minor, largest.currency)
    return Begun(str(beginning.title) % names, str(beginning.story) % names, goal)


def find_beginning(code: str) -> Beginning | None:
    """The beginning with this code, or None."""
    return next((one for one in BEGINNINGS if one.code == code), None)
