"""Shared by every command: a result is one JSON line, a refusal is one clear line on standard error and exit status 1."""

from __future__ import annotations

import functools
import json
from collections.abc import Callable
from typing import Any, ParamSpec

import click

from app.core.errors import InvalidInput, Refused

P = ParamSpec("P")


def answers(command: Callable[P, dict[str, Any] | None]) -> Callable[P, None]:
    """Print what `command` returns as the last line of standard output; say refusals and bad input in one line."""

    @functools.wraps(command)
    def wrapped(*args: P.args, **kwargs: P.kwargs) -> None:
        try:
            result = command(*args, **kwargs)
        except Refused as refused:
            raise click.ClickException("; ".join(reason.message for reason in refused.reasons)) from refused
        except InvalidInput as invalid:
            lines = "; ".join(f"{field}: {message}" for field, message in invalid.errors.items())
            raise click.ClickException(lines) from invalid
        if result is not None:
            click.echo(json.dumps(result, separators=(",", ":"), ensure_ascii=False))

    return wrapped
