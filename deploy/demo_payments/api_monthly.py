"""Stripe's calls about what is given every month: customers, subscriptions, invoices, the billing portal."""

from __future__ import annotations

from flask import Response, request

from deploy.demo_payments import billing, invoices, portal
from deploy.demo_payments.errors import ApiError, missing
from deploy.demo_payments.params import decode
from deploy.demo_payments.specs import (
    CANCEL_SUBSCRIPTION,
    CREATE_CONFIGURATION,
    CREATE_CUSTOMER,
    CREATE_PORTAL,
    CREATE_PRODUCT,
    ONLY_EXPAND,
    RESUME_SUBSCRIPTION,
    UPDATE_CUSTOMER,
    UPDATE_SUBSCRIPTION,
)
from deploy.demo_payments.store import Thing
from deploy.demo_payments.wire import LISTED, answer, blueprint, cause, expanded, once, payments


def get(path: str, object_id: str) -> Thing:
    """The object of a list in wire.LISTED, after everything that is due has happened. Raises ApiError."""
    payments().do_due()
    found = payments().store.find(LISTED[path].kind, object_id)
    if found is None:
        raise missing(LISTED[path].kind, object_id, LISTED[path].param)
    return found


@blueprint.post("/customers")
def create_customer() -> Response:
    """Make a customer."""
    return once(CREATE_CUSTOMER, lambda params: payments().public(billing.create_customer(payments(), params, cause())))


@blueprint.post("/customers/<customer_id>")
def update_customer(customer_id: str) -> Response:
    """Change a customer."""

    def act(params: Thing) -> Thing:
        customer = get("customers", customer_id)
        return payments().public(billing.update_customer(payments(), customer, params, cause()))

    return once(UPDATE_CUSTOMER, act)


@blueprint.post("/products")
def create_product() -> Response:
    """Make a product."""
    return once(CREATE_PRODUCT, lambda params: payments().public(billing.make_product(payments(), params)))


@blueprint.post("/subscriptions/<subscription_id>")
def update_subscription(subscription_id: str) -> Response:
    """Change a subscription: its amount, whether it is collected, when it ends."""

    def act(params: Thing) -> Thing:
        subscription = get("subscriptions", subscription_id)
        return expanded(billing.update(payments(), subscription, params, cause()), params.get("expand", []))

    return once(UPDATE_SUBSCRIPTION, act)


@blueprint.post("/subscriptions/<subscription_id>/resume")
def resume_subscription(subscription_id: str) -> Response:
    """Let a subscription that stands still go on."""

    def act(params: Thing) -> Thing:
        subscription = get("subscriptions", subscription_id)
        return expanded(billing.resume(payments(), subscription, params, cause()), params.get("expand", []))

    return once(RESUME_SUBSCRIPTION, act)


@blueprint.delete("/subscriptions/<subscription_id>")
def cancel_subscription(subscription_id: str) -> Response:
    """End a subscription now."""
    params = CANCEL_SUBSCRIPTION.read(decode([*request.args.items(multi=True), *request.form.items(multi=True)]), "")
    with payments().store.transaction():
        subscription = get("subscriptions", subscription_id)
        return answer(expanded(billing.cancel(payments(), subscription, params, cause()), params.get("expand", [])))


@blueprint.post("/invoices/<invoice_id>/pay")
def pay_invoice(invoice_id: str) -> Response:
    """Charge the card for an open invoice now."""

    def act(params: Thing) -> Thing | ApiError:
        made = invoices.pay_now(payments(), get("invoices", invoice_id))
        return made if isinstance(made, ApiError) else expanded(made, params.get("expand", []))

    return once(ONLY_EXPAND, act)


@blueprint.post("/invoices/<invoice_id>/void")
def void_invoice(invoice_id: str) -> Response:
    """Ask for an invoice no more."""

    def act(params: Thing) -> Thing:
        return expanded(invoices.void(payments(), get("invoices", invoice_id), cause()), params.get("expand", []))

    return once(ONLY_EXPAND, act)


@blueprint.post("/billing_portal/configurations")
def create_configuration() -> Response:
    """Say what a portal offers."""
    return once(CREATE_CONFIGURATION, lambda params: payments().public(portal.configuration(payments(), params)))


@blueprint.post("/billing_portal/sessions")
def create_portal() -> Response:
    """Lead a customer to the page on which a card is changed."""
    return once(CREATE_PORTAL, lambda params: payments().public(portal.create(payments(), params)))
