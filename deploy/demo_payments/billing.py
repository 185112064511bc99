"""What is given every month: customers and their cards, prices, subscriptions.

https://docs.stripe.com/api/subscriptions and https://docs.stripe.com/billing/subscriptions/overview as of
errors.API_VERSION. Every function runs inside one transaction of the store.
"""

from __future__ import annotations

import calendar
import datetime as dt

from deploy.demo_payments import invoices
from deploy.demo_payments.errors import ApiError, missing
from deploy.demo_payments.payments import NOBODY, Cause, Payments
from deploy.demo_payments.store import Thing, new_id

OVER = ("canceled", "incomplete_expired")


# Customers and their cards.
def create_customer(payments: Payments, asked: Thing, cause: Cause = NOBODY) -> Thing:
    """A new customer of the account."""
    nothing = (
        "address", "business_name", "currency", "customer_account", "default_source", "description", "discount",
        "individual_name", "name", "phone", "shipping", "test_clock",
    )  # fmt: skip
    given: Thing = {
        name: asked[name] for name in ("description", "email", "name", "phone", "preferred_locales") if name in asked
    }
    customer: Thing = {
        "id": new_id("cus_", 14),
        "object": "customer",
        **dict.fromkeys(nothing),
        "balance": 0,
        "created": payments.store.now(),
        "delinquent": False,
        "email": None,
        "invoice_prefix": new_id("", 8).upper(),
        "invoice_settings": dict.fromkeys(("custom_fields", "default_payment_method", "footer", "rendering_options")),
        "livemode": False,
        "metadata": asked.get("metadata", {}),
        "next_invoice_sequence": 1,
        "preferred_locales": [],
        "tax_exempt": "none",
        **given,
        "_card_works": True,
    }
    payments.emit("customer.created", payments.store.add(customer), cause)
    return customer


def update_customer(payments: Payments, customer: Thing, asked: Thing, cause: Cause) -> Thing:
    """Change what the platform keeps of a customer. Raises ApiError."""
    before = dict(customer)
    for name in ("description", "email", "name", "phone", "preferred_locales"):
        if name in asked:
            customer[name] = asked[name]
    if "metadata" in asked:
        customer["metadata"] = {**customer["metadata"], **asked["metadata"]} if asked["metadata"] else {}
    method = asked.get("invoice_settings", {}).get("default_payment_method")
    if method is not None:
        found = payments.store.find("payment_method", method)
        if found is None or found["customer"] != customer["id"]:
            raise missing("PaymentMethod", method, "invoice_settings[default_payment_method]")
        customer["invoice_settings"] = customer["invoice_settings"] | {"default_payment_method": method}
    previous = {name: before[name] for name in customer if before[name] != customer[name]}
    payments.emit("customer.updated", payments.store.save(customer), cause, previous)
    return customer


def new_card(payments: Payments, customer: Thing, *, works: bool = True) -> Thing:
    """The customer enters another card, which is charged from now on."""
    last4, now = ("4242" if works else "0341"), payments.store.now()
    nothing = dict.fromkeys(("address", "name", "phone", "tax_id"))
    checks = {"address_line1_check": None, "address_postal_code_check": None, "cvc_check": "pass"}
    method: Thing = {
        "id": new_id("pm_1"),
        "object": "payment_method",
        "allow_redisplay": "limited",
        "billing_details": {**nothing, "email": customer["email"]},
        "card": {
            "brand": "visa", "checks": checks, "country": "US", "display_brand": "visa", "exp_month": 12,
            "exp_year": 2034, "fingerprint": new_id("", 16), "funding": "credit", "generated_from": None,
            "last4": last4, "networks": {"available": ["visa"], "preferred": None}, "regulated_status": "unregulated",
            "three_d_secure_usage": {"supported": True}, "wallet": None,
        },
        "created": now,
        "customer": customer["id"],
        "customer_account": None,
        "livemode": False,
        "metadata": {},
        "type": "card",
    }  # fmt: skip
    payments.emit("payment_method.attached", payments.store.add(method))
    return _charged_from_now_on(payments, customer, method, works=works)


