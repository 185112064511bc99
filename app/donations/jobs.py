"""What donations promise, and what is due by the clock. Thin: each calls one act."""

from __future__ import annotations

import dataclasses
import functools
from typing import Any

from flask import current_app

from app.accounts.mailbox import deliver_to
from app.accounts.queries import find_person
from app.core.db import lock, transaction
from app.core.ids import encode_id
from app.core.jobs import Sweep
from app.core.letters import compose, language_of, speaking
from app.core.mail import Attachment, Mail, deliver
from app.core.money import Money, format_money
from app.core.outbox import Handler, Unanswered
from app.donations import (
    accounts,
    checkout,
    events,
    gateway,
    going_back,
    messages,
    money_jobs,
    monthly,
    monthly_jobs,
    monthly_queries,
    papers,
    policy,
    queries,
    receipt_queries,
    reconciling,
    statements,
    words,
)
from app.donations.models import Donation
from app.donations.operations import giving, receipts
from app.donations.operations.monthly import close_of
from app.donations.page_parts import standing_of
from app.donations.receipt_models import Receipt
from app.fundraisers.goals import given_words, goal_words
from app.fundraisers.policy import SHOWN, accepts_gifts
from app.fundraisers.queries import find_fundraiser_by_id
from app.messages.delivery import send


def handle_stripe_event(payload: dict[str, Any]) -> None:
    """A stored event wakes the worker: fetch what it speaks of, and apply what is true now."""
    events.handle(payload["event_id"])


def expire_checkout(payload: dict[str, Any]) -> None:
    """Close one checkout that must not be paid through any more; the one of a later try was opened since."""
    checkout.expire(payload["donation_id"], of_attempt=payload.get("attempt"))


def close_fundraiser(payload: dict[str, Any]) -> None:
    """A fundraiser closed (F8): one promise per checkout still open, so that one that fails holds up no other."""
    mode = gateway.mode()
    with transaction():
        for key, attempt in queries.list_to_expire(fundraiser_id=payload["fundraiser_id"], mode=mode, limit=10_000):
            giving.promise_to_expire(key, attempt)
        close_of(payload["fundraiser_id"])


def close_account(payload: dict[str, Any]) -> None:
    """An account takes no gifts any more: one promise per checkout that is still open on it."""
    mode = gateway.mode()
    with transaction():
        for key, attempt in queries.list_to_expire(account=payload["account"], mode=mode, limit=10_000):
            giving.promise_to_expire(key, attempt)


def let_go_of_account(payload: dict[str, Any]) -> None:
    """An organization took its account from us: what is under way on it ends here, unless it answers after all."""
    if not payload["told"] and accounts.is_there_again(payload["account"], payload.get("since")):
        return
    monthly.end_all_of(payload["account"])
    checkout.let_go_of(payload["account"])


def mail_thanks(payload: dict[str, Any]) -> None:
    """Thank the donor, saying what arrived and for whom."""
    _write_to_donor("thanks", "paid", payload)


def mail_processing(payload: dict[str, Any]) -> None:
    """Tell the donor that the bank has yet to confirm, with their own link; not when it has said more in the meantime."""
    _write_to_donor("processing", "processing", payload)


def mail_failed(payload: dict[str, Any]) -> None:
    """Tell the donor that the bank did not confirm, and how to try again; not when they already do."""
    _write_to_donor("failed", "failed", payload)


def mail_receipt(payload: dict[str, Any]) -> None:
    """Send the donor a receipt or a correction, as text, as a link and as a PDF."""
    receipt = receipt_queries.find_receipt(payload["receipt_id"], donation_id=payload["donation_id"])
    donation = None if receipt is None else queries.find_donation(receipt.donation_id)
    if receipt is None or donation is None or not donation.email:
        return
    mail = compose(
        "donations/receipt",
        to=donation.email,
        locale=receipt.locale,
        **_on_paper(receipt),
        name=donation.name,
        organization=receipt.organization_name,
        gift_url=checkout.return_url(donation.id),
    )
    _deliver(donation, dataclasses.replace(mail, attachments=(_attached(receipt),)), payload["outbox_key"])


def mail_statement(payload: dict[str, Any]) -> None:
    """Send the donor the links to all that was given under their address, a year each."""
    donation = queries.find_donation(payload["donation_id"])
    if donation is None or not donation.email:
        return
    base: str = current_app.config["SETTINGS"].base_url
    years = statements.list_years(statements.of_address(donation), mode=gateway.mode())
    if not years:
        return
    links = [(str(year), f"{base}/statements/{statements.statement_token(donation.id, year)}") for year in years]
    mail = compose("donations/statement", to=donation.email, locale=donation.locale, name=donation.name, years=links)
    _deliver(donation, mail, payload["outbox_key"])


def issue_missing() -> None:
    """Sweep: receipts of gifts that were paid before there were receipts here."""
    for donation_id in receipt_queries.list_without_receipt():
        with transaction():
            donation = lock(Donation, donation_id)
            if donation is not None:
                receipts.issue(donation)


