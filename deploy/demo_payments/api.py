"""Stripe's calls under /v1. Every parameter that is accepted stands in specs.py; every list in wire.LISTED."""

from __future__ import annotations

from flask import Response, current_app, request

from deploy.demo_payments import accounts, books, disputes, endpoints, refunds
from deploy.demo_payments.errors import ApiError, missing
from deploy.demo_payments.params import Table, decode
from deploy.demo_payments.payments import find_session
from deploy.demo_payments.specs import (
    ACCOUNT_LINK,
    CREATE_ACCOUNT,
    CREATE_REFUND,
    CREATE_SESSION,
    EXPAND,
    ONLY_EXPAND,
    PAGING,
    UPDATE_ACCOUNT,
    UPDATE_DISPUTE,
    WITH_METADATA,
)
from deploy.demo_payments.store import Thing
from deploy.demo_payments.wire import (
    LISTED,
    answer,
    blueprint,
    cause,
    expanded,
    index,
    line_items,
    once,
    payments,
    show,
)


@blueprint.post("/checkout/sessions")
def create_session() -> Response:
    """Make a Checkout Session."""

    def act(params: Thing) -> Thing:
        if params["mode"] == "setup" or params.get("ui_mode", "hosted_page") != "hosted_page":
            raise ApiError("The demo payment server offers payments on its hosted page only.", param="mode")
        if not params["line_items"]:
            raise ApiError("Missing required param: line_items.", code="parameter_missing", param="line_items")
        return expanded(payments().create_session(params), params.get("expand", []))

    return once(CREATE_SESSION, act)


@blueprint.post("/checkout/sessions/<session_id>/expire")
def expire_session(session_id: str) -> Response:
    """Close an open Checkout Session."""

    def act(params: Thing) -> Thing:
        session = find_session(payments(), session_id)
        return expanded(payments().expire(session, cause()), params.get("expand", []))

    return once(ONLY_EXPAND, act)


@blueprint.get("/checkout/sessions/<session_id>/line_items")
def list_line_items(session_id: str) -> Response:
    """What a session asks money for."""
    Table(of={"limit": PAGING["limit"], "expand": EXPAND}).read(decode(request.args.items(multi=True)), "")
    return answer(line_items(find_session(payments(), session_id)))


@blueprint.post("/accounts")
def create_account() -> Response:
    """Make a connected account."""
    return once(CREATE_ACCOUNT, lambda params: payments().public(accounts.create(payments(), params)))


@blueprint.post("/accounts/<account_id>")
def update_account(account_id: str) -> Response:
    """Change what the platform may change of an account."""

    def act(params: Thing) -> Thing:
        account = accounts.get(payments(), account_id)
        return payments().public(accounts.update(payments(), account, params, cause()))

    return once(UPDATE_ACCOUNT, act)


@blueprint.get("/account")
def show_own_account() -> Response:
    """The account that the request acts as."""
    return show("accounts", payments().store.account or accounts.PLATFORM_ID)


@blueprint.post("/accounts/<account_id>/login_links")
def create_login_link(account_id: str) -> Response:
    """Lead somebody into the Express Dashboard."""
    return once(ONLY_EXPAND, lambda _params: accounts.login_link(payments(), accounts.get(payments(), account_id)))


@blueprint.post("/account_links")
def create_account_link() -> Response:
    """Lead somebody to the page on which an account is set up."""
    return once(ACCOUNT_LINK, lambda params: payments().public(accounts.link(payments(), params)))


@blueprint.get("/webhook_endpoints")
def list_webhook_endpoints() -> Response:
    """Where events are sent: what the server was started with, and what was made here."""
    Table(of=PAGING).read(decode(request.args.items(multi=True)), "")
    data = endpoints.list_all(payments(), current_app.config["ENDPOINTS"])
    return answer({"object": "list", "data": data, "has_more": False, "url": "/v1/webhook_endpoints"})


