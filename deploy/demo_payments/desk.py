"""What people see at Stripe of their own account: its state, its payments, and what may happen to each. Plain HTML."""

from __future__ import annotations

from flask import abort, g, redirect, request, url_for
from werkzeug.wrappers import Response as AnyResponse

from deploy.demo_payments import accounts, billing, books, currencies, disputes, invoices, portal, refunds
from deploy.demo_payments.errors import ApiError
from deploy.demo_payments.pages import account_of, blueprint, name_of, origin, page
from deploy.demo_payments.payments import NOBODY
from deploy.demo_payments.store import PLATFORM, Thing
from deploy.demo_payments.wire import payments

SHOWN = 50


def _owner_of(account_id: str) -> str:
    return PLATFORM if account_id == accounts.PLATFORM_ID else account_id


@blueprint.get("/accounts/<account_id>")
def account_page(account_id: str) -> AnyResponse:
    """What an account can do, what may happen to it, and its latest payments and payouts."""
    account = account_of(account_id)
    with payments().store.acting_as(_owner_of(account_id)):
        return page(
            "account.html",
            account=account,
            name=name_of(account),
            own=account_id == accounts.PLATFORM_ID,
            charges=payments().store.page("charge", (), SHOWN),
            payouts=payments().store.page("payout", (), SHOWN),
            subscriptions=payments().store.page("subscription", (), SHOWN),
        )


@blueprint.post("/accounts/<account_id>")
def act_on_account(account_id: str) -> AnyResponse:
    """Let one of the things happen that happen at Stripe."""
    button = request.form.get("act", "")
    with payments().store.transaction():
        account = account_of(account_id)
        if button == "pay_out":
            with payments().store.acting_as(_owner_of(account_id)):
                books.pay_out(payments())
        elif button not in accounts.ACTS or account_id == accounts.PLATFORM_ID:
            abort(400)
        elif not account["_deauthorized"]:
            accounts.act(payments(), account, button)
    return redirect(url_for("pages.account_page", account_id=account_id), 303)


@blueprint.post("/payouts/<object_id>")
def act_on_payout(object_id: str) -> AnyResponse:
    """What the bank does with a payout; nothing when that is over."""
    acts = {"arrive": books.payout_arrives, "fail": books.payout_fails}
    button = request.form.get("act", "")
    with payments().store.transaction():
        payout = payments().store.find("payout", object_id)
        if payout is None:
            abort(404)
        if button not in acts:
            abort(400)
        if payout["status"] == "in_transit" or (payout["status"], button) == ("paid", "fail"):
            acts[button](payments(), payout)
    account_id = payments().store.account or accounts.PLATFORM_ID
    return redirect(url_for("pages.account_page", account_id=account_id), 303)


def _show(charge: Thing, status: int = 200, problem: str = "") -> AnyResponse:
    store = payments().store
    of_charge = [("json_extract(data, '$.charge') = ?", charge["id"])]
    return page(
        "payment.html",
        status,
        charge=charge,
        refunds=store.page("refund", of_charge, SHOWN),
        disputes=store.page("dispute", of_charge, SHOWN),
        account=store.account or accounts.PLATFORM_ID,
        amount=request.form.get("amount", ""),
        problem=problem,
        over=disputes.OVER,
    )


def _charge(charge_id: str) -> Thing:
    charge = payments().store.find("charge", charge_id)
    if charge is None:
        abort(404)
    return charge


@blueprint.get("/payments/<object_id>")
def payment_page(object_id: str) -> AnyResponse:
    """A payment, what went back of it, and what may still happen."""
    payments().do_due()
    return _show(_charge(object_id))


@blueprint.post("/payments/<object_id>")
def act_on_payment(object_id: str) -> AnyResponse:
    """Refund it, dispute it, or let the bank decide."""
    try:
        with payments().store.transaction():
            charge = _charge(object_id)
            _act(charge, request.form.get("act", ""), request.form.get("amount", "").strip())
    except ApiError as error:
        return _show(_charge(object_id), 409, str(error))
    return redirect(url_for("pages.payment_page", object_id=object_id), 303)


def _act(charge: Thing, button: str, typed: str) -> None:
    amount = currencies.read(typed, charge["currency"]) if typed else None
    if typed and amount is None:
        raise ApiError("Write the amount as a number, or leave it empty for everything.")
    if button == "refund":
        refunds.create(payments(), {"charge": charge["id"], **({"amount": amount} if amount else {})})
    elif button in ("dispute", "inquiry"):
        disputes.open_dispute(payments(), charge, amount=amount, inquiry=button == "inquiry")
    elif button == "warn":
        disputes.warn_of_fraud(payments(), charge)
    else:
        _act_on_part(button, request.form.get("of", ""))


