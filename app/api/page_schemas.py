"""What belongs to a fundraiser's page besides itself, as the API takes and gives it."""

from __future__ import annotations

from typing import Any

import marshmallow as ma

from app.api.frame import Id, Schema, iso, list_schema
from app.api.schemas import moment, paragraphs, text
from app.fundraisers.models import FundraiserUpdate
from app.fundraisers.updates import MAXIMUM_UPDATE


class UpdateIn(Schema):
    """News of a fundraiser, to be published."""

    title = text(120, 1, required=True)
    body = paragraphs(MAXIMUM_UPDATE, 1, required=True)


class UpdateOut(Schema):
    """News of a fundraiser; `body` is Markdown."""

    id = Id(required=True)
    title = ma.fields.String(required=True)
    body = ma.fields.String(required=True)
    created_at = moment(required=True)


UpdateList = list_schema(UpdateOut, "UpdateList")


def present_update(row: FundraiserUpdate) -> dict[str, Any]:
    """One of them."""
    return {"id": row.id, "title": row.title, "body": row.body, "created_at": iso(row.created_at)}
