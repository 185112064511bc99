"""What a donor wants besides giving an amount: facts that travel from the form, or a program, to the gift."""

from __future__ import annotations

import dataclasses

from app.core.i18n import _
from app.donations.gift_aid import ABROAD, ONE_GIFT, read_postcode
from app.donations.models import DEDICATIONS


@dataclasses.dataclass(frozen=True)
class GiftAid:
    """Who declares Gift Aid, as HMRC asks: a name and a home address in the United Kingdom; and in which words
    (donations.gift_aid.WORDINGS): only those for all donations hold for the later months of a monthly gift."""

    first_name: str
    last_name: str
    address: str
    postal_code: str
    wording: str = ONE_GIFT


@dataclasses.dataclass(frozen=True)
class Wishes:
    """All that a donor may choose. `hide_from_starter` None: as toward the public, so that who only said "anonymous" is
    named to nobody but the organization (F9)."""

    cover_fee: bool = False
    company: str = ""
    dedication: str = ""
    dedicated_to: str = ""
    hide_from_starter: bool | None = None
    hide_from_organization: bool = False
    gift_aid: GiftAid | None = None


def problems(wishes: Wishes, *, anonymous: bool, takes_gift_aid: bool) -> dict[str, str]:
    """What does not go together, each at its field; empty when all does."""
    found: dict[str, str] = {}
    if wishes.dedication not in DEDICATIONS:
        found["dedication"] = _("Choose one of the list")
    elif wishes.dedication and not wishes.dedicated_to:
        found["dedicated_to"] = _("Enter the name of whom you think of")
    elif wishes.dedicated_to and not wishes.dedication:
        found["dedication"] = _("Choose whether you honor or remember %(name)s", name=wishes.dedicated_to)
    if wishes.hide_from_organization and not anonymous:
        found["hide_from_organization"] = _("What everybody sees, the organization sees too: choose one of the two")
    if wishes.gift_aid is not None:
        if not takes_gift_aid:
            found["gift_aid"] = _("This organization does not claim Gift Aid")
        elif wishes.company:
            found["gift_aid"] = _("Gift Aid is for people who give their own money, not for a company")
        elif wishes.hide_from_organization:
            found["gift_aid"] = _("To claim Gift Aid, the organization has to know your name: choose one of the two")
        else:
            found |= _gift_aid_problems(wishes.gift_aid)
    return found


def _gift_aid_problems(declared: GiftAid) -> dict[str, str]:
    needed = {
        "first_name": _("Enter your first name or initial, as for HMRC"),
        "last_name": _("Enter your last name, as for HMRC"),
        "address": _("Enter your home address, at least the name or number of the house"),
        "postal_code": _("Enter your postcode"),
    }
    found = {f"gift_aid_{name}": message for name, message in needed.items() if not getattr(declared, name)}
    if declared.postal_code and read_postcode(declared.postal_code) is None:
        found["gift_aid_postal_code"] = _(
            "Enter a postcode of the United Kingdom, such as E8 3RE, or %(abroad)s if you live elsewhere", abroad=ABROAD
        )
    return found
