"""Organizations from CSV: what they are called and where they are, and whose they are when somebody runs them already.

A row without an owner makes a page that nobody runs yet, to be claimed. A name that is there already is left as it is: what
its people wrote since is theirs.
"""

from __future__ import annotations

import re

from app.accounts.queries import find_person_by_email
from app.core.db import db
from app.core.errors import InvalidInput, Refused
from app.core.text import line
from app.imports.files import Row
from app.imports.need_rows import MOST_OF_ONE
from app.imports.needs import CHECKED, Reject, Summary, why_refused
from app.moderation.operations import verify_organization
from app.organizations.acting import acts
from app.organizations.causes import CAUSES, find_cause
from app.organizations.operations import name_key, register_organization
from app.organizations.queries import find_organizations_by_key

COLUMNS = ("name", "country", "place", "time_zone", "description", "website", "causes", "owner")


def take(rows: list[Row], summary: Summary, *, country: str, verified: bool) -> list[Reject]:
    """Write one batch in the caller's transaction; gives back the rows that were not taken. `country` (ISO 3166-1 alpha-2)
    goes for rows that name none; with `verified` the operator vouches, on record, for what is made."""
    rejects: list[Reject] = []
    for row in rows:
        reason = row.fault or _take_one(row, summary, country, verified)
        if reason:
            summary.rejected += 1
            rejects.append(Reject(row, reason))
    return rejects


def _take_one(row: Row, summary: Summary, country: str, verified: bool) -> str:
    """Every reason why the row was not taken, or ""."""
    cells = {name: line(cell) or "" for name, cell in row.cells.items() if name != "description"}
    name, mail = cells.get("name", ""), cells.get("owner", "")
    if name and find_organizations_by_key([name_key(name)]):
        summary.unchanged += 1
        return ""
    causes = [word.strip().lower() for word in re.split(r"[;,]", cells.get("causes", "")) if word.strip()]
    faults = [] if name else ["name is required"]
    faults += [f"causes: we do not know {word[:60]}" for word in causes if find_cause(word) is None][:MOST_OF_ONE]
    owner = find_person_by_email(mail) if mail else None
    if mail and owner is None:
        faults.append("owner: nobody with this address has an account")
    if owner is not None and not owner.is_email_verified:
        faults.append("owner: has not shown yet that the address is theirs")
    elif owner is not None and not acts(owner):
        faults.append("owner: suspended or a minor whose guardian has not agreed")
    if faults:
        return "; ".join(faults)
    place, zone = cells.get("place") or None, cells.get("time_zone") or None
    try:
        with db.session.begin_nested():
            made = register_organization(
                name=name,
                by=None,
                owner=owner,
                country=(cells.get("country") or country).upper(),
                time_zone=zone or (None if place else "UTC"),
                place=place,
                description=row.cells.get("description", ""),
                website=cells.get("website") or None,
            )
            made.causes = [cause.slug for cause in CAUSES if cause.slug in causes]
            if verified:
                verify_organization(made.id, by=None, checked=CHECKED)
    except (InvalidInput, Refused) as error:
        return why_refused(error)
    summary.created += 1
    return ""
