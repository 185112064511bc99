"""The acts between Stripe and us about money that goes back, and about payouts: ask or fetch outside any transaction, then
write in one. Each may be repeated; whoever dies in between loses nothing.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import structlog

from app.accounts.models import Person
from app.core.clock import now
from app.core.db import db, transaction
from app.core.errors import refuse
from app.core.i18n import _
from app.core.ids import decode_id, encode_id
from app.core.money import Money
from app.donations import accounts, checkout, gateway, gateway_money, money_queries, queries, stale_queries
from app.donations.asking import make_once
from app.donations.gateway import GatewayError
from app.donations.money_facts import BalanceFacts, DisputeFacts, RefundFacts, RefundRequest
from app.donations.money_models import DISPUTE_ANSWERABLE, Refund
from app.donations.operations import disputes, inbox, late_news, payouts, refunds
from app.donations.queries import StoredEvent
from app.donations.sweeping import ask_each

log = structlog.get_logger(__name__)


class _NotPossible(Exception):
    """What Stripe says of a payment now leaves no room for a refund; says Stripe's own code for that."""


def _request(refund: Refund) -> RefundRequest:
    """What the refund is asked for: derived from the row alone, so that a retry asks exactly the same (F6)."""
    return RefundRequest(
        refund=encode_id(refund.id),
        donation=encode_id(refund.donation_id),
        payment_intent_id=refund.donation.stripe_payment_intent_id or "",
        amount=Money(refund.amount_minor, refund.currency),
        reason=refund.reason,
        idempotency_key=f"manyhands-refund-{refund.id}",
        account=refund.account,
    )


def ask_refund(refund_id: int) -> str:
    """Let Stripe hear of a saved refund; its status then. Asked again, it is the same refund. Raises GatewayError when Stripe
    does not answer: the row waits, and the worker asks again."""
    refund = money_queries.find_refund(refund_id)
    if refund is None or refund.status != "asked" or refund.donation.mode != gateway.mode():
        status = "" if refund is None else refund.status
        db.session.rollback()
        return status
    asked, donation_id = _request(refund), refund.donation_id
    charged = refund.donation.amount_minor
    db.session.rollback()
    if accounts.is_gone(asked.account):
        return _refuse(refund_id, gateway.ACCOUNT_GONE)
    try:
        made = _make(asked, donation_id, charged)
    except _NotPossible as known:
        return _refuse(refund_id, str(known))
    except GatewayError as error:
        is_gone = error.code == gateway.ACCOUNT_GONE and asked.account is not None and accounts.doubt(asked.account)
        if is_gone or error.is_refusal:
            return _refuse(refund_id, error.code)
        # A wrong key, a limit, an answer that was cut off: Stripe has not judged it, so it waits.
        raise GatewayError(error.code, passing=True) from error
    with transaction():
        refunds.note_refunds(donation_id, [made])
    return made.status


def _refuse(refund_id: int, code: str) -> str:
    with transaction():
        refunds.refuse_refund(refund_id, code)
    return "refused"


def _make(asked: RefundRequest, donation_id: int, charged: int) -> RefundFacts:
    """The refund at Stripe, made now or before. What went back of the payment, or may, is looked at first: news of it may be
    late, and what Stripe has to refuse is not asked. Raises _NotPossible, GatewayError."""
    fetched_at = now()
    found = gateway_money.list_refunds(asked.payment_intent_id, account=asked.account)
    disputed = gateway_money.list_disputes(asked.payment_intent_id, account=asked.account)
    made = _made_of(asked, found)
    if made is not None:
        return made
    with transaction():
        refunds.note_refunds(donation_id, found)
        for facts in reversed(disputed):
            disputes.note_dispute(donation_id, facts, fetched_at=fetched_at)
    left = charged - sum(facts.amount.amount_minor for facts in found if facts.status not in refunds.ENDED)
    if left <= 0:
        raise _NotPossible("charge_already_refunded")
    if asked.amount.amount_minor > left:
        raise _NotPossible("more_than_left")
    if not all(facts.is_charge_refundable for facts in disputed):
        raise _NotPossible("charge_disputed")
    try:
        return make_once(
            asked.idempotency_key,
            lambda key: gateway_money.create_refund(dataclasses.replace(asked, idempotency_key=key)),
            lambda: _find_made(asked),
        )
    except GatewayError as error:
        if not error.is_refusal:
            raise
        made = _find_made(asked)  # "already refunded" may be this very one
        if made is None:
            raise
        return made


def _find_made(asked: RefundRequest) -> RefundFacts | None:
    """The refund at Stripe that this row became, when there is one."""
    return _made_of(asked, gateway_money.list_refunds(asked.payment_intent_id, account=asked.account))


