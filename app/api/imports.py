"""Imports of needs from a file: look at it, take it in, see what became of each row, take it back."""

from __future__ import annotations

from typing import Any

import marshmallow as ma
from flask import request
from flask.typing import ResponseReturnValue

from app.accounts.session import current_person
from app.api import frame, present, queries, schemas
from app.core.db import transaction
from app.core.errors import InvalidInput, refuse
from app.core.i18n import _
from app.core.paging import decode_cursor, encode_cursor
from app.core.web import allow
from app.imports import operations
from app.imports import present as shown
from app.imports.fields import LABELS, guess_columns
from app.imports.forms import CONTACTS, DATES
from app.imports.models import OUTCOMES, STATUSES, ImportBatch
from app.imports.policy import can_manage_batch
from app.imports.queries import count_by, count_outcomes, find_remembered, list_rows
from app.imports.uploads import MAXIMUM_BYTES, read_upload
from app.needs.models import NEED_STATUSES
from app.organizations.models import Organization
from app.organizations.policy import can_manage_listings
from app.organizations.queries import find_organization

resource = frame.blueprint("imports", "Needs from a file")
CSV = "text/csv"
REJECTS_SHOWN = 50
NAMED = {"example": "needs.csv", "description": "what the file is called"}


class ImportOptions(frame.Schema):
    """How a file is meant. Of a file that is sent as it is (text/csv) they are said in the address."""

    name = schemas.text(120, metadata=NAMED)
    dry_run = ma.fields.Boolean(metadata={"description": "only look: nothing becomes a need before it is started"})
    publish = ma.fields.Boolean(metadata={"description": "open at once what is complete, where it is verified"})
    dates = ma.fields.String(
        validate=schemas.one_of(tuple(DATES)), metadata={"description": "how days are written; else guessed"}
    )
    contact = ma.fields.String(
        validate=schemas.one_of(tuple(filter(None, CONTACTS))),
        metadata={"description": "whom people meet, for rows that do not say it"},
    )
    flexible = ma.fields.Boolean(metadata={"description": "rows without a start are flexible roles"})


class ImportIn(ImportOptions):
    """The rows of a file as text, with the line that names the columns. `columns` says which column of ours is which of the
    file's; without it they are as for the last file with the same line, else guessed from their names."""

    text = ma.fields.String()
    columns = ma.fields.Dict(
        keys=ma.fields.String(validate=schemas.one_of(tuple(LABELS))),
        values=ma.fields.String(),
        metadata={"example": {"title": "Opportunity", "starts_at": "When"}},
    )


class StartIn(frame.Schema):
    """The yes to what was looked at."""

    publish = ma.fields.Boolean(load_default=False)


class CountsOut(frame.Schema):
    """Rows by what became of them, or would: together every row that was looked at."""

    created = ma.fields.Integer(required=True)
    updated = ma.fields.Integer(required=True)
    unchanged = ma.fields.Integer(required=True)
    rejected = ma.fields.Integer(required=True)


class UndoneOut(frame.Schema):
    """Needs by what became of them when the import was taken back."""

    removed = ma.fields.Integer(required=True)
    closed = ma.fields.Integer(required=True)
    restored = ma.fields.Integer(required=True)
    kept = ma.fields.Integer(required=True)


class FaultOut(frame.Schema):
    """Something wrong with a row: in which of our columns ("": its shape), what it says there, and why not."""

    column = ma.fields.String(required=True)
    value = ma.fields.String(required=True)
    reason = ma.fields.String(required=True)


class ImportRowOut(frame.Schema):
    """One row of the file. Of a reject: its first fault (`column`, `value`, `reason`), and all of its `faults`. Of a need:
    its state, and why it is no further."""

    line = ma.fields.Integer(required=True)
    outcome = ma.fields.String(required=True, validate=schemas.one_of(OUTCOMES))
    title = ma.fields.String(required=True)
    column = ma.fields.String(required=True)
    value = ma.fields.String(required=True)
    reason = ma.fields.String(required=True)
    faults = ma.fields.List(ma.fields.Nested(FaultOut), required=True)
    need = frame.Id(required=True, allow_none=True)
    need_status = ma.fields.String(required=True, validate=schemas.one_of(("", *NEED_STATUSES)))
    note = ma.fields.String(required=True)


class ImportOut(frame.Schema):
    """A file and where it stands: `checking`, `importing` and `undoing` are under way (ask again), `ready` waits to be
    started. `rejects` are the first 50; all of them, and every other row, are in `imports/{id}/rows`."""

    id = frame.Id(required=True)
    organization = ma.fields.String(required=True)
    name = ma.fields.String(required=True)
    status = ma.fields.String(required=True, validate=schemas.one_of(STATUSES))
    rows = ma.fields.Integer(required=True)
    columns = ma.fields.Dict(keys=ma.fields.String(), values=ma.fields.String(), required=True)
    publish = ma.fields.Boolean(required=True)
    counts = ma.fields.Nested(CountsOut, required=True)
    undone = ma.fields.Nested(UndoneOut, required=True)
    rejects = ma.fields.List(ma.fields.Nested(ImportRowOut), required=True)
    made_at = schemas.moment(required=True)
    finished_at = schemas.moment(required=True, allow_none=True)
    undone_at = schemas.moment(required=True, allow_none=True)


class RowQuery(frame.ListQuery):
    """All rows, or those of one outcome."""

    outcome = ma.fields.String(validate=schemas.one_of(tuple(filter(None, OUTCOMES))))


ImportRowList = frame.list_schema(ImportRowOut, "ImportRowList")