def new_bank_account(payments: Payments, customer: Thing) -> Thing:
    """The customer gives a bank account, which is debited from now on; whether that works the bank says days later."""
    nothing = dict.fromkeys(("address", "name", "phone", "tax_id"))
    method: Thing = {
        "id": new_id("pm_1"),
        "object": "payment_method",
        "allow_redisplay": "limited",
        "billing_details": {**nothing, "email": customer["email"]},
        "created": payments.store.now(),
        "customer": customer["id"],
        "customer_account": None,
        "livemode": False,
        "metadata": {},
        "type": "us_bank_account",
        "us_bank_account": {
            "account_holder_type": "individual", "account_type": "checking", "bank_name": "Demonstration Bank",
            "financial_connections_account": None, "fingerprint": new_id("", 16), "last4": "6789",
            "networks": {"preferred": "ach", "supported": ["ach"]}, "routing_number": "110000000", "status_details": None,
        },
    }  # fmt: skip
    payments.emit("payment_method.attached", payments.store.add(method))
    return _charged_from_now_on(payments, customer, method, works=True)


def _charged_from_now_on(payments: Payments, customer: Thing, method: Thing, *, works: bool) -> Thing:
    settings = customer["invoice_settings"]
    customer |= {"_card_works": works, "invoice_settings": settings | {"default_payment_method": method["id"]}}
    payments.emit("customer.updated", payments.store.save(customer), previous={"invoice_settings": settings})
    return method


# Prices.
def make_product(payments: Payments, asked: Thing) -> Thing:
    """A new product."""
    now, nothing = payments.store.now(), ("default_price", "package_dimensions", "shippable", "statement_descriptor")
    return payments.store.add(
        {
            "id": new_id("prod_", 14),
            "object": "product",
            **dict.fromkeys((*nothing, "tax_code", "unit_label", "url")),
            "active": True,
            "created": now,
            "description": asked.get("description"),
            "images": [],
            "livemode": False,
            "marketing_features": [],
            "metadata": asked.get("metadata", {}),
            "name": asked["name"],
            "type": "service",
            "updated": now,
        }
    )


def make_price(payments: Payments, asked: Thing) -> Thing:
    """A new recurring price from inline price_data. Raises ApiError when its product is not known."""
    if "product" in asked:
        product = payments.store.find("product", asked["product"])
        if product is None:
            raise missing("product", asked["product"], "items[0][price_data][product]")
    else:
        product = make_product(payments, asked["product_data"])
    recurring = asked["recurring"]
    return payments.store.add(
        {
            "id": new_id("price_1"),
            "object": "price",
            "active": False,
            "billing_scheme": "per_unit",
            "created": payments.store.now(),
            "currency": asked["currency"].lower(),
            "custom_unit_amount": None,
            "livemode": False,
            "lookup_key": None,
            "metadata": {},
            "nickname": None,
            "product": product["id"],
            "recurring": {
                "interval": recurring["interval"],
                "interval_count": recurring.get("interval_count", 1),
                "meter": None,
                "trial_period_days": None,
                "usage_type": "licensed",
            },
            "tax_behavior": "unspecified",
            "tiers_mode": None,
            "transform_quantity": None,
            "type": "recurring",
            "unit_amount": asked["unit_amount"],
            "unit_amount_decimal": str(asked["unit_amount"]),
        }
    )


def after(instant: int, recurring: Thing, anchor: int) -> int:
    """One interval later; months end on the day of `anchor`, or on their last."""
    count, interval = int(recurring["interval_count"]), recurring["interval"]
    if interval in ("day", "week"):
        days = count * (7 if interval == "week" else 1)
        return instant + days * invoices.DAY
    begun, first = dt.datetime.fromtimestamp(instant, dt.UTC), dt.datetime.fromtimestamp(anchor, dt.UTC)
    months = begun.year * 12 + begun.month - 1 + count * (12 if interval == "year" else 1)
    year, month = divmod(months, 12)
    day = min(first.day, calendar.monthrange(year, month + 1)[1])
    return int(begun.replace(year=year, month=month + 1, day=day).timestamp())


