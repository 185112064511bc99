"""Settings refuse to start on what would hurt, and say which variable it is."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from config import Settings, SettingsError, is_loopback

ROOT = Path(__file__).parent.parent.parent
STRONG = "s" * 40
LIVE = {"payments_mode": "live", "stripe_secret_key": "sk_live_x", "stripe_webhook_secret": "whsec_x"}


def problems(**changes: Any) -> list[str]:
    return Settings(**{"secret_key": STRONG, "base_url": "https://help.example.org", **changes}).problems()


def test_a_sound_production_starts() -> None:
    assert problems() == []
    assert problems(**LIVE) == []


@pytest.mark.parametrize(
    ("changes", "variable"),
    [
        ({"secret_key": ""}, "SECRET_KEY"),
        ({"secret_key": "dev"}, "SECRET_KEY"),
        ({"secret_key": "short"}, "SECRET_KEY"),
        ({"rate_limits": False}, "RATE_LIMITS"),
        ({"base_url": "help.example.org"}, "BASE_URL"),
        ({"database_url": "mysql://x"}, "DATABASE_URL"),
        ({"payments_mode": "on"}, "PAYMENTS_MODE"),
        ({**LIVE, "stripe_secret_key": "sk_test_x"}, "STRIPE_SECRET_KEY"),
        ({**LIVE, "stripe_webhook_secret": ""}, "STRIPE_WEBHOOK_SECRET"),
        ({**LIVE, "stripe_api_base": "http://127.0.0.1:9000"}, "STRIPE_API_BASE"),
        ({**LIVE, "payments_mode": "test"}, "STRIPE_SECRET_KEY"),
        ({**LIVE, "payments_mode": "demo", "stripe_secret_key": "sk_test_x"}, "STRIPE_API_BASE"),
        (
            {
                "payments_mode": "test",
                "stripe_secret_key": "sk_test_x",
                "stripe_webhook_secret": "w",
                "stripe_api_base": "http://10.0.0.1",
            },
            "STRIPE_API_BASE",
        ),
    ],
)
def test_a_mistake_is_named(changes: dict[str, Any], variable: str) -> None:
    assert any(variable in line for line in problems(**changes)), problems(**changes)


def test_demo_payments_are_refused_in_production() -> None:
    found = problems(
        payments_mode="demo",
        stripe_secret_key="sk_test_x",
        stripe_webhook_secret="w",
        stripe_api_base="http://localhost:9",
    )
    assert found == ["PAYMENTS_MODE=demo is refused in production"]


def test_everything_wrong_is_said_at_once(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("BASE_URL", "https://help.example.org")
    monkeypatch.setenv("SECRET_KEY", "dev")
    monkeypatch.setenv("PAYMENTS_MODE", "live")
    monkeypatch.setenv("DATA_DIR", str(tmp_path))
    with pytest.raises(SettingsError) as raised:
        Settings.from_environment()
    text = str(raised.value)
    assert all(name in text for name in ("SECRET_KEY", "STRIPE_SECRET_KEY", "STRIPE_WEBHOOK_SECRET"))


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "127.8.0.1", "::1", "[::1]"])
def test_loopback_is_known(host: str) -> None:
    assert is_loopback(host)


@pytest.mark.parametrize("host", ["10.0.0.1", "localhost.example.org", "127.0.0.1.example.org", "", None, "0.0.0.0"])
def test_what_is_not_loopback_is_known(host: str | None) -> None:
    assert not is_loopback(host)


def test_a_process_that_must_not_start_says_why_in_words_and_ends(tmp_path: Path) -> None:
    environment = {"BASE_URL": "https://help.example.org", "SECRET_KEY": "short", "DATA_DIR": str(tmp_path)}
    done = subprocess.run(
        [sys.executable, "-m", "flask", "--app", "wsgi", "verify"],
        env={**os.environ, **environment},
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert "SECRET_KEY" in done.stderr
    assert "Traceback" not in done.stderr
