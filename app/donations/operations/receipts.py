"""Receipts (F7): issued in the transaction in which a gift is paid, corrected by a further document when money goes back.

Nothing changes a document that was issued. Demonstration gifts have none; those of the test mode are marked and counted apart.
"""

from __future__ import annotations

import dataclasses
import datetime as dt

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from app.core import when
from app.core.audit import record
from app.core.clock import local_date, now
from app.core.db import db, uses_sqlite
from app.core.i18n import _
from app.core.letters import language_of, speaking
from app.core.money import Money, format_money
from app.core.outbox import Outbox, enqueue
from app.donations import receipt_texts as texts
from app.donations.models import Donation
from app.donations.receipt_models import GiftAidDeclaration, Receipt, ReceiptCounter
from app.donations.terms import find_terms

GIFT = "gift"
ONCE_IN = dt.timedelta(hours=1)


def issue(donation: Donation) -> Receipt | None:
    """The receipt of a paid gift, issued now or before; None for a demonstration and for what is not paid. Call it in the
    transaction that makes the gift paid, with its row locked (a gift in person: in the one that confirms it)."""
    if donation.mode == "demo" or donation.status != "paid":
        return None
    issued = _find(donation.id, GIFT)
    if issued is not None:
        return issued
    organization = donation.fundraiser.organization
    given_on = donation.received_on or local_date(donation.paid_at or now(), organization.time_zone)
    terms, locale = find_terms(organization.id), language_of(donation.locale)
    number = _next_number(organization.id, donation.mode)
    with speaking(locale):
        values = {
            "organization": organization.name,
            "donor": donation.company or donation.name,
            "amount": format_money(Money(donation.amount_minor, donation.currency), locale),
            "date": when.full_day(given_on),
            "number": label(donation.mode, number),
            "tax_id": terms.tax_id,
            "no_goods": texts.no_goods(),
            "gift_aid": texts.gift_aid_said(organization.name, declared=_is_declared(donation.id)),
        }
        template = terms.receipt_text or texts.default_text(organization.country, has_tax_id=bool(terms.tax_id))
        text = texts.fill(template, values)
    return _write(
        donation,
        number=number,
        kind="gift",
        cause=GIFT,
        corrects_id=None,
        amount_minor=donation.amount_minor,
        stands_minor=donation.amount_minor,
        tax_id=terms.tax_id,
        text=text,
        locale=locale,
        given_on=given_on,
    )


def correct(donation: Donation, minor: int, cause: str, *, at: dt.datetime | None = None) -> Receipt | None:
    """A document that says what the gift is from now on: `minor` of it went back (below zero: came again). `cause` is the
    ledger's source for it ("refund:re_…", "refund_failed:re_…", "dispute:txn_…"): once each; `at` when it happened, where
    that is not now. It names the receipt it corrects, and is sent to the donor.

    None where there is no receipt to correct and where nothing of the gift changes by it. Call it with the gift's row locked.
    """
    first = _find(donation.id, GIFT)
    if first is None or not minor:
        return None
    known = _find(donation.id, cause)
    if known is not None:
        return known
    latest = sa.select(Receipt.stands_minor).where(Receipt.donation_id == donation.id).order_by(Receipt.number.desc())
    before = db.session.scalars(latest.limit(1)).one()
    # Never below nothing, nor above the gift: what a bank withdraws beyond it is between it and the organization.
    stands = min(max(before - minor, 0), first.amount_minor)
    if stands == before:
        return None
    organization = donation.fundraiser.organization
    number = _next_number(organization.id, donation.mode)
    with speaking(first.locale):
        day = local_date(min(at or now(), now()), organization.time_zone)
        text = _correction(first, stands - before, stands, cause, day)
    written = _write(
        donation,
        number=number,
        kind="correction",
        cause=cause,
        corrects_id=first.id,
        amount_minor=stands - before,
        stands_minor=stands,
        tax_id=first.tax_id,
        text=text,
        locale=first.locale,
        given_on=first.given_on,
    )
    enqueue(
        "mail_donation_receipt",
        {"donation_id": donation.id, "receipt_id": written.id},
        key=f"donation_receipt:{written.id}",
    )
    return written


@dataclasses.dataclass(frozen=True)
class Asked:
    """What became of asking for something by mail: `is_promised` by this very asking, or it was within this hour already, and
    is promised anew from `again_at` on."""

    is_promised: bool
    again_at: dt.datetime


