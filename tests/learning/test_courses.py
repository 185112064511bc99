"""Courses: what is written is sound and sourced; answers are judged here and told only afterwards; what was begun is kept;
what was published is never changed."""

from __future__ import annotations

import dataclasses
import datetime as dt
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
import time_machine
from flask import Flask

from app.accounts.models import Person
from app.core.audit import AuditEvent
from app.core.clock import now, today
from app.core.db import db, transaction
from app.core.errors import InvalidInput, Refused
from app.core.ids import encode_id, new_id
from app.learning.courses.files import FOLDER, TAUGHT_IN_PERSON, CourseFile, read_course, read_courses
from app.learning.courses.models import CourseAnswer, CourseAttempt, CourseVersion, Lesson, LessonOption, level_of
from app.learning.courses.operations import publish_version, purge_attempts, retire_course, store_version
from app.learning.courses.queries import find_current, find_open_attempt, find_version, list_answers
from app.learning.courses.seed import load_courses
from app.safeguarding.kinds import find_kind
from app.safeguarding.models import Clearance
from app.safeguarding.operations import answer_course, begin_course
from tests.conftest import CheckingClient
from tests.factories import answer_all, make_course, make_guardian, make_person, pass_course, read_basics
from tests.house.test_code import FORBIDDEN_WORDS

SignIn = Callable[..., CheckingClient]
SLUG = "safeguarding-basics"
HOME = f"/learn/courses/{SLUG}"
TEMPLATES = Path(__file__).parent.parent.parent / "templates" / "courses"
VOWELS = re.compile(r"[aeiouy]+")


def refused(act: Any, *args: Any, **values: Any) -> list[str]:
    with pytest.raises(Refused) as refusal, transaction():
        act(*args, **values)
    return [reason.code for reason in refusal.value.reasons]


def breaks(statement: sa.Update | sa.Insert) -> None:
    """The database itself refuses it."""
    with pytest.raises(sa.exc.IntegrityError), transaction():
        db.session.execute(statement)


def text_of(page: str) -> str:
    return " ".join(re.sub(r"<[^>]+>", " ", page).split())


# --- what is written ------------------------------------------------------------------------------------------------


def plain(course: CourseFile) -> list[str]:
    """Each lesson without marks."""
    return [re.sub(r"^(#+|:::\w*|[-\d.]+ )|[*\[\]]|\(/report\)", "", one.body, flags=re.M) for one in course.lessons]


def syllables(word: str) -> int:
    """Groups of vowels, without a silent e at the end: near enough to compare texts by."""
    found = len(VOWELS.findall(word.lower()))
    return max(1, found - (word.lower().endswith("e") and not word.lower().endswith("le") and found > 1))


def grade(text: str) -> float:
    """The Flesch-Kincaid grade level: 0.39 words a sentence + 11.8 syllables a word - 15.59 (Kincaid and others, 1975)."""
    words = re.findall(r"[A-Za-z’']+", text)
    sentences = [one for one in re.split(r"[.!?:]\s|\n+", text) if re.search(r"[A-Za-z]", one)]
    return 0.39 * len(words) / len(sentences) + 11.8 * sum(map(syllables, words)) / len(words) - 15.59


def test_the_course_of_safeguarding_basics_is_what_it_says() -> None:
    course = read_course(FOLDER / SLUG)
    assert (course.pass_mark, course.validity_months, len(course.lessons)) == (80, 24, 6)
    questions = [question for lesson in course.lessons for question in lesson.questions]
    assert 12 <= len(questions) <= 15
    assert all(2 <= len(lesson.questions) <= 3 for lesson in course.lessons)
    for lesson, text in zip(course.lessons, plain(course), strict=True):
        assert 250 <= len(text.split()) <= 410, lesson.title
        assert grade(text) <= 9, (lesson.title, grade(text))
    assert {key for lesson in course.lessons for key in lesson.sources} == {source.key for source in course.sources}
    # Nobody passes by choosing the longest answer.
    longest = sum(len(one.right) > max(map(len, one.wrong)) for one in questions)
    assert longest <= len(questions) / 2


