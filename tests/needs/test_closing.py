"""Closing a need: what it says before, who is told, who is thanked, and taking it back."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from decimal import Decimal

import pytest
import sqlalchemy as sa
from flask import Flask

from app.accounts.models import Person
from app.core.clock import now
from app.core.db import db, transaction
from app.core.errors import InvalidInput, Refused
from app.core.ids import encode_id
from app.core.outbox import Outbox
from app.messages.operations import choose_mail
from app.needs import operations
from app.needs.models import Need, Shift
from app.organizations.models import Organization
from app.pledges.operations import cancel_pledge, pledge, receive_pledge
from app.signups.models import Signup
from app.signups.operations import cancel_signup, sign_up
from tests.conftest import CheckingClient
from tests.factories import make_item, make_need, make_organization, make_person, make_shift
from tests.smtp import Mailbox

SignIn = Callable[..., CheckingClient]
WorkOff = Callable[[], dict[str, int]]
STORY = "Forty children sleep in beds now."


def awake(**changes: str) -> Person:
    """A person who may be written to at any hour."""
    person = make_person(**changes)
    with transaction():
        choose_mail(person.id, by=person, choices={}, quiet=(0, 0))
    return person


def quarter_of_an_hour_later() -> None:
    with transaction():
        late = sa.update(Outbox).where(Outbox.done_at.is_(None), Outbox.due_at < now() + dt.timedelta(minutes=16))
        db.session.execute(late.values(due_at=now()))


class Story:
    """A need with one of each: came, is coming, gave back, brought, promised, took back; and a role without a date."""

    def __init__(self, organization: Organization) -> None:
        names = ("came", "comes", "left", "role", "brought", "promised", "kept", "both")
        self.people = {name: awake(name=name.title(), email=f"{name}@example.org") for name in names}
        self.need = make_need(organization, title="Beds for forty")
        ran, self.ahead = make_shift(self.need), make_shift(self.need, days=9)
        role, item = make_shift(self.need, flexible=True, capacity=4), make_item(self.need)
        staff, who = make_person(), self.people
        with transaction():
            for name in ("came", "both"):
                sign_up(ran.id, by=who[name])
            sign_up(self.ahead.id, by=who["comes"])
            cancel_signup(sign_up(ran.id, by=who["left"]).id, by=who["left"])
            sign_up(role.id, by=who["role"])
            brought = pledge(item.id, by=who["brought"], quantity=Decimal(3))
            receive_pledge(brought.id, by=staff, received=Decimal(3), rejected=Decimal(0), reason="")
            for name in ("promised", "both"):
                pledge(item.id, by=who[name], quantity=Decimal(2))
            cancel_pledge(pledge(item.id, by=who["kept"], quantity=Decimal(2)).id, by=who["kept"])
            past = now() - dt.timedelta(hours=5)
            ran.starts_at, ran.ends_at = past, past + dt.timedelta(hours=2)

    def path(self, act: str = "") -> str:
        return f"/manage/{self.need.organization.slug}/needs/{encode_id(self.need.id)}{act}"


def thanked(mailbox: Mailbox) -> list[str]:
    return sorted(str(mail["To"]).split("@")[0] for mail in mailbox.messages if "what came of" in str(mail["Subject"]))


@pytest.mark.rule("S6", "N1")
def test_closing_says_what_it_means_and_everybody_hears_once(
    client: CheckingClient, sign_in: SignIn, work_off: WorkOff, mailbox: Mailbox
) -> None:
    owner = make_person()
    story = Story(make_organization(owner))
    public = f"/needs/{encode_id(story.need.id)}"
    work_off()
    mailbox.messages.clear()
    staff = sign_in(owner)
    asked = staff.get(story.path("/close")).text
    assert "1 person has a place on a shift ahead." in asked
    assert "2 promises of items are still on their way." in asked
    assert "5 people who helped see what came of it" in asked
    staff.post(story.path("/close"), data={"outcome": STORY, "people_helped": "40", "thanks": "Come for soup."})
    done = staff.get(story.path()).text
    assert STORY in done
    assert "Undo" in done
    work_off()
    told = [(str(mail["To"]), str(mail["Subject"])) for mail in mailbox.messages]
    assert [to for to, _subject in told] == ["comes@example.org"], "the shift ahead at once, thanks not yet"
    assert db.session.get_one(Shift, story.ahead.id).status == "cancelled"
    quarter_of_an_hour_later()
    work_off()
    assert thanked(mailbox) == ["both", "brought", "came", "promised", "role"]
    mail = next(mail for mail in mailbox.messages if str(mail["To"]) == "both@example.org")
    text = mail.get_body(("plain",)).get_content()
    for words in (STORY, "40 people were helped.", "Come for soup.", "/mail/stop/"):
        assert words in text
    stranger = staff.application.test_client()
    assert stranger.get(public).status_code == 404
    assert stranger.get(f"/api/v1{public}").status_code == 404
    for name in ("both", "brought", "promised", "role"):
        mine = sign_in(story.people[name]).get("/my-help").text
        assert STORY in mine
        assert public not in mine
    for name in ("left", "kept"):
        assert STORY not in sign_in(story.people[name]).get("/my-help").text
    # Opened and closed once more: nobody gets it twice.
    for act in (operations.reopen_need, operations.close_need):
        with transaction():
            act(story.need.id, by=owner, **({"tell": True} if act is operations.close_need else {}))
    quarter_of_an_hour_later()
    work_off()
    assert thanked(mailbox) == ["both", "brought", "came", "promised", "role"]


def test_whoever_wants_no_thanks_gets_none(app: Flask, work_off: WorkOff, mailbox: Mailbox) -> None:
    story = Story(make_organization())
    quiet = story.people["role"]
    with transaction():
        choose_mail(quiet.id, by=quiet, choices={"thanks": "never"}, quiet=(0, 0))
        operations.close_need(story.need.id, by=None, tell=True)
    quarter_of_an_hour_later()
    work_off()
    assert "role" not in [
        str(mail["To"]).split("@")[0] for mail in mailbox.messages if "Thank you" in str(mail["Subject"])
    ]


def test_undo_leaves_nobody_thanked_and_the_need_as_it_was(
    client: CheckingClient, sign_in: SignIn, work_off: WorkOff, mailbox: Mailbox
) -> None:
    owner = make_person()
    staff = sign_in(owner)
    story = Story(make_organization(owner))
    with transaction():
        operations.pause_need(story.need.id, by=owner)
    staff.post(story.path("/close"), data={"outcome": STORY})
    staff.post(story.path("/undo-close"))
    page = staff.get(story.path()).text
    assert "not closed any more" in page
    quarter_of_an_hour_later()
    work_off()
    assert thanked(mailbox) == []
    assert db.session.get_one(Need, story.need.id).status == "paused"
    assert staff.post(story.path("/undo-close")).status_code == 409
    with transaction():
        operations.close_need(story.need.id, by=owner)
        db.session.get_one(Need, story.need.id).closed_at = now() - dt.timedelta(minutes=16)
    with pytest.raises(Refused) as refused, transaction():
        operations.undo_close(story.need.id, by=owner)
    assert refused.value.reasons[0].code == "undo_too_late"


def test_a_closed_need_that_lacks_something_is_reopened_to_be_changed(client: CheckingClient, sign_in: SignIn) -> None:
    owner = make_person()
    need = make_need(make_organization(owner))
    make_shift(need, days=-2)
    draft = make_need(need.organization, status="draft", latitude=None, published_at=None)
    with transaction():
        for one in (need, draft):
            operations.close_need(one.id, by=owner)
    slug = need.organization.slug
    path = f"/manage/{slug}/needs/{encode_id(need.id)}"
    staff = sign_in(owner)
    staff.post(f"{path}/reopen")
    page = staff.get(path).text
    assert "something is missing" in page
    assert "All its shifts are over." in page
    with transaction():
        assert operations.reopen_need(draft.id, by=owner).status == "draft"
    assert db.session.get_one(Need, need.id).status == "paused"


def test_what_cannot_be_an_outcome_is_refused_and_kept(client: CheckingClient, sign_in: SignIn) -> None:
    owner = make_person()
    need = make_need(make_organization(owner))
    make_item(need)
    path = f"/manage/{need.organization.slug}/needs/{encode_id(need.id)}/close"
    answer = sign_in(owner).post(path, data={"outcome": STORY, "people_helped": "-3", "thanks": "x" * 501})
    assert answer.status_code == 422
    assert STORY in answer.text
    assert "Enter a number between 0 and 1,000,000" in answer.text
    assert db.session.get_one(Need, need.id).status == "open"
    with pytest.raises(InvalidInput), transaction():
        operations.close_need(need.id, by=owner, outcome="x" * 2001)


@pytest.mark.rule("S6")
def test_a_shift_that_runs_is_not_cancelled_by_closing(app: Flask) -> None:
    need, person = make_need(), make_person()
    shift = make_shift(need)
    with transaction():
        place = sign_up(shift.id, by=person)
        shift.starts_at = now() - dt.timedelta(minutes=5)
    with transaction():
        operations.close_need(need.id, by=person)
    assert db.session.get_one(Shift, shift.id).status == "scheduled"
    assert db.session.get_one(Signup, place.id).status == "confirmed"
