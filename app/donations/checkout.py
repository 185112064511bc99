"""The acts that talk to Stripe in between: ask or fetch outside any transaction, then write in one.

Call these outside a transaction. Each opens its own; whoever dies in between loses nothing, because each may be repeated.
"""

from __future__ import annotations

import contextlib
import dataclasses
import datetime as dt
from collections.abc import Iterator

import structlog
from flask import current_app

from app.core.clock import now
from app.core.db import db, lock, transaction
from app.core.errors import InvalidInput, Refused, refuse
from app.core.i18n import _, lazy
from app.core.ids import decode_id, encode_id
from app.core.mail_address import find_plain_address
from app.core.money import Money, format_money
from app.donations import accounts, gateway, gateway_monthly, queries, words
from app.donations.asking import make_once
from app.donations.facts import CheckoutRequest, PaymentFacts, SessionFacts
from app.donations.gateway import GatewayError
from app.donations.models import Donation
from app.donations.monthly_models import MonthlyGift
from app.donations.operations import fulfilling, giving, inbox, monthly
from app.donations.payees import list_asked_accounts
from app.donations.policy import RESUMABLE
from app.donations.queries import StoredEvent
from app.donations.sweeping import ask_each

log = structlog.get_logger(__name__)


# What Stripe may refuse of what a donor typed: it reckons the smallest amount in the currency that the account settles in
# (https://docs.stripe.com/error-codes).
REFUSED_FIELDS = {
    "email_invalid": ("email", lazy("The payment service does not take this address. Give another one")),
    "amount_too_small": ("amount", lazy("This is less than the payment service takes. Give a little more")),
    "amount_too_large": ("amount", lazy("This is more than the payment service takes at once")),
}
# Somebody went on with the same gift at the same moment; the page that was asked for is closed.
SUPERSEDED = "superseded"
# How often to look again when somebody else went on with the same gift at the same moment.
RESUME_TRIES = 6


def return_url(donation_id: int) -> str:
    """Where the donor comes back to, and may look again later."""
    base: str = current_app.config["SETTINGS"].base_url
    return f"{base}/donations/{queries.donation_token(donation_id)}"


def _request(donation: Donation) -> CheckoutRequest:
    """What the session is asked for: derived from the row alone, so that a retry asks exactly the same (F6)."""
    address = return_url(donation.id)
    return CheckoutRequest(
        donation=encode_id(donation.id),
        attempt=donation.attempt,
        amount=Money(donation.amount_minor, donation.currency),
        title=donation.checkout_title or words.payment_title(donation),
        email=find_plain_address(donation.email) or "",
        success_url=address,
        cancel_url=f"{address}?from=checkout",
        expires_at=donation.asked_at.replace(microsecond=0) + giving.CHECKOUT_LIFETIME,
        idempotency_key=giving.idempotency_key(donation.id, "checkout", donation.attempt),
        monthly_gift="" if donation.monthly_gift_id is None else encode_id(donation.monthly_gift_id),
    )


@contextlib.contextmanager
def _refusals_logged() -> Iterator[None]:
    """What Stripe refuses for good of a donor's page is a mistake of ours, or the installation's: no press of theirs helps."""
    try:
        yield
    except GatewayError as error:
        if not error.passing:
            log.error("checkout.refused", code=error.code, parameter=error.parameter)
        raise


@_refusals_logged()
def open_checkout(donation_id: int) -> str:
    """The address of the page where this donation is paid. Asked again, it gives the same page.

    Raises Refused when it can no longer be paid or the fundraiser closed, InvalidInput for what Stripe does not take of a donor
    (the gift has expired then), GatewayError when Stripe does not answer (the
    donation stays pending, and the same form sent again continues with it) or, not passing, refuses for good.
    """
    return _open_checkout(donation_id)


