"""What every resource shares: schemas of common shapes, keyset lists, ETags, and answers kept for Idempotency-Key."""

from __future__ import annotations

import datetime as dt
import functools
import hashlib
import json
import threading
from collections.abc import Callable
from typing import Any, TypeVar

import marshmallow as ma
import sqlalchemy as sa
from flask import Flask, Request, Response, g, request
from flask.typing import ResponseReturnValue
from flask_smorest import Api, Blueprint
from webargs.flaskparser import FlaskParser
from werkzeug.exceptions import Forbidden, PreconditionFailed

from app.api.models import IdempotencyKey
from app.core.clock import now
from app.core.db import db, transaction
from app.core.errors import Refused
from app.core.i18n import _
from app.core.ids import decode_id, encode_id
from app.core.paging import Page
from app.core.problems import from_refused, problem
from app.core.text import block, line
from app.core.tokens import keyed_hash

MAXIMUM_LIMIT = 100
# So long a POST whose answer was lost can be repeated (docs/api.md says so).
ANSWERS_KEPT = dt.timedelta(hours=24)
Resource = TypeVar("Resource", bound=Callable[..., ResponseReturnValue])


class Specification(Api):
    """flask-smorest's collector of operations; our own handlers answer errors and our own routes serve the document.

    What the document says of each resource is written when somebody reads it first: a worker, a command and most processes of
    a web server never do, and it took an eighth of the time in which the application is made.
    """

    def __init__(self, app: Flask) -> None:
        self._unwritten: list[Callable[[], None]] = []
        self._writing = threading.Lock()
        super().__init__(app)

    def _register_error_handlers(self) -> None:
        """Errors are answered by core.web for pages and API alike."""

    def write_later(self, write: Callable[[], None]) -> None:
        """Let `write` add to the document before it is read."""
        self._unwritten.append(write)

    def document(self) -> dict[str, Any]:
        """The whole document, as OpenAPI has it; who asks meanwhile waits until it is whole."""
        with self._writing:
            while self._unwritten:
                self._unwritten[0]()
                del self._unwritten[0]
            return dict(self.spec.to_dict())


def _no_number(word: str) -> None:
    raise ValueError(f"{word} is no JSON")


class BodyParser(FlaskParser):
    """JSON bodies as RFC 8259 has them. Python's own reader takes more: NaN, and halves of characters, which no database
    keeps; and it fails at numbers of thousands of digits and at thousands of brackets. All that is malformed (400)."""

    def load_json(self, req: Request, schema: ma.Schema) -> Any:
        """What the body says; missing when there is none or it is of another type."""
        body = req.get_data()
        if not req.is_json or not body:
            return ma.missing
        try:
            parsed = json.loads(body.decode(), parse_constant=_no_number)
            json.dumps(parsed, ensure_ascii=False).encode()
        except (RecursionError, ValueError) as error:
            self._handle_invalid_json_error(json.JSONDecodeError(str(error), "", 0), req)
        return parsed


class Resources(Blueprint):
    """flask-smorest's blueprint, reading bodies our way, and described when somebody reads the document."""

    ARGUMENTS_PARSER = BodyParser()

    def register_views_in_doc(self, api: Specification, app: Flask, spec: Any, **about: Any) -> None:
        """Called when it is registered; the describing itself is the library's."""
        api.write_later(functools.partial(super().register_views_in_doc, api, app, spec, **about))

    def acts(
        self,
        gives: type[ma.Schema],
        *,
        takes: type[ma.Schema] | None = None,
        required: bool = True,
        status: int = 200,
        silent: bool = False,
    ) -> Callable[[Resource], Resource]:
        """What every act has below its route and its guard: a body of `takes` (None: an empty object or nothing), the answer
        `gives` with `status`, a refusal as 409, 503 where the payment service may be `silent`, and Idempotency-Key."""
        parts = [
            self.arguments(Action, required=False) if takes is None else self.arguments(takes, required=required),
            self.response(status, gives),
            *(
                self.alt_response(code, schema=ProblemSchema, content_type="application/problem+json")
                for code in ((409, 503) if silent else (409,))
            ),
            idempotent,
        ]

        def decorate(view: Resource) -> Resource:
            for part in reversed(parts):
                view = part(view)
            return view

        return decorate


