"""Pages about one's promise of items: making it, changing it, taking it back; and the staff's page that receives it."""

from __future__ import annotations

import decimal
from collections.abc import Callable

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from app.accounts.session import current_person
from app.core.db import transaction
from app.core.errors import InvalidInput, Reason, Refused
from app.core.forms import show_errors, show_reasons
from app.core.i18n import _, number
from app.core.tokens import unseal
from app.core.web import ProvenBlueprint, allow, flash_undo, public
from app.needs.models import Item
from app.needs.queries import find_item
from app.pledges import dates, earlier, operations, policy, queries
from app.pledges.forms import ArrivalForm, CancelForm, ChangeForm, PledgeForm, ReceiveForm, StaffCancelForm
from app.pledges.models import LIVE_STATUSES, Delivery, Pledge
from app.pledges.operations import Mode
from app.pledges.quantities import format_quantity, read_quantity, with_unit

pledges = Blueprint("pledges", __name__)
by_link = ProvenBlueprint("pledges_by_link", __name__)
MODES: dict[str, Mode] = {"add": "add", "replace": "replace"}


def _find_item(slug: str, item_id: int) -> Item | None:
    item = find_item(item_id)
    return item if item is not None and item.need.organization.slug == slug else None


def _find_delivery(slug: str, delivery_id: int) -> Delivery | None:
    delivery = queries.find_delivery(delivery_id)
    return delivery if delivery is not None and delivery.item.need.organization.slug == slug else None


@pledges.route("/items/<id:item_id>/pledge", methods=["GET", "POST"])
@allow(policy.can_see_item, load=find_item)
def new(item: Item) -> ResponseReturnValue:
    """How much is still wanted, and the form; a second promise asks whether to add or to replace (P2)."""
    person = current_person()
    mine = operations.find_live(item.id, person.id)
    form = PledgeForm(
        quantity=request.args.get("quantity", "")[:40],
        deliver_by=(mine.deliver_by if mine else None) or dates.usual_day(item.need),
        way=mine.way if mine else "drop_off",
    )
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
                deliver_by=form.deliver_by.data,
                way=form.way.data or "drop_off",
            )
            said, is_change = with_unit(made.quantity, item), made.before is not None
    except InvalidInput as invalid:
        show_errors(form, invalid)
        return _page(item, form, []), 422
    except Refused as refused:
        if any(reason.code == "already_pledged" for reason in refused.reasons):
            return _page(item, form, [], typed=quantity), 409
        at_field = [reason for reason in refused.reasons if reason.code == "more_than_wanted"]
        form.quantity.errors = [*form.quantity.errors, *(reason.message for reason in at_field)]
        return _page(item, form, [reason for reason in refused.reasons if reason not in at_field]), 409
    text = _("You promised %(quantity)s of “%(item)s”. We sent you an email.", quantity=said, item=item.name)
    way_back = "pledges.undo_change" if is_change else "pledges.cancel"
    flash_undo(text, url_for(way_back, pledge_id=made.id), post=is_change)
    return redirect(url_for("pages.my_help"), code=303)


def _page(item: Item, form: PledgeForm, reasons: list[Reason], *, typed: decimal.Decimal | None = None) -> str:
    current = operations.find_live(item.id, current_person().id)
    return render_template(
        "pledges/mode.html" if typed is not None and current is not None else "pledges/new.html",
        item=item,
        form=form,
        reasons=reasons,
        mine=current,
        with_unit=with_unit,
        quantity=number,
        typed=typed,
    )