def _open_checkout(donation_id: int) -> str:
    donation = queries.find_donation(donation_id)
    if donation is None or not giving.can_open_checkout(donation):
        raise refuse("checkout_over", _("This gift can no longer be paid"), _("Start a new one"))
    if donation.stripe_session_id is not None and donation.checkout_url:
        return donation.checkout_url
    asked, account = _request(donation), donation.account
    db.session.rollback()
    if account is not None and accounts.is_stale(account) and not accounts.can_charge_now(account):
        raise giving.no_payee()
    try:
        session = _make_session(asked, account)
    except GatewayError as error:
        if account is not None and not error.passing and not accounts.can_charge_now(account):
            raise giving.no_payee() from error
        if error.code in REFUSED_FIELDS:
            with transaction():
                giving.let_go(donation_id)
            name, why = REFUSED_FIELDS[error.code]
            raise InvalidInput({name: str(why)}) from error
        raise
    with transaction():
        saved = giving.save_session(donation_id, session)
        superseded = saved.stripe_session_id != session.id
        closed = not giving.can_open_checkout(saved)
    if superseded:  # somebody went on with another amount in the meantime: this page is closed
        raise GatewayError(SUPERSEDED, passing=True)
    if closed:
        raise refuse("fundraiser_closed", _("This fundraiser takes no gifts now"))
    return session.url


@_refusals_logged()
def resume(donation_id: int, amount: Money, *, cover_fee: bool | None = None, locale: str = "en") -> str | None:
    """Go on with a gift that was not paid, with the gift `amount`: the address of the page where it is paid; None when there
    is nothing left to pay (it was paid in the meantime, or is on its way). `cover_fee` None: as it was.

    The same page while it lives and the amount is the same. Otherwise that page is closed first, and only when Stripe says
    that nobody can pay through it a new one is asked for, under a key of its own: never two that can be paid. When another
    press begins a try with another amount first, that one holds and this is refused (gone_on). Raises
    Refused, InvalidInput, and GatewayError when Stripe does not answer (nothing was taken; the same again continues) or, not
    passing, refuses for good.
    """
    own: int | None = None  # the try that this press saw first, or began
    for _try in range(RESUME_TRIES):
        donation = queries.find_donation(donation_id)
        if donation is None or donation.status not in RESUMABLE:
            return None
        total = giving.resumed_total(
            donation, gateway.mode(), amount, locale, connect=gateway.connects(), cover_fee=cover_fee
        )
        asked, status, session_id = _request(donation), donation.status, donation.stripe_session_id
        account, monthly_gift_id = donation.account, donation.monthly_gift_id
        own = asked.attempt if own is None else own
        if asked.attempt != own and asked.amount != total:
            raise _gone_on(Money(donation.gift_minor, donation.currency), locale)
        may_open = giving.can_open_checkout(donation) and asked.amount == total
        db.session.rollback()
        if status == "pending" and session_id is not None:
            session = gateway.fetch_session(session_id, account=account)
            if session.status == "open" and asked.amount == total:
                return session.url
            _close(donation_id, session, asked.attempt, account)
            if fulfil(donation_id) == "pending" and _find_attempt(donation_id) == asked.attempt:
                raise GatewayError("still_open", passing=True)
            continue
        if may_open:
            try:
                return _open_checkout(donation_id)
            except GatewayError as error:
                if error.code != SUPERSEDED:
                    raise
                continue
        if session_id is None and _settle_lost(donation_id, asked, account):
            continue
        if monthly_gift_id is not None:
            _end_earlier(monthly_gift_id, asked.attempt, account)
        with transaction():
            begun = giving.begin_attempt(
                donation_id,
                attempt=asked.attempt,
                amount=amount,
                mode=gateway.mode(),
                connect=gateway.connects(),
                cover_fee=cover_fee,
                locale=locale,
            )
        own = asked.attempt + 1 if begun else own
    raise GatewayError("busy", passing=True)


def _gone_on(gift: Money, locale: str) -> Refused:
    return refuse(
        "gone_on",
        _("At the same moment this gift went on with another amount: %(amount)s", amount=format_money(gift, locale)),
        _("Choose the amount that you mean, and go on"),
    )


def _find_attempt(donation_id: int) -> int | None:
    """Which try is made now."""
    donation = queries.find_donation(donation_id)
    attempt = None if donation is None else donation.attempt
    db.session.rollback()
    return attempt


@_refusals_logged()
def cancel(donation_id: int) -> str:
    """The donor does not want to give: close the page, whoever has it open; the status then. What was paid in the meantime
    stays paid. Raises GatewayError when Stripe cannot be asked, or refuses."""
    expire(donation_id)
    donation = queries.find_donation(donation_id)
    # A later month, and a gift in person, never had a page: there is none to look for.
    may_have_page = donation is not None and donation.status in RESUMABLE and donation.stripe_session_id is None
    asked = None if donation is None or not may_have_page else _request(donation)
    account = None if donation is None else donation.account
    db.session.rollback()
    if asked is not None and not accounts.is_gone(account):
        _settle_lost(donation_id, asked, account)
    with transaction():
        return giving.cancel_donation(donation_id).status


