"""Reads of the API about money that no page has: lists of rows by when they were made."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import sqlalchemy as sa
from sqlalchemy.orm import contains_eager, joinedload

from app.core.db import db
from app.core.money import Money
from app.core.paging import Page, cut, decode_cursor, encode_cursor, newest_first, newest_page
from app.donations.models import Donation
from app.donations.money_models import DISPUTE_OPEN, Dispute, FraudWarning, Payout, PayoutLine, Refund
from app.donations.money_queries import PayoutShare
from app.donations.monthly_models import MonthlyGift
from app.donations.monthly_queries import is_paid, was_paid
from app.donations.page_parts import has_something_to_look_at
from app.donations.queries import STAFF_STATUSES, parts_to_show
from app.donations.receipt_models import Receipt
from app.donations.tally_models import MatchClaim, MessageReport
from app.fundraisers.models import Fundraiser, FundraiserPicture, FundraiserUpdate, MatchingGift


def page_in_person(fundraiser_id: int, *, status: str | None, cursor: str | None, limit: int) -> Page[Donation]:
    """Gifts in person that were recorded, of one status (donation.status) or all, also what was taken back; newest first.
    Raises BadCursor."""
    query = sa.select(Donation).options(joinedload(Donation.fundraiser))
    query = query.where(Donation.fundraiser_id == fundraiser_id, Donation.source == "offline")
    if status is not None:
        query = query.where(Donation.status == status)
    return newest_page(query, Donation, cursor, limit)


def find_in_person(gift_id: int) -> Donation | None:
    """A gift in person with its fundraiser and organization, or None: also for one that was given online."""
    whole = joinedload(Donation.fundraiser).joinedload(Fundraiser.organization)
    found = db.session.get(Donation, gift_id, options=[whole])
    return found if found is not None and found.source == "offline" else None


def find_match(match_id: int) -> MatchingGift | None:
    """A sponsor's promise with its fundraiser and organization, or None."""
    whole = joinedload(MatchingGift.fundraiser).joinedload(Fundraiser.organization)
    return db.session.get(MatchingGift, match_id, options=[whole])


def page_claims(match_id: int, *, cursor: str | None, limit: int) -> Page[MatchClaim]:
    """Which gifts claimed how much of a sponsor's promise, newest first. Raises BadCursor."""
    query = sa.select(MatchClaim).where(MatchClaim.matching_gift_id == match_id)
    return newest_page(query, MatchClaim, cursor, limit)


# --- every month ----------------------------------------------------------------------------------------------------


@dataclasses.dataclass(frozen=True)
class MonthlyOf:
    """A monthly gift, and the donation it began with, which says whose it is. `is_paid`: the first payment came in."""

    gift: MonthlyGift
    first: Donation
    is_paid: bool = True


def find_monthly(monthly_id: int) -> MonthlyOf | None:
    """A monthly gift with its fundraiser and organization, or None."""
    gift = db.session.get(MonthlyGift, monthly_id, options=[joinedload(MonthlyGift.fundraiser)])
    first = firsts_of([monthly_id]).get(monthly_id)
    return None if gift is None or first is None else MonthlyOf(gift, first, is_paid(monthly_id))


def firsts_of(gift_ids: Sequence[int]) -> dict[int, Donation]:
    """The donation with which each monthly gift began, with its fundraiser and organization; one statement."""
    nth = sa.func.row_number().over(partition_by=Donation.monthly_gift_id, order_by=(Donation.created_at, Donation.id))
    numbered = sa.select(Donation.id, nth.label("nth")).where(Donation.monthly_gift_id.in_(gift_ids)).subquery()
    query = (
        sa.select(Donation)
        .join(numbered, sa.and_(numbered.c.id == Donation.id, numbered.c.nth == 1))
        .options(joinedload(Donation.fundraiser).joinedload(Fundraiser.organization))
    )
    found = db.session.scalars(query) if gift_ids else ()
    return {first.monthly_gift_id: first for first in found if first.monthly_gift_id is not None}


