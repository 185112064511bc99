"""Payment accounts: what the settings and Stripe say of them. Calls Stripe outside any transaction, then writes in one."""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Iterable

import structlog
from flask import current_app

from app.accounts.models import Person
from app.core.clock import now
from app.core.db import db, transaction
from app.core.errors import Refused, refuse
from app.core.i18n import _
from app.core.ids import encode_id
from app.donations import gateway, payees
from app.donations.accounts_models import PaymentAccount
from app.donations.asking import make_once
from app.donations.facts import AccountFacts, AccountRequest
from app.donations.gateway import ACCOUNT_GONE, GatewayError
from app.donations.models import Donation
from app.donations.operations import accounts as operations
from app.donations.operations import inbox
from app.donations.queries import StoredEvent
from app.donations.sweeping import ask_each
from app.organizations.models import Organization

log = structlog.get_logger(__name__)
# How long what Stripe said of an account may stand without being asked again: a webhook may have been lost.
RECHECK = dt.timedelta(hours=1)
# How fresh what we know of an account has to be when somebody is about to give through it.
FRESH = dt.timedelta(seconds=30)
# By how much Stripe's clock may be behind ours.
CLOCKS_DIFFER = dt.timedelta(minutes=10)
DASHBOARD = "https://dashboard.stripe.com"


def can_take_gifts(organization: Organization) -> bool:
    """True while online gifts to the organization can be paid: payments are on, and its account can take them."""
    return payees.find_payee(organization.id, gateway.mode(), connect=gateway.connects()) is not None


def find_that_take_gifts(organization_ids: Iterable[int]) -> set[int]:
    """can_take_gifts for a list: those of the organizations that can."""
    return payees.find_paid_organizations(organization_ids, gateway.mode(), connect=gateway.connects())


def dashboard_url(account: PaymentAccount | None) -> str:
    """Where Stripe shows the account to its owners: they sign in there. The demo payment server has pages of its own."""
    if gateway.mode() == "demo":
        known = account.stripe_account_id if account is not None else None
        base: str = current_app.config["SETTINGS"].stripe_api_base
        return f"{base}/accounts/{known}" if known else base
    return DASHBOARD if gateway.mode() == "live" else f"{DASHBOARD}/test"


def can_go_on(donation: Donation) -> bool:
    """True while the account a gift was begun for is still the one its organization is paid through."""
    payee = payees.find_payee(donation.organization_id, gateway.mode(), connect=gateway.connects())
    return payee is not None and payee.account == donation.account


# Where Stripe opens accounts as ours are (https://stripe.com/global): of another country it is not asked, for it would refuse. A
# country that joins is added here, in the demo payment server's own table and, for its currency, in core.money: a test compares.
SERVED = frozenset({
    "AE", "AT", "AU", "BE", "BG", "BR", "CA", "CH", "CY", "CZ", "DE", "DK", "EE", "ES", "FI", "FR", "GB", "GI", "GR", "HK", "HR",
    "HU", "IE", "IN", "IT", "JP", "LI", "LT", "LU", "LV", "MT", "MX", "MY", "NL", "NO", "NZ", "PL", "PT", "RO", "SE", "SG", "SI",
    "SK", "TH", "US",
})  # fmt: skip


def _not_served() -> Refused:
    return refuse(
        "account_refused",
        _("The payment service makes no account for an organization in this country"),
        _("Write to the people who run this site"),
    )


@dataclasses.dataclass(frozen=True)
class Onboarding:
    """Where the organization goes on at Stripe, and whether its account can take gifts already."""

    url: str
    charges_enabled: bool