# Subscriptions.
def _item(payments: Payments, subscription_id: str, price: Thing, quantity: int, start: int, end: int) -> Thing:
    plan = {
        "id": price["id"], "object": "plan", "active": False, "amount": price["unit_amount"],
        "amount_decimal": str(price["unit_amount"]), "billing_scheme": "per_unit", "created": price["created"],
        "currency": price["currency"], "interval": price["recurring"]["interval"],
        "interval_count": price["recurring"]["interval_count"], "livemode": False, "metadata": {}, "meter": None,
        "nickname": None, "product": price["product"], "tiers_mode": None, "transform_usage": None,
        "trial_period_days": None, "usage_type": "licensed",
    }  # fmt: skip
    return {
        "id": new_id("si_", 14),
        "object": "subscription_item",
        "billing_thresholds": None,
        "created": payments.store.now(),
        "current_period_end": end,
        "current_period_start": start,
        "discounts": [],
        "metadata": {},
        "plan": plan,
        "price": price,
        "quantity": quantity,
        "subscription": subscription_id,
        "tax_rates": [],
    }


def begin(payments: Payments, session: Thing, by: str = "card") -> None:
    """The payer confirms: customer, card or bank account, subscription and its first invoice, which is paid, or ordered from the
    bank; noted on the session."""
    customer = payments.store.find("customer", session["customer"])
    if customer is None:
        customer = create_customer(payments, {"email": session["customer_email"]})
    method = new_card(payments, customer) if by == "card" else new_bank_account(payments, customer)
    asked, now = session["_subscription_data"], payments.store.now()
    prices = [(make_price(payments, given), given["quantity"]) for given in session["_prices"]]
    subscription_id, recurring = new_id("sub_1"), prices[0][0]["recurring"]
    end = after(now, recurring, now)
    items = [_item(payments, subscription_id, price, quantity, now, end) for price, quantity in prices]
    nothing = (
        "application_fee_percent", "billing_cycle_anchor_config", "billing_thresholds", "cancel_at", "canceled_at",
        "customer_account", "days_until_due", "default_source", "ended_at", "latest_invoice",
        "next_pending_invoice_item_invoice", "on_behalf_of", "pause_collection", "pending_invoice_item_interval",
        "pending_setup_intent", "pending_update", "schedule", "status_details", "test_clock", "transfer_data", "trial_end",
        "trial_start",
    )  # fmt: skip
    subscription: Thing = {
        "id": subscription_id,
        "object": "subscription",
        **dict.fromkeys(nothing),
        "application": payments.application,
        "automatic_tax": {"disabled_reason": None, "enabled": False, "liability": None},
        "billing_cycle_anchor": now,
        "billing_mode": {"type": asked.get("billing_mode", {}).get("type", "flexible")},
        "cancel_at_period_end": False,
        "cancellation_details": dict.fromkeys(("comment", "feedback", "reason")),
        "collection_method": "charge_automatically",
        "created": now,
        "currency": session["currency"],
        "customer": customer["id"],
        "default_payment_method": method["id"],
        "default_tax_rates": [],
        "description": asked.get("description"),
        "discounts": [],
        "invoice_settings": {"account_tax_ids": None, "issuer": {"type": "self"}},
        "items": {
            "object": "list",
            "data": items,
            "has_more": False,
            "total_count": len(items),
            "url": f"/v1/subscription_items?subscription={subscription_id}",
        },
        "livemode": False,
        "metadata": asked.get("metadata", {}),
        "payment_settings": {
            "payment_method_options": None, "payment_method_types": None, "save_default_payment_method": "off",
        },
        "start_date": now,
        "status": "active" if by == "card" else payments.store.setting("bank_begins", "incomplete"),
        "trial_settings": {"end_behavior": {"missing_payment_method": "create_invoice"}},
        "_prorations": [],
    }  # fmt: skip
    payments.emit("customer.subscription.created", payments.store.add(subscription))
    invoice = invoices.draft(payments, subscription, _lines(subscription, []), "subscription_create", now)
    subscription["latest_invoice"] = invoice["id"]
    payments.store.save(subscription)
    invoices.finalize(payments, invoice, now)
    payments.store.plan("renew", subscription_id, end)
    session |= {"customer": customer["id"], "invoice": invoice["id"], "subscription": subscription_id}


