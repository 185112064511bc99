"""Reads of donations. Who gave is for the organization's staff; the public gets names only where the donor chose so (F9)."""

from __future__ import annotations

import dataclasses
import datetime as dt
import hmac
from collections.abc import Collection, Iterable, Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import joinedload

from app.accounts.models import Person
from app.core.clock import age_on, now
from app.core.db import db
from app.core.ids import LENGTH, decode_id, encode_id
from app.core.money import Money
from app.core.outbox import Outbox
from app.core.paging import Page, newest_page
from app.core.tokens import keyed_hash
from app.donations.accounts_models import PaymentAccount
from app.donations.models import EVENT_PROMISE, PLATFORM, Donation, StripeEvent, StripeSync
from app.donations.money_models import DISPUTE_OPEN, Dispute
from app.donations.payees import chargeable, reachable
from app.donations.policy import can_resume, listed_to_donor, name_for_public, name_for_starter
from app.donations.tally_models import FundraiserTally
from app.fundraisers.models import Fundraiser
from app.fundraisers.policy import accepting
from app.organizations.models import Organization

PAGE_SIZE = 20
# Staff see every gift that became something; a checkout nobody finished is no gift.
STAFF_STATUSES = ("processing", "paid", "failed", "mismatched", "recorded")
ADULT_AGE = 18
_SIGNATURE = 32
# How many ids one statement asks for.
BATCH = 400


@dataclasses.dataclass(frozen=True)
class Totals:
    """What one fundraiser has raised. `settled` is paid through Stripe, before fees, less what went back; `offline` was given in
    person and confirmed; `processing` is not yet paid; `matched` is what sponsors add to gifts that still stand; `disputed` is
    what banks have taken of paid gifts and have yet to decide about."""

    settled: Money
    processing: Money
    donor_count: int
    offline: Money
    matched: Money
    disputed: Money
    gift_count: int

    @property
    def raised(self) -> Money:
        """What counts as given: settled and offline. What a sponsor has promised is shown beside it."""
        return Money(self.settled.amount_minor + self.offline.amount_minor, self.settled.currency)

    @property
    def coming(self) -> Money:
        """What does not count yet and is not open any more: what banks have to confirm or to decide about, and what sponsors
        add."""
        parts = (self.processing, self.matched, self.disputed)
        return Money(sum(part.amount_minor for part in parts), self.settled.currency)


@dataclasses.dataclass(frozen=True)
class PublicDonation:
    """A gift as the public may see it; `name` None is anonymous."""

    id: int
    name: str | None
    amount: Money
    message: str
    paid_at: dt.datetime
    source: str
    # "honor" or "memory", and of whom; "" for nobody.
    dedication: str = ""
    dedicated_to: str = ""
    # The donor shows a name that somebody keeps from the page.
    is_held: bool = False
    # It is a month of a monthly gift, of which nothing went back.
    is_monthly: bool = False
    # The name is read by whoever started the page, and by nobody else here.
    only_to_starter: bool = False


def stays() -> sa.ColumnElement[bool]:
    """Gifts of which something stays: not all of it went back to the donor or was taken by their bank."""
    return Donation.refunded_minor + Donation.disputed_minor < Donation.amount_minor


