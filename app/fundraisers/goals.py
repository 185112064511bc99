"""What the goal of a fundraiser is, in what its starter chose to count: money, how many people give, or things the money buys.
Where it stands is said in that everywhere: on the page, in lists, on cards, in frames, in mails and by the API."""

from __future__ import annotations

import dataclasses
from typing import Protocol

from app.core.i18n import _, ngettext
from app.core.money import Money, format_money


class HasGoal(Protocol):
    """A fundraiser, or a row of one, as far as its goal goes (see models.Fundraiser)."""

    @property
    def goal_kind(self) -> str: ...
    @property
    def goal_minor(self) -> int: ...
    @property
    def goal_donors(self) -> int | None: ...
    @property
    def item_name(self) -> str: ...
    @property
    def item_minor(self) -> int | None: ...
    @property
    def currency(self) -> str: ...


@dataclasses.dataclass(frozen=True)
class Standing:
    """What the goal counts: `kind` money (minor units), donors or items; how many there are of how many, how many more are on
    their way (promised, or at a bank), and what one thing costs."""

    kind: str
    have: int
    of: int
    item_name: str
    item: Money | None
    coming: int = 0

    @property
    def is_reached(self) -> bool:
        """True when there are as many as the goal says."""
        return self.have >= self.of

    @property
    def percent(self) -> int:
        """How much of the goal there is, rounded down; more than 100 beyond it."""
        return self.have * 100 // self.of

    @property
    def cost(self) -> int:
        """What the whole goal takes, in minor units of its currency; 0 for donors. Of things it is their whole price: a sum that
        is no multiple of it is not enough for the last one."""
        if self.kind == "donors":
            return 0
        return self.of if self.item is None else self.of * self.item.amount_minor

    @property
    def open(self) -> int:
        """How many are neither there nor on their way."""
        return max(self.of - self.have - self.coming, 0)


def standing_of(goal: HasGoal, *, raised_minor: int, coming_minor: int, donor_count: int) -> Standing:
    """Where the goal stands with so much money given and on its way (minor units of its currency) and so many donors. A thing is
    paid for once its whole price is there; who gives what is still on its way may be a donor already and is not counted."""
    if goal.goal_kind == "donors":
        return Standing("donors", donor_count, goal.goal_donors or 1, "", None)
    if goal.goal_kind == "items" and goal.item_minor:
        price = goal.item_minor
        have, soon = raised_minor // price, (raised_minor + coming_minor) // price
        return Standing("items", have, _things(goal, price), goal.item_name, Money(price, goal.currency), soon - have)
    return Standing("money", raised_minor, goal.goal_minor, "", None, coming_minor)


def _things(goal: HasGoal, price: int) -> int:
    return -(-goal.goal_minor // price)


def goal_words(goal: HasGoal, locale: str) -> str:
    """The goal by itself: "$6,000", "100 donors", "40 backpacks" (in `locale`, which is spoken where this is called)."""
    if goal.goal_kind == "donors":
        return ngettext("%(num)s donor", "%(num)s donors", goal.goal_donors or 1)
    if goal.goal_kind == "items" and goal.item_minor:
        number = _things(goal, goal.item_minor)
        return _("%(number)s %(things)s", number=number, things=goal.item_name)
    return format_money(Money(goal.goal_minor, goal.currency), locale)


def given_words(standing: Standing, raised: Money, locale: str) -> str:
    """What there is of the goal, as a sentence without its full stop: "3 people gave", "4 cups are paid for", "$59 are given"
    (`raised`; in `locale`, which is spoken where this is called)."""
    if standing.kind == "donors":
        return ngettext("%(num)s person gave", "%(num)s people gave", standing.have)
    if standing.kind == "items":
        return _("%(number)s %(things)s are paid for", number=standing.have, things=standing.item_name)
    return _("%(raised)s are given", raised=format_money(raised, locale))
