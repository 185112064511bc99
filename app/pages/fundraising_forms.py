"""The shape of what people type about their fundraiser's page: types and lengths, no queries."""

from __future__ import annotations

from flask_wtf.file import FileField
from wtforms import BooleanField, DateField, HiddenField, RadioField, SelectField, StringField, TextAreaField
from wtforms.validators import AnyOf, Email, Length, Optional

from app.core.forms import FileForm, PageForm, Required, SelectChoice
from app.core.i18n import lazy
from app.core.text import block, line
from app.fundraisers.updates import MAXIMUM_UPDATE


class UpdateForm(PageForm):
    """News of a fundraiser."""

    title = StringField(
        lazy("Title"),
        filters=[line],
        validators=[Required(lazy("Enter a title")), Length(1, 120, lazy("Write 120 characters or fewer"))],
    )
    body = TextAreaField(
        lazy("What is new"),
        filters=[block],
        description=lazy(
            "Everybody reads it on the page, and your followers in their mail. Markdown works. Name no minors and no "
            "private streets"
        ),
        validators=[
            Required(lazy("Say what is new")),
            Length(1, MAXIMUM_UPDATE, lazy("Write 5,000 characters or fewer")),
        ],
    )


class PictureForm(FileForm):
    """A picture for the page."""

    files = ("picture",)
    picture = FileField(
        lazy("Picture"),
        description=lazy(
            "PNG, JPEG, WebP or GIF, at most 4 MB. We draw it anew and keep nothing of what else the file says, such as "
            "where it was taken. No pictures of bruises, chains or people in distress"
        ),
        validators=[Optional()],
        render_kw={"accept": "image/png,image/jpeg,image/webp,image/gif"},
    )
    alt = StringField(
        lazy("What is to be seen"),
        filters=[line],
        description=lazy("For people who do not see the picture. Name no minors"),
        validators=[
            Required(lazy("Say what is to be seen")),
            Length(1, 200, lazy("Write 200 characters or fewer")),
        ],
    )
    shows_children = BooleanField(lazy("Children can be recognized in it"))
    consent = StringField(
        lazy("Who agreed for the children, and how"),
        filters=[line],
        description=lazy(
            "For example: the parents of both, in writing, on May 3. Only the organization's staff read it. When a consent "
            "is withdrawn, the picture is gone at once"
        ),
        validators=[Length(max=300, message=lazy("Write 300 characters or fewer"))],
    )


class RemovePictureForm(PageForm):
    """Why a picture goes."""

    consent_withdrawn = BooleanField(lazy("A consent was withdrawn"))


class CaptainForm(PageForm):
    """Who is captain next."""

    page = SelectField(lazy("The next captain"), choices=[], validators=[Required(lazy("Choose a member"))])


class HideForm(PageForm):
    """What becomes of a donor's message, or of the name they show."""

    part = HiddenField(default="message", validators=[Optional(), AnyOf(("message", "name"))])
    act = RadioField(
        lazy("The message"),
        choices=[SelectChoice("show", lazy("Show it")), SelectChoice("hide", lazy("Hide it"))],
        validators=[Required(lazy("Choose whether it is shown"))],
    )
    reason = StringField(
        lazy("Reason"),
        filters=[line],
        validators=[Length(max=300, message=lazy("Write 300 characters or fewer"))],
    )


class ReportForm(PageForm):
    """What is wrong with a message, or a name."""

    part = RadioField(
        lazy("What should not be there"),
        choices=[SelectChoice("message", lazy("What is written")), SelectChoice("name", lazy("The name"))],
        validators=[Optional()],
    )
    reason = TextAreaField(
        lazy("What is wrong with it"),
        filters=[block],
        validators=[
            Required(lazy("Say what is wrong with it")),
            Length(1, 300, lazy("Write 300 characters or fewer")),
        ],
    )


class OfflineForm(PageForm):
    """A gift in person."""

    nonce = HiddenField(validators=[Length(max=64)])
    amount = StringField(lazy("Amount"), filters=[line], validators=[Required(lazy("Enter an amount"))])
    name = StringField(
        lazy("Who gave it"),
        filters=[line],
        description=lazy("A person, or for example: the bake sale on Saturday"),
        validators=[Required(lazy("Say who gave it")), Length(1, 120, lazy("Write 120 characters or fewer"))],
    )
    email = StringField(
        lazy("Email"),
        filters=[line],
        description=lazy("If they want to be thanked in writing. Otherwise leave it empty"),
        validators=[Optional(), Length(max=254, message=lazy("This address is too long")),
                    Email(lazy("Enter an email address like name@example.org"))],
    )  # fmt: skip
    received_on = DateField(lazy("Day"), validators=[Required(lazy("Enter the day"))])
    anonymous = RadioField(
        lazy("Who may see the name"),
        choices=[SelectChoice("yes", lazy("Only the organization")), SelectChoice("no", lazy("Everyone"))],
        default="yes",
        description=lazy("Everyone only if they said so. Never for somebody under 18"),
        validators=[Required(lazy("Choose who may see the name"))],
    )
    message = TextAreaField(
        lazy("Message"), filters=[block], validators=[Length(max=500, message=lazy("Write 500 characters or fewer"))]
    )


class MatchForm(PageForm):
    """What a sponsor promises."""

    sponsor = StringField(
        lazy("Sponsor"),
        filters=[line],
        description=lazy("As it is shown on the page: a company, a foundation, or “a neighbor”"),
        validators=[Required(lazy("Name the sponsor")), Length(1, 120, lazy("Write 120 characters or fewer"))],
    )
    cap = StringField(
        lazy("At most"),
        filters=[line],
        description=lazy("Up to this sum the sponsor gives as much as others give"),
        validators=[Required(lazy("Enter the most the sponsor gives"))],
    )
    starts_on = DateField(lazy("First day"), validators=[Required(lazy("Enter the first day"))])
    ends_on = DateField(lazy("Last day"), validators=[Required(lazy("Enter the last day"))])


class MatchPaidForm(PageForm):
    """What a sponsor has paid."""

    paid = StringField(
        lazy("Paid so far"),
        filters=[line],
        description=lazy("Everything the sponsor has paid of this promise, together"),
        validators=[Required(lazy("Enter what was paid"))],
    )
