"""Monthly gifts: the acts that talk to Stripe in between. Call these outside a transaction; each may be repeated."""

from __future__ import annotations

import contextlib
import datetime as dt
from collections.abc import Iterator

import structlog
from flask import current_app

from app.core.clock import now, today
from app.core.db import db, transaction
from app.core.errors import InvalidInput, refuse
from app.core.i18n import _
from app.core.money import BadAmount, Money, check_chargeable, explain
from app.donations import accounts, checkout, gateway, gateway_monthly, monthly_queries
from app.donations.asking import make_once
from app.donations.gateway import ACCOUNT_GONE, GatewayError
from app.donations.models import PLATFORM
from app.donations.operations import astray, inbox
from app.donations.operations import monthly as operations
from app.donations.queries import StoredEvent
from app.donations.sweeping import ask_each

log = structlog.get_logger(__name__)
RECHECK = dt.timedelta(hours=1)
# What Stripe has not confirmed by then is not left to its promise alone.
STOPS_WITHIN = dt.timedelta(minutes=15)
TOLD_BEFORE = dt.timedelta(days=7)
# How far back the months of one gift are looked for that nobody told of.
LOOK_BACK = dt.timedelta(days=70)


def own_url(gift_id: int) -> str:
    """The donor's own page of a monthly gift."""
    base: str = current_app.config["SETTINGS"].base_url
    return f"{base}/monthly/{monthly_queries.monthly_token(gift_id)}"


def handle_event(event: StoredEvent) -> None:
    """Answer a stored event about a subscription or one of its invoices. Raises GatewayError."""
    account = event.account
    if event.type.startswith("customer.subscription."):
        asked_at = now()
        facts = gateway_monthly.fetch_subscription(event.object_id, account=account)
        gift_id = monthly_queries.find_monthly_id(facts.id, facts.monthly_gift, account, facts.attempt)
        lost = None if gift_id is not None else monthly_queries.find_astray_id(facts.monthly_gift, account)
        db.session.rollback()
        if lost is not None:
            end_astray(lost, facts.id)
        with transaction():
            if gift_id is not None:  # what changed after a newer answer has an event of its own
                operations.note_subscription(gift_id, facts, asked_at=asked_at)
            foreign = gift_id is None and lost is None
            inbox.close_event(event.id, "ignored" if foreign else "handled", "not ours" if foreign else "")
        return
    invoice_id: str | None = event.object_id
    if event.type.startswith("invoice_payment."):
        invoice_id = gateway_monthly.find_invoice_of_payment(event.object_id, account=account)
    if invoice_id is None or not _follow(invoice_id, account, event_id=event.id):
        with transaction():
            inbox.close_event(event.id, "ignored", "not ours")


def _follow(invoice_id: str, account: str | None, *, event_id: int | None = None) -> bool:
    """Apply what Stripe says of one invoice now; False when it is none of ours. Raises GatewayError."""
    invoice = gateway_monthly.fetch_invoice(invoice_id, account=account)
    gift_id = monthly_queries.find_monthly_id(invoice.subscription_id, invoice.monthly_gift, account, invoice.attempt)
    first = None if gift_id is None else monthly_queries.find_first_donation_id(gift_id)
    lost = None if gift_id is not None else monthly_queries.find_astray_id(invoice.monthly_gift, account)
    db.session.rollback()
    if lost is not None and invoice.subscription_id is not None:
        end_astray(lost, invoice.subscription_id)
        if event_id is not None:
            with transaction():
                inbox.close_event(event_id, "handled")
        return True
    if gift_id is None or first is None:
        return False
    if invoice.is_first:  # its page at Stripe says the same, and there is one place where a gift becomes paid
        checkout.fulfil(first, event_id=event_id)
        return True
    payment = None
    failed = invoice.status == "open" and bool(invoice.attempts)
    if invoice.payment_intent_id is not None and (invoice.status == "paid" or failed):
        payment = gateway.fetch_payment(invoice.payment_intent_id, account=account).confirmed(invoice.paid_at)
    with transaction():
        if invoice.status == "paid":
            operations.renew(gift_id, invoice, payment, livemode=gateway.expects_livemode())
        elif failed and (payment is None or payment.status != "processing"):
            # While a bank is asked it has neither come nor failed, whatever became of the try before.
            operations.note_failure(gift_id, invoice)
        if event_id is not None:
            inbox.close_event(event_id, "handled")
    return True


