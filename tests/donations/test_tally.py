"""What pages show of a fundraiser's money is what the ledger and the donations say, whoever changes it and however many gifts
there are."""

from __future__ import annotations

import dataclasses
import datetime as dt
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask

from app.core.clock import now
from app.core.db import db, new_id, transaction, uses_sqlite
from app.core.money import Money
from app.donations import ledger, tally
from app.donations.checks import check_tallies
from app.donations.models import Donation, LedgerEntry, LedgerTransaction
from app.donations.queries import totals
from app.donations.tally_models import FundraiserDonor, FundraiserTally
from app.fundraisers.models import Fundraiser
from tests.conftest import CheckingClient
from tests.donations.conftest import Giving, WorkOff
from tests.donations.test_inbox import live_all_fates
from tests.factories import make_fundraiser, make_member
from tests.fundraisers.test_page import make_gift

PROCESSES, EACH = 3, 5
MANY = 1_500


def shown(fundraiser: Fundraiser) -> dict[str, int]:
    """What pages read."""
    db.session.rollback()
    found = totals([fundraiser.id])[fundraiser.id]
    return {
        name: value.amount_minor if isinstance(value, Money) else value
        for name, value in dataclasses.asdict(found, dict_factory=dict).items()
        for value in [getattr(found, name)]
    }


def go_back(donation_id: int, minor: int) -> None:
    """So much went back to the donor, as a refund would have it written."""
    with transaction():
        gift = db.session.get_one(Donation, donation_id)
        money = Money(minor, gift.currency)
        ledger.post(
            organization_id=gift.organization_id, donation_id=gift.id, kind="refund", source=f"refund:{new_id()}",
            postings=[
                ledger.Posting("refunds", money, gift.fundraiser_id),
                ledger.Posting("stripe_clearing", Money(-minor, gift.currency), gift.fundraiser_id),
            ],
        )  # fmt: skip
        tally.gift_went_back(gift, minor)


@pytest.mark.rule("F5")
def test_the_counters_follow_every_fate_of_a_gift(giving: Giving, work_off: WorkOff) -> None:
    live_all_fates(giving)
    giving.settle()
    giving.deliver_all()
    work_off()
    gifts = [gift for given in giving.given if (gift := giving.donation(given)).currency == "USD"]
    counted = shown(giving.fundraiser())
    for name, status in (("settled", "paid"), ("processing", "processing")):
        assert counted[name] == sum(gift.amount_minor for gift in gifts if gift.status == status)
    assert counted["gift_count"] == len([gift for gift in gifts if gift.status == "paid"]) > 0
    assert counted["donor_count"] == len({gift.email for gift in gifts if gift.status == "paid"})
    assert check_tallies()[1] == []


@pytest.mark.rule("F5")
def test_what_goes_back_leaves_the_counters_as_the_ledger_has_it(app: Flask) -> None:
    fundraiser = make_fundraiser()
    for email, amount in (("a@example.org", 2500), ("a@example.org", 1000), ("b@example.org", 400)):
        make_gift(fundraiser, amount, email=email)
    by_amount = {gift.amount_minor: gift.id for gift in db.session.scalars(sa.select(Donation))}
    nothing = {"processing": 0, "offline": 0, "matched": 0, "disputed": 0}
    assert shown(fundraiser) == {"settled": 3900, "donor_count": 2, "gift_count": 3, **nothing}
    go_back(by_amount[2500], 500)
    assert shown(fundraiser) == {"settled": 3400, "donor_count": 2, "gift_count": 3, **nothing}
    go_back(by_amount[400], 400)
    assert shown(fundraiser) == {"settled": 3000, "donor_count": 1, "gift_count": 2, **nothing}
    go_back(by_amount[400], -400)  # it came again: a dispute was won
    assert shown(fundraiser) == {"settled": 3400, "donor_count": 2, "gift_count": 3, **nothing}
    for amount in (2500, 1000, 400):
        go_back(by_amount[amount], tally.left_of(by_amount[amount]))
    assert shown(fundraiser) == {"settled": 0, "donor_count": 0, "gift_count": 0, **nothing}
    assert check_tallies()[1] == []


def test_verify_finds_a_counter_that_is_off(app: Flask) -> None:
    fundraiser = make_fundraiser()
    make_gift(fundraiser, 2500)
    for column in tally.COLUMNS:
        counter = getattr(FundraiserTally, column)
        assert check_tallies()[1] == []
        with transaction():
            db.session.execute(sa.update(FundraiserTally).values({column: counter + 1}))
        assert [problem for problem in check_tallies()[1] if column in problem]
        with transaction():
            db.session.execute(sa.update(FundraiserTally).values({column: counter - 1}))


def test_verify_finds_a_donor_who_gave_otherwise_and_a_counter_that_is_missing(app: Flask) -> None:
    make_gift(make_fundraiser(), 2500)
    with transaction():
        db.session.execute(sa.update(FundraiserDonor).values(given_minor=2499))
    assert any("other donors" in problem for problem in check_tallies()[1])
    with transaction():
        db.session.execute(sa.delete(FundraiserTally))
    assert any("holds 0 as settled_minor, not 2500" in problem for problem in check_tallies()[1])


