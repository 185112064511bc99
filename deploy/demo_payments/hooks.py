"""Test hooks under /_demo: only on this machine, and only for tests. Everything is JSON."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

from flask import Blueprint, Response, current_app, request

from deploy.demo_payments import accounts, billing, books, disputes, invoices, portal, refunds
from deploy.demo_payments.errors import ApiError, missing
from deploy.demo_payments.faults import MODES, Fault, Faults, WebhookTrouble
from deploy.demo_payments.payments import find_session
from deploy.demo_payments.store import PLATFORM
from deploy.demo_payments.webhooks import Sender
from deploy.demo_payments.wire import UNKEYED, answer, payments, refuse

blueprint = Blueprint("hooks", __name__, url_prefix="/_demo")
blueprint.register_error_handler(ApiError, refuse)


def _asked() -> dict[str, Any]:
    body = request.get_json()
    if not isinstance(body, dict):
        raise ApiError("Send a JSON object.")
    return body


def _sender() -> Sender:
    found: Sender = current_app.extensions["sender"]
    return found


@blueprint.get("/deliveries")
def list_deliveries() -> Response:
    """The latest deliveries, newest first: event, type, state, attempts, status, error."""
    return answer({"data": payments().store.deliveries(request.args.get("event"))})


@blueprint.post("/hold")
def hold() -> Response:
    """`{"hold": true}`: send nothing by yourself until `{"hold": false}`."""
    payments().store.set("hold", bool(_asked()["hold"]))
    return answer({"hold": payments().store.setting("hold", False)})


@blueprint.post("/deliver")
def deliver() -> Response:
    """`{"events": [ids], "concurrently": false}`: send these now, in this order, an id twice when it stands twice.

    Answers with the receiver's HTTP status of each. What was waiting to be sent for them counts as sent.
    """
    asked = _asked()
    store, events = payments().store, [str(event) for event in asked["events"]]
    for event in events:
        if store.owner(event) is None:
            raise missing("event", event, "events")
    with ThreadPoolExecutor(len(events) or 1 if asked.get("concurrently") else 1) as pool:
        statuses = [status for status, _error in pool.map(_sender().send, events)]
    arrived = {event for event, status in zip(events, statuses, strict=True) if status is not None and status < 300}
    with store.transaction():
        for event in arrived:
            for waiting in store.deliveries(event):
                if waiting["state"] == "pending" and not waiting["endpoint"]:
                    store.delivery_result(waiting["id"], state="delivered", next_at=0, status=200, error="")
    return answer({"statuses": statuses})


@blueprint.post("/faults")
def add_fault() -> Response:
    """`{"mode": one of faults.MODES, "method", "path", "times", "seconds", "share"}` (see faults.Fault)."""
    asked = _asked()
    if asked.get("mode") not in MODES:
        raise ApiError(f"mode must be one of {', '.join(MODES)}", param="mode")
    _faults().add(
        Fault(
            mode=asked["mode"],
            method=str(asked.get("method", "")),
            path=str(asked.get("path", "")),
            times=int(asked.get("times", 1)),
            seconds=float(asked.get("seconds", 0)),
            share=float(asked.get("share", 1)),
        )
    )
    return answer({})


@blueprint.get("/faults")
def count_faults() -> Response:
    """`{"met": n}`: how many requests have met a fault since they were cleared."""
    return answer({"met": _faults().met})


@blueprint.delete("/faults")
def clear_faults() -> Response:
    """Let everything work again; what is delayed goes on at once."""
    _faults().clear()
    return answer({})


def _faults() -> Faults:
    found: Faults = current_app.extensions["faults"]
    return found


@blueprint.post("/webhook_trouble")
def set_webhook_trouble() -> Response:
    """`{"duplicate": 0.35, "drop": 0.1, "reorder": true, "delay": 2}`: what goes wrong with events from now on (see
    faults.WebhookTrouble); `{}`: nothing."""
    asked = _asked()
    payments().trouble = WebhookTrouble(
        duplicate=float(asked.get("duplicate", 0)),
        drop=float(asked.get("drop", 0)),
        reorder=bool(asked.get("reorder")),
        delay=float(asked.get("delay", 0)),
    )
    return answer({})


@blueprint.post("/clock")
def advance_clock() -> Response:
    """`{"advance": seconds}`: let time pass; `{"at": Unix seconds}`: live at that instant, `{"at": null}`: today, so that a
    history can be made in its order. What is due then happens at once."""
    store, asked = payments().store, _asked()
    if "at" in asked:
        store.live_at(asked["at"])
        return answer({"now": store.now(), "happened": payments().do_due()})
    store.set("clock_offset", store.ahead + max(0, int(asked["advance"])))
    return answer({"now": store.now(), "happened": payments().do_due()})


@blueprint.post("/settle")
def settle() -> Response:
    """`{"seconds": n}`: charges are booked n seconds after they succeed (n = null: never by themselves); `{}`: book now."""
    asked = _asked()
    if "seconds" in asked:
        never = 10 * 365 * 24 * 60 * 60
        payments().store.set("settle_seconds", never if asked["seconds"] is None else int(asked["seconds"]))
        return answer({})
    return answer({"happened": payments().do_due("settle")})


@blueprint.post("/prefixes")
def set_prefixes() -> Response:
    """`{"refund": "rx_", "dispute": "dx_"}`: how the ids of those begin from now on."""
    for kind, prefix in _asked().items():
        if kind not in ("refund", "dispute"):
            raise ApiError("Choose refund or dispute.", param=kind)
        payments().store.set(f"prefix {kind}", str(prefix))
    return answer({})


@blueprint.post("/ties")
def set_ties() -> Response:
    """`{"order": "oldest"|"any"}`: from now on lists show what was made within one second the oldest first, or by no order one
    would guess; "newest": as usual. Stripe promises an order by `created` and no other."""
    order = _asked()["order"]
    if order not in ("newest", "oldest", "any"):
        raise ApiError("order must be newest, oldest or any", param="order")
    payments().store.set("ties", order)
    return answer({})


ACTS = ("pay", "decline", "pay_later", "bank_confirms", "bank_refuses")


@blueprint.post("/sessions/<session_id>/<act>")
def act(session_id: str, act: str) -> Response:
    """What a payer's buttons do, without the page: pay, decline, pay_later, bank_confirms, bank_refuses."""
    if act not in ACTS:
        raise ApiError(f"Choose one of {', '.join(ACTS)}.", status=404)
    store = payments().store
    store.act_as(store.owner(session_id) or PLATFORM)
    with store.transaction():
        session = find_session(payments(), session_id)
        fits = session["status"] == "open" if act in ACTS[:3] else payments().waits_for_bank(session)
        if not fits:
            raise ApiError(f"The session is {session['status']} and {session['payment_status']}.", status=409)
        getattr(payments(), act)(session)
        return answer(payments().public(session))


