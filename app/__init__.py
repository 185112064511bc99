"""The factory: the only module that knows every package.

Each feature brings, when it has them: `views.BLUEPRINTS`, `jobs.HANDLERS` and `jobs.SWEEPS`, `commands.register(app)`,
`checks.CHECKS` (what `flask verify` recomputes), `bars.BARS` (what keeps somebody from acting for an organization), and
`demo.load` (what it adds to the demonstration that pages tell).
"""

from __future__ import annotations

import dataclasses
import importlib
import importlib.util
import logging
import sys
import traceback
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any
from urllib.parse import urlsplit

import structlog
from flask import Flask, g, has_request_context, request
from flask_babel import Babel, get_locale
from flask_migrate import Migrate
from flask_wtf import CSRFProtect
from jinja2 import StrictUndefined
from whitenoise import WhiteNoise

from app.accounts import session
from app.core import cache, commands, i18n, jobs, limits, places, web
from app.core.db import configure_engine, db
from app.core.ids import decode_id, encode_id
from app.organizations.queries import OwnOrganization, list_own_organizations
from config import Settings

# The ladder, bottom to top (docs/architecture.md; pyproject.toml holds the contract that import-linter checks).
FEATURES = (
    "accounts",
    "messages",
    "organizations",
    "learning",
    "safeguarding",
    "needs",
    "signups",
    "pledges",
    "fundraisers",
    "donations",
    "discovery",
    "moderation",
    "imports",
    "admin",
    "pages",
    "api",
)
log = structlog.get_logger(__name__)
STATIC = Path(__file__).parent / "static"


@dataclasses.dataclass(frozen=True)
class Site:
    """What every template may say about this installation and this reader's language."""

    name: str
    base_url: str
    payments_mode: str
    production: bool
    locale: str
    direction: str


class _App(Flask):
    """Flask, whose log of a failed request tells the route's pattern and never its path, query or data."""

    def log_exception(self, exc_info: Any) -> None:
        """Log where it failed. The exception's own text may hold what people typed, so only its kind is kept."""
        kind, _error, trace = exc_info
        log.error(
            "request.failed",
            route=str(request.url_rule),
            method=request.method,
            error=getattr(kind, "__name__", str(kind)),
            trace="".join(traceback.format_tb(trace)),
        )


def create_app(settings: Settings) -> Flask:
    """The application for `settings`. Raises RuntimeError when a route has no guard."""
    app = _App(__name__, template_folder="../templates", static_folder=None)
    app.config.update(
        SETTINGS=settings,
        SECRET_KEY=settings.secret_key,
        SQLALCHEMY_DATABASE_URI=settings.sqlalchemy_url,
        TESTING=settings.testing,
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Lax",
        SESSION_COOKIE_SECURE=settings.production,
        PERMANENT_SESSION_LIFETIME=60 * 60 * 24 * 30,
        MAX_CONTENT_LENGTH=2 * 1024 * 1024,
        MAX_FORM_PARTS=2000,
        WTF_CSRF_TIME_LIMIT=None,
        # Over TLS, Flask-WTF asks for a Referer besides the token: pages that tell nobody where they were send none.
        WTF_CSRF_SSL_STRICT=False,
        BABEL_DEFAULT_LOCALE=settings.supported_locales[0],
        BABEL_TRANSLATION_DIRECTORIES=str(Path(__file__).parent / "translations"),
    )
    app.jinja_env.undefined = StrictUndefined
    app.jinja_env.trim_blocks = app.jinja_env.lstrip_blocks = True
    _configure_logging(settings)
    settings.data_dir.mkdir(parents=True, exist_ok=True)
    places.init(settings.data_dir)
    db.init_app(app)
    with app.app_context():
        configure_engine(db.engine)
    Migrate(app, db, render_as_batch=True, directory=str(Path(__file__).parent.parent / "migrations"))
    limits.init_app(app, settings)  # before CSRF: a forged form counts too
    csrf = CSRFProtect(app)
    Babel(app, locale_selector=_choose_locale)
    i18n.init_app(app)
    session.init_app(app)
    web.init_app(app, _payment_hosts(settings))
    cache.init_app(app)
    app.context_processor(_template_context)
    _register_features(app, csrf)
    commands.register(app)
    app.wsgi_app = WhiteNoise(  # type: ignore[method-assign]  # the documented way to wrap
        app.wsgi_app, root=str(STATIC), prefix="/static/", max_age=31536000
    )
    web.require_guards(app)
    return app