# --- as fast with many gifts as with few ----------------------------------------------------------------------------


def fill(fundraiser: Fundraiser, count: int) -> None:
    """So many paid gifts with their entries, written in bulk, and the counters as they must be."""
    began = now() - dt.timedelta(days=30)
    keys = [new_id() for _number in range(count)]
    same = {"fundraiser_id": fundraiser.id, "organization_id": fundraiser.organization_id, "currency": "USD"}
    with transaction():
        db.session.execute(
            sa.insert(Donation),
            [
                {
                    **same, "id": key, "amount_minor": 100, "email": f"d{key}@example.org", "name": "Dee", "mode": "test",
                    "status": "paid", "anonymous": False, "created_at": began + dt.timedelta(seconds=number),
                    "paid_at": began + dt.timedelta(seconds=number),
                }
                for number, key in enumerate(keys)
            ],
        )  # fmt: skip
        first = (db.session.scalar(sa.select(sa.func.max(LedgerTransaction.id))) or 0) + 1
        db.session.execute(
            sa.insert(LedgerTransaction),
            [
                {
                    "id": first + number, "organization_id": fundraiser.organization_id, "donation_id": key,
                    "kind": "gift", "source": f"payment:pi_{key}", "created_at": began,
                }
                for number, key in enumerate(keys)
            ],
        )  # fmt: skip
        db.session.execute(
            sa.insert(LedgerEntry),
            [
                {**same, "transaction_id": first + number, "account": account, "amount_minor": minor}
                for number in range(count)
                for account, minor in (("stripe_clearing", 100), ("donations", -100))
            ],
        )
        truth = tally.recount([fundraiser.id])[fundraiser.id]
        values = {name: getattr(truth, name) for name in tally.COLUMNS}
        db.session.add(FundraiserTally(fundraiser_id=fundraiser.id, **values))
        db.session.execute(
            sa.insert(FundraiserDonor),
            [
                {"fundraiser_id": fundraiser.id, "donor": key, "given_minor": minor}
                for key, minor in truth.donors.items()
            ],
        )
    with db.engine.begin() as connection:
        connection.exec_driver_sql("ANALYZE")


def statements_of(client: CheckingClient, path: str) -> list[tuple[str, Any]]:
    """Every question the page asks of the database."""
    asked: list[tuple[str, Any]] = []

    def note(_connection: Any, _cursor: Any, statement: str, parameters: Any, *_more: Any) -> None:
        if statement.lstrip().upper().startswith("SELECT"):
            asked.append((statement, parameters))

    sa.event.listen(db.engine, "before_cursor_execute", note)
    try:
        assert client.get(path).status_code == 200
    finally:
        sa.event.remove(db.engine, "before_cursor_execute", note)
    return asked


def rows_visited(asked: list[tuple[str, Any]]) -> int:
    """How many rows PostgreSQL looks at to answer all of it; on SQLite how many scans and sorts of money's tables."""
    visited = 0
    with db.engine.connect() as connection:
        for statement, parameters in asked:
            if uses_sqlite():
                plan = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters).all()
                lines = [str(row[-1]) for row in plan]
                of_money = "donation" in statement or "ledger" in statement or "tally" in statement
                visited += sum(
                    line.startswith(("SCAN donation", "SCAN ledger")) or "TEMP B-TREE" in line
                    for line in lines
                    if of_money
                )
                continue
            plan = connection.exec_driver_sql(f"EXPLAIN (ANALYZE, FORMAT JSON) {statement}", parameters).scalar_one()
            visited += _visited(plan[0]["Plan"])
        connection.rollback()
    return visited


def _visited(node: dict[str, Any]) -> int:
    own = (node["Actual Rows"] + node.get("Rows Removed by Filter", 0)) * node["Actual Loops"]
    return int(own) + sum(_visited(below) for below in node.get("Plans", []))


@pytest.mark.parametrize("query", ["", "staff"])
def test_a_page_of_many_gifts_asks_as_little_as_one_of_few(
    app: Flask, client: CheckingClient, sign_in: Any, query: str
) -> None:
    small, large = make_fundraiser(), make_fundraiser()
    fill(small, 50)
    fill(large, MANY)
    assert check_tallies()[1] == []
    looked: list[tuple[int, int]] = []
    for fundraiser in (small, large):
        path = f"/fundraisers/{fundraiser.slug}"
        if query:
            sign_in(make_member(fundraiser.organization, "owner"), client)
            path = f"/manage/{fundraiser.organization.slug}/fundraisers/{fundraiser.slug}"
        asked = statements_of(client, path)
        looked.append((len(asked), rows_visited(asked)))
    assert looked[0][0] == looked[1][0]
    assert looked[1][1] <= looked[0][1] + 60, looked


def test_control_a_sum_over_the_gifts_is_seen_as_visiting_all_of_them(app: Flask) -> None:
    fundraiser = make_fundraiser()
    fill(fundraiser, MANY)
    query = sa.select(sa.func.sum(sa.func.length(Donation.message)))
    asked = [(str(query.compile(db.engine, compile_kwargs={"literal_binds": True})), ())]
    assert rows_visited(asked) >= (1 if uses_sqlite() else MANY)
