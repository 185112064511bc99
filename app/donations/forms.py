"""The shape of what a donor types: types and lengths, no queries."""

from __future__ import annotations

from email_validator import EmailNotValidError, validate_email
from wtforms import HiddenField, RadioField, StringField, TextAreaField
from wtforms.fields.choices import SelectChoice  # type: ignore[attr-defined]  # newer than the stubs
from wtforms.validators import Email, Length, Optional

from app.core.errors import InvalidInput
from app.core.forms import PageForm, Required
from app.core.i18n import _, lazy
from app.core.money import Money, format_money, suggestions
from app.core.text import block, line

OTHER = "other"  # the choice of those who type an amount of their own


def read_email(text: str) -> str:
    """An address from a program, checked as the form checks a person's. Raises InvalidInput."""
    try:
        return validate_email((line(text) or ""), check_deliverability=False).normalized.lower()
    except EmailNotValidError as error:
        raise InvalidInput({"email": _("Enter an email address like name@example.org")}) from error


class ResumeForm(PageForm):
    """Go on with a gift that was not paid; the amount may be another."""

    amount = StringField(lazy("Amount"), filters=[line], validators=[Required(lazy("Type an amount"))])


class DonationForm(PageForm):
    """One gift. Either a suggested amount is chosen or an amount is typed; what is typed wins."""

    nonce = HiddenField(validators=[Length(max=64)])
    suggested = RadioField(
        lazy("How much do you give?"), choices=[], validators=[Optional()], validate_choice=False, default=""
    )
    amount = StringField(lazy("Amount"), filters=[line])
    name = StringField(
        lazy("Name"),
        filters=[line],
        validators=[Required(lazy("Enter your name")), Length(1, 120, lazy("Write 120 characters or fewer"))],
    )
    email = StringField(
        lazy("Email"),
        filters=[line],
        validators=[
            Required(lazy("Enter your email address")),
            Length(max=254, message=lazy("This address is too long")),
            Email(lazy("Enter an email address like name@example.org")),
        ],
    )
    anonymous = RadioField(
        lazy("Who may see your name"),
        choices=[SelectChoice("yes", lazy("Only the organization")), SelectChoice("no", lazy("Everyone"))],
        default="yes",
        validators=[Required(lazy("Choose who may see your name"))],
    )
    message = TextAreaField(
        lazy("Message"),
        filters=[block],
        description=lazy("Shown on the fundraiser's page. You may leave it empty"),
        validators=[Length(max=500, message=lazy("Write 500 characters or fewer"))],
    )

    def offer(self, currency: str, locale: str) -> None:
        """Set the amounts to choose from."""
        offered = [
            SelectChoice(str(money.amount_minor), format_money(money, locale)) for money in suggestions(currency)
        ]
        self.suggested.choices = [*offered, SelectChoice(OTHER, _("Other"))]

    def suggested_amount(self, currency: str) -> Money | None:
        """The amount chosen from those offered, or None."""
        chosen = self.suggested.data or ""
        return next((money for money in suggestions(currency) if str(money.amount_minor) == chosen), None)
