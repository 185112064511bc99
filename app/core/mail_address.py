"""Addresses of e-mail for those who take ASCII only."""

from __future__ import annotations

from email_validator import EmailNotValidError, validate_email


def find_plain_address(text: str) -> str | None:
    """The address in ASCII: its domain as the DNS writes it. None when what stands before the @ is not ASCII. An address that is
    not one by the rules of today stays as it is."""
    if text.isascii() and "@xn--" not in text:
        return text
    try:
        return validate_email(text, check_deliverability=False).ascii_email
    except EmailNotValidError:
        return text if text.isascii() else None
