"""Which organizations may ask people to work with children or adults at risk: two different moderators say so (G3)."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable

import pytest
import sqlalchemy as sa
from flask import Flask

from app.accounts.models import Person
from app.core.clock import today
from app.core.db import db
from app.organizations.models import Organization, Verification
from app.safeguarding.models import ContactPermission
from app.signups import gate
from tests.conftest import CheckingClient
from tests.factories import ADULT, make_clearance, make_guardian, make_need, make_organization, make_person, make_shift
from tests.smtp import Mailbox

SignIn = Callable[..., CheckingClient]
CHECKED = "Policy of this year read, the responsible person called."


@pytest.fixture
def organization(app: Flask) -> Organization:
    return make_organization(make_person(), name="Lantern House")


def decide(client: CheckingClient, organization: Organization, decision: str) -> int:
    body = {"checked": CHECKED, "decision": decision}
    return client.post(f"/moderation/organizations/{organization.slug}", data=body).status_code


@pytest.mark.rule("G4")
def test_a_moderator_whose_age_is_unknown_is_asked_with_that_decision_alone(
    client: CheckingClient, sign_in: SignIn, organization: Organization
) -> None:
    page = f"/moderation/organizations/{organization.slug}"
    body = {"checked": CHECKED, "decision": "grant_contact"}

    def post(**said: str) -> tuple[int, str]:
        answer = client.post(page, data={**body, **said})
        return answer.status_code, answer.text

    sign_in(make_person(platform_role="moderator"))
    assert 'name="birth_date"' not in client.get(page).text, "known"
    unknown = make_person(platform_role="moderator", birth_date=None)
    sign_in(unknown)
    assert 'name="birth_date"' in client.get(page).text
    status, said = post(birth_date="")
    assert (status, "Enter your birth date" in said, CHECKED in said) == (422, True, True)
    assert post(decision="suspend", birth_date="")[0] == 303, "nothing else asks for it"
    assert post(decision="resume", birth_date="")[0] == 303
    assert post(birth_date=ADULT.isoformat())[0] == 303
    assert db.session.get_one(Person, unknown.id).birth_date == ADULT
    young = make_person(platform_role="moderator", birth_date=None)
    make_guardian(young)
    sign_in(young)
    status, said = post(birth_date=(today("UTC") - dt.timedelta(days=16 * 366)).isoformat())
    assert status == 422
    assert "Another moderator decides about it." in said
    assert "owner or manager" not in said
    assert db.session.get_one(ContactPermission, organization.id).second_at is None


@pytest.mark.rule("G3")
def test_two_different_moderators_agree_and_one_ends_it(
    client: CheckingClient,
    sign_in: SignIn,
    organization: Organization,
    mailbox: Mailbox,
    work_off: Callable[[], dict[str, int]],
) -> None:
    first, second = (make_person(platform_role="moderator") for _one in range(2))
    helper, shift = make_person(), make_shift(make_need(organization), contact="children", days=20)
    make_clearance(helper, organization)
    page = f"/moderation/organizations/{organization.slug}"
    sign_in(first)
    shown = client.get(page).text
    assert "Nobody has agreed" in shown
    assert "Propose that it may ask people" in shown
    assert "It has no code of conduct" in shown
    assert decide(client, organization, "grant_contact") == 303
    assert [reason.code for reason in gate.check(shift, helper)] == ["contact_level"], "one is not enough"
    shown = client.get(page).text
    assert "It waits for a second moderator" in shown
    assert 'value="grant_contact"' not in shown
    assert decide(client, organization, "grant_contact") == 422, "not twice by the same"
    assert "you have agreed" in client.get("/moderation/").text
    sign_in(second)
    assert "Lantern House" in client.get("/moderation/").text
    assert "You may be the second" in client.get(page).text
    assert decide(client, organization, "grant_contact") == 303
    assert gate.check(shift, helper) == []
    permission = db.session.get_one(ContactPermission, organization.id)
    assert (permission.first_by_id, permission.second_by_id) == (first.id, second.id)
    assert "Two moderators have agreed" in client.get(page).text
    assert "Lantern House" not in client.get("/moderation/").text
    assert decide(client, organization, "withdraw_contact") == 303
    assert [reason.code for reason in gate.check(shift, helper)] == ["contact_level"]
    assert work_off()["failed"] == 0
    subjects = sorted(str(mail["Subject"]) for mail in mailbox.messages)
    assert subjects == [
        "Lantern House may ask people to work with children or adults at risk",
        "Lantern House may not ask people to work with children or adults at risk any more",
        "Lantern House: one moderator agrees to work with children or adults at risk",
    ]
    told = db.session.scalars(sa.select(Verification.decision).order_by(Verification.decided_at)).all()
    assert list(told) == ["contact_proposed", "contact_granted", "contact_ended"]
    for words in ("one moderator agrees", "two moderators agree", "ended"):
        assert words in client.get(page).text


@pytest.mark.rule("G3")
def test_no_moderator_agrees_for_their_own_organization(
    client: CheckingClient, sign_in: SignIn, organization: Organization
) -> None:
    moderator = make_person(platform_role="moderator")
    own = make_organization(moderator)
    sign_in(moderator)
    assert decide(client, own, "grant_contact") == 422
    assert db.session.get(ContactPermission, own.id) is None


@pytest.mark.rule("G3")
@pytest.mark.parametrize("lacks", ["verified_at", "claimed_at"])
def test_an_organization_that_is_not_verified_or_that_nobody_runs_is_not_offered(
    client: CheckingClient, sign_in: SignIn, lacks: str
) -> None:
    """Whoever claims it later would have unseen what two moderators said of others."""
    waiting = make_organization(**{lacks: None})
    sign_in(make_person(platform_role="moderator"))
    page = client.get(f"/moderation/organizations/{waiting.slug}").text
    assert "grant_contact" not in page
    assert decide(client, waiting, "grant_contact") == 422
