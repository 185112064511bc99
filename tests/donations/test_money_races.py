"""Two acts at one moment, by separate processes: two people who connect the organization with Stripe, and a donor who stops a
monthly gift while its month arrives. Each with its control, which shows what happens without the guard."""

from __future__ import annotations

import datetime as dt
import re
from pathlib import Path

import pytest

from app.core.clock import today
from app.core.db import db, transaction, uses_sqlite
from app.core.money import Money
from app.donations import queries
from app.donations.page_checks import check_matches, check_tallies
from app.fundraisers.matching import promise_match
from app.fundraisers.models import Fundraiser
from tests.donations.conftest import WorkOff, ledger_table
from tests.donations.connecting import Connecting, connecting
from tests.donations.test_monthly import Monthly
from tests.donations.together import at_once
from tests.factories import make_fundraiser, make_member, make_organization, make_person

__all__ = ["connecting"]


def connect_at_once(connecting: Connecting, tmp_path: Path, guard: str) -> tuple[list[str], list[str]]:
    """Two owners press at once: what each was told, and the organization's accounts at Stripe."""
    first = make_person()
    organization = make_organization(first)
    second = make_member(organization, "owner")
    commands = [[guard, "connect", str(organization.id), str(one.id)] for one in (first, second)]
    ended = at_once(connecting.app, tmp_path, "monthly_worker", commands)
    assert [status for status, _told in ended] == [0, 0]
    made = connecting.server.call("GET", "/v1/accounts?limit=10")["data"]
    row = connecting.row(organization.id)
    assert row.stripe_account_id in {one["id"] for one in made}
    assert (row.attempt, row.links) == (1, 2)
    return [told.strip() for _status, told in ended], [one["id"] for one in made]


@pytest.mark.rule("F6")
def test_two_owners_who_connect_at_once_get_one_account(connecting: Connecting, tmp_path: Path) -> None:
    told, made = connect_at_once(connecting, tmp_path, "guarded")
    assert len(made) == 1
    assert set(told) <= {"there", "later"}  # Stripe asks the second to wait when the first is not done yet
    assert "there" in told


def test_control_without_a_key_of_the_row_they_make_two(connecting: Connecting, tmp_path: Path) -> None:
    assert len(connect_at_once(connecting, tmp_path, "unkeyed")[1]) == 2


def stop_while_it_renews(connecting: Connecting, work_off: WorkOff, tmp_path: Path, guard: str) -> tuple[bool, Monthly]:
    """A month that was declined is paid at the second try, and its donor stops the gift at that moment: whether a process
    failed, and the gift."""
    gift = Monthly(connecting, work_off).begin()
    gift.card_works(False)
    invoice = gift.renew()["id"]
    gift.hear()
    assert gift.row().status == "past_due"
    gift.card_works(True)
    connecting.server.hook("POST", f"invoices/{invoice}/retry", {})
    commands = [[guard, "follow", gift.account, invoice], [guard, "stop", str(gift.id)]]
    ended = at_once(connecting.app, tmp_path, "monthly_worker", commands)
    return any(status for status, _told in ended), gift


@pytest.mark.rule("F3")
def test_a_donor_who_stops_while_a_month_arrives_stops_it_and_the_month_counts_once(
    connecting: Connecting, work_off: WorkOff, tmp_path: Path
) -> None:
    failed, gift = stop_while_it_renews(connecting, work_off, tmp_path, "guarded")
    assert not failed
    assert (gift.row().status, gift.row().ended_by) == ("ended", "donor")
    assert gift.subscription()["status"] == "canceled"
    gift.hear()
    assert gift.months() == [("paid", 2500)] * 2
    assert [kind for _label, kind, _entries in ledger_table()].count("gift") == 2
    assert (gift.row().status, gift.mails().count("monthly_ended")) == ("ended", 1)


