"""What donors let a fundraiser's page show, and who keeps it from there: what they write (a message, whom they think of) and the
name they show. Both are held by one mechanism, each by itself. Every function runs inside the caller's transaction.

What `fundraisers.screening` finds suspect is hidden by default: somebody looks, and shows it or keeps it hidden. While a name is
held, the page says "A supporter"."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

import sqlalchemy as sa

from app.accounts.models import Person
from app.core.audit import record
from app.core.clock import now
from app.core.db import db, lock, transaction
from app.core.errors import refuse
from app.core.i18n import _
from app.core.outbox import enqueue
from app.core.tokens import keyed_hash
from app.donations.models import Donation
from app.donations.tally_models import MessageReport
from app.fundraisers.models import Fundraiser
from app.fundraisers.policy import can_decide
from app.fundraisers.screening import is_suspect

# What so many different readers reported is hidden until somebody looked.
HIDDEN_AFTER = 3
# Then nothing of where a report came from is kept, and it counts no more where no account stands for it.
NETWORKS_KEPT = dt.timedelta(days=30)
MOST_REPORTS = 20
# Who overrules whom: what one hid, only as much or more shows again.
_RANKS = {"": 0, "words": 0, "starter": 1, "staff": 2, "platform": 3}


def screen(donation: Donation) -> None:
    """Hide of a new gift what is suspect: what it says, and the name it shows. The caller holds the row."""
    if is_suspect(f"{donation.message} {donation.dedicated_to}"):
        donation.hidden_by = "words"
    if donation.shows_name and is_suspect(donation.company or donation.name):
        donation.name_hidden_by = "words"


def role_of(person: Person, fundraiser: Fundraiser) -> str:
    """In which role somebody decides about it: the organization's staff, whoever started the page, or the platform's
    moderators."""
    if can_decide(person, fundraiser):
        return "staff"
    return "platform" if person.is_moderator and fundraiser.started_by_id != person.id else "starter"


def may_show(role: str, hidden_by: str) -> bool:
    """True when who has `role` may show what `hidden_by` hid."""
    return _RANKS[role] >= _RANKS[hidden_by]


def hide_message(donation_id: int, *, by: Person, reason: str, part: str = "message") -> Donation:
    """Keep a message, or a name, from the page; `reason` is for the staff and the starter. What was reported of it is settled."""
    donation = _locked(donation_id, part)
    role = role_of(by, donation.fundraiser)
    if not may_show(role, donation.hider_of(part)):
        return donation
    donation.hide(part, role, reason)
    _settle_reports(donation.id, part)
    _record(f"donation.{part}_hidden", donation, by)
    return donation


def show_message(donation_id: int, *, by: Person, part: str = "message") -> Donation:
    """Show it (again). What the organization hid, only the organization shows, and what a moderator hid, only a moderator.
    Raises Refused."""
    donation = _locked(donation_id, part)
    hidden_by = donation.hider_of(part)
    if not may_show(role_of(by, donation.fundraiser), hidden_by):
        if hidden_by == "platform":
            raise refuse("hidden_by_platform", _("A moderator of this site hid it. Ask them"))
        raise refuse("hidden_by_staff", _("The organization hid it. Ask them"))
    if hidden_by:
        donation.hide(part, "", "")
        _record(f"donation.{part}_shown", donation, by)
    _settle_reports(donation.id, part)
    return donation


def report_message(donation_id: int, *, by: Person | None, network: str, reason: str, part: str = "message") -> None:
    """Somebody finds that it should not be there: the organization and the starter are told. After reports by a few readers it is
    hidden until one of them looked. A reader is an account, and without one the `network` address the report comes from
    (`core.limits.network`). Who reports again has said it already, and of a great many nothing more is kept."""
    donation = _locked(donation_id, part)
    reports = list(
        db.session.scalars(
            sa.select(MessageReport).where(
                MessageReport.donation_id == donation.id, MessageReport.part == part, MessageReport.settled_at.is_(None)
            )
        )
    )
    made = MessageReport(
        donation_id=donation.id,
        part=part,
        reason=reason,
        by_id=None if by is None else by.id,
        network_hash=keyed_hash("message_report", f"{donation.id} {part} {network}"),
        created_at=now(),
    )
    if len(reports) >= MOST_REPORTS or _is_said(made, reports):
        return
    db.session.add(made)
    db.session.flush()
    if _readers([*reports, made]) >= HIDDEN_AFTER and not donation.hider_of(part):
        donation.hide(part, "words", "")
    # Who reports stands in the report alone: the trail is kept for ever, and nobody is told.
    _record(f"donation.{part}_reported", donation, None)
    if not reports:
        enqueue("mail_message_reported", {"donation_id": donation.id}, key=f"message_reported:{made.id}")


def _is_said(made: MessageReport, reports: Sequence[MessageReport]) -> bool:
    """True when whoever makes this report has made one of `reports`: with their account, or without one from where they are."""
    if made.by_id is not None:
        return any(report.by_id == made.by_id for report in reports)
    return any(report.network_hash == made.network_hash for report in reports)


def _readers(reports: Sequence[MessageReport]) -> int:
    """How many different readers made them. Who has an account and reports without it, too, from one place is one."""
    accounts = {report.by_id for report in reports if report.by_id is not None}
    theirs = {report.network_hash for report in reports if report.by_id is not None}
    others = {report.network_hash for report in reports if report.by_id is None} - theirs - {None}
    return len(accounts) + len(others)


def forget_networks() -> None:
    """Take away from where reports came that nobody settled for `NETWORKS_KEPT`. A sweep, in a transaction of its own."""
    with transaction():
        old = sa.and_(MessageReport.network_hash.is_not(None), MessageReport.created_at <= now() - NETWORKS_KEPT)
        db.session.execute(
            sa.update(MessageReport).where(old).values(network_hash=None),
            execution_options={"synchronize_session": False},
        )


def _settle_reports(donation_id: int, part: str) -> None:
    db.session.execute(
        sa.update(MessageReport)
        .where(MessageReport.donation_id == donation_id, MessageReport.part == part)
        .where(MessageReport.settled_at.is_(None))
        .values(settled_at=now(), network_hash=None),
        execution_options={"synchronize_session": False},
    )


def _locked(donation_id: int, part: str) -> Donation:
    donation = lock(Donation, donation_id)
    if donation is None or part not in donation.parts_shown:
        raise refuse("not_found", _("There is no such message"))
    return donation


def _record(action: str, donation: Donation, by: Person | None) -> None:
    db.session.flush()
    record(
        action,
        subject=donation,
        by=by,
        organization_id=donation.organization_id,
        data={"fundraiser_id": donation.fundraiser_id},
    )
