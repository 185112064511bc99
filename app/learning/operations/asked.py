"""Asking about a claim, and what moderators do with what was asked: take it, answer it publicly, decline it, put it
together with another. Whoever asked is told once."""

from __future__ import annotations

import datetime as dt
from typing import Any

import sqlalchemy as sa

from app.accounts.models import Person
from app.accounts.operations import normal_email
from app.core import audit, outbox
from app.core.clock import now
from app.core.db import db, lock
from app.core.errors import InvalidInput, refuse
from app.core.i18n import _
from app.core.text import line
from app.core.tokens import seal, unseal
from app.learning.asked_models import AskedClaim
from app.learning.asking import DECLINED, ERASED, refusals
from app.learning.marks import cited_slugs
from app.learning.models import Question
from app.learning.operations.inputs import QuestionInput
from app.learning.operations.writing import add_question

# An address that nobody confirms is forgotten after a week; the words of what was declined or put together, and an address
# that no mail reached, three months after it was decided.
CONFIRMED_WITHIN = dt.timedelta(days=7)
KEPT_FOR = dt.timedelta(days=90)
_PURPOSE = "asked-claim"


def ask_claim(
    text: str,
    *,
    by: Person | None,
    seen_where: str = "",
    tell: bool = False,
    email: str = "",
    locale: str | None = None,
) -> AskedClaim:
    """Ask whether a claim is true. With `tell` the person is told of the answer; without an account, an `email` is, once its
    owner has confirmed it. Raises InvalidInput at "text", "seen_where", "email"."""
    words, where = line(text) or "", line(seen_where) or ""
    errors = refusals(words, where)
    address = None
    if by is None and email.strip():
        try:
            address = normal_email(email)
        except InvalidInput as invalid:
            errors |= invalid.errors
    if errors:
        raise InvalidInput(errors)
    asked = AskedClaim(
        text=words,
        seen_where=where,
        created_at=now(),
        asked_by_id=by.id if by is not None and tell else None,
        email=address,
        locale=locale,
    )
    db.session.add(asked)
    db.session.flush()
    # Not who: the trail is kept for ever, and who asks is nobody's business once they are told.
    audit.record("asked_claim.made", subject=asked, by=None)
    if address:
        outbox.enqueue("mail_asked_confirm", {"asked_id": asked.id}, key=f"asked_confirm:{asked.id}")
    return asked


def asked_token(asked: AskedClaim) -> str:
    """What the link carries that confirms the address of whoever asked."""
    return seal(_PURPOSE, [asked.id])


def find_asked_by_token(token: str) -> AskedClaim | None:
    """The claim whose address the link confirms; None for a link that is not ours, and once the address is forgotten."""
    values = unseal(_PURPOSE, token)
    asked = None if values is None else db.session.get(AskedClaim, values[0])
    return asked if asked is not None and asked.email is not None else None


def confirm_asked_email(asked_id: int) -> AskedClaim:
    """The owner of the address wants to be told; when it is decided already, they are told at once. Again changes nothing."""
    asked = _locked(asked_id)
    if asked.email is None:
        raise refuse("not_found", _("This is not there any more."))
    if asked.email_confirmed_at is None:
        asked.email_confirmed_at = now()
        audit.record("asked_claim.confirmed", subject=asked, by=None)
        if _outcome(asked).status in ("answered", "declined"):
            _tell(asked)
    return asked


# --- moderators -----------------------------------------------------------------------------------------------------


def take_claim(asked_id: int, *, by: Person) -> AskedClaim:
    """The moderator works on it; another one may take it over. Raises Refused (`decided`)."""
    asked = _undecided(asked_id)
    asked.taken_by_id = by.id
    asked.status = "taken"
    audit.record("asked_claim.taken", subject=asked, by=by)
    return asked


def release_claim(asked_id: int, *, by: Person) -> AskedClaim:
    """Nobody works on it any more. Raises Refused (`decided`)."""
    asked = _undecided(asked_id)
    asked.status, asked.taken_by_id = "open", None
    audit.record("asked_claim.released", subject=asked, by=by)
    return asked


def answer_with(asked_id: int, question_slug: str, *, by: Person) -> AskedClaim:
    """A question that the public sees answers it already. Raises InvalidInput at "question", Refused (`decided`)."""
    asked = _undecided(asked_id)
    slug = (line(question_slug) or "").rstrip("/").rpartition("/")[2]
    question = db.session.scalar(sa.select(Question).where(Question.slug == slug, Question.status == "published"))
    if question is None:
        raise InvalidInput({"question": _("Enter the address of a question that the public sees")})
    return _answered(asked, question, by)


def answer_newly(asked_id: int, values: QuestionInput, *, by: Person) -> AskedClaim:
    """Answer it by a new question, published with it, that rests on at least one fact. Raises InvalidInput as
    `add_question`, at "answer" when no fact is named; Refused (`decided`)."""
    asked = _undecided(asked_id)
    if not cited_slugs(values.answer):
        raise InvalidInput({"answer": _("Name at least one fact that it rests on: [^its-address]")})
    return _answered(asked, add_question(values, by=by, reason=_("Somebody asked about a claim.")), by)