def totals(fundraiser_ids: Iterable[int]) -> dict[int, Totals]:
    """Totals of each fundraiser, in its own currency, in one query of as many rows. Unknown ids are left out."""
    keys = list(fundraiser_ids)
    if not keys:
        return {}
    disputed = _disputed()
    columns: list[sa.ColumnElement[int]] = [
        sa.func.coalesce(column, 0)
        for column in (
            FundraiserTally.settled_minor,
            FundraiserTally.processing_minor,
            FundraiserTally.donor_count,
            FundraiserTally.offline_minor,
            FundraiserTally.matched_minor,
            FundraiserTally.gift_count,
            disputed.c.minor,
        )
    ]
    query: sa.Select[*tuple[Any, ...]] = (
        sa.select(Fundraiser.id, Fundraiser.currency, *columns)
        .outerjoin(FundraiserTally, FundraiserTally.fundraiser_id == Fundraiser.id)
        .outerjoin(disputed, disputed.c.page == Fundraiser.id)
        .where(Fundraiser.id.in_(keys))
    )
    found: dict[int, Totals] = {}
    for row in db.session.execute(query):
        key, currency, paid, waiting, people, in_person, matched, gifts, held = row
        of = [Money(minor, currency) for minor in (paid, waiting, in_person, matched, int(held))]
        found[key] = Totals(of[0], of[1], people, of[2], of[3], of[4], gifts)
    return found


def _disputed() -> sa.Subquery:
    """Of each page, a team's as well, what would count again if every open dispute about its gifts were won. Few disputes are
    open at any time, in the whole installation. What went back of a gift, or was lost of it, does not come again."""
    of_gift = (
        sa.select(Dispute.donation_id, sa.func.sum(Dispute.withdrawn_minor).label("minor"))
        .where(Dispute.status.in_(DISPUTE_OPEN), Dispute.withdrawn_minor > 0)
        .group_by(Dispute.donation_id)
        .subquery()
    )
    lost = sa.case((Donation.disputed_minor > of_gift.c.minor, Donation.disputed_minor - of_gift.c.minor), else_=0)
    most = Donation.amount_minor - Donation.refunded_minor - lost
    minor = sa.case((most < 0, 0), (of_gift.c.minor > most, most), else_=of_gift.c.minor)

    def looked_up(column: sa.SQLColumnExpression[Any]) -> sa.ScalarSelect[Any]:
        """Of each disputed gift, found by its id: for a join PostgreSQL may read every gift there is."""
        return sa.select(column).where(Donation.id == of_gift.c.donation_id).correlate(of_gift).scalar_subquery()

    of_page = sa.union_all(
        *(
            sa.select(looked_up(page).label("page"), looked_up(minor).label("minor")).select_from(of_gift)
            for page in (Donation.fundraiser_id, Donation.team_id)
        )
    ).subquery()
    return sa.select(of_page.c.page, sa.func.sum(of_page.c.minor).label("minor")).group_by(of_page.c.page).subquery()


def _page_of(query: sa.Select[Donation], cursor: str | None, limit: int) -> Page[Donation]:
    """Newest first by when it was made. Raises BadCursor."""
    return newest_page(query, Donation, cursor, limit)


def known_minors(rows: Sequence[Donation]) -> set[int]:
    """The ids of those of `rows` whose donor is a known minor today, asked at once: whose name the public and whoever started the
    page never read, whatever the donor chose (G6)."""
    people = [donation.person_id for donation in rows if donation.person_id is not None]
    if not people:
        return set()
    born_on = db.session.execute(sa.select(Person.id, Person.birth_date).where(Person.id.in_(people)))
    young = {key for key, born in born_on if born is not None and age_on(born, now().date()) < ADULT_AGE}
    return {donation.id for donation in rows if donation.person_id in young}


def parts_to_show(donation: Donation, minors: Collection[int] | None = None) -> tuple[str, ...]:
    """What of a gift the page may show as its donor typed it, whether or not somebody keeps it from there: "message", "name".
    `minors` are the gifts of known minors, where that was asked before."""
    of_minor = donation.id in (known_minors([donation]) if minors is None else minors)
    return tuple(part for part in donation.parts_shown if part != "name" or not of_minor)


