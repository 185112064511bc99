"""What the ledger must say, worked out from what payers did and what Stripe charges. Imports nothing of the application.

A gift is (label, amount, currency, acts): the buttons its payer and their bank pressed, in order.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable

Entry = tuple[str, int, str]
Transaction = tuple[str, str, tuple[Entry, ...]]


@dataclasses.dataclass
class Gift:
    """One checkout and everything that happened at Stripe."""

    label: str
    amount: int
    currency: str
    fee: int | None = None
    acts: list[str] = dataclasses.field(default_factory=list)

    @property
    def state(self) -> str:
        """open, processing, paid, failed, expired: by the acts alone."""
        state = "open"
        for act in self.acts:
            if act == "pay":
                state = "paid"
            elif act == "pay_later":
                state = "processing"
            elif act == "bank_confirms":
                state = "paid"
            elif act == "bank_refuses":
                state = "failed"
            elif act == "expire":
                state = "expired"
            elif act != "decline":
                raise ValueError(act)
        return state

    @property
    def status(self) -> str:
        """What the donation's status must be once everything was heard."""
        return "pending" if self.state == "open" else self.state


def transactions(gifts: Iterable[Gift]) -> list[Transaction]:
    """The whole ledger as (gift's label, kind, sorted entries), sorted: gifts that were paid, and fees that are known."""
    expected: list[Transaction] = []
    for gift in gifts:
        if gift.state != "paid":
            continue
        expected.append(
            (
                gift.label,
                "gift",
                tuple(
                    sorted(
                        [("stripe_clearing", gift.amount, gift.currency), ("donations", -gift.amount, gift.currency)]
                    )
                ),
            )
        )
        if gift.fee:
            expected.append(
                (
                    gift.label,
                    "fee",
                    tuple(sorted([("fees", gift.fee, gift.currency), ("stripe_clearing", -gift.fee, gift.currency)])),
                )
            )
    return sorted(expected)


def raised(gifts: Iterable[Gift], currency: str) -> tuple[int, int]:
    """(settled, processing) of these gifts in `currency`."""
    settled = sum(gift.amount for gift in gifts if gift.state == "paid" and gift.currency == currency)
    waiting = sum(gift.amount for gift in gifts if gift.state == "processing" and gift.currency == currency)
    return settled, waiting