def refresh(gift_id: int) -> None:
    """Ask how the subscription stands and which months were paid that nobody told of. Raises GatewayError."""
    gift = monthly_queries.find_monthly(gift_id)
    subscription = None if gift is None else gift.stripe_subscription_id
    account = None if gift is None else gift.account
    db.session.rollback()
    if subscription is None or accounts.is_gone(account):
        return
    asked_at = now()
    try:
        facts = gateway_monthly.fetch_subscription(subscription, account=account)
        found = gateway_monthly.list_invoices(subscription, now() - LOOK_BACK, account=account)
    except GatewayError as error:
        if error.code != ACCOUNT_GONE:
            raise
        if account is not None:
            accounts.doubt(account)
        return
    for invoice_id in found:
        known = operations.find_by_invoice(invoice_id)
        db.session.rollback()
        if known is None:
            _follow(invoice_id, account)
    with transaction():
        operations.note_subscription(gift_id, facts, asked_at=asked_at)


def end_all_of(account: str) -> None:
    """The organization took `account` from us: its monthly gifts end here, each in a transaction of its own, and their donors
    are told that we cannot stop them at Stripe."""
    running = monthly_queries.list_running_on(account)
    db.session.rollback()
    for gift_id in running:
        with transaction():
            operations.cut_off(gift_id)


def end_astray(gift_id: int, subscription_id: str) -> None:
    """End a subscription at Stripe that a page of an earlier try began and that its monthly gift does not follow, and give back
    whatever it took. Asked again, it changes nothing. Raises GatewayError."""
    gift = monthly_queries.find_monthly(gift_id)
    account = None if gift is None else gift.account
    follows = gift is None or gift.stripe_subscription_id == subscription_id
    db.session.rollback()
    if follows or accounts.is_gone(account):
        return
    if not gateway_monthly.fetch_subscription(subscription_id, account=account).is_over:
        with transaction():
            operations.note_astray(gift_id)
        key = f"manyhands-monthly-astray-{gift_id}-{subscription_id}"
        gateway_monthly.cancel_subscription(subscription_id, key, account=account)
    for invoice_id in gateway_monthly.list_invoices(subscription_id, now() - LOOK_BACK, account=account):
        invoice = gateway_monthly.fetch_invoice(invoice_id, account=account)
        if invoice.payment_intent_id is None:
            continue
        payment = gateway.fetch_payment(invoice.payment_intent_id, account=account).confirmed(invoice.paid_at)
        with transaction():
            astray.take(gift_id, invoice, payment, livemode=gateway.expects_livemode())


def end_failed(gift_id: int, subscription_id: str) -> None:
    """A bank refused the first payment after Stripe had begun the subscription: nobody wants it to go on to ask for months.
    When the organization took its account from us nobody can end it, and its donor is told. Asked again, it changes nothing.
    Raises GatewayError."""
    account = monthly_queries.find_failed(gift_id, subscription_id)
    db.session.rollback()
    if account is None:
        return
    if accounts.is_gone(account.id):
        with transaction():
            operations.cut_off(gift_id)
        return
    if not gateway_monthly.fetch_subscription(subscription_id, account=account.id).is_over:
        key = f"manyhands-monthly-failed-{gift_id}-{subscription_id}"
        gateway_monthly.cancel_subscription(
            subscription_id, key, account=account.id, comment=gateway_monthly.NEVER_PAID
        )


def stop(gift_id: int) -> None:
    """Tell Stripe that a monthly gift which was asked to stop, or has ended here, has ended. When the organization took its
    account from us nobody can, and that is said. Raises GatewayError."""
    gift = monthly_queries.find_monthly(gift_id)
    if gift is None:
        return
    subscription, account = gift.stripe_subscription_id, gift.account
    # Nobody asked for that: it has ended here because its account seemed to be taken from us.
    was_cut_off = gift.ended_by == "account" and gift.stop_asked_at is None
    db.session.rollback()
    if subscription is None:
        first = monthly_queries.find_first_donation_id(gift_id)
        db.session.rollback()
        if first is not None:
            checkout.expire(first)
        return
    if accounts.is_gone(account):
        with transaction():
            operations.cut_off(gift_id)
        return
    try:
        facts = gateway_monthly.fetch_subscription(subscription, account=account)
        if not facts.is_over:
            key = f"manyhands-monthly-stop-{gift_id}"
            why = gateway_monthly.CUT_OFF if was_cut_off else ""
            facts = gateway_monthly.cancel_subscription(subscription, key, account=account, comment=why)
    except GatewayError as error:
        if error.code == ACCOUNT_GONE and account is not None:
            if not accounts.doubt(account):  # the donor's word holds, and Stripe is told when it answers again
                raise GatewayError(error.code, passing=True) from error
            with transaction():
                operations.cut_off(gift_id)
            return
        if error.passing:
            raise
        facts = gateway_monthly.fetch_subscription(subscription, account=account)
        if not facts.is_over:  # otherwise it has ended already
            raise
    with transaction():
        operations.note_subscription(gift_id, facts, asked_at=now())  # it is over, and stays so whoever asked when


