"""A course as it is written in files: `course.toml` with its sources, lessons and questions, beside a Markdown file a lesson.

The folder's name is the course's slug. Whatever a page could not show or nobody could answer is refused when it is read.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
import hashlib
import json
import re
import tomllib
from pathlib import Path
from typing import Any

from app.learning.marks import broken_fold

FOLDER = Path(__file__).parent.parent / "data" / "courses"
SLUG = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")
# Trainings of the catalogue of requirements that staff record because they saw them: no quiz stands for one.
TAUGHT_IN_PERSON = frozenset({"first-aid", "food-hygiene"})


@dataclasses.dataclass(frozen=True)
class QuestionFile:
    """A question, its one right answer and the others, and why."""

    text: str
    explanation: str
    right: str
    wrong: tuple[str, ...]


@dataclasses.dataclass(frozen=True)
class LessonFile:
    """A lesson; `sources` are keys of the course's sources."""

    title: str
    body: str
    sources: tuple[str, ...]
    questions: tuple[QuestionFile, ...]


@dataclasses.dataclass(frozen=True)
class SourceFile:
    """A public document and what was taken from it."""

    key: str
    publisher: str
    title: str
    year: int
    taken: str


@dataclasses.dataclass(frozen=True)
class CourseFile:
    """One version of a course. `asks_again`: those who passed an earlier one pass this one to be trained."""

    slug: str
    version: int
    title: str
    summary: str
    audience: str
    minutes: int
    pass_mark: int
    validity_months: int
    checked_on: dt.date
    checked_by: str
    note: str
    asks_again: bool
    sources: tuple[SourceFile, ...]
    lessons: tuple[LessonFile, ...]

    @property
    def digest(self) -> str:
        """Of everything that it says to a reader; not whether it asks again."""
        said = {**dataclasses.asdict(self), "checked_on": self.checked_on.isoformat()}
        del said["asks_again"]
        return hashlib.sha256(json.dumps(said, sort_keys=True).encode()).hexdigest()


def read_courses(folder: Path = FOLDER) -> list[CourseFile]:
    """Every course below `folder`, by slug; or the one that `folder` itself holds. Raises ValueError with what is wrong and
    where."""
    if (folder / "course.toml").is_file():
        return [read_course(folder)]
    return [read_course(file.parent) for file in sorted(folder.glob("*/course.toml"))]


def read_course(folder: Path) -> CourseFile:
    """The course in `folder`. Raises ValueError with what is wrong and where."""
    slug = folder.resolve().name
    try:
        made = _read(slug, folder, tomllib.loads((folder / "course.toml").read_text(encoding="utf-8")))
    except (KeyError, TypeError, AttributeError, OSError, tomllib.TOMLDecodeError) as fault:
        raise ValueError(f"{slug}: cannot be read ({fault})") from fault
    if problems := _problems(made):
        raise ValueError(f"{slug}: " + "; ".join(problems))
    return made


def _read(slug: str, folder: Path, values: dict[str, Any]) -> CourseFile:
    lessons = tuple(
        LessonFile(
            title=lesson["title"],
            body=(folder / lesson["file"]).read_text(encoding="utf-8").strip(),
            sources=tuple(lesson["sources"]),
            questions=tuple(
                QuestionFile(each["text"], each["explanation"], each["right"], tuple(each["wrong"]))
                for each in lesson["question"]
            ),
        )
        for lesson in values["lesson"]
    )
    return CourseFile(
        slug=slug,
        sources=tuple(SourceFile(**source) for source in values["source"]),
        lessons=lessons,
        asks_again=values.get("asks_again", False),
        note=values.get("note", ""),
        **{
            name: values[name]
            for name in (
                "version", "title", "summary", "audience", "minutes", "pass_mark", "validity_months", "checked_on",
                "checked_by",
            )
        },
    )  # fmt: skip


def _problems(course: CourseFile) -> list[str]:
    found = []
    if course.slug in TAUGHT_IN_PERSON:
        found.append(
            "a course here does not stand for a training that staff see with their own eyes: choose another name"
        )
    if not SLUG.fullmatch(course.slug) or len(course.slug) > 40:
        found.append("the folder's name is lower-case letters, digits and dashes, at most 40")
    if not (course.version >= 1 and 1 <= course.pass_mark <= 100 and course.minutes >= 1):
        found.append("version, minutes and pass_mark are whole numbers above 0, pass_mark at most 100")
    if not 1 <= course.validity_months <= 24:
        found.append("validity_months is between 1 and 24: no training holds longer")
    if type(course.checked_on) is not dt.date:
        found.append("checked_on is a date")
    for name, most in (("title", 80), ("summary", 300), ("audience", 300), ("checked_by", 120), ("note", 500)):
        text = getattr(course, name)
        if len(text) > most or (not text and name != "note"):
            found.append(f"{name} has between 1 and {most} characters")
    keys = {source.key for source in course.sources}
    if not keys or len(keys) != len(course.sources):
        found.append("there are sources, each with a key of its own")
    for source in course.sources:
        if len(source.publisher) > 160 or len(source.title) > 200 or not 1 <= len(source.taken) <= 300:
            found.append(f"source {source.key}: publisher 160, title 200, taken 300 characters at most")
    if not course.lessons:
        found.append("there is a lesson")
    for number, lesson in enumerate(course.lessons, start=1):
        found += [f"lesson {number}: {problem}" for problem in _problems_of(lesson, keys)]
    return found


def _problems_of(lesson: LessonFile, keys: set[str]) -> list[str]:
    found = []
    if not 1 <= len(lesson.title) <= 80 or not lesson.body:
        found.append("a title of at most 80 characters, and a text")
    if broken_fold(lesson.body):
        found.append("a fold is not closed, or begins inside another")
    if re.search(r"\{\{|\[\^", lesson.body):
        found.append("marks of facts ({{fact …}}, [^…]) are for articles: a lesson names its sources beside it")
    if unknown := sorted(set(lesson.sources) - keys):
        found.append(f"unknown sources {', '.join(unknown)}")
    if not lesson.questions:
        found.append("asks a question")
    for each in lesson.questions:
        options = (each.right, *each.wrong)
        if len(set(options)) != len(options) or len(options) < 2 or max(map(len, options)) > 300 or not all(options):
            found.append(f"“{each.text}” has a right answer and others, all different, of 300 characters at most")
        if not 1 <= len(each.text) <= 400 or not 1 <= len(each.explanation) <= 600:
            found.append(f"“{each.text}”: question 400, explanation 600 characters at most")
    return found
