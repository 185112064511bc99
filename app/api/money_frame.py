"""What the resources about money share: the fundraiser of an address, amounts of a body, and the answers while the payment
service is off or silent."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from typing import Any

from flask import Response

from app.accounts.session import find_current_person
from app.core.errors import InvalidInput, refuse
from app.core.i18n import _
from app.core.money import Money
from app.core.problems import problem
from app.donations import gateway
from app.fundraisers import policy
from app.fundraisers.models import Fundraiser
from app.fundraisers.queries import find_fundraiser


def find_in_sight(slug: str) -> Fundraiser | None:
    """A fundraiser that this caller may see (F8), or None."""
    found = find_fundraiser(slug)
    return found if found is not None and policy.can_see(find_current_person(), found) else None


@contextlib.contextmanager
def fields_named(names: Mapping[str, str]) -> Iterator[None]:
    """What an operation says of its fields, said of the body's: `names` has the body's by the operation's."""
    try:
        yield
    except InvalidInput as invalid:
        raise InvalidInput({names.get(name, name): said for name, said in invalid.errors.items()}) from invalid


def read_money(body: dict[str, Any]) -> Money:
    """An amount as MoneySchema has it."""
    return Money(body["amount_minor"], body["currency"].upper())


def check_on() -> None:
    """Raise Refused while online gifts are off: nothing can be asked of the payment service."""
    if not gateway.is_on():
        raise refuse("payments_off", _("Online gifts are not switched on here"), _("Ask the organization how to give"))


def silent(error: gateway.GatewayError) -> Response:
    """The payment service does not answer: the same request again goes on. Raises Refused where it refuses for good: the same
    again would be refused, too."""
    if not error.passing:
        raise refuse(
            "payment_refused",
            _("The payment service refuses this, and would refuse the same again"),
            _("Send something else under another Idempotency-Key, or ask the people who run this site"),
        ) from error
    return problem(
        503, _("The payment service does not answer. Send the same request again."), code="payment_unavailable"
    )