class Line(ma.fields.String):
    """One line that somebody wrote, cleaned as in a form; what is checked and kept is what is left of it."""

    clean = staticmethod(line)

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> Any:
        return self.clean(super()._deserialize(value, attr, data, **kwargs))


class Block(Line):
    """Several lines that somebody wrote."""

    clean = staticmethod(block)


class Schema(ma.Schema):
    """Unknown fields are refused, so that a misspelt one is told and not lost."""

    class Meta:
        """marshmallow's options."""

        unknown = ma.RAISE
        ordered = True


class Action(Schema):
    """An action takes an empty object or no body."""


class Id(ma.fields.String):
    """An opaque id outside, a key inside."""

    default_error_messages = {"invalid_id": "Not an id of this installation."}  # marshmallow's way

    def _serialize(self, value: Any, attr: str | None, obj: Any, **kwargs: Any) -> str | None:
        return value if value is None or isinstance(value, str) else encode_id(value)

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> Any:
        key = decode_id(value) if isinstance(value, str) else None
        if key is None:
            raise self.make_error("invalid_id")
        return key


class ListQuery(Schema):
    """Keyset paging of every list."""

    cursor = ma.fields.String(metadata={"description": "next_cursor of the page before"})
    limit = ma.fields.Integer(load_default=20, validate=ma.validate.Range(1, MAXIMUM_LIMIT))


class MoneySchema(Schema):
    """Money: minor units and ISO 4217 currency."""

    # Whole minor units: half a cent is refused, not cut off.
    amount_minor = ma.fields.Integer(required=True, strict=True)
    currency = ma.fields.String(required=True, metadata={"example": "USD"})


class ReasonSchema(Schema):
    """One rule that stands in the way."""

    code = ma.fields.String(required=True)
    message = ma.fields.String(required=True)
    remedy = ma.fields.String(required=True)
    about = ma.fields.String(metadata={"description": "which of several things of one request; else left out"})


class FieldErrorSchema(Schema):
    """What is wrong with one field."""

    field = ma.fields.String(required=True)
    code = ma.fields.String(required=True)
    message = ma.fields.String(required=True)


class ProblemSchema(Schema):
    """RFC 9457 problem details."""

    type = ma.fields.String(required=True)
    title = ma.fields.String(required=True)
    status = ma.fields.Integer(required=True)
    code = ma.fields.String(required=True)
    detail = ma.fields.String(required=True)
    errors = ma.fields.List(ma.fields.Nested(FieldErrorSchema))
    reasons = ma.fields.List(ma.fields.Nested(ReasonSchema))


def list_schema(item: type[Schema], name: str) -> type[Schema]:
    """The envelope of a list of `item`: data and next_cursor."""
    return type(
        name,
        (Schema,),
        {
            "__doc__": f"A page of {name}.",
            "data": ma.fields.List(ma.fields.Nested(item), required=True),
            "next_cursor": ma.fields.String(required=True, allow_none=True),
        },
    )


def blueprint(name: str, description: str) -> Resources:
    """A resource's blueprint under /api/v1."""
    return Resources(f"api_{name}", f"app.api.{name}", url_prefix="/api/v1", description=description)


def iso(instant: Any) -> str | None:
    """RFC 3339 in UTC with a Z, or None."""
    return None if instant is None else instant.isoformat(timespec="seconds").replace("+00:00", "Z")


def number(quantity: Any) -> str | None:
    """A quantity as a decimal string without exponent, or None."""
    return None if quantity is None else format(quantity, "f")


def page_of(page: Page[Any], present: Callable[[Any], dict[str, Any]]) -> dict[str, Any]:
    """The envelope of a page."""
    return {"data": [present(row) for row in page.rows], "next_cursor": page.next_cursor}


# --- ETag -----------------------------------------------------------------------------------------------------------


def with_etag(body: dict[str, Any], version: int) -> Response:
    """A resource under a strong ETag; 304 when the caller has it already.

    The tag holds the version, which If-Match is about, and a digest: counts change without the version.
    """
    response = _json(200, body)
    response.set_etag(f"{version}.{hashlib.sha256(response.get_data()).hexdigest()[:16]}")
    response.make_conditional(request)
    return response


def with_digest(schema: type[Schema], body: dict[str, Any]) -> Response:
    """The same of what nobody changes by PATCH, and that has no version therefore: its tag is the digest of what it says."""
    return with_etag(schema().dump(body), 0)


