"""The public page of one need."""

from __future__ import annotations

import decimal
from typing import Any

from flask import render_template
from flask.typing import ResponseReturnValue

from app.accounts.session import find_current_person
from app.core.cache import anonymous_page
from app.core.markdown import render_markdown
from app.core.web import public, settings, viewer_was_asked
from app.donations.queries import Totals, totals
from app.fundraisers.queries import FundraiserRow, list_public_fundraisers
from app.needs import policy, queries
from app.needs.models import Item, Need
from app.needs.views.blueprint import needs
from app.organizations.policy import can_see_staff_pages
from app.signups.queries import find_exact_address, list_live_signups_of

ZERO = decimal.Decimal(0)


def _find_in_sight(need_id: int) -> Need | None:
    """The public sees open needs of public organizations (N1); members all of theirs, as a preview."""
    need = queries.find_need(need_id)
    if need is None:
        return None
    person = find_current_person() if viewer_was_asked() else None
    return need if policy.can_see_need(person, need) else None


@needs.get("/needs/<id:need_id>")
@public(load=_find_in_sight)
def show(need: Need) -> ResponseReturnValue:
    """What is wanted, why, where and until when, and every way to help."""
    return anonymous_page(lambda: _render(need))


def _render(need: Need) -> str:
    person = find_current_person() if viewer_was_asked() else None
    shifts = [shift for shift in queries.list_shifts(need.id) if not shift.is_over and shift.status == "scheduled"]
    items = queries.list_items(need.id)
    fundraisers = list_public_fundraisers(need_id=need.id, limit=5).rows
    raised = totals([row.id for row in fundraisers])
    mine = {} if person is None else {signup.shift_id: signup for signup in list_live_signups_of(person.id)}
    wanted = [item for item in items if not item.do_not_bring]
    return render_template(
        "needs/show.html",
        need=need,
        organization=need.organization,
        description=render_markdown(need.description),
        shifts=shifts,
        mine=mine,
        items=wanted,
        do_not_bring=[item for item in items if item.do_not_bring],
        fundraisers=fundraisers,
        raised=raised,
        stands=_where_it_stands(shifts, wanted, fundraisers, raised),
        exact=find_exact_address(need, person) if person is not None else None,
        is_preview=not policy.is_visible(need),
        is_staff=person is not None and can_see_staff_pages(person, need.organization),
        gifts_are_on=settings().payments_mode != "off",
    )


def _where_it_stands(
    shifts: list[queries.ShiftLine], items: list[Item], fundraisers: list[FundraiserRow], raised: dict[int, Totals]
) -> dict[str, dict[str, Any]]:
    """Sums of what can be counted, per kind of help; kinds without a goal are left out."""
    found: dict[str, dict[str, Any]] = {}
    counted = [shift for shift in shifts if shift.capacity is not None]
    if counted:
        goal = sum(shift.capacity or 0 for shift in counted)
        found["time"] = {"given": sum(shift.taken for shift in counted), "promised": 0, "goal": goal}
    countable = [item for item in items if item.quantity is not None]
    if countable:
        found["items"] = {
            "given": sum((min(item.received, item.quantity or ZERO) for item in countable), ZERO),
            "promised": sum((item.reserved + item.in_transit for item in countable), ZERO),
            "goal": sum((item.quantity or ZERO for item in countable), ZERO),
            "open": sum((item.still_wanted or ZERO for item in countable), ZERO),
        }
    currencies = {row.goal.currency for row in fundraisers}
    if len(currencies) == 1:
        found["money"] = {
            "given": sum(raised[row.id].settled.amount_minor for row in fundraisers),
            "promised": sum(raised[row.id].processing.amount_minor for row in fundraisers),
            "goal": sum(row.goal.amount_minor for row in fundraisers),
            "currency": currencies.pop(),
            "slug": fundraisers[0].slug,
        }
    return found
