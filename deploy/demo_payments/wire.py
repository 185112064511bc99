"""Stripe's HTTP: who asks, for which account, once only; how objects are shown, expanded and listed."""

from __future__ import annotations

import dataclasses
import hashlib
import hmac
import json
import re
import socket
from collections.abc import Callable, Mapping
from typing import Any

from flask import Blueprint, Response, current_app, g, request

from deploy.demo_payments import accounts
from deploy.demo_payments.errors import API_VERSION, ApiError, missing
from deploy.demo_payments.faults import KEPT, Faults
from deploy.demo_payments.params import Choice, Created, Email, Flag, Items, Spec, Table, Text, decode
from deploy.demo_payments.payments import Cause, Payments
from deploy.demo_payments.specs import ONLY_EXPAND, PAGING, PAYMENT_OF_INVOICE
from deploy.demo_payments.store import Thing, new_id

# What a POST without a key of its own is noted as: done, and worth asking about. The package makes a random one (written
# like a UUID) where it is given none; that helps its own second try and nobody else's.
UNKEYED = "no_idempotency_key"
RANDOM_KEY = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
# https://docs.stripe.com/api/idempotent_requests: an error of Stripe's own is kept, too.
NO_USE = {"Stripe-Should-Retry": "false"}
blueprint = Blueprint("api", __name__, url_prefix="/v1")


SUBSCRIPTION_STATUSES = (
    "active", "all", "canceled", "ended", "incomplete", "incomplete_expired", "past_due", "paused", "trialing", "unpaid",
)  # fmt: skip
# Asked for a status there are those; `all` is all, and without a status all but the canceled ones are shown.
SUBSCRIPTION_STATUS = "? IN ('all', json_extract(data, '$.status'))"


def _equals(field: str) -> str:
    return f"json_extract(data, '$.{field}') = ?"


@dataclasses.dataclass(frozen=True)
class Listed:
    """A kind of object that can be listed and fetched: the name of its id in errors, its filters as SQL conditions."""

    kind: str
    param: str
    filters: Mapping[str, tuple[Spec, str]]


