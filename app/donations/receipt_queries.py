"""Reads of receipts: a gift's, an organization's, and whether every one is there (F7)."""

from __future__ import annotations

from collections.abc import Iterable

import sqlalchemy as sa
from sqlalchemy.orm import contains_eager, joinedload

from app.core.db import db
from app.core.ids import encode_id
from app.core.paging import Page, newest_page
from app.donations.models import Donation
from app.donations.queries import find_donation_by_token
from app.donations.receipt_models import GiftAidDeclaration, Receipt, ReceiptCounter
from app.organizations.models import Organization

STAFF_PAGE = 50


def receipts_of(donation_ids: Iterable[int]) -> dict[int, list[Receipt]]:
    """The documents of each gift in the order in which they were issued; gifts without any are left out."""
    keys = list(donation_ids)
    found: dict[int, list[Receipt]] = {}
    if keys:
        query = sa.select(Receipt).where(Receipt.donation_id.in_(keys)).order_by(Receipt.number)
        for receipt in db.session.scalars(query):
            found.setdefault(receipt.donation_id, []).append(receipt)
    return found


def find_of_gift(token: str, receipt_id: int) -> Receipt | None:
    """A document of the gift that a donor's link leads to, or None."""
    donation = find_donation_by_token(token)
    return None if donation is None else find_receipt(receipt_id, donation_id=donation.id)


def find_receipt(receipt_id: int, *, donation_id: int) -> Receipt | None:
    """A document of one gift, with what it corrects, or None."""
    query = sa.select(Receipt).options(joinedload(Receipt.corrects), joinedload(Receipt.donation))
    return db.session.scalar(query.where(Receipt.id == receipt_id, Receipt.donation_id == donation_id))


def find_first(donation_id: int) -> Receipt | None:
    """The receipt of a gift, or None."""
    query = sa.select(Receipt).where(Receipt.donation_id == donation_id, Receipt.kind == "gift")
    return db.session.scalar(query)


def find_of_organization(slug: str, receipt_id: int) -> Receipt | None:
    """A document of an organization, with its gift, or None."""
    query = (
        sa.select(Receipt)
        .join(Organization, Organization.id == Receipt.organization_id)
        .options(joinedload(Receipt.corrects), joinedload(Receipt.donation))
        .where(Receipt.id == receipt_id, Organization.slug == slug)
    )
    return db.session.scalar(query)


def list_receipts(organization_id: int, cursor: str | None = None, *, limit: int = STAFF_PAGE) -> Page[Receipt]:
    """All documents of an organization, newest first, each with its gift. Raises BadCursor."""
    query = (
        sa.select(Receipt)
        .join(Receipt.donation)
        .options(contains_eager(Receipt.donation), joinedload(Receipt.corrects))
        .where(Receipt.organization_id == organization_id)
    )
    return newest_page(query, Receipt, cursor, limit)


def list_without_receipt(*, limit: int = 100) -> list[int]:
    """Paid gifts, none of a demonstration, for which no receipt was issued: those paid before there were receipts."""
    query = (
        sa.select(Donation.id)
        .outerjoin(Receipt, sa.and_(Receipt.donation_id == Donation.id, Receipt.kind == "gift"))
        .where(Donation.status == "paid", Donation.mode != "demo", Receipt.id.is_(None))
        .order_by(Donation.paid_at, Donation.id)
    )
    return list(db.session.scalars(query.limit(limit)))


def check_receipts() -> tuple[int, list[str]]:
    """Every paid gift has its receipt over its amount, numbers have no gap, and corrections lead from the gift to what counts."""
    checked = db.session.scalar(sa.select(sa.func.count()).select_from(Receipt)) or 0
    return checked, [*_missing(), *_gaps(), *_sums()]


def _missing() -> list[str]:
    wrong = (
        sa.select(Donation.id)
        .join(Receipt, Receipt.donation_id == Donation.id)
        .where(Receipt.kind == "gift")
        .where(
            sa.or_(
                # A gift in person that was taken back is not paid any more; its correction says so.
                sa.and_(Donation.status != "paid", Donation.source == "stripe"),
                Receipt.amount_minor != Donation.amount_minor,
                Receipt.currency != Donation.currency,
                Receipt.organization_id != Donation.organization_id,
            )
        )
    )
    return [f"receipts: donation {encode_id(key)} is paid and has none" for key in list_without_receipt()] + [
        f"receipts: donation {encode_id(key)} is not what its receipt says" for key in db.session.scalars(wrong)
    ]


def _gaps() -> list[str]:
    issued = (
        sa.select(
            Receipt.organization_id,
            Receipt.mode,
            sa.func.count().label("times"),
            sa.func.min(Receipt.number).label("first"),
            sa.func.max(Receipt.number).label("last"),
        )
        .group_by(Receipt.organization_id, Receipt.mode)
        .subquery()
    )
    query = sa.select(issued, ReceiptCounter.last_number).outerjoin(
        ReceiptCounter,
        sa.and_(ReceiptCounter.organization_id == issued.c.organization_id, ReceiptCounter.mode == issued.c.mode),
    )
    return [
        f"receipts: the {row.mode} numbers of organization {encode_id(row.organization_id)} have a gap"
        for row in db.session.execute(query)
        if (row.first, row.last, row.last_number) != (1, row.times, row.times)
    ]


def _sums() -> list[str]:
    summed = (
        sa.select(
            Receipt.donation_id,
            sa.func.sum(Receipt.amount_minor).label("sum"),
            sa.func.max(Receipt.number).label("last"),
        )
        .group_by(Receipt.donation_id)
        .subquery()
    )
    query = (
        sa.select(summed.c.donation_id)
        .join(Receipt, sa.and_(Receipt.donation_id == summed.c.donation_id, Receipt.number == summed.c.last))
        .where(Receipt.stands_minor != summed.c.sum)
    )
    return [f"receipts: those of donation {encode_id(key)} do not add up" for key in db.session.scalars(query)]


def find_declaration(donation_id: int) -> GiftAidDeclaration | None:
    """The Gift Aid declaration of a gift, cancelled ones too, or None."""
    return db.session.get(GiftAidDeclaration, donation_id)
