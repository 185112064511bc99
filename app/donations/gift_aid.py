"""Gift Aid in the United Kingdom: a declaration lets the charity claim 25p for every £1 (Income Tax Act 2007, s. 413-430).

The wording is HMRC's model declaration for one donation and for all donations
(https://www.gov.uk/claim-gift-aid/gift-aid-declarations). What a donor agreed to is kept by its version, so a changed
wording is a new version and never a changed text.
"""

from __future__ import annotations

import re
from typing import Any

from app.core.i18n import lazy
from app.donations.receipt_models import GivingTerms
from app.organizations.models import Organization

ONE_GIFT = "hmrc-single-2016"
EVERY_GIFT = "hmrc-multiple-2016"

_TAXPAYER = lazy(
    "I am a UK taxpayer and understand that if I pay less Income Tax and/or Capital Gains Tax in the current tax year than"
    " the amount of Gift Aid claimed on all my donations it is my responsibility to pay any difference."
)
# By version: what is agreed to, and what one must be told.
WORDINGS: dict[str, tuple[Any, Any]] = {
    ONE_GIFT: (lazy("I want to Gift Aid my donation to %(organization)s."), _TAXPAYER),
    EVERY_GIFT: (
        lazy(
            "I want to Gift Aid my donation and any donations I make in the future or have made in the past 4 years"
            " to %(organization)s."
        ),
        _TAXPAYER,
    ),
}

# Area, district and the rest, without the space (https://www.gov.uk/government/publications/bulk-data-transfer-for-sponsors-xml-schema).
_POSTCODE = re.compile(r"(GIR0AA|[A-Z]{1,2}[0-9][A-Z0-9]?[0-9][A-Z]{2})")
# What stands in HMRC's schedule for somebody who pays tax in the United Kingdom and lives elsewhere
# (https://www.gov.uk/guidance/schedule-spreadsheet-to-claim-back-tax-on-gift-aid-donations).
ABROAD = "X"


def read_postcode(typed: str) -> str | None:
    """A postcode as HMRC's schedule takes it, in capitals with its space, or ABROAD; None when it is neither."""
    told = "".join(typed.split()).upper()
    if told == ABROAD:
        return ABROAD
    return f"{told[:-3]} {told[-3:]}" if _POSTCODE.fullmatch(told) else None


def wording(version: str, organization: str) -> tuple[str, str]:
    """What a donor to `organization` agrees to, and what they must be told, in the language spoken now."""
    agreed, told = WORDINGS[version]
    return str(agreed) % {"organization": organization}, str(told)


def is_claimed(organization: Organization, currency: str, terms: GivingTerms) -> bool:
    """True when gifts to it may be declared for Gift Aid: in the United Kingdom, in pounds, and it claims."""
    return organization.country == "GB" and currency == "GBP" and terms.claims_gift_aid
