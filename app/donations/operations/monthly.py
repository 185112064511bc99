"""Monthly gifts: begun with their first payment, renewed, changed and ended. Every function runs in the caller's transaction."""

from __future__ import annotations

import datetime as dt
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from app.core.audit import AuditEvent, record
from app.core.clock import now
from app.core.db import db, lock, new_id, uses_sqlite
from app.core.errors import Refused, refuse
from app.core.i18n import _
from app.core.money import Money
from app.core.outbox import enqueue, promise_again
from app.donations import gift_aid, tally
from app.donations.facts import PaymentFacts, SessionFacts
from app.donations.gateway_monthly import CUT_OFF, NOT_PAID, InvoiceFacts, SubscriptionFacts
from app.donations.models import Donation
from app.donations.monthly_models import MonthlyDecline, MonthlyGift, PortalConfiguration
from app.donations.operations import fulfilling
from app.donations.receipt_models import GiftAidDeclaration
from app.donations.terms import find_terms
from app.fundraisers.models import Fundraiser
from app.fundraisers.policy import accepts_gifts

# What each month's donation has of the first one: whose it is, the team it was begun for, and who may read the name (F9). The
# message was for the first time.
COPIED = (
    "fundraiser_id",
    "organization_id",
    "team_id",
    "person_id",
    "name",
    "company",
    "email",
    "anonymous",
    "hide_from_starter",
    "hide_from_organization",
    "dedication",
    "dedicated_to",
    "locale",
    "mode",
    "account",
)
NOW = dt.timedelta()
# What a donor asks for is done on the spot; the promise is for when that fails.
ACT_FIRST = dt.timedelta(minutes=2)
_STATUSES = {
    "active": "active", "trialing": "active", "past_due": "past_due", "unpaid": "past_due", "paused": "paused",
}  # fmt: skip


def begin(donation: Donation) -> MonthlyGift:
    """What makes a gift that is about to be paid the first of a monthly one; asked again, it is the same."""
    if donation.monthly_gift_id is not None:  # not locked: the caller holds the fundraiser, which comes after it
        return db.session.get_one(MonthlyGift, donation.monthly_gift_id)
    gift = MonthlyGift(
        fundraiser_id=donation.fundraiser_id,
        organization_id=donation.organization_id,
        mode=donation.mode,
        account=donation.account,
        amount_minor=donation.amount_minor,
        asked_minor=[donation.amount_minor],
        currency=donation.currency,
        status="pending",
        created_at=now(),
    )
    db.session.add(gift)
    db.session.flush()
    donation.monthly_gift_id = gift.id
    _record("begun", gift)
    db.session.flush()
    return gift


def note_session(donation: Donation, session: SessionFacts, next_at: dt.datetime | None = None) -> None:
    """Keep what Stripe made when the first payment was ordered, under the donation's lock; it runs once that is paid. `next_at`
    is when its first month ends, None where nothing says it."""
    if donation.monthly_gift_id is None or session.subscription_id is None:
        return
    if donation.stripe_session_id != session.id:  # of a try that was closed
        return
    gift = get(donation.monthly_gift_id)
    if gift.status == "pending":  # whatever a try before it left behind
        gift.stripe_subscription_id, gift.stripe_customer_id = session.subscription_id, session.customer_id
        donation.stripe_invoice_id = session.invoice_id
    donation.stripe_invoice_id = donation.stripe_invoice_id or session.invoice_id
    if donation.status == "mismatched" and gift.status == "pending":  # what was not asked for shall not go on
        ask_to_stop(gift.id, "organization")
    if donation.status != "paid":
        return
    if gift.status == "pending":
        gift.amount_minor = donation.amount_minor
        gift.asks_for(donation.amount_minor)
        gift.status = "active"
        gift.next_at = gift.next_at or next_at  # what was asked about the subscription itself is better known
        _record("active", gift)
        if gift.stop_asked_at is not None:  # it was stopped before its payment came in
            _promise_stop(gift)
        if not accepts_gifts(donation.fundraiser):
            ask_to_stop(gift.id, "fundraiser")
    db.session.flush()


