"""What donors write on a fundraiser's page, and who keeps it from there. Every function runs inside the caller's transaction.

A message is hidden by default when it has a word of `hidden_words.txt`, or a link: somebody looks, and shows it or keeps it
hidden. The list is coarse on purpose. Whole words are compared, so that places like Scunthorpe pass; what it hides wrongly
all the same is written at its head, and a person decides within a minute."""

from __future__ import annotations

import functools
import re
import unicodedata
from pathlib import Path

import sqlalchemy as sa

from app.accounts.models import Person
from app.core.audit import record
from app.core.clock import now
from app.core.db import db, lock
from app.core.errors import refuse
from app.core.i18n import _
from app.core.outbox import enqueue
from app.donations.models import Donation
from app.donations.tally_models import MessageReport
from app.fundraisers.policy import can_decide

WORD_LIST = Path(__file__).parent / "hidden_words.txt"
LINK = re.compile(r"https?:|www\.|\b[\w-]+\.(?:com|net|org|info|biz|ru|xyz|top|shop|online|site|io)\b")
# Digits and signs that stand for letters.
DISGUISES = str.maketrans("013457@$", "oieastas")
# A message that so many people reported is hidden until somebody looked.
HIDDEN_AFTER = 3
MOST_REPORTS = 20


@functools.cache
def _words() -> frozenset[str]:
    lines = (line.split("#", 1)[0].strip() for line in WORD_LIST.read_text("utf-8").splitlines())
    return frozenset(_plain(line) for line in lines if line)


def _plain(text: str) -> str:
    decomposed = unicodedata.normalize("NFKD", text.casefold())
    return "".join(letter for letter in decomposed if not unicodedata.combining(letter))


def is_suspect(message: str) -> bool:
    """True when a message is hidden until somebody has looked: it has a listed word, also disguised (sh1t), or a link."""
    plain = _plain(message)
    if LINK.search(plain):
        return True
    spelled = set(re.findall(r"[^\W_]+", plain)) | set(re.findall(r"[^\W_]+", plain.translate(DISGUISES)))
    return not spelled.isdisjoint(_words())


def screen(donation: Donation) -> None:
    """Hide what a new gift says when it is suspect. The caller holds the row."""
    if is_suspect(f"{donation.message} {donation.dedicated_to}"):
        donation.hidden_by = "words"


def hide_message(donation_id: int, *, by: Person, reason: str) -> Donation:
    """Keep a message from the page; `reason` is for the staff and the starter. What was reported of it is settled."""
    donation = _locked(donation_id)
    staff = can_decide(by, donation.fundraiser)
    if donation.hidden_by == "staff" and not staff:
        return donation
    donation.hidden_by, donation.hidden_reason = "staff" if staff else "starter", reason
    _settle_reports(donation.id)
    _record("donation.message_hidden", donation, by)
    return donation


def show_message(donation_id: int, *, by: Person) -> Donation:
    """Show a message (again). What the organization hid, only the organization shows. Raises Refused."""
    donation = _locked(donation_id)
    if donation.hidden_by == "staff" and not can_decide(by, donation.fundraiser):
        raise refuse("hidden_by_staff", _("The organization hid this message. Ask them"))
    if donation.hidden_by:
        donation.hidden_by = donation.hidden_reason = ""
        _record("donation.message_shown", donation, by)
    _settle_reports(donation.id)
    return donation


def report_message(donation_id: int, *, by: Person | None, reason: str) -> None:
    """Somebody finds that a message should not be there: the organization and the starter are told. After a few reports it
    is hidden until one of them looked. Reported more often than anybody would, nothing more is kept."""
    donation = _locked(donation_id)
    open_ones = sa.select(sa.func.count()).select_from(MessageReport)
    count = db.session.scalar(
        open_ones.where(MessageReport.donation_id == donation.id, MessageReport.settled_at.is_(None))
    )
    if (count or 0) >= MOST_REPORTS:
        return
    made = MessageReport(donation_id=donation.id, reason=reason, by_id=None if by is None else by.id, created_at=now())
    db.session.add(made)
    db.session.flush()
    if (count or 0) + 1 >= HIDDEN_AFTER and not donation.hidden_by:
        donation.hidden_by, donation.hidden_reason = "words", ""
    _record("donation.message_reported", donation, by)
    if not count:
        enqueue("mail_message_reported", {"donation_id": donation.id}, key=f"message_reported:{made.id}")


def _settle_reports(donation_id: int) -> None:
    db.session.execute(
        sa.update(MessageReport)
        .where(MessageReport.donation_id == donation_id, MessageReport.settled_at.is_(None))
        .values(settled_at=now()),
        execution_options={"synchronize_session": False},
    )


def _locked(donation_id: int) -> Donation:
    donation = lock(Donation, donation_id)
    if donation is None or not donation.has_words:
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