_OF_CHARGE: dict[str, tuple[Spec, str]] = {
    "charge": (Text(), _equals("charge")),
    "payment_intent": (Text(), _equals("payment_intent")),
}
LISTED = {
    "accounts": Listed("account", "account", {}),
    "checkout/sessions": Listed(
        "checkout.session",
        "session",
        {
            "payment_intent": (Text(), _equals("payment_intent")),
            "status": (Choice(values=("complete", "expired", "open")), _equals("status")),
        },
    ),
    "payment_intents": Listed("payment_intent", "intent", {}),
    "charges": Listed("charge", "charge", {"payment_intent": (Text(), _equals("payment_intent"))}),
    "balance_transactions": Listed(
        "balance_transaction",
        "id",
        {
            "currency": (Text(longest=3), _equals("currency")),
            "payout": (Text(), _equals("_payout")),
            "source": (Text(), _equals("source")),
            "type": (Text(), _equals("type")),
        },
    ),
    "refunds": Listed("refund", "refund", _OF_CHARGE),
    "disputes": Listed("dispute", "dispute", _OF_CHARGE),
    "radar/early_fraud_warnings": Listed("radar.early_fraud_warning", "early_fraud_warning", _OF_CHARGE),
    "customers": Listed("customer", "customer", {"email": (Email(), _equals("email"))}),
    "products": Listed("product", "id", {}),
    "prices": Listed("price", "price", {"product": (Text(), _equals("product"))}),
    "payment_methods": Listed(
        "payment_method",
        "payment_method",
        {"customer": (Text(), _equals("customer")), "type": (Choice(values=("card",)), _equals("type"))},
    ),
    "subscriptions": Listed(
        "subscription",
        "id",
        {
            "customer": (Text(), _equals("customer")),
            "status": (Choice(values=SUBSCRIPTION_STATUSES), SUBSCRIPTION_STATUS),
        },
    ),
    "invoices": Listed(
        "invoice",
        "invoice",
        {
            "customer": (Text(), _equals("customer")),
            "status": (Choice(values=("draft", "open", "paid", "uncollectible", "void")), _equals("status")),
            "subscription": (Text(), _equals("parent.subscription_details.subscription")),
        },
    ),
    "invoice_payments": Listed(
        "invoice_payment",
        "invoice_payment",
        {
            "invoice": (Text(), _equals("invoice")),
            "payment": (PAYMENT_OF_INVOICE, _equals("payment.payment_intent")),
            "status": (Choice(values=("canceled", "open", "paid")), _equals("status")),
        },
    ),
    "billing_portal/configurations": Listed("billing_portal.configuration", "configuration", {}),
    "payouts": Listed(
        "payout",
        "payout",
        {
            "arrival_date": (Created(), "json_extract(data, '$.arrival_date')"),
            "destination": (Text(), _equals("destination")),
            "status": (Text(), _equals("status")),
        },
    ),
    "events": Listed(
        "event",
        "id",
        {
            "type": (Text(), "json_extract(data, '$.type') GLOB ?"),
            "types": (Items(of=Text(), most=20), "json_extract(data, '$.type') IN (SELECT value FROM json_each(?))"),
            "delivery_success": (
                Flag(),
                "(NOT EXISTS (SELECT 1 FROM delivery WHERE event = object.id AND state <> 'delivered')) = ?",
            ),
        },
    ),
}
# (kind, field) whose id can be replaced by what it names.
EXPANDABLE = {
    ("charge", "customer"),
    ("checkout.session", "customer"),
    ("checkout.session", "invoice"),
    ("checkout.session", "subscription"),
    ("customer", "invoice_settings.default_payment_method"),
    ("invoice", "customer"),
    ("invoice", "parent.subscription_details.subscription"),
    ("invoice_payment", "invoice"),
    ("invoice_payment", "payment.payment_intent"),
    ("payment_intent", "customer"),
    ("payment_intent", "payment_method"),
    ("subscription", "customer"),
    ("subscription", "default_payment_method"),
    ("subscription", "latest_invoice"),
    ("balance_transaction", "source"),
    ("charge", "balance_transaction"),
    ("charge", "payment_intent"),
    ("checkout.session", "payment_intent"),
    ("dispute", "charge"),
    ("dispute", "payment_intent"),
    ("payment_intent", "latest_charge"),
    ("payout", "balance_transaction"),
    ("payout", "failure_balance_transaction"),
    ("radar.early_fraud_warning", "charge"),
    ("radar.early_fraud_warning", "payment_intent"),
    ("refund", "balance_transaction"),
    ("refund", "charge"),
    ("refund", "failure_balance_transaction"),
    ("refund", "payment_intent"),
}


def payments() -> Payments:
    """The account of the trial."""
    found: Payments = current_app.extensions["payments"]
    return found


def faults() -> Faults:
    found: Faults = current_app.extensions["faults"]
    return found


def answer(body: Any, status: int = 200) -> Response:
    """JSON; without Stripe's indentation, for which Python has no fast encoder: a long list took four times as long."""
    text = body if isinstance(body, str) else json.dumps(body, ensure_ascii=False)
    return Response(text, status=status, mimetype="application/json")


@blueprint.before_request
def _check_caller() -> None:
    g.request_id = new_id("req_", 14)
    g.fault = faults().take(request.method, request.path)
    if g.fault is not None and g.fault.mode == "drop-before":
        _hang_up()
        raise ApiError("Nobody hears this, and nothing is done.", status=500, kind="api_error", on_purpose=True)
    _authenticate()
    version = request.headers.get("Stripe-Version", API_VERSION)
    if version != API_VERSION:
        raise ApiError(f"Invalid Stripe API version: {version}. The demo payment server is written for {API_VERSION}.")
    if (account := request.headers.get("Stripe-Account")) is not None:
        payments().store.act_as(accounts.admit(payments().store, account))
    if g.fault is not None and (g.fault.mode == "500" or (g.fault.mode in KEPT and request.method != "POST")):
        raise ApiError("An unknown error occurred", status=500, kind="api_error", on_purpose=True)
    if g.fault is not None and g.fault.mode == "429":
        raise ApiError(
            "Request rate limit exceeded. Learn more: https://stripe.com/docs/rate-limits",
            status=429,
            code="rate_limit",
            on_purpose=True,
        )
    if g.fault is not None and g.fault.mode == "400":
        raise ApiError("This is refused for good, on purpose.", on_purpose=True)
    if request.method == "GET":
        _wait()


