"""A decision about an organization is on record, mailed to its owners, and seen everywhere at once."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import sqlalchemy as sa
from flask import Flask

from app.core.db import db, transaction
from app.core.errors import Refused
from app.core.ids import encode_id
from app.core.outbox import Outbox
from app.moderation import operations
from app.moderation.operations import suspend_organization, verify_organization, withdraw_verification
from app.organizations.models import Verification
from app.organizations.queries import list_verifications
from tests.conftest import CheckingClient
from tests.factories import make_need, make_organization, make_person, make_shift
from tests.smtp import Mailbox


@pytest.mark.rule("N1")
def test_a_decision_shows_and_hides_at_once(
    client: CheckingClient, mailbox: Mailbox, work_off: Callable[[], dict[str, int]]
) -> None:
    moderator, owner = make_person(platform_role="moderator"), make_person()
    organization = make_organization(owner, verified_at=None)
    need = make_need(organization, title="Quinces wanted")
    make_shift(need)
    page = f"/needs/{encode_id(need.id)}"

    def seen() -> list[bool]:
        answers = client.get("/needs"), client.get(page, follow_redirects=True), client.get("/organizations")
        return ["Quinces" in answers[0].text, answers[1].status_code == 200, organization.name in answers[2].text]

    assert seen() == [False] * 3
    with transaction():
        verify_organization(organization.id, by=moderator, checked="register 12")
    assert seen() == [True] * 3
    with transaction():
        withdraw_verification(organization.id, by=moderator, checked="left the register")
    assert seen() == [False] * 3
    with transaction():
        verify_organization(organization.id, by=moderator, checked="register 13")
    with transaction():
        suspend_organization(organization.id, by=moderator, reason="complaint")
    assert seen() == [False] * 3
    checked = {row.checked for row in list_verifications(organization.id)}
    assert checked >= {"register 12", "register 13", "left the register"}
    work_off()
    work_off()
    assert len(mailbox.to(owner.email)) == 4


def test_nobody_decides_about_an_organization_of_their_own(app: Flask) -> None:
    moderator = make_person(platform_role="moderator")
    organization = make_organization(moderator, verified_at=None)
    with pytest.raises(Refused), transaction():
        verify_organization(organization.id, by=moderator, checked="myself")


@pytest.mark.rule("A1")
def test_only_moderators_moderate(client: CheckingClient, sign_in: Callable[..., CheckingClient]) -> None:
    sign_in(make_person())
    assert client.get("/moderation/").status_code == 404
    sign_in(make_person(platform_role="moderator"))
    assert client.get("/moderation/").status_code == 200


@pytest.mark.rule("A2")
def test_a_suspension_keeps_its_reason_and_tells_the_owners(app: Flask, work_off: Callable[[], dict[str, int]]) -> None:
    moderator, owner = make_person(platform_role="moderator"), make_person()
    organization = make_organization(owner)
    with transaction():
        operations.suspend_organization(organization.id, by=moderator, reason="complaints about the address")
    with transaction():
        operations.resume_organization(organization.id, by=moderator, reason="explained")
    kept = db.session.execute(
        sa.select(Verification.decision, Verification.checked).order_by(Verification.decided_at)
    ).all()
    assert kept == [("suspended", "complaints about the address"), ("resumed", "explained")]
    promised = db.session.scalar(
        sa.select(sa.func.count()).select_from(Outbox).where(Outbox.kind == "mail_verification_decided")
    )
    assert promised == 2


def test_nobody_declines_withdraws_or_suspends_an_organization_of_their_own(app: Flask) -> None:
    moderator = make_person(platform_role="moderator")
    organization = make_organization(moderator)
    for act in (operations.decline_organization, operations.withdraw_verification):
        with pytest.raises(Refused), transaction():
            act(organization.id, by=moderator, checked="mine")
    with pytest.raises(Refused), transaction():
        operations.suspend_organization(organization.id, by=moderator, reason="mine")
