"""What the OpenAPI document says besides the resources' own declarations: who may call, every error, and the headers."""

from __future__ import annotations

import re
from typing import Any

from flask import Flask

from app.core.web import guard_of

PROBLEM = {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
ERRORS = {
    "400": "The body is no JSON, or the request cannot be understood",
    "401": "No token, or one that does not work",
    "403": "The token lacks the scope for this",
    "404": "Nothing there, or nothing this token may see",
    "409": "A rule stands in the way: `reasons`. Or the Idempotency-Key was used for another request",
    "412": "It was changed since it was read",
    "413": "More than is taken at once",
    "415": "The body is no application/json",
    "422": "A value is not valid: `errors`",
    "429": "Too many requests: wait as long as Retry-After says",
    "503": "Another service does not answer: send the same request again, under the same Idempotency-Key",
}
IDEMPOTENCY_KEY = {
    "name": "Idempotency-Key",
    "in": "header",
    "description": "The same key and body get the same answer",
    "schema": {"type": "string", "maxLength": 255},
}
IF_MATCH = {
    "name": "If-Match",
    "in": "header",
    "description": "The ETag of what was read: changed since, nothing is written",
    "schema": {"type": "string"},
}
IF_NONE_MATCH = {
    "name": "If-None-Match",
    "in": "header",
    "description": "The ETag of what one has: unchanged, the answer is 304",
    "schema": {"type": "string"},
}
VARIABLE = re.compile(r"<(?:[a-z]+:)?([a-z_]+)>")
METHODS = ("get", "post", "patch", "put", "delete")
# Numbers of rules, which the code names them by; whoever calls has no list of them.
RULES = re.compile(r"\s*\((?:[A-Z]\d{1,2}(?:, )?)+\)")


def for_callers(text: str) -> str:
    """What the code says of an operation, in the words of whoever calls it: the answer instead of our exception, no rules by
    their numbers."""
    return RULES.sub("", text).replace("Raises Refused", "409")


def complete(document: dict[str, Any], app: Flask) -> dict[str, Any]:
    """The document with security, errors as problem details and headers for each operation, read from its guard."""
    endpoints = _endpoints(app)
    for path, operations in document["paths"].items():
        for method in METHODS:
            if method in operations:
                shared = operations.get("parameters", [])
                _complete(operations[method], app, path, method, endpoints[method, path], shared)
    document["components"].pop("responses", None)
    for unused in ("Error", "PaginationMetadata"):
        document["components"]["schemas"].pop(unused, None)
    return document


def _endpoints(app: Flask) -> dict[tuple[str, str], str]:
    """(method, path as the document writes it) -> endpoint."""
    found = {}
    for rule in app.url_map.iter_rules():
        path = VARIABLE.sub(r"{\1}", rule.rule)
        for method in rule.methods or ():
            found[method.lower(), path] = rule.endpoint
    return found


def _complete(
    operation: dict[str, Any], app: Flask, path: str, method: str, endpoint: str, shared: list[dict[str, Any]]
) -> None:
    guard = guard_of(app, endpoint)
    responses = {status: said for status, said in operation["responses"].items() if status < "400"}
    operation |= {name: for_callers(operation[name]) for name in ("summary", "description") if name in operation}
    operation["operationId"] = endpoint.removeprefix("api_").replace(".", "_")
    parameters = [*shared, *operation.get("parameters", [])]
    errors = {"400", "401", "429"} | (operation["responses"].keys() & ERRORS.keys())
    if guard is not None and guard.kind == "public":
        operation["security"] = [{}, {"token": []}]
    else:
        operation["security"] = [{"token": []}]
        errors.add("403")
    if "{" in path:
        errors.add("404")
    if operation.get("parameters"):
        errors.add("422")
    if "requestBody" in operation:
        errors |= {"413", "415", "422"}
    if method == "post":
        operation.setdefault("parameters", []).append(IDEMPOTENCY_KEY)
        errors |= {"409", "422"}
    if method == "patch":
        operation.setdefault("parameters", []).append(IF_MATCH)
        errors |= {"409", "412"}
    is_json = "application/json" in responses.get("200", {}).get("content", {})
    if method == "get" and is_json and parameters and path.endswith("}"):
        operation.setdefault("parameters", []).append(IF_NONE_MATCH)
        responses["304"] = {"description": "Unchanged"}
    responses |= {status: {"description": ERRORS[status], "content": PROBLEM} for status in errors}
    operation["responses"] = dict(sorted(responses.items()))