def _authenticate() -> None:
    authorization = request.authorization
    key = ""
    if authorization is not None:
        key = authorization.token or authorization.username or ""
    if not key:
        raise ApiError(
            "You did not provide an API key. You need to provide your API key in the Authorization header, using Bearer"
            " auth (e.g. 'Authorization: Bearer YOUR_SECRET_KEY').",
            status=401,
        )
    if key.startswith(("sk_live", "rk_live")):
        raise ApiError("A live key was sent to the demo payment server, which takes none.", status=401)
    if not hmac.compare_digest(key.encode(), str(current_app.config["KEY"]).encode()):
        shown = f"{key[:7]}{'*' * 12}{key[-4:]}" if len(key) > 11 else "*" * len(key)
        raise ApiError(f"Invalid API Key provided: {shown}", status=401)


@blueprint.after_request
def _sign_answer(response: Response) -> Response:
    response.headers["Request-Id"] = g.request_id
    response.headers["Stripe-Version"] = API_VERSION
    if key := request.headers.get("Idempotency-Key"):
        response.headers["Idempotency-Key"] = key
    if g.fault is not None and g.fault.mode == "timeout":
        g.fault.cleared.wait(g.fault.seconds)
    if g.fault is not None and g.fault.mode in ("drop", "timeout"):
        _hang_up()
    return response


def _hang_up() -> None:
    """Close the caller's connection without an answer, as a network that fails does."""
    connection: socket.socket = request.environ["werkzeug.socket"]
    connection.shutdown(socket.SHUT_RDWR)


def refuse(error: ApiError) -> Response:
    """Answer with an error as Stripe does, and remember it: a test asks whether anything was refused."""
    if not error.on_purpose and request.path.startswith("/v1/"):
        body = error.body
        note = payments().store.note_refused
        note(request.method, request.path, error.status, body.get("code"), body.get("param"), body["message"])
    response = answer(error.as_json(), error.status)
    response.headers.update(error.headers)
    return response


blueprint.register_error_handler(ApiError, refuse)


def once(spec: Table, act: Callable[[Thing], Thing | ApiError]) -> Response:
    """Answer a POST. The same Idempotency-Key again gives the same answer; with another request it is refused.

    https://docs.stripe.com/api/idempotent_requests: what fails its checks, or meets itself, is not kept.
    """
    store, key = payments().store, request.headers.get("Idempotency-Key", "")
    pairs = sorted(request.form.items(multi=True))
    if len(key) > 255:
        raise ApiError("Idempotency keys must be at most 255 characters long.")
    if not key or RANDOM_KEY.fullmatch(key):
        store.note_refused(
            request.method, request.path, 0, UNKEYED, None, "a POST without an Idempotency-Key of its own"
        )
    if not key:
        params = spec.read(decode(pairs), "")
        _wait()
        with store.transaction():
            return _answer_to(act(params))
    meant = hashlib.sha256(json.dumps([request.path, pairs]).encode()).hexdigest()
    with store.transaction():
        kept = store.kept_answer(key)
        if kept is not None and kept.status is None:
            raise ApiError(
                "There is currently another in-progress request using this Idempotency-Key (that probably means you"
                f" submitted twice, and the other request is still going through): {key}",
                status=409,
                code="idempotency_key_in_use",
            )
        if kept is not None and kept.request != meant:
            raise ApiError(
                "Keys for idempotent requests can only be used with the same parameters they were first used with."
                f" Try using a key other than '{key}' if you meant to execute a different request.",
                kind="idempotency_error",
            )
        if kept is not None:
            replayed = answer(kept.body, kept.status or 200)
            replayed.headers.update({"Idempotent-Replayed": "true", "Original-Request": kept.request_id})
            if replayed.status_code >= 500:  # asked again, it would be this answer again
                replayed.headers.update(NO_USE)
            return replayed
        params = spec.read(decode(pairs), "")
        store.claim_answer(key, meant, g.request_id)
    try:
        _wait()
        if g.fault is not None and g.fault.mode == "500-kept":
            raise _broken()
        with store.transaction():
            made = _answer_to(act(params))
            if g.fault is not None and g.fault.mode == "500-done":
                made = refuse(_broken())
            store.keep_answer(key, made.status_code, made.get_data(as_text=True))
            return made
    except ApiError as error:
        if not error.kept:
            store.forget_answer(key)
            raise
        made = refuse(error)
        store.keep_answer(key, made.status_code, made.get_data(as_text=True))
        return made
    except BaseException:
        store.forget_answer(key)
        raise


