"""/design: every component with every state, for whoever builds a page. Not in production."""

from __future__ import annotations

import datetime as dt

from flask import Blueprint, render_template
from flask.typing import ResponseReturnValue
from wtforms import (
    BooleanField,
    DateField,
    FormField,
    PasswordField,
    RadioField,
    SelectField,
    SelectMultipleField,
    StringField,
    TextAreaField,
)
from wtforms.validators import Optional
from wtforms.widgets import CheckboxInput, ListWidget

from app.core.errors import Reason
from app.core.forms import PageForm, Required, choices
from app.core.i18n import _, lazy
from app.core.web import public

design = Blueprint("design", __name__)

# fmt: off
INKS = (
    "ink", "ink2", "accent", "accent2", "mid", "tint", "you", "you-tint", "signal", "signal-tint", "page", "surface",
    "sunk", "line", "edge", "deep",
)
ICONS = (
    "clock", "package", "hand-coins", "book-open", "circle-check", "shield-check", "map-pin", "calendar-plus",
    "clock-alert", "circle-alert", "circle-x", "hourglass", "languages", "search", "users", "share-2", "flag", "printer",
    "log-out", "phone", "mail", "globe", "refresh-cw", "ban",
)
# fmt: on


class BirthDate(PageForm):
    """Three short fields are quicker than a calendar for a date that everybody knows by heart."""

    class Meta:
        csrf = False

    month = StringField(lazy("Month"))
    day = StringField(lazy("Day"))
    year = StringField(lazy("Year"))


class ShownForm(PageForm):
    """One field of each kind. It is never sent."""

    class Meta:
        csrf = False

    name = StringField(lazy("Name"), validators=[Required(lazy("Enter your name"))])
    email = StringField(lazy("Email"), validators=[Required(lazy("Enter an email address"))])
    password = PasswordField(lazy("Password"), validators=[Required(lazy("Enter your password"))])
    quantity = StringField(lazy("Quantity"), description=lazy("In boxes of 24. 18 are still wanted."))
    within = SelectField(lazy("Within"), choices=choices((str(km), lazy("%(n)s km", n=km)) for km in (5, 10, 25)))
    on = DateField(lazy("Last day"), validators=[Optional()])
    born = FormField(BirthDate, lazy("Birth date"), description=lazy("Only the staff see it. For example 3 27 1991."))
    note = TextAreaField(lazy("Anything the staff should know?"), validators=[Optional()])
    who = RadioField(
        lazy("Who comes?"), choices=choices([("me", lazy("Only me")), ("us", lazy("Me and others"))]), default="me"
    )
    amount = RadioField(
        lazy("Amount"),
        choices=choices([("25", "$25"), ("50", "$50"), ("150", "$150"), ("", lazy("Other"))]),
        default="50",
    )
    skills = SelectMultipleField(
        lazy("Skills"),
        choices=choices([("driving", lazy("Driving")), ("cooking", lazy("Cooking")), ("spanish", lazy("Spanish"))]),
        default=["cooking"],
        widget=ListWidget(prefix_label=False),
        option_widget=CheckboxInput(),
    )
    remind = BooleanField(lazy("Remind me the day before"), default=True)


def _with_errors() -> ShownForm:
    """The same form as it comes back when everything in it is wrong."""
    form = ShownForm(prefix="wrong", formdata=None)
    form.validate()
    form.form_errors = [_("This shift filled up while you typed")]
    form.email.data = "noor@linden"
    form.email.errors = [_("Enter an email address in the form name@example.org")]
    form.who.errors = [_("Choose 3 people or fewer: 3 places are open")]
    form.born.form.month.errors = [_("Enter your birth date")]
    return form


@design.get("/design")
@public
def index() -> ResponseReturnValue:
    """Every component, every state, in the reader's theme."""
    reasons = [
        Reason("age", _("To be 18 or older on December 1"), _("Tell us your birth date"), "#fields"),
        Reason("overlap", _("Another commitment at the same time"), _("See My help"), "#fields"),
    ]
    return render_template(
        "design/index.html",
        inks=INKS,
        icon_names=ICONS,
        shown=ShownForm(formdata=None),
        wrong=_with_errors(),
        reasons=reasons,
        tuesday=dt.date(2026, 11, 24),
    )