@pledges.route("/pledges/<id:pledge_id>/cancel", methods=["GET", "POST"])
@allow(policy.is_own_pledge, load=queries.find_pledge)
def cancel(pledge: Pledge) -> ResponseReturnValue:
    """What taking a promise back means, and doing it."""
    form = CancelForm()
    if request.method == "POST" and form.validate():
        name = pledge.item.name
        with transaction():
            operations.cancel_pledge(pledge.id, by=current_person())
        text = _("You took back your promise of “%(item)s”. It is wanted again.", item=name)
        flash_undo(text, url_for("pledges.undo_cancel", pledge_id=pledge.id), post=True)
        return redirect(url_for("pages.my_help"), code=303)
    return render_template(
        "pledges/cancel.html",
        pledge=pledge,
        form=form,
        live=pledge.status in LIVE_STATUSES,
        may_undo=operations.can_undo_cancel(pledge, current_person()),
        outstanding=with_unit(operations.outstanding(pledge), pledge.item),
    )


@pledges.post("/pledges/<id:pledge_id>/undo-cancel")
@allow(policy.is_own_pledge, load=queries.find_pledge)
def undo_cancel(pledge: Pledge) -> ResponseReturnValue:
    """The promise taken back a moment ago stands again, or why it cannot."""
    with transaction():
        operations.undo_cancel(pledge.id, by=current_person())
    text = _("Your promise of “%(item)s” stands again. We sent you an email.", item=pledge.item.name)
    flash_undo(text, url_for("pledges.cancel", pledge_id=pledge.id))
    return redirect(url_for("pages.my_help"), code=303)


@pledges.route("/pledges/<id:pledge_id>/change", methods=["GET", "POST"])
@allow(policy.is_own_pledge, load=queries.find_pledge)
def change(pledge: Pledge) -> ResponseReturnValue:
    """Another quantity, another day, another way, on its way: in one step."""
    item = pledge.item
    live = pledge.status in LIVE_STATUSES
    form = ChangeForm(
        quantity=format_quantity(pledge.quantity),
        deliver_by=pledge.deliver_by,
        way=pledge.way,
        on_its_way=pledge.status == "in_transit",
        note=pledge.note,
    )
    status = 200
    if form.validate_on_submit():
        try:
            quantity = read_quantity(form.quantity.data or "")
            with transaction():
                operations.change_pledge(
                    pledge.id,
                    by=current_person(),
                    quantity=quantity,
                    deliver_by=form.deliver_by.data,
                    way=form.way.data or "drop_off",
                    on_its_way=form.on_its_way.data,
                    note=form.note.data or "",
                )
        except InvalidInput as invalid:
            show_errors(form, invalid)
        except Refused as refused:
            form.quantity.errors = [*form.quantity.errors, *(reason.message for reason in refused.reasons)]
            status = 409
        else:
            return _changed(_("Your promise of “%(item)s” is changed. We sent you an email.", item=item.name), pledge)
    page = render_template(
        "pledges/change.html",
        pledge=pledge,
        item=item,
        form=form,
        live=live,
        with_unit=with_unit,
        quantity=number,
    )
    return page, 422 if form.errors and status == 200 else status


def _find_pledge(slug: str, pledge_id: int) -> Pledge | None:
    pledge = queries.find_pledge(pledge_id)
    return pledge if pledge is not None and pledge.item.need.organization.slug == slug else None


def _items_page(pledge: Pledge) -> str:
    need = pledge.item.need
    return f"{url_for('needs.manage', slug=need.organization.slug, need_id=need.id)}#items"


@pledges.route("/manage/<slug>/pledges/<id:pledge_id>/cancel", methods=["GET", "POST"])
@allow(policy.can_receive_pledge, load=_find_pledge)
def cancel_for(pledge: Pledge) -> ResponseReturnValue:
    """Staff take a promise back for somebody who telephones, or that is not needed any more; the giver is told."""
    form, organization, item = StaffCancelForm(), pledge.item.need.organization, pledge.item
    if form.validate_on_submit():
        with transaction():
            operations.cancel_pledge(pledge.id, by=current_person(), reason=form.reason.data or "")
        text = _("Cancelled: “%(item)s”, promised by %(name)s.", item=item.name, name=pledge.person.name)
        flash_undo(text, url_for("pledges.undo_cancel_for", slug=organization.slug, pledge_id=pledge.id), post=True)
        return redirect(_items_page(pledge), code=303)
    page = render_template(
        "pledges/cancel_for.html",
        organization=organization,
        pledge=pledge,
        form=form,
        live=pledge.status in LIVE_STATUSES,
        outstanding=with_unit(operations.outstanding(pledge), item),
    )
    return page, 422 if form.errors else 200