def _close(donation_id: int, session: SessionFacts, attempt: int, account: str | None) -> None:
    """Let nobody pay through a session; one that is no longer open is left as it is."""
    if session.status != "open":
        return
    try:
        make_once(
            giving.idempotency_key(donation_id, "expire", attempt),
            lambda key: gateway.expire_session(session.id, key, account=account),
            lambda: _find_closed(session.id, account),
        )
    except GatewayError as error:
        if error.passing:
            raise
        log.info("checkout.not_expired", code=error.code)


def _find_closed(session_id: str, account: str | None) -> SessionFacts | None:
    session = gateway.fetch_session(session_id, account=account)
    return session if session.status != "open" else None


def _settle_lost(donation_id: int, asked: CheckoutRequest, account: str | None) -> bool:
    """The session that an answer lost on the way may have left behind: nobody shall pay through it, and what was paid through
    it counts. False when Stripe never made one."""
    session = _find_lost(asked, account)
    if session is None:
        return False
    _close(donation_id, session, asked.attempt, account)
    fulfil(donation_id, session_id=session.id)
    return True


def _find_lost(asked: CheckoutRequest, account: str | None) -> SessionFacts | None:
    """The session of a try that our row does not know. While it may be made it is asked for again under its key, which names
    it; later it is looked for among those that were made in that time."""
    begun = asked.expires_at - giving.CHECKOUT_LIFETIME
    if now() < begun + giving.CHECKOUT_OPENING:
        try:
            made = _make_session(asked, account)
        except GatewayError as error:
            if error.passing:
                raise
            # It may refuse because it made one when it was asked otherwise: that one is in its list.
        else:
            return gateway.fetch_session(made.id, account=account)
    return _find_listed(asked, account)


def _make_session(asked: CheckoutRequest, account: str | None) -> SessionFacts:
    """The page of one try, made once. Raises GatewayError."""
    return make_once(
        asked.idempotency_key,
        lambda key: gateway.create_checkout_session(dataclasses.replace(asked, idempotency_key=key), account=account),
        lambda: _find_listed(asked, account),
    )


def _find_listed(asked: CheckoutRequest, account: str | None) -> SessionFacts | None:
    """The session of a try among those that Stripe made in its time. Raises GatewayError."""
    begun = asked.expires_at - giving.CHECKOUT_LIFETIME
    until = asked.expires_at + OVERLAP  # its clock may differ from ours
    for session in gateway.list_sessions(begun - OVERLAP, account=account, until=until):
        if (session.donation, session.attempt) == (asked.donation, asked.attempt):
            return session
    return None


def _end_earlier(monthly_gift_id: int, attempt: int, account: str | None) -> None:
    """A bank may refuse a first payment days after Stripe began the subscription: that one shall not go on to ask for months
    beside the one of the next try."""
    gift = db.session.get(MonthlyGift, monthly_gift_id)
    subscription = None if gift is None or gift.status != "pending" else gift.stripe_subscription_id
    db.session.rollback()
    if subscription is None:
        return
    if not gateway_monthly.fetch_subscription(subscription, account=account).is_over:
        key = f"manyhands-monthly-again-{monthly_gift_id}-{attempt}"
        gateway_monthly.cancel_subscription(subscription, key, account=account)


