"""The shape of what people type about themselves: types and lengths, no queries."""

from __future__ import annotations

from wtforms import DateField, PasswordField, SelectMultipleField, StringField
from wtforms.validators import Length, Optional
from wtforms.widgets import CheckboxInput, ListWidget

from app.accounts.availability import PARTS, WEEKDAYS, time_name
from app.accounts.passwords import MAXIMUM_LENGTH, MINIMUM_LENGTH
from app.accounts.skills import SKILLS
from app.core.forms import PageForm, Required, choices, email_field
from app.core.i18n import lazy
from app.core.text import line


def _new_password() -> PasswordField:
    return PasswordField(
        lazy("Password"),
        description=lazy("%(n)s characters or more: a few words make a good one", n=MINIMUM_LENGTH),
        validators=[Required(lazy("Choose a password"))],
        render_kw={"autocomplete": "new-password"},
    )


def _name() -> StringField:
    return StringField(
        lazy("Name"),
        filters=[line],
        description=lazy("Shown to the staff of organizations you help, never to the public"),
        validators=[Required(lazy("Enter your name")), Length(1, 120, lazy("Write 120 characters or fewer"))],
        render_kw={"autocomplete": "name"},
    )


def _birth_date() -> DateField:
    return DateField(
        lazy("Birth date"),
        description=lazy(
            "For shifts with a minimum age, or with people who need protection. You may leave it empty; nobody is shown it"
        ),
        validators=[Optional()],
        render_kw={"autocomplete": "bday"},
    )


class RegisterForm(PageForm):
    """A new account."""

    name = _name()
    email = email_field()
    password = _new_password()
    birth_date = _birth_date()


class SignInForm(PageForm):
    """Address and password."""

    email = email_field()
    password = PasswordField(
        lazy("Password"),
        validators=[
            Required(lazy("Enter your password")),
            Length(max=MAXIMUM_LENGTH * 5, message=lazy("This is longer than any password here")),
        ],
        render_kw={"autocomplete": "current-password"},
    )


class EmailForm(PageForm):
    """Where a link is to be sent."""

    email = email_field()


class NewPasswordForm(PageForm):
    """A new password by a link."""

    password = _new_password()


class ChangePasswordForm(PageForm):
    """A new password, given the present one."""

    current = PasswordField(
        lazy("Present password"),
        validators=[Required(lazy("Enter your present password"))],
        render_kw={"autocomplete": "current-password"},
    )
    password = _new_password()


class ConfirmForm(PageForm):
    """A page with one button: the token against forgery is all it carries."""


class ProfileForm(PageForm):
    """What a person says about themselves."""

    name = _name()
    birth_date = _birth_date()
    place = StringField(
        lazy("Town or postal code"),
        filters=[line],
        description=lazy("So that help nearby comes first"),
        validators=[Optional(), Length(max=120, message=lazy("Write 120 characters or fewer"))],
        render_kw={"autocomplete": "postal-code"},
    )
    time_zone = StringField(
        lazy("Time zone"),
        filters=[line],
        validators=[Optional(), Length(max=120, message=lazy("Write 120 characters or fewer"))],
        render_kw={"autocomplete": "off"},
    )
    availability = SelectMultipleField(
        lazy("When you usually have time"),
        description=lazy(
            "For you alone: nobody else sees it. Where a need has several shifts, those that fit are marked for you"
        ),
        choices=choices((f"{day}_{part}", time_name(day, part)) for day in WEEKDAYS for part in PARTS),
        widget=ListWidget(prefix_label=False),
        option_widget=CheckboxInput(),
        validators=[Optional()],
    )
    skills = SelectMultipleField(
        lazy("Skills"),
        choices=choices((skill.slug, skill.name) for skill in SKILLS),
        widget=ListWidget(prefix_label=False),
        option_widget=CheckboxInput(),
        validators=[Optional()],
    )