@pytest.mark.parametrize("engine_name", ["postgresql"], indirect=False)
def test_control_without_the_lock_one_of_them_fails_or_the_stop_is_lost(
    connecting: Connecting, work_off: WorkOff, tmp_path: Path
) -> None:
    """PostgreSQL alone: SQLite lets one writer in at a time. The database's own check keeps it from being worse."""
    failed, gift = stop_while_it_renews(connecting, work_off, tmp_path, "unlocked")
    assert failed or gift.row().status != "ended"


def write_about_a_page_at_once(
    connecting: Connecting, work_off: WorkOff, tmp_path: Path, guard: str, other: str
) -> tuple[list[int], Monthly]:
    """A month of a page that a sponsor doubles is paid at the moment in which another is, or in which the sponsor's payment is
    recorded: how both processes ended, and the gift."""
    page = connecting.fundraiser()
    owner, day = page.started_by, today(page.organization.time_zone)
    with transaction():
        ends_on = day + dt.timedelta(days=5)
        cap = Money(50_000, "USD")
        match = promise_match(page.id, by=owner, sponsor="Bakery", cap=cap, starts_on=day, ends_on=ends_on)
        match_id, owner_id = match.id, owner.id
    gifts = [Monthly(connecting, work_off).begin() for _gift in range(2 if other == "month" else 1)]
    months = [[guard, "follow", gift.account, gift.renew()["id"]] for gift in gifts]
    if other == "sponsor":
        if guard == "unheld":  # the guard is that of whoever records the payment
            months[0][0] = "awaited"
        months.append([guard, "match-paid", str(match_id), str(owner_id)])
    ended = at_once(connecting.app, tmp_path, "monthly_worker", months)
    return sorted(status for status, _told in ended), gifts[0]


BOTH = pytest.mark.parametrize("other", ["month", "sponsor"])
POSTGRESQL = pytest.mark.parametrize("engine_name", ["postgresql"], indirect=False)


@BOTH
@POSTGRESQL
def test_who_writes_about_a_page_at_once_waits_for_the_other(
    connecting: Connecting, work_off: WorkOff, tmp_path: Path, other: str
) -> None:
    """PostgreSQL alone: SQLite lets one writer in at a time."""
    ended, gift = write_about_a_page_at_once(connecting, work_off, tmp_path, "held", other)
    assert ended == [0, 0]
    assert gift.months() == [("paid", 2500)] * 2
    assert (check_matches()[1], check_tallies()[1]) == ([], [])
    db.session.rollback()


@BOTH
@POSTGRESQL
def test_control_without_the_lock_taken_first_neither_can_go_on_and_one_is_ended(
    connecting: Connecting, work_off: WorkOff, tmp_path: Path, other: str
) -> None:
    """Each holds what the other wants: PostgreSQL ends one of them (40P01)."""
    ended, _gift = write_about_a_page_at_once(connecting, work_off, tmp_path, "unheld", other)
    assert ended == [0, 1]


def test_a_month_to_a_members_page_counts_on_the_teams_page(
    connecting: Connecting, work_off: WorkOff, count_queries: list[str]
) -> None:
    page = connecting.fundraiser()
    team = make_fundraiser(page.organization, is_team=True)
    team_id = team.id
    with transaction():
        db.session.get_one(Fundraiser, page.id).team_id = team_id
    gift = Monthly(connecting, work_off).begin()
    gift.renew()
    count_queries.clear()
    gift.hear()
    # Its row points at both pages: whoever writes it without having locked them keeps another month from locking them.
    [written] = [number for number, query in enumerate(count_queries) if query.startswith("INSERT INTO donation ")]
    locked = [q for q in count_queries[:written] if re.search(r"FROM fundraiser\s.*FOR UPDATE", q, re.DOTALL)]
    assert len(locked) == (0 if uses_sqlite() else 2)
    assert queries.totals([team_id])[team_id].settled.amount_minor == 5000
    db.session.rollback()
