"""The shape of what people type about organizations: types and lengths, no queries."""

from __future__ import annotations

from typing import Any

from flask_wtf.file import FileField
from wtforms import BooleanField, SelectField, SelectMultipleField, StringField, TextAreaField
from wtforms.validators import Length, Optional
from wtforms.widgets import CheckboxInput, ListWidget

from app.core.forms import FileForm, PageForm, Required, choices, email_field
from app.core.i18n import lazy
from app.core.text import block, line
from app.organizations.causes import CAUSES
from app.organizations.models import FIRST_COME_CHOICES, ROLES
from app.organizations.roles import ROLE_NAMES

FIRST_COME_WORDS = {
    0: lazy("Offered up to the start"),
    2: lazy("To the first from 2 hours before the start"),
    6: lazy("To the first from 6 hours before the start"),
    12: lazy("To the first from 12 hours before the start"),
    24: lazy("To the first from a day before the start"),
    48: lazy("To the first from two days before the start"),
}


def _name() -> StringField:
    return StringField(
        lazy("Name"),
        filters=[line],
        validators=[Required(lazy("Enter a name")), Length(1, 160, lazy("Write 160 characters or fewer"))],
    )


def _description() -> TextAreaField:
    return TextAreaField(
        lazy("Description"),
        filters=[block],
        description=lazy("What you do and for whom. Shown on your public page"),
        validators=[Length(max=20_000, message=lazy("Write 20,000 characters or fewer"))],
    )


def _website() -> StringField:
    return StringField(
        lazy("Website"),
        filters=[line],
        validators=[Optional(), Length(max=300, message=lazy("This link is too long"))],
        render_kw={"type": "url", "autocomplete": "url", "inputmode": "url"},
    )


class RegisterOrganizationForm(PageForm):
    """A new organization. `country.choices` are set by the view, in the reader's language."""

    name = _name()
    description = _description()
    country = SelectField(lazy("Country"), validators=[Required(lazy("Choose a country"))])
    place = StringField(
        lazy("Town or postal code"),
        filters=[line],
        description=lazy("Where you work; it also gives your time zone"),
        validators=[Required(lazy("Enter a town or postal code")), Length(max=120)],
    )
    website = _website()
    is_new = BooleanField(lazy("It is none of these"))


class OrganizationForm(FileForm):
    """What may be changed of an organization."""

    files = ("logo",)

    name = _name()
    description = _description()
    website = _website()
    place = StringField(
        lazy("Town, or the state or province alone"),
        filters=[line],
        description=lazy(
            "Shown on your public page. The law there says who is an adult where a need has no place of its own"
        ),
        validators=[Optional(), Length(max=120, message=lazy("Write 120 characters or fewer"))],
    )
    causes = SelectMultipleField(
        lazy("Causes"),
        description=lazy("What you work for. Shown on your public page"),
        choices=choices((cause.slug, cause.name) for cause in CAUSES),
        widget=ListWidget(prefix_label=False),
        option_widget=CheckboxInput(),
        validators=[Optional()],
    )
    logo = FileField(
        lazy("Logo"),
        description=lazy(
            "A logo, not a photograph of people. PNG, JPEG, WebP or GIF, at most 4 MB. We keep it at 320 pixels and "
            "nothing of what else the file says, such as where it was taken"
        ),
        validators=[Optional()],
        render_kw={"accept": "image/png,image/jpeg,image/webp,image/gif"},
    )
    first_come_hours = SelectField(
        lazy("Places that come free"),
        description=lazy(
            "They are offered to whoever waits, one after the other. Close to the start they go to the first who takes them"
        ),
        coerce=int,
        choices=choices((str(hours), FIRST_COME_WORDS[hours]) for hours in FIRST_COME_CHOICES),
    )
    auto_approve_fundraisers = BooleanField(lazy("Show fundraisers that supporters start without asking us first"))


REACHES = ("assigned", "all")
REACH_WORDS = {"assigned": lazy("Only needs assigned to them"), "all": lazy("All needs, also later ones")}


class RoleForm(PageForm):
    """A role for somebody who is a member."""

    role = SelectField(lazy("Role"), choices=choices((role, ROLE_NAMES[role]) for role in ROLES))
    reach = SelectField(
        lazy("A coordinator works on"),
        description=lazy("For the role of coordinator only. Needs are assigned on each need's page"),
        choices=choices((reach, REACH_WORDS[reach]) for reach in REACHES),
        default="assigned",
    )

    def given(self) -> dict[str, Any]:
        """What the operations call it."""
        return {"role": self.role.data, "all_needs": self.reach.data == "all"}


class InvitationForm(RoleForm):
    """Who is invited, and to which role."""

    email = email_field(Required(lazy("Enter their email address")), autocomplete="off")
    role = SelectField(lazy("Role"), choices=choices((role, ROLE_NAMES[role]) for role in ROLES), default="viewer")


class LeaveForm(PageForm):
    """Leaving; the last owner says who owns the organization then. `successor.choices` are set by the view."""

    successor = SelectField(lazy("Who owns it then?"), validators=[Required(lazy("Choose who owns it then"))])


class LocationForm(PageForm):
    """A place the organization works from."""

    name = StringField(
        lazy("Name"),
        filters=[line],
        description=lazy("For example: the parish hall"),
        validators=[Required(lazy("Enter a name")), Length(max=120)],
    )
    address = StringField(lazy("Street and number"), filters=[line], validators=[Optional(), Length(max=200)])
    place = StringField(
        lazy("Town or postal code"),
        filters=[line],
        validators=[Required(lazy("Enter a town or postal code")), Length(max=120)],
    )
    private = BooleanField(lazy("The street is private: only confirmed people see it, shortly before they come"))


class ClaimForm(PageForm):
    """How somebody shows that they speak for an organization: by its mailbox, or to a moderator."""

    mailbox = StringField(
        lazy("Mailbox of the organization"),
        filters=[line],
        description=lazy("Only the part before the @, such as info. The link goes there"),
        validators=[Optional(), Length(max=64, message=lazy("Enter only the part before the @"))],
    )
    evidence = TextAreaField(
        lazy("How can a moderator check it?"),
        filters=[block],
        description=lazy("For example: your role, a page that names you, a number to call"),
        validators=[Optional(), Length(max=2000, message=lazy("Write 2,000 characters or fewer"))],
    )


class ConfirmForm(PageForm):
    """A page with one button."""
