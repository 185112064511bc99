"""Through which account at Stripe an organization is paid, and whether it can be now. Reads only."""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Iterable
from typing import Any

import sqlalchemy as sa

from app.core.clock import now
from app.core.db import db
from app.donations.accounts_models import PaymentAccount
from app.donations.models import Donation
from app.organizations.models import Organization

# How long an answer that an account is not ours any more is waited with before it is believed.
BELIEVED_AFTER = dt.timedelta(days=1)


@dataclasses.dataclass(frozen=True)
class Payee:
    """How an organization is paid: through its own account at Stripe, or (None) through the installation's."""

    account: str | None


def find_account(organization_id: int, mode: str) -> PaymentAccount | None:
    """The organization's account under the installation's `mode`, or None when it never began one."""
    query = sa.select(PaymentAccount).where(
        PaymentAccount.organization_id == organization_id, PaymentAccount.mode == mode
    )
    return db.session.scalar(query)


def find_payee(organization_id: int, mode: str, *, connect: bool) -> Payee | None:
    """How the organization is paid under the installation's `mode`, or None while it cannot take online gifts.

    `connect` is the installation's STRIPE_CONNECT. Without it, and outside the demonstration, the installation's own account
    is one organization's: of the first that was given to through it, and before that of the only one that could be.
    """
    if mode == "off":
        return None
    if connect:
        found = find_account(organization_id, mode)
        return Payee(found.stripe_account_id) if found is not None and found.can_charge else None
    if mode == "demo":
        return Payee(None)
    first = (
        sa.select(Donation.organization_id)
        # A gift in person went through no account, whoever recorded it.
        .where(Donation.account.is_(None), Donation.source == "stripe", Donation.mode == mode)
        .order_by(Donation.created_at)
        .limit(1)
    )
    owner = db.session.scalar(first)
    if owner is None:
        could = sa.select(Organization.id).where(
            Organization.verified_at.is_not(None),
            Organization.claimed_at.is_not(None),
            Organization.status == "active",
            Organization.id != organization_id,
        )
        return None if db.session.scalar(could.limit(1)) is not None else Payee(None)
    return Payee(None) if owner == organization_id else None


def find_paid_organizations(organization_ids: Iterable[int], mode: str, *, connect: bool) -> set[int]:
    """Those of the organizations that can take online gifts now: find_payee for a list, in at most two queries."""
    keys = set(organization_ids)
    if not keys or mode == "off":
        return set()
    if not connect:
        return keys if mode == "demo" else {key for key in keys if find_payee(key, mode, connect=False) is not None}
    query = sa.select(PaymentAccount.organization_id).where(
        PaymentAccount.organization_id.in_(keys), PaymentAccount.mode == mode, chargeable()
    )
    return set(db.session.scalars(query))


def chargeable() -> sa.ColumnElement[bool]:
    """The SQL twin of PaymentAccount.can_charge."""
    return sa.and_(
        PaymentAccount.stripe_account_id.is_not(None),
        PaymentAccount.charges_enabled.is_(True),
        PaymentAccount.deauthorized_at.is_(None),
    )


def account_can_charge(account: str | None) -> bool:
    """False when gifts cannot be paid through the account any more; the installation's own (None) always can."""
    if account is None:
        return True
    query = sa.select(PaymentAccount.id).where(PaymentAccount.stripe_account_id == account, chargeable())
    return db.session.scalar(query) is not None


def reachable() -> sa.ColumnElement[bool]:
    """Of gifts: False for those through an account that its organization took from us. Nothing can be asked about them."""
    ours = sa.exists().where(
        PaymentAccount.stripe_account_id == Donation.account, PaymentAccount.deauthorized_at.is_(None)
    )
    return sa.or_(Donation.account.is_(None), ours)


def was_taken(account: sa.SQLColumnExpression[str | None]) -> sa.ColumnElement[bool]:
    """True where `account` is one that its organization took from us, as far as Stripe's last answer says."""
    return sa.exists().where(PaymentAccount.stripe_account_id == account, PaymentAccount.deauthorized_at.is_not(None))