def purge_declarations() -> None:
    """Sweep: home addresses that Gift Aid was declared with, for gifts that were never paid."""
    with transaction():
        giving.purge_declarations()


def _on_paper(receipt: Receipt) -> dict[str, Any]:
    """What a mail says of a receipt, in the receipt's language."""
    with speaking(receipt.locale):
        told = papers.facts(receipt, lambda money: format_money(money, receipt.locale))
        return {
            "heading": papers.title(receipt),
            "mark": papers.test_mark(receipt.mode),
            "facts": [(name, value) for name, value in told if value],
            "text": receipt.text,
            "receipt_url": f"{checkout.return_url(receipt.donation_id)}/receipts/{encode_id(receipt.id)}",
        }


def _attached(receipt: Receipt) -> Attachment:
    address = f"{checkout.return_url(receipt.donation_id)}/receipts/{encode_id(receipt.id)}"
    return Attachment(f"receipt-{receipt.label}.pdf", "application/pdf", papers.receipt_pdf(receipt, address))


def _write_to_donor(name: str, status: str, payload: dict[str, Any]) -> None:
    """Answer the donor's own act, at the address they gave, while it is still so: they need no account."""
    donation = queries.find_donation(payload["donation_id"])
    if donation is None or donation.status != status or donation.attempt != payload.get("attempt", donation.attempt):
        return
    settings = current_app.config["SETTINGS"]
    locale = language_of(donation.locale)
    issued = receipt_queries.find_first(donation.id) if status == "paid" else None
    with speaking(locale):
        reason = str(words.reason(donation))
        who_sees, dedication = words.who_sees(donation), words.dedication(donation)
    mail = compose(
        f"donations/{name}",
        to=donation.email,
        locale=locale,
        demo=donation.mode == "demo",
        in_test=donation.mode == "test",
        amount=format_money(Money(donation.amount_minor, donation.currency), locale),
        name=donation.name,
        who_sees=who_sees,
        dedication=dedication,
        gift=format_money(Money(donation.gift_minor, donation.currency), locale),
        fee=format_money(Money(donation.cover_fee_minor, donation.currency), locale)
        if donation.cover_fee_minor
        else "",
        organization=donation.fundraiser.organization.name,
        fundraiser=donation.fundraiser.title,
        reason=reason,
        receipt=None if issued is None else _on_paper(issued),
        may_resume=policy.can_resume(donation, gateway.mode()),
        gift_url=checkout.return_url(donation.id),
        monthly_url=_first_month_url(donation) if status == "processing" else _monthly_url(donation),
        fundraiser_url=f"{settings.base_url}/fundraisers/{donation.fundraiser.slug}",
    )
    if issued is not None:
        mail = dataclasses.replace(mail, attachments=(_attached(issued),))
    _deliver(donation, mail, payload["outbox_key"])


def _monthly_url(donation: Donation) -> str:
    """Where who gives every month changes and stops that without an account; empty when nothing is (any more)."""
    commitment = None
    if donation.monthly_gift_id is not None:
        commitment = monthly_queries.find_monthly(donation.monthly_gift_id)
    return "" if commitment is None or not commitment.is_live else monthly.own_url(commitment.id)


def _first_month_url(donation: Donation) -> str:
    """The same while a bank has yet to confirm the first month; empty of a gift that is given once, or was stopped already."""
    commitment = monthly_queries.find_repeated(donation)
    return "" if commitment is None else monthly.own_url(commitment.id)


def _deliver(donation: Donation, mail: Mail, key: str) -> None:
    """To the donor, as a person where they are one here."""
    donor = find_person(donation.person_id) if donation.person_id is not None else None
    if donor is not None and donor.email == donation.email:
        deliver_to(donor, mail, key=key)
    else:
        deliver(mail, key=key)


def mail_goal_reached(payload: dict[str, Any]) -> None:
    """Tell the starter, once, that what is paid reached the goal."""
    fundraiser = find_fundraiser_by_id(payload["fundraiser_id"])
    if fundraiser is None or fundraiser.status not in SHOWN:
        return
    starter = fundraiser.started_by
    raised = queries.totals([fundraiser.id])[fundraiser.id]
    standing = standing_of(fundraiser, raised)
    locale = language_of(starter.locale)
    with speaking(locale):
        goal, given = goal_words(fundraiser, locale), given_words(standing, raised.raised, locale)
    send(
        "fundraisers/goal_reached",
        to=starter,
        key=payload["outbox_key"],
        title=fundraiser.title,
        organization=fundraiser.organization.name,
        given=given,
        percent=standing.percent,
        goal=goal,
        is_open=accepts_gifts(fundraiser),
        fundraiser_url=f"{current_app.config['SETTINGS'].base_url}/fundraisers/{fundraiser.slug}",
    )


