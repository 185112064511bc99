"""Refunds: money that goes back to a donor, asked for by staff or in Stripe's dashboard (F5).

A refund is a saved row before Stripe hears of it, so that a lost answer, a crash and a double click are one refund (F6).
What Stripe says of it is applied forward only, under the donation's lock.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

import sqlalchemy as sa

from app.accounts.models import Person
from app.core.audit import record
from app.core.clock import now
from app.core.db import db, lock
from app.core.errors import InvalidInput, refuse
from app.core.i18n import _
from app.core.ids import decode_id
from app.core.money import Money, charge_step, format_money
from app.core.outbox import enqueue
from app.donations import ledger, matching, tally
from app.donations.models import Donation
from app.donations.money_facts import BalanceFacts, RefundFacts
from app.donations.money_models import REFUND_LIVE, REFUND_REASONS, Refund
from app.donations.money_queries import refundable
from app.donations.operations import late_news, receipts
from app.donations.operations.inbox import close_event
from app.donations.operations.mismatches import ACCOUNT_GONE
from app.donations.operations.telling import tell_staff
from app.donations.payees import is_reachable
from app.fundraisers.models import Fundraiser

# A refund only ever moves to a higher rank, whatever arrives in whatever order (F3): Stripe's "failed" and "canceled" are final.
RANK = {"asked": 0, "refused": 1, "requires_action": 2, "pending": 3, "succeeded": 4, "failed": 5, "canceled": 5}
# They put back what had left, and nothing follows them.
ENDED = ("failed", "canceled")

# What an event is called that speaks of no payment of ours.
NOT_OURS = "not ours"


def start_refund(
    donation_id: int,
    *,
    amount: Money | None = None,
    reason: str = "requested_by_customer",
    note: str = "",
    by: Person | None,
    mode: str,
    key: str | None = None,
    locale: str = "en",
) -> Refund:
    """Save that a gift, or `amount` of it (all that is left when None), goes back; the worker sees to it that Stripe hears of
    it. `key` makes one form sent twice one refund. `mode` is the installation's PAYMENTS_MODE.

    Raises LookupError; Refused when nothing, or not that much, can go back; InvalidInput for the amount.
    """
    donation = lock(Donation, donation_id)
    if donation is None:
        raise LookupError("donation")
    if key is not None:
        same = db.session.scalar(sa.select(Refund).where(Refund.form_key == key))
        if same is not None:
            return same
    if donation.status != "paid" or donation.stripe_payment_intent_id is None:
        raise refuse("not_paid", _("Only a gift that was paid online can be given back here"))
    if donation.mode != mode:
        raise refuse("other_mode", _("This gift was made in another payment mode: give it back in Stripe's dashboard"))
    if not is_reachable(donation.account):
        raise refuse(
            ACCOUNT_GONE,
            _(
                "The account of this gift is no longer connected with this site: give it back in its dashboard at Stripe"
            ),
        )
    left = refundable(donation)
    if left.amount_minor <= 0:
        raise refuse("nothing_left", _("Nothing of this gift is left to give back"))
    amount = left if amount is None else amount
    _check_amount(amount, left, locale)
    made = Refund(
        donation_id=donation.id,
        organization_id=donation.organization_id,
        account=donation.account,
        amount_minor=amount.amount_minor,
        currency=amount.currency,
        status="asked",
        reason=reason if reason in REFUND_REASONS else "requested_by_customer",
        note=note,
        asked_by_id=None if by is None else by.id,
        form_key=key,
        created_at=now(),
    )
    db.session.add(made)
    db.session.flush()
    record(
        "donation.refund_asked",
        subject=donation,
        by=by,
        organization_id=donation.organization_id,
        data={"refund_id": made.id, "amount_minor": amount.amount_minor, "currency": amount.currency},
    )
    enqueue("ask_refund", {"refund_id": made.id}, key=f"ask_refund:{made.id}")
    return made


def _check_amount(amount: Money, left: Money, locale: str) -> None:
    """Refunds and lost disputes never exceed the charge. The caller holds the donation's lock (F5)."""
    if amount.currency != left.currency:
        raise InvalidInput({"amount": _("This gift was made in %(currency)s", currency=left.currency)})
    if amount.amount_minor <= 0:
        raise InvalidInput({"amount": _("Enter an amount above zero")})
    if amount.amount_minor > left.amount_minor:
        most = format_money(left, locale)
        raise refuse("more_than_left", _("At most %(amount)s of this gift can go back", amount=most))
    if amount.amount_minor % charge_step(amount.currency):
        raise InvalidInput({"amount": _("This currency is paid back in whole steps only: round the amount")})