def _made_of(asked: RefundRequest, found: Sequence[RefundFacts]) -> RefundFacts | None:
    return next((facts for facts in found if facts.refund == asked.refund), None)


def refresh_refunds(donation_id: int, *, event_id: int | None = None) -> None:
    """Fetch every refund of a gift's payment again, and apply what is true now. Raises GatewayError."""
    donation = queries.find_donation(donation_id)
    payment_id = None if donation is None else donation.stripe_payment_intent_id
    account = None if donation is None else donation.account
    db.session.rollback()
    if payment_id is None:
        if event_id is not None:
            with transaction():
                inbox.close_event(event_id, "ignored", refunds.NOT_OURS)
        return
    found = gateway_money.list_refunds(payment_id, account=account)
    with transaction():
        refunds.note_refunds(donation_id, found, event_id=event_id)


def refresh_dispute(
    donation_id: int, dispute_id: str, *, account: str | None, event_id: int | None = None
) -> DisputeFacts:
    """Fetch a dispute again and apply it; as it is now. Raises GatewayError."""
    fetched_at = now()
    facts = gateway_money.fetch_dispute(dispute_id, account=account)
    with transaction():
        disputes.note_dispute(donation_id, facts, fetched_at=fetched_at, event_id=event_id)
    return facts


def look_back(donation_id: int) -> None:
    """Fetch everything that went back of a gift, was taken, or may be, and the payouts that carry it. Raises GatewayError."""
    donation = queries.find_donation(donation_id)
    payment_id = None if donation is None else donation.stripe_payment_intent_id
    account = None if donation is None else donation.account
    db.session.rollback()
    if payment_id is None or accounts.is_gone(account):
        return
    refresh_refunds(donation_id)
    fetched_at = now()
    found = gateway_money.list_disputes(payment_id, account=account)
    with transaction():
        for facts in reversed(found):
            disputes.note_dispute(donation_id, facts, fetched_at=fetched_at)
    for warning in gateway_money.list_warnings(payment_id, account=account):
        with transaction():
            disputes.note_warning(donation_id, warning)
    unexplained = stale_queries.list_unexplained_payouts(donation_id)
    db.session.rollback()
    for stripe_payout_id in unexplained:
        refresh_payout(stripe_payout_id, account=account)


def look_at_passed_over(payment_id: str, account: str | None) -> None:
    """Stripe told of money that goes back of a payment that was none of ours then: look back if it is now. Raises
    GatewayError."""
    if accounts.is_gone(account):
        return
    donation_id, _payment = _by_payment(payment_id, None, account)
    if donation_id is not None:
        look_back(donation_id)


# --- events -------------------------------------------------------------------------------------------------------

REFUND_EVENTS = ("charge.refunded", "refund.created", "refund.updated", "refund.failed")
DISPUTE_EVENTS = (
    "charge.dispute.created", "charge.dispute.updated", "charge.dispute.funds_withdrawn",
    "charge.dispute.funds_reinstated", "charge.dispute.closed",
)  # fmt: skip
WARNING_EVENTS = ("radar.early_fraud_warning.created",)


def handle_event(event: StoredEvent) -> None:
    """Answer a stored event about refunds, disputes, early warnings or payouts: fetch what it speaks of, and apply that.
    Raises GatewayError."""
    account = event.account
    if event.type.startswith("payout."):
        refresh_payout(event.object_id, account=account, event_id=event.id)
        return
    donation_id, payment_id = _find_donation(event.type, event.object_id, account)
    if donation_id is None:
        _pass_over(event, payment_id)
        return
    if not _fulfil_first(donation_id) and payment_id is not None:
        with transaction():
            late_news.pass_over(payment_id, account)
    if event.type in REFUND_EVENTS:
        refresh_refunds(donation_id, event_id=event.id)
    elif event.type in DISPUTE_EVENTS:
        refresh_dispute(donation_id, event.object_id, account=account, event_id=event.id)
    else:
        warning = gateway_money.fetch_warning(event.object_id, account=account)
        with transaction():
            disputes.note_warning(donation_id, warning, event_id=event.id)


def _pass_over(event: StoredEvent, payment_id: str | None) -> None:
    """What an event speaks of is no gift of ours; or is one by now, since another worker had its news at this moment."""
    with transaction():
        known = None
        if payment_id is not None:
            known = queries.find_donation_id(account=event.account, payment_id=payment_id)
            late_news.pass_over(payment_id, event.account)
        if known is None:
            inbox.close_event(event.id, "ignored", refunds.NOT_OURS)
    if known is not None:
        handle_event(event)