def decline_claim(asked_id: int, code: str, *, by: Person, note: str = "") -> AskedClaim:
    """It is not answered, for a reason of `asking.DECLINED` and in a sentence of the moderator's own. What may harm somebody
    to keep is erased at once, and so is what was put together with it: it says the same. Raises InvalidInput at "code" and
    "note", Refused (`decided`)."""
    asked = _undecided(asked_id)
    words = line(note) or ""
    if code not in DECLINED:
        raise InvalidInput({"code": _("Choose one of the list")})
    if len(words) > 500:
        raise InvalidInput({"note": _("Write %(max)d characters or fewer", max=500)})
    erased = {"text": "", "seen_where": ""} if code in ERASED else {}
    if erased:
        db.session.execute(sa.update(AskedClaim).where(AskedClaim.merged_into_id == asked.id).values(**erased))
    return _decide(asked, "declined", by, decline_code=code, note=words, **erased)


def merge_claim(asked_id: int, into_id: int, *, by: Person) -> AskedClaim:
    """It asks what another one asks: whoever asked is told when that is decided, or at once when it is. Raises InvalidInput
    at "into", Refused (`decided`)."""
    first, second = sorted((asked_id, into_id))
    lock(AskedClaim, first)
    lock(AskedClaim, second)
    asked, into = _undecided(asked_id), db.session.get(AskedClaim, into_id)
    if into is None or into.id == asked.id or into.status in ("merged", "declined"):
        raise InvalidInput({"into": _("Choose another one that is open or answered")})
    # What was put together with this one goes along.
    for earlier in db.session.scalars(sa.select(AskedClaim).where(AskedClaim.merged_into_id == asked.id)):
        earlier.merged_into_id = into.id
        if into.status == "answered":
            _tell(earlier)
    return _decide(asked, "merged", by, merged_into_id=into.id)


def _answered(asked: AskedClaim, question: Question, by: Person) -> AskedClaim:
    return _decide(asked, "answered", by, question_id=question.id)


def _decide(asked: AskedClaim, status: str, by: Person, **values: Any) -> AskedClaim:
    """Write it all in one statement, as the constraints of the table ask."""
    decided = {"status": status, "decided_by_id": by.id, "decided_at": now(), "taken_by_id": None} | values
    for name, value in decided.items():
        setattr(asked, name, value)
    db.session.flush()
    about = {name: value for name, value in values.items() if name in ("question_id", "merged_into_id")}
    audit.record(f"asked_claim.{status}", subject=asked, by=by, data=about)
    if _outcome(asked).status in ("answered", "declined"):
        _tell(asked)
        for other in db.session.scalars(sa.select(AskedClaim).where(AskedClaim.merged_into_id == asked.id)):
            _tell(other)
    return asked


def _outcome(asked: AskedClaim) -> AskedClaim:
    """The claim that decides about this one: itself, or the one it was put together with."""
    return asked if asked.merged_into_id is None else db.session.get_one(AskedClaim, asked.merged_into_id)


def _tell(asked: AskedClaim) -> None:
    """Promise whoever asked a mail, once; nothing for an address that nobody confirmed (yet)."""
    if asked.asked_by_id is not None or (asked.email is not None and asked.email_confirmed_at is not None):
        outbox.enqueue("mail_asked_decided", {"asked_id": asked.id}, key=f"asked_decided:{asked.id}")


def forget_email(asked_id: int) -> None:
    """Whoever asked was told, or there is nothing to tell: their address is needed no more."""
    asked = _locked(asked_id)
    asked.email = asked.email_confirmed_at = None


def forget_old() -> int:
    """Forget addresses that nobody confirmed within a week, and, three months after it was decided, the words of what was
    declined or put together, and who asked, by account or address; how many rows were changed. Called by a sweep, in its
    transaction."""
    at = now()
    unconfirmed = (
        sa.update(AskedClaim)
        .where(
            AskedClaim.email.is_not(None),
            AskedClaim.email_confirmed_at.is_(None),
            AskedClaim.created_at < at - CONFIRMED_WITHIN,
        )
        .values(email=None)
    )
    long_decided = AskedClaim.decided_at < at - KEPT_FOR
    outcome = sa.select(AskedClaim.id).where(AskedClaim.status.in_(("answered", "declined")), long_decided)
    unreached = (
        sa.update(AskedClaim)
        .where(sa.or_(AskedClaim.email.is_not(None), AskedClaim.asked_by_id.is_not(None)), long_decided)
        .where(sa.func.coalesce(AskedClaim.merged_into_id, AskedClaim.id).in_(outcome))
        .values(email=None, email_confirmed_at=None, asked_by_id=None)
    )
    old = (
        sa.update(AskedClaim)
        .where(
            AskedClaim.status.in_(("declined", "merged")),
            long_decided,
            sa.or_(AskedClaim.text != "", AskedClaim.seen_where != "", AskedClaim.note != ""),
        )
        .values(text="", seen_where="", note="")
    )
    return sum(db.session.connection().execute(statement).rowcount for statement in (unconfirmed, unreached, old))


def _locked(asked_id: int) -> AskedClaim:
    asked = lock(AskedClaim, asked_id)
    if asked is None:
        raise refuse("not_found", _("This is not there any more."))
    return asked


def _undecided(asked_id: int) -> AskedClaim:
    asked = _locked(asked_id)
    if asked.status not in ("open", "taken"):
        raise refuse("decided", _("This was decided meanwhile."), _("Look at what was decided."))
    return asked
