"""Errors for programs: RFC 9457 problem details, with `errors` for fields and `reasons` for refusals of the domain."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from flask import Response
from werkzeug.exceptions import HTTPException
from werkzeug.http import HTTP_STATUS_CODES

from app.core.errors import InvalidInput, Refused
from app.core.i18n import _
from app.core.rights import NotYours
from app.core.schema_words import in_our_words

CODES = {
    400: "malformed",
    401: "sign_in_required",
    403: "scope_missing",
    404: "not_found",
    405: "method_not_allowed",
    409: "refused",
    412: "changed_meanwhile",
    413: "too_large",
    415: "not_json",
    422: "invalid",
    429: "too_many_requests",
    500: "our_fault",
}
FORWARDED = ("allow", "retry-after", "www-authenticate")


def problem(status: int, detail: str, *, code: str = "", **members: Any) -> Response:
    """A problem+json answer; `members` are further fields (errors, reasons)."""
    body = {
        "type": "about:blank",
        "title": HTTP_STATUS_CODES.get(status, "Error"),
        "status": status,
        "code": code or CODES.get(status, "error"),
        "detail": detail,
        **members,
    }
    return Response(json.dumps(body, ensure_ascii=False), status=status, content_type="application/problem+json")


def _details(status: int) -> str:
    """One sentence for people per status."""
    return {
        401: _("Send a token: Authorization: Bearer …"),
        403: _("The token lacks the scope for this."),
        404: _("There is nothing here, or nothing this token may see."),
        405: _("This address does not take that method."),
        412: _("It was changed since you read it. Read it again, then send your change."),
        413: _("That is more than we take at once."),
        429: _("Too many requests. Wait and try again."),
        500: _("This is our fault, not yours. It is logged."),
    }.get(status, _("The request cannot be understood."))


def _flatten(messages: Any, path: str = "") -> Iterable[dict[str, str]]:
    """webargs nests messages by location, field and index; problem details list them flat."""
    if isinstance(messages, dict):
        for name, inner in messages.items():
            yield from _flatten(inner, f"{path}.{name}" if path else str(name))
    elif isinstance(messages, list):
        for message in messages:
            yield from _flatten(message, path)
    else:
        yield {"field": path, "code": "invalid", "message": in_our_words(str(messages))}


def from_http(error: HTTPException) -> Response:
    """The problem of an HTTP error, with what webargs said of each field."""
    status = error.code or 500
    data = getattr(error, "data", None) or {}
    messages = data.get("messages", {})
    members: dict[str, Any] = {}
    if messages and status == 422:
        # webargs nests by location (json, query) first; a field's name is enough.
        members["errors"] = [entry for inner in messages.values() for entry in _flatten(inner)]
    if isinstance(error, NotYours):
        return problem(status, error.why, code="not_yours")
    made = problem(status, _("Some values cannot be used.") if status == 422 else _details(status), **members)
    for name, value in error.get_headers():
        if name.lower() in FORWARDED:
            made.headers[name] = value
    if status == 401:
        made.headers["WWW-Authenticate"] = "Bearer"
    return made


def from_refused(refused: Refused) -> Response:
    """409 with every reason, each with its remedy (S11)."""
    reasons = [
        {"code": reason.code, "message": reason.message, "remedy": reason.remedy}
        | ({"about": reason.about} if reason.about else {})
        for reason in refused.reasons
    ]
    return problem(409, refused.reasons[0].message, code=refused.reasons[0].code, reasons=reasons)


def from_invalid(invalid: InvalidInput) -> Response:
    """422 with the message of each field."""
    errors = [{"field": field, "code": "invalid", "message": message} for field, message in invalid.errors.items()]
    return problem(422, _("Some values cannot be used."), errors=errors)
