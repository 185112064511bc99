"""Supporters from CSV: email and name, birth date, place, skills. The e-mail counts as verified: the operator vouches.

Rows of children under 13 are rejected without anything of them being copied anywhere, the file of rejects included (G4).
"""

from __future__ import annotations

import datetime as dt
import re

from app.accounts.operations import create_person, edit_profile
from app.accounts.queries import find_person_by_email
from app.accounts.skills import find_skill
from app.core.clock import age_on, today
from app.core.db import db
from app.core.errors import InvalidInput, Refused
from app.core.text import line
from app.imports.files import Row
from app.imports.need_rows import MOST_OF_ONE
from app.imports.needs import Reject, Summary, why_refused

COLUMNS = ("email", "name", "birth_date", "place", "skills")
MINIMUM_AGE = 13


def take(rows: list[Row], summary: Summary) -> list[Reject]:
    """Write one batch in the caller's transaction; gives back the rows that were not taken."""
    rejects: list[Reject] = []
    for row in rows:
        reason = row.fault or _take_one(row, summary)
        if reason is not None and reason:
            summary.rejected += 1
            # Nothing of a child is kept: the reject has the line, and none of its cells.
            rejects.append(Reject(Row(row.line, {}) if reason == UNDER_AGE else row, reason))
    return rejects


UNDER_AGE = "under 13: nothing of this row was kept"


def _take_one(row: Row, summary: Summary) -> str:
    """Every reason why the row was not taken, or ""."""
    cells = {name: line(cell) or "" for name, cell in row.cells.items()}
    faults: list[str] = []
    birth_date: dt.date | None = None
    if cells.get("birth_date"):
        try:
            birth_date = dt.date.fromisoformat(cells["birth_date"])
        except ValueError:
            faults.append("birth_date is no ISO date")
        else:
            if age_on(birth_date, today("Pacific/Kiritimati")) < MINIMUM_AGE:
                return UNDER_AGE
    if not cells.get("email") or not cells.get("name"):
        faults.append("email and name are required")
    skills = [word.strip().lower() for word in re.split(r"[;,]", cells.get("skills", "")) if word.strip()]
    faults += [f"skills: we do not know {word[:60]}" for word in skills if find_skill(word) is None][:MOST_OF_ONE]
    if faults:
        return "; ".join(faults)
    if find_person_by_email(cells["email"]) is not None:
        summary.unchanged += 1
        return ""
    try:
        with db.session.begin_nested():
            person = create_person(email=cells["email"], name=cells["name"], password=None, birth_date=birth_date)
            edit_profile(person.id, by=person, place=cells.get("place") or None, skills=skills)
    except (InvalidInput, Refused) as error:
        return why_refused(error)
    summary.created += 1
    return ""
