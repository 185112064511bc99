"""Identifiers: random 63-bit keys inside, opaque strings outside. Neither counts anything nor tells an age."""

from __future__ import annotations

import secrets

# Crockford's base 32: no i, l, o, u, so an id read aloud or typed from paper survives.
ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"
_VALUE = {character: value for value, character in enumerate(ALPHABET)}
LENGTH = 13


def new_id() -> int:
    """A fresh primary key: positive, 63 bits, never guessable from another."""
    return secrets.randbits(63) | 1 << 61


def encode_id(key: int) -> str:
    """The opaque string of a key, 13 characters of lower-case base 32."""
    characters = []
    for _ in range(LENGTH):
        key, digit = divmod(key, 32)
        characters.append(ALPHABET[digit])
    return "".join(reversed(characters))


def decode_id(text: str) -> int | None:
    """The key of an opaque string, or None when `text` is not one."""
    if len(text) != LENGTH:
        return None
    key = 0
    for character in text:
        value = _VALUE.get(character)
        if value is None:
            return None
        key = key * 32 + value
    return key if key < 1 << 63 else None
