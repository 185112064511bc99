"""The door Stripe knocks at."""

from __future__ import annotations

from flask import request
from flask.typing import ResponseReturnValue

from app.core.web import public, settings
from app.donations import gateway
from app.donations.gateway import BadSignature
from app.donations.operations import inbox
from app.donations.views.blueprint import stripe_webhook

LARGEST_EVENT = 256 * 1024


@stripe_webhook.post("/stripe/webhook")
@public
def webhook() -> ResponseReturnValue:
    """What happened on the installation's own account. Nothing is stored unless the signature is proved (F3)."""
    return _store("platform", settings().stripe_webhook_secret)


@stripe_webhook.post("/stripe/webhook/connect")
@public
def connect_webhook() -> ResponseReturnValue:
    """What happened on the accounts of organizations; it has a secret of its own (MONEY rule 1)."""
    return _store("connect", settings().stripe_connect_webhook_secret)


def _store(endpoint: str, secret: str) -> ResponseReturnValue:
    """Store what Stripe says and answer; the worker does the rest."""
    if not gateway.is_on() or (request.content_length or 0) > LARGEST_EVENT:
        return "", 400
    try:
        event = gateway.verify_webhook(request.get_data(cache=False), request.headers.get("Stripe-Signature"), secret)
    except BadSignature:
        return "", 400
    inbox.take_in(event, livemode=gateway.expects_livemode(), endpoint=endpoint)
    return "", 200
