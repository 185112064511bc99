"""The demonstration's gifts. They are paid for at the demo payment server, so that ledger and payments agree; where payments
are not its, there are none."""

from __future__ import annotations

import dataclasses
import datetime as dt
import hashlib
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from urllib.parse import urlsplit

import sqlalchemy as sa
import structlog
from flask import current_app

from app.accounts.queries import find_person_by_email
from app.core import audit
from app.core.clock import now
from app.core.db import db, transaction
from app.core.errors import Refused
from app.core.money import Money
from app.donations import accounts, checkout, gateway, payees
from app.donations.gateway import GatewayError
from app.donations.models import Donation
from app.donations.operations.giving import start_donation
from app.donations.operations.monthly import begin as begin_monthly
from app.donations.wishes import Wishes
from app.fundraisers.models import Fundraiser
from app.fundraisers.operations import end_fundraiser
from app.organizations.models import Organization
from app.pages import demo_money as money
from app.pages.demo_data import shape

DAY = dt.timedelta(days=1)
# What the payer presses on the pages of the demo payment server: (end of the address, button).
BUTTONS = {
    "paid": (("", "pay"),),
    "processing": (("", "pay_later"),),
    "failed": (("", "pay_later"), ("/bank", "refuse")),
    "expired": (),
    "pending": (),
}
log = structlog.get_logger(__name__)


@dataclasses.dataclass(frozen=True)
class _Step:
    """Something that happened to money, and when."""

    at: dt.datetime
    do: Callable[[dt.datetime], object]


def give(organizations: Sequence[shape.DemoOrganization]) -> None:
    """Every gift that is not there yet, and what became of each, in the order in which it happened and in transactions of their
    own; then the fundraisers end whose time is over.

    When the payment server does not answer, what is missing is made at the next call.
    """
    pages = [
        (given, _find(organization, given)) for organization in organizations for given in organization.all_fundraisers
    ]
    ids = {id(given): key for given, key in pages}
    db.session.rollback()
    begun = now()
    if gateway.mode() == "demo":
        try:
            for step in sorted(_history(organizations, ids, begun), key=lambda step: step.at):
                step.do(step.at)
            money.hook("clock", {"at": None})
        except (GatewayError, OSError) as error:
            log.warning("demo.gifts_missing", error=type(error).__name__)
    for given, fundraiser_id in pages:
        if given.ended or (given.days is not None and given.days < 0):
            _end(fundraiser_id, given)
    with transaction():
        audit.seal()


def _history(
    organizations: Sequence[shape.DemoOrganization], ids: dict[int, int], begun: dt.datetime
) -> Iterator[_Step]:
    for organization in organizations:
        ages = [gift.ago for page in organization.all_fundraisers for gift in page.gifts]
        if gateway.connects() and ages:
            yield _Step(begun - (max(ages) + 2) * DAY, partial(_open_account, organization))
        for given in organization.all_fundraisers:
            key = ids[id(given)]
            for number, gift in enumerate(given.gifts):
                name = f"demo:{given.title}:{number}"
                yield _Step(begun - gift.ago * DAY, partial(_give, key, gift, name))
                yield from _after(gift, name, organization.owner, begun)
        if gateway.connects() and organization.billed is not None:
            ago, minor, currency = organization.billed
            billed = partial(money.bill, amount_minor=minor, currency=currency)
            yield _Step(begun - ago * DAY, partial(_of_account, organization, billed))
            yield _Step(begun - (ago - 1) * DAY, partial(_of_account, organization, money.compare))
        for number, ago in enumerate(organization.payouts if gateway.connects() else (), 1):
            yield _Step(begun - ago * DAY, partial(_of_account, organization, partial(money.pay_out, number=number)))
            if ago > 2:
                arrives = begun - (ago - 2) * DAY + money.AFTER_DRAFT
                yield _Step(arrives, partial(_of_account, organization, partial(money.arrive, number=number)))


def _after(gift: shape.DemoGift, name: str, owner: str, begun: dt.datetime) -> Iterator[_Step]:
    """What became of one gift."""
    of_it = partial(_of_gift, name)
    months = money.months_between(begun - gift.ago * DAY, begun) if gift.monthly else []
    for number, at in enumerate(months, 1):
        fails = gift.monthly_end == "declined" and number == len(months)
        yield _Step(at, partial(of_it, partial(money.renew, number=number, fails=fails)))
    if gift.monthly_end == "stopped":
        yield _Step(begun - 3 * DAY, partial(of_it, money.stop))
    if gift.back is not None:
        yield _Step(begun - gift.back.ago * DAY, partial(of_it, partial(money.give_back, given=gift.back, by=owner)))
        if gift.back.fails:
            yield _Step(begun - (gift.back.ago - 6) * DAY, partial(of_it, money.fail_refund))
    if gift.dispute is not None:
        ago, outcome = gift.dispute
        yield _Step(begun - ago * DAY, partial(of_it, money.dispute))
        if outcome != "open":
            yield _Step(begun - (ago - 7) * DAY, partial(of_it, partial(money.decide, outcome=outcome)))


def _of_gift(name: str, do: Callable[..., object], at: dt.datetime) -> None:
    key = db.session.scalar(sa.select(Donation.id).where(Donation.form_key == _form_key(name)))
    db.session.rollback()
    if key is not None:
        do(key, at=at)


