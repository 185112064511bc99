"""What the site promised and could not keep: seen, understood and tried again (M1); and whether all is well with money."""

from __future__ import annotations

import hmac

from flask import Blueprint, Response, abort, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from prometheus_client import CONTENT_TYPE_LATEST

from app.accounts.session import current_person
from app.admin.metrics import exposition
from app.admin.policy import can_administer
from app.core import outbox
from app.core.db import transaction
from app.core.i18n import _
from app.core.web import allow, public, settings
from app.donations import doctor, money_queries, money_words, operator_queries
from app.donations.money_forms import SeenForm
from app.donations.money_models import MoneyMismatch
from app.donations.operations import mismatches

admin = Blueprint("admin", __name__)
BLUEPRINTS = (admin,)
MOST_REFUNDS = 50


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


@admin.get("/admin/money")
@allow(can_administer)
def money() -> ResponseReturnValue:
    """The money doctor: keys, endpoints, events, and what does not agree, each with what to do."""
    page = money_queries.list_mismatches(None, request.args.get("cursor"), limit=50)
    return render_template(
        "admin/money.html",
        findings=doctor.of_installation(),
        mismatches=page.rows,
        following=url_for("admin.money", cursor=page.next_cursor) if page.next_cursor else None,
        refunds=operator_queries.list_refunds_not_arrived(limit=MOST_REFUNDS),
        most_refunds=MOST_REFUNDS,
        words=money_words,
    )


@admin.route("/admin/money/differences/<id:mismatch_id>", methods=["GET", "POST"])
@allow(can_administer, load=lambda mismatch_id: money_queries.find_mismatch(mismatch_id))
def mismatch(found: MoneyMismatch) -> ResponseReturnValue:
    """What differs, and what somebody found it to be."""
    form = SeenForm()
    if request.method == "GET" or not form.validate():
        page = render_template(
            "donations/money/mismatch.html",
            organization=None,
            mismatch=found,
            form=form,
            words=money_words,
            back=url_for("admin.money"),
        )
        return page, 200 if request.method == "GET" else 422
    mismatch_id = found.id
    with transaction():
        mismatches.mark_seen(mismatch_id, note=form.note.data or "", by=current_person())
    flash(_("Noted: it is off the list."), "done")
    return redirect(url_for("admin.money"), code=303)


@admin.get("/metrics")
@public
def metrics() -> ResponseReturnValue:
    """For a monitor with METRICS_TOKEN as its bearer token; without one set there is nothing here."""
    token = settings().metrics_token
    if not token:
        abort(404)
    given = request.headers.get("Authorization", "")
    if not hmac.compare_digest(given.encode(), f"Bearer {token}".encode()):
        return Response("a bearer token is needed\n", 401, {"WWW-Authenticate": "Bearer"}, content_type="text/plain")
    return Response(exposition(), content_type=CONTENT_TYPE_LATEST)
