"""What became of the demonstration's gifts: months, refunds, disputes, payouts. All of it happens at the demo payment server,
which lives at the time of each act while the history is made; what it says then is fetched and applied as always."""

from __future__ import annotations

import contextlib
import datetime as dt
import http.client
import json
from collections.abc import Iterator
from typing import Any, TypeVar
from urllib.parse import urlencode, urlsplit

import sqlalchemy as sa
from flask import current_app

from app.accounts.queries import find_person_by_email
from app.core import outbox
from app.core.clock import moved_to, now
from app.core.db import db, transaction
from app.core.money import Money
from app.core.outbox import Outbox
from app.donations import gateway, going_back, monthly, reconciling
from app.donations.models import Donation
from app.donations.money_models import Dispute, MoneyMismatch, Payout, Refund
from app.donations.monthly_models import MonthlyGift
from app.donations.operations import refunds
from app.pages.demo_data import shape
from config import Settings

DAY = dt.timedelta(days=1)
# A month's invoice is drafted an hour before it is paid.
AFTER_DRAFT = dt.timedelta(hours=2)
TIMEOUT_SECONDS = 20


def post(server: str, path: str, body: str, content_type: str) -> Any:
    """Send `body` to the payment server; what it answered, where that is JSON. Raises OSError when it does not answer, or
    refuses."""
    connection = http.client.HTTPConnection(server, timeout=TIMEOUT_SECONDS)
    connection.request("POST", path, body, {"Content-Type": content_type})
    answer = connection.getresponse()
    text = answer.read()
    connection.close()
    if answer.status >= 400:
        raise ConnectionError(f"the demo payment server answered {answer.status}")
    return json.loads(text) if answer.headers.get_content_type() == "application/json" else None


def hook(path: str, asked: dict[str, Any]) -> Any:
    """Let something happen at the payment server, below its /_demo/."""
    return post(_server(), f"/_demo/{path}", json.dumps(asked), "application/json")


def press(path: str, **form: str) -> None:
    """Press a button on one of the payment server's pages."""
    post(_server(), path, urlencode(form), "application/x-www-form-urlencoded")


def _server() -> str:
    settings: Settings = current_app.config["SETTINGS"]
    return urlsplit(settings.stripe_api_base).netloc


@contextlib.contextmanager
def living_at(at: dt.datetime) -> Iterator[None]:
    """Within, it is `at` here and at the payment server. What is promised within and was due before yesterday is taken as kept:
    its mails are of the past, and what it would ask is done here."""
    hook("clock", {"at": int(at.timestamp())})
    before = sa.select(sa.func.coalesce(sa.func.max(Outbox.id), 0))
    last = db.session.scalar(before) or 0
    db.session.rollback()
    with moved_to(at):
        yield
    with transaction():
        promised = sa.select(Outbox.key).where(Outbox.id > last, Outbox.key.is_not(None))
        for key in db.session.scalars(promised).all():
            outbox.note_kept(now() - DAY, key=key)


def months_between(begun: dt.datetime, until: dt.datetime) -> list[dt.datetime]:
    """When the later months of a gift that began then were paid, up to `until`."""
    found: list[dt.datetime] = []
    while True:
        month = begun.month + len(found)
        year, place = begun.year + month // 12, month % 12 + 1
        at = begun.replace(year=year, month=place, day=min(begun.day, 28)) + AFTER_DRAFT + (begun.day > 28) * 3 * DAY
        if at >= until:
            return found
        found.append(at)


def renew(donation_id: int, at: dt.datetime, *, number: int, fails: bool) -> None:
    """The `number`th month after the first is paid, or declined from then on. Once."""
    gift = _monthly(donation_id)
    if gift is None or gift.status != "active":
        return
    months = sa.select(sa.func.count()).select_from(Donation).where(Donation.monthly_gift_id == gift.id)
    if (db.session.scalar(months) or 0) > number:
        db.session.rollback()
        return
    key, customer = gift.id, gift.stripe_customer_id
    db.session.rollback()
    if fails:
        hook(f"customers/{customer}/card", {"works": False})
    with living_at(at):
        hook("settle", {})
        monthly.refresh(key)


def stop(donation_id: int, at: dt.datetime) -> None:
    """Its donor stops a monthly gift. Once."""
    gift = _monthly(donation_id)
    if gift is None or gift.status == "ended":
        return
    key = gift.id
    db.session.rollback()
    with living_at(at):
        monthly.stop_by_donor(key)


