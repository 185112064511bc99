"""/design: every component with every state, and every mail, for whoever builds a page. Not in production."""

from __future__ import annotations

import base64
import dataclasses
import datetime as dt
import hashlib
import re

from flask import Blueprint, Response, render_template, request
from flask.typing import ResponseReturnValue
from flask_babel import get_locale
from wtforms import (
    BooleanField,
    DateField,
    FormField,
    PasswordField,
    RadioField,
    SelectField,
    SelectMultipleField,
    StringField,
    TextAreaField,
)
from wtforms.validators import Optional
from wtforms.widgets import CheckboxInput, ListWidget

from app.accounts.availability import PART_NAMES, TIMES, week
from app.core.errors import Reason
from app.core.forms import PageForm, Required, choices
from app.core.i18n import _, lazy
from app.core.mail import Mail
from app.core.web import public
from app.learning.history import compare
from app.learning.models import Fact, FactSource
from app.messages.delivery import write
from app.messages.kinds import get_kind
from app.pages.mail_names import SITE, TOKEN, USUAL, VARIANT_WORDS
from app.pages.mail_samples import SAMPLES

design = Blueprint("design", __name__)

# fmt: off
INKS = (
    "ink", "ink2", "accent", "accent2", "mid", "tint", "you", "you-tint", "signal", "signal-tint", "page", "surface",
    "sunk", "line", "edge", "deep",
)
ICONS = (
    "clock", "package", "hand-coins", "book-open", "circle-check", "shield-check", "map-pin", "calendar-plus",
    "clock-alert", "circle-alert", "circle-x", "hourglass", "languages", "search", "users", "share-2", "flag", "printer",
    "log-out", "phone", "mail", "globe", "refresh-cw", "ban",
)
# fmt: on


class BirthDate(PageForm):
    """Three short fields are quicker than a calendar for a date that everybody knows by heart."""

    class Meta:
        csrf = False

    month = StringField(lazy("Month"))
    day = StringField(lazy("Day"))
    year = StringField(lazy("Year"))


class ShownForm(PageForm):
    """One field of each kind. It is never sent."""

    class Meta:
        csrf = False

    name = StringField(lazy("Name"), validators=[Required(lazy("Enter your name"))])
    email = StringField(lazy("Email"), validators=[Required(lazy("Enter an email address"))])
    password = PasswordField(lazy("Password"), validators=[Required(lazy("Enter your password"))])
    quantity = StringField(lazy("Quantity"), description=lazy("In boxes of 24. 18 are still wanted."))
    within = SelectField(lazy("Within"), choices=choices((str(km), lazy("%(n)s km", n=km)) for km in (5, 10, 25)))
    on = DateField(lazy("Last day"), validators=[Optional()])
    born = FormField(BirthDate, lazy("Birth date"), description=lazy("Only the staff see it. For example 3 27 1991."))
    note = TextAreaField(lazy("Anything the staff should know?"), validators=[Optional()])
    who = RadioField(
        lazy("Who comes?"), choices=choices([("me", lazy("Only me")), ("us", lazy("Me and others"))]), default="me"
    )
    amount = RadioField(
        lazy("Amount"),
        choices=choices([("25", "$25"), ("50", "$50"), ("150", "$150"), ("", lazy("Other"))]),
        default="50",
    )
    skills = SelectMultipleField(
        lazy("Skills"),
        choices=choices([("driving", lazy("Driving")), ("cooking", lazy("Cooking")), ("spanish", lazy("Spanish"))]),
        default=["cooking"],
        widget=ListWidget(prefix_label=False),
        option_widget=CheckboxInput(),
    )
    times = SelectMultipleField(
        lazy("When you usually have time"),
        choices=choices((time, time) for time in TIMES),
        default=["tuesday_evening", "saturday_morning"],
        widget=ListWidget(prefix_label=False),
        option_widget=CheckboxInput(),
    )
    remind = BooleanField(lazy("Remind me the day before"), default=True)


