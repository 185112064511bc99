"""Needs: find them, post one as a draft, change it, and move it from state to state."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flask import request
from flask.typing import ResponseReturnValue

from app.accounts.models import Person
from app.accounts.session import current_person, find_current_person
from app.api import frame, present, queries, schemas
from app.api.requirements import written
from app.core import web
from app.core.db import transaction
from app.core.errors import InvalidInput
from app.core.i18n import _
from app.core.web import allow, public, signed_in
from app.needs import filters, operations
from app.needs.models import Need
from app.needs.policy import can_edit_need, can_see_need
from app.needs.queries import find_need
from app.needs.search import search
from app.organizations.policy import can_manage_listings
from app.organizations.queries import find_organization
from app.signups.queries import find_exact_address

resource = frame.blueprint("needs", "What organizations ask for")


def _find_in_sight(need_id: int) -> Need | None:
    """A need that this caller may see: the public open ones, members all of theirs (N1)."""
    need = find_need(need_id)
    return need if need is not None and can_see_need(find_current_person(), need) else None


def _present(need: Need, person: Person | None) -> dict[str, Any]:
    whole = queries.whole_needs([need.id])[0]
    known = present.know(whole.shifts)
    if not whole.private_address:
        return present.need(whole, whole.address, known)
    exact = find_exact_address(whole, person)
    return present.need(whole, None if exact is None else exact.address, known)


def _place(body: dict[str, Any] | None) -> operations.PlaceInput | None:
    if body is None:
        return None
    return operations.PlaceInput(**{name: value for name, value in body.items() if name != "precision"})


@resource.route("/needs", methods=["GET"])
@public
@resource.arguments(schemas.NeedQuery, location="query")
@resource.response(200, schemas.NeedList)
def index(query: dict[str, Any]) -> ResponseReturnValue:
    """Open needs, with the filters of /needs. A private place has its area only, whoever asks."""
    limit = query["limit"]
    asked, errors = filters.parse(request.args.getlist, web.settings().default_country)
    if errors:
        raise InvalidInput(errors)
    page = search(asked, limit=limit)
    needs = queries.whole_needs([row.id for row in page.rows])
    known = present.know([shift for need in needs for shift in need.shifts])
    return {"data": [present.need(need, need.address, known) for need in needs], "next_cursor": page.next_cursor}


@resource.route("/needs", methods=["POST"])
@signed_in(scope="needs:write")
@resource.acts(schemas.NeedOut, takes=schemas.NeedIn, status=201)
def create(payload: dict[str, Any]) -> ResponseReturnValue:
    """A draft; publish it when it asks for something."""
    person = current_person()
    organization = find_organization(payload.pop("organization"))
    if organization is None or not can_manage_listings(person, organization):
        raise InvalidInput({"organization": _("You post needs for no such organization.")})
    place = _place(payload.pop("place"))
    if place is None and not payload["remote"]:
        raise InvalidInput({"place": _("Say where, or that it is remote")})
    payload["requirements"] = written(payload["requirements"])
    with transaction():
        made = operations.create_need(organization.id, by=person, place=place, **payload)
        return frame.answer(201, schemas.NeedOut, _present(made, person))


@resource.route("/needs/<id:need_id>", methods=["GET"])
@public(load=_find_in_sight)
@resource.response(200, schemas.NeedOut)
def show(need: Need) -> ResponseReturnValue:
    """One need. The exact address only for those who may know it now (N6, G7)."""
    return frame.with_etag(schemas.NeedOut().dump(_present(need, find_current_person())), need.version)


@resource.route("/needs/<id:need_id>", methods=["PATCH"])
@allow(can_edit_need, load=find_need, scope="needs:write")
@resource.arguments(schemas.NeedPatch)
@resource.response(200, schemas.NeedOut)
@resource.alt_response(409, schema=frame.ProblemSchema, content_type="application/problem+json")
def edit(need: Need, payload: dict[str, Any]) -> ResponseReturnValue:
    """Change what is given."""
    person = current_person()
    place = _place(payload.pop("place", None))
    if "requirements" in payload:
        payload["requirements"] = written(payload["requirements"])
    with transaction():
        frame.require_match(queries.locked_version(Need, need.id))
        changed = operations.edit_need(need.id, by=person, place=place, **payload)
        return frame.answer(200, schemas.NeedOut, _present(changed, person))


def _move(act: Callable[..., Need]) -> Callable[[Need, dict[str, Any]], ResponseReturnValue]:
    """An action that moves a need to another state."""

    def moved(need: Need, _payload: dict[str, Any]) -> ResponseReturnValue:
        person = current_person()
        with transaction():
            changed = act(need.id, by=person)
            return frame.answer(200, schemas.NeedOut, _present(changed, person))

    moved.__name__ = act.__name__.removesuffix("_need")
    moved.__doc__ = act.__doc__
    return moved


@resource.route("/needs/<id:need_id>/duplicate", methods=["POST"])
@allow(can_edit_need, load=find_need, scope="needs:write")
@resource.acts(schemas.NeedOut, status=201)
def duplicate(need: Need, _payload: dict[str, Any]) -> ResponseReturnValue:
    """A draft like it, with its shifts moved by as many weeks as it takes for them to lie ahead."""
    person = current_person()
    with transaction():
        copy = operations.duplicate_need(need.id, by=person)
        return frame.answer(201, schemas.NeedOut, _present(copy, person))


@resource.route("/needs/<id:need_id>/close", methods=["POST"])
@allow(can_edit_need, load=find_need, scope="needs:write")
@resource.acts(schemas.NeedOut, takes=schemas.CloseIn, required=False)
def close(need: Need, payload: dict[str, Any]) -> ResponseReturnValue:
    """End a need with what came of it. Shifts ahead are cancelled and everybody on them is told; everybody who helped is
    thanked by email a quarter of an hour later."""
    person = current_person()
    with transaction():
        closed = operations.close_need(need.id, by=person, tell=True, **payload)
        return frame.answer(200, schemas.NeedOut, _present(closed, person))


for _name, _act in (
    ("publish", operations.publish_need),
    ("pause", operations.pause_need),
    ("reopen", operations.reopen_need),
    ("confirm", operations.confirm_need),
):
    _view = frame.idempotent(_move(_act))
    _view = resource.alt_response(409, schema=frame.ProblemSchema, content_type="application/problem+json")(_view)
    _view = resource.response(200, schemas.NeedOut)(_view)
    _view = resource.arguments(frame.Action, required=False)(_view)
    _view = allow(can_edit_need, load=find_need, scope="needs:write")(_view)
    resource.route(f"/needs/<id:need_id>/{_name}", methods=["POST"], endpoint=_name)(_view)
