"""The shape of a need as people type it: one form that grows by rows. Types and lengths, no queries."""

from __future__ import annotations

import datetime as dt
import zoneinfo
from typing import Any

from wtforms import (
    BooleanField,
    DateField,
    FieldList,
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
from wtforms.validators import Length, NumberRange, Optional
from wtforms.widgets import CheckboxInput, ListWidget

from app.accounts.skills import SKILLS
from app.core.forms import PageForm, PartForm, Required, choices
from app.core.i18n import _, lazy
from app.core.text import block, line
from app.needs.models import CONTACTS, MARK, URGENCIES
from app.organizations.causes import CAUSES

# Saved shifts (and items) that the page shows, and how many it holds with new ones: a page of more is no page.
SHOWN_ROWS = 20
MOST_ROWS = 40
MOST_POSITIONS = 20
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


def _is_saved(row: Any) -> bool:
    """True of a row that stands for a saved shift, position or item."""
    return bool(row.id.data) and not row.id.data.startswith(MARK)


def local_instants(day: dt.date, time: dt.time, zone: str) -> tuple[dt.datetime, ...]:
    """The instants at which clocks at `zone` show `day` and `time`: one; two in the hour that comes twice when clocks go
    back, the earlier first; none in the hour that is skipped when they go forward (S7)."""
    place = zoneinfo.ZoneInfo(zone)
    local = dt.datetime.combine(day, time)
    found = {local.replace(tzinfo=place, fold=fold).astimezone(dt.UTC) for fold in (0, 1)}
    return tuple(sorted(instant for instant in found if instant.astimezone(place).replace(tzinfo=None) == local))


class _Plain:
    """What was typed is shown again when it cannot be read, without characters that a page cannot hold."""

    raw_data: list[str] | None

    def process_formdata(self, valuelist: list[str]) -> None:
        """Reads what was typed. Raises ValueError."""
        typed = [line(value) or "" for value in valuelist]
        self.raw_data = typed
        super().process_formdata(typed)  # type: ignore[misc]  # a field of WTForms comes after this in every class


class DayField(_Plain, DateField):
    """A day of this age, with our own words when it cannot be read."""

    def process_formdata(self, valuelist: list[str]) -> None:
        """Raises ValueError with what to write instead."""
        try:
            super().process_formdata(valuelist)
            if self.data is not None and not 1900 <= self.data.year <= 2200:
                raise ValueError
        except ValueError as error:
            self.data = None
            raise ValueError(_("Enter a day, like 2026-12-01")) from error


class ClockField(_Plain, TimeField):
    """A time of day, with our own words when it cannot be read."""

    def process_formdata(self, valuelist: list[str]) -> None:
        """Raises ValueError with what to write instead."""
        try:
            super().process_formdata(valuelist)
        except ValueError as error:
            raise ValueError(_("Enter a time, like 18:30")) from error


class CountField(_Plain, IntegerField):
    """A whole number, with our own words when it cannot be read."""

    def process_formdata(self, valuelist: list[str]) -> None:
        """Raises ValueError with what to write instead."""
        try:
            if valuelist and len(valuelist[0]) > 20:
                raise ValueError
            super().process_formdata(valuelist)
        except ValueError as error:
            self.data = None
            raise ValueError(_("Enter a whole number, like 12")) from error


class TickField(BooleanField):
    """A box that is ticked or not; what else its value says is nobody's."""

    def process_formdata(self, valuelist: list[str]) -> None:
        """Reads whether it is ticked."""
        super().process_formdata(valuelist)
        self.raw_data = ["y"] if self.data else []


class PositionRow(PartForm):
    """What people do on a shift, and how many of them."""

    id = HiddenField(filters=[line])
    name = StringField(
        lazy("What people do"),
        filters=[line],
        validators=[Optional(), Length(max=80, message=lazy("Write 80 characters or fewer"))],
    )
    capacity = CountField(
        lazy("How many people"),
        validators=[Optional(), NumberRange(0, 100_000, lazy("Enter a number between 0 and 100,000"))],
    )

    @property
    def is_blank(self) -> bool:
        """True when a new row was left empty."""
        return not (
            self.id.data or self.name.data or self.capacity.data is not None or any(self.capacity.raw_data or ())
        )


class ShiftRow(PartForm):
    """One shift or flexible role."""

    id = HiddenField(filters=[line])
    kind = SelectField(
        lazy("When"),
        choices=choices([("times", lazy("At a set time")), ("flexible", lazy("Any time, by oneself"))]),
        default="times",
    )
    positions = FieldList(FormField(PositionRow), min_entries=1, max_entries=MOST_POSITIONS)
    day = DayField(lazy("Day"), validators=[Optional()])
    start = ClockField(lazy("From"), validators=[Optional()])
    end = ClockField(lazy("To"), validators=[Optional()])
    last_day = DayField(
        lazy("Last day"), description=lazy("Only when it ends more than a day later"), validators=[Optional()]
    )
    # Shown only when what was typed is the hour that comes twice.
    fold = SelectField(
        lazy("Which of the two?"),
        choices=choices(
            [
                ("", lazy("Choose")),
                ("first", lazy("The first time, before clocks go back")),
                ("second", lazy("The second time, after clocks went back")),
            ]
        ),
        default="",
    )
    due_on = DayField(lazy("Done by"), validators=[Optional()])
    contact = RadioField(
        lazy("Whom do people meet?"),
        choices=choices((contact, CONTACT_NAMES[contact]) for contact in CONTACTS if contact != "not_stated"),
        validators=[Optional()],
    )
    minimum_age = CountField(
        lazy("Minimum age"), validators=[Optional(), NumberRange(0, 120, lazy("Enter an age between 0 and 120"))]
    )

    # Asked only when there are to be fewer places than are taken (S1).
    below_taken = RadioField(
        lazy("Fewer places than are taken: what shall become of them?"),
        choices=choices(
            [
                ("keep", lazy("Keep the number of places as it was")),
                ("move_latest", lazy("Move those who signed up last to the waitlist, and tell them")),
            ]
        ),
        validators=[Optional()],
    )
    asks_below_taken = False

    @property
    def is_blank(self) -> bool:
        """True when a new row was left empty; a role that was added says already that somebody is wanted."""
        fields = (self.day, self.start, self.end, self.last_day, self.due_on, self.contact, self.minimum_age)
        typed = any(any(field.raw_data or ()) or field.data for field in fields) or self.kind.data == "flexible"
        return not (_is_saved(self) or typed or any(not entry.form.is_blank for entry in self.positions))


class ItemRow(PartForm):
    """One thing wanted, or one not to bring."""

    id = HiddenField(filters=[line])
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
    first = TickField(lazy("Needed first"))
    do_not_bring = TickField(lazy("Please do not bring this"))

    @property
    def is_blank(self) -> bool:
        """True when a new row was left empty."""
        typed = (self.name, self.quantity, self.unit, self.accepted_condition, self.purchase_url)
        ticked = self.first.data or self.do_not_bring.data
        return not (_is_saved(self) or ticked or any(field.data for field in typed))


class NeedForm(PageForm):
    """A need with its shifts and items."""

    version = HiddenField(filters=[line])
    title = StringField(
        lazy("Title"),
        filters=[line],
        # A draft may be without; operations ask for it everywhere else.
        validators=[Length(max=160, message=lazy("Write 160 characters or fewer"))],
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
    # Which of the organization's own places it is (locations.py), and which one the page showed.
    location = SelectField(lazy("Place"), choices=[], default="", validate_choice=True)
    located = HiddenField(filters=[line])
    remote = TickField(lazy("It can be done from anywhere"))
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
    private_address = TickField(
        lazy("The street is private: only confirmed people see it, from 48 hours before their shift")
    )
    time_zone = StringField(
        lazy("Time zone"),
        filters=[line],
        description=lazy("Empty: the time zone of the place. Otherwise like America/New_York"),
        validators=[Optional(), Length(max=64, message=lazy("Choose a time zone such as America/New_York"))],
    )
    bring = TextAreaField(
        lazy("What to bring"),
        filters=[block],
        description=lazy("For example: closed shoes, a water bottle"),
        validators=[Optional(), Length(max=500, message=lazy("Write 500 characters or fewer"))],
    )
    suits = StringField(
        lazy("Who it suits"),
        filters=[line],
        description=lazy("For example: first-timers, families, whoever can lift 20 kg"),
        validators=[Optional(), Length(max=300, message=lazy("Write 300 characters or fewer"))],
    )
    step_free = SelectField(
        lazy("Access without steps"),
        choices=choices((("", lazy("Not said")), ("yes", lazy("Yes")), ("no", lazy("No")))),
        default="",
    )
    parking = StringField(
        lazy("Parking and the way there"),
        filters=[line],
        validators=[Optional(), Length(max=300, message=lazy("Write 300 characters or fewer"))],
    )
    meeting_point = StringField(
        lazy("Meeting point"),
        filters=[line],
        description=lazy("Told to people with a place, and with a private street when that is told"),
        validators=[Optional(), Length(max=300, message=lazy("Write 300 characters or fewer"))],
    )
    day_contact = StringField(
        lazy("Contact on the day"),
        filters=[line],
        description=lazy("A name and a telephone number, told to people with a place only"),
        validators=[Optional(), Length(max=200, message=lazy("Write 200 characters or fewer"))],
    )
    ends_on = DayField(lazy("Last day of this need"), validators=[Optional()])
    shifts = FieldList(FormField(ShiftRow), max_entries=MOST_ROWS)
    items = FieldList(FormField(ItemRow), max_entries=MOST_ROWS)

    def rows(self, kind: str) -> FieldList[Any] | None:
        """The list that "shift", "role", "item" or "position-<number of the shift>" names; None for anything else."""
        name, _dash, number = kind.partition("-")
        if kind in ("shift", "role"):
            return self.shifts
        if kind == "item":
            return self.items
        if name == "position" and number.isdecimal() and len(number) < 4 and int(number) < len(self.shifts.entries):
            positions: FieldList[Any] = self.shifts.entries[int(number)].form.positions
            return positions
        return None

    def grow(self, kind: str) -> None:
        """Add an empty row, when there is room."""
        rows = self.rows(kind)
        if rows is not None and len(rows.entries) < (rows.max_entries or MOST_ROWS):
            rows.append_entry({"kind": "flexible"} if kind == "role" else None)

    def shrink(self, kind: str, number: int) -> None:
        """Take away a row that was never saved; of positions one stays."""
        rows = self.rows(kind)
        if rows is None or not 0 <= number < len(rows.entries) or len(rows.entries) <= rows.min_entries:
            return
        if kind.startswith("position") or not _is_saved(rows.entries[number].form):
            del rows.entries[number]


class ConfirmForm(PageForm):
    """A page with one button."""


class CoordinatorForm(PageForm):
    """Who else coordinates a need. `person.choices` are set by the view."""

    person = SelectField(
        lazy("Assign it to"),
        description=lazy("They are told by email. Its rosters, what arrives and its address open for them"),
        validators=[Required(lazy("Choose who coordinates it"))],
    )


class CloseForm(PageForm):
    """What came of a need. Nothing of it has to be said."""

    outcome = TextAreaField(
        lazy("What came of it"),
        [Optional(), Length(max=2000, message=lazy("Write 2,000 characters or fewer"))],
        filters=[block],
    )
    people_helped = CountField(
        lazy("How many people were helped"),
        [Optional(), NumberRange(0, 1_000_000, message=lazy("Enter a number between 0 and 1,000,000"))],
    )
    thanks = TextAreaField(
        lazy("A line of your own to those who helped"),
        [Optional(), Length(max=500, message=lazy("Write 500 characters or fewer"))],
        filters=[block],
    )
