"""What belongs to a fundraiser's page besides its story: pictures, the largest gifts, news taken back, and the team."""

from __future__ import annotations

from typing import Any

import marshmallow as ma
from flask import request
from flask.typing import ResponseReturnValue
from werkzeug.exceptions import NotFound

from app.accounts.models import Person
from app.accounts.session import current_person, find_current_person
from app.api import frame, money_reads, page_schemas, present, queries, schemas
from app.api.fundraiser_schemas import CaptainIn, FundraiserList, FundraiserOut
from app.api.fundraisers import present_one, present_page
from app.api.money_frame import find_in_sight
from app.core import pictures
from app.core.db import transaction
from app.core.errors import InvalidInput
from app.core.i18n import _
from app.core.web import allow, public
from app.donations import page_parts
from app.fundraisers import beginnings, policy, teams, updates
from app.fundraisers import pictures as showing
from app.fundraisers.models import Fundraiser, FundraiserPicture, FundraiserUpdate
from app.fundraisers.queries import find_fundraiser
from app.organizations.models import Organization
from app.organizations.queries import find_public_remaining

resource = frame.blueprint("fundraiser_pages", "Pictures, teams and the largest gifts of fundraisers")
TYPES = ("image/png", "image/jpeg", "image/webp", "image/gif")


class PictureQuery(frame.Schema):
    """What is to be seen, for people who do not see it; and, where children can be recognized, who agreed for them and how: the
    organization's staff alone read that."""

    alt = schemas.text(200, 1, required=True)
    shows_children = ma.fields.Boolean(load_default=False)
    consent = schemas.text(300, load_default="")


class PictureOut(frame.Schema):
    """A picture of a page, drawn anew: `url` has it while it is shown."""

    id = frame.Id(required=True)
    alt = ma.fields.String(required=True)
    width = ma.fields.Integer(required=True)
    height = ma.fields.Integer(required=True)
    shown = ma.fields.Boolean(required=True)
    url = ma.fields.String(required=True)


class PicturesOut(frame.Schema):
    """The pictures of a page: at most six."""

    data = ma.fields.List(ma.fields.Nested(PictureOut), required=True)


class RemovePictureIn(frame.Schema):
    """Whether a consent was withdrawn: that is kept, and nothing else of the picture."""

    consent_withdrawn = ma.fields.Boolean(load_default=False)


class LeaderOut(frame.Schema):
    """One of the largest gifts, by somebody who lets everybody read their name."""

    name = ma.fields.String(required=True)
    amount = ma.fields.Nested(frame.MoneySchema, required=True)


class LeadersOut(frame.Schema):
    """The largest gifts, at most five; none where the page lists none."""

    data = ma.fields.List(ma.fields.Nested(LeaderOut), required=True)


class BeginningOut(frame.Schema):
    """A page to begin with instead of nothing: `title` and `story` have gaps (…) that whoever starts the page fills in or takes
    out before it is sent."""

    code = ma.fields.String(required=True)
    name = ma.fields.String(required=True)
    title = ma.fields.String(required=True)
    story = ma.fields.String(required=True)
    goal = ma.fields.Nested(frame.MoneySchema, required=True)
    is_team = ma.fields.Boolean(required=True)


class BeginningsOut(frame.Schema):
    """All of them."""

    data = ma.fields.List(ma.fields.Nested(BeginningOut), required=True)


class MembersQuery(frame.ListQuery):
    """Those that the public has seen; with `all`, which is for whoever leads the team, also those that wait or were declined."""

    all = ma.fields.Boolean(load_default=False)


def _picture(row: FundraiserPicture, slug: str) -> dict[str, Any]:
    return {
        "id": row.id,
        "alt": row.alt,
        "width": row.width,
        "height": row.height,
        "shown": row.removed_at is None,
        "url": present.url(f"/fundraisers/{slug}/picture/{row.digest}"),
    }


def _may_tend(person: Person, thing: FundraiserPicture | FundraiserUpdate) -> bool:
    return policy.can_tend(person, thing.fundraiser)


@resource.route("/organizations/<slug>/beginnings", methods=["GET"])
@public(load=find_public_remaining)
@resource.response(200, BeginningsOut)
def all_beginnings(organization: Organization) -> ResponseReturnValue:
    """With what a page for an organization can begin, in the language that is asked for (Accept-Language)."""

    def shown(one: beginnings.Beginning) -> dict[str, Any]:
        begun = beginnings.begin(one, organization)
        return {
            "code": one.code,
            "name": str(one.name),
            "title": begun.title,
            "story": begun.story,
            "goal": present.money(begun.goal.amount_minor, begun.goal.currency),
            "is_team": one.is_team,
        }

    return {"data": [shown(one) for one in beginnings.BEGINNINGS]}


# --- pictures -------------------------------------------------------------------------------------------------------


@resource.url_value_preprocessor
def allow_a_picture(endpoint: str | None, _values: dict[str, object] | None) -> None:
    """A picture may be larger than any other request, as on the page of pictures."""
    if endpoint == "api_fundraiser_pages.add_picture":
        request.max_content_length = pictures.MAXIMUM_BYTES + 1024 * 1024


@resource.route("/fundraisers/<slug>/pictures", methods=["GET"])
@public(load=find_in_sight)
@resource.response(200, PicturesOut)
def all_pictures(fundraiser: Fundraiser) -> ResponseReturnValue:
    """What pictures the page shows, in their order."""
    return {"data": [_picture(row, fundraiser.slug) for row in page_parts.list_pictures(fundraiser.id)]}


