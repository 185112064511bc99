"""The shape of what people choose about their mail."""

from __future__ import annotations

from wtforms import RadioField, TimeField
from wtforms.validators import Optional

from app.core.forms import PageForm, choices
from app.core.i18n import lazy
from app.messages.kinds import CHOICE_WORDS, KINDS, YES_WORDS


class MailForm(PageForm):
    """Quiet hours, and a choice for each kind of mail (one field each, below)."""

    quiet_from = TimeField(lazy("From"), validators=[Optional()])
    quiet_until = TimeField(lazy("Until"), validators=[Optional()])


for _kind in KINDS:
    _words = CHOICE_WORDS if len(_kind.choices) > 2 else YES_WORDS
    _choices = choices((code, _words[code]) for code in _kind.choices)
    setattr(MailForm, _kind.code, RadioField(_kind.words, choices=_choices))
