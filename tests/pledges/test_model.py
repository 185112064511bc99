"""P1 and P2 against a model written from the rules alone: random pledges, changes, cancellations, receipts and edits.

The model knows nothing of the application: fractions of whole numbers, a few dictionaries, the sentences of the rules.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from app.core.clock import today
from app.core.db import db, transaction
from app.core.errors import InvalidInput, Refused
from app.needs.models import Item
from app.needs.operations import ItemInput, edit_item
from app.pledges import checks
from app.pledges.models import Delivery, Pledge
from app.pledges.operations import (
    cancel_pledge,
    change_pledge,
    chase,
    find_live,
    pledge,
    receive_pledge,
    receive_unpledged,
    undo_cancel,
    undo_delivery,
)
from tests.factories import make_item, make_member, make_need, make_organization, make_person
from tests.hostile import tries

PEOPLE = 4
quantities = st.integers(1, 30_000).map(lambda thousandths: Decimal(thousandths) / 1000) | st.integers(1, 20).map(
    Decimal
)


@dataclasses.dataclass
class Promise:
    """What one person said they would bring."""

    quantity: Fraction
    received: Fraction = Fraction(0)
    rejected: Fraction = Fraction(0)
    on_its_way: bool = False

    @property
    def outstanding(self) -> Fraction:
        return max(Fraction(0), self.quantity - self.received - self.rejected)


@dataclasses.dataclass
class Model:
    """An item as PRODUCT.md speaks of it; `quantity` None is open."""

    quantity: Fraction | None
    live: dict[int, Promise] = dataclasses.field(default_factory=dict)
    received: Fraction = Fraction(0)
    # What came last of whom, while nothing else happened to that promise.
    last: dict[int, tuple[Promise, Fraction, Fraction]] = dataclasses.field(default_factory=dict)
    # What somebody took back a moment ago.
    taken_back: dict[int, Promise] = dataclasses.field(default_factory=dict)

    def promised(self, on_its_way: bool) -> Fraction:
        return sum((one.outstanding for one in self.live.values() if one.on_its_way == on_its_way), Fraction(0))

    @property
    def reserved(self) -> Fraction:
        """Promised either way."""
        return self.promised(False) + self.promised(True)

    @property
    def still_wanted(self) -> Fraction | None:
        return None if self.quantity is None else max(Fraction(0), self.quantity - self.received - self.reserved)

    def fits(self, more: Fraction) -> bool:
        """Pledging never makes a surplus."""
        return self.still_wanted is None or more <= self.still_wanted

    def pledge(self, who: int, quantity: Fraction, mode: str | None) -> bool:
        """Whether it is taken: a second one asks (P2); more than is wanted is refused."""
        current = self.live.get(who)
        if current is None:
            if self.fits(quantity):
                self.live[who] = Promise(quantity)
                self.taken_back.pop(who, None)
                self.last.pop(who, None)
                return True
            return False
        if mode is None:
            return False
        wanted = quantity if mode == "replace" else current.quantity + quantity
        if wanted <= current.received + current.rejected:
            return False
        more = wanted - current.quantity
        if more > 0 and not self.fits(more):
            return False
        current.quantity = wanted
        self.last.pop(who, None)
        return True

    def receive(self, who: int, received: Fraction, rejected: Fraction) -> bool:
        """What came is kept, the rest stays promised; more than promised may come, but only what was promised is rejected."""
        current = self.live.get(who)
        if current is None or received + rejected <= 0 or rejected > current.outstanding:
            return False
        current.received += received
        current.rejected += rejected
        self.received += received
        self.last[who] = (current, received, rejected)
        if current.outstanding == 0:
            del self.live[who]
        return True

    def cancel(self, who: int) -> bool:
        """It is wanted again."""
        self.last.pop(who, None)
        if who not in self.live:
            return False
        self.taken_back[who] = self.live.pop(who)
        return True

    def undo_cancel(self, who: int) -> bool:
        """It stands again as it was, unless others have promised it since, or the person has promised anew."""
        promise = self.taken_back[who]
        if who in self.live or not self.fits(promise.outstanding):
            return False
        self.live[who] = self.taken_back.pop(who)
        self.live[who].on_its_way = False
        return True

    def run_out(self, who: int) -> bool:
        """Its day and the days of grace are over: wanted again, and nothing to undo."""
        self.last.pop(who, None)
        return self.live.pop(who, None) is not None

    def undo_receipt(self, who: int) -> bool:
        """As if it had not come; but no surplus may arise that was not there before."""
        promise, received, rejected = self.last[who]
        before, total = self.received + self.reserved, self.received - received
        kept = dataclasses.replace(promise, received=promise.received - received, rejected=promise.rejected - rejected)
        others = sum((one.outstanding for key, one in self.live.items() if key != who), Fraction(0))
        if self.quantity is not None and total + others + kept.outstanding > max(before, self.quantity):
            return False
        del self.last[who]
        self.received, self.live[who] = total, kept
        return True


class Pledging(RuleBasedStateMachine):
    """The application beside the model; after every step they agree, and the equation holds."""

    @initialize(quantity=quantities | st.none())
    def begin(self, quantity: Decimal | None) -> None:
        organization = make_organization()
        self.owner = make_member(organization, "owner")
        self.people = [make_person() for _number in range(PEOPLE)]
        self.item_id = make_item(make_need(organization), quantity=None if quantity is None else str(quantity)).id
        self.cancelled: dict[int, int] = {}
        self.model = Model(None if quantity is None else Fraction(quantity))

    @property
    def item(self) -> Item:
        db.session.rollback()
        return db.session.get_one(Item, self.item_id, populate_existing=True)

    @rule(who=st.integers(0, PEOPLE - 1), quantity=quantities, mode=st.sampled_from([None, "add", "replace"]))
    def pledge(self, who: int, quantity: Decimal, mode: Any) -> None:
        expected = self.model.pledge(who, Fraction(quantity), mode)
        try:
            with transaction():
                pledge(self.item_id, by=self.people[who], quantity=quantity, mode=mode)
        except (Refused, InvalidInput):
            assert not expected
        else:
            assert expected

    @rule(
        who=st.integers(0, PEOPLE - 1),
        received=quantities | st.just(Decimal(0)),
        rejected=st.just(Decimal(0)) | quantities,
    )
    def receive(self, who: int, received: Decimal, rejected: Decimal) -> None:
        found = find_live(self.item_id, self.people[who].id)
        assert (found is not None) == (who in self.model.live)
        if found is None:
            return
        expected = self.model.receive(who, Fraction(received), Fraction(rejected))
        try:
            with transaction():
                receive_pledge(found.id, by=self.owner, received=received, rejected=rejected, reason="wet")
        except InvalidInput:
            assert not expected
        else:
            assert expected

    @rule(who=st.integers(0, PEOPLE - 1))
    def cancel(self, who: int) -> None:
        found = find_live(self.item_id, self.people[who].id)
        assert (found is not None) == self.model.cancel(who)
        if found is not None:
            with transaction():
                cancel_pledge(found.id, by=self.people[who])
            self.cancelled[who] = found.id

    @precondition(lambda self: self.model.taken_back)
    @rule(data=st.data())
    def undo_cancel(self, data: st.DataObject) -> None:
        who = data.draw(st.sampled_from(sorted(self.model.taken_back)))
        expected = self.model.undo_cancel(who)
        try:
            with transaction():
                undo_cancel(self.cancelled[who], by=self.people[who])
        except Refused:
            assert not expected
        else:
            assert expected

    @rule(who=st.integers(0, PEOPLE - 1))
    def run_out(self, who: int) -> None:
        found = find_live(self.item_id, self.people[who].id)
        assert (found is not None) == self.model.run_out(who)
        if found is not None:
            with transaction():
                # As if it had been promised long ago.
                found.deliver_by = today(found.item.need.time_zone) - dt.timedelta(days=60)
            with transaction():
                chase(found.id)

    @rule(who=st.integers(0, PEOPLE - 1), on_its_way=st.booleans())
    def send(self, who: int, on_its_way: bool) -> None:
        """It is on its way, or not yet: what is outstanding counts on the other side."""
        found = find_live(self.item_id, self.people[who].id)
        if found is None:
            return
        self.model.live[who].on_its_way = on_its_way
        self.model.last.pop(who, None)
        with transaction():
            change_pledge(found.id, by=self.people[who], quantity=found.quantity, on_its_way=on_its_way)

    @precondition(lambda self: self.model.last)
    @rule(data=st.data())
    def undo_receipt(self, data: st.DataObject) -> None:
        who = data.draw(st.sampled_from(sorted(self.model.last)))
        mine = db.session.scalars(
            sa.select(Delivery)
            .join(Pledge, Pledge.id == Delivery.pledge_id)
            .where(Pledge.person_id == self.people[who].id, Delivery.undone_at.is_(None))
            .order_by(Delivery.created_at.desc(), Delivery.id.desc())
        ).first()
        assert mine is not None
        expected = self.model.undo_receipt(who)
        try:
            with transaction():
                undo_delivery(mine.id, by=self.owner)
        except Refused:
            assert not expected
        else:
            assert expected

    @rule(quantity=quantities)
    def arrive(self, quantity: Decimal) -> None:
        """Something comes that nobody promised."""
        with transaction():
            receive_unpledged(self.item_id, by=self.owner, received=quantity)
        self.model.received += Fraction(quantity)

    @precondition(lambda self: self.model.quantity is not None)
    @rule(quantity=quantities)
    def edit(self, quantity: Decimal) -> None:
        """Staff may change the quantity to anything: what is promised beyond it is surplus."""
        with transaction():
            edit_item(self.item_id, ItemInput(name="Things", unit="box", quantity=quantity), by=self.owner)
        self.model.quantity = Fraction(quantity)

    @invariant()
    def agree(self) -> None:
        item = self.item
        wanted = item.still_wanted
        shown = (Fraction(item.reserved), Fraction(item.in_transit), Fraction(item.received))
        assert shown == (self.model.promised(False), self.model.promised(True), self.model.received)
        assert (None if wanted is None else Fraction(wanted)) == self.model.still_wanted
        if item.quantity is not None and wanted is not None:
            assert item.quantity + item.surplus == item.received + item.reserved + item.in_transit + wanted
        assert min(item.received, item.reserved, item.in_transit, item.surplus, wanted or Decimal(0)) >= 0
        assert checks.check_pledges()[1] == []

    def teardown(self) -> None:
        db.session.rollback()


@pytest.mark.rule("P1")
@pytest.mark.rule("P2")
def test_the_equation_holds_whatever_happens(app: Flask) -> None:
    run_state_machine_as_test(Pledging, settings=settings(tries(5), stateful_step_count=25))
