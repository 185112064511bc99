"""The shape of what pages over several features take."""

from __future__ import annotations

from wtforms import SubmitField

from app.core.forms import PageForm


class CalendarForm(PageForm):
    """A new address for the private calendar, or with `off` none any more."""

    off = SubmitField()
