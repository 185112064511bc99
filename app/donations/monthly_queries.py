"""Reads of monthly gifts."""

from __future__ import annotations

import dataclasses
import datetime as dt
import hmac
from collections.abc import Sequence

import sqlalchemy as sa
from sqlalchemy.orm import joinedload

from app.core.clock import now
from app.core.db import db
from app.core.ids import LENGTH, decode_id, encode_id
from app.core.paging import Page, newest_page
from app.core.tokens import keyed_hash
from app.donations.models import Donation
from app.donations.monthly_models import MonthlyDecline, MonthlyGift, PortalConfiguration
from app.donations.payees import was_taken
from app.fundraisers.models import Fundraiser
from app.fundraisers.policy import accepting

_SIGNATURE = 32
LIVE = ("active", "past_due", "paused")


def monthly_token(gift_id: int) -> str:
    """What its donor's links carry: the id and proof that this installation made the link. Never logged, never public."""
    public_id = encode_id(gift_id)
    return f"{public_id}-{keyed_hash('monthly-link', public_id)[:_SIGNATURE]}"


def find_monthly_by_token(token: str) -> MonthlyGift | None:
    """The monthly gift a donor's link leads to, or None."""
    key = decode_id(token[:LENGTH]) if token.isascii() else None
    if key is None or not hmac.compare_digest(token, monthly_token(key)):
        return None
    return find_monthly(key)


def find_monthly(gift_id: int) -> MonthlyGift | None:
    """The monthly gift with its fundraiser and organization, or None."""
    return db.session.get(
        MonthlyGift, gift_id, options=[joinedload(MonthlyGift.fundraiser).joinedload(Fundraiser.organization)]
    )


def find_repeated(donation: Donation) -> MonthlyGift | None:
    """The commitment whose month `donation` is, while as much is to be asked for again: None once it ended or was stopped, or
    goes on with another amount."""
    found = None if donation.monthly_gift_id is None else find_monthly(donation.monthly_gift_id)
    if found is None or found.status == "ended" or found.stop_asked_at is not None:
        return None
    return found if found.status == "pending" or found.amount_minor == donation.amount_minor else None


def find_monthly_id(
    subscription_id: str | None, public_id: str, account: str | None, attempt: int | None = None
) -> int | None:
    """The monthly gift of a subscription on `account`: the one that knows it, else the one that its metadata names and that
    knows none yet, when it was begun by the try that is made now. An account speaks of its own gifts only."""
    of_account = MonthlyGift.account.is_not_distinct_from(account)
    if subscription_id is not None:
        query = sa.select(MonthlyGift.id).where(MonthlyGift.stripe_subscription_id == subscription_id, of_account)
        if (found := db.session.scalar(query)) is not None:
            return found
    key = decode_id(public_id)
    if key is None:
        return None
    unknown = MonthlyGift.stripe_subscription_id.is_(None)
    found = db.session.scalar(sa.select(MonthlyGift.id).where(MonthlyGift.id == key, of_account, unknown))
    if found is None or attempt is None:
        return found
    first = find_first_donation_id(found)
    now_at = db.session.scalar(sa.select(Donation.attempt).where(Donation.id == first))
    return found if now_at == attempt else None


def find_astray_id(public_id: str, account: str | None) -> int | None:
    """The monthly gift on `account` that the metadata of a subscription names which find_monthly_id says is not its own: it
    was paid on a page that had been replaced. None when it names none."""
    key = decode_id(public_id)
    if key is None:
        return None
    of_account = MonthlyGift.account.is_not_distinct_from(account)
    return db.session.scalar(sa.select(MonthlyGift.id).where(MonthlyGift.id == key, of_account))


def find_portal_configuration(account_key: str) -> str | None:
    """Stripe's id of what the page for another card shows on an account, once it was set up."""
    found = db.session.get(PortalConfiguration, account_key)
    return None if found is None else found.stripe_configuration_id


def list_running_on(account: str) -> list[int]:
    """Monthly gifts that run through an account: those among them whose first month a bank has yet to confirm. One whose bank
    refused it is not: what that began is ended, or its promise learns of the account."""
    refused = sa.exists().where(Donation.monthly_gift_id == MonthlyGift.id, Donation.status == "failed")
    begun = sa.and_(MonthlyGift.status == "pending", MonthlyGift.stripe_subscription_id.is_not(None), ~refused)
    query = sa.select(MonthlyGift.id).where(MonthlyGift.account == account, sa.or_(MonthlyGift.status.in_(LIVE), begun))
    return list(db.session.scalars(query.order_by(MonthlyGift.id)))


@dataclasses.dataclass(frozen=True)
class OnAccount:
    """Through which account (None: the installation's own) something is paid."""

    id: str | None