def list_public_donations(
    fundraiser_id: int, cursor: str | None = None, *, limit: int = PAGE_SIZE, to_starter: bool = False
) -> Page[PublicDonation]:
    """Paid gifts of a fundraiser, newest first: what of each stays. A name is given only where the donor chose so and is no
    known minor (F9, G6).
    `to_starter`: as whoever started the page may read them.

    Raises BadCursor.
    """
    page = _page_of(
        sa.select(Donation).where(Donation.fundraiser_id == fundraiser_id, Donation.status == "paid", stays()),
        cursor,
        limit,
    )
    minors = known_minors(page.rows)

    def shown(donation: Donation) -> PublicDonation:
        is_minor = donation.id in minors
        public, to_starter_only = name_for_public(donation), name_for_starter(donation) if to_starter else None
        return PublicDonation(
            id=donation.id,
            name=None if is_minor else public or to_starter_only,
            amount=Money(donation.amount_minor - donation.refunded_minor - donation.disputed_minor, donation.currency),
            message="" if donation.message_hidden else donation.message,
            paid_at=donation.paid_at or donation.created_at,
            source=donation.source,
            # It is hidden with the message: both are what the donor wrote.
            dedication="" if donation.message_hidden else donation.dedication,
            dedicated_to="" if donation.message_hidden else donation.dedicated_to,
            is_held=donation.shows_name and bool(donation.name_hidden_by) and not is_minor,
            is_monthly=donation.monthly_gift_id is not None and not donation.refunded_minor + donation.disputed_minor,
            only_to_starter=not is_minor and public is None and to_starter_only is not None,
        )

    return Page([shown(donation) for donation in page.rows], page.next_cursor)


def list_staff_donations(fundraiser_id: int, cursor: str | None = None, *, limit: int = PAGE_SIZE) -> Page[Donation]:
    """Gifts of a fundraiser with names and addresses, for the organization's owners and managers only. Raises BadCursor."""
    query = sa.select(Donation).where(Donation.fundraiser_id == fundraiser_id, Donation.status.in_(STAFF_STATUSES))
    return _page_of(query, cursor, limit)


def list_donations_of(person_id: int, cursor: str | None = None, *, limit: int = PAGE_SIZE) -> Page[Donation]:
    """What one person gave, or began to give, while signed in. Raises BadCursor."""
    query = (
        sa.select(Donation)
        .options(joinedload(Donation.fundraiser).joinedload(Fundraiser.organization))
        .where(Donation.person_id == person_id, listed_to_donor())
    )
    return _page_of(query, cursor, limit)


@dataclasses.dataclass(frozen=True)
class OwnGift:
    """A gift as its donor reads of it: the donation, and what their own link carries."""

    donation: Donation
    token: str
    may_resume: bool


def list_own_gifts(person_id: int) -> list[OwnGift]:
    """The latest gifts of one person (one page), with the way to each."""
    return [
        OwnGift(gift, donation_token(gift.id), can_resume(gift, gift.mode))
        for gift in list_donations_of(person_id).rows
    ]


def find_donation(donation_id: int) -> Donation | None:
    """The donation with its fundraiser and organization, or None."""
    return db.session.get(
        Donation, donation_id, options=[joinedload(Donation.fundraiser).joinedload(Fundraiser.organization)]
    )


def donation_token(donation_id: int) -> str:
    """What the donor's own links carry: the id and proof that this installation made the link. Never logged, never public."""
    public_id = encode_id(donation_id)
    return f"{public_id}-{keyed_hash('donation-link', public_id)[:_SIGNATURE]}"


def find_donation_by_token(token: str) -> Donation | None:
    """The donation a donor's link leads to, or None."""
    key = decode_id(token[:LENGTH]) if token.isascii() else None
    if key is None or not hmac.compare_digest(token, donation_token(key)):
        return None
    return find_donation(key)


def find_donation_id(
    *, account: str | None, session_id: str = "", payment_id: str = "", charge_id: str = ""
) -> int | None:
    """The donation that owns one of Stripe's ids of `account`, or None: an account speaks of its own gifts only."""
    for column, value in (
        (Donation.stripe_session_id, session_id),
        (Donation.stripe_payment_intent_id, payment_id),
        (Donation.stripe_charge_id, charge_id),
    ):
        of_account = Donation.account.is_not_distinct_from(account)
        query = sa.select(Donation.id).where(column == value, of_account)
        if value and (found := db.session.scalar(query)) is not None:
            return found
    return None


