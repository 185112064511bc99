"""A gift is of the day on which it was paid, whenever we hear of it: receipts, statements, matches, claims, files, evidence."""

from __future__ import annotations

import contextlib
import csv
import datetime as dt
import decimal
import io
from collections.abc import Iterator
from typing import Any

import pytest
import sqlalchemy as sa
import time_machine

from app.core.clock import now
from app.core.db import db, transaction
from app.core.money import Money
from app.donations import checkout, evidence, money_queries, papers, reconciling, statements
from app.donations.models import Donation, LedgerTransaction
from app.donations.money_models import Dispute, Refund
from app.donations.monthly_models import MonthlyGift
from app.donations.operations.offline import confirm_offline, record_offline
from app.donations.operations.terms import edit_terms
from app.donations.receipt_models import Receipt
from app.donations.tally_models import MatchClaim
from app.fundraisers.matching import promise_match
from app.imports import exports
from tests.donations.conftest import Giving, WorkOff
from tests.donations.test_monthly import UK
from tests.donations.test_receipts import testing
from tests.factories import make_fundraiser, make_organization, make_person

__all__ = ["testing"]
ZONE = "Europe/London"  # its clock is that of UTC in winter


def rows(name: str, **asked: Any) -> list[dict[str, str]]:
    """An export, as its own staff get it."""
    found = list(csv.DictReader(io.StringIO("".join(exports.lines(name, names=True, **asked)))))
    db.session.rollback()
    return found


def listed(given: Any, year: int) -> list[tuple[dt.date, str, int]]:
    """Day, kind and amount of the lines of a year's statement."""
    drawn = statements.draw_up(statements.of_address(given), year, mode="test")
    db.session.rollback()
    return [(line.on, line.kind, line.amount.amount_minor) for part in drawn.parts for line in part.lines]


