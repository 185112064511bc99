"""`flask ledger verify [--with-stripe]`."""

from __future__ import annotations

import sys
from typing import Any

import click
from flask import Flask

from app.core.cli import answers
from app.core.errors import refuse
from app.donations import checks, gateway
from app.donations.gateway import GatewayError


@click.group("ledger", help="The double-entry record of money.")
def ledger_group() -> None:
    """Commands about the ledger."""


def _outcome(with_stripe: bool) -> dict[str, Any]:
    if with_stripe and not gateway.is_on():
        raise refuse("payments_off", "PAYMENTS_MODE is off: there is no Stripe to compare with")
    entries, problems = checks.check_ledger()
    checked = {"ledger": entries}
    checked["returned"], found = checks.check_returned()
    problems = problems + found
    if with_stripe:
        try:
            checked["stripe"], found = checks.compare_with_stripe()
            checked["balance"], differing = checks.compare_balances()
            found = found + differing
        except GatewayError as error:
            raise refuse("stripe_unreachable", f"Stripe did not answer: {error.code}") from error
        problems = problems + found
    return {"ok": not problems, "checked": checked, "problems": problems}


@ledger_group.command(
    "verify", help="Prove the ledger; with --with-stripe compare every gift with Stripe. Changes nothing."
)
@click.option(
    "--with-stripe", is_flag=True, help="Ask Stripe about every paid gift, and for paid gifts we do not have."
)
def verify_command(with_stripe: bool) -> None:
    """Print {"ok","checked","problems"}; exit status 1 when not ok."""
    outcome: dict[str, Any] = {}

    def verified() -> dict[str, Any]:
        outcome.update(_outcome(with_stripe))
        return outcome

    answers(verified)()
    for problem in outcome["problems"][:20]:
        click.echo(problem, err=True)
    if not outcome["ok"]:
        sys.exit(1)


def register(app: Flask) -> None:
    """Add the group to `flask`."""
    app.cli.add_command(ledger_group)
