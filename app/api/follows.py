"""What the person a token belongs to follows: organizations, fundraisers and topics they hear of by mail."""

from __future__ import annotations

from typing import Any

import marshmallow as ma
from flask import Response
from flask.typing import ResponseReturnValue

from app.accounts.session import current_person
from app.api import frame
from app.api.frame import Id, Schema, iso
from app.api.schemas import one_of, text
from app.core import web
from app.core.db import transaction
from app.core.errors import InvalidInput
from app.core.i18n import _
from app.core.places import main_zone
from app.core.web import allow, signed_in
from app.discovery import operations
from app.discovery.models import FREQUENCIES, Follow
from app.discovery.policy import is_own_follow
from app.discovery.queries import find_follow, find_public_subject, list_follows_of
from app.discovery.subjects import Subject, subject_of

KINDS = ("organization", "fundraiser", "topic")
SLUG = {"description": "a slug; exactly one of organization, fundraiser and topic"}


class FollowOut(Schema):
    """An organization, fundraiser or topic that one hears of. Its slug, `name` and `url` are null while the public does not see
    it."""

    id = Id(required=True)
    organization = ma.fields.String(required=True, allow_none=True)
    fundraiser = ma.fields.String(required=True, allow_none=True)
    topic = ma.fields.String(required=True, allow_none=True)
    name = ma.fields.String(required=True, allow_none=True)
    frequency = ma.fields.String(required=True, validate=one_of(FREQUENCIES))
    next_at = ma.fields.String(
        required=True,
        allow_none=True,
        metadata={"format": "date-time", "description": "when the next mail comes if there is news; null: it ended"},
    )
    url = ma.fields.String(required=True, allow_none=True)


class FollowIn(Schema):
    """What to follow, and how often mail may come."""

    organization = text(80, allow_none=True, metadata=SLUG)
    fundraiser = text(80, allow_none=True, metadata=SLUG)
    topic = text(80, allow_none=True, metadata=SLUG)
    frequency = ma.fields.String(load_default="weekly", validate=one_of(FREQUENCIES))


class FollowPatch(Schema):
    """How often mail may come."""

    frequency = ma.fields.String(required=True, validate=one_of(FREQUENCIES))


FollowList = frame.list_schema(FollowOut, "FollowList")
resource = frame.blueprint("follows", "What the person the token belongs to follows")


def _present(follow: Follow) -> dict[str, Any]:
    subject = subject_of(follow)
    shown = subject.is_public
    return {
        "id": follow.id,
        "organization": subject.slug if subject.kind == "organization" and shown else None,
        "fundraiser": subject.slug if subject.kind == "fundraiser" and shown else None,
        "topic": subject.slug if subject.kind == "topic" else None,
        "name": subject.name if shown else None,
        "frequency": follow.frequency,
        "next_at": iso(follow.next_at),
        "url": web.settings().base_url + subject.path if shown else None,
    }


def _find_subject(payload: dict[str, Any]) -> Subject:
    given = [(kind, slug) for kind in KINDS if (slug := payload.get(kind))]
    if len(given) != 1:
        raise InvalidInput({"organization": _("Give one of them: an organization, a fundraiser or a topic.")})
    kind, slug = given[0]
    subject = find_public_subject(kind, slug)
    if subject is None:
        missing = {
            "organization": _("There is no such organization."),
            "fundraiser": _("There is no such fundraiser."),
            "topic": _("There is no such topic."),
        }
        raise InvalidInput({kind: missing[kind]})
    return subject


@resource.route("/me/follows", methods=["GET"])
@signed_in(scope="me:read")
@resource.response(200, FollowList)
def index() -> ResponseReturnValue:
    """All that one follows, the first followed first; what ended because mail did not arrive has no `next_at`."""
    return {"data": [_present(row) for row in list_follows_of(current_person())], "next_cursor": None}


@resource.route("/me/follows", methods=["POST"])
@signed_in(scope="me:write")
@resource.acts(FollowOut, takes=FollowIn, status=201)
def create(payload: dict[str, Any]) -> ResponseReturnValue:
    """Follow something. Followed already: the frequency is changed."""
    subject = _find_subject(payload)
    zone = subject.zone or main_zone(web.settings().default_country)
    with transaction():
        made = operations.follow(current_person().id, subject, frequency=payload["frequency"], zone=zone)
        return frame.answer(201, FollowOut, _present(made))


@resource.route("/me/follows/<id:follow_id>", methods=["PATCH"])
@allow(is_own_follow, load=find_follow, scope="me:write")
@resource.arguments(FollowPatch)
@resource.response(200, FollowOut)
@resource.alt_response(409, schema=frame.ProblemSchema, content_type="application/problem+json")
def edit(follow: Follow, payload: dict[str, Any]) -> ResponseReturnValue:
    """Daily or weekly from now on."""
    with transaction():
        changed = operations.change_frequency(follow.id, payload["frequency"])
        return frame.answer(200, FollowOut, _present(changed))


@resource.route("/me/follows/<id:follow_id>", methods=["DELETE"])
@allow(is_own_follow, load=find_follow, scope="me:write")
@resource.response(204)
def remove(follow: Follow) -> ResponseReturnValue:
    """No more of this one."""
    with transaction():
        operations.stop(follow.id)
    return Response(status=204)
