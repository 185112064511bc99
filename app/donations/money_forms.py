"""The shape of what staff type about money: types and lengths, no queries."""

from __future__ import annotations

import datetime as dt
from typing import Any

from wtforms import DateField, HiddenField, RadioField, StringField, TextAreaField
from wtforms.validators import Length, Optional

from app.core.forms import PageForm, Required, SelectChoice
from app.core.i18n import _, lazy
from app.core.text import block, line
from app.donations.money_models import REFUND_REASONS
from app.donations.money_queries import instants
from app.donations.money_words import REFUND_REASON_WORDS

YEARS = range(2000, 2101)


class RefundForm(PageForm):
    """Give a gift back, or a part of it."""

    nonce = HiddenField(validators=[Length(max=64)])
    amount = StringField(lazy("Amount"), filters=[line], validators=[Required(lazy("Type an amount"))])
    reason = RadioField(
        lazy("Why"),
        choices=[SelectChoice(code, REFUND_REASON_WORDS[code]) for code in REFUND_REASONS],
        default=REFUND_REASONS[0],
        validators=[Required(lazy("Choose why"))],
    )
    note = TextAreaField(
        lazy("What happened"),
        filters=[block],
        description=lazy("For your own records: the donor and Stripe do not get it"),
        validators=[
            Required(lazy("Say in a few words what happened")),
            Length(max=500, message=lazy("Write 500 characters or fewer")),
        ],
    )
    # The amount, in minor units, that was looked at once more.
    confirmed = HiddenField(validators=[Length(max=20)])


class EvidenceForm(PageForm):
    """What goes to the bank beside our records."""

    words = TextAreaField(
        lazy("Your own words"),
        filters=[block],
        description=lazy("What you know of this donor and this gift. The bank reads it"),
        validators=[Optional(), Length(max=10_000, message=lazy("Write 10,000 characters or fewer"))],
    )


class SeenForm(PageForm):
    """Somebody has looked at what did not agree."""

    note = TextAreaField(
        lazy("What it was"),
        filters=[block],
        validators=[
            Required(lazy("Say what it was, or what you did about it")),
            Length(max=500, message=lazy("Write 500 characters or fewer")),
        ],
    )


class PeriodForm(PageForm):
    """From a day to a day, both counted, on the organization's clock."""

    class Meta(PageForm.Meta):
        """It changes nothing: no proof against forgery."""

        csrf = False

        def wrap_formdata(self, form: Any, formdata: Any) -> Any:
            """The fields of the address."""
            return formdata

    since = DateField(lazy("From"), validators=[Optional()])
    until = DateField(lazy("To"), validators=[Optional()])

    def period(self, today: dt.date) -> tuple[dt.date, dt.date]:
        """The days chosen; without any, this year until today."""
        return self.since.data or dt.date(today.year, 1, 1), self.until.data or today

    def instants(self, zone: str) -> tuple[dt.datetime | None, dt.datetime | None]:
        """From the beginning of the first day to the end of the last, on the clock of `zone`; None where no day is chosen."""
        first, last = self.since.data or self.until.data, self.until.data or self.since.data
        if first is None or last is None:
            return None, None
        begin, end = instants(first, last, zone)
        return (begin if self.since.data else None), (end if self.until.data else None)

    def validate(self, extra_validators: Any = None) -> bool:
        """In the right order."""
        fine = bool(super().validate(extra_validators))
        for field in (self.since, self.until):
            if fine and field.data is not None and field.data.year not in YEARS:
                field.errors = [
                    *field.errors,
                    _("Enter a date between %(first)s and %(last)s", first=YEARS[0], last=YEARS[-1]),
                ]
                return False
        if fine and self.since.data and self.until.data and self.since.data > self.until.data:
            self.until.errors = [*self.until.errors, _("This day is before the first one")]
            return False
        return fine
