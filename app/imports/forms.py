"""The shape of what people send to the pages of imports: types and lengths, no queries."""

from __future__ import annotations

from typing import Any

from flask_wtf.file import FileField
from wtforms import BooleanField, SelectField, StringField, TextAreaField
from wtforms.validators import Length, Optional

from app.core.forms import FileForm, PageForm, choices
from app.core.i18n import lazy
from app.core.text import block, line
from app.imports.dates import DAY_FIRST, MONTH_FIRST, YEAR_FIRST
from app.imports.fields import LABELS

MAXIMUM_PASTED = 400_000
MAXIMUM_CELL = 20_000
LONG = frozenset({"description", "items", "items_text", "volunteers_text"})
CONTACTS = {
    "": lazy("As the file says, or not stated yet"),
    "none": lazy("Neither children nor adults at risk"),
    "children": lazy("Children"),
    "adults_at_risk": lazy("Adults at risk"),
}


# What a cell may say, where people would have to guess.
HINTS: dict[str, Any] = {
    "contact": lazy("Write none, children or adults_at_risk"),
    "urgency": lazy("Write low, normal, high or critical"),
    "causes": lazy("As this site calls them, with commas between"),
    "skills": lazy("As this site calls them, with commas between"),
    "starts_at": lazy("Such as 2026-12-24 18:30"),
    "ends_at": lazy("Such as 2026-12-24 20:30"),
    "ends_on": lazy("Such as 2026-12-31"),
    "day": lazy("Such as 2026-12-24"),
    "from_time": lazy("Such as 18:30"),
    "to_time": lazy("Such as 20:30"),
    "time_zone": lazy("Such as America/New_York"),
    "flexible": lazy("Write yes or no"),
    "remote": lazy("Write yes or no"),
    "country": lazy("Its name, or a code such as US or DE"),
}


class UploadForm(FileForm):
    """A file, or its rows as they are copied out of a spreadsheet."""

    files = ("file",)

    file = FileField(
        lazy("CSV file"),
        description=lazy("With a first line that names the columns. At most 2,000 rows and 5 MB"),
        render_kw={"accept": ".csv,.tsv,.txt,text/csv,text/tab-separated-values,text/plain"},
    )
    text = TextAreaField(
        lazy("Or paste rows from your spreadsheet"),
        filters=[block],
        description=lazy("Copy them together with the line that names the columns"),
        validators=[
            Optional(),
            Length(max=MAXIMUM_PASTED, message=lazy("This is too much to paste. Choose a file instead")),
        ],
        render_kw={"rows": 4},
    )


DATES = {
    YEAR_FIRST: lazy("Year first: 2026-12-24"),
    MONTH_FIRST: lazy("Month first: 12/24/2026"),
    DAY_FIRST: lazy("Day first: 24.12.2026 or 24/12/2026"),
}


class ColumnsForm(PageForm):
    """What holds for every row; `columns_form` adds a field for each column of the file."""

    dates = SelectField(
        lazy("How are days written?"),
        choices=choices(DATES.items()),
        description=lazy("Names of months, and times such as 6:30 pm or 18:30, are read in any case"),
    )
    contact = SelectField(
        lazy("Whom do people meet?"),
        choices=choices(CONTACTS.items()),
        description=lazy(
            "For rows that do not say it. Nobody can sign up before it is stated. Where people meet children or adults at risk"
            " the street comes in as private: only confirmed people see it, and you may change that"
        ),
    )
    flexible = BooleanField(lazy("Rows without a start are flexible roles: as many people as come, at any time"))


def columns_form(header: list[str], **data: Any) -> ColumnsForm:
    """The form of a file's columns: `column_0` is what its first column is, "" for not imported."""
    offered = choices([("", lazy("Do not import")), *LABELS.items()])
    fields = {f"column_{number}": SelectField(name, choices=offered) for number, name in enumerate(header)}
    made = type("FileColumnsForm", (ColumnsForm,), fields)
    form: ColumnsForm = made(**data)
    return form


def row_form(names: list[str], **data: Any) -> PageForm:
    """The form of one row: `cell_title` and so on, in our words."""

    def field(name: str) -> StringField | TextAreaField:
        limit = [Length(max=MAXIMUM_CELL, message=lazy("Write 20,000 characters or fewer"))]
        hint = HINTS.get(name, "")
        if name in LONG:
            return TextAreaField(
                LABELS[name], filters=[block], description=hint, validators=limit, render_kw={"rows": 4}
            )
        return StringField(LABELS[name], filters=[line], description=hint, validators=limit)

    made = type("RowForm", (PageForm,), {f"cell_{name}": field(name) for name in names})
    form: PageForm = made(**data)
    return form


class StartForm(PageForm):
    """The yes to what was looked at."""

    publish = BooleanField(lazy("Publish at once what is complete"))


class ConfirmForm(PageForm):
    """A page with one button."""
