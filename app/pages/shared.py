"""What can be passed on, and what is passed on with it: where it was read, how old that is, and whether to pause first.

A page of what speaks of abuse or disaster is passed on after three questions; so is everything of the learn pages (L1). Who
answers them, and how, is asked by nobody and kept nowhere.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Collection

from app.core import when
from app.core.cards import Card
from app.core.i18n import _, ngettext, number
from app.core.ids import encode_id
from app.core.templating import country, money
from app.core.web import settings
from app.donations.queries import totals
from app.fundraisers.queries import PublicFundraiser, find_public_fundraiser
from app.learning.speaks import words_that_speak
from app.needs import standing
from app.needs.models import Need
from app.needs.queries import count_by_status, find_visible_need, list_items, list_shifts
from app.organizations.causes import find_cause
from app.organizations.models import Organization
from app.organizations.queries import find_logo_content, find_organization_by_id, find_public_organization
from app.pages.queries import last_confirmed
from app.signups.calendar import describe_area


@dataclasses.dataclass(frozen=True)
class Source:
    """Where what is shared comes from: who says it, what that is, and since when it is known, in words; `url` may be ""."""

    name: str
    about: str
    dated: str
    url: str = ""


@dataclasses.dataclass(frozen=True)
class Shared:
    """What is passed on: the path of its page and of its share step, its title, whose it is, facts for paper, what it rests
    on. `because` holds the words for which the step asks first; with `asks` it asks without any."""

    path: str
    step: str
    title: str
    organization: str
    section: str
    facts: tuple[str, ...] = ()
    sources: tuple[Source, ...] = ()
    state: str = ""
    asks: bool = False
    because: tuple[str, ...] = ()
    withdrawn: str = ""
    has_poster: bool = True

    @property
    def url(self) -> str:
        """The whole address."""
        return settings().base_url + self.path

    @property
    def line(self) -> str:
        """The title and whose it is, in a line."""
        if not self.organization:
            return self.title
        return _("%(title)s – %(organization)s", title=self.title, organization=self.organization)

    @property
    def text(self) -> str:
        """What to paste where no picture goes: the sentence, how well it is known, what it rests on, and the address."""
        lines = [self.line, self.withdrawn or self.state]
        if self.sources:
            lines += [_("Sources:"), *(f"- {one_line(source)}" for source in self.sources)]
        return "\n".join([*filter(None, lines), self.url])


def one_line(source: Source) -> str:
    """A source in a line of text."""
    return ", ".join(part for part in (source.name, source.about, source.dated) if part)


def _place(*parts: str | None) -> str:
    return ", ".join(part for part in parts if part)


def _day(instant: dt.datetime, zone: str) -> str:
    return when.dated(when.local_day(instant, zone))


def _verified(organization: Organization) -> Source:
    """An organization as the source of what it asks for."""
    since = organization.verified_at
    return Source(
        organization.name,
        _("the organization itself"),
        _("verified on %(day)s", day=_day(since, organization.time_zone)) if since else "",
        f"/organizations/{organization.slug}",
    )


def _because(*texts: str, causes: Collection[str]) -> tuple[str, ...]:
    """The words by which texts of people speak of abuse or disaster, causes by their names."""
    found = words_that_speak(*texts, causes=causes)
    return tuple(str(cause.name) if (cause := find_cause(word)) and word in causes else word for word in found)


# --- needs ----------------------------------------------------------------------------------------------------------


def share_need(need_id: int) -> Shared | None:
    """A need while the public may see it (N1); of a private address the area only (N6)."""
    need: Need | None = find_visible_need(need_id)
    if need is None:
        return None
    confirmed = last_confirmed(need.id)
    sources = [_verified(need.organization)]
    if confirmed is not None:
        day = _("last confirmed on %(day)s", day=_day(confirmed, need.time_zone))
        sources.append(Source(_("This need"), "", day))
    because = _because(need.title, need.description, causes=need.causes)
    key = encode_id(need.id)
    return Shared(
        path=f"/needs/{key}",
        step=f"/share/need/{key}",
        title=need.title,
        organization=need.organization.name,
        section="needs",
        facts=(describe_area(need), _("Last day: %(day)s", day=when.full_day(need.ends_on)) if need.ends_on else ""),
        sources=tuple(sources),
        asks=bool(because),
        because=because,
    )


def card_of_need(need_id: int) -> Card | None:
    """The card of a need while the public may see it (N1); where it is never more exactly than its town (N6)."""
    need: Need | None = find_visible_need(need_id)
    if need is None:
        return None
    shifts = [shift for shift in list_shifts(need_id) if not shift.is_over and shift.status == "scheduled"]
    items = list_items(need_id)
    time, things = standing.of_time(shifts), standing.of_items(items)
    where = _("From anywhere") if need.remote else _place(need.city, need.region)
    whose = " · ".join(part for part in (need.organization.name, where) if part)
    card = Card(settings().platform_name, need.title, whose, logo=find_logo_content(need.organization_id))
    if standing.is_filled(shifts, items):
        return dataclasses.replace(card, standing=_("Everything asked for is promised"), share=1.0)
    if time is not None and time.open:
        words = ngettext("%(num)s place open", "%(num)s places open", int(time.open))
        return dataclasses.replace(card, standing=words, given=int(time.given), open=int(time.open))
    if things is not None and things.open:
        words = _("%(n)s of %(goal)s wanted", n=number(things.open), goal=number(things.goal))
        return dataclasses.replace(card, standing=words, share=float(1 - things.open / things.goal))
    return card


# --- fundraisers ----------------------------------------------------------------------------------------------------


def share_fundraiser(slug: str) -> Shared | None:
    """A fundraiser while the public may see it (F8)."""
    page: PublicFundraiser | None = find_public_fundraiser(slug)
    if page is None:
        return None
    organization = find_organization_by_id(page.organization_id)
    sources = [] if organization is None else [_verified(organization)]
    begun = _("begun on %(day)s", day=_day(page.created_at, page.time_zone))
    sources.append(Source(_("This fundraiser"), _("agreed to by the organization"), begun))
    need: Need | None = find_visible_need(page.need_id) if page.need_id else None
    because = _because(
        page.title,
        page.story,
        *(() if need is None else (need.title, need.description)),
        causes=need.causes if need else (),
    )
    return Shared(
        path=f"/fundraisers/{page.slug}",
        step=f"/share/fundraiser/{page.slug}",
        title=page.title,
        organization=page.organization_name,
        section="fundraisers",
        facts=(_("until %(day)s", day=when.full_day(page.ends_on)) if page.ends_on else "",),
        sources=tuple(sources),
        asks=bool(because),
        because=because,
    )


def card_of_fundraiser(slug: str) -> Card | None:
    """The card of a fundraiser while the public may see it (F8)."""
    page = find_public_fundraiser(slug)
    if page is None:
        return None
    raised, goal = totals([page.id])[page.id].settled.amount_minor, page.goal.amount_minor
    words = _("%(percent)s%% of %(goal)s", percent=raised * 100 // goal, goal=money(goal, page.goal.currency))
    return Card(
        settings().platform_name,
        page.title,
        page.organization_name,
        words,
        share=raised / goal,
        logo=find_logo_content(page.organization_id),
    )


# --- organizations --------------------------------------------------------------------------------------------------


def share_organization(slug: str) -> Shared | None:
    """An organization while the public may see it (N1)."""
    organization = find_public_organization(slug)
    if organization is None:
        return None
    return Shared(
        path=f"/organizations/{organization.slug}",
        step=f"/share/organization/{organization.slug}",
        title=organization.name,
        organization="",
        section="organizations",
        facts=(_place(organization.city, organization.region, country(organization.country)),),
    )


def card_of_organization(slug: str) -> Card | None:
    """The card of an organization while the public may see it (N1)."""
    organization = find_public_organization(slug)
    if organization is None:
        return None
    place = _place(organization.city, organization.region, country(organization.country))
    count = count_by_status(organization.id).get("open", 0)
    words = ngettext("%(num)s need open", "%(num)s needs open", count) if count else ""
    return Card(settings().platform_name, organization.name, place, words, logo=find_logo_content(organization.id))