@blueprint.post("/accounts/<account_id>/<act>")
def act_of_account(account_id: str, act: str) -> Response:
    """What is chosen on an account's page: ready, due, restrict, deauthorize; vanish, come_back: it answers as if it were not
    the platform's, and nobody is told. The account after it."""
    if act not in accounts.ACTS:
        raise ApiError(f"Choose one of {', '.join(accounts.ACTS)}.", status=404)
    with payments().store.transaction():
        account = payments().store.find("account", account_id)
        if account is None or (account["_deauthorized"] and act != "come_back"):
            account = accounts.get(payments(), account_id)
        return answer(payments().public(accounts.act(payments(), account, act)))


# What happens on the pages of an account, without the pages. `account` in the body, or whose the object is.
def _as_owner(object_id: str) -> None:
    owner = payments().store.owner(object_id)
    if owner is None:
        raise ApiError(f"Nothing has the id {object_id}.", status=404)
    payments().store.act_as(owner)


def _answer_all(things: list[dict[str, Any]]) -> Response:
    return answer({"data": [payments().public(thing) for thing in things]})


@blueprint.post("/refund_outcome")
def set_refund_outcome() -> Response:
    """`{"outcome": one of refunds.OUTCOMES or null}`: how refunds go from now on; null as usual (cards at once, banks
    after five days)."""
    outcome = _asked()["outcome"]
    if outcome is None:
        payments().store.unset("refund_outcome")
    elif outcome in refunds.OUTCOMES:
        payments().store.set("refund_outcome", outcome)
    else:
        raise ApiError(f"outcome must be one of {', '.join(refunds.OUTCOMES)}", param="outcome")
    return answer({})