@resource.url_value_preprocessor
def allow_a_file(endpoint: str | None, _values: dict[str, object] | None) -> None:
    """A file may be larger than any other request, as on the page of imports."""
    if endpoint == "api_imports.create":
        request.max_content_length = MAXIMUM_BYTES + 1024 * 1024


def _present(batch: ImportBatch) -> dict[str, Any]:
    return present.import_batch(
        batch,
        counts=count_outcomes([batch.id])[batch.id],
        undone=count_by(batch.id, "undone"),
        rejects=list_rows(batch.id, "rejected", limit=REJECTS_SHOWN),
    )


def _read(options: dict[str, Any], payload: dict[str, Any]) -> tuple[bytes, dict[str, Any]]:
    """The file and how it is meant, whichever way it was sent. Raises InvalidInput."""
    if request.mimetype == CSV:
        return request.get_data(), options
    if not payload.get("text"):
        raise InvalidInput({"text": _("Send the rows of the file, with the line that names the columns")})
    return payload["text"].encode("utf-8", "ignore"), options | payload


def _set_columns(batch: ImportBatch, said: dict[str, Any]) -> None:
    """Say which column is which as `said`, else as the last time, else as their names have it; and look at the rows."""
    remembered = find_remembered(batch)
    values = shown.values_of(batch.header, list_rows(batch.id, limit=200))
    columns = said.get("columns") or (remembered.columns if remembered else guess_columns(values))
    if unknown := set(columns.values()) - set(batch.header):
        raise InvalidInput({"columns": _("The file has no such column: %(names)s", names=", ".join(sorted(unknown)))})
    known = dict(remembered.constants) if remembered else {}
    known.setdefault("dates", shown.guess_dates(batch, values, columns))
    known |= {name: said[name] for name in ("dates", "contact") if name in said}
    if "flexible" in said:
        known["flexible"] = "yes" if said["flexible"] else ""
    constants = {name: value for name, value in known.items() if value}
    operations.set_columns(batch.id, columns=columns, constants=constants, by=current_person())


@resource.route("/organizations/<slug>/imports", methods=["POST"])
@allow(can_manage_listings, load=find_organization, scope="needs:write")
@resource.arguments(ImportOptions, location="query")
@resource.arguments(ImportIn, required=False)
@resource.response(201, ImportOut)
@resource.alt_response(409, schema=frame.ProblemSchema, content_type="application/problem+json")
@resource.doc(requestBody={"content": {CSV: {"schema": {"type": "string"}}}})
@frame.idempotent
def create(organization: Organization, options: dict[str, Any], payload: dict[str, Any]) -> ResponseReturnValue:
    """Bring a file of needs: as text/csv, or in JSON. At most 50 rows go straight in; with `dry_run` they are only looked at,
    as a longer file has to be (at most 2,000 rows and 5 MB), and POST imports/{id}/start takes them in. The same file again
    changes nothing."""
    content, said = _read(options, payload)
    upload = read_upload(content, said.get("name", ""))
    starts = not said.get("dry_run", False)
    if starts and len(upload.rows) > operations.STEP:
        raise refuse(
            "look_first",
            _("More than %(most)s rows are looked at before they are taken in.", most=operations.STEP),
            _("Send the file with dry_run, and start the import when it is ready."),
        )
    with transaction():
        batch = operations.upload_file(organization.id, upload, by=current_person())
        _set_columns(batch, said)
        if starts:
            operations.start_import(batch.id, publish=said.get("publish", False), by=current_person())
        return frame.answer(201, ImportOut, _present(batch))


@resource.route("/imports/<id:batch_id>", methods=["GET"])
@allow(can_manage_batch, load=queries.find_batch, scope="needs:write")
@resource.response(200, ImportOut)
def show(batch: ImportBatch) -> ResponseReturnValue:
    """Where an import stands, and what it did or would do."""
    return frame.with_etag(ImportOut().dump(_present(batch)), batch.step)


@resource.route("/imports/<id:batch_id>/rows", methods=["GET"])
@allow(can_manage_batch, load=queries.find_batch, scope="needs:write")
@resource.arguments(RowQuery, location="query")
@resource.response(200, ImportRowList)
def rows(batch: ImportBatch, query: dict[str, Any]) -> ResponseReturnValue:
    """Every row in the order of the file, with what became of it."""
    limit = query["limit"]
    after = decode_cursor(query["cursor"], int)[0] if query.get("cursor") else 0
    found = list_rows(batch.id, query.get("outcome"), after=min(after, 2**31 - 1), limit=limit + 1)
    following = encode_cursor(found[limit - 1].line) if len(found) > limit else None
    return {"data": [present.import_row(batch, row) for row in found[:limit]], "next_cursor": following}


@resource.route("/imports/<id:batch_id>/start", methods=["POST"])
@allow(can_manage_batch, load=queries.find_batch, scope="needs:write")
@resource.acts(ImportOut, takes=StartIn, required=False)
def start(batch: ImportBatch, payload: dict[str, Any]) -> ResponseReturnValue:
    """Take in what was looked at: as drafts, or open what is complete. The first rows at once, the others follow."""
    with transaction():
        started = operations.start_import(batch.id, publish=payload["publish"], by=current_person())
        return frame.answer(200, ImportOut, _present(started))


@resource.route("/imports/<id:batch_id>/undo", methods=["POST"])
@allow(can_manage_batch, load=queries.find_batch, scope="needs:write")
@resource.acts(ImportOut)
def undo(batch: ImportBatch, _payload: dict[str, Any]) -> ResponseReturnValue:
    """Take it back: needs that it made go, those that it changed are as before, and what people promised to stays, with the
    reason in the `note` of its row. Within 30 days."""
    with transaction():
        started = operations.start_undo(batch.id, by=current_person())
        return frame.answer(200, ImportOut, _present(started))
