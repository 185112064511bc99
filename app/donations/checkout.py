"""The acts that talk to Stripe in between: ask or fetch outside any transaction, then write in one.

Call these outside a transaction. Each opens its own; whoever dies in between loses nothing, because each may be repeated.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable

import structlog
from flask import current_app

from app.core.clock import now
from app.core.db import db, transaction
from app.core.errors import refuse
from app.core.i18n import _
from app.core.ids import decode_id, encode_id
from app.core.money import Money
from app.donations import gateway, operations, queries
from app.donations.facts import CheckoutRequest, PaymentFacts
from app.donations.gateway import GatewayError
from app.donations.models import Donation

log = structlog.get_logger(__name__)


def return_url(donation_id: int) -> str:
    """Where the donor comes back to, and may look again later."""
    base: str = current_app.config["SETTINGS"].base_url
    return f"{base}/donations/{queries.donation_token(donation_id)}"


def _request(donation: Donation) -> CheckoutRequest:
    """What the session is asked for: derived from the row alone, so that a retry asks exactly the same (F6)."""
    address = return_url(donation.id)
    return CheckoutRequest(
        donation=encode_id(donation.id),
        amount=Money(donation.amount_minor, donation.currency),
        title=donation.fundraiser.organization.name,
        email=donation.email,
        success_url=address,
        cancel_url=f"{address}?from=checkout",
        expires_at=donation.created_at.replace(microsecond=0) + operations.CHECKOUT_LIFETIME,
        idempotency_key=operations.idempotency_key(donation.id, "checkout"),
    )


def open_checkout(donation_id: int) -> str:
    """The address of the page where this donation is paid. Asked again, it gives the same page.

    Raises Refused when it can no longer be paid or the fundraiser closed, GatewayError when Stripe does not answer (the
    donation stays pending, and the same form sent again continues with it).
    """
    donation = queries.find_donation(donation_id)
    if donation is None or not operations.can_open_checkout(donation):
        raise refuse("checkout_over", _("This gift can no longer be paid"), _("Start a new one"))
    if donation.stripe_session_id is not None and donation.checkout_url:
        return donation.checkout_url
    asked = _request(donation)
    db.session.rollback()
    session = gateway.create_checkout_session(asked)
    with transaction():
        saved = operations.save_session(donation_id, session)
        closed = not operations.can_open_checkout(saved)
    if closed:
        raise refuse("fundraiser_closed", _("This fundraiser takes no gifts now"))
    return session.url


def fulfil(donation_id: int, *, session_id: str | None = None, event_id: int | None = None) -> str:
    """Fetch the truth about one donation and apply it; returns its status then. Raises GatewayError.

    `session_id` names the session when our row does not know it yet; `event_id` is the stored event this answers.
    """
    donation = queries.find_donation(donation_id)
    known = None if donation is None else donation.stripe_session_id or session_id
    status = "" if donation is None else donation.status
    db.session.rollback()
    if known is None:
        if event_id is not None:
            with transaction():
                operations.close_event(event_id, "ignored", "not ours")
        return status
    session = gateway.fetch_session(known)
    payment: PaymentFacts | None = None
    if session.payment_intent_id is not None:
        payment = gateway.fetch_payment(session.payment_intent_id)
    with transaction():
        return operations.fulfil(
            donation_id, session, payment, livemode=gateway.expects_livemode(), event_id=event_id
        ).status


def fulfil_if_waiting(donation: Donation) -> None:
    """The return page: the donor may come back before the webhook. When Stripe does not answer, the page says it waits."""
    if not gateway.is_on() or donation.status not in ("pending", "processing") or donation.stripe_session_id is None:
        return
    try:
        fulfil(donation.id)
    except GatewayError as error:
        log.warning("checkout.not_fetched", code=error.code)


def expire(donation_id: int) -> None:
    """Close the checkout of a donation nobody has paid. Raises GatewayError when Stripe cannot be asked.

    A session that is no longer open cannot be closed: what became of it is fetched instead.
    """
    donation = queries.find_donation(donation_id)
    session_id = None if donation is None or donation.status != "pending" else donation.stripe_session_id
    db.session.rollback()
    if session_id is None:
        return
    if gateway.fetch_session(session_id).status == "open":
        try:
            gateway.expire_session(session_id, operations.idempotency_key(donation_id, "expire"))
        except GatewayError as error:
            if error.passing:
                raise
            log.info("checkout.not_expired", code=error.code)
    fulfil(donation_id)


def handle_event(event_id: int) -> None:
    """Answer one stored event: find whose donation it speaks of, and fulfil that. Raises GatewayError."""
    event = queries.find_open_event(event_id)
    if event is None:
        return
    donation_id, session_id = _find_donation(event.type, event.object_id)
    if donation_id is None:
        with transaction():
            operations.close_event(event_id, "ignored", "not ours")
        return
    fulfil(donation_id, session_id=session_id, event_id=event_id)


def _find_donation(event_type: str, object_id: str) -> tuple[int | None, str | None]:
    """The donation an event speaks of, by Stripe's ids that we know, else by the metadata we sent; and its session."""
    if event_type.startswith("checkout.session."):
        found = queries.find_donation_id(session_id=object_id)
        db.session.rollback()
        return (found, object_id) if found else (_ours(gateway.fetch_session(object_id).donation), object_id)
    if event_type.startswith("payment_intent."):
        return _find_by_payment(object_id), None
    found = queries.find_donation_id(charge_id=object_id)
    db.session.rollback()
    if found is not None:
        return found, None
    payment_id = gateway.find_payment_of_charge(object_id)
    return (None if payment_id is None else _find_by_payment(payment_id)), None


