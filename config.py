"""Settings: every environment variable Manyhands reads, its default and its check, in one frozen object.

Nothing else reads the environment (a house test keeps that). `Settings.from_environment()` raises
`SettingsError` with one line per mistake, so that a wrong deployment says everything at once.
"""

from __future__ import annotations

import dataclasses
import ipaddress
from pathlib import Path
from urllib.parse import urlsplit

from environs import Env

PAYMENTS_MODES = ("off", "demo", "test", "live")
WEAK_SECRETS = frozenset({"", "dev", "secret", "changeme", "change-me", "password"})
MINIMUM_SECRET_LENGTH = 32


class SettingsError(ValueError):
    """The environment cannot be used; the message has one line per mistake."""


def is_loopback(host: str | None) -> bool:
    """True when `host` (a name or an address, no port) can only mean this machine."""
    if host is None:
        return False
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


@dataclasses.dataclass(frozen=True, kw_only=True)
class Settings:
    """What one installation is told from outside. Paths are absolute, URLs have no trailing slash."""

    secret_key: str = "dev"  # noqa: S105  # no secret: `problems` refuses it in production
    database_url: str = ""
    redis_url: str = ""
    base_url: str = "http://localhost:8000"
    data_dir: Path = Path("instance")
    port: int = 8000
    mail_url: str = "console:"
    mail_from: str = "Manyhands <manyhands@example.org>"
    payments_mode: str = "off"
    stripe_secret_key: str = ""
    stripe_api_base: str = ""
    stripe_webhook_secret: str = ""
    stripe_connect_webhook_secret: str = ""
    stripe_connect: bool = False
    web_workers: int = 2
    web_threads: int = 4
    log_level: str = "INFO"
    sentry_dsn: str = ""
    metrics_token: str = ""
    trusted_proxies: int = 0
    tiles_url: str = ""
    platform_name: str = "Manyhands"
    supported_locales: tuple[str, ...] = ("en",)
    default_country: str = "US"
    rate_limits: bool = True
    testing: bool = False

    @property
    def production(self) -> bool:
        """Production is when BASE_URL is https."""
        return self.base_url.startswith("https://")

    @property
    def on_loopback(self) -> bool:
        """True when BASE_URL can only be reached from this machine."""
        return is_loopback(urlsplit(self.base_url).hostname)

    @property
    def sqlalchemy_url(self) -> str:
        """DATABASE_URL as SQLAlchemy spells it; SQLite under DATA_DIR when nothing was set."""
        url = self.database_url
        if not url:
            return f"sqlite:///{self.data_dir / 'manyhands.db'}"
        for prefix in ("postgres://", "postgresql://"):
            if url.startswith(prefix):
                return "postgresql+psycopg://" + url[len(prefix) :]
        return url

    @classmethod
    def from_environment(cls) -> Settings:
        """Read and check the environment. Raises SettingsError, naming every variable that is wrong."""
        env = Env()
        connect_secret = env.str("STRIPE_CONNECT_WEBHOOK_SECRET", "")
        settings = cls(
            secret_key=env.str("SECRET_KEY", "dev"),
            database_url=env.str("DATABASE_URL", ""),
            redis_url=env.str("REDIS_URL", ""),
            base_url=env.str("BASE_URL", f"http://localhost:{env.str('PORT', '8000')}").rstrip("/"),
            data_dir=Path(env.str("DATA_DIR", "") or "instance").resolve(),
            port=env.int("PORT", 8000),
            mail_url=env.str("MAIL_URL", "console:"),
            mail_from=env.str("MAIL_FROM", "Manyhands <manyhands@example.org>"),
            payments_mode=env.str("PAYMENTS_MODE", "off"),
            stripe_secret_key=env.str("STRIPE_SECRET_KEY", ""),
            stripe_api_base=env.str("STRIPE_API_BASE", "").rstrip("/"),
            stripe_webhook_secret=env.str("STRIPE_WEBHOOK_SECRET", ""),
            stripe_connect_webhook_secret=connect_secret,
            # With an endpoint for them, organizations have accounts of their own; 0 sends all to the installation's.
            stripe_connect=(env.bool("STRIPE_CONNECT") if env.str("STRIPE_CONNECT", "") else bool(connect_secret)),
            web_workers=env.int("WEB_WORKERS", 2),
            web_threads=env.int("WEB_THREADS", 4),
            log_level=env.str("LOG_LEVEL", "INFO"),
            sentry_dsn=env.str("SENTRY_DSN", ""),
            metrics_token=env.str("METRICS_TOKEN", ""),
            trusted_proxies=env.int("TRUSTED_PROXIES", 0),
            tiles_url=env.str("TILES_URL", ""),
            platform_name=env.str("PLATFORM_NAME", "Manyhands"),
            supported_locales=tuple(env.list("SUPPORTED_LOCALES", ["en"])),
            default_country=env.str("DEFAULT_COUNTRY", "US"),
            rate_limits=env.str("RATE_LIMITS", "on") != "off",
        )
        mistakes = settings.problems()
        if mistakes:
            raise SettingsError("\n".join(mistakes))
        return settings

    def problems(self) -> list[str]:
        """Every reason why this installation must not start, each naming its variable. Empty when all is well."""
        found: list[str] = []
        if urlsplit(self.base_url).scheme not in ("http", "https") or not urlsplit(self.base_url).hostname:
            found.append("BASE_URL must be a whole address such as https://help.example.org")
        if self.production and (self.secret_key in WEAK_SECRETS or len(self.secret_key) < MINIMUM_SECRET_LENGTH):
            found.append(f"SECRET_KEY is missing or weak: give at least {MINIMUM_SECRET_LENGTH} random characters")
        if not self.rate_limits and not self.on_loopback:
            found.append("RATE_LIMITS=off works on a loopback BASE_URL only")
        if self.database_url and not self.database_url.startswith(("sqlite:", "postgres:", "postgresql")):
            found.append("DATABASE_URL must be SQLite or PostgreSQL")
        return found + self._payment_problems()

    def _payment_problems(self) -> list[str]:
        """The rules of payment modes: explicit, never a live key in a trial, never a trial server in live mode."""
        found: list[str] = []
        mode, key, base = self.payments_mode, self.stripe_secret_key, self.stripe_api_base
        if mode not in PAYMENTS_MODES:
            return [f"PAYMENTS_MODE must be one of {', '.join(PAYMENTS_MODES)}"]
        if mode == "off":
            return found
        live_key = key.startswith(("sk_live", "rk_live"))
        if not key:
            found.append("STRIPE_SECRET_KEY is missing")
        if not self.stripe_webhook_secret:
            found.append("STRIPE_WEBHOOK_SECRET is missing")
        if self.stripe_connect and not self.stripe_connect_webhook_secret:
            found.append(
                "STRIPE_CONNECT_WEBHOOK_SECRET is missing: organizations have accounts of their own (STRIPE_CONNECT)"
            )
        if mode == "live" and key and not live_key:
            found.append("STRIPE_SECRET_KEY must be a live key in PAYMENTS_MODE=live")
        if mode != "live" and live_key:
            found.append(f"STRIPE_SECRET_KEY is a live key, which PAYMENTS_MODE={mode} refuses")
        if mode == "demo" and not base:
            found.append("STRIPE_API_BASE is missing: PAYMENTS_MODE=demo needs the demo payment server")
        if mode == "demo" and self.production:
            found.append("PAYMENTS_MODE=demo is refused in production")
        if base and (mode == "live" or not is_loopback(urlsplit(base).hostname)):
            found.append("STRIPE_API_BASE must be loopback and is refused in PAYMENTS_MODE=live")
        return found
