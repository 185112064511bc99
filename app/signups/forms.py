"""The shape of what people send about their place: types and lengths, no queries."""

from __future__ import annotations

from wtforms import IntegerField, RadioField, StringField, TextAreaField
from wtforms.validators import Length, Optional

from app.core.forms import PageForm, Required
from app.core.i18n import _, lazy
from app.core.text import block

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


class SignUpForm(PageForm):
    """A place for oneself and whom one brings. Views set the choices of `position` and drop what a shift does not ask."""

    position = RadioField(
        lazy("What would you do?"), validators=[Required(lazy("Choose what you would do"))], coerce=str
    )
    party_size = WholeNumberField(
        lazy("How many people, with you?"),
        default=1,
        validators=[Required(lazy("Enter how many people come, like 1"))],
        render_kw={"inputmode": "numeric", "type": "text", "autocomplete": "off"},
    )
    note = TextAreaField(
        lazy("Anything the staff should know?"),
        filters=[block],
        validators=[Optional(), Length(max=NOTE_LENGTH, message=lazy("Write 500 characters or fewer"))],
    )


class CancelForm(PageForm):
    """The second step before a place is given back: nothing but the proof that this page sent it."""


class HoursForm(PageForm):
    """How long somebody helped."""

    hours = StringField(lazy("Hours"), filters=[block], validators=[Required(lazy("Enter hours like 2, 2.5 or 2:30"))])
