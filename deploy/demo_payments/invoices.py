"""Invoices of subscriptions: drafted, finalized an hour later, paid by card or ordered from a bank, tried again, given up.

https://docs.stripe.com/api/invoices as of errors.API_VERSION: an invoice names neither its payment nor its subscription by
itself (`parent.subscription_details`, and `payments` or the list of invoice payments). Every function runs inside one
transaction of the store.
"""

from __future__ import annotations

from deploy.demo_payments.errors import ApiError
from deploy.demo_payments.payments import NOBODY, Cause, Payments
from deploy.demo_payments.store import Thing, new_id

HOUR = 60 * 60
DAY = 24 * HOUR
# After how many days a card that was declined is tried again; after the last, the subscription ends.
RETRIES = (3, 5, 7)
DECLINED = "Your card was declined."
# How long a bank takes to say whether a debit arrives, and how long a first payment may be missing.
BANK_DAYS, INCOMPLETE_HOURS = 4, 23


def draft(payments: Payments, subscription: Thing, lines: list[Thing], reason: str, at: int) -> Thing:
    """A new draft of what a subscription costs for its period; `reason` is Stripe's billing_reason."""
    total, invoice_id = sum(line["amount"] for line in lines), new_id("in_1")
    customer = payments.store.get("customer", subscription["customer"])
    sequence = customer["next_invoice_sequence"]
    payments.store.save(customer | {"next_invoice_sequence": sequence + 1})
    nothing = (
        "account_tax_ids", "automatically_finalizes_at", "confirmation_secret", "custom_fields", "customer_account",
        "customer_address", "customer_name", "customer_phone", "customer_shipping", "default_payment_method",
        "default_source", "description", "due_date", "effective_at", "ending_balance", "footer", "from_invoice",
        "hosted_invoice_url", "invoice_pdf", "last_finalization_error", "latest_revision", "next_payment_attempt",
        "on_behalf_of", "receipt_number", "rendering", "shipping_cost", "shipping_details", "statement_descriptor",
        "test_clock", "webhooks_delivered_at",
    )  # fmt: skip
    invoice: Thing = {
        "id": invoice_id,
        "object": "invoice",
        **dict.fromkeys(nothing),
        "account_country": "US",
        "account_name": "Demonstration",
        "amount_due": total,
        "amount_overpaid": 0,
        "amount_paid": 0,
        "amount_remaining": total,
        "amount_shipping": 0,
        "application": payments.application,
        "attempt_count": 0,
        "attempted": False,
        "auto_advance": True,
        "automatic_tax": dict.fromkeys(("disabled_reason", "liability", "provider", "status")) | {"enabled": False},
        "billing_reason": reason,
        "collection_method": "charge_automatically",
        "created": payments.store.now(),
        "currency": subscription["currency"],
        "customer": customer["id"],
        "customer_email": customer["email"],
        "customer_tax_exempt": "none",
        "customer_tax_ids": [],
        "default_tax_rates": [],
        "discounts": [],
        "issuer": {"type": "self"},
        "lines": {
            "object": "list",
            "data": [line | {"invoice": invoice_id} for line in lines],
            "has_more": False,
            "total_count": len(lines),
            "url": f"/v1/invoices/{invoice_id}/lines",
        },
        "livemode": False,
        "metadata": {},
        "number": None,
        "parent": {
            "quote_details": None,
            "subscription_details": {"metadata": subscription["metadata"], "subscription": subscription["id"]},
            "type": "subscription_details",
        },
        "payment_settings": dict.fromkeys(("default_mandate", "payment_method_options", "payment_method_types")),
        "period_end": at,
        "period_start": at,
        "post_payment_credit_notes_amount": 0,
        "pre_payment_credit_notes_amount": 0,
        "starting_balance": 0,
        "status": "draft",
        "status_transitions": dict.fromkeys(("finalized_at", "marked_uncollectible_at", "paid_at", "voided_at")),
        "subtotal": total,
        "subtotal_excluding_tax": total,
        "total": total,
        "total_discount_amounts": [],
        "total_excluding_tax": total,
        "total_pretax_credit_amounts": [],
        "total_taxes": [],
        "_number": f"{customer['invoice_prefix']}-{sequence:04d}",
    }
    payments.emit("invoice.created", payments.store.add(invoice))
    return invoice


def finalize(payments: Payments, invoice: Thing, at: int) -> None:
    """A draft becomes due, and is paid unless collection is paused."""
    if invoice["status"] != "draft":
        return
    payments.store.unplan("finalize", invoice["id"])
    subscription = subscription_of(payments, invoice)
    paused = subscription["pause_collection"]
    if paused is not None and paused["behavior"] == "keep_as_draft":
        invoice["auto_advance"] = False
        payments.emit("invoice.updated", payments.store.save(invoice), previous={"auto_advance": True})
        return
    now = payments.store.now()
    invoice |= {"status": "open", "effective_at": now, "number": invoice["_number"]}
    invoice["hosted_invoice_url"] = f"{payments.base_url}/subscriptions/{subscription['id']}"
    invoice["status_transitions"]["finalized_at"] = now
    payments.emit("invoice.finalized", payments.store.save(invoice))
    if paused is not None:
        behavior = paused["behavior"]
        _give_up(payments, invoice, "uncollectible" if behavior == "mark_uncollectible" else "void")
    elif invoice["amount_due"] == 0:
        _mark_paid(payments, invoice)
    else:
        collect(payments, invoice, at)


