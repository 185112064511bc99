"""The demonstration's gifts. They are paid for at the demo payment server, so that ledger and payments agree; where payments
are not its, there are none."""

from __future__ import annotations

import datetime as dt
import hashlib
import http.client
from collections.abc import Sequence
from urllib.parse import urlencode, urlsplit

import sqlalchemy as sa
import structlog
from flask import current_app

from app.accounts.queries import find_person_by_email
from app.core import audit, outbox
from app.core.clock import moved_to, now
from app.core.db import db, transaction
from app.core.errors import Refused
from app.core.money import Money
from app.donations import accounts, checkout, gateway, payees
from app.donations.gateway import GatewayError
from app.donations.models import Donation
from app.donations.operations.giving import start_donation
from app.donations.operations.milestones import MILESTONES
from app.donations.wishes import Wishes
from app.fundraisers.models import Fundraiser
from app.fundraisers.operations import end_fundraiser
from app.organizations.models import Organization
from app.pages.demo_data import shape

DAY = dt.timedelta(days=1)
TIMEOUT_SECONDS = 5
# What the payer presses on the pages of the demo payment server: (end of the address, button).
BUTTONS = {
    "paid": (("", "pay"),),
    "processing": (("", "pay_later"),),
    "failed": (("", "pay_later"), ("/bank", "refuse")),
    "expired": (),
    "pending": (),
}
log = structlog.get_logger(__name__)


def give(organizations: Sequence[shape.DemoOrganization]) -> None:
    """Every gift that is not there yet, each in transactions of its own; then the fundraisers end whose time is over.

    When the payment server does not answer, what is missing is given at the next call.
    """
    pages = [
        (given, _find(organization, given)) for organization in organizations for given in organization.all_fundraisers
    ]
    db.session.rollback()
    begun = now()
    try:
        if gateway.mode() == "demo" and gateway.connects():
            for organization in organizations:
                _open_account(organization)
        for given, fundraiser_id in pages:
            for number, gift in enumerate(given.gifts if _takes_gifts(fundraiser_id) else ()):
                _give(fundraiser_id, gift, begun - gift.ago * DAY, f"demo:{given.title}:{number}")
    except (GatewayError, OSError) as error:
        log.warning("demo.gifts_missing", error=type(error).__name__)
    for given, fundraiser_id in pages:
        if given.ended or (given.days is not None and given.days < 0):
            _end(fundraiser_id, given)
    with transaction():
        audit.seal()


def _takes_gifts(fundraiser_id: int) -> bool:
    if gateway.mode() != "demo":
        return False
    takes = accounts.can_take_gifts(db.session.get_one(Fundraiser, fundraiser_id).organization)
    db.session.rollback()
    return takes


def _open_account(organization: shape.DemoOrganization) -> None:
    """Give an organization that raises money its account at the payment server, and answer there what is asked of it. Once."""
    if not organization.all_fundraisers or not organization.owner:
        return
    query = sa.select(Organization).where(Organization.name == organization.name, Organization.status == "active")
    found = db.session.scalars(query.order_by(Organization.created_at).limit(1)).first()
    owner = find_person_by_email(shape.email_of(organization.owner))
    if found is None or owner is None or accounts.can_take_gifts(found):
        return
    organization_id = found.id
    try:
        address = accounts.onboard(found, by=owner).url
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


def _give(fundraiser_id: int, gift: shape.DemoGift, at: dt.datetime, name: str) -> None:
    """One gift at the instant `at`. `name` tells it from all others, so that it is given once."""
    key = hashlib.sha256(name.encode()).hexdigest()
    columns = sa.select(Donation.status, Donation.stripe_session_id)
    known = db.session.execute(columns.where(Donation.form_key == key)).first()
    db.session.rollback()
    # Without its page it was interrupted; with it, one that is to stay unpaid is as it should be.
    waits = gift.outcome == "pending" and known is not None and known.stripe_session_id is not None
    if waits or (known is not None and known.status != "pending"):
        return
    opened = now()
    with moved_to(at):
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
            donation_id = donation.id
            # The payment server lives today: it opens no checkout that would have ended long ago.
            donation.created_at = opened
        _pay(checkout.open_checkout(donation_id), gift.outcome)
        if gift.outcome == "paid":
            _book()
        if gift.outcome == "expired":
            checkout.expire(donation_id)
        else:
            checkout.fulfil(donation_id)
    with transaction():
        db.session.get_one(Donation, donation_id).created_at = at
        told = [f"donation_{name}:{donation_id}:1" for name in ("processing", "failed")]
        quarters = [f"fundraiser_milestone:{fundraiser_id}:{step}" for step in MILESTONES[:-1]]
        reached = [f"fundraiser_goal_reached:{fundraiser_id}", *quarters]
        for promise in (f"donation_thanks:{donation_id}", *told, *reached):
            outbox.note_kept(opened - DAY, key=promise)


def _pay(address: str, outcome: str) -> None:
    """Press what the payer presses on the page at `address`. Raises OSError as _press does."""
    for end, button in BUTTONS[outcome]:
        _press(address + end, button)


def _book() -> None:
    """Have the payment server book the charge at once: a gift of last month whose charge is booked only after the first nightly
    comparison would stand there as one that Stripe never booked. Raises OSError as _post does."""
    base = urlsplit(current_app.config["SETTINGS"].stripe_api_base)
    _post(base.netloc, "/_demo/settle", "{}", "application/json")


def _press(address: str, button: str) -> None:
    """Press a button on a page of the payment server. Raises OSError when `address` is none of its, and as _post does."""
    parts = urlsplit(address)
    base = urlsplit(current_app.config["SETTINGS"].stripe_api_base)
    if parts.netloc != base.netloc:
        raise ConnectionError(f"{parts.netloc} is not the demo payment server")
    _post(parts.netloc, parts.path, urlencode({"act": button}), "application/x-www-form-urlencoded")


def _post(server: str, path: str, body: str, content_type: str) -> None:
    """Send `body` to the payment server. Raises OSError when it does not answer, or refuses."""
    connection = http.client.HTTPConnection(server, timeout=TIMEOUT_SECONDS)
    connection.request("POST", path, body, {"Content-Type": content_type})
    status = connection.getresponse().status
    connection.close()
    if status >= 400:
        raise ConnectionError(f"the demo payment server answered {status}")


def _end(fundraiser_id: int, given: shape.DemoFundraiser) -> None:
    """It ends by its owner's hand, or because its last day is over: now, since gifts had to come before. Once."""
    with transaction():
        if db.session.get_one(Fundraiser, fundraiser_id).status == "live":
            by = find_person_by_email(shape.email_of(given.by)) if given.ended else None
            end_fundraiser(fundraiser_id, by=by, outcome=given.outcome)
