"""The public page of one need."""

from __future__ import annotations

import dataclasses
from typing import Any

from flask import abort, render_template, url_for
from flask.typing import ResponseReturnValue

from app.accounts.models import Person
from app.accounts.session import find_current_person
from app.core.cache import anonymous_page, keep_nowhere
from app.core.markdown import render_markdown
from app.core.web import public, viewer_was_asked
from app.donations.accounts import find_that_take_gifts
from app.donations.page_parts import standing_of
from app.donations.queries import Totals, totals
from app.fundraisers.queries import FundraiserRow, list_fundraisers_for
from app.needs import operations, policy, queries, standing
from app.needs.models import Need
from app.needs.views.blueprint import needs
from app.signups import two_adults
from app.signups.gate import list_refusals
from app.signups.queries import find_day_facts, find_exact_address, list_live_signups_of

MOST_FUNDRAISERS = 5


@needs.get("/needs/<id:need_id>")
@public
def show(need_id: int) -> ResponseReturnValue:
    """What is wanted, why, where and until when, and every way to help. The public sees open needs of public
    organizations (N1); members all of theirs, as a preview."""
    return anonymous_page(lambda: render_need(need_id))


def render_need(need_id: int, typed: list[tuple[str, str]] | None = None) -> str:
    """The page, or 404 for whoever may not know that there is such a need. With `typed`, what an editor typed and has not
    saved: a preview with the way back to it."""
    page = queries.find_need_page(need_id)
    person = find_current_person() if viewer_was_asked() else None
    need = queries.find_need(need_id) if person is not None else None
    is_staff = need is not None and policy.can_see_staff_page(person, need)
    if page is None or not (page.is_visible or is_staff):
        abort(404)
    is_preview = typed is not None or not page.is_visible
    # One that cannot run for want of cleared adults (G2) is there, so that somebody who is one can sign up.
    shifts = [shift for shift in queries.list_shifts(need_id) if not shift.is_over and shift.status != "cancelled"]
    if any(two_adults.is_turning(shift) for shift in shifts):
        keep_nowhere()
        idle = two_adults.list_idle(shifts)
        shifts = [dataclasses.replace(shift, status="cannot_run") if shift.id in idle else shift for shift in shifts]
    items = queries.list_items(need_id)
    fundraisers = list_fundraisers_for(need_id, limit=MOST_FUNDRAISERS)
    raised = totals([row.id for row in fundraisers])
    mine = _of_viewer(person, need)
    return render_template(
        "needs/show.html",
        need=page,
        description=render_markdown(page.description),
        shifts=shifts,
        items=[item for item in items if not item.do_not_bring],
        do_not_bring=[item for item in items if item.do_not_bring],
        fundraisers=fundraisers,
        raised=raised,
        standing_of=standing_of,
        time=standing.of_time(shifts),
        things=standing.of_items(items),
        money=_money(fundraisers, raised),
        is_filled=page.status == "open" and standing.is_filled(shifts, items),
        still_welcome=any(shift.capacity is None for shift in shifts)
        or any(item.quantity is None and not item.do_not_bring for item in items),
        similar_url=_similar_url(page),
        is_preview=is_preview,
        typed=typed,
        may_edit=is_preview and need is not None and policy.can_edit_need(person, need),
        incomplete=operations.unfinished_rows(need) if is_preview and need is not None else 0,
        is_staff=is_staff,
        takes=page.is_claimed and not is_preview,
        gifts_are_on=bool(find_that_take_gifts({row.organization_id for row in fundraisers})),
        first_open=_first_open(shifts, mine["mine"]),
        **mine,
    )


def _first_open(shifts: list[queries.ShiftLine], mine: dict[int, Any]) -> int | None:
    """The shift whose button is the page's main one: the first ahead that can be taken and is not the reader's yet."""
    for shift in shifts:
        is_full = shift.capacity is not None and shift.taken >= shift.capacity
        if shift.contact == "none" and shift.id not in mine and not is_full and not shift.is_running:
            return shift.id
    return None


def _similar_url(page: queries.NeedPage) -> str:
    """The list of what is asked for like this: for the same causes, near the same place or from home."""
    town = ", ".join(part for part in (page.city, page.region) if part)
    where: dict[str, Any] = {"remote": "yes"} if page.remote or not town else {"near": town}
    return url_for("needs.index", **where, causes=page.causes)


def _of_viewer(person: Person | None, need: Need | None) -> dict[str, Any]:
    """What the page says to one person only: their own places, and the street when they may know it (N6, G7)."""
    if person is None or need is None:
        return {"mine": {}, "exact": None, "day_facts": None}
    places = [signup for signup in list_live_signups_of(person.id) if signup.shift.need_id == need.id]
    # What does not stand any more (G1) is nobody's place.
    refused = list_refusals(places)
    mine = {signup.shift_id: signup for signup in places if signup.id not in refused}
    exact = find_exact_address(need, person) if need.private_address else None
    return {"mine": mine, "exact": exact, "day_facts": find_day_facts(need, person)}


def _money(fundraisers: list[FundraiserRow], raised: dict[int, Totals]) -> dict[str, Any] | None:
    """The sum of all its fundraisers whose goal is a sum, when they are in one currency. Minor units. What counts people has no
    sum to be open: it is listed below."""
    fundraisers = [row for row in fundraisers if row.goal_kind != "donors"]
    currencies = {row.goal.currency for row in fundraisers}
    if len(currencies) != 1:
        return None
    given = sum(raised[row.id].raised.amount_minor for row in fundraisers)
    promised = sum(raised[row.id].coming.amount_minor for row in fundraisers)
    goal = sum(row.goal.amount_minor for row in fundraisers)
    return {
        "given": given,
        "promised": promised,
        "goal": goal,
        "open": max(0, goal - given - promised),
        "currency": currencies.pop(),
        "slug": fundraisers[0].slug,
    }