def is_reachable(account: str | None) -> bool:
    """False when nothing can be asked about the account any more; the installation's own (None) always answers."""
    if account is None:
        return True
    query = sa.select(PaymentAccount.id).where(
        PaymentAccount.stripe_account_id == account, PaymentAccount.deauthorized_at.is_(None)
    )
    return db.session.scalar(query) is not None


def is_unchecked(account: str, before: dt.datetime) -> bool:
    """True for an account, there as far as we know, that nobody has asked about since `before`."""
    query = sa.select(PaymentAccount.id).where(
        PaymentAccount.stripe_account_id == account,
        PaymentAccount.deauthorized_at.is_(None),
        sa.or_(PaymentAccount.checked_at.is_(None), PaymentAccount.checked_at < before),
    )
    return db.session.scalar(query) is not None


def is_gone(account: str | None) -> bool:
    """True when nothing is asked about the account any more: Stripe's event said that it was taken from us, its answers have for
    a day, or its organization has begun another. Until then an answer alone is doubted: another platform's key would get it
    as well."""
    if account is None:
        return False
    query = sa.select(PaymentAccount.deauthorized_at, PaymentAccount.gone_told)
    found = db.session.execute(query.where(PaymentAccount.stripe_account_id == account)).first()
    if found is None:
        return True
    since, told = found
    return since is not None and (told or since <= now() - BELIEVED_AFTER)


def is_known_account(account: str) -> bool:
    """True for an account that is, or was, one of our organizations'."""
    return bool(db.session.scalar(sa.select(known_account(sa.literal(account)))))


def known_account(account: sa.ColumnElement[Any]) -> sa.ColumnElement[bool]:
    """The SQL twin of is_known_account; NULL is nobody's."""
    mine = sa.select(PaymentAccount.id).where(PaymentAccount.stripe_account_id == account)
    used = sa.select(Donation.id).where(Donation.account == account)
    return sa.or_(mine.exists(), used.exists())


def list_asked_accounts(mode: str) -> list[str]:
    """The accounts that can be asked about under `mode`: there, and not taken from us."""
    query = sa.select(PaymentAccount.stripe_account_id).where(
        PaymentAccount.mode == mode,
        PaymentAccount.stripe_account_id.is_not(None),
        PaymentAccount.deauthorized_at.is_(None),
    )
    return [account for account in db.session.scalars(query.order_by(PaymentAccount.id)) if account is not None]


def list_unchecked_accounts(mode: str, before: dt.datetime, *, limit: int = 100) -> list[str]:
    """Those of list_asked_accounts that nobody has asked about since `before`, longest ago first."""
    query = sa.select(PaymentAccount.stripe_account_id).where(
        PaymentAccount.mode == mode,
        PaymentAccount.stripe_account_id.is_not(None),
        PaymentAccount.deauthorized_at.is_(None),
        PaymentAccount.checked_at < before,
    )
    found = db.session.scalars(query.order_by(PaymentAccount.checked_at).limit(limit))
    return [account for account in found if account is not None]


def is_doubted(account: PaymentAccount) -> bool:
    """True for an account that only an answer to us says was taken from us, and no event of Stripe's."""
    return account.deauthorized_at is not None and not account.gone_told and account.stripe_account_id is not None


def list_doubted(mode: str, before: dt.datetime, *, limit: int = 100) -> list[str]:
    """The SQL twin of is_doubted under `mode`: accounts that nobody has asked about since `before`, longest ago first."""
    query = sa.select(PaymentAccount.stripe_account_id).where(
        PaymentAccount.mode == mode,
        PaymentAccount.stripe_account_id.is_not(None),
        PaymentAccount.deauthorized_at.is_not(None),
        PaymentAccount.gone_told.is_(False),
        sa.or_(PaymentAccount.checked_at.is_(None), PaymentAccount.checked_at < before),
    )
    found = db.session.scalars(query.order_by(PaymentAccount.checked_at.asc().nulls_first()).limit(limit))
    return [account for account in found if account is not None]


def is_gone_since(account: str, since: dt.datetime) -> bool:
    """False when the account answered again after it seemed to be taken from us at `since`. One that no row names any more,
    because its organization began another, stays gone."""
    found = db.session.execute(
        sa.select(PaymentAccount.deauthorized_at).where(PaymentAccount.stripe_account_id == account)
    ).first()
    return found is None or found.deauthorized_at == since