@pledges.post("/manage/<slug>/pledges/<id:pledge_id>/undo-cancel")
@allow(policy.can_receive_pledge, load=_find_pledge)
def undo_cancel_for(pledge: Pledge) -> ResponseReturnValue:
    """The promise that staff took back a moment ago stands again, or why it cannot."""
    with transaction():
        operations.undo_cancel(pledge.id, by=current_person())
    flash(_("Undone: “%(item)s” is as it was before.", item=pledge.item.name), "done")
    return redirect(_items_page(pledge), code=303)


def _changed(text: str, pledge: Pledge) -> ResponseReturnValue:
    flash_undo(text, url_for("pledges.undo_change", pledge_id=pledge.id), post=True)
    return redirect(url_for("pages.my_help"), code=303)


@pledges.post("/pledges/<id:pledge_id>/on-its-way")
@allow(policy.is_own_pledge, load=queries.find_pledge)
def send_off(pledge: Pledge) -> ResponseReturnValue:
    """It was sent, or is being brought now."""
    name = pledge.item.name
    with transaction():
        operations.send_off(pledge.id, by=current_person())
    return _changed(_("“%(item)s” is on its way: the staff look out for it.", item=name), pledge)


@pledges.post("/pledges/<id:pledge_id>/undo-change")
@allow(policy.is_own_pledge, load=queries.find_pledge)
def undo_change(pledge: Pledge) -> ResponseReturnValue:
    """The promise changed a moment ago is as it was, or why it cannot be."""
    name = pledge.item.name
    with transaction():
        operations.undo_change(pledge.id, by=current_person())
    flash(_("Your promise of “%(item)s” is as it was before. We sent you an email.", item=name), "done")
    return redirect(url_for("pages.my_help"), code=303)


@pledges.route("/manage/<slug>/items/<id:item_id>/arrivals/new", methods=["GET", "POST"])
@allow(policy.can_receive_item, load=_find_item)
def arrival(item: Item) -> ResponseReturnValue:
    """Something came that nobody had promised."""
    organization = item.need.organization
    form = ArrivalForm()
    status = 200
    if form.validate_on_submit():
        try:
            received = read_quantity(form.received.data or "", "received")
            with transaction():
                made = operations.receive_unpledged(
                    item.id, by=current_person(), received=received, note=form.note.data or ""
                )
        except InvalidInput as invalid:
            show_errors(form, invalid)
        except Refused as refused:
            show_reasons(form, refused)
            status = 409
        else:
            return _received(made.id, item, received)
    page = render_template("pledges/arrival.html", item=item, form=form, organization=organization)
    return page, 422 if form.errors and status == 200 else status


def _received(delivery_id: int, item: Item, received: decimal.Decimal) -> ResponseReturnValue:
    slug = item.need.organization.slug
    text = _("Noted: %(quantity)s of “%(item)s” received.", quantity=number(received), item=item.name)
    flash_undo(text, url_for("pledges.undo_delivery", slug=slug, delivery_id=delivery_id), post=True)
    return redirect(f"{url_for('needs.manage', slug=slug, need_id=item.need_id)}#items", code=303)


@pledges.post("/manage/<slug>/deliveries/<id:delivery_id>/undo")
@allow(policy.can_undo_delivery, load=_find_delivery)
def undo_delivery(delivery: Delivery) -> ResponseReturnValue:
    """It was written down by mistake."""
    item = delivery.item
    with transaction():
        operations.undo_delivery(delivery.id, by=current_person())
    flash(_("Undone: “%(item)s” is as it was before.", item=item.name), "done")
    back = url_for("needs.manage", slug=item.need.organization.slug, need_id=item.need_id)
    return redirect(f"{back}#items", code=303)


