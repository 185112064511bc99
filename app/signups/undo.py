"""Taking back, while it is fresh, that places were taken: nobody is written to when their confirmation has not left yet."""

from __future__ import annotations

from collections.abc import Iterable

import sqlalchemy as sa

from app.accounts.models import Person
from app.core import outbox
from app.core.clock import now
from app.core.db import db
from app.core.errors import refuse
from app.core.i18n import _
from app.signups.models import Signup
from app.signups.operations import UNDO_CANCEL_WITHIN, cancel_signup


def is_fresh(signup: Signup) -> bool:
    """True for a quarter of an hour after the place was taken."""
    return now() - signup.created_at < UNDO_CANCEL_WITHIN


def take_back(signup_id: int, *, by: Person) -> Signup:
    """Give back a place that was taken a moment ago. The person is told when they had been told of the place. Raises
    Refused as `operations.cancel_signup` does."""
    unsent = outbox.withdraw(f"signup_confirmed:{signup_id}")
    cancelled = cancel_signup(signup_id, by=by, reason="by_mistake")
    if unsent:
        outbox.withdraw(f"signup_cancelled:{cancelled.id}:{cancelled.sequence}")
    return cancelled


def take_back_several(signup_ids: Iterable[int], *, by: Person) -> list[Signup]:
    """Give back, all or none, the places of `by` that were taken together a moment ago; what was given back since by itself
    stays so. Raises Refused when it is too late, or nothing of it is held any more."""
    own = db.session.scalars(
        sa.select(Signup)
        .where(Signup.id.in_(list(signup_ids)), Signup.person_id == by.id, Signup.status == "confirmed")
        .order_by(Signup.shift_id)
    ).all()
    if not own or not all(is_fresh(signup) for signup in own):
        raise refuse(
            "undo_too_late",
            _("It is too late to undo this: that goes for 15 minutes."),
            _("Each place can still be cancelled on My help."),
            "/my-help",
        )
    return [take_back(signup.id, by=by) for signup in own]