def stop_by_donor(gift_id: int) -> bool:
    """The donor stops it: promised at once, and done now when Stripe answers; False when it has yet to."""
    with transaction():
        operations.ask_to_stop(gift_id, "donor")
    try:
        stop(gift_id)
    except GatewayError as error:
        log.warning("monthly.stop_later", code=error.code)
        return False
    return True


def change_amount(gift_id: int, amount: Money, *, locale: str = "en") -> None:
    """Give another amount from the next month on. Raises InvalidInput, Refused when it has ended or Stripe refuses for good (then
    nothing has changed), GatewayError when Stripe does not answer (then the same again continues, and the page shows what
    holds)."""
    gift = monthly_queries.find_monthly(gift_id)
    if gift is None or gift.stripe_subscription_id is None:
        raise refuse("monthly_over", _("This monthly gift has ended"))
    subscription, account, currency = gift.stripe_subscription_id, gift.account, gift.currency
    db.session.rollback()
    if amount.currency != currency:
        raise InvalidInput({"amount": _("This fundraiser takes gifts in %(currency)s", currency=currency)})
    try:
        check_chargeable(amount)
    except BadAmount as bad:
        raise InvalidInput({"amount": explain(bad, currency, locale)}) from bad
    with transaction():
        act = operations.next_act(gift_id, wanted=amount)
    with _refusals_told(gift_id, act):
        asked_at, facts = now(), _fetch_running(gift_id, subscription, account)
        if facts.amount != amount:
            key = f"manyhands-monthly-amount-{gift_id}-{act}"
            asked_at, facts = now(), gateway_monthly.change_amount(facts, amount, key, account=account)
    _keep(gift_id, facts, account, asked_at)


def _keep(gift_id: int, facts: gateway_monthly.SubscriptionFacts, account: str | None, asked_at: dt.datetime) -> None:
    """Keep what came of an act that was asked for at `asked_at`. When somebody asked after that and wrote before, nobody knows
    which of the answers is newer: how it stands is asked once more. Raises GatewayError."""
    with transaction():
        is_kept = operations.note_subscription(gift_id, facts, asked_at=asked_at)
    if not is_kept:
        asked_at, facts = now(), gateway_monthly.fetch_subscription(facts.id, account=account)
        with transaction():
            operations.note_subscription(gift_id, facts, asked_at=asked_at)


def _fetch_running(gift_id: int, subscription: str, account: str | None) -> gateway_monthly.SubscriptionFacts:
    """The subscription as it is now: the news of its end may be late, and then nothing is asked that Stripe has to refuse. Raises
    Refused when it has ended, GatewayError."""
    asked_at, facts = now(), gateway_monthly.fetch_subscription(subscription, account=account)
    if facts.is_over:
        with transaction():
            operations.note_subscription(gift_id, facts, asked_at=asked_at)
        raise operations.over()
    return facts


@contextlib.contextmanager
def _refusals_told(gift_id: int, act: int) -> Iterator[None]:
    """What Stripe refuses for good is a refusal of ours: asked again, it would say the same. How the gift stands is asked afresh,
    for it may have ended there. Raises Refused, InvalidInput for an amount; GatewayError while the same may succeed later."""
    try:
        yield
    except GatewayError as error:
        if error.passing:
            raise
        log.warning("monthly.refused", code=error.code)
        gone = error.code == ACCOUNT_GONE
        try:
            refresh(gift_id)
        except GatewayError as silent:
            if silent.passing:
                raise
        with transaction():
            refused = operations.note_refused(gift_id, act, account_gone=gone)
        if refused.reasons[0].code == "payment_refused" and error.code in checkout.REFUSED_FIELDS:
            name, why = checkout.REFUSED_FIELDS[error.code]  # by the currency that the account settles in
            raise InvalidInput({name: str(why)}) from error
        raise refused from error