def send_again(donation_id: int, receipt_id: int) -> Asked:
    """Promise the donor their receipt once more, at the address they gave: once an hour at most, however often it is asked
    for."""
    payload = {"donation_id": donation_id, "receipt_id": receipt_id}
    return _once_an_hour("mail_donation_receipt", payload, f"donation_receipt:{receipt_id}")


def send_statement(donation_id: int) -> Asked:
    """Promise the donor of a gift the links to all they gave, year by year, at the address they gave: once an hour at most."""
    return _once_an_hour("mail_donation_statement", {"donation_id": donation_id}, f"donation_statement:{donation_id}")


def _once_an_hour(kind: str, payload: dict[str, int], key: str) -> Asked:
    at = now()
    hour = int(at.timestamp()) // 3600
    # The key keeps two who ask at one moment to one mail; an hour of the clock alone would let 10:59 and 11:00 have one each.
    keys = [f"{key}:{hour}", f"{key}:{hour - 1}"]
    last = db.session.scalar(
        sa.select(sa.func.max(Outbox.created_at)).where(Outbox.key.in_(keys), Outbox.created_at > at - ONCE_IN)
    )
    if last is not None:
        return Asked(False, last + ONCE_IN)
    return Asked(enqueue(kind, payload, key=keys[0]), at + ONCE_IN)


def label(mode: str, number: int) -> str:
    """How a number is written: those of the test mode say so."""
    return f"TEST-{number}" if mode == "test" else str(number)


def _find(donation_id: int, cause: str) -> Receipt | None:
    return db.session.scalar(sa.select(Receipt).where(Receipt.donation_id == donation_id, Receipt.cause == cause))


def _is_declared(donation_id: int) -> bool:
    declared = db.session.get(GiftAidDeclaration, donation_id)
    return declared is not None and declared.cancelled_at is None


def _next_number(organization_id: int, mode: str) -> int:
    """The next number, held until the commit: nobody else takes one in between, and one that is rolled back is free again."""
    insert = sqlite.insert if uses_sqlite() else postgresql.insert
    begin = insert(ReceiptCounter).values(organization_id=organization_id, mode=mode, last_number=0)
    db.session.execute(begin.on_conflict_do_nothing())
    taken = (
        sa.update(ReceiptCounter)
        .where(ReceiptCounter.organization_id == organization_id, ReceiptCounter.mode == mode)
        .values(last_number=ReceiptCounter.last_number + 1)
        .returning(ReceiptCounter.last_number)
    )
    return int(db.session.execute(taken, execution_options={"synchronize_session": False}).scalar_one())


def _write(
    donation: Donation,
    *,
    number: int,
    kind: str,
    cause: str,
    corrects_id: int | None,
    amount_minor: int,
    stands_minor: int,
    tax_id: str,
    text: str,
    locale: str,
    given_on: dt.date,
) -> Receipt:
    organization = donation.fundraiser.organization
    written = Receipt(
        organization_id=organization.id,
        donation_id=donation.id,
        mode=donation.mode,
        number=number,
        kind=kind,
        cause=cause,
        corrects_id=corrects_id,
        amount_minor=amount_minor,
        stands_minor=stands_minor,
        currency=donation.currency,
        donor_name=donation.name,
        company=donation.company,
        organization_name=organization.name,
        tax_id=tax_id,
        country=organization.country,
        title=donation.fundraiser.title,
        text=text,
        locale=locale,
        given_on=given_on,
        issued_at=now(),
    )
    db.session.add(written)
    db.session.flush()
    record(
        "receipt.issued" if kind == "gift" else "receipt.corrected",
        subject=written,
        by=None,
        organization_id=organization.id,
        data={
            "donation_id": donation.id,
            "number": number,
            "amount_minor": amount_minor,
            "currency": donation.currency,
        },
    )
    return written


def _correction(first: Receipt, change: int, stands: int, cause: str, day: dt.date) -> str:
    """What a correction says, in the language spoken now."""
    values = {
        "amount": format_money(Money(abs(change), first.currency), first.locale),
        "day": when.full_day(day),
    }
    if change > 0:
        said = _("%(amount)s of this gift are given again since %(day)s.", **values)
    elif cause.startswith("dispute"):
        said = _("%(amount)s of this gift were withdrawn by the bank on %(day)s.", **values)
    else:
        said = _("%(amount)s of this gift went back to the donor on %(day)s.", **values)
    number = label(first.mode, first.number)
    if stands == 0:
        rest = _("Receipt %(number)s counts no more: nothing of the gift remains.", number=number)
    else:
        remains = format_money(Money(stands, first.currency), first.locale)
        rest = _("This corrects receipt %(number)s: what counts is %(remains)s.", number=number, remains=remains)
    return f"{said} {rest}"