def _lines(subscription: Thing, prorations: list[Thing]) -> list[Thing]:
    made = [
        _line(
            subscription,
            item,
            item["price"]["unit_amount"] * item["quantity"],
            f"{item['quantity']} × gift",
            proration=False,
        )
        for item in subscription["items"]["data"]
    ]
    return [*prorations, *made]


def _line(subscription: Thing, item: Thing, amount: int, words: str, *, proration: bool) -> Thing:
    details = {
        "invoice_item": None,
        "proration": proration,
        "proration_details": {"credited_items": None},
        "subscription": subscription["id"],
        "subscription_item": item["id"],
    }
    price = item["price"]
    return {
        "id": new_id("il_1"),
        "object": "line_item",
        "amount": amount,
        "currency": subscription["currency"],
        "description": words,
        "discount_amounts": [],
        "discountable": not proration,
        "discounts": [],
        "livemode": False,
        "metadata": subscription["metadata"],
        "parent": {
            "invoice_item_details": None, "subscription_item_details": details, "type": "subscription_item_details",
        },
        "period": {"end": item["current_period_end"], "start": item["current_period_start"]},
        "pretax_credit_amounts": [],
        "pricing": {
            "price_details": {"price": price["id"], "product": price["product"]},
            "type": "price_details",
            "unit_amount_decimal": price["unit_amount_decimal"],
        },
        "quantity": item["quantity"],
        "subtotal": amount,
        "taxes": [],
    }  # fmt: skip


def renew(payments: Payments, subscription: Thing, at: int) -> Thing | None:
    """A period ends at `at`: the subscription ends, or its next invoice is drafted (which is finalized an hour later)."""
    if subscription["status"] in (*OVER, "incomplete", "paused"):
        return None
    if subscription["cancel_at_period_end"] or (subscription["cancel_at"] or at + 1) <= at:
        end(payments, subscription, "cancellation_requested")
        return None
    before = {"items": subscription["items"], "latest_invoice": subscription["latest_invoice"]}
    items, anchor = subscription["items"]["data"], subscription["billing_cycle_anchor"]
    ends = after(at, items[0]["price"]["recurring"], anchor)
    moved = [item | {"current_period_start": at, "current_period_end": ends} for item in items]
    subscription["items"] = subscription["items"] | {"data": moved}
    lines = _lines(subscription, subscription["_prorations"])
    invoice = invoices.draft(payments, subscription, lines, "subscription_cycle", at)
    subscription |= {"latest_invoice": invoice["id"], "_prorations": []}
    payments.emit("customer.subscription.updated", payments.store.save(subscription), previous=before)
    payments.store.plan("finalize", invoice["id"], at + invoices.HOUR)
    payments.store.plan("renew", subscription["id"], ends)
    return invoice


def renew_now(payments: Payments, subscription: Thing) -> Thing | None:
    """Let the next period begin whatever the clock says, and its invoice be collected at once; None when it ends instead."""
    at = subscription["items"]["data"][0]["current_period_end"]
    payments.store.unplan("renew", subscription["id"])
    invoice = renew(payments, subscription, at)
    if invoice is not None:
        invoices.finalize(payments, invoice, at)
    return invoice


def set_status(payments: Payments, subscription: Thing, status: str) -> None:
    """Active again, or past due; told when it changes."""
    before = subscription["status"]
    if before not in (status, *OVER):
        subscription["status"] = status
        previous = {"status": before}
        payments.emit("customer.subscription.updated", payments.store.save(subscription), previous=previous)


