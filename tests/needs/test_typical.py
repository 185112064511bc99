"""Typical needs to start from: each is a form that can be sent once somebody says when."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from flask import Flask

from app.needs.typical import TYPICAL, Typical, fill_typical
from app.organizations.causes import find_cause
from tests.conftest import CheckingClient
from tests.factories import make_member, make_organization

SignIn = Callable[..., CheckingClient]


@pytest.mark.parametrize("typical", TYPICAL, ids=lambda typical: typical.code)
def test_it_fills_the_form_and_says_no_day_no_place_no_contact(
    app: Flask, sign_in: SignIn, client: CheckingClient, typical: Typical
) -> None:
    assert [slug for slug in typical.causes if find_cause(slug) is None] == []
    organization = make_organization()
    sign_in(make_member(organization, "manager"))
    page = client.get(f"/manage/{organization.slug}/needs/new?like={typical.code}")
    assert page.status_code == 200
    assert f'value="{typical.title}"' in page.text
    assert "Newark, NJ" in page.text
    for shift in fill_typical(typical)["shifts"]:
        assert not {"day", "due_on", "contact"} & shift.keys()
    for _name, _quantity, _unit in typical.items:
        assert str(_name) in page.text


def test_the_page_of_a_new_need_offers_them_and_an_unknown_one_is_an_empty_form(
    app: Flask, sign_in: SignIn, client: CheckingClient
) -> None:
    organization = make_organization()
    sign_in(make_member(organization, "manager"))
    url = f"/manage/{organization.slug}/needs/new"
    page = client.get(url).text
    assert page.count(f'href="{url}?like=') == len(TYPICAL)
    assert client.get(f"{url}?like=nonsense").status_code == 200