# --- by the link in a mail, without a session -----------------------------------------------------------------------


def _find_by_token(pledge_token: str) -> Pledge | None:
    values = unseal("pledge", pledge_token)
    if values is None or len(values) != 2:
        return None
    pledge = queries.find_pledge(values[0])
    return pledge if pledge is not None and policy.is_token_of(pledge, str(values[1])) else None


@by_link.get("/promises/<pledge_token>")
@public(load=_find_by_token)
def promise(pledge: Pledge) -> ResponseReturnValue:
    """What was promised and how it stands; with the way to take it back, and that back."""
    return _promise_page(pledge)


def _promise_page(pledge: Pledge, reasons: list[Reason] | None = None) -> ResponseReturnValue:
    page = render_template(
        "pledges/promise.html",
        pledge=pledge,
        item=pledge.item,
        live=pledge.status in LIVE_STATUSES,
        may_undo=operations.can_undo_cancel(pledge, pledge.person),
        may_undo_change=earlier.can_undo_change(pledge),
        reasons=reasons or [],
        token=policy.pledge_token(pledge),
        promised=with_unit(pledge.quantity, pledge.item),
        outstanding=with_unit(operations.outstanding(pledge), pledge.item),
        with_unit=with_unit,
        quantity=number,
    )
    return page, 409 if reasons else 200


def _by_link(pledge: Pledge, act: Callable[..., Pledge]) -> ResponseReturnValue:
    try:
        with transaction():
            act(pledge.id, by=pledge.person)
    except Refused as refused:
        return _promise_page(pledge, refused.reasons)
    return redirect(url_for("pledges_by_link.promise", pledge_token=policy.pledge_token(pledge)), code=303)


@by_link.post("/promises/<pledge_token>/cancel")
@public(load=_find_by_token)
def cancel_promise(pledge: Pledge) -> ResponseReturnValue:
    """Take it back."""
    return _by_link(pledge, operations.cancel_pledge)


@by_link.post("/promises/<pledge_token>/undo")
@public(load=_find_by_token)
def undo_promise(pledge: Pledge) -> ResponseReturnValue:
    """It stands again."""
    return _by_link(pledge, operations.undo_cancel)


@by_link.post("/promises/<pledge_token>/undo-change")
@public(load=_find_by_token)
def undo_promise_change(pledge: Pledge) -> ResponseReturnValue:
    """It is as it was before it was changed."""
    return _by_link(pledge, operations.undo_change)


@pledges.route("/pledges/<id:pledge_id>/receive", methods=["GET", "POST"])
@allow(policy.can_receive_pledge, load=queries.find_pledge)
def receive(pledge: Pledge) -> ResponseReturnValue:
    """Staff say what came, and what could not be taken and why (P4)."""
    item, organization = pledge.item, pledge.item.need.organization
    rest = operations.outstanding(pledge) if pledge.status in LIVE_STATUSES else decimal.Decimal(0)
    late = "" if pledge.status in LIVE_STATUSES else "1"
    form = ReceiveForm(received=format_quantity(rest), rejected="0", more=late)
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
                        more=request.form.get("more") == "1",
                    )
                    delivery_id = operations.last_delivery(pledge.id)
            except InvalidInput as invalid:
                show_errors(form, invalid)
            else:
                return _received(delivery_id, item, received)
    page = render_template(
        "pledges/receive.html",
        pledge=pledge,
        form=form,
        organization=organization,
        live=pledge.status in LIVE_STATUSES,
        late=pledge.status not in LIVE_STATUSES,
        promised=with_unit(pledge.quantity, item),
        outstanding=with_unit(operations.outstanding(pledge), item),
    )
    return page, status


BLUEPRINTS = (pledges, by_link)
