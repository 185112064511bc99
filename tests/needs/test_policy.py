"""Who may see and change a need: each predicate agrees with its SQL twin, whatever the state (N1)."""

from __future__ import annotations

import itertools
import random
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask

from app.core.clock import now
from app.core.db import db, transaction
from app.needs import policy, queries
from app.needs.models import NEED_STATUSES, Need
from app.organizations.models import ORGANIZATION_STATUSES, ROLES, Organization
from tests.factories import make_member, make_need, make_organization, make_person


def standing(status: str) -> dict[str, Any]:
    """What an organization's row holds in `status`: one that is merged names the one that remains."""
    return {"status": status, "merged_into_id": make_organization().id if status == "merged" else None}


@pytest.mark.rule("N1")
def test_the_predicate_and_its_sql_twin_agree_in_every_state(app: Flask) -> None:
    seen = set()
    for need_status, status, verified in itertools.product(NEED_STATUSES, ORGANIZATION_STATUSES, (True, False)):
        organization = make_organization(verified_at=now() if verified else None, **standing(status))
        need = make_need(organization, status=need_status)
        found = queries.find_visible_need(need.id)
        assert policy.is_visible(need) is (found is not None), (need_status, status, verified)
        assert policy.can_see_need(None, need) is policy.is_visible(need)
        if found is not None:
            seen.add((need_status, status, verified))
    assert seen == {("open", "active", True)}


@pytest.mark.rule("N1")
def test_lists_and_guards_agree_about_random_organizations(app: Flask) -> None:
    rng = random.Random(20261123)
    organizations = [
        make_organization(verified_at=rng.choice((None, now())), **standing(rng.choice(ORGANIZATION_STATUSES)))
        for _number in range(6)
    ]
    needs = [make_need(rng.choice(organizations), status=rng.choice(NEED_STATUSES)) for _number in range(40)]
    kept = make_organization()
    for _round in range(4):
        listed = set(
            db.session.scalars(
                sa.select(Need.id).join(Organization, Organization.id == Need.organization_id).where(policy.visible())
            )
        )
        assert listed == {need.id for need in needs if policy.can_see_need(None, need)}
        with transaction():
            for need in rng.sample(needs, 10):
                need.status = rng.choice(NEED_STATUSES)
            changed = rng.choice(organizations)
            # Both at once: the first query that follows flushes.
            status = rng.choice(ORGANIZATION_STATUSES)
            changed.merged_into_id, changed.status = (kept.id if status == "merged" else None), status
            changed.verified_at = rng.choice((None, now()))


@pytest.mark.rule("N1")
def test_members_see_all_of_theirs_and_nothing_of_another_s(app: Flask) -> None:
    organization, other = make_organization(verified_at=None), make_organization()
    mine, theirs = make_need(organization, status="draft"), make_need(other, status="draft")
    for role in ROLES:
        member = make_member(organization, role)
        assert policy.can_see_need(member, mine)
        assert policy.can_see_staff_page(member, mine)
        assert policy.can_edit_need(member, mine) is (role in ("owner", "manager"))
        assert not policy.can_see_need(member, theirs)
        assert not policy.can_see_staff_page(member, theirs)
        assert not policy.can_edit_need(member, theirs)
    suspended = make_member(organization, "owner", status="suspended")
    for person in (None, make_person(), suspended):
        assert not policy.can_see_need(person, mine)
        assert not policy.can_edit_need(person, mine)
