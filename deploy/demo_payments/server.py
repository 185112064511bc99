"""The demo payment server as one object: a Flask application, its store and its sender, served on loopback."""

from __future__ import annotations

import dataclasses
import threading
from pathlib import Path
from urllib.parse import urlsplit

from flask import Flask, abort, request
from jinja2 import StrictUndefined
from werkzeug.serving import BaseWSGIServer, WSGIRequestHandler, make_server

from deploy.demo_payments import (
    api,  # noqa: F401  # its calls are routes of wire.blueprint
    api_monthly,  # noqa: F401  # its calls are routes of wire.blueprint
    desk,  # noqa: F401  # its pages are routes of pages.blueprint
    hooks,
    mischief,  # noqa: F401  # its pages are routes of pages.blueprint
    pages,
    wire,
)
from deploy.demo_payments.faults import Faults
from deploy.demo_payments.payments import Payments
from deploy.demo_payments.store import PLATFORM, Store
from deploy.demo_payments.webhooks import Endpoint, Sender

LOOPBACK = "127.0.0.1"
MAXIMUM_BODY = 256 * 1024


@dataclasses.dataclass(frozen=True, kw_only=True)
class Config:
    """What the server is told. `port` 0 chooses a free one."""

    port: int
    data_dir: Path
    key: str
    webhook_secret: str
    webhook_url: str
    connect_webhook_secret: str = ""
    connect_webhook_url: str = ""

    def problems(self) -> list[str]:
        """Why it must not start; empty when all is well."""
        found = []
        if not self.key.startswith("sk_test_"):
            found.append("--key must begin with sk_test_: the demo payment server refuses live keys")
        if not self.webhook_secret.startswith("whsec_"):
            found.append("--webhook-secret must begin with whsec_")
        if self.connect_webhook_url and not self.connect_webhook_secret.startswith("whsec_"):
            found.append("--connect-webhook-secret must begin with whsec_")
        if self.connect_webhook_secret == self.webhook_secret:
            found.append("--connect-webhook-secret must be another than --webhook-secret")
        for option, url in (("webhook-url", self.webhook_url), ("connect-webhook-url", self.connect_webhook_url)):
            parts = urlsplit(url)
            if url and (parts.scheme != "http" or parts.hostname not in ("localhost", "127.0.0.1", "::1")):
                found.append(f"--{option} must be an http address of this machine")
        return found


class _QuietHandler(WSGIRequestHandler):
    """Says nothing about each request."""

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """Nothing: the overview page and /_demo/deliveries tell what happened."""


class DemoPayments:
    """The running server. `base_url` is what the stripe package is given as its API address."""

    def __init__(self, config: Config) -> None:
        config.data_dir.mkdir(parents=True, exist_ok=True)
        app = Flask(__name__, static_folder=None)
        app.config["KEY"] = config.key
        app.config["MAX_CONTENT_LENGTH"] = MAXIMUM_BODY
        app.jinja_env.undefined = StrictUndefined
        app.jinja_env.trim_blocks = app.jinja_env.lstrip_blocks = True
        self.http: BaseWSGIServer = make_server(
            LOOPBACK, config.port, app, threaded=True, request_handler=_QuietHandler
        )
        self.base_url = f"http://{LOOPBACK}:{self.http.server_port}"
        self.store = Store(config.data_dir / "demo_payments.db")
        payments = Payments(self.store, self.base_url, connect=bool(config.connect_webhook_url))
        self.sender = Sender(
            payments,
            Endpoint(config.webhook_url, config.webhook_secret),
            Endpoint(config.connect_webhook_url, config.connect_webhook_secret),
        )
        app.config["ENDPOINTS"] = [config.webhook_url, config.connect_webhook_url]
        app.extensions.update(payments=payments, faults=Faults(), sender=self.sender)
        app.register_blueprint(wire.blueprint)
        app.register_blueprint(hooks.blueprint)
        app.register_blueprint(pages.blueprint)
        own = {f"{name}:{self.http.server_port}" for name in (LOOPBACK, "localhost")}

        @app.before_request
        def _only_this_machine() -> None:
            self.store.act_as(PLATFORM)  # one thread may serve several requests
            # A web site that somebody visits must reach nothing here, neither by a form nor by a name it points at us.
            if request.host not in own:
                abort(403)
            origin = request.headers.get("Origin")
            if origin is not None and urlsplit(origin).netloc not in own:
                abort(403)

    def serve(self) -> None:
        """Serve until `stop`."""
        self.sender.start()
        self.http.serve_forever(poll_interval=0.1)

    def stop(self) -> None:
        """End; called from another thread than `serve`."""
        self.http.shutdown()
        self.sender.stop()
        self.http.server_close()
        self.store.close()

    def start_thread(self) -> threading.Thread:
        """Serve in a thread of this process, for tests."""
        thread = threading.Thread(target=self.serve, name="demo-payments", daemon=True)
        thread.start()
        return thread
