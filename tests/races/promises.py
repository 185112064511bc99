"""An item and its promises as PRODUCT.md speaks of them (P1 to P4): fed with what happened in the order in which it
happened, it says whether that may happen. It imports nothing of the application."""

from __future__ import annotations

import dataclasses
from fractions import Fraction
from typing import Any

ZERO = Fraction(0)


@dataclasses.dataclass
class Promise:
    """What one person said they would bring; `open` while it is neither delivered, taken back nor run out."""

    who: Any
    quantity: Fraction
    open: bool = True
    ended_by_receipt: bool = False
    came: list[tuple[Fraction, Fraction, bool]] = dataclasses.field(default_factory=list)

    @property
    def received(self) -> Fraction:
        return sum((one[0] for one in self.came), ZERO)

    @property
    def rejected(self) -> Fraction:
        return sum((one[1] for one in self.came), ZERO)

    @property
    def rest(self) -> Fraction:
        return max(ZERO, self.quantity - self.received - self.rejected)


@dataclasses.dataclass
class Things:
    """One item of `quantity`; None is as much as people can bring."""

    quantity: Fraction | None
    promises: dict[Any, Promise] = dataclasses.field(default_factory=dict)
    unpledged: Fraction = ZERO

    @property
    def received(self) -> Fraction:
        return self.unpledged + sum((one.received for one in self.promises.values()), ZERO)

    @property
    def promised(self) -> Fraction:
        return sum((one.rest for one in self.promises.values() if one.open), ZERO)

    @property
    def still_wanted(self) -> Fraction:
        return ZERO if self.quantity is None else max(ZERO, self.quantity - self.received - self.promised)

    @property
    def surplus(self) -> Fraction:
        return ZERO if self.quantity is None else max(ZERO, self.received + self.promised - self.quantity)

    def happen(self, action: str, key: Any, who: Any, data: dict[str, Any]) -> None:
        """One thing happened; AssertionError when the rules do not have it."""
        before = self.received + self.promised
        grows = getattr(self, "_" + action.replace(".", "_"))(key, who, data)
        after = self.received + self.promised
        open_ended = self.quantity is None
        assert grows or open_ended or after <= max(before, self.quantity or ZERO), (
            f"{action}: promised beyond what is wanted"
        )
        for one in self.promises.values():
            assert min(one.received, one.rejected) >= 0
            assert not one.open or one.rest > 0, f"{action}: open, and nothing of it is outstanding"
        live = [one.who for one in self.promises.values() if one.open]
        assert len(live) == len(set(live)), "somebody holds two promises of one thing"

    def _item_edited(self, _key: Any, _who: Any, data: dict[str, Any]) -> bool:
        """Staff say anew how much is wanted; below what is promised it makes a surplus, and takes no promise away."""
        self.quantity = None if data["quantity"] is None else Fraction(data["quantity"])
        return False

    def _pledge_made(self, key: Any, who: Any, data: dict[str, Any]) -> bool:
        """Made, or taking it back undone: the quantity never changed meanwhile."""
        one = self.promises.setdefault(key, Promise(who, Fraction(data["quantity"]), open=False))
        assert not one.open
        assert one.quantity == Fraction(data["quantity"])
        one.open, one.ended_by_receipt = True, False
        return False

    def _pledge_changed(self, key: Any, _who: Any, data: dict[str, Any]) -> bool:
        one = self.promises[key]
        assert one.open
        one.quantity = Fraction(data["quantity"])
        return False

    def _pledge_cancelled(self, key: Any, _who: Any, _data: dict[str, Any]) -> bool:
        one = self.promises[key]
        assert one.open
        one.open = False
        return False

    _pledge_expired = _pledge_cancelled

    def _pledge_received(self, key: Any, _who: Any, data: dict[str, Any]) -> bool:
        """What came and what was turned away, of all that ever did; receiving may make a surplus."""
        one = self.promises[key]
        assert one.quantity == Fraction(data["quantity"]), "received changed what was pledged"
        received, rejected = Fraction(data["received"]) - one.received, Fraction(data["rejected"]) - one.rejected
        assert min(received, rejected) >= 0
        assert received + rejected > 0
        assert rejected <= (one.rest if one.open else 0)
        one.came.append((received, rejected, one.open))
        if one.open and one.rest == 0:
            one.open, one.ended_by_receipt = False, True
        return True

    def _delivery_received(self, _key: Any, _who: Any, data: dict[str, Any]) -> bool:
        self.unpledged += Fraction(data["received"])
        return True

    def _delivery_undone(self, _key: Any, _who: Any, data: dict[str, Any]) -> bool:
        if data["pledge_id"] is None:
            self.unpledged -= Fraction(data["received"])
            assert self.unpledged >= 0
            return False
        one = self.promises[data["pledge_id"]]
        received, rejected, was_open = one.came.pop()
        assert (received, rejected) == (Fraction(data["received"]), Fraction(data["rejected"])), "not what came last"
        if was_open and one.ended_by_receipt:
            one.open, one.ended_by_receipt = True, False
        return False