@pytest.mark.rule("F7")
@pytest.mark.parametrize("told", [True, False], ids=["told", "asked"])
def test_a_gift_is_of_the_day_on_which_it_was_paid(testing: Giving, work_off: WorkOff, told: bool) -> None:
    giving, server = testing, testing.server
    year = now().year
    new_year = dt.datetime(year + 1, 1, 1, tzinfo=dt.UTC)
    eve, minute = dt.date(year, 12, 31), dt.timedelta(minutes=1)

    @contextlib.contextmanager
    def at(instant: dt.datetime) -> Iterator[None]:
        """It is `instant`, here and at Stripe."""
        server.hook("POST", "clock", {"at": int(instant.timestamp())})
        with time_machine.travel(instant, tick=True):
            yield

    owner, starter = make_person(), make_person()
    organization = make_organization(owner, country="GB", currency="GBP", time_zone=ZONE)
    with transaction():
        edit_terms(organization.id, by=owner, tax_id="1", claims_gift_aid=True, receipt_text="", fee=None)
    page = giving._fundraisers["GBP"] = make_fundraiser(organization, currency="GBP")
    page_id, organization_id = page.id, organization.id
    with at(new_year - dt.timedelta(days=4)):
        with transaction():
            promise_match(
                page_id, by=owner, sponsor="Bakery", cap=Money(1_000_000, "GBP"), starts_on=eve - dt.timedelta(days=3),
                ends_on=eve,
            )  # fmt: skip
        monthly = giving.give("11", "GBP", frequency="monthly")
        server.act(monthly.session_id, "pay")
        giving.deliver_all()
        confirmed = giving.give("20", "GBP")  # by a bank, which confirms it before the turn of the year
        late = giving.give("30", "GBP")  # and after it
        for ordered in (confirmed, late):
            server.act(ordered.session_id, "pay_later")
        with transaction():
            coins = record_offline(
                page_id, by=starter, amount=Money(700, "GBP"), name="Tin", received_on=eve - dt.timedelta(days=3),
                mode="test",
            ).id  # fmt: skip
        giving.deliver_all()
        work_off()
    with at(new_year - 11 * minute):
        card = giving.give("10", "GBP", **UK)
        monthly_gift = db.session.scalars(sa.select(MonthlyGift)).one()
        subscription = monthly_gift.stripe_subscription_id
        db.session.rollback()
    paid_at = new_year - 10 * minute
    with at(paid_at):
        server.act(card.session_id, "pay")
        server.hook("POST", f"subscriptions/{subscription}/renew", {})
        server.act(confirmed.session_id, "bank_confirms")
        server.settle()
    with at(new_year + 5 * minute):
        server.act(late.session_id, "bank_confirms")
        server.settle()
        gift = giving.donation(card)
        assert listed(gift, year) == [(eve - dt.timedelta(days=3), "gift", 1100)]  # what is known so far
    # We hear of all of it an hour into the new year: by events, or because we ask.
    with at(new_year + dt.timedelta(hours=1)):
        if told:
            giving.deliver_all()
        else:
            checkout.check_stale()
        assert work_off()["failed"] == 0
        with transaction():
            confirm_offline(coins, by=owner)
        gift = giving.donation(card)
        months = db.session.scalars(sa.select(Donation).where(Donation.amount_minor == 1100).order_by(Donation.paid_at))
        assert [month.paid_at for month in months][1:] == [paid_at]
        heard = giving.donation(card), giving.donation(confirmed), giving.donation(late)
        assert [each.paid_at for each in heard] == [paid_at, paid_at, new_year + 5 * minute]
        # Receipts: numbered as they were issued, of the day on which each was paid, and both days are said.
        gift = giving.donation(card)
        receipts = list(db.session.scalars(sa.select(Receipt).order_by(Receipt.number)))
        assert [each.number for each in receipts] == list(range(1, 7))
        days = {each.donation_id: each.given_on for each in receipts}
        assert (days[card.donation_id], days[confirmed.donation_id]) == (eve, eve)
        assert days[late.donation_id] == dt.date(year + 1, 1, 1)
        [mine] = [each for each in receipts if each.donation_id == card.donation_id]
        assert mine.issued_at >= new_year
        shown = dict(papers.facts(mine, str))
        assert (str(eve.year) in shown["Day of the gift"], str(eve.year + 1) in shown["Issued"]) == (True, True)
        # What was written when stays: the ledger is only added to.
        written = db.session.scalars(sa.select(LedgerTransaction).where(LedgerTransaction.kind == "gift"))
        assert sum(each.created_at >= new_year for each in written) == 4
        db.session.rollback()
        # The statement of last year gains what was paid in it, and says of which day it is.
        gift = giving.donation(card)
        before = [(eve - dt.timedelta(days=3), "gift", 1100)]
        assert sorted(listed(gift, year)) == sorted([*before, *((eve, "gift", minor) for minor in (1000, 1100, 2000))])
        assert listed(giving.donation(card), year + 1) == [(dt.date(year + 1, 1, 1), "gift", 3000)]
        assert statements.list_years(statements.of_address(giving.donation(card)), mode="test") == [year + 1, year]
        assert statements.Statement(year, "", []).drawn_up_on == dt.date(year + 1, 1, 1)
        # The sponsor's last day.
        claims = {row.donation_id: row.amount_minor for row in db.session.scalars(sa.select(MatchClaim))}
        assert late.donation_id not in claims
        assert sorted(claims.values()) == [700, 1000, 1100, 1100, 2000]
        db.session.rollback()
        # Gift Aid, and the files of the year: gifts, journal and fees agree, gifts in person included.
        assert [row["donation_date"] for row in rows("gift-aid")] == [eve.isoformat()]
        zone = dict(zip(("since", "until"), money_queries.instants(dt.date(year, 1, 1), eve, ZONE), strict=True))
        of_year = rows("donations", organization_id=organization_id, **zone)
        given = sum(decimal.Decimal(row["amount"]) for row in of_year)
        assert given == 59
        journal = rows("journal", organization_id=organization_id, **zone)
        assert sum(decimal.Decimal(row["credit"] or 0) for row in journal if row["account"] == "donations") == given
        # What sponsors add is of the day of its gift, whenever that was confirmed.
        assert sum(decimal.Decimal(row["credit"] or 0) for row in journal if row["account"] == "matches") == given
        assert all(row["happened_at"] < new_year.isoformat() for row in journal)
        fees = rows("fees", organization_id=organization_id, **zone)
        assert sum(decimal.Decimal(row["given"]) for row in fees) == given
        costs = sum(decimal.Decimal(row["debit"] or 0) for row in journal if row["account"] == "fees")
        assert sum(decimal.Decimal(row["fees"]) for row in fees) == costs > 0
    # What goes back on one day and is heard of on another; what the bank is told.
    with at(new_year + dt.timedelta(days=30, hours=-1)):
        charge = giving.donation(card).stripe_charge_id
        server.hook("POST", f"charges/{charge}/refund", {"amount": 300})
        server.hook("POST", f"charges/{charge}/dispute", {"amount": 400})
    with at(new_year + dt.timedelta(days=31)):
        giving.deliver_all()
        work_off()
        back = listed(giving.donation(card), year + 1)[1:]
        gone = (new_year + dt.timedelta(days=29)).date()
        assert sorted(back) == [(gone, "dispute", -400), (gone, "refund", -300)]
        changed = db.session.scalars(sa.select(LedgerTransaction).where(LedgerTransaction.kind == "match_changed"))
        assert [one.happened_at.date() for one in changed if one.happened_at is not None] == [gone] * 2
        dispute, refund = db.session.scalars(sa.select(Dispute)).one(), db.session.scalars(sa.select(Refund)).one()
        assert refund.donation_id == card.donation_id
        told_bank = evidence.pack(dispute, "", base_url="http://localhost", locale="en")
        assert told_bank["service_date"] == eve.isoformat()
        db.session.rollback()
        assert reconciling.compare(None).differences == []
        assert reconciling.reconcile(None).differences == []
