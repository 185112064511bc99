"""Posting a need, changing it, and moving it from state to state."""

from __future__ import annotations

import datetime as dt
from typing import Any

from app.accounts.models import Person
from app.accounts.skills import find_skill
from app.core import outbox
from app.core.clock import now, today
from app.core.db import db
from app.core.errors import InvalidInput, Reason, Refused, refuse
from app.core.i18n import _
from app.needs.asking import check_requirements, reasons_not_to_open
from app.needs.models import URGENCIES, DayFacts, Need
from app.needs.operations.freshness import keep_fresh
from app.needs.operations.inputs import PlaceInput
from app.needs.operations.places import set_place, whereabouts
from app.needs.operations.shared import changed, locked_need, record, require_not_closed
from app.needs.operations.shifts import tell_of_change
from app.needs.operations.unfinished import (
    forget_unfinished,
    reasons_of_unfinished,
    take_title,
    unfinished_rows,
)
from app.needs.queries import find_unfinished
from app.organizations.causes import find_cause
from app.organizations.members import hold_organization
from app.organizations.models import Organization

MAXIMUM_TITLE = 160
MAXIMUM_DESCRIPTION = 20_000
MAXIMUM_FACTS = {"bring": 500, "suits": 300, "parking": 300, "meeting_point": 300, "day_contact": 200}


def create_need(
    organization_id: int,
    *,
    by: Person | None,
    title: str,
    description: str = "",
    urgency: str = "normal",
    causes: list[str] | None = None,
    skills: list[str] | None = None,
    remote: bool = False,
    place: PlaceInput | None = None,
    private_address: bool = False,
    time_zone: str | None = None,
    ends_on: dt.date | None = None,
    **facts: Any,
) -> Need:
    """A draft. `time_zone` None is the place's, or without place the organization's. `facts` for who comes: bring, suits,
    parking (texts), step_free (None: not said); meeting_point and day_contact, told to those with a place only.

    Raises InvalidInput for a title that is missing, unknown skills or causes, a place that is not found; Refused (`merged`).
    """
    organization = hold_organization(organization_id)
    need = Need(
        organization_id=organization.id,
        title="",
        status="draft",
        time_zone=organization.time_zone,
        created_by_id=None if by is None else by.id,
        created_at=now(),
        updated_at=now(),
        version=1,
    )
    _write(
        need,
        {
            "title": title,
            "description": description,
            "urgency": urgency,
            "causes": causes or [],
            "skills": skills or [],
            "remote": remote,
            "ends_on": ends_on,
            **facts,
        },
    )
    db.session.add(need)
    db.session.flush()
    _write_day_facts(need, facts)
    set_place(need, organization, place, private=private_address, time_zone=time_zone)
    db.session.flush()
    record("need.created", need, by, need)
    return need


def edit_need(
    need_id: int,
    *,
    by: Person | None,
    version: int | None = None,
    place: PlaceInput | None = None,
    private_address: bool | None = None,
    time_zone: str | None = None,
    **values: Any,
) -> Need:
    """Change what is given (title, description, urgency, causes, skills, requirements, remote, ends_on, facts as in
    create_need; place as a whole).

    With `version`, only when nobody changed the need since that one. When the place changes, whoever has a place on a
    shift ahead is told (S6), and shifts in the place's zone follow it; when what it requires changes, they are asked again
    (G1). Raises Refused (`closed`, `changed_meanwhile`),
    InvalidInput as create_need and when an open need would ask people to a place nobody knows.
    """
    need = locked_need(need_id)
    require_not_closed(need)
    if version is not None and need.version != version:
        raise refuse(
            "changed_meanwhile", _("Somebody else changed this need meanwhile."), _("Look at it again before you save.")
        )
    if values.get("title", need.title) != need.title:
        take_title(need)
    before, zone, last_day, asked = whereabouts(need), need.time_zone, need.ends_on, need.requirements
    with db.session.no_autoflush:  # the database refuses what is refused with words below
        _write(need, values)
        private = need.private_address if private_address is None else private_address
        if place is not None or time_zone is not None or private != need.private_address:
            set_place(need, need.organization, place, private=private, time_zone=time_zone)
        if need.status != "draft":
            if not need.remote and need.latitude is None:
                raise InvalidInput({"place": _("Say where, or that it can be done from anywhere")})
            if need.ends_on is not None and need.ends_on != last_day and need.ends_on < today(need.time_zone):
                raise InvalidInput({"ends_on": _("This day is over")})
    db.session.flush()
    _write_day_facts(need, values)
    moved = whereabouts(need) != before
    for shift in need.shifts if moved or need.requirements != asked else ():
        if moved and shift.time_zone == zone:
            shift.time_zone = need.time_zone
        tell_of_change(shift)
    if moved and need.status != "draft":
        # Whoever promised to bring something has to know where to.
        where = {"need_id": need.id, "version": need.version + 1}
        outbox.enqueue("need_moved", where, key=f"need_moved:{need.id}:{need.version + 1}")
    changed(need)
    record("need.edited", need, by, need)
    return need


def publish_need(need_id: int, *, by: Person | None) -> Need:
    """Open a draft to the public, or a paused need again. Raises Refused with every reason against it (S11, G1, N1)."""
    need = locked_need(need_id)
    if need.status == "open":
        return need
    require_not_closed(need)
    open_again(need, by)
    return need


def reasons_not_to_publish(need: Need) -> list[Reason]:
    """What a need lacks before the public may see it; empty when it is ready. Reads only."""
    typed = find_unfinished(need)
    return [
        *_reasons_of(need.organization),
        *_reasons_of_text(need, typed),
        *_reasons_of_asking(need, typed),
        *reasons_of_unfinished(need, typed),
    ]


