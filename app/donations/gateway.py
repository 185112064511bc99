"""Stripe: the only import of the stripe package, and only when a call is made (it is large).

Every function makes one HTTP call, outside any transaction, and gives plain facts back: nothing of the package's objects
leaves this module. `account` is the connected account a call is about, None the installation's own: it has no default, so
that nobody forgets it. Written for stripe 16.1 (API 2026-10-28): `session.payment_intent` is null until somebody pays, and
a charge's `balance_transaction` may be null until `charge.updated`.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
import functools
import json
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar, cast

from flask import current_app, has_request_context, request

from app.core.db import in_transaction
from app.core.money import Money
from app.donations.facts import AccountFacts, AccountRequest, CheckoutRequest, EventFacts, PaymentFacts, SessionFacts
from config import Settings

if TYPE_CHECKING:
    import stripe

# How long one call may take, and how often the package tries again: the worker has time, and a page has not. Somebody waits
# for it, and others for the thread that makes it. What fails at once is tried once more by a page (see _translated), what
# hangs is not; and what is lost on the way is asked for again under its key.
TIMEOUT_SECONDS, NETWORK_RETRIES = 15.0, 2
ACT_SECONDS, LOOK_SECONDS = 8.0, 5.0
SIGNATURE_TOLERANCE_SECONDS = 300
PAGE = 100
MOST_TYPES = 20
# Ways to pay that are ordered first and confirmed days later: their charge is made when they are ordered
# (https://docs.stripe.com/payments/payment-methods#payment-notification; the names are those of the installed package).
DELAYED = (
    "ach_credit_transfer", "ach_debit", "acss_debit", "au_becs_debit", "bacs_debit", "boleto", "customer_balance", "konbini",
    "multibanco", "nz_bank_account", "oxxo", "payto", "sepa_credit_transfer", "sepa_debit", "sofort", "us_bank_account",
)  # fmt: skip
# The organization took its account from us: Stripe answers 403 to whatever is asked about it.
ACCOUNT_GONE = "account_gone"
# Stripe has nothing of that id: it was deleted there, or is another account's or another key's.
MISSING = "resource_missing"
# Nobody answered in time.
UNREACHABLE = "unreachable"
# Codes of requests that Stripe did not judge (https://docs.stripe.com/error-codes).
UNJUDGED = (
    "parameter_", "rate_limit", "lock_timeout", "idempotency", "api_key", "platform_api_key", "secret_key", "testmode",
    "livemode", "account_invalid",
)  # fmt: skip
# Where a request keeps until when it may ask.
PAGES_TIME = "manyhands.stripe_until"
P = ParamSpec("P")
T = TypeVar("T")


class GatewayError(Exception):
    """Stripe did not do what was asked. `passing` when the same call may succeed later (network, 429, 5xx), `at_once` when it
    may do so right now, under the same key (network, 409). `missing` is the id that was fetched and that Stripe does not know,
    and the account that was asked (None: the installation's own); None for every other problem."""

    def __init__(
        self, code: str, *, passing: bool, at_once: bool = False, missing: tuple[str, str | None] | None = None
    ) -> None:
        self.code, self.passing, self.at_once, self.missing = code, passing, at_once, missing
        super().__init__(code)

    @property
    def is_kept(self) -> bool:
        """True when Stripe answered with an error of its own: under the same key it gives that answer again, for a day at
        least (https://docs.stripe.com/api/idempotent_requests)."""
        return (getattr(self.__cause__, "http_status", None) or 0) >= 500

    @property
    def parameter(self) -> str:
        """The name of what Stripe did not take, where it names one; never its value."""
        return str(getattr(self.__cause__, "param", None) or "")

    @property
    def is_refusal(self) -> bool:
        """True when Stripe judged what was asked and said no: asked again, it would say the same. A wrong key, an answer that
        was cut off, a limit and a mistake of ours in how it was asked are none."""
        import stripe

        judged = isinstance(self.__cause__, stripe.InvalidRequestError | stripe.CardError)
        return judged and not self.passing and not self.code.startswith(UNJUDGED)


class BadSignature(Exception):
    """A webhook that Stripe did not send, or sent too long ago."""


def _settings() -> Settings:
    found: Settings = current_app.config["SETTINGS"]
    return found


def is_on() -> bool:
    """False when PAYMENTS_MODE is off: then nothing in this module may be called."""
    return mode() != "off"


def mode() -> str:
    """The installation's PAYMENTS_MODE."""
    return _settings().payments_mode


def connects() -> bool:
    """True when every organization is paid through its own account; otherwise all gifts go to the installation's own."""
    return _settings().stripe_connect


def expects_livemode() -> bool:
    """What `livemode` must say on everything Stripe sends to this installation."""
    return mode() == "live"


def api_version() -> str:
    """The API version that the installed package speaks: what the webhook endpoints must speak, too."""
    import stripe

    return str(stripe.api_version)


def _patience() -> tuple[float, int]:
    """How many seconds a call may take for who waits for it, and how often it is tried again."""
    if not has_request_context():
        return TIMEOUT_SECONDS, NETWORK_RETRIES
    return (LOOK_SECONDS if request.method in ("GET", "HEAD") else ACT_SECONDS), 0


def _give_up_at() -> float | None:
    """When a page asks nothing more, in this process's monotonic seconds; None for who has time."""
    if not has_request_context():
        return None
    until: float = request.environ.setdefault(PAGES_TIME, time.monotonic() + _patience()[0])
    return until


def _client() -> stripe.StripeClient:
    """The client of this installation for who asks, made at its first use."""
    if in_transaction():
        raise RuntimeError("no network call inside a transaction")
    clients: dict[tuple[float, int], stripe.StripeClient] = current_app.extensions.setdefault("stripe_client", {})
    seconds, retries = _patience()
    found = clients.get((seconds, retries))
    if found is None:
        import stripe

        settings = _settings()
        stripe.enable_telemetry = False
        # A demo server on loopback is never behind the proxy that the environment may name for everything else.
        direct = stripe.HTTPClient._Proxy(http=None, https=None) if settings.stripe_api_base else None
        found = stripe.StripeClient(
            settings.stripe_secret_key,
            base_addresses={"api": settings.stripe_api_base} if settings.stripe_api_base else {},
            max_network_retries=retries,
            http_client=stripe.RequestsClient(timeout=seconds, proxy=direct),
        )
        clients[seconds, retries] = found
    return found


def _code_of(error: stripe.StripeError) -> str:
    """Stripe's own code: the package keeps none for what is forbidden."""
    body: Any = error.json_body
    found = body.get("error") if isinstance(body, dict) else None
    return str(found.get("code") or "") if isinstance(found, dict) else ""


def _translated(call: Callable[P, T]) -> Callable[P, T]:
    """Give the package's errors as GatewayError; they carry codes only, never what was sent.

    For a page what failed at once is tried once more. One that was not answered, or took its time, asks nothing more: it would
    wait as long again.
    """

    @functools.wraps(call)
    def wrapped(*args: P.args, **kwargs: P.kwargs) -> T:
        until = _give_up_at()
        if until is not None and time.monotonic() >= until:
            raise GatewayError(UNREACHABLE, passing=True)
        try:
            return _plainly(call, *args, **kwargs)
        except GatewayError as error:
            if until is None or not error.at_once or time.monotonic() >= until:
                _note_silence(error)
                raise
        try:
            return _plainly(call, *args, **kwargs)
        except GatewayError as error:
            _note_silence(error)
            raise

    return wrapped


def _note_silence(error: GatewayError) -> None:
    """Nobody answered a page: it asks nothing more."""
    if error.code == UNREACHABLE and has_request_context():
        request.environ[PAGES_TIME] = 0.0


def _plainly(call: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """One call; what the package raises as GatewayError."""
    import stripe

    try:
        return call(*args, **kwargs)
    except stripe.APIConnectionError as error:
        raise GatewayError(UNREACHABLE, passing=True, at_once=error.should_retry) from error
    except stripe.StripeError as error:
        if isinstance(error, stripe.PermissionError) and _code_of(error) == "account_invalid":
            raise GatewayError(ACCOUNT_GONE, passing=False) from error
        status = error.http_status or 0
        passing = status in (409, 429) or status >= 500
        missing = None
        if status == 404 and error.code == MISSING and call.__name__.startswith(("fetch_", "find_")):
            missing = (str(args[0]), cast("str | None", kwargs.get("account")))
        code = error.code or type(error).__name__
        raise GatewayError(code, passing=passing, at_once=status == 409, missing=missing) from error


def _options(account: str | None, idempotency_key: str | None = None) -> stripe.RequestOptions:
    """Whose account a request is about, and under which key it may be repeated."""
    options: stripe.RequestOptions = {}
    if account is not None:
        options["stripe_account"] = account
    if idempotency_key is not None:
        options["idempotency_key"] = idempotency_key
    return options


def _instant(seconds: int) -> dt.datetime:
    return dt.datetime.fromtimestamp(seconds, dt.UTC)


def _id_of(thing: Any) -> str | None:
    """The id of an expandable field, expanded or not."""
    if thing is None or isinstance(thing, str):
        return thing or None
    return str(thing.id)


def _metadata(thing: Any, name: str = "donation_id") -> str:
    metadata = getattr(thing, "metadata", None)
    return str(metadata.to_dict().get(name, "")) if metadata is not None else ""


def _attempt(thing: Any) -> int:
    """Which try a session is for; sessions of before tries were counted are the first."""
    number = _metadata(thing, "attempt")
    return int(number) if number.isascii() and number.isdigit() else 1


def _problem(intent: Any) -> str:
    """Why the last try failed: the issuer's code where there is one, else the charge's, else the error's own."""
    error, charge = intent.last_payment_error, intent.latest_charge
    if error is None:
        return ""
    declined = getattr(error, "decline_code", None)
    charged = None if charge is None or isinstance(charge, str) else charge.failure_code
    of_issuer = declined if declined not in (None, "generic_decline") else None
    return str(of_issuer or charged or getattr(error, "code", None) or "unknown")[:60]


def _session_facts(session: stripe.checkout.Session) -> SessionFacts:
    return SessionFacts(
        id=session.id,
        url=session.url or "",
        status=str(session.status or ""),
        payment_status=str(session.payment_status),
        amount=Money(session.amount_total or 0, str(session.currency or "").upper()),
        payment_intent_id=_id_of(session.payment_intent),
        donation=_metadata(session),
        attempt=_attempt(session),
        livemode=session.livemode,
        created_at=_instant(session.created),
        subscription_id=_id_of(session.subscription),
        customer_id=_id_of(session.customer),
        invoice_id=_id_of(session.invoice),
    )


def _event_facts(event: stripe.Event) -> EventFacts:
    thing = event.data.object
    return EventFacts(
        id=event.id,
        type=str(event.type),
        object_id=str(thing["id"]) if "id" in thing else "",
        account=getattr(event, "account", None),
        livemode=event.livemode,
        created_at=_instant(event.created),
    )


def _of(account: str | None, event: EventFacts) -> EventFacts:
    """An event of an account's own list, which need not say whose it is."""
    return event if event.account is not None else dataclasses.replace(event, account=account)


@_translated
def create_checkout_session(asked: CheckoutRequest, *, account: str | None) -> SessionFacts:
    """Open a hosted Checkout page for one gift. The same request again gives the same session (F6).

    Raises GatewayError.
    """
    price: Any = {
        "currency": asked.amount.currency.lower(),
        "unit_amount": asked.amount.amount_minor,
        "product_data": {"name": asked.title},
    }
    named = {"donation_id": asked.donation}
    kind: Any = {"mode": "payment", "submit_type": "donate", "payment_intent_data": {"metadata": named}}
    if asked.monthly_gift:
        price["recurring"] = {"interval": "month"}
        of_subscription = {"metadata": {**named, "monthly_gift": asked.monthly_gift, "attempt": str(asked.attempt)}}
        kind = {"mode": "subscription", "submit_type": "donate", "subscription_data": of_subscription}
    whole: Any = {
        **kind,
        "line_items": [{"quantity": 1, "price_data": price}],
        **({"customer_email": asked.email} if asked.email else {}),
        "client_reference_id": asked.donation,
        "metadata": {"donation_id": asked.donation, "attempt": str(asked.attempt)},
        "success_url": asked.success_url,
        "cancel_url": asked.cancel_url,
        "expires_at": int(asked.expires_at.timestamp()),
    }
    session = _client().v1.checkout.sessions.create(whole, _options(account, asked.idempotency_key))
    return _session_facts(session)


@_translated
def fetch_session(session_id: str, *, account: str | None) -> SessionFacts:
    """The session as it is now. Raises GatewayError."""
    return _session_facts(_client().v1.checkout.sessions.retrieve(session_id, {}, _options(account)))


@_translated
def expire_session(session_id: str, idempotency_key: str, *, account: str | None) -> SessionFacts:
    """Close an open session, so that nobody can pay through it any more. Raises GatewayError when it is not open."""
    options = _options(account, idempotency_key)
    return _session_facts(_client().v1.checkout.sessions.expire(session_id, {}, options))


@_translated
def fetch_payment(payment_intent_id: str, *, account: str | None) -> PaymentFacts:
    """The payment as it is now, with its charge and what that cost. Raises GatewayError."""
    intent = _client().v1.payment_intents.retrieve(
        payment_intent_id, {"expand": ["latest_charge.balance_transaction"]}, _options(account)
    )
    charge: Any = intent.latest_charge
    settled: Any = None if charge is None or isinstance(charge, str) else charge.balance_transaction
    fee = None if settled is None or isinstance(settled, str) else Money(settled.fee, settled.currency.upper())
    made = None if charge is None or isinstance(charge, str) else _instant(charge.created)
    how: Any = None if made is None else charge.payment_method_details
    is_delayed = how is not None and how.type in DELAYED
    return PaymentFacts(
        id=intent.id,
        status=str(intent.status),
        received=Money(intent.amount_received, intent.currency.upper()),
        charge_id=_id_of(charge),
        balance_transaction_id=_id_of(settled) if fee is not None else None,
        fee=fee,
        donation=_metadata(intent),
        livemode=intent.livemode,
        problem=_problem(intent),
        settled=None if fee is None else Money(settled.amount, settled.currency.upper()),
        booked_at=None if fee is None else _instant(settled.created),
        charged_at=made,
        is_delayed=is_delayed,
        paid_at=None if is_delayed else made,
    )


@_translated
def find_payment_of_charge(charge_id: str, *, account: str | None) -> str | None:
    """The id of the payment a charge belongs to, or None. Raises GatewayError."""
    return _id_of(_client().v1.charges.retrieve(charge_id, {}, _options(account)).payment_intent)


@_translated
def list_events(since: dt.datetime, types: tuple[str, ...], *, account: str | None) -> list[EventFacts]:
    """Every event of `types` since `since`, all pages. Stripe takes at most 20 types at once. Raises GatewayError."""
    found: list[EventFacts] = []
    for start in range(0, len(types), MOST_TYPES):
        asked = list(types[start : start + MOST_TYPES])
        page = _client().v1.events.list(
            {"created": {"gte": int(since.timestamp())}, "types": asked, "limit": PAGE}, _options(account)
        )
        found += [_of(account, _event_facts(event)) for event in page.auto_paging_iter()]
    return found


@_translated
def list_sessions(since: dt.datetime, *, account: str | None, until: dt.datetime | None = None) -> list[SessionFacts]:
    """Every Checkout Session made since `since` (and not after `until`), newest first, all pages. Raises GatewayError."""
    made: Any = {"gte": int(since.timestamp())}
    if until is not None:
        made["lte"] = int(until.timestamp())
    page = _client().v1.checkout.sessions.list({"created": made, "limit": PAGE}, _options(account))
    return [_session_facts(session) for session in page.auto_paging_iter()]


def _account_facts(account: stripe.Account) -> AccountFacts:
    asked: Any = account.requirements
    due = [] if asked is None else [*(asked.past_due or ()), *(asked.currently_due or ())]
    return AccountFacts(
        id=account.id,
        country=str(account.country or ""),
        currency=str(account.default_currency or "").upper(),
        charges_enabled=bool(account.charges_enabled),
        payouts_enabled=bool(account.payouts_enabled),
        details_submitted=bool(account.details_submitted),
        requirements=tuple(dict.fromkeys(due)),
        disabled_reason=str((asked.disabled_reason if asked is not None else None) or "")[:100],
    )


@_translated
def create_account(asked: AccountRequest) -> AccountFacts:
    """Make an account for an organization: its own in everything. It is the merchant of its gifts and pays their fees, Stripe
    collects what it has to know and bears losses, and it has Stripe's whole dashboard. Raises GatewayError.

    https://docs.stripe.com/connect/migrate-to-controller-properties: what was called a standard account.
    """
    account = _client().v1.accounts.create(
        {
            "country": asked.country,
            "controller": {
                "fees": {"payer": "account"},
                "losses": {"payments": "stripe"},
                "requirement_collection": "stripe",
                "stripe_dashboard": {"type": "full"},
            },
            "capabilities": {"card_payments": {"requested": True}},
            "metadata": {"organization_id": asked.organization, "attempt": str(asked.attempt)},
        },
        _options(None, asked.idempotency_key),
    )
    return _account_facts(account)


@_translated
def find_made_accounts(asked: AccountRequest, since: dt.datetime) -> list[AccountFacts]:
    """The accounts that Stripe made for `asked` since `since`, oldest first, by their metadata, which only this installation
    writes. Raises GatewayError."""
    page = _client().v1.accounts.list({"created": {"gte": int(since.timestamp())}, "limit": PAGE})
    wanted = (asked.organization, asked.attempt)
    found = [one for one in page.auto_paging_iter() if (_metadata(one, "organization_id"), _attempt(one)) == wanted]
    return [_account_facts(one) for one in reversed(found)]


@_translated
def fetch_account(account_id: str) -> AccountFacts:
    """The account as it is now. Raises GatewayError; its code is ACCOUNT_GONE when the organization took it from us."""
    return _account_facts(_client().v1.accounts.retrieve(account_id))


@_translated
def create_account_link(account_id: str, *, refresh_url: str, return_url: str, idempotency_key: str) -> str:
    """The address where Stripe asks the organization for what is missing; it works once and a few minutes. Raises
    GatewayError."""
    link = _client().v1.account_links.create(
        {
            "account": account_id,
            "type": "account_onboarding",
            "refresh_url": refresh_url,
            "return_url": return_url,
        },
        _options(None, idempotency_key),
    )
    return link.url


def verify_webhook(payload: bytes, header: str | None, secret: str) -> EventFacts:
    """The event in `payload`, once its signature (Stripe-Signature, scheme v1, 300 s tolerance) is proved.

    https://docs.stripe.com/webhooks/signatures. Raises BadSignature for anything else, a body that is no event included.
    """
    import stripe

    if not secret:  # nothing is proved by a secret that everybody knows
        raise BadSignature("no secret")
    if header is None or not header.isascii():  # the package compares text, and only ASCII compares in constant time
        raise BadSignature("missing or not ASCII")
    try:
        stripe.WebhookSignature.verify_header(payload, header, secret, SIGNATURE_TOLERANCE_SECONDS)
        return _event_in(json.loads(payload))
    except (stripe.SignatureVerificationError, ValueError, KeyError, AttributeError, TypeError) as error:
        raise BadSignature(type(error).__name__) from error


def _event_in(event: Any) -> EventFacts:
    """The facts in a proved body: read as plain JSON, as the package's objects cost more than everything else about it.

    Raises ValueError, KeyError and TypeError for what is no event (events of Stripe's second kind among them).
    """
    if event["object"] != "event":
        raise ValueError("no event")
    account, thing = event.get("account"), event["data"]["object"]
    texts = [event["id"], event["type"], thing.get("id") or "", account or ""]
    if not all(isinstance(text, str) for text in texts) or not isinstance(event["livemode"], bool):
        raise ValueError("no event")
    return EventFacts(
        id=texts[0],
        type=texts[1],
        object_id=texts[2],
        account=account,
        livemode=event["livemode"],
        created_at=_instant(event["created"]),
    )


__all__ = [
    "ACCOUNT_GONE",
    "AccountFacts",
    "AccountRequest",
    "BadSignature",
    "CheckoutRequest",
    "EventFacts",
    "GatewayError",
    "PaymentFacts",
    "SessionFacts",
    "connects",
    "create_account",
    "create_account_link",
    "create_checkout_session",
    "expects_livemode",
    "expire_session",
    "fetch_account",
    "fetch_payment",
    "fetch_session",
    "find_made_accounts",
    "find_payment_of_charge",
    "is_on",
    "list_events",
    "list_sessions",
    "mode",
    "verify_webhook",
]