def find_by_invoice(invoice_id: str) -> int | None:
    """The donation that an invoice paid, or None."""
    return db.session.scalar(sa.select(Donation.id).where(Donation.stripe_invoice_id == invoice_id))


def renew(gift_id: int, invoice: InvoiceFacts, payment: PaymentFacts | None, *, livemode: bool) -> None:
    """A later month is paid: a donation of its own, once per invoice. What is paid is counted whatever became of the gift in
    the meantime; another amount than was asked never is (F4), and staff see it."""
    gift = get(gift_id)
    known = find_by_invoice(invoice.id)
    if known is not None:
        donation = lock(Donation, known)
        if donation is not None and donation.status == "paid" and payment is not None:
            fulfilling.settle(donation, payment)
        return
    if invoice.amount.amount_minor <= 0:
        return
    first = first_donation(gift.id)
    tally.hold_pages(first.fundraiser_id, first.team_id)
    same = invoice.amount == Money(first.amount_minor, first.currency)
    donation = Donation(
        **copied(gift.id),
        amount_minor=invoice.amount.amount_minor,
        cover_fee_minor=first.cover_fee_minor if same else 0,
        currency=gift.currency,
        message="",
        status="pending",
        monthly_gift_id=gift.id,
        stripe_invoice_id=invoice.id,
        created_at=now(),
        checked_at=now(),
    )
    _keep_from_page(donation, first)
    db.session.add(donation)
    db.session.flush()
    _declare_again(donation, first)
    wrong = _disagreements(gift, invoice, payment, livemode=livemode)
    if wrong:
        fulfilling.disagree(donation, wrong)
        fulfilling.move(donation, "mismatched", payment)
    elif payment is not None:
        fulfilling.move(donation, "paid", payment)
        fulfilling.settle(donation, payment)
    if gift.status == "past_due":
        gift.status = "active"
    if gift.status == "pending" and first.status in ("failed", "expired") and invoice.subscription_id is not None:
        promise_to_end_failed(first, invoice.subscription_id)
    if gift.status == "ended" or gift.stop_asked_at is not None:
        # Paid before it ended; or Stripe goes on although it has, or was never told: it is told once more.
        _promise_stop(gift)
    if not accepts_gifts(first.fundraiser):
        ask_to_stop(gift.id, "fundraiser")
    db.session.flush()


def _keep_from_page(donation: Donation, first: Donation) -> None:
    """Whom the donor thinks of, and the name they show, are said with every month: what somebody hid of the first, or of the
    last, stays hidden."""
    months = sa.select(Donation).where(Donation.monthly_gift_id == donation.monthly_gift_id)
    last = db.session.scalars(months.order_by(Donation.created_at.desc(), Donation.id.desc()).limit(1)).one()
    for month in (last, first):
        if donation.dedicated_to and month.hidden_by:
            donation.hidden_by, donation.hidden_reason = month.hidden_by, month.hidden_reason
        if donation.shows_name and month.name_hidden_by:
            donation.hide("name", month.name_hidden_by, month.name_hidden_reason)


def _declare_again(donation: Donation, first: Donation) -> None:
    """Gift Aid was declared on this donation and all later ones: a later month carries it, while the organization claims it."""
    declared = db.session.get(GiftAidDeclaration, first.id)
    if declared is None or declared.text_version != gift_aid.EVERY_GIFT or declared.cancelled_at is not None:
        return
    terms = find_terms(donation.organization_id)
    if not gift_aid.is_claimed(first.fundraiser.organization, donation.currency, terms):
        return
    db.session.add(
        GiftAidDeclaration(
            donation_id=donation.id,
            first_name=declared.first_name,
            last_name=declared.last_name,
            address=declared.address,
            postal_code=declared.postal_code,
            text_version=declared.text_version,
            declared_at=declared.declared_at,
        )
    )
    db.session.flush()