def _fulfil_first(donation_id: int) -> bool:
    """What goes back was given first: when the news of the payment is late, it is fetched now. False while we know of no
    payment all the same: the answer that named its page was lost."""
    donation = queries.find_donation(donation_id)
    is_known = donation is None or donation.status == "paid"
    db.session.rollback()
    if is_known:
        return True
    checkout.fulfil(donation_id)
    donation = queries.find_donation(donation_id)
    has_payment = donation is not None and donation.stripe_payment_intent_id is not None
    db.session.rollback()
    return has_payment


def _find_donation(event_type: str, object_id: str, account: str | None) -> tuple[int | None, str | None]:
    """The gift that an event speaks of: by rows that we have, else by the payment of its object; and that payment, where it
    had to be asked for."""
    if event_type.startswith("refund."):
        known = money_queries.find_donation_of_refund(object_id)
        db.session.rollback()
        if known is not None:
            return known, None
        refund = gateway_money.fetch_refund(object_id, account=account)
        return _by_payment(refund.payment_intent_id, refund.charge_id, account)
    if event_type in DISPUTE_EVENTS:
        known = money_queries.find_donation_of_dispute(object_id)
        db.session.rollback()
        if known is not None:
            return known, None
        dispute = gateway_money.fetch_dispute(object_id, account=account)
        return _by_payment(dispute.payment_intent_id, dispute.charge_id, account)
    if event_type in WARNING_EVENTS:
        warning = gateway_money.fetch_warning(object_id, account=account)
        return _by_payment(warning.payment_intent_id, warning.charge_id, account)
    return _by_payment(None, object_id, account)


def _by_payment(payment_id: str | None, charge_id: str | None, account: str | None) -> tuple[int | None, str | None]:
    """Our gift that a payment or charge of `account` is for, or None; and the payment, where it had to be asked for."""
    found = queries.find_donation_id(account=account, payment_id=payment_id or "", charge_id=charge_id or "")
    db.session.rollback()
    if found is not None:
        return found, None
    if payment_id is None and charge_id is not None:
        payment_id = gateway.find_payment_of_charge(charge_id, account=account)
    if payment_id is None:
        return None, None
    ours = decode_id(gateway.fetch_payment(payment_id, account=account).donation)
    found = ours if ours is not None and queries.is_donation(ours, account) else None
    db.session.rollback()
    return found, payment_id


# --- payouts ------------------------------------------------------------------------------------------------------


def refresh_payout(payout_id: str, *, account: str | None, event_id: int | None = None) -> None:
    """Fetch a payout and what it carries, and apply it. Raises GatewayError."""
    fetched_at = now()
    facts = gateway_money.fetch_payout(payout_id, account=account)
    lines = gateway_money.list_balance_transactions(account=account, payout_id=payout_id) if facts.is_listed else []
    for earlier in payouts.list_unheard(lines, payout_id):
        db.session.rollback()
        refresh_payout(earlier, account=account)
    foreign = _learn_of(lines, account)
    owner = money_queries.find_owner(account, gateway.mode())
    db.session.rollback()
    with transaction():
        payouts.note_payout(
            facts,
            lines,
            account=account,
            organization_id=owner,
            fetched_at=fetched_at,
            foreign=foreign,
            event_id=event_id,
        )
        later = payouts.list_waiting_for(payout_id)
    for one in later:
        refresh_payout(one, account=account)


# Lines of a payout that are in our books, or kept back from what is, whatever gift they are of.
_OF_THE_BOOKS = (*payouts.PAYOUT_KINDS, *payouts.FEE_KINDS, *payouts.HELD_KINDS)


def _learn_of(lines: Sequence[BalanceFacts], account: str | None) -> set[str]:
    """The news of a payout may come before that of what it carries: fetch what our rows do not know yet. The ids of those
    that are no gifts of ours, nor Stripe's fees for them: other sales, a top-up, a transfer, a correction."""
    known = payouts.find_owners([line.id for line in lines])
    db.session.rollback()
    unknown = [line for line in lines if line.id not in known and line.kind not in _OF_THE_BOOKS]
    ours: dict[str, int] = {}
    # Payments first: what goes back of one is known by it.
    for some in (
        [line for line in unknown if line.of == "charge"],
        [line for line in unknown if line.of not in ("charge", "")],
    ):
        found = find_gifts(some, account)
        ours |= found
        for line in some:
            if line.id in found:
                _learn(line, found[line.id], account)
    return {line.id for line in unknown} - ours.keys()


