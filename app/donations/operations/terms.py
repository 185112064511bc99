"""What an organization says about gifts of money to it: its number, its fee, its receipts."""

from __future__ import annotations

from app.accounts.models import Person
from app.core.audit import record
from app.core.clock import now
from app.core.db import db, lock
from app.core.errors import InvalidInput, refuse
from app.core.i18n import _
from app.donations import receipt_texts
from app.donations.fees import MAXIMUM_SHARE, FeeTerms
from app.donations.receipt_models import GivingTerms
from app.organizations.models import Organization


def edit_terms(
    organization_id: int,
    *,
    by: Person,
    tax_id: str,
    claims_gift_aid: bool,
    receipt_text: str,
    fee: FeeTerms | None,
) -> GivingTerms:
    """Say it anew. `fee` is in the organization's currency; None: what is published. `receipt_text` empty: the text of its
    country. Receipts that were issued stay as they are.

    Raises InvalidInput (tax_id, receipt_text, fee_percent).
    """
    organization = lock(Organization, organization_id)
    if organization is None:
        raise refuse("organization_gone", _("This organization does not exist"))
    check_terms(organization, tax_id=tax_id, receipt_text=receipt_text, fee=fee)
    terms = db.session.get(GivingTerms, organization_id)
    if terms is None:
        terms = GivingTerms(organization_id=organization_id)
        db.session.add(terms)
    terms.tax_id, terms.claims_gift_aid, terms.receipt_text = tax_id, claims_gift_aid, receipt_text
    terms.fee_share = None if fee is None else fee.share
    terms.fee_fixed_minor = None if fee is None else fee.fixed_minor
    terms.fee_currency = organization.currency
    terms.changed_at = now()
    record("organization.giving_terms", subject=organization, by=by, organization_id=organization_id)
    db.session.flush()
    return terms


def check_terms(organization: Organization, *, tax_id: str, receipt_text: str, fee: FeeTerms | None) -> None:
    """Raise InvalidInput for what cannot stand on a receipt, or is no fee."""
    wrong: dict[str, str] = {}
    if receipt_text and (problem := receipt_texts.problem_with(receipt_text, organization.country)):
        wrong["receipt_text"] = problem
    if "{tax_id}" in receipt_text and not tax_id:
        wrong["tax_id"] = _("Enter the number: your text names it")
    if fee is not None and not 0 <= fee.share <= MAXIMUM_SHARE:
        wrong["fee_percent"] = _("Enter a percentage between 0 and 20")
    if wrong:
        raise InvalidInput(wrong)