def onboard(organization: Organization, *, by: Person) -> Onboarding:
    """A fresh link to Stripe's form for the organization's account, which is made when there is none: once, whatever is
    lost in between (F6). The link works once, for a few minutes.

    Raises Refused when this installation has no accounts of organizations, the organization is not active, nobody can say yet
    whether it took its account from us, or Stripe refuses for good; GatewayError when Stripe does not answer (the same again
    continues).
    """
    if not gateway.is_on():
        raise refuse("payments_off", _("Online gifts are not switched on here"))
    if not gateway.connects():
        raise refuse("connect_off", _("Here all online gifts go to the one account of this installation"))
    slug = organization.slug
    _ask_whether_gone(organization.id)
    if may_not_begin(organization):
        raise _not_served()
    with transaction():
        begun = operations.begin_account(organization.id, mode=gateway.mode(), by=by)
        key, attempt, links, known = begun.id, begun.attempt, begun.links, begun.stripe_account_id
        begun_at = begun.created_at
        request = AccountRequest(
            organization=encode_id(begun.organization_id),
            attempt=attempt,
            country=begun.country,
            idempotency_key=f"manyhands-account-{key}-{attempt}",
        )
    if known is None:
        asked_at = now()
        try:
            # Pressed before: Stripe may have made it and the answer been lost. Its key is forgotten after a day, the account not.
            made = _find_made(request, begun_at) if links > 1 else None
            facts = _make(request, begun_at) if made is None else made
        except GatewayError as error:
            if error.passing:
                raise
            log.error("account.refused", code=error.code, parameter=error.parameter)
            if error.parameter == "country":
                raise _not_served() from error
            said = _("The payment service refuses to make an account for this organization")
            raise refuse("account_refused", said, _("Write to the people who run this site")) from error
        with transaction():
            operations.save_account(key, attempt, facts, asked_at=asked_at)
        known = facts.id
    address = f"{current_app.config['SETTINGS'].base_url}/manage/{slug}/payments"
    try:
        url = make_once(
            f"manyhands-account-link-{key}-{links}",
            lambda link_key: gateway.create_account_link(
                known,
                refresh_url=f"{address}/refresh",
                return_url=f"{address}/return",
                idempotency_key=link_key,
            ),
        )
    except GatewayError as error:
        if error.passing:
            raise
        log.warning("account_link.refused", code=error.code)
        if error.code == ACCOUNT_GONE:
            with transaction():
                operations.note_deauthorized(known, told=False)
            raise _unsure() from error
        raise refuse(
            "account_refused",
            _("The payment service does not let this account be gone on with from here"),
            _("Go on in Stripe's dashboard, or write to the people who run this site"),
        ) from error
    found = payees.find_account(organization.id, gateway.mode())
    ready = found is not None and found.can_charge
    db.session.rollback()
    return Onboarding(url, ready)


def is_out_of_reach(organization: Organization) -> bool:
    """True when no waiting helps: online gifts need an account of the organization's own, and Stripe would make it none."""
    return gateway.is_on() and gateway.connects() and may_not_begin(organization)


def may_not_begin(organization: Organization) -> bool:
    """True when Stripe would make no account for it: none is made yet, and there are none in its country."""
    found = payees.find_account(organization.id, gateway.mode())
    is_made = found is not None and found.stripe_account_id is not None and found.deauthorized_at is None
    return organization.country not in SERVED and not is_made


def _ask_whether_gone(organization_id: int) -> None:
    """Before another account is begun: one that only an answer to us called gone may be there after all, and would be left
    alone with what runs on it. Raises Refused while that answer is too young to be believed, GatewayError."""
    found = payees.find_account(organization_id, gateway.mode())
    doubted = None if found is None or not payees.is_doubted(found) else found.stripe_account_id
    since = None if found is None else found.deauthorized_at
    db.session.rollback()
    if doubted is None or since is None or is_there_after_all(doubted):
        return
    if since > now() - payees.BELIEVED_AFTER:
        raise _unsure()


def _unsure() -> Refused:
    return refuse(
        "account_unsure",
        _("The payment service does not know the account of this organization at the moment"),
        _("Try again tomorrow. If nobody of yours disconnected it, write to the people who run this site"),
    )


