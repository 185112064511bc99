"""What every journey is made with: JavaScript and without."""

from __future__ import annotations

import pytest


@pytest.fixture(params=[True, False], ids=["javascript", "no javascript"])
def script(request: pytest.FixtureRequest) -> bool:
    """Whether the visitors' browsers run scripts."""
    return bool(request.param)
