"""Pages about one's mail: what one wants of it, and the link that stops one kind with one click."""

from __future__ import annotations

import dataclasses
import datetime as dt
import secrets

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from app.accounts.mailbox import address_mark
from app.accounts.models import Person
from app.accounts.queries import find_person
from app.accounts.session import current_person
from app.core.db import transaction
from app.core.forms import ProvenForm
from app.core.i18n import _
from app.core.tokens import unseal
from app.core.web import ProvenBlueprint, public, signed_in
from app.messages import operations, queries
from app.messages.forms import MailForm
from app.messages.kinds import KINDS, NEVER, Kind, find_kind
from app.organizations.notices import is_told_anywhere

messages = Blueprint("messages", __name__)
# A mail program presses its own button without a session of ours (RFC 8058).
unsubscribing = ProvenBlueprint("unsubscribing", __name__)
BLUEPRINTS = (messages, unsubscribing)


@dataclasses.dataclass(frozen=True)
class Stop:
    """Whose mail of which kind a link is about."""

    token: str
    person: Person
    kind: Kind


@messages.route("/profile/mail", methods=["GET", "POST"])
@signed_in
def preferences() -> ResponseReturnValue:
    """What mail one gets, and when it is quiet."""
    person = current_person()
    is_told = is_told_anywhere(person.id)
    shown = [kind for kind in KINDS if is_told or not kind.for_staff]
    form = MailForm(data=_chosen(person))
    if form.validate_on_submit():
        with transaction():
            operations.choose_mail(
                person.id,
                by=person,
                choices={kind.code: form[kind.code].data for kind in shown},
                quiet=(_minutes(form.quiet_from.data), _minutes(form.quiet_until.data)),
            )
        flash(_("Your choice is saved."), "done")
        return redirect(url_for("messages.preferences"), code=303)
    page = render_template("messages/preferences.html", form=form, kinds=shown, person=person)
    return page, 422 if form.errors else 200


def _chosen(person: Person) -> dict[str, object]:
    begins, ends = queries.find_quiet_hours(person.id)
    chosen: dict[str, object] = dict(queries.list_choices(person.id))
    if begins != ends:
        chosen |= {"quiet_from": _time(begins), "quiet_until": _time(ends)}
    return chosen


def _time(minutes: int) -> dt.time:
    return dt.time(minutes // 60, minutes % 60)


def _minutes(time: dt.time | None) -> int:
    return 0 if time is None else time.hour * 60 + time.minute


def _find_stop(mail_token: str) -> Stop | None:
    """What the link is about, while the address it was sent to is the person's."""
    values = unseal("unsubscribe", mail_token)
    if values is None or len(values) != 3:
        return None
    person, kind = find_person(values[0]), find_kind(values[1])
    if person is None or kind is None or not secrets.compare_digest(address_mark(person), str(values[2])):
        return None
    return Stop(mail_token, person, kind)


@unsubscribing.route("/mail/stop/<mail_token>", methods=["GET", "POST"])
@public(load=_find_stop)
def stop(stop: Stop) -> ResponseReturnValue:
    """No more mails of one kind: a page with one button for people, one POST for mail programs (RFC 8058)."""
    if request.method == "POST":
        with transaction():
            operations.stop_mail(stop.person.id, stop.kind.code)
    return _stop_page(stop)


@unsubscribing.post("/mail/stop/<mail_token>/undo")
@public(load=_find_stop)
def undo_stop(stop: Stop) -> ResponseReturnValue:
    """A slip of the finger: this kind of mail again, as it comes to whoever never chose."""
    with transaction():
        operations.choose_mail(stop.person.id, by=stop.person, choices={stop.kind.code: stop.kind.default})
    return _stop_page(stop)


def _stop_page(stop: Stop) -> ResponseReturnValue:
    stopped = queries.find_choice(stop.person.id, stop.kind.code) == NEVER
    return render_template("messages/stop.html", form=ProvenForm(), stop=stop, stopped=stopped)
