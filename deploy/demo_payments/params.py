"""Reading Stripe's form-encoded parameters against a hand-written list: what is not on the list is refused."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import urlsplit

from deploy.demo_payments.errors import ApiError

_KEY = re.compile(r"([^\[\]]+)((?:\[[^\[\]]*\])*)")


def decode(pairs: Iterable[tuple[str, str]]) -> dict[str, Any]:
    """`a[b][0][c]=v` pairs as nested tables; lists stay tables keyed by their index. Raises ApiError."""
    found: dict[str, Any] = {}
    for key, value in pairs:
        match = _KEY.fullmatch(key)
        if match is None:
            raise ApiError(f"Received unknown parameter: {key}", code="parameter_unknown", param=key)
        path = [match[1], *re.findall(r"\[([^\[\]]*)\]", match[2])]
        table = found
        for part in path[:-1]:
            table = table.setdefault(part, {})
            if not isinstance(table, dict):
                raise ApiError(f"Invalid object: {key}", param=key)
        # `expand[]=x` counts up, as Stripe reads it.
        table[path[-1] or str(len(table))] = value
    return found


@dataclasses.dataclass(frozen=True, kw_only=True)
class Spec:
    """What one parameter may be."""

    required: bool = False

    def read(self, value: Any, path: str) -> Any:
        """The parsed value. Raises ApiError naming `path`."""
        raise ApiError(f"Received unknown parameter: {path}", code="parameter_unknown", param=path)


def _text(value: Any, path: str) -> str:
    if not isinstance(value, str):
        raise ApiError(f"Invalid string: {path} must be a string", param=path)
    if not value:
        raise ApiError(
            f"You passed an empty string for '{path}'. We assume empty values are an attempt to unset a parameter; "
            f"however '{path}' cannot be unset. You should remove '{path}' from your request or supply a non-empty value.",
            code="parameter_invalid_empty",
            param=path,
        )
    return value


@dataclasses.dataclass(frozen=True, kw_only=True)
class Text(Spec):
    """A string of at most `longest` characters."""

    longest: int = 5000

    def read(self, value: Any, path: str) -> str:
        """See Spec."""
        text = _text(value, path)
        if len(text) > self.longest:
            message = f"Invalid string: {text[:10]}...{text[-10:]}; must be at most {self.longest} characters"
            raise ApiError(message, param=path)
        return text


@dataclasses.dataclass(frozen=True, kw_only=True)
class Evidence(Spec):
    """One text about a dispute: up to 20,000 characters, empty to take it back."""

    def read(self, value: Any, path: str) -> str | None:
        """See Spec."""
        return None if value == "" else Text(longest=20_000).read(value, path)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Email(Spec):
    """An e-mail address."""

    def read(self, value: Any, path: str) -> str:
        """See Spec."""
        text = _text(value, path)
        if len(text) > 512 or not text.isascii() or not re.fullmatch(r"[^@\s]+@[^@\s.]+(\.[^@\s.]+)+", text):
            raise ApiError(f"Invalid email address: {text}", code="email_invalid", param=path)
        return text


@dataclasses.dataclass(frozen=True, kw_only=True)
class Url(Spec):
    """A whole http or https address."""

    def read(self, value: Any, path: str) -> str:
        """See Spec."""
        text = _text(value, path)
        parts = urlsplit(text)
        if parts.scheme not in ("http", "https") or not parts.hostname or re.search(r"\s", text) or len(text) > 5000:
            raise ApiError("Not a valid URL", code="url_invalid", param=path)
        return text


@dataclasses.dataclass(frozen=True, kw_only=True)
class Integer(Spec):
    """A whole number, not below `smallest`."""

    smallest: int | None = None
    largest: int | None = None

    def read(self, value: Any, path: str) -> int:
        """See Spec."""
        text = _text(value, path)
        if not re.fullmatch(r"-?[0-9]{1,18}", text):
            raise ApiError(f"Invalid integer: {text}", code="parameter_invalid_integer", param=path)
        number = int(text)
        if self.smallest is not None and number < self.smallest:
            message = f"This value must be greater than or equal to {self.smallest}."
            raise ApiError(message, code="parameter_invalid_integer", param=path)
        if self.largest is not None and number > self.largest:
            message = f"This value must be less than or equal to {self.largest}."
            raise ApiError(message, code="parameter_invalid_integer", param=path)
        return number


@dataclasses.dataclass(frozen=True, kw_only=True)
class Choice(Spec):
    """One of a few words."""

    values: tuple[str, ...]

    def read(self, value: Any, path: str) -> str:
        """See Spec."""
        text = _text(value, path)
        if text not in self.values:
            *first, last = self.values
            raise ApiError(f"Invalid {path}: must be one of {', '.join(first)}, or {last}", param=path)
        return text


@dataclasses.dataclass(frozen=True, kw_only=True)
class Flag(Spec):
    """true or false."""

    def read(self, value: Any, path: str) -> bool:
        """See Spec."""
        if value not in ("true", "false"):
            raise ApiError(f"Invalid boolean: {value}", param=path)
        return bool(value == "true")


@dataclasses.dataclass(frozen=True, kw_only=True)
class Metadata(Spec):
    """Up to 50 keys of 40 characters with values of 500 (https://docs.stripe.com/api/metadata)."""

    def read(self, value: Any, path: str) -> dict[str, str]:
        """See Spec."""
        if value == "":
            return {}
        if not isinstance(value, dict) or any(not isinstance(text, str) for text in value.values()):
            raise ApiError("Invalid object: metadata is a set of key-value pairs", param=path)
        if len(value) > 50:
            raise ApiError("Metadata can have up to 50 keys.", param=path)
        for key, text in value.items():
            if len(key) > 40 or len(text) > 500:
                message = "Metadata keys have up to 40 characters, their values up to 500."
                raise ApiError(message, param=f"{path}[{key}]")
        return {key: text for key, text in value.items() if text}


@dataclasses.dataclass(frozen=True, kw_only=True)
class Table(Spec):
    """An object with named parameters."""

    of: Mapping[str, Spec]

    def read(self, value: Any, path: str) -> dict[str, Any]:
        """See Spec. With an empty `path` the names stand alone, as at the top level."""
        if not isinstance(value, dict):
            raise ApiError("Invalid object", param=path)

        def named(name: str) -> str:
            return f"{path}[{name}]" if path else name

        for name in value:
            if name not in self.of:
                raise ApiError(
                    f"Received unknown parameter: {named(name)}", code="parameter_unknown", param=named(name)
                )
        for name, spec in self.of.items():
            if spec.required and name not in value:
                raise ApiError(f"Missing required param: {named(name)}.", code="parameter_missing", param=named(name))
        return {name: self.of[name].read(value[name], named(name)) for name in value}


@dataclasses.dataclass(frozen=True, kw_only=True)
class ByMode(Table):
    """An object some of whose parameters (`only`: dotted path -> modes) are for some modes only.

    https://docs.stripe.com/api/checkout/sessions/create says so parameter by parameter.
    """

    only: Mapping[str, tuple[str, ...]]

    def read(self, value: Any, path: str) -> dict[str, Any]:
        """See Spec."""
        found = super().read(value, path)
        mode = found["mode"]
        for name, modes in self.only.items():
            if mode not in modes and _has(found, name.split(".")):
                shown = name.replace(".", "][").replace("][", "[", 1) + ("]" if "." in name else "")
                raise ApiError(f"You can not pass `{shown}` in `{mode}` mode.", param=shown)
        return found


def _has(value: Any, path: list[str]) -> bool:
    """True when a value has something at that path; `*` is every item of a list."""
    if not path:
        return True
    if path[0] == "*":
        return any(_has(item, path[1:]) for item in value)
    return path[0] in value and _has(value[path[0]], path[1:])


@dataclasses.dataclass(frozen=True, kw_only=True)
class Items(Spec):
    """A list of `of`, at most `most` long."""

    of: Spec
    most: int

    def read(self, value: Any, path: str) -> list[Any]:
        """See Spec."""
        if not isinstance(value, dict) or any(not index.isdecimal() for index in value):
            raise ApiError("Invalid array", param=path)
        if len(value) > self.most:
            raise ApiError(f"Array {path} exceeded maximum {self.most} allowed elements.", param=path)
        return [self.of.read(item, f"{path}[{index}]") for index, item in value.items()]


@dataclasses.dataclass(frozen=True, kw_only=True)
class Unsettable(Spec):
    """What `of` reads, or nothing to take it back."""

    of: Spec

    def read(self, value: Any, path: str) -> Any:
        """See Spec; None when it is taken back."""
        return None if value == "" else self.of.read(value, path)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Created(Spec):
    """An instant, or a range of instants, in Unix seconds; read as the list of its SQL conditions."""

    OPERATORS = {"gt": ">", "gte": ">=", "lt": "<", "lte": "<="}

    def read(self, value: Any, path: str) -> list[tuple[str, int]]:
        """See Spec."""
        number = Integer(smallest=0)
        if isinstance(value, str):
            return [("=", number.read(value, path))]
        table = Table(of=dict.fromkeys(self.OPERATORS, number)).read(value, path)
        return [(self.OPERATORS[name], instant) for name, instant in table.items()]
