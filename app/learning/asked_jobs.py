"""Mails to whoever asked about a claim, and forgetting what is needed no more."""

from __future__ import annotations

from typing import Any

from flask import current_app

from app.core.db import transaction
from app.core.letters import compose, speaking
from app.core.mail import deliver
from app.learning.asked_models import AskedClaim
from app.learning.asked_queries import find_asked
from app.learning.asking import DECLINED
from app.learning.operations import asked as operations
from app.messages.delivery import send


def mail_asked_confirm(payload: dict[str, Any]) -> None:
    """The link by which the owner of an address says that they want to be told; nothing once it is forgotten."""
    asked = find_asked(payload["asked_id"])
    if asked is None or asked.email is None or asked.email_confirmed_at is not None:
        return
    link = f"{current_app.config['SETTINGS'].base_url}/learn/check/tell/{operations.asked_token(asked)}"
    # Not what was asked: whoever typed this address may be somebody else.
    mail = compose("learning/asked_confirm", to=asked.email, locale=asked.locale, confirm_url=link)
    deliver(mail, key=payload["outbox_key"])


def mail_asked_decided(payload: dict[str, Any]) -> None:
    """What became of what somebody asked; then their address is forgotten, also when there is nothing to read any more."""
    asked = find_asked(payload["asked_id"])
    if asked is None:
        return
    person, address = asked.asked_by, asked.email if asked.email_confirmed_at is not None else None
    decided: AskedClaim = asked.merged_into or asked
    locale = person.locale if person is not None else asked.locale
    with speaking(locale):
        why = str(DECLINED[decided.decline_code]) if decided.status == "declined" else ""
    question = decided.question if decided.status == "answered" else None
    key, asked_id = payload["outbox_key"], asked.id
    if question is not None and question.status != "published":  # withdrawn meanwhile
        if address is not None:
            with transaction():
                operations.forget_email(asked_id)
        return
    values: dict[str, Any] = {
        "asked": asked.text,
        "question": question.question if question else "",
        "slug": question.slug if question else "",
        "why": why,
        "note": decided.note,
        "in_danger": decided.decline_code == "person_in_danger",
    }
    if person is not None:
        if person.is_active:
            send("learning/asked_decided", to=person, key=key, **values)
    elif address is not None:
        deliver(compose("learning/asked_decided", to=address, locale=locale, **values), key=key)
        with transaction():
            operations.forget_email(asked_id)


def forget_old_claims() -> None:
    """Sweep: addresses that nobody confirmed, and old words."""
    with transaction():
        operations.forget_old()
