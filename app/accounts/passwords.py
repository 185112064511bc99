"""Passwords: argon2id hashes, and rules that ask for length rather than tricks (NIST SP 800-63B, 5.1.1.2)."""

from __future__ import annotations

import functools
import unicodedata

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from flask import current_app

from app.core.i18n import _

MINIMUM_LENGTH = 10
MAXIMUM_LENGTH = 200
# The first guesses of anybody who tries; longer lists belong to a service that this site does not call.
COMMON = frozenset(
    {
        "password12",
        "password123",
        "passwordpassword",
        "1234567890",
        "12345678910",
        "0123456789",
        "qwertyuiop",
        "qwerty12345",
        "qwerty123456",
        "iloveyou123",
        "letmein1234",
        "welcome123",
        "welcome1234",
        "administrator",
        "changeme123",
        "abcdefghij",
        "abc1234567",
        "1q2w3e4r5t",
        "manyhands1",
        "manyhands123",
        "volunteer1",
        "volunteer123",
    }
)


@functools.cache
def _hasher(cheap: bool) -> PasswordHasher:
    return PasswordHasher(time_cost=1, memory_cost=8, parallelism=1) if cheap else PasswordHasher()


def _current_hasher() -> PasswordHasher:
    """Tests hash cheaply; nothing else does."""
    return _hasher(bool(current_app.config["SETTINGS"].testing))


@functools.cache
def _nobodys_hash(cheap: bool) -> str:
    return _hasher(cheap).hash("nobody has this password")


def _normal(password: str) -> str:
    """One form for what different keyboards type as the same letters."""
    return unicodedata.normalize("NFKC", password)


def hash_password(password: str) -> str:
    """The argon2id hash to keep."""
    return _current_hasher().hash(_normal(password))


def verify_password(password_hash: str | None, password: str) -> bool:
    """Whether `password` is the one. Without a hash the same work is done, so that time does not tell an address."""
    cheap = bool(current_app.config["SETTINGS"].testing)
    try:
        _current_hasher().verify(password_hash or _nobodys_hash(cheap), _normal(password))
    except (VerificationError, InvalidHashError):
        return False
    return password_hash is not None


def problem_with(password: str, email: str) -> str | None:
    """What is wrong with a new password, in words, or None."""
    if len(password) < MINIMUM_LENGTH:
        return _("Use %(n)s characters or more: a few words make a good password", n=MINIMUM_LENGTH)
    if len(password) > MAXIMUM_LENGTH:
        return _("Use %(n)s characters or fewer", n=MAXIMUM_LENGTH)
    folded = _normal(password).casefold()
    if folded in COMMON or len(set(folded)) < 4:
        return _("This password is among the first that anybody would try")
    if email and folded in (email.casefold(), email.casefold().partition("@")[0]):
        return _("Use something else than your email address")
    return None
