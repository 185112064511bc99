"""Fundraisers: find them, start and change one, approve it, and begin a gift to it."""

from __future__ import annotations

from typing import Any

import marshmallow as ma
from flask import request
from flask.typing import ResponseReturnValue

from app.accounts.session import current_person, find_current_person
from app.api import frame, giving_schemas, page_schemas, present, queries, schemas
from app.api.fundraiser_schemas import (
    AmountsIn,
    DeclineIn,
    FundraiserIn,
    FundraiserList,
    FundraiserOut,
    FundraiserPatch,
    OutcomeIn,
    present_fundraiser,
    read_counted,
)
from app.api.money_frame import fields_named, find_in_sight, read_money, silent
from app.core import web
from app.core.db import transaction
from app.core.errors import InvalidInput
from app.core.i18n import _
from app.core.money import Money
from app.core.paging import Page
from app.core.tokens import keyed_hash
from app.core.web import allow, public, signed_in
from app.donations import gateway, page_parts
from app.donations.accounts import find_that_take_gifts
from app.donations.checkout import open_checkout
from app.donations.forms import read_email
from app.donations.operations.giving import form_key, start_donation
from app.donations.operations.monthly import begin as begin_monthly
from app.donations.queries import list_public_donations, totals
from app.donations.wishes import Wishes
from app.fundraisers import operations, policy
from app.fundraisers.amounts import suggest_amounts
from app.fundraisers.models import FUNDRAISER_STATUSES, Fundraiser
from app.fundraisers.queries import find_fundraiser, list_public_fundraisers
from app.fundraisers.updates import post_update
from app.organizations.models import Organization
from app.organizations.policy import can_see_staff_pages
from app.organizations.queries import find_organization, find_public_remaining

resource = frame.blueprint("fundraisers", "Pages that raise money for one organization")


def present_one(fundraiser: Fundraiser) -> dict[str, Any]:
    """One page with what it raised."""
    return present_fundraiser(
        fundraiser,
        totals([fundraiser.id])[fundraiser.id],
        paid=bool(find_that_take_gifts([fundraiser.organization_id])),
    )


def present_page(page: Page[Fundraiser]) -> dict[str, Any]:
    """A list of pages, each with what it raised."""
    raised = totals([row.id for row in page.rows])
    paid = find_that_take_gifts(row.organization_id for row in page.rows)
    return frame.page_of(page, lambda row: present_fundraiser(row, raised[row.id], paid=row.organization_id in paid))


class OfOrganizationQuery(frame.ListQuery):
    """All of them, or those of one status."""

    status = ma.fields.String(validate=schemas.one_of(FUNDRAISER_STATUSES))


@resource.route("/fundraisers", methods=["GET"])
@public
@resource.arguments(frame.ListQuery, location="query")
@resource.response(200, FundraiserList)
def index(query: dict[str, Any]) -> ResponseReturnValue:
    """Live fundraisers, newest first."""
    page = list_public_fundraisers(query.get("cursor"), limit=query["limit"])
    return present_page(Page(queries.whole_fundraisers([row.id for row in page.rows]), page.next_cursor))


@resource.route("/organizations/<slug>/fundraisers", methods=["GET"])
@allow(can_see_staff_pages, load=find_organization, scope="organizations:read")
@resource.arguments(OfOrganizationQuery, location="query")
@resource.response(200, FundraiserList)
def of_organization(organization: Organization, query: dict[str, Any]) -> ResponseReturnValue:
    """All that is raised for an organization, in any state, newest first; for its staff. Those that wait for a decision have
    `status=awaiting_approval`."""
    return present_page(
        queries.list_of_organization(
            organization.id, status=query.get("status"), cursor=query.get("cursor"), limit=query["limit"]
        )
    )


@resource.route("/fundraisers", methods=["POST"])
@signed_in(scope="fundraisers:write")
@resource.acts(FundraiserOut, takes=FundraiserIn, status=201)
def create(payload: dict[str, Any]) -> ResponseReturnValue:
    """Start one; its organization approves it before the public sees it."""
    organization = find_public_remaining(payload["organization"])
    if organization is None:
        raise InvalidInput({"organization": _("There is no such organization.")})
    goal = _read_goal(payload, organization.currency)
    _check_price(payload, goal.currency)
    team = _find_team(payload["team"], organization.id)
    with transaction():
        made = operations.start_fundraiser(
            organization.id,
            by=current_person(),
            title=payload["title"],
            story=payload["story"],
            goal=goal,
            ends_on=payload["ends_on"],
            need_id=payload["need"],
            show_starter=payload["show_starter"],
            counted=read_counted(payload, operations.MONEY, goal.currency),
            by_organization=payload["by_organization"],
            is_team=payload["is_team"],
            team_id=team,
            leaderboard=payload["leaderboard"],
        )
        return frame.answer(201, FundraiserOut, present_one(made))


