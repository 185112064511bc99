"""What every form is made of, and what its view does with the answer of an operation: messages go to their fields, and
nothing typed is lost."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from flask import request
from flask_wtf import FlaskForm
from flask_wtf.form import SUBMIT_METHODS
from werkzeug.datastructures import CombinedMultiDict, MultiDict
from wtforms import Form, StringField
from wtforms.fields.choices import SelectChoice as SelectChoice  # type: ignore[attr-defined]  # newer than the stubs; forms take it from here
from wtforms.validators import Email, InputRequired, Length, StopValidation

from app.core import web
from app.core.errors import InvalidInput, Refused
from app.core.i18n import lazy
from app.core.text import line

# What WTForms says of itself, in our words and our languages: it has its own catalogue for some languages only, and none
# for the parts of a form.
_WORDS = {
    "Not a valid choice.": lazy("Choose one of the list"),
    "Invalid Choice: could not coerce.": lazy("Choose one of the list"),
    "Invalid choice(s): one or more data inputs could not be coerced.": lazy("Choose from the list only"),
    "'%(value)s' is not a valid choice for this field.": lazy("Choose from the list only"),
    "Not a valid date value.": lazy("Enter a date"),
    "Not a valid time value.": lazy("Enter a time"),
    "This field is required.": lazy("Fill this in"),
    "Field cannot be longer than %(max)d character.": lazy("Write %(max)d characters or fewer"),
}


class _OurWords:
    """WTForms' messages by our catalogue."""

    def gettext(self, message: str) -> str:
        return str(_WORDS.get(message, message))

    def ngettext(self, singular: str, _plural: str, _n: int) -> str:
        return self.gettext(singular)


class _Meta:
    def get_translations(self, _form: Any) -> _OurWords:
        return _OurWords()


class PageForm(FlaskForm):
    """The form of a page, with its proof against forgery."""

    class Meta(_Meta, FlaskForm.Meta):
        """FlaskForm's, speaking our words, and reading fields only: no page takes files, and a form is not JSON."""

        def wrap_formdata(self, _form: Any, formdata: Any) -> Any:
            """What a view gave (None: nothing was sent), or the fields of this request; on a page that somebody had to sign
            in for after filling it in, what they had typed."""
            if formdata is None or hasattr(formdata, "getlist"):
                return formdata
            return (request.form or None) if request.method in SUBMIT_METHODS else web.take_begun()


class FileForm(PageForm):
    """The form of a page that takes a file in its fields `files`. A file where text belongs is nothing, as in every form."""

    files: tuple[str, ...] = ()

    class Meta(PageForm.Meta):
        """With the files."""

        def wrap_formdata(self, form: Any, formdata: Any) -> Any:
            """What was sent, with its files."""
            if formdata is None or hasattr(formdata, "getlist") or request.method not in SUBMIT_METHODS:
                return super().wrap_formdata(form, formdata)
            files = MultiDict([(name, file) for name in form.files for file in request.files.getlist(name)])
            return CombinedMultiDict((files, request.form)) or None


class ProvenForm(PageForm):
    """The form of a page that a link in a mail opens (`core.web.ProvenBlueprint`): nobody is signed in."""

    class Meta(PageForm.Meta):
        """Without the token against forgery, and so without a cookie."""

        csrf = False


class PartForm(Form):
    """A part of a form that comes several times."""

    class Meta(_Meta):
        """The default, speaking our words."""


class Required(InputRequired):
    """Something must be typed, and something must be left of it: spaces and what cannot be kept are nothing."""

    def __call__(self, form: Any, field: Any) -> None:
        """Stop with the message when there is nothing."""
        super().__call__(form, field)
        if field.data == "":
            field.errors = []
            raise StopValidation(self.message or "")


def email_field(*checks: Any, label: Any = None, autocomplete: str = "email") -> StringField:
    """A field for an address of e-mail. `checks` come before those of its form (none: one has to be typed); `autocomplete` is
    off where it is somebody else's."""
    return StringField(
        lazy("Email") if label is None else label,
        filters=[line],
        validators=[
            *(checks or (Required(lazy("Enter your email address")),)),
            Length(max=254, message=lazy("This address is too long")),
            Email(lazy("Enter an email address like name@example.org")),
        ],
        render_kw={"type": "email", "autocomplete": autocomplete, "inputmode": "email", "spellcheck": "false"},
    )


def show_errors(form: Form, invalid: InvalidInput) -> None:
    """Put the messages of an operation at their fields; those of fields the form has not, at its first."""
    for name, message in invalid.errors.items():
        field = form[name] if name in form else next(iter(form))
        field.errors = [*field.errors, message]


def show_reasons(form: Form, refused: Refused) -> None:
    """Say why an act was refused, each reason with how to meet it, at the form's first field."""
    field = next(iter(form))
    field.errors = [*field.errors, *(f"{reason.message} {reason.remedy}".strip() for reason in refused.reasons)]


def choices(pairs: Iterable[tuple[str, Any]]) -> list[Any]:
    """The options of a choice field from (value, label); labels may be lazy translations."""
    return [SelectChoice(value, label) for value, label in pairs]
