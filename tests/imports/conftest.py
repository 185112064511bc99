"""What the tests of imports begin with."""

from __future__ import annotations

import pytest

from app.organizations.models import Organization
from tests.factories import make_member, make_organization
from tests.imports.walk import SignIn


@pytest.fixture
def pantry(sign_in: SignIn) -> Organization:
    """An organization whose manager is signed in."""
    organization = make_organization(slug="pantry", name="Pantry", name_key="pantry")
    sign_in(make_member(organization, "manager"))
    return organization
