"""Gift Aid declarations that their donors take back. A donor may cancel one at any time
(https://www.gov.uk/claim-gift-aid/gift-aid-declarations). By law that ends it for later gifts alone; here nothing that was not
claimed by then is claimed either: donors cancel because they pay too little tax, and what is claimed on their word without it
they owe themselves (https://www.gov.uk/donating-to-charity/gift-aid)."""

from __future__ import annotations

import sqlalchemy as sa

from app.accounts.models import Person
from app.core.audit import record
from app.core.clock import now
from app.core.db import db, lock
from app.core.errors import refuse
from app.core.i18n import _
from app.donations.gift_aid import EVERY_GIFT
from app.donations.models import Donation
from app.donations.monthly_models import MonthlyGift
from app.donations.receipt_models import GiftAidDeclaration


def cancel_declaration(donation_id: int, *, by: Person | None) -> GiftAidDeclaration:
    """The donor cancels the Gift Aid declaration of a gift: of all months, and of those to come, where it was declared for every
    month. A second time changes nothing. `by` None: by the donor's own link.

    Raises LookupError, and Refused when none was declared."""
    of_month = db.session.scalar(sa.select(Donation.monthly_gift_id).where(Donation.id == donation_id))
    if of_month is not None:
        lock(MonthlyGift, of_month)  # before its donations, as renewals do: a month that comes meanwhile sees it
    donation = lock(Donation, donation_id)
    if donation is None:
        raise LookupError("donation")
    declared = db.session.get(GiftAidDeclaration, donation.id, populate_existing=True)
    if declared is None:
        raise refuse("not_declared", _("No Gift Aid was declared on this gift"))
    cancelled = [(donation, declared)]
    if of_month is not None and declared.text_version == EVERY_GIFT:
        months = (
            sa.select(Donation, GiftAidDeclaration)
            .join(GiftAidDeclaration, GiftAidDeclaration.donation_id == Donation.id)
            .where(Donation.monthly_gift_id == of_month, GiftAidDeclaration.text_version == EVERY_GIFT)
            .order_by(Donation.id)
        )
        cancelled = [(month, its) for month, its in db.session.execute(months)]
    for gift, one in cancelled:
        if one.cancelled_at is None:
            one.cancelled_at = now()
            record("gift_aid.cancelled", subject=gift, by=by, organization_id=gift.organization_id)
    db.session.flush()
    return declared