def mail_milestone(payload: dict[str, Any]) -> None:
    """Tell the starter, once of each, that a quarter of the goal, or two or three, is given."""
    fundraiser = find_fundraiser_by_id(payload["fundraiser_id"])
    if fundraiser is None or fundraiser.status != "live":
        return
    starter = fundraiser.started_by
    raised = queries.totals([fundraiser.id])[fundraiser.id]
    locale = language_of(starter.locale)
    with speaking(locale):
        goal = goal_words(fundraiser, locale)
        given = given_words(standing_of(fundraiser, raised), raised.raised, locale)
    send(
        "fundraisers/milestone",
        to=starter,
        key=payload["outbox_key"],
        title=fundraiser.title,
        organization=fundraiser.organization.name,
        percent=payload["percent"],
        given=given,
        goal=goal,
        fundraiser_url=f"{current_app.config['SETTINGS'].base_url}/fundraisers/{fundraiser.slug}",
    )


def mail_offline_waiting(payload: dict[str, Any]) -> None:
    """Tell one owner or manager that a gift in person waits for them; not when it was decided in the meantime."""
    donation, person = queries.find_donation(payload["donation_id"]), find_person(payload["person_id"])
    if donation is None or person is None or donation.status != "recorded":
        return
    locale = language_of(person.locale)
    send(
        "donations/offline_waiting",
        to=person,
        key=payload["outbox_key"],
        title=donation.fundraiser.title,
        organization=donation.fundraiser.organization.name,
        amount=format_money(Money(donation.amount_minor, donation.currency), locale),
        list_url=f"{current_app.config['SETTINGS'].base_url}/fundraisers/{donation.fundraiser.slug}/gifts-in-person",
    )


def mail_message_reported(payload: dict[str, Any]) -> None:
    """Tell whoever started the fundraiser that readers find a message wrong; the organization sees it in the same list. The
    message itself is not repeated."""
    donation = queries.find_donation(payload["donation_id"])
    if donation is None:
        return
    fundraiser = donation.fundraiser
    send(
        "donations/message_reported",
        to=fundraiser.started_by,
        key=payload["outbox_key"],
        title=fundraiser.title,
        list_url=f"{current_app.config['SETTINGS'].base_url}/fundraisers/{fundraiser.slug}/messages",
    )


# What waits together while nobody answers: each of them would keep the one worker for as long as the first.
ASKING = (
    "ask_refund", "look_back", "passed_over", "stripe_event", "expire_checkout", "payment_account_gone", "stop_monthly",
    "end_astray_monthly", "end_failed_monthly",
)  # fmt: skip


def _asking(handler: Handler) -> Handler:
    """A handler that asks Stripe: while Stripe does not answer, or says that the account is not ours (a wrong key would hear
    that, too; `accounts` believes it a day later), it waits, and is not given up."""

    @functools.wraps(handler)
    def asking(payload: dict[str, Any]) -> None:
        try:
            handler(payload)
        except gateway.GatewayError as error:
            if error.passing or error.code == gateway.ACCOUNT_GONE:
                raise Unanswered(error.code, along=ASKING if error.code == gateway.UNREACHABLE else ()) from error
            raise

    return asking


HANDLERS = {
    **money_jobs.HANDLERS,
    "ask_refund": _asking(money_jobs.ask_refund),
    "look_back": _asking(money_jobs.look_back),
    "passed_over": _asking(money_jobs.passed_over),
    "stripe_event": _asking(handle_stripe_event),
    "expire_checkout": _asking(expire_checkout),
    "fundraiser_closed": close_fundraiser,
    "payment_account_closed": close_account,
    "payment_account_gone": _asking(let_go_of_account),
    "stop_monthly": _asking(monthly_jobs.stop_monthly),
    "end_astray_monthly": _asking(monthly_jobs.end_astray),
    "end_failed_monthly": _asking(monthly_jobs.end_failed),
    "mail_monthly_failed": monthly_jobs.mail_failed,
    "mail_monthly_ends_soon": monthly_jobs.mail_ends_soon,
    "mail_monthly_ended": monthly_jobs.mail_ended,
    "mail_donation_thanks": mail_thanks,
    "mail_donation_receipt": mail_receipt,
    "mail_donation_statement": mail_statement,
    "mail_donation_processing": mail_processing,
    "mail_donation_failed": mail_failed,
    "mail_fundraiser_goal_reached": mail_goal_reached,
    "mail_fundraiser_milestone": mail_milestone,
    "mail_offline_waiting": mail_offline_waiting,
    "mail_message_reported": mail_message_reported,
}
SWEEPS = (
    Sweep("donations.ask_again", 300, events.ask_again),
    Sweep("donations.list_missed_events", 300, checkout.list_missed_events),
    Sweep("donations.check_accounts", 600, accounts.check_accounts),
    Sweep("donations.check_monthly", 300, monthly.check_monthly),
    Sweep("donations.tell_of_ends", 3600, monthly.tell_of_ends),
    Sweep("donations.check_stale", 120, checkout.check_stale),
    Sweep("donations.close_checkouts", 60, checkout.close_checkouts),
    Sweep("donations.purge_declarations", 3600, purge_declarations),
    Sweep("donations.forget_networks", 3600, messages.forget_networks),
    Sweep("donations.issue_missing", 900, issue_missing),
    Sweep("donations.check_refunds_and_disputes", 600, going_back.check_stale),
    Sweep("donations.reconcile", 3600, reconciling.reconcile_due),
)
