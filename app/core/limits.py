"""How many requests one caller may make: of the API by token or address, of page forms by address.

Counted in Redis when there is one, else (and while Redis is away) in each process. Sign-in has throttles of its own in the
database (accounts.throttles); reading pages is not limited.
"""

from __future__ import annotations

import ipaddress

from flask import Flask, g, request
from flask_limiter import Limiter

from app.core import web
from config import Settings

API_LIMIT = "600 per minute"
FORM_LIMIT = "120 per minute"


def network() -> str:
    """The network address that this request comes from: of IPv6 the first 64 bits, as one household has all of the rest. An
    IPv4 address that a socket for both tells as IPv6 (RFC 4291, 2.5.5.2) is itself."""
    try:
        address = ipaddress.ip_address(request.remote_addr or "")
    except ValueError:  # a socket of the machine itself
        return request.remote_addr or ""
    if isinstance(address, ipaddress.IPv6Address):
        if address.ipv4_mapped is not None:
            return str(address.ipv4_mapped)
        return str(ipaddress.ip_network((address, 64), strict=False))
    return str(address)


def _is_api() -> bool:
    return request.path.startswith("/api/")


def _caller() -> str:
    token = None
    if _is_api() and web.viewer() is not None:
        token = g.get("token_id")
    return f"token:{token}" if token else f"address:{network()}"


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