def _give_up(payments: Payments, invoice: Thing, status: str, cause: Cause = NOBODY) -> None:
    name = {"uncollectible": "marked_uncollectible", "void": "voided"}[status]
    invoice |= {"status": status, "auto_advance": False, "next_payment_attempt": None}
    invoice["status_transitions"][f"{name}_at"] = payments.store.now()
    payments.store.unplan("retry", invoice["id"])
    payments.emit(f"invoice.{name}", payments.store.save(invoice), cause)


def collect(payments: Payments, invoice: Thing, at: int) -> None:
    """Charge the customer's card or bank account for an open invoice; a decline plans the next try."""
    if invoice["status"] != "open" or waits_for_bank(payments, invoice):
        return
    payments.store.unplan("retry", invoice["id"])
    if not pay(payments, invoice):
        _not_paid(payments, invoice, at)


def _not_paid(payments: Payments, invoice: Thing, at: int) -> None:
    """A try has failed: the next is planned, or the subscription ends. One that never began is not tried again."""
    tries, subscription = invoice["attempt_count"], subscription_of(payments, invoice)
    never_began, over = (
        subscription["status"] == "incomplete",
        subscription["status"] in ("canceled", "incomplete_expired"),
    )
    ends = tries > len(RETRIES) or never_began or over
    invoice["next_payment_attempt"] = None if ends else at + RETRIES[tries - 1] * DAY
    payments.emit("invoice.payment_failed", payments.store.save(invoice))
    # Imported late: it builds on invoices.
    from deploy.demo_payments import billing

    if never_began:
        payments.store.plan("give_up", subscription["id"], subscription["created"] + INCOMPLETE_HOURS * HOUR)
    elif over:
        payments.store.save(invoice | {"auto_advance": False})
    elif ends:
        billing.end(payments, subscription, "payment_failed")
    else:
        payments.store.plan("retry", invoice["id"], invoice["next_payment_attempt"])
        billing.set_status(payments, subscription, "past_due")


def pay(payments: Payments, invoice: Thing) -> bool:
    """Try the customer's card or bank account once; True unless that is refused at once: the invoice is paid, or waits for the
    bank."""
    customer = payments.store.get("customer", invoice["customer"])
    first = invoice["billing_reason"] == "subscription_create"
    details = {"description": "Subscription creation" if first else "Subscription update"}
    intent_payment = _payment_of(payments, invoice)
    if intent_payment is None:
        intent = payments.make_intent(
            invoice["amount_due"],
            invoice["currency"],
            details,
            methods=["card", "us_bank_account"],
            customer=customer["id"],
        )
        payment = {"type": "payment_intent", "payment_intent": intent["id"]}
        intent_payment = _add_payment(payments, invoice, payment)
    else:
        intent = payments.store.get("payment_intent", intent_payment["payment"]["payment_intent"])
    intent["payment_method"] = customer["invoice_settings"]["default_payment_method"]
    invoice |= {"attempted": True, "attempt_count": invoice["attempt_count"] + 1, "next_payment_attempt": None}
    method = payments.store.find("payment_method", intent["payment_method"])
    if method is not None and method["type"] == "us_bank_account":
        payments.order(intent)
        payments.store.save(invoice)
        payments.store.plan("bank", invoice["id"], payments.store.now() + BANK_DAYS * DAY)
        return True
    if not customer["_card_works"]:
        charge = payments.charge(intent, "card", "failed")
        payments.emit("charge.failed", charge)
        payments.fail(intent, charge, "card_declined", DECLINED)
        payments.store.save(invoice)
        return False
    charge = payments.charge(intent, "card", "succeeded")
    payments.succeed(intent, charge)
    payments.settle_soon(charge)
    _paid_by(payments, invoice, intent_payment)
    return True


def _paid_by(payments: Payments, invoice: Thing, intent_payment: Thing) -> None:
    intent_payment |= {"status": "paid", "amount_paid": invoice["amount_due"]}
    intent_payment["status_transitions"]["paid_at"] = payments.store.now()
    payments.store.save(intent_payment)
    _mark_paid(payments, invoice)
    payments.emit("invoice_payment.paid", intent_payment)


def _intent_of(payments: Payments, invoice: Thing) -> Thing | None:
    payment = _payment_of(payments, invoice)
    return payment and payments.store.find("payment_intent", payment["payment"].get("payment_intent"))


def waits_for_bank(payments: Payments, invoice: Thing) -> bool:
    """True while a bank has yet to say whether what was ordered from it arrives."""
    intent = _intent_of(payments, invoice)
    return intent is not None and intent["status"] == "processing"


