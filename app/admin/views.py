"""What the site promised and could not keep: seen, understood and tried again (M1)."""

from __future__ import annotations

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from app.accounts.session import current_person
from app.admin.policy import can_administer
from app.core import outbox
from app.core.db import transaction
from app.core.i18n import _
from app.core.web import allow

admin = Blueprint("admin", __name__)
BLUEPRINTS = (admin,)


@admin.get("/admin/")
@allow(can_administer)
def index() -> ResponseReturnValue:
    """How much promised work is due, fails and was given up; what was given up, latest first."""
    page = outbox.list_given_up(request.args.get("cursor"))
    following = url_for("admin.index", cursor=page.next_cursor) if page.next_cursor else None
    return render_template("admin/index.html", rows=page.rows, following=following, counts=outbox.count_open())


@admin.post("/admin/promises/<id:promise_id>/retry")
@allow(can_administer, load=lambda promise_id: outbox.find_given_up(promise_id))
def retry(row: outbox.Outbox) -> ResponseReturnValue:
    """Try a promise again that was given up."""
    with transaction():
        outbox.retry(row.id, by=current_person())
    flash(_("It is tried again."), "done")
    return redirect(url_for("admin.index"), code=303)