def _find_team(slug: str | None, organization_id: int) -> int | None:
    """The team's page that is named. Raises InvalidInput for one that is not there, or of another organization."""
    if slug is None:
        return None
    team = find_in_sight(slug)
    if team is None or not team.is_team or team.organization_id != organization_id:
        raise InvalidInput({"team": _("There is no such team.")})
    return team.id


def _read_goal(payload: dict[str, Any], currency: str) -> Money:
    """The goal's sum of money; 0 for none, which is right only where donors are counted. Raises InvalidInput."""
    if payload["goal"] is not None:
        return read_money(payload["goal"])
    if payload.get("goal_kind", "donors") != "donors":
        raise InvalidInput({"goal": _("Enter a goal")})
    return Money(0, currency)


def _check_price(payload: dict[str, Any], currency: str) -> None:
    """Raise InvalidInput when what one thing costs is in another currency than the goal."""
    price = payload.get("item_price")
    if price is not None and price["currency"].upper() != currency:
        raise InvalidInput({"item_price": _("This organization raises money in %(currency)s", currency=currency)})


@resource.route("/fundraisers/<slug>", methods=["GET"])
@public(load=find_in_sight)
@resource.response(200, FundraiserOut)
def show(fundraiser: Fundraiser) -> ResponseReturnValue:
    """One fundraiser. What it raised changes without its version, so the ETag holds both."""
    body = present_one(fundraiser)
    return frame.with_etag(FundraiserOut().dump(body), fundraiser.version)


@resource.route("/fundraisers/<slug>", methods=["PATCH"])
@allow(policy.can_edit, load=find_fundraiser, scope="fundraisers:write")
@resource.arguments(FundraiserPatch)
@resource.response(200, FundraiserOut)
@resource.alt_response(409, schema=frame.ProblemSchema, content_type="application/problem+json")
def edit(fundraiser: Fundraiser, payload: dict[str, Any]) -> ResponseReturnValue:
    """Change one that waits or is live. One that was declined waits again."""
    _check_price(payload, fundraiser.currency)
    with transaction():
        frame.require_match(queries.locked_version(Fundraiser, fundraiser.id))
        currency = fundraiser.currency
        changed = operations.edit_fundraiser(
            fundraiser.id,
            by=current_person(),
            title=payload.get("title", fundraiser.title),
            story=payload.get("story", fundraiser.story),
            goal=_read_goal(payload, currency) if "goal" in payload else Money(fundraiser.goal_minor, currency),
            ends_on=payload.get("ends_on", fundraiser.ends_on),
            show_starter=payload.get("show_starter", fundraiser.show_starter),
            counted=read_counted(payload, operations.counted_of(fundraiser), currency),
            leaderboard=payload.get("leaderboard"),
        )
        if "suggested_amounts" in payload:
            _suggest(fundraiser.id, payload["suggested_amounts"])
        return frame.answer(200, FundraiserOut, present_one(changed))


def _suggest(fundraiser_id: int, amounts: list[dict[str, Any]]) -> Fundraiser:
    with fields_named({"amounts": "suggested_amounts"}):
        return suggest_amounts(fundraiser_id, [read_money(each) for each in amounts], by=current_person())


@resource.route("/fundraisers/<slug>/amounts", methods=["POST"])
@allow(policy.can_suggest_amounts, load=find_fundraiser, scope="fundraisers:write")
@resource.acts(FundraiserOut, takes=AmountsIn)
def suggest(fundraiser: Fundraiser, payload: dict[str, Any]) -> ResponseReturnValue:
    """Say which amounts it suggests to donors: by its starter or an owner or manager of the organization."""
    with transaction():
        changed = _suggest(fundraiser.id, payload["suggested_amounts"])
        return frame.answer(200, FundraiserOut, present_one(changed))


@resource.route("/fundraisers/<slug>/approve", methods=["POST"])
@allow(policy.can_decide, load=find_fundraiser, scope="fundraisers:write")
@resource.acts(FundraiserOut)
def approve(fundraiser: Fundraiser, _payload: dict[str, Any]) -> ResponseReturnValue:
    """Let the public see it (F8)."""
    with transaction():
        approved = operations.approve_fundraiser(fundraiser.id, by=current_person())
        return frame.answer(200, FundraiserOut, present_one(approved))


@resource.route("/fundraisers/<slug>/decline", methods=["POST"])
@allow(policy.can_decide, load=find_fundraiser, scope="fundraisers:write")
@resource.acts(FundraiserOut, takes=DeclineIn)
def decline(fundraiser: Fundraiser, payload: dict[str, Any]) -> ResponseReturnValue:
    """Do not let the public see it, or no longer: page and checkouts close, and whoever started it reads why."""
    with transaction():
        declined = operations.decline_fundraiser(fundraiser.id, by=current_person(), reason=payload["reason"])
        return frame.answer(200, FundraiserOut, present_one(declined))


