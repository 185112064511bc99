"""Needs are posted to an organization at the moment in which it becomes part of another one, from separate processes: each
is there in the one that remains, or was refused. Nothing is left behind with the duplicate.

Without the guard some are left behind (unguarded.py), and the same assertion fails.
"""

from __future__ import annotations

import collections

import pytest
import sqlalchemy as sa

from app.core.db import db
from app.core.ids import encode_id
from app.needs.models import Need
from tests.factories import make_organization, make_person
from tests.races.conftest import Running
from tests.races.crowd import all_at_once, equip

POSTS = 60
# Whoever asks after it is told that there is no such organization of theirs.
MERGED, MADE, REFUSED, AFTERWARDS = 303, 201, 409, 422
ROUNDS = 6


def post_while_merging(running: Running) -> None:
    with running.app.app_context():
        owner, moderator = make_person(), make_person(platform_role="moderator")
        duplicate, remaining = make_organization(owner), make_organization()
        staff, judge = equip(running.app, [owner, moderator])
        need = {"organization": duplicate.slug, "title": "Sort coats", "description": "Why.", "remote": True}
        posts = [{"path": "/api/v1/needs", "fields": need, "token": staff.token} for _one in range(POSTS)]
        form = {"remaining": encode_id(remaining.id), "typed_name": duplicate.name, "with_members": "y"}
        path = f"/moderation/duplicates/{encode_id(duplicate.id)}/{encode_id(remaining.id)}"
        people = [*posts[: POSTS // 2], {"path": path, "fields": form, "cookie": judge.cookie}, *posts[POSTS // 2 :]]
        db.session.rollback()
        answers = collections.Counter(status for status, _told in all_at_once(running.port, people))
        where = {
            key: db.session.scalar(sa.select(sa.func.count()).where(Need.organization_id == key))
            for key in (duplicate.id, remaining.id)
        }
        db.session.rollback()
    assert set(answers) <= {MERGED, MADE, REFUSED, AFTERWARDS}
    assert (answers[MERGED], list(where.values())) == (1, [0, answers[MADE]])


def test_what_is_posted_while_two_become_one_is_there_or_refused(running: Running) -> None:
    post_while_merging(running)


def test_without_the_guard_something_is_left_behind(unguarded: Running) -> None:
    with pytest.raises(AssertionError, match="1, "):
        post_while_merging_often(unguarded)


def post_while_merging_often(running: Running) -> None:
    for _round in range(ROUNDS):
        post_while_merging(running)