@blueprint.post("/refunds/<refund_id>/<act>")
def act_on_refund(refund_id: str, act: str) -> Response:
    """What the donor's bank does with a refund: succeed, fail; what Stripe does with one that has no balance transaction:
    book, cancel. The refund after it."""
    acts = {"succeed": refunds.succeed, "fail": refunds.fail, "book": refunds.book_now, "cancel": refunds.cancel}
    _as_owner(refund_id)
    with payments().store.transaction():
        return answer(payments().public(acts[act](payments(), payments().store.get("refund", refund_id))))


@blueprint.post("/charges/<charge_id>/<act>")
def act_on_charge(charge_id: str, act: str) -> Response:
    """What happens to a charge outside the API: refund `{"amount"}` on the account's pages, dispute `{"amount", "reason",
    "inquiry", "fee_apart": a reporting category}`, warn (of fraud). What came of it."""
    asked, store = _asked(), payments().store
    _as_owner(charge_id)
    with store.transaction():
        charge = store.get("charge", charge_id)
        if act == "refund":
            amount = {"amount": int(asked["amount"])} if "amount" in asked else {}
            made = refunds.create(payments(), {"charge": charge_id, **amount})
        elif act == "dispute":
            made = disputes.open_dispute(
                payments(),
                charge,
                amount=asked.get("amount"),
                reason=asked.get("reason", "fraudulent"),
                inquiry=bool(asked.get("inquiry")),
                fee_apart=asked.get("fee_apart"),
            )
        elif act == "warn":
            made = disputes.warn_of_fraud(payments(), charge)
        else:
            raise ApiError("Choose refund, dispute or warn.", status=404)
        return answer(payments().public(made))


@blueprint.post("/disputes/<dispute_id>/<act>")
def act_on_dispute(dispute_id: str, act: str) -> Response:
    """What a bank decides: win `{"fee_back", "amount"}`, lose, escalate (an inquiry). The dispute after it."""
    asked, store = _asked(), payments().store
    _as_owner(dispute_id)
    with store.transaction():
        dispute = store.get("dispute", dispute_id)
        if act == "win":
            disputes.win(payments(), dispute, fee_back=bool(asked.get("fee_back")), amount=asked.get("amount"))
        elif act == "lose":
            disputes.lose(payments(), dispute)
        elif act == "escalate":
            disputes.escalate(payments(), dispute)
        else:
            raise ApiError("Choose win, lose or escalate.", status=404)
        return answer(payments().public(dispute))


@blueprint.post("/customers/<customer_id>/card")
def set_card(customer_id: str) -> Response:
    """`{"works": false}`: the customer's card is declined from now on, or works again."""
    _as_owner(customer_id)
    with payments().store.transaction():
        customer = payments().store.get("customer", customer_id)
        payments().store.save(customer | {"_card_works": bool(_asked()["works"])})
    return answer({})


@blueprint.post("/customers/<customer_id>/new_method")
def set_method(customer_id: str) -> Response:
    """`{"type": "card"|"us_bank_account"}`: the customer gives another, which what is given every month is taken from."""
    _as_owner(customer_id)
    make = {"card": billing.new_card, "us_bank_account": billing.new_bank_account}[str(_asked()["type"])]
    with payments().store.transaction():
        customer = payments().store.get("customer", customer_id)
        portal.use_card(payments(), customer, make(payments(), customer))
    return answer({})


@blueprint.post("/bank_begins")
def set_bank_begins() -> Response:
    """`{"status": "incomplete"|"active"}`: how a subscription stands whose first payment a bank has yet to confirm. Stripe's
    documentation says incomplete; ways to pay are known that begin active."""
    status = _asked()["status"]
    if status not in ("incomplete", "active"):
        raise ApiError("status must be incomplete or active", param="status")
    payments().store.set("bank_begins", status)
    return answer({})


@blueprint.post("/subscriptions/<subscription_id>/renew")
def renew_subscription(subscription_id: str) -> Response:
    """Let the next period begin now and its invoice be collected, whatever the clock says. The invoice, or null when the
    subscription ended instead."""
    _as_owner(subscription_id)
    with payments().store.transaction():
        subscription = payments().store.get("subscription", subscription_id)
        invoice = billing.renew_now(payments(), subscription)
        return answer({"invoice": invoice and payments().public(payments().store.get("invoice", invoice["id"]))})