def _learn(line: BalanceFacts, donation_id: int, account: str | None) -> None:
    """Fetch what a line of a payout tells of a gift."""
    checkout.fulfil(donation_id)
    if line.of == "refund":
        refresh_refunds(donation_id)
    elif line.of == "dispute":
        refresh_dispute(donation_id, line.source, account=account)


def find_gifts(balances: Sequence[BalanceFacts], account: str | None) -> dict[str, int]:
    """Our gifts that listed balance transactions of `account` belong to: by the payment that our rows know, else by the gift
    that the charge names. Those of no gift are left out, and Stripe is asked about none of them: an account may take much
    else."""
    found: dict[str, int] = {}
    by_payment = queries.find_donations_by_payment(
        account=account, payments=[balance.payment_id for balance in balances if balance.payment_id is not None]
    )
    named = {balance.id: decode_id(balance.donation) for balance in balances if balance.donation}
    ours = queries.which_donations(account=account, ids=[key for key in named.values() if key is not None])
    db.session.rollback()
    for balance in balances:
        donation_id = by_payment.get(balance.payment_id or "") or named.get(balance.id)
        if donation_id is not None and (balance.payment_id in by_payment or donation_id in ours):
            found[balance.id] = donation_id
    return found


# --- evidence -----------------------------------------------------------------------------------------------------


def send_evidence(dispute_id: int, *, by: Person | None) -> None:
    """Send the bank the evidence that is saved, once; then fetch the dispute again. How it stands is asked first: news of its
    end may be late. Raises Refused when the bank takes none any more, GatewayError."""
    dispute = money_queries.find_dispute(dispute_id)
    if dispute is None or dispute.evidence is None:
        raise LookupError("evidence")
    stripe_id, account, donation_id = dispute.stripe_dispute_id, dispute.account, dispute.donation_id
    evidence, number, is_sent = dict(dispute.evidence), dispute.evidence_number, dispute.submitted_at is not None
    db.session.rollback()
    facts = refresh_dispute(donation_id, stripe_id, account=account)
    if is_sent:
        return
    if not _is_handed_in(facts):
        if facts.status not in DISPUTE_ANSWERABLE or (facts.respond_by is not None and facts.respond_by <= now()):
            raise refuse("dispute_over", _("The bank takes no answer to this dispute any more"))
        make_once(
            f"manyhands-dispute-{dispute_id}-{number}",
            lambda key: gateway_money.submit_evidence(stripe_id, evidence, account=account, idempotency_key=key),
            lambda: _find_handed_in(stripe_id, account),
        )
    with transaction():
        disputes.note_submitted(dispute_id, by=by)
    refresh_dispute(donation_id, stripe_id, account=account)


def _is_handed_in(facts: DisputeFacts) -> bool:
    """The bank has evidence and reads it: ours, whose answer was lost, or what somebody sent in the dashboard."""
    return facts.has_evidence and facts.status in ("under_review", "warning_under_review")


def _find_handed_in(stripe_id: str, account: str | None) -> DisputeFacts | None:
    facts = gateway_money.fetch_dispute(stripe_id, account=account)
    return facts if _is_handed_in(facts) else None


# --- sweeps -------------------------------------------------------------------------------------------------------


def check_stale() -> None:
    """Sweep: refunds that nobody has heard of, open disputes, and payouts of which we do not know yet whether they arrived or
    what they carry are asked about again (rule 5)."""
    if not gateway.is_on():
        return
    found = stale_queries.list_refunds_to_check(mode=gateway.mode())
    ask_each("check_refunds", found, _check_refund, refunds.note_looked_at)
    found = stale_queries.list_disputes_to_check(mode=gateway.mode())
    ask_each("check_disputes", found, _check_dispute, disputes.note_looked_at)
    found = stale_queries.list_payouts_to_check(mode=gateway.mode())
    ask_each("check_payouts", found, _check_payout, payouts.note_looked_at)


def _check_refund(refund_id: int) -> None:
    refund = money_queries.find_refund(refund_id)
    status, donation_id = ("", 0) if refund is None else (refund.status, refund.donation_id)
    db.session.rollback()
    if status == "asked":
        ask_refund(refund_id)
    else:
        refresh_refunds(donation_id)


def _check_payout(payout_id: int) -> None:
    payout = money_queries.find_payout(payout_id)
    if payout is not None:
        stripe_id, account = payout.stripe_payout_id, payout.account
        db.session.rollback()
        refresh_payout(stripe_id, account=account)


def _check_dispute(dispute_id: int) -> None:
    dispute = money_queries.find_dispute(dispute_id)
    if dispute is not None:
        donation_id, stripe_id, account = dispute.donation_id, dispute.stripe_dispute_id, dispute.account
        db.session.rollback()
        refresh_dispute(donation_id, stripe_id, account=account)
