"""What happens to donations and to what Stripe says. Every function runs inside the caller's transaction and flushes.

No function here calls Stripe: `checkout` fetches the facts first, outside any transaction, and hands them in.
"""

from __future__ import annotations

import datetime as dt
import hashlib

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from app.accounts.models import Person
from app.core.audit import record
from app.core.clock import now
from app.core.db import db, lock, new_id, uses_sqlite
from app.core.errors import InvalidInput, refuse
from app.core.i18n import _
from app.core.money import BadAmount, Money, check_chargeable, explain
from app.core.outbox import enqueue, withdraw
from app.donations import ledger
from app.donations.facts import EventFacts, PaymentFacts, SessionFacts
from app.donations.models import PLATFORM, Donation, StripeEvent, StripeSync
from app.donations.policy import RESUMABLE, can_resume
from app.donations.queries import totals
from app.fundraisers.models import Fundraiser
from app.fundraisers.policy import accepts_gifts

# A donation only ever moves to a higher rank, whatever arrives in whatever order (F3): a late "failed" is below "paid".
# A new try to pay begins the ladder again, and only when the one before it can no longer be paid.
RANK = {"pending": 0, "processing": 1, "failed": 2, "expired": 2, "mismatched": 3, "paid": 4}
# Stripe wants a session to live between 30 minutes and 24 hours. It is asked for within the first hour of the row, always
# with the same end, so that a retry asks for the same.
CHECKOUT_LIFETIME = dt.timedelta(hours=2)
CHECKOUT_OPENING = dt.timedelta(hours=1)
# What is acted upon; every other type is stored and answered 200 (F3).
HANDLED_TYPES = (
    "checkout.session.completed",
    "checkout.session.async_payment_succeeded",
    "checkout.session.async_payment_failed",
    "checkout.session.expired",
    "payment_intent.payment_failed",
    "charge.updated",
)


def form_key(nonce: str, *values: object) -> str:
    """What makes two sendings of one form the same donation: the form's own nonce and everything that was typed."""
    return hashlib.sha256("\0".join((nonce, *map(str, values))).encode()).hexdigest()


def idempotency_key(donation_id: int, act: str, attempt: int = 1) -> str:
    """What Stripe recognises a repeated request by (F6): derived from our row and the try it is at, so that a retry cannot
    make a second object and a new try is a new one."""
    return f"manyhands-{act}-{donation_id}" + (f"-{attempt}" if attempt > 1 else "")


def start_donation(
    fundraiser_id: int,
    *,
    amount: Money,
    name: str,
    email: str,
    mode: str,
    anonymous: bool = True,
    message: str = "",
    by: Person | None = None,
    key: str | None = None,
    form: str | None = None,
    locale: str = "en",
) -> Donation:
    """A gift somebody is about to pay: pending until Stripe says more. `mode` is the installation's PAYMENTS_MODE; `key`
    (see form_key) makes the same form sent twice one donation; `form` names the form itself: sent again with other values
    it is another donation, and the checkout of the one before is closed.

    Raises Refused when gifts are off or the fundraiser takes none, InvalidInput for the amount.
    """
    if mode == "off":
        raise refuse("payments_off", _("Online gifts are not switched on here"), _("Ask the organization how to give"))
    fundraiser = lock(Fundraiser, fundraiser_id)
    if fundraiser is None or not accepts_gifts(fundraiser):
        raise refuse("fundraiser_closed", _("This fundraiser takes no gifts now"))
    if key is not None:
        same = db.session.scalar(sa.select(Donation).where(Donation.form_key == key))
        if same is not None:
            if (
                form is not None and same.status == "pending"
            ):  # back to what was typed first: this is the one to be paid
                withdraw(_key_to_expire(same.id, same.attempt))
                _close_others(fundraiser.id, form, but=same.id)
            return same
    if amount.currency != fundraiser.currency:
        raise InvalidInput({"amount": _("This fundraiser takes gifts in %(currency)s", currency=fundraiser.currency)})
    _check_amount(amount, locale)
    donation = Donation(
        fundraiser_id=fundraiser.id,
        organization_id=fundraiser.organization_id,
        person_id=None if by is None else by.id,
        amount_minor=amount.amount_minor,
        currency=amount.currency,
        name=name,
        email=email.lower(),
        anonymous=anonymous,
        message=message,
        status="pending",
        mode=mode,
        form_key=key,
        form=form,
        locale=locale,
        created_at=now(),
    )
    if form is not None:
        _close_others(fundraiser.id, form)
    db.session.add(donation)
    db.session.flush()
    record(
        "donation.started",
        subject=donation,
        by=by,
        organization_id=donation.organization_id,
        data={"fundraiser_id": fundraiser.id, "amount_minor": amount.amount_minor, "currency": amount.currency},
    )
    return donation