def _module(feature: str, name: str) -> ModuleType | None:
    """The module `app.<feature>.<name>`, or None when the feature has no such file."""
    if importlib.util.find_spec(f"app.{feature}.{name}") is None:
        return None
    return importlib.import_module(f"app.{feature}.{name}")


def _register_features(app: Flask, csrf: CSRFProtect) -> None:
    handlers: dict[str, Any] = {}
    sweeps: list[jobs.Sweep] = list(jobs.CORE_SWEEPS)
    checks: dict[str, Any] = {}
    bars: list[Any] = []
    demonstrations: list[Callable[[], None]] = []
    for feature in FEATURES:
        _module(feature, "models")  # the metadata knows every table before anything is asked of it
        if (views := _module(feature, "views")) is not None:
            for blueprint in views.BLUEPRINTS:
                app.register_blueprint(blueprint)
                if isinstance(blueprint, web.ProvenBlueprint):
                    csrf.exempt(blueprint)
            if hasattr(views, "init_app"):
                views.init_app(app, csrf)
        if (promised := _module(feature, "jobs")) is not None:
            handlers |= promised.HANDLERS
            sweeps += promised.SWEEPS
        if (checked := _module(feature, "checks")) is not None:
            checks |= checked.CHECKS
        if (barring := _module(feature, "bars")) is not None:
            bars += barring.BARS
        if (operator := _module(feature, "commands")) is not None:
            operator.register(app)
        if feature != "pages" and (shown := _module(feature, "demo")) is not None:
            demonstrations.append(shown.load)
    app.extensions["outbox_handlers"] = handlers
    app.extensions["sweeps"] = tuple(sweeps)
    app.extensions["checks"] = checks
    app.extensions["bars"] = tuple(bars)
    app.extensions["demonstrations"] = tuple(demonstrations)


def _choose_locale() -> str:
    """The language of the reader: their profile's, else their browser's; a command or the worker speaks the first one."""
    settings: Settings = web.settings()
    if len(settings.supported_locales) == 1 or not has_request_context():
        return settings.supported_locales[0]
    person = web.viewer()
    if person is not None and person.locale in settings.supported_locales:
        return str(person.locale)
    return request.accept_languages.best_match(settings.supported_locales) or settings.supported_locales[0]


def _template_context() -> dict[str, Any]:
    settings = web.settings()
    locale = str(get_locale())
    site = Site(
        name=settings.platform_name,
        base_url=settings.base_url,
        payments_mode=settings.payments_mode,
        production=settings.production,
        locale=locale,
        direction=i18n.direction(locale),
    )
    return {
        "site": site,
        "viewer": web.viewer(),
        "own_organizations": _own_organizations,
        "encode_id": encode_id,
        "decode_id": decode_id,
    }


def _own_organizations() -> list[OwnOrganization]:
    """Where whoever is signed in belongs: asked once for a page that shows it, and for nobody else."""
    if "own_organizations" not in g:
        person = web.viewer()
        g.own_organizations = [] if person is None else list_own_organizations(person)
    found: list[OwnOrganization] = g.own_organizations
    return found


def _payment_hosts(settings: Settings) -> tuple[str, ...]:
    """Where a donation form's redirect may lead: Stripe's hosted page, or the demo server's."""
    if settings.payments_mode == "off":
        return ()
    if settings.stripe_api_base:
        parts = urlsplit(settings.stripe_api_base)
        return (f"{parts.scheme}://{parts.netloc}",)
    return ("https://checkout.stripe.com", "https://connect.stripe.com", "https://billing.stripe.com")


def _configure_logging(settings: Settings) -> None:
    """One line of JSON per event, to standard error. Routes are logged as patterns, never paths (web.py)."""
    level = logging.getLevelNamesMapping().get(settings.log_level.upper(), logging.INFO)
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.JSONRenderer(),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=lambda *_arguments: structlog.PrintLogger(sys.stderr),
        cache_logger_on_first_use=False,
    )
