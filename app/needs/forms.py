"""The shape of a need as people type it: one form that grows by rows. Types and lengths, no queries."""

from __future__ import annotations

import datetime as dt
import zoneinfo
from typing import Any

from flask_wtf import FlaskForm
from wtforms import (
    BooleanField,
    DateField,
    FieldList,
    Form,
    FormField,
    HiddenField,
    IntegerField,
    RadioField,
    SelectField,
    SelectMultipleField,
    StringField,
    TextAreaField,
    TimeField,
)
from wtforms.validators import InputRequired, Length, NumberRange, Optional
from wtforms.widgets import CheckboxInput, ListWidget

from app.accounts.skills import SKILLS
from app.core.forms import choices
from app.core.i18n import lazy
from app.core.text import block, line
from app.needs.models import CONTACTS, URGENCIES
from app.organizations.causes import CAUSES

MOST_ROWS = 60
URGENCY_NAMES = {
    "low": lazy("Low"),
    "normal": lazy("Normal"),
    "high": lazy("Needed soon"),
    "critical": lazy("Critical"),
}
CONTACT_NAMES = {
    "none": lazy("Nobody who needs protection"),
    "children": lazy("Children"),
    "adults_at_risk": lazy("Adults at risk"),
}


def local_instant(day: dt.date, time: dt.time, zone: str) -> dt.datetime | None:
    """The instant that clocks at `zone` show as `day` and `time`; None in the hour that a change to summer time skips.
    Of an hour that comes twice it is the first (S7)."""
    local = dt.datetime.combine(day, time, zoneinfo.ZoneInfo(zone))
    instant = local.astimezone(dt.UTC)
    return (
        instant
        if instant.astimezone(zoneinfo.ZoneInfo(zone)).replace(tzinfo=None) == local.replace(tzinfo=None)
        else None
    )


class ShiftRow(Form):
    """One shift or flexible role."""

    id = HiddenField()
    kind = SelectField(
        lazy("When"),
        choices=choices([("times", lazy("At a set time")), ("flexible", lazy("Any time, by oneself"))]),
        default="times",
    )
    name = StringField(
        lazy("What people do"),
        filters=[line],
        description=lazy("For example: driver. You may leave it empty"),
        validators=[Optional(), Length(max=80, message=lazy("Write 80 characters or fewer"))],
    )
    day = DateField(lazy("Day"), validators=[Optional()])
    start = TimeField(lazy("From"), validators=[Optional()])
    end = TimeField(lazy("To"), validators=[Optional()])
    due_on = DateField(lazy("Done by"), validators=[Optional()])
    capacity = IntegerField(
        lazy("How many people"),
        validators=[Optional(), NumberRange(0, 100_000, lazy("Enter a number between 0 and 100,000"))],
    )
    contact = RadioField(
        lazy("Whom do people meet?"),
        choices=choices((contact, CONTACT_NAMES[contact]) for contact in CONTACTS if contact != "not_stated"),
        validators=[Optional()],
    )
    minimum_age = IntegerField(
        lazy("Minimum age"), validators=[Optional(), NumberRange(0, 120, lazy("Enter an age between 0 and 120"))]
    )

    @property
    def is_blank(self) -> bool:
        """True when a new row was left empty."""
        typed = (self.name.data, self.day.data, self.start.data, self.end.data, self.due_on.data, self.capacity.data)
        return not self.id.data and not any(value not in (None, "") for value in typed) and not self.has_raw_errors()

    def has_raw_errors(self) -> bool:
        """True when something was typed that could not be read."""
        return any(
            field.raw_data and any(field.raw_data) and field.data is None for field in (self.day, self.start, self.end)
        )


class ItemRow(Form):
    """One thing wanted, or one not to bring."""

    id = HiddenField()
    name = StringField(
        lazy("Item"),
        filters=[line],
        validators=[Optional(), Length(max=160, message=lazy("Write 160 characters or fewer"))],
    )
    quantity = StringField(
        lazy("Quantity"),
        filters=[line],
        validators=[Optional(), Length(max=40)],
    )
    unit = StringField(
        lazy("Unit"),
        filters=[line],
        validators=[Optional(), Length(max=40, message=lazy("Write 40 characters or fewer"))],
    )
    accepted_condition = StringField(
        lazy("Condition"),
        filters=[line],
        description=lazy("For example: new or as good as new"),
        validators=[Optional(), Length(max=120, message=lazy("Write 120 characters or fewer"))],
    )
    purchase_url = StringField(
        lazy("Where to buy it"),
        filters=[line],
        validators=[Optional(), Length(max=500, message=lazy("This link is too long"))],
    )
    first = BooleanField(lazy("Needed first"))
    do_not_bring = BooleanField(lazy("Please do not bring this"))

    @property
    def is_blank(self) -> bool:
        """True when a new row was left empty."""
        return not self.id.data and not (self.name.data or self.quantity.data)


class NeedForm(FlaskForm):
    """A need with its shifts and items."""

    version = HiddenField()
    title = StringField(
        lazy("Title"),
        filters=[line],
        validators=[InputRequired(lazy("Enter a title")), Length(1, 160, lazy("Write 160 characters or fewer"))],
    )
    description = TextAreaField(
        lazy("Description"),
        filters=[block],
        description=lazy("What is needed and why. Do not write the street of a private place, or names of children"),
        validators=[Length(max=20_000, message=lazy("Write 20,000 characters or fewer"))],
    )
    urgency = SelectField(
        lazy("Urgency"), choices=choices((urgency, URGENCY_NAMES[urgency]) for urgency in URGENCIES), default="normal"
    )
    causes = SelectMultipleField(
        lazy("Causes"),
        choices=choices((cause.slug, cause.name) for cause in CAUSES),
        widget=ListWidget(prefix_label=False),
        option_widget=CheckboxInput(),
        validators=[Optional()],
    )
    skills = SelectMultipleField(
        lazy("Skills"),
        choices=choices((skill.slug, skill.name) for skill in SKILLS),
        validators=[Optional()],
    )
    remote = BooleanField(lazy("It can be done from anywhere"))
    place = StringField(
        lazy("Town or postal code"),
        filters=[line],
        validators=[Optional(), Length(max=120, message=lazy("Write 120 characters or fewer"))],
    )
    address = StringField(
        lazy("Street and number"),
        filters=[line],
        validators=[Optional(), Length(max=200, message=lazy("Write 200 characters or fewer"))],
    )
    private_address = BooleanField(
        lazy("The street is private: only confirmed people see it, from 48 hours before their shift")
    )
    ends_on = DateField(lazy("Last day"), validators=[Optional()])
    shifts = FieldList(FormField(ShiftRow), max_entries=MOST_ROWS)
    items = FieldList(FormField(ItemRow), max_entries=MOST_ROWS)

    def grow(self, kind: str) -> None:
        """Add an empty row of "shift" or "item", when there is room."""
        rows: FieldList[Any] = self.shifts if kind == "shift" else self.items
        if len(rows.entries) < MOST_ROWS:
            rows.append_entry()

    def shrink(self, kind: str, number: int) -> None:
        """Take away a row that was never saved."""
        rows: FieldList[Any] = self.shifts if kind == "shift" else self.items
        if 0 <= number < len(rows.entries) and not rows.entries[number].form.id.data:
            del rows.entries[number]


class ConfirmForm(FlaskForm):
    """A page with one button."""
