"""The WSGI application: `gunicorn wsgi:app`, `flask --app wsgi ...`."""

from werkzeug.middleware.proxy_fix import ProxyFix

from app import create_app
from config import Settings, SettingsError

try:
    settings = Settings.from_environment()
except SettingsError as error:
    # A wrong deployment says what is wrong, a line per variable, and ends: no traceback, no half-started process.
    raise SystemExit(f"Manyhands does not start:\n{error}") from None
app = create_app(settings)
if settings.trusted_proxies:
    hops = settings.trusted_proxies
    app.wsgi_app = ProxyFix(  # type: ignore[method-assign]  # the documented way to wrap
        app.wsgi_app, x_for=hops, x_proto=hops, x_host=hops
    )
