"""The shape of what people send about a promise of items: types and lengths; quantities are read by quantities.py."""

from __future__ import annotations

from typing import Any

from wtforms import HiddenField, StringField, TextAreaField
from wtforms.validators import Length, Optional

from app.core.forms import PageForm
from app.core.i18n import lazy
from app.core.text import block, line

NOTE_LENGTH = 500


def _quantity(label: Any) -> StringField:
    keys = {"inputmode": "decimal", "autocomplete": "off"}
    return StringField(label, filters=[line], render_kw=keys)


class PledgeForm(PageForm):
    """How much of an item; `mode` is set by the buttons that ask whether to add or to replace (P2)."""

    quantity = _quantity(lazy("Quantity"))
    note = TextAreaField(
        lazy("Anything the staff should know?"),
        filters=[block],
        validators=[Optional(), Length(max=NOTE_LENGTH, message=lazy("Write 500 characters or fewer"))],
    )
    mode = HiddenField()


class ReceiveForm(PageForm):
    """What was brought, and what of it could not be taken and why (P4)."""

    received = _quantity(lazy("Received"))
    rejected = _quantity(lazy("Could not be taken"))
    reason = StringField(
        lazy("Why not?"),
        filters=[line],
        description=lazy("The person who brought it is told"),
        validators=[Optional(), Length(max=300, message=lazy("Write 300 characters or fewer"))],
    )


class CancelForm(PageForm):
    """The second step before a promise is taken back: nothing but the proof that this page sent it."""
