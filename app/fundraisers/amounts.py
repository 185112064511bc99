"""The amounts that a fundraiser suggests: its own, up to four, or the usual ones of its currency."""

from __future__ import annotations

from app.accounts.models import Person
from app.core.audit import record
from app.core.db import db, lock
from app.core.errors import InvalidInput, refuse
from app.core.i18n import _
from app.core.money import BadAmount, Money, check_chargeable, explain, suggestions
from app.fundraisers.models import Fundraiser
from app.fundraisers.policy import has_ended

MOST = 4


def amounts_of(suggested_minor: list[int], currency: str) -> tuple[Money, ...]:
    """What is suggested to donors, in minor units of `currency`, smallest first."""
    if not suggested_minor:
        return suggestions(currency)
    return tuple(Money(minor, currency) for minor in suggested_minor)


def suggest_amounts(fundraiser_id: int, amounts: list[Money], *, by: Person, locale: str = "en") -> Fundraiser:
    """Suggest these amounts; none at all: the usual ones again. Doubles count once.

    Raises Refused when it is over, InvalidInput (amounts) for more than four or what cannot be charged.
    """
    fundraiser = lock(Fundraiser, fundraiser_id)
    if fundraiser is None or fundraiser.status not in ("awaiting_approval", "live") or has_ended(fundraiser):
        raise refuse("fundraiser_over", _("This fundraiser is over and cannot be changed"))
    chosen = sorted({money.amount_minor for money in amounts})
    if len(chosen) > MOST:
        raise InvalidInput({"amounts": _("Suggest four amounts at most")})
    for money in amounts:
        try:
            check_chargeable(money)
        except BadAmount as bad:
            raise InvalidInput({"amounts": explain(bad, money.currency, locale)}) from bad
        if money.currency != fundraiser.currency:
            wrong = _("This fundraiser takes gifts in %(currency)s", currency=fundraiser.currency)
            raise InvalidInput({"amounts": wrong})
    if fundraiser.suggested_minor != chosen:
        fundraiser.suggested_minor = chosen
        fundraiser.version += 1
        record("fundraiser.amounts", subject=fundraiser, by=by, organization_id=fundraiser.organization_id)
        db.session.flush()
    return fundraiser
