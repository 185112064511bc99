"""What tests of money that goes back begin with: a paid gift, its staff, and Stripe's own pages."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from werkzeug.test import TestResponse

from app.accounts.models import Person
from app.core.db import db
from app.core.ids import encode_id
from app.donations.models import Donation
from app.donations.money_models import Dispute, Payout, Refund
from app.donations.queries import totals
from app.organizations.models import Membership
from tests.conftest import CheckingClient
from tests.donations.conftest import Given, Giving, WorkOff

Rows = Refund | Dispute | Payout


class Back:
    """Pays, gives back, disputes and pays out, through HTTP on both sides."""

    def __init__(self, giving: Giving, work_off: WorkOff) -> None:
        self.giving, self.work_off, self.server = giving, work_off, giving.server

    def pay(self, amount: str = "25", currency: str = "USD", **values: Any) -> Given:
        """A gift that was paid and booked, and that we know of."""
        given = self.giving.give(amount, currency, **values)
        self.giving.act(given, "pay")
        self.giving.settle()
        self.hear()
        return given

    def hear(self) -> dict[str, int]:
        """Everything that Stripe has to say arrives, and is worked off."""
        self.giving.deliver_all()
        return self.work_off()

    def charge(self, given: Given) -> str:
        """The charge of a gift at Stripe."""
        return str(self.giving.donation(given).stripe_charge_id)

    def at_stripe(self, given: Given, act: str, **asked: Any) -> Any:
        """Something happens to the charge without us: refund, dispute, warn."""
        return self.server.hook("POST", f"charges/{self.charge(given)}/{act}", asked)

    def staff(self, given: Given, role: str = "owner") -> Person:
        """Whoever has `role` in the organization that was given to."""
        organization_id = self.giving.donation(given).organization_id
        query = sa.select(Person).join(Membership, Membership.person_id == Person.id)
        return db.session.scalars(
            query.where(Membership.organization_id == organization_id, Membership.role == role)
        ).first() or self._join(organization_id, role)

    @staticmethod
    def _join(organization_id: int, role: str) -> Person:
        from app.organizations.queries import find_organization_by_id  # only tests of roles need it
        from tests.factories import make_member

        organization = find_organization_by_id(organization_id)
        assert organization is not None
        return make_member(organization, role)

    def address(self, given: Given, act: str = "") -> str:
        """The staff's page of a gift."""
        donation = self.giving.donation(given)
        slug = donation.fundraiser.organization.slug
        return f"/manage/{slug}/donations/{encode_id(given.donation_id)}{'/' if act else ''}{act}"

    def raised(self, given: Given) -> int:
        """What the page of a gift says was given."""
        fundraiser_id = self.giving.donation(given).fundraiser_id
        settled = totals([fundraiser_id])[fundraiser_id].settled.amount_minor
        db.session.rollback()
        return settled

    def disputed(self, given: Given) -> int:
        """What the page of a gift says that banks hold."""
        fundraiser_id = self.giving.donation(given).fundraiser_id
        held = totals([fundraiser_id])[fundraiser_id].disputed.amount_minor
        db.session.rollback()
        return held

    def rows(self, table: type[Any]) -> list[Any]:
        """Every row of a table as it is now, as they were made."""
        db.session.rollback()
        found = list(db.session.scalars(sa.select(table).order_by(table.created_at, table.id)))
        for row in found:
            db.session.expunge(row)
        db.session.rollback()
        return found

    def donation(self, given: Given) -> Donation:
        """Our row."""
        return self.giving.donation(given)


def follow(client: CheckingClient, response: TestResponse) -> str:
    """The page that an answer leads to."""
    assert response.status_code == 303, response.get_data(as_text=True)
    return client.get(response.headers["Location"]).get_data(as_text=True)


FORM = {"amount": "25", "reason": "requested_by_customer", "note": "She gave twice", "nonce": "n", "confirmed": ""}