def _find_made(asked: AccountRequest, begun_at: dt.datetime) -> AccountFacts | None:
    """The account that Stripe made for an earlier press, whose answer was lost. Raises GatewayError."""
    found = gateway.find_made_accounts(asked, begun_at - CLOCKS_DIFFER)
    return found[0] if found else None


def _make(asked: AccountRequest, begun_at: dt.datetime) -> AccountFacts:
    """The account, made once. Raises GatewayError."""
    return make_once(
        asked.idempotency_key,
        lambda key: gateway.create_account(dataclasses.replace(asked, idempotency_key=key)),
        lambda: _find_made(asked, begun_at),
    )


def is_gone(account: str | None) -> bool:
    """payees.is_gone, for acts that ask Stripe next: no transaction stays open."""
    gone = payees.is_gone(account)
    db.session.rollback()
    return gone


def is_stale(account: str) -> bool:
    """True when what we know of the account is older than a page may go by: it may have been restricted in the meantime."""
    stale = payees.is_unchecked(account, now() - FRESH)
    db.session.rollback()
    return stale


def doubt(account: str) -> bool:
    """Stripe answered as if the account were not ours any more: noted. True when that is believed; until then what was asked
    waits."""
    with transaction():
        operations.note_deauthorized(account, told=False)
    return is_gone(account)


def refresh(account: str) -> None:
    """Ask Stripe how the account stands, and keep that. Raises GatewayError when it does not answer."""
    asked_at = now()
    try:
        facts = gateway.fetch_account(account)
    except GatewayError as error:
        if error.code != ACCOUNT_GONE:
            raise
        with transaction():
            operations.note_deauthorized(account, told=False)
        return
    with transaction():
        operations.note_account(account, facts, asked_at=asked_at)


def is_there_after_all(account: str) -> bool:
    """Whether an account that answered as if it were not ours any more answers now. Raises GatewayError."""
    asked_at = now()
    try:
        facts = gateway.fetch_account(account)
    except GatewayError as error:
        if error.code != ACCOUNT_GONE:
            raise
        with transaction():
            operations.note_still_gone(account, asked_at=asked_at)
        return False
    with transaction():
        operations.note_there_again(account, facts, asked_at=asked_at)
    return True


def is_there_again(account: str, since: str | None) -> bool:
    """Whether an account that was believed gone at `since` (ISO 8601) has answered in the meantime, or does now. Raises
    GatewayError."""
    gone = since is None or payees.is_gone_since(account, dt.datetime.fromisoformat(since))
    db.session.rollback()
    return not gone or is_there_after_all(account)


def can_charge_now(account: str) -> bool:
    """Whether Stripe lets gifts be paid through the account, asked afresh. Raises GatewayError when it does not answer."""
    refresh(account)
    can = payees.account_can_charge(account)
    db.session.rollback()
    return can


def handle_event(event: StoredEvent) -> None:
    """Answer a stored event about an account. That it was taken from us is believed at once: nothing can be asked about it
    any more. Raises GatewayError."""
    account = event.account
    if account is None:  # the installation's own account changed: nothing here depends on it
        with transaction():
            inbox.close_event(event.id, "ignored", "of the installation's own account")
        return
    if event.type == "account.application.deauthorized":
        with transaction():
            operations.note_deauthorized(account, told=True)
            inbox.close_event(event.id, "handled")
        return
    if not is_gone(account):
        refresh(account)
    with transaction():
        inbox.close_event(event.id, "handled")


def check_accounts() -> None:
    """Sweep: ask about accounts that Stripe has not spoken of for a while (rule 5), and about those that it never said were
    taken from us: an operator who puts in the wrong key, and then the right one, has the donate buttons back within the hour."""
    if not gateway.is_on() or not gateway.connects():
        return
    before = now() - RECHECK
    due = payees.list_unchecked_accounts(gateway.mode(), before)
    doubted = payees.list_doubted(gateway.mode(), before)
    db.session.rollback()
    ask_each("check_accounts", due, refresh, operations.note_looked_at)
    ask_each("check_accounts", doubted, is_there_after_all, operations.note_looked_at)
