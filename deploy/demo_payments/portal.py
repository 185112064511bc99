"""The page on which customers change their card, and what such pages offer.

https://docs.stripe.com/api/customer_portal. Every function runs inside one transaction of the store.
"""

from __future__ import annotations

from deploy.demo_payments.errors import missing
from deploy.demo_payments.payments import Payments
from deploy.demo_payments.store import Thing, new_id

SECONDS = 24 * 60 * 60
FEATURES = ("customer_update", "invoice_history", "payment_method_update", "subscription_cancel", "subscription_update")


def configuration(payments: Payments, asked: Thing) -> Thing:
    """What a portal offers."""
    now = payments.store.now()
    features = asked["features"]
    shown = {name: {"enabled": False} | features.get(name, {}) for name in FEATURES}
    return payments.store.add(
        {
            "id": new_id("bpc_1"),
            "object": "billing_portal.configuration",
            "active": True,
            "application": payments.application,
            "business_profile": dict.fromkeys(("headline", "privacy_policy_url", "terms_of_service_url"))
            | asked.get("business_profile", {}),
            "created": now,
            "default_return_url": asked.get("default_return_url"),
            "features": shown,
            "is_default": False,
            "livemode": False,
            "login_page": {"enabled": False, "url": None},
            "metadata": asked.get("metadata", {}),
            "name": asked.get("name"),
            "updated": now,
        }
    )


def create(payments: Payments, asked: Thing) -> Thing:
    """A page of a customer, good for a day. Raises ApiError."""
    store = payments.store
    customer = store.find("customer", asked["customer"])
    if customer is None:
        raise missing("customer", asked["customer"], "customer")
    chosen = asked.get("configuration")
    if chosen is not None and store.find("billing_portal.configuration", chosen) is None:
        raise missing("configuration", chosen, "configuration")
    flow, subscription = asked.get("flow_data"), None
    if flow is not None and flow["type"] == "subscription_cancel":
        subscription = flow.get("subscription_cancel", {}).get("subscription")
        if store.find("subscription", subscription) is None:
            raise missing("subscription", str(subscription), "flow_data[subscription_cancel][subscription]")
    after_it = (flow or {}).get("after_completion", {})
    session_id = new_id("bps_1")
    shown = flow and {
        "after_completion": {
            "hosted_confirmation": after_it.get("hosted_confirmation"),
            "redirect": after_it.get("redirect"),
            "type": after_it.get("type", "portal_homepage"),
        },
        "subscription_cancel": flow.get("subscription_cancel"),
        "subscription_update": None,
        "subscription_update_confirm": None,
        "type": flow["type"],
    }
    return store.add(
        {
            "id": session_id,
            "object": "billing_portal.session",
            "configuration": chosen or "bpc_1DemoDefault",
            "created": store.now(),
            "customer": customer["id"],
            "customer_account": None,
            "flow": shown,
            "livemode": False,
            "locale": asked.get("locale"),
            "on_behalf_of": None,
            "return_url": asked.get("return_url"),
            "url": f"{payments.base_url}/portal/{session_id}",
        }
    )


def use_card(payments: Payments, customer: Thing, method: Thing) -> None:
    """What the customer gives every month is charged to that card from now on."""
    of_customer = [("json_extract(data, '$.customer') = ?", customer["id"])]
    for subscription in payments.store.page("subscription", of_customer):
        if subscription["status"] != "canceled":
            before = {"default_payment_method": subscription["default_payment_method"]}
            subscription["default_payment_method"] = method["id"]
            payments.emit("customer.subscription.updated", payments.store.save(subscription), previous=before)