def fulfil(donation_id: int, *, session_id: str | None = None, event_id: int | None = None) -> str:
    """Fetch the truth about one donation and apply it; returns its status then. Raises GatewayError.

    `session_id` names the session that is spoken of, which our row may not know, or know as one of an earlier try; `event_id`
    is the stored event this answers.
    """
    donation = queries.find_donation(donation_id)
    known = None if donation is None else session_id or donation.stripe_session_id
    status = "" if donation is None else donation.status
    account = None if donation is None else donation.account
    monthly_gift_id = None if donation is None else donation.monthly_gift_id
    payment_known = None if donation is None else donation.stripe_payment_intent_id
    db.session.rollback()
    if known is None and payment_known is not None:
        return _settle_month(donation_id, payment_known, account, event_id)
    if known is None:
        if event_id is not None:
            with transaction():
                inbox.close_event(event_id, "ignored", "not ours")
        return status
    session = gateway.fetch_session(known, account=account)
    payment: PaymentFacts | None = None
    payment_id = session.payment_intent_id
    paid_at: dt.datetime | None = None
    next_at: dt.datetime | None = None
    invoice_paid = False
    if payment_id is None and session.invoice_id is not None:  # of a monthly gift: its first invoice was paid there
        invoice = gateway_monthly.fetch_invoice(session.invoice_id, account=account)
        payment_id, paid_at, invoice_paid = invoice.payment_intent_id, invoice.paid_at, invoice.status == "paid"
        next_at = invoice.period_ends_at
    if payment_id is not None:
        payment = gateway.fetch_payment(payment_id, account=account)
        if invoice_paid and payment.status == "succeeded" and session.status == "complete":
            # A bank refused it once, and let it be taken later: the page's session need not say so any more.
            session = dataclasses.replace(session, payment_status="paid")
        if status == "processing":  # whatever way to pay this is: a bank had it to confirm
            payment = dataclasses.replace(payment, is_delayed=True)
        if payment.is_delayed and session.payment_status == "paid" and status != "paid":
            payment = payment.confirmed(paid_at or _confirmed_at(session, payment, account) or payment.paid_at)
    with transaction():
        if monthly_gift_id is not None:
            lock(MonthlyGift, monthly_gift_id)  # before its donations, as renewals do
        done = fulfilling.fulfil(donation_id, session, payment, livemode=gateway.expects_livemode(), event_id=event_id)
        monthly.note_session(done, session, next_at)
        if session.attempt != done.attempt and session.subscription_id is not None:
            monthly.promise_to_end_astray(done, session.subscription_id)
        elif done.status == "failed" and session.subscription_id is not None:
            monthly.promise_to_end_failed(done, session.subscription_id)
        return done.status


CONFIRMED = "checkout.session.async_payment_succeeded"


def _confirmed_at(session: SessionFacts, payment: PaymentFacts, account: str | None) -> dt.datetime | None:
    """When a bank confirmed a payment, which only an event says: one that was told, or stands in Stripe's list (it keeps them
    for 30 days). None when nothing says so, or Stripe may not be asked. Raises GatewayError while it does not answer."""
    told = queries.find_event_at(CONFIRMED, session.id, account)
    db.session.rollback()
    if told is not None:
        return told
    since = payment.charged_at or session.created_at
    try:
        listed = gateway.list_events(since, (CONFIRMED,), account=account)
    except GatewayError as error:
        if error.passing:
            raise
        log.warning(
            "checkout.day_unknown", code=error.code
        )  # a key that may not list them: the gift counts all the same
        return None
    return next((event.created_at for event in listed if event.object_id == session.id), None)


def _settle_month(donation_id: int, payment_id: str, account: str | None, event_id: int | None) -> str:
    """A later month of a monthly gift has no page at Stripe: what is left to learn of it is its fee."""
    payment = gateway.fetch_payment(payment_id, account=account)
    with transaction():
        donation = lock(Donation, donation_id)
        if donation is None:
            raise LookupError("donation")
        donation.checked_at = now()
        if donation.status == "paid":
            fulfilling.settle(donation, payment)
        if event_id is not None:
            inbox.close_event(event_id, "handled")
        return donation.status


def fulfil_if_waiting(donation: Donation) -> bool:
    """The return page: the donor may come back before the webhook. False when Stripe does not answer: then nothing is known
    yet of what happened on the payment page."""
    if donation.status not in ("pending", "processing") or donation.stripe_session_id is None:
        return True
    if donation.mode != gateway.mode():
        return donation.status == "processing"
    try:
        fulfil(donation.id)
    except GatewayError as error:
        log.warning("checkout.not_fetched", code=error.code)
        return False
    return True


def expire(donation_id: int, *, of_attempt: int | None = None) -> None:
    """Close the checkout of a donation nobody has paid; `of_attempt` only that of one try. Raises GatewayError when Stripe
    cannot be asked.

    A session that is no longer open cannot be closed: what became of it is fetched instead.
    """
    donation = queries.find_donation(donation_id)
    session_id = None if donation is None or donation.status != "pending" else donation.stripe_session_id
    attempt, account = (1, None) if donation is None else (donation.attempt, donation.account)
    db.session.rollback()
    if session_id is None or of_attempt not in (None, attempt) or accounts.is_gone(account):
        return
    _close(donation_id, gateway.fetch_session(session_id, account=account), attempt, account)
    fulfil(donation_id)