@pytest.mark.rule("G12")
@pytest.mark.rule("G13")
@pytest.mark.rule("L1")
def test_its_words_are_right_and_it_states_no_number_that_needs_a_source() -> None:
    course = read_course(FOLDER / SLUG)
    questions = [question for lesson in course.lessons for question in lesson.questions]
    said = [*plain(course), *(f"{one.text} {one.explanation} {one.right}" for one in questions)]
    for text in said:
        assert not [word for word in FORBIDDEN_WORDS if word in text.lower()]
        # Ages, and how long somebody waits in a question: no statistic.
        assert set(re.findall(r"\d+", text)) <= {"15", "17", "18"}, text
        assert "%" not in text
    # What describes how abuse is done, and pictures of it, is folded behind a warning.
    open_text = " ".join(re.sub(r"^:::sensitive .*?^:::$", "", one.body, flags=re.M | re.S) for one in course.lessons)
    assert "grooming" not in open_text
    assert "a picture or a film of abuse" not in open_text
    # It is honest about how far the standards were read.
    assert "not read again page by page" in course.note
    assert "/report" in open_text


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        ("pass_mark = 80", "pass_mark = 0", "pass_mark"),
        ("validity_months = 24", "validity_months = 36", "validity_months"),
        ("checked_on = 2026-11-28", 'checked_on = "lately"', "checked_on"),
        ('"working-together", "care-act"', '"working-together", "unheard-of"', "unheard-of"),
        ('right = "You tell the staff', 'wright = "You tell the staff', "right"),
        ('file = "2-boundaries.md"', 'file = "nowhere.md"', "nowhere.md"),
        ("version = 2", "version = ", "cannot be read"),
    ],
)
def test_a_course_that_no_page_could_show_is_refused(tmp_path: Path, before: str, after: str, said: str) -> None:
    folder = shutil.copytree(FOLDER / SLUG, tmp_path / SLUG)
    text = (folder / "course.toml").read_text()
    assert text.count(before) == 1
    (folder / "course.toml").write_text(text.replace(before, after))
    with pytest.raises(ValueError, match=said):
        read_courses(tmp_path)


def test_no_course_stands_for_a_training_that_staff_see(tmp_path: Path) -> None:
    training = find_kind("training")
    assert training is not None
    seen = {level.code for level in training.levels} - {"", level_of(SLUG)}
    assert {level_of(slug) for slug in TAUGHT_IN_PERSON} == seen
    for slug in TAUGHT_IN_PERSON:
        shutil.copytree(FOLDER / SLUG, tmp_path / slug)
        with pytest.raises(ValueError, match="choose another name"):
            read_courses(tmp_path)
        shutil.rmtree(tmp_path / slug)


def test_a_fold_that_is_never_closed_is_refused(tmp_path: Path) -> None:
    folder = shutil.copytree(FOLDER / SLUG, tmp_path / SLUG)
    lesson = folder / "3-what-to-notice.md"
    lesson.write_text(lesson.read_text().replace("\n:::\n", "\n"))
    with pytest.raises(ValueError, match="lesson 3: a fold"):
        read_courses(folder)


@pytest.mark.parametrize("mark", ["{{fact word-csam}}", "It is so.[^word-csam]", "{{ fact word-csam"])
def test_a_mark_of_articles_is_refused_in_a_lesson_which_would_show_it_as_typed(tmp_path: Path, mark: str) -> None:
    folder = shutil.copytree(FOLDER / SLUG, tmp_path / SLUG)
    lesson = folder / "3-what-to-notice.md"
    lesson.write_text(f"{lesson.read_text()}\n\n{mark}\n")
    with pytest.raises(ValueError, match="lesson 3: marks of facts"):
        read_courses(folder)


# --- versions -------------------------------------------------------------------------------------------------------


def store(read: CourseFile) -> tuple[int, str]:
    with transaction():
        version, how = store_version(read)
        return version.id, how


