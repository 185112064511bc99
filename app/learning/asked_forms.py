"""The forms around claims that people ask about. None has a field for a picture or a file (G11)."""

from __future__ import annotations

from wtforms import BooleanField, RadioField, SelectField, StringField, TextAreaField
from wtforms.validators import Length, Optional

from app.core.forms import PageForm, Required
from app.core.i18n import lazy
from app.core.text import block, line
from app.learning.asking import LONGEST, LONGEST_WHERE
from app.learning.operations.inputs import LONGEST_BODY


class AskForm(PageForm):
    """What somebody saw and wants to have checked. `tell` is for those who are signed in, `email` for those who are not."""

    text = TextAreaField(
        lazy("The claim"),
        filters=[line],
        description=lazy("In words, as you saw it. Leave out names of private people"),
        validators=[
            Required(lazy("Write the claim")),
            Length(max=LONGEST, message=lazy("Write %(max)d characters or fewer")),
        ],
    )
    seen_where = StringField(
        lazy("Where you saw it"),
        filters=[line],
        description=lazy("The name of a site, a paper or a channel. No address of a page"),
        validators=[Optional(), Length(max=LONGEST_WHERE, message=lazy("Write %(max)d characters or fewer"))],
    )
    tell = BooleanField(lazy("Write to me when it is answered"))
    email = StringField(
        lazy("Email"),
        filters=[line],
        description=lazy(
            "Only to tell you of the answer: we ask this address first, and forget it afterwards. Under 13? Leave it empty"
        ),
        validators=[Optional(), Length(max=254, message=lazy("Write %(max)d characters or fewer"))],
    )


class LinkForm(PageForm):
    """A question of ours that answers it already."""

    question = StringField(
        lazy("Address of the question"),
        filters=[line],
        validators=[Required(lazy("Enter the address of a question that the public sees")), Length(max=200)],
    )


class DeclineForm(PageForm):
    """Why it is not answered. `code.choices` are set by the view."""

    code = RadioField(lazy("Why"), validators=[Required(lazy("Choose one of the list"))])
    note = StringField(
        lazy("A sentence for whoever asked"),
        filters=[line],
        validators=[Optional(), Length(max=500, message=lazy("Write %(max)d characters or fewer"))],
    )


class MergeClaimForm(PageForm):
    """Which other one asks the same. `into.choices` are set by the view."""

    into = RadioField(lazy("It asks the same as"), validators=[Required(lazy("Choose one of the list"))])


class AnswerForm(PageForm):
    """A question with its answer, published at once. `topic.choices` are set by the view."""

    question = StringField(
        lazy("Question"),
        filters=[line],
        description=lazy("As a reader would ask it, in your words"),
        validators=[
            Required(lazy("Write the question")),
            Length(max=300, message=lazy("Write %(max)d characters or fewer")),
        ],
    )
    topic = SelectField(lazy("Topic"), validators=[Required(lazy("Choose a topic"))])
    slug = StringField(
        lazy("Address"),
        filters=[line],
        description=lazy("Small letters, digits and hyphens. Empty: made from the question"),
        validators=[Optional(), Length(max=80, message=lazy("Write %(max)d characters or fewer"))],
    )
    answer = TextAreaField(
        lazy("Answer"),
        filters=[block],
        description=lazy(
            "Markdown. [^address-of-a-fact] after a sentence refers to its sources; a line {{fact address-of-a-fact}} shows it"
        ),
        validators=[
            Required(lazy("Write the answer")),
            Length(max=LONGEST_BODY, message=lazy("Write %(max)d characters or fewer")),
        ],
    )
    sensitive = BooleanField(lazy("It speaks of abuse or disaster"))
    checked_by = StringField(
        lazy("Checked by"),
        filters=[line],
        description=lazy("How the public reads who looked at the sources today"),
        validators=[Required(lazy("Write who checked it")), Length(max=160)],
    )
