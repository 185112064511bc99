"""What donors and starters are told in writing, and when: nothing before Stripe says it, nothing twice."""

from __future__ import annotations

import contextlib
import dataclasses
import threading
from collections.abc import Callable, Iterator
from email.message import EmailMessage
from typing import Any

import pytest
import sqlalchemy as sa

from app.core.clock import now
from app.core.db import db, transaction
from app.core.money import Money
from app.core.outbox import Outbox
from app.donations import checkout, tally
from app.donations.models import Donation
from app.donations.operations import fulfilling, milestones
from app.fundraisers.models import Fundraiser
from app.fundraisers.operations import end_fundraiser
from tests.donations.conftest import Giving, WorkOff
from tests.donations.test_concurrency import at_once
from tests.factories import make_fundraiser, make_organization, make_person
from tests.smtp import mail_server


@pytest.fixture
def post(giving: Giving) -> Iterator[list[EmailMessage]]:
    """The letters that arrive."""
    with mail_server() as box:
        giving.app.config["SETTINGS"] = dataclasses.replace(giving.app.config["SETTINGS"], mail_url=box.url)
        yield box.messages


def text_of(letter: EmailMessage) -> str:
    """Its plain text."""
    body = letter.get_body(("plain",))
    assert body is not None
    return str(body.get_content())


@pytest.mark.rule("F4")
def test_a_gift_that_waits_for_the_bank_and_fails_is_told_twice_with_a_way_to_try_again(
    giving: Giving, work_off: WorkOff, post: list[EmailMessage]
) -> None:
    given = giving.give("25")
    giving.act(given, "pay_later")
    giving.deliver_all()
    work_off()
    work_off()
    assert [letter["Subject"] for letter in post] == ["Demonstration: your gift of $25 is on its way"]
    assert f"/donations/{given.token}" in text_of(post[0])
    giving.act(given, "bank_refuses")
    giving.deliver_all()
    giving.deliver_all()
    work_off()
    assert [letter["Subject"] for letter in post[1:]] == ["Demonstration: your gift of $25 did not arrive"]
    assert "The account does not have enough money for it." in text_of(post[1])
    assert "You can try again" in text_of(post[1])
    assert f"/donations/{given.token}" in text_of(post[1])
    address = checkout.resume(given.donation_id, Money(1000, "USD"))
    assert address is not None
    giving.server.act(address.rpartition("/")[2], "pay_later")
    giving.deliver_all()
    work_off()
    assert [letter["Subject"] for letter in post[2:]] == ["Demonstration: your gift of $10 is on its way"]


def test_what_is_known_better_in_the_meantime_is_not_written(
    giving: Giving, work_off: WorkOff, post: list[EmailMessage]
) -> None:
    given = giving.give("25")
    giving.act(given, "pay_later")
    checkout.fulfil(given.donation_id)
    giving.act(given, "bank_confirms")
    checkout.fulfil(given.donation_id)
    work_off()
    assert [letter["Subject"] for letter in post] == ["Demonstration: thank you for your gift of $25"]
    other = giving.give("30")
    giving.act(other, "pay_later", "bank_refuses")
    checkout.fulfil(other.donation_id)
    checkout.resume(other.donation_id, Money(3000, "USD"))  # they try again already
    work_off()
    assert len(post) == 1


def test_a_failed_gift_to_a_fundraiser_that_ended_says_so(
    giving: Giving, work_off: WorkOff, post: list[EmailMessage]
) -> None:
    given = giving.give("25")
    giving.act(given, "pay_later", "bank_refuses")
    with transaction():
        end_fundraiser(giving.fundraiser().id, by=None)
    giving.deliver_all()
    work_off()
    (letter,) = [letter for letter in post if "did not arrive" in letter["Subject"]]
    assert "takes no more gifts" in text_of(letter)
    assert "try again" not in text_of(letter)


def test_the_starter_is_told_once_when_the_goal_is_reached(
    giving: Giving, work_off: WorkOff, post: list[EmailMessage]
) -> None:
    starter = make_person(email="starter@example.org")
    fundraiser = make_fundraiser(make_organization(), started_by_id=starter.id, goal_minor=5000)
    giving._fundraisers["USD"] = fundraiser
    for amount, acts in (("30", ("pay",)), ("30", ("pay_later",)), ("29", ("pay",)), ("30", ("pay",))):
        giving.act(giving.give(amount), *acts)
        giving.deliver_all()
        work_off()
        told = [letter for letter in post if "reached its goal" in str(letter["Subject"])]
        assert len(told) == (1 if amount == "29" or told else 0)
    assert told[0]["Subject"] == f"Your fundraiser reached its goal: {fundraiser.title}"
    assert "$59 are given: 118% of your goal of $50" in text_of(told[0])
    assert "List-Unsubscribe" not in told[0]
    assert "178% of the goal" in giving.client.get(f"/fundraisers/{fundraiser.slug}").get_data(as_text=True)


def reach_together(giving: Giving, patch: pytest.MonkeyPatch, lock: Callable[..., Any]) -> int:
    """Two gifts that reach the goal only together are paid at the same moment; how often its starter is told."""
    giving._fundraisers["USD"] = make_fundraiser(make_organization(), goal_minor=5000)
    first = giving.give("1")  # the counters are there
    giving.act(first, "pay")
    checkout.fulfil(first.donation_id)
    gifts = [giving.give("10") for _number in range(6)]
    for given in gifts:
        giving.act(given, "pay")
    barrier, real = threading.Barrier(6), milestones.totals

    def meeting(keys: Any) -> Any:
        found = real(keys)
        if db.engine.dialect.name == "postgresql":
            with contextlib.suppress(threading.BrokenBarrierError):
                barrier.wait(1)
        return found

    patch.setattr(milestones, "totals", meeting)
    for module in (fulfilling, milestones, tally):
        patch.setattr(module, "lock", lock)
    at_once(giving, lambda number: checkout.fulfil(gifts[number].donation_id))
    db.session.rollback()
    query = sa.select(sa.func.count()).select_from(Outbox).where(Outbox.kind == "mail_fundraiser_goal_reached")
    return db.session.scalar(query) or 0


def test_a_goal_reached_by_gifts_at_the_same_moment_is_noticed_once(
    giving: Giving, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert reach_together(giving, monkeypatch, fulfilling.lock) == 1


@pytest.mark.parametrize("engine_name", ["postgresql"], indirect=False)
def test_control_without_the_fundraisers_lock_nobody_notices(giving: Giving, monkeypatch: pytest.MonkeyPatch) -> None:
    real = fulfilling.lock

    def unlocked(model: Any, key: int) -> Any:
        return db.session.get(model, key) if model is Fundraiser else real(model, key)

    assert reach_together(giving, monkeypatch, unlocked) == 0


def test_no_letter_goes_out_for_a_checkout_nobody_finished(
    giving: Giving, work_off: WorkOff, post: list[EmailMessage]
) -> None:
    given = giving.give()
    giving.act(given, "decline", "expire")
    giving.deliver_all()
    work_off()
    assert not post
    assert db.session.scalars(sa.select(Donation.status)).one() == "expired"
    assert db.session.scalar(sa.select(sa.func.count()).select_from(Outbox).where(Outbox.due_at > now())) == 0
