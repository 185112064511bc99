"""The page on which whoever started a fundraiser, or the organization's staff, says which amounts it suggests."""

from __future__ import annotations

from flask import Blueprint, flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_babel import get_locale
from wtforms import StringField
from wtforms.validators import Optional

from app.accounts.session import current_person
from app.core.db import transaction
from app.core.errors import InvalidInput
from app.core.forms import PageForm
from app.core.i18n import _, lazy
from app.core.money import BadAmount, Money, check_chargeable, explain, format_plain, parse_money
from app.core.text import line
from app.core.web import allow
from app.fundraisers import policy
from app.fundraisers.amounts import suggest_amounts
from app.fundraisers.models import Fundraiser
from app.fundraisers.queries import find_fundraiser

amounts = Blueprint("amounts", __name__)


class AmountsForm(PageForm):
    """Up to four amounts; empty fields suggest nothing."""

    first = StringField(lazy("First amount"), filters=[line], validators=[Optional()])
    second = StringField(lazy("Second amount"), filters=[line], validators=[Optional()])
    third = StringField(lazy("Third amount"), filters=[line], validators=[Optional()])
    fourth = StringField(lazy("Fourth amount"), filters=[line], validators=[Optional()])

    def fields(self) -> tuple[StringField, ...]:
        """The fields, in their order."""
        return (self.first, self.second, self.third, self.fourth)

    def read(self, currency: str, locale: str) -> list[Money] | None:
        """What was typed; None with messages put at the fields."""
        found: list[Money] = []
        for field in self.fields():
            if not field.data:
                continue
            try:
                money = parse_money(field.data, currency, locale)
                check_chargeable(money)
            except BadAmount as bad:
                field.errors = [*field.errors, explain(bad, currency, locale)]
            else:
                found.append(money)
        return None if self.errors else found


@amounts.route("/fundraisers/<slug>/amounts", methods=["GET", "POST"])
@allow(policy.can_suggest_amounts, load=find_fundraiser)
def edit(fundraiser: Fundraiser) -> ResponseReturnValue:
    """Say which amounts donors are offered to choose from."""
    form, locale, currency = AmountsForm(), str(get_locale()), fundraiser.currency
    if not form.is_submitted():
        for field, minor in zip(form.fields(), fundraiser.suggested_minor, strict=False):
            field.data = format_plain(Money(minor, currency), locale)
        return render_template("fundraisers/amounts.html", form=form, fundraiser=fundraiser)
    chosen = form.read(currency, locale) if form.validate() else None
    if chosen is None:
        return render_template("fundraisers/amounts.html", form=form, fundraiser=fundraiser), 422
    fundraiser_id, slug = fundraiser.id, fundraiser.slug
    try:
        with transaction():
            suggest_amounts(fundraiser_id, chosen, by=current_person(), locale=locale)
    except InvalidInput as invalid:
        form.first.errors = [*form.first.errors, *invalid.errors.values()]
        return render_template("fundraisers/amounts.html", form=form, fundraiser=fundraiser), 422
    flash(_("Saved"))
    return redirect(url_for("fundraisers.show", slug=slug), code=303)
