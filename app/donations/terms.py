"""What an organization says about gifts of money to it, as it is now."""

from __future__ import annotations

from app.core.db import db
from app.donations.fees import FeeTerms, default_terms
from app.donations.receipt_models import GivingTerms


def find_terms(organization_id: int) -> GivingTerms:
    """Its terms; those of an organization that has said nothing are the defaults, and no row."""
    found = db.session.get(GivingTerms, organization_id)
    if found is None:
        found = GivingTerms(
            organization_id=organization_id, tax_id="", claims_gift_aid=True, receipt_text="", fee_currency=""
        )
    return found


def fee_terms(terms: GivingTerms, currency: str) -> FeeTerms:
    """What a card payment in `currency` costs it: what it said, else what is published."""
    if terms.fee_share is None or terms.fee_fixed_minor is None or terms.fee_currency != currency:
        return default_terms(currency)
    return FeeTerms(terms.fee_share, terms.fee_fixed_minor)
