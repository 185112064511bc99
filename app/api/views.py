"""The document of the API and its page; the resources' blueprints are collected here for the factory."""

from __future__ import annotations

import functools
import json
from typing import Any

import apispec
from flask import Blueprint, Flask, Response, current_app, render_template
from flask.typing import ResponseReturnValue
from flask_wtf import CSRFProtect

from app.api import (
    arrivals,
    books,
    clearances,
    courses,
    disputes,
    donations,
    follows,
    fundraiser_pages,
    fundraisers,
    giving,
    imports,
    in_person,
    items,
    learning,
    matching,
    me,
    members,
    messages,
    monthly,
    needs,
    organizations,
    payment_accounts,
    payouts,
    pledges,
    receipts,
    settings,
    shifts,
    signups,
    terms,
)
from app.api.document import complete
from app.api.frame import ProblemSchema, Specification
from app.core.web import public

documents = Blueprint("api_documents", __name__, url_prefix="/api/v1")
RESOURCES = (
    needs.resource,
    shifts.resource,
    signups.resource,
    items.resource,
    pledges.resource,
    arrivals.resource,
    organizations.resource,
    payment_accounts.resource,
    members.resource,
    clearances.resource,
    courses.resource,
    fundraisers.resource,
    fundraiser_pages.resource,
    giving.resource,
    messages.resource,
    donations.resource,
    monthly.resource,
    in_person.resource,
    matching.resource,
    receipts.resource,
    disputes.resource,
    payouts.resource,
    books.resource,
    terms.resource,
    learning.resource,
    imports.resource,
    me.resource,
    follows.resource,
    settings.resource,
)
BLUEPRINTS = (documents,)


@functools.lru_cache(maxsize=4)
def _document(specification: Specification) -> dict[str, Any]:
    return complete(specification.document(), current_app)


@documents.get("/openapi.json")
@public
def openapi() -> ResponseReturnValue:
    """OpenAPI 3.1, made from the resources' own declarations."""
    body = json.dumps(_document(current_app.extensions["api_specification"]), ensure_ascii=False)
    return Response(body, content_type="application/json", headers={"Cache-Control": "public, max-age=300"})


@documents.get("/docs")
@public
def docs() -> ResponseReturnValue:
    """The same for people, without any script."""
    return render_template("api/docs.html", tags=_by_tag(_document(current_app.extensions["api_specification"])))


def _by_tag(document: dict[str, Any]) -> list[dict[str, Any]]:
    """The operations of each resource, as the page lists them."""
    found: dict[str, list[dict[str, str]]] = {}
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            if isinstance(operation, dict) and operation.get("tags"):
                text = operation.get("summary") or operation.get("description") or ""
                found.setdefault(operation["tags"][0], []).append(
                    {"method": method.upper(), "path": path.removeprefix("/api/v1"), "summary": text}
                )
    return [
        {
            "name": tag["name"].removeprefix("api_"),
            "description": tag.get("description", ""),
            "id": tag["name"],
            "operations": found.get(tag["name"], []),
        }
        for tag in document.get("tags", [])
    ]


def init_app(app: Flask, csrf: CSRFProtect) -> None:
    """Collect the resources and their document."""
    app.config.update(
        API_TITLE="Manyhands",
        API_VERSION="v1",
        OPENAPI_VERSION="3.1.0",
        API_SPEC_OPTIONS={
            "info": {"description": "What the pages do, for programs. Errors are RFC 9457 problem details."},
            "servers": [{"url": app.config["SETTINGS"].base_url}],
        },
    )
    specification = Specification(app)
    spec: apispec.APISpec = specification.spec
    spec.components.security_scheme("token", {"type": "http", "scheme": "bearer"})
    spec.components.schema("Problem", schema=ProblemSchema)
    for resource in RESOURCES:
        specification.register_blueprint(resource)
        csrf.exempt(resource)  # only bearer tokens count under /api (accounts.session)
    app.extensions["api_specification"] = specification
