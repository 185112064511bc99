"""What must be left of gifts, worked out from what donors, staff and banks did. Imports nothing of the application.

What went back by refunds that arrived stays back; what a bank took stays taken unless the dispute was won (MONEY.md 8).
"""

from __future__ import annotations

import dataclasses


@dataclasses.dataclass
class History:
    """One gift: its amount, its refunds (id: amount) and disputes, in minor units."""

    amount: int
    refunds: dict[str, int] = dataclasses.field(default_factory=dict)
    disputed: dict[str, int] = dataclasses.field(default_factory=dict)

    @property
    def refunded(self) -> int:
        """What went back to the donor."""
        return sum(self.refunds.values())

    @property
    def taken(self) -> int:
        """What the bank has."""
        return sum(self.disputed.values())

    @property
    def left(self) -> int:
        """What still counts on the page."""
        return max(0, self.amount - self.refunded - self.taken)