@resource.route("/fundraisers/<slug>/pictures", methods=["POST"])
@allow(policy.can_tend, load=find_fundraiser, scope="fundraisers:write")
@resource.arguments(PictureQuery, location="query")
@resource.response(201, PictureOut)
@resource.alt_response(409, schema=frame.ProblemSchema, content_type="application/problem+json")
@resource.doc(requestBody={"content": {kind: {"schema": {"type": "string", "format": "binary"}} for kind in TYPES}})
@frame.idempotent
def add_picture(fundraiser: Fundraiser, query: dict[str, Any]) -> ResponseReturnValue:
    """Add a picture, sent as it is: PNG, JPEG, WebP or GIF, at most 4 MB. It is drawn anew, and nothing else of the file is
    kept."""
    if request.mimetype not in TYPES:
        raise InvalidInput({"picture": _("Choose a PNG, JPEG, WebP or GIF picture. Save any other as PNG first")})
    fundraiser_id, slug = fundraiser.id, fundraiser.slug
    picture = pictures.reencode(request.get_data(), box=showing.BOX, photo=True)
    with transaction():
        made = showing.add_picture(
            fundraiser_id,
            picture,
            by=current_person(),
            alt=query["alt"],
            shows_children=query["shows_children"],
            consent=query["consent"],
        )
        return frame.answer(201, PictureOut, _picture(made, slug))


@resource.route("/pictures/<id:picture_id>/remove", methods=["POST"])
@allow(_may_tend, load=money_reads.find_picture, scope="fundraisers:write")
@resource.acts(PictureOut, takes=RemovePictureIn, required=False)
def remove_picture(picture: FundraiserPicture, payload: dict[str, Any]) -> ResponseReturnValue:
    """It is gone at once, and so is what was noted of a consent. Twice is once."""
    slug = picture.fundraiser.slug
    with transaction():
        removed = showing.remove_picture(
            picture.id, by=current_person(), consent_withdrawn=payload.get("consent_withdrawn", False)
        )
        return frame.answer(200, PictureOut, _picture(removed, slug))


# --- news and the largest gifts -------------------------------------------------------------------------------------


@resource.route("/updates/<id:update_id>/withdraw", methods=["POST"])
@allow(_may_tend, load=money_reads.find_update, scope="fundraisers:write")
@resource.acts(page_schemas.UpdateOut)
def withdraw_update(update: FundraiserUpdate, _payload: dict[str, Any]) -> ResponseReturnValue:
    """Take news back: nobody reads them any more. Twice is once."""
    with transaction():
        taken = updates.withdraw_update(update.id, by=current_person())
        return frame.answer(200, page_schemas.UpdateOut, page_schemas.present_update(taken))


@resource.route("/fundraisers/<slug>/leaders", methods=["GET"])
@public(load=find_in_sight)
@resource.response(200, LeadersOut)
def leaders(fundraiser: Fundraiser) -> ResponseReturnValue:
    """The largest gifts by people who let everybody read their names, largest first."""
    found = page_parts.list_leaders(fundraiser.id) if fundraiser.leaderboard else []
    return {
        "data": [
            {"name": one.name, "amount": present.money(one.amount.amount_minor, one.amount.currency)} for one in found
        ]
    }


# --- the team -------------------------------------------------------------------------------------------------------


@resource.route("/fundraisers/<slug>/members", methods=["GET"])
@public(load=find_in_sight)
@resource.arguments(MembersQuery, location="query")
@resource.response(200, FundraiserList)
def members(fundraiser: Fundraiser, query: dict[str, Any]) -> ResponseReturnValue:
    """The pages of a team, newest first, each with what it raised; that counts on the team's page, too. A page joins when it is
    started with `team`."""
    person = find_current_person()
    if query["all"] and (person is None or not policy.can_lead(person, fundraiser)):
        raise NotFound
    if query["all"]:
        frame.require_scope("fundraisers:write")  # what waits or was declined, and why, is for who decides about it
    return present_page(
        queries.list_of_team(fundraiser.id, any_state=query["all"], cursor=query.get("cursor"), limit=query["limit"])
    )


@resource.route("/fundraisers/<slug>/leave", methods=["POST"])
@allow(policy.can_leave, load=find_fundraiser, scope="fundraisers:write")
@resource.acts(FundraiserOut)
def leave(fundraiser: Fundraiser, _payload: dict[str, Any]) -> ResponseReturnValue:
    """The page goes on without its team; what was given stays counted with the team. By whoever started it, the team's captain,
    or an owner or manager of the organization."""
    with transaction():
        return frame.answer(200, FundraiserOut, present_one(teams.leave_team(fundraiser.id, by=current_person())))


@resource.route("/fundraisers/<slug>/captain", methods=["POST"])
@allow(policy.can_lead, load=find_fundraiser, scope="fundraisers:write")
@resource.acts(FundraiserOut, takes=CaptainIn)
def hand_over(fundraiser: Fundraiser, payload: dict[str, Any]) -> ResponseReturnValue:
    """Another member is the team's captain: whoever started the page that is named, which is live and part of the team."""
    member = find_in_sight(payload["fundraiser"])
    if member is None or member.team_id != fundraiser.id:
        raise InvalidInput({"fundraiser": _("Choose somebody whose page is live and part of the team")})
    with transaction():
        changed = teams.hand_over_team(fundraiser.id, by=current_person(), to_page_id=member.id)
        return frame.answer(200, FundraiserOut, present_one(changed))
