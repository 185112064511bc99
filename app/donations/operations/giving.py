"""A gift somebody is about to pay: begun, gone on with, given up."""

from __future__ import annotations

import datetime as dt
import hashlib

import sqlalchemy as sa

from app.accounts.models import Person
from app.core.audit import record
from app.core.clock import now
from app.core.db import db, lock
from app.core.errors import InvalidInput, Refused, refuse
from app.core.i18n import _
from app.core.ids import encode_id
from app.core.mail_address import find_plain_address
from app.core.money import BadAmount, Money, check_chargeable, explain
from app.core.outbox import enqueue, withdraw
from app.donations import gift_aid, messages, words
from app.donations.facts import SessionFacts
from app.donations.fees import gross_up
from app.donations.models import Donation
from app.donations.monthly_models import MonthlyGift
from app.donations.operations import fulfilling
from app.donations.operations.mismatches import ACCOUNT_GONE, note_mismatch
from app.donations.payees import account_can_charge, find_payee
from app.donations.policy import RESUMABLE, RESUME_FOR, can_resume
from app.donations.receipt_models import GiftAidDeclaration
from app.donations.terms import fee_terms, find_terms
from app.donations.wishes import GiftAid, Wishes, problems
from app.fundraisers.models import Fundraiser
from app.fundraisers.policy import accepts_gifts

# Stripe wants a session to live between 30 minutes and 24 hours. It is asked for within the first hour of the row, always
# with the same end, so that a retry asks for the same.
CHECKOUT_LIFETIME = dt.timedelta(hours=2)
CHECKOUT_OPENING = dt.timedelta(hours=1)
# A declaration of a gift that was not paid is kept while its donor may go on with it, and a day more, in which what they began
# on the last day may be paid.
DECLARATION_KEPT_FOR = RESUME_FOR + dt.timedelta(days=1)


def form_key(nonce: str, *values: object) -> str:
    """What makes two sendings of one form the same donation: the form's own nonce and everything that was typed."""
    return hashlib.sha256("\0".join((nonce, *map(str, values))).encode()).hexdigest()


def idempotency_key(donation_id: int, act: str, attempt: int = 1) -> str:
    """What Stripe recognises a repeated request by (F6): derived from our row and the try it is at, so that a retry cannot
    make a second object and a new try is a new one."""
    return f"manyhands-{act}-{donation_id}" + (f"-{attempt}" if attempt > 1 else "")


NO_WISHES = Wishes()


def total_of(gift: Money, organization_id: int, *, cover_fee: bool, locale: str = "en") -> Money:
    """What is paid so that `gift` arrives: with `cover_fee`, more by what the card payment costs (MONEY.md 10).

    Raises InvalidInput when either cannot be charged.
    """
    _check_amount(gift, locale)
    if not cover_fee:
        return gift
    try:
        return gross_up(gift, fee_terms(find_terms(organization_id), gift.currency))
    except BadAmount as bad:
        raise InvalidInput({"cover_fee": explain(bad, gift.currency, locale)}) from bad


