"""kill -9 at any moment: the ledger is the same afterwards, and nothing is done twice (F3)."""

from __future__ import annotations

import signal
from pathlib import Path

import pytest
import sqlalchemy as sa

from app.core.audit import AuditEvent
from app.core.db import db, transaction
from app.core.outbox import Outbox
from app.donations.models import Donation
from tests import forks
from tests.donations.conftest import Giving, WorkOff

MOMENTS = (
    ("before", "app.core.outbox:run"),  # claimed, not begun
    ("before", "app.donations.gateway:fetch_session"),
    ("after", "app.donations.gateway:fetch_session"),
    ("after", "app.donations.gateway:fetch_payment"),
    ("before", "app.donations.operations.fulfilling:fulfil"),  # in the transaction
    ("after", "app.donations.ledger:post_gift"),
    ("after", "app.donations.operations.fulfilling:fulfil"),  # everything written, nothing committed
    ("before", "app.core.outbox:complete"),  # committed, not marked done
    ("after", "app.core.outbox:complete"),
)


def die(giving: Giving, tmp_path: Path, *arguments: str) -> None:
    """Run the worker until it kills itself."""
    done = forks.start(giving.app, tmp_path, "tests.donations.crash_worker", arguments)
    complained = done.communicate(60)[1]
    assert done.returncode == -signal.SIGKILL, complained


@pytest.mark.crash
@pytest.mark.rule("F3")
@pytest.mark.parametrize(("when", "target"), MOMENTS)
def test_a_worker_killed_at_any_moment_leaves_the_same_ledger(
    giving: Giving, work_off: WorkOff, tmp_path: Path, when: str, target: str
) -> None:
    giving.act(giving.give(), "pay")
    giving.act(giving.give("40"), "pay_later")
    giving.settle()
    giving.deliver_all()
    die(giving, tmp_path, when, target, "work-off")
    assert work_off()["failed"] == 0
    giving.check()
    paid = giving.given[0].donation_id
    audited = db.session.scalars(sa.select(AuditEvent.subject_id).where(AuditEvent.action == "donation.paid"))
    assert list(audited) == [paid]
    thanks = sa.select(sa.func.count()).select_from(Outbox).where(Outbox.kind == "mail_donation_thanks")
    assert db.session.scalar(thanks) == 1


@pytest.mark.crash
@pytest.mark.rule("F3")
@pytest.mark.parametrize(
    "target", ["app.donations.operations.inbox:store_event", "app.donations.operations.inbox:note_listed"]
)
def test_a_sweep_killed_while_it_stores_what_was_missed_begins_again(
    giving: Giving, work_off: WorkOff, tmp_path: Path, target: str
) -> None:
    giving.act(giving.give(), "pay")
    giving.settle()
    die(giving, tmp_path, "after", target, "work-off")
    work_off()
    giving.check()


@pytest.mark.crash
@pytest.mark.rule("F6")
@pytest.mark.parametrize(
    ("when", "target"),
    [
        ("before", "app.donations.gateway:create_checkout_session"),
        ("before", "app.donations.operations.giving:save_session"),
        ("after", "app.donations.operations.giving:save_session"),
    ],
)
def test_a_page_killed_around_the_session_continues_with_the_same_one(
    giving: Giving, work_off: WorkOff, tmp_path: Path, when: str, target: str
) -> None:
    giving.server.hook("POST", "faults", {"mode": "drop-before", "path": "/sessions", "times": 2})
    form = giving.form()
    assert giving.post(giving.fundraiser(), form).status_code == 503
    donation = db.session.scalars(sa.select(Donation)).one()
    die(giving, tmp_path, when, target, "open-checkout", str(donation.id))
    response = giving.post(giving.fundraiser(), form)
    assert response.status_code == 303
    assert [session["metadata"]["donation_id"] for session in giving.server.sessions()] == [
        giving.server.sessions()[0]["client_reference_id"]
    ]
    assert response.headers["Location"].endswith(giving.server.sessions()[0]["id"])
    assert db.session.scalars(sa.select(Donation)).one().stripe_session_id == giving.server.sessions()[0]["id"]


def test_the_kill_is_real(giving: Giving, tmp_path: Path) -> None:
    """The control: without anything to work on, the worker lives, and `die` notices."""
    with transaction():
        db.session.execute(sa.delete(Outbox))
    with pytest.raises(AssertionError):
        die(giving, tmp_path, "before", "app.donations.operations.fulfilling:fulfil", "work-off")