@resource.route("/fundraisers/<slug>/end", methods=["POST"])
@allow(policy.can_end, load=find_fundraiser, scope="fundraisers:write")
@resource.acts(FundraiserOut, takes=OutcomeIn, required=False)
def end(fundraiser: Fundraiser, payload: dict[str, Any]) -> ResponseReturnValue:
    """Take no more gifts; monthly gifts to it stop, and its followers are handed on. The page stays, with its outcome."""
    with transaction():
        ended = operations.end_fundraiser(fundraiser.id, by=current_person(), outcome=payload.get("outcome", ""))
        return frame.answer(200, FundraiserOut, present_one(ended))


@resource.route("/fundraisers/<slug>/outcome", methods=["POST"])
@allow(policy.can_say_outcome, load=find_fundraiser, scope="fundraisers:write")
@resource.acts(FundraiserOut, takes=OutcomeIn)
def say_outcome(fundraiser: Fundraiser, payload: dict[str, Any]) -> ResponseReturnValue:
    """Thank everybody on a page that is over, and say what came of the money; empty takes it away."""
    with transaction():
        said = operations.say_outcome(fundraiser.id, by=current_person(), outcome=payload["outcome"])
        return frame.answer(200, FundraiserOut, present_one(said))


@resource.route("/fundraisers/<slug>/updates", methods=["GET"])
@public(load=find_in_sight)
@resource.arguments(frame.ListQuery, location="query")
@resource.response(200, page_schemas.UpdateList)
def updates(fundraiser: Fundraiser, query: dict[str, Any]) -> ResponseReturnValue:
    """News of the fundraiser, newest first."""
    page = page_parts.page_updates(fundraiser.id, query.get("cursor"), limit=query["limit"])
    return frame.page_of(page, page_schemas.present_update)


@resource.route("/fundraisers/<slug>/updates", methods=["POST"])
@allow(policy.can_post_update, load=find_fundraiser, scope="fundraisers:write")
@resource.acts(page_schemas.UpdateOut, takes=page_schemas.UpdateIn, status=201)
def post_news(fundraiser: Fundraiser, payload: dict[str, Any]) -> ResponseReturnValue:
    """Say what is new, in Markdown; whoever follows the fundraiser reads of it."""
    with transaction():
        made = post_update(fundraiser.id, by=current_person(), title=payload["title"], body=payload["body"])
        return frame.answer(201, page_schemas.UpdateOut, page_schemas.present_update(made))


@resource.route("/fundraisers/<slug>/donations", methods=["GET"])
@public(load=find_in_sight)
@resource.arguments(frame.ListQuery, location="query")
@resource.response(200, schemas.DonationPublicList)
def donations(fundraiser: Fundraiser, query: dict[str, Any]) -> ResponseReturnValue:
    """Paid gifts as the public sees them (F9)."""
    page = list_public_donations(fundraiser.id, query.get("cursor"), limit=query["limit"])
    return frame.page_of(page, present.donation_public)


@resource.route("/fundraisers/<slug>/donations", methods=["POST"])
@public(load=find_in_sight)
@resource.acts(giving_schemas.CheckoutOut, takes=giving_schemas.DonationIn, status=201, silent=True)
def give(fundraiser: Fundraiser, payload: dict[str, Any]) -> ResponseReturnValue:
    """Begin a gift; the answer says where it is paid. Needs no token.

    With an Idempotency-Key the same request is one donation and one page, whatever happens in between: the key is
    the donation's own form key, so that not even a crash between our row and Stripe's session makes a second one.
    """
    sent_key = request.headers.get("Idempotency-Key")
    key = keyed_hash("donation-key", form_key(frame.caller(), sent_key, request.get_data())) if sent_key else None
    email, declared = read_email(payload["email"]), payload["gift_aid"]
    with transaction(), fields_named(giving_schemas.GIFT_AID_FIELDS):
        started = start_donation(
            fundraiser.id,
            amount=read_money(payload),
            name=payload["name"],
            email=email,
            mode=web.settings().payments_mode,
            connect=web.settings().stripe_connect,
            anonymous=payload["anonymous"],
            message=payload["message"],
            wishes=Wishes(
                cover_fee=payload["cover_fee"],
                company=payload["company"],
                dedication=payload["dedication"],
                dedicated_to=payload["dedicated_to"],
                hide_from_starter=payload["hide_from_starter"],
                hide_from_organization=payload["hide_from_organization"],
                gift_aid=None if declared is None else giving_schemas.read_gift_aid(declared),
            ),
            by=find_current_person(),
            key=key,
        )
        if payload["frequency"] == "monthly":
            begin_monthly(started)
    try:
        checkout_url = open_checkout(started.id)
    except gateway.GatewayError as error:
        return silent(error)
    with transaction():
        return frame.answer(201, giving_schemas.CheckoutOut, present.checkout(started, checkout_url))
