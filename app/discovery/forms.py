"""The shape of what people send to follow something: types and lengths, no queries."""

from __future__ import annotations

from wtforms import BooleanField, RadioField
from wtforms.validators import InputRequired

from app.core.forms import PageForm, ProvenForm, choices, email_field
from app.core.i18n import lazy

FREQUENCY_WORDS = {"daily": lazy("Every day, when there is news"), "weekly": lazy("On Thursdays, when there is news")}


class FrequencyForm(PageForm):
    """How often; for whoever is signed in."""

    frequency = RadioField(
        lazy("How often?"), choices=choices(FREQUENCY_WORDS.items()), default="weekly",
        validators=[InputRequired(lazy("Choose how often"))],
    )  # fmt: skip


class FollowForm(FrequencyForm):
    """The same with an address, for whoever has no account. They are adults: a minor's guardian is asked first (G4)."""

    email = email_field()
    adult = BooleanField(
        lazy("I am 18 or older"),
        validators=[InputRequired(lazy("Confirm that you are 18 or older; younger people follow with an account"))],
    )


class AddressForm(ProvenForm):
    """The right address, after a slip in the first."""

    email = email_field()