def find_failed(gift_id: int, subscription_id: str) -> OnAccount | None:
    """Where a monthly gift is paid whose first payment failed, or was never made, and that still names the subscription which
    that one began; None for any other."""
    gift = db.session.get(MonthlyGift, gift_id)
    if gift is None or gift.status != "pending" or gift.stripe_subscription_id != subscription_id:
        return None
    first = db.session.get(Donation, find_first_donation_id(gift_id))
    return OnAccount(gift.account) if first is not None and first.status in ("failed", "expired") else None


def find_first_donation_id(gift_id: int) -> int | None:
    """The donation it began with, or None."""
    query = sa.select(Donation.id).where(Donation.monthly_gift_id == gift_id)
    return db.session.scalar(query.order_by(Donation.created_at, Donation.id).limit(1))


def list_months(gift_id: int, *, limit: int = 24) -> list[Donation]:
    """What was paid of it, or is on its way, newest first."""
    query = sa.select(Donation).where(Donation.monthly_gift_id == gift_id)
    shown = query.where(Donation.status.in_(("paid", "processing", "mismatched")))
    return list(db.session.scalars(shown.order_by(Donation.created_at.desc(), Donation.id).limit(limit)))


@dataclasses.dataclass(frozen=True)
class OwnMonthly:
    """A monthly gift as its donor reads of it, and what their own link carries."""

    gift: MonthlyGift
    token: str


def list_own_monthly(person_id: int) -> list[OwnMonthly]:
    """The monthly gifts that somebody began while signed in and that run, newest first."""
    mine = sa.select(Donation.monthly_gift_id).where(Donation.person_id == person_id)
    query = (
        sa.select(MonthlyGift)
        .options(joinedload(MonthlyGift.fundraiser).joinedload(Fundraiser.organization))
        .where(MonthlyGift.id.in_(mine), MonthlyGift.status.in_(LIVE))
        .order_by(MonthlyGift.created_at.desc())
        .limit(20)
    )
    return [OwnMonthly(gift, monthly_token(gift.id)) for gift in db.session.scalars(query)]


@dataclasses.dataclass(frozen=True)
class Commitment:
    """A monthly gift as the organization's staff read of it. `donor` is "" when it hides from them, or gave no name (F9)."""

    gift: MonthlyGift
    donor: str
    hides: bool
    months: int
    declined: int


def _commitments(gifts: Sequence[MonthlyGift]) -> list[Commitment]:
    """With who gives each, how many months were paid and in how many the card was declined; two questions for all."""
    keys = [gift.id for gift in gifts]
    if not keys:
        return []
    name = sa.func.coalesce(sa.func.nullif(Donation.company, ""), Donation.name)
    given = (
        sa.select(
            Donation.monthly_gift_id,
            sa.func.max(name),
            sa.func.max(sa.case((Donation.hide_from_organization, 1), else_=0)),
            sa.func.sum(sa.case((Donation.status == "paid", 1), else_=0)),
        )
        .where(Donation.monthly_gift_id.in_(keys))
        .group_by(Donation.monthly_gift_id)
    )
    who = {key: (donor, bool(hides), int(months)) for key, donor, hides, months in db.session.execute(given)}
    tries = (
        sa.select(MonthlyDecline.monthly_gift_id, sa.func.count())
        .where(MonthlyDecline.monthly_gift_id.in_(keys))
        .group_by(MonthlyDecline.monthly_gift_id)
    )
    declined = {key: int(count) for key, count in db.session.execute(tries)}
    found = []
    for gift in gifts:
        donor, hides, months = who.get(gift.id, ("", False, 0))
        found.append(Commitment(gift, "" if hides else donor, hides, months, declined.get(gift.id, 0)))
    return found


def list_commitments(organization_id: int, cursor: str | None = None, *, limit: int = 50) -> Page[Commitment]:
    """What is, or was, given to an organization every month; not what was never paid. Newest first. Raises BadCursor."""
    query = (
        sa.select(MonthlyGift)
        .options(joinedload(MonthlyGift.fundraiser))
        .where(MonthlyGift.organization_id == organization_id, was_paid())
    )
    page = newest_page(query, MonthlyGift, cursor, limit)
    return Page(_commitments(page.rows), page.next_cursor)


def find_commitment(organization_id: int, gift_id: int) -> Commitment | None:
    """One of them, or None; one that was never paid is none."""
    gift = find_monthly(gift_id)
    if gift is None or gift.organization_id != organization_id or not is_paid(gift_id):
        return None
    return _commitments([gift])[0]