def _close_others(fundraiser_id: int, form: str, *, but: int | None = None) -> None:
    """Whoever goes back to a form and changes what they typed shall not pay both."""
    query = sa.select(Donation.id, Donation.attempt).where(
        Donation.fundraiser_id == fundraiser_id, Donation.form == form, Donation.status == "pending", Donation.id != but
    )
    for donation_id, attempt in db.session.execute(query).all():
        promise_to_expire(donation_id, attempt)


def _check_amount(amount: Money, locale: str) -> None:
    try:
        check_chargeable(amount)
    except BadAmount as bad:
        raise InvalidInput({"amount": explain(bad, amount.currency, locale)}) from bad


def check_resumable(donation: Donation, mode: str, amount: Money, locale: str) -> None:
    """Raise Refused when nobody can go on with it, InvalidInput when not with this amount."""
    if not can_resume(donation, mode):
        if not accepts_gifts(donation.fundraiser):
            raise refuse("fundraiser_closed", _("This fundraiser takes no gifts now"))
        raise refuse("checkout_over", _("This gift can no longer be paid"), _("Start a new one"))
    if amount.currency != donation.currency:
        raise InvalidInput({"amount": _("This fundraiser takes gifts in %(currency)s", currency=donation.currency)})
    _check_amount(amount, locale)


def begin_attempt(donation_id: int, *, attempt: int, amount: Money, mode: str, locale: str = "en") -> bool:
    """Another try to pay the same donation, with `amount`, after try number `attempt`, whose session the caller knows to be
    closed at Stripe (or never made). The ladder of its status begins again.

    False when something else happened in the meantime: look again. Raises Refused and InvalidInput as check_resumable.
    """
    donation = lock(Donation, donation_id)
    if donation is None:
        raise LookupError("donation")
    lock(Fundraiser, donation.fundraiser_id)
    may_be_paid = donation.status == "pending" and donation.stripe_session_id is not None
    if donation.attempt != attempt or donation.status not in RESUMABLE or may_be_paid:
        return False
    check_resumable(donation, mode, amount, locale)
    donation.attempt += 1
    donation.attempt_at = now()
    donation.amount_minor = amount.amount_minor
    donation.status = "pending"
    donation.problem = donation.note = ""
    donation.stripe_session_id = donation.checkout_url = donation.checked_at = donation.cancelled_at = None
    donation.stripe_payment_intent_id = donation.stripe_charge_id = None
    if donation.form is not None:
        _close_others(donation.fundraiser_id, donation.form, but=donation.id)
    record(
        "donation.resumed",
        subject=donation,
        by=None,
        organization_id=donation.organization_id,
        data={"attempt": donation.attempt, "amount_minor": amount.amount_minor, "currency": amount.currency},
    )
    db.session.flush()
    return True


def cancel_donation(donation_id: int) -> Donation:
    """The donor does not want to give: its checkout must be closed already. What was paid, or is on its way, stays."""
    donation = lock(Donation, donation_id)
    if donation is None:
        raise LookupError("donation")
    if donation.status == "pending" and donation.stripe_session_id is None:
        _move(donation, "expired", None)
    if donation.status == "expired" and donation.cancelled_at is None:
        donation.cancelled_at = now()
        record("donation.cancelled", subject=donation, by=None, organization_id=donation.organization_id)
    db.session.flush()
    return donation


def can_open_checkout(donation: Donation) -> bool:
    """True while a session may be asked for: pending, young enough, and its fundraiser takes gifts."""
    young = donation.asked_at > now() - CHECKOUT_OPENING
    return donation.status == "pending" and young and accepts_gifts(donation.fundraiser)


def save_session(donation_id: int, session: SessionFacts) -> Donation:
    """Keep where the donor pays. When the fundraiser closed in the meantime, the session is promised to be expired. A session
    of an earlier try is not kept: that try was closed."""
    donation = lock(Donation, donation_id)
    if donation is None:
        raise LookupError("donation")
    if donation.attempt != session.attempt:
        return donation
    if donation.stripe_session_id is None:
        donation.stripe_session_id = session.id
    if donation.stripe_session_id == session.id:
        donation.checkout_url = session.url or donation.checkout_url
    if not accepts_gifts(donation.fundraiser):
        promise_to_expire(donation.id, donation.attempt)
    db.session.flush()
    return donation