def test_a_version_is_a_draft_until_it_is_published_and_then_never_changes(app: Flask) -> None:
    first, how = store(read_basics())
    assert (how, store(read_basics())) == ("new", (first, "same"))
    assert find_current(SLUG) is None
    assert store(read_basics(title="Safeguarding, the basics")) == (first, "changed")
    with transaction():
        publish_version(first, asks_again=True, by=None)
    current = find_current(SLUG)
    assert current is not None
    assert (current.title, current.asks_again, current.course.counts_from) == ("Safeguarding, the basics", False, 1)
    assert len(current.lessons) == 6, "the words of the first draft are gone, and these are whole"
    assert refused(store_version, read_basics()) == ["published"]
    assert refused(publish_version, first, asks_again=False, by=None) == ["published"]
    third, _new = store(read_basics(version=3))
    assert refused(store_version, read_basics(version=2)) == ["older"]
    with transaction():
        publish_version(third, asks_again=True, by=None)
    later = find_current(SLUG)
    assert later is not None
    assert (later.number, later.asks_again, later.course.counts_from) == (3, True, 3)
    actions = db.session.scalars(sa.select(AuditEvent.action).where(AuditEvent.action.like("course.%"))).all()
    assert actions == ["course.published"] * 2
    other = db.session.scalars(sa.select(LessonOption.id).where(LessonOption.is_right.is_(False)).limit(1)).one()
    breaks(sa.update(LessonOption).where(LessonOption.id == other).values(is_right=True))


def test_the_command_loads_drafts_or_publishes(app: Flask, tmp_path: Path) -> None:
    run = app.test_cli_runner().invoke
    first = run(args=["learning", "courses", "load"])
    assert (first.exit_code, first.stdout.splitlines()[-1]) == (0, '{"new":1,"changed":0,"same":0,"published":0}')
    again = run(args=["learning", "courses", "load", "--publish"])
    assert again.stdout.splitlines()[-1] == '{"new":0,"changed":0,"same":1,"published":1}'
    assert run(args=["learning", "courses", "load", "--publish"]).stdout.endswith('"same":1,"published":0}\n')
    folder = shutil.copytree(FOLDER / SLUG, tmp_path / SLUG)
    (folder / "course.toml").write_text("version = 1")
    wrong = run(args=["learning", "courses", "load", str(tmp_path)])
    assert wrong.exit_code == 1
    assert "safeguarding-basics: cannot be read" in wrong.stderr
    assert len(wrong.stderr.splitlines()) == 1


# --- taking it ------------------------------------------------------------------------------------------------------


@pytest.fixture
def version(app: Flask) -> CourseVersion:
    return make_course()


def begin(person: Person, **values: Any) -> CourseAttempt:
    with transaction():
        key = begin_course(SLUG, by=person, **values).id
    return db.session.get_one(CourseAttempt, key)


def choose(version: CourseVersion, position: int, *, right: bool = True) -> dict[int, int]:
    """An answer to each question of a lesson, all right or all wrong."""
    lesson = version.lessons[position - 1]
    return {
        question.id: next(option.id for option in question.options if option.is_right == right)
        for question in lesson.questions
    }


def test_everybody_reads_it_without_an_account(client: CheckingClient, version: CourseVersion) -> None:
    assert "Safeguarding basics" in client.get("/learn/courses").text
    home = client.get(HOME)
    for shown in ("Working together to safeguard children", "not read again page by page", "24 months", "80% of the"):
        assert shown in text_of(home.text)
    assert "Set-Cookie" not in home.headers
    pages = [client.get(f"{HOME}/lessons/{position}") for position in range(1, 7)]
    assert [page.status_code for page in pages] == [200] * 6
    assert pages[2].text.count("<details") == 2, "what is sensitive, and the sources"
    # Whoever reads the two lessons that speak of abuse can leave at once.
    assert [page.text.count("data-leave ") + page.text.count("data-leave>") for page in pages] == [0, 0, 1, 1, 0, 0]
    assert [page.headers["Cache-Control"] for page in pages[2:4]] == ["no-store"] * 2
    assert [page.headers["Referrer-Policy"] for page in pages[2:4]] == ["no-referrer"] * 2
    assert not [page for page in pages if "Set-Cookie" in page.headers]
    assert client.get(f"{HOME}/lessons/7").status_code == client.get("/learn/courses/unheard-of").status_code == 404
    asked = client.get(f"{HOME}/lessons/1/questions")
    assert asked.status_code == 303
    assert asked.headers["Location"].startswith("/sign-in?next=")


