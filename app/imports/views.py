"""Pages on which an organization brings needs in from a file: upload, columns, a look, the import, and the way back."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from werkzeug.exceptions import RequestEntityTooLarge

from app.accounts.session import current_person
from app.core.db import transaction
from app.core.errors import InvalidInput, Refused
from app.core.forms import show_errors, show_reasons
from app.core.i18n import _, ngettext
from app.core.web import allow, flash_undo
from app.imports import operations, present, queries
from app.imports.export_views import exports
from app.imports.fields import LABELS, guess_columns
from app.imports.forms import ConfirmForm, StartForm, UploadForm, columns_form, row_form
from app.imports.models import ImportBatch, ImportRow
from app.imports.policy import can_manage_batch, can_manage_row
from app.imports.taking import cells_of, faults_of
from app.imports.undo import plan
from app.imports.uploads import MAXIMUM_BYTES, read_upload, too_large
from app.organizations.models import Organization
from app.organizations.policy import can_manage_listings
from app.organizations.queries import find_organization

imports = Blueprint("imports", __name__)
BLUEPRINTS = (imports, exports)
SHOWN = 20
ERRORS_SHOWN = 50
UNDER_WAY = ("checking", "importing", "undoing")


@imports.url_value_preprocessor
def allow_a_file(endpoint: str | None, _values: dict[str, object] | None) -> None:
    """The upload may be larger than any other request: somewhat more than a file may be, so that the field can say so."""
    if endpoint == "imports.new":
        request.max_content_length = MAXIMUM_BYTES + 1024 * 1024


@imports.errorhandler(RequestEntityTooLarge)
def say_too_large(error: RequestEntityTooLarge) -> ResponseReturnValue:
    """What was sent was not even read; the page of the upload says so at its field."""
    slug = (request.view_args or {}).get("slug")
    if request.endpoint != "imports.new" or slug is None:
        return error
    return redirect(url_for("imports.new", slug=slug, too_large="1"), code=303)


def _find_batch(slug: str, batch_id: int) -> ImportBatch | None:
    return queries.find_batch_of(slug, batch_id)


def _to(batch: ImportBatch, endpoint: str = "imports.show") -> ResponseReturnValue:
    return redirect(url_for(endpoint, slug=batch.organization.slug, batch_id=batch.id), code=303)


@imports.route("/manage/<slug>/import", methods=["GET", "POST"])
@allow(can_manage_listings, load=find_organization)
def new(organization: Organization) -> ResponseReturnValue:
    """Bring a file, and see the files brought before."""
    form = UploadForm()
    if form.validate_on_submit():
        content, name = _sent(form)
        try:
            upload = read_upload(content, name)
            with transaction():
                batch = operations.upload_file(organization.id, upload, by=current_person())
        except Refused as refused:
            show_reasons(form, refused)
        else:
            if upload.encoding != "UTF-8":
                words = _(
                    "The file was not UTF-8: we read it as %(encoding)s. Look whether letters with accents are right.",
                    encoding=upload.encoding,
                )
                flash(words, "notice")
            return _to(batch, "imports.columns")
    elif request.method == "GET" and request.args.get("too_large"):
        form.file.errors = [too_large()]
        form.form_errors = []
    batches = queries.list_batches(organization.id)
    page = render_template(
        "imports/new.html",
        organization=organization,
        form=form,
        batches=batches,
        counts=queries.count_outcomes([batch.id for batch in batches]),
    )
    return page, 422 if form.errors else 200


def _sent(form: UploadForm) -> tuple[bytes, str]:
    """The bytes and the name of what was sent; the file when there is one."""
    if form.file.data:
        return form.file.data.stream.read(MAXIMUM_BYTES + 1), form.file.data.filename or ""
    return (form.text.data or "").encode("utf-8", "ignore"), _("What you sent")


@imports.get("/manage/<slug>/import/template.csv")
@allow(can_manage_listings, load=find_organization)
def template(_organization: Organization) -> ResponseReturnValue:
    """A file with our columns and no row."""
    return _csv(present.template_csv(), "needs.csv")


def _csv(text: str, name: str) -> Response:
    response = Response(text, mimetype="text/csv")
    response.headers.set("Content-Disposition", "attachment", filename=name)
    return response


@imports.route("/manage/<slug>/import/<id:batch_id>/columns", methods=["GET", "POST"])
@allow(can_manage_batch, load=_find_batch)
def columns(batch: ImportBatch) -> ResponseReturnValue:
    """Say which column of the file is which of ours."""
    if batch.status not in ("uploaded", "ready"):
        return _to(batch)
    remembered = queries.find_remembered(batch) if batch.status == "uploaded" else None
    known = remembered or batch
    values = present.values_of(batch.header, queries.list_rows(batch.id, limit=200))
    said = known.columns or guess_columns(values)
    theirs = {name: ours for ours, name in said.items()}
    chosen = {f"column_{number}": theirs.get(name, "") for number, name in enumerate(batch.header)}
    same: dict[str, object] = {
        "dates": known.constants.get("dates") or present.guess_dates(batch, values, said),
        "contact": known.constants.get("contact", ""),
        "flexible": known.constants.get("flexible") == "yes",
    }
    form = columns_form(batch.header, data={**chosen, **same})
    fields = [form[f"column_{number}"] for number in range(len(batch.header))]
    if form.validate_on_submit() and _each_once(fields):
        found = {field.data: name for field, name in zip(fields, batch.header, strict=True) if field.data}
        constants = {
            "dates": form.dates.data or "",
            "contact": form.contact.data or "",
            "flexible": "yes" if form.flexible.data else "",
        }
        constants = {name: value for name, value in constants.items() if value}
        try:
            with transaction():
                operations.set_columns(batch.id, columns=found, constants=constants, by=current_person())
        except InvalidInput as invalid:
            show_errors(form, invalid)
        except Refused:
            return _to(batch)
        else:
            return _to(batch)
    page = render_template(
        "imports/columns.html",
        organization=batch.organization,
        batch=batch,
        form=form,
        fields=fields,
        samples=present.samples(values),
        remembered=remembered,
    )
    return page, 422 if form.errors else 200


def _each_once(fields: list[Any]) -> bool:
    """Whether each of our columns is chosen once; a second time is said at its field."""
    taken: set[str] = set()
    fine = True
    for field in fields:
        if field.data and field.data in taken:
            field.errors = [_("Another column is that already")]
            fine = False
        taken.add(field.data)
    return fine


@imports.get("/manage/<slug>/import/<id:batch_id>")
@allow(can_manage_batch, load=_find_batch)
def show(batch: ImportBatch) -> ResponseReturnValue:
    """Where a batch stands: how far it is, what it would do, or what it did."""
    if batch.status == "uploaded":
        return _to(batch, "imports.columns")
    return _show(batch, StartForm())


def _show(batch: ImportBatch, form: StartForm) -> ResponseReturnValue:
    counts = queries.count_outcomes([batch.id])[batch.id]
    common = {"organization": batch.organization, "batch": batch, "counts": counts, "form": form}
    if batch.status in UNDER_WAY:
        stages = queries.count_by(batch.id, "stage")
        left = stages.get({"checking": "waiting", "importing": "checked", "undoing": "taken"}[batch.status], 0)
        return render_template("imports/progress.html", **common, done=batch.rows - left)
    rejects = queries.list_rows(batch.id, "rejected", after=_line("after"), limit=ERRORS_SHOWN + 1)
    is_ready = batch.status == "ready"
    rows = queries.list_rows(batch.id, "taken", after=_line("rows_after"), limit=SHOWN + 1) if is_ready else []
    return render_template(
        "imports/preview.html" if is_ready else "imports/result.html",
        **common,
        rejects=rejects[:ERRORS_SHOWN],
        next_after=rejects[ERRORS_SHOWN - 1].line if len(rejects) > ERRORS_SHOWN else None,
        reject_columns=queries.count_rejects(batch.id),
        updated=queries.list_rows(batch.id, "updated", limit=ERRORS_SHOWN) if is_ready else [],
        previews=present.preview(batch, rows[:SHOWN]),
        next_rows=rows[SHOWN - 1].line if len(rows) > SHOWN else None,
        states=queries.count_by(batch.id, "became"),
        notes=queries.count_notes(batch.id),
        undone=queries.count_by(batch.id, "undone"),
        kept=queries.list_kept(batch.id) if batch.status == "undone" else [],
        present=present,
    )


def _line(name: str) -> int:
    """The line of the file that a page of rows begins after; 0 for the first page, and for what is no line."""
    said = request.args.get(name, "")
    return int(said) if said.isascii() and said.isdecimal() and len(said) < 9 else 0


@imports.post("/manage/<slug>/import/<id:batch_id>/start")
@allow(can_manage_batch, load=_find_batch)
def start(batch: ImportBatch) -> ResponseReturnValue:
    """Import what was looked at."""
    form = StartForm()
    if not form.validate_on_submit():
        return _to(batch)
    try:
        with transaction():
            started = operations.start_import(batch.id, publish=bool(form.publish.data), by=current_person())
    except Refused:
        return _to(batch)
    if started.status == "done":
        counts = queries.count_outcomes([batch.id])[batch.id]
        came = counts.get("created", 0) + counts.get("updated", 0)
        back = url_for("imports.undo", slug=batch.organization.slug, batch_id=batch.id)
        flash_undo(ngettext("One need was imported.", "%(num)s needs were imported.", came), back)
    return _to(batch)


@imports.post("/manage/<slug>/import/<id:batch_id>/go-on")
@allow(can_manage_batch, load=_find_batch)
def go_on(batch: ImportBatch) -> ResponseReturnValue:
    """Do the next rows now, for whoever does not want to wait, or where nobody keeps promises."""
    if ConfirmForm().validate_on_submit():
        with transaction():
            operations.go_on(batch.id, by=current_person())
    return _to(batch)


@imports.get("/manage/<slug>/import/<id:batch_id>/rejects.csv")
@allow(can_manage_batch, load=_find_batch)
def rejects(batch: ImportBatch) -> ResponseReturnValue:
    """The rejects with their reasons, to be mended in a spreadsheet."""
    rows = queries.list_rows(batch.id, "rejected", limit=batch.rows) if batch.purged_at is None else []
    return _csv(present.rejects_csv(batch, rows), "rejects.csv")


@imports.route("/manage/<slug>/import/<id:batch_id>/rows/<int:line>", methods=["GET", "POST"])
@allow(can_manage_row, load=queries.find_row_of)
def row(reject: ImportRow) -> ResponseReturnValue:
    """Mend one reject, then the next."""
    batch, line = reject.batch, reject.line
    if reject.outcome != "rejected" or batch.purged_at is not None or batch.status not in ("ready", "done"):
        return _to(batch)
    cells = cells_of(batch, reject)
    wrong = {fault.column for fault in faults_of(batch, reject)}
    names = [name for name in LABELS if name in batch.columns or name == "title" or name in wrong]
    form = row_form(names, data={f"cell_{name}": cells.get(name, "") for name in names})
    if request.method == "POST" and form.validate_on_submit():
        values = {name: form[f"cell_{name}"].data or "" for name in names}
        try:
            with transaction():
                mended = operations.mend_row(batch.id, line, values, by=current_person())
        except Refused:
            return _to(batch)
        if mended.outcome != "rejected":
            return _mended(batch, line)
        reject = mended
    for fault in faults_of(batch, reject):
        _say_reason(form, fault.column, fault.message)
    page = render_template(
        "imports/row.html",
        organization=batch.organization,
        batch=batch,
        form=form,
        row=reject,
        title=present.title_of(batch, reject),
        left=queries.count_outcomes([batch.id])[batch.id].get("rejected", 0),
        next_line=queries.next_reject(batch.id, line),
    )
    return page, 422 if request.method == "POST" else 200


def _mended(batch: ImportBatch, line: int) -> ResponseReturnValue:
    """On to the next reject, or back when it was the last."""
    following = queries.next_reject(batch.id, line)
    if following is None:
        flash(_("Every row is right now."), "done")
        return _to(batch)
    flash(_("Line %(line)s is right now. This is the next one.", line=line), "done")
    address = url_for("imports.row", slug=batch.organization.slug, batch_id=batch.id, line=following)
    return redirect(address, code=303)


def _say_reason(form: object, column: str, reason: str) -> None:
    """The reason at the field it is about, or at the first."""
    name = f"cell_{column}"
    field = form[name] if name in form else next(iter(form))  # type: ignore[operator,index,call-overload]  # a PageForm
    field.errors = [*field.errors, reason]


@imports.route("/manage/<slug>/import/<id:batch_id>/undo", methods=["GET", "POST"])
@allow(can_manage_batch, load=_find_batch)
def undo(batch: ImportBatch) -> ResponseReturnValue:
    """Say what taking the import back will do, and do it."""
    if batch.status != "done" or batch.purged_at is not None:
        return _to(batch)
    form = ConfirmForm()
    if form.validate_on_submit():
        try:
            with transaction():
                started = operations.start_undo(batch.id, by=current_person())
        except Refused:
            return _to(batch)
        if started.status == "undone":
            flash(_("The import was taken back."), "done")
        return _to(batch)
    found = plan(batch.id)
    return render_template(
        "imports/undo.html",
        organization=batch.organization,
        batch=batch,
        form=form,
        plan=found,
        title_of=present.title_of,
    )


@imports.route("/manage/<slug>/import/<id:batch_id>/discard", methods=["POST"])
@allow(can_manage_batch, load=_find_batch)
def discard(batch: ImportBatch) -> ResponseReturnValue:
    """Forget a file of which nothing was imported."""
    slug = batch.organization.slug
    if ConfirmForm().validate_on_submit():
        try:
            with transaction():
                operations.discard(batch.id, by=current_person())
        except Refused:
            return redirect(url_for("imports.show", slug=slug, batch_id=batch.id), code=303)
        flash(_("The file is forgotten. Nothing of it was imported."), "done")
    return redirect(url_for("imports.new", slug=slug), code=303)
