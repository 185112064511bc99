"""The shapes of fundraisers, and how a row becomes one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

import marshmallow as ma

from app.api.frame import Id, MoneySchema, Schema, iso, list_schema
from app.api.present import money, organization_ref, url
from app.api.schemas import DATE, OrganizationRef, moment, one_of, paragraphs, text
from app.donations.page_parts import standing_of
from app.donations.queries import Totals
from app.fundraisers.amounts import amounts_of
from app.fundraisers.models import FUNDRAISER_STATUSES, GOAL_KINDS, Fundraiser
from app.fundraisers.operations import MAXIMUM_DONORS, MAXIMUM_OUTCOME, Counted, counted_of
from app.fundraisers.policy import SHOWN, accepts_gifts, is_visible


class RaisedOut(Schema):
    """Money raised, in segments, in minor units of the goal's currency: paid before fees; unpaid yet; by hand; what sponsors
    add to gifts that still stand, promised or paid; what banks took of paid gifts and have yet to decide about."""

    settled = ma.fields.Nested(MoneySchema, required=True)
    processing = ma.fields.Nested(MoneySchema, required=True)
    offline = ma.fields.Nested(MoneySchema, required=True)
    matched = ma.fields.Nested(MoneySchema, required=True)
    disputed = ma.fields.Nested(MoneySchema, required=True)


class StandingOut(Schema):
    """Where the goal stands in what it counts: minor units of money, donors, or things whose whole price is there."""

    have = ma.fields.Integer(required=True)
    of = ma.fields.Integer(required=True)


class LinksOut(Schema):
    """Where a page is passed on, put on paper and shown on other sites: `share` (first the questions where it speaks of abuse or
    disaster), `card` (the picture beside its link), its code as `qr_png` and `qr_svg`, `poster` (with strips to tear off), what
    goes in a frame (`embed`, and `embed_button` alone), and `oembed`, which answers in JSON."""

    share = ma.fields.String(required=True)
    card = ma.fields.String(required=True)
    qr_png = ma.fields.String(required=True)
    qr_svg = ma.fields.String(required=True)
    poster = ma.fields.String(required=True)
    embed = ma.fields.String(required=True)
    embed_button = ma.fields.String(required=True)
    oembed = ma.fields.String(required=True)


class FundraiserOut(Schema):
    """A page that raises money for one organization. `goal_kind` says what the goal counts, `standing` and `goal_reached` where
    that stands: `goal`, a sum of money (null where donors alone are counted); `goal_donors` people; or things (`item_name`, each
    for `item_price`). `overflow_rule` is what the organization declares to do with money beyond a goal ("": it goes to its work
    as a whole). `starter` is null unless they chose to be named; `team` is the page that this one is part of, and `is_team` lets
    others join. `milestone` is the highest of 25, 50, 75 and 100 percent that was reached. `declined_reason` is told to its
    starter and the organization. `links` is null while the public may not see the page."""

    slug = ma.fields.String(required=True)
    title = ma.fields.String(required=True)
    story = ma.fields.String(required=True)
    organization = ma.fields.Nested(OrganizationRef, required=True)
    need = Id(required=True, allow_none=True)
    status = ma.fields.String(required=True, validate=one_of(FUNDRAISER_STATUSES))
    starter = ma.fields.String(required=True, allow_none=True)
    by_organization = ma.fields.Boolean(required=True)
    is_team = ma.fields.Boolean(required=True)
    team = ma.fields.String(required=True, allow_none=True)
    goal = ma.fields.Nested(MoneySchema, required=True, allow_none=True)
    goal_kind = ma.fields.String(required=True, validate=one_of(GOAL_KINDS))
    goal_donors = ma.fields.Integer(required=True, allow_none=True)
    item_name = ma.fields.String(required=True)
    item_price = ma.fields.Nested(MoneySchema, required=True, allow_none=True)
    standing = ma.fields.Nested(StandingOut, required=True)
    overflow_rule = ma.fields.String(required=True)
    milestone = ma.fields.Integer(required=True)
    leaderboard = ma.fields.Boolean(required=True)
    declined_reason = ma.fields.String(required=True)
    raised = ma.fields.Nested(RaisedOut, required=True)
    donor_count = ma.fields.Integer(required=True)
    goal_reached = ma.fields.Boolean(required=True)
    suggested_amounts = ma.fields.List(ma.fields.Nested(MoneySchema), required=True)
    accepts_gifts = ma.fields.Boolean(required=True)
    outcome = ma.fields.String(required=True)
    ends_on = ma.fields.String(required=True, allow_none=True, metadata=DATE)
    ended_at = moment(required=True, allow_none=True)
    url = ma.fields.String(required=True)
    links = ma.fields.Nested(LinksOut, required=True, allow_none=True)


GOAL = {"description": "its sum of money; only a goal that counts donors may do without (null)"}
GOAL_DONORS = {"description": "of a goal that counts donors"}
ITEM_NAME = {"example": "backpacks", "description": "of a goal that counts things: what the money buys, in the plural"}
ITEM_PRICE = {"description": "what one of them costs"}


class FundraiserIn(Schema):
    """A fundraiser to be started. `team` is the page of a team that it joins; with `is_team` others may join it.
    `by_organization`: the organization itself speaks, by one of its owners or managers."""

    organization = text(80, 1, required=True)
    need = Id(load_default=None, allow_none=True)
    title = text(120, 1, required=True)
    story = paragraphs(20_000, 1, required=True)
    goal = ma.fields.Nested(MoneySchema, load_default=None, allow_none=True, metadata=GOAL)
    goal_kind = ma.fields.String(validate=one_of(GOAL_KINDS), load_default="money")
    goal_donors = ma.fields.Integer(
        strict=True,
        validate=ma.validate.Range(1, MAXIMUM_DONORS),
        load_default=None,
        allow_none=True,
        metadata=GOAL_DONORS,
    )
    item_name = text(120, load_default="", metadata=ITEM_NAME)
    item_price = ma.fields.Nested(MoneySchema, load_default=None, allow_none=True, metadata=ITEM_PRICE)
    ends_on = ma.fields.Date(load_default=None, allow_none=True)
    show_starter = ma.fields.Boolean(load_default=False)
    by_organization = ma.fields.Boolean(load_default=False)
    is_team = ma.fields.Boolean(load_default=False)
    team = text(80, load_default=None, allow_none=True)
    leaderboard = ma.fields.Boolean(load_default=True)


class FundraiserPatch(Schema):
    """What its starter may change."""

    title = text(120, 1)
    story = paragraphs(20_000, 1)
    goal = ma.fields.Nested(MoneySchema, allow_none=True, metadata=GOAL)
    goal_kind = ma.fields.String(validate=one_of(GOAL_KINDS))
    goal_donors = ma.fields.Integer(
        strict=True, validate=ma.validate.Range(1, MAXIMUM_DONORS), allow_none=True, metadata=GOAL_DONORS
    )
    item_name = text(120, metadata=ITEM_NAME)
    item_price = ma.fields.Nested(MoneySchema, allow_none=True, metadata=ITEM_PRICE)
    ends_on = ma.fields.Date(allow_none=True)
    show_starter = ma.fields.Boolean()
    leaderboard = ma.fields.Boolean()
    suggested_amounts = ma.fields.List(ma.fields.Nested(MoneySchema), validate=ma.validate.Length(max=4))


class AmountsIn(Schema):
    """Which amounts a page suggests to donors, at most four; none: the usual ones of its currency."""

    suggested_amounts = ma.fields.List(ma.fields.Nested(MoneySchema), required=True, validate=ma.validate.Length(max=4))


class DeclineIn(Schema):
    """Why a page is not approved: whoever started it reads it."""

    reason = paragraphs(300, 1, required=True)


class OutcomeIn(Schema):
    """Thanks, and what comes of the money, in Markdown: shown once the page is over."""

    outcome = paragraphs(MAXIMUM_OUTCOME, load_default="")


class CaptainIn(Schema):
    """The page of the member who is captain next."""

    fundraiser = text(80, 1, required=True)


FundraiserList = list_schema(FundraiserOut, "FundraiserList")


def read_counted(body: Mapping[str, Any], now: Counted, currency: str) -> Counted:
    """What a goal counts as the body says, else as it does `now`; what one costs is in minor units of `currency`."""
    kind = body.get("goal_kind", now.kind)
    price = body.get("item_price", None if now.item_minor is None else money(now.item_minor, currency))
    donors, name = body.get("goal_donors", now.donors), body.get("item_name", now.item_name)
    if kind == "donors":
        return Counted(kind, donors=donors)
    if kind == "items":
        return Counted(kind, item_name=name, item_minor=None if price is None else price["amount_minor"])
    return Counted()


def present_fundraiser(row: Fundraiser, totals: Totals, *, paid: bool) -> dict[str, Any]:
    """A fundraiser with its totals in segments; `paid` says whether its organization can take online gifts now."""
    currency, standing, counted = row.currency, standing_of(row, totals), counted_of(row)
    sums = {
        "settled": totals.settled,
        "processing": totals.processing,
        "offline": totals.offline,
        "matched": totals.matched,
        "disputed": totals.disputed,
    }
    return {
        "slug": row.slug,
        "title": row.title,
        "story": row.story,
        "organization": organization_ref(row.organization),
        "need": row.need_id,
        "status": row.status,
        "starter": row.started_by.name if row.show_starter else None,
        "by_organization": row.by_organization,
        "is_team": row.is_team,
        "team": row.team.slug if row.team is not None and row.team.status in SHOWN else None,
        "goal": money(row.goal_minor, currency) if row.goal_minor else None,
        "goal_kind": counted.kind,
        "goal_donors": counted.donors,
        "item_name": counted.item_name,
        "item_price": None if counted.item_minor is None else money(counted.item_minor, currency),
        "standing": {"have": standing.have, "of": standing.of},
        "overflow_rule": row.organization.overflow_rule,
        "milestone": row.milestone,
        "leaderboard": row.leaderboard,
        "declined_reason": row.declined_reason,
        "raised": {name: money(one.amount_minor, currency) for name, one in sums.items()},
        "donor_count": totals.donor_count,
        "goal_reached": standing.is_reached,
        "suggested_amounts": [
            money(each.amount_minor, each.currency) for each in amounts_of(row.suggested_minor, currency)
        ],
        "accepts_gifts": paid and accepts_gifts(row),
        "outcome": row.outcome,
        "ends_on": row.ends_on.isoformat() if row.ends_on else None,
        "ended_at": iso(row.ended_at),
        "url": url(f"/fundraisers/{row.slug}"),
        "links": _links(row.slug) if is_visible(row) else None,
    }


def _links(slug: str) -> dict[str, str]:
    page, frame = url(f"/fundraisers/{slug}"), url(f"/embed/fundraisers/{slug}")
    return {
        "share": url(f"/share/fundraiser/{slug}"),
        "card": f"{page}/card.png",
        "qr_png": f"{page}/qr.png",
        "qr_svg": f"{page}/qr.svg",
        "poster": f"{page}/poster",
        "embed": frame,
        "embed_button": f"{frame}?as=button",
        "oembed": f"{url('/oembed')}?{urlencode({'url': page})}",
    }