def _disagreements(
    gift: MonthlyGift, invoice: InvoiceFacts, payment: PaymentFacts | None, *, livemode: bool
) -> list[str]:
    """What Stripe says of a month that is not what was asked (F4)."""
    asked = {gift.amount_minor, gift.wanted_minor, *gift.asked_minor}
    found = []
    if invoice.amount.currency != gift.currency or invoice.amount.amount_minor not in asked:
        found.append(f"invoice says {invoice.amount.amount_minor} {invoice.amount.currency}")
    if payment is None:
        found.append("paid without a payment")
    elif payment.status != "succeeded" or payment.received != invoice.amount:
        found.append(f"payment says {payment.status} {payment.received.amount_minor} {payment.received.currency}")
    if invoice.livemode != livemode:
        found.append("wrong livemode")
    return found


def note_failure(gift_id: int, invoice: InvoiceFacts) -> None:
    """A month could not be paid: its donor is told, once for each try, when it is tried again and how to change the card."""
    gift = get(gift_id)
    if gift.status == "ended":
        return
    if gift.status == "active":
        gift.status = "past_due"
        _record("past_due", gift)
    insert = (sqlite.insert if uses_sqlite() else postgresql.insert)(MonthlyDecline)
    values = {"id": new_id(), "monthly_gift_id": gift.id, "stripe_invoice_id": invoice.id, "declined_at": now()}
    db.session.execute(insert.values(values).on_conflict_do_nothing(index_elements=["stripe_invoice_id"]))
    enqueue(
        "mail_monthly_failed",
        {
            "monthly_gift_id": gift.id,
            "invoice": invoice.id,
            "again_at": None if invoice.next_attempt_at is None else invoice.next_attempt_at.isoformat(),
        },
        key=f"monthly_failed:{invoice.id}:{invoice.attempts}",
    )
    db.session.flush()


def note_subscription(gift_id: int, facts: SubscriptionFacts, *, asked_at: dt.datetime) -> bool:
    """Keep what Stripe says of the subscription, as it was asked at `asked_at`; False when that was before what is kept was
    asked, and says nothing of it. One that ended stays so, whoever asked when; what was asked about the subscription of a try
    that another has replaced in the meantime says nothing of it either."""
    gift = get(gift_id)
    gift.checked_at = now()
    if _is_of_another_try(gift, facts):
        if not facts.is_over:
            promise_to_end_astray(first_donation(gift.id), facts.id)
        return True
    if gift.status == "ended":
        if facts.is_over and gift.ended_by == "account":  # Stripe could be told after all
            gift.ended_by = _who_stopped(gift, facts)
            _record("ended", gift)  # its donor was told that it may go on, and reads that it does not
            enqueue("mail_monthly_ended", {"monthly_gift_id": gift.id}, key=f"monthly_ended:{gift.id}:after_all")
            db.session.flush()
        return True
    if gift.as_of is not None and asked_at < gift.as_of and not facts.is_over:
        return False
    gift.as_of = asked_at if gift.as_of is None else max(asked_at, gift.as_of)
    if gift.status == "pending" and facts.is_over and gift.stop_asked_at is None:
        return True  # its first payment failed: its donor may still try again, and then it is another subscription
    gift.next_at = facts.next_at
    gift.stripe_subscription_id = gift.stripe_subscription_id or facts.id
    gift.stripe_customer_id = gift.stripe_customer_id or facts.customer_id
    if gift.wanted_minor is not None and facts.amount == Money(gift.wanted_minor, gift.currency):
        gift.amount_minor, gift.wanted_minor = gift.wanted_minor, None
        _record("amount_changed", gift)
    if facts.is_over:
        end(gift, gift.ended_by or ("payment" if facts.ended_for == NOT_PAID else "organization"))
    elif facts.status in _STATUSES and gift.status != "pending":
        status = "paused" if facts.paused else _STATUSES[facts.status]
        if status != gift.status:
            gift.status = status
            _record(status, gift)
    db.session.flush()
    return True


