"""Fundraisers: find them, start and change one, approve it, and begin a gift to it."""

from __future__ import annotations

from typing import Any

from flask import request
from flask.typing import ResponseReturnValue

from app.accounts.session import current_person, find_current_person
from app.api import frame, giving_schemas, page_schemas, present, queries, schemas
from app.api.money_frame import find_in_sight, read_money, silent
from app.core import web
from app.core.db import transaction
from app.core.errors import InvalidInput
from app.core.i18n import _
from app.core.money import Money
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
from app.fundraisers import policy
from app.fundraisers.amounts import suggest_amounts
from app.fundraisers.models import Fundraiser
from app.fundraisers.operations import approve_fundraiser, edit_fundraiser, start_fundraiser
from app.fundraisers.queries import find_fundraiser, list_public_fundraisers
from app.fundraisers.updates import post_update
from app.organizations.queries import find_public_organization

resource = frame.blueprint("fundraisers", "Pages that raise money for one organization")


def _present(fundraiser: Fundraiser) -> dict[str, Any]:
    return present.fundraiser(
        fundraiser,
        totals([fundraiser.id])[fundraiser.id],
        paid=bool(find_that_take_gifts([fundraiser.organization_id])),
    )


@resource.route("/fundraisers", methods=["GET"])
@public
@resource.arguments(frame.ListQuery, location="query")
@resource.response(200, schemas.FundraiserList)
def index(query: dict[str, Any]) -> ResponseReturnValue:
    """Live fundraisers, newest first."""
    page = list_public_fundraisers(query.get("cursor"), limit=query["limit"])
    rows = queries.whole_fundraisers([row.id for row in page.rows])
    raised = totals([row.id for row in rows])
    paid = find_that_take_gifts(row.organization_id for row in rows)
    return {
        "data": [present.fundraiser(row, raised[row.id], paid=row.organization_id in paid) for row in rows],
        "next_cursor": page.next_cursor,
    }


@resource.route("/fundraisers", methods=["POST"])
@signed_in(scope="fundraisers:write")
@resource.arguments(schemas.FundraiserIn)
@resource.response(201, schemas.FundraiserOut)
@resource.alt_response(409, schema=frame.ProblemSchema, content_type="application/problem+json")
@frame.idempotent
def create(payload: dict[str, Any]) -> ResponseReturnValue:
    """Start one; its organization approves it before the public sees it."""
    organization = find_public_organization(payload["organization"])
    if organization is None:
        raise InvalidInput({"organization": _("There is no such organization.")})
    with transaction():
        made = start_fundraiser(
            organization.id,
            by=current_person(),
            title=payload["title"],
            story=payload["story"],
            goal=read_money(payload["goal"]),
            ends_on=payload["ends_on"],
            need_id=payload["need"],
        )
        return frame.answer(201, schemas.FundraiserOut, _present(made))


@resource.route("/fundraisers/<slug>", methods=["GET"])
@public(load=find_in_sight)
@resource.response(200, schemas.FundraiserOut)
def show(fundraiser: Fundraiser) -> ResponseReturnValue:
    """One fundraiser. What it raised changes without its version, so the ETag holds both."""
    body = _present(fundraiser)
    return frame.with_etag(schemas.FundraiserOut().dump(body), fundraiser.version)


@resource.route("/fundraisers/<slug>", methods=["PATCH"])
@allow(policy.can_edit, load=find_fundraiser, scope="fundraisers:write")
@resource.arguments(schemas.FundraiserPatch)
@resource.response(200, schemas.FundraiserOut)
@resource.alt_response(409, schema=frame.ProblemSchema, content_type="application/problem+json")
def edit(fundraiser: Fundraiser, payload: dict[str, Any]) -> ResponseReturnValue:
    """Change one that waits or is live."""
    goal = read_money(payload["goal"]) if "goal" in payload else Money(fundraiser.goal_minor, fundraiser.currency)
    with transaction():
        frame.require_match(queries.locked_version(Fundraiser, fundraiser.id))
        changed = edit_fundraiser(
            fundraiser.id,
            by=current_person(),
            title=payload.get("title", fundraiser.title),
            story=payload.get("story", fundraiser.story),
            goal=goal,
            ends_on=payload.get("ends_on", fundraiser.ends_on),
            show_starter=fundraiser.show_starter,
        )
        if "suggested_amounts" in payload:
            suggest_amounts(
                fundraiser.id, [read_money(each) for each in payload["suggested_amounts"]], by=current_person()
            )
        return frame.answer(200, schemas.FundraiserOut, _present(changed))


@resource.route("/fundraisers/<slug>/approve", methods=["POST"])
@allow(policy.can_decide, load=find_fundraiser, scope="fundraisers:write")
@resource.arguments(schemas.Action, required=False)
@resource.response(200, schemas.FundraiserOut)
@resource.alt_response(409, schema=frame.ProblemSchema, content_type="application/problem+json")
@frame.idempotent
def approve(fundraiser: Fundraiser, _payload: dict[str, Any]) -> ResponseReturnValue:
    """Let the public see it (F8)."""
    with transaction():
        approved = approve_fundraiser(fundraiser.id, by=current_person())
        return frame.answer(200, schemas.FundraiserOut, _present(approved))


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
@resource.arguments(page_schemas.UpdateIn)
@resource.response(201, page_schemas.UpdateOut)
@resource.alt_response(409, schema=frame.ProblemSchema, content_type="application/problem+json")
@frame.idempotent
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
@resource.arguments(giving_schemas.DonationIn)
@resource.response(201, giving_schemas.CheckoutOut)
@resource.alt_response(409, schema=frame.ProblemSchema, content_type="application/problem+json")
@resource.alt_response(503, schema=frame.ProblemSchema, content_type="application/problem+json")
@frame.idempotent
def give(fundraiser: Fundraiser, payload: dict[str, Any]) -> ResponseReturnValue:
    """Begin a gift; the answer says where it is paid. Needs no token.

    With an Idempotency-Key the same request is one donation and one page, whatever happens in between: the key is
    the donation's own form key, so that not even a crash between our row and Stripe's session makes a second one.
    """
    sent_key = request.headers.get("Idempotency-Key")
    key = keyed_hash("donation-key", form_key(frame.caller(), sent_key, request.get_data())) if sent_key else None
    email = read_email(payload["email"])
    with transaction():
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
            ),
            by=find_current_person(),
            key=key,
        )
        if payload["frequency"] == "monthly":
            begin_monthly(started)
    try:
        checkout_url = open_checkout(started.id)
    except gateway.GatewayError:
        return silent()
    with transaction():
        return frame.answer(201, giving_schemas.CheckoutOut, present.checkout(started, checkout_url))
