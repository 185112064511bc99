"""What the tests of waitlists share: who waits for a shift, what they do, what they are told."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable

import pytest
import time_machine
from flask import Flask

from app.accounts.models import Person
from app.core.clock import now
from app.core.db import transaction
from app.core.errors import Refused
from app.needs.models import Need, Shift
from app.signups import operations, waitlist
from app.signups.checks import check_capacity, check_one_live_signup, check_overlaps
from app.signups.models import Signup
from tests.conftest import CheckingClient
from tests.factories import make_need, make_organization, make_person, make_shift
from tests.smtp import Mailbox

Work = Callable[[], dict[str, int]]
SignIn = Callable[..., CheckingClient]
HOUR = dt.timedelta(hours=1)


@pytest.fixture
def need(app: Flask) -> Need:
    return make_need(make_organization(make_person()), title="Sort boxes")


@pytest.fixture
def shift(need: Need) -> Shift:
    return make_shift(need, capacity=1, days=6)


def join(shift: Shift, *sizes: int) -> list[Signup]:
    """Who waits for the shift, one after the other."""
    made = []
    for number, size in enumerate(sizes):
        person = make_person(name=f"Waiting {number}")
        with time_machine.travel(now() - dt.timedelta(minutes=len(sizes) - number)), transaction():
            made.append(waitlist.join(shift.id, by=person, party_size=size))
    return made


def do(act: Callable[..., object], *arguments: object, **named: object) -> None:
    with transaction():
        act(*arguments, **named)


def leave(signup: Signup) -> None:
    do(operations.cancel_signup, signup.id, by=signup.person)


def codes(act: Callable[..., object], *arguments: object, **named: object) -> list[str]:
    with pytest.raises(Refused) as refused:
        do(act, *arguments, **named)
    return [reason.code for reason in refused.value.reasons]


def sound() -> bool:
    return all(check()[1] == [] for check in (check_capacity, check_one_live_signup, check_overlaps))


def told(mailbox: Mailbox, person: Person) -> list[str]:
    """The subjects of what somebody was written, in order."""
    return [" ".join(str(mail["Subject"]).split()) for mail in mailbox.to(person.email)]
