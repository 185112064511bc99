"""Brings courses from files into the database; again, it changes nothing that is there."""

from __future__ import annotations

from pathlib import Path

from app.learning.courses.files import FOLDER, read_courses
from app.learning.courses.operations import publish_version, store_version
from app.learning.courses.queries import find_course, find_current


def load_courses(folder: Path = FOLDER, *, publish: bool, first: bool = False) -> dict[str, int]:
    """Store every version below `folder` (or the one in it) in the caller's transaction: as a draft, or with `publish`
    published as its file says whether it asks again; with `first` published only where nothing of the course is yet, because
    what asks people again is for a moderator to decide. How many were new, changed (drafts with other words), the same, and
    published now.

    Raises ValueError for a file that cannot be read, Refused for a version that is published with other words.
    """
    counted = {"new": 0, "changed": 0, "same": 0, "published": 0}
    for read in read_courses(folder):
        is_new = find_course(read.slug) is None
        version, how = store_version(read)
        counted[how] += 1
        begins = first and find_current(read.slug) is None and (is_new or version.number == 1)
        if version.status == "draft" and (publish or begins):
            publish_version(version.id, asks_again=read.asks_again, by=None)
            counted["published"] += 1
    return counted