@pytest.mark.rule("G13")
def test_what_is_asked_of_a_sensitive_lesson_is_left_and_kept_like_it(
    client: CheckingClient, sign_in: SignIn, version: CourseVersion
) -> None:
    """Its questions, its answers, and the result of the whole course; the questions of another lesson are as they were."""
    sign_in(person := make_person())
    key = begin(person).id

    def way_out(path: str) -> tuple[bool, bool, str, str]:
        page = client.get(path)
        assert page.status_code == 200, path
        policy = page.headers["Referrer-Policy"]
        return "data-leave>Leave" in page.text, "js/leave.js" in page.text, page.headers["Cache-Control"], policy

    unseen = (True, True, "no-store", "no-referrer")
    assert way_out(f"{HOME}/lessons/1/questions")[0] is False
    assert way_out(f"{HOME}/lessons/3/questions") == unseen
    answer_all(key, person)
    assert way_out(f"{HOME}/result") == unseen
    again = begin(person)
    with transaction():
        answer_course(again.id, 3, choose(version, 3), by=person, issuer="Manyhands")
    assert way_out(f"{HOME}/lessons/3/questions") == unseen


def test_the_lesson_on_reporting_names_only_who_is_there() -> None:
    """Nobody of this site takes in worries: the organization's own lead does, and the services of /report."""
    lesson = read_basics().lessons[5].body
    assert "on this site." not in lesson
    assert "the organization's own safeguarding lead" in lesson
    assert "[Where to report](/report)" in lesson


def test_a_first_course_begins_at_once_whatever_its_number(app: Flask) -> None:
    with transaction():
        assert load_courses(publish=False, first=True)["published"] == 1
    found = find_current(SLUG)
    assert found is not None
    assert found.number == read_course(FOLDER / SLUG).version == 2


def test_a_later_version_than_the_first_waits_for_a_moderator(version: CourseVersion) -> None:
    with transaction():
        assert load_courses(publish=False, first=True) == {"new": 1, "changed": 0, "same": 0, "published": 0}
    found = find_current(SLUG)
    assert found is not None
    assert found.number == 1


def test_programs_read_the_courses_and_never_a_question(client: CheckingClient, version: CourseVersion) -> None:
    listed = client.get("/api/v1/learn/courses").json
    assert listed is not None
    [row] = listed["data"]
    assert (row["slug"], row["version"], row["level"]) == (SLUG, 1, "safeguarding_basics")
    whole = client.get(f"/api/v1/learn/courses/{SLUG}")
    assert whole.json is not None
    assert whole.headers["Cache-Control"] == "public, no-cache", "it may be retired at any moment"
    assert (len(whole.json["lessons"]), len(whole.json["sources"])) == (6, 8)
    assert not [one for lesson in version.lessons for one in lesson.questions if one.text[:30] in whole.text]
    assert client.get("/api/v1/learn/courses/unheard-of").status_code == 404


def test_from_the_first_lesson_to_the_last_with_plain_forms(
    client: CheckingClient, sign_in: SignIn, version: CourseVersion
) -> None:
    person = make_person(name="Sam Learns")
    sign_in(person)
    here = client.post(f"{HOME}/begin")
    for lesson in version.lessons:
        assert here.headers["Location"] == f"{HOME}/lessons/{lesson.position}"
        assert "On to the questions" in client.get(here.headers["Location"]).text
        asked = f"{HOME}/lessons/{lesson.position}/questions"
        page = client.get(asked).text
        assert page.count("<fieldset") == len(lesson.questions)
        sent = {}
        for number in range(1, len(lesson.questions) + 1):
            # By what the page shows: the place of the right words.
            labels = re.findall(rf'value="(\d)"><label for="question_{number}-\d">(.*?)</label>', page)
            rights = {str(o.text) for q in lesson.questions for o in q.options if o.is_right}
            shown = [(place, re.sub("&#39;", "'", text)) for place, text in labels]
            sent[f"question_{number}"] = next(place for place, text in shown if text in rights)
        here = client.post(asked, data=sent)
        assert here.status_code == 303
        if lesson.position < 6:
            told = client.get(here.headers["Location"]).text
            assert told.count("You chose the right answer:") == len(lesson.questions)
            assert all(str(question.explanation[:40]) in told for question in lesson.questions)
            here = client.post(f"{HOME}/begin")
    result = client.get(here.headers["Location"])
    assert result.request.path == f"{HOME}/result"
    assert "You passed: Safeguarding basics" in text_of(result.text)
    assert "14 of 14 answers were right" in text_of(result.text)
    assert "Sam Learns" in result.text