def update(payments: Payments, subscription: Thing, asked: Thing, cause: Cause) -> Thing:
    """Change a subscription. Raises ApiError."""
    free = {"metadata", "cancellation_details", "expand"}
    if subscription["status"] in OVER and set(asked) - free:
        raise ApiError("A canceled subscription can only update its cancellation_details and metadata.", kept=True)
    before = dict(subscription)
    if "items" in asked:
        _update_items(payments, subscription, asked)
    for name in ("cancel_at", "cancel_at_period_end", "description"):
        if name in asked:
            subscription[name] = asked[name]
    if "cancel_at_period_end" in asked or "cancel_at" in asked:
        at = subscription["items"]["data"][0]["current_period_end"] if subscription["cancel_at_period_end"] else None
        subscription["cancel_at"] = asked.get("cancel_at") or at
        subscription["canceled_at"] = payments.store.now() if subscription["cancel_at"] else None
        reason = "cancellation_requested" if subscription["cancel_at"] else None
        subscription["cancellation_details"] = subscription["cancellation_details"] | {"reason": reason}
        if asked.get("cancel_at"):
            payments.store.plan("renew", subscription["id"], min(asked["cancel_at"], _period_end(subscription)))
    if "metadata" in asked:
        subscription["metadata"] = {**subscription["metadata"], **asked["metadata"]} if asked["metadata"] else {}
    if "cancellation_details" in asked:
        subscription["cancellation_details"] = subscription["cancellation_details"] | asked["cancellation_details"]
    if "pause_collection" in asked:
        _pause(payments, subscription, asked["pause_collection"])
    if "default_payment_method" in asked:
        method = payments.store.find("payment_method", asked["default_payment_method"])
        if method is None or method["customer"] != subscription["customer"]:
            raise missing("PaymentMethod", asked["default_payment_method"], "default_payment_method")
        subscription["default_payment_method"] = method["id"]
    previous = {
        name: before[name] for name in before if not name.startswith("_") and before[name] != subscription[name]
    }
    payments.store.save(subscription)
    if previous:
        payments.emit("customer.subscription.updated", subscription, cause, previous)
    return subscription


def _period_end(subscription: Thing) -> int:
    return int(subscription["items"]["data"][0]["current_period_end"])


def _update_items(payments: Payments, subscription: Thing, asked: Thing) -> None:
    behavior = asked.get("proration_behavior", "create_prorations")
    if behavior == "always_invoice":
        raise ApiError("The demo payment server does not offer `always_invoice`.", param="proration_behavior")
    items, now = list(subscription["items"]["data"]), payments.store.now()
    start, ends = items[0]["current_period_start"], items[0]["current_period_end"]
    for index, given in enumerate(asked["items"]):
        place = next((n for n, item in enumerate(items) if item["id"] == given.get("id")), None)
        if "id" in given and place is None:
            raise missing("subscription_item", given["id"], f"items[{index}][id]")
        old = None if place is None else items[place]
        price = (
            old["price"]
            if old is not None and "price_data" not in given
            else _new_price(payments, subscription, given, index)
        )
        quantity = given.get("quantity", old["quantity"] if old else 1)
        made = _item(payments, subscription["id"], price, quantity, start, ends)
        if old is None:
            items.append(made)
        else:
            made |= {"id": old["id"], "created": old["created"]}
            items[place] = made  # type: ignore[index]  # old is what stands there
        if behavior == "create_prorations":
            change = price["unit_amount"] * quantity - (old["price"]["unit_amount"] * old["quantity"] if old else 0)
            amount = change * max(0, ends - now) // max(1, ends - start)
            line = _line(subscription, made, amount, "Rest of the period", proration=True)
            subscription["_prorations"] = [*subscription["_prorations"], line]
    subscription["items"] = subscription["items"] | {"data": items, "total_count": len(items)}


def _new_price(payments: Payments, subscription: Thing, given: Thing, index: int) -> Thing:
    asked = given.get("price_data")
    if asked is None:
        raise ApiError(f"Missing required param: items[{index}][price_data].", code="parameter_missing", param="items")
    if asked["currency"].lower() != subscription["currency"]:
        message = "You cannot combine currencies on a single customer."
        raise ApiError(message, param=f"items[{index}][price_data][currency]")
    payments.check_amount(asked["unit_amount"], asked["currency"].lower())
    return make_price(payments, asked)


def _pause(payments: Payments, subscription: Thing, asked: Thing | None) -> None:
    payments.store.unplan("resume", subscription["id"])
    if asked is None:
        subscription["pause_collection"] = None
        return
    subscription["pause_collection"] = {"behavior": asked["behavior"], "resumes_at": asked.get("resumes_at")}
    if "resumes_at" in asked:
        payments.store.plan("resume", subscription["id"], asked["resumes_at"])


