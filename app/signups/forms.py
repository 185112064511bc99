"""The shape of what people send about their place: types and lengths, no queries."""

from __future__ import annotations

from wtforms import DateField, IntegerField, RadioField, SelectMultipleField, StringField, TextAreaField
from wtforms.validators import Length, Optional
from wtforms.widgets import CheckboxInput, ListWidget

from app.core.forms import PageForm, ProvenForm, Required, choices, email_field
from app.core.i18n import _, lazy
from app.core.text import block, line
from app.needs.promises import STAFF_REASONS

NOTE_LENGTH = 500


class WholeNumberField(IntegerField):
    """An integer that says in plain words when it is none; what was typed stays in the field."""

    def process_formdata(self, valuelist: list[str]) -> None:
        """Read what was typed. Raises ValueError with the message for the field."""
        try:
            super().process_formdata([value.strip() for value in valuelist])
        except ValueError as error:
            self.data = None
            raise ValueError(_("Enter a whole number, like 1")) from error
        if self.data is not None and abs(self.data) > 1_000_000:
            self.data = None
            raise ValueError(_("Enter a smaller number"))


def _party_size() -> WholeNumberField:
    return WholeNumberField(
        lazy("How many people, with you?"),
        default=1,
        validators=[Required(lazy("Enter how many people come, like 1"))],
        render_kw={"inputmode": "numeric", "type": "text", "autocomplete": "off"},
    )


def _note() -> TextAreaField:
    return TextAreaField(
        lazy("Anything the staff should know?"),
        filters=[block],
        validators=[Optional(), Length(max=NOTE_LENGTH, message=lazy("Write 500 characters or fewer"))],
    )


def _name(missing: str = lazy("Enter the name")) -> StringField:
    return StringField(
        lazy("Name"),
        filters=[line],
        validators=[Required(missing), Length(1, 120, lazy("Write 120 characters or fewer"))],
        render_kw={"autocomplete": "name"},
    )


class SignUpForm(PageForm):
    """A place for oneself and whom one brings. Views set the choices of `position` and drop what a shift does not ask."""

    position = RadioField(
        lazy("What would you do?"), validators=[Required(lazy("Choose what you would do"))], coerce=str
    )
    party_size = _party_size()
    note = _note()


class GuestForm(SignUpForm):
    """The same without an account (S10)."""

    name = _name(lazy("Enter your name"))
    email = email_field()
    birth_date = DateField(
        lazy("Birth date"),
        description=lazy("Without an account you must be 18 or older. It is shown to nobody"),
        validators=[Required(lazy("Enter your birth date"))],
        render_kw={"autocomplete": "bday"},
    )


class ConfirmForm(ProvenForm):
    """One button."""


class AddressForm(ProvenForm):
    """The right address instead of one with a slip in it."""

    email = email_field()


class SeveralForm(PageForm):
    """A place on each of several shifts of a need. Views set the choices."""

    shifts = SelectMultipleField(
        lazy("Shifts"),
        validators=[Required(lazy("Choose one shift or more"))],
        widget=ListWidget(prefix_label=False),
        option_widget=CheckboxInput(),
    )
    party_size = _party_size()
    note = _note()


class ChangeForm(PageForm):
    """The same place, otherwise: `place` is a shift and a position of it. Views set the choices."""

    place = RadioField(lazy("When, and what"), validators=[Required(lazy("Choose one of the list"))], coerce=str)
    party_size = _party_size()
    note = _note()


class VolunteerForm(PageForm):
    """Somebody who telephones or walks in, written down by the staff."""

    name = _name()
    birth_date = DateField(lazy("Birth date"), validators=[Required(lazy("Ask for the birth date"))])
    position = RadioField(
        lazy("What would they do?"), validators=[Required(lazy("Choose what they would do"))], coerce=str
    )
    party_size = WholeNumberField(
        lazy("How many people, with them?"),
        default=1,
        validators=[Required(lazy("Enter how many people come, like 1"))],
        render_kw={"inputmode": "numeric", "type": "text", "autocomplete": "off"},
    )
    email = email_field(Optional())
    phone = StringField(
        lazy("Telephone"),
        filters=[line],
        description=lazy("Kept with this place, for the staff of the shift"),
        validators=[Optional(), Length(max=40, message=lazy("Write 40 characters or fewer"))],
        render_kw={"type": "tel", "inputmode": "tel", "autocomplete": "off"},
    )
    note = _note()


class CancelForm(PageForm):
    """The second step before a place is given back: nothing but the proof that this page sent it."""


class StaffCancelForm(PageForm):
    """Why staff give a place back for the person."""

    reason = RadioField(
        lazy("Why?"),
        choices=choices(STAFF_REASONS.items()),
        validators=[Required(lazy("Choose why"))],
    )


class HoursForm(PageForm):
    """How long somebody helped."""

    hours = StringField(lazy("Hours"), filters=[block], validators=[Required(lazy("Enter hours like 2, 2.5 or 2:30"))])