def _of_account(organization: shape.DemoOrganization, do: Callable[..., object], at: dt.datetime) -> None:
    found = _organization(organization)
    account = None if found is None else payees.find_account(found.id, gateway.mode())
    known = None if account is None else account.stripe_account_id
    db.session.rollback()
    if known is not None:
        do(known, at=at)


def _form_key(name: str) -> str:
    """`name` tells a gift from all others, so that it is given once."""
    return hashlib.sha256(name.encode()).hexdigest()


def _organization(organization: shape.DemoOrganization) -> Organization | None:
    query = sa.select(Organization).where(Organization.name == organization.name, Organization.status == "active")
    return db.session.scalars(query.order_by(Organization.created_at).limit(1)).first()


def _takes_gifts(fundraiser_id: int) -> bool:
    if gateway.mode() != "demo":
        return False
    takes = accounts.can_take_gifts(db.session.get_one(Fundraiser, fundraiser_id).organization)
    db.session.rollback()
    return takes


def _open_account(organization: shape.DemoOrganization, at: dt.datetime) -> None:
    """Give an organization that raises money its account at the payment server, and answer there what is asked of it. Once."""
    if not organization.owner:
        return
    found, owner = _organization(organization), find_person_by_email(shape.email_of(organization.owner))
    if found is None or owner is None or accounts.can_take_gifts(found):
        return
    organization_id = found.id
    with money.living_at(at):
        try:
            address = accounts.onboard(db.session.get_one(Organization, organization_id), by=owner).url
        except Refused:  # Stripe is not in every country: its pages show how that looks
            return
        _press(address, "ready")
        account = payees.find_account(organization_id, gateway.mode())
        known = None if account is None else account.stripe_account_id
        db.session.rollback()
        if known is not None:
            accounts.refresh(known)


def _find(organization: shape.DemoOrganization, given: shape.DemoFundraiser) -> int:
    """The fundraiser that was made of `given`. Raises NoResultFound."""
    query = (
        sa.select(Fundraiser.id)
        .join(Organization, Organization.id == Fundraiser.organization_id)
        .where(Organization.name == organization.name, Fundraiser.title == given.title)
    )
    return db.session.execute(query.order_by(Fundraiser.created_at).limit(1)).scalar_one()


def _give(fundraiser_id: int, gift: shape.DemoGift, name: str, at: dt.datetime) -> None:
    """One gift at the instant `at`."""
    if not _takes_gifts(fundraiser_id):
        return
    key = _form_key(name)
    columns = sa.select(Donation.status, Donation.stripe_session_id)
    known = db.session.execute(columns.where(Donation.form_key == key)).first()
    db.session.rollback()
    # Without its page it was interrupted; with it, one that is to stay unpaid is as it should be.
    waits = gift.outcome == "pending" and known is not None and known.stripe_session_id is not None
    if waits or (known is not None and known.status != "pending"):
        return
    with money.living_at(at):
        with transaction():
            donation = start_donation(
                fundraiser_id,
                amount=Money(gift.amount_minor, db.session.get_one(Fundraiser, fundraiser_id).currency),
                name=gift.name,
                email=shape.email_of(gift.first or gift.name.split()[0].lower()),
                mode=gateway.mode(),
                connect=gateway.connects(),
                anonymous=gift.anonymous,
                message=gift.message,
                wishes=Wishes(
                    cover_fee=gift.cover_fee,
                    dedication="memory" if gift.in_memory_of else "",
                    dedicated_to=gift.in_memory_of,
                ),
                by=find_person_by_email(shape.email_of(gift.first)) if gift.first else None,
                key=key,
            )
            if gift.monthly:
                begin_monthly(donation)
            donation_id = donation.id
        _pay(checkout.open_checkout(donation_id), gift.outcome)
        if gift.outcome == "paid":
            # Booked at once: a charge that is booked only after the first nightly comparison would stand there as one that
            # Stripe never booked.
            money.hook("settle", {})
        if gift.outcome == "expired":
            checkout.expire(donation_id)
        else:
            checkout.fulfil(donation_id)


def _pay(address: str, outcome: str) -> None:
    """Press what the payer presses on the page at `address`. Raises OSError as _press does."""
    for end, button in BUTTONS[outcome]:
        _press(address + end, button)


def _press(address: str, button: str) -> None:
    """Press a button on a page of the payment server. Raises OSError when `address` is none of its, and as money.post does."""
    parts = urlsplit(address)
    base = urlsplit(current_app.config["SETTINGS"].stripe_api_base)
    if parts.netloc != base.netloc:
        raise ConnectionError(f"{parts.netloc} is not the demo payment server")
    money.press(parts.path, act=button)


def _end(fundraiser_id: int, given: shape.DemoFundraiser) -> None:
    """It ends by its owner's hand, or because its last day is over: now, since gifts had to come before. Once."""
    with transaction():
        if db.session.get_one(Fundraiser, fundraiser_id).status == "live":
            by = find_person_by_email(shape.email_of(given.by)) if given.ended else None
            end_fundraiser(fundraiser_id, by=by, outcome=given.outcome)