def is_known_already(event: StoredEvent) -> bool:
    """True when all that an event can tell is in the books: that a gift is paid which is, or what its charge cost, which is
    known. By the event's own account alone."""
    of_gift: dict[str, Any] = {
        "checkout.session.completed": Donation.stripe_session_id,
        "checkout.session.async_payment_succeeded": Donation.stripe_session_id,
        "invoice.paid": Donation.stripe_invoice_id,
        "charge.updated": Donation.stripe_charge_id,
    }
    column = of_gift.get(event.type)
    if column is None:
        return False
    query = sa.select(Donation.id).where(column == event.object_id, Donation.status == "paid")
    query = query.where(Donation.account.is_not_distinct_from(event.account))
    if event.type == "charge.updated":
        query = query.where(Donation.stripe_balance_transaction_id.is_not(None))
    return db.session.scalar(query) is not None


def find_donations_by_payment(*, account: str | None, payments: Sequence[str]) -> dict[str, int]:
    """Which donation of `account` each of Stripe's payments is of; those of none are left out."""
    found: dict[str, int] = {}
    for some in (payments[start : start + BATCH] for start in range(0, len(payments), BATCH)):
        query = sa.select(Donation.stripe_payment_intent_id, Donation.id).where(
            Donation.stripe_payment_intent_id.in_(some), Donation.account.is_not_distinct_from(account)
        )
        found |= {str(payment): key for payment, key in db.session.execute(query)}
    return found


def which_donations(*, account: str | None, ids: Sequence[int]) -> set[int]:
    """Those of `ids` that are donations paid through `account`."""
    found: set[int] = set()
    for some in (ids[start : start + BATCH] for start in range(0, len(ids), BATCH)):
        query = sa.select(Donation.id).where(Donation.id.in_(some), Donation.account.is_not_distinct_from(account))
        found |= set(db.session.scalars(query))
    return found


def is_donation(donation_id: int, account: str | None) -> bool:
    """True when there is such a row and it is paid through `account`."""
    query = sa.select(Donation.id).where(Donation.id == donation_id, Donation.account.is_not_distinct_from(account))
    return db.session.scalar(query) is not None


@dataclasses.dataclass(frozen=True)
class StoredEvent:
    """What a stored event says happened to which object of which account (None: the installation's own)."""

    id: int
    type: str
    object_id: str
    account: str | None


def find_open_event(event_id: int) -> StoredEvent | None:
    """A stored event that nobody has answered yet, or None."""
    query = sa.select(StripeEvent.id, StripeEvent.type, StripeEvent.object_id, StripeEvent.account)
    row = db.session.execute(query.where(StripeEvent.id == event_id, StripeEvent.status == "received")).first()
    return None if row is None else StoredEvent(*row)


def list_forgotten_events(
    received_before: dt.datetime, *, given_up_before: dt.datetime, limit: int = 500
) -> list[tuple[int, str]]:
    """(our id, Stripe's id) of events that wait since before `received_before` while no promise to answer them stands: it is
    gone, or was given up before `given_up_before`. The oldest first."""
    its_own = Outbox.key == sa.literal(EVENT_PROMISE).concat(StripeEvent.stripe_id)
    stands = sa.or_(Outbox.given_up_at.is_(None), Outbox.given_up_at >= given_up_before)
    query = (
        sa.select(StripeEvent.id, StripeEvent.stripe_id)
        .where(StripeEvent.status == "received", StripeEvent.received_at < received_before)
        .where(~sa.exists().where(its_own, stands))
        .order_by(StripeEvent.received_at, StripeEvent.id)
    )
    return [(key, stripe_id) for key, stripe_id in db.session.execute(query.limit(limit))]


