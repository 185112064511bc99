"""The shape of what people send about a promise of items: types and lengths; quantities are read by quantities.py."""

from __future__ import annotations

from typing import Any

from wtforms import BooleanField, DateField, HiddenField, RadioField, StringField, TextAreaField
from wtforms.validators import Length, Optional

from app.core.forms import PageForm, Required, choices
from app.core.i18n import lazy
from app.core.text import block, line
from app.needs.promises import STAFF_REASONS

NOTE_LENGTH = 500


def _quantity(label: Any) -> StringField:
    keys = {"inputmode": "decimal", "autocomplete": "off"}
    return StringField(label, filters=[line], render_kw=keys)


def _day() -> DateField:
    return DateField(lazy("By when does it come?"), validators=[Optional()])


def _way() -> RadioField:
    return RadioField(
        lazy("How does it come?"),
        choices=choices((("drop_off", lazy("I bring it")), ("send", lazy("I send it, or a shop does")))),
        default="drop_off",
    )


class PledgeForm(PageForm):
    """How much of an item; `mode` is set by the buttons that ask whether to add or to replace (P2)."""

    quantity = _quantity(lazy("Quantity"))
    deliver_by = _day()
    way = _way()
    note = TextAreaField(
        lazy("Anything the staff should know?"),
        filters=[block],
        validators=[Optional(), Length(max=NOTE_LENGTH, message=lazy("Write 500 characters or fewer"))],
    )
    mode = HiddenField()


class ChangeForm(PageForm):
    """The same promise, otherwise."""

    quantity = _quantity(lazy("Quantity"))
    deliver_by = _day()
    way = _way()
    on_its_way = BooleanField(lazy("It is on its way"))
    note = TextAreaField(
        lazy("Anything the staff should know?"),
        filters=[block],
        validators=[Optional(), Length(max=NOTE_LENGTH, message=lazy("Write 500 characters or fewer"))],
    )


class ArrivalForm(PageForm):
    """Something came that nobody had promised."""

    received = _quantity(lazy("Received"))
    note = StringField(
        lazy("From whom, or what else to know"),
        filters=[line],
        validators=[Optional(), Length(max=300, message=lazy("Write 300 characters or fewer"))],
    )


class ReceiveForm(PageForm):
    """What was brought, and what of it could not be taken and why (P4)."""

    more = HiddenField()
    received = _quantity(lazy("Received"))
    rejected = _quantity(lazy("Could not be taken"))
    reason = StringField(
        lazy("Why not?"),
        filters=[line],
        description=lazy("The person who brought it is told"),
        validators=[Optional(), Length(max=300, message=lazy("Write 300 characters or fewer"))],
    )


class CancelForm(PageForm):
    """The second step before a promise is taken back: nothing but the proof that this page sent it."""


class StaffCancelForm(PageForm):
    """Why staff take a promise back for the person."""

    reason = RadioField(
        lazy("Why?"),
        choices=choices(STAFF_REASONS.items()),
        validators=[Required(lazy("Choose why"))],
    )