def refuse_refund(refund_id: int, code: str) -> None:
    """Stripe says that it does not make this refund: nothing went back. One that is known at Stripe stays as it is."""
    found = db.session.get(Refund, refund_id)
    donation = None if found is None else lock(Donation, found.donation_id)
    refund = lock(Refund, refund_id)
    if refund is None or donation is None or refund.status != "asked":
        return
    refund.status, refund.problem, refund.checked_at = "refused", code[:60], now()
    _record("refund_refused", donation, refund)
    news = {"refund_id": refund.id}
    tell_staff(donation.organization_id, "refund_failed", news, key=f"refund_failed:{refund.id}")
    db.session.flush()


def note_looked_at(refund_id: int, at: dt.datetime) -> None:
    """It was asked about at `at`, and nothing came of it."""
    refund = lock(Refund, refund_id)
    if refund is not None:
        refund.checked_at = at
        db.session.flush()


def note_refunds(donation_id: int, refunds: Sequence[RefundFacts], *, event_id: int | None = None) -> None:
    """Apply what Stripe says now of the refunds of one payment: rows, ledger, totals, audit, mails and the event's own mark
    commit together; a second time changes nothing."""
    donation = lock(Donation, donation_id)
    if donation is None:
        raise LookupError("donation")
    if event_id is not None:
        close_event(event_id, "handled")
    # What has ended makes room for what lives, whatever order Stripe lists them in: of one second it promises none.
    for facts in sorted(refunds, key=lambda one: (one.status not in ENDED, one.created_at, one.id)):
        _note_refund(donation, facts)
    db.session.flush()


def _find_row(donation: Donation, facts: RefundFacts) -> Refund:
    known = db.session.scalar(sa.select(Refund).where(Refund.stripe_refund_id == facts.id))
    if known is not None:
        return known
    ours = decode_id(facts.refund)
    asked = None if ours is None else lock(Refund, ours)
    if asked is not None and asked.donation_id == donation.id and asked.stripe_refund_id is None:
        asked.stripe_refund_id = facts.id
        return asked
    made = Refund(
        donation_id=donation.id,
        organization_id=donation.organization_id,
        account=donation.account,
        amount_minor=facts.amount.amount_minor,
        currency=facts.amount.currency,
        status="asked",
        reason=facts.reason if facts.reason in REFUND_REASONS else "requested_by_customer",
        stripe_refund_id=facts.id,
        booked_minor=0,
        created_at=facts.created_at,
    )
    db.session.add(made)
    db.session.flush()
    return made


def _note_refund(donation: Donation, facts: RefundFacts) -> None:
    refund = _find_row(donation, facts)
    refund.checked_at = now()
    refund.problem = facts.problem or refund.problem
    before = refund.status
    if facts.status in RANK and RANK[facts.status] > RANK[before]:
        refund.status = facts.status
    if facts.balance is not None:
        refund.stripe_balance_transaction_id = facts.balance.id
    if facts.failure_balance is not None:
        refund.failure_balance_transaction_id = facts.failure_balance.id
    db.session.flush()
    if donation.status == "paid":
        _book(donation, refund, facts)
    if refund.status == before:
        return
    if before not in REFUND_LIVE and refund.status in REFUND_LIVE:
        _record("refunded", donation, refund)
        enqueue("mail_donation_refunded", {"refund_id": refund.id}, key=f"donation_refunded:{refund.id}")
    elif refund.status in ENDED:
        _record("refund_failed", donation, refund)
        if before in REFUND_LIVE:  # the donor was told that it comes
            enqueue("mail_donation_refunded", {"refund_id": refund.id}, key=f"donation_refund_failed:{refund.id}")
        news = {"refund_id": refund.id}
        tell_staff(donation.organization_id, "refund_failed", news, key=f"refund_failed:{refund.id}")


def _book(donation: Donation, refund: Refund, facts: RefundFacts) -> None:
    """Write it once it has left Stripe's balance, or Stripe calls it done; write the reverse when it failed. What waits for
    money, or for the donor to say where to, has no balance transaction yet, and may never have one
    (https://docs.stripe.com/api/refunds/object, `balance_transaction` and `pending_reason`). What is written stays until it
    has failed: earlier versions wrote it as soon as it was asked for."""
    has_transaction = refund.stripe_balance_transaction_id is not None
    has_left = refund.status == "succeeded" or has_transaction or refund.booked_minor > 0
    wanted = refund.amount_minor if refund.status in REFUND_LIVE and has_left else 0
    change = wanted - refund.booked_minor
    if change:
        movement = move_back(donation, change)
        kind = "refund" if change > 0 else "refund_failed"
        balance = facts.balance if change > 0 else facts.failure_balance
        source, at = f"{kind}:{refund.stripe_refund_id}", None if balance is None else balance.created_at
        book(donation, movement, account="refunds", kind=kind, source=source, at=at)
        refund.booked_minor = wanted
        db.session.flush()
    elif refund.status in ENDED and facts.balance is not None:
        _book_both_ways(donation, refund, facts)
    if facts.balance is not None:
        settle(donation, facts.balance, Money(-refund.amount_minor, refund.currency), fee_kind="refund_fee")
    if facts.failure_balance is not None:
        settle(donation, facts.failure_balance, Money(refund.amount_minor, refund.currency), fee_kind="refund_fee")