def _broken() -> ApiError:
    message = "An unknown error occurred"
    return ApiError(message, status=500, kind="api_error", kept=True, on_purpose=True, headers=NO_USE)


def _answer_to(made: Thing | ApiError) -> Response:
    """What an act gives; an error that it gives instead of raising it is answered, and what happened stays."""
    return refuse(made) if isinstance(made, ApiError) else answer(made)


def _wait() -> None:
    if g.fault is not None and g.fault.mode == "delay":
        g.fault.cleared.wait(g.fault.seconds)


def cause() -> Cause:
    return Cause(g.request_id, request.headers.get("Idempotency-Key"))


def show(path: str, object_id: str) -> Response:
    params = ONLY_EXPAND.read(decode(request.args.items(multi=True)), "")
    payments().do_due()
    listed = LISTED[path]
    if listed.kind == "account":
        return answer(expanded(accounts.get(payments(), object_id), params.get("expand", [])))
    thing = payments().store.find(listed.kind, object_id)
    if thing is None:
        raise missing(listed.kind, object_id, listed.param)
    return answer(expanded(thing, params.get("expand", [])))


def index(path: str) -> Response:
    listed = LISTED[path]
    accepted = Table(of={**PAGING, **{name: spec for name, (spec, _condition) in listed.filters.items()}})
    params = accepted.read(decode(request.args.items(multi=True)), "")
    payments().do_due()
    if "type" in params and "types" in params:
        raise ApiError("You may not specify both `type` and `types`.", param="types")
    if listed.kind == "balance_transaction" and "payout" in params:
        _check_listable(params["payout"])
    if listed.kind == "subscription" and params.setdefault("status", "") == "":
        del params["status"]
        hidden: list[tuple[str, Any]] = [("json_extract(data, '$.status') <> ?", "canceled")]
    else:
        hidden = []
    conditions: list[tuple[str, Any]] = hidden + [
        (f"created {operator} ?", instant) for operator, instant in params.get("created", [])
    ]
    for name, (spec, condition) in listed.filters.items():
        if name not in params:
            continue
        value = params[name]
        if isinstance(spec, Created):
            conditions += [(f"{condition} {operator} ?", instant) for operator, instant in value]
        elif isinstance(value, dict):
            conditions.append((condition, value["payment_intent"]))
        else:
            conditions.append((condition, json.dumps(value) if isinstance(value, list) else value))
    paths = [inner.removeprefix("data.") for inner in params.get("expand", []) if inner.startswith("data.")]
    if len(paths) != len(params.get("expand", [])):
        raise ApiError("On a list, what is expanded begins with `data.`.", param="expand")
    page, has_more = _page(listed, params, conditions)
    data = [expanded(thing, paths) for thing in page]
    return answer({"object": "list", "data": data, "has_more": has_more, "url": f"/v1/{path}"})


def _check_listable(payout_id: str) -> None:
    """Stripe says what an automatic payout carries, and no other. Raises ApiError."""
    payout = payments().store.find("payout", payout_id)
    if payout is None:
        raise missing("payout", payout_id, "payout")
    if not payout["automatic"]:
        message = "Balance transaction history can only be filtered on automatic transfers, not manual."
        raise ApiError(message, param="payout")


def _page(listed: Listed, params: Thing, conditions: list[tuple[str, Any]]) -> tuple[list[Thing], bool]:
    """The page of what meets the conditions that `params` ask for, and whether more follows."""
    store, limit, backwards = payments().store, params.get("limit", 10), "ending_before" in params
    order = store.setting("ties", "newest")
    if order != "newest":
        return _page_by_second(listed, params, conditions, order)
    for name, operator in (("starting_after", "<"), ("ending_before", ">")):
        if name in params:
            position = store.position(listed.kind, params[name])
            if position is None:
                raise missing(listed.kind, params[name], name)
            conditions.append((f"seq {operator} ?", position))
    found = store.page(listed.kind, conditions, limit + 1, backwards=backwards)
    page = found[:limit]
    if backwards:
        page.reverse()
    return page, len(found) > limit