def _reasons_of(organization: Organization) -> list[Reason]:
    """Unverified: drafts only (N1)."""
    found = []
    if organization.verified_at is None:
        found.append(
            Reason(
                "organization_unverified",
                _("Your organization is not verified yet."),
                _("A moderator checks it; until then needs stay drafts."),
            )
        )
    if organization.status != "active":
        found.append(
            Reason(
                "organization_suspended",
                _("Your organization is suspended."),
                _("Write to the people who run this site."),
            )
        )
    return found


def _reasons_of_text(need: Need, typed: dict[str, Any]) -> list[Reason]:
    found = []
    if not need.title.strip() or "title" in typed:
        found.append(Reason("title", _("The title is empty."), _("Name the thing that is needed.")))
    if not need.description.strip():
        found.append(Reason("description", _("The description is empty."), _("Say what is needed and why.")))
    if not need.remote and need.latitude is None:
        found.append(
            Reason("place", _("Nobody knows where it is."), _("Give a town or postal code, or say it is remote."))
        )
    if need.ends_on is not None and need.ends_on < today(need.time_zone):
        found.append(Reason("past", _("Its last day is over."), _("Give a later last day.")))
    return found


def _reasons_of_asking(need: Need, typed: dict[str, Any]) -> list[Reason]:
    """It asks for something that can still be given, and each shift ahead may be opened (G1)."""
    found = []
    shifts = [shift for shift in need.shifts if shift.status != "cancelled"]
    ahead = [shift for shift in shifts if not shift.is_over]
    asks = bool(ahead) or any(not item.do_not_bring for item in need.items)
    if not asks and not unfinished_rows(need, typed):  # that those are incomplete is said by itself
        if shifts:
            found.append(Reason("asks_nothing", _("All its shifts are over."), _("Add a shift, or an item.")))
        else:
            found.append(
                Reason("asks_nothing", _("It asks for nothing yet."), _("Add a shift, a flexible role or an item."))
            )
    return found + reasons_not_to_open(need, ahead)


def pause_need(need_id: int, *, by: Person | None) -> Need:
    """Take an open need out of sight; places and promises stay. Raises Refused when it is not open."""
    need = locked_need(need_id)
    if need.status == "paused":
        return need
    if need.status not in ("open", "filled"):
        raise refuse("not_open", _("Only an open need can be paused."))
    move(need, "paused", "need.paused", by)
    return need


def open_again(need: Need, by: Person | None) -> None:
    """Open a need that is locked. Raises Refused with every reason against it."""
    reasons = reasons_not_to_publish(need)
    if reasons:
        raise Refused(reasons)
    action = "need.reopened" if need.published_at is not None else "need.published"
    need.published_at, need.closed_at, need.closed_from = need.published_at or now(), None, None
    keep_fresh(need)
    forget_unfinished(need)
    move(need, "open", action, by)


def move(need: Need, status: str, action: str, by: Person | None) -> None:
    """To another state, with what every change ends with."""
    need.status = status
    changed(need)
    record(action, need, by, need)


def _write(need: Need, values: dict[str, Any]) -> None:
    """Set the plain fields of a need. Raises InvalidInput, naming the field."""
    errors = _check(values)
    if errors:
        raise InvalidInput(errors)
    for name in ("urgency", "remote", "ends_on"):
        if name in values:
            setattr(need, name, values[name])
    for name in ("title", "description"):
        if name in values:
            setattr(need, name, values[name].strip())
    for name in ("bring", "suits", "parking"):
        if name in values:
            setattr(need, name, (values[name] or "").strip())
    if "step_free" in values:
        need.step_free = values["step_free"]
    if values.get("requirements") is not None:
        ahead = [shift for shift in need.shifts if shift.status != "cancelled" and not shift.is_over]
        need.requirements = check_requirements(values["requirements"], {shift.contact for shift in ahead})
    for name in ("skills", "causes"):
        if name in values:
            setattr(need, name, sorted(set(values[name])))


def _write_day_facts(need: Need, values: dict[str, Any]) -> None:
    """Where exactly they meet and whom to call, as far as given; nothing to say keeps no row."""
    given = {
        column: (values[name] or "").strip()
        for name, column in (("meeting_point", "meeting_point"), ("day_contact", "contact"))
        if name in values
    }
    if not given:
        return
    row = db.session.get(DayFacts, need.id) or DayFacts(need_id=need.id, meeting_point="", contact="")
    for column, text in given.items():
        setattr(row, column, text)
    if row.meeting_point or row.contact:
        db.session.add(row)
    elif row in db.session:
        db.session.delete(row)
    db.session.flush()


def _check(values: dict[str, Any]) -> dict[str, str]:
    errors: dict[str, str] = {}
    if "title" in values and not (values["title"] or "").strip():
        errors["title"] = _("Enter a title")
    elif len(values.get("title", "")) > MAXIMUM_TITLE:
        errors["title"] = _("Write 160 characters or fewer")
    for name, most in MAXIMUM_FACTS.items():
        if len(values.get(name) or "") > most:
            errors[name] = _("Write %(most)s characters or fewer", most=most)
    if len(values.get("description", "")) > MAXIMUM_DESCRIPTION:
        errors["description"] = _("Write 20,000 characters or fewer")
    if values.get("urgency", "normal") not in URGENCIES:
        errors["urgency"] = _("Choose how urgent it is")
    if any(find_skill(slug) is None for slug in values.get("skills", [])):
        errors["skills"] = _("Choose skills from the list")
    if any(find_cause(slug) is None for slug in values.get("causes", [])):
        errors["causes"] = _("Choose causes from the list")
    return errors