def test_no_page_tells_what_is_right_before_it_is_answered(
    client: CheckingClient, sign_in: SignIn, version: CourseVersion
) -> None:
    """The page of the questions is the same, byte for byte, whichever option is right."""
    sign_in(person := make_person())
    begin(person)
    asked = f"{HOME}/lessons/1/questions"

    def page() -> str:
        return re.sub(r'name="csrf_token"[^>]*', "", client.get(asked).text)

    before = page()
    with transaction():
        for question in version.lessons[0].questions:
            options = db.session.scalars(sa.select(LessonOption).where(LessonOption.question_id == question.id)).all()
            was = next(option for option in options if option.is_right)
            was.is_right = False
            db.session.flush()
            next(option for option in options if option.id != was.id).is_right = True
    assert page() == before
    assert not [one for one in version.lessons[0].questions if one.explanation[:30] in before]


def test_the_order_is_the_same_at_every_look_and_another_in_the_next_attempt(
    client: CheckingClient, sign_in: SignIn, version: CourseVersion
) -> None:
    sign_in(person := make_person())
    orders = []
    for _attempt in range(6):
        attempt = begin(person)
        page = client.get(f"{HOME}/lessons/2/questions").text
        order = re.findall(r'<label for="question_\d-\d">(.*?)</label>', page)
        page = client.get(f"{HOME}/lessons/2/questions").text
        assert re.findall(r'<label for="question_\d-\d">(.*?)</label>', page) == order
        orders.append(order)
        answer_all(attempt.id, person, wrong=14)
    assert len({tuple(order) for order in orders}) > 3
    assert len({tuple(sorted(order)) for order in orders}) == 1


def test_a_missing_or_a_strange_answer_is_asked_for_again_and_the_others_are_kept(
    client: CheckingClient, sign_in: SignIn, version: CourseVersion
) -> None:
    sign_in(person := make_person())
    attempt = begin(person)
    asked = f"{HOME}/lessons/1/questions"
    for sent in ({"question_1": "1"}, {"question_1": "1", "question_2": "7"}, {"question_1": "1", "question_2": "-1"}):
        answer = client.post(asked, data=sent)
        assert answer.status_code == 422
        assert "<title>Error: " in answer.text
        assert re.search(r'<input checked id="question_1-1"', answer.text)
    assert client.post(asked, data={}).status_code == 422
    assert list_answers(attempt.id) == {}


def test_answers_are_judged_once_and_only_of_ones_own_attempt(version: CourseVersion) -> None:
    person, other = make_person(), make_person()
    attempt = begin(person)

    def answer(chosen: dict[int, int], by: Person = person, position: int = 1) -> None:
        with transaction():
            answer_course(attempt.id, position, chosen, by=by, issuer="Manyhands")

    assert refused(answer_course, attempt.id, 1, choose(version, 1), by=other, issuer="M") == ["not_found"]
    for chosen in ({}, choose(version, 2), dict.fromkeys(choose(version, 1), 1)):
        with pytest.raises(InvalidInput):
            answer(chosen)
    answer(choose(version, 1, right=False))
    answer(choose(version, 1))
    assert list_answers(attempt.id) == choose(version, 1, right=False), "the first ones count"
    one = version.lessons[0].questions[0]
    again = {"attempt_id": attempt.id, "question_id": one.id, "option_id": one.options[0].id}
    breaks(sa.insert(CourseAnswer).values(again))
    second = {"course_id": attempt.course_id, "version_id": version.id, "person_id": person.id}
    breaks(sa.insert(CourseAttempt).values(id=new_id(), started_at=now(), last_at=now(), **second))


@pytest.mark.parametrize(("wrong", "passed"), [(0, True), (2, True), (3, False), (14, False)])
def test_the_pass_mark_is_a_share_of_all_answers(version: CourseVersion, wrong: int, passed: bool) -> None:
    person = make_person()
    made = pass_course(person, wrong=wrong)
    assert (made is not None) == passed
    [attempt] = db.session.scalars(sa.select(CourseAttempt)).all()
    assert (attempt.right_count, attempt.asked_count, attempt.passed) == (14 - wrong, 14, passed)