def find_event_at(event_type: str, object_id: str, account: str | None) -> dt.datetime | None:
    """When an event of `event_type` about an object of `account` happened at Stripe, when we were told of it: the first."""
    query = sa.select(sa.func.min(StripeEvent.created_at)).where(
        StripeEvent.type == event_type,
        StripeEvent.object_id == object_id,
        StripeEvent.account.is_not_distinct_from(account),
    )
    return db.session.scalar(query)


def find_listed_until(account: str | None = None) -> dt.datetime | None:
    """Up to when Stripe's list of events of `account` (None: the installation's own) has been read, or None before the first
    time."""
    return db.session.scalar(sa.select(StripeSync.listed_until).where(StripeSync.account == (account or PLATFORM)))


def list_stale(before: dt.datetime, *, mode: str, limit: int = 100) -> list[int]:
    """Donations of `mode` to ask Stripe about: unfinished ones, and paid ones of the last two weeks, or begun in them, whose fee
    is not known; not looked at since `before`, longest ago first."""
    unfinished = sa.and_(Donation.status.in_(("pending", "processing")), Donation.stripe_session_id.is_not(None))
    fee_unknown = sa.and_(
        Donation.status == "paid",
        Donation.source == "stripe",
        Donation.stripe_balance_transaction_id.is_(None),
        sa.or_(*(at > now() - dt.timedelta(days=14) for at in (Donation.paid_at, Donation.created_at))),
    )
    looked_at = sa.func.coalesce(Donation.checked_at, Donation.attempt_at, Donation.created_at)
    due = sa.and_(Donation.mode == mode, sa.or_(unfinished, fee_unknown), looked_at < before, reachable())
    return list(db.session.scalars(sa.select(Donation.id).where(due).order_by(looked_at).limit(limit)))


def list_waiting_on(account: str) -> list[int]:
    """Gifts through an account that are not paid, and may yet be."""
    query = sa.select(Donation.id).where(
        Donation.account == account, Donation.status.in_(("pending", "processing")), Donation.source == "stripe"
    )
    return list(db.session.scalars(query.order_by(Donation.id)))


def list_never_opened(before: dt.datetime, *, limit: int = 500) -> list[int]:
    """Pending donations older than `before` for which no session was ever saved."""
    query = sa.select(Donation.id).where(
        Donation.status == "pending",
        Donation.stripe_session_id.is_(None),
        sa.func.coalesce(Donation.attempt_at, Donation.created_at) < before,
    )
    return list(db.session.scalars(query.limit(limit)))


def list_to_expire(
    *, fundraiser_id: int | None = None, account: str | None = None, mode: str, limit: int = 100
) -> list[tuple[int, int]]:
    """Pending donations of `mode` with a session that nobody shall pay any more, each with the try it is at: the fundraiser
    takes no gifts, or the account it would be paid through cannot."""
    can = sa.exists().where(PaymentAccount.stripe_account_id == Donation.account, chargeable())
    shut = sa.and_(Donation.account.is_not(None), sa.not_(can))
    query = (
        sa.select(Donation.id, Donation.attempt)
        .join(Fundraiser, Fundraiser.id == Donation.fundraiser_id)
        .join(Organization, Organization.id == Fundraiser.organization_id)
        .where(Donation.status == "pending", Donation.stripe_session_id.is_not(None))
        .where(Donation.mode == mode, sa.or_(sa.not_(accepting()), shut), reachable())
    )
    if account is not None:
        query = query.where(Donation.account == account)
    if fundraiser_id is not None:
        query = query.where(Donation.fundraiser_id == fundraiser_id)
    looked_at = sa.func.coalesce(Donation.checked_at, Donation.attempt_at, Donation.created_at)
    return [(key, attempt) for key, attempt in db.session.execute(query.order_by(looked_at, Donation.id).limit(limit))]
