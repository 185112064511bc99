"""Claims that people ask about: words alone are taken (G11, L2), whoever asked is told once, and nobody's words are published."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable

import pytest
import sqlalchemy as sa
import time_machine
from flask import Flask

from app.accounts.models import Person
from app.core.audit import AuditEvent
from app.core.clock import now, today
from app.core.db import db, transaction
from app.core.errors import InvalidInput, Refused
from app.core.outbox import Outbox
from app.learning.asked_models import AskedClaim
from app.learning.asked_queries import find_asked, list_alike, list_answered
from app.learning.asking import refusals
from app.learning.models import Question
from app.learning.operations import FactInput, QuestionInput, SourceInput, add_fact, add_question, save_topic, withdraw
from app.learning.operations import asked as operations
from tests.factories import make_person
from tests.smtp import Mailbox, text_of

CLAIM = "A post says that 300,000 children are taken from shops every year."
WorkOff = Callable[[], dict[str, int]]


@pytest.fixture
def moderator(app: Flask) -> Person:
    person = make_person(platform_role="moderator")
    with transaction():
        save_topic("numbers", title="Numbers", summary="", position=1)
        source = SourceInput("NCMEC", "Our numbers", "https://example.org/n", today("UTC"), 2025, "page 3", True)
        add_fact(FactInput("taken", "numbers", "Few are.", "", today("UTC"), "Mo", (source,)), by=person, reason="new")
    return person


def ask(text: str = CLAIM, **named: object) -> AskedClaim:
    with transaction():
        return operations.ask_claim(text, **{"by": None, **named})  # type: ignore[arg-type]  # as the tests name them


def an_answer(**changes: object) -> QuestionInput:
    values = {
        "slug": "children-in-shops", "topic": "numbers", "question": "Are children taken from shops?",
        "answer": "Hardly ever.[^taken]", "checked_on": today("UTC"), "checked_by": "Mo",
    }  # fmt: skip
    return QuestionInput(**{**values, **changes})  # type: ignore[arg-type]  # as the tests name them


@pytest.mark.rule("L2")
@pytest.mark.parametrize(
    "material",
    [
        "https://example.org/a",
        "See hxxps //example dot org for it",
        "example.org/video/12",
        "example [.] org / clip",
        "www.example.org",
        "it is in clip_0012.mp4 there",
        "IMG-2000.JPEG",
        "data:image/png;base64,AAAA",
        "magnet:?xt=urn",
        "abcdefghijklmnop.onion",
        "on 10.12.13.14 they say",
        "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8BQDwAEhQGAhKmMIQ",
        "t.me slash somebody",
    ],
)
def test_no_address_no_file_and_no_data_of_one_is_taken(app: Flask, material: str) -> None:
    for values in ({"text": f"{CLAIM} {material}"}, {"text": CLAIM, "seen_where": material}):
        with pytest.raises(InvalidInput) as refused, transaction():
            operations.ask_claim(by=None, **values)
        assert list(refused.value.errors) == ["seen_where" if "seen_where" in values else "text"]
    assert db.session.scalar(sa.select(sa.func.count()).select_from(AskedClaim)) == 0


@pytest.mark.rule("L2")
def test_the_guard_is_what_refuses_it(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    """The control: without the guard the same words would be kept."""
    monkeypatch.setattr(operations, "refusals", lambda _text, _where: {})
    assert "example.org/video" in ask(f"{CLAIM} example.org/video/12").text


def test_what_people_say_of_a_claim_is_taken() -> None:
    for text, where in (
        (CLAIM, "a video on example.com"),
        (
            "1 in 5 runaways (2010-2019) were trafficked, i.e. 20%; the U.S. has 300 000 of them.",
            "the radio, Sunday 9.30",
        ),
        ("Dr. Smith says: no force/fraud has to be shown. True or not?", "Twitter / X"),
        ("“Every 40 seconds a child goes missing” and/or 2,300 a day...", ""),
    ):
        assert refusals(text, where) == {}, text
    assert list(refusals("Is it true?", "x" * 121)) == ["text", "seen_where"]
    assert list(refusals(f"{CLAIM} Ask me at ana@example.org", "")) == ["text"]


def test_an_account_is_told_and_nobody_else_reads_what_was_asked(
    moderator: Person, work_off: WorkOff, mailbox: Mailbox
) -> None:
    asker = make_person()
    asked, silent = ask(by=asker, tell=True, seen_where="a flyer"), ask(by=asker)
    assert silent.asked_by_id is None
    with transaction():
        operations.take_claim(asked.id, by=moderator)
    for bad in (an_answer(answer="Hardly ever."), an_answer(answer="Hardly.[^unknown]")):
        with pytest.raises(InvalidInput, match="answer"), transaction():
            operations.answer_newly(asked.id, bad, by=moderator)
    with transaction():
        operations.answer_newly(asked.id, an_answer(), by=moderator)
        operations.answer_with(silent.id, "http://localhost/learn/questions/children-in-shops", by=moderator)
    work_off()
    [mail] = mailbox.messages
    assert mail["To"] == asker.email
    assert "Are children taken from shops?" in mail["Subject"]
    assert "/learn/questions/children-in-shops" in text_of(mail)
    assert CLAIM in text_of(mail)
    [answered] = list_answered().rows
    assert (answered.slug, answered.times) == ("children-in-shops", 2)
    assert answered.question != CLAIM
    acts = db.session.execute(
        sa.select(AuditEvent.action, AuditEvent.actor_id)
        .where(AuditEvent.subject_id == asked.id)
        .order_by(AuditEvent.id)
    )
    # Who asked is in no trail that is kept for ever; who answered is.
    by = moderator.id
    assert [tuple(act) for act in acts] == [
        ("asked_claim.made", None), ("asked_claim.taken", by), ("asked_claim.answered", by),
    ]  # fmt: skip
    with time_machine.travel(now() + operations.KEPT_FOR + dt.timedelta(days=1)), transaction():
        assert operations.forget_old() == 1
    assert db.session.get_one(AskedClaim, asked.id).asked_by_id is None
    # A question that was withdrawn answers nothing any more.
    with transaction():
        withdraw(Question, answered.id, by=moderator, because="wrong")
    assert list_answered().rows == []


def test_an_address_is_told_only_after_its_owner_said_so_and_then_forgotten(
    moderator: Person, work_off: WorkOff, mailbox: Mailbox
) -> None:
    asked, other = ask(email="Ana@Example.org"), ask(email="bo@example.org")
    with transaction():
        operations.answer_newly(asked.id, an_answer(), by=moderator)
        operations.answer_with(other.id, "children-in-shops", by=moderator)
    work_off()
    assert [mail["To"] for mail in mailbox.messages] == ["ana@example.org", "bo@example.org"], (
        "only the question whether"
    )
    assert all(CLAIM not in text_of(mail) for mail in mailbox.messages)
    found = operations.find_asked_by_token(operations.asked_token(asked))
    assert found is not None
    for _twice in range(2):
        with transaction():
            operations.confirm_asked_email(found.id)
    work_off()
    assert len(mailbox.messages) == 3
    assert "Answered" in mailbox.messages[2]["Subject"]
    db.session.expire_all()
    assert (asked.email, asked.email_confirmed_at) == (None, None)
    assert operations.find_asked_by_token(operations.asked_token(asked)) is None
    assert operations.find_asked_by_token("nonsense") is None
    # Whoever never said so is forgotten after a week, and not told.
    assert other.email == "bo@example.org"
    with time_machine.travel(now() + dt.timedelta(days=8), tick=False):
        work_off()
    db.session.expire_all()
    assert other.email is None
    assert len(mailbox.messages) == 3


def test_no_address_is_kept_longer_than_somebody_can_be_told(
    moderator: Person, work_off: WorkOff, mailbox: Mailbox
) -> None:
    withdrawn, unreachable = ask(email="ana@example.org"), ask(email="bo@example.org")
    with transaction():
        operations.confirm_asked_email(withdrawn.id)
        operations.confirm_asked_email(unreachable.id)
    work_off()
    with transaction():
        question = operations.answer_newly(withdrawn.id, an_answer(), by=moderator).question_id
        assert question is not None
        withdraw(Question, question, by=moderator, because="wrong")
    asked_only = len(mailbox.messages)
    work_off()
    assert len(mailbox.messages) == asked_only, "there is nothing to read"
    db.session.expire_all()
    assert (withdrawn.email, withdrawn.email_confirmed_at) == (None, None)
    # No mail reaches them, and no further one is tried.
    with transaction():
        operations.decline_claim(unreachable.id, "no_claim", by=moderator)
        db.session.execute(sa.delete(Outbox).where(Outbox.kind == "mail_asked_decided"))
    for days, kept in ((89, "bo@example.org"), (91, None)):
        with time_machine.travel(now() + dt.timedelta(days=days), tick=False):
            work_off()
        db.session.expire_all()
        assert unreachable.email == kept, days


def test_what_may_harm_somebody_is_erased_with_everything_put_together_with_it(moderator: Person) -> None:
    first, second, other = ask(), ask(seen_where="next door"), ask()
    with transaction():
        operations.merge_claim(second.id, first.id, by=moderator)
        operations.decline_claim(first.id, "names_somebody", by=moderator)
    assert {(each.text, each.seen_where) for each in (first, second)} == {("", "")}
    assert other.text == CLAIM


def test_what_may_harm_somebody_is_erased_at_once_and_the_rest_after_three_months(
    moderator: Person, work_off: WorkOff, mailbox: Mailbox
) -> None:
    asker = make_person()
    danger, vague = (
        ask(by=asker, tell=True, seen_where="next door"),
        ask(text="Everything is getting worse, is it not?"),
    )
    with pytest.raises(InvalidInput, match="code"), transaction():
        operations.decline_claim(danger.id, "because", by=moderator)
    with transaction():
        operations.decline_claim(danger.id, "person_in_danger", by=moderator)
        operations.decline_claim(vague.id, "no_claim", by=moderator, note="Ask about one sentence.")
    assert (danger.text, danger.seen_where) == ("", "")
    assert vague.text
    work_off()
    [mail] = mailbox.messages
    assert "/report" in text_of(mail)
    assert "next door" not in text_of(mail)
    with time_machine.travel(now() + dt.timedelta(days=91), tick=False):
        work_off()
    db.session.expire_all()
    assert (vague.text, vague.note, vague.status) == ("", "", "declined")


def test_the_same_asked_twice_is_one_and_both_are_told(moderator: Person, work_off: WorkOff, mailbox: Mailbox) -> None:
    askers = [make_person() for _one in range(3)]
    first, second, third = (ask(by=asker, tell=True) for asker in askers)
    unlike = ask(text="Do hotels have to train their staff?")
    assert list_alike(first)[0].text == CLAIM
    assert unlike.id not in [other.id for other in list_alike(first)], "they share small words only"
    with pytest.raises(InvalidInput, match="into"), transaction():
        operations.merge_claim(first.id, first.id, by=moderator)
    with transaction():
        operations.merge_claim(third.id, second.id, by=moderator)
        operations.merge_claim(second.id, first.id, by=moderator)
    db.session.expire_all()
    assert third.merged_into_id == first.id, "what was put together goes along"
    work_off()
    assert mailbox.messages == []
    with transaction():
        operations.answer_newly(first.id, an_answer(), by=moderator)
    late = ask(by=make_person(), tell=True)
    with transaction():
        operations.merge_claim(late.id, first.id, by=moderator)
    work_off()
    assert len(mailbox.messages) == 4
    assert {mail["To"] for mail in mailbox.messages} > {asker.email for asker in askers}
    assert list_answered().rows[0].times == 4


def test_what_was_decided_meanwhile_is_not_decided_again(moderator: Person) -> None:
    asked, other = ask(), ask()
    with transaction():
        operations.decline_claim(asked.id, "other_topic", by=moderator)
    acts: tuple[Callable[[], object], ...] = (
        lambda: operations.take_claim(asked.id, by=moderator),
        lambda: operations.release_claim(asked.id, by=moderator),
        lambda: operations.answer_newly(asked.id, an_answer(), by=moderator),
        lambda: operations.answer_with(asked.id, "children-in-shops", by=moderator),
        lambda: operations.decline_claim(asked.id, "no_claim", by=moderator),
        lambda: operations.merge_claim(asked.id, other.id, by=moderator),
    )
    for act in acts:
        with pytest.raises(Refused, match="decided"), transaction():
            act()
    with pytest.raises(InvalidInput, match="into"), transaction():
        operations.merge_claim(other.id, asked.id, by=moderator)
    with pytest.raises(InvalidInput, match="question"), transaction():
        operations.answer_with(other.id, "children-in-shops", by=moderator)
    with transaction():
        add_question(an_answer(status="draft"), by=moderator, reason="new")
    with pytest.raises(InvalidInput, match="question"), transaction():
        operations.answer_with(other.id, "children-in-shops", by=moderator)
    found = find_asked(other.id)
    assert found is not None
    assert found.status == "open"
    # The database holds it besides: without the look under the lock a second decision is an error, not a lie.
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(operations, "_undecided", operations._locked)
        with pytest.raises(sa.exc.IntegrityError), transaction():
            operations.merge_claim(asked.id, other.id, by=moderator)
    with pytest.raises(sa.exc.IntegrityError), transaction():
        db.session.execute(sa.update(AskedClaim).where(AskedClaim.id == other.id).values(status="answered"))


def test_answers_are_shown_page_by_page(moderator: Person) -> None:
    for number in range(5):
        asked = ask()
        with transaction():
            operations.answer_newly(
                asked.id, an_answer(slug=f"answer-{number}", question=f"Is it {chr(65 + number)}?"), by=moderator
            )
    seen, cursor = list[str](), None
    for _page in range(3):
        page = list_answered(cursor, limit=2)
        seen, cursor = [*seen, *(row.slug for row in page.rows)], page.next_cursor
    assert seen == [f"answer-{number}" for number in (4, 3, 2, 1, 0)]
    assert cursor is None