def give_back(donation_id: int, given: shape.DemoRefund, by: str, at: dt.datetime) -> None:
    """Staff give back a gift, or a part of it. Once."""
    donation = _paid(donation_id)
    if donation is None or _find(Refund, donation_id) is not None:
        return
    amount = Money(given.amount_minor, donation.currency)
    db.session.rollback()
    with living_at(at):
        with transaction():
            refund_id = refunds.start_refund(
                donation_id,
                amount=amount,
                reason=given.reason,
                note=given.note,
                by=find_person_by_email(shape.email_of(by)),
                mode=gateway.mode(),
            ).id
        going_back.ask_refund(refund_id)


def fail_refund(donation_id: int, at: dt.datetime) -> None:
    """The donor's bank sends a refund back. Once."""
    donation, refund = _paid(donation_id), _find(Refund, donation_id)
    if donation is None or refund is None or refund.status == "failed":
        return
    path, made = f"/payments/{donation.stripe_charge_id}", refund.stripe_refund_id or ""
    db.session.rollback()
    with living_at(at):
        press(path, act="refund_fail", of=made)
        going_back.refresh_refunds(donation_id)


def dispute(donation_id: int, at: dt.datetime) -> None:
    """The donor's bank disputes a gift. Once."""
    donation = _paid(donation_id)
    if donation is None or _find(Dispute, donation_id) is not None:
        return
    path = f"/payments/{donation.stripe_charge_id}"
    db.session.rollback()
    with living_at(at):
        press(path, act="dispute")
        going_back.look_back(donation_id)


def decide(donation_id: int, outcome: str, at: dt.datetime) -> None:
    """The bank decides a dispute: "won" or "lost". Once."""
    donation, found = _paid(donation_id), _find(Dispute, donation_id)
    if donation is None or found is None or not found.is_open:
        return
    path, named = f"/payments/{donation.stripe_charge_id}", found.stripe_dispute_id
    db.session.rollback()
    with living_at(at):
        press(path, act={"won": "win", "lost": "lose"}[outcome], of=named)
        going_back.look_back(donation_id)


def pay_out(account: str, number: int, at: dt.datetime) -> None:
    """Stripe pays out what stands in the account, for the `number`th time. Once."""
    if len(_payouts(account)) >= number:
        return
    with living_at(at):
        hook("settle", {})
        for payout in hook("pay_out", {"account": account})["data"]:
            going_back.refresh_payout(payout["id"], account=account)


def arrive(account: str, number: int, at: dt.datetime) -> None:
    """The `number`th payout is at the bank. Once."""
    made, status = _payouts(account)[number - 1]
    if status != "paid":
        with living_at(at):
            going_back.refresh_payout(made, account=account)


def bill(account: str, amount_minor: int, currency: str, at: dt.datetime) -> None:
    """Stripe corrects something that belongs to no gift, and bills as much for its services. Once."""
    if _is_compared(account):
        return
    asked = {"account": account, "amount": -amount_minor, "currency": currency.lower()}
    with living_at(at):
        hook("adjust", {**asked, "type": "adjustment", "description": "Correction"})
        hook("adjust", {**asked, "type": "stripe_fee", "description": "Radar for Fraud Teams"})


def compare(account: str, at: dt.datetime) -> None:
    """The comparison of the night finds what belongs to no gift: somebody has to look. Once."""
    if not _is_compared(account):
        with living_at(at):
            reconciling.reconcile(account)


def _is_compared(account: str) -> bool:
    query = sa.select(sa.func.count()).select_from(MoneyMismatch).where(MoneyMismatch.account == account)
    known = db.session.scalar(query)
    db.session.rollback()
    return bool(known)


def _payouts(account: str) -> list[tuple[str, str]]:
    query = sa.select(Payout.stripe_payout_id, Payout.status).where(Payout.account == account)
    found = [(made, status) for made, status in db.session.execute(query.order_by(Payout.created_at))]
    db.session.rollback()
    return found


def _monthly(donation_id: int) -> MonthlyGift | None:
    key = db.session.scalar(sa.select(Donation.monthly_gift_id).where(Donation.id == donation_id))
    return None if key is None else db.session.get(MonthlyGift, key)


def _paid(donation_id: int) -> Donation | None:
    donation = db.session.get(Donation, donation_id)
    return donation if donation is not None and donation.status == "paid" else None


Gone = TypeVar("Gone", Refund, Dispute)


def _find(table: type[Gone], donation_id: int) -> Gone | None:
    """What was asked of a gift, or taken: the first."""
    return db.session.scalars(sa.select(table).where(table.donation_id == donation_id).limit(1)).first()