def let_go_of(account: str) -> None:
    """The organization took `account` from us: nobody can be asked what becomes of the gifts that are not paid yet. They are
    told as expired; what a bank had yet to confirm may be paid there all the same, so a person is to look."""
    waiting = queries.list_waiting_on(account)
    db.session.rollback()
    for donation_id in waiting:
        with transaction():
            giving.let_go(donation_id)


def handle_event(event: StoredEvent) -> None:
    """Answer a stored event that speaks of a gift: find whose, among those paid through the event's own account, and fulfil
    it. Raises GatewayError."""
    donation_id, session_id = _find_donation(event)
    if donation_id is None:
        with transaction():
            inbox.close_event(event.id, "ignored", "not ours")
        return
    fulfil(donation_id, session_id=session_id, event_id=event.id)


def _find_donation(event: StoredEvent) -> tuple[int | None, str | None]:
    """The donation an event speaks of, by Stripe's ids that we know, else by the metadata we sent; and its session."""
    object_id, account = event.object_id, event.account
    if event.type.startswith("checkout.session."):
        found = queries.find_donation_id(account=account, session_id=object_id)
        db.session.rollback()
        if found:
            return found, object_id
        return _ours(gateway.fetch_session(object_id, account=account).donation, account), object_id
    if event.type.startswith("payment_intent."):
        return find_by_payment(object_id, account), None
    return find_by_charge(object_id, account), None


def find_by_charge(charge_id: str, account: str | None) -> int | None:
    """The donation that a charge on `account` pays, or None. Raises GatewayError."""
    found = queries.find_donation_id(account=account, charge_id=charge_id)
    db.session.rollback()
    if found is not None:
        return found
    payment_id = gateway.find_payment_of_charge(charge_id, account=account)
    return None if payment_id is None else find_by_payment(payment_id, account)


def find_by_payment(payment_id: str, account: str | None) -> int | None:
    """The donation that a payment on `account` is for, or None. Raises GatewayError."""
    found = queries.find_donation_id(account=account, payment_id=payment_id)
    db.session.rollback()
    return found or _ours(gateway.fetch_payment(payment_id, account=account).donation, account)


def _ours(public_id: str, account: str | None) -> int | None:
    """The donation that metadata names, when it is one of this installation's and is paid through `account`: an
    organization can write any metadata on its own account."""
    key = decode_id(public_id)
    found = key if key is not None and queries.is_donation(key, account) else None
    db.session.rollback()
    return found


# --- sweeps -------------------------------------------------------------------------------------------------------

STALE = dt.timedelta(minutes=15)
OVERLAP = dt.timedelta(minutes=10)
FIRST_LOOK_BACK = dt.timedelta(days=3)


def check_stale() -> None:
    """Sweep: ask Stripe about donations it has not spoken of for a while, and about fees not known yet."""
    if not gateway.is_on():
        return
    with transaction():
        for key in queries.list_never_opened(now() - giving.CHECKOUT_OPENING):
            giving.abandon(key)
    ask_each("check_stale", queries.list_stale(now() - STALE, mode=gateway.mode()), fulfil, fulfilling.note_looked_at)


def close_checkouts() -> None:
    """Sweep: expire sessions of fundraisers that take no gifts any more, however that came about (F8)."""
    if gateway.is_on():
        keys = [key for key, _attempt in queries.list_to_expire(mode=gateway.mode())]
        ask_each("close_checkouts", keys, expire, fulfilling.note_looked_at)


def list_missed_events() -> None:
    """Sweep: store the events Stripe lists and nobody delivered (rule 5), of the installation's own account and of each
    organization's; one account that does not answer holds up no other."""
    if not gateway.is_on():
        return
    accounts = list_asked_accounts(gateway.mode()) if gateway.connects() else []
    db.session.rollback()
    silent = False
    for account in (None, *accounts):
        try:
            _list_missed(account)
        except GatewayError as error:
            log.warning("sweep.passed_over", sweep="list_missed_events", code=error.code)
            if silent and error.code == gateway.UNREACHABLE:  # two in a row: the next would wait as long
                raise
            silent = error.code == gateway.UNREACHABLE
        else:
            silent = False


def _list_missed(account: str | None) -> None:
    began = now()
    since = queries.find_listed_until(account)
    db.session.rollback()
    since = began - FIRST_LOOK_BACK if since is None else since - OVERLAP
    events = gateway.list_events(since, inbox.HANDLED_TYPES, account=account)
    with transaction():
        for event in events:
            inbox.store_event(event, livemode=gateway.expects_livemode())
        inbox.note_listed(began, account=account)