def promise_to_expire(donation_id: int, attempt: int) -> None:
    """Close a checkout somebody may still pay through (F8): that of try number `attempt`."""
    enqueue(
        "expire_checkout", {"donation_id": donation_id, "attempt": attempt}, key=_key_to_expire(donation_id, attempt)
    )


def _key_to_expire(donation_id: int, attempt: int) -> str:
    return f"expire_checkout:{donation_id}" + (f":{attempt}" if attempt > 1 else "")


def _disagreements(
    donation: Donation, session: SessionFacts, payment: PaymentFacts | None, *, livemode: bool
) -> list[str]:
    """What Stripe says that is not what was asked (F4), in codes and numbers."""
    asked = Money(donation.amount_minor, donation.currency)
    found: list[str] = []
    if session.amount != asked:
        found.append(f"session says {session.amount.amount_minor} {session.amount.currency}")
    if session.payment_status == "paid":
        if payment is None:
            found.append("paid without a payment")
        elif payment.status != "succeeded" or payment.received != asked:
            found.append(f"payment says {payment.status} {payment.received.amount_minor} {payment.received.currency}")
    elif session.payment_status == "no_payment_required":
        found.append("no payment required")
    if session.livemode != livemode:
        found.append("wrong livemode")
    return found


def _next_status(session: SessionFacts, payment: PaymentFacts | None) -> str:
    """Where a donation stands by what Stripe says now. `complete` may be unpaid: then the payment tells (rule 4)."""
    if session.payment_status == "paid":
        return "paid"
    if session.status == "expired":
        return "expired"
    if session.status != "complete":
        return "pending"
    failed = payment is not None and payment.status in ("requires_payment_method", "canceled")
    return "failed" if failed else "processing"


def fulfil(
    donation_id: int,
    session: SessionFacts,
    payment: PaymentFacts | None,
    *,
    livemode: bool,
    event_id: int | None = None,
) -> Donation:
    """Apply what Stripe says now; the one function that the inbox, the return page and the sweep call.

    Under the donation's lock, forward only: status, ledger, audit, thanks and the event's own mark commit together, or
    not at all; a second time changes nothing. `livemode` is what the installation expects.
    """
    donation = lock(Donation, donation_id)
    if donation is None:
        raise LookupError("donation")
    donation.checked_at = now()
    if event_id is not None:
        close_event(event_id, "handled")
    if session.attempt != donation.attempt:  # of a try that was closed before this one began
        if session.payment_status == "paid":
            _disagree(donation, [f"session {session.id} of try {session.attempt} is paid as well"])
        return donation
    if donation.stripe_session_id is None:
        donation.stripe_session_id, donation.checkout_url = session.id, session.url or None
    elif donation.stripe_session_id != session.id:
        _disagree(donation, [f"second session {session.id}"])
        return donation
    if donation.status != "paid":
        disagreements = _disagreements(donation, session, payment, livemode=livemode)
        status = "mismatched" if disagreements else _next_status(session, payment)
        if disagreements:
            _disagree(donation, disagreements)
        if RANK[status] > RANK[donation.status]:
            _move(donation, status, payment)
        donation.problem = "" if payment is None or donation.status == "paid" else payment.problem
    if donation.status == "paid" and payment is not None:
        _settle(donation, payment)
    db.session.flush()
    return donation


def _move(donation: Donation, status: str, payment: PaymentFacts | None) -> None:
    donation.status = status
    if payment is not None and status != "mismatched":
        donation.stripe_payment_intent_id = payment.id
    record(
        f"donation.{status}",
        subject=donation,
        by=None,
        organization_id=donation.organization_id,
        data={"amount_minor": donation.amount_minor, "currency": donation.currency},
    )
    if status in ("processing", "failed"):  # told in writing, with the donor's own link: they may have no account
        enqueue(
            f"mail_donation_{status}",
            {"donation_id": donation.id, "attempt": donation.attempt},
            key=f"donation_{status}:{donation.id}:{donation.attempt}",
        )
    if status != "paid" or payment is None:
        return
    donation.paid_at = now()
    donation.note = ""
    # Before the entries, which hold the row a little: two gifts at the same moment then see each other's entries in turn.
    fundraiser = lock(Fundraiser, donation.fundraiser_id)
    ledger.post_gift(
        organization_id=donation.organization_id,
        fundraiser_id=donation.fundraiser_id,
        donation_id=donation.id,
        payment_id=payment.id,
        amount=Money(donation.amount_minor, donation.currency),
    )
    enqueue("mail_donation_thanks", {"donation_id": donation.id}, key=f"donation_thanks:{donation.id}")
    if fundraiser is not None and fundraiser.goal_reached_at is None:
        _note_goal(fundraiser)


