"""The moderators' page of courses: versions, how often each was passed, and which one is taken. Texts come from files
(`flask learning courses load`); here a moderator reads a version whole and publishes it."""

from __future__ import annotations

from flask import flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue

from app.accounts.session import current_person
from app.core.db import transaction
from app.core.errors import Reason, Refused
from app.core.i18n import _
from app.core.web import allow
from app.learning.courses import operations
from app.learning.courses import queries as courses_of
from app.learning.courses.models import Course, CourseVersion
from app.learning.rendering import render
from app.moderation.policy import can_moderate
from app.safeguarding.forms import PublishForm
from app.safeguarding.views.blueprint import courses


@courses.get("/moderation/courses")
@allow(can_moderate)
def desk() -> ResponseReturnValue:
    """Every version of every course."""
    return render_template("courses/desk.html", rows=courses_of.list_versions())


@courses.route("/moderation/courses/<id:course_version_id>", methods=["GET", "POST"])
@allow(can_moderate, load=lambda course_version_id: courses_of.find_version(course_version_id))
def publish(version: CourseVersion) -> ResponseReturnValue:
    """All that a version says, with the right answers, to be read before it is published."""
    earlier = [
        row
        for row in courses_of.list_versions()
        if row.version.course_id == version.course_id and row.version.status == "published"
    ]
    form, reasons = PublishForm(), list[Reason]()
    if not earlier:
        del form.again  # of a first version there is nothing to ask again
    if form.validate_on_submit():
        try:
            with transaction():
                asks_again = bool(earlier) and form.again.data == "again"
                operations.publish_version(version.id, asks_again=asks_again, by=current_person())
        except Refused as refused:
            reasons = refused.reasons
        else:
            flash(_("Published. From now on this version is taken."), "done")
            return redirect(url_for("courses.desk"), code=303)
    page = render_template(
        "courses/publish.html",
        version=version,
        parts={lesson.position: render(lesson.body, {}).parts for lesson in version.lessons},
        earlier=earlier,
        form=form,
        reasons=reasons,
    )
    return page, 409 if reasons else 422 if form.errors else 200


@courses.post("/moderation/courses/<slug>/retire")
@allow(can_moderate, load=courses_of.find_course)
def retire(course: Course) -> ResponseReturnValue:
    """Nobody begins it any more."""
    with transaction():
        operations.retire_course(course.id, by=current_person())
    flash(_("Retired: nobody begins it any more. Completions count until they end."), "done")
    return redirect(url_for("courses.desk"), code=303)


@courses.post("/moderation/courses/<slug>/reopen")
@allow(can_moderate, load=courses_of.find_course)
def reopen(course: Course) -> ResponseReturnValue:
    """It is offered again."""
    with transaction():
        operations.reopen_course(course.id, by=current_person())
    flash(_("Offered again."), "done")
    return redirect(url_for("courses.desk"), code=303)