def hold(payments: Payments, subscription: Thing) -> None:
    """Status `paused`, which is no pause of the collection: no period begins and no invoice is made until it is resumed."""
    before = {name: subscription[name] for name in ("status", "status_details")}
    payments.store.unplan("renew", subscription["id"])
    why = {"subscription": {"type": "pause_requested"}, "transitioned_at": payments.store.now(), "type": "subscription"}
    subscription |= {"status": "paused", "status_details": {"paused": why}}
    payments.emit("customer.subscription.updated", payments.store.save(subscription), previous=before)


def resume(payments: Payments, subscription: Thing, asked: Thing, cause: Cause) -> Thing:
    """End what `hold` began, in the period that surrounds now and without an invoice: nothing else is offered here. Raises
    ApiError."""
    if subscription["status"] != "paused":
        raise ApiError("The subscription is not paused.", kept=True)
    anchor = asked.get("billing_cycle_anchor", {}).get("type", "now")
    if anchor != "unchanged" or asked.get("proration_behavior") != "none":
        raise ApiError("The demo payment server does not offer a resumption invoice.", param="billing_cycle_anchor")
    before = {name: subscription[name] for name in ("items", "status", "status_details")}
    items, start, ends = subscription["items"]["data"], 0, _period_end(subscription)
    while ends <= payments.store.now():
        start, ends = ends, after(ends, items[0]["price"]["recurring"], subscription["billing_cycle_anchor"])
    if start:
        moved = [item | {"current_period_start": start, "current_period_end": ends} for item in items]
        subscription["items"] = subscription["items"] | {"data": moved}
    subscription |= {"status": "active", "status_details": None}
    payments.store.plan("renew", subscription["id"], ends)
    payments.emit("customer.subscription.updated", payments.store.save(subscription), cause, before)
    return subscription


def resume_collection(payments: Payments, subscription: Thing) -> None:
    """The pause has ended by itself."""
    paused = subscription["pause_collection"]
    if paused is not None and subscription["status"] not in OVER:
        subscription["pause_collection"] = None
        previous = {"pause_collection": paused}
        payments.emit("customer.subscription.updated", payments.store.save(subscription), previous=previous)


def cancel(payments: Payments, subscription: Thing, asked: Thing, cause: Cause) -> Thing:
    """End a subscription now. Raises ApiError when it has ended."""
    if subscription["status"] in OVER:
        raise missing("subscription", subscription["id"], "id")
    subscription["cancellation_details"] = subscription["cancellation_details"] | asked.get("cancellation_details", {})
    return end(payments, subscription, "cancellation_requested", cause)


def give_up(payments: Payments, subscription: Thing) -> None:
    """The first payment never came: it never began, and what was asked for is asked for no more."""
    if subscription["status"] != "incomplete":
        return
    payments.store.unplan("renew", subscription["id"])
    invoice = payments.store.get("invoice", subscription["latest_invoice"])
    if invoice["status"] == "open":
        invoices.void(payments, invoice, NOBODY)
    subscription |= {"status": "incomplete_expired", "ended_at": payments.store.now()}
    previous = {"status": "incomplete"}
    payments.emit("customer.subscription.updated", payments.store.save(subscription), previous=previous)


def end(payments: Payments, subscription: Thing, reason: str, cause: Cause = NOBODY) -> Thing:
    """A subscription is over: nothing is charged any more, and what is still open waits for nobody."""
    now, store = payments.store.now(), payments.store
    for kind in ("renew", "resume"):
        store.unplan(kind, subscription["id"])
    of_it = "json_extract(data, '$.parent.subscription_details.subscription') = ?"
    for invoice in store.page("invoice", [(of_it, subscription["id"])]):
        if invoice["status"] in ("draft", "open"):
            store.unplan("finalize", invoice["id"])
            store.unplan("retry", invoice["id"])
            store.save(invoice | {"auto_advance": False, "next_payment_attempt": None})
    subscription |= {"status": "canceled", "ended_at": now, "canceled_at": subscription["canceled_at"] or now}
    subscription["cancellation_details"] = subscription["cancellation_details"] | {"reason": reason}
    payments.emit("customer.subscription.deleted", store.save(subscription), cause)
    return subscription
