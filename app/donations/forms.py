"""The shape of what a donor types: types and lengths, no queries."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from email_validator import EmailNotValidError, validate_email
from wtforms import BooleanField, HiddenField, RadioField, StringField, TextAreaField
from wtforms.validators import Email, Length, Optional

from app.core.errors import InvalidInput
from app.core.forms import PageForm, Required, SelectChoice
from app.core.i18n import _, lazy
from app.core.money import Money, format_money
from app.core.text import block, line
from app.donations.gift_aid import EVERY_GIFT, ONE_GIFT
from app.donations.receipt_texts import MAXIMUM_TEXT
from app.donations.wishes import GiftAid, Wishes

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
    cover_fee = BooleanField(lazy("Cover the card fee, so that the whole gift arrives"))


def _short(label: str, length: int) -> StringField:
    """A line that may stay empty."""
    return StringField(
        label,
        filters=[line],
        validators=[
            Optional(),
            Length(max=length, message=lazy("Write %(max)s characters or fewer", max=length)),
        ],
    )


class DonationForm(PageForm):
    """One gift. Either a suggested amount is chosen or an amount is typed; what is typed wins."""

    nonce = HiddenField(validators=[Length(max=64)])
    suggested = RadioField(
        lazy("How much do you give?"), choices=[], validators=[Optional()], validate_choice=False, default=""
    )
    amount = StringField(lazy("Amount"), filters=[line])
    frequency = RadioField(
        lazy("How often?"),
        choices=[SelectChoice("once", lazy("Once")), SelectChoice("monthly", lazy("Monthly"))],
        default="once",
        validators=[Optional()],
    )
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
    cover_fee = BooleanField(lazy("Cover the card fee, so that the whole gift arrives"))
    anonymous = RadioField(
        lazy("Who may see your name"),
        choices=[
            SelectChoice("yes", lazy("Only the organization")),
            SelectChoice("starter", lazy("The organization and whoever started the page")),
            SelectChoice("no", lazy("Everyone")),
        ],
        default="yes",
        validators=[Required(lazy("Choose who may see your name"))],
    )
    hide_from_organization = BooleanField(lazy("Hide from the organization, too, who I am"))
    message = TextAreaField(
        lazy("Message"),
        filters=[block],
        description=lazy("Shown on the fundraiser's page. You may leave it empty"),
        validators=[Length(max=500, message=lazy("Write 500 characters or fewer"))],
    )
    dedication = RadioField(
        lazy("In honor or in memory of somebody"),
        choices=[
            SelectChoice("", lazy("Neither")),
            SelectChoice("honor", lazy("In honor of")),
            SelectChoice("memory", lazy("In memory of")),
        ],
        validators=[Optional()],
        default="",
    )
    dedicated_to = _short(lazy("Whom you think of"), 120)
    company = _short(lazy("Company or group"), 120)
    gift_aid = BooleanField(lazy("Yes, claim Gift Aid on my gift"))
    gift_aid_first_name = _short(lazy("First name or initial"), 60)
    gift_aid_last_name = _short(lazy("Last name"), 60)
    gift_aid_address = _short(lazy("Home address"), 200)
    gift_aid_postal_code = _short(lazy("Postcode"), 16)

    def begin(self, args: Mapping[str, str]) -> None:
        """What the box beside a fundraiser's page, or a link, already says; what is no choice of this form is left out."""
        for field in (self.frequency, self.suggested, self.anonymous):
            asked: list[Any] = list(field.choices or ())
            if (said := args.get(field.name)) in [choice.value for choice in asked]:
                field.data = said
        self.cover_fee.data = bool(args.get("cover_fee"))

    def offer(self, amounts: tuple[Money, ...], locale: str, *, by_staff: bool) -> None:
        """Set the amounts to choose from. `by_staff`: whoever started the page is the organization, and no audience apart."""
        self._amounts = amounts
        if by_staff:
            audiences: list[Any] = list(self.anonymous.choices or ())
            self.anonymous.choices = [choice for choice in audiences if choice.value != "starter"]
        offered = [SelectChoice(str(money.amount_minor), format_money(money, locale)) for money in amounts]
        self.suggested.choices = [*offered, SelectChoice(OTHER, _("Other"))]

    def suggested_amount(self) -> Money | None:
        """The amount chosen from those offered, or None."""
        chosen = self.suggested.data or ""
        return next((money for money in self._amounts if str(money.amount_minor) == chosen), None)

    @property
    def is_anonymous(self) -> bool:
        """True unless everybody may see the name."""
        return bool(self.anonymous.data != "no")

    def wishes(self) -> Wishes:
        """All that was chosen besides amount, name and message."""
        gift_aid = GiftAid(
            first_name=self.gift_aid_first_name.data or "",
            last_name=self.gift_aid_last_name.data or "",
            address=self.gift_aid_address.data or "",
            postal_code=self.gift_aid_postal_code.data or "",
            wording=EVERY_GIFT if self.frequency.data == "monthly" else ONE_GIFT,
        )
        return Wishes(
            cover_fee=bool(self.cover_fee.data),
            company=self.company.data or "",
            dedication=self.dedication.data or "",
            dedicated_to=self.dedicated_to.data or "",
            hide_from_starter=self.anonymous.data == "yes",
            hide_from_organization=bool(self.hide_from_organization.data),
            gift_aid=gift_aid if self.gift_aid.data else None,
        )


class TermsForm(PageForm):
    """What an organization says about gifts of money to it."""

    tax_id = _short(lazy("Number"), 40)
    claims_gift_aid = BooleanField(lazy("We claim Gift Aid on donors' gifts"))
    receipt_text = TextAreaField(
        lazy("Text of the receipt"),
        filters=[block],
        validators=[Optional(), Length(max=MAXIMUM_TEXT, message=lazy("Write 2,000 characters or fewer"))],
    )
    fee_percent = _short(lazy("Percentage of a card payment"), 10)
    fee_fixed = _short(lazy("Fixed amount of a card payment"), 20)
