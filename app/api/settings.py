"""What a person chose about their mail, and the address of their private calendar."""

from __future__ import annotations

from typing import Any

import marshmallow as ma
from flask import Response, url_for
from flask.typing import ResponseReturnValue

from app.accounts import feeds
from app.accounts.session import current_person
from app.api import frame, schemas
from app.core import web
from app.core.db import transaction
from app.core.errors import InvalidInput
from app.core.i18n import _
from app.core.web import signed_in
from app.messages.kinds import KINDS
from app.messages.operations import choose_mail
from app.messages.queries import find_quiet_hours, list_choices

resource = frame.blueprint("settings", "What one wants of mail, and one's private calendar")
CLOCK = {"example": "21:30", "description": "hour and minute of one's day, 24 hours; both null: no quiet hours"}
READS_PLACES = "signups:read"


def _clock(**kwargs: object) -> ma.fields.String:
    """A time of the day."""
    check = ma.validate.Regexp(r"^([01][0-9]|2[0-3]):[0-5][0-9]$")
    return frame.Line(validate=check, allow_none=True, metadata=CLOCK, **kwargs)  # type: ignore[arg-type]  # passed through to marshmallow


def _choices(name: str, doc: str, *, required: bool) -> type[frame.Schema]:
    """One field for each kind of mail, with the choices that it has."""
    fields = {kind.code: ma.fields.String(required=required, validate=schemas.one_of(kind.choices)) for kind in KINDS}
    return type(name, (frame.Schema,), {"__doc__": doc, **fields})


MailChoicesOut = _choices("MailChoicesOut", "What one chose about each kind of mail.", required=True)
MailChoicesIn = _choices("MailChoicesIn", "What is to change of it.", required=False)


class MailOut(frame.Schema):
    """What mail one gets, and between which times of one's day none that can wait."""

    choices = ma.fields.Nested(MailChoicesOut, required=True)
    quiet_from = _clock(required=True)
    quiet_until = _clock(required=True)


class MailPatch(frame.Schema):
    """What is to change; what is left out stays."""

    choices = ma.fields.Nested(MailChoicesIn)
    quiet_from = _clock()
    quiet_until = _clock()


class CalendarOut(frame.Schema):
    """The address of one's calendar: whoever has it reads where one has promised to be. Null: there is none."""

    url = ma.fields.String(required=True, allow_none=True)


def _time(minutes: int) -> str:
    return f"{minutes // 60:02d}:{minutes % 60:02d}"


def _mail_of(person_id: int) -> dict[str, Any]:
    begins, ends = find_quiet_hours(person_id)
    quiet = (None, None) if begins == ends else (_time(begins), _time(ends))
    return {"choices": list_choices(person_id), "quiet_from": quiet[0], "quiet_until": quiet[1]}


def _read_quiet(payload: dict[str, Any], now: dict[str, Any]) -> tuple[int, int] | None:
    """The quiet hours in minutes of the day, None when nothing of them is said; the same twice for none."""
    if not payload.keys() & {"quiet_from", "quiet_until"}:
        return None
    said = [payload.get(name, now[name]) for name in ("quiet_from", "quiet_until")]
    if said == [None, None]:
        return (0, 0)
    for name, time in zip(("quiet_from", "quiet_until"), said, strict=True):
        if time is None:
            raise InvalidInput({name: _("Say both when they begin and when they end, or neither")})
    begins, ends = (int(time[:2]) * 60 + int(time[3:]) for time in said)
    return (begins, ends)


@resource.route("/me/mail", methods=["GET"])
@signed_in(scope="me:read")
@resource.response(200, MailOut)
def mail() -> ResponseReturnValue:
    """What one chose about each kind of mail, and one's quiet hours. Kinds that begin with staff_ are for staff."""
    return _mail_of(current_person().id)


@resource.route("/me/mail", methods=["PATCH"])
@signed_in(scope="me:write")
@resource.arguments(MailPatch)
@resource.response(200, MailOut)
def edit_mail(payload: dict[str, Any]) -> ResponseReturnValue:
    """Change what is given."""
    person = current_person()
    with transaction():
        choose_mail(
            person.id,
            by=person,
            choices=payload.get("choices", {}),
            quiet=_read_quiet(payload, _mail_of(person.id)),
        )
        return frame.answer(200, MailOut, _mail_of(person.id))


def _calendar(token: str | None) -> dict[str, Any]:
    address = None if token is None else url_for("pages.calendar", feed_token=token)
    return {"url": None if address is None else web.settings().base_url + address}


# Whoever has the address reads one's places, without a token: it is for programs that may read them anyway.
@resource.route("/me/calendar", methods=["GET"])
@signed_in(scope=READS_PLACES)
@resource.response(200, CalendarOut)
def calendar() -> ResponseReturnValue:
    """The address of one's private calendar, to subscribe to."""
    return _calendar(feeds.find_feed_token(current_person().id))


@resource.route("/me/calendar/revoke", methods=["POST"])
@signed_in(scope="signups:write")
@resource.acts(CalendarOut)
def renew_calendar(_payload: dict[str, Any]) -> ResponseReturnValue:
    """A new address, also for whoever has none yet; the one before is dead at once."""
    frame.require_scope(READS_PLACES)
    person = current_person()
    with transaction():
        return frame.answer(200, CalendarOut, _calendar(feeds.renew_feed(person.id, by=person)))


@resource.route("/me/calendar", methods=["DELETE"])
@signed_in(scope="signups:write")
@resource.response(204)
def remove_calendar() -> ResponseReturnValue:
    """No address any more."""
    person = current_person()
    with transaction():
        feeds.revoke_feed(person.id, by=person)
    return Response(status=204)