def page_monthly(
    *,
    organization_id: int | None = None,
    person_id: int | None = None,
    status: str | None,
    cursor: str | None,
    limit: int,
) -> Page[MonthlyOf]:
    """Monthly gifts to an organization, or of one person who was signed in, whose first month was paid; of one status or all,
    newest first. Raises BadCursor."""
    query = sa.select(MonthlyGift).options(joinedload(MonthlyGift.fundraiser)).where(was_paid())
    if status is not None:
        query = query.where(MonthlyGift.status == status)
    if organization_id is not None:
        query = query.where(MonthlyGift.organization_id == organization_id)
    if person_id is not None:
        mine = sa.select(Donation.monthly_gift_id).where(Donation.person_id == person_id)
        query = query.where(MonthlyGift.id.in_(mine))
    page = newest_page(query, MonthlyGift, cursor, limit)
    firsts = firsts_of([gift.id for gift in page.rows])
    return Page([MonthlyOf(gift, firsts[gift.id]) for gift in page.rows], page.next_cursor)


def page_months(gift_id: int, *, cursor: str | None, limit: int) -> Page[Donation]:
    """The months of a monthly gift that were paid or are on their way, newest first. Raises BadCursor."""
    query = (
        sa.select(Donation)
        .options(joinedload(Donation.fundraiser).joinedload(Fundraiser.organization))
        .where(Donation.monthly_gift_id == gift_id, Donation.status.in_(STAFF_STATUSES))
    )
    return newest_page(query, Donation, cursor, limit)


# --- an organization's gifts ----------------------------------------------------------------------------------------


def page_gifts(
    organization_id: int, *, fundraiser: str | None, status: str | None, cursor: str | None, limit: int
) -> Page[Donation]:
    """Gifts to an organization that became something, of one fundraiser (its slug), of one status, or all; newest first.
    Raises BadCursor."""
    query = (
        sa.select(Donation)
        .join(Donation.fundraiser)
        .options(contains_eager(Donation.fundraiser).joinedload(Fundraiser.organization))
        .where(Donation.organization_id == organization_id)
        .where(Donation.status.in_(STAFF_STATUSES) if status is None else Donation.status == status)
    )
    if fundraiser is not None:
        query = query.where(Fundraiser.slug == fundraiser)
    return newest_page(query, Donation, cursor, limit)


# --- what donors write ----------------------------------------------------------------------------------------------


def find_message(message_id: int) -> Donation | None:
    """A gift whose donor lets a page show something (a message, a name), with its fundraiser and organization, or None."""
    whole = joinedload(Donation.fundraiser).joinedload(Fundraiser.organization)
    found = db.session.get(Donation, message_id, options=[whole])
    return found if found is not None and parts_to_show(found) else None


def page_messages(
    fundraiser_id: int, *, hidden: bool | None, reported: bool | None, cursor: str | None, limit: int
) -> Page[Donation]:
    """Gifts that are counted and whose donors wrote something, or show a name that is hidden or reported, newest first: those of
    which something is hidden or nothing is, those of which readers reported something that nobody has looked at since, or all.
    Raises BadCursor."""
    a_part_is_hidden = sa.or_(Donation.hidden_by != "", Donation.name_hidden_by != "")
    query = (
        sa.select(Donation)
        .where(Donation.fundraiser_id == fundraiser_id, Donation.status == "paid")
        .where(has_something_to_look_at())
    )
    if hidden is not None:
        query = query.where(a_part_is_hidden if hidden else sa.not_(a_part_is_hidden))
    if reported is not None:
        open_ones = sa.exists().where(MessageReport.donation_id == Donation.id, MessageReport.settled_at.is_(None))
        query = query.where(open_ones if reported else sa.not_(open_ones))
    return newest_page(query, Donation, cursor, limit)


# --- what belongs to a fundraiser's page ----------------------------------------------------------------------------


def find_update(update_id: int) -> FundraiserUpdate | None:
    """News of a fundraiser, with it and its organization, or None."""
    whole = joinedload(FundraiserUpdate.fundraiser).joinedload(Fundraiser.organization)
    return db.session.get(FundraiserUpdate, update_id, options=[whole])


def find_picture(picture_id: int) -> FundraiserPicture | None:
    """A picture of a fundraiser's page without its content, with the page and its organization, or None."""
    whole = joinedload(FundraiserPicture.fundraiser).joinedload(Fundraiser.organization)
    return db.session.get(FundraiserPicture, picture_id, options=[whole])


