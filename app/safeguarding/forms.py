"""The shape of what people type about clearances, codes of conduct and guardians: types and lengths, no queries."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from wtforms import (
    BooleanField,
    DateField,
    HiddenField,
    RadioField,
    SelectField,
    SelectMultipleField,
    StringField,
    TextAreaField,
)
from wtforms.validators import Length, Optional
from wtforms.widgets import CheckboxInput, ListWidget

from app.core.forms import PageForm, ProvenForm, Required, choices, email_field
from app.core.i18n import lazy
from app.core.text import block, line
from app.organizations.models import Organization
from app.safeguarding.operations.profiles import LONGEST_CONDUCT

MEANS_NAMES = {
    "in_person": lazy("In person"),
    "telephone": lazy("By telephone"),
    "video": lazy("By video"),
}


class VouchingForm(PageForm):
    """What somebody vouches for. Whose age is not known says it with the act, once: adults vouch for others (G4)."""

    birth_date = DateField(
        lazy("Your birth date"),
        description=lazy(
            "Adults record this, and we do not know yet that you are one. It goes into your profile, and is not shown to anybody"
        ),
        validators=[Required(lazy("Enter your birth date"))],
        render_kw={"autocomplete": "bday"},
    )

    def __init__(self, *args: Any, asks_age: bool, **values: Any) -> None:
        super().__init__(*args, **values)
        if not asks_age:
            self.ask_no_age()

    @property
    def asks_age(self) -> bool:
        """True while it has the field."""
        return "birth_date" in self

    def ask_no_age(self) -> None:
        """It is known."""
        del self.birth_date


class FindForm(PageForm):
    """Whose clearances the desk shows. It is sent, because an address never stands in the address of a page."""

    email = email_field(Required(lazy("Enter their email address")), label=lazy("Find by email"), autocomplete="off")


class RecordForm(VouchingForm):
    """What the staff saw about somebody: never the document. `what.choices` are set by the view."""

    email = email_field(Required(lazy("Enter their email address")), autocomplete="off")
    what = SelectField(lazy("What you saw"), validators=[Required(lazy("Choose what you saw"))])
    issuer = StringField(
        lazy("Who issued it"),
        filters=[line],
        description=lazy("The authority, the trainer; of a reference the person who gave it"),
        validators=[Optional(), Length(max=120, message=lazy("Write 120 characters or fewer"))],
    )
    reference = StringField(
        lazy("Its number"),
        filters=[line],
        description=lazy("So that it can be found again. Write nothing of what it says"),
        validators=[Optional(), Length(max=80, message=lazy("Write 80 characters or fewer"))],
    )
    issued_on = DateField(lazy("Date on it"), validators=[Required(lazy("Enter the date on it"))])
    expires_on = DateField(
        lazy("Last day it holds"),
        description=lazy("Empty: as long as its kind is good for"),
        validators=[Optional()],
    )
    outcome = RadioField(
        lazy("Outcome"),
        choices=choices((("accepted", lazy("Accepted")), ("declined", lazy("Not accepted")))),
        default="accepted",
        description=lazy("Not accepted: what was accepted before of the same kind does not hold any more"),
    )
    agreed = BooleanField(
        lazy("They agreed to the check and were told of their right to challenge it, before it was made"),
        description=lazy("The law asks for that before a fitness check in the United States"),
    )
    eligible = BooleanField(
        lazy("The law lets this role ask for it"),
        description=lazy("Some levels are only for roles with children or adults at risk"),
    )


class RevokeForm(VouchingForm):
    """Why something does not hold any more."""

    reason = TextAreaField(
        lazy("Why?"),
        filters=[line],
        description=lazy("They read it. Do not write what a certificate says"),
        validators=[
            Required(lazy("Say why, in 300 characters or fewer: the person reads it")),
            Length(max=300, message=lazy("Write 300 characters or fewer")),
        ],
    )


class ObjectionForm(PageForm):
    """What the person says is wrong."""

    objection = TextAreaField(
        lazy("What is wrong?"),
        filters=[line],
        validators=[
            Required(lazy("Say what is wrong, in 500 characters or fewer")),
            Length(max=500, message=lazy("Write 500 characters or fewer")),
        ],
    )


class ShareForm(PageForm):
    """Which organization may rely on it, too. `organization.choices` are set by the view."""

    organization = SelectField(lazy("Organization"), validators=[Required(lazy("Choose an organization"))])


class ShareTrainingForm(PageForm):
    """Which organizations may know that one passed a course."""

    organizations = SelectMultipleField(
        lazy("Let them know"),
        widget=ListWidget(prefix_label=False),
        option_widget=CheckboxInput(),
        validators=[Required(lazy("Choose an organization, or go on without sharing"))],
    )

    def offer(self, organizations: Mapping[str, Organization]) -> None:
        """Whom there is to choose, by slug."""
        self.organizations.choices = choices((slug, each.name) for slug, each in organizations.items())


def answers_form(questions: Sequence[tuple[str, Sequence[str]]]) -> PageForm:
    """The form of a lesson's questions, each with its options in the order in which they are shown: what is sent back is the
    place of an option in that order, which says nothing of whether it is right."""
    fields = {
        f"question_{number}": RadioField(
            text,
            choices=choices((str(place), option) for place, option in enumerate(options)),
            validators=[Required(lazy("Choose an answer"))],
        )
        for number, (text, options) in enumerate(questions, start=1)
    }
    made: PageForm = type("AnswersForm", (PageForm,), fields)()
    return made


class ExemptionForm(VouchingForm):
    """What is waived for whom, until when and why. `what.choices` are set by the view."""

    email = email_field(Required(lazy("Enter their email address")), autocomplete="off")
    what = SelectField(lazy("What is waived"), validators=[Required(lazy("Choose what is waived"))])
    starts_on = DateField(lazy("First day"), validators=[Required(lazy("Enter the first day"))])
    ends_on = DateField(
        lazy("Last day"),
        description=lazy("At most 90 days after the first"),
        validators=[Required(lazy("Enter the last day"))],
    )
    reason = TextAreaField(
        lazy("Why?"),
        filters=[line],
        validators=[
            Required(lazy("Say why, in 500 characters or fewer")),
            Length(max=500, message=lazy("Write 500 characters or fewer")),
        ],
    )


class MeansForm(VouchingForm):
    """How the staff spoke to a guardian."""

    means = RadioField(
        lazy("How did you speak to them?"),
        choices=choices(MEANS_NAMES.items()),
        validators=[Required(lazy("Say how you spoke to them"))],
    )


class AgreeForm(VouchingForm):
    """One button: the second of two agrees."""


class ProfileForm(PageForm):
    """What is required on each shift with contact. `requirements.choices` are set by the view."""

    requirements = SelectMultipleField(lazy("Required of everybody"), validators=[Optional()])


class ConductForm(PageForm):
    """The code of conduct."""

    text = TextAreaField(
        lazy("Code of conduct"),
        filters=[block],
        description=lazy("Short is read: what you ask of everybody, and whom to tell when something worries them"),
        validators=[
            Required(lazy("Write what you ask of people, in 20,000 characters or fewer")),
            Length(max=LONGEST_CONDUCT, message=lazy("Write 20,000 characters or fewer")),
        ],
    )


class PublishForm(PageForm):
    """What becomes of those who passed an earlier version."""

    again = RadioField(
        lazy("Those who passed an earlier version"),
        choices=choices(
            (
                ("keep", lazy("Keep what they have: what they learned is still right")),
                ("again", lazy("Take the course again: until then they hold no place that asks for it")),
            )
        ),
        validators=[Required(lazy("Say whether those who passed an earlier version are asked again"))],
    )


class AcceptForm(PageForm):
    """A version of a code of conduct, read and accepted."""

    version = HiddenField(filters=[line])


class GuardianForm(PageForm):
    """Who answers for a minor."""

    name = StringField(
        lazy("Their name"),
        filters=[line],
        validators=[
            Required(lazy("Enter the name of your guardian")),
            Length(1, 120, lazy("Write 120 characters or fewer")),
        ],
        render_kw={"autocomplete": "off"},
    )
    email = email_field(
        Required(lazy("Enter your guardian’s email address")), label=lazy("Their email"), autocomplete="off"
    )
    phone = StringField(
        lazy("Their telephone"),
        filters=[line],
        description=lazy("An organization calls them before you work with children or adults at risk"),
        validators=[Optional(), Length(max=40, message=lazy("Write 40 characters or fewer"))],
        render_kw={"type": "tel", "inputmode": "tel", "autocomplete": "off"},
    )


class LinkForm(ProvenForm):
    """One button on a page that a link in a mail opens."""
