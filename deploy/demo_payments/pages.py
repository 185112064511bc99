"""The hosted payment page and an overview of the trial's payments. Plain HTML that works without JavaScript."""

from __future__ import annotations

from urllib.parse import urlsplit

from flask import Blueprint, Response, abort, g, make_response, redirect, render_template, request, url_for
from werkzeug.wrappers import Response as AnyResponse

from deploy.demo_payments import accounts, currencies
from deploy.demo_payments.errors import ApiError
from deploy.demo_payments.payments import find_session
from deploy.demo_payments.store import PLATFORM, Thing
from deploy.demo_payments.wire import payments

blueprint = Blueprint("pages", __name__, template_folder="templates", static_folder="static", static_url_path="/static")
SHOWN = 50


def _session(session_id: str) -> Thing:
    try:
        return find_session(payments(), session_id)
    except ApiError:
        abort(404)


def page(template: str, status: int = 200, **values: object) -> Response:
    """A page of ours."""
    return make_response(render_template(template, written=currencies.written, **values), status)


def origin(url: str | None) -> str:
    """Scheme, host and port of an address; empty for none."""
    parts = urlsplit(url or "")
    return f"{parts.scheme}://{parts.netloc}" if parts.netloc else ""


@blueprint.before_request
def _act_as_owner() -> None:
    """A page is about one object, and acts as the account that it belongs to."""
    named = request.view_args or {}
    object_id = named.get("session_id") or named.get("object_id") or ""
    payments().store.act_as(payments().store.owner(object_id) or PLATFORM)


@blueprint.after_request
def _headers(response: Response) -> Response:
    # After Pay the browser is led back to the shop: a policy on forms counts for where they lead to.
    origins = " ".join(sorted({origin for origin in getattr(g, "return_origins", ()) if origin}))
    response.headers["Content-Security-Policy"] = (
        f"default-src 'none'; style-src 'self'; img-src data:; form-action 'self' {origins}".rstrip()
        + "; frame-ancestors 'none'; base-uri 'none'"
    )
    # Browsers send no Origin with a form under no-referrer, and the check of callers asks for it.
    response.headers["Referrer-Policy"] = "same-origin"
    response.headers["X-Content-Type-Options"] = "nosniff"
    if request.endpoint != "pages.static":
        response.headers["Cache-Control"] = "no-store"
    return response


def _show(session: Thing, status: int = 200, **values: object) -> Response:
    g.return_origins = (origin(session["success_url"]), origin(session["cancel_url"]))
    return page(
        "pay.html",
        status,
        session=session,
        waits=payments().waits_for_bank(session),
        intent=payments().store.find("payment_intent", session["payment_intent"]),
        back=_return_url(session),
        **values,
    )


def _return_url(session: Thing) -> str:
    return str(session["success_url"]).replace("{CHECKOUT_SESSION_ID}", session["id"])


@blueprint.get("/c/pay/<session_id>")
def pay_page(session_id: str) -> Response:
    """What is asked for, and the ways to answer; what became of it, once it is over."""
    return _show(_session(session_id))


@blueprint.post("/c/pay/<session_id>")
def act(session_id: str) -> AnyResponse:
    """The payer's buttons."""
    button = request.form.get("act", "")
    with payments().store.transaction():
        session = _session(session_id)
        if session["status"] != "open":
            return _show(session, 409)
        if button == "pay":
            payments().pay(session)
        elif button == "pay_later":
            payments().pay_later(session)
        elif button == "decline":
            payments().decline(session)
            return _show(session, 402, declined=True)
        else:
            abort(400)
    return redirect(_return_url(session), 303)


@blueprint.post("/c/pay/<session_id>/bank")
def bank(session_id: str) -> AnyResponse:
    """What the bank says about a payment it was to confirm later."""
    button = request.form.get("act", "")
    with payments().store.transaction():
        session = _session(session_id)
        if not payments().waits_for_bank(session):
            return _show(session, 409)
        if button == "confirm":
            payments().bank_confirms(session)
        elif button == "refuse":
            payments().bank_refuses(session)
        else:
            abort(400)
    return redirect(url_for("pages.pay_page", session_id=session_id), 303)


def account_of(account_id: str) -> Thing:
    """The account with that id, one that has left the platform included."""
    if account_id == accounts.PLATFORM_ID:
        return accounts.platform(payments())
    found = payments().store.find("account", account_id)
    if found is None:
        abort(404)
    return found


def name_of(account: Thing) -> str:
    """What people call an account: its own name, or what the latest payment to it is for."""
    own = account["business_profile"]["name"] or account["email"]
    if own:
        return str(own)
    with payments().store.acting_as(account["id"]):
        latest = payments().store.page("checkout.session", (), 1)
    return str(latest[0]["_line_items"][0]["description"] if latest else account["id"])


def _link(link_id: str) -> Thing:
    found = payments().store.find("account_link", link_id)
    if found is None:
        abort(404)
    g.return_origins = (origin(found["_return_url"]), origin(found["_refresh_url"]))
    return found


@blueprint.get("/setup/<link_id>")
def setup(link_id: str) -> AnyResponse:
    """Where an account is set up; a link that is spent leads back for another."""
    found = _link(link_id)
    if accounts.is_spent(payments(), found):
        return redirect(found["_refresh_url"], 303)
    return page("setup.html", link=link_id, name=name_of(account_of(found["_account"])))


@blueprint.post("/setup/<link_id>")
def set_up(link_id: str) -> AnyResponse:
    """How the setting up ended."""
    button = request.form.get("act", "")
    with payments().store.transaction():
        found = _link(link_id)
        if accounts.is_spent(payments(), found):
            return redirect(found["_refresh_url"], 303)
        if button not in ("ready", "due", "restrict", "leave"):
            abort(400)
        if button != "leave":
            accounts.act(payments(), account_of(found["_account"]), button)
        payments().store.save(found | {"_used": True})
    return redirect(found["_return_url"], 303)


@blueprint.get("/")
def overview() -> Response:
    """The latest payments and what was sent about them."""
    payments().do_due()
    store = payments().store
    found, waiting, names = store.latest("checkout.session", SHOWN), set(), {PLATFORM: ""}
    accounts_made = [account for _owner, account in store.latest("account", SHOWN)]
    for owner, session in found:
        if owner not in names:
            names[owner] = name_of(account_of(owner))
        with store.acting_as(owner):
            if payments().waits_for_bank(session):
                waiting.add(session["id"])
    return page(
        "overview.html",
        sessions=[(names[owner], session) for owner, session in found],
        waiting=waiting,
        accounts=[(name_of(account), account) for account in [accounts.platform(payments()), *accounts_made]],
        deliveries=store.deliveries(limit=SHOWN),
    )


@blueprint.app_errorhandler(404)
def not_found(_error: Exception) -> Response:
    """An address that nothing has."""
    return page("message.html", 404, title="Nothing here", text="No payment has this address.")


@blueprint.app_errorhandler(400)
def bad_request(_error: Exception) -> Response:
    """A form that no page of ours sent."""
    return page("message.html", 400, title="That did not work", text="Go back to the payment and choose a button.")
