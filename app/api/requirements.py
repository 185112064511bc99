"""The shapes of what is asked of people, in requests and answers."""

from __future__ import annotations

import marshmallow as ma

from app.api.frame import Line, ReasonSchema, Schema
from app.core.errors import InvalidInput
from app.core.i18n import _
from app.safeguarding.models import KIND_CODES
from app.safeguarding.requirements import MOST, Requirement

_kind = ma.validate.OneOf(KIND_CODES)


class RequirementOut(Schema):
    """What is asked of a person; a code of conduct's level is its version."""

    kind = ma.fields.String(required=True, validate=_kind)
    level = ma.fields.String(required=True)


class RequirementIn(Schema):
    """What is to be asked of people; `level` "" where the kind has none."""

    kind = ma.fields.String(required=True, validate=_kind)
    level = Line(validate=ma.validate.Length(max=40), load_default="")


def asked_out() -> ma.fields.List[ma.fields.Nested]:
    """Requirements in an answer."""
    return ma.fields.List(ma.fields.Nested(RequirementOut), required=True)


def asked_in(**kwargs: object) -> ma.fields.List[ma.fields.Nested]:
    """Requirements in a request."""
    return ma.fields.List(ma.fields.Nested(RequirementIn), validate=ma.validate.Length(max=MOST), **kwargs)  # type: ignore[arg-type]  # passed through to marshmallow


def written(requirements: list[dict[str, str]] | None) -> tuple[str, ...] | None:
    """Requirements of a request as a profile writes them; None where nothing was said. A code of conduct means the latest
    version, whichever an answer said."""
    if requirements is None:
        return None
    found = []
    for each in requirements:
        # A PATCH is read in part, and so are the objects within it.
        kind = each.get("kind")
        if not kind:
            raise InvalidInput({"requirements": _("Choose requirements from the list")})
        found.append(str(Requirement(kind, "" if kind == "code_of_conduct" else each.get("level", ""))))
    return tuple(found)


class RuleOut(Schema):
    """One rule a shift asks for, and how the caller stands."""

    code = ma.fields.String(required=True)
    title = ma.fields.String(required=True)
    met = ma.fields.Boolean(required=True)
    message = ma.fields.String(required=True)
    remedy = ma.fields.String(required=True)
    url = ma.fields.String(required=True, allow_none=True)


class ReasonsOut(Schema):
    """What a shift asks of the caller, and everything else that stands in the way of a place on it."""

    may_sign_up = ma.fields.Boolean(required=True)
    rules = ma.fields.List(ma.fields.Nested(RuleOut), required=True)
    reasons = ma.fields.List(ma.fields.Nested(ReasonSchema), required=True)