def _who_stopped(gift: MonthlyGift, facts: SubscriptionFacts) -> str:
    """Who or what ended one of which only the end of its account was kept: whoever had asked for that before, else what Stripe
    says; "" when it was we, because of the account."""
    if gift.stop_asked_at is None:
        return {NOT_PAID: "payment", CUT_OFF: ""}.get(facts.ended_for, "organization")
    asked = sa.select(AuditEvent.data).where(
        AuditEvent.subject_id == gift.id, AuditEvent.action == "monthly_gift.stop_asked"
    )
    data = db.session.scalars(asked.order_by(AuditEvent.id.desc()).limit(1)).first() or {}
    return str(data.get("by", "donor"))


def _is_of_another_try(gift: MonthlyGift, facts: SubscriptionFacts) -> bool:
    if gift.stripe_subscription_id is not None:
        return gift.stripe_subscription_id != facts.id
    return facts.attempt not in (None, first_donation(gift.id).attempt)


def end(gift: MonthlyGift, by: str) -> None:
    """It has ended, by one of ENDED_BY; its donor is told, unless nothing was paid of it and nothing may be any more."""
    if gift.status == "ended":
        return
    may_take = by == "account" and gift.stripe_subscription_id is not None
    is_told = gift.status != "pending" or may_take
    gift.status, gift.ended_by, gift.ended_at, gift.next_at = "ended", by, now(), None
    _record("ended", gift)
    if is_told:
        enqueue("mail_monthly_ended", {"monthly_gift_id": gift.id}, key=f"monthly_ended:{gift.id}")


def ask_to_stop(gift_id: int, by: str) -> None:
    """End it, by its donor or with its fundraiser: from now on Stripe is told until it has. A second time changes nothing."""
    gift = get(gift_id)
    if gift.status == "ended" or gift.stop_asked_at is not None:
        return
    gift.stop_asked_at, gift.ended_by = now(), by
    _record("stop_asked", gift, by=by)
    _promise_stop(gift, after=ACT_FIRST if by == "donor" else NOW)
    db.session.flush()


def _promise_stop(gift: MonthlyGift, *, after: dt.timedelta = NOW) -> None:
    key = f"stop_monthly:{gift.id}:{gift.acts}"
    enqueue("stop_monthly", {"monthly_gift_id": gift.id}, key=key, due_at=now() + after)
    gift.acts += 1


def promise_to_stop_again(account: str) -> None:
    """The account answers again: what ended here because it seemed to be taken from us runs at Stripe still."""
    ended = sa.select(MonthlyGift.id).where(
        MonthlyGift.account == account,
        MonthlyGift.ended_by == "account",
        MonthlyGift.stripe_subscription_id.is_not(None),
    )
    for key in db.session.scalars(ended.order_by(MonthlyGift.id)).all():
        _promise_stop(get(key))
    db.session.flush()


def note_looked_at(gift_id: int, at: dt.datetime) -> None:
    """It was asked about at `at`, and nothing came of it: whatever was not asked about for longer comes first the next time."""
    get(gift_id).checked_at = at
    db.session.flush()


def next_act(gift_id: int, *, wanted: Money | None = None) -> int:
    """The number of one more act that is asked of Stripe, with the amount it is about. Raises Refused when it has ended."""
    gift = get(gift_id)
    if not gift.is_live:
        raise over()
    gift.acts += 1
    if wanted is not None:
        gift.wanted_minor = wanted.amount_minor
        gift.asks_for(wanted.amount_minor)
    db.session.flush()
    return gift.acts


def note_refused(gift_id: int, act: int, *, account_gone: bool) -> Refused:
    """Stripe refused act number `act` for good, and what it says of the subscription now was asked: an amount that it did not
    take is not waited for any more. What the donor is told, to be raised after the transaction."""
    gift = get(gift_id)
    if gift.acts == act:  # nothing else is under way
        gift.wanted_minor = None
        db.session.flush()
    if not gift.is_live:
        return over()
    if account_gone:
        name = gift.fundraiser.organization.name
        return refuse(
            "account_gone",
            _(
                "%(organization)s has disconnected its account at the payment service from this site.",
                organization=name,
            ),
            _(
                "Nothing of your gift can be changed from here: ask %(organization)s, or tell your bank to refuse the payment.",
                organization=name,
            ),
        )
    return refuse(
        "payment_refused",
        _("The payment service refuses this, so your gift goes on as it was."),
        _("Stop it and begin another one, or ask the people who run this site."),
    )


