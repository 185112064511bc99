"""What can be done with fundraisers. Every function runs inside the caller's transaction and flushes."""

from __future__ import annotations

import dataclasses
import datetime as dt
import re
import secrets
import unicodedata

import sqlalchemy as sa

from app.accounts.models import Person
from app.core.audit import record
from app.core.clock import age_on, now, today
from app.core.db import db, lock
from app.core.errors import InvalidInput, Reason, Refused, refuse
from app.core.i18n import _
from app.core.ids import ALPHABET
from app.core.money import BadAmount, Money, check_goal, explain
from app.core.outbox import enqueue
from app.fundraisers.beginnings import find_gap
from app.fundraisers.models import Fundraiser
from app.fundraisers.policy import accepts_gifts, can_decide, has_ended
from app.fundraisers.screening import is_suspect
from app.needs.models import Need
from app.needs.policy import can_see_need
from app.needs.promises import check_person
from app.organizations.members import hold_organization
from app.organizations.models import Organization
from app.organizations.policy import can_manage_listings
from app.organizations.queries import list_deciders

ADULT_AGE = 18
LONGEST_DAYS = 3 * 366
MAXIMUM_STORY = 20_000
MAXIMUM_OUTCOME = 5_000
# Words that are pages below /fundraisers/.
RESERVED_SLUGS = frozenset({"new"})

MAXIMUM_DONORS = 1_000_000
MOST_MEMBERS = 200


@dataclasses.dataclass(frozen=True)
class Counted:
    """What the goal is counted in besides money: `kind` of models.GOAL_KINDS; how many donors; or which thing the money buys,
    and what one costs in minor units of the goal's currency."""

    kind: str = "money"
    donors: int | None = None
    item_name: str = ""
    item_minor: int | None = None


MONEY = Counted()


def _slug(title: str) -> str:
    """A readable part of an address from a title; titles in other scripts become "fundraiser"."""
    plain = unicodedata.normalize("NFKD", title).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9]+", "-", plain).strip("-")[:60].strip("-") or "fundraiser"


def _free_slug(title: str) -> str:
    """A slug nobody has. Two at the same moment are told apart by the database's unique key and the random end."""
    slug = _slug(title)
    taken = sa.select(Fundraiser.id).where(Fundraiser.slug == slug)
    if slug in RESERVED_SLUGS or db.session.scalar(taken) is not None:
        slug = f"{slug}-{''.join(secrets.choice(ALPHABET) for _unused in range(6))}"
    return slug


def _gaps_in(**texts: str) -> dict[str, str]:
    """What to say at each text (by its field) in which a gap of a beginning is left."""
    return {
        field: _("Fill in “%(gap)s”, or take it out: it is from the example", gap=gap)
        for field, text in texts.items()
        if (gap := find_gap(text))
    }


def _check_input(
    organization: Organization, goal: Money, counted: Counted, ends_on: dt.date | None, locale: str, **texts: str
) -> None:
    """Raise InvalidInput for a goal or an end that cannot be used, and for new `texts` (title, story) that have a gap."""
    errors = _gaps_in(**texts)
    if counted.kind == "donors" and not 0 < (counted.donors or 0) <= MAXIMUM_DONORS:
        errors["goal_donors"] = _("Say how many donors you hope for")
    if counted.kind == "items":
        if not counted.item_name:
            errors["item_name"] = _("Say what the money buys")
        if counted.item_minor is None:
            errors["item_price"] = _("Say what one costs")
        elif not 0 < counted.item_minor <= goal.amount_minor:
            errors["item_price"] = _("One costs more than the whole goal: check both")
    if goal.currency != organization.currency:
        errors["goal"] = _("This organization raises money in %(currency)s", currency=organization.currency)
    elif counted.kind != "donors" or goal.amount_minor:
        try:
            check_goal(goal)
        except BadAmount as bad:
            errors["goal"] = explain(bad, goal.currency, locale) if bad.code != "too_large" else _("Set a smaller goal")
    first = today(organization.time_zone)
    if ends_on is not None and ends_on < first:
        errors["ends_on"] = _("Choose today or a later day")
    elif ends_on is not None and ends_on > first + dt.timedelta(days=LONGEST_DAYS):
        errors["ends_on"] = _("Choose a day within three years")
    if errors:
        raise InvalidInput(errors)


