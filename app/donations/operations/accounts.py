"""An organization's account at Stripe: begun, as Stripe tells of it, and taken from us."""

from __future__ import annotations

import datetime as dt

import sqlalchemy as sa

from app.accounts.models import Person
from app.core.audit import record
from app.core.clock import now
from app.core.db import db, lock
from app.core.errors import refuse
from app.core.i18n import _
from app.core.outbox import enqueue
from app.donations.accounts_models import PaymentAccount
from app.donations.facts import AccountFacts
from app.donations.operations import monthly
from app.donations.payees import BELIEVED_AFTER, find_account
from app.organizations.models import Organization


def begin_account(organization_id: int, *, mode: str, by: Person) -> PaymentAccount:
    """The row an account is asked for by, made when there is none, for one more link to Stripe's form. One that the
    organization took from us begins again, as another account. Raises Refused when the organization is not active."""
    organization = lock(Organization, organization_id)
    if organization is None:
        raise LookupError("organization")
    if organization.status != "active":
        raise refuse("organization_not_active", _("The organization is suspended, or is part of another one."))
    account = find_account(organization_id, mode)
    if account is None:
        account = PaymentAccount(
            organization_id=organization_id,
            mode=mode,
            country=organization.country,
            currency=organization.currency,
            links=1,
            created_at=now(),
        )
        db.session.add(account)
        db.session.flush()
        _tell("payment_account.begun", account, by)
    elif account.deauthorized_at is not None:
        account.attempt += 1
        account.links += 1
        account.country = organization.country
        account.currency = organization.currency
        account.stripe_account_id = account.deauthorized_at = account.checked_at = None
        account.gone_told = False
        account.charges_enabled = account.payouts_enabled = account.details_submitted = False
        account.requirements, account.disabled_reason = [], ""
        _tell("payment_account.begun", account, by)
    else:
        account.links += 1
    db.session.flush()
    return account


def save_account(account_id: int, attempt: int, facts: AccountFacts, *, asked_at: dt.datetime) -> PaymentAccount:
    """Keep the account that Stripe made for try number `attempt` of the row, as it was at `asked_at`."""
    account = lock(PaymentAccount, account_id)
    if account is None:
        raise LookupError("payment account")
    if account.attempt == attempt and account.stripe_account_id in (None, facts.id):
        account.stripe_account_id = facts.id
        _apply(account, facts, asked_at)
    db.session.flush()
    return account


def note_account(stripe_account_id: str, facts: AccountFacts, *, asked_at: dt.datetime) -> None:
    """Keep what Stripe says of an account, unless it was asked later already. One that was taken from us stays so."""
    account = _locked(stripe_account_id)
    if account is not None and account.deauthorized_at is None:
        _apply(account, facts, asked_at)
        db.session.flush()


def note_deauthorized(stripe_account_id: str, *, told: bool) -> None:
    """The organization took its account from us: no gift can be paid through it, and nothing be asked about it. `told`: Stripe's
    event says so, and what is under way on it ends at once. Otherwise an answer to us does, as it would if this installation
    had another platform's key by mistake: then that is asked once more a day later, before anything ends."""
    account = _locked(stripe_account_id)
    if account is None:
        return
    if account.deauthorized_at is None:
        account.deauthorized_at = now()
        account.charges_enabled = account.payouts_enabled = False
        _tell("payment_account.deauthorized", account)
    account.gone_told = account.gone_told or told
    enqueue(
        "payment_account_gone",
        {"account": stripe_account_id, "told": told, "since": account.deauthorized_at.isoformat()},
        key=f"payment_account_gone:{stripe_account_id}:{account.deauthorized_at.isoformat()}:{told}",
        due_at=account.deauthorized_at + (dt.timedelta() if told else BELIEVED_AFTER),
    )
    db.session.flush()


def note_looked_at(stripe_account_id: str, at: dt.datetime) -> None:
    """It was asked about at `at`, and nothing came of it."""
    account = _locked(stripe_account_id)
    if account is not None:
        account.checked_at = at
        db.session.flush()


def note_there_again(stripe_account_id: str, facts: AccountFacts, *, asked_at: dt.datetime) -> None:
    """An account that seemed to be taken from us answers: it was not. What Stripe's event said stays so."""
    account = _locked(stripe_account_id)
    if account is not None and account.deauthorized_at is not None and not account.gone_told:
        account.deauthorized_at = account.checked_at = None
        _tell("payment_account.there_again", account)
        monthly.promise_to_stop_again(stripe_account_id)
        _apply(account, facts, asked_at)
        db.session.flush()


def note_still_gone(stripe_account_id: str, *, asked_at: dt.datetime) -> None:
    """An account that seemed to be taken from us was asked about again, and still answers as if it were not ours."""
    account = _locked(stripe_account_id)
    if account is not None and account.deauthorized_at is not None:
        account.checked_at = asked_at
        db.session.flush()


def _locked(stripe_account_id: str) -> PaymentAccount | None:
    key = db.session.scalar(sa.select(PaymentAccount.id).where(PaymentAccount.stripe_account_id == stripe_account_id))
    return None if key is None else lock(PaymentAccount, key)


def _apply(account: PaymentAccount, facts: AccountFacts, asked_at: dt.datetime) -> None:
    if account.checked_at is not None and asked_at < account.checked_at:
        return
    could = account.can_charge
    account.checked_at = asked_at
    account.country = facts.country[:2] or account.country
    account.currency = facts.currency[:3] or account.currency
    account.charges_enabled = facts.charges_enabled
    account.payouts_enabled = facts.payouts_enabled
    account.details_submitted = facts.details_submitted
    account.requirements = list(facts.requirements)
    account.disabled_reason = facts.disabled_reason
    if account.can_charge and not could:
        _tell("payment_account.ready", account)
    if could and not account.can_charge:
        _tell("payment_account.restricted", account)
        _close_checkouts(account)


def _tell(action: str, account: PaymentAccount, by: Person | None = None) -> None:
    record(action, subject=account, by=by, organization_id=account.organization_id, data={"attempt": account.attempt})


def _close_checkouts(account: PaymentAccount) -> None:
    """Nobody shall go on to pay through an account that cannot take it (F8): promised in the same transaction."""
    enqueue(
        "payment_account_closed",
        {"account": account.stripe_account_id},
        key=f"payment_account_closed:{account.stripe_account_id}:{now().isoformat()}",
    )