# --- after a gift ---------------------------------------------------------------------------------------------------


def page_refunds(donation_id: int, *, cursor: str | None, limit: int) -> Page[Refund]:
    """Refunds of a gift, newest first. Raises BadCursor."""
    query = sa.select(Refund).where(Refund.donation_id == donation_id)
    return newest_page(query, Refund, cursor, limit)


def page_disputes(organization_id: int, *, is_open: bool | None, cursor: str | None, limit: int) -> Page[Dispute]:
    """Disputes of gifts to an organization, those that are open, decided, or all; newest first. Raises BadCursor."""
    query = (
        sa.select(Dispute)
        .options(joinedload(Dispute.donation).joinedload(Donation.fundraiser))
        .where(Dispute.organization_id == organization_id)
    )
    if is_open is not None:
        query = query.where(Dispute.status.in_(DISPUTE_OPEN) if is_open else Dispute.status.not_in(DISPUTE_OPEN))
    return newest_page(query, Dispute, cursor, limit)


def page_warnings(organization_id: int, *, cursor: str | None, limit: int) -> Page[FraudWarning]:
    """Early fraud warnings of gifts to an organization, newest first. Raises BadCursor."""
    query = sa.select(FraudWarning).where(FraudWarning.organization_id == organization_id)
    return newest_page(query, FraudWarning, cursor, limit)


@dataclasses.dataclass(frozen=True)
class LineOf:
    """A line of a payout, and the slug of its fundraiser ("" of none)."""

    line: PayoutLine
    fundraiser: str


def page_lines(payout_id: int, organization_id: int, *, cursor: str | None, limit: int) -> Page[LineOf]:
    """What of a payout is an organization's, line by line in the order of their ids. Raises BadCursor."""
    query = (
        sa.select(PayoutLine, Fundraiser.slug)
        .outerjoin(Fundraiser, Fundraiser.id == PayoutLine.fundraiser_id)
        .where(PayoutLine.payout_id == payout_id, PayoutLine.organization_id == organization_id)
    )
    if cursor:
        query = query.where(PayoutLine.id > decode_cursor(cursor, int)[0])
    rows = [
        LineOf(line, slug or "") for line, slug in db.session.execute(query.order_by(PayoutLine.id).limit(limit + 1))
    ]
    following = encode_cursor(rows[limit - 1].line.id) if len(rows) > limit else None
    return Page(rows[:limit], following)


def page_trail(
    *, fundraiser_id: int | None = None, donation_id: int | None = None, cursor: str | None, limit: int
) -> Page[PayoutShare]:
    """The way of a fundraiser's money, or of a gift and what went back of it, to the bank: each payout that carries some of it,
    newest first. Raises BadCursor."""
    of = PayoutLine.donation_id == donation_id if fundraiser_id is None else PayoutLine.fundraiser_id == fundraiser_id
    sums = (
        sa.select(
            PayoutLine.payout_id,
            sa.func.sum(PayoutLine.amount_minor).label("amount"),
            sa.func.sum(PayoutLine.fee_minor).label("fees"),
        )
        .where(of)
        .group_by(PayoutLine.payout_id)
        .subquery()
    )
    query = sa.select(Payout, sums.c.amount, sums.c.fees).join(sums, sums.c.payout_id == Payout.id)
    rows = db.session.execute(newest_first(query, Payout, cursor, limit)).all()
    shares = {
        payout.id: PayoutShare(payout, Money(int(amount), payout.currency), Money(int(fees), payout.currency))
        for payout, amount, fees in rows
    }
    page = cut([row[0] for row in rows], limit)
    return Page([shares[payout.id] for payout in page.rows], page.next_cursor)


def find_receipt(receipt_id: int) -> Receipt | None:
    """A document about a gift, with the gift, its fundraiser and organization, and what it corrects; or None."""
    whole = joinedload(Receipt.donation).joinedload(Donation.fundraiser).joinedload(Fundraiser.organization)
    return db.session.get(Receipt, receipt_id, options=[whole, joinedload(Receipt.corrects)])