def reasons_not_to_start(person: Person, organization: Organization, need: Need | None) -> list[Reason]:
    """Every rule that stands in the way of starting a page, each with how to meet it (S11); empty when none does."""
    reasons = check_person(person)
    if person.birth_date is not None and age_on(person.birth_date, today(organization.time_zone)) < ADULT_AGE:
        reasons.append(
            Reason("minor", _("You must be 18 to start a fundraiser"), _("Ask an adult you trust to start it"))
        )
    if not organization.is_public:
        reasons.append(
            Reason(
                "organization_not_verified",
                _("%(name)s is not verified, so it cannot receive money here", name=organization.name),
            )
        )
    elif not organization.is_claimed:
        reasons.append(
            Reason(
                "organization_not_claimed",
                _("Nobody of %(name)s uses this site yet, so it cannot approve a fundraiser", name=organization.name),
            )
        )
    if need is not None and (need.organization_id != organization.id or not can_see_need(None, need)):
        reasons.append(
            Reason("need_not_open", _("That need is not open"), _("Raise money for the organization instead"))
        )
    return reasons


def start_fundraiser(
    organization_id: int,
    *,
    by: Person,
    title: str,
    story: str,
    goal: Money,
    ends_on: dt.date | None = None,
    need_id: int | None = None,
    show_starter: bool = False,
    counted: Counted = MONEY,
    by_organization: bool = False,
    is_team: bool = False,
    team_id: int | None = None,
    leaderboard: bool = True,
    locale: str = "en",
) -> Fundraiser:
    """Start a page that raises money for one organization, or for one of its needs. `goal` in its currency (0 where donors alone
    are `counted`); `ends_on` is
    the last day in the organization's zone; `by_organization`: the organization itself speaks, by one of its owners or
    managers; `is_team`: others may join with pages of their own, as `team_id` says of such a page.

    It waits for approval, unless the organization approves by itself or the starter is who approves. The same page sent
    twice is one. Raises Refused with every reason, InvalidInput for goal and ends_on, and for a title or story in which a gap
    of a beginning is left.
    """
    lock(Person, by.id)
    organization = hold_organization(organization_id)
    need = None if need_id is None else db.session.get(Need, need_id)
    if need_id is not None and need is None:
        raise refuse("need_not_open", _("That need is not open"))
    if reasons := reasons_not_to_start(by, organization, need):
        raise Refused(reasons)
    if by_organization and not can_manage_listings(by, organization):
        raise refuse("not_of_organization", _("Only its owners and managers speak for the organization"))
    team = None if team_id is None else _joinable(team_id, organization.id)
    _check_input(organization, goal, counted, ends_on, locale, title=title, story=story)
    same = db.session.scalar(
        sa.select(Fundraiser).where(
            Fundraiser.started_by_id == by.id,
            Fundraiser.organization_id == organization_id,
            Fundraiser.title == title,
            Fundraiser.story == story,
            Fundraiser.need_id == need_id,
            Fundraiser.goal_minor == goal.amount_minor,
            Fundraiser.goal_kind == counted.kind,
            Fundraiser.goal_donors == counted.donors,
            Fundraiser.item_minor == counted.item_minor,
            Fundraiser.status.in_(("awaiting_approval", "live")),
            Fundraiser.created_at > now() - dt.timedelta(minutes=15),
        )
    )
    if same is not None:
        return same
    fundraiser = Fundraiser(
        slug=_free_slug(title),
        organization_id=organization.id,
        need_id=need_id,
        started_by_id=by.id,
        title=title,
        story=story,
        goal_minor=goal.amount_minor,
        currency=goal.currency,
        ends_on=ends_on,
        show_starter=show_starter and not by_organization,
        by_organization=by_organization,
        is_team=is_team and team is None,
        team_id=None if team is None else team.id,
        goal_kind=counted.kind,
        goal_donors=counted.donors,
        item_name=counted.item_name,
        item_minor=counted.item_minor,
        leaderboard=leaderboard,
        status="awaiting_approval",
        created_at=now(),
        version=1,
    )
    db.session.add(fundraiser)
    db.session.flush()
    record("fundraiser.started", subject=fundraiser, by=by, organization_id=organization.id)
    by_staff = can_manage_listings(by, organization)
    # A title that somebody should look at waits, whatever the setting: of a team, too.
    if by_staff or (organization.auto_approve_fundraisers and not is_suspect(title)):
        _decide(fundraiser, "live", by=by if by_staff else None)
    else:
        _ask_deciders(fundraiser)
    return fundraiser


def _ask_deciders(fundraiser: Fundraiser) -> None:
    """Tell each owner and manager that it waits."""
    for person_id in list_deciders(fundraiser.organization_id):
        enqueue(
            "mail_fundraiser_waiting",
            {"fundraiser_id": fundraiser.id, "person_id": person_id},
            key=f"fundraiser_waiting:{fundraiser.id}:{fundraiser.version}:{person_id}",
        )


