"""The shape of what moderators type about articles, facts and questions: types and lengths, no queries."""

from __future__ import annotations

from typing import Any

from wtforms import (
    BooleanField,
    DateField,
    FieldList,
    FormField,
    HiddenField,
    RadioField,
    SelectField,
    StringField,
    TextAreaField,
)
from wtforms.validators import Length, Optional

from app.core.forms import PageForm, PartForm, Required, choices
from app.core.i18n import lazy
from app.core.text import block, line
from app.learning.operations.inputs import LONGEST_BODY, LONGEST_LEFT_OUT, MOST_SOURCES
from app.learning.words import AUDIENCE_NAMES

_MARKS = lazy(
    "Markdown. A line {{fact slug}} shows a fact; [^slug] after a sentence refers to one; a line :::sensitive with the words "
    "of a warning and a line ::: fold what is between"
)


def _line(label: Any, most: int, missing: Any = None, **more: Any) -> StringField:
    return StringField(
        label,
        filters=[line],
        validators=[Required(missing) if missing else Optional(), Length(max=most, message=lazy("This is too long"))],
        **more,
    )


def _block(label: Any, most: int, missing: Any = None, **more: Any) -> TextAreaField:
    return TextAreaField(
        label,
        filters=[block],
        validators=[Required(missing) if missing else Optional(), Length(max=most, message=lazy("This is too long"))],
        **more,
    )


class KeptForm(PageForm):
    """What the forms of all three have. `topic.choices` are set by the view; `slug` is for new ones only."""

    slug = _line(
        lazy("Address"),
        80,
        description=lazy("The last part of its address, like how-to-check: it stays for ever, links lead there"),
    )
    topic = SelectField(lazy("Topic"), validators=[Required(lazy("Choose a topic"))])
    sensitive = BooleanField(
        lazy("It speaks of abuse or disaster"),
        description=lazy("Its page has a way out and is kept by no browser; sharing it asks the reader to pause"),
    )
    checked_on = DateField(lazy("Sources checked on"), validators=[Required(lazy("Enter the day"))])
    checked_by = _line(
        lazy("Checked by"),
        160,
        lazy("Say who checked"),
        description=lazy("The public reads this: who, in words, not a name"),
    )
    reason = _line(lazy("Why this change?"), 500, description=lazy("The public reads it in the history"))
    version = HiddenField(filters=[line])


class SourceRow(PartForm):
    """One source. A row left empty is no source."""

    publisher = _line(lazy("Publisher"), 160)
    title = _line(lazy("Title"), 300)
    year = _line(lazy("Year"), 8)
    url = _line(lazy("Link"), 500)
    page = _line(lazy("Page or section"), 120)
    primary = BooleanField(lazy("It is the document itself"))
    checked_on = DateField(lazy("Checked on"), validators=[Optional()])

    @property
    def is_blank(self) -> bool:
        """True when nothing of it was typed; the day alone is offered by the page."""
        return not any(
            field.data for field in (self.publisher, self.title, self.year, self.url, self.page, self.primary)
        )


class FactForm(KeptForm):
    """A fact with its sources."""

    claim = _block(
        lazy("Claim"), 500, lazy("Write the claim"), description=lazy("One sentence or two, with its number")
    )
    note = _block(lazy("How well is it known?"), 600)
    status = RadioField(
        lazy("State"),
        choices=choices(
            (
                ("verified", lazy("Verified: two publishers say so, or the document itself does")),
                ("contested", lazy("Contested: good sources disagree, or too little is known")),
            )
        ),
        default="verified",
    )
    sources = FieldList(FormField(SourceRow), min_entries=2, max_entries=MOST_SOURCES)


_PUBLISHED = choices((("draft", lazy("A draft: only moderators see it")), ("published", lazy("Published"))))


class ArticleForm(KeptForm):
    """An article."""

    title = _line(lazy("Title"), 160, lazy("Write a title"))
    summary = _block(lazy("Summary"), 400, lazy("Say in a sentence what it is about"))
    body = _block(lazy("Text"), LONGEST_BODY, lazy("Write the text"), description=_MARKS)
    left_out = _block(lazy("What we left out, and why"), LONGEST_LEFT_OUT)
    audience = SelectField(lazy("Audience"), choices=choices(AUDIENCE_NAMES.items()), default="everyone")
    status = RadioField(lazy("State"), choices=_PUBLISHED, default="draft")


class QuestionForm(KeptForm):
    """A question with its answer."""

    question = _line(lazy("Question"), 300, lazy("Write the question"))
    answer = _block(lazy("Answer"), LONGEST_BODY, lazy("Write the answer"), description=_MARKS)
    status = RadioField(lazy("State"), choices=_PUBLISHED, default="draft")


class WithdrawForm(PageForm):
    """Why something does not hold any more, and what to read instead."""

    reason = _block(lazy("Why?"), 500, lazy("Say why"), description=lazy("It stands on the page, for everybody"))
    replaced_by = _line(
        lazy("What to read instead"),
        80,
        description=lazy("The last part of the address of another one of the same kind"),
    )
    version = HiddenField(filters=[line])


class RestoreForm(PageForm):
    """Why it holds after all."""

    reason = _block(lazy("Why?"), 500, lazy("Say why"), description=lazy("The public reads it in the history"))