def _page_by_second(
    listed: Listed, params: Thing, conditions: list[tuple[str, Any]], order: str
) -> tuple[list[Thing], bool]:
    """The same, the newest second first, and within a second the oldest first or in any order."""
    found = payments().store.page(listed.kind, conditions, backwards=True)
    places = {thing["id"]: f"{place:09}" for place, thing in enumerate(found)}

    def key(thing: Thing) -> tuple[int, str]:
        by_chance = hashlib.sha256(thing["id"].encode()).hexdigest()
        return -thing["created"], by_chance if order == "any" else places.get(thing["id"], "")

    found.sort(key=key)
    limit, backwards = params.get("limit", 10), "ending_before" in params
    for name in ("starting_after", "ending_before"):
        if name in params:
            at = payments().store.find(listed.kind, params[name])
            if at is None:
                raise missing(listed.kind, params[name], name)
            found = [one for one in found if (key(one) > key(at) if name == "starting_after" else key(one) < key(at))]
    page = found[-limit:] if backwards else found[:limit]
    return page, len(found) > limit


def line_items(session: Thing) -> Thing:
    url = f"/v1/checkout/sessions/{session['id']}/line_items"
    return {"object": "list", "data": session["_line_items"], "has_more": False, "url": url}


def expanded(thing: Thing, paths: list[str]) -> Thing:
    """The object as the API shows it, with what `paths` name in place of their ids. Raises ApiError."""
    shown = payments().public(thing)
    deeper: dict[str, list[str]] = {}
    for path in paths:
        field, rest = _field_of(thing["object"], path)
        deeper.setdefault(field, [])
        if rest:
            deeper[field].append(rest)
    for field, inner_paths in deeper.items():
        lister = LISTS.get((thing["object"], field))
        if lister is not None:
            shown[field] = lister(thing)
            continue
        *way, name = field.split(".")
        place = shown
        for part in way:
            place[part] = dict(place[part])
            place = place[part]
        inner = payments().store.find_any(place.get(name))
        if inner is not None:
            place[name] = expanded(inner, inner_paths)
    return shown


def _field_of(kind: str, path: str) -> tuple[str, str]:
    """The field that can be expanded at the beginning of `path`, and the rest of it. Raises ApiError."""
    parts = path.split(".")
    for length in range(1, min(len(parts), 4) + 1):
        field = ".".join(parts[:length])
        if (kind, field) in EXPANDABLE or (kind, field) in LISTS:
            return field, ".".join(parts[length:])
    raise ApiError(f"This property cannot be expanded ({path}).", param="expand")


def _refunds_of(charge: Thing) -> Thing:
    found = payments().store.page("refund", [(_equals("charge"), charge["id"])], 10)
    data = [payments().public(refund) for refund in found]
    return {"object": "list", "data": data, "has_more": False, "url": f"/v1/charges/{charge['id']}/refunds"}


def _payments_of(invoice: Thing) -> Thing:
    found = payments().store.page("invoice_payment", [(_equals("invoice"), invoice["id"])], 10)
    data = [payments().public(payment) for payment in found]
    return {"object": "list", "data": data, "has_more": False, "url": "/v1/invoice_payments"}


def _subscriptions_of(customer: Thing) -> Thing:
    found = payments().store.page("subscription", [(_equals("customer"), customer["id"])], 10)
    data = [payments().public(one) for one in found if one["status"] != "canceled"]
    return {"object": "list", "data": data, "has_more": False, "url": f"/v1/customers/{customer['id']}/subscriptions"}


# (kind, field) of lists that are shown only when they are asked for.
LISTS: dict[tuple[str, str], Callable[[Thing], Thing]] = {
    ("charge", "refunds"): _refunds_of,
    ("checkout.session", "line_items"): line_items,
    ("customer", "subscriptions"): _subscriptions_of,
    ("invoice", "payments"): _payments_of,
}