def bank_says(payments: Payments, invoice: Thing, *, confirms: bool | None = None) -> Thing:
    """The bank confirms or refuses what was ordered from it, whatever became of the subscription in the meantime; None: as the
    customer's account is. The page it began on is told as well. Raises ApiError when nothing was ordered."""
    payment, intent = _payment_of(payments, invoice), _intent_of(payments, invoice)
    if payment is None or intent is None or intent["status"] != "processing":
        raise ApiError("Nothing was ordered from a bank.", status=409)
    payments.store.unplan("bank", invoice["id"])
    if confirms is None:
        confirms = payments.store.get("customer", invoice["customer"])["_card_works"]
    payments.bank_decides(intent, confirms=confirms)
    if confirms:
        _paid_by(payments, invoice, payment)
    else:
        _not_paid(payments, invoice, payments.store.now())
    begun = payments.store.page("checkout.session", [("json_extract(data, '$.invoice') = ?", invoice["id"])], 1)
    if begun and begun[0]["payment_status"] == "unpaid" and invoice["attempt_count"] == 1:
        payments.tell_session(begun[0], confirms=confirms)
    return invoice


def _mark_paid(payments: Payments, invoice: Thing) -> None:
    invoice |= {
        "status": "paid",
        "amount_paid": invoice["amount_due"],
        "amount_remaining": 0,
        "next_payment_attempt": None,
    }
    invoice |= {"attempted": True}
    invoice["status_transitions"]["paid_at"] = payments.store.now()
    payments.store.unplan("retry", invoice["id"])
    payments.store.save(invoice)
    payments.emit("invoice.paid", invoice)
    payments.emit("invoice.payment_succeeded", invoice)
    # Imported late: it builds on invoices.
    from deploy.demo_payments import billing

    subscription = subscription_of(payments, invoice)
    if subscription["status"] in ("past_due", "incomplete"):
        billing.set_status(payments, subscription, "active")


def _payment_of(payments: Payments, invoice: Thing) -> Thing | None:
    found = payments.store.page("invoice_payment", [("json_extract(data, '$.invoice') = ?", invoice["id"])], 1)
    return found[0] if found else None


def _add_payment(payments: Payments, invoice: Thing, payment: Thing) -> Thing:
    return payments.store.add(
        {
            "id": new_id("inpay_1"),
            "object": "invoice_payment",
            "amount_paid": None,
            "amount_requested": invoice["amount_due"],
            "created": payments.store.now(),
            "currency": invoice["currency"],
            "invoice": invoice["id"],
            "is_default": True,
            "livemode": False,
            "payment": payment,
            "status": "open",
            "status_transitions": {"canceled_at": None, "paid_at": None},
        }
    )


def pay_now(payments: Payments, invoice: Thing) -> Thing | ApiError:
    """Pay an open invoice because somebody asks: the invoice, or that the card was declined. Raises ApiError when there is
    nothing to pay."""
    if invoice["status"] != "open":
        raise ApiError(f"Invoice is {invoice['status']} and cannot be paid.", code="invoice_not_payable")
    if waits_for_bank(payments, invoice):
        raise ApiError("This invoice has a payment that is being processed.", code="invoice_not_payable")
    if not pay(payments, invoice):
        payments.emit("invoice.payment_failed", invoice)
        return ApiError(DECLINED, status=402, code="card_declined", kind="card_error", on_purpose=True)
    return invoice


def pay_outside(payments: Payments, invoice: Thing) -> Thing:
    """Somebody says on the account's pages that an open invoice was paid elsewhere: what stands for that is a payment record,
    and no PaymentIntent. Raises ApiError when there is nothing to pay."""
    if invoice["status"] != "open":
        raise ApiError(f"Invoice is {invoice['status']} and cannot be paid.", code="invoice_not_payable")
    left = _payment_of(payments, invoice)
    if left is not None:
        left["status_transitions"]["canceled_at"] = payments.store.now()
        payments.store.save(left | {"status": "canceled", "is_default": False})
    record = {"type": "payment_record", "payment_record": new_id("pr_1")}
    made = _add_payment(payments, invoice, record)
    made |= {"status": "paid", "amount_paid": invoice["amount_due"]}
    made["status_transitions"]["paid_at"] = payments.store.now()
    payments.store.save(made)
    _mark_paid(payments, invoice)
    payments.emit("invoice_payment.paid", made)
    return invoice


def void(payments: Payments, invoice: Thing, cause: Cause) -> Thing:
    """Nothing is owed any more. Raises ApiError."""
    if invoice["status"] not in ("open", "uncollectible"):
        raise ApiError("You can only void an invoice that is open or uncollectible.", code="invoice_not_editable")
    _give_up(payments, invoice, "void", cause)
    return invoice


def subscription_of(payments: Payments, invoice: Thing) -> Thing:
    """The subscription that an invoice is for."""
    return payments.store.get("subscription", invoice["parent"]["subscription_details"]["subscription"])