def _find_by_payment(payment_id: str) -> int | None:
    found = queries.find_donation_id(payment_id=payment_id)
    db.session.rollback()
    return found or _ours(gateway.fetch_payment(payment_id).donation)


def _ours(public_id: str) -> int | None:
    """The donation that metadata names, when it is one of this installation's."""
    key = decode_id(public_id)
    found = key if key is not None and queries.is_donation(key) else None
    db.session.rollback()
    return found


# --- sweeps -------------------------------------------------------------------------------------------------------

STALE = dt.timedelta(minutes=15)
OVERLAP = dt.timedelta(minutes=10)
FIRST_LOOK_BACK = dt.timedelta(days=3)


def _try_each(name: str, keys: list[int], act: Callable[[int], object]) -> None:
    """Do `act` for each; one that Stripe does not answer waits for the next sweep, and the others go on."""
    for key in keys:
        try:
            act(key)
        except GatewayError as error:
            log.warning("sweep.passed_over", sweep=name, code=error.code)


def check_stale() -> None:
    """Sweep: ask Stripe about donations it has not spoken of for a while, and about fees not known yet."""
    if not gateway.is_on():
        return
    with transaction():
        for key in queries.list_never_opened(now() - operations.CHECKOUT_OPENING):
            operations.abandon(key)
    _try_each("check_stale", queries.list_stale(now() - STALE), fulfil)


def close_checkouts() -> None:
    """Sweep: expire sessions of fundraisers that take no gifts any more, however that came about (F8)."""
    if gateway.is_on():
        _try_each("close_checkouts", queries.list_to_expire(), expire)


def list_missed_events() -> None:
    """Sweep: store the events Stripe lists and nobody delivered (rule 5)."""
    if not gateway.is_on():
        return
    began = now()
    since = queries.find_listed_until()
    db.session.rollback()
    since = began - FIRST_LOOK_BACK if since is None else since - OVERLAP
    events = gateway.list_events(since, operations.HANDLED_TYPES)
    with transaction():
        for event in events:
            operations.store_event(event, livemode=gateway.expects_livemode())
        operations.note_listed(began)
