"""The box beside a fundraiser's page: what is given, how often, who sees the name."""

from __future__ import annotations

import dataclasses

from flask_babel import get_locale

from app.donations import words
from app.donations.forms import DonationForm
from app.donations.terms import fee_terms, find_terms
from app.fundraisers.amounts import amounts_of
from app.fundraisers.models import Fundraiser
from app.fundraisers.queries import is_started_by_staff


@dataclasses.dataclass(frozen=True)
class Box:
    """The first questions of the form, and what a card payment costs in words."""

    form: DonationForm
    fee: str


def box_of(fundraiser: Fundraiser) -> Box:
    """The box of `fundraiser`. It only leads to the form, with what was chosen filled in: so a page that everybody reads needs no
    token and sets no cookie."""
    locale, currency = str(get_locale()), fundraiser.currency
    form = DonationForm(formdata=None, meta={"csrf": False})
    amounts = amounts_of(fundraiser.suggested_minor, currency)
    form.offer(amounts, locale, by_staff=is_started_by_staff(fundraiser))
    if amounts:  # a beginning, as the second amount is for most; the form shows it again and takes any other
        form.suggested.data = str(amounts[min(1, len(amounts) - 1)].amount_minor)
    terms = fee_terms(find_terms(fundraiser.organization_id), currency)
    return Box(form, words.fee_said(terms, currency, locale))