def test_not_passed_is_told_kindly_and_tried_again(
    client: CheckingClient, sign_in: SignIn, version: CourseVersion
) -> None:
    sign_in(person := make_person())
    assert pass_course(person, wrong=5) is None
    page = text_of(client.get(f"{HOME}/result").text)
    assert "Not passed yet: Safeguarding basics" in page
    assert "9 of 14 answers were right; 12 are needed" in page
    assert page.count("Better:") == page.count("Read the lesson again:") == 5
    words = re.compile(r"\b(fail|failed|wrong|poor|unfortunately|score|only)\b", re.IGNORECASE)
    for name in ("result", "answered", "_parts"):
        assert not words.search((TEMPLATES / f"{name}.html").read_text()), name
    assert client.post(f"{HOME}/begin").headers["Location"] == f"{HOME}/lessons/1"
    attempt = find_open_attempt(person.id, version.course_id)
    assert attempt is not None
    assert answer_all(attempt.id, person) is not None
    assert "You passed" in client.get(f"{HOME}/result").text


def test_what_was_begun_is_kept(client: CheckingClient, sign_in: SignIn, version: CourseVersion) -> None:
    sign_in(person := make_person())
    attempt = begin(person)
    answer_all(attempt.id, person, lessons=3)
    assert "3 lessons of 6 are done" in text_of(client.get(HOME).text)
    assert "3 lessons of 6 are done" in text_of(client.get("/my-clearances").text)
    assert "You are in the middle of a course: Safeguarding basics" in text_of(client.get("/my-help").text)
    assert client.post(f"{HOME}/begin").headers["Location"] == f"{HOME}/lessons/4"
    # A minor version comes out: what was begun is finished as it was.
    make_course(version=2, title="Safeguarding basics, mended")
    assert client.post(f"{HOME}/begin").headers["Location"] == f"{HOME}/lessons/4"
    assert "Your answers" in client.get(f"{HOME}/lessons/3").text
    # One that asks everybody again: it is begun anew, and what was open cannot be finished.
    make_course(version=3, asks_again=True)
    assert refused(answer_course, attempt.id, 4, choose(version, 4), by=person, issuer="M") == ["newer_version"]
    assert client.post(f"{HOME}/begin").headers["Location"] == f"{HOME}/lessons/1"
    begun = find_open_attempt(person.id, version.course_id)
    assert begun is not None
    assert (begun.version.number, list_answers(begun.id)) == (3, {})


@pytest.mark.rule("G4")
def test_a_minor_begins_once_a_guardian_agreed(client: CheckingClient, sign_in: SignIn, version: CourseVersion) -> None:
    minor = make_person(birth_date=today("UTC") - dt.timedelta(days=15 * 365))
    sign_in(minor)
    assert client.get(f"{HOME}/lessons/1").status_code == 200
    answer = client.post(f"{HOME}/begin")
    assert answer.status_code == 409
    assert "a guardian must agree first" in answer.text
    guardian = make_guardian(minor)
    attempt = begin(minor)
    with transaction():
        db.session.merge(guardian).status = "withdrawn"
    assert refused(answer_course, attempt.id, 1, choose(version, 1), by=minor, issuer="M") == ["guardian_consent"]


def test_somebody_held_neither_begins_nor_answers(version: CourseVersion) -> None:
    person = make_person()
    attempt = begin(person)
    with transaction():
        db.session.get_one(Person, person.id).status = "held"
    assert refused(begin_course, SLUG, by=person) == ["not_active"]
    assert refused(answer_course, attempt.id, 1, choose(version, 1), by=person, issuer="M") == ["not_active"]


def test_what_is_left_lying_is_forgotten(version: CourseVersion) -> None:
    person = make_person()
    begun = begin(person)
    answer_all(begun.id, person, lessons=1)
    pass_course(other := make_person())
    for days, left in ((364, 2), (366, 1), (3 * 366 - 1, 1), (3 * 366 + 1, 0)):
        with time_machine.travel(now() + dt.timedelta(days=days), tick=False), transaction():
            purge_attempts()
        assert db.session.scalar(sa.select(sa.func.count()).select_from(CourseAttempt)) == left, days
    assert db.session.scalar(sa.select(sa.func.count()).select_from(CourseAnswer)) == 0
    assert db.session.scalars(sa.select(Clearance).where(Clearance.person_id == other.id)).one()