def _note_goal(fundraiser: Fundraiser) -> None:
    """Tell the starter, once, when what is paid reaches the goal. The caller holds the fundraiser's lock."""
    settled = totals([fundraiser.id])[fundraiser.id].settled
    if settled.amount_minor < fundraiser.goal_minor:
        return
    fundraiser.goal_reached_at = now()
    record(
        "fundraiser.goal_reached",
        subject=fundraiser,
        by=None,
        organization_id=fundraiser.organization_id,
        data={"goal_minor": fundraiser.goal_minor, "currency": fundraiser.currency},
    )
    enqueue(
        "mail_fundraiser_goal_reached", {"fundraiser_id": fundraiser.id}, key=f"fundraiser_goal_reached:{fundraiser.id}"
    )


def _settle(donation: Donation, payment: PaymentFacts) -> None:
    """Note the charge and, once Stripe has settled it, what it cost."""
    if payment.id != donation.stripe_payment_intent_id:
        return
    donation.stripe_charge_id = donation.stripe_charge_id or payment.charge_id
    if payment.fee is None or payment.balance_transaction_id is None or donation.stripe_balance_transaction_id:
        return
    donation.stripe_balance_transaction_id = payment.balance_transaction_id
    ledger.post_fee(
        organization_id=donation.organization_id,
        fundraiser_id=donation.fundraiser_id,
        donation_id=donation.id,
        balance_transaction_id=payment.balance_transaction_id,
        fee=payment.fee,
    )


def _disagree(donation: Donation, disagreements: list[str]) -> None:
    """Put it where staff see it; a person decides, nothing is repaired silently."""
    note = "; ".join(disagreements)[:300]
    if donation.note == note:
        return
    donation.note = note
    record(
        "donation.disagreement",
        subject=donation,
        by=None,
        organization_id=donation.organization_id,
        data={"says": note},
    )


def abandon(donation_id: int) -> None:
    """A donation whose checkout never opened: nobody can pay it any more."""
    donation = lock(Donation, donation_id)
    if donation is None or donation.status != "pending" or donation.stripe_session_id is not None:
        return
    if donation.asked_at > now() - CHECKOUT_OPENING:
        return
    _move(donation, "expired", None)
    db.session.flush()


# --- the inbox ----------------------------------------------------------------------------------------------------


def store_event(event: EventFacts, *, livemode: bool) -> bool:
    """Keep an event by its Stripe id and wake the worker; False when it was there already (F3).

    An event of the other mode, of another account, or of a type nobody acts upon is kept, too, and left alone.
    """
    reason = ""
    if event.livemode != livemode:
        reason = "wrong livemode"
    elif event.account is not None:
        reason = "of a connected account"
    elif event.type not in HANDLED_TYPES:
        reason = "not acted upon"
    values = {
        "id": new_id(),
        "stripe_id": event.id,
        "type": event.type[:100],
        "object_id": event.object_id,
        "account": event.account,
        "livemode": event.livemode,
        "created_at": event.created_at,
        "received_at": now(),
        "status": "ignored" if reason else "received",
        "handled_at": now() if reason else None,
        "note": reason,
    }
    insert = sqlite.insert if uses_sqlite() else postgresql.insert
    stored = (
        insert(StripeEvent)
        .values(**values)
        .on_conflict_do_nothing(index_elements=["stripe_id"])
        .returning(StripeEvent.id)
    )
    if db.session.scalar(stored) is None:
        return False
    if not reason:
        enqueue("stripe_event", {"event_id": values["id"]}, key=f"stripe_event:{event.id}")
    return True


def close_event(event_id: int, status: str, note: str = "") -> None:
    """Mark an event handled or ignored; one that is closed already stays as it is."""
    db.session.execute(
        sa.update(StripeEvent)
        .where(StripeEvent.id == event_id, StripeEvent.status == "received")
        .values(status=status, handled_at=now(), note=note),
        execution_options={"synchronize_session": False},
    )


def note_listed(until: dt.datetime) -> None:
    """Stripe's list of events has been read up to `until`."""
    row = db.session.get(StripeSync, PLATFORM, with_for_update=True)
    if row is None:
        db.session.add(StripeSync(account=PLATFORM, listed_until=until))
    else:
        row.listed_until = max(row.listed_until, until)
    db.session.flush()