def start_donation(
    fundraiser_id: int,
    *,
    amount: Money,
    name: str,
    email: str,
    mode: str,
    connect: bool = False,
    anonymous: bool = True,
    message: str = "",
    wishes: Wishes = NO_WISHES,
    by: Person | None = None,
    key: str | None = None,
    form: str | None = None,
    locale: str = "en",
) -> Donation:
    """A gift somebody is about to pay: pending until Stripe says more. `amount` is the gift; what covers its fee, if
    `wishes` say so, comes on top. `mode` is the installation's PAYMENTS_MODE, `connect` its STRIPE_CONNECT; `key` (see
    form_key) makes the same form sent twice one donation; `form` names the form itself: sent again with other values
    it is another donation, and the checkout of the one before is closed.

    Raises Refused when gifts are off, the fundraiser takes none or its organization cannot be paid, InvalidInput for the
    amount and for wishes that do not go together.
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
    if find_plain_address(email) is None:
        raise InvalidInput({"email": _("The payment service takes only plain Latin letters before the @")})
    payee = find_payee(fundraiser.organization_id, mode, connect=connect)
    if payee is None:
        raise no_payee()
    if amount.currency != fundraiser.currency:
        raise InvalidInput({"amount": _("This fundraiser takes gifts in %(currency)s", currency=fundraiser.currency)})
    total = total_of(amount, fundraiser.organization_id, cover_fee=wishes.cover_fee, locale=locale)
    terms = find_terms(fundraiser.organization_id)
    takes_gift_aid = gift_aid.is_claimed(fundraiser.organization, fundraiser.currency, terms)
    if wrong := problems(wishes, anonymous=anonymous, takes_gift_aid=takes_gift_aid):
        raise InvalidInput(wrong)
    donation = Donation(
        fundraiser_id=fundraiser.id,
        organization_id=fundraiser.organization_id,
        team_id=fundraiser.team_id,
        person_id=None if by is None else by.id,
        amount_minor=total.amount_minor,
        cover_fee_minor=total.amount_minor - amount.amount_minor,
        currency=amount.currency,
        name=name,
        company=wishes.company,
        email=email.lower(),
        anonymous=anonymous,
        hide_from_starter=anonymous if wishes.hide_from_starter is None else wishes.hide_from_starter,
        hide_from_organization=wishes.hide_from_organization,
        dedication=wishes.dedication,
        dedicated_to=wishes.dedicated_to,
        message=message,
        status="pending",
        mode=mode,
        account=payee.account,
        form_key=key,
        form=form,
        locale=locale,
        created_at=now(),
    )
    if form is not None:
        _close_others(fundraiser.id, form)
    messages.screen(donation)
    db.session.add(donation)
    db.session.flush()
    donation.checkout_title = words.payment_title(donation)
    if wishes.gift_aid is not None:
        _declare_gift_aid(donation, wishes.gift_aid)
    record(
        "donation.started",
        subject=donation,
        by=by,
        organization_id=donation.organization_id,
        data={"fundraiser_id": fundraiser.id, "amount_minor": total.amount_minor, "currency": amount.currency},
    )
    return donation


def no_payee() -> Refused:
    """Why nothing can be given to an organization whose account takes no gifts."""
    return refuse(
        "payee_not_ready",
        _("This organization cannot take online gifts at the moment"),
        _("Ask the organization how to give"),
    )


def _declare_gift_aid(donation: Donation, declared: GiftAid) -> None:
    """Keep the declaration apart from the gift, with the version of the words that were agreed to."""
    db.session.add(
        GiftAidDeclaration(
            donation_id=donation.id,
            first_name=declared.first_name,
            last_name=declared.last_name,
            address=declared.address,
            postal_code=gift_aid.read_postcode(declared.postal_code) or declared.postal_code,
            text_version=declared.wording,
            declared_at=now(),
        )
    )
    db.session.flush()


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


def resumed_total(
    donation: Donation,
    mode: str,
    gift: Money,
    locale: str,
    *,
    connect: bool = False,
    cover_fee: bool | None = None,
) -> Money:
    """What is paid when its donor goes on with it and gives `gift`. `cover_fee` None: as they chose when they began. What was
    asked for stays as long as nothing of it changes, whatever became of the fee meanwhile.

    Raises Refused when nobody can go on with it, or not through the account it was begun for; InvalidInput when not with
    this amount.
    """
    if not can_resume(donation, mode):
        if not accepts_gifts(donation.fundraiser):
            raise refuse("fundraiser_closed", _("This fundraiser takes no gifts now"))
        raise refuse("checkout_over", _("This gift can no longer be paid"), _("Start a new one"))
    monthly_gift_id = donation.monthly_gift_id
    if monthly_gift_id is not None and db.session.get_one(MonthlyGift, monthly_gift_id).status == "ended":
        raise refuse("monthly_over", _("This monthly gift has ended"), _("Start a new one"))
    payee = find_payee(donation.organization_id, mode, connect=connect)
    if payee is None or payee.account != donation.account:
        raise no_payee()
    if gift.currency != donation.currency:
        raise InvalidInput({"amount": _("This fundraiser takes gifts in %(currency)s", currency=donation.currency)})
    covers = donation.cover_fee_minor > 0
    cover_fee = covers if cover_fee is None else cover_fee
    if (gift.amount_minor, cover_fee) == (donation.gift_minor, covers):
        _check_amount(gift, locale)
        return Money(donation.amount_minor, donation.currency)
    return total_of(gift, donation.organization_id, cover_fee=cover_fee, locale=locale)


def begin_attempt(
    donation_id: int,
    *,
    attempt: int,
    amount: Money,
    mode: str,
    connect: bool = False,
    cover_fee: bool | None = None,
    locale: str = "en",
) -> bool:
    """Another try to pay the same donation, with the gift `amount`, after try number `attempt`, whose session the caller knows
    to be closed at Stripe (or never made). The ladder of its status begins again.

    False when something else happened in the meantime: look again. Raises Refused and InvalidInput as resumed_total.
    """
    of_month = db.session.scalar(sa.select(Donation.monthly_gift_id).where(Donation.id == donation_id))
    monthly_gift = None if of_month is None else lock(MonthlyGift, of_month)  # before its donations, as renewals do
    donation = lock(Donation, donation_id)
    if donation is None:
        raise LookupError("donation")
    lock(Fundraiser, donation.fundraiser_id)
    may_be_paid = donation.status == "pending" and donation.stripe_session_id is not None
    if donation.attempt != attempt or donation.status not in RESUMABLE or may_be_paid:
        return False
    total = resumed_total(donation, mode, amount, locale, connect=connect, cover_fee=cover_fee)
    donation.attempt += 1
    donation.attempt_at = now()
    donation.amount_minor = total.amount_minor
    donation.cover_fee_minor = total.amount_minor - amount.amount_minor
    donation.checkout_title = words.payment_title(donation)
    donation.status = "pending"
    donation.problem = donation.note = ""
    donation.stripe_session_id = donation.checkout_url = donation.checked_at = donation.cancelled_at = None
    donation.stripe_payment_intent_id = donation.stripe_charge_id = donation.stripe_invoice_id = None
    if monthly_gift is not None:
        monthly_gift.stripe_subscription_id = monthly_gift.stripe_customer_id = None
    if donation.form is not None:
        _close_others(donation.fundraiser_id, donation.form, but=donation.id)
    record(
        "donation.resumed",
        subject=donation,
        by=None,
        organization_id=donation.organization_id,
        data={"attempt": donation.attempt, "amount_minor": total.amount_minor, "currency": amount.currency},
    )
    db.session.flush()
    return True


def cancel_donation(donation_id: int) -> Donation:
    """The donor does not want to give: its checkout must be closed already. What was paid, or is on its way, stays."""
    donation = lock(Donation, donation_id)
    if donation is None:
        raise LookupError("donation")
    if donation.status == "pending" and donation.stripe_session_id is None:
        fulfilling.move(donation, "expired", None)
    if donation.status == "expired" and donation.cancelled_at is None:
        donation.cancelled_at = now()
        record("donation.cancelled", subject=donation, by=None, organization_id=donation.organization_id)
    db.session.flush()
    return donation


def can_open_checkout(donation: Donation) -> bool:
    """True while a session may be asked for: pending, young enough, its fundraiser takes gifts and its account can."""
    young = donation.asked_at > now() - CHECKOUT_OPENING
    return donation.status == "pending" and young and _may_be_paid(donation)


def _may_be_paid(donation: Donation) -> bool:
    return accepts_gifts(donation.fundraiser) and account_can_charge(donation.account)


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
    if not _may_be_paid(donation):
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


def let_go(donation_id: int) -> None:
    """A gift that is not paid and whose account was taken from us: nobody will hear what becomes of it."""
    donation = lock(Donation, donation_id)
    if donation is None or donation.status not in ("pending", "processing"):
        return
    if donation.status == "processing" or donation.stripe_session_id is not None:
        # A bank may confirm it yet, and its page may still be open: it may be paid all the same.
        note_mismatch(
            account=donation.account,
            kind=ACCOUNT_GONE,
            subject=encode_id(donation.id),
            detail=f"{donation.status} when the account was disconnected",
            donation_id=donation.id,
            organization_id=donation.organization_id,
        )
    fulfilling.move(donation, "expired", None)
    db.session.flush()


def purge_declarations(*, limit: int = 500) -> int:
    """Delete Gift Aid declarations, home addresses among them, of gifts that were not paid, or not as was asked, and that nobody
    can go on with any more (after DECLARATION_KEPT_FOR); how many that were."""
    asked_at = sa.func.coalesce(Donation.attempt_at, Donation.created_at)
    query = (
        sa.select(Donation)
        .join(GiftAidDeclaration, GiftAidDeclaration.donation_id == Donation.id)
        .where(Donation.status.in_((*RESUMABLE, "mismatched")), asked_at < now() - DECLARATION_KEPT_FOR)
    )
    unpaid = db.session.scalars(query.order_by(Donation.id).limit(limit)).all()
    for donation in unpaid:
        db.session.execute(sa.delete(GiftAidDeclaration).where(GiftAidDeclaration.donation_id == donation.id))
        record("gift_aid.purged", subject=donation, by=None, organization_id=donation.organization_id)
    db.session.flush()
    return len(unpaid)


def abandon(donation_id: int) -> None:
    """A donation whose checkout never opened: nobody can pay it any more."""
    donation = lock(Donation, donation_id)
    if donation is None or donation.status != "pending" or donation.stripe_session_id is not None:
        return
    if donation.asked_at > now() - CHECKOUT_OPENING:
        return
    fulfilling.move(donation, "expired", None)
    db.session.flush()
