"""Secrets that travel: random link and API tokens (kept as hashes), keyed hashes and opaque page cursors."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from typing import Any

from flask import current_app
from itsdangerous import BadData, URLSafeSerializer


def new_token() -> str:
    """A fresh secret of 256 bits, safe in a URL."""
    return secrets.token_urlsafe(32)


def hash_token(token: str) -> str:
    """What the database keeps of a token: enough to recognise it, useless to whoever reads the table."""
    return hashlib.sha256(token.encode()).hexdigest()


def keyed_hash(purpose: str, value: str) -> str:
    """A hash of `value` that only this installation can compute, different for each `purpose` (hex, 64 characters)."""
    key = hashlib.sha256(f"{purpose}\0{current_app.config['SECRET_KEY']}".encode()).digest()
    return hmac.new(key, value.encode(), hashlib.sha256).hexdigest()


def seal(purpose: str, values: list[Any]) -> str:
    """`values` (ids and codes) in a text that is safe in a URL and that only this installation can make, for one
    `purpose` only. Readable by whoever holds it; what it carries may be no secret."""
    return str(_sealer(purpose).dumps(values))


def unseal(purpose: str, token: str) -> list[Any] | None:
    """What `seal` was given for the same purpose, or None when the text is not of our making."""
    try:
        found = _sealer(purpose).loads(token)
    except BadData:
        return None
    return found if isinstance(found, list) else None


def _sealer(purpose: str) -> URLSafeSerializer:
    return URLSafeSerializer(current_app.config["SECRET_KEY"], salt=f"manyhands.{purpose}")