def pause(gift_id: int, *, paused: bool) -> None:
    """Let no month be paid until the donor resumes it, or resume it, whoever paused it. Raises Refused when it has ended, Stripe
    refuses for good or it is not resumed all the same, GatewayError when it does not answer."""
    gift = monthly_queries.find_monthly(gift_id)
    if gift is None or gift.stripe_subscription_id is None:
        raise refuse("monthly_over", _("This monthly gift has ended"))
    subscription, account = gift.stripe_subscription_id, gift.account
    with transaction():
        act = operations.next_act(gift_id)
    key = f"manyhands-monthly-pause-{gift_id}-{act}"
    with _refusals_told(gift_id, act):
        asked_at, facts = now(), _fetch_running(gift_id, subscription, account)
        if facts.paused != paused:
            asked_at = now()
            facts = gateway_monthly.pause_subscription(subscription, key, paused=paused, account=account)
        if facts.is_held and not paused:
            asked_at = now()
            facts = gateway_monthly.resume_subscription(subscription, f"{key}-held", account=account)
    _keep(gift_id, facts, account, asked_at)
    if facts.is_held and not paused:  # it would be, once an invoice is paid
        raise refuse(
            "monthly_paused",
            _("The payment service has not resumed it yet."),
            _("Look again later, or put in another card."),
        )


def open_card_page(gift_id: int) -> str:
    """Where the donor puts in another card. Raises Refused when it has ended or Stripe refuses for good, GatewayError when it
    does not answer."""
    gift = monthly_queries.find_monthly(gift_id)
    if gift is None or gift.stripe_customer_id is None:
        raise refuse("monthly_over", _("This monthly gift has ended"))
    customer, account, subscription = gift.stripe_customer_id, gift.account, gift.stripe_subscription_id
    with transaction():
        act = operations.next_act(gift_id)
    key = f"manyhands-monthly-card-{gift_id}-{act}"
    with _refusals_told(gift_id, act):
        if subscription is not None:
            _fetch_running(gift_id, subscription, account)
        configuration = _portal_configuration(account)
        return gateway_monthly.open_card_page(
            customer, own_url(gift_id), key, configuration=configuration, account=account
        )


def _portal_configuration(account: str | None) -> str:
    """What the page for another card shows, set up at Stripe once for each account and kept. Raises GatewayError."""
    key = account or f"{PLATFORM}:{gateway.mode()}"
    known = monthly_queries.find_portal_configuration(key)
    db.session.rollback()
    if known is not None:
        return known
    made = make_once(
        f"manyhands-portal-{account or 'own'}",
        lambda made_key: gateway_monthly.create_portal_configuration(made_key, account=account),
    )
    with transaction():
        return operations.keep_portal_configuration(key, made)


# --- sweeps -------------------------------------------------------------------------------------------------------


def check_monthly() -> None:
    """Sweep: ask about monthly gifts whose month should have come (rule 5), stop those of fundraisers that are over, and tell
    Stripe once more of those that were stopped and run there still: whatever became of a promise, a donor's word holds."""
    if not gateway.is_on():
        return
    mode = gateway.mode()
    for fundraiser_id in monthly_queries.list_of_closed(mode):
        with transaction():
            operations.close_of(fundraiser_id)
    unstopped = monthly_queries.list_unstopped(mode, now() - STOPS_WITHIN)
    db.session.rollback()
    ask_each("check_monthly", unstopped, stop, operations.note_looked_at)
    due = monthly_queries.list_unchecked(mode, now() - RECHECK)
    db.session.rollback()
    ask_each("check_monthly", due, refresh, operations.note_looked_at)


def tell_of_ends() -> None:
    """Sweep: a week before a fundraiser's last day, tell whoever gives to it every month that this stops then."""
    if not gateway.is_on():
        return
    soon = monthly_queries.list_ending(gateway.mode(), today("UTC") + TOLD_BEFORE)
    db.session.rollback()
    for key, last_day in soon:
        with transaction():
            operations.note_told(key, last_day)
