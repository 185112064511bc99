"""What is promised about money that goes back and about payouts: mails to the donor and to the organization's staff."""

from __future__ import annotations

import datetime as dt
from typing import Any

from flask import current_app

from app.accounts.mailbox import deliver_to
from app.accounts.models import Person
from app.accounts.queries import find_person
from app.core.db import db, transaction
from app.core.ids import encode_id
from app.core.letters import compose, language_of, speaking
from app.core.mail import deliver
from app.core.money import Money, format_money
from app.core.when import moment
from app.donations import checkout, gateway, going_back, money_queries, money_words, queries
from app.donations.models import Donation
from app.donations.money_models import REFUND_LIVE, FraudWarning, Payout
from app.donations.operations import disputes
from app.messages.delivery import send
from app.organizations.models import Organization
from app.organizations.queries import find_organization_by_id


def ask_refund(payload: dict[str, Any]) -> None:
    """A saved refund: let Stripe hear of it, once."""
    going_back.ask_refund(payload["refund_id"])


def look_back(payload: dict[str, Any]) -> None:
    """What went back of a gift before we knew of it."""
    going_back.look_back(payload["donation_id"])


def passed_over(payload: dict[str, Any]) -> None:
    """What Stripe told of a payment that was no gift of ours then."""
    going_back.look_at_passed_over(payload["payment"], payload["account"])


def dispute_due(payload: dict[str, Any]) -> None:
    """The bank's deadline is near."""
    with transaction():
        disputes.remind(payload["dispute_id"])


def mail_refunded(payload: dict[str, Any]) -> None:
    """Tell the donor what goes back to them, or that it did not arrive: as it is now."""
    refund = money_queries.find_refund(payload["refund_id"])
    donation = None if refund is None else queries.find_donation(refund.donation_id)
    if refund is None or donation is None or refund.status in ("asked", "refused"):
        return
    locale = language_of(donation.locale)
    mail = compose(
        "donations/refunded",
        to=donation.email,
        locale=locale,
        demo=donation.mode == "demo",
        in_test=donation.mode == "test",
        arrived=refund.status in REFUND_LIVE,
        amount=format_money(Money(refund.amount_minor, refund.currency), locale),
        whole=refund.amount_minor == donation.amount_minor,
        astray=donation.is_astray,
        gift=format_money(Money(donation.amount_minor, donation.currency), locale),
        name=donation.name,
        organization=donation.fundraiser.organization.name,
        fundraiser=donation.fundraiser.title,
        gift_url=checkout.return_url(donation.id),
    )
    donor = find_person(donation.person_id) if donation.person_id is not None else None
    if donor is not None and donor.email == donation.email:
        deliver_to(donor, mail, key=payload["outbox_key"])
    else:
        deliver(mail, key=payload["outbox_key"])


def mail_money_news(payload: dict[str, Any]) -> None:
    """Tell one owner or manager what happened to the organization's money; not when it is no longer so."""
    person = db.session.get(Person, payload["person_id"])
    news = _NEWS[payload["what"]](payload, person) if person is not None and person.is_active else None
    if person is None or news is None:
        return
    send(f"donations/{payload['what']}", to=person, key=payload["outbox_key"], **news)


def _base(path: str) -> str:
    base: str = current_app.config["SETTINGS"].base_url
    return f"{base}{path}"


def _about(donation: Donation, person: Person, minor: int) -> dict[str, Any]:
    organization, locale = donation.fundraiser.organization, language_of(person.locale)
    return {
        "demo": donation.mode == "demo",
        "in_test": donation.mode == "test",
        "organization": organization.name,
        "fundraiser": donation.fundraiser.title,
        "donor": money_words.donor(donation),
        "amount": format_money(Money(minor, donation.currency), locale),
        "gift_url": _base(f"/manage/{organization.slug}/donations/{encode_id(donation.id)}"),
    }


def _dispute_news(payload: dict[str, Any], person: Person) -> dict[str, Any] | None:
    if "mismatch_id" in payload:
        return _second_dispute_news(payload, person)
    dispute = money_queries.find_dispute(payload["dispute_id"])
    if dispute is None or dispute.status != payload["status"]:
        return None
    organization = dispute.donation.fundraiser.organization
    return {
        **_about(dispute.donation, person, dispute.amount_minor),
        **_of_dispute(organization, person, dispute.status, dispute.reason, dispute.respond_by),
        "reminds": bool(payload.get("reminds")),
        "elsewhere": False,
        "dispute_url": _base(f"/manage/{organization.slug}/disputes/{encode_id(dispute.id)}"),
    }


def _second_dispute_news(payload: dict[str, Any], person: Person) -> dict[str, Any] | None:
    """Of a payment that is in no book: there is no page of the dispute, and it is answered at Stripe."""
    mismatch = money_queries.find_mismatch(payload["mismatch_id"])
    gift = None if mismatch is None else mismatch.donation_id
    donation = None if gift is None else queries.find_donation(gift)
    if mismatch is None or donation is None:
        return None
    organization = donation.fundraiser.organization
    due = payload["respond_by"]
    respond_by = None if due is None else dt.datetime.fromisoformat(due)
    return {
        **_about(donation, person, payload["amount_minor"]),
        **_of_dispute(organization, person, payload["status"], payload["reason"], respond_by),
        "reminds": False,
        "elsewhere": True,
        "dispute_url": _base(f"/manage/{organization.slug}/money/differences/{encode_id(mismatch.id)}"),
    }


def _of_dispute(
    organization: Organization, person: Person, status: str, reason: str, respond_by: dt.datetime | None
) -> dict[str, str]:
    with speaking(person.locale):
        return {
            "state": money_words.dispute_state(status),
            "reason": str(money_words.dispute_reason(reason)),
            "deadline": "" if respond_by is None else moment(respond_by, organization.time_zone),
        }


def _warning_news(payload: dict[str, Any], person: Person) -> dict[str, Any] | None:
    warning = db.session.get(FraudWarning, payload["warning_id"])
    donation = None if warning is None else queries.find_donation(warning.donation_id)
    return None if donation is None else _about(donation, person, donation.amount_minor)


def _refund_news(payload: dict[str, Any], person: Person) -> dict[str, Any] | None:
    refund = money_queries.find_refund(payload["refund_id"])
    donation = None if refund is None else queries.find_donation(refund.donation_id)
    if refund is None or donation is None:
        return None
    with speaking(person.locale):
        why = str(money_words.refund_problem(refund.problem)) if refund.status == "refused" else ""
    news = {"gone": refund.problem == gateway.ACCOUNT_GONE, "refused": refund.status == "refused", "why": why}
    return {**_about(donation, person, refund.amount_minor), **news}


def _payout_news(payload: dict[str, Any], person: Person) -> dict[str, Any] | None:
    payout = db.session.get(Payout, payload["payout_id"])
    found = None if payout is None else payout.organization_id
    organization = None if found is None else find_organization_by_id(found)
    if payout is None or organization is None:
        return None
    return {
        "organization": organization.name,
        "amount": format_money(Money(payout.amount_minor, payout.currency), language_of(person.locale)),
        "payout_url": _base(f"/manage/{organization.slug}/payouts/{encode_id(payout.id)}"),
    }


_NEWS = {
    "dispute": _dispute_news,
    "fraud_warning": _warning_news,
    "refund_failed": _refund_news,
    "payout_failed": _payout_news,
}
HANDLERS = {
    "ask_refund": ask_refund,
    "dispute_due": dispute_due,
    "look_back": look_back,
    "passed_over": passed_over,
    "mail_donation_refunded": mail_refunded,
    "mail_money_news": mail_money_news,
}
