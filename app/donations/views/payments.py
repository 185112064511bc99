"""An organization's account for online gifts: how it stands in words, and the way to Stripe's form and back."""

from __future__ import annotations

from flask import flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue

from app.accounts.session import current_person
from app.core.errors import Reason, Refused
from app.core.i18n import _
from app.core.web import allow
from app.donations import accounts, gateway, payees, words
from app.donations.gateway import GatewayError
from app.donations.views.blueprint import donations
from app.organizations.models import Organization
from app.organizations.policy import can_manage_listings, can_own
from app.organizations.queries import find_organization


def _page(organization: Organization, code: int = 200, *, problem: Reason | None = None) -> ResponseReturnValue:
    account = payees.find_account(organization.id, gateway.mode())
    return render_template(
        "donations/payments.html",
        organization=organization,
        account=account,
        status="none" if account is None else account.state,
        connects=gateway.connects(),
        due=words.requirements(account.requirements) if account is not None else [],
        stopped=words.stopped(account.disabled_reason) if account is not None else "",
        takes_gifts=accounts.can_take_gifts(organization),
        not_served=accounts.may_not_begin(organization),
        may_begin=can_own(current_person(), organization),
        dashboard=accounts.dashboard_url(account),
        problem=problem,
    ), code


@donations.get("/manage/<slug>/payments")
@allow(can_manage_listings, load=find_organization)
def payments(organization: Organization) -> ResponseReturnValue:
    """Whether the organization can receive gifts online, and what to do about it."""
    return _page(organization)


def _go_on(organization: Organization) -> ResponseReturnValue:
    slug = organization.slug
    try:
        return redirect(accounts.onboard(organization, by=current_person()).url, code=303)
    except Refused as refused:
        reason, code = refused.reasons[0], 409
    except GatewayError:
        reason = Reason("payment_unavailable", _("The payment service did not answer. Try again in a moment"))
        code = 503
    fresh = find_organization(slug)
    return _page(organization if fresh is None else fresh, code, problem=reason)


@donations.post("/manage/<slug>/payments")
@allow(can_own, load=find_organization)
def begin_payments(organization: Organization) -> ResponseReturnValue:
    """Begin, or go on with, what Stripe asks of the organization."""
    return _go_on(organization)


@donations.get("/manage/<slug>/payments/refresh")
@allow(can_own, load=find_organization)
def refresh_payments(organization: Organization) -> ResponseReturnValue:
    """Stripe sends people here whose link is used or too old: they get a fresh one and go on."""
    if payees.find_account(organization.id, gateway.mode()) is None:  # nobody begins an account by following a link
        return redirect(url_for("donations.payments", slug=organization.slug), code=303)
    return _go_on(organization)


@donations.get("/manage/<slug>/payments/return")
@allow(can_manage_listings, load=find_organization)
def return_payments(organization: Organization) -> ResponseReturnValue:
    """Stripe sends people back here, whether or not they finished: how the account stands is asked afresh."""
    slug = organization.slug
    account = payees.find_account(organization.id, gateway.mode())
    known = None if account is None or account.deauthorized_at is not None else account.stripe_account_id
    if known is not None and gateway.is_on():
        try:
            accounts.refresh(known)
        except GatewayError:
            flash(_("The payment service did not answer, so this may be a few minutes old."))
    return redirect(url_for("donations.payments", slug=slug), code=303)
