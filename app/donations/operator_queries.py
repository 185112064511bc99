"""What the operator reads about the money of every organization. Never who gave."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.orm import contains_eager

from app.core.clock import now
from app.core.db import db
from app.donations.models import Donation
from app.donations.money_models import Refund
from app.donations.money_queries import NOT_ARRIVED, RECENT
from app.fundraisers.models import Fundraiser


def list_refunds_not_arrived(*, limit: int = 50) -> list[Refund]:
    """The refunds of every organization that did not arrive of late, newest first, each with its gift, its fundraiser and whose
    it is: for the operator, who may not read who gave."""
    whole = contains_eager(Refund.donation).joinedload(Donation.fundraiser).joinedload(Fundraiser.organization)
    query = (
        sa.select(Refund)
        .join(Donation, Donation.id == Refund.donation_id)
        .options(whole)
        .where(Refund.status.in_(NOT_ARRIVED), Refund.created_at > now() - RECENT)
        .order_by(Refund.created_at.desc(), Refund.id.desc())
    )
    return list(db.session.scalars(query.limit(limit)))
