"""What monthly gifts promise: thin, each calls one act or writes one mail."""

from __future__ import annotations

import datetime as dt
from typing import Any

from app.accounts.mailbox import deliver_to
from app.accounts.queries import find_person
from app.core.clock import local_date
from app.core.letters import compose, language_of, speaking
from app.core.mail import deliver
from app.core.money import Money, format_money
from app.core.when import full_day
from app.donations import monthly, monthly_queries
from app.donations.monthly_models import MonthlyGift
from app.donations.operations.monthly import first_donation


def stop_monthly(payload: dict[str, Any]) -> None:
    """Tell Stripe that a monthly gift has ended; tried until it has."""
    monthly.stop(payload["monthly_gift_id"])


def end_astray(payload: dict[str, Any]) -> None:
    """End a subscription that nobody follows, and give back what it took."""
    monthly.end_astray(payload["monthly_gift_id"], payload["subscription"])


def end_failed(payload: dict[str, Any]) -> None:
    """End a subscription whose first payment a bank refused."""
    monthly.end_failed(payload["monthly_gift_id"], payload["subscription"])


def mail_failed(payload: dict[str, Any]) -> None:
    """Tell the donor, kindly, that a month was not paid, and what to do; not when it has ended in the meantime."""
    gift = monthly_queries.find_monthly(payload["monthly_gift_id"])
    if gift is None or gift.status == "ended":
        return
    again = payload["again_at"]
    day = (
        None if again is None else local_date(dt.datetime.fromisoformat(again), gift.fundraiser.organization.time_zone)
    )
    _write(gift, "monthly_failed", payload, "again_on", day)


def mail_ends_soon(payload: dict[str, Any]) -> None:
    """Tell the donor a week ahead that it stops with its fundraiser; not when it stopped, or the day was changed."""
    gift = monthly_queries.find_monthly(payload["monthly_gift_id"])
    day = dt.date.fromisoformat(payload["last_day"])
    if gift is None or not gift.is_live or gift.fundraiser.ends_on != day:
        return
    _write(gift, "monthly_ends_soon", payload, "last_day", day)


def mail_ended(payload: dict[str, Any]) -> None:
    """Tell the donor that it has ended, and why."""
    gift = monthly_queries.find_monthly(payload["monthly_gift_id"])
    if gift is not None:
        _write(gift, "monthly_ended", payload, "ended_on", None)


def _write(gift: MonthlyGift, name: str, payload: dict[str, Any], word: str, day: dt.date | None) -> None:
    """Write to whoever gives it, at the address they gave: they need no account."""
    first = first_donation(gift.id)
    locale = language_of(first.locale)
    with speaking(locale):
        said = {word: "" if day is None else full_day(day)}
    mail = compose(
        f"donations/{name}",
        to=first.email,
        locale=locale,
        demo=gift.mode == "demo",
        in_test=gift.mode == "test",
        amount=format_money(Money(gift.amount_minor, gift.currency), locale),
        name=first.name,
        organization=gift.fundraiser.organization.name,
        fundraiser=gift.fundraiser.title,
        ended_by=gift.ended_by,
        gift_url=monthly.own_url(gift.id),
        **said,
    )
    donor = find_person(first.person_id) if first.person_id is not None else None
    if donor is not None and donor.email == first.email:
        deliver_to(donor, mail, key=payload["outbox_key"])
    else:
        deliver(mail, key=payload["outbox_key"])
