"""What is said of gifts in more than one place, and what a payment's troubles are called. The codes are Stripe's: https://docs.stripe.com/declines/codes."""

from __future__ import annotations

import decimal
from typing import Any

from babel.numbers import format_percent

from app.core.i18n import _, lazy
from app.core.letters import language_of, speaking
from app.core.money import Money, format_money
from app.donations.fees import WHOLE, FeeTerms
from app.donations.models import Donation

# What Stripe asks of an organization, by the beginning of its codes (https://docs.stripe.com/connect/required-verification-information).
# The first that fits.
_ASKED: tuple[tuple[str, Any], ...] = (
    ("external_account", lazy("The bank account that Stripe pays out to")),
    ("tos_acceptance", lazy("Your agreement to Stripe's terms")),
    ("business_profile.", lazy("What your organization does, and its website")),
    ("business_type", lazy("What kind of organization you are")),
    ("company.tax_id", lazy("The organization's tax or registration number")),
    ("company.verification", lazy("A document that proves the organization")),
    ("company.directors", lazy("Who directs the organization")),
    ("company.owners", lazy("Who owns or controls the organization")),
    ("company.executives", lazy("Who manages the organization")),
    ("company.", lazy("The organization's name and address")),
    ("documents.", lazy("A document that proves the organization")),
    ("settings.payments", lazy("What donors read on their statement")),
)
_OF_A_PERSON = ("individual.", "representative.", "person_", "directors.", "owners.", "executives.", "relationship.")
_DOCUMENT = lazy("An identity document of the person who represents the organization")
_PERSON = lazy("Details of the person who represents the organization")
_MORE = lazy("Something more, which Stripe's form names")
# Why an account takes nothing (https://docs.stripe.com/api/accounts/object#account_object-requirements-disabled_reason).
_STOPPED: tuple[tuple[str, Any], ...] = (
    ("rejected.", lazy("Stripe does not accept this account. Write to Stripe's support to learn why.")),
    ("platform_paused", lazy("The people who run this site have paused the account. Write to them.")),
    ("listed", lazy("Stripe compares the account with a list of people it must not serve. It decides in some days.")),
    ("requirements.past_due", lazy("What Stripe asks for is overdue.")),
    ("action_required", lazy("Stripe waits for something from you.")),
)


def requirements(codes: list[str]) -> list[Any]:
    """What Stripe asks of an organization now, in words, each once."""
    found = []
    for code in codes:
        if code.startswith(_OF_A_PERSON):
            found.append(_DOCUMENT if ".verification." in code else _PERSON)
        else:
            found.append(next((text for start, text in _ASKED if code.startswith(start)), _MORE))
    return list({str(text): text for text in found}.values())


def stopped(reason: str) -> Any:
    """Why Stripe lets an account take nothing, as a sentence; "" when there is nothing to say."""
    return next((text for start, text in _STOPPED if reason.startswith(start)), "")


# Only what the donor can do something about is told apart; banks rarely say more, and some codes must not be told.
_REASONS: dict[str, Any] = {
    "insufficient_funds": lazy("The account does not have enough money for it"),
    "expired_card": lazy("The card has expired"),
    "incorrect_cvc": lazy("The card's security code was not right"),
    "incorrect_number": lazy("The card's number was not right"),
    "card_velocity_exceeded": lazy("The card has reached its limit"),
    "currency_not_supported": lazy("The card does not work in this currency"),
    "authentication_required": lazy("The bank wanted you to confirm the payment, and that did not happen"),
    "payment_intent_authentication_failure": lazy(
        "The bank wanted you to confirm the payment, and that did not happen"
    ),
    "debit_not_authorized": lazy("The bank says that the account's owner did not allow it"),
    "account_closed": lazy("The bank account is closed"),
    "no_account": lazy("The bank found no such account"),
}
_CARD = lazy("The bank declined the card and did not say why")
_BANK = lazy("The bank did not say why")


def reason(donation: Donation) -> Any:
    """Why the last try to pay failed, as a sentence without its full stop; "" when none did."""
    if not donation.problem:
        return ""
    return _REASONS.get(donation.problem, _BANK if donation.status == "failed" else _CARD)


def payment_title(donation: Donation) -> str:
    """What the payment page says one pays for, in the language in which the gift was begun."""
    organization = donation.fundraiser.organization.name
    if not donation.cover_fee_minor:
        return organization
    locale = language_of(donation.locale)
    gift, fee = (
        format_money(Money(minor, donation.currency), locale)
        for minor in (donation.gift_minor, donation.cover_fee_minor)
    )
    with speaking(locale):
        return _(
            "%(organization)s: %(gift)s, and %(fee)s for the card fee", organization=organization, gift=gift, fee=fee
        )


def fee_said(terms: FeeTerms, currency: str, locale: str) -> str:
    """What a card payment costs: "2.9% + $0.30"."""
    share = format_percent(decimal.Decimal(terms.share) / WHOLE, format="#,##0.##%", locale=locale)
    if not terms.fixed_minor:
        return share
    return f"{share} + {format_money(Money(terms.fixed_minor, currency), locale)}"


def dedication(donation: Donation) -> str:
    """In whose honor or memory it is given, as a phrase; "" when in nobody's."""
    if donation.dedication == "honor":
        return _("In honor of %(name)s", name=donation.dedicated_to)
    if donation.dedication == "memory":
        return _("In memory of %(name)s", name=donation.dedicated_to)
    return ""


def who_sees(donation: Donation) -> str:
    """Who reads the donor's name, as a sentence without its full stop."""
    organization = donation.fundraiser.organization.name
    if not donation.anonymous:
        return _("Everybody sees it")
    if donation.hide_from_organization:
        if donation.hide_from_starter:
            return _("Nobody sees it, not even %(organization)s", organization=organization)
        return _("Only whoever started the page sees it")
    if donation.hide_from_starter:
        return _("Only %(organization)s sees it", organization=organization)
    return _("Only %(organization)s and whoever started the page see it", organization=organization)


def not_opened() -> str:
    """The payment service refuses to open a page for a donor, for a reason that is none of theirs."""
    return _(
        "The payment service refuses to open a page for this gift. Nothing was taken. Pressing again does not help: it is noted "
        "for the people who run this site"
    )


def refused() -> str:
    """The payment service refuses what a donor asked, and of their page nothing is known."""
    return _(
        "The payment service refuses this, and does not say whether its page is still open. Pressing again does not help: it is "
        "noted for the people who run this site"
    )