def require_match(version: int) -> None:
    """Raise 412 when If-Match names another version. Called inside the transaction, on the locked row."""
    tags = request.if_match
    # A proxy that compresses makes our tag weak (nginx does), and whoever sends it back means the version in it all the same:
    # that is what is compared here, not the bytes. Of an empty tag (If-Match: "") Werkzeug makes None: it names no version.
    named = {(tag or "").partition(".")[0] for tag in tags.as_set(include_weak=True)}
    if tags and not tags.star_tag and str(version) not in named:
        raise PreconditionFailed


# --- a second scope -------------------------------------------------------------------------------------------------


def require_scope(scope: str) -> None:
    """Raise 403 without `scope`, for what needs another one than its guard asks for."""
    if scope not in g.get("token_scopes", ()):
        raise Forbidden


# --- Idempotency-Key ------------------------------------------------------------------------------------------------


def _json(status: int, body: dict[str, Any]) -> Response:
    return Response(json.dumps(body, ensure_ascii=False), status=status, content_type="application/json")


def caller() -> str:
    """The token, or for the few POSTs without one a keyed hash of the caller's address."""
    token = g.get("token_id")
    return f"token:{token}" if token else keyed_hash("idempotency", request.remote_addr or "")


def _find_kept(who: str, key: str) -> IdempotencyKey | None:
    return db.session.scalars(
        sa.select(IdempotencyKey).where(IdempotencyKey.caller == who, IdempotencyKey.key == key)
    ).first()


def _replay(kept: IdempotencyKey, request_hash: str) -> Response:
    if kept.request_hash != request_hash:
        return problem(
            409, _("This Idempotency-Key was used for another request. Use a new one."), code="idempotency_key_reused"
        )
    content_type = "application/json" if (kept.status or 500) < 400 else "application/problem+json"
    return Response(kept.body, status=kept.status, content_type=content_type, headers={"Idempotent-Replayed": "true"})


def _keep(status: int, body: str) -> None:
    """Write the answer under the caller's key, in the act's own transaction: both commit or neither does."""
    pending = g.get("idempotency")
    if pending is not None:
        who, key, request_hash = pending
        db.session.add(
            IdempotencyKey(caller=who, key=key, request_hash=request_hash, created_at=now(), status=status, body=body)
        )
        db.session.flush()


def forget_old_answers() -> None:
    """Delete answers that were given more than a day ago; called by a sweep, in its transaction. The same key acts again."""
    db.session.execute(sa.delete(IdempotencyKey).where(IdempotencyKey.created_at < now() - ANSWERS_KEPT))


def answer(status: int, schema: type[Schema], body: dict[str, Any]) -> Response:
    """The answer of an act, to be made inside its transaction so that a repeated request answers the same."""
    made = _json(status, schema().dump(body))
    _keep(status, made.get_data(as_text=True))
    return made


def idempotent(view: Resource) -> Resource:
    """Honour Idempotency-Key: the same key and body get the same answer, the same key with another body 409.

    The key's row is unique and written in the act's transaction, so that of two requests at once one acts and the
    other gives its answer.
    """

    @functools.wraps(view)
    def wrapped(*args: Any, **kwargs: Any) -> ResponseReturnValue:
        key = request.headers.get("Idempotency-Key")
        if not key:
            return view(*args, **kwargs)
        if len(key) > 255:
            return problem(422, _("An Idempotency-Key has at most 255 characters."))
        who = caller()
        asked = request.full_path if request.query_string else request.path
        body = b"\0".join((request.method.encode(), asked.encode(), request.get_data()))
        request_hash = hashlib.sha256(body).hexdigest()
        kept = _find_kept(who, key)
        if kept is not None:
            return _replay(kept, request_hash)
        g.idempotency = (who, key, request_hash)
        try:
            return view(*args, **kwargs)
        except sa.exc.IntegrityError:
            db.session.rollback()
            kept = _find_kept(who, key)
            if kept is None:
                raise
            return _replay(kept, request_hash)
        except Refused as refused:
            made = from_refused(refused)
            try:
                with transaction():
                    _keep(409, made.get_data(as_text=True))
            except sa.exc.IntegrityError:
                # The same request at the same time got there first; its answer is the answer.
                kept = _find_kept(who, key)
                return made if kept is None else _replay(kept, request_hash)
            return made

    return wrapped  # type: ignore[return-value]  # same signature as the view's
