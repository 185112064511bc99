"""How many requests one caller may make: of the API by token or address, of page forms by address.

Counted in Redis when there is one, else (and while Redis is away) in each process. Sign-in has throttles of its own in the
database (accounts.throttles); reading pages is not limited.
"""

from __future__ import annotations

from flask import Flask, g, request
from flask_limiter import Limiter
from flask_limiter.util import get_remote_address

from app.core import web
from config import Settings

API_LIMIT = "600 per minute"
FORM_LIMIT = "120 per minute"


def _is_api() -> bool:
    return request.path.startswith("/api/")


def _caller() -> str:
    token = None
    if _is_api() and web.viewer() is not None:
        token = g.get("token_id")
    return f"token:{token}" if token else f"address:{get_remote_address()}"


def _limit() -> str:
    return API_LIMIT if _is_api() else FORM_LIMIT


def _is_free() -> bool:
    """Pages may be read as often as one likes; Stripe's webhooks are recognised by their signature."""
    if _is_api():
        return False
    return request.method in ("GET", "HEAD", "OPTIONS") or request.path.startswith("/stripe/")


def init_app(app: Flask, settings: Settings) -> None:
    """Attach the limits; off in tests, and with RATE_LIMITS=off (on loopback only, see config)."""
    limiter = Limiter(
        _caller,
        default_limits=[_limit],
        default_limits_exempt_when=_is_free,
        headers_enabled=True,
        storage_uri=settings.redis_url or "memory://",
        in_memory_fallback_enabled=bool(settings.redis_url),
        swallow_errors=True,
        strategy="fixed-window",
        enabled=settings.rate_limits and not settings.testing,
    )
    limiter.init_app(app)
