"""Dates that a calendar has and nobody means: refused at the field, never an error of ours."""

from __future__ import annotations

import datetime as dt

import pytest
from flask import Flask

from app.core.clock import today
from app.core.db import transaction
from app.core.errors import InvalidInput
from app.safeguarding.operations import ask_exemption, record_clearance
from tests.factories import make_organization, make_person

LAST = dt.date.max


@pytest.mark.rule("A4")
def test_a_clearance_does_not_hold_for_ever(app: Flask) -> None:
    owner, helper = make_person(), make_person()
    organization = make_organization(owner)
    for expires_on in (LAST, today("UTC") + dt.timedelta(days=60 * 366)):
        with pytest.raises(InvalidInput) as wrong, transaction():
            record_clearance(
                organization.id, by=owner, email=helper.email, kind="identity", issued_on=today("Etc/GMT+12"),
                expires_on=expires_on,
            )  # fmt: skip
        assert list(wrong.value.errors) == ["expires_on"]


@pytest.mark.rule("A4")
def test_an_exemption_begins_soon(app: Flask) -> None:
    owner, helper = make_person(), make_person()
    organization = make_organization(owner)
    with pytest.raises(InvalidInput) as wrong, transaction():
        ask_exemption(
            organization.id, by=owner, email=helper.email, kind="medical", reason="Later", starts_on=LAST, ends_on=LAST
        )
    assert list(wrong.value.errors) == ["ends_on"]