def over() -> Refused:
    """It has ended."""
    return refuse("monthly_over", _("This monthly gift has ended"), _("Start a new one"))


def note_told(gift_id: int, last_day: dt.date) -> None:
    """Promise to tell the donor that it stops with its fundraiser's last day; once for each day it was set to."""
    gift = get(gift_id)
    if gift.told_end_on == last_day or not gift.is_live:
        return
    gift.told_end_on = last_day
    enqueue(
        "mail_monthly_ends_soon",
        {"monthly_gift_id": gift.id, "last_day": last_day.isoformat()},
        key=f"monthly_ends_soon:{gift.id}:{last_day.isoformat()}",
    )
    db.session.flush()


def first_donation(gift_id: int) -> Donation:
    """The donation it began with."""
    query = sa.select(Donation).where(Donation.monthly_gift_id == gift_id).order_by(Donation.created_at, Donation.id)
    return db.session.scalars(query.limit(1)).one()


def copied(gift_id: int) -> dict[str, Any]:
    """What every donation of a monthly gift has of the first: whose it is, and who may read the name (F9)."""
    first = first_donation(gift_id)
    return {name: getattr(first, name) for name in COPIED}


def promise_to_end_astray(first: Donation, subscription_id: str) -> None:
    """A page of an earlier try to pay the first month was paid all the same: what it began shall not go on."""
    payload = {"monthly_gift_id": first.monthly_gift_id, "subscription": subscription_id}
    promise_again("end_astray_monthly", [(payload, f"end_astray_monthly:{subscription_id}")])


def promise_to_end_failed(first: Donation, subscription_id: str) -> None:
    """The first payment failed although Stripe began a subscription with it: that one shall not go on."""
    payload = {"monthly_gift_id": first.monthly_gift_id, "subscription": subscription_id}
    promise_again("end_failed_monthly", [(payload, f"end_failed_monthly:{subscription_id}")])


def note_astray(gift_id: int) -> None:
    """A subscription that nobody follows is about to be ended at Stripe."""
    _record("astray", get(gift_id))
    db.session.flush()


def cut_off(gift_id: int) -> None:
    """The organization took the account from us: it has ended here, whatever Stripe goes on to do, and its donor is told."""
    end(get(gift_id), "account")
    db.session.flush()


def keep_portal_configuration(account_key: str, stripe_id: str) -> str:
    """Keep what the page for another card shows on an account; of two that were set up at once the first is kept."""
    insert = (sqlite.insert if uses_sqlite() else postgresql.insert)(PortalConfiguration)
    values = {"account_key": account_key, "stripe_configuration_id": stripe_id, "created_at": now()}
    db.session.execute(insert.values(values).on_conflict_do_nothing(index_elements=["account_key"]))
    return db.session.get_one(PortalConfiguration, account_key).stripe_configuration_id


def close_of(fundraiser_id: int) -> None:
    """Its fundraiser closed (F8): every monthly gift to it stops."""
    live = sa.select(MonthlyGift.id).where(
        MonthlyGift.fundraiser_id == fundraiser_id,
        MonthlyGift.status.in_(("active", "past_due", "paused")),
        MonthlyGift.stop_asked_at.is_(None),
    )
    fundraiser = db.session.get(Fundraiser, fundraiser_id)
    if fundraiser is not None and not accepts_gifts(fundraiser):
        for key in db.session.scalars(live).all():
            ask_to_stop(key, "fundraiser")


def get(gift_id: int) -> MonthlyGift:
    """The monthly gift, locked. Raises LookupError."""
    gift = lock(MonthlyGift, gift_id)
    if gift is None:
        raise LookupError("monthly gift")
    return gift


def _record(what: str, gift: MonthlyGift, **said: str) -> None:
    record(
        f"monthly_gift.{what}",
        subject=gift,
        by=None,
        organization_id=gift.organization_id,
        data={"amount_minor": gift.amount_minor, "currency": gift.currency, **said},
    )