def _act_on_part(button: str, object_id: str) -> None:
    refund, dispute = (payments().store.find(kind, object_id) for kind in ("refund", "dispute"))
    of_refund = {"refund_succeed": refunds.succeed, "refund_fail": refunds.fail}
    of_dispute = {"win": disputes.win, "lose": disputes.lose, "escalate": disputes.escalate}
    if refund is not None and button in of_refund:
        of_refund[button](payments(), refund)
    elif dispute is not None and button in of_dispute:
        of_dispute[button](payments(), dispute)
    else:
        abort(400)


# What is given every month.
def _subscription(object_id: str) -> Thing:
    found = payments().store.find("subscription", object_id)
    if found is None:
        abort(404)
    return found


def _invoices_of(subscription: Thing) -> list[Thing]:
    of_it = "json_extract(data, '$.parent.subscription_details.subscription') = ?"
    return payments().store.page("invoice", [(of_it, subscription["id"])], SHOWN)


def _waiting_for_bank(subscription: Thing) -> list[Thing]:
    return [one for one in _invoices_of(subscription) if invoices.waits_for_bank(payments(), one)]


@blueprint.get("/subscriptions/<object_id>")
def subscription_page(object_id: str) -> AnyResponse:
    """What is given every month, what was charged of it, and what may happen next."""
    payments().do_due()
    subscription = _subscription(object_id)
    return page(
        "subscription.html",
        subscription=subscription,
        item=subscription["items"]["data"][0],
        invoices=_invoices_of(subscription),
        waiting=[one["id"] for one in _waiting_for_bank(subscription)],
        customer=payments().store.get("customer", subscription["customer"]),
        over=billing.OVER,
        account=payments().store.account or accounts.PLATFORM_ID,
    )


@blueprint.post("/subscriptions/<object_id>")
def act_on_subscription(object_id: str) -> AnyResponse:
    """Let a month pass, the card fail or work again, a bank decide, or an invoice be tried again."""
    button, store = request.form.get("act", ""), payments().store
    with store.transaction():
        subscription = _subscription(object_id)
        if button in ("card_fails", "card_works"):
            customer = store.get("customer", subscription["customer"])
            store.save(customer | {"_card_works": button == "card_works"})
        elif button == "renew":
            if subscription["status"] not in billing.OVER:
                billing.renew_now(payments(), subscription)
        elif button in ("bank_confirms", "bank_refuses"):
            for invoice in _waiting_for_bank(subscription):
                invoices.bank_says(payments(), invoice, confirms=button == "bank_confirms")
        elif button == "retry":
            for invoice in _invoices_of(subscription):
                invoices.collect(payments(), invoice, store.now())
        else:
            abort(400)
    return redirect(url_for("pages.subscription_page", object_id=object_id), 303)


def _portal(object_id: str) -> Thing:
    found = payments().store.find("billing_portal.session", object_id)
    if found is None or found["created"] + portal.SECONDS < payments().store.now():
        abort(404)
    after = (found["flow"] or {}).get("after_completion", {}).get("redirect") or {}
    g.return_origins = (origin(found["return_url"]), origin(after.get("return_url")))
    return found


@blueprint.get("/portal/<object_id>")
def portal_page(object_id: str) -> AnyResponse:
    """Where a customer changes the card, and ends what is given."""
    found = _portal(object_id)
    of_customer = [("json_extract(data, '$.customer') = ?", found["customer"])]
    return page(
        "portal.html",
        session=found,
        subscriptions=payments().store.page("subscription", of_customer, SHOWN),
        over=billing.OVER,
        flow=(found["flow"] or {}).get("type"),
    )


@blueprint.post("/portal/<object_id>")
def act_in_portal(object_id: str) -> AnyResponse:
    """A new card, or the end of what is given."""
    button, store = request.form.get("act", ""), payments().store
    with store.transaction():
        found = _portal(object_id)
        if button in ("new_card", "bad_card", "new_account"):
            customer = store.get("customer", found["customer"])
            if button == "new_account":
                method = billing.new_bank_account(payments(), customer)
            else:
                method = billing.new_card(payments(), customer, works=button == "new_card")
            portal.use_card(payments(), customer, method)
        elif button == "stop":
            subscription = _subscription(request.form.get("of", ""))
            if subscription["customer"] == found["customer"] and subscription["status"] not in billing.OVER:
                billing.cancel(payments(), subscription, {}, NOBODY)
        else:
            abort(400)
    after = (found["flow"] or {}).get("after_completion", {}).get("redirect")
    return redirect(after["return_url"] if after else url_for("pages.portal_page", object_id=object_id), 303)