@blueprint.post("/webhook_endpoints")
def create_webhook_endpoint() -> Response:
    """Make one more address that events are sent to."""
    return once(endpoints.CREATE_ENDPOINT, lambda params: endpoints.create(payments(), params))


@blueprint.post("/webhook_endpoints/<endpoint_id>")
def update_webhook_endpoint(endpoint_id: str) -> Response:
    """Change one that was made, or switch it off."""
    return once(endpoints.UPDATE_ENDPOINT, lambda params: endpoints.update(payments(), endpoint_id, params))


@blueprint.get("/webhook_endpoints/<endpoint_id>")
def show_webhook_endpoint(endpoint_id: str) -> Response:
    """One that was made."""
    ONLY_EXPAND.read(decode(request.args.items(multi=True)), "")
    return answer(payments().public(endpoints.get(payments(), endpoint_id)))


@blueprint.delete("/webhook_endpoints/<endpoint_id>")
def delete_webhook_endpoint(endpoint_id: str) -> Response:
    """Forget one that was made."""
    with payments().store.transaction():
        return answer(endpoints.delete(payments(), endpoint_id))


# Money that goes back.
@blueprint.post("/refunds")
def create_refund() -> Response:
    """Give a charge back, all of it or a part."""

    def act(params: Thing) -> Thing:
        return expanded(refunds.create(payments(), params, cause()), params.get("expand", []))

    return once(CREATE_REFUND, act)


def _get(kind: str, object_id: str, param: str) -> Thing:
    """The object of that kind. Raises ApiError."""
    payments().do_due()
    found = payments().store.find(kind, object_id)
    if found is None:
        raise missing(kind, object_id, param)
    return found


@blueprint.post("/refunds/<refund_id>")
def update_refund(refund_id: str) -> Response:
    """Change what the platform notes on a refund."""

    def act(params: Thing) -> Thing:
        refund = _get("refund", refund_id, "refund")
        refund["metadata"] = {**refund["metadata"], **params.get("metadata", {})}
        payments().emit("refund.updated", payments().store.save(refund), cause())
        return expanded(refund, params.get("expand", []))

    return once(WITH_METADATA, act)


@blueprint.post("/disputes/<dispute_id>")
def update_dispute(dispute_id: str) -> Response:
    """Keep or hand in evidence."""

    def act(params: Thing) -> Thing:
        dispute = _get("dispute", dispute_id, "dispute")
        return expanded(disputes.update(payments(), dispute, params, cause()), params.get("expand", []))

    return once(UPDATE_DISPUTE, act)


@blueprint.post("/disputes/<dispute_id>/close")
def close_dispute(dispute_id: str) -> Response:
    """Accept a dispute."""

    def act(params: Thing) -> Thing:
        dispute = _get("dispute", dispute_id, "dispute")
        return expanded(disputes.close(payments(), dispute, cause()), params.get("expand", []))

    return once(ONLY_EXPAND, act)


@blueprint.get("/balance")
def show_balance() -> Response:
    """What the account has."""
    ONLY_EXPAND.read(decode(request.args.items(multi=True)), "")
    payments().do_due()
    return answer(books.balance(payments()))


def _route(path: str) -> None:
    def show_one(object_id: str) -> Response:
        return show(path, object_id)

    def list_all() -> Response:
        return index(path)

    name = path.replace("/", "_")
    blueprint.add_url_rule(f"/{path}/<object_id>", f"show_{name}", show_one)
    blueprint.add_url_rule(f"/{path}", f"list_{name}", list_all)


for _path in LISTED:
    _route(_path)


@blueprint.route("/", defaults={"rest": ""}, methods=["GET", "POST", "DELETE"])
@blueprint.route("/<path:rest>", methods=["GET", "POST", "DELETE"])
def unknown(rest: str) -> Response:  # noqa: ARG001  # Flask passes what the rule names
    """Whatever the demo payment server does not offer."""
    message = f"Unrecognized request URL ({request.method}: {request.path}). The demo payment server does not offer it."
    raise ApiError(message, status=404)
