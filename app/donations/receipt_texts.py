"""What the law of a country wants said about a gift: on the form, and on a receipt, where an organization may say it in its
own words around placeholders.

United States: a written acknowledgement names the organization, the amount and whether goods or services were given in
exchange (IRS Publication 1771; 26 U.S.C. 170(f)(8)). United Kingdom: the charity's number (Charities Act 2011, s. 194) and what
was declared for Gift Aid. Elsewhere: who received it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from app.core.i18n import _, ngettext
from app.donations.receipt_models import GivingTerms
from app.organizations.models import Organization

PLACEHOLDERS = ("organization", "donor", "amount", "date", "number", "tax_id", "no_goods", "gift_aid")
# What a text must hold to do what the country's law asks of it.
REQUIRED = {"US": ("organization", "tax_id", "no_goods"), "GB": ("organization", "tax_id", "gift_aid")}
REQUIRED_ELSEWHERE = ("organization",)
MAXIMUM_TEXT = 2000
_BRACED = re.compile(r"\{([^{}]*)\}")


def required(country: str) -> tuple[str, ...]:
    """The placeholders that a text for `country` (ISO 3166-1 alpha-2) cannot do without."""
    return REQUIRED.get(country, REQUIRED_ELSEWHERE)


def problem_with(text: str, country: str) -> str:
    """All that is wrong with an organization's own text, a sentence for each kind; "" when nothing is."""
    used, found = set(_BRACED.findall(text)), []
    if unknown := sorted(used - set(PLACEHOLDERS)):
        found.append(
            ngettext(
                "There is no placeholder %(names)s",
                "There are no placeholders %(names)s",
                len(unknown),
                names=_braced(unknown),
            )
        )
    if set("{}") & set(_BRACED.sub("", text)):
        found.append(_("A brace stands alone: placeholders look like %(name)s", name="{organization}"))
    if missing := [name for name in required(country) if name not in used]:
        found.append(
            ngettext(
                "The law asks for this: put %(names)s where it belongs",
                "The law asks for these: put %(names)s where they belong",
                len(missing),
                names=_braced(missing),
            )
        )
    return ". ".join(found)


def _braced(names: list[str]) -> str:
    return ", ".join(f"{{{name}}}" for name in names)


def default_text(country: str, *, has_tax_id: bool) -> str:
    """The text of `country`, with placeholders, in the language spoken now. Without its number an organization does not say
    what only the number proves."""
    if country == "US" and has_tax_id:
        return _(
            "{organization} is a tax-exempt organization under section 501(c)(3) of the Internal Revenue Code, EIN {tax_id}."
            " {no_goods} Keep this receipt for your tax records."
        )
    if country == "GB" and has_tax_id:
        return _("{organization} is a registered charity, number {tax_id}. {gift_aid}")
    if country == "GB":
        return _("{organization} received this gift. {gift_aid}")
    if has_tax_id:
        return _("{organization}, registered under number {tax_id}, received this gift. {no_goods}")
    return _("{organization} received this gift. {no_goods}")


def fill(text: str, values: Mapping[str, str]) -> str:
    """`text` with its placeholders filled from `values`; one that was said empty leaves no gap."""
    filled = _BRACED.sub(lambda found: values.get(found[1], found[0]), text)
    return re.sub(r"[ \t]{2,}", " ", filled).strip()


def no_goods() -> str:
    """What the United States want said, in the language spoken now."""
    return _("No goods or services were provided in exchange for this gift.")


def gift_aid_said(organization: str, *, declared: bool) -> str:
    """What a receipt says of Gift Aid; "" when none was declared."""
    if not declared:
        return ""
    return _(
        "You declared Gift Aid on this gift: %(organization)s claims 25p of tax from HMRC for every £1 of it.",
        organization=organization,
    )


def statement(organization: Organization, terms: GivingTerms) -> str:
    """What is said beside the form, in the language spoken now; "" when the organization gave no number."""
    values = {"organization": organization.name, "number": terms.tax_id}
    if not terms.tax_id:
        return ""
    if organization.country == "US":
        return _(
            "%(organization)s is a 501(c)(3) organization, EIN %(number)s. No goods or services are given in exchange: your"
            " gift is tax-deductible as far as the law allows.",
            **values,
        )
    if organization.country == "GB":
        return _("%(organization)s is a registered charity, number %(number)s.", **values)
    return _("%(organization)s is registered under number %(number)s.", **values)