# --- moderators -----------------------------------------------------------------------------------------------------


def test_a_moderator_reads_a_version_whole_and_publishes_it(client: CheckingClient, sign_in: SignIn) -> None:
    moderator = make_person(platform_role="moderator")
    sign_in(moderator)
    assert "There is no course yet" in client.get("/moderation/courses").text
    with transaction():
        load_courses(publish=False)
    [draft] = db.session.scalars(sa.select(CourseVersion.id)).all()
    read = f"/moderation/courses/{encode_id(draft)}"
    page = client.get(read)
    assert page.text.count("circle-check") == 14, "the right answers"
    assert "Those who passed" not in page.text, "nobody has yet"
    assert client.get(HOME).status_code == 404
    assert client.post(read).status_code == 303
    assert client.get(HOME).status_code == 200
    pass_course(make_person())
    begin(make_person())
    desk = text_of(client.get("/moderation/courses").text)
    assert "Safeguarding basics, 2 Taken now 6 14 1 1" in desk
    make_course(version=3, publish=False, title="Safeguarding, newly")
    newest = db.session.scalars(sa.select(CourseVersion.id).where(CourseVersion.number == 3)).one()
    read = f"/moderation/courses/{encode_id(newest)}"
    unsaid = client.post(read)
    assert unsaid.status_code == 422
    assert "Say whether those who passed an earlier version are asked again" in unsaid.text
    assert client.post(read, data={"again": "again"}).status_code == 303
    assert client.post(read, data={"again": "again"}).status_code == 409
    version = find_version(newest)
    assert version is not None
    assert (version.published_by_id, version.asks_again, version.course.counts_from) == (moderator.id, True, 3)
    desk = text_of(client.get("/moderation/courses").text)
    assert "Safeguarding, newly, 3 Taken now" in desk
    assert "Safeguarding basics, 2 Replaced" in desk


def test_a_retired_course_is_begun_by_nobody_and_can_come_back(
    client: CheckingClient, sign_in: SignIn, version: CourseVersion
) -> None:
    sign_in(person := make_person(platform_role="moderator"))
    pass_course(person)
    assert client.post(f"/moderation/courses/{SLUG}/retire").status_code == 303
    assert client.get(HOME).status_code == client.post(f"{HOME}/begin").status_code == 404
    assert refused(begin_course, SLUG, by=person) == ["not_offered"]
    assert "You passed" in client.get(f"{HOME}/result").text, "what one passed stays readable"
    assert "Safeguarding basics, 1 Retired" in text_of(client.get("/moderation/courses").text)
    assert client.post(f"/moderation/courses/{SLUG}/reopen").status_code == 303
    assert client.get(HOME).status_code == 200
    with transaction():
        retire_course(version.course_id, by=person)
        retire_course(version.course_id, by=person)
    events = sa.select(AuditEvent.action).where(AuditEvent.action.like("course.re%")).order_by(AuditEvent.id)
    actions = db.session.scalars(events).all()
    assert actions == ["course.retired", "course.reopened", "course.retired"]


def test_pages_cost_the_same_for_many_lessons(
    client: CheckingClient, sign_in: SignIn, count_queries: list[str], app: Flask
) -> None:
    few, many = read_basics(slug="few"), read_basics(slug="many")
    few = dataclasses.replace(few, lessons=few.lessons[:2])
    many = dataclasses.replace(many, lessons=many.lessons * 4)
    person = make_person()
    counted = []
    for read in (few, many):
        with transaction():
            publish_version(store_version(read)[0].id, asks_again=False, by=None)
        with transaction():
            begin_course(read.slug, by=person)
        sign_in(person)
        for page in ("", "/lessons/1", "/lessons/1/questions"):
            db.session.remove()
            count_queries.clear()
            assert client.get(f"/learn/courses/{read.slug}{page}").status_code == 200
            counted.append(len(count_queries))
    assert counted[:3] == counted[3:]
    assert max(counted) <= 22
    assert db.session.scalar(sa.select(sa.func.count()).select_from(Lesson)) == 26