def _book_both_ways(donation: Donation, refund: Refund, facts: RefundFacts) -> None:
    """One that had failed when we first heard of it left Stripe's balance and came back there, each in a movement of its own: so
    it does here. Nothing else follows, as nothing of the gift went back."""
    sources = {kind: f"{kind}:{refund.stripe_refund_id}" for kind in ("refund", "refund_failed")}
    if ledger.is_written(sources["refund"]):
        return
    lock(Fundraiser, donation.fundraiser_id)
    whole = donation.amount_minor
    of_page = min(refund.amount_minor, whole - min(whole, donation.refunded_minor + donation.disputed_minor))
    for kind, sign, balance in (("refund", 1, facts.balance), ("refund_failed", -1, facts.failure_balance)):
        movement = _movement(donation, sign * of_page, sign * (refund.amount_minor - of_page))
        at = None if balance is None else balance.created_at
        ledger.post_movement(movement, account="refunds", kind=kind, source=sources[kind], at=at)


def move_back(donation: Donation, change: int, *, disputed: int | None = None) -> ledger.Movement:
    """Count `change` minor units as gone back (negative: as staying after all) and split it into what the page's total loses
    and what is beyond the gift. They were refunded, or taken by banks, which hold `disputed` now (below zero: they put back
    more than they took; that much is beyond the gift, too). Holds the fundraiser, whose total changes. The caller books the
    movement."""
    lock(Fundraiser, donation.fundraiser_id)
    before = min(donation.amount_minor, donation.refunded_minor + donation.disputed_minor)
    if disputed is None:
        donation.refunded_minor += change
    else:
        donation.disputed_minor = max(0, disputed)
    after = min(donation.amount_minor, donation.refunded_minor + donation.disputed_minor)
    db.session.flush()
    of_page = after - before
    return _movement(donation, of_page, change - of_page)


def _movement(donation: Donation, of_page: int, beyond: int) -> ledger.Movement:
    return ledger.Movement(
        organization_id=donation.organization_id,
        fundraiser_id=donation.fundraiser_id,
        donation_id=donation.id,
        of_page=Money(of_page, donation.currency),
        beyond=Money(beyond, donation.currency),
    )


def book(
    donation: Donation,
    movement: ledger.Movement,
    *,
    account: str,
    kind: str,
    source: str,
    at: dt.datetime | None = None,
) -> None:
    """Write a movement that happened `at`, and let everything follow that depends on what of the gift stays."""
    ledger.post_movement(movement, account=account, kind=kind, source=source, at=at)
    minor = movement.of_page.amount_minor
    if minor:
        tally.gift_went_back(donation, minor)
        matching.gift_went_back(donation, minor, at=at)
        receipts.correct(donation, minor, source, at=at)


def settle(donation: Donation, balance: BalanceFacts, booked: Money, *, fee_kind: str) -> None:
    """What Stripe's balance says of a movement: its fee, and what it came to in the account's own currency. `booked` is what
    clearing changed by. Once per balance transaction."""
    late_news.is_booked(donation, balance.id)
    ledger.post_exchange(
        organization_id=donation.organization_id,
        fundraiser_id=donation.fundraiser_id,
        donation_id=donation.id,
        balance_transaction_id=balance.id,
        booked=booked,
        settled=balance.amount,
        at=balance.created_at,
    )
    ledger.post_fee(
        organization_id=donation.organization_id,
        fundraiser_id=donation.fundraiser_id,
        donation_id=donation.id,
        balance_transaction_id=balance.id,
        fee=balance.fee,
        kind=fee_kind,
        at=balance.created_at,
    )


def _record(what: str, donation: Donation, refund: Refund) -> None:
    record(
        f"donation.{what}",
        subject=donation,
        by=None,
        organization_id=donation.organization_id,
        data={"refund_id": refund.id, "amount_minor": refund.amount_minor, "currency": refund.currency},
    )
