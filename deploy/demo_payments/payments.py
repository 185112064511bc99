"""What happens to a payment: the objects of the pinned API version and the events that tell of it.

Every function runs inside one transaction of the store. The order of events is Stripe's usual one; nobody may rely on it.
"""

from __future__ import annotations

import dataclasses
import random
from typing import Any
from urllib.parse import urlsplit

from deploy.demo_payments import books, currencies
from deploy.demo_payments.errors import API_VERSION, ApiError, missing
from deploy.demo_payments.faults import WebhookTrouble
from deploy.demo_payments.store import PLATFORM, Store, Thing, new_id

DEFAULT_LIFE = 24 * 60 * 60
SHORTEST_LIFE = 30 * 60
SETTLE_SECONDS = 2
APPLICATION = "ca_DemoPlatform"


@dataclasses.dataclass(frozen=True)
class Cause:
    """The API request that made something happen; empty for what a payer or the clock did."""

    request_id: str | None = None
    idempotency_key: str | None = None


NOBODY = Cause()


def is_here(url: str) -> bool:
    """True for an address of this machine: nothing is sent elsewhere."""
    parts = urlsplit(url)
    return parts.scheme == "http" and parts.hostname in ("localhost", "127.0.0.1", "::1")


class Payments:
    """The account of the trial."""

    def __init__(self, store: Store, base_url: str, *, connect: bool = False) -> None:
        self.store = store
        self.base_url = base_url
        self._connect = connect
        self.trouble = WebhookTrouble()
        self.random = random.Random(1)  # noqa: S311  # repeatable trouble, no secret

    @property
    def application(self) -> str | None:
        """What `application` says on objects that the platform made on a connected account; None on its own."""
        return APPLICATION if self.store.account else None

    def public(self, thing: Thing) -> Thing:
        """The object as the API shows it: without our own notes, and with its address while it can be used."""
        shown = {name: value for name, value in thing.items() if not name.startswith("_")}
        if thing["object"] == "account_link":
            del shown["id"]
        elif thing["object"] == "checkout.session":
            shown["url"] = self.address(thing["id"]) if thing["status"] == "open" else None
        elif thing["object"] == "balance_transaction" and thing["available_on"] <= self.store.now():
            shown["status"] = "available"
        elif thing["object"] == "event":
            shown["pending_webhooks"] = sum(
                delivery["state"] == "pending" for delivery in self.store.deliveries(thing["id"])
            )
        return shown

    def address(self, session_id: str) -> str:
        """Where a session's page is."""
        return f"{self.base_url}/c/pay/{session_id}"

    def emit(self, kind: str, thing: Thing, cause: Cause = NOBODY, previous: Thing | None = None) -> Thing:
        """Tell that something happened: an event, and the promise to send it."""
        data: Thing = {"object": self.public(thing)}
        if previous is not None:
            data["previous_attributes"] = previous
        event = self.store.add(
            {
                "id": new_id("evt_1"),
                "object": "event",
                **({"account": self.store.account} if self.store.account else {}),
                "api_version": API_VERSION,
                "created": self.store.now(),
                "data": data,
                "livemode": False,
                "pending_webhooks": 1,
                "request": {"id": cause.request_id, "idempotency_key": cause.idempotency_key},
                "type": kind,
            }
        )
        if not self.store.account or self._connect:
            self.store.add_delivery(event["id"], self.trouble.delay * self.random.random())
        of_account = bool(self.store.account)
        with self.store.acting_as(PLATFORM):
            made = self.store.page("webhook_endpoint")
        for endpoint in made:
            wants = {"*", kind} & set(endpoint["enabled_events"])
            hears = endpoint.get("_connect") == of_account and endpoint["status"] == "enabled"
            if wants and hears and is_here(endpoint["url"]):
                self.store.add_delivery(event["id"], self.trouble.delay * self.random.random(), endpoint["id"])
        return event

    # Checkout Sessions
    def create_session(self, asked: Thing) -> Thing:
        """A new session from checked parameters. Raises ApiError on what only the whole of them shows."""
        self._check_may_charge()
        now = self.store.now()
        expires_at = asked.get("expires_at", now + DEFAULT_LIFE)
        over_at = self._over_at(expires_at)
        self._check_recurring(asked)
        currency, total = self._total(asked["line_items"])
        monthly = asked["mode"] == "subscription"
        customer = None
        if "customer" in asked:
            customer = self.store.find("customer", asked["customer"])
            if customer is None or customer.get("deleted"):
                raise missing("customer", asked["customer"], "customer")
            if "customer_email" in asked:
                message = "You may only specify one of these parameters: customer, customer_email."
                raise ApiError(message, param="customer_email")
        session: Thing = {
            "id": new_id("cs_test_a1", 56),
            "object": "checkout.session",
            "adaptive_pricing": {"enabled": False},
            "after_expiration": None,
            "allow_promotion_codes": None,
            "allowed_payment_method_types": None,
            "amount_subtotal": total,
            "amount_total": total,
            "automatic_tax": {"enabled": False, "liability": None, "provider": None, "status": None},
            "billing_address_collection": None,
            "branding_settings": None,
            "cancel_url": asked.get("cancel_url"),
            "client_reference_id": asked.get("client_reference_id"),
            "client_secret": None,
            "collected_information": None,
            "consent": None,
            "consent_collection": None,
            "created": now,
            "currency": currency,
            "currency_conversion": None,
            "custom_fields": [],
            "custom_text": {
                "after_submit": None,
                "shipping_address": None,
                "submit": None,
                "terms_of_service_acceptance": None,
            },
            "customer": customer and customer["id"],
            "customer_account": None,
            "customer_creation": "always"
            if monthly and not customer
            else asked.get("customer_creation", "if_required"),
            "customer_details": self._customer(customer["email"] if customer else asked.get("customer_email")),
            "customer_email": asked.get("customer_email"),
            "discounts": [],
            "excluded_payment_method_types": None,
            "expires_at": expires_at,
            "integration_identifier": None,
            "invoice": None,
            "invoice_creation": None,
            "livemode": False,
            "locale": asked.get("locale"),
            "managed_payments": {"enabled": False},
            "metadata": asked.get("metadata", {}),
            "mode": asked["mode"],
            "name_collection": None,
            "optional_items": [],
            "origin_context": None,
            "payment_intent": None,
            "payment_link": None,
            "payment_method_collection": "always" if monthly else "if_required",
            "payment_method_configuration_details": None,
            "payment_method_options": {},
            "payment_method_types": ["card", "us_bank_account"],
            "payment_status": "unpaid",
            "permissions": None,
            "phone_number_collection": {"enabled": False},
            "presentment_details": None,
            "recovered_from": None,
            "redirect_on_completion": None,
            "return_url": None,
            "saved_payment_method_options": None,
            "setup_intent": None,
            "shipping_address_collection": None,
            "shipping_cost": None,
            "shipping_options": [],
            "status": "open",
            "submit_type": asked.get("submit_type"),
            "subscription": None,
            "success_url": asked["success_url"],
            "tax_id_collection": {"enabled": False, "required": "never"},
            "total_details": {"amount_discount": 0, "amount_shipping": 0, "amount_tax": 0},
            "ui_mode": "hosted_page",
            "wallet_options": None,
            "_line_items": [self._line_item(item) for item in asked["line_items"]],
            "_payment_intent_data": asked.get("payment_intent_data", {}),
            "_subscription_data": asked.get("subscription_data", {}),
            "_prices": [item["price_data"] | {"quantity": item["quantity"]} for item in asked["line_items"]],
        }
        self.store.plan("expire", session["id"], over_at)
        return self.store.add(session)

    def _over_at(self, expires_at: int) -> int:
        """When a session that is asked for until `expires_at` is over by the trial's clock. While that is ahead, who asks goes by
        the machine's, as everybody does at Stripe, and is judged by it. Raises ApiError outside of Stripe's limits."""
        now = self.store.now()
        if expires_at < now + SHORTEST_LIFE:
            expires_at += max(0, self.store.ahead)
        if expires_at < now + SHORTEST_LIFE:
            message = "The `expires_at` timestamp must be at least 30 minutes from Checkout Session creation."
            raise ApiError(message, param="expires_at")
        if expires_at > now + DEFAULT_LIFE + 60:
            message = "The `expires_at` timestamp must be less than 24 hours from Checkout Session creation."
            raise ApiError(message, param="expires_at")
        return expires_at

    @staticmethod
    def _check_recurring(asked: Thing) -> None:
        """Raises ApiError when what is asked for does not fit the session's mode."""
        recurring = ["recurring" in item["price_data"] for item in asked["line_items"]]
        if asked["mode"] == "payment" and any(recurring):
            raise ApiError(
                "You specified `payment` mode but passed a recurring price. Either switch to `subscription` mode or use"
                " only one-time prices.",
                param="mode",
            )
        if asked["mode"] == "subscription" and not all(recurring):
            message = "You must provide at least one recurring price in `subscription` mode when using prices."
            raise ApiError(message, param="line_items")

    def _check_may_charge(self) -> None:
        """Raises ApiError when the connected account cannot take money."""
        account = self.store.account
        with self.store.acting_as(PLATFORM):
            found = self.store.find("account", account)
        if found is not None and not found["charges_enabled"]:
            raise ApiError(
                f"Your account cannot currently make live charges. The account {account} has requirements that are due.",
                code="account_invalid",
            )

    def _total(self, line_items: list[Thing]) -> tuple[str, int]:
        total, currency = 0, line_items[0]["price_data"]["currency"].lower()
        for index, item in enumerate(line_items):
            price, path = item["price_data"], f"line_items[{index}][price_data]"
            if price["currency"].lower() not in currencies.SUPPORTED:
                message = f"Invalid currency: {price['currency']}. Stripe currently supports these currencies: "
                raise ApiError(message + ", ".join(sorted(currencies.SUPPORTED)), param=f"{path}[currency]")
            if price["currency"].lower() != currency:
                raise ApiError("All line items must have the same currency.", param=f"{path}[currency]")
            total += price["unit_amount"] * item["quantity"]
        self.check_amount(total, currency)
        return currency, total

    def check_amount(self, amount: int, currency: str) -> None:
        """Raises ApiError for less or more than is taken; what the account is paid in has a smallest amount, too."""
        into, rate = books.booked_in(self, currency)
        booked = books.converted(amount, currency, into, rate)
        refused = currencies.refusal(amount, currency) or (None if rate is None else currencies.too_small(booked, into))
        if refused is not None:
            raise ApiError(refused.message, code=refused.code)

    @staticmethod
    def _line_item(item: Thing) -> Thing:
        price = item["price_data"]
        currency, amount = price["currency"].lower(), price["unit_amount"] * item["quantity"]
        return {
            "id": new_id("li_1"),
            "object": "item",
            "amount_discount": 0,
            "amount_subtotal": amount,
            "amount_tax": 0,
            "amount_total": amount,
            "currency": currency,
            "description": price["product_data"]["name"],
            "quantity": item["quantity"],
        }

    @staticmethod
    def _customer(email: str | None) -> Thing | None:
        if email is None:
            return None
        empty = dict.fromkeys(("address", "business_name", "individual_name", "name", "phone"))
        return {**empty, "email": email, "tax_exempt": "none", "tax_ids": None}

    def expire(self, session: Thing, cause: Cause = NOBODY) -> Thing:
        """Close an open session. Raises ApiError when it is not open."""
        if session["status"] != "open":
            state = session["status"]
            message = 'Only Checkout Sessions with a status in ["open"] can be expired.'
            message += f" This Checkout Session has a status of `{state}`."
            raise ApiError(message, kept=True)
        self.store.unplan("expire", session["id"])
        session["status"] = "expired"
        intent = self.store.find("payment_intent", session["payment_intent"])
        if intent is not None:
            intent |= {"status": "canceled", "canceled_at": self.store.now(), "cancellation_reason": "automatic"}
            self.emit("payment_intent.canceled", self.store.save(intent), cause)
        self.store.save(session)
        self.emit("checkout.session.expired", session, cause)
        return session

    # What the payer does on the hosted page. Each needs an open session.
    def pay(self, session: Thing) -> None:
        """The card is charged."""
        if session["mode"] == "subscription":
            self._begin_subscription(session)
            return
        intent = self._intent(session)
        charge = self.charge(intent, "card", "succeeded")
        self.succeed(intent, charge)
        session["payment_status"] = "paid"
        session["status"] = "complete"
        self._finish(session)
        self.emit("checkout.session.completed", session)
        self.settle_soon(charge)

    def _begin_subscription(self, session: Thing, method: str = "card") -> None:
        # Imported late: it builds on payments.
        from deploy.demo_payments import billing

        billing.begin(self, session, method)
        session |= {"status": "complete", "payment_status": "paid" if method == "card" else "unpaid"}
        self._finish(session)
        self.emit("checkout.session.completed", session)

    def decline(self, session: Thing) -> None:
        """The bank declines the card; the session stays open for another try."""
        intent = self._intent(session)
        charge = self.charge(intent, "card", "failed")
        self.emit("charge.failed", charge)
        self.fail(intent, charge, "card_declined", "Your card was declined.")
        self.store.save(session)

    def pay_later(self, session: Thing) -> None:
        """The payer orders a bank payment, which the bank has yet to confirm: complete, and unpaid."""
        if session["mode"] == "subscription":
            self._begin_subscription(session, "us_bank_account")
            return
        intent = self._intent(session)
        self.order(intent)
        session["status"] = "complete"
        self._finish(session)
        self.emit("checkout.session.completed", session)

    def waits_for_bank(self, session: Thing) -> bool:
        """True when a bank payment was ordered and is neither confirmed nor refused."""
        # Imported late: it builds on payments.
        from deploy.demo_payments import invoices

        if session["invoice"] is not None:
            return invoices.waits_for_bank(self, self.store.get("invoice", session["invoice"]))
        intent = self.store.find("payment_intent", session["payment_intent"])
        return session["status"] == "complete" and intent is not None and intent["status"] == "processing"

    def bank_confirms(self, session: Thing) -> None:
        """The bank payment arrives. The session must wait for it."""
        self._bank_says(session, confirms=True)

    def bank_refuses(self, session: Thing) -> None:
        """The bank payment does not arrive. The session must wait for it."""
        self._bank_says(session, confirms=False)

    def _bank_says(self, session: Thing, *, confirms: bool) -> None:
        # Imported late: it builds on payments.
        from deploy.demo_payments import invoices

        if session["invoice"] is not None:  # whose session hears of it, as this one does
            invoices.bank_says(self, self.store.get("invoice", session["invoice"]), confirms=confirms)
            session |= self.store.get("checkout.session", session["id"])
            return
        intent = self.store.get("payment_intent", session["payment_intent"])
        self.bank_decides(intent, confirms=confirms)
        self.tell_session(session, confirms=confirms)

    def tell_session(self, session: Thing, *, confirms: bool) -> None:
        """What a bank said of the payment that was ordered on a session's page."""
        if confirms:
            session["payment_status"] = "paid"
            self._finish(session)
        self.emit(f"checkout.session.async_payment_{'succeeded' if confirms else 'failed'}", session)

    def order(self, intent: Thing) -> Thing:
        """A bank payment is ordered for an intent: its charge, which is pending."""
        charge = self.charge(intent, "us_bank_account", "pending")
        self.emit("charge.pending", charge)
        intent |= {"status": "processing", "latest_charge": charge["id"], "last_payment_error": None}
        self.emit("payment_intent.processing", self.store.save(intent))
        return charge

    def bank_decides(self, intent: Thing, *, confirms: bool) -> None:
        """The bank payment of an intent that is processing arrives, or does not."""
        charge = self.store.get("charge", intent["latest_charge"])
        if confirms:
            charge |= {"status": "succeeded", "paid": True}
            self.succeed(intent, charge)
            self.settle_soon(charge)
            return
        charge |= {"status": "failed", "failure_code": "insufficient_funds"}
        charge["failure_message"] = "The account has insufficient funds to cover this payment."
        self.emit("charge.failed", self.store.save(charge))
        self.fail(intent, charge, "payment_intent_payment_attempt_failed", charge["failure_message"])

    # What the clock does.
    def do_due(self, kind: str | None = None) -> int:
        """Do everything that is due (everything of `kind`, due or not, when one is named); how much that was."""
        done = 0
        with self.store.transaction():
            # What happens may bring what is due as well: a month that passed brings the next.
            while due := self.store.take_due(kind):
                for what, object_id, at in due:
                    with self.store.acting_as(self.store.owner(object_id) or PLATFORM):
                        self._do(what, object_id, at)
                done += len(due)
        return done

    def _do(self, what: str, object_id: str, at: int) -> None:
        if what == "expire":
            session = self.store.get("checkout.session", object_id)
            if session["status"] == "open":
                self.expire(session)
        elif what == "settle":
            self.settle(self.store.get("charge", object_id))
        else:
            # Imported late: these build on payments.
            from deploy.demo_payments import later

            later.do(self, what, object_id, at)

    def settle(self, charge: Thing) -> None:
        """Book a charge's balance transaction: only then its fee is known."""
        if charge["balance_transaction"] is not None:
            return
        charge["balance_transaction"] = books.book_charge(self, charge)["id"]
        self.store.unplan("settle", charge["id"])
        self.emit("charge.updated", self.store.save(charge), previous={"balance_transaction": None})

    # The parts of the above.
    def _intent(self, session: Thing) -> Thing:
        """The session's PaymentIntent; made at the first try."""
        found = self.store.find("payment_intent", session["payment_intent"])
        if found is not None:
            return found
        intent = self.make_intent(
            session["amount_total"],
            session["currency"],
            session["_payment_intent_data"],
            methods=session["payment_method_types"],
            customer=session["customer"],
        )
        if session["mode"] == "payment":
            session["payment_intent"] = intent["id"]
        return intent

    def make_intent(
        self, amount: int, currency: str, details: Thing, *, methods: list[str], customer: str | None = None
    ) -> Thing:
        """A new PaymentIntent of `amount` minor units, of which nothing is paid yet."""
        intent_id = new_id("pi_3")
        nothing = (
            "application_fee_amount", "automatic_payment_methods", "canceled_at", "cancellation_reason",
            "customer", "customer_account", "last_payment_error", "latest_charge", "next_action", "on_behalf_of",
            "payment_method", "payment_method_configuration_details", "processing", "review", "setup_future_usage",
            "shipping", "source", "statement_descriptor", "transfer_data", "transfer_group",
        )  # fmt: skip
        intent: Thing = {
            "id": intent_id,
            "object": "payment_intent",
            **dict.fromkeys(nothing),
            "application": self.application,
            "amount": amount,
            "amount_capturable": 0,
            "amount_details": {"tip": {}},
            "amount_received": 0,
            "capture_method": "automatic_async",
            "client_secret": f"{intent_id}_secret_{new_id('', 25)}",
            "confirmation_method": "automatic",
            "created": self.store.now(),
            "currency": currency,
            "customer": customer,
            "description": details.get("description"),
            "livemode": False,
            "metadata": details.get("metadata", {}),
            "payment_method_options": {},
            "payment_method_types": methods,
            "receipt_email": details.get("receipt_email"),
            "statement_descriptor_suffix": details.get("statement_descriptor_suffix"),
            "status": "requires_payment_method",
        }
        self.emit("payment_intent.created", self.store.add(intent))
        return intent

    def charge(self, intent: Thing, method: str, status: str) -> Thing:
        """A new charge for an intent, "succeeded", "pending" or "failed"."""
        now, succeeded = self.store.now(), status == "succeeded"
        nothing = (
            "application_fee", "application_fee_amount", "balance_transaction", "customer",
            "failure_balance_transaction", "failure_code", "failure_message", "on_behalf_of", "receipt_number", "review",
            "shipping", "source", "source_transfer", "statement_descriptor", "transfer_data", "transfer_group",
        )  # fmt: skip
        card: Thing = {
            "brand": "visa",
            "country": "US",
            "exp_month": 12,
            "exp_year": 2034,
            "funding": "credit",
            "last4": "4242",
        }
        bank: Thing = {"account_type": "checking", "bank_name": "Demonstration Bank", "last4": "6789"}
        charge: Thing = {
            "id": new_id("ch_3" if method == "card" else "py_3"),
            "object": "charge",
            **dict.fromkeys(nothing),
            "application": self.application,
            "amount": intent["amount"],
            "amount_captured": intent["amount"] if succeeded else 0,
            "amount_refunded": 0,
            "billing_details": dict.fromkeys(("address", "email", "name", "phone", "tax_id")),
            "calculated_statement_descriptor": "DEMONSTRATION",
            "captured": status != "failed",
            "created": now,
            "currency": intent["currency"],
            "customer": intent["customer"],
            "description": intent["description"],
            "disputed": False,
            "fraud_details": {},
            "livemode": False,
            "metadata": intent["metadata"],
            "outcome": None,
            "paid": succeeded,
            "payment_intent": intent["id"],
            "payment_method": intent["payment_method"] or new_id("pm_1"),
            "payment_method_details": {"type": method, method: card if method == "card" else bank},
            "presentment_details": None,
            "radar_options": {},
            "receipt_email": intent["receipt_email"],
            "receipt_url": None,
            "refunded": False,
            "statement_descriptor_suffix": intent["statement_descriptor_suffix"],
            "status": status,
        }
        if status == "failed":
            charge |= {"failure_code": "card_declined", "failure_message": "Your card was declined."}
        return self.store.add(charge)

    def succeed(self, intent: Thing, charge: Thing) -> None:
        """The charge of an intent has succeeded."""
        charge["amount_captured"] = charge["amount"]
        self.emit("charge.succeeded", self.store.save(charge))
        intent |= {
            "status": "succeeded",
            "amount_received": intent["amount"],
            "latest_charge": charge["id"],
            "last_payment_error": None,
            "payment_method": charge["payment_method"],
        }
        self.emit("payment_intent.succeeded", self.store.save(intent))

    def fail(self, intent: Thing, charge: Thing, code: str, message: str) -> None:
        """The charge of an intent has failed; another may be tried."""
        error: dict[str, Any] = {"type": "card_error", "code": code, "message": message, "charge": charge["id"]}
        if code == "card_declined":
            error["decline_code"] = "generic_decline"
        intent |= {"status": "requires_payment_method", "latest_charge": charge["id"], "last_payment_error": error}
        self.emit("payment_intent.payment_failed", self.store.save(intent))

    def _finish(self, session: Thing) -> None:
        self.store.unplan("expire", session["id"])
        self.store.save(session)

    def settle_soon(self, charge: Thing) -> None:
        """Stripe books a charge some time after it succeeded: `balance_transaction` is null until `charge.updated`."""
        delay = int(self.store.setting("settle_seconds", SETTLE_SECONDS))
        self.store.plan("settle", charge["id"], self.store.now() + delay)


def find_session(payments: Payments, session_id: str) -> Thing:
    """The session with that id, after everything that is due has happened. Raises ApiError."""
    payments.do_due()
    session = payments.store.find("checkout.session", session_id)
    if session is None:
        raise missing("checkout.session", session_id, "session")
    return session
