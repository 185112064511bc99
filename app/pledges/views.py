"""Pages about one's promise of items: making it, changing it, taking it back; and the staff's page that receives it."""

from __future__ import annotations

import decimal

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from app.accounts.session import current_person
from app.core.db import transaction
from app.core.errors import InvalidInput, Reason, Refused
from app.core.forms import PageForm
from app.core.i18n import _, number
from app.core.web import allow, flash_undo
from app.needs.models import Item
from app.needs.queries import find_item
from app.pledges import operations, policy, queries
from app.pledges.forms import CancelForm, PledgeForm, ReceiveForm
from app.pledges.models import LIVE_STATUSES, Pledge
from app.pledges.operations import Mode
from app.pledges.quantities import format_quantity, read_quantity

pledges = Blueprint("pledges", __name__)
MODES: dict[str, Mode] = {"add": "add", "replace": "replace"}


def _put_errors(form: PageForm, invalid: InvalidInput) -> None:
    for name, message in invalid.errors.items():
        form[name].errors = [*form[name].errors, message]


@pledges.route("/items/<id:item_id>/pledge", methods=["GET", "POST"])
@allow(policy.can_see_item, load=find_item)
def new(item: Item) -> ResponseReturnValue:
    """How much is still wanted, and the form; a second promise asks whether to add or to replace (P2)."""
    person = current_person()
    form = PledgeForm(quantity=request.args.get("quantity", "")[:40])
    reasons = operations.check_pledge(item, person)
    if request.method == "GET" or reasons:
        return _page(item, form, reasons), 200 if request.method == "GET" else 409
    if not form.validate():
        return _page(item, form, []), 422
    try:
        quantity = read_quantity(form.quantity.data or "")
        with transaction():
            made = operations.pledge(
                item.id,
                by=person,
                quantity=quantity,
                mode=MODES.get(request.form.get("mode", "")),
                note=form.note.data or "",
            )
            said = operations.with_unit(made.quantity, item)
    except InvalidInput as invalid:
        _put_errors(form, invalid)
        return _page(item, form, []), 422
    except Refused as refused:
        if any(reason.code == "already_pledged" for reason in refused.reasons):
            return _page(item, form, [], typed=quantity), 409
        at_field = [reason for reason in refused.reasons if reason.code == "more_than_wanted"]
        form.quantity.errors = [*form.quantity.errors, *(reason.message for reason in at_field)]
        return _page(item, form, [reason for reason in refused.reasons if reason not in at_field]), 409
    text = _("You promised %(quantity)s of “%(item)s”. We sent you an email.", quantity=said, item=item.name)
    flash_undo(text, url_for("pledges.cancel", pledge_id=made.id))
    return redirect(url_for("pages.my_help"), code=303)


def _page(item: Item, form: PledgeForm, reasons: list[Reason], *, typed: decimal.Decimal | None = None) -> str:
    current = operations.find_live(item.id, current_person().id)
    return render_template(
        "pledges/mode.html" if typed is not None and current is not None else "pledges/new.html",
        item=item,
        form=form,
        reasons=reasons,
        mine=current,
        with_unit=operations.with_unit,
        quantity=number,
        typed=typed,
    )


@pledges.route("/pledges/<id:pledge_id>/cancel", methods=["GET", "POST"])
@allow(policy.can_cancel_pledge, load=queries.find_pledge)
def cancel(pledge: Pledge) -> ResponseReturnValue:
    """What taking a promise back means, and doing it."""
    form = CancelForm()
    if request.method == "POST" and form.validate():
        name, item_id = pledge.item.name, pledge.item_id
        back = url_for("pledges.new", item_id=item_id, quantity=format_quantity(operations.outstanding(pledge)))
        with transaction():
            operations.cancel_pledge(pledge.id, by=current_person())
        text = _("You took back your promise of “%(item)s”. It is wanted again.", item=name)
        flash_undo(text, back)
        return redirect(url_for("pages.my_help"), code=303)
    return render_template(
        "pledges/cancel.html",
        pledge=pledge,
        form=form,
        live=pledge.status in LIVE_STATUSES,
        outstanding=operations.with_unit(operations.outstanding(pledge), pledge.item),
    )


@pledges.route("/pledges/<id:pledge_id>/receive", methods=["GET", "POST"])
@allow(policy.can_receive_pledge, load=queries.find_pledge)
def receive(pledge: Pledge) -> ResponseReturnValue:
    """Staff say what came, and what could not be taken and why (P4)."""
    item, organization = pledge.item, pledge.item.need.organization
    form = ReceiveForm(received=format_quantity(operations.outstanding(pledge)), rejected="0")
    status = 200
    if request.method == "POST":
        status = 422
        if form.validate():
            try:
                received, rejected = (
                    decimal.Decimal(0) if form[name].data in (None, "", "0") else read_quantity(form[name].data, name)
                    for name in ("received", "rejected")
                )
                with transaction():
                    operations.receive_pledge(
                        pledge.id,
                        by=current_person(),
                        received=received,
                        rejected=rejected,
                        reason=form.reason.data or "",
                    )
            except InvalidInput as invalid:
                _put_errors(form, invalid)
            else:
                flash(_("Noted: %(quantity)s of “%(item)s” received.", quantity=number(received), item=item.name))
                return redirect(
                    f"{url_for('needs.manage', slug=organization.slug, need_id=item.need_id)}#items", code=303
                )
    page = render_template(
        "pledges/receive.html",
        pledge=pledge,
        form=form,
        organization=organization,
        live=pledge.status in LIVE_STATUSES,
        promised=operations.with_unit(pledge.quantity, item),
        outstanding=operations.with_unit(operations.outstanding(pledge), item),
    )
    return page, status


BLUEPRINTS = (pledges,)