def edit_fundraiser(
    fundraiser_id: int,
    *,
    by: Person,
    title: str,
    story: str,
    goal: Money,
    ends_on: dt.date | None,
    show_starter: bool,
    counted: Counted | None = None,
    leaderboard: bool | None = None,
    locale: str = "en",
) -> Fundraiser:
    """Change a page that waits or is live. It stays as visible as it was; staff see that it changed since they read it. What
    was declined waits again, and staff are asked anew.

    Raises Refused when it is over or when, declined, it could not be started today; InvalidInput for title, story, goal and
    ends_on.
    """
    fundraiser = lock_fundraiser(fundraiser_id)
    if fundraiser.status == "ended" or (fundraiser.status != "declined" and has_ended(fundraiser)):
        raise refuse("fundraiser_over", _("This fundraiser is over and cannot be changed"))
    if fundraiser.status == "declined" and (
        reasons := reasons_not_to_start(by, fundraiser.organization, fundraiser.need)
    ):
        raise Refused(reasons)
    if title != fundraiser.title and is_suspect(title) and not can_decide(by, fundraiser):
        raise InvalidInput({"title": _("This has a word or a link that the page does not show. Choose another title")})
    before = counted_of(fundraiser)
    counted = before if counted is None else counted
    written = {"title": fundraiser.title, "story": fundraiser.story}
    texts = {field: text for field, text in {"title": title, "story": story}.items() if text != written[field]}
    stands = (Money(fundraiser.goal_minor, fundraiser.currency), fundraiser.ends_on, before)
    if fundraiser.status == "declined" or (goal, ends_on, counted) != stands:
        _check_input(fundraiser.organization, goal, counted, ends_on, locale, **texts)
    elif gaps := _gaps_in(**texts):
        raise InvalidInput(gaps)
    if (fundraiser.title, fundraiser.story) != (title, story):
        fundraiser.edited_at = now()
    fundraiser.title, fundraiser.story = title, story
    fundraiser.show_starter = show_starter and not fundraiser.by_organization
    fundraiser.goal_minor, fundraiser.ends_on = goal.amount_minor, ends_on
    fundraiser.goal_kind, fundraiser.goal_donors = counted.kind, counted.donors
    fundraiser.item_name, fundraiser.item_minor = counted.item_name, counted.item_minor
    fundraiser.leaderboard = fundraiser.leaderboard if leaderboard is None else leaderboard
    fundraiser.version += 1
    record("fundraiser.edited", subject=fundraiser, by=by, organization_id=fundraiser.organization_id)
    if fundraiser.status == "declined":
        fundraiser.status, fundraiser.declined_reason = "awaiting_approval", ""
        fundraiser.decided_at = fundraiser.decided_by_id = None
        record("fundraiser.asked_again", subject=fundraiser, by=by, organization_id=fundraiser.organization_id)
        _ask_deciders(fundraiser)
    db.session.flush()
    return fundraiser


def approve_fundraiser(fundraiser_id: int, *, by: Person) -> Fundraiser:
    """Let the public see it (F8). Approving what is live says that its changes were read, and tells nobody. Raises Refused
    when it is over."""
    fundraiser = lock_fundraiser(fundraiser_id)
    if fundraiser.status == "live":
        if fundraiser.changed_since_read:
            fundraiser.decided_at, fundraiser.decided_by_id = now(), by.id
            fundraiser.version += 1
            record("fundraiser.read_again", subject=fundraiser, by=by, organization_id=fundraiser.organization_id)
            db.session.flush()
        return fundraiser
    if fundraiser.status == "ended" or has_ended(fundraiser):
        raise refuse("fundraiser_over", _("This fundraiser is over"))
    _decide(fundraiser, "live", by=by)
    return fundraiser


def decline_fundraiser(fundraiser_id: int, *, by: Person, reason: str) -> Fundraiser:
    """Do not let the public see it, or no longer: page and checkouts close. `reason` is sent to its starter."""
    fundraiser = lock_fundraiser(fundraiser_id)
    if fundraiser.status == "declined":
        return fundraiser
    if fundraiser.status == "ended":
        raise refuse("fundraiser_over", _("This fundraiser is over"))
    fundraiser.declined_reason = reason
    _decide(fundraiser, "declined", by=by)
    return fundraiser


def end_fundraiser(fundraiser_id: int, *, by: Person | None, outcome: str = "") -> Fundraiser:
    """Take no more gifts; the page stays, with `outcome` (Markdown: thanks, and what comes of the money). `by` None: its last
    day is over. Ending what is ended changes nothing."""
    fundraiser = lock_fundraiser(fundraiser_id)
    if fundraiser.status == "ended":
        return fundraiser
    if fundraiser.status != "live":
        raise refuse("fundraiser_not_live", _("Only a live fundraiser can be ended"))
    fundraiser.status = "ended"
    fundraiser.ended_at = now()
    fundraiser.outcome = outcome or fundraiser.outcome
    fundraiser.version += 1
    record("fundraiser.ended", subject=fundraiser, by=by, organization_id=fundraiser.organization_id)
    _close(fundraiser)
    enqueue("hand_on_followers", {"fundraiser_id": fundraiser.id}, key=f"hand_on_followers:{fundraiser.id}")
    db.session.flush()
    return fundraiser


