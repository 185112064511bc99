"""The list of what does not agree between Stripe and the ledger: found by reconciliation, worked off by a person."""

from __future__ import annotations

import datetime as dt

import sqlalchemy as sa

from app.accounts.models import Person
from app.core.audit import record
from app.core.clock import now
from app.core.db import db, lock
from app.core.ids import encode_id
from app.donations.models import PLATFORM, Donation
from app.donations.money_models import MoneyMismatch, Reconciliation

# What was told of an account that its organization had taken from us: nothing can be asked about it.
ACCOUNT_GONE = "account_gone"
# What was paid on a page of a gift that had been replaced by another.
SECOND_PAYMENT = "second_payment"
# And what a bank disputes of that. Its subject is Stripe's id of the dispute.
SECOND_DISPUTE = "second_dispute"
# What Stripe booked by itself and no book of ours has. Its subject is Stripe's id of it.
OTHER = "other"
# A gift that is paid and that Stripe's balance does not show, days later. Its subject is our own id of the gift.
NEVER_BOOKED = "never_booked"


def note_mismatch(
    *,
    account: str | None,
    kind: str,
    subject: str,
    detail: str,
    donation_id: int | None = None,
    organization_id: int | None = None,
) -> MoneyMismatch:
    """Put it on the list, once; found again with other numbers, a person looks again."""
    key = account or PLATFORM
    found = db.session.scalar(
        sa.select(MoneyMismatch).where(
            MoneyMismatch.account_key == key, MoneyMismatch.kind == kind, MoneyMismatch.subject == subject
        )
    )
    if found is None:
        found = MoneyMismatch(
            organization_id=organization_id,
            donation_id=donation_id,
            account=account,
            account_key=key,
            kind=kind,
            subject=subject,
            detail=detail[:300],
            created_at=now(),
            found_last_at=now(),
        )
        db.session.add(found)
        db.session.flush()
        record("money.mismatch_found", subject=found, by=None, organization_id=organization_id, data={"kind": kind})
        return found
    found.found_last_at = now()
    if found.detail != detail[:300]:
        found.detail = detail[:300]
        found.seen_at = found.seen_by_id = None
    db.session.flush()
    return found


def mark_seen(mismatch_id: int, *, note: str, by: Person) -> MoneyMismatch:
    """A person has looked at it, and says what it was. Raises LookupError."""
    found = lock(MoneyMismatch, mismatch_id)
    if found is None:
        raise LookupError("mismatch")
    if found.seen_at is None:
        found.seen_at, found.seen_by_id, found.note = now(), by.id, note
        record(
            "money.mismatch_seen",
            subject=found,
            by=by,
            organization_id=found.organization_id,
            data={"kind": found.kind},
        )
        db.session.flush()
    return found


def note_booked(donation: Donation) -> None:
    """Stripe has booked a gift that was on the list because it had not: nobody needs to look at that any more."""
    _resolve(NEVER_BOOKED, encode_id(donation.id), donation.account)


def note_fee_booked(balance_transaction_id: str, *, account: str | None) -> None:
    """A fee that Stripe billed apart is in the ledger: nobody needs to look at it any more."""
    _resolve(OTHER, balance_transaction_id, account)


def _resolve(kind: str, subject: str, account: str | None) -> None:
    waiting = sa.select(MoneyMismatch).where(
        MoneyMismatch.account_key == (account or PLATFORM),
        MoneyMismatch.kind == kind,
        MoneyMismatch.subject == subject,
        MoneyMismatch.seen_at.is_(None),
    )
    for found in db.session.scalars(waiting).all():
        found.seen_at = now()
        data = {"kind": found.kind}
        record("money.mismatch_resolved", subject=found, by=None, organization_id=found.organization_id, data=data)
    db.session.flush()


def note_reconciled(key: str, *, until: dt.datetime, compared: int, differing: int) -> None:
    """An account has been compared up to `until`."""
    row = db.session.get(Reconciliation, key, with_for_update=True)
    if row is None:
        row = Reconciliation(account_key=key, compared_until=until, ran_at=now(), compared=0, differing=0)
        db.session.add(row)
    row.compared_until = max(row.compared_until, until)
    row.ran_at, row.compared, row.differing = now(), compared, differing
    db.session.flush()
