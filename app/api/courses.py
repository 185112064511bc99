"""Courses, for programs to read: what they say and on which public documents they rest. Questions are asked on pages only."""

from __future__ import annotations

import marshmallow as ma
from flask.typing import ResponseReturnValue

from app.api import frame, schemas
from app.core import web
from app.core.web import public
from app.learning.courses import queries
from app.learning.courses.models import CourseVersion

resource = frame.blueprint("courses", "Short courses, with the public documents they rest on")


class CourseOut(frame.Schema):
    """A course by the version that is taken now. `level`: what a completion is called as a requirement of kind `training`."""

    slug = ma.fields.String(required=True)
    title = ma.fields.String(required=True)
    summary = ma.fields.String(required=True)
    minutes = ma.fields.Integer(required=True)
    version = ma.fields.Integer(required=True)
    validity_months = ma.fields.Integer(required=True)
    level = ma.fields.String(required=True)
    url = ma.fields.String(required=True)


class CourseSourceOut(frame.Schema):
    """A public document, and what was taken from it."""

    publisher = ma.fields.String(required=True)
    title = ma.fields.String(required=True)
    year = ma.fields.Integer(required=True)
    taken = ma.fields.String(required=True)


class LessonOut(frame.Schema):
    """A lesson, in Markdown; lines `:::sensitive …` to `:::` are to be folded behind that warning."""

    title = ma.fields.String(required=True)
    body = ma.fields.String(required=True)


class WholeCourseOut(CourseOut):
    """A course with all that is read in it. `pass_mark`: the share of answers that must be right, in percent."""

    audience = ma.fields.String(required=True)
    pass_mark = ma.fields.Integer(required=True)
    checked_on = ma.fields.String(required=True, metadata=schemas.DATE)
    checked_by = ma.fields.String(required=True)
    note = ma.fields.String(required=True)
    sources = ma.fields.List(ma.fields.Nested(CourseSourceOut), required=True)
    lessons = ma.fields.List(ma.fields.Nested(LessonOut), required=True)


CourseList = frame.list_schema(CourseOut, "CourseList")


def _course(row: queries.Offered) -> dict[str, object]:
    return {
        "slug": row.slug,
        "title": row.title,
        "summary": row.summary,
        "minutes": row.minutes,
        "version": row.number,
        "validity_months": row.validity_months,
        "level": row.level,
        "url": f"{web.settings().base_url}/learn/courses/{row.slug}",
    }


@resource.route("/learn/courses", methods=["GET"])
@public
@resource.response(200, CourseList)
def index() -> ResponseReturnValue:
    """The courses that can be taken, by title: all of them, in one answer."""
    return {"data": [_course(row) for row in queries.list_offered()], "next_cursor": None}


@resource.route("/learn/courses/<slug>", methods=["GET"])
@public(load=queries.find_current)
@resource.response(200, WholeCourseOut)
def show(version: CourseVersion) -> ResponseReturnValue:
    """A course with its lessons and sources."""
    offered = queries.Offered(
        version.course.slug,
        version.title,
        version.summary,
        version.minutes,
        version.number,
        version.validity_months,
    )
    body = {
        **_course(offered),
        "audience": version.audience,
        "pass_mark": version.pass_mark,
        "checked_on": version.checked_on.isoformat(),
        "checked_by": version.checked_by,
        "note": version.note,
        "sources": [
            {"publisher": each.publisher, "title": each.title, "year": each.year, "taken": each.taken}
            for each in version.sources
        ],
        "lessons": [{"title": each.title, "body": each.body} for each in version.lessons],
    }
    return frame.with_digest(WholeCourseOut, body)