@dataclasses.dataclass(frozen=True)
class PerMonth:
    """What runs, in one currency: how many give, and how much each month, in minor units."""

    currency: str
    count: int
    amount_minor: int


def sum_up(organization_id: int) -> list[PerMonth]:
    """What an organization may count on every month: commitments that run, those whose card waits among them; not paused ones."""
    query = (
        sa.select(MonthlyGift.currency, sa.func.count(), sa.func.sum(MonthlyGift.amount_minor))
        .where(MonthlyGift.organization_id == organization_id, MonthlyGift.stop_asked_at.is_(None))
        .where(MonthlyGift.status.in_(("active", "past_due")))
        .group_by(MonthlyGift.currency)
        .order_by(MonthlyGift.currency)
    )
    return [PerMonth(currency, count, int(minor)) for currency, count, minor in db.session.execute(query)]


def was_paid() -> sa.ColumnElement[bool]:
    """Its first payment came in."""
    return sa.or_(
        MonthlyGift.status.in_(LIVE),
        sa.exists().where(Donation.monthly_gift_id == MonthlyGift.id, Donation.status == "paid"),
    )


def is_paid(gift_id: int) -> bool:
    """True once its first payment came in: until then it is a checkout that somebody opened, and no monthly gift."""
    return db.session.scalar(sa.select(MonthlyGift.id).where(MonthlyGift.id == gift_id, was_paid())) is not None


def list_unchecked(mode: str, before: dt.datetime, *, limit: int = 100) -> list[int]:
    """Monthly gifts that run and whose next month should be over, or that nobody asked about for a day. Those on an account that
    was taken from us answer nothing, and must not stand before others."""
    due = sa.or_(MonthlyGift.next_at < now() - dt.timedelta(hours=2), MonthlyGift.next_at.is_(None))
    long_ago = sa.or_(MonthlyGift.checked_at.is_(None), MonthlyGift.checked_at < now() - dt.timedelta(days=1))
    query = sa.select(MonthlyGift.id).where(
        MonthlyGift.mode == mode,
        MonthlyGift.status.in_(LIVE),
        MonthlyGift.stripe_subscription_id.is_not(None),
        ~was_taken(MonthlyGift.account),
        sa.or_(MonthlyGift.checked_at.is_(None), MonthlyGift.checked_at < before),
        sa.or_(due, long_ago),
    )
    return list(db.session.scalars(query.order_by(MonthlyGift.checked_at.asc().nulls_first()).limit(limit)))


def list_unstopped(mode: str, before: dt.datetime, *, limit: int = 100) -> list[int]:
    """Monthly gifts that were asked to stop before `before`, that run at Stripe as far as we know, and that nobody asked about
    since; those that wait longest first."""
    query = sa.select(MonthlyGift.id).where(
        MonthlyGift.mode == mode,
        MonthlyGift.status != "ended",
        MonthlyGift.stop_asked_at < before,
        MonthlyGift.stripe_subscription_id.is_not(None),
        ~was_taken(MonthlyGift.account),
        sa.or_(MonthlyGift.checked_at.is_(None), MonthlyGift.checked_at < before),
    )
    waits = sa.func.coalesce(MonthlyGift.checked_at, MonthlyGift.stop_asked_at)
    return list(db.session.scalars(query.order_by(waits, MonthlyGift.id).limit(limit)))


def list_of_closed(mode: str, *, limit: int = 500) -> list[int]:
    """Fundraisers that take no gifts any more and to which monthly gifts still run."""
    query = (
        sa.select(MonthlyGift.fundraiser_id)
        .join(Fundraiser, Fundraiser.id == MonthlyGift.fundraiser_id)
        .join(Fundraiser.organization)
        .where(MonthlyGift.mode == mode, MonthlyGift.status.in_(LIVE), MonthlyGift.stop_asked_at.is_(None))
        .where(sa.not_(accepting()))
        .distinct()
    )
    return list(db.session.scalars(query.limit(limit)))


def list_ending(mode: str, until: dt.date, *, limit: int = 500) -> list[tuple[int, dt.date]]:
    """Monthly gifts whose fundraiser's last day is `until` or before and whose donor was not told of that day."""
    query = (
        sa.select(MonthlyGift.id, Fundraiser.ends_on)
        .join(Fundraiser, Fundraiser.id == MonthlyGift.fundraiser_id)
        .where(MonthlyGift.mode == mode, MonthlyGift.status.in_(LIVE), MonthlyGift.stop_asked_at.is_(None))
        .where(Fundraiser.ends_on <= until, MonthlyGift.told_end_on.is_distinct_from(Fundraiser.ends_on))
    )
    return [(key, last) for key, last in db.session.execute(query.limit(limit)) if last is not None]
