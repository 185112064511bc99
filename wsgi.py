"""The WSGI application: `gunicorn wsgi:app`, `flask --app wsgi ...`."""

from werkzeug.middleware.proxy_fix import ProxyFix

from app import create_app
from config import Settings

settings = Settings.from_environment()
app = create_app(settings)
if settings.trusted_proxies:
    hops = settings.trusted_proxies
    app.wsgi_app = ProxyFix(app.wsgi_app, x_for=hops, x_proto=hops, x_host=hops)  # type: ignore[method-assign]  # the documented way to wrap
