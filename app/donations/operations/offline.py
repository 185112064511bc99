"""Gifts in person: recorded by staff or by whoever started the fundraiser, counted once staff have confirmed them, taken back
when they were not so. Every function runs inside the caller's transaction and flushes. Stripe knows nothing of them."""

from __future__ import annotations

import datetime as dt

import sqlalchemy as sa

from app.accounts.models import Person
from app.core.audit import record
from app.core.clock import now, today
from app.core.db import db, lock
from app.core.errors import InvalidInput, refuse
from app.core.i18n import _
from app.core.money import BadAmount, Money, check_goal, explain
from app.core.outbox import enqueue
from app.donations import ledger, matching, messages, tally
from app.donations.models import Donation
from app.donations.operations import receipts
from app.donations.operations.milestones import note_milestones
from app.fundraisers.models import Fundraiser
from app.fundraisers.policy import SHOWN, can_decide
from app.organizations.queries import list_deciders

# Cash is brought days after it was collected; nothing is recorded years later.
LONGEST_AGO = dt.timedelta(days=366)


def record_offline(
    fundraiser_id: int,
    *,
    by: Person,
    amount: Money,
    name: str,
    received_on: dt.date,
    mode: str,
    email: str = "",
    anonymous: bool = True,
    message: str = "",
    key: str | None = None,
    locale: str = "en",
) -> Donation:
    """Write down a gift in person. What an owner or manager records is confirmed by that; what the starter records waits for
    them. `received_on` is a day where the organization is; `mode` the installation's PAYMENTS_MODE; `key` makes the same
    form sent twice one gift.

    Raises InvalidInput for amount and day, Refused while the page is not public.
    """
    fundraiser = lock(Fundraiser, fundraiser_id)
    if fundraiser is None or fundraiser.status not in SHOWN:
        raise refuse("fundraiser_not_live", _("Only a page that its organization approved can have gifts"))
    if key is not None and (same := db.session.scalar(sa.select(Donation).where(Donation.form_key == key))) is not None:
        return same
    _check(fundraiser, amount, received_on, locale)
    tally.hold_pages(fundraiser.id, fundraiser.team_id)
    donation = Donation(
        fundraiser_id=fundraiser.id,
        organization_id=fundraiser.organization_id,
        team_id=fundraiser.team_id,
        amount_minor=amount.amount_minor,
        currency=amount.currency,
        name=name,
        email=email.lower(),
        anonymous=anonymous,
        # Whoever started the page knows the names that they wrote down themselves, and no others (F9).
        hide_from_starter=anonymous and by.id != fundraiser.started_by_id,
        message=message,
        status="recorded",
        source="offline",
        # Where online gifts are off, money in hand is as real as it gets.
        mode="live" if mode == "off" else mode,
        received_on=received_on,
        recorded_by_id=by.id,
        form_key=key,
        locale=locale,
        created_at=now(),
    )
    messages.screen(donation)
    db.session.add(donation)
    db.session.flush()
    _record("donation.recorded", donation, by)
    if can_decide(by, fundraiser):
        confirm_offline(donation.id, by=by)
    else:
        for person_id in list_deciders(fundraiser.organization_id):
            enqueue(
                "mail_offline_waiting",
                {"donation_id": donation.id, "person_id": person_id},
                key=f"offline_waiting:{donation.id}:{person_id}",
            )
    return donation


def _check(fundraiser: Fundraiser, amount: Money, received_on: dt.date, locale: str) -> None:
    errors: dict[str, str] = {}
    if amount.currency != fundraiser.currency:
        errors["amount"] = _("This fundraiser takes gifts in %(currency)s", currency=fundraiser.currency)
    else:
        try:
            check_goal(amount)
        except BadAmount as bad:
            errors["amount"] = explain(bad, amount.currency, locale)
    day = today(fundraiser.organization.time_zone)
    if received_on > day:
        errors["received_on"] = _("Choose today or an earlier day")
    elif received_on < day - LONGEST_AGO:
        errors["received_on"] = _("Choose a day within the last year")
    if errors:
        raise InvalidInput(errors)


def confirm_offline(donation_id: int, *, by: Person) -> Donation:
    """The organization has the money: it counts. Twice is once. Raises Refused when the record was taken back."""
    donation = _locked(donation_id)
    if donation.status == "paid":
        return donation
    if donation.status != "recorded":
        raise refuse("taken_back", _("This record was taken back"), _("Record the gift again"))
    lock(Fundraiser, donation.fundraiser_id)
    donation.status, donation.paid_at = "paid", now()
    amount = Money(donation.amount_minor, donation.currency)
    _post("offline", f"offline:{donation.id}", donation, amount, at=ledger.given_at(donation))
    tally.gift_paid(donation)
    matching.gift_paid(donation)
    receipts.issue(donation)
    _record("donation.confirmed", donation, by)
    if donation.email:
        enqueue("mail_donation_thanks", {"donation_id": donation.id}, key=f"donation_thanks:{donation.id}")
    note_milestones(donation)
    return donation


def undo_offline(donation_id: int, *, by: Person) -> Donation:
    """The record was wrong: it counts no longer, and stays in the books with its reversal. The starter takes back what staff
    have not confirmed; the rest is for staff. Twice is once. Raises Refused."""
    donation = _locked(donation_id)
    if donation.status == "expired":
        return donation
    if donation.status == "paid":
        if not can_decide(by, donation.fundraiser):
            raise refuse("confirmed", _("The organization has confirmed this gift"), _("Ask them to take it back"))
        lock(Fundraiser, donation.fundraiser_id)
        left = tally.left_of(donation.id)
        _post("offline_undone", f"offline_undone:{donation.id}", donation, Money(-left, donation.currency))
        tally.gift_went_back(donation, left)
        matching.gift_went_back(donation, left)
        receipts.correct(donation, left, f"offline_undone:{donation.id}")
    donation.status, donation.cancelled_at = "expired", now()
    _record("donation.taken_back", donation, by)
    return donation


def _post(kind: str, source: str, donation: Donation, money: Money, *, at: dt.datetime | None = None) -> None:
    ledger.post(
        organization_id=donation.organization_id,
        donation_id=donation.id,
        kind=kind,
        source=source,
        at=at,
        postings=[
            ledger.Posting("offline", money, donation.fundraiser_id),
            ledger.Posting("donations", Money(-money.amount_minor, money.currency), donation.fundraiser_id),
        ],
    )


def _locked(donation_id: int) -> Donation:
    donation = lock(Donation, donation_id)
    if donation is None or donation.source != "offline":
        raise refuse("not_found", _("There is no such gift"))
    return donation


def _record(action: str, donation: Donation, by: Person) -> None:
    db.session.flush()
    record(
        action,
        subject=donation,
        by=by,
        organization_id=donation.organization_id,
        data={"amount_minor": donation.amount_minor, "currency": donation.currency},
    )