def say_outcome(fundraiser_id: int, *, by: Person, outcome: str) -> Fundraiser:
    """Thank everybody on the page of a fundraiser that is over and say what came of the money, in Markdown; "" takes it away.
    Raises Refused while it still takes gifts."""
    fundraiser = lock_fundraiser(fundraiser_id)
    if not has_ended(fundraiser):
        raise refuse("fundraiser_not_over", _("This fundraiser still takes gifts"), _("End it first"))
    if fundraiser.outcome != outcome:
        fundraiser.outcome = outcome
        fundraiser.version += 1
        record("fundraiser.outcome", subject=fundraiser, by=by, organization_id=fundraiser.organization_id)
        db.session.flush()
    return fundraiser


def set_auto_approval(organization_id: int, *, by: Person, on: bool) -> None:
    """Whether this organization's fundraisers are public at once, without anybody reading them first."""
    organization = lock(Organization, organization_id)
    if organization is None or organization.auto_approve_fundraisers == on:
        return
    organization.auto_approve_fundraisers = on
    organization.version += 1
    record(
        "organization.fundraiser_approval",
        subject=organization,
        by=by,
        organization_id=organization.id,
        data={"auto": on},
    )
    db.session.flush()


def counted_of(fundraiser: Fundraiser) -> Counted:
    """What the goal of a page is counted in."""
    return Counted(fundraiser.goal_kind, fundraiser.goal_donors, fundraiser.item_name, fundraiser.item_minor)


def _joinable(team_id: int, organization_id: int) -> Fundraiser:
    """The team's page, as long as somebody may join it. Raises Refused."""
    team = db.session.get(Fundraiser, team_id)
    if team is None or not team.is_team or team.organization_id != organization_id or not accepts_gifts(team):
        raise refuse("team_closed", _("Nobody can join this team now"), _("Start a page of your own"))
    members = sa.select(sa.func.count()).select_from(Fundraiser).where(Fundraiser.team_id == team_id)
    if (db.session.scalar(members) or 0) >= MOST_MEMBERS:
        raise refuse("team_full", _("This team has as many pages as a team can have"), _("Start a page of your own"))
    return team


def set_overflow_rule(organization_id: int, *, by: Person, rule: str) -> None:
    """What its fundraisers' pages say becomes of money beyond a goal; "" is the common rule."""
    organization = lock(Organization, organization_id)
    if organization is None or organization.overflow_rule == rule:
        return
    organization.overflow_rule = rule
    organization.version += 1
    record("organization.overflow_rule", subject=organization, by=by, organization_id=organization.id)
    db.session.flush()


def get_fundraiser(fundraiser_id: int) -> Fundraiser:
    """The fundraiser as it is now. Raises NoResultFound."""
    return db.session.execute(sa.select(Fundraiser).where(Fundraiser.id == fundraiser_id)).scalar_one()


def lock_fundraiser(fundraiser_id: int) -> Fundraiser:
    """The fundraiser, held until the transaction ends. Raises Refused when there is none."""
    fundraiser = lock(Fundraiser, fundraiser_id)
    if fundraiser is None:
        raise refuse("fundraiser_gone", _("This fundraiser does not exist"))
    return fundraiser


def _decide(fundraiser: Fundraiser, status: str, *, by: Person | None) -> None:
    """Set the decision, its audit event, and what follows from it."""
    was_live = fundraiser.status == "live"
    fundraiser.status = status
    fundraiser.decided_at = now()
    fundraiser.decided_by_id = None if by is None else by.id
    fundraiser.version += 1
    if status == "live":
        fundraiser.declined_reason = ""
    action = "fundraiser.approved" if status == "live" else "fundraiser.declined"
    record(action, subject=fundraiser, by=by, organization_id=fundraiser.organization_id)
    if by is None or by.id != fundraiser.started_by_id:
        enqueue(
            "mail_fundraiser_decided",
            {"fundraiser_id": fundraiser.id, "status": status},
            key=f"fundraiser_decided:{fundraiser.id}:{fundraiser.version}",
        )
    if was_live and status != "live":
        _close(fundraiser)
    db.session.flush()


def _close(fundraiser: Fundraiser) -> None:
    """Promise that the checkouts still open for it are expired (F8)."""
    enqueue(
        "fundraiser_closed",
        {"fundraiser_id": fundraiser.id},
        key=f"fundraiser_closed:{fundraiser.id}:{fundraiser.version}",
    )
