"""What the demonstration has of what can be learned: all of it, as any installation would, and a few claims that people
asked about, in every state."""

from __future__ import annotations

import datetime as dt

from app.accounts.queries import find_person_by_email
from app.core.clock import moved_to, now
from app.core.db import transaction
from app.learning import seed
from app.learning.asked_queries import list_decided, list_waiting
from app.learning.operations import asked

MODERATOR = "moderator@example.org"


def load() -> None:
    """Bring in what is written; again, nothing changes."""
    with transaction():
        seed.load()
    if not list_waiting() and not list_decided():
        _ask()


def _ask() -> None:
    moderator = find_person_by_email(MODERATOR)
    if moderator is None:
        return
    claims = (
        ("Most children who go missing are taken by strangers, says a video.", "a video channel"),
        ("Are most kidnapped children taken by somebody they never met?", "a family chat"),
        ("There is no money in CSAM at all, it is only traded.", "a podcast"),
        ("Zip ties on a car door mean that somebody wants to take you.", "a warning passed on at work"),
        ("Hotels must train their staff to notice trafficking.", ""),
        ("Everything was better before.", "the radio"),
    )
    made = []
    for days, (text, seen_where) in zip((9, 8, 7, 4, 2, 1), claims, strict=True):
        with moved_to(now() - dt.timedelta(days=days)), transaction():
            made.append(asked.ask_claim(text, by=None, seen_where=seen_where).id)
    first, again, money, _open, hotels, vague = made
    with moved_to(now() - dt.timedelta(hours=20)), transaction():
        asked.answer_with(first, "are-most-kidnapped-by-strangers", by=moderator)
        asked.merge_claim(again, first, by=moderator)
        asked.answer_with(money, "is-there-money-in-csam", by=moderator)
        asked.take_claim(hotels, by=moderator)
        asked.decline_claim(vague, "no_claim", by=moderator, note="Ask about one sentence that says what happened.")