def _with_errors() -> ShownForm:
    """The same form as it comes back when everything in it is wrong."""
    form = ShownForm(prefix="wrong", formdata=None)
    form.validate()
    form.form_errors = [_("This shift filled up while you typed")]
    form.email.data = "noor@linden"
    form.email.errors = [_("Enter an email address in the form name@example.org")]
    form.who.errors = [_("Choose 3 people or fewer: 3 places are open")]
    form.born.form.month.errors = [_("Enter your birth date")]
    return form


def _facts() -> list[Fact]:
    """One fact in each state. They are never saved."""
    day = dt.date(2026, 11, 20)
    source = {
        "title": _("A yearly report"),
        "year": 2026,
        "url": "https://example.org/",
        "page": _("page 4"),
        "checked_on": day,
    }
    found = []
    for status, claim in (
        ("verified", _("7 of 100 were counted.")),
        ("contested", _("Good sources disagree about how many there are.")),
        ("withdrawn", _("It was 12 of 100.")),
    ):
        sources = [FactSource(position=1, publisher=_("The body that counts"), primary=status == "verified", **source)]
        found.append(
            Fact(
                slug=status, claim=claim, note=_("Well known for what was counted."), status=status, checked_on=day,
                withdrawn_because=_("The report was corrected."), sources=sources,
            )
        )  # fmt: skip
    return found


@design.get("/design")
@public
def index() -> ResponseReturnValue:
    """Every component, every state, in the reader's theme."""
    reasons = [
        Reason("age", _("To be 18 or older on December 1"), _("Tell us your birth date"), "#fields"),
        Reason("overlap", _("Another commitment at the same time"), _("See My help"), "#fields"),
    ]
    return render_template(
        "design/index.html",
        inks=INKS,
        icon_names=ICONS,
        shown=ShownForm(formdata=None),
        wrong=_with_errors(),
        reasons=reasons,
        days=week(0),
        parts=list(PART_NAMES.values()),
        tuesday=dt.date(2026, 11, 24),
        mails=SAMPLES,
        learned=_facts(),
        difference=compare(_("It was 12 of 100 in all."), _("It was 7 of 100 in all.")),
    )


@dataclasses.dataclass(frozen=True)
class ShownMail:
    """One mail in one of its forms, as it would leave."""

    name: str
    kind: str | None
    variant: str
    variants: tuple[str, ...]
    mail: Mail


def find_mail(feature: str, mail: str) -> ShownMail | None:
    """The mail of this name filled with its samples, in the form that the query asks for; None when there is none such."""
    name = f"{feature}/{mail}"
    sample, variant = SAMPLES.get(name), request.args.get("as", USUAL)
    if sample is None or variant not in sample.variants:
        return None
    stop_url = f"{SITE}/mail/stop/{TOKEN}" if sample.kind else None
    written = write(
        name,
        to="ana@example.org",
        locale=str(get_locale()),
        kind=sample.kind,
        stop_url=stop_url,
        **sample.fill(variant),
    )
    return ShownMail(name, sample.kind, variant, sample.variants, written)


@design.get("/design/mails/<feature>/<mail>")
@public(load=find_mail)
def mail_page(shown: ShownMail) -> ResponseReturnValue:
    """A mail as its reader gets it: subject, HTML and text."""
    headers = dict(shown.mail.headers)
    return render_template(
        "design/mail.html",
        shown=shown,
        kind=get_kind(shown.kind).words if shown.kind else None,
        unsubscribe=headers.get("List-Unsubscribe"),
        variant_words=VARIANT_WORDS,
    )


@design.get("/design/mails/<feature>/<mail>/html")
@public(load=find_mail)
def mail_frame(shown: ShownMail) -> ResponseReturnValue:
    """The HTML part alone, for the frame of `mail_page`: it may use its own style sheet and nothing else."""
    styles = re.findall(r"<style>(.*?)</style>", shown.mail.html, re.DOTALL)
    hashes = " ".join(f"'sha256-{base64.b64encode(hashlib.sha256(one.encode()).digest()).decode()}'" for one in styles)
    response = Response(shown.mail.html, content_type="text/html; charset=utf-8")
    response.headers["Content-Security-Policy"] = (
        f"sandbox; default-src 'none'; style-src {hashes}; form-action 'none'; base-uri 'none'; frame-ancestors 'self'"
    )
    return response