@blueprint.post("/subscriptions/<subscription_id>/hold")
def hold_subscription(subscription_id: str) -> Response:
    """Let a subscription stand still, as Stripe does by its own rules or the account's owner in the dashboard."""
    _as_owner(subscription_id)
    with payments().store.transaction():
        billing.hold(payments(), payments().store.get("subscription", subscription_id))
    return answer({})


@blueprint.post("/invoices/<invoice_id>/retry")
def retry_invoice(invoice_id: str) -> Response:
    """Let the next try of an invoice that was not paid happen now. The invoice after it."""
    _as_owner(invoice_id)
    with payments().store.transaction():
        invoice = payments().store.get("invoice", invoice_id)
        invoices.collect(payments(), invoice, payments().store.now())
        return answer(payments().public(invoice))


@blueprint.post("/invoices/<invoice_id>/bank/<word>")
def let_bank_say(invoice_id: str, word: str) -> Response:
    """A bank confirms or refuses what was ordered from it for a month. The invoice after it."""
    if word not in ("confirms", "refuses"):
        raise ApiError("Choose confirms or refuses.", status=404)
    _as_owner(invoice_id)
    with payments().store.transaction():
        invoice = payments().store.get("invoice", invoice_id)
        return answer(payments().public(invoices.bank_says(payments(), invoice, confirms=word == "confirms")))


@blueprint.post("/invoices/<invoice_id>/pay_outside")
def pay_invoice_outside(invoice_id: str) -> Response:
    """An open invoice is marked as paid on the account's pages, outside Stripe. The invoice after it."""
    _as_owner(invoice_id)
    with payments().store.transaction():
        return answer(payments().public(invoices.pay_outside(payments(), payments().store.get("invoice", invoice_id))))


@blueprint.post("/pay_out")
def pay_out() -> Response:
    """`{"account": id or null, "instant": false, "pending": false}`: send what stands in the account to its bank (at once, for a
    fee; or made only, neither sent nor listed yet); the payouts, one for each currency."""
    asked = _asked()
    payments().store.act_as(asked.get("account") or PLATFORM)
    with payments().store.transaction():
        made = books.pay_out(payments(), instant=bool(asked.get("instant")), pending=bool(asked.get("pending")))
        return _answer_all(made)


@blueprint.post("/payouts/<payout_id>/<act>")
def act_on_payout(payout_id: str, act: str) -> Response:
    """What the account's bank does with a payout: arrive, fail; what Stripe does before: send, reconcile, cancel. The payout
    after it."""
    acts = {
        "arrive": books.payout_arrives,
        "cancel": books.cancel,
        "fail": books.payout_fails,
        "reconcile": books.reconcile,
        "send": books.send,
    }
    _as_owner(payout_id)
    with payments().store.transaction():
        return answer(payments().public(acts[act](payments(), payments().store.get("payout", payout_id))))


@blueprint.post("/adjust")
def adjust() -> Response:
    """`{"account", "type": "adjustment"|"stripe_fee", "amount", "currency", "description"}`: Stripe books something itself."""
    asked = _asked()
    payments().store.act_as(asked.get("account") or PLATFORM)
    with payments().store.transaction():
        made = books.adjust(
            payments(),
            asked.get("type", "adjustment"),
            int(asked["amount"]),
            asked["currency"],
            asked.get("description", "Adjustment"),
        )
        return answer(payments().public(made))


@blueprint.post("/settles_in")
def settles_in() -> Response:
    """`{"account", "currency": "eur" or null, "rate": "0.92"}`: the account books every payment in that currency."""
    asked = _asked()
    payments().store.act_as(asked.get("account") or PLATFORM)
    books.settle_in(payments(), asked["currency"], str(asked.get("rate", "1")))
    return answer({})


@blueprint.get("/refused")
def list_refused() -> Response:
    """Every API request that was refused since the last DELETE, oldest first: method, path, account, status, code, param,
    message. Faults and declined cards are none."""
    return answer({"data": [one for one in payments().store.refused() if one["code"] != UNKEYED]})


@blueprint.get("/unkeyed")
def list_unkeyed() -> Response:
    """Every POST that came without an Idempotency-Key of its own (none, or the package's random one) since the last DELETE
    of /refused: it was done, and asked again it would have been done twice."""
    return answer({"data": [one for one in payments().store.refused() if one["code"] == UNKEYED]})


@blueprint.delete("/refused")
def forget_refused() -> Response:
    """Begin anew."""
    payments().store.forget_refused()
    return answer({})
