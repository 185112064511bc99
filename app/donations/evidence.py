"""What the bank is told in a dispute: our records of the gift as text, by Stripe's names
(https://docs.stripe.com/api/disputes/evidence_object). It is shown before it is sent, word for word."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator

from app.core.i18n import _
from app.core.money import Money, format_money
from app.donations import money_queries, monthly_queries, queries
from app.donations.models import Donation
from app.donations.money_models import REFUND_LIVE, Dispute
from app.donations.policy import is_known_to_staff


def pack(dispute: Dispute, words: str, *, base_url: str, locale: str) -> dict[str, str]:
    """The evidence of one dispute from our records, and the staff's own `words`. Empty texts are left out: Stripe reads them
    as a wish to unset. Nothing that the donor did not give us, and nothing of other people."""
    donation = dispute.donation
    fundraiser = donation.fundraiser
    amount = format_money(Money(donation.amount_minor, donation.currency), locale)
    address = f"{base_url}/fundraisers/{fundraiser.slug}"
    # What the page shows is what is sent: of a donor who hides from the organization the bank itself knows who they are (F9).
    is_known = is_known_to_staff(donation)
    texts = {
        "customer_name": donation.name if is_known else "",
        "customer_email_address": donation.email if is_known else "",
        "product_description": _(
            "A donation of %(amount)s to %(organization)s through the fundraiser “%(title)s” (%(url)s). A donation buys"
            " nothing: no goods or services are delivered.",
            amount=amount,
            organization=fundraiser.organization.name,
            title=fundraiser.title,
            url=address,
        ),
        "service_date": _day(donation.paid_at),
        "uncategorized_text": "\n".join([*_history(donation, locale), *(["", words] if words else [])]),
    }
    return {name: text for name, text in texts.items() if text}


def _day(instant: dt.datetime | None) -> str:
    return "" if instant is None else instant.astimezone(dt.UTC).strftime("%Y-%m-%d")


def _moment(instant: dt.datetime) -> str:
    return instant.astimezone(dt.UTC).strftime("%Y-%m-%d %H:%M UTC")


def _history(donation: Donation, locale: str) -> Iterator[str]:
    """What happened, each with its time, oldest first."""
    yield _("What our records say about this gift:")
    if donation.monthly_gift_id is not None and donation.stripe_session_id is None:
        yield from _history_of_month(donation.monthly_gift_id, donation)
    else:
        yield from _history_of_form(donation)
    if donation.message:
        yield _("The donor left this message for the fundraiser: “%(words)s”", words=donation.message)
    if not donation.anonymous:
        yield _("The donor chose that everybody may see their name on the fundraiser's page.")
    for refund in money_queries.list_refunds_of(donation.id):
        if refund.status in REFUND_LIVE:
            amount = format_money(Money(refund.amount_minor, refund.currency), locale)
            yield _("%(at)s: we gave back %(amount)s.", at=_moment(refund.created_at), amount=amount)


def _history_of_month(gift_id: int, donation: Donation) -> Iterator[str]:
    """Of a later month nobody filled in a form: the donor agreed to all months with the first."""
    first_id = monthly_queries.find_first_donation_id(gift_id)
    first = None if first_id is None else queries.find_donation(first_id)
    if first is not None and first.paid_at is not None:
        yield _(
            "%(at)s: the donor chose to give every month, and paid the first month on the page of Stripe Checkout.",
            at=_moment(first.paid_at),
        )
        yield _(
            "We wrote to the donor's email address then and with every month, with the amount and a link to the gift."
        )
    if donation.paid_at is not None:
        yield _(
            "%(at)s: this month was paid by the card or account that the donor had put in.",
            at=_moment(donation.paid_at),
        )


def _history_of_form(donation: Donation) -> Iterator[str]:
    yield _(
        "%(at)s: the donor filled in the form with name, email address and the amount, which they chose themselves.",
        at=_moment(donation.created_at),
    )
    if donation.attempt_at is not None:
        yield _("%(at)s: the donor came back and went on with the payment.", at=_moment(donation.attempt_at))
    if donation.paid_at is not None:
        yield _("%(at)s: it was paid, by the page of Stripe Checkout.", at=_moment(donation.paid_at))
        yield _("When we heard of it we wrote to the donor's email address, with the amount and a link to the gift.")
